"""Put the phrases of a text together: level and cues, and the scores, topics, mood and intent beside them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from moderator_app.desk import cue_language, learned
from moderator_app.desk.cue_pack import PACKS, Pack
from moderator_app.desk.cue_scope import Context, Meaning, combined, settle
from moderator_app.desk.cue_words import Sentence, Token, cut, stretched
from moderator_app.desk.learned import Judged, Learned
from moderator_app.desk.rows import Cue, Level, Reading

_MOST_CUES: Final = 12
_NOTHING_SAID: Final = 3  # characters in which nobody can say anything
_KNOWN_SHARE: Final = 0.7  # of a text's words that a pack knows, to read it though its language is unsure
_INTENTS: Final = ("resource_request", "complaint", "suggestion", "thanks", "praise")
# Chances by kind, by hand. An insult to one person is a reason of its own, but no attack on a group.
_ATTACKS: Final = {"threat": 0.9, "incitement": 0.95, "hate": 0.85, "abuse": 0.45, "doxxing": 0.7,
                   "eating_harm": 0.45, "incitement_against_me": 0.3}  # fmt: skip
_EVEN: Final = 0.5
_MORE: Final = {"crisis": 0.0, "red": 2.0, "amber": 4.0}  # in logits: what is less urgent is likelier
# Crisis, red, amber: the chance that the cue layer gives each level to be at least so urgent. They are an
# order for the queue, not a measurement; a learned layer may calibrate them.
_LIFTS: Final = {Level.CRISIS: 0.5, Level.RED: 0.35, Level.AMBER: 0.15, Level.GREEN: 0.02}
_FLOORS: Final = {
    Level.CRISIS: (0.75, 0.9, 0.95),
    Level.RED: (0.35, 0.7, 0.9),
    Level.AMBER: (0.1, 0.2, 0.6),
    Level.GREEN: (0.01, 0.03, 0.1),
}


def read(text: str, lang: str, longest: int, known: Learned | None) -> Reading:
    """What cues and the learned layer make of one text; of a very long one its two ends, for a person."""
    if len(text) <= longest:
        return _whole(text, lang, known)
    half = longest // 2
    head, tail = (_whole(part, lang, known) for part in (text[:half], text[-half:]))
    shift = len(text) - half
    moved = tuple(replace(cue, start=cue.start + shift, end=cue.end + shift) for cue in tail.cues)
    note = Cue(0, 0, "too_long", Level.AMBER, "too long to be read whole", head.lang)
    worst = min(head, tail, key=lambda reading: reading.level)
    cues = sorted((*head.cues, *moved), key=lambda cue: cue.level)[:_MOST_CUES]
    return replace(
        worst,
        level=min(worst.level, Level.AMBER),
        cues=(*cues, note),
        covered=head.covered and tail.covered,
        scores=scores(min(worst.level, Level.AMBER), cues),
    )


def _whole(text: str, named: str, known: Learned | None) -> Reading:
    tokens = cut(text)
    words = sum(token.kind in {"word", "spaced"} for token in tokens)
    if not words and not cue_language.script(text):
        return _read_by(text, ("en",), named or "und", tokens, known)
    lang, packs = cue_language.languages(text, tokens, named)
    if packs:
        return _read_by(text, packs, lang, tokens, known)
    name = _rescued(text, tokens, words)
    if name:
        return _read_by(text, (name,), name, tokens, known)
    return _not_covered(text, lang or named or "und", words)


def _rescued(text: str, tokens: Sequence[Token], words: int) -> str:
    """Words that no list of ordinary words knows may still be ours, misspelt from the first to the last.

    Answers the language of the pack that knows most of them, "" where none does.
    """
    if cue_language.script(text):
        return ""
    for name in PACKS:
        pack = cue_language.pack(name)
        folded = [word for sentence in pack.folder.sentences(tokens) for word in sentence.words]
        if sum(word in pack.lexicon for word in folded) >= max(_KNOWN_SHARE * words, 2):
            return name
    return ""


def _read_by(
    text: str, packs: Sequence[str], lang: str, tokens: Sequence[Token], known: Learned | None
) -> Reading:
    found = [_by_pack(cue_language.pack(name), tokens) for name in packs]
    reading, sentences = _together([one for one, _ in found], lang), found[0][1]
    if known is None or not sentences:
        return reading
    return _with_learned(text, packs[0], sentences, reading, known)


def _together(readings: Sequence[Reading], lang: str) -> Reading:
    """What several packs made of one text; the first is of its likeliest language."""
    first = readings[0]
    # A bare word that two languages share is judged by the language of the text alone.
    counted = [first, *(reading for reading in readings[1:] if not _bare(reading))]
    worst = min(counted, key=lambda reading: reading.level)
    cues = _distinct(cue for reading in counted for cue in reading.cues)
    return replace(
        first,
        level=worst.level,
        cues=cues,
        lang=worst.lang if worst.level <= Level.RED else lang,
        scores={**worst.scores, **_attacks(reading.scores for reading in counted)},
        intent=next((reading.intent for reading in readings if reading.intent), ""),
    )


def _with_learned(
    text: str, pack: str, sentences: Sequence[Sentence], reading: Reading, known: Learned
) -> Reading:
    """What the learned layer adds: an order among all, and a raise where it is sure enough; never less."""
    judged = known.judge(
        text, sentences, reading.scores["crisis"], cue_language.pack("en").ordinary if pack == "en" else None
    )
    cues = [*reading.cues]
    if judged.abuse >= known.thresholds["hate"] and not any(cue.kind in _ATTACKS for cue in cues):
        cues.append(
            Cue(*judged.abuse_at, "hate", Level.AMBER, "reads like an attack on a group of people", "en")
        )
    if judged.spam >= _EVEN and not any(cue.kind == "spam" for cue in cues):
        cues.append(Cue(*judged.risk_at, "spam", Level.GREEN, "reads like advertising", pack))
    if reading.level is Level.GREEN and judged.risk >= known.thresholds["amber"]:
        why = "reads like messages of people who were at risk"
        cues.append(Cue(*judged.risk_at, "reads_like", Level.AMBER, why, pack))
    level = min((cue.level for cue in cues), default=Level.GREEN)
    return replace(
        reading,
        level=min(reading.level, level),
        cues=tuple(cues[:_MOST_CUES]),
        scores=_joined(reading, judged, pack),
    )


def _joined(reading: Reading, judged: Judged, pack: str) -> dict[str, float]:
    """The scores of both layers: cues, letters and who is spoken of together."""
    english = pack == "en"
    # In English the shape of the sentence says whether words against a group are meant or only spoken of.
    counted = [cue.kind for cue in reading.cues if not (english and cue.kind == "hate")]
    attacks = [_ATTACKS.get(kind, 0.0) for kind in counted]
    return {
        **{name: _short(learned.chance(judged.risk + more)) for name, more in _MORE.items()},
        "abuse": round(max([*attacks, judged.abuse], default=0.0), 4),
        "spam": round(max(reading.scores["spam"], judged.spam), 4),
    }


def _short(chance: float) -> float:
    """Four digits that count: most messages are far from a crisis, and still have an order."""
    return float(f"{chance:.4g}")


def _attacks(found: Iterable[Mapping[str, float]]) -> dict[str, float]:
    every = list(found)
    return {name: max(scores[name] for scores in every) for name in ("abuse", "spam")}


def _bare(reading: Reading) -> bool:
    return all(cue.kind == "mention" for cue in reading.cues)


def _not_covered(text: str, lang: str, words: int) -> Reading:
    if words <= 1 and len(text.strip()) <= _NOTHING_SAID:
        return Reading(Level.GREEN, (), lang, covered=False, scores=scores(Level.GREEN, ()))
    cue = Cue(0, 0, "not_covered", Level.AMBER, "no rules for this language: please read it", lang)
    return Reading(Level.AMBER, (cue,), lang, covered=False, scores=scores(Level.AMBER, (cue,)))


def _by_pack(pack: Pack, tokens: Sequence[Token]) -> tuple[Reading, Sequence[Sentence]]:
    """What one pack makes of a text, and its sentences as the pack folds them."""
    twice = _by_sentences(pack, pack.folder.sentences(tokens))
    if not stretched(tokens):
        return twice
    once = _by_sentences(pack, pack.folder.sentences(tokens, once=True))
    return min(twice, once, key=lambda found: found[0].level)


def _by_sentences(pack: Pack, sentences: Sequence[Sentence]) -> tuple[Reading, Sequence[Sentence]]:
    hits = pack.cues.find(sentences)
    level: Level = Level.GREEN
    cues: tuple[Cue, ...] = ()
    if hits:
        context = Context(pack, sentences, hits)
        meanings = settle(context)
        level = combined(context, meanings)
        cues = tuple(_cue(meaning, sentences, pack.lang) for meaning in _lifted(meanings, level))
    reading = Reading(
        level=level,
        cues=cues,
        lang=pack.lang,
        scores=scores(level, cues, _weight(pack, sentences)),
        topics=_topics(pack, sentences),
        sentiment=_sentiment(pack, sentences, level),
        intent=_intent(cues, sentences),
    )
    return reading, sentences


def _lifted(meanings: Sequence[Meaning], level: Level) -> Iterable[Meaning]:
    """Phrases that mean more together than apart carry the level that they led to."""
    worst = min((m.level for m in meanings), default=Level.GREEN)
    for meaning in meanings:
        hint = meaning.kind == "goodbye_hint"
        together = level < worst and (hint or meaning.level is worst)
        kind = "goodbye" if hint else meaning.kind
        yield replace(meaning, kind=kind, level=level if together else meaning.level)


def _cue(meaning: Meaning, sentences: Sequence[Sentence], lang: str) -> Cue:
    sentence = sentences[meaning.hit.sentence]
    start = sentence.starts[meaning.hit.begin]
    end = max(sentence.ends[meaning.hit.begin : meaning.hit.end])
    return Cue(start, end, meaning.kind, meaning.level, meaning.why, lang, meaning.hit.phrase.line)


def _distinct(cues: Iterable[Cue]) -> tuple[Cue, ...]:
    """One cue for each kind and stretch of words: the worst, then the longest."""
    kept: list[Cue] = []
    for cue in sorted(cues, key=lambda c: (c.level, c.start - c.end)):
        if not any(k.kind == cue.kind and k.start < cue.end and cue.start < k.end for k in kept):
            kept.append(cue)
    return tuple(kept[:_MOST_CUES])


def scores(level: Level, cues: Iterable[Cue], weight: float = 0.0) -> dict[str, float]:
    """0 to 1 for crisis, red, amber, abuse and spam.

    The level names the band; more cues, and more grave words (`weight`), lift a score inside it.
    """
    found = list(cues)
    extra = weight + sum(_LIFTS[cue.level] for cue in found)
    lift = 0.95 * extra / (1.0 + extra)
    floors = _FLOORS[level]
    tops = _FLOORS[Level(level - 1)] if level > Level.CRISIS else (1.0, 1.0, 1.0)
    crisis, red, amber = (round(low + (high - low) * lift, 4) for low, high in zip(floors, tops, strict=True))
    spam = sum(cue.kind == "spam" for cue in found)
    return {
        "crisis": crisis,
        "red": red,
        "amber": amber,
        "abuse": max((_ATTACKS.get(cue.kind, 0.0) for cue in found), default=0.0),
        "spam": round(1 - 0.4 / spam, 4) if spam else 0.0,
    }


def _weight(pack: Pack, sentences: Sequence[Sentence]) -> float:
    """How many grave words the writer uses of themselves: an order among texts without a phrase."""
    grave, own = pack.lists.get("grave", frozenset()), pack.lists.get("self", frozenset())
    heavy = {w for s in sentences if not own.isdisjoint(s.words) for w in grave.intersection(s.words)}
    return len(heavy) / 6


def _topics(pack: Pack, sentences: Sequence[Sentence]) -> tuple[str, ...]:
    words = Counter(word for sentence in sentences for word in sentence.words)
    present = words.keys()
    found = {name: len(present & listed) for name, listed in pack.topics.items()}
    return tuple(sorted((name for name, count in found.items() if count), key=lambda n: -found[n])[:3])


def _sentiment(pack: Pack, sentences: Sequence[Sentence], level: Level) -> str:
    """A band from plain word lists. Irony, mixed feelings and short texts are mostly "cannot tell"."""
    positive, negative = pack.lists.get("positive", frozenset()), pack.lists.get("negative", frozenset())
    negators = pack.lists["negators"]
    good = bad = 0
    for sentence in sentences:
        for place, word in enumerate(sentence.words):
            if word in positive or word in negative:
                turned = not negators.isdisjoint(sentence.words[max(0, place - 3) : place])
                if (word in positive) != turned:
                    good += 1
                else:
                    bad += 1
    if level <= Level.RED:
        bad += 1
    if not good and not bad:
        return "cannot tell"
    if good and bad:
        return "mixed" if max(good, bad) < 3 * min(good, bad) else ("positive" if good > bad else "negative")
    return "positive" if good else "negative"


def _intent(cues: Sequence[Cue], sentences: Sequence[Sentence]) -> str:
    kinds = {cue.kind for cue in cues}
    if any(cue.level <= Level.RED for cue in cues):
        return "help"
    for intent in _INTENTS:
        if intent in kinds:
            return intent
    return "question" if any(sentence.mark == "?" for sentence in sentences) else ""
