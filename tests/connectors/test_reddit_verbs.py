"""What is done on Reddit, what arrived there, and who we are, on a Reddit of our own."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from connectors.contract import Audience, Command, Kind, Verb
from connectors.errors import CannotTell, Gone, Reason, Refused, SignInAgain
from connectors.http import Answer
from connectors.reddit import RedditConnector
from connectors.reddit_session import explain
from connectors.testing import messages_of, new_key
from tests.servers.reddit_community import HOME, OTHER, US
from tests.servers.reddit_desk import OnReddit, made
from tests.servers.reddit_server import Reddit

# -------------------------------------------------------------------- what goes out


def test_an_answer_to_modmail_goes_to_the_person_and_never_to_the_moderators(reddit: OnReddit) -> None:
    asked = reddit.server.letter(OTHER, "Can you hear me?")
    receipt = reddit.do(Verb.REPLY, asked, "We hear you.")
    sent = reddit.server.mail[asked.split(":")[1]]["messages"][receipt.remote_id.split(":")[2]]
    assert sent["isInternal"] is False
    assert reddit.form(f"/api/mod/conversations/{asked.split(':')[1]}")["isAuthorHidden"] == "true"
    assert not [thing for thing in reddit.server.things.values() if thing["author"] == US]


def test_a_report_is_never_answered_in_public(reddit: OnReddit) -> None:
    reddit.server.report(reddit.server.comment(OTHER, "words"), "I am worried")
    (report,) = [m for m in reddit.messages("reports") if m.kind is Kind.REPORT]
    for audience in Audience:
        command = Command(new_key(), Verb.REPLY, report.id, report.thread_id, "Thank you", audience)
        with pytest.raises(Refused):
            reddit.connector.perform(command)
    assert not [thing for thing in reddit.server.things.values() if thing["author"] == US]


def test_a_private_answer_to_a_comment_is_refused(reddit: OnReddit) -> None:
    command = Command(new_key(), Verb.REPLY, reddit.server.root, "", "Hello", Audience.PRIVATE)
    with pytest.raises(Refused):
        reddit.connector.perform(command)
    assert not [thing for thing in reddit.server.things.values() if thing["author"] == US]


def test_a_removal_with_the_communitys_reason_and_a_private_message(reddit: OnReddit) -> None:
    name = reddit.server.comment(OTHER, "unkind words")
    reddit.do(Verb.REMOVE, name, "Please be kind to each other.", reason="Be kind")
    assert reddit.server.noted == [{"item_ids": [name], "mod_note": "", "reason_id": "r1"}]
    (told,) = reddit.server.told
    assert (told["type"], told["item_id"], told["message"]) == (
        "private",
        [name],
        "Please be kind to each other.",
    )
    assert reddit.message(name).hidden


def test_a_removal_with_words_of_our_own_tells_nobody(reddit: OnReddit) -> None:
    name = reddit.server.comment(OTHER, "words")
    reddit.do(Verb.REMOVE, name, reason="off topic " * 30)
    (noted,) = reddit.server.noted
    assert noted["reason_id"] is None
    assert len(noted["mod_note"]) == 100
    assert not reddit.server.told


def test_spam_restore_and_resolve(reddit: OnReddit) -> None:
    name = reddit.server.comment(OTHER, "words")
    reddit.do(Verb.SPAM, name)
    assert reddit.server.things[name]["spam"]
    reddit.do(Verb.RESTORE, name)
    assert not reddit.message(name).hidden
    reddit.server.report(name, "spam")
    assert set(reddit.message(name).choices) == {"approve", "ignore"}
    reddit.do(Verb.RESOLVE, name, choice="ignore")
    assert name in reddit.server.ignoring
    assert not reddit.messages("queue")


def test_a_modmail_conversation_that_is_resolved_is_archived(reddit: OnReddit) -> None:
    asked = reddit.server.letter(OTHER, "Thank you!")
    reddit.do(Verb.RESOLVE, asked)
    assert reddit.server.mail[asked.split(":")[1]]["state"] == 2


def test_locking_is_about_the_whole_conversation(reddit: OnReddit) -> None:
    comment = reddit.server.comment(OTHER, "words")
    reddit.do(Verb.LOCK, comment, thread=reddit.server.root)
    assert reddit.server.things[reddit.server.root]["locked"]
    with pytest.raises(Refused):
        reddit.do(Verb.REPLY, comment, "too late")
    reddit.do(Verb.UNLOCK, comment, thread=reddit.server.root)
    assert reddit.do(Verb.REPLY, comment, "in time").remote_id


@pytest.mark.parametrize(
    ("hours", "days"), [("", None), ("1", "1"), ("24", "1"), ("25", "2"), ("23976", "999")]
)
def test_a_ban_is_counted_in_days(reddit: OnReddit, hours: str, days: str | None) -> None:
    name = reddit.server.comment(OTHER, "words")
    reddit.do(Verb.BAN, name, hours=hours, reason="No selling")
    ban = reddit.server.banned[OTHER]
    assert ban.get("duration") == days
    assert (ban["ban_context"], ban["ban_reason"]) == (name, "No selling")
    reddit.do(Verb.UNBAN, name)
    assert not reddit.server.banned


def test_a_ban_that_is_too_long_is_refused(reddit: OnReddit) -> None:
    with pytest.raises(Refused) as refusal:
        reddit.do(Verb.BAN, reddit.server.comment(OTHER, "words"), hours="23977")
    assert refusal.value.reason is Reason.INVALID


@pytest.mark.parametrize(
    ("asked", "taken"), [("1", "72"), ("119", "72"), ("121", "168"), ("500", "672"), ("", "672")]
)
def test_a_mute_in_modmail_takes_the_nearest_length_and_says_so(
    reddit: OnReddit, asked: str, taken: str
) -> None:
    letter = reddit.server.letter(OTHER, "words")
    assert taken in reddit.do(Verb.MUTE, letter, hours=asked).remote_id
    assert reddit.server.muted == {OTHER: taken}
    reddit.do(Verb.UNMUTE, letter)
    assert not reddit.server.muted


def test_a_mute_outside_modmail_has_one_length(reddit: OnReddit) -> None:
    name = reddit.server.comment(OTHER, "words")
    assert "72" in reddit.do(Verb.MUTE, name, hours="500").remote_id
    assert reddit.server.muted == {OTHER: "72"}
    reddit.do(Verb.UNMUTE, name)
    assert not reddit.server.muted


def test_a_letter_begins_a_private_conversation(reddit: OnReddit) -> None:
    receipt = reddit.do(Verb.WRITE, reddit.server.comment(OTHER, "words"), "How are you today?")
    held = reddit.server.mail[receipt.remote_id.split(":")[1]]
    assert held["participant"]["name"] == OTHER
    assert [one["bodyMarkdown"] for one in held["messages"].values()] == ["How are you today?"]


def test_only_our_own_can_be_taken_back(reddit: OnReddit) -> None:
    with pytest.raises(Refused) as refusal:
        reddit.do(Verb.RETRACT, reddit.server.comment(OTHER, "words"))
    assert refusal.value.reason is Reason.ROLE
    with pytest.raises(Refused):
        reddit.do(Verb.RETRACT, reddit.server.letter(OTHER, "words"))


def test_a_report_goes_to_those_who_run_reddit(reddit: OnReddit) -> None:
    name = reddit.server.comment(OTHER, "words")
    reddit.do(Verb.REPORT, name, reason="This is abusive")
    assert reddit.server.reported == [{"thing_id": name, "reason": "This is abusive"}]


@pytest.mark.parametrize("verb", [Verb.LIKE, Verb.POLL, Verb.KICK])
def test_what_reddit_lacks_is_said_in_advance_and_refused(reddit: OnReddit, verb: Verb) -> None:
    assert reddit.connector.probe().verbs[verb].why_not == RedditConnector.lacks[verb]
    with pytest.raises(Refused) as refusal:
        reddit.do(verb, reddit.server.root)
    assert refusal.value.reason is Reason.UNSUPPORTED


# -------------------------------------------------------------------- what arrived


def test_the_same_words_from_before_the_command_are_not_it(reddit: OnReddit) -> None:
    name = reddit.server.comment(OTHER, "words")
    reddit.server.comment(US, "Hello", name, created_utc=1.7e9)
    at = int(datetime.now(UTC).timestamp() * 1000)
    digits = f"{at:012x}7{'0' * 3}8{'0' * 15}"
    key = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    command = Command(key, Verb.REPLY, name, reddit.server.root, "Hello")
    assert reddit.connector.find_sent(command) is None
    sent = reddit.connector.perform(command)
    found = reddit.connector.find_sent(command)
    assert found is not None
    assert found.remote_id == sent.remote_id


def test_a_letter_that_arrived_is_found(reddit: OnReddit) -> None:
    command = Command(
        new_key(), Verb.WRITE, reddit.server.comment(OTHER, "words"), "", "How are you?", Audience.PRIVATE
    )
    assert reddit.connector.find_sent(command) is None
    sent = reddit.connector.perform(command)
    assert reddit.connector.find_sent(command) == sent


def test_what_was_taken_back_is_found_taken_back(reddit: OnReddit) -> None:
    sent = reddit.do(Verb.REPLY, reddit.server.comment(OTHER, "words"), "Hello")
    undo = Command(new_key(), Verb.RETRACT, sent.remote_id)
    assert reddit.connector.find_sent(undo) is None
    reddit.connector.perform(undo)
    assert reddit.connector.find_sent(undo) is not None
    del reddit.server.things[sent.remote_id]
    assert reddit.connector.find_sent(undo) is not None


def test_a_removal_that_may_have_told_the_author_is_for_a_person_to_look_at(reddit: OnReddit) -> None:
    name = reddit.server.comment(OTHER, "words")
    command = Command(new_key(), Verb.REMOVE, name, "", "Please be kind.")
    assert reddit.connector.find_sent(command) is None
    reddit.connector.perform(command)
    with pytest.raises(CannotTell):
        reddit.connector.find_sent(command)


# -------------------------------------------------------------------- who we are


def test_what_a_moderator_may_not_do_is_said(reddit: OnReddit) -> None:
    reddit.server.rights = ["mail"]
    probe = reddit.connector.probe()
    assert probe.verbs[Verb.WRITE].can
    assert probe.verbs[Verb.REPLY].can
    assert not probe.verbs[Verb.REMOVE].can
    assert not probe.verbs[Verb.BAN].can
    assert not probe.streams["queue"].can
    assert probe.streams["modmail"].can


def test_what_was_not_agreed_to_is_said(reddit: OnReddit) -> None:
    reddit.server.scope = "identity read submit"
    probe = made(reddit.server).probe()
    assert probe.verbs[Verb.REPLY].can
    assert not probe.verbs[Verb.REMOVE].can
    assert not probe.streams["modmail"].can


def test_a_missing_scope_is_told_from_a_missing_right() -> None:
    headers = {"WWW-Authenticate": 'Bearer realm="reddit", error="insufficient_scope"'}
    found = explain(Answer(403, headers, {"error": 403}, datetime.now(UTC)))
    assert isinstance(found, Refused)
    assert found.reason is Reason.SCOPE


def browser(server: Reddit, pages: list[str]) -> Callable[[str], object]:
    """A person who agrees at once."""

    def open_page(page: str) -> None:
        pages.append(page)
        asked = {key: values[0] for key, values in parse_qs(urlsplit(page).query).items()}
        server.codes["a-code"] = asked
        local = asked["redirect_uri"].replace("localhost", "127.0.0.1")
        back = f"{local}?{urlencode({'code': 'a-code', 'state': asked['state']})}"
        threading.Thread(target=requests.get, args=(back,), kwargs={"timeout": 5}).start()

    return open_page


def test_signing_in_as_an_installed_app(reddit: OnReddit) -> None:
    pages: list[str] = []

    class Here(RedditConnector):
        places = (reddit.server.url, reddit.server.url)
        open_page = staticmethod(browser(reddit.server, pages))
        port = 0

    values = {"client_id": "an-id", "username": US, "communities": HOME}
    secrets = Here(values, {}).authorize()
    asked = {key: found[0] for key, found in parse_qs(urlsplit(pages[0]).query).items()}
    assert (asked["duration"], asked["response_type"], asked["client_id"]) == ("permanent", "code", "an-id")
    assert asked["redirect_uri"].startswith("http://localhost:")
    assert asked["redirect_uri"].endswith("/")
    assert {"modmail", "modposts", "modcontributors"} <= set(asked["scope"].split())
    assert Here(values, secrets).probe().handle == f"u/{US}"


def test_a_refresh_token_is_good_once_and_the_next_is_stored_before_it_is_needed(reddit: OnReddit) -> None:
    secrets = reddit.server.sign_in()
    connector, kept = made(reddit.server, secrets), list[dict[str, str]]()
    connector.keep = lambda fresh: kept.append(dict(fresh))
    reddit.server.tokens.clear()
    assert connector.probe().account_id == "t2_4cixf"
    (stored,) = kept
    assert stored["refresh_token"] in reddit.server.refresh
    assert secrets["refresh_token"] not in reddit.server.refresh
    assert made(reddit.server, stored).probe().account_id == "t2_4cixf"
    with pytest.raises(SignInAgain):
        made(reddit.server, {**secrets, "access_token": ""}).probe()


def test_a_token_endpoint_that_says_no_with_a_200(reddit: OnReddit) -> None:
    secrets = {**reddit.server.sign_in(), "access_token": ""}

    def token(form: dict[str, str], header: str) -> tuple[int, object]:
        return 200, {"error": "invalid_grant"}

    reddit.server.token = token  # type: ignore[method-assign, assignment]  # the server's lever
    with pytest.raises(SignInAgain):
        made(reddit.server, secrets).probe()


@pytest.mark.parametrize("name", ["../../evil", "a b", "r/ok, ?x"])
def test_a_name_that_no_community_has_is_refused(name: str) -> None:
    with pytest.raises(Refused):
        RedditConnector({"client_id": "x", "username": "y", "communities": name}, {})


def test_states_of_another_time_begin_again(reddit: OnReddit) -> None:
    name = reddit.server.comment(OTHER, "words")
    for state in ("nonsense", "[]", json.dumps({"known": [1], "part": {"x": 3}})):
        assert [m.id for m in messages_of(reddit.pull("comments", state))] == [name]
        assert not messages_of(reddit.pull("modmail", state))
    with pytest.raises(Gone):
        reddit.connector.thread("no-such-message")
