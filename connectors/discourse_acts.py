"""What our account does on a forum.

Sources: Discourse's OpenAPI description, posts_controller, topics_controller, admin/users_controller, the
poll plugin. There is no key against doing things twice. To an admin's key the forum answers the same words
within two minutes with the post it made before; to members it refuses them for some minutes.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from connectors.contract import Audience, Command, Receipt, Verb
from connectors.discourse_posts import LIKE, WHISPER, Reader, Topic, is_gone, readable, summary
from connectors.discourse_review import Queue, is_review, named
from connectors.discourse_session import Session, moment
from connectors.discourse_words import poll_words, sayable, span
from connectors.errors import Gone, OutcomeUnknown, Reason, Refused

MAX_TEXT: Final = 32_000  # of a forum that says nothing else
_INAPPROPRIATE, _TELL_MODERATORS = FLAGS = 4, 7
_SUBJECT: Final = "A message from {name}"
_ENDS: Final = {Verb.MUTE: ("silence", "silenced_till"), Verb.BAN: ("suspend", "suspended_till")}
_LIFTS: Final = {Verb.UNMUTE: ("unsilence", "silenced_till"), Verb.UNBAN: ("unsuspend", "suspended_till")}


UNTIL: Final = {verb: until for verb, (_, until) in (_ENDS | _LIFTS).items()}


class Acts:
    """Writes as our account; nothing private is ever answered where more people could read it."""

    def __init__(self, session: Session, reader: Reader, queue: Queue) -> None:
        self._session, self._reader, self._queue = session, reader, queue
        self.longest = MAX_TEXT
        self._do: dict[Verb, Callable[[Command], Receipt]] = {
            Verb.REPLY: self._reply,
            Verb.RETRACT: self._retract,
            Verb.REMOVE: self._remove,
            Verb.RESTORE: self._restore,
            Verb.UNHIDE: self._unhide,
            Verb.LIKE: self._like,
            Verb.UNLIKE: self._unlike,
            Verb.RESOLVE: queue.resolve,
            Verb.REPORT: self._report,
            Verb.LOCK: self._lock,
            Verb.UNLOCK: self._lock,
            Verb.MUTE: self._penalise,
            Verb.BAN: self._penalise,
            Verb.UNMUTE: self._lift,
            Verb.UNBAN: self._lift,
            Verb.WRITE: self._write,
            Verb.POLL: self._poll,
            Verb.END_POLL: self._end_poll,
        }
        self.can = frozenset(self._do)

    def perform(self, command: Command) -> Receipt:
        """Do it."""
        return self._do[command.verb](command)

    # ------------------------------------------------------------------ words

    def _reply(self, command: Command) -> Receipt:
        if is_review(command.target):
            words = (
                "What waits for review is answered nowhere: decide about it, or write to the author alone."
            )
            raise Refused(Reason.BLOCKED, words)
        post = self._there(command.target)
        topic = self._reader.topic(post["topic_id"], fresh=True)
        whisper = post.get("post_type") == WHISPER
        self._not_wider(command, self._reader.audience(post, topic))
        if post.get("hidden") and not topic.direct:
            raise Refused(
                Reason.BLOCKED, "That post is hidden: an answer would be read by all. Write to the author."
            )
        body = {"raw": command.text, "topic_id": topic.id, "reply_to_post_number": post.get("post_number", 1)}
        if whisper:
            body["whisper"] = (
                "true"  # as text: an older forum takes nothing else for yes, and would publish it
            )
        return self._send(body, topic, whisper=whisper)

    def _poll(self, command: Command) -> Receipt:
        topic = self._reader.topic(self.asked_in(command), fresh=True)
        self._not_wider(command, Audience.PRIVATE if topic.private else Audience.PUBLIC)
        if command.target.isdecimal() and self._there(command.target).get("post_type") == WHISPER:
            raise Refused(Reason.BLOCKED, "A poll below a whisper would be read by all.")
        return self._send({"raw": poll_words(command, datetime.now(UTC)), "topic_id": topic.id}, topic)

    def asked_in(self, command: Command) -> int:
        if command.thread_id.isdecimal():
            return int(command.thread_id)
        return int(self._there(command.target)["topic_id"])

    def _write(self, command: Command) -> Receipt:
        author = self.author(command.target)
        if author["id"] == self._session.me().id:
            raise Refused(Reason.INVALID, "That is from this account itself.")
        body = {
            "title": self.subject(),
            "raw": command.text,
            "archetype": "private_message",
            "target_recipients": str(author["username"]),
        }
        return self._send(body, None)

    def subject(self) -> str:
        me = self._session.me()
        return _SUBJECT.format(name=me.name or me.username)

    def _not_wider(self, command: Command, audience: Audience) -> None:
        if command.audience is Audience.PRIVATE and audience is Audience.PUBLIC:
            raise Refused(Reason.STALE, "Everybody can read that by now, which a private answer must not be.")

    def _send(self, body: Mapping[str, Any], topic: Topic | None, *, whisper: bool = False) -> Receipt:
        if not str(body["raw"]).strip():
            raise Refused(Reason.INVALID, "It needs words.")
        if len(body["raw"]) > self.longest:
            raise Refused(Reason.TOO_LONG, f"At most {self.longest} characters.")
        made = self._session.write("POST", "posts.json", {**body, "raw": sayable(str(body["raw"]))}).data
        if isinstance(made, dict) and made.get("action") == "enqueued":
            pending = made.get("pending_post")
            held = pending.get("id") if isinstance(pending, dict) else None
            return Receipt(named(held) if held is not None else "")
        if not readable(made):
            raise OutcomeUnknown("the forum answered without saying what it made")
        if topic is not None and made["id"] in topic.ids:
            words = "The forum did not say that again: the same words stand there since a moment ago."
            raise Refused(Reason.INVALID, words)
        if whisper and made.get("post_type") != WHISPER:
            self._session.write("DELETE", f"posts/{made['id']}.json")
            raise Refused(
                Reason.BLOCKED, "The forum did not keep that among moderators, so it was taken back."
            )
        return self.receipt(made)

    def receipt(self, made: Mapping[str, Any]) -> Receipt:
        link = self._reader.link(made["topic_id"], made.get("post_number"))
        return Receipt(str(made["id"]), moment(made["created_at"]), link)

    # ------------------------------------------------------------------ posts and topics

    def _there(self, message_id: str) -> dict[str, Any]:
        post = self._reader.post(message_id)
        if is_gone(post):
            raise Gone("that post is no longer there")
        return post

    def _retract(self, command: Command) -> Receipt:
        if is_review(command.target):
            return self._queue.withdraw(command.target)
        post = self._reader.post(command.target)
        if post.get("user_id") != self._session.me().id:
            raise Refused(Reason.ROLE, "Only a post of this account can be taken back.")
        return self._take_down(post)

    def _remove(self, command: Command) -> Receipt:
        return self._take_down(self._reader.post(command.target))

    def _take_down(self, post: Mapping[str, Any]) -> Receipt:
        if not is_gone(post):
            self._session.write("DELETE", _as_deleted(post))
        return Receipt(str(post["id"]))

    def _restore(self, command: Command) -> Receipt:
        post = self._reader.post(command.target)
        if is_gone(post):
            self._session.write("PUT", _as_recovered(post))
        return Receipt(command.target)

    def _unhide(self, command: Command) -> Receipt:
        if self._there(command.target).get("hidden"):
            self._session.write("PUT", f"posts/{command.target}/unhide.json")
        return Receipt(command.target)

    def _like(self, command: Command) -> Receipt:
        post = self._there(command.target)
        if not summary(post, LIKE).get("acted"):
            self._session.write("POST", "post_actions.json", {"id": post["id"], "post_action_type_id": LIKE})
        return Receipt(command.target)

    def _unlike(self, command: Command) -> Receipt:
        if summary(self._there(command.target), LIKE).get("acted"):
            path = f"post_actions/{command.target}.json"
            self._session.write("DELETE", path, params={"post_action_type_id": LIKE})
        return Receipt(command.target)

    def _report(self, command: Command) -> Receipt:
        post = self._there(command.target)
        words = command.options.get("reason", "") or command.text
        body: dict[str, Any] = {"id": post["id"], "post_action_type_id": _INAPPROPRIATE}
        if words:
            body |= {"post_action_type_id": _TELL_MODERATORS, "message": words}
        self._session.write("POST", "post_actions.json", body)
        return Receipt(command.target)

    def _lock(self, command: Command) -> Receipt:
        topic = self._there(command.target)["topic_id"]
        enabled = "true" if command.verb is Verb.LOCK else "false"
        self._session.write("PUT", f"t/{topic}/status.json", {"status": "closed", "enabled": enabled})
        return Receipt(command.target)

    def _end_poll(self, command: Command) -> Receipt:
        polls = self._there(command.target).get("polls")
        first = polls[0] if isinstance(polls, list) and polls else None
        if not isinstance(first, dict):
            raise Refused(Reason.INVALID, "That post holds no poll.")
        if first.get("status") != "closed":
            body = {
                "post_id": int(command.target),
                "poll_name": first.get("name", "poll"),
                "status": "closed",
            }
            self._session.write("PUT", "polls/toggle_status", body)
        return Receipt(command.target)

    # ------------------------------------------------------------------ people

    def author(self, message_id: str) -> Mapping[str, Any]:
        if is_review(message_id):
            return self._queue.author(message_id)
        post = self._reader.post(message_id)
        if not isinstance(post.get("user_id"), int) or not post.get("username"):
            raise Refused(Reason.NOT_FOUND, "The account that wrote that is no more.")
        return {"id": post["user_id"], "username": post["username"]}

    def _penalise(self, command: Command) -> Receipt:
        how, until = _ENDS[command.verb]
        author = self.author(command.target)["id"]
        ends = datetime.now(UTC) + span(command.options.get("hours", ""))
        said = ends.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        body = {
            _named_until(until): said,
            "reason": command.options.get("reason") or "Decided by the moderators.",
        }
        self._session.write("PUT", f"admin/users/{author}/{how}.json", body)
        return Receipt(command.target)

    def _lift(self, command: Command) -> Receipt:
        how, _ = _LIFTS[command.verb]
        author = self.author(command.target)["id"]
        self._session.write("PUT", f"admin/users/{author}/{how}.json")
        return Receipt(command.target)


def _as_deleted(post: Mapping[str, Any]) -> str:
    """A topic's first post goes with its topic only."""
    first = post.get("post_number") == 1
    return f"t/{post['topic_id']}.json" if first else f"posts/{post['id']}.json"


def _as_recovered(post: Mapping[str, Any]) -> str:
    first = post.get("post_number") == 1
    return f"t/{post['topic_id']}/recover.json" if first else f"posts/{post['id']}/recover.json"


def _named_until(field: str) -> str:
    return "suspend_until" if field == "suspended_till" else field
