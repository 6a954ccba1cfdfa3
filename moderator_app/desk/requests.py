"""What people ask about their data, and the two persons who decide: asked by one, confirmed by another.

Where a team is one person, their own confirmation counts after a day (docs/decisions/009-forgetting.md).
"""

import calendar
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from moderator_app.desk import audit
from moderator_app.desk.desk import Ctx
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.models.care import new_id
from moderator_app.models.inbox import Account, Item, Person, Thread
from moderator_app.models.privacy import Request, RequestKind, RequestState

__all__ = ["RequestKind", "RequestRow", "RequestState", "Target"]

ALONE: Final = timedelta(hours=24)
REMINDERS: Final = (7, 21, 28)  # days after receipt, R67
_OPEN: Final = (RequestState.ASKED, RequestState.RUNNING, RequestState.PARTLY, RequestState.HOLDING)


@dataclass(frozen=True, slots=True)
class Target:
    """Whose or what: a person, a thread, an account or a span of time, in one account or in all.

    Written as "person:3", "thread:4", "account:1" or "range:<from>:<until>:<account or 0>" (milliseconds).
    """

    kind: str
    key: int = 0
    begins: datetime | None = None
    ends: datetime | None = None

    def __str__(self) -> str:
        if self.kind != "range":
            return f"{self.kind}:{self.key}"
        assert self.begins is not None
        assert self.ends is not None
        first, last = (round(at.timestamp() * 1000) for at in (self.begins, self.ends))
        return f"range:{first}:{last}:{self.key}"

    @classmethod
    def read(cls, text: str) -> "Target":
        """The target that a text names."""
        kind, _, rest = text.partition(":")
        if kind == "range":
            first, last, key = (int(part) for part in rest.split(":"))
            begins, ends = (datetime.fromtimestamp(at / 1000, tz=UTC) for at in (first, last))
            return cls(kind, key, begins, ends)
        return cls(kind, int(rest))


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One request for the screen. `about` names whom or what, as long as it is here.

    `mine` is true where I asked and may not confirm yet; `own_from` is when I may. `reminder` is the last
    of 7, 21 and 28 days that has passed without an answer.
    """

    request_id: uuid.UUID
    kind: RequestKind
    state: RequestState
    target: str
    about: str
    asked_by: str
    asked_at: datetime
    confirmed_by: str
    confirmed_at: datetime | None
    due_at: datetime | None
    review_at: datetime | None
    ends_at: datetime | None
    done_at: datetime | None
    reason: str
    basis: str
    facts: dict[str, Any]
    proof: dict[str, Any]
    reminder: int
    mine: bool
    own_from: datetime


def month_after(at: datetime) -> datetime:
    """The same day of the next month, or its last one: the law's month."""
    year, month = (at.year, at.month + 1) if at.month < 12 else (at.year + 1, 1)  # noqa: PLR2004 - December
    return at.replace(year=year, month=month, day=min(at.day, calendar.monthrange(year, month)[1]))


def ask(ctx: Ctx, kind: RequestKind, target: Target, **columns: Any) -> Request:
    """Write a request down; nothing happens until somebody else confirms it."""
    row = Request(
        id=new_id(),
        kind=kind,
        state=RequestState.ASKED,
        target=str(target),
        asked_by=ctx.who,
        asked_at=ctx.now,
        **columns,
    )
    ctx.session.add(row)
    ctx.session.flush()
    audit.write(ctx, f"{kind.value}_asked", str(target), request=str(row.id))
    return row


def get(ctx: Ctx, request_id: uuid.UUID, kind: RequestKind) -> Request:
    """The request, or a sentence where it is not known."""
    row = ctx.session.get(Request, request_id)
    if row is None or row.kind is not kind:
        raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "That request is not known."))
    return row


def second(ctx: Ctx, row: Request, by: str) -> None:
    """Take the second person's word, by name."""
    name = by.strip()
    if row.state is not RequestState.ASKED:
        raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "That request was decided already."))
    if not name:
        raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "The person who confirms must give their name."))
    same = name.casefold() == row.asked_by.strip().casefold()
    if same and ctx.now < row.asked_at + ALONE:
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "{name} asked for this, so somebody else must confirm it."),
            QT_TRANSLATE_NOOP("Error", "If you work alone, confirm it yourself a day after you asked."),
            name=row.asked_by,
        )
    row.confirmed_by, row.confirmed_at = name, ctx.now
    audit.write(ctx, f"{row.kind.value}_confirmed", row.target, request=str(row.id), by=name, alone=int(same))


