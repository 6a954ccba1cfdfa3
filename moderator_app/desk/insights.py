"""The week in numbers that are safe to share: counts only, no names, nothing that is few enough to guess.

Every number has its definition. Counts of one to four are hidden, and where one hidden cell could be
computed from its row's total, the next smallest is hidden with it (R72).
"""

import csv as csv_format
import io
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from moderator_app.desk.clocks import FIRST_REPLY
from moderator_app.desk.desk import Ctx
from moderator_app.desk.rows import ActionKind, ActionState, Level
from moderator_app.models.care import Action
from moderator_app.models.inbox import Account, Item, MessageDay, WeekPerson, WeekThread
from moderator_app.models.session import Plain, given, table

LEAST: Final = 5  # the smallest count that is shown
_ROUND_PEOPLE: Final = 5
_ENOUGH_WEEKS: Final = 8  # before "usual" may be said (R95)
_COMPARED: Final = 4
_EPOCH: Final = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the summary. `value` is None where it is hidden; `usual` compares with weeks before.

    `unit` is "count", "percent" or "minutes".
    """

    key: str
    label: str
    definition: str
    value: float | None
    last: float | None
    mean: float | None
    unit: str = "count"


@dataclass(frozen=True, slots=True)
class Table:
    """Counts by row and column; None is a hidden cell."""

    key: str
    label: str
    definition: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int | None, ...]], ...]


@dataclass(frozen=True, slots=True)
class Week:
    """One week, Monday to Sunday in UTC, ready to share."""

    monday: date
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...]
    daily: tuple[int | None, ...]
    weeks: tuple[tuple[date, int | None], ...]
    method: tuple[str, ...]


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _span(monday: date) -> tuple[datetime, datetime]:
    begin = datetime(monday.year, monday.month, monday.day, tzinfo=UTC)
    return begin, begin + timedelta(days=7)


def shown(count: int) -> int | None:
    """A count as it may leave: zero and five or more; else None."""
    return None if 0 < count < LEAST else count


def suppress(cells: Sequence[int]) -> tuple[int | None, ...]:
    """A row of counts whose total is shown elsewhere: no single hidden cell can be computed back."""
    out = [shown(cell) for cell in cells]
    hidden = [i for i, cell in enumerate(out) if cell is None]
    if len(hidden) == 1:
        others = [i for i, cell in enumerate(out) if cell]
        if others:
            out[min(others, key=lambda i: cells[i])] = None
    return tuple(out)


def week(ctx: Ctx, monday: date | None = None) -> Week:
    """The summary of the week that begins on `monday` (default: the last whole week)."""
    first = _monday(monday or ctx.now.date() - timedelta(days=7))
    earlier = [first - timedelta(weeks=back) for back in reversed(range(_ENOUGH_WEEKS))]
    days = _Days(ctx, earlier[0], _ENOUGH_WEEKS)
    compared = [first - timedelta(weeks=back) for back in range(_COMPARED + 1)]
    history = [_counts(ctx, day, days) for day in compared]
    now, written = history[0], days.count(first)
    figures = tuple(
        Figure(
            key,
            label,
            definition,
            _safe(now.get(key), key, unit),
            _safe(history[1].get(key), key, unit),
            _mean([counts.get(key) for counts in history[1:]], key, unit),
            unit,
        )
        for key, label, definition, unit in _FIGURES
    )
    daily = [days.count(first + timedelta(days=i), 1).total() for i in range(7)]
    return Week(
        monday=first,
        figures=figures,
        tables=(_by_level(written), _by_platform(ctx, written), _response(ctx, first)),
        daily=suppress(daily),
        weeks=tuple((day, shown(days.count(day).total())) for day in earlier),
        method=_METHOD,
    )


_FIGURES: Final = (
    ("messages", "Messages", "Comments, mentions, direct messages and reports by members.", "count"),
    ("people", "People", "Members who wrote at least once, rounded to the nearest 5.", "count"),
    ("threads", "Conversations", "Conversations in which a member wrote.", "count"),
    ("crisis", "Read as crisis", "Messages whose words the rules or a person placed at crisis.", "count"),
    ("red", "Read as red", "Messages whose words the rules placed at red.", "count"),
    ("replies", "Replies", "Replies of the team that arrived on the platform.", "count"),
    ("escalated", "Escalations", "Conversations handed to a named person.", "count"),
    ("closed", "Closed", "Conversations closed with an outcome.", "count"),
    (
        "answered_share",
        "Answered",
        "Share of the conversations opened in the week that had a reply by now.",
        "percent",
    ),
    (
        "reply_minutes",
        "Time to first reply",
        "Median minutes from a person's first unanswered message to the team's first reply.",
        "minutes",
    ),
)
_METHOD: Final = (
    "Weeks run from Monday 00:00 to Sunday 24:00 UTC; a message counts in the week in which it was written.",
    "Counts from 1 to 4 are hidden, and a second cell where a hidden one could be computed.",
    "Shares and medians are shown from 5 conversations. Numbers of people are rounded to 5.",
    "Messages deleted by their authors count as one message; their words are gone.",
    "Levels are how the software read words, lowered only by people; they say nothing about a person.",
)


_DAY_TABLE, _ITEM, _ACTION, _ACCOUNT = table(MessageDay), table(Item), table(Action), table(Account)
_DAY_MS: Final = 24 * 3600 * 1000
# All that is counted of messages, by day: the triggers of the table keep it true after every deletion.
_DAYS: Final = Plain(
    sa.select(_DAY_TABLE.c.day, _DAY_TABLE.c.account_id, _DAY_TABLE.c.level, _DAY_TABLE.c.n).where(
        _DAY_TABLE.c.day >= given("first"), _DAY_TABLE.c.day < given("end")
    )
)


def _in_week(counted: sa.Table) -> Plain:
    return Plain(sa.select(sa.func.count()).select_from(counted).where(counted.c.week == given("week")))


_PEOPLE, _THREADS = _in_week(table(WeekPerson)), _in_week(table(WeekThread))
_DONE: Final = Plain(
    sa.select(_ACTION.c.kind, sa.func.count())
    .where(_ACTION.c.at >= given("begin"), _ACTION.c.at < given("end"))
    .where(_ACTION.c.state == ActionState.DONE)
    .where(_ACTION.c.undone_by.is_(None), _ACTION.c.undoes_id.is_(None))
    .group_by(_ACTION.c.kind)
)
_OF_WEEK: Final = sa.and_(_ITEM.c.waiting_since >= given("begin"), _ITEM.c.waiting_since < given("end"))
# Milliseconds from the first unanswered message to the first reply, as the index has them.
_TOOK: Final = sa.func.max(
    0, sa.type_coerce(_ITEM.c.first_reply_at, sa.Integer) - sa.type_coerce(_ITEM.c.waiting_since, sa.Integer)
)
_CLOCK: Final = sa.case(
    {level.value: round(clock.total_seconds() * 1000) for level, clock in FIRST_REPLY.items()},
    value=sa.type_coerce(_ITEM.c.level, sa.Integer),
)
_BEGUN: Final = Plain(
    sa.select(
        _ITEM.c.level,
        sa.func.count(),
        sa.func.count(_ITEM.c.first_reply_at),
        sa.func.count().filter(_TOOK <= _CLOCK),
    )
    .where(_OF_WEEK)
    .group_by(_ITEM.c.level)
)
_MIDDLE: Final = Plain(
    sa.select(_TOOK)
    .where(_OF_WEEK, _ITEM.c.first_reply_at.is_not(None))
    .order_by(_TOOK)
    .limit(given("some"))
    .offset(given("before"))
)
_PLATFORMS: Final = Plain(sa.select(_ACCOUNT.c.id, _ACCOUNT.c.platform))


class _Days:
    """The messages that members wrote, counted by day, account and level, for a run of weeks."""

    def __init__(self, ctx: Ctx, first: date, weeks: int) -> None:
        begin = _day(first)
        self._rows = _DAYS.rows(ctx.session, {"first": begin, "end": begin + 7 * weeks})

    def count(self, first: date, days: int = 7) -> Counter[tuple[int, int]]:
        """How many there are by account and level, from a day on."""
        begin = _day(first)
        found: Counter[tuple[int, int]] = Counter()
        for day, account, level, n in self._rows:
            if begin <= day < begin + days:
                found[account, level] += n
        return found


def _day(day: date) -> int:
    return day.toordinal() - _EPOCH


def _begun(ctx: Ctx, monday: date) -> dict[Level, tuple[int, int, int]]:
    """Of the conversations opened in a week, by level: how many, how many answered by now and in time."""
    found = _BEGUN.rows(ctx.session, _bounds(monday))
    return {Level(level): (opened, answered, within) for level, opened, answered, within in found}


def _median_minutes(ctx: Ctx, monday: date, answered: int) -> float:
    """What the middle one of the answered conversations waited."""
    middle = {"some": 2 - answered % 2, "before": (answered - 1) // 2}
    found = _MIDDLE.rows(ctx.session, {**_bounds(monday), **middle})
    return statistics.fmean(took for (took,) in found) / 60_000


def _bounds(monday: date) -> dict[str, int]:
    begin = _day(monday) * _DAY_MS
    return {"begin": begin, "end": begin + 7 * _DAY_MS}


def _counts(ctx: Ctx, monday: date, days: _Days) -> dict[str, float]:
    written = days.count(monday)
    which = {"week": (_day(monday) + 3) // 7}  # the first of January 1970 was a Thursday
    done = dict(_DONE.rows(ctx.session, _bounds(monday)))
    begun = _begun(ctx, monday).values()
    opened, answered = (sum(one[i] for one in begun) for i in (0, 1))
    counts: dict[str, float] = {
        "messages": written.total(),
        "people": _one(_PEOPLE.first(ctx.session, which)),
        "threads": _one(_THREADS.first(ctx.session, which)),
        "crisis": sum(n for (_, level), n in written.items() if level == Level.CRISIS),
        "red": sum(n for (_, level), n in written.items() if level == Level.RED),
        "replies": done.get(ActionKind.REPLY.value, 0),
        "escalated": done.get(ActionKind.ESCALATE.value, 0),
        "closed": done.get(ActionKind.CLOSE.value, 0),
    }
    if opened >= LEAST:
        counts["answered_share"] = 100 * answered / opened
    if answered >= LEAST:
        counts["reply_minutes"] = _median_minutes(ctx, monday, answered)
    return counts


def _one(row: tuple[int, ...] | None) -> int:
    return row[0] if row else 0


def _safe(value: float | None, key: str, unit: str) -> float | None:
    """A number as it may leave: few are hidden, people are rounded."""
    if value is None or unit != "count":
        return value
    if 0 < value < LEAST:
        return None
    return float(_ROUND_PEOPLE * round(value / _ROUND_PEOPLE)) if key == "people" else value


def _mean(values: Sequence[float | None], key: str, unit: str) -> float | None:
    known = [value for value in values if value is not None]
    return _safe(statistics.fmean(known), key, unit) if known else None


def _by_level(written: Counter[tuple[int, int]]) -> Table:
    found = {level: sum(n for (_, of), n in written.items() if of == level) for level in Level}
    cells = suppress([found[level] for level in Level])
    return Table(
        "levels",
        "By level",
        "How the rules read the messages of the week: how soon a person should look.",
        ("messages",),
        tuple((level.word, (cell,)) for level, cell in zip(Level, cells, strict=True)),
    )


def _by_platform(ctx: Ctx, written: Counter[tuple[int, int]]) -> Table:
    platforms = dict(_PLATFORMS.rows(ctx.session))
    found: Counter[str] = Counter()
    for (account, _), n in written.items():
        found[platforms[account]] += n
    names = sorted(found)
    cells = suppress([found[name] for name in names])
    return Table(
        "platforms",
        "By platform",
        "Where the messages of the week were written.",
        ("messages",),
        tuple((name, (cell,)) for name, cell in zip(names, cells, strict=True)),
    )


def _response(ctx: Ctx, monday: date) -> Table:
    begun = _begun(ctx, monday)
    rows = []
    for level in Level:
        count, _, within = begun.get(level, (0, 0, 0))
        cells = suppress([within, count - within])
        hide = None in cells
        rows.append((level.word, (shown(count), None if hide else cells[0])))
    return Table(
        "response",
        "Answered in time",
        "Conversations opened in the week, and those answered within their level's clock.",
        ("opened", "in time"),
        tuple(rows),
    )


# ------------------------------------------------------------------ on paper


def said(value: float | None, unit: str = "count") -> str:
    """A number as it stands on paper; a hidden one says that it is."""
    if value is None:
        return "hidden" if unit == "count" else "too few"
    if unit == "percent":
        return f"{value:.0f} %"
    if unit == "minutes":
        return f"{value:.0f} min"
    return f"{value:,.0f}"


def markdown(summary: Week) -> str:
    """The summary as Markdown: figures, tables, definitions and method."""
    last_day = summary.monday + timedelta(days=6)
    lines = [f"# Week of {summary.monday:%d %B %Y} to {last_day:%d %B %Y}", ""]
    lines += ["| | this week | last week | mean of 4 weeks |", "|---|---:|---:|---:|"]
    for figure in summary.figures:
        cells = (said(value, figure.unit) for value in (figure.value, figure.last, figure.mean))
        lines.append(f"| {figure.label} | {' | '.join(cells)} |")
    for one in summary.tables:
        lines += ["", f"## {one.label}", "", one.definition, ""]
        lines += [
            f"| | {' | '.join(one.columns)} |",
            f"|---|{'---:|' * len(one.columns)}",
        ]
        lines += [f"| {name} | {' | '.join(map(said, cells))} |" for name, cells in one.rows]
    lines += ["", "## What the numbers mean", ""]
    lines += [f"- **{figure.label}**: {figure.definition}" for figure in summary.figures]
    lines += ["", "## Method", ""]
    lines += [f"- {sentence}" for sentence in summary.method]
    return "\n".join(lines) + "\n"


def csv(summary: Week) -> str:
    """The summary as CSV: one number a line, with its definition; a hidden number is an empty cell."""
    out = io.StringIO()
    writer = csv_format.writer(out, lineterminator="\r\n")
    writer.writerow(["week", "section", "name", "column", "value", "unit", "definition"])
    monday = summary.monday.isoformat()
    for figure in summary.figures:
        for column, value in (
            ("this week", figure.value),
            ("last week", figure.last),
            ("mean of 4 weeks", figure.mean),
        ):
            number = "" if value is None else f"{value:.1f}".removesuffix(".0")
            row = [monday, "figures", figure.label, column, number, figure.unit, figure.definition]
            writer.writerow(row)
    for one in summary.tables:
        for name, cells in one.rows:
            for column, cell in zip(one.columns, cells, strict=True):
                number = "" if cell is None else str(cell)
                writer.writerow([monday, one.key, name, column, number, "count", one.definition])
    return out.getvalue()


def as_data(summary: Week) -> Mapping[str, object]:
    """The summary as plain data, for --json."""
    return {
        "monday": summary.monday.isoformat(),
        "figures": {
            figure.key: {"value": figure.value, "last": figure.last, "mean": figure.mean}
            for figure in summary.figures
        },
        "tables": {one.key: {name: list(cells) for name, cells in one.rows} for one in summary.tables},
        "daily": list(summary.daily),
    }
