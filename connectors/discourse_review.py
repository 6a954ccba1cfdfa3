"""What waits for a forum's moderators: flagged posts, posts held back, new people.

Sources: Discourse's reviewables_controller, reviewable and its serializers (no part of its OpenAPI
description). Ten come at a time, with users, scores and actions beside them. What can be done with one is in
its actions and nowhere else; doing it names the version that was looked at, and is refused when that is no
longer the one.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, TypeGuard

from connectors import html
from connectors.contract import Audience, Command, GoneHow, Kind, Page, Receipt, RemoteGone, RemoteMessage
from connectors.discourse_posts import person
from connectors.discourse_session import Session, moment, segment
from connectors.discourse_walk import load
from connectors.errors import CannotTell, Gone, Reason, Refused, Unreadable

REVIEW: Final = "review"
_PREFIX: Final = "review-"
_QUEUED: Final = "ReviewableQueuedPost"
_PENDING: Final = 0
_STATUS: Final = {1: "approved", 2: "rejected", 3: "ignored", 4: "deleted"}
_MOST_PAGES: Final = 100
_OVERLAP: Final = 20  # entries that are read again: others may have been dealt with above them
_AT_ONCE: Final = 30  # that are no longer listed, asked for one by one in a pull
_SIDES: Final = ("users", "reviewable_scores", "bundled_actions", "actions", "reviewable_conversations")
_MORE_SIDES: Final = ("conversation_messages", "reviewable_score_types", "score_types", "topics")


def is_review(message_id: str) -> bool:
    """Whether it names something of the queue."""
    return message_id.startswith(_PREFIX)


def number(message_id: str) -> str:
    """The forum's id of it; Gone where it cannot be one."""
    found = message_id.removeprefix(_PREFIX)
    if not found.isdecimal():
        raise Gone("there is nothing like that in the review queue")
    return found


def named(found: object) -> str:
    """Our name for what the forum calls by a number."""
    return f"{_PREFIX}{found}"


