"""The connected accounts: how each is, what can be done on its platform, and the ways to mend or end it."""

from typing import Protocol

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from moderator_app.desk import accounts, actions
from moderator_app.desk.rows import AccountRow
from moderator_app.views import words
from moderator_app.views.dialogs import Sheet
from moderator_app.views.runner import Answer, Runner
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Button, EmptyState, Label, Pill, box, column

TABLES = frozenset({"account", "action"})
HUES = {
    "ok": "green",
    "syncing": "teal",
    "waiting": "amber",
    "offline": "amber",
    "sign_in": "crisis",
    "new": "neutral",
}


class AccountActions(Protocol):
    """What the sheet asks of the program around it."""

    def connect_account(self) -> None: ...
    def sign_in(self, account_id: int) -> None: ...
    def remove_account(self, account_id: int, *, erase: bool) -> Answer[bool]: ...


class AccountsSheet(Sheet):
    """Every account with its health and last good pull; it follows the store while it is open."""

    def __init__(self, theme: Theme, parent: QWidget, runner: Runner, program: AccountActions) -> None:
        super().__init__(theme, parent)
        self.ask(self.tr("Accounts"), self.tr("Connect an account"))
        self.cancel.set_text(self.tr("Close"))
        self._runner, self._program = runner, program
        self._open: set[int] = set()  # accounts whose abilities are unfolded
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.body.addWidget(self._scroll, 1)
        self.deed.clicked.disconnect()
        self.deed.clicked.connect(program.connect_account)
        self.resize(theme.px(680), theme.px(560))
        self._rows: list[AccountRow] | None = None
        runner.changed.connect(self._changed)
        self._read()

    @Slot(object)
    def _changed(self, tables: frozenset[str]) -> None:
        if tables & TABLES:
            self._read()

    def _read(self) -> None:
        self._runner.latest("accounts", self._runner.ask(accounts.rows)).then(self.show_rows)

    def show_rows(self, rows: list[AccountRow]) -> None:
        """Show how every account is."""
        if rows != self._rows:
            self._rows = rows
            self._build()

    def _build(self) -> None:
        px = self.theme.px
        page = QWidget()
        inside = column(page, (0, 0, px(8), 0), px(10))
        for row in self._rows or ():
            inside.addWidget(self._card(row))
        if not self._rows:
            title = self.tr("No account is connected.")
            text = self.tr("Messages are read into an encrypted file on this machine.")
            inside.addWidget(EmptyState(self.theme, "plug", title, text), 1)
        else:
            inside.addStretch()
        self._scroll.setWidget(page)

    def _card(self, row: AccountRow) -> QFrame:
        px = self.theme.px
        card = box("true")
        inside = column(card, (px(14), px(12), px(12), px(12)), px(8))
        head = QHBoxLayout()
        head.setSpacing(px(10))
        name = row.name or row.handle
        title = self.tr("{name}, {handle} on {platform}")
        said = title.format(name=name, handle=row.handle, platform=row.platform)
        head.addWidget(Label(said, "strong", wrap=True), 1)
        head.addWidget(Pill(words.health(row, self._runner.desk.clock.now()), HUES[row.health]))
        inside.addLayout(head)
        for fact in self._facts(row):
            inside.addWidget(Label(fact, "meta", "2", wrap=True))
        if row.account_id in self._open:
            self._abilities(row, inside)
        inside.addLayout(self._buttons(row, name))
        return card

    def _facts(self, row: AccountRow) -> list[str]:
        now = self._runner.desk.clock.now()
        pulled = words.ago(row.last_pull_at, now) if row.last_pull_at else self.tr("never")
        facts = [self.tr("Last good pull: {when}. %n message(s).", "", row.messages).format(when=pulled)]
        if row.waiting_to_send:
            facts.append(self.tr("%n action(s) wait to leave; they are kept.", "", row.waiting_to_send))
        if row.budget is not None and row.budget.resets_at > now:
            told = self.tr("{used} of {most} units of the platform are used; they begin anew {when}.")
            used, most = words.number(row.budget.used), words.number(row.budget.most)
            facts.append(told.format(used=used, most=most, when=words.when(row.budget.resets_at, now)))
        if row.skipped:
            facts.append(self.tr("%n record(s) of the platform could not be read.", "", row.skipped))
        return facts

    def _abilities(self, row: AccountRow, inside: QVBoxLayout) -> None:
        can, cannot = [], []
        for kind, effect in actions.KINDS.items():
            if effect.verb is None:
                continue
            why = row.verbs.get(effect.verb.value, self.tr("the platform was not asked yet"))
            if why:
                cannot.append(self.tr("{what}: {why}").format(what=words.deed(kind), why=why))
            else:
                can.append(words.deed(kind))
        possible = self.tr("Possible: {what}.").format(what=self.tr("; ", "between deeds").join(can))
        inside.addWidget(Label(possible, "meta", wrap=True))
        if cannot:
            inside.addWidget(Label(self.tr("Not possible here"), "strong"))
            inside.addWidget(Label("\n".join(cannot), "meta", "2", wrap=True))

    def _buttons(self, row: AccountRow, name: str) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(self.theme.px(8))
        spoken = self.tr("{button}: {what}")
        unfolded = row.account_id in self._open
        what = self.tr("Hide what can be done") if unfolded else self.tr("What can be done here")
        able = Button(self.theme, what, "", "quiet", spoken.format(button=what, what=name))
        able.clicked.connect(lambda: self._unfold(row.account_id))
        line.addWidget(able)
        line.addStretch()
        again = Button(self.theme, self.tr("Sign in again"), "lock")
        again.setAccessibleName(spoken.format(button=again.text(), what=name))
        again.clicked.connect(lambda: self._program.sign_in(row.account_id))
        line.addWidget(again)
        remove = Button(self.theme, self.tr("Remove…"), "trash-2", "alarm")
        remove.setAccessibleName(spoken.format(button=remove.text(), what=name))
        remove.clicked.connect(lambda: self._ask_removal(row))
        line.addWidget(remove)
        return line

    def _unfold(self, account_id: int) -> None:
        self._open ^= {account_id}
        self._build()

    def _ask_removal(self, row: AccountRow) -> None:
        sheet = RemoveSheet(self.theme, self, row)
        sheet.accepted.connect(
            lambda: self._program.remove_account(row.account_id, erase=sheet.erase.isChecked())
        )
        sheet.open()


class RemoveSheet(Sheet):
    """Whether to stop reading an account, and whether what it brought goes, too."""

    def __init__(self, theme: Theme, parent: QWidget, row: AccountRow) -> None:
        super().__init__(theme, parent)
        title = self.tr("Remove {name} on {platform}?").format(
            name=row.name or row.handle, platform=row.platform
        )
        self.ask(title, self.tr("Remove"), window=self.tr("Remove an account"))
        text = self.tr("Its password and tokens are destroyed on this machine, and nothing more is fetched.")
        self.body.addWidget(Label(text, "body", wrap=True))
        if row.waiting_to_send:
            waits = self.tr("%n action(s) that wait to leave will not leave.", "", row.waiting_to_send)
            self.body.addWidget(Label(waits, "body", "alarm", wrap=True))
        many = self.tr("Also ask for the erasure of its %n message(s)", "", row.messages)
        self.erase = QCheckBox(many)
        self.body.addWidget(self.erase)
        about = self.tr("An erasure goes ahead once a second person has confirmed it, under Privacy.")
        self.body.addWidget(Label(about, "meta", "2", wrap=True))
        self.cancel.setFocus()
