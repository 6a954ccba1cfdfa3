"""What triage missed and cried over, and the team's own changes to what it hears: a lead's desk for it."""

from collections.abc import Sequence
from datetime import timedelta

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QScrollArea,
    QStackedWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from moderator_app.desk import language, review, teaching, trial
from moderator_app.desk.review import Judged, Proposal, Review
from moderator_app.desk.rows import Level, PackChange
from moderator_app.desk.teaching import ChangeRow, PackRow
from moderator_app.desk.trial import Differs, Trial
from moderator_app.errors import ForTheModerator
from moderator_app.views import cue_terms, words
from moderator_app.views.dialogs import Sheet
from moderator_app.views.runner import Job, Progress, Runner, Stopped
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Button, Choice, EmptyState, Label, Pill, box, column, table

TABLES = frozenset({"cue_change", "action", "signal"})
WEEK = timedelta(days=7)
SHOWN = 30
_MOST_SHOWN = 500
_LANGUAGES = ("en", "es", "de", "fr", "pt", "hi-Latn")
_ADDABLE = (
    *("ideation", "passive_ideation", "self_harm", "goodbye_hint", "distress", "grief", "eating"),
    *("abuse_disclosed", "minor_at_risk", "psychosis_like", "help_seeking", "third_person"),
    *("abuse", "hate", "threat", "incitement", "doxxing", "spam", "resource_request"),
)


class TeachingSheet(Sheet):
    """Two pages behind chips; it follows the store while it is open. Nothing changes by itself."""

    item_wanted = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget, runner: Runner) -> None:
        super().__init__(theme, parent)
        self.ask(self.tr("What triage hears"), self.tr("Done"))
        self.cancel.hide()
        self.runner = runner
        self.chips = QButtonGroup(self)
        self.pages = QStackedWidget()
        self.week = WeekPage(self)
        self.changes = ChangesPage(self)
        row = QHBoxLayout()
        row.setSpacing(theme.px(6))
        names = (self.tr("The last seven days"), self.tr("Our changes"))
        for place, (name, page) in enumerate(zip(names, (self.week, self.changes), strict=True)):
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
        self.resize(theme.px(820), theme.px(660))
        runner.changed.connect(self._changed)
        runner.run("trial", teaching.packs).then(self.changes.show_packs)
        self.read()

    @Slot(object)
    def _changed(self, tables: frozenset[str]) -> None:
        if tables & TABLES:
            self.read()

    @Slot()
    def read(self) -> None:
        """Read both pages again; proposals are read by a child process of their own."""
        runner, now = self.runner, self.runner.desk.clock.now()
        looked = runner.latest("review", runner.ask(review.look_back, now - WEEK, now))
        looked.then(self.week.show_review).then(self._propose)
        runner.latest("changes", runner.ask(teaching.listed)).then(self.changes.show_rows)

    def _propose(self, found: Review) -> None:
        desk = self.runner.desk

        def work() -> list[Proposal]:
            if len(found.cried) < review.LEAST:
                return []
            with language.Worker() as reader:
                return review.proposals(reader, found, desk.ask(teaching.changes))

        self.runner.latest("proposals", self.runner.run("trial", work)).then(self.week.show_proposals)

    def change(self, wanted: PackChange | None = None) -> "ChangeSheet":
        """Ask for a change, or show one that is proposed."""
        sheet = ChangeSheet(self.theme, self, self.runner, wanted)
        sheet.made.connect(lambda: self.chips.button(1).click())
        sheet.item_wanted.connect(self.item_wanted)
        sheet.open()
        return sheet


def _scrolling(page: QWidget) -> QScrollArea:
    made = QScrollArea()
    made.setWidgetResizable(True)
    made.setFrameShape(QFrame.Shape.NoFrame)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    made.setWidget(page)
    return made


