"""What members write is nowhere in plain: not in the file, its logs, shared memory or temporary files."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MARK = "lanternfish"
SCRIPT = """
import logging, os, pathlib, sys, tempfile
from PySide6.QtCore import QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from connectors import demo
from moderator_app import logs
from moderator_app.app import Program
from moderator_app.desk import reading, replies, triage
from moderator_app.desk.rows import Queue
from moderator_app.paths import Profile
from moderator_app.views.theme import Theme
from moderator_app.workspace import Workspace
profile = Profile.at(pathlib.Path(sys.argv[1]))
logs.start(profile.log, debug=True)
app = QApplication([])
theme = Theme(app, "light", 100)
theme.apply()
workspace = Workspace.open(profile, "a phrase for this test")
values = {"community": "marked", "seed": "7", "hostile": "0"}
platform = demo._shared(values)
for number in range(300):
    words = f"lanternfish word {number}, I cannot sleep and I am so tired"
    platform.say(f"@lanternfish{number}", words, title=f"lanternfish {number}")
workspace.connect("demo", values)
program = Program(app, workspace, theme)
program.window.show()
program.start()
def step():
    if workspace.desk.ask(triage.counts)[Queue.OPEN] < 300 or workspace.desk.ask(reading.unread, 1):
        return
    shown = program.window.talk.item_id
    if shown is None:
        program.window.open_item(workspace.desk.ask(triage.queue, Queue.OPEN)[0].item_id)
    elif not program.window.reply.text.toPlainText():
        QTest.keyClicks(program.window.reply.text, "thank you lanternfish")
    elif workspace.desk.ask(replies.draft, shown):
        platform.fail_next("refuse")
        logging.getLogger("moderator_app.test").info("the log is open")
        print("ready", flush=True)
        timer.stop()
timer = QTimer(interval=100)
timer.timeout.connect(step)
timer.start()
app.exec()
"""


def holding(folder: Path) -> list[str]:
    """The files below a folder that hold the mark in any of the ways a text is written."""
    marks = [MARK.encode(coding) for coding in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le")]
    return [
        str(path)
        for path in folder.rglob("*")
        if path.is_file() and any(mark in path.read_bytes() for mark in marks)
    ]


def test_no_word_of_a_member_is_in_any_file(tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    env = {**os.environ, "HOME": str(home), "TMPDIR": str(temporary), "QT_QPA_PLATFORM": "offscreen"}
    env |= {"XDG_CACHE_HOME": str(home / "cache"), "XDG_DATA_HOME": str(home / "data")}
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(profile)], stdout=subprocess.PIPE, cwd=ROOT, env=env
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        names = {path.name for path in profile.iterdir()}
        assert {"store.db", "store.db-wal", "store.db-shm", "hearthlight.log"} <= names
        assert holding(tmp_path) == []
        child.kill()
    assert (profile / "hearthlight.log").stat().st_size > 0
    assert holding(tmp_path) == []
