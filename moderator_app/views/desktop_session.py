"""What the desktop tells: the machine is about to sleep, or the person locked the session.

Speaks D-Bus to logind (`PrepareForSleep`, a session's `Lock`) and to the screen savers of freedesktop and
GNOME (`ActiveChanged`). Where there is no bus or nobody answers, nothing happens: the clock still locks.
"""

import os
import sys
from typing import Any

from PySide6.QtCore import SLOT, QObject, Signal, Slot
from PySide6.QtDBus import QDBusConnection, QDBusError, QDBusMessage, QDBusUnixFileDescriptor

from moderator_app.views.screen_share import SHARES

_LOGIN = "org.freedesktop.login1"
_LOGIN_PATH = "/org/freedesktop/login1"
_MANAGER = "org.freedesktop.login1.Manager"
_SESSION = "org.freedesktop.login1.Session"
_BUS = "org.freedesktop.DBus"
SAVERS = (
    ("org.freedesktop.ScreenSaver", "/org/freedesktop/ScreenSaver"),
    ("org.freedesktop.ScreenSaver", "/ScreenSaver"),
    ("org.gnome.ScreenSaver", "/org/gnome/ScreenSaver"),
)
_WAIT_MS = 2000


class DesktopSession(QObject):
    """Emits `leaving` when the screen should be locked: before sleep, and when the session is locked.

    From `hold` to `sealed` it has one of logind's delay locks, so that the machine waits for us (five
    seconds at most). Nothing here waits on the screen's thread.
    """

    leaving = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._system = QDBusConnection.systemBus()
        self._own = QDBusConnection.sessionBus()
        self._delay: QDBusUnixFileDescriptor | None = None
        if self._system.isConnected():
            said = _slot("_sleeping(bool)")
            self._system.connect(_LOGIN, _LOGIN_PATH, _MANAGER, "PrepareForSleep", self, said)
            self._find_session()
        if self._own.isConnected():
            for name, path in SAVERS:
                self._own.connect(name, path, name, "ActiveChanged", self, _slot("_covered(bool)"))

    @property
    def holds_sleep(self) -> bool:
        """Whether logind waits for us before it suspends the machine."""
        return self._delay is not None

    def hold(self) -> None:
        """Ask logind to wait for us before the machine sleeps."""
        if self._delay is None and self._system.isConnected():
            reason = self.tr("Locks the messages before the machine sleeps")
            self._call("Inhibit", ["sleep", "Hearthlight", reason, "delay"], "_held(QDBusMessage)")

    def sealed(self) -> None:
        """The lock stands: the machine may sleep."""
        self._delay = None  # its last copy closes the descriptor, which is what logind waits for

    def _find_session(self) -> None:
        """Learn which of logind's sessions is ours; one started by a service manager only has its name."""
        self._call("GetSession", [os.environ.get("XDG_SESSION_ID") or "auto"], "_found(QDBusMessage)")

    def _call(self, method: str, arguments: list[str], answer: str) -> None:
        call = QDBusMessage.createMethodCall(_LOGIN, _LOGIN_PATH, _MANAGER, method)
        call.setArguments(arguments)
        failed = _slot("_refused(QDBusError,QDBusMessage)")
        self._system.callWithCallback(call, self, _slot(answer), failed, _WAIT_MS)

    @Slot(QDBusMessage)
    def _found(self, answer: QDBusMessage) -> None:
        (path,) = answer.arguments()
        where = path if isinstance(path, str) else path.path()
        self._system.connect(_LOGIN, where, _SESSION, "Lock", self, _slot("_locked()"))

    @Slot(QDBusMessage)
    def _held(self, answer: QDBusMessage) -> None:
        (self._delay,) = answer.arguments()

    @Slot(QDBusError, QDBusMessage)
    def _refused(self, error: QDBusError, call: QDBusMessage) -> None:
        """No logind, or one that does not know us: the other ways remain."""

    @Slot(bool)
    def _sleeping(self, begins: bool) -> None:
        if begins:
            self.leaving.emit()
        else:
            self.hold()

    @Slot()
    def _locked(self) -> None:
        self.leaving.emit()

    @Slot(bool)
    def _covered(self, active: bool) -> None:
        if active:
            self.leaving.emit()


def available() -> dict[str, bool]:
    """What this desktop can tell, by name: `suspend`, `session lock`, `screen saver`, `screen sharing`.

    For the doctor. Waits up to a second for a bus that does not answer.
    """
    if not sys.platform.startswith("linux"):
        return {"suspend": False, "session lock": False, "screen saver": False, "screen sharing": False}
    login = _there(QDBusConnection.systemBus(), _LOGIN)
    own = QDBusConnection.sessionBus()
    saver = any(_there(own, name) for name, _ in SAVERS)
    shares = any(_there(own, name) for name, _ in SHARES)
    return {"suspend": login, "session lock": login, "screen saver": saver, "screen sharing": shares}


def _there(bus: QDBusConnection, name: str) -> bool:
    if not bus.isConnected():
        return False
    call = QDBusMessage.createMethodCall(_BUS, "/org/freedesktop/DBus", _BUS, "NameHasOwner")
    call.setArguments([name])
    answer = bus.call(call, timeout=1000).arguments()
    return answer == [True]


def _slot(signature: str) -> Any:
    """A slot as the bus wants it: a text, though the types that ship with PySide ask for bytes."""
    return SLOT(signature)
