"""What is particular to Bluesky, against its real servers."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
import uuid_utils

from connectors import bluesky_ozone
from connectors.bluesky import BlueskyConnector
from connectors.contract import (
    Audience,
    Command,
    GoneHow,
    Kind,
    Page,
    RemoteGone,
    RemoteMessage,
    Verb,
)
from connectors.errors import CannotTell, Gone, OutcomeUnknown, Reason, Refused, SignInAgain, TryLater
from connectors.faults import FaultProxy
from tests.servers.bluesky_network import CHAT, Account, Network

pytestmark = pytest.mark.platforms


class Desk:
    """Our account, its connector, and how tests ask it for things."""

    def __init__(self, network: Network, proxy: FaultProxy) -> None:
        self.network = network
        self.proxy = proxy
        self.us = network.account("us")
        self.values = {"server": proxy.url, "handle": self.us.handle, "labeler": network.labeler}
        first = BlueskyConnector(self.values, {"app_password": self.us.app_password()})
        self.secrets = dict(first.authorize())
        self.states: dict[str, str] = {}

    def connector(self, **secrets: str) -> BlueskyConnector:
        return BlueskyConnector(self.values, {**self.secrets, **secrets})

    def pull(self, stream: str, connector: BlueskyConnector | None = None) -> list[Page]:
        self.network.settle()
        pages = list((connector or self.connector()).pull(stream, self.states.get(stream, "")))
        if pages:
            self.states[stream] = pages[-1].state
        return pages

    def messages(self, stream: str) -> dict[str, RemoteMessage]:
        return {message.id: message for page in self.pull(stream) for message in page.messages}

    def read(self, message_id: str) -> RemoteMessage | RemoteGone:
        self.network.settle()
        return self.connector().fetch([message_id])[0]


@pytest.fixture
def desk(network: Network) -> Iterator[Desk]:
    with FaultProxy(network.pds) as proxy:
        yield Desk(network, proxy)


@pytest.fixture
def ann(network: Network) -> Account:
    return network.account("ann")


@pytest.fixture
def ben(network: Network) -> Account:
    return network.account("ben")


def command(verb: Verb, target: str, text: str = "", **more: object) -> Command:
    return Command(str(uuid_utils.uuid7()), verb, target, text=text, **more)  # type: ignore[arg-type]


def ozone_events(desk: Desk, uri: str) -> list[dict[str, Any]]:
    """What the service noted about a post, as it says itself."""
    proxy = f"{desk.network.labeler}#atproto_labeler"
    answer = desk.us.call("tools.ozone.moderation.queryEvents", proxy=proxy, subject=uri)
    events = [event["event"] for event in answer["events"]]
    return [event for event in events if not event["$type"].endswith("#modEventTag")]  # its own doing


def posted(desk: Desk, text: str = "We are here to listen.") -> str:
    uri = desk.us.post(text)
    desk.network.settle()
    return uri


# ------------------------------------------------------------------ what arrives


def test_each_message_comes_in_one_stream_with_its_kind(desk: Desk, ann: Account, ben: Account) -> None:
    root = posted(desk, "Open evening on Thursday\nEverybody is welcome.")
    elsewhere = ann.post("My own thread")
    desk.network.settle()
    ours = desk.us.reply(elsewhere, "Thank you for writing this")
    desk.network.settle()
    answer = ann.reply(root, "I will come 💚")
    wanted = {
        root: ("posts", Kind.POST),
        ours: ("posts", Kind.COMMENT),
        answer: ("posts", Kind.COMMENT),
        ann.reply(ours, "You are welcome"): ("mentions", Kind.COMMENT),
        ben.mention(desk.us, "hello"): ("mentions", Kind.MENTION),
        ben.quote(root, "Go there!"): ("mentions", Kind.MENTION),
    }
    found = {stream: desk.messages(stream) for stream in ("posts", "mentions")}
    for uri, (stream, kind) in wanted.items():
        assert found[stream][uri].kind is kind
        assert uri not in found["mentions" if stream == "posts" else "posts"]
    message = found["posts"][answer]
    assert message.thread_id == message.parent_id == root
    assert message.thread_title == "Open evening on Thursday"
    assert message.permalink == f"https://bsky.app/profile/{ann.did}/post/{answer.rpartition('/')[2]}"
    assert message.person
    assert (message.person.id, message.person.handle) == (ann.did, ann.handle)
    assert found["posts"][root].replies == 1


def test_answers_deep_in_an_old_thread_arrive(desk: Desk, ann: Account, ben: Account) -> None:
    root = posted(desk, "An old post")
    first = ann.reply(root, "one")
    desk.messages("posts")
    for number in range(11):  # old: no longer among those that are always read
        desk.us.post(f"newer {number}")
    desk.messages("posts")
    deep = ben.reply(first, "two")
    assert deep in desk.messages("posts")


def test_a_like_brings_the_new_count(desk: Desk, ann: Account) -> None:
    root = posted(desk)
    desk.messages("posts")
    assert not desk.messages("posts"), "nothing changed, nothing comes"
    ann.like(root)
    assert desk.messages("posts")[root].likes == 1


@pytest.mark.parametrize("stream", ["posts", "mentions"])
def test_edits_and_deletions_upstream_arrive(desk: Desk, ann: Account, stream: str) -> None:
    root = posted(desk)
    write = {"posts": lambda t: ann.reply(root, t), "mentions": lambda t: ann.mention(desk.us, t)}[stream]
    edited, deleted = write("first words"), write("soon gone")
    before = desk.messages(stream)
    ann.edit(edited, "second words")
    ann.delete(deleted)
    pages = desk.pull(stream)
    after = {m.id: m for page in pages for m in page.messages}
    assert after[edited].text == "second words"
    assert after[edited].revision != before[edited].revision
    assert [gone for page in pages for gone in page.gone] == [RemoteGone(deleted, GoneHow.DELETED)]
    assert desk.read(deleted) == RemoteGone(deleted, GoneHow.DELETED)


def test_many_answers_of_one_moment_all_arrive(desk: Desk, ann: Account) -> None:
    """The list's cursor is a bare moment: what shares it with the edge of a page is never listed."""
    hers = ann.post("A thread of hers")
    desk.network.settle()
    ours, root = desk.us.reply(hers, "We answer"), posted(desk)
    one, two = "2026-11-22T12:00:00.001Z", "2026-11-22T12:00:00.002Z"
    elsewhere = {ann.reply(ours, f"to you {number}", createdAt=one) for number in range(7)}
    below = {ann.reply(root, f"here {number}", createdAt=two) for number in range(7)}
    desk.network.settle()
    connector = desk.connector()
    connector.notes_at_once = 3  # type: ignore[misc]
    pages = desk.pull("mentions", connector)
    assert elsewhere <= {m.id for page in pages for m in page.messages}
    assert any(page.gap for page in pages)
    assert below <= {m.id for page in desk.pull("posts", connector) for m in page.messages}


