"""What a bot does on Telegram, and the traps: rights, moved groups, limits, polls, what nobody can tell."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.contract import Audience, Command, Kind, RemoteMessage, Verb
from connectors.errors import CannotTell, Gone, OutcomeUnknown, Reason, Refused, TryLater
from connectors.faults import FaultProxy
from connectors.http import Limits
from connectors.telegram import MESSAGES, TelegramConnector
from connectors.telegram_api import Api, Paces
from connectors.testing import messages_of
from tests.connectors.test_telegram_contract import TelegramWorld, command_for
from tests.servers.telegram_community import (
    BOT,
    CHANNEL,
    FORUM,
    LETTERS,
    MEMBERS,
    MIRA,
    PUBLIC,
    ROBIN,
    SMALL,
)
from tests.servers.telegram_server import Telegram, running

HEART = "\N{HEAVY BLACK HEART}"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[TelegramWorld]:
    monkeypatch.setattr(Api, "limits", Limits(tries=2, first_pause=0.01))
    state = Telegram()
    with running(state) as server, FaultProxy(f"http://127.0.0.1:{server.server_port}") as proxy:
        yield TelegramWorld(state, proxy)


@pytest.fixture
def clock(world: TelegramWorld, monkeypatch: pytest.MonkeyPatch) -> Telegram:
    """Our clock is the server's, and moves only when a test says so."""
    world.state.at = datetime.now(UTC).replace(microsecond=0)
    monkeypatch.setattr(TelegramConnector, "now", staticmethod(world.state.now))
    return world.state


def said(world: TelegramWorld, chat: int = PUBLIC, who: int = ROBIN, **more: int) -> RemoteMessage:
    """Somebody writes something, and we read it."""
    world.state.say(chat, who, "Is anybody there?", **more)
    return messages_of(list(world.connector().pull(MESSAGES, "")))[-1]


def to(one: RemoteMessage, verb: Verb = Verb.REPLY, text: str = "", **options: str) -> Command:
    command = command_for(verb, one.id, text, one.thread_id, **options)
    return replace(command, audience=one.audience)


def do(
    world: TelegramWorld, one: RemoteMessage, verb: Verb = Verb.REPLY, text: str = "", **options: str
) -> str:
    return world.connector().perform(to(one, verb, text, **options)).remote_id


def refused(world: TelegramWorld, command: Command) -> Refused:
    with pytest.raises(Refused) as no:
        world.connector().perform(command)
    return no.value


# ---------------------------------------------------------------------- answers


def test_an_answer_names_what_it_answers_and_loads_no_preview(world: TelegramWorld) -> None:
    one = said(world)
    do(world, one, text="I am here. https://example.org")
    (asked,) = world.state.asked("sendMessage")
    assert asked["reply_parameters"] == {"message_id": int(one.id.split(":")[1])}
    assert asked["link_preview_options"] == {"is_disabled": True}
    assert "message_thread_id" not in asked, "the number of a mere chain is refused"


def test_an_answer_in_a_topic_stays_there(world: TelegramWorld) -> None:
    topic = world.state.open_topic("Long nights")
    do(world, said(world, FORUM, topic=topic), text="I am here.")
    assert world.state.asked("sendMessage")[0]["message_thread_id"] == topic


def test_a_letter_to_the_channel_is_answered_to_its_writer(world: TelegramWorld) -> None:
    topic = {"topic_id": ROBIN, "user": world.state.person(ROBIN)}
    world.state.say(LETTERS, ROBIN, "To whoever reads this.", direct_messages_topic=topic)
    (one,) = messages_of(list(world.connector().pull(MESSAGES, "")))
    assert (one.kind, one.audience, one.thread_id) == (Kind.DIRECT, Audience.PRIVATE, f"{LETTERS}~{ROBIN}")
    do(world, one, text="I am here.")
    assert world.state.asked("sendMessage")[0]["direct_messages_topic_id"] == ROBIN
    poll = to(one, Verb.POLL, "Which?", choices='["x", "y"]')
    assert refused(world, poll).reason is Reason.UNSUPPORTED


@pytest.mark.parametrize("audience", Audience)
def test_an_answer_to_a_private_message_goes_nowhere_else(world: TelegramWorld, audience: Audience) -> None:
    one = said(world, ROBIN)
    world.connector().perform(replace(to(one, text="I am here."), audience=audience))
    assert world.state.ours(ROBIN) == ["I am here."]
    assert [params["chat_id"] for params in world.state.asked("sendMessage")] == [ROBIN]


