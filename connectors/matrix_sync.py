"""What happened in our rooms since the last time, complete also after a long absence.

Sources: the client-server specification, "Syncing". `next_batch` can be resumed for ever. A timeline that is
`limited` has a hole before it, which is closed by paging back from `prev_batch` to an event that is known;
the server may also set it where only another server's part of the history is missing.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from connectors import matrix_polls
from connectors.answers import dig, entries, listed, text_at
from connectors.contract import Kind, Page, RemoteGone, RemoteMessage
from connectors.errors import Reason, Refused, Unreadable
from connectors.matrix_events import ENCRYPTED, REACTION, REDACTION, Event, NoMessage, joined, split
from connectors.matrix_invitations import Invitations, named
from connectors.matrix_read import AT_ONCE, SEALED_WORDS, Reader, gone, is_message
from connectors.matrix_rooms import STATE, Rooms
from connectors.matrix_session import CLIENT, Session

STREAM: Final = "rooms"
_FIRST: Final = 20  # events of each room in the first answer, which holds every room
_SYNCS: Final = 50  # in one pull
_BACK: Final = 300  # pages back in one room: thirty thousand events
_KNOWN: Final = 10  # of the newest events of a room
_LINKS: Final = 500
_READ: Final = 500
_ASKED: Final = 100  # redactions of one page that are looked at one by one
_ABOUT: Final = frozenset({"m.replace", "m.annotation", "m.reference"})


@dataclass(slots=True)
class _Gap:
    """A part of a room's history that is still to be read: from `start` back to one of `until`."""

    room: str
    start: str
    until: dict[str, int]
    pages: int = 0

    def dump(self) -> list[Any]:
        return [self.room, self.start, self.until, self.pages]


