"""Handing a conversation to one named person, and where people can turn to in their country."""

from PySide6.QtCore import QLocale, Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QWidget

from moderator_app.desk import helplines
from moderator_app.desk.helplines import CrisisLine, Help
from moderator_app.desk.rows import QueueRow
from moderator_app.views.dialogs import Sheet
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Button, Choice, Label, Pill, box, column


class Lines(QWidget):
    """The help card of a country: its emergency number first (R40), then the lines, surest first."""

    used = Signal(object, object)  # the Help, and the CrisisLine or None for the number alone

    def __init__(self, theme: Theme, country: str, *, usable: bool) -> None:
        super().__init__()
        self._theme, self._usable = theme, usable
        whole = column(self, (0, 0, 0, 0), theme.px(8))
        self.country = Choice(theme)
        self.country.setAccessibleName(self.tr("Country"))
        for code in helplines.countries():
            self.country.addItem(country_name(code), code)
        self.country.model().sort(0)
        whole.addWidget(self.country)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setMinimumHeight(theme.px(220))
        whole.addWidget(self._scroll, 1)
        self.country.setCurrentIndex(self.country.findData(country))
        self.country.currentIndexChanged.connect(self._show)
        self._show()

    @Slot()
    def _show(self) -> None:
        found = helplines.help_for(str(self.country.currentData() or ""))
        px = self._theme.px
        page = QWidget()
        inside = column(page, (0, 0, px(8), 0), px(8))
        inside.addWidget(self._emergency(found))
        for line in found.lines:
            inside.addWidget(self._card(found, line))
        if not found.lines:
            text = self.tr("No line is known here. The worldwide directory: {url}")
            inside.addWidget(Label(text.format(url=found.fallback), "body", wrap=True))
        inside.addStretch()
        self._scroll.setWidget(page)

    def _emergency(self, found: Help) -> QFrame:
        frame = box("crisis")
        px = self._theme.px
        row = QHBoxLayout(frame)
        row.setContentsMargins(px(12), px(8), px(8), px(8))
        text = self.tr("Emergency number: {number}").format(number=found.emergency or "112")
        row.addWidget(Label(text, "person", wrap=True), 1)
        if self._usable:
            name = self.tr("Put the emergency number into the reply")
            row.addWidget(self._use(name, found, None))
        return frame

    def _card(self, found: Help, line: CrisisLine) -> QFrame:
        frame = box("true")
        px = self._theme.px
        row = QHBoxLayout(frame)
        row.setContentsMargins(px(12), px(8), px(8), px(8))
        texts = QWidget()
        inside = column(texts, (0, 0, 0, 0), px(2))
        inside.addWidget(Label(line.name, "strong", wrap=True))
        ways = self.tr("; ", "between ways to reach a line").join(
            self._way(way).format(value=value) for way, value in line.contacts
        )
        inside.addWidget(Label(ways, "body", wrap=True))
        if line.hours:
            inside.addWidget(Label(line.hours, "meta", "2", wrap=True))
        checked = self.tr("Checked {date}").format(date=line.checked or "?")
        inside.addWidget(Label(checked, "caption", "2", wrap=True))
        row.addWidget(texts, 1)
        if self._usable:
            name = self.tr("Put {line} into the reply").format(line=line.name)
            row.addWidget(self._use(name, found, line))
        return frame

    def _way(self, way: str) -> str:
        """How to reach a line, as a sentence with a place for the number."""
        return {
            "call": self.tr("Call {value}"),
            "text": self.tr("Text {value}"),
            "chat_or_web": self.tr("Chat or web: {value}"),
            "whatsapp_or_text": self.tr("WhatsApp or text {value}"),
        }.get(way, self.tr("{value}"))

    def _use(self, name: str, found: Help, line: CrisisLine | None) -> Button:
        button = Button(self._theme, self.tr("Use"), "", "", name)
        button.clicked.connect(lambda: self.used.emit(found, line))
        return button


class LinesSheet(Sheet):
    """The lines alone, to read out or to put into a reply."""

    def __init__(self, theme: Theme, parent: QWidget, country: str, *, usable: bool) -> None:
        super().__init__(theme, parent)
        self.ask(self.tr("Crisis lines"), self.tr("Done"))
        hint = self.tr("Ask which country they are in; no other place may be asked for.")
        self.body.addWidget(Label(hint, "body", "2", wrap=True))
        self.lines_shown = Lines(theme, country, usable=usable)
        self.lines_shown.used.connect(self.accept)
        self.body.addWidget(self.lines_shown, 1)
        self.cancel.hide()
        self.resize(theme.px(560), theme.px(600))


class EscalateSheet(Sheet):
    """To whom and why. Recording it tells nobody outside: the sheet says so."""

    command = "escalate"
    escalated = Signal(str, str)

    def __init__(self, theme: Theme, parent: QWidget, row: QueueRow, leads: list[str], country: str) -> None:
        super().__init__(theme, parent)
        title = self.tr("Escalate: {title}").format(title=row.title)
        self.ask(title, self.tr("Escalate"), window=self.tr("Escalate"))
        self.to = Choice(theme)
        self.to.setEditable(True)
        self.to.addItems(leads)
        self.field(self.tr("To whom?"), self.to)
        self.reason = self.lines(self.tr("Why, in a sentence of your own"), 70)
        next_steps = Pill(self.tr("What happens next"), "teal")
        self.body.addWidget(next_steps)
        text = self.tr(
            "It stands at least with the reds and stays open until they say “I have it”. "
            "Hearthlight calls nobody: reach them the way your team has agreed."
        )
        self.body.addWidget(Label(text, "body", wrap=True))
        self.body.addWidget(Label(self.tr("If life is in danger now"), "strong"))
        self.lines_shown = Lines(theme, country, usable=False)
        self.body.addWidget(self.lines_shown, 1)
        self.to.setFocus()
        self.to.editTextChanged.connect(self._follow)
        self.accepted.connect(self._tell)
        self.resize(theme.px(560), theme.px(640))
        self._follow()

    def unfinished(self) -> list[str]:
        typed = super().unfinished()
        return [self.to.currentText(), *typed] if typed else []

    def put_back(self, typed: list[str]) -> None:
        to, *rest = typed
        self.to.setEditText(to)
        super().put_back(rest)

    @Slot()
    def _follow(self) -> None:
        self.deed.setEnabled(bool(self.to.currentText().strip()))

    @Slot()
    def _tell(self) -> None:
        self.escalated.emit(self.to.currentText().strip(), self.reason.toPlainText().strip())


def country_name(code: str) -> str:
    """A country in the reader's language, with its code for those that Qt does not know."""
    territory = QLocale.codeToTerritory(code)
    name = QLocale.territoryToString(territory)
    return name if territory != QLocale.Country.AnyCountry else code
