"""One conversation with its messages, what was done, and who is speaking; and what is done to a message."""

import json
import uuid
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from operator import attrgetter, itemgetter
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from connectors.contract import Audience, Kind, Verb
from moderator_app.desk import accounts, actions, duties, enclosed, replies, retention, triage
from moderator_app.desk.desk import Ctx
from moderator_app.desk.rows import (
    ActionKind,
    ActionState,
    Cue,
    Enclosed,
    Level,
    MessageRow,
    NoteRow,
    PersonCard,
    Recorded,
    Status,
    ThreadView,
)
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.models.base import maybe_moment, millis, moment
from moderator_app.models.care import Action, Note, new_id
from moderator_app.models.inbox import Account, Item, Message, Person, Thread
from moderator_app.models.session import Plain, given, table

_WEEKS: Final = 10
# Of a verb that the last probe did not know: it is asked again with the next pull.
_NOT_ASKED: Final = "the platform was not asked yet"
_WEEK_MS: Final = 7 * 24 * 3600 * 1000


_ITEM, _THREAD, _PERSON, _ACCOUNT = table(Item), table(Thread), table(Person), table(Account)
_MESSAGE, _ACTION, _NOTE = table(Message), table(Action), table(Note)
_AROUND: Final = Plain(
    sa.select(
        _ITEM.c.thread_id,
        _ITEM.c.person_id,
        _THREAD.c.messages,
        _ACCOUNT.c.name,
        _ACCOUNT.c.handle,
        _ACCOUNT.c.abilities,
        _ACCOUNT.c.platform,
        _ACCOUNT.c.checking_since,
    )
    .join(_THREAD, _THREAD.c.id == _ITEM.c.thread_id)
    .join(_ACCOUNT, _ACCOUNT.c.id == _ITEM.c.account_id)
    .where(_ITEM.c.id == given("item"))
)
_NEWEST: Final = Plain(
    sa.select(
        _MESSAGE.c.id,
        _MESSAGE.c.person_id,
        _PERSON.c.name,
        _PERSON.c.handle,
        _MESSAGE.c.ours,
        _ACTION.c.who,
        _MESSAGE.c.body,
        _MESSAGE.c.level,
        _MESSAGE.c.created_at,
        _MESSAGE.c.edited_at,
        _MESSAGE.c.gone_at,
        sa.func.coalesce(_MESSAGE.c.hidden_wanted, _MESSAGE.c.hidden_there),
        _MESSAGE.c.audience,
        _MESSAGE.c.kind,
        _MESSAGE.c.likes,
        _MESSAGE.c.permalink,
        _MESSAGE.c.reason,
        _MESSAGE.c.gone_how,
        _MESSAGE.c.fetched_at,
    )
    .select_from(_MESSAGE)
    .outerjoin(_PERSON, _PERSON.c.id == _MESSAGE.c.person_id)
    # The file keeps an action's id without hyphens, a message with them.
    .outerjoin(_ACTION, _ACTION.c.id == sa.func.replace(_MESSAGE.c.action_id, "-", ""))
    .where(_MESSAGE.c.thread_id == given("thread"))
    .order_by(_MESSAGE.c.created_at.desc(), _MESSAGE.c.id.desc())
    .limit(given("limit"))
)


def view(ctx: Ctx, item_id: int, limit: int = 200) -> ThreadView:
    """The conversation of an item: its newest `limit` messages, oldest first, and all around it."""
    cards = triage.rows(ctx, [item_id])
    around = _AROUND.first(ctx.session, {"item": item_id})
    if around is None or not cards:
        raise triage.gone()
    thread, person, total, name, handle, able, platform, checking = around
    messages = _messages(ctx, thread, limit, _Veil(platform, maybe_moment(checking), ctx.now))
    abilities = json.loads(able)
    return ThreadView(
        item=cards[0],
        messages=(*messages, *_leaving(ctx, item_id, name or handle, handle)),
        earlier_messages=max(0, total - len(messages)),
        history=tuple(actions.history(ctx, item_id)),
        notes=_notes(ctx, _NOTES_OF_ITEM, item_id),
        person=person_card(ctx, person),
        can=_refusals(abilities.get("verbs", {})),
        max_text=abilities.get("max_text", 0),
        text_unit=abilities.get("text_unit", "characters"),
        draft=replies.draft(ctx, item_id),
        forgets=retention.due(ctx, item_id),
        untimed=_untimed(abilities.get("untimed", [])),
    )


