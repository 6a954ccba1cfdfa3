"""What a moderator asks of the platform beside replying: done there once, said here, taken back."""

from datetime import timedelta
from typing import Any

import pytest
from conftest import Clock, Shift

from connectors.contract import Command, Receipt
from connectors.demo import DemoConnector, Fault
from connectors.errors import CannotTell, Refused
from moderator_app.desk import actions, moderation, replies, search, threads, triage
from moderator_app.desk.rows import ActionKind, ActionState, Audience, Queue, ThreadView
from moderator_app.desk.sync import Sync
from moderator_app.errors import ForTheModerator
from moderator_app.models.inbox import Message


@pytest.fixture
def said(shift: Shift) -> int:
    """The message that @robin wrote in public, as the desk knows it."""
    shift.platform.say("@robin", "Buy my miracle tea, all of you!")
    shift.sync.run()
    (message,) = _view(shift).messages
    assert message.message_id is not None
    return message.message_id


def _view(shift: Shift) -> ThreadView:
    item = shift.desk.ask(triage.queue, Queue.OPEN)[0].item_id
    return shift.desk.ask(threads.view, item)


def _do(shift: Shift, message: int, kind: ActionKind, **options: str) -> Any:
    done = shift.desk.do(moderation.act, message, kind, options)
    _send(shift)
    return done


def _send(shift: Shift) -> None:
    shift.clock.forward(seconds=11)
    shift.sync.run()


def _state(shift: Shift) -> ActionState:
    item = shift.desk.ask(triage.queue, Queue.OPEN)
    view = shift.desk.ask(threads.view, item[0].item_id)
    return view.history[0].state


def test_what_was_removed_there_is_gone_here_and_comes_back(shift: Shift, said: int) -> None:
    done = _do(shift, said, ActionKind.REMOVE)
    assert shift.platform.all_messages() == []
    assert not shift.desk.ask(search.find, "miracle")
    shift.desk.do(actions.undo, done.action_id)
    _send(shift)
    assert [m.text for m in shift.platform.all_messages()] == ["Buy my miracle tea, all of you!"]
    assert shift.desk.ask(search.find, "miracle")


def test_somebody_who_is_muted_cannot_write_for_so_many_hours(shift: Shift, said: int) -> None:
    _do(shift, said, ActionKind.MUTE, hours="3")
    with pytest.raises(Refused):
        shift.platform.say("@robin", "Still here")
    shift.clock.forward(hours=4)
    shift.platform.say("@robin", "I am sorry")
    shift.platform.say("@ada", "Good evening")


def test_a_ban_is_lifted_by_undo(shift: Shift, said: int) -> None:
    done = _do(shift, said, ActionKind.BAN, reason="selling, three times")
    with pytest.raises(Refused):
        shift.platform.say("@robin", "Still here")
    shift.desk.do(actions.undo, done.action_id)
    _send(shift)
    shift.platform.say("@robin", "I am sorry")


def test_a_locked_conversation_takes_no_more(shift: Shift, said: int) -> None:
    thread = shift.platform.all_messages()[0].thread_id
    _do(shift, said, ActionKind.LOCK)
    with pytest.raises(Refused):
        shift.platform.say("@ada", "me too", thread)
    _do(shift, said, ActionKind.UNLOCK)
    shift.platform.say("@ada", "me too", thread)


def test_a_private_word_to_somebody_who_wrote_in_public_is_never_public(shift: Shift, said: int) -> None:
    _do(shift, said, ActionKind.WRITE, text="Please do not sell here. Is everything all right?")
    (sent,) = shift.platform.messages_sent_by_us()
    assert sent.audience.value == "private"
    assert "everything all right" in sent.text


def test_a_private_word_needs_words(shift: Shift, said: int) -> None:
    with pytest.raises(ForTheModerator):
        shift.desk.do(moderation.act, said, ActionKind.WRITE, {"text": "  "})


def test_a_poll_is_asked_counted_and_ended(shift: Shift, said: int) -> None:
    item = _view(shift).item.item_id
    shift.desk.do(moderation.ask_poll, item, "When shall we meet?", ["Tuesday", "Thursday"], 24)
    _send(shift)
    (sent,) = shift.platform.messages_sent_by_us()
    for person, answer in (("@ada", 1), ("@bo", 1), ("@cy", 0), ("@cy", 1)):
        shift.platform.vote(sent.id, answer, person)
    shift.sync.run()
    mine = next(m for m in shift.desk.ask(threads.view, item).messages if m.ours)
    assert mine.enclosed is not None
    assert mine.enclosed.poll is not None
    assert mine.enclosed.poll.answers == (("Tuesday", 0), ("Thursday", 3))
    assert not mine.enclosed.poll.closed
    assert mine.message_id is not None
    _do(shift, mine.message_id, ActionKind.END_POLL)
    mine = next(m for m in shift.desk.ask(threads.view, item).messages if m.ours)
    assert mine.enclosed is not None
    assert mine.enclosed.poll is not None
    assert mine.enclosed.poll.closed
    with pytest.raises(Refused):
        shift.platform.vote(sent.id, 0, "@dan")


