"""The life of an action: recorded, held, sent, settled; and back again by undo.

One table of kinds says what each does on the platform and how it is taken back. What an action changed
here is kept beside it as `before` and `after`, so that undo, a refusal and a crash all restore the same
way: a column goes back only where nobody has changed it since.
"""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from connectors.contract import Audience, Command, Receipt, Verb
from connectors.errors import CannotTell, OutcomeUnknown, Reason, Refused, SignInAgain, TryLater
from moderator_app.desk import audit, clocks, gone
from moderator_app.desk.desk import Ctx
from moderator_app.desk.rows import HistoryRow, OutboxRow, Recorded, Undone
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.models.base import Base, maybe_moment, millis, moment
from moderator_app.models.care import Action, Draft, Meta, Note, new_id
from moderator_app.models.inbox import Account, Item, Message, Person, Thread
from moderator_app.models.session import Plain, adding, given, table
from moderator_app.models.terms import ActionKind, ActionState

GRACE: Final = timedelta(seconds=10)  # R32
_UNDO_REACH: Final = timedelta(hours=12)  # how far back Ctrl+Z goes: about one shift
_BACKOFF: Final = (5, 15, 60, 300, 900)  # seconds before another try, then the last for ever


@dataclass(frozen=True, slots=True)
class Effect:
    """What a kind does: its verb on the platform (none: it stays here) and the kind that takes it back."""

    verb: Verb | None = None
    inverse: ActionKind | None = None


KINDS: Final[Mapping[ActionKind, Effect]] = {
    ActionKind.REPLY: Effect(Verb.REPLY, ActionKind.RETRACT),
    ActionKind.RETRACT: Effect(Verb.RETRACT),
    ActionKind.HIDE: Effect(Verb.HIDE, ActionKind.UNHIDE),
    ActionKind.UNHIDE: Effect(Verb.UNHIDE, ActionKind.HIDE),
    ActionKind.LIKE: Effect(Verb.LIKE, ActionKind.UNLIKE),
    ActionKind.UNLIKE: Effect(Verb.UNLIKE, ActionKind.LIKE),
    ActionKind.RESOLVE: Effect(Verb.RESOLVE),
    ActionKind.REMOVE: Effect(Verb.REMOVE, ActionKind.RESTORE),
    ActionKind.RESTORE: Effect(Verb.RESTORE, ActionKind.REMOVE),
    ActionKind.SPAM: Effect(Verb.SPAM, ActionKind.RESTORE),
    ActionKind.REPORT: Effect(Verb.REPORT),
    ActionKind.HAND_ON: Effect(Verb.ESCALATE),
    ActionKind.LABEL: Effect(Verb.LABEL, ActionKind.UNLABEL),
    ActionKind.UNLABEL: Effect(Verb.UNLABEL, ActionKind.LABEL),
    ActionKind.LOCK: Effect(Verb.LOCK, ActionKind.UNLOCK),
    ActionKind.UNLOCK: Effect(Verb.UNLOCK, ActionKind.LOCK),
    ActionKind.MUTE: Effect(Verb.MUTE, ActionKind.UNMUTE),
    ActionKind.UNMUTE: Effect(Verb.UNMUTE, ActionKind.MUTE),
    ActionKind.KICK: Effect(Verb.KICK),
    ActionKind.BAN: Effect(Verb.BAN, ActionKind.UNBAN),
    ActionKind.UNBAN: Effect(Verb.UNBAN, ActionKind.BAN),
    ActionKind.WRITE: Effect(Verb.WRITE),
    ActionKind.POLL: Effect(Verb.POLL),
    ActionKind.END_POLL: Effect(Verb.END_POLL),
    ActionKind.ASSIGN: Effect(inverse=ActionKind.ASSIGN),
    ActionKind.SNOOZE: Effect(inverse=ActionKind.REOPEN),
    ActionKind.CLOSE: Effect(inverse=ActionKind.REOPEN),
    ActionKind.REOPEN: Effect(inverse=ActionKind.REOPEN),
    ActionKind.LEVEL: Effect(inverse=ActionKind.LEVEL),
    ActionKind.ESCALATE: Effect(inverse=ActionKind.ESCALATE),
    ActionKind.ACKNOWLEDGE: Effect(inverse=ActionKind.ACKNOWLEDGE),
    ActionKind.NOTE: Effect(inverse=ActionKind.FORGET_NOTE),
    ActionKind.FORGET_NOTE: Effect(inverse=ActionKind.NOTE),
    ActionKind.MISREAD: Effect(inverse=ActionKind.MISREAD),
    ActionKind.EXPORT: Effect(),
}

