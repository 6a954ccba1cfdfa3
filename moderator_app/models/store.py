"""The encrypted file: open it, read it, write it, say what changed.

One SQLCipher file per workspace. Driver, pragmas and their reasons: docs/decisions/002-store.md. Only
this module creates engines and sessions; `write` holds a process-wide lock, so SQLite sees one writer.
"""

import contextlib
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Self

import filelock
import sqlalchemy as sa
import sqlcipher3.dbapi2 as sqlcipher
from sqlalchemy.engine.interfaces import ExceptionContext

from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.keys import Key
from moderator_app.models import cipher, copies, migrations, swap
from moderator_app.models.cipher import Damaged, not_writable, said
from moderator_app.models.reserve import Reserve
from moderator_app.models.session import Session, join_transaction, note_change
from moderator_app.paths import Profile

_log = logging.getLogger(__name__)

_BESIDE: Final = 3  # connections that are kept beside the warm one

Listener = Callable[[frozenset[str]], None]


class NewerFile(ForTheModerator):
    """The file was written by a newer version of the program."""


class ReadOnly(ForTheModerator):
    """The file was opened to be looked at; nothing can be recorded in it."""

    def __init__(self) -> None:
        super().__init__(
            QT_TRANSLATE_NOOP("Error", "This workspace is open for reading only."),
            QT_TRANSLATE_NOOP("Error", "Open it in the usual way to change anything."),
        )


