"""The driver of the encrypted file: its versions, a keyed connection, and its troubles in sentences.

Driver, pragmas and their reasons: docs/decisions/002-store.md. Only models may know this module.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import sqlalchemy as sa
import sqlcipher3.dbapi2 as sqlcipher

from moderator_app import keys
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.keys import Key

# SQLite before 3.51.3 can corrupt a WAL file with two connections; SQLCipher before 4.19 answers one
# damaged page with MemoryError for ever. A second package of the same name can shadow the right one.
_LEAST_SQLITE: Final = (3, 51, 3)
_LEAST_CIPHER: Final = (4, 19)
PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",  # an acknowledged commit survives a power cut; costs one fsync
    "foreign_keys=ON",
    "temp_store=MEMORY",
    "secure_delete=ON",
    "trusted_schema=OFF",
    "cell_size_check=ON",
    "journal_size_limit=67108864",
    "checkpoint_fullfsync=ON",
)
# Kilobytes of decrypted pages that a connection may keep: a page that it misses costs more than ten
# microseconds. What a screen asks fits into WARM, and what lanes ask meanwhile loses nothing with BESIDE.
WARM: Final = 36 * 1024
BESIDE: Final = 8 * 1024


# What a file that is only looked at must not do to itself.
_FOR_WRITING: Final = ("journal_mode", "synchronous", "journal_size_limit", "checkpoint_fullfsync")


class Damaged(ForTheModerator):
    """The file is there and the key is right, but a page does not check out."""

    mendable = True  # by recovering it, or by a backup


class DiskFull(ForTheModerator):
    """There is no room left: the transaction was rolled back, what was saved before stands."""

    def __init__(self) -> None:
        super().__init__(
            QT_TRANSLATE_NOOP("Error", "The disk is full, so nothing could be saved."),
            QT_TRANSLATE_NOOP("Error", "Free some space and do it again; nothing saved was lost."),
        )


class NotWritable(ForTheModerator):
    """The folder can be read only."""

    viewable = True  # the store can be opened for reading


def not_writable(folder: Path) -> ForTheModerator:
    return NotWritable(
        QT_TRANSLATE_NOOP("Error", "Hearthlight may not write in {folder}."),
        QT_TRANSLATE_NOOP("Error", "Check the folder's permissions, or choose another profile."),
        folder=folder,
    )


def trouble(error: BaseException, path: Path) -> ForTheModerator | None:
    """The sentence for a database error, or None where it is a bug of ours."""
    words = str(error).lower()
    if "disk is full" in words:
        return DiskFull()
    if "readonly" in words or "read-only" in words or "unable to open" in words:
        return not_writable(path.parent)
    if "locked" in words:
        return ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "Another program is holding the messages file."),
            QT_TRANSLATE_NOOP("Error", "Close backup or sync tools that use it, and try again."),
        )
    marks = ("not a database", "malformed", "corrupt", "hmac", "disk i/o error")
    if any(mark in words for mark in marks):
        return Damaged(
            QT_TRANSLATE_NOOP("Error", "The messages file is damaged: {path}."),
            QT_TRANSLATE_NOOP(
                "Error", "It was left as it is. Run hearthlight store recover, or restore a backup."
            ),
            path=path,
        )
    return None


@contextlib.contextmanager
def said(path: Path) -> Iterator[None]:
    """Turn database errors that a person can act on into sentences; let bugs through."""
    try:
        yield
    except (sa.exc.DBAPIError, sqlcipher.Error, MemoryError) as error:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        found = trouble(cause or error, path)
        if found is None:
            raise
        raise found from error


def driver() -> str:
    """The versions of the database driver, or a sentence where they are too old to be safe."""
    if sqlcipher.sqlite_version_info < _LEAST_SQLITE:
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "The database driver is too old ({found})."),
            QT_TRANSLATE_NOOP("Error", "Install Hearthlight again (make setup)."),
            found=sqlcipher.sqlite_version,
        )
    return f"SQLite {sqlcipher.sqlite_version} with SQLCipher"


def connect(path: Path, key: Key, *, read_only: bool = False, cache: int = WARM) -> Any:
    """A connection of the driver to one file, keyed and set up; the caller closes it.

    `read_only` opens a file that nothing writes meanwhile and leaves no trace beside it. A wrong key and a
    damaged first page raise the same `sqlcipher.DatabaseError`.
    """
    name = f"file:{quote(str(path))}?immutable=1" if read_only else str(path)
    connection = sqlcipher.connect(
        name,
        uri=read_only,
        isolation_level=None,
        check_same_thread=False,
        timeout=5,
        cached_statements=256,
    )
    try:
        _prepare(connection, key, read_only=read_only)
        connection.execute(f"PRAGMA cache_size=-{cache}")
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: Any, key: Key, *, read_only: bool) -> None:
    with key.bare() as plain:
        spec = keys.spec(plain)
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
    for pragma in PRAGMAS:
        if not (read_only and pragma.startswith(_FOR_WRITING)):
            cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
