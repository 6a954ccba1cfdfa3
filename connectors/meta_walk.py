"""Walking the posts of a Page or an Instagram account for new comments, and both inboxes for new messages.

Meta's cursors die with what they point at, so none is kept: a state holds marks, and how things looked.
Comments on Instagram come by when their thread began, so a post whose counts changed is read as a whole.
"""

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connectors.answers import count_at, dig, entries, text_at, time_at
from connectors.contract import Page, RemoteMessage
from connectors.meta_api import Api, following_of
from connectors.meta_things import FIELDS, PLATFORM, Place, Us, comment, created, direct, is_record, look

POSTS: Final = 300  # the newest ones are looked at in each pull
_AT_ONCE: Final = 50  # posts of one call: Meta refuses to gather too much at once
_OVERLAP: Final = timedelta(hours=2)
_KNOWN: Final = 2000
_NEWEST: Final = (
    "comments.filter(stream).order(reverse_chronological).limit(1).summary(true){id,created_time}"
)
_POST_FIELDS: Final = {
    Place.PAGE: f"id,message,permalink_url,{_NEWEST}",
    Place.INSTAGRAM: "id,caption,permalink,comments_count,comments.limit(1){id,timestamp}",
}
_GRAM: Final = FIELDS[Place.INSTAGRAM]
DETAILED: Final = 20  # messages of a conversation whose words Meta still tells


@dataclass(slots=True)
class _State:
    """What a pull hands to the next.

    `posts`: of each post how its comments stood and when the newest read one was written, after a whole walk;
    `mark`: the newest conversation of the last whole walk; `known`: how messages looked.
    """

    mark: datetime | None = None
    posts: dict[str, list[str]] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, text: str) -> "_State":
        """Read a state; one that makes no sense begins again, which repeats but loses nothing."""
        try:
            kept = json.loads(text) if text else {}
        except ValueError:
            kept = {}
        posts, known = dig(kept, "posts"), dig(kept, "known")
        return cls(
            time_at(kept, "mark"),
            {key: [str(part) for part in two] for key, two in posts.items() if isinstance(two, list)}
            if isinstance(posts, dict)
            else {},
            {key: str(seen) for key, seen in known.items()} if isinstance(known, dict) else {},
        )

    def dump(self) -> str:
        """Write it, with only as much as the next pull can use."""
        known = dict(list(self.known.items())[-_KNOWN:])
        posts = dict(list(self.posts.items())[-POSTS:])
        mark = self.mark.isoformat() if self.mark else None
        return json.dumps({"mark": mark, "posts": posts, "known": known})

    def fresh(self, found: Sequence[RemoteMessage], since: datetime | None) -> tuple[RemoteMessage, ...]:
        """What is new or looks otherwise than it did; it is remembered."""
        kept = []
        for one in found:
            seen = look(one)
            if self.known.get(one.id) != seen and not (since and one.created_at < since):
                kept.append(one)
            self.known.pop(one.id, None)
            self.known[one.id] = seen
        return tuple(kept)


class Comments:
    """The comments below the newest posts of one place."""

    def __init__(self, api: Api, us: Us, place: Place) -> None:
        self._api, self._us, self._place = api, us, place

    def pull(self, stream: str, state: str, since: datetime | None) -> Iterator[Page]:
        """Read the comments of every post whose counts are others than they were."""
        kept = _State.load(state)
        posts = list(self._posts())
        for number, post in enumerate(posts):
            key, stands = text_at(post, "id"), _stands(post)
            known = kept.posts.pop(key, ["", ""])
            kept.posts[key] = known
            if known[0] != stands and not self._quiet(post, known[0], since):
                yield from self._below(post, kept, stream, since, (number, len(posts)))
            kept.posts[key] = [stands, _newest(post) or known[1]]
        yield Page(stream, state=kept.dump(), done=len(posts), total=len(posts))

    def _posts(self) -> Iterator[Any]:
        edge = f"{self._us.page}/feed" if self._place is Place.PAGE else f"{self._us.gram}/media"
        pages = self._api.pages(edge, fields=_POST_FIELDS[self._place], limit=_AT_ONCE)
        yield from itertools.islice((one for found, _ in pages for one in found if text_at(one, "id")), POSTS)

    def _quiet(self, post: Any, stood: str, since: datetime | None) -> bool:
        """Whether a post that was never read has nothing since then; an answer on Instagram does not show."""
        newest = time_at({"at": _newest(post)}, "at")
        if not newest:
            return _stands(post) == "0"
        return self._place is Place.PAGE and not stood and since is not None and newest < since

    def _below(
        self, post: Any, kept: _State, stream: str, since: datetime | None, progress: tuple[int, int]
    ) -> Iterator[Page]:
        key = text_at(post, "id")
        read = time_at({"at": kept.posts[key][1]}, "at")
        bound = read - _OVERLAP if read else since
        title = text_at(post, "message") or text_at(post, "caption")
        for raw, last in self._pages(key):
            good = [one for one in raw if is_record(one, self._place)]
            link = text_at(post, "permalink")
            found = [comment(one, self._place, self._us, title, link) for one in good]
            messages = kept.fresh(found, since)
            met = self._place is Place.PAGE and bool(bound and good and created(good[-1]) < bound)
            skipped = len(raw) - len(good)
            if messages or skipped:
                done, total = progress
                yield Page(stream, messages, state=kept.dump(), skipped=skipped, done=done, total=total)
            if met or last:
                return

    def _pages(self, post: str) -> Iterator[tuple[list[Any], bool]]:
        """All comments of a post, answers among them; on a Page newest first."""
        if self._place is Place.PAGE:
            order = {"filter": "stream", "order": "reverse_chronological"}
            yield from self._api.pages(f"{post}/comments", fields=FIELDS[self._place], limit=100, **order)
            return
        fields = f"{_GRAM},replies.limit(50){{{_GRAM}}}"
        for found, last in self._api.pages(f"{post}/comments", fields=fields, limit=50):
            yield [one for top in found for one in self._with_answers(top)], last

    def _with_answers(self, top: Any) -> Iterator[Any]:
        yield top
        if following_of(dig(top, "replies")):
            yield from answers(self._api, Place.INSTAGRAM, text_at(top, "id"))
        else:
            for one in entries(top, "replies", "data"):
                yield {"parent_id": text_at(top, "id"), **one} if isinstance(one, dict) else one


