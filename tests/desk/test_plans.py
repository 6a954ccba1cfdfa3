"""Every statement that a screen waits for, as it is really asked, finds its rows by an index in its order."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from connectors.contract import Kind, Page, RemoteMessage, RemotePerson
from moderator_app.desk import accounts, actions, insights, intake, reading, search, threads, triage
from moderator_app.desk.desk import Desk
from moderator_app.desk.rows import Heard, Queue
from moderator_app.models.session import Plain, Session
from moderator_app.models.store import Store
from moderator_app.paths import Profile
from tests.benchmarks import fill

DEK = bytes(range(32))
# Steps that look like the forbidden ones: each with the statement that has it, and why it may.
ALLOWED = {
    (
        "USE TEMP B-TREE FOR ORDER BY",
        "ORDER BY max(0, item.first_reply_at",
    ): "the median sorts one week's answers",
    (
        "SCAN message USING INDEX ix_message_unread",
        "message.read_v IS NULL",
    ): "the index holds only the unread",
    ("SCAN action USING INDEX ix_action_due", "action.state IN ('held'"): "the index holds only what waits",
    ("SCAN audit", "ORDER BY audit.seq DESC\n LIMIT 1"): "the last line by the key of the table",
}
LARGE = r"(message|item|action|thread|person|signal|week_thread|week_person|message_day|audit)\b"

Asked = dict[str, Any]  # statement to the values it was asked with


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    clock = fill.Clock()
    with Store.open(Profile.at(tmp_path_factory.mktemp("plans")), bytearray(DEK)) as store:
        desk = Desk(store, "Ada", clock)
        fill.pour(desk, clock, 1500)
        yield desk


@pytest.fixture
def asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    """What is asked of the driver from now on, by whichever way."""
    found: Asked = {}

    def by_orm(_: object, __: object, sql: str, values: Any, ___: object, many: bool) -> None:
        found[sql] = values[0] if many else values

    for name in ("rows", "first", "write"):
        real = getattr(Plain, name)

        def by_plain(self: Plain, session: Session, values: Any = None, real: Any = real) -> Any:
            if not isinstance(values, Mapping | None):
                values = list(values)
            one = values[0] if isinstance(values, list) and values else values
            if one != []:
                found[self.sql] = one or {}
            return real(self, session, values)

        monkeypatch.setattr(Plain, name, by_plain)
    engine = desk.store._engine
    sa.event.listen(engine, "before_cursor_execute", by_orm)
    yield found
    sa.event.remove(engine, "before_cursor_execute", by_orm)


def plans(desk: Desk, asked: Asked) -> dict[str, list[str]]:
    with desk.store.read() as session:
        return {
            sql: [row[3] for row in session.driver.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
            for sql, values in asked.items()
            if not sql.startswith("PRAGMA")
        }


def faults(desk: Desk, asked: Asked) -> list[str]:
    """Each statement that reads a large table from end to end, or sorts."""
    found = []
    for sql, plan in plans(desk, asked).items():
        for step in plan:
            bad = re.match(f"SCAN {LARGE}", step) or step == "USE TEMP B-TREE FOR ORDER BY"
            if bad and not any(step == what and where in sql for what, where in ALLOWED):
                found.append(f"{step} in {sql}")
    return found


def page_of(number: int, *, ours: bool = False) -> Page:
    at = fill.NOW
    person = RemotePerson("us" if ours else "someone", "@someone")
    message = RemoteMessage(
        f"new-{number}", "archive-1", Kind.COMMENT, person, "hello", at, ours=ours, parent_id="archive-2"
    )
    return Page("comments", (message,), state=str(number))


def decided(desk: Desk) -> None:
    """One of each of the things that a moderator does all day."""
    item = desk.ask(triage.queue, Queue.OPEN)[0].item_id
    desk.do(triage.seen, item)
    taken = desk.do(triage.take_next)
    assert taken is not None
    done = desk.do(triage.assign, item, "Ada")
    desk.do(actions.undo, done.action_id)


HOT: dict[str, Callable[[Desk], object]] = {
    **{f"queue {name}": lambda desk, name=name: desk.ask(triage.queue, name) for name in Queue},
    "deep page": lambda desk: desk.ask(triage.queue, Queue.OPEN, desk.ask(triage.queue, Queue.OPEN)[3].key),
    "level's deep page": lambda desk: desk.ask(
        triage.queue, Queue.RED, desk.ask(triage.queue, Queue.RED)[0].key
    ),
    "narrowed queue": lambda desk: desk.ask(triage.queue, Queue.OPEN, None, 100, "garden"),
    **{
        f"heard {heard}": lambda desk, heard=heard: desk.ask(triage.queue, Queue.OPEN, heard=heard)
        for heard in Heard
    },
    "badges": lambda desk: desk.ask(triage.counts),
    "conversation": lambda desk: desk.ask(threads.view, 1),
    "fewer messages": lambda desk: desk.ask(threads.view, 1, 100),
    "person": lambda desk: desk.ask(threads.person_card, 1),
    "search": lambda desk: desk.ask(search.find, "evening"),
    "unread": lambda desk: desk.ask(reading.unread),
    "new page": lambda desk: desk.do(intake.apply, 1, page_of(1)),
    "known page": lambda desk: desk.do(intake.apply, 1, page_of(1)),
    "page of ours": lambda desk: desk.do(intake.apply, 1, page_of(2, ours=True)),
    "reading": fill.read,
    "due": lambda desk: desk.do(actions.take_due, 1),
    "next due": lambda desk: desk.ask(actions.next_due, 1),
    "age": lambda desk: desk.do(triage.age),
    "decisions": decided,
    "undo": lambda desk: desk.do(actions.undo_last),
    "history": lambda desk: desk.ask(actions.history, 1),
    "summary": lambda desk: desk.ask(insights.week),
    "outbox": lambda desk: desk.ask(actions.outbox),
    "recovery": lambda desk: desk.do(actions.recover),
    "accounts": lambda desk: desk.ask(accounts.rows),
}


@pytest.mark.parametrize("name", HOT)
def test_nothing_is_read_from_end_to_end_and_nothing_is_sorted(name: str, desk: Desk, asked: Asked) -> None:
    HOT[name](desk)
    assert asked
    assert faults(desk, asked) == []


def test_the_check_sees_a_scan_and_a_sort(desk: Desk) -> None:
    assert faults(desk, {"SELECT body FROM message WHERE body = 'x'": ()})
    assert faults(desk, {"SELECT id FROM item WHERE person_id = 1 ORDER BY due_at": ()})
    assert not faults(desk, {"SELECT id FROM item WHERE person_id = 1 ORDER BY last_at": ()})
