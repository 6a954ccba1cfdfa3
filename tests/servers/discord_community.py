"""A Discord server of ours in memory: people, roles, channels, threads and messages, and who may do what."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

EPOCH: Final = datetime(2015, 1, 1, tzinfo=UTC)
BOT: Final = "900000000000000001"
GUILD: Final = "700000000000000001"
ROLE: Final = "710000000000000001"  # the bot's
GENERAL: Final = "720000000000000001"
STAFF: Final = "720000000000000002"
FORUM: Final = "720000000000000003"
VOICE: Final = "720000000000000004"
NEWS: Final = "720000000000000005"
MIRA: Final = "800000000000000001"
TOBI: Final = "800000000000000002"
HOOK: Final = "730000000000000001"
NONCE_FOR: Final = timedelta(minutes=5)

TEXT, DIRECT, SPEECH, ANNOUNCED, THREAD, PRIVATE, POSTS = 0, 1, 2, 5, 11, 12, 15
THREADS: Final = (10, THREAD, PRIVATE)
BITS: Final = {
    "kick": 1 << 1,
    "ban": 1 << 2,
    "administrator": 1 << 3,
    "react": 1 << 6,
    "view": 1 << 10,
    "send": 1 << 11,
    "manage": 1 << 13,
    "history": 1 << 16,
    "connect": 1 << 20,
    "manage_threads": 1 << 34,
    "send_in_threads": 1 << 38,
    "moderate": 1 << 40,
    "polls": 1 << 49,
}
EVERYONE_MAY: Final = ("view", "history", "send", "send_in_threads", "react", "polls", "connect")
BOT_MAY: Final = ("kick", "ban", "manage", "manage_threads", "moderate")


class Refusal(Exception):
    """One of Discord's refusals."""

    def __init__(self, status: int, code: int, errors: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code, self.errors = status, code, errors


@dataclass(slots=True)
class User:
    id: str
    username: str
    shown: str = ""
    bot: bool = False


@dataclass(slots=True)
class Channel:
    id: str
    kind: int
    name: str = ""
    parent: str = ""
    recipient: str = ""
    overwrites: list[dict[str, Any]] = field(default_factory=list)
    last: str = ""
    locked: bool = False
    archived: bool = False
    archived_at: datetime | None = None
    members: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Poll:
    question: str
    answers: list[str]
    expiry: datetime
    several: bool = False
    votes: dict[str, list[int]] = field(default_factory=dict)
    final: bool = False


@dataclass(slots=True)
class Message:
    id: str
    channel: str
    author: str
    content: str
    at: datetime
    kind: int = 0
    edited: datetime | None = None
    answers: str = ""
    poll: Poll | None = None
    reactions: dict[str, set[str]] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)


