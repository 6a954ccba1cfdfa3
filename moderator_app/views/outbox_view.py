"""What is waiting to leave: its state, and the way to take it back or to try again."""

from functools import partial

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from moderator_app.desk import actions
from moderator_app.desk.rows import ActionState, OutboxRow
from moderator_app.views import words
from moderator_app.views.dialogs import Sheet
from moderator_app.views.runner import Runner
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Button, EmptyState, Label, Pill, box, column

SHOWN = 40
TABLES = frozenset({"action"})
HUES = {
    ActionState.FAILED: "red",
    ActionState.UNKNOWN: "amber",
    ActionState.UNSURE: "amber",
    ActionState.HELD: "teal",
}


class OutboxView(Sheet):
    """Everything that has not arrived yet, oldest first; it follows the store while it is open."""

    item_wanted = Signal(int)

    def __init__(self, theme: Theme, runner: Runner, parent: QWidget) -> None:
        super().__init__(theme, parent)
        self.ask(self.tr("Outbox"), self.tr("Done"))
        self._runner = runner
        self.cancel.hide()
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.body.addWidget(self._scroll, 1)
        self.resize(theme.px(620), theme.px(520))
        self._rows: list[OutboxRow] | None = None
        runner.changed.connect(self._changed)
        self._read()

    @Slot(object)
    def _changed(self, tables: frozenset[str]) -> None:
        if tables & TABLES:
            self._read()

    def _read(self) -> None:
        answer = self._runner.ask(actions.outbox)
        self._runner.latest("outbox", answer).then(self.show_rows)

    def show_rows(self, rows: list[OutboxRow]) -> None:
        """Show what waits."""
        if rows == self._rows:
            return
        self._rows = rows
        page = QWidget()
        px = self.theme.px
        inside = column(page, (0, 0, px(8), 0), px(8))
        for row in rows[:SHOWN]:
            inside.addWidget(self._card(row))
        if not rows:
            title = self.tr("Everything has left.")
            text = self.tr("Replies stay here for ten seconds, so that you can take them back.")
            inside.addWidget(EmptyState(self.theme, "send", title, text), 1)
        else:
            inside.addStretch()
        self._scroll.setWidget(page)

    def _card(self, row: OutboxRow) -> QFrame:
        px = self.theme.px
        card = box("true")
        line = QHBoxLayout(card)
        line.setContentsMargins(px(14), px(10), px(10), px(10))
        line.setSpacing(px(10))
        texts = QVBoxLayout()
        texts.setSpacing(px(3))
        head = self.tr("{what}: {title}").format(what=self._what(row), title=row.title)
        texts.addWidget(Label(head, "strong", wrap=True))
        if row.text:
            shown = row.text if len(row.text) <= 160 else f"{row.text[:158].rstrip()}…"  # noqa: PLR2004 - about two lines
            texts.addWidget(Label(shown, "body", "2", wrap=True))
        if row.trouble:
            texts.addWidget(Label(row.trouble, "meta", "warn", wrap=True))
        pill = Pill(self._state(row), HUES.get(row.state, "neutral"))
        texts.addWidget(pill)
        line.addLayout(texts, 1)
        self._buttons(row, head, line)
        return card

    def _buttons(self, row: OutboxRow, head: str, line: QHBoxLayout) -> None:
        spoken = self.tr("{button}: {what}")
        if row.state is ActionState.HELD:
            name = self.tr("Undo")
            undo = Button(self.theme, name, "undo-2", "", spoken.format(button=name, what=head))
            undo.clicked.connect(lambda: self._runner.do(actions.undo, row.action_id))
            line.addWidget(undo)
        if row.state is ActionState.UNKNOWN or (row.state is ActionState.HELD and row.tries):
            name = self.tr("Try again")
            again = Button(self.theme, name, "", "", spoken.format(button=name, what=head))
            again.clicked.connect(lambda: self._runner.do(actions.retry, row.action_id))
            line.addWidget(again)
        if row.state is ActionState.UNSURE:
            self._ask_somebody(row, head, line)
        if row.item_id is not None:
            name = self.tr("Open")
            item_id = row.item_id
            go = Button(self.theme, name, "", "quiet", spoken.format(button=name, what=head))
            go.clicked.connect(lambda: self._open(item_id))
            line.addWidget(go)

    def _ask_somebody(self, row: OutboxRow, head: str, line: QHBoxLayout) -> None:
        """Neither a key nor a look-up tells: somebody looks on the platform and says what is there."""
        for name, arrived in ((self.tr("It is there"), True), (self.tr("Send it again"), False)):
            spoken = self.tr("{button}: {what}").format(button=name, what=head)
            button = Button(self.theme, name, "", "", spoken)
            answer = partial(self._runner.do, actions.answer_unsure, row.action_id, arrived=arrived)
            button.clicked.connect(lambda _=False, tell=answer: tell())
            line.addWidget(button)

    def _open(self, item_id: int) -> None:
        self.item_wanted.emit(item_id)
        self.accept()

    def _what(self, row: OutboxRow) -> str:
        return words.deed(row.kind)

    def _state(self, row: OutboxRow) -> str:
        return {
            ActionState.HELD: self.tr("Waiting to leave"),
            ActionState.SENT: self.tr("Being sent"),
            ActionState.UNKNOWN: self.tr("No answer yet; looking whether it arrived"),
            ActionState.UNSURE: self.tr("Look on the platform: nothing here can tell whether it arrived"),
            ActionState.FAILED: self.tr("Refused; the words are a draft again"),
        }.get(row.state, "")
