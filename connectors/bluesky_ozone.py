"""What a moderator of a Bluesky moderation service does there, each thing once.

Sources: the tools.ozone.moderation lexicons (emitEvent, queryEvents, getRecord) and
com.atproto.moderation.createReport. The service takes one event with an `externalId` and refuses others:
ours is the command's key, which also stands in the event's `modTool`, where it is found again.
"""

import re
from typing import Any, Final

from connectors.answers import dig, entries, text_at, time_at
from connectors.bluesky_reports import DEFS, PREFIX, Reports, number_of, subject_of
from connectors.bluesky_session import Session
from connectors.contract import Command, Receipt, Verb
from connectors.errors import CannotTell, Gone, OutcomeUnknown, Reason, Refused

_EVENTS: Final = {
    Verb.RESOLVE: "modEventAcknowledge",
    Verb.ESCALATE: "modEventEscalate",
    Verb.LABEL: "modEventLabel",
    Verb.UNLABEL: "modEventLabel",
    Verb.REMOVE: "modEventTakedown",
    Verb.RESTORE: "modEventReverseTakedown",
}
VERBS: Final = frozenset(_EVENTS)
_LABEL: Final = re.compile(r"[a-z][a-z-]{0,127}")
_MOST_REASON: Final = 2000  # graphemes, of a report's words


class Moderation:
    """Emits events as our account about what a message is, or reports."""

    def __init__(self, session: Session, reports: Reports) -> None:
        self._session = session
        self._reports = reports

    def perform(self, command: Command) -> Receipt:
        """Emit the command's event, or answer with the one that was."""
        body = {
            "event": self._event(command),
            "subject": self._subject(command.target),
            "createdBy": self._session.did,
            "modTool": {"name": "hearthlight", "meta": {"key": command.key}},
            "externalId": command.key,
        }
        try:
            answer = self._reports.write("emitEvent", body)
        except Refused:
            sent = self.find_sent(command)
            if sent is None:
                raise
            return sent
        if not number_of(answer):
            raise OutcomeUnknown("the service did not say what it noted")
        return Receipt(number_of(answer), time_at(answer, "createdAt"))

    def find_sent(self, command: Command) -> Receipt | None:
        """Look for the event that carries the command's key."""
        subject = self._subject(command.target)
        answer = self._reports.read(
            "queryEvents",
            types=[f"{DEFS}{_EVENTS[command.verb]}"],
            subject=text_at(subject, "uri") or text_at(subject, "did"),
            createdBy=self._session.did,
            limit=100,
        )
        for event in entries(answer, "events"):
            if dig(event, "modTool", "meta", "key") == command.key:
                return Receipt(number_of(event), time_at(event, "createdAt"))
        return None

    def report(self, command: Command) -> Receipt:
        """Tell those who run our server's moderation about a post."""
        if not command.target.startswith("at://"):
            raise Refused(Reason.UNSUPPORTED, "direct messages are reported in Bluesky itself")
        found = self._session.read("app.bsky.feed.getPosts", {"uris": [command.target]})
        cid = next((text_at(view, "cid") for view in entries(found, "posts")), "")
        if not cid:
            raise Gone("that post is no longer there")
        body = {
            "reasonType": "com.atproto.moderation.defs#reasonOther",
            "reason": command.options.get("reason", "")[:_MOST_REASON],
            "subject": {"$type": "com.atproto.repo.strongRef", "uri": command.target, "cid": cid},
        }
        answer = self._session.write("com.atproto.moderation.createReport", body)
        return Receipt(str(answer.get("id", "")), time_at(answer, "createdAt"))

    def was_reported(self, command: Command) -> Receipt | None:
        """Nobody but the moderators who got it can see a report again."""
        raise CannotTell(f"Bluesky does not show reports to whoever made them ({command.verb})")

    def _event(self, command: Command) -> dict[str, Any]:
        event: dict[str, Any] = {"$type": f"{DEFS}{_EVENTS[command.verb]}"}
        words = command.text or command.options.get("reason", "")
        if words:
            event["comment"] = words
        if command.verb in (Verb.LABEL, Verb.UNLABEL):
            label = command.options.get("label", "").strip().lower()
            if not _LABEL.fullmatch(label):
                raise Refused(Reason.INVALID, "a label has small letters and hyphens only")
            given = command.verb is Verb.LABEL
            event["createLabelVals"] = [label] if given else []
            event["negateLabelVals"] = [] if given else [label]
        return event

    def _subject(self, target: str) -> dict[str, str]:
        """Name what a message is, or what a report is about, as events do."""
        if target.startswith(PREFIX):
            return subject_of(self._reports.event(target))
        if not target.startswith("at://"):
            raise Refused(Reason.UNSUPPORTED, "direct messages are moderated in Ozone itself")
        # Not asked of the network: what was taken down is no longer shown there.
        try:
            found = self._reports.read("getRecord", uri=target)
        except Refused as trouble:
            unknown = trouble.reason in (Reason.INVALID, Reason.NOT_FOUND)
            raise (Gone("that post is no longer there") if unknown else trouble) from None
        return {"$type": "com.atproto.repo.strongRef", "uri": target, "cid": text_at(found, "cid")}
