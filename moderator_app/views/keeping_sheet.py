"""Backups and keys: what there is, and what can be done with it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import QLocale, Signal, SignalInstance, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from moderator_app.views import words
from moderator_app.views.dialogs import Sheet
from moderator_app.views.runner import Answer
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Button, Label, table


@dataclass(frozen=True, slots=True)
class BackupRow:
    """One backup as it is shown. `own_key` is false for a store that was put aside by a restoring."""

    name: str
    made_at: datetime
    size: int  # bytes
    messages: int | None
    own_key: bool
    here: bool


class KeepingSheet(Sheet):
    """Lists the backups and hands every wish to whoever opened it; it does none of the work."""

    backup_wanted = Signal()
    check_wanted = Signal(str)
    take_wanted = Signal(str)
    restore_wanted = Signal(str)
    passphrase_wanted = Signal()
    recovery_wanted = Signal()
    key_wanted = Signal()

    def __init__(
        self,
        theme: Theme,
        parent: QWidget,
        now: Callable[[], datetime],
        rows: Callable[[], Answer[Sequence[BackupRow]]],
    ) -> None:
        super().__init__(theme, parent)
        self._now, self._ask_rows = now, rows
        self._rows: Sequence[BackupRow] = ()
        self.ask(self.tr("Backups and keys"), self.tr("Back up now"))
        self.cancel.set_text(self.tr("Close"))
        about = self.tr(
            "Each backup is encrypted under a key of its own and opened before it counts. One is made every "
            "day while Hearthlight is open."
        )
        self.body.addWidget(Label(about, "body", "2", wrap=True))
        self.table = self._table()
        self.body.addWidget(self.table)
        self.check = self._button(self.tr("Check"), "check", self.check_wanted)
        self.take = self._button(self.tr("Take along…"), "upload", self.take_wanted)
        self.restore = self._button(self.tr("Restore…"), "rotate-ccw", self.restore_wanted)
        self._line(self.check, self.take, self.restore)
        self.body.addWidget(Label(self.tr("Keys"), "strong"))
        self.passphrase = self._plain(self.tr("Change passphrase…"), self.passphrase_wanted)
        self.recovery = self._plain(self.tr("New recovery key…"), self.recovery_wanted)
        self.key = self._plain(self.tr("Change the file key…"), self.key_wanted)
        self._line(self.passphrase, self.recovery, self.key)
        self.setMinimumWidth(theme.px(640))
        self.deed.clicked.disconnect()
        self.deed.clicked.connect(self.backup_wanted)
        self.table.itemSelectionChanged.connect(self._follow)
        self._follow()
        self.refresh()

    def _table(self) -> QTableWidget:
        columns = [self.tr("Made"), self.tr("Messages"), self.tr("Size"), self.tr("What it is")]
        made = table(self.tr("Backups, newest first"), columns, wide=3)
        made.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        made.setShowGrid(False)
        made.setMinimumHeight(self.theme.px(220))
        return made

    def _button(self, text: str, icon: str, wanted: SignalInstance) -> Button:
        made = Button(self.theme, text, icon)
        made.clicked.connect(lambda: self._tell(wanted))
        return made

    def _plain(self, text: str, wanted: SignalInstance) -> Button:
        made = Button(self.theme, text)
        made.clicked.connect(wanted)
        return made

    def _line(self, *buttons: Button) -> None:
        row = QHBoxLayout()
        row.setSpacing(self.theme.px(8))
        for button in buttons:
            row.addWidget(button)
        row.addStretch()
        self.body.addLayout(row)

    def _tell(self, wanted: SignalInstance) -> None:
        chosen = self.chosen()
        if chosen is not None:
            wanted.emit(chosen.name)

    def chosen(self) -> BackupRow | None:
        """The row that is selected."""
        row = self.table.currentRow()
        return self._rows[row] if 0 <= row < len(self._rows) and self.table.selectedItems() else None

    @Slot()
    def refresh(self) -> None:
        """Read the list again."""
        self._ask_rows().then(self._show)

    def _show(self, rows: Sequence[BackupRow]) -> None:
        self._rows = rows
        self.table.setRowCount(len(rows))
        locale, now = QLocale(), self._now()
        for place, one in enumerate(rows):
            what = self.tr("backup") if one.own_key else self.tr("what a restoring put aside")
            if not one.here:
                what = self.tr("its file is not in the folder")
            messages = "" if one.messages is None else locale.toString(one.messages)
            cells = (words.when(one.made_at, now), messages, locale.formattedDataSize(one.size), what)
            for column, text in enumerate(cells):
                self.table.setItem(place, column, QTableWidgetItem(text))
        if rows and not self.table.selectedItems():
            self.table.selectRow(0)
        self._follow()

    @Slot()
    def _follow(self) -> None:
        chosen = self.chosen()
        for button in (self.check, self.take, self.restore):
            button.setEnabled(chosen is not None and chosen.here)
        self.take.setEnabled(chosen is not None and chosen.here and chosen.own_key)


class SureSheet(Sheet):
    """Says what will happen and asks once more."""

    sure = Signal()

    def __init__(self, theme: Theme, parent: QWidget, title: str, about: str, deed: str) -> None:
        super().__init__(theme, parent)
        self.ask(title, deed)
        self.body.addWidget(Label(about, "body", wrap=True))
        self.accepted.connect(self.sure)


class PassphraseSheet(Sheet):
    """Asks for the passphrase of today where there is one, and for a new one twice where that is wanted."""

    given = Signal(str, str)  # today's ("" where there is none), the new one ("" where none is asked for)

    def __init__(
        self, theme: Theme, parent: QWidget, title: str, deed: str, *, today: bool, new: bool
    ) -> None:
        super().__init__(theme, parent)
        self.ask(title, deed)
        self.today = self._secret(self.tr("The passphrase of today")) if today else None
        self.new = self._secret(self.tr("The new passphrase")) if new else None
        self.again = self._secret(self.tr("The new passphrase again")) if new else None
        self.trouble = Label("", "control", "alarm", wrap=True)
        self.trouble.hide()
        self.body.addWidget(self.trouble)
        self.deed.clicked.disconnect()
        self.deed.clicked.connect(self._give)
        self.deed.setDefault(True)

    def _secret(self, name: str) -> QLineEdit:
        made = QLineEdit()
        made.setEchoMode(QLineEdit.EchoMode.Password)
        self.field(name, made)
        return made

    @Slot()
    def _give(self) -> None:
        if self.new is not None and self.again is not None and self.new.text() != self.again.text():
            self.say(self.tr("The two passphrases differ."))
            return
        self.setEnabled(False)
        today, new = self.today, self.new
        self.given.emit(today.text() if today else "", new.text() if new else "")

    def say(self, sentence: str) -> None:
        """Say what was wrong and let the person try again."""
        self.setEnabled(True)
        self.trouble.setText(sentence)
        self.trouble.show()
        first = self.today or self.new
        if first is not None:
            first.setFocus()
            first.selectAll()

    def done(self, result: int) -> None:
        """Leave nothing that was typed in a closed sheet."""
        for field in (self.today, self.new, self.again):
            if field is not None:
                field.clear()
        super().done(result)
