"""All that reaches one Mastodon account, each message once: mentions, answers, directs, its own posts.

Sources: https://docs.joinmastodon.org/methods/: notifications, conversations and accounts/#statuses.
No list there is whole by itself. Notifications can be cleared on a phone, conversations are empty on some
servers, and an answer that names nobody is in neither; so all are read into one stream, and `known` keeps a
message that two of them bring from coming twice.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from connectors.answers import count_at, dig, entries, text_at
from connectors.contract import GoneHow, Page, RemoteGone, RemoteMessage
from connectors.errors import Gone, Refused, Unreadable
from connectors.mastodon_read import DIRECT, Reader
from connectors.mastodon_session import Session, cursor, path, rows
from connectors.mastodon_walk import AT_ONCE, Walk, walk

STREAM: Final = "inbox"
_ALWAYS: Final = frozenset({"mention", "quote"})
_OURS_ONLY: Final = frozenset(
    {"favourite", "reblog", "poll", "update"}
)  # they change counts, results or words
_KNOWN: Final = 400  # messages whose look is remembered, so that only changes are brought again
_WATCHED: Final = 60  # of them that each pull reads again, where the server reads many at once
_WATCHED_SINGLY: Final = 10
_OWN: Final = 20  # newest posts of ours below which answers are looked for
_TALKS: Final = 400  # conversations whose last message is remembered
_MOST_PAGES: Final = 100


@dataclass(slots=True)
class _State:
    """What one pull hands to the next. `own` says of our newest posts how many answers were read."""

    notes: Walk = field(default_factory=Walk)
    posts: Walk = field(default_factory=Walk)
    talks: list[str] = field(default_factory=list)
    talks_whole: bool = False
    known: dict[str, str] = field(default_factory=dict)
    own: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, text: str) -> "_State":
        """One that makes no sense is a reason to begin again, which repeats but loses nothing."""
        try:
            found = json.loads(text) if text else {}
        except ValueError:
            found = {}
        return cls(
            Walk.load(dig(found, "notes")),
            Walk.load(dig(found, "posts")),
            [one for one in entries(found, "talks") if isinstance(one, str)],
            dig(found, "talks_whole") is True,
            _texts(dig(found, "known")),
            _texts(dig(found, "own")),
        )

    def dump(self) -> str:
        """Write it, bounded: the oldest is forgotten first."""
        self.known = dict(sorted(self.known.items(), key=lambda item: item[1])[-_KNOWN:])
        self.own = dict(sorted(self.own.items(), key=lambda item: item[1])[-_OWN:])
        self.talks = self.talks[-_TALKS:]
        kept = {
            "notes": self.notes.dump(),
            "posts": self.posts.dump(),
            "talks": self.talks,
            "talks_whole": self.talks_whole,
            "known": self.known,
            "own": self.own,
        }
        return json.dumps(kept)

    def met(self, message: RemoteMessage) -> bool:
        """Remember a message; whether it looks different from the last time."""
        seen = repr((message.revision, message.likes, message.replies, message.poll))
        digest = hashlib.sha256(seen.encode()).hexdigest()[:12]
        look = f"{message.created_at.isoformat(timespec='seconds')} {digest}"
        changed = self.known.get(message.id) != look
        self.known[message.id] = look
        return changed


class Inbox:
    """Reads one account's inbox."""

    def __init__(self, session: Session, reader: Reader) -> None:
        self._session = session
        self._reader = reader

    def pull(self, state: str, since: datetime | None) -> Iterator[Page]:
        """Bring what is new, and what changed of that which was brought lately."""
        return _Pull(self._session, self._reader, _State.load(state), since).pages()


