"""The week in numbers that are safe to share: counts only, no names, nothing that is few enough to guess.

Every number has its definition. Counts of one to four are hidden, and where one hidden cell could be
computed from its row's total, the next smallest is hidden with it (R72).
"""

import csv as csv_format
import io
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from moderator_app.desk.clocks import FIRST_REPLY
from moderator_app.desk.desk import Ctx
from moderator_app.desk.rows import ActionKind, ActionState, Level
from moderator_app.models.care import Action
from moderator_app.models.inbox import Account, Item, Message

LEAST: Final = 5  # the smallest count that is shown
_ROUND_PEOPLE: Final = 5
_ENOUGH_WEEKS: Final = 8  # before "usual" may be said (R95)
_COMPARED: Final = 4


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
    history = [_counts(ctx, first - timedelta(weeks=back)) for back in range(_COMPARED + 1)]
    now = history[0]
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
    begin, _ = _span(first)
    days = [_messages(ctx, begin + timedelta(days=i), begin + timedelta(days=i + 1)) for i in range(7)]
    earlier = [first - timedelta(weeks=back) for back in reversed(range(_ENOUGH_WEEKS))]
    return Week(
        monday=first,
        figures=figures,
        tables=(_by_level(ctx, first), _by_platform(ctx, first), _response(ctx, first)),
        daily=suppress(days),
        weeks=tuple((day, shown(_messages(ctx, *_span(day)))) for day in earlier),
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


def _messages(ctx: Ctx, begin: datetime, end: datetime) -> int:
    chosen = sa.select(sa.func.count()).select_from(Message)
    return ctx.session.scalar(chosen.where(*_theirs(begin, end))) or 0


def _theirs(begin: datetime, end: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return Message.created_at >= begin, Message.created_at < end, Message.ours.is_(False)


def _counts(ctx: Ctx, monday: date) -> dict[str, float]:
    begin, end = _span(monday)
    written = _theirs(begin, end)
    total, people, threads, crisis, red = ctx.session.execute(
        sa.select(
            sa.func.count(),
            sa.func.count(Message.person_id.distinct()),
            sa.func.count(Message.thread_id.distinct()),
            sa.func.count().filter(Message.level == Level.CRISIS),
            sa.func.count().filter(Message.level == Level.RED),
        ).where(*written)
    ).one()
    done = dict(
        ctx.session.execute(
            sa.select(Action.kind, sa.func.count())
            .where(Action.at >= begin, Action.at < end, Action.state == ActionState.DONE)
            .where(Action.undone_by.is_(None), Action.undoes_id.is_(None))
            .group_by(Action.kind)
        ).all()
    )
    opened = sum(_opened(ctx, begin, end).values())
    minutes = [wait for _, wait in _waits(ctx, begin, end)]
    counts: dict[str, float] = {
        "messages": total,
        "people": people,
        "threads": threads,
        "crisis": crisis,
        "red": red,
        "replies": done.get(ActionKind.REPLY, 0),
        "escalated": done.get(ActionKind.ESCALATE, 0),
        "closed": done.get(ActionKind.CLOSE, 0),
    }
    if opened >= LEAST:
        counts["answered_share"] = 100 * len(minutes) / opened
    if len(minutes) >= LEAST:
        counts["reply_minutes"] = statistics.median(minutes)
    return counts


def _opened(ctx: Ctx, begin: datetime, end: datetime) -> dict[Level, int]:
    """How many conversations were opened in the span, by level."""
    chosen = sa.select(Item.level, sa.func.count()).where(*_begun(begin, end)).group_by(Item.level)
    return dict(ctx.session.execute(chosen).all())


def _waits(ctx: Ctx, begin: datetime, end: datetime) -> list[tuple[Level, float]]:
    """For each conversation opened in the span and answered by now: its level and the minutes it took."""
    # Subtracted as the milliseconds that they are, in the index: a week may hold very many.
    took = sa.type_coerce(Item.first_reply_at, sa.Integer) - sa.type_coerce(Item.waiting_since, sa.Integer)
    chosen = sa.select(Item.level, took).where(*_begun(begin, end), Item.first_reply_at.is_not(None))
    return [(level, max(0.0, wait / 60_000)) for level, wait in ctx.session.execute(chosen)]


def _begun(begin: datetime, end: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return Item.waiting_since >= begin, Item.waiting_since < end


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


def _by_level(ctx: Ctx, monday: date) -> Table:
    found = dict(
        ctx.session.execute(
            sa.select(Message.level, sa.func.count())
            .where(*_theirs(*_span(monday)), Message.level.is_not(None))
            .group_by(Message.level)
        ).all()
    )
    cells = suppress([found.get(level, 0) for level in Level])
    return Table(
        "levels",
        "By level",
        "How the rules read the messages of the week: how soon a person should look.",
        ("messages",),
        tuple((level.word, (cell,)) for level, cell in zip(Level, cells, strict=True)),
    )


def _by_platform(ctx: Ctx, monday: date) -> Table:
    found = ctx.session.execute(
        sa.select(Account.platform, sa.func.count())
        .select_from(Message)
        .join(Account, Account.id == Message.account_id)
        .where(*_theirs(*_span(monday)))
        .group_by(Account.platform)
        .order_by(Account.platform)
    ).all()
    cells = suppress([count for _, count in found])
    return Table(
        "platforms",
        "By platform",
        "Where the messages of the week were written.",
        ("messages",),
        tuple((name, (cell,)) for (name, _), cell in zip(found, cells, strict=True)),
    )


def _response(ctx: Ctx, monday: date) -> Table:
    opened, waits = _opened(ctx, *_span(monday)), _waits(ctx, *_span(monday))
    rows = []
    for level in Level:
        count, clock = opened.get(level, 0), FIRST_REPLY[level].total_seconds()
        within = sum(found is level and minutes * 60 <= clock for found, minutes in waits)
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
    for table in summary.tables:
        lines += ["", f"## {table.label}", "", table.definition, ""]
        lines += [
            f"| | {' | '.join(table.columns)} |",
            f"|---|{'---:|' * len(table.columns)}",
        ]
        lines += [f"| {name} | {' | '.join(map(said, cells))} |" for name, cells in table.rows]
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
    for table in summary.tables:
        for name, cells in table.rows:
            for column, cell in zip(table.columns, cells, strict=True):
                number = "" if cell is None else str(cell)
                writer.writerow([monday, table.key, name, column, number, "count", table.definition])
    return out.getvalue()


def as_data(summary: Week) -> Mapping[str, object]:
    """The summary as plain data, for --json."""
    return {
        "monday": summary.monday.isoformat(),
        "figures": {
            figure.key: {"value": figure.value, "last": figure.last, "mean": figure.mean}
            for figure in summary.figures
        },
        "tables": {table.key: {name: list(cells) for name, cells in table.rows} for table in summary.tables},
        "daily": list(summary.daily),
    }
