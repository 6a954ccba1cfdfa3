"""What a session that leaves nothing would lose, and how the written part of it is kept after all."""

import json
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from connectors.contract import Audience, Kind, RemoteMessage, RemotePerson
from moderator_app.desk import actions, gone, intake, replies, threads
from moderator_app.desk.desk import Ctx
from moderator_app.desk.rows import ActionState
from moderator_app.models.care import Action, Draft, Meta, Note
from moderator_app.models.inbox import Account, Item, Message, Person, Thread
from moderator_app.models.privacy import KeptOut, RetentionRule
from moderator_app.models.terms import ActionKind, Status

_ACCOUNT: Final = ("id", "platform", "external_id", "handle", "name", "vault_key", "form", "abilities")
_WAITING: Final = (*actions.WAITING, ActionState.UNSURE)


@dataclass(frozen=True, slots=True)
class Stake:
    """How much of each kind only this session has. `decisions`: taken, escalated or put off, not closed."""

    drafts: int = 0
    notes: int = 0
    waiting: int = 0
    decisions: int = 0

    def __bool__(self) -> bool:
        return any((self.drafts, self.notes, self.waiting, self.decisions))


@dataclass(frozen=True, slots=True)
class Kept:
    """One conversation in which something was written, by the platform's own ids, and what was written."""

    platform: str
    account: str
    thread: str
    person: str
    messages: tuple[RemoteMessage, ...]
    notes: tuple[str, ...]
    draft: tuple[str, Audience, str] | None  # its text, for whom, from which template


@dataclass(frozen=True, slots=True)
class Lent:
    """What a session takes from the profile's store, as rows: never a message, a person or a note."""

    accounts: list[dict[str, Any]]
    rules: list[dict[str, Any]]
    kept_out: list[bytes]
    kept_out_key: str | None


def lend(ctx: Ctx) -> Lent:
    """The connected accounts, how long words are kept, and the marks of what was erased."""
    found = ctx.session.scalars(sa.select(Account).where(Account.removed_at.is_(None)))
    rules = ctx.session.scalars(sa.select(RetentionRule))
    return Lent(
        accounts=[{name: getattr(row, name) for name in _ACCOUNT} for row in found],
        rules=[{"platform": one.platform, "level": one.level, "days": one.days} for one in rules],
        kept_out=list(ctx.session.scalars(sa.select(KeptOut.mark))),
        kept_out_key=ctx.session.scalar(sa.select(Meta.value).where(Meta.key == gone.KEY)),
    )


def borrow(ctx: Ctx, lent: Lent) -> None:
    """Begin with what was lent. Accounts keep their numbers, which the marks of what was erased hold."""
    ctx.session.add_all(Account(**one) for one in lent.accounts)
    ctx.session.add_all(RetentionRule(**one) for one in lent.rules)
    ctx.session.add_all(KeptOut(mark=mark) for mark in lent.kept_out)
    if lent.kept_out_key is not None:
        ctx.session.merge(Meta(key=gone.KEY, value=lent.kept_out_key))


def at_stake(ctx: Ctx) -> Stake:
    """What would be lost now."""
    unfinished = sa.or_(
        Item.assignee == ctx.who,
        sa.and_(Item.escalated_to != "", Item.acknowledged_at.is_(None)),
        Item.status == Status.SNOOZED,
    )
    return Stake(
        drafts=_count(ctx, Draft, Draft.text != ""),
        notes=_count(ctx, Note, Note.forgotten_at.is_(None)),
        waiting=_count(ctx, Action, Action.state.in_(_WAITING)),
        decisions=_count(ctx, Item, Item.status != Status.CLOSED, unfinished),
    )


def _count(ctx: Ctx, table: Any, *conditions: sa.ColumnElement[bool]) -> int:
    return ctx.session.scalar(sa.select(sa.func.count()).select_from(table).where(*conditions)) or 0


def hurry(ctx: Ctx) -> None:
    """End the seconds in which what waits could be taken back: whoever leaves wants it to leave, too."""
    ctx.session.execute(
        sa.update(Action)
        .where(Action.state == ActionState.HELD, Action.not_before > ctx.now, Action.tries == 0)
        .values(not_before=ctx.now)
    )


