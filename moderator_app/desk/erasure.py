"""Erase one person, thread, account or span of time (R68), in steps that end however often they stop.

Each step is one transaction that leaves nothing half done; the request says `running` until the last one,
and is resumed at every start. Then the log is emptied into the file, copies are destroyed by key, and the
proof looks for what was erased (desk.proof). What a hold keeps is left, and finished when the hold ends.
"""

import json
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

import sqlalchemy as sa

from moderator_app.desk import audit, clocks, duties, gone, holds, proof, requests, retention
from moderator_app.desk.desk import Ctx, Desk
from moderator_app.desk.requests import Target
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.models.care import Action, Draft, Note
from moderator_app.models.inbox import Account, Item, Message, Person, PersonLink, Revision, Thread
from moderator_app.models.privacy import HeldItem, Request, RequestKind, RequestState
from moderator_app.models.terms import ActionKind, ActionState

_BATCH: Final = 10  # messages in one transaction: a moderator's decision waits no longer than one
_WAITING: Final = (ActionState.HELD, ActionState.UNKNOWN, ActionState.UNSURE)
# Without a type, which SQLAlchemy would compare: the index of our replies has just this as its condition.
_OURS: Final[sa.ColumnElement[Any]] = sa.literal_column("message.ours")


class Copy(Protocol):
    """One copy of the store."""

    @property
    def name(self) -> str: ...
    @property
    def made_at(self) -> datetime: ...


class Copies(Protocol):
    """The copies of the store that the program can destroy, by destroying their keys."""

    def list(self) -> Sequence[Copy]: ...
    def forget(self, name: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Preview:
    """What would go, in numbers, and what would stay. `bundles` are files with words that we know of."""

    about: str
    messages: int
    replies: int
    notes: int
    drafts: int
    actions: int
    pending: int  # replies that would have left
    held: int  # messages that a hold keeps
    copies: int
    bundles: tuple[str, ...]
    mentions: int  # notes on others that hold the person's handle


# ------------------------------------------------------------------ what is meant


def _scope(target: Target, through: int) -> sa.ColumnElement[bool]:
    """The condition that a message is meant: what came in after the confirmation is not."""
    if target.kind == "person":
        meant: sa.ColumnElement[bool] = Message.person_id == target.key
    elif target.kind == "thread":
        meant = Message.thread_id == target.key
    elif target.kind == "account":
        meant = Message.account_id == target.key
    else:
        meant = sa.and_(Message.created_at >= target.begins, Message.created_at < target.ends)
        if target.key:
            meant = sa.and_(meant, Message.account_id == target.key)
    return sa.and_(meant, Message.id <= through)


def _held(ctx: Ctx) -> sa.ColumnElement[bool]:
    """The condition that a hold keeps a message: one of its item, or ours in a conversation that is held."""
    beside = (
        sa.select(Item.id)
        .where(Item.thread_id == Message.thread_id, retention.held(ctx))
        .correlate(Message)
        .exists()
    )
    of_item = (
        sa.select(Item.id).where(Item.id == Message.item_id, retention.held(ctx)).correlate(Message).exists()
    )
    return sa.case((Message.ours, beside), else_=of_item)


def _busy() -> sa.ColumnElement[bool]:
    """The condition that something about a message is on the wire: it is erased a moment later."""
    return (
        sa.select(Action.id)
        .where(Action.state == ActionState.SENT, Action.item_id == Message.item_id)
        .correlate(Message)
        .exists()
    )


def _newest(ctx: Ctx) -> int:
    return ctx.session.scalar(sa.select(sa.func.max(Message.id))) or 0


def _count(ctx: Ctx, table: type[Any], *where: sa.ColumnElement[bool]) -> int:
    return ctx.session.scalar(sa.select(sa.func.count()).select_from(table).where(*where)) or 0


def _check(ctx: Ctx, target: Target) -> None:
    tables: dict[str, type[Person | Thread | Account]] = {
        "person": Person,
        "thread": Thread,
        "account": Account,
    }
    table = tables.get(target.kind)
    row = ctx.session.get(table, target.key) if table else None
    if table is not None and row is None:
        raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "That is not here; perhaps it was erased before."))
    if isinstance(row, Person):
        account = ctx.session.get_one(Account, row.account_id)
        if row.external_id == account.external_id:
            raise ForTheModerator(
                QT_TRANSLATE_NOOP("Error", "That is your own account."),
                QT_TRANSLATE_NOOP("Error", "Erase the account instead."),
            )
    if target.kind == "range" and (
        target.begins is None or target.ends is None or target.ends <= target.begins
    ):
        raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "The span ends before it begins."))