@dataclass(slots=True)
class _State:
    """What a pull hands to the next one.

    `gaps` come with the `since` that made them, so that a crash between them loses nothing. `known` are the
    newest events of each room with their times. `links` say what an edit, a reaction or a vote was about,
    which nothing says any more once it is redacted. `read` are those that were brought with everything that
    was said about them while a gap is being closed from new to old.
    """

    since: str = ""
    bound: datetime | None = None
    gaps: list[_Gap] = field(default_factory=list)
    known: dict[str, dict[str, int]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    read: dict[str, None] = field(default_factory=dict)
    sealed: dict[str, None] = field(default_factory=dict)
    invited: dict[str, None] = field(default_factory=dict)

    @classmethod
    def load(cls, text: str, since: datetime | None) -> "_State":
        """One that makes no sense is a reason to begin again, which repeats but loses nothing."""
        try:
            found = json.loads(text)
            bound = datetime.fromisoformat(found["bound"]).astimezone(UTC) if found["bound"] else None
            gaps = [_Gap(*gap) for gap in found["gaps"]]
            read, sealed = dict.fromkeys(found["read"]), dict.fromkeys(found["sealed"])
            known, links, invited = found["known"], found["links"], dict.fromkeys(found.get("invited", ()))
            return cls(found["since"], bound, gaps, known, links, read, sealed, invited)
        except (ValueError, KeyError, TypeError):
            return cls(bound=since)

    def dump(self) -> str:
        """Write it, bounded: what is oldest is forgotten first."""
        self.links = dict(list(self.links.items())[-_LINKS:])
        self.read = dict(list(self.read.items())[-_READ:]) if self.gaps else {}
        return json.dumps(
            {
                "since": self.since,
                "bound": self.bound.isoformat() if self.bound else "",
                "gaps": [gap.dump() for gap in self.gaps],
                "known": self.known,
                "links": self.links,
                "read": list(self.read),
                "sealed": list(self.sealed),
                "invited": list(self.invited),
            }
        )

    def bounded(self, events: list[Event]) -> list[Event]:
        """Those of a back-fill that are wanted. What is new always is, however wrong its clock."""
        return [event for event in events if self.bound is None or event.at >= self.bound]

    def meet(self, room: str, events: list[Event]) -> None:
        """Remember the newest events of a room; `events` are in order."""
        newest = self.known.get(room, {}) | {event.id: _millis(event.at) for event in events}
        self.known[room] = dict(list(newest.items())[-_KNOWN:])


class Timeline:
    """Everything that is said in the rooms of one account, in one stream."""

    def __init__(self, session: Session, rooms: Rooms, reader: Reader, invitations: Invitations) -> None:
        self._session = session
        self._rooms = rooms
        self._reader = reader
        self._invitations = invitations
        self._told_all = False  # whether the state of every room was told to this connector

    def pull(self, text: str, since: datetime | None) -> Iterator[Page]:
        """Bring what is new, room by room, until the server has nothing more."""
        state = _State.load(text, since)
        done = 0
        for page in self._walk(state):
            done += len(page.messages)
            yield Page(STREAM, page.messages, page.gone, state.dump(), page.gap, page.skipped, done)

    def _walk(self, state: _State) -> Iterator[Page]:
        yield from self._close_gaps(state)
        for _ in range(_SYNCS):
            before = state.since
            answer = self._sync(before)
            if not text_at(answer, "next_batch"):
                raise Unreadable("the Matrix server did not say where its answer ends")
            page, moved = self._take(state, answer)
            yield page
            yield from self._close_gaps(state)
            # The first answer may be one that the server kept from a moment ago: ask what came after it.
            if before and (not moved or state.since == before):
                return

    def _sync(self, since: str) -> dict[str, Any]:
        state = {"types": list(STATE), "lazy_load_members": True, "include_redundant_members": True}
        timeline = {"limit": AT_ONCE if since else _FIRST, "lazy_load_members": True}
        room = {
            "timeline": timeline,
            "state": state,
            "ephemeral": {"types": []},
            "account_data": {"types": []},
        }
        wanted = {"room": room, "presence": {"types": []}, "account_data": {"types": ["m.direct"]}}
        params: dict[str, Any] = {"timeout": 0, "filter": json.dumps(wanted)}
        if since:
            params["since"] = since
            if not self._told_all:
                params["full_state"] = "true"
        answer = self._session.read(f"{CLIENT}/sync", params)
        self._rooms.learn(answer)
        self._told_all = True
        return answer

    def _take(self, state: _State, answer: Mapping[str, Any]) -> tuple[Page, bool]:
        """Read the newest part of each room and note what is missing before it."""
        events: list[Event] = []
        skipped = 0
        left: list[str] = []
        for sort in ("join", "leave"):
            rooms = dig(answer, "rooms", sort)
            for room, part in rooms.items() if isinstance(rooms, dict) else ():
                found, bad = _events(entries(part, "timeline", "events"), room)
                start = text_at(part, "timeline", "prev_batch")
                if dig(part, "timeline", "limited") is True and start:
                    state.gaps.append(_Gap(room, start, state.known.get(room, {})))
                events += found if room in state.known else state.bounded(found)
                state.meet(room, found)
                skipped += bad
                if sort == "leave":
                    left.append(room)
        for room in left:
            state.known.pop(room, None)
        state.since = text_at(answer, "next_batch")
        page = self._page(state, events, skipped)
        invited, over = self._invited(state, answer)
        page = replace(page, messages=(*invited, *page.messages), gone=(*over, *page.gone))
        return page, bool(events or state.gaps)

    def _invited(
        self, state: _State, answer: Mapping[str, Any]
    ) -> tuple[list[RemoteMessage], list[RemoteGone]]:
        """New invitations, and those that were accepted, declined or withdrawn."""
        new = [one for one in self._invitations.read(answer) if one.thread_id not in state.invited]
        moved = [*(dig(answer, "rooms", "join") or ()), *(dig(answer, "rooms", "leave") or ())]
        over = [room for room in moved if room in state.invited]
        for room in over:
            del state.invited[room]
        state.invited |= {one.thread_id: None for one in new}
        return new, [RemoteGone(named(room)) for room in over]

    def _close_gaps(self, state: _State) -> Iterator[Page]:
        while state.gaps:
            gap = state.gaps[0]
            try:
                answer = self._reader.page(gap.room, gap.start)
            except Refused as trouble:
                if trouble.reason not in (Reason.NOT_FOUND, Reason.ROLE, Reason.INVALID):
                    raise
                # We left the room meanwhile, or it was forgotten: what is missing stays missing.
                state.gaps.pop(0)
                yield Page(STREAM, gap=True)
                continue
            events, skipped = _events(list(reversed(listed(answer, "chunk"))), gap.room)
            end = text_at(answer, "end")
            met = any(event.id in gap.until for event in events)
            newest = max((event.at for event in events), default=None)
            # All of them: the clock of a single server may be years behind.
            below = state.bound is not None and newest is not None and newest < state.bound
            gap.pages += 1
            cut = gap.pages >= _BACK and not met and bool(end)
            if met or below or cut or end in ("", gap.start):
                state.gaps.pop(0)
            gap.start = end
            events = missing(events, gap.until) if gap.until else state.bounded(events)
            page = self._page(state, events, skipped)
            yield Page(STREAM, page.messages, page.gone, gap=cut, skipped=page.skipped)

    # ---------------------------------------------------------------- from events to a page

    def _page(self, state: _State, events: list[Event], skipped: int) -> Page:
        """Messages in order; what was said about messages brings those again, whole."""
        here = {joined(e.room, e.id): e for e in events if is_message(e) and not e.redacted_by}
        stirred: dict[str, bool] = {}  # whether what came here is not what the message says now
        emptied: dict[str, None] = {}
        for event in events:
            self._sort(state, event, here, stirred, emptied)
        found: dict[str, RemoteMessage] = {}
        for id_, event in here.items():
            if id_ in stirred or id_ in state.read:
                continue
            skipped += self._add(state, found, event)
        for id_, anew in stirred.items():
            if id_ in state.read:
                continue
            read = self._reader.found(id_, None if anew else here.get(id_))
            state.read[id_] = None
            sealed = id_ not in here and read is not None and read.text == SEALED_WORDS
            old = state.bound is not None and read is not None and read.created_at < state.bound
            if read is not None and not sealed and not old:
                found[id_] = read
        vanished = self._vanished(emptied, {e.id: e for e in events if e.redacted_by})
        return Page(STREAM, tuple(found.values()), tuple(vanished), skipped=skipped)

    def _sort(
        self,
        state: _State,
        event: Event,
        here: Mapping[str, Event],
        stirred: dict[str, bool],
        emptied: dict[str, None],
    ) -> None:
        """Note which messages an event changes, and which it empties."""
        if event.kind == REDACTION and event.redacts:
            linked = state.links.pop(joined(event.room, event.redacts), "")
            if linked:
                stirred[linked] = True
            else:
                emptied[joined(event.room, event.redacts)] = None
            return
        how, about = event.relation
        counts = event.kind == REACTION or event.kind in matrix_polls.RESPONSES | matrix_polls.ENDS
        if event.redacted_by or how not in _ABOUT or not about or not (counts or how == "m.replace"):
            return
        target = joined(event.room, about)
        state.links[joined(event.room, event.id)] = target
        if counts:
            stirred.setdefault(target, False)
        elif target not in here or not here[target].has_edit:
            stirred[target] = True  # servers send the edit along with its message only where much is new

    def _add(self, state: _State, found: dict[str, RemoteMessage], event: Event) -> int:
        """Add a message; 1 where it could not be read."""
        try:
            message = self._reader.message(event)
        except NoMessage:
            return 1
        if event.kind == ENCRYPTED and message.kind is not Kind.DIRECT:
            # One message says it for the whole room: nobody has use for each of them.
            if event.room in state.sealed:
                return 1
            state.sealed[event.room] = None
        found[message.id] = message
        return 0

    def _vanished(self, emptied: Mapping[str, None], here: Mapping[str, Event]) -> list[RemoteGone]:
        """How each of them went; the server shows only redactions that count."""
        found = []
        for number, id_ in enumerate(emptied):
            event = here.get(split(id_)[1])
            if event is None and number < _ASKED:
                try:
                    event = self._reader.event(id_)
                except (Refused, Unreadable):
                    event = None  # it is gone all the same
            found.append((gone(event) if event else None) or RemoteGone(id_))
        return found


def _events(raw: list[Any], room: str) -> tuple[list[Event], int]:
    """Those that can be read, and how many cannot."""
    found: list[Event] = []
    for one in raw:
        try:
            found.append(Event.read(one, room))
        except NoMessage:
            continue
    return found, len(raw) - len(found)


def missing(events: list[Event], known: Mapping[str, int]) -> list[Event]:
    """Those of a page, oldest first, that may never have been brought.

    What stands after all known events is new, whatever its clock says. Between and before them another
    server's part of the history may have come late: it counts from the time of the oldest known event on.
    """
    newest = max((place for place, event in enumerate(events) if event.id in known), default=-1)
    edge = min(known.values())
    return [
        event
        for place, event in enumerate(events)
        if event.id not in known and (place > newest or _millis(event.at) >= edge)
    ]


def _millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)
