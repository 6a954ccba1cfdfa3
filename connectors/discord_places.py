"""The servers, channels and threads that a bot can read, and what its roles allow in each.

Source: discord.com/developers/docs/topics/permissions. Discord tells roles and overwrites, not the result:
it is computed here as documented. A thread has the permissions of the channel that it hangs on.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum, IntFlag
from typing import Any, Final

from connectors.answers import dig, entries, listed, text_at, time_at
from connectors.contract import Audience
from connectors.discord_api import Api, is_id
from connectors.errors import Gone, Reason, Refused, Unreadable

log = logging.getLogger(__name__)


class Sort(IntEnum):
    """Kinds of channels."""

    TEXT = 0
    DIRECT = 1
    VOICE = 2
    GROUP = 3
    NEWS = 5
    NEWS_THREAD = 10
    THREAD = 11
    PRIVATE_THREAD = 12
    STAGE = 13
    FORUM = 15
    GALLERY = 16


class May(IntFlag):
    """Permissions, by Discord's bits."""

    KICK_MEMBERS = 1 << 1
    BAN_MEMBERS = 1 << 2
    ADMINISTRATOR = 1 << 3
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    READ_MESSAGE_HISTORY = 1 << 16
    CONNECT = 1 << 20
    MANAGE_THREADS = 1 << 34
    SEND_MESSAGES_IN_THREADS = 1 << 38
    MODERATE_MEMBERS = 1 << 40
    SEND_POLLS = 1 << 49


THREADS: Final = frozenset({Sort.NEWS_THREAD, Sort.THREAD, Sort.PRIVATE_THREAD})
DIRECT: Final = frozenset({Sort.DIRECT, Sort.GROUP})
_PARENTS: Final = frozenset({Sort.TEXT, Sort.NEWS, Sort.FORUM, Sort.GALLERY})  # of threads
_PUBLIC: Final = "threads/archived/public"
_PRIVATE: Final = "threads/archived/private"
_JOINED: Final = "users/@me/threads/archived/private"
_MOST_PAGES: Final = 100  # of archived threads below one channel
_FORUMS: Final = frozenset({Sort.FORUM, Sort.GALLERY})
_VOICED: Final = frozenset({Sort.VOICE, Sort.STAGE})
_READABLE: Final = frozenset(Sort) - _FORUMS - DIRECT
_ALL: Final = May((1 << 53) - 1)
_READING: Final = May.VIEW_CHANNEL | May.READ_MESSAGE_HISTORY
_TIMED_OUT: Final = _READING
_MEMBER: Final = 1  # of an overwrite; a role has 0


@dataclass(frozen=True, slots=True)
class Guild:
    """One server as it stands now, and what we are there."""

    id: str
    name: str
    me: str
    powers: Mapping[str, May]  # of every role
    role_names: Mapping[str, str]
    ours: frozenset[str]  # our roles
    owned: bool
    timed_out: bool

    @property
    def base(self) -> May:
        """What our roles allow on the whole server."""
        found = May(0)
        for role in (self.id, *self.ours):
            found |= self.powers.get(role, May(0))
        if self.owned or May.ADMINISTRATOR in found:
            return _ALL
        return found & _TIMED_OUT if self.timed_out else found

    def within(self, overwrites: Iterable[Any]) -> May:
        """What is left of it, or comes to it, in one channel."""
        found = self.base
        if found == _ALL:
            return found
        rows = [one for one in overwrites if isinstance(one, dict)]
        everyone = [one for one in rows if one.get("id") == self.id]
        roles = [one for one in rows if one.get("id") in self.ours and one.get("id") != self.id]
        own = [one for one in rows if one.get("type") == _MEMBER and one.get("id") == self.me]
        for step in (everyone, roles, own):
            for one in step:
                found &= ~_bits(one, "deny")
            for one in step:
                found |= _bits(one, "allow")
        if May.VIEW_CHANNEL not in found:
            return May(0)
        return found & _TIMED_OUT if self.timed_out else found


