"""What is measured in processes of their own: start, memory, scrolling, and opening a cold file."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.figures import Figure, at_most, figure, middle, nearly_all

ROOT: Final = Path(__file__).resolve().parents[2]
_CACHES: Final = Path("/proc/sys/vm/drop_caches")
_RUNS: Final = 3
_FELT: Final = 16  # milliseconds: a frame that is missed
# Milliseconds of the processor for one frame at the median and at the 99th percentile; 16 would be felt.
_FRAMES: Final = {"wheel step": (2.9, 6.4), "page down": (6, 10), "jump": (8.3, 12.5)}


def child(module: str, *arguments: str, dek: bytes = b"") -> dict[str, Any]:
    """Run one of our children; answers what it said and how long after its start that was."""
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen"),
        # As where it is installed: Python's own cache of what it compiled, wherever this shell forbids it.
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(ROOT / "build" / "pycache"),
    }
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments],
        cwd=ROOT,
        env=environment,
        input=dek.hex() + "\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode or not done.stdout:
        raise RuntimeError(f"{module} failed:\n{done.stderr}")
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if "at" in said:
        said["wall_ms"] = 1000 * (said["at"] - began)
    return said


def drop_caches() -> bool:
    """Empty the system's file cache, where we may: only the administrator may."""
    os.sync()
    try:
        _CACHES.write_text("1\n", "ascii")
    except OSError:
        return False
    return True


def starts(folder: Path, dek: bytes, size: str, runs: int = _RUNS) -> Iterator[Figure]:
    """From the start of the process to the first queue on the screen, and the memory it took."""
    cold = drop_caches()
    ours_cold = child("window_child", str(folder), dek=dek)
    drop_caches()
    bare_cold = child("bare_window")
    word = "cold" if cold else "cold not allowed, so warm"
    yield figure(
        f"start to first queue, {size}, {word}", ours_cold["wall_ms"], "ms", bare_cold["wall_ms"], None
    )
    ours = [child("window_child", str(folder), dek=dek) for _ in range(runs)]
    bare = [child("bare_window") for _ in range(runs)]
    for key, name, unit, target in (
        ("wall_ms", f"start to first queue, {size}, warm", "ms", at_most(1500)),
        ("cpu_ms", f"start to first queue, {size}, processor", "ms CPU", at_most(700)),
        ("rss_mb", f"memory after the first queue, {size}", "MB", at_most(200)),
    ):
        yield figure(name, _mid(ours, key), unit, _mid(bare, key), target)
    heavy = {name for run in ours for name in run["heavy"]}
    yield figure("heavy libraries loaded by then", len(heavy), "libraries", None, at_most(0))


def _mid(runs: list[dict[str, Any]], key: str) -> float:
    return middle([run[key] for run in runs])


def opening(folder: Path, dek: bytes, size: str, runs: int = _RUNS) -> Iterator[Figure]:
    """Opening the store and reading the first page while nothing of the file is in memory."""
    found = [child("open_child", str(folder), dek=dek) for _ in range(runs)]
    name = f"cold file to first page, {size}"
    yield figure(name, _mid(found, "ours"), "ms", _mid(found, "bare"), at_most(150))
    warm = f"warm file to first page, {size}"
    yield figure(warm, _mid(found, "ours, warm"), "ms", _mid(found, "bare, warm"), at_most(30))
    memory = f"memory of the store's process, {size}"
    yield figure(memory, _mid(found, "rss"), "MB", _mid(found, "rss, nothing open"), at_most(100))


def scrolling(folder: Path, dek: bytes, size: str) -> Iterator[Figure]:
    """One frame of the real list, against a table with Qt's delegate and one line a row."""
    said = child("window_child", str(folder), "scroll", dek=dek)
    ours: Mapping[str, list[float]] = said["ours"]
    bare: Mapping[str, list[float]] = said["bare"]
    for name, (median, high) in _FRAMES.items():
        title = f"scroll, {name}, {said['rows']:,} rows of {size}"
        yield figure(f"{title}, p50", middle(ours[name]), "ms CPU", middle(bare[name]), at_most(median))
        worst, bare_worst = nearly_all(ours[name], 0.99), nearly_all(bare[name], 0.99)
        yield figure(f"{title}, p99", worst, "ms CPU", bare_worst, at_most(high))


def evening(folder: Path, dek: bytes, size: str) -> Iterator[Figure]:
    """Turns of the loop of the real window while it is scrolled, searched and read in, and its memory.

    A turn is all that the GUI thread does between two waits, with Qt's layout and painting in it.
    """
    said = child("evening_child", str(folder), dek=dek)
    turns: Mapping[str, list[float]] = said["turns"]
    every = [turn for part, found in turns.items() if part != "start" for turn in found]
    for part, found in {**turns, "whole evening": every}.items():
        title = f"turns of the window's loop, {part}, {size}"
        yield figure(f"{title}, p50", middle(found), "ms CPU")
        yield figure(f"{title}, p99", nearly_all(found, 0.99), "ms CPU", None, at_most(16))
        yield figure(f"{title}, over 16 ms", sum(turn > _FELT for turn in found), f"of {len(found):,}")
    yield figure(
        f"window's memory at its first queue, {size}", said["rss_mb_at_first"], "MB", None, at_most(250)
    )
    both = said["rss_mb"] + said["reader_rss_mb"]
    yield figure(f"window's memory after an evening, with its reader, {size}", both, "MB", None, at_most(400))
