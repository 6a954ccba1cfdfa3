"""YouTube's traps: units of a day, answers below old threads, five answers at a time, refusals by reason."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from connectors.contract import Command, RemoteGone, RemoteMessage, Verb
from connectors.errors import CannotTell, Gone, Reason, Refused, TryLater
from connectors.faults import FaultProxy
from connectors.testing import last_states, pull_all
from connectors.youtube import YoutubeConnector
from connectors.youtube_api import UNITS, Quota, resets_at
from tests.connectors.test_youtube_contract import YoutubeWorld
from tests.servers.youtube_server import OURS, YouTube, running


@pytest.fixture
def world() -> Iterator[YoutubeWorld]:
    state = YouTube()
    with running(state) as server, FaultProxy(f"http://127.0.0.1:{server.server_port}") as proxy:
        yield YoutubeWorld(state, proxy)


def _command(verb: Verb, target: str, text: str = "") -> Command:
    return Command(str(uuid4()), verb, target, target.partition(".")[0], text)


def _ids(connector: YoutubeConnector, states: dict[str, str] | None = None) -> set[str]:
    return {message.id for page in pull_all(connector, states) for message in page.messages}


# ---------------------------------------------------------------------- units


@pytest.mark.parametrize(
    ("now", "midnight"),
    [
        ("2026-11-23T07:59:00+00:00", "2026-11-23T08:00:00+00:00"),
        ("2026-11-23T08:00:00+00:00", "2026-11-24T08:00:00+00:00"),
        ("2026-07-01T12:00:00+00:00", "2026-07-02T07:00:00+00:00"),
        ("2026-10-31T12:00:00+00:00", "2026-11-01T07:00:00+00:00"),
        ("2026-11-01T12:00:00+00:00", "2026-11-02T08:00:00+00:00"),  # clocks went back that night
    ],
)
def test_the_units_begin_anew_at_midnight_in_california(now: str, midnight: str) -> None:
    assert resets_at(datetime.fromisoformat(now)) == datetime.fromisoformat(midnight)


def test_the_units_that_are_used_are_counted_over_pulls_and_shown(world: YoutubeWorld) -> None:
    world.state.say("Good evening")
    states = last_states(pull_all(world.connector()))
    again = world.connector()
    pull_all(again, states)
    budget = again.budget()
    assert budget is not None
    assert (budget.used, budget.most) == (world.state.used, UNITS)
    assert budget.resets_at == resets_at(datetime.now(UTC))


def test_the_last_units_of_a_day_are_kept_for_what_a_person_does(world: YoutubeWorld) -> None:
    key = world.state.say("Good evening")
    connector = world.connector()
    connector.probe()
    connector.quota.spent = UNITS - 500
    with pytest.raises(TryLater) as wait:
        pull_all(connector)
    assert wait.value.until == connector.quota.resets
    connector.perform(_command(Verb.REPLY, key, "Good evening to you"))
    assert [one.text for one in world.state.comments.values() if one.author == OURS]


def test_units_that_another_program_used_are_said_by_youtube(world: YoutubeWorld) -> None:
    world.state.used = world.state.units
    with pytest.raises(TryLater) as wait:
        pull_all(world.connector())
    assert wait.value.until == resets_at(datetime.now(UTC))


def test_a_count_of_yesterday_is_forgotten() -> None:
    quota, yesterday = Quota(), datetime(2026, 11, 22, 9, tzinfo=UTC)
    quota.spend(9_000, yesterday)
    kept, today = quota.to_json(), yesterday + timedelta(days=1)
    quota.spend(1, today)
    quota.take(kept, today)
    assert quota.used == 1
    again = Quota()
    again.take(kept, today)
    assert again.used == 0
    again.take(quota.to_json(), today)
    assert again.used == 1


# ---------------------------------------------------------------------- reading


def test_more_answers_than_a_thread_brings_are_all_read(world: YoutubeWorld) -> None:
    root = world.state.say("How do you all sleep?")
    answers = {world.state.say(f"answer {number}", root) for number in range(130)}
    assert answers < _ids(world.connector())


def test_an_answer_below_an_old_thread_is_found(world: YoutubeWorld) -> None:
    old = world.state.say("From last spring", at=datetime.now(UTC) - timedelta(days=200))
    for number in range(30):
        world.state.say(f"newer {number}")
    states = last_states(pull_all(world.connector()))
    answer = world.state.say("I only read this now", old)
    assert answer in _ids(world.connector(), states)


def test_threads_of_one_second_are_all_read(world: YoutubeWorld) -> None:
    at = datetime.now(UTC).replace(microsecond=0)
    states = last_states(pull_all(world.connector()))
    said = {world.state.say(f"at once {number}", at=at) for number in range(250)}
    assert said <= _ids(world.connector(), states)


def test_what_is_held_is_read_as_hidden(world: YoutubeWorld) -> None:
    key = world.state.say("Held by a filter")
    world.state.comments[key].status = "heldForReview"
    pages = list(world.connector().pull("held", ""))
    (found,) = [message for page in pages for message in page.messages]
    assert (found.id, found.hidden) == (key, True)
    assert found.thread_title == "A walk by the lake"


def test_a_broken_record_is_counted_and_stops_nothing(world: YoutubeWorld) -> None:
    key = world.state.say("Good evening")
    items = [None, {}, {"id": "x", "snippet": 7}]
    found = json.dumps({"kind": "youtube#commentThreadListResponse", "items": items})
    connector = world.connector()
    connector.probe()
    world.proxy.answer_next(200, found.encode(), "commentThreads")
    pages = list(connector.pull("comments", ""))
    assert pages[0].skipped == 3
    assert key in _ids(world.connector(), {"comments": pages[-1].state})


def test_an_author_who_is_gone_leaves_the_words(world: YoutubeWorld) -> None:
    key = world.state.say("Good evening", author="")
    (found,) = world.connector().fetch([key])
    assert isinstance(found, RemoteMessage)
    assert (found.person, found.ours) == (None, False)


# ---------------------------------------------------------------------- acting


@pytest.mark.parametrize(
    ("verb", "status"),
    [
        (Verb.HIDE, "heldForReview"),
        (Verb.REMOVE, "rejected"),
        (Verb.BAN, "rejected"),
        (Verb.SPAM, "likelySpam"),
    ],
)
def test_a_comment_is_moderated(world: YoutubeWorld, verb: Verb, status: str) -> None:
    key = world.state.say("Buy my tea")
    world.connector().perform(_command(verb, key))
    assert world.state.comments[key].status == status
    assert (world.state.comments[key].author in world.state.banned) is (verb is Verb.BAN)


def test_a_held_comment_is_published_and_that_is_seen(world: YoutubeWorld) -> None:
    key = world.state.say("Held by a filter")
    world.state.comments[key].status = "heldForReview"
    command = _command(Verb.UNHIDE, key)
    assert world.connector().find_sent(command) is None
    world.connector().perform(command)
    assert world.state.comments[key].status == "published"
    assert world.connector().find_sent(command) is not None


def test_whether_somebody_was_hidden_nobody_can_ask(world: YoutubeWorld) -> None:
    command = _command(Verb.BAN, world.state.say("Buy my tea"))
    with pytest.raises(CannotTell):
        world.connector().find_sent(command)


def test_an_answer_goes_below_the_thread_of_an_answer(world: YoutubeWorld) -> None:
    root = world.state.say("How do you all sleep?")
    below = world.state.say("Badly", root)
    made = world.connector().perform(_command(Verb.REPLY, below, "I am sorry to hear that"))
    assert world.state.comments[made.remote_id].parent == root
    assert world.state.comments[made.remote_id].author == OURS


def test_comments_that_are_turned_off_are_said(world: YoutubeWorld) -> None:
    key = world.state.say("Good evening")
    world.state.closed_videos.add("v1")
    with pytest.raises(Refused) as no:
        world.connector().perform(_command(Verb.REPLY, key, "Good evening"))
    assert no.value.reason is Reason.UNSUPPORTED


def test_nobody_elses_comment_is_deleted(world: YoutubeWorld) -> None:
    key = world.state.say("Theirs")
    with pytest.raises(Refused) as no:
        world.connector().perform(_command(Verb.RETRACT, key))
    assert no.value.reason is Reason.ROLE


def test_what_is_gone_is_said_to_be_gone(world: YoutubeWorld) -> None:
    key = world.state.say("Good evening")
    world.state.delete(key)
    with pytest.raises(Gone):
        world.connector().perform(_command(Verb.HIDE, key))
    (answer,) = world.connector().fetch([key])
    assert isinstance(answer, RemoteGone)


def test_an_account_without_a_channel_is_said(world: YoutubeWorld) -> None:
    nobody = json.dumps({"kind": "youtube#channelListResponse", "items": []}).encode()
    world.proxy.answer_next(200, nobody, "channels")
    with pytest.raises(Refused):
        world.connector().probe()
