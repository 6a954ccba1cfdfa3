"""The contract of every connector, asked of a YouTube of ours that checks each request."""

from collections.abc import Iterator, Sequence

import pytest

from connectors.contract import Audience, Kind, Verb
from connectors.faults import FaultProxy
from connectors.testing import Can, ConnectorContract
from connectors.testing_hostile import HostileContract
from connectors.youtube import YoutubeConnector
from tests.servers.youtube_server import OURS, YouTube, running


class YoutubeWorld:
    """Our channel, everybody who comments on it, and a bad line in between."""

    def __init__(self, state: YouTube, proxy: FaultProxy) -> None:
        self.state, self.proxy = state, proxy
        self.values = {
            "client_id": "us",
            "api": proxy.url,
            "accounts": proxy.url,
            "consent": f"{proxy.url}/consent",
        }

        class Agreeing(YoutubeConnector):
            """Its browser belongs to an owner who agrees at once."""

            open_page = staticmethod(state.agree)

        self._kind = Agreeing
        self.secrets = dict(Agreeing(self.values, {"client_secret": "shipped"}).authorize())

    def connector(self) -> YoutubeConnector:
        return self._kind(self.values, self.secrets)

    def other_says(self, kind: Kind, text: str, parent: str = "") -> str:
        assert kind is Kind.COMMENT
        words = text.encode("utf-8", "replace").decode().replace("\0", "")
        return self.state.say(words, parent)

    def other_edits(self, message_id: str, text: str) -> None:
        self.state.edit(message_id, text)

    def other_deletes(self, message_id: str) -> None:
        self.state.delete(message_id)

    def sent(self, thread_id: str) -> list[str]:
        every = self.state.comments.values()
        return [one.text for one in every if one.author == OURS and one.parent == thread_id]

    def public_texts(self) -> list[str]:
        return [one.text for one in self.state.comments.values() if one.author == OURS]

    def lose_next_answer(self) -> None:
        self.proxy.lose_next_answer()

    def limit_next(self) -> None:
        self.proxy.limit_next()

    def sign_out(self) -> None:
        self.state.sign_out()

    def settle(self) -> None:
        """What is written in memory is there."""

    def secret_values(self) -> Sequence[str]:
        return [self.secrets["access_token"], self.secrets["refresh_token"]]


class TestYoutube(ConnectorContract, HostileContract):
    kinds = (Kind.COMMENT,)
    refused = Verb.LOCK
    cannot = {  # noqa: RUF012 - read only
        Can.PRIVATE: "YouTube has no direct messages.",
        Can.KEYS: "YouTube takes no key with a comment; its words are looked for.",
    }

    @pytest.fixture
    def world(self) -> Iterator[YoutubeWorld]:
        state = YouTube(units=10**9)
        with running(state) as server, FaultProxy(f"http://127.0.0.1:{server.server_port}") as proxy:
            yield YoutubeWorld(state, proxy)

    def unknown_id(self, world: YoutubeWorld, like: str) -> str:
        del world, like
        return "Ug-nobody"

    def test_everything_is_public(self, world: YoutubeWorld) -> None:
        key = world.other_says(Kind.COMMENT, "Good evening")
        (found,) = world.connector().fetch([key])
        assert getattr(found, "audience", None) is Audience.PUBLIC
