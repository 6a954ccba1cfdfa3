"""The contract of every connector, asked of a server that speaks Mastodon's interface."""

import json
from collections.abc import Iterator, Sequence

import pytest

from connectors.contract import Kind
from connectors.faults import FaultProxy
from connectors.mastodon import MastodonConnector
from connectors.testing import ConnectorContract
from connectors.testing_hostile import HostileContract
from tests.servers.mastodon_network import Network

pytestmark = pytest.mark.platforms


class MastodonWorld:
    """An account of ours, another person on the same server, and a bad line in between."""

    def __init__(self, network: Network, proxy: FaultProxy) -> None:
        self.network = network
        self.proxy = proxy
        self.ours = network.account("ours")
        self.other = network.account("other")
        self.post = self.ours.post("We are here to listen.")
        self.values = {"server": proxy.url}
        self.secrets = MastodonConnector(self.values, {"access_token": self.ours.token}).authorize()

    def connector(self) -> MastodonConnector:
        return MastodonConnector(self.values, self.secrets)

    def other_says(self, kind: Kind, text: str, parent: str = "") -> str:
        words = text.encode("utf-8", "replace").decode()  # the server takes no half characters
        if kind is Kind.DIRECT:
            return self.other.direct(self.ours, words)
        if kind is Kind.MENTION:
            return self.other.mention(self.ours, words)
        return self.other.reply(parent or self.post, words)

    def other_edits(self, message_id: str, text: str) -> None:
        self.other.edit(message_id, text)

    def other_deletes(self, message_id: str) -> None:
        self.other.delete(message_id)

    def sent(self, thread_id: str) -> list[str]:
        return [self.ours.words(one["id"]) for one in self.ours.below(thread_id, self.ours)]

    def public_texts(self) -> list[str]:
        open_ones = [one for one in self.ours.said() if one["visibility"] in ("public", "unlisted")]
        return [self.ours.words(one["id"]) for one in open_ones]

    def lose_next_answer(self) -> None:
        self.proxy.lose_next_answer()

    def limit_next(self) -> None:
        until = "2999-01-01T00:00:00.565127Z"  # as Mastodon says it; a day is the longest that is believed
        body = json.dumps({"error": "Limite atteinte"}).encode()
        headers = {"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": until}
        self.proxy.answer_next(429, body, **headers)

    def sign_out(self) -> None:
        self.ours.sign_out()

    def settle(self) -> None:
        """The server answers for what it took at once: there is nothing to wait for."""

    def secret_values(self) -> Sequence[str]:
        return [self.secrets["access_token"]]


class TestMastodon(ConnectorContract, HostileContract):
    @pytest.fixture
    def world(self, mastodon: Network) -> Iterator[MastodonWorld]:
        with FaultProxy(mastodon.url) as proxy:
            yield MastodonWorld(mastodon, proxy)
