"""Reddit's traps, one test each, on a Reddit of our own: what comes in."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.contract import (
    Audience,
    GoneHow,
    Kind,
    RemoteGone,
    Verb,
)
from connectors.errors import OutcomeUnknown, Reason, Refused, TryLater
from connectors.testing import fetch_one, messages_of
from tests.servers.reddit_community import ELSEWHERE, OTHER, US
from tests.servers.reddit_desk import OnReddit
from tests.servers.reddit_server import Refusal, says_no

# -------------------------------------------------------------------- what comes in


def test_the_queue_mixes_posts_and_comments_and_brings_their_reports(reddit: OnReddit) -> None:
    comment = reddit.server.comment(OTHER, "Nobody would notice if I were gone.")
    post = reddit.server.post(OTHER, "A post", "with words", banned_by=True)
    reddit.server.report(comment, "I am worried about them")
    reddit.server.report(comment, "No selling", moderator="AutoModerator")
    found = {m.id: m for m in reddit.messages("queue")}
    assert found[post].kind is Kind.POST
    assert found[post].hidden
    assert found[comment].kind is Kind.COMMENT
    reports = [m for m in found.values() if m.kind is Kind.REPORT]
    assert {(m.reason, m.subject_id, m.thread_id) for m in reports} == {
        ("I am worried about them", comment, reddit.server.root),
        ("No selling", comment, reddit.server.root),
    }
    assert {m.person.handle if m.person else None for m in reports} == {None, "u/AutoModerator"}
    assert all(m.audience is Audience.PRIVATE and m.choices for m in reports)


def test_a_report_on_something_old_is_brought_and_says_when_it_was_seen(reddit: OnReddit) -> None:
    old = reddit.server.comment(OTHER, "Written last year.", created_utc=1.7e9)
    reddit.server.report(old, "spam")
    since = datetime.now(UTC) - timedelta(days=1)
    found = messages_of(reddit.pull("reports", "", since))
    (report,) = [m for m in found if m.kind is Kind.REPORT]
    assert report.created_at > since
    assert [m.id for m in found if m.kind is Kind.COMMENT] == [old]


def test_another_report_on_a_known_comment_is_brought(reddit: OnReddit) -> None:
    comment = reddit.server.comment(OTHER, "Hello")
    reddit.server.report(comment, "first")
    state = reddit.pull("queue")[-1].state
    assert not messages_of(reddit.pull("queue", state))
    reddit.server.report(comment, "second")
    reasons = {m.reason for m in messages_of(reddit.pull("queue", state)) if m.kind is Kind.REPORT}
    assert "second" in reasons


def test_a_new_report_far_down_the_queue_is_met(reddit: OnReddit) -> None:
    old = reddit.server.comment(OTHER, "written first")
    for number in range(150):
        reddit.server.report(reddit.server.comment(OTHER, f"number {number}"), "spam")
    state = reddit.pull("queue")[-1].state
    reddit.server.report(old, "I am worried")
    found = messages_of(reddit.pull("queue", state))
    assert [(m.id, m.reason) for m in found if m.id == old or m.reason] == [
        (old, None),
        (found[-1].id, "I am worried"),
    ]


def test_a_report_can_be_read_again_and_is_gone_once_it_is_closed(reddit: OnReddit) -> None:
    comment = reddit.server.comment(OTHER, "Hello")
    reddit.server.report(comment, "spam")
    (report,) = [m for m in reddit.messages("reports") if m.kind is Kind.REPORT]
    assert reddit.message(report.id).reason == "spam"
    assert report.id in {m.id for m in reddit.connector.thread(report.id)}
    reddit.do(Verb.RESOLVE, report.id)
    assert isinstance(fetch_one(reddit.connector, report.id), RemoteGone)


def test_a_mention_in_our_own_community_is_one_in_every_list(reddit: OnReddit) -> None:
    mention = reddit.server.comment(OTHER, f"can /U/{US.lower()} help?")
    other = reddit.server.comment(OTHER, f"u/{US}_fan wrote this")
    found = {m.id: m.kind for m in reddit.messages("comments")}
    assert found == {mention: Kind.MENTION, other: Kind.COMMENT}
    assert reddit.message(mention).kind is Kind.MENTION


def test_a_mention_in_the_inbox_belongs_to_the_post_that_its_address_names(reddit: OnReddit) -> None:
    far = reddit.server.post(OTHER, "Elsewhere", "", ELSEWHERE)
    mention = reddit.server.comment(OTHER, f"u/{US} hello", far)
    (found,) = reddit.messages("mentions")
    assert (found.id, found.thread_id, found.kind) == (mention, far, Kind.MENTION)
    assert found.revision == reddit.message(mention).revision


def test_spam_and_what_nobody_looked_at_yet(reddit: OnReddit) -> None:
    spam = reddit.server.comment(OTHER, "Buy this", banned_by=True)
    assert [(m.id, m.hidden) for m in reddit.messages("spam")] == [(spam, True)]
    assert [m.id for m in reddit.messages("unmoderated")] == [reddit.server.root]
    reddit.do(Verb.RESTORE, reddit.server.root)
    assert not reddit.messages("unmoderated")


def test_modmail_is_private_and_notes_among_moderators_are_left_out(reddit: OnReddit) -> None:
    asked = reddit.server.letter(OTHER, "Can you hear me?")
    name = asked.split(":")[1]
    reddit.server.letter("AnotherModerator", "I think she is not well.", name, internal=True)
    answer = reddit.server.letter("AnotherModerator", "We hear you.", name)
    found = reddit.messages("modmail")
    assert [(m.id, m.ours) for m in found] == [(asked, False), (answer, True)]
    assert {m.audience for m in found} == {Audience.PRIVATE}
    assert [m.id for m in reddit.connector.thread(asked)] == [asked, answer]


def test_a_conversation_that_is_only_among_moderators_is_nobodys_message(reddit: OnReddit) -> None:
    reddit.server.letter("AnotherModerator", "Shall we?", internal=True)
    assert not reddit.messages("modmail")


def test_a_poll_and_pictures_come_along(reddit: OnReddit) -> None:
    options = [{"text": "Yes", "vote_count": 3, "id": "1"}, {"text": "No", "id": "2"}]
    poll = {"options": options, "total_vote_count": 3, "voting_end_timestamp": 1_790_000_000_000}
    picture = {"p1": {"s": {"u": "https://preview.example/p1.jpg"}}}
    more = {"poll_data": poll, "media_metadata": picture}
    more |= {"gallery_data": {"items": [{"media_id": "p1", "caption": "a harbour"}]}}
    found = reddit.message(reddit.server.post(OTHER, "A poll", "", **more))
    assert found.poll is not None
    assert found.poll.answers == (("Yes", 3), ("No", None))
    assert found.poll.closes_at == datetime.fromtimestamp(1_790_000_000, UTC)
    assert [(m.url, m.alt) for m in found.media] == [("https://preview.example/p1.jpg", "a harbour")]


# -------------------------------------------------------------------- traps


def test_a_walk_says_that_a_thousand_is_not_everything(reddit: OnReddit) -> None:
    first = reddit.server.comment(OTHER, "known")
    state = reddit.pull("comments")[-1].state
    reddit.server.most = 950
    for number in range(960):
        reddit.server.comment(OTHER, f"number {number}")
    pages = reddit.pull("comments", state)
    assert [page.gap for page in pages] == [False] * (len(pages) - 1) + [True]
    assert first not in {m.id for m in messages_of(pages)}
    assert not reddit.pull("comments", pages[-1].state)[-1].gap


def test_what_was_known_may_be_deleted_and_nothing_is_lost(reddit: OnReddit) -> None:
    known = [reddit.server.comment(OTHER, f"known {number}") for number in range(3)]
    state = reddit.pull("comments")[-1].state
    for name in known:
        reddit.server.delete(name)
    new = reddit.server.comment(OTHER, "new")
    pages = reddit.pull("comments", state)
    assert [m.id for m in messages_of(pages)] == [new]
    assert not any(page.gap for page in pages)
    assert not any("before" in asked for _, _, asked, _ in reddit.server.requests)
    assert not any(name in pages[-1].state for name in known), "no id is kept of what is gone"


def test_a_walk_ends_at_what_is_known(reddit: OnReddit) -> None:
    for number in range(250):
        reddit.server.comment(OTHER, f"number {number}")
    state = reddit.pull("comments")[-1].state
    reddit.server.requests.clear()
    reddit.server.comment(OTHER, "one more")
    assert len(messages_of(reddit.pull("comments", state))) == 1
    assert sum(path.endswith("/comments") for _, path, _, _ in reddit.server.requests) == 1


def test_a_walk_that_was_broken_off_is_walked_to_its_end_again(reddit: OnReddit) -> None:
    names = {reddit.server.comment(OTHER, f"number {number}") for number in range(250)}
    first = next(iter(reddit.connector.pull("comments", "")))
    rest = reddit.pull("comments", first.state)
    assert {m.id for m in (*first.messages, *messages_of(rest))} == names
    assert not {m.id for m in first.messages} & {m.id for m in messages_of(rest)}


def test_many_conversations_are_walked_whole_even_after_a_break(reddit: OnReddit) -> None:
    letters = [reddit.server.letter(f"person_{number}", f"letter {number}") for number in range(60)]
    first = next(iter(reddit.connector.pull("modmail", "")))
    rest = reddit.pull("modmail", first.state)
    assert {m.id for m in (*first.messages, *messages_of(rest))} == set(letters)
    reddit.server.requests.clear()
    again = reddit.server.letter("person_3", "one more", letters[3].split(":")[1])
    pages = reddit.pull("modmail", rest[-1].state)
    assert again in {m.id for m in messages_of(pages)}
    assert sum(path.startswith("/api/mod") for _, path, _, _ in reddit.server.requests) == 2


def test_a_list_that_leads_back_to_itself_ends(reddit: OnReddit) -> None:
    name = reddit.server.comment(OTHER, "again and again")
    page = {"data": {"children": [reddit.server.shown(reddit.server.things[name])], "after": name}}
    reddit.server.refusals += [("/comments", Refusal(200, page))] * 20
    assert len(reddit.pull("comments")) <= 2


def test_what_cannot_be_read_is_counted_and_stops_nothing(reddit: OnReddit) -> None:
    good = reddit.server.comment(OTHER, "good")
    reddit.server.comment(OTHER, "bad", created_utc=None, banned_by="")
    reddit.server.things[list(reddit.server.things)[-1]]["created_utc"] = 10**300
    reddit.server.things["t1_x"] = {
        **reddit.server.things[good],
        "name": "t1_x",
        "body": None,
        "created_utc": 1.0,
    }
    (page,) = reddit.pull("comments")
    assert [m.id for m in page.messages] == [good]
    assert page.skipped == 2


@pytest.mark.parametrize(
    ("said", "seconds"), [({"ratelimit": 178.5}, 178.5), ({}, 600), ({"ratelimit": "x"}, 600)]
)
def test_a_200_can_be_a_pause(reddit: OnReddit, said: dict[str, object], seconds: float) -> None:
    reddit.server.refusals.append(("/api/comment", says_no("RATELIMIT", **said)))
    with pytest.raises(TryLater) as wait:
        reddit.do(Verb.REPLY, reddit.server.root, "Hello")
    assert wait.value.until is not None
    assert abs((wait.value.until - datetime.now(UTC)).total_seconds() - seconds) < 5


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("DELETED_COMMENT", Reason.NOT_FOUND),
        ("TOO_LONG", Reason.TOO_LONG),
        ("THREAD_LOCKED", Reason.ROLE),
        ("TOO_OLD", Reason.UNSUPPORTED),
        ("USER_BLOCKED", Reason.BLOCKED),
        ("SOMETHING_NEW", Reason.INVALID),
    ],
)
def test_a_200_can_be_a_no(reddit: OnReddit, code: str, reason: Reason) -> None:
    reddit.server.refusals.append(("/api/comment", says_no(code)))
    with pytest.raises(Refused) as refusal:
        reddit.do(Verb.REPLY, reddit.server.root, "Hello")
    assert refusal.value.reason is reason
    assert "Worte" not in str(refusal.value), "their words are in the account's language"


def test_a_403_is_a_bare_number_and_a_400_may_be_a_page(reddit: OnReddit) -> None:
    refusals = [(403, {"error": 403}, Reason.ROLE), (400, b"<html>Bad Request</html>", Reason.INVALID)]
    refusals += [(400, b"Bad Request", Reason.INVALID), (400, {"reason": "TOO_LONG"}, Reason.TOO_LONG)]
    for status, body, reason in refusals:
        reddit.server.refusals.append(("/api/comment", Refusal(status, body)))
        with pytest.raises(Refused) as refusal:
            reddit.do(Verb.REPLY, reddit.server.root, "Hello")
        assert refusal.value.reason is reason


def test_an_answer_without_what_was_made_is_unknown(reddit: OnReddit) -> None:
    reddit.server.refusals.append(
        ("/api/comment", Refusal(200, {"json": {"errors": [], "data": {"things": []}}}))
    )
    with pytest.raises(OutcomeUnknown):
        reddit.do(Verb.REPLY, reddit.server.root, "Hello")


def test_words_come_as_they_were_written(reddit: OnReddit) -> None:
    name = reddit.server.comment(OTHER, "you & me < everybody")
    assert reddit.message(name).text == "you & me < everybody"
    assert {asked["raw_json"] for method, _, asked, _ in reddit.server.requests if method == "GET"} == {"1"}


def test_edited_is_false_or_a_moment_and_quick_edits_are_not_marked(reddit: OnReddit) -> None:
    name = reddit.server.comment(OTHER, "first words")
    before = reddit.message(name)
    assert before.edited_at is None
    reddit.server.things[name]["body"] = "other words"
    quick = reddit.message(name)
    assert quick.edited_at is None
    assert quick.revision != before.revision
    reddit.server.edit(name, "third words")
    assert reddit.message(name).edited_at is not None


def test_replies_are_nothing_or_a_list_and_more_is_no_message(reddit: OnReddit) -> None:
    first = reddit.server.comment(OTHER, "first")
    second = reddit.server.comment("a_third", "second", first)
    assert [m.id for m in reddit.connector.thread(second)] == [reddit.server.root, first, second]
    assert [m.id for m in reddit.connector.thread(reddit.server.root)] == [reddit.server.root, first, second]
    assert "" in {thing.get("replies") for thing in reddit.server.things.values()}


@pytest.mark.parametrize(
    ("changed", "how"),
    [
        ({"author": "[deleted]", "body": "[deleted]"}, GoneHow.DELETED),
        ({"author": "[deleted]", "body": "[removed]"}, GoneHow.REMOVED),
        ({"body": "[ Removed by Reddit ]", "banned_by": None}, GoneHow.REMOVED),
    ],
)
def test_how_something_went(reddit: OnReddit, changed: dict[str, str], how: GoneHow) -> None:
    name = reddit.server.comment(OTHER, "words")
    reddit.server.things[name] |= changed
    assert fetch_one(reddit.connector, name) == RemoteGone(name, how)


def test_a_closed_account_leaves_its_words_without_a_name(reddit: OnReddit) -> None:
    found = reddit.message(reddit.server.comment("[deleted]", "still here"))
    assert found.person is None
    assert found.text == "still here"


def test_what_was_never_there_is_gone_without_a_reason(reddit: OnReddit) -> None:
    assert fetch_one(reddit.connector, "t1_zzzz") == RemoteGone("t1_zzzz", GoneHow.UNKNOWN)
    assert isinstance(fetch_one(reddit.connector, "modmail:zz:1"), RemoteGone)
    assert isinstance(fetch_one(reddit.connector, "modmail:../1:2"), RemoteGone)


def test_a_limit_that_is_used_up_holds_for_every_path(reddit: OnReddit) -> None:
    reddit.server.remaining = 0.0
    reddit.connector.fetch([reddit.server.root][:0])
    reddit.connector._session.me()
    with pytest.raises(TryLater) as wait:
        reddit.pull("comments")
    assert wait.value.until is not None
    left = (wait.value.until - datetime.now(UTC)).total_seconds()
    assert 290 < left <= 300, "seconds left, not a moment"
