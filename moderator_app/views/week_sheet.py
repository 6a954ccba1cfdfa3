"""The week before it leaves: every number that will be in the files, and where they go."""

from datetime import date, timedelta
from pathlib import Path

from PySide6.QtCore import QByteArray, QDate, QLocale, QSize, Signal, Slot
from PySide6.QtSvgWidgets import QSvgWidget
from PySide6.QtWidgets import (
    QDateEdit,
    QFrame,
    QHBoxLayout,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from moderator_app.desk import insights
from moderator_app.desk.insights import Week
from moderator_app.views import files
from moderator_app.views.dialogs import Sheet
from moderator_app.views.runner import Answer, Runner
from moderator_app.views.theme import Theme
from moderator_app.views.widgets import Label, column, table


class WeekSheet(Sheet):
    """Shows a week as it would be shared and writes it where the person says."""

    wanted = Signal(object, object)  # the week, the folder

    def __init__(self, theme: Theme, parent: QWidget, runner: Runner) -> None:
        super().__init__(theme, parent)
        self._runner = runner
        self._week: Week | None = None
        self.ask(self.tr("The week, safe to share"), self.tr("Export…"))
        about = self.tr(
            "Counts only, no names. Counts from 1 to 4 are hidden. Export writes Markdown, CSV and PDF."
        )
        self.body.addWidget(Label(about, "body", "2", wrap=True))
        row = QHBoxLayout()
        today = runner.desk.clock.now().date()
        last = today - timedelta(days=today.weekday() + 7)
        self.day = QDateEdit(QDate(last.year, last.month, last.day))
        self.day.setCalendarPopup(True)
        self.day.setMaximumDate(QDate(today.year, today.month, today.day))
        self.day.setAccessibleName(self.tr("A day of the week"))
        label = Label(self.tr("Week of"), "strong")
        label.setBuddy(self.day)
        row.addWidget(label)
        row.addWidget(self.day)
        row.addStretch()
        self.body.addLayout(row)
        self.table = self._table()
        self.body.addWidget(self.table)
        self.chart = QSvgWidget()
        self.chart.setFixedSize(QSize(theme.px(540), theme.px(168)))
        self.chart.setAccessibleName(self.tr("Messages by week"))
        # Ink on paper in every theme: it is a picture of what will be printed.
        paper = QFrame()
        paper.setProperty("box", "paper")
        column(paper, (theme.px(12),) * 4, 0).addWidget(self.chart)
        self.body.addWidget(paper)
        self.setMinimumWidth(theme.px(620))
        self.deed.clicked.disconnect()
        self.deed.clicked.connect(self._choose_folder)
        self.deed.setEnabled(False)
        self.day.dateChanged.connect(self._read)
        self._read(self.day.date())

    def _table(self) -> QTableWidget:
        columns = [self.tr("Figure"), self.tr("This week"), self.tr("Last week"), self.tr("Mean of 4 weeks")]
        made = table(self.tr("The figures of the week"), columns)
        made.setMinimumHeight(self.theme.px(350))
        return made

    @Slot(QDate)
    def _read(self, day: QDate) -> None:
        chosen = date(day.year(), day.month(), day.day())
        self._runner.latest("week", self._asked(chosen)).then(self.show_week)

    def _asked(self, day: date) -> Answer[tuple[Week, bytes]]:
        def work() -> tuple[Week, bytes]:
            found = self._runner.desk.ask(insights.week, day)
            from moderator_app.desk import paper  # noqa: PLC0415 - the drawing library loads off the screen

            return found, paper.chart_svg(found)

        return self._runner.run("ask", work)

    def show_week(self, found: tuple[Week, bytes]) -> None:
        """Show every number, hidden ones as such; each explains itself."""
        week, picture = found
        self._week = week
        self.table.setRowCount(len(week.figures))
        for line, figure in enumerate(week.figures):
            values = (figure.value, figure.last, figure.mean)
            # The figures' names and definitions are those of the exported files, in their language.
            cells = (figure.label, *(self._said(value, figure.unit) for value in values))
            for place, text in enumerate(cells):
                cell = QTableWidgetItem(text)
                cell.setToolTip(figure.definition)
                self.table.setItem(line, place, cell)
        self.chart.load(QByteArray(picture))
        self.deed.setEnabled(True)

    def _said(self, value: float | None, unit: str) -> str:
        if value is None:
            return self.tr("hidden") if unit == "count" else self.tr("too few")
        number = QLocale().toString(float(value), "f", 0)
        if unit == "percent":
            return self.tr("{number} %").format(number=number)
        return self.tr("{number} min").format(number=number) if unit == "minutes" else number

    @Slot()
    def _choose_folder(self) -> None:
        files.ask_folder(self, self.tr("Where should the files go?"), self._go)

    def _go(self, folder: Path) -> None:
        if self._week is not None:
            self.wanted.emit(self._week, folder)
            self.accept()
