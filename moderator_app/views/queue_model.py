"""A queue as a Qt table model: one column, pages by key, rows known by their id."""

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum
from itertools import groupby
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)

from moderator_app.desk import triage
from moderator_app.desk.desk import Ctx
from moderator_app.desk.rows import Heard, Level, Queue, QueueKey, QueueRow
from moderator_app.views import words
from moderator_app.views.runner import Runner

Index = QModelIndex | QPersistentModelIndex
PAGE = 100
AT_ONCE = 200
TABLES = frozenset({"item", "message", "action", "draft", "person", "thread"})


class Role(IntEnum):
    ROW = Qt.ItemDataRole.UserRole + 1


def load(ctx: Ctx, name: Queue, search: str, heard: Heard | None, count: int) -> list[QueueRow]:
    """The first `count` rows of a queue, page by page."""
    rows: list[QueueRow] = []
    after: QueueKey | None = None
    while len(rows) < count:
        page = triage.queue(ctx, name, after, min(PAGE, count - len(rows)), search, heard)
        rows += page
        if len(page) < PAGE:
            break
        after = page[-1].key
    return rows


class QueueModel(QAbstractTableModel):
    """Rows in the order of the desk. A refresh moves rows without losing selection or scroll.

    With `hold` a refresh keeps rows that are new out of the list and counts them in `held`, so that
    nothing moves under the pointer.
    """

    held_changed = Signal()
    refreshed = Signal()

    def __init__(self, runner: Runner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._rows: list[QueueRow] = []
        self._ids: dict[int, int] = {}
        self._more = False
        self.name = Queue.OPEN
        self.search = ""
        self.heard: Heard | None = None
        self.held: list[QueueRow] = []

    def show_queue(self, name: Queue, search: str = "", heard: Heard | None = None) -> None:
        """Begin a queue from its head."""
        first = self._runner.desk.ask(triage.queue, name, None, PAGE, search, heard)
        self.beginResetModel()
        self.name, self.search, self.heard = name, search, heard
        self._rows = list(first)
        self._more = len(first) == PAGE
        self._number()
        self.endResetModel()
        self._hold([])

    def refresh(self, *, hold: bool) -> None:
        """Read again what is shown, off this thread."""
        name, search, heard = self.name, self.search, self.heard
        count = max(PAGE, -(-len(self._rows) // PAGE) * PAGE)
        answer = self._runner.ask(load, name, search, heard, count)

        def take(rows: list[QueueRow]) -> None:
            if (self.name, self.search, self.heard) == (name, search, heard):
                self.merge(rows, more=len(rows) == count, hold=hold)

        self._runner.latest("queue", answer).then(take)

    def merge(self, rows: Sequence[QueueRow], *, more: bool, hold: bool) -> None:
        """Become these rows, by removing, moving and inserting."""
        self._more = more
        new = [row for row in rows if row.item_id not in self._ids]
        kept = [row for row in rows if not hold or row.item_id in self._ids]
        self._remove_missing({row.item_id for row in kept})
        if hold:
            self._update({row.item_id: row for row in kept})
        else:
            self._reorder([row for row in kept if row.item_id in self._ids])
            self._insert(kept)
        self._hold(new if hold else [])
        self.refreshed.emit()

    def row(self, index: Index) -> QueueRow | None:
        """The row at an index."""
        number = index.row()
        return self._rows[number] if index.isValid() and number < len(self._rows) else None

    def index_of(self, item_id: int) -> QModelIndex:
        """Where an item stands, invalid if it is not among the rows read so far."""
        number = self._ids.get(item_id)
        return QModelIndex() if number is None else self.index(number, 0)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.row(index)
        if row is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return row.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return words.spoken(row, self._now())
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return ". ".join(cue.why for cue in row.reasons)
        return row if role == Role.ROW else None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return words.queue(self.name)
        return super().headerData(section, orientation, role)

    def canFetchMore(self, parent: Index) -> bool:
        return not parent.isValid() and self._more

    def fetchMore(self, parent: Index) -> None:
        if parent.isValid() or not self._more or not self._rows:
            return
        after = self._rows[-1].key
        page = self._runner.desk.ask(triage.queue, self.name, after, PAGE, self.search, self.heard)
        self._more = len(page) == PAGE
        fresh = [row for row in page if row.item_id not in self._ids]
        if fresh:
            first = len(self._rows)
            self.beginInsertRows(QModelIndex(), first, first + len(fresh) - 1)
            self._rows += fresh
            self._number()
            self.endInsertRows()

    def _now(self) -> datetime:
        return self._runner.desk.clock.now()

    def _number(self) -> None:
        self._ids = {row.item_id: place for place, row in enumerate(self._rows)}

    def _hold(self, rows: list[QueueRow]) -> None:
        if rows != self.held:
            self.held = rows
            self.held_changed.emit()

    def _remove_missing(self, wanted: set[int]) -> None:
        gone = [place for place, row in enumerate(self._rows) if row.item_id not in wanted]
        for first, last in reversed(runs(gone)):
            self.beginRemoveRows(QModelIndex(), first, last)
            del self._rows[first : last + 1]
            self._number()
            self.endRemoveRows()

    def _update(self, fresh: dict[int, QueueRow]) -> None:
        """Take new contents without moving anything."""
        for place, row in enumerate(self._rows):
            if fresh[row.item_id] != row:
                self._rows[place] = fresh[row.item_id]
                self.dataChanged.emit(self.index(place, 0), self.index(place, 0))

    def _reorder(self, wanted: list[QueueRow]) -> None:
        """Take new contents and, where it differs, the new order."""
        if [row.item_id for row in wanted] == [row.item_id for row in self._rows]:
            self._update({row.item_id: row for row in wanted})
            return
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        ids = [self._rows[index.row()].item_id for index in before]
        self._rows = list(wanted)
        self._number()
        self.changePersistentIndexList(before, [self.index(self._ids[i], 0) for i in ids])
        self.layoutChanged.emit()

    def _insert(self, wanted: Sequence[QueueRow]) -> None:
        missing = [n for n, row in enumerate(wanted) if row.item_id not in self._ids]
        for first, last in runs(missing):
            self.beginInsertRows(QModelIndex(), first, last)
            self._rows[first:first] = wanted[first : last + 1]
            self._number()
            self.endInsertRows()

    def worst_held(self) -> Level:
        """The most urgent level among the rows held back."""
        return min((row.level for row in self.held), default=Level.GREEN)


def runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Numbers in rising order as first and last of each unbroken run."""
    groups = groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])
    parts = [[number for _, number in group] for _, group in groups]
    return [(part[0], part[-1]) for part in parts]