def test_since_is_kept_and_a_broken_walk_begins_again(desk: Desk, ann: Account) -> None:
    old = ann.mention(desk.us, "old")
    since = datetime.now(UTC)
    since = since.replace(microsecond=since.microsecond // 1000 * 1000)  # as exact as posts are
    new = {ann.mention(desk.us, f"new {number}") for number in range(5)}
    desk.network.settle()
    connector = desk.connector()
    connector.notes_at_once = 2  # type: ignore[misc]
    first = next(connector.pull("mentions", "", since))
    rest = {m.id for page in connector.pull("mentions", first.state, since) for m in page.messages}
    assert {m.id for m in first.messages} | rest == new
    assert old not in rest


def test_what_cannot_be_read_is_counted(desk: Desk, ann: Account) -> None:
    uri = ann.mention(desk.us, "hello")
    desk.network.settle()
    broken = {"posts": [{"uri": uri, "cid": "x", "record": {"text": 7}}]}
    desk.proxy.answer_next(200, json.dumps(broken).encode(), "app.bsky.feed.getPosts")
    page = next(desk.connector().pull("mentions", ""))
    assert (page.skipped, page.messages) == (1, ())


# ------------------------------------------------------------------ what we do


def test_a_reply_links_and_mentions(desk: Desk, ann: Account, ben: Account) -> None:
    answer = ann.reply(posted(desk), "Who can help?")
    desk.network.settle()
    text = f"💚 @{ben.handle} can, see https://example.org/help. Not @nobody.test."
    receipt = desk.connector().perform(command(Verb.REPLY, answer, text))
    value = desk.us.record(receipt.remote_id)["value"]
    assert [facet["features"][0]["$type"].rpartition("#")[2] for facet in value["facets"]] == [
        "mention",
        "link",
    ]
    shown = [facet["index"] for facet in value["facets"]]
    assert text.encode()[shown[1]["byteStart"] : shown[1]["byteEnd"]] == b"https://example.org/help"
    assert value["reply"]["parent"]["uri"] == answer
    assert value["reply"]["root"]["uri"] != answer
    desk.network.settle()
    notes = ben.call("app.bsky.notification.listNotifications")["notifications"]
    assert [note["reason"] for note in notes] == ["mention"]


def test_a_request_that_never_arrived_is_not_found_and_sent_again(desk: Desk, ann: Account) -> None:
    answer = ann.reply(posted(desk), "hello")
    desk.network.settle()
    reply = command(Verb.REPLY, answer, "Welcome")
    desk.proxy.lose_next_request()
    with pytest.raises(OutcomeUnknown):
        desk.connector().perform(reply)
    assert desk.connector().find_sent(reply) is None
    receipt = desk.connector().perform(reply)
    assert desk.connector().find_sent(reply) == receipt


def test_an_error_page_leaves_the_outcome_open(desk: Desk, ann: Account) -> None:
    answer = ann.reply(posted(desk), "hello")
    desk.network.settle()
    desk.proxy.answer_next(502, b"<html>Bad Gateway</html>", "createRecord")
    with pytest.raises(OutcomeUnknown):
        desk.connector().perform(command(Verb.REPLY, answer, "Welcome"))


def test_a_name_taken_by_something_else_is_left_alone(desk: Desk, ann: Account) -> None:
    one, two = ann.reply(posted(desk), "one"), ann.reply(posted(desk), "two")
    desk.network.settle()
    key = str(uuid4())
    first = desk.connector().perform(Command(key, Verb.REPLY, one, text="Welcome"))
    second = desk.connector().perform(Command(key, Verb.REPLY, two, text="Welcome"))
    assert first.remote_id != second.remote_id


def test_a_closed_thread_takes_no_reply(desk: Desk, ann: Account) -> None:
    root = ann.post("Only friends may answer")
    gate = {
        "$type": "app.bsky.feed.threadgate",
        "post": root,
        "allow": [],
        "createdAt": "2026-11-22T12:00:00Z",
    }
    body = {"repo": ann.did, "collection": "app.bsky.feed.threadgate", "rkey": root.rpartition("/")[2]}
    ann.call("com.atproto.repo.createRecord", {**body, "record": gate})
    desk.network.settle()
    with pytest.raises(Refused) as refusal:
        desk.connector().perform(command(Verb.REPLY, root, "Hello"))
    assert refusal.value.reason is Reason.BLOCKED


def test_hiding_a_reply_and_showing_it_again(desk: Desk, ann: Account) -> None:
    root = posted(desk)
    one, two = ann.reply(root, "unkind words"), ann.reply(root, "kind words")
    desk.network.settle()
    for verb, hidden in ((Verb.HIDE, True), (Verb.UNHIDE, False)):
        act = command(verb, one)
        assert desk.connector().find_sent(act) is None
        receipt = desk.connector().perform(act)
        assert desk.connector().perform(act) == receipt == desk.connector().find_sent(act)
        seen = desk.read(one)
        assert isinstance(seen, RemoteMessage)
        assert seen.hidden is hidden
        assert desk.messages("posts")[one].hidden is hidden
    thread = ann.call("app.bsky.feed.getPostThread", uri=root)["thread"]
    assert thread["post"]["threadgate"]["record"]["hiddenReplies"] == []
    assert {reply["post"]["uri"] for reply in thread["replies"]} == {one, two}


def test_hiding_keeps_what_another_app_wrote_at_the_same_time(desk: Desk, ann: Account) -> None:
    root = posted(desk)
    one, two = ann.reply(root, "one"), ann.reply(root, "two")
    desk.network.settle()

    def meanwhile() -> None:
        gate = {
            "$type": "app.bsky.feed.threadgate",
            "post": root,
            "createdAt": "2026-11-22T12:00:00Z",
            "allow": [{"$type": "app.bsky.feed.threadgate#mentionRule"}],
            "hiddenReplies": [two],
        }
        body = {"repo": desk.us.did, "collection": gate["$type"], "rkey": root.rpartition("/")[2]}
        desk.us.call("com.atproto.repo.putRecord", {**body, "record": gate})

    desk.proxy.before_next("putRecord", meanwhile)
    desk.connector().perform(command(Verb.HIDE, one))
    gate = desk.us.record(root.replace("app.bsky.feed.post", "app.bsky.feed.threadgate"))["value"]
    assert gate["hiddenReplies"] == [two, one]
    assert gate["allow"]


def test_only_our_own_threads_can_be_tidied(desk: Desk, ann: Account) -> None:
    hers = ann.post("Her thread")
    desk.network.settle()
    answer = ann.reply(hers, "Her answer")
    desk.network.settle()
    for verb, target, reason in (
        (Verb.HIDE, answer, Reason.ROLE),
        (Verb.HIDE, hers, Reason.UNSUPPORTED),
        (Verb.RETRACT, hers, Reason.ROLE),
    ):
        with pytest.raises(Refused) as refusal:
            desk.connector().perform(command(verb, target))
        assert refusal.value.reason is reason


def test_liking_and_taking_it_back(desk: Desk, ann: Account) -> None:
    answer = ann.reply(posted(desk), "hello")
    desk.network.settle()
    like = command(Verb.LIKE, answer)
    desk.proxy.lose_next_answer()
    with pytest.raises(OutcomeUnknown):
        desk.connector().perform(like)
    found = desk.connector().find_sent(like)
    assert found
    assert desk.connector().perform(like).remote_id == found.remote_id
    likes = {"repo": desk.us.did, "collection": "app.bsky.feed.like"}
    assert len(desk.us.call("com.atproto.repo.listRecords", **likes)["records"]) == 1
    unlike = command(Verb.UNLIKE, answer)
    assert desk.connector().find_sent(unlike) is None
    assert desk.connector().perform(unlike) == desk.connector().perform(unlike)
    assert desk.connector().find_sent(unlike)
    assert not desk.us.call("com.atproto.repo.listRecords", **likes)["records"]


# ------------------------------------------------------------------ direct messages


def test_a_stranger_writes_and_is_answered(desk: Desk, ann: Account) -> None:
    asked = ann.direct(desk.us, "May I talk to somebody?")
    message = desk.messages("directs")[asked]
    assert (message.kind, message.audience) == (Kind.DIRECT, Audience.PRIVATE)
    assert message.person
    assert message.person.handle == ann.handle
    assert message.thread_title == f"@{ann.handle}"
    private = {"audience": Audience.PRIVATE, "thread_id": message.thread_id}
    reply = command(Verb.REPLY, asked, "Of course.", **private)
    receipt = desk.connector().perform(reply)
    again = ann.direct(desk.us, "Thank you")
    found = desk.messages("directs")
    assert set(found) == {receipt.remote_id, again}
    assert found[receipt.remote_id].ours
    assert not desk.messages("directs")
    assert [m.id for m in desk.connector().thread(again)] == [asked, receipt.remote_id, again]
    with pytest.raises(Refused) as refusal:
        desk.connector().perform(command(Verb.RETRACT, receipt.remote_id))
    assert refusal.value.reason is Reason.UNSUPPORTED
    one, two = (command(Verb.REPLY, asked, "The same words", **private) for _ in range(2))
    connector = desk.connector()
    assert connector.perform(one).remote_id != connector.perform(two).remote_id


def test_a_direct_message_deleted_for_us_is_gone(desk: Desk, ann: Account) -> None:
    asked = ann.direct(desk.us, "hello")
    desk.messages("directs")
    convo, message = asked.split("/")
    desk.us.call("chat.bsky.convo.deleteMessageForSelf", {"convoId": convo, "messageId": message}, CHAT)
    gone = [gone for page in desk.pull("directs") for gone in page.gone]
    assert gone == [RemoteGone(asked, GoneHow.DELETED)]
    assert desk.read(asked) == RemoteGone(asked, GoneHow.DELETED)


def test_an_app_password_without_access_to_chats(desk: Desk, ann: Account) -> None:
    asked = ann.direct(desk.us, "hello")
    plain = BlueskyConnector(desk.values, {"app_password": desk.us.app_password("plain", privileged=False)})
    ability = plain.probe().streams["directs"]
    assert not ability.can
    assert "app password" in ability.why_not
    for ask in (
        lambda: list(plain.pull("directs", "")),
        lambda: plain.perform(command(Verb.REPLY, asked, "hello")),
        lambda: plain.fetch([asked]),
    ):
        with pytest.raises(Refused) as refusal:
            ask()
        assert refusal.value.reason is Reason.SCOPE
    assert list(plain.pull("posts", ""))
    assert desk.proxy.count("server.createSession") == 2, "no storm of sign-ins"


# ------------------------------------------------------------------ reports


def test_reports_are_for_moderators(desk: Desk) -> None:
    probe = desk.connector().probe()
    assert not probe.streams["reports"].can
    assert not probe.verbs[Verb.RESOLVE].can
    with pytest.raises(Refused) as refusal:
        list(desk.connector().pull("reports", ""))
    assert refusal.value.reason is Reason.ROLE
    desk.values["labeler"] = ""
    assert "No moderation service" in desk.connector().probe().streams["reports"].why_not
    assert not list(desk.connector().pull("reports", ""))


def test_a_report_arrives_and_is_resolved_once(desk: Desk, ann: Account, ben: Account) -> None:
    desk.network.make_moderator(desk.us)
    assert desk.connector().probe().streams["reports"].can
    uri = ann.post("Unkind words")
    desk.network.settle()
    number = ben.report(uri, "reasonRude", "This hurts")
    found = desk.messages("reports")
    report = next(m for m in found.values() if m.subject_id == uri)
    assert (report.kind, report.text, report.reason) == (Kind.REPORT, "This hurts", "rude")
    assert report.person
    assert report.person.handle == ben.handle
    assert found[uri].text == "Unkind words"
    again = desk.read(report.id)
    assert isinstance(again, RemoteMessage)
    assert again.person == report.person
    assert report.id == f"report/{number}"
    assert [m.id for m in desk.connector().thread(report.id)] == [uri, report.id]

    resolve = command(Verb.RESOLVE, report.id)
    assert desk.connector().find_sent(resolve) is None
    desk.proxy.lose_next_answer()
    with pytest.raises(OutcomeUnknown):
        desk.connector().perform(resolve)
    receipt = desk.connector().find_sent(resolve)
    assert receipt
    assert desk.connector().perform(resolve) == receipt
    desk.states.clear()
    assert report.id not in desk.messages("reports"), "what is dealt with does not come"
    with pytest.raises(Gone):
        desk.connector().perform(command(Verb.RESOLVE, "report/999999"))


def test_reports_go_on_where_they_stopped(desk: Desk, ann: Account, ben: Account) -> None:
    desk.network.make_moderator(desk.us)
    uri = ann.post("Words")
    desk.network.settle()
    ben.report(uri, "reasonOther", "one")
    assert "one" in {m.text for m in desk.messages("reports").values()}
    ben.report(uri, "reasonOther", "two")
    assert {m.text for m in desk.messages("reports").values() if m.kind is Kind.REPORT} == {"two"}


@pytest.mark.parametrize(
    ("verb", "kind", "options"),
    [
        (Verb.ESCALATE, "modEventEscalate", {}),
        (Verb.LABEL, "modEventLabel", {"label": "rude"}),
        (Verb.REMOVE, "modEventTakedown", {"reason": "unkind"}),
    ],
)
def test_what_a_moderator_does_in_ozone_is_done_once(
    desk: Desk, ann: Account, verb: Verb, kind: str, options: dict[str, str]
) -> None:
    desk.network.make_moderator(desk.us)
    uri = ann.post("Unkind words")
    desk.network.settle()
    deed = command(verb, uri, options=options)
    assert desk.connector().find_sent(deed) is None
    desk.proxy.lose_next_answer()
    with pytest.raises(OutcomeUnknown):
        desk.connector().perform(deed)
    receipt = desk.connector().find_sent(deed)
    assert receipt
    assert desk.connector().perform(deed) == receipt
    assert [event["$type"].partition("#")[2] for event in ozone_events(desk, uri)] == [kind]


def test_a_label_is_seen_and_taken_back(desk: Desk, ann: Account) -> None:
    desk.network.make_moderator(desk.us)
    posted(desk)
    uri = ann.mention(desk.us, "Unkind words for")
    assert isinstance(desk.read(uri), RemoteMessage)
    desk.connector().perform(command(Verb.LABEL, uri, options={"label": "Rude "}))
    seen = desk.read(uri)
    assert isinstance(seen, RemoteMessage)
    assert seen.labels == ("rude",)
    desk.connector().perform(command(Verb.UNLABEL, uri, options={"label": "rude"}))
    seen = desk.read(uri)
    assert isinstance(seen, RemoteMessage)
    assert seen.labels == ()
    with pytest.raises(Refused) as refusal:
        desk.connector().perform(command(Verb.LABEL, uri, options={"label": "not a label"}))
    assert refusal.value.reason is Reason.INVALID


def test_a_takedown_is_taken_back(desk: Desk, ann: Account) -> None:
    desk.network.make_moderator(desk.us)
    uri = ann.post("Words taken for unkind")
    desk.network.settle()
    for verb in (Verb.REMOVE, Verb.RESTORE):
        desk.connector().perform(command(verb, uri))
    kinds = [event["$type"].partition("#")[2] for event in ozone_events(desk, uri)]
    assert sorted(kinds) == ["modEventReverseTakedown", "modEventTakedown"]


def test_without_a_service_ozones_verbs_say_why(desk: Desk, ann: Account) -> None:
    desk.values["labeler"] = ""
    probe = desk.connector().probe()
    assert {probe.verbs[verb].why_not for verb in bluesky_ozone.VERBS} == {
        "No moderation service was named when this account was added."
    }
    with pytest.raises(Refused):
        desk.connector().perform(command(Verb.REMOVE, ann.post("Words")))


def test_a_report_reaches_the_servers_moderators(desk: Desk, ann: Account) -> None:
    uri = ann.post("Unkind words")
    desk.network.settle()
    report = command(Verb.REPORT, uri, options={"reason": "it hurts"})
    assert desk.connector().perform(report).remote_id
    desk.network.make_moderator(desk.us)
    assert [event["comment"] for event in ozone_events(desk, uri)] == ["it hurts"]
    with pytest.raises(CannotTell):
        desk.connector().find_sent(report)


def test_a_picture_is_named_and_not_loaded(desk: Desk, ann: Account) -> None:
    posted(desk)
    blob = ann.picture(b"\x89PNG\r\n\x1a\n" + bytes(64))
    image = {"alt": "a lake in the evening", "image": blob}
    handle = f"@{desk.us.handle}"
    feature = {"$type": "app.bsky.richtext.facet#mention", "did": desk.us.did}
    facet = {"index": {"byteStart": 0, "byteEnd": len(handle)}, "features": [feature]}
    embed = {"$type": "app.bsky.embed.images", "images": [image]}
    uri = ann.post(f"{handle} look", facets=[facet], embed=embed)
    seen = desk.read(uri)
    assert isinstance(seen, RemoteMessage)
    assert [(one.kind, one.alt) for one in seen.media] == [("image", "a lake in the evening")]


# ------------------------------------------------------------------ signing in


def test_a_lapsed_token_is_renewed_once_for_everybody(desk: Desk) -> None:
    desk.network.settle()  # a new account is not known everywhere at once
    connector = desk.connector(access="e30.e30.e30")
    assert connector.fresh_secrets() is None
    workers = [threading.Thread(target=connector.probe) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert desk.proxy.count("server.refreshSession") == 1
    fresh = connector.fresh_secrets()
    assert fresh
    assert fresh["access"] != "e30.e30.e30"
    assert fresh["refresh"] != desk.secrets["refresh"]
    assert fresh["app_password"] == desk.secrets["app_password"]
    assert connector.fresh_secrets() is None
    assert BlueskyConnector(desk.values, fresh).probe().handle == desk.us.handle


def test_signing_out_ends_the_session_and_not_the_app_password(desk: Desk) -> None:
    first = desk.connector()
    first.sign_out()
    refresh = {"Authorization": f"Bearer {desk.secrets['refresh']}"}
    url = f"{desk.network.pds}/xrpc/com.atproto.server.refreshSession"
    assert not desk.network.http.post(url, headers=refresh).ok
    assert desk.connector().probe().account_id == desk.us.did


def test_a_session_that_was_away_too_long_is_made_anew(desk: Desk) -> None:
    connector = desk.connector(access="e30.e30.e30", refresh="e30.e30.e30")
    assert connector.probe().account_id == desk.us.did
    assert connector.fresh_secrets()


def test_a_command_with_a_lapsed_token_is_done_once(desk: Desk, ann: Account) -> None:
    answer = ann.reply(posted(desk), "hello")
    desk.network.settle()
    reply = command(Verb.REPLY, answer, "Welcome")
    desk.connector(access="e30.e30.e30").perform(reply)
    assert [post["text"] for post in desk.us.posts()].count("Welcome") == 1


def test_a_lost_answer_to_the_sign_in_is_no_reason_to_ask_anybody(desk: Desk) -> None:
    desk.proxy.answer_next(502, b"<html>", "server.refreshSession")
    with pytest.raises(TryLater):
        desk.connector(access="e30.e30.e30").probe()


def test_a_wrong_password_and_a_closed_account(desk: Desk) -> None:
    with pytest.raises(SignInAgain):
        BlueskyConnector(desk.values, {"app_password": "wrong"}).authorize()
    desk.network.take_down(desk.us)
    with pytest.raises(SignInAgain):
        desk.connector().probe()
    with pytest.raises(SignInAgain):
        BlueskyConnector(desk.values, {"app_password": desk.secrets["app_password"]}).authorize()


def test_a_handle_is_taken_as_people_write_it(desk: Desk) -> None:
    values = {**desk.values, "handle": f" @{desk.us.handle} "}
    assert BlueskyConnector(values, {"app_password": desk.secrets["app_password"]}).authorize()["did"]
