"""Stands between the person and their workspace: asks for the key, shows the window, takes both away again.

What a lock promises, and what it cannot: docs/decisions/010-lock-and-leave.md.
"""

import contextlib
import gc
import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer, Signal, SignalInstance, Slot
from PySide6.QtGui import QGuiApplication, QPixmapCache, QWindow
from PySide6.QtWidgets import QDialog

from moderator_app.backups import Backups
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.keys import Key
from moderator_app.models.copies import Tell
from moderator_app.passing import Passing
from moderator_app.paths import Profile
from moderator_app.vault import Vault
from moderator_app.views import words
from moderator_app.views.clipboard import Clipboard
from moderator_app.views.desktop_session import DesktopSession
from moderator_app.views.idle import WARN_S, IdleLock, Input
from moderator_app.views.lock_screen import Exchanged, Frame
from moderator_app.views.main_window import MainWindow
from moderator_app.views.runner import Errand, Runner
from moderator_app.views.screen_share import ScreenShare, keep_out
from moderator_app.views.theme import Theme
from moderator_app.views.unlock import RecoveryDialog, UnlockForm, Way
from moderator_app.workspace import Workspace, key_of

_log = logging.getLogger(__name__)


class Shift(Protocol):
    """What runs between two locks."""

    window: MainWindow
    runner: Runner

    @property
    def lock_wanted(self) -> SignalInstance: ...
    @property
    def exchange_wanted(self) -> SignalInstance: ...
    @property
    def leave_agreed(self) -> SignalInstance: ...
    def may_leave(self) -> bool: ...
    def closed_backups(self) -> Backups: ...
    def start(self) -> None: ...
    def return_to(self, place: Mapping[str, str]) -> None: ...
    def leave(self) -> int: ...
    def stop(self) -> None: ...


