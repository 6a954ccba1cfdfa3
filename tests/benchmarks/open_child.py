"""Opens a store whose file is in no cache and reads the first page of its queue, bare and as the product.

Run as a process of its own: `python -m tests.benchmarks.open_child FOLDER`, the key as hex digits on
standard input; everything is imported before the clock starts. Answers one JSON object.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from moderator_app.desk import search, threads, triage
from moderator_app.desk.desk import Desk
from moderator_app.desk.rows import Queue, QueueKey
from moderator_app.models.store import Store
from moderator_app.paths import Profile
from tests.benchmarks import raw
from tests.benchmarks.figures import resident_mb


def forget(path: Path) -> None:
    """Ask the system to drop what it remembers of a file."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


def _used(desk: Desk) -> float:
    """The memory of a process that holds nothing but the store, after a good deal of work."""
    after: QueueKey | None = None
    for _ in range(20):
        page = desk.ask(triage.queue, Queue.OPEN, after)
        for row in page[::10]:
            desk.ask(threads.view, row.item_id)
            desk.ask(search.find, row.title)
        after = page[-1].key if page else None
    return resident_mb()


def main(folder: Path) -> None:
    dek = bytes.fromhex(sys.stdin.readline())
    profile = Profile.at(folder)
    bare = raw.connect(profile.store, dek)
    bare.close()
    found: dict[str, float] = {"rss, nothing open": resident_mb()}

    def product() -> None:
        store = Store.open(profile, bytearray(dek))
        Desk(store, "Ada").ask(triage.queue, Queue.OPEN)
        opened.append(store)

    opened: list[Store] = []
    for name, work in (("bare", raw.timed_open(profile.store, dek)), ("ours", product)):
        forget(profile.store)
        found[name] = _timed(work)
        if name == "ours":
            opened.pop().close()
        found[f"{name}, warm"] = _timed(work)
    with opened.pop() as store:
        found["rss"] = _used(Desk(store, "Ada"))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
