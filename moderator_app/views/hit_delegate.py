"""Paints one line of the palette: a command, or a message with the words that were found in it."""

import re
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from moderator_app.desk.rows import Hit
from moderator_app.views.cue_text import CueText, draw_line, merged
from moderator_app.views.theme import Theme

ENTRY = Qt.ItemDataRole.UserRole
LINES = 2  # of the excerpt


@dataclass(frozen=True, slots=True)
class Choice:
    """One line: a command by name, or a message that was found with who and when in words."""

    command: str = ""
    hit: Hit | None = None
    head: str = ""


class HitDelegate(QStyledItemDelegate):
    """Commands look as in any list; a message has its author, moment and conversation above its words."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """A command has one line; a message has the lines that its excerpt needs."""
        choice = index.data(ENTRY)
        if choice is None or choice.hit is None:
            return super().sizeHint(option, index)
        view = option.widget
        width = view.viewport().width() if hasattr(view, "viewport") else option.rect.width()
        return QSize(
            0,
            round(self._head_height(option.font) + self._excerpt(choice.hit, option.font, width).height)
            + self._gap(3),
        )

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Draw the ground of the style, then the message upon it."""
        choice = index.data(ENTRY)
        if choice is None or choice.hit is None:
            super().paint(painter, option, index)
            return
        empty = QStyleOptionViewItem(option)
        empty.text = ""
        style = option.widget.style()
        style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, empty, painter, option.widget)
        left, top = option.rect.left() + self._indent(), option.rect.top() + self._gap(1)
        icon = self._theme.icons.icon("message-circle", self._theme.color("accent"), self._gap(4))
        icon.paint(painter, option.rect.left() + self._gap(2), top, self._gap(4), self._gap(4))
        width = option.rect.width() - self._indent() - self._gap(2)
        painter.save()
        painter.setFont(option.font)
        painter.setPen(self._theme.color("text2"))
        head = QRectF(left, top, width, self._head_height(option.font))
        shown = QFontMetricsF(option.font).elidedText(choice.head, Qt.TextElideMode.ElideRight, width)
        draw_line(painter, head, shown, Qt.AlignmentFlag.AlignLeft)
        excerpt = self._excerpt(choice.hit, option.font, option.rect.width())
        excerpt.paint(painter, QPointF(left, head.bottom()), self._theme.color("text"))
        painter.restore()

    def _excerpt(self, hit: Hit, font: QFont, width: float) -> CueText:
        text = re.sub(r"\s", " ", hit.excerpt)  # one for one, so that the marks keep their places
        room = width - self._indent() - self._gap(2)
        return CueText(self._theme, text, merged(hit.matches), font, room, max_lines=LINES)

    @staticmethod
    def _head_height(font: QFont) -> float:
        return QFontMetricsF(font).height() * 1.3

    def _indent(self) -> int:
        return self._gap(8)

    def _gap(self, quarters: int) -> int:
        return self._theme.px(4 * quarters)