def _refusals(verbs: Mapping[str, str]) -> dict[ActionKind, str]:
    """Which kinds of action this account cannot do, and why."""
    return {
        kind: verbs.get(effect.verb.value, _NOT_ASKED)
        for kind, effect in actions.KINDS.items()
        if effect.verb is not None and verbs.get(effect.verb.value, _NOT_ASKED)
    }


def _untimed(verbs: Collection[str]) -> frozenset[ActionKind]:
    kinds = actions.KINDS.items()
    return frozenset(kind for kind, effect in kinds if effect.verb is not None and effect.verb.value in verbs)


class _Veil(NamedTuple):
    """What decides whether words of an account may be shown now."""

    platform: str
    checking_since: datetime | None
    now: datetime

    def over(self, confirmed_at: int | None) -> str:
        """Why words that were confirmed then may not be shown, "" where they may."""
        return duties.withheld(self.platform, self.checking_since, maybe_moment(confirmed_at), self.now)


def _messages(ctx: Ctx, thread_id: int, limit: int, veil: _Veil) -> list[MessageRow]:
    """The newest messages of a conversation, oldest first."""
    found = _NEWEST.rows(ctx.session, {"thread": thread_id, "limit": limit})[::-1]
    keys = [row[0] for row in found]
    cues, beside = triage.cues(ctx, keys), enclosed.of(ctx, keys)
    return [_message_row(row, cues.get(row[0], ()), beside.get(row[0]), veil) for row in found]


def _message_row(
    row: tuple[Any, ...], cues: tuple[Cue, ...], beside: Enclosed | None, veil: _Veil
) -> MessageRow:
    key, person, name, handle, ours, by, text, level, at, edited, gone, hidden = row[:12]
    audience, kind, likes, permalink, reason, gone_how, confirmed = row[12:]
    withheld = "" if ours else veil.over(confirmed)
    return MessageRow(
        message_id=key,
        action_id=None,
        person_id=person,
        person=name or handle or "",
        handle=handle or "",
        ours=bool(ours),
        by=by or "",
        text="" if withheld else text,
        cues=tuple(sorted(cues, key=attrgetter("start"))) if cues and not withheld else (),
        level=None if level is None else Level(level),
        at=moment(at),
        edited_at=maybe_moment(edited),
        gone=gone is not None,
        hidden=bool(hidden),
        audience=Audience(audience),
        kind=Kind(kind),
        likes=likes,
        permalink=permalink,
        reason=reason,
        gone_how=gone_how or "",
        withheld="" if gone is not None else withheld,
        enclosed=None if withheld else beside,
    )


_LEAVING: Final = Plain(
    sa.select(
        *(
            _ACTION.c[name]
            for name in ("id", "who", "detail", "at", "reason", "state", "not_before", "trouble")
        )
    )
    .where(
        _ACTION.c.item_id == given("item"),
        _ACTION.c.at > given("since"),
        _ACTION.c.kind == ActionKind.REPLY,
        _ACTION.c.state.in_([*actions.WAITING, ActionState.UNSURE, ActionState.FAILED]),
    )
    .order_by(_ACTION.c.at)
)


def _leaving(ctx: Ctx, item_id: int, name: str, ours: str) -> list[MessageRow]:
    """Replies that have not arrived: held, being sent, or refused and not yet written again."""
    since = millis(ctx.now - timedelta(days=1))
    rows = []
    found = _LEAVING.rows(ctx.session, {"item": item_id, "since": since})
    for key, who, words, at, reason, state, send_at, trouble in found:
        detail = json.loads(words)
        rows.append(
            MessageRow(
                message_id=None,
                action_id=uuid.UUID(key),
                person_id=None,
                person=name,
                handle=ours,
                ours=True,
                by=who,
                text=detail.get("text", ""),
                cues=(),
                level=None,
                at=moment(at),
                edited_at=None,
                gone=False,
                hidden=False,
                audience=Audience(detail["audience"]),
                kind=Kind.COMMENT,
                likes=0,
                permalink=None,
                reason=reason,
                state=ActionState(state),
                send_at=maybe_moment(send_at),
                trouble=trouble,
            )
        )
    return rows


def _noted(column: sa.Column[Any]) -> Plain:
    return Plain(
        sa.select(_NOTE.c.id, _NOTE.c.at, _NOTE.c.who, _NOTE.c.text).where(
            column == given("id"), _NOTE.c.forgotten_at.is_(None)
        )
    )


