"""Asking the platforms whether known messages are still there (R61): at the start, and every twelve hours.

What is asked first: open work, then what a platform's limit would empty soon, then the newest; at most a
budget at a time, so that no platform is flooded. `Message.fetched_at` is the answer's moment: it costs no
byte. A platform whose pull reports deletions itself (`Connector.tells_gone`) is only pulled.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from connectors.contract import Connector
from moderator_app.desk import duties, gone, intake
from moderator_app.desk.desk import Ctx, Desk
from moderator_app.models.inbox import Account, Item, Message
from moderator_app.models.terms import Status

EVERY: Final = timedelta(hours=12)
_FRESH: Final = timedelta(minutes=2)  # what was confirmed so recently needs no question: a lock is short
_BATCH: Final = 25  # what most platforms answer at once
_BUDGET: Final = 2000


@dataclass(frozen=True, slots=True)
class Swept:
    """How many messages the platform was asked about, and how many of them were gone."""

    asked: int = 0
    gone: int = 0


def begin(ctx: Ctx) -> int:
    """At the start: no word of a platform is shown until it was asked, or until asking took too long."""
    rows = ctx.session.scalars(
        sa.select(Account).where(
            Account.removed_at.is_(None),
            Account.platform != duties.FILES,
            Account.last_pull_at.is_not(None),
            sa.or_(Account.checked_at.is_(None), Account.checked_at <= ctx.now - _FRESH),
        )
    ).all()
    for row in rows:
        row.checking_since = ctx.now
    return len(rows)


def end(ctx: Ctx, account_id: int, *, answered: bool) -> None:
    """The platform answered, or cannot be reached: its words are shown again as far as its duty allows."""
    row = ctx.session.get_one(Account, account_id)
    row.checking_since = None
    if answered:
        row.checked_at = ctx.now


def due(ctx: Ctx) -> list[int]:
    """The accounts whose words are held back, or that were not asked for twelve hours."""
    return list(
        ctx.session.scalars(
            sa.select(Account.id).where(
                Account.removed_at.is_(None),
                Account.platform != duties.FILES,
                Account.last_pull_at.is_not(None),
                sa.or_(
                    Account.checking_since.is_not(None),
                    Account.checked_at.is_(None),
                    Account.checked_at <= ctx.now - EVERY,
                ),
            )
        )
    )


def chosen(ctx: Ctx, account_id: int, budget: int = _BUDGET) -> list[str]:
    """The names on the platform of the messages to ask about now, the most urgent first."""
    account = ctx.session.get_one(Account, account_id)
    held_words = sa.or_(Message.gone_at.is_(None), Message.gone_how == gone.UNCONFIRMED)
    mine = sa.select(Message.external_id).where(
        Message.account_id == account_id, Message.ours.is_(False), held_words
    )
    open_ = (
        mine.join(Item, Item.id == Message.item_id)
        .where(Item.status.in_([Status.OPEN, Status.SNOOZED]), Message.fetched_at <= ctx.now - _FRESH)
        .order_by(Item.rank, Item.due_at, Message.id.desc())
    )
    again = duties.of(account.platform).again
    near = mine.where(Message.fetched_at <= ctx.now - (again or EVERY)).order_by(Message.fetched_at)
    newest = mine.where(Message.fetched_at <= ctx.now - EVERY).order_by(Message.id.desc())
    found: dict[str, None] = {}
    for question in (open_, *([near] if again else []), newest):
        if len(found) < budget:
            found |= dict.fromkeys(ctx.session.scalars(question.limit(budget)))
    return list(found)[:budget]


def sweep(
    desk: Desk,
    account_id: int,
    connector: Connector,
    progress: Callable[[int, int], None] = lambda *_: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Swept:
    """Ask about the chosen messages in batches and keep what the platform says; raises its errors."""
    names = desk.ask(chosen, account_id)
    asked = vanished = 0
    for batch in _batches(names):
        if cancelled():
            break
        brought = desk.do(intake.refresh, account_id, connector.fetch(batch))
        asked, vanished = asked + len(batch), vanished + brought.gone
        progress(asked, len(names))
    return Swept(asked, vanished)


def _batches(names: list[str]) -> Iterable[list[str]]:
    return (names[i : i + _BATCH] for i in range(0, len(names), _BATCH))
