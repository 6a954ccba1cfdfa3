"""Opens the real window on a filled profile and says when its first queue stood on the screen.

Run as a process of its own: `python -m tests.benchmarks.window_child FOLDER [scroll]`, the key of the file
as hex digits on standard input. Answers one JSON object on standard output.
"""

import gc
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QAbstractItemView, QApplication, QTableView, QWidget

from tests.benchmarks.figures import resident_mb

STEPS: Final = 120
_ROWS: Final = 3000  # read into the list before it is scrolled
_SETTLE_MS: Final = 500  # for what the window does once, after its first picture
_HEAVY: Final = frozenset({"spacy", "numpy", "keyring", "reportlab", "alembic", "requests"})


def stamp() -> dict[str, float]:
    return {"at": time.monotonic(), "cpu_ms": 1000 * time.process_time(), "rss_mb": resident_mb()}


class FirstPaint(QObject):
    """Calls back once, after a widget was painted while `ready` was true."""

    def __init__(self, widget: QWidget, ready: Callable[[], bool], then: Callable[[], object]) -> None:
        super().__init__(widget)
        self._widget, self._ready, self._then = widget, ready, then
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and self._ready():
            self._widget.removeEventFilter(self)
            QTimer.singleShot(0, self._then)
        return super().eventFilter(watched, event)


def scrolled(table: QTableView) -> dict[str, list[float]]:
    """Processor milliseconds of this thread for every step of each way to scroll."""
    bar = table.verticalScrollBar()
    found = {}
    for name, step in (
        ("wheel step", lambda: _wheel(table)),
        ("page down", lambda: bar.triggerAction(bar.SliderAction.SliderPageStepAdd)),
    ):
        bar.setValue(0)
        found[name] = [_frame(table, step) for _ in range(STEPS)]
    jumps = []
    for number in range(STEPS):
        place = bar.maximum() if number % 2 else bar.maximum() * (number * 37 % 100) // 100
        jumps.append(_frame(table, lambda place=place: bar.setValue(place)))
    return found | {"jump": jumps}


def _wheel(table: QTableView) -> None:
    where = QPointF(table.viewport().rect().center())
    event = QWheelEvent(
        where,
        where,
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(table.viewport(), event)


def _frame(table: QTableView, step: Callable[[], object]) -> float:
    began = time.thread_time()
    step()
    QApplication.processEvents()  # paints what the step uncovered
    return 1000 * (time.thread_time() - began)


def plain_table(like: QTableView, owner: QWidget) -> QTableView:
    """The bare counterpart: the same rows, size and height of rows, one line by Qt's own delegate."""
    table = QTableView(owner)
    table.setWindowFlag(Qt.WindowType.Window)
    table.setModel(like.model())
    table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    table.horizontalHeader().hide()
    rows = table.verticalHeader()
    rows.hide()
    rows.setSectionResizeMode(rows.ResizeMode.Fixed)
    rows.setDefaultSectionSize(like.verticalHeader().defaultSectionSize())
    table.verticalScrollBar().setSingleStep(like.verticalScrollBar().singleStep())
    table.resize(like.size())
    table.setColumnWidth(0, like.viewport().width())
    table.show()
    QApplication.processEvents()
    return table


def both_scrolled(table: QTableView) -> dict[str, object]:
    """The list of the product and the bare table, each read far into its queue."""
    model = table.model()
    while model.rowCount() < _ROWS and model.canFetchMore(table.rootIndex()):
        model.fetchMore(table.rootIndex())
    rows = model.rowCount()
    ours = scrolled(table)
    return {"rows": rows, "ours": ours, "bare": scrolled(plain_table(table, table.window()))}


def main(folder: Path, *, scroll: bool) -> None:
    dek = bytearray.fromhex(sys.stdin.readline())
    gc.disable()  # as `hearthlight window` does
    from moderator_app import app as program_of  # noqa: PLC0415 - from here on it is the product's start
    from moderator_app.paths import Profile  # noqa: PLC0415
    from moderator_app.settings import Settings  # noqa: PLC0415
    from moderator_app.views.theme import Theme  # noqa: PLC0415
    from moderator_app.workspace import Workspace  # noqa: PLC0415

    profile = Profile.at(folder)
    application = program_of.application(profile.log, debug=False)
    settings = Settings.load(profile.settings)
    program_of.translate(application, settings.language)
    theme = Theme(application, "light", settings.text_scale)
    theme.apply()
    program = program_of.Program(application, Workspace(profile, dek), theme)
    queue = program.window.queue
    answer: dict[str, object] = {}

    def first() -> None:
        answer.update(stamp())
        answer["heavy"] = sorted(_HEAVY & set(sys.modules))
        if scroll:
            QTimer.singleShot(_SETTLE_MS, then_scrolled)
        else:
            application.quit()

    def then_scrolled() -> None:
        try:
            answer.update(both_scrolled(queue.table))
        finally:
            application.quit()

    FirstPaint(queue.table.viewport(), lambda: queue.model.rowCount() > 0, first)
    program.window.show()
    program.start()
    application.exec()
    program.stop()
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), scroll=sys.argv[2:] == ["scroll"])
