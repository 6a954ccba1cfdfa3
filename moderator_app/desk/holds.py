"""Safeguarding holds (R64): named items kept past retention and erasure, by two persons, for a while.

A hold keeps from the moment it is asked for, so that nothing goes while the second person is looked for; if
nobody confirms within three days it lapses.
"""

import json
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from moderator_app.desk import audit, requests, triage
from moderator_app.desk.desk import Ctx
from moderator_app.desk.requests import Target
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.models.privacy import HeldItem, Request, RequestKind, RequestState

LAPSES: Final = timedelta(days=3)
REVIEW: Final = timedelta(days=30)
ENDS: Final = timedelta(days=90)
_STANDS: Final = (RequestState.ASKED, RequestState.HOLDING)


def ask(ctx: Ctx, item_ids: Sequence[int], reason: str, basis: str) -> uuid.UUID:
    """Keep these items from now on; a second person confirms within three days."""
    if not reason.strip() or not basis.strip():
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "A hold needs a reason and a legal basis."),
            QT_TRANSLATE_NOOP("Error", "Write both in a few words of your own."),
        )
    items = [triage.get(ctx, item_id) for item_id in dict.fromkeys(item_ids)]
    row = requests.ask(
        ctx,
        RequestKind.HOLD,
        Target("thread", items[0].thread_id),
        reason=reason.strip(),
        basis=basis.strip(),
        ends_at=ctx.now + LAPSES,
        facts=json.dumps({"items": [item.id for item in items]}),
    )
    ctx.session.add_all(HeldItem(request_id=row.id, item_id=item.id) for item in items)
    for item in items:
        audit.write(ctx, "hold", f"item:{item.id}", request=str(row.id))
    return row.id


def confirm(ctx: Ctx, request_id: uuid.UUID, by: str) -> None:
    """The second person's word: the hold stands for ninety days, to be looked at after thirty."""
    row = requests.get(ctx, request_id, RequestKind.HOLD)
    lapse(ctx)
    requests.second(ctx, row, by)
    row.state = RequestState.HOLDING
    row.review_at, row.ends_at = ctx.now + REVIEW, ctx.now + ENDS


def review(ctx: Ctx, request_id: uuid.UUID) -> None:
    """Somebody looked and the reason still stands; the end stays where it is."""
    row = _standing(ctx, request_id)
    row.review_at = ctx.now + REVIEW
    audit.write(ctx, "hold_reviewed", row.target, request=str(row.id))


def renew(ctx: Ctx, request_id: uuid.UUID, by: str) -> None:
    """Another ninety days, again by two: whoever renews, and a second person by name."""
    row = _standing(ctx, request_id)
    name = by.strip()
    if not name or name.casefold() == ctx.who.strip().casefold():
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "Renewing a hold needs a second person."),
            QT_TRANSLATE_NOOP("Error", "Write the name of a colleague who agrees."),
        )
    row.review_at, row.ends_at = ctx.now + REVIEW, ctx.now + ENDS
    audit.write(ctx, "hold_renewed", row.target, request=str(row.id), by=name)


def release(ctx: Ctx, request_id: uuid.UUID) -> None:
    """End a hold; retention and erasures that waited for it go on."""
    _end(ctx, _standing(ctx, request_id), "hold_released")


def lapse(ctx: Ctx) -> int:
    """End the holds whose time is over; answer how many."""
    over = ctx.session.scalars(
        sa.select(Request).where(
            Request.kind == RequestKind.HOLD, Request.state.in_(_STANDS), Request.ends_at <= ctx.now
        )
    ).all()
    for row in over:
        _end(ctx, row, "hold_ended")
    return len(over)


def _standing(ctx: Ctx, request_id: uuid.UUID) -> Request:
    row = requests.get(ctx, request_id, RequestKind.HOLD)
    if row.state is not RequestState.HOLDING:
        raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "That hold does not stand."))
    return row


def _end(ctx: Ctx, row: Request, what: str) -> None:
    row.state, row.done_at = RequestState.ENDED, ctx.now
    ctx.session.execute(sa.delete(HeldItem).where(HeldItem.request_id == row.id))
    audit.write(ctx, what, row.target, request=str(row.id))
