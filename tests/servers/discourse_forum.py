"""A forum in memory: members, topics, posts, polls and a review queue, shown to each as Discourse would."""

import itertools
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any

REGULAR, SMALL_ACTION, WHISPER = 1, 3, 4
PENDING, APPROVED, REJECTED, IGNORED = 0, 1, 2, 3
OURS, ROBIN, WREN = 1, 2, 3
OPEN, STAFF_ONLY = 5, 6
_POLL = re.compile(r"\[poll([^\]]*)\]\n(.*?)\n\[/poll\]", re.DOTALL)
_MENTION = re.compile(r"@(\w+)")


class Refusal(Exception):
    """An answer that is a no."""

    def __init__(self, status: int, kind: str = "", **more: Any) -> None:
        super().__init__(f"{status} {kind}")
        said = {"errors": ["Leider nein."]} | ({"error_type": kind} if kind else {})
        self.status, self.data = status, said | more


def stamp(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z" if at else None


@dataclass(slots=True)
class User:
    id: int
    username: str
    name: str = ""
    admin: bool = False
    moderator: bool = False
    trust: int = 1
    suspended_till: datetime | None = None
    silenced_till: datetime | None = None
    groups: tuple[str, ...] = ()

    @property
    def staff(self) -> bool:
        return self.admin or self.moderator

    def basic(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "username": self.username,
            "name": self.name,
            "avatar_template": "/a/{size}.png",
        }


@dataclass(slots=True)
class Poll:
    options: list[str]
    close: str | None = None
    closed: bool = False
    results: str = "always"
    kind: str = "regular"
    votes: dict[str, set[int]] = field(default_factory=dict)


@dataclass(slots=True)
class Post:
    id: int
    topic: int
    number: int
    user: int
    raw: str
    at: datetime
    reply_to: int | None = None
    kind: int = REGULAR
    version: int = 1
    updated: datetime | None = None
    deleted: datetime | None = None
    user_deleted: bool = False
    hidden: bool = False
    likes: set[int] = field(default_factory=set)
    flags: dict[int, int] = field(default_factory=dict)  # by whom, of which kind
    poll: Poll | None = None


@dataclass(slots=True)
class Topic:
    id: int
    title: str
    category: int | None
    direct: bool = False
    users: set[int] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    closed: bool = False
    bumped: datetime = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Entry:
    """Something that waits for review."""

    id: int
    kind: str
    by: int
    at: datetime
    author: int | None = None
    post: int | None = None
    topic: int | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    reason: str = "spam"
    words: str = ""
    status: int = PENDING
    version: int = 0
    reviewed_by: int | None = None
    claimed_by: int | None = None
    low: bool = False  # so few flags that a forum may leave it out


@dataclass
class Forum:
    """All that is stored; `lock` guards it. `clock` moves by a millisecond with each thing that happens."""

    users: dict[int, User] = field(default_factory=dict)
    topics: dict[int, Topic] = field(default_factory=dict)
    posts: dict[int, Post] = field(default_factory=dict)
    queue: dict[int, Entry] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    version: str = "2026.11.0"
    claiming: str = "disabled"
    ignores_whispers: bool = False  # publishes what should have been one
    hold_new: bool = False  # posts of members wait for review
    counts_before_leaving_out: bool = False  # as older versions page the newest posts
    per_page: int = 30
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self._numbers: Iterator[int] = itertools.count(101)
        self._last = datetime.now(UTC)
        self.settings = {"max_post_length": 32000, "min_post_length": 5, "poll_enabled": True} | self.settings
        self.users |= {
            OURS: User(OURS, "harbour", "Harbour", moderator=True),
            ROBIN: User(ROBIN, "robin", "Robin"),
            WREN: User(WREN, "wren", "Wren"),
        }
        self.home = self.open_topic("Evenings by the lake", "Welcome, everybody.", WREN)

    def number(self) -> int:
        return next(self._numbers)

    def now(self) -> datetime:
        self._last = max(datetime.now(UTC), self._last + timedelta(milliseconds=1))
        return self._last.replace(microsecond=self._last.microsecond // 1000 * 1000)

    # ------------------------------------------------------------------ what people do

    def open_topic(self, title: str, raw: str, by: int, category: int = OPEN) -> int:
        with self.lock:
            topic = Topic(self.number(), title, category)
            self.topics[topic.id] = topic
            self.say(raw, topic.id, by)
            return topic.id

    def open_direct(
        self, title: str, raw: str, by: int, to: set[int], groups: set[str] | None = None
    ) -> Post:
        with self.lock:
            topic = Topic(self.number(), title, None, direct=True, users={by, *to}, groups=groups or set())
            self.topics[topic.id] = topic
            return self.say(raw, topic.id, by)

    def say(
        self,
        raw: str,
        topic: int,
        by: int = ROBIN,
        reply_to: int | None = None,
        kind: int = REGULAR,
        at: datetime | None = None,
    ) -> Post:
        with self.lock:
            last = max((one.number for one in self.posts.values() if one.topic == topic), default=0)
            post = Post(self.number(), topic, last + 1, by, raw.strip(), at or self.now(), reply_to, kind)
            post.poll = _poll(post.raw)
            self.posts[post.id] = post
            self.topics[topic].bumped = post.at
            return post

    def edit(self, post_id: int, raw: str, *, within_minutes: bool = False) -> None:
        """An edit within the first minutes makes no new version."""
        with self.lock:
            post = self.posts[post_id]
            post.raw, post.updated = raw, self.now()
            post.version += 0 if within_minutes else 1

    def flag(self, post_id: int, by: int = WREN, words: str = "", reason: str = "spam") -> Entry:
        with self.lock:
            post = self.posts[post_id]
            entry = Entry(
                self.number(), "ReviewableFlaggedPost", by, self.now(), post.user, post_id, post.topic
            )
            entry.words, entry.reason = words, reason
            self.queue[entry.id] = entry
            return entry

    def hold(self, raw: str, by: int, topic: int | None, **payload: Any) -> Entry:
        with self.lock:
            entry = Entry(self.number(), "ReviewableQueuedPost", -1, self.now(), by, topic=topic)
            entry.payload = {"raw": raw, **payload}
            self.queue[entry.id] = entry
            return entry

    # ------------------------------------------------------------------ who sees what

    def sees_topic(self, user: User, topic: Topic) -> bool:
        if topic.direct:
            return user.admin or user.id in topic.users or bool(topic.groups & set(user.groups))
        return topic.category != STAFF_ONLY or user.staff

    def sees(self, user: User, post: Post) -> bool:
        if not self.sees_topic(user, self.topics[post.topic]):
            return False
        return user.staff or (post.kind != WHISPER and post.deleted is None)

    def stream(self, user: User, topic_id: int) -> list[Post]:
        every = [one for one in self.posts.values() if one.topic == topic_id and one.deleted is None]
        return sorted((one for one in every if self.sees(user, one)), key=lambda one: one.number)

    # ------------------------------------------------------------------ how it is shown

    def shown(self, post: Post, user: User, *, raw: bool = False, title: bool = False) -> dict[str, Any]:
        author, topic = self.users.get(post.user), self.topics[post.topic]
        words = "(post deleted by author)" if post.user_deleted else post.raw
        replies = [one for one in self.stream(user, topic.id) if one.reply_to == post.number]
        made = {
            "id": post.id,
            "username": author.username if author else None,
            "name": author.name if author else None,
            "user_id": author.id if author else None,
            "created_at": stamp(post.at),
            "updated_at": stamp(post.updated or post.at),
            "cooked": cook(words),
            "post_number": post.number,
            "post_type": post.kind,
            "reply_count": len(replies),
            "reply_to_post_number": post.reply_to,
            "topic_id": topic.id,
            "topic_slug": "-",
            "version": post.version,
            "actions_summary": self._actions(post, user),
            "hidden": post.hidden,
            "deleted_at": stamp(post.deleted),
            "user_deleted": post.user_deleted,
            "yours": post.user == user.id,
        }
        if raw:
            made["raw"] = words
        if title:
            made |= {"topic_title": topic.title, "category_id": topic.category}
        if post.poll:
            made["polls"] = [self._poll(post.poll, user)]
        return made

    def _actions(self, post: Post, user: User) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        if post.likes or user.id != post.user:
            like: dict[str, Any] = {"id": 2, "can_act": user.id not in post.likes}
            like |= {"count": len(post.likes)} if post.likes else {}
            made.append(like | ({"acted": True, "can_undo": True} if user.id in post.likes else {}))
        return made + [{"id": kind, "acted": True} for who, kind in post.flags.items() if who == user.id]

    def _poll(self, poll: Poll, user: User) -> dict[str, Any]:
        told = poll.results == "always" or poll.closed or any(user.id in one for one in poll.votes.values())
        options = [
            {"id": f"o{n}", "html": escape(one)}
            | ({"votes": len(poll.votes.get(f"o{n}", ()))} if told else {})
            for n, one in enumerate(poll.options)
        ]
        voters = len(set().union(*poll.votes.values())) if poll.votes else 0
        status = "closed" if poll.closed else "open"
        made = {"name": "poll", "type": poll.kind, "status": status, "results": poll.results}
        return made | {"options": options, "voters": voters, "close": poll.close}

    def topic_shown(self, topic: Topic, user: User) -> dict[str, Any]:
        posts = self.stream(user, topic.id)
        allowed = [self.users[one].basic() for one in sorted(topic.users) if one in self.users]
        return {
            "id": topic.id,
            "title": topic.title,
            "archetype": "private_message" if topic.direct else "regular",
            "category_id": topic.category,
            "closed": topic.closed,
            "posts_count": len(posts),
            "chunk_size": 20,
            "details": {"allowed_users": allowed} if topic.direct else {},
            "post_stream": {
                "posts": [self.shown(one, user) for one in posts[:20]],
                "stream": [p.id for p in posts],
            },
        }

    def listed(self, topic: Topic, user: User) -> dict[str, Any]:
        posts = self.stream(user, topic.id)
        return {
            "id": topic.id,
            "title": topic.title,
            "archetype": "private_message",
            "posts_count": len(posts),
            "highest_post_number": max((one.number for one in posts), default=0),
            "last_posted_at": stamp(posts[-1].at) if posts else None,
            "bumped_at": stamp(topic.bumped),
            "pinned": False,
        }


def cook(raw: str) -> str:
    """Markdown as far as the tests go: paragraphs, lines, mentions, a poll as a box."""
    shown = escape(_POLL.sub("", raw), quote=False)
    shown = _MENTION.sub(r'<a class="mention" href="/u/\1">@\1</a>', shown)
    return "\n".join(f"<p>{part.replace(chr(10), '<br>')}</p>" for part in shown.split("\n\n") if part)


def _poll(raw: str) -> Poll | None:
    found = _POLL.search(raw)
    if not found:
        return None
    close = re.search(r"close=(\S+)", found[1])
    options = [line.removeprefix("* ") for line in found[2].splitlines()]
    return Poll(options, close[1] if close else None)
