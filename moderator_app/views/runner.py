"""The only file that knows threads and Qt: named lanes, answers on the GUI thread, what changed."""

import gc
import itertools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, ClassVar, Concatenate, Generic, ParamSpec, Self, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from shiboken6 import isValid

from moderator_app.desk.desk import Ctx, Desk
from moderator_app.errors import Cancelled

P = ParamSpec("P")
R = TypeVar("R")
Progress = Callable[[int, int], None]
Stopped = Callable[[], bool]

COALESCE_MS = 150
PATIENCE_S = 5.0
COLLECT_MS, OLD_S = 500, 60.0
SLICE_S = 0.05
CHANGES = "desk"  # the lane of every change that a person makes
log = logging.getLogger(__name__)


class Answer(Generic[R]):
    """What a lane will answer. Its callbacks run on the GUI thread, once, and not for a dead widget."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._then: list[Callable[[R], object]] = []
        self._failed: list[Callable[[BaseException], object]] = []
        self.topic = ""

    def then(self, callback: Callable[[R], object]) -> Self:
        """Call back with the result."""
        self._then.append(callback)
        return self

    def failed(self, callback: Callable[[BaseException], object]) -> Self:
        """Call back with the error; without this the error goes to the notices."""
        self._failed.append(callback)
        return self

    def deliver(self, result: R) -> None:
        for callback in self._then:
            if _alive(callback):
                callback(result)

    def refuse(self, error: BaseException) -> bool:
        """Tell those who asked to know; false when nobody did."""
        listeners = [callback for callback in self._failed if _alive(callback)]
        for callback in listeners:
            callback(error)
        return bool(listeners)


class Job(Answer[R]):
    """A long piece of work with progress and a way to stop it."""

    def __init__(self, number: int, title: str) -> None:
        super().__init__(number)
        self.title = title
        self.done = 0
        self.total = 0
        self._stop = threading.Event()

    def cancel(self) -> None:
        self._stop.set()

    @property
    def cancelled(self) -> bool:
        return self._stop.is_set()


class Collector(QObject):
    """Collects garbage on the GUI thread, and nowhere else while a runner lives.

    Python collects on whichever thread happens to allocate. On a lane that would delete widgets that stand
    in a circle of references, which ends the process.
    """

    _alive: ClassVar[int] = 0

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        Collector._alive += 1
        gc.disable()
        self._old, self._stopped = time.monotonic(), False
        self._timer = QTimer(self, interval=COLLECT_MS)
        self._timer.timeout.connect(self._collect)
        self._timer.start()

    @Slot()
    def _collect(self) -> None:
        """As Python would have done it by now; all generations at most once in a minute."""
        counts, limits = gc.get_count(), gc.get_threshold()
        if counts[0] <= limits[0]:
            return
        old = counts[2] > limits[2] and time.monotonic() - self._old > OLD_S
        if old:
            self._old = time.monotonic()
        gc.collect(2 if old else 1)

    def stop(self) -> None:
        """Leave nothing for another thread to collect."""
        if self._stopped:
            return
        self._stopped = True
        self._timer.stop()
        gc.collect()
        Collector._alive -= 1
        if not Collector._alive:
            gc.enable()


class Runner(QObject):
    """Runs work on lanes of one thread each. It is made on the GUI thread and outlives every answer.

    Workers never see a widget: they carry a number, and the answer with that number is looked up here.
    """

    changed = Signal(object)  # frozenset of table names, at most once per 150 ms
    trouble = Signal(object)  # an error that nobody else took
    jobs_changed = Signal()

    _came_back = Signal(int, object, object)
    _progressed = Signal(int, int, int)
    _touched = Signal(object)

    def __init__(self, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self.jobs: dict[int, Job[Any]] = {}
        self._lanes: dict[str, ThreadPoolExecutor] = {}
        self._answers: dict[int, Answer[Any]] = {}
        self._futures: set[Future[None]] = set()
        self._changes: set[Future[None]] = set()
        self._newest: dict[str, int] = {}
        self._stops: dict[str, threading.Event] = {}
        self._numbers = itertools.count(1)
        self._collector = Collector(self)
        self._closed = False
        self._tables: set[str] = set()
        self._pause = QTimer(self, singleShot=True, interval=COALESCE_MS)
        self._pause.timeout.connect(self._tell_changed)
        queued = Qt.ConnectionType.QueuedConnection
        self._came_back.connect(self._take_back, queued)
        self._progressed.connect(self._take_progress, queued)
        self._touched.connect(self._take_touched, queued)
        desk.store.listen(self._touched.emit)

    def do(self, function: Callable[Concatenate[Ctx, P], R], *args: P.args, **kwargs: P.kwargs) -> Answer[R]:
        """Change something, in order with every other change."""
        return self.run(CHANGES, lambda: self.desk.do(function, *args, **kwargs))

    def ask(self, function: Callable[Concatenate[Ctx, P], R], *args: P.args, **kwargs: P.kwargs) -> Answer[R]:
        """Read something that is too large for the GUI thread."""
        return self.run("ask", lambda: self.desk.ask(function, *args, **kwargs))

    def latest(self, topic: str, answer: Answer[R]) -> Answer[R]:
        """Drop this answer if a newer one is wanted under the same topic by the time it comes."""
        answer.topic = topic
        self._newest[topic] = answer.number
        return answer

    def overtaking(
        self, topic: str, function: Callable[Concatenate[Ctx, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> Answer[R]:
        """Read on a lane of its own what a newer question under the same topic stops in its tracks.

        `function` takes `cancelled`, asks it now and then, and raises Cancelled.
        """
        if topic in self._stops:
            self._stops[topic].set()
        stop = self._stops[topic] = threading.Event()

        def asked(ctx: Ctx) -> R:
            return function(ctx, *args, **{**kwargs, "cancelled": stop.is_set})  # type: ignore[arg-type]  # see above

        return self.latest(topic, self.run(topic, lambda: self.desk.ask(asked)))

    def run(self, lane: str, work: Callable[[], R]) -> Answer[R]:
        """Run plain work on a lane."""
        answer: Answer[R] = Answer(next(self._numbers))
        self._start(lane, answer, work)
        return answer

    def job(self, lane: str, title: str, work: Callable[[Progress, Stopped], R]) -> Job[R]:
        """Run long work that reports progress(done, total) and asks whether to stop."""
        job: Job[R] = Job(next(self._numbers), title)
        number, stopped = job.number, job._stop.is_set  # noqa: SLF001 - a job is the runner's own
        self.jobs[number] = job

        def tell(done: int, total: int) -> None:
            self._progressed.emit(number, done, total)

        self._start(lane, job, lambda: work(tell, stopped))
        self.jobs_changed.emit()
        return job

    def every(self, seconds: float, start: Callable[[], object]) -> QTimer:
        """Call `start` on the GUI thread again and again; it should hand its work to a lane."""
        timer = QTimer(self, interval=int(seconds * 1000))
        timer.timeout.connect(start)
        timer.start()
        return timer

    def shutdown(self, patience: float = PATIENCE_S) -> bool:
        """Stop timers and jobs, drop what has not begun, wait a little; true if all came to rest.

        Changes are never dropped: what a moderator did last is on disk when this returns. What is only
        read is interrupted.
        """
        self._closed = True
        self._pause.stop()
        for timer in self.findChildren(QTimer):
            timer.stop()
        for job in self.jobs.values():
            job.cancel()
        for name, executor in self._lanes.items():
            executor.shutdown(wait=False, cancel_futures=name != CHANGES)
        wait(set(self._changes), timeout=PATIENCE_S)
        left, ends = set(self._futures), time.monotonic() + patience
        while left and time.monotonic() < ends:
            self.desk.store.interrupt()  # again and again: work may ask its next question meanwhile
            left = wait(left, timeout=SLICE_S).not_done
        self._answers.clear()
        self.jobs.clear()
        self._collector.stop()
        return not left

    def _start(self, lane: str, answer: Answer[R], work: Callable[[], R]) -> None:
        if self._closed:
            return
        executor = self._lanes.get(lane)
        if executor is None:
            executor = ThreadPoolExecutor(1, thread_name_prefix=f"lane-{lane}")
            self._lanes[lane] = executor
        number = answer.number
        self._answers[number] = answer
        future = executor.submit(self._carry, number, work)
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        if lane == CHANGES:
            self._changes.add(future)
            future.add_done_callback(self._changes.discard)

    def _carry(self, number: int, work: Callable[[], object]) -> None:
        """On the lane: do the work and send back what came of it."""
        try:
            result, error = work(), None
        except Exception as trouble:  # noqa: BLE001 - this is where a lane's errors are handed over
            result, error = None, trouble
        if not self._closed:
            self._came_back.emit(number, result, error)

    @Slot(int, object, object)
    def _take_back(self, number: int, result: object, error: object) -> None:
        answer = self._answers.pop(number, None)
        if self.jobs.pop(number, None) is not None:
            self.jobs_changed.emit()
        if answer is None or self._newest.get(answer.topic, number) != number:
            return
        if error is None:
            answer.deliver(result)
        elif isinstance(error, BaseException) and not answer.refuse(error):
            self._tell_trouble(error)

    def _tell_trouble(self, error: BaseException) -> None:
        if not isinstance(error, Cancelled):
            self.trouble.emit(error)

    @Slot(int, int, int)
    def _take_progress(self, number: int, done: int, total: int) -> None:
        job = self.jobs.get(number)
        if job is not None:
            job.done, job.total = done, total
            self.jobs_changed.emit()

    @Slot(object)
    def _take_touched(self, tables: frozenset[str]) -> None:
        self._tables |= tables
        if not self._pause.isActive() and not self._closed:
            self._pause.start()

    @Slot()
    def _tell_changed(self) -> None:
        tables, self._tables = frozenset(self._tables), set()
        self.changed.emit(tables)


class Errand(QObject):
    """One piece of work off the GUI thread while there is no workspace, and so no runner: opening one."""

    done = Signal(object)
    failed = Signal(object)
    progressed = Signal(int, int)

    def __init__(self, work: Callable[[], object], parent: QObject) -> None:
        super().__init__(parent)
        self._work = work
        self._lane = ThreadPoolExecutor(1, thread_name_prefix="lane-errand")

    def start(self) -> None:
        """Begin; `done` or `failed` comes once, on the GUI thread."""
        self._lane.submit(self._carry)
        self._lane.shutdown(wait=False)

    def _carry(self) -> None:
        try:
            found = self._work()
        except Exception as trouble:  # noqa: BLE001 - handed over, as a lane's errors are
            self.failed.emit(trouble)
        else:
            self.done.emit(found)


def _alive(callback: Callable[..., object]) -> bool:
    """Whether the object that a bound method belongs to still exists on Qt's side."""
    owner = getattr(callback, "__self__", None)
    return not isinstance(owner, QObject) or isValid(owner)
