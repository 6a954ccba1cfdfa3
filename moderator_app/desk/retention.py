"""How long words are kept (R60): rules, and the moment when each item's words go.

The strictest of the platform's limit and the organisation's rule wins. What lets them go is desk.expiry.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from moderator_app.desk import audit, duties
from moderator_app.desk.desk import Ctx
from moderator_app.desk.rows import Forgets
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.models.base import millis
from moderator_app.models.inbox import Account, Item, Message
from moderator_app.models.privacy import HeldItem, Request, RequestState, RetentionRule
from moderator_app.models.terms import Level, Status

DEFAULT_DAYS: Final = 30
LONGEST_DAYS: Final = 730
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


def held(ctx: Ctx) -> sa.ColumnElement[bool]:
    """The condition that an item is kept by a hold that stands, also while it waits for its second person."""
    standing = (
        sa.select(HeldItem.item_id)
        .join(Request, Request.id == HeldItem.request_id)
        .where(HeldItem.item_id == Item.id, Request.state.in_(_HOLDS), Request.ends_at > ctx.now)
        .correlate(Item)
    )
    return standing.exists()


def finished() -> sa.ColumnElement[bool]:
    """The condition that nobody is at work on an item any more.

    The plus keeps SQLite from reading every finished item by the index on the status, where a few are named.
    """
    status = sa.literal_column("+item.status", Item.status.type)
    passed_on = sa.and_(Item.escalated_to != "", status != Status.CLOSED)
    return sa.and_(status.in_(_OVER), sa.not_(passed_on))


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
        sa.select(Item, Account.platform, held(ctx), finished())
        .join(Account, Account.id == Item.account_id)
        .where(Item.id == item_id)
    ).first()
    if found is None:
        return None
    item, platform, is_held, is_over = found
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
        if oldest is not None and (not is_over or oldest + limit < at):
            return Forgets(oldest + limit, "platform", days)
    return Forgets(at, "rule" if is_over else "open", days)


def _held_until(ctx: Ctx, item_id: int) -> datetime | None:
    found: datetime | None = ctx.session.scalar(
        sa.select(sa.func.max(Request.ends_at, type_=Item.last_at.type))
        .join(HeldItem, HeldItem.request_id == Request.id)
        .where(HeldItem.item_id == item_id, Request.state.in_(_HOLDS))
    )
    return found


# ------------------------------------------------------------------ for the screen


def limits(ctx: Ctx) -> tuple[dict[int, str], dict[tuple[str, Level], int]]:
    """The platform of each account, and how many days the words of a platform's level are kept."""
    accounts = {row.id: row.platform for row in ctx.session.execute(sa.select(Account.id, Account.platform))}
    platforms = sorted(set(accounts.values()))
    return accounts, {(name, level): days_for(ctx, name, level) for name in platforms for level in Level}


def table(ctx: Ctx) -> list[RuleRow]:
    """What is kept and what is due, for each platform that is connected and each level."""
    accounts, days = limits(ctx)
    kept: dict[tuple[str, Level], _Kept] = dict.fromkeys(days, _Kept())
    for account_id, level, *numbers in ctx.session.execute(_kept(ctx, accounts, days)):
        place = accounts[account_id], level
        kept[place] = kept[place].plus(_Kept(*numbers))
    return [_rule_row(ctx, place, days[place], found) for place, found in kept.items()]


@dataclass(frozen=True, slots=True)
class _Kept:
    """Counts of items whose words are kept; `since` is the oldest of those that may go."""

    kept: int = 0
    due_soon: int = 0
    due_open: int = 0
    held: int = 0
    since: datetime | None = None

    def plus(self, other: "_Kept") -> "_Kept":
        return _Kept(
            self.kept + other.kept,
            self.due_soon + other.due_soon,
            self.due_open + other.due_open,
            self.held + other.held,
            min((at for at in (self.since, other.since) if at), default=None),
        )


def _kept(ctx: Ctx, accounts: dict[int, str], days: dict[tuple[str, Level], int]) -> sa.Executable:
    """All counts of the table in one reading of the items: one for each line would read them as often."""
    over = over_at(ctx, accounts, days)
    soon = over + round(timedelta(days=7).total_seconds() * 1000)
    since = sa.type_coerce(Item.words_since, sa.Integer)
    over_with, kept_back = finished(), held(ctx)
    free = sa.and_(over_with, sa.not_(kept_back))

    def many(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.cast(condition, sa.Integer)), 0)

    return (
        sa.select(
            Item.account_id,
            Item.level,
            sa.func.count(),
            many(sa.and_(since <= soon, free)),
            many(sa.and_(since <= over, sa.not_(over_with), sa.not_(kept_back))),
            many(kept_back),
            sa.func.min(sa.case((free, Item.words_since)), type_=Item.last_at.type),
        )
        .where(Item.words_since.is_not(None))
        .group_by(Item.account_id, Item.level)
    )


def over_at(ctx: Ctx, accounts: dict[int, str], days: dict[tuple[str, Level], int]) -> sa.ColumnElement[int]:
    """The moment before which an item's words are over their time, as the file has moments."""
    usual, *others = [kept for kept, _ in Counter(days.values()).most_common()] or [DEFAULT_DAYS]

    def at(kept: int) -> sa.ColumnElement[int]:
        return sa.literal(millis(ctx.now - timedelta(days=kept)), sa.Integer)

    cases = [(_places(accounts, days, kept), at(kept)) for kept in others]
    return sa.case(*cases, else_=at(usual)) if cases else at(usual)


def _places(
    accounts: dict[int, str], days: dict[tuple[str, Level], int], kept: int
) -> sa.ColumnElement[bool]:
    """The condition that an item is of an account and level whose words are kept for so many days."""
    place = Item.account_id * len(Level) + sa.type_coerce(Item.level, sa.Integer)
    return place.in_(
        [
            account_id * len(Level) + level
            for account_id, platform in accounts.items()
            for level in Level
            if days[platform, level] == kept
        ]
    )


def _rule_row(ctx: Ctx, place: tuple[str, Level], days: int, found: _Kept) -> RuleRow:
    rule = ctx.session.get(RetentionRule, place)
    ends = duties.of(place[0]).ends
    return RuleRow(
        platform=place[0],
        level=place[1],
        days=days,
        chosen=rule.days if rule else None,
        limit_hours=int(ends.total_seconds() // 3600) if ends else None,
        kept=found.kept,
        due_soon=found.due_soon,
        due_open=found.due_open,
        held=found.held,
        next_at=found.since + timedelta(days=days) if found.since else None,
    )


def nearest(ctx: Ctx, limit: int = 50) -> list[Due]:
    """The items whose words go next by the rules, nearest first."""
    accounts, days = limits(ctx)
    found: list[Due] = []
    for kept in sorted(set(days.values())):
        # In the order of the index, and no further than the first that are free to go.
        rows = ctx.session.execute(
            sa.select(Item.id, Item.account_id, Item.level, Item.words_since)
            .where(finished(), sa.not_(held(ctx)), Item.words_since.is_not(None))
            .where(_places(accounts, days, kept))
            .order_by(Item.words_since)
            .limit(limit)
        )
        after = timedelta(days=kept)
        found += [Due(key, accounts[account], level, at + after) for key, account, level, at in rows if at]
    return sorted(found, key=lambda one: one.at)[:limit]
