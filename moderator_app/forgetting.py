"""The regular work of forgetting in a window: ask what was deleted, let go what is over, end erasures."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from moderator_app.desk import access, duties, erasure, expiry, sweep
from moderator_app.desk.expiry import Forgot
from moderator_app.desk.sync import Sync, Trip
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.views.main_window import MainWindow
from moderator_app.views.privacy_sheet import PrivacySheet
from moderator_app.views.runner import Runner
from moderator_app.views.theme import Theme
from moderator_app.workspace import Workspace

# Backups are made in it: one that is half made while words go would hold them and not be known yet.
_LANE = "backup"
_ASK_SECONDS = 600.0  # how often it is looked whether an account is due
_LET_GO_SECONDS = 3600.0
_WORDS = frozenset({"item", "message"})  # what the screen reads again when words may be shown


class Forgetting(QObject):
    """Keeps the promises of desk.retention, desk.sweep and desk.erasure while a window is open."""

    erased = Signal()  # with the words went every backup: a new one is wanted

    def __init__(self, workspace: Workspace, runner: Runner, theme: Theme, window: MainWindow) -> None:
        super().__init__(runner)
        self._workspace, self._runner = workspace, runner
        self._theme, self._window = theme, window
        self._asking: set[int] = set()
        self._at_work = self._once_more = False

    def start(self) -> None:
        """Begin; what an earlier run left half done is finished first."""
        if self._workspace.read_only:
            return
        self._ask()
        self.let_go()
        self._runner.every(_ASK_SECONDS, self._ask)
        self._runner.every(_LET_GO_SECONDS, self.let_go)
        # However the asking goes, nothing is held back for longer than this.
        patience = QTimer(
            self._runner, singleShot=True, interval=int(duties.PATIENCE.total_seconds() * 1000) + 500
        )
        patience.timeout.connect(self._show_words)
        patience.start()

    def _ask(self) -> None:
        """Ask the platforms that are due what is still there, each on its account's own lane."""
        due = set(self._workspace.desk.ask(sweep.due)) - self._asking
        for account_id, sync in self._workspace.syncs().items() if due else ():
            if account_id in due and sync.poll_seconds:
                self._check(account_id, sync)

    def _check(self, account_id: int, sync: Sync) -> None:
        self._asking.add(account_id)

        def over(_: Trip) -> None:
            self._asking.discard(account_id)
            self._show_words()

        def broke(error: BaseException) -> None:
            self._asking.discard(account_id)
            self._runner.trouble.emit(error)

        title = self.tr("Asking what was deleted")
        self._runner.job(f"account-{account_id}", title, sync.check).then(over).failed(broke)

    @Slot()
    def _show_words(self) -> None:
        self._runner.changed.emit(_WORDS)

    @Slot()
    def let_go(self) -> None:
        """Finish confirmed erasures, then let go of what is over its time."""
        if self._at_work:
            self._once_more = True
            return
        self._at_work, self._once_more = True, False
        desk, copies = self._workspace.desk, self._workspace.backups

        def work(tell: Callable[[int, int], None], stopped: Callable[[], bool]) -> tuple[int, Forgot]:
            return erasure.run(desk, copies, tell, stopped), expiry.run(desk, tell, stopped)

        def over(done: tuple[int, Forgot]) -> None:
            self._at_work = False
            if done[0]:
                self.erased.emit()
            if self._once_more:
                self.let_go()

        def broke(error: BaseException) -> None:
            self._at_work = False
            self._runner.trouble.emit(error)

        self._runner.job(_LANE, self.tr("Forgetting what is over"), work).then(over).failed(broke)

    # ---------------------------------------------------------------- the sheet

    def open_sheet(self) -> None:
        """Show what is kept, what was asked, and the record."""
        if self._workspace.passing is not None:
            raise ForTheModerator(
                QT_TRANSLATE_NOOP("Error", "A session that leaves nothing can keep no request."),
                QT_TRANSLATE_NOOP("Error", "Open the workspace in the usual way for that."),
            )
        copies = self._workspace.backups
        sheet = PrivacySheet(
            self._theme,
            self._window,
            self._runner,
            item_id=self._window.talk.item_id,
            copies=(lambda: len(copies.list())) if copies is not None else lambda: 0,
        )
        sheet.let_go_wanted.connect(self.let_go)
        sheet.bundle_wanted.connect(self.write_bundle)
        sheet.item_wanted.connect(self._window.open_item)
        sheet.open()

    @Slot(object, object)
    def write_bundle(self, request_id: UUID, folder: Path) -> None:
        """Write an access bundle off the screen's thread and say where it is."""
        desk = self._workspace.desk

        def written(path: Path) -> None:
            text = self.tr("Hand it over safely, then delete it.")
            self._window.notices.say(self.tr("Written: {file}").format(file=path), text)

        self._runner.run("import", lambda: access.write(desk, request_id, folder)).then(written)
