"""Backups: true copies under keys of their own, restored whole, forgotten for good; damaged stores saved."""

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests_support import words_of

from moderator_app import vault
from moderator_app.backups import Backups
from moderator_app.desk import audit, replies, search, threads, triage
from moderator_app.desk.desk import Desk
from moderator_app.desk.rows import ActionState, Audience, Queue
from moderator_app.errors import Cancelled, ForTheModerator
from moderator_app.models import cipher, copies, swap
from moderator_app.models.care import Action
from moderator_app.models.cipher import Damaged
from moderator_app.models.inbox import Item, Message
from moderator_app.paths import Profile
from moderator_app.vault import Vault
from moderator_app.workspace import Workspace

PHRASE = "four quiet evening words"
DAY = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


pytestmark = pytest.mark.usefixtures("no_keyring")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile with the demo community in it, made once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vault, "trusted_keyring", lambda: None)
        folder = tmp_path_factory.mktemp("template") / "profile"
        with Workspace.open(Profile.at(folder), PHRASE) as workspace:
            account = workspace.connect("demo", {"community": "harbour", "seed": "7", "hostile": "0"})
            workspace.syncs()[account].run()
    return folder


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Profile:
    shutil.copytree(template, tmp_path / "profile")
    return Profile.at(tmp_path / "profile")


def _open(home: Profile, phrase: str = PHRASE) -> Workspace:
    return Workspace.open(home, phrase)


def _backups(workspace: Workspace) -> Backups:
    assert workspace.backups is not None
    return workspace.backups


def _closed(home: Profile) -> Backups:
    made = Vault(home.vault)
    return Backups(home, made, vault.Key(made.unlock(PHRASE)))


def _note(desk: Desk, text: str) -> int:
    item = desk.ask(triage.queue, Queue.OPEN)[0].item_id
    desk.do(threads.note, item, text)
    return item


def _notes(desk: Desk) -> set[str]:
    found = desk.ask(triage.queue, Queue.OPEN)
    return {note.text for row in found[:3] for note in desk.ask(threads.view, row.item_id).notes}


def test_a_backup_brings_back_all_of_its_moment_and_says_so(home: Profile) -> None:
    with _open(home) as workspace:
        _note(workspace.desk, "before the backup")
        words = words_of(workspace.desk)
        made = _backups(workspace).make(DAY)
        _note(workspace.desk, "after the backup")
        assert made.rows["message"] >= len(words) > 0
    restored = _closed(home).restore(made.name)
    assert restored.rows == made.rows
    with _open(home) as workspace:
        assert words_of(workspace.desk) == words
        assert _notes(workspace.desk) == {"before the backup"}
        assert workspace.desk.ask(audit.lines)[0].what == "came_back"
        assert workspace.desk.ask(audit.broken) is None
        assert workspace.desk.ask(search.find, "tea") != []
        aside = [one for one in _backups(workspace).list() if not one.own_key]
    # What was there before the restoring is not lost: it can be restored itself.
    _closed(home).restore(aside[0].name)
    with _open(home) as workspace:
        assert _notes(workspace.desk) == {"before the backup", "after the backup"}


def test_a_backup_is_encrypted_under_a_key_of_its_own(home: Profile) -> None:
    with _open(home) as workspace:
        made = _backups(workspace).make(DAY)
        path = home.backups / made.name
        assert path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(Damaged):
            copies.check(path, workspace._key)
        assert _backups(workspace).verify(made.name).rows == made.rows
        _backups(workspace).forget(made.name)
        assert not path.exists()
        assert _backups(workspace).list() == []


def test_what_is_forgotten_by_its_key_cannot_be_read_from_a_copy_of_its_file(home: Profile) -> None:
    with _open(home) as workspace:
        made = _backups(workspace).make(DAY)
        kept = (home.backups / made.name).read_bytes()
        _backups(workspace).forget(made.name)
        assert _backups(workspace).list() == []
        (home.backups / made.name).write_bytes(kept)
        with pytest.raises(ForTheModerator, match=r"There is no|damaged"):
            _backups(workspace).verify(made.name)
    for name in (home.vault, home.vault_copy):
        assert made.name not in name.read_text()


