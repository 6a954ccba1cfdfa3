"""No copy of the file key stands in the memory of a running program."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from moderator_app.keys import Key
from moderator_app.paths import Profile
from moderator_app.vault import Vault

PHRASE = "four quiet evening words"
CHILD = """
import os, sys
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
from pathlib import Path
from moderator_app.desk import accounts, triage
from moderator_app.desk.rows import Queue
from moderator_app.paths import Profile
from moderator_app.workspace import Workspace
with Workspace.open(Profile.at(Path(sys.argv[1])), sys.stdin.readline().strip()) as workspace:
    account = workspace.connect("demo", {"community": "harbour", "seed": "7", "hostile": "0"})
    workspace.syncs()[account].run()
    for _ in range(50):
        workspace.desk.ask(triage.queue, Queue.OPEN)
    print("open", flush=True)
    sys.stdin.readline()
print("closed", flush=True)
sys.stdin.readline()
"""


def _readable(pid: int) -> bytes:
    """All private memory of a process that can be read."""
    parts = []
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in maps:
            span, rights, *_ = line.split()
            if not rights.startswith("rw"):
                continue
            begin, end = (int(part, 16) for part in span.split("-"))
            try:
                memory.seek(begin)
                parts.append(memory.read(end - begin))
            except OSError:  # a guard page, or a device
                continue
    return b"\0".join(parts)


def _copies(pid: int, dek: bytearray) -> dict[str, int]:
    found = _readable(pid)
    assert b"hearthlight" in found  # it is the right memory
    forms = {
        "raw": bytes(dek),
        "hex": dek.hex().encode(),
        "upper hex": dek.hex().upper().encode(),
        "base64": base64.b64encode(dek),
        "json": json.dumps(list(dek)).encode(),
        "text of 32-bit characters": dek.hex().encode("utf-32-le"),
    }
    return {name: found.count(form) for name, form in forms.items()}


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="the system shows no memory of processes")
def test_the_memory_of_an_open_and_of_a_closed_workspace_holds_no_key(tmp_path: Path) -> None:
    profile = Profile.at(tmp_path / "profile")
    dek, _ = Vault(profile.vault).create(PHRASE)
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(profile.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin
        assert child.stdout
        for moment in ("open", "closed"):
            child.stdin.write(f"{PHRASE}\n")
            child.stdin.flush()
            assert child.stdout.readline().strip() == moment
            try:
                found = _copies(child.pid, dek)
            except PermissionError:
                child.kill()
                pytest.skip("this system lets nobody read another process")
            assert not any(found.values()), (moment, found)
        child.stdin.write("\n")
        child.stdin.flush()
    assert child.returncode == 0


def test_the_scan_would_see_a_key_that_is_kept() -> None:
    dek = bytearray(range(100, 132))
    script = "import sys\nhearthlight = bytes(range(100, 132))\nprint('open', flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout
        child.stdout.readline()
        try:
            found = _copies(child.pid, dek)
        except PermissionError:
            pytest.skip("this system lets nobody read another process")
        finally:
            child.communicate("\n")
    assert found["raw"] > 0


def test_a_key_gives_what_was_put_in_and_wipes_what_it_was_given() -> None:
    plain = bytearray(range(32))
    key = Key(plain)
    assert plain == bytearray(32)
    with key.bare() as bare:
        assert bare == bytearray(range(32))
    assert bare == bytearray(32)
    copy = key.copy()
    key.wipe()
    with key.bare() as bare, copy.bare() as kept:
        assert bare != kept
        assert kept == bytearray(range(32))
    with Key.fresh().bare() as one, Key.fresh().bare() as other:
        assert one != other
    with pytest.raises(ValueError, match="32"):
        Key(bytearray(31))