def test_a_group_that_became_public_gets_no_private_answer(world: TelegramWorld) -> None:
    one = said(world, MEMBERS)
    do(world, one, text="first")
    world.state.chats[MEMBERS].username = "open_now"
    assert refused(world, to(one, text="second")).reason is Reason.STALE
    assert world.state.ours(MEMBERS) == ["first"]


@pytest.mark.parametrize("extra", [0, 1])
def test_length_is_counted_in_utf_16(world: TelegramWorld, extra: int) -> None:
    one = said(world)
    words = "\N{GRINNING FACE}" * 2048 + "x" * extra
    if not extra:
        assert do(world, one, text=words)
        return
    assert refused(world, to(one, text=words)).reason is Reason.TOO_LONG
    assert not world.state.asked("sendMessage")


def test_an_answer_to_what_is_gone_is_not_sent(world: TelegramWorld) -> None:
    for chat in (PUBLIC, ROBIN):
        one = said(world, chat)
        world.state.delete(chat, int(one.id.split(":")[1]))
        with pytest.raises(Gone):
            do(world, one, text="I am here.")
        assert world.state.ours(chat) == []


def test_who_blocked_the_bot_and_where_it_was_removed_are_told_apart(world: TelegramWorld) -> None:
    person, group, held = said(world, ROBIN), said(world, PUBLIC), said(world, MEMBERS)
    world.state.chats[ROBIN].members[BOT] = {"status": "kicked"}
    world.state.chats[PUBLIC].members[BOT] = {"status": "kicked"}
    world.state.chats[MEMBERS].members[BOT] = {"status": "restricted", "can_send_messages": False}
    assert "has blocked the bot" in str(refused(world, to(person, text="I am here.")))
    assert "no longer in this group" in str(refused(world, to(group, text="I am here.")))
    assert refused(world, to(held, text="I am here.")).reason is Reason.ROLE


def test_a_lost_answer_is_nothing_that_anybody_can_tell(world: TelegramWorld) -> None:
    one = said(world, ROBIN)
    for verb, options in ((Verb.REPLY, {}), (Verb.WRITE, {}), (Verb.POLL, {"choices": '["yes", "no"]'})):
        command = to(one, verb, "How are you?", **options)
        world.proxy.lose_next_answer()
        with pytest.raises(OutcomeUnknown):
            world.connector().perform(command)
        with pytest.raises(CannotTell):
            world.connector().find_sent(command)
    assert world.state.ours(ROBIN) == ["How are you?"] * 2


def test_writing_goes_to_the_author_alone(world: TelegramWorld) -> None:
    world.state.private(ROBIN)
    connector = world.connector()
    state = list(connector.pull(MESSAGES, ""))[-1].state
    one = said(world)
    made = connector.perform(to(one, Verb.WRITE, "How are you?"))
    assert world.state.ours(ROBIN) == ["How are you?"]
    assert world.state.ours(PUBLIC) == []
    (page,) = connector.pull(MESSAGES, state)
    (later,) = connector.pull(MESSAGES, page.state)
    assert later.messages == (), "and once"
    shown = {each.id: each for each in page.messages}
    assert shown[made.remote_id].ours, "no update tells of it: we do"
    assert shown[made.remote_id].thread_id == str(ROBIN)
    assert shown[made.remote_id].audience is Audience.PRIVATE


def test_a_stranger_cannot_be_written_to(world: TelegramWorld) -> None:
    no = refused(world, to(said(world), Verb.WRITE, "How are you?"))
    assert no.reason is Reason.BLOCKED
    assert "have written to it" in str(no)
    channel = said(world, PUBLIC, sender_chat=world.state.chats[CHANNEL].row())  # type: ignore[arg-type] - a raw field
    assert refused(world, to(channel, Verb.WRITE, "How are you?")).reason is Reason.INVALID


# ---------------------------------------------------------------------- a group that moved


def test_a_waiting_answer_follows_the_group_and_answers_nobody_else(world: TelegramWorld) -> None:
    one = said(world, SMALL)
    moved = world.state.migrate(SMALL)
    stranger = world.state.say(moved, MIRA, "something else")
    made = do(world, one, text="I am here.")
    assert world.state.ours(moved) == ["I am here."]
    assert made.startswith(f"{moved}:")
    (sent,) = [raw for raw in world.state.chats[moved].messages.values() if raw.get("text") == "I am here."]
    assert "reply_to_message" not in sent, "the number means another message there"
    assert stranger


