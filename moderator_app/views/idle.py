"""How long nobody touched the program: counts input, warns, and says when it is time to lock."""

import sys
import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, Signal, SignalInstance, Slot
from PySide6.QtGui import QGuiApplication, QKeyEvent, QWindow

from moderator_app.views.runner import Runner

WARN_S = 20
PANIC_KEY = "F9"
VEIL_KEY = "Shift+F9"
_TICK_S = 1
_INPUT = frozenset(
    {
        QEvent.Type.KeyPress,
        QEvent.Type.KeyRelease,  # a press that a shortcut takes never reaches the window, its release does
        QEvent.Type.MouseMove,
        QEvent.Type.MouseButtonPress,
        QEvent.Type.Wheel,
        QEvent.Type.TouchBegin,
        QEvent.Type.TouchUpdate,
        QEvent.Type.TabletMove,
        QEvent.Type.TabletPress,
    }
)


class AwakeClock:
    """Seconds that count a suspended machine too, and that nobody can set back."""

    def __init__(self) -> None:
        self._boot = getattr(time, "CLOCK_BOOTTIME", None) if sys.platform.startswith("linux") else None
        self._steady, self._wall = time.monotonic(), time.time()
        self._passed = 0.0

    def __call__(self) -> float:
        if self._boot is not None:
            return time.clock_gettime(self._boot)
        # The steady clock may stand still in suspension, the wall clock may be set: the longer one counts.
        steady, wall = time.monotonic(), time.time()
        self._passed += max(steady - self._steady, wall - self._wall)
        self._steady, self._wall = steady, wall
        return self._passed


class Input(QObject):
    """Hears of every key and movement in any window of the program, before the widgets do.

    It listens on windows and not on the application: a filter in Python for every event of every widget
    would cost frames.
    """

    touched = Signal()
    panic = Signal()
    veil = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        app = QGuiApplication.instance()
        assert isinstance(app, QGuiApplication)
        app.focusWindowChanged.connect(self.watch)
        for window in QGuiApplication.topLevelWindows():
            self.watch(window)

    @Slot(QWindow)
    def watch(self, window: QWindow | None) -> None:
        """Listen to a window; one that is known is not listened to twice."""
        if window is not None:
            window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind in _INPUT:
            self.touched.emit()
            wanted = self._wanted(event) if kind is QEvent.Type.KeyPress else None
            if wanted is not None:
                wanted.emit()
                return True
        return super().eventFilter(watched, event)

    def _wanted(self, event: QEvent) -> SignalInstance | None:
        if not isinstance(event, QKeyEvent) or event.key() != Qt.Key.Key_F9:
            return None
        by_modifier = {
            Qt.KeyboardModifier.NoModifier: self.panic,
            Qt.KeyboardModifier.ShiftModifier: self.veil,
        }
        return by_modifier.get(event.modifiers())


class IdleLock(QObject):
    """Tells when the time without input is up: `warned` twenty seconds before, `due` at the end.

    `allowed` answers how many seconds may pass now; 0 means for ever. A test brings its own clock.
    """

    warned = Signal()
    spared = Signal()  # somebody came back after a warning
    due = Signal()

    def __init__(
        self,
        runner: Runner,
        allowed: Callable[[], int],
        clock: Callable[[], float] | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._allowed = allowed
        self._clock = clock or AwakeClock()
        self._touched = self._looked = self._clock()
        self._warning = False
        runner.every(_TICK_S, self.look)

    @Slot()
    def touch(self) -> None:
        """Somebody is there."""
        self._touched = self._clock()
        self._unwarn()

    @Slot()
    def look(self) -> None:
        """Compare the time that passed with what is allowed."""
        now, allowed = self._clock(), self._allowed()
        slept = now - self._looked > WARN_S  # the machine was suspended: there was nobody to warn
        self._looked = now
        left = allowed - (now - self._touched)
        if not allowed or left > WARN_S:
            self._unwarn()
        elif left <= 0 and (self._warning or slept):
            self.due.emit()
        elif not self._warning:
            # What is allowed can shrink by itself, as when an open conversation turns into a crisis.
            self._touched = max(self._touched, now - allowed + WARN_S)
            self._warning = True
            self.warned.emit()

    def _unwarn(self) -> None:
        if self._warning:
            self._warning = False
            self.spared.emit()
