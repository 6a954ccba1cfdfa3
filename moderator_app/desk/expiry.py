"""Letting go of words whose time is over, in small steps that a moderator's own decisions pass between.

The rule never touches what is still open: that is counted and shown. A platform's limit runs from when it
last confirmed a message (desk.sweep asks again in time), and empties what it did not confirm, whoever is at
work on it.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from moderator_app.desk import audit, clocks, duties, gone, retention
from moderator_app.desk.desk import Ctx, Desk
from moderator_app.models.care import Action, Note
from moderator_app.models.inbox import Account, Item, Message, Thread

# Notes and reasons are our own words, the record of the care that was given: as long as the audit (R71).
RECORD: Final = timedelta(days=730)
_BATCH: Final = 20  # messages in one transaction: some fifty milliseconds of the write lock
_ITEMS: Final = 20


@dataclass(frozen=True, slots=True)
class Forgot:
    """What a run let go, and what it had to leave."""

    items: int = 0
    messages: int = 0
    unconfirmed: int = 0
    records: int = 0
    due_open: int = 0
    held: int = 0


def run(
    desk: Desk,
    progress: Callable[[int, int], None] = lambda *_: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Forgot:
    """Let go of all that is over its time, in small steps; what was forgotten is then gone from the file."""
    items = messages = unconfirmed = records = 0
    waiting = deque(desk.ask(_over))
    total = len(waiting)
    while waiting and not cancelled():
        now = [waiting.popleft() for _ in range(min(_ITEMS, len(waiting)))]
        went, words, unfinished = desk.do(_expire, now, waiting[0][0] if waiting else None)
        waiting.extendleft(reversed(unfinished))
        items, messages = items + went, messages + words
        progress(total - len(waiting), total)
    old = desk.ask(_unconfirmed)
    for begin in range(0, len(old), _BATCH):
        if cancelled():
            break
        unconfirmed += desk.do(_let_unconfirmed_go, old[begin : begin + _BATCH])
        progress(begin, len(old))
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
    rows = retention.table(ctx)
    return sum(row.due_open for row in rows), sum(row.held for row in rows)


def _unheld(ctx: Ctx) -> sa.ColumnElement[bool]:
    return sa.not_(retention.held(ctx))


def _free(ctx: Ctx) -> sa.ColumnElement[bool]:
    """The condition that nobody is at work on an item and no hold keeps it."""
    return sa.and_(retention.finished(), _unheld(ctx))


def _over(ctx: Ctx) -> list[tuple[int, int]]:
    """The items whose words are over their time, each after its conversation, those of one together."""
    accounts, days = retention.limits(ctx)
    if not days:
        return []
    since = sa.type_coerce(Item.words_since, sa.Integer)
    chosen = (
        sa.select(Item.thread_id, Item.id)
        .where(Item.words_since <= ctx.now - timedelta(days=min(days.values())))
        .where(since <= retention.over_at(ctx, accounts, days), _free(ctx))
    )
    return sorted((thread, item) for thread, item in ctx.session.execute(chosen))


def _expire(
    ctx: Ctx, batch: Sequence[tuple[int, int]], more_of: int | None
) -> tuple[int, int, list[tuple[int, int]]]:
    """Empty some items, about a batch of messages; answers which of them are not finished yet.

    A conversation of which `more_of` follows is looked at when its last item went: it may be long.
    """
    # Looked at again: somebody may have opened one since the list was made.
    chosen = sa.select(Item).where(Item.id.in_([item for _, item in batch]), _free(ctx))
    going: list[int] = []
    emptied: list[Item] = []
    unfinished: list[Item] = []
    for item in ctx.session.scalars(chosen):
        if item.words_since is None:
            continue
        room = _BATCH - len(going)
        found = ctx.session.scalars(
            sa.select(Message.id).where(Message.item_id == item.id, Message.gone_at.is_(None)).limit(room + 1)
        ).all()
        going += found[:room]
        (unfinished if len(found) > room else emptied).append(item)
    _let_go(ctx, going, gone.EXPIRED)
    for item in emptied:
        item.words_since, item.pending, item.new_messages = None, 0, 0
    gone.drop_drafts(ctx, [item.id for item in emptied])
    over = {item.thread_id for item in emptied} - {item.thread_id for item in unfinished} - {more_of}
    answers = sum(_close_thread(ctx, thread_id) for thread_id in over)
    return len(emptied), len(going) + answers, sorted((item.thread_id, item.id) for item in unfinished)


def _let_go(ctx: Ctx, ids: Sequence[int], how: str) -> None:
    # There is nothing left to read.
    unread = sa.update(Message).where(Message.id.in_(ids), Message.read_v.is_(None))
    ctx.session.execute(unread.values(read_v=0))
    gone.empty(ctx, ids, how)


def _close_thread(ctx: Ctx, thread_id: int) -> int:
    """Where nobody's words are left in a conversation, our answers to them and its title go, too."""
    ctx.session.flush()
    left = sa.select(Message.id).where(
        Message.thread_id == thread_id, Message.gone_at.is_(None), Message.ours.is_(False)
    )
    # The newest goes last: where any is left, it is found at once.
    if ctx.session.scalar(left.order_by(Message.created_at.desc()).limit(1)) is not None:
        return 0
    ours = ctx.session.scalars(
        sa.select(Message.id).where(
            Message.thread_id == thread_id, Message.gone_at.is_(None), Message.ours.is_(True)
        )
    ).all()
    gone.empty(ctx, ours, gone.EXPIRED)
    gone.untitle(ctx.session.get_one(Thread, thread_id))
    return len(ours)


