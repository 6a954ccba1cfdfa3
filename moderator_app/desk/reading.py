"""Let the rules read what came in, in batches, outside any transaction, and keep what they found.

Software raises and people lower: what is found may raise an item, never lower it. When the rules change,
everything is read again in the background, and again only to raise.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol

import sqlalchemy as sa

from connectors.contract import Kind
from moderator_app.desk import clocks, context, teaching, work
from moderator_app.desk.desk import Ctx, Desk
from moderator_app.desk.rows import Cue, PackChange, Reading
from moderator_app.desk.work import Work
from moderator_app.models.care import Meta
from moderator_app.models.inbox import Message, Signal
from moderator_app.models.session import Plain, adding, given, given_ids, table
from moderator_app.models.terms import Level, Status

BATCH: Final = 64
_REPORTS: Final = 3  # of one message, by which it is red
_READ_BY: Final = "read_by"  # in the file's facts: the version that has read everything
_MESSAGE, _SIGNAL = table(Message), table(Signal)
Text = tuple[int, str, str]  # a message's id, its text, the language that the platform names or ""


class Reader(Protocol):
    """Reads texts; each comes with the language that its platform names, or ""."""

    def use(self, changes: Sequence[PackChange]) -> None: ...
    def read(self, texts: Sequence[tuple[str, str]]) -> list[Reading]: ...


def _never() -> bool:
    return False


# ------------------------------------------------------------------ what came in


def read_pending(
    desk: Desk,
    reader: Reader,
    cancelled: Callable[[], bool] = _never,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Read everything that is unread; answer how many messages that was."""
    done = 0
    if not desk.ask(unread, 1):
        return done
    version = _prepared(desk, reader)
    while not cancelled() and (batch := desk.ask(unread, BATCH)):
        _read(desk, reader, batch, version)
        done += len(batch)
        if progress is not None:
            progress(done)
    return done


def _prepared(desk: Desk, reader: Reader) -> int:
    """Hand the reader the packs as they are now; the version that they make."""
    version, changes = desk.ask(lambda ctx: (teaching.version(ctx), teaching.changes(ctx)))
    reader.use(changes)
    return version


def _read(desk: Desk, reader: Reader, batch: Sequence[Text], version: int) -> None:
    readings = reader.read([(text, lang) for _, text, lang in batch])
    found = [(key, text, reading) for (key, text, _), reading in zip(batch, readings, strict=True)]
    desk.in_bulk().do(apply, found, version)


_UNREAD: Final = Plain(
    sa.select(Message.id, Message.body, sa.func.coalesce(Message.lang, ""))
    .where(Message.read_v.is_(None))
    .order_by(Message.id.desc())
    .limit(given("limit"))
)


def unread(ctx: Ctx, limit: int = 64) -> list[Text]:
    """Messages that the rules have not read, newest first (the freshest may be the most urgent)."""
    return [(key, body, lang) for key, body, lang in _UNREAD.rows(ctx.session, {"limit": limit})]


# ------------------------------------------------------------------ everything, once more


_STALE: Final = Plain(
    sa.select(Message.id, Message.body, sa.func.coalesce(Message.lang, ""))
    .where(
        _MESSAGE.c.id < given("below"),
        _MESSAGE.c.read_v > 0,
        _MESSAGE.c.read_v < given("version"),
        _MESSAGE.c.gone_at.is_(None),
    )
    .order_by(_MESSAGE.c.id.desc())
    .limit(given("limit"))
)


def stale(ctx: Ctx) -> int:
    """How many ids there are to go through because the rules have changed; 0 where nothing is to do."""
    known = ctx.session.get(Meta, _READ_BY)
    if known is not None and int(known.value) == teaching.version(ctx):
        return 0
    return ctx.session.scalar(sa.select(sa.func.max(Message.id))) or 0


