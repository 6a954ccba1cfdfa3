"""From a page of a connector to rows: what the platform says, exactly once.

Intake writes only the platform's columns and opens work; it never touches a decision. A page may come
twice (a crash between its commit and the next pull): looking up its ids makes that harmless.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from connectors.contract import GoneHow, Page, RemoteGone, RemoteMessage, RemotePerson
from moderator_app.desk import clocks, duties, enclosed, folding, gone, work
from moderator_app.desk.desk import Ctx
from moderator_app.desk.work import Work
from moderator_app.models.base import millis, moment
from moderator_app.models.inbox import Account, Cursor, Item, Message, Person, Revision, Thread
from moderator_app.models.session import Plain, adding, given, given_ids, table
from moderator_app.models.terms import Level, Status

# What is older than this when it first arrives came with a back-fill: it is kept, read and searchable,
# but opens no work unless the rules find someone in danger in it.
EARLIER: Final = timedelta(days=7)
_CHUNK: Final = 500  # where a bound parameter list would grow without end
_PERSON, _THREAD, _MESSAGE = table(Person), table(Thread), table(Message)
_OURS: Final[sa.ColumnElement[bool]] = sa.literal_column("message.ours")


def _by_name(named: sa.Table, *columns: sa.ColumnElement[Any]) -> Plain:
    """Rows of an account by their names on the platform, however many: one look-up for a page."""
    return Plain(
        sa.select(*columns)
        .select_from(named)
        .where(named.c.account_id == given("account"), named.c.external_id.in_(given_ids("names")))
    )


def _following(last: sa.Table) -> Plain:
    return Plain(sa.select(sa.func.coalesce(sa.func.max(last.c.id), 0) + 1))


def _changing(rows: sa.Table, *columns: str) -> Plain:
    values = {name: given(name) for name in columns}
    return Plain(sa.update(rows).where(rows.c.id == given("id")).values(values))


_KNOWN: Final = _by_name(_MESSAGE, _MESSAGE.c.id)
_ITEMS_OF: Final = _by_name(_MESSAGE, _MESSAGE.c.external_id, _MESSAGE.c.item_id)
_ITEMS_IN: Final = Plain(sa.select(Item.id).where(Item.thread_id == given("thread")))
_ANSWERS: Final = Plain(
    sa.select(_MESSAGE.c.parent_ext, sa.func.max(sa.type_coerce(_MESSAGE.c.created_at, sa.Integer)))
    .where(_MESSAGE.c.account_id == given("account"), _OURS, _MESSAGE.c.parent_ext.in_(given_ids("names")))
    .group_by(_MESSAGE.c.parent_ext)
)
# An erased message's number is never given again: SQLite keeps the highest there ever was.
_NEXT_MESSAGE: Final = Plain(sa.text("SELECT seq + 1 FROM sqlite_sequence WHERE name = 'message'"))
_ADD_MESSAGE: Final = adding(
    _MESSAGE,
    *("id", "account_id", "thread_id", "person_id", "item_id", "external_id", "parent_ext", "subject_ext"),
    *("reason", "kind", "audience", "ours", "lang", "body", "folded", "permalink", "revision"),
    *("created_at", "fetched_at", "edited_at", "likes", "replies", "hidden_there", "liked", "read_v"),
)
_SEEN: Final = ("handle", "name", "first_seen", "last_seen")
_PEOPLE: Final = _by_name(_PERSON, _PERSON.c.id, _PERSON.c.external_id, *(_PERSON.c[one] for one in _SEEN))
_NEXT_PERSON: Final = _following(_PERSON)
_CHANGE_PERSON: Final = _changing(_PERSON, *_SEEN)
_ADD_PERSON: Final = adding(_PERSON, "id", "account_id", "external_id", *_SEEN, "messages")
_THREADS: Final = _by_name(_THREAD, _THREAD.c.id, _THREAD.c.external_id, _THREAD.c.title, _THREAD.c.last_at)
_NEXT_THREAD: Final = _following(_THREAD)
_CHANGE_THREAD: Final = _changing(_THREAD, "title", "last_at")
_ADD_THREAD: Final = adding(
    _THREAD, "id", "account_id", "external_id", "title", "channel", "permalink", "last_at", "messages"
)


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
    erased = gone.kept_out(ctx, "message", account_id, [m.id for m in new])
    new = [m for m in new if m.id not in erased]
    edited = sum(_refresh(ctx, known[m.id], m) for m in messages.values() if m.id in known)
    if new:
        _insert(ctx, account_id, new)
    buried = sum(_bury(ctx, known[g.id], g) for g in page.gone if g.id in known)
    ctx.session.merge(Cursor(account_id=account_id, stream=page.stream, state=page.state, at=ctx.now))
    return Brought(len(new), edited, buried, page.skipped)


def add(ctx: Ctx, account_id: int, messages: Sequence[RemoteMessage]) -> None:
    """Store those of the messages that are neither known nor erased; what is known is left as it is."""
    known = _known(ctx, account_id, [m.id for m in messages])
    erased = gone.kept_out(ctx, "message", account_id, [m.id for m in messages])
    new = [m for m in messages if m.id not in known and m.id not in erased]
    if new:
        _insert(ctx, account_id, new)


def refresh(ctx: Ctx, account_id: int, answers: Sequence[RemoteMessage | RemoteGone]) -> Brought:
    """Store what a re-reading of known messages brought; unknown ones are left alone."""
    known = _known(ctx, account_id, [answer.id for answer in answers])
    edited = buried = 0
    for answer in answers:
        if answer.id not in known:
            continue
        if isinstance(answer, RemoteGone):
            buried += _bury(ctx, known[answer.id], answer)
        else:
            edited += _refresh(ctx, known[answer.id], answer)
    return Brought(edited=edited, gone=buried)


def _known(ctx: Ctx, account_id: int, ids: Iterable[str]) -> dict[str, Message]:
    found = [key for (key,) in _KNOWN.rows(ctx.session, _named(account_id, ids))]
    if not found:
        return {}  # nearly every page of a back-fill
    rows: dict[str, Message] = {}
    for i in range(0, len(found), _CHUNK):
        chosen = sa.select(Message).where(Message.id.in_(found[i : i + _CHUNK]))
        rows.update((row.external_id, row) for row in ctx.session.scalars(chosen))
    return rows


def _refresh(ctx: Ctx, row: Message, remote: RemoteMessage) -> int:
    """Bring a known message up to date; 1 if its words changed."""
    row.likes, row.replies = remote.likes, remote.replies
    row.fetched_at = ctx.now
    row.hidden_there = remote.hidden
    if row.hidden_wanted == remote.hidden:
        row.hidden_wanted = None  # the platform agrees: the wish is fulfilled
    text = folding.repair(remote.text)
    if row.gone_at is None:
        enclosed.refresh(ctx, row.id, remote)
    if row.gone_at is None and text == row.body:
        row.revision = remote.revision
        return 0
    if row.gone_how == gone.EXPIRED:
        return 0  # forgotten by our own rule, whatever the platform still has
    if row.gone_at is not None and row.gone_how != gone.UNCONFIRMED and remote.revision == row.revision:
        return 0  # a late copy of something that is known to be deleted
    if row.gone_at is None:
        ctx.session.add(Revision(message_id=row.id, body=row.body, replaced_at=ctx.now))
    row.body, row.folded = text, folding.for_search(text)
    row.revision, row.edited_at = remote.revision, remote.edited_at or ctx.now
    if row.gone_at is not None:
        enclosed.refresh(ctx, row.id, remote)
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
            item.words_since = item.words_since or ctx.now
            item.pending += 1
            clocks.settle(item, ctx.now)


def _bury(ctx: Ctx, row: Message, told: RemoteGone) -> int:
    """Deleted there means deleted here: the words, their history and every mark on them."""
    new = row.gone_at is None
    if new:
        gone.empty(ctx, [row.id], told.how.value)
        item = ctx.session.get(Item, row.item_id) if row.item_id else None
        if item is not None:
            _without(ctx, item, row)
    elif row.gone_how == gone.UNCONFIRMED:
        row.gone_how = told.how.value
    account = ctx.session.get_one(Account, row.account_id)
    if told.how is GoneHow.DELETED and duties.of(account.platform).nameless:
        gone.unname(ctx, row)
    return int(new)


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
        item.new_messages, item.words_since = 0, None
        if item.level > Level.RED:
            item.status, item.outcome = Status.CLOSED, "deleted_there"
    clocks.settle(item, ctx.now)


def _insert(ctx: Ctx, account_id: int, new: Sequence[RemoteMessage]) -> None:
    people = _people(ctx, account_id, new)
    threads = _threads(ctx, account_id, new)
    items, fresh = _items(ctx, account_id, new, people, threads)
    first = _number(ctx, _NEXT_MESSAGE)
    rows: list[dict[str, Any]] = []
    for number, remote in enumerate(new, first):
        item = None
        if not remote.ours:
            item = items[threads[remote.thread_id], people[_person_of(remote).id]]
            _open(ctx, item, number, remote)
        rows.append(
            _row(ctx, remote)
            | {
                "id": number,
                "account_id": account_id,
                "thread_id": threads[remote.thread_id],
                "person_id": people[_person_of(remote).id],
                "item_id": item.id if item else None,
            }
        )
    by_id = {item.id: item for item in items.values()}
    asked = {remote.id: row["item_id"] for remote, row in zip(new, rows, strict=True) if row["item_id"]}
    _answered(ctx, account_id, [m for m in new if m.ours], threads, asked, by_id)
    _answered_before(ctx, account_id, asked, by_id)
    for item in by_id.values():
        clocks.settle(item, ctx.now)
    work.add(ctx, (item for item in by_id.values() if item.id in fresh))
    work.change(ctx, (item for item in by_id.values() if item.id not in fresh))
    _ADD_MESSAGE.write(ctx.session, rows)
    enclosed.add(ctx, [(row["id"], remote) for row, remote in zip(rows, new, strict=True)])


def _row(ctx: Ctx, remote: RemoteMessage) -> dict[str, Any]:
    """A new message as the file has it, without where it belongs."""
    text = folding.repair(remote.text)
    return {
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
        "created_at": millis(remote.created_at),
        "fetched_at": millis(ctx.now),
        "edited_at": millis(remote.edited_at),
        "likes": remote.likes,
        "replies": remote.replies,
        "hidden_there": remote.hidden,
        "liked": False,
        "read_v": 0 if remote.ours else None,
    }


def _open(ctx: Ctx, item: Work, message_id: int, remote: RemoteMessage) -> None:
    """A new message is work: whatever the item was, it is open again."""
    item.pending += 1
    item.last_at, item.words_since = max(item.last_at, remote.created_at), ctx.now
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


def _answered(
    ctx: Ctx,
    account_id: int,
    ours: Sequence[RemoteMessage],
    threads: Mapping[str, int],
    asked: Mapping[str, int],
    items: dict[int, Work],
) -> None:
    """Our own messages that were written elsewhere (another device, before us) answer what came before.

    `asked` names the items of this page's messages; what is older is looked up. Items that an answer
    reaches are added to `items`.
    """
    parents = [m.parent_id for m in ours if m.parent_id is not None and m.parent_id not in asked]
    values = {"account": account_id, "names": json.dumps(parents)}
    asked = dict(_ITEMS_OF.rows(ctx.session, values)) | dict(asked) if parents else asked
    wanted = {asked[m.parent_id] for m in ours if m.parent_id is not None and m.parent_id in asked}
    items |= work.by_id(ctx, wanted - items.keys())
    for remote in ours:
        thread = threads[remote.thread_id]
        if remote.parent_id is not None:
            reached = {asked.get(remote.parent_id, 0)}
        elif remote.id != remote.thread_id:
            reached = _of_thread(ctx, thread, items)
        else:
            continue  # a post of ours opens a conversation, it answers nobody
        for item in (items[key] for key in reached & items.keys()):
            if item.thread_id == thread:
                _answer(item, remote.created_at)


def _of_thread(ctx: Ctx, thread: int, items: dict[int, Work]) -> set[int]:
    """The items of a conversation, all of them in `items` from now on."""
    stored = {key for (key,) in _ITEMS_IN.rows(ctx.session, {"thread": thread})}
    items |= work.by_id(ctx, stored - items.keys())
    return {item.id for item in items.values() if item.thread_id == thread}


def _answer(item: Work, when: datetime) -> None:
    if item.last_at <= when and item.status in (Status.OPEN, Status.EARLIER):
        item.status, item.new_messages = Status.ANSWERED, 0
        item.first_reply_at = item.first_reply_at or when


def _answered_before(ctx: Ctx, account_id: int, asked: Mapping[str, int], items: Mapping[int, Work]) -> None:
    """An answer of ours may have come in before what it answers: streams are read one after another."""
    found = _ANSWERS.rows(ctx.session, {"account": account_id, "names": json.dumps(list(asked))})
    for name, when in found:
        _answer(items[asked[name]], moment(when))


def _person_of(remote: RemoteMessage) -> RemotePerson:
    """Who wrote it; a platform that hides the author still has one unknown person in each thread."""
    return remote.person or RemotePerson(id=f"?{remote.thread_id}", handle="")


def _people(ctx: Ctx, account_id: int, new: Sequence[RemoteMessage]) -> dict[str, int]:
    rows: dict[str, dict[str, Any]] = {}
    for remote in new:
        person, at = _person_of(remote), millis(remote.created_at)
        row = rows.get(person.id)
        if row is None:
            rows[person.id] = {
                "account_id": account_id,
                "external_id": person.id,
                "handle": folding.repair(person.handle),
                "name": folding.repair(person.name),
                "first_seen": at,
                "last_seen": at,
                "messages": 0,  # the trigger counts
            }
        else:
            row["first_seen"], row["last_seen"] = min(row["first_seen"], at), max(row["last_seen"], at)
    changed = []
    for key, name, *before in _PEOPLE.rows(ctx.session, _named(account_id, rows)):
        row = rows[name]
        row["id"] = key
        row["first_seen"] = min(row["first_seen"], before[2])
        row["last_seen"] = max(row["last_seen"], before[3])
        if before != [row["handle"], row["name"], row["first_seen"], row["last_seen"]]:
            changed.append(row)
    _CHANGE_PERSON.write(ctx.session, changed)
    return _numbered(ctx, rows, _NEXT_PERSON, _ADD_PERSON)


def _threads(ctx: Ctx, account_id: int, new: Sequence[RemoteMessage]) -> dict[str, int]:
    rows: dict[str, dict[str, Any]] = {}
    for remote in new:
        at = millis(remote.created_at)
        row = rows.get(remote.thread_id)
        if row is None:
            rows[remote.thread_id] = {
                "account_id": account_id,
                "external_id": remote.thread_id,
                "title": folding.repair(remote.thread_title),
                "channel": folding.repair(remote.channel),
                "permalink": remote.permalink,
                "last_at": at,
                "messages": 0,  # the trigger counts
            }
        else:
            row["last_at"] = max(row["last_at"], at)
    for name in gone.kept_out(ctx, "title", account_id, list(rows)):
        row = rows[name]
        row["channel"], row["title"] = gone.channel_without(row["channel"], row["title"]), ""
    changed = []
    for key, name, title, last_at in _THREADS.rows(ctx.session, _named(account_id, rows)):
        row = rows[name]
        row.update(id=key, title=title or row["title"], last_at=max(row["last_at"], last_at))
        if (row["title"], row["last_at"]) != (title, last_at):
            changed.append(row)
    _CHANGE_THREAD.write(ctx.session, changed)
    return _numbered(ctx, rows, _NEXT_THREAD, _ADD_THREAD)


def _named(account_id: int, names: Iterable[str]) -> dict[str, Any]:
    return {"account": account_id, "names": json.dumps(list(names))}


def _numbered(ctx: Ctx, rows: Mapping[str, dict[str, Any]], following: Plain, add: Plain) -> dict[str, int]:
    """Write the rows that have no id yet; the ids of all, by their names on the platform.

    The ids are given here and not by SQLite: nobody else can write, and asking for each back takes longer
    than to write it.
    """
    fresh = [row for row in rows.values() if "id" not in row]
    if fresh:
        for number, row in enumerate(fresh, _number(ctx, following)):
            row["id"] = number
        add.write(ctx.session, fresh)
    return {name: row["id"] for name, row in rows.items()}


def _number(ctx: Ctx, following: Plain) -> int:
    found = following.first(ctx.session)
    return found[0] if found else 1


def _items(
    ctx: Ctx,
    account_id: int,
    new: Sequence[RemoteMessage],
    people: Mapping[str, int],
    threads: Mapping[str, int],
) -> tuple[dict[tuple[int, int], Work], set[int]]:
    """The items of these messages by conversation and person, and the ids of those that are new."""
    wanted: dict[tuple[int, int], RemoteMessage] = {}
    for remote in new:
        if not remote.ours:
            wanted.setdefault((threads[remote.thread_id], people[_person_of(remote).id]), remote)
    found = work.by_pair(ctx, wanted)
    missing = [key for key in wanted if key not in found]
    first = work.next_id(ctx)
    for number, (thread, person) in enumerate(missing, first):
        at = min(wanted[thread, person].created_at, ctx.now)
        found[thread, person] = Work(
            id=number,
            account_id=account_id,
            thread_id=thread,
            person_id=person,
            waiting_since=at,
            due_at=at,
            last_at=at,
            words_since=ctx.now,
        )
    return found, set(range(first, first + len(missing)))
