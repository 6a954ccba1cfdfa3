"""What was there before a message counts: the same words weigh more after a bad week.

Only the last days that are still kept are looked at, and only to raise one message: nothing is stored about a
person (R60-R62). Every raise is a reason of its own, which says what it rests on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from moderator_app.desk.desk import Ctx
from moderator_app.desk.rows import Cue, Level
from moderator_app.models.inbox import Item, Message
from moderator_app.models.session import Plain, given, table
from moderator_app.models.terms import Status

REACH: Final = timedelta(days=14)
_NOW: Final = timedelta(days=3)  # the days that are held against those before them
_MANY: Final = 3  # messages at amber or above within them
_LOOKED_AT: Final = 100
_FAREWELL: Final = frozenset({"goodbye", "goodbye_hint"})
_MESSAGE, _ITEM = table(Message), table(Item)


@dataclass(frozen=True, slots=True)
class Before:
    """An earlier message of the same person: its level and how long ago it was."""

    level: Level
    ago: timedelta


_EARLIER: Final = Plain(
    sa.select(_MESSAGE.c.level, _MESSAGE.c.created_at)
    .where(
        _MESSAGE.c.person_id == given("person"),
        _MESSAGE.c.created_at >= given("since"),
        _MESSAGE.c.created_at <= given("at"),
        _MESSAGE.c.id != given("id"),
        _MESSAGE.c.level.is_not(None),
        _MESSAGE.c.gone_at.is_(None),
    )
    .order_by(_MESSAGE.c.created_at.desc())
    .limit(_LOOKED_AT)
)
_HELD: Final = Plain(
    sa.select(_ITEM.c.id)
    .where(
        _ITEM.c.person_id == given("person"),
        _ITEM.c.escalated_to != "",
        _ITEM.c.status.in_([Status.OPEN, Status.ANSWERED, Status.SNOOZED]),
    )
    .limit(1)
)


def reason(
    ctx: Ctx, message_id: int, person_id: int | None, at: int, level: Level, cues: Sequence[Cue]
) -> Cue | None:
    """The reason to raise a message for what its author wrote before it; None where there is none.

    `at` is when the message was written, in milliseconds.
    """
    farewell = is_farewell(cues)
    if person_id is None or level <= Level.RED or not (farewell or level is Level.AMBER):
        return None
    asked = {"person": person_id, "since": at - _ms(REACH), "at": at, "id": message_id}
    found = _EARLIER.rows(ctx.session, asked)
    before = [Before(Level(worth), timedelta(milliseconds=at - then)) for worth, then in found]
    held = _HELD.first(ctx.session, {"person": person_id}) is not None
    return weighed(level, before, farewell=farewell, held=held)


def is_farewell(cues: Sequence[Cue]) -> bool:
    """Whether something in a message sounds like a farewell."""
    return any(cue.kind in _FAREWELL for cue in cues)


def weighed(
    level: Level, before: Sequence[Before], *, farewell: bool = False, held: bool = False
) -> Cue | None:
    """What earlier messages, newest first or not, make of one at amber or green; None: nothing."""
    if level <= Level.RED:
        return None
    worst = min((one.level for one in before), default=Level.GREEN)
    if farewell and worst <= Level.RED:
        return _because(worst, "a farewell, after words of theirs that were urgent within two weeks")
    if level is not Level.AMBER:
        return None
    heavy = [one for one in before if one.level <= Level.AMBER]
    lately = 1 + sum(one.ago <= _NOW for one in heavy)
    worse = lately >= _MANY and lately > 2 * (1 + len(heavy) - lately)
    reasons = (
        (held, "somebody of your team holds an escalation about them"),
        (worst is Level.CRISIS, "within two weeks of a crisis"),
        (worse, "more heavy messages in three days than in the eleven before"),
    )
    return next((_because(Level.RED, why) for there, why in reasons if there), None)


def _because(level: Level, why: str) -> Cue:
    return Cue(0, 0, "context", level, why, "")


def _ms(span: timedelta) -> int:
    return round(span.total_seconds() * 1000)