class WeekPage(QWidget):
    """By the word of the moderators: what was missed, what was cried over, and what might mend it."""

    def __init__(self, sheet: TeachingSheet) -> None:
        super().__init__()
        self._sheet = sheet
        self._found: Review | None = None
        self._proposed: Sequence[Proposal] = ()
        self._whole = column(self, (0, 0, 0, 0), 0)
        self._scroll = _scrolling(QWidget())
        self._whole.addWidget(self._scroll)

    @Slot(object)
    def show_review(self, found: Review) -> None:
        """Show the week."""
        self._found = found
        self._build()

    @Slot(object)
    def show_proposals(self, found: Sequence[Proposal]) -> None:
        """Show what might be changed."""
        self._proposed = found
        self._build()

    def _build(self) -> None:
        found = self._found
        if found is None:
            return
        px = self._sheet.theme.px
        page = QWidget()
        inside = column(page, (0, 0, px(8), 0), px(8))
        said = self.tr("Triage read %n message(s).", "", found.read)
        missed = self.tr("People raised %n of them", "", len(found.missed))
        cried = self.tr("and found %n too high or wrongly understood.", "", len(found.cried))
        inside.addWidget(Label(f"{said} {missed} {cried}", "body", wrap=True))
        about = self.tr("Counted from what moderators set and said here. It never leaves this machine.")
        inside.addWidget(Label(about, "meta", "2", wrap=True))
        if not found.missed and not found.cried:
            title = self.tr("Nothing was set otherwise.")
            text = self.tr("Set a level by hand, or call a cue wrong, and it is counted here.")
            inside.addWidget(EmptyState(self._sheet.theme, "circle-check", title, text), 1)
        self._part(inside, self.tr("Worth a try"), [self._proposal(one) for one in self._proposed])
        self._part(inside, self.tr("Missed"), [self._judged(one) for one in found.missed[:SHOWN]])
        self._part(inside, self.tr("Cried over"), [self._judged(one) for one in found.cried[:SHOWN]])
        if found.cues:
            self._part(inside, self.tr("Reasons that cried most"), [self._cues(found)])
        inside.addStretch()
        self._scroll.setWidget(page)

    @staticmethod
    def _part(inside: QVBoxLayout, heading: str, cards: Sequence[QWidget]) -> None:
        if cards:
            inside.addWidget(Label(heading, "strong"))
            for card in cards:
                inside.addWidget(card)

    def _judged(self, one: Judged) -> QFrame:
        card, texts, row = _card(self._sheet.theme)
        head = QHBoxLayout()
        head.setSpacing(self._sheet.theme.px(6))
        _levels(head, one.heard, one.said)
        who = self.tr("{who}, {when}").format(
            who=one.who, when=words.when(one.at, self._sheet.runner.desk.clock.now())
        )
        head.addWidget(Label(who, "caption", "2"))
        head.addStretch()
        texts.addLayout(head)
        text = " ".join(one.text.split()) or self.tr("Its words are gone by now.")
        texts.addWidget(Label(text[:280], "body", wrap=True))
        if one.said is None:
            told = self.tr("Wrong cue: {why}").format(why=one.why)
            texts.addWidget(Label(told, "meta", "2", wrap=True))
        if one.item_id is not None:
            item = one.item_id
            go = Button(self._sheet.theme, self.tr("Open"), "", "quiet", self.tr("Open the conversation"))
            go.clicked.connect(lambda: self._sheet.item_wanted.emit(item))
            row.addWidget(go, 0, Qt.AlignmentFlag.AlignTop)
        return card

    def _proposal(self, one: Proposal) -> QFrame:
        card, texts, row = _card(self._sheet.theme, "teal")
        texts.addWidget(Label(cue_terms.change(one.change), "strong", wrap=True))
        told = self.tr("%n judged message(s) rested on it;", "", one.judged)
        lowered = self.tr("people lowered %n of them.", "", one.cried)
        texts.addWidget(Label(f"{told} {lowered}", "meta", "2", wrap=True))
        look = Button(self._sheet.theme, self.tr("Try it…"))
        look.clicked.connect(lambda: self._sheet.change(one.change))
        row.addWidget(look, 0, Qt.AlignmentFlag.AlignTop)
        return card

    def _cues(self, found: Review) -> QWidget:
        headings = [self.tr("Reason"), self.tr("Language"), self.tr("Stood for a level"), self.tr("Lowered")]
        made = table(self.tr("Reasons that cried most"), headings)
        made.setRowCount(min(len(found.cues), SHOWN))
        for line, cue in enumerate(found.cues[:SHOWN]):
            cells = (
                self.tr("{kind}: {why}").format(kind=cue_terms.kind(cue.kind), why=cue.why),
                cue_terms.language(cue.lang),
                words.number(cue.fired),
                words.number(cue.cried),
            )
            for place, text in enumerate(cells):
                made.setItem(line, place, QTableWidgetItem(text))
        made.setMinimumHeight(self._sheet.theme.px(40 + 32 * min(len(found.cues), 6)))
        return made


