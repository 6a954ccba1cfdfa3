"""The contract of every connector, asked of a real Matrix server."""

import json
from collections.abc import Iterator, Sequence

import pytest

from connectors.contract import Kind
from connectors.faults import FaultProxy
from connectors.matrix import MatrixConnector
from connectors.testing import ConnectorContract
from connectors.testing_hostile import HostileContract
from tests.servers.synapse_network import Network

pytestmark = pytest.mark.platforms


class MatrixWorld:
    """An account of ours on a real server, another person there, and a bad line in between."""

    def __init__(self, network: Network, proxy: FaultProxy) -> None:
        self.network = network
        self.proxy = proxy
        self.ours = network.account("ours", admin=True)
        self.other = network.account("other")
        self.room = self.ours.room("Harbour")
        self.other.join(self.room)
        self.private = self.other.direct_room(self.ours)
        # The server would name its own address, and everything would go past the proxy.
        proxy.answer_next(404, b'{"errcode": "M_NOT_FOUND"}', ".well-known")
        self.values = {"server": proxy.url, "user": self.ours.id}
        self.secrets = MatrixConnector(self.values, {"password": self.ours.password}).authorize()

    def connector(self) -> MatrixConnector:
        return MatrixConnector(self.values, self.secrets)

    def other_says(self, kind: Kind, text: str, parent: str = "") -> str:
        words = text.encode("utf-8", "replace").decode()  # the server takes no half characters
        if kind is Kind.DIRECT:
            return self.other.say(self.private, words)
        if kind is Kind.MENTION:
            return self.other.mention(self.room, self.ours, words)
        return self.other.reply(parent, words) if parent else self.other.say(self.room, words)

    def other_edits(self, message_id: str, text: str) -> None:
        self.other.edit(message_id, text)

    def other_deletes(self, message_id: str) -> None:
        self.other.redact(message_id)

    def sent(self, thread_id: str) -> list[str]:
        room, _, event = thread_id.partition("/")
        said = self.ours.said(room)
        if event:
            said = [e for e in said if e["content"].get("m.relates_to", {}).get("event_id") == event]
        return [e["content"]["body"] for e in said]

    def public_texts(self) -> list[str]:
        return [event["content"]["body"] for event in self.ours.said(self.room)]

    def lose_next_answer(self) -> None:
        self.proxy.lose_next_answer()

    def limit_next(self) -> None:
        body = {"errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests", "retry_after_ms": 60_000}
        self.proxy.answer_next(429, json.dumps(body).encode())

    def sign_out(self) -> None:
        self.ours.sign_out_everywhere()

    def settle(self) -> None:
        self.network.settle()

    def secret_values(self) -> Sequence[str]:
        return [self.ours.password, self.secrets["access"], self.secrets["refresh"]]


class TestMatrix(ConnectorContract, HostileContract):
    @pytest.fixture
    def world(self, synapse: Network) -> Iterator[MatrixWorld]:
        with FaultProxy(synapse.url) as proxy:
            yield MatrixWorld(synapse, proxy)
