"""Counts that are kept as messages come and go, indexes that hold only what is asked, and whole search pages.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

# ruff: noqa: S608 - the statements are put together of our own names, never of data

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None

_DAY = 86_400_000
# Which week a moment is in: weeks begin on Monday, and 1970 began on a Thursday.
_WEEK_OF = "({at} / 86400000 + 3) / 7"


def _more(table: str, key: str, values: str) -> str:
    return f"""
      INSERT INTO {table}({key}, n) VALUES ({values}, 1) ON CONFLICT({key}) DO UPDATE SET n = n + 1;
    """


def _fewer(table: str, condition: str) -> str:
    # A count that has come down to nothing goes: it would say that somebody once wrote.
    return f"""
      UPDATE {table} SET n = n - 1 WHERE {condition};
      DELETE FROM {table} WHERE {condition} AND n <= 0;
    """


def _day_came(row: str) -> str:
    values = f"{row}.created_at / {_DAY}, {row}.account_id, coalesce({row}.level, -1)"
    return _more("message_day", "day, account_id, level", values)


def _day_went(row: str) -> str:
    condition = f"""day = {row}.created_at / {_DAY} AND account_id = {row}.account_id
        AND level = coalesce({row}.level, -1)"""
    return _fewer("message_day", condition)


def _came(row: str) -> str:
    week = _WEEK_OF.format(at=f"{row}.created_at")
    return (
        _day_came(row)
        + _more("week_thread", "week, thread_id", f"{week}, {row}.thread_id")
        + _more("week_person", "week, person_id", f"{week}, coalesce({row}.person_id, 0)")
    )


def _went(row: str) -> str:
    week = _WEEK_OF.format(at=f"{row}.created_at")
    return (
        _day_went(row)
        + _fewer("week_thread", f"week = {week} AND thread_id = {row}.thread_id")
        + _fewer("week_person", f"week = {week} AND person_id = coalesce({row}.person_id, 0)")
    )


def _totals(row: str, sign: str) -> str:
    return f"""
      UPDATE thread SET messages = messages {sign} 1 WHERE id = {row}.thread_id;
      UPDATE person SET messages = messages {sign} 1 WHERE id = {row}.person_id;
      UPDATE account SET messages = messages {sign} 1 WHERE id = {row}.account_id;
    """


_PLACE = ("account_id", "thread_id", "person_id", "created_at", "ours")
_OLD, _NEW = (", ".join(f"{row}.{column}" for column in _PLACE) for row in ("old", "new"))
_UPDATE = f"AFTER UPDATE OF {', '.join(_PLACE)}, level ON message"
_TRIGGERS = (
    f"CREATE TRIGGER message_total_insert AFTER INSERT ON message BEGIN {_totals('new', '+')} END",
    f"CREATE TRIGGER message_total_delete AFTER DELETE ON message BEGIN {_totals('old', '-')} END",
    f"""
    CREATE TRIGGER message_total_update AFTER UPDATE OF account_id, thread_id, person_id ON message
    BEGIN {_totals("old", "-")} {_totals("new", "+")} END
    """,
    f"CREATE TRIGGER message_week_insert AFTER INSERT ON message WHEN NOT new.ours BEGIN {_came('new')} END",
    f"CREATE TRIGGER message_week_delete AFTER DELETE ON message WHEN NOT old.ours BEGIN {_went('old')} END",
    f"""
    CREATE TRIGGER message_week_left {_UPDATE}
    WHEN NOT old.ours AND ({_OLD}) IS NOT ({_NEW}) BEGIN {_went("old")} END
    """,
    f"""
    CREATE TRIGGER message_week_joined {_UPDATE}
    WHEN NOT new.ours AND ({_OLD}) IS NOT ({_NEW}) BEGIN {_came("new")} END
    """,
    # Every message that is read gets a level: that changes one count only.
    f"""
    CREATE TRIGGER message_week_level {_UPDATE}
    WHEN NOT new.ours AND ({_OLD}) IS ({_NEW}) AND old.level IS NOT new.level
    BEGIN {_day_went("old")} {_day_came("new")} END
    """,
)
_COUNTED = (
    f"""
    INSERT INTO message_day(day, account_id, level, n)
      SELECT created_at / {_DAY}, account_id, coalesce(level, -1), count(*) FROM message
      WHERE NOT ours GROUP BY 1, 2, 3
    """,
    f"""
    INSERT INTO week_thread(week, thread_id, n)
      SELECT {_WEEK_OF.format(at="created_at")}, thread_id, count(*) FROM message
      WHERE NOT ours GROUP BY 1, 2
    """,
    f"""
    INSERT INTO week_person(week, person_id, n)
      SELECT {_WEEK_OF.format(at="created_at")}, coalesce(person_id, 0), count(*) FROM message
      WHERE NOT ours GROUP BY 1, 2
    """,
    *(
        f"""
        UPDATE {table} SET messages = found.n
          FROM (SELECT {table}_id AS id, count(*) AS n FROM message GROUP BY 1) found
          WHERE {table}.id = found.id
        """
        for table in ("thread", "person", "account")
    ),
)
# SQLite ends every index with the row's id: naming it again stored it twice.
_INDEXES = (
    ("ix_message_thread", "message", ("thread_id", "created_at"), None),
    ("ix_message_person", "message", ("person_id", "created_at"), None),
    ("ix_message_item", "message", ("item_id",), None),
    ("ix_message_week", "message", ("created_at",), None),
    ("ix_item_level", "item", ("level", "rank", "due_at"), "status = 'open'"),
    ("ix_item_status", "item", ("status", "rank", "due_at"), None),
    ("ix_item_mine", "item", ("assignee", "status", "rank", "due_at"), "assignee <> ''"),
    ("ix_item_escalated", "item", ("status", "rank", "due_at"), "escalated_to <> ''"),
)
# A page of the search index and what SQLCipher keeps for itself must fit into one page of the file: at
# FTS5's own size each took a page and a little of a second one.
_SEARCH_PAGE = 3960


def upgrade() -> None:
    for table, (key, other) in {
        "week_thread": ("week", "thread_id"),
        "week_person": ("week", "person_id"),
    }.items():
        op.create_table(
            table,
            sa.Column(key, sa.Integer(), nullable=False),
            sa.Column(other, sa.Integer(), nullable=False),
            sa.Column("n", sa.Integer(), nullable=False),
            sa.PrimaryKeyConstraint(key, other, name=op.f(f"pk_{table}")),
            sqlite_with_rowid=False,
        )
    op.create_table(
        "message_day",
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "account_id", "level", name=op.f("pk_message_day")),
        sqlite_with_rowid=False,
    )
    for table in ("thread", "person", "account"):
        op.add_column(table, sa.Column("messages", sa.Integer(), nullable=False, server_default=sa.text("0")))
    for statement in (*_COUNTED, *_TRIGGERS):
        op.execute(statement)
    for name, table, columns, condition in _INDEXES:
        op.drop_index(name, table_name=table)
        where = sa.text(condition) if condition else None
        kept = "ix_message_created" if name == "ix_message_week" else name
        op.create_index(kept, table, list(columns), unique=False, sqlite_where=where)
    op.create_index(
        "ix_action_failed",
        "action",
        ["settled_at"],
        unique=False,
        sqlite_where=sa.text("state = 'failed'"),
    )
    op.execute(f"INSERT INTO message_fts(message_fts, rank) VALUES ('pgsz', {_SEARCH_PAGE})")
