"""What a message on Discord says, and who wrote it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors.contract import Kind, Page, RemoteMessage
from connectors.discord import DiscordConnector
from connectors.testing import messages_of
from tests.connectors.test_discord_contract import DiscordWorld, worlds
from tests.servers.discord_community import (
    BOT,
    GENERAL,
    HOOK,
    MIRA,
    ROLE,
    STAFF,
    TOBI,
    Poll,
    User,
)


@pytest.fixture
def world() -> Iterator[DiscordWorld]:
    yield from worlds()


def ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


def read(connector: DiscordConnector, state: str = "", since: datetime | None = None) -> list[Page]:
    return list(connector.pull("channels", state, since))


def texts(pages: list[Page]) -> list[str]:
    return [one.text for one in messages_of(pages)]


def test_a_webhook_is_no_account(world: DiscordWorld) -> None:
    for name in ("Ada", "Bo"):
        world.state.say(f"from {name}", by=HOOK, webhook_id=HOOK, called=name)
    world.state.users["850000000000000001"] = User("850000000000000001", "pin", bot=True)
    world.state.say("beep", by="850000000000000001")
    ada, bo, machine = messages_of(read(world.connector()))
    assert ada.person is not None
    assert bo.person is not None
    assert ada.person.id != bo.person.id
    assert (ada.labels, machine.labels) == (("webhook",), ("bot",))


def test_a_poll_is_read_with_its_votes(world: DiscordWorld) -> None:
    poll = Poll("Which evening?", ["Monday", "Friday"], ago(hours=-5), votes={MIRA: [2], TOBI: [2]})
    world.state.say("", poll=poll)
    (found,) = messages_of(read(world.connector()))
    assert found.text == "Which evening?"
    assert found.poll is not None
    assert found.poll.answers == (("Monday", 0), ("Friday", 2))
    assert (found.poll.voters, found.poll.closed, found.poll.several) == (2, False, False)


# ------------------------------------------------------------------ words


def only(world: DiscordWorld) -> RemoteMessage:
    (found,) = messages_of(read(world.connector()))
    return found


def test_names_stand_for_numbers(world: DiscordWorld) -> None:
    words = f"<@{MIRA}> and <@!{TOBI}>: ask <@&{ROLE}> in <#{STAFF}>"
    world.state.say(f"{words} <:wave:730000000000000009> <a:so:730000000000000009>")
    assert only(world).text == "@Mira Sand and @tobi: ask @harbour in #staff :wave: :so:"


def test_what_is_not_known_stays_as_it_was_written(world: DiscordWorld) -> None:
    words = "**bold** `code` <@811111111111111111> <#811111111111111111> <t:1700000000:R> <3 <@x> ||later||"
    world.state.say(words)
    assert only(world).text == words


def test_what_discord_says_itself_is_passed_over(world: DiscordWorld) -> None:
    for kind in (1, 6, 7, 8, 12, 18, 21, 24, 46):
        world.state.say("", kind=kind)
    world.state.say("hello")
    pages = read(world.connector())
    assert texts(pages) == ["hello"]
    assert not any(page.skipped for page in pages)


def test_an_answer_to_us_is_for_us(world: DiscordWorld) -> None:
    own = world.state.say("How are you?", by=BOT)
    world.state.say("Better.", kind=19, answers=own.id)
    world.state.say("Not to you.")
    ours, answer, other = messages_of(read(world.connector()))
    assert (ours.ours, ours.kind) == (True, Kind.COMMENT)
    assert (answer.kind, answer.parent_id) == (Kind.MENTION, ours.id)
    assert other.kind is Kind.COMMENT


def test_an_answer_to_what_is_gone_is_read(world: DiscordWorld) -> None:
    first = world.state.say("first")
    world.state.say("second", kind=19, answers=first.id)
    world.state.delete(first.id)
    assert only(world).parent_id == f"{GENERAL}/{first.id}"


def test_pictures_are_named_and_not_loaded(world: DiscordWorld) -> None:
    row = {"id": "1", "size": 9, "proxy_url": "https://media.example/p"}
    kinds = {"sea.jpg": "image/jpeg", "wave.ogg": "audio/ogg", "notes.pdf": "application/pdf"}
    attached = [
        row | {"filename": name, "url": f"https://cdn.example/{name}", "content_type": kind}
        for name, kind in kinds.items()
    ]
    attached[0]["description"] = "the sea in the evening"
    sticker = {"id": "730000000000000008", "name": "Lantern", "format_type": 1}
    world.state.say("", attachments=attached, sticker_items=[sticker])
    found = only(world)
    assert [(one.kind, one.alt) for one in found.media] == [
        ("image", "the sea in the evening"),
        ("audio", "wave.ogg"),
        ("file", "notes.pdf"),
        ("image", "Lantern"),
    ]
    assert not any("cdn" in path or "media" in path for _, path in world.proxy.seen)


def test_a_forwarded_message_has_its_words(world: DiscordWorld) -> None:
    inner = {"type": 0, "content": "What I read elsewhere", "mentions": [], "mention_roles": [], "flags": 0}
    inner |= {"attachments": [], "embeds": [], "components": [], "edited_timestamp": None}
    inner["timestamp"] = "2026-01-01T00:00:00.000000+00:00"
    world.state.say("", message_snapshots=[{"message": inner}])
    assert only(world).text == "What I read elsewhere"


def test_a_person_is_known_by_id_and_since_when(world: DiscordWorld) -> None:
    world.state.say("hello")
    person = only(world).person
    assert person is not None
    assert (person.id, person.handle, person.name) == (MIRA, "mira", "Mira Sand")
    assert person.joined_at is not None
    assert person.joined_at.year == 2021


def test_a_message_without_an_author_is_read(world: DiscordWorld) -> None:
    made = world.state.say("hello")
    row = {"id": made.id, "type": 0, "content": "hello", "author": None, "mentions": None, "reactions": 7}
    world.proxy.answer_next(200, json.dumps([row, {"id": "x"}, 3]).encode(), "/messages?")
    pages = read(world.connector())
    (found,) = messages_of(pages)
    assert (found.text, found.person, found.ours) == ("hello", None, False)
    assert found.created_at == made.at
    assert sum(page.skipped for page in pages) == 2


def test_how_many_answered_in_a_thread_of_its_own(world: DiscordWorld) -> None:
    made = world.state.say("Let us talk below.")
    thread = world.state.start_thread("below", key=made.id)
    for number in range(3):
        world.state.say(f"answer {number}", thread.id)
    found = {one.text: one for one in messages_of(read(world.connector()))}
    assert found["Let us talk below."].replies == 3
    assert found["Let us talk below."].thread_id == GENERAL
    assert found["answer 0"].thread_id == thread.id
