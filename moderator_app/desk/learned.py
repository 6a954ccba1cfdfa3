"""The learned layer beside the cues: how much a text reads like others that were urgent, an attack, or spam.

Linear weights over hashed n-grams of letters and words, and for attacks on groups over the shape of a
sentence (who is spoken of, what is said of them, denied or quoted by whom). Trained by `make train`, measured
by `make eval`; the model card beside the weights says on what. It only ever adds to what the cues say, and
names the sentence that it rests on. Without its file the cues stand alone.
"""

import json
import math
import re
import unicodedata
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from moderator_app.desk.cue_pack import roles
from moderator_app.desk.cue_words import Sentence
from moderator_app.paths import resource

WORDS_SIZE: Final = 1 << 18  # places for n-grams
SHAPES_SIZE: Final = 1 << 16  # places for shapes of sentences
_LONGEST: Final = 2000  # characters of one sentence
_MOST_SENTENCES: Final = 400
_NEAR: Final = 6  # parts of a sentence that are seen together
_MOST_PARTS: Final = 24
_TARGETS: Final = frozenset({"GROUP", "SLUR"})
_EVEN: Final = 0.5
_LARGEST: Final = 30.0  # of a logit: beyond it nothing changes

_HIDDEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]"
)
_STRETCHED: Final = re.compile(r"(.)\1{2,}")
_PART: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)?|[^\w\s]")
_LINK: Final = re.compile(r"https?://\S+|www\.\S+")
_HANDLE: Final = re.compile(r"(?<!\w)@\w+")
_DIGITS: Final = re.compile(r"\d+")
_STEP: Final = np.uint64(0x100000001B3)
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)
_SPREAD_MORE: Final = np.uint64(0xC2B2AE3D27D4EB4F)

Places = NDArray[np.int64]
Weights = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Judged:
    """What the weights make of a text, and the place in it that they rest on.

    `risk` is a logit, for an order; `abuse` and `spam` are chances from 0 to 1.
    """

    risk: float
    abuse: float
    spam: float
    risk_at: tuple[int, int]
    abuse_at: tuple[int, int]


# ------------------------------------------------------------------ features


def ngrams(text: str) -> Places:
    """Where the n-grams of a text stand among the weights: words, pairs of words, three to five letters."""
    plain = _HIDDEN.sub("", unicodedata.normalize("NFKC", text[:_LONGEST])).casefold().replace("\u2019", "'")
    plain = _DIGITS.sub("0", _HANDLE.sub(" @ ", _LINK.sub(" http ", plain)))
    parts = _PART.findall(_STRETCHED.sub(r"\1\1", plain))
    if not parts:
        return np.zeros(0, dtype=np.int64)
    with np.errstate(over="ignore"):
        return np.unique(np.concatenate(list(_hashed(parts))))


def _hashed(parts: Sequence[str]) -> Iterator[Places]:
    words = np.array([zlib.crc32(part.encode("utf-8", "replace")) for part in parts], dtype=np.uint64)
    yield _place(words, 1)
    yield _place(words[:-1] * _STEP + words[1:], 2)
    letters = np.frombuffer(f" {' '.join(parts)} ".encode("utf-32-le", "replace"), dtype=np.uint32)
    wide = letters.astype(np.uint64) * np.uint64(0x9E3779B1)
    for many in (3, 4, 5):
        mixed = np.zeros(max(0, len(wide) - many + 1), dtype=np.uint64)
        for step in range(many):
            mixed = mixed * _STEP + wide[step : step + len(mixed)]
        yield _place(mixed, 10 + many)


def _place(hashes: NDArray[np.uint64], seed: int) -> Places:
    mixed = (hashes ^ np.uint64(seed)) * _SPREAD
    mixed ^= mixed >> np.uint64(29)
    mixed *= _SPREAD_MORE
    mixed ^= mixed >> np.uint64(32)
    return (mixed & np.uint64(WORDS_SIZE - 1)).astype(np.int64)


def shapes(sentences: Sequence[Sentence], ordinary: frozenset[str]) -> Places:
    """Where the shapes of the sentences stand: runs and near pairs of what their words are."""
    found: set[str] = set()
    before: frozenset[str] = frozenset()
    for sentence in sentences[:_MOST_SENTENCES]:
        parts = [_role(word, place in sentence.quoted, ordinary) for place, word in enumerate(sentence.words)]
        run = ["<", *parts[:80], sentence.mark or ">"]
        told = [part for part in run if part.isupper() or part[0] in "<>?!." or part.startswith("Q:")]
        found.update(_runs("g", run, (1, 2, 3)))
        found.update(_runs("t", told, (2, 3, 4)))
        for place, part in enumerate(told[:_MOST_PARTS]):
            found.update(f"s{part}~{other}" for other in told[place + 1 : place + 1 + _NEAR])
        here = frozenset(told)
        found.update(f"x{one}|{other}" for one in before for other in here)
        before = here
    places = sorted({zlib.crc32(shape.encode("utf-8", "replace")) % SHAPES_SIZE for shape in found})
    return np.array(places, dtype=np.int64)


