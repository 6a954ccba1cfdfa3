"""What the platform can be asked about a message, its author or its conversation, and what it cannot."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QLineEdit,
    QPlainTextEdit,
    QRadioButton,
    QScrollArea,
    QWidget,
)

from moderator_app.desk import moderation
from moderator_app.desk.rows import ActionKind, Kind, MessageRow
from moderator_app.views import words
from moderator_app.views.dialogs import Sheet
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Choice, Label, Number, column

_REASON = frozenset(
    {ActionKind.REPORT, ActionKind.BAN, ActionKind.KICK, ActionKind.REMOVE, ActionKind.HAND_ON}
)
_HOURS = frozenset({ActionKind.MUTE, ActionKind.BAN})
_LABEL = frozenset({ActionKind.LABEL, ActionKind.UNLABEL})
_DAY, _YEAR = 24, 24 * 365


class ModerateSheet(Sheet):
    """One choice out of what this platform and this role allow; the rest stands below with its reason."""

    decided = Signal(object, object)  # an ActionKind and its options

    def __init__(
        self,
        theme: Theme,
        parent: QWidget,
        row: MessageRow,
        refused: Mapping[ActionKind, str],
        untimed: AbstractSet[ActionKind] = frozenset(),
    ) -> None:
        super().__init__(theme, parent)
        who = row.person or row.handle or self.tr("Unknown")
        title = self.tr("Moderate what {person} wrote").format(person=who)
        self.ask(title, self.tr("Do it"), window=self.tr("Moderate"))
        self._row, self._refused, self._timed = row, refused, _HOURS - untimed
        self.ending = Choice(theme)
        for key, said in (row.enclosed.choices if row.enclosed else {}).items():
            self.ending.addItem(said, key)
        self._group = QButtonGroup(self)
        self.choices: dict[ActionKind, QRadioButton] = {}
        px = theme.px
        page = QWidget()
        inside = column(page, (0, 0, px(8), 0), px(6))
        possible, missing = self._sorted()
        for heading, kinds in possible:
            inside.addWidget(Label(heading, "strong"))
            for kind in kinds:
                inside.addWidget(self._radio(kind))
        if missing:
            inside.addWidget(Label(self.tr("Not possible here"), "strong"))
        for kind in missing:
            radio = self._radio(kind)
            radio.setEnabled(False)
            radio.setAccessibleDescription(refused[kind])
            inside.addWidget(radio)
            inside.addWidget(Label(refused[kind], "meta", "2", wrap=True))
        inside.addStretch()
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(page)
        scroll.setMinimumHeight(px(260))
        self.body.addWidget(scroll, 1)
        self._options()
        about = self.tr("It leaves after ten seconds. Until then you can take it back.")
        self.body.addWidget(Label(about, "meta", "2", wrap=True))
        self._group.buttonToggled.connect(self._follow)
        self.accepted.connect(self._tell)
        first = next((radio for radio in self.choices.values() if radio.isEnabled()), None)
        if first is not None:
            first.setChecked(True)
            first.setFocus()
        self.deed.setEnabled(first is not None)
        self.resize(px(520), px(600))
        self._follow()

    def _sorted(self) -> tuple[list[tuple[str, list[ActionKind]]], list[ActionKind]]:
        """What can be done, under headings, and what cannot."""
        groups = (
            (self.tr("This message"), moderation.ON_A_MESSAGE),
            (self.tr("This conversation"), moderation.ON_A_CONVERSATION),
            (self.tr("This person"), moderation.ON_A_PERSON),
        )
        poll = self._row.enclosed is not None and self._row.enclosed.poll is not None
        fits = {
            ActionKind.HIDE: not self._row.hidden,
            ActionKind.UNHIDE: self._row.hidden,
            ActionKind.RESOLVE: self._row.kind is Kind.REPORT or self.ending.count() > 0,
            ActionKind.RESTORE: self._row.gone,
            ActionKind.END_POLL: poll and self._row.ours,
        }
        possible = []
        for heading, kinds in groups:
            fitting = [kind for kind in kinds if fits.get(kind, True) and kind not in self._refused]
            if fitting:
                possible.append((heading, fitting))
        every = [kind for _, kinds in groups for kind in kinds]
        return possible, [kind for kind in every if kind in self._refused]

    def _radio(self, kind: ActionKind) -> QRadioButton:
        radio = QRadioButton(words.deed(kind))
        self._group.addButton(radio)
        self.choices[kind] = radio
        return radio

    def _options(self) -> None:
        self.reason = QLineEdit()
        self.label = QLineEdit()
        self.hours = Number(self.theme, 0, _YEAR, _DAY, self.tr(" hours"))
        self.hours.setSpecialValueText(self.tr("until it is lifted"))
        self.text = QPlainTextEdit()
        self.text.setTabChangesFocus(True)
        self.text.setFixedHeight(self.theme.px(90))
        self._fields: dict[str, tuple[QWidget, QWidget]] = {
            name: (self.field(said, widget), widget)
            for name, said, widget in (
                ("reason", self.tr("Why (the platform or its moderators may read it)"), self.reason),
                ("label", self.tr("Label"), self.label),
                ("hours", self.tr("For how long"), self.hours),
                ("choice", self.tr("How it ends"), self.ending),
                ("text", self.tr("What to write. Only they and the team can read it."), self.text),
            )
        }

    def kind(self) -> ActionKind | None:
        """What is chosen."""
        return next((kind for kind, radio in self.choices.items() if radio.isChecked()), None)

    @Slot()
    def _follow(self) -> None:
        kind = self.kind()
        shown = {
            "reason": kind in _REASON,
            "label": kind in _LABEL,
            "hours": kind in self._timed,
            "choice": kind is ActionKind.RESOLVE and self.ending.count() > 0,
            "text": kind is ActionKind.WRITE,
        }
        for name, pair in self._fields.items():
            for widget in pair:
                widget.setVisible(shown[name])

    @Slot()
    def _tell(self) -> None:
        kind = self.kind()
        if kind is None:
            return
        hours = str(self.hours.value()) if self.hours.value() else ""
        given = {
            "reason": self.reason.text(),
            "label": self.label.text(),
            "hours": hours,
            "choice": str(self.ending.currentData() or ""),
            "text": self.text.toPlainText(),
        }
        # The fields were shown by what is chosen; what is hidden was not asked.
        asked = {
            "reason": kind in _REASON,
            "label": kind in _LABEL,
            "hours": kind in self._timed,
            "choice": kind is ActionKind.RESOLVE,
            "text": kind is ActionKind.WRITE,
        }
        self.decided.emit(kind, {name: value for name, value in given.items() if asked[name] and value})


class PollSheet(Sheet):
    """A question to the conversation, with its answers."""

    command = "poll"
    asked = Signal(str, object, object)  # the question, its answers, hours or None

    def __init__(self, theme: Theme, parent: QWidget, where: str, *, timed: bool = True) -> None:
        super().__init__(theme, parent)
        title = self.tr("Ask everybody in “{where}”").format(where=where)
        self.ask(title, self.tr("Start the poll"), window=self.tr("Start a poll"))
        self.question = self.lines(self.tr("The question"), 70)
        self.answers = self.lines(self.tr("The answers, one on each line"), 110)
        self.hours = Number(theme, 1, 14 * _DAY, _DAY, self.tr(" hours"))
        self._timed = timed
        if timed:
            self.field(self.tr("For how long"), self.hours)
        else:
            ends = self.tr("On this platform it lasts until you end it under Moderate.")
            self.body.addWidget(Label(ends, "meta", "2", wrap=True))
        about = self.tr("It is public. Never ask about a single person or about methods of harm.")
        self.body.addWidget(Label(about, "meta", "2", wrap=True))
        self.question.setFocus()
        self.accepted.connect(self._tell)

    @Slot()
    def _tell(self) -> None:
        answers = self.answers.toPlainText().splitlines()
        hours = self.hours.value() if self._timed else None
        self.asked.emit(self.question.toPlainText().strip(), answers, hours)
