"""Walks over Bluesky's lists: what others wrote to us, and our own posts with what stands below them.

Sources: the app.bsky.notification and app.bsky.feed lexicons. The lists run from new to old and their cursors
hold for one walk only, so between walks a moment is kept, with an overlap and how the newest messages looked.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connectors.answers import count_at, dig, entries, text_at, time_at
from connectors.bluesky_feed import POST, Feed, owner, record_key
from connectors.bluesky_session import Session
from connectors.contract import Page, RemoteGone, RemoteMessage
from connectors.errors import Refused

MENTIONS, POSTS = "mentions", "posts"
# The list of notifications is sorted by the writers' clocks, so something late may stand further down.
_OVERLAP = timedelta(hours=2)
_KNOWN = 400  # messages whose look is remembered, so that only changes are brought again
_WATCHED = 200  # of them that each pull reads again for edits, deletions and counts
_NEWEST = 10  # of our posts whose threads are always read
_REMEMBERED_THREADS = 1000
_MOST_PAGES = 200


@dataclass(slots=True)
class State:
    """What a pull of posts or mentions hands to the next one.

    `mark` only moves when a walk is complete: the lists run from new to old, so one that was broken off
    has not met the older part yet. `known` says how the newest messages looked, each beginning with its
    time.
    """

    mark: datetime | None = None
    known: dict[str, str] = field(default_factory=dict)
    threads: dict[str, int] = field(default_factory=dict)

    @classmethod
    def load(cls, text: str) -> "State":
        """One that makes no sense is a reason to begin again, which repeats but loses nothing."""
        try:
            found = json.loads(text) if text else {}
        except ValueError:
            found = {}
        known = {k: v for k, v in (dig(found, "known") or {}).items() if isinstance(v, str)}
        threads = {k: v for k, v in (dig(found, "threads") or {}).items() if isinstance(v, int)}
        return cls(time_at(found, "mark"), known, threads)

    def dump(self, mark: datetime | None) -> str:
        """Write it, bounded: the oldest messages are forgotten first."""
        self.known = dict(sorted(self.known.items(), key=lambda item: item[1])[-_KNOWN:])
        self.threads = dict(list(self.threads.items())[-_REMEMBERED_THREADS:])
        moment = mark.isoformat() if mark else ""
        return json.dumps({"mark": moment, "known": self.known, "threads": self.threads})

    def met(self, message: RemoteMessage) -> bool:
        """Remember a message; whether it looks different from the last time."""
        moment = message.created_at.isoformat(timespec="seconds")
        counts = f"{message.likes} {message.replies} {message.hidden:d}{''.join(message.labels)}"
        look = f"{moment} {message.revision[-12:]} {counts}"  # the end of a content hash says enough
        changed = self.known.get(message.id) != look
        self.known[message.id] = look
        return changed


@dataclass(frozen=True, slots=True)
class _Note:
    """One notification: what happened, to which of our posts, and when by the list's own order."""

    uri: str
    reason: str
    subject: str
    at: datetime