class Community:
    """The state, and what people do in it. `skew` moves the server's clock."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.skew = timedelta()
        self._last = 0
        self.tokens = {"bot-token-of-the-harbour": BOT}
        self.flags = 1 << 19
        self.users = {
            BOT: User(BOT, "harbour-light", bot=True),
            MIRA: User(MIRA, "mira", "Mira Sand"),
            TOBI: User(TOBI, "tobi"),
        }
        self.members: dict[str, datetime | None] = dict.fromkeys((BOT, MIRA, TOBI))
        self.bans: dict[str, str] = {}
        self.roles = {GUILD: bits(*EVERYONE_MAY), ROLE: bits(*BOT_MAY)}
        self.bot_roles = [ROLE]
        self.channels = {
            one.id: one
            for one in (
                Channel(GENERAL, TEXT, "general"),
                Channel(STAFF, TEXT, "staff"),
                Channel(FORUM, POSTS, "questions"),
                Channel(VOICE, SPEECH, "Evening call"),
                Channel(NEWS, ANNOUNCED, "news"),
            )
        }
        self.messages: dict[str, Message] = {}
        self.no_letters: set[str] = set()  # who takes no direct messages
        self.nonces: dict[tuple[str, str], tuple[str, datetime]] = {}
        self.audit: list[tuple[str, str]] = []
        self.opened: list[str] = []

    # ------------------------------------------------------------------ what people do

    def now(self) -> datetime:
        return datetime.now(UTC) + self.skew

    def new_id(self, at: datetime | None = None) -> str:
        """A snowflake, each higher than the last unless it is of an earlier moment."""
        millis = ((at or self.now()) - EPOCH) // timedelta(milliseconds=1)
        number = millis << 22
        if at is None:
            number = max(number, self._last + 1)
            self._last = number
        while str(number) in self.messages or str(number) in self.channels:
            number += 1
        return str(number)

    def say(
        self, text: str, channel: str = GENERAL, by: str = MIRA, *, at: datetime | None = None, **more: Any
    ) -> Message:
        """Somebody writes."""
        with self.lock:
            key = self.new_id(at)
            fields = {name: more.pop(name) for name in ("kind", "answers", "poll") if name in more}
            made = Message(key, channel, by, _stored(text), time_of(key), more=more, **fields)
            self.messages[key] = made
            place = self.channels[channel]
            place.last = max(place.last, key, key=lambda one: int(one or 0))
            return made

    def edit(self, key: str, text: str) -> None:
        with self.lock:
            self.messages[key].content = _stored(text)
            self.messages[key].edited = self.now()

    def delete(self, key: str) -> None:
        with self.lock:
            del self.messages[key]

    def start_thread(self, name: str, parent: str = GENERAL, kind: int = THREAD, key: str = "") -> Channel:
        """Somebody opens a thread, or a post in a forum."""
        with self.lock:
            made = Channel(key or self.new_id(), kind, name, parent, members={BOT})
            self.channels[made.id] = made
            return made

    def post(self, name: str, text: str, by: str = MIRA) -> Message:
        """Somebody opens a post in the forum: its first message has the post's own id."""
        with self.lock:
            place = self.start_thread(name, FORUM)
            made = self.say(text, place.id, by)
            del self.messages[made.id]
            made.id = place.last = place.id
            made.at = time_of(made.id)
            self.messages[made.id] = made
            return made

    def direct(self, person: str) -> Channel:
        """The direct conversation of the bot with a person, opened if there was none."""
        with self.lock:
            for one in self.channels.values():
                if one.recipient == person:
                    return one
            made = Channel(self.new_id(), DIRECT, recipient=person)
            self.channels[made.id] = made
            return made

    def within(self, channel: str) -> list[Message]:
        found = [one for one in self.messages.values() if one.channel == channel]
        return sorted(found, key=lambda one: int(one.id))

    # ------------------------------------------------------------------ who may do what

    def may(self, what: str, channel: str = "") -> bool:
        """Whether the bot may do it, on the server or in a channel."""
        allowed = self.roles[GUILD]
        for role in self.bot_roles:
            allowed |= self.roles[role]
        if allowed & BITS["administrator"]:
            return True
        place = self.channels.get(channel)
        if place and place.kind == DIRECT:
            return what in ("view", "history", "send", "react", "polls")
        if place:
            allowed = self._overwritten(allowed, self.channels[place.parent] if place.parent else place)
        if place and place.kind == PRIVATE and BOT not in place.members:
            return bool(allowed & BITS["manage_threads"])
        if place and place.kind == SPEECH and not allowed & BITS["connect"]:
            return False  # whoever may not join a call may do nothing beside it
        muted = self.members[BOT]
        if muted is not None and muted > self.now() and what not in ("view", "history"):
            return False
        seen = not place or bool(allowed & BITS["view"])
        return seen and bool(allowed & BITS[what])

    def _overwritten(self, allowed: int, place: Channel) -> int:
        for wanted in ([GUILD], self.bot_roles, [BOT]):
            rows = [one for one in place.overwrites if one["id"] in wanted]
            for one in rows:
                allowed &= ~int(one["deny"])
            for one in rows:
                allowed |= int(one["allow"])
        return allowed

    def need(self, what: str, channel: str = "") -> None:
        """Refuse as Discord does: what cannot be seen is "no access"."""
        if channel and not self.may("view", channel):
            raise Refusal(403, 50001)
        if not self.may(what, channel):
            raise Refusal(403, 50013)


def bits(*names: str) -> int:
    found = 0
    for name in names:
        found |= BITS[name]
    return found


def overwrite(who: str, allow: int = 0, deny: int = 0) -> dict[str, Any]:
    return {"id": who, "type": 1 if who in (BOT, MIRA, TOBI) else 0, "allow": str(allow), "deny": str(deny)}


def time_of(key: str) -> datetime:
    return EPOCH + timedelta(milliseconds=int(key) >> 22)


def _stored(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "").strip()
