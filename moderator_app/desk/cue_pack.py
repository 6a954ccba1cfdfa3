"""The cue packs: phrases of one language, compiled for spaCy's matchers.

A pack is data that a clinician can read (`resources/cues/en.toml` explains the notation). Here it becomes
token patterns. A phrase is tried only where one word of each of its parts stands in the text, so a pack
may grow without every message paying for it.
"""

import itertools
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from moderator_app.desk.cue_words import UNKNOWN, Folder, Sentence, plain, straight
from moderator_app.desk.rows import Level, PackChange
from moderator_app.paths import resource

PACKS: Final = ("en", "es", "de", "fr", "pt", "hi-Latn")
_GAP: Final = 5
_CLOSE_GAP: Final = 4
_MOST_VARIANTS: Final = 256  # of one phrase in one sentence, after what the sentence lacks is gone
_KEPT_MATCHERS: Final = 256
_MOST_HITS: Final = 6  # of one phrase in one text: a word said a thousand times is said
_BEGIN, _END = "^", "$"  # stand in a sentence as words of their own, before and after the rest
_EDGES: Final = frozenset({_BEGIN, _END})


@dataclass(frozen=True, slots=True)
class Rule:
    """What a phrase means. `who` is self, other, any (looked up in the sentence), said or fact."""

    kind: str
    level: Level
    why: str
    who: str
    firm: bool = False
    weak: bool = False
    topic: str = ""


_TEAM: Final = "a phrase that your team added"
_PLAIN: Final = Rule("", Level.AMBER, _TEAM, "any")


@dataclass(frozen=True, slots=True)
class Slot:
    """One place of a phrase: the wordings that fill it, or a gap of up to so many words."""

    options: tuple[tuple[str, ...], ...] = ()
    optional: bool = False
    gap: int = 0
    without: frozenset[str] = frozenset()  # words that a close gap does not jump over

    def narrowed(self, present: frozenset[str] | set[str]) -> "Slot | None":
        """The same place with only what the sentence can hold; None where that is nothing."""
        if not self.options:
            return self
        left = tuple(option for option in self.options if present.issuperset(option))
        if not left:
            return Slot() if self.optional else None
        return self if len(left) == len(self.options) else Slot(left, self.optional)


