"""Matrix's own ways, on a real server: absences, edits, redactions, threads, polls, power, sealed rooms."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

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
from connectors.errors import Gone, OutcomeUnknown, Reason, Refused, SignInAgain, TryLater, Unreadable
from connectors.faults import FaultProxy
from connectors.matrix import MatrixConnector
from connectors.matrix_read import SEALED_WORDS
from connectors.testing import fetch_one, last_states, messages_of, new_key, pull_all, unique
from tests.servers.synapse_network import Account, Network, split

pytestmark = pytest.mark.platforms
SEALED = {"algorithm": "m.megolm.v1.aes-sha2"}


@dataclass
class Harbour:
    """Our account, which moderates a room, and two members of it."""

    network: Network
    proxy: FaultProxy
    us: Account
    mira: Account
    loud: Account
    room: str
    secrets: dict[str, str]

    def connector(self, secrets: dict[str, str] | None = None) -> MatrixConnector:
        return MatrixConnector({"server": self.proxy.url}, secrets or self.secrets)

    def rooms(self, states: dict[str, str] | None = None) -> list[Page]:
        return list(self.connector().pull("rooms", (states or {}).get("rooms", "")))

    def now(self) -> dict[str, str]:
        return last_states(self.rooms())

    def do(self, verb: Verb, target: str, text: str = "", thread: str = "", **options: str) -> str:
        command = Command(new_key(), verb, target, thread, text, options=options)
        return self.connector().perform(command).remote_id

    def read(self, message: str) -> RemoteMessage:
        found = fetch_one(self.connector(), message)
        assert isinstance(found, RemoteMessage)
        return found


@pytest.fixture
def harbour(synapse: Network) -> Iterator[Harbour]:
    us, mira, loud = (synapse.account(name) for name in ("harbour", "mira", "loud"))
    room = us.room("Harbour")
    for member in (mira, loud):
        member.join(room)
    with FaultProxy(synapse.url) as proxy:
        proxy.answer_next(404, b'{"errcode": "M_NOT_FOUND"}', ".well-known")
        values = {"server": proxy.url, "user": us.id}
        secrets = dict(MatrixConnector(values, {"password": us.password}).authorize())
        yield Harbour(synapse, proxy, us, mira, loud, room, secrets)


def only(pages: list[Page], message: str) -> RemoteMessage:
    (found,) = [m for m in messages_of(pages) if m.id == message]
    return found


# ---------------------------------------------------------------- nothing is missed


def test_nothing_is_missed_after_a_long_absence(harbour: Harbour) -> None:
    harbour.mira.say(harbour.room, "before")
    states = harbour.now()
    said = [harbour.mira.say(harbour.room, f"while you were away {n}") for n in range(230)]
    pages = harbour.rooms(states)
    assert harbour.proxy.count("/messages") >= 2, "the server left a hole, which was closed"
    found = [m.id for m in messages_of(pages)]
    assert sorted(found) == sorted(said), "each once, and nothing from before"
    assert not any(page.gap for page in pages)


def test_an_edit_that_comes_in_the_same_answer_as_its_message_is_shown(harbour: Harbour) -> None:
    states = harbour.now()
    message = harbour.mira.say(harbour.room, "I am not at all well.")
    harbour.mira.edit(message, "I am well.")
    assert only(harbour.rooms(states), message).text == "I am well."


def test_after_a_short_absence_no_history_is_asked_for(harbour: Harbour) -> None:
    harbour.mira.say(harbour.room, "before")
    states = harbour.now()
    harbour.proxy.seen.clear()
    message = harbour.mira.say(harbour.room, "after")
    assert [m.id for m in messages_of(harbour.rooms(states))] == [message]
    asked = [path.split("?")[0].rpartition("/")[2] for _, path in harbour.proxy.seen]
    assert set(asked) <= {"sync", "m.direct"}, "names, doors and all come along"


def test_a_crash_while_a_hole_is_closed_loses_nothing(harbour: Harbour) -> None:
    states = harbour.now()
    said = {harbour.mira.say(harbour.room, f"while you were away {n}") for n in range(220)}
    whole = list(harbour.connector().pull("rooms", states["rooms"]))
    assert len(whole) >= 3
    seen: set[str] = set()
    for page in whole:
        seen |= {m.id for m in page.messages}
        rest = {m.id for m in messages_of(harbour.rooms({"rooms": page.state}))}
        assert said <= seen | rest


def test_the_first_pull_goes_back_to_the_beginning_or_to_the_bound(harbour: Harbour) -> None:
    said = [harbour.mira.say(harbour.room, f"long ago {n}") for n in range(45)]
    assert set(said) <= {m.id for m in messages_of(harbour.rooms())}
    bound = harbour.read(said[40]).created_at
    late = list(harbour.connector().pull("rooms", "", bound))
    assert {m.id for m in messages_of(late)} >= set(said[41:])
    assert all(m.created_at >= bound for m in messages_of(late))


def test_likes_and_edits_of_long_ago_survive_the_way_from_new_to_old(harbour: Harbour) -> None:
    states = harbour.now()
    message = harbour.mira.say(harbour.room, "hello")
    for n in range(60):
        harbour.mira.say(harbour.room, f"more {n}")
    for n in range(60):
        harbour.loud.say(harbour.room, f"and more {n}")
    harbour.loud.react(message)
    harbour.mira.edit(message, "hello again")
    found = only(harbour.rooms(states), message)
    assert (found.likes, found.text) == (1, "hello again")


def test_a_room_that_was_left_or_forgotten_stops_nothing(harbour: Harbour) -> None:
    second, third = (harbour.loud.room(name) for name in ("Second", "Third"))
    for room in (second, third):
        harbour.us.join(room)
    states = harbour.now()
    last = harbour.loud.say(second, "last words that we can see")
    harbour.us.leave(second)
    for n in range(120):
        harbour.loud.say(third, f"many {n}")
    harbour.us.leave(third, forget=True)
    unseen = harbour.loud.say(second, "nobody here reads this")
    here = harbour.mira.say(harbour.room, "still here")
    pages = harbour.rooms(states)
    found = {m.id for m in messages_of(pages)}
    assert {last, here} <= found
    assert unseen not in found
    assert isinstance(fetch_one(harbour.connector(), unseen), RemoteGone)
    again = harbour.mira.say(harbour.room, "and here")
    assert [m.id for m in messages_of(harbour.rooms(last_states(pages)))] == [again]


def test_the_room_closed_behind_us_while_a_hole_was_open(harbour: Harbour) -> None:
    second = harbour.loud.room("Second", public=False, invite=[harbour.us.id])
    harbour.us.join(second)
    states = harbour.now()
    for n in range(150):
        harbour.loud.say(second, f"many {n}")
    pages = harbour.connector().pull("rooms", states["rooms"])
    first = next(pages)
    harbour.us.leave(second, forget=True)
    rest = list(harbour.connector().pull("rooms", first.state))
    assert any(page.gap for page in rest), "what cannot be read any more is said to be missing"
    here = harbour.mira.say(harbour.room, "still here")
    assert here in {m.id for m in messages_of(harbour.rooms(last_states(rest)))}


def test_an_invitation_is_not_accepted(harbour: Harbour) -> None:
    room = harbour.mira.room(public=False, invite=[harbour.us.id], is_direct=True)
    harbour.mira.say(room, "May I ask you something?")
    harbour.rooms()
    assert room not in harbour.us.rooms()


def test_too_many_requests_of_the_server_itself(harbour: Harbour) -> None:
    message = harbour.mira.say(harbour.room, "hello")
    harbour.network.account("admin", admin=True).limit(harbour.us)
    said: list[datetime | None] = []
    for _ in range(12):
        try:
            harbour.do(Verb.REPLY, message, unique("answer"))
        except TryLater as trouble:
            said.append(trouble.until)
            break
    assert said, "the server never became strict"
    assert said[0] is not None
    assert timedelta() < said[0] - datetime.now(UTC) < timedelta(minutes=1)


def test_every_id_is_encoded(harbour: Harbour) -> None:
    message = harbour.mira.say(harbour.room, "hello")
    harbour.do(Verb.REPLY, message, "answer")
    harbour.do(Verb.LIKE, message)
    harbour.connector().thread(message)
    paths = [path.split("?")[0] for _, path in harbour.proxy.seen]
    assert any("%21" in path and "%24" in path for path in paths)
    assert not any(sign in path for path in paths for sign in "!$#@:")


# ---------------------------------------------------------------- edits, redactions, reactions


def test_an_edit_is_a_new_revision_without_the_star(harbour: Harbour) -> None:
    message = harbour.mira.say(harbour.room, "helo")
    states = harbour.now()
    edit = harbour.mira.edit(message, "hello")
    found = only(harbour.rooms(states), message)
    assert found.text == "hello"
    assert found.revision == split(edit)[1]
    assert found.edited_at is not None
    harbour.mira.edit(message, "hello there")
    assert harbour.read(message).text == "hello there"


def test_nobody_else_can_edit(harbour: Harbour) -> None:
    message = harbour.mira.say(harbour.room, "these are my words")
    harbour.loud.edit(message, "these are not")
    for found in (only(harbour.rooms(), message), harbour.read(message)):
        assert found.text == "these are my words"
        assert found.edited_at is None


def test_an_edit_that_is_taken_back_brings_the_words_before(harbour: Harbour) -> None:
    message = harbour.mira.say(harbour.room, "first")
    edit = harbour.mira.edit(message, "second")
    states = harbour.now()
    harbour.mira.redact(edit)
    pages = harbour.rooms(states)
    assert only(pages, message).text == "first"
    assert not [gone for page in pages for gone in page.gone]


def test_who_emptied_a_message_is_told(harbour: Harbour) -> None:
    own, theirs = (harbour.mira.say(harbour.room, words) for words in ("mine", "theirs"))
    states = harbour.now()
    harbour.mira.redact(own)
    harbour.us.redact(theirs, "not here")
    gone = {entry.id: entry.how for page in harbour.rooms(states) for entry in page.gone}
    assert gone == {own: GoneHow.DELETED, theirs: GoneHow.REMOVED}
    assert fetch_one(harbour.connector(), own) == RemoteGone(own, GoneHow.DELETED)


def test_reactions_are_likes_one_for_each_person(harbour: Harbour) -> None:
    message = harbour.us.say(harbour.room, "We are here.")
    states = harbour.now()
    first = harbour.mira.react(message)
    harbour.mira.react(message, "🌱")
    harbour.loud.react(message)
    pages = harbour.rooms(states)
    assert only(pages, message).likes == 2
    harbour.mira.redact(first)
    states = last_states(pages)
    assert only(harbour.rooms(states), message).likes == 2
    assert not [gone for page in harbour.rooms(states) for gone in page.gone]


# ---------------------------------------------------------------- conversations


def test_threads_and_answers_are_one_conversation(harbour: Harbour) -> None:
    root = harbour.mira.say(harbour.room, "I would like to ask something.")
    below = harbour.loud.reply(root, "Go ahead.")
    quote = harbour.loud.quote(root, "> <@mira:hs.test> I would\n\nYes?")
    deeper = harbour.mira.quote(quote, "How are you?")
    beside = harbour.loud.reply(quote, "I am well.")
    other = harbour.mira.say(harbour.room, "Something else.")
    found = {m.id: m for m in messages_of(harbour.rooms())}
    for id_ in (root, below, quote, deeper, beside):
        assert found[id_].thread_id == root
        assert harbour.read(id_).thread_id == root
    assert found[other].thread_id == other
    assert (found[below].parent_id, found[deeper].parent_id) == (root, quote)
    assert found[quote].text == "Yes?", "what old programs quote is not said twice"
    assert [m.id for m in harbour.connector().thread(deeper)] == [root, below, quote, deeper]
    assert [m.id for m in harbour.connector().thread(beside)] == [root, below, quote, beside]
    assert found[root].channel == "Harbour"


def test_a_reply_stands_in_the_thread(harbour: Harbour) -> None:
    root = harbour.mira.say(harbour.room, "hello")
    below = harbour.loud.reply(root, "hello you")
    answer = harbour.do(Verb.REPLY, below, "Welcome, both.", root)
    content = harbour.us.event(answer)["content"]
    assert content["m.relates_to"]["event_id"] == split(root)[1]
    assert content["m.relates_to"]["m.in_reply_to"]["event_id"] == split(below)[1]
    assert content["m.mentions"] == {"user_ids": [harbour.loud.id]}


def test_mentions_and_names(harbour: Harbour) -> None:
    named = {"membership": "join", "displayname": "Mira"}
    harbour.mira.set_state(harbour.room, "m.room.member", named, harbour.mira.id)
    message = harbour.mira.mention(harbour.room, harbour.us, "can you help?")
    for found in (only(harbour.rooms(), message), harbour.read(message)):
        assert found.kind is Kind.MENTION
        assert found.person is not None
        assert (found.person.id, found.person.name) == (harbour.mira.id, "Mira")
        assert f"@{found.person.handle}" == harbour.mira.id


def test_html_and_pictures(harbour: Harbour) -> None:
    rich = {"format": "org.matrix.custom.html", "formatted_body": "<p>one</p><script>no</script><b>two</b>"}
    message = harbour.mira.say(harbour.room, "*one* two", **rich)
    picture = harbour.mira.say(harbour.room, "harbour.png", msgtype="m.image", url="mxc://hs.test/abc")
    assert harbour.read(message).text == "one\n\ntwo"
    (media,) = harbour.read(picture).media
    assert media.kind == "image"
    assert media.url.endswith("/_matrix/client/v1/media/download/hs.test/abc")


@pytest.mark.parametrize("where", ["/context/", "/relations/", "/messages"])
def test_an_answer_that_broke_on_the_way_drops_no_message(harbour: Harbour, where: str) -> None:
    root = harbour.mira.say(harbour.room, "hello")
    state = harbour.now()["rooms"]
    said = {harbour.loud.quote(root, f"answer {n}") for n in range(120)}
    liked = harbour.mira.say(harbour.room, "liked at once")
    harbour.loud.react(liked)
    harbour.proxy.answer_next(200, b"{}", where)
    seen: dict[str, RemoteMessage] = {}
    troubles = []
    for _ in range(2):
        try:
            for page in harbour.connector().pull("rooms", state):
                seen |= {m.id: m for m in page.messages}
                state = page.state
        except Unreadable as trouble:
            troubles.append(trouble)
    assert len(troubles) == 1
    assert said | {liked} <= set(seen)
    assert seen[liked].likes == 1
    assert {seen[id_].thread_id for id_ in said} == {root}


def test_what_cannot_be_read_is_counted(harbour: Harbour) -> None:
    states = harbour.now()
    harbour.mira.send(harbour.room, "m.sticker", {"body": 7})
    harbour.mira.send(harbour.room, "m.poll.start", {"m.poll.start": []})
    good = harbour.mira.say(harbour.room, "good")
    pages = harbour.rooms(states)
    assert [m.id for m in messages_of(pages)] == [good]
    assert sum(page.skipped for page in pages) == 2


# ---------------------------------------------------------------- who can read


def test_only_open_rooms_are_public(harbour: Harbour) -> None:
    closed = harbour.mira.room("Closed", public=False, invite=[harbour.us.id])
    harbour.us.join(closed)
    direct = harbour.mira.direct_room(harbour.us)
    ids = [harbour.mira.say(room, "hello") for room in (harbour.room, closed, direct)]
    found = {m.id: m for m in messages_of(harbour.rooms())}
    assert found[ids[2]].thread_title == harbour.mira.id.removeprefix("@").split(":")[0]
    wanted = [
        (Kind.COMMENT, Audience.PUBLIC),
        (Kind.COMMENT, Audience.PRIVATE),
        (Kind.DIRECT, Audience.PRIVATE),
    ]
    assert [(found[id_].kind, found[id_].audience) for id_ in ids] == wanted
    assert [(m.kind, m.audience) for m in map(harbour.read, ids)] == wanted


def test_a_private_answer_never_goes_where_everybody_reads(harbour: Harbour) -> None:
    closed = harbour.us.room("Closed", public=False, invite=[harbour.mira.id])
    harbour.mira.join(closed)
    message = harbour.mira.say(closed, "between us")
    command = Command(new_key(), Verb.REPLY, message, message, "yes", Audience.PRIVATE)
    connector = harbour.connector()
    assert connector.perform(command).remote_id
    harbour.us.set_state(closed, "m.room.join_rules", {"join_rule": "public"})
    with pytest.raises(Refused) as refusal:
        connector.perform(replace(command, key=new_key(), text="still between us"))
    assert refusal.value.reason is Reason.STALE
    assert "still between us" not in [e["content"]["body"] for e in harbour.us.said(closed)]


def test_a_sealed_room_says_so_once_and_is_never_written_to(harbour: Harbour) -> None:
    sealed = harbour.us.room("Sealed")
    harbour.mira.join(sealed)
    before = harbour.mira.say(sealed, "still open")
    harbour.us.set_state(sealed, "m.room.encryption", SEALED)
    for _ in range(3):
        harbour.mira.send(sealed, "m.room.encrypted", {**SEALED, "ciphertext": "…"})
    pages = harbour.rooms()
    told = [m for m in messages_of(pages) if m.text == SEALED_WORDS]
    assert [m.channel for m in told] == ["Sealed"]
    assert sum(page.skipped for page in pages) == 2
    more = harbour.mira.send(sealed, "m.room.encrypted", {**SEALED, "ciphertext": "…"})
    later = harbour.rooms(last_states(pages))
    harbour.loud.join(sealed)
    harbour.loud.react(more)
    assert not messages_of(later)
    assert not messages_of(harbour.rooms(last_states(later)))
    for verb, target in ((Verb.REPLY, before), (Verb.REPLY, told[0].id), (Verb.LIKE, before)):
        with pytest.raises(Refused) as refusal:
            harbour.do(verb, target, "in the open")
        assert refusal.value.reason is Reason.UNSUPPORTED
    assert not harbour.us.said(sealed)


def test_each_sealed_direct_message_is_shown_as_one(harbour: Harbour) -> None:
    direct = harbour.mira.direct_room(harbour.us)
    harbour.mira.set_state(direct, "m.room.encryption", SEALED)
    ids = {harbour.mira.send(direct, "m.room.encrypted", {**SEALED, "ciphertext": "…"}) for _ in range(2)}
    found = [m for m in messages_of(harbour.rooms()) if m.id in ids]
    assert {(m.kind, m.text) for m in found} == {(Kind.DIRECT, SEALED_WORDS)}
    assert len(found) == 2


# ---------------------------------------------------------------- polls


def test_a_poll_is_counted_as_its_rules_say(harbour: Harbour) -> None:
    poll = harbour.us.ask(harbour.room, "How was it?", "good", "hard")
    states = harbour.now()
    harbour.mira.vote(poll, "good")
    harbour.mira.vote(poll, "hard")
    harbour.loud.vote(poll, "good", "hard")
    harbour.us.vote(poll, "good")
    harbour.us.vote(poll, "something else")
    pages = harbour.rooms(states)
    found = only(pages, poll)
    assert found.text == "How was it?"
    assert found.poll is not None
    assert found.poll.answers == (("good", 1), ("hard", 1))
    assert (found.poll.voters, found.poll.closed) == (2, False)
    harbour.loud.end_poll(poll)
    assert not (harbour.read(poll).poll or found.poll).closed, "not theirs to end"
    states = last_states(harbour.rooms(last_states(pages)))
    harbour.do(Verb.END_POLL, poll)
    harbour.us.vote(poll, "hard")
    ended = only(harbour.rooms(states), poll)
    assert ended.poll is not None
    assert ended.poll.closed
    assert ended.poll.answers == (("good", 1), ("hard", 1))


def test_a_poll_of_ours_arrives_once(harbour: Harbour) -> None:
    choices = json.dumps(["Thursday", "Friday"])
    command = Command(
        new_key(), Verb.POLL, "", harbour.room, "When shall we meet?", options={"choices": choices}
    )
    sent = harbour.connector().perform(command)
    assert harbour.connector().perform(command).remote_id == sent.remote_id
    assert harbour.connector().find_sent(command) is not None
    assert harbour.connector().find_sent(replace(command, key=new_key())) is None
    found = only(harbour.rooms(), sent.remote_id)
    assert found.ours
    assert found.poll is not None
    assert [words for words, _ in found.poll.answers] == ["Thursday", "Friday"]
    harbour.mira.vote(sent.remote_id, "2")
    assert harbour.read(sent.remote_id).poll.answers == (("Thursday", 0), ("Friday", 1))  # type: ignore[union-attr] - a poll
    with pytest.raises(Refused):
        harbour.do(Verb.POLL, "", "When?", harbour.room, choices=choices, hours="2")
    end = Command(new_key(), Verb.END_POLL, sent.remote_id)
    assert harbour.connector().find_sent(end) is None
    harbour.connector().perform(end)
    assert harbour.connector().find_sent(end) is not None


# ---------------------------------------------------------------- power


def test_removing_follows_power(harbour: Harbour) -> None:
    message = harbour.mira.say(harbour.room, "hurtful words")
    with pytest.raises(Refused) as refusal:
        MatrixConnector(
            {"server": harbour.network.url, "user": harbour.loud.id}, {"access_token": harbour.loud.token}
        ).perform(Command(new_key(), Verb.REMOVE, message))
    assert refusal.value.reason is Reason.ROLE
    command = Command(new_key(), Verb.REMOVE, message, options={"reason": "against our rules"})
    assert harbour.connector().find_sent(command) is None
    for _ in range(2):
        harbour.connector().perform(command)
    assert harbour.connector().find_sent(command) is not None
    assert fetch_one(harbour.connector(), message) == RemoteGone(message, GoneHow.REMOVED)
    because = harbour.us.event(message)["unsigned"]["redacted_because"]
    assert because["content"]["reason"] == "against our rules"
    with pytest.raises(Refused):
        harbour.do(Verb.RETRACT, harbour.mira.say(harbour.room, "not ours"))


def test_kick_ban_and_unban(harbour: Harbour) -> None:
    message = harbour.loud.say(harbour.room, "loud words")
    for verb, membership in ((Verb.KICK, "leave"), (Verb.BAN, "ban"), (Verb.UNBAN, "leave")):
        command = Command(new_key(), verb, message, options={"reason": "a pause for everybody"})
        if verb is Verb.KICK:
            assert harbour.connector().find_sent(command) is None
        harbour.connector().perform(command)
        assert harbour.us.membership(harbour.room, harbour.loud) == membership
        harbour.connector().perform(command)
        assert harbour.connector().find_sent(command) is not None
    with pytest.raises(Refused):
        harbour.do(Verb.BAN, message, hours="24")


def test_probe_says_what_power_is_missing(harbour: Harbour) -> None:
    theirs = MatrixConnector({"server": harbour.network.url}, {"access": harbour.mira.token})
    probe = theirs.probe()
    assert not any(probe.verbs[verb].can for verb in (Verb.REMOVE, Verb.KICK, Verb.BAN, Verb.UNBAN))
    assert probe.verbs[Verb.BAN].why_not
    ours = harbour.connector().probe()
    assert all(ours.verbs[verb].can for verb in (Verb.REMOVE, Verb.KICK, Verb.BAN, Verb.UNBAN, Verb.POLL))
    assert not ours.streams["reports"].can
    assert not ours.verbs[Verb.RESOLVE].can
    harbour.us.trust(harbour.room, harbour.mira)
    trusted = MatrixConnector({"server": harbour.network.url}, {"access": harbour.mira.token})
    assert trusted.probe().verbs[Verb.BAN].can


def test_likes_are_given_once_and_taken_back(harbour: Harbour) -> None:
    message = harbour.mira.say(harbour.room, "a good day")
    command = Command(new_key(), Verb.LIKE, message)
    assert harbour.connector().find_sent(command) is None
    first = harbour.connector().perform(command)
    second = harbour.connector().perform(replace(command, key=new_key()))
    assert first.remote_id == second.remote_id
    assert harbour.read(message).likes == 1
    undo = Command(new_key(), Verb.UNLIKE, message)
    assert harbour.connector().find_sent(undo) is None
    for _ in range(2):
        harbour.connector().perform(undo)
    assert harbour.connector().find_sent(undo) is not None
    assert harbour.read(message).likes == 0


# ---------------------------------------------------------------- one person alone


def test_writing_begins_one_conversation_and_stays_in_it(harbour: Harbour) -> None:
    message = harbour.mira.say(harbour.room, "may I talk to somebody?")
    command = Command(new_key(), Verb.WRITE, message, message, "We are here for you.", Audience.PRIVATE)
    assert harbour.connector().find_sent(command) is None
    before = set(harbour.us.rooms())
    sent = harbour.connector().perform(command)
    assert harbour.connector().perform(command).remote_id == sent.remote_id
    again = harbour.connector().perform(replace(command, key=new_key(), text="How are you today?"))
    (room,) = set(harbour.us.rooms()) - before
    assert {split(sent.remote_id)[0], split(again.remote_id)[0]} == {room}
    assert [e["content"]["body"] for e in harbour.us.said(room)] == [command.text, "How are you today?"]
    harbour.mira.join(room)
    answer = harbour.mira.say(room, "Thank you.")
    found = only(harbour.rooms(), answer)
    assert (found.kind, found.audience) == (Kind.DIRECT, Audience.PRIVATE)
    found_sent = harbour.connector().find_sent(command)
    assert found_sent is not None
    assert found_sent.remote_id == sent.remote_id


def test_a_lost_answer_begins_no_second_conversation(harbour: Harbour) -> None:
    message = harbour.mira.say(harbour.room, "may I talk to somebody?")
    command = Command(new_key(), Verb.WRITE, message, message, "We are here for you.", Audience.PRIVATE)
    before = set(harbour.us.rooms())
    harbour.proxy.lose_next_answer()
    with pytest.raises(OutcomeUnknown):
        harbour.connector().perform(command)
    assert harbour.connector().find_sent(command) is None
    harbour.connector().perform(command)
    (room,) = set(harbour.us.rooms()) - before
    assert [e["content"]["body"] for e in harbour.us.said(room)] == [command.text]


def test_a_key_is_found_after_the_server_forgot_it(harbour: Harbour) -> None:
    """Another device stands for a server that no longer knows the transaction id."""
    message = harbour.mira.say(harbour.room, "hello")
    command = Command(new_key(), Verb.REPLY, message, message, "hello too")
    sent = harbour.connector().perform(command)
    found = harbour.connector({"access": harbour.us.token}).find_sent(command)
    assert found is not None
    assert found.remote_id == sent.remote_id


# ---------------------------------------------------------------- reports


def test_reports_come_with_their_message_and_are_closed(harbour: Harbour, synapse: Network) -> None:
    admin = synapse.account("admin", admin=True)
    desk = MatrixConnector({"server": synapse.url}, {"access": admin.token})
    states = last_states(pull_all(desk))
    message = harbour.loud.say(harbour.room, "words that hurt")
    harbour.mira.report(message, "This was meant to hurt.")
    assert desk.probe().streams["reports"].can
    pages = list(desk.pull("reports", states["reports"]))
    (report,) = [m for m in messages_of(pages) if m.kind is Kind.REPORT]
    assert (report.text, report.subject_id) == ("This was meant to hurt.", message)
    assert report.person is not None
    assert report.person.id == harbour.mira.id
    assert (report.audience, report.thread_id) == (Audience.PRIVATE, message)
    subject = only(pages, message)
    assert subject.text == "words that hurt", "shown although the admin is not in that room"
    close = Command(new_key(), Verb.RESOLVE, report.id)
    assert desk.find_sent(close) is None
    for _ in range(2):
        desk.perform(close)
    assert desk.find_sent(close) is not None
    later = list(desk.pull("reports", last_states(pages)["reports"]))
    assert [gone.id for page in later for gone in page.gone] == [report.id]
    assert not messages_of(later)
    with pytest.raises(Refused):
        desk.perform(Command(new_key(), Verb.REPLY, report.id, text="no"))


def test_reporting_tells_the_admins_and_cannot_be_looked_up(harbour: Harbour, synapse: Network) -> None:
    message = harbour.loud.say(harbour.room, "words that hurt")
    command = Command(new_key(), Verb.REPORT, message, options={"reason": "please look at this"})
    harbour.connector().perform(command)
    admin = synapse.account("admin", admin=True)
    mine = [r for r in admin.reports() if r["event_id"] == split(message)[1]]
    assert [r["reason"] for r in mine] == ["please look at this"]
    with pytest.raises(OutcomeUnknown):
        harbour.connector().find_sent(command)


def test_who_is_no_admin_is_refused(harbour: Harbour) -> None:
    with pytest.raises(Refused) as refusal:
        list(harbour.connector().pull("reports", ""))
    assert refusal.value.reason is Reason.ROLE


# ---------------------------------------------------------------- signing in


def test_the_password_is_not_kept(harbour: Harbour) -> None:
    assert harbour.us.password not in harbour.secrets.values()
    assert {"access", "refresh", "device_id", "user_id"} <= set(harbour.secrets)
    again = MatrixConnector({"server": harbour.proxy.url}, harbour.secrets)
    assert again.probe().account_id == harbour.us.id


def test_the_server_names_its_own_address(harbour: Harbour, synapse: Network) -> None:
    values = {"server": f"{synapse.url}", "user": harbour.mira.id}
    secrets = MatrixConnector(values, {"password": harbour.mira.password}).authorize()
    assert secrets["base"].rstrip("/") == synapse.url


def test_a_pasted_token_is_enough(harbour: Harbour) -> None:
    connector = MatrixConnector({"server": harbour.network.url}, {"access_token": harbour.mira.token})
    secrets = connector.authorize()
    assert secrets["user_id"] == harbour.mira.id
    assert "access_token" not in secrets
    assert connector.probe().account_id == harbour.mira.id


@pytest.mark.parametrize("secrets", [{"password": "not this one"}, {"access_token": "nor this"}, {}])
def test_a_wrong_secret_is_said(harbour: Harbour, secrets: dict[str, str]) -> None:
    connector = MatrixConnector({"server": harbour.network.url, "user": harbour.mira.id}, secrets)
    with pytest.raises(SignInAgain):
        connector.authorize()


def test_a_soft_logout_renews_the_token_once(harbour: Harbour) -> None:
    message = harbour.mira.say(harbour.room, "hello")
    lapsed = json.dumps({"errcode": "M_UNKNOWN_TOKEN", "soft_logout": True}).encode()
    harbour.proxy.answer_next(401, lapsed, "/context/")
    connector = harbour.connector()
    assert connector.fresh_secrets() is None
    assert isinstance(fetch_one(connector, message), RemoteMessage)
    fresh = connector.fresh_secrets()
    assert fresh is not None
    assert fresh["access"] != harbour.secrets["access"]
    assert connector.fresh_secrets() is None
    assert harbour.connector(dict(fresh)).probe().account_id == harbour.us.id
    assert harbour.proxy.count("/refresh") == 1


def test_many_at_once_renew_once(harbour: Harbour) -> None:
    lapsed = json.dumps({"errcode": "M_UNKNOWN_TOKEN", "soft_logout": True}).encode()
    connector = harbour.connector()
    at_once = 4
    together = threading.Barrier(at_once, timeout=30)
    for _ in range(at_once):
        harbour.proxy.answer_next(401, lapsed, "/versions")
    failures: list[Exception] = []

    def ask() -> None:
        together.wait()
        try:
            connector._session.read("_matrix/client/versions")
        except (SignInAgain, TryLater) as trouble:
            failures.append(trouble)

    threads = [threading.Thread(target=ask) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    assert harbour.proxy.count("/refresh") == 1


def test_a_reply_to_what_was_never_there(harbour: Harbour) -> None:
    with pytest.raises(Gone):
        harbour.do(Verb.REPLY, f"{harbour.room}/$nothing", "hello")


# ---------------------------------------------------------------- invitations


def invited(harbour: Harbour) -> tuple[str, RemoteMessage]:
    """Mira wants to speak to us alone; what we see of it."""
    room = harbour.mira.room(public=False, is_direct=True, invite=[harbour.us.id])
    harbour.mira.say(room, "May I ask you something?")
    (found,) = [m for m in messages_of(harbour.rooms()) if m.thread_id == room]
    return room, found


def test_whoever_wants_to_speak_to_us_alone_is_seen_and_answered_once(harbour: Harbour) -> None:
    states = harbour.now()
    room, invitation = invited(harbour)
    assert (invitation.kind, invitation.audience) == (Kind.DIRECT, Audience.PRIVATE)
    assert invitation.person is not None
    assert invitation.person.id == harbour.mira.id
    assert set(invitation.choices) == {"join", "decline"}
    command = Command(new_key(), Verb.REPLY, invitation.id, room, "Of course.", Audience.PRIVATE)
    assert harbour.connector().find_sent(command) is None
    harbour.proxy.lose_next_answer()
    with pytest.raises(OutcomeUnknown):
        harbour.connector().perform(command)
    assert harbour.connector().find_sent(command) is None, "we joined, and no more"
    for _ in range(2):
        harbour.connector().perform(command)
    assert harbour.connector().find_sent(command) is not None
    assert [one["content"]["body"] for one in harbour.us.said(room)].count("Of course.") == 1
    later = messages_of(harbour.rooms(states))
    found = {m.text: m for m in later if m.thread_id == room}
    assert found["May I ask you something?"].kind is Kind.DIRECT, "what was said before we came is here"


@pytest.mark.parametrize("choice", ["join", "decline"])
def test_an_invitation_is_accepted_or_declined_and_is_over(harbour: Harbour, choice: str) -> None:
    before = harbour.now()
    room = harbour.mira.room("Evening", public=False, invite=[harbour.us.id])
    pages = harbour.rooms(before)
    (invitation,) = [m for m in messages_of(pages) if m.thread_id == room]
    assert "Evening" in invitation.text
    command = Command(new_key(), Verb.RESOLVE, invitation.id, options={"choice": choice})
    assert harbour.connector().find_sent(command) is None
    harbour.connector().perform(command)
    assert harbour.connector().find_sent(command) is not None
    harbour.connector().perform(command)
    assert harbour.mira.membership(room, harbour.us) == ("join" if choice == "join" else "leave")
    gone = [one.id for page in harbour.rooms(last_states(pages)) for one in page.gone]
    assert gone == [invitation.id]
    assert isinstance(fetch_one(harbour.connector(), invitation.id), RemoteGone)


def test_a_withdrawn_invitation_cannot_be_answered(harbour: Harbour) -> None:
    room, invitation = invited(harbour)
    harbour.mira.kick(room, harbour.us)
    command = Command(new_key(), Verb.REPLY, invitation.id, room, "Of course.", Audience.PRIVATE)
    with pytest.raises(Gone):
        harbour.connector().perform(command)
    with pytest.raises(Refused):
        harbour.connector().perform(replace(command, verb=Verb.RESOLVE, options={"choice": "perhaps"}))


# ---------------------------------------------------------------- leaving


def test_signing_out_ends_this_device_there(harbour: Harbour) -> None:
    harbour.connector().sign_out()
    with pytest.raises(SignInAgain):
        harbour.connector().probe()
    harbour.us.rooms()  # whoever else is signed in stays
