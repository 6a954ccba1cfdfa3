"""One conversation: what it is, what can be done, why it was raised, and everything that was said."""

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from moderator_app.desk.desk import Clock
from moderator_app.desk.rows import (
    ActionKind,
    Audience,
    Level,
    QueueRow,
    Status,
    ThreadView,
)
from moderator_app.views import words
from moderator_app.views.commands import Commands
from moderator_app.views.conversation import Conversation
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import (
    Button,
    Flow,
    Glyph,
    Label,
    LevelMark,
    Pill,
    column,
    repolish,
)

PAGE = 50
REPORTED = frozenset({"report", "reported"})


class CommandButton(Button):
    """A button that runs a command and is on or off as the command is."""

    def __init__(self, theme: Theme, action: QAction, icon: str, kind: str = "") -> None:
        super().__init__(theme, action.text(), icon, kind)
        self._action = action
        keys = action.shortcut().toString(action.shortcut().SequenceFormat.NativeText)
        self.setToolTip(self.tr("{what} ({keys})").format(what=action.text(), keys=keys))
        self.clicked.connect(action.trigger)
        action.changed.connect(self._follow)
        self._follow()

    @Slot()
    def _follow(self) -> None:
        self.setEnabled(self._action.isEnabled())


class ThreadHead(QWidget):
    """Title, level, audience, channel, clock, and what can be done with the conversation."""

    def __init__(self, theme: Theme, commands: Commands, clock: Clock) -> None:
        super().__init__()
        self.setObjectName("threadHead")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme, self._clock = theme, clock
        self._row: QueueRow | None = None
        px = theme.px
        self._column = column(self, (px(20), px(14), px(20), px(12)), px(10))
        title = QHBoxLayout()
        title.setSpacing(px(10))
        self._mark = LevelMark(theme, units=20)
        self.title = Label("", "thread", wrap=True)
        title.addWidget(self._mark)
        title.addWidget(self.title, 1)
        self._column.addLayout(title)
        self._column.addWidget(self._facts())
        self._column.addWidget(self._buttons(commands))
        theme.changed.connect(self._restyle)

    def _facts(self) -> QWidget:
        px = self._theme.px
        self._flow = Flow(px(8))
        self.level = Pill()
        self.audience = Pill()
        self.status = Pill("", "teal")
        self._channel = _Beside(self._theme, "messages-square", "text2")
        self._due = _Beside(self._theme, "clock", "text2")
        for widget in (self.level, self.audience, self.status, self._channel):
            self._flow.add(widget)
        self._flow.add(self._due, end=True)
        return self._flow

    def _buttons(self, commands: Commands) -> QWidget:
        self._actions = Flow(self._theme.px(8))
        icons = {
            "assign": "user-round-plus",
            "unassign": "user-round-minus",
            "acknowledge": "check",
            "snooze": "calendar-clock",
            "close": "check-check",
            "reopen": "rotate-ccw",
        }
        self._button_of: dict[str, CommandButton] = {}
        for name, icon in icons.items():
            button = CommandButton(self._theme, commands.action(name), icon)
            self._button_of[name] = button
            self._actions.add(button)
        alarm = CommandButton(self._theme, commands.action("escalate"), "flag", "alarm")
        self._actions.add(alarm, end=True)
        return self._actions

    def button(self, name: str) -> CommandButton:
        """The button of a command, for what opens under it."""
        return self._button_of[name]

    def show_row(self, row: QueueRow, me: str) -> None:
        """Show an item."""
        self._row = row
        self._mark.show_level(row.level)
        self.title.setText(row.title or row.person)  # a title may be forgotten or held back
        self.level.show_level(row.level)
        private = row.audience is Audience.PRIVATE
        self.audience.show_word(words.audience(row.audience), "teal" if private else "neutral")
        self._channel.say(row.channel or row.platform)
        self._show_status(row, me)
        self.tick()
        mine = row.assignee == me
        shown = {
            "assign": not mine,
            "unassign": mine,
            "acknowledge": bool(row.escalated_to) and not row.acknowledged,
            "snooze": row.status is not Status.CLOSED,
            "close": row.status is not Status.CLOSED,
            "reopen": row.status in (Status.CLOSED, Status.SNOOZED, Status.EARLIER),
        }
        for name, visible in shown.items():
            self._button_of[name].setVisible(visible)

    def tick(self) -> None:
        """Let the clock run."""
        row = self._row
        if row is None:
            return
        running = row.status is Status.OPEN
        self._due.setVisible(running)
        text, stands = words.due(row, self._clock.now())
        if stands == "over":
            late = words.span(int((self._clock.now() - row.due_at).total_seconds() // 60))
            text = self.tr("Reply was due {time} ago").format(time=late)
        icon = "alarm-clock" if stands == "over" else "clock"
        tone = {"over": "crisis", "soon": "amber"}.get(stands, "text2")
        self._due.say(text, icon, tone)

    def _show_status(self, row: QueueRow, me: str) -> None:
        text = ""
        if row.status is Status.SNOOZED and row.snoozed_until is not None:
            until = words.when(row.snoozed_until, self._clock.now())
            text = self.tr("Snoozed until {when}").format(when=until)
        elif row.status is Status.CLOSED:
            text = self.tr("Closed")
        elif row.escalated_to:
            text = self.tr("Escalated to {who}").format(who=row.escalated_to)
        elif row.assignee and row.assignee != me:
            text = self.tr("With {who}").format(who=row.assignee)
        elif row.assignee:
            text = self.tr("Assigned to you")
        self.status.setVisible(bool(text))
        self.status.setText(text)

    @Slot()
    def _restyle(self) -> None:
        px = self._theme.px
        self._column.setContentsMargins(px(20), px(14), px(20), px(12))
        self._flow.set_gap(px(8))
        self._actions.set_gap(px(8))


class _Beside(QWidget):
    """A small icon and its words, which wrap together."""

    def __init__(self, theme: Theme, icon: str, tone: str) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.px(6))
        self._glyph = Glyph(theme, icon, tone, 15)
        self._label = Label("", "meta", "2")
        row.addWidget(self._glyph)
        row.addWidget(self._label)

    def say(self, text: str, icon: str = "", tone: str = "") -> None:
        self._label.setText(text)
        tones = {"crisis": "alarm", "amber": "warn"}
        self._label.set_tone(tones.get(tone, "2"))
        if icon:
            self._glyph.show_icon(icon, tone)


class CareBanner(QFrame):
    """Names what matched and says that nothing is sent on its own."""

    lines_wanted = Signal()
    why_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        px = theme.px
        row = QHBoxLayout(self)
        row.setContentsMargins(px(14), px(10), px(10), px(10))
        row.setSpacing(px(12))
        self._glyph = Glyph(theme, "heart-handshake", "crisis", 20)
        texts = QVBoxLayout()
        texts.setSpacing(px(2))
        self.title = Label("", "strong", wrap=True)
        self.text = Label("", "meta", "2", wrap=True)
        texts.addWidget(self.title)
        texts.addWidget(self.text)
        self.lines = Button(theme, self.tr("Crisis lines"), "life-buoy")
        self.lines.clicked.connect(self.lines_wanted)
        row.addWidget(self._glyph)
        row.addLayout(texts, 1)
        self.why = Button(theme, self.tr("Why?"), "", "quiet", self.tr("Why this level"))
        self.why.clicked.connect(self.why_wanted)
        row.addWidget(self.why)
        row.addWidget(self.lines)

    def show_row(self, row: QueueRow) -> None:
        """Show why an item was raised; hidden where nothing was."""
        raised = row.level <= Level.AMBER and bool(row.reasons)
        self.setVisible(raised or row.pending)
        hue = row.level.name.lower() if raised else "amber"
        if self.property("box") != hue:
            self.setProperty("box", hue)
            repolish(self)
        self._glyph.show_icon("heart-handshake" if raised else "hourglass", hue)
        self.lines.setVisible(raised and row.level <= Level.RED)
        if not raised:
            self.title.setText(self.tr("Not all of it has been read by the rules yet."))
            self.text.setText(self.tr("Until then it stands with the reds, to be looked at."))
            return
        titles = {
            Level.CRISIS: self.tr("Possible danger to life. Care comes first."),
            Level.RED: self.tr("Serious distress or danger. Care comes first."),
            Level.AMBER: self.tr("Possible distress. Read with care."),
        }
        reported = all(cue.kind in REPORTED for cue in row.reasons)
        title = self.tr("Somebody reported this. Read with care.") if reported else titles[row.level]
        self.title.setText(title)
        why = "; ".join(dict.fromkeys(cue.why for cue in row.reasons))
        shown = self.tr("%n cue(s) matched: {why}. Nothing is sent on its own.", "", len(row.reasons))
        self.text.setText(shown.format(why=why))


class ThreadPane(QWidget):
    """Head and conversation of the item that is open, or a quiet page where none is."""

    def __init__(self, theme: Theme, commands: Commands, clock: Clock, me: str) -> None:
        super().__init__()
        self.setObjectName("threadPane")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._me = me
        self.thread_shown: ThreadView | None = None
        self.limit = PAGE
        self.back = Button(theme, self.tr("Back to the list"), "arrow-left", "quiet")
        self.back.clicked.connect(commands.action("back").trigger)
        self.back.hide()
        self.head = ThreadHead(theme, commands, clock)
        self.banner = CareBanner(theme)
        self._banner_place = QWidget()
        self._banner_column = column(self._banner_place, (0, 0, 0, 0), 0)
        self._banner_column.addWidget(self.banner)
        self.conversation = Conversation(theme, clock)
        whole = column(self, (0, 0, 0, 0), 0)
        whole.addWidget(self.back, 0, Qt.AlignmentFlag.AlignLeading)
        whole.addWidget(self.head)
        whole.addWidget(self._banner_place)
        whole.addWidget(self.conversation, 1)
        theme.changed.connect(self._restyle)
        self._theme = theme
        self._restyle()
        self._seconds = QTimer(self, interval=1000)
        self._seconds.timeout.connect(self._tick)
        self._slow = 0
        self._seconds.start()

    @property
    def item_id(self) -> int | None:
        """The item that is open."""
        return self.thread_shown.item.item_id if self.thread_shown else None

    def show_thread(self, thread: ThreadView) -> None:
        """Show a conversation, or what changed in the one shown."""
        if thread.item.item_id != self.item_id:
            self.conversation.begin()
        self.thread_shown = thread
        self.head.show_row(thread.item, self._me)
        self.banner.show_row(thread.item)
        self._banner_place.setVisible(not self.banner.isHidden())
        self.conversation.show_thread(thread)

    def refusal(self, kind: ActionKind) -> str:
        """Why the platform cannot do something; empty where it can."""
        return self.thread_shown.can.get(kind, "") if self.thread_shown else ""

    def clear(self) -> None:
        """Show no conversation."""
        self.thread_shown = None
        self.conversation.begin()

    @Slot()
    def _restyle(self) -> None:
        px = self._theme.px
        self._banner_column.setContentsMargins(px(20), px(12), px(20), px(8))

    @Slot()
    def _tick(self) -> None:
        self.conversation.tick()
        self._slow = (self._slow + 1) % 20
        if self._slow == 0:
            self.head.tick()