@dataclass(slots=True)
class Phrase:
    """One line of a pack, as written and as slots, with what must not stand beside it."""

    rule: Rule
    line: str
    slots: tuple[Slot, ...] = ()
    literal: frozenset[str] = frozenset()
    not_next: frozenset[str] = frozenset()
    not_before: frozenset[str] = frozenset()

    def needs(self) -> list[frozenset[str]]:
        """For each required slot, the words of which one must be there."""
        return [
            frozenset(max(option, key=len) for option in slot.options)
            for slot in self.slots
            if slot.options and not slot.optional
        ]


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase found: words begin..end (end not included) of one sentence."""

    phrase: Phrase
    sentence: int
    begin: int
    end: int

    @property
    def rule(self) -> Rule:
        return self.phrase.rule


@cache
def vocabulary() -> Any:
    """The vocabulary of a blank spaCy pipeline: no model, nothing to download."""
    import spacy  # noqa: PLC0415 - a second of import that only reading pays for

    return spacy.blank("xx").vocab


@cache
def ordinary_words() -> dict[str, frozenset[str]]:
    """The most ordinary words of each language that can be recognised, folded as texts are."""
    raw = tomllib.loads(resource("cues/ordinary.toml").read_text("utf-8"))
    return {
        lang: frozenset(straight(plain(word)).replace("'", "") for word in words.split())
        for lang, words in raw.items()
    }


@cache
def roles() -> dict[str, str]:
    """What a word can be in an attack on people, by the word; English only."""
    raw = tomllib.loads(resource("cues/roles.toml").read_text("utf-8"))
    return {word: name.upper() for name, words in raw["roles"].items() for word in words.split()}


class Pack:
    """One language: its phrases, scopes, word lists, and the folder that bends words towards them.

    `changes` are what a team made of its cues; a line that cannot be read is a ValueError. Nothing in it
    changes after loading, except that matchers are built when first needed.
    """

    def __init__(self, lang: str, changes: Sequence[PackChange] = ()) -> None:
        raw = tomllib.loads(resource(f"cues/{lang}.toml").read_text("utf-8"))
        self.lang = lang
        # Whose it is answers for every entry of it; what each is there for is its own `why`.
        self.version, self.owner, self.reviewed = raw["version"], raw["owner"], raw["reviewed"]
        self._classes: dict[str, str] = raw.get("classes", {})
        self._aliases = {
            plain(word): tuple(plain(to).replace("'", "").split())
            for word, to in raw.get("aliases", {}).items()
        }
        self.lists = {name: self._words(text) for name, text in raw.get("lists", {}).items()}
        named = ("other", "far", "you", "subjects", "turns", "negators")
        others = frozenset[str]().union(*(self.lists.get(name, frozenset()) for name in named))
        self._persons = others - self.lists.get("self", frozenset())
        self.topics = {name: self._words(text) for name, text in raw.get("topics", {}).items()}
        self.kinds: dict[str, str] = raw.get("why", {})
        self.ordinary = self._ordinary(raw)
        shipped = list(self._phrases(raw.get("cue", ())))
        self.cues = Index(self._changed(shipped, changes), self.ordinary)
        scopes = self._phrases({**entry, "kind": entry["scope"]} for entry in raw.get("scope", ()))
        self.scopes = Index(scopes, self.ordinary)
        self.lexicon = frozenset(
            itertools.chain(
                roles() if lang == "en" else (),  # so that misspelt words of abuse are heard, too
                self.ordinary,
                self.cues.words,
                self.cues.beside,
                self.scopes.words,
                self.scopes.beside,
                *self.lists.values(),
                *self.topics.values(),
            )
        )
        self.short_forms = frozenset(self._aliases)
        self.folder = Folder(self.lexicon, self._aliases)

    @staticmethod
    def _ordinary(raw: dict[str, Any]) -> frozenset[str]:
        base = raw.get("stop_words_of", "")
        own = frozenset(plain(word) for word in raw.get("ordinary", "").split())
        return ordinary_words().get(base, frozenset()) | own

    def _words(self, text: str) -> frozenset[str]:
        return frozenset(plain(word).replace("'", "") for word in text.split())

    def _phrases(self, entries: Iterable[dict[str, Any]]) -> Iterator[Phrase]:
        for entry in entries:
            rule = Rule(
                kind=entry["kind"],
                level=Level[entry.get("level", "green").upper()],
                why=entry.get("why", ""),
                who=entry.get("who", "fact" if "scope" in entry else "any"),
                firm=entry.get("firm", False),
                weak=entry.get("weak", False),
            )
            for line in entry["phrases"].splitlines():
                bare = line.split(" # ")[0].strip()
                if bare and not bare.startswith("# "):
                    yield self._compiled(bare, rule)

    def _changed(self, shipped: Sequence[Phrase], changes: Sequence[PackChange]) -> list[Phrase]:
        """The cues with what the team made of them, in the order in which it did."""
        if not changes:
            return list(shipped)
        phrases = {(phrase.line, phrase.rule.kind): phrase for phrase in shipped}
        for change in changes:
            if change.what == "add" and change.level is not None:
                like = next((p.rule for p in shipped if p.rule.kind == change.kind), _PLAIN)
                rule = replace(like, kind=change.kind, level=change.level, why=_TEAM, firm=False, weak=False)
                phrases[change.line, change.kind] = self._compiled(change.line, rule)
                continue
            meant = [key for key in phrases if key[0] == change.line and change.kind in {"", key[1]}]
            for key in meant:
                if change.what == "off":
                    del phrases[key]
                elif change.level is not None:
                    changed = replace(phrases[key].rule, level=change.level)
                    phrases[key] = self._compiled(change.line, changed)
        return list(phrases.values())

    def level_of(self, line: str) -> Level | None:
        """How urgent a phrase is in this pack; None where it is not in it."""
        return min((phrase.rule.level for phrase in self.cues.phrases if phrase.line == line), default=None)

    def _compiled(self, line: str, rule: Rule) -> Phrase:
        phrase = Phrase(rule, line)
        slots: list[Slot] = []
        for part in line.split():
            if part.startswith("!<"):
                phrase.not_before = frozenset(self._flat(part[2:]))
            elif part.startswith("!"):
                phrase.not_next = frozenset(self._flat(part[1:]))
            elif part.startswith(".."):
                slots.append(Slot(gap=int(part[2:] or _GAP)))
            elif part.startswith("~"):
                slots.append(Slot(gap=int(part[1:] or _CLOSE_GAP), without=self._persons))
            elif part.startswith("("):
                slots.append(Slot(tuple(self._options(part[1:-1])), optional=True))
            else:
                slots.append(Slot(tuple(self._options(part))))
        phrase.slots = tuple(slots)
        if not phrase.needs():
            raise ValueError(f"{self.lang}: nothing in {line!r} must be there")
        phrase.literal = frozenset(w for slot in slots for option in slot.options for w in option)
        return phrase

    def _flat(self, part: str) -> Iterator[str]:
        """The first word of each alternative: what stands directly beside the phrase."""
        for option in self._options(part):
            yield option[0]

    def _class(self, name: str) -> list[str]:
        if name in self._classes:
            return self._classes[name].split("|")
        return sorted(self.lists[name])

    def _options(self, part: str) -> list[tuple[str, ...]]:
        found: list[tuple[str, ...]] = []
        for option in part.split("|"):
            if option in _EDGES:
                found.append((option,))
                continue
            if option.startswith("<") and option.endswith(">"):
                for entry in self._class(option[1:-1]):
                    found += self._options(entry.strip().replace(" ", "_"))
                continue
            words: list[str] = []
            for word in option.split("_"):
                bare = straight(plain(word))
                joined = bare.replace("'", "")
                words += self._aliases.get(bare) or self._aliases.get(joined) or (joined,)
            found.append(tuple(words))
        return list(dict.fromkeys(found))


def _gap(slot: Slot) -> dict[str, Any]:
    between: dict[str, Any] = {"OP": f"{{0,{slot.gap}}}"}
    if slot.without:
        between["ORTH"] = {"NOT_IN": sorted(slot.without)}
    return between


def _patterns(slots: Sequence[Slot]) -> list[list[dict[str, Any]]]:
    """The token patterns of a phrase: single words of a place together, each longer wording apart."""
    ways: list[list[list[dict[str, Any]]]] = []
    for slot in slots:
        if not slot.options:
            ways.append([[_gap(slot)] if slot.gap else []])
            continue
        single = [option[0] for option in slot.options if len(option) == 1]
        way: list[list[dict[str, Any]]] = [
            [{"ORTH": w} for w in option] for option in slot.options if len(option) > 1
        ]
        if single:
            way.append([{"ORTH": single[0]} if len(single) == 1 else {"ORTH": {"IN": single}}])
        if slot.optional:
            way.append([])
        ways.append(way)
    combined = itertools.islice(itertools.product(*ways), _MOST_VARIANTS)
    return [list(itertools.chain(*parts)) for parts in combined]


class Index:
    """Phrases by the rarest word that each needs: a text meets only those that can be in it."""

    def __init__(self, phrases: Iterable[Phrase], ordinary: frozenset[str]) -> None:
        self.phrases = list(phrases)
        self.words = frozenset(word for phrase in self.phrases for word in phrase.literal)
        self.beside = frozenset(w for phrase in self.phrases for w in phrase.not_next | phrase.not_before)
        self._by_word: dict[str, list[tuple[Phrase, list[frozenset[str]]]]] = {}
        common = ordinary | _EDGES
        for phrase in self.phrases:
            needs = phrase.needs()
            anchor = min(needs, key=lambda words: (len(words & common), len(words)))
            for word in anchor:
                self._by_word.setdefault(word, []).append((phrase, needs))
        self._matchers: dict[tuple[Slot, ...], Any] = {}

    def find(self, sentences: Sequence[Sentence]) -> list[Hit]:
        """Every phrase in every sentence, as long as it can be read."""
        hits: list[Hit] = []
        seen: Counter[int] = Counter()
        for number, sentence in enumerate(sentences):
            wanted = self._wanted({*sentence.words, *_EDGES})
            if not wanted:
                continue
            tokens, places = self._tokens(sentence)
            doc = None
            for phrase, slots in wanted:
                if seen[id(phrase)] < _MOST_HITS and _possible(slots, tokens):
                    doc = doc or _doc(tokens)
                    found = _found(phrase, self._matcher(slots)(doc), sentence, number, places)
                    seen[id(phrase)] += len(found)
                    hits += found
        return hits

    def _wanted(self, present: set[str]) -> list[tuple[Phrase, tuple[Slot, ...]]]:
        tried: set[int] = set()
        wanted: list[tuple[Phrase, tuple[Slot, ...]]] = []
        for word in sorted(present & self._by_word.keys()):
            for phrase, needs in self._by_word[word]:
                if id(phrase) in tried or any(present.isdisjoint(need) for need in needs):
                    continue
                tried.add(id(phrase))
                slots = [slot.narrowed(present) for slot in phrase.slots]
                if None not in slots:
                    wanted.append((phrase, tuple(slot for slot in slots if slot is not None)))
        return wanted

    def _matcher(self, slots: tuple[Slot, ...]) -> Any:
        found = self._matchers.get(slots)
        if found is None:
            from spacy.matcher import Matcher  # noqa: PLC0415 - see vocabulary()

            if len(self._matchers) > _KEPT_MATCHERS:
                self._matchers.clear()
            found = self._matchers[slots] = Matcher(vocabulary(), validate=False)
            found.add("", _patterns(slots), greedy="LONGEST")
        return found

    def _tokens(self, sentence: Sentence) -> tuple[list[str], list[int | None]]:
        """The words with the edges of the sentence among them, and which word each of these is."""
        # A word that no phrase knows stands as one sign: spaCy's store of strings must not grow.
        words = [word if word in self.words else UNKNOWN for word in sentence.words]
        last = len(words)
        while last > 1 and (not words[last - 1].isalnum() or set(words[last - 1]) <= {"x", "o"}):
            if words[last - 1] == UNKNOWN and sentence.words[last - 1].isalnum():
                break
            last -= 1
        places = [None, *range(last), None, *range(last, len(words))]
        return [_BEGIN, *words[:last], _END, *words[last:]], places


def _doc(tokens: Sequence[str]) -> Any:
    from spacy.tokens import Doc  # noqa: PLC0415 - see vocabulary()

    return Doc(vocabulary(), words=list(tokens))


def _possible(slots: Sequence[Slot], tokens: Sequence[str]) -> bool:
    """Whether the slots can follow one another here: cheaper than building a matcher that finds nothing."""
    reached = set(range(len(tokens)))
    for slot in slots:
        if slot.options:
            landed = {
                at + len(option)
                for option in slot.options
                for at in reached
                if at < len(tokens) and tokens[at] == option[0] and _stands(option, tokens, at)
            }
            reached = reached | landed if slot.optional else landed
        elif slot.gap:
            reached = {
                at + step for at in reached for step in range(slot.gap + 1) if at + step <= len(tokens)
            }
        if not reached:
            return False
    return True


def _stands(option: tuple[str, ...], tokens: Sequence[str], at: int) -> bool:
    return len(option) == 1 or tuple(tokens[at : at + len(option)]) == option


def _found(
    phrase: Phrase,
    matches: Iterable[tuple[int, int, int]],
    sentence: Sentence,
    number: int,
    places: Sequence[int | None],
) -> list[Hit]:
    some = itertools.islice(matches, _MOST_HITS)
    hits = (_hit(phrase, sentence, number, places[begin:end]) for _, begin, end in some)
    return [hit for hit in hits if hit is not None]


def _hit(phrase: Phrase, sentence: Sentence, number: int, places: Sequence[int | None]) -> Hit | None:
    covered = [place for place in places if place is not None]
    if not covered:
        return None
    begin, end = covered[0], covered[-1] + 1
    words = sentence.words
    if end < len(words) and words[end] in phrase.not_next and end not in sentence.breaks:
        return None
    if begin and words[begin - 1] in phrase.not_before:
        return None
    return Hit(phrase, number, begin, end)
