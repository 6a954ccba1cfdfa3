"""Counts that are kept by triggers equal what counting would find, whatever happens to messages."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests_support import DEK

from moderator_app.models import migrations
from moderator_app.models.store import Store
from moderator_app.paths import Profile

_DAY = 86_400_000
_NOW = 1_790_000_000_000
_WEEK = "(created_at / 86400000 + 3) / 7"
KEPT_AND_COUNTED = {
    "SELECT id, messages FROM thread WHERE messages": "SELECT thread_id, count(*) FROM message GROUP BY 1",
    "SELECT id, messages FROM person WHERE messages": """
        SELECT person_id, count(*) FROM message WHERE person_id IS NOT NULL GROUP BY 1""",
    "SELECT id, messages FROM account WHERE messages": "SELECT account_id, count(*) FROM message GROUP BY 1",
    "SELECT * FROM message_day": """
        SELECT created_at / 86400000, account_id, coalesce(level, -1), count(*)
        FROM message WHERE NOT ours GROUP BY 1, 2, 3""",
    "SELECT * FROM week_thread": f"""
        SELECT {_WEEK}, thread_id, count(*) FROM message WHERE NOT ours GROUP BY 1, 2""",
    "SELECT * FROM week_person": f"""
        SELECT {_WEEK}, coalesce(person_id, 0), count(*) FROM message WHERE NOT ours GROUP BY 1, 2""",
}


def rows(connection: sa.Connection, sql: str) -> list[tuple[Any, ...]]:
    return sorted(tuple(row) for row in connection.exec_driver_sql(sql))


def check(connection: sa.Connection) -> None:
    for kept, counted in KEPT_AND_COUNTED.items():
        assert rows(connection, kept) == rows(connection, counted), kept


def people(connection: sa.Connection) -> None:
    """Two accounts, three people, three conversations."""
    for n in (1, 2):
        connection.exec_driver_sql(
            "INSERT INTO account (id, platform, external_id, handle, name, vault_key, form, abilities,"
            " health, skipped) VALUES (?, 'demo', ?, '', '', '', '{}', '{}', 'ok', 0)",
            (n, str(n)),
        )
    for n in (1, 2, 3):
        connection.exec_driver_sql(
            "INSERT INTO person (id, account_id, external_id, handle, name, first_seen, last_seen)"
            " VALUES (?, 1, ?, '', '', 0, 0)",
            (n, str(n)),
        )
        connection.exec_driver_sql(
            "INSERT INTO thread (id, account_id, external_id, title, channel, last_at)"
            " VALUES (?, 1, ?, '', '', 0)",
            (n, str(n)),
        )


def message(connection: sa.Connection, key: int, place: dict[str, Any]) -> None:
    connection.exec_driver_sql(
        "INSERT OR IGNORE INTO message (id, account_id, thread_id, person_id, external_id, kind, audience,"
        " ours, body, revision, created_at, fetched_at, likes, replies, hidden_there, liked, level)"
        " VALUES (:id, :account_id, :thread_id, :person_id, :id, 'comment', 'public', :ours, 'x', '',"
        " :created_at, 0, 0, 0, 0, 0, :level)",
        {"id": key, **place},
    )


PLACES = {
    "account_id": st.integers(1, 2),
    "thread_id": st.integers(1, 3),
    "person_id": st.none() | st.integers(1, 3),
    "ours": st.booleans(),
    "created_at": st.integers(0, 20).map(lambda day: _NOW + day * _DAY),
    "level": st.none() | st.integers(0, 3),
}


def _inserted(key: int, place: dict[str, Any]) -> Callable[[sa.Connection], object]:
    return lambda connection: message(connection, key, place)


def _updated(key: int, place: dict[str, Any]) -> Callable[[sa.Connection], object]:
    def work(connection: sa.Connection) -> None:
        if place:
            columns = ", ".join(f"{name} = :{name}" for name in place)
            connection.exec_driver_sql(f"UPDATE message SET {columns} WHERE id = {key}", place)

    return work


def _deleted(key: int) -> Callable[[sa.Connection], object]:
    return lambda connection: connection.exec_driver_sql("DELETE FROM message WHERE id = ?", (key,))


KEYS = st.integers(1, 6)
CHANGES = (
    st.builds(_inserted, KEYS, st.fixed_dictionaries(PLACES))
    | st.builds(_updated, KEYS, st.fixed_dictionaries({}, optional=PLACES))
    | st.builds(_deleted, KEYS)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(changes=st.lists(CHANGES, max_size=25))
def test_every_count_is_what_counting_finds(
    store: Store, changes: list[Callable[[sa.Connection], object]]
) -> None:
    with store._writer.connect() as connection:
        people(connection)
        for change in changes:
            change(connection)
            check(connection)
        connection.rollback()


def test_an_older_file_is_counted_when_it_is_brought_up_to_date(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def only_to_the_audit(connection: sa.Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(migrations._HERE))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")

    with monkeypatch.context() as before:
        before.setattr(migrations, "upgrade", only_to_the_audit)
        with Store.open(profile, bytearray(DEK)) as store, store._writer.begin() as connection:
            people(connection)
            for key in range(1, 40):
                place = {"account_id": 1 + key % 2, "thread_id": 1 + key % 3, "person_id": key % 4 or None}
                at = _NOW + key * _DAY // 2
                level = None if key % 7 == 0 else key % 4
                message(connection, key, {**place, "ours": key % 5 == 0, "created_at": at, "level": level})
    with Store.open(profile, bytearray(DEK)) as store:
        with store._engine.connect() as connection:
            assert migrations.version(connection) == migrations.head()
            check(connection)
            assert rows(connection, "SELECT count(*) FROM message") == [(39,)]
        assert store.integrity() == []
    assert list(profile.backups.glob("before-0002-*.aside.db"))
