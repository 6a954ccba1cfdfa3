"""Whole copies of a store: made under another key while it is in use, and looked through before trusted."""

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlcipher3.dbapi2 as sqlcipher

from moderator_app import durable, keys
from moderator_app.errors import QT_TRANSLATE_NOOP, Cancelled
from moderator_app.keys import Key
from moderator_app.models import cipher
from moderator_app.models.cipher import Damaged, said

Tell = Callable[[int, int], None]  # how far, of how much
Asked = Callable[[], bool]  # whether to stop

_STEPS: Final = 50_000  # of SQLite's machine between two looks at the progress: about every 20 ms
_COUNTED: Final = ("account", "message", "item", "action", "note", "draft", "person", "thread", "audit")


def quiet(done: int, total: int) -> None:
    """Tell nobody."""
    del done, total


def never() -> bool:
    """Nobody asks to stop."""
    return False


@dataclass(frozen=True, slots=True)
class Contents:
    """What a store holds: rows of each table, bytes of the file."""

    rows: dict[str, int]
    bytes: int


def contents(connection: Any) -> dict[str, int]:
    """How many rows the tables have that matter to a person."""
    known = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    return {
        table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - names of ours
        for table in _COUNTED
        if table in known
    }


def copy(
    source: Path,
    key: Key,
    target: Path,
    target_key: Key,
    tell: Tell = quiet,
    cancelled: Asked = never,
) -> Contents:
    """Copy one state of a store into a new file under another key; on disk when this returns.

    The store may be in use: readers and the writer go on. A copy that was stopped leaves no file.
    """
    target.unlink(missing_ok=True)
    os.close(os.open(target, os.O_CREAT | os.O_RDWR, 0o600))
    try:
        with said(source), contextlib.closing(cipher.connect(source, key)) as connection:
            found = _export(connection, target, target_key, tell, cancelled)
        durable.sync(target)
        durable.sync_folder(target.parent)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return Contents(found, target.stat().st_size)


def _export(connection: Any, target: Path, target_key: Key, tell: Tell, cancelled: Asked) -> dict[str, int]:
    # SQLCipher answers the size of a page as text.
    pages, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    total, stopped = int(pages) * int(size), False

    def looked() -> int:
        nonlocal stopped
        tell(min(total, target.stat().st_size), total)
        stopped = cancelled()
        return int(stopped)

    with target_key.bare() as plain:
        spec = keys.spec(plain)
    connection.execute("ATTACH DATABASE ? AS copy KEY ?", (str(target), bytes(spec)))
    spec[:] = bytes(len(spec))
    # The file is synced as a whole at the end; until then it is not a copy, so it needs no journal.
    connection.execute("PRAGMA copy.journal_mode=OFF").fetchall()
    connection.execute("PRAGMA copy.synchronous=OFF").fetchall()
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute("BEGIN")
    connection.set_progress_handler(looked, _STEPS)
    try:
        found = contents(connection)
        connection.execute("SELECT sqlcipher_export('copy')").fetchall()
        connection.execute("COMMIT")
    except sqlcipher.OperationalError as error:
        if stopped:
            raise Cancelled from error
        raise
    finally:
        connection.set_progress_handler(None, 0)
    connection.execute("DETACH DATABASE copy")
    return found


def check(path: Path, key: Key, *, thorough: bool = False) -> Contents:
    """Open a copy that nothing uses and look it through: every page, and what it holds.

    Raises `Damaged` where a page is not what was written. `thorough` also checks the order of every table
    and index, which takes some times longer.
    """
    with said(path), contextlib.closing(cipher.connect(path, key, read_only=True)) as connection:
        wrong = connection.execute("PRAGMA cipher_integrity_check").fetchall()
        if thorough and not wrong:
            wrong = [row for row in connection.execute("PRAGMA quick_check") if row[0] != "ok"]
        if wrong:
            raise Damaged(
                QT_TRANSLATE_NOOP("Error", "{name} has {count} damaged places."),
                QT_TRANSLATE_NOOP("Error", "Use another backup; this one was left as it is."),
                name=path.name,
                count=len(wrong),
            )
        return Contents(contents(connection), path.stat().st_size)
