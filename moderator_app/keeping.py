"""What the window does with backups and keys: regularly by itself, and when it is asked to."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtWidgets import QWidget

from moderator_app.backups import Backup, Backups
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.models.copies import Tell
from moderator_app.views import files, words
from moderator_app.views.keeping_sheet import BackupRow, KeepingSheet, PassphraseSheet, SureSheet
from moderator_app.views.lock_screen import Exchanged
from moderator_app.views.notices import Notices
from moderator_app.views.runner import Answer, Runner
from moderator_app.views.theme import Theme
from moderator_app.views.unlock import RecoveryDialog
from moderator_app.workspace import Workspace

_LANE: Final = "backup"
_LOOK_SECONDS: Final = 900.0  # how often it is asked whether a backup is due
_FIRST_MS: Final = 120_000  # not while the person waits for the first queue


class Keeping(QObject):
    """Makes backups in their own lane; what needs the store closed is handed to the door."""

    exchange_wanted = Signal(str, object)  # its title, and the work: Backups and a Tell to Exchanged

    def __init__(
        self, workspace: Workspace, runner: Runner, theme: Theme, window: QWidget, notices: Notices
    ) -> None:
        super().__init__(runner)
        self._workspace, self._runner, self._theme = workspace, runner, theme
        self._window, self._notices = window, notices
        self._sheet: KeepingSheet | None = None
        self._busy = False

    def start(self) -> None:
        """Begin the regular backups."""
        if self._workspace.backups is None or self._workspace.read_only:
            return
        self._runner.every(_LOOK_SECONDS, self._make_due)
        first = QTimer(self._runner, singleShot=True, interval=_FIRST_MS)
        first.timeout.connect(self._make_due)
        first.start()

    @Slot()
    def _make_due(self) -> None:
        hours, backups = self._workspace.settings.backup_hours, self._workspace.backups
        if not hours or backups is None or self._busy:
            return
        now, every = self._workspace.desk.clock.now(), timedelta(hours=hours)
        self._runner.run(_LANE, lambda: backups.due(now, every)).then(
            lambda due: self.back_up(quiet=True) if due else None
        )

    @Slot()
    def back_up(self, *, quiet: bool = False) -> None:
        """Make a backup; the work goes on meanwhile. `quiet` speaks only of trouble."""
        backups = self._backups()
        if self._busy:
            return
        self._busy = True
        now, keep = self._workspace.desk.clock.now(), self._workspace.settings.backup_keep

        def work(tell: Tell, stopped: Callable[[], bool]) -> Backup:
            return backups.make(now, keep, tell, stopped)

        def made(one: Backup) -> None:
            self._busy = False
            self._refresh()
            if not quiet:
                told = self.tr("%n message(s) are backed up and checked.", "", one.rows["message"])
                self._notices.say(told)

        def failed(error: BaseException) -> None:
            self._busy = False
            self._runner.trouble.emit(error)

        self._runner.job(_LANE, self.tr("Backing up"), work).then(made).failed(failed)

    def open_sheet(self) -> None:
        """Show the backups and what can be done with them."""
        self._backups()
        now = self._workspace.desk.clock.now
        sheet = self._sheet = KeepingSheet(self._theme, self._window, now, self._rows)
        sheet.backup_wanted.connect(self.back_up)
        sheet.check_wanted.connect(self._check)
        sheet.take_wanted.connect(self._take_along)
        sheet.restore_wanted.connect(self._ask_restore)
        sheet.passphrase_wanted.connect(self._ask_passphrase)
        sheet.recovery_wanted.connect(self._ask_recovery)
        sheet.key_wanted.connect(self._ask_key)
        sheet.finished.connect(self._closed)
        sheet.open()

    @Slot()
    def _closed(self) -> None:
        self._sheet = None

    def _refresh(self) -> None:
        if self._sheet is not None:
            self._sheet.refresh()

    def _backups(self) -> Backups:
        if self._workspace.passing is not None:
            raise ForTheModerator(
                QT_TRANSLATE_NOOP("Error", "A session that leaves nothing has no backups."),
                QT_TRANSLATE_NOOP("Error", "Open the workspace in the usual way for its backups and keys."),
            )
        if self._workspace.backups is None:
            raise ForTheModerator(
                QT_TRANSLATE_NOOP("Error", "The demo is thrown away when it ends: it has no backups."),
                QT_TRANSLATE_NOOP("Error", "Open Hearthlight without --demo for a workspace of your own."),
            )
        return self._workspace.backups

    def _rows(self) -> Answer[Sequence[BackupRow]]:
        backups = self._backups()
        return self._runner.run(_LANE, lambda: [_row(one) for one in backups.list()])

    # ---------------------------------------------------------------- with one backup

    @Slot(str)
    def _check(self, name: str) -> None:
        backups = self._backups()

        def checked(count: int) -> None:
            told = self.tr("Every page of it checks out: %n message(s).", "", count)
            self._notices.say(told)

        self._runner.run(_LANE, lambda: backups.verify(name).rows["message"]).then(checked)

    @Slot(str)
    def _take_along(self, name: str) -> None:
        backups = self._backups()

        def copied(place: Path) -> None:
            told = self.tr("The copy is in {folder}.").format(folder=place)
            self._notices.say(told, self.tr("It opens with the passphrase or the recovery key."))

        def chosen(folder: Path) -> None:
            self._runner.run(_LANE, lambda: backups.take_along(name, folder)).then(copied)

        files.ask_folder(self._window, self.tr("Where to put the copy"), chosen)

    @Slot(str)
    def _ask_restore(self, name: str) -> None:
        about = self.tr(
            "The workspace is closed, the backup takes its place, and you open it again. What was recorded "
            "since then is put aside, not deleted: it stands in this list afterwards."
        )
        title = self.tr("Restore this backup?")
        sheet = SureSheet(self._theme, self._window, title, about, self.tr("Close and restore"))
        told = self.tr("The backup is in place. Open your workspace.")

        def work(backups: Backups, tell: Tell) -> Exchanged:
            backups.restore(name, tell)
            return Exchanged(told)

        sheet.sure.connect(lambda: self.exchange_wanted.emit(self.tr("Restoring the backup"), work))
        sheet.open()

    # ---------------------------------------------------------------- keys

    @Slot()
    def _ask_passphrase(self) -> None:
        title, today = self.tr("Change the passphrase"), self._workspace.has_passphrase
        sheet = PassphraseSheet(self._theme, self._window, title, self.tr("Change"), today=today, new=True)

        def given(old: str, new: str) -> None:
            answer = self._runner.run("startup", lambda: self._workspace.change_passphrase(old, new))
            answer.then(lambda _: self._done(sheet, self.tr("The new passphrase opens the workspace.")))
            answer.failed(lambda error: self._refused(sheet, error))

        sheet.given.connect(given)
        sheet.open()

    @Slot()
    def _ask_recovery(self) -> None:
        title, today = self.tr("Make a new recovery key"), self._workspace.has_passphrase
        sheet = PassphraseSheet(self._theme, self._window, title, self.tr("Make it"), today=today, new=False)

        def shown(key: str) -> None:
            sheet.accept()
            RecoveryDialog(self._theme, key, self._window).open()

        def given(old: str, _: str) -> None:
            answer = self._runner.run("startup", lambda: self._workspace.new_recovery_key(old))
            answer.then(shown).failed(lambda error: self._refused(sheet, error))

        sheet.given.connect(given)
        sheet.open()

    @Slot()
    def _ask_key(self) -> None:
        title, today = self.tr("Encrypt everything under a new key"), self._workspace.has_passphrase
        sheet = PassphraseSheet(
            self._theme, self._window, title, self.tr("Close and change"), today=today, new=False
        )

        told = self.tr("The file key was changed.")

        def given(passphrase: str, _: str) -> None:
            sheet.accept()

            def work(backups: Backups, tell: Tell) -> Exchanged:
                return Exchanged(told, backups.change_key(passphrase or None, tell))

            self.exchange_wanted.emit(self.tr("Changing the file key"), work)

        sheet.given.connect(given)
        sheet.open()

    def _done(self, sheet: PassphraseSheet, told: str) -> None:
        sheet.accept()
        self._notices.say(told)

    def _refused(self, sheet: PassphraseSheet, error: BaseException) -> None:
        if isinstance(error, ForTheModerator):
            sheet.say(" ".join(words.trouble(error)))
        else:
            sheet.reject()
            self._runner.trouble.emit(error)


def _row(one: Backup) -> BackupRow:
    return BackupRow(one.name, one.made_at, one.bytes, one.rows.get("message"), one.own_key, one.here)
