"""What is done on Discord: once, nowhere wider than asked, and with a reason where it cannot be done."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.contract import Audience, RemoteMessage, Verb
from connectors.discord import DiscordConnector
from connectors.errors import CannotTell, Gone, OutcomeUnknown, Reason, Refused, TryLater
from connectors.testing import fetch_one, messages_of
from tests.connectors.test_discord_contract import DiscordWorld, command_for, worlds
from tests.servers.discord_community import (
    BOT,
    GENERAL,
    GUILD,
    MIRA,
    PRIVATE,
    TOBI,
    Message,
)


@pytest.fixture
def world() -> Iterator[DiscordWorld]:
    yield from worlds()


def ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


def id_of(one: Message) -> str:
    return f"{one.channel}/{one.id}"


def ours(world: DiscordWorld) -> list[Message]:
    return [one for one in world.state.messages.values() if one.author == BOT]


# ------------------------------------------------------------------ answering


def test_an_answer_hangs_on_its_message_and_calls_nobody_else(world: DiscordWorld) -> None:
    asked = world.state.say("May I ask something?")
    words = f"@everyone <@{TOBI}> You may."
    receipt = world.connector().perform(command_for(Verb.REPLY, id_of(asked), words))
    (made,) = ours(world)
    assert receipt.remote_id == id_of(made)
    assert receipt.permalink == f"https://discord.com/channels/{GUILD}/{GENERAL}/{made.id}"
    assert made.answers == asked.id
    assert made.more["pings"] == {"parse": [], "replied_user": True}
    assert all(len(nonce) <= 25 for _, nonce in world.state.nonces)


def test_an_answer_comes_back_below_what_it_answers(world: DiscordWorld) -> None:
    asked = world.state.say("May I ask something?")
    receipt = world.connector().perform(command_for(Verb.REPLY, id_of(asked), "You may."))
    found = fetch_one(world.connector(), receipt.remote_id)
    assert isinstance(found, RemoteMessage)
    assert (found.ours, found.parent_id) == (True, id_of(asked))


def test_an_answer_to_what_is_gone_becomes_no_loose_message(world: DiscordWorld) -> None:
    asked = world.state.say("May I ask something?")
    world.state.delete(asked.id)
    with pytest.raises(Gone):
        world.connector().perform(command_for(Verb.REPLY, id_of(asked), "You may."))
    assert not ours(world)


def test_what_is_meant_for_one_person_goes_into_no_channel(world: DiscordWorld) -> None:
    asked = world.state.say("May I ask something?")
    for verb, more in ((Verb.REPLY, {}), (Verb.POLL, {"choices": '["Yes", "No"]', "hours": "1"})):
        command = command_for(verb, id_of(asked), "Only for you", **more)
        with pytest.raises(Refused) as no:
            world.connector().perform(replace(command, audience=Audience.PRIVATE))
        assert no.value.reason is Reason.UNSUPPORTED
    assert not ours(world)


@pytest.mark.parametrize("audience", Audience)
def test_an_answer_in_a_private_thread_stays_there(world: DiscordWorld, audience: Audience) -> None:
    thread = world.state.start_thread("Between us", kind=PRIVATE)
    asked = world.state.say("for few", thread.id)
    command = replace(command_for(Verb.REPLY, id_of(asked), "I am here."), audience=audience)
    world.connector().perform(command)
    assert [one.channel for one in ours(world)] == [thread.id]


def test_a_key_is_known_again_while_the_nonce_is(world: DiscordWorld) -> None:
    command = command_for(Verb.REPLY, id_of(world.state.say("hello")), "Hello, you.")
    first, second = (world.connector().perform(command).remote_id for _ in range(2))
    assert first == second
    assert len(ours(world)) == 1


def test_a_key_is_known_again_after_the_nonce_was_forgotten(world: DiscordWorld) -> None:
    asked = world.state.say("hello", at=ago(hours=3))
    command = command_for(Verb.REPLY, id_of(asked), "Hello, you.", at=ago(hours=1))
    first = world.connector().perform(command).remote_id
    world.state.nonces.clear()
    assert world.connector().perform(command).remote_id == first
    assert len(ours(world)) == 1


def test_the_same_words_to_somebody_else_are_not_taken_for_it(world: DiscordWorld) -> None:
    one, two = (world.state.say(text, at=ago(hours=3)) for text in ("hello", "good evening"))
    for asked in (one, two):
        world.connector().perform(command_for(Verb.REPLY, id_of(asked), "Welcome.", at=ago(hours=1)))
    assert [made.answers for made in ours(world)] == [one.id, two.id]


def test_more_than_can_be_looked_through_tells_nothing(world: DiscordWorld) -> None:
    asked = world.state.say("hello", at=ago(hours=3))
    for number in range(5001):
        world.state.say("x", at=ago(minutes=50) + timedelta(milliseconds=number))
    command = command_for(Verb.REPLY, id_of(asked), "Hello, you.", at=ago(hours=1))
    with pytest.raises(CannotTell):
        world.connector().find_sent(command)


def test_a_letter_goes_to_the_author_alone_and_is_read_from_then_on(world: DiscordWorld) -> None:
    asked = world.state.say("I would rather not say it here.", by=TOBI)
    connector = world.connector()
    command = command_for(Verb.WRITE, id_of(asked), "You can tell me here.")
    assert connector.find_sent(command) is None
    receipt = connector.perform(command)
    assert [one.channel for one in ours(world)] == [world.state.direct(TOBI).id]
    assert connector.find_sent(command) == receipt
    fresh = connector.fresh_secrets()
    assert fresh is not None
    assert connector.fresh_secrets() is None
    world.state.say("Thank you.", world.state.direct(TOBI).id, TOBI)
    later = DiscordConnector({**world.values, "people": ""}, fresh)
    assert [one.text for one in messages_of(list(later.pull("direct", "")))] == [command.text, "Thank you."]


def test_a_conversation_that_could_not_be_opened_is_no_unknown_outcome(world: DiscordWorld) -> None:
    command = command_for(Verb.WRITE, id_of(world.state.say("hello")), "Hello, you.")
    world.proxy.lose_next_answer()
    with pytest.raises(TryLater):
        world.connector().perform(command)
    world.connector().perform(command)
    assert len(ours(world)) == 1


def test_somebody_who_takes_no_letters_is_named(world: DiscordWorld) -> None:
    world.state.no_letters.add(MIRA)
    with pytest.raises(Refused, match="takes no direct messages") as no:
        world.connector().perform(command_for(Verb.WRITE, id_of(world.state.say("hello")), "Hello."))
    assert no.value.reason is Reason.BLOCKED


# ------------------------------------------------------------------ polls


def asked(hours: str = "24", *answers: str) -> dict[str, str]:
    return {"hours": hours, "choices": json.dumps(answers or ["Monday", "Friday"])}


def test_a_poll_is_asked_once_and_ended(world: DiscordWorld) -> None:
    target = id_of(world.state.say("When do we meet?"))
    command = command_for(Verb.POLL, target, "Which evening?", **asked("48"))
    receipts = [world.connector().perform(command) for _ in range(2)]
    assert receipts[0] == receipts[1]
    (made,) = ours(world)
    assert made.poll is not None
    assert (made.poll.question, made.poll.answers) == ("Which evening?", ["Monday", "Friday"])
    assert made.poll.expiry - made.at >= timedelta(hours=47)
    end = command_for(Verb.END_POLL, receipts[0].remote_id)
    assert world.connector().find_sent(end) is None
    world.connector().perform(end)
    assert world.connector().find_sent(end) is not None
    found = fetch_one(world.connector(), receipts[0].remote_id)
    assert isinstance(found, RemoteMessage)
    assert found.poll is not None
    assert found.poll.closed
    with pytest.raises(Refused) as no:
        world.connector().perform(end)
    assert no.value.reason is Reason.STALE


def test_a_lost_poll_is_found_by_its_question(world: DiscordWorld) -> None:
    target = id_of(world.state.say("When do we meet?"))
    command = command_for(Verb.POLL, target, "Which evening?", **asked())
    assert world.connector().find_sent(command) is None
    world.proxy.lose_next_answer()
    with pytest.raises(OutcomeUnknown):
        world.connector().perform(command)
    assert world.connector().find_sent(command) is not None


@pytest.mark.parametrize(
    ("text", "options", "reason"),
    [
        ("x" * 301, asked(), Reason.TOO_LONG),
        ("When?", asked("24", "y" * 56, "no"), Reason.TOO_LONG),
        ("When?", asked("24", *map(str, range(11))), Reason.INVALID),
        ("When?", {"hours": "24", "choices": "[]"}, Reason.INVALID),
        ("When?", {"hours": "24", "choices": "no list"}, Reason.INVALID),
        (" ", asked(), Reason.INVALID),
        ("When?", asked("769"), Reason.INVALID),
        ("When?", asked("0"), Reason.INVALID),
        ("When?", asked(""), Reason.INVALID),
        ("When?", asked("nan"), Reason.INVALID),
    ],
)
def test_a_poll_that_discord_would_not_take_is_not_sent(
    world: DiscordWorld, text: str, options: dict[str, str], reason: Reason
) -> None:
    command = command_for(Verb.POLL, id_of(world.state.say("hello")), text, **options)
    with pytest.raises(Refused) as no:
        world.connector().perform(command)
    assert no.value.reason is reason
    assert not ours(world)


@pytest.mark.parametrize("hours", ["1", "768", "0.5"])
def test_the_longest_and_the_shortest_poll_are_taken(world: DiscordWorld, hours: str) -> None:
    options = asked(hours, *("z" * 55 for _ in range(10)))
    world.connector().perform(command_for(Verb.POLL, id_of(world.state.say("hi")), "q" * 300, **options))
    assert len(ours(world)) == 1
