"""The contract of every connector, asked of a Discourse of ours that checks each request."""

from collections.abc import Iterator, Sequence
from secrets import token_hex

import pytest

from connectors.contract import Kind, Page, Verb
from connectors.discourse import DiscourseConnector
from connectors.errors import TryLater
from connectors.faults import FaultProxy
from connectors.testing import Can, ConnectorContract
from connectors.testing_hostile import HostileContract
from tests.servers.discourse_answers import Discourse
from tests.servers.discourse_forum import OURS, ROBIN
from tests.servers.discourse_server import running


class DiscourseWorld:
    """A forum, its members, our account on it, and a bad line in between."""

    def __init__(self, state: Discourse, proxy: FaultProxy) -> None:
        self.state, self.proxy = state, proxy
        self.values = {"address": proxy.url}
        self.secrets = {"user_api_key": token_hex(32), "client_id": token_hex(16)}
        state.keys[self.secrets["user_api_key"]] = OURS

    def connector(self) -> DiscourseConnector:
        return DiscourseConnector(self.values, self.secrets)

    def other_says(self, kind: Kind, text: str, parent: str = "") -> str:
        words = text.encode("utf-8", "replace").decode().replace("\0", "")
        if parent:
            post = self.state.posts[int(parent)]
            return str(self.state.say(words, post.topic, ROBIN, post.number).id)
        if kind is Kind.DIRECT:
            return str(self.state.open_direct("Are you there?", words, ROBIN, {OURS}).id)
        said = f"@harbour {words}" if kind is Kind.MENTION else words
        return str(self.state.say(said, self.state.home).id)

    def other_edits(self, message_id: str, text: str) -> None:
        self.state.edit(int(message_id), text)

    def other_deletes(self, message_id: str) -> None:
        self.state.posts[int(message_id)].user_deleted = True

    def sent(self, thread_id: str) -> list[str]:
        every = self.state.posts.values()
        return [
            one.raw for one in every if one.user == OURS and str(one.topic) == thread_id and not one.deleted
        ]

    def public_texts(self) -> list[str]:
        every = [one for one in self.state.posts.values() if one.user == OURS]
        return [one.raw for one in every if not self.state.topics[one.topic].direct]

    def lose_next_answer(self) -> None:
        self.proxy.lose_next_answer()

    def limit_next(self) -> None:
        self.proxy.limit_next()

    def sign_out(self) -> None:
        self.state.keys.clear()

    def settle(self) -> None:
        """What is written in memory is there."""

    def secret_values(self) -> Sequence[str]:
        return [self.secrets["user_api_key"]]


def read_by_the_minute(world: DiscourseWorld, stream: str) -> list[Page]:
    """What a stream brings to a key that may ask six times before it has to wait."""
    state, pages = "", []
    for _ in range(20):
        world.state.left = 6
        try:
            for page in world.connector().pull(stream, state):
                pages.append(page)
                state = page.state
        except TryLater:
            continue
        world.state.left = None
        return pages
    raise AssertionError("a pull that is broken off never ends")


class TestDiscourse(ConnectorContract, HostileContract):
    kinds = (Kind.COMMENT, Kind.MENTION, Kind.DIRECT)
    refused = Verb.KICK
    cannot = {  # noqa: RUF012 - read only
        Can.KEYS: "Discourse takes no key with a post; its words are looked for.",
    }

    @pytest.fixture
    def world(self) -> Iterator[DiscourseWorld]:
        state = Discourse()
        with running(state) as server, FaultProxy(server.url) as proxy:
            yield DiscourseWorld(state, proxy)
