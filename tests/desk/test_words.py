"""Folding, search, and the check of a draft."""

import pytest
from conftest import Shift
from hypothesis import given
from hypothesis import strategies as st

from moderator_app.desk import folding, helplines, respect, search
from moderator_app.desk.rows import Audience, Level


@given(st.text(st.characters(), max_size=300))
def test_any_text_is_repaired_to_something_storable(text: str) -> None:
    repaired = folding.repair(text)
    assert repaired.encode().decode() == repaired
    assert "\0" not in repaired
    assert folding.repair(repaired) == repaired
    folding.fold(repaired)


@given(st.text(max_size=120))
def test_no_search_text_is_an_error(text: str) -> None:
    assert search.expression(text).count('"') % 2 == 0


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ("Ich möchte gern reden", "mochte"),
        ("NAÏVE hope", "naive"),
        ("今日はとても疲れた", "疲れ"),
        ("you are a w\u200bon\u200bder", "wonder"),
        ("𝐡𝐞𝐥𝐥𝐨 there", "hello"),
        ("sо tired", "so tired"),  # a Cyrillic o
        ("the quick brown fox", '"quick brown"'),
        ("quickly now", "quick"),
        ("it costs 5% (five) -- really", "5% (five) --"),
    ],
)
def test_search_finds_it_however_it_was_written(shift: Shift, said: str, typed: str) -> None:
    shift.platform.say("@mira", said)
    shift.platform.say("@noor", "something else entirely")
    shift.sync.run()
    assert [hit.person for hit in shift.desk.ask(search.find, typed)] == ["@mira"]


@pytest.mark.parametrize("typed", ["", "   ", '"', "***", "AND OR NOT", "body:x NEAR("])
def test_operators_of_the_index_are_only_words(shift: Shift, typed: str) -> None:
    shift.platform.say("@mira", "hello")
    shift.sync.run()
    assert shift.desk.ask(search.find, typed) == []


def test_newest_first(shift: Shift) -> None:
    for number in range(3):
        shift.platform.say("@mira", f"hello number {number}")
    shift.sync.run()
    assert [hit.excerpt[-1] for hit in shift.desk.ask(search.find, "hello")] == ["2", "1", "0"]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("I promise we will fix this.", "P01"),
        ("Just calm down a little.", "N01"),
        ("Call 0800 123 4567 now.", "V01"),
        ("Write to me@example.org.", "V02"),
        ("Hello {name}", "O05"),
    ],
)
def test_what_blocks_a_draft(text: str, rule: str) -> None:
    found = respect.check(text, Level.AMBER, Audience.PUBLIC)
    assert rule in {remark.rule for remark in found if remark.weight == "block"}


def test_only_capitals_are_shouting() -> None:
    calm = respect.check(
        "Are you somewhere safe right now, and is anybody there?", Level.RED, Audience.PRIVATE
    )
    loud = respect.check("WE ALREADY TOLD EVERYBODY HERE.", Level.RED, Audience.PRIVATE)
    assert calm == []
    assert "O01" in {remark.rule for remark in loud}


def test_numbers_of_the_directory_may_stand() -> None:
    line = helplines.help_for("GB").lines[0]
    number = next(value for way, value in line.contacts if way == "call")
    found = respect.check(f"You can call {number} now.", Level.RED, Audience.PRIVATE)
    assert not [remark for remark in found if remark.weight == "block"]


def test_every_shipped_template_filled_with_care_passes_its_own_check() -> None:
    line = helplines.help_for("GB").lines[0]
    values = {"line_contact": "116 123", "line_name": line.name, "line_hours": "24/7"}
    for chosen in respect.shipped():
        blanks = dict.fromkeys(chosen.blanks, "what you wrote about Tuesday") | values
        text = respect.fill(chosen, blanks)
        blocked = [r for r in respect.check(text, Level.AMBER, Audience.PRIVATE) if r.weight == "block"]
        assert blocked == [], chosen.template_id
        assert respect.blanks(text) == []


@given(st.text(max_size=400))
def test_the_check_answers_any_draft_with_spans_inside_it(text: str) -> None:
    for remark in respect.check(text, Level.CRISIS, Audience.PUBLIC, 300, "graphemes"):
        assert 0 <= remark.start <= remark.end <= len(text)


def test_lengths_in_the_units_of_the_platforms() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert respect.length(family, "graphemes") == 1
    assert respect.length(family, "characters") == 5
    assert respect.length("é", "bytes") == 2
    assert respect.length("😀", "utf16") == 2


def test_unknown_countries_get_the_hint_and_the_directory() -> None:
    found = helplines.help_for("XX")
    assert (found.emergency, found.lines) == ("112", ())
    assert found.fallback.startswith("https://")


def test_low_confidence_lines_are_for_leads() -> None:
    shown = [line for code in helplines.countries() for line in helplines.help_for(code).lines]
    for_leads = [line for code in helplines.countries() for line in helplines.help_for(code, lead=True).lines]
    assert {line.confidence for line in shown} == {"high", "medium"}
    assert len(for_leads) > len(shown)