def preview(ctx: Ctx, target: Target, copies: int = 0) -> Preview:
    """What an erasure would take, before anybody decides."""
    _check(ctx, target)
    meant = _scope(target, _newest(ctx))
    items = sa.select(Message.item_id).where(meant, Message.item_id.is_not(None))
    named = sa.select(Message.external_id).where(meant)
    replies = sa.and_(_OURS, Message.parent_ext.in_(named)) if target.kind == "person" else sa.false()
    handle = requests.about(ctx, target) if target.kind == "person" else ""
    mentions = sa.and_(Note.text.contains(handle, autoescape=True), Note.item_id.not_in(items))
    worded = sa.or_(*(Action.detail.like(f'%"{name}": "_%') for name in ("text", "reason", "note")))
    return Preview(
        about=requests.about(ctx, target),
        messages=_count(ctx, Message, meant),
        replies=_count(ctx, Message, replies),
        notes=_count(ctx, Note, Note.item_id.in_(items)),
        drafts=_count(ctx, Draft, Draft.item_id.in_(items)),
        actions=_count(ctx, Action, Action.item_id.in_(items), worded),
        pending=_count(ctx, Action, Action.item_id.in_(items), Action.state.in_(_WAITING)),
        held=_count(ctx, Message, meant, _held(ctx)),
        copies=copies,
        bundles=tuple(bundles(ctx, target)),
        mentions=_count(ctx, Note, mentions) if handle else 0,
    )


def bundles(ctx: Ctx, target: Target) -> list[str]:
    """The access bundles that were written about a person and are still where they were written."""
    rows = ctx.session.scalars(
        sa.select(Action.detail).where(
            Action.kind == ActionKind.EXPORT, Action.detail.contains('"about"', autoescape=True)
        )
    )
    found = [detail for detail in map(json.loads, rows) if detail.get("about") == str(target)]
    files = [name for detail in found for name in detail.get("files", "").splitlines()]
    return [name for name in files if Path(name).exists()]


# ------------------------------------------------------------------ the two persons


def ask(ctx: Ctx, target: Target) -> uuid.UUID:
    """Ask for an erasure; nothing goes before somebody else confirms it."""
    _check(ctx, target)
    due_at = requests.month_after(ctx.now)
    return requests.ask(ctx, RequestKind.ERASE, target, due_at=due_at).id


def confirm(ctx: Ctx, request_id: uuid.UUID, by: str, *, with_bundles: bool = False) -> None:
    """The second person's word. From here on it is finished, whatever happens to the program."""
    row = requests.get(ctx, request_id, RequestKind.ERASE)
    requests.second(ctx, row, by)
    target, through = Target.read(row.target), _newest(ctx)
    _check(ctx, target)
    row.state = RequestState.RUNNING
    facts: dict[str, Any] = {
        "through": through,
        "total": _count(ctx, Message, _scope(target, through)),
        "marks": None,  # chosen before the first step, off the write lock: every word is compared
        "bundles": bundles(ctx, target) if with_bundles else [],
        "counts": {},
    }
    row.facts = json.dumps(facts)


# ------------------------------------------------------------------ erasing


