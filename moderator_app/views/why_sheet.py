"""Why a message has its level: each reason with its words, what spoke for less, and what would change it."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from moderator_app.desk.rows import Cue, Level, MessageRow
from moderator_app.views import cue_terms, words
from moderator_app.views.dialogs import Sheet
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Button, Label, LevelMark, Pill, box, column

_LONGEST = 160  # characters of a reason's words that are shown


class WhySheet(Sheet):
    """Shows the reasons as they are stored; a person may say what is wrong with them."""

    too_low = Signal()
    too_high = Signal()
    wrong = Signal(object)  # a Cue

    def __init__(self, theme: Theme, parent: QWidget, row: MessageRow) -> None:
        super().__init__(theme, parent)
        self._row = row
        title = self.tr("Why this level")
        self.ask(title, self.tr("Should be higher"))
        self.cancel.set_text(self.tr("Close"))
        self.body.addWidget(self._verdict())
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(self._reasons())
        self.body.addWidget(scroll, 1)
        self.lowered = Button(theme, self.tr("Should be lower"))
        self.foot.insertWidget(self.foot.count() - 1, self.lowered)
        self.lowered.setEnabled(row.level is not None and row.level < Level.GREEN)
        self.lowered.clicked.connect(self.too_high)
        self.lowered.clicked.connect(self.accept)
        self.deed.setEnabled(row.level is not None and row.level > Level.CRISIS)
        self.deed.clicked.connect(self.too_low)
        self.cancel.setFocus()
        self.resize(theme.px(600), theme.px(560))

    def _verdict(self) -> QWidget:
        px = self.theme.px
        made = QWidget()
        whole = column(made, (0, 0, 0, 0), px(6))
        line = QHBoxLayout()
        line.setSpacing(px(10))
        level = self._row.level
        if level is not None:
            line.addWidget(LevelMark(self.theme, level, 18))
        line.addWidget(Label(self._sentence(), "body", wrap=True), 1)
        whole.addLayout(line)
        changes = self.what_would_change()
        if changes:
            whole.addWidget(Label(changes, "meta", "2", wrap=True))
        return made

    def _sentence(self) -> str:
        level = self._row.level
        if level is None:
            return self.tr("The rules have not read this yet. Until then it stands with the reds.")
        raising = [cue for cue in self._row.cues if cue.level < Level.GREEN]
        if not raising:
            return self.tr("{level}: nothing in it was found to speak for more.").format(
                level=words.level(level)
            )
        told = self.tr(
            "{level}, for %n reason(s): what was said or came before, never a diagnosis.", "", len(raising)
        )
        return told.format(level=words.level(level))

    def what_would_change(self) -> str:
        """What the level rests on: without which words it would be lower, and how low."""
        row = self._row
        worst = [cue for cue in row.cues if cue.level == row.level]
        if row.level is None or row.level is Level.GREEN or not worst:
            return ""
        after = min((cue.level for cue in row.cues if cue.level > row.level), default=Level.GREEN)
        lower = words.level(after)
        if len(worst) > 1:
            told = self.tr(
                "Each of these %n reasons alone would keep it there; without all of them: {level}.",
                "",
                len(worst),
            )
            return told.format(level=lower)
        said = quoted(row.text, worst[0]) or worst[0].why
        return self.tr("Without {words} it would be: {level}.").format(words=said, level=lower)

    def _reasons(self) -> QWidget:
        px = self.theme.px
        page = QWidget()
        inside = column(page, (0, 0, px(8), 0), px(8))
        cues = sorted(self._row.cues, key=lambda cue: (cue.level, cue.start))
        counted = [cue for cue in cues if cue.level < Level.GREEN and cue.kind not in cue_terms.SCOPED]
        scoped = [cue for cue in cues if cue.kind in cue_terms.SCOPED]
        rest = [cue for cue in cues if cue not in counted and cue not in scoped]
        for heading, group in (
            (self.tr("What raised it"), counted),
            (self.tr("Read with their sense"), scoped),
            (self.tr("Also heard"), rest),
        ):
            self._group(inside, heading, group)
        langs = dict.fromkeys(name for cue in cues if (name := cue_terms.language(cue.lang)))
        if langs:
            told = self.tr("Read as: {languages}.").format(
                languages=self.tr(", ", "between languages").join(langs)
            )
            inside.addWidget(Label(told, "meta", "2", wrap=True))
        inside.addStretch()
        return page

    def _group(self, inside: QVBoxLayout, heading: str, cues: Sequence[Cue]) -> None:
        if not cues:
            return
        inside.addWidget(Label(heading, "strong"))
        for cue in cues:
            inside.addWidget(self._card(cue))

    def _card(self, cue: Cue) -> QFrame:
        px = self.theme.px
        card = box("true")
        row = QHBoxLayout(card)
        row.setContentsMargins(px(12), px(9), px(9), px(9))
        row.setSpacing(px(10))
        texts = QVBoxLayout()
        texts.setSpacing(px(3))
        said = quoted(self._row.text, cue)
        head = QHBoxLayout()
        head.setSpacing(px(8))
        level = Pill()
        level.show_level(cue.level)
        head.addWidget(level)
        head.addWidget(Label(cue_terms.kind(cue.kind), "strong", wrap=True), 1)
        texts.addLayout(head)
        if said:
            texts.addWidget(Label(said, "body", wrap=True))
        texts.addWidget(Label(cue.why, "meta", "2", wrap=True))
        row.addLayout(texts, 1)
        if cue.kind not in {"report", "reported"}:
            name = self.tr("Wrong cue: {why}").format(why=said or cue.why)
            wrong = Button(self.theme, self.tr("Wrong cue"), "", "quiet", name)
            wrong.clicked.connect(lambda: self._tell_wrong(cue, wrong))
            row.addWidget(wrong, 0, Qt.AlignmentFlag.AlignTop)
        return card

    def _tell_wrong(self, cue: Cue, button: Button) -> None:
        button.setEnabled(False)
        button.setText(self.tr("Noted"))
        self.wrong.emit(cue)


def quoted(text: str, cue: Cue) -> str:
    """The words of a reason between quotation marks; "" where it rests on none."""
    said = " ".join(text[cue.start : cue.end].split())
    if not said:
        return ""
    return f"“{said if len(said) <= _LONGEST else said[:_LONGEST] + '…'}”"
