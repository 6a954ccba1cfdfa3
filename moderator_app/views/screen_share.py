"""Tells when the screen is shared, where the desktop says so; keeps our windows out of it, where it can."""

import ctypes
import functools
import re
import sys
from collections.abc import Callable
from typing import Any, Final

from PySide6.QtCore import SLOT, QObject, QTimer, Signal, Slot
from PySide6.QtDBus import QDBusConnection, QDBusError, QDBusMessage
from PySide6.QtGui import QWindow

# Mutter keeps one object for each sharing below these paths, whoever asked for it.
SHARES: Final = (
    ("org.gnome.Mutter.ScreenCast", "/org/gnome/Mutter/ScreenCast/Session"),
    ("org.gnome.Mutter.RemoteDesktop", "/org/gnome/Mutter/RemoteDesktop/Session"),
)
_INTROSPECT: Final = "org.freedesktop.DBus.Introspectable"
_CHILD: Final = re.compile(r"""<node\s+name=["']([^"']+)["']""")
_SILENCE: Final = frozenset(
    {QDBusError.ErrorType.NoReply, QDBusError.ErrorType.Timeout, QDBusError.ErrorType.TimedOut}
)
_LOOK_MS: Final = 3000
_WAIT_MS: Final = 2000
_EXCLUDE_FROM_CAPTURE: Final = 0x11  # WDA_EXCLUDEFROMCAPTURE: Windows 10 2004 and later
_SHARE_NOTHING: Final = 0  # NSWindowSharingNone
_SHARE_READ_ONLY: Final = 1  # NSWindowSharingReadOnly, as a window begins


class _Sharings(QObject):
    """The sharings below one path of one service, asked for by Introspect."""

    heard = Signal(object)  # a frozenset of their names

    def __init__(self, bus: QDBusConnection, service: str, path: str, parent: QObject) -> None:
        super().__init__(parent)
        self._bus, self._service, self._path = bus, service, path
        self.found: frozenset[str] = frozenset()

    def ask(self) -> None:
        call = QDBusMessage.createMethodCall(self._service, self._path, _INTROSPECT, "Introspect")
        call.setAutoStartService(False)
        answer, failed = _slot("_told(QDBusMessage)"), _slot("_refused(QDBusError,QDBusMessage)")
        self._bus.callWithCallback(call, self, answer, failed, _WAIT_MS)

    @Slot(QDBusMessage)
    def _told(self, answer: QDBusMessage) -> None:
        (description,) = answer.arguments()
        self.heard.emit(frozenset(_CHILD.findall(description)))

    @Slot(QDBusError, QDBusMessage)
    def _refused(self, error: QDBusError, call: QDBusMessage) -> None:
        """Not GNOME, or nothing is shared. Silence is no answer: what was known stays."""
        del call
        if error.type() not in _SILENCE:
            self.heard.emit(frozenset())


class ScreenShare(QObject):
    """Emits `changed` once when a sharing begins and once when the last one ends.

    GNOME alone can be asked; elsewhere `active` stays false, which means "not known". Asks only while
    `wanted` says that there is something to see, and never waits on the screen's thread.
    """

    changed = Signal(bool)

    def __init__(self, wanted: Callable[[], bool], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wanted = wanted
        self._services: list[_Sharings] = []
        bus = QDBusConnection.sessionBus()
        if not bus.isConnected():
            return
        for service, path in SHARES:
            asked = _Sharings(bus, service, path, self)
            asked.heard.connect(functools.partial(self._heard, asked))
            self._services.append(asked)
        timer = QTimer(self, interval=_LOOK_MS)
        timer.timeout.connect(self.look)
        timer.start()

    @property
    def active(self) -> bool:
        """Whether somebody may see this screen now."""
        return any(one.found for one in self._services)

    @Slot()
    def look(self) -> None:
        """Ask which sharings there are."""
        if self._wanted():
            for one in self._services:
                one.ask()

    def _heard(self, one: _Sharings, found: frozenset[str]) -> None:
        before, news = self.active, found - one.found
        one.found = found
        if news or self.active != before:
            self.changed.emit(self.active)


def keep_out(window: QWindow, *, out: bool) -> bool:
    """Keep a window out of what others see of the screen, or let it in; false where that cannot be done."""
    if sys.platform == "win32":
        kind = _EXCLUDE_FROM_CAPTURE if out else 0
        return bool(ctypes.windll.user32.SetWindowDisplayAffinity(int(window.winId()), kind))
    if sys.platform == "darwin":
        _set_sharing(int(window.winId()), _SHARE_NOTHING if out else _SHARE_READ_ONLY)
        return True
    return False


def _set_sharing(view: int, kind: int) -> None:
    """`[[view window] setSharingType: kind]`, by the runtime that every Mac has."""
    objc = ctypes.CDLL("/usr/lib/libobjc.dylib")
    objc.sel_registerName.restype = ctypes.c_void_p
    objc.sel_registerName.argtypes = [ctypes.c_char_p]
    send = objc.objc_msgSend
    send.restype, send.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_void_p]
    window = send(view, objc.sel_registerName(b"window"))
    if window:
        send.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_ulong]
        send(window, objc.sel_registerName(b"setSharingType:"), kind)


def _slot(signature: str) -> Any:
    """A slot as the bus wants it: a text, though the types that ship with PySide ask for bytes."""
    return SLOT(signature)