def gather(ctx: Ctx) -> list[Kept]:
    """Every conversation with a note, a draft or a reply that did not leave."""
    waiting = sa.select(Action.item_id).where(Action.kind == ActionKind.REPLY, Action.state.in_(_WAITING))
    noted = sa.select(Note.item_id).where(Note.forgotten_at.is_(None))
    drafted = sa.select(Draft.item_id).where(Draft.text != "")
    found = ctx.session.scalars(
        sa.select(Item).where(sa.or_(Item.id.in_(waiting), Item.id.in_(noted), Item.id.in_(drafted)))
    )
    return [_gathered(ctx, item) for item in found]


def _gathered(ctx: Ctx, item: Item) -> Kept:
    account = ctx.session.get_one(Account, item.account_id)
    thread = ctx.session.get_one(Thread, item.thread_id)
    notes = ctx.session.scalars(
        sa.select(Note.text).where(Note.item_id == item.id, Note.forgotten_at.is_(None)).order_by(Note.at)
    )
    return Kept(
        platform=account.platform,
        account=account.external_id,
        thread=thread.external_id,
        person=ctx.session.get_one(Person, item.person_id).external_id,
        messages=tuple(_messages(ctx, thread)),
        notes=tuple(notes),
        draft=_words(ctx, item),
    )


def _words(ctx: Ctx, item: Item) -> tuple[str, Audience, str] | None:
    """The draft, and under it what could not leave: kept as words, because only a person may send it now."""
    found = [(row.text, row.audience, row.template_id) for row in [replies.draft(ctx, item.id)] if row]
    waiting = ctx.session.scalars(
        sa.select(Action.detail)
        .where(Action.item_id == item.id, Action.kind == ActionKind.REPLY, Action.state.in_(_WAITING))
        .order_by(Action.at)
    )
    found += [
        (detail["text"], Audience(detail["audience"]), detail.get("template", ""))
        for detail in map(json.loads, waiting)
    ]
    if not found:
        return None
    _, audience, template = found[0]
    return "\n\n".join(text for text, _, _ in found), audience, template


def _messages(ctx: Ctx, thread: Thread) -> list[RemoteMessage]:
    found = ctx.session.execute(
        sa.select(Message, Person)
        .outerjoin(Person, Person.id == Message.person_id)
        .where(Message.thread_id == thread.id, Message.gone_at.is_(None))
        .order_by(Message.created_at, Message.id)
    )
    return [_remote(thread, message, person) for message, person in found]


def _remote(thread: Thread, row: Message, person: Person | None) -> RemoteMessage:
    return RemoteMessage(
        id=row.external_id,
        thread_id=thread.external_id,
        kind=Kind(row.kind),
        person=RemotePerson(person.external_id, person.handle, person.name) if person else None,
        text=row.body,
        created_at=row.created_at,
        audience=Audience(row.audience),
        ours=row.ours,
        parent_id=row.parent_ext,
        subject_id=row.subject_ext,
        reason=row.reason,
        thread_title=thread.title,
        channel=thread.channel,
        permalink=row.permalink,
        lang=row.lang,
        edited_at=row.edited_at,
        revision=row.revision,
        hidden=row.hidden_there,
        likes=row.likes,
        replies=row.replies,
    )


def keep(ctx: Ctx, gathered: list[Kept]) -> int:
    """Store the conversations with what was written in them; answers how many found their account here."""
    kept = 0
    for one in gathered:
        account = ctx.session.scalars(
            sa.select(Account.id).where(
                Account.platform == one.platform,
                Account.external_id == one.account,
                Account.removed_at.is_(None),
            )
        ).first()
        if account is None:
            continue  # it was connected in this session only, and ends with it
        intake.add(ctx, account, one.messages)
        item = ctx.session.scalars(
            sa.select(Item.id)
            .join(Thread, Thread.id == Item.thread_id)
            .join(Person, Person.id == Item.person_id)
            .where(
                Item.account_id == account,
                Thread.external_id == one.thread,
                Person.external_id == one.person,
            )
        ).first()
        if item is None:
            continue  # the platform took back all that this person had said
        for text in one.notes:
            threads.note(ctx, item, text)
        if one.draft is not None:
            _keep_draft(ctx, item, *one.draft)
        kept += 1
    return kept


def _keep_draft(ctx: Ctx, item: int, text: str, audience: Audience, template: str) -> None:
    there = replies.draft(ctx, item)
    both = f"{there.text}\n\n{text}" if there and text not in there.text else text
    replies.save_draft(ctx, item, both, audience, template)
