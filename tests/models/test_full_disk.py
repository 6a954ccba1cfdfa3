"""On a disk that is really full nothing saved is lost, and a moderator can still record."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# Runs in a name space of its own, on a small disk that only it can see.
SCRIPT = """
import json, os, sys
from pathlib import Path
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
from moderator_app.desk import threads, triage
from moderator_app.desk.rows import Queue
from moderator_app.errors import ForTheModerator
from moderator_app.models.reserve import Reserve
from moderator_app.paths import Profile
from moderator_app.workspace import Workspace

disk = Path(sys.argv[1])
profile = Profile.at(disk / "profile")
said = {}

def fill():
    with (disk / "junk").open("ab", 0) as junk:
        for size in (1 << 20, 4096, 512):
            try:
                while True:
                    junk.write(bytes(size))
            except OSError:
                continue

with Workspace.open(profile, "four quiet evening words") as workspace:
    account = workspace.connect("demo", {"community": "harbour", "seed": "7", "hostile": "0"})
    said["pulled"] = workspace.syncs()[account].run().brought.new
    said["reserve"] = profile.ballast.stat().st_size
    workspace.desk.store.checkpoint()
    fill()
    item = workspace.desk.ask(triage.queue, Queue.OPEN)[0].item_id
    inbox = workspace.desk.in_bulk()
    try:
        inbox.do(threads.note, item, "x" * 3_000_000)
        said["bulk"] = "stored"
    except ForTheModerator as error:
        said["bulk"] = str(error)
    said["spent_by_bulk"] = workspace.desk.store.short_of_room
    said["notes"] = 0
    for number in range(40):
        workspace.desk.do(threads.note, item, f"note {number} " + "y" * 20_000)
        said["notes"] += 1
    said["spent_by_a_person"] = workspace.desk.store.short_of_room
    other = workspace.connect("demo", {"community": "harbour", "seed": "8", "hostile": "0"})
    trip = workspace.syncs()[other].run()
    said["trip"] = [trip.health, trip.trouble]
with Workspace.open(profile, "four quiet evening words") as workspace:
    view = workspace.desk.ask(threads.view, item)
    said["kept"] = len(view.notes)
    said["short"] = workspace.desk.store.short_of_room
    (disk / "junk").unlink()
    said["again"] = workspace.desk.store.keep_reserve()
    workspace.desk.in_bulk().do(threads.note, item, "room again")
    said["wrong"] = workspace.verify()
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    disk = tmp_path_factory.mktemp("disk")
    if shutil.which("unshare") is None:
        pytest.skip("no unshare on this system")
    mounted = f"mount -t tmpfs -o size=220m,mode=0700 tmpfs {disk}"
    trial = subprocess.run(["unshare", "-Urm", "sh", "-c", mounted], capture_output=True, check=False)
    if trial.returncode:
        pytest.skip("this system lets nobody make a small disk to fill")
    script = disk.parent / "full_disk.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", f"{mounted} && exec {sys.executable} {script} {disk}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        env={"PATH": "/usr/sbin:/usr/bin:/bin", "HOME": str(disk), "PYTHONPATH": "."},
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_what_platforms_bring_never_spends_the_reserve(said: dict[str, Any]) -> None:
    assert said["pulled"] > 2000
    assert said["reserve"] == 16 * 2**20
    assert "disk is full" in said["bulk"]
    assert said["spent_by_bulk"] is False


def test_a_moderator_can_still_record(said: dict[str, Any]) -> None:
    assert said["notes"] == 40
    assert said["spent_by_a_person"] is True
    assert said["kept"] == 40


def test_fetching_waits_and_says_why(said: dict[str, Any]) -> None:
    assert said["trip"][0] == "waiting"
    assert "disk is full" in said["trip"][1]


def test_with_room_again_all_goes_on(said: dict[str, Any]) -> None:
    assert (said["short"], said["again"], said["wrong"]) == (True, True, [])
