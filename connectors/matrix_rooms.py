"""What is known of the rooms that our account is in: names, who can read there, who may do what.

Sources: the client-server specification, "Room events" (join rules, history visibility, power levels) and
"Direct messaging"; room version 12 for the power of whoever made a room.
"""

import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from connectors.answers import dig, entries, text_at
from connectors.contract import Audience, RemotePerson
from connectors.errors import Refused
from connectors.matrix_events import KEY
from connectors.matrix_session import CLIENT, Session, path

MODERATION: Final = ("kick", "ban", "redact")
_CREATE: Final = "m.room.create"
_NAME: Final = "m.room.name"
_ALIAS: Final = "m.room.canonical_alias"
_JOIN: Final = "m.room.join_rules"
_HISTORY: Final = "m.room.history_visibility"
_SEALED: Final = "m.room.encryption"
_POWER: Final = "m.room.power_levels"
_MEMBER: Final = "m.room.member"
STATE: Final = (_CREATE, _NAME, _ALIAS, _JOIN, _HISTORY, _SEALED, _POWER, _MEMBER)
_CREATORS_RULE: Final = 12  # from this room version on whoever made a room may do everything there
_DEFAULT_POWER: Final = 50


class Rooms:
    """Rooms by id. What a sync brings is learned; what is missing is asked for, once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._facts: dict[tuple[str, str], Mapping[str, Any] | None] = {}
        self._senders: dict[str, str] = {}  # who made a room
        self._whole: set[str] = set()
        self._names: dict[tuple[str, str], str] = {}
        self._direct: dict[str, str] | None = None  # room -> the person in it

    # ---------------------------------------------------------------- learning

    def learn(self, answer: Mapping[str, Any]) -> None:
        """Take in what a sync says about our account and its rooms."""
        for event in entries(answer, "account_data", "events"):
            if text_at(event, "type") == "m.direct":
                self._learn_direct(dig(event, "content"))
        for sort in ("join", "leave"):
            rooms = dig(answer, "rooms", sort)
            for room, part in rooms.items() if isinstance(rooms, dict) else ():
                events = [*entries(part, "state", "events"), *entries(part, "timeline", "events")]
                self.learn_state(room, events)

    def learn_state(self, room: str, events: list[Any]) -> None:
        """Take in state events, older ones first."""
        for event in events:
            kind, key, content = text_at(event, "type"), dig(event, "state_key"), dig(event, "content")
            if not isinstance(key, str) or not isinstance(content, dict):
                continue
            if kind == _MEMBER:
                self._names[room, key] = text_at(content, "displayname")
            elif kind in STATE:
                self._facts[room, kind] = content
            if kind == _CREATE:
                self._senders[room] = text_at(event, "sender")
                self._whole.add(room)

    def meet(self, room: str, events: list[Any]) -> None:
        """Take in the names of members where none is known: these may be from long ago."""
        for event in events:
            user = text_at(event, "state_key")
            if text_at(event, "type") == _MEMBER and user:
                self._names.setdefault((room, user), text_at(event, "content", "displayname"))

    def survey(self) -> dict[str, Any]:
        """Ask for the state of every room we are in at once."""
        wanted = {"types": list(STATE), "lazy_load_members": True}
        rooms = {"timeline": {"limit": 1}, "state": wanted, "ephemeral": {"types": []}}
        nothing: dict[str, Any] = {"types": []}
        # Servers keep the answer to the same first question for some minutes: no two of ours are the same.
        data = {"types": ["m.direct", uuid4().hex]}
        told = {"room": rooms, "presence": nothing, "account_data": data}
        answer = self._session.read(f"{CLIENT}/sync", {"filter": json.dumps(told), "timeout": 0})
        self.learn(answer)
        return answer

    # ---------------------------------------------------------------- asking

    def direct(self, room: str) -> bool:
        """Whether it is a conversation with one person, as the account itself says."""
        return room in self.directs()

    def directs(self) -> Mapping[str, str]:
        """Every room that is marked as such a conversation, and with whom."""
        if self._direct is None:
            self._learn_direct(self.direct_people())
        return self._direct or {}

    def partner(self, room: str) -> str:
        """What the other person in such a conversation is called."""
        user = self.directs().get(room, "")
        return self._names.get((room, user), "") or user

    def direct_people(self) -> dict[str, Any]:
        """The list that the account keeps: for each person the rooms."""
        try:
            return self._session.read(self._direct_path())
        except Refused:  # nobody ever wrote to us alone
            return {}

    def _direct_path(self) -> str:
        return path(f"{CLIENT}/user", self._session.user, "account_data", "m.direct")

    def begun_for(self, room: str) -> str:
        """The key of the command of ours that made a room, if one did."""
        return text_at(self._fact(room, _CREATE), KEY)

    def keep_direct(self, room: str, person: str) -> None:
        """Write down whose conversation a room is, so that every program shows it as one."""
        people = self.direct_people()
        if room not in entries(people, person):
            people[person] = [*entries(people, person), room]
            self._session.write(self._direct_path(), people, "PUT")
        self._direct = {**self.directs(), room: person}

    def audience(self, room: str, *, fresh: bool = False) -> Audience:
        """Public is only what anybody can read or walk into."""
        open_door = text_at(self._fact(room, _JOIN, fresh=fresh), "join_rule") == "public"
        past = text_at(self._fact(room, _HISTORY, fresh=fresh), "history_visibility")
        if self.direct(room):
            return Audience.PRIVATE
        return Audience.PUBLIC if open_door or past == "world_readable" else Audience.PRIVATE

    def sealed(self, room: str, *, fresh: bool = False) -> bool:
        """Whether what is written there is encrypted; it cannot be switched off again."""
        return self._fact(room, _SEALED, fresh=fresh) is not None

    def title(self, room: str) -> str:
        """What people call it."""
        return text_at(self._fact(room, _NAME), "name") or text_at(self._fact(room, _ALIAS), "alias")

    def person(self, room: str, user: str) -> RemotePerson:
        """Somebody in a room, as they are called there."""
        return RemotePerson(user, user.removeprefix("@"), self._names.get((room, user), ""))

    def may(self, room: str, user: str, what: str) -> bool:
        """Whether somebody's power in a room is enough to kick, ban or redact."""
        created = self._fact(room, _CREATE) or {}
        if user in self._almighty(room, created):
            return True
        levels = self._fact(room, _POWER)
        if levels is None:
            return user == self._senders.get(room)
        needed = _level(dig(levels, what), _DEFAULT_POWER)
        usual = _level(dig(levels, "users_default"), 0)
        return _level(dig(levels, "users", user), usual) >= needed

    # ---------------------------------------------------------------- inside

    def _almighty(self, room: str, created: Mapping[str, Any]) -> set[str]:
        version = text_at(created, "room_version")
        if not version.isdecimal() or int(version) < _CREATORS_RULE:
            return set()
        more = [user for user in entries(created, "additional_creators") if isinstance(user, str)]
        return {self._senders.get(room, ""), *more}

    def _fact(self, room: str, kind: str, *, fresh: bool = False) -> Mapping[str, Any] | None:
        key = room, kind
        if fresh or (key not in self._facts and room not in self._whole):
            self._facts[key] = self._ask(room, kind)
        return self._facts.get(key)

    def _ask(self, room: str, kind: str) -> Mapping[str, Any] | None:
        whole = {"format": "event"} if kind == _CREATE else None  # only so it says who made the room
        try:
            found = self._session.read(path(f"{CLIENT}/rooms", room, "state", kind), whole)
        except Refused:  # not set, or a room that we are no longer in
            return None
        if kind != _CREATE:
            return found
        self._senders[room] = text_at(found, "sender")
        return dig(found, "content") or {}

    def _learn_direct(self, told: Any) -> None:
        people = told if isinstance(told, dict) else {}
        self._direct = {
            room: person
            for person, rooms in people.items()
            for room in (rooms if isinstance(rooms, list) else [])
            if isinstance(room, str)
        }


def _level(found: Any, otherwise: int) -> int:
    """A power level; old rooms may hold it as text."""
    if isinstance(found, str) and found.strip().lstrip("-").isdecimal():
        return int(found)
    return found if isinstance(found, int) and not isinstance(found, bool) else otherwise
