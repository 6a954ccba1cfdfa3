"""A short torture: each kind of work is killed once and loses its power once (make torture runs hundreds)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.torture import disk
from tests.torture.__main__ import KINDS, Bench, Tally

ROOT = Path(__file__).resolve().parents[2]


pytestmark = pytest.mark.usefixtures("no_keyring")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = disk.build(tmp_path_factory.mktemp("library"))
    if made is None:
        pytest.skip("there is no C compiler to build the disk with")
    return made


def test_killed_in_the_middle_of_anything_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    bench, tally = Bench(tmp_path, None, seed=11, old_messages=2000), Tally()
    for kind in KINDS:
        bench.run(kind, tally)
    assert tally.wrong == []
    assert tally.facts > len(KINDS)


def test_without_power_in_the_middle_of_anything_nothing_acknowledged_is_lost(
    tmp_path: Path, library: Path
) -> None:
    bench, tally = Bench(tmp_path, library, seed=12, old_messages=2000), Tally()
    for kind in KINDS:
        bench.run(kind, tally)
    assert tally.wrong == []
    assert tally.facts > len(KINDS)


def test_the_disk_forgets_what_was_not_synced(tmp_path: Path, library: Path) -> None:
    """The test of the test: without it, a disk that forgets nothing would prove nothing."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "before").write_text("old")
    forgetting = disk.Disk(library, root, tmp_path / "kept")
    script = """
import os, sys
from pathlib import Path
from tests.torture import disk
root = Path(sys.argv[1])
disk.sync_all(root)
(root / "never synced").write_text("lost")
with (root / "synced").open("w") as file:
    file.write("kept"); file.flush(); os.fsync(file.fileno()); file.write(" and lost")
(root / "before").write_text("new, not synced")
with (root / "fresh").open("w") as file:
    file.write("renamed"); file.flush(); os.fsync(file.fileno())
(root / "fresh").rename(root / "moved")
"""
    subprocess.run(
        [sys.executable, "-c", script, str(root)],
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **forgetting.environment},
    )
    forgetting.cut()
    assert {path.name: path.read_text() for path in root.iterdir()} == {
        "before": "old",
        "synced": "kept",
        "fresh": "renamed",  # the new name was never synced
    }
