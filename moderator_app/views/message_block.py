"""One message as a flat block: who, when, their words with the cues marked, and what we did with it."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QWidget

from moderator_app.desk.rows import ActionState, Kind, MessageRow, Span
from moderator_app.views import words
from moderator_app.views.cue_text import CueText, draw_line, merged, round_box
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Button, Label, paint_avatar

FACE = 34
EDGE = 14
WAITING = (ActionState.HELD, ActionState.SENT, ActionState.UNKNOWN)


class Foot(QWidget):
    """How far a reply of ours is, or what is hidden, and what can be done about it."""

    def __init__(self, block: QWidget, theme: Theme) -> None:
        super().__init__(block)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self.state = Label("", "caption", "2")
        self.button = Button(theme, "", "", "link")
        row.addWidget(self.state)
        row.addWidget(self.button)
        row.addStretch()


class MessageBlock(QWidget):
    """Painted whole. Exactly one block of a conversation is in the tab chain; arrows reach the rest."""

    undo_wanted = Signal(object)  # an action id
    write_again = Signal()
    menu_wanted = Signal(object, QPoint)  # a MessageRow and where to open the menu
    stepped = Signal(int)
    focused = Signal(object)

    def __init__(self, theme: Theme, row: MessageRow, now: datetime) -> None:
        super().__init__()
        self._theme = theme
        self.row = row
        self._now = now
        self.setMouseTracking(True)
        self._unveiled = False
        self._laid_out: tuple[int, CueText] | None = None  # the words at the width asked for last
        self._beside: CueText | None = None  # what came with them, laid out with them
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._foot: Foot | None = None  # most blocks never need one
        theme.changed.connect(self._restyle)
        self.show_row(row, now)

    def begin(self, row: MessageRow, now: datetime) -> None:
        """Serve another message."""
        self._unveiled = False
        self.show_row(row, now)

    def forget(self) -> None:
        """Keep nothing of the words while out of use."""
        self._laid_out = None
        self.row = replace(self.row, text="", person="", handle="", cues=(), reason=None)
        self.setAccessibleName("")
        self.setToolTip("")

    def show_row(self, row: MessageRow, now: datetime) -> None:
        """Take new contents."""
        self.row, self._now = row, now
        self._laid_out = None
        self._show_foot()
        self.setAccessibleName(self._spoken())
        self.updateGeometry()
        self.update()

    @property
    def veiled(self) -> bool:
        """Whether the words are folded away until somebody asks for them."""
        return self.row.hidden and not self._unveiled and not self.row.gone

    def tick(self, now: datetime) -> None:
        """Let the seconds of a held reply run."""
        self._now = now
        if self.row.state in WAITING:
            self._show_foot()

    def heightForWidth(self, width: int) -> int:
        px = self._theme.px
        if self.row.gone:
            return px(40)
        height = px(12) + px(22) + self._layout(width).height + px(12)
        if self._beside is not None:
            height += px(6) + self._beside.height
        if self._foot is not None and not self._foot.isHidden():
            height += px(30)
        return int(height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_foot()

    def _place_foot(self) -> None:
        if self._foot is None:
            return
        px = self._theme.px
        left = px(EDGE) + px(FACE) + px(12)
        right = self.width() - px(EDGE) - left
        x = px(EDGE) if self.isRightToLeft() else left
        self._foot.setGeometry(x, self.height() - px(36), right, px(28))

    def paintEvent(self, event: QPaintEvent) -> None:
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter)
        if self.row.gone:
            self._paint_gone(painter)
        else:
            self._paint_head(painter)
            where, said = self._text_place(), self._layout(self.width())
            said.paint(painter, where, self._theme.color(self._ink()))
            if self._beside is not None:
                below = where + QPointF(0, said.height + self._theme.px(6))
                self._beside.paint(painter, below, self._theme.color("text2"))
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Have the reason ready for the phrase under the pointer.

        An override of `event` would be asked of every event of every block: it cost a frame a conversation.
        """
        self.setToolTip(self.reason_at(event.position()))
        super().mouseMoveEvent(event)

    def contextMenuEvent(self, event: QEvent) -> None:
        where = event.globalPos()  # type: ignore[attr-defined]  # a QContextMenuEvent
        self.menu_wanted.emit(self.row, where)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
        key = Qt.Key(event.key())
        if key in steps:
            self.stepped.emit(steps[key])
        elif key in (Qt.Key.Key_Space, Qt.Key.Key_Return) and self.row.hidden:
            self._pressed()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focused.emit(self.row)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    # ---------------------------------------------------------------- painting

    def _paint_ground(self, painter: QPainter) -> None:
        where = QRectF(self.rect())
        if not self.row.gone:
            tokens = self._theme.tokens
            fill = QColor(tokens.accent_soft if self.row.ours else tokens.sunken)
            edge = self._theme.color("hairline") if tokens.contrast else fill
            round_box(painter, where, self._theme.px(10), fill, edge)
        if self.hasFocus():
            painter.setPen(QPen(self._theme.color("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(where.adjusted(1, 1, -1, -1), 10, 10)

    def _paint_head(self, painter: QPainter) -> None:
        px = self._theme.px
        top = px(12)
        face = QRectF(px(EDGE), top, px(FACE), px(FACE))
        paint_avatar(painter, self._theme, self._name(), self._mirror(face))
        line = QRectF(px(EDGE) + px(FACE) + px(12), top, 0, px(20))
        line.setRight(self.width() - px(EDGE))
        self._paint_time(painter, line)
        font = self._theme.font("strong")
        painter.setFont(font)
        painter.setPen(self._theme.color("text"))
        metrics = QFontMetricsF(font)
        name = metrics.elidedText(self._name(), Qt.TextElideMode.ElideRight, line.width() * 0.6)
        self._draw(painter, line, name, start=True)
        aside = self._aside()
        if aside:
            wide = metrics.horizontalAdvance(name) + px(10)
            painter.setFont(self._theme.font("caption"))
            painter.setPen(self._theme.color("text3" if not self.row.ours else "accent_text"))
            self._draw(painter, line.adjusted(wide, 0, -px(90), 0), aside, start=True)

    def _paint_time(self, painter: QPainter, line: QRectF) -> None:
        painter.setFont(self._theme.font("meta"))
        painter.setPen(self._theme.color("text3" if not self.row.ours else "accent_text"))
        self._draw(painter, line, words.when(self.row.at, self._now), start=False)

    def _paint_gone(self, painter: QPainter) -> None:
        px = self._theme.px
        where = QRectF(self.rect()).adjusted(px(EDGE), 0, -px(EDGE), 0)
        painter.setFont(self._theme.font("meta"))
        painter.setPen(self._theme.color("text3"))
        self._draw(painter, where, words.gone(self.row.gone_how, self._name()), start=True)

    def _draw(self, painter: QPainter, where: QRectF, text: str, *, start: bool) -> None:
        """Text at the start or the end of a line, as the reader's language runs."""
        left = start != self.isRightToLeft()
        side = Qt.AlignmentFlag.AlignLeft if left else Qt.AlignmentFlag.AlignRight
        draw_line(painter, self._mirror(where), text, side)

    def _mirror(self, where: QRectF) -> QRectF:
        if not self.isRightToLeft():
            return where
        return QRectF(self.width() - where.right(), where.y(), where.width(), where.height())

    def _text_place(self) -> QPointF:
        px = self._theme.px
        left = px(EDGE) if self.isRightToLeft() else px(EDGE) + px(FACE) + px(12)
        return QPointF(left, px(12) + px(22))

    def _layout(self, width: int) -> CueText:
        px = self._theme.px
        room = width - 2 * px(EDGE) - px(FACE) - px(12)
        if self._laid_out is None or self._laid_out[0] != width:
            text = self.tr("These words are hidden from the public.")
            if self.row.withheld:
                text = words.withheld(self.row.withheld)
            spans: list[Span] = []
            if not self.veiled and not self.row.withheld:
                text = self.row.text
                spans = merged([Span(cue.start, cue.end) for cue in self._marked()])
            role = "message" if not self.veiled and not self.row.withheld else "body"
            made = CueText(self._theme, text, spans, self._theme.font(role), room)
            self._laid_out = width, made
            beside = self._came_with_it()
            font = self._theme.font("meta")
            self._beside = CueText(self._theme, beside, (), font, room) if beside else None
        return self._laid_out[1]

    def _ink(self) -> str:
        return "text2" if self.veiled or self.row.withheld or self.row.state is ActionState.FAILED else "text"

    # ---------------------------------------------------------------- words

    def _name(self) -> str:
        return self.row.person or self.row.handle or self.tr("Unknown")

    def _marked(self) -> list[Span]:
        return [Span(cue.start, cue.end) for cue in self.row.cues if cue.end > cue.start]

    def _came_with_it(self) -> str:
        if self.veiled or self.row.withheld or self.row.gone or self.row.enclosed is None:
            return ""
        return "\n".join(words.enclosed(self.row.enclosed, self._now))

    def _aside(self) -> str:
        row = self.row
        if row.ours and row.by:
            return self.tr("written by {who}").format(who=row.by)
        if row.kind is Kind.REPORT:
            return self.tr("report: {reason}").format(reason=row.reason or "")
        if row.edited_at is not None:
            return self.tr("edited")
        if row.likes:
            return self.tr("%n like(s)", "", row.likes)
        return ""

    def state_words(self) -> str:
        """How far our reply is, or what is hidden; empty where there is nothing to say."""
        row = self.row
        if row.state is ActionState.HELD:
            left = int((row.send_at - self._now).total_seconds() + 0.99) if row.send_at else 0
            if row.trouble:
                return self.tr("Waiting to be sent: {why}").format(why=row.trouble)
            if left > 0:
                return self.tr("Leaves in %n s", "", left)
            return self.tr("Waiting for the platform")
        texts = {
            ActionState.SENT: self.tr("Being sent"),
            ActionState.UNKNOWN: self.tr("No answer came; looking whether it arrived"),
            ActionState.UNSURE: self.tr(
                "Nobody knows whether it arrived: look there and say so in the outbox"
            ),
            ActionState.FAILED: self.tr("Not sent: {why}").format(why=row.trouble),
        }
        if row.state in texts:
            return texts[row.state]
        return self.tr("Hidden from the public") if row.hidden and not row.gone else ""

    def _show_foot(self) -> None:
        text = self.state_words()
        if self._foot is None and not text:
            return
        if self._foot is None:
            self._foot = Foot(self, self._theme)
            self._foot.button.clicked.connect(self._pressed)
            self._place_foot()
        self._foot.setVisible(bool(text))
        self._foot.state.setText(text)
        self._foot.state.set_tone("alarm" if self.row.state is ActionState.FAILED else "2")
        label = ""
        if self.row.state is ActionState.HELD:
            label = self.tr("Undo")
        elif self.row.state is ActionState.FAILED:
            label = self.tr("Write it again")
        elif self.row.hidden and not self.row.gone:
            label = self.tr("Fold") if self._unveiled else self.tr("Show the words")
        button = self._foot.button
        button.setVisible(bool(label))
        button.setText(label)
        name = self.tr("{what}: message from {who}, {when}")
        when = words.when(self.row.at, self._now)
        button.setAccessibleName(name.format(what=label, who=self._name(), when=when))

    def _spoken(self) -> str:
        row = self.row
        who, when = self._name(), words.when(row.at, self._now)
        if row.gone:
            return f"{words.gone(row.gone_how, who)} {when}"
        head = self.tr("Message from {who}, {when}.")
        if row.ours:
            head = self.tr("Our reply from {who}, {when}.")
        parts = [head.format(who=who, when=when)]
        if not self.veiled:
            parts.append(words.withheld(row.withheld) if row.withheld else row.text)
            parts.append(self._came_with_it())
        why = [cue.why for cue in row.cues if cue.why]
        if why:
            parts.append(self.tr("Matched: {why}.").format(why="; ".join(dict.fromkeys(why))))
        parts.append(self.state_words())
        return " ".join(part for part in parts if part)

    def reason_at(self, point: QPointF) -> str:
        """Why a phrase was marked; empty where none is."""
        inside = point - self._text_place()
        marked = merged(self._marked())
        number = None if self.veiled or self.row.gone else self._layout(self.width()).why(inside)
        if number is None:
            return ""
        span = marked[number]
        found = [cue for cue in self.row.cues if cue.start < span.end and cue.end > span.start]
        lines = [self.tr("{level}: {why}").format(level=words.level(cue.level), why=cue.why) for cue in found]
        return "\n".join(dict.fromkeys(lines))

    @Slot()
    def _pressed(self) -> None:
        action: UUID | None = self.row.action_id
        if self.row.state is ActionState.HELD and action is not None:
            self.undo_wanted.emit(action)
        elif self.row.state is ActionState.FAILED:
            self.write_again.emit()
        else:
            self._unveiled = not self._unveiled
            self.show_row(self.row, self._now)

    @Slot()
    def _restyle(self) -> None:
        self._laid_out = None
        self.updateGeometry()
        self.update()
