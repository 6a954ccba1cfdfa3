"""The contract of every connector, asked of a Reddit of our own that is shaped like the recorded one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import pytest

from connectors.contract import Kind, Verb
from connectors.faults import FaultProxy
from connectors.reddit import RedditConnector
from connectors.testing import Can, ConnectorContract
from connectors.testing_hostile import HostileContract
from tests.servers.reddit_community import ELSEWHERE, HOME, OTHER, US
from tests.servers.reddit_server import Reddit


class RedditWorld:
    """Our account that moderates one community, somebody else there, and a bad line in between."""

    def __init__(self, server: Reddit, proxy: FaultProxy) -> None:
        self.server, self.proxy = server, proxy
        self.far = server.post(OTHER, "Elsewhere", "Another community.", ELSEWHERE)
        self.secrets = server.sign_in()

        class Here(RedditConnector):
            places = (proxy.url, proxy.url)

        self._kind = Here

    def connector(self) -> RedditConnector:
        values = {"client_id": "an-id", "username": US, "communities": HOME}
        found = self._kind(values, self.secrets)
        found.keep = self.secrets.update
        return found

    def other_says(self, kind: Kind, text: str, parent: str = "") -> str:
        words = text.encode("utf-8", "replace").decode()
        if kind is Kind.DIRECT:
            return self.server.letter(OTHER, words, parent.split(":")[1] if parent else "")
        if kind is Kind.MENTION:
            return self.server.comment(OTHER, f"u/{US} {words}", parent or self.far)
        return self.server.comment(OTHER, words, parent)

    def other_edits(self, message_id: str, text: str) -> None:
        self.server.edit(message_id, text)

    def other_deletes(self, message_id: str) -> None:
        self.server.delete(message_id)

    def sent(self, thread_id: str) -> list[str]:
        if thread_id.startswith("modmail:"):
            held = self.server.mail[thread_id.split(":")[1]]["messages"].values()
            return [
                one["bodyMarkdown"] for one in held if one["author"]["name"] == US and not one["isInternal"]
            ]
        return [thing["body"] for thing in self._ours() if thing["link_id"] == thread_id]

    def public_texts(self) -> list[str]:
        return [thing["body"] for thing in self._ours()]

    def _ours(self) -> list[dict[str, str]]:
        return [thing for thing in self.server.things.values() if thing["author"] == US and "body" in thing]

    def lose_next_answer(self) -> None:
        self.proxy.lose_next_answer()

    def limit_next(self) -> None:
        self.proxy.limit_next()

    def sign_out(self) -> None:
        self.server.sign_out()

    def settle(self) -> None:
        """What is written here is there at once."""

    def secret_values(self) -> Sequence[str]:
        return [self.secrets["access_token"], self.secrets["refresh_token"]]


class TestReddit(ConnectorContract, HostileContract):
    refused = Verb.POLL
    cannot: ClassVar[Mapping[Can, str]] = {
        Can.KEYS: "Reddit takes no key of ours; what arrived is looked up among our own comments."
    }

    @pytest.fixture
    def world(self) -> Iterator[RedditWorld]:
        with Reddit() as server, FaultProxy(server.url) as proxy:
            yield RedditWorld(server, proxy)
