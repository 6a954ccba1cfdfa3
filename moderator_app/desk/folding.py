"""Fold a text so that search finds it however it was written, and keep the way back.

Folding: repair broken characters, NFKC, case, invisible characters out, look-alike letters to Latin,
each CJK character a word of its own. The stored text is never changed.
"""

import re
import unicodedata
from typing import Final

# Letters of other scripts that are used to pass as Latin ones. Chosen by shape from the Unicode
# confusables list; only those that appear in evasion spellings, since a real Cyrillic or Greek word must
# stay findable as itself.
_LOOKALIKES: Final = str.maketrans("аеорсухіјѕԁɡοανεικτ", "aeopcyxijsdgoaveikt")
_INVISIBLE: Final = frozenset({"Cf", "Cc", "Cs", "Co", "Cn"})
# Kana, ideographs, hangul, and the ideographs of the higher planes: written without spaces.
_CJK: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]")
_LONGEST: Final = 200_000  # characters that are searched; the rest of a longer text is still kept


def repair(text: str) -> str:
    """Make any text storable: pair up surrogates, replace lone ones and NUL by U+FFFD."""
    if text.isascii() and "\0" not in text:
        return text
    return (
        text.encode("utf-16-le", "surrogatepass")
        .decode("utf-16-le", "replace")
        .replace("\0", "\N{REPLACEMENT CHARACTER}")
    )


def _word(word: str) -> str:
    """Undo look-alikes only in a word that mixes scripts: that is the evasion, the rest is language."""
    if word.isascii():
        return word
    swapped = word.translate(_LOOKALIKES)
    return swapped if swapped.isascii() and any(c.isascii() for c in word) else word


def fold(text: str) -> str:
    """The searched form of a text."""
    text = text[:_LONGEST]
    if text.isascii():
        return text.casefold()
    plain = unicodedata.normalize("NFKC", text).casefold()
    for char in set(plain):  # a text has few different characters
        if not char.isspace() and unicodedata.category(char) in _INVISIBLE:
            plain = plain.replace(char, "")
    spaced = _CJK.sub(r" \g<0> ", plain)
    return " ".join(_word(word) for word in spaced.split())


def for_search(text: str) -> str | None:
    """What to store beside the text: None where search needs nothing but the text itself."""
    if len(text) <= _LONGEST and text.isascii():
        return None  # the tokenizer folds ASCII case by itself
    folded = fold(text)
    return None if folded == text.casefold() else folded
