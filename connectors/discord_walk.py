"""Walking channels for what is new, changed or gone.

A snowflake as cursor stays good for ever, so it is stored. Deletions are told on Discord's gateway only; what
was written lately is therefore read again, and what is missing there is asked for by itself: an answer with
too little in it deletes nothing.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connectors.answers import dig, time_at
from connectors.contract import GoneHow, Page, RemoteGone, RemoteMessage
from connectors.discord_api import Api, is_id
from connectors.discord_messages import (
    Ref,
    is_message,
    is_record,
    is_wordless,
    look,
    number_of,
    read,
    snowflake,
)
from connectors.discord_places import THREADS, Place, Places
from connectors.errors import Gone, Reason, Refused

AT_ONCE: Final = 100
AGAIN: Final = timedelta(hours=48)  # so long what was read is read again
_KNOWN: Final = 200  # of each channel
_MOST_PAGES: Final = 500  # of one channel in one pull
_MOST_CHECKS: Final = 20  # single messages asked for in one page
_LOOK: Final = timedelta(minutes=15)  # so often for threads that were archived
_OVERLAP: Final = timedelta(hours=1)
_CLOSING: Final = frozenset({Reason.ROLE, Reason.SCOPE, Reason.UNSUPPORTED, Reason.NOT_FOUND})


@dataclass(slots=True)
class State:
    """What a pull hands to the next.

    `after`: the newest message read of each channel; `known`: how the latest of them looked; `closed`: what
    our roles allowed where Discord said no all the same; `since`: how far back the first pull went; `looked`:
    when archived threads were last looked for.
    """

    after: dict[str, int] = field(default_factory=dict)
    known: dict[str, dict[int, str]] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)
    since: datetime | None = None
    looked: datetime | None = None

    @classmethod
    def load(cls, text: str, since: datetime | None) -> "State":
        """Read a state; one that makes no sense begins again, which repeats but loses nothing."""
        try:
            kept = json.loads(text) if text else {}
        except ValueError:
            kept = {}
        if not text or not isinstance(kept, dict):
            return cls(since=since)
        return cls(
            {key: int(after) for key, after in _items(dig(kept, "after")) if is_id(str(after))},
            {
                channel: {int(key): str(seen) for key, seen in found.items() if is_id(key)}
                for channel, found in _items(dig(kept, "known"))
                if isinstance(found, dict)
            },
            {channel: str(said) for channel, said in _items(dig(kept, "closed"))},
            time_at(kept, "since"),
            time_at(kept, "looked"),
        )

    def dump(self) -> str:
        """Write it."""
        kept: dict[str, Any] = {"after": self.after, "known": self.known, "closed": self.closed}
        kept["since"] = self.since.isoformat() if self.since else None
        kept["looked"] = self.looked.isoformat() if self.looked else None
        return json.dumps(kept, separators=(",", ":"))

    def begin(self, channel: str) -> int:
        """After which message to read, so that what is known is read again."""
        known = self.known.get(channel)
        if known:
            return min(known) - 1
        first = snowflake(self.since) - 1 if self.since else 0
        return self.after.get(channel, max(first, 0))

    def fresh(self, place: Place, found: Sequence[RemoteMessage]) -> tuple[RemoteMessage, ...]:
        """What is new or looks otherwise than it did; it is remembered."""
        known, kept = self.known.setdefault(place.id, {}), []
        for one in found:
            key, seen = int(Ref.of(one.id).id), look(one)
            if known.get(key) != seen and not (self.since and one.created_at < self.since):
                kept.append(one)
            known[key] = seen
        return tuple(kept)

    def trim(self, channel: str, now: datetime) -> None:
        """Keep only what is to be read again."""
        known = self.known.pop(channel, {})
        bound = snowflake(now - AGAIN)
        kept = {key: known[key] for key in sorted(known)[-_KNOWN:] if key >= bound}
        if kept:
            self.known[channel] = kept


class Walk:
    """The messages of some channels, oldest first in each."""

    def __init__(self, api: Api, places: Places, now: Callable[[], datetime]) -> None:
        self._api, self._places, self._now = api, places, now

    def pull(
        self, stream: str, places: Sequence[Place], state: str, since: datetime | None, *, threads: bool
    ) -> Iterator[Page]:
        """Read every channel with something new, or that may have changed; `threads`: archived ones, too."""
        kept = State.load(state, since)
        begun = self._now()
        wanted = {place.id: place for place in places}
        due = kept.looked is None or begun - kept.looked >= _LOOK
        if threads and due:
            bound = kept.looked - _OVERLAP if kept.looked else kept.since
            wanted |= {place.id: place for place in self._places.archived(bound)}
        for channel in [one for one in kept.known if one not in wanted]:
            place, gone = self._unlisted(channel, kept)
            wanted |= {channel: place} if place else {}
            if gone:
                yield Page(stream, gone=gone, state=kept.dump())
        for done, place in enumerate(wanted.values()):
            for page in self._channel(stream, place, kept):
                yield replace(page, state=kept.dump(), done=done, total=len(wanted))
        kept.looked = begun if threads and due else kept.looked
        yield Page(stream, state=kept.dump(), done=len(wanted), total=len(wanted))

    def _unlisted(self, channel: str, kept: State) -> tuple[Place | None, tuple[RemoteGone, ...]]:
        """A thread that was archived since, or a channel that was deleted with all that stood there."""
        kept.trim(channel, self._now())
        if channel not in kept.known:
            return None, ()
        try:
            place = self._places.again(channel)
        except Gone:
            lost = kept.known.pop(channel)
            return None, tuple(RemoteGone(str(Ref(channel, str(key))), GoneHow.REMOVED) for key in lost)
        if place is None:
            del kept.known[channel]
        return place, ()

    def _channel(self, stream: str, place: Place, kept: State) -> Iterator[Page]:
        kept.trim(place.id, self._now())
        allowed = f"{int(place.may)} {self._now():%Y-%m-%d %H}"
        if kept.closed.get(place.id) == allowed:
            return  # Discord said no within this hour, and our roles are what they were
        if not kept.known.get(place.id) and place.last <= kept.begin(place.id):
            return
        kept.closed.pop(place.id, None)
        try:
            for page in self._sweep(stream, place, kept):
                kept.trim(place.id, self._now())
                if page.messages or page.gone or page.skipped:
                    yield page
        except Refused as no:
            if no.reason not in _CLOSING:
                raise
            kept.closed[place.id] = allowed

    def _sweep(self, stream: str, place: Place, kept: State) -> Iterator[Page]:
        after = kept.begin(place.id)
        for _ in range(_MOST_PAGES):
            raw = self._api.rows(f"channels/{place.id}/messages", after=str(after), limit=AT_ONCE)
            good = sorted((one for one in raw if is_record(one) and number_of(one) > after), key=number_of)
            full = len(raw) >= AT_ONCE
            newest = max([after, *map(number_of, raw)])  # also past what cannot be read
            gone = self._missing(place, kept, after, newest if full else None, good)
            least = int(place.id) if place.sort in THREADS and not full else 0  # nothing there is older
            kept.after[place.id] = max(newest, least, kept.after.get(place.id, 0))
            yield self._page(stream, place, kept, good, gone, len(raw) - len(good))
            if not full or newest == after:
                return
            after = newest

    def _page(
        self, stream: str, place: Place, kept: State, good: list[Any], gone: list[RemoteGone], skipped: int
    ) -> Page:
        names, me = self._places.renamed(place), self._places.our_id
        worded = [one for one in good if is_message(one)]
        found = [read(one, place, me, names) for one in worded if not is_wordless(one)]
        wordless = len(worded) - len(found)
        messages = kept.fresh(place, found)
        return Page(stream, messages, tuple(gone), skipped=skipped + wordless)

    def _missing(
        self, place: Place, kept: State, after: int, until: int | None, good: Sequence[Any]
    ) -> list[RemoteGone]:
        """Known messages that the answer should hold and does not, if Discord says that they are gone."""
        there = {number_of(one) for one in good}
        known = kept.known.get(place.id, {})
        lost = [k for k in sorted(known) if k > after and (until is None or k <= until) and k not in there]
        gone = []
        for key in lost[:_MOST_CHECKS]:
            ref = Ref(place.id, str(key))
            if not stands(self._api, ref):
                del known[key]
                gone.append(RemoteGone(str(ref), GoneHow.UNKNOWN))
        return gone


def stands(api: Api, ref: Ref) -> bool:
    """Whether a message is still there; only Discord's own word for "unknown" is a no."""
    try:
        return number_of(api.record(ref.path)) > 0
    except Gone:
        return False


def _items(found: Any) -> Iterable[tuple[str, Any]]:
    return found.items() if isinstance(found, dict) else ()


def utc_now() -> datetime:
    """Our own clock."""
    return datetime.now(UTC)
