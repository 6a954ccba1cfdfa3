"""The benchmarks run and write what they promise; how fast anything is, no test asks."""

import json
from pathlib import Path

from rich.console import Console

from tests.benchmarks.__main__ import Sizes, measure
from tests.benchmarks.figures import Figure, at_least, at_most, figure, ratio_at_most, show, write

TINY = Sizes(messages=600, reads=4, decisions=3, pages=1, imports=1, texts=20, starts=1)


def test_everything_is_measured_and_written(tmp_path: Path) -> None:
    figures = measure(TINY, tmp_path, Console(quiet=True))
    written = tmp_path / "bench.json"
    write(figures, written)
    found = json.loads(written.read_text("utf-8"))
    assert {"date", "processor", "cores", "system", "python"} <= set(found["machine"])
    read = found["figures"]
    assert [Figure(**one) for one in read] == figures
    for one in read:
        assert set(one) == {"name", "value", "unit", "baseline", "ratio", "target", "holds"}
        assert one["value"] >= 0
        assert (one["holds"] is None) == (one["target"] is None)
    names = " ".join(one["name"] for one in read)
    for part in (
        "reading",
        "queue, first page",
        "search, rare word",
        "pull to store",
        "encrypted to plain",
        "start",
        "scroll",
        "retention, each message",
        "decision during erasure",
        "recovery",
    ):
        assert part in names
    assert len({one["name"] for one in read}) == len(read)
    console = Console(record=True, quiet=True, width=150)
    show(figures, console)


def test_a_target_is_held_by_the_value_or_by_the_ratio() -> None:
    assert figure("a", 5, "ms", 2.5, at_most(5)).holds is True
    assert figure("b", 5, "ms", 2.5, at_least(6)).holds is False
    assert figure("c", 5, "ms", 2.5, ratio_at_most(2)).holds is True
    assert figure("d", 5, "ms", None, ratio_at_most(2)).holds is None
    assert figure("e", 5, "ms").target is None