class Door(QObject):
    """Exactly one of two things is true: a workspace is open and its window shown, or the key is gone.

    A lock covers everything in the same turn of the event loop; the rest follows in the next turn, when no
    widget that will be deleted is in the middle of handling an event. `make` builds the program around a
    workspace; `clock` counts seconds without input. A demo, whose key is nowhere, ends when it is locked.
    """

    locked = Signal()
    opened = Signal()

    def __init__(
        self,
        profile: Profile,
        theme: Theme,
        make: Callable[[Workspace], Shift],
        clock: Callable[[], float] | None = None,
        *,
        demo: bool = False,
        read_only: bool = False,
        leave_nothing: bool = False,
    ) -> None:
        super().__init__()
        self._read_only, self._nothing = read_only, leave_nothing
        self._passing: Passing | None = None  # outlives a lock, never the process
        self._warned = False
        self._profile, self._theme, self._make, self._clock = profile, theme, make, clock
        self._demo = demo
        self._mark = profile.folder / "locked"  # stands from a lock to the next opening, over a restart, too
        self.frame = Frame(theme)
        self.program: Shift | None = None
        self._idle: IdleLock | None = None
        self._clipboard = Clipboard(self)
        self._input = Input(self)
        self._input.panic.connect(self.panic)
        self._input.veil.connect(self.frame.turn_veil)
        self._session = DesktopSession(self)
        self._sharing = ScreenShare(self._shows_words, self)
        self._sharing.changed.connect(self._shared)
        app = QGuiApplication.instance()
        assert isinstance(app, QGuiApplication)
        app.focusWindowChanged.connect(self._keep_out)
        self._session.leaving.connect(self.leave)
        self.frame.left.connect(self._leave_for_good)
        self.frame.may_close = self._may_close

    # ---------------------------------------------------------------- in

    def knock(self) -> None:
        """Show the door at the start; a keyring that has the key opens it by itself, unless it was locked."""
        form = self._ask()
        self.frame.show()
        if form.by_keyring and not self._mark.exists():
            form.try_keyring()

    @Slot(object)
    def enter(self, workspace: Workspace) -> None:
        """Show an open workspace, where the person left it."""
        program = self._make(workspace)
        program.lock_wanted.connect(self.lock)
        program.exchange_wanted.connect(self.exchange)
        program.leave_agreed.connect(self.frame.close)
        self._passing, self._warned = workspace.passing, False
        window = program.window
        self.program = program
        self._idle = IdleLock(program.runner, self._allowed, self._clock, program.runner)
        self._idle.warned.connect(lambda: window.notices.warn_lock(WARN_S))
        self._idle.spared.connect(window.notices.spare)
        self._idle.due.connect(self.lock)
        self._input.touched.connect(self._idle.touch)
        # What is dictated or done by a screen reader comes without a key.
        window.reply.text.textChanged.connect(self._idle.touch)
        for command in window.commands.table:
            window.commands.action(command.name).triggered.connect(self._idle.touch)
        self._session.hold()
        with contextlib.suppress(OSError):  # a folder that cannot be written keeps asking for the passphrase
            self._mark.unlink(missing_ok=True)
        self.frame.take(window)
        self.frame.show()
        self._input.watch(self.frame.windowHandle())
        window.veil_wanted.connect(self.frame.turn_veil)
        window.sharing.tell(shared=self._sharing.active)
        self._keep_out(self.frame.windowHandle())
        program.start()
        place = workspace.take_place()
        if place:
            program.return_to(place)
        self.opened.emit()

    def _open(self, way: Way, typed: str) -> Workspace:
        """Off the screen's thread: the workspace, or a sentence why not. It never makes a new key."""
        if not Vault(self._profile.vault).exists:
            raise ForTheModerator(
                QT_TRANSLATE_NOOP("Error", "The key file vault.json is missing from {folder}."),
                QT_TRANSLATE_NOOP("Error", "Put it back: without it the messages cannot be read."),
                folder=self._profile.folder,
            )
        words_given = _words(way, typed)
        found = Workspace.open(
            self._profile,
            words_given.get("passphrase"),
            recovery=words_given.get("recovery"),
            read_only=self._read_only,
        )
        return found.pass_through(self._passing) if self._nothing and not self._read_only else found

    def _ask(self) -> UnlockForm:
        try:
            ways = Vault(self._profile.vault).ways()
        except (ForTheModerator, OSError) as error:
            ways = (Way.RECOVERY.value,)
            _log.warning("the key file cannot be read", exc_info=error)
        if self._mark.exists() and Way.PASSPHRASE in ways:
            # Else the lock would hold nobody who sits at the desk, or who starts the program again.
            ways = tuple(way for way in ways if way != Way.KEYRING)
        why = self.tr("This session leaves nothing behind. Open it to return to it; quitting ends it.")
        form = UnlockForm(self._theme, self._open, ways, why=why if self._passing else "")
        if self._passing is None and not self._read_only:
            form.offer_nothing(chosen=self._nothing)
        form.nothing.toggled.connect(self._choose_nothing)
        form.opened.connect(self.enter)
        form.left.connect(self.frame.close)
        form.view_wanted.connect(self._view)
        form.mend_wanted.connect(self._mend)
        self.frame.screen_locked.ask(form)
        return form

    @Slot(bool)
    def _choose_nothing(self, chosen: bool) -> None:
        self._nothing = chosen

    @Slot(object, str)
    def _view(self, way: Way, typed: str) -> None:
        """Look at a workspace in a folder that may not be written."""
        self._read_only = True
        form = self.frame.screen_locked.form
        if form is not None:
            form.try_again(way, typed)

    @Slot(object, str, str)
    def _mend(self, way: Way, typed: str, how: str) -> None:
        """Recover a damaged store, or put the newest backup in its place."""

        def work(tell: Tell) -> Exchanged:
            vault = Vault(self._profile.vault)
            backups = Backups(self._profile, vault, Key(key_of(vault, **_words(way, typed))))
            if how == "restore":
                newest = next((one.name for one in backups.list() if one.own_key and one.here), None)
                if newest is None:
                    raise ForTheModerator(
                        QT_TRANSLATE_NOOP("Error", "There is no backup here."),
                        QT_TRANSLATE_NOOP("Error", "Save what can be read instead."),
                    )
                backups.restore(newest, tell)
                return Exchanged(self.tr("The newest backup is in place. Open your workspace."))
            lost = sum(backups.recover(tell).lost.values())
            told = self.tr("What could be read is in place; at most %n row(s) are lost.", "", lost)
            return Exchanged(told)

        self.frame.screen_locked.begin()
        self._run(self.tr("Mending the workspace"), work)

    # ---------------------------------------------------------------- in view of others

    def _shows_words(self) -> bool:
        return self.program is not None and self.frame.isVisible() and not self.frame.isMinimized()

    @Slot(bool)
    def _shared(self, shared: bool) -> None:
        if self.program is not None:
            self.program.window.sharing.tell(shared=shared)

    @Slot(QWindow)
    def _keep_out(self, window: QWindow | None) -> None:
        """Every window that comes to the front is kept out of screen sharing, where the system can do it."""
        if window is not None and self.program is not None:
            keep_out(window, out=self.program.window.settings.keep_out_of_sharing)

    # ---------------------------------------------------------------- out

    def _allowed(self) -> int:
        """How many seconds may pass without input; 0 for as many as they like."""
        if self.program is None or self._demo:
            return 0
        window = self.program.window
        usual = window.settings.lock_minutes
        if not window.in_crisis:
            return usual * 60
        crisis = window.settings.lock_minutes_crisis
        return min(crisis, usual or crisis) * 60

    @Slot()
    def lock(self) -> None:
        """Cover everything now; put everything away in the next turn."""
        self._lock(away=False)

    @Slot()
    def panic(self) -> None:
        """As `lock`, with the window itself out of sight first."""
        self._lock(away=True)

    @Slot()
    def leave(self) -> None:
        """The machine goes to sleep or the session is locked: the lock stands before it does."""
        if self.program is None:
            self._session.sealed()
        else:
            self._lock(away=False)

    def _lock(self, *, away: bool) -> None:
        if self.frame.covered:
            if away:
                self.frame.showMinimized()
            return
        self.frame.screen_locked.begin()
        self.frame.cover(away=away)
        QTimer.singleShot(0, self, self._seal)

    @Slot()
    def _seal(self) -> None:
        """Let go of everything that was shown and of the key; nothing that was done is lost."""
        if self.program is None:
            return
        waiting = self._put_away()
        if self._demo:
            self.frame.close()
            return
        self.frame.screen_locked.say_waiting(waiting)
        with contextlib.suppress(OSError):  # the lock itself does not depend on it
            self._mark.touch(mode=0o600)
        self._ask()
        self._session.sealed()
        self.locked.emit()

    # ---------------------------------------------------------------- another store in its place

    @Slot(str, object)
    def exchange(self, title: str, work: Callable[[Backups, Tell], Exchanged]) -> None:
        """Close the workspace, do what needs it closed, and ask for the key again."""
        if self.program is None or self.frame.covered:
            return
        backups = self.program.closed_backups()
        self.frame.screen_locked.begin()
        self.frame.cover()
        QTimer.singleShot(0, self, lambda: self._exchange(title, work, backups))

    def _exchange(self, title: str, work: Callable[[Backups, Tell], Exchanged], backups: Backups) -> None:
        self._put_away()
        self._run(title, lambda tell: work(backups, tell))

    def _run(self, title: str, work: Callable[[Tell], Exchanged]) -> None:
        screen = self.frame.screen_locked
        screen.say_busy(title)
        errand = Errand(lambda: work(errand.progressed.emit), self)
        errand.progressed.connect(lambda done, total: screen.say_busy(title, done, total))
        errand.done.connect(self._exchanged)
        errand.failed.connect(self._not_exchanged)
        errand.start()

    @Slot(object)
    def _exchanged(self, ended: Exchanged) -> None:
        """Ask for the key; a new recovery key is shown first."""
        self._ask()
        self.frame.screen_locked.say(self.tr("Open your workspace"), ended.told)
        if ended.recovery_key:
            RecoveryDialog(self._theme, ended.recovery_key, self.frame).open()
        self.locked.emit()

    @Slot(object)
    def _not_exchanged(self, error: BaseException) -> None:
        self._ask()
        said = " ".join(words.trouble(error)) if isinstance(error, ForTheModerator) else ""
        unknown = self.tr("Something went wrong in Hearthlight; nothing was changed.")
        self.frame.screen_locked.say(self.tr("Open your workspace"), said or unknown)
        self.locked.emit()

    def _put_away(self) -> int:
        """Stop the program and delete what it showed; answers how many replies wait."""
        program = self.program
        assert program is not None
        waiting = program.leave()
        program.stop()
        self.program = self._idle = None
        window = program.window
        owned = [program, window, *window.findChildren(QObject), *program.runner.findChildren(QObject)]
        held = [vars(one) for one in owned]
        self.frame.let_go()
        window.deleteLater()
        for dialog in self.frame.findChildren(QDialog):
            dialog.deleteLater()
        del program, window, owned
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        for attributes in held:
            attributes.clear()  # whoever still holds a widget that Qt has deleted holds no text with it
        QPixmapCache.clear()
        self._clipboard.forget()
        gc.collect()
        return waiting

    def _may_close(self) -> bool:
        """A session that leaves nothing asks before it ends, also when it is locked: then once, in a word."""
        if self.program is not None:
            return self.program.may_leave()
        form = self.frame.screen_locked.form
        if self._passing is None or not self._passing.at_stake or self._warned or form is None:
            return True
        self._warned = True
        form.say(self.tr("What you wrote in this session would be lost. Open it to keep it, or quit again."))
        return False

    @Slot()
    def _leave_for_good(self) -> None:
        if self.program is not None:
            self._put_away()
        self.forget()
        QCoreApplication.quit()

    def forget(self) -> None:
        """End a session that leaves nothing: take its folder away."""
        if self._passing is not None:
            self._passing.end()
            self._passing = None


def _words(way: Way, typed: str) -> dict[str, str]:
    """What was typed, by the name that opening a workspace gives it."""
    return {} if way is Way.KEYRING else {way.value: typed}
