"""The one place that turns an error into words, and offers to take an action back."""

import logging
import platform
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from PySide6.QtCore import QEvent, QObject, QTimer, Signal, Slot
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

import moderator_app
from moderator_app import process
from moderator_app.desk import actions
from moderator_app.desk.desk import Clock
from moderator_app.desk.rows import ActionKind, Recorded, Undone
from moderator_app.errors import Cancelled, ForTheModerator
from moderator_app.views import clipboard, words
from moderator_app.views.dialogs import Sheet
from moderator_app.views.runner import Runner
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Button, Glyph, Label

SHOWN_S = 8
log = logging.getLogger(__name__)


class Toast(QFrame):
    """One sentence at the foot of the window, with what can be done about it and the time left."""

    def __init__(self, theme: Theme, clock: Clock, window: QWidget) -> None:
        super().__init__(window)
        self.setProperty("box", "toast")
        self._theme, self._clock, self._window = theme, clock, window
        self._ends: datetime | None = None
        self._counting = False
        self._run: Callable[[], object] = int
        row = QHBoxLayout(self)
        px = theme.px
        row.setContentsMargins(px(16), px(10), px(10), px(10))
        row.setSpacing(px(12))
        self._glyph = Glyph(theme, "info", "on_inverse", 18)
        texts = QVBoxLayout()
        texts.setSpacing(px(1))
        self.sentence = Label("", "strong", wrap=False)
        self.remedy = Label("", "meta", wrap=False)
        texts.addWidget(self.sentence)
        texts.addWidget(self.remedy)
        self.left = Label("", "meta")
        self.button = Button(theme, "", "", "toast")
        self.button.clicked.connect(self._pressed)
        self.close_button = Button(theme, "", "x", "toast", self.tr("Dismiss the notice"))
        self.close_button.clicked.connect(self.hide)
        row.addWidget(self._glyph)
        row.addLayout(texts)
        row.addWidget(self.left)
        row.addWidget(self.button)
        row.addWidget(self.close_button)
        self._second = QTimer(self, interval=500)
        self._second.timeout.connect(self._tick)
        window.installEventFilter(self)
        self.hide()

    def say(
        self,
        sentence: str,
        remedy: str = "",
        *,
        icon: str = "info",
        button: str = "",
        run: Callable[[], object] | None = None,
        until: datetime | None = None,
        stays: bool = False,
    ) -> None:
        """Show a notice; it goes by itself unless it `stays`."""
        now = self._clock.now()
        self._glyph.show_icon(icon)
        self.sentence.setText(sentence)
        self.remedy.setText(remedy)
        self.remedy.setVisible(bool(remedy))
        self.button.setVisible(run is not None)
        self.button.set_text(button)
        self._run = run or int
        self._counting = until is not None
        self._ends = None if stays else until or now + timedelta(seconds=SHOWN_S)
        self._tick()
        self.show()
        self.raise_()
        self._place()
        self._second.start()
        announce(self, f"{sentence} {remedy}".strip())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay at the foot of the window."""
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        window = self._window
        room = window.width() - self._theme.px(48)
        for label in (self.sentence, self.remedy):
            label.setWordWrap(False)
        if self.sizeHint().width() > room:
            for label in (self.sentence, self.remedy):
                label.setWordWrap(True)
                label.setMinimumWidth(max(room - self._theme.px(220), self._theme.px(120)))
        else:
            for label in (self.sentence, self.remedy):
                label.setMinimumWidth(0)
        self.adjustSize()
        self.resize(min(self.width(), room), self.sizeHint().height())
        # Over the list: in the middle it would cover what sends a reply.
        start = min(self._theme.px(236), (window.width() - self.width()) // 2)
        left = window.width() - start - self.width() if self.isRightToLeft() else start
        self.move(left, window.height() - self.height() - self._theme.px(20))

    @Slot()
    def _tick(self) -> None:
        if self._ends is None:
            self.left.hide()
            return
        left = (self._ends - self._clock.now()).total_seconds()
        self.left.setVisible(self._counting)
        if self._counting:
            self.left.setText(self.tr("%n s left", "", max(int(left + 0.99), 0)))
        if left <= 0 and not self.button.hasFocus():
            self._second.stop()
            self.hide()
        elif left <= 0:
            self.button.setVisible(not self._counting)

    @Slot()
    def _pressed(self) -> None:
        self.hide()
        self._run()


class BugSheet(Sheet):
    """What went wrong in the program, without a word of anybody's message."""

    def __init__(self, theme: Theme, parent: QWidget, report: str) -> None:
        super().__init__(theme, parent)
        self.ask(self.tr("Something went wrong in Hearthlight"), self.tr("Copy the report"))
        text = self.tr(
            "Your drafts and everything that was recorded are safe. "
            "This report holds no message and no name; you may pass it on."
        )
        self.body.addWidget(Label(text, "body", wrap=True))
        self.report = QPlainTextEdit(report)
        self.report.setReadOnly(True)
        self.report.setTabChangesFocus(True)
        self.field(self.tr("Report"), self.report)
        self.deed.clicked.connect(self._copied)
        self.cancel.set_text(self.tr("Go on"))
        self.resize(theme.px(560), theme.px(420))

    @Slot()
    def _copied(self) -> None:
        clipboard.copy(self.report.toPlainText())


