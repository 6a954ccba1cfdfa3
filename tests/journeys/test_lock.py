"""The lock, through the real window: at once, nothing lost, nothing left, and back at the same place."""

import gc
import time
import uuid
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QByteArray, QPoint, Qt
from PySide6.QtGui import QClipboard, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from connectors import demo
from moderator_app.app import Program
from moderator_app.desk import replies, triage
from moderator_app.desk.rows import Level, MessageRow, Queue, QueueRow, ThreadView
from moderator_app.door import Door
from moderator_app.paths import Profile
from moderator_app.views.dialogs import LevelSheet, NoteSheet
from moderator_app.views.idle import WARN_S
from moderator_app.views.palette import Palette
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Label
from moderator_app.workspace import Workspace

PHRASE = "a phrase for this test"
MARK = "lanternfish"


class Seconds:
    """A clock of seconds that moves when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Evening:
    """A door with a community behind it, whose words all carry the mark."""

    def __init__(self, app: QApplication, profile: Profile, theme: Theme, qtbot: QtBot) -> None:
        self.profile, self.qtbot, self.seconds = profile, qtbot, Seconds()
        values = {"community": f"quiet-{uuid.uuid4().hex}", "seed": "7", "hostile": "0"}
        self.platform = demo._shared(values)
        self.platform.say(f"@{MARK}", f"Is the {MARK} group still on this week?", title=f"The {MARK} group")
        workspace = Workspace.open(profile, PHRASE)
        self.recovery_key = workspace.recovery_key
        workspace.connect("demo", values)
        self.door = Door(profile, theme, lambda found: Program(app, found, theme), self.seconds)
        qtbot.addWidget(self.door.frame)
        self.door.enter(workspace)
        qtbot.waitUntil(lambda: self.desk.ask(triage.counts)[Queue.OPEN] == 1, timeout=10_000)

    @property
    def program(self) -> Program:
        assert isinstance(self.door.program, Program)
        return self.door.program

    @property
    def desk(self):
        return self.program.runner.desk

    @property
    def window(self):
        return self.program.window

    @property
    def screen(self):
        return self.door.frame.screen_locked

    def open_first(self) -> int:
        item = self.desk.ask(triage.queue, Queue.OPEN)[0].item_id
        self.window.open_item(item)
        self.qtbot.waitUntil(lambda: self.window.talk.item_id == item, timeout=10_000)
        return item

    def lock(self, how: Callable[[], object] | None = None) -> None:
        with self.qtbot.waitSignal(self.door.locked, timeout=10_000):
            (how or self.window.commands.action("lock").trigger)()

    def unlock(self, typed: str = PHRASE) -> float:
        """Unlock by typing; answers the seconds until the window stands."""
        form = self.screen.form
        assert form is not None
        form.phrase.setText(typed)
        began = time.perf_counter()
        with self.qtbot.waitSignal(self.door.opened, timeout=10_000):
            self.qtbot.keyClick(form.phrase, Qt.Key.Key_Return)
        return time.perf_counter() - began


@pytest.fixture
def evening(qapp: QApplication, profile: Profile, theme: Theme, qtbot: QtBot) -> Iterator[Evening]:
    made = Evening(qapp, profile, theme, qtbot)
    yield made
    if made.door.program is not None:
        made.door._put_away()
    made.door.frame.left.disconnect()
    made.door.frame.close()


def visible_texts() -> list[str]:
    """Every text of a label that can be seen in any window, and every title."""
    shown = [top for top in QApplication.topLevelWidgets() if top.isVisible()]
    labels = [label.text() for top in shown for label in top.findChildren(Label) if label.isVisible()]
    return [*(top.windowTitle() for top in shown), *labels]


def test_a_lock_covers_at_once_and_comes_back_to_the_same_place(evening: Evening, qtbot: QtBot) -> None:
    item = evening.open_first()
    qtbot.keyClicks(evening.window.reply.text, "Yes, it is, and you are")
    frame = evening.door.frame
    frame.resize(1300, 800)
    where = frame.geometry()
    began = time.perf_counter()
    evening.door.lock()
    covered_ms = (time.perf_counter() - began) * 1000
    assert frame.covered
    assert not evening.window.isVisible()
    assert not any(MARK in text for text in visible_texts())
    assert covered_ms < 100, f"{covered_ms:.0f} ms"
    qtbot.waitUntil(lambda: evening.door.program is None, timeout=10_000)
    assert frame.geometry() == where
    assert "Nothing is fetched or sent while locked." in evening.screen.told.text()
    opened_s = evening.unlock()
    assert opened_s < 1, f"{opened_s:.2f} s"
    assert frame.geometry() == where
    qtbot.waitUntil(lambda: evening.window.talk.item_id == item, timeout=10_000)
    assert evening.window.reply.text.toPlainText() == "Yes, it is, and you are"
    draft = evening.desk.ask(replies.draft, item)
    assert draft is not None


def test_nothing_that_was_shown_is_left(evening: Evening) -> None:
    evening.open_first()
    store = evening.desk.store
    key = evening.program._workspace._key
    evening.lock()
    rows = [one for one in gc.get_objects() if isinstance(one, QueueRow | MessageRow | ThreadView)]
    assert [row for row in rows if MARK in repr(row)] == []
    with pytest.raises(Exception, match=r"not a database|damaged"), store.read() as session:
        session.connection()
    with key.bare() as plain:
        evening.unlock()
        with evening.program._workspace._key.bare() as real:
            assert plain != real


def test_a_note_being_typed_is_there_again(evening: Evening, qtbot: QtBot) -> None:
    evening.open_first()
    evening.window.commands.action("note").trigger()
    (sheet,) = evening.window.findChildren(NoteSheet)
    qtbot.keyClicks(sheet.text, "ask about the ride home")
    assert not any(MARK in top.windowTitle() for top in QApplication.topLevelWidgets())
    evening.lock(evening.door.lock)
    assert b"ride home" not in evening.profile.vault.read_bytes()
    evening.unlock()
    qtbot.waitUntil(lambda: bool(evening.window.findChildren(NoteSheet)), timeout=10_000)
    (sheet,) = evening.window.findChildren(NoteSheet)
    assert sheet.text.toPlainText() == "ask about the ride home"
    sheet.reject()


def test_the_reason_and_the_level_of_a_sheet_are_there_again(evening: Evening, qtbot: QtBot) -> None:
    item = evening.open_first()
    evening.desk.do(triage.set_level, item, Level.RED, "")
    shown = evening.window.talk
    qtbot.waitUntil(lambda: shown.thread_shown.item.level is Level.RED, timeout=10_000)
    evening.window.commands.action("level_green").trigger()
    (sheet,) = evening.window.findChildren(LevelSheet)
    sheet.reason.setPlainText("a joke among friends")
    evening.lock(evening.door.lock)
    evening.unlock()
    qtbot.waitUntil(lambda: bool(evening.window.findChildren(LevelSheet)), timeout=10_000)
    (sheet,) = evening.window.findChildren(LevelSheet)
    assert sheet.level is Level.GREEN
    assert sheet.reason.toPlainText() == "a joke among friends"
    assert sheet.reason.isVisible()
    sheet.reject()


def test_a_wrong_passphrase_says_so_and_the_recovery_key_opens(evening: Evening, qtbot: QtBot) -> None:
    evening.lock()
    form = evening.screen.form
    assert form is not None
    assert evening.door.frame.focusWidget() is form.phrase
    form.phrase.setText("not the phrase")
    form.try_it()
    ticks = []
    timer = evening.door.startTimer(10)
    evening.door.timerEvent = lambda _: ticks.append(1)  # type: ignore[method-assign]
    qtbot.waitUntil(lambda: "does not open" in form.trouble.text(), timeout=10_000)
    evening.door.killTimer(timer)
    assert len(ticks) > 3, "the screen lives while Argon2id works"
    before = evening.profile.vault.read_bytes()
    form.by_recovery.setChecked(True)
    evening.unlock(evening.recovery_key)
    assert evening.profile.vault.read_bytes() != b""
    assert before  # the wrong attempt wrote nothing that the right one needed


def test_wrong_passphrases_slow_down(evening: Evening, qtbot: QtBot) -> None:
    evening.lock()
    form = evening.screen.form
    assert form is not None
    waits = []
    for _ in range(5):
        form.phrase.setText("not the phrase")
        form.try_it()
        qtbot.waitUntil(lambda: not form.busy and "does not open" in form.trouble.text(), timeout=10_000)
        waits.append(form._left)
        if form._left:
            assert form.paused.isVisible()
            assert not form.enter.isEnabled()
            form.phrase.setText(PHRASE)
            form.try_it()
            assert not form.busy, "not even the right one is tried before its time"
        while form._left:
            form.second.timeout.emit()
        form.trouble.setText("")
    assert waits == [0, 0, 1, 2, 4]
    assert form.enter.isEnabled()
    assert not form.paused.isVisible()
    evening.unlock()


def test_a_key_file_that_vanished_is_never_made_anew(evening: Evening, qtbot: QtBot) -> None:
    evening.lock()
    aside = {path: path.read_bytes() for path in evening.profile.folder.glob("vault*")}
    for path in aside:
        path.unlink()
    form = evening.screen.form
    assert form is not None
    form.phrase.setText(PHRASE)
    form.try_it()
    qtbot.waitUntil(lambda: "missing" in form.trouble.text(), timeout=10_000)
    assert not evening.profile.vault.exists()
    for path, content in aside.items():
        path.write_bytes(content)
    evening.unlock()


def test_replies_wait_while_locked(evening: Evening, qtbot: QtBot) -> None:
    item = evening.open_first()
    audience = evening.window.reply.audience
    evening.desk.do(replies.send, item, "See you on Tuesday then.", audience, "", now=False)
    evening.lock()
    assert "1 reply waits." in evening.screen.told.text()
    evening.unlock()


def test_idle_warns_and_any_key_keeps_it_open(evening: Evening, qtbot: QtBot) -> None:
    idle, toast = evening.door._idle, evening.window.notices.toast
    assert idle is not None
    evening.seconds.now += 600 - WARN_S - 1
    idle.look()
    assert not toast.isVisible()
    evening.seconds.now += 2
    idle.look()
    assert toast.isVisible()
    assert toast.sentence.text() == "Locking in 20 s. Any key keeps it open."
    QTest.keyClick(evening.door.frame.windowHandle(), Qt.Key.Key_Shift)
    assert not toast.isVisible()
    evening.seconds.now += WARN_S
    idle.look()
    assert evening.door.program is not None
    evening.seconds.now += 600 - 2 * WARN_S + 1
    idle.look()
    assert toast.isVisible()
    evening.seconds.now += WARN_S
    evening.lock(idle.look)


def test_a_crisis_is_covered_after_two_minutes(evening: Evening, qtbot: QtBot) -> None:
    assert evening.door._allowed() == 600
    evening.window.open_queue(Queue.CRISIS)
    assert evening.door._allowed() == 120
    evening.window.open_queue(Queue.OPEN)
    item = evening.open_first()
    evening.desk.do(triage.set_level, item, Level.CRISIS, "")
    qtbot.waitUntil(lambda: evening.door._allowed() == 120, timeout=10_000)


def test_a_machine_that_slept_too_long_locks_without_a_warning(evening: Evening) -> None:
    idle = evening.door._idle
    assert idle is not None
    evening.seconds.now += 8 * 3600
    evening.lock(idle.look)


def test_what_is_allowed_may_shrink_but_the_warning_stays(evening: Evening) -> None:
    idle = evening.door._idle
    assert idle is not None
    for _ in range(30):
        evening.seconds.now += 10
        idle.look()
    evening.window.open_queue(Queue.CRISIS)
    idle.look()
    assert evening.door.program is not None
    assert "Locking in 20 s" in evening.window.notices.toast.sentence.text()


def test_one_key_hides_everything_also_from_a_dialog(evening: Evening, qtbot: QtBot) -> None:
    evening.open_first()
    evening.window.commands.action("palette").trigger()
    palette = evening.window.findChild(Palette)
    assert palette is not None
    qtbot.waitExposed(palette).__enter__()
    evening.door._input.watch(palette.windowHandle())
    evening.lock(lambda: QTest.keyClick(palette.windowHandle(), Qt.Key.Key_F9))
    assert evening.door.frame.isMinimized()
    assert not any(MARK in text for text in visible_texts())
    evening.door.frame.showNormal()
    evening.unlock()


def test_what_is_copied_is_marked_and_taken_back(evening: Evening, qtbot: QtBot) -> None:
    board = QGuiApplication.clipboard()
    if QGuiApplication.platformName() == "offscreen":
        pytest.skip("the off-screen clipboard has no owner; the journeys run in a real window, too")
    evening.open_first()
    evening.window.commands.action("copy").trigger()
    assert MARK in board.text()
    assert board.mimeData().data("x-kde-passwordManagerHint") == QByteArray(b"secret")
    filter_line = evening.window.queue.filter
    filter_line.setText(f"{MARK} again")
    filter_line.selectAll()
    filter_line.copy()
    assert board.text() == f"{MARK} again"
    assert board.mimeData().data("x-kde-passwordManagerHint") == QByteArray(b"secret")
    reply = evening.window.reply.text
    qtbot.keyClicks(reply, "kind words")
    reply.selectAll()
    reply.copy()
    assert board.mimeData().hasFormat("x-kde-passwordManagerHint")
    assert board.text(QClipboard.Mode.Selection) == ""
    QTest.mouseDClick(reply.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(20, 12))
    assert reply.textCursor().hasSelection()
    assert board.text(QClipboard.Mode.Selection) == ""
    evening.lock()
    assert board.text() == ""
    evening.unlock()


def test_no_title_names_anybody(evening: Evening, qtbot: QtBot) -> None:
    evening.open_first()
    commands = evening.window.commands
    seen = set()
    for name in ("note", "close", "escalate", "level", "lines", "help", "palette", "outbox", "week"):
        commands.action(name).trigger()
        qtbot.waitUntil(lambda: QApplication.activeModalWidget() is not None, timeout=10_000)
        for top in QApplication.topLevelWidgets():
            handle = top.windowHandle()
            seen |= {top.windowTitle(), top.windowIconText(), top.windowFilePath(), top.accessibleName()}
            seen |= {handle.title()} if handle is not None else set()
        QApplication.activeModalWidget().reject()
        qtbot.waitUntil(lambda: QApplication.activeModalWidget() is None, timeout=10_000)
    assert {"Add note", "Escalate", "Set the level", "Close the conversation"} <= seen
    assert not any(MARK in title for title in seen)


def test_a_veil_covers_and_gives_back_the_dialog_with_it(evening: Evening, qtbot: QtBot) -> None:
    evening.open_first()
    evening.window.commands.action("note").trigger()
    (sheet,) = evening.window.findChildren(NoteSheet)
    qtbot.waitExposed(sheet).__enter__()
    qtbot.keyClicks(sheet.text, "ask about the ride")
    evening.door._input.watch(sheet.windowHandle())
    QTest.keyClick(sheet.windowHandle(), Qt.Key.Key_F9, Qt.KeyboardModifier.ShiftModifier)
    frame = evening.door.frame
    assert frame.veiled
    assert not sheet.isVisible()
    assert not any(MARK in text for text in visible_texts())
    assert evening.door.program is not None, "it is no lock"
    assert frame.focusWidget() is frame.veil.lift
    qtbot.keyClick(frame.veil.lift, Qt.Key.Key_Space)
    assert sheet.isVisible()
    assert sheet.text.toPlainText() == "ask about the ride"
    sheet.reject()
    evening.window.commands.action("veil").trigger()
    assert frame.veiled
    evening.lock(evening.door.lock)
    assert frame.covered
    evening.unlock()
    assert not frame.veiled
