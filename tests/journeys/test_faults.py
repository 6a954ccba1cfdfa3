"""Each thing that can go wrong with a profile: what the person reads, and that nothing is lost by it."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import keyring
import pytest
from conftest import Clock
from keyring.backend import KeyringBackend
from tests_support import words_of

from moderator_app import doctor, vault
from moderator_app.backups import Backups
from moderator_app.desk import audit, triage
from moderator_app.desk.rows import Queue
from moderator_app.errors import ForTheModerator
from moderator_app.models import cipher
from moderator_app.paths import Profile
from moderator_app.vault import Vault
from moderator_app.workspace import Workspace

PHRASE = "four quiet evening words"


pytestmark = [pytest.mark.usefixtures("no_keyring"), pytest.mark.windowless]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, set[str]]:
    """A profile with the demo community, its recovery key, and all of its words."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vault, "trusted_keyring", lambda: None)
        folder = tmp_path_factory.mktemp("made") / "profile"
        with Workspace.open(Profile.at(folder), PHRASE) as workspace:
            account = workspace.connect("demo", {"community": "harbour", "seed": "7", "hostile": "0"})
            workspace.syncs()[account].run()
            workspace.desk.do(triage.take_next)
            return folder, workspace.recovery_key, words_of(workspace.desk)


@pytest.fixture
def home(made: tuple[Path, str, set[str]], tmp_path: Path) -> Profile:
    shutil.copytree(made[0], tmp_path / "profile")
    return Profile.at(tmp_path / "profile")


def _said(home: Profile, **how: str) -> str:
    """What the person reads; the files of the profile stay as they are."""
    before = _files(home)
    with pytest.raises(ForTheModerator) as told:
        Workspace.open(home, **({"passphrase": PHRASE} | how))  # type: ignore[arg-type]  # words by name
    assert _files(home) == before
    return str(told.value)


def _files(home: Profile) -> dict[str, bytes]:
    own = (home.store, home.vault, home.vault_copy)
    return {path.name: path.read_bytes() for path in own if path.exists()}


def _whole(home: Profile, words: set[str], **how: str) -> None:
    with Workspace.open(home, **({"passphrase": PHRASE} | how)) as workspace:  # type: ignore[arg-type]  # as above
        assert words_of(workspace.desk) == words
        assert workspace.verify() == []


def test_a_wrong_passphrase(home: Profile, made: tuple[Path, str, set[str]]) -> None:
    assert "does not open this profile" in _said(home, passphrase="not these evening words")
    _whole(home, made[2])


def test_a_mistyped_recovery_key(home: Profile, made: tuple[Path, str, set[str]]) -> None:
    shown = made[1]
    typed = shown[:-1] + ("0" if shown[-1] != "0" else "1")
    assert "mistyped" in _said(home, recovery=typed)
    assert "mistyped" in _said(home, recovery=shown[:-1])
    _whole(home, made[2], recovery=shown.lower().replace("-", ""))


class _Kept(KeyringBackend):
    """A keyring that works, in memory; its module is put on the list of real ones for the test."""

    priority = 9  # type: ignore[assignment]  # as every backend says it

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> _Kept:
    backend = _Kept()
    monkeypatch.setattr(vault, "_TRUSTED", frozenset({_Kept.__module__}))
    monkeypatch.setattr(vault, "trusted_keyring", lambda: backend)
    return backend


def test_a_deleted_keyring_entry_is_never_a_new_key(
    home: Profile, made: tuple[Path, str, set[str]], ring: _Kept
) -> None:
    with Workspace.open(home, PHRASE) as workspace, workspace._key.bare() as dek:
        assert Vault(home.vault).enrol_keyring(dek)
    Workspace.open(home).close()
    ring.kept.clear()
    with pytest.raises(vault.Locked, match=r"no longer has this profile's key.*passphrase"):
        Workspace.open(home)
    assert ring.kept == {}
    _whole(home, made[2])
    _whole(home, made[2], recovery=made[1])


def test_a_keyring_that_keeps_nothing_is_no_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    before = keyring.get_keyring()
    keyring.core.init_backend()
    try:
        with pytest.raises(vault.Locked, match=r"no keyring.*passphrase"):
            Workspace.open(Profile.at(tmp_path / "new"))
    finally:
        keyring.set_keyring(before)
    assert not (tmp_path / "new" / "store.db").exists()
    assert not (tmp_path / "new" / "vault.json").exists()


