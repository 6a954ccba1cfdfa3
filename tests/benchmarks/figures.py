"""A figure with its baseline and its target, and how all of them are written down."""

import json
import operator
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Final

import sqlcipher3.dbapi2 as sqlcipher
from rich.console import Console
from rich.table import Table

_CPU: Final = Path("/proc/cpuinfo")
_COMPARE: Final = {"<=": operator.le, ">=": operator.ge}


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure should hold: `on` is "value" or "ratio", `sign` is "<=" or ">="."""

    on: str
    sign: str
    bound: float

    def holds(self, value: float, ratio: float | None) -> bool | None:
        found = value if self.on == "value" else ratio
        return None if found is None else bool(_COMPARE[self.sign](found, self.bound))

    def __str__(self) -> str:
        return f"{self.on} {self.sign} {self.bound:g}"


def at_most(bound: float) -> Target:
    return Target("value", "<=", bound)


def at_least(bound: float) -> Target:
    return Target("value", ">=", bound)


def ratio_at_most(bound: float) -> Target:
    return Target("ratio", "<=", bound)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number; `baseline` is the bare counterpart of the same run."""

    name: str
    value: float
    unit: str
    baseline: float | None = None
    ratio: float | None = None
    target: str | None = None
    holds: bool | None = None


def figure(
    name: str, value: float, unit: str, baseline: float | None = None, target: Target | None = None
) -> Figure:
    """Put a figure together: the ratio is value to baseline."""
    ratio = round(value / baseline, 3) if baseline else None
    holds = target.holds(value, ratio) if target else None
    kept = None if baseline is None else _rounded(baseline)
    return Figure(name, _rounded(value), unit, kept, ratio, str(target) if target else None, holds)


def _rounded(value: float) -> float:
    return float(f"{value:.4g}") if abs(value) < 1000 else round(value)


@dataclass(frozen=True, slots=True)
class Sample:
    """Milliseconds of many calls, on the clock of this thread's processor and on the wall."""

    cpu: tuple[float, ...]
    wall: tuple[float, ...]


def sample(work: Iterable[Callable[[], object]]) -> Sample:
    """Time each call by itself."""
    cpu, wall = [], []
    for call in work:
        began, on_wall = time.thread_time(), time.perf_counter()
        call()
        cpu.append(1000 * (time.thread_time() - began))
        wall.append(1000 * (time.perf_counter() - on_wall))
    return Sample(tuple(cpu), tuple(wall))


def middle(values: Sequence[float]) -> float:
    return statistics.median(values)


def nearly_all(values: Sequence[float], share: float = 0.95) -> float:
    """The value that `share` of all stay under."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def machine() -> dict[str, str | int]:
    """What was measured on: enough to compare, nothing that names the machine or who uses it."""
    model = next(
        (line.split(":")[1].strip() for line in _CPU.read_text("utf-8").splitlines() if "model name" in line),
        platform.machine(),
    )
    return {
        "date": datetime.now(tz=UTC).date().isoformat(),
        "processor": model,
        "cores": os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in ("SQLAlchemy", "sqlcipher3", "PySide6", "spacy")},
        "SQLite": sqlcipher.sqlite_version,
    }


def write(figures: Sequence[Figure], path: Path) -> None:
    """Write the machine and the list as JSON, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    found = {"machine": machine(), "figures": [asdict(one) for one in figures]}
    path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


def resident_mb() -> float:
    """The memory of this process now."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize() / 1024**2


def show(figures: Sequence[Figure], console: Console) -> None:
    """Print the list as a table."""
    table = Table(box=None, pad_edge=False)
    for heading, side in (("what", "left"), ("value", "right"), ("unit", "left"), ("bare", "right")):
        table.add_column(heading, justify="right" if side == "right" else "left", overflow="fold")
    for heading in ("ratio", "target", "holds"):
        table.add_column(heading, justify="right")
    words = {True: "yes", False: "NO", None: ""}
    for one in figures:
        table.add_row(
            one.name,
            f"{one.value:,g}",
            one.unit,
            "" if one.baseline is None else f"{one.baseline:,g}",
            "" if one.ratio is None else f"{one.ratio:.2f}",
            one.target or "",
            words[one.holds],
        )
    console.print(table)
