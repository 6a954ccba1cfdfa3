"""Triage in the running program: a flood comes in, its reader is killed, and nobody is skipped."""

import os
import signal
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from moderator_app.desk import reading, teaching, triage
from moderator_app.desk.rows import Heard, Level, PackChange, Queue
from moderator_app.paths import Profile
from moderator_app.views.teaching_sheet import ChangeSheet, TeachingSheet
from moderator_app.views.theme import Theme
from moderator_app.views.why_sheet import WhySheet
from tests.journeys.test_program import Evening

MANY = 2000
CRIES = 40
SAYING = "Tonight the grey sea calls me again."


@pytest.fixture
def evening(qapp: QApplication, profile: Profile, theme: Theme, qtbot: QtBot) -> Iterator[Evening]:
    made = Evening(qapp, profile, theme)
    qtbot.addWidget(made.window)
    made.window.show()
    made.program.start()
    yield made
    made.window.close()
    made.program.stop()


def in_front(window: QWidget, qtbot: QtBot) -> None:
    """Keys of commands reach only the window that the desktop has in front."""
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=10_000)


def test_a_flood_and_a_killed_reader_skip_nobody(evening: Evening, qtbot: QtBot) -> None:
    for number in range(MANY):
        grave = number % (MANY // CRIES) == 0
        text = "I do not want to live any more." if grave else f"When does group {number} begin, please?"
        evening.platform.say(f"@member{number}", text, title=f"post {number}")
    evening.program.sync_now()
    desk = evening.desk
    killed: list[int] = []

    def half_read() -> bool:
        left, pid = len(desk.ask(reading.unread, MANY)), evening.program._reader.pid
        if 0 < left < MANY and pid and len(killed) < 2 and pid not in killed:
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)
        return evening.open() == MANY and left == 0

    qtbot.waitUntil(half_read, timeout=60_000)
    assert killed, "the child was never seen at work"
    rows = desk.ask(triage.queue, Queue.OPEN, None, CRIES + 1)
    assert [row.level for row in rows[:CRIES]] == [Level.CRISIS] * CRIES
    assert rows[CRIES].level is not Level.CRISIS
    for row in rows[:CRIES]:
        span = row.excerpt_cues[0]
        assert "want to live" in row.excerpt[span.start : span.end]
        assert row.reasons[0].why
    assert desk.ask(triage.counts)[Queue.CRISIS] == CRIES


def test_a_lead_teaches_a_phrase_and_what_is_there_is_read_again(evening: Evening, qtbot: QtBot) -> None:
    evening.platform.say("@mira", SAYING, title="waves")
    evening.program.sync_now()
    desk, window = evening.desk, evening.window
    qtbot.waitUntil(lambda: evening.open() == 1 and not desk.ask(reading.unread, 1), timeout=30_000)
    window.commands.action("teaching").trigger()
    (sheet,) = window.findChildren(TeachingSheet)
    change = sheet.change(PackChange("add", "en", "the grey sea calls", "passive_ideation", Level.RED))
    assert not change.deed.isEnabled()
    change.reason.setPlainText("members here say it when they are unwell")
    qtbot.mouseClick(change.look, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(change.deed.isEnabled, timeout=30_000)
    assert [change.table.item(0, place).text() for place in (0, 3)] == [SAYING, "Red"]
    qtbot.mouseClick(change.deed, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: desk.ask(triage.counts)[Queue.RED] == 1, timeout=30_000)
    qtbot.waitUntil(lambda: desk.ask(reading.stale) == 0, timeout=30_000)
    (row,) = desk.ask(triage.queue, Queue.RED)
    assert row.reasons[0].why == "a phrase that your team added"
    assert len(desk.ask(teaching.listed)) == 1
    sheet.accept()


def test_why_this_level_is_one_key_away(evening: Evening, qtbot: QtBot) -> None:
    evening.platform.say("@noor", "I am not suicidal, only so tired. I feel hopeless.", title="tonight")
    evening.program.sync_now()
    desk, window = evening.desk, evening.window
    qtbot.waitUntil(lambda: evening.open() == 1 and not desk.ask(reading.unread, 1), timeout=30_000)
    (row,) = desk.ask(triage.queue, Queue.OPEN)
    window.open_item(row.item_id)
    in_front(window, qtbot)
    qtbot.waitUntil(lambda: window.talk.item_id == row.item_id, timeout=10_000)
    qtbot.waitUntil(lambda: bool(window.talk.conversation.blocks), timeout=10_000)
    qtbot.keyClick(window, Qt.Key.Key_W)
    qtbot.waitUntil(lambda: bool(window.findChildren(WhySheet)), timeout=5000)
    (sheet,) = window.findChildren(WhySheet)
    said = " ".join(label.text() for label in sheet.findChildren(type(sheet.heading)))
    assert "Denied" in said
    assert "Without “" in said or "Each of these" in said
    qtbot.mouseClick(sheet.deed, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: desk.ask(triage.queue, Queue.OPEN)[0].level < row.level, timeout=10_000)


def test_a_change_is_not_made_without_a_try(evening: Evening, qtbot: QtBot) -> None:
    sheet = ChangeSheet(evening.program._theme, evening.window, evening.program.runner, None)
    sheet.phrase.setText("the grey sea calls")
    sheet.reason.setPlainText("members here say it when they are unwell")
    assert sheet.look.isEnabled()
    assert not sheet.deed.isEnabled()
    sheet.phrase.setText("a <nothing>")
    qtbot.mouseClick(sheet.look, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "cannot be read" in sheet.told.text(), timeout=30_000)
    assert not sheet.deed.isEnabled()
    sheet.reject()


def test_what_was_heard_is_two_keys_away(evening: Evening, qtbot: QtBot) -> None:
    evening.platform.say("@mira", "When does the next group begin?", title="groups")
    evening.platform.say("@troll", "I will find you and hurt you, wait until tomorrow.", title="anger")
    evening.program.sync_now()
    desk, window = evening.desk, evening.window
    qtbot.waitUntil(lambda: evening.open() == 2 and not desk.ask(reading.unread, 1), timeout=30_000)
    in_front(window, qtbot)
    window.queue.table.setFocus()
    qtbot.keyClick(window.queue.table, Qt.Key.Key_G)
    qtbot.keyClick(window.queue.table, Qt.Key.Key_5)
    qtbot.waitUntil(lambda: window.queue.model.heard is Heard.THREATS, timeout=5000)
    assert [window.queue.model.row(window.queue.model.index(0, 0)).person] == ["@troll"]
    assert window.queue.model.rowCount() == 1
    window.open_queue(Queue.GREEN)
    assert window.queue.model.heard is None
