"""Privacy on one sheet: how long words are kept, what people asked, and the record of what was done."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QSpinBox,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from moderator_app.desk import access, audit, holds, requests, retention
from moderator_app.desk.audit import Line
from moderator_app.desk.desk import Ctx
from moderator_app.desk.requests import RequestKind, RequestRow, RequestState
from moderator_app.desk.retention import Due, RuleRow
from moderator_app.views import files, words
from moderator_app.views.dialogs import Sheet
from moderator_app.views.privacy_dialogs import (
    AccessSheet,
    Asking,
    EraseSheet,
    HoldSheet,
    RenewSheet,
    SecondSheet,
)
from moderator_app.views.runner import Runner
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Button, EmptyState, Label, Pill, box, column, table

TABLES = frozenset({"request", "retention_rule", "audit", "item", "held_item"})
NEXT = 5
HUES = {
    RequestState.ASKED: "amber",
    RequestState.RUNNING: "teal",
    RequestState.PARTLY: "amber",
    RequestState.HOLDING: "teal",
    RequestState.DONE: "green",
}


class PrivacySheet(Sheet):
    """Three sections behind three chips; it follows the store while it is open."""

    let_go_wanted = Signal()
    bundle_wanted = Signal(object, object)  # the request, the folder
    item_wanted = Signal(int)

    def __init__(
        self, theme: Theme, parent: QWidget, runner: Runner, *, item_id: int | None, copies: Callable[[], int]
    ) -> None:
        super().__init__(theme, parent)
        self.ask(self.tr("Privacy"), self.tr("Done"))
        self.cancel.hide()
        self.runner = runner
        self.chips = QButtonGroup(self)
        self.pages = QStackedWidget()
        self.kept = RetentionPage(self)
        self.asked = RequestsPage(self, item_id, copies)
        self.record = AuditPage(self)
        row = QHBoxLayout()
        row.setSpacing(theme.px(6))
        names = (self.tr("Retention"), self.tr("Requests"), self.tr("Audit"))
        for place, (name, page) in enumerate(zip(names, (self.kept, self.asked, self.record), strict=True)):
            chip = Button(theme, name, "", "chip")
            chip.setCheckable(True)
            chip.setChecked(place == 0)
            self.chips.addButton(chip, place)
            row.addWidget(chip)
            self.pages.addWidget(page)
        row.addStretch()
        self.body.addLayout(row)
        self.body.addWidget(self.pages, 1)
        self.chips.idClicked.connect(self.pages.setCurrentIndex)
        self.resize(theme.px(860), theme.px(640))
        runner.changed.connect(self._changed)
        self.read()

    @Slot(object)
    def _changed(self, tables: frozenset[str]) -> None:
        if tables & TABLES:
            self.read()

    @Slot()
    def read(self) -> None:
        """Read all three again."""
        ask, latest = self.runner.ask, self.runner.latest
        latest("retention", ask(_kept)).then(self.kept.show_rows)
        latest("requests", ask(requests.rows)).then(self.asked.show_rows)
        latest("audit", ask(_record)).then(self.record.show_lines)

    def follow(self, sheet: Asking) -> None:
        """Open a question; what comes of it is shown here."""
        sheet.carried.connect(self.read)
        sheet.open()


def _kept(ctx: Ctx) -> tuple[list[RuleRow], list[Due]]:
    return retention.table(ctx), retention.nearest(ctx, NEXT)


def _record(ctx: Ctx) -> tuple[list[Line], int | None, int]:
    return audit.lines(ctx), audit.broken(ctx), audit.clock_jumps(ctx)


def _table(theme: Theme, columns: Sequence[str], name: str) -> QTableWidget:
    made = table(name, columns)
    made.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    made.verticalHeader().setDefaultSectionSize(theme.px(30))
    return made


def _fill(table: QTableWidget, lines: Sequence[Sequence[str]]) -> None:
    table.setRowCount(len(lines))
    for place, cells in enumerate(lines):
        for column_, text in enumerate(cells):
            table.setItem(place, column_, QTableWidgetItem(text))


class RetentionPage(QWidget):
    """How long the words of each platform and level are kept, and what goes next (R60)."""

    def __init__(self, sheet: PrivacySheet) -> None:
        super().__init__()
        self._sheet, theme = sheet, sheet.theme
        self._rows: list[RuleRow] = []
        whole = column(self, (0, 0, 0, 0), theme.px(10))
        about = self.tr(
            "Words go so many days after the last message. What is still open is not forgotten by this rule."
        )
        whole.addWidget(Label(about, "body", "2", wrap=True))
        names = (
            self.tr("Platform and level"),
            self.tr("Days"),
            self.tr("Kept"),
            self.tr("Within a week"),
            self.tr("Due, still open"),
            self.tr("Held"),
            self.tr("Next"),
        )
        self.table = _table(theme, names, self.tr("How long words are kept"))
        whole.addWidget(self.table, 1)
        row = QHBoxLayout()
        row.setSpacing(theme.px(8))
        self.days = QSpinBox()
        self.days.setRange(1, retention.LONGEST_DAYS)
        self.days.setMinimumWidth(theme.px(72))
        self.days.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.days.setAccessibleName(self.tr("Days after the last message"))
        label = Label(self.tr("Days after the last message"), "strong")
        label.setBuddy(self.days)
        self.change = Button(theme, self.tr("Change"))
        self.now = Button(theme, self.tr("Forget what is over now"), "hourglass")
        row.addWidget(label)
        row.addWidget(self.days)
        row.addWidget(self.change)
        row.addStretch()
        row.addWidget(self.now)
        whole.addLayout(row)
        self.next = QVBoxLayout()
        self.next.setSpacing(theme.px(2))
        whole.addLayout(self.next)
        self.table.itemSelectionChanged.connect(self._chosen)
        self.change.clicked.connect(self._change)
        self.now.clicked.connect(sheet.let_go_wanted)

    def show_rows(self, found: tuple[list[RuleRow], list[Due]]) -> None:
        """Show the rules and what goes next."""
        rows, coming = found
        chosen = max(self.table.currentRow(), 0)
        self._rows, number = rows, words.number
        _fill(
            self.table,
            [
                (
                    f"{row.platform}, {words.level(row.level)}",
                    number(row.days),
                    number(row.kept),
                    number(row.due_soon),
                    number(row.due_open),
                    number(row.held),
                    words.date(row.next_at) if row.next_at else "",
                )
                for row in rows
            ],
        )
        for place, row in enumerate(rows):
            if row.limit_hours is not None:
                tip = self.tr("The platform allows %n hour(s) without asking again.", "", row.limit_hours)
                cell = self.table.item(place, 0)
                assert cell is not None
                cell.setToolTip(tip)
        self.table.selectRow(chosen)
        self.change.setEnabled(bool(rows))
        self._show_next(coming)

    def _show_next(self, coming: list[Due]) -> None:
        while (old := self.next.takeAt(0)) is not None:
            if (widget := old.widget()) is not None:
                widget.deleteLater()
        text = self.tr("Forgotten next") if coming else self.tr("Nothing is due to be forgotten.")
        self.next.addWidget(Label(text, "strong" if coming else "meta"))
        for one in coming:
            said = self.tr("{date}: a conversation on {platform}, {level}")
            shown = said.format(date=words.date(one.at), platform=one.platform, level=words.level(one.level))
            link = Button(self._sheet.theme, shown, "", "plain")
            link.clicked.connect(lambda _=False, item=one.item_id: self._open(item))
            self.next.addWidget(link, 0, Qt.AlignmentFlag.AlignLeading)

    def _open(self, item_id: int) -> None:
        self._sheet.item_wanted.emit(item_id)
        self._sheet.accept()

    @Slot()
    def _chosen(self) -> None:
        place = self.table.currentRow()
        if 0 <= place < len(self._rows):
            self.days.setValue(self._rows[place].days)

    @Slot()
    def _change(self) -> None:
        place = self.table.currentRow()
        if 0 <= place < len(self._rows):
            row = self._rows[place]
            answer = self._sheet.runner.do(retention.set_days, row.platform, row.level, self.days.value())
            answer.then(lambda _: self._sheet.read())


class RequestsPage(QWidget):
    """What people asked: erasures, access requests and holds, with what is to be done about each."""

    def __init__(self, sheet: PrivacySheet, item_id: int | None, copies: Callable[[], int]) -> None:
        super().__init__()
        self._sheet, self._item, self._copies = sheet, item_id, copies
        self._rows: list[RequestRow] | None = None
        theme = sheet.theme
        whole = column(self, (0, 0, 0, 0), theme.px(10))
        row = QHBoxLayout()
        row.setSpacing(theme.px(8))
        self.erase = Button(theme, self.tr("Erase…"), "trash-2")
        self.access = Button(theme, self.tr("Access request…"), "file-text")
        self.hold = Button(theme, self.tr("Keep the open conversation…"), "lock")
        self.hold.setEnabled(item_id is not None)
        for button in (self.erase, self.access, self.hold):
            row.addWidget(button)
        row.addStretch()
        whole.addLayout(row)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        whole.addWidget(self._scroll, 1)
        self.erase.clicked.connect(self._ask_erasure)
        self.access.clicked.connect(self._ask_access)
        self.hold.clicked.connect(self._ask_hold)

    @Slot()
    def _ask_erasure(self) -> None:
        sheet = self._sheet
        sheet.follow(EraseSheet(sheet.theme, sheet, sheet.runner, self._item))

    @Slot()
    def _ask_access(self) -> None:
        sheet = self._sheet
        sheet.follow(AccessSheet(sheet.theme, sheet, sheet.runner))

    @Slot()
    def _ask_hold(self) -> None:
        sheet = self._sheet
        if self._item is not None:
            sheet.follow(HoldSheet(sheet.theme, sheet, sheet.runner, self._item))

    def show_rows(self, rows: list[RequestRow]) -> None:
        """Show what was asked, what waits first."""
        if rows == self._rows:
            return
        self._rows = rows
        page = QWidget()
        px = self._sheet.theme.px
        inside = column(page, (0, 0, px(8), 0), px(8))
        for row in rows:
            inside.addWidget(self._card(row))
        if not rows:
            title = self.tr("Nobody has asked for anything.")
            text = self.tr("Erasures and holds need two people; what somebody asks is due in a month.")
            inside.addWidget(EmptyState(self._sheet.theme, "heart-handshake", title, text), 1)
        else:
            inside.addStretch()
        self._scroll.setWidget(page)

    def _card(self, row: RequestRow) -> QFrame:
        px, now = self._sheet.theme.px, self._sheet.runner.desk.clock.now()
        card = box("true")
        line = QHBoxLayout(card)
        line.setContentsMargins(px(14), px(10), px(10), px(10))
        line.setSpacing(px(10))
        texts = QVBoxLayout()
        texts.setSpacing(px(3))
        head = QHBoxLayout()
        head.setSpacing(px(8))
        head.addWidget(Label(_title(self, row), "strong"))
        head.addWidget(Pill(_state(self, row), HUES.get(row.state, "neutral")))
        if row.reminder:
            head.addWidget(Pill(self.tr("%n day(s) have passed", "", row.reminder), "red"))
        head.addStretch()
        texts.addLayout(head)
        asked = self.tr("Asked by {who}, {when}.").format(
            who=row.asked_by, when=words.when(row.asked_at, now)
        )
        texts.addWidget(Label(f"{asked} {_until(self, row)}".strip(), "meta", "2", wrap=True))
        for said in (row.reason, _proof(self, row)):
            if said:
                texts.addWidget(Label(said, "meta", wrap=True))
        line.addLayout(texts, 1)
        self._buttons(row, line)
        return card

    def _buttons(self, row: RequestRow, line: QHBoxLayout) -> None:
        offers: list[tuple[str, str, Callable[[], object]]] = []
        sheet, run = self._sheet, self._sheet.runner
        asked = row.state is RequestState.ASKED
        if asked and row.kind is not RequestKind.ACCESS:
            offers.append((self.tr("Confirm…"), "primary", lambda: self._confirm(row)))
        if row.kind is RequestKind.ACCESS and row.state in (RequestState.ASKED, RequestState.RUNNING):
            offers.append((self.tr("Write the bundle…"), "", lambda: self._bundle(row)))
        if row.kind is RequestKind.ACCESS and row.state is RequestState.RUNNING:
            answered = lambda: run.do(access.answered, row.request_id)  # noqa: E731 - one of several offers
            offers.append((self.tr("It was handed over"), "", answered))
        if row.state is RequestState.HOLDING:
            renew = lambda: sheet.follow(RenewSheet(sheet.theme, sheet, run, row))  # noqa: E731 - the same
            offers.append((self.tr("Renew…"), "", renew))
            if row.review_at is not None and row.review_at <= run.desk.clock.now():
                seen = lambda: run.do(holds.review, row.request_id)  # noqa: E731 - the same
                offers.append((self.tr("It still stands"), "", seen))
            offers.append((self.tr("End it"), "quiet", lambda: run.do(holds.release, row.request_id)))
        if asked:
            offers.append((self.tr("Withdraw"), "quiet", lambda: run.do(requests.withdraw, row.request_id)))
        spoken = self.tr("{button}: {what}")
        for name, kind, do in offers:
            what = spoken.format(button=name, what=_title(self, row))
            button = Button(sheet.theme, name, "", kind, what)
            button.clicked.connect(lambda _=False, deed=do: deed())
            line.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)

    def _confirm(self, row: RequestRow) -> None:
        sheet = self._sheet
        made = SecondSheet(sheet.theme, sheet, sheet.runner, row, self._copies)
        made.carried.connect(sheet.let_go_wanted)
        sheet.follow(made)

    def _bundle(self, row: RequestRow) -> None:
        def chosen(folder: Path) -> None:
            self._sheet.bundle_wanted.emit(row.request_id, folder)

        files.ask_folder(self, self.tr("Where should the bundle go?"), chosen)


def _title(page: RequestsPage, row: RequestRow) -> str:
    kind = {
        RequestKind.ERASE: page.tr("Erase {what}"),
        RequestKind.ACCESS: page.tr("What is held on {what}"),
        RequestKind.HOLD: page.tr("Keep {what}"),
    }[row.kind]
    sort = row.target.partition(":")[0]
    nameless = {
        "person": page.tr("a person"),
        "thread": page.tr("a conversation"),
        "account": page.tr("an account"),
        "range": page.tr("a span of days"),
    }[sort]
    return kind.format(what=row.about or nameless)


def _state(page: RequestsPage, row: RequestRow) -> str:
    if row.kind is RequestKind.ACCESS and row.state is RequestState.ASKED:
        return page.tr("Waits for its bundle")
    if row.kind is RequestKind.ACCESS and row.state is RequestState.RUNNING:
        return page.tr("Written, to be handed over")
    return {
        RequestState.ASKED: page.tr("Waits for a second person"),
        RequestState.RUNNING: page.tr("At work"),
        RequestState.PARTLY: page.tr("Waits for a hold to end"),
        RequestState.HOLDING: page.tr("Kept"),
        RequestState.DONE: page.tr("Done"),
        RequestState.ENDED: page.tr("Ended"),
        RequestState.WITHDRAWN: page.tr("Withdrawn"),
    }[row.state]


def _until(page: RequestsPage, row: RequestRow) -> str:
    """The date that counts for a request that is not over."""
    if row.done_at is not None:
        return page.tr("Over since {date}.").format(date=words.date(row.done_at))
    if row.state is RequestState.HOLDING and row.ends_at and row.review_at:
        said = page.tr("Confirmed by {who}. To be looked at by {review}, ends {end}.")
        ends = words.date(row.ends_at)
        return said.format(who=row.confirmed_by, review=words.date(row.review_at), end=ends)
    if row.kind is RequestKind.HOLD and row.ends_at:
        return page.tr("Lapses {date} without a second person.").format(date=words.date(row.ends_at))
    return page.tr("Due {date}.").format(date=words.date(row.due_at)) if row.due_at else ""


def _proof(page: RequestsPage, row: RequestRow) -> str:
    """What an erasure took, and that it was looked for."""
    if row.kind is not RequestKind.ERASE or not row.proof:
        return ""
    took = page.tr("%n message(s) erased.", "", row.proof["counts"].get("messages", 0))
    hits = sum(row.proof["found"].values())
    looked = page.tr("Looked for %n of the words; none was found.", "", row.proof["words_checked"])
    if not row.proof["words_checked"]:
        looked = page.tr("No word was theirs alone, so the rows were counted: none is left.")
    if hits:
        looked = page.tr("Some words are still in %n place(s): look into it.", "", hits)
    many = row.proof["copies_destroyed"]
    copies = page.tr("%n backup(s) destroyed.", "", many) if many else ""
    left = [
        name for one in row.proof["remains"] if one["what"] in ("bundle", "copies") for name in one["files"]
    ]
    files = page.tr("Still there: {files}.").format(files=", ".join(left)) if left else ""
    return " ".join(part for part in (took, looked, copies, files) if part)


class AuditPage(QWidget):
    """The newest lines of the record, and whether its chain holds (R71)."""

    def __init__(self, sheet: PrivacySheet) -> None:
        super().__init__()
        self._sheet = sheet
        whole = column(self, (0, 0, 0, 0), sheet.theme.px(10))
        self.state = Label("", "strong", wrap=True)
        whole.addWidget(self.state)
        names = (
            self.tr("What"),
            self.tr("About"),
            self.tr("Who"),
            self.tr("When"),
            self.tr("Clock"),
            self.tr("Line"),
        )
        self.table = _table(sheet.theme, names, self.tr("The record, newest first"))
        whole.addWidget(self.table, 1)
        about = self.tr(
            "The record says who did what to which row, and when. It never holds anybody's words."
        )
        whole.addWidget(Label(about, "meta", "2", wrap=True))

    def show_lines(self, found: tuple[list[Line], int | None, int]) -> None:
        """Show the newest lines."""
        lines, broken, jumps = found
        if broken is None:
            said = self.tr("The chain holds: no line was changed or taken out.")
        else:
            said = self.tr("Line {number} does not follow from the one above it: the record was changed.")
            said = said.format(number=words.number(broken))
        clock = self.tr("Lines written while the clock stood back: %n.", "", jumps) if jumps else ""
        self.state.setText(f"{said} {clock}".strip())
        self.state.set_tone("safe" if broken is None else "alarm")
        now = self._sheet.runner.desk.clock.now()
        _fill(
            self.table,
            [
                (
                    words.recorded(line.what),
                    line.target.replace(":", " "),
                    line.who,
                    words.when(line.at, now),
                    self.tr("set back") if line.clock_back else "",
                    words.number(line.seq),
                )
                for line in lines
            ],
        )