class Store:
    """One open workspace. Close it before the program ends; it is safe to use from several threads."""

    def __init__(
        self, path: Path, key: Key, lock: filelock.BaseFileLock | None = None, reserve: Reserve | None = None
    ) -> None:
        cipher.driver()
        self.path = path
        self.read_only = False
        self._key = key
        self._lock = lock
        self._reserve = reserve
        self._writing = threading.Lock()
        self._next = threading.Lock()  # held while waiting to write: who comes again comes after
        self._guard = threading.Lock()
        self._live: set[Any] = set()  # the driver's connections, to be interrupted
        self._listeners: list[Listener] = []
        self._aside: tempfile.TemporaryDirectory[str] | None = None
        # Each connection decrypts and keeps pages of its own: one keeps many, and whoever comes alone has it.
        self._engine = self._make_engine(cipher.WARM, pool_size=1, max_overflow=0)
        self._writer = self._engine.execution_options(begin="BEGIN IMMEDIATE")
        self._taken = threading.Lock()
        self._beside = self._make_engine(cipher.BESIDE, pool_size=_BESIDE, max_overflow=2)

    @classmethod
    def open(cls, profile: Profile, dek: bytearray) -> Self:
        """Open the profile's store, alone; make it where it is new, bring it up to date where it is old.

        The key that is handed in is wiped: the store keeps it masked.
        """
        key = Key(dek)
        lock = alone(profile)
        try:
            return cls._open(profile, key, lock)
        except BaseException:
            key.wipe()
            lock.release()
            raise

    @classmethod
    def make(cls, path: Path, key: Key) -> None:
        """Make an empty store of today's shape at a path of its own; the key is wiped."""
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        store = cls(path, key)
        try:
            with store._writer.begin() as connection:
                migrations.upgrade(connection)
        finally:
            store.close()

    @classmethod
    def view(cls, profile: Profile, dek: bytearray) -> Self:
        """Open the profile's store to look at it, also where nothing may be written beside it.

        Nothing else may have it open. What a crash left in its log is read from a copy, because reading it
        in place would mean writing.
        """
        key = Key(dek)
        log = profile.store.with_name(profile.store.name + "-wal")
        path, aside = profile.store, None
        if log.exists() and log.stat().st_size:
            aside = tempfile.TemporaryDirectory(prefix="hearthlight-view-")  # still encrypted, and 0700
            for part in (profile.store, log):
                shutil.copyfile(part, Path(aside.name) / part.name)
            path = Path(aside.name) / profile.store.name
            with said(path), contextlib.closing(cipher.connect(path, key)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                connection.execute("PRAGMA journal_mode=DELETE").fetchall()
        store = cls(path, key)
        store.read_only, store._aside = True, aside
        try:
            store._refuse_unknown(store._version())
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def _open(cls, profile: Profile, key: Key, lock: filelock.BaseFileLock) -> Self:
        swap.finish(profile)
        new = not profile.store.exists()
        reserve = Reserve(profile.ballast)
        reserve.make_room_to_open()
        with said(profile.store):
            if new:
                # Made by us first, so that nobody else can read even the empty file.
                descriptor = os.open(profile.store, os.O_CREAT | os.O_RDWR, 0o600)
                os.close(descriptor)
            elif not os.access(profile.store, os.W_OK) or not os.access(profile.folder, os.W_OK):
                raise sqlcipher.OperationalError("attempt to write a readonly database")
            store = cls(profile.store, key, lock, reserve)
            try:
                store.migrate(profile, new=new)
            except BaseException:
                store._dispose()
                raise
        return store

    def migrate(self, profile: Profile, *, new: bool) -> None:
        """Bring the schema to this version's; an older file is copied first, a newer one refused."""
        found = self._version()
        self._refuse_unknown(found)
        if found == migrations.head():
            return
        if not new and found is not None:
            self._copy_aside(profile, found)
        with self._writer.begin() as connection:
            migrations.upgrade(connection)

    def _version(self) -> str | None:
        with said(self.path), self._connected() as connection:
            return migrations.version(connection)

    @staticmethod
    def _refuse_unknown(found: str | None) -> None:
        if found is not None and not migrations.known(found):
            raise NewerFile(
                QT_TRANSLATE_NOOP("Error", "This profile was made by a newer Hearthlight."),
                QT_TRANSLATE_NOOP("Error", "Update Hearthlight; nothing was changed."),
            )

    def _copy_aside(self, profile: Profile, version: str) -> None:
        """Keep the file as it is before its shape changes, and open the copy before trusting it."""
        self.checkpoint()
        copies.check(swap.put_aside(profile, f"before-{version}", link=False), self._key)

    def _make_engine(self, cache: int, *, pool_size: int, max_overflow: int) -> sa.Engine:
        def connect() -> Any:
            connection = cipher.connect(self.path, self._key, read_only=self.read_only, cache=cache)
            # The words of the search index, for who asks which of them begin so.
            connection.execute(
                "CREATE VIRTUAL TABLE temp.search_words USING fts5vocab('main', 'message_fts', 'instance')"
            )
            with self._guard:
                self._live.add(connection)
            return connection

        engine = sa.create_engine(
            "sqlite://",
            module=sqlcipher,
            creator=connect,
            poolclass=sa.pool.QueuePool,
            pool_size=pool_size,
            max_overflow=max_overflow,
            pool_use_lifo=True,  # the connection that wrote last is the one whose cache is right and warm
            hide_parameters=True,  # parameters are people's words
        )

        path = self.path

        def failed(context: ExceptionContext) -> None:
            # ORM mappers keep the dialect, which keeps this: a store held here would stay for good.
            # After one damaged page a connection fails on every other page, too: the next one does not.
            trouble = cipher.trouble(context.original_exception, path)
            if isinstance(trouble, Damaged):
                context.is_disconnect, context.invalidate_pool_on_disconnect = True, False

        def closed(connection: Any, _: object) -> None:
            with self._guard:
                self._live.discard(connection)

        sa.event.listen(engine, "handle_error", failed)
        sa.event.listen(engine, "close", closed)
        sa.event.listen(engine, "begin", join_transaction)
        sa.event.listen(engine, "before_execute", note_change)
        return engine

    @contextlib.contextmanager
    def _free(self) -> Iterator[sa.Engine]:
        """The engine of the warm connection where nobody has it; of those beside it otherwise."""
        alone = self._taken.acquire(blocking=False)
        try:
            yield self._engine if alone else self._beside
        finally:
            if alone:
                self._taken.release()

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        with self._free() as engine, engine.connect() as connection:
            yield connection

    def _dispose(self) -> None:
        self._engine.dispose()
        self._beside.dispose()

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one state of the file and writes nothing."""
        with said(self.path), self._session("BEGIN") as session:
            yield session

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """A session that is committed when the block ends well, and rolled back when it does not.

        Listeners hear which tables changed, on this thread, after the commit is on disk.
        """
        if self.read_only:
            raise ReadOnly
        with self._in_turn(), said(self.path), self._session("BEGIN IMMEDIATE") as session:
            yield session
            session.finish()
            tables = frozenset(session.changed)
        if tables:
            for listener in list(self._listeners):
                listener(tables)

    @contextlib.contextmanager
    def _in_turn(self) -> Iterator[None]:
        """Hold the lock of the one writer; a long run of small steps does not overtake who waits."""
        with self._next:
            self._writing.acquire()
        try:
            yield
        finally:
            self._writing.release()

    @contextlib.contextmanager
    def _session(self, begin: str) -> Iterator[Session]:
        with self._free() as engine:
            session = Session(engine, engine.raw_connection())
            try:
                session.begin_at_once(begin)
                yield session
            except (sqlcipher.Error, MemoryError):
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
        with self._in_turn(), said(self.path), self._connected() as connection:
            connection.connection.driver_connection.execute(  # type: ignore[union-attr]  # a live connection has one
                "PRAGMA wal_checkpoint(TRUNCATE)"
            ).fetchall()

    def integrity(self, *, thorough: bool = True) -> list[str]:
        """What is wrong with the file; empty when all is well.

        Every page is checked against its seal; `thorough` also checks tables, indexes and search, which
        takes about a minute for a million messages.
        """
        with said(self.path), self._connected() as connection:
            raw = connection.connection.driver_connection
            assert raw is not None
            wrong = [str(row[0]) for row in raw.execute("PRAGMA cipher_integrity_check")]
            if wrong or not thorough:
                return wrong
            wrong = [row[0] for row in raw.execute("PRAGMA quick_check") if row[0] != "ok"]
            if not wrong and not self.read_only:
                try:
                    raw.execute("INSERT INTO message_fts(message_fts) VALUES ('integrity-check')")
                except sqlcipher.DatabaseError as error:
                    wrong = [f"the search index does not fit the messages ({error})"]
        return wrong

    def stats(self) -> dict[str, Any]:
        """Rows of each table that a person cares for, bytes of the file and its log, versions."""
        with said(self.path), self._connected() as connection:
            rows = copies.contents(connection.connection.driver_connection)
            schema = migrations.version(connection)
        log = self.path.with_name(self.path.name + "-wal")
        size = self.path.stat().st_size + (log.stat().st_size if log.exists() else 0)
        return {"rows": rows, "bytes": size, "schema": schema, "driver": cipher.driver()}

    def interrupt(self) -> None:
        """Stop every question and change that is under way: each raises, and nothing of it is kept."""
        with self._guard:
            for connection in self._live:
                connection.interrupt()

    # ------------------------------------------------------------------ room on the disk

    @property
    def short_of_room(self) -> bool:
        """Whether the reserve had to be spent: only what a person does is recorded now."""
        return self._reserve is not None and self._reserve.spent

    def keep_reserve(self) -> bool:
        """Set disk space aside for the day when there is none; false where there is too little."""
        return self._reserve is not None and self._reserve.fill()

    def spend_reserve(self) -> bool:
        """Give the reserve to the moderator's work; false where there was none."""
        return self._reserve is not None and self._reserve.spend()

    def close(self) -> None:
        """Empty the log into the file, let go of every connection, wipe the key."""
        if not self.read_only:
            try:
                self.checkpoint()
            except ForTheModerator:
                _log.warning("the log could not be emptied into the file; it will be at the next start")
        self._dispose()
        if self._aside is not None:
            self._aside.cleanup()
        self._key.wipe()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def alone(profile: Profile) -> filelock.BaseFileLock:
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
        raise not_writable(profile.folder) from error
    descriptor = os.open(holder, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(str(os.getpid()))
    return lock