_NOTES_OF_ITEM, _NOTES_OF_PERSON = _noted(_NOTE.c.item_id), _noted(_NOTE.c.person_id)


def _notes(ctx: Ctx, which: Plain, key: int) -> tuple[NoteRow, ...]:
    """The newest notes, newest first: nobody writes so many that sorting them here would show."""
    found = sorted(which.rows(ctx.session, {"id": key}), key=itemgetter(1), reverse=True)
    return tuple(NoteRow(uuid.UUID(note), moment(at), who, text) for note, at, who, text in found[:50])


_WHO: Final = Plain(
    sa.select(
        *(_PERSON.c[name] for name in ("name", "handle", "first_seen", "last_seen", "messages")),
        _ACCOUNT.c.platform,
        _ACCOUNT.c.checking_since,
        _ACCOUNT.c.checked_at,
    )
    .join(_ACCOUNT, _ACCOUNT.c.id == _PERSON.c.account_id)
    .where(_PERSON.c.id == given("person"))
)
_RHYTHM: Final = Plain(
    sa.select(
        (sa.type_coerce(_MESSAGE.c.created_at, sa.Integer) - given("began")) // _WEEK_MS, sa.func.count()
    )
    .where(_MESSAGE.c.person_id == given("person"), _MESSAGE.c.created_at > given("began"))
    .group_by(sa.literal_column("1"))
)
_EARLIER: Final = Plain(
    sa.select(_ITEM.c.id, _THREAD.c.title, _ITEM.c.level, _ITEM.c.last_at, _ITEM.c.status)
    .join(_THREAD, _THREAD.c.id == _ITEM.c.thread_id)
    .where(_ITEM.c.person_id == given("person"))
    .order_by(_ITEM.c.last_at.desc())
    .limit(12)
)


def person_card(ctx: Ctx, person_id: int) -> PersonCard | None:
    """Who a person is to us: facts, rhythm and earlier conversations; never a score (R62)."""
    who = _WHO.first(ctx.session, {"person": person_id})
    if who is None:
        return None
    name, handle, first_seen, last_seen, messages, platform, checking, checked = who
    veiled = _Veil(platform, maybe_moment(checking), ctx.now).over(checked)
    began = millis(ctx.now - timedelta(weeks=_WEEKS))
    weeks = [0] * _WEEKS
    for number, count in _RHYTHM.rows(ctx.session, {"person": person_id, "began": began}):
        weeks[min(_WEEKS - 1, number)] += count
    return PersonCard(
        person_id=person_id,
        name=name or handle,
        handle=handle,
        platform=platform,
        first_seen=moment(first_seen),
        last_seen=moment(last_seen),
        messages=messages,
        weeks=tuple(weeks),
        earlier=tuple(
            (key, "" if veiled else title, Level(level), moment(last_at), Status(status))
            for key, title, level, last_at, status in _EARLIER.rows(ctx.session, {"person": person_id})
        ),
        notes=_notes(ctx, _NOTES_OF_PERSON, person_id),
    )


# ------------------------------------------------------------------ what is done to a message


def message_for(ctx: Ctx, message_id: int, verb: Verb) -> Message:
    """A message that something is to be done to, where it is still there and its platform can."""
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
    why_not = accounts.abilities(ctx, account_id).get("verbs", {}).get(verb.value, _NOT_ASKED)
    if why_not:
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "This cannot be done on {platform}: {why}"),
            platform=account.platform,
            why=why_not,
        )


def _hidden(ctx: Ctx, message_id: int, wanted: bool) -> Recorded:
    kind = ActionKind.HIDE if wanted else ActionKind.UNHIDE
    message = message_for(ctx, message_id, Verb.HIDE if wanted else Verb.UNHIDE)
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
    message = message_for(ctx, message_id, Verb.LIKE)
    changed = actions.change(message, liked=True)
    return actions.record(ctx, ActionKind.LIKE, message=message, changed=changed)


def unlike(ctx: Ctx, message_id: int) -> Recorded:
    """Take a like back."""
    message = message_for(ctx, message_id, Verb.UNLIKE)
    changed = actions.change(message, liked=False)
    return actions.record(ctx, ActionKind.UNLIKE, message=message, changed=changed)


def resolve(ctx: Ctx, message_id: int) -> Recorded:
    """Tell the platform that a report was dealt with."""
    message = message_for(ctx, message_id, Verb.RESOLVE)
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
