"""The record of who did what: append-only, chained by hash, without anybody's words (R71).

Each line is written in the transaction of what it records. Order is the line number, never a clock: a
clock that was set back is marked, and the chain still holds.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from moderator_app.desk.desk import Ctx
from moderator_app.models.care import Audit
from moderator_app.models.session import Plain, adding, table

_BATCH: Final = 2000
_AUDIT: Final = table(Audit)
_LAST: Final = Plain(sa.select(_AUDIT.c.hash, _AUDIT.c.at).order_by(_AUDIT.c.seq.desc()).limit(1))
_ADD: Final = adding(_AUDIT, "at", "who", "what", "target", "detail", "clock_back", "hash")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the record as it is shown."""

    seq: int
    at: datetime
    who: str
    what: str
    target: str
    detail: dict[str, Any]
    clock_back: bool


def write(ctx: Ctx, /, what: str, target: str = "", **facts: str | int) -> None:
    """Add a line. `facts` are names, numbers and levels, never what anybody wrote."""
    at = _milliseconds(ctx.now)
    before, then = _LAST.first(ctx.session) or (b"", at)
    detail = json.dumps(facts, sort_keys=True)
    line = {
        "at": at,
        "who": ctx.who,
        "what": what,
        "target": target,
        "detail": detail,
        "clock_back": at < then,
        "hash": _link(before, at, ctx.who, what, target, detail),
    }
    _ADD.write(ctx.session, [line])


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _link(before: bytes, at: int, *words: str) -> bytes:
    return hashlib.sha256(before + json.dumps([at, *words]).encode()).digest()


def broken(ctx: Ctx) -> int | None:
    """The number of the first line that does not follow from the one above it; None where all do."""
    number, before = _cut_through(ctx)
    for row in _rows(ctx):
        found = _link(before, _milliseconds(row.at), row.who, row.what, row.target, row.detail)
        if found != row.hash or row.seq != number + 1:
            return number + 1
        before, number = row.hash, row.seq
    return None


def cut(ctx: Ctx, over: datetime) -> int:
    """Let go of the lines up to the first that is younger than `over`; answers how many.

    A line says through where and with which hash the chain went on, so that it still holds from there.
    """
    first_kept = sa.select(sa.func.min(Audit.seq)).where(Audit.at > over).scalar_subquery()
    last = ctx.session.execute(
        sa.select(Audit.seq, Audit.hash).where(Audit.seq < first_kept).order_by(Audit.seq.desc()).limit(1)
    ).first()
    if last is None:
        return 0
    write(ctx, "cut", str(last.seq), hash=last.hash.hex())
    gone = ctx.session.execute(sa.delete(_AUDIT).where(_AUDIT.c.seq <= last.seq))
    return gone.rowcount  # type: ignore[attr-defined,no-any-return]  # a cursor's result has it


def _cut_through(ctx: Ctx) -> tuple[int, bytes]:
    """The number and the hash of the last line that was let go; nothing where none was."""
    row = ctx.session.execute(
        sa.select(Audit.target, Audit.detail).where(Audit.what == "cut").order_by(Audit.seq.desc()).limit(1)
    ).first()
    return (int(row.target), bytes.fromhex(json.loads(row.detail)["hash"])) if row else (0, b"")


def _rows(ctx: Ctx) -> Iterator[Any]:
    after = 0
    while rows := ctx.session.execute(
        sa.select(Audit.__table__).where(Audit.seq > after).order_by(Audit.seq).limit(_BATCH)
    ).all():
        yield from rows
        after = rows[-1].seq


def lines(ctx: Ctx, before: int | None = None, limit: int = 200) -> list[Line]:
    """The newest lines, newest first; `before` gives the page that ends above that line."""
    chosen = sa.select(Audit).order_by(Audit.seq.desc()).limit(limit)
    if before is not None:
        chosen = chosen.where(Audit.seq < before)
    return [
        Line(row.seq, row.at, row.who, row.what, row.target, json.loads(row.detail), row.clock_back)
        for row in ctx.session.scalars(chosen)
    ]


def after(ctx: Ctx, seq: int) -> list[Line]:
    """The lines below one, oldest first."""
    return [
        Line(row.seq, row.at, row.who, row.what, row.target, json.loads(row.detail), row.clock_back)
        for row in ctx.session.scalars(sa.select(Audit).where(Audit.seq > seq).order_by(Audit.seq))
    ]


def adopt(ctx: Ctx, session: str, told: list[Line]) -> None:
    """Add the lines of a session that leaves nothing. Its row numbers mean nothing here, and say so."""
    for line in told:
        then = Ctx(ctx.session, line.who, line.at)
        target = f"passing {line.target}" if line.target else ""
        write(then, line.what, target, **{**line.detail, "passing": session})


def clock_jumps(ctx: Ctx) -> int:
    """How many lines were written while the clock stood before the line above."""
    return ctx.session.scalar(sa.select(sa.func.count(Audit.seq)).where(Audit.clock_back)) or 0
