"""Where Discord has messages: threads, forums, calls, direct conversations; which are read."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors.contract import Audience, Kind, Page
from connectors.discord import DiscordConnector
from connectors.errors import Reason, Refused
from connectors.testing import last_states, messages_of
from tests.connectors.test_discord_contract import DiscordWorld, worlds
from tests.servers.discord_community import (
    BITS,
    BOT,
    FORUM,
    GENERAL,
    GUILD,
    MIRA,
    NEWS,
    PRIVATE,
    ROLE,
    STAFF,
    TOBI,
    VOICE,
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


# ------------------------------------------------------------------ places


def test_a_forum_post_begins_with_a_post(world: DiscordWorld) -> None:
    first = world.state.post("How do you rest?", "I do not find any rest in the evenings.")
    world.state.say("A walk helps me.", first.channel, TOBI)
    post, answer = messages_of(read(world.connector()))
    assert (post.kind, answer.kind) == (Kind.POST, Kind.COMMENT)
    assert post.thread_id == answer.thread_id == first.id
    assert (post.thread_title, post.channel) == ("How do you rest?", "#questions")
    assert post.permalink == f"https://discord.com/channels/{GUILD}/{first.id}/{first.id}"


def test_a_forum_post_is_read_although_discord_names_no_last_message(world: DiscordWorld) -> None:
    first = world.state.post("How do you rest?", "I do not find any rest.")
    world.state.channels[first.channel].last = ""
    pages = read(world.connector())
    assert texts(pages) == ["I do not find any rest."]


def test_an_empty_thread_is_asked_once(world: DiscordWorld) -> None:
    thread = world.state.start_thread("Nothing yet")
    pages = read(world.connector())
    pages = read(world.connector(), last_states(pages)["channels"])
    assert sum(f"{thread.id}/messages" in path for _, path in world.proxy.seen) == 1
    world.state.say("the first word", thread.id)
    assert texts(read(world.connector(), last_states(pages)["channels"])) == ["the first word"]


def test_an_archived_thread_is_read_and_read_again(world: DiscordWorld) -> None:
    thread = world.state.start_thread("An evening")
    world.state.say("in it", thread.id)
    thread.archived, thread.archived_at = True, ago(minutes=1)
    pages = read(world.connector())
    assert texts(pages) == ["in it"]
    last = world.state.say("the last word", thread.id)
    assert texts(read(world.connector(), last_states(pages)["channels"])) == ["the last word"]
    world.state.delete(last.id)


def test_a_thread_that_came_and_went_between_two_pulls_is_read(world: DiscordWorld) -> None:
    states = last_states(read(world.connector()))
    thread = world.state.start_thread("A short one", FORUM)
    world.state.say("in it", thread.id)
    thread.archived, thread.archived_at = True, ago(seconds=1)
    connector = world.connector()
    later = type("Later", (DiscordConnector,), {"now": staticmethod(lambda: ago(minutes=-20))})
    assert texts(read(connector, states["channels"])) == [], "they are looked for every quarter of an hour"
    assert texts(read(later(connector.values, connector.secrets), states["channels"])) == ["in it"]


def test_archived_threads_are_walked_to_the_bound(world: DiscordWorld) -> None:
    for number in range(120):
        thread = world.state.start_thread(f"Evening {number}")
        world.state.say(f"evening {number}", thread.id)
        thread.archived, thread.archived_at = True, ago(days=1, minutes=number)
    assert len(texts(read(world.connector()))) == 120


@pytest.mark.parametrize("manages", [True, False])
def test_archived_private_threads_are_read_by_whoever_may(world: DiscordWorld, *, manages: bool) -> None:
    if not manages:
        world.state.roles[ROLE] &= ~BITS["manage_threads"]
    for number in range(130):
        thread = world.state.start_thread(f"Evening {number}", kind=PRIVATE)
        world.state.say(f"evening {number}", thread.id)
        # The last begun was archived first: what is older than the bound stands between what is not.
        thread.archived, thread.archived_at = True, ago(hours=number)
        if number % 2:
            thread.members.clear()
    found = messages_of(read(world.connector(), since=ago(hours=99.5)))
    assert len(found) == (100 if manages else 50)
    assert {one.audience for one in found} == {Audience.PRIVATE}


def test_a_private_thread_is_private_and_read_by_its_members_only(world: DiscordWorld) -> None:
    world.state.roles[ROLE] &= ~BITS["manage_threads"]
    thread = world.state.start_thread("Between us", kind=PRIVATE)
    world.state.say("for few", thread.id)
    (found,) = messages_of(read(world.connector()))
    assert found.audience is Audience.PRIVATE
    thread.members.clear()
    assert texts(read(world.connector())) == []


def test_words_beside_a_call_and_announcements_are_read(world: DiscordWorld) -> None:
    world.state.say("during the call", VOICE)
    world.state.say("the news", NEWS)
    assert set(texts(read(world.connector()))) == {"during the call", "the news"}


def test_only_the_channels_of_the_form_are_read(world: DiscordWorld) -> None:
    for place in (GENERAL, STAFF):
        world.state.say(f"in {place}", place)
    thread = world.state.start_thread("Below", STAFF)
    world.state.say("below", thread.id)
    chosen = world.connector(channels=f"https://discord.com/channels/{GUILD}/{STAFF}")
    assert texts(read(chosen)) == [f"in {STAFF}", "below"]


@pytest.mark.parametrize("field", ["servers", "channels", "people"])
def test_a_name_instead_of_an_id_is_refused_and_never_means_all(world: DiscordWorld, field: str) -> None:
    world.state.say("hello")
    connector = world.connector(**{field: "general"})
    with pytest.raises(Refused, match="“general” is no id") as no:
        connector.authorize()
    assert no.value.reason is Reason.INVALID
    assert texts(read(connector)) == (["hello"] if field == "people" else [])


def test_a_link_names_the_server_and_none_means_all(world: DiscordWorld) -> None:
    for named in (f"https://discord.com/channels/{GUILD}/{GENERAL}", GUILD, ""):
        assert world.connector(servers=named).probe().streams["channels"].can
    with pytest.raises(Refused) as no:
        world.connector(servers="799999999999999999").probe()
    assert no.value.reason is Reason.NOT_FOUND


def test_a_persons_own_token_is_refused(world: DiscordWorld) -> None:
    world.state.users[BOT].bot = False
    with pytest.raises(Refused, match="forbids"):
        world.connector().authorize()


def test_direct_messages_of_those_named_are_read_and_the_rest_is_said(world: DiscordWorld) -> None:
    world.state.say("May I ask you something?", world.state.direct(MIRA).id)
    world.state.say("Unnamed", world.state.direct(TOBI).id, TOBI)
    connector = world.connector()
    for _ in range(2):
        (found,) = messages_of(list(connector.pull("direct", "")))
        assert (found.kind, found.audience) == (Kind.DIRECT, Audience.PRIVATE)
    assert world.state.opened == [MIRA], "opening is done once"
    assert "no list of its direct messages" in connector.probe().streams["direct"].why_not


def test_somebody_who_cannot_be_written_to_is_named_when_signing_in(world: DiscordWorld) -> None:
    with pytest.raises(Refused, match="no such person"):
        world.connector(people="811111111111111111").authorize()