class Notices(QObject):
    """Says what happened, once, in place."""

    undone = Signal(object)  # an Undone

    def __init__(self, theme: Theme, runner: Runner, window: QWidget) -> None:
        super().__init__(window)
        self._theme, self._runner, self._window = theme, runner, window
        self.toast = Toast(theme, runner.desk.clock, window)
        self._bug: BugSheet | None = None
        self._warned = ""
        runner.trouble.connect(self.tell)

    def say(self, sentence: str, remedy: str = "") -> None:
        """Say something that needs no answer."""
        self.toast.say(sentence, remedy)

    def offer_undo(self, recorded: Recorded, sentence: str = "") -> None:
        """Say what was done, with Undo; a held one shows how long that is possible."""
        self.toast.say(
            sentence or words.verb(recorded.kind),
            icon="check",
            button=self.tr("Undo"),
            run=lambda: self.undo(recorded.action_id),
            until=recorded.undo_until,
        )

    def warn_lock(self, seconds: int) -> None:
        """Say that the screen is about to be locked; `spare` takes the sentence away."""
        told = self.tr("Locking in %n s. Any key keeps it open.", "", seconds)
        until = self._runner.desk.clock.now() + timedelta(seconds=seconds)
        self.toast.say(told, icon="lock-keyhole", until=until)
        self._warned = told

    def spare(self) -> None:
        """Somebody is there: the warning goes."""
        if self._warned and self.toast.sentence.text() == self._warned:
            self.toast.hide()
        self._warned = ""

    def undo(self, action_id: UUID) -> None:
        """Take one action back."""
        self._runner.do(actions.undo, action_id).then(self._undone)

    def undo_last(self) -> None:
        """Take my newest action back."""
        self._runner.do(actions.undo_last).then(self._undone)

    @Slot(object)
    def tell(self, error: BaseException) -> None:
        """Turn an error into words."""
        if isinstance(error, Cancelled):
            return
        if isinstance(error, ForTheModerator):
            sentence, remedy = words.trouble(error)
            self.toast.say(sentence, remedy, icon="circle-alert")
            return
        log.error("a bug", exc_info=error)
        if self._bug is None:
            self._bug = BugSheet(self._theme, self._window, report_of(error))
            self._bug.destroyed.connect(self._bug_read)
            self._bug.open()

    def _undone(self, found: Undone | None) -> None:
        if found is None:
            self.toast.say(self.tr("There is nothing to take back."))
            return
        told = self.tr("Taken back: {what}")
        if found.kind is ActionKind.REPLY and found.text:
            told = self.tr("The reply did not leave. Its words are back in the box.")
        self.toast.say(told.format(what=words.verb(found.kind)), icon="undo-2")
        self.undone.emit(found)

    @Slot()
    def _bug_read(self) -> None:
        self._bug = None


def report_of(error: BaseException) -> str:
    """Where a bug is, for whoever mends it. Never the text of the error, which may hold words."""
    head = f"Hearthlight {moderator_app.__version__}, Python {platform.python_version()}"
    return "\n".join([head, platform.system(), *process.places(error)])


def announce(widget: QWidget, text: str) -> None:
    """Have a screen reader say something without moving the focus."""
    if text:
        event = QAccessibleAnnouncementEvent(widget, text)
        event.setPoliteness(QAccessible.AnnouncementPoliteness.Polite)
        QAccessible.updateAccessibility(event)
