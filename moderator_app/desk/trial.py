"""Try a change to the cue packs on the team's own messages, before it is made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from moderator_app.desk import duties, teaching
from moderator_app.desk.desk import Ctx, Desk
from moderator_app.desk.reading import Reader
from moderator_app.desk.rows import Level, PackChange, Reading, Span
from moderator_app.models.inbox import Account, Message, Person

REACH: Final = timedelta(days=30)
MOST: Final = 20_000  # messages; of a larger community the newest
_BATCH: Final = 256


@dataclass(frozen=True, slots=True)
class Differs:
    """A message that would be read otherwise, and the words that it depends on."""

    message_id: int
    item_id: int | None
    person: str
    text: str
    spans: tuple[Span, ...]
    at: datetime
    now: Level
    then: Level


@dataclass(frozen=True, slots=True)
class Trial:
    """What a change would do: of `read` messages, those that differ, the most urgent first."""

    change: PackChange
    read: int
    since: datetime
    differs: tuple[Differs, ...]

    @property
    def counts(self) -> dict[str, int]:
        """What is kept with the change: never a word of anybody."""
        higher = sum(one.then < one.now for one in self.differs)
        return {"read": self.read, "higher": higher, "lower": len(self.differs) - higher}


@dataclass(frozen=True, slots=True)
class _Said:
    message_id: int
    item_id: int | None
    person: str
    text: str
    lang: str
    at: datetime


def run(
    desk: Desk,
    reader: Reader,
    wanted: PackChange,
    progress: Callable[[int, int], None] = lambda *_: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Trial | None:
    """Read the last 30 days twice, without and with the change; None where it was stopped.

    `reader` is for this alone: it is left with the change.
    """
    so_far = desk.ask(teaching.changes)
    teaching.check(wanted, so_far)
    since = desk.clock.now() - REACH
    said = desk.ask(_said, since)
    reader.use(so_far)
    today = _read(reader, said, lambda done: progress(done, 2 * len(said)), cancelled)
    reader.use((*so_far, wanted))
    then = _read(reader, said, lambda done: progress(len(said) + done, 2 * len(said)), cancelled)
    if cancelled():
        return None
    found = [
        _differs(one, before, after)
        for one, before, after in zip(said, today, then, strict=True)
        if before.level != after.level
    ]
    found.sort(key=lambda one: (min(one.now, one.then), -one.message_id))
    return Trial(wanted, len(said), since, tuple(found))


def _said(ctx: Ctx, since: datetime) -> list[_Said]:
    """What members wrote lately and is still there, the newest first."""
    chosen = (
        sa.select(Message, sa.func.coalesce(sa.func.nullif(Person.name, ""), Person.handle, ""), Account)
        .join(Account, Account.id == Message.account_id)
        .outerjoin(Person, Person.id == Message.person_id)
        .where(Message.created_at >= since, Message.ours.is_(False), Message.gone_at.is_(None))
        .order_by(Message.created_at.desc())
        .limit(MOST)
    )
    return [
        _Said(row.id, row.item_id, who, row.body, row.lang or "", row.created_at)
        for row, who, account in ctx.session.execute(chosen)
        if not duties.withheld(account.platform, account.checking_since, row.fetched_at, ctx.now)
    ]


def _read(
    reader: Reader, said: Sequence[_Said], progress: Callable[[int], None], cancelled: Callable[[], bool]
) -> list[Reading]:
    found: list[Reading] = []
    while len(found) < len(said) and not cancelled():
        batch = said[len(found) : len(found) + _BATCH]
        found += reader.read([(one.text, one.lang) for one in batch])
        progress(len(found))
    return found


def _differs(one: _Said, before: Reading, after: Reading) -> Differs:
    worse = min(before, after, key=lambda reading: reading.level)
    spans = tuple(Span(cue.start, cue.end) for cue in worse.cues if cue.level == worse.level and cue.end)
    return Differs(
        one.message_id, one.item_id, one.person, one.text, spans, one.at, before.level, after.level
    )
