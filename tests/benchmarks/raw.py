"""The same questions asked of the same file with the bare driver: the floor for the desk."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import sqlcipher3.dbapi2 as sqlcipher

from moderator_app import keys
from moderator_app.desk import search
from moderator_app.models import cipher

Row = tuple[Any, ...]

_CARDS: Final = """
    SELECT i.*, t.title, t.channel, p.name, p.handle, a.platform, m.kind, m.audience, m.lang,
      substr(m.body, 1, 280)
    FROM item i INDEXED BY ix_item_status
    LEFT JOIN thread t ON t.id = i.thread_id
    LEFT JOIN person p ON p.id = i.person_id
    LEFT JOIN account a ON a.id = i.account_id
    LEFT JOIN message m ON m.id = i.top_message_id
    WHERE i.status = 'open'
"""
_PAGE: Final = f"{_CARDS} AND (i.rank, i.due_at, i.id) > (?, ?, ?) ORDER BY i.rank, i.due_at, i.id LIMIT 100"
_OFFSET: Final = f"{_CARDS} ORDER BY i.rank, i.due_at, i.id LIMIT 100 OFFSET ?"
_JOINED: Final = """
    SELECT m.id, m.item_id, m.body, m.created_at FROM message_fts
    JOIN message m ON m.id = message_fts.rowid
    WHERE message_fts MATCH ? AND m.person_id = ? ORDER BY message_fts.rowid DESC LIMIT 50
"""
_SEARCH: Final = """
    SELECT m.id, m.item_id, m.body, m.created_at, p.name, p.handle, t.title
    FROM (SELECT rowid FROM message_fts WHERE message_fts MATCH ? ORDER BY rowid DESC LIMIT 50) hit
    JOIN message m ON m.id = hit.rowid
    LEFT JOIN person p ON p.id = m.person_id
    JOIN thread t ON t.id = m.thread_id
    ORDER BY m.id DESC
"""
_WEEK: Final = (
    "SELECT sum(n) FROM message_day WHERE day >= ? AND day < ?",
    "SELECT count(*) FROM week_person WHERE week = ?",
    "SELECT count(*) FROM week_thread WHERE week = ?",
    (
        "SELECT level, count(*), count(first_reply_at) FROM item"
        " WHERE waiting_since >= ? AND waiting_since < ? GROUP BY level"
    ),
)
_EARLIER: Final = """
    SELECT i.id, t.title, i.level, i.last_at, i.status
    FROM item i JOIN thread t ON t.id = i.thread_id
    WHERE i.person_id = ? ORDER BY i.last_at DESC LIMIT 12
"""
_ASSIGNED: Final = """
    INSERT INTO action
      (id, kind, state, who, at, account_id, item_id, detail, before, tries, trouble)
    VALUES (?, 'assign', 'done', ?, ?, 1, ?, '{}', '{}', 0, '')
"""
_RECORDED: Final = """
    INSERT INTO audit (at, who, what, target, detail, clock_back, hash) VALUES (?, ?, 'assign', ?, '{}', 0, ?)
