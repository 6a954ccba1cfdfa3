"""Items by the thousand: found by one look-up, changed as plain values, written by one statement.

The ORM's own rows are for one item and its moderator; a page of an export touches thousands.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from moderator_app.desk.desk import Ctx
from moderator_app.models.base import maybe_moment, millis
from moderator_app.models.inbox import Item
from moderator_app.models.session import Plain, adding, given, given_ids, table
from moderator_app.models.terms import Level, Status


@dataclass(slots=True, kw_only=True)
class Work:
    """What software changes of an item; what belongs to moderators alone is not here."""

    id: int
    account_id: int
    thread_id: int
    person_id: int
    waiting_since: datetime
    due_at: datetime
    last_at: datetime
    level: Level = Level.GREEN
    rank: int = int(Level.RED)
    pending: int = 0
    status: Status = Status.EARLIER
    new_messages: int = 0
    top_message_id: int | None = None
    seen_at: datetime | None = None
    lowered_through: int = 0
    snoozed_until: datetime | None = None
    outcome: str = ""
    first_reply_at: datetime | None = None
    words_since: datetime | None = None


_MOMENTS: Final = (
    "waiting_since",
    "due_at",
    "last_at",
    "seen_at",
    "snoozed_until",
    "first_reply_at",
    "words_since",
)
_KEPT: Final = ("account_id", "thread_id", "person_id", "lowered_through", "outcome")
_CHANGING: Final = (
    "level",
    "rank",
    "pending",
    "status",
    "new_messages",
    "top_message_id",
    *_MOMENTS,
)
_COLUMNS: Final = ("id", *_KEPT, *_CHANGING)
_NEVER: Final[Mapping[str, Any]] = {
    "assignee": "",
    "escalated_to": "",
    "escalated_at": None,
    "acknowledged_at": None,
}
_ITEM: Final = table(Item)
_CHOSEN: Final = sa.select(*(_ITEM.c[name] for name in _COLUMNS))
_BY_ID: Final = Plain(_CHOSEN.where(Item.id.in_(given_ids("ids"))))
# Both by name: a thread of thousands must not be read for one new message in it.
_PAIRS: Final = sa.func.json_each(given("pairs")).table_valued("value")
_BY_PAIR: Final = Plain(
    _CHOSEN.select_from(_PAIRS).join(
        Item,
        sa.and_(
            Item.thread_id == sa.func.json_extract(_PAIRS.c.value, "$[0]"),
            Item.person_id == sa.func.json_extract(_PAIRS.c.value, "$[1]"),
        ),
    )
)
_NEXT: Final = Plain(sa.select(sa.func.coalesce(sa.func.max(Item.id), 0) + 1))
_ADD: Final = adding(_ITEM, *_COLUMNS, *_NEVER)
_CHANGE: Final = Plain(
    sa.update(_ITEM).where(_ITEM.c.id == given("id")).values({name: given(name) for name in _CHANGING})
)


def by_id(ctx: Ctx, ids: Collection[int]) -> dict[int, Work]:
    """Items by their ids."""
    return {one.id: one for one in map(_work, _BY_ID.rows(ctx.session, {"ids": json.dumps(list(ids))}))}


def by_pair(ctx: Ctx, pairs: Collection[tuple[int, int]]) -> dict[tuple[int, int], Work]:
    """Items by conversation and person."""
    found = _BY_PAIR.rows(ctx.session, {"pairs": json.dumps(list(pairs))})
    return {(one.thread_id, one.person_id): one for one in map(_work, found)}


def next_id(ctx: Ctx) -> int:
    """The first id that is free; it stays free while this transaction writes."""
    found = _NEXT.first(ctx.session)
    assert found is not None
    number: int = found[0]
    return number


def _work(row: tuple[Any, ...]) -> Work:
    found = dict(zip(_COLUMNS, row, strict=True))
    for name in _MOMENTS:
        found[name] = maybe_moment(found[name])
    found["level"], found["status"] = Level(found["level"]), Status(found["status"])
    return Work(**found)


def _row(one: Work) -> dict[str, Any]:
    found = {name: getattr(one, name) for name in _COLUMNS}
    for name in _MOMENTS:
        found[name] = millis(found[name])
    found["level"], found["status"] = one.level.value, one.status.value
    return found


def add(ctx: Ctx, items: Iterable[Work]) -> None:
    """Write new items."""
    _ADD.write(ctx.session, [{**_row(one), **_NEVER} for one in items])


def change(ctx: Ctx, items: Iterable[Work]) -> None:
    """Write items back. What the ORM holds of them is read again."""
    _CHANGE.write(ctx.session, [_row(one) for one in items])
    ctx.session.expire_all()
