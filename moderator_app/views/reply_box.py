"""Writing a reply: who will read it, a template to begin from, remarks while writing, and the way out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from moderator_app.desk import replies, respect
from moderator_app.desk.helplines import CrisisLine, Help
from moderator_app.desk.rows import (
    ActionKind,
    Audience,
    Check,
    Level,
    TemplateRow,
    ThreadView,
)
from moderator_app.views import words
from moderator_app.views.commands import Commands
from moderator_app.views.reply_text import ReplyText
from moderator_app.views.runner import Runner
from moderator_app.views.template_picker import TemplatePicker
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import (
    Button,
    Flow,
    Glyph,
    Label,
    box,
    column,
    repolish,
)

SAVE_MS = 500
CHECK_MS = 250
SHOWN = 3
QUOTED = re.compile(r"^\"([^\"]+)\"$")
EITHER = re.compile(r"^([^/.\"]+) / ([^/.\"]+)$")
DROP = "drop it"


@dataclass(frozen=True, slots=True)
class Sending:
    """One reply as it leaves the box."""

    item_id: int
    text: str
    audience: Audience
    template_id: str
    level: Level
    person: str
    platform: str


class Remark(QFrame):
    """One remark on the draft, with Replace where it knows other words."""

    replace = Signal(object, str)

    def __init__(self, theme: Theme, remark: Check, told: str) -> None:
        super().__init__()
        px = theme.px
        self.setProperty("box", "block" if remark.weight == "block" else "hint")
        row = QHBoxLayout(self)
        row.setContentsMargins(px(10), px(2), px(6), px(2))
        row.setSpacing(px(8))
        hue = "red" if remark.weight == "block" else "amber"
        icon = "circle-alert" if remark.weight == "block" else "spell-check"
        row.addWidget(Glyph(theme, icon, hue, 16))
        text = Label(told, "meta", wrap=True)
        row.addWidget(text, 1)
        other = replacement(remark)
        if other is not None:
            name = self.tr("Remove") if not other else self.tr("Replace")
            button = Button(theme, name, "", "link")
            spoken = self.tr("{what}: {why}").format(what=name, why=told)
            button.setAccessibleName(spoken)
            button.clicked.connect(lambda: self.replace.emit(remark, other))
            row.addWidget(button)


class ReplyBox(QWidget):
    """One outlined box. What is typed is on disk half a second later, and when the box is left."""

    send_wanted = Signal(object)  # a Sending
    changed = Signal()

    def __init__(self, theme: Theme, runner: Runner, commands: Commands, known: Mapping[str, str]) -> None:
        super().__init__()
        self._known = known
        self.setObjectName("replyPane")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme, self._runner = theme, runner
        self._thread: ThreadView | None = None
        self._template: TemplateRow | None = None
        self._saved = ""
        self._remarks: list[Check] = []
        self._save = QTimer(self, singleShot=True, interval=SAVE_MS)
        self._save.timeout.connect(self.save)
        self._check = QTimer(self, singleShot=True, interval=CHECK_MS)
        self._check.timeout.connect(self._look)
        self._build(commands)
        self.text.textChanged.connect(self._typed)
        self.text.left.connect(self.save)

    def _build(self, commands: Commands) -> None:
        px = self._theme.px
        whole = column(self, (px(20), px(10), px(20), px(12)), px(8))
        self._box = box("reply")
        inside = column(self._box, (px(10), px(8), px(10), px(8)), px(6))
        top = QHBoxLayout()
        top.setSpacing(px(8))
        action = commands.action("template")
        self.template = Button(self._theme, action.text(), "layout-template")
        self.template.clicked.connect(action.trigger)
        top.addWidget(self.template)
        top.addStretch(1)
        self._eye = Glyph(self._theme, "globe", "amber", 15)
        self._heard = Label("", "meta", "2")
        top.addWidget(self._eye)
        top.addWidget(self._heard)
        inside.addLayout(top)
        self.text = ReplyText(self._theme)
        inside.addWidget(self.text)
        self._hints = QWidget()
        self._hint_column = column(self._hints, (0, 0, 0, 0), px(4))
        inside.addWidget(self._hints)
        whole.addWidget(self._box)
        foot = Flow(px(8))
        self.count = Label("", "meta", "2")
        self.draft = Button(self._theme, commands.action("save_draft").text(), "", "quiet")
        self.draft.clicked.connect(commands.action("save_draft").trigger)
        self.send = Button(self._theme, commands.action("send").text(), "send", "primary")
        keys = commands.keys("send")
        self.send.setToolTip(self.tr("Send reply ({keys})").format(keys=keys))
        self.send.clicked.connect(commands.action("send").trigger)
        pair = QWidget()
        row = QHBoxLayout(pair)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(px(8))
        row.addWidget(self.draft)
        row.addWidget(self.send)
        self.count.setMinimumHeight(px(34))
        foot.add(self.count)
        foot.add(pair, end=True)
        whole.addWidget(foot)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_audience()

    def _fit_audience(self) -> None:
        """Let the words on who can read it wrap only where they have no room."""
        room = self.width() - self.template.sizeHint().width() - self._theme.px(120)
        need = self._heard.fontMetrics().horizontalAdvance(self._heard.text())
        self._heard.setWordWrap(need > room)

    def set_inset(self, *, inset: bool) -> None:
        """Stand in from the edges, or use the width where the conversation already does."""
        px = self._theme.px
        layout = self.layout()
        if layout is not None:
            side = px(20) if inset else 0
            layout.setContentsMargins(side, px(10), side, px(12))

    # ---------------------------------------------------------------- the conversation

    def show_thread(self, thread: ThreadView) -> None:
        """Belong to a conversation. What is being typed in it is never overwritten."""
        other = self._thread is None or self._thread.item.item_id != thread.item.item_id
        if other and self._thread is not None:
            self.save()
        self._thread = thread
        self._show_audience(thread)
        if other:
            self._template = None
            kept = thread.draft
            self._put(kept.text if kept else "")
            self._template_of(kept.template_id if kept else "")
        elif not self.text.toPlainText().strip() and thread.draft is not None:
            self._put(thread.draft.text)
        self._look()

    def _show_audience(self, thread: ThreadView) -> None:
        private = self.audience is Audience.PRIVATE
        if self._box.property("audience") != self.audience.value:
            self._box.setProperty("audience", self.audience.value)
            repolish(self._box)
        text = self.tr("Public: everyone can read this")
        if private:
            text = self.tr("Private: only {person} and the team").format(person=thread.item.person)
        refused = thread.can.get(ActionKind.REPLY, "")
        self._heard.setText(self.tr("Cannot be answered: {why}").format(why=refused) or text)
        if not refused:
            self._heard.setText(text)
        self._heard.set_tone("accent" if private else "warn")
        self._fit_audience()
        self._eye.show_icon("lock-keyhole" if private else "globe", "accent" if private else "amber")
        self.text.setReadOnly(bool(refused))
        name = self.tr("Reply to {person}. {audience}")
        self.text.setAccessibleName(name.format(person=thread.item.person, audience=text))
        said = self.tr("Write to {person}").format(person=thread.item.person)
        self.text.setPlaceholderText(said)

    @property
    def audience(self) -> Audience:
        """Who will read it: those who could read what is answered, never more."""
        return self._thread.item.audience if self._thread else Audience.PUBLIC

    def put_back(self, words_again: str) -> None:
        """Give back the words of a reply that did not leave."""
        if words_again and words_again not in self.text.toPlainText():
            now = self.text.toPlainText().strip()
            self._put(f"{now}\n\n{words_again}".strip())
            self._look()

    def sent(self) -> None:
        """The words are on their way: the box is empty again."""
        self._save.stop()
        self._template = None
        self._put("")
        self._look()

    def sending(self) -> Sending | None:
        """What would leave now; None where something keeps it here."""
        if self._thread is None or not self.ready:
            return None
        item = self._thread.item
        template = self._template.template_id if self._template else ""
        return Sending(
            item.item_id,
            self.text.toPlainText().strip(),
            self.audience,
            template,
            item.level,
            item.person,
            item.platform,
        )

    @property
    def written(self) -> bool:
        """Whether there are words."""
        return bool(self.text.toPlainText().strip())

    @property
    def ready(self) -> bool:
        """Whether nothing keeps the words from leaving."""
        refused = self._thread is not None and bool(self._thread.can.get(ActionKind.REPLY))
        blocked = any(remark.weight == "block" for remark in self._remarks)
        return self.written and not blocked and not refused

    @Slot()
    def try_to_send(self) -> None:
        """Ask for the words to be sent, if nothing keeps them here."""
        self._look()
        found = self.sending()
        if found is not None:
            self._save.stop()
            self.send_wanted.emit(found)

    # ---------------------------------------------------------------- drafts

    @Slot()
    def save(self) -> None:
        """Put the words on disk, if they changed."""
        self._save.stop()
        text = self.text.toPlainText()
        if self._thread is None or text == self._saved:
            return
        self._saved = text
        template = self._template.template_id if self._template else ""
        item_id = self._thread.item.item_id
        self._runner.do(replies.save_draft, item_id, text, self.audience, template)

    def _put(self, text: str) -> None:
        with QSignalBlocker(self.text):
            self.text.setPlainText(text)
        self._saved = text

    # ---------------------------------------------------------------- templates

    def pick_template(self) -> None:
        """Open the list of templates."""
        if self._thread is not None:
            answer = self._runner.ask(replies.templates)
            self._runner.latest("templates", answer).then(self._open_picker)

    def _open_picker(self, rows: list[TemplateRow]) -> None:
        if self._thread is None:
            return
        level = self._thread.item.level
        picker = TemplatePicker(self._theme, rows, level, self.audience, self.window())
        picker.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        picker.picked.connect(self.use_template)
        picker.open()

    def use_template(self, row: TemplateRow, short: bool) -> None:
        """Put a template in where the cursor stands, the known blanks filled."""
        if self._thread is None:
            return
        item = self._thread.item
        values = {**self._known, "name": item.person.split()[0] if item.person else ""}
        self._template = row
        self.text.insertPlainText(replies.fill(row, values, short=short))
        cursor = self.text.textCursor()
        cursor.setPosition(0)
        self.text.setTextCursor(cursor)
        self.text.next_blank()
        self.text.setFocus(Qt.FocusReason.OtherFocusReason)

    def use_line(self, found: Help, line: CrisisLine | None) -> None:
        """Fill the blanks for a line, or write it where the cursor stands."""
        values = {"emergency_number": found.emergency or "112"}
        if line is not None:
            ways = [value for _, value in line.contacts]
            values |= {"line_name": line.name, "line_contact": " / ".join(ways)}
            values["line_hours"] = line.hours
        text = self.text.toPlainText()
        filled = text
        for name, value in values.items():
            if value:
                filled = filled.replace(f"{{{name}}}", value)
        if filled != text:
            self.text.replace(0, len(text), filled)
        else:
            told = values["emergency_number"]
            if line is not None:
                told = self.tr("{line}: {contact}").format(line=line.name, contact=values["line_contact"])
            self.text.insertPlainText(told)
        self.text.setFocus(Qt.FocusReason.OtherFocusReason)

    def _template_of(self, template_id: str) -> None:
        if not template_id:
            return

        answer = self._runner.ask(replies.templates)
        self._runner.latest("draft template", answer).then(
            lambda rows: self._know_template(rows, template_id)
        )

    def _know_template(self, rows: list[TemplateRow], template_id: str) -> None:
        self._template = next((row for row in rows if row.template_id == template_id), None)

    # ---------------------------------------------------------------- remarks

    @Slot()
    def _typed(self) -> None:
        self._save.start()
        self._check.start()
        self._count()
        self.changed.emit()

    @Slot()
    def _look(self) -> None:
        """Read the draft for what could hurt."""
        self._check.stop()
        thread = self._thread
        text = self.text.toPlainText()
        found: list[Check] = []
        if thread is not None and text.strip():
            found = replies.check(
                text,
                thread.item.level,
                self.audience,
                thread.max_text,
                thread.text_unit,
                self._template,
            )
        if found != self._remarks:
            self._remarks = found
            self._show_remarks()
        self.text.show_remarks(found)
        self._count()
        self.changed.emit()

    def _show_remarks(self) -> None:
        while (item := self._hint_column.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        heavy = {"block": 0, "warn": 1, "hint": 2}
        worst = sorted(self._remarks, key=lambda remark: heavy[remark.weight])
        for remark in worst[:SHOWN]:
            made = Remark(self._theme, remark, self._told(remark))
            made.replace.connect(self._replace)
            self._hint_column.addWidget(made)
        left = len(worst) - SHOWN
        if left > 0:
            self._hint_column.addWidget(Label(self.tr("and %n more", "", left), "meta", "2"))
        self._hints.setVisible(bool(worst))

    def _told(self, remark: Check) -> str:
        text = self.text.toPlainText()[remark.start : remark.end]
        if len(text) > 40:  # noqa: PLR2004 - a remark names its place, it does not repeat it
            text = f"{text[:38].rstrip()}…"
        if not text:
            shown = self.tr("{why}: {say}") if remark.say else self.tr("{why}")
        elif remark.say:
            shown = self.tr("“{text}”: {why}. Try: {say}")
        else:
            shown = self.tr("“{text}”: {why}.")
        return shown.format(text=text, why=remark.why, say=remark.say.strip('"'))

    @Slot(object, str)
    def _replace(self, remark: Check, other: str) -> None:
        self.text.replace(remark.start, remark.end, other)
        self.text.setFocus(Qt.FocusReason.OtherFocusReason)
        self._look()

    def _count(self) -> None:
        text = self.text.toPlainText()
        parts = [self.tr("%n word(s)", "", len(text.split()))]
        most = self._thread.max_text if self._thread else 0
        if most:
            used = respect.length(text, self._thread.text_unit) if self._thread else 0
            shown = self.tr("{used} of {most}")
            parts.append(shown.format(used=words.number(used), most=words.number(most)))
        if self._remarks:
            parts.append(self.tr("%n remark(s)", "", len(self._remarks)))
        self.count.setText(self.tr(", ", "between parts of a count").join(parts))


def replacement(remark: Check) -> str | None:
    """The words to put instead, where the advice is words and not an instruction; "" removes."""
    if remark.end <= remark.start:
        return None
    if remark.say == DROP:
        return ""
    if remark.rule == "R34":
        return remark.say
    found = QUOTED.match(remark.say) or EITHER.match(remark.say)
    if found is None or "..." in found[1] or "{" in found[1]:
        return None
    return found[1].strip()
