"""Bluesky's rules that need no server: places in text, names of records, hostile answers."""

import json
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.bluesky import BlueskyConnector
from connectors.bluesky_feed import permalink, post_of
from connectors.bluesky_session import explain
from connectors.bluesky_text import facets, first_line, graphemes, links, mentions, storable, tid
from connectors.bluesky_walk import State
from connectors.contract import Command, Verb
from connectors.errors import ConnectorError, Gone, Reason, Refused, SignInAgain, Unreadable
from connectors.http import Answer
from connectors.keys import begun_at

NOW = datetime(2026, 11, 22, tzinfo=UTC)
VALID_TID = re.compile(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")


def uuid7(millis: int, rest: int) -> str:
    number = (millis << 80) | (rest & ((1 << 80) - 1))
    number = (number & ~(0xF << 76)) | (7 << 76)
    return str(UUID(int=(number & ~(3 << 62)) | (2 << 62)))


around = st.text(alphabet=st.sampled_from("aé💚👩‍👧漢 \n.,(") | st.characters(codec="utf-8"))


@given(around, st.sampled_from(["a.test", "harbour.bsky.social", "x-1.example.org"]), around)
def test_a_mention_is_found_at_its_bytes(before: str, handle: str, after: str) -> None:
    text = f"{before} @{handle} {after}"
    found = [span for span in mentions(text) if span.text == handle]
    assert found
    for span in found:
        assert text.encode()[span.start : span.end] == f"@{handle}".encode()


@given(around, st.sampled_from(["https://a.test", "http://b.example/x?y=1#z"]), around)
def test_a_link_is_found_at_its_bytes(before: str, link: str, after: str) -> None:
    text = f"{before} {link} {after}"
    assert link in [span.text for span in links(text)]
    for span in links(text):
        assert text.encode()[span.start : span.end] == span.text.encode()


def test_facets_are_in_order_and_only_for_people_who_exist() -> None:
    text = "💚 see https://a.test/@known.test, @known.test and @nobody.test. me@known.test"
    found = facets(text, {"known.test": "did:plc:known"}.get)
    assert [facet["features"][0]["$type"].rpartition("#")[2] for facet in found] == ["link", "mention"]
    index = found[1]["index"]
    assert text.encode()[index["byteStart"] : index["byteEnd"]] == b"@known.test"
    assert found[1]["features"][0]["did"] == "did:plc:known"


@given(st.integers(0, (1 << 48) - 1).map(lambda n: n % (1 << 43)), st.integers(0), st.integers(0))
def test_record_keys_are_valid_and_always_the_same(millis: int, one: int, other: int) -> None:
    key, later = uuid7(millis, one), uuid7(millis + 1, other)
    assert VALID_TID.fullmatch(tid(key))
    assert tid(key) == tid(key)
    assert tid(key) < tid(later)
    assert begun_at(key) == datetime.fromtimestamp(millis / 1000, UTC)


@given(st.uuids(version=4).map(str) | st.text())
def test_any_key_makes_a_valid_record_key(key: str) -> None:
    assert VALID_TID.fullmatch(tid(key.encode("utf-8", "replace").decode()))


def test_keys_of_one_moment_hardly_meet_and_then_have_another_name() -> None:
    keys = [uuid7(1_795_000_000_000, n << 64) for n in range(2000)]
    assert len({tid(key) for key in keys}) > len(keys) - 20
    assert all(len({tid(key, attempt) for attempt in range(4)}) == 4 for key in keys[:20])


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("abc", 3),
        ("👩‍👧‍👦", 1),
        ("🇩🇪🇫🇷", 2),
        ("é", 1),
        ("👍🏽", 1),
        ("한국", 2),
        ("a\r\nb", 3),
        ("नि", 1),
    ],
)
def test_graphemes(text: str, count: int) -> None:
    assert graphemes(text) == count


@given(st.text())
def test_what_can_be_stored_can_be_encoded(text: str) -> None:
    if storable(text):
        assert "\0" not in text.encode().decode()


@given(st.text())
def test_a_title_is_one_short_line(text: str) -> None:
    assert len(first_line(text)) <= 100
    assert len(first_line(text).splitlines()) <= 1


