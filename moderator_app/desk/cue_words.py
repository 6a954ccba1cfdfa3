"""Cut a text into sentences of folded words, each with the exact characters it came from.

Folding here serves the cue packs: it undoes capitals, accents, look-alike and styled letters, invisible
characters, leet, stretched and spaced letters, glued words and one slip of the fingers. Because every
word keeps the place of its raw token, a span is exact whatever the folding did. (`desk.folding` serves
search: it answers one string and keeps no way back.)
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

_LOOKALIKES: Final = str.maketrans("аеорсухіјѕԁɡοανεικτвнмкӏԝһ", "aeopcyxijsdgoaveiktbhmklwh")
_LEET: Final = str.maketrans("013457@$!|+", "oieastasiit")
_LEET_L: Final = str.maketrans("013457@$!|+", "oleastaslit")
_KEPT_WORDS: Final = 10_000  # folded tokens that are remembered; then the memory is emptied
_LONGEST_WORD: Final = 64
# Letters that a known word must have to be guessed where one is missing, too many, or wrong: short words
# have too many real neighbours. Swapped letters are guessed from three on.
_SHORTEST: Final = 3
_MISSING: Final = 6
_EXTRA: Final = 5
_WRONG: Final = 6
_LONGEST_SENTENCE: Final = 250  # words; a text without any full stop must not cost more than others
_GLUED: Final = range(8, 33)  # letters of a token that may be several words without blanks

_ZERO: Final = "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff"
_TICKS: Final = "'`\u2019\xb4"  # what is typed for an apostrophe
_MARK: Final = f"\u0300-\u036f{_ZERO}"
_EMOJI: Final = "\U0001f000-\U0001faff\u2600-\u27bf\u2b05-\u2b55\u2300-\u23ff"
_TOKEN: Final = re.compile(
    rf"""
    (?P<url>(?:https?://|www\.)\S+|[\w.+-]{{1,64}}@[\w-]{{1,64}}\.[\w.-]+)
  | (?P<who>(?<!\w)@\w[\w.-]*)
  | (?P<spaced>(?<![\w{_TICKS}{_ZERO}])[^\W_]
        (?:[{_ZERO}]?[\s.\-_*·][\s.\-_*·{_ZERO}]{{0,2}}[^\W_]){{2,40}}(?![\w{_TICKS}{_ZERO}]))
  | (?P<word>\$?[^\W_][\w{_MARK}]*(?:[{_TICKS}@$!|+*\-]+[\w{_MARK}]+)*)
  | (?P<face>[:;=8][-'^o]?[)(\]\[dDpP/\\|](?!\w)|<3)
  | (?P<emoji>[{_EMOJI}][\ufe0e\ufe0f\U0001f3fb-\U0001f3ff\u20e3]*
        (?:\u200d[{_EMOJI}][\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]*)*)
  | (?P<clause>\.\.+(?!\n)|\u2026|[,:\u2013\u2014()/]|(?<=\s)-(?=\s))
  | (?P<end>[.!?;\n\r\u0964\u2028\u2029\u3002\uff01\uff1f]+)
  | (?P<quote>["\u201c\u201d\u201e\xab\xbb]|(?<!\w)['\u2018](?=\w)|(?<=[\w.,!?])['\u2019](?!\w))
    """,
    re.VERBOSE,
)
_STRAIGHT: Final = str.maketrans(dict.fromkeys(_TICKS, "'"))
_STRETCHED: Final = re.compile(r"(.)\1{2,}")
_DOUBLED: Final = re.compile(r"(.)\1")
_PIECE: Final = re.compile(r"[^\W_]+")
_INVISIBLE: Final = re.compile(f"[{_ZERO}]")

URL: Final = "http"  # stands for any link
WHO: Final = "@"  # stands for any handle
UNKNOWN: Final = "·"


@dataclass(slots=True)
class Sentence:
    """Folded words side by side with where each begins and ends in the text.

    `quoted` holds the words inside quotation marks; `breaks` the words before which a comma, a dash or a
    bracket stands. All are indexes into `words`.
    """

    words: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    quoted: set[int] = field(default_factory=set)
    breaks: set[int] = field(default_factory=set)
    mark: str = ""  # how it ended: "?", "!", "." or nothing


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of the raw text, before any pack folds it."""

    kind: str
    raw: str
    start: int


def cut(text: str) -> list[Token]:
    """The pieces of a text in order; blanks and signs without a meaning here are left out."""
    return [Token(found.lastgroup or "", found.group(), found.start()) for found in _TOKEN.finditer(text)]


@cache
def _letter(char: str) -> str:
    """One character as plain small letters; "" where it is invisible or only an accent."""
    plain = unicodedata.normalize("NFKD", char).casefold()
    return "".join(c for c in plain if not unicodedata.combining(c) and not _INVISIBLE.match(c))


def plain(word: str) -> str:
    """A word in small letters without accents; look-alikes only where a word mixes alphabets."""
    if word.isascii():
        return word.lower()
    folded = "".join(map(_letter, word))
    swapped = folded.translate(_LOOKALIKES)
    mixed = any("a" <= c <= "z" for c in folded)
    return swapped if mixed and swapped.isascii() else folded


def straight(word: str) -> str:
    """A word with one kind of apostrophe."""
    return word if word.isalnum() else word.translate(_STRAIGHT)


def _deletions(word: str) -> Iterable[str]:
    return (word[:i] + word[i + 1 :] for i in range(len(word)))


def stretched(tokens: Iterable[Token]) -> bool:
    """Whether some word has a letter three times or more in a row."""
    return any(token.kind == "word" and _STRETCHED.search(token.raw) for token in tokens)


class Folder:
    """Folds tokens towards the words of one pack; a word it knows is never changed.

    Only a token outside the lexicon is bent, and only into a word of the lexicon: a wrong guess then
    still has to fit a whole phrase before it means anything.
    """

    def __init__(self, lexicon: Iterable[str], aliases: Mapping[str, tuple[str, ...]]) -> None:
        self._known = frozenset(lexicon)
        self._aliases = dict(aliases)
        self._near: dict[str, list[str]] = {}
        for word in self._known | frozenset(aliases):
            if len(word) >= min(_MISSING, _WRONG) and word.isalpha():
                for shorter in _deletions(word):
                    self._near.setdefault(shorter, []).append(word)
        self._memory: dict[str, tuple[tuple[str, int, int], ...]] = {}

    def fold(self, token: Token, *, once: bool = False) -> tuple[tuple[str, int, int], ...]:
        """The words of one token, with begin and end inside it; see `sentences`."""
        if once and _STRETCHED.search(token.raw):
            shorter = self._word(_STRETCHED.sub(r"\1", token.raw[:_LONGEST_WORD]))
            return tuple((word, 0, len(token.raw)) for word, _, _ in shorter)
        found = self._memory.get(token.raw)
        if found is None:
            if len(self._memory) > _KEPT_WORDS:
                self._memory.clear()
            spaced = token.kind == "spaced"
            found = self._spaced(token.raw) if spaced else self._word(token.raw[:_LONGEST_WORD])
            self._memory[token.raw] = found
        return found

    def _named(self, word: str) -> tuple[str, ...] | None:
        if word in self._aliases:
            return self._aliases[word]
        return (word,) if word in self._known else None

    def _word(self, raw: str) -> tuple[tuple[str, int, int], ...]:
        whole = straight(plain(raw))
        bare = whole.replace("'", "")
        named = self._aliases.get(whole) or self._named(bare)
        if named is None and whole.endswith("'s"):
            named = (*(self._named(whole[:-2]) or (whole[:-2],)), "s")
        named = named or self._named(bare.translate(_LOOKALIKES)) or self._bent(bare)
        if named is not None:
            return tuple((word, 0, len(raw)) for word in named)
        pieces = list(_PIECE.finditer(raw))
        if len(pieces) > 1 and "'" not in whole:
            return tuple(
                (word, piece.start() + begin, piece.start() + end)
                for piece in pieces
                for word, begin, end in self._word(piece.group())
            )
        return ((bare, 0, len(raw)),)

    def _bent(self, word: str) -> tuple[str, ...] | None:
        """What an unknown word was meant to be, where exactly one kind of bending explains it."""
        if len(word) < _SHORTEST:
            return None
        return (
            self._stretched(word)
            or self._doubled(word)
            or self._leet(word)
            or self._joined(word)
            or self._slip(word)
            or self._glued(word)
        )

    def _stretched(self, word: str) -> tuple[str, ...] | None:
        if not _STRETCHED.search(word):
            return None
        for keep in (r"\1\1", r"\1"):
            shorter = _STRETCHED.sub(keep, word)
            once = re.sub(r"(.)\1+", r"\1", shorter)
            for guess in (shorter, once):
                if named := self._named(guess) or self._slip(guess):
                    return named
        return None

    def _doubled(self, word: str) -> tuple[str, ...] | None:
        """A letter struck twice: "noot", "diee"."""
        places = [found.start() for found in _DOUBLED.finditer(word)]
        guesses = [word[:place] + word[place + 1 :] for place in places]
        if len(places) > 1:
            guesses.append(_DOUBLED.sub(r"\1", word))
        return next((named for guess in guesses if (named := self._named(guess))), None)

    def _leet(self, word: str) -> tuple[str, ...] | None:
        if word.isalpha() or not any(c.isalpha() for c in word):
            return None
        for table in (_LEET, _LEET_L):
            guess = word.translate(table)
            named = guess.isalpha() and (self._named(guess) or self._slip(guess))
            if named:
                return named
        if "*" in word:
            shape = re.compile(re.escape(word).replace(r"\*", "[a-z]"))
            return next(((known,) for known in sorted(self._known) if shape.fullmatch(known)), None)
        return None

    def _joined(self, word: str) -> tuple[str, ...] | None:
        """The pieces of "sui-cide" mean nothing, the whole does."""
        pieces = _PIECE.findall(word)
        if word.isalnum() or all(self._named(piece) for piece in pieces):
            return None
        return self._named("".join(pieces))

    def _slip(self, word: str) -> tuple[str, ...] | None:
        """One letter swapped, missing, doubled or wrong (Damerau-Levenshtein 1)."""
        if not word.isalpha() or not word.isascii():
            return None
        for begin in range(len(word) - 1):
            swapped = word[:begin] + word[begin + 1] + word[begin] + word[begin + 2 :]
            if swapped != word and (named := self._named(swapped)):
                return named
        candidates = {known for known in self._near.get(word, ()) if len(known) >= _MISSING}
        for begin, shorter in enumerate(_deletions(word)):
            if len(shorter) >= _EXTRA and shorter in self._known:
                candidates.add(shorter)
            candidates.update(
                known
                for known in self._near.get(shorter, ())
                if len(known) == len(word) >= _WRONG and known[:begin] + known[begin + 1 :] == shorter
            )
        near = sorted(known for known in candidates if known[0] == word[0])
        return self._named(near[0]) if near else None

    def _glued(self, word: str) -> tuple[str, ...] | None:
        """killmyself: several known words without blanks, the fewest that explain all of it."""
        if len(word) not in _GLUED or not word.isalpha():
            return None
        return self._segments(word, least=3)

    def _segments(self, letters: str, least: int = 1) -> tuple[str, ...] | None:
        best: list[tuple[str, ...] | None] = [()] + [None] * len(letters)
        for end in range(1, len(letters) + 1):
            for begin in range(max(0, end - 14), end):
                before, named = best[begin], self._named(letters[begin:end])
                if before is None or named is None:
                    continue
                short = end - begin < least and letters[begin:end] not in {"i", "me", "my", "to"}
                if not short and (best[end] is None or len(before) < len(best[end] or ())):
                    best[end] = (*before, *named)
        return best[-1]

    def _spaced(self, raw: str) -> tuple[tuple[str, int, int], ...]:
        """Letters one by one: joined where that gives known words, else left as they are."""
        letters = [(plain(c), at) for at, c in enumerate(raw) if c.isalnum()]
        joined = "".join(c for c, _ in letters)
        for guess in (joined, joined.translate(_LEET)):
            words = self._segments(guess) if guess.isascii() and len(guess) == len(letters) else None
            if words and len("".join(words)) == len(letters):
                return self._placed(words, letters)
            named = self._named(guess)
            if named:
                return tuple((word, 0, len(raw)) for word in named)
        return tuple((c, at, at + 1) for c, at in letters)

    @staticmethod
    def _placed(words: tuple[str, ...], letters: list[tuple[str, int]]) -> tuple[tuple[str, int, int], ...]:
        placed, begin = [], 0
        for word in words:
            end = begin + len(word)
            placed.append((word, letters[begin][1], letters[end - 1][1] + 1))
            begin = end
        return tuple(placed)

    def sentences(self, tokens: Iterable[Token], *, once: bool = False) -> list[Sentence]:
        """All words of a text, sentence by sentence.

        A stretched letter may have stood once or twice ("toooo" is "too" or "to"): `once` takes it as one.
        """
        done = [Sentence()]
        opened, broken = False, False
        for token in tokens:
            if token.kind == "end":
                opened = _ends(done, token.raw, opened=opened)
            elif token.kind == "quote":
                opened = not opened
            elif token.kind == "clause":
                broken = True
            else:
                if len(done[-1].words) >= _LONGEST_SENTENCE:
                    done.append(Sentence())
                begin = len(done[-1].words)
                self._add(done[-1], token, once=once)
                if opened:
                    done[-1].quoted.update(range(begin, len(done[-1].words)))
                if broken:
                    done[-1].breaks.add(begin)
                    broken = False
        if opened:
            _unquote(done)
        return [sentence for sentence in done if sentence.words]

    def _add(self, sentence: Sentence, token: Token, *, once: bool) -> None:
        if token.kind in {"word", "spaced"}:
            for word, begin, end in self.fold(token, once=once and token.kind == "word"):
                sentence.words.append(word)
                sentence.starts.append(token.start + begin)
                sentence.ends.append(token.start + end)
            return
        named = {"url": URL, "who": WHO}.get(token.kind) or (
            token.raw[0] if token.kind == "emoji" else token.raw.lower()
        )
        sentence.words.append(named)
        sentence.starts.append(token.start)
        sentence.ends.append(token.start + len(token.raw))


def _ends(done: list[Sentence], raw: str, *, opened: bool) -> bool:
    """Close the sentence, but not inside a quotation on one line; answer whether the quotation goes on."""
    if not done[-1].words:
        return opened
    done[-1].mark = next((mark for mark in "?!." if mark in raw), "")
    if opened and "\n" not in raw:
        return True
    done.append(Sentence())
    return opened and "\n\n" not in raw


def _unquote(done: list[Sentence]) -> None:
    """A quotation mark that never closes quotes nothing: an apostrophe, an inch, a slip."""
    for sentence in reversed(done):
        last = len(sentence.words) - 1
        if last not in sentence.quoted:
            return
        while last in sentence.quoted:
            sentence.quoted.discard(last)
            last -= 1
        if last >= 0:
            return
