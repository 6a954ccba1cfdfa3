"""Every command of the window, once: its words, keys, picture, when it can be used."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from moderator_app.desk.rows import Heard, Level, Queue
from moderator_app.views import cue_terms, words
from moderator_app.views.idle import PANIC_KEY, VEIL_KEY


class Needs(StrEnum):
    """What must be there for a command to make sense."""

    NOTHING = "nothing"
    ITEM = "item"
    MESSAGE = "message"
    DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `keys` are alternatives; the first is shown."""

    name: str
    text: str
    keys: tuple[str, ...]
    icon: str
    group: str
    needs: Needs = Needs.NOTHING


LETTERS = {
    Queue.OPEN: "O",
    Queue.CRISIS: "C",
    Queue.RED: "R",
    Queue.AMBER: "A",
    Queue.GREEN: "G",
    Queue.MINE: "M",
    Queue.ESCALATED: "E",
    Queue.SNOOZED: "S",
    Queue.CLOSED: "D",
    Queue.ANSWERED: "W",
    Queue.EARLIER: "B",
}
TEN = 10  # Ctrl with a digit reaches nine queues


class Commands(QObject):
    """The table of commands as QActions of a window. Menus, palette and help sheet read it."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.table = (
            *self._working(),
            *self._answering(),
            *self._judging(),
            *self._going(),
            *self._program(),
        )
        self._actions: dict[str, QAction] = {}
        for command in self.table:
            action = QAction(command.text, self)
            action.setObjectName(command.name)
            action.setShortcuts([QKeySequence(keys) for keys in command.keys])
            action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
            action.setEnabled(command.needs is Needs.NOTHING)
            window.addAction(action)
            self._actions[command.name] = action

    def action(self, name: str) -> QAction:
        """The action of a command."""
        return self._actions[name]

    def bind(self, name: str, run: Callable[[], object]) -> None:
        """Say what a command does."""
        self._actions[name].triggered.connect(lambda _checked=False: run())

    def drop(self, name: str) -> None:
        """Take a command away that this program cannot do."""
        action = self._actions.pop(name)
        self._window.removeAction(action)
        self.table = tuple(command for command in self.table if command.name != name)
        action.deleteLater()

    def allow(self, present: frozenset[Needs], unusable: frozenset[str] = frozenset()) -> None:
        """Turn commands on and off by what is there, and by what the platform cannot do."""
        for command in self.table:
            there = command.needs is Needs.NOTHING or command.needs in present
            self._actions[command.name].setEnabled(there and command.name not in unusable)

    def keys(self, name: str) -> str:
        """The first key of a command, as this machine writes it."""
        return keys_of(self._actions[name])

    def all_keys(self, name: str) -> str:
        """Every key of a command."""
        native = QKeySequence.SequenceFormat.NativeText
        found = [keys.toString(native) for keys in self._actions[name].shortcuts()]
        return self.tr(" or ", "between keys").join(found)

    def groups(self) -> list[tuple[str, list[Command]]]:
        """The commands under their headings, in order."""
        found: dict[str, list[Command]] = {}
        for command in self.table:
            found.setdefault(command.group, []).append(command)
        return list(found.items())

    def fill_menu(self, menu: QMenu) -> None:
        """One submenu for each group."""
        for heading, commands in self.groups():
            part = menu.addMenu(heading)
            for command in commands:
                part.addAction(self._actions[command.name])

    def _working(self) -> Sequence[Command]:
        group = self.tr("Conversation")
        item = Needs.ITEM
        return (
            Command("take_next", self.tr("Take next"), ("N",), "inbox", group),
            Command("next", self.tr("Next conversation"), ("J",), "chevron-down", group),
            Command("previous", self.tr("Previous conversation"), ("K",), "chevron-up", group),
            Command("open", self.tr("Open conversation"), ("O",), "arrow-right", group, item),
            Command("assign", self.tr("Assign to me"), ("A",), "user-round-plus", group, item),
            Command("unassign", self.tr("Give back"), ("U",), "user-round-minus", group, item),
            Command("snooze", self.tr("Snooze"), ("S",), "calendar-clock", group, item),
            Command("close", self.tr("Close"), ("C",), "check-check", group, item),
            Command("reopen", self.tr("Open again"), ("Shift+O",), "rotate-ccw", group, item),
            Command("escalate", self.tr("Escalate"), ("E",), "flag", group, item),
            Command("acknowledge", self.tr("I have it"), ("Shift+E",), "check", group, item),
            Command("note", self.tr("Add note"), ("M",), "notebook-pen", group, item),
            Command("lines", self.tr("Crisis lines"), ("Shift+L",), "life-buoy", group),
        )

    def _answering(self) -> Sequence[Command]:
        group = self.tr("Reply")
        return (
            Command("reply", self.tr("Write a reply"), ("R",), "send", group, Needs.ITEM),
            Command("template", self.tr("Templates"), ("T",), "layout-template", group, Needs.ITEM),
            Command("send", self.tr("Send reply"), ("Ctrl+Return",), "send", group, Needs.DRAFT),
            Command("save_draft", self.tr("Save draft"), ("Ctrl+S",), "check", group, Needs.DRAFT),
            Command("undo", self.tr("Undo the last action"), ("Z", "Ctrl+Z"), "undo-2", group),
            Command("outbox", self.tr("Outbox"), ("Ctrl+Shift+O",), "send", group),
        )

    def _judging(self) -> Sequence[Command]:
        group = self.tr("Message and level")
        one = Needs.MESSAGE
        levels = tuple(
            Command(
                f"level_{level.name.lower()}",
                self.tr("Set level: {level}").format(level=words.level(level)),
                (str(int(level) + 1),),
                "gauge",
                group,
                Needs.ITEM,
            )
            for level in Level
        )
        return (
            Command("hide", self.tr("Hide or show message"), ("H",), "eye-off", group, one),
            Command("like", self.tr("Like message"), ("L",), "heart", group, one),
            Command("moderate", self.tr("Moderate message or person"), ("D",), "list-checks", group, one),
            Command("poll", self.tr("Ask a poll here"), ("Shift+P",), "list-checks", group, Needs.ITEM),
            Command("links", self.tr("Links and pictures"), ("Shift+K",), "external-link", group, one),
            Command("copy", self.tr("Copy message text"), ("Ctrl+Shift+C",), "copy", group, one),
            Command("why", self.tr("Why this level"), ("W",), "circle-help", group, one),
            Command("higher", self.tr("Should be higher"), ("+", "="), "chevron-up", group, one),
            Command("lower", self.tr("Should be lower"), ("-",), "chevron-down", group, one),
            Command("level", self.tr("Set level"), ("V",), "gauge", group, Needs.ITEM),
            *levels,
        )

    def _going(self) -> Sequence[Command]:
        group = self.tr("Go to")
        queues = tuple(
            Command(
                f"queue_{name.value}",
                self.tr("Queue: {queue}").format(queue=words.queue(name)),
                (f"G, {letter}", f"Ctrl+{place}") if place < TEN else (f"G, {letter}",),
                "inbox",
                group,
            )
            for place, (name, letter) in enumerate(LETTERS.items(), 1)
        )
        heard = tuple(
            Command(
                f"heard_{one.value}",
                self.tr("Needs a reply: {heard}").format(heard=cue_terms.heard(one)),
                (f"G, {place}",),
                "funnel",
                group,
            )
            for place, one in enumerate(Heard, 1)
        )
        return (
            *queues,
            *heard,
            Command("filter", self.tr("Filter this queue"), ("/",), "funnel", group),
            Command("search", self.tr("Search messages"), ("Ctrl+F",), "search", group),
            Command("palette", self.tr("Search or run a command"), ("Ctrl+K",), "command", group),
            Command("news", self.tr("Show what is new"), (".",), "refresh-cw", group),
            Command("panes", self.tr("Next pane"), ("F6",), "panel-right", group),
            Command("back", self.tr("Back to the list"), ("Esc",), "arrow-left", group),
        )

    def _program(self) -> Sequence[Command]:
        group = self.tr("Program")
        return (
            Command("person", self.tr("Show or hide the person"), ("Ctrl+I",), "user", group),
            Command("theme", self.tr("Switch colour scheme"), ("Ctrl+Shift+D",), "moon", group),
            Command("contrast", self.tr("Switch high contrast"), ("Ctrl+Shift+H",), "moon", group),
            Command("larger", self.tr("Larger text"), ("Ctrl++", "Ctrl+="), "search", group),
            Command("smaller", self.tr("Smaller text"), ("Ctrl+-",), "search", group),
            Command("sync", self.tr("Sync now"), ("F5",), "refresh-cw", group),
            Command("accounts", self.tr("Accounts"), ("Ctrl+Shift+A",), "plug", group),
            Command("connect", self.tr("Connect an account"), (), "plug", group),
            Command("import", self.tr("Import a file"), ("Ctrl+O",), "upload", group),
            Command("week", self.tr("Weekly summary"), ("Ctrl+Shift+E",), "file-text", group),
            Command("teaching", self.tr("What triage hears"), ("Ctrl+Shift+T",), "spell-check", group),
            Command(
                "privacy",
                self.tr("Privacy and forgetting"),
                ("Ctrl+Shift+P",),
                "hourglass",
                group,
            ),
            Command("backups", self.tr("Backups and keys"), (), "lock-keyhole", group),
            Command("lock", self.tr("Lock"), ("Ctrl+L",), "lock", group),
            Command("veil", self.tr("Veil names and messages"), (VEIL_KEY,), "eye-off", group),
            Command("panic", self.tr("Hide everything and lock"), (PANIC_KEY,), "eye-off", group),
            Command("help", self.tr("Keyboard help"), ("?", "F1"), "circle-help", group),
        )


def keys_of(action: QAction) -> str:
    """The first key of an action, as this machine writes it."""
    return action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
