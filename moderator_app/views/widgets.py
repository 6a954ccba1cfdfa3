"""Small widgets that every screen shares."""

import re
import zlib
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QTableWidget,
    QVBoxLayout,
    QWidget,
)

from moderator_app.desk.rows import Level
from moderator_app.views import words
from moderator_app.views.icons import paint_level
from moderator_app.views.theme import Theme


class Label(QLabel):
    """Plain text in one of the type roles; never rich text, so no message can bring markup."""

    def __init__(self, text: str = "", role: str = "control", tone: str = "", *, wrap: bool = False) -> None:
        super().__init__(text)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self.setProperty("tone", tone)
        self.setWordWrap(wrap)

    def set_tone(self, tone: str) -> None:
        """Change the colour by its meaning."""
        if self.property("tone") != tone:
            self.setProperty("tone", tone)
            repolish(self)


class ElidedLabel(Label):
    """One line that ends in dots where the room ends; the tip has the whole."""

    def minimumSizeHint(self) -> QSize:
        return QSize(self.fontMetrics().averageCharWidth() * 4, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        del event
        painter = QPainter(self)
        inside = self.contentsRect()
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, inside.width())
        self.setToolTip(self.text() if text != self.text() else "")
        painter.setPen(self.palette().color(self.foregroundRole()))
        flags = self.alignment() | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
        painter.drawText(inside, int(flags), text)


class Pill(Label):
    """A word on a soft fill."""

    def __init__(self, text: str = "", hue: str = "neutral") -> None:
        super().__init__(text, "caption")
        self.setProperty("pill", hue)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Maximum)

    def show_level(self, level: Level) -> None:
        """Become the pill of a level."""
        self.show_word(words.level(level), level.name.lower())

    def show_word(self, text: str, hue: str) -> None:
        """Change word and meaning."""
        self.setText(text)
        if self.property("pill") != hue:
            self.setProperty("pill", hue)
            repolish(self)


class Button(QPushButton):
    """A push button whose icon follows the scheme. Its name for screen readers is never empty."""

    TONES = {  # noqa: RUF012 - read only
        "primary": "on_accent",
        "quiet": "text2",
        "toast": "on_inverse",
        "link": "accent",
        "next": "accent",
    }

    def __init__(self, theme: Theme, text: str, icon: str = "", kind: str = "", name: str = "") -> None:
        super().__init__(text)
        self._theme = theme
        self._icon = icon
        self.setProperty("kind", kind)
        self.setAccessibleName(name or text)
        if kind == "icon":
            self.setToolTip(name)
        self.setAutoDefault(False)
        theme.changed.connect(self.restyle)
        self.restyle()

    def set_icon(self, icon: str) -> None:
        """Show another icon."""
        self._icon = icon
        self.restyle()

    def set_text(self, text: str) -> None:
        """Change the words, spoken and seen."""
        self.setText(text)
        self.setAccessibleName(text)
        self.restyle()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LayoutDirectionChange:
            self.restyle()

    @Slot()
    def restyle(self) -> None:
        """Take icon and sizes from the theme."""
        if not self._icon:
            return
        size = self._theme.px(16)
        kind = str(self.property("kind") or "")
        colour = self._theme.color(self.TONES.get(kind, "text"))
        if kind == "alarm":
            colour = QColor(self._theme.tokens.red.text)
        # The style leaves four pixels between icon and words; the rest of the gap is in the picture.
        gap = self._theme.px(5) if self.text() else 0
        off = self._theme.color("text3")
        mirrored = self.isRightToLeft()
        self.setIcon(self._theme.icons.icon(self._icon, colour, size, off, gap, mirrored=mirrored))
        self.setIconSize(QSize(size + gap, size))


