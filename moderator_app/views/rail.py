"""The rail: queues with their counts, the community, the accounts' health and long jobs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListView,
    QProgressBar,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from moderator_app.desk.rows import AccountRow, Level, Queue
from moderator_app.views import words
from moderator_app.views.commands import Commands, keys_of
from moderator_app.views.cue_text import draw_line, round_box
from moderator_app.views.icons import paint_level
from moderator_app.views.runner import Runner
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import (
    Button,
    ElidedLabel,
    Glyph,
    Label,
    box,
    column,
)

WIDE = 220
NARROW = 64
ICONS = {
    Queue.OPEN: "inbox",
    Queue.MINE: "user-round",
    Queue.ESCALATED: "flag",
    Queue.SNOOZED: "calendar-clock",
    Queue.ANSWERED: "message-square-reply",
    Queue.CLOSED: "circle-check",
    Queue.EARLIER: "archive",
}
LEVELS = {
    Queue.CRISIS: Level.CRISIS,
    Queue.RED: Level.RED,
    Queue.AMBER: Level.AMBER,
    Queue.GREEN: Level.GREEN,
}
QUIET = frozenset({Queue.GREEN, Queue.ANSWERED, Queue.SNOOZED, Queue.CLOSED, Queue.EARLIER})
MOST = 99  # in the narrow rail
ENTRY = Qt.ItemDataRole.UserRole + 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the rail: a heading, a queue, or a place by the name of its command."""

    text: str
    icon: str = ""
    queue: Queue | None = None
    command: str = ""

    @property
    def heading(self) -> bool:
        return self.queue is None and not self.command