def test_permalinks() -> None:
    assert permalink("at://did:plc:a/app.bsky.feed.post/3k") == "https://bsky.app/profile/did:plc:a/post/3k"
    assert permalink("at://did:plc:a/app.bsky.feed.like/3k") is None


VIEW = {
    "uri": "at://did:plc:a/app.bsky.feed.post/3k",
    "cid": "bafy",
    "author": {"did": "did:plc:a", "handle": "a.test"},
    "record": {"text": "hello", "createdAt": "2026-11-22T10:00:00Z", "langs": ["en"]},
    "indexedAt": "2026-11-22T10:00:01Z",
    "likeCount": 2,
}
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.sampled_from(sorted(VIEW)), junk)
def test_a_broken_post_is_unreadable_or_whole(field: str, value: object) -> None:
    try:
        post = post_of({**VIEW, field: value})
    except Unreadable:
        return
    assert post.ref.uri.startswith("at://")
    assert isinstance(post.text, str)
    assert post.created_at.utcoffset() == timedelta(0)
    assert post.likes >= 0


@given(st.dictionaries(st.sampled_from(["text", "createdAt", "langs", "facets", "embed", "reply"]), junk))
def test_a_broken_record_is_unreadable_or_whole(record: dict[str, object]) -> None:
    try:
        post = post_of({**VIEW, "record": record})
    except Unreadable:
        return
    assert isinstance(post.text, str)


@pytest.mark.parametrize("claimed", ["2199-01-01T00:00:00Z", "not a time", None, 7])
def test_a_time_from_the_future_is_not_believed(claimed: object) -> None:
    post = post_of({**VIEW, "record": {"text": "hello", "createdAt": claimed}})
    assert post.created_at == datetime(2026, 11, 22, 10, 0, 1, tzinfo=UTC)


@given(st.text() | junk.map(json.dumps))
def test_a_state_that_makes_no_sense_begins_again(text: str) -> None:
    state = State.load(text)
    assert State.load(state.dump(state.mark)) == state


@pytest.mark.parametrize(
    ("status", "code", "error", "reason"),
    [
        (400, "ExpiredToken", SignInAgain, None),
        (400, "InvalidToken", SignInAgain, None),
        (401, "AuthenticationRequired", SignInAgain, None),
        (400, "AccountTakedown", SignInAgain, None),
        (400, "RecordNotFound", Gone, Reason.NOT_FOUND),
        (400, "InvalidSwap", Refused, Reason.STALE),
        (400, "BlockedActor", Refused, Reason.BLOCKED),
        (501, "MethodNotImplemented", Refused, Reason.UNSUPPORTED),
    ],
)
def test_codes_have_meanings(
    status: int, code: str, error: type[ConnectorError], reason: Reason | None
) -> None:
    found = explain(Answer(status, {}, {"error": code, "message": "ExpiredToken"}, NOW))
    assert isinstance(found, error)
    assert getattr(found, "reason", None) is reason


def test_texts_of_errors_mean_nothing() -> None:
    assert explain(Answer(400, {}, {"error": "InvalidRequest", "message": "ExpiredToken"}, NOW)) is None
    assert explain(Answer(502, {}, None, NOW)) is None


def test_before_anybody_signed_in_in_the_browser_a_call_says_so() -> None:
    with pytest.raises(SignInAgain):
        BlueskyConnector({"handle": "a.test", "server": "http://127.0.0.1:9"}, {}).probe()


def test_an_address_without_encryption_is_refused() -> None:
    with pytest.raises(Refused):
        BlueskyConnector({"handle": "a.test", "server": "http://bsky.social"}, {})


@pytest.mark.parametrize("verb", [Verb.BAN, Verb.POLL])
def test_what_bluesky_cannot_do_is_said_without_asking(verb: Verb) -> None:
    connector = BlueskyConnector({"handle": "a.test", "server": "bsky.social"}, {})
    with pytest.raises(Refused) as refusal:
        connector.perform(Command(str(uuid4()), verb, "at://did:plc:a/app.bsky.feed.post/3k"))
    assert refusal.value.reason is Reason.UNSUPPORTED
