"""What Telegram's messages are here: conversations, people, words, files, reactions, votes."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import Audience, Kind, Page, RemoteMessage, Verb
from connectors.faults import FaultProxy
from connectors.telegram_things import Place, Us, message, words_of
from connectors.testing import messages_of
from tests.connectors.test_telegram_contract import TelegramWorld, command_for, pull, texts
from tests.servers.telegram_community import (
    ANONYMOUS,
    BOT,
    BOT_NAME,
    CHANNEL,
    COMMENTS,
    FORUM,
    MEMBERS,
    MIRA,
    PUBLIC,
    ROBIN,
    SMALL,
)
from tests.servers.telegram_server import Telegram, running


@pytest.fixture
def world() -> Iterator[TelegramWorld]:
    state = Telegram()
    with running(state) as server, FaultProxy(f"http://127.0.0.1:{server.server_port}") as proxy:
        yield TelegramWorld(state, proxy)


def only(pages: list[Page]) -> RemoteMessage:
    (one,) = messages_of(pages)
    return one


# ---------------------------------------------------------------------- conversations


def test_a_private_chat_is_one_conversation(world: TelegramWorld) -> None:
    first = world.state.say(ROBIN, ROBIN, "Are you there?")
    world.state.say(ROBIN, ROBIN, "It is late.", first)
    one, two = messages_of(pull(world))
    assert one.thread_id == two.thread_id == str(ROBIN)
    assert (one.kind, one.audience) == (Kind.DIRECT, Audience.PRIVATE)
    assert two.parent_id == one.id
    assert one.person
    assert (one.person.id, one.person.handle, one.person.name) == (str(ROBIN), "robin", "Robin")
    assert one.permalink is None


def test_the_same_number_in_two_chats_is_two_messages(world: TelegramWorld) -> None:
    numbers = {world.state.say(chat, ROBIN, "hello") for chat in (PUBLIC, MEMBERS, ROBIN)}
    assert len(numbers) == 1
    assert len({one.id for one in messages_of(pull(world))}) == 3


@pytest.mark.parametrize("chat", [SMALL, MEMBERS])
def test_answers_to_answers_stay_in_their_conversation(world: TelegramWorld, chat: int) -> None:
    root = world.state.say(chat, ROBIN, "first")
    second = world.state.say(chat, MIRA, "second", root)
    (page,) = pull(world)
    third = world.state.say(chat, ROBIN, "third", second)
    world.state.say(chat, MIRA, "fourth", third)
    world.state.say(chat, MIRA, "something else")
    found = messages_of([page, *pull(world, page.state)])
    assert {one.thread_id for one in found[:4]} == {f"{chat}:{root}"}
    assert found[4].thread_id != found[0].thread_id
    assert found[1].thread_title == "first"


def test_our_answer_does_not_split_a_conversation(world: TelegramWorld) -> None:
    root = world.state.say(SMALL, ROBIN, "first")
    connector = world.connector()
    (page,) = pull(world, connector=connector)
    sent = connector.perform(command_for(Verb.REPLY, page.messages[0].id, "I am here.", f"{SMALL}:{root}"))
    world.state.say(SMALL, ROBIN, "thank you", int(sent.remote_id.split(":")[1]))
    one = only(pull(world, page.state, connector))
    assert one.thread_id == f"{SMALL}:{root}"
    assert one.parent_id == sent.remote_id
    assert one.kind is Kind.MENTION, "it answers the bot"


def test_a_topic_is_a_conversation_with_a_name(world: TelegramWorld) -> None:
    topic = world.state.open_topic("Long nights")
    world.state.say(FORUM, ROBIN, "in the topic", topic=topic)
    outside = world.state.say(FORUM, ROBIN, "in General")
    inside, general = messages_of(pull(world))
    assert (inside.thread_id, inside.thread_title) == (f"{FORUM}/{topic}", "Long nights")
    assert general.thread_id == f"{FORUM}:{outside}"


def test_a_channels_post_is_shown_once_and_names_its_comments(world: TelegramWorld) -> None:
    _, copy = world.state.post("We are here tonight.")
    first = world.state.say(COMMENTS, ROBIN, "Thank you.", copy)
    world.state.say(COMMENTS, MIRA, "From me too.", first)
    post, one, two = messages_of(pull(world))
    assert (post.kind, post.thread_id.split(":")[0]) == (Kind.POST, str(CHANNEL))
    assert post.person
    assert (post.person.id, post.person.name) == (str(CHANNEL), "Lighthouse")
    assert one.thread_id == two.thread_id == f"{COMMENTS}:{copy}"
    assert one.thread_title == "We are here tonight."
    assert one.audience is Audience.PUBLIC, "comments stand below what everybody can read"


def test_where_the_bot_is_not_in_the_channel_the_copy_is_shown(world: TelegramWorld) -> None:
    world.state.post("We are here tonight.")
    world.state.updates.popleft()
    post = only(pull(world))
    assert post.kind is Kind.POST
    assert post.person
    assert post.person.id == str(CHANNEL)


def test_members_only_is_private(world: TelegramWorld) -> None:
    world.state.say(PUBLIC, ROBIN, "for all")
    world.state.say(MEMBERS, ROBIN, "for members")
    open_, closed = messages_of(pull(world))
    assert (open_.audience, closed.audience) == (Audience.PUBLIC, Audience.PRIVATE)
    assert closed.kind is Kind.COMMENT
    assert open_.permalink == "https://t.me/harbour/1"
    assert closed.permalink == "https://t.me/c/1000000012/1"


def test_a_group_that_becomes_a_supergroup_goes_on(world: TelegramWorld) -> None:
    world.state.say(SMALL, ROBIN, "before")
    (page,) = pull(world)
    moved = world.state.migrate(SMALL)
    world.state.say(moved, ROBIN, "after")
    later = pull(world, page.state)
    assert texts(later) == ["after"], "the notices are no messages"
    assert only(later).thread_id.startswith(f"{moved}:")


# ---------------------------------------------------------------------- people


def test_whoever_speaks_as_a_chat_is_the_chat(world: TelegramWorld) -> None:
    group = world.state.chats[PUBLIC].row()
    world.state.say(PUBLIC, ANONYMOUS, "Be kind.", sender_chat=group, author_signature="Night shift")
    person = only(pull(world)).person
    assert person
    assert (person.id, person.name) == (str(PUBLIC), "Harbour (Night shift)")


def test_bots_are_marked(world: TelegramWorld) -> None:
    world.state.say(PUBLIC, ANONYMOUS, "beep")
    person = only(pull(world)).person
    assert person
    assert person.name.endswith("(bot)")


# ---------------------------------------------------------------------- words and what comes with them


def test_an_edit_is_a_new_revision_of_the_same_message(world: TelegramWorld) -> None:
    number = world.state.say(PUBLIC, ROBIN, "first words")
    before = only(pages := pull(world))
    world.state.edit(PUBLIC, number, "other words")
    after = only(pull(world, pages[-1].state))
    assert (after.id, after.text) == (before.id, "other words")
    assert after.revision != before.revision
    assert after.edited_at


def test_an_edit_in_the_same_page_is_the_last_word(world: TelegramWorld) -> None:
    number = world.state.say(PUBLIC, ROBIN, "first words")
    world.state.edit(PUBLIC, number, "other words")
    assert texts(pull(world)) == ["other words"]


def test_addresses_behind_words_are_shown_where_the_words_end(world: TelegramWorld) -> None:
    words = "\N{WAVING HAND SIGN}\N{EMOJI MODIFIER FITZPATRICK TYPE-4} look here and there"
    link = {"type": "text_link", "offset": 10, "length": 4, "url": "https://example.org/a"}
    same = {"type": "text_link", "offset": 5, "length": 4, "url": "look"}
    wild = {"type": "text_link", "offset": 900, "length": 4, "url": "https://example.org/b"}
    bold = {"type": "bold", "offset": 0, "length": 4}
    world.state.say(PUBLIC, ROBIN, words, entities=[link, bold, same, wild, {"type": 5}, None])
    shown = only(pull(world)).text
    assert "look here (https://example.org/a) and there" in shown
    assert "(look)" not in shown


def test_files_are_named_and_not_loaded(world: TelegramWorld) -> None:
    sizes = [{"file_id": "small"}, {"file_id": "large"}]
    world.state.say(PUBLIC, ROBIN, photo=sizes, caption="my view")
    world.state.say(PUBLIC, ROBIN, voice={"file_id": "voice", "duration": 3})
    world.state.say(PUBLIC, ROBIN, animation={"file_id": "film"}, document={"file_id": "film"})
    world.state.say(PUBLIC, ROBIN, sticker={"file_id": "s", "emoji": "\N{SLIGHTLY SMILING FACE}"})
    picture, voice, film, sticker = messages_of(pull(world))
    assert picture.text == "my view"
    assert [(one.url, one.kind) for one in picture.media] == [("telegram:large", "image")]
    assert [one.kind for one in (*voice.media, *film.media)] == ["audio", "video"]
    assert sticker.text == "\N{SLIGHTLY SMILING FACE}"
    assert not world.state.asked("getFile")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"location": {"latitude": 1.0, "longitude": 2.0}}, "(a place)"),
        ({"contact": {"phone_number": "1", "first_name": "M"}}, "(a contact)"),
        ({"dice": {"emoji": "\N{GAME DIE}", "value": 3}}, "\N{GAME DIE}"),
        ({"checklist": {"title": "Tonight", "tasks": [{"id": 1, "text": "tea"}]}}, "Tonight\ntea"),
        (
            {
                "rich_message": {
                    "blocks": [{"type": "paragraph", "text": ["very ", {"type": "bold", "text": "tired"}]}]
                }
            },
            "very tired",
        ),
    ],
)
def test_what_has_no_plain_words_says_what_it_is(
    world: TelegramWorld, raw: dict[str, Any], words: str
) -> None:
    world.state.say(PUBLIC, ROBIN, **raw)
    assert texts(pull(world)) == [words]


def test_notices_are_no_messages(world: TelegramWorld) -> None:
    for notice in (
        {"new_chat_members": [{"id": 9}]},
        {"left_chat_member": {"id": 9}},
        {"new_chat_title": "x"},
    ):
        world.state.say(PUBLIC, ROBIN, **notice)
    (page,) = pull(world)
    assert page.messages == ()
    assert page.skipped == 0


def test_reactions_are_counted_once_each(world: TelegramWorld) -> None:
    connector = world.connector()
    (page,) = pull(world, connector=connector)  # from now on reactions are told
    number = world.state.say(PUBLIC, ROBIN, "we made tea")
    (page,) = pull(world, page.state, connector)
    world.state.react(PUBLIC, number, MIRA, "\N{HEAVY BLACK HEART}")
    world.state.react(PUBLIC, number, ROBIN, "\N{HEAVY BLACK HEART}")
    two = only(pull(world, page.state, connector))
    again = only(pull(world, page.state, connector))
    assert (two.likes, again.likes) == (2, 2), "a page that came twice counts once"
    assert (two.text, two.revision) == (page.messages[0].text, page.messages[0].revision)
    world.state.react(PUBLIC, number, MIRA)
    assert only(pull(world, page.state, connector)).likes == 1
    world.state.react(PUBLIC, number, ROBIN)
    assert only(pull(world, page.state, connector)).likes == 0
    counted = {"chat": {"id": PUBLIC, "type": "supergroup"}, "message_id": number, "date": 1}
    kinds = [{"type": {"type": "emoji", "emoji": "x"}, "total_count": count} for count in (3, 4)]
    world.state.tell("message_reaction_count", counted | {"reactions": kinds})
    assert only(pull(world, page.state, connector)).likes == 7
    assert pull(world, page.state)[0].messages == (), "whoever knows not the words says nothing"


def test_other_peoples_polls_show_their_votes_when_they_end(world: TelegramWorld) -> None:
    options = [
        {"persistent_id": "0", "text": "tea", "voter_count": 0},
        {"persistent_id": "1", "text": "milk", "voter_count": 2},
    ]
    poll = world.state.poll("What do you drink?", options)
    world.state.say(PUBLIC, ROBIN, poll=poll)
    (page,) = pull(world)
    asked = only([page])
    assert asked.text == "What do you drink?"
    assert asked.poll
    assert asked.poll.answers == (("tea", None), ("milk", None))
    world.state.tell("poll", poll | {"is_closed": True, "total_voter_count": 2})
    ended = only(pull(world, page.state))
    assert ended.id == asked.id
    assert ended.revision == asked.revision
    assert ended.poll
    assert ended.poll.closed
    assert ended.poll.answers == (("tea", 0), ("milk", 2))


KEYS = [
    "text",
    "entities",
    "offset",
    "length",
    "url",
    "type",
    "id",
    "chat",
    "from",
    "poll",
    "options",
    "blocks",
]
HELD = [
    *("text", "caption", "entities", "from", "sender_chat", "poll", "photo", "rich_message"),
    *("reply_to_message", "checklist", "sticker", "edit_date", "message_thread_id", "forward_origin"),
]


def test_a_poll_that_is_passed_on_counts_where_it_was_asked(world: TelegramWorld) -> None:
    poll = world.state.poll("Which?", [{"persistent_id": "0", "text": "x", "voter_count": 0}])
    first = world.state.say(PUBLIC, ROBIN, poll=poll)
    world.state.say(MEMBERS, MIRA, poll=poll, forward_origin={"type": "user"})
    (page,) = pull(world)
    world.state.tell("poll", poll | {"is_closed": True})
    assert only(pull(world, page.state)).id == f"{PUBLIC}:{first}:{ROBIN}"


def test_a_topic_of_a_private_chat_is_answered_there(world: TelegramWorld) -> None:
    world.state.private(ROBIN).topics[77] = "Tonight"
    world.state.say(ROBIN, ROBIN, "Is anybody there?", topic=77)
    one = only(pull(world))
    assert (one.thread_id, one.kind, one.audience) == (f"{ROBIN}/77", Kind.DIRECT, Audience.PRIVATE)
    world.connector().perform(command_for(Verb.REPLY, one.id, "I am here.", one.thread_id))
    assert world.state.asked("sendMessage")[0]["message_thread_id"] == 77


@pytest.mark.parametrize("kept", [{"kind": "x"}, {"kind": []}, {}, 5])
def test_votes_for_a_poll_that_the_state_spoilt_say_nothing(world: TelegramWorld, kept: Any) -> None:
    world.state.tell("poll", world.state.poll("Which?", [{"text": "x", "voter_count": 1}]))
    (page,) = pull(world, json.dumps({"polls": {"poll-1": kept}}))
    assert page.messages == ()
    assert page.skipped == 0


leaves = st.none() | st.booleans() | st.integers() | st.sampled_from(["", "x", "text_link", "https://e.org"])
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(HELD), anything, max_size=8))
def test_whatever_a_message_holds_it_is_read_or_counted(raw: dict[str, Any]) -> None:
    base = {"message_id": 1, "date": 1, "chat": {"id": 5, "type": "private"}}
    one = message(raw | base, Us(BOT, BOT_NAME), Place(5))
    assert one.revision
    assert isinstance(words_of(raw), str)
