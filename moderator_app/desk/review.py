"""What triage missed and what it cried over, by the word of the moderators, and what might mend it.

Their changes of a level and their "wrong cue" are the only measure, and never leave the machine. A proposal
is only that: a lead tries it on the team's own messages (`desk.trial`) and decides.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from moderator_app.desk.desk import Ctx
from moderator_app.desk.reading import Reader
from moderator_app.desk.rows import ActionKind, Level, PackChange
from moderator_app.models.care import Action
from moderator_app.models.inbox import Message, Signal

LEAST: Final = 3  # judgements before a cue is worth a proposal
_SHARE: Final = 0.5  # of a phrase's judged messages that were lowered
_LOOKED_AT: Final = 2000


@dataclass(frozen=True, slots=True)
class Judged:
    """A message on which a person and triage differ. `text` is "" where it is gone by now."""

    message_id: int
    item_id: int | None
    text: str
    lang: str
    heard: Level
    said: Level | None  # None: only a cue was wrong
    cue: str  # of a wrong cue: its kind
    why: str
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CueRecord:
    """How one reason of the packs did: of `fired` messages, how many a person lowered or called wrong."""

    kind: str
    why: str
    lang: str
    fired: int
    cried: int


@dataclass(frozen=True, slots=True)
class Review:
    """A stretch of time: what was missed, what was cried over, and the reasons that cried most."""

    since: datetime
    until: datetime
    read: int
    missed: tuple[Judged, ...]
    cried: tuple[Judged, ...]
    cues: tuple[CueRecord, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that the judgements speak for: of `judged` messages with the phrase, `cried` were too high."""

    change: PackChange
    judged: int
    cried: int


def look_back(ctx: Ctx, since: datetime, until: datetime) -> Review:
    """Hold what triage said against what people said, between two moments."""
    found = _judged(ctx, since, until)
    missed = tuple(one for one in found if one.said is not None and one.said < one.heard)
    cried = tuple(one for one in found if one.said is None or one.said > one.heard)
    fired = _fired(ctx, since, until)
    wrong = _blamed(ctx, cried)
    cues = [
        CueRecord(kind, why, lang, max(fired[kind, why, lang], count), count)
        for (kind, why, lang), count in wrong.items()
    ]
    cues.sort(key=lambda cue: (-cue.cried, -cue.fired, cue.why))
    within = Message.created_at.between(since, until)
    read = sa.select(sa.func.count()).where(within, Message.ours.is_(False), Message.level.is_not(None))
    return Review(since, until, ctx.session.scalar(read) or 0, missed, cried, tuple(cues))


def _judged(ctx: Ctx, since: datetime, until: datetime) -> list[Judged]:
    """The last word of a person on each message: what was taken back does not count."""
    chosen = (
        sa.select(Action)
        .where(
            Action.at.between(since, until),
            Action.kind.in_([ActionKind.LEVEL, ActionKind.MISREAD]),
            Action.undone_by.is_(None),
            Action.undoes_id.is_(None),
        )
        .order_by(Action.at.desc(), Action.id.desc())
        .limit(_LOOKED_AT)
    )
    last: dict[tuple[str, str], tuple[Action, dict[str, str]]] = {}
    for action in ctx.session.scalars(chosen):
        detail = json.loads(action.detail)
        if "heard" in detail:
            last.setdefault((detail["message"], detail.get("why", "")), (action, detail))
    ids = [int(message) for message, _ in last]
    texts = {row.id: row for row in ctx.session.scalars(sa.select(Message).where(Message.id.in_(ids)))}
    return [_one(action, detail, texts) for action, detail in last.values()]


def _one(action: Action, detail: Mapping[str, str], texts: Mapping[int, Message]) -> Judged:
    key = int(detail["message"])
    message = texts.get(key)
    said = _level(detail["to"]) if action.kind is ActionKind.LEVEL else None
    return Judged(
        key,
        action.item_id,
        message.body if message is not None else "",
        detail.get("lang") or (message.lang if message is not None else "") or "",
        _level(detail["heard"]),
        said,
        detail.get("cue", ""),
        detail.get("why", ""),
        action.who,
        action.at,
    )


def _level(word: str) -> Level:
    return Level[word.upper()]


_Key = tuple[str, str, str]  # kind, why, language


def _fired(ctx: Ctx, since: datetime, until: datetime) -> Counter[_Key]:
    """In how many messages each reason stood for something above green."""
    counted = (
        sa.select(Signal.kind, Signal.why, Signal.lang, sa.func.count(Signal.message_id.distinct()))
        .join(Message, Message.id == Signal.message_id)
        .where(Message.created_at.between(since, until), Signal.level < Level.GREEN)
        .group_by(Signal.kind, Signal.why, Signal.lang)
    )
    return Counter({(kind, why, lang): count for kind, why, lang, count in ctx.session.execute(counted)})


def _blamed(ctx: Ctx, cried: Sequence[Judged]) -> Counter[_Key]:
    """The reasons that stood behind what was lowered; a wrong cue is blamed by name."""
    blamed: dict[_Key, set[int]] = defaultdict(set)
    heard = {one.message_id: one.heard for one in cried if one.said is not None}
    chosen = sa.select(Signal).where(Signal.message_id.in_(list(heard)), Signal.level < Level.GREEN)
    for signal in ctx.session.scalars(chosen):
        if signal.level == heard[signal.message_id]:
            blamed[signal.kind, signal.why, signal.lang].add(signal.message_id)
    for one in cried:
        if one.said is None:
            blamed[one.cue, one.why, one.lang].add(one.message_id)
    return Counter({key: len(messages) for key, messages in blamed.items()})


def proposals(reader: Reader, review: Review, changes: Sequence[PackChange]) -> list[Proposal]:
    """Phrases that cried more often than not, read again as triage reads now; each a step less urgent.

    A phrase that also stands in what was missed, or that nobody complained of often, is left alone.
    """
    from moderator_app.desk.cue_pack import Pack  # noqa: PLC0415 - a window shows without the rules

    reader.use(changes)
    cried = _lines(reader, [one for one in review.cried if one.text])
    missed = _lines(reader, [one for one in review.missed if one.text])
    found: list[Proposal] = []
    for (lang, line), count in cried.items():
        judged = count + missed[lang, line]
        if count >= LEAST and count > _SHARE * judged:
            level = Pack(lang, [one for one in changes if one.lang == lang]).level_of(line)
            if level is not None and level < Level.GREEN:
                change = PackChange("level", lang, line, "", Level(level + 1))
                found.append(Proposal(change, judged, count))
    return sorted(found, key=lambda one: (-one.cried, one.change.line))


def _lines(reader: Reader, judged: Sequence[Judged]) -> Counter[tuple[str, str]]:
    """The phrases of the packs (language, line) behind the level of each text, counted by message."""
    counted: Counter[tuple[str, str]] = Counter()
    readings = reader.read([(one.text, one.lang) for one in judged])
    for reading in readings:
        worst = min((cue.level for cue in reading.cues), default=Level.GREEN)
        counted.update({(cue.lang, cue.line) for cue in reading.cues if cue.level == worst and cue.line})
    return counted
