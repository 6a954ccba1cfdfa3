"""From the platform to the desk and back: nothing lost, nothing twice, whatever fails in between."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from conftest import Clock, Shift
from tests_support import words_of

from connectors.contract import Command, Page, Receipt, RemoteMessage
from connectors.demo import DemoConnector, Fault, open_platform
from connectors.errors import TryLater, Unreadable
from moderator_app.desk import accounts, actions, intake, reading, replies, search, threads, triage
from moderator_app.desk import sync as trips
from moderator_app.desk.desk import Desk
from moderator_app.desk.rows import ActionState, Audience, Level, Outcome, Queue, Reading, Status
from moderator_app.desk.sync import Sync
from moderator_app.errors import ForTheModerator


def open_items(shift: Shift) -> list[Any]:
    return shift.desk.ask(triage.queue, Queue.OPEN)


def only_item(shift: Shift) -> int:
    (row,) = open_items(shift)
    return row.item_id


@pytest.fixture
def one(shift: Shift) -> Shift:
    """A desk with one open conversation: Mira asked something in public."""
    shift.platform.say("@mira", "Is the Tuesday group still on this week?")
    shift.sync.run()
    return shift


def reply(shift: Shift, text: str = "Yes, it is, and you are welcome.", **more: Any) -> Any:
    return shift.desk.do(replies.send, only_item(shift), text, Audience.PUBLIC, **more)


# ------------------------------------------------------------------ down


def test_a_pull_brings_everything_once(one: Shift) -> None:
    again = one.sync.run()
    assert again.brought.new == 0
    assert again.health == "ok"
    (row,) = open_items(one)
    assert (row.person, row.excerpt, row.new_messages) == (
        "@mira",
        "Is the Tuesday group still on this week?",
        1,
    )


def test_a_page_that_comes_twice_changes_nothing(one: Shift) -> None:
    connector = one.signed_in()
    for stream in connector.streams:
        for page in connector.pull(stream, ""):
            assert one.desk.do(intake.apply, one.account, page).new == 0
    assert len(open_items(one)) == 1


def test_an_interrupted_pull_goes_on_where_it_was_committed(shift: Shift) -> None:
    for number in range(250):
        shift.platform.say("@mira", f"message number {number}", title=f"thread {number}")

    class Breaks(DemoConnector):
        def pull(self, stream: str, state: str, since: datetime | None = None) -> Iterator[Page]:
            for number, page in enumerate(super().pull(stream, state, since)):
                yield page
                if number == 0:
                    raise TryLater("the line broke", offline=True)

    broken = Breaks.on(shift.platform, shift.secrets)
    trip = Sync(shift.desk, shift.account, broken, shift.secrets.update).run()
    assert (trip.health, 0 < trip.brought.new < 250) == ("offline", True)
    shift.clock.forward(minutes=10)
    rest = shift.sync.run()
    assert trip.brought.new + rest.brought.new == 250
    assert words_of(shift.desk) == {m.text for m in shift.platform.all_messages()}


def test_an_answer_that_is_nonsense_is_soon_asked_for_again(shift: Shift) -> None:
    class Stutters(DemoConnector):
        def pull(self, stream: str, state: str, since: datetime | None = None) -> Iterator[Page]:
            raise Unreadable("a page of HTML")

    sync = Sync(shift.desk, shift.account, Stutters.on(shift.platform, shift.secrets), shift.secrets.update)
    assert sync.run().health == "waiting"
    shift.clock.forward(seconds=31)
    assert shift.desk.ask(trips.due, shift.account), "one bad page must not silence an account for long"
    sync.run()
    shift.clock.forward(seconds=31)
    assert not shift.desk.ask(trips.due, shift.account), "but each time it waits longer"


class OneBucketEmpty(DemoConnector):
    """The platform has had enough of one kind of question for an hour."""

    asked = 0
    until: datetime

    def pull(self, stream: str, state: str, since: datetime | None = None) -> Iterator[Page]:
        if stream == self.streams[0]:
            type(self).asked += 1
            raise TryLater("too many questions of this kind", self.until)
        yield from super().pull(stream, state, since)


def test_a_wait_for_one_kind_of_question_does_not_hold_up_the_others(shift: Shift, clock: Clock) -> None:
    OneBucketEmpty.until = clock.now() + timedelta(hours=1)
    connector = OneBucketEmpty.on(shift.platform, shift.secrets)
    sync = Sync(shift.desk, shift.account, connector, shift.secrets.update)
    for number in range(3):
        shift.platform.say("@mira", f"question {number}", title="under a post")
        trip = sync.run()
        assert (trip.health, trip.brought.new) == ("waiting", 1)
        clock.forward(seconds=connector.poll_seconds + 31)
        assert shift.desk.ask(trips.due, shift.account), "the other streams keep their pace"


def test_an_edit_replaces_the_words_and_is_read_again(one: Shift) -> None:
    item = only_item(one)
    (message,) = one.desk.ask(threads.view, item).messages
    assert message.message_id is not None
    read(one, Level.GREEN)
    one.platform.edit(one.platform.all_messages()[-1].id, "Is the Thursday group still on?")
    assert one.sync.run().brought.edited == 1
    (row,) = open_items(one)
    assert row.excerpt == "Is the Thursday group still on?"
    assert row.pending
    assert one.desk.ask(search.find, "Thursday")
    assert not one.desk.ask(search.find, "Tuesday")


def test_deleted_there_is_deleted_here(one: Shift) -> None:
    item = only_item(one)
    read(one, Level.GREEN)
    one.platform.delete(one.platform.all_messages()[-1].id)
    assert one.sync.run().brought.gone == 1
    (message,) = one.desk.ask(threads.view, item).messages
    assert (message.gone, message.text) == (True, "")
    assert not one.desk.ask(search.find, "Tuesday")
    assert open_items(one) == []
    found = one.desk.ask(threads.view, item)
    assert "Tuesday" not in repr(found)


def test_a_person_in_danger_stays_when_the_words_are_deleted(one: Shift) -> None:
    read(one, Level.CRISIS)
    one.platform.delete(one.platform.all_messages()[-1].id)
    one.sync.run()
    (row,) = open_items(one)
    assert (row.level, row.excerpt) == (Level.CRISIS, "")


def test_a_new_message_reopens_a_closed_item(one: Shift) -> None:
    item = only_item(one)
    one.desk.do(triage.close, item, Outcome.ANSWERED)
    assert open_items(one) == []
    root = one.platform.all_messages()[-1].id
    one.platform.say("@mira", "One more thing", parent=root)
    one.sync.run()
    assert only_item(one) == item


def test_what_came_before_us_opens_no_work_unless_somebody_is_in_danger(shift: Shift, clock: Clock) -> None:
    old = clock.now() - timedelta(days=40)
    shift.platform.say("@mira", "an old question", at=old)
    shift.platform.say("@noor", "an old cry", at=old)
    shift.sync.run()
    assert open_items(shift) == []
    levels = {"an old question": Level.AMBER, "an old cry": Level.RED}
    shift.desk.do(
        reading.apply,
        [(key, text, Reading(levels[text], (), "en")) for key, text, _ in shift.desk.ask(reading.unread)],
    )
    assert [row.excerpt for row in open_items(shift)] == ["an old cry"]
    assert shift.desk.ask(triage.counts)[Queue.EARLIER] == 1


def test_an_old_cry_that_was_answered_then_stays_quiet(shift: Shift, clock: Clock) -> None:
    old = clock.now() - timedelta(days=40)
    asked = shift.platform.say("@noor", "an old cry", at=old)
    shift.platform.say("@harbourlights", "we are here", parent=asked, at=old + timedelta(minutes=5))
    shift.platform.say("@noor", "thank you, I am safe", parent=asked, at=old + timedelta(hours=1))
    shift.sync.run()
    levels = {"an old cry": Level.CRISIS, "thank you, I am safe": Level.GREEN}
    found = shift.desk.ask(reading.unread)
    shift.desk.do(reading.apply, [(key, text, Reading(levels[text], (), "en")) for key, text, _ in found])
    assert open_items(shift) == []


def test_a_reply_of_ours_from_elsewhere_answers(shift: Shift, clock: Clock) -> None:
    asked = shift.platform.say("@mira", "a question")
    clock.forward(minutes=1)
    shift.platform.say("@harbourlights", "an answer", parent=asked)
    shift.sync.run()
    assert open_items(shift) == []
    assert shift.desk.ask(triage.counts)[Queue.ANSWERED] == 1


def test_an_answer_that_comes_in_before_its_question_answers_too(shift: Shift, clock: Clock) -> None:
    asked = shift.platform.say("@mira", "a question")
    clock.forward(minutes=1)
    shift.platform.say("@harbourlights", "an answer", parent=asked)
    question, answer = (shift.connector.fetch([m.id])[0] for m in shift.platform.all_messages())
    for message in (answer, question):
        assert isinstance(message, RemoteMessage)
        shift.desk.do(intake.apply, shift.account, Page("mentions", (message,), state="1"))
    assert open_items(shift) == []
    assert shift.desk.ask(triage.counts)[Queue.ANSWERED] == 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_worst_day_loses_nothing(desk: Desk, clock: Clock, seed: int) -> None:
    """Duplicates, clock skew, vanishing posts, 429s, broken records, 10 MB and hostile Unicode."""
    platform = open_platform("harbour", seed, hostile=True, clock=clock)
    shift = Shift(desk, platform, clock)
    brought = 0
    for _ in range(60):
        trip = shift.sync.run()
        brought += trip.brought.new
        clock.forward(minutes=15)
        if trip.health == "ok" and trip.brought.new == 0:
            break
    there = {m.id: m for m in platform.all_messages()}
    here = words_of(desk)
    missing = [m.id for m in there.values() if intake.folding.repair(m.text) not in here]
    assert missing == []
    assert brought >= len(there)
    assert desk.store.integrity() == []


def read(shift: Shift, level: Level) -> None:
    """Let everything unread be read as one level."""
    shift.desk.do(
        reading.apply,
        [(key, text, Reading(level, (), "en")) for key, text, _ in shift.desk.ask(reading.unread)],
    )


# ------------------------------------------------------------------ up


def test_a_reply_waits_its_hold_and_arrives_once(one: Shift) -> None:
    recorded = reply(one)
    assert recorded.undo_until == one.clock.now() + timedelta(seconds=10)
    one.sync.run()
    assert one.platform.messages_sent_by_us() == []
    one.clock.forward(seconds=10)
    assert one.sync.run().sent == 1
    one.sync.run()
    one.new_sync().run()
    assert [m.text for m in one.platform.messages_sent_by_us()] == ["Yes, it is, and you are welcome."]
    (row,) = one.desk.ask(triage.queue, Queue.ANSWERED)
    view = one.desk.ask(threads.view, row.item_id)
    assert [(m.ours, m.by) for m in view.messages] == [(False, ""), (True, "Ada")]


def test_undo_within_the_hold_sends_nothing_and_gives_the_words_back(one: Shift) -> None:
    item = only_item(one)
    recorded = reply(one, "Yes, I think so.")
    undone = one.desk.do(actions.undo, recorded.action_id)
    one.clock.forward(minutes=1)
    one.sync.run()
    assert one.platform.messages_sent_by_us() == []
    assert undone.text == "Yes, I think so."
    draft = one.desk.ask(replies.draft, item)
    assert draft is not None
    assert draft.text == "Yes, I think so."
    assert only_item(one) == item


def test_undo_after_it_arrived_retracts_it(one: Shift) -> None:
    recorded = reply(one, now=True)
    one.sync.run()
    assert len(one.platform.messages_sent_by_us()) == 1
    one.desk.do(actions.undo, recorded.action_id)
    one.clock.forward(seconds=11)
    one.sync.run()
    assert one.platform.messages_sent_by_us() == []
    assert only_item(one)


@pytest.mark.parametrize("when", ["before the platform heard", "after the platform did it"])
def test_death_between_send_and_settle_sends_once(one: Shift, when: str) -> None:
    """The program dies after an action was marked sent; the next start must not send it again."""
    reply(one, now=True)

    class Dies(DemoConnector):
        def perform(self, command: Command) -> Receipt:
            if when.startswith("after"):
                super().perform(command)
            raise KeyboardInterrupt  # nothing of ours runs after this line

    dying = Dies.on(one.platform, one.secrets)
    with pytest.raises(KeyboardInterrupt):
        Sync(one.desk, one.account, dying, one.secrets.update).run()
    assert one.desk.do(actions.recover) == 1
    one.new_sync().run()
    one.new_sync().run()
    assert len(one.platform.messages_sent_by_us()) == 1


def test_a_lost_answer_is_looked_for_before_it_is_sent_again(one: Shift) -> None:
    reply(one, now=True)
    one.platform.fail_next(Fault.LOST_ANSWER)
    one.sync.run()
    (waiting,) = one.desk.ask(actions.outbox)
    assert waiting.state is ActionState.UNKNOWN
    one.clock.forward(minutes=5)
    one.sync.run()
    assert len(one.platform.messages_sent_by_us()) == 1
    assert one.desk.ask(actions.outbox) == []


def test_a_refusal_restores_and_says_why(one: Shift) -> None:
    item = only_item(one)
    reply(one, "My careful words.", now=True)
    one.platform.fail_next(Fault.REFUSE)
    one.sync.run()
    assert only_item(one) == item
    (failed,) = one.desk.ask(actions.outbox)
    assert failed.state is ActionState.FAILED
    assert failed.trouble
    draft = one.desk.ask(replies.draft, item)
    assert draft is not None
    assert draft.text == "My careful words."


def test_offline_keeps_everything_and_sends_later(one: Shift) -> None:
    reply(one, now=True)
    one.platform.fail_next(Fault.OFFLINE, times=2)
    assert one.sync.run().health == "offline"
    assert one.desk.ask(accounts.rows)[0].waiting_to_send == 1
    one.clock.forward(minutes=10)
    assert one.sync.run().health == "ok"
    assert len(one.platform.messages_sent_by_us()) == 1


def test_a_lapsed_sign_in_stops_once_and_keeps_what_was_held(one: Shift) -> None:
    reply(one, now=True)
    one.platform.sign_out()
    assert one.sync.run().health == "sign_in"
    assert one.desk.ask(actions.outbox)[0].state is ActionState.HELD
    one.secrets.update(one.connector.authorize())
    one.clock.forward(minutes=10)
    assert one.new_sync().run().health == "ok"
    assert len(one.platform.messages_sent_by_us()) == 1


def test_hide_is_shown_at_once_and_kept_when_the_page_is_replayed(one: Shift) -> None:
    item = only_item(one)
    (message,) = one.desk.ask(threads.view, item).messages
    assert message.message_id is not None
    one.desk.do(threads.hide, message.message_id)
    assert one.desk.ask(threads.view, item).messages[0].hidden
    one.sync.run()
    assert one.desk.ask(threads.view, item).messages[0].hidden
    one.clock.forward(seconds=11)
    one.sync.run()
    one.sync.run()
    assert one.platform.all_messages()[-1].hidden
    assert one.desk.ask(threads.view, item).messages[0].hidden


def test_a_private_word_is_never_answered_in_public(shift: Shift) -> None:
    shift.platform.direct("@mira", "may I ask something in private?")
    shift.sync.run()
    item = only_item(shift)
    with pytest.raises(ForTheModerator, match="private"):
        shift.desk.do(replies.send, item, "Of course you may.", Audience.PUBLIC)
    shift.desk.do(replies.send, item, "Of course you may.", Audience.PRIVATE, now=True)
    shift.sync.run()
    (sent,) = shift.platform.messages_sent_by_us()
    assert sent.audience is Audience.PRIVATE


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("Hello {name}, welcome", "not filled: name"),
        ("x" * 6000, "at most"),
    ],
)
def test_unready_replies_do_not_leave(one: Shift, text: str, why: str) -> None:
    with pytest.raises(ForTheModerator, match=why):
        reply(one, text)
    assert one.desk.ask(actions.outbox) == []


def test_a_template_is_never_sent_cold_at_amber_or_above(one: Shift) -> None:
    item = only_item(one)
    chosen = next(t for t in one.desk.ask(replies.templates) if t.template_id == "T01")
    text = replies.fill(chosen, dict.fromkeys(chosen.blanks, "word"))
    read(one, Level.AMBER)
    with pytest.raises(ForTheModerator, match="as it stands"):
        one.desk.do(replies.send, item, text, Audience.PUBLIC, "T01")
    own = text.replace("word", "It sounds as if Tuesday matters a lot to you.", 2)
    one.desk.do(replies.send, item, own, Audience.PUBLIC, "T01")


def test_every_action_is_undone_to_where_it_was(one: Shift) -> None:
    item = only_item(one)
    read(one, Level.RED)
    before = one.desk.ask(triage.rows, [item])[0]
    why = "I know them well and have just spoken to them."
    done = [
        one.desk.do(triage.assign, item, "Ada"),
        one.desk.do(triage.set_level, item, Level.GREEN, why),
        one.desk.do(triage.snooze, item, one.clock.now() + timedelta(hours=1)),
        one.desk.do(triage.reopen, item),
        one.desk.do(triage.close, item, Outcome.NOTHING),
        one.desk.do(threads.note, item, "a note"),
    ]
    for _ in done:
        one.clock.forward(seconds=1)
        assert one.desk.do(actions.undo_last) is not None
    assert one.desk.do(actions.undo_last) is None
    after = one.desk.ask(triage.rows, [item])[0]
    assert (after.level, after.rank, after.assignee, after.status) == (
        before.level,
        before.rank,
        before.assignee,
        Status.OPEN,
    )
    assert one.desk.ask(threads.view, item).notes == ()
    assert len(one.desk.ask(actions.history, item)) == 2 * len(done)
