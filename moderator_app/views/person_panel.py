"""Who is speaking: facts, rhythm, earlier conversations, what was done, the team's notes."""

from PySide6.QtCore import QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from moderator_app.desk.desk import Clock
from moderator_app.desk.rows import (
    ActionKind,
    ActionState,
    Forgets,
    HistoryRow,
    NoteRow,
    PersonCard,
    ThreadView,
)
from moderator_app.views import words
from moderator_app.views.commands import Commands
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import (
    Avatar,
    Button,
    ElidedLabel,
    Glyph,
    Label,
    LevelMark,
    box,
    column,
    line,
)

WIDE = 290
SHOWN = 12
FALLING = 0.5  # of the usual week: below it the last bars turn amber
DOTS = {
    ActionKind.REPLY: "accent",
    ActionKind.ESCALATE: "crisis",
    ActionKind.LEVEL: "amber",
    ActionKind.CLOSE: "green",
    ActionKind.HIDE: "red",
}


class Activity(QWidget):
    """Messages in each of the last ten weeks as bars; the last two turn amber when they fall."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._weeks: tuple[int, ...] = ()

    def show_weeks(self, weeks: tuple[int, ...]) -> None:
        """Show the counts, oldest first."""
        self._weeks = weeks
        said = ", ".join(words.number(week) for week in weeks)
        self.setAccessibleName(self.tr("Messages in the last ten weeks: {n}").format(n=said))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._theme.px(200), self._theme.px(46))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._theme.px(120), self._theme.px(46))

    def paintEvent(self, event: QPaintEvent) -> None:
        del event
        if not self._weeks:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        gap, top = self._theme.px(4), max(*self._weeks, 1)
        wide = (self.width() - gap * (len(self._weeks) - 1)) / len(self._weeks)
        usual = sum(self._weeks[:-2]) / max(len(self._weeks) - 2, 1)
        for place, count in enumerate(self._weeks):
            falling = place >= len(self._weeks) - 2 and count < usual * FALLING
            fill = QColor(self._theme.tokens.amber.mark) if falling else self._theme.color("accent")
            high = max(self._theme.px(3), (self.height() - 2) * count / top)
            shown = place if not self.isRightToLeft() else len(self._weeks) - 1 - place
            bar = QRectF(shown * (wide + gap), self.height() - high, wide, high)
            painter.setBrush(fill if count else self._theme.color("hairline"))
            painter.drawRoundedRect(bar, 2, 2)


class Dot(QWidget):
    """One dot of the history, with the line that joins it to the next."""

    def __init__(self, theme: Theme, tone: str, *, last: bool) -> None:
        super().__init__()
        self._theme, self._tone, self._last = theme, tone, last
        self.setFixedWidth(theme.px(14))

    def paintEvent(self, event: QPaintEvent) -> None:
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, top = self.width() / 2, self._theme.px(9)
        if not self._last:
            painter.setPen(QPen(self._theme.color("hairline"), 2))
            painter.drawLine(int(middle), top + self._theme.px(8), int(middle), self.height())
        value = getattr(self._theme.tokens, self._tone)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(value if isinstance(value, str) else value.mark))
        radius = self._theme.px(3.5)
        painter.drawEllipse(QRectF(middle - radius, top - radius, 2 * radius, 2 * radius))


class PersonPanel(QWidget):
    """The last column. It shows one account on one platform and never a score."""

    earlier_wanted = Signal(int)
    undo_wanted = Signal(object)

    def __init__(self, theme: Theme, commands: Commands, clock: Clock) -> None:
        super().__init__()
        self.setObjectName("personPane")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme, self._clock = theme, clock
        self._shown: tuple[object, ...] = ()
        px = theme.px
        whole = column(self, (0, 0, 0, 0), 0)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        whole.addWidget(self._scroll, 1)
        foot = QWidget()
        row = QHBoxLayout(foot)
        row.setContentsMargins(px(18), px(10), px(18), px(14))
        action = commands.action("note")
        self.note = Button(theme, action.text(), "notebook-pen")
        self.note.clicked.connect(action.trigger)
        row.addWidget(self.note)
        whole.addWidget(foot)
        theme.changed.connect(self._again)

    def show_thread(self, thread: ThreadView) -> None:
        """Show the person of a conversation, and its history."""
        shown = (thread.person, thread.history, thread.item.item_id, thread.notes, thread.forgets)
        if shown == self._shown:
            return
        self._shown = shown
        self._build(thread.person, thread.history, thread.item.item_id, thread.forgets)

    @Slot()
    def _again(self) -> None:
        if self._shown:
            person, history, item_id, _, forgets = self._shown
            assert person is None or isinstance(person, PersonCard)
            assert isinstance(history, tuple)
            assert isinstance(item_id, int)
            assert forgets is None or isinstance(forgets, Forgets)
            self._build(person, history, item_id, forgets)

    def _build(
        self,
        person: PersonCard | None,
        history: tuple[HistoryRow, ...],
        item_id: int,
        forgets: Forgets | None,
    ) -> None:
        px = self._theme.px
        page = QWidget()
        page.setObjectName("personPane")
        self._column = column(page, (px(18), px(16), px(18), px(16)), px(10))
        if person is not None:
            self._head(person)
            if forgets is not None:
                self._column.addLayout(self._forgets(forgets))
            self._column.addWidget(line())
            self._activity(person)
            self._column.addWidget(line())
        self._history(history)
        if person is not None:
            self._earlier(person, item_id)
            self._column.addWidget(line())
            self._notes(person.notes)
        self._column.addStretch()
        self._scroll.setWidget(page)

    def _head(self, person: PersonCard) -> None:
        px = self._theme.px
        row = QHBoxLayout()
        row.setSpacing(px(12))
        row.addWidget(Avatar(self._theme, person.name, 44))
        texts = QVBoxLayout()
        texts.setSpacing(px(2))
        texts.addWidget(Label(person.name, "person", wrap=True))
        handle = self.tr("{handle} on {platform}")
        said = handle.format(handle=person.handle, platform=person.platform)
        texts.addWidget(ElidedLabel(said, "meta", "2"))
        row.addLayout(texts, 1)
        self._column.addLayout(row)
        facts = (
            (self.tr("First seen"), words.date(person.first_seen)),
            (self.tr("Last wrote"), words.ago(person.last_seen, self._clock.now())),
            (self.tr("Messages here"), words.number(person.messages)),
        )
        for name, value in facts:
            pair = QHBoxLayout()
            pair.addWidget(Label(name, "meta", "2"))
            pair.addStretch()
            pair.addWidget(Label(value, "strong"))
            self._column.addLayout(pair)

    def _forgets(self, forgets: Forgets) -> QHBoxLayout:
        """When the words go: a countdown that nobody has to look for (R60)."""
        held = forgets.why == "held"
        pair = QHBoxLayout()
        pair.setSpacing(self._theme.px(8))
        pair.addWidget(
            Glyph(self._theme, "lock" if held else "hourglass", "text3"), 0, Qt.AlignmentFlag.AlignTop
        )
        said = words.forgets(forgets, self._clock.now())
        pair.addWidget(Label(said, "meta", "warn" if held else "2", wrap=True), 1)
        return pair

    def _activity(self, person: PersonCard) -> None:
        self._heading(
            self.tr("Ten weeks"),
            self.tr("%n message(s) this week", "", person.weeks[-1]),
        )
        bars = Activity(self._theme)
        bars.show_weeks(person.weeks)
        self._column.addWidget(bars)

    def _heading(self, text: str, aside: str = "") -> None:
        row = QHBoxLayout()
        row.addWidget(Label(text, "strong"))
        row.addStretch()
        if aside:
            row.addWidget(Label(aside, "caption", "2"))
        self._column.addLayout(row)

    def _history(self, history: tuple[HistoryRow, ...]) -> None:
        self._heading(self.tr("History"))
        if not history:
            self._column.addWidget(Label(self.tr("Nothing was done yet."), "meta", "2"))
        rail = QVBoxLayout()
        rail.setSpacing(0)
        for place, row in enumerate(history[:SHOWN]):
            rail.addLayout(self._happened(row, last=place == min(len(history), SHOWN) - 1))
        self._column.addLayout(rail)

    def _happened(self, row: HistoryRow, *, last: bool) -> QHBoxLayout:
        px = self._theme.px
        pair = QHBoxLayout()
        pair.setSpacing(px(8))
        pair.addWidget(Dot(self._theme, DOTS.get(row.kind, "neutral"), last=last))
        texts = QVBoxLayout()
        texts.setContentsMargins(0, 0, 0, px(8))
        texts.setSpacing(px(1))
        texts.addWidget(Label(words.history(row, self._clock.now()), "strong", wrap=True))
        aside = words.aside(row)
        when = words.when(row.at, self._clock.now())
        under = self.tr("{when}, {state}").format(when=when, state=aside) if aside else when
        texts.addWidget(Label(under, "meta", "2", wrap=True))
        if row.detail.get("reason") or (row.detail.get("note", "") and row.kind is ActionKind.CLOSE):
            said = row.detail.get("reason") or row.detail.get("note", "")
            texts.addWidget(Label(self.tr("“{reason}”").format(reason=said), "meta", wrap=True))
        if row.can_undo and row.state is ActionState.HELD:
            undo = Button(self._theme, self.tr("Undo"), "", "link")
            sentence = words.history(row, self._clock.now())
            undo.setAccessibleName(self.tr("Undo: {what}").format(what=sentence))
            undo.clicked.connect(lambda: self.undo_wanted.emit(row.action_id))
            texts.addWidget(undo, 0, Qt.AlignmentFlag.AlignLeading)
        pair.addLayout(texts, 1)
        return pair

    def _earlier(self, person: PersonCard, item_id: int) -> None:
        others = [row for row in person.earlier if row[0] != item_id]
        if not others:
            return
        self._column.addWidget(line())
        self._heading(self.tr("Earlier conversations"))
        for other, known, level, last, status in others[:6]:
            title = known or self.tr("A conversation")  # its title is forgotten or held back
            row = QHBoxLayout()
            row.setSpacing(self._theme.px(8))
            row.addWidget(LevelMark(self._theme, level, 13))
            name = self.tr("Open: {title}, {level}, {when}")
            when = words.date(last)
            link = Button(
                self._theme,
                title,
                "",
                "plain",
                name.format(title=title, level=words.level(level), when=when),
            )
            link.setText(
                link.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, self._theme.px(150))
            )
            link.setToolTip(title)
            link.clicked.connect(lambda _=False, chosen=other: self.earlier_wanted.emit(chosen))
            row.addWidget(link)
            row.addStretch()
            row.addWidget(Label(words.status(status), "caption", "3"))
            self._column.addLayout(row)

    def _notes(self, notes: tuple[NoteRow, ...]) -> None:
        self._heading(self.tr("Team notes"), words.number(len(notes)) if notes else "")
        if not notes:
            text = self.tr("None yet. Notes stay with the team; the person never sees them.")
            self._column.addWidget(Label(text, "meta", "2", wrap=True))
        for note in notes[:SHOWN]:
            card = box("true")
            px = self._theme.px
            inside = column(card, (px(12), px(9), px(12), px(9)), px(4))
            inside.addWidget(Label(note.text, "body", wrap=True))
            under = self.tr("{who}, {when}. Only the team sees this.")
            when = words.when(note.at, self._clock.now())
            said = under.format(who=note.who, when=when)
            inside.addWidget(Label(said, "caption", "2", wrap=True))
            self._column.addWidget(card)
