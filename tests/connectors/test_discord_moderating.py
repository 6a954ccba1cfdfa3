"""What moderators do to messages and people on Discord, and what the bot's roles let them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors.contract import Verb
from connectors.discord import DiscordConnector
from connectors.errors import OutcomeUnknown, Reason, Refused, TryLater
from tests.connectors.test_discord_contract import DiscordWorld, command_for, worlds
from tests.servers.discord_community import (
    BITS,
    BOT,
    GUILD,
    HOOK,
    MIRA,
    ROLE,
    STAFF,
    Message,
    Poll,
    bits,
    overwrite,
)


@pytest.fixture
def world() -> Iterator[DiscordWorld]:
    yield from worlds()


def ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


def id_of(one: Message) -> str:
    return f"{one.channel}/{one.id}"


# ------------------------------------------------------------------ moderating


def _standing(world: DiscordWorld) -> object:
    state = world.state
    hearts = {one.id: sorted(one.reactions) for one in state.messages.values()}
    locks = [one.locked for one in state.channels.values()]
    quiet = {who: bool(until) for who, until in state.members.items()}
    return sorted(state.messages), hearts, locks, quiet, sorted(state.bans)


_UNDONE = {Verb.UNLIKE: Verb.LIKE, Verb.UNLOCK: Verb.LOCK, Verb.UNMUTE: Verb.MUTE, Verb.UNBAN: Verb.BAN}


@pytest.mark.parametrize(
    "verb", [*_UNDONE, *_UNDONE.values(), Verb.REMOVE, Verb.KICK, Verb.RETRACT], ids=lambda verb: verb.value
)
def test_what_is_done_is_seen_and_what_is_not_is_not(world: DiscordWorld, verb: Verb) -> None:
    thread = world.state.start_thread("An evening")
    target = id_of(world.state.say("hello", thread.id, BOT if verb is Verb.RETRACT else MIRA))
    hours = {"hours": "2"} if Verb.MUTE in (verb, _UNDONE.get(verb)) else {}
    if before := _UNDONE.get(verb):
        world.connector().perform(command_for(before, target, **hours))
    command = command_for(verb, target, **hours)
    assert world.connector().find_sent(command) is None
    stood = _standing(world)
    world.proxy.lose_next_answer()
    with pytest.raises(OutcomeUnknown):
        world.connector().perform(command)
    assert world.connector().find_sent(command) is not None
    assert _standing(world) != stood


def test_a_mute_lasts_as_long_as_asked(world: DiscordWorld) -> None:
    target = id_of(world.state.say("hello"))
    world.connector().perform(command_for(Verb.MUTE, target, hours="2"))
    until = world.state.members[MIRA]
    assert until is not None
    assert abs(until - ago(hours=-2)) < timedelta(minutes=1)
    assert world.connector().find_sent(command_for(Verb.MUTE, target, hours="5")) is None


@pytest.mark.parametrize("hours", ["", "0", "-1", "673", "long"])
def test_a_mute_without_end_is_refused_in_words(world: DiscordWorld, hours: str) -> None:
    with pytest.raises(Refused, match="at most 672") as no:
        world.connector().perform(command_for(Verb.MUTE, id_of(world.state.say("hello")), hours=hours))
    assert no.value.reason is Reason.INVALID


def test_a_ban_is_for_good_and_says_why_to_the_other_moderators(world: DiscordWorld) -> None:
    target = id_of(world.state.say("hello"))
    with pytest.raises(Refused, match="until somebody lifts it"):
        world.connector().perform(command_for(Verb.BAN, target, hours="3"))
    reason = "Zweimal verwarnt: grüße & 100 %\nمرحبا " + "é" * 600
    world.connector().perform(command_for(Verb.BAN, target, reason=reason))
    ((path, told),) = world.state.audit
    assert path == f"PUT /guilds/{GUILD}/bans/{MIRA}"
    assert told == " ".join(reason.split())[:512]
    assert world.connector().probe().verbs[Verb.BAN].untimed


def test_only_threads_can_be_locked(world: DiscordWorld) -> None:
    with pytest.raises(Refused, match="not a channel") as no:
        world.connector().perform(command_for(Verb.LOCK, id_of(world.state.say("hello"))))
    assert no.value.reason is Reason.UNSUPPORTED


def test_others_messages_are_not_taken_back(world: DiscordWorld) -> None:
    with pytest.raises(Refused, match="not a message of yours"):
        world.connector().perform(command_for(Verb.RETRACT, id_of(world.state.say("hello"))))


@pytest.mark.parametrize("verb", [Verb.BAN, Verb.KICK, Verb.MUTE, Verb.WRITE])
def test_nothing_is_done_to_a_webhook_or_to_ourselves(world: DiscordWorld, verb: Verb) -> None:
    for made in (world.state.say("beep", by=HOOK, webhook_id=HOOK), world.state.say("ours", by=BOT)):
        with pytest.raises(Refused):
            world.connector().perform(
                command_for(verb, id_of(made), "Hello.", hours="" if verb is Verb.BAN else "1")
            )
    assert not world.state.bans


@pytest.mark.parametrize("verb", [Verb.BAN, Verb.MUTE, Verb.REMOVE, Verb.KICK])
def test_a_direct_conversation_has_no_moderators(world: DiscordWorld, verb: Verb) -> None:
    said = world.state.say("hello", world.state.direct(MIRA).id)
    options = {"hours": "1"} if verb is Verb.MUTE else {}
    with pytest.raises(Refused) as no:
        world.connector().perform(command_for(verb, id_of(said), **options))
    assert no.value.reason is Reason.UNSUPPORTED


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (403, 50001, Reason.SCOPE),
        (403, 50013, Reason.ROLE),
        (403, 0, Reason.ROLE),
        (400, 200000, Reason.BLOCKED),
        (403, 60003, Reason.ROLE),
        (404, 10008, Reason.NOT_FOUND),
        (400, 160005, Reason.BLOCKED),
        (400, 999999, Reason.INVALID),
    ],
)
def test_a_no_of_discords_has_its_reason(world: DiscordWorld, status: int, code: int, reason: Reason) -> None:
    command = command_for(Verb.REPLY, id_of(world.state.say("hello")), "Hello.")
    world.proxy.answer_next(status, json.dumps({"code": code, "message": "?"}).encode(), "/messages")
    with pytest.raises(Refused) as no:
        world.connector().perform(command)
    assert no.value.reason is reason


def test_slow_mode_says_until_when(world: DiscordWorld) -> None:
    command = command_for(Verb.REPLY, id_of(world.state.say("hello")), "Hello.")
    body = {"code": 20016, "message": "?", "retry_after": 120.5, "global": False}
    world.proxy.answer_next(429, json.dumps(body).encode(), "/messages")
    with pytest.raises(TryLater) as wait:
        world.connector().perform(command)
    assert wait.value.until is not None
    assert 100 < (wait.value.until - datetime.now(UTC)).total_seconds() < 125


# ------------------------------------------------------------------ what the roles allow


@pytest.mark.parametrize(
    ("missing", "verbs"),
    [
        ("manage", {Verb.REMOVE}),
        ("moderate", {Verb.MUTE, Verb.UNMUTE}),
        ("ban", {Verb.BAN, Verb.UNBAN}),
        ("kick", {Verb.KICK}),
        ("polls", {Verb.POLL}),
        ("react", {Verb.LIKE}),
        ("manage_threads", {Verb.LOCK, Verb.UNLOCK}),
        ("send", {Verb.REPLY, Verb.POLL}),
    ],
)
def test_what_the_roles_lack_is_said(world: DiscordWorld, missing: str, verbs: set[Verb]) -> None:
    whole = world.connector().probe().verbs
    for role in (GUILD, ROLE):
        world.state.roles[role] &= ~BITS[missing]
    found = world.connector().probe().verbs
    assert {verb for verb in Verb if whole[verb].can and not found[verb].can} == verbs
    assert all("permission" in found[verb].why_not for verb in verbs)


def test_a_right_in_one_channel_is_enough_to_be_offered(world: DiscordWorld) -> None:
    world.state.roles = {GUILD: bits("view", "history"), ROLE: 0}
    world.state.channels[STAFF].overwrites = [overwrite(ROLE, allow=bits("send", "manage"))]
    found = world.connector().probe().verbs
    assert found[Verb.REPLY].can
    assert found[Verb.REMOVE].can
    assert not found[Verb.BAN].can


def test_a_bot_that_sees_nothing_says_so(world: DiscordWorld) -> None:
    world.state.roles[GUILD] &= ~BITS["view"]
    assert "View Channels" in world.connector().probe().streams["channels"].why_not


def test_every_verb_is_tried_or_lacking() -> None:
    tried, lacking = set(DiscordConnector.tested_on), set(DiscordConnector.lacks)
    assert tried | lacking == set(Verb)
    assert not tried & lacking


_SENT = {
    **dict.fromkeys((Verb.REPLY, Verb.WRITE, Verb.POLL), "POST /channels/{channel_id}/messages"),
    **dict.fromkeys((Verb.REMOVE, Verb.RETRACT), "DELETE /channels/{channel_id}/messages/{message_id}"),
    **dict.fromkeys((Verb.LOCK, Verb.UNLOCK), "PATCH /channels/{channel_id}"),
    **dict.fromkeys((Verb.MUTE, Verb.UNMUTE), "PATCH /guilds/{guild_id}/members/{user_id}"),
    Verb.END_POLL: "POST /channels/{channel_id}/polls/{message_id}/expire",
    Verb.LIKE: "PUT /channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me",
    Verb.UNLIKE: "DELETE /channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me",
    Verb.KICK: "DELETE /guilds/{guild_id}/members/{user_id}",
    Verb.BAN: "PUT /guilds/{guild_id}/bans/{user_id}",
    Verb.UNBAN: "DELETE /guilds/{guild_id}/bans/{user_id}",
}


@pytest.mark.parametrize("verb", sorted(DiscordConnector.tested_on))
def test_what_says_specification_was_held_against_it(world: DiscordWorld, verb: Verb) -> None:
    if not world.state.specification.known:
        pytest.skip("The description of Discord's API is not here.")
    post = world.state.post("An evening", "hello")
    poll = Poll("When?", ["Now"], ago(hours=-1))
    own = {Verb.RETRACT: {"text": "ours"}, Verb.END_POLL: {"text": "", "poll": poll}}
    said = world.state.say(channel=post.id, by=BOT, **own[verb]) if verb in own else post
    if verb is Verb.UNBAN:
        world.state.bans[MIRA] = ""
    options = {Verb.POLL: {"hours": "2", "choices": '["Yes", "No"]'}, Verb.MUTE: {"hours": "2"}}
    world.connector().perform(command_for(verb, id_of(said), "Hello.", **options.get(verb, {})))
    assert DiscordConnector.tested_on[verb] == "specification"
    assert _SENT[verb] in {f"{method} {path}" for method, path in world.state.specification.met}
