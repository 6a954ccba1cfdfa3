"""Meta's traps: cursors that die, 400s that mean many things, lost permissions, tokens in links."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.contract import RemoteGone, RemoteMessage, Verb
from connectors.errors import (
    ConnectorError,
    Gone,
    OutcomeUnknown,
    Reason,
    Refused,
    SignInAgain,
    TryLater,
    Unreadable,
)
from connectors.faults import FaultProxy
from connectors.meta import MetaConnector
from connectors.testing import fetch_one, last_states, messages_of, pull_all
from tests.connectors.test_meta_contract import MetaWorld, ago, command_for
from tests.servers.meta_community import PAGE, SECRET
from tests.servers.meta_server import Meta, running

DAY = timedelta(days=1)


@pytest.fixture
def world() -> Iterator[MetaWorld]:
    state = Meta()
    with running(state) as server, FaultProxy(f"http://127.0.0.1:{server.server_port}") as proxy:
        yield MetaWorld(state, proxy)


def _said(code: int, more: int = 0, **further: Any) -> bytes:
    error = {"message": "Nein.", "type": "OAuthException", "code": code, "error_subcode": more, **further}
    return json.dumps({"error": error}).encode()


# ---------------------------------------------------------------------- what the numbers mean


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, _said(190, 460), SignInAgain),
        (400, _said(190, 463), SignInAgain),
        (400, _said(190, 467), SignInAgain),
        (400, _said(102), SignInAgain),
        (200, _said(190), SignInAgain),
        (400, _said(4), TryLater),
        (400, _said(17), TryLater),
        (400, _said(32), TryLater),
        (400, _said(613), TryLater),
        (400, _said(80001), TryLater),
        (200, json.dumps({"error": "strange"}).encode(), Unreadable),
    ],
)
def test_a_no_to_a_read_is_told_by_its_number(
    world: MetaWorld, status: int, body: bytes, kind: type[ConnectorError]
) -> None:
    world.proxy.answer_next(status, body, "/me")
    with pytest.raises(kind):
        world.connector().probe()


@pytest.mark.parametrize(
    ("code", "more", "reason"),
    [
        (10, 0, Reason.SCOPE),
        (200, 0, Reason.SCOPE),
        (299, 0, Reason.SCOPE),
        (3, 0, Reason.SCOPE),
        (10, 2018278, Reason.BLOCKED),
        (10, 2534022, Reason.BLOCKED),
        (100, 0, Reason.INVALID),
        (100, 33, Reason.NOT_FOUND),
        (803, 0, Reason.NOT_FOUND),
        (368, 0, Reason.BLOCKED),
        (506, 0, Reason.INVALID),
        (551, 0, Reason.BLOCKED),
        (10900, 0, Reason.STALE),
        (10903, 0, Reason.BLOCKED),
    ],
)
def test_a_no_to_a_message_has_its_reason(world: MetaWorld, code: int, more: int, reason: Reason) -> None:
    target = world.direct()
    world.proxy.answer_next(400, _said(code, more), f"{PAGE}/messages")
    with pytest.raises(Refused) as no:
        world.connector().perform(command_for(Verb.REPLY, target, "Yes, I am here."))
    assert no.value.reason is reason
    assert "Nein" not in str(no.value)


@pytest.mark.parametrize("body", [_said(1), _said(2), _said(99, is_transient=True)])
def test_trouble_of_metas_own_leaves_a_write_unknown(world: MetaWorld, body: bytes) -> None:
    target = world.direct()
    world.proxy.answer_next(400, body, f"{PAGE}/messages")
    with pytest.raises(OutcomeUnknown):
        world.connector().perform(command_for(Verb.REPLY, target, "Yes, I am here."))


def test_trouble_of_metas_own_is_tried_again_by_a_read(world: MetaWorld) -> None:
    world.proxy.answer_next(400, _said(2), "/me")
    assert world.connector().probe().account_id == PAGE


def test_done_without_success_is_not_done(world: MetaWorld) -> None:
    target = f"fb:{world.state.say('Buy my tea')}"
    connector = world.connector()
    connector.probe()
    world.proxy.break_next("an object with nothing in it", write=True)
    with pytest.raises(OutcomeUnknown):
        connector.perform(command_for(Verb.HIDE, target))


# ---------------------------------------------------------------------- pace


def test_the_minutes_that_meta_names_are_kept(world: MetaWorld) -> None:
    use = {"1001": [{"type": "pages", "call_count": 100, "estimated_time_to_regain_access": 19}]}
    header = {"X-Business-Use-Case-Usage": json.dumps(use)}
    world.proxy.answer_next(400, _said(80001), "/me", **header)
    connector = world.connector()
    with pytest.raises(TryLater) as wait:
        connector.probe()
    assert wait.value.until is not None
    assert 18 * 60 < (wait.value.until - datetime.now(UTC)).total_seconds() <= 19 * 60


def test_the_last_fifth_of_an_hour_is_kept_for_a_person(world: MetaWorld) -> None:
    target = world.direct()
    world.state.usage = {"X-App-Usage": json.dumps({"call_count": 85, "total_time": 12, "total_cputime": 3})}
    connector = world.connector()
    with pytest.raises(TryLater):
        pull_all(connector)
    connector.perform(command_for(Verb.REPLY, target, "Yes, I am here."))
    assert world.private_texts() == ["Yes, I am here."]


def test_at_the_limit_nobody_writes_either(world: MetaWorld) -> None:
    target = world.direct()
    world.state.usage = {"X-App-Usage": json.dumps({"call_count": 100})}
    connector = world.connector()
    with pytest.raises(TryLater):
        connector.perform(command_for(Verb.REPLY, target, "Yes, I am here."))
    assert world.private_texts() == []


@pytest.mark.parametrize("said", ["[]", "7", "{", '{"call_count": "many"}', '{"1": {"2": 3}}', "null"])
def test_headers_that_make_no_sense_change_nothing(world: MetaWorld, said: str) -> None:
    world.state.usage = {"X-App-Usage": said, "X-Business-Use-Case-Usage": said}
    assert world.connector().probe().account_id == PAGE


# ---------------------------------------------------------------------- reading


@pytest.mark.parametrize("place", ["fb", "ig"])
def test_many_comments_and_answers_are_all_read(world: MetaWorld, place: str) -> None:
    post = "18001" if place == "ig" else ""
    said = {world.state.say(f"comment {number}", post=post) for number in range(120)}
    root = next(iter(said))
    said |= {world.state.say(f"answer {number}", root) for number in range(70)}
    found = {message.id for message in messages_of(pull_all(world.connector()))}
    assert {f"{place}:{one}" for one in said} == found


@pytest.mark.parametrize("place", ["fb", "ig"])
def test_a_new_answer_below_an_old_comment_is_found(world: MetaWorld, place: str) -> None:
    post = "18001" if place == "ig" else ""
    old = world.state.say("From last spring", post=post, at=ago(days=200))
    for number in range(60):
        world.state.say(f"newer {number}", post=post, at=ago(days=3))
    states = last_states(pull_all(world.connector()))
    answer = world.state.say("I only read this now", old)
    every = {message.id: message for message in messages_of(pull_all(world.connector(), states))}
    found = every[f"{place}:{answer}"]
    assert (found.parent_id, found.thread_id) == (f"{place}:{old}", f"{place}:{old}")
    assert set(every) == {found.id, found.thread_id}, "and the old one, whose answers are now more"


def test_a_back_fill_finds_a_new_answer_below_an_old_comment_on_instagram(world: MetaWorld) -> None:
    old = world.state.say("From last spring", post="18001", at=ago(days=200))
    answer = world.state.say("I only read this now", old)
    found = messages_of(world.connector().pull("instagram_comments", "", ago(days=30)))
    assert [message.id for message in found] == [f"ig:{answer}"]


def test_of_very_many_posts_the_newest_are_watched(world: MetaWorld) -> None:
    world.state.posts |= {f"1001_{number}": "Post" for number in range(10, 350)}
    for number in (10, 49, 50, 349):
        world.state.say("Good evening", post=f"1001_{number}")
    pages = list(world.connector().pull("comments", ""))
    assert [found.thread_title for found in messages_of(pages)] == ["Post", "Post"]
    world.state.seen.clear()
    assert not messages_of(world.connector().pull("comments", pages[-1].state))
    assert not [one for one in world.state.seen if one.endswith("/comments")], "all of them are remembered"


@pytest.mark.parametrize("key", ["../me", "5_1?method=delete", "5_1/likes", "..", "5_1#", "5_1%2F", ""])
def test_an_id_that_would_lead_elsewhere_is_no_record(world: MetaWorld, key: str) -> None:
    world.state.say("Good evening")
    connector = world.connector()
    connector.probe()
    row = {"id": key, "message": "words", "created_time": "2026-11-01T10:00:00+0000"}
    world.proxy.answer_next(200, json.dumps({"data": [row]}).encode(), "/comments")
    pages = list(connector.pull("comments", ""))
    assert (messages_of(pages), sum(page.skipped for page in pages)) == ([], 1)


def test_one_goes_while_another_comes(world: MetaWorld) -> None:
    first = world.state.say("First", at=ago(minutes=5))
    states = last_states(pull_all(world.connector()))
    world.state.delete(first)
    second = world.state.say("Second")
    assert f"fb:{second}" in {message.id for message in messages_of(pull_all(world.connector(), states))}


def test_a_cursor_that_died_is_met_no_more_in_the_next_pull(world: MetaWorld) -> None:
    said = [world.state.say(f"comment {number}", at=ago(minutes=number)) for number in range(150)]
    connector = world.connector()
    pages = connector.pull("comments", "")
    first = next(pages)
    assert '"c5_' not in first.state, "no cursor is kept"
    world.state.delete(said[99])  # the newest hundred end here: the cursor dies
    with pytest.raises(Refused):
        list(pages)
    found = {
        message.id for page in world.connector().pull("comments", first.state) for message in page.messages
    }
    wanted = {f"fb:{one}" for one in said if one != said[99]}
    assert wanted <= found | {message.id for message in first.messages}


def test_quiet_posts_are_not_read_again(world: MetaWorld) -> None:
    for number in range(40):
        world.state.posts[f"1001_{number + 10}"] = f"Post {number}"
        world.state.say("Good evening", post=f"1001_{number + 10}")
    states = last_states(pull_all(world.connector()))
    world.state.seen.clear()
    world.state.say("One more", post="1001_12")
    pull_all(world.connector(), states)
    assert [one for one in world.state.seen if one.endswith("/comments")] == ["GET 1001_12/comments"]


def test_an_author_who_is_not_shown_leaves_the_words(world: MetaWorld) -> None:
    key = world.state.say("Good evening", author="")
    (found,) = messages_of(pull_all(world.connector()))
    assert (found.id, found.person, found.ours) == (f"fb:{key}", None, False)
    assert found.thread_title == "A walk by the lake"


def test_a_broken_record_is_counted_and_stops_nothing(world: MetaWorld) -> None:
    key = world.state.say("Good evening")
    connector = world.connector()
    connector.probe()
    rows = [None, {}, {"id": "x", "created_time": "never"}, 7]
    world.proxy.answer_next(200, json.dumps({"data": rows}).encode(), "/comments")
    pages = list(connector.pull("comments", ""))
    assert sum(page.skipped for page in pages) == len(rows)
    assert isinstance(fetch_one(connector, f"fb:{key}"), RemoteMessage)


def test_a_cursor_that_leads_back_to_itself_ends(world: MetaWorld) -> None:
    world.state.say("Good evening")
    connector = world.connector()
    connector.probe()
    turning = {"data": [], "paging": {"cursors": {"after": "round"}, "next": "https://example.org/"}}
    for _ in range(3):
        world.proxy.answer_next(200, json.dumps(turning).encode(), "/feed")
    list(connector.pull("comments", ""))
    assert sum("/feed" in path for _, path in world.proxy.seen) <= 4


def test_of_a_long_conversation_the_newest_twenty_are_read_and_the_gap_is_said(world: MetaWorld) -> None:
    for number in range(30):
        world.direct(at=ago(minutes=60 - number))
    pages = list(world.connector().pull("messages", ""))
    assert len(messages_of(pages)) == 20
    assert any(page.gap for page in pages)
    states = {"messages": pages[-1].state}
    world.direct()
    again = list(world.connector().pull("messages", states["messages"]))
    assert len(messages_of(again)) == 1


def test_a_message_that_meta_tells_no_more_is_not_taken_for_deleted(world: MetaWorld) -> None:
    old, gone = world.direct(), world.direct()
    for _ in range(25):
        world.direct()
    world.state.delete(gone.rpartition("/")[2])
    newest = world.direct()
    answers = world.connector().fetch([old, gone, newest])
    assert [(one.id, type(one)) for one in answers] == [(gone, RemoteGone), (newest, RemoteMessage)]


@pytest.mark.parametrize("kind", ["comment", "message"])
def test_a_lost_permission_is_not_taken_for_a_deletion(world: MetaWorld, kind: str) -> None:
    target = f"fb:{world.state.say('Good evening')}" if kind == "comment" else world.direct()
    connector = world.connector()
    connector.probe()
    world.state.denied = {"feed", "conversations"}
    world.proxy.answer_next(400, _said(100, 33), target.rpartition("/")[2].rpartition(":")[2])
    with pytest.raises(Refused) as no:
        connector.fetch([target])
    assert no.value.reason is Reason.SCOPE


def test_several_are_read_in_one_call_and_a_gone_one_spoils_none(world: MetaWorld) -> None:
    keys = [f"fb:{world.state.say(f'comment {number}')}" for number in range(5)]
    world.state.seen.clear()
    assert all(isinstance(one, RemoteMessage) for one in world.connector().fetch(keys))
    assert len(world.state.seen) <= 2
    world.state.delete(keys[2].partition(":")[2])
    answers = world.connector().fetch(keys)
    assert [isinstance(one, RemoteGone) for one in answers] == [False, False, True, False, False]


def test_an_id_of_nowhere_is_gone(world: MetaWorld) -> None:
    with pytest.raises(Gone):
        world.connector().perform(command_for(Verb.REPLY, "fb:5_9999", "Hello"))
    with pytest.raises(Refused):
        world.connector().perform(command_for(Verb.REPLY, "elsewhere:5_9999", "Hello"))


# ---------------------------------------------------------------------- signing in


def _signed_in(world: MetaWorld, values: dict[str, str], token: str = "user-token") -> MetaConnector:
    world.state.tokens["user-token"] = "user"
    pasted = {"token": token, "app_secret": SECRET}
    return MetaConnector(world.values | values, MetaConnector(world.values | values, pasted).authorize())


def test_a_persons_token_becomes_the_token_of_a_page(world: MetaWorld) -> None:
    connector = _signed_in(world, {"page": "Harbour Lights", "app_id": "our-app"})
    assert connector.secrets["access_token"] == "page-token"
    assert "long-token" in world.state.tokens
    assert connector.probe().account_id == PAGE
    assert "user-token" not in json.dumps(connector.secrets)


def test_without_a_name_the_pages_are_named(world: MetaWorld) -> None:
    with pytest.raises(Refused) as no:
        _signed_in(world, {})
    assert "Harbour Lights, Quiet Pier" in str(no.value)


def test_a_token_that_is_none_is_said(world: MetaWorld) -> None:
    with pytest.raises(SignInAgain):
        _signed_in(world, {}, "no-token")


def test_missing_permissions_and_tasks_narrow_the_verbs(world: MetaWorld) -> None:
    world.state.granted, world.state.tasks = ["pages_messaging"], ["MESSAGING"]
    found = _signed_in(world, {"page": PAGE}).probe()
    assert found.verbs[Verb.WRITE].can
    assert "pages_manage_engagement" in found.verbs[Verb.HIDE].why_not
    world.state.granted, world.state.tasks = ["pages_messaging", "pages_manage_engagement"], ["MODERATE"]
    found = _signed_in(world, {"page": PAGE}).probe()
    assert found.verbs[Verb.HIDE].can
    assert "MESSAGING" in found.verbs[Verb.WRITE].why_not


def test_streams_that_the_token_cannot_read_are_off_with_a_reason(world: MetaWorld) -> None:
    world.state.denied = {"instagram"}
    streams = world.connector().probe().streams
    assert [name for name, ability in streams.items() if not ability.can] == ["instagram_messages"]
    world.state.linked = False
    streams = world.connector().probe().streams
    assert "No Instagram" in streams["instagram_comments"].why_not
    with pytest.raises(Refused):
        list(world.connector().pull("instagram_comments", ""))


def test_no_token_and_no_secret_stands_in_an_address_or_a_log(
    world: MetaWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    connector = _signed_in(world, {"page": PAGE, "app_id": "our-app"})
    for number in range(120):
        world.state.say(f"comment {number}")  # more than a page: `next` would hold the token
    pull_all(connector)
    connector.perform(command_for(Verb.REPLY, world.direct(), "Yes, I am here."))
    told = "\n".join([caplog.text, *(path for _, path in world.proxy.seen)])
    for secret in ("page-token", "user-token", "long-token", SECRET):
        assert secret not in told
    assert all(path.startswith("/v25.0/") for _, path in world.proxy.seen)


def test_without_the_apps_secret_there_is_no_proof(world: MetaWorld) -> None:
    world.state.secret = ""
    connector = MetaConnector(world.values, {"access_token": "page-token"})
    connector.probe()
    assert "appsecret_proof" not in world.proxy.seen[-1][1]
