"""One transaction for the ORM and the driver: each sees what the other did, and both are kept or neither."""

import pytest
import sqlalchemy as sa
import sqlcipher3.dbapi2 as sqlcipher

from moderator_app.models.care import Meta
from moderator_app.models.inbox import Item
from moderator_app.models.session import Plain, adding, given, given_ids, table
from moderator_app.models.store import Store
from moderator_app.models.terms import Status

META = table(Meta)
ADD = adding(META, "key", "value")
VALUE = Plain(sa.select(META.c.value).where(META.c.key == given("key")))
SOME = Plain(sa.select(META.c.key).where(META.c.key.in_(given_ids("keys"))).order_by(META.c.key))


def test_the_orm_and_the_driver_share_a_transaction(store: Store) -> None:
    with store.write() as session:
        session.add(Meta(key="by orm", value="1"))
        assert VALUE.first(session, {"key": "by orm"}) == ("1",)
        ADD.write(session, [{"key": "plain", "value": "2"}])
        assert session.get_one(Meta, "plain").value == "2"
    with store.read() as session:
        assert SOME.rows(session, {"keys": '["plain", "by orm", "nobody"]'}) == [("by orm",), ("plain",)]


def test_a_failure_undoes_what_both_wrote(store: Store) -> None:
    def twice() -> None:
        with store.write() as session:
            session.add(Meta(key="by orm", value="1"))
            ADD.write(session, [{"key": "plain", "value": "2"}, {"key": "plain", "value": "again"}])

    with pytest.raises(sqlcipher.IntegrityError):
        twice()
    with store.read() as session:
        assert SOME.rows(session, {"keys": '["plain", "by orm"]'}) == []


def test_what_the_driver_wrote_is_announced_like_the_rest(store: Store) -> None:
    heard: list[frozenset[str]] = []
    store.listen(heard.append)
    with store.write() as session:
        ADD.write(session, [{"key": "k", "value": "v"}])
        assert heard == []
    with store.write() as session:
        ADD.write(session, [])
        VALUE.first(session, {"key": "k"})
    with store.write() as session:
        session.execute(sa.update(META).values(value="w"))
    assert heard == [frozenset({"meta"}), frozenset({"meta"})]


def test_a_read_sees_one_state_of_the_file(store: Store) -> None:
    with store.read() as reading:
        assert VALUE.first(reading, {"key": "k"}) is None
        with store.write() as session:
            ADD.write(session, [{"key": "k", "value": "v"}])
        assert VALUE.first(reading, {"key": "k"}) is None
        assert reading.get(Meta, "k") is None
    with store.read() as reading:
        assert VALUE.first(reading, {"key": "k"}) == ("v",)


def test_an_index_that_cannot_be_used_is_refused(store: Store) -> None:
    item = table(Item)
    wrong = sa.select(item.c.id).where(item.c.status == Status.CLOSED)
    asked = Plain(wrong.with_hint(item, "INDEXED BY ix_item_level", "sqlite"))
    with pytest.raises(sqlcipher.OperationalError, match="no query solution"), store.read() as session:
        asked.rows(session)
