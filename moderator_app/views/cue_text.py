"""Text with its cue phrases on a soft fill and underlined, laid out and painted."""

import unicodedata
from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QTextCharFormat,
    QTextLayout,
    QTextOption,
)

from moderator_app.desk.rows import Cue, Span
from moderator_app.views.theme import Theme


class CueText:
    """One text laid out at one width. `height` is what it needs; `why` answers for a point in it."""

    def __init__(
        self,
        theme: Theme,
        text: str,
        spans: Sequence[Span | Cue],
        font: QFont,
        width: float,
        *,
        line_height: float = 1.32,
        max_lines: int = 0,
    ) -> None:
        self._text = text.replace("\r", " ").replace("\n", "\u2028")
        self._spans = spans
        self._font = font
        self._width = max(width, 1.0)
        self._step = QFontMetricsF(font).height() * line_height
        self._lead = (self._step - QFontMetricsF(font).height()) / 2
        self._layout = self._laid_out(theme, self._text)
        if 0 < max_lines < self._layout.lineCount():
            self._layout = self._laid_out(theme, self._cut(max_lines))
        self.height = self._layout.lineCount() * self._step

    def paint(self, painter: QPainter, where: QPointF, colour: QColor) -> None:
        """Draw from the top left corner given."""
        painter.setPen(colour)
        self._layout.draw(painter, where)

    def why(self, point: QPointF) -> int | None:
        """The number of the cue under a point, counted from the top left corner."""
        index = int(point.y() // self._step)
        if not 0 <= index < self._layout.lineCount():
            return None
        line = self._layout.lineAt(index)
        if not line.naturalTextRect().adjusted(0, -4, 0, 4).contains(point):
            return None
        position = line.xToCursor(point.x())
        for number, (start, end) in enumerate(self._units()):
            if start <= position < end:
                return number
        return None

    def _units(self) -> list[tuple[int, int]]:
        """The spans in UTF-16 units, which is how Qt counts characters."""
        if not self._spans:
            return []
        places = [0]
        for character in self._text:
            places.append(places[-1] + (2 if ord(character) > 0xFFFF else 1))  # noqa: PLR2004 - BMP
        top = len(self._text)
        return [
            (places[min(max(span.start, 0), top)], places[min(max(span.end, 0), top)]) for span in self._spans
        ]

    def _laid_out(self, theme: Theme, text: str) -> QTextLayout:
        layout = QTextLayout(text, self._font)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        option.setTextDirection(Qt.LayoutDirection.LayoutDirectionAuto)
        layout.setTextOption(option)
        if self._spans:
            layout.setFormats(self._formats(theme, len(text.encode("utf-16-le")) // 2))
        layout.beginLayout()
        y = 0.0
        while (line := layout.createLine()).isValid():
            line.setLineWidth(self._width)
            line.setPosition(QPointF(0, y + self._lead))
            y += self._step
        layout.endLayout()
        return layout

    def _formats(self, theme: Theme, top: int) -> list[QTextLayout.FormatRange]:
        ranges: list[QTextLayout.FormatRange] = []
        for start, end in self._units():
            if start >= min(end, top):
                continue
            marked = QTextLayout.FormatRange()
            marked.start, marked.length = start, min(end, top) - start
            shape = QTextCharFormat()
            shape.setBackground(theme.color("cue"))
            shape.setForeground(theme.color("text"))
            shape.setUnderlineStyle(QTextCharFormat.UnderlineStyle.SingleUnderline)
            shape.setUnderlineColor(theme.color("cue_line"))
            marked.format = shape
            ranges.append(marked)
        return ranges

    def _cut(self, max_lines: int) -> str:
        """The text up to the last line allowed, which ends in dots."""
        units = self._text.encode("utf-16-le")
        start = self._layout.lineAt(max_lines - 1).textStart() * 2
        head = units[:start].decode("utf-16-le")
        rest = units[start:].decode("utf-16-le").replace("\u2028", " ")
        elide = QFontMetricsF(self._font).elidedText
        return head + elide(rest, Qt.TextElideMode.ElideRight, self._width)


def merged(spans: Sequence[Span]) -> list[Span]:
    """Spans in order without overlaps, for painting."""
    ordered = sorted(spans, key=lambda span: (span.start, span.end))
    result: list[Span] = []
    for span in ordered:
        if result and span.start <= result[-1].end:
            result[-1] = Span(result[-1].start, max(result[-1].end, span.end))
        else:
            result.append(span)
    assert all(a.end < b.start for a, b in pairwise(result))
    return result


def round_box(painter: QPainter, where: QRectF, radius: float, fill: QColor, edge: QColor) -> None:
    """A flat box with round corners and a one-pixel edge."""
    painter.setPen(edge)
    painter.setBrush(fill)
    painter.drawRoundedRect(where.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)


def draw_line(painter: QPainter, where: QRectF, text: str, side: Qt.AlignmentFlag) -> None:
    """One line at an absolute side; its own letters decide in which direction it reads."""
    option = QTextOption(side | Qt.AlignmentFlag.AlignAbsolute | Qt.AlignmentFlag.AlignVCenter)
    option.setTextDirection(_reads(text))
    option.setWrapMode(QTextOption.WrapMode.NoWrap)
    painter.drawText(where, text, option)


def _reads(text: str) -> Qt.LayoutDirection:
    """The direction of the first letter that has one."""
    for letter in text:
        kind = unicodedata.bidirectional(letter)
        if kind in ("R", "AL"):
            return Qt.LayoutDirection.RightToLeft
        if kind == "L":
            break
    return Qt.LayoutDirection.LeftToRight
