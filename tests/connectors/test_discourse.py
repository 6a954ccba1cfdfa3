"""Discourse's traps in reading: short pages, calls that run out, edits without a version, whispers."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connectors.contract import Audience, GoneHow, Kind, RemoteGone, RemoteMessage
from connectors.errors import Refused, TryLater
from connectors.faults import FaultProxy
from connectors.testing import fetch_one, last_states, messages_of, pull_all
from tests.connectors.test_discourse_contract import DiscourseWorld, read_by_the_minute
from tests.servers.discourse_answers import Discourse
from tests.servers.discourse_forum import OURS, ROBIN, STAFF_ONLY, WHISPER, WREN, Poll
from tests.servers.discourse_server import running


@pytest.fixture
def world() -> Iterator[DiscourseWorld]:
    state = Discourse()
    with running(state) as server, FaultProxy(server.url) as proxy:
        yield DiscourseWorld(state, proxy)


def _stream(world: DiscourseWorld, stream: str, state: str = "") -> list[RemoteMessage]:
    return messages_of(world.connector().pull(stream, state))


def _ids(world: DiscourseWorld, stream: str, state: str = "") -> list[str]:
    return [message.id for message in _stream(world, stream, state)]


def _after(world: DiscourseWorld, stream: str) -> str:
    return list(world.connector().pull(stream, ""))[-1].state


def _member(world: DiscourseWorld) -> None:
    world.state.users[OURS] = replace(world.state.users[OURS], moderator=False)


# ---------------------------------------------------------------------- posts


@pytest.mark.parametrize("older", [False, True])
def test_posts_are_all_read_where_pages_are_short(world: DiscourseWorld, *, older: bool) -> None:
    world.state.counts_before_leaving_out = older
    said = []
    for number in range(130):
        post = world.state.say(f"evening {number}", world.state.home)
        said.append(str(post.id))
        if number % 3 == 0:  # what others write to each other takes ids that we never see
            world.state.open_direct("between them", "not for us", ROBIN, {WREN})
    found = _ids(world, "posts")
    assert set(said) <= set(found)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("older", [False, True])
def test_new_posts_are_met_behind_many_that_we_may_not_see(world: DiscourseWorld, *, older: bool) -> None:
    world.state.counts_before_leaving_out = older
    states = {"posts": _after(world, "posts")}
    first = world.state.say("before the long talk", world.state.home)
    for _ in range(120):
        world.state.open_direct("between them", "not for us", ROBIN, {WREN})
    last = world.state.say("after the long talk", world.state.home)
    assert {str(first.id), str(last.id)} <= set(_ids(world, "posts", states["posts"]))


@pytest.mark.parametrize("older", [False, True])
def test_a_forum_longer_than_a_minute_of_calls_is_read_whole(world: DiscourseWorld, *, older: bool) -> None:
    world.state.counts_before_leaving_out = older
    said = {str(world.state.say(f"evening {number}", world.state.home).id) for number in range(700)}
    pages = read_by_the_minute(world, "posts")
    assert said <= {one.id for page in pages for one in page.messages}
    assert not any(page.gap for page in pages)


def test_what_is_new_while_a_long_walk_is_broken_off_is_read(world: DiscourseWorld) -> None:
    old = [str(world.state.say(f"evening {number}", world.state.home).id) for number in range(130)]
    first = next(iter(world.connector().pull("posts", "")))
    new = [str(world.state.say(f"night {number}", world.state.home).id) for number in range(130)]
    found = [*(one.id for one in first.messages), *_ids(world, "posts", first.state)]
    assert set(old) | set(new) <= set(found)
    assert len(found) == len(set(found))


def test_many_conversations_are_read_though_calls_run_out(world: DiscourseWorld) -> None:
    said = {str(world.state.open_direct("Hello", f"evening {n}", ROBIN, {OURS}).id) for n in range(20)}
    assert {one.id for one in messages_of(read_by_the_minute(world, "direct"))} == said


def test_what_an_older_forum_may_have_hidden_is_a_gap(world: DiscourseWorld) -> None:
    world.state.counts_before_leaving_out = True
    state = _after(world, "posts")
    for _ in range(200):
        world.state.open_direct("between them", "not for us", ROBIN, {WREN})
    world.state.say("after the long talk", world.state.home)
    assert any(page.gap for page in world.connector().pull("posts", state))


def test_an_edit_within_the_first_minutes_has_no_version_and_is_seen(world: DiscourseWorld) -> None:
    post = world.state.say("I feel alright", world.state.home)
    (before,) = [one for one in _stream(world, "posts") if one.id == str(post.id)]
    state = _after(world, "posts")
    world.state.edit(post.id, "I do not feel alright", within_minutes=True)
    (after,) = _stream(world, "posts", state)
    assert (after.id, after.text) == (str(post.id), "I do not feel alright")
    assert after.revision != before.revision


def test_likes_and_answers_of_the_newest_posts_are_counted_again(world: DiscourseWorld) -> None:
    post = world.state.say("A good evening", world.state.home)
    state = _after(world, "posts")
    post.likes |= {ROBIN, WREN}
    answer = world.state.say("It was", world.state.home, WREN, post.number)
    found = {one.id: one for one in _stream(world, "posts", state)}
    assert set(found) == {str(post.id), str(answer.id)}
    assert (found[str(post.id)].likes, found[str(post.id)].replies) == (2, 1)


def test_a_post_that_its_author_emptied_is_gone(world: DiscourseWorld) -> None:
    post = world.state.say("I should not have said that", world.state.home)
    state = _after(world, "posts")
    post.user_deleted, post.version = True, 2
    gone = [one for page in world.connector().pull("posts", state) for one in page.gone]
    assert gone == [RemoteGone(str(post.id), GoneHow.DELETED)]
    assert fetch_one(world.connector(), str(post.id)) == gone[0]


def test_what_moderators_took_down_is_gone_though_we_still_see_it(world: DiscourseWorld) -> None:
    post = world.state.say("Buy my tea", world.state.home)
    post.deleted = datetime.now(UTC)
    assert fetch_one(world.connector(), str(post.id)) == RemoteGone(str(post.id), GoneHow.REMOVED)


def test_only_the_named_categories_are_read_and_what_names_us(world: DiscourseWorld) -> None:
    rota = world.state.open_topic("Rota", "Who is on tonight?", WREN, STAFF_ONLY)
    named = world.state.say("@Harbour are you there?", world.state.home)
    world.state.say("@harbourmaster is somebody else", world.state.home)
    world.values["categories"] = " moderators "
    found = {one.id: one for one in _stream(world, "posts")}
    first = next(one for one in world.state.posts.values() if one.topic == rota)
    assert set(found) == {str(first.id), str(named.id)}
    assert found[str(named.id)].kind is Kind.MENTION
    assert found[str(first.id)].audience is Audience.PRIVATE
    assert fetch_one(world.connector(), str(first.id)) == found[str(first.id)]


def test_a_category_that_is_not_there_is_said(world: DiscourseWorld) -> None:
    world.values["categories"] = "Mornings"
    with pytest.raises(Refused) as no:
        _stream(world, "posts")
    assert "mornings" in str(no.value)


def test_an_author_who_is_no_more_leaves_the_words(world: DiscourseWorld) -> None:
    post = world.state.say("Good evening", world.state.home, 99)
    found = fetch_one(world.connector(), str(post.id))
    assert isinstance(found, RemoteMessage)
    assert (found.person, found.text) == (None, "Good evening")


def test_a_topic_of_more_than_twenty_posts_is_read_whole(world: DiscourseWorld) -> None:
    said = [str(world.state.say(f"evening {number}", world.state.home).id) for number in range(55)]
    world.state.say("", world.state.home, WREN, kind=3)  # "closed this topic"
    found = world.connector().thread(said[-1])
    assert [one.id for one in found][-55:] == said
    assert len(found) == 56


def test_a_very_long_topic_is_read_around_the_post(world: DiscourseWorld) -> None:
    said = [str(world.state.say(f"evening {number}", world.state.home).id) for number in range(320)]
    found = [one.id for one in world.connector().thread(said[10])]
    assert said[10] in found
    assert len(found) == 200
    assert said[-1] in [one.id for one in world.connector().thread(said[-1])]


def test_a_whisper_is_private_and_shows_in_its_topic_only(world: DiscourseWorld) -> None:
    post = world.state.say("Shall one of us write to robin?", world.state.home, WREN, kind=WHISPER)
    found = {one.id: one for one in world.connector().thread(str(post.id))}
    assert found[str(post.id)].audience is Audience.PRIVATE
    assert str(post.id) not in _ids(world, "posts")
    _member(world)
    assert isinstance(fetch_one(world.connector(), str(post.id)), RemoteGone)


def test_broken_posts_are_counted_and_stop_nothing(world: DiscourseWorld) -> None:
    post = world.state.say("Good evening", world.state.home)
    broken = [None, {}, {"id": 1, "cooked": 7}, {"id": 2, "cooked": "", "topic_id": 1, "created_at": "soon"}]
    world.proxy.answer_next(200, json.dumps({"latest_posts": broken}).encode(), "posts.json")
    (page, *_) = pages = list(world.connector().pull("posts", ""))
    assert page.skipped == 4
    assert str(post.id) in _ids(world, "posts", pages[-1].state)


def test_how_long_to_wait_stands_in_the_body(world: DiscourseWorld) -> None:
    connector = world.connector()
    world.state.left = 0
    with pytest.raises(TryLater) as wait:
        pull_all(connector)
    assert wait.value.until is not None
    assert 30 < (wait.value.until - datetime.now(UTC)).total_seconds() < 50


def test_votes_that_a_forum_keeps_to_itself_are_unknown(world: DiscourseWorld) -> None:
    post = world.state.say("How was your week?", world.state.home)
    post.poll = Poll(["good", "hard"], results="on_vote", kind="multiple")
    post.poll.votes = {"o0": {ROBIN}, "o1": {ROBIN, WREN}}
    found = fetch_one(world.connector(), str(post.id))
    assert isinstance(found, RemoteMessage)
    assert found.poll is not None
    assert (found.poll.answers, found.poll.several) == ((("good", None), ("hard", None)), True)
    state = _after(world, "posts")
    post.poll.closed = True
    (told,) = _stream(world, "posts", state)
    assert told.poll is not None
    assert (told.poll.answers, told.poll.voters, told.poll.closed) == ((("good", 1), ("hard", 2)), 2, True)


# ---------------------------------------------------------------------- private messages


def test_what_others_write_to_each_other_stays_theirs_though_we_are_admin(world: DiscourseWorld) -> None:
    world.state.users[OURS].admin = True
    theirs = world.state.open_direct("between us", "I only told you", ROBIN, {WREN})
    ours = world.state.open_direct("Are you there?", "It is a hard evening", ROBIN, {OURS})
    pages = pull_all(world.connector())
    found = {one.id: one for one in messages_of(pages)}
    assert str(ours.id) in found
    assert str(theirs.id) not in found
    assert (found[str(ours.id)].kind, found[str(ours.id)].audience) == (Kind.DIRECT, Audience.PRIVATE)


def test_messages_to_our_groups_are_read(world: DiscourseWorld) -> None:
    world.state.users[OURS].groups = ("listeners",)
    post = world.state.open_direct("To all listeners", "Is anybody awake?", ROBIN, set(), {"listeners"})
    assert str(post.id) in _ids(world, "direct")


def test_a_conversation_brings_its_new_posts_only(world: DiscourseWorld) -> None:
    first = world.state.open_direct("Are you there?", "It is a hard evening", ROBIN, {OURS})
    state = _after(world, "direct")
    second = world.state.say("And a long one", first.topic)
    assert _ids(world, "direct", state) == [str(second.id)]


def test_posts_that_moved_into_a_conversation_are_read(world: DiscourseWorld) -> None:
    moved = world.state.say("Said in the open by mistake", world.state.home)
    first = world.state.open_direct("Are you there?", "It is a hard evening", ROBIN, {OURS})
    state = _after(world, "direct")
    moved.topic, moved.number = first.topic, 2
    world.state.topics[first.topic].bumped = world.state.now()
    assert str(moved.id) in _ids(world, "direct", state)


def test_an_inbox_of_many_pages_is_read_back_to_where_we_were(world: DiscourseWorld) -> None:
    world.state.per_page = 5
    said = [str(world.state.open_direct("Hello", f"evening {n}", ROBIN, {OURS}).id) for n in range(12)]
    assert sorted(_ids(world, "direct")) == sorted(said)
    state = _after(world, "direct")
    assert _ids(world, "direct", state) == []
    more = [str(world.state.open_direct("Hello", f"night {n}", ROBIN, {OURS}).id) for n in range(12)]
    assert sorted(_ids(world, "direct", state)) == sorted(more)


def test_a_state_that_makes_no_sense_begins_again(world: DiscourseWorld) -> None:
    everything = {one.id for one in messages_of(pull_all(world.connector()))}
    for state in ("[]", "{", '{"mark": "x"}', '{"known": 7, "seen": 7, "mark": 1}'):
        states = dict.fromkeys(last_states(pull_all(world.connector())), state)
        assert {one.id for one in messages_of(pull_all(world.connector(), states))} == everything
