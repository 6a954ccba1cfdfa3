"""The queue as Qt sees it: pages, refreshes that keep the cursor, words for a screen reader."""

import pytest
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt
from views.evening import COMMUNITY, fill, message

from moderator_app.desk import triage
from moderator_app.desk.rows import Level, Outcome, Queue
from moderator_app.views.queue_model import QueueModel, Role, runs


@pytest.fixture
def model(runner, account):
    made = QueueModel(runner)
    made.show_queue(Queue.OPEN)
    return made


def people(model):
    return [model.row(model.index(n, 0)).person for n in range(model.rowCount())]


def test_the_most_urgent_stands_first(model):
    levels = [model.row(model.index(n, 0)).level for n in range(model.rowCount())]
    assert levels == sorted(levels)
    assert levels[0] is Level.CRISIS
    assert people(model)[0] == "Mara Lindqvist"


def test_a_card_is_whole_for_a_screen_reader(model):
    told = model.index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    for part in ("Unread.", "Crisis level.", "Mara Lindqvist", "Evening lounge", "2 h", "over"):
        assert part in told
    why = model.index(0, 0).data(Qt.ItemDataRole.AccessibleDescriptionRole)
    assert "hopelessness" in why


def many(count):
    return [
        message(f"x{n}", f"Topic {n}", f"Person {n}", f"A question of mine, number {n}.", 30 + n % 900)
        for n in range(count)
    ]


def test_five_thousand_rows_pass_qts_own_tester(qtmodeltester, runner, desk, account):
    fill(desk, many(5000), account)
    model = QueueModel(runner)
    model.show_queue(Queue.OPEN)
    assert model.rowCount() == 100
    while model.canFetchMore(QModelIndex()):
        model.fetchMore(QModelIndex())
    assert model.rowCount() == 5000 + len({(m.thread_id, m.person.id) for m in COMMUNITY})
    ids = [model.row(model.index(n, 0)).item_id for n in range(model.rowCount())]
    assert len(set(ids)) == len(ids)
    qtmodeltester.check(model)


def test_a_refresh_keeps_the_cursor_on_its_row(qtbot, model, runner, desk, account):
    last = model.rowCount() - 1
    cursor = QPersistentModelIndex(model.index(last, 0))
    item = cursor.data(Role.ROW).item_id
    desk.do(triage.set_level, item, Level.CRISIS)
    with qtbot.waitSignal(model.refreshed):
        model.refresh(hold=False)
    assert cursor.isValid()
    assert cursor.data(Role.ROW).item_id == item
    assert cursor.row() < last
    assert model.index_of(item).row() == cursor.row()


def test_what_is_closed_leaves_and_the_rest_stays(qtbot, model, desk):
    gone = model.row(model.index(1, 0)).item_id
    before = people(model)
    desk.do(triage.close, gone, Outcome.ANSWERED)
    with qtbot.waitSignal(model.refreshed):
        model.refresh(hold=True)
    assert people(model) == [name for n, name in enumerate(before) if n != 1]
    assert not model.index_of(gone).isValid()


def test_new_rows_are_held_back_until_asked_for(qtbot, model, desk, account):
    before = people(model)
    fill(desk, [message("new", "Late", "Noor", "I feel so alone tonight.", 1)], account)
    with qtbot.waitSignal(model.refreshed):
        model.refresh(hold=True)
    assert people(model) == before
    assert [row.person for row in model.held] == ["Noor"]
    assert model.worst_held() is Level.AMBER
    with qtbot.waitSignal(model.refreshed):
        model.refresh(hold=False)
    assert "Noor" in people(model)
    assert model.held == []


def test_merging_passes_qts_tester(qtbot, qtmodeltester, model, desk, account):
    rows = desk.ask(triage.queue, Queue.OPEN)
    qtmodeltester.check(model)
    model.merge(rows[::-1], more=False, hold=False)
    model.merge(rows[::2], more=False, hold=False)
    model.merge(rows, more=False, hold=False)
    model.merge([], more=False, hold=False)
    assert model.rowCount() == 0
    model.merge(rows, more=False, hold=False)
    assert [model.row(model.index(n, 0)) for n in range(model.rowCount())] == rows


def test_a_filter_narrows_the_queue(model):
    model.show_queue(Queue.OPEN, "amara")
    assert people(model) == ["Amara Okafor"]


def test_runs_of_numbers():
    assert runs([]) == []
    assert runs([1, 2, 3, 7, 9, 10]) == [(1, 3), (7, 7), (9, 10)]
