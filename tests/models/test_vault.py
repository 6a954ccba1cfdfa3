"""The keys: wrapped three ways, never made anew by mistake, never in plain."""

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderator_app import sealing
from moderator_app.errors import ForTheModerator
from moderator_app.vault import Locked, Vault, WrongKey

PHRASE = "correct horse battery"


pytestmark = pytest.mark.usefixtures("no_keyring")


@pytest.fixture
def opened(tmp_path: Path) -> tuple[Vault, bytearray, str]:
    made = Vault(tmp_path / "vault.json")
    dek, recovery = made.create(PHRASE)
    return made, dek, recovery


def test_passphrase_and_recovery_key_open_the_same_key(opened: tuple[Vault, bytearray, str]) -> None:
    made, dek, recovery = opened
    assert made.unlock(PHRASE) == dek
    assert made.unlock_with_recovery(recovery.lower().replace("-", " ")) == dek


def test_without_keyring_a_passphrase_is_mandatory(tmp_path: Path) -> None:
    with pytest.raises(Locked, match="passphrase"):
        Vault(tmp_path / "vault.json").create(None)
    assert not (tmp_path / "vault.json").exists()


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ForTheModerator, match="too short"):
        Vault(tmp_path / "vault.json").create("seven77")
    assert not (tmp_path / "vault.json").exists()


def test_wrong_keys_are_said_and_change_nothing(opened: tuple[Vault, bytearray, str], tmp_path: Path) -> None:
    made, dek, recovery = opened
    before = (tmp_path / "vault.json").read_bytes()
    with pytest.raises(WrongKey):
        made.unlock("wrong horse battery")
    swapped = ("1" if recovery[0] == "0" else "0") + recovery[1:]
    with pytest.raises(WrongKey):
        made.unlock_with_recovery(swapped)
    with pytest.raises(WrongKey, match="mistyped"):
        made.unlock_with_recovery("not a key")
    assert (tmp_path / "vault.json").read_bytes() == before
    assert made.unlock(PHRASE) == dek


def test_the_file_holds_no_key_and_only_its_owner_reads_it(
    opened: tuple[Vault, bytearray, str], tmp_path: Path
) -> None:
    made, dek, recovery = opened
    made.keep_secrets(dek, "bluesky:1", {"token": "a-secret-token"})
    raw = (tmp_path / "vault.json").read_bytes()
    assert (tmp_path / "vault.json").stat().st_mode & 0o777 == 0o600
    for secret in (dek.hex().encode(), base64.b64encode(dek), recovery.encode(), b"a-secret-token"):
        assert secret not in raw
    assert made.secrets_of(dek, "bluesky:1") == {"token": "a-secret-token"}
    made.forget_secrets("bluesky:1")
    assert made.secrets_of(dek, "bluesky:1") == {}


def test_a_new_passphrase_rewraps_the_same_key(opened: tuple[Vault, bytearray, str]) -> None:
    made, dek, recovery = opened
    made.set_passphrase(dek, "another long phrase")
    assert made.unlock("another long phrase") == dek
    assert made.unlock_with_recovery(recovery) == dek
    with pytest.raises(WrongKey):
        made.unlock(PHRASE)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("kdf", "t"), 1),  # a lowered cost
        (("profile",), "another"),  # a slot moved from another profile
        (("sealed",), base64.b64encode(bytes(48)).decode()),
    ],
)
def test_an_edited_slot_does_not_open(
    opened: tuple[Vault, bytearray, str], tmp_path: Path, path: tuple[str, ...], value: object
) -> None:
    made, _, _ = opened
    file = tmp_path / "vault.json"
    content = json.loads(file.read_bytes())
    slot = next(s for s in content["slots"] if s["type"] == "passphrase")
    for key in path[:-1]:
        slot = slot[key]
    slot[path[-1]] = value
    for name in ("vault.json", "vault.copy.json"):
        (tmp_path / name).write_text(json.dumps(content))
    with pytest.raises(WrongKey):
        made.unlock(PHRASE)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 1}', b'{"format": 1, "slots": 3}'])
def test_a_damaged_vault_is_said(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "vault.json"
    file.write_bytes(content)
    with pytest.raises(ForTheModerator, match="damaged"):
        Vault(file).unlock(PHRASE)
    assert file.read_bytes() == content


def test_a_newer_vault_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "vault.json"
    file.write_text('{"format": 99, "slots": [], "accounts": {}}')
    with pytest.raises(ForTheModerator, match="newer"):
        Vault(file).unlock(PHRASE)


@given(st.binary(min_size=32, max_size=32))
def test_any_recovery_key_reads_back(raw: bytes) -> None:
    text = sealing.recovery_text(raw)
    assert sealing.recovery_bytes(text) == raw
    assert len(text.replace("-", "")) == 53


@given(st.text(max_size=80))
def test_any_other_text_is_no_recovery_key(text: str) -> None:
    with pytest.raises(WrongKey):
        sealing.recovery_bytes(text)


_REAL = """
import pathlib, sys
from moderator_app import sealing, vault
from moderator_app.vault import Locked, Vault
from moderator_app.paths import Profile
assert type(vault.trusted_keyring()).__module__ == "keyring.backends.SecretService"
made = Vault(pathlib.Path(sys.argv[1]) / "vault.json")
dek, _ = made.create(None)
assert made.unlock() == dek and made.ways() == ("recovery", "keyring")
assert made.enrol_keyring(dek) and made.unlock() == dek
slot = made._slot("keyring")
backend = vault.trusted_keyring()
backend.delete_password(slot["service"], slot["account"])
before = (pathlib.Path(sys.argv[1]) / "vault.json").read_bytes()
try:
    made.unlock()
except Locked as error:
    assert "no longer has" in str(error), error
else:
    raise SystemExit("a deleted entry must lock")
assert (pathlib.Path(sys.argv[1]) / "vault.json").read_bytes() == before
print("all well")
"""

_SESSION = """
export HOME=$(mktemp -d) XDG_RUNTIME_DIR=$(mktemp -d); chmod 700 "$XDG_RUNTIME_DIR"
export XDG_DATA_HOME=$HOME/.local/share XDG_CACHE_HOME=$HOME/.cache XDG_CONFIG_HOME=$HOME/.config
exec dbus-run-session -- bash -c '
  eval "$(printf "login\\n" | gnome-keyring-daemon --unlock --components=secrets)"; exec "$@"' _ "$@"
"""


@pytest.mark.skipif(
    not (shutil.which("gnome-keyring-daemon") and shutil.which("dbus-run-session")),
    reason="needs gnome-keyring and dbus, which make test installs where it may",
)
def test_a_real_secret_service_keeps_the_key(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", _SESSION, "_", sys.executable, "-c", _REAL, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert "all well" in done.stdout, done.stdout + done.stderr