def run(
    desk: Desk,
    copies: Copies | None,
    progress: Callable[[int, int], None] = lambda *_: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> int:
    """Go on with every confirmed erasure, from wherever it stopped; answer how many were finished."""
    desk.do(holds.lapse)
    finished = 0
    for request_id in desk.ask(pending):
        _prepare(desk, request_id)
        done, total = desk.ask(_so_far, request_id)
        while not cancelled() and (count := desk.do(_step, request_id)):
            done += count
            progress(done, total)
        if cancelled():
            break
        finished += _finish(desk, request_id, copies, progress, cancelled)
    return finished


def _prepare(desk: Desk, request_id: uuid.UUID) -> None:
    """What is read from all messages is read once and outside of the steps."""
    desk.do(gone.key)
    marks = desk.ask(_marks_to_be, request_id)
    if marks is not None:
        desk.do(_keep_marks, request_id, marks)
    referring = desk.ask(_referring, request_id)
    for begin in range(0, len(referring), _BATCH):
        desk.do(_unlink, referring[begin : begin + _BATCH])


def _marks_to_be(ctx: Ctx, request_id: uuid.UUID) -> list[str] | None:
    """The marks of what only this erasure takes; None where they were chosen before it began."""
    row = ctx.session.get_one(Request, request_id)
    target, facts = Target.read(row.target), json.loads(row.facts)
    if facts["marks"] is not None:
        return None
    return proof.distinctive(ctx, sa.and_(_scope(target, facts["through"]), sa.not_(_held(ctx))), target)


def _keep_marks(ctx: Ctx, request_id: uuid.UUID, marks: list[str]) -> None:
    row = ctx.session.get_one(Request, request_id)
    row.facts = json.dumps({**json.loads(row.facts), "marks": marks})


def _referring(ctx: Ctx, request_id: uuid.UUID) -> list[int]:
    """Messages that stay and are an answer to, or about, one that goes.

    No index leads from a message to its answers: looked for in every step, each would read the whole of
    every conversation that it touches.
    """
    row = ctx.session.get_one(Request, request_id)
    target = Target.read(row.target)
    meant = _scope(target, json.loads(row.facts)["through"])
    names = sa.select(Message.external_id).where(meant)
    going, answers = set(ctx.session.scalars(names)), set[str]()
    if target.kind == "person":
        accounts = sa.select(Message.account_id).where(meant)
        ours = sa.select(Message.external_id).where(
            Message.account_id.in_(accounts), _OURS, Message.parent_ext.in_(names)
        )
        answers = set(ctx.session.scalars(ours))  # they go with what they answer, and are known by it
    near = (
        sa.select(Message.id, Message.external_id, Message.parent_ext, Message.subject_ext)
        .where(Message.thread_id.in_(sa.select(Message.thread_id).where(meant)))
        .where(sa.or_(Message.parent_ext.is_not(None), Message.subject_ext.is_not(None)))
        .where(sa.not_(sa.and_(meant, sa.not_(_held(ctx)))))
    )
    gone_by_then = going | answers
    return [
        key
        for key, name, *about in ctx.session.execute(near)
        if name not in answers and not gone_by_then.isdisjoint(about)
    ]


def _unlink(ctx: Ctx, ids: Sequence[int]) -> None:
    """What others wrote stays; that it was an answer to a message that goes does not."""
    rows = sa.update(Message).where(Message.id.in_(ids))
    ctx.session.execute(rows.values(parent_ext=None, subject_ext=None))


def pending(ctx: Ctx) -> list[uuid.UUID]:
    """The erasures that are to go on now: those that were stopped, and those whose hold has ended."""
    rows = ctx.session.scalars(
        sa.select(Request)
        .where(
            Request.kind == RequestKind.ERASE,
            Request.state.in_([RequestState.RUNNING, RequestState.PARTLY]),
        )
        .order_by(Request.asked_at)
    )
    return [row.id for row in rows if row.state is RequestState.RUNNING or _next(ctx, row, 1)]


def _so_far(ctx: Ctx, request_id: uuid.UUID) -> tuple[int, int]:
    facts = json.loads(ctx.session.get_one(Request, request_id).facts)
    return facts["counts"].get("messages", 0), facts["total"]


def _next(ctx: Ctx, row: Request, limit: int) -> Sequence[Message]:
    """Messages that are meant and free to go."""
    meant = _scope(Target.read(row.target), json.loads(row.facts)["through"])
    return ctx.session.scalars(
        sa.select(Message)
        .where(meant, sa.not_(_held(ctx)), sa.not_(_busy()))
        .order_by(Message.thread_id, Message.id)  # what hangs on a conversation is looked at in few steps
        .limit(limit)
    ).all()


def _step(ctx: Ctx, request_id: uuid.UUID) -> int:
    """Erase one batch and all that hangs on it; 0 where nothing is left that may go."""
    row = ctx.session.get_one(Request, request_id)
    target, facts = Target.read(row.target), json.loads(row.facts)
    messages = list(_next(ctx, row, _BATCH))
    if not messages:
        return 0
    counts: Counter[str] = Counter(facts["counts"])
    counts["messages"] += len(messages)
    _Step(ctx, target, counts, facts["through"]).take(messages)
    row.facts = json.dumps({**facts, "counts": dict(counts)})
    return len(messages)


class _Step:
    """One transaction of an erasure; after it no row speaks of what is gone."""

    def __init__(self, ctx: Ctx, target: Target, counts: "Counter[str]", through: int) -> None:
        self._ctx, self._session = ctx, ctx.session
        self._target, self._counts, self._through = target, counts, through

    def take(self, messages: list[Message]) -> None:
        """Erase these messages, our answers to them, and what is left without them."""
        answers = self._answers(messages)
        self._counts["replies"] += len(answers)
        everything = messages + answers
        threads = sorted({m.thread_id for m in everything})
        items = sorted({m.item_id for m in everything if m.item_id is not None})
        people = sorted({m.person_id for m in everything if m.person_id is not None})
        self._titles(threads, {m.id for m in everything})
        self._remove(everything)
        for item_id in items:
            self._item(self._session.get_one(Item, item_id))
        for thread_id in threads:
            self._thread(self._session.get_one(Thread, thread_id))
        for person_id in people:
            self._person(self._session.get_one(Person, person_id))
        self._session.flush()

    def _answers(self, messages: list[Message]) -> list[Message]:
        """Our replies to what goes: they are written to this person, and often repeat their words."""
        if self._target.kind != "person":
            return []
        known = {m.id for m in messages}
        found = self._session.scalars(
            sa.select(Message).where(
                Message.account_id == messages[0].account_id,
                _OURS,
                Message.parent_ext.in_([m.external_id for m in messages]),
            )
        )
        return [m for m in found if m.id not in known]

    def _titles(self, threads: list[int], going: set[int]) -> None:
        """A title is the words of whoever opened the conversation."""
        for thread_id in threads:
            if gone.opener(self._ctx, thread_id) in going:
                thread = self._session.get_one(Thread, thread_id)
                thread.title, thread.permalink = "", None
                gone.keep_out(self._ctx, "title", thread.account_id, [thread.external_id])

    def _remove(self, messages: list[Message]) -> None:
        ids = [m.id for m in messages]
        names = [m.external_id for m in messages]
        for account_id in {m.account_id for m in messages}:
            mine = [m.external_id for m in messages if m.account_id == account_id]
            gone.keep_out(self._ctx, "message", account_id, mine)
        self._counts["revisions"] += _count(self._ctx, Revision, Revision.message_id.in_(ids))
        about = sa.or_(
            Action.message_id.in_(ids),
            Action.id.in_([uuid.UUID(m.action_id) for m in messages if m.action_id]),
        )
        self._hush(about)
        for column in (Message.parent_ext, Message.subject_ext):
            # What others wrote stays; that it was an answer goes. Who wrote earlier was looked for before.
            self._session.execute(
                sa.update(Message).where(Message.id > self._through, column.in_(names)).values({column: None})
            )
        self._session.execute(sa.delete(Message).where(Message.id.in_(ids)))

    def _hush(self, condition: sa.ColumnElement[bool], *, apart: bool = False) -> None:
        """Take the words out of actions; what waited to leave does not leave any more."""
        for action in self._session.scalars(sa.select(Action).where(condition)).all():
            self._counts["actions"] += gone.hush(action)
            action.message_id, action.remote_id = None, None
            if apart:
                action.item_id = None
            if action.state in _WAITING:
                action.state, action.settled_at = ActionState.CANCELLED, self._ctx.now
                self._counts["pending"] += 1
                audit.write(self._ctx, "cancelled", action=str(action.id), why="erased")

    def _item(self, item: Item) -> None:
        of_item = Message.item_id == item.id
        left, unread = self._session.execute(
            sa.select(sa.func.count(), sa.func.count().filter(Message.read_v.is_(None))).where(of_item)
        ).one()
        if left:
            item.pending = unread
            item.new_messages = min(item.new_messages, left)
            item.top_message_id = self._session.scalar(
                sa.select(Message.id)
                .where(of_item, Message.gone_at.is_(None))
                .order_by(Message.level, Message.id.desc())
                .limit(1)
            )
            clocks.settle(item, self._ctx.now)
            self._counts["drafts"] += gone.drop_drafts(self._ctx, [item.id])
            self._within(item)
            return
        self._counts["notes"] += _count(self._ctx, Note, Note.item_id == item.id)
        self._session.execute(sa.delete(Note).where(Note.item_id == item.id))
        self._counts["drafts"] += gone.drop_drafts(self._ctx, [item.id])
        self._hush(Action.item_id == item.id, apart=True)
        self._session.execute(sa.delete(HeldItem).where(HeldItem.item_id == item.id))
        self._session.delete(item)
        self._session.flush()
        self._counts["items"] += 1

    def _within(self, item: Item) -> None:
        """Of an item that stays in part, our words from the erased span go."""
        begins, ends = self._target.begins, self._target.ends
        if begins is None or ends is None:
            return
        span = sa.and_(Note.item_id == item.id, Note.at >= begins, Note.at < ends)
        self._counts["notes"] += _count(self._ctx, Note, span)
        self._session.execute(sa.delete(Note).where(span))
        self._hush(sa.and_(Action.item_id == item.id, Action.at >= begins, Action.at < ends))

    def _thread(self, thread: Thread) -> None:
        of_thread = sa.select(Message).where(Message.thread_id == thread.id).limit(_BATCH)
        others = self._session.scalar(of_thread.where(Message.ours.is_(False)).limit(1))
        left = [] if others else self._session.scalars(of_thread).all()
        if left and left[0].audience == "private":
            # A private conversation whose other side is gone was with nobody else.
            self._counts["replies"] += len(left)
            self._remove(list(left))
            self._thread(thread)
            return
        if others or left:
            self._unname(thread)
            return
        if _count(self._ctx, Item, Item.thread_id == thread.id) == 0:
            self._session.delete(thread)
            self._session.flush()
            self._counts["threads"] += 1

    def _unname(self, thread: Thread) -> None:
        if self._target.kind != "person":
            return
        person = self._session.get(Person, self._target.key)
        names = [name.casefold() for name in (person.handle, person.name) if name] if person else []
        if any(name in thread.title.casefold() for name in names):
            gone.untitle(thread)
            gone.keep_out(self._ctx, "title", thread.account_id, [thread.external_id])

    def _person(self, person: Person) -> None:
        account = self._session.get_one(Account, person.account_id)
        if person.external_id == account.external_id and self._target.kind != "account":
            return
        for id_, whose in ((Message.id, Message.person_id), (Item.id, Item.person_id)):
            if self._session.scalar(sa.select(id_).where(whose == person.id).limit(1)) is not None:
                return
        self._session.execute(sa.delete(PersonLink).where(PersonLink.person_id == person.id))
        self._session.delete(person)
        self._session.flush()
        self._counts["people"] += 1


# ------------------------------------------------------------------ the end and its proof


def _finish(
    desk: Desk,
    request_id: uuid.UUID,
    copies: Copies | None,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> bool:
    """Make what was erased unreadable everywhere we reach, look for it, and write down what was found."""
    if desk.ask(_waits, request_id) or not _wiped(desk):
        return False  # still on the wire, or somebody is reading: the next run goes on
    deleted = desk.do(_last, request_id)
    # All that there are, whatever their clock says: each was made while the words were here.
    known = [one.name for one in copies.list()] if copies is not None else []
    for name in known:
        assert copies is not None
        copies.forget(name)
    left = [one.name for one in copies.list()] if copies is not None else []
    marks = desk.ask(_marks, request_id)
    found = proof.look(desk, marks, cancelled, progress)
    if found is None:
        return False
    if not _wiped(desk):
        return False
    desk.do(_close, request_id, found, _Files(len(known), left, deleted))
    desk.store.checkpoint()
    return True


def _waits(ctx: Ctx, request_id: uuid.UUID) -> bool:
    row = ctx.session.get_one(Request, request_id)
    meant = _scope(Target.read(row.target), json.loads(row.facts)["through"])
    return _count(ctx, Message, meant, sa.not_(_held(ctx))) > 0


def _wiped(desk: Desk) -> bool:
    """Whether the log was emptied into the file: what it held was the last copy of the words."""
    desk.store.checkpoint()
    log = desk.store.path.with_name(f"{desk.store.path.name}-wal")
    return not log.exists() or log.stat().st_size == 0


def _last(ctx: Ctx, request_id: uuid.UUID) -> list[str]:
    """What no message led to: a person without any, files of theirs that were to go."""
    row = ctx.session.get_one(Request, request_id)
    target, facts = Target.read(row.target), json.loads(row.facts)
    if target.kind == "person" and (person := ctx.session.get(Person, target.key)) is not None:
        _Step(ctx, target, Counter(), facts["through"])._person(person)  # noqa: SLF001 - this file's own
    deleted = []
    for name in facts["bundles"]:
        path = Path(name)
        if path.exists():
            path.unlink()
            deleted.append(name)
    return deleted


def _marks(ctx: Ctx, request_id: uuid.UUID) -> list[str]:
    found: list[str] = json.loads(ctx.session.get_one(Request, request_id).facts)["marks"]
    return found


@dataclass(frozen=True, slots=True)
class _Files:
    """What became of the files outside the store."""

    destroyed: int  # copies
    left: list[str]  # copies that are younger than the erasure by their clock
    deleted: list[str]  # access bundles


def _close(ctx: Ctx, request_id: uuid.UUID, found: proof.Found, files: _Files) -> None:
    row = ctx.session.get_one(Request, request_id)
    target, facts = Target.read(row.target), json.loads(row.facts)
    meant = _scope(target, facts["through"])
    held = _count(ctx, Message, meant)
    before = json.loads(row.proof)
    remains = _remains(ctx, target, meant, held)
    if files.left:
        remains.insert(0, {"what": "copies", "files": files.left})
    row.proof = json.dumps(
        {
            "at": ctx.now.isoformat(),
            "counts": facts["counts"],
            "words_checked": found.words,
            "cells_read": found.cells,
            "found": found.hits,
            "log_bytes": 0,
            "copies_destroyed": files.destroyed + before.get("copies_destroyed", 0),
            "bundles_deleted": files.deleted + before.get("bundles_deleted", []),
            "remains": remains,
        }
    )
    row.state = RequestState.PARTLY if held else RequestState.DONE
    row.done_at = None if held else ctx.now
    if not held:
        row.facts = json.dumps({"counts": facts["counts"]})
        _hush_holds(ctx)
    numbers: dict[str, int] = {**facts["counts"], "copies": files.destroyed, "held": held}
    looked = {"words_checked": found.words, "found": sum(found.hits.values())}
    audit.write(ctx, "erased", row.target, request=str(row.id), **numbers, **looked)


def _hush_holds(ctx: Ctx) -> None:
    """The reason of a hold that ended goes with the last item that it was about."""
    ended = sa.select(Request).where(
        Request.kind == RequestKind.HOLD, Request.state == RequestState.ENDED, Request.reason != ""
    )
    for hold in ctx.session.scalars(ended):
        if _count(ctx, Item, Item.id.in_(json.loads(hold.facts).get("items", []))) == 0:
            hold.reason = ""


def _remains(ctx: Ctx, target: Target, meant: sa.ColumnElement[bool], held: int) -> list[dict[str, Any]]:
    """What is left, where, and until when: said honestly."""
    remains: list[dict[str, Any]] = []
    if held:
        until = ctx.session.scalar(
            sa.select(sa.func.max(Request.ends_at, type_=Request.asked_at.type))
            .join(HeldItem, HeldItem.request_id == Request.id)
            .where(HeldItem.item_id.in_(sa.select(Message.item_id).where(meant)))
        )
        remains.append({"what": "hold", "messages": held, "until": until.isoformat() if until else ""})
    if files := bundles(ctx, target):
        remains.append({"what": "bundle", "files": files})
    if files := _weeks(ctx):
        remains.append({"what": "weeks", "files": files})
    if files := _imports(ctx, target):
        remains.append({"what": "import", "files": files})
    return [*remains, {"what": "elsewhere"}]


def _weeks(ctx: Ctx) -> list[str]:
    """Weekly summaries that were written: counts only, nobody's words or names."""
    rows = ctx.session.scalars(
        sa.select(Action.detail).where(
            Action.kind == ActionKind.EXPORT, Action.detail.contains('"week"', autoescape=True)
        )
    )
    files = [name for row in rows for name in json.loads(row).get("files", "").splitlines()]
    return [name for name in dict.fromkeys(files) if Path(name).exists()]


def _imports(ctx: Ctx, target: Target) -> list[str]:
    """Files that were imported and are still where they were: we do not touch what is not ours."""
    chosen = sa.select(Account).where(Account.platform == duties.FILES)
    if target.kind in ("account", "range") and target.key:
        chosen = chosen.where(Account.id == target.key)
    files = [json.loads(row.form).get("path", "") for row in ctx.session.scalars(chosen)]
    return [name for name in files if name and Path(name).exists()]
