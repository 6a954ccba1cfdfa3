"""Reports of messages to the people who run a Synapse server.

Sources: Synapse's admin API, "Event Reports" (https://element-hq.github.io/synapse). The Matrix
specification lets people report and says nothing about reading reports: other servers have no such list.
A report is open until it is deleted. An id of ours is "report/" and its number.
"""

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from connectors.answers import dig, entries, listed, text_at
from connectors.contract import (
    Ability,
    Audience,
    Command,
    GoneHow,
    Kind,
    Page,
    Receipt,
    RemoteGone,
    RemoteMessage,
)
from connectors.errors import Gone, Reason, Refused, TryLater, Unreadable
from connectors.matrix_events import Event, NoMessage, joined
from connectors.matrix_read import Reader, is_message
from connectors.matrix_rooms import Rooms
from connectors.matrix_session import ADMIN, Session, path

STREAM: Final = "reports"
PREFIX: Final = "report/"
_AT_ONCE: Final = 100
_PAGES: Final = 20
_WALKS: Final = 5
_WATCHED: Final = 500
_NO_ROLE: Final = "This account is not an administrator of the server, so it cannot see reports."
_NO_LIST: Final = "This server shows no reports here: only Synapse does, where its admin address is open."
_NOT_NOW: Final = "The server does not show its reports at the moment."