def test_people_are_banned_where_the_group_is_now(world: TelegramWorld) -> None:
    one = said(world, SMALL)
    moved = world.state.migrate(SMALL)
    do(world, one, Verb.BAN)
    assert world.state.chats[moved].members[ROBIN]["status"] == "kicked"


@pytest.mark.parametrize("verb", [Verb.REMOVE, Verb.LIKE])
def test_a_number_of_before_is_never_used_in_the_new_group(world: TelegramWorld, verb: Verb) -> None:
    one = said(world, SMALL)
    moved = world.state.migrate(SMALL)
    before = dict(world.state.chats[moved].messages)
    assert refused(world, to(one, verb)).reason is Reason.NOT_FOUND
    assert world.state.chats[moved].messages == before


# ---------------------------------------------------------------------- limits


def test_a_429_in_one_chat_stops_that_chat_only(world: TelegramWorld, clock: Telegram) -> None:
    here, there = said(world, PUBLIC), said(world, MEMBERS)
    connector = world.connector()
    told = {"ok": False, "error_code": 429, "description": "no", "parameters": {"retry_after": 40}}
    world.proxy.answer_next(429, json.dumps(told).encode(), "sendMessage")
    with pytest.raises(TryLater) as wait:
        connector.perform(to(here, text="one"))
    assert wait.value.until
    assert 39 <= (wait.value.until - datetime.now(UTC)).total_seconds() <= 41
    clock.at = clock.now() + timedelta(seconds=5)
    with pytest.raises(TryLater):
        connector.perform(to(here, text="one"))
    assert not world.state.asked("sendMessage"), "it is not even asked"
    connector.perform(to(there, text="two"))
    clock.at = clock.now() + timedelta(seconds=37)
    connector.perform(to(here, text="one"))
    assert world.state.ours(PUBLIC) == ["one"]


def test_no_chat_gets_more_than_telegram_allows(world: TelegramWorld, clock: Telegram) -> None:
    clock.strict = True
    connector = world.connector()
    one, other = said(world), said(world, MEMBERS)
    begun = clock.now()
    for number in range(21):
        clock.at = _patiently(connector, to(one, text=f"answer {number}"), clock)
    assert clock.now() - begun >= timedelta(seconds=60), "twenty a minute in a group"
    connector.perform(to(other, text="elsewhere"))
    assert len(world.state.asked("sendMessage")) == 22, "none was asked in vain"


def test_thirty_messages_a_second_altogether() -> None:
    at = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)
    paces = Paces(lambda: at)
    for chat in range(1, 31):
        paces.hold(chat)
        paces.sent(chat)
    with pytest.raises(TryLater) as wait:
        paces.hold(31)
    assert wait.value.until == at + timedelta(seconds=1)
    at += timedelta(seconds=1)
    paces.hold(31)


def _patiently(connector: TelegramConnector, command: Command, clock: Telegram) -> datetime:
    """Send it as soon as it may be sent; when that was."""
    while True:
        try:
            connector.perform(command)
        except TryLater as wait:
            clock.at = wait.until or clock.now() + timedelta(seconds=1)
        else:
            return clock.now()


# ---------------------------------------------------------------------- messages as they stand


def test_our_own_is_taken_back_and_nobody_elses(world: TelegramWorld) -> None:
    one = said(world)
    made = do(world, one, text="Too quick.")
    world.connector().perform(command_for(Verb.RETRACT, made))
    assert world.state.ours(PUBLIC) == []
    world.connector().perform(command_for(Verb.RETRACT, made))  # what is gone is as good as taken back
    assert refused(world, to(one, Verb.RETRACT)).reason is Reason.ROLE


def test_removing_needs_the_right(world: TelegramWorld) -> None:
    one = said(world)
    world.state.promote(PUBLIC, "can_restrict_members")
    no = refused(world, to(one, Verb.REMOVE))
    assert no.reason is Reason.ROLE
    assert "right to delete messages" in str(no)
    world.state.promote(PUBLIC, "can_delete_messages")
    do(world, one, Verb.REMOVE)
    assert int(one.id.split(":")[1]) not in world.state.chats[PUBLIC].messages


def test_after_two_days_nothing_is_deleted(world: TelegramWorld, clock: Telegram) -> None:
    one = said(world)
    clock.at = clock.now() + timedelta(hours=49)
    no = refused(world, to(one, Verb.REMOVE))
    assert "48 hours" in str(no)


