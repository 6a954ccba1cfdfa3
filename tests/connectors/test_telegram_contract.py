"""The contract of every connector, asked of a Bot API of ours that checks each request."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from connectors.contract import Audience, Command, Kind, Page, Verb
from connectors.faults import FaultProxy
from connectors.telegram import MESSAGES, TelegramConnector
from connectors.telegram_things import Place, Ref
from connectors.testing import Can, ConnectorContract, messages_of
from connectors.testing_hostile import HostileContract
from tests.servers.telegram_community import BOT_NAME, PUBLIC, ROBIN, TOKEN
from tests.servers.telegram_server import Telegram, running


class TelegramWorld:
    """Our bot, everybody who writes where it is, and a bad line in between."""

    def __init__(self, state: Telegram, proxy: FaultProxy) -> None:
        self.state, self.proxy = state, proxy
        self.values = {"server": proxy.url}
        self.secrets = dict(TelegramConnector(self.values, {"token": TOKEN}).authorize())

    def connector(self) -> TelegramConnector:
        return TelegramConnector(self.values, self.secrets)

    def other_says(self, kind: Kind, text: str, parent: str = "") -> str:
        words = text.replace("\0", "")
        chat = ROBIN if kind is Kind.DIRECT else PUBLIC
        before = Ref.of(parent).message if parent else 0
        if kind is not Kind.MENTION:
            return f"{chat}:{self.state.say(chat, ROBIN, words, before)}:{ROBIN}"
        name = f"@{BOT_NAME}"
        marked = [{"type": "mention", "offset": 0, "length": len(name)}]
        return f"{chat}:{self.state.say(chat, ROBIN, f'{name} {words}', before, entities=marked)}:{ROBIN}"

    def other_edits(self, message_id: str, text: str) -> None:
        ref = Ref.of(message_id)
        self.state.edit(ref.chat, ref.message, text)

    def other_deletes(self, message_id: str) -> None:
        ref = Ref.of(message_id)
        self.state.delete(ref.chat, ref.message)

    def sent(self, thread_id: str) -> list[str]:
        return self.state.ours(Place.of(thread_id).chat)

    def public_texts(self) -> list[str]:
        return [text for chat in self.state.chats if chat < 0 for text in self.state.ours(chat)]

    def lose_next_answer(self) -> None:
        self.proxy.lose_next_answer()

    def limit_next(self) -> None:
        self.proxy.limit_next()

    def sign_out(self) -> None:
        self.state.tokens.clear()

    def settle(self) -> None:
        """What is written in memory is there."""

    def secret_values(self) -> Sequence[str]:
        return [TOKEN, TOKEN.partition(":")[2]]


def command_for(verb: Verb, target: str, text: str = "", thread: str = "", **options: str) -> Command:
    """A command whose key tells when it was made, as those of the desk do."""
    millis = int(datetime.now(UTC).timestamp() * 1000)
    key = UUID(int=(millis << 80) | (7 << 76) | (2 << 62) | (uuid4().int & ((1 << 62) - 1)))
    audience = Audience.PUBLIC if target.startswith("-") else Audience.PRIVATE
    return Command(str(key), verb, target, thread or target.partition(":")[0], text, audience, options)


def pull(world: TelegramWorld, state: str = "", connector: TelegramConnector | None = None) -> list[Page]:
    return list((connector or world.connector()).pull(MESSAGES, state))


def texts(pages: list[Page]) -> list[str]:
    return [one.text for one in messages_of(pages)]


class TestTelegram(ConnectorContract, HostileContract):
    kinds = (Kind.COMMENT, Kind.MENTION, Kind.DIRECT)
    cannot = {  # noqa: RUF012 - read only
        Can.KEYS: "Telegram takes no key with a message.",
        Can.LOOK_UP: "Telegram shows a bot none of its own messages.",
        Can.FETCH: "A bot cannot ask for a message.",
        Can.DELETIONS: "A bot learns of no deletion.",
    }

    @pytest.fixture
    def world(self) -> Iterator[TelegramWorld]:
        state = Telegram()
        with running(state) as server, FaultProxy(f"http://127.0.0.1:{server.server_port}") as proxy:
            yield TelegramWorld(state, proxy)
