"""Measure Hearthlight: `python -m tests.benchmarks [--messages N] [--keep FOLDER] [--json PATH]`.

Every figure stands beside its bare counterpart of the same run, because machines differ and ratios do not.
Nothing here fails on a slow machine: the table says what holds.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from moderator_app.models.store import Store
from moderator_app.paths import Profile
from moderator_app.vault import Vault
from tests.benchmarks import fill, reading_speed, screens
from tests.benchmarks.figures import Figure, at_most, figure, middle, sample, show, write
from tests.benchmarks.letting_go import LettingGo
from tests.benchmarks.questions import Bench

_DEFAULT: Final = Path("build/bench.json")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured: messages of the profile, and how often each thing is done."""

    messages: int = 1_000_000
    reads: int = 100
    decisions: int = 100
    pages: int = 100
    imports: int = 5
    texts: int = 3000
    starts: int = 3


SMALL: Final = Sizes(messages=10_000, pages=30, imports=1)


def measure(sizes: Sizes, folder: Path, say: Console, keep: Path | None = None) -> list[Figure]:
    """Fill a profile, or take a copy of one that was kept, and measure everything on it."""
    found: list[Figure] = []

    def take(title: str, figures: Iterable[Figure]) -> None:
        began = time.monotonic()
        found.extend(figures)
        say.print(f"[dim]{title}: {time.monotonic() - began:.0f} s[/dim]")

    take("reading", reading_speed.reading(sizes.texts))
    size = f"{sizes.messages:,} messages"
    take("filling", _filled(sizes.messages, folder / "profile", say, keep))
    profile = Profile.at(folder / "profile")
    key = bytes(fill.key_of(profile.folder))
    take(f"store of {size}", _store(profile, key, sizes, say))
    take("unlocking", _unlock(profile))
    take("opening", screens.opening(profile.folder, key, size, sizes.starts))
    take("start", screens.starts(profile.folder, key, size, sizes.starts))
    take("scrolling", screens.scrolling(profile.folder, key, size))
    take("an evening", screens.evening(profile.folder, key, size))
    return found


def _filled(messages: int, folder: Path, say: Console, keep: Path | None) -> Iterator[Figure]:
    """The profile to measure. A kept one is never touched: what is measured is a copy."""
    source = keep or folder
    said = fill.filled(source)
    if said is None:
        fill.fill(source, messages, fill.shower(say, messages))
        said = fill.filled(source)
    assert said is not None
    if said["messages"] != messages:
        raise SystemExit(f"{source} holds {said['messages']:,.0f} messages, not {messages:,}")
    if keep is not None:
        shutil.copytree(keep, folder)
    yield figure(f"fill and read, {messages:,} messages", said["rate"], "messages/s")


def _store(profile: Profile, key: bytes, sizes: Sizes, say: Console) -> Iterator[Figure]:
    with Store.open(profile, bytearray(key)) as store:
        filled = fill.take_up(store)
        bench, last = Bench(filled, key), LettingGo(filled, key)
        for figures in (
            bench.space(),
            bench.reads(sizes.reads),
            bench.week(10),
            bench.decisions(sizes.decisions),
            bench.sealed(sizes.reads),
            bench.pulls(sizes.pages),
            bench.imported(sizes.imports),
            last.copied(),
            last.retention(),
            last.erasure(),
        ):
            for one in figures:
                say.print(f"[dim]{one.name}: {one.value:,g} {one.unit}[/dim]")
                yield one


def _unlock(profile: Profile) -> Iterable[Figure]:
    taken = sample([lambda: Vault(profile.vault).unlock(fill.PASSPHRASE)] * 3)
    yield figure("unlock by passphrase", middle(taken.wall), "ms", None, at_most(1000))


def main(words: list[str]) -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="10,000 messages only: a minute")
    parser.add_argument(
        "--messages", type=int, default=Sizes().messages, help="how many (default: a million)"
    )
    parser.add_argument("--keep", type=Path, help="a filled profile to use again; filled where it is new")
    parser.add_argument("--json", type=Path, default=_DEFAULT, help=f"where to write (default: {_DEFAULT})")
    chosen = parser.parse_args(words)
    console = Console()
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="hearthlight-bench-", dir=chosen.json.parent))
    began = time.monotonic()
    try:
        sizes = SMALL if chosen.small else Sizes(messages=chosen.messages)
        figures = measure(sizes, folder, console, chosen.keep)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    write(figures, chosen.json)
    show(figures, Console(width=max(console.width, 150)))
    held = [one.holds for one in figures if one.holds is not None]
    took = time.monotonic() - began
    console.print(f"{sum(held)} of {len(held)} targets hold; {took:.0f} s; written to {chosen.json}")


if __name__ == "__main__":
    main(sys.argv[1:])
