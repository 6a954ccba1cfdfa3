"""What a team teaches triage: its own changes to the cue packs, and the version that follows from them.

Nothing changes by itself. A lead writes a change, says why, and sees first what it would have done to the
messages of the last weeks (`desk.trial`). What is already marked stays until a person lowers it.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from moderator_app.desk import audit
from moderator_app.desk.desk import Ctx
from moderator_app.desk.rows import PackChange
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.models.care import ChangeKind, CueChange, new_id

RULES: Final = 2  # the version of the shipped rules and packs; a higher one reads everything again
_MOST_CHANGES: Final = 1_000_000  # of one version of the rules, so that versions keep their order
LEAST_REASON: Final = 10  # characters


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A change as the screen shows it. `tried` holds the counts of the try before it was made."""

    change_id: uuid.UUID
    change: PackChange
    reason: str
    who: str
    at: datetime
    tried: Mapping[str, int]
    withdrawn_at: datetime | None
    withdrawn_by: str


def version(ctx: Ctx) -> int:
    """The version of what reads now; each change and each withdrawal makes a higher one."""
    made, withdrawn = ctx.session.execute(
        sa.select(sa.func.count(), sa.func.count(CueChange.withdrawn_at))
    ).one()
    return RULES * _MOST_CHANGES + made + withdrawn


def changes(ctx: Ctx) -> tuple[PackChange, ...]:
    """The changes that hold, in the order in which they were made."""
    rows = ctx.session.scalars(_ALL.where(CueChange.withdrawn_at.is_(None)))
    return tuple(_change(row) for row in rows)


_ALL: Final = sa.select(CueChange).order_by(CueChange.at, CueChange.id)


def _change(row: CueChange) -> PackChange:
    return PackChange(row.what.value, row.lang, row.line, row.kind, row.level)


def listed(ctx: Ctx) -> list[ChangeRow]:
    """Every change that was ever made, the newest first."""
    return [
        ChangeRow(
            row.id,
            _change(row),
            row.reason,
            row.who,
            row.at,
            json.loads(row.tried),
            row.withdrawn_at,
            row.withdrawn_by,
        )
        for row in reversed(ctx.session.scalars(_ALL).all())
    ]


@dataclass(frozen=True, slots=True)
class PackRow:
    """A shipped pack: how many phrases, of when, whose, and reviewed by whom."""

    lang: str
    phrases: int
    version: str
    owner: str
    reviewed: str


def packs() -> list[PackRow]:
    """The packs as they are shipped; takes a moment."""
    from moderator_app.desk.cue_pack import PACKS, Pack  # noqa: PLC0415 - a window shows without the rules

    made = [Pack(lang) for lang in PACKS]
    return [PackRow(p.lang, len(p.cues.phrases), p.version, p.owner, p.reviewed) for p in made]


def check(wanted: PackChange, so_far: Sequence[PackChange] = ()) -> None:
    """Say what is wrong with a change before it is tried or made."""
    from moderator_app.desk.cue_pack import PACKS, Pack  # noqa: PLC0415 - a window shows without the rules

    if wanted.lang not in PACKS:
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "There is no pack for the language {lang}."), lang=wanted.lang
        )
    if not wanted.line.strip() or (wanted.what == ChangeKind.ADD and not wanted.kind):
        raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "The phrase is empty."))
    try:
        Pack(wanted.lang, [*(one for one in so_far if one.lang == wanted.lang), wanted])
    except (ValueError, KeyError) as error:
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "The phrase cannot be read as a pack writes it."),
            QT_TRANSLATE_NOOP("Error", "Write plain words; join alternatives by | and leave the rest out."),
        ) from error


def make(ctx: Ctx, wanted: PackChange, reason: str, tried: Mapping[str, int]) -> uuid.UUID:
    """Change a pack, from the next message on; older ones are read again in the background."""
    check(wanted, changes(ctx))
    if len(reason.strip()) < LEAST_REASON:
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "A change to what triage hears needs a reason."),
            QT_TRANSLATE_NOOP("Error", "Say in at least {least} characters why."),
            least=LEAST_REASON,
        )
    if not tried:
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "Try the change on your own messages first."),
            QT_TRANSLATE_NOOP("Error", "Choose Try, look at what would change, then decide."),
        )
    row = CueChange(
        id=new_id(),
        what=ChangeKind(wanted.what),
        lang=wanted.lang,
        line=wanted.line.strip(),
        kind=wanted.kind,
        level=wanted.level,
        reason=reason.strip(),
        who=ctx.who,
        at=ctx.now,
        tried=json.dumps(dict(tried)),
    )
    ctx.session.add(row)
    audit.write(ctx, "cue_change", f"cue_change:{row.id}", how=wanted.what, lang=wanted.lang)
    return row.id


def withdraw(ctx: Ctx, change_id: uuid.UUID) -> None:
    """Take a change back: the pack reads as if it had never been made."""
    row = ctx.session.get(CueChange, change_id)
    if row is None or row.withdrawn_at is not None:
        raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "That change was already withdrawn."))
    row.withdrawn_at, row.withdrawn_by = ctx.now, ctx.who
    audit.write(ctx, "cue_change_withdrawn", f"cue_change:{row.id}", lang=row.lang)
