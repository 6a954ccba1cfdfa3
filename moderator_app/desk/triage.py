"""Queues and their order, and what a moderator does with an item: take, assign, snooze, close, re-level.

Software raises a level (`desk.reading`) and people lower it: `set_level` is a person's.
"""

import functools
import json
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from connectors.contract import Kind
from moderator_app.desk import actions, audit, clocks, duties
from moderator_app.desk.desk import Ctx
from moderator_app.desk.rows import (
    Audience,
    Cue,
    Heard,
    Outcome,
    Queue,
    QueueKey,
    QueueRow,
    Recorded,
    Span,
)
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.models.base import maybe_moment, millis, moment
from moderator_app.models.care import Draft
from moderator_app.models.inbox import Account, Item, ItemCount, Message, Person, Signal, Thread
from moderator_app.models.session import Plain, given, given_ids, table
from moderator_app.models.terms import HEARD, ActionKind, Level, Status

LEAST_REASON: Final = 20  # characters, R6
_EXCERPT: Final = 280
_BEGINNING: Final = 4000  # characters of a message in which the excerpt is cut; few begin it later
_BEFORE: Final = 60  # characters shown before the first reason
_LONGEST_CUT: Final = 30  # of a word that the excerpt would begin in
_ITEM, _THREAD, _PERSON, _ACCOUNT = table(Item), table(Thread), table(Person), table(Account)
_MESSAGE, _SIGNAL, _DRAFT = table(Message), table(Signal), table(Draft)
_LEVELS: Final = {
    Queue.CRISIS: Level.CRISIS,
    Queue.RED: Level.RED,
    Queue.AMBER: Level.AMBER,
    Queue.GREEN: Level.GREEN,
}


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


_INDEX: Final = {Queue.MINE: "ix_item_mine", Queue.ESCALATED: "ix_item_escalated"} | dict.fromkeys(
    _LEVELS, "ix_item_level"
)


def _in(name: Queue) -> sa.ColumnElement[bool]:
    if name in _LEVELS:
        return sa.and_(_ITEM.c.status == Status.OPEN, _ITEM.c.level == _LEVELS[name])
    if name is Queue.MINE:
        return sa.and_(
            _ITEM.c.status == Status.OPEN, _ITEM.c.assignee != "", _ITEM.c.assignee == given("who")
        )
    if name is Queue.ESCALATED:
        return sa.and_(_ITEM.c.status == Status.OPEN, _ITEM.c.escalated_to != "")
    return _ITEM.c.status == Status(name.value)


def _indexed(name: Queue) -> str:
    """Each queue has the index that is its order; SQLite refuses the statement where it cannot use it."""
    return f"INDEXED BY {_INDEX.get(name, 'ix_item_status')}"


@functools.cache
def _page(name: Queue, *, later: bool, narrowed: bool, heard: Heard | None = None) -> Plain:
    """The cards of one page of a queue; `later` begins after a row, `narrowed` holds words."""
    chosen = _CARDS.where(_in(name)).with_hint(_ITEM, _indexed(name), "sqlite")
    if later:
        place = sa.tuple_(given("rank"), given("due_at"), given("id"))
        chosen = chosen.where(sa.tuple_(_ITEM.c.rank, _ITEM.c.due_at, _ITEM.c.id) > place)
    if heard is not None:
        kinds = ", ".join(f"'{kind}'" for kind in heard.kinds)
        signals = sa.text(
            # The first condition is the index's own, without which SQLite would not use it.
            f"item.id IN (SELECT message.item_id FROM signal JOIN message ON message.id = signal.message_id"  # noqa: S608 - our own words
            f" WHERE signal.{HEARD} AND signal.kind IN ({kinds}))"
        )
        chosen = chosen.where(signals)
    if narrowed:
        held = (_THREAD.c.title, _PERSON.c.name, _PERSON.c.handle, _MESSAGE.c.body)
        chosen = chosen.where(sa.or_(*(column.like(given("like")) for column in held)))
    return Plain(chosen.order_by(_ITEM.c.rank, _ITEM.c.due_at, _ITEM.c.id).limit(given("limit")))


