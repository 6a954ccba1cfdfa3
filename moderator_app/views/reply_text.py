"""The field a reply is written in: blanks stand out and Tab goes to the next one."""

from collections.abc import Sequence

from PySide6.QtCore import QMimeData, QRegularExpression, Signal, Slot
from PySide6.QtGui import (
    QFocusEvent,
    QSyntaxHighlighter,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)
from PySide6.QtWidgets import QPlainTextEdit

from moderator_app.desk.rows import Check
from moderator_app.views import clipboard
from moderator_app.views.theme import Theme

BLANK = QRegularExpression(r"\{[a-z_]+\}")
LINES = 4


class Marks(QSyntaxHighlighter):
    """Paints blanks and the places that remarks are about."""

    def __init__(self, theme: Theme, document: QTextDocument) -> None:
        super().__init__(document)
        self._theme = theme
        self._places: list[tuple[int, int]] = []
        theme.changed.connect(self.rehighlight)

    def mark(self, places: list[tuple[int, int]]) -> None:
        """Mark these stretches, in UTF-16 units of the whole text."""
        if places != self._places:
            self._places = places
            self.rehighlight()

    def highlightBlock(self, text: str) -> None:
        begin = self.currentBlock().position()
        warned = QTextCharFormat()
        warned.setBackground(self._theme.color("cue"))
        warned.setForeground(self._theme.color("text"))
        warned.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
        warned.setUnderlineColor(self._theme.color("cue_line"))
        for start, end in self._places:
            first, last = max(start - begin, 0), min(end - begin, len(text) * 2)
            if first < last:
                self.setFormat(first, last - first, warned)
        blank = QTextCharFormat()
        blank.setBackground(self._theme.color("accent_soft"))
        blank.setForeground(self._theme.color("accent_text"))
        blank.setFontWeight(600)
        found = BLANK.globalMatch(text)
        while found.hasNext():
            one = found.next()
            self.setFormat(one.capturedStart(), one.capturedLength(), blank)


class ReplyText(QPlainTextEdit):
    """Plain text. Tab selects the next blank; without blanks it leaves the field."""

    left = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setProperty("kind", "reply")
        self.setProperty("role", "message")
        self.setTabChangesFocus(True)
        self._marks = Marks(theme, self.document())
        theme.changed.connect(self.restyle)
        self.restyle()

    @Slot()
    def restyle(self) -> None:
        font = self._theme.font("message")
        self.document().setDefaultFont(font)
        self.setFixedHeight(self.fontMetrics().lineSpacing() * LINES + self._theme.px(18))

    def show_remarks(self, remarks: Sequence[Check]) -> None:
        """Mark the places that remarks are about."""
        text = self.toPlainText()
        self._marks.mark(
            [
                (units(text, remark.start), units(text, remark.end))
                for remark in remarks
                if remark.end > remark.start and remark.rule != "O05"
            ]
        )

    def replace(self, start: int, end: int, words: str) -> None:
        """Put other words in a place; one undo step."""
        text = self.toPlainText()
        cursor = self.textCursor()
        cursor.setPosition(units(text, start))
        cursor.setPosition(units(text, end), QTextCursor.MoveMode.KeepAnchor)
        cursor.insertText(words)

    def next_blank(self, *, back: bool = False) -> bool:
        """Select the next blank, round and round; false where there is none."""
        flag = QTextDocument.FindFlag.FindBackward if back else QTextDocument.FindFlag(0)
        start = self.textCursor()
        found = self.document().find(BLANK, start, flag)
        if found.isNull():
            again = QTextCursor(self.document())
            if back:
                again.movePosition(QTextCursor.MoveOperation.End)
            found = self.document().find(BLANK, again, flag)
        if found.isNull():
            return False
        self.setTextCursor(found)
        return True

    def focusNextPrevChild(self, next: bool) -> bool:  # noqa: A002 - Qt's own name
        """Tab goes to the next blank while there is one, then out of the field."""
        return (next and self.next_blank()) or super().focusNextPrevChild(next)

    def createMimeDataFromSelection(self) -> QMimeData:
        """What is copied or dragged from here is marked from the start."""
        return clipboard.sensitive(self.textCursor().selection().toPlainText())

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()


def units(text: str, place: int) -> int:
    """A place in Python's characters as Qt counts them."""
    return len(text[:place].encode("utf-16-le")) // 2