def _unconfirmed(ctx: Ctx) -> list[int]:
    """The messages that a platform's limit no longer lets us keep unasked."""
    accounts = ctx.session.scalars(sa.select(Account).where(Account.platform.in_(duties.DUTIES))).all()
    return [key for account in accounts for key in ctx.session.scalars(_not_confirmed(ctx, account))]


def _not_confirmed(ctx: Ctx, account: Account) -> sa.Select[int]:
    ends = duties.of(account.platform).ends
    limit = sa.false() if ends is None else Message.fetched_at <= ctx.now - ends
    return (
        sa.select(Message.id)
        .join(Item, Item.id == Message.item_id)
        .where(Message.account_id == account.id, Message.gone_at.is_(None), limit, _unheld(ctx))
    )


def _let_unconfirmed_go(ctx: Ctx, ids: Sequence[int]) -> int:
    """Empty those of them that nobody confirmed meanwhile. Each one's item stays in the work it is in."""
    accounts = ctx.session.scalars(sa.select(Account).where(Account.platform.in_(duties.DUTIES))).all()
    going: list[int] = []
    for account in accounts:
        going += ctx.session.scalars(_not_confirmed(ctx, account).where(Message.id.in_(ids)))
    unread = Counter(
        ctx.session.scalars(sa.select(Message.item_id).where(Message.id.in_(going), Message.read_v.is_(None)))
    )
    for item in ctx.session.scalars(sa.select(Item).where(Item.id.in_(unread))):
        item.pending = max(0, item.pending - unread[item.id])
        clocks.settle(item, ctx.now)
    _let_go(ctx, going, gone.UNCONFIRMED)
    return len(going)


def _old_records(ctx: Ctx) -> int:
    """Let go of our own notes and reasons when the record's time is over."""
    over = ctx.now - RECORD
    notes = ctx.session.scalars(
        sa.select(Note)
        .join(Item, Item.id == Note.item_id)
        .where(Note.at <= over, _free(ctx), Note.text != "")
        .limit(_BATCH)
    ).all()
    for note in notes:
        note.text, note.forgotten_at = "", note.forgotten_at or ctx.now
    worded = sa.or_(*(Action.detail.like(f'%"{name}": "_%') for name in ("text", "reason", "note")))
    actions = ctx.session.scalars(
        sa.select(Action)
        .outerjoin(Item, Item.id == Action.item_id)
        .where(Action.at <= over, worded, Action.detail.not_like('%"erased"%'))
        .where(sa.or_(Item.id.is_(None), sa.and_(_free(ctx))))
        .limit(_BATCH)
    ).all()
    for action in actions:
        gone.hush(action)
    return len(notes) + len(actions)