def read_again(
    desk: Desk,
    reader: Reader,
    progress: Callable[[int, int], None] = lambda *_: None,
    cancelled: Callable[[], bool] = _never,
) -> int:
    """Read all that older rules have read, the newest first; what comes in meanwhile goes before it.

    Answers how many were read. Where it is stopped, the next time goes on with what is left.
    """
    top = desk.ask(stale)
    version, below, done = _prepared(desk, reader), top + 1, 0
    while not cancelled():
        read_pending(desk, reader, cancelled)
        batch = desk.ask(_older, below, version)
        if not batch:
            desk.do(_all_read, version)
            break
        _read(desk, reader, batch, version)
        below, done = batch[-1][0], done + len(batch)
        progress(top - below + 1, top)
    return done


def _older(ctx: Ctx, below: int, version: int) -> list[Text]:
    asked = {"below": below, "version": version, "limit": BATCH}
    return [(key, body, lang) for key, body, lang in _STALE.rows(ctx.session, asked)]


def _all_read(ctx: Ctx, version: int) -> None:
    if version == teaching.version(ctx):  # else it was changed meanwhile, and all is to be done once more
        ctx.session.merge(Meta(key=_READ_BY, value=str(version)))


# ------------------------------------------------------------------ what was found


class _Heard(NamedTuple):
    """A message that is being read: what its level touches."""

    id: int
    account_id: int
    thread_id: int
    person_id: int | None
    item_id: int | None
    body: str
    lang: str | None
    kind: str
    reason: str | None
    subject_ext: str | None
    created_at: int
    level: int | None
    read_v: int | None


_HEARD: Final = Plain(
    sa.select(*(_MESSAGE.c[name] for name in _Heard._fields)).where(_MESSAGE.c.id.in_(given_ids("ids")))
)
_LEVELLED: Final = Plain(
    sa.update(_MESSAGE)
    .where(_MESSAGE.c.id == given("id"))
    .values(level=given("level"), read_v=given("read_v"), lang=given("lang"))
)
# What somebody reported stays, whatever the words are read as later.
_FORGET_SIGNALS: Final = Plain(
    sa.delete(_SIGNAL).where(_SIGNAL.c.message_id.in_(given_ids("ids")), _SIGNAL.c.kind != "reported")
)
_ADD_SIGNAL: Final = adding(_SIGNAL, "message_id", "start", "end", "kind", "level", "why", "lang")
_REPORTED: Final = Plain(
    sa.select(sa.func.count()).where(_SIGNAL.c.message_id == given("id"), _SIGNAL.c.kind == "reported")
)
_LATER: Final = Plain(
    sa.select(_MESSAGE.c.id)
    .where(
        _MESSAGE.c.thread_id == given("thread"),
        _MESSAGE.c.created_at >= given("at"),
        sa.literal_column("message.ours"),
    )
    .limit(1)
)


def apply(ctx: Ctx, readings: Sequence[tuple[int, str, Reading]], version: int | None = None) -> None:
    """Store what the rules found. Each reading names its message and the text that was read.

    A reading of a text that has changed meanwhile is dropped: the new text is still unread. One of a text
    that was read before, by older rules, counts only where it is more urgent.
    """
    version = teaching.version(ctx) if version is None else version
    ids = {"ids": json.dumps([message_id for message_id, _, _ in readings])}
    rows = {row[0]: _Heard(*row) for row in _HEARD.rows(ctx.session, ids)}
    items = work.by_id(ctx, {row.item_id for row in rows.values() if row.item_id})
    read: list[dict[str, Any]] = []
    signals: list[dict[str, Any]] = []
    anew: list[int] = []
    for message_id, text, reading in readings:
        row = rows.get(message_id)
        if row is None or row.body != text or row.read_v == 0:
            continue
        level, cues = _with_report(row, reading)
        again = row.read_v is not None and row.level is not None
        if again and level >= (row.level or 0):
            read.append({"id": message_id, "level": row.level, "read_v": version, "lang": row.lang})
            continue
        anew.append(message_id)
        if not again:
            level, cues = _in_context(ctx, row, level, cues)
        lang = row.lang or reading.lang or None
        read.append({"id": message_id, "level": level.value, "read_v": version, "lang": lang})
        signals += [_signal(message_id, cue) for cue in cues]
        if row.item_id in items:
            _raise(ctx, items[row.item_id], row, level)
        if row.kind == Kind.REPORT and row.subject_ext and not again:
            signals += _reported(ctx, row, items, signals)
    _FORGET_SIGNALS.write(ctx.session, [{"ids": json.dumps(anew)}])
    _LEVELLED.write(ctx.session, read)
    _ADD_SIGNAL.write(ctx.session, signals)
    work.change(ctx, items.values())


