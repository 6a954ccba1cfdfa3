"""Privacy on the screen: held-back words, the countdown, the sheet and its questions."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from shiboken6 import isValid

from moderator_app.desk import access, audit, erasure, holds, requests, retention, sweep, threads, triage
from moderator_app.desk.requests import RequestState, Target
from moderator_app.desk.rows import Level, Outcome, Queue
from moderator_app.models.inbox import Account
from moderator_app.views import words
from moderator_app.views.privacy_dialogs import AccessSheet, EraseSheet, HoldSheet, RenewSheet, SecondSheet
from moderator_app.views.privacy_sheet import PrivacySheet
from moderator_app.views.widgets import Label


def _ready(desk, account):
    """The account was pulled before, as at any start but the first."""

    def pulled(ctx):
        ctx.session.get_one(Account, account).last_pull_at = ctx.now

    desk.do(pulled)


@pytest.fixture
def sheet(qtbot, window, runner, theme):
    made = PrivacySheet(theme, window, runner, item_id=None, copies=lambda: 2)
    made.open()
    qtbot.waitUntil(lambda: made.kept.table.rowCount() == 4)
    yield made
    if isValid(made):
        made.close()


def _labels(widget):
    return " ".join(label.text() for label in widget.findChildren(Label))


def _button(widget, text):
    return next(button for button in widget.findChildren(QPushButton) if button.text() == text)


def test_words_are_held_back_on_the_card_and_in_the_conversation(qtbot, window, desk, account, open_item):
    open_item(desk.ask(triage.queue, Queue.OPEN)[0].person)
    _ready(desk, account)
    assert desk.do(sweep.begin) == 1
    window.runner.changed.emit(frozenset({"item", "message"}))
    model = window.queue.model
    qtbot.waitUntil(lambda: model.row(model.index(0, 0)).withheld == "checking")
    row = model.row(model.index(0, 0))
    said = words.withheld("checking")
    assert said in words.spoken(row, desk.clock.now())
    qtbot.waitUntil(
        lambda: all(
            said in block.accessibleName()
            for block in window.talk.conversation.blocks.values()
            if not block.row.ours
        )
    )
    desk.do(sweep.end, account, answered=True)
    window.runner.changed.emit(frozenset({"item", "message"}))
    qtbot.waitUntil(lambda: model.row(model.index(0, 0)).withheld == "")


def test_the_person_panel_counts_down(qtbot, window, desk, open_item):
    row = desk.ask(triage.queue, Queue.OPEN)[0]
    item = open_item(row.person)
    qtbot.waitUntil(lambda: "Words are kept while this is open." in _labels(window.person))
    desk.do(triage.close, item, Outcome.ANSWERED)
    qtbot.waitUntil(
        lambda: "Words are forgotten in 30 days (30 days after the last message)." in _labels(window.person)
    )
    hold = desk.do(holds.ask, [item], "a child may be at risk", "safeguarding")
    desk.do(holds.confirm, hold, "Bo")
    qtbot.waitUntil(lambda: "A safeguarding hold keeps these words until" in _labels(window.person))


def test_a_rule_is_changed_in_the_table(qtbot, sheet, desk):
    sheet.kept.table.selectRow(2)
    assert sheet.kept.days.value() == 30
    sheet.kept.days.setValue(7)
    sheet.kept.change.click()
    qtbot.waitUntil(lambda: sheet.kept.table.item(2, 1).text() == "7")
    rows = {row.level: row.days for row in desk.ask(retention.table)}
    assert rows == {Level.CRISIS: 30, Level.RED: 30, Level.AMBER: 7, Level.GREEN: 30}


def test_an_erasure_is_asked_seen_in_numbers_and_confirmed_by_another(qtbot, sheet, desk, runner, theme):
    row = desk.ask(triage.queue, Queue.OPEN)[0]
    asking = EraseSheet(theme, sheet, runner, None)
    asking.open()
    QTest.keyClicks(asking.handle, "nobody at all")
    asking.deed.click()
    qtbot.waitUntil(lambda: "Nobody here is called nobody at all." in asking.trouble.text())
    asking.handle.setText(row.handle)
    asking.deed.click()
    qtbot.waitUntil(lambda: len(desk.ask(requests.rows)) == 1)

    second = SecondSheet(theme, sheet, runner, desk.ask(requests.rows)[0], lambda: 2)
    wanted = []
    second.carried.connect(lambda: wanted.append(1))
    second.open()
    qtbot.waitUntil(lambda: "2 backups will be destroyed with their keys." in second.numbers.text())
    QTest.keyClicks(second.name, "Priya")
    second.deed.click()
    qtbot.waitUntil(lambda: "somebody else must confirm it" in second.trouble.text())
    second.name.setText("Bo")
    second.deed.click()
    qtbot.waitUntil(lambda: bool(wanted))
    assert erasure.run(desk, None) == 1
    sheet.read()
    qtbot.waitUntil(lambda: "Done" in _labels(sheet.asked))
    assert "erased" in _labels(sheet.asked)


def test_each_request_offers_what_can_be_done_with_it(qtbot, sheet, desk, runner, theme, tmp_path):
    row = desk.ask(triage.queue, Queue.OPEN)[0]
    keeping = HoldSheet(theme, sheet, runner, row.item_id)
    keeping.open()
    keeping.deed.click()
    qtbot.waitUntil(lambda: "legal basis" in keeping.trouble.text())
    keeping.reason.setPlainText("a child may be at risk")
    keeping.basis.setText("safeguarding")
    keeping.deed.click()
    qtbot.waitUntil(lambda: len(desk.ask(requests.rows)) == 1)
    hold = desk.ask(requests.rows)[0].request_id
    qtbot.waitUntil(lambda: "Waits for a second person" in _labels(sheet.asked))
    desk.do(holds.confirm, hold, "Bo")
    asking = AccessSheet(theme, sheet, runner)
    asking.open()
    asking.handle.setText(row.handle)
    asking.deed.click()
    qtbot.waitUntil(lambda: "Waits for its bundle" in _labels(sheet.asked))
    key = next(one.request_id for one in desk.ask(requests.rows) if one.state is RequestState.ASKED)
    access.write(desk, key, tmp_path)
    sheet.read()
    qtbot.waitUntil(lambda: "Written, to be handed over" in _labels(sheet.asked))
    _button(sheet.asked, "It was handed over").click()
    qtbot.waitUntil(lambda: "Done" in _labels(sheet.asked))
    held = next(one for one in desk.ask(requests.rows) if one.request_id == hold)
    renewing = RenewSheet(theme, sheet, runner, held)
    renewing.open()
    renewing.name.setText("Cy")
    renewing.deed.click()
    qtbot.waitUntil(lambda: "hold_renewed" in {line.what for line in desk.ask(audit.lines)})
    _button(sheet.asked, "End it").click()
    qtbot.waitUntil(lambda: "Ended" in _labels(sheet.asked))


def test_the_record_says_whether_its_chain_holds(qtbot, sheet, desk):
    desk.do(triage.seen, desk.ask(triage.queue, Queue.OPEN)[0].item_id)
    qtbot.waitUntil(
        lambda: sheet.record.table.rowCount() > 0 and sheet.record.table.item(0, 0).text() == "Looked at"
    )
    assert "The chain holds" in sheet.record.state.text()


def test_the_sheet_can_be_used_by_keyboard_alone(qtbot, sheet):
    sheet.chips.button(0).setFocus()
    QTest.keyClick(sheet.chips.button(0), Qt.Key.Key_Tab)
    for place in (1, 2):
        sheet.chips.button(place).setFocus()
        QTest.keyClick(sheet.chips.button(place), Qt.Key.Key_Space)
        assert sheet.pages.currentIndex() == place
    QTest.keyClick(sheet, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not sheet.isVisible())


def test_the_command_opens_it(window, program):
    window.commands.action("privacy").trigger()
    assert program.asked == ["privacy"]


def test_a_span_of_days_and_the_open_conversation_can_be_asked_for(qtbot, window, desk, runner, theme):
    item = desk.ask(triage.queue, Queue.OPEN)[0].item_id
    for place, kind in ((1, "thread"), (2, "range")):
        asking = EraseSheet(theme, window, runner, item)
        asking.open()
        asking.what.setCurrentIndex(place)
        assert asking.begins.isVisible() is (kind == "range")
        asking.deed.click()
        qtbot.waitUntil(
            lambda kind=kind: any(Target.read(one.target).kind == kind for one in desk.ask(requests.rows))
        )
    assert desk.ask(threads.view, item).forgets.why == "open"
