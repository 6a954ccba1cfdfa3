"""What the desk is asked on a filled profile, each with the bare SQL of the same question."""

import itertools
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from moderator_app.desk import insights, intake, search, threads, triage
from moderator_app.desk.desk import Ctx
from moderator_app.desk.rows import Queue, QueueKey, QueueRow
from moderator_app.models.inbox import Item
from tests.benchmarks import community, fill, raw
from tests.benchmarks.figures import (
    Figure,
    Sample,
    Target,
    at_least,
    at_most,
    figure,
    middle,
    nearly_all,
    ratio_at_most,
    sample,
)

Call = Callable[[], object]

# What people look for, each word finished with a space; "mixed" takes ordinary words, alone and in pairs.
_SEARCHES: Final = {
    "mixed": (
        "garden ",
        "quiet evening ",
        "tea ",
        "friend walk ",
        "kitchen ",
        "sleep ",
        "notebook rain ",
        "hope ",
    ),
    "rare word": (f"{community.RARE} ",),
    "middling word": (f"{community.MIDDLING} ",),
    "common word": (f"{community.COMMON} ",),
    "common word being typed": (community.COMMON,),
    "phrase": (community.PHRASE,),
    "prefix": (f"{community.PREFIX}*",),
}
_BY_PERSON: Final = "search, common word of one person against a join"
_QUEUE: Final = "queue, first page"
_DEEP: Final = "queue, deep page"
_BADGES: Final = "badges"
_LONG: Final = "longest conversation, last 200"
# Milliseconds of processor time at the median and at the 95th percentile, as whole rows for the screen.
_TARGETS: Final[dict[str, tuple[Target | None, Target | None]]] = {
    _QUEUE: (at_most(1), at_most(10)),
    _DEEP: (at_most(1.3), at_most(10)),
    _BADGES: (at_most(0.1), at_most(0.1)),
    "thread open": (at_most(8), at_most(16)),
    "longest conversation, last 100": (at_most(4), at_most(8)),
    _LONG: (at_most(8), at_most(16)),
    "person card": (at_most(2), at_most(5)),
    **{f"search, {name}": (at_most(1), at_most(5)) for name in _SEARCHES},
    _BY_PERSON: (ratio_at_most(0.05), at_most(5)),
}
_SLOWEST_READ: Final = at_most(30)  # a queue page while messages come in, in milliseconds on the wall
_BETWEEN_READS: Final = 0.02