def answers(api: Api, place: Place, first: str) -> Iterator[Any]:
    """All answers below a first comment."""
    more = {"filter": "stream", "order": "chronological"} if place is Place.PAGE else {}
    edge = "comments" if place is Place.PAGE else "replies"
    for found, _ in api.pages(f"{first}/{edge}", fields=FIELDS[place], limit=50, **more):
        for one in found:
            yield {"parent_id": first, **one} if isinstance(one, dict) and place is Place.INSTAGRAM else one


class Inbox:
    """The conversations of Messenger or of Instagram; Meta tells the words of the newest twenty of each."""

    def __init__(self, api: Api, us: Us, place: Place) -> None:
        self._api, self._us, self._place = api, us, place

    def pull(self, stream: str, state: str, since: datetime | None) -> Iterator[Page]:
        """Read every conversation in which something was written since the last whole walk."""
        kept = _State.load(state)
        bound = kept.mark - _OVERLAP if kept.mark else since
        newest = kept.mark
        for conversation, at in self._conversations(bound):
            newest = max(newest or at, at)
            yield from self._within(conversation, kept, stream, bound, since)
        kept.mark = newest
        yield Page(stream, state=kept.dump())

    def _conversations(self, bound: datetime | None) -> Iterator[tuple[str, datetime]]:
        edge = f"{self._us.page}/conversations"
        asked = {"platform": PLATFORM[self._place], "fields": "id,updated_time", "limit": 50}
        for found, _ in self._api.pages(edge, **asked):
            for one in found:
                at = time_at(one, "updated_time")
                if at and bound and at < bound:
                    return
                if at and text_at(one, "id"):
                    yield text_at(one, "id"), at

    def _within(
        self, conversation: str, kept: _State, stream: str, bound: datetime | None, since: datetime | None
    ) -> Iterator[Page]:
        fields = FIELDS[self._place]
        for raw, _ in self._api.pages(f"{conversation}/messages", fields=fields, limit=DETAILED):
            good = [one for one in raw if is_record(one, self._place)]
            found = [direct(one, self._place, self._us, conversation) for one in good]
            wordless = [at for one in raw if one not in good and (at := time_at(one, "created_time"))]
            unread = [at for at in wordless if bound is None or at >= bound]
            messages, skipped = kept.fresh(found, since), len(raw) - len(good)
            if messages or unread or skipped > len(wordless):
                yield Page(stream, messages, state=kept.dump(), gap=bool(unread), skipped=skipped)
            if wordless or (bound and good and created(good[-1]) < bound):
                return


def _newest(post: Any) -> str:
    """When the newest comment that a post shows was written."""
    found = entries(post, "comments", "data")
    return text_at(found[0], "created_time") or text_at(found[0], "timestamp") if found else ""


def _stands(post: Any) -> str:
    """How many comments there are and which is the newest: one may go while another comes."""
    first = entries(post, "comments", "data")
    total = count_at(post, "comments", "summary", "total_count") or count_at(post, "comments_count")
    return f"{total} {text_at(first[0], 'id')}" if first else f"{total}"


def epoch() -> datetime:
    """Before anything was written."""
    return datetime.min.replace(tzinfo=UTC)