# What the record may repeat of an action: names and levels, never anybody's words.
_AUDITED: Final = ("to", "from", "outcome", "until", "undo", "week")
_ACTION: Final = table(Action)
_ADD: Final = adding(
    _ACTION,
    *("id", "kind", "state", "who", "at", "account_id", "item_id", "message_id", "detail", "before"),
    *("undoes_id", "not_before", "tries", "settled_at", "trouble"),
)
WAITING: Final = (ActionState.HELD, ActionState.SENT, ActionState.UNKNOWN)  # the lane still has to do with it
_OPTIONS: Final = ("choice", "reason", "label", "hours", "choices")  # of a command, kept in the detail


def _plain(value: Any) -> Any:
    """A column's value as JSON can keep it."""
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    return value.value if hasattr(value, "value") else value


def change(row: Item | Message, **columns: Any) -> dict[str, dict[str, list[Any]]]:
    """Set columns of an item or a message and say what they were: the shape that `record` keeps."""
    changed = {}
    for name, value in columns.items():
        changed[name] = [_plain(getattr(row, name)), _plain(value)]
        setattr(row, name, value)
    return {f"{row.__tablename__}:{row.id}": changed}


def record(
    ctx: Ctx,
    kind: ActionKind,
    item: Item | None = None,
    message: Message | None = None,
    *,
    detail: Mapping[str, str] | None = None,
    changed: Mapping[str, Any] | None = None,
    hold: timedelta = GRACE,
    undoes: Action | None = None,
) -> Recorded:
    """Write one action down; what it changed here (`changed`) has already been set by the caller."""
    remote = KINDS[kind].verb is not None
    account = item.account_id if item else message.account_id if message else None
    about = item.id if item else message.item_id if message else None
    key, at = new_id(), millis(ctx.now)
    not_before = ctx.now + hold if remote else None
    row = {
        "id": key.hex,
        "kind": kind.value,
        "state": (ActionState.HELD if remote else ActionState.DONE).value,
        "who": ctx.who,
        "at": at,
        "account_id": account,
        "item_id": about,
        "message_id": message.id if message else None,
        "detail": json.dumps(dict(detail or {})),
        "before": json.dumps(dict(changed or {})),
        "undoes_id": undoes.id.hex if undoes else None,
        "not_before": millis(not_before),
        "tries": 0,
        "settled_at": None if remote else at,
        "trouble": "",
    }
    _ADD.write(ctx.session, [row])
    if undoes is not None:
        undoes.undone_by = key
    facts = {name: detail[name] for name in _AUDITED if detail and name in detail}
    target = _about(about, message.id if message else None)
    audit.write(ctx, kind.value, target, action=str(key), **facts)
    return Recorded(key, kind, not_before)


def _about(item_id: int | None, message_id: int | None) -> str:
    """What an action is about, as the record names it."""
    if message_id is not None:
        return f"message:{message_id}"
    return f"item:{item_id}" if item_id is not None else ""


def exported(ctx: Ctx, week: str, files: Sequence[Path]) -> Recorded:
    """A week was written; where, so that an erasure can say which files still exist."""
    detail = {"week": week, "files": "\n".join(str(file.resolve()) for file in files)}
    return record(ctx, ActionKind.EXPORT, detail=detail)


def _target(action: Action) -> str:
    return _about(action.item_id, action.message_id)


def _restore(ctx: Ctx, action: Action) -> dict[str, dict[str, list[Any]]]:
    """Put back what the action changed, where nobody changed it since; answer what that changed."""
    tables: Mapping[str, type[Item | Message]] = {"item": Item, "message": Message}
    restored: dict[str, dict[str, list[Any]]] = {}
    for target, columns in json.loads(action.before).items():
        table, _, key = target.partition(":")
        row = ctx.session.get(tables[table], int(key))
        if row is None:
            continue
        for name, (before, after) in columns.items():
            if _plain(getattr(row, name)) == after:
                restored.setdefault(target, {})[name] = [after, before]
                setattr(row, name, _value(type(row), name, before))
        if isinstance(row, Item):
            clocks.settle(row, ctx.now)
    return restored


