"""Reports to a Bluesky moderation service (a "labeler") that our account works for.

Sources: the tools.ozone.moderation lexicons. An id is "report/" and the number of the event that
reported; events are a list that only grows.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.answers import dig, entries, text_at, time_at
from connectors.bluesky_feed import Feed
from connectors.bluesky_session import Session
from connectors.contract import (
    Ability,
    Audience,
    Kind,
    Page,
    RemoteGone,
    RemoteMessage,
    RemotePerson,
)
from connectors.errors import Gone, Reason, Refused, TryLater, Unreadable

STREAM = "reports"
PREFIX = "report/"
_MODERATION = "tools.ozone.moderation."
_PROFILE = "app.bsky.actor.getProfile"
DEFS = f"{_MODERATION}defs#"
_OVERLAP = timedelta(minutes=10)  # an event may be written a little after its own time
_REMEMBERED = 500
_NO_SERVICE = "No moderation service was named when this account was added."
_NOT_MODERATOR = "This account is not a moderator of that service."
_NOT_USABLE = "The moderation service does not answer as one. Is its name right?"
_NOT_NOW = "The moderation service does not answer at the moment."


class Reports:
    """The queue of one moderation service; without one, everything is refused with the reason."""

    def __init__(self, session: Session, feed: Feed, service: str) -> None:
        self._session = session
        self._feed = feed
        self._service = service.strip().removeprefix("@")

    @property
    def named(self) -> bool:
        """Whether there is a service at all."""
        return bool(self._service)

    def ability(self) -> Ability:
        """Ask the service whether it lets us in."""
        if not self.named:
            return Ability(can=False, why_not=_NO_SERVICE)
        try:
            self.read("queryEvents", limit=1)
        except TryLater:
            return Ability(can=False, why_not=_NOT_NOW)
        except Refused as trouble:
            no_role = trouble.reason in (Reason.SCOPE, Reason.ROLE)
            return Ability(can=False, why_not=_NOT_MODERATOR if no_role else _NOT_USABLE)
        return Ability(can=True)

    def pull(self, state: str, since: datetime | None) -> Iterator[Page]:
        """Bring reports in the order in which they were made, and the posts that they are about.

        What other moderators closed already is left out: nobody needs to do anything about it.
        """
        mark, seen = _loaded(state)
        after = (mark - _OVERLAP) if mark else since
        cursor = ""
        while True:
            answer = self._reported_after(after, cursor)
            events = [event for event in entries(answer, "events") if number_of(event) not in seen]
            seen = [*seen, *map(number_of, events)][-_REMEMBERED:]
            times = [at for event in events if (at := time_at(event, "createdAt"))]
            mark = max([*times, mark] if mark else times, default=None)
            messages, skipped = self._messages(self._open(events))
            yield Page(STREAM, tuple(messages), state=_dumped(mark, seen), skipped=skipped)
            before, cursor = cursor, text_at(answer, "cursor")
            if not entries(answer, "events") or cursor in ("", before):
                return

    def fetch(self, ids: Sequence[str]) -> dict[str, RemoteMessage | RemoteGone]:
        """Re-read reports one by one: they never change and are hardly ever asked for."""
        found: dict[str, RemoteMessage | RemoteGone] = {}
        for id_ in ids:
            try:
                messages, _ = self._messages([self.event(id_)])
            except Gone:
                found[id_] = RemoteGone(id_)
            else:
                found.update({message.id: message for message in messages})
        return found

    def thread(self, message_id: str) -> list[RemoteMessage]:
        """Read a report together with the conversation that it is about."""
        event = self.event(message_id)
        messages, _ = self._messages([event])
        reports = [message for message in messages if message.kind is Kind.REPORT]
        subject = _subject_id(event)
        try:
            around = self._feed.thread(subject) if subject.startswith("at://") else []
        except Gone:
            around = []
        return [*around, *reports]

    def read(self, method: str, **params: object) -> dict[str, Any]:
        """Ask the service."""
        return self._session.read(_MODERATION + method, params, self._proxy())

    def write(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Have the service do something."""
        return self._session.write(_MODERATION + method, body, self._proxy())

    def _proxy(self) -> str:
        """Name the service as the server wants it; Refused where there is none."""
        if not self._service:
            raise Refused(Reason.UNSUPPORTED, _NO_SERVICE)
        if not self._service.startswith("did:"):
            params = {"handle": self._service}
            answer = self._session.read("com.atproto.identity.resolveHandle", params)
            self._service = text_at(answer, "did")
        return f"{self._service}#atproto_labeler"

    def _reported_after(self, after: datetime | None, cursor: str) -> dict[str, Any]:
        more = {"cursor": cursor} if cursor else {}
        if after:
            more["createdAfter"] = after.isoformat().replace("+00:00", "Z")
        types = [f"{DEFS}modEventReport"]
        return self.read("queryEvents", types=types, sortDirection="asc", limit=100, **more)

    def event(self, report_id: str) -> dict[str, Any]:
        """Read one report as the service has it."""
        number = report_id.removeprefix(PREFIX)
        if not (number.isascii() and number.isdecimal()):
            raise Gone("there is no such report")
        try:
            return self.read("getEvent", id=int(number))
        except Refused as trouble:
            # The service has one answer for a number that it does not know and for a wrong one.
            unknown = trouble.reason is Reason.INVALID
            raise (Gone("that report is no longer there") if unknown else trouble) from None

    def _open(self, events: list[Any]) -> list[Any]:
        """Leave out the reports that somebody has dealt with since they were made."""
        subjects = {subject for event in events if (subject := _subject_id(event))}
        if not subjects:
            return events
        closed: dict[str, datetime] = {}
        for view in entries(self.read("getSubjects", subjects=sorted(subjects)), "subjects"):
            reviewed = time_at(view, "status", "lastReviewedAt")
            if reviewed and text_at(view, "status", "reviewState").endswith("#reviewClosed"):
                closed[text_at(view, "subject")] = reviewed

        def is_open(event: Any) -> bool:
            reviewed, made = closed.get(_subject_id(event)), time_at(event, "createdAt")
            return not (reviewed and made and reviewed >= made)

        return [event for event in events if is_open(event)]

    def _messages(self, events: list[Any]) -> tuple[list[RemoteMessage], int]:
        uris = {uri for event in events if (uri := _subject_id(event)).startswith("at://")}
        posts, skipped = self._feed.messages(self._feed.views(sorted(uris)).values())
        about = {post.id: post for post in posts}
        for event in events:
            try:
                posts.append(self._report(event, about.get(_subject_id(event))))
            except Unreadable:
                skipped += 1
        return posts, skipped

    def _report(self, event: Any, about: RemoteMessage | None) -> RemoteMessage:
        number, made = number_of(event), time_at(event, "createdAt")
        subject = _subject_id(event)
        if not number or made is None or not subject:
            raise Unreadable("a report without its number, time or subject")
        return RemoteMessage(
            id=PREFIX + number,
            thread_id=about.thread_id if about else subject,
            kind=Kind.REPORT,
            person=self._reporter(event),
            text=text_at(event, "event", "comment"),
            created_at=made,
            audience=Audience.PRIVATE,
            subject_id=subject,
            reason=_category(text_at(event, "event", "reportType")),
            thread_title=about.thread_title if about else "",
            revision=number,
        )

    def _reporter(self, event: Any) -> RemotePerson | None:
        did, handle = text_at(event, "createdBy"), text_at(event, "creatorHandle")
        if not did:
            return None
        if not handle:  # a single event comes without it
            try:
                handle = text_at(self._session.read(_PROFILE, {"actor": did}), "handle")
            except Refused:  # the account is gone; its report is not
                handle = ""
        return RemotePerson(did, handle)


