"""Telegram by a bot of one's own: private chats, groups, topics, channels and the comments below their posts.

Sources: core.telegram.org/bots/api 10.1. A bot has no history and learns of no deletion: it knows what was
written since it came, and a message that nobody fetched within a day is lost.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from connectors.answers import dig, entries, text_at
from connectors.contract import (
    Ability,
    Command,
    Connector,
    Field,
    Page,
    Probe,
    Receipt,
    RemoteGone,
    RemoteMessage,
    Verb,
    verbs,
)
from connectors.errors import Reason, Refused, Unreadable
from connectors.telegram_acts import MOST_TEXT, Acts, utc_now
from connectors.telegram_api import SERVER, Api, whole
from connectors.telegram_members import Members
from connectors.telegram_things import Us, full_name
from connectors.telegram_updates import Memory
from connectors.telegram_walk import Walk

MESSAGES, GROUPS, HISTORY, DELETIONS = "messages", "group_messages", "history", "deletions"
_NO_HISTORY: Final = (
    "Telegram gives a bot no history: it sees what is written from when it came, and loses what was not"
    " fetched within 24 hours."
)
_NO_DELETIONS: Final = (
    "Telegram tells a bot of no deletion: what was deleted there stays here until you forget it."
)
_PRIVACY: Final = (
    "The bot's privacy mode is on: in groups it sees only commands, mentions and answers to it. Make it an"
    " administrator of the group, or turn privacy mode off with BotFather (/setprivacy) and add it anew."
)
_NOTHING: Final = "Telegram's interface for bots has nothing of the kind."
_LACKS: Final = {
    Verb.HIDE: "Telegram cannot hide a message; it can be deleted.",
    Verb.UNHIDE: "Telegram cannot hide a message, nor show one again.",
    Verb.RESTORE: "What was deleted on Telegram cannot be brought back.",
    Verb.SPAM: "A bot cannot report spam. Delete the message, and ban who wrote it.",
    Verb.REPORT: "Messages are reported in Telegram itself only.",
    **dict.fromkeys((Verb.RESOLVE, Verb.ESCALATE, Verb.LABEL, Verb.UNLABEL), _NOTHING),
}
_CAN: Final = frozenset(Verb) - frozenset(_LACKS)


class TelegramConnector(Connector):
    """One bot. Its queue has one reader, and reading on deletes what was read: see `telegram_walk`."""

    platform = "telegram"
    name = "Telegram"
    fields = (
        Field(
            "token",
            "Bot token",
            "BotFather (t.me/BotFather) gives it to you for /newbot. Whoever has it is the bot.",
            secret=True,
        ),
        Field(
            "server",
            "Server",
            "Only if you run a Bot API server of your own.",
            required=False,
            default=SERVER,
        ),
    )
    streams = (MESSAGES, GROUPS, HISTORY, DELETIONS)
    poll_seconds = 15
    tested_on: ClassVar[Mapping[Verb, str]] = dict.fromkeys(_CAN, "specification")
    lacks = _LACKS
    now: ClassVar[Callable[[], datetime]] = staticmethod(utc_now)

    def __init__(self, values: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        super().__init__(values, secrets)
        token = secrets.get("token", "").strip()
        self._api = Api(values.get("server") or SERVER, token, type(self).now)
        self._id = int(token.partition(":")[0]) if token.partition(":")[0].isdecimal() else 0
        self._memory = Memory()
        for group in _groups(secrets.get("groups", "")):
            self._memory.enter(group)
        self._told = self.secrets.get("groups", "")
        self._sent: list[tuple[Any, bool]] = []

    # ------------------------------------------------------------------ who and what

    def authorize(self) -> Mapping[str, str]:
        """Ask whose token it is; the bot's name is kept beside it, to know when it is meant."""
        found = self._me()
        self.secrets = {"token": self.secrets["token"].strip(), "username": text_at(found, "username")}
        return dict(self.secrets)

    def _me(self) -> Any:
        found = self._api.read("getMe")
        if whole(found, "id") != self._id or dig(found, "is_bot") is not True:
            raise Unreadable("Telegram did not say whose token this is")
        return found

    def _us(self) -> Us:
        name = self.secrets.get("username") or text_at(self._me(), "username")
        self.secrets["username"] = name
        return Us(self._id, name)

    def probe(self) -> Probe:
        found = self._me()
        everything = dig(found, "can_read_all_group_messages") is True
        groups = Ability(can=True) if everything else Ability(can=False, why_not=_PRIVACY)
        name = text_at(found, "username")
        return Probe(
            account_id=str(self._id),
            handle=f"@{name}",
            name=full_name(found),
            server=self._api.server,
            verbs=verbs(_CAN, _LACKS | Members(self._api, self._id).nowhere(self._memory)),
            streams={
                MESSAGES: Ability(can=True),
                GROUPS: groups,
                HISTORY: Ability(can=False, why_not=_NO_HISTORY),
                DELETIONS: Ability(can=False, why_not=_NO_DELETIONS),
            },
            max_text=MOST_TEXT,
        )

    # ------------------------------------------------------------------ reading

    def pull(self, stream: str, state: str, since: datetime | None = None) -> Iterator[Page]:
        """Bring all that waits in the bot's one queue; what it holds of groups comes with the rest."""
        if stream == MESSAGES:
            yield from Walk(self._api, self._us(), self._memory, self._sent, type(self).now).pull(
                stream, state, since
            )

    def fetch(self, ids: Sequence[str]) -> list[RemoteMessage | RemoteGone]:
        """Telegram says of no message whether it still stands."""
        del ids
        return []

    def thread(self, message_id: str) -> list[RemoteMessage]:
        del message_id
        raise Refused(Reason.UNSUPPORTED, _NO_HISTORY)

    # ------------------------------------------------------------------ acting

    def perform(self, command: Command) -> Receipt:
        """Do it; nothing tells whether it was done before."""
        if command.verb not in _CAN:
            raise Refused(Reason.UNSUPPORTED, _LACKS[command.verb])
        return self._acts().perform(command)

    def find_sent(self, command: Command) -> Receipt | None:
        """None also where doing it again changes nothing; CannotTell for whatever would be there twice."""
        return self._acts().find_sent(command)

    def _acts(self) -> Acts:
        return Acts(self._api, self._id, self._sent)

    def fresh_secrets(self) -> Mapping[str, str] | None:
        """The groups that the bot is in: Telegram lists them nowhere."""
        now = json.dumps(sorted(self._memory.groups))
        if now == self._told or not (self._memory.groups or self._told):
            return None
        self._told = self.secrets["groups"] = now
        return dict(self.secrets)

    def close(self) -> None:
        self._memory.forget()
        self._api.close()


def _groups(kept: str) -> list[int]:
    try:
        return (
            [one for one in entries({"all": json.loads(kept)}, "all") if isinstance(one, int)] if kept else []
        )
    except ValueError:
        return []