def _value(table: type[Base], name: str, plain: Any) -> Any:
    """The column's own type from its JSON form."""
    kind = table.__table__.columns[name].type
    if isinstance(kind, sa.types.TypeDecorator):
        return kind.process_result_value(plain, None)  # type: ignore[arg-type]  # ours ignore the dialect
    return plain


def _get(ctx: Ctx, action_id: uuid.UUID) -> Action:
    action = ctx.session.get(Action, action_id)
    if action is None:
        raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "That action is no longer known."))
    return action


def undo(ctx: Ctx, action_id: uuid.UUID) -> Undone:
    """Take an action back: unsent ones vanish, done ones are answered by their inverse."""
    action = _get(ctx, action_id)
    detail = json.loads(action.detail)
    if action.undone_by is not None or action.state in (ActionState.CANCELLED, ActionState.FAILED):
        raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "That was already taken back."))
    if detail.get("erased"):
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "This cannot be taken back: what it was about was erased.")
        )
    if action.state in (ActionState.SENT, ActionState.UNKNOWN, ActionState.UNSURE):
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "It is being sent right now."),
            QT_TRANSLATE_NOOP("Error", "Take it back when it has arrived."),
        )
    if action.state is ActionState.HELD:
        _cancel(ctx, action)
        return Undone(action.id, action.kind, action.item_id, detail.get("text", ""))
    _invert(ctx, action, detail)
    return Undone(action.id, action.kind, action.item_id)


def _cancel(ctx: Ctx, action: Action) -> None:
    action.state, action.settled_at = ActionState.CANCELLED, ctx.now
    audit.write(ctx, "cancelled", _target(action), action=str(action.id))
    _restore(ctx, action)
    if action.undoes_id is not None:
        # What this was about to take back stands again.
        _get(ctx, action.undoes_id).undone_by = None
    if action.kind is ActionKind.REPLY:
        _keep_words(ctx, action)


def _invert(ctx: Ctx, action: Action, detail: Mapping[str, str]) -> None:
    inverse = KINDS[action.kind].inverse
    if inverse is None:
        raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "This cannot be taken back."))
    changed = _restore(ctx, action)
    if action.kind in (ActionKind.NOTE, ActionKind.FORGET_NOTE):
        note = ctx.session.get_one(Note, uuid.UUID(detail["note"]))
        note.forgotten_at = ctx.now if inverse is ActionKind.FORGET_NOTE else None
    item = ctx.session.get(Item, action.item_id) if action.item_id else None
    message = ctx.session.get(Message, action.message_id) if action.message_id else None
    facts = {**detail, "undo": action.kind.value}
    if action.kind is ActionKind.REPLY:
        facts["target"] = action.remote_id or ""
    record(ctx, inverse, item, message, detail=facts, changed=changed, undoes=action)


def undo_last(ctx: Ctx) -> Undone | None:
    """Take back my newest action that still stands and can be; None where there is none."""
    rows = ctx.session.scalars(
        sa.select(Action)
        .where(
            Action.who == ctx.who,
            Action.at > ctx.now - _UNDO_REACH,
            Action.undone_by.is_(None),
            Action.undoes_id.is_(None),
            Action.state.in_([ActionState.HELD, ActionState.DONE]),
        )
        .order_by(Action.at.desc(), Action.id.desc())
        .limit(20)
    )
    for action in rows:
        stands = action.state is ActionState.HELD or KINDS[action.kind].inverse is not None
        if stands and not json.loads(action.detail).get("erased"):
            return undo(ctx, action.id)
    return None


def abandon(ctx: Ctx, account_id: int) -> None:
    """The account is read no more: what waits does not leave, its words become drafts again.

    What was handed over without an answer nobody can look up any more: a person has to.
    """
    waiting = sa.select(Action).where(Action.account_id == account_id, Action.state.in_(WAITING))
    for action in ctx.session.scalars(waiting).all():
        if action.state is ActionState.HELD:
            _cancel(ctx, action)
        else:
            action.state = ActionState.UNSURE


