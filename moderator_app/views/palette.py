"""Ctrl+K: every command, every queue and what people wrote, from one field, by keyboard alone."""

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QListWidget, QListWidgetItem, QWidget

from moderator_app.desk import query, search
from moderator_app.desk.rows import Hit
from moderator_app.errors import ForTheModerator
from moderator_app.views import words
from moderator_app.views.commands import Commands
from moderator_app.views.hit_delegate import ENTRY, Choice, HitDelegate
from moderator_app.views.runner import Runner
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Label, column

TYPING_MS = 150
HITS = 20
LEAST = 2


class Palette(QDialog):
    """Closes with Escape, runs with Return. `only_messages` leaves the commands out."""

    hit_chosen = Signal(object)

    def __init__(
        self,
        theme: Theme,
        runner: Runner,
        commands: Commands,
        parent: QWidget,
        *,
        only_messages: bool = False,
    ) -> None:
        super().__init__(parent)
        self._theme, self._runner, self._commands = theme, runner, commands
        self._only_messages = only_messages
        self._hits: list[Hit] = []
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        title = self.tr("Search messages") if only_messages else commands.action("palette").text()
        self.setWindowTitle(title)
        px = theme.px
        whole = column(self, (px(12), px(12), px(12), px(12)), px(8))
        self.field = QLineEdit()
        self.field.setPlaceholderText(title)
        self.field.setAccessibleName(title)
        self.field.installEventFilter(self)
        whole.addWidget(self.field)
        self.list = QListWidget()
        self.list.setProperty("kind", "plain")
        self.list.setAccessibleName(self.tr("What was found"))
        self.list.setUniformItemSizes(False)
        self.list.setWordWrap(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setItemDelegate(HitDelegate(theme, self.list))
        self.list.currentRowChanged.connect(self._more)
        self.list.itemClicked.connect(self._run)
        self.list.itemActivated.connect(self._run)
        whole.addWidget(self.list, 1)
        self._said = Label("", "meta", "2")
        whole.addWidget(self._said)
        self._typing = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._typing.timeout.connect(self._search)
        self.field.textChanged.connect(self._typed)
        self.resize(min(px(620), parent.width() - px(32)), min(px(460), parent.height() - px(80)))
        self.move(parent.mapToGlobal(QPoint((parent.width() - self.width()) // 2, px(56))))
        self.field.setFocus()
        self._fill()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows in the field walk the list; Return runs."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8}
            step = steps.get(Qt.Key(event.key()))
            if step is not None:
                place = self.list.currentRow() + step
                self.list.setCurrentRow(min(max(place, 0), self.list.count() - 1))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                item = self.list.currentItem()
                if item is not None:
                    self._run(item)
                return True
        return super().eventFilter(watched, event)

    @Slot()
    def _typed(self) -> None:
        self._fill()
        self._typing.start()

    @Slot()
    def _search(self) -> None:
        if len(self.field.text().strip()) < LEAST:
            self._take([])
            return
        # The space behind a word says that it is whole, so nothing is stripped.
        answer = self._runner.overtaking("search", search.find, self.field.text(), HITS)
        answer.then(self._take).failed(self._refused)

    def _take(self, hits: list[Hit]) -> None:
        self._hits = hits
        self._fill()

    def _refused(self, error: BaseException) -> None:
        """A filter with a value that there is not: say which there are, and keep what was found."""
        if isinstance(error, ForTheModerator):
            self._said.setText(" ".join(words.trouble(error)))

    @Slot(int)
    def _more(self, row: int) -> None:
        """At the last message that was found, bring the ones before it."""
        if row < 0 or row != self.list.count() - 1 or not self._hits or len(self._hits) % HITS:
            return
        below = self._hits[-1].message_id
        answer = self._runner.overtaking("search", search.find, self.field.text(), HITS, below=below)
        answer.then(self._take_more)

    def _take_more(self, hits: list[Hit]) -> None:
        self._hits += hits
        for hit in hits:
            self._add_hit(hit)
        self._tell()

    def _fill(self) -> None:
        wanted = self.field.text().strip()
        kept = self.list.currentRow()
        self.list.clear()
        if not self._only_messages:
            for name in self._ranked(wanted):
                self._add_command(name)
        for hit in self._hits:
            self._add_hit(hit)
        self.list.setCurrentRow(min(max(kept, 0), self.list.count() - 1))
        self._tell()

    def _tell(self) -> None:
        if self._only_messages and len(self.field.text().strip()) < LEAST:
            told = self.tr('Words, "whole phrases", -without. Filters: {filters}')
            self._said.setText(told.format(filters=" ".join(query.FILTERS)))
            return
        found = self.list.count()
        more = len(self._hits) > 0 and len(self._hits) % HITS == 0
        self._said.setText(
            self.tr("%n found, more below", "", found) if more else self.tr("%n found", "", found)
        )

    def _ranked(self, wanted: str) -> list[str]:
        scored = []
        for place, command in enumerate(self._commands.table):
            if not self._commands.action(command.name).isEnabled():
                continue
            score = closeness(wanted, f"{command.text} {command.group}")
            if score is not None:
                scored.append((score, place, command.name))
        return [name for _, _, name in sorted(scored)]

    def _add_command(self, name: str) -> None:
        action = self._commands.action(name)
        keys = self._commands.keys(name)
        shown = self.tr("{command}   {keys}") if keys else self.tr("{command}")
        item = QListWidgetItem(shown.format(command=action.text(), keys=keys))
        icon = next(command.icon for command in self._commands.table if command.name == name)
        item.setIcon(self._theme.icons.icon(icon, self._theme.color("text2"), self._theme.px(16)))
        item.setData(ENTRY, Choice(command=name))
        self.list.addItem(item)

    def _add_hit(self, hit: Hit) -> None:
        when = words.when(hit.at, self._runner.desk.clock.now())
        shown = self.tr("{person}, {when}: {excerpt}")
        text = " ".join(hit.excerpt.split())
        item = QListWidgetItem(shown.format(person=hit.person, when=when, excerpt=text))
        head = self.tr("{person}, {when}, in {title}") if hit.title else self.tr("{person}, {when}")
        head = head.format(person=hit.person, when=when, title=hit.title)
        item.setData(ENTRY, Choice(hit=hit, head=head))
        self.list.addItem(item)

    @Slot(QListWidgetItem)
    def _run(self, item: QListWidgetItem) -> None:
        choice = item.data(ENTRY)
        self.accept()
        if choice.hit is not None:
            self.hit_chosen.emit(choice.hit)
        else:
            self._commands.action(choice.command).trigger()


def closeness(wanted: str, text: str) -> int | None:
    """How far letters typed in order are from a text: 0 is nearest, None does not fit."""
    typed, told = wanted.casefold(), text.casefold()
    if not typed:
        return 0
    at = told.find(typed)
    if at >= 0:
        return at if at == 0 or told[at - 1] == " " else at + 20
    place, gaps = -1, 0
    for letter in typed.replace(" ", ""):
        found = told.find(letter, place + 1)
        if found < 0:
            return None
        gaps += found - place - 1
        place = found
    return 100 + gaps