def _signal(message_id: int, cue: Cue) -> dict[str, Any]:
    return {
        "message_id": message_id,
        "start": cue.start,
        "end": cue.end,
        "kind": cue.kind,
        "level": cue.level.value,
        "why": cue.why,
        "lang": cue.lang,
    }


def _with_report(row: _Heard, reading: Reading) -> tuple[Level, tuple[Cue, ...]]:
    """A report is at least amber, whatever its words: somebody asked for help with something."""
    if row.kind != Kind.REPORT:
        return reading.level, reading.cues
    cue = Cue(0, 0, "report", Level.AMBER, f"reported: {row.reason or 'other'}", reading.lang)
    return min(reading.level, Level.AMBER), (*reading.cues, cue)


def _in_context(ctx: Ctx, row: _Heard, level: Level, cues: tuple[Cue, ...]) -> tuple[Level, tuple[Cue, ...]]:
    """What its author wrote before may raise a message, never lower it."""
    because = context.reason(ctx, row.id, row.person_id, row.created_at, level, cues)
    return (level, cues) if because is None else (min(level, because.level), (*cues, because))


def _reported(
    ctx: Ctx, report: _Heard, items: dict[int, Work], so_far: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """A report raises what it is about to amber, several reports to red; and it says why there."""
    subject = ctx.session.scalars(
        sa.select(Message).where(
            Message.account_id == report.account_id, Message.external_id == report.subject_ext
        )
    ).first()
    if subject is None or subject.ours or subject.item_id is None or subject.gone_at is not None:
        return []
    if subject.item_id not in items:
        items |= work.by_id(ctx, [subject.item_id])
    item = items[subject.item_id]
    before = _REPORTED.first(ctx.session, {"id": subject.id}) or (0,)
    before = before[0] + sum(one["message_id"] == subject.id and one["kind"] == "reported" for one in so_far)
    level = Level.RED if before + 1 >= _REPORTS else Level.AMBER
    if subject.id > item.lowered_through:
        if item.level > level:
            item.level, item.top_message_id = level, subject.id
        clocks.settle(item, ctx.now)
    why = f"reported: {report.reason or 'other'}"
    return [_signal(subject.id, Cue(0, 0, "reported", level, why, ""))]


def _raise(ctx: Ctx, item: Work, row: _Heard, level: Level) -> None:
    if row.read_v is None:
        item.pending = max(0, item.pending - 1)
    if row.id > item.lowered_through:
        if level < item.level or (level == item.level and item.top_message_id is None):
            item.top_message_id = row.id
        item.level = min(item.level, level)
        if item.status is Status.EARLIER and level <= Level.RED and not _answered_later(ctx, row):
            # Nobody in danger stays below the fold because the message is old.
            item.status = Status.OPEN
            item.new_messages = max(1, item.new_messages)
    clocks.settle(item, ctx.now)


def _answered_later(ctx: Ctx, row: _Heard) -> bool:
    """Whether somebody of ours wrote in the conversation after a message."""
    return _LATER.first(ctx.session, {"thread": row.thread_id, "at": row.created_at}) is not None
