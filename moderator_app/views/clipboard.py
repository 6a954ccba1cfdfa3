"""The clipboard: what is copied is marked as sensitive, kept out of histories, and taken back on lock."""

from PySide6.QtCore import QMimeData, QObject, Slot
from PySide6.QtGui import QClipboard, QGuiApplication

_SECRET = "x-kde-passwordManagerHint"  # noqa: S105 - a format's name; Klipper, CopyQ and others leave it out of histories
_WINDOWS = 'application/x-qt-windows-mime;value="{}"'
_MARKS = {
    _SECRET: b"secret",
    # Windows reads the first as present or not, the other two as a DWORD of zero.
    _WINDOWS.format("ExcludeClipboardContentFromMonitorProcessing"): bytes(4),
    _WINDOWS.format("CanIncludeInClipboardHistory"): bytes(4),
    _WINDOWS.format("CanUploadToCloudClipboard"): bytes(4),
}


def sensitive(text: str) -> QMimeData:
    """A text with the marks that ask clipboard histories and clouds to leave it out."""
    made = QMimeData()
    made.setText(text)
    for name, value in _MARKS.items():
        made.setData(name, value)
    return made


def copy(text: str) -> None:
    """Put a text into the clipboard."""
    QGuiApplication.clipboard().setMimeData(sensitive(text))


class Clipboard(QObject):
    """Marks whatever any field of this program copies, in one place, before anybody else can read it.

    Qt's fields copy by themselves. Their offer is replaced in the same turn of the event loop, and other
    programs are answered only by a later turn. The selection of X11 (what a mouse marked, for its middle
    button) is withdrawn: nobody asked for a copy, and it cannot be marked in a way that is honoured.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._board = QGuiApplication.clipboard()
        self._board.changed.connect(self._changed)

    @Slot(QClipboard.Mode)
    def _changed(self, mode: QClipboard.Mode) -> None:
        if mode is QClipboard.Mode.Selection and self._board.ownsSelection():
            held = self._board.mimeData(mode)
            if held.hasText():
                self._board.clear(mode)
        elif mode is QClipboard.Mode.Clipboard and self._board.ownsClipboard():
            held = self._board.mimeData()
            if held.hasText() and not held.hasFormat(_SECRET):
                copy(held.text())

    def forget(self) -> None:
        """Empty it, if it still holds what came from here."""
        if self._board.ownsClipboard():
            self._board.clear()
        if self._board.supportsSelection() and self._board.ownsSelection():
            self._board.clear(QClipboard.Mode.Selection)
