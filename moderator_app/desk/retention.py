"""How long words are kept (R60): rules, the moment when each item's words go, and letting them go.

The strictest of the platform's limit and the organisation's rule wins. The rule never touches what is still
open: that is counted and shown. A platform's limit runs from when it last confirmed a message (desk.sweep
asks again in time), and empties what it did not confirm, whoever is at work on it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from moderator_app.desk import audit, clocks, duties, gone
from moderator_app.desk.desk import Ctx, Desk
from moderator_app.desk.rows import Forgets
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.models.base import Level, Status
from moderator_app.models.care import Action, Note
from moderator_app.models.inbox import Account, Item, Message, Thread
from moderator_app.models.privacy import HeldItem, Request, RequestState, RetentionRule

DEFAULT_DAYS: Final = 30
LONGEST_DAYS: Final = 730
# Notes and reasons are our own words, the record of the care that was given: as long as the audit (R71).
RECORD: Final = timedelta(days=730)
_BATCH: Final = 100  # messages in one transaction: about a third of a second of the write lock
_ITEMS: Final = 20
_OVER: Final = (Status.ANSWERED, Status.CLOSED, Status.EARLIER)
_HOLDS: Final = (RequestState.ASKED, RequestState.HOLDING)


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One line of the table: what is kept of a platform at a level, and what is due.

    `days` is what holds after the platform's limit; `chosen` what the organisation said (None: default).
    """

    platform: str
    level: Level
    days: int
    chosen: int | None
    limit_hours: int | None
    kept: int
    due_soon: int  # within a week
    due_open: int  # over the time, and still open
    held: int
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Due:
    """One item whose words go soon."""

    item_id: int
    platform: str
    level: Level
    at: datetime


@dataclass(frozen=True, slots=True)
class Forgot:
    """What a run let go, and what it had to leave."""

    items: int = 0
    messages: int = 0
    unconfirmed: int = 0
    records: int = 0
    due_open: int = 0
    held: int = 0


def held(ctx: Ctx) -> sa.ColumnElement[bool]:
    """The condition that an item is kept by a hold that stands, also while it waits for its second person."""
    standing = (
        sa.select(HeldItem.item_id)
        .join(Request, Request.id == HeldItem.request_id)
        .where(HeldItem.item_id == Item.id, Request.state.in_(_HOLDS), Request.ends_at > ctx.now)
        .correlate(Item)
    )
    return standing.exists()


def _finished() -> sa.ColumnElement[bool]:
    """The condition that nobody is at work on an item any more."""
    passed_on = sa.and_(Item.escalated_to != "", Item.status != Status.CLOSED)
    return sa.and_(Item.status.in_(_OVER), sa.not_(passed_on))


def days_for(ctx: Ctx, platform: str, level: Level) -> int:
    """The organisation's days, never more than the platform allows."""
    row = ctx.session.get(RetentionRule, (platform, level))
    days = row.days if row else DEFAULT_DAYS
    ends = duties.of(platform).ends
    # A limit of less than a day is kept by asking again, not by this rule.
    return min(days, ends.days) if ends is not None and ends.days >= DEFAULT_DAYS else days


def set_days(ctx: Ctx, platform: str, level: Level, days: int) -> None:
    """Change a rule; what is over the new time goes with the next run."""
    if not 1 <= days <= LONGEST_DAYS:
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "Words can be kept for 1 to {most} days."), most=LONGEST_DAYS
        )
    before = days_for(ctx, platform, level)
    row = ctx.session.get(RetentionRule, (platform, level))
    if row is None:
        ctx.session.add(RetentionRule(platform=platform, level=level, days=days))
    else:
        row.days = days
    ctx.session.flush()
    now = days_for(ctx, platform, level)
    audit.write(ctx, "retention", platform, level=level.word, before=before, after=now)


def due(ctx: Ctx, item_id: int) -> Forgets | None:
    """When the words of an item go, and why; None where none are left."""
    found = ctx.session.execute(
        sa.select(Item, Account.platform, held(ctx), _finished())
        .join(Account, Account.id == Item.account_id)
        .where(Item.id == item_id)
    ).first()
    if found is None:
        return None
    item, platform, is_held, finished = found
    if item.words_since is None:
        return None
    days = days_for(ctx, platform, item.level)
    at = item.words_since + timedelta(days=days)
    if is_held:
        return Forgets(_held_until(ctx, item_id) or at, "held", days)
    limit = duties.of(platform).ends
    if limit is not None:
        oldest = ctx.session.scalar(
            sa.select(sa.func.min(Message.fetched_at, type_=Message.fetched_at.type)).where(
                Message.item_id == item_id, Message.gone_at.is_(None)
            )
        )
        if oldest is not None and (not finished or oldest + limit < at):
            return Forgets(oldest + limit, "platform", days)
    return Forgets(at, "rule" if finished else "open", days)


