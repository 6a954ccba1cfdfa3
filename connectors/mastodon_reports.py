"""The reports of a Mastodon server that our account moderates, and what moderators may do about people.

Sources: https://docs.joinmastodon.org/methods/admin/: reports and accounts. An id is "report/" and the
server's number. Deleting what somebody wrote is left to the website: there is no call for it.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from connectors.answers import dig, entries, text_at, time_at
from connectors.contract import (
    Audience,
    Command,
    GoneHow,
    Kind,
    Page,
    Receipt,
    RemoteGone,
    RemoteMessage,
    Verb,
)
from connectors.errors import Gone, Reason, Refused, TryLater, Unreadable
from connectors.mastodon_read import Reader, person_of
from connectors.mastodon_session import Session, path
from connectors.mastodon_walk import Walk, walk

STREAM: Final = "reports"
PREFIX: Final = "report/"
_WHERE: Final = "admin/reports"
_PEOPLE: Final = "admin/accounts"
_WATCHED: Final = 20  # open reports that each pull looks at, as a colleague may have closed them
_DONE: Final = {Verb.MUTE: ("silenced", True), Verb.UNMUTE: ("silenced", False)} | {
    Verb.BAN: ("suspended", True),
    Verb.UNBAN: ("suspended", False),
}
_NOT_NOW: Final = "The server does not answer at the moment."
_NO_RIGHT: Final = "Sign in again and choose moderation: this sign-in may not see reports."
_NO_ROLE: Final = "This account is not a moderator of its server."


class Reports:
    """The open reports of a server. One that somebody closed counts as gone: nobody has to act any more."""

    def __init__(self, session: Session, reader: Reader) -> None:
        self._session = session
        self._reader = reader

    def why_not(self) -> str:
        """Why reports cannot be read, empty where they can."""
        try:
            self._session.read(path(_WHERE), {"limit": 1})
        except TryLater:
            return _NOT_NOW
        except Refused as trouble:
            return _NO_RIGHT if trouble.reason is Reason.SCOPE else _NO_ROLE
        return ""

    def pull(self, state: str, since: datetime | None) -> Iterator[Page]:
        """Bring open reports and what they are about."""
        begun, watched = _loaded(state)
        met: list[str] = []
        now = begun
        for step in walk(self._session, path(_WHERE), begun, since):
            now = step.walk
            messages: list[RemoteMessage] = []
            skipped = 0
            for entry in step.rows:
                try:
                    messages += self._with_subjects(entry, since)
                except Unreadable:
                    skipped += 1
                else:
                    met.append(text_at(entry, "id"))
            dump = _dumped(now, [*watched, *met])
            yield Page(STREAM, tuple(messages), state=dump, gap=step.gap, skipped=skipped)
        closed = [id_ for id_ in watched[-_WATCHED:] if id_ not in met and self._closed(id_)]
        left = [id_ for id_ in [*watched, *met] if id_ not in closed]
        gone = tuple(RemoteGone(f"{PREFIX}{id_}", GoneHow.REMOVED) for id_ in closed)
        yield Page(STREAM, gone=gone, state=_dumped(now, left))

    def fetch(self, ids: Sequence[str]) -> dict[str, RemoteMessage | RemoteGone]:
        """Re-read reports one by one: they hardly ever change."""
        found: dict[str, RemoteMessage | RemoteGone] = {}
        for id_ in ids:
            try:
                entry = self.one(id_)
            except Gone:
                found[id_] = RemoteGone(id_, GoneHow.DELETED)
            else:
                closed = dig(entry, "action_taken") is True
                found[id_] = RemoteGone(id_, GoneHow.REMOVED) if closed else self._report(entry)
        return found

    def thread(self, message_id: str) -> list[RemoteMessage]:
        """A report together with the conversation that it is about."""
        report = self._report(self.one(message_id))
        try:
            around = self._reader.thread(report.subject_id) if report.subject_id else []
        except Refused:
            around = []
        return [*around, replace(report, thread_id=around[0].thread_id if around else report.thread_id)]

    def one(self, message_id: str) -> dict[str, Any]:
        """Read one report."""
        found = self._session.read(path(_WHERE, message_id.removeprefix(PREFIX))).data
        if not text_at(found, "id"):
            raise Unreadable("the server answered with something that is no report")
        return dict(found)

    def resolve(self, command: Command) -> Receipt:
        """Close a report; one that is closed already stays so."""
        if not command.target.startswith(PREFIX):
            raise Refused(Reason.INVALID, "only a report can be closed")
        if dig(self.one(command.target), "action_taken") is not True:
            self._session.write(path(_WHERE, command.target.removeprefix(PREFIX)) + "/resolve")
        return Receipt(command.target)

    def was_resolved(self, command: Command) -> Receipt | None:
        """Whether the report is closed, by whomever."""
        closed = dig(self.one(command.target), "action_taken") is True
        return Receipt(command.target) if closed else None

    def restrict(self, command: Command) -> Receipt:
        """Limit or suspend the author, or lift that. What holds already is left alone: each time is told."""
        done = self.was_restricted(command)
        if done:
            return done
        if command.options.get("hours"):
            message = "on Mastodon this lasts until somebody lifts it: leave the hours out"
            raise Refused(Reason.UNSUPPORTED, message)
        person = path(_PEOPLE, self._person(command.target))
        if command.verb in (Verb.UNMUTE, Verb.UNBAN):
            lifting = "unsilence" if command.verb is Verb.UNMUTE else "unsuspend"
            self._session.write(f"{person}/{lifting}")
            return Receipt(command.target)
        body = {"type": "silence" if command.verb is Verb.MUTE else "suspend"}
        if command.options.get("reason"):
            body["text"] = command.options["reason"]
        if command.target.startswith(PREFIX):
            body["report_id"] = command.target.removeprefix(PREFIX)
        self._session.write(f"{person}/action", body)
        return Receipt(command.target)

    def was_restricted(self, command: Command) -> Receipt | None:
        """Whether the author stands as the command wants it, by whomever."""
        name, wanted = _DONE[command.verb]
        account = self._session.read(path(_PEOPLE, self._person(command.target))).data
        if not isinstance(dig(account, name), bool):
            raise Unreadable("the server did not say how that account stands")
        return Receipt(command.target) if account[name] is wanted else None

    def _person(self, message_id: str) -> str:
        if message_id.startswith(PREFIX):
            found = text_at(self.one(message_id), "target_account", "id")
        else:
            found = text_at(self._reader.status(message_id), "account", "id")
        if found in ("", self._session.id):
            raise Refused(Reason.INVALID, "that is this account itself")
        return found

    def _closed(self, number: str) -> bool:
        try:
            return dig(self.one(number), "action_taken") is True
        except Gone:
            return True
        except Unreadable:
            return False

    def _with_subjects(self, entry: Any, since: datetime | None) -> list[RemoteMessage]:
        report = self._report(entry)
        if dig(entry, "action_taken") is True or (since is not None and report.created_at < since):
            return []
        subjects, _ = self._reader.messages(entries(entry, "statuses"))
        if subjects:
            first = subjects[0]
            report = replace(report, thread_id=first.thread_id, thread_title=first.thread_title)
        return [*(one for one in subjects if since is None or one.created_at >= since), report]

    def _report(self, entry: Any) -> RemoteMessage:
        number, at = text_at(entry, "id"), time_at(entry, "created_at")
        if not number or at is None:
            raise Unreadable("a report without an id or a time")
        account = dig(entry, "account", "account")
        subjects = [text_at(one, "id") for one in entries(entry, "statuses") if text_at(one, "id")]
        about = text_at(entry, "target_account", "account", "acct")
        rules = [text_at(rule, "text") for rule in entries(entry, "rules")]
        return RemoteMessage(
            id=f"{PREFIX}{number}",
            thread_id=subjects[0] if subjects else f"{PREFIX}{number}",
            kind=Kind.REPORT,
            person=person_of(account) if isinstance(account, dict) else None,
            text=text_at(entry, "comment"),
            created_at=at,
            audience=Audience.PRIVATE,
            ours=text_at(account, "id") == self._session.id,
            subject_id=subjects[0] if subjects else None,
            reason="; ".join(part for part in (text_at(entry, "category"), *rules) if part),
            thread_title=f"@{about}" if about and not subjects else "",
            revision=text_at(entry, "updated_at") or text_at(entry, "created_at"),
        )


def _loaded(state: str) -> tuple[Walk, list[str]]:
    """Read a state; one that makes no sense means to begin again, which loses nothing."""
    try:
        found = json.loads(state) if state else {}
    except ValueError:
        found = {}
    return Walk.load(dig(found, "walk")), [one for one in entries(found, "open") if isinstance(one, str)]


def _dumped(now: Walk, watched: Sequence[str]) -> str:
    kept = list(dict.fromkeys(watched))[-200:]
    return json.dumps({"walk": now.dump(), "open": kept})
