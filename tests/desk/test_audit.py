"""The record: complete, in order, without words, and honest about whoever touched it."""

import pytest
import sqlalchemy as sa
from conftest import Clock, Shift

from moderator_app.desk import audit, expiry, safety, threads, triage
from moderator_app.desk.desk import Ctx
from moderator_app.desk.rows import Outcome, Queue


def _worked(shift: Shift) -> int:
    shift.platform.say("@robin", "a heron stood in the shallow water")
    shift.sync.run()
    item = shift.desk.ask(triage.queue, Queue.OPEN)[0].item_id
    shift.desk.do(triage.seen, item)
    shift.desk.do(triage.assign, item, "Ada")
    shift.desk.do(threads.note, item, "knows the lake well")
    shift.desk.do(triage.close, item, Outcome.ANSWERED, "we talked about birds")
    return item


def test_each_thing_done_is_a_line_and_no_line_holds_words(shift: Shift) -> None:
    item = _worked(shift)
    lines = shift.desk.ask(audit.lines)
    assert [(line.what, line.target, line.who) for line in reversed(lines)] == [
        (what, f"item:{item}", "Ada") for what in ("seen", "assign", "note", "close")
    ]
    assert lines[0].detail["outcome"] == "answered"
    said = repr(lines)
    assert "heron" not in said
    assert "lake" not in said
    assert "birds" not in said
    assert shift.desk.ask(audit.broken) is None


@pytest.mark.parametrize("change", ["UPDATE audit SET who = 'x'", "DELETE FROM audit"])
def test_no_line_can_be_changed_or_taken_out(shift: Shift, change: str) -> None:
    _worked(shift)
    with (
        pytest.raises(sa.exc.IntegrityError, match="append-only"),
        shift.desk.store.write() as session,
    ):
        session.execute(sa.text(change))


@pytest.mark.parametrize(
    ("change", "first"),
    [
        ("UPDATE audit SET who = 'Bo' WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 3", 3),
        ("UPDATE audit SET at = at + 1 WHERE seq = 1", 1),
    ],
)
def test_a_line_that_was_forged_shows(shift: Shift, change: str, first: int) -> None:
    _worked(shift)
    with shift.desk.store.write() as session:
        session.execute(sa.text("DROP TRIGGER audit_no_update"))
        session.execute(sa.text("DROP TRIGGER audit_no_delete"))
        session.execute(sa.text(change))
    assert shift.desk.ask(audit.broken) == first


def test_the_record_lets_go_of_its_oldest_lines_and_still_shows_a_forged_one(
    shift: Shift, clock: Clock
) -> None:
    item = _worked(shift)
    clock.forward(days=400)
    shift.desk.do(triage.reopen, item)
    clock.forward(days=331)  # the first four are now older than 24 months
    expiry.run(shift.desk)
    lines = shift.desk.ask(audit.lines)
    assert [line.what for line in reversed(lines)][:2] == ["reopen", "cut"]
    assert lines[-1].seq == 5
    assert shift.desk.ask(audit.broken) is None
    clock.forward(days=400)
    expiry.run(shift.desk)
    assert shift.desk.ask(audit.lines)[-1].what == "cut", "that lines went is itself a line"
    assert shift.desk.ask(audit.broken) is None
    with shift.desk.store.write() as session:
        session.execute(sa.text("DROP TRIGGER audit_no_delete"))
        session.execute(sa.text("DELETE FROM audit WHERE seq = (SELECT min(seq) FROM audit)"))
    assert shift.desk.ask(audit.broken) is not None


def test_nothing_is_cut_from_the_record_without_a_line_that_says_so(shift: Shift) -> None:
    _worked(shift)
    with shift.desk.store.write() as session:
        audit.write(Ctx(session, "Bo", shift.desk.clock.now()), "cut", "2", hash="00")
        session.execute(sa.text("DELETE FROM audit WHERE seq <= 2"))
        with pytest.raises(sa.exc.IntegrityError, match="append-only"):
            session.execute(sa.text("DELETE FROM audit WHERE seq = 3"))
    assert shift.desk.ask(audit.broken) == 3, "the hash that it names must be the true one"


def test_a_clock_that_was_set_back_is_marked_and_changes_no_order(shift: Shift, clock: Clock) -> None:
    item = _worked(shift)
    clock.forward(days=-1)
    shift.desk.do(triage.reopen, item)
    newest = shift.desk.ask(audit.lines)[0]
    assert (newest.what, newest.clock_back) == ("reopen", True)
    assert shift.desk.ask(audit.clock_jumps) == 1
    assert shift.desk.ask(audit.broken) is None
    shift.desk.do(safety.escalate, item, "On-call lead", "reads the lake")
    assert shift.desk.ask(audit.lines)[0].clock_back is False


def test_two_lines_of_one_moment_are_no_clock_that_was_set_back(shift: Shift, clock: Clock) -> None:
    clock.at = clock.at.replace(microsecond=600)  # kept as the next whole millisecond
    _worked(shift)
    assert shift.desk.ask(audit.clock_jumps) == 0