def retry(ctx: Ctx, action_id: uuid.UUID) -> None:
    """Send a held or unknown action as soon as its account's lane runs again."""
    action = _get(ctx, action_id)
    if action.state in (ActionState.HELD, ActionState.UNKNOWN):
        action.not_before = ctx.now


# ------------------------------------------------------------------ towards the platform


@dataclass(frozen=True, slots=True)
class Due:
    """An action that is to be sent now. `look_first`: an earlier try may have arrived."""

    action_id: uuid.UUID
    command: Command
    look_first: bool


def recover(ctx: Ctx) -> int:
    """After a crash: what was handed over without a word back must be looked for before it is sent.

    A store that was restored or recovered says so once, in the record.
    """
    word = ctx.session.get(Meta, "came_back")
    if word is not None:
        audit.write(ctx, "came_back", how=word.value)
        ctx.session.delete(word)
    rows = [action for action in _of(ctx, _WAITS.rows(ctx.session)) if action.state is ActionState.SENT]
    for action in rows:
        action.state, action.not_before = ActionState.UNKNOWN, ctx.now
    return len(rows)


# The states are written out, so that SQLite sees that the index over what waits holds all of it.
_WAITS: Final = Plain(sa.select(_ACTION.c.id).where(_ACTION.c.state.in_(WAITING)))
_UNSURE: Final = Plain(sa.select(_ACTION.c.id).where(_ACTION.c.state == ActionState.UNSURE))
_IN_LANE: Final = sa.and_(_ACTION.c.state.in_(WAITING), _ACTION.c.account_id == given("account"))
_HELD: Final = sa.and_(_IN_LANE, _ACTION.c.state != ActionState.SENT)
_DUE: Final = Plain(sa.select(_ACTION.c.id).where(_HELD, _ACTION.c.not_before <= given("now")))
_NEXT: Final = Plain(sa.select(_ACTION.c.not_before).where(_HELD).order_by(_ACTION.c.not_before).limit(1))
_REFUSED: Final = Plain(
    sa.select(_ACTION.c.id).where(
        _ACTION.c.state == ActionState.FAILED, _ACTION.c.settled_at > given("since")
    )
)


def _of(ctx: Ctx, keys: Iterable[tuple[str]]) -> list[Action]:
    """The actions of these ids, in the order in which they were recorded."""
    ids = [uuid.UUID(key) for (key,) in keys]
    found = ctx.session.scalars(sa.select(Action).where(Action.id.in_(ids)))
    return sorted(found, key=lambda action: (action.at, action.id))


def take_due(ctx: Ctx, account_id: int, limit: int = 20) -> list[Due]:
    """Mark what is due as sent and hand it out; the caller commits before it calls the platform.

    Who can read it is looked at once more: a reply to what has become private since is not sent.
    """
    keys = _DUE.rows(ctx.session, {"account": account_id, "now": millis(ctx.now)})
    due = []
    for action in _of(ctx, keys)[:limit]:
        if _would_widen(ctx, action):
            settle(ctx, action.id, Refused(Reason.STALE, _NARROWER))
            continue
        due.append(Due(action.id, _command(ctx, action), action.state is ActionState.UNKNOWN))
        action.state = ActionState.SENT
        action.tries += 1
    return due


def _would_widen(ctx: Ctx, action: Action) -> bool:
    detail = json.loads(action.detail)
    message = ctx.session.get(Message, action.message_id) if action.message_id else None
    private = message is not None and message.audience == Audience.PRIVATE
    return private and detail.get("audience") == Audience.PUBLIC and action.state is ActionState.HELD


def _command(ctx: Ctx, action: Action) -> Command:
    detail = json.loads(action.detail)
    message = ctx.session.get(Message, action.message_id) if action.message_id else None
    thread = ctx.session.get(Thread, message.thread_id) if message else None
    verb = KINDS[action.kind].verb
    assert verb is not None
    return Command(
        key=str(action.id),
        verb=verb,
        target=detail.get("target") or (message.external_id if message else ""),
        thread_id=thread.external_id if thread else "",
        text=detail.get("text", ""),
        audience=Audience(detail.get("audience", Audience.PUBLIC)),
        options={name: detail[name] for name in _OPTIONS if name in detail},
        revision=message.revision if message else "",
    )


