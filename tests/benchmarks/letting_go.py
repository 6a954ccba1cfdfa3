"""Forgetting, copying and recovering on a filled profile, each with the bare work on as many rows or bytes.

What runs for long is measured with a moderator who decides meanwhile: that is what must not wait.
"""

import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from moderator_app.desk import erasure, expiry, proof, retention, triage
from moderator_app.desk.desk import Ctx, Desk
from moderator_app.desk.requests import Target
from moderator_app.desk.rows import Queue
from moderator_app.errors import ForTheModerator
from moderator_app.keys import Key
from moderator_app.models import copies, salvage
from moderator_app.models.inbox import Account, Person, Thread
from moderator_app.models.store import Store
from tests.benchmarks import fill, raw
from tests.benchmarks.figures import Figure, Sample, at_most, figure, middle, nearly_all, sample

_LATER: Final = timedelta(days=40)  # everything that is finished is over its time by then
_STEPS: Final = 200
_EVERY: Final = 0.1  # seconds between two decisions
_NOTICED: Final = at_most(100)  # milliseconds that a decision may take
_NOBODY: Final = "0" * 16  # a mark that no word has


class LettingGo:
    """One filled profile that is used up: what is measured here is gone from it."""

    def __init__(self, filled: fill.Filled, dek: bytes) -> None:
        self._desk, self._clock, self._dek = filled.desk, filled.clock, dek
        self._path = filled.desk.store.path
        self._size = f"{filled.messages:,} messages"

    def retention(self) -> Iterator[Figure]:
        """A run that is stopped after some steps, and the table that the screen shows."""
        now = self._clock.at
        self._clock.at = now + _LATER
        for name, ask in (("the table", retention.table), ("the nearest", retention.nearest)):
            taken = sample([lambda ask=ask: self._desk.ask(ask)] * 3)
            yield figure(f"retention, {name}, {self._size}", middle(taken.cpu), "ms CPU")
        asked = iter(range(_STEPS))
        with _deciding(self._desk) as waits:
            began = time.thread_time()
            found = expiry.run(self._desk, cancelled=lambda: next(asked, None) is None)
            spent = 1000 * (time.thread_time() - began)
        self._clock.at = now
        bare = self._bare(_EMPTY, "ours = 0 AND gone_at IS NULL", found.messages)
        yield figure(f"retention, each message, {self._size}", spent / max(1, found.messages), "ms CPU", bare)
        yield from self._decided("retention", waits)

    def erasure(self) -> Iterator[Figure]:
        """One of the people and one of the conversations with the most messages, and the proof."""
        for kind, table in (("person", Person), ("thread", Thread)):
            key, count = self._desk.ask(_large, table)
            target = Target(kind, key)
            taken = sample([lambda target=target: self._desk.ask(erasure.preview, target)])
            yield figure(f"erasure of one {kind}, preview, {self._size}", taken.cpu[0], "ms CPU")
            self._desk.do(erasure.confirm, self._desk.do(erasure.ask, target), "Bo")
            with _deciding(self._desk) as waits:
                taken = sample([lambda: erasure.run(self._desk, None)])
            bare = self._bare(_DELETE, "ours = 0", count)
            name = f"erasure of one {kind} with its proof, each of {count:,}, {self._size}"
            yield figure(name, taken.cpu[0] / max(1, count), "ms CPU", bare)
            yield from self._decided(f"erasure of one {kind}", waits)
        taken = sample([lambda: proof.look(self._desk, [_NOBODY])])
        yield figure(f"proof of an erasure, all words, {self._size}", taken.cpu[0] / 1000, "s CPU")

    def _bare(self, sql: str, where: str, count: int) -> float:
        """Milliseconds for each of as many other messages, changed in steps of the same size."""
        connection = raw.connect(self._path, self._dek)
        chosen = f"SELECT id FROM message WHERE {where} ORDER BY id LIMIT ?"
        ids = [key for (key,) in connection.execute(chosen, (max(1, min(count, 2000)),))]
        began = time.thread_time()
        for first in range(0, len(ids), 20):
            few = ",".join(map(str, ids[first : first + 20]))
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(sql.format(ids=few))
            connection.execute("COMMIT")
        taken = 1000 * (time.thread_time() - began) / len(ids)
        connection.close()
        return taken

    def _decided(self, during: str, waits: list[float]) -> Iterator[Figure]:
        name = f"decision during {during}, {self._size}"
        yield figure(f"{name}, p50", middle(waits), "ms")
        yield figure(f"{name}, p95", nearly_all(waits), "ms", None, _NOTICED)

    def copied(self) -> Iterator[Figure]:
        """A backup, looking through it, and a recovery of a whole file, against copying its bytes."""
        self._desk.store.checkpoint()
        beside = self._path.with_name("copy.db")
        bare = _seconds(lambda: shutil.copyfile(self._path, beside))
        source, other = lambda: Key(bytearray(self._dek)), lambda: Key(bytearray(self._dek))
        for name, work in (
            ("backup", lambda: copies.copy(self._path, source(), beside, other())),
            ("looking through a backup", lambda: copies.check(beside, other())),
            (
                "recovery",
                lambda: salvage.salvage(
                    self._path, source(), beside, lambda path: Store.make(path, source())
                ),
            ),
        ):
            if name == "recovery":
                beside.unlink()
            yield figure(f"{name}, {self._size}", _seconds(work), "s", bare)
        _forget(beside)


_EMPTY: Final = "UPDATE message SET body = '', folded = NULL, gone_at = 1, gone_how = 'x' WHERE id IN ({ids})"
_DELETE: Final = "DELETE FROM message WHERE id IN ({ids})"


def _seconds(work: Callable[[], object]) -> float:
    taken: Sample = sample([work])
    return taken.wall[0] / 1000


def _forget(path: Path) -> None:
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()


@contextlib.contextmanager
def _deciding(desk: Desk) -> Iterator[list[float]]:
    """A moderator who takes an item ten times a second; how long each took, in milliseconds."""
    ids = [row.item_id for row in desk.ask(triage.queue, Queue.OPEN, None, 100)]
    waits: list[float] = []
    over = threading.Event()

    def decide() -> None:
        number = 0
        while not over.wait(_EVERY) or not waits:
            began = time.perf_counter()
            with contextlib.suppress(ForTheModerator):  # the item itself may be erased by then
                desk.do(triage.assign, ids[number % len(ids)], f"Ada {number}")
            waits.append(1000 * (time.perf_counter() - began))
            number += 1

    thread = threading.Thread(target=decide, name="decider")
    thread.start()
    try:
        yield waits
    finally:
        over.set()
        thread.join()


def _large(ctx: Ctx, table: type[Any]) -> tuple[int, int]:
    """The second of those with the most messages: the first is larger than any that anybody has."""
    chosen = sa.select(table.id, table.messages).order_by(table.messages.desc())
    if table is Person:
        chosen = chosen.where(Person.external_id.not_in(sa.select(Account.external_id)))
    found = ctx.session.execute(chosen.limit(2)).all()[-1]
    return found.id, found.messages
