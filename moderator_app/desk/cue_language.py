"""Which language a text is in: the platform's word, its script, then the most ordinary words.

The ordinary words of twenty languages are the evidence, most of them without a pack, so that a language
that we cannot read is noticed instead of being read badly.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from moderator_app.desk.cue_pack import PACKS, Pack, ordinary_words
from moderator_app.desk.cue_words import Token, plain, straight
from moderator_app.desk.rows import PackChange

_SCRIPTS: Final = {
    "CYRILLIC": "ru", "ARABIC": "ar", "HEBREW": "he", "GREEK": "el", "DEVANAGARI": "hi", "BENGALI": "bn",
    "THAI": "th", "HANGUL": "ko", "HIRAGANA": "ja", "KATAKANA": "ja", "CJK": "zh", "TAMIL": "ta",
    "TELUGU": "te", "GEORGIAN": "ka", "ARMENIAN": "hy", "GURMUKHI": "pa", "GUJARATI": "gu",
}  # fmt: skip
_SHARE: Final = 0.34  # of the best language's evidence, for another pack to be read as well
_TELLING: Final = 4  # letters of a word that can speak for a language by itself
_RARE: Final = 0.5  # what a cue word of one pack only says for its language
_FEW: Final = 4  # words that are too few to call a language unknown
_SHORT: Final = 12  # words that prove no language: every pack with any evidence reads them
_LEAST_LETTERS: Final = 2  # of another script, to name it
_FAINT: Final = 0.2  # evidence that is none
_LETTERS: Final = re.compile(r"[^\W\d_]")
_LOOKED_AT: Final = 400  # words that are enough to know a language


@cache
def _evidence(packs: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """For each ordinary word, the languages that have it; a word of many languages says little of each."""
    lists = dict(ordinary_words())
    for lang in packs:
        lists[lang] = frozenset(w for w in _ordinary(lang) if len(w) > 1 or w in {"i", "y", "e", "o"})
    shared: Counter[str] = Counter(word for words in lists.values() for word in words)
    found: dict[str, dict[str, float]] = {}
    for lang, words in lists.items():
        for word in words:
            if len(word) > 1 or lang in packs:
                found.setdefault(word, {})[lang] = 1.0 / shared[word]
    for lang in packs:
        for word in (pack(lang).cues.words | pack(lang).short_forms) - found.keys():
            if (
                len(word) >= _TELLING
                and sum(word in pack(o).lexicon or word in pack(o).short_forms for o in packs) == 1
            ):
                found[word] = {lang: _RARE}
    return found


@cache
def _ordinary(lang: str) -> frozenset[str]:
    return pack(lang).ordinary


_changes: tuple[PackChange, ...] = ()


def use(changes: Sequence[PackChange]) -> None:
    """From now on read with the packs as a team has changed them."""
    global _changes  # noqa: PLW0603 - a process reads with one set of packs
    if tuple(changes) != _changes:
        _changes = tuple(changes)
        for kept in (pack, _ordinary, _evidence):
            kept.cache_clear()


@cache
def pack(lang: str) -> Pack:
    """The pack of a language, loaded when first needed and kept."""
    return Pack(lang, [change for change in _changes if change.lang == lang])


def script(text: str) -> str:
    """The language that the script names; "" where most letters are Latin or there are none."""
    if text.isascii():
        return ""
    letters = _LETTERS.findall(text[:4000])
    others = [c for c in letters if not unicodedata.normalize("NFKC", c).isascii()
              and "LATIN" not in unicodedata.name(c, "LATIN")]  # fmt: skip
    if len(others) * 2 < len(letters) or len(others) < _LEAST_LETTERS:
        return ""
    names = Counter(unicodedata.name(c, "?").split()[0].split("-")[0] for c in others)
    if names["HIRAGANA"] + names["KATAKANA"] > 0:
        return "ja"
    return _SCRIPTS.get(names.most_common(1)[0][0], "und")


def languages(text: str, tokens: Sequence[Token], named: str) -> tuple[str, tuple[str, ...]]:
    """The language of a text and the packs that should read it; no packs where it is not covered."""
    foreign = script(text)
    if foreign:
        return foreign, ()
    known = {lang.lower(): lang for lang in PACKS} | {"hi": "hi-Latn"}
    told = known.get(named.lower()) or known.get(named.split("-", maxsplit=1)[0].lower(), "")
    words = [straight(plain(t.raw)).replace("'", "") for t in tokens[:_LOOKED_AT] if t.kind == "word"]
    scores: dict[str, float] = defaultdict(float)
    evidence = _evidence(PACKS)
    alone: set[str] = set()
    for word in words:
        found = evidence.get(word, {})
        for lang, share in found.items():
            scores[lang] += share
        if len(found) == 1 and len(word) >= _TELLING:
            alone.update(found)
    if told:
        scores[told] += 1 + 0.15 * len(words)
        alone.add(told)
    return _choose(scores, len(words), alone)


def _choose(scores: Mapping[str, float], words: int, alone: set[str]) -> tuple[str, tuple[str, ...]]:
    covered = {lang: score for lang, score in scores.items() if lang in PACKS}
    best = max(scores, key=lambda lang: scores[lang], default="")
    if not scores or scores[best] < _FAINT:
        return ("", ()) if words > _FEW else ("en", ("en",))
    ours = max(covered.values(), default=0.0)
    if best not in PACKS and scores[best] >= 1 and scores[best] > 1.25 * ours:
        return best, ()
    if not covered:
        return ("en", ("en",)) if words <= _FEW else (best, ())
    order = sorted(covered, key=lambda lang: -covered[lang])
    share = _FAINT if words <= _SHORT else _SHARE * ours
    plausible = tuple(lang for lang in order if covered[lang] >= share or lang in alone)
    return order[0], plausible
