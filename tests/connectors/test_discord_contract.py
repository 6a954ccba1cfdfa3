"""The contract of every connector, asked of a Discord of ours that checks each request."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from connectors.contract import Audience, Command, Kind, Verb
from connectors.discord import DiscordConnector
from connectors.faults import FaultProxy
from connectors.testing import ConnectorContract
from connectors.testing_hostile import HostileContract
from tests.servers.discord_community import BOT, GENERAL, GUILD, MIRA, THREAD
from tests.servers.discord_server import BASE, Discord, running


class DiscordWorld:
    """Our bot's server, everybody who writes there and to the bot, and a bad line in between."""

    def __init__(self, state: Discord, proxy: FaultProxy, place: str = GENERAL) -> None:
        self.state, self.proxy, self.place = state, proxy, place
        self.values = {"api": f"{proxy.url}{BASE}", "servers": GUILD, "people": MIRA}
        self.secrets = {"token": next(iter(state.tokens))}

    def connector(self, **values: str) -> DiscordConnector:
        return DiscordConnector(self.values | values, self.secrets)

    def other_says(self, kind: Kind, text: str, parent: str = "") -> str:
        channel = self.state.direct(MIRA).id if kind is Kind.DIRECT else self.place
        words = f"<@{BOT}> {text}" if kind is Kind.MENTION else text
        about = {"kind": 19, "answers": parent.rpartition("/")[2]} if parent else {}
        made = self.state.say(words, channel, **about)
        return f"{channel}/{made.id}"

    def other_edits(self, message_id: str, text: str) -> None:
        self.state.edit(message_id.rpartition("/")[2], text)

    def other_deletes(self, message_id: str) -> None:
        self.state.delete(message_id.rpartition("/")[2])

    def sent(self, thread_id: str) -> list[str]:
        return [one.content for one in self.state.within(thread_id) if one.author == BOT]

    def public_texts(self) -> list[str]:
        direct = {one.id for one in self.state.channels.values() if one.recipient}
        every = self.state.messages.values()
        return [one.content for one in every if one.author == BOT and one.channel not in direct]

    def lose_next_answer(self) -> None:
        self.proxy.lose_next_answer()

    def limit_next(self) -> None:
        self.proxy.limit_next()

    def sign_out(self) -> None:
        self.state.tokens.clear()

    def settle(self) -> None:
        """What is written in memory is there."""

    def secret_values(self) -> Sequence[str]:
        return [self.secrets["token"]]


def command_for(
    verb: Verb, target: str, text: str = "", at: datetime | None = None, **options: str
) -> Command:
    """A command whose key tells when it was made, as those of the desk do."""
    millis = int((at or datetime.now(UTC)).timestamp() * 1000)
    key = UUID(int=(millis << 80) | (7 << 76) | (2 << 62) | (uuid4().int & ((1 << 62) - 1)))
    return Command(str(key), verb, target, target.partition("/")[0], text, Audience.PUBLIC, options)


class TestChannel(ConnectorContract, HostileContract):
    @pytest.fixture
    def world(self) -> Iterator[DiscordWorld]:
        yield from worlds()


class TestThread(ConnectorContract):
    @pytest.fixture
    def world(self) -> Iterator[DiscordWorld]:
        yield from worlds(in_thread=True)


def worlds(*, in_thread: bool = False) -> Iterator[DiscordWorld]:
    """A server with a bot on it, for one test; at its end every request was one that Discord documents."""
    state = Discord()
    place = state.start_thread("An evening", kind=THREAD).id if in_thread else GENERAL
    with running(state) as server, FaultProxy(f"http://127.0.0.1:{server.server_port}") as proxy:
        yield DiscordWorld(state, proxy, place)
    assert not state.failed