def test_a_moved_profile_opens_where_it_is(
    home: Profile, made: tuple[Path, str, set[str]], tmp_path: Path
) -> None:
    home.folder.rename(tmp_path / "elsewhere")
    _whole(Profile.at(tmp_path / "elsewhere"), made[2])


def test_a_profile_without_its_vault(home: Profile, made: tuple[Path, str, set[str]], tmp_path: Path) -> None:
    """One lost key file is nothing: there is a copy. Both lost are said, and no new key is made."""
    home.vault.unlink()
    _whole(home, made[2])
    for path in (home.vault, home.vault_copy):
        path.rename(tmp_path / path.name)
    assert "vault.json is missing" in _said(home)
    assert not home.vault.exists()
    (tmp_path / "vault.json").rename(home.vault)
    _whole(home, made[2])


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b.replace(b'"', b"'")]
)
def test_a_damaged_vault_heals_from_its_copy(
    home: Profile, made: tuple[Path, str, set[str]], damage: Callable[[bytes], bytes]
) -> None:
    home.vault.write_bytes(damage(home.vault.read_bytes()))
    _whole(home, made[2])
    assert json.loads(home.vault.read_bytes()) == json.loads(home.vault_copy.read_bytes())


def test_the_vault_of_another_profile(
    home: Profile, made: tuple[Path, str, set[str]], tmp_path: Path
) -> None:
    other = Profile.at(tmp_path / "other")
    Workspace.open(other, PHRASE).close()
    own = home.vault.read_bytes()
    home.vault.write_bytes(other.vault.read_bytes())
    home.vault_copy.unlink()
    assert "do not belong together" in _said(home)
    home.vault.write_bytes(own)
    _whole(home, made[2])


@pytest.mark.parametrize("part", [0.5, 0.999])
def test_a_truncated_store_is_said_and_what_is_left_is_saved(
    home: Profile, made: tuple[Path, str, set[str]], part: float
) -> None:
    content = home.store.read_bytes()
    home.store.write_bytes(content[: int(len(content) * part) // 4096 * 4096])
    found = {check.name: check for check in doctor.examine(home, PHRASE)}
    assert not found["store"].ok
    assert "recover" in found["store"].said
    key = cipher.Key(Vault(home.vault).unlock(PHRASE))
    saved = Backups(home, Vault(home.vault), key).recover()
    assert saved.saved["message"] > 0
    with Workspace.open(home, PHRASE) as workspace:
        assert workspace.verify() == []
        assert words_of(workspace.desk) <= made[2]
        assert len(words_of(workspace.desk)) > part * 0.5 * len(made[2])


def test_a_second_instance(home: Profile, made: tuple[Path, str, set[str]]) -> None:
    with Workspace.open(home, PHRASE):
        assert f"already open on this profile (process {os.getpid()})" in _said(home)
    _whole(home, made[2])


def test_a_newer_schema(home: Profile, made: tuple[Path, str, set[str]]) -> None:
    def shaped(version: str) -> None:
        key = cipher.Key(Vault(home.vault).unlock(PHRASE))
        connection = cipher.connect(home.store, key)
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        connection.close()

    with Workspace.open(home, PHRASE) as workspace:
        today = workspace.stats()["schema"]
    shaped("9999")
    assert "made by a newer Hearthlight" in _said(home)
    shaped(today)
    _whole(home, made[2])


def test_a_clock_that_is_a_day_back(home: Profile, made: tuple[Path, str, set[str]], clock: Clock) -> None:
    with Workspace.open(home, PHRASE, clock=clock) as workspace:
        clock.at = workspace.desk.ask(audit.lines)[0].at + timedelta(hours=1)
        first = workspace.desk.do(triage.take_next)
        order = [row.item_id for row in workspace.desk.ask(triage.queue, Queue.OPEN)]
        clock.forward(days=-1)
        second = workspace.desk.do(triage.take_next)
        assert first is not None
        assert second is not None
        assert [row.item_id for row in workspace.desk.ask(triage.queue, Queue.OPEN)] == order
        assert workspace.desk.ask(audit.clock_jumps) == 1
        assert workspace.verify() == []
    found = {check.name: check for check in doctor.examine(home, PHRASE)}
    assert found["audit"].ok
    assert "set back 1 times" in found["audit"].said
    _whole(home, made[2])


def test_the_doctor_says_what_to_do_about_open_folders_and_a_spent_reserve(home: Profile) -> None:
    home.store.chmod(0o644)
    os.truncate(home.ballast, 0)
    found = {check.name: check for check in doctor.examine(home, PHRASE)}
    assert "chmod" in found["permissions"].said
    assert "free some space" in found["reserve"].said
