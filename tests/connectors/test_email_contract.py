"""The contract of every connector, asked of a real mail provider."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

import pytest

from connectors.contract import Kind, Verb
from connectors.email import EmailConnector
from connectors.testing import Can, ConnectorContract
from tests.servers.mail_network import Line, Provider

pytestmark = pytest.mark.platforms


class EmailWorld:
    """A mailbox of ours, another person, and a line to the sending server that can be cut."""

    def __init__(self, provider: Provider, line: Line) -> None:
        self.provider, self.line = provider, line
        self.ours, self.other = provider.account("harbour"), provider.account("mira")
        self.values = {
            "address": self.ours.address,
            "imap": provider.imaps,
            "smtp": f"smtps://localhost:{line.port}",
        }
        self.secrets = EmailConnector(self.values, {"password": self.ours.password}).authorize()

    def connector(self) -> EmailConnector:
        return EmailConnector(self.values, self.secrets)

    def other_says(self, kind: Kind, text: str, parent: str = "") -> str:
        assert kind is Kind.DIRECT
        words = text.encode("utf-8", "replace").decode()
        if parent:
            return self.other.answer(self.ours.address, words, parent)
        return self.other.write(self.ours.address, words)

    def other_edits(self, message_id: str, text: str) -> None:
        raise NotImplementedError

    def other_deletes(self, message_id: str) -> None:
        """A colleague throws it away in the same mailbox."""
        self.ours.delete(message_id)

    def sent(self, thread_id: str) -> list[str]:
        return [
            mail.get_content().replace("\r\n", "\n").strip()
            for mail in self.other.mails()
            if thread_id in str(mail["References"]) and self.ours.address in str(mail["From"])
        ]

    def public_texts(self) -> list[str]:
        return []

    def lose_next_answer(self) -> None:
        self.line.cut_before = b"250 2.0.0 queued"

    def limit_next(self) -> None:
        raise NotImplementedError

    def sign_out(self) -> None:
        self.ours.change_password()

    def settle(self) -> None:
        """What was handed in is delivered at once."""

    def secret_values(self) -> Sequence[str]:
        return list(self.secrets.values())


class TestEmail(ConnectorContract):
    kinds = (Kind.DIRECT,)
    cannot: ClassVar = {
        Can.EDITS: "A mail never changes.",
        Can.RETRACT: "What was sent cannot be taken back.",
        Can.LIMIT: "A mail server that has enough does not say until when.",
    }
    refused = Verb.HIDE

    @pytest.fixture
    def world(self, provider: Provider) -> Iterator[EmailWorld]:
        with Line(provider, provider.port + 3) as line:
            yield EmailWorld(provider, line)
