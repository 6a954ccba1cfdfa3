"""Queues and their order, and what a moderator does with an item: take, assign, snooze, close, re-level.

Software raises a level and people lower it: `apply` may only raise, `set_level` is a person's.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from connectors.contract import Kind
from moderator_app.desk import actions, audit, clocks, duties
from moderator_app.desk.desk import Ctx
from moderator_app.desk.rows import (
    Audience,
    Cue,
    Outcome,
    Queue,
    QueueKey,
    QueueRow,
    Reading,
    Recorded,
    Span,
)
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.models.base import ActionKind, Level, Status
from moderator_app.models.care import Draft
from moderator_app.models.inbox import Account, Item, ItemCount, Message, Person, Signal, Thread

RULES: Final = 1  # the version of the reading rules; a higher one reads everything again
LEAST_REASON: Final = 20  # characters, R6
_EXCERPT: Final = 280
_LONGEST_CUT: Final = 30  # of a word that the excerpt would begin in
# Written out in the statement: SQLite uses a partial index only where it can see its condition.
_NOBODY: Final[sa.ColumnElement[str]] = sa.literal_column("''")
_LEVELS: Final = {
    Queue.CRISIS: Level.CRISIS,
    Queue.RED: Level.RED,
    Queue.AMBER: Level.AMBER,
    Queue.GREEN: Level.GREEN,
}


# ------------------------------------------------------------------ reading


def unread(ctx: Ctx, limit: int = 64) -> list[tuple[int, str, str]]:
    """Messages that the rules have not read, newest first (the freshest may be the most urgent).

    Each is its id, its text and the language that the platform names ("" where it names none).
    """
    rows = ctx.session.execute(
        sa.select(Message.id, Message.body, Message.lang)
        .where(Message.read_v.is_(None))
        .order_by(Message.id.desc())
        .limit(limit)
    )
    return [(message_id, body, lang or "") for message_id, body, lang in rows]


def apply(ctx: Ctx, readings: Sequence[tuple[int, str, Reading]]) -> None:
    """Store what the rules found. Each reading names its message and the text that was read.

    A reading of a text that has changed meanwhile is dropped: the new text is still unread.
    """
    rows = {
        row.id: row
        for row in ctx.session.scalars(
            sa.select(Message).where(Message.id.in_([message_id for message_id, _, _ in readings]))
        )
    }
    items = {
        item.id: item
        for item in ctx.session.scalars(
            sa.select(Item).where(Item.id.in_({r.item_id for r in rows.values() if r.item_id}))
        )
    }
    # What somebody reported stays, whatever the words are read as later.
    ctx.session.execute(sa.delete(Signal).where(Signal.message_id.in_(list(rows)), Signal.kind != "reported"))
    signals: list[dict[str, Any]] = []
    for message_id, text, reading in readings:
        row = rows.get(message_id)
        if row is None or row.read_v is not None or row.body != text:
            continue
        level, cues = _with_report(row, reading)
        row.level, row.read_v, row.lang = level, RULES, row.lang or reading.lang or None
        signals += [_signal(message_id, cue) for cue in cues]
        if row.item_id in items:
            _raise(ctx, items[row.item_id], row, level)
        if row.kind == Kind.REPORT and row.subject_ext:
            signals += _reported(ctx, row)
    if signals:
        ctx.session.execute(sa.insert(Signal), signals)


def _signal(message_id: int, cue: Cue) -> dict[str, Any]:
    return {
        "message_id": message_id,
        "start": cue.start,
        "end": cue.end,
        "kind": cue.kind,
        "level": cue.level,
        "why": cue.why,
        "lang": cue.lang,
    }


def _with_report(row: Message, reading: Reading) -> tuple[Level, tuple[Cue, ...]]:
    """A report is at least amber, whatever its words: somebody asked for help with something."""
    if row.kind != Kind.REPORT:
        return reading.level, reading.cues
    cue = Cue(0, 0, "report", Level.AMBER, f"reported: {row.reason or 'other'}", reading.lang)
    return min(reading.level, Level.AMBER), (*reading.cues, cue)


def _reported(ctx: Ctx, report: Message) -> list[dict[str, Any]]:
    """A report raises what it is about to amber, and says why there."""
    subject = ctx.session.scalars(
        sa.select(Message).where(
            Message.account_id == report.account_id, Message.external_id == report.subject_ext
        )
    ).first()
    if subject is None or subject.ours or subject.item_id is None or subject.gone_at is not None:
        return []
    item = ctx.session.get_one(Item, subject.item_id)
    if subject.id > item.lowered_through:
        if item.level > Level.AMBER:
            item.level, item.top_message_id = Level.AMBER, subject.id
        clocks.settle(item, ctx.now)
    why = f"reported: {report.reason or 'other'}"
    return [_signal(subject.id, Cue(0, 0, "reported", Level.AMBER, why, ""))]


def _raise(ctx: Ctx, item: Item, row: Message, level: Level) -> None:
    item.pending = max(0, item.pending - 1)
    if row.id > item.lowered_through:
        if level < item.level or (level == item.level and item.top_message_id is None):
            item.top_message_id = row.id
        item.level = min(item.level, level)
        if item.status is Status.EARLIER and level <= Level.RED and not _answered_later(ctx, row):
            # Nobody in danger stays below the fold because the message is old.
            item.status = Status.OPEN
            item.new_messages = max(1, item.new_messages)
    clocks.settle(item, ctx.now)


def _answered_later(ctx: Ctx, row: Message) -> bool:
    """Whether somebody of ours wrote in the conversation after a message."""
    later = sa.select(Message.id).where(
        Message.thread_id == row.thread_id, Message.ours.is_(True), Message.created_at >= row.created_at
    )
    return ctx.session.scalar(later.limit(1)) is not None


def age(ctx: Ctx) -> int:
    """Let waiting change the order, and wake what was snoozed until now; answer how many moved."""
    clock = clocks.FIRST_LOOK[Level.AMBER], clocks.FIRST_REPLY[Level.AMBER]
    candidates = ctx.session.scalars(
        sa.select(Item).where(
            Item.status == Status.OPEN,
            Item.rank == int(Level.AMBER),
            Item.due_at <= ctx.now - 0.5 * min(clock),
        )
    ).all()
    for item in candidates:
        clocks.settle(item, ctx.now)
    woken = ctx.session.scalars(
        sa.select(Item).where(Item.status == Status.SNOOZED, Item.snoozed_until <= ctx.now)
    ).all()
    for item in woken:
        item.status, item.snoozed_until = Status.OPEN, None
        clocks.settle(item, ctx.now)
    return len(woken) + sum(item.rank == int(Level.RED) for item in candidates)


# ------------------------------------------------------------------ queues


def _in(name: Queue, who: str | sa.BindParameter[str]) -> sa.ColumnElement[bool]:
    if name in _LEVELS:
        return sa.and_(Item.status == Status.OPEN, Item.level == _LEVELS[name])
    if name is Queue.MINE:
        return sa.and_(Item.status == Status.OPEN, Item.assignee != _NOBODY, Item.assignee == who)
    if name is Queue.ESCALATED:
        # The plus keeps SQLite from the index over all open items: few are escalated.
        status = sa.type_coerce(sa.literal_column("+item.status"), Item.status.type)
        return sa.and_(status == Status.OPEN, Item.escalated_to != _NOBODY)
    return Item.status == Status(name.value)


def _page(ctx: Ctx, name: Queue, after: QueueKey | None, limit: int, words: str) -> sa.Select[int]:
    chosen = sa.select(Item.id).where(_in(name, ctx.who))
    if after is not None:
        chosen = chosen.where(
            sa.tuple_(Item.rank, Item.due_at, Item.id)
            > sa.tuple_(
                sa.literal(after.rank),
                sa.literal(after.due_at, type_=Item.due_at.type),
                sa.literal(after.item_id),
            )
        )
    if words.strip():
        like = f"%{words.strip()}%"
        chosen = chosen.where(
            sa.or_(
                Item.thread_id.in_(sa.select(Thread.id).where(Thread.title.like(like))),
                Item.person_id.in_(
                    sa.select(Person.id).where(sa.or_(Person.name.like(like), Person.handle.like(like)))
                ),
                Item.top_message_id.in_(sa.select(Message.id).where(Message.body.like(like))),
            )
        )
    return chosen.order_by(Item.rank, Item.due_at, Item.id).limit(limit)


def queue(
    ctx: Ctx, name: Queue, after: QueueKey | None = None, limit: int = 100, words: str = ""
) -> list[QueueRow]:
    """One page of a queue in its order, beginning after a row; `words` narrows it."""
    ids = ctx.session.scalars(_page(ctx, name, after, limit, words)).all()
    return rows(ctx, ids)


def rows(ctx: Ctx, ids: Sequence[int]) -> list[QueueRow]:
    """The cards of the given items, in the given order."""
    if not ids:
        return []
    found = ctx.session.execute(_CARDS, {"ids": ids, "who": ctx.who}).all()
    reasons = cues(ctx, [row.message_id for row in found if row.message_id is not None])
    cards = {row.id: _card(row, reasons.get(row.message_id, ()), ctx.now) for row in found}
    return [cards[item_id] for item_id in ids if item_id in cards]


def _cards() -> sa.Select[*tuple[Any, ...]]:
    """All that cards show, as plain columns: making objects of whole rows cost more than reading them."""
    first_cue = (
        sa.select(sa.func.min(Signal.start))
        .where(Signal.message_id == Message.id, Signal.level == Message.level, Signal.end > 0)
        .correlate(Message)
        .scalar_subquery()
    )
    begin = sa.func.max(sa.func.coalesce(first_cue, 0) - 60, 0)
    drafted = (
        sa.select(Draft.id)
        .where(Draft.item_id == Item.id, Draft.who == sa.bindparam("who"))
        .correlate(Item)
        .exists()
    )
    return (
        sa.select(
            Item.id,
            Item.level,
            Item.rank,
            Item.pending,
            Item.new_messages,
            Item.waiting_since,
            Item.due_at,
            Item.status,
            Item.assignee,
            Item.escalated_to,
            Item.acknowledged_at,
            Item.snoozed_until,
            Item.seen_at,
            Thread.title,
            Thread.channel,
            Person.name,
            Person.handle,
            Account.platform,
            Account.checking_since,
            Message.fetched_at,
            Message.id.label("message_id"),
            Message.kind,
            Message.audience,
            Message.lang,
            begin.label("begin"),
            sa.func.substr(Message.body, begin + 1, _EXCERPT).label("excerpt"),
            drafted.label("drafted"),
        )
        .join(Thread, Thread.id == Item.thread_id)
        .join(Person, Person.id == Item.person_id)
        .join(Account, Account.id == Item.account_id)
        .outerjoin(Message, Message.id == Item.top_message_id)
        .where(Item.id.in_(sa.bindparam("ids", expanding=True)))
    )


# Put together once: SQLAlchemy takes longer to build and recognise it than SQLite to answer it.
_CARDS: Final = _cards()
_CUES: Final = (
    sa.select(Signal.message_id, Signal.start, Signal.end, Signal.kind, Signal.level, Signal.why, Signal.lang)
    .where(Signal.message_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(Signal.level, Signal.start)
)


def cues(ctx: Ctx, message_ids: Sequence[int]) -> dict[int, tuple[Cue, ...]]:
    """Why each message has its level, the worst reason first."""
    found: dict[int, list[Cue]] = {}
    rows = ctx.session.execute(_CUES, {"ids": message_ids})
    for message_id, start, end, kind, level, why, lang in rows:
        found.setdefault(message_id, []).append(Cue(start, end, kind, level, why, lang))
    return {key: tuple(reasons) for key, reasons in found.items()}


def _card(row: Any, reasons: tuple[Cue, ...], now: datetime) -> QueueRow:
    withheld = duties.withheld(row.platform, row.checking_since, row.fetched_at, now)
    excerpt, begin = _from_a_word("" if withheld else row.excerpt or "", row.begin)
    spans = tuple(
        Span(max(cue.start - begin, 0), min(cue.end - begin, len(excerpt)))
        for cue in reasons
        if cue.end > begin and cue.start - begin < len(excerpt) and cue.end > cue.start
    )
    return QueueRow(
        item_id=row.id,
        level=row.level,
        rank=row.rank,
        pending=row.pending > 0,
        title="" if withheld else row.title,
        excerpt=excerpt,
        excerpt_cues=spans,
        reasons=reasons,
        person=row.name or row.handle,
        handle=row.handle,
        channel=row.channel,
        platform=row.platform,
        kind=Kind(row.kind or Kind.COMMENT),
        audience=Audience(row.audience or Audience.PUBLIC),
        lang=row.lang or "",
        new_messages=row.new_messages,
        waiting_since=row.waiting_since,
        due_at=row.due_at,
        status=row.status,
        assignee=row.assignee,
        escalated_to=row.escalated_to,
        acknowledged=row.acknowledged_at is not None,
        snoozed_until=row.snoozed_until,
        seen=row.seen_at is not None,
        has_draft=bool(row.drafted),
        withheld=withheld,
    )


def _from_a_word(excerpt: str, begin: int) -> tuple[str, int]:
    """Begin an excerpt at a word, with a mark that something stands before it."""
    space = excerpt.find(" ", 0, _LONGEST_CUT)
    if not begin or space < 0:
        return excerpt, begin
    # The mark takes the place of the space, so that the spans keep their distance.
    return "…" + excerpt[space + 1 :], begin + space


_MINE: Final = sa.select(sa.func.count(Item.id)).where(_in(Queue.MINE, sa.bindparam("who")))
_ESCALATED: Final = sa.select(sa.func.count(Item.id)).where(_in(Queue.ESCALATED, ""))
# One statement, put together once: badges are read after every change.
_COUNTS: Final = sa.select(
    ItemCount.status,
    ItemCount.level,
    ItemCount.n,
    _MINE.scalar_subquery().label("mine"),
    _ESCALATED.scalar_subquery().label("escalated"),
)


def counts(ctx: Ctx) -> dict[Queue, int]:
    """The badge of every queue."""
    found = dict.fromkeys(Queue, 0)
    for status, level, n, mine, escalated in ctx.session.execute(_COUNTS, {"who": ctx.who}):
        found[Queue(status.value)] += n
        if status is Status.OPEN:
            found[Queue(level.word)] += n
        found[Queue.MINE], found[Queue.ESCALATED] = mine, escalated
    return found


# ------------------------------------------------------------------ a moderator's hand


def get(ctx: Ctx, item_id: int) -> Item:
    """The item, or a sentence where it is gone."""
    item = ctx.session.get(Item, item_id)
    if item is None:
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "This conversation is no longer here."),
            QT_TRANSLATE_NOOP("Error", "It was erased; choose another one."),
        )
    return item


def take_next(ctx: Ctx) -> int | None:
    """Give me the most urgent item that nobody has; None where there is none (R2)."""
    item = ctx.session.scalars(
        sa.select(Item)
        .where(Item.status == Status.OPEN, Item.assignee == "")
        .order_by(Item.rank, Item.due_at, Item.id)
        .limit(1)
    ).first()
    if item is None:
        return None
    assign(ctx, item.id, ctx.who)
    return item.id


def seen(ctx: Ctx, item_id: int) -> None:
    """A person has looked: from now on the reply clock runs."""
    item = get(ctx, item_id)
    if item.seen_at is None:
        item.seen_at = ctx.now
        clocks.settle(item, ctx.now)
        audit.write(ctx, "seen", f"item:{item_id}")


def assign(ctx: Ctx, item_id: int, who: str) -> Recorded:
    """Give an item to somebody; an empty name gives it back to everybody."""
    item = get(ctx, item_id)
    changed = actions.change(item, assignee=who)
    return actions.record(ctx, ActionKind.ASSIGN, item, detail={"to": who}, changed=changed)


def snooze(ctx: Ctx, item_id: int, until: datetime) -> Recorded:
    """Put an item away until a moment; a new message brings it back sooner."""
    item = get(ctx, item_id)
    if until <= ctx.now:
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "That moment has passed."),
            QT_TRANSLATE_NOOP("Error", "Choose a later one."),
        )
    changed = actions.change(item, status=Status.SNOOZED, snoozed_until=until)
    detail = {"until": until.isoformat()}
    return actions.record(ctx, ActionKind.SNOOZE, item, detail=detail, changed=changed)


def close(ctx: Ctx, item_id: int, outcome: Outcome, note: str = "") -> Recorded:
    """End an item with its outcome (R14); its messages stay."""
    item = get(ctx, item_id)
    changed = actions.change(
        item,
        status=Status.CLOSED,
        outcome=outcome.value,
        snoozed_until=None,
        new_messages=0,
        lowered_through=_newest(ctx, item),
    )
    detail = {"outcome": outcome.value, "note": note.strip()}
    return actions.record(ctx, ActionKind.CLOSE, item, detail=detail, changed=changed)


def _newest(ctx: Ctx, item: Item) -> int:
    """The last message of an item that a person can have seen."""
    return ctx.session.scalar(sa.select(sa.func.max(Message.id)).where(Message.item_id == item.id)) or 0


def reopen(ctx: Ctx, item_id: int) -> Recorded:
    """Bring an item back into the open queue."""
    item = get(ctx, item_id)
    changed = actions.change(item, status=Status.OPEN, outcome="", snoozed_until=None)
    clocks.settle(item, ctx.now)
    return actions.record(ctx, ActionKind.REOPEN, item, changed=changed)


def set_level(ctx: Ctx, item_id: int, level: Level, reason: str = "") -> Recorded:
    """A person's word on the level. Lowering from crisis or red needs a reason (R6)."""
    item = get(ctx, item_id)
    lowering = level > item.level
    if lowering and item.level <= Level.RED and len(reason.strip()) < LEAST_REASON:
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "Lowering a crisis or a red needs a reason."),
            QT_TRANSLATE_NOOP("Error", "Say in at least {least} characters why it is safe."),
            least=LEAST_REASON,
        )
    detail = {"from": item.level.word, "to": level.word, "reason": reason.strip()}
    columns: dict[str, Any] = {"level": level}
    if lowering:
        columns["lowered_through"] = _newest(ctx, item)
    changed = actions.change(item, **columns)
    clocks.settle(item, ctx.now)
    return actions.record(ctx, ActionKind.LEVEL, item, detail=detail, changed=changed)
