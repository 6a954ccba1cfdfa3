"""What the rules make of a text: how soon, why, which characters; and a reader that nobody can lose.

The sentences are ours, plain and without detail. The hard cases of the research folder are run too where it
is beside the checkout.
"""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Shift
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.demo import open_platform
from moderator_app.desk import reading, triage
from moderator_app.desk.language import Rules, Worker
from moderator_app.desk.rows import Level, Queue, Reading

SHARED = Path(os.environ.get("HEARTHLIGHT_SHARED", Path(__file__).parents[3] / "shared"))


@pytest.fixture(scope="module")
def rules() -> Iterator[Rules]:
    with Rules() as made:
        yield made


def read(rules: Rules, text: str, lang: str = "") -> Reading:
    return rules.read([(text, lang)])[0]


CRISIS = [
    "I want to die and I cannot tell anybody.",
    "I am going to end my life tonight.",
    "Goodbye everyone, you were kind to me. By tomorrow I will be gone.",
    "My friend just wrote that she wants to kill herself tonight, what do I do?",
    "i wanna d.i.e",
    "I am 12 and my uncle touches me at night",
    "quiero morir, no puedo más",
    "ich will nicht mehr leben",
    "je veux mourir ce soir",
    "quero morrer",
]
NOT_CRISIS = [
    "This homework is killing me, haha.",
    "I am not suicidal, I am just very tired today.",
    "Years ago I wanted to die. Today I am glad that I stayed.",
    "If you need somebody to talk to, call the helpline at any hour.",
    "Our lecture on suicide prevention is on Thursday.",
    "Thank you all for the lovely evening!",
    "When does the next group begin?",
    "In the film the hero says that he wants to die. What a scene.",
    "¡Muchas gracias por el taller!",
    "Wann ist das nächste Treffen?",
]


@pytest.mark.parametrize("text", CRISIS)
def test_somebody_in_danger_is_found_and_the_words_are_shown(rules: Rules, text: str) -> None:
    found = read(rules, text)
    assert found.level is Level.CRISIS
    assert any(cue.level is Level.CRISIS and text[cue.start : cue.end] for cue in found.cues)


@pytest.mark.parametrize("text", NOT_CRISIS)
def test_ordinary_words_are_no_crisis(rules: Rules, text: str) -> None:
    assert read(rules, text).level is not Level.CRISIS


def test_one_line_is_not_washed_out_by_a_long_text(rules: Rules) -> None:
    calm = "The garden was green and we spoke about the weather and the neighbours. " * 60
    text = calm + "I do not want to live any more. " + calm
    found = read(rules, text)
    assert found.level is Level.CRISIS
    assert any("want to live" in text[cue.start : cue.end] for cue in found.cues)


def test_a_language_without_rules_rises_to_a_person(rules: Rules) -> None:
    found = read(rules, "Dzisiaj byłam na spacerze i czuję się trochę lepiej niż wczoraj.", "pl")
    assert (found.level, found.covered) == (Level.AMBER, False)


def test_incitement_is_abuse(rules: Rules) -> None:
    found = read(rules, "nobody likes you, kill yourself")
    assert found.level <= Level.AMBER
    assert found.scores["abuse"] > 0.5


@settings(deadline=None, max_examples=150)
@given(
    st.one_of(
        st.text(st.characters(), max_size=200),
        st.builds(
            "{}{}{}".format,
            st.text(max_size=40),
            st.sampled_from([*CRISIS, *NOT_CRISIS]),
            st.text(max_size=40),
        ),
    )
)
def test_any_text_is_read_with_spans_inside_it(text: str) -> None:
    with Rules() as rules:
        found = read(rules, text)
    assert set(found.scores) >= {"crisis", "red", "amber", "abuse", "spam"}
    assert all(0 <= score <= 1 for score in found.scores.values())
    for cue in found.cues:
        assert 0 <= cue.start <= cue.end <= len(text)
    if found.level is not Level.GREEN:
        assert found.cues


def test_a_span_is_exact_behind_emoji_and_folded_letters(rules: Rules) -> None:
    text = "👨‍👩‍👧 naïve 𝐭𝐞𝐱𝐭… I w\u200bant to d1e, really"
    found = read(rules, text)
    shown = [text[cue.start : cue.end] for cue in found.cues if cue.level is Level.CRISIS]
    assert shown
    assert any(words.endswith("d1e") for words in shown)


def test_ten_megabytes_are_bounded_and_reach_a_person(rules: Rules) -> None:
    found = read(rules, "just words and more words, " * 400_000)
    assert found.level <= Level.AMBER
    assert "too_long" in {cue.kind for cue in found.cues}


def test_the_child_process_reads_the_same_and_comes_back_after_a_crash(rules: Rules) -> None:
    texts = [(text, "") for text in (*CRISIS, *NOT_CRISIS)]
    with Worker() as worker:
        assert worker.read(texts) == rules.read(texts)
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        assert worker.read(texts) == rules.read(texts)


def test_everything_that_came_in_is_read(shift: Shift, rules: Rules) -> None:
    for number in range(150):
        shift.platform.say("@mira", f"a calm word, number {number}", title=f"thread {number}")
    shift.platform.direct("@noor", "I want to die and I cannot tell anybody.")
    shift.sync.run()
    assert reading.read_pending(shift.desk, rules) == 151
    assert shift.desk.ask(reading.unread, 1) == []
    first = shift.desk.ask(triage.queue, Queue.OPEN)[0]
    assert (first.person, first.level) == ("@noor", Level.CRISIS)


def test_the_demo_communitys_crises_are_found(rules: Rules) -> None:
    platform = open_platform("harbour", 7)
    theirs = [m for m in platform.all_messages() if not m.ours]
    found = rules.read([(m.text, m.lang or "") for m in theirs])
    meant = [platform.meant.get(m.id, "green") for m in theirs]
    crises = [r.level for r, level in zip(found, meant, strict=True) if level == "crisis"]
    assert sum(level <= Level.AMBER for level in crises) >= 0.9 * len(crises)
    ordinary = [r.level for r, level in zip(found, meant, strict=True) if level == "green"]
    assert sum(level is Level.CRISIS for level in ordinary) <= 0.005 * len(ordinary)


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the research folder is not beside the checkout")
def test_the_hard_cases_of_the_research_folder(rules: Rules) -> None:
    lines = (SHARED / "data/triage/crisis_functional.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    levels = [
        read(rules, row["text"], row["lang"] if len(row["lang"]) == 2 else "").level.word for row in rows
    ]
    crisis = [level for row, level in zip(rows, levels, strict=True) if row["expected_level"] == "crisis"]
    others = [
        level
        for row, level in zip(rows, levels, strict=True)
        if "crisis" not in (row["expected_level"], *row["also_ok"])
    ]
    assert sum(level == "crisis" for level in crisis) >= 0.97 * len(crisis)
    assert sum(level != "crisis" for level in others) >= 0.93 * len(others)
