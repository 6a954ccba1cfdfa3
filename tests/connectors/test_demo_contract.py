"""The demo connector passes the suite that every connector passes."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.contract import Audience, Connector, Kind, Verb
from connectors.demo import DemoConnector, DemoPlatform, Fault
from connectors.testing import ConnectorContract


class DemoWorld:
    """A demo platform whose clock moves on with every message, as clocks do."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
        self.platform = DemoPlatform(lambda: self.now)
        self.ours = self.platform.say("@harbourlights", "How is everyone?", title="Check-in")
        self.secrets = {"token": self.platform.sign_in()}
        self.writers = 0

    def connector(self) -> Connector:
        return DemoConnector.on(self.platform, self.secrets)

    def other_says(self, kind: Kind, text: str, parent: str = "") -> str:
        self.now += timedelta(seconds=1)
        self.writers += 1
        who = f"@writer{self.writers}"
        if kind is Kind.DIRECT:
            return self.platform.direct(who, text)
        if kind is Kind.REPORT:
            return self.platform.report(who, self.ours, "other", text)
        root = parent or self.platform.say(who, "A thread", title="A thread")
        self.now += timedelta(seconds=1)
        ending = " @harbourlights" if kind is Kind.MENTION else ""
        if kind is Kind.POST:
            return self.platform.say(who, text)
        return self.platform.say(who, f"{text}{ending}", parent=root)

    def other_edits(self, message_id: str, text: str) -> None:
        self.platform.edit(message_id, text)

    def other_deletes(self, message_id: str) -> None:
        self.platform.delete(message_id)

    def sent(self, thread_id: str) -> list[str]:
        return [m.text for m in self.platform.messages_sent_by_us(thread_id)]

    def public_texts(self) -> list[str]:
        everything = self.platform.all_messages()
        return [m.text for m in everything if m.ours and m.audience is Audience.PUBLIC]

    def lose_next_answer(self) -> None:
        self.platform.fail_next(Fault.LOST_ANSWER)

    def limit_next(self) -> None:
        self.platform.fail_next(Fault.RATE_LIMIT)

    def sign_out(self) -> None:
        self.platform.sign_out()

    def settle(self) -> None:
        """Nothing to wait for: what is written in memory is there."""

    def secret_values(self) -> list[str]:
        return list(self.secrets.values())


class TestDemo(ConnectorContract):
    kinds = (Kind.COMMENT, Kind.MENTION, Kind.DIRECT)
    refused = Verb.KICK

    @pytest.fixture
    def world(self) -> DemoWorld:
        return DemoWorld()