class ChangesPage(QWidget):
    """Every change that was made, by whom and why, and the way back."""

    def __init__(self, sheet: TeachingSheet) -> None:
        super().__init__()
        self._sheet = sheet
        px = sheet.theme.px
        whole = column(self, (0, 0, 0, 0), px(10))
        row = QHBoxLayout()
        about = self.tr(
            "Phrases that your team added or changed. They count from the next message on; older ones are "
            "read again in the background, and only raised."
        )
        row.addWidget(Label(about, "body", "2", wrap=True), 1)
        self.add = Button(sheet.theme, self.tr("Change a phrase…"), "plus", "primary")
        self.add.clicked.connect(lambda _checked: sheet.change())
        row.addWidget(self.add, 0, Qt.AlignmentFlag.AlignTop)
        whole.addLayout(row)
        self._scroll = _scrolling(QWidget())
        whole.addWidget(self._scroll, 1)
        self._packs = Label("", "meta", "2", wrap=True)
        whole.addWidget(self._packs)

    @Slot(object)
    def show_packs(self, packs: Sequence[PackRow]) -> None:
        """Say what it was shipped with, and that nobody has reviewed it where that is so."""
        shape = self.tr("{language}: {phrases} phrases of {version}, {owner}")
        listed = [
            shape.format(
                language=cue_terms.language(one.lang),
                phrases=words.number(one.phrases),
                version=one.version,
                owner=one.owner,
            )
            for one in packs
        ]
        told = self.tr("Shipped. {packs}.").format(packs=self.tr("; ", "between packs").join(listed))
        if any(one.reviewed == "no" for one in packs):
            told += " " + self.tr("Nobody with clinical training has reviewed them yet.")
        self._packs.setText(told)

    @Slot(object)
    def show_rows(self, rows: Sequence[ChangeRow]) -> None:
        """Show all changes, the newest first."""
        px = self._sheet.theme.px
        page = QWidget()
        inside = column(page, (0, 0, px(8), 0), px(8))
        for row in rows:
            inside.addWidget(self._card(row))
        if not rows:
            title = self.tr("Triage hears what it was shipped with.")
            inside.addWidget(EmptyState(self._sheet.theme, "spell-check", title, ""), 1)
        inside.addStretch()
        self._scroll.setWidget(page)

    def _card(self, row: ChangeRow) -> QFrame:
        card, texts, line = _card(self._sheet.theme)
        now = self._sheet.runner.desk.clock.now()
        texts.addWidget(Label(cue_terms.change(row.change), "strong", wrap=True))
        texts.addWidget(Label(row.reason, "body", wrap=True))
        told = self.tr("{who}, {when}. On the try: {read} read, {higher} higher, {lower} lower.").format(
            who=row.who,
            when=words.when(row.at, now),
            **{name: words.number(row.tried.get(name, 0)) for name in ("read", "higher", "lower")},
        )
        texts.addWidget(Label(told, "meta", "2", wrap=True))
        if row.withdrawn_at is not None:
            gone = self.tr("Withdrawn by {who}, {when}.").format(
                who=row.withdrawn_by, when=words.when(row.withdrawn_at, now)
            )
            texts.addWidget(Label(gone, "meta", "2", wrap=True))
            return card
        name = self.tr("Withdraw: {what}").format(what=cue_terms.change(row.change))
        back = Button(self._sheet.theme, self.tr("Withdraw"), "", "quiet", name)
        back.clicked.connect(lambda: self._sheet.runner.do(teaching.withdraw, row.change_id))
        line.addWidget(back, 0, Qt.AlignmentFlag.AlignTop)
        return card


