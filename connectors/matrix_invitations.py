"""Invitations as messages that only we see: whoever wants to speak to us alone begins with one.

Sources: the client-server specification, "Room membership" and "Stripped state". What is written in a room
can only be read after joining it; answering an invitation joins, because nobody can be answered otherwise.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from connectors.answers import dig, entries, text_at
from connectors.contract import (
    Audience,
    Command,
    GoneHow,
    Kind,
    Receipt,
    RemoteGone,
    RemoteMessage,
    RemotePerson,
)
from connectors.errors import Gone, Reason, Refused
from connectors.matrix_events import moment_of
from connectors.matrix_rooms import Rooms
from connectors.matrix_session import CLIENT, Session, path

_END: Final = "/invitation"
_JOIN, _DECLINE = "join", "decline"
_CHOICES: Final = {_JOIN: "Join the conversation", _DECLINE: "Decline the invitation"}
_MEMBER: Final = "m.room.member"


def is_invitation(message_id: str) -> bool:
    """Whether an id names an invitation."""
    return message_id.endswith(_END)


def room_of(message_id: str) -> str:
    """The room that an invitation is to."""
    return message_id.removesuffix(_END)


def named(room: str) -> str:
    """The id of the invitation to a room."""
    return f"{room}{_END}"


class Invitations:
    """Reads, accepts and declines as our account."""

    def __init__(self, session: Session, rooms: Rooms) -> None:
        self._session, self._rooms = session, rooms

    def read(self, answer: Mapping[str, Any]) -> Iterator[RemoteMessage]:
        """The invitations in what a sync says."""
        rooms = dig(answer, "rooms", "invite")
        for room, part in rooms.items() if isinstance(rooms, dict) else ():
            found = self._message(room, entries(part, "invite_state", "events"))
            if found is not None:
                yield found

    def fetch(self, message_id: str) -> RemoteMessage | RemoteGone:
        """Ask whether an invitation still stands."""
        answer = self._rooms.survey()
        for message in self.read(answer):
            if message.id == message_id:
                return message
        joined = room_of(message_id) in (dig(answer, "rooms", "join") or {})
        return RemoteGone(message_id, GoneHow.UNKNOWN if joined else GoneHow.DELETED)

    def thread(self, message_id: str) -> list[RemoteMessage]:
        """The invitation alone: nothing else can be seen before joining."""
        found = self.fetch(message_id)
        if isinstance(found, RemoteGone):
            raise Gone("that invitation no longer stands")
        return [found]

    def accept(self, message_id: str) -> str:
        """Join, and note whose conversation it is; the room. Once more does nothing more."""
        room = room_of(message_id)
        answer = self._rooms.survey()
        if room in (dig(answer, "rooms", "join") or {}):
            return room
        part = dig(answer, "rooms", "invite", room)
        us = _ours(entries(part, "invite_state", "events"), self._session.user)
        if us is None:
            raise Gone("that invitation no longer stands")
        if dig(us, "content", "is_direct") is True:  # noted first: nobody tells it again once we are in
            self._rooms.keep_direct(room, text_at(us, "sender"))
        self._session.write(path(f"{CLIENT}/join", room), {})
        return room

    def resolve(self, command: Command) -> Receipt:
        """Join or decline, as was chosen."""
        choice = command.options.get("choice", "")
        if choice not in _CHOICES:
            raise Refused(Reason.INVALID, "say whether to join or to decline")
        if choice == _JOIN:
            return Receipt(self.accept(command.target))
        room = room_of(command.target)
        if dig(self._rooms.survey(), "rooms", "invite", room) is not None:
            self._session.write(path(f"{CLIENT}/rooms", room, "leave"), {})
        return Receipt(room)

    def was_resolved(self, command: Command) -> Receipt | None:
        """Say whether we are in the room, or no longer invited."""
        room, answer = room_of(command.target), self._rooms.survey()
        place = "join" if command.options.get("choice") == _JOIN else "invite"
        there = dig(answer, "rooms", place, room) is not None
        return Receipt(room) if there == (place == "join") else None

    def _message(self, room: str, events: list[Any]) -> RemoteMessage | None:
        us = _ours(events, self._session.user)
        if us is None:
            return None
        sender = text_at(us, "sender")
        names = {text_at(one, "state_key"): text_at(one, "content", "displayname") for one in events}
        title = next(
            (text_at(one, "content", "name") for one in events if text_at(one, "type") == "m.room.name"), ""
        )
        name = names.get(sender, "")
        return RemoteMessage(
            id=named(room),
            thread_id=room,
            kind=Kind.DIRECT,
            person=RemotePerson(sender, sender.removeprefix("@"), name),
            text=f"[Invitation] {title}".rstrip(),
            created_at=moment_of(us) or datetime.now(UTC),
            audience=Audience.PRIVATE,
            thread_title=title or name or sender,
            channel=title,
            revision=named(room),
            choices=dict(_CHOICES),
        )


def _ours(events: list[Any], user: str) -> Any:
    """The event that invites us; None where there is none."""
    for event in events:
        about_us = text_at(event, "type") == _MEMBER and text_at(event, "state_key") == user
        if about_us and text_at(event, "content", "membership") == "invite" and text_at(event, "sender"):
            return event
    return None
