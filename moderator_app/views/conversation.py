"""Everything that was said in one conversation, oldest first; opens at the person's newest words."""

import time
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from moderator_app.desk.desk import Clock
from moderator_app.desk.rows import ActionState, MessageRow, ThreadView
from moderator_app.views.message_block import MessageBlock
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Button, column

TURN = 0.006  # seconds of one turn of the loop that may go into making blocks
SPARE = 50  # blocks kept for the next conversation
Key = int | UUID | None


class Pile(QWidget):
    """Blocks one under the other, each as high as its words need at the width that there is.

    A layout of Qt asks each block for its height at several widths, and again when any of them changes;
    laying out fifty texts so often held the screen for more than a frame.
    """

    def __init__(self, gap: int) -> None:
        super().__init__()
        self._gap = gap
        self._blocks: list[MessageBlock] = []

    def show_blocks(self, blocks: Sequence[MessageBlock], gap: int) -> None:
        """Show just these."""
        self._blocks, self._gap = list(blocks), gap
        for block in self._blocks:
            if block.parentWidget() is not self:
                block.setParent(self)
        self.arrange()
        for block in self._blocks:
            block.show()

    def arrange(self) -> None:
        """Give each its place."""
        y = 0
        for block in self._blocks:
            high = block.heightForWidth(self.width())
            block.setGeometry(0, y, self.width(), high)
            y += high + self._gap
        self.setFixedHeight(max(y - self._gap, 0))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.arrange()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:  # what a block's `updateGeometry` comes to
            self.arrange()
        return super().event(event)


class Conversation(QScrollArea):
    """The messages in pages of fifty. Blocks are made the newest first, a few in each turn of the loop."""

    undo_wanted = Signal(object)
    write_again = Signal()
    menu_wanted = Signal(object, QPoint)
    earlier_wanted = Signal()
    picked = Signal(object)
    built = Signal()

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
        self._pile = Pile(px(10))
        self._column.addWidget(self._pile)
        self._column.addStretch()
        self.setWidget(self._page)
        self.blocks: dict[Key, MessageBlock] = {}
        self._spare: list[MessageBlock] = []
        self._wanted: dict[Key, MessageRow] = {}
        self._building = QTimer(self, singleShot=True, interval=1)
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
        """Forget the conversation shown before; its blocks serve the next."""
        for block in self.blocks.values():
            self._put_away(block)
        self.blocks.clear()
        self._pile.show_blocks([], self._column.spacing())
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
            self._put_away(self.blocks.pop(key))
        for key, block in self.blocks.items():
            if block.row != wanted[key]:
                block.show_row(wanted[key], now)
        self._wanted = wanted
        self._build_on()

    @Slot()
    def _build_on(self) -> None:
        """Make blocks for as long as a frame can spare; the rest in the next turns of the loop."""
        self._build(time.perf_counter() + TURN)

    def _build(self, until: float) -> None:
        now = self._clock.now()
        missing = [key for key in self._wanted if key not in self.blocks]
        while missing:
            key = missing.pop()
            self.blocks[key] = self._block(self._wanted[key], now)
            self.blocks[key].heightForWidth(
                self._pile.width()
            )  # lays out the words, which is what takes long
            if time.perf_counter() > until:
                break
        self.blocks = {key: self.blocks[key] for key in self._wanted if key in self.blocks}
        self._pile.show_blocks(list(self.blocks.values()), self._column.spacing())
        self._rove(self._focused() or next(reversed(self.blocks.values()), None))
        if missing:
            self._building.start()
        else:
            self.built.emit()

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
            self._build(float("inf"))
        block = self.blocks.get(message_id)
        if block is not None:
            self._at_end = False
            block.setFocus(Qt.FocusReason.OtherFocusReason)
            self._column.activate()
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

    def weighed_row(self) -> MessageRow | None:
        """The message with the focus, else the newest of those that weigh most."""
        block = self._focused()
        if block is not None:
            return block.row
        theirs = [b.row for b in self.blocks.values() if not b.row.ours and b.row.level is not None]
        return min(reversed(theirs), key=lambda row: row.level or 0, default=None)

    def _block(self, row: MessageRow, now: datetime) -> MessageBlock:
        if self._spare:
            block = self._spare.pop()
            block.begin(row, now)
            return block
        block = MessageBlock(self._theme, row, now)
        block.undo_wanted.connect(self.undo_wanted)
        block.write_again.connect(self.write_again)
        block.menu_wanted.connect(self.menu_wanted)
        block.focused.connect(self._focus_moved)
        block.stepped.connect(self._step)
        return block

    def _put_away(self, block: MessageBlock) -> None:
        block.hide()
        if len(self._spare) < SPARE:
            block.forget()
            self._spare.append(block)
        else:
            block.deleteLater()

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
            top = theirs[-1].mapTo(self._page, QPoint()).y()
            place = min(place, top - self._theme.px(10))
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
