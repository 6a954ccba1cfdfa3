"""Escalation: one named holder, acknowledged or passed on.

Nothing here sends anything to anybody: it records who holds a conversation.
"""

from moderator_app.desk import actions, clocks, triage
from moderator_app.desk.desk import Ctx
from moderator_app.desk.rows import ActionKind, Recorded
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.models.terms import Level, Status


def escalate(ctx: Ctx, item_id: int, to: str, reason: str) -> Recorded:
    """Hand an item to one named person. It stays open, at least red, until they acknowledge."""
    item = triage.get(ctx, item_id)
    if not to.strip():
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "An escalation needs somebody to hold it."),
            QT_TRANSLATE_NOOP("Error", "Choose a name."),
        )
    changed = actions.change(
        item,
        escalated_to=to.strip(),
        escalated_at=ctx.now,
        acknowledged_at=None,
        level=min(item.level, Level.RED),
        status=Status.OPEN,
        snoozed_until=None,
    )
    clocks.settle(item, ctx.now)
    detail = {"to": to.strip(), "reason": reason.strip()}
    return actions.record(ctx, ActionKind.ESCALATE, item, detail=detail, changed=changed)


def acknowledge(ctx: Ctx, item_id: int) -> Recorded:
    """The holder says: I have it. The item is theirs from now on."""
    item = triage.get(ctx, item_id)
    if not item.escalated_to:
        raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "This was not escalated."))
    changed = actions.change(item, acknowledged_at=ctx.now, assignee=ctx.who)
    detail = {"for": item.escalated_to}
    return actions.record(ctx, ActionKind.ACKNOWLEDGE, item, detail=detail, changed=changed)
