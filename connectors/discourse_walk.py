"""What is new on a forum since the last time: its posts, and the private messages of our account.

The newest posts come fifty at a time. Older versions count fifty ids before they leave out what we may not
see, so a page may be short or empty in the middle. Nothing lists edits: the newest page is compared with how
it looked.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from connectors.contract import Page, RemoteGone, RemoteMessage
from connectors.discourse_posts import Reader, how_gone, is_gone, is_said, likes, mentions, poll, readable
from connectors.discourse_session import moment, segment
from connectors.errors import Gone, Unreadable

POSTS, DIRECT = "posts", "direct"
_PAGE: Final = 50
_EMPTY: Final = 5  # pages in a row without any post, after which an older forum is taken to have ended
_MOST_PAGES: Final = 400
_KNOWN: Final = 300
_TOPICS: Final = 2000
_OVERLAP: Final = timedelta(hours=1)


def load(text: str) -> dict[str, Any]:
    """A state of ours; one that makes no sense begins again, which repeats but loses nothing."""
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@dataclass(slots=True)
class _Posts:
    """`mark` is the newest post of the last whole walk, `known` how the newest of them looked.

    A key may ask twenty times a minute, so that a long walk is broken off again and again: `before` is where
    it goes on, `newest` what it began with. Both are ids, which stay good; `spread` is of `_Steps`.
    """

    mark: int = 0
    known: dict[int, str] = field(default_factory=dict)
    before: int = 0
    newest: int = 0
    spread: bool = False

    @classmethod
    def load(cls, text: str) -> "_Posts":
        kept = load(text)
        try:
            known = {int(key): str(look) for key, look in kept["known"].items()}
            walk = int(kept["before"]), int(kept["newest"]), bool(kept["spread"])
            return cls(int(kept["mark"]), known, *walk)
        except (KeyError, TypeError, ValueError, AttributeError):
            return cls()

    def dump(self) -> str:
        newest = sorted(self.known, reverse=True)[:_KNOWN]
        self.known = {key: self.known[key] for key in newest}
        walk = {"before": self.before, "newest": self.newest, "spread": self.spread}
        return json.dumps({"mark": self.mark, "known": self.known, **walk})


class PostWalk:
    """One pull of the posts that everybody with our rights sees, newest first."""

    def __init__(self, reader: Reader, wanted: Callable[[Mapping[str, Any]], bool]) -> None:
        self._reader, self._wanted = reader, wanted

    def pages(self, state: str, since: datetime | None) -> Iterator[Page]:
        """Back to the last mark, or to `since`; the mark moves when that is reached."""
        known = _Posts.load(state)
        if known.before:  # what was broken off comes first: it lies between the mark and what is newer
            yield from self._walk(known, since, _Steps(known.before, spread=known.spread))
        yield from self._walk(known, since, _Steps())

    def _walk(self, known: _Posts, since: datetime | None, steps: "_Steps") -> Iterator[Page]:
        floor, newest = known.mark, max(known.mark, known.newest)
        for _ in range(_MOST_PAGES):
            raw = self._page(steps.before)
            found = [one for one in raw if readable(one)]
            newest = max([newest, *(one["id"] for one in found)])
            met = found and since is not None and all(moment(one["created_at"]) < since for one in found)
            steps.take([one["id"] for one in found], len(raw))
            whole = bool(met) or steps.whole(floor)
            ended = whole or steps.given_up()
            messages, gone = self._changed(known, found, since)
            known.newest, known.before, known.spread = newest, steps.before, steps.spread
            if ended:
                known.mark, known.before = newest, 0
            yield Page(
                POSTS, messages, gone, known.dump(), gap=ended and not whole, skipped=len(raw) - len(found)
            )
            if ended:
                return

    def _page(self, before: int) -> list[Any]:
        answer = self._reader.session.read("posts.json", {"before": before} if before else None)
        if not isinstance(answer.get("latest_posts"), list):
            raise Unreadable("the forum answered without its newest posts")
        return list(answer["latest_posts"])

    def _changed(
        self, known: _Posts, found: Sequence[dict[str, Any]], since: datetime | None
    ) -> tuple[tuple[RemoteMessage, ...], tuple[RemoteGone, ...]]:
        messages, gone = [], []
        for one in found:
            key, look = one["id"], _look(one)
            before, known.known[key] = known.known.get(key), look
            early = since is not None and moment(one["created_at"]) < since
            if before == look or early or not is_said(one) or not self._wanted(one):
                continue
            if not is_gone(one):
                messages.append(self._reader.listed(one))
            elif before is not None:
                gone.append(RemoteGone(str(key), how_gone(one)))
        return tuple(messages), tuple(gone)


@dataclass(slots=True)
class _Steps:
    """Where the next page begins, on forums that leave out before they count and on those that do after."""

    before: int = 0
    lowest: int = 0
    spread: bool = False  # a page spanned more than fifty ids: this forum leaves out before it counts
    short: bool = False
    empty: int = 0

    def take(self, ids: Sequence[int], size: int) -> None:
        """Learn from a page; `before` moves to where the next one begins."""
        self.empty = 0 if ids else self.empty + 1
        self.spread = self.spread or (bool(ids) and max(ids) - min(ids) >= _PAGE)
        self.short = size < _PAGE
        self.lowest = min(ids, default=self.before)
        following = min(self.lowest, self.before - _PAGE) if self.short and self.before else self.lowest
        self.before = max(following, 1)

    def whole(self, floor: int) -> bool:
        """Whether all down to the floor was seen."""
        return self.lowest <= max(floor, 1) or (self.spread and self.short)

    def given_up(self) -> bool:
        """Whether so much was empty that an older forum is taken to have ended there."""
        return self.empty >= _EMPTY


@dataclass(slots=True)
class _Direct:
    """`mark` is the newest change of the last whole walk; `seen` each topic's look, last post and count."""

    mark: datetime | None = None
    seen: dict[str, tuple[str, int, int]] = field(default_factory=dict)

    @classmethod
    def load(cls, text: str) -> "_Direct":
        kept = load(text)
        try:
            seen = {
                key: (str(look), int(last), int(count)) for key, (look, last, count) in kept["seen"].items()
            }
            return cls(moment(kept["mark"]) if kept.get("mark") else None, seen)
        except (KeyError, TypeError, ValueError, AttributeError):
            return cls()

    def dump(self) -> str:
        seen = dict(list(self.seen.items())[-_TOPICS:])
        return json.dumps({"mark": self.mark.isoformat() if self.mark else None, "seen": seen})


