"""Paints one card of a queue: level, title, age, two lines of words, person, clock."""

from collections import OrderedDict
from datetime import datetime

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from moderator_app.desk.desk import Clock
from moderator_app.desk.rows import Audience, Kind, QueueRow
from moderator_app.views import words
from moderator_app.views.cue_text import CueText, draw_line, merged, round_box
from moderator_app.views.icons import paint_level
from moderator_app.views.queue_model import Role
from moderator_app.views.theme import Theme

ROW = 115  # a card and the gap under it
GAP = 8
SIDE = 16
LAYOUTS = 512
KINDS = {
    Kind.POST: "messages-square",
    Kind.COMMENT: "message-circle",
    Kind.MENTION: "at-sign",
    Kind.DIRECT: "mail",
    Kind.REPORT: "flag",
}


class QueueDelegate(QStyledItemDelegate):
    """Draws with the theme alone; everything is mirrored where the reader's language runs leftward."""

    def __init__(self, theme: Theme, clock: Clock, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._clock = clock
        self._layouts: OrderedDict[tuple[object, ...], CueText] = OrderedDict()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        del index
        return QSize(option.rect.width(), self._theme.px(ROW))

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        row = index.data(Role.ROW)
        if isinstance(row, QueueRow):
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            _Card(self, self._theme, painter, option, row, self._clock.now()).draw()
            painter.restore()

    def excerpt(self, row: QueueRow, width: int) -> CueText:
        """The two lines of words, laid out once for each width and scheme."""
        tokens, scale = self._theme.tokens.name, self._theme.scale
        key = (row.item_id, row.withheld, row.excerpt, row.excerpt_cues, width, tokens, scale)
        found = self._layouts.get(key)
        if found is None:
            text = words.withheld(row.withheld) if row.withheld else row.excerpt.replace("\n", " ")
            font = self._theme.font("body")
            found = CueText(
                self._theme,
                text,
                merged(row.excerpt_cues),
                font,
                width,
                line_height=1.08,
                max_lines=2,
            )
            self._layouts[key] = found
            if len(self._layouts) > LAYOUTS:
                self._layouts.popitem(last=False)
        return found


class _Card:
    """One painting of one card."""

    def __init__(
        self,
        delegate: QueueDelegate,
        theme: Theme,
        painter: QPainter,
        option: QStyleOptionViewItem,
        row: QueueRow,
        now: datetime,
    ) -> None:
        self.delegate, self.theme, self.painter = delegate, theme, painter
        self.row, self.now = row, now
        self.direction = option.direction
        self.state = option.state
        self.view = option.widget
        px = theme.px
        self.bounds: QRect = option.rect
        # A scroll bar stands inside the margin, so that cards keep the line of what is above them.
        end = max(px(SIDE) - max(self.view.width() - self.bounds.width(), 0), px(4))
        self.card = self.bounds.adjusted(px(SIDE), px(GAP) // 2, -end, -(px(GAP) // 2))
        self.inside = self.card.adjusted(px(18), px(10), -px(12), -px(10))

    def draw(self) -> None:
        self._ground()
        line = self.theme.px(18)
        self._title(QRect(self.inside.x(), self.inside.y(), self.inside.width(), line))
        self._words(self.inside.y() + line + self.theme.px(4))
        foot = self.theme.px(22)
        self._foot(QRect(self.inside.x(), self.inside.bottom() + 1 - foot, self.inside.width(), foot))

    def _mirror(self, where: QRect) -> QRect:
        return QStyle.visualRect(self.direction, self.bounds, where)

    def _ground(self) -> None:
        flag = QStyle.StateFlag
        chosen = bool(self.state & flag.State_Selected)
        hover = bool(self.state & flag.State_MouseOver) and not chosen
        fill = self.theme.color("hover" if hover else "card")
        radius = float(self.theme.px(10))
        where = QRectF(self._mirror(self.card))
        round_box(self.painter, where, radius, fill, self.theme.color("hairline"))
        self._stripe(radius)
        if chosen:
            self._edge(where, 2.0, "accent", radius)
        if chosen and isinstance(self.view, QAbstractItemView) and self.view.hasFocus():
            self._edge(where.adjusted(-4, -4, 4, 4), 1.5, "accent", radius + 3)

    def _edge(self, where: QRectF, wide: float, token: str, radius: float) -> None:
        self.painter.setPen(QPen(self.theme.color(token), wide))
        self.painter.setBrush(Qt.BrushStyle.NoBrush)
        half = wide / 2
        self.painter.drawRoundedRect(where.adjusted(half, half, -half, -half), radius, radius)

    def _stripe(self, radius: float) -> None:
        corner = QPainterPath()
        corner.addRoundedRect(QRectF(self._mirror(self.card)).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
        stripe = QRect(self.card.x(), self.card.y(), self.theme.px(4), self.card.height())
        self.painter.save()
        self.painter.setClipPath(corner)
        mark = self.theme.tokens.level(self.row.level).mark
        self.painter.fillRect(self._mirror(stripe), QColor(mark))
        self.painter.restore()

    def _title(self, line: QRect) -> None:
        px, row = self.theme.px, self.row
        glyph = QRect(line.x(), line.y() + px(1), px(16), px(16))
        mark = QColor(self.theme.tokens.level(row.level).mark)
        ground = self.theme.color("surface")
        paint_level(self.painter, row.level, QRectF(self._mirror(glyph)), mark, ground)
        used = self._end_text(line, words.age(row, self.now), "meta", "text3")
        if not row.seen:
            used += px(12)
            dot = QRect(line.right() - used, line.center().y() - px(2), px(7), px(7))
            self.painter.setPen(Qt.PenStyle.NoPen)
            self.painter.setBrush(self.theme.color("accent"))
            self.painter.drawEllipse(self._mirror(dot))
        room = line.adjusted(px(24), 0, -(used + px(10)), 0)
        self._text(room, row.title or row.person, "card", "text", 600 if not row.seen else 500)

    def _words(self, top: int) -> None:
        layout = self.delegate.excerpt(self.row, self.inside.width())
        where = self._mirror(QRect(self.inside.x(), top, self.inside.width(), 1))
        layout.paint(self.painter, QPointF(where.x(), top), self.theme.color("text2"))

    def _foot(self, line: QRect) -> None:
        px, row = self.theme.px, self.row
        icon = QRect(line.x(), line.center().y() - px(7), px(15), px(15))
        name = "lock-keyhole" if row.audience is Audience.PRIVATE else KINDS[row.kind]
        self.theme.icons.paint(self.painter, name, self.theme.color("text3"), QRectF(self._mirror(icon)))
        used = self._clock(line)
        room = line.adjusted(px(22), 0, -(used + px(8)), 0)
        where = row.channel or row.platform
        self._text(room, f"{row.person} · {where}", "meta", "text3")

    def _clock(self, line: QRect) -> int:
        """The clock at the end: plain while there is time, a pill when soon or over."""
        text, stands = words.due(self.row, self.now)
        px, tokens = self.theme.px, self.theme.tokens
        font = self.theme.font("meta", 600 if stands != "fine" else 500)
        wide = round(QFontMetricsF(font).horizontalAdvance(text)) + 1
        hue = {"soon": tokens.amber, "over": tokens.crisis}.get(stands)
        total = px(8) + px(14) + px(5) + wide + px(8) if hue else px(14) + px(5) + wide
        where = QRect(line.right() + 1 - total, line.y(), total, line.height())
        colour = QColor(hue.text) if hue else self.theme.color("text3")
        if hue:
            edge = QColor(tokens.outline if tokens.contrast else hue.soft)
            field = QRectF(self._mirror(where))
            round_box(self.painter, field, field.height() / 2, QColor(hue.soft), edge)
        left = where.x() + (px(8) if hue else 0)
        icon = QRect(left, line.center().y() - px(6), px(14), px(14))
        name = "alarm-clock" if stands == "over" else "clock"
        self.theme.icons.paint(self.painter, name, colour, QRectF(self._mirror(icon)))
        self.painter.setFont(font)
        self.painter.setPen(colour)
        room = self._mirror(QRect(left + px(19), line.y(), wide, line.height()))
        draw_line(self.painter, QRectF(room), text, Qt.AlignmentFlag.AlignHCenter)
        return total

    def _end_text(self, line: QRect, text: str, role: str, token: str) -> int:
        font = self.theme.font(role)
        wide = round(QFontMetricsF(font).horizontalAdvance(text)) + 1
        self.painter.setFont(font)
        self.painter.setPen(self.theme.color(token))
        where = self._mirror(QRect(line.right() + 1 - wide, line.y(), wide, line.height()))
        draw_line(self.painter, QRectF(where), text, Qt.AlignmentFlag.AlignHCenter)
        return wide

    def _text(self, room: QRect, text: str, role: str, token: str, weight: int = 0) -> None:
        font = self.theme.font(role, weight)
        self.painter.setFont(font)
        self.painter.setPen(self.theme.color(token))
        cut = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, room.width())
        side = (
            Qt.AlignmentFlag.AlignRight
            if self.direction == Qt.LayoutDirection.RightToLeft
            else Qt.AlignmentFlag.AlignLeft
        )
        draw_line(self.painter, QRectF(self._mirror(room)), cut, side)
