"""A forum's topics and posts, read into messages.

Sources: Discourse's OpenAPI description, post_serializer, topic_view. Whispers and private messages are
private, and so is every topic of a category that not everybody may read.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from connectors import html
from connectors.contract import (
    Audience,
    GoneHow,
    Kind,
    RemoteGone,
    RemoteMessage,
    RemotePerson,
    RemotePoll,
)
from connectors.discourse_session import Session, moment, segment
from connectors.errors import Gone, Reason, Refused, Unreadable

LIKE: Final = 2
SMALL_ACTION, WHISPER = 3, 4
_AT_ONCE: Final = 20  # posts in one question
_MOST_OF_A_TOPIC: Final = 200
_KEPT_TOPICS: Final = 200
_MENTION: Final = re.compile(r'<a class="mention" href="[^"]*/u/([^"/]+)"', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Topic:
    """One conversation: `ids` are all of its posts in their order, `first` those that came with it."""

    id: int
    title: str
    channel: str
    private: bool  # not everybody may read it
    direct: bool  # a private message
    ids: tuple[int, ...]
    first: tuple[dict[str, Any], ...]


class Reader:
    """Reads posts; what it learned of topics and categories is kept for the life of one connector."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._topics: dict[int, Topic] = {}
        self._categories: dict[int, tuple[str, bool]] | None = None

    # ------------------------------------------------------------------ asking

    def categories(self) -> dict[int, tuple[str, bool]]:
        """The categories that we see: their names, and whether not everybody may read them."""
        if self._categories is None:
            found = self.session.read("site.json").get("categories")
            if not isinstance(found, list):
                raise Unreadable("the forum did not say which categories there are")
            known = [one for one in found if isinstance(one, dict) and isinstance(one.get("id"), int)]
            self._categories = {
                one["id"]: (str(one.get("name", "")), bool(one.get("read_restricted"))) for one in known
            }
        return self._categories

    def topic(self, topic_id: int, *, fresh: bool = False) -> Topic:
        """One topic with the ids of its posts."""
        if fresh or topic_id not in self._topics:
            self._topics.pop(topic_id, None)
            self._topics[topic_id] = self._topic(self.session.read(f"t/{topic_id}.json"), topic_id)
            while len(self._topics) > _KEPT_TOPICS:
                del self._topics[next(iter(self._topics))]
        return self._topics[topic_id]

    def _topic(self, found: Mapping[str, Any], topic_id: int) -> Topic:
        stream = found.get("post_stream")
        if found.get("id") != topic_id or not isinstance(stream, dict) or "archetype" not in found:
            raise Unreadable("the forum answered a topic without its posts")
        direct = found["archetype"] == "private_message"
        name, restricted = self._category(found.get("category_id"))
        return Topic(
            topic_id,
            str(found.get("title", "")),
            name,
            direct or restricted,
            direct,
            tuple(one for one in stream.get("stream") or () if isinstance(one, int)),
            tuple(one for one in stream.get("posts") or () if readable(one)),
        )

    def _category(self, category: object) -> tuple[str, bool]:
        if not isinstance(category, int):
            return "", False
        # A category that the forum does not list for us is one of few: never call it public.
        return self.categories().get(category, ("", True))

    def post(self, message_id: str) -> dict[str, Any]:
        """One post as it is now; Gone where it is not."""
        if not message_id.isdecimal():
            raise Gone("there is no such post")
        found = self.session.read(f"posts/{message_id}.json")
        if not readable(found) or str(found["id"]) != message_id:
            raise Unreadable("the forum answered another post than the one asked for")
        return found

    def posts(self, topic: Topic, ids: Sequence[int]) -> list[dict[str, Any]]:
        """Some posts of a topic: it brings its first twenty, the rest is asked for by id."""
        have: dict[int, dict[str, Any]] = {one["id"]: one for one in topic.first}
        missing = [one for one in ids if one not in have]
        for begin in range(0, len(missing), _AT_ONCE):
            some = missing[begin : begin + _AT_ONCE]
            answer = self.session.read(f"t/{topic.id}/posts.json", {"post_ids[]": some})
            stream = answer.get("post_stream")
            if not isinstance(stream, dict) or not isinstance(stream.get("posts"), list):
                raise Unreadable("the forum answered without the posts that were asked for")
            have |= {one["id"]: one for one in stream["posts"] if readable(one)}
        return [have[one] for one in ids if one in have]

    # ------------------------------------------------------------------ messages

    def thread(self, post: Mapping[str, Any]) -> list[RemoteMessage]:
        """The topic around a post, oldest first: all of it, or the part that the post is in."""
        topic = self.topic(post["topic_id"], fresh=True)
        ids = list(topic.ids)
        if len(ids) > _MOST_OF_A_TOPIC:
            at = ids.index(post["id"]) if post["id"] in ids else len(ids)
            begin = max(0, min(at - _MOST_OF_A_TOPIC // 2, len(ids) - _MOST_OF_A_TOPIC))
            ids = ids[begin : begin + _MOST_OF_A_TOPIC]
        found = [one for one in self.posts(topic, ids) if not is_gone(one) and is_said(one)]
        return sorted(self.messages(found, topic), key=lambda m: (m.created_at, int(m.id)))

    def messages(self, posts: Iterable[Mapping[str, Any]], topic: Topic) -> list[RemoteMessage]:
        """These posts of one topic."""
        return [self.message(one, topic) for one in posts]

    def fetch(self, message_id: str) -> RemoteMessage | RemoteGone:
        """One post, or how it went."""
        try:
            post = self.post(message_id)
            if is_gone(post):
                return RemoteGone(message_id, how_gone(post))
            return self.message(post, self.topic(post["topic_id"]))
        except Gone:
            return RemoteGone(message_id, GoneHow.DELETED)
        except Refused as no:
            if no.reason is not Reason.ROLE:
                raise
            return RemoteGone(message_id, GoneHow.BLOCKED)  # moved to where we may not look

    def listed(self, post: Mapping[str, Any]) -> RemoteMessage:
        """A post of the forum's newest: it brings what else its topic would have to be asked for."""
        name, restricted = self._category(post.get("category_id"))
        title = str(post.get("topic_title") or "")
        return self.message(post, Topic(post["topic_id"], title, name, restricted, False, (), ()))

    def audience(self, post: Mapping[str, Any], topic: Topic) -> Audience:
        """Who can read it."""
        private = topic.private or post.get("post_type") == WHISPER
        return Audience.PRIVATE if private else Audience.PUBLIC

    def message(self, post: Mapping[str, Any], topic: Topic) -> RemoteMessage:
        """What a post says, in the contract's words."""
        text = html.to_text(post["cooked"])
        me = self.session.me()
        number = post.get("post_number")
        parent = post.get("reply_to_post_number")
        edited = int(post.get("version") or 1) > 1
        return RemoteMessage(
            id=str(post["id"]),
            thread_id=str(topic.id),
            kind=self._kind(post, topic),
            person=person(post, "user_id"),
            text=text,
            created_at=moment(post["created_at"]),
            audience=self.audience(post, topic),
            ours=post.get("user_id") == me.id,
            parent_id=_known_number(topic, parent),
            thread_title=topic.title,
            channel=topic.channel,
            permalink=self.link(post["topic_id"], number),
            edited_at=_edited(post) if edited else None,
            revision=revision(post, text),
            hidden=bool(post.get("hidden")),
            likes=likes(post),
            replies=int(post.get("reply_count") or 0),
            poll=poll(post),
            media=html.pictures(post["cooked"]),
        )

    def link(self, topic_id: object, number: object) -> str:
        """Where people read it."""
        return f"{self.session.http.base_url}/t/{segment(topic_id)}/{segment(number or 1)}"

    def _kind(self, post: Mapping[str, Any], topic: Topic) -> Kind:
        if topic.direct:
            return Kind.DIRECT
        if mentions(post, self.session.me().username):
            return Kind.MENTION
        return Kind.POST if post.get("post_number") == 1 else Kind.COMMENT


def readable(post: Any) -> bool:
    """Whether it is a post as Discourse documents it."""
    if not isinstance(post, dict) or not isinstance(post.get("id"), int):
        return False
    if not isinstance(post.get("cooked"), str) or not isinstance(post.get("topic_id"), int):
        return False
    try:
        moment(post.get("created_at"))
        _ = int(post.get("version") or 1), int(post.get("reply_count") or 0)
    except (TypeError, ValueError):
        return False
    return True


def is_gone(post: Mapping[str, Any]) -> bool:
    """Moderators still see what is gone for everybody else; an author's own deletion empties the words."""
    return bool(post.get("deleted_at") or post.get("user_deleted"))


def how_gone(post: Mapping[str, Any]) -> GoneHow:
    """By its author, or by a moderator."""
    return GoneHow.DELETED if post.get("user_deleted") else GoneHow.REMOVED


def is_said(post: Mapping[str, Any]) -> bool:
    """Whether somebody said it: "closed this topic" is a post too."""
    return post.get("post_type") != SMALL_ACTION


def mentions(post: Mapping[str, Any], username: str) -> bool:
    """Whether its words name us."""
    return username.lower() in (found.lower() for found in _MENTION.findall(post["cooked"]))


def person(about: Mapping[str, Any], key: str) -> RemotePerson | None:
    """Who wrote it; nobody where the account is no more."""
    if not isinstance(about.get(key), int):
        return None
    return RemotePerson(str(about[key]), str(about.get("username") or ""), str(about.get("name") or ""))


def revision(post: Mapping[str, Any], text: str) -> str:
    """The version and the words: an edit within the first minutes changes no version."""
    said = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
    return f"{post.get('version') or 1}.{said}"


def summary(post: Mapping[str, Any], kind: int) -> dict[str, Any]:
    """What was done with a post, of one kind; nothing where nobody did."""
    found = post.get("actions_summary")
    every = found if isinstance(found, list) else []
    return next((one for one in every if isinstance(one, dict) and one.get("id") == kind), {})


def likes(post: Mapping[str, Any]) -> int:
    """How many like it."""
    count = summary(post, LIKE).get("count")
    return count if isinstance(count, int) else 0


def poll(post: Mapping[str, Any]) -> RemotePoll | None:
    """The first poll of a post; a forum may keep the votes to itself until somebody voted or it is closed."""
    found = post.get("polls")
    first = found[0] if isinstance(found, list) and found else None
    if not isinstance(first, dict) or not isinstance(first.get("options"), list):
        return None
    votes = [one for one in first["options"] if isinstance(one, dict)]
    return RemotePoll(
        tuple((html.to_text(str(one.get("html", ""))), _count(one.get("votes"))) for one in votes),
        voters=_count(first.get("voters")),
        closes_at=_time(first.get("close")),
        closed=first.get("status") == "closed",
        several=first.get("type") == "multiple",
    )


def _count(found: object) -> int | None:
    return found if isinstance(found, int) else None


def _time(found: object) -> datetime | None:
    try:
        return moment(found)
    except ValueError:
        return None


def _edited(post: Mapping[str, Any]) -> datetime | None:
    return _time(post.get("updated_at"))


def _known_number(topic: Topic, number: object) -> str | None:
    """The id behind a number within a topic, where we have it: it may be far away."""
    found = [one["id"] for one in topic.first if one.get("post_number") == number]
    return str(found[0]) if number is not None and found else None
