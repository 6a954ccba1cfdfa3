"""What the real Reddit said, recorded by others, is understood."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from connectors.contract import Audience, Command, GoneHow, Kind, Receipt, RemoteGone, RemoteMessage, Verb
from connectors.errors import Reason, Refused
from connectors.reddit import RedditConnector
from connectors.testing import fetch_one, messages_of, new_key
from tests.servers.recorded import SHARED, Recorded

FOLDER = SHARED / "data" / "cassettes" / "reddit"
ME = "TestMultireddit.test_copy"  # holds /api/v1/me
INSTEAD = {"<TEST_SUBREDDIT>": "harbour", "<USERNAME>": "harbourlights"}
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="The recordings of Reddit are not on this machine."
)


@contextmanager
def playing(*names: str) -> Iterator[tuple[Recorded, RedditConnector]]:
    """A connector on these recordings, signed in."""
    with Recorded(*(FOLDER / f"{name}.json" for name in (ME, *names)), instead=INSTEAD) as server:

        class Here(RedditConnector):
            places = (server.url, server.url)

        values = {"client_id": "an-id", "username": "harbourlights", "communities": "harbour"}
        connector = Here(values, {"access_token": "a-token", "scope": "*"})
        yield server, connector
        connector.close()


def act(connector: RedditConnector, verb: Verb, target: str, text: str = "", **options: str) -> Receipt:
    return connector.perform(Command(new_key(), verb, target, "", text, Audience.PUBLIC, options))


@pytest.mark.parametrize(
    ("stream", "name", "least"),
    [
        ("queue", "TestSubredditModeration.test_modqueue__only_comments", 5),
        ("queue", "TestSubredditModeration.test_modqueue__only_submissions", 1),
        ("reports", "TestSubredditModeration.test_reports__only_comments", 5),
        ("spam", "TestSubredditModeration.test_spam__only_comments", 5),
        ("unmoderated", "TestSubredditModeration.test_unmoderated", 1),
        ("mentions", "TestInbox.test_mentions", 16),
    ],
)
def test_a_recorded_list_is_read_whole(stream: str, name: str, least: int) -> None:
    with playing(name) as (_, connector):
        pages = list(connector.pull(stream, ""))
        found = messages_of(pages)
        assert sum(page.skipped for page in pages) == 0
        assert len({m.id for m in found}) >= least
        for message in found:
            assert message.thread_id.startswith("t3_")
            assert message.text or message.kind is Kind.REPORT
        again = list(connector.pull(stream, pages[-1].state))
        assert not messages_of(again)


def test_recorded_reports_have_their_reason_and_subject() -> None:
    with playing("TestSubredditModeration.test_reports__only_comments") as (_, connector):
        found = {m.id: m for m in messages_of(list(connector.pull("reports", "")))}
        reports = [m for m in found.values() if m.kind is Kind.REPORT]
        assert reports
        assert {m.reason for m in reports} == {"test"}
        assert all(m.subject_id in found for m in reports)


def test_recorded_spam_is_hidden_and_was_edited() -> None:
    with playing("TestSubredditModeration.test_spam__only_comments") as (_, connector):
        found = messages_of(list(connector.pull("spam", "")))
        assert all(m.hidden for m in found)
        assert any(m.edited_at for m in found)


def test_recorded_mentions_are_mentions_elsewhere() -> None:
    with playing("TestInbox.test_mentions") as (_, connector):
        found = messages_of(list(connector.pull("mentions", "")))
        assert {m.kind for m in found} == {Kind.MENTION}
        assert all(m.permalink and m.parent_id and m.thread_title for m in found)


def test_recorded_modmail_is_private() -> None:
    with playing("TestSubredditModmail.test_conversations") as (_, connector):
        pages = list(connector.pull("modmail", ""))
        found = messages_of(pages)
        assert len(found) >= 30
        assert {m.audience for m in found} == {Audience.PRIVATE}
        assert {m.kind for m in found} == {Kind.DIRECT}
        assert all(m.person and m.text for m in found)
        assert sum(page.skipped for page in pages) == 0


def test_a_recorded_discussion_among_moderators_shows_nothing() -> None:
    with playing("TestSubredditModmail.test_call__internal") as (_, connector):
        assert connector.thread("modmail:nbhy") == []
        assert isinstance(fetch_one(connector, "modmail:nbhy:12i4b"), RemoteGone)


def test_a_recorded_conversation_with_its_branches() -> None:
    with playing("TestCommentForest.test_replace__on_direct_comment") as (_, connector):
        found = connector.thread("t1_d8r4im1")
        assert len(found) > 20
        assert found[0].kind is Kind.POST
        assert [m.created_at for m in found] == sorted(m.created_at for m in found)
        known = {m.id for m in found}
        parents = {m.parent_id for m in found if m.parent_id and m.parent_id.startswith("t1_")}
        deleted = {"t1_d8r9nuo", "t1_d8r9gyy", "t1_d8ra666", "t1_d8rbuag"}
        assert parents - known == deleted


def test_recorded_things_that_are_gone() -> None:
    with playing("TestReddit.test_info") as (_, connector):
        ids = [f"t1_d7ltv{number:02}" for number in range(34)]
        found = {one.id: one for one in connector.fetch(ids)}
        assert found["t1_d7ltv31"] == RemoteGone("t1_d7ltv31", GoneHow.REMOVED)
        assert any(isinstance(one, RemoteMessage) for one in found.values())


def test_a_recorded_answer_is_understood() -> None:
    with playing("TestComment.test_reply") as (server, connector):
        receipt = act(connector, Verb.REPLY, "t1_d1616q2", "Comment reply")
        assert receipt.remote_id == "t1_d1680wu"
        assert receipt.at is not None
        assert server.asked[-1][2] == {"api_type": "json", "thing_id": "t1_d1616q2", "text": "Comment reply"}


@pytest.mark.parametrize(
    ("verb", "name", "target", "form"),
    [
        (Verb.RESTORE, "TestCommentModeration.test_approve", "t1_da2g5y6", {}),
        (Verb.UNLOCK, "TestCommentModeration.test_unlock", "t1_da2g6ne", {}),
        (Verb.SPAM, "TestSubmissionModeration.test_remove", "t3_4b536h", {"spam": "true"}),
        (Verb.REMOVE, "TestCommentModeration.test_add_removal_reason", "t1_f98ukt5", {"spam": "false"}),
    ],
)
def test_recorded_moderation_is_understood(verb: Verb, name: str, target: str, form: dict[str, str]) -> None:
    with playing(name) as (server, connector):
        act(connector, verb, target)
        assert server.asked[-1][2] == {"api_type": "json", "id": target, **form}


def test_taking_back_and_closing_reports_as_recorded() -> None:
    with playing("TestComment.test_delete") as (server, connector):
        act(connector, Verb.RETRACT, "t1_d1616q2")
        assert server.asked[-1] == ("POST", "/api/del", {"api_type": "json", "id": "t1_d1616q2"})
    names = ("TestSubmissionModeration.test_ignore_reports", "TestCommentModeration.test_approve")
    with playing(*names) as (server, connector):
        act(connector, Verb.RESOLVE, "t3_31ybt2", choice="ignore")
        assert [path for method, path, _ in server.asked if method == "POST"] == [
            "/api/ignore_reports",
            "/api/approve",
        ]


def test_a_recorded_no_in_a_400_is_understood() -> None:
    with playing("TestCommentModeration.test_send_removal_message__error") as (_, connector):
        with pytest.raises(Refused) as refusal:
            connector._session.write_json("api/v1/modactions/removal_comment_message", {})
        assert refusal.value.reason is Reason.TOO_LONG


def test_recorded_refusals_in_plain_text_and_as_bare_numbers() -> None:
    with playing("TestReddit.test_bad_request_without_json_text_plain_response") as (_, connector):
        with pytest.raises(Refused) as refusal:
            connector._session.read("api/morechildren")
        assert refusal.value.reason is Reason.INVALID
    with playing("TestRedditorListings.test_saved__other_user") as (_, connector):
        with pytest.raises(Refused) as refusal:
            connector._session.read("user/spez/saved")
        assert refusal.value.reason is Reason.ROLE
