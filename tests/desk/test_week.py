"""The week: counts that cannot be traced back, with definitions, on paper and as data."""

import csv
import io
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from conftest import Shift
from hypothesis import given
from hypothesis import strategies as st

from moderator_app.desk import insights, paper, reading, replies, triage
from moderator_app.desk.rows import Audience, Level, Queue, Reading


@given(st.lists(st.integers(0, 60), min_size=1, max_size=8))
def test_no_hidden_cell_can_be_computed_from_the_total(cells: list[int]) -> None:
    out = insights.suppress(cells)
    hidden = [i for i, cell in enumerate(out) if cell is None]
    assert all(cells[i] == out[i] for i in range(len(cells)) if i not in hidden)
    assert all(cell is None for cell, count in zip(out, cells, strict=True) if 0 < count < 5)
    if len(hidden) == 1:
        # One hidden cell is only left where every other cell is zero, so that the total is hidden too.
        assert sum(cells) - cells[hidden[0]] == 0


@pytest.fixture
def week(shift: Shift) -> insights.Week:
    """Twelve members write on Tuesday, three on Thursday; one of them is answered."""
    tuesday = shift.clock.now() - timedelta(days=3)
    for number in range(12):
        shift.platform.say(f"@zelda{number}", f"a quiet word from zelda {number}", at=tuesday)
    for number in range(3):
        shift.platform.say(f"@zelda{number}", f"again zelda {number}", at=tuesday + timedelta(days=2))
    shift.sync.run()
    shift.desk.do(
        reading.apply,
        [
            (key, text, Reading(Level.RED if "zelda 1" in text else Level.GREEN, (), "en"))
            for key, text, _ in shift.desk.ask(reading.unread)
        ],
    )
    row = shift.desk.ask(triage.queue, Queue.OPEN)[0]
    shift.desk.do(replies.send, row.item_id, "Thank you for the quiet word.", Audience.PUBLIC, now=True)
    shift.sync.run()
    return shift.desk.ask(insights.week, shift.clock.now().date())


def test_figures_count_hide_and_round(week: insights.Week) -> None:
    values = {figure.key: figure.value for figure in week.figures}
    assert week.monday == date(2026, 11, 16)
    assert values["messages"] == 15
    assert values["people"] == 10  # twelve, rounded to five
    assert values["red"] is None  # four: hidden
    assert values["replies"] is None  # one: hidden
    assert values["crisis"] == 0
    assert all(figure.definition for figure in week.figures)


def test_no_name_handle_or_word_leaves(week: insights.Week, tmp_path: Path) -> None:
    files = paper.export(week, tmp_path / "out")
    assert [file.suffix for file in files] == [".md", ".csv", ".pdf"]
    text = files[0].read_text("utf-8") + files[1].read_text("utf-8") + repr(insights.as_data(week))
    assert "zelda" not in text.casefold()
    assert "quiet" not in text.casefold()


def test_every_number_of_the_csv_has_its_definition(week: insights.Week) -> None:
    rows = list(csv.DictReader(io.StringIO(insights.csv(week))))
    assert {row["week"] for row in rows} == {"2026-11-16"}
    assert all(row["definition"] for row in rows)
    assert next(row["value"] for row in rows if row["name"] == "Messages") == "15"


def test_the_pdf_has_text_and_embedded_fonts(week: insights.Week, tmp_path: Path) -> None:
    paper.pdf(week, tmp_path / "week.pdf")
    raw = (tmp_path / "week.pdf").read_bytes()
    assert raw.startswith(b"%PDF-1.")
    assert b"/FontFile2" in raw
    assert ET.fromstring(paper.chart_svg(week)).tag.endswith("svg")


def test_an_empty_week_is_a_summary_too(shift: Shift, tmp_path: Path) -> None:
    found = shift.desk.ask(insights.week)
    assert "| Messages | 0 |" in insights.markdown(found)
    assert len(paper.export(found, tmp_path)) == 3
