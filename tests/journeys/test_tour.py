"""The tour that `make run` takes without a display: every step on the real window leaves its picture."""

import os
import subprocess
import sys
from pathlib import Path

from PySide6.QtGui import QImage

ROOT = Path(__file__).parents[2]


def test_the_tour_leaves_pictures_and_the_week(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "moderator_app", "tour", "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=ROOT,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    pictures = sorted(tmp_path.glob("*.png"))
    assert len(pictures) >= 10
    for picture in pictures:
        image = QImage(str(picture))
        colours = {image.pixel(x, y) for x in range(0, image.width(), 7) for y in range(0, image.height(), 7)}
        assert len(colours) > 20, picture.name
    assert {path.suffix for path in tmp_path.glob("week-*")} == {".md", ".csv", ".pdf"}
