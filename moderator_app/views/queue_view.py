"""The triage list: one queue, its filter and chips, and a button for what has come in meanwhile."""

from PySide6.QtCore import (
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    Qt,
    QTimer,
    Signal,
    Slot,
)
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QButtonGroup,
    QHBoxLayout,
    QLineEdit,
    QStackedLayout,
    QTableView,
    QWidget,
)

from moderator_app.desk.rows import Heard, Level, Queue
from moderator_app.views import cue_terms, words
from moderator_app.views.queue_delegate import ROW, QueueDelegate
from moderator_app.views.queue_model import TABLES, QueueModel
from moderator_app.views.runner import Runner
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import (
    Button,
    Choice,
    EmptyState,
    Flow,
    Label,
    Pill,
    column,
    repolish,
)

TYPING_MS = 200
CHIPS = (Queue.OPEN, Queue.MINE, Queue.ESCALATED)


class CardTable(QTableView):
    """One column of cards of one height; the width of the column is the width of the view."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.place = -1
        self.setObjectName("cards")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.horizontalHeader().hide()
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(rows.ResizeMode.Fixed)
        theme.changed.connect(self.restyle)
        self.restyle()

    @Slot()
    def restyle(self) -> None:
        height = self._theme.px(ROW)
        rows = self.verticalHeader()
        rows.setMinimumSectionSize(height)
        rows.setDefaultSectionSize(height)
        self.verticalScrollBar().setSingleStep(height // 3)

    def rowsAboutToBeRemoved(self, parent: QModelIndex | QPersistentModelIndex, start: int, end: int) -> None:
        """Let go of a chosen row that leaves: Qt would choose its neighbour, and open it unasked."""
        if start <= self.currentIndex().row() <= end:
            self.place = start - 1
            self.selectionModel().clear()
        super().rowsAboutToBeRemoved(parent, start, end)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.setColumnWidth(0, self.viewport().width())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.activated.emit(self.currentIndex())
            return
        super().keyPressEvent(event)


class QueueView(QWidget):
    """The list pane. `chosen` names the item under the cursor, `opened` one that was activated."""

    chosen = Signal(int)
    opened = Signal(int)
    queue_chosen = Signal(object)

    def __init__(self, theme: Theme, runner: Runner) -> None:
        super().__init__()
        self.setObjectName("queuePane")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = theme
        self.model = QueueModel(runner, self)
        self.table = CardTable(theme)
        self.table.setItemDelegate(QueueDelegate(theme, runner.desk.clock, self.table))
        self.table.setModel(self.model)
        self._build()
        self.table.selectionModel().selectionChanged.connect(self._selection_changed)
        self.table.activated.connect(self._activated)
        self.table.clicked.connect(self._activated)
        self.model.held_changed.connect(self._show_held)
        self.model.refreshed.connect(self._refreshed)
        runner.changed.connect(self._changed)
        runner.every(30, self.table.viewport().update)
        theme.changed.connect(self._restyle)

    def _build(self) -> None:
        px = self._theme.px
        self.title = Label("", "queue")
        self.count = Pill("", "teal")
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(self.tr("Filter this queue"))
        self.filter.setAccessibleName(self.tr("Filter this queue"))
        self.filter.setClearButtonEnabled(True)
        self._typing = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._typing.timeout.connect(self._filter_now)
        self.filter.textChanged.connect(self._typing.start)
        self.news = Button(self._theme, "", "chevron-up", "chip")
        self.news.clicked.connect(self.take_news)
        self.news.hide()
        self.empty = EmptyState(self._theme, "heart-handshake")
        pages = QWidget()
        self._pages = QStackedLayout(pages)
        self._pages.setContentsMargins(0, 0, 0, 0)
        self._pages.addWidget(self.table)
        self._pages.addWidget(self.empty)
        self._head = QWidget()
        head = column(self._head, (px(16), px(16), px(16), px(8)), px(10))
        title = QHBoxLayout()
        title.setSpacing(px(10))
        title.addWidget(self.title)
        title.addWidget(self.count)
        title.addStretch()
        head.addLayout(title)
        self.heard = Choice(self._theme)
        self.heard.setAccessibleName(self.tr("What was heard"))
        self.heard.addItem(self.tr("Anything heard"), None)
        for one in Heard:
            self.heard.addItem(cue_terms.heard(one), one)
        self.heard.currentIndexChanged.connect(self._filter_now)
        narrowing = QHBoxLayout()
        narrowing.setSpacing(px(8))
        narrowing.addWidget(self.filter, 1)
        self.heard.setMaximumWidth(px(150))
        narrowing.addWidget(self.heard)
        head.addLayout(narrowing)
        self._flow = Flow(px(8))
        self._group = QButtonGroup(self)
        self._chip_of: dict[Queue, Button] = {}
        for name in CHIPS:
            self._add_chip(name)
        head.addWidget(self._flow)
        head.addWidget(self.news)
        whole = column(self, (0, 0, 0, 0), 0)
        whole.addWidget(self._head)
        whole.addWidget(pages, 1)

    def _add_chip(self, name: Queue) -> None:
        text = self.tr("All open") if name is Queue.OPEN else words.queue(name)
        chip = Button(self._theme, text, "", "chip")
        chip.setCheckable(True)
        chip.setAccessibleName(self.tr("Show: {queue}").format(queue=text))
        chip.clicked.connect(lambda: self.queue_chosen.emit(name))
        self._group.addButton(chip)
        self._flow.add(chip)
        self._chip_of[name] = chip

    def show_queue(self, name: Queue) -> None:
        """Begin another queue; the filter is emptied."""
        for narrowing in (self.filter, self.heard):
            narrowing.blockSignals(True)
        self.filter.clear()
        self.heard.setCurrentIndex(0)
        for narrowing in (self.filter, self.heard):
            narrowing.blockSignals(False)
        self.model.show_queue(name)
        self.table.place = -1
        self.title.setText(words.queue(name))
        self.table.setAccessibleName(self.tr("Conversations in {queue}").format(queue=words.queue(name)))
        chip = self._chip_of.get(name)
        self._group.setExclusive(False)
        for button in self._chip_of.values():
            button.setChecked(button is chip)
        self._group.setExclusive(True)
        self._say_empty()
        self.table.scrollToTop()

    def show_count(self, number: int) -> None:
        """Say how many stand in this queue."""
        self.count.setText(words.number(number))
        self.count.setAccessibleName(self.tr("%n conversation(s)", "", number))
        self.count.setVisible(number > 0)

    def current(self) -> int | None:
        """The item that is chosen."""
        row = self.model.row(self._selected())
        return row.item_id if row else None

    def step(self, by: int) -> bool:
        """Choose the next or an earlier row; true if there was one."""
        here = self._selected()
        place = (here.row() if here.isValid() else self.table.place) + by
        if not 0 <= place < self.model.rowCount():
            return False
        self.select_index(self.model.index(place, 0))
        if place == self.model.rowCount() - 1 and self.model.canFetchMore(QModelIndex()):
            self.model.fetchMore(QModelIndex())
        return True

    def select(self, item_id: int) -> bool:
        """Put the cursor on an item, if it is among the rows."""
        index = self.model.index_of(item_id)
        if index.isValid():
            self.select_index(index)
        return index.isValid()

    def select_index(self, index: QModelIndex) -> None:
        """Put the cursor on a row and bring it into sight."""
        flags = QItemSelectionModel.SelectionFlag
        chosen = flags.ClearAndSelect | flags.Rows
        self.table.selectionModel().setCurrentIndex(index, chosen)
        self.table.scrollTo(index)

    @Slot()
    def take_news(self) -> None:
        """Let what was held back into the list."""
        self.model.refresh(hold=False)
        self.table.scrollToTop()

    @Slot()
    def _selection_changed(self) -> None:
        item = self.current()
        if item is not None:
            self.table.place = self._selected().row()
            self.chosen.emit(item)

    def _selected(self) -> QModelIndex:
        chosen = self.table.selectionModel().selectedIndexes()
        return chosen[0] if chosen else QModelIndex()

    @Slot(QModelIndex)
    def _activated(self, index: QModelIndex) -> None:
        row = self.model.row(index)
        if row is not None:
            self.opened.emit(row.item_id)

    @Slot(object)
    def _changed(self, tables: frozenset[str]) -> None:
        if tables & TABLES:
            self.model.refresh(hold=self._busy())

    def _busy(self) -> bool:
        """Whether moving rows would pull one from under the pointer or the eye."""
        inside = (
            self.table.viewport().rect().contains(self.table.viewport().mapFromGlobal(self.cursor().pos()))
        )
        scrolled = self.table.verticalScrollBar().value() > 0
        over = inside and self.isActiveWindow() and self.table.underMouse()
        return self.model.rowCount() > 0 and (over or scrolled)

    @Slot()
    def _filter_now(self) -> None:
        heard = self.heard.currentData()
        narrowed = Heard(heard) if heard is not None else None
        self.model.show_queue(self.model.name, self.filter.text().strip(), narrowed)
        self._say_empty()

    def show_heard(self, heard: Heard) -> None:
        """Narrow the queue to what was heard."""
        self.heard.setCurrentIndex(self.heard.findData(heard))

    @Slot()
    def _refreshed(self) -> None:
        self._say_empty()

    @Slot()
    def _show_held(self) -> None:
        held = len(self.model.held)
        self.news.setVisible(held > 0)
        if not held:
            return
        text = self.tr("%n new", "", held)
        if self.model.worst_held() is Level.CRISIS:
            crises = sum(row.level is Level.CRISIS for row in self.model.held)
            text = self.tr("%n new, {crises} in crisis", "", held).format(crises=words.number(crises))
        self.news.set_text(text)
        self.news.setProperty("urgent", self.model.worst_held() is Level.CRISIS)
        repolish(self.news)

    def _say_empty(self) -> None:
        none = self.model.rowCount() == 0
        self._pages.setCurrentIndex(1 if none else 0)
        if not none:
            return
        if self.model.search or self.model.heard is not None:
            title = self.tr("Nothing here fits.")
            text = self.tr("Try fewer words, or clear the filter.")
        elif self.model.name in (Queue.OPEN, Queue.CRISIS, Queue.RED, Queue.AMBER, Queue.GREEN):
            title = self.tr("Nobody is waiting here.")
            text = self.tr("Thank you. Take a breath before the next one.")
        else:
            title = self.tr("This queue is empty.")
            text = self.tr("What you put here stays in sight until it is done.")
        self.empty.say(title, text)

    @Slot()
    def _restyle(self) -> None:
        px = self._theme.px
        layout = self._head.layout()
        if layout is not None:
            layout.setContentsMargins(px(16), px(16), px(16), px(8))
            layout.setSpacing(px(10))
        self._flow.set_gap(px(8))

    def card_centre(self, place: int) -> QPoint:
        """The middle of a card in the table's viewport."""
        return self.table.visualRect(self.model.index(place, 0)).center()
