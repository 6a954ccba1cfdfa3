"""Walking Reddit's lists, which have no mark to come back to: new to old, at most about a thousand entries.

`before=` a thing that was deleted answers with an empty page for ever, so no place in a list is ever stored:
each walk begins at the top and goes on until it meets something known.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from connectors.answers import dig, text_at
from connectors.contract import Page, RemoteGone, RemoteMessage
from connectors.errors import Unreadable
from connectors.reddit_session import Session, listed, moment_at
from connectors.reddit_things import Reader, look

_MOST_PAGES: Final = 12
_FULL: Final = (
    900  # a list that ends after so many was cut off at its thousand; removed ones are left out of it
)
_AT_ONCE: Final = 100


@dataclass(slots=True)
class Seen:
    """How things looked: `known` in the last whole walk, `part` in one that was broken off.

    Only what the last walk met is kept, so that an id of something deleted is gone with the next pull.
    """

    known: dict[str, str] = field(default_factory=dict)
    part: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, text: str) -> "Seen":
        """One that makes no sense is a reason to begin again, which repeats but loses nothing."""
        try:
            found = json.loads(text) if text else {}
        except ValueError:
            found = {}
        known, part = (
            {k: v for k, v in _dict(found, key).items() if isinstance(v, str)} for key in ("known", "part")
        )
        return cls(known, part)

    def dump(self) -> str:
        return json.dumps({"known": self.known, "part": self.part})

    def met(self, name: str, now: str) -> bool:
        """Remember how a thing looks; whether that is new."""
        before = self.part.get(name, self.known.get(name))
        self.part[name] = now
        return before != now

    def complete(self) -> None:
        """The walk met what was known, or the end: only now may the next one stop earlier."""
        self.known, self.part = self.part, {}


def _dict(found: Any, key: str) -> dict[str, Any]:
    held = dig(found, key)
    return held if isinstance(held, dict) else {}


@dataclass(frozen=True, slots=True)
class Stream:
    """One list. `whole`: its order says nothing about what is new, so it is always walked to its end.

    What waits for a moderator is brought however old it is: its age says nothing about its report's.
    """

    name: str
    path: str
    whole: bool = False
    reports: bool = False
    mention: bool = False


def pull(
    session: Session, reader: Callable[[], Reader], stream: Stream, state: str, since: datetime | None
) -> Iterator[Page]:
    """What is new in a list, or looks different from the last time."""
    seen, read = Seen.load(state), reader()
    known, floor = set(seen.known), None if stream.whole else since
    ever, count = False, 0
    for entries, more in _pages(session, stream.path):
        fresh = [entry for entry in entries if _is_new(seen, entry)]
        messages, gone, skipped = _read(read, stream, fresh, floor)
        count += len(entries)
        reached = any(text_at(entry, "data", "name") in known for entry in entries) or _below(entries, floor)
        ever |= reached
        if not more or (reached and not stream.whole):
            cut_off = count >= _FULL and not ever and bool(known or since)
            seen.complete()
            yield Page(stream.name, messages, gone, seen.dump(), gap=cut_off, skipped=skipped)
            return
        if messages or gone or skipped:
            yield Page(stream.name, messages, gone, seen.dump(), skipped=skipped)


def _is_new(seen: Seen, entry: Any) -> bool:
    """What has no name cannot be known: it is counted each time it cannot be read."""
    name = text_at(entry, "data", "name")
    return not name or seen.met(name, look(entry))


def _pages(session: Session, path: str) -> Iterator[tuple[list[Any], bool]]:
    """The pages of a list, and whether more follow; an `after` that stays or comes again ends it."""
    after, met = "", set[str]()
    for number in range(1, _MOST_PAGES + 1):
        answer = session.read(path, limit=_AT_ONCE, **({"after": after} if after else {}))
        entries = listed(answer)
        met.add(after)
        after = text_at(answer, "data", "after")
        more = bool(entries) and after not in met and number < _MOST_PAGES
        yield entries, more
        if not more:
            return


def _read(
    reader: Reader, stream: Stream, entries: Iterable[Any], floor: datetime | None
) -> tuple[tuple[RemoteMessage, ...], tuple[RemoteGone, ...], int]:
    messages, gone, skipped = list[RemoteMessage](), list[RemoteGone](), 0
    for entry in entries:
        try:
            found = reader.read(entry, mention=stream.mention)
            reports = list(reader.reports(entry)) if stream.reports else []
        except Unreadable:
            skipped += 1
            continue
        if isinstance(found, RemoteGone):
            gone.append(found)
        elif floor is None or found.created_at >= floor:
            messages += [found, *reports]
    return tuple(messages), tuple(gone), skipped


def _below(entries: list[Any], floor: datetime | None) -> bool:
    last = moment_at(dig(entries[-1], "data"), "created_utc") if entries else None
    return floor is not None and last is not None and last < floor
