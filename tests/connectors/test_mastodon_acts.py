"""What is done on Mastodon, on a server that speaks its interface: once, and never seen by more people."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from connectors.contract import (
    Audience,
    Command,
    GoneHow,
    Kind,
    Receipt,
    RemoteGone,
    Verb,
)
from connectors.errors import CannotTell, OutcomeUnknown, Reason, Refused
from connectors.testing import fetch_one, messages_of, new_key, unique
from tests.servers.mastodon_harbour import Harbour

pytestmark = pytest.mark.platforms
OLD = {"version": "2.7.2 (compatible; GoToSocial 0.19)", "uri": "old.example", "configuration": {}}

# ---------------------------------------------------------------- never to more people


@pytest.mark.parametrize("visibility", ["public", "unlisted"])
def test_an_answer_is_seen_by_the_same_people(harbour: Harbour, visibility: str) -> None:
    message = harbour.mira.mention(harbour.us, "hello", visibility=visibility)
    sent = harbour.do(Verb.REPLY, message, "Good to hear from you.")
    status = harbour.us.status(sent.remote_id)
    assert status["visibility"] == visibility
    assert status["in_reply_to_id"] == message
    assert [one["id"] for one in status["mentions"]] == [harbour.mira.id]


@pytest.mark.parametrize("visibility", ["private", "direct"])
@pytest.mark.parametrize("audience", list(Audience))
def test_an_answer_to_what_few_see_reaches_only_who_takes_part(
    harbour: Harbour, visibility: str, audience: Audience
) -> None:
    message = harbour.mira.mention(harbour.us, "please keep this between us", visibility=visibility)
    assert harbour.read(message).audience is Audience.PRIVATE
    command = Command(new_key(), Verb.REPLY, message, message, unique("We are here."), audience)
    sent = harbour.connector().perform(command)
    status = harbour.us.status(sent.remote_id)
    assert status["visibility"] == "direct", "our followers are not theirs"
    assert [one["id"] for one in status["mentions"]] == [harbour.mira.id], "or it reaches nobody"


def test_a_private_answer_below_a_public_message_names_the_author_only(harbour: Harbour) -> None:
    message = harbour.mira.post(f"@{harbour.us.acct} @{harbour.loud.acct} hello")
    command = Command(new_key(), Verb.REPLY, message, message, "Only for you.", Audience.PRIVATE)
    status = harbour.us.status(harbour.connector().perform(command).remote_id)
    assert (status["visibility"], [one["id"] for one in status["mentions"]]) == ("direct", [harbour.mira.id])


def test_everybody_who_takes_part_is_answered(harbour: Harbour) -> None:
    message = harbour.mira.post(f"@{harbour.us.acct} @{harbour.loud.acct} hello", visibility="direct")
    status = harbour.us.status(harbour.do(Verb.REPLY, message, "Good to hear from you both.").remote_id)
    assert {one["id"] for one in status["mentions"]} == {harbour.mira.id, harbour.loud.id}


def test_nobody_is_drawn_into_a_private_conversation_by_their_name(harbour: Harbour) -> None:
    message = harbour.mira.direct(harbour.us, "somebody is unkind to me")
    with pytest.raises(Refused) as refusal:
        harbour.do(Verb.REPLY, message, f"Was it @{harbour.loud.acct}?")
    assert refusal.value.reason is Reason.INVALID
    assert not harbour.us.below(message, harbour.us)


def test_a_word_to_the_author_stands_beside_the_conversation(harbour: Harbour) -> None:
    message = harbour.mira.reply(harbour.post, "hello")
    status = harbour.us.status(harbour.do(Verb.WRITE, message, "Would you like to talk?").remote_id)
    assert (status["visibility"], status["in_reply_to_id"]) == ("direct", None)
    assert [one["id"] for one in status["mentions"]] == [harbour.mira.id]


def test_nobody_is_written_to_where_we_are_alone(harbour: Harbour) -> None:
    with pytest.raises(Refused):
        harbour.do(Verb.WRITE, harbour.post, "To nobody.")


def test_somebody_on_another_server_is_named_with_it(harbour: Harbour) -> None:
    far = harbour.network.faraway()
    message = far.mention(harbour.us, "hello from far away")
    assert harbour.read(message).person is not None
    sent = harbour.do(Verb.REPLY, message, "Hello there.")
    source = harbour.us.call("GET", f"/api/v1/statuses/{sent.remote_id}/source")["text"]
    assert source == "@faraway@far.example Hello there."


# ---------------------------------------------------------------- once


def test_a_key_is_sent_and_kept_to(harbour: Harbour) -> None:
    message = harbour.mira.mention(harbour.us, "hello")
    command = Command(new_key(), Verb.REPLY, message, message, unique("answer"))
    harbour.proxy.lose_next_answer()
    with pytest.raises(OutcomeUnknown):
        harbour.connector().perform(command)
    again = [harbour.connector().perform(command).remote_id for _ in range(2)]
    assert len(set(again)) == 1
    assert [one["id"] for one in harbour.us.below(message, harbour.us)] == again[:1]


def test_a_server_that_knows_no_keys_is_looked_through_first(harbour: Harbour) -> None:
    message = harbour.mira.mention(harbour.us, "hello")
    command = Command(new_key(), Verb.REPLY, message, message, unique("answer"))
    known = harbour.us.reply(message, command.text)  # the try whose answer was lost; its key is forgotten
    body = json.dumps(OLD).encode()
    harbour.proxy.answer_next(200, body, "/api/v2/instance")
    assert harbour.connector().perform(command).remote_id == known
    assert len(harbour.us.below(message, harbour.us)) == 1


def test_the_same_words_elsewhere_are_not_taken_for_the_answer(harbour: Harbour) -> None:
    first, second = (harbour.mira.mention(harbour.us, f"hello {n}") for n in range(2))
    words = unique("You are not alone.")
    sent = harbour.do(Verb.REPLY, first, words)
    connector = harbour.connector()
    assert connector.find_sent(Command(new_key(), Verb.REPLY, second, second, words)) is None
    found = connector.find_sent(Command(new_key(), Verb.REPLY, first, first, words))
    assert found is not None
    assert found.remote_id == sent.remote_id


# ---------------------------------------------------------------- taking back, liking


def test_our_own_is_taken_back_also_twice_and_nobody_elses(harbour: Harbour) -> None:
    message = harbour.mira.mention(harbour.us, "hello")
    sent = harbour.do(Verb.REPLY, message, "Good to hear from you.").remote_id
    undo = Command(new_key(), Verb.RETRACT, sent)
    assert harbour.connector().find_sent(undo) is None
    harbour.connector().perform(undo)
    assert harbour.connector().perform(undo) == Receipt(sent)
    assert harbour.connector().find_sent(undo) == Receipt(sent)
    assert harbour.us.raw("GET", f"/api/v1/statuses/{sent}").status_code == 404
    with pytest.raises(Refused) as refusal:
        harbour.do(Verb.RETRACT, message)
    assert refusal.value.reason is Reason.ROLE
    assert harbour.read(message).id == message


def test_a_server_that_deletes_late_is_believed(harbour: Harbour) -> None:
    sent = harbour.us.post("hello")
    undo = Command(new_key(), Verb.RETRACT, sent)
    # It still shows the status, and its deletion is through before we ask for it again.
    harbour.proxy.before_next(f"/statuses/{sent}", lambda: None)
    harbour.proxy.before_next(f"/statuses/{sent}", lambda: harbour.us.delete(sent))
    assert harbour.connector().perform(undo) == Receipt(sent)
    assert [verb for verb, url in harbour.proxy.seen if url.endswith(sent)] == ["GET", "DELETE"]


def test_a_like_is_given_and_taken_back(harbour: Harbour) -> None:
    message = harbour.mira.mention(harbour.us, "hello")
    for verb, likes in ((Verb.LIKE, 1), (Verb.LIKE, 1), (Verb.UNLIKE, 0)):
        command = Command(new_key(), verb, message)
        harbour.connector().perform(command)
        assert harbour.read(message).likes == likes
        assert harbour.connector().find_sent(command) is not None


# ---------------------------------------------------------------- polls


def test_a_poll_of_ours_is_asked_where_the_message_is_seen_and_counted(harbour: Harbour) -> None:
    message = harbour.mira.mention(harbour.us, "when do we meet?", visibility="unlisted")
    choices = ["Monday", "Thursday"]
    began = datetime.now(UTC)
    sent = harbour.do(Verb.POLL, message, "Which evening?", choices=json.dumps(choices), hours="48")
    assert harbour.us.status(sent.remote_id)["visibility"] == "unlisted"
    harbour.mira.vote(sent.remote_id, 1)
    poll = harbour.read(sent.remote_id).poll
    assert poll is not None
    assert poll.answers == (("Monday", 0), ("Thursday", 1))
    assert (poll.voters, poll.closed, poll.several) == (1, False, False)
    assert poll.closes_at is not None
    assert abs(poll.closes_at - began - timedelta(hours=48)) < timedelta(minutes=5)


def test_votes_bring_a_poll_again(harbour: Harbour) -> None:
    asked = {"options": ["yes", "no"], "expires_in": 3600}
    poll = harbour.mira.mention(harbour.us, "shall we?", poll=asked)
    state = harbour.now()
    harbour.loud.vote(poll, 0)
    (again,) = messages_of(harbour.inbox(state))
    assert again.poll is not None
    assert again.poll.answers == (("yes", 1), ("no", 0))


@pytest.mark.parametrize(
    ("choices", "hours"),
    [
        ('["one"]', "24"),
        ('["same", "same"]', "24"),
        ('["a", "b", "c", "d", "e"]', "24"),
        ('["a", ""]', "24"),
        ("no list", "24"),
        (json.dumps(["a", "b" * 500]), "24"),
        ('["a", "b"]', "0.001"),
        ('["a", "b"]', "100000"),
    ],
)
def test_a_poll_that_the_server_would_not_take_is_not_sent(
    harbour: Harbour, choices: str, hours: str
) -> None:
    message = harbour.mira.mention(harbour.us, "when do we meet?")
    with pytest.raises(Refused):
        harbour.do(Verb.POLL, message, "Which evening?", choices=choices, hours=hours)
    assert not harbour.us.below(message, harbour.us)


# ---------------------------------------------------------------- reports and moderation


def test_a_report_arrives_at_the_moderators_and_is_closed(harbour: Harbour) -> None:
    message = harbour.loud.reply(harbour.post, "Nobody here cares about you.")
    state = harbour.now("reports", harbour.keeper)
    number = harbour.mira.report(message, "This was meant to hurt somebody.")
    keeper = harbour.connector(harbour.keeper)
    found = {m.id: m for m in messages_of(keeper.pull("reports", state))}
    report = found[f"report/{number}"]
    assert (report.kind, report.audience, report.subject_id) == (Kind.REPORT, Audience.PRIVATE, message)
    assert report.text == "This was meant to hurt somebody."
    assert report.person is not None
    assert report.person.id == harbour.mira.id
    assert found[message].text.endswith("Nobody here cares about you.")
    assert report.thread_id == found[message].thread_id
    resolve = Command(new_key(), Verb.RESOLVE, report.id)
    assert keeper.find_sent(resolve) is None
    assert keeper.perform(resolve) == keeper.perform(resolve) == Receipt(report.id)
    assert keeper.find_sent(resolve) == Receipt(report.id)
    assert fetch_one(keeper, report.id) == RemoteGone(report.id, GoneHow.REMOVED)


def test_a_report_that_a_colleague_closed_is_gone(harbour: Harbour) -> None:
    message = harbour.loud.reply(harbour.post, "Nobody here cares about you.")
    number = harbour.mira.report(message, "unkind")
    state = harbour.now("reports", harbour.keeper)
    harbour.keeper.call("POST", f"/api/v1/admin/reports/{number}/resolve", {})
    pages = list(harbour.connector(harbour.keeper).pull("reports", state))
    gone = [one for page in pages for one in page.gone]
    assert gone == [RemoteGone(f"report/{number}", GoneHow.REMOVED)]


def test_whoever_reported_is_written_to_and_a_report_is_not_answered(harbour: Harbour) -> None:
    message = harbour.loud.reply(harbour.post, "Nobody here cares about you.")
    report = f"report/{harbour.mira.report(message, 'unkind')}"
    status = harbour.keeper.status(harbour.keep(Verb.WRITE, report, "Thank you for telling us.").remote_id)
    assert (status["visibility"], [one["id"] for one in status["mentions"]]) == ("direct", [harbour.mira.id])
    for verb in (Verb.REPLY, Verb.LIKE, Verb.RETRACT):
        with pytest.raises(Refused) as refusal:
            harbour.keep(verb, report, "words")
        assert refusal.value.reason is Reason.UNSUPPORTED


@pytest.mark.parametrize(
    ("does", "lifts", "name"), [(Verb.MUTE, Verb.UNMUTE, "silenced"), (Verb.BAN, Verb.UNBAN, "suspended")]
)
def test_an_author_is_limited_or_suspended_until_that_is_lifted(
    harbour: Harbour, does: Verb, lifts: Verb, name: str
) -> None:
    message = harbour.loud.reply(harbour.post, "Nobody here cares about you.")
    report = f"report/{harbour.mira.report(message, 'unkind')}"

    def stands() -> bool:
        found = harbour.keeper.call("GET", f"/api/v1/admin/accounts/{harbour.loud.id}")
        return bool(found[name])

    keeper = harbour.connector(harbour.keeper)
    for verb, target, wanted in ((does, report, True), (lifts, message, False)):
        command = Command(new_key(), verb, target, options={"reason": "unkind"})
        assert keeper.find_sent(command) is None
        keeper.perform(command)
        harbour.proxy.seen.clear()
        assert keeper.perform(command) == keeper.find_sent(command) == Receipt(target)
        assert not [path for how, path in harbour.proxy.seen if how != "GET"], "each time would be told"
        assert stands() is wanted
    with pytest.raises(Refused) as refusal:
        harbour.keep(does, message, hours="24")
    assert refusal.value.reason is Reason.UNSUPPORTED
    assert keeper.probe().verbs[does].untimed


def test_nobody_restricts_themselves(harbour: Harbour) -> None:
    own = harbour.keeper.post("hello")
    with pytest.raises(Refused):
        harbour.keep(Verb.BAN, own)


def test_a_report_of_ours_reaches_the_moderators(harbour: Harbour) -> None:
    message = harbour.loud.reply(harbour.post, "Nobody here cares about you.")
    words = unique("unkind")
    command = Command(new_key(), Verb.REPORT, message, options={"reason": words})
    receipt = harbour.connector().perform(command)
    number = receipt.remote_id.removeprefix("report/")
    found = harbour.keeper.call("GET", f"/api/v1/admin/reports/{number}")
    assert (found["comment"], [one["id"] for one in found["statuses"]]) == (words, [message])
    with pytest.raises(CannotTell):
        harbour.connector().find_sent(command)
