"""The questions of privacy: whom to erase, what to keep, who asked; and the second person's name."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from PySide6.QtCore import QDate, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QDateEdit, QLineEdit, QWidget

from moderator_app.desk import access, erasure, holds, requests
from moderator_app.desk.desk import Ctx
from moderator_app.desk.erasure import Preview
from moderator_app.desk.requests import RequestKind, RequestRow, Target
from moderator_app.errors import ForTheModerator
from moderator_app.views import words
from moderator_app.views.dialogs import Sheet
from moderator_app.views.runner import Answer, Runner
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Choice, Label, box, column


class Asking(Sheet):
    """A sheet that stays open until the desk has said yes; what it says no to is shown in place."""

    carried = Signal()

    def __init__(self, theme: Theme, parent: QWidget, runner: Runner) -> None:
        super().__init__(theme, parent)
        self.runner = runner
        self.deed.clicked.disconnect()
        self.trouble = Label("", "meta", "alarm", wrap=True)
        self.trouble.hide()

    def carry(self, answer: Answer[object]) -> None:
        """Close when it is done, say why when it is not."""
        self.deed.setEnabled(False)
        answer.then(self._took).failed(self._failed)

    def _took(self, _: object) -> None:
        self.carried.emit()
        self.accept()

    def _failed(self, error: BaseException) -> None:
        self.deed.setEnabled(True)
        if not isinstance(error, ForTheModerator):
            self.runner.trouble.emit(error)
            return
        self.trouble.setText(" ".join(words.trouble(error)).strip())
        self.trouble.show()

    def line_edit(self, name: str, text: str = "") -> QLineEdit:
        """A field of one line."""
        made = QLineEdit(text)
        self.field(name, made)
        return made


class EraseSheet(Asking):
    """Whom or what to erase; nothing goes before somebody else confirms it."""

    def __init__(self, theme: Theme, parent: QWidget, runner: Runner, item_id: int | None) -> None:
        super().__init__(theme, parent, runner)
        self.ask(self.tr("Ask for an erasure"), self.tr("Ask"))
        self._item = item_id
        self.what = Choice(theme)
        self.what.addItem(self.tr("One person"), "person")
        if item_id is not None:
            self.what.addItem(self.tr("The conversation that is open"), "thread")
        self.what.addItem(self.tr("All that was said in a span of days"), "range")
        self.field(self.tr("What should be forgotten?"), self.what)
        self.handle = QLineEdit()
        self._who = self.field(self.tr("The handle, as the platform shows it"), self.handle)
        today = QDate.currentDate()
        self.begins, self.ends = QDateEdit(today.addDays(-7)), QDateEdit(today)
        self._from = self.field(self.tr("First day (UTC)"), self.begins)
        self._until = self.field(self.tr("Last day (UTC)"), self.ends)
        for one in (self.begins, self.ends):
            one.setCalendarPopup(True)
        about = self.tr("Somebody else confirms it and sees in numbers what will go, before anything goes.")
        self.body.addWidget(Label(about, "meta", "2", wrap=True))
        self.body.addWidget(self.trouble)
        self.what.currentIndexChanged.connect(self._follow)
        self.deed.clicked.connect(self._ask)
        self._follow()

    @Slot()
    def _follow(self) -> None:
        kind = self.what.currentData()
        named: tuple[QWidget, ...] = (self._who, self.handle)
        days: tuple[QWidget, ...] = (self._from, self.begins, self._until, self.ends)
        for widget in (*named, *days):
            widget.setVisible(kind == ("person" if widget in named else "range"))
        (self.handle if kind == "person" else self.what).setFocus()

    @Slot()
    def _ask(self) -> None:
        kind, handle = self.what.currentData(), self.handle.text()
        begins, ends = _midnight(self.begins.date()), _midnight(self.ends.date().addDays(1))
        item = self._item

        def asked(ctx: Ctx) -> object:
            if kind == "range":
                return erasure.ask(ctx, Target("range", 0, begins, ends))
            if kind == "thread" and item is not None:
                return erasure.ask(ctx, Target("thread", requests.thread_of(ctx, item)))
            return erasure.ask(ctx, Target("person", requests.person_named(ctx, handle)))

        self.carry(self.runner.do(asked))


def _midnight(day: QDate) -> datetime:
    return datetime(day.year(), day.month(), day.day(), tzinfo=UTC)


class AccessSheet(Asking):
    """Who asked what is held on them."""

    def __init__(self, theme: Theme, parent: QWidget, runner: Runner) -> None:
        super().__init__(theme, parent, runner)
        self.ask(self.tr("Somebody asks what is held on them"), self.tr("Write it down"))
        self.handle = self.line_edit(self.tr("Their handle, as the platform shows it"))
        about = self.tr("It is due in a month. You are reminded after 7, 21 and 28 days.")
        self.body.addWidget(Label(about, "meta", "2", wrap=True))
        self.body.addWidget(self.trouble)
        self.deed.clicked.connect(self._ask)
        self.handle.setFocus()

    @Slot()
    def _ask(self) -> None:
        handle = self.handle.text()

        def asked(ctx: Ctx) -> object:
            return access.ask(ctx, requests.person_named(ctx, handle))

        self.carry(self.runner.do(asked))


class HoldSheet(Asking):
    """Why the open conversation must be kept, and on what legal ground (R64)."""

    def __init__(self, theme: Theme, parent: QWidget, runner: Runner, item_id: int) -> None:
        super().__init__(theme, parent, runner)
        self.ask(self.tr("Keep the open conversation"), self.tr("Keep it"))
        self._item = item_id
        self.reason = self.lines(self.tr("Why, in your own words"))
        self.basis = self.line_edit(self.tr("Legal basis"))
        about = self.tr("It is kept from now on. A second person confirms within three days, or it ends.")
        self.body.addWidget(Label(about, "meta", "2", wrap=True))
        self.body.addWidget(self.trouble)
        self.deed.clicked.connect(self._ask)
        self.reason.setFocus()

    @Slot()
    def _ask(self) -> None:
        asked = self.runner.do(holds.ask, [self._item], self.reason.toPlainText(), self.basis.text())
        self.carry(asked)  # type: ignore[arg-type]  # an answer of anything is an answer


class SecondSheet(Asking):
    """The second person's word: what will happen, in numbers, and their name."""

    def __init__(
        self, theme: Theme, parent: QWidget, runner: Runner, row: RequestRow, copies: Callable[[], int]
    ) -> None:
        super().__init__(theme, parent, runner)
        self._row = row
        erasing = row.kind is RequestKind.ERASE
        title = self.tr("Erase it for good?") if erasing else self.tr("Keep it for ninety days?")
        self.ask(title, self.tr("Erase") if erasing else self.tr("Confirm"))
        asked = self.tr("{who} asked for this, {when}.")
        when = words.when(row.asked_at, runner.desk.clock.now())
        self.body.addWidget(Label(asked.format(who=row.asked_by, when=when), "control", wrap=True))
        self.bundles = QCheckBox()
        self.bundles.hide()
        if erasing:
            frame = box("amber")
            self.numbers = Label("", "control", wrap=True)
            column(frame, (theme.px(12),) * 4, 0).addWidget(self.numbers)
            self.body.addWidget(frame)
            self.body.addWidget(self.bundles)
            self.deed.setEnabled(False)
            target = Target.read(row.target)

            def counted(ctx: Ctx) -> Preview:
                return erasure.preview(ctx, target, copies())

            runner.ask(counted).then(self.show_numbers).failed(self._failed)
        else:
            self.body.addWidget(Label(row.reason, "body", wrap=True))
            self.body.addWidget(Label(row.basis, "meta", "2", wrap=True))
        self.name = self.line_edit(self.tr("Your name, as the second person"))
        about = self.tr("Who works alone can confirm their own request a day later.")
        self.body.addWidget(Label(about, "meta", "2", wrap=True))
        self.body.addWidget(self.trouble)
        self.name.setFocus()
        self.deed.clicked.connect(self._confirm)

    def show_numbers(self, found: Preview) -> None:
        """Say what will go and what stays."""
        number = words.number
        lines = [
            self.tr("%n message(s) and everything that hangs on them:", "", found.messages),
            self.tr("{replies} replies of ours, {notes} notes, {drafts} drafts, {actions} reasons.").format(
                replies=number(found.replies),
                notes=number(found.notes),
                drafts=number(found.drafts),
                actions=number(found.actions),
            ),
        ]
        if found.pending:
            lines.append(self.tr("%n waiting reply(s) will not be sent.", "", found.pending))
        if found.copies:
            lines.append(self.tr("%n backup(s) will be destroyed with their keys.", "", found.copies))
        if found.held:
            lines.append(self.tr("Kept by a hold until it ends: %n message(s).", "", found.held))
        if found.mentions:
            lines.append(self.tr("Notes on others name them (%n): look at these.", "", found.mentions))
        lines.append(self.tr("Copies that were taken elsewhere cannot be reached from here."))
        self.numbers.setText("\n".join(lines))
        self.bundles.setText(
            self.tr("Also delete %n file(s) that were written for them", "", len(found.bundles))
        )
        self.bundles.setVisible(bool(found.bundles))
        self.deed.setEnabled(True)

    @Slot()
    def _confirm(self) -> None:
        key: UUID = self._row.request_id
        name, too = self.name.text(), self.bundles.isChecked()
        erasing = self._row.kind is RequestKind.ERASE

        def confirmed(ctx: Ctx) -> object:
            if erasing:
                erasure.confirm(ctx, key, name, with_bundles=too)
            else:
                holds.confirm(ctx, key, name)
            return key

        self.carry(self.runner.do(confirmed))


class RenewSheet(Asking):
    """Another ninety days need a second name again."""

    def __init__(self, theme: Theme, parent: QWidget, runner: Runner, row: RequestRow) -> None:
        super().__init__(theme, parent, runner)
        self._row = row
        self.ask(self.tr("Keep it for another ninety days?"), self.tr("Renew"))
        self.body.addWidget(Label(row.reason, "body", wrap=True))
        self.name = self.line_edit(self.tr("The name of the colleague who agrees"))
        self.body.addWidget(self.trouble)
        self.name.setFocus()
        self.deed.clicked.connect(self._renew)

    @Slot()
    def _renew(self) -> None:
        key, name = self._row.request_id, self.name.text()

        def renewed(ctx: Ctx) -> object:
            holds.renew(ctx, key, name)
            return key

        self.carry(self.runner.do(renewed))
