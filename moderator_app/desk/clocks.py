"""How long each level may wait, and what waiting does to the order (R3, R4)."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from moderator_app.models.inbox import Item
from moderator_app.models.terms import Level

if TYPE_CHECKING:
    from moderator_app.desk.work import Work

# First look and first reply, from care practice 1.3 (our proposal, to be reviewed by each organisation).
FIRST_LOOK: Final = {
    Level.CRISIS: timedelta(minutes=5),
    Level.RED: timedelta(minutes=30),
    Level.AMBER: timedelta(hours=4),
    Level.GREEN: timedelta(hours=24),
}
FIRST_REPLY: Final = {
    Level.CRISIS: timedelta(minutes=15),
    Level.RED: timedelta(minutes=60),
    Level.AMBER: timedelta(hours=8),
    Level.GREEN: timedelta(hours=48),
}


def settle(item: "Item | Work", now: datetime) -> None:
    """Set the order of an item from its label, its clock and what is still unread.

    An amber past 150 % of its clock counts as red for ordering; its label stays. Within a rank the order
    is the due moment, which puts the overdue first and then the longest waiting.
    """
    read_as = min(item.level, Level.RED) if item.pending else item.level
    clock = (FIRST_REPLY if item.seen_at else FIRST_LOOK)[read_as]
    item.due_at = item.waiting_since + clock
    aged = read_as is Level.AMBER and now >= item.waiting_since + 1.5 * clock
    item.rank = int(Level.RED if aged else read_as)
