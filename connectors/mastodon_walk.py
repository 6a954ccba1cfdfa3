"""Walking a list of Mastodon's: first all that is new, then back to where it begins.

Sources: https://docs.joinmastodon.org/api/guidelines/#pagination. `since_id` answers with the newest page and
leaves out what stands between; `min_id` answers with the page next to what is known, and nothing is left out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from connectors.answers import dig, text_at, time_at
from connectors.http import Answer
from connectors.mastodon_session import Session, cursor, rows

AT_ONCE: Final = 40  # every server gives as many
_MOST_PAGES: Final = 200  # of one walk; the next pull goes on from there


@dataclass(frozen=True, slots=True)
class Walk:
    """Where a walk stands: everything above `mark` is new, everything below `back` was not read yet.

    Both are the server's own ids and stay good. `back` is empty once the beginning was reached, `floor` is
    the moment that the beginning counts from.
    """

    mark: str = ""
    back: str = ""
    floor: str = ""

    @classmethod
    def load(cls, data: Any) -> "Walk":
        """One that makes no sense is a reason to begin again, which repeats but loses nothing."""
        return cls(text_at(data, "mark"), text_at(data, "back"), text_at(data, "floor"))

    def dump(self) -> dict[str, str]:
        """As it is kept in a state."""
        return {"mark": self.mark, "back": self.back, "floor": self.floor}


@dataclass(frozen=True, slots=True)
class Step:
    """One page of a walk and where the walk stands after it; `gap` where the server does not lead on."""

    rows: list[Any]
    walk: Walk
    gap: bool = False


def walk(
    session: Session,
    where: str,
    begun: Walk,
    since: datetime | None,
    params: Mapping[str, Any] | None = None,
) -> Iterator[Step]:
    """Read a list page by page."""
    asked = {**(params or {}), "limit": AT_ONCE}
    now = begun if begun.mark or since is None else replace(begun, floor=since.isoformat())
    if not now.mark:
        answer = session.read(where, asked)
        found = rows(answer)
        mark, back = _above(answer, found), _below(answer, found)
        if not mark:
            yield Step(found, now)
            return
        now = _settled(replace(now, mark=mark, back=back), found)
        yield Step(found, now)
    else:
        for step in _forward(session, where, asked, now):
            now = step.walk
            yield step
    yield from _backward(session, where, asked, now)


def _forward(session: Session, where: str, asked: Mapping[str, Any], now: Walk) -> Iterator[Step]:
    for _ in range(_MOST_PAGES):
        answer = session.read(where, {**asked, "min_id": now.mark})
        found = rows(answer)
        mark = _above(answer, found)
        if not found:
            return
        stuck = mark in ("", now.mark)
        now = now if stuck else replace(now, mark=mark)
        yield Step(found, now)
        if stuck:
            return


def _backward(session: Session, where: str, asked: Mapping[str, Any], now: Walk) -> Iterator[Step]:
    been = {now.back}
    for _ in range(_MOST_PAGES):
        if not now.back:
            return
        answer = session.read(where, {**asked, "max_id": now.back})
        found = rows(answer)
        # A short page is not the last one, and some servers name a next page after the last: it is empty.
        below = _below(answer, found)
        if found and not below:
            yield Step(found, now, gap=True)
            return
        lost = below in been
        now = _settled(replace(now, back="" if lost else below), found)
        been.add(below)
        yield Step(found, now, gap=lost)


def _settled(now: Walk, found: list[Any]) -> Walk:
    """A walk that has come down to its floor is at its end."""
    floor = time_at({"floor": now.floor}, "floor")
    oldest = min((at for row in found if (at := time_at(row, "created_at"))), default=None)
    return replace(now, back="") if floor and oldest and oldest < floor else now


def _above(answer: Answer, found: list[Any]) -> str:
    return cursor(answer, "prev", "min_id") or (_id(found[0]) if found else "")


def _below(answer: Answer, found: list[Any]) -> str:
    return cursor(answer, "next", "max_id") or (_id(found[-1]) if found else "")


def _id(row: Any) -> str:
    found = dig(row, "id")
    return found if isinstance(found, str) else ""
