"""Measure Hearthlight: `python -m tests.benchmarks [--small] [--json PATH]`.

Every figure stands beside its bare counterpart of the same run, because machines differ and ratios do not.
Nothing here fails on a slow machine: the table says what holds.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from moderator_app.desk.desk import Desk
from moderator_app.models.store import Store
from moderator_app.paths import Profile
from moderator_app.vault import Vault
from tests.benchmarks import fill, reading_speed, screens
from tests.benchmarks.figures import Figure, at_most, figure, middle, sample, show, write
from tests.benchmarks.questions import Bench

_DEFAULT: Final = Path("build/bench.json")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured: messages of each profile, and how often each thing is done."""

    profiles: tuple[int, ...] = (10_000, 200_000)
    reads: int = 100
    decisions: int = 100
    pages: int = 30
    texts: int = 3000
    starts: int = 3


SMALL: Final = Sizes(profiles=(10_000,))


def measure(sizes: Sizes, folder: Path, say: Console) -> list[Figure]:
    """Fill each profile and measure everything on it; the screen on the largest."""
    found: list[Figure] = []

    def take(title: str, figures: Iterable[Figure]) -> None:
        began = time.monotonic()
        found.extend(figures)
        say.print(f"[dim]{title}: {time.monotonic() - began:.0f} s[/dim]")

    take("reading", reading_speed.reading(sizes.texts))
    for total in sizes.profiles:
        profile = Profile.at(folder / str(total))
        dek, _ = Vault(profile.vault).create(fill.PASSPHRASE)
        key, size = bytes(dek), f"{total:,} messages"
        take(f"store of {size}", _store(profile, dek, total, sizes))
        if total == max(sizes.profiles):
            take("unlocking", _unlock(profile))
            take("opening", screens.opening(profile.folder, key, size, sizes.starts))
            take("start", screens.starts(profile.folder, key, size, sizes.starts))
            take("scrolling", screens.scrolling(profile.folder, key, size))
        shutil.rmtree(profile.folder)
    return found


def _store(profile: Profile, dek: bytearray, total: int, sizes: Sizes) -> Iterable[Figure]:
    clock = fill.Clock()
    community = fill.Community(total)
    with Store.open(profile, dek) as store:
        desk = Desk(store, "Ada", clock)
        account = fill.open_account(desk)
        began = time.perf_counter()
        fill.pour(desk, clock, account, community, total)
        rate = total / (time.perf_counter() - began)
        yield figure(f"fill and read, {total:,} messages", rate, "messages/s")
        bench = Bench(desk, clock, account, community)
        yield from bench.space()
        yield from bench.reads(sizes.reads)
        yield from bench.week(10)
        yield from bench.decisions(sizes.decisions)
        yield from bench.pulls(sizes.pages)


def _unlock(profile: Profile) -> Iterable[Figure]:
    taken = sample([lambda: Vault(profile.vault).unlock(fill.PASSPHRASE)] * 3)
    yield figure("unlock by passphrase", middle(taken.wall), "ms", None, at_most(1000))


def main(words: list[str]) -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="10,000 messages only: a minute")
    parser.add_argument("--json", type=Path, default=_DEFAULT, help=f"where to write (default: {_DEFAULT})")
    chosen = parser.parse_args(words)
    console = Console()
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="hearthlight-bench-", dir=chosen.json.parent))
    began = time.monotonic()
    try:
        figures = measure(SMALL if chosen.small else Sizes(), folder, console)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    write(figures, chosen.json)
    show(figures, Console(width=max(console.width, 150)))
    held = [one.holds for one in figures if one.holds is not None]
    took = time.monotonic() - began
    console.print(f"{sum(held)} of {len(held)} targets hold; {took:.0f} s; written to {chosen.json}")


if __name__ == "__main__":
    main(sys.argv[1:])
