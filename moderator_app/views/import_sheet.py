"""Import an export file: see its rows, say which column is what, and only then bring it in."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QGridLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from moderator_app.desk.rows import ImportPreview
from moderator_app.views.dialogs import Sheet
from moderator_app.views.runner import Answer
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Label

Look = Callable[[Mapping[str, str]], Answer[ImportPreview]]
_SHOWN_ROWS = 8
_SHOWN_CHARACTERS = 120


class ImportSheet(Sheet):
    """Shows the first rows and the guessed mapping; `look` reads them again for another mapping."""

    chosen = Signal(object)  # the mapping: our field -> column

    def __init__(self, theme: Theme, parent: QWidget, preview: ImportPreview, look: Look) -> None:
        super().__init__(theme, parent)
        self._look = look
        self.ask(self.tr("Import a file"), self.tr("Import"))
        about = self.tr("Say which column is what. Nothing is imported before you agree.")
        self.body.addWidget(Label(about, "body", "2", wrap=True))
        grid = QGridLayout()
        grid.setSpacing(theme.px(8))
        self._columns: dict[str, QComboBox] = {}
        names = self._names()
        for place, field in enumerate(preview.fields):
            choice = QComboBox()
            choice.addItem(self.tr("(none)"), "")
            for column in preview.columns:
                choice.addItem(column, column)
            choice.setCurrentIndex(max(0, choice.findData(preview.chosen.get(field, ""))))
            choice.setAccessibleName(names.get(field, field))
            choice.currentIndexChanged.connect(self._look_again)
            label = Label(names.get(field, field), "strong")
            label.setBuddy(choice)
            row, half = divmod(place, 2)
            grid.addWidget(label, row, 2 * half)
            grid.addWidget(choice, row, 2 * half + 1)
            self._columns[field] = choice
        self.body.addLayout(grid)
        self.problems = Label("", "control", "red", wrap=True)
        self.body.addWidget(self.problems)
        self.table = QTableWidget(0, len(preview.columns))
        self.table.setAccessibleName(self.tr("The first rows of the file"))
        self.table.setHorizontalHeaderLabels(list(preview.columns))
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.table.setMinimumHeight(theme.px(210))
        self.body.addWidget(self.table)
        self.setMinimumWidth(theme.px(760))
        self.accepted.connect(lambda: self.chosen.emit(self.mapping()))
        self.show_preview(preview)

    def _names(self) -> dict[str, str]:
        return {
            "text": self.tr("Text"),
            "id": self.tr("Number or id"),
            "time": self.tr("Written at"),
            "author": self.tr("Author"),
            "author_name": self.tr("Author's name"),
            "thread": self.tr("Conversation"),
            "title": self.tr("Title"),
            "parent": self.tr("Answer to"),
            "kind": self.tr("Kind"),
            "lang": self.tr("Language"),
            "channel": self.tr("Channel"),
        }

    def mapping(self) -> dict[str, str]:
        """Our fields and the columns chosen for them."""
        return {field: str(choice.currentData()) for field, choice in self._columns.items()}

    @Slot()
    def _look_again(self) -> None:
        self._look(self.mapping()).then(self.show_preview)

    def show_preview(self, preview: ImportPreview) -> None:
        """Show rows and what is wrong with the mapping; Import waits until nothing is."""
        # The sentences come from the connector, which knows the file.
        self.problems.setText("\n".join(preview.problems))
        self.problems.setVisible(bool(preview.problems))
        self.deed.setEnabled(bool(self._columns["text"].currentData()) and bool(preview.rows))
        rows = preview.rows[:_SHOWN_ROWS]
        self.table.setRowCount(len(rows))
        for line, row in enumerate(rows):
            for place, column in enumerate(preview.columns):
                text = " ".join(str(row.get(column, "")).split())[:_SHOWN_CHARACTERS]
                self.table.setItem(line, place, QTableWidgetItem(text))
