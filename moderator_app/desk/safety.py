"""Escalation: one named holder, acknowledged or passed on; and where to find help, by country.

Nothing here sends anything to anybody: it records who holds a conversation and shows the numbers.
"""

import functools
import json
from dataclasses import dataclass

from moderator_app.desk import actions, clocks, triage
from moderator_app.desk.desk import Ctx
from moderator_app.desk.rows import ActionKind, Recorded
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.models.base import Level, Status
from moderator_app.paths import resource


@dataclass(frozen=True, slots=True)
class CrisisLine:
    """One service that people can turn to, as it was last checked.

    `contacts` are (way, value) as dialled inside the country; `confidence` is high, medium or low, and a
    low one is for leads until somebody has checked it (R41).
    """

    name: str
    country: str
    topic: str
    audience: str
    contacts: tuple[tuple[str, str], ...]
    hours: str
    languages: tuple[str, ...]
    url: str
    confidence: str
    checked: str


@dataclass(frozen=True, slots=True)
class Help:
    """What the help card of a country shows: the emergency number first (R40), then the lines."""

    country: str
    emergency: str
    lines: tuple[CrisisLine, ...]
    fallback: str


@functools.cache
def _directory() -> dict[str, Help]:
    raw = json.loads(resource("crisis_lines.json").read_text("utf-8"))
    emergency: dict[str, str] = raw["emergency_numbers"]["values"]
    fallback = raw["global_fallbacks"][0]["url"]
    lines: dict[str, list[CrisisLine]] = {}
    for line in raw["lines"]:
        lines.setdefault(line["country"], []).append(
            CrisisLine(
                name=line["name"],
                country=line["country"],
                topic=line["topic"],
                audience=line["audience"],
                contacts=tuple((c["type"], c["value"]) for c in line["contacts"]),
                hours=line.get("hours") or "",
                languages=tuple(line.get("languages") or ()),
                url=line.get("url") or "",
                confidence=line["confidence"],
                checked=line.get("source_date") or "",
            )
        )
    order = {"high": 0, "medium": 1, "low": 2}
    return {
        country: Help(
            country,
            emergency.get(country, ""),
            tuple(sorted(lines.get(country, ()), key=lambda line: order[line.confidence])),
            fallback,
        )
        for country in sorted({*emergency, *lines})
    }


def countries() -> list[str]:
    """The countries of the directory, as two-letter codes."""
    return list(_directory())


def help_for(country: str, *, lead: bool = False) -> Help:
    """The help card of a country. Unknown: 112 as a hint and the worldwide directory (R40)."""
    found = _directory().get(country)
    if found is None:
        return Help(country, "112", (), next(iter(_directory().values())).fallback)
    shown = tuple(line for line in found.lines if lead or line.confidence != "low")
    return Help(found.country, found.emergency, shown, found.fallback)


def lines(country: str) -> list[CrisisLine]:
    """The lines of a country that anybody may pass on, the surest first."""
    return list(help_for(country).lines)


def escalate(ctx: Ctx, item_id: int, to: str, reason: str) -> Recorded:
    """Hand an item to one named person. It stays open, at least red, until they acknowledge."""
    item = triage.get(ctx, item_id)
    if not to.strip():
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "An escalation needs somebody to hold it."),
            QT_TRANSLATE_NOOP("Error", "Choose a name."),
        )
    changed = actions.change(
        item,
        escalated_to=to.strip(),
        escalated_at=ctx.now,
        acknowledged_at=None,
        level=min(item.level, Level.RED),
        status=Status.OPEN,
        snoozed_until=None,
    )
    clocks.settle(item, ctx.now)
    detail = {"to": to.strip(), "reason": reason.strip()}
    return actions.record(ctx, ActionKind.ESCALATE, item, detail=detail, changed=changed)


def acknowledge(ctx: Ctx, item_id: int) -> Recorded:
    """The holder says: I have it. The item is theirs from now on."""
    item = triage.get(ctx, item_id)
    if not item.escalated_to:
        raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "This was not escalated."))
    changed = actions.change(item, acknowledged_at=ctx.now, assignee=ctx.who)
    detail = {"for": item.escalated_to}
    return actions.record(ctx, ActionKind.ACKNOWLEDGE, item, detail=detail, changed=changed)
