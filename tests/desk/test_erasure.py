"""Erasure (R68): nothing is left anywhere, nobody else loses a word, and it ends however often it stops."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import Clock, Shift
from raw_pages import holding
from tests_support import DEK, words_of

from connectors import demo
from moderator_app.desk import actions, audit, erasure, holds, replies, requests, search, threads, triage
from moderator_app.desk.desk import Ctx, Desk
from moderator_app.desk.requests import RequestRow, Target
from moderator_app.desk.rows import ActionKind, Audience, Outcome, Queue
from moderator_app.errors import ForTheModerator
from moderator_app.models.base import Base
from moderator_app.models.privacy import RequestState
from moderator_app.models.store import Store
from moderator_app.paths import Profile
from moderator_app.workspace import Workspace

ROBIN = {"heronfeather", "marshland", "willowbank", "sandpiper", "rushlight", "robinsnest", "bulrush"}


def _item(shift: Shift, person: str) -> int:
    found = [row for name in Queue for row in shift.desk.ask(triage.queue, name) if row.person == person]
    return found[0].item_id


def _evening(shift: Shift) -> int:
    """Robin and Wren talk; Robin's words reach every table that can hold any. Answers Robin's item."""
    platform = shift.platform
    platform.person("@robin", "robinsnest")
    opened = platform.say("@robin", "the heronfeather fell", title="about heronfeather days")
    platform.say("@wren", "i saw it near the lighthouse", parent=opened)
    edited = platform.say("@robin", "first the marshland", parent=opened)
    platform.direct("@robin", "nobody else knows the willowbank")
    wren = platform.say("@wren", "kestrelwing over the harbour", title="kestrelwing")
    platform.say("@robin", "i saw it, too, by the sandpiper", parent=wren)
    shift.sync.run()
    platform.edit(edited, "then the quiet water")
    shift.sync.run()
    desk, item = shift.desk, _item(shift, "robinsnest")
    for _ in range(3):
        desk.do(triage.seen, item)
    desk.do(threads.note, item, "knows the rushlight well")
    desk.do(triage.set_level, item, triage.Level.AMBER)
    desk.do(triage.close, item, Outcome.ANSWERED, "we spoke of the bulrush")
    desk.do(triage.reopen, item)
    desk.do(replies.send, item, "thank you for the heronfeather", _audience(shift, item))
    shift.clock.forward(seconds=11)
    shift.sync.run()
    desk.do(replies.save_draft, item, "and the willowbank", Audience.PUBLIC)
    return item


def _audience(shift: Shift, item: int) -> Audience:
    return shift.desk.ask(threads.view, item).messages[-1].audience


def _erase(shift: Shift, target: Target, copies: erasure.Copies | None = None) -> RequestRow:
    request = shift.desk.do(erasure.ask, target)
    shift.desk.do(erasure.confirm, request, "Bo")
    assert erasure.run(shift.desk, copies) == 1
    return next(row for row in shift.desk.ask(requests.rows) if row.request_id == request)


def _robin(shift: Shift) -> Target:
    return Target("person", shift.desk.ask(requests.person_named, "@robin"))


def _cells(desk: Desk) -> str:
    def read(ctx: Ctx) -> str:
        tables = Base.metadata.sorted_tables
        return "\n".join(str(row) for table in tables for row in ctx.session.execute(sa.select(table)))

    return desk.ask(read).lower()


def test_the_page_reader_sees_what_is_there(shift: Shift, store: Store) -> None:
    """Otherwise the other tests would find nothing, whatever is left."""
    _evening(shift)
    assert holding(store.path, DEK, ROBIN) == ROBIN
    store.checkpoint()
    assert holding(store.path, DEK, ROBIN) == ROBIN


def test_after_erasing_a_person_no_byte_of_their_words_is_left_and_everything_of_others_is(
    shift: Shift, store: Store, profile: Profile
) -> None:
    _evening(shift)
    row = _erase(shift, _robin(shift))
    assert row.state is RequestState.DONE
    assert row.proof["found"] == {}
    assert row.proof["words_checked"] >= 5
    assert row.proof["counts"]["notes"] == 1
    assert row.proof["counts"]["revisions"] == 1
    assert holding(store.path, DEK, {*ROBIN, "@robin"}) == set()
    assert not any(word in _cells(shift.desk) for word in {*ROBIN, "@robin"})
    assert {"i saw it near the lighthouse", "kestrelwing over the harbour"} <= words_of(shift.desk)
    assert [hit.title for hit in shift.desk.ask(search.find, "kestrelwing")] == ["kestrelwing"]
    assert shift.desk.ask(search.find, "heronfeather") == []
    assert store.integrity() == []
    assert shift.desk.ask(audit.broken) is None
    assert shift.desk.ask(audit.lines)[0].what == "erased"
    shift.desk.store.close()
    assert holding(profile.store, DEK, {*ROBIN, "@robin"}) == set()


def test_what_was_erased_does_not_come_back_and_what_is_new_does(shift: Shift) -> None:
    _evening(shift)
    _erase(shift, _robin(shift))
    with shift.desk.store.write() as session:
        session.execute(sa.text("UPDATE cursor SET state = ''"))  # read everything from the beginning
    trip = shift.new_sync().run()
    assert trip.brought.new == 0
    assert not any(word in _cells(shift.desk) for word in ROBIN)
    thread = shift.platform.all_messages()[0].thread_id
    shift.platform.say("@robin", "i am here again", thread=thread)
    shift.sync.run()
    assert "i am here again" in words_of(shift.desk)
    assert "about heronfeather days" not in _cells(shift.desk), "the old title is their words, too"


def test_the_person_may_write_while_they_are_erased(shift: Shift) -> None:
    _evening(shift)
    request = shift.desk.do(erasure.ask, _robin(shift))
    shift.desk.do(erasure.confirm, request, "Bo")
    shift.platform.say("@robin", "i changed my mind about lanterns", title="lanterns")
    shift.sync.run()
    assert erasure.run(shift.desk, None) == 1
    assert "i changed my mind about lanterns" in words_of(shift.desk)
    assert "marshland" not in _cells(shift.desk)


def test_a_reply_that_waits_does_not_leave(shift: Shift) -> None:
    item = _evening(shift)
    shift.desk.do(replies.send, item, "one more word on marshland", _audience(shift, item))
    sent = len(shift.platform.messages_sent_by_us())
    row = _erase(shift, _robin(shift))
    assert row.proof["counts"]["pending"] == 1
    shift.clock.forward(minutes=1)
    shift.sync.run()
    assert len(shift.platform.messages_sent_by_us()) == sent
    assert shift.desk.ask(actions.outbox) == []
    assert shift.desk.do(actions.undo_last) is None


def test_a_reply_on_the_wire_is_waited_for(shift: Shift) -> None:
    item = _evening(shift)
    shift.desk.do(replies.send, item, "one more word on marshland", _audience(shift, item), now=True)
    due = shift.desk.do(actions.take_due, shift.account)
    request = shift.desk.do(erasure.ask, _robin(shift))
    shift.desk.do(erasure.confirm, request, "Bo")
    assert erasure.run(shift.desk, None) == 0
    receipt = shift.signed_in().perform(due[0].command)
    shift.desk.do(actions.settle, due[0].action_id, receipt)
    assert erasure.run(shift.desk, None) == 1
    assert not any(word in _cells(shift.desk) for word in ROBIN)


class Stopped(Exception):
    pass


@pytest.mark.parametrize("steps", range(7))
def test_an_erasure_that_dies_after_any_step_is_finished_at_the_next_start(
    shift: Shift, store: Store, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    """Each step writes in one transaction: the program dies after so many of them."""
    _evening(shift)
    monkeypatch.setattr(erasure, "_BATCH", 1)
    request = shift.desk.do(erasure.ask, _robin(shift))
    shift.desk.do(erasure.confirm, request, "Bo")
    real, left = Desk.do, [steps]

    def dies(self: Desk, function: Callable[..., object], *args: object, **kwargs: object) -> object:
        if not left[0]:
            raise Stopped
        left[0] -= 1
        return real(self, function, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(Desk, "do", dies)
        with pytest.raises(Stopped):
            erasure.run(shift.desk, None)
    states = {row.request_id: row.state for row in shift.desk.ask(requests.rows)}
    assert states[request] is RequestState.RUNNING
    assert erasure.run(shift.desk, None) == 1
    row = shift.desk.ask(requests.rows)[0]
    assert (row.state, row.proof["found"]) == (RequestState.DONE, {})
    assert row.proof["counts"]["messages"] == 4
    assert holding(store.path, DEK, ROBIN) == set()


def test_a_cancelled_erasure_goes_on_later(shift: Shift, monkeypatch: pytest.MonkeyPatch) -> None:
    _evening(shift)
    monkeypatch.setattr(erasure, "_BATCH", 1)
    request = shift.desk.do(erasure.ask, _robin(shift))
    shift.desk.do(erasure.confirm, request, "Bo")
    seen: list[tuple[int, int]] = []
    run = erasure.run(shift.desk, None, lambda *at: seen.append(at), lambda: len(seen) == 2)
    assert (run, seen) == (0, [(1, 4), (2, 4)])
    assert erasure.run(shift.desk, None) == 1


# ------------------------------------------------------------------ two persons


def test_nobody_erases_alone_unless_a_day_has_passed(shift: Shift) -> None:
    _evening(shift)
    request = shift.desk.do(erasure.ask, _robin(shift))
    with pytest.raises(ForTheModerator, match="somebody else"):
        shift.desk.do(erasure.confirm, request, " ada ")
    with pytest.raises(ForTheModerator, match="name"):
        shift.desk.do(erasure.confirm, request, " ")
    assert erasure.run(shift.desk, None) == 0
    shift.clock.forward(hours=24)
    shift.desk.do(erasure.confirm, request, "Ada")
    assert erasure.run(shift.desk, None) == 1
    line = next(line for line in shift.desk.ask(audit.lines) if line.what == "erase_confirmed")
    assert line.detail["alone"] == 1


def test_a_request_can_be_withdrawn_until_it_is_confirmed(shift: Shift) -> None:
    _evening(shift)
    request = shift.desk.do(erasure.ask, _robin(shift))
    shift.desk.do(requests.withdraw, request)
    with pytest.raises(ForTheModerator, match="decided"):
        shift.desk.do(erasure.confirm, request, "Bo")
    assert "marshland" in _cells(shift.desk)


def test_before_confirming_it_is_said_in_numbers_what_will_go(shift: Shift) -> None:
    item = _evening(shift)
    shift.desk.do(threads.note, _item(shift, "@wren"), "a friend of @robin")
    found = shift.desk.ask(erasure.preview, _robin(shift), 3)
    assert (found.messages, found.replies, found.notes, found.drafts) == (4, 1, 1, 1)
    assert (found.held, found.copies, found.mentions) == (0, 3, 1)
    assert found.about == "@robin"
    assert item


def test_ourselves_and_nobody_are_refused(shift: Shift) -> None:
    _evening(shift)
    with pytest.raises(ForTheModerator, match="not here"):
        shift.desk.do(erasure.ask, Target("person", 999))
    ours = shift.desk.ask(
        lambda ctx: ctx.session.scalar(sa.text("SELECT id FROM person WHERE external_id = 'p-00000'"))
    )
    with pytest.raises(ForTheModerator, match="your own"):
        shift.desk.do(erasure.ask, Target("person", ours))
    with pytest.raises(ForTheModerator, match="ends before"):
        shift.desk.do(erasure.ask, Target("range", 0, shift.clock.now(), shift.clock.now()))


# ------------------------------------------------------------------ other targets


def test_a_thread_goes_with_everybody_in_it(shift: Shift) -> None:
    _evening(shift)
    thread = shift.desk.ask(
        lambda ctx: ctx.session.scalar(sa.text("SELECT id FROM thread WHERE title LIKE 'about%'"))
    )
    _erase(shift, Target("thread", thread))
    left = words_of(shift.desk) - {"thank you for the heronfeather"}  # to another conversation
    assert left == {
        "nobody else knows the willowbank",
        "kestrelwing over the harbour",
        "i saw it, too, by the sandpiper",
    }


def test_an_account_goes_with_all_that_it_brought(shift: Shift, store: Store) -> None:
    _evening(shift)
    row = _erase(shift, Target("account", shift.account))
    assert words_of(shift.desk) == set()
    words = {*ROBIN, "kestrelwing", "lighthouse", "@robin", "@wren"}
    assert not any(word in _cells(shift.desk) for word in words)
    assert holding(store.path, DEK, words) == set()
    assert row.proof["found"] == {}
    assert shift.new_sync().run().brought.new == 0


def test_a_span_of_time_takes_only_what_was_said_in_it(shift: Shift) -> None:
    shift.platform.say("@robin", "before the marshland", thread=None, title="a walk")
    shift.sync.run()
    first = shift.clock.now()
    shift.clock.forward(hours=1)
    thread = shift.platform.all_messages()[0].thread_id
    shift.platform.say("@robin", "within the willowbank", thread=thread)
    shift.sync.run()
    shift.desk.do(threads.note, _item(shift, "@robin"), "spoke of the rushlight")
    shift.clock.forward(hours=1)
    shift.platform.say("@robin", "after the sandpiper", thread=thread)
    shift.sync.run()
    begins, ends = first + timedelta(minutes=30), first + timedelta(minutes=90)
    _erase(shift, Target("range", shift.account, begins, ends))
    assert words_of(shift.desk) == {"before the marshland", "after the sandpiper"}
    assert "rushlight" not in _cells(shift.desk)
    assert shift.desk.ask(threads.view, _item(shift, "@robin")).messages[0].text == "before the marshland"


def test_a_target_is_read_as_it_was_written() -> None:
    at = datetime(2026, 11, 1, 12, 0, 0, 250_000, tzinfo=UTC)
    for target in (Target("person", 3), Target("range", 1, at, at + timedelta(days=2))):
        assert Target.read(str(target)) == target


# ------------------------------------------------------------------ holds, copies, files


def test_an_erasure_leaves_what_a_hold_keeps_and_ends_when_the_hold_does(shift: Shift, store: Store) -> None:
    item = _evening(shift)
    hold = shift.desk.do(holds.ask, [item], "a child may be at risk", "safeguarding of children")
    shift.desk.do(holds.confirm, hold, "Bo")
    assert shift.desk.ask(erasure.preview, _robin(shift)).held > 0
    row = _erase(shift, _robin(shift))
    assert row.state is RequestState.PARTLY
    left = next(entry for entry in row.proof["remains"] if entry["what"] == "hold")
    assert left["until"] == (shift.clock.now() + timedelta(days=90)).isoformat()
    kept = {message.text for message in shift.desk.ask(threads.view, item).messages}
    assert len(kept) >= left["messages"]
    shift.clock.forward(days=89)
    assert erasure.run(shift.desk, None) == 0
    shift.clock.forward(days=1)
    assert erasure.run(shift.desk, None) == 1
    by_id = {one.request_id: one for one in shift.desk.ask(requests.rows)}
    assert by_id[row.request_id].state is RequestState.DONE
    assert by_id[hold].state is RequestState.ENDED
    assert by_id[hold].reason == ""
    assert holding(store.path, DEK, ROBIN) == set()


def test_copies_made_before_are_destroyed_by_their_keys(tmp_path: Path, clock: Clock) -> None:
    profile = Profile.at(tmp_path / "with-copies")
    with Workspace.open(profile, "a phrase for this test", clock=clock) as workspace:
        values = {"community": "copied", "seed": "7", "hostile": "0"}
        demo._shared(values).say("@robin", "the marshland", title="a walk")
        account = workspace.connect("demo", values)
        workspace.syncs()[account].run()
        backups = workspace.backups
        assert backups is not None
        backups.make(clock.now())
        clock.forward(minutes=5)
        request = workspace.desk.do(erasure.ask, Target("account", account))
        workspace.desk.do(erasure.confirm, request, "Bo")
        assert erasure.run(workspace.desk, backups) == 1
        proof = workspace.desk.ask(requests.rows)[0].proof
        assert proof["copies_destroyed"] == 1
        assert proof["remains"] == [{"what": "elsewhere"}]
        assert backups.list() == []
    assert list(profile.backups.iterdir()) == []


def test_files_that_hold_words_are_named_or_deleted(shift: Shift, tmp_path: Path) -> None:
    _evening(shift)
    target = _robin(shift)
    bundle, week = tmp_path / "access.zip", tmp_path / "week.md"
    for path, facts in ((bundle, {"about": str(target)}), (week, {"week": "2026-11-16"})):
        path.write_text("x")
        shift.desk.do(actions.record, ActionKind.EXPORT, detail={**facts, "files": str(path)})
    assert shift.desk.ask(erasure.preview, target).bundles == (str(bundle),)
    request = shift.desk.do(erasure.ask, target)
    shift.desk.do(erasure.confirm, request, "Bo", with_bundles=True)
    erasure.run(shift.desk, None)
    proof = shift.desk.ask(requests.rows)[0].proof
    assert not bundle.exists()
    assert week.exists()
    assert proof["bundles_deleted"] == [str(bundle)]
    assert {"what": "weeks", "files": [str(week)]} in proof["remains"]


def test_the_record_and_the_request_hold_no_words(shift: Shift) -> None:
    _evening(shift)
    _erase(shift, _robin(shift))
    lines = repr(shift.desk.ask(audit.lines)).lower()
    rows = repr(shift.desk.ask(requests.rows)).lower()
    assert not any(word in lines + rows for word in ROBIN)
    facts = json.loads(shift.desk.ask(lambda ctx: ctx.session.scalar(sa.text("SELECT facts FROM request"))))
    assert "marks" not in facts, "the marks served the proof and go with it"


def test_the_due_date_is_a_month_on(shift: Shift) -> None:
    assert requests.month_after(datetime(2026, 1, 31, tzinfo=UTC)) == datetime(2026, 2, 28, tzinfo=UTC)
    assert requests.month_after(datetime(2026, 12, 5, tzinfo=UTC)) == datetime(2027, 1, 5, tzinfo=UTC)
