"""A session over a connection that is already in its transaction, and statements that go past the ORM.

SQLAlchemy builds every statement; where a screen waits or a thousand rows are written, the driver is asked
without its sessions, results and types, which cost more than SQLite's own work (docs/benchmarks).
"""

import functools
from collections.abc import Iterable, Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.pool import PoolProxiedConnection

_CHANGED: Final = "changed"


class _Compiler(SQLiteCompiler):
    """SQLAlchemy drops hints for SQLite; INDEXED BY is one that SQLite keeps or refuses the statement."""

    def get_from_hint_text(self, table: sa.FromClause, text: str | None) -> str | None:
        del table
        return text


_DIALECT: Final = sqlite.dialect()
_DIALECT.statement_compiler = _Compiler


class Session(orm.Session):
    """One transaction. The ORM takes part in it from its first use on; until then it costs nothing."""

    def __init__(self, engine: sa.Engine, pooled: PoolProxiedConnection) -> None:
        super().__init__(expire_on_commit=False)
        self._engine = engine
        self._pooled = pooled
        self._connection: sa.Connection | None = None

    def get_bind(self, *_: object, **__: object) -> sa.Connection:
        if self._connection is None:
            self._connection = sa.Connection(self._engine, self._pooled)
        return self._connection

    @property
    def driver(self) -> Any:
        """The driver's own connection."""
        return self._pooled.driver_connection

    def begin_at_once(self, how: str) -> None:
        """Begin on the driver; what the ORM does later is in this transaction."""
        self.driver.execute(how)
        self._pooled.info[_CHANGED] = set()

    @property
    def changed(self) -> set[str]:
        """The tables that this transaction has changed so far."""
        found: set[str] = self._pooled.info[_CHANGED]
        return found

    def finish(self) -> None:
        """Commit what the ORM and the driver were asked to write."""
        self.commit()
        if self.driver.in_transaction:
            self.driver.commit()

    def leave(self) -> None:
        """Let go of the connection; what was not committed is undone."""
        self.close()
        self._pooled.close()  # the pool rolls back

    def broken(self) -> None:
        """Never use this connection again."""
        self._pooled.invalidate()


def join_transaction(connection: sa.Connection) -> None:
    """For the engine's "begin": the driver may be in the transaction already."""
    raw: Any = connection.connection.driver_connection
    if not raw.in_transaction:
        raw.execute(connection.get_execution_options().get("begin", "BEGIN"))


def note_change(connection: sa.Connection, statement: object, *_: object) -> None:
    """For the engine's "before_execute": remember the changed table, so that it is announced."""
    if isinstance(statement, sa.UpdateBase):
        changed = connection.info.get(_CHANGED)
        if changed is not None:
            changed.add(statement.entity_description["table"].name)


def table(kind: type[orm.DeclarativeBase]) -> sa.Table:
    """The table of a model: the ORM takes no part in what is asked of it."""
    found = kind.__table__
    assert isinstance(found, sa.Table)
    return found


def given(name: str) -> sa.ColumnElement[Any]:
    """A value that is given with each asking."""
    return sa.literal_column(f":{name}")


def given_ids(name: str) -> sa.Select[Any]:
    """The ids of a list that is given as JSON: a statement that stays the same however many there are."""
    return sa.select(sa.func.json_each(given(name)).table_valued("value").c.value)


class Plain:
    """A Core statement that is put together once and asked of the driver.

    Values go in and out as the file has them: moments as whole milliseconds, enums as their values.
    """

    def __init__(self, statement: sa.Executable) -> None:
        self._statement = statement

    @functools.cached_property
    def sql(self) -> str:
        """Constants are written out: SQLite uses a partial index only where it can see its condition."""
        compiled = self._statement.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True})  # type: ignore[attr-defined]  # every statement of ours compiles
        return str(compiled)

    def rows(self, session: Session, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        session.flush()
        found: list[tuple[Any, ...]] = session.driver.execute(self.sql, values or {}).fetchall()
        return found

    def first(self, session: Session, values: Mapping[str, Any] | None = None) -> tuple[Any, ...] | None:
        session.flush()
        found: tuple[Any, ...] | None = session.driver.execute(self.sql, values or {}).fetchone()
        return found

    def write(self, session: Session, rows: Iterable[Mapping[str, Any]]) -> None:
        """Do it once for each row of values."""
        rows = list(rows)
        if not rows:
            return
        session.flush()
        session.changed.add(self._table)
        session.driver.executemany(self.sql, rows)

    @functools.cached_property
    def _table(self) -> str:
        assert isinstance(self._statement, sa.UpdateBase)
        name: str = self._statement.entity_description["table"].name
        return name


def adding(into: sa.Table, *columns: str) -> Plain:
    """The statement that adds rows with these columns to a table."""
    # Inline: SQLAlchemy would ask for each key back, which no statement for many rows can.
    return Plain(sa.insert(into).values({name: given(name) for name in columns}).inline())
