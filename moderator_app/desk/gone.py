"""How words go and stay gone: one way for what was deleted there, what expired and what was erased."""

import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa

from moderator_app.desk.desk import Ctx
from moderator_app.models.care import Action, Draft, Meta
from moderator_app.models.inbox import Enclosure, Item, Message, Person, Revision, Signal, Thread
from moderator_app.models.privacy import KeptOut
from moderator_app.models.terms import Status

EXPIRED: Final = "expired"  # by the organisation's rule: never brought back
UNCONFIRMED: Final = "unconfirmed"  # by the platform's limit: back when the platform says it is there
MARK: Final = 16  # bytes of a keyed mark: no two things of a store will ever share one
KEY: Final = "kept_out_key"
_CHUNK: Final = 500
_TITLE_BEGINS, _LEAST_TITLE = 12, 4  # characters by which a title is known again
# What an action may still say when its words are gone: names of colleagues, levels, moments.
_WORDLESS: Final = ("to", "from", "outcome", "until", "undo", "week", "audience", "template", "files")


def empty(ctx: Ctx, ids: Sequence[int], how: str) -> None:
    """Leave of messages that they were there: their words, history and marks go, and our copies of them."""
    ctx.session.flush()
    _untitle_begun(ctx, ids)
    ctx.session.execute(sa.delete(Signal).where(Signal.message_id.in_(ids)))
    ctx.session.execute(sa.delete(Revision).where(Revision.message_id.in_(ids)))
    ctx.session.execute(sa.delete(Enclosure).where(Enclosure.message_id.in_(ids)))
    # One statement for all: the search index takes most of the time, and one for each takes as long again.
    gone: dict[str, Any] = {"body": "", "folded": None, "gone_at": ctx.now, "gone_how": how}
    ctx.session.execute(sa.update(Message).where(Message.id.in_(ids)).values(gone))
    ours = sa.select(Message.action_id).where(Message.id.in_(ids), Message.action_id.is_not(None))
    sent = [uuid.UUID(name) for name in ctx.session.scalars(ours) if name]
    for action in ctx.session.scalars(sa.select(Action).where(Action.id.in_(sent))) if sent else ():
        action.detail = json.dumps({k: v for k, v in json.loads(action.detail).items() if k != "text"})


def unname(ctx: Ctx, message: Message) -> None:
    """Forget the id of an emptied message, and its author where nothing else of theirs is here or open.

    Only a keyed mark stays, so that a late copy is known for what it is. The day's counts stay.
    """
    keep_out(ctx, "message", message.account_id, [message.external_id])
    thread = ctx.session.get_one(Thread, message.thread_id)
    if opener(ctx, thread.id) == message.id:
        thread.permalink = None  # it names the opening post
    name = f"gone:{message.id}"
    around = sa.update(Message).where(Message.thread_id == thread.id)
    for column in (Message.parent_ext, Message.subject_ext):
        ctx.session.execute(around.where(column == message.external_id).values({column: name}))
    message.external_id, message.permalink, message.revision = name, None, ""
    ctx.session.flush()
    if message.person_id is not None and not message.ours and not _still_here(ctx, message.person_id):
        person = ctx.session.get_one(Person, message.person_id)
        person.external_id, person.handle, person.name = f"gone:{person.id}", "", ""


def _still_here(ctx: Ctx, person_id: int) -> bool:
    words = sa.exists().where(Message.person_id == person_id, Message.gone_at.is_(None))
    work = sa.exists().where(Item.person_id == person_id, Item.status != Status.CLOSED)
    return bool(ctx.session.scalar(sa.select(words | work)))


def _untitle_begun(ctx: Ctx, ids: Sequence[int]) -> None:
    """A title is the words of whoever opened the conversation."""
    titled = (
        sa.select(Message.id, Message.body, Thread)
        .join(Thread, Thread.id == Message.thread_id)
        .where(Message.id.in_(ids), Thread.title != "")
    )
    openers: dict[int, int | None] = {}
    for message_id, body, thread in ctx.session.execute(titled).all():
        if thread.id not in openers:
            openers[thread.id] = opener(ctx, thread.id)
        if thread.title and (message_id == openers[thread.id] or _begins(body, thread)):
            untitle(thread)


def untitle(thread: Thread) -> None:
    """Take the title from a conversation, and from the name of its channel, which often repeats it."""
    thread.channel = channel_without(thread.channel, thread.title)
    thread.title = ""


def channel_without(channel: str, title: str) -> str:
    """The name of a channel without the words of a title; a platform may have cut them short in it."""
    begins = title.rstrip("…. ")[:_TITLE_BEGINS]
    return "" if len(begins) >= _LEAST_TITLE and begins in channel else channel


def opener(ctx: Ctx, thread_id: int) -> int | None:
    """The message that a conversation began with, as far as it is here."""
    return ctx.session.scalars(
        sa.select(Message.id)
        .where(Message.thread_id == thread_id)
        .order_by(Message.created_at, Message.id)
        .limit(1)
    ).first()


def _begins(body: str, thread: Thread) -> bool:
    return body.startswith(thread.title.rstrip("…. "))


def drop_drafts(ctx: Ctx, item_ids: Sequence[int]) -> int:
    """Unsent words about forgotten ones go with them; answer how many."""
    found = ctx.session.execute(sa.delete(Draft).where(Draft.item_id.in_(item_ids)).returning(Draft.id))
    return len(found.all())


def hush(action: Action) -> bool:
    """Take every word out of an action; what was done, when and by whom stays. True where it had any."""
    detail = json.loads(action.detail)
    kept = {name: detail[name] for name in _WORDLESS if name in detail}
    had = set(detail) > set(kept) and not detail.get("erased")
    action.detail = json.dumps({**kept, "erased": "1"})
    action.before, action.trouble = "{}", ""
    return had


# ------------------------------------------------------------------ what may not come back


def key(ctx: Ctx) -> bytes:
    """The random key of this store's marks: without it a mark says nothing about anybody."""
    row = ctx.session.get(Meta, KEY)
    if row is None:
        row = Meta(key=KEY, value=secrets.token_hex(32))
        ctx.session.add(row)
        ctx.session.flush()
    return bytes.fromhex(row.value)


def _mark(secret: bytes, kind: str, account_id: int, name: str) -> bytes:
    return hmac.new(secret, f"{kind}|{account_id}|{name}".encode(), hashlib.sha256).digest()[:MARK]


def keep_out(ctx: Ctx, kind: str, account_id: int, names: Iterable[str]) -> None:
    """Remember that these messages ("message") or titles ("title") of an account may not come in again."""
    secret = key(ctx)
    rows = [{"mark": _mark(secret, kind, account_id, name)} for name in set(names)]
    if rows:
        ctx.session.execute(sa.insert(KeptOut).prefix_with("OR IGNORE"), rows)


def kept_out(ctx: Ctx, kind: str, account_id: int, names: Sequence[str]) -> set[str]:
    """Which of these may not come in."""
    if ctx.session.get(Meta, KEY) is None:
        return set()
    secret = key(ctx)
    marks = {_mark(secret, kind, account_id, name): name for name in names}
    found: set[str] = set()
    every = list(marks)
    for i in range(0, len(every), _CHUNK):
        chosen = sa.select(KeptOut.mark).where(KeptOut.mark.in_(every[i : i + _CHUNK]))
        found.update(marks[mark] for mark in ctx.session.scalars(chosen))
    return found