class Walk:
    """Reads as one account; a page's state says that nothing is finished before the last one."""

    def __init__(self, session: Session, feed: Feed, notes_at_once: int) -> None:
        self._session, self._feed, self._notes_at_once = session, feed, notes_at_once

    # ---------------------------------------------------------------- mentions, quotes, answers elsewhere

    def mentions(self, state: State, since: datetime | None) -> Iterator[Page]:
        """What others wrote to us outside our own threads, which the other stream brings whole."""
        mark, before = state.mark, set(state.known)
        for notes, more in self._walk(["mention", "quote", "reply"], _floor(state.mark, since)):
            mark = max([mark, *(n.at for n in notes)] if mark else [n.at for n in notes], default=None)
            edge = [note for note in notes if more and note.at == notes[-1].at]
            views = self._feed.views({note.uri for note in notes} | self._around(edge))
            before -= set(views)
            page = self._page(MENTIONS, state, views.values(), since, state.mark, gap=len(edge) > 1)
            if page.messages or page.skipped or page.gap:
                yield page
        yield self._look_again(MENTIONS, state, before, mark)

    def _around(self, edge: Sequence[_Note]) -> set[str]:
        """All answers to the posts that a page ended at: its edge may have swallowed some of them."""
        found: set[str] = set()
        for uri in self._feed.views(note.subject for note in edge if note.subject):
            found |= {text_at(view, "uri") for view in self._thread_of(uri)}
        return found

    def _walk(self, reasons: Sequence[str], floor: datetime | None) -> Iterator[tuple[list[_Note], bool]]:
        """Notifications from new to old, and whether more pages follow.

        The cursor is a bare moment: of several notifications of one moment, those after the edge of a page
        never come. So pages are as long as can be, and whoever calls reads around the edge.
        """
        cursor = ""
        for _ in range(_MOST_PAGES):
            params: dict[str, Any] = {"limit": self._notes_at_once, "reasons": list(reasons)}
            if cursor:
                params["cursor"] = cursor
            answer = self._session.read("app.bsky.notification.listNotifications", params)
            notes = [note for entry in entries(answer, "notifications") if (note := _note(entry))]
            before, cursor = cursor, text_at(answer, "cursor")
            more = cursor not in ("", before)
            at_floor = bool(notes) and floor is not None and notes[-1].at < floor
            yield notes, more
            if not more or at_floor:
                return

    # ---------------------------------------------------------------- our own posts and what stands below

    def posts(self, state: State, since: datetime | None) -> Iterator[Page]:
        """Our posts, and the threads below them that something happened in."""
        mark, before = state.mark, set(state.known)
        newest, counts, met = mark, dict(state.threads), list[str]()
        for views in self._own_posts(_floor(mark, since)):
            times = [at for view in views if (at := time_at(view, "indexedAt"))]
            newest = max([*times, newest] if newest else times, default=None)
            roots = [view for view in views if dig(view, "record", "reply") is None]
            met += [text_at(view, "uri") for view in roots]
            counts |= {record_key(text_at(view, "uri")): count_at(view, "replyCount") for view in roots}
            before -= {text_at(view, "uri") for view in views}
            page = self._page(POSTS, state, views, since, mark)
            if page.messages or page.skipped:
                yield page
        stirred, liked, latest = self._stirred(state, _floor(mark, since))
        newest = max((at for at in (newest, latest) if at), default=None)
        before -= set(liked)
        page = self._page(POSTS, state, liked.values(), since, mark)
        if page.messages or page.skipped:
            yield page
        grown = [uri for uri in met if counts[record_key(uri)] != state.threads.get(record_key(uri), 0)]
        roots_to_read = list(dict.fromkeys([*met[:_NEWEST], *grown, *stirred]))
        for done, root in enumerate(roots_to_read, 1):
            views = list(self._thread_of(root))
            before -= {text_at(view, "uri") for view in views}
            state.threads[record_key(root)] = counts.get(record_key(root), 0)
            page = self._page(POSTS, state, views, since, mark, done=done, total=len(roots_to_read))
            if page.messages or page.skipped:
                yield page
        last = self._look_again(POSTS, state, before, newest)
        yield _at_end(last, len(roots_to_read))

    def _own_posts(self, floor: datetime | None) -> Iterator[list[Any]]:
        cursor = ""
        for _ in range(_MOST_PAGES):
            params = {"actor": self._session.did, "limit": 100, "filter": "posts_with_replies"}
            answer = self._session.read(
                "app.bsky.feed.getAuthorFeed", {**params, **({"cursor": cursor} if cursor else {})}
            )
            items = entries(answer, "feed")
            views = [dig(item, "post") for item in items if dig(item, "reason") is None]  # no reposts
            views = [view for view in views if owner(text_at(view, "uri")) == self._session.did]
            yield views
            before, cursor = cursor, text_at(answer, "cursor")
            times = [at for view in views if (at := time_at(view, "indexedAt"))]
            if cursor in ("", before) or (floor and times and min(times) < floor):
                return

    def _stirred(
        self, state: State, floor: datetime | None
    ) -> tuple[list[str], dict[str, Any], datetime | None]:
        """Threads of ours with an unknown answer, posts of ours that were liked, and up to when."""
        answers: dict[str, None] = {}
        liked: dict[str, None] = {}
        latest: datetime | None = None
        for notes, _ in self._walk(["reply", "like"], floor):
            latest = max([note.at for note in notes] + ([latest] if latest else []), default=None)
            answers |= {note.uri: None for note in notes if note.reason == "reply"}
            liked |= {note.subject: None for note in notes if note.reason == "like"}
            if floor is None:
                break  # the first time every post is read anyway; this is only for older threads
        views = self._feed.views(uri for uri in answers if uri not in state.known)
        roots = dict.fromkeys(text_at(view, "record", "reply", "root", "uri") for view in views.values())
        ours = [root for root in roots if owner(root) == self._session.did]
        return ours, self._feed.views(uri for uri in liked if f"/{POST}/" in uri), latest

    def _thread_of(self, root: str) -> Iterable[Any]:
        try:
            return self._feed.thread_views(root)
        except Refused:  # deleted meanwhile, or the author of the root blocks us
            return []

    # ---------------------------------------------------------------- both

    def _belongs(self, stream: str, message: RemoteMessage) -> bool:
        """Each message comes in one stream: our threads and our own words in one, all else in the other."""
        ours = message.ours or owner(message.thread_id) == self._session.did
        return ours == (stream == POSTS)

    def _page(
        self,
        stream: str,
        state: State,
        views: Iterable[Any],
        since: datetime | None,
        mark: datetime | None,
        *,
        gap: bool = False,
        done: int = 0,
        total: int = 0,
    ) -> Page:
        """A page of what is new or looks different; a state for which nothing counts as finished yet."""
        messages, skipped = self._feed.messages(views)
        wanted = [
            message
            for message in messages
            if self._belongs(stream, message)
            and (message.id in state.known or since is None or message.created_at >= since)
        ]
        fresh = tuple(message for message in wanted if state.met(message))
        dumped = state.dump(mark)
        return Page(stream, fresh, (), dumped, gap=gap, skipped=skipped, done=done, total=total)

    def _look_again(self, stream: str, state: State, ids: set[str], mark: datetime | None) -> Page:
        """Re-read what was brought lately and not met on this walk, for edits, deletions and counts."""
        newest = sorted(state.known, key=lambda id_: state.known[id_])[-_WATCHED:]
        watched = [id_ for id_ in newest if id_ in ids]
        found = self._feed.fetch(watched)
        gone = tuple(entry for entry in found.values() if isinstance(entry, RemoteGone))
        for entry in gone:
            del state.known[entry.id]
        changed = tuple(
            entry for entry in found.values() if isinstance(entry, RemoteMessage) and state.met(entry)
        )
        skipped = len(watched) - len(found)
        return Page(stream, changed, gone, state.dump(mark), skipped=skipped)


def _floor(mark: datetime | None, since: datetime | None) -> datetime | None:
    return mark - _OVERLAP if mark else since


def _note(entry: Any) -> _Note | None:
    uri, at = text_at(entry, "uri"), time_at(entry, "indexedAt")
    if not uri or at is None:
        return None
    return _Note(uri, text_at(entry, "reason"), text_at(entry, "reasonSubject"), at)


def _at_end(page: Page, total: int) -> Page:
    """The last page of a walk has reached its total."""
    return Page(page.stream, page.messages, page.gone, page.state, page.gap, page.skipped, total, total)
