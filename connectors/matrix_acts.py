"""What a moderator can do on Matrix, each thing once.

Sources: the client-server specification ("Sending events", "Redactions", "Room membership", "Reporting
content") and MSC3381. The transaction id of everything sent is the command's key: the same device gets the
same event again for it. Servers forget it after a day, so the key also stands in what is sent.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from connectors import matrix_polls
from connectors.answers import dig, entries, text_at
from connectors.contract import Audience, Command, Receipt, Verb
from connectors.errors import CannotTell, Gone, OutcomeUnknown, Reason, Refused
from connectors.matrix_events import KEY, MESSAGE, REACTION, Event, joined, split
from connectors.matrix_invitations import Invitations, is_invitation, room_of
from connectors.matrix_read import Reader, receipt
from connectors.matrix_rooms import Rooms
from connectors.matrix_session import CLIENT, Session, path

MAX_TEXT: Final = 40_000  # bytes; an event may have 65,536 with everything around the words
_LIKE: Final = "❤️"
_MOST_CHOICES: Final = 20
_DM_MEMBERS: Final = 2


class Acts:
    """Writes as our account. Nothing is ever sent into an encrypted room, where it would stand open."""

    def __init__(self, session: Session, rooms: Rooms, reader: Reader, invitations: Invitations) -> None:
        self._session = session
        self._rooms = rooms
        self._reader = reader
        self._invitations = invitations

    # ---------------------------------------------------------------- words

    def reply(self, command: Command) -> Receipt:
        """Answer a message in its thread; a direct message in its conversation; an invitation by joining."""
        if is_invitation(command.target):
            room = self._invitations.accept(command.target)
            self._may_write(room, command)
            return self._send(room, MESSAGE, _said(command.text), command.key)
        event = self._there(command.target)
        self._may_write(event.room, command)
        about: dict[str, Any] = {"m.in_reply_to": {"event_id": event.id}}
        if not self._rooms.direct(event.room) or event.relation[0] == "m.thread":
            threaded = event.relation[0] == "m.thread"
            root = event.relation[1] if threaded else self._reader.root(event)
            about |= {"rel_type": "m.thread", "event_id": root, "is_falling_back": False}
        content = _said(command.text) | {"m.relates_to": about}
        if event.sender != self._session.user:
            content["m.mentions"] = {"user_ids": [event.sender]}
        return self._send(event.room, MESSAGE, content, command.key)

    def was_replied(self, command: Command) -> Receipt | None:
        """Look for the answer that carries the command's key."""
        if is_invitation(command.target):
            try:
                return self._reader.sent_in(room_of(command.target), command.key)
            except Refused:  # we are not in that room, so nothing was written there
                return None
        event = self._reader.event(command.target)
        threaded = event.relation[0] == "m.thread"
        if self._rooms.direct(event.room):
            return self._reader.sent_in(event.room, command.key)
        root = event.relation[1] if threaded else self._reader.root(event)
        return self._reader.sent_below(joined(event.room, root), command.key)

    def write(self, command: Command) -> Receipt:
        """Write to the author alone, in the conversation that there is or in a new one."""
        person = self._reader.event(command.target).sender
        if person == self._session.user:
            raise Refused(Reason.INVALID, "that message is from this account itself")
        _check_text(command.text)
        room = self._conversation(person) or self._begun(command.key, person) or self._begin(command, person)
        if self._rooms.sealed(room, fresh=True):
            raise Refused(Reason.UNSUPPORTED, _SEALED)
        self._rooms.keep_direct(room, person)
        return self._send(room, MESSAGE, _said(command.text), command.key)

    def was_written(self, command: Command) -> Receipt | None:
        """Look into our conversations with that person for the command's key."""
        person = self._reader.event(command.target).sender
        rooms = [room for room in (self._conversation(person), self._begun(command.key, person)) if room]
        found = (self._reader.sent_in(room, command.key) for room in rooms)
        return next((sent for sent in found if sent), None)

    # ---------------------------------------------------------------- polls

    def poll(self, command: Command) -> Receipt:
        """Ask in a room, or in one conversation of it."""
        room, root = split(command.thread_id or command.target)
        choices = _choices(command.options.get("choices", ""))
        if command.options.get("hours"):
            message = "polls on Matrix do not end by themselves: end it when the time has come"
            raise Refused(Reason.UNSUPPORTED, message)
        self._may_write(room, command)
        content = matrix_polls.start(command.text, choices) | {KEY: command.key}
        if root:
            content["m.relates_to"] = {"rel_type": "m.thread", "event_id": root}
        return self._send(room, f"{matrix_polls.UNSTABLE}start", content, command.key)

    def was_asked(self, command: Command) -> Receipt | None:
        """Look for the poll that carries the command's key."""
        room, root = split(command.thread_id or command.target)
        if root:
            return self._reader.sent_below(joined(room, root), command.key)
        return self._reader.sent_in(room, command.key)

    def end_poll(self, command: Command) -> Receipt:
        """End a poll of ours, or anybody's where our power is enough."""
        event = self._there(command.target)
        if event.kind not in matrix_polls.STARTS:
            raise Refused(Reason.INVALID, "that message is not a poll")
        own = event.sender == self._session.user
        if not own and not self._rooms.may(event.room, self._session.user, "redact"):
            raise Refused(Reason.ROLE, "only who asked, or a moderator of the room, can end this poll")
        kind, content = matrix_polls.end(event)
        return self._send(event.room, kind, content, command.key)

    def was_ended(self, command: Command) -> Receipt | None:
        """Look for the end that carries the command's key."""
        return self._reader.sent_below(command.target, command.key, "m.reference")

    # ---------------------------------------------------------------- taking down and liking

    def retract(self, command: Command) -> Receipt:
        """Take back a message of ours."""
        if self._reader.event(command.target).sender != self._session.user:
            raise Refused(Reason.ROLE, "only a message of this account can be taken back")
        return self.remove(command)

    def remove(self, command: Command) -> Receipt:
        """Empty a message for everybody."""
        event = self._reader.event(command.target)
        if event.redacted_by:
            return Receipt(command.target)
        reason = command.options.get("reason", "")
        self._redact(event.room, event.id, command.key, reason)
        return Receipt(command.target)

    def was_removed(self, command: Command) -> Receipt | None:
        """Whether the message is empty, by whomever."""
        return Receipt(command.target) if self._reader.event(command.target).redacted_by else None

    def like(self, command: Command) -> Receipt:
        """React with a heart; a second one is refused, and the first stands."""
        event = self._there(command.target)
        self._may_write(event.room, None)
        about = {"rel_type": "m.annotation", "event_id": event.id, "key": _LIKE}
        try:
            return self._send(event.room, REACTION, {"m.relates_to": about, KEY: command.key}, command.key)
        except Refused:
            liked = self.was_liked(command)
            if liked is None:
                raise
            return liked

    def was_liked(self, command: Command) -> Receipt | None:
        """Look for our heart."""
        mine = self._hearts(command.target)
        return receipt(mine[0]) if mine else None

    def unlike(self, command: Command) -> Receipt:
        """Take our heart back."""
        for number, heart in enumerate(self._hearts(command.target)):
            self._redact(heart.room, heart.id, f"{command.key}.{number}", "")
        return Receipt(command.target)

    def was_unliked(self, command: Command) -> Receipt | None:
        """Whether no heart of ours is left."""
        return None if self._hearts(command.target) else Receipt(command.target)

    # ---------------------------------------------------------------- people

    def kick(self, command: Command) -> Receipt:
        """Send the author out of the room."""
        return self._move(command, "kick", {"leave", "ban", ""})

    def ban(self, command: Command) -> Receipt:
        """Keep the author out of the room until somebody lifts it."""
        if command.options.get("hours"):
            message = "a ban on Matrix lasts until somebody lifts it: leave the hours out"
            raise Refused(Reason.UNSUPPORTED, message)
        return self._move(command, "ban", {"ban"})

    def unban(self, command: Command) -> Receipt:
        """Let the author come back."""
        return self._move(command, "unban", {"leave", "join", "invite", ""})

    def was_moved(self, command: Command) -> Receipt | None:
        """Whether the author stands where the command wanted them."""
        wanted = {
            Verb.KICK: {"leave", "ban", ""},
            Verb.BAN: {"ban"},
            Verb.UNBAN: {"leave", "join", "invite", ""},
        }
        event = self._reader.event(command.target)
        there = self._membership(event.room, event.sender)
        return Receipt(event.sender) if there in wanted[command.verb] else None

    def report(self, command: Command) -> Receipt:
        """Tell those who run our server."""
        event = self._there(command.target)
        body = {"reason": command.options.get("reason") or command.text}
        self._session.write(path(f"{CLIENT}/rooms", event.room, "report", event.id), body)
        return Receipt(command.target)

    def was_reported(self, command: Command) -> Receipt | None:
        """Nobody can ask the server that: a person decides."""
        del command
        raise CannotTell("Matrix does not show which reports arrived")

    # ---------------------------------------------------------------- inside

    def _there(self, message_id: str) -> Event:
        event = self._reader.event(message_id)
        if event.redacted_by:
            raise Gone("that message is no longer there")
        return event

    def _may_write(self, room: str, command: Command | None) -> None:
        """Nothing open into a sealed room; nothing private where everybody can read."""
        if self._rooms.sealed(room, fresh=True):
            raise Refused(Reason.UNSUPPORTED, _SEALED)
        if command is None:
            return
        _check_text(command.text)
        private = command.audience is Audience.PRIVATE
        if private and self._rooms.audience(room, fresh=True) is Audience.PUBLIC:
            raise Refused(
                Reason.STALE, "this room can be read by everybody, which a private answer must not be"
            )

    def _send(self, room: str, kind: str, content: Mapping[str, Any], key: str) -> Receipt:
        body = {**content, KEY: key}
        where = path(f"{CLIENT}/rooms", room, "send", kind, key)
        event = text_at(self._session.write(where, body, "PUT"), "event_id")
        if not event:
            raise OutcomeUnknown("the Matrix server did not say what it made")
        return Receipt(joined(room, event))

    def _redact(self, room: str, event: str, key: str, reason: str) -> None:
        body = {"reason": reason} if reason else {}
        answer = self._session.write(path(f"{CLIENT}/rooms", room, "redact", event, key), body, "PUT")
        if not text_at(answer, "event_id"):
            raise OutcomeUnknown("the Matrix server did not say what it did")

    def _hearts(self, message_id: str) -> list[Event]:
        reactions = self._reader.related(message_id, "m.annotation", REACTION)
        mine = [reaction for reaction in reactions if reaction.sender == self._session.user]
        return [one for one in mine if text_at(one.content, "m.relates_to", "key") == _LIKE]

    def _move(self, command: Command, how: str, done: set[str]) -> Receipt:
        event = self._reader.event(command.target)
        if self._membership(event.room, event.sender) in done:
            return Receipt(event.sender)
        body = {"user_id": event.sender}
        if command.options.get("reason") and how != "unban":
            body["reason"] = command.options["reason"]
        self._session.write(path(f"{CLIENT}/rooms", event.room, how), body)
        return Receipt(event.sender)

    def _membership(self, room: str, person: str) -> str:
        where = path(f"{CLIENT}/rooms", room, "state", "m.room.member", person)
        try:
            return text_at(self._session.read(where), "membership")
        except Gone:
            return ""

    # ---------------------------------------------------------------- conversations with one person

    def _conversation(self, person: str) -> str:
        """An open conversation with nobody else in it that is not encrypted, if there is one."""
        for room in entries(self._rooms.direct_people(), person):
            if isinstance(room, str) and self._alone_with(room, person) and not self._rooms.sealed(room):
                return room
        return ""

    def _alone_with(self, room: str, person: str) -> bool:
        if self._membership_of_us(room) != "join":
            return False
        members = self._session.read(path(f"{CLIENT}/rooms", room, "members"))
        there = {
            text_at(one, "state_key")
            for one in entries(members, "chunk")
            if text_at(one, "content", "membership") in ("join", "invite")
        }
        return there == {person, self._session.user}

    def _membership_of_us(self, room: str) -> str:
        try:
            return self._membership(room, self._session.user)
        except Refused:
            return "leave"

    def _begun(self, key: str, person: str) -> str:
        """A conversation that this very command began before its answer was lost."""
        rooms = dig(self._rooms.survey(), "rooms", "join")
        for room in rooms if isinstance(rooms, dict) else ():
            if self._rooms.begun_for(room) == key and self._alone_with(room, person):
                return str(room)
        return ""

    def _begin(self, command: Command, person: str) -> str:
        body = {
            "preset": "private_chat",
            "is_direct": True,
            "invite": [person],
            "creation_content": {KEY: command.key},
        }
        room = text_at(self._session.write(f"{CLIENT}/createRoom", body), "room_id")
        if not room:
            raise OutcomeUnknown("the Matrix server did not say which room it made")
        return room


_SEALED: Final = "that room is encrypted, and Hearthlight cannot write encrypted messages"


def _said(text: str) -> dict[str, Any]:
    return {"msgtype": "m.text", "body": text}


def _check_text(text: str) -> None:
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        raise Refused(Reason.INVALID, "there are signs in it that Matrix cannot hold")
    if len(text.encode()) > MAX_TEXT:
        raise Refused(Reason.TOO_LONG, f"a message on Matrix holds {MAX_TEXT} bytes here")


def _choices(text: str) -> list[str]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    good = isinstance(found, list) and all(isinstance(one, str) and one.strip() for one in found)
    if not good or not 1 <= len(found) <= _MOST_CHOICES:
        raise Refused(Reason.INVALID, f"a poll on Matrix has one to {_MOST_CHOICES} choices")
    return [str(one) for one in found]


Deed = Callable[[Command], Receipt]
Trace = Callable[[Command], Receipt | None]