def test_so_many_are_kept_and_the_oldest_go(home: Profile) -> None:
    with _open(home) as workspace:
        backups = _backups(workspace)
        assert backups.due(DAY)
        for day in range(5):
            backups.make(DAY + timedelta(days=day), keep=3)
        assert [one.made_at.day for one in backups.list()] == [24, 23, 22]
        assert not backups.due(DAY + timedelta(days=4, hours=23))
        assert backups.due(DAY + timedelta(days=5))
        assert not backups.due(DAY - timedelta(days=30))  # a clock that was set back


def test_stopping_a_backup_leaves_nothing(home: Profile) -> None:
    with _open(home) as workspace, pytest.raises(Cancelled):
        _backups(workspace).make(DAY, cancelled=lambda: True)
    assert list(home.backups.iterdir()) == []


def test_the_work_goes_on_while_a_backup_is_made(home: Profile) -> None:
    with _open(home) as workspace:
        written: list[int] = []

        def meanwhile(done: int, total: int) -> None:
            if not written:
                written.append(_note(workspace.desk, "written meanwhile"))
            assert done <= total

        made = _backups(workspace).make(DAY, tell=meanwhile)
        assert written
        assert made.rows["note"] == 0  # one state of the store, the one at its beginning
        assert _notes(workspace.desk) == {"written meanwhile"}


def test_a_damaged_backup_is_not_restored(home: Profile) -> None:
    with _open(home) as workspace:
        made = _backups(workspace).make(DAY)
        words = words_of(workspace.desk)
    path = home.backups / made.name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(Damaged, match="another backup"):
        _closed(home).restore(made.name)
    with _open(home) as workspace:
        assert words_of(workspace.desk) == words


def test_what_was_sent_since_the_backup_is_looked_for_before_it_is_sent_again(home: Profile) -> None:
    with _open(home) as workspace:
        desk = workspace.desk
        item = desk.ask(triage.queue, Queue.OPEN)[0].item_id
        desk.do(replies.send, item, "Thank you for telling us.", Audience.PUBLIC)
        made = _backups(workspace).make(DAY)
    _closed(home).restore(made.name)
    with _open(home) as workspace, workspace.desk.store.read() as session:
        (state,) = session.scalars(sa.select(Action.state).where(Action.kind == "reply"))
        assert state is ActionState.UNKNOWN


def test_a_backup_that_was_taken_along_opens_elsewhere_with_the_passphrase(
    home: Profile, tmp_path: Path
) -> None:
    with _open(home) as workspace:
        words = words_of(workspace.desk)
        made = _backups(workspace).make(DAY)
        place = _backups(workspace).take_along(made.name, tmp_path / "stick")
        other = _backups(workspace).make(DAY + timedelta(days=1))
    assert other.name not in (place / "vault.json").read_text()
    elsewhere = Profile.at(tmp_path / "elsewhere")
    shutil.copy(place / "vault.json", elsewhere.vault)
    elsewhere.backups.mkdir()
    shutil.copy(place / made.name, elsewhere.backups)
    _closed(elsewhere).restore(made.name)
    with _open(elsewhere) as workspace:
        assert words_of(workspace.desk) == words


