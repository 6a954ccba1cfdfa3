"""Answers to surveys as their makers export them: Google Forms and LimeSurvey, one message for each person.

Sources: the CSV of a Google Forms' answers; LimeSurvey's "Export responses" as CSV with question codes,
with full question texts, or both.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from connectors.archive_dates import iso, month_first

Shape = Callable[[Mapping[str, str]], dict[str, str]]

# The first column of Google Forms, by the language of whoever made it.
_STAMPS: Final = frozenset(
    [
        "timestamp",
        "zeitstempel",
        "horodateur",
        "marca temporal",
        "informazioni cronologiche",
        "carimbo de data/hora",
        "tijdstempel",
        "sygnatura czasowa",
        "časová značka",
        "tidsstempel",
        "tidstämpel",
        "aikaleima",
        "zaman damgas\u0131",
        "отметка времени",
        "позначка часу",
        "タイムスタンプ",
        "时间戳记",
        "時間戳記",
        "타임스탬프",
        "dấu thời gian",
        "stempel waktu",
        "طابع زمني",
    ]
)
_MAIL: Final = frozenset(
    {"username", "email address", "e-mail-adresse", "nutzername", "adresse e-mail", "email"}
)
_LIME_TIME: Final = (
    "submitdate",
    "date submitted",
    "datestamp",
    "date last action",
    "startdate",
    "date started",
)
_LIME_ID: Final = ("id", "response id", "antwort id", "antwort-id")
# Technical columns: where somebody was and came from is nobody's answer.
_LIME_ASIDE: Final = frozenset(
    {
        *_LIME_TIME,
        *_LIME_ID,
        "lastpage",
        "last page",
        "seed",
        "ipaddr",
        "ip address",
        "refurl",
        "referrer url",
    }
    | {"token", "access code", "startlanguage", "start language", "completed", "fertig"}
)
_CODE: Final = re.compile(r"^(?P<code>[A-Za-z]\w*(?:\[\w+\])?)\.\s+(?P<question>.+)$", re.DOTALL)
_TIMES: Final = re.compile(
    r"(?i)(^|\W)(interviewtime|grouptime|questiontime|total time|group time|question time)"
)


def shape(columns: Sequence[str], sample: Sequence[Sequence[str]]) -> Shape | None:
    """How rows with these columns become messages; None where they are no survey that is known."""
    bare = [_bare(name) for name in columns]
    if bare and bare[0] in _STAMPS and len(columns) > 1:
        # Only English forms write the month first, and never with dots.
        stamps = [row[0] for row in sample if row]
        american = bare[0] == "timestamp" and month_first([*stamps, "1/1/2000 1:00:00 AM"])
        return _google(columns, american=american)
    if _one_of(bare, _LIME_ID) is not None and _one_of(bare, _LIME_TIME) is not None:
        return _lime(columns, bare)
    return None


def _google(columns: Sequence[str], *, american: bool) -> Shape:
    mail = next((name for name in columns[1:] if _bare(name) in _MAIL), "")
    questions = [name for name in columns[1:] if name != mail]

    def shaped(row: Mapping[str, str]) -> dict[str, str]:
        return {
            "time": iso(row.get(columns[0], ""), month_first=american) or row.get(columns[0], ""),
            "author": row.get(mail, "") if mail else "",
            "text": _answers([(name, row.get(name, "")) for name in questions]),
            "kind": "direct",
        }

    return shaped


def _lime(columns: Sequence[str], bare: Sequence[str]) -> Shape:
    key = columns[_at(bare, _LIME_ID)]
    times = [columns[place] for name in _LIME_TIME if (place := _one_of(bare, (name,))) is not None]
    language = next(
        (columns[n] for n, name in enumerate(bare) if name in ("startlanguage", "start language")), ""
    )
    token = next((columns[n] for n, name in enumerate(bare) if name in ("token", "access code")), "")
    questions = [
        (name, _question(name))
        for name, plain in zip(columns, bare, strict=True)
        if plain not in _LIME_ASIDE and not _TIMES.search(plain)
    ]

    def shaped(row: Mapping[str, str]) -> dict[str, str]:
        when = next((row[name] for name in times if _sent(row.get(name, ""))), "")
        return {
            "id": row.get(key, ""),
            "time": when,
            "author": row.get(token, "") if token else "",
            "lang": row.get(language, "") if language else "",
            "text": _answers([(said, row.get(name, "")) for name, said in questions]),
            "kind": "direct",
        }

    return shaped


def _sent(when: str) -> bool:
    """Whether a time says anything: LimeSurvey writes 1980 where an answer was never sent off."""
    return bool(when.strip(" 0-:")) and not when.startswith("1980-01-01")


def _answers(pairs: Sequence[tuple[str, str]]) -> str:
    """What somebody answered, each answer below its question; what stayed empty is left out."""
    kept = [(question.strip(), answer.strip()) for question, answer in pairs if answer.strip()]
    if len(kept) == 1:
        return kept[0][1]
    return "\n\n".join(f"{question}\n{answer}" for question, answer in kept)


def _bare(name: str) -> str:
    """A column's name without quotation marks and, for LimeSurvey's "both", without the code before it."""
    plain = name.strip().strip('"').casefold()
    found = _CODE.match(name.strip())
    return (
        found["question"].strip().casefold()
        if found and found["question"].casefold() in _LIME_ASIDE
        else plain
    )


def _question(name: str) -> str:
    found = _CODE.match(name.strip())
    return found["question"] if found else name


def _one_of(bare: Sequence[str], names: Sequence[str]) -> int | None:
    return next((place for place, name in enumerate(bare) if name in names), None)


def _at(bare: Sequence[str], names: Sequence[str]) -> int:
    place = _one_of(bare, names)
    assert place is not None
    return place