Outcome = Receipt | SignInAgain | TryLater | OutcomeUnknown | Refused
_NARROWER: Final = "What it answers can no longer be read by everybody."


def settle(ctx: Ctx, action_id: uuid.UUID, outcome: Outcome) -> None:
    """Write down the platform's word on a sent action."""
    action = _get(ctx, action_id)
    if isinstance(outcome, Receipt):
        action.state, action.settled_at = ActionState.DONE, ctx.now
        action.remote_id, action.trouble = outcome.remote_id, ""
        audit.write(ctx, "arrived", _target(action), action=str(action.id))
        _done(ctx, action, outcome)
    elif isinstance(outcome, Refused):
        action.state, action.settled_at = ActionState.FAILED, ctx.now
        action.reason, action.trouble = outcome.reason.value, str(outcome)
        audit.write(ctx, "refused", _target(action), action=str(action.id), why=outcome.reason.value)
        _restore(ctx, action)
        if action.undoes_id is not None:
            _get(ctx, action.undoes_id).undone_by = None
        if action.kind is ActionKind.REPLY:
            _keep_words(ctx, action)
    elif isinstance(outcome, CannotTell):
        action.state, action.trouble = ActionState.UNSURE, str(outcome)
        audit.write(ctx, "unsure", _target(action), action=str(action.id))
    else:
        unknown = isinstance(outcome, OutcomeUnknown)
        action.state = ActionState.UNKNOWN if unknown else ActionState.HELD
        until = outcome.until if isinstance(outcome, TryLater) else None
        wait = timedelta(seconds=_BACKOFF[min(action.tries, len(_BACKOFF)) - 1])
        action.not_before = max(until or ctx.now, ctx.now + wait)
        action.trouble = str(outcome)


def answer_unsure(ctx: Ctx, action_id: uuid.UUID, *, arrived: bool) -> None:
    """A person looked on the platform: it is there, or it is to be sent again."""
    action = _get(ctx, action_id)
    if action.state is not ActionState.UNSURE:
        raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "It is known by now how that ended."))
    audit.write(ctx, "looked", _target(action), action=str(action.id), arrived="yes" if arrived else "no")
    if arrived:
        action.state, action.settled_at, action.trouble = ActionState.DONE, ctx.now, ""
    else:
        action.state, action.not_before, action.trouble = ActionState.HELD, ctx.now, ""


def _done(ctx: Ctx, action: Action, receipt: Receipt) -> None:
    """Show at once what a later pull will bring: our reply in its place, our retraction gone."""
    message = ctx.session.get(Message, action.message_id) if action.message_id else None
    if message is None:
        return
    if action.kind is ActionKind.REPLY and receipt.remote_id:
        _place_reply(ctx, action, message, receipt)
    elif action.kind is ActionKind.RETRACT:
        target = json.loads(action.detail).get("target", "")
        sent = ctx.session.scalars(
            sa.select(Message).where(Message.account_id == action.account_id, Message.external_id == target)
        ).first()
        if sent is not None:
            gone.empty(ctx, [sent.id], "deleted")


def _place_reply(ctx: Ctx, action: Action, message: Message, receipt: Receipt) -> None:
    known = ctx.session.scalars(
        sa.select(Message).where(
            Message.account_id == action.account_id, Message.external_id == receipt.remote_id
        )
    ).first()
    if known is not None:
        known.action_id = str(action.id)
        return
    detail = json.loads(action.detail)
    ctx.session.add(
        Message(
            account_id=message.account_id,
            thread_id=message.thread_id,
            person_id=_ourselves(ctx, message.account_id),
            external_id=receipt.remote_id,
            parent_ext=message.external_id,
            kind=message.kind,
            audience=detail.get("audience", message.audience),
            ours=True,
            body=detail.get("text", ""),
            permalink=receipt.permalink,
            created_at=receipt.at or ctx.now,
            fetched_at=ctx.now,
            read_v=0,
            action_id=str(action.id),
        )
    )