class Queue:
    """The review queue as our account may see it."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # ------------------------------------------------------------------ reading

    def pages(self, state: str, since: datetime | None) -> Iterator[Page]:
        """All that waits, each once for every look it has; then what was dealt with since."""
        kept = load(state)
        looks, walked = kept.get("known"), kept.get("met")
        known = {str(key): str(look) for key, look in looks.items()} if isinstance(looks, dict) else {}
        # A long queue takes more calls than a key has in a minute: it is read on from where that ended.
        met = {str(one) for one in walked} if isinstance(walked, list) else set()
        offset = max(0, len(met) - _OVERLAP)
        for _ in range(_MOST_PAGES):
            answer = self._listed(offset)
            raw = answer["reviewables"]
            met |= {named(one["id"]) for one in raw if _readable(one)}
            found = [self._message(one, answer) for one in raw if _readable(one)]
            fresh = [one for one in found if known.get(one.id) != one.revision]
            known |= {one.id: one.revision for one in found}
            shown = tuple(one for one in fresh if since is None or one.created_at >= since)
            unfinished = json.dumps({"known": known, "met": sorted(met)})
            yield Page(REVIEW, shown, state=unfinished, skipped=len(raw) - len(found))
            offset += len(raw)
            meta = answer.get("meta")
            if not raw or not isinstance(meta, dict) or not meta.get("load_more_reviewables"):
                break
        yield self._dealt_with(known, [one for one in known if one not in met], since)

    def _dealt_with(self, known: dict[str, str], missed: list[str], since: datetime | None) -> Page:
        messages, gone = [], []
        for key in missed[:_AT_ONCE]:
            found = self.fetch(key)
            if isinstance(found, RemoteGone):
                gone.append(found)
            elif found.choices:
                continue  # it still waits: others were dealt with while we turned the pages
            elif since is None or found.created_at >= since:
                messages.append(found)
            del known[key]
        return Page(REVIEW, tuple(messages), tuple(gone), json.dumps({"known": known}))

    def _listed(self, offset: int) -> dict[str, Any]:
        # Without a priority the forum may leave out what few people flagged.
        params = {"status": "pending", "sort_order": "created_at", "priority": "low", "offset": offset}
        answer = self._session.read("review.json", params)
        if not isinstance(answer.get("reviewables"), list):
            raise Unreadable("the forum answered without its review queue")
        return answer

    def fetch(self, message_id: str) -> RemoteMessage | RemoteGone:
        """One entry as it is now."""
        try:
            found, answer = self._read(message_id)
        except Gone:
            return RemoteGone(message_id, GoneHow.DELETED)
        return self._message(found, answer)

    def _read(self, message_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
        key = number(message_id)
        answer = self._session.read(f"review/{key}.json")
        found = answer.get("reviewable")
        if not _readable(found) or str(found["id"]) != key:
            raise Unreadable("the forum answered without what was asked for")
        return found, answer

    def _message(self, found: dict[str, Any], answer: Mapping[str, Any]) -> RemoteMessage:
        side = _Side(answer)
        queued = found.get("type") == _QUEUED
        payload = found["payload"] if isinstance(found.get("payload"), dict) else {}
        author = side.one("users", found.get("target_created_by_id")) or side.one(
            "users", found.get("created_by_id")
        )
        writer = author if queued else side.one("users", found.get("created_by_id"))
        post, topic = found.get("post_id"), found.get("topic_id")
        answered = bool(found.get("reply_to_post_number")) or topic is not None
        status = _STATUS.get(found.get("status", _PENDING), "")
        reasons = [*side.reasons(found), *([status] if status else [])]
        return RemoteMessage(
            id=named(found["id"]),
            thread_id=str(topic) if topic is not None else named(found["id"]),
            kind=(Kind.COMMENT if answered else Kind.POST) if queued else Kind.REPORT,
            person=person(writer, "id") if writer else None,
            text=str(payload.get("raw", "")) if queued else side.said(found),
            created_at=moment(found["created_at"]),
            audience=Audience.PRIVATE,
            ours=queued and bool(writer) and writer.get("id") == self._session.me().id,
            subject_id=str(post) if isinstance(post, int) and not queued else None,
            reason="; ".join(reasons) or None,
            thread_title=str(payload.get("title") or side.one("topics", topic).get("title") or ""),
            permalink=f"{self._session.http.base_url}/review/{found['id']}",
            revision=_revision(found),
            hidden=queued,
            choices=side.choices(found) if not status else {},
        )

    def author(self, message_id: str) -> Mapping[str, Any]:
        """Whose post or account it is about: `id` and `username`."""
        found, answer = self._read(message_id)
        keys = (
            ("target_created_by_id", "created_by_id")
            if found.get("type") == _QUEUED
            else ("target_created_by_id",)
        )
        known = (_Side(answer).one("users", found.get(key)) for key in keys)
        author = next((one for one in known if one), None)
        if author is None:
            raise Refused(Reason.NOT_FOUND, "The forum does not say whose that is.")
        return author

    # ------------------------------------------------------------------ deciding

    def resolve(self, command: Command) -> Receipt:
        """Do what the person chose, if it is still what they looked at."""
        key, choice = number(command.target), command.options.get("choice", "")
        seen = self.fetch(command.target)
        if isinstance(seen, RemoteGone):
            raise Gone("that is no longer in the review queue")
        if not seen.choices:
            raise Refused(Reason.STALE, "Somebody dealt with it already.")
        if choice not in seen.choices:
            offered = ", ".join(seen.choices.values())
            raise Refused(Reason.STALE if choice else Reason.INVALID, f"Choose one of: {offered}.")
        version = (command.revision or seen.revision).partition(".")[0]
        if not version.isdecimal():
            raise Refused(Reason.STALE, "Look at it again first: it is not known which version you saw.")
        params = {"version": version}
        if command.options.get("reason"):
            params["reject_reason"] = command.options["reason"]
        self._session.write("PUT", f"review/{key}/perform/{segment(choice)}", params=params)
        return Receipt(command.target)

    def was_resolved(self, command: Command) -> Receipt | None:
        """Whether we dealt with it; where somebody did and nothing says who, a person has to look."""
        try:
            found, answer = self._read(command.target)
        except Gone:
            raise CannotTell("what was reviewed is no longer there") from None
        if found.get("status", _PENDING) == _PENDING:
            return None
        scores = _Side(answer).many("reviewable_scores", found.get("reviewable_score_ids"))
        if any(one.get("reviewed_by_id") == self._session.me().id for one in scores):
            return Receipt(command.target)
        raise CannotTell("somebody dealt with it, and the forum does not say who")

    def withdraw(self, message_id: str) -> Receipt:
        """Take back a post of ours that is held back."""
        self._session.write("DELETE", f"review/{number(message_id)}.json")
        return Receipt(message_id)


class _Side:
    """What an answer brings beside its entries, by kind and id."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self._known: dict[str, dict[Any, dict[str, Any]]] = {}
        for kind in (*_SIDES, *_MORE_SIDES):
            listed = answer.get(kind)
            every = listed if isinstance(listed, list) else []
            self._known[kind] = {one["id"]: one for one in every if isinstance(one, dict) and "id" in one}

    def one(self, kind: str, key: object) -> dict[str, Any]:
        return self._known[kind].get(key, {}) if isinstance(key, int | str) else {}

    def many(self, kind: str, keys: object) -> list[dict[str, Any]]:
        wanted = keys if isinstance(keys, list) else []
        return [found for found in (self.one(kind, key) for key in wanted) if found]

    def reasons(self, found: Mapping[str, Any]) -> list[str]:
        """Why it waits, in the forum's words, each once."""
        told = []
        for score in self.many("reviewable_scores", found.get("reviewable_score_ids")):
            kind = score.get("score_type_id")
            title = (self.one("score_types", kind) or self.one("reviewable_score_types", kind)).get("title")
            told += [html.to_text(str(words)) for words in (title, score.get("reason")) if words]
        return list(dict.fromkeys(told))

    def said(self, found: Mapping[str, Any]) -> str:
        """What those who flagged it wrote."""
        told = []
        for score in self.many("reviewable_scores", found.get("reviewable_score_ids")):
            talk = self.one("reviewable_conversations", score.get("reviewable_conversation_id"))
            lines = self.many("conversation_messages", talk.get("conversation_message_ids"))
            told += [html.to_text(str(line.get("excerpt", ""))) for line in lines]
        return "\n\n".join(words for words in told if words)

    def choices(self, found: Mapping[str, Any]) -> dict[str, str]:
        """What can be done. What needs the forum's own page is left out: done from here it would do half."""
        offered: dict[str, str] = {}
        for bundle in self.many("bundled_actions", found.get("bundled_action_ids")):
            for action in self.many("actions", bundle.get("action_ids")):
                if not action.get("client_action"):
                    words = str(action.get("label") or action["id"])
                    offered[str(action.get("server_action") or action["id"])] = html.to_text(words)
        return offered


def _revision(found: Mapping[str, Any]) -> str:
    """The version first, which a decision has to name; a flag more changes the look and not the version."""
    scores = found.get("reviewable_score_ids")
    flags = len(scores) if isinstance(scores, list) else 0
    return f"{found.get('version', 0)}.{found.get('status', 0)}.{flags}"


def _readable(found: Any) -> TypeGuard[dict[str, Any]]:
    if not isinstance(found, dict) or not isinstance(found.get("id"), int):
        return False
    try:
        moment(found.get("created_at"))
    except ValueError:
        return False
    return True
