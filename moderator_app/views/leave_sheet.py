"""What would be lost with a session that leaves nothing, in numbers: stay, keep it, or leave."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QDialog, QWidget

from moderator_app.desk.passing import Stake
from moderator_app.views.dialogs import Sheet
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Button, Label


class LeaveSheet(Sheet):
    """Esc and the first button stay: leaving must be chosen."""

    keep_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget, stake: Stake) -> None:
        super().__init__(theme, parent)
        self.ask(self.tr("This session leaves nothing behind"), self.tr("Leave and lose it"))
        self.cancel.set_text(self.tr("Stay"))
        self.deed.setProperty("kind", "alarm")
        self.body.addWidget(Label(self.tr("With it would be lost:"), "body", wrap=True))
        self.lost = [line for number, line in self._lines(stake) if number]
        for line in self.lost:
            self.body.addWidget(Label(line, "strong", wrap=True))
        written = stake.drafts + stake.notes + stake.waiting
        text = self.tr(
            "What you wrote can be kept in your profile, encrypted, with the conversations it belongs to. "
            "Replies that could not leave become drafts there."
        )
        self.keep = Button(theme, self.tr("Keep what I wrote"), "", "primary")
        self.keep.clicked.connect(self._keep)
        self.keep.setVisible(bool(written))
        if written:
            self.body.addWidget(Label(text, "meta", "2", wrap=True))
        self.foot.insertWidget(self.foot.count() - 1, self.keep)
        self.foot.addWidget(self.deed)
        self.cancel.setFocus()

    def _lines(self, stake: Stake) -> list[tuple[int, str]]:
        return [
            (stake.drafts, self.tr("%n draft(s)", "", stake.drafts)),
            (stake.notes, self.tr("%n note(s)", "", stake.notes)),
            (
                stake.waiting,
                self.tr("%n repl(y|ies) or other action(s) that could not leave", "", stake.waiting),
            ),
            (
                stake.decisions,
                self.tr("%n conversation(s) that you took, escalated or put off", "", stake.decisions),
            ),
        ]

    @Slot()
    def _keep(self) -> None:
        self.done(_KEPT)
        self.keep_wanted.emit()


_KEPT = QDialog.DialogCode.Accepted.value + 1  # neither accepted nor rejected
