"""The encrypted file: sealed, alone, kept, and clear about what is wrong."""

import contextlib
import gc
import os
import shutil
import signal
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from tests_support import DEK, account_of, insert_message

from moderator_app.errors import ForTheModerator
from moderator_app.models import base, care, inbox, migrations, privacy
from moderator_app.models.cipher import Damaged
from moderator_app.models.session import Session
from moderator_app.models.store import NewerFile, Store
from moderator_app.paths import Profile


def test_a_new_file_is_ours_alone_and_not_readable_as_plain_sqlite(store: Store) -> None:
    assert store.path.stat().st_mode & 0o777 == 0o600
    assert store.path.parent.stat().st_mode & 0o777 == 0o700
    assert not store.path.read_bytes().startswith(b"SQLite format 3")
    assert store.integrity() == []


def test_head_equals_the_models(store: Store) -> None:
    with store._engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_name": lambda name, kind, _: (
                    not (name or "").startswith("message_fts")
                    and name not in ("ix_person_handle", "ix_person_name")
                )
            },
        )
        assert compare_metadata(context, base.Base.metadata) == []
        assert migrations.version(connection) == migrations.head()
        # Alembic's own words for the two.
        assert MigrationContext.configure(connection).get_current_revision() == migrations.head()
        assert ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head() == migrations.head()
    tables = {care.Action.__tablename__, inbox.Item.__tablename__, privacy.Request.__tablename__}
    assert tables <= set(base.Base.metadata.tables)


def test_what_was_committed_is_there_after_reopening(profile: Profile) -> None:
    with Store.open(profile, bytearray(DEK)) as store, store.write() as session:
        session.add(care.Meta(key="k", value="v"))
    with Store.open(profile, bytearray(DEK)) as store, store.read() as session:
        assert session.get_one(care.Meta, "k").value == "v"


def test_a_closed_store_that_wrote_is_let_go_of_with_its_key(profile: Profile) -> None:
    with Store.open(profile, bytearray(DEK)) as store, store.write() as session:
        session.add(care.Meta(key="k", value="v"))
    known = weakref.ref(store)
    del store, session
    gc.unfreeze()
    gc.collect()
    assert known() is None


def test_however_many_read_at_once_one_connection_keeps_many_pages_and_the_others_few(store: Store) -> None:
    def cache(session: Session) -> int:
        return -int(session.driver.execute("PRAGMA cache_size").fetchone()[0])

    for _ in range(2):  # whoever comes first again gets the warm one again
        with contextlib.ExitStack() as open_now:
            found = [cache(open_now.enter_context(store.read())) for _ in range(5)]
            found.append(cache(open_now.enter_context(store.write())))
        assert found[0] == max(found)
        assert max(found[1:]) < found[0] / 4
        assert sum(found) <= 80 * 1024


