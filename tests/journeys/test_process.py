"""What the system and whoever watches the terminal see of the program: nothing that anybody wrote."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MARK = "lanternfish"
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux keeps these promises")

PRIVATE = """
import os, resource, sys
from pathlib import Path
from moderator_app import process
process.keep_private()
assert process.close_memory() and process.memory_closed()
assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
Path(sys.argv[1]).write_text("x")
assert Path(sys.argv[1]).stat().st_mode & 0o777 == 0o600
assert Path("/proc/self/maps").stat().st_uid == 0
child = os.fork()
if child == 0:
    if os.getuid() == 0:
        os.setgroups([]); os.setgid(65534); os.setuid(65534)
        os._exit(0 if process.memory_closed() else 1)
    try:
        open(f"/proc/{os.getppid()}/mem", "rb").close()
    except OSError:
        os._exit(0)
    os._exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print("all well")
"""

ERRORS = """
import logging, pathlib, sys, threading, warnings
from PySide6.QtCore import QTimer, qWarning, qCritical
from sqlalchemy import text
from connectors import demo
from moderator_app.app import Program, application, _excepthook
from moderator_app.desk import triage
from moderator_app.desk.rows import Queue
from moderator_app.errors import ForTheModerator
from moderator_app.paths import Profile
from moderator_app.views.theme import Theme
from moderator_app.workspace import Workspace
profile = Profile.at(pathlib.Path(sys.argv[1]))
app = application(profile.log, debug=True)
theme = Theme(app, "light", 100)
workspace = Workspace.open(profile, "a phrase for this test")
values = {"community": "marked", "seed": "7", "hostile": "0"}
demo._shared(values).say("@lanternfish", "lanternfish words", title="lanternfish title")
workspace.connect("demo", values)
program = Program(app, workspace, theme)
sys.excepthook = _excepthook(program)
program.window.show()
program.start()
class Breaks:
    def __del__(self):
        raise ValueError("lanternfish in a finaliser")
def broken():
    workspace.desk.do(lambda ctx: ctx.session.execute(text("SELECT 'lanternfish' FROM no")))
def step():
    rows = workspace.desk.ask(triage.queue, Queue.OPEN)
    if not rows:
        return
    timer.stop()
    program.window.open_item(rows[0].item_id)
    thread = threading.Thread(target=lambda: {}["lanternfish in a thread"])
    thread.start(); thread.join()
    Breaks()
    warnings.warn("lanternfish in a warning")
    qWarning("QText: lanternfish in Qt"); qCritical("lanternfish alone")
    logging.getLogger("moderator_app.x").error("a %d of %s", "lanternfish")
    logging.getLogger("moderator_app.x").error("with a trace", exc_info=KeyError("lanternfish"))
    QTimer.singleShot(500, app.quit)
    QTimer.singleShot(0, broken)
    raise ForTheModerator("A sentence about {who}.", who=rows[0].person)
timer = QTimer(interval=50)
timer.timeout.connect(step)
timer.start()
app.exec()
program.stop()
print("all well")
"""

LOGGED = """
import logging, sys
from moderator_app import __main__, cli
@cli.app.command()
def breaks():
    logging.getLogger("moderator_app.x").warning("it broke", exc_info=KeyError("lanternfish"))
sys.argv[1:] = ["breaks"]
__main__.main()
"""


def run(script: str, argument: Path, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", script, str(argument)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT), **env},
    )


@LINUX
def test_files_are_private_memory_is_closed_and_no_core_is_dumped(tmp_path: Path) -> None:
    done = run(PRIVATE, tmp_path / "file")
    assert "all well" in done.stdout, done.stdout + done.stderr


@LINUX
def test_the_child_that_reads_texts_closes_its_memory_too() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "from moderator_app.desk import language; language.serve()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b'["a calm word", ""]\n')
        child.stdin.flush()
        assert child.stdout.readline()
        limits = Path(f"/proc/{child.pid}/limits").read_text()
        assert Path(f"/proc/{child.pid}/maps").stat().st_uid == 0
        child.stdin.close()
    (core,) = [line for line in limits.splitlines() if "core file" in line]
    assert core.split()[4:6] == ["0", "0"]


def test_no_error_however_it_comes_quotes_a_word(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    done = run(ERRORS, tmp_path / "profile", HOME=str(home), XDG_CONFIG_HOME=str(home / "config"))
    assert "all well" in done.stdout, done.stdout + done.stderr
    said = done.stdout + done.stderr + (tmp_path / "profile" / "hearthlight.log").read_text("utf-8")
    for kind in ("ForTheModerator", "KeyError", "OperationalError", "ValueError", "UserWarning", "QText"):
        assert kind in said, (kind, said)
    assert MARK not in said


def test_a_command_without_a_log_file_warns_without_the_words(tmp_path: Path) -> None:
    done = run(LOGGED, tmp_path)
    assert done.stderr == "it broke [KeyError]\n"


FILES = """
import pathlib, sys
from PySide6.QtCore import QEvent, QTimer
from PySide6.QtWidgets import QFileDialog, QLineEdit, QWidget
from moderator_app.app import application
from moderator_app.views import files
app = application(None, debug=False)
window = QWidget()
window.show()
found = []
files.ask_file(window, "Choose", "All files (*)", lambda path: (found.append(path), app.quit()))
dialog = window.findChild(QFileDialog)
def choose():
    dialog.setDirectory(str(pathlib.Path(sys.argv[1]).parent))
    dialog.findChild(QLineEdit).setText(sys.argv[1])
    dialog.accept()
QTimer.singleShot(100, choose)
app.exec()
assert found == [pathlib.Path(sys.argv[1])], found
app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
assert window.findChild(QFileDialog) is None
print("all well")
"""


def test_a_chosen_file_is_in_no_list_of_recent_files(tmp_path: Path) -> None:
    home = tmp_path / "home"
    folder = tmp_path / f"{MARK}-exports"
    home.mkdir()
    folder.mkdir()
    (folder / f"{MARK}.csv").write_text("id;author;body\n", "utf-8")
    places = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), "XDG_DATA_HOME": str(home / "data")}
    done = run(FILES, folder / f"{MARK}.csv", **places)
    assert "all well" in done.stdout, done.stdout + done.stderr
    kept = [path for path in home.rglob("*") if path.is_file() and MARK.encode() in path.read_bytes()]
    assert kept == []