def test_hearts_come_and_go(world: TelegramWorld) -> None:
    one = said(world)
    raw = world.state.chats[PUBLIC].messages[int(one.id.split(":")[1])]
    for _ in range(2):
        do(world, one, Verb.LIKE)
        assert raw["_reactions"][BOT] == (HEART,)
    do(world, one, Verb.UNLIKE)
    assert raw["_reactions"][BOT] == ()
    assert world.connector().find_sent(to(one, Verb.LIKE)) is None, "again changes nothing"
    world.state.delete(PUBLIC, int(one.id.split(":")[1]))
    assert refused(world, to(one, Verb.LIKE)).reason is Reason.BLOCKED


def test_a_topic_is_closed_and_opened(world: TelegramWorld) -> None:
    topic = world.state.open_topic("Long nights")
    one = said(world, FORUM, topic=topic)
    do(world, one, Verb.LOCK)
    assert world.state.chats[FORUM].shut == {topic}
    assert refused(world, to(one, Verb.LOCK)).reason is Reason.BLOCKED
    do(world, one, Verb.UNLOCK)
    assert world.state.chats[FORUM].shut == set()
    assert refused(world, to(said(world), Verb.LOCK)).reason is Reason.UNSUPPORTED


# ---------------------------------------------------------------------- people


def test_muting_lasts_as_long_as_asked(world: TelegramWorld, clock: Telegram) -> None:
    one = said(world)
    do(world, one, Verb.MUTE, hours="24")
    member = world.state.chats[PUBLIC].members[ROBIN]
    assert not member["can_send_messages"]
    assert abs(member["until_date"] - (clock.now() + timedelta(hours=24)).timestamp()) < 60
    do(world, one, Verb.MUTE)
    assert world.state.chats[PUBLIC].members[ROBIN]["until_date"] == 0
    do(world, one, Verb.UNMUTE)
    assert world.state.chats[PUBLIC].members[ROBIN] == {"status": "member"}