def queue(
    ctx: Ctx,
    name: Queue,
    after: QueueKey | None = None,
    limit: int = 100,
    words: str = "",
    heard: Heard | None = None,
) -> list[QueueRow]:
    """One page of a queue in its order, beginning after a row; `words` and what was `heard` narrow it."""
    values: dict[str, Any] = {"who": ctx.who, "limit": limit}
    if after is not None:
        values |= {"rank": after.rank, "due_at": millis(after.due_at), "id": after.item_id}
    if words.strip():
        values["like"] = f"%{words.strip()}%"
    page = _page(name, later=after is not None, narrowed="like" in values, heard=heard)
    return _cards_of(ctx, page.rows(ctx.session, values))


def rows(ctx: Ctx, ids: Sequence[int]) -> list[QueueRow]:
    """The cards of the given items, in the given order."""
    if not ids:
        return []
    found = _BY_ID.rows(ctx.session, {"ids": json.dumps(list(ids)), "who": ctx.who})
    cards = {card.item_id: card for card in _cards_of(ctx, found)}
    return [cards[item_id] for item_id in ids if item_id in cards]


def _cards() -> sa.Select[*tuple[Any, ...]]:
    """All that cards show, in the order in which `_card` takes it.

    Outer joins keep SQLite from beginning at anything but the items, in the order of their index.
    """
    return (
        sa.select(
            _MESSAGE.c.id,
            _MESSAGE.c.level,
            sa.func.substr(_MESSAGE.c.body, 1, _BEGINNING),
            _ITEM.c.id,
            _ITEM.c.level,
            _ITEM.c.rank,
            _ITEM.c.pending,
            _THREAD.c.title,
            _PERSON.c.name,
            _PERSON.c.handle,
            _THREAD.c.channel,
            _ACCOUNT.c.platform,
            _MESSAGE.c.kind,
            _MESSAGE.c.audience,
            _MESSAGE.c.lang,
            _ITEM.c.new_messages,
            _ITEM.c.waiting_since,
            _ITEM.c.due_at,
            _ITEM.c.status,
            _ITEM.c.assignee,
            _ITEM.c.escalated_to,
            _ITEM.c.acknowledged_at,
            _ITEM.c.snoozed_until,
            _ITEM.c.seen_at,
            _ACCOUNT.c.checking_since,
            _MESSAGE.c.fetched_at,
        )
        .select_from(_ITEM)
        .outerjoin(_THREAD, _THREAD.c.id == _ITEM.c.thread_id)
        .outerjoin(_PERSON, _PERSON.c.id == _ITEM.c.person_id)
        .outerjoin(_ACCOUNT, _ACCOUNT.c.id == _ITEM.c.account_id)
        .outerjoin(_MESSAGE, _MESSAGE.c.id == _ITEM.c.top_message_id)
    )


_CARDS: Final = _cards()
_BY_ID: Final = Plain(_CARDS.where(_ITEM.c.id.in_(given_ids("ids"))))
_CUES: Final = Plain(
    sa.select(
        _SIGNAL.c.message_id,
        _SIGNAL.c.level,
        _SIGNAL.c.start,
        _SIGNAL.c.end,
        _SIGNAL.c.kind,
        _SIGNAL.c.why,
        _SIGNAL.c.lang,
    ).where(_SIGNAL.c.message_id.in_(given_ids("ids")))
)


def cues(ctx: Ctx, message_ids: Iterable[int]) -> dict[int, tuple[Cue, ...]]:
    """Why each message has its level, the worst reason first."""
    found: dict[int, list[Cue]] = {}
    rows = _CUES.rows(ctx.session, {"ids": json.dumps(list(message_ids))})
    for message_id, level, start, end, kind, why, lang in sorted(rows):
        found.setdefault(message_id, []).append(Cue(start, end, kind, _LEVEL_OF[level], why, lang))
    return {key: tuple(reasons) for key, reasons in found.items()}


