"""One conversation with its messages, what was done, and who is speaking; and what is done to a message."""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from connectors.contract import Audience, Kind, Verb
from moderator_app.desk import accounts, actions, duties, replies, retention, triage
from moderator_app.desk.desk import Ctx
from moderator_app.desk.rows import (
    ActionKind,
    ActionState,
    MessageRow,
    NoteRow,
    PersonCard,
    Recorded,
    ThreadView,
)
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.models.care import Action, Note, new_id
from moderator_app.models.inbox import Account, Item, Message, Person, Thread

_WEEKS = 10


def view(ctx: Ctx, item_id: int, limit: int = 200) -> ThreadView:
    """The conversation of an item: its newest `limit` messages, oldest first, and all around it."""
    item = triage.get(ctx, item_id)
    chosen = sa.select(Message).where(Message.thread_id == item.thread_id)
    newest = ctx.session.scalars(
        chosen.order_by(Message.created_at.desc(), Message.id.desc()).limit(limit)
    ).all()
    total = ctx.session.scalar(
        sa.select(sa.func.count()).select_from(Message).where(Message.thread_id == item.thread_id)
    )
    abilities = accounts.abilities(ctx, item.account_id)
    return ThreadView(
        item=triage.rows(ctx, [item_id])[0],
        messages=(*_messages(ctx, newest[::-1], item.account_id), *_leaving(ctx, item)),
        earlier_messages=max(0, (total or 0) - len(newest)),
        history=tuple(actions.history(ctx, item_id)),
        notes=_notes(ctx, Note.item_id == item_id),
        person=person_card(ctx, item.person_id),
        can=_refusals(abilities.get("verbs", {})),
        max_text=abilities.get("max_text", 0),
        text_unit=abilities.get("text_unit", "characters"),
        draft=replies.draft(ctx, item_id),
        forgets=retention.due(ctx, item_id),
    )


def _refusals(verbs: Mapping[str, str]) -> dict[ActionKind, str]:
    """Which kinds of action this account cannot do, and why."""
    return {
        kind: verbs[effect.verb.value]
        for kind, effect in actions.KINDS.items()
        if effect.verb is not None and verbs.get(effect.verb.value)
    }


def _messages(ctx: Ctx, found: Sequence[Message], account_id: int) -> list[MessageRow]:
    account = ctx.session.get_one(Account, account_id)
    withheld = {m.id: "" if m.ours else _withheld(account, m.fetched_at, ctx.now) for m in found}
    people = {
        person.id: person
        for person in ctx.session.scalars(
            sa.select(Person).where(Person.id.in_({m.person_id for m in found if m.person_id}))
        )
    }
    cues = triage.cues(ctx, [m.id for m in found])
    wrote = _authors(ctx, found)
    return [
        MessageRow(
            message_id=m.id,
            action_id=None,
            person_id=m.person_id,
            person=_name(people.get(m.person_id or 0)),
            handle=people[m.person_id].handle if m.person_id in people else "",
            ours=m.ours,
            by=wrote.get(m.action_id or "", ""),
            text="" if withheld[m.id] else m.body,
            cues=() if withheld[m.id] else tuple(sorted(cues.get(m.id, ()), key=lambda cue: cue.start)),
            level=m.level,
            at=m.created_at,
            edited_at=m.edited_at,
            gone=m.gone_at is not None,
            hidden=m.hidden_there if m.hidden_wanted is None else m.hidden_wanted,
            audience=Audience(m.audience),
            kind=Kind(m.kind),
            likes=m.likes,
            permalink=m.permalink,
            reason=m.reason,
            gone_how=m.gone_how or "",
            withheld="" if m.gone_at else withheld[m.id],
        )
        for m in found
    ]


def _withheld(account: Account, confirmed_at: datetime | None, now: datetime) -> str:
    return duties.withheld(account.platform, account.checking_since, confirmed_at, now)


def _name(person: Person | None) -> str:
    return (person.name or person.handle) if person else ""


def _authors(ctx: Ctx, found: Sequence[Message]) -> dict[str, str]:
    """Which moderator wrote which of our replies."""
    keys = [uuid.UUID(m.action_id) for m in found if m.action_id]
    rows = ctx.session.execute(sa.select(Action.id, Action.who).where(Action.id.in_(keys)))
    return {str(key): who for key, who in rows}


def _leaving(ctx: Ctx, item: Item) -> list[MessageRow]:
    """Replies that have not arrived: held, being sent, or refused and not yet written again."""
    account = ctx.session.get_one(Account, item.account_id)
    states = [ActionState.HELD, ActionState.SENT, ActionState.UNKNOWN, ActionState.FAILED]
    found = ctx.session.scalars(
        sa.select(Action)
        .where(
            Action.item_id == item.id,
            Action.kind == ActionKind.REPLY,
            Action.state.in_(states),
            Action.at > ctx.now - timedelta(days=1),
        )
        .order_by(Action.at, Action.id)
    )
    rows = []
    for action in found:
        detail = json.loads(action.detail)
        rows.append(
            MessageRow(
                message_id=None,
                action_id=action.id,
                person_id=None,
                person=account.name or account.handle,
                handle=account.handle,
                ours=True,
                by=action.who,
                text=detail.get("text", ""),
                cues=(),
                level=None,
                at=action.at,
                edited_at=None,
                gone=False,
                hidden=False,
                audience=Audience(detail["audience"]),
                kind=Kind.COMMENT,
                likes=0,
                permalink=None,
                reason=action.reason,
                state=action.state,
                send_at=action.not_before,
                trouble=action.trouble,
            )
        )
    return rows


