"""Respectful replies: the shipped templates, what is still blank in them, and remarks on a draft.

Pure functions over `resources/reply_templates.json` and `resources/language_lint.json`. The check reads
outgoing text only; it is never used on members (R31).
"""

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import regex

from moderator_app.desk import helplines
from moderator_app.desk.rows import Audience, Check, Level, TemplateRow
from moderator_app.paths import resource

_BLANK: Final = re.compile(r"\{([a-z_]+)\}")
_LEAST_WORDS: Final = 3  # typed by the sender, R23
_NUMBERS: Final = "V01"  # the rule that keeps free-typed phone numbers out (R24)
_LONG_SENTENCE: Final = 22  # words, R36


@dataclass(frozen=True, slots=True)
class _Rule:
    id: str
    pattern: re.Pattern[str]
    weight: str
    say: str
    why: str


def template(key: str, body: str, about: Mapping[str, Any], *, reviewed: bool) -> TemplateRow:
    """A template as the screen shows it, from its text and what is known about it."""
    return TemplateRow(
        template_id=key,
        situation=about.get("situation", ""),
        title=about.get("title", key),
        levels=tuple(Level[word.upper()] for word in about.get("levels", ())),
        audience=about.get("channel", "public_or_dm"),
        lang=about.get("locale", "en"),
        body=body,
        short=about.get("short") or "",
        blanks=tuple(blanks(body)),
        avoid=about.get("do_not_use_when") or "",
        reviewed=reviewed,
    )


@functools.cache
def shipped() -> tuple[TemplateRow, ...]:
    """The templates that come with the program; none is reviewed until a named person does it (R29)."""
    raw = json.loads(resource("reply_templates.json").read_text("utf-8"))
    return tuple(
        template(entry["id"], entry["body"], {**entry, "locale": raw["locale"]}, reviewed=False)
        for entry in raw["templates"]
    )


@functools.cache
def _rules() -> tuple[_Rule, ...]:
    raw = json.loads(resource("language_lint.json").read_text("utf-8"))
    return tuple(
        _Rule(
            rule["id"],
            # A rule about capitals is the only kind for which they matter.
            re.compile(rule["pattern"], 0 if "[A-Z]" in rule["pattern"] else re.IGNORECASE),
            rule["level"],
            rule.get("say", ""),
            rule.get("why", ""),
        )
        for rule in raw["rules"]
    )


def blanks(text: str) -> list[str]:
    """The names in braces that nobody has filled yet, in their order."""
    return list(dict.fromkeys(_BLANK.findall(text)))


def fill(chosen: TemplateRow, values: Mapping[str, str], *, short: bool = False) -> str:
    """The template's text with the known blanks filled; the others stay in braces, to be typed."""
    text = chosen.short if short and chosen.short else chosen.body
    return _BLANK.sub(lambda m: values.get(m[1]) or m[0], text)


def untouched(text: str, chosen: TemplateRow) -> bool:
    """Whether a reply is a template as it stands: fewer than three words are the sender's own (R23).

    What fills the blanks of names and numbers is not the sender's; what fills {their_words} is.
    """
    return any(_own_words(text, source) < _LEAST_WORDS for source in (chosen.body, chosen.short) if source)


def _own_words(text: str, source: str) -> float:
    """The words typed around a template and in its {their_words}; infinite where it was rewritten."""
    pattern, end = r"(.*?)", 0
    for blank in _BLANK.finditer(source):
        pattern += _loosely(source[end : blank.start()])
        pattern += r"(.*?)" if blank[1] == "their_words" else r"(?:.*?)"
        end = blank.end()
    found = re.fullmatch(pattern + _loosely(source[end:]) + r"(.*)", text.strip(), re.DOTALL)
    if found is None:
        return float("inf")
    return sum(len(re.findall(r"\w+", part)) for part in found.groups())


def _loosely(fixed: str) -> str:
    """A template's own words as a pattern in which spaces do not matter."""
    return r"\s*".join(re.escape(word) for word in fixed.split()).join((r"\s*", r"\s*"))


def length(text: str, unit: str) -> int:
    """How long a platform takes a text to be, in its own unit."""
    if unit == "bytes":
        return len(text.encode())
    if unit == "utf16":
        return len(text.encode("utf-16-le")) // 2
    if unit == "graphemes":
        return len(regex.findall(r"\X", text))
    return len(text)


def _known(number: str) -> bool:
    """Whether a number in a draft comes from the directory of crisis lines."""
    # Opening hours in brackets may follow a number, and their digits are not part of it.
    return re.sub(r"\D", "", number.partition("(")[0]) in helplines.known_numbers()


def check(
    text: str,
    level: Level,
    audience: Audience,
    max_text: int = 0,
    unit: str = "characters",
    chosen: TemplateRow | None = None,
) -> list[Check]:
    """Remarks on a draft, in the order of the text; one with weight "block" keeps it from leaving."""
    found = [
        Check(*match.span(), rule.weight, rule.id, rule.why, rule.say)
        for rule in _rules()
        for match in rule.pattern.finditer(text)
        if match.end() > match.start() and not (rule.id == _NUMBERS and _known(match[0]))
    ]
    found += _unfinished(text, level, max_text, unit, chosen)
    found += _manner(text, level, audience)
    return sorted(found, key=lambda remark: (remark.start, remark.end))


def _unfinished(text: str, level: Level, max_text: int, unit: str, chosen: TemplateRow | None) -> list[Check]:
    found = []
    if max_text and text and length(text, unit) > max_text:
        found.append(Check(len(text), len(text), "block", "LENGTH", f"longer than {max_text} {unit}", ""))
    if chosen is not None and level <= Level.AMBER and untouched(text, chosen):
        found.append(
            Check(0, 0, "block", "R23", "a template is never sent cold", "add a sentence of your own")
        )
    return found


def _manner(text: str, level: Level, audience: Audience) -> list[Check]:
    found = []
    if level <= Level.RED:
        found += [
            Check(*match.span(), "warn", "R34", "no exclamation marks where it is serious", ".")
            for match in re.finditer(r"!+", text)
        ]
    if audience is Audience.PUBLIC and level <= Level.RED:
        found += [
            Check(*match.span(), "warn", "R27", "asked in public, answered in public", "ask in private")
            for match in re.finditer(
                r"\b(?:where do you live|your (?:address|phone|school|real name))\b", text, re.IGNORECASE
            )
        ]
    for match in re.finditer(r"[^.!?\n]+", text):
        if len(match[0].split()) > _LONG_SENTENCE:
            found.append(Check(*match.span(), "hint", "R36", "a long sentence", "say it in two"))
    return found
