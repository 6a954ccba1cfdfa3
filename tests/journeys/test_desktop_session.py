"""Sleep and session lock as the desktop tells them, over a real bus with a stand-in for logind behind it."""

import contextlib
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_S = 20.0
# No service starts by itself on it, least of all a keyring that asks.
CONFIG = """<busconfig><type>session</type><listen>unix:path={path}</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>"""
SCRIPT = """
import sys, pathlib, threading
from PySide6.QtCore import QObject, Signal
from moderator_app import process
from moderator_app.app import Program, application
from moderator_app.door import Door
from moderator_app.paths import Profile
from moderator_app.views.desktop_session import available
from moderator_app.views.theme import Theme
from moderator_app.workspace import Workspace
app = application(None, debug=False)
theme = Theme(app, "light", 100)
profile = Profile.at(pathlib.Path(sys.argv[1]))
def make(workspace):
    return Program(app, workspace, theme)
door = Door(profile, theme, make)
def window():
    return door.program.window
def told(shared):
    print("sharing", shared, window().sharing.isVisible(), flush=True)
class Orders(QObject):
    came = Signal(str)
orders = Orders()
def obey(order):
    if order == "unlock":
        form = door.frame.screen_locked.form
        form.phrase.setText(sys.argv[2])
        form.try_it()
    elif order == "holds":
        print("holds", door._session.holds_sleep, flush=True)
    elif order == "facts":
        print("facts", sorted(name for name, there in available().items() if there), flush=True)
    elif order == "veil":
        door.frame.turn_veil()
        print("veiled", door.frame.veiled, window().rail.isVisible(), flush=True)
    elif order == "dismiss":
        window().sharing.dismiss.click()
        print("warned", window().sharing.isVisible(), flush=True)
    elif order == "look":
        door._sharing.look()
    else:
        app.quit()
orders.came.connect(obey)
door.locked.connect(lambda: print("locked", flush=True))
door._sharing.changed.connect(told)
door.opened.connect(lambda: print("opened", flush=True))
door.enter(Workspace.open(profile, sys.argv[2]))
threading.Thread(target=lambda: [orders.came.emit(line.strip()) for line in sys.stdin], daemon=True).start()
app.exec()
if door.program is not None:
    door._put_away()
"""


class Child:
    """A process that is spoken to line by line."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env, cwd=ROOT
        )
        self.lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line.strip())

    def tell(self, order: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{order}\n")
        self.process.stdin.flush()

    def says(self) -> str:
        return self.lines.get(timeout=PATIENCE_S)

    def end(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(ValueError):
            self.process.stdout.close()


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A bus of our own, as both the system's and the session's."""
    if shutil.which("dbus-daemon") is None:
        pytest.skip("needs dbus-daemon, which make test installs where it may")
    config = tmp_path / "bus.conf"
    config.write_text(CONFIG.format(path=tmp_path / "bus"))
    daemon = Child(
        ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", "--print-address"],
        dict(os.environ),
    )
    address = daemon.says()
    yield {
        **os.environ,
        "DBUS_SYSTEM_BUS_ADDRESS": address,
        "DBUS_SESSION_BUS_ADDRESS": address,
        "PYTHONPATH": str(ROOT),
        "QT_QPA_PLATFORM": "offscreen",
    }
    daemon.end()


@pytest.fixture
def login(bus: dict[str, str]) -> Iterator[Child]:
    made = Child([sys.executable, "-m", "tests.servers.desktop_stand_in"], bus)
    assert made.says() == "ready"
    yield made
    made.end()


@contextlib.contextmanager
def program(bus: dict[str, str], tmp_path: Path) -> Iterator[Child]:
    script = [sys.executable, "-c", SCRIPT, str(tmp_path / "profile"), "a phrase for this test"]
    made = Child(script, bus)
    try:
        assert made.says() == "opened"
        yield made
    finally:
        made.end()


