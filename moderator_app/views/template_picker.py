"""Choose a reply to begin from: by situation, level or words. It is put in, never sent as it is."""

from PySide6.QtCore import QEvent, QObject, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QWidget,
)

from moderator_app.desk.rows import Audience, Level, TemplateRow
from moderator_app.views import words
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Button, Label, column

ROW = Qt.ItemDataRole.UserRole


class TemplatePicker(QDialog):
    """A list with a search field and the words of the chosen one beside it."""

    picked = Signal(object, bool)  # the TemplateRow, and whether its short form is wanted

    def __init__(
        self,
        theme: Theme,
        rows: list[TemplateRow],
        level: Level,
        audience: Audience,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows, self._level, self._audience = rows, level, audience
        self.setWindowTitle(self.tr("Templates"))
        px = theme.px
        self.resize(px(760), px(520))
        whole = column(self, (px(18), px(16), px(18), px(16)), px(10))
        hint = self.tr("A template is a beginning: fill the blanks and add words of your own.")
        whole.addWidget(Label(hint, "body", "2", wrap=True))
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Situation or words"))
        self.search.setAccessibleName(self.tr("Search templates"))
        self.fitting = QCheckBox(
            self.tr("Only for {level}, {audience}").format(
                level=words.level(level), audience=words.audience(audience)
            )
        )
        self.fitting.setChecked(True)
        whole.addWidget(self.search)
        whole.addWidget(self.fitting)
        whole.addLayout(self._found(), 1)
        whole.addLayout(self._foot())
        self.search.textChanged.connect(self._fill)
        self.search.installEventFilter(self)
        self.fitting.toggled.connect(self._fill)
        self._fill()
        self.search.setFocus()

    def _found(self) -> QHBoxLayout:
        """The list, and the words of the chosen one beside it."""
        px = self._theme.px
        body = QHBoxLayout()
        body.setSpacing(px(12))
        self.list = QListWidget()
        self.list.setProperty("kind", "plain")
        self.list.setAccessibleName(self.tr("Templates that fit"))
        self.list.currentItemChanged.connect(self._preview)
        self.list.itemActivated.connect(self.choose)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setAccessibleName(self.tr("Words of the template"))
        body.addWidget(self.list, 4)
        side = QWidget()
        inside = column(side, (0, 0, 0, 0), px(8))
        inside.addWidget(self.text, 1)
        self.avoid = Label("", "meta", "warn", wrap=True)
        inside.addWidget(self.avoid)
        body.addWidget(side, 5)
        return body

    def _foot(self) -> QHBoxLayout:
        foot = QHBoxLayout()
        self.short = QCheckBox(self.tr("Short form"))
        self.short.toggled.connect(self._preview)
        cancel = Button(self._theme, self.tr("Cancel"), "", "quiet")
        cancel.clicked.connect(self.reject)
        self.use = Button(self._theme, self.tr("Put it in"), "", "primary")
        self.use.clicked.connect(self.choose)
        foot.addWidget(self.short)
        foot.addStretch()
        foot.addWidget(cancel)
        foot.addWidget(self.use)
        return foot

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows in the search field walk the list; Return chooses."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
            step = steps.get(Qt.Key(event.key()))
            if step is not None:
                place = self.list.currentRow() + step
                self.list.setCurrentRow(min(max(place, 0), self.list.count() - 1))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.choose()
                return True
        return super().eventFilter(watched, event)

    @Slot()
    def choose(self) -> None:
        """Hand over the chosen template."""
        row = self._current()
        if row is not None:
            self.picked.emit(row, self.short.isChecked() and bool(row.short))
            self.accept()

    @Slot()
    def _fill(self) -> None:
        wanted = self.search.text().casefold().split()
        self.list.clear()
        for row in self._rows:
            told = f"{row.title} {row.situation} {row.body}".casefold()
            if all(word in told for word in wanted) and self._fits(row):
                item = QListWidgetItem(row.title)
                item.setData(ROW, row)
                item.setToolTip(row.situation)
                self.list.addItem(item)
        self.list.setCurrentRow(0)
        self.use.setEnabled(self.list.count() > 0)

    def _fits(self, row: TemplateRow) -> bool:
        if not self.fitting.isChecked():
            return True
        private = self._audience is Audience.PRIVATE
        heard = row.audience == "public_or_dm" or (row.audience == "dm") == private
        return heard and (not row.levels or self._level in row.levels)

    def _current(self) -> TemplateRow | None:
        row = self.list.currentIndex().data(ROW)
        return row if isinstance(row, TemplateRow) else None

    @Slot()
    def _preview(self) -> None:
        row = self._current()
        if row is None:
            self.text.clear()
            self.avoid.clear()
            return
        self.short.setEnabled(bool(row.short))
        self.text.setPlainText(row.short if self.short.isChecked() and row.short else row.body)
        avoid = self.tr("Not when: {when}").format(when=row.avoid) if row.avoid else ""
        if not row.reviewed:
            note = self.tr("Not yet reviewed by a named person.")
            avoid = f"{avoid}\n{note}" if avoid else note
        self.avoid.setText(avoid)