@dataclass(frozen=True, slots=True)
class Place:
    """One channel or thread in which messages stand; `guild` is empty for direct messages."""

    id: str
    sort: Sort
    guild: str
    name: str
    may: May
    parent: str = ""
    parent_name: str = ""
    parent_sort: Sort | None = None
    last: int = 0  # the newest message's id, also after that was deleted
    locked: bool = False

    @property
    def audience(self) -> Audience:
        """A channel is open to its server; what is direct, or a private thread, is not."""
        return (
            Audience.PRIVATE if self.sort in DIRECT or self.sort is Sort.PRIVATE_THREAD else Audience.PUBLIC
        )

    @property
    def readable(self) -> bool:
        """Whether we may read what stands here."""
        return self.sort in DIRECT or self.may & _READING == _READING

    @property
    def writing(self) -> May:
        """The permission that writing here takes."""
        return May.SEND_MESSAGES_IN_THREADS if self.sort in THREADS else May.SEND_MESSAGES

    @property
    def forum(self) -> bool:
        """Whether this is a post in a forum."""
        return self.parent_sort in _FORUMS

    @property
    def channel(self) -> str:
        """The channel's name as people know it."""
        return "" if self.sort in DIRECT else f"#{self.parent_name or self.name}"

    @property
    def title(self) -> str:
        """What the conversation is called."""
        return self.name if self.sort in THREADS or self.sort in DIRECT else f"#{self.name}"


