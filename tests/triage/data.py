"""The data of the research folder, split so that nothing is measured on what it was trained on.

What each set may be used for is said in the folder's own notes; no text of it is ever printed or kept here.
"""

import json
import os
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = (
    Path(os.environ.get("HEARTHLIGHT_SHARED", Path(__file__).resolve().parents[3] / "shared"))
    / "data"
    / "triage"
)
AT_RISK: Final = frozenset({"ideation", "behavior", "attempt"})
_SENTENCE: Final = re.compile(r"(?<=[.!?\n])\s+")
_LETTERS: Final = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Row:
    """One text with its label; `group` is its function, its split or its writer, as the set has it."""

    text: str
    label: str
    group: str = ""
    lang: str = ""


def there() -> bool:
    """Whether the research folder is here."""
    return FOLDER.is_dir()


def rows(name: str) -> list[Row]:
    """All of one set, in its order."""
    found = []
    for line in (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines():
        raw = json.loads(line)
        group = raw.get("group") or raw.get("user") or raw.get("split") or ""
        if name == "hatecheck":
            group = raw["source"].partition(":")[2]
        label = raw.get("label") or raw.get("expected_level")
        found.append(Row(raw["text"], label, str(group), raw.get("lang", "")))
    return found


def shuffled(found: Sequence[Row], seed: int = 7) -> list[Row]:
    """In an order of chance that is the same each time."""
    order = list(found)
    random.Random(seed).shuffle(order)
    return order


def halves(name: str) -> tuple[list[Row], list[Row]]:
    """A set for training and the rest for measuring: by its own split, else by chance; no near doubles."""
    found = rows(name)
    own = {
        "goemotions": {"train"},
        "clinc150": {"train", "oos_train"},
        "hatemoji_build": {"train", "validation"},
    }
    if name in own:
        train = [row for row in found if row.group in own[name]]
        test = [row for row in found if row.group not in own[name]]
    else:
        order = shuffled(found)
        train, test = order[: len(order) // 2], order[len(order) // 2 :]
    known = {_bare(row.text) for row in train}
    return train, [row for row in test if _bare(row.text) not in known]


def _bare(text: str) -> str:
    """A text without all that makes near doubles differ."""
    return " ".join(_LETTERS.findall(text.casefold()))


def sentences(text: str) -> list[str]:
    """The sentences of a text, the short ones left out."""
    return [one for one in _SENTENCE.split(text) if len(one.split()) > 2]


def field_mix(seed: int = 1) -> tuple[list[str], list[bool]]:
    """Messages as a community might get them: 2.2 % by people at risk among chat, comments and worries.

    Those at risk come with posts of the same forums by people who are not, so that neither length nor style
    tells them apart.
    """
    chance = random.Random(seed)
    posts = rows("cssrs500")
    risk = [row.text for row in posts if row.label in AT_RISK]
    rest = [row.text for row in posts if row.label not in AT_RISK]
    others: list[str] = []
    for name, many in (("goemotions", 3400), ("clinc150", 1300), ("davidson", 1500), ("counselchat", 300)):
        test = halves(name)[1]
        others += [row.text for row in chance.sample(test, min(many, len(test)))]
    others += [row.text for name in ("surge_toxicity", "youtube_spam") for row in halves(name)[1]]
    others += chance.sample(rest, min(900, len(rest)))
    mixed = [(text, True) for text in chance.sample(risk, 175)] + [(text, False) for text in others]
    chance.shuffle(mixed)
    return [text for text, _ in mixed], [at_risk for _, at_risk in mixed]