def _held_until(ctx: Ctx, item_id: int) -> datetime | None:
    found: datetime | None = ctx.session.scalar(
        sa.select(sa.func.max(Request.ends_at, type_=Item.last_at.type))
        .join(HeldItem, HeldItem.request_id == Request.id)
        .where(HeldItem.item_id == item_id, Request.state.in_(_HOLDS))
    )
    return found


# ------------------------------------------------------------------ for the screen


def table(ctx: Ctx) -> list[RuleRow]:
    """What is kept and what is due, for each platform that is connected and each level."""
    platforms = ctx.session.scalars(sa.select(Account.platform).distinct().order_by(Account.platform)).all()
    return [_rule_row(ctx, platform, level) for platform in platforms for level in Level]


def _rule_row(ctx: Ctx, platform: str, level: Level) -> RuleRow:
    days = days_for(ctx, platform, level)
    over = ctx.now - timedelta(days=days)
    soon = over + timedelta(days=7)
    open_, kept_back = sa.not_(_finished()), held(ctx)
    free = sa.not_(sa.or_(open_, kept_back))

    def many(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.cast(condition, sa.Integer)), 0)

    since = sa.func.min(sa.case((free, Item.words_since)), type_=Item.last_at.type)
    row = ctx.session.execute(
        sa.select(
            sa.func.count(),
            many(sa.and_(free, Item.words_since <= soon)),
            many(sa.and_(open_, sa.not_(kept_back), Item.words_since <= over)),
            many(kept_back),
            since,
        )
        .join(Account, Account.id == Item.account_id)
        .where(Account.platform == platform, Item.level == level, Item.words_since.is_not(None))
    ).one()
    rule = ctx.session.get(RetentionRule, (platform, level))
    ends = duties.of(platform).ends
    return RuleRow(
        platform=platform,
        level=level,
        days=days,
        chosen=rule.days if rule else None,
        limit_hours=int(ends.total_seconds() // 3600) if ends else None,
        kept=row[0],
        due_soon=row[1],
        due_open=row[2],
        held=row[3],
        next_at=row[4] + timedelta(days=days) if row[4] else None,
    )


def nearest(ctx: Ctx, limit: int = 50) -> list[Due]:
    """The items whose words go next by the rules, nearest first."""
    found: list[Due] = []
    platforms = ctx.session.scalars(sa.select(Account.platform).distinct()).all()
    for platform, level in ((platform, level) for platform in platforms for level in Level):
        days = timedelta(days=days_for(ctx, platform, level))
        rows = ctx.session.execute(
            sa.select(Item.id, Item.words_since)
            .join(Account, Account.id == Item.account_id)
            .where(_finished(), sa.not_(held(ctx)), Item.words_since.is_not(None))
            .where(Account.platform == platform, Item.level == level)
            .order_by(Item.words_since)
            .limit(limit)
        )
        found += [Due(key, platform, level, since + days) for key, since in rows if since is not None]
    return sorted(found, key=lambda one: one.at)[:limit]


# ------------------------------------------------------------------ letting go


def run(
    desk: Desk,
    progress: Callable[[int, int], None] = lambda *_: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Forgot:
    """Let go of all that is over its time, in small steps; what was forgotten is then gone from the file."""
    items = messages = unconfirmed = records = 0
    waiting = desk.ask(_over)
    total = len(waiting)
    while waiting and not cancelled():
        went, words, unfinished = desk.do(_expire, waiting[:_ITEMS])
        waiting = unfinished + waiting[_ITEMS:]
        items, messages = items + went, messages + words
        progress(total - len(waiting), total)
    while not cancelled() and (count := desk.do(_unconfirmed)):
        unconfirmed += count
    while not cancelled() and (count := desk.do(_old_records)):
        records += count
    lines = desk.do(_old_lines)
    if items or unconfirmed or records or lines:
        desk.store.checkpoint()
        desk.do(_tell, items, messages, unconfirmed, records)
    due_open, kept = desk.ask(_left)
    return Forgot(items, messages, unconfirmed, records, due_open, kept)


def _old_lines(ctx: Ctx) -> int:
    return audit.cut(ctx, ctx.now - RECORD)


def _tell(ctx: Ctx, items: int, messages: int, unconfirmed: int, records: int) -> None:
    audit.write(ctx, "forgot", items=items, messages=messages, unconfirmed=unconfirmed, records=records)


def _left(ctx: Ctx) -> tuple[int, int]:
    rows = table(ctx)
    return sum(row.due_open for row in rows), sum(row.held for row in rows)


def _over(ctx: Ctx) -> list[int]:
    """The items whose words are over their time, the oldest first."""
    found: list[tuple[datetime, int]] = []
    platforms = ctx.session.scalars(sa.select(Account.platform).distinct()).all()
    for platform, level in ((platform, level) for platform in platforms for level in Level):
        over = ctx.now - timedelta(days=days_for(ctx, platform, level))
        rows = ctx.session.execute(
            sa.select(Item.words_since, Item.id)
            .join(Account, Account.id == Item.account_id)
            .where(_finished(), sa.not_(held(ctx)), Item.words_since <= over)
            .where(Account.platform == platform, Item.level == level)
        )
        found += [(since, key) for since, key in rows if since is not None]
    return [key for _, key in sorted(found)]


def _expire(ctx: Ctx, item_ids: list[int]) -> tuple[int, int, list[int]]:
    """Empty some items, about a batch of messages; answers which of them are not finished yet."""
    # Looked at again: somebody may have opened one since the list was made.
    chosen = sa.select(Item).where(
        Item.id.in_(item_ids), _finished(), sa.not_(held(ctx)), Item.words_since.is_not(None)
    )
    went = words = 0
    unfinished: list[int] = []
    for item in ctx.session.scalars(chosen.order_by(Item.words_since)).all():
        if words >= _BATCH:
            unfinished.append(item.id)
            continue
        rows = ctx.session.scalars(
            sa.select(Message).where(Message.item_id == item.id, Message.gone_at.is_(None)).limit(_BATCH)
        ).all()
        _let_go(ctx, rows)
        words += len(rows)
        if len(rows) == _BATCH:
            unfinished.append(item.id)
            continue
        item.words_since, item.pending, item.new_messages = None, 0, 0
        gone.drop_drafts(ctx, [item.id])
        words += _close_thread(ctx, item.thread_id)
        went += 1
    return went, words, unfinished


def _let_go(ctx: Ctx, rows: Any) -> None:
    for row in rows:
        if row.read_v is None:
            row.read_v = 0  # there is nothing left to read
    gone.empty(ctx, rows, gone.EXPIRED)


def _close_thread(ctx: Ctx, thread_id: int) -> int:
    """Where nobody's words are left in a conversation, our answers to them and its title go, too."""
    ctx.session.flush()
    left = sa.select(Message.id).where(
        Message.thread_id == thread_id, Message.gone_at.is_(None), Message.ours.is_(False)
    )
    if ctx.session.scalar(left.limit(1)) is not None:
        return 0
    ours = ctx.session.scalars(
        sa.select(Message).where(
            Message.thread_id == thread_id, Message.gone_at.is_(None), Message.ours.is_(True)
        )
    ).all()
    gone.empty(ctx, ours, gone.EXPIRED)
    gone.untitle(ctx.session.get_one(Thread, thread_id))
    return len(ours)


def _unconfirmed(ctx: Ctx) -> int:
    """Empty what a platform's limit no longer lets us keep unasked. Its item stays in the work it is in."""
    count = 0
    accounts = ctx.session.scalars(sa.select(Account).where(Account.platform.in_(duties.DUTIES))).all()
    for account in accounts:
        ends = duties.of(account.platform).ends
        if ends is None:
            continue
        rows = ctx.session.scalars(
            sa.select(Message)
            .join(Item, Item.id == Message.item_id)
            .where(Message.account_id == account.id, Message.gone_at.is_(None))
            .where(Message.fetched_at <= ctx.now - ends, sa.not_(held(ctx)))
            .limit(_BATCH)
        ).all()
        items = {row.item_id for row in rows if row.read_v is None}
        for item in ctx.session.scalars(sa.select(Item).where(Item.id.in_(items))):
            item.pending = max(0, item.pending - sum(r.read_v is None for r in rows if r.item_id == item.id))
            clocks.settle(item, ctx.now)
        for row in rows:
            row.read_v = row.read_v or 0
        gone.empty(ctx, rows, gone.UNCONFIRMED)
        count += len(rows)
    return count


def _old_records(ctx: Ctx) -> int:
    """Let go of our own notes and reasons when the record's time is over."""
    over = ctx.now - RECORD
    notes = ctx.session.scalars(
        sa.select(Note)
        .join(Item, Item.id == Note.item_id)
        .where(Note.at <= over, _finished(), sa.not_(held(ctx)), Note.text != "")
        .limit(_BATCH)
    ).all()
    for note in notes:
        note.text, note.forgotten_at = "", note.forgotten_at or ctx.now
    worded = sa.or_(*(Action.detail.like(f'%"{name}": "_%') for name in ("text", "reason", "note")))
    actions = ctx.session.scalars(
        sa.select(Action)
        .outerjoin(Item, Item.id == Action.item_id)
        .where(Action.at <= over, worded, Action.detail.not_like('%"erased"%'))
        .where(sa.or_(Item.id.is_(None), sa.and_(_finished(), sa.not_(held(ctx)))))
        .limit(_BATCH)
    ).all()
    for action in actions:
        gone.hush(action)
    return len(notes) + len(actions)
