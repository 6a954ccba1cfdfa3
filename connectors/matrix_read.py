"""Matrix events as messages: one at a time, whole conversations, and what was sent with a key."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from connectors import matrix_polls
from connectors.answers import entries, listed, text_at
from connectors.contract import GoneHow, Kind, Receipt, RemoteGone, RemoteMessage
from connectors.errors import CannotTell, Gone, Reason, Refused, Unreadable
from connectors.matrix_events import (
    ENCRYPTED,
    KEY,
    MESSAGE,
    REACTION,
    STICKER,
    Event,
    NoMessage,
    joined,
    media,
    names,
    permalink,
    split,
    words,
)
from connectors.matrix_rooms import Rooms
from connectors.matrix_session import CLIENT, RELATIONS, Session, path

AT_ONCE: Final = 100  # the most that servers give
LAZY: Final = '{"lazy_load_members":true}'  # names of those who wrote, without asking for each
_PAGES: Final = 20
_HOPS: Final = 20  # of answers to answers
_ROOTS: Final = 5000
_TITLE: Final = 100
_MESSAGES: Final = frozenset({MESSAGE, STICKER, ENCRYPTED}) | matrix_polls.STARTS
SEALED_WORDS: Final = (
    "[This message is encrypted. Hearthlight cannot read encrypted messages: "
    "look at it with the Matrix app that you use for this account.]"
)


def is_message(event: Event) -> bool:
    """Whether somebody said something new with it, rather than about something else."""
    return event.kind in _MESSAGES and event.relation[0] not in ("m.replace", "m.annotation", "m.reference")


class Reader:
    """Reads what our account can see."""

    def __init__(self, session: Session, rooms: Rooms) -> None:
        self._session = session
        self._rooms = rooms
        self._roots: dict[str, str] = {}  # event -> the one that its conversation began with

    # ---------------------------------------------------------------- one message

    def event(self, message_id: str) -> Event:
        """Read one event, and who its writer is; Gone where it is not there for us."""
        room, event = split(message_id)
        if not event:
            raise Gone("that is not a message")
        where = path(f"{CLIENT}/rooms", room, "context", event)
        answer = self._session.read(where, {"limit": 0, "filter": LAZY})
        if not isinstance(answer.get("event"), dict):
            raise Unreadable("the Matrix server did not show the event")
        found = Event.read(answer["event"], room)
        self._rooms.meet(room, entries(answer, "state"))
        return found

    def message(self, event: Event) -> RemoteMessage:
        """Turn an event into a message; likes and votes are not known from it alone."""
        content, revision, edited_at = event.shown()
        if event.kind == ENCRYPTED:
            text = SEALED_WORDS
        elif event.kind in matrix_polls.STARTS:
            text = matrix_polls.question(content)
            if not text:
                raise NoMessage("a poll without a question")
        else:
            text = words(content)
            if not isinstance(content.get("body"), str):
                raise NoMessage("a message without words")
        direct = self._rooms.direct(event.room)
        ours = event.sender == self._session.user
        mentioned = not ours and names(event.content, self._session.user)
        kind = Kind.DIRECT if direct else Kind.MENTION if mentioned else Kind.COMMENT
        about, root = event.relation
        parent = event.answers or (root if about == "m.thread" else "")
        title = self._rooms.title(event.room)
        poll = None
        if event.kind in matrix_polls.STARTS:
            poll = matrix_polls.count(content, event, [], lambda _: False)
        return RemoteMessage(
            id=joined(event.room, event.id),
            thread_id=event.room if direct else joined(event.room, self.root(event)),
            kind=kind,
            person=self._rooms.person(event.room, event.sender),
            text=text,
            created_at=event.at,
            audience=self._rooms.audience(event.room),
            ours=ours,
            parent_id=joined(event.room, parent) if parent else None,
            thread_title=(title or self._rooms.partner(event.room)) if direct else _short(text),
            channel=title,
            permalink=permalink(event.room, event.id),
            edited_at=edited_at,
            revision=revision,
            replies=_count(event),
            poll=poll,
            media=media(content, event.kind, self._session.http.base_url),
        )

    def whole(self, event: Event) -> RemoteMessage:
        """Turn an event into a message with its likes and votes, which have to be asked for."""
        message = self.message(event)
        reactions = self.related(message.id, "m.annotation", REACTION)
        message = replace(message, likes=len({reaction.sender for reaction in reactions}))
        if message.poll is None:
            return message
        related = self.related(message.id, "m.reference")

        def may_end(user: str) -> bool:
            return self._rooms.may(event.room, user, "redact")

        poll = matrix_polls.count(event.shown()[0], event, related, may_end)
        return replace(message, poll=poll)

    def found(self, message_id: str, known: Event | None = None) -> RemoteMessage | None:
        """Read a message whole; None where nothing that can be read is there for us."""
        try:
            event = known or self.event(message_id)
            return self.whole(event) if is_message(event) and not event.redacted_by else None
        except (Refused, NoMessage):
            return None

    def fetch(self, ids: Sequence[str]) -> dict[str, RemoteMessage | RemoteGone]:
        """Re-read messages one by one, which is the only way there is."""
        return {id_: self._fetched(id_) for id_ in dict.fromkeys(ids)}

    def _fetched(self, message_id: str) -> RemoteMessage | RemoteGone:
        try:
            event = self.event(message_id)
        except Refused as trouble:
            if trouble.reason in (Reason.NOT_FOUND, Reason.ROLE):
                blocked = trouble.reason is Reason.ROLE  # we are no longer in that room
                return RemoteGone(message_id, GoneHow.BLOCKED if blocked else GoneHow.UNKNOWN)
            raise
        return gone(event) or self.whole(event)

    # ---------------------------------------------------------------- conversations

    def root(self, event: Event) -> str:
        """What the conversation of an event began with: its thread, or what it answers in the end."""
        met = [event.id]
        current = event
        for _ in range(_HOPS):
            about, thread = current.relation
            above = thread if about == "m.thread" and thread else current.answers
            if not above or above in met:
                break
            met.append(above)
            if above in self._roots:
                met.append(self._roots[above])
                break
            try:
                current = self.event(joined(event.room, above))
            except (Refused, NoMessage):
                break
        self.remember_root(event.id, met[-1])
        return met[-1]

    def remember_root(self, event: str, root: str) -> None:
        """Keep what was found out, within bounds."""
        if len(self._roots) >= _ROOTS:
            self._roots.clear()
        self._roots[event] = root

    def thread(self, message_id: str) -> list[RemoteMessage]:
        """The conversation around a message, oldest first."""
        event = self.event(message_id)
        found = {event.id: event}
        if self._rooms.direct(event.room):
            for near in self._lately(event.room):
                found[near.id] = near
        else:
            found |= {above.id: above for above in self._above(event)}
            about, root = event.relation
            for begun in {self.root(event), root if about == "m.thread" and root else event.id}:
                below = self.related(joined(event.room, begun), "m.thread")
                found |= {one.id: one for one in below}
        known = [one for one in found.values() if is_message(one) and not one.redacted_by]
        read = [message for one in known if (message := self._readable(one))]
        return sorted(read, key=lambda message: (message.created_at, message.id))

    def _readable(self, event: Event) -> RemoteMessage | None:
        try:
            return self.message(event)
        except NoMessage:
            return None

    def _above(self, event: Event) -> Iterator[Event]:
        """What an event answers, and what that answers, up to where the conversation began."""
        met = {event.id}
        for _ in range(_HOPS):
            above = event.answers or (event.relation[1] if event.relation[0] == "m.thread" else "")
            if not above or above in met:
                return
            met.add(above)
            try:
                event = self.event(joined(event.room, above))
            except (Refused, NoMessage):
                return
            yield event

    def _lately(self, room: str, pages: int = 2) -> Iterator[Event]:
        """Events of a room, newest first; a page that cannot be read ends nothing but itself."""
        start = ""
        for _ in range(pages):
            answer = self.page(room, start)
            yield from readable(listed(answer, "chunk"), room)
            before, start = start, text_at(answer, "end")
            if start in ("", before):
                return

    def page(self, room: str, start: str) -> dict[str, Any]:
        """One page of a room's history, newest first."""
        params: dict[str, Any] = {"dir": "b", "limit": AT_ONCE, "filter": LAZY}
        answer = self._session.read(
            path(f"{CLIENT}/rooms", room, "messages"), params | ({"from": start} if start else {})
        )
        self._rooms.meet(room, entries(answer, "state"))
        return answer

    def related(self, message_id: str, how: str, kind: str = "") -> list[Event]:
        """Everything that refers to a message in one way."""
        room, event = split(message_id)
        parts = [room, "relations", event, how, *([kind] if kind else [])]
        found: list[Event] = []
        start = ""
        for _ in range(_PAGES):
            params: dict[str, Any] = {"limit": AT_ONCE} | ({"from": start} if start else {})
            answer = self._session.read(path(f"{RELATIONS}/rooms", *parts), params)
            found += readable(listed(answer, "chunk"), room)
            before, start = start, text_at(answer, "next_batch")
            if start in ("", before):
                break
        return [one for one in found if not one.redacted_by]

    # ---------------------------------------------------------------- what we sent

    def sent_below(self, message_id: str, key: str, how: str = "m.thread") -> Receipt | None:
        """Look below a message for what carries the key of a command."""
        return self._with_key(iter(self.related(message_id, how)), key)

    def sent_in(self, room: str, key: str) -> Receipt | None:
        """Look through the newest messages of a room for what carries the key of a command."""
        seen = 0
        for event in self._lately(room, _PAGES):
            seen += 1
            # A room that the command made carries its key as well.
            if is_message(event) and event.content.get(KEY) == key and event.sender == self._session.user:
                return receipt(event)
        if seen >= _PAGES * AT_ONCE:
            raise CannotTell("so much was written since that it cannot be seen whether this was sent")
        return None

    def _with_key(self, events: Iterator[Event], key: str) -> Receipt | None:
        ours = (e for e in events if e.content.get(KEY) == key and e.sender == self._session.user)
        return next((receipt(event) for event in ours), None)


def receipt(event: Event) -> Receipt:
    """The server's word for something that stands there."""
    return Receipt(joined(event.room, event.id), event.at, permalink(event.room, event.id))


def gone(event: Event) -> RemoteGone | None:
    """Say how an event was emptied, if it was."""
    if not event.redacted_by:
        return None
    own = event.redacted_by == event.sender
    return RemoteGone(joined(event.room, event.id), GoneHow.DELETED if own else GoneHow.REMOVED)


def readable(raw: Sequence[Any], room: str) -> Iterator[Event]:
    """Those of the events that can be read."""
    for one in raw:
        try:
            yield Event.read(one, room)
        except NoMessage:
            continue


def _count(event: Event) -> int:
    relations = event.unsigned.get("m.relations")
    thread = relations.get("m.thread") if isinstance(relations, dict) else None
    found = thread.get("count") if isinstance(thread, dict) else None
    return found if isinstance(found, int) and found > 0 else 0


def _short(text: str) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= _TITLE else line[: _TITLE - 1].rstrip() + "…"