def _cards_of(ctx: Ctx, found: Sequence[tuple[Any, ...]]) -> list[QueueRow]:
    reasons = cues(ctx, (row[0] for row in found if row[0] is not None))
    drafted = {item_id for (item_id,) in _DRAFTED.rows(ctx.session, {"who": ctx.who})}
    return [_card(ctx, reasons.get(row[0], ()), drafted, row) for row in found]


# Nobody writes so many replies at once that asking for all were more than asking for each card's.
_DRAFTED: Final = Plain(sa.select(_DRAFT.c.item_id).where(_DRAFT.c.who == given("who")))

_FAR: Final = Plain(
    sa.select(sa.func.substr(_MESSAGE.c.body, given("begin") + 1, _EXCERPT)).where(
        _MESSAGE.c.id == given("id")
    )
)


def _excerpt(
    ctx: Ctx, message_id: int | None, level: int | None, text: str | None, reasons: tuple[Cue, ...]
) -> tuple[str, tuple[Span, ...]]:
    """Part of a message around the first reason for its level, and where the reasons stand in it."""
    if not reasons:
        return (text or "")[:_EXCERPT], ()
    # The worst reason comes first, and of those the first in the text.
    begin = 0
    for cue in reasons:
        if cue.level == level and cue.end > 0:
            begin = max(cue.start - _BEFORE, 0)
            break
    cut = (text or "")[begin : begin + _EXCERPT]
    if begin + _EXCERPT > _BEGINNING:
        (cut,) = _FAR.first(ctx.session, {"id": message_id, "begin": begin}) or ("",)
    if begin:
        cut, begin = _from_a_word(cut, begin)
    size, spans = len(cut), []
    for cue in reasons:
        start, end = cue.start - begin, cue.end - begin
        if end > 0 and start < size and end > start:
            # min and max take a tenth of a whole page of the queue.
            begins = start if start > 0 else 0  # noqa: FURB136 - see above
            ends = end if end < size else size  # noqa: FURB136 - see above
            spans.append(Span(begins, ends))
    return cut, tuple(spans)


# Asked of a dictionary: an enum takes five times as long to find its member.
_LEVEL_OF: Final = {level.value: level for level in Level}
_STATUS_OF: Final = {status.value: status for status in Status}
_KIND_OF: Final = {None: Kind.COMMENT} | {kind.value: kind for kind in Kind}
_AUDIENCE_OF: Final = {None: Audience.PUBLIC} | {audience.value: audience for audience in Audience}


def _card(ctx: Ctx, reasons: tuple[Cue, ...], drafted: AbstractSet[int], row: tuple[Any, ...]) -> QueueRow:
    message_id, worst, text, item_id, level, rank, pending, title, name, handle, channel, platform = row[:12]
    kind, audience, lang, new, waiting, due, status, assignee, escalated, acknowledged = row[12:22]
    snoozed, seen, checking, confirmed = row[22:]
    withheld = ""
    if checking is not None or platform in duties.VEILED:
        withheld = duties.withheld(platform, maybe_moment(checking), maybe_moment(confirmed), ctx.now)
    if withheld:
        title, excerpt, spans = "", "", tuple[Span, ...]()
    else:
        excerpt, spans = _excerpt(ctx, message_id, worst, text, reasons)
    return QueueRow(
        item_id,
        _LEVEL_OF[level],
        rank,
        pending > 0,
        title,
        excerpt,
        spans,
        reasons,
        name or handle,
        handle,
        channel,
        platform,
        _KIND_OF[kind],
        _AUDIENCE_OF[audience],
        lang or "",
        new,
        moment(waiting),
        moment(due),
        _STATUS_OF[status],
        assignee,
        escalated,
        acknowledged is not None,
        maybe_moment(snoozed),
        seen is not None,
        item_id in drafted,
        withheld,
    )


def _from_a_word(excerpt: str, begin: int) -> tuple[str, int]:
    """Begin an excerpt at a word, with a mark that something stands before it."""
    space = excerpt.find(" ", 0, _LONGEST_CUT)
    if space < 0:
        return excerpt, begin
    # The mark takes the place of the space, so that the spans keep their distance.
    return "…" + excerpt[space + 1 :], begin + space