def _role(word: str, quoted: bool, ordinary: frozenset[str]) -> str:
    known = roles().get(word) or (word if word in ordinary or len(word) == 1 else "w")
    return f"Q:{known}" if quoted else known


def _runs(mark: str, parts: Sequence[str], lengths: Sequence[int]) -> Iterator[str]:
    for length in lengths:
        for begin in range(len(parts) - length + 1):
            yield mark + " ".join(parts[begin : begin + length])


# ------------------------------------------------------------------ weights


class Learned:
    """The weights of four questions. It keeps nothing of any text."""

    def __init__(self, weights: Mapping[str, Weights], card: Mapping[str, Any]) -> None:
        self._weights = weights
        self._bias: Mapping[str, float] = card["bias"]
        self._mix: Mapping[str, float] = card["mix"]
        self.thresholds: Mapping[str, float] = card["thresholds"]
        self.version: str = card["version"]

    def logit(self, name: str, places: Places) -> float:
        """How far a set of places speaks for something; 0 is even."""
        if not len(places):
            return self._bias[name]
        told = float(self._weights[name][places].astype(np.float32).sum())
        return told / math.sqrt(len(places)) + self._bias[name]

    def judge(
        self, text: str, sentences: Sequence[Sentence], cue: float, ordinary: frozenset[str] | None
    ) -> Judged:
        """What the weights make of a text of which the cues said `cue`: their chance of a crisis, 0 to 1.

        There is at least one sentence. `ordinary` are the ordinary words of English; None for another
        language, in which nobody has taught it attacks.
        """
        read = sentences[:_MOST_SENTENCES]
        spans = [(one.starts[0], max(one.ends)) for one in read]
        places = [ngrams(text[start:end]) for start, end in spans]
        whole = places[0] if len(places) == 1 else np.unique(np.concatenate(places))
        urgent = [self.logit("risk", one) for one in places]
        at = max(range(len(urgent)), key=urgent.__getitem__)
        risk = self._risk(urgent[at], self.logit("distress", whole), sentences, cue)
        abuse, abuse_at = (0.0, (0, 0)) if ordinary is None else self._attack(read, ordinary)
        return Judged(risk, abuse, chance(self.logit("spam", whole)), spans[at], abuse_at)

    def _attack(self, read: Sequence[Sentence], ordinary: frozenset[str]) -> tuple[float, tuple[int, int]]:
        """The chance that a group of people is attacked, and in which sentence."""
        if not any(roles().get(word) in _TARGETS for one in read for word in one.words):
            return 0.0, (0, 0)
        altogether = chance(self.logit("abuse", shapes(read, ordinary)))
        worst = read[0]
        if len(read) > 1 and altogether >= _EVEN:
            worst = max(read, key=lambda one: self.logit("abuse", shapes([one], ordinary)))
        return altogether, (worst.starts[0], max(worst.ends))

    def _risk(self, urgent: float, distress: float, sentences: Sequence[Sentence], cue: float) -> float:
        """Cues, letters and who is spoken of: somebody who writes of themselves is likelier meant."""
        words = [word for one in sentences for word in one.words]
        first, second = (sum(word in listed for word in words) for listed in (_FIRST, _SECOND))
        told = {
            "cue": math.log(cue / (1 - cue)),
            "urgent": min(max(urgent, -6.0), 6.0),
            "distress": min(max(distress, -6.0), 6.0),
            "who": (first - second) / (first + second + 2),
            "length": math.log1p(len(words)),
        }
        return sum(self._mix[name] * value for name, value in told.items()) + self._bias["mix"]


_FIRST: Final = frozenset(
    {"i", "me", "my", "mine", "myself", "we", "ich", "mich", "mir", "mein", "yo", "mi", "je", "moi", "mon"}
    | {"eu", "meu", "mim", "main", "mujhe", "mera"}
)
_SECOND: Final = frozenset(
    {"you", "your", "yours", "yourself", "du", "dich", "dir", "dein", "tu", "te", "toi", "vous"}
    | {"voce", "tum", "tumhe", "aap"}
)


def chance(logit: float) -> float:
    """From a logit to 0 to 1."""
    return 1.0 / (1.0 + math.exp(-min(max(logit, -_LARGEST), _LARGEST)))


@cache
def layer() -> Learned | None:
    """The layer that is shipped; None where its files are missing, so that the cues stand alone."""
    weights, card = resource("triage/weights.npz"), resource("triage/card.json")
    if not weights.exists() or not card.exists():
        return None
    with np.load(weights) as found:
        kept = {name: found[name] for name in found.files}
    return Learned(kept, json.loads(card.read_text("utf-8")))
