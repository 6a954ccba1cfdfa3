"""From a page of a connector to rows: what the platform says, exactly once.

Intake writes only the platform's columns and opens work; it never touches a decision. A page may come
twice (a crash between its commit and the next pull): looking up its ids makes that harmless.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from connectors.contract import Page, RemoteGone, RemoteMessage, RemotePerson
from moderator_app.desk import clocks, folding
from moderator_app.desk.desk import Ctx
from moderator_app.models.base import Level, Status
from moderator_app.models.inbox import Cursor, Item, Message, Person, Revision, Signal, Thread

# What is older than this when it first arrives came with a back-fill: it is kept, read and searchable,
# but opens no work unless the rules find someone in danger in it.
EARLIER: Final = timedelta(days=7)
# Where a bound parameter list would grow without end.
_CHUNK: Final = 500
# Keeps rows with and without an empty column in one statement.
_WHOLE_ROWS: Final = {"render_nulls": True}


@dataclass(frozen=True, slots=True)
class Brought:
    """What a page changed."""

    new: int = 0
    edited: int = 0
    gone: int = 0
    skipped: int = 0

    def __add__(self, other: "Brought") -> "Brought":
        return Brought(
            self.new + other.new,
            self.edited + other.edited,
            self.gone + other.gone,
            self.skipped + other.skipped,
        )


def apply(ctx: Ctx, account_id: int, page: Page) -> Brought:
    """Store a page and its cursor in the transaction that the caller holds."""
    messages = {m.id: m for m in page.messages}  # a page may hold a message twice: the last is newest
    known = _known(ctx, account_id, [*messages, *(g.id for g in page.gone)])
    new = [m for m in messages.values() if m.id not in known]
    edited = sum(_refresh(ctx, known[m.id], m) for m in messages.values() if m.id in known)
    if new:
        _insert(ctx, account_id, new)
    gone = sum(_bury(ctx, known[g.id], g) for g in page.gone if g.id in known)
    ctx.session.merge(Cursor(account_id=account_id, stream=page.stream, state=page.state, at=ctx.now))
    return Brought(len(new), edited, gone, page.skipped)


def add(ctx: Ctx, account_id: int, messages: Sequence[RemoteMessage]) -> None:
    """Store those of the messages that are not known; what is known is left as it is."""
    known = _known(ctx, account_id, [m.id for m in messages])
    new = [m for m in messages if m.id not in known]
    if new:
        _insert(ctx, account_id, new)


def refresh(ctx: Ctx, account_id: int, answers: Sequence[RemoteMessage | RemoteGone]) -> Brought:
    """Store what a re-reading of known messages brought; unknown ones are left alone."""
    known = _known(ctx, account_id, [answer.id for answer in answers])
    edited = gone = 0
    for answer in answers:
        if answer.id not in known:
            continue
        if isinstance(answer, RemoteGone):
            gone += _bury(ctx, known[answer.id], answer)
        else:
            edited += _refresh(ctx, known[answer.id], answer)
    return Brought(edited=edited, gone=gone)


def _chunks(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    unique = list(dict.fromkeys(ids))
    return (unique[i : i + _CHUNK] for i in range(0, len(unique), _CHUNK))


def _known(ctx: Ctx, account_id: int, ids: Sequence[str]) -> dict[str, Message]:
    found: dict[str, Message] = {}
    for chunk in _chunks(ids):
        rows = ctx.session.scalars(
            sa.select(Message).where(Message.account_id == account_id, Message.external_id.in_(chunk))
        )
        found.update((row.external_id, row) for row in rows)
    return found


def _refresh(ctx: Ctx, row: Message, remote: RemoteMessage) -> int:
    """Bring a known message up to date; 1 if its words changed."""
    row.likes, row.replies = remote.likes, remote.replies
    row.hidden_there = remote.hidden
    if row.hidden_wanted == remote.hidden:
        row.hidden_wanted = None  # the platform agrees: the wish is fulfilled
    text = folding.repair(remote.text)
    if row.gone_at is None and text == row.body:
        row.revision = remote.revision
        return 0
    if row.gone_at is not None and remote.revision == row.revision:
        return 0  # a late copy of something that is known to be deleted
    if row.gone_at is None:
        ctx.session.add(Revision(message_id=row.id, body=row.body, replaced_at=ctx.now))
    row.body, row.folded = text, folding.for_search(text)
    row.revision, row.edited_at = remote.revision, remote.edited_at or ctx.now
    row.gone_at = row.gone_how = None
    if not row.ours:
        _unread(ctx, row)
    return 1


def _unread(ctx: Ctx, row: Message) -> None:
    """Let the rules read an edited message again. What they found before stays until they have."""
    if row.read_v is not None:
        row.read_v = None
        item = ctx.session.get(Item, row.item_id) if row.item_id else None
        if item is not None:
            item.pending += 1
            clocks.settle(item, ctx.now)


def _bury(ctx: Ctx, row: Message, gone: RemoteGone) -> int:
    """Deleted there means deleted here: the words, their history and every mark on them."""
    if row.gone_at is not None:
        return 0
    ctx.session.flush()
    ctx.session.execute(sa.delete(Signal).where(Signal.message_id == row.id))
    ctx.session.execute(sa.delete(Revision).where(Revision.message_id == row.id))
    thread = ctx.session.get_one(Thread, row.thread_id)
    if thread.title and row.body.startswith(thread.title.rstrip("…. ")):
        thread.title = ""  # a title is often the first line of what opened the conversation
    row.body, row.folded = "", None
    row.gone_at, row.gone_how = ctx.now, gone.how.value
    item = ctx.session.get(Item, row.item_id) if row.item_id else None
    if item is not None:
        _without(ctx, item, row)
    return 1


def _without(ctx: Ctx, item: Item, row: Message) -> None:
    """Take a vanished message out of its item's work.

    Where nothing is left the item ends, except a crisis or a red: the words are gone, the person is not.
    """
    if row.read_v is None:
        item.pending = max(0, item.pending - 1)
        row.read_v = 0
    ctx.session.flush()
    left = ctx.session.scalars(
        sa.select(Message.id)
        .where(Message.item_id == item.id, Message.gone_at.is_(None))
        .order_by(Message.level, Message.id.desc())
        .limit(1)
    ).first()
    if item.top_message_id == row.id and left is not None:
        item.top_message_id = left
    if left is None:
        item.new_messages = 0
        if item.level > Level.RED:
            item.status, item.outcome = Status.CLOSED, "deleted_there"
    clocks.settle(item, ctx.now)


def _insert(ctx: Ctx, account_id: int, new: Sequence[RemoteMessage]) -> None:
    people = _people(ctx, account_id, new)
    threads = _threads(ctx, account_id, new)
    items = _items(ctx, account_id, new, people, threads)
    rows: list[dict[str, Any]] = []
    for remote in new:
        text = folding.repair(remote.text)
        thread = threads[remote.thread_id]
        person = people[_person_of(remote).id]
        item = None if remote.ours else items[thread, person]
        rows.append(
            {
                "account_id": account_id,
                "thread_id": thread,
                "person_id": person,
                "item_id": item.id if item else None,
                "external_id": remote.id,
                "parent_ext": remote.parent_id,
                "subject_ext": remote.subject_id,
                "reason": remote.reason,
                "kind": remote.kind.value,
                "audience": remote.audience.value,
                "ours": remote.ours,
                "lang": remote.lang,
                "body": text,
                "folded": folding.for_search(text),
                "permalink": remote.permalink,
                "revision": remote.revision,
                "created_at": remote.created_at,
                "fetched_at": ctx.now,
                "edited_at": remote.edited_at,
                "likes": remote.likes,
                "replies": remote.replies,
                "hidden_there": remote.hidden,
                "read_v": 0 if remote.ours else None,
            }
        )
    ids = _added(ctx, Message, rows)
    for remote, row in zip(new, rows, strict=True):
        if row["item_id"] is not None:
            _open(ctx, items[row["thread_id"], row["person_id"]], ids[remote.id], remote)
    ctx.session.flush()
    _answered(ctx, account_id, [m for m in new if m.ours], threads)
    _answered_before(ctx, account_id, new, items)
    for item in items.values():
        clocks.settle(item, ctx.now)


def _open(ctx: Ctx, item: Item, message_id: int, remote: RemoteMessage) -> None:
    """A new message is work: whatever the item was, it is open again."""
    item.pending += 1
    item.last_at = max(item.last_at, remote.created_at)
    if remote.created_at < ctx.now - EARLIER:
        item.top_message_id = item.top_message_id or message_id
        return
    if item.status is not Status.OPEN or item.new_messages == 0:
        item.waiting_since = min(remote.created_at, ctx.now)
        item.seen_at = None
    if item.status is Status.CLOSED:
        # Whoever closed it had dealt with all that was said: what is new is read on its own.
        item.level, item.top_message_id = Level.GREEN, None
    if item.level is Level.GREEN and (item.new_messages == 0 or item.top_message_id is None):
        item.top_message_id = message_id
    # Above green the card keeps the message behind the level: each level shows its words.
    item.status, item.snoozed_until = Status.OPEN, None
    item.new_messages += 1


def _answered(ctx: Ctx, account_id: int, ours: Sequence[RemoteMessage], threads: dict[str, int]) -> None:
    """Our own messages that were written elsewhere (another device, before us) answer what came before."""
    for remote in ours:
        chosen = sa.select(Item).where(
            Item.thread_id == threads[remote.thread_id],
            Item.last_at <= remote.created_at,
            Item.status.in_([Status.OPEN, Status.EARLIER]),
        )
        if remote.parent_id is not None:
            chosen = chosen.join(Message, Message.item_id == Item.id).where(
                Message.account_id == account_id, Message.external_id == remote.parent_id
            )
        elif remote.id == remote.thread_id:
            continue  # a post of ours opens a conversation, it answers nobody
        for item in ctx.session.scalars(chosen):
            item.status, item.new_messages = Status.ANSWERED, 0
            item.first_reply_at = item.first_reply_at or remote.created_at


def _answered_before(
    ctx: Ctx, account_id: int, new: Sequence[RemoteMessage], items: dict[tuple[int, int], Item]
) -> None:
    """An answer of ours may have come in before what it answers: streams are read one after another."""
    ids = [m.id for m in new if not m.ours]
    by_id = {item.id: item for item in items.values()}
    for chunk in _chunks(ids):
        asked = aliased(Message)
        found = ctx.session.execute(
            sa.select(asked.item_id, sa.func.max(Message.created_at, type_=Message.created_at.type))
            .join(asked, sa.and_(asked.account_id == account_id, asked.external_id == Message.parent_ext))
            .where(
                Message.account_id == account_id,
                sa.literal_column("message.ours"),
                Message.parent_ext.in_(chunk),
            )
            .group_by(asked.item_id)
        ).all()
        for item_id, at in found:
            item = by_id.get(item_id or 0)
            if item is not None and item.last_at <= at and item.status in (Status.OPEN, Status.EARLIER):
                item.status, item.new_messages = Status.ANSWERED, 0
                item.first_reply_at = item.first_reply_at or at


def _person_of(remote: RemoteMessage) -> RemotePerson:
    """Who wrote it; a platform that hides the author still has one unknown person in each thread."""
    return remote.person or RemotePerson(id=f"?{remote.thread_id}", handle="")


def _people(ctx: Ctx, account_id: int, new: Sequence[RemoteMessage]) -> dict[str, int]:
    seen: dict[str, tuple[RemotePerson, list[RemoteMessage]]] = {}
    for remote in new:
        person = _person_of(remote)
        seen.setdefault(person.id, (person, []))[1].append(remote)
    found: dict[str, int] = {}
    for chunk in _chunks(list(seen)):
        for row in ctx.session.scalars(
            sa.select(Person).where(Person.account_id == account_id, Person.external_id.in_(chunk))
        ):
            person, theirs = seen[row.external_id]
            row.handle, row.name = folding.repair(person.handle), folding.repair(person.name)
            row.last_seen = max(row.last_seen, *(m.created_at for m in theirs))
            row.first_seen = min(row.first_seen, *(m.created_at for m in theirs))
            found[row.external_id] = row.id
    rows = [
        {
            "account_id": account_id,
            "external_id": key,
            "handle": folding.repair(person.handle),
            "name": folding.repair(person.name),
            "first_seen": min(m.created_at for m in theirs),
            "last_seen": max(m.created_at for m in theirs),
        }
        for key, (person, theirs) in seen.items()
        if key not in found
    ]
    return found | _added(ctx, Person, rows)


def _threads(ctx: Ctx, account_id: int, new: Sequence[RemoteMessage]) -> dict[str, int]:
    seen: dict[str, list[RemoteMessage]] = {}
    for remote in new:
        seen.setdefault(remote.thread_id, []).append(remote)
    found: dict[str, int] = {}
    for chunk in _chunks(list(seen)):
        for row in ctx.session.scalars(
            sa.select(Thread).where(Thread.account_id == account_id, Thread.external_id.in_(chunk))
        ):
            theirs = seen[row.external_id]
            row.title = row.title or folding.repair(theirs[0].thread_title)
            row.last_at = max(row.last_at, *(m.created_at for m in theirs))
            found[row.external_id] = row.id
    rows = [
        {
            "account_id": account_id,
            "external_id": key,
            "title": folding.repair(theirs[0].thread_title),
            "channel": folding.repair(theirs[0].channel),
            "permalink": theirs[0].permalink,
            "last_at": max(m.created_at for m in theirs),
        }
        for key, theirs in seen.items()
        if key not in found
    ]
    return found | _added(ctx, Thread, rows)


def _added(
    ctx: Ctx, table: type[Person | Thread | Message], rows: Sequence[dict[str, Any]]
) -> dict[str, int]:
    """Insert many at once and answer the new ids by their names on the platform.

    Asking for the ids in the order of the rows would make SQLAlchemy insert one by one on SQLite.
    """
    if not rows:
        return {}
    statement = sa.insert(table).returning(table.external_id, table.id)
    found = ctx.session.execute(statement, rows, execution_options=_WHOLE_ROWS)
    return {name: key for name, key in found}  # noqa: C416 - rows of two are no pairs to the type checker


def _items(
    ctx: Ctx,
    account_id: int,
    new: Sequence[RemoteMessage],
    people: dict[str, int],
    threads: dict[str, int],
) -> dict[tuple[int, int], Item]:
    wanted: dict[tuple[int, int], RemoteMessage] = {}
    for remote in new:
        if not remote.ours:
            wanted.setdefault((threads[remote.thread_id], people[_person_of(remote).id]), remote)
    found: dict[tuple[int, int], Item] = {}
    keys = sorted(wanted)
    for i in range(0, len(keys), _CHUNK):
        # Both by name: a thread of thousands must not be loaded for one new message in it.
        chosen = sa.select(Item).where(
            Item.thread_id.in_({thread for thread, _ in keys[i : i + _CHUNK]}),
            Item.person_id.in_({person for _, person in keys[i : i + _CHUNK]}),
        )
        found.update(((row.thread_id, row.person_id), row) for row in ctx.session.scalars(chosen))
    rows = [
        _new_item(account_id, key, min(remote.created_at, ctx.now))
        for key, remote in wanted.items()
        if key not in found
    ]
    if rows:
        made = ctx.session.scalars(sa.insert(Item).returning(Item), rows)
        found.update(((row.thread_id, row.person_id), row) for row in made)
    return found


def _new_item(account_id: int, key: tuple[int, int], at: datetime) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "thread_id": key[0],
        "person_id": key[1],
        "level": Level.GREEN,
        "status": Status.EARLIER,
        "rank": int(Level.RED),
        "pending": 0,
        "new_messages": 0,
        "waiting_since": at,
        "due_at": at,
        "last_at": at,
    }
