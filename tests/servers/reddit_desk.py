"""A connector on a Reddit of our own, and short ways to ask it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pytest

from connectors.contract import (
    Audience,
    Command,
    Page,
    Receipt,
    RemoteMessage,
    Verb,
)
from connectors.reddit import RedditConnector
from connectors.testing import fetch_one, messages_of, new_key
from tests.servers.reddit_community import HOME, US
from tests.servers.reddit_server import Reddit


@dataclass
class OnReddit:
    server: Reddit
    connector: RedditConnector

    def pull(self, stream: str, state: str = "", since: datetime | None = None) -> list[Page]:
        return list(self.connector.pull(stream, state, since))

    def messages(self, stream: str) -> list[RemoteMessage]:
        return messages_of(self.pull(stream))

    def do(self, verb: Verb, target: str, text: str = "", thread: str = "", **options: str) -> Receipt:
        audience = Audience.PRIVATE if target.startswith("modmail:") else Audience.PUBLIC
        return self.connector.perform(Command(new_key(), verb, target, thread, text, audience, options))

    def form(self, path: str) -> dict[str, str]:
        """What was last sent there."""
        (form,) = [sent for method, at, _, sent in self.server.requests if method == "POST" and at == path][
            -1:
        ]
        return form

    def message(self, message_id: str) -> RemoteMessage:
        found = fetch_one(self.connector, message_id)
        assert isinstance(found, RemoteMessage)
        return found


def made(server: Reddit, secrets: dict[str, str] | None = None) -> RedditConnector:
    class Here(RedditConnector):
        places = (server.url, server.url)

    values = {"client_id": "an-id", "username": f"u/{US}", "communities": f"r/{HOME}"}
    return Here(values, server.sign_in() if secrets is None else secrets)


@pytest.fixture
def reddit() -> Iterator[OnReddit]:
    with Reddit() as server:
        connector = made(server)
        yield OnReddit(server, connector)
        connector.close()
