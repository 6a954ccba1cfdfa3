"""Discourse as it really answered: recorded bodies are read, and requests are those of its description."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from connectors.contract import Command, GoneHow, Kind, RemoteGone, RemoteMessage, Verb
from connectors.discourse_posts import poll
from connectors.errors import ConnectorError
from connectors.faults import FaultProxy
from connectors.testing import messages_of, pull_all
from tests.connectors.test_discourse_contract import DiscourseWorld
from tests.servers.discourse_answers import Discourse
from tests.servers.discourse_server import running
from tests.servers.discourse_specification import SPECIFICATION

RECORDED = (
    Path(os.environ.get("HEARTHLIGHT_SHARED") or Path(__file__).parents[3] / "shared")
    / "data"
    / "cassettes"
    / "discourse"
)
pytestmark = pytest.mark.shared
recorded = pytest.mark.skipif(
    not RECORDED.is_dir(),
    reason="the recorded answers are not in the shared research folder beside the checkout",
)
specified = pytest.mark.skipif(
    not SPECIFICATION.is_file(), reason="the official description is not in the shared research folder"
)


@pytest.fixture
def world() -> Iterator[DiscourseWorld]:
    state = Discourse()
    with running(state) as server, FaultProxy(server.url) as proxy:
        yield DiscourseWorld(state, proxy)


def _body(name: str) -> bytes:
    return (RECORDED / f"{name}.json").read_bytes()


def _read(name: str) -> Any:
    return json.loads(_body(name))


@recorded
def test_the_newest_posts_are_read(world: DiscourseWorld) -> None:
    world.proxy.answer_next(200, _body("posts_latest"), "posts.json")
    page = next(iter(world.connector().pull("posts", "")))
    posts = _read("posts_latest")["latest_posts"]
    assert (len(page.messages), page.skipped) == (len(posts), 0)
    first = page.messages[0]
    assert (first.id, first.text, first.thread_id) == ("15", "holla bullhonky.", "11")
    assert first.thread_title == "This is an uncategorized title"
    assert first.created_at == datetime(2020, 1, 25, 2, 10, 7, 971000, tzinfo=UTC)
    assert first.person is not None
    assert (first.person.id, first.person.handle, first.person.name) == ("1", "johndoe", "")
    assert [one.kind for one in page.messages[:2]] == [Kind.COMMENT, Kind.POST]


@recorded
def test_one_post_is_read(world: DiscourseWorld) -> None:
    topic = json.dumps(_read("topic") | {"id": 8, "archetype": "regular", "category_id": None}).encode()
    world.proxy.answer_next(200, _body("post"), "posts/11.json")
    world.proxy.answer_next(200, topic, "t/8.json")
    (found,) = world.connector().fetch(["11"])
    assert isinstance(found, RemoteMessage)
    assert found.text.startswith("The first paragraph of this pinned topic")
    assert "- Who is it for?" in found.text
    assert (found.likes, found.person and found.person.id) == (0, "-1")


@recorded
def test_a_topic_of_another_time_zone_is_read(world: DiscourseWorld) -> None:
    topic = _read("topic")
    posts = topic["post_stream"]["posts"]
    ids = [one["id"] for one in posts]
    topic["post_stream"]["stream"] = ids
    world.proxy.answer_next(200, json.dumps(posts[0]).encode(), f"posts/{ids[0]}.json")
    world.proxy.answer_next(200, json.dumps(topic).encode(), f"t/{topic['id']}.json")
    thread = world.connector().thread(str(ids[0]))
    assert {one.id for one in thread} <= {str(one) for one in ids}
    assert thread[0].created_at == datetime(2013, 2, 4, 20, 26, 26, 278000, tzinfo=UTC)


@recorded
def test_posts_asked_for_by_id_are_read_whatever_their_raw_form_is(world: DiscourseWorld) -> None:
    connector = world.connector()
    stream = {"posts": [], "stream": [123456]}
    topic = {"id": 57, "title": "Try", "archetype": "regular", "category_id": None, "post_stream": stream}
    post = _read("topic_posts")["post_stream"]["posts"][0]
    world.proxy.answer_next(200, json.dumps(post).encode(), "posts/123456.json")
    world.proxy.answer_next(200, json.dumps(topic).encode(), "t/57.json")
    world.proxy.answer_next(200, _body("topic_posts"), "t/57/posts.json")
    (found,) = connector.thread("123456")
    assert (found.text, found.likes) == ("Some text.", 3)


@recorded
def test_the_inbox_is_read(world: DiscourseWorld) -> None:
    world.proxy.answer_next(200, _body("private_messages"), "private-messages")
    conversation = {"id": 11, "title": "Welcome", "archetype": "private_message", "category_id": None}
    post = _read("topic_posts")["post_stream"]["posts"][0] | {"topic_id": 11}
    conversation |= {"post_stream": {"posts": [post], "stream": [123456]}}
    world.proxy.answer_next(200, json.dumps(conversation).encode(), "t/11.json")
    pages = list(world.connector().pull("direct", ""))
    assert [(one.id, one.kind) for one in messages_of(pages)] == [("123456", Kind.DIRECT)]
    assert list(messages_of(world.connector().pull("direct", pages[-1].state))) == []


@recorded
@pytest.mark.parametrize(
    ("name", "closed", "counts"), [("vote", False, (2, 0, 2)), ("toggle_status", True, (1, 0, 2))]
)
def test_a_poll_is_read(name: str, *, closed: bool, counts: tuple[int, ...]) -> None:
    found = poll({"polls": [_read(f"polls_{name}")["poll"]]})
    assert found is not None
    assert (found.closed, found.several, found.closes_at) == (closed, False, None)
    assert tuple(count for _, count in found.answers) == counts
    assert found.answers[1][0] == "I want to lead the meeting."


@recorded
@pytest.mark.parametrize("name", sorted(one.stem for one in RECORDED.glob("*.json")))
def test_any_shape_of_answer_is_read_gone_or_said_to_be_unreadable(world: DiscourseWorld, name: str) -> None:
    """Every recorded body in the place of every other one: never a crash, never a wrong deletion."""
    key = str(world.state.say("still there", world.state.home).id)
    for path in (
        "posts.json",
        f"posts/{key}.json",
        "t/",
        "review.json",
        "private-messages",
        "session/",
        "site",
    ):
        world.proxy.calm()
        world.proxy.answer_next(200, _body(name), path)
        try:
            connector = world.connector()
            pull_all(connector)
            (answer,) = connector.fetch([key])
        except ConnectorError:
            continue
        assert isinstance(answer, RemoteMessage), (name, path)


def test_nobody_is_asked_about_an_id_that_cannot_be_one(world: DiscourseWorld) -> None:
    ids = ["review-x", "1/../../admin", ""]
    gone = [RemoteGone(one, GoneHow.DELETED) for one in ids]
    assert world.connector().fetch(ids) == gone
    assert not world.proxy.seen


@specified
def test_what_is_said_to_be_tried_on_the_description_is_asked_as_it_says(world: DiscourseWorld) -> None:
    connector, state = world.connector(), world.state

    def does(verb: Verb, target: object, text: str = "", **options: str) -> str:
        command = Command(str(uuid4()), verb, str(target), str(state.home), text, options=options)
        return connector.perform(command).remote_id

    post = state.say("Good evening", state.home)
    made = does(Verb.REPLY, post.id, "Good evening to you")
    does(Verb.RETRACT, made)
    does(Verb.LIKE, post.id)
    does(Verb.LOCK, post.id)
    does(Verb.MUTE, post.id, hours="24")
    does(Verb.BAN, post.id, hours="24")
    does(Verb.WRITE, post.id, "How are you?")
    does(Verb.POLL, "", "How are you all?", choices='["well", "not well"]')
    does(Verb.REMOVE, post.id)
    pull_all(connector)
    assert state.specification.met >= {
        ("GET", "/posts.json"),
        ("POST", "/posts.json"),
        ("GET", "/posts/{id}.json"),
        ("DELETE", "/posts/{id}.json"),
        ("POST", "/post_actions.json"),
        ("GET", "/t/{id}.json"),
        ("PUT", "/t/{id}/status.json"),
        ("PUT", "/admin/users/{id}/silence.json"),
        ("PUT", "/admin/users/{id}/suspend.json"),
        ("GET", "/topics/private-messages/{username}.json"),
    }


@specified
@pytest.mark.parametrize(
    ("method", "path", "query", "body"),
    [
        ("GET", "/nowhere.json", {}, None),
        ("GET", "/posts.json", {"after": "1"}, None),
        ("POST", "/posts.json", {}, {"topic_id": 1}),
        ("POST", "/posts.json", {}, {"raw": "words", "topic_id": "1"}),
        ("PUT", "/admin/users/1/silence.json", {}, {"reason": "quiet"}),
    ],
)
def test_a_request_that_discourse_does_not_know_is_noticed(
    world: DiscourseWorld, method: str, path: str, query: dict[str, str], body: Any
) -> None:
    with pytest.raises(AssertionError):
        world.state.specification.check(method, path, query, body)
