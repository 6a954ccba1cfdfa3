"""The door with a real Secret Service behind it: a keyring opens at a press, and never makes a new key."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SESSION = """
export HOME=$(mktemp -d) XDG_RUNTIME_DIR=$(mktemp -d); chmod 700 "$XDG_RUNTIME_DIR"
export XDG_DATA_HOME=$HOME/.local/share XDG_CACHE_HOME=$HOME/.cache XDG_CONFIG_HOME=$HOME/.config
unset DISPLAY WAYLAND_DISPLAY
exec dbus-run-session -- bash -c '
  eval "$(printf "login\\n" | gnome-keyring-daemon --unlock --components=secrets)"; exec "$@"' _ "$@"
"""
SCRIPT = """
import pathlib, sys, time
import secretstorage
from PySide6.QtCore import QEventLoop, QTimer
from moderator_app.app import Program, application
from moderator_app.door import Door
from moderator_app.paths import Profile
from moderator_app.vault import Vault
from moderator_app.views.theme import Theme
from moderator_app.workspace import Workspace
app = application(None, debug=False)
theme = Theme(app, "light", 100)
profile = Profile.at(pathlib.Path(sys.argv[1]))
made = Workspace.open(profile)
recovery = made.recovery_key
made.close()
first = profile.vault.read_bytes()
(profile.folder / "first.json").write_bytes(first)
door = Door(profile, theme, lambda workspace: Program(app, workspace, theme))

def until(fits, seconds=20):
    loop, ends = QEventLoop(), time.monotonic() + seconds
    while not fits():
        assert time.monotonic() < ends, "it did not happen"
        QTimer.singleShot(20, loop.quit)
        loop.exec()

def form():
    return door.frame.screen_locked.form

def lock():
    door.lock()
    until(lambda: door.program is None and form() is not None)

door.knock()
until(lambda: door.program is not None)
print("opened at the start by itself")
lock()
assert form().keyring.isVisible() and not form().phrase.isVisible()
loop = QEventLoop()
QTimer.singleShot(1000, loop.quit)
loop.exec()
assert door.program is None, "after a lock it opens for nobody"
began = time.perf_counter()
form().keyring.click()
until(lambda: door.program is not None)
took = time.perf_counter() - began
assert took < 1, took
print("opened by a press")
lock()
secretstorage.get_default_collection(secretstorage.dbus_init()).lock()
form().keyring.click()
until(lambda: form().trouble.isVisible())
assert "keyring is locked" in form().trouble.text(), form().trouble.text()
form().by_recovery.setChecked(True)
assert form().phrase.isVisible()
form().phrase.setText(recovery)
form().try_it()
until(lambda: door.program is not None)
print("opened by the recovery key")
with door.program._workspace._key.bare() as dek:
    Vault(profile.vault).set_passphrase(dek, "a phrase for this test")
lock()
assert form().phrase.isVisible() and not form().keyring.isVisible(), "who has a passphrase is asked for it"
door = Door(profile, theme, lambda workspace: Program(app, workspace, theme))
door.knock()
assert not form().busy and not form().keyring.isVisible(), "and a restart is no way around it"
form().phrase.setText("a phrase for this test")
form().try_it()
until(lambda: door.program is not None)
door._put_away()
print("all well")
"""


@pytest.mark.skipif(
    not (shutil.which("gnome-keyring-daemon") and shutil.which("dbus-run-session")),
    reason="needs gnome-keyring and dbus, which make test installs where it may",
)
def test_a_keyring_opens_at_a_press_and_a_locked_one_is_no_reason_for_a_new_key(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", SESSION, "_", sys.executable, "-c", SCRIPT, str(tmp_path / "profile")],
        capture_output=True,
        text=True,
        timeout=80,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"},
    )
    assert "all well" in done.stdout, done.stdout + done.stderr
    before, after = (
        json.loads((tmp_path / "profile" / name).read_text()) for name in ("first.json", "vault.json")
    )
    assert before["slots"] == [slot for slot in after["slots"] if slot["type"] != "passphrase"]
    assert before["check"] == after["check"]