class Reports:
    """The open reports of one server; only its administrators see them."""

    def __init__(self, session: Session, rooms: Rooms, reader: Reader) -> None:
        self._session = session
        self._rooms = rooms
        self._reader = reader

    def ability(self) -> Ability:
        """Ask the server whether it lets us see them."""
        try:
            self._list(0, 1)
        except (TryLater, Unreadable):
            return Ability(can=False, why_not=_NOT_NOW)
        except Refused as trouble:
            return Ability(can=False, why_not=_NO_ROLE if trouble.reason is Reason.ROLE else _NO_LIST)
        return Ability(can=True)

    def pull(self, state: str, since: datetime | None) -> Iterator[Page]:
        """Bring new reports with what they are about, and tell which known ones others have closed."""
        mark, watched = _loaded(state)
        found, whole = self._walk(min(watched, default=mark + 1))
        messages: list[RemoteMessage] = []
        skipped = 0
        for entry in sorted(found, key=_number):
            if _number(entry) <= mark:
                continue
            try:
                messages += self._with_subject(entry, since)
            except NoMessage:
                skipped += 1
        numbers = {_number(entry) for entry in found}
        closed = [number for number in watched if number not in numbers] if whole else []
        mark = max([mark, *numbers])
        watched = sorted(numbers)[-_WATCHED:] if whole else watched
        gone = tuple(RemoteGone(f"{PREFIX}{number}", GoneHow.DELETED) for number in closed)
        dump = json.dumps({"mark": mark, "watched": watched})
        yield Page(STREAM, tuple(messages), gone, dump, gap=not whole, skipped=skipped)

    def fetch(self, ids: Sequence[str]) -> dict[str, RemoteMessage | RemoteGone]:
        """Re-read reports one by one: they never change and are hardly ever asked for."""
        found: dict[str, RemoteMessage | RemoteGone] = {}
        for id_ in ids:
            try:
                found[id_] = self._report(self._one(id_))
            except Gone:
                found[id_] = RemoteGone(id_, GoneHow.DELETED)
        return found

    def thread(self, message_id: str) -> list[RemoteMessage]:
        """A report together with the conversation that it is about."""
        report = self._report(self._one(message_id))
        try:
            around = self._reader.thread(report.subject_id or "")
        except Refused:
            around = []
        return [*around, report]

    def resolve(self, command: Command) -> Receipt:
        """Close a report, which on Synapse is to delete it; what is closed already stays so."""
        with contextlib.suppress(Gone):
            self._session.write(_path(command.target), {}, "DELETE")
        return Receipt(command.target)

    def find_sent(self, command: Command) -> Receipt | None:
        """Whether the report is closed, by whomever."""
        try:
            self._one(command.target)
        except Gone:
            return Receipt(command.target)
        return None

    def _walk(self, down_to: int) -> tuple[list[Any], bool]:
        """List reports from new to old down to a number, and whether that was reached.

        The list is paged by place. A report that comes or goes meanwhile moves all others, which shows in
        the total: then it is read again.
        """
        for _ in range(_WALKS):
            found: dict[int, Any] = {}
            totals = set()
            place, at_end = 0, False
            for _ in range(_PAGES):
                answer = self._list(place, _AT_ONCE)
                totals.add(dig(answer, "total"))
                page = [entry for entry in listed(answer, "event_reports") if _number(entry)]
                found |= {_number(entry): entry for entry in page}
                token = dig(answer, "next_token")
                at_end = not isinstance(token, int) or token <= place
                if at_end or (page and min(map(_number, page)) < down_to):
                    break
                place = token
            if len(totals) == 1:
                return list(found.values()), at_end or min(found, default=0) < down_to
        raise TryLater("the list of reports changes faster than it can be read")

    def _list(self, place: int, most: int) -> dict[str, Any]:
        return self._session.read(f"{ADMIN}/event_reports", {"from": place, "limit": most, "dir": "b"})

    def _one(self, message_id: str) -> dict[str, Any]:
        found = self._session.read(_path(message_id))
        if not _number(found):
            raise Unreadable("a report without a number")
        return found

    def _with_subject(self, entry: Any, since: datetime | None) -> list[RemoteMessage]:
        report = self._report(entry)
        if since is not None and report.created_at < since:
            return []
        subject = self._subject(report, entry)
        if subject is None or (since is not None and subject.created_at < since):
            return [report]
        report = replace(report, thread_id=subject.thread_id, thread_title=subject.thread_title)
        return [subject, report]

    def _subject(self, report: RemoteMessage, entry: Any) -> RemoteMessage | None:
        """What was reported. Where we are not in the room, the report itself still shows it."""
        found = self._reader.found(report.subject_id or "")
        if found is not None:
            return found
        try:
            detail = self._one(f"{PREFIX}{_number(entry)}")
            raw = {**(dig(detail, "event_json") or {}), "event_id": text_at(entry, "event_id")}
            event = Event.read(raw, text_at(entry, "room_id"))
            return self._reader.message(event) if is_message(event) else None
        except (Gone, NoMessage):
            return None

    def _report(self, entry: Any) -> RemoteMessage:
        room, event, reporter = (text_at(entry, key) for key in ("room_id", "event_id", "user_id"))
        received = dig(entry, "received_ts")
        if not room or not event or not reporter or not isinstance(received, int):
            raise NoMessage("a report without a subject, a reporter or a time")
        try:
            at = datetime.fromtimestamp(received / 1000, UTC)
        except (OverflowError, ValueError, OSError):
            raise NoMessage("a report with a time that cannot be") from None
        name = text_at(entry, "name")
        return RemoteMessage(
            id=f"{PREFIX}{_number(entry)}",
            thread_id=joined(room, event),
            kind=Kind.REPORT,
            person=self._rooms.person(room, reporter),
            text=text_at(entry, "reason"),
            created_at=at,
            audience=Audience.PRIVATE,
            subject_id=joined(room, event),
            thread_title=name,
            channel=name,
            revision=f"{_number(entry)}",
        )


def _path(message_id: str) -> str:
    number = message_id.removeprefix(PREFIX)
    if not number.isdecimal():
        raise Gone("there is no such report")
    return path(f"{ADMIN}/event_reports", number)


def _number(entry: Any) -> int:
    found = dig(entry, "id")
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def _loaded(state: str) -> tuple[int, list[int]]:
    """Read a state; one that makes no sense means to begin again, which loses nothing."""
    try:
        found = json.loads(state) if state else {}
    except ValueError:
        found = {}
    mark = dig(found, "mark")
    watched = [number for number in entries(found, "watched") if isinstance(number, int)]
    return (mark if isinstance(mark, int) else 0), watched
