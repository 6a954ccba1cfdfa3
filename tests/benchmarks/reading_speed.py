"""How fast the rules read: the demo community's messages, against spaCy's tokens and phrases alone."""

import time
from collections.abc import Iterator
from typing import Final

import psutil

from connectors.demo import open_platform
from moderator_app.desk.language import Rules, Worker
from tests.benchmarks.figures import Figure, Sample, at_least, at_most, figure, middle, nearly_all, sample

_ROUNDS: Final = 3
_VERBS: Final = (
    "I feel",
    "I am",
    "we need",
    "they want",
    "you have",
    "it is",
    "nobody has",
    "who is",
    "I was",
    "he had",
)
_NOUNS: Final = ("tired", "help", "alone", "no way", "a friend", "hope", "nothing", "pain", "sleep", "enough")


def texts(most: int) -> list[tuple[str, str]]:
    """What the demo community says, with the language that each message names."""
    found = open_platform("harbour").all_messages()[:most]
    return [(message.text, message.lang or "") for message in found]


def reading(most: int = 3000) -> Iterator[Figure]:
    """Messages read in a second, the slowest of them, and how long the first one waits."""
    chosen = texts(most)
    with Rules() as rules, Rules(alone=True) as cues:
        began = time.perf_counter()
        rules.read(chosen[:1])
        first = 1000 * (time.perf_counter() - began)
        ours, without = (
            _quickest(
                [sample(lambda one=one, by=by: by.read([one]) for one in chosen) for _ in range(_ROUNDS)]
            )
            for by in (rules, cues)
        )
    bare = _bare(chosen)
    per_second, cues_alone, tokens_alone = (
        1000 * len(chosen) / sum(one.cpu) for one in (ours, without, bare)
    )
    yield figure("reading", per_second, "messages/s of CPU", tokens_alone, at_least(1500))
    yield figure("reading, cues alone", cues_alone, "messages/s of CPU", tokens_alone, at_least(3000))
    yield figure("reading, p50", middle(ours.cpu), "ms CPU", middle(bare.cpu), None)
    yield figure("reading, p99", nearly_all(ours.cpu, 0.99), "ms CPU", nearly_all(bare.cpu, 0.99), at_most(3))
    yield figure("reading, the first message (loads spaCy and the packs)", first, "ms")
    yield figure("memory of the reader's process", _memory(chosen), "MB", None, at_most(150))


def _bare(chosen: list[tuple[str, str]]) -> Sample:
    """spaCy's tokens and a list of eighty phrases, on the same texts."""
    import spacy  # noqa: PLC0415 - after the rules, so that their first reading pays for it
    from spacy.matcher import PhraseMatcher  # noqa: PLC0415 - see above

    blank = spacy.blank("en")
    matcher = PhraseMatcher(blank.vocab, attr="LOWER")
    matcher.add("", [blank.make_doc(f"{verb} {noun}") for verb in _VERBS for noun in _NOUNS])
    rounds = [sample(lambda one=one: matcher(blank(one[0])) for one in chosen) for _ in range(_ROUNDS)]
    return _quickest(rounds)


def _memory(chosen: list[tuple[str, str]]) -> float:
    """What the child that reads for the window takes after all of it, in MB."""
    with Worker() as worker:
        worker.read(chosen)
        assert worker.pid is not None
        return psutil.Process(worker.pid).memory_info().rss / 1e6


def _quickest(rounds: list[Sample]) -> Sample:
    """The round that the machine disturbed least; the first one also fills caches."""
    return min(rounds, key=lambda one: sum(one.cpu))