class Choice(QComboBox):
    """A combo box with our own arrow: a style sheet can only show one from a file of one colour."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        side, gap = self._theme.px(16), self._theme.px(10)
        left = gap if self.isRightToLeft() else self.width() - gap - side
        where = QRectF(left, (self.height() - side) / 2, side, side)
        colour = self._theme.color("text2")
        self._theme.icons.paint(QPainter(self), "chevron-down", colour, where)


class Glyph(QWidget):
    """An icon beside a text; silent for screen readers, because the text says it."""

    def __init__(self, theme: Theme, icon: str, tone: str = "text3", units: int = 16) -> None:
        super().__init__()
        self._theme = theme
        self._icon = icon
        self._tone = tone
        self._units = units
        theme.changed.connect(self.restyle)
        self.restyle()

    def show_icon(self, icon: str, tone: str = "") -> None:
        """Draw another icon."""
        self._icon = icon
        self._tone = tone or self._tone
        self.update()

    @Slot()
    def restyle(self) -> None:
        side = self._theme.px(self._units)
        self.setFixedSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        del event
        if self._icon:
            colour = hue_or_token(self._theme, self._tone)
            self._theme.icons.paint(QPainter(self), self._icon, colour, QRectF(self.rect()))


class _Square(QWidget):
    """A painted square whose side follows the text size."""

    def __init__(self, theme: Theme, units: int) -> None:
        super().__init__()
        self._theme = theme
        self._units = units
        theme.changed.connect(self.restyle)
        self.restyle()

    @Slot()
    def restyle(self) -> None:
        side = self._theme.px(self._units)
        self.setFixedSize(side, side)


class LevelMark(_Square):
    """The shape of a level; the word stands beside it."""

    def __init__(self, theme: Theme, level: Level = Level.GREEN, units: int = 16) -> None:
        super().__init__(theme, units)
        self._level = level

    def show_level(self, level: Level) -> None:
        self._level = level
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        del event
        mark = QColor(self._theme.tokens.level(self._level).mark)
        ground = self._theme.color("surface")
        paint_level(QPainter(self), self._level, QRectF(self.rect()), mark, ground)


class Avatar(_Square):
    """Initials on a colour that always is the same for the same name."""

    def __init__(self, theme: Theme, name: str = "", units: int = 34) -> None:
        super().__init__(theme, units)
        self._name = name

    def show_name(self, name: str) -> None:
        self._name = name
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        del event
        paint_avatar(QPainter(self), self._theme, self._name, QRectF(self.rect()))


class EmptyState(QWidget):
    """What an empty place says: one kind sentence and one quiet one."""

    def __init__(self, theme: Theme, icon: str, title: str = "", text: str = "") -> None:
        super().__init__()
        self.title = Label(title, "person", wrap=True)
        self.text = Label(text, "body", "2", wrap=True)
        column = QVBoxLayout(self)
        column.setSpacing(theme.px(8))
        column.addStretch(2)
        column.addWidget(Glyph(theme, icon, "accent", 36), 0, Qt.AlignmentFlag.AlignHCenter)
        for label in (self.title, self.text):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
            column.addWidget(label)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(theme.px(8))
        self._buttons.addStretch()
        self._buttons.addStretch()
        column.addLayout(self._buttons)
        column.addStretch(3)

    def add(self, button: QWidget) -> None:
        """A way out of the emptiness."""
        self._buttons.insertWidget(self._buttons.count() - 1, button)

    def say(self, title: str, text: str) -> None:
        self.title.setText(title)
        self.text.setText(text)


class Flow(QWidget):
    """A row of widgets that wraps. One of them may stand at the far end of its line.

    A widget and not a QLayout: PySide loses a reference to None each time a layout written in Python
    answers that there is no further item.
    """

    def __init__(self, gap: int = 8) -> None:
        super().__init__()
        self._children: list[QWidget] = []
        self._end: QWidget | None = None
        self._gap = gap
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def add(self, widget: QWidget, *, end: bool = False) -> None:
        """Put a widget at the end of the row."""
        widget.setParent(self)
        self._children.append(widget)
        if end:
            self._end = widget
        widget.show()
        self._settle()

    def set_gap(self, gap: int) -> None:
        """Change the room between widgets and lines."""
        self._gap = gap
        self._settle()

    def sizeHint(self) -> QSize:
        sizes = [self._size(child) for child in self._shown()]
        wide = sum(size.width() for size in sizes) + self._gap * max(len(sizes) - 1, 0)
        return QSize(wide, self.height())

    def minimumSizeHint(self) -> QSize:
        least = [child.minimumSizeHint().width() for child in self._shown()]
        return QSize(max(least, default=0), self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._settle()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self._settle()
        return super().event(event)

    def _settle(self) -> None:
        """Set the widgets and take the height that they need at this width."""
        high = self._place(self.width())
        if high != self.height() or high != self.minimumHeight():
            self.setFixedHeight(high)
        self.updateGeometry()

    def _shown(self) -> list[QWidget]:
        return [child for child in self._children if not child.isHidden()]

    def _size(self, child: QWidget) -> QSize:
        least, most = child.minimumSize(), child.maximumSize()
        return child.sizeHint().expandedTo(least).boundedTo(most)

    def _place(self, width: int) -> int:
        y = 0
        for line in self._lines(width):
            high = max(self._size(child).height() for child in line)
            self._set_line(line, y, high, width)
            y += high + self._gap
        return max(y - self._gap, 0)

    def _lines(self, width: int) -> list[list[QWidget]]:
        lines: list[list[QWidget]] = []
        used = 0
        for child in self._shown():
            wide = self._size(child).width()
            if not lines or used + self._gap + wide > width:
                lines.append([])
                used = -self._gap
            lines[-1].append(child)
            used += self._gap + wide
        return lines

    def _set_line(self, line: list[QWidget], y: int, high: int, width: int) -> None:
        x = 0
        for child in line:
            size = self._size(child)
            wide = min(size.width(), max(width, 1))
            if child is self._end:
                x = max(x, width - wide)
            left = width - x - wide if self.isRightToLeft() else x
            top = y + (high - size.height()) // 2
            child.setGeometry(left, top, wide, size.height())
            x += wide + self._gap


def hue_or_token(theme: Theme, name: str) -> QColor:
    """A token colour, or the mark of a hue where the name is one."""
    value = getattr(theme.tokens, name)
    return QColor(value if isinstance(value, str) else value.text)


def line() -> QFrame:
    """A hairline."""
    frame = QFrame()
    frame.setProperty("line", "true")
    return frame


def box(kind: str) -> QFrame:
    """A frame with one of the fills of the style sheet."""
    frame = QFrame()
    frame.setProperty("box", kind)
    return frame


def repolish(widget: QWidget) -> None:
    """Have the style sheet look at the widget's properties again."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()