def test_telegrams_clock_counts_not_ours(world: TelegramWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    one = said(world)
    late = datetime.now(UTC) - timedelta(hours=5)
    monkeypatch.setattr(TelegramConnector, "now", staticmethod(lambda: late))
    do(world, one, Verb.BAN, hours="1")
    assert world.state.chats[PUBLIC].members[ROBIN]["until_date"] > datetime.now(UTC).timestamp()


def test_longer_than_telegram_knows_is_refused_and_not_for_ever(world: TelegramWorld) -> None:
    one = said(world)
    do(world, one, Verb.BAN, hours=str(365 * 24))
    assert world.state.chats[PUBLIC].members[ROBIN]["until_date"]
    for hours in (str(366 * 24 + 1), "0", "-3", "soon"):
        assert refused(world, to(one, Verb.BAN, hours=hours)).reason is Reason.INVALID


def test_lifting_a_ban_removes_no_member(world: TelegramWorld) -> None:
    one = said(world)
    do(world, one, Verb.UNBAN)
    assert world.state.chats[PUBLIC].members[ROBIN]["status"] == "member"
    do(world, one, Verb.BAN)
    do(world, one, Verb.UNBAN)
    assert world.state.chats[PUBLIC].members[ROBIN]["status"] == "left"


def test_removing_somebody_lifts_no_ban(world: TelegramWorld) -> None:
    one = said(world)
    command = to(one, Verb.KICK)
    assert world.connector().find_sent(command) is None
    world.connector().perform(command)
    assert world.state.chats[PUBLIC].members[ROBIN]["status"] == "left"
    assert world.connector().find_sent(command) is not None
    do(world, one, Verb.BAN)
    do(world, one, Verb.KICK)
    assert world.state.chats[PUBLIC].members[ROBIN]["status"] == "kicked"


def test_a_small_group_can_only_remove(world: TelegramWorld) -> None:
    one = said(world, SMALL)
    for verb in (Verb.MUTE, Verb.BAN, Verb.UNBAN, Verb.UNMUTE):
        assert refused(world, to(one, verb)).reason is Reason.UNSUPPORTED
    do(world, one, Verb.KICK)
    assert world.state.chats[SMALL].members[ROBIN]["status"] == "left"


def test_administrators_channels_and_the_group_itself(world: TelegramWorld) -> None:
    one = said(world)
    world.state.chats[PUBLIC].members[ROBIN] = {"status": "administrator"}
    assert refused(world, to(one, Verb.BAN)).reason is Reason.ROLE
    anonymous = command_for(Verb.BAN, f"{PUBLIC}:1:{PUBLIC}")
    assert "speaks as the group" in str(refused(world, anonymous))
    assert refused(world, command_for(Verb.BAN, f"{PUBLIC}:1:{BOT}")).reason is Reason.INVALID
    channel = f"{PUBLIC}:1:{CHANNEL}"
    world.connector().perform(command_for(Verb.BAN, channel))
    assert world.state.chats[PUBLIC].members[CHANNEL]["status"] == "kicked"
    world.connector().perform(command_for(Verb.UNBAN, channel))
    assert CHANNEL not in world.state.chats[PUBLIC].members
    assert refused(world, command_for(Verb.MUTE, channel)).reason is Reason.UNSUPPORTED
    assert refused(world, to(said(world, ROBIN), Verb.BAN)).reason is Reason.UNSUPPORTED


def test_a_bot_without_the_right_is_told_which(world: TelegramWorld) -> None:
    one = said(world)
    world.state.promote(PUBLIC, "can_delete_messages")
    assert "right to ban users" in str(refused(world, to(one, Verb.BAN)))
    world.state.chats[PUBLIC].members[BOT] = {"status": "kicked"}
    assert "no longer in this group" in str(refused(world, to(one, Verb.BAN)))


# ---------------------------------------------------------------------- polls


def test_a_poll_is_asked_counted_and_ended(world: TelegramWorld) -> None:
    connector = world.connector()
    (page,) = connector.pull(MESSAGES, "")
    one = said(world)
    choices = json.dumps(["tea", "milk", "water"])
    made = connector.perform(to(one, Verb.POLL, "What helps tonight?", choices=choices, hours="24"))
    (asked,) = world.state.asked("sendPoll")
    assert asked["is_anonymous"] is True
    assert asked["open_period"] == 24 * 3600
    (page,) = connector.pull(MESSAGES, page.state)
    shown = {each.id: each for each in page.messages}[made.remote_id]
    assert shown.ours
    assert shown.text == "What helps tonight?"
    assert shown.poll
    assert shown.poll.answers == (("tea", 0), ("milk", 0), ("water", 0))
    assert shown.poll.closes_at
    world.state.vote("poll-1", 1)
    later = world.connector()  # another day: only the state is left
    (page,) = later.pull(MESSAGES, page.state)
    (counted,) = page.messages
    assert (counted.id, counted.revision, counted.thread_id) == (shown.id, shown.revision, shown.thread_id)
    assert counted.poll
    assert counted.poll.answers[1] == ("milk", 1)
    later.perform(to(counted, Verb.END_POLL))
    (page,) = later.pull(MESSAGES, page.state)
    assert page.messages[0].poll
    assert page.messages[0].poll.closed
    assert refused(world, to(counted, Verb.END_POLL)).reason is Reason.STALE
    assert refused(world, to(one, Verb.END_POLL)).reason is Reason.ROLE


@pytest.mark.parametrize(
    ("question", "choices", "hours", "reason"),
    [
        ("Which?", ["one"], "", Reason.INVALID),
        ("Which?", ["x"] * 13, "", Reason.INVALID),
        ("Which?", ["x", " "], "", Reason.INVALID),
        ("Which?", ["x" * 101, "y"], "", Reason.TOO_LONG),
        ("?" * 301, ["x", "y"], "", Reason.TOO_LONG),
        (" ", ["x", "y"], "", Reason.INVALID),
        ("Which?", ["x", "y"], "731", Reason.INVALID),
    ],
)
def test_a_poll_that_telegram_would_not_take(
    world: TelegramWorld, question: str, choices: list[str], hours: str, reason: Reason
) -> None:
    command = to(said(world), Verb.POLL, question, choices=json.dumps(choices), hours=hours)
    assert refused(world, command).reason is reason
    assert not world.state.asked("sendPoll")


def test_a_poll_without_hours_stays_open(world: TelegramWorld) -> None:
    do(world, said(world), Verb.POLL, "Which?", choices='["x", "y"]')
    assert "open_period" not in world.state.asked("sendPoll")[0]


def test_a_poll_follows_a_group_that_moved(world: TelegramWorld) -> None:
    one = said(world, SMALL)
    moved = world.state.migrate(SMALL)
    made = do(world, one, Verb.POLL, "Which?", choices='["x", "y"]')
    assert made.startswith(f"{moved}:")


def test_a_poll_in_a_channel_is_the_bots(world: TelegramWorld) -> None:
    world.state.post("We are here tonight.")
    (post, *_) = messages_of(list(world.connector().pull(MESSAGES, "")))
    made = do(world, post, Verb.POLL, "Which?", choices='["x", "y"]')
    world.connector().perform(command_for(Verb.END_POLL, made))
    world.connector().perform(command_for(Verb.RETRACT, made))