class RailModel(QAbstractListModel):
    """The lines of the rail and their counts."""

    def __init__(self, commands: Commands) -> None:
        super().__init__()
        names = {command.name for command in commands.table}
        queues = [
            Entry(words.queue(name), ICONS.get(name, ""), name)
            for name in (*LEVELS, *ICONS)
            if name is not Queue.OPEN
        ]
        first = Entry(words.queue(Queue.OPEN), ICONS[Queue.OPEN], Queue.OPEN)
        places = [Entry(self.tr("Outbox"), "send", command="outbox")]
        if "week" in names:
            places.append(Entry(self.tr("Weekly summary"), "file-text", command="week"))
        self.entries = [
            Entry(self.tr("Queues")),
            first,
            *queues,
            Entry(self.tr("Community")),
            *places,
        ]
        self.counts: dict[Queue, int] = {}
        self.waiting = 0

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.entries)

    def flags(self, index: QModelIndex | QPersistentModelIndex) -> Qt.ItemFlag:
        if index.isValid() and self.entries[index.row()].heading:
            return Qt.ItemFlag.ItemIsEnabled
        return super().flags(index)

    def data(
        self,
        index: QModelIndex | QPersistentModelIndex,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        if not index.isValid():
            return None
        entry = self.entries[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return entry.text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            if entry.heading or (entry.command and entry.command != "outbox"):
                return entry.text
            text = self.tr("{name}, %n item(s)", "", self.count(entry))
            return text.format(name=entry.text)
        return entry if role == ENTRY else None

    def count(self, entry: Entry) -> int:
        """What the badge of a line says."""
        if entry.command == "outbox":
            return self.waiting
        return self.counts.get(entry.queue, 0) if entry.queue else 0

    def show_counts(self, counts: dict[Queue, int], waiting: int) -> None:
        """Take new counts."""
        if (counts, waiting) != (self.counts, self.waiting):
            self.counts, self.waiting = dict(counts), waiting
            self.dataChanged.emit(self.index(0), self.index(len(self.entries) - 1))


class RailDelegate(QStyledItemDelegate):
    """Paints one line, wide with its name or narrow with a corner count."""

    def __init__(self, theme: Theme, model: RailModel, view: "RailList") -> None:
        super().__init__(view)
        self._theme, self._model, self._view = theme, model, view

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        del option
        entry = self._model.entries[index.row()]
        units = 30 if entry.heading else 38
        if entry.heading and self._view.narrow:
            units = 14
        return QSize(self._theme.px(NARROW - 24), self._theme.px(units))

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        entry = self._model.entries[index.row()]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bounds: QRect = option.rect
        direction = option.direction
        state = option.state
        line = _Line(self._theme, painter, bounds, direction)
        if entry.heading:
            if not self._view.narrow:
                line.heading(entry.text)
        else:
            chosen = bool(state & QStyle.StateFlag.State_Selected)
            line.ground(
                chosen=chosen,
                hover=bool(state & QStyle.StateFlag.State_MouseOver),
                focus=chosen and self._view.hasFocus(),
            )
            line.icon(entry, chosen=chosen, narrow=self._view.narrow)
            count = self._model.count(entry)
            used = line.count(entry, count, chosen=chosen, narrow=self._view.narrow)
            if not self._view.narrow:
                line.name(entry.text, used, chosen=chosen)
        painter.restore()


class _Line:
    """One painting of one line of the rail."""

    def __init__(self, theme: Theme, painter: QPainter, bounds: QRect, direction: Qt.LayoutDirection) -> None:
        self.theme, self.painter, self.bounds = theme, painter, bounds
        self.direction = direction
        gap = theme.px(1)
        self.box = bounds.adjusted(gap, gap, -gap, -gap)

    def _mirror(self, where: QRect) -> QRect:
        return QStyle.visualRect(self.direction, self.bounds, where)

    def _side(self) -> Qt.AlignmentFlag:
        left = self.direction == Qt.LayoutDirection.LeftToRight
        return Qt.AlignmentFlag.AlignLeft if left else Qt.AlignmentFlag.AlignRight

    def heading(self, text: str) -> None:
        self.painter.setFont(self.theme.font("meta", 600))
        self.painter.setPen(self.theme.color("text3"))
        where = self._mirror(self.bounds.adjusted(self.theme.px(12), 0, 0, 0))
        draw_line(self.painter, QRectF(where), text, self._side())

    def ground(self, *, chosen: bool, hover: bool, focus: bool) -> None:
        radius = self.theme.px(8)
        where = QRectF(self.box)
        if chosen or hover:
            fill = self.theme.color("surface" if chosen else "canvas")
            edge = self.theme.color("hairline") if chosen else fill
            round_box(self.painter, where, radius, fill, edge)
        if focus:
            self.painter.setPen(QPen(self.theme.color("accent"), 2))
            self.painter.setBrush(Qt.BrushStyle.NoBrush)
            self.painter.drawRoundedRect(where.adjusted(1, 1, -1, -1), radius, radius)

    def icon(self, entry: Entry, *, chosen: bool, narrow: bool) -> None:
        side = self.theme.px(18)
        left = self.box.center().x() - side // 2 if narrow else self.box.x() + self.theme.px(12)
        where = QRect(left, self.box.center().y() - side // 2 + 1, side, side)
        if entry.queue in LEVELS:
            level = LEVELS[entry.queue]
            inset = self.theme.px(1)
            mark = QColor(self.theme.tokens.level(level).mark)
            place = QRectF(self._mirror(where)).adjusted(inset, inset, -inset, -inset)
            paint_level(self.painter, level, place, mark, self.theme.color("surface"))
            return
        colour = self.theme.color("accent" if chosen else "text2")
        self.theme.icons.paint(self.painter, entry.icon, colour, QRectF(self._mirror(where)))

    def name(self, text: str, used: int, *, chosen: bool) -> None:
        px = self.theme.px
        font = self.theme.font("control", 600 if chosen else 500)
        room = self.box.adjusted(px(12 + 18 + 12), 0, -(used + px(12)), 0)
        self.painter.setFont(font)
        self.painter.setPen(self.theme.color("text" if chosen else "text2"))
        cut = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, room.width())
        draw_line(self.painter, QRectF(self._mirror(room)), cut, self._side())

    def count(self, entry: Entry, count: int, *, chosen: bool, narrow: bool) -> int:
        """The badge: filled for the open queue, tinted for crisis and red, else a plain number."""
        if not count or (narrow and entry.queue in QUIET):
            return 0
        px = self.theme.px
        font = self.theme.font("caption", 600)
        text = words.number(count)
        if narrow and count > MOST:
            text = words.more_than(MOST)
        wide = round(QFontMetricsF(font).horizontalAdvance(text)) + px(12)
        high = px(17 if narrow else 20)
        wide = max(wide, high)
        right = self.box.right() + 1 - (0 if narrow else px(8))
        top = self.box.y() if narrow else self.box.center().y() - high // 2 + 1
        where = QRectF(self._mirror(QRect(right - wide, top, wide, high)))
        self.painter.setFont(font)
        if narrow:
            ground = self.theme.color("rail")
            round_box(self.painter, where, where.height() / 2, ground, ground)
        self.painter.setPen(self._badge(entry, where, chosen=chosen))
        self.painter.drawText(where, Qt.AlignmentFlag.AlignCenter, text)
        return wide + px(8)

    def _badge(self, entry: Entry, where: QRectF, *, chosen: bool) -> QColor:
        tokens, radius = self.theme.tokens, where.height() / 2
        if chosen:
            fill = self.theme.color("accent")
            round_box(self.painter, where, radius, fill, fill)
            return self.theme.color("on_accent")
        if entry.queue in (Queue.CRISIS, Queue.RED):
            hue = tokens.level(LEVELS[entry.queue])
            edge = QColor(tokens.outline if tokens.contrast else hue.soft)
            round_box(self.painter, where, radius, QColor(hue.soft), edge)
            return QColor(hue.text)
        return self.theme.color("text2")


class RailList(QListView):
    """The lines of the rail as a list that arrows walk through."""

    queue_chosen = Signal(object)
    command_chosen = Signal(str)

    def __init__(self, theme: Theme, model: RailModel) -> None:
        super().__init__()
        self.narrow = False
        self._theme = theme
        self._model = model
        self.setModel(model)
        self.setItemDelegate(RailDelegate(theme, model, self))
        self.setAccessibleName(self.tr("Queues and places"))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.clicked.connect(self._run)
        self.activated.connect(self._run)
        theme.changed.connect(self.scheduleDelayedItemsLayout)

    def set_narrow(self, narrow: bool) -> None:
        """Show icons alone, or icons and names."""
        self.narrow = narrow
        policy = Qt.ScrollBarPolicy
        # The wheel and the arrows still reach everything; a bar would cover the icons.
        self.setVerticalScrollBarPolicy(policy.ScrollBarAlwaysOff if narrow else policy.ScrollBarAsNeeded)
        self.scheduleDelayedItemsLayout()

    def mark(self, name: Queue) -> None:
        """Show which queue is open."""
        for place, entry in enumerate(self._model.entries):
            if entry.queue is name:
                self.setCurrentIndex(self._model.index(place))

    def currentChanged(
        self,
        current: QModelIndex | QPersistentModelIndex,
        previous: QModelIndex | QPersistentModelIndex,
    ) -> None:
        super().currentChanged(current, previous)
        entry = current.data(ENTRY)
        if isinstance(entry, Entry) and entry.queue is not None:
            self.queue_chosen.emit(entry.queue)

    @Slot(QModelIndex)
    def _run(self, index: QModelIndex) -> None:
        entry = index.data(ENTRY)
        if isinstance(entry, Entry) and entry.command:
            self.command_chosen.emit(entry.command)


class AccountLine(QWidget):
    """One account: who, how it is, and the way to mend it."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.px(8))
        self._glyph = Glyph(theme, "check", "safe", 15)
        texts = QWidget()
        lines = column(texts, (0, 0, 0, 0), theme.px(1))
        self._name = ElidedLabel("", "strong")
        self._state = ElidedLabel("", "caption", "2")
        lines.addWidget(self._name)
        lines.addWidget(self._state)
        row.addWidget(self._glyph)
        row.addWidget(texts, 1)

    def show_row(self, row: AccountRow, now: datetime) -> None:
        """Show how an account is."""
        looks = {
            "ok": ("check", "safe"),
            "syncing": ("refresh-cw", "accent"),
            "waiting": ("clock", "amber"),
            "offline": ("cloud-off", "amber"),
            "sign_in": ("lock", "crisis"),
            "new": ("circle-help", "text3"),
        }
        text, (icon, tone) = words.health(row, now), looks[row.health]
        self._glyph.show_icon(icon, tone)
        name = row.name or row.handle
        self._name.setText(name)
        self._state.setText(text)
        spoken = self.tr("{name} on {platform}: {state}")
        self.setAccessibleName(spoken.format(name=name, platform=row.platform, state=text))


class JobLine(QWidget):
    """A long job: its name, how far it is, and the way to stop it."""

    def __init__(self, theme: Theme, runner: Runner, number: int) -> None:
        super().__init__()
        self._runner, self._number = runner, number
        title = runner.jobs[number].title
        lines = column(self, (0, 0, 0, 0), theme.px(2))
        top = QHBoxLayout()
        label = ElidedLabel(title, "caption", "2")
        stop_name = self.tr("Stop: {job}").format(job=title)
        stop = Button(theme, self.tr("Stop"), "", "link", stop_name)
        stop.clicked.connect(self._stop)
        top.addWidget(label, 1)
        top.addWidget(stop)
        self._bar = QProgressBar()
        self._bar.setAccessibleName(title)
        self._bar.setTextVisible(False)
        lines.addLayout(top)
        lines.addWidget(self._bar)
        self.refresh()

    def refresh(self) -> None:
        """Show how far the job is."""
        job = self._runner.jobs.get(self._number)
        if job is not None:
            self._bar.setRange(0, job.total)
            self._bar.setValue(min(job.done, job.total) if job.total else 0)

    @Slot()
    def _stop(self) -> None:
        job = self._runner.jobs.get(self._number)
        if job is not None:
            job.cancel()


class Rail(QWidget):
    """The first column of the window."""

    def __init__(self, theme: Theme, runner: Runner, commands: Commands) -> None:
        super().__init__()
        self.setObjectName("rail")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme, self._runner = theme, runner
        px = theme.px
        self.model = RailModel(commands)
        self.list = RailList(theme, self.model)
        action = commands.action("take_next")
        self.take_next = Button(theme, action.text(), "arrow-right", "next")
        tip = self.tr("{what} ({keys})").format(what=action.text(), keys=keys_of(action))
        self.take_next.setToolTip(tip)
        self.take_next.clicked.connect(action.trigger)
        self._health = box("card")
        self._lines = column(self._health, (px(12), px(10), px(12), px(10)), px(8))
        self._heading = Label(self.tr("Accounts"), "meta", "3")
        self._lines.addWidget(self._heading)
        self._accounts: list[AccountLine] = []
        self._jobs: dict[int, JobLine] = {}
        self._column = column(self, (px(12), px(12), px(12), px(12)), px(8))
        self._column.addWidget(self.take_next)
        self._column.addWidget(self.list, 1)
        self._column.addWidget(self._health)
        self._health.hide()
        runner.jobs_changed.connect(self._show_jobs)

    def set_narrow(self, narrow: bool) -> None:
        """Become icons, or icons with names."""
        self.list.set_narrow(narrow)
        self.setFixedWidth(self._theme.px(NARROW if narrow else WIDE))
        self.take_next.setText("" if narrow else self.take_next.accessibleName())
        self._health.setVisible(not narrow and bool(self._accounts or self._jobs))

    def show_accounts(self, rows: list[AccountRow]) -> None:
        """Show how every account is."""
        while len(self._accounts) > len(rows):
            self._accounts.pop().deleteLater()
        while len(self._accounts) < len(rows):
            made = AccountLine(self._theme)
            self._accounts.append(made)
            self._lines.insertWidget(len(self._accounts), made)
        for known, row in zip(self._accounts, rows, strict=True):
            known.show_row(row, self._runner.desk.clock.now())
        self._health.setVisible(not self.list.narrow and bool(self._accounts or self._jobs))

    @Slot()
    def _show_jobs(self) -> None:
        for number in [n for n in self._jobs if n not in self._runner.jobs]:
            self._jobs.pop(number).deleteLater()
        for number in self._runner.jobs:
            if number not in self._jobs:
                self._jobs[number] = JobLine(self._theme, self._runner, number)
                self._lines.addWidget(self._jobs[number])
            self._jobs[number].refresh()
        self._health.setVisible(not self.list.narrow and bool(self._accounts or self._jobs))
