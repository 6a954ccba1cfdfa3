"""The encrypted file: open it, read it, write it, say what changed.

One SQLCipher file per workspace. Driver, pragmas and their reasons: docs/decisions/002-store.md. Only
this module creates engines and sessions; `write` holds a process-wide lock, so SQLite sees one writer.
"""

import contextlib
import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Self

import filelock
import sqlalchemy as sa
import sqlcipher3.dbapi2 as sqlcipher

from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.models import migrations
from moderator_app.models.session import Session, join_transaction, note_change
from moderator_app.paths import Profile

_log = logging.getLogger(__name__)

# SQLite before 3.51.3 can corrupt a WAL file with two connections; SQLCipher before 4.19 answers one
# damaged page with MemoryError for ever. A second package of the same name can shadow the right one.
_LEAST_SQLITE: Final = (3, 51, 3)
_LEAST_CIPHER: Final = (4, 19)
_PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",  # an acknowledged commit survives a power cut; costs one fsync
    "foreign_keys=ON",
    "temp_store=MEMORY",
    "secure_delete=ON",
    "trusted_schema=OFF",
    "cell_size_check=ON",
    "cache_size=-65536",
    "journal_size_limit=67108864",
    "checkpoint_fullfsync=ON",
)
_READERS: Final = 4

Listener = Callable[[frozenset[str]], None]


class Damaged(ForTheModerator):
    """The file is there and the key is right, but a page does not check out."""


class NewerFile(ForTheModerator):
    """The file was written by a newer version of the program."""


def _not_writable(folder: Path) -> ForTheModerator:
    return ForTheModerator(
        QT_TRANSLATE_NOOP("Error", "Hearthlight may not write in {folder}."),
        QT_TRANSLATE_NOOP("Error", "Check the folder's permissions, or choose another profile."),
        folder=folder,
    )


def _trouble(error: BaseException, path: Path) -> ForTheModerator | None:
    """The sentence for a database error, or None where it is a bug of ours."""
    said = str(error).lower()
    if "disk is full" in said:
        return ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "The disk is full, so nothing could be saved."),
            QT_TRANSLATE_NOOP("Error", "Free some space and do it again; nothing saved was lost."),
        )
    if "readonly" in said or "read-only" in said or "unable to open" in said:
        return _not_writable(path.parent)
    if "locked" in said:
        return ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "Another program is holding the messages file."),
            QT_TRANSLATE_NOOP("Error", "Close backup or sync tools that use it, and try again."),
        )
    marks = ("not a database", "malformed", "corrupt", "hmac", "disk i/o error")
    if any(mark in said for mark in marks):
        return Damaged(
            QT_TRANSLATE_NOOP("Error", "The messages file is damaged: {path}."),
            QT_TRANSLATE_NOOP("Error", "It was left as it is. Put back a copy, or ask for help."),
            path=path,
        )
    return None


@contextlib.contextmanager
def _said(path: Path) -> Iterator[None]:
    """Turn database errors that a person can act on into sentences; let bugs through."""
    try:
        yield
    except (sa.exc.DBAPIError, sqlcipher.Error, MemoryError) as error:
        trouble = _trouble(error.orig if isinstance(error, sa.exc.DBAPIError) else error, path)  # type: ignore[arg-type]  # orig is set on every DBAPIError
        if trouble is None:
            raise
        raise trouble from error


def _hex_spec(dek: bytearray) -> bytearray:
    """The key as x'<64 hex>' in memory that can be wiped. Any other length would become a passphrase."""
    if len(dek) != 32:  # noqa: PLR2004 - 256 bits
        raise ValueError("the file key must have 32 bytes")
    digits = b"0123456789abcdef"
    spec = bytearray(b"x'") + bytearray(64) + bytearray(b"'")
    for i, byte in enumerate(dek):
        spec[2 + 2 * i], spec[3 + 2 * i] = digits[byte >> 4], digits[byte & 15]
    return spec


def driver() -> str:
    """The versions of the database driver, or a sentence where they are too old to be safe."""
    if sqlcipher.sqlite_version_info < _LEAST_SQLITE:
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "The database driver is too old ({found})."),
            QT_TRANSLATE_NOOP("Error", "Install Hearthlight again (make setup)."),
            found=sqlcipher.sqlite_version,
        )
    return f"SQLite {sqlcipher.sqlite_version} with SQLCipher"