def initials(name: str) -> str:
    """Two letters at most."""
    parts: list[str] = re.findall(r"[^\W_]+", name)
    if not parts:
        return "?"
    last = parts[-1][0] if len(parts) > 1 else ""
    return (parts[0][0] + last).upper()


def paint_avatar(painter: QPainter, theme: Theme, name: str, where: QRectF) -> None:
    """A round field with initials."""
    shades = theme.tokens.avatars
    fill, text = shades[zlib.crc32(name.encode()) % len(shades)]
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(theme.color("outline") if theme.tokens.contrast else Qt.PenStyle.NoPen)
    painter.setBrush(QColor(fill))
    painter.drawEllipse(where.adjusted(0.5, 0.5, -0.5, -0.5))
    font = theme.font("strong")
    font.setPointSizeF(font.pointSizeF() * where.width() / theme.px(38))
    painter.setFont(font)
    painter.setPen(QColor(text))
    painter.drawText(where, Qt.AlignmentFlag.AlignCenter, initials(name))
    painter.restore()


def column(widget: QWidget, margins: tuple[int, int, int, int], spacing: int) -> QVBoxLayout:
    """A column layout with its margins and spacing."""
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(*margins)
    layout.setSpacing(spacing)
    return layout


class Number(QSpinBox):
    """A whole number with its unit."""

    def __init__(self, theme: Theme, least: int, most: int, value: int, unit: str) -> None:
        super().__init__()
        self.setRange(least, most)
        self.setValue(value)
        self.setSuffix(unit)
        # A style sheet's padding does not reach the words of a spin box without its arrows.
        self.lineEdit().setTextMargins(theme.px(8), 0, theme.px(8), 0)


class Banner(QFrame):
    """A line across the window for what must stay in view: an icon, a sentence, and what to do about it."""

    def __init__(self, theme: Theme, hue: str, icon: str) -> None:
        super().__init__()
        px = theme.px
        whole = QHBoxLayout(self)
        whole.setContentsMargins(px(12), px(8), px(12), px(0))
        frame = box(hue)
        self.row = QHBoxLayout(frame)
        self.row.setContentsMargins(px(12), px(6), px(8), px(6))
        self.row.setSpacing(px(10))
        self.row.addWidget(Glyph(theme, icon, hue, 18))
        self.text = Label("", "control", wrap=True)
        self.row.addWidget(self.text, 1)
        whole.addWidget(frame)
        self.hide()


def table(name: str, columns: Sequence[str], *, wide: int = 0) -> QTableWidget:
    """A table to be read, row by row; the column `wide` takes the room that is left."""
    made = QTableWidget(0, len(columns))
    made.setHorizontalHeaderLabels(list(columns))
    made.setAccessibleName(name)
    made.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    made.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    made.setTabKeyNavigation(False)
    made.verticalHeader().hide()
    head = made.horizontalHeader()
    head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    head.setSectionResizeMode(wide, QHeaderView.ResizeMode.Stretch)
    head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    return made