def test_the_lock_stands_before_the_machine_sleeps(bus: dict[str, str], login: Child, tmp_path: Path) -> None:
    with program(bus, tmp_path) as window:
        assert {login.says(), login.says()} == {"session", "inhibit sleep delay"}
        window.tell("facts")
        assert window.says() == "facts ['screen saver', 'screen sharing', 'session lock', 'suspend']"
        window.tell("holds")
        assert window.says() == "holds True"
        login.tell("sleep 1")
        assert login.says() == "released"
        assert window.says() == "locked"
        login.tell("sleep 0")
        assert login.says() == "inhibit sleep delay"
        window.tell("unlock")
        assert window.says() == "opened"


@pytest.mark.parametrize("kind", ["cast", "remote"])
def test_a_shared_screen_is_said_once_and_can_be_veiled(
    bus: dict[str, str], login: Child, tmp_path: Path, kind: str
) -> None:
    with program(bus, tmp_path) as window:
        assert {login.says(), login.says()} == {"session", "inhibit sleep delay"}

        def share(names: str) -> None:
            login.tell(f"{kind} {names}")
            assert login.says() == "shared"
            window.tell("look")

        share("u1")
        assert window.says() == "sharing True True"
        window.tell("veil")
        assert window.says() == "veiled True False"
        window.tell("veil")
        assert window.says() == "veiled False True"
        window.tell("dismiss")
        assert window.says() == "warned False"
        share("u1")
        share("u1 u2")
        assert window.says() == "sharing True True", "another sharing, another warning"
        share("")
        assert window.says() == "sharing False False"
        login.end()
        window.tell("look")
        window.tell("facts")
        assert window.says() == "facts []"


def _told_until_heard(login: Child, signal: str, window: Child) -> str:
    """Send a signal until it is answered: Qt hears a service only once the bus has named its owner."""
    for _ in range(10):
        login.tell(signal)
        with contextlib.suppress(queue.Empty):
            return window.lines.get(timeout=PATIENCE_S / 10)
    raise AssertionError(f"nobody heard {signal}")


@pytest.mark.parametrize("signal", ["lock", "saver 1", "gnome 1"])
def test_a_locked_session_locks(bus: dict[str, str], login: Child, tmp_path: Path, signal: str) -> None:
    with program(bus, tmp_path) as window:
        assert {login.says(), login.says()} == {"session", "inhibit sleep delay"}
        window.tell("holds")
        assert window.says() == "holds True"
        login.tell("other")  # somebody else's session
        login.tell("saver 0")
        window.tell("holds")
        assert window.says() == "holds True"
        assert _told_until_heard(login, signal, window) == "locked"
        window.tell("unlock")
        assert window.says() == "opened"


def _doctor(env: dict[str, str], tmp_path: Path) -> str:
    command = [sys.executable, "-m", "moderator_app", "doctor", "--json", "--profile", str(tmp_path / "new")]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    (found,) = [check for check in json.loads(done.stdout) if check["name"] == "desktop"]
    assert found["ok"]
    return str(found["said"])


def test_the_doctor_says_what_the_desktop_tells(bus: dict[str, str], login: Child, tmp_path: Path) -> None:
    every = "it tells of suspend, session lock, screen saver, screen sharing"
    assert _doctor(bus, tmp_path) == every
    login.end()
    silent = _doctor(bus, tmp_path)
    assert silent.startswith("it does not tell of suspend, session lock, screen saver")
    assert "lock Hearthlight yourself" in silent


def test_the_doctor_works_where_qt_does_not_load(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['PySide6'] = None\n")
    env = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    assert "no window opens" in _doctor(env, tmp_path)


def test_without_a_bus_nothing_is_said_and_all_else_works(tmp_path: Path) -> None:
    nowhere = f"unix:path={tmp_path}/none"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"}
    env |= {"DBUS_SYSTEM_BUS_ADDRESS": nowhere, "DBUS_SESSION_BUS_ADDRESS": nowhere}
    with program(env, tmp_path) as window:
        window.tell("holds")
        assert window.says() == "holds False"
        window.tell("facts")
        assert window.says() == "facts []"