class _Pull:
    """One pull. What it brings is remembered in the state before the page is handed out with it."""

    def __init__(self, session: Session, reader: Reader, state: _State, since: datetime | None) -> None:
        self._session, self._reader, self._state, self._since = session, reader, state, since
        self._seen: set[str] = set()  # in this pull, so that it need not be looked at again
        self._answers: dict[str, str] = {}  # our posts: their time and how many answers they have now

    def pages(self) -> Iterator[Page]:
        """Every list in turn; the last page always comes, with the state that the next pull begins with."""
        before = list(self._state.known)
        yield from self._worth(self._notes())
        yield from self._worth(self._posts())
        yield from self._worth(self._talks())
        yield from self._worth([self._again(before)])
        yield from self._worth(self._below())
        yield Page(STREAM, state=self._state.dump())

    @staticmethod
    def _worth(pages: Iterable[Page]) -> Iterator[Page]:
        return (page for page in pages if page.messages or page.gone or page.skipped or page.gap)

    def _notes(self) -> Iterator[Page]:
        # Filtered ones are those of strangers and new accounts: just who may need somebody.
        params = {"include_filtered": "true"}
        for step in walk(self._session, "api/v1/notifications", self._state.notes, self._since, params):
            statuses = [dig(row, "status") for row in step.rows if self._counts(row)]
            self._state.notes = step.walk
            skipped = sum(not text_at(row, "type") for row in step.rows)
            yield self._page(statuses, gap=step.gap, skipped=skipped)

    def _counts(self, note: Any) -> bool:
        kind, status = text_at(note, "type"), dig(note, "status")
        if not isinstance(status, dict) or status.get("reblog"):
            return False
        return kind in _ALWAYS or (kind in _OURS_ONLY and self._reader.concerns_us(status))

    def _posts(self) -> Iterator[Page]:
        where = path("accounts", self._session.id) + "/statuses"
        params = {"exclude_reblogs": "true"}
        for step in walk(self._session, where, self._state.posts, self._since, params):
            self._state.posts = step.walk
            yield self._page([row for row in step.rows if not dig(row, "reblog")], gap=step.gap)

    def _talks(self) -> Iterator[Page]:
        """Conversations whose last message is new, from the newest down to where nothing is."""
        after = ""
        for _ in range(_MOST_PAGES):
            params = {"limit": AT_ONCE, **({"max_id": after} if after else {})}
            try:
                answer = self._session.read("api/v1/conversations", params)
            except Refused:
                return  # a server without them: notifications bring what it has
            found = rows(answer)
            fresh = [last for row in found if (last := self._fresh(row)) is not None]
            for last in fresh:
                yield self._page([last, *self._talk(text_at(last, "id"))])
                self._state.talks.append(text_at(last, "id"))
            before, after = after, cursor(answer, "next", "max_id")
            ended = not found or after in ("", before)
            if ended or (self._state.talks_whole and not fresh):
                break
        self._state.talks_whole = True

    def _fresh(self, talk: Any) -> Any:
        last = dig(talk, "last_status")
        made = text_at(last, "id")
        return last if made and made not in self._state.talks else None

    def _talk(self, last: str) -> list[Any]:
        try:
            around = self._reader.around(last)
        except (Gone, Unreadable):
            return []
        return [status for status in around if text_at(status, "visibility") == DIRECT]

    def _below(self) -> Iterator[Page]:
        """Answers below our newest posts, also those that name nobody."""
        newest = sorted(self._answers.items(), key=lambda item: item[1])[-_OWN:]
        for made, now in newest:
            if self._state.own.get(made) == now:
                continue
            try:
                around = [] if now.endswith(" 0") else self._reader.around(made)
            except Gone:
                around = []
            except Unreadable:
                continue  # the next pull asks again
            self._state.own[made] = now
            below = {made}
            for status in around:
                if text_at(status, "in_reply_to_id") in below:
                    below.add(text_at(status, "id"))
            yield self._page([one for one in around if text_at(one, "id") in below])

    def _again(self, before: list[str]) -> Page:
        """Read the newest of what was known again: nothing tells of an edit or a deletion."""
        most = _WATCHED if self._reader.in_bulk else _WATCHED_SINGLY
        newest = sorted((self._state.known[id_], id_) for id_ in before if id_ in self._state.known)
        watched = [id_ for _, id_ in newest[-most:] if id_ not in self._seen]
        found = self._reader.statuses(watched)
        gone = [id_ for id_, status in found.items() if status is None]
        for id_ in gone:
            del self._state.known[id_]
        return self._page([one for one in found.values() if one is not None], gone=gone)

    def _page(
        self, statuses: Iterable[Any], *, gone: Iterable[str] = (), gap: bool = False, skipped: int = 0
    ) -> Page:
        found = list(statuses)
        for status in found:
            self._note_answers(status)
        messages, unread = self._reader.messages(found)
        self._seen |= {message.id for message in messages}
        changed = [message for message in messages if self._recent(message) and self._state.met(message)]
        buried = tuple(RemoteGone(id_, GoneHow.DELETED) for id_ in gone)
        return Page(STREAM, tuple(changed), buried, self._state.dump(), gap=gap, skipped=skipped + unread)

    def _recent(self, message: RemoteMessage) -> bool:
        return self._since is None or message.created_at >= self._since

    def _note_answers(self, status: Any) -> None:
        if text_at(status, "account", "id") == self._session.id:
            at, answers = text_at(status, "created_at"), count_at(status, "replies_count")
            self._answers[text_at(status, "id")] = f"{at} {answers}"


def _texts(found: Any) -> dict[str, str]:
    return {key: one for key, one in found.items() if isinstance(one, str)} if isinstance(found, dict) else {}