def test_no_room_is_said_before_anything_is_written(home: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    with _open(home) as workspace:
        usage = shutil.disk_usage(home.folder)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
        with pytest.raises(ForTheModerator, match="MB"):
            _backups(workspace).make(DAY)
    assert list(home.backups.iterdir()) == []


# ------------------------------------------------------------------ the file key


def test_a_changed_key_opens_everything_and_the_old_one_nothing(home: Profile) -> None:
    with _open(home) as workspace:
        words = words_of(workspace.desk)
        made = _backups(workspace).make(DAY)
    old_vault, old_key = home.vault.read_bytes(), Vault(home.vault).unlock(PHRASE)
    recovery = _closed(home).change_key(PHRASE)
    with pytest.raises(Damaged):
        copies.check(home.store, vault.Key(old_key))
    for key in ({"passphrase": PHRASE}, {"recovery": recovery}):
        with Workspace.open(home, **key) as opened:
            assert words_of(opened.desk) == words
            assert opened.syncs()  # sign-ins are under the new key, too
            assert _backups(opened).verify(made.name).rows == made.rows
    assert old_vault != home.vault.read_bytes()


def test_a_wrong_passphrase_changes_no_key(home: Profile) -> None:
    before = home.store.read_bytes(), home.vault.read_bytes()
    with pytest.raises(vault.WrongKey):
        _closed(home).change_key("not those evening words")
    assert (home.store.read_bytes(), home.vault.read_bytes()) == before
    assert not home.order.exists()


@pytest.mark.parametrize("moment", range(6))
def test_a_power_cut_in_the_middle_of_the_exchange_is_finished_at_the_next_start(
    home: Profile, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """Every step of the exchange may be the last one before the power goes."""
    with _open(home) as workspace:
        words = words_of(workspace.desk)
    steps = 0

    def dies(original: Callable[..., object]) -> Callable[..., object]:
        def step(*values: object) -> object:
            nonlocal steps
            steps += 1
            if steps > moment:
                raise KeyboardInterrupt
            return original(*values)

        return step

    closed = _closed(home)
    real = swap.finish
    with monkeypatch.context() as patch:
        patch.setattr(swap.durable, "move", dies(swap.durable.move))
        patch.setattr(swap.durable, "sync_folder", dies(swap.durable.sync_folder))
        with pytest.raises(KeyboardInterrupt):
            closed.change_key(PHRASE)
    assert swap.finish is real
    with _open(home) as workspace:
        assert words_of(workspace.desk) == words
        assert workspace.syncs()
    assert not (home.folder / swap.STORE).exists()
    assert not home.order.exists()


# ------------------------------------------------------------------ damage


def _pages_of(home: Profile, table: str) -> list[int]:
    """The leaf pages of a table, found by breaking one after another in a copy."""
    key = vault.Key(Vault(home.vault).unlock(PHRASE))
    size = 4096
    content = home.store.read_bytes()
    trial, found = home.folder / "trial.db", []
    for page in range(len(content) // size - 1, 1, -7):
        broken = bytearray(content)
        broken[page * size + 100] ^= 1
        trial.write_bytes(broken)
        try:
            connection = cipher.connect(trial, key, read_only=True)
        except (cipher.sqlcipher.Error, MemoryError):
            continue  # a page of the schema
        try:
            connection.execute(f"SELECT count(*), sum(length(body)) FROM {table} NOT INDEXED").fetchall()
        except (cipher.sqlcipher.Error, MemoryError):
            found.append(page)
        finally:
            connection.close()
    trial.unlink()
    return found


def _break(home: Profile, pages: list[int]) -> None:
    with home.store.open("r+b") as file:
        for page in pages:
            file.seek(page * 4096 + 100)
            byte = file.read(1)
            file.seek(page * 4096 + 100)
            file.write(bytes([byte[0] ^ 1]))


@pytest.mark.parametrize("how_many", [1, 3])
def test_a_damaged_page_costs_that_page_and_no_more(home: Profile, how_many: int) -> None:
    with _open(home) as workspace, workspace.desk.store.read() as session:
        before = dict(session.execute(sa.select(Message.id, Message.body)).all())
    pages = _pages_of(home, "message")[2 : 2 + how_many]
    assert len(pages) == how_many
    _break(home, pages)
    with _open(home) as workspace, pytest.raises(Damaged), workspace.desk.store.read() as session:
        session.execute(sa.text("SELECT sum(length(body)) FROM message NOT INDEXED")).all()
    found = _closed(home).recover()
    with _open(home) as workspace:
        with workspace.desk.store.read() as session:
            after = dict(session.execute(sa.select(Message.id, Message.body)).all())
            homeless = session.scalars(
                sa.select(Message.id).where(
                    Message.item_id.is_not(None), ~Message.item_id.in_(sa.select(Item.id))
                )
            ).all()
        assert homeless == []
        assert after.items() <= before.items()
        assert found.lost["message"] == len(before) - len(after)
        assert 0 < len(before) - len(after) <= 40 * how_many
        assert workspace.desk.store.integrity() == []
        word = workspace.desk.ask(audit.lines)[0]
        assert (word.what, "recovered" in word.detail["how"]) == ("came_back", True)
        # The platform still has what was lost here: it is read again, and nothing comes twice.
        workspace.syncs()[1].run()
        with workspace.desk.store.read() as session:
            assert len(session.scalars(sa.select(Message.external_id).distinct()).all()) >= len(before)


def test_a_healthy_store_is_recovered_without_loss(home: Profile) -> None:
    with _open(home) as workspace:
        _note(workspace.desk, "a note that stays")
        words = words_of(workspace.desk)
        rows = workspace.desk.ask(triage.queue, Queue.OPEN)
    found = _closed(home).recover()
    assert (found.lost, found.placed) == ({}, {})
    with _open(home) as workspace:
        assert words_of(workspace.desk) == words
        assert workspace.desk.ask(triage.queue, Queue.OPEN) == rows
        assert workspace.desk.ask(triage.counts)[Queue.OPEN] == len(
            workspace.desk.ask(triage.queue, Queue.OPEN, None, 10_000)
        )
        assert _notes(workspace.desk) == {"a note that stays"}
        assert workspace.desk.ask(audit.broken) is None


def test_a_damaged_first_page_points_to_the_backups(home: Profile) -> None:
    with home.store.open("r+b") as file:
        file.seek(200)
        file.write(bytes(64))
    before = home.store.read_bytes()
    with pytest.raises(ForTheModerator, match=r"beginning of.*backup"):
        _closed(home).recover()
    assert home.store.read_bytes() == before


def test_nothing_is_put_in_place_while_the_store_is_open(home: Profile) -> None:
    with _open(home) as workspace:
        made = _backups(workspace).make(DAY)
        for attempt in (lambda: _closed(home).restore(made.name), lambda: _closed(home).recover()):
            with pytest.raises(ForTheModerator, match=f"already open.*{os.getpid()}"):
                attempt()


# ------------------------------------------------------------------ looking only


def test_a_viewer_reads_everything_and_writes_nothing(home: Profile) -> None:
    before = {path.name: path.read_bytes() for path in home.folder.iterdir() if path.is_file()}
    with Workspace.open(home, PHRASE, read_only=True) as workspace:
        assert workspace.desk.ask(triage.queue, Queue.OPEN)
        with pytest.raises(ForTheModerator, match="reading only"):
            _note(workspace.desk, "not kept")
        assert words_of(workspace.desk)
    assert {path.name: path.read_bytes() for path in home.folder.iterdir() if path.is_file()} == before


def test_a_viewer_sees_what_a_crash_left_in_the_log(home: Profile, tmp_path: Path) -> None:
    with _open(home) as workspace:
        _note(workspace.desk, "only in the log")
        crashed = tmp_path / "crashed"
        shutil.copytree(home.folder, crashed)
    left = Profile.at(crashed)
    assert left.store.with_name("store.db-wal").stat().st_size > 0
    before = {path.name: path.read_bytes() for path in left.folder.iterdir() if path.is_file()}
    with Workspace.open(left, PHRASE, read_only=True) as workspace:
        assert _notes(workspace.desk) == {"only in the log"}
    assert {path.name: path.read_bytes() for path in left.folder.iterdir() if path.is_file()} == before
