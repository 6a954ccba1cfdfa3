"""Spends an evening in the real window on a filled profile and says how long every turn of its loop took.

Run as a process of its own: `python -m tests.benchmarks.evening_child FOLDER`, the key of the file as hex
digits on standard input. A turn is all that the GUI thread does between waking up and waiting again; its cost
is the processor time of that thread, so that it is the program's own and not the machine's load. Answers one
JSON object: the turns of each part of the evening in milliseconds, and the memory of both processes.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any, Final

import psutil
from PySide6.QtCore import QAbstractEventDispatcher, QEventLoop, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from tests.benchmarks.window_child import FirstPaint, resident_mb

_THREADS: Final = 60
_SCROLLS: Final = 120
_SEARCHES: Final = ("evening", "allotment walk", "periwinkle", "from:@us evening", "level:crisis")
_QUEUES: Final = ("crisis", "red", "amber", "green", "answered", "earlier", "open")
_PAUSE_MS: Final = 250


class Turns:
    """Processor milliseconds of the GUI thread for every turn of its loop, by part of the evening."""

    def __init__(self) -> None:
        self.found: dict[str, list[float]] = {}
        self.part = "start"
        self._spent = time.thread_time()
        QAbstractEventDispatcher.instance().aboutToBlock.connect(self._rest)

    def _rest(self) -> None:
        """Told once in each turn: what was spent since then is one turn, because waiting costs nothing."""
        spent = time.thread_time()
        self.found.setdefault(self.part, []).append(1000 * (spent - self._spent))
        self._spent = spent


def wait(milliseconds: int) -> None:
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


class Evening:
    """What a person does, one part after another."""

    def __init__(self, window: Any, turns: Turns, palette: type[QWidget]) -> None:
        self._window, self._turns, self._palette = window, turns, palette

    def spend(self) -> None:
        for name, part in (
            ("scroll", self._scroll),
            ("open conversations", self._open),
            ("search", self._search),
            ("queues", self._queues),
        ):
            self._turns.part = name
            part()
        self._turns.part = "end"

    def _scroll(self) -> None:
        bar = self._window.queue.table.verticalScrollBar()
        for number in range(_SCROLLS):
            bar.setValue(bar.value() + (60 if number % 10 else bar.pageStep()))
            wait(16)

    def _open(self) -> None:
        for _ in range(_THREADS):
            self._window.commands.action("next").trigger()
            wait(80)

    def _search(self) -> None:
        for typed in _SEARCHES:
            self._window.commands.action("search").trigger()
            palette: Any = next(
                one for one in QApplication.topLevelWidgets() if isinstance(one, self._palette)
            )
            for letter in typed:
                QTest.keyClicks(palette.field, letter)
                wait(60)
            wait(_PAUSE_MS)
            QTest.keyClick(palette.field, Qt.Key.Key_Escape)
            wait(30)

    def _queues(self) -> None:
        for name in _QUEUES:
            self._window.commands.action(f"queue_{name}").trigger()
            wait(_PAUSE_MS)


def main(folder: Path) -> None:
    dek = bytearray.fromhex(sys.stdin.readline())
    from moderator_app import app as program_of  # noqa: PLC0415 - from here on it is the product's start
    from moderator_app.paths import Profile  # noqa: PLC0415
    from moderator_app.settings import Settings  # noqa: PLC0415
    from moderator_app.views.palette import Palette  # noqa: PLC0415
    from moderator_app.views.theme import Theme  # noqa: PLC0415
    from moderator_app.workspace import Workspace  # noqa: PLC0415

    profile = Profile.at(folder)
    application = program_of.application(profile.log, debug=False)
    program_of.translate(application, Settings.load(profile.settings).language)
    theme = Theme(application, "light", 100)
    theme.apply()
    turns = Turns()
    program = program_of.Program(application, Workspace(profile, dek), theme)
    window, answer = program.window, dict[str, object]()

    def spend() -> None:
        answer["rss_mb_at_first"] = resident_mb()
        try:
            wait(3000)  # what happens once after the start
            Evening(window, turns, Palette).spend()
            answer["rss_mb"] = resident_mb()
            # Words that the packs look at closely: it takes them to load spaCy.
            words = [("I do not want to be here any more", "en")]
            program.runner.run("language", lambda: program._reader.read(words))
            wait(15000)  # until all of its packs are loaded, also on a busy machine
            children = psutil.Process().children(recursive=True)
            answer["reader_rss_mb"] = sum(one.memory_info().rss for one in children) / 2**20
        finally:
            application.quit()

    FirstPaint(window.queue.table.viewport(), lambda: window.queue.model.rowCount() > 0, spend)
    window.show()
    program.start()
    application.exec()
    answer["turns"] = turns.found
    window.close()
    program.stop()
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
