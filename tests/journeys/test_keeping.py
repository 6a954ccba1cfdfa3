"""Backups, restoring, keys, mending and looking only, through the real window."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QDialog
from pytestqt.qtbot import QtBot

from moderator_app.app import Program
from moderator_app.desk import threads, triage
from moderator_app.desk.rows import Queue
from moderator_app.door import Door
from moderator_app.paths import Profile
from moderator_app.views.keeping_sheet import KeepingSheet, PassphraseSheet, SureSheet
from moderator_app.views.theme import Theme
from moderator_app.views.unlock import RecoveryDialog, UnlockForm
from moderator_app.workspace import Workspace

PHRASE = "four quiet evening words"


pytestmark = pytest.mark.usefixtures("no_keyring")


class House:
    """A door, the profile behind it, and the hands of a person."""

    def __init__(self, app: QApplication, profile: Profile, theme: Theme, qtbot: QtBot, **how: bool) -> None:
        self.profile, self.qtbot = profile, qtbot
        self.door = Door(profile, theme, lambda found: Program(app, found, theme), lambda: 0.0, **how)
        qtbot.addWidget(self.door.frame)

    @property
    def program(self) -> Program:
        assert isinstance(self.door.program, Program)
        return self.door.program

    @property
    def form(self) -> UnlockForm:
        form = self.door.frame.screen_locked.form
        assert form is not None
        return form

    def unlock(self, phrase: str = PHRASE) -> None:
        self.form.phrase.setText(phrase)
        self.form.try_it()
        self.qtbot.waitUntil(lambda: self.door.program is not None, timeout=15_000)

    def until_asked(self) -> None:
        """Wait until the work on the closed workspace is done and the key is asked for."""
        self.qtbot.waitUntil(lambda: self.door.frame.screen_locked.form is not None, timeout=30_000)

    def notes(self) -> set[str]:
        desk = self.program.window.desk
        rows = desk.ask(triage.queue, Queue.OPEN)
        return {note.text for row in rows for note in desk.ask(threads.view, row.item_id).notes}

    def note(self, text: str) -> None:
        desk = self.program.window.desk
        desk.do(threads.note, desk.ask(triage.queue, Queue.OPEN)[0].item_id, text)

    def close(self) -> None:
        self.door.frame.close()
        QApplication.processEvents()


@pytest.fixture
def house(qapp: QApplication, tmp_path: Path, theme: Theme, qtbot: QtBot) -> Iterator[House]:
    profile = Profile.at(tmp_path / "profile")
    workspace = Workspace.open(profile, PHRASE)
    account = workspace.connect("demo", {"community": "harbour", "seed": "7", "hostile": "0"})
    workspace.syncs()[account].run()
    made = House(qapp, profile, theme, qtbot)
    made.door.enter(workspace)
    yield made
    made.close()


def _sheet(kind: type[QDialog]) -> QDialog:
    return next(one for one in QApplication.topLevelWidgets() if isinstance(one, kind) and one.isVisible())


def _keeping(house: House) -> KeepingSheet:
    house.program.window.commands.action("backups").trigger()
    sheet = _sheet(KeepingSheet)
    assert isinstance(sheet, KeepingSheet)
    return sheet


def test_a_backup_is_made_and_restored_from_the_screen(house: House, qtbot: QtBot) -> None:
    house.note("before the backup")
    sheet = _keeping(house)
    assert not sheet.restore.isEnabled()
    sheet.deed.click()
    qtbot.waitUntil(lambda: sheet.table.rowCount() == 1, timeout=15_000)
    assert sheet.restore.isEnabled()
    assert sheet.table.item(0, 3).text() == "backup"
    sheet.check.click()
    qtbot.waitUntil(
        lambda: "checks out" in house.program.window.notices.toast.sentence.text(), timeout=15_000
    )
    house.note("after the backup")
    sheet.restore.click()
    sure = _sheet(SureSheet)
    sure.deed.click()  # type: ignore[attr-defined]  # a sheet has one
    house.until_asked()
    assert "in place" in house.door.frame.screen_locked.told.text()
    house.unlock()
    assert house.notes() == {"before the backup"}
    again = _keeping(house)
    qtbot.waitUntil(lambda: again.table.rowCount() == 2)
    assert "put aside" in {again.table.item(n, 3).text().split("restoring ")[-1] for n in range(2)}
    again.close()


def test_the_passphrase_is_changed_by_who_knows_it(house: House, qtbot: QtBot) -> None:
    sheet = _keeping(house)
    sheet.passphrase.click()
    asked = _sheet(PassphraseSheet)
    assert isinstance(asked, PassphraseSheet)
    assert asked.today is not None
    assert asked.new is not None
    assert asked.again is not None
    asked.today.setText("not the words of today")
    asked.new.setText("other words for tomorrow")
    asked.again.setText("other words for tomorow")
    asked.deed.click()
    assert "differ" in asked.trouble.text()
    asked.again.setText("other words for tomorrow")
    asked.deed.click()
    qtbot.waitUntil(lambda: "does not open" in asked.trouble.text(), timeout=10_000)
    asked.today.setText(PHRASE)
    with qtbot.waitSignal(asked.accepted, timeout=10_000):
        asked.deed.click()
    sheet.close()
    house.door.lock()
    house.until_asked()
    house.unlock("other words for tomorrow")


def test_the_file_key_is_changed_and_the_new_recovery_key_opens(house: House, qtbot: QtBot) -> None:
    house.note("kept under any key")
    before = house.profile.store.read_bytes()[:16]
    sheet = _keeping(house)
    sheet.key.click()
    asked = _sheet(PassphraseSheet)
    assert isinstance(asked, PassphraseSheet)
    assert asked.today is not None
    asked.today.setText(PHRASE)
    asked.deed.click()
    house.until_asked()
    qtbot.waitUntil(lambda: any(isinstance(w, RecoveryDialog) for w in QApplication.topLevelWidgets()))
    shown = _sheet(RecoveryDialog)
    assert isinstance(shown, RecoveryDialog)
    shown.written.setChecked(True)
    shown.go_on.click()
    assert house.profile.store.read_bytes()[:16] != before
    house.unlock()
    assert house.notes() == {"kept under any key"}


def test_a_damaged_workspace_is_mended_from_the_unlock_screen(
    house: House, qapp: QApplication, theme: Theme, qtbot: QtBot, tmp_path: Path
) -> None:
    house.note("a note of the evening")
    house.close()
    copy = Profile.at(tmp_path / "damaged")
    shutil.copytree(house.profile.folder, copy.folder, dirs_exist_ok=True)
    content = copy.store.read_bytes()
    copy.store.write_bytes(content[: len(content) // 4096 // 2 * 4096])
    damaged = House(qapp, copy, theme, qtbot)
    damaged.door.knock()
    damaged.form.phrase.setText(PHRASE)
    damaged.form.try_it()
    qtbot.waitUntil(damaged.form.recover.isVisible, timeout=15_000)
    assert "damaged" in damaged.form.trouble.text()
    assert not damaged.form.view.isVisible()
    before = damaged.form
    damaged.form.restore.click()
    qtbot.waitUntil(
        lambda: (
            "no backup" in damaged.door.frame.screen_locked.told.text()
            and damaged.door.frame.screen_locked.form not in (None, before)
        ),
        timeout=15_000,
    )
    damaged.form.phrase.setText(PHRASE)
    damaged.form.try_it()
    qtbot.waitUntil(damaged.form.recover.isVisible, timeout=15_000)
    damaged.form.recover.click()
    qtbot.waitUntil(lambda: "are lost" in damaged.door.frame.screen_locked.told.text(), timeout=60_000)
    damaged.unlock()
    assert damaged.program.window.desk.ask(triage.counts)[Queue.OPEN] > 0
    damaged.close()


def test_a_workspace_is_looked_at_without_a_trace(
    house: House, qapp: QApplication, theme: Theme, qtbot: QtBot
) -> None:
    house.close()
    files = {path: path.read_bytes() for path in house.profile.folder.rglob("*") if path.is_file()}
    viewer = House(qapp, house.profile, theme, qtbot, read_only=True)
    viewer.door.knock()
    viewer.unlock()
    window = viewer.program.window
    qtbot.waitUntil(lambda: window.queue.model.rowCount() > 0)
    assert window.banner.isVisible()
    assert "reading only" in window.banner.text.text()
    window.commands.action("take_next").trigger()
    qtbot.waitUntil(lambda: "reading only" in window.notices.toast.sentence.text())
    viewer.close()
    assert {path: path.read_bytes() for path in house.profile.folder.rglob("*") if path.is_file()} == files