def _how_many(name: Queue) -> sa.ScalarSelect[int]:
    chosen = sa.select(sa.func.count()).select_from(_ITEM).where(_in(name))
    return chosen.with_hint(_ITEM, _indexed(name), "sqlite").scalar_subquery()


_COUNTS: Final = Plain(
    sa.select(
        ItemCount.status, ItemCount.level, ItemCount.n, _how_many(Queue.MINE), _how_many(Queue.ESCALATED)
    )
)


def counts(ctx: Ctx) -> dict[Queue, int]:
    """The badge of every queue."""
    found = dict.fromkeys(Queue, 0)
    for status, level, n, mine, escalated in _COUNTS.rows(ctx.session, {"who": ctx.who}):
        found[_QUEUE_OF[status]] += n
        if status == Status.OPEN.value:
            found[_LEVEL_QUEUE[level]] += n
        found[Queue.MINE], found[Queue.ESCALATED] = mine, escalated
    return found


_QUEUE_OF: Final = {status.value: Queue(status.value) for status in Status}
_LEVEL_QUEUE: Final = {level.value: name for name, level in _LEVELS.items()}


# ------------------------------------------------------------------ a moderator's hand


def get(ctx: Ctx, item_id: int) -> Item:
    """The item, or a sentence where it is gone."""
    item = ctx.session.get(Item, item_id)
    if item is None:
        raise gone()
    return item


def gone() -> ForTheModerator:
    """The sentence for an item that is not there."""
    return ForTheModerator(
        QT_TRANSLATE_NOOP("Error", "This conversation is no longer here."),
        QT_TRANSLATE_NOOP("Error", "It was erased; choose another one."),
    )


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


def misread(ctx: Ctx, message_id: int, kind: str, why: str, lang: str) -> Recorded:
    """A person's word that a cue does not mean here what triage took it for. It changes no level."""
    message = ctx.session.get(Message, message_id)
    if message is None or message.gone_at is not None or message.level is None:
        raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "That message is no longer there."))
    detail = {"cue": kind, "why": why, "lang": lang, "heard": message.level.word, "message": str(message.id)}
    item = ctx.session.get(Item, message.item_id) if message.item_id else None
    return actions.record(ctx, ActionKind.MISREAD, item, message, detail=detail)


def _newest(ctx: Ctx, item: Item) -> int:
    """The last message of an item that a person can have seen."""
    return ctx.session.scalar(sa.select(sa.func.max(Message.id)).where(Message.item_id == item.id)) or 0


def reopen(ctx: Ctx, item_id: int) -> Recorded:
    """Bring an item back into the open queue."""
    item = get(ctx, item_id)
    changed = actions.change(item, status=Status.OPEN, outcome="", snoozed_until=None)
    clocks.settle(item, ctx.now)
    return actions.record(ctx, ActionKind.REOPEN, item, changed=changed)


def set_level(
    ctx: Ctx, item_id: int, level: Level, reason: str = "", message_id: int | None = None
) -> Recorded:
    """A person's word on the level. Lowering from crisis or red needs a reason (R6).

    It is about `message_id`, else about the message that the card shows: triage is held against it later.
    """
    item = get(ctx, item_id)
    lowering = level > item.level
    if lowering and item.level <= Level.RED and len(reason.strip()) < LEAST_REASON:
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "Lowering a crisis or a red needs a reason."),
            QT_TRANSLATE_NOOP("Error", "Say in at least {least} characters why it is safe."),
            least=LEAST_REASON,
        )
    detail = {"from": item.level.word, "to": level.word, "reason": reason.strip()}
    about = ctx.session.get(Message, message_id or item.top_message_id or 0)
    if about is not None and about.level is not None:
        detail |= {"message": str(about.id), "heard": about.level.word}
    columns: dict[str, Any] = {"level": level}
    if lowering:
        columns["lowered_through"] = _newest(ctx, item)
    changed = actions.change(item, **columns)
    clocks.settle(item, ctx.now)
    return actions.record(ctx, ActionKind.LEVEL, item, detail=detail, changed=changed)