def _notes(ctx: Ctx, where: sa.ColumnElement[bool]) -> tuple[NoteRow, ...]:
    found = ctx.session.scalars(
        sa.select(Note).where(where, Note.forgotten_at.is_(None)).order_by(Note.at.desc()).limit(50)
    )
    return tuple(NoteRow(note.id, note.at, note.who, note.text) for note in found)


def person_card(ctx: Ctx, person_id: int) -> PersonCard | None:
    """Who a person is to us: facts, rhythm and earlier conversations; never a score (R62)."""
    person = ctx.session.get(Person, person_id)
    if person is None:
        return None
    account = ctx.session.get_one(Account, person.account_id)
    began = ctx.now - timedelta(weeks=_WEEKS)
    weeks = [0] * _WEEKS
    for at in ctx.session.scalars(
        sa.select(Message.created_at)
        .where(Message.person_id == person_id, Message.created_at > began)
        .limit(5000)
    ):
        weeks[min(_WEEKS - 1, max(0, (at - began) // timedelta(weeks=1)))] += 1
    earlier = ctx.session.execute(
        sa.select(Item, Thread.title)
        .join(Thread, Thread.id == Item.thread_id)
        .where(Item.person_id == person_id)
        .order_by(Item.last_at.desc())
        .limit(12)
    )
    total = ctx.session.scalar(
        sa.select(sa.func.count()).select_from(Message).where(Message.person_id == person_id)
    )
    veiled = _withheld(account, account.checked_at, ctx.now)
    return PersonCard(
        person_id=person.id,
        name=_name(person),
        handle=person.handle,
        platform=account.platform,
        first_seen=person.first_seen,
        last_seen=person.last_seen,
        messages=total or 0,
        weeks=tuple(weeks),
        earlier=tuple(
            (item.id, "" if veiled else title, item.level, item.last_at, item.status)
            for item, title in earlier
        ),
        notes=_notes(ctx, Note.person_id == person_id),
    )


# ------------------------------------------------------------------ what is done to a message


def _message(ctx: Ctx, message_id: int, verb: Verb) -> Message:
    message = ctx.session.get(Message, message_id)
    if message is None or message.gone_at is not None:
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "That message is no longer there."),
            QT_TRANSLATE_NOOP("Error", "It was deleted on the platform; there is nothing to do."),
        )
    refuse(ctx, message.account_id, verb)
    return message


def refuse(ctx: Ctx, account_id: int, verb: Verb) -> None:
    """Say at once what the platform would refuse later."""
    account = ctx.session.get_one(Account, account_id)
    why_not = accounts.abilities(ctx, account_id).get("verbs", {}).get(verb.value, "")
    if why_not:
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "This cannot be done on {platform}: {why}"),
            platform=account.platform,
            why=why_not,
        )


def _hidden(ctx: Ctx, message_id: int, wanted: bool) -> Recorded:
    kind = ActionKind.HIDE if wanted else ActionKind.UNHIDE
    message = _message(ctx, message_id, Verb.HIDE if wanted else Verb.UNHIDE)
    changed = actions.change(message, hidden_wanted=wanted)
    return actions.record(ctx, kind, message=message, changed=changed)


def hide(ctx: Ctx, message_id: int) -> Recorded:
    """Hide a message from the public; its author and its reader here are not forgotten."""
    return _hidden(ctx, message_id, wanted=True)


def unhide(ctx: Ctx, message_id: int) -> Recorded:
    """Show a hidden message again."""
    return _hidden(ctx, message_id, wanted=False)


def like(ctx: Ctx, message_id: int) -> Recorded:
    """Thank somebody without words."""
    message = _message(ctx, message_id, Verb.LIKE)
    changed = actions.change(message, liked=True)
    return actions.record(ctx, ActionKind.LIKE, message=message, changed=changed)


def unlike(ctx: Ctx, message_id: int) -> Recorded:
    """Take a like back."""
    message = _message(ctx, message_id, Verb.UNLIKE)
    changed = actions.change(message, liked=False)
    return actions.record(ctx, ActionKind.UNLIKE, message=message, changed=changed)


def resolve(ctx: Ctx, message_id: int) -> Recorded:
    """Tell the platform that a report was dealt with."""
    message = _message(ctx, message_id, Verb.RESOLVE)
    return actions.record(ctx, ActionKind.RESOLVE, message=message)


def note(ctx: Ctx, item_id: int, text: str) -> Recorded:
    """Leave a note for the team; it never leaves the machine."""
    item = triage.get(ctx, item_id)
    if not text.strip():
        raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "The note is empty."))
    row = Note(
        id=new_id(),
        item_id=item.id,
        person_id=item.person_id,
        who=ctx.who,
        at=ctx.now,
        text=text.strip(),
    )
    ctx.session.add(row)
    return actions.record(ctx, ActionKind.NOTE, item, detail={"note": str(row.id)})
