"""Where people can turn to, by country: ships with the program and needs no network (R45)."""

import functools
import json
import re
from dataclasses import dataclass

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


@functools.cache
def known_numbers() -> frozenset[str]:
    """The digits of every number in the directory: those may stand in a reply (R25), others may not."""
    emergency = [found.emergency for found in _directory().values()]
    contacts = [
        value for found in _directory().values() for line in found.lines for _, value in line.contacts
    ]
    return frozenset(re.sub(r"\D", "", number) for number in (*emergency, *contacts)) - {""}
