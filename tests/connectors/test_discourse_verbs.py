"""What people do on a Discourse forum: answering, deciding about the queue, polls, quiet for members."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from uuid_utils.compat import uuid7

from connectors.contract import Audience, Command, RemoteMessage, Verb
from connectors.discourse import DiscourseConnector
from connectors.errors import CannotTell, OutcomeUnknown, Reason, Refused
from connectors.faults import FaultProxy
from connectors.testing import fetch_one
from tests.connectors.test_discourse_contract import DiscourseWorld
from tests.servers.discourse_answers import Discourse
from tests.servers.discourse_forum import OURS, ROBIN, WHISPER, WREN
from tests.servers.discourse_server import running


@pytest.fixture
def world() -> Iterator[DiscourseWorld]:
    state = Discourse()
    with running(state) as server, FaultProxy(server.url) as proxy:
        yield DiscourseWorld(state, proxy)


def _command(verb: Verb, target: object, text: str = "", **options: str) -> Command:
    return Command(str(uuid4()), verb, str(target), "", text, options=options)


def _mine(world: DiscourseWorld) -> list[str]:
    return [one.raw for one in world.state.posts.values() if one.user == OURS and not one.deleted]


def _member(world: DiscourseWorld) -> None:
    world.state.users[OURS] = replace(world.state.users[OURS], moderator=False)


def _refused(world: DiscourseWorld, command: Command) -> Reason:
    with pytest.raises(Refused) as no:
        world.connector().perform(command)
    assert str(no.value)
    return no.value.reason


# ---------------------------------------------------------------------- never wider


def test_an_answer_to_a_whisper_is_a_whisper(world: DiscourseWorld) -> None:
    post = world.state.say("Shall one of us write to robin?", world.state.home, WREN, kind=WHISPER)
    made = world.connector().perform(_command(Verb.REPLY, post.id, "I will, tonight"))
    answer = world.state.posts[int(made.remote_id)]
    assert (answer.kind, answer.reply_to, answer.topic) == (WHISPER, post.number, world.state.home)


def test_a_whisper_that_a_forum_makes_public_is_taken_back(world: DiscourseWorld) -> None:
    post = world.state.say("Shall one of us write to robin?", world.state.home, WREN, kind=WHISPER)
    world.state.ignores_whispers = True
    assert _refused(world, _command(Verb.REPLY, post.id, "I will, tonight")) is Reason.BLOCKED
    assert _mine(world) == []


def test_an_answer_to_a_whisper_that_got_lost_and_went_public_is_for_a_person(world: DiscourseWorld) -> None:
    post = world.state.say("Shall one of us write to robin?", world.state.home, WREN, kind=WHISPER)
    command = _command(Verb.REPLY, post.id, "I will, tonight")
    world.proxy.lose_next_answer()
    with pytest.raises(OutcomeUnknown):
        world.connector().perform(command)
    found = world.connector().find_sent(command)
    assert found is not None
    world.state.posts[int(found.remote_id)].kind = 1
    with pytest.raises(CannotTell):
        world.connector().find_sent(command)


def test_a_poll_below_a_whisper_is_refused(world: DiscourseWorld) -> None:
    post = world.state.say("Shall we ask?", world.state.home, WREN, kind=WHISPER)
    command = _command(Verb.POLL, post.id, "Who is on tonight?", choices='["I", "You"]')
    assert _refused(world, command) is Reason.BLOCKED


def test_what_is_hidden_is_not_answered_in_public(world: DiscourseWorld) -> None:
    post = world.state.say("Something hidden", world.state.home)
    post.hidden = True
    found = fetch_one(world.connector(), str(post.id))
    assert isinstance(found, RemoteMessage)
    assert found.hidden
    assert _refused(world, _command(Verb.REPLY, post.id, "We saw this")) is Reason.BLOCKED


def test_what_waits_for_review_is_answered_nowhere(world: DiscourseWorld) -> None:
    held = world.state.hold("I wrote this at night", ROBIN, world.state.home)
    flagged = world.state.flag(world.state.say("Buy my tea", world.state.home).id)
    for entry in (held, flagged):
        assert _refused(world, _command(Verb.REPLY, f"review-{entry.id}", "Hello")) is Reason.BLOCKED
    assert _mine(world) == []


def test_an_answer_that_was_private_stays_so_when_its_topic_is_opened(world: DiscourseWorld) -> None:
    post = world.state.open_direct("Are you there?", "It is a hard evening", ROBIN, {OURS})
    command = replace(_command(Verb.REPLY, post.id, "I am here"), audience=Audience.PRIVATE)
    topic = world.state.topics[post.topic]
    topic.direct, topic.category = False, 5
    assert _refused(world, command) is Reason.STALE
    poll = _command(Verb.POLL, post.id, "How are you?", choices='["well", "not well"]')
    assert _refused(world, replace(poll, audience=Audience.PRIVATE)) is Reason.STALE
    assert _mine(world) == []


def test_an_answer_to_a_message_goes_into_its_conversation(world: DiscourseWorld) -> None:
    post = world.state.open_direct("Are you there?", "It is a hard evening", ROBIN, {OURS})
    made = world.connector().perform(_command(Verb.REPLY, post.id, "I am here"))
    assert world.state.posts[int(made.remote_id)].topic == post.topic


# ---------------------------------------------------------------------- nothing twice


def test_an_admins_key_gets_the_same_post_again_which_is_no_second_answer(world: DiscourseWorld) -> None:
    world.state.admin_keys.add("k" * 64)
    values = {**world.values, "api_username": "harbour"}
    connector = DiscourseConnector(values, {"api_key": "k" * 64})
    post = world.state.say("Good evening", world.state.home)
    connector.perform(_command(Verb.REPLY, post.id, "Good evening to you"))
    with pytest.raises(Refused) as no:
        connector.perform(_command(Verb.REPLY, post.id, "Good evening to you"))
    assert no.value.reason is Reason.INVALID
    assert _mine(world) == ["Good evening to you"]


def test_a_member_may_not_say_the_same_words_again_at_once(world: DiscourseWorld) -> None:
    _member(world)
    post = world.state.say("Good evening", world.state.home)
    world.connector().perform(_command(Verb.REPLY, post.id, "Good evening to you"))
    assert _refused(world, _command(Verb.REPLY, post.id, "Good evening to you")) is Reason.INVALID


def test_the_same_words_of_last_week_are_not_what_was_sent_now(world: DiscourseWorld) -> None:
    post = world.state.say("Good evening", world.state.home)
    week = datetime.now(UTC) - timedelta(days=7)
    world.state.say("Good evening to you", world.state.home, OURS, post.number, at=week)
    command = replace(_command(Verb.REPLY, post.id, "Good evening to you"), key=str(uuid7()))
    assert world.connector().find_sent(command) is None
    made = world.connector().perform(command)
    found = world.connector().find_sent(command)
    assert found is not None
    assert found.remote_id == made.remote_id


def test_the_same_words_to_somebody_else_are_not_what_was_sent(world: DiscourseWorld) -> None:
    first, second = (world.state.say(words, world.state.home) for words in ("Good evening", "And me?"))
    world.connector().perform(_command(Verb.REPLY, second.id, "You are welcome here"))
    command = _command(Verb.REPLY, first.id, "You are welcome here")
    assert world.connector().find_sent(command) is None


def test_a_lost_answer_far_down_a_long_topic_is_found(world: DiscourseWorld) -> None:
    post = world.state.say("Good evening", world.state.home)
    for number in range(100):
        world.state.say(f"evening {number}", world.state.home)
    command = _command(Verb.REPLY, post.id, "Good evening\n\nto you ")
    world.proxy.lose_next_answer()
    with pytest.raises(OutcomeUnknown):
        world.connector().perform(command)
    assert world.connector().find_sent(command) is not None


def test_an_answer_that_is_held_back_is_found_and_can_be_withdrawn(world: DiscourseWorld) -> None:
    _member(world)
    world.state.hold_new = True
    post = world.state.say("Good evening", world.state.home)
    command = _command(Verb.REPLY, post.id, "Good evening to you")
    made = world.connector().perform(command)
    found = world.connector().find_sent(command)
    assert found is not None
    assert found.remote_id == made.remote_id
    assert made.remote_id.startswith("review-")
    world.connector().perform(_command(Verb.RETRACT, made.remote_id))
    assert world.state.queue == {}
    assert world.connector().find_sent(command) is None


def test_a_lost_private_message_is_found(world: DiscourseWorld) -> None:
    post = world.state.say("Good evening", world.state.home)
    command = _command(Verb.WRITE, post.id, "How are you tonight?")
    assert world.connector().find_sent(command) is None
    world.proxy.lose_next_answer()
    with pytest.raises(OutcomeUnknown):
        world.connector().perform(command)
    found = world.connector().find_sent(command)
    assert found is not None
    made = world.state.posts[int(found.remote_id)]
    assert world.state.topics[made.topic].users == {OURS, ROBIN}
    other = world.state.say("Me too", world.state.home, WREN)
    assert world.connector().find_sent(_command(Verb.WRITE, other.id, "How are you tonight?")) is None


# ---------------------------------------------------------------------- posts and topics


def test_words_that_are_too_short_are_refused(world: DiscourseWorld) -> None:
    world.state.settings["min_post_length"] = 20
    post = world.state.say("Good evening, how are you?", world.state.home)
    assert _refused(world, _command(Verb.REPLY, post.id, "Yes")) is Reason.INVALID
    assert _refused(world, _command(Verb.REPLY, post.id, "  ")) is Reason.INVALID


def test_a_post_is_taken_down_and_brought_back(world: DiscourseWorld) -> None:
    post = world.state.say("Buy my tea", world.state.home)
    remove, restore = _command(Verb.REMOVE, post.id), _command(Verb.RESTORE, post.id)
    for _ in range(2):
        world.connector().perform(remove)
        assert post.deleted
    assert world.connector().find_sent(remove) is not None
    assert world.connector().find_sent(restore) is None
    for _ in range(2):
        world.connector().perform(restore)
        assert not post.deleted
    assert world.connector().find_sent(remove) is None
    assert world.connector().find_sent(restore) is not None


def test_a_first_post_is_taken_down_with_its_topic(world: DiscourseWorld) -> None:
    topic = world.state.open_topic("Tea for sale", "Buy my tea", ROBIN)
    first = next(one for one in world.state.posts.values() if one.topic == topic)
    world.connector().perform(_command(Verb.REMOVE, first.id))
    assert first.deleted
    world.connector().perform(_command(Verb.RESTORE, first.id))
    assert not first.deleted


def test_only_our_own_is_taken_back(world: DiscourseWorld) -> None:
    post = world.state.say("Theirs", world.state.home)
    assert _refused(world, _command(Verb.RETRACT, post.id)) is Reason.ROLE
    assert not post.deleted


def test_a_member_takes_down_nothing(world: DiscourseWorld) -> None:
    _member(world)
    post = world.state.say("Theirs", world.state.home)
    assert _refused(world, _command(Verb.REMOVE, post.id)) is Reason.ROLE


def test_a_hidden_post_is_shown_again(world: DiscourseWorld) -> None:
    post = world.state.say("Flagged by mistake", world.state.home)
    post.hidden = True
    command = _command(Verb.UNHIDE, post.id)
    assert world.connector().find_sent(command) is None
    world.connector().perform(command)
    assert not post.hidden
    assert world.connector().find_sent(command) is not None


def test_a_like_is_given_once_and_taken_back(world: DiscourseWorld) -> None:
    post = world.state.say("I slept well", world.state.home)
    like, unlike = _command(Verb.LIKE, post.id), _command(Verb.UNLIKE, post.id)
    assert world.connector().find_sent(like) is None
    for _ in range(2):
        world.connector().perform(like)
        assert post.likes == {OURS}
    assert world.connector().find_sent(like) is not None
    for _ in range(2):
        world.connector().perform(unlike)
        assert post.likes == set()
    assert world.connector().find_sent(unlike) is not None


@pytest.mark.parametrize(("reason", "kind"), [("Please look at this tonight", 7), ("", 4)])
def test_a_post_is_reported_to_the_moderators(world: DiscourseWorld, reason: str, kind: int) -> None:
    post = world.state.say("Something worrying", world.state.home)
    command = _command(Verb.REPORT, post.id, **({"reason": reason} if reason else {}))
    assert world.connector().find_sent(command) is None
    world.connector().perform(command)
    assert post.flags == {OURS: kind}
    assert world.connector().find_sent(command) is not None


def test_a_topic_is_closed_and_opened(world: DiscourseWorld) -> None:
    post = world.state.say("Good evening", world.state.home)
    for verb, closed in ((Verb.LOCK, True), (Verb.UNLOCK, False)):
        command = _command(verb, post.id)
        assert world.connector().find_sent(command) is None
        world.connector().perform(command)
        assert world.state.topics[world.state.home].closed is closed
        assert world.connector().find_sent(command) is not None


def test_a_closed_topic_takes_no_answer_of_a_member(world: DiscourseWorld) -> None:
    _member(world)
    world.state.topics[world.state.home].closed = True
    post = world.state.say("Good evening", world.state.home)
    assert _refused(world, _command(Verb.REPLY, post.id, "Good evening")) is Reason.ROLE


# ---------------------------------------------------------------------- polls


def _ask(world: DiscourseWorld, choices: object, text: str = "How was your week?", **more: str) -> Command:
    command = _command(Verb.POLL, "", text, choices=json.dumps(choices), **more)
    return replace(command, thread_id=str(world.state.home))


def test_a_poll_is_asked_found_and_ended(world: DiscourseWorld) -> None:
    command = _ask(world, ["good", "*hard*\nto say", "good"], hours="24")
    assert world.connector().find_sent(command) is None
    world.proxy.lose_next_answer()
    with pytest.raises(OutcomeUnknown):
        world.connector().perform(command)
    found = world.connector().find_sent(command)
    assert found is not None
    message = fetch_one(world.connector(), found.remote_id)
    assert isinstance(message, RemoteMessage)
    assert message.poll is not None
    assert message.poll.answers == (("good", 0), ("*hard* to say", 0))
    assert message.poll.closes_at is not None
    assert abs(message.poll.closes_at - datetime.now(UTC) - timedelta(hours=24)) < timedelta(minutes=1)
    end = _command(Verb.END_POLL, found.remote_id)
    assert world.connector().find_sent(end) is None
    world.connector().perform(end)
    world.connector().perform(end)
    assert world.connector().find_sent(end) is not None


@pytest.mark.parametrize("choices", [["one"], ["same", "same"], [], {}, ["a", "[/poll]"]])
def test_a_poll_that_is_none_is_refused(world: DiscourseWorld, choices: object) -> None:
    assert _refused(world, _ask(world, choices)) is Reason.INVALID


def test_words_may_not_bring_a_poll_of_their_own(world: DiscourseWorld) -> None:
    assert _refused(world, _ask(world, ["a", "b"], "[poll]\n* c\n[/poll]")) is Reason.INVALID


def test_a_post_without_a_poll_is_not_ended(world: DiscourseWorld) -> None:
    post = world.state.say("Good evening", world.state.home)
    assert _refused(world, _command(Verb.END_POLL, post.id)) is Reason.INVALID


# ---------------------------------------------------------------------- people


@pytest.mark.parametrize(
    ("verb", "back", "field"),
    [(Verb.MUTE, Verb.UNMUTE, "silenced_till"), (Verb.BAN, Verb.UNBAN, "suspended_till")],
)
@pytest.mark.parametrize("hours", ["24", ""])
def test_a_member_is_kept_quiet_for_a_while(
    world: DiscourseWorld, verb: Verb, back: Verb, field: str, hours: str
) -> None:
    post = world.state.say("Buy my tea", world.state.home)
    command, lift = _command(verb, post.id, hours=hours), _command(back, post.id)
    assert world.connector().find_sent(command) is None
    world.connector().perform(command)
    span = getattr(world.state.users[ROBIN], field) - datetime.now(UTC)
    assert abs(span - timedelta(hours=24)) < timedelta(minutes=1) if hours else span > timedelta(days=9999)
    assert world.connector().find_sent(command) is not None
    assert world.connector().find_sent(lift) is None
    assert _refused(world, command) is Reason.STALE, "a second span needs the first to be lifted"
    world.connector().perform(lift)
    assert getattr(world.state.users[ROBIN], field) is None
    assert world.connector().find_sent(lift) is not None


@pytest.mark.parametrize("hours", ["soon", "-3", "nan", "1e99"])
def test_hours_that_are_none_are_refused(world: DiscourseWorld, hours: str) -> None:
    post = world.state.say("Buy my tea", world.state.home)
    assert _refused(world, _command(Verb.BAN, post.id, hours=hours)) is Reason.INVALID


def test_a_moderator_is_not_suspended(world: DiscourseWorld) -> None:
    world.state.users[WREN].moderator = True
    post = world.state.say("I am one of you", world.state.home, WREN)
    assert _refused(world, _command(Verb.BAN, post.id, hours="24")) is Reason.ROLE


def test_nobody_writes_to_themselves_or_to_who_is_no_more(world: DiscourseWorld) -> None:
    own = world.state.say("Mine", world.state.home, OURS)
    nobody = world.state.say("Whose?", world.state.home, 99)
    assert _refused(world, _command(Verb.WRITE, own.id, "Hello there")) is Reason.INVALID
    assert _refused(world, _command(Verb.WRITE, nobody.id, "Hello there")) is Reason.NOT_FOUND