def test_a_failed_block_leaves_nothing(store: Store) -> None:
    def fails() -> None:
        with store.write() as session:
            session.add(care.Meta(key="k", value="v"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    with store.read() as session:
        assert session.get(care.Meta, "k") is None


def test_listeners_hear_which_tables_changed_after_the_commit(store: Store) -> None:
    heard: list[frozenset[str]] = []
    stop = store.listen(heard.append)
    with store.write() as session:
        session.add(care.Meta(key="k", value="v"))
        assert heard == []
    with store.write() as session:
        session.execute(sa.update(care.Meta).values(value="w"))
    stop()
    with store.write() as session:
        session.execute(sa.delete(care.Meta))
    assert heard == [frozenset({"meta"}), frozenset({"meta"})]


def test_a_wrong_key_is_said_and_changes_nothing(profile: Profile) -> None:
    Store.open(profile, bytearray(DEK)).close()
    before = profile.store.read_bytes()
    with pytest.raises(Damaged, match="left as it is"):
        Store.open(profile, bytearray(32))
    assert profile.store.read_bytes() == before
    Store.open(profile, bytearray(DEK)).close()


def test_a_damaged_file_is_said_and_left_alone(profile: Profile) -> None:
    Store.open(profile, bytearray(DEK)).close()
    broken = bytearray(profile.store.read_bytes())
    broken[20:4000] = bytes(3980)
    profile.store.write_bytes(broken)
    with pytest.raises(Damaged):
        Store.open(profile, bytearray(DEK))
    assert profile.store.read_bytes() == broken


def test_a_newer_file_is_refused_untouched(profile: Profile) -> None:
    with Store.open(profile, bytearray(DEK)) as store, store._writer.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    before = profile.store.read_bytes()
    with pytest.raises(NewerFile, match="Update Hearthlight"):
        Store.open(profile, bytearray(DEK))
    assert profile.store.read_bytes() == before


def test_an_older_file_is_copied_before_it_is_brought_up_to_date(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store.open(profile, bytearray(DEK)).close()
    monkeypatch.setattr(migrations, "head", lambda: "9998")
    monkeypatch.setattr(migrations, "upgrade", lambda _: None)
    Store.open(profile, bytearray(DEK)).close()
    (copy,) = profile.backups.glob(f"before-{migrations._steps()[-1]}-*.aside.db")
    assert copy.stat().st_size > 0
    assert profile.backups.stat().st_mode & 0o777 == 0o700


def test_a_second_instance_is_told_who_holds_the_profile(store: Store, profile: Profile) -> None:
    with pytest.raises(ForTheModerator, match=f"already open.*{os.getpid()}"):
        Store.open(profile, bytearray(DEK))


def test_the_lock_of_a_killed_process_does_not_last(profile: Profile) -> None:
    script = (
        "import sys, pathlib, time\n"
        "from moderator_app.models.store import Store\n"
        "from moderator_app.paths import Profile\n"
        "s = Store.open(Profile.at(pathlib.Path(sys.argv[1])), bytearray(range(32)))\n"
        "print('open', flush=True)\n"
        "sys.stdin.read()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(profile.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"open\n"
        with pytest.raises(ForTheModerator, match=str(child.pid)):
            Store.open(profile, bytearray(DEK))
        child.send_signal(signal.SIGKILL)
    Store.open(profile, bytearray(DEK)).close()


def test_a_read_only_folder_is_said(profile: Profile) -> None:
    Store.open(profile, bytearray(DEK)).close()
    before = profile.store.read_bytes()
    script = (
        "import os, pathlib, sys\n"
        "from moderator_app.errors import ForTheModerator\n"
        "from moderator_app.models.store import Store\n"
        "from moderator_app.paths import Profile\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "for path in (*folder.parents, folder):\n"
        "    if os.geteuid() == 0 and path.stat().st_uid == 0 and 'pytest' in str(path):\n"
        "        path.chmod(0o755)\n"
        "for path in folder.iterdir():\n"
        "    path.chmod(0o444)\n"
        "folder.chmod(0o555)\n"
        "if os.geteuid() == 0:\n"
        "    os.setuid(65534)  # root may write everywhere, nobody may not\n"
        "try:\n"
        "    Store.open(Profile(folder), bytearray(range(32)))\n"
        "except ForTheModerator as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(profile.folder)], capture_output=True, text=True, check=False
    )
    assert "may not write" in done.stdout, done.stdout + done.stderr
    assert profile.store.read_bytes() == before


def test_a_full_disk_is_said_and_loses_nothing(store: Store) -> None:
    with store.write() as session:
        session.add(care.Meta(key="kept", value="v"))
    # A page limit makes SQLite answer exactly as it does on a full disk.
    with store._engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    store._engine.dispose()

    def limit(raw: object, _: object) -> None:
        raw.execute(f"PRAGMA max_page_count={pages}")  # type: ignore[attr-defined]

    sa.event.listen(store._engine, "connect", limit)
    with pytest.raises(ForTheModerator, match="disk is full"), store.write() as session:
        session.add(care.Meta(key="big", value="x" * 5_000_000))
    sa.event.remove(store._engine, "connect", limit)
    store._engine.dispose()
    with store.read() as session:
        assert session.get_one(care.Meta, "kept").value == "v"
        assert session.get(care.Meta, "big") is None


def test_no_words_in_any_file_while_open_and_after(profile: Profile, tmp_path: Path) -> None:
    marked = "lighthousekeeper-marker-7741"
    with Store.open(profile, bytearray(DEK)) as store:
        with store.write() as session:
            account = account_of(session)
            for number in range(500):
                insert_message(session, account, f"m{number}", f"{marked} number {number} " * 20)
        with store.read() as session:
            ordered = sa.select(inbox.Message.body).order_by(inbox.Message.body.desc())
            assert len(session.scalars(ordered).all()) == 500
        open_files = [path for path in profile.folder.rglob("*") if path.is_file()]
        assert profile.store.with_name("store.db-wal") in open_files
        assert not [path for path in open_files if marked.encode() in path.read_bytes()]
    assert not [
        path for path in profile.folder.rglob("*") if path.is_file() and marked.encode() in path.read_bytes()
    ]


def test_no_migration_step_is_missing_from_a_copy(profile: Profile, tmp_path: Path) -> None:
    """A file copied while closed opens elsewhere with the same key."""
    with Store.open(profile, bytearray(DEK)) as store, store.write() as session:
        session.add(care.Meta(key="k", value="v"))
    other = Profile.at(tmp_path / "other")
    shutil.copy2(profile.store, other.store)
    with Store.open(other, bytearray(DEK)) as store, store.read() as session:
        assert session.get_one(care.Meta, "k").value == "v"


def test_kill_in_the_middle_of_writing_loses_nothing_acknowledged(profile: Profile) -> None:
    script = (
        "import sys, pathlib\n"
        "from moderator_app.models.store import Store\n"
        "from moderator_app.models.care import Meta\n"
        "from moderator_app.paths import Profile\n"
        "s = Store.open(Profile.at(pathlib.Path(sys.argv[1])), bytearray(range(32)))\n"
        "n = 0\n"
        "while True:\n"
        "    with s.write() as session:\n"
        "        session.add(Meta(key=str(n), value='v' * 3000))\n"
        "    print(n, flush=True)\n"
        "    n += 1\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(profile.folder)], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        for _ in range(25):
            acknowledged = int(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read().split()
    acknowledged = int(rest[-1]) if rest else acknowledged
    with Store.open(profile, bytearray(DEK)) as store:
        with store.read() as session:
            kept = {int(key) for key in session.scalars(sa.select(care.Meta.key))}
        assert set(range(acknowledged + 1)) <= kept
        assert store.integrity() == []