class Store:
    """One open workspace. Close it before the program ends; it is safe to use from several threads."""

    def __init__(self, path: Path, dek: bytearray, lock: filelock.BaseFileLock | None) -> None:
        driver()
        self.path = path
        self._dek = dek
        self._lock = lock
        self._writing = threading.RLock()
        self._listeners: list[Listener] = []
        self._engine = self._make_engine()
        self._writer = self._engine.execution_options(begin="BEGIN IMMEDIATE")

    @classmethod
    def open(cls, profile: Profile, dek: bytearray) -> Self:
        """Open the profile's store, alone; make it where it is new, bring it up to date where it is old."""
        lock = _alone(profile)
        try:
            return cls._open(profile, dek, lock)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def _open(cls, profile: Profile, dek: bytearray, lock: filelock.BaseFileLock) -> Self:
        new = not profile.store.exists()
        with _said(profile.store):
            if new:
                # Made by us first, so that nobody else can read even the empty file.
                descriptor = os.open(profile.store, os.O_CREAT | os.O_RDWR, 0o600)
                os.close(descriptor)
            elif not os.access(profile.store, os.W_OK) or not os.access(profile.folder, os.W_OK):
                raise sqlcipher.OperationalError("attempt to write a readonly database")
            store = cls(profile.store, dek, lock)
            try:
                store.migrate(profile, new=new)
            except BaseException:
                store._engine.dispose()
                raise
        return store

    def migrate(self, profile: Profile, *, new: bool) -> None:
        """Bring the schema to this version's; an older file is copied first, a newer one refused."""
        with self._engine.connect() as connection:
            found = migrations.version(connection)
        if found is not None and not migrations.known(found):
            raise NewerFile(
                QT_TRANSLATE_NOOP("Error", "This profile was made by a newer Hearthlight."),
                QT_TRANSLATE_NOOP("Error", "Update Hearthlight; nothing was changed."),
            )
        if found == migrations.head():
            return
        if not new and found is not None:
            self._copy_aside(profile, found)
        with self._writer.begin() as connection:
            migrations.upgrade(connection)

    def _copy_aside(self, profile: Profile, version: str) -> None:
        self.checkpoint()
        profile.backups.mkdir(mode=0o700, exist_ok=True)
        shutil.copy2(self.path, profile.backups / f"before-{version}.db")

    def _connect(self) -> Any:
        connection = sqlcipher.connect(
            str(self.path),
            isolation_level=None,
            check_same_thread=False,
            timeout=5,
            cached_statements=256,
        )
        spec = _hex_spec(self._dek)
        # set_key leaves no copy of the key in memory, PRAGMA key leaves up to four (measured).
        connection.set_key(spec)
        spec[:] = bytes(len(spec))
        cursor = connection.cursor()
        cursor.execute("PRAGMA cipher_log_level=NONE")
        cursor.execute("SELECT count(*) FROM sqlite_schema")  # a wrong key shows here
        version = cursor.execute("PRAGMA cipher_version").fetchone()[0].split()[0]
        if tuple(int(part) for part in version.split(".")[:2]) < _LEAST_CIPHER:
            raise RuntimeError(f"SQLCipher {version} is too old")
        if cursor.execute("PRAGMA cipher_status").fetchone()[0] != "1":
            raise RuntimeError("the store is not encrypted")
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
        return connection

    def _make_engine(self) -> sa.Engine:
        engine = sa.create_engine(
            "sqlite://",
            module=sqlcipher,
            creator=self._connect,
            poolclass=sa.pool.QueuePool,
            pool_size=_READERS,
            max_overflow=2,
            pool_use_lifo=True,  # the connection that wrote last is the one whose cache is right and warm
            hide_parameters=True,  # parameters are people's words
        )
        sa.event.listen(engine, "begin", join_transaction)
        sa.event.listen(engine, "before_execute", note_change)
        return engine

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one state of the file and writes nothing."""
        with _said(self.path), self._session("BEGIN") as session:
            yield session

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """A session that is committed when the block ends well, and rolled back when it does not.

        Listeners hear which tables changed, on this thread, after the commit is on disk.
        """
        with self._writing, _said(self.path), self._session("BEGIN IMMEDIATE") as session:
            yield session
            session.finish()
            tables = frozenset(session.changed)
        if tables:
            for listener in list(self._listeners):
                listener(tables)

    @contextlib.contextmanager
    def _session(self, begin: str) -> Iterator[Session]:
        session = Session(self._engine, self._engine.raw_connection())
        try:
            session.begin_at_once(begin)
            yield session
        except sqlcipher.Error:
            # After one bad page a connection may fail on every other: the next one does not.
            session.broken()
            raise
        finally:
            session.leave()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Hear of every change; the answer stops the hearing."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file and empty it."""
        with self._writing, _said(self.path), self._engine.connect() as connection:
            connection.connection.driver_connection.execute(  # type: ignore[union-attr]  # a live connection has one
                "PRAGMA wal_checkpoint(TRUNCATE)"
            ).fetchall()

    def integrity(self) -> list[str]:
        """What a full check of the cipher and of the tables finds wrong; empty when all is well."""
        with _said(self.path), self._engine.connect() as connection:
            raw = connection.connection.driver_connection
            assert raw is not None
            cipher = [str(row[0]) for row in raw.execute("PRAGMA cipher_integrity_check")]
            tables = [str(row[0]) for row in raw.execute("PRAGMA quick_check")]
        return cipher + [line for line in tables if line != "ok"]

    def close(self) -> None:
        """Empty the log into the file, let go of every connection, wipe the key."""
        try:
            self.checkpoint()
        except ForTheModerator:
            _log.warning("the log could not be emptied into the file; it will be at the next start")
        self._engine.dispose()
        self._dek[:] = bytes(len(self._dek))
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _alone(profile: Profile) -> filelock.BaseFileLock:
    """Hold the profile for this process, or say who holds it."""
    lock = filelock.FileLock(profile.lock, mode=0o600, thread_local=False)
    holder = profile.lock.with_suffix(".pid")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        try:
            who = holder.read_text("ascii").strip() or "?"
        except OSError:
            who = "?"
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "Hearthlight is already open on this profile (process {who})."),
            QT_TRANSLATE_NOOP("Error", "Use that window, close it, or name another profile."),
            who=who,
        ) from None
    except OSError as error:
        raise _not_writable(profile.folder) from error
    holder.write_text(str(os.getpid()), "ascii")
    return lock
