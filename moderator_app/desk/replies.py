"""Answering: templates that are never sent cold, drafts that survive a crash, and the way out."""

import json
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from connectors.contract import Audience, Verb
from moderator_app.desk import accounts, actions, respect, triage
from moderator_app.desk.desk import Ctx
from moderator_app.desk.respect import check, fill
from moderator_app.desk.rows import ActionKind, Draft, Level, Recorded, Status, TemplateRow
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.models import care
from moderator_app.models.base import moment
from moderator_app.models.inbox import Item, Message
from moderator_app.models.session import Plain, given, table

__all__ = ["check", "draft", "fill", "save_draft", "send", "templates"]


def templates(ctx: Ctx) -> list[TemplateRow]:
    """The shipped templates and the team's own; a team's text replaces the shipped one of its key."""
    own = {
        row.key: respect.template(row.key, row.body, json.loads(row.about), reviewed=bool(row.reviewed_by))
        for row in ctx.session.scalars(sa.select(care.Template))
    }
    shipped = [own.pop(row.template_id, row) for row in respect.shipped()]
    return shipped + list(own.values())


_DRAFT: Final = table(care.Draft)
_MINE: Final = Plain(
    sa.select(*(_DRAFT.c[name] for name in ("text", "audience", "template_id", "saved_at"))).where(
        _DRAFT.c.item_id == given("item"), _DRAFT.c.who == given("who")
    )
)


def draft(ctx: Ctx, item_id: int) -> Draft | None:
    """My unsent words for an item."""
    found = _MINE.first(ctx.session, {"item": item_id, "who": ctx.who})
    if found is None:
        return None
    text, audience, template, saved_at = found
    return Draft(item_id, text, Audience(audience), template, moment(saved_at))


def _draft(ctx: Ctx, item_id: int) -> care.Draft | None:
    return ctx.session.scalars(
        sa.select(care.Draft).where(care.Draft.item_id == item_id, care.Draft.who == ctx.who)
    ).first()


def save_draft(ctx: Ctx, item_id: int, text: str, audience: Audience, template_id: str = "") -> None:
    """Keep my words; an empty text drops the draft."""
    row = _draft(ctx, item_id)
    if not text.strip():
        if row is not None:
            ctx.session.delete(row)
        return
    if row is None:
        row = care.Draft(id=care.new_id(), item_id=triage.get(ctx, item_id).id, who=ctx.who)
        ctx.session.add(row)
    row.text, row.audience = text, audience.value
    row.template_id, row.saved_at = template_id, ctx.now


def send(
    ctx: Ctx,
    item_id: int,
    text: str,
    audience: Audience,
    template_id: str = "",
    *,
    now: bool = False,
) -> Recorded:
    """Record a reply to an item's newest message; it leaves after its hold (`now`: at once, R32).

    Refused, with a sentence: empty or too long texts, blanks that nobody filled, an untouched template at
    amber or above (R23), and an audience wider than the conversation.
    """
    item = triage.get(ctx, item_id)
    message = _answered(ctx, item)
    abilities = accounts.abilities(ctx, item.account_id)
    why_not = abilities.get("verbs", {}).get(Verb.REPLY.value, "")
    if why_not:
        raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "This cannot be answered: {why}"), why=why_not)
    _refuse_unready(ctx, text, item.level, template_id)
    _refuse_too_long(text, abilities)
    if Audience(message.audience) is Audience.PRIVATE and audience is Audience.PUBLIC:
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "They wrote in private, and this answer would be public."),
            QT_TRANSLATE_NOOP("Error", "Answer in private."),
        )
    if Audience(message.audience) is Audience.PUBLIC and audience is Audience.PRIVATE:
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "There is no private conversation with this person yet."),
            QT_TRANSLATE_NOOP("Error", "Answer where they wrote, and offer to write in private."),
        )
    changed = actions.change(
        item,
        status=Status.ANSWERED,
        new_messages=0,
        snoozed_until=None,
        first_reply_at=item.first_reply_at or ctx.now,
    )
    detail = {"text": text.strip(), "audience": audience.value, "template": template_id}
    hold = timedelta() if now else actions.GRACE
    row = _draft(ctx, item_id)
    if row is not None:
        ctx.session.delete(row)
    return actions.record(ctx, ActionKind.REPLY, item, message, detail=detail, changed=changed, hold=hold)


def _answered(ctx: Ctx, item: Item) -> Message:
    message = ctx.session.scalars(
        sa.select(Message)
        .where(Message.item_id == item.id, Message.gone_at.is_(None), Message.kind != "report")
        .order_by(Message.created_at.desc(), Message.id.desc())
        .limit(1)
    ).first()
    if message is None:
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "There is nothing here to answer to."),
            QT_TRANSLATE_NOOP("Error", "It was a report, or its author deleted it."),
        )
    return message


def _refuse_unready(ctx: Ctx, text: str, level: Level, template_id: str) -> None:
    if not text.strip():
        raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "The reply is empty."))
    blanks = respect.blanks(text)
    if blanks:
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "These blanks are not filled: {blanks}."),
            QT_TRANSLATE_NOOP("Error", "Fill or remove them; Tab goes to the next one."),
            blanks=", ".join(blanks),
        )
    chosen = next((t for t in templates(ctx) if t.template_id == template_id), None)
    if chosen is not None and level <= Level.AMBER and respect.untouched(text, chosen):
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "This is the template as it stands."),
            QT_TRANSLATE_NOOP("Error", "Add a sentence of your own about what they said."),
        )


def _refuse_too_long(text: str, abilities: dict[str, object]) -> None:
    most, unit = abilities.get("max_text", 0), str(abilities.get("text_unit", "characters"))
    if isinstance(most, int) and most and (size := respect.length(text, unit)) > most:
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "The reply has {size} of at most {most} {unit}."),
            QT_TRANSLATE_NOOP("Error", "Shorten it; nothing is ever cut for you."),
            size=size,
            most=most,
            unit=unit,
        )
