"""Reddit's shapes that need no server: whatever comes, it is read, gone or unreadable."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import Kind, RemoteGone, RemoteMessage
from connectors.errors import ConnectorError, Unreadable
from connectors.http import Answer
from connectors.reddit_modmail import first
from connectors.reddit_session import checked, explain, listed, moment_at
from connectors.reddit_things import Reader, look, named
from connectors.reddit_walk import Seen

NOW = datetime(2026, 11, 23, tzinfo=UTC)
KEYS = [
    "name",
    "author",
    "body",
    "selftext",
    "title",
    "created_utc",
    "edited",
    "banned_by",
    "removed",
    "user_reports",
    "mod_reports",
    "link_id",
    "context",
    "parent_id",
    "poll_data",
    "options",
    "vote_count",
    "voting_end_timestamp",
    "gallery_data",
    "media_metadata",
    "items",
    "media_id",
    "url",
    "is_self",
    "post_hint",
    "score",
    "permalink",
    "subreddit",
    "messages",
    "conversation",
    "id",
    "date",
    "isInternal",
    "json",
    "errors",
    "ratelimit",
]
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["t1_abc", "t3_abc", "[deleted]", "[removed]", "https://a.example/b.jpg", "RATELIMIT"])
)
anything = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=6)
    ),
    max_leaves=12,
)
datas = st.dictionaries(st.sampled_from(KEYS), anything, max_size=12)
named_datas = datas.map(lambda data: {"name": "t3_abc", "created_utc": 1.7e9, **data})
reader = Reader(lambda name: name == "us", named("us"), lambda: NOW)


@given(st.sampled_from(["t1", "t3"]), datas | named_datas)
def test_any_thing_is_read_gone_or_unreadable(kind: str, data: dict[str, Any]) -> None:
    thing = {"kind": kind, "data": data}
    assert look(thing)
    try:
        found = reader.read(thing)
        reports = list(reader.reports(thing))
    except Unreadable:
        return
    assert isinstance(found, RemoteMessage | RemoteGone)
    assert all(report.kind is Kind.REPORT for report in reports)


@given(anything)
def test_any_answer_raises_nothing_but_our_errors(data: Any) -> None:
    explain(Answer(400, {}, data, NOW))
    moment_at(data, "date")
    for ask in (lambda: listed(data), lambda: checked(Answer(200, {}, data, NOW))):
        try:
            ask()
        except ConnectorError as trouble:
            assert str(trouble)  # noqa: PT017 - either outcome is right


@given(st.dictionaries(st.text(max_size=4), anything, max_size=4), anything)
def test_any_conversation_shows_what_can_be_read(messages: dict[str, Any], conversation: Any) -> None:
    found = first({"messages": messages, "conversation": conversation}, lambda _: True)
    assert found is None or found.thread_id.startswith("modmail:")


@given(st.text(max_size=40) | anything.map(repr))
def test_any_state_can_be_begun_with(text: str) -> None:
    seen = Seen.load(text)
    assert Seen.load(seen.dump()) == seen
