"""Understand what a person typed into the search field: words, phrases, and filters with their values."""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Final

from moderator_app.desk import folding
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.models.terms import Level, Status

FILTERS: Final = ("from:", "platform:", "level:", "queue:", "before:", "after:", "has:", "sort:best")
HAS: Final = ("link", "edit", "note", "draft", "reply", "report")
_LEAST_BEGINNING: Final = 4  # letters
_TOKEN: Final = re.compile(r'(?P<out>-)?(?:(?P<name>[a-z]+):)?(?:"(?P<phrase>[^"]*)"?|(?P<word>\S+))')


@dataclass(frozen=True, slots=True)
class Term:
    """Words in a row; `begins` takes the last of them as the beginning of a word."""

    words: tuple[str, ...]
    begins: bool = False
    known: tuple[str, ...] = ()  # the words that begin so, where they are few

    def __str__(self) -> str:
        if self.known:
            said = " OR ".join(f'"{" ".join((*self.words[:-1], word))}"' for word in self.known)
            return f"({said})"
        return f'"{" ".join(self.words)}"{" *" if self.begins else ""}'


@dataclass(slots=True)
class Query:
    """What was typed, understood."""

    terms: list[Term] = field(default_factory=list)
    without: list[Term] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    platforms: list[str] = field(default_factory=list)
    levels: list[Level] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    has: list[str] = field(default_factory=list)
    before: datetime | None = None
    after: datetime | None = None
    best: bool = False

    @property
    def asks(self) -> bool:
        """Whether anything is asked at all."""
        narrow = (self.terms, self.people, self.platforms, self.levels, self.statuses, self.has)
        return any(narrow) or self.before is not None or self.after is not None


def parse(words: str) -> Query:
    """Understand what was typed; a filter with a value that does not exist is said."""
    query, said = Query(), []
    for found in _TOKEN.finditer(words):
        if found[0].endswith(":") and found[0] in FILTERS:
            continue  # its value is still to come
        value = found["phrase"] if found["phrase"] is not None else found["word"] or ""
        if found["name"] is None or not _filter(query, found["name"], value.strip()):
            said.append(found)
    for found in said:
        # A filter behind it does not finish a word; a space does.
        open_end = found["phrase"] is None and found is said[-1] and not words[-1:].isspace()
        text = found[0].removeprefix("-") if found["phrase"] is None else found["phrase"]
        term = _term(text, begins=open_end or text.endswith("*"))
        if term is not None:
            (query.without if found["out"] else query.terms).append(term)
    return query


def _term(text: str, *, begins: bool) -> Term | None:
    words = tuple(word for word in re.split(r"[\W_]+", folding.fold(text)) if word)
    if not words:
        return None
    # Few letters begin so many words that the index would read most of itself.
    return Term(words, begins and (len(words[-1]) >= _LEAST_BEGINNING or text.endswith("*")))


def _filter(query: Query, name: str, value: str) -> bool:
    """Take one filter; false where the word before the colon is none of ours."""
    if name == "from" and value:
        query.people.append(value)
    elif name == "platform" and value:
        query.platforms.append(value.casefold())
    elif name == "level" and value:
        query.levels += [
            level for level in Level if _chosen(name, value, [x.word for x in Level], level.word)
        ]
    elif name == "queue" and value:
        known = [status.value for status in Status]
        query.statuses += [status for status in Status if _chosen(name, value, known, status.value)]
    elif name == "has" and value:
        query.has += [what for what in HAS if _chosen(name, value, list(HAS), what)]
    elif name in ("before", "after") and value:
        setattr(query, name, _day(value))
    elif name == "sort" and value:
        query.best = _chosen(name, value, ["best"], "best")
    return name in {entry.partition(":")[0] for entry in FILTERS}


def _chosen(name: str, value: str, known: list[str], this: str) -> bool:
    """Whether a value, perhaps not typed to its end, means this one."""
    if not any(entry.startswith(value.casefold()) for entry in known):
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "There is no {name}:{value}."),
            QT_TRANSLATE_NOOP("Error", "It can be {known}."),
            name=name,
            value=value,
            known=", ".join(known),
        )
    return this.startswith(value.casefold())


def _day(value: str) -> datetime:
    """A day, month or year as the moment at which it begins."""
    parts = (*value.strip("-").split("-"), "1", "1")[:3]
    try:
        return datetime.combine(date(*(int(part) for part in parts)), time(), UTC)
    except ValueError:
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "{value} is no day."),
            QT_TRANSLATE_NOOP("Error", "Write it as 2026-11-22, 2026-11 or 2026."),
            value=value,
        ) from None
