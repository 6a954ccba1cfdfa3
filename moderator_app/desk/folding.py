"""Fold a text so that search finds it however it was written, and keep the way back.

Folding: repair broken characters, NFKC, case, invisible characters out, look-alike letters to Latin, letters
kept apart by dots or swapped for digits put right, each CJK character and each emoji a word of its own. The
stored text is never changed.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

VERSION: Final = 2  # a higher one folds every stored text anew

# Letters of other scripts that are used to pass as Latin ones. Chosen by shape from the Unicode
# confusables list; only those that appear in evasion spellings, since a real Cyrillic or Greek word must
# stay findable as itself.
_LOOKALIKES: Final = str.maketrans("аеорсухіјѕԁɡοανεικτ", "aeopcyxijsdgoaveikt")
_INVISIBLE: Final = frozenset({"Cf", "Cc", "Cs", "Co", "Cn"})
# Kana, ideographs, hangul, and the ideographs of the higher planes: written without spaces.
_CJK: Final = (
    range(0x3040, 0x3100),
    range(0x3400, 0xA000),
    range(0xAC00, 0xD7B0),
    range(0x20000, 0x40000),
)
_EMOJI: Final = (range(0x2600, 0x27C0), range(0x1F300, 0x1FB00))
_LONGEST: Final = 200_000  # characters that are searched; the rest of a longer text is still kept
_TRACED: Final = 20_000  # characters in which matches are marked

_KEPT_APART: Final = re.compile(r"(?<!\w)(?:[^\W\d_][.\-_*·]){2,}[^\W\d_](?!\w)")
_DIGIT_INSIDE: Final = re.compile(r"(?<=[a-z])[013457$](?=[a-z])")
_AS_LETTERS: Final = str.maketrans("013457$", "oieasts")
# What in plain ASCII is worth a closer look: letters kept apart, or a digit inside a word.
_ASCII_EVASION: Final = re.compile(r"[A-Za-z][.\-_*][A-Za-z][.\-_*][A-Za-z]|[A-Za-z][013457$][A-Za-z]")

_Piece = tuple[str, int]  # a folded character and where it comes from


def repair(text: str) -> str:
    """Make any text storable: pair up surrogates, replace lone ones and NUL by U+FFFD."""
    if text.isascii() and "\0" not in text:
        return text
    return (
        text.encode("utf-16-le", "surrogatepass")
        .decode("utf-16-le", "replace")
        .replace("\0", "\N{REPLACEMENT CHARACTER}")
    )


def _in(char: str, blocks: tuple[range, ...]) -> bool:
    code = ord(char)
    return any(code in block for block in blocks)


def _clusters(word: str) -> Iterator[tuple[int, str]]:
    """A letter with the marks upon it, and where it begins."""
    begin = 0
    for place in range(1, len(word) + 1):
        if place == len(word) or not unicodedata.combining(word[place]):
            yield begin, word[begin:place]
            begin = place


def _characters(word: str) -> Iterator[_Piece]:
    for begin, cluster in _clusters(word):
        for char in unicodedata.normalize("NFKC", cluster).casefold():
            if _in(char, _CJK):
                yield from ((" ", begin), (char, begin), (" ", begin))
            elif _in(char, _EMOJI):
                yield from ((letter, begin) for letter in f" emoji{ord(char):x} ")
            elif char.isspace() or unicodedata.category(char) not in _INVISIBLE:
                yield char, begin


def _word(word: str) -> list[_Piece]:
    """One word between spaces, folded; each character with its place in the word."""
    if word.isascii():
        pieces = [(char, place) for place, char in enumerate(word.casefold())]
    else:
        pieces = list(_characters(word))
    text = "".join(char for char, _ in pieces)
    if not text.isascii():
        swapped = text.translate(_LOOKALIKES)
        # Only in a word that mixes scripts: that is the evasion, the rest is language.
        if swapped.isascii() and any(char.isascii() and char.isalpha() for char in text):
            text = swapped
    text = _DIGIT_INSIDE.sub(lambda found: found[0].translate(_AS_LETTERS), text)
    pieces = [(char, place) for char, (_, place) in zip(text, pieces, strict=True)]
    for found in reversed(list(_KEPT_APART.finditer(text))):
        pieces[found.start() : found.end()] = pieces[found.start() : found.end() : 2]
    return pieces


def fold(text: str) -> str:
    """The searched form of a text."""
    text = text[:_LONGEST]
    if text.isascii() and not _ASCII_EVASION.search(text):
        return text.casefold()
    words = (
        word.casefold()
        if word.isascii() and not _ASCII_EVASION.search(word)
        else "".join(char for char, _ in _word(word))
        for word in text.split()
    )
    return " ".join(" ".join(words).split())


def for_search(text: str) -> str | None:
    """What to store beside the text: None where search needs nothing but the text itself."""
    if len(text) <= _LONGEST and text.isascii() and not _ASCII_EVASION.search(text):
        return None  # the tokenizer folds ASCII case by itself
    folded = fold(text)
    # The tokenizer knows capital letters, but not that ß is ss.
    return None if folded == " ".join(text.lower().split()) else folded


def trace(text: str) -> tuple[str, list[int]]:
    """The searched form without accents, and for each of its characters where it stands in the text.

    One more place at the end is the end of what was traced.
    """
    folded: list[str] = []
    origins: list[int] = []
    text = text[:_TRACED]
    for found in re.finditer(r"\S+", text):
        for char, place in [*_word(found[0]), (" ", len(found[0]))]:
            for part in unicodedata.normalize("NFD", char) if not char.isascii() else char:
                if not unicodedata.combining(part):
                    folded.append(part)
                    origins.append(found.start() + place)
    origins.append(len(text))
    return "".join(folded), origins
