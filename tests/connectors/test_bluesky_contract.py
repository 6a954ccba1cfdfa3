"""The contract of every connector, asked of Bluesky's real servers."""

from collections.abc import Iterator, Sequence

import pytest

from connectors.bluesky import BlueskyConnector
from connectors.contract import Kind
from connectors.faults import FaultProxy
from connectors.testing import ConnectorContract
from connectors.testing_hostile import HostileContract
from tests.servers.bluesky_network import Network

pytestmark = pytest.mark.platforms


class BlueskyWorld:
    """An account of ours on the real network, another person there, and a bad line in between."""

    def __init__(self, network: Network, proxy: FaultProxy) -> None:
        self.network = network
        self.proxy = proxy
        self.ours = network.account("ours")
        self.other = network.account("other")
        self.ours_post = self.ours.post("We are here to listen.")
        self.network.settle()  # an answer that is indexed before what it answers is never announced
        self.values = {"server": proxy.url, "handle": self.ours.handle}
        password = {"app_password": self.ours.app_password()}
        self.secrets = BlueskyConnector(self.values, password).authorize()

    def connector(self) -> BlueskyConnector:
        return BlueskyConnector(self.values, self.secrets)

    def other_says(self, kind: Kind, text: str, parent: str = "") -> str:
        # The network's own database cannot hold these two; they never reach anybody.
        words = text.encode("utf-8", "replace").decode().replace("\0", "")
        if kind is Kind.DIRECT:
            return self.other.direct(self.ours, words)
        if kind is Kind.MENTION:
            return self._mention(words, parent)
        return self.other.reply(parent or self.ours_post, words)

    def _mention(self, words: str, parent: str) -> str:
        """Words last, as they came: the tests look at how a text ends."""
        handle = f"@{self.ours.handle}"
        feature = {"$type": "app.bsky.richtext.facet#mention", "did": self.ours.did}
        facets = [{"index": {"byteStart": 0, "byteEnd": len(handle)}, "features": [feature]}]
        text = f"{handle} {words}"
        if parent:
            return self.other.reply(parent, text, facets=facets)
        return self.other.post(text, facets=facets)

    def other_edits(self, message_id: str, text: str) -> None:
        self.other.edit(message_id, text)

    def other_deletes(self, message_id: str) -> None:
        self.other.delete(message_id)

    def sent(self, thread_id: str) -> list[str]:
        if thread_id.startswith("at://"):
            answers = [post for post in self.ours.posts() if "reply" in post]
            return [post["text"] for post in answers if post["reply"]["root"]["uri"] == thread_id]
        messages = self.ours.directs(thread_id)
        return [m["text"] for m in reversed(messages) if m["sender"]["did"] == self.ours.did]

    def public_texts(self) -> list[str]:
        return [post["text"] for post in self.ours.posts()]

    def lose_next_answer(self) -> None:
        self.proxy.lose_next_answer()

    def limit_next(self) -> None:
        self.proxy.limit_next()

    def sign_out(self) -> None:
        """Revoke the app password, and let the tokens be as old as they get."""
        self.ours.revoke()
        self.proxy.spoil_tokens = True

    def settle(self) -> None:
        self.network.settle()

    def secret_values(self) -> Sequence[str]:
        return [value for key, value in self.secrets.items() if key != "did"]


class TestBluesky(ConnectorContract, HostileContract):
    @pytest.fixture
    def world(self, network: Network) -> Iterator[BlueskyWorld]:
        with FaultProxy(network.pds) as proxy:
            yield BlueskyWorld(network, proxy)