"""
_DAY_MS: Final = 24 * 3600 * 1000


def connect(path: Path, dek: bytes | None) -> Any:
    """A bare connection with the key and the pragmas of the product; without a key for a plain file."""
    connection = sqlcipher.connect(str(path), isolation_level=None, cached_statements=256)
    if dek is not None:
        connection.set_key(keys.spec(bytearray(dek)))
    for pragma in (*cipher.PRAGMAS, f"cache_size=-{cipher.WARM}"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def plain_twin(path: Path, dek: bytes, twin: Path) -> None:
    """Write the same rows into a file that is not encrypted, by the same SQLite."""
    connection = connect(path, dek)
    connection.execute("ATTACH DATABASE ? AS twin KEY ''", (str(twin),))
    connection.execute("SELECT sqlcipher_export('twin')").fetchall()
    connection.execute("DETACH DATABASE twin")
    connection.close()


class Asker:
    """Asks with plain SQL and takes plain rows; makes nothing of them."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def _all(self, sql: str, *values: Any) -> list[Row]:
        rows: list[Row] = self.connection.execute(sql, values).fetchall()
        return rows

    def page(self, after: Row = (-1, 0, 0)) -> list[Row]:
        return self._all(_PAGE, *after)

    def offset(self, rows: int) -> list[Row]:
        """The page that begins after so many rows, as without a keyset."""
        return self._all(_OFFSET, rows)

    def badges(self) -> list[Row]:
        return self._all("SELECT status, level, n FROM item_count")

    def thread(self, item_id: int, limit: int = 200) -> list[Row]:
        """The newest messages of an item's conversation with their authors and cues."""
        rows = self._all(
            "SELECT m.*, p.name, p.handle FROM item i JOIN message m ON m.thread_id = i.thread_id"
            " LEFT JOIN person p ON p.id = m.person_id WHERE i.id = ?"
            " ORDER BY m.created_at DESC, m.id DESC LIMIT ?",
            item_id,
            limit,
        )
        marks = ",".join("?" * len(rows))
        cues = f"SELECT * FROM signal WHERE message_id IN ({marks})"
        return rows + self._all(cues, *(row[0] for row in rows))

    def person(self, person_id: int, since: int) -> list[Row]:
        facts = self._all("SELECT * FROM person WHERE id = ?", person_id)
        weeks = self._all(
            "SELECT created_at FROM message WHERE person_id = ? AND created_at > ?", person_id, since
        )
        earlier = self._all(
            _EARLIER,
            person_id,
        )
        return facts + weeks + earlier

    def find(self, words: str) -> list[Row]:
        return self._all(_SEARCH, search.expression(words))

    def find_joined(self, word: str, person_id: int) -> list[Row]:
        """What one person said with a word, without that person being a term of the index."""
        return self._all(_JOINED, word, person_id)

    def week(self, monday: int) -> list[Row]:
        """The counts of five weeks, as the summary compares them; `monday` counts days since 1970."""
        found = []
        for day in range(monday, monday - 35, -7):
            bounds = (
                (day, day + 7),
                ((day + 3) // 7,),
                ((day + 3) // 7,),
                (day * _DAY_MS, (day + 7) * _DAY_MS),
            )
            for statement, values in zip(_WEEK, bounds, strict=True):
                found += self._all(statement, *values)
        return found

    def assign(self, item_id: int, who: str, at: int) -> None:
        """A decision and its lines in the history and the record, in one commit."""
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.execute("UPDATE item SET assignee = ? WHERE id = ?", (who, item_id))
        self.connection.execute(_ASSIGNED, (uuid.uuid4().hex, who, at, item_id))
        self.connection.execute(_RECORDED, (at, who, f"item:{item_id}", uuid.uuid4().bytes))
        self.connection.execute("COMMIT")


class Copied:
    """Rows that the product stored after a moment, to be stored again with the bare driver."""

    TABLES: Final = ("person", "thread", "item", "message", "signal")

    def __init__(self, connection: Any, after: dict[str, int]) -> None:
        self.rows = {
            table: connection.execute(f"SELECT * FROM {table} WHERE id > ?", (after[table],)).fetchall()
            for table in self.TABLES
        }

    @classmethod
    def marks(cls, connection: Any) -> dict[str, int]:
        """The newest id of every table."""
        return {
            table: connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0]
            for table in cls.TABLES
        }

    def insert(self, connection: Any) -> int:
        """Insert everything in one transaction; answers how many messages that was."""
        connection.execute("BEGIN IMMEDIATE")
        for table, rows in self.rows.items():
            if rows:
                marks = ",".join("?" * len(rows[0]))
                connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
        connection.execute("COMMIT")
        return len(self.rows["message"])


def timed_open(path: Path, dek: bytes) -> Callable[[], list[Row]]:
    """Open the file and read the first page of the queue."""

    def work() -> list[Row]:
        connection = connect(path, dek)
        try:
            return Asker(connection).page()
        finally:
            connection.close()

    return work