def _ourselves(ctx: Ctx, account_id: int) -> int:
    account = ctx.session.get_one(Account, account_id)
    row = ctx.session.scalars(
        sa.select(Person).where(Person.account_id == account_id, Person.external_id == account.external_id)
    ).first()
    if row is None:
        row = Person(
            account_id=account_id,
            external_id=account.external_id,
            handle=account.handle,
            name=account.name,
            first_seen=ctx.now,
            last_seen=ctx.now,
        )
        ctx.session.add(row)
        ctx.session.flush()
    return row.id


def _keep_words(ctx: Ctx, action: Action) -> None:
    """A reply that did not leave is a draft again, after whatever was written meanwhile."""
    detail = json.loads(action.detail)
    if action.item_id is None or not detail.get("text"):
        return
    draft = ctx.session.scalars(
        sa.select(Draft).where(Draft.item_id == action.item_id, Draft.who == action.who)
    ).first()
    if draft is None:
        ctx.session.add(
            Draft(
                item_id=action.item_id,
                who=action.who,
                text=detail["text"],
                audience=detail.get("audience", Audience.PUBLIC),
                template_id=detail.get("template", ""),
                saved_at=ctx.now,
            )
        )
    elif detail["text"] not in draft.text:
        draft.text = f"{draft.text}\n\n{detail['text']}".strip()
        draft.saved_at = ctx.now


# ------------------------------------------------------------------ for the screen


_DONE: Final = Plain(
    sa.select(
        *(_ACTION.c[name] for name in ("id", "kind", "at", "who", "state", "detail", "undone_by", "trouble"))
    )
    .where(_ACTION.c.item_id == given("item"))
    .order_by(_ACTION.c.at.desc())
    .limit(given("limit"))
)


def history(ctx: Ctx, item_id: int, limit: int = 100) -> list[HistoryRow]:
    """What was done on an item, newest first."""
    found = _DONE.rows(ctx.session, {"item": item_id, "limit": limit})
    # Of two in one millisecond the id says which came later.
    found.sort(key=lambda row: (row[2], row[0]), reverse=True)
    rows = []
    for key, word, at, who, stand, detail, undone_by, trouble in found:
        kind, state = ActionKind(word), ActionState(stand)
        stands = state is ActionState.HELD or (state is ActionState.DONE and KINDS[kind].inverse is not None)
        rows.append(
            HistoryRow(
                action_id=uuid.UUID(key),
                kind=kind,
                at=moment(at),
                who=who,
                state=state,
                detail=json.loads(detail),
                can_undo=undone_by is None and stands,
                trouble=trouble,
            )
        )
    return rows


def outbox(ctx: Ctx, limit: int = 200) -> list[OutboxRow]:
    """What has not arrived yet, oldest first, and what was refused in the last day."""
    since = millis(ctx.now - timedelta(days=1))
    keys = _WAITS.rows(ctx.session) + _UNSURE.rows(ctx.session) + _REFUSED.rows(ctx.session, {"since": since})
    chosen = [action for action in _of(ctx, keys) if action.message_id is not None][:limit]
    about = sa.select(Message.id, Thread.title, Account.handle).join(Thread, Thread.id == Message.thread_id)
    about = about.join(Account, Account.id == Message.account_id)
    messages = [action.message_id for action in chosen]
    known = {key: rest for key, *rest in ctx.session.execute(about.where(Message.id.in_(messages)))}
    return [
        OutboxRow(
            action_id=action.id,
            kind=action.kind,
            item_id=action.item_id,
            title=known[action.message_id][0],
            account=known[action.message_id][1],
            text=json.loads(action.detail).get("text", ""),
            state=action.state,
            send_at=action.not_before,
            tries=action.tries,
            trouble=action.trouble,
        )
        for action in chosen
        if action.message_id in known
    ]


def next_due(ctx: Ctx, account_id: int) -> datetime | None:
    """When the account's lane has something to send next; None where nothing waits."""
    found = _NEXT.first(ctx.session, {"account": account_id})
    return maybe_moment(found[0]) if found else None
