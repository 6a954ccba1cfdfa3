"""What Discord does that a plain client gets wrong when it reads: one test for each trap."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connectors.contract import Page, RemoteGone, RemoteMessage, Verb
from connectors.discord import DiscordConnector
from connectors.errors import ConnectorError, Reason, Refused, SignInAgain, TryLater, Unreadable
from connectors.testing import fetch_one, last_states, messages_of
from tests.connectors.test_discord_contract import DiscordWorld, command_for, worlds
from tests.servers.discord_community import (
    BITS,
    BOT,
    GENERAL,
    GUILD,
    MIRA,
    ROLE,
    STAFF,
    TOBI,
    VOICE,
    bits,
    overwrite,
)


@pytest.fixture
def world() -> Iterator[DiscordWorld]:
    yield from worlds()


def ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


def read(connector: DiscordConnector, state: str = "", since: datetime | None = None) -> list[Page]:
    return list(connector.pull("channels", state, since))


def texts(pages: list[Page]) -> list[str]:
    return [one.text for one in messages_of(pages)]


def gone(pages: list[Page]) -> list[str]:
    return [one.id for page in pages for one in page.gone]


# ------------------------------------------------------------------ walking


def test_a_long_channel_is_read_oldest_first_and_each_message_once(world: DiscordWorld) -> None:
    for number in range(250):
        world.state.say(f"line {number}", at=ago(days=30) + timedelta(minutes=number))
    pages = read(world.connector())
    assert texts(pages) == [f"line {number}" for number in range(250)]
    assert sum("/messages?" in path for _, path in world.proxy.seen) == 3


def test_a_crash_in_a_long_channel_goes_on_in_it(world: DiscordWorld) -> None:
    for number in range(250):
        world.state.say(f"line {number}", at=ago(days=30) + timedelta(minutes=number))
    first = next(world.connector().pull("channels", ""))
    assert texts([first]) == [f"line {number}" for number in range(100)]
    assert texts(read(world.connector(), first.state)) == [f"line {number}" for number in range(100, 250)]


def test_a_back_fill_asks_for_nothing_before_its_bound(world: DiscordWorld) -> None:
    for number in range(300):
        world.state.say("long ago", at=ago(days=90) + timedelta(minutes=number))
    world.state.say("yesterday", at=ago(hours=20))
    assert texts(read(world.connector(), since=ago(days=1))) == ["yesterday"]
    assert sum("/messages?" in path for _, path in world.proxy.seen) == 1


def test_a_channel_that_appears_later_keeps_to_the_first_bound(world: DiscordWorld) -> None:
    world.state.channels[STAFF].overwrites = [overwrite(GUILD, deny=BITS["view"])]
    world.state.say("long ago", STAFF, at=ago(days=90))
    states = last_states(read(world.connector(), since=ago(days=1)))
    world.state.channels[STAFF].overwrites = []
    world.state.say("today", STAFF)
    assert texts(read(world.connector(), states["channels"])) == ["today"]


def test_a_quiet_channel_is_not_asked(world: DiscordWorld) -> None:
    world.state.say("long ago", at=ago(days=9))
    states = last_states(read(world.connector()))
    world.proxy.seen.clear()
    assert not messages_of(read(world.connector(), states["channels"]))
    assert not any("/messages" in path for _, path in world.proxy.seen)


def test_a_message_that_shows_late_is_not_passed_over(world: DiscordWorld) -> None:
    world.state.say("first", at=ago(minutes=5))
    world.state.say("third", at=ago(minutes=3))
    states = last_states(read(world.connector()))
    world.state.say("second", at=ago(minutes=4))
    assert texts(read(world.connector(), states["channels"])) == ["second"]


def test_an_edit_and_new_reactions_come_again(world: DiscordWorld) -> None:
    one, two = world.state.say("helo"), world.state.say("I made it through the week")
    pages = read(world.connector())
    before = {message.id: message for message in messages_of(pages)}
    world.state.edit(one.id, "hello")
    two.reactions["\u2764\ufe0f"] = {MIRA, TOBI}
    edited, liked = messages_of(read(world.connector(), last_states(pages)["channels"]))
    assert (edited.text, liked.likes) == ("hello", 2)
    assert edited.edited_at is not None
    assert edited.revision != before[edited.id].revision
    assert liked.revision == before[liked.id].revision


def test_a_deletion_is_told_once(world: DiscordWorld) -> None:
    made = [world.state.say(f"line {number}") for number in range(30)]
    states = last_states(read(world.connector()))
    for one in made[3:28]:
        world.state.delete(one.id)
    told: list[str] = []
    for _ in range(3):
        pages = read(world.connector(), states["channels"])
        assert not messages_of(pages)
        told += gone(pages)
        states = last_states(pages)
    assert told == [f"{GENERAL}/{one.id}" for one in made[3:28]]


def test_what_is_older_than_two_days_is_read_again_only_when_fetched(world: DiscordWorld) -> None:
    one = world.state.say("long ago", at=ago(days=3))
    states = last_states(read(world.connector()))
    world.state.delete(one.id)
    assert not gone(read(world.connector(), states["channels"]))
    assert not DiscordConnector.tells_gone
    assert isinstance(fetch_one(world.connector(), f"{GENERAL}/{one.id}"), RemoteGone)


@pytest.mark.parametrize("body", [b"[]", b"[null]"])
def test_a_page_with_too_little_in_it_deletes_nothing(world: DiscordWorld, body: bytes) -> None:
    world.state.say("still here")
    states = last_states(read(world.connector()))
    world.proxy.answer_next(200, body, "/messages?")
    assert not gone(read(world.connector(), states["channels"]))


def test_not_found_by_somebody_in_between_deletes_nothing(world: DiscordWorld) -> None:
    one = world.state.say("still here")
    for body in (b"<html>Not found</html>", b"{}", b'{"message": "404: Not Found", "code": 0}'):
        world.proxy.answer_next(404, body)
        with pytest.raises(ConnectorError):
            fetch_one(world.connector(), f"{GENERAL}/{one.id}")


def test_with_a_channel_goes_what_stood_in_it(world: DiscordWorld) -> None:
    one = world.state.say("in a side room", STAFF)
    states = last_states(read(world.connector()))
    del world.state.channels[STAFF], world.state.messages[one.id]
    pages = read(world.connector(), states["channels"])
    assert gone(pages) == [f"{STAFF}/{one.id}"]
    assert not gone(read(world.connector(), last_states(pages)["channels"]))


def test_pages_that_never_end_do(world: DiscordWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(150):
        world.state.say(f"line {number}")
    answer = type(world.state).get_messages
    monkeypatch.setattr(
        type(world.state), "get_messages", lambda self, key, **_: answer(self, key, query={"limit": "100"})
    )
    assert len(texts(read(world.connector()))) == 100


def test_a_page_of_what_cannot_be_read_is_counted_and_passed(world: DiscordWorld) -> None:
    made = [world.state.say(f"line {number}") for number in range(101)]
    bad = json.dumps([{"id": one.id, "type": "?", "content": None} for one in made[:100]])
    world.proxy.answer_next(200, bad.encode(), "/messages?")
    pages = read(world.connector())
    assert sum(page.skipped for page in pages) == 100
    assert texts(pages) == ["line 100"]


def test_many_are_fetched_by_the_page(world: DiscordWorld) -> None:
    made = [world.state.say(f"line {number}") for number in range(120)]
    world.state.delete(made[5].id)
    found = world.connector().fetch([f"{GENERAL}/{one.id}" for one in made])
    assert [isinstance(one, RemoteGone) for one in found] == [number == 5 for number in range(120)]
    assert sum(verb == "GET" and "/messages" in path for verb, path in world.proxy.seen) == 4


# ------------------------------------------------------------------ what may be read


@pytest.mark.parametrize("flags", [1 << 18, 1 << 19])
def test_with_the_content_intent_everything_is_read(world: DiscordWorld, flags: int) -> None:
    world.state.flags = flags
    assert world.connector().probe().streams["channels"].can


def test_without_the_content_intent_it_says_so_and_passes_over_nothing(world: DiscordWorld) -> None:
    world.state.flags = 0
    world.state.say("words that the bot may not see")
    ability = world.connector().probe().streams["channels"]
    assert not ability.can
    assert "Message Content Intent" in ability.why_not
    with pytest.raises(Refused, match="Message Content Intent") as no:
        read(world.connector())
    assert no.value.reason is Reason.SCOPE
    world.state.flags = 1 << 19
    assert texts(read(world.connector())) == ["words that the bot may not see"]


def test_a_channel_whose_history_is_closed_is_left_alone(world: DiscordWorld) -> None:
    world.state.say("unseen", STAFF)
    world.state.channels[STAFF].overwrites = [overwrite(GUILD, deny=BITS["history"])]
    states = last_states(read(world.connector()))
    assert not any(STAFF in path for _, path in world.proxy.seen)
    world.state.channels[STAFF].overwrites = []
    assert texts(read(world.connector(), states["channels"])) == ["unseen"]


_SOME = st.sets(st.sampled_from(["view", "history", "connect", "administrator"]))
_READ = {"view", "history", "connect"}
_ROWS = st.lists(st.tuples(st.sampled_from([GUILD, ROLE, BOT, MIRA]), _SOME, _SOME), max_size=4)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(everyone={"view", "history"}, role=set(), rows=[], place=VOICE)
@example(everyone=_READ, role=set(), rows=[(BOT, set(), {"connect"})], place=VOICE)
@example(everyone=_READ, role=set(), rows=[(GUILD, set(), {"view"}), (BOT, {"view"}, set())], place=GENERAL)
@given(everyone=_SOME, role=_SOME, rows=_ROWS, place=st.sampled_from([GENERAL, VOICE]))
def test_permissions_are_computed_as_discord_does(
    world: DiscordWorld,
    everyone: set[str],
    role: set[str],
    rows: list[tuple[str, set[str], set[str]]],
    place: str,
) -> None:
    state = world.state
    state.messages.clear()
    state.roles = {GUILD: bits(*everyone), ROLE: bits(*role)}
    shown = {who: overwrite(who, bits(*allow), bits(*deny)) for who, allow, deny in rows}
    state.channels[place].overwrites = list(shown.values())
    state.say("hello", place)
    readable = all(state.may(one, place) for one in ("view", "history"))
    world.proxy.seen.clear()
    assert texts(read(world.connector())) == ["hello"] * readable
    assert any(f"{place}/messages" in path for _, path in world.proxy.seen) is readable


def test_a_bot_in_time_out_still_reads_and_says_that_it_cannot_answer(world: DiscordWorld) -> None:
    world.state.members[BOT] = ago(hours=-1)
    world.state.say("hello")
    probe = world.connector().probe()
    assert not any(ability.can for verb, ability in probe.verbs.items() if verb in ("reply", "ban", "remove"))
    assert texts(read(world.connector())) == ["hello"]


def test_what_was_forbidden_is_asked_again_only_after_the_roles_changed(world: DiscordWorld) -> None:
    world.state.say("hello")
    no = b'{"message": "Missing Access", "code": 50001}'
    world.proxy.answer_next(403, no, "/messages?")
    states = last_states(read(world.connector()))
    assert texts(read(world.connector(), states["channels"])) == []
    assert sum("/messages?" in path for _, path in world.proxy.seen) == 1
    world.state.roles[ROLE] |= BITS["polls"] | BITS["administrator"]
    assert texts(read(world.connector(), states["channels"])) == ["hello"]


def test_what_was_forbidden_is_asked_again_after_an_hour(world: DiscordWorld) -> None:
    world.state.say("hello")
    world.proxy.answer_next(403, b'{"message": "Missing Access", "code": 50001}', "/messages?")
    states = last_states(read(world.connector()))
    later = type("Later", (DiscordConnector,), {"now": staticmethod(lambda: ago(hours=-1))})
    assert texts(read(later(world.values, world.secrets), states["channels"])) == ["hello"]


def test_forbidden_by_somebody_in_between_closes_no_channel(world: DiscordWorld) -> None:
    world.state.say("hello")
    states = last_states(read(world.connector()))
    world.state.say("good evening")
    world.proxy.answer_next(403, b"<html>Sign in to this network</html>", "/messages?")
    with pytest.raises(Unreadable):
        read(world.connector(), states["channels"])
    assert texts(read(world.connector(), states["channels"])) == ["good evening"]


def test_a_channel_that_is_closed_to_us_says_nothing_of_its_messages(world: DiscordWorld) -> None:
    made = [world.state.say(f"line {number}", STAFF) for number in range(3)]
    world.state.channels[STAFF].overwrites = [overwrite(GUILD, deny=BITS["view"])]
    connector, ids = world.connector(), [f"{STAFF}/{one.id}" for one in made]
    assert [connector.fetch(ids) for _ in range(3)] == [[], [], []]
    assert world.state.statuses.count(403) == 1


def test_after_a_refused_token_nothing_more_is_asked(world: DiscordWorld) -> None:
    connector = world.connector()
    world.sign_out()
    for _ in range(3):
        with pytest.raises(SignInAgain):
            connector.probe()
    assert world.state.statuses == [401]


# ------------------------------------------------------------------ limits


def test_a_bucket_is_kept_to_and_another_channel_is_free(world: DiscordWorld) -> None:
    for place in (GENERAL, STAFF):
        world.state.say("hello", place)
    world.state.limits.of["GET /channels/*/messages/*"] = (1, 60.0)
    connector, ids = world.connector(), [f"{GENERAL}/{world.state.say('one more').id}"]
    assert isinstance(fetch_one(connector, ids[0]), RemoteMessage)
    asked = len(world.proxy.seen)
    with pytest.raises(TryLater) as wait:
        connector.fetch(ids)
    assert wait.value.until is not None
    assert 50 < (wait.value.until - datetime.now(UTC)).total_seconds() < 61
    assert len(world.proxy.seen) == asked, "it was not even asked"
    other = world.state.within(STAFF)[0]
    assert isinstance(fetch_one(connector, f"{STAFF}/{other.id}"), RemoteMessage)


def test_reading_and_writing_in_a_channel_have_limits_of_their_own(world: DiscordWorld) -> None:
    asked = world.state.say("hello")
    target = f"{GENERAL}/{asked.id}"
    world.state.limits.of["GET /channels/*/messages"] = (1, 60.0)
    connector = world.connector()
    connector.thread(target)
    with pytest.raises(TryLater):
        connector.thread(target)
    assert connector.perform(command_for(Verb.REPLY, target, "Hello, you.")).remote_id


def test_one_bucket_holds_all_that_share_it(world: DiscordWorld) -> None:
    target = f"{GENERAL}/{world.state.say('hello').id}"
    world.state.limits.of["PUT /channels/*/messages/*/reactions/%E2%9D%A4%EF%B8%8F/@me"] = (2, 60.0)
    connector = world.connector()
    connector.perform(command_for(Verb.LIKE, target))
    connector.perform(command_for(Verb.UNLIKE, target))
    asked = len(world.proxy.seen)
    with pytest.raises(TryLater):
        connector.perform(command_for(Verb.LIKE, target))
    assert len(world.proxy.seen) == asked


def test_a_global_limit_holds_everything(world: DiscordWorld) -> None:
    connector = world.connector()
    world.state.limits.global_until = (datetime.now(UTC) + timedelta(seconds=60)).timestamp()
    with pytest.raises(TryLater):
        connector.probe()
    asked = len(world.proxy.seen)
    with pytest.raises(TryLater):
        connector.thread(f"{GENERAL}/1")
    assert len(world.proxy.seen) == asked