@pytest.mark.parametrize(
    ("question", "answers"),
    [
        ("", ["a", "b"]),
        ("Which?", ["a"]),
        ("Which?", ["a", "a"]),
        ("Which?", ["a", " "]),
        ("Which?", ["x"] * 11),
    ],
)
def test_a_poll_that_makes_no_sense_is_not_asked(
    shift: Shift, said: int, question: str, answers: list[str]
) -> None:
    item = _view(shift).item.item_id
    with pytest.raises(ForTheModerator):
        shift.desk.do(moderation.ask_poll, item, question, answers, 24)


def test_what_a_platform_lacks_is_refused_with_its_reason(shift: Shift, said: int) -> None:
    with pytest.raises(ForTheModerator) as refusal:
        shift.desk.do(moderation.act, said, ActionKind.KICK)
    assert "muted or banned" in str(refusal.value.facts)
    assert "muted or banned" in _view(shift).can[ActionKind.KICK]


def test_a_refusal_is_told_and_nothing_else_changes(shift: Shift, said: int) -> None:
    shift.platform.fail_next(Fault.REFUSE)
    _do(shift, said, ActionKind.BAN)
    assert _state(shift) is ActionState.FAILED
    shift.platform.say("@robin", "Hello again")


class _Mute(DemoConnector):
    """A platform with neither keys nor a look-up."""

    def find_sent(self, command: Command) -> Receipt | None:
        raise CannotTell("nothing tells")


@pytest.mark.parametrize("arrived", [True, False])
def test_where_nothing_can_tell_a_person_is_asked(shift: Shift, said: int, arrived: bool) -> None:
    connector = _Mute.on(shift.platform, shift.secrets)
    sync = Sync(shift.desk, shift.account, connector, shift.secrets.update)
    shift.platform.fail_next(Fault.LOST_ANSWER)
    done = shift.desk.do(moderation.act, said, ActionKind.WRITE, {"text": "How are you?"})
    shift.clock.forward(seconds=11)
    sync.run()
    shift.clock.forward(minutes=5)
    sync.run()
    (waiting,) = shift.desk.ask(actions.outbox)
    assert waiting.state is ActionState.UNSURE
    shift.clock.forward(hours=1)
    sync.run()
    assert len(shift.platform.messages_sent_by_us()) == 1, "it is not sent again by itself"
    with pytest.raises(ForTheModerator):
        shift.desk.do(actions.undo, done.action_id)
    shift.desk.do(actions.answer_unsure, done.action_id, arrived=arrived)
    sync.run()
    assert shift.desk.ask(actions.outbox) == []
    # The demo knows its keys, so that even the second sending is the same one there.
    assert len(shift.platform.messages_sent_by_us()) == 1
    with pytest.raises(ForTheModerator):
        shift.desk.do(actions.answer_unsure, done.action_id, arrived=True)


def test_a_reply_to_what_became_private_since_is_not_sent(shift: Shift, said: int) -> None:
    item = _view(shift).item.item_id
    shift.desk.do(replies.send, item, "Thank you for telling everybody.", Audience.PUBLIC)
    with shift.desk.store.write() as session:
        session.get_one(Message, said).audience = Audience.PRIVATE
    _send(shift)
    assert shift.platform.messages_sent_by_us() == []
    assert _state(shift) is ActionState.FAILED


def test_a_reply_leaves_in_the_middle_of_a_long_pull(shift: Shift, said: int, clock: Clock) -> None:
    for number in range(350):
        shift.platform.say("@mira", f"message {number}", title=f"thread {number}")
    shift.desk.do(moderation.act, said, ActionKind.WRITE, {"text": "How are you?"})
    sent: list[int] = []

    def page(_: object) -> None:
        clock.at += timedelta(seconds=11)
        sent.append(len(shift.platform.messages_sent_by_us()))

    shift.sync.run(page)
    assert sent[0] == 0
    assert sent[1] == 1, "with the next page, not at the end of the pull"