class Bench:
    """One filled profile: the desk and a bare connection side by side, on the same file."""

    def __init__(self, filled: fill.Filled, dek: bytes) -> None:
        self.filled, self.desk, self.clock = filled, filled.desk, filled.clock
        self.path = self.desk.store.path
        self.dek = dek
        self.size = f"{filled.messages:,} messages"
        self._random = random.Random(11)
        self._twin = self.path.with_name("plain.db")

    def connect(self) -> raw.Asker:
        return raw.Asker(raw.connect(self.path, self.dek))

    def _forget(self, path: Path) -> None:
        for left in path.parent.glob(f"{path.name}*"):
            left.unlink()

    def reads(self, times: int) -> Iterator[Figure]:
        """Every question, asked `times` times by the desk and by the bare driver."""
        asker = self.connect()
        taken = {}
        for name, (ours, bare) in self._questions(asker).items():
            taken[name] = sample([ours] * (3 + times)), sample([bare] * (3 + times))
            yield from self._compared(name, *taken[name])
        yield from self._depth(asker, taken[_QUEUE][0], times)
        asker.connection.close()

    def _compared(self, name: str, ours: Sample, bare: Sample) -> Iterator[Figure]:
        for said, pick, target in zip(("p50", "p95"), (middle, nearly_all), _TARGETS[name], strict=True):
            title = f"{name}, {self.size}, {said}"
            yield figure(title, pick(ours.cpu[3:]), "ms CPU", pick(bare.cpu[3:]), target)

    def _depth(self, asker: raw.Asker, first: Sample, times: int) -> Iterator[Figure]:
        """The deepest page of them asked as the first is, again and again; and counted off by OFFSET."""
        keys = self._page_ends(79)
        page = partial(self.desk.ask, triage.queue, Queue.OPEN, keys[-1])
        value = middle(sample([page] * (3 + times)).cpu[3:])
        skipped = sample([partial(asker.offset, 100 * len(keys))] * (4 + times // 5))
        yield figure(
            f"page {len(keys) + 1} against page 1, {self.size}",
            value,
            "ms CPU",
            middle(first.cpu[3:]),
            ratio_at_most(1.3),
        )
        yield figure(
            f"page {len(keys) + 1} against bare OFFSET, {self.size}",
            value,
            "ms CPU",
            middle(skipped.cpu[3:]),
            ratio_at_most(0.1),
        )

    def _questions(self, asker: raw.Asker) -> dict[str, tuple[Call, Call]]:
        desk = self.desk
        items, people, keys = self._some_items(), self._some_people(), self._deep_keys()
        longest = desk.ask(_longest)
        since = round((self.clock.now() - timedelta(weeks=10)).timestamp() * 1000)

        def deep() -> list[QueueRow]:
            return desk.ask(triage.queue, Queue.OPEN, next(keys))

        def deep_bare() -> list[raw.Row]:
            key = next(keys)
            return asker.page((key.rank, round(key.due_at.timestamp() * 1000), key.item_id))

        found: dict[str, tuple[Call, Call]] = {
            _QUEUE: (partial(desk.ask, triage.queue, Queue.OPEN), asker.page),
            _DEEP: (deep, deep_bare),
            _BADGES: (lambda: desk.ask(triage.counts), asker.badges),
            "thread open": (
                lambda: desk.ask(threads.view, next(items)),
                lambda: asker.thread(next(items)),
            ),
            "longest conversation, last 100": (
                partial(desk.ask, threads.view, longest, 100),
                partial(asker.thread, longest, 100),
            ),
            _LONG: (partial(desk.ask, threads.view, longest), partial(asker.thread, longest)),
            "person card": (
                lambda: desk.ask(threads.person_card, next(people)),
                lambda: asker.person(next(people), since),
            ),
        }
        for name, words in _SEARCHES.items():
            found[f"search, {name}"] = self._search(asker, words)
        found[_BY_PERSON] = (
            lambda: desk.ask(search.find, f"from:#{next(people)} {community.COMMON} "),
            lambda: asker.find_joined(community.COMMON, next(people)),
        )
        return found

    def _search(self, asker: raw.Asker, words: tuple[str, ...]) -> tuple[Call, Call]:
        ours, bare = itertools.cycle(words), itertools.cycle(words)
        return lambda: self.desk.ask(search.find, next(ours)), lambda: asker.find(next(bare))

    def _some_items(self) -> Iterator[int]:
        highest = self.desk.ask(_highest_item)
        while True:
            yield self._random.randint(1, highest)

    def _some_people(self) -> Iterator[int]:
        """Person 1 wrote early, so often; most are any."""
        highest = self.desk.ask(_highest_person)
        while True:
            yield 1 + int(highest * self._random.random() ** 2)

    def _deep_keys(self) -> Iterator[QueueKey]:
        """The ends of pages 40 to 80, or of the deepest there are: each time another page."""
        keys = self._page_ends(80)
        chosen = keys[39:] or keys[len(keys) // 2 :]
        while True:
            yield self._random.choice(chosen)

    def _page_ends(self, most: int) -> list[QueueKey]:
        keys: list[QueueKey] = []
        after: QueueKey | None = None
        while len(keys) < most and (page := self.desk.ask(triage.queue, Queue.OPEN, after)):
            after = page[-1].key
            keys.append(after)
        return keys

    def week(self, times: int) -> Iterator[Figure]:
        """The whole summary: five weeks of counts, three tables, seven days, eight weeks."""
        asker = self.connect()
        today = self.clock.now().date()
        monday = today - timedelta(days=today.weekday() + 7)
        ours = sample([lambda: self.desk.ask(insights.week)] * times)
        bare = sample([lambda: asker.week(insights._day(monday))] * times)
        asker.connection.close()
        name = f"weekly summary, {self.size}"
        yield figure(name, middle(ours.cpu), "ms CPU", middle(bare.cpu), at_most(15))

    def decisions(self, times: int) -> Iterator[Figure]:
        """Taking an item: the change and its lines in the history and the record, on disk."""
        rows = self.desk.ask(triage.queue, Queue.OPEN, None, times)
        ids = [row.item_id for row in rows]
        asker = self.connect()
        at = round(self.clock.now().timestamp() * 1000)
        ours = sample(partial(self.desk.do, triage.assign, item, "Ada") for item in ids)
        bare = sample(partial(asker.assign, item, "Bea", at) for item in ids)
        asker.connection.close()
        name = f"decision commit, {self.size}"
        yield figure(f"{name}, p50", middle(ours.cpu), "ms CPU", middle(bare.cpu), at_most(1))
        yield figure(f"{name}, p50 with the disk", middle(ours.wall), "ms", middle(bare.wall), at_most(30))

    # ------------------------------------------------------------------ encrypted against plain

    def sealed(self, times: int) -> Iterator[Figure]:
        """What encryption costs: the same SQLite, the same rows and questions, with and without a key."""
        self.desk.store.checkpoint()
        raw.plain_twin(self.path, self.dek, self._twin)
        ours, plain = self.connect(), raw.Asker(raw.connect(self._twin, None))
        longest = self.desk.ask(_longest)
        words = itertools.cycle(_SEARCHES["mixed"])
        for name, ask, bound in (
            ("queue page", raw.Asker.page, 1.3),
            ("thread", lambda asker: asker.thread(longest, 100), 1.6),
            ("newest search", lambda asker: asker.find(next(words)), 1.7),
        ):
            sealed, bare = (sample([partial(ask, asker)] * (8 + times)) for asker in (ours, plain))
            title = f"encrypted to plain, {name}, {self.size}"
            yield figure(title, middle(sealed.cpu[8:]), "ms CPU", middle(bare.cpu[8:]), ratio_at_most(bound))
        ours.connection.close()
        plain.connection.close()
        yield figure(
            f"encrypted to plain, file, {self.size}",
            self._compact_size() / 1e6,
            "MB",
            self._twin.stat().st_size / 1e6,
            ratio_at_most(1.06),
        )

    def _compact_size(self) -> int:
        """The size of the file written anew: an export has no free places, so only two such compare."""
        copy = self.path.with_name("compact.db")
        connection = raw.connect(self.path, self.dek)
        connection.execute("VACUUM INTO ?", (str(copy),))
        connection.close()
        size = copy.stat().st_size
        self._forget(copy)
        return size

    def pulls(self, pages: int) -> Iterator[Figure]:
        """New pages of 100 into the full store, each its own commit, while a reader pages the queue."""
        self.desk.store.checkpoint()
        copy = self.path.with_name("copy.db")
        shutil.copyfile(self.path, copy)
        asker = self.connect()
        marks = raw.Copied.marks(asker.connection)
        wall, processor, waits = self._live(pages)
        stored = raw.Copied(asker.connection, marks)
        asker.connection.close()
        bare = raw.connect(copy, self.dek)
        taken = sample([lambda: stored.insert(bare)])
        bare.close()
        name, count = f"pull to store, {self.size}", 100 * pages
        yield figure(
            f"{name}, beside a reader",
            count / wall,
            "messages/s",
            1000 * count / taken.wall[0],
            at_least(1000),
        )
        per_message = 1000 * processor / count
        yield figure(
            f"{name}, processor", per_message, "ms CPU per message", taken.cpu[0] / count, at_most(0.6)
        )
        yield figure(f"queue page during a pull, {self.size}, p50", middle(waits), "ms")
        yield figure(
            f"queue page during a pull, {self.size}, p95", nearly_all(waits), "ms", None, _SLOWEST_READ
        )
        yield from self._sealed_insert(stored, taken)
        self._forget(copy)
        fill.read(self.desk, 100)

    def _sealed_insert(self, stored: raw.Copied, sealed: Sample) -> Iterator[Figure]:
        if not self._twin.exists():
            return
        plain = raw.connect(self._twin, None)
        taken = sample([lambda: stored.insert(plain)])
        plain.close()
        self._forget(self._twin)
        title = f"encrypted to plain, bulk insert, {self.size}"
        yield figure(title, sealed.cpu[0], "ms CPU", taken.cpu[0], ratio_at_most(1.25))

    def _live(self, pages: int) -> tuple[float, float, list[float]]:
        """Seconds on the wall and of the processor for the pages, and how long each reading took."""
        waits: list[float] = []
        over = threading.Event()

        def read_on() -> None:
            after: QueueKey | None = None
            while not over.wait(_BETWEEN_READS):
                began = time.perf_counter()
                page = self.desk.ask(triage.queue, Queue.OPEN, after)
                waits.append(1000 * (time.perf_counter() - began))
                after = page[-1].key if page else None

        reader = threading.Thread(target=read_on, name="reader")
        coming = list(self.filled.community.pages(100 * pages, 100))
        reader.start()
        began, on_wall = time.thread_time(), time.perf_counter()
        for page in coming:
            self.clock.at = page.messages[-1].created_at + timedelta(seconds=1)
            self.desk.do(intake.apply, self.filled.account, page)
        taken = time.perf_counter() - on_wall, time.thread_time() - began
        over.set()
        reader.join()
        return *taken, waits or [0.0]

    def imported(self, pages: int, size: int = 2000) -> Iterator[Figure]:
        """Pages of an export into the full store."""
        wall = 0.0
        for page in self.filled.community.pages(size * pages, size):
            began = time.perf_counter()
            self.desk.do(intake.apply, self.filled.account, page)
            wall += time.perf_counter() - began
        name = f"import to store, pages of {size:,}, {self.size}"
        yield figure(name, size * pages / wall, "messages/s", None, at_least(3000))

    def space(self) -> Iterator[Figure]:
        """The whole file for each message, against the words alone."""
        self.desk.store.checkpoint()
        asker = self.connect()
        (words,), (count,) = (
            asker._all("SELECT sum(length(cast(body AS blob))) FROM message")[0],
            asker._all("SELECT count(*) FROM message")[0],
        )
        asker.connection.close()
        size = self.path.stat().st_size / count
        yield figure(f"store, {self.size}", size, "bytes per message", words / count, at_most(600))


def _highest_item(ctx: Ctx) -> int:
    return ctx.session.scalar(sa.select(sa.func.max(Item.id))) or 1


def _highest_person(ctx: Ctx) -> int:
    return ctx.session.scalar(sa.select(sa.func.max(Item.person_id))) or 1


def _longest(ctx: Ctx) -> int:
    """An item of the conversation with the most messages."""
    found = ctx.session.scalar(
        sa.text(
            "SELECT id FROM item WHERE thread_id ="
            " (SELECT id FROM thread ORDER BY messages DESC LIMIT 1) LIMIT 1"
        )
    )
    return int(found or 1)
