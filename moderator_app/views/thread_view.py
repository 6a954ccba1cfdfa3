"""One conversation: what it is, what can be done, why it was raised, and everything that was said."""

from datetime import datetime
from uuid import UUID

from PySide6.QtCore import QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from moderator_app.desk.desk import Clock
from moderator_app.desk.rows import (
    ActionKind,
    ActionState,
    Audience,
    Level,
    MessageRow,
    QueueRow,
    Status,
    ThreadView,
)
from moderator_app.views import words
from moderator_app.views.commands import Commands
from moderator_app.views.message_block import MessageBlock
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
FIRST, MORE = 8, 5  # blocks made in the first turn of the loop, and in each one after it
REPORTED = frozenset({"report", "reported"})
Key = int | UUID | None


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


class Conversation(QScrollArea):
    """The messages, oldest first, in pages of fifty; opens at the newest."""

    undo_wanted = Signal(object)
    write_again = Signal()
    menu_wanted = Signal(object, QPoint)
    earlier_wanted = Signal()
    picked = Signal(object)

    def __init__(self, theme: Theme, clock: Clock) -> None:
        super().__init__()
        self._theme, self._clock = theme, clock
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        px = theme.px
        self._page = QWidget()
        self._page.setObjectName("conversation")
        self._column = column(self._page, (px(20), px(14), px(20), px(14)), px(10))
        self.earlier = Button(theme, "", "chevron-up", "quiet")
        self.earlier.clicked.connect(self.earlier_wanted)
        self._column.addWidget(self.earlier)
        self._column.addStretch()
        self.setWidget(self._page)
        self.blocks: dict[Key, MessageBlock] = {}
        self._wanted: dict[Key, MessageRow] = {}
        self._building = QTimer(self, singleShot=True, interval=4)
        self._building.timeout.connect(self._build_on)
        self._about: int | None = None
        self._at_end = True
        self._settling = QTimer(self, singleShot=True, interval=0)
        self._settling.timeout.connect(self._settle)
        bar = self.verticalScrollBar()
        bar.rangeChanged.connect(self._range_changed)
        bar.valueChanged.connect(self._moved)
        theme.changed.connect(self._restyle)

    def add_tail(self, widget: QWidget) -> None:
        """Let the reply box scroll with the messages where the window is low."""
        self._column.addWidget(widget)

    def begin(self) -> None:
        """Forget the conversation shown before."""
        for block in self.blocks.values():
            self._column.removeWidget(block)
            block.hide()
            block.deleteLater()
        self.blocks.clear()
        self._wanted = {}
        self._building.stop()
        self._at_end = True

    def show_thread(self, thread: ThreadView) -> None:
        """Show the messages; blocks that did not change stay as they are."""
        self.earlier.setVisible(thread.earlier_messages > 0)
        self.earlier.set_text(self.tr("Show %n earlier message(s)", "", thread.earlier_messages))
        now = self._clock.now()
        wanted = {row.message_id or row.action_id: row for row in thread.messages}
        self._aim(thread, wanted)
        for key in [key for key in self.blocks if key not in wanted]:
            block = self.blocks.pop(key)
            self._column.removeWidget(block)
            block.deleteLater()
        for key, block in self.blocks.items():
            if block.row != wanted[key]:
                block.show_row(wanted[key], now)
        self._wanted = wanted
        self._build(self._in_sight())

    def _in_sight(self) -> int:
        """How many of the newest blocks are needed to open at the person's newest words."""
        rows = list(self._wanted.values())
        since = next((n for n, row in enumerate(reversed(rows)) if row.person_id == self._about), 0)
        return max(FIRST, since + 2 if self._about is not None else 0)

    @Slot()
    def _build_on(self) -> None:
        self._build(MORE)

    def _build(self, most: int) -> None:
        """Make blocks that are not there yet, the newest first; the rest in the next turns of the loop.

        Fifty at once would hold the screen for longer than a frame.
        """
        now, first = self._clock.now(), self._column.indexOf(self.earlier) + 1
        missing = [key for key in self._wanted if key not in self.blocks]
        for key in missing[::-1][:most]:
            self.blocks[key] = self._block(self._wanted[key], now)
        self.blocks = {key: self.blocks[key] for key in self._wanted if key in self.blocks}
        for place, block in enumerate(self.blocks.values()):
            if block.parentWidget() is None:
                self._column.insertWidget(first + place, block)
        if len(missing) > most:
            self._building.start()
        self._rove(self._focused() or next(reversed(self.blocks.values()), None))

    def _aim(self, thread: ThreadView, wanted: dict[Key, MessageRow]) -> None:
        """A conversation opens at the person's newest words; a reply of ours is shown when it comes."""
        if not self.blocks:
            self._about = thread.person.person_id if thread.person else None
        elif any(row.ours for key, row in wanted.items() if key not in self._wanted):
            self._about, self._at_end = None, True

    def tick(self) -> bool:
        """Let held replies count down; true while there is one."""
        now = self._clock.now()
        for block in self.blocks.values():
            block.tick(now)
        return any(block.row.state is ActionState.HELD for block in self.blocks.values())

    def show_message(self, message_id: int) -> None:
        """Bring a message into sight and put the focus on it."""
        if message_id in self._wanted and message_id not in self.blocks:
            self._build(len(self._wanted))
        block = self.blocks.get(message_id)
        if block is not None:
            self._at_end = False
            block.setFocus(Qt.FocusReason.OtherFocusReason)
            self.ensureWidgetVisible(block)

    def focus_newest(self) -> None:
        """Put the focus on the newest message."""
        block = next(reversed(self.blocks.values()), None)
        if block is not None:
            block.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def picked_row(self) -> MessageRow | None:
        """The message with the focus, else the newest of theirs."""
        block = self._focused()
        if block is not None:
            return block.row
        theirs = [b.row for b in self.blocks.values() if not b.row.ours and not b.row.gone]
        return theirs[-1] if theirs else None

    def _block(self, row: MessageRow, now: datetime) -> MessageBlock:
        block = MessageBlock(self._theme, row, now)
        block.undo_wanted.connect(self.undo_wanted)
        block.write_again.connect(self.write_again)
        block.menu_wanted.connect(self.menu_wanted)
        block.focused.connect(self._focus_moved)
        block.stepped.connect(self._step)
        return block

    def _focused(self) -> MessageBlock | None:
        return next((block for block in self.blocks.values() if block.hasFocus()), None)

    @Slot(object)
    def _focus_moved(self, row: MessageRow) -> None:
        self._rove(self._focused())
        self.picked.emit(row)

    def _rove(self, chosen: MessageBlock | None) -> None:
        """Keep exactly one block in the tab chain."""
        for block in self.blocks.values():
            strong = Qt.FocusPolicy.StrongFocus if block is chosen else Qt.FocusPolicy.ClickFocus
            block.setFocusPolicy(strong)

    @Slot(int)
    def _step(self, by: int) -> None:
        blocks = list(self.blocks.values())
        block = self._focused()
        if block is None:
            return
        place = blocks.index(block) + by
        if 0 <= place < len(blocks):
            blocks[place].setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.ensureWidgetVisible(blocks[place], 0, self._theme.px(20))

    @Slot(int, int)
    def _range_changed(self, low: int, high: int) -> None:
        del low, high
        self._restyle()
        if self._at_end:
            self._settling.start()

    @Slot()
    def _settle(self) -> None:
        """Go to the end; where much was said since, to the newest words of the person it is about."""
        bar = self.verticalScrollBar()
        theirs = [b for b in self.blocks.values() if b.row.person_id == self._about]
        place = bar.maximum()
        if theirs and self._about is not None:
            place = min(place, theirs[-1].y() - self._theme.px(10))
        bar.setValue(max(place, 0))
        self._at_end = True

    @Slot(int)
    def _moved(self, value: int) -> None:
        bar = self.verticalScrollBar()
        self._at_end = value >= bar.maximum() - self._theme.px(24)

    @Slot()
    def _restyle(self) -> None:
        """The scroll bar stands inside the margin, so that blocks keep the line of what is above."""
        px = self._theme.px
        bar = self.verticalScrollBar()
        used = bar.sizeHint().width() if bar.maximum() > 0 else 0
        end = max(px(20) - used, px(4))
        left, right = (end, px(20)) if self.isRightToLeft() else (px(20), end)
        self._column.setContentsMargins(left, px(14), right, px(14))
        self._column.setSpacing(px(10))


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