def withdraw(ctx: Ctx, request_id: uuid.UUID) -> None:
    """Take back a request that nobody has confirmed."""
    row = ctx.session.get(Request, request_id)
    if row is None or row.state is not RequestState.ASKED:
        raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "Only a request that waits can be withdrawn."))
    row.state, row.done_at = RequestState.WITHDRAWN, ctx.now
    audit.write(ctx, f"{row.kind.value}_withdrawn", row.target, request=str(row.id))


def rows(ctx: Ctx, limit: int = 200) -> list[RequestRow]:
    """All requests, those that wait for somebody first, then the newest."""
    waits = sa.case((Request.state.in_(_OPEN), 0), else_=1)
    found = ctx.session.scalars(sa.select(Request).order_by(waits, Request.asked_at.desc()).limit(limit))
    return [_row(ctx, row) for row in found]


def _row(ctx: Ctx, row: Request) -> RequestRow:
    waited = (ctx.now - row.asked_at).days
    late = row.kind is not RequestKind.HOLD and row.state in _OPEN
    mine = row.asked_by.strip().casefold() == ctx.who.strip().casefold()
    return RequestRow(
        request_id=row.id,
        kind=row.kind,
        state=row.state,
        target=row.target,
        about=about(ctx, Target.read(row.target)),
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        confirmed_by=row.confirmed_by,
        confirmed_at=row.confirmed_at,
        due_at=row.due_at,
        review_at=row.review_at,
        ends_at=row.ends_at,
        done_at=row.done_at,
        reason=row.reason,
        basis=row.basis,
        facts=json.loads(row.facts),
        proof=json.loads(row.proof),
        reminder=max((day for day in REMINDERS if late and waited >= day), default=0),
        mine=mine and ctx.now < row.asked_at + ALONE,
        own_from=row.asked_at + ALONE,
    )


def about(ctx: Ctx, target: Target) -> str:
    """The name of a target while it is here; "" once it is erased, and for a span of time."""
    if target.kind == "person":
        person = ctx.session.get(Person, target.key)
        return person.handle or person.name if person else ""
    if target.kind == "thread":
        thread = ctx.session.get(Thread, target.key)
        return thread.title or thread.channel if thread else ""
    account = ctx.session.get(Account, target.key) if target.key else None
    return account.handle if account else ""


def people(ctx: Ctx, handle: str) -> list[tuple[int, str, str, str]]:
    """Who has this handle or name, on any platform: id, handle, name, platform (R67: one search)."""
    plain = handle.strip().removeprefix("@").casefold()
    if not plain:
        return []
    folded = (sa.func.lower(Person.handle), sa.func.lower(Person.name))
    same = sa.or_(*(column.in_([plain, f"@{plain}"]) for column in folded))
    found = ctx.session.execute(
        sa.select(Person.id, Person.handle, Person.name, Account.platform)
        .join(Account, Account.id == Person.account_id)
        .where(same, Person.external_id != Account.external_id)
        .order_by(Person.id)
    )
    return [(key, handle, name, platform) for key, handle, name, platform in found]


def thread_of(ctx: Ctx, item_id: int) -> int:
    """The conversation of an item."""
    item = ctx.session.get(Item, item_id)
    if item is None:
        raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "No conversation is open."))
    return item.thread_id


def person_named(ctx: Ctx, handle: str) -> int:
    """The one person of a handle; a sentence where there is none or more than one."""
    if handle.startswith("#") and handle[1:].isdecimal():
        if ctx.session.get(Person, int(handle[1:])) is not None:
            return int(handle[1:])
        found = []
    else:
        found = people(ctx, handle)
    if len(found) == 1:
        return found[0][0]
    if not found:
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "Nobody here is called {handle}."),
            QT_TRANSLATE_NOOP("Error", "Write the handle as the platform shows it."),
            handle=handle,
        )
    raise ForTheModerator(
        QT_TRANSLATE_NOOP("Error", "Several accounts are called {handle}: {which}."),
        QT_TRANSLATE_NOOP("Error", "Name one of them by its number, with #."),
        handle=handle,
        which=", ".join(f"#{key} ({platform})" for key, _, _, platform in found),
    )