class Places:
    """What the bot can read in the servers that were chosen; asked again by `survey`."""

    def __init__(self, api: Api, servers: Sequence[str], wanted: frozenset[str]) -> None:
        self._api, self._servers, self._wanted = api, servers, wanted
        self._me: dict[str, Any] = {}
        self._guilds: dict[str, Guild] = {}
        self._places: dict[str, Place] = {}
        self._names: dict[str, str] = {}
        self._raw: dict[str, Any] = {}

    def me(self) -> dict[str, Any]:
        """Our own account."""
        if not self._me:
            self._me = self._api.record("users/@me")
        return self._me

    @property
    def our_id(self) -> str:
        """The bot's id."""
        return text_at(self.me(), "id")

    def forget(self) -> None:
        """Ask everything anew that may have changed."""
        self._api.afresh()
        self._guilds.clear()
        self._places.clear()
        self._raw.clear()

    def chosen(self) -> list[str]:
        """The servers of the form; none named means the one that the bot is in."""
        if self._servers:
            return [one for one in self._servers if is_id(one)]
        found = [text_at(one, "id") for one in self._api.rows("users/@me/guilds", limit=200)]
        if not any(found):
            raise Refused(Reason.ROLE, "The bot is in no server yet. Invite it first.")
        return [one for one in found if one]

    def survey(self) -> list[Place]:
        """Every channel and open thread that we may read, as it stands now."""
        self.forget()
        found: list[Place] = []
        for server in self.chosen():
            guild = self.guild(server)
            channels = [one for one in self._api.rows(f"guilds/{server}/channels") if text_at(one, "id")]
            if not channels:
                raise Unreadable("Discord named no channels of the server")
            for one in channels:
                self._raw[text_at(one, "id")] = one
                self._names[text_at(one, "id")] = text_at(one, "name")
            threads = listed(self._api.read(f"guilds/{server}/threads/active"), "threads")
            found += self.read([*channels, *threads], guild)
        return found

    def read(self, raw: Iterable[Any], guild: Guild) -> list[Place]:
        """Those of the channels that were chosen and that we may read."""
        places = [place for one in raw if (place := self._place(one, guild))]
        self._places |= {place.id: place for place in places}
        return [one for one in places if one.sort in _READABLE and one.readable and self._is_wanted(one)]

    def archived(self, since: datetime | None) -> list[Place]:
        """The threads below the channels of the last survey that were archived since."""
        kept = [one for one in self._places.values() if one.sort in _PARENTS and one.readable]
        found: list[Place] = []
        for parent in kept:
            manages = May.MANAGE_THREADS in parent.may
            private = _PRIVATE if manages else _JOINED
            for how in (_PUBLIC, private) if parent.sort is Sort.TEXT else (_PUBLIC,):
                raw = self._archived(f"channels/{parent.id}/{how}", since, joined=how is _JOINED)
                try:
                    found += self.read(raw, self._guilds[parent.guild])
                except Refused as no:
                    log.info("the archived threads of a channel are closed to the bot: %s", no.reason)
        return found

    def _archived(self, path: str, since: datetime | None, *, joined: bool) -> Iterator[Any]:
        """Nothing can be written in a thread after it was archived.

        The last archived come first; of private threads that we joined, the last begun.
        """
        before = ""
        for _ in range(_MOST_PAGES):
            answer = self._api.read(path, before=before, limit=100)
            rows = listed(answer, "threads")
            for one in rows:
                at = time_at(one, "thread_metadata", "archive_timestamp")
                if since is None or at is None or at >= since:
                    yield one
                elif not joined:
                    return
            where = ("id",) if joined else ("thread_metadata", "archive_timestamp")
            last = text_at(rows[-1], *where) if rows else ""
            if dig(answer, "has_more") is not True or last in ("", before):
                return
            before = last

    def again(self, channel: str) -> Place | None:
        """A place that is no longer listed, if it may still be read; Gone where it was deleted."""
        try:
            place = self.at(channel)
        except Refused as no:
            if no.reason is Reason.NOT_FOUND:
                raise
            return None
        return place if place.readable and self._is_wanted(place) else None

    def _is_wanted(self, place: Place) -> bool:
        return not self._wanted or bool({place.id, place.parent} & self._wanted)

    def guild(self, server: str) -> Guild:
        """One server, as it stood when it was asked."""
        if server not in self._guilds:
            raw = self._api.record(f"guilds/{server}")
            member = self._api.read(f"guilds/{server}/members/{self.our_id}")
            if not isinstance(dig(member, "roles"), list):
                raise Unreadable("Discord did not say what roles the bot has")
            roles = [one for one in listed(raw, "roles") if text_at(one, "id")]
            until = time_at(member, "communication_disabled_until")
            self._guilds[server] = Guild(
                id=server,
                name=text_at(raw, "name"),
                me=self.our_id,
                powers={text_at(one, "id"): _bits(one, "permissions") for one in roles},
                role_names={text_at(one, "id"): text_at(one, "name") for one in roles},
                ours=frozenset(str(one) for one in entries(member, "roles")),
                owned=text_at(raw, "owner_id") == self.our_id,
                timed_out=until is not None and until > datetime.now(UTC),
            )
        return self._guilds[server]

    def at(self, channel: str) -> Place:
        """One channel, thread or direct conversation."""
        if channel not in self._places:
            raw = self._api.record(f"channels/{channel}")
            place = self._place(raw, self._guild_of(raw))
            if place is None:
                raise Refused(Reason.UNSUPPORTED, "There are no messages in a channel of this kind.")
            self._places[channel] = place
        return self._places[channel]

    def _guild_of(self, raw: Any) -> Guild | None:
        server = text_at(raw, "guild_id")
        try:
            return self.guild(server) if server else None
        except Gone:  # of the server, and not of what stands there
            raise Refused(Reason.ROLE, "The bot is on that server no longer.") from None

    def renamed(self, place: Place) -> dict[str, str]:
        """The names of channels and roles that words here may mention by number."""
        guild = self._guilds.get(place.guild)
        roles = {f"@&{role}": f"@{name}" for role, name in guild.role_names.items()} if guild else {}
        return roles | {f"#{channel}": f"#{name}" for channel, name in self._names.items() if name}

    def _place(self, raw: Any, guild: Guild | None) -> Place | None:
        try:
            sort = Sort(dig(raw, "type"))
        except ValueError:
            return None  # a category, a directory, or what Discord will think of
        parent = text_at(raw, "parent_id") if sort in THREADS else ""
        above = self._above(parent) if parent else raw
        may = guild.within(entries(above, "permission_overwrites")) if guild else _ALL
        if sort in _VOICED and May.CONNECT not in may:
            may = May(0)
        name = text_at(raw, "name") or ", ".join(_name(one) for one in entries(raw, "recipients"))
        key, last = text_at(raw, "id"), text_at(raw, "last_message_id")
        begun = key if sort in THREADS else "0"  # a forum post's first message has the post's own id
        return Place(
            id=key,
            sort=sort,
            guild=guild.id if guild else "",
            name=name,
            may=may,
            parent=parent,
            parent_name=text_at(above, "name") if parent else "",
            parent_sort=_sort(above) if parent else None,
            last=max(int(one) if is_id(one) else 0 for one in (last, begun)),
            locked=dig(raw, "thread_metadata", "locked") is True,
        )

    def _above(self, parent: str) -> Any:
        if parent not in self._raw:
            try:
                self._raw[parent] = self._api.record(f"channels/{parent}")
            except Gone:
                self._raw[parent] = {}
        return self._raw[parent]


def _sort(raw: Any) -> Sort | None:
    try:
        return Sort(dig(raw, "type"))
    except ValueError:
        return None


def _name(user: Any) -> str:
    return text_at(user, "global_name") or text_at(user, "username")


def _bits(raw: Any, key: str) -> May:
    found = text_at(raw, key)
    return May(int(found) & _ALL) if is_id(found) else May(0)
