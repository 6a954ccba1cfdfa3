"""Asking for a file or a folder without leaving its name in anybody's list of recent files."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from moderator_app import paths


def remember_nothing() -> None:
    """Point Qt's own settings, where its file dialog writes the folders visited, at no place at all."""
    nowhere = str(paths.resource("style.qss") / "none")  # below a file nothing can be made
    for form in (QSettings.Format.NativeFormat, QSettings.Format.IniFormat):
        QSettings.setPath(form, QSettings.Scope.UserScope, nowhere)


def ask_file(parent: QWidget, title: str, kinds: str, then: Callable[[Path], object]) -> None:
    """Have a file chosen that is there."""
    dialog = _dialog(parent, title, then)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.setNameFilters(kinds.split(";;"))
    dialog.open()


def ask_folder(parent: QWidget, title: str, then: Callable[[Path], object]) -> None:
    """Have a folder chosen."""
    dialog = _dialog(parent, title, then)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.open()


def _dialog(parent: QWidget, title: str, then: Callable[[Path], object]) -> QFileDialog:
    """Qt's own dialog: the ones of GTK, KDE and Windows note every choice in the list of recent files.

    It is opened and not executed, so that a lock can take it away without a loop of it left running.
    """
    dialog = QFileDialog(parent, title)
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(lambda name: then(Path(name)))
    return dialog