class DirectWalk:
    """One pull of the messages to our account and its groups.

    Never of the list of all private posts: to an admin it shows what others write to each other.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def pages(self, state: str, since: datetime | None) -> Iterator[Page]:
        """Every conversation that changed since the last time, with its new posts."""
        known = _Direct.load(state)
        bound = known.mark - _OVERLAP if known.mark else since
        newest, skipped = known.mark, 0
        for path in self._lists():
            for topic, at in self._topics(path, bound):
                if at is None:
                    skipped += 1
                    continue
                newest = max(at, newest) if newest else at
                page = self._new_in(topic, known, since)
                if page is not None:
                    yield page
        known.mark = newest
        yield Page(DIRECT, state=known.dump(), skipped=skipped)

    def _lists(self) -> list[str]:
        me = self._reader.session.me()
        name = segment(me.username)
        groups = [f"topics/private-messages-group/{name}/{segment(one)}.json" for one in me.groups]
        return [f"topics/private-messages/{name}.json", *groups]

    def _topics(self, path: str, bound: datetime | None) -> Iterator[tuple[dict[str, Any], datetime | None]]:
        """The conversations of a list by their last change, back to the bound; None where one is broken."""
        for number in range(_MOST_PAGES):
            answer = self._reader.session.read(path, {"page": number} if number else None)
            listed = answer.get("topic_list")
            if not isinstance(listed, dict) or not isinstance(listed.get("topics"), list):
                raise Unreadable("the forum answered without the conversations")
            ended = not listed["topics"] or not listed.get("more_topics_url")
            for topic in listed["topics"]:
                at = _bumped(topic)
                if at is not None and bound is not None and at < bound:
                    ended = ended or not topic.get("pinned")  # what is pinned stands above its time
                    continue
                yield topic if at is not None else {}, at
            if ended:
                return

    def _new_in(self, listed: Mapping[str, Any], known: _Direct, since: datetime | None) -> Page | None:
        key = str(listed["id"])
        look = (
            f"{listed.get('highest_post_number')}|{listed.get('posts_count')}|{listed.get('last_posted_at')}"
        )
        before, last, count = known.seen.get(key, ("", 0, 0))
        if before == look:
            return None
        try:
            topic = self._reader.topic(listed["id"], fresh=True)
        except Gone:
            return None  # went while we walked
        old = sum(one <= last for one in topic.ids)
        # More old ones than there were: some moved here from another conversation, with their own ids.
        new = [one for one in topic.ids if one > last] if old <= count else list(topic.ids)
        posts = [one for one in self._reader.posts(topic, new) if is_said(one) and not is_gone(one)]
        found = [
            one for one in self._reader.messages(posts, topic) if since is None or one.created_at >= since
        ]
        known.seen.pop(key, None)
        known.seen[key] = (look, max(topic.ids, default=0), len(topic.ids))
        return Page(DIRECT, tuple(found), state=known.dump())


def wants(categories: frozenset[int], username: str) -> Callable[[Mapping[str, Any]], bool]:
    """Posts of these categories (all where none is named), and whatever names us."""

    def wanted(post: Mapping[str, Any]) -> bool:
        return not categories or post.get("category_id") in categories or mentions(post, username)

    return wanted


def _look(post: Mapping[str, Any]) -> str:
    votes = poll(post)
    told = [count for _, count in votes.answers] if votes else None
    parts = (
        post.get("version"),
        hashlib.sha256(post["cooked"].encode("utf-8", "replace")).hexdigest()[:10],
        likes(post),
        post.get("reply_count"),
        bool(post.get("hidden")),
        is_gone(post),
        told,
        votes.closed if votes else None,
    )
    return "|".join(str(part) for part in parts)


def _bumped(topic: Any) -> datetime | None:
    if not isinstance(topic, dict) or not isinstance(topic.get("id"), int):
        return None
    try:
        return moment(topic.get("bumped_at") or topic.get("last_posted_at"))
    except ValueError:
        return None
