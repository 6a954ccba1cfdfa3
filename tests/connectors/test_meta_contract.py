"""The contract of every connector, asked of a Graph API of ours that checks each request."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import UUID, uuid4

import pytest

from connectors.contract import Audience, Command, Kind, Verb
from connectors.faults import FaultProxy
from connectors.meta import MetaConnector
from connectors.meta_things import Place
from connectors.testing import Can, ConnectorContract
from connectors.testing_hostile import HostileContract
from tests.servers.meta_community import GRAM, PAGE, SECRET
from tests.servers.meta_server import Meta, running

_NO_KEY = "Meta takes no key with a comment or a message; its words are looked for."


class MetaWorld:
    """Our Page and Instagram account, everybody who writes to them, and a bad line in between."""

    def __init__(self, state: Meta, proxy: FaultProxy, *, gram: bool = False) -> None:
        self.state, self.proxy = state, proxy
        self.comments = Place.INSTAGRAM if gram else Place.PAGE
        self.inbox = Place.INSTAGRAM_DIRECT if gram else Place.MESSENGER
        self.values = {"graph": proxy.url}
        state.secret = SECRET
        pasted = {"token": "page-token", "app_secret": SECRET}
        self.secrets = dict(MetaConnector(self.values, pasted).authorize())

    def connector(self) -> MetaConnector:
        return MetaConnector(self.values, self.secrets)

    def other_says(self, kind: Kind, text: str, parent: str = "") -> str:
        words = text.encode("utf-8", "replace").decode().replace("\0", "")
        if kind is Kind.DIRECT:
            platform = "instagram" if self.inbox is Place.INSTAGRAM_DIRECT else "messenger"
            conversation, key = self.state.write(words, platform)
            return f"{self.inbox}:{conversation}/{key}"
        post = "18001" if self.comments is Place.INSTAGRAM else "1001_5"
        return f"{self.comments}:{self.state.say(words, parent.partition(':')[2], post=post)}"

    def other_edits(self, message_id: str, text: str) -> None:
        self.state.comments[message_id.partition(":")[2]].text = text

    def other_deletes(self, message_id: str) -> None:
        self.state.delete(message_id.partition(":")[2].rpartition("/")[2])

    def sent(self, thread_id: str) -> list[str]:
        key = thread_id.partition(":")[2]
        conversation = self.state.conversations.get(key)
        if conversation is not None:
            return [one.text for one in conversation.messages if one.author in (PAGE, GRAM)]
        every = self.state.comments.values()
        return [one.text for one in every if one.author in (PAGE, GRAM) and one.parent == key]

    def public_texts(self) -> list[str]:
        return [one.text for one in self.state.comments.values() if one.author in (PAGE, GRAM)]

    def lose_next_answer(self) -> None:
        self.proxy.lose_next_answer()

    def limit_next(self) -> None:
        self.proxy.limit_next()

    def sign_out(self) -> None:
        self.state.tokens.clear()

    def settle(self) -> None:
        """What is written in memory is there."""

    def secret_values(self) -> Sequence[str]:
        return [self.secrets["access_token"], self.secrets["app_secret"]]

    def direct(self, platform: str = "messenger", at: datetime | None = None) -> str:
        """Somebody writes to us."""
        conversation, key = self.state.write("Is anybody there?", platform, at=at)
        return f"{'fbm' if platform == 'messenger' else 'igm'}:{conversation}/{key}"

    def private_texts(self) -> list[str]:
        every = [one for found in self.state.conversations.values() for one in found.messages]
        return [one.text for one in every if one.author in (PAGE, GRAM)]


def ago(**span: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) - timedelta(**span)


def command_for(verb: Verb, target: str, text: str = "", audience: Audience = Audience.PUBLIC) -> Command:
    """A command whose key tells when it was made, as those of the desk do."""
    millis = int(datetime.now(UTC).timestamp() * 1000)
    key = UUID(int=(millis << 80) | (7 << 76) | (2 << 62) | (uuid4().int & ((1 << 62) - 1)))
    return Command(str(key), verb, target, target, text, audience)


class _Both(ConnectorContract, HostileContract):
    kinds = (Kind.COMMENT, Kind.DIRECT)
    refused = Verb.LOCK
    gram: ClassVar[bool] = False

    @pytest.fixture
    def world(self) -> Iterator[MetaWorld]:
        state = Meta()
        with running(state) as server, FaultProxy(f"http://127.0.0.1:{server.server_port}") as proxy:
            yield MetaWorld(state, proxy, gram=self.gram)


class TestPage(_Both):
    cannot = {Can.KEYS: _NO_KEY}  # noqa: RUF012 - read only


class TestInstagram(_Both):
    gram = True
    cannot = {  # noqa: RUF012 - read only
        Can.KEYS: _NO_KEY,
        Can.EDITS: "Nobody can edit a comment on Instagram.",
    }
