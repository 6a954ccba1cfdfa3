"""The short questions: how it ended, until when, which level, what to note, and whether to send now."""

from datetime import UTC, datetime

from PySide6.QtCore import QDateTime, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QDateTimeEdit,
    QDialog,
    QHBoxLayout,
    QPlainTextEdit,
    QRadioButton,
    QWidget,
)

from moderator_app.desk import triage
from moderator_app.desk.rows import Audience, Level, Outcome, QueueRow
from moderator_app.views import words
from moderator_app.views.reply_box import Sending
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Button, Choice, Label, LevelMark, Pill, column


class Sheet(QDialog):
    """A question with a heading, its fields, and two buttons: the quiet way back and the deed.

    Its heading may name a person; the title of its window, which the desktop shows to everybody, never
    does. What was typed can be taken along over a lock (`unfinished`, `put_back`) where a `command` opens
    the sheet again.
    """

    command = ""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        px = theme.px
        whole = column(self, (px(20), px(18), px(20), px(18)), px(12))
        self.heading = Label("", "queue", wrap=True)
        whole.addWidget(self.heading)
        page = QWidget()
        self.body = column(page, (0, 0, 0, 0), px(10))
        whole.addWidget(page, 1)
        foot = self.foot = QHBoxLayout()
        foot.setSpacing(px(8))
        self.cancel = Button(theme, self.tr("Cancel"), "", "quiet")
        self.cancel.clicked.connect(self.reject)
        self.deed = Button(theme, "", "", "primary")
        self.deed.clicked.connect(self.accept)
        foot.addStretch()
        foot.addWidget(self.cancel)
        foot.addWidget(self.deed)
        whole.addLayout(foot)
        self.setMinimumWidth(px(460))

    def ask(self, title: str, deed: str, *, window: str = "") -> None:
        """Say what the question is and what its answer does; `window` where the title names somebody."""
        self.setWindowTitle(window or title)
        self.heading.setText(title)
        self.deed.set_text(deed)

    def field(self, name: str, widget: QWidget) -> Label:
        """A field under its name; answers the label."""
        label = Label(name, "strong", wrap=True)
        label.setBuddy(widget)
        widget.setAccessibleName(name)
        self.body.addWidget(label)
        self.body.addWidget(widget)
        return label

    def unfinished(self) -> list[str]:
        """What was typed into it, field by field; empty where nothing was."""
        typed = [one.toPlainText() for one in self._typed()]
        return typed if any(typed) else []

    def put_back(self, typed: list[str]) -> None:
        """Take back what `unfinished` gave."""
        for field, text in zip(self._typed(), typed, strict=False):
            field.setPlainText(text)

    def _typed(self) -> list[QPlainTextEdit]:
        return [one for one in self.findChildren(QPlainTextEdit) if not one.isReadOnly()]

    def lines(self, name: str, high: int = 90) -> QPlainTextEdit:
        """A field for a few sentences."""
        made = QPlainTextEdit()
        made.setTabChangesFocus(True)
        made.setFixedHeight(self.theme.px(high))
        self.field(name, made)
        return made


class CloseSheet(Sheet):
    """How the conversation ended (R14)."""

    command = "close"
    closed = Signal(object, str)

    def __init__(self, theme: Theme, parent: QWidget, row: QueueRow) -> None:
        super().__init__(theme, parent)
        title = self.tr("Close the conversation with {person}").format(person=row.person)
        self.ask(title, self.tr("Close"), window=self.tr("Close the conversation"))
        self.outcome = Choice(theme)
        chosen = Outcome.ANSWERED if row.level is Level.GREEN else Outcome.SAFE
        for outcome in Outcome:
            self.outcome.addItem(words.outcome(outcome), outcome)
        self.outcome.setCurrentIndex(list(Outcome).index(chosen))
        self.field(self.tr("How did it end?"), self.outcome)
        self.note = self.lines(self.tr("A word for the team (may stay empty)"))
        self.outcome.setFocus()
        self.accepted.connect(self._tell)

    @Slot()
    def _tell(self) -> None:
        self.closed.emit(Outcome(self.outcome.currentData()), self.note.toPlainText().strip())


class SnoozeSheet(Sheet):
    """Until a moment of one's own."""

    until = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget, now: datetime) -> None:
        super().__init__(theme, parent)
        self.ask(self.tr("Snooze until"), self.tr("Snooze"))
        self.moment = QDateTimeEdit()
        self.moment.setCalendarPopup(True)
        self.moment.setDateTime(words.local(words.morning(now, 1)))
        self.moment.setMinimumDateTime(words.local(now))
        self.field(self.tr("Day and time, here"), self.moment)
        text = self.tr("A new message brings it back sooner.")
        self.body.addWidget(Label(text, "meta", "2", wrap=True))
        self.accepted.connect(self._tell)

    @Slot()
    def _tell(self) -> None:
        chosen: QDateTime = self.moment.dateTime()
        self.until.emit(datetime.fromtimestamp(chosen.toSecsSinceEpoch(), tz=UTC))