class ChangeSheet(Sheet):
    """One change: what, why, and what it would have done to the last 30 days; then made or left."""

    made = Signal()
    item_wanted = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget, runner: Runner, wanted: PackChange | None) -> None:
        super().__init__(theme, parent)
        self._runner = runner
        self._trial: Trial | None = None
        self._job: Job[Trial | None] | None = None
        self.ask(self.tr("Change what triage hears"), self.tr("Make the change"))
        self._ask_what(wanted)
        self.reason = self.lines(self.tr("Why? Your team will read it later."), 54)
        row = QHBoxLayout()
        self.look = Button(theme, self.tr("Try it on the last 30 days"), "search")
        self.look.clicked.connect(self._try)
        row.addWidget(self.look)
        self.progress = QProgressBar()
        self.progress.setAccessibleName(self.tr("Progress of the try"))
        self.progress.setVisible(False)
        row.addWidget(self.progress, 1)
        row.addStretch()
        self.body.addLayout(row)
        self.told = Label("", "body", wrap=True)
        self.body.addWidget(self.told)
        headings = [self.tr("Words"), self.tr("Who"), self.tr("Now"), self.tr("Then")]
        self.table = table(self.tr("Messages that would be read otherwise"), headings)
        self.table.setMinimumHeight(theme.px(130))
        self.table.hide()
        self.body.addWidget(self.table, 1)
        self.deed.clicked.disconnect()
        self.deed.clicked.connect(self._make)
        for edited in (
            self.phrase.textChanged,
            self.what.currentIndexChanged,
            self.level.currentIndexChanged,
        ):
            edited.connect(self._follow)
        for edited in (self.kind.currentIndexChanged, self.language.currentIndexChanged):
            edited.connect(self._follow)
        self.reason.textChanged.connect(self._allow)
        self.finished.connect(self._stop)
        runner.jobs_changed.connect(self._show_progress)
        self.body.addStretch()
        self.resize(theme.px(660), theme.px(740))
        self._follow()

    def _ask_what(self, wanted: PackChange | None) -> None:
        self.what = Choice(self.theme)
        for name, text in (
            ("add", self.tr("Hear another phrase")),
            ("level", self.tr("Take a phrase as more or less urgent")),
            ("off", self.tr("No longer hear a phrase")),
        ):
            self.what.addItem(text, name)
        self.field(self.tr("What shall change?"), self.what)
        self.phrase = QLineEdit()
        self.phrase.setMaxLength(200)
        self.field(self.tr("Phrase"), self.phrase)
        hint = self.tr(
            "Plain words as people write them: capitals, accents and slips do not matter. "
            "want|need means one of the two, (really) may be missing, .. is up to five words between. "
            "To change a phrase of a pack, write it just as the pack does."
        )
        self.body.addWidget(Label(hint, "meta", "2", wrap=True))
        row = QHBoxLayout()
        row.setSpacing(self.theme.px(8))
        self.language, self.kind, self.level = (Choice(self.theme) for _ in range(3))
        for code in _LANGUAGES:
            self.language.addItem(cue_terms.language(code), code)
        for kind in _ADDABLE:
            self.kind.addItem(cue_terms.kind(kind), kind)
        for level in Level:
            self.level.addItem(words.level(level), level)
        names = (self.tr("Language"), self.tr("What it is about"), self.tr("Level"))
        for name, choice in zip(names, (self.language, self.kind, self.level), strict=True):
            part = QVBoxLayout()
            label = Label(name, "strong")
            label.setBuddy(choice)
            choice.setAccessibleName(name)
            part.addWidget(label)
            part.addWidget(choice)
            row.addLayout(part, 1)
        self.body.addLayout(row)
        self.level.setCurrentIndex(int(Level.AMBER))
        if wanted is not None:
            self.what.setCurrentIndex(self.what.findData(wanted.what))
            self.phrase.setText(wanted.line)
            self.language.setCurrentIndex(self.language.findData(wanted.lang))
            if wanted.kind:
                self.kind.setCurrentIndex(self.kind.findData(wanted.kind))
            if wanted.level is not None:
                self.level.setCurrentIndex(int(wanted.level))

    @property
    def wanted(self) -> PackChange:
        """The change as it is filled in."""
        what, line = str(self.what.currentData()), self.phrase.text().strip()
        lang = str(self.language.currentData())
        kind = str(self.kind.currentData()) if what == "add" else ""
        level = Level(self.level.currentData()) if what != "off" else None
        return PackChange(what, lang, line, kind, level)

    @Slot()
    def _follow(self) -> None:
        what = self.what.currentData()
        self.kind.setEnabled(what == "add")
        self.level.setEnabled(what != "off")
        if self._trial is not None and self._trial.change != self.wanted:
            self._trial = None
            self.told.setText(self.tr("Changed since the try: try it again."))
            self.table.setRowCount(0)
        self._allow()

    @Slot()
    def _allow(self) -> None:
        reason = len(self.reason.toPlainText().strip()) >= teaching.LEAST_REASON
        self.look.setEnabled(bool(self.phrase.text().strip()) and self._job is None)
        self.deed.setEnabled(self._trial is not None and reason)

    @Slot()
    def _try(self) -> None:
        desk, wanted = self._runner.desk, self.wanted

        def work(tell: Progress, stopped: Stopped) -> Trial | None:
            with language.Worker() as reader:
                return trial.run(desk, reader, wanted, tell, stopped)

        self._job = self._runner.job("trial", self.tr("Trying a change"), work)
        self._job.then(self._tried).failed(self._refused)
        self.told.setText("")
        self.progress.setRange(0, 0)
        self.progress.show()
        self._allow()

    @Slot()
    def _show_progress(self) -> None:
        if self._job is not None and self._job.total:
            self.progress.setRange(0, self._job.total)
            self.progress.setValue(self._job.done)

    def _ended(self) -> None:
        self._job = None
        self.progress.hide()

    def _refused(self, error: BaseException) -> None:
        self._ended()
        self._say(error)
        self._allow()

    def _say(self, error: BaseException) -> None:
        if isinstance(error, ForTheModerator):
            self.told.setText(" ".join(words.trouble(error)))
        else:
            self._runner.trouble.emit(error)

    def _tried(self, found: Trial | None) -> None:
        self._ended()
        if found is not None and found.change == self.wanted:
            self._trial = found
            self._show_trial(found)
        self._allow()

    def _show_trial(self, found: Trial) -> None:
        shown = {name: words.number(count) for name, count in found.counts.items()}
        if found.differs:
            head = self.tr(
                "%n message(s) of the last 30 days would be read otherwise", "", len(found.differs)
            )
            told = self.tr("{head}: {higher} higher, {lower} lower, of {read}.").format(head=head, **shown)
        else:
            told = self.tr("None of the {read} messages of the last 30 days would be read otherwise.")
            told = told.format(**shown)
        self.told.setText(told)
        self._fill(found.differs[:_MOST_SHOWN])

    def _fill(self, shown: Sequence[Differs]) -> None:
        self.table.setVisible(bool(shown))
        self.table.setRowCount(len(shown))
        for line, one in enumerate(shown):
            text = " ".join(one.text.split())
            for place, cell in enumerate(
                (text[:200], one.person, words.level(one.now), words.level(one.then))
            ):
                item = QTableWidgetItem(cell)
                item.setToolTip(text[:1000] if place == 0 else cell)
                self.table.setItem(line, place, item)

    @Slot()
    def _make(self) -> None:
        if self._trial is None:
            return
        reason, tried = self.reason.toPlainText().strip(), self._trial.counts
        answer = self._runner.do(teaching.make, self.wanted, reason, tried)
        answer.then(self._was_made).failed(self._say)

    def _was_made(self, _: object) -> None:
        self.made.emit()
        self.accept()

    @Slot()
    def _stop(self) -> None:
        if self._job is not None:
            self._job.cancel()


def _card(theme: Theme, kind: str = "true") -> tuple[QFrame, QVBoxLayout, QHBoxLayout]:
    """A card, the column for its words, and the row for its buttons."""
    card = box(kind)
    row = QHBoxLayout(card)
    px = theme.px
    row.setContentsMargins(px(12), px(9), px(9), px(9))
    row.setSpacing(px(10))
    texts = QVBoxLayout()
    texts.setSpacing(px(3))
    row.addLayout(texts, 1)
    return card, texts, row


def _levels(row: QHBoxLayout, heard: Level, said: Level | None) -> None:
    """From which level to which."""
    first = Pill()
    first.show_level(heard)
    row.addWidget(first)
    if said is not None:
        row.addWidget(Label("→", "caption", "2"))
        second = Pill()
        second.show_level(said)
        row.addWidget(second)