def number_of(event: Any) -> str:
    """Take the number out of an event; empty where it has none."""
    found = dig(event, "id")
    return str(found) if isinstance(found, int) else ""


def subject_of(event: Any) -> dict[str, str]:
    """Name what was reported, from either of the two shapes in which events show it."""
    subject = dig(event, "subject")
    uri, cid, did = (text_at(subject, key) for key in ("uri", "cid", "did"))
    if uri:
        return {"$type": "com.atproto.repo.strongRef", "uri": uri, "cid": cid}
    if text_at(subject, "messageId"):
        raise Refused(Reason.UNSUPPORTED, "reports of direct messages are closed in Ozone itself")
    return {"$type": "com.atproto.admin.defs#repoRef", "did": did}


def _subject_id(event: Any) -> str:
    subject = dig(event, "subject")
    message = text_at(subject, "messageId")
    if message:
        return f"{text_at(subject, 'convoId')}/{message}"
    return text_at(subject, "uri") or text_at(subject, "did")


def _category(reason: str) -> str | None:
    """Turn "…#reasonSelfHarmContent" into "self harm content"."""
    name = reason.rpartition("#")[2].removeprefix("reason")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower() or None


def _loaded(state: str) -> tuple[datetime | None, list[str]]:
    """Read a state; one that makes no sense means to begin again, which loses nothing."""
    try:
        found = json.loads(state) if state else {}
    except ValueError:
        found = {}
    seen = [number for number in entries(found, "seen") if isinstance(number, str)]
    return time_at(found, "mark"), seen


def _dumped(mark: datetime | None, seen: list[str]) -> str:
    return json.dumps({"mark": mark.isoformat() if mark else "", "seen": seen})
