"""The learned layer: what it adds to the cues, and what nobody can do to a message to make it less urgent."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderator_app import paths
from moderator_app.desk import cue_language, learned
from moderator_app.desk.cue_words import cut
from moderator_app.desk.language import Rules
from moderator_app.desk.rows import Level, Reading

RULES = Rules()
GRAVE = [
    "I want to die and I cannot tell anybody.",
    "I do not want to live any more.",
    "My friend wrote that she wants to kill herself tonight.",
    "I feel hopeless and so alone.",
    "quiero morir, no puedo más",
    "ich will nicht mehr leben",
    "je veux mourir ce soir",
    "quero morrer",
]
ATTACKS = ["Those people are vermin: all refugees should disappear.", "I hate all gay people."]
NO_ATTACKS = ["I love gay people.", "Refugees came to the meeting today.", "I hate cold coffee."]


def read(text: str, lang: str = "") -> Reading:
    return RULES.read([(text, lang)])[0]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A program without the trained file."""
    learned.layer.cache_clear()
    monkeypatch.setattr(learned, "resource", lambda _: Path("/nowhere"))
    yield
    monkeypatch.undo()
    learned.layer.cache_clear()


@pytest.mark.parametrize("text", [*GRAVE, *ATTACKS, *NO_ATTACKS, "", "🙂", "x" * 50_000])
def test_it_only_adds_to_what_the_cues_say(text: str) -> None:
    (alone,) = Rules(alone=True).read([(text, "")])
    both = read(text)
    assert both.level <= alone.level
    assert [cue for cue in both.cues if cue.kind not in {"reads_like", "hate", "spam"}] == [
        cue for cue in alone.cues if cue.kind not in {"hate", "spam"}
    ]


def test_without_its_file_the_cues_stand_alone(bare: None) -> None:
    assert learned.layer() is None
    assert read(GRAVE[0]).level is Level.CRISIS


@pytest.mark.parametrize(("text", "said"), [*((a, True) for a in ATTACKS), *((n, False) for n in NO_ATTACKS)])
def test_an_attack_on_a_group_is_told_from_what_only_looks_like_one(text: str, said: bool) -> None:
    assert (read(text).scores["abuse"] >= 0.5) is said


def test_spam_is_named_and_stays_green() -> None:
    found = read("Check out my channel and subscribe, free gift cards, click here http://x.example")
    assert found.scores["spam"] >= 0.5
    assert found.level is Level.GREEN
    assert any(cue.kind == "spam" for cue in found.cues)
    assert read("When does the next group begin?").scores["spam"] < 0.5


def test_whoever_is_likelier_at_risk_has_the_higher_score() -> None:
    texts = ["When does the next group begin?", "I feel hopeless and so alone.", "I want to die."]
    scores = [read(text).scores["crisis"] for text in texts]
    assert scores == sorted(scores)
    for text in texts:
        found = read(text).scores
        assert found["crisis"] <= found["red"] <= found["amber"]


def test_a_raise_of_its_own_names_the_words_it_rests_on() -> None:
    text = "The bus was late. Nights are the worst, I sit on the floor and everything in me is tired of me."
    found = read(text)
    for cue in found.cues:
        assert text[cue.start : cue.end]


def test_the_same_text_is_always_read_alike() -> None:
    assert [read(text) for text in GRAVE] == [read(text) for text in GRAVE]


INVISIBLE = ["\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad"]
TAILS = [
    "",
    " I am not joking",
    " ok bye for now, see you at lunch",
    " the weather is nice today",
    " 🙂 thanks",
]


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(GRAVE), st.data())
def test_nothing_invisible_loud_or_stretched_makes_a_message_less_urgent(
    text: str, data: st.DataObject
) -> None:
    before = read(text).level
    changed = text
    for _ in range(data.draw(st.integers(0, 4))):
        place = data.draw(st.integers(0, len(changed)))
        changed = changed[:place] + data.draw(st.sampled_from(INVISIBLE)) + changed[place:]
    changed = data.draw(st.sampled_from([str, str.upper, str.lower, str.title]))(changed)
    found = read(changed)
    assert found.level <= before, changed
    for cue in found.cues:
        assert 0 <= cue.start <= cue.end <= len(changed)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from([text for text in GRAVE if text.isascii()]), st.sampled_from(TAILS), st.data())
def test_chatter_after_it_or_doubled_letters_do_not_make_it_less_urgent(
    text: str, tail: str, data: st.DataObject
) -> None:
    before = read(text).level
    assert read(text.rstrip(".") + "." + tail).level <= before
    letters = [place for place, letter in enumerate(text) if letter.isalpha()]
    place = data.draw(st.sampled_from([place for place in letters if text[place - 1 : place + 2].strip()]))
    assert read(text[:place] + text[place] * 3 + text[place:]).level <= before
    words = text.split()
    longer = [place for place, word in enumerate(words) if len(word) > 2]
    chosen = data.draw(st.sampled_from(longer))
    inside = data.draw(st.integers(1, len(words[chosen]) - 1))
    words[chosen] = words[chosen][:inside] + words[chosen][inside - 1] + words[chosen][inside:]
    assert read(" ".join(words)).level <= before, words[chosen]


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=200))
def test_every_text_of_unicode_is_read_and_spans_lie_in_it(text: str) -> None:
    found = read(text)
    assert all(0 <= cue.start <= cue.end <= len(text) for cue in found.cues)
    assert all(0 <= score <= 1 for score in found.scores.values())


def test_the_card_says_what_it_was_trained_on_and_what_not() -> None:
    card = json.loads(paths.resource("triage/card.json").read_text("utf-8"))
    assert set(card["never trained on"]) == {"crisis_functional", "hatecheck", "cssrs500"}
    assert all("," in source or "own" in source or "MIT" in source for source in card["trained on"].values())
    assert paths.resource("triage/weights.npz").stat().st_size < 15_000_000


def test_shapes_are_of_roles_and_not_of_names() -> None:
    pack = cue_language.pack("en")

    def shapes(text: str) -> list[int]:
        return [int(one) for one in learned.shapes(pack.folder.sentences(cut(text)), pack.ordinary)]

    assert shapes("I hate all muslims.") == shapes("I hate all lesbians.")
    assert shapes("I hate all muslims.") != shapes("I love all muslims.")
