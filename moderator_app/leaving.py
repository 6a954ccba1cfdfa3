"""How a session that leaves nothing ends: it sends what is due, says what would be lost, and asks."""

import functools
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from moderator_app.desk import passing
from moderator_app.desk.passing import Stake
from moderator_app.views.leave_sheet import LeaveSheet
from moderator_app.views.main_window import MainWindow
from moderator_app.views.notices import Notices
from moderator_app.views.runner import CHANGES, Runner
from moderator_app.views.theme import Theme
from moderator_app.workspace import Workspace

_PATIENCE_MS: Final = 10_000  # for platforms; what has not left by then is said


class Leaving(QObject):
    """Lets the window close at once, except where a session would take something with it."""

    agreed = Signal()

    def __init__(
        self, workspace: Workspace, runner: Runner, theme: Theme, window: MainWindow, notices: Notices
    ) -> None:
        super().__init__(runner)
        self._workspace, self._runner, self._theme = workspace, runner, theme
        self._window, self._notices = window, notices
        self._agreed = self._asking = False
        self._lanes = 0
        self._patience = QTimer(self, singleShot=True, interval=_PATIENCE_MS)
        self._patience.timeout.connect(self._count)

    def note(self, *, typing: bool) -> None:
        """Remember over a lock whether something would be lost."""
        if self._workspace.passing is not None:
            self._workspace.passing.at_stake = typing or bool(self._workspace.at_stake())

    def may(self) -> bool:
        """Whether the window may close now; else it is asked, and `agreed` may follow."""
        if self._agreed or self._workspace.passing is None:
            return True
        if not self._asking:
            self._asking = True
            self._notices.say(self.tr("Sending what is due."))
            self._window.reply.save()
            # After every change that is under way, the draft among them.
            self._runner.do(passing.hurry).then(lambda _: self._send()).failed(self._not_asked)
        return False

    def _send(self) -> None:
        syncs = self._workspace.syncs()
        self._lanes = len(syncs)
        self._patience.start()
        for account_id, sync in syncs.items():
            send = functools.partial(sync.run, pull=False)
            answer = self._runner.run(f"account-{account_id}", send)
            answer.then(lambda _: self._sent()).failed(lambda _: self._sent())
        if not syncs:
            self._count()

    def _sent(self) -> None:
        self._lanes -= 1
        if self._lanes == 0 and self._patience.isActive():
            self._count()

    @Slot()
    def _count(self) -> None:
        self._patience.stop()
        self._runner.do(passing.at_stake).then(self._weigh).failed(self._not_asked)

    def _weigh(self, stake: Stake) -> None:
        if not stake:
            self._leave()
            return
        sheet = LeaveSheet(self._theme, self._window, stake)
        sheet.accepted.connect(self._leave)
        sheet.rejected.connect(self._stay)
        sheet.keep_wanted.connect(self._keep)
        sheet.open()

    @Slot()
    def _keep(self) -> None:
        answer = self._runner.run(CHANGES, self._workspace.keep_written)
        answer.then(lambda _: self._leave()).failed(self._not_asked)

    @Slot()
    def _stay(self) -> None:
        self._asking = False

    def _not_asked(self, error: BaseException) -> None:
        self._asking = False
        self._runner.trouble.emit(error)

    @Slot()
    def _leave(self) -> None:
        self._agreed = True
        self.agreed.emit()
