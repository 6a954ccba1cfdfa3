"""Whether something was done on a forum when no answer came: words among our own, the rest by how it stands.

Nothing on Discourse carries a key of ours, so the same words at the same place count as the ones that were
sent, unless they are older than the command.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connectors.contract import Command, Receipt, RemoteMessage, Verb
from connectors.discourse_acts import FLAGS, UNTIL, Acts
from connectors.discourse_posts import LIKE, WHISPER, Reader, Topic, is_gone, summary
from connectors.discourse_review import Queue, is_review, named
from connectors.discourse_session import Session, moment, segment
from connectors.discourse_words import poll_words, same
from connectors.errors import CannotTell, Gone
from connectors.keys import begun_at

_LOOKED_AT: Final = 60  # newest posts of a topic, or messages of ours, where a lost one is looked for
_SKEW: Final = timedelta(minutes=10)


class Finder:
    """Looks for what was done, and does nothing."""

    def __init__(self, session: Session, reader: Reader, queue: Queue, acts: Acts) -> None:
        self._session, self._reader, self._queue, self._acts = session, reader, queue, acts
        self._found: dict[Verb, Callable[[Command], Receipt | None]] = {
            Verb.REPLY: self._was_replied,
            Verb.POLL: self._was_asked,
            Verb.WRITE: self._was_written,
            Verb.RESOLVE: queue.was_resolved,
            **dict.fromkeys(UNTIL, self._was_penalised),
            **dict.fromkeys((Verb.LOCK, Verb.UNLOCK), self._was_locked),
        }

    def find(self, command: Command) -> Receipt | None:
        """Whether it was done."""
        return self._found.get(command.verb, self._stands)(command)

    def _was_replied(self, command: Command) -> Receipt | None:
        if is_review(command.target):
            return None
        post = self._reader.post(command.target)
        numbers = {post.get("post_number")} | ({None} if post.get("post_number") == 1 else set())
        topic = self._reader.topic(post["topic_id"], fresh=True)
        found = self._said(topic, command.text, command.key, numbers, post["id"])
        if found is not None and post.get("post_type") == WHISPER != found.get("post_type"):
            raise CannotTell("an answer to a whisper stands where everybody can read it")
        return self._acts.receipt(found) if found is not None else self._held_back(topic.id, command)

    def _was_asked(self, command: Command) -> Receipt | None:
        topic = self._reader.topic(self._acts.asked_in(command), fresh=True)
        found = self._said(topic, poll_words(command, datetime.now(UTC)), command.key, None, 0)
        return self._acts.receipt(found) if found is not None else None

    def _said(
        self, topic: Topic, words: str, key: str, numbers: set[Any] | None, after: int
    ) -> dict[str, Any] | None:
        """The newest post of ours with these words: their raw form is compared, one post at a time."""
        begun = begun_at(key)
        ids = [one for one in topic.ids if one > after][-_LOOKED_AT:]
        for post in self._reader.posts(topic, ids)[::-1]:
            mine = post.get("user_id") == self._session.me().id
            early = begun is not None and moment(post["created_at"]) < begun - _SKEW
            if not mine or early or (numbers is not None and post.get("reply_to_post_number") not in numbers):
                continue
            if same(str(self._reader.post(str(post["id"])).get("raw", "")), words):
                return post
        return None

    def _held_back(self, topic_id: int, command: Command) -> Receipt | None:
        """A post of ours that waits for the forum's moderators."""
        name = segment(self._session.me().username)
        try:
            listed = self._session.read(f"posts/{name}/pending.json").get("pending_posts")
        except Gone:
            return None  # an older forum
        for one in listed if isinstance(listed, list) else []:
            here = isinstance(one, dict) and one.get("topic_id") == topic_id and "id" in one
            if here and same(str(one.get("raw_text", "")), command.text):
                return Receipt(named(one["id"]))
        return None

    def _was_written(self, command: Command) -> Receipt | None:
        name = segment(self._session.me().username)
        answer = self._session.read(f"topics/private-messages-sent/{name}.json").get("topic_list")
        listed = answer.get("topics") if isinstance(answer, dict) else None
        subject = self._acts.subject()
        mine = [one for one in listed or [] if isinstance(one, dict) and one.get("title") == subject]
        author = str(self._acts.author(command.target)["username"])
        for one in mine[:_LOOKED_AT]:
            topic = self._reader.topic(int(one["id"]), fresh=True)
            found = self._said(topic, command.text, command.key, None, 0)
            if found is not None and self._with(topic.id, author):
                return self._acts.receipt(found)
        return None

    def _with(self, topic_id: int, username: str) -> bool:
        details = self._session.read(f"t/{topic_id}.json").get("details")
        allowed = details.get("allowed_users") if isinstance(details, dict) else None
        return any(isinstance(one, dict) and one.get("username") == username for one in allowed or [])

    def _was_locked(self, command: Command) -> Receipt | None:
        topic = self._reader.post(command.target)["topic_id"]
        closed = self._session.read(f"t/{topic}.json").get("closed") is True
        return Receipt(command.target) if closed is (command.verb is Verb.LOCK) else None

    def _stands(self, command: Command) -> Receipt | None:
        """How the post stands now."""
        done = Receipt(command.target)
        if is_review(command.target):  # a post of ours that was held back
            entry = self._queue.fetch(command.target)
            waits = isinstance(entry, RemoteMessage) and bool(entry.choices)
            return None if waits else done
        try:
            post = self._reader.post(command.target)
        except Gone:
            return done if command.verb in (Verb.RETRACT, Verb.REMOVE) else None
        flags = any(summary(post, kind).get("acted") for kind in FLAGS)
        polls = post.get("polls")
        ended = isinstance(polls, list) and bool(polls) and polls[0].get("status") == "closed"
        stands = {
            Verb.RETRACT: is_gone(post),
            Verb.REMOVE: is_gone(post),
            Verb.RESTORE: not is_gone(post),
            Verb.UNHIDE: not post.get("hidden"),
            Verb.LIKE: bool(summary(post, LIKE).get("acted")),
            Verb.UNLIKE: not summary(post, LIKE).get("acted"),
            Verb.REPORT: flags,
            Verb.END_POLL: ended,
        }
        return done if stands[command.verb] else None

    def _was_penalised(self, command: Command) -> Receipt | None:
        """By how the account stands now, whoever decided it."""
        until = UNTIL[command.verb]
        user = self._session.read(f"admin/users/{self._acts.author(command.target)['id']}.json")
        try:
            held = moment(user.get(until)) > datetime.now(UTC)
        except ValueError:
            held = False
        return Receipt(command.target) if held is (command.verb in (Verb.MUTE, Verb.BAN)) else None
