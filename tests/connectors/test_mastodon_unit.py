"""Mastodon's lists as all kinds of servers give them out, and words on their way in and out."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.contract import Audience, Kind, Page, Verb
from connectors.mastodon import MastodonConnector
from connectors.mastodon_session import address
from connectors.mastodon_text import addressed, gist, length, storable, strangers
from connectors.testing import fetch_one, last_states, messages_of
from tests.servers.mastodon_server import IDS, LINKS, US, Community, Dialect, MastodonServer

DIALECTS = st.builds(
    Dialect,
    st.sampled_from(sorted(IDS)),
    st.sampled_from(LINKS),
    st.sampled_from([1, 2, 3, 40]),
    st.booleans(),
    st.booleans(),
)
VISIBILITIES = ("public", "unlisted", "private", "direct")


@pytest.fixture(scope="module")
def server() -> Iterator[MastodonServer]:
    with MastodonServer() as running:
        yield running


def connector(server: MastodonServer) -> MastodonConnector:
    return MastodonConnector({"server": server.url}, {"access_token": "a-token"})


def pull(server: MastodonServer, state: str, pages: int | None = None) -> list[Page]:
    """The whole way, or only so many pages of it, as if the program had ended there."""
    made = connector(server)
    found = list(islice(made.pull("inbox", state), pages))
    made.close()
    return found


@settings(max_examples=150, deadline=None)
@given(
    DIALECTS,
    st.lists(
        st.tuples(
            st.lists(st.sampled_from((*VISIBILITIES, "ours")), max_size=9), st.none() | st.integers(1, 4)
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_whatever_the_server_and_wherever_it_stops_each_message_comes_once(
    server: MastodonServer, dialect: Dialect, evenings: list[tuple[list[str], int | None]]
) -> None:
    community = server.community = Community(dialect)
    said: list[str] = []
    found: Counter[str] = Counter()
    state = ""
    for words, stops in [*evenings, ([], None)]:
        for visibility in words:
            ours = visibility == "ours"
            shown = "public" if ours else visibility
            said.append(community.says(f"number {len(said)}", shown, US if ours else "2"))
        pages = pull(server, state, stops)
        found.update(message.id for message in messages_of(pages))
        assert not any(page.skipped or page.gap for page in pages)
        state = last_states(pages).get("inbox", state)
    assert found == Counter(said)


@pytest.mark.parametrize("ids", IDS)
def test_an_id_is_handed_on_as_it_is(server: MastodonServer, ids: str) -> None:
    server.community = Community(Dialect(ids))
    said = [server.community.says(f"number {n}") for n in range(3)]
    assert [one.id for one in connector(server).fetch(said)] == said


@pytest.mark.parametrize(
    ("visibility", "audience"),
    [
        ("public", Audience.PUBLIC),
        ("unlisted", Audience.PUBLIC),
        ("private", Audience.PRIVATE),
        ("direct", Audience.PRIVATE),
        ("local", Audience.PRIVATE),
        ("something_of_tomorrow", Audience.PRIVATE),
    ],
)
def test_what_is_not_known_to_be_open_counts_as_private(
    server: MastodonServer, visibility: str, audience: Audience
) -> None:
    server.community = Community()
    server.community.says("hello", visibility)
    (message,) = messages_of(pull(server, ""))
    assert message.audience is audience
    assert message.kind is (Kind.DIRECT if visibility == "direct" else Kind.MENTION)
    assert message.text == "@us hello"


def test_a_poll_that_hides_its_votes_does_not_look_empty(server: MastodonServer) -> None:
    server.community = Community()
    options = [{"title": "yes", "votes_count": None}, {"title": "no", "votes_count": None}]
    poll = {"options": options, "voters_count": None, "expired": False, "expires_at": None, "multiple": True}
    server.community.says("shall we?", poll=poll)
    (message,) = messages_of(pull(server, ""))
    assert message.poll is not None
    assert message.poll.answers == (("yes", None), ("no", None))
    assert (message.poll.voters, message.poll.closes_at, message.poll.several) == (None, None, True)


@pytest.mark.parametrize("broken", [{"content": None}, {"created_at": "soon"}, {"account": None}, {"id": 7}])
def test_a_status_that_cannot_be_read_stops_nothing(
    server: MastodonServer, broken: dict[str, object]
) -> None:
    server.community = Community(Dialect(in_bulk=False))
    before = server.community.says("before")
    server.community.says("broken", **broken)
    after = server.community.says("after")
    pages = pull(server, "")
    assert {message.id for message in messages_of(pages)} == {before, after}
    assert sum(page.skipped for page in pages) >= 1


def test_a_boost_of_ours_is_no_message(server: MastodonServer) -> None:
    server.community = Community()
    own = server.community.says("ours", author=US)
    server.community.says("", author=US, reblog={"id": "5"})
    assert [message.id for message in messages_of(pull(server, ""))] == [own]


def test_a_server_that_does_not_answer_in_bulk_is_asked_one_by_one(server: MastodonServer) -> None:
    for in_bulk in (True, False):
        server.community = Community(Dialect(in_bulk=in_bulk))
        said = [server.community.says(f"number {n}") for n in range(25)]
        assert [one.id for one in connector(server).fetch(said)] == said
        assert fetch_one(connector(server), said[3]).id == said[3]


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("mastodon.social", "https://mastodon.social"),
        (" @ada@mastodon.social ", "https://mastodon.social"),
        ("https://mastodon.social/@ada?tab=1", "https://mastodon.social"),
        ("http://127.0.0.1:28670/", "http://127.0.0.1:28670"),
    ],
)
def test_a_server_is_found_however_it_is_typed(typed: str, found: str) -> None:
    assert address(typed) == found


def test_who_is_named_already_is_not_named_again() -> None:
    assert addressed("hello @mira", ["mira", "ada@far.example"]) == "@ada@far.example hello @mira"
    assert addressed("write to me@mira.example", ["mira"]).startswith("@mira ")


def test_a_stranger_is_noticed_also_with_the_name_of_our_server() -> None:
    assert strangers("ask @mira or @loud", ["mira"], "here.example") == "loud"
    assert not strangers("ask @Mira@here.example", ["mira"], "here.example")
    assert not strangers("write to post@mira.example", [], "here.example")
    assert strangers("ask @mira@far.example", ["mira"], "here.example") == "mira@far.example"


@given(st.text())
def test_what_is_sent_can_be_stored_and_is_found_again(text: str) -> None:
    kept = storable(text)
    kept.encode("utf-8")
    assert "\0" not in kept
    assert storable(kept) == kept
    assert gist(kept) == gist(kept.strip())
    assert length(kept) <= max(len(kept), 23 * (kept.lower().count("http") + 1) + len(kept))


def test_links_and_servers_do_not_count_as_long_as_they_are() -> None:
    assert length("see https://example.org/" + "a" * 300) == len("see ") + 23
    assert length("@ada@a.very.long.name.example hello") == len("@ada hello")


def test_every_verb_has_its_place() -> None:
    assert set(MastodonConnector.lacks) | set(MastodonConnector.tested_on) == set(Verb)
    assert not set(MastodonConnector.lacks) & set(MastodonConnector.tested_on)
    assert set(MastodonConnector.tested_on.values()) == {"recorded", "stand-in"}
