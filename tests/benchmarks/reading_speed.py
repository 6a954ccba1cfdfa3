"""How fast the rules read: the demo community's messages, against spaCy's tokens alone."""

import time
from collections.abc import Iterator
from typing import Final

from connectors.demo import open_platform
from moderator_app.desk.language import Rules
from tests.benchmarks.figures import Figure, Sample, at_least, at_most, figure, middle, nearly_all, sample

_ROUNDS: Final = 3


def texts(most: int) -> list[tuple[str, str]]:
    """What the demo community says, with the language that each message names."""
    found = open_platform("harbour").all_messages()[:most]
    return [(message.text, message.lang or "") for message in found]


def reading(most: int = 3000) -> Iterator[Figure]:
    """Messages read in a second, the slowest of them, and how long the first one waits."""
    chosen = texts(most)
    with Rules() as rules:
        began = time.perf_counter()
        rules.read(chosen[:1])
        first = 1000 * (time.perf_counter() - began)
        ours = _quickest(
            [sample(lambda one=one: rules.read([one]) for one in chosen) for _ in range(_ROUNDS)]
        )
    import spacy  # noqa: PLC0415 - after the rules, so that their first reading pays for it

    blank = spacy.blank("en")
    bare = _quickest([sample(lambda one=one: blank(one[0]) for one in chosen) for _ in range(_ROUNDS)])
    per_second = 1000 * len(chosen) / sum(ours.cpu)
    tokens_alone = 1000 * len(chosen) / sum(bare.cpu)
    yield figure("reading", per_second, "messages/s of CPU", tokens_alone, at_least(3000))
    yield figure("reading, p50", middle(ours.cpu), "ms CPU", middle(bare.cpu), None)
    yield figure("reading, p99", nearly_all(ours.cpu, 0.99), "ms CPU", nearly_all(bare.cpu, 0.99), at_most(3))
    yield figure("reading, the first message (loads spaCy and the packs)", first, "ms")


def _quickest(rounds: list[Sample]) -> Sample:
    """The round that the machine disturbed least; the first one also fills caches."""
    return min(rounds, key=lambda one: sum(one.cpu))
