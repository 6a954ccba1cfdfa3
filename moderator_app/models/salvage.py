"""Save what can be read of a damaged store into a new one, and say what is lost.

A page that does not check out costs the rows on it and no other: rows are asked for in ranges, a range that
fails is halved until only what cannot be read is left out. What pointed to a lost row gets an empty one in
its place, so that no message loses its conversation and no conversation its place in the queue.
"""

import contextlib
import os
import shutil
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import sqlcipher3.dbapi2 as sqlcipher

from moderator_app.errors import QT_TRANSLATE_NOOP, Cancelled, ForTheModerator
from moderator_app.keys import Key
from moderator_app.models import cipher, copies
from moderator_app.models.base import Base
from moderator_app.models.copies import Asked, Tell, never, quiet

_CHUNK: Final = 512  # rows asked for at once
_MISSING: Final = 64 * 2**30  # bytes that a cut file may lack; they take no space
_FAR: Final = 2**62
_STEPS: Final = 40  # doublings of the look ahead: a thousand thousand millions of rows


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What was saved, and of which table at most how many rows are lost."""

    saved: dict[str, int]
    lost: dict[str, int] = field(default_factory=dict)
    placed: dict[str, int] = field(default_factory=dict)  # empty rows put where others pointed to


class _Source:
    """A damaged file. After one bad page a connection fails for every other, so each failure costs one."""

    def __init__(self, path: Path, key: Key, spare: Path) -> None:
        self._path, self._key, self._spare = path, key, spare
        try:
            self._connection = self._connect()
        except (sqlcipher.Error, MemoryError):
            self._path = self._lengthened()
            self._connection = self._first_connection(path)

    def _connect(self) -> Any:
        return cipher.connect(self._path, self._key, read_only=True)

    def _lengthened(self) -> Path:
        """A file that was cut short does not open at all; a copy with empty pages at its end does."""
        shutil.copyfile(self._path, self._spare)
        self._spare.chmod(0o600)
        os.truncate(self._spare, self._spare.stat().st_size + _MISSING)
        return self._spare

    def _first_connection(self, original: Path) -> Any:
        try:
            return self._connect()
        except (sqlcipher.Error, MemoryError) as error:
            self._spare.unlink()
            raise ForTheModerator(
                QT_TRANSLATE_NOOP("Error", "The beginning of {path} is damaged: nothing can be read."),
                QT_TRANSLATE_NOOP("Error", "Restore a backup: hearthlight store restore."),
                path=original,
            ) from error

    def ask(self, sql: str, *values: Any) -> list[tuple[Any, ...]] | None:
        """The rows; None where a page on the way is damaged."""
        try:
            found: list[tuple[Any, ...]] = self._connection.execute(sql, values).fetchall()
        except (sqlcipher.Error, MemoryError):
            with contextlib.suppress(sqlcipher.Error):
                self._connection.close()
            self._connection = self._connect()
            return None
        return found

    def stream(self, sql: str) -> Iterator[list[tuple[Any, ...]] | None]:
        """Rows by the chunk, and None where a page on the way is damaged."""
        try:
            cursor = self._connection.execute(sql)
            while rows := cursor.fetchmany(_CHUNK):
                yield rows
        except (sqlcipher.Error, MemoryError):
            with contextlib.suppress(sqlcipher.Error):
                self._connection.close()
            self._connection = self._connect()
            yield None

    def close(self) -> None:
        self._connection.close()
        self._spare.unlink(missing_ok=True)


def salvage(
    path: Path,
    key: Key,
    target: Path,
    make: Callable[[Path], None],
    tell: Tell = quiet,
    cancelled: Asked = never,
) -> Salvaged:
    """Fill a new store with all that can be read of a damaged one that nobody has open.

    `make` makes an empty store of today's shape at a path, under the same key. The damaged file is not
    touched.
    """
    source = _Source(path, key, target.with_name(f"{target.name}.spare"))
    make(target)
    saved: dict[str, int] = {}
    lost: dict[str, int] = {}
    with cipher.said(target), contextlib.closing(cipher.connect(target, key)) as new:
        _without_rules(new)
        tables = [table.name for table in Base.metadata.sorted_tables if table.name not in _COUNTS]
        try:
            for done, table in enumerate(tables):
                tell(done, len(tables) + 1)
                saved[table], lost[table] = _table(source, new, table, cancelled)
        finally:
            source.close()
        placed = _mend(new)
        tell(len(tables), len(tables) + 1)
        _with_rules(new)
        new.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    copies.check(target, key, thorough=True)
    some = {table: count for table, count in lost.items() if count}
    return Salvaged(saved, some, {table: count for table, count in placed.items() if count})


def _without_rules(new: Any) -> None:
    """Rows come in any order, and counters and search are made anew at the end."""
    new.execute("PRAGMA foreign_keys=OFF")
    new.execute("CREATE TEMP TABLE kept AS SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
    for (name,) in new.execute("SELECT name FROM kept").fetchall():
        new.execute(f'DROP TRIGGER "{name}"')
    for table in Base.metadata.sorted_tables:
        new.execute(f"DELETE FROM {table.name}")  # noqa: S608 - names of ours


def _with_rules(new: Any) -> None:
    new.execute("INSERT INTO message_fts(message_fts) VALUES ('rebuild')")
    for (sql,) in new.execute("SELECT sql FROM kept").fetchall():
        new.execute(sql)
    new.execute("DROP TABLE kept")


def _columns(source: _Source, table: str) -> list[str]:
    """The columns that both files have: the damaged one may be of an older version."""
    there = {row[1] for row in source.ask(f"PRAGMA table_info({table})") or ()}
    return [column.name for column in Base.metadata.tables[table].columns if column.name in there]


def _table(source: _Source, new: Any, table: str, cancelled: Asked) -> tuple[int, int]:
    columns = [f'"{name}"' for name in _columns(source, table)]
    if not columns:
        return 0, 0
    if not Base.metadata.tables[table].dialect_options["sqlite"]["with_rowid"]:
        return _by_key(source, new, table, columns)
    marks = ", ".join("?" * (len(columns) + 1))
    insert = f"INSERT OR IGNORE INTO {table} (rowid, {', '.join(columns)}) VALUES ({marks})"  # noqa: S608
    select = f"SELECT rowid, {', '.join(columns)} FROM {table}"  # noqa: S608 - names of ours
    saved = lost = 0
    new.execute("BEGIN IMMEDIATE")
    for rows, unreadable in _ranges(source, table, select):
        if cancelled():
            new.execute("ROLLBACK")
            raise Cancelled
        kept = new.executemany(insert, rows).rowcount if rows else 0
        saved, lost = saved + kept, lost + unreadable + len(rows) - kept
    new.execute("COMMIT")
    return saved, lost


def _by_key(source: _Source, new: Any, table: str, columns: list[str]) -> tuple[int, int]:
    """A table that is ordered by its key: read from both ends until a page that cannot be read."""
    names = ", ".join(columns)
    key = ", ".join(f'"{column.name}"' for column in Base.metadata.tables[table].primary_key)
    insert = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
    ways = (key, ", ".join(f"{part} DESC" for part in key.split(", ")))
    new.execute("BEGIN IMMEDIATE")
    saved, lost = 0, 0
    for way in ways:
        lost = 0
        for rows in source.stream(f"SELECT {names} FROM {table} ORDER BY {way}"):  # noqa: S608 - names of ours
            if rows is None:
                lost = 1  # how many more, nobody can say
                break
            saved += new.executemany(insert, rows).rowcount
        if not lost:
            break
    new.execute("COMMIT")
    return saved, lost


def _ranges(source: _Source, table: str, select: str) -> Iterator[tuple[list[tuple[Any, ...]], int]]:
    """All rows that can be read, in ranges, each with how many beside them cannot."""
    after, known = 0, _numbers(source, table)  # ours begin at one
    while True:
        rows = source.ask(f"{select} WHERE rowid > ? ORDER BY rowid LIMIT ?", after, _CHUNK)
        if rows is None:
            end, beyond = _next_end(source, table, after, known)
            if end >= _FAR:
                yield [], beyond
                return
            yield from _halves(source, select, after + 1, end, known)
            after = end
            continue
        if not rows:
            return
        yield rows, 0
        after = rows[-1][0]


def _numbers(source: _Source, table: str) -> list[int] | None:
    """The numbers of all rows as an index holds them; None where no whole index does.

    Indexes lie on pages of their own, so that they know which rows a damaged page of the table held.
    """
    for row in source.ask(f"PRAGMA index_list({table})") or ():
        name, partial = row[1], row[4]
        if partial:
            continue
        found = source.ask(f'SELECT rowid FROM {table} INDEXED BY "{name}"')  # noqa: S608 - names of ours
        if found is not None:
            return sorted(number for (number,) in found)
    return None


def _next_end(source: _Source, table: str, after: int, known: list[int] | None) -> tuple[int, int]:
    """Where the range ends that could not be read, and how many rows beyond it cannot be reached at all."""
    if known is not None:
        later = known[bisect_right(known, after) :]
        return (later[min(_CHUNK, len(later)) - 1] if later else _FAR), 0
    # No index says which rows there are: look further and further ahead for one that can be read.
    ask = f"SELECT rowid FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT 1"  # noqa: S608 - names of ours
    for step in range(_STEPS):
        rows = source.ask(ask, after + (1 << step))
        if rows:
            return rows[0][0] - 1, 0
        if rows is not None:
            return after + (1 << step), 0  # the end of the table
    found = source.ask("SELECT seq FROM sqlite_sequence WHERE name = ?", table)
    return _FAR, max(1, found[0][0] - max(after, 0)) if found else 1


def _halves(
    source: _Source, select: str, begin: int, end: int, known: list[int] | None
) -> Iterator[tuple[list[tuple[Any, ...]], int]]:
    if known is not None:
        # Only numbers that exist are worth a question: each failure costs a new connection.
        inside = known[bisect_left(known, begin) : bisect_right(known, end)]
        if not inside:
            return
        begin, end, middle = inside[0], inside[-1], inside[(len(inside) - 1) // 2]
    else:
        middle = (begin + end) // 2
    rows = source.ask(f"{select} WHERE rowid BETWEEN ? AND ? ORDER BY rowid", begin, end)
    if rows is not None:
        yield rows, 0
    elif begin >= end:
        yield [], 1
    else:
        yield from _halves(source, select, begin, middle, known)
        yield from _halves(source, select, middle + 1, end, known)


_MEND: Final = (
    (
        "account",
        """
    INSERT INTO account (id, platform, external_id, handle, name, vault_key, form, abilities, health,
      skipped, removed_at)
    SELECT DISTINCT account_id, 'archive', 'recovered:' || account_id, 'recovered', '', '', '{}', '{}',
      'new', 0, 0
    FROM (SELECT account_id FROM message UNION SELECT account_id FROM thread
      UNION SELECT account_id FROM person UNION SELECT account_id FROM item)
    WHERE account_id NOT IN (SELECT id FROM account)
    """,
    ),
    (
        "person",
        """
    INSERT INTO person (id, account_id, external_id, handle, name, first_seen, last_seen)
    SELECT person_id, min(account_id), 'recovered:' || person_id, '', '', min(at), max(at)
    FROM (SELECT person_id, account_id, created_at AS at FROM message WHERE person_id IS NOT NULL
      UNION ALL SELECT person_id, account_id, last_at FROM item)
    WHERE person_id NOT IN (SELECT id FROM person) GROUP BY person_id
    """,
    ),
    (
        "thread",
        """
    INSERT INTO thread (id, account_id, external_id, title, channel, last_at)
    SELECT thread_id, min(account_id), 'recovered:' || thread_id, '', '', max(at)
    FROM (SELECT thread_id, account_id, created_at AS at FROM message
      UNION ALL SELECT thread_id, account_id, last_at FROM item)
    WHERE thread_id NOT IN (SELECT id FROM thread) GROUP BY thread_id
    """,
    ),
    # A lost item comes back as open work at the level of its worst message: nobody is lost in a queue.
    (
        "item",
        """
    INSERT INTO item (id, account_id, thread_id, person_id, level, rank, pending, status, new_messages,
      top_message_id, waiting_since, due_at, last_at, lowered_through, assignee, escalated_to, outcome)
    SELECT item_id, account_id, thread_id, person_id, coalesce(min(level), 1), coalesce(min(level), 1),
      sum(read_v IS NULL), 'open', count(*), max(id), min(created_at), min(created_at), max(created_at),
      0, '', '', ''
    FROM message WHERE item_id IS NOT NULL AND item_id NOT IN (SELECT id FROM item)
    GROUP BY item_id
    """,
    ),
)
_POINTERS: Final = (
    ("action", "account_id", "account"),
    ("action", "item_id", "item"),
    ("action", "message_id", "message"),
    ("message", "item_id", "item"),
    ("item", "top_message_id", "message"),
)
_ORPHANS: Final = (
    ("signal", "message_id", "message"),
    ("revision", "message_id", "message"),
    ("enclosed", "message_id", "message"),
    ("person_link", "person_id", "person"),
    ("cursor", "account_id", "account"),
)


# What triggers keep is counted anew: it is derived, and rows may be lost.
_COUNTS: Final = ("item_count", "message_day", "week_thread", "week_person")
_WEEK: Final = "(created_at / 86400000 + 3) / 7"
_COUNT_AGAIN: Final = (
    "INSERT INTO item_count SELECT status, level, count(*) FROM item GROUP BY 1, 2",
    """
    INSERT INTO message_day SELECT created_at / 86400000, account_id, coalesce(level, -1), count(*)
    FROM message WHERE NOT ours GROUP BY 1, 2, 3
    """,
    f"""
    INSERT INTO week_thread SELECT {_WEEK}, thread_id, count(*) FROM message WHERE NOT ours GROUP BY 1, 2
    """,  # noqa: S608 - a constant
    f"""
    INSERT INTO week_person SELECT {_WEEK}, coalesce(person_id, 0), count(*) FROM message WHERE NOT ours
    GROUP BY 1, 2
    """,  # noqa: S608 - a constant
    *(
        f"UPDATE {table} SET messages = (SELECT count(*) FROM message WHERE {table}_id = {table}.id)"  # noqa: S608 - ours
        for table in ("thread", "person", "account")
    ),
)


def _mend(new: Any) -> dict[str, int]:
    """Give everything that points somewhere something to point to; answer how many rows that took."""
    new.execute("BEGIN IMMEDIATE")
    placed = {table: new.execute(sql).rowcount for table, sql in _MEND}
    placed["item"] += _homes(new)
    for table, column, parent in _POINTERS:
        new.execute(
            f"UPDATE {table} SET {column} = NULL"  # noqa: S608 - names of ours
            f" WHERE {column} IS NOT NULL AND {column} NOT IN (SELECT id FROM {parent})"
        )
    for table, column, parent in _ORPHANS:
        new.execute(f"DELETE FROM {table} WHERE {column} NOT IN (SELECT id FROM {parent})")  # noqa: S608
    for sql in _COUNT_AGAIN:
        new.execute(sql)
    new.execute("COMMIT")
    return placed


def _homes(new: Any) -> int:
    """A moderator's notes and drafts whose conversation is lost whole get an empty one to be found in."""
    homeless = new.execute(
        "SELECT item_id, max(person_id) FROM (SELECT item_id, person_id FROM note"
        " UNION ALL SELECT item_id, NULL FROM draft) WHERE item_id NOT IN (SELECT id FROM item)"
        " GROUP BY item_id"
    ).fetchall()
    for item, person in homeless:
        account, at = new.execute("SELECT min(id), strftime('%s', 'now') * 1000 FROM account").fetchone()
        name = f"recovered:item:{item}"
        thread = new.execute(
            "INSERT INTO thread (account_id, external_id, title, channel, last_at) VALUES (?, ?, '', '', ?)",
            (account, name, at),
        ).lastrowid
        new.execute(
            "INSERT OR IGNORE INTO person (id, account_id, external_id, handle, name, first_seen, last_seen)"
            " VALUES (?, ?, ?, '', '', ?, ?)",
            (person, account, name, at, at),
        )
        (found,) = new.execute(
            "SELECT coalesce(?, (SELECT id FROM person WHERE external_id = ?))", (person, name)
        ).fetchone()
        new.execute(
            "INSERT INTO item (id, account_id, thread_id, person_id, level, rank, pending, status,"
            " new_messages, waiting_since, due_at, last_at, lowered_through, assignee, escalated_to, outcome)"
            " VALUES (?, ?, ?, ?, 1, 1, 0, 'open', 0, ?, ?, ?, 0, '', '', '')",
            (item, account, thread, found, at, at, at),
        )
    return len(homeless)