class LevelSheet(Sheet):
    """A person's word on the level. Lowering a crisis or a red asks why it is safe (R6)."""

    command = "level"
    levelled = Signal(object, str)

    def __init__(self, theme: Theme, parent: QWidget, row: QueueRow, chosen: Level | None = None) -> None:
        super().__init__(theme, parent)
        self.ask(self.tr("Set the level"), self.tr("Set level"))
        self._row = row
        self._group = QButtonGroup(self)
        self._marks = QWidget()
        marks = column(self._marks, (0, 0, 0, 0), theme.px(4))
        about = {
            Level.CRISIS: self.tr("Danger to life now, or soon"),
            Level.RED: self.tr("Serious distress, abuse or threat"),
            Level.AMBER: self.tr("Distress that should be read today"),
            Level.GREEN: self.tr("No sign of distress"),
        }
        for level in Level:
            line = QHBoxLayout()
            button = QRadioButton(words.level(level))
            button.setMinimumWidth(theme.px(90))
            said = self.tr("{level}: {meaning}")
            button.setAccessibleName(said.format(level=words.level(level), meaning=about[level]))
            self._group.addButton(button, int(level))
            line.addWidget(LevelMark(theme, level, 16))
            line.addWidget(button)
            line.addWidget(Label(about[level], "meta", "2"), 1)
            marks.addLayout(line)
        self.body.addWidget(self._marks)
        first = self._group.button(int(chosen if chosen is not None else row.level))
        first.setChecked(True)
        first.setFocus()
        self.reason = QPlainTextEdit()
        self.reason.setTabChangesFocus(True)
        self.reason.setFixedHeight(theme.px(90))
        self._why = self.field(self.tr("Why it is safe to lower it"), self.reason)
        self.need = Label("", "meta", "2", wrap=True)
        self.body.addWidget(self.need)
        self._group.idToggled.connect(self._follow)
        self.reason.textChanged.connect(self._follow)
        self.accepted.connect(self._tell)
        self._follow()

    @property
    def level(self) -> Level:
        """The level chosen."""
        return Level(self._group.checkedId())

    def unfinished(self) -> list[str]:
        typed = super().unfinished()
        return [str(int(self.level)), *typed] if typed else []

    def put_back(self, typed: list[str]) -> None:
        level, *rest = typed
        self._group.button(int(level)).setChecked(True)
        super().put_back(rest)

    @Slot()
    def _follow(self) -> None:
        lowering = self.level > self._row.level and self._row.level <= Level.RED
        left = triage.LEAST_REASON - len(self.reason.toPlainText().strip())
        self.reason.setVisible(lowering)
        self._why.setVisible(lowering)
        self.need.setVisible(lowering and left > 0)
        self.need.setText(self.tr("At least %n more character(s)", "", max(left, 0)))
        changed = self.level is not self._row.level
        self.deed.setEnabled(changed and (not lowering or left <= 0))

    @Slot()
    def _tell(self) -> None:
        self.levelled.emit(self.level, self.reason.toPlainText().strip())


class NoteSheet(Sheet):
    """A note for the team; it never leaves the machine."""

    command = "note"
    noted = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget, person: str) -> None:
        super().__init__(theme, parent)
        title = self.tr("Note about {person}").format(person=person)
        self.ask(title, self.tr("Add note"), window=self.tr("Add note"))
        self.text = self.lines(self.tr("Only the team sees this"), 120)
        hint = self.tr("Use your own words; do not paste what they wrote.")
        self.body.addWidget(Label(hint, "meta", "2", wrap=True))
        self.text.setFocus()
        self.text.textChanged.connect(self._follow)
        self.accepted.connect(self._tell)
        self._follow()

    @Slot()
    def _follow(self) -> None:
        self.deed.setEnabled(bool(self.text.toPlainText().strip()))

    @Slot()
    def _tell(self) -> None:
        self.noted.emit(self.text.toPlainText().strip())


class ConfirmSend(Sheet):
    """A crisis reply leaves at once: who, where and who can read it is shown first (R32)."""

    def __init__(self, theme: Theme, parent: QWidget, sending: Sending) -> None:
        super().__init__(theme, parent)
        self.ask(self.tr("Send now?"), self.tr("Send now"))
        px = theme.px
        told = self.tr("To {person} on {platform}. It leaves at once and cannot be held back.")
        shown = told.format(person=sending.person, platform=sending.platform)
        self.body.addWidget(Label(shown, "control", wrap=True))
        pills = QHBoxLayout()
        pills.setSpacing(px(8))
        level = Pill()
        level.show_level(sending.level)
        private = sending.audience is Audience.PRIVATE
        heard = Pill(words.audience(sending.audience), "teal" if private else "amber")
        pills.addWidget(level)
        pills.addWidget(heard)
        pills.addStretch()
        self.body.addLayout(pills)
        text = QPlainTextEdit(sending.text)
        text.setReadOnly(True)
        text.setTabChangesFocus(True)
        text.setFixedHeight(px(140))
        self.field(self.tr("The reply"), text)
        self.deed.setFocus()
