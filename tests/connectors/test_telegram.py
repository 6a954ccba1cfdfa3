"""Telegram's traps in reading: what is read is deleted there, numbers begin anew, addresses hold tokens."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.contract import Verb
from connectors.errors import (
    ConnectorError,
    OutcomeUnknown,
    Refused,
    SignInAgain,
    TryLater,
    Unreadable,
)
from connectors.faults import FaultProxy
from connectors.http import Limits
from connectors.telegram import DELETIONS, GROUPS, HISTORY, MESSAGES, TelegramConnector
from connectors.telegram_api import Api
from connectors.testing import pull_all
from tests.connectors.test_telegram_contract import TelegramWorld, command_for, pull, texts
from tests.servers import telegram_specification
from tests.servers.telegram_community import (
    BOT,
    BOT_NAME,
    MEMBERS,
    MIRA,
    PUBLIC,
    ROBIN,
    SMALL,
    TOKEN,
)
from tests.servers.telegram_server import Telegram, running

SECRET = TOKEN.partition(":")[2]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Api, "limits", Limits(tries=2, first_pause=0.01))


@pytest.fixture
def world() -> Iterator[TelegramWorld]:
    state = Telegram()
    with running(state) as server, FaultProxy(f"http://127.0.0.1:{server.server_port}") as proxy:
        yield TelegramWorld(state, proxy)


@pytest.fixture
def clock(world: TelegramWorld, monkeypatch: pytest.MonkeyPatch) -> Telegram:
    """Our clock is the server's, and moves only when a test says so."""
    world.state.at = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)
    monkeypatch.setattr(TelegramConnector, "now", staticmethod(world.state.now))
    return world.state


# ---------------------------------------------------------------------- the queue


def test_what_was_read_is_deleted_there_only_by_the_next_pull(world: TelegramWorld) -> None:
    world.state.say(PUBLIC, ROBIN, "Is anybody awake?")
    (page,) = pull(world)
    assert texts(pull(world)) == ["Is anybody awake?"], "a page that was not stored comes again"
    assert texts(pull(world, page.state)) == []
    assert world.state.waiting() == [], "asking for what comes after confirms it"


def test_a_crash_between_pages_loses_nothing(world: TelegramWorld) -> None:
    said = [f"message {number}" for number in range(250)]
    for words in said:
        world.state.say(PUBLIC, ROBIN, words)
    pages = world.connector().pull(MESSAGES, "")
    first = next(pages)
    assert len(world.state.waiting()) == 250, "the page is not stored before the caller comes back"
    second = next(pages)
    assert len(world.state.waiting()) == 150
    del pages
    rest = pull(world, first.state)
    assert texts([first, *rest]) == said, "the second page was never stored"
    assert {*texts([second])} <= {*texts(rest)}


def test_the_kinds_of_updates_are_asked_for_by_name(world: TelegramWorld) -> None:
    pull(world)
    (asked,) = world.state.asked("getUpdates")
    assert set(asked["allowed_updates"]) == {
        *("message", "edited_message", "channel_post", "edited_channel_post", "poll", "poll_answer"),
        *("my_chat_member", "chat_member", "message_reaction", "message_reaction_count"),
    }
    assert asked["timeout"] == 0
    assert asked["limit"] == 100


def test_more_than_a_day_between_pulls_is_a_gap(world: TelegramWorld, clock: Telegram) -> None:
    clock.say(PUBLIC, ROBIN, "first")
    (page,) = pull(world)
    assert not page.gap
    clock.at = clock.now() + timedelta(hours=1)
    clock.say(PUBLIC, ROBIN, "lost")
    clock.at = clock.now() + timedelta(hours=26)
    clock.say(PUBLIC, ROBIN, "last")
    (later,) = pull(world, page.state)
    assert later.gap
    assert texts([later]) == ["last"]
    (again,) = pull(world, later.state)
    assert not again.gap


def test_numbers_that_begin_anew_after_a_silent_week_are_read(world: TelegramWorld, clock: Telegram) -> None:
    clock.say(PUBLIC, ROBIN, "before")
    (page,) = pull(world)
    for _ in range(8):
        clock.at = clock.now() + timedelta(hours=23)
        (page,) = pull(world, page.state)
        assert not page.gap
    clock.next_update = 500  # lower than any before
    clock.say(PUBLIC, ROBIN, "after the silence")
    (page,) = pull(world, page.state)
    assert texts([page]) == ["after the silence"]
    clock.say(PUBLIC, ROBIN, "and on")
    assert texts(pull(world, page.state)) == ["and on"]


def test_another_reader_is_told_apart_from_a_webhook(world: TelegramWorld) -> None:
    world.state.rival = True
    with pytest.raises(Refused, match="Another program is reading this bot's messages"):
        pull(world)
    world.state.webhook = "https://example.org/hook/secret-path"
    with pytest.raises(Refused, match="webhook is set") as no:
        pull(world)
    assert "secret-path" not in str(no.value)


def test_only_the_first_pull_is_bounded(world: TelegramWorld, clock: Telegram) -> None:
    old = clock.say(PUBLIC, ROBIN, "old")
    clock.at = clock.now() + timedelta(hours=2)
    clock.say(PUBLIC, ROBIN, "new")
    since = clock.now() - timedelta(hours=1)
    (page,) = world.connector().pull(MESSAGES, "", since)
    assert texts([page]) == ["new"]
    clock.edit(PUBLIC, old, "old, and other words")
    assert texts(list(world.connector().pull(MESSAGES, page.state, since))) == ["old, and other words"]


def test_updates_that_cannot_be_read_stop_nothing(world: TelegramWorld) -> None:
    good = world.state.say(PUBLIC, ROBIN, "readable")
    broken = [
        {"message": {"message_id": 7}},
        {"message": "words"},
        {"message": {"message_id": 8, "date": 10**15, "chat": {"id": PUBLIC, "type": "supergroup"}}},
        {"poll": {"id": "p"}},
        {"edited_message": []},
    ]
    for one in broken:
        world.state.updates.append((world.state.now(), {"update_id": world.state.next_update, **one}))
        world.state.next_update += 1
    (page,) = pull(world)
    assert [one.id for one in page.messages] == [f"{PUBLIC}:{good}:{ROBIN}"]
    assert page.skipped == len(broken)
    assert pull(world, page.state)[0].skipped == 0


def test_the_same_hundred_for_ever_come_to_an_end(world: TelegramWorld) -> None:
    update = {"update_id": 5, "message": {"message_id": 1, "date": 1, "chat": {"id": 5, "type": "private"}}}
    body = json.dumps({"ok": True, "result": [update] * 100}).encode()
    for _ in range(5):
        world.proxy.answer_next(200, body, "getUpdates")
    assert len(pull(world)) == 2


def test_a_state_that_makes_no_sense_begins_anew(world: TelegramWorld) -> None:
    world.state.say(PUBLIC, ROBIN, "hello")
    spoilt = {"last": "x", "at": 5, "roots": [], "polls": {"a": 1, "b": {"kind": "x"}, "c": {"kind": []}}}
    for state in ("nonsense", "[]", json.dumps(spoilt)):
        assert texts(pull(world, state)) == ["hello"]


def test_no_state_holds_anybodys_words(world: TelegramWorld) -> None:
    first = world.state.say(SMALL, ROBIN, "quite private words")
    world.state.say(SMALL, MIRA, "an answer to them", first)
    (page,) = pull(world)
    assert "words" not in page.state
    assert "answer" not in page.state


# ---------------------------------------------------------------------- what the probe says


def test_privacy_mode_is_said_with_what_to_do(world: TelegramWorld) -> None:
    assert world.connector().probe().streams[GROUPS].can
    world.state.privacy = True
    world.state.promote(PUBLIC)
    world.state.chats[PUBLIC].members[BOT] = {"status": "member"}
    groups = world.connector().probe().streams[GROUPS]
    assert not groups.can
    assert "/setprivacy" in groups.why_not
    world.state.say(PUBLIC, ROBIN, "not for the bot")
    world.state.say(PUBLIC, ROBIN, f"@{BOT_NAME} for the bot")
    assert texts(pull(world)) == [f"@{BOT_NAME} for the bot"]


def test_no_history_and_no_deletions_are_said(world: TelegramWorld) -> None:
    probe = world.connector().probe()
    assert "no history" in probe.streams[HISTORY].why_not
    assert "no deletion" in probe.streams[DELETIONS].why_not
    assert not TelegramConnector.tells_gone
    assert world.connector().fetch([f"{PUBLIC}:1:{ROBIN}"]) == []
    with pytest.raises(Refused, match="no history"):
        world.connector().thread(f"{PUBLIC}:1:{ROBIN}")
    assert probe.handle == f"@{BOT_NAME}"
    assert SECRET not in repr(probe)


def test_rights_that_the_bot_has_nowhere_are_no_verbs(world: TelegramWorld) -> None:
    for chat in (PUBLIC, MEMBERS):
        world.state.promote(chat, "can_delete_messages")
        world.state.say(chat, ROBIN, "hello")
    connector = world.connector()
    assert connector.probe().verbs[Verb.BAN].can, "no group is known yet"
    pull(world, connector=connector)
    secrets = connector.fresh_secrets()
    assert secrets
    assert connector.fresh_secrets() is None, "told once"
    world.state.say(PUBLIC, ROBIN, "hello again")
    pull(world, connector=connector)
    assert connector.fresh_secrets() is None, "whichever spoke last"
    later = TelegramConnector(world.values, secrets)
    for verb in (Verb.BAN, Verb.MUTE, Verb.KICK, Verb.LOCK):
        ability = later.probe().verbs[verb]
        assert not ability.can
        assert "In none of its groups" in ability.why_not
    world.state.promote(MEMBERS, "can_restrict_members")
    assert later.probe().verbs[Verb.BAN].can


def test_groups_that_the_bot_left_or_that_moved_are_asked_no_more(world: TelegramWorld) -> None:
    world.state.say(SMALL, ROBIN, "hello")
    world.state.say(PUBLIC, ROBIN, "hello")
    connector = world.connector()
    pull(world, connector=connector)
    moved = world.state.migrate(SMALL)
    world.state.chats[PUBLIC].members[BOT] = {"status": "kicked"}
    connector.probe()
    secrets = connector.fresh_secrets()
    assert secrets
    assert json.loads(secrets["groups"]) == [moved]


# ---------------------------------------------------------------------- the token


@pytest.mark.parametrize("token", ["", "nonsense", "12:3/../x", "12:", "12:a b", "12:ab?c=1", "one:two"])
def test_what_is_no_token_is_never_sent(world: TelegramWorld, token: str) -> None:
    before = list(world.proxy.seen)
    with pytest.raises(SignInAgain):
        TelegramConnector(world.values, {"token": token}).authorize()
    assert world.proxy.seen == before


def test_a_token_that_never_was_is_a_404_and_means_signed_out(world: TelegramWorld) -> None:
    with pytest.raises(SignInAgain):
        TelegramConnector(world.values, {"token": f"{BOT}:AAanother-token_of-nobody_0123456789"}).authorize()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 407, 409])
def test_a_no_of_somebody_in_between_is_not_telegrams(world: TelegramWorld, status: int) -> None:
    target = f"{ROBIN}:{world.state.say(ROBIN, ROBIN, 'hello')}:{ROBIN}"
    world.proxy.answer_next(status, b"<html>Sign in to this network</html>", "getMe")
    with pytest.raises(Unreadable):
        world.connector().probe()
    world.proxy.answer_next(status, b"<html>Sign in to this network</html>", "sendMessage")
    with pytest.raises(OutcomeUnknown):
        world.connector().perform(command_for(Verb.REPLY, target, "I am here."))


def _everything(trouble: BaseException | None) -> Iterator[str]:
    while trouble is not None:
        yield from (str(trouble), repr(trouble), repr(trouble.args), repr(vars(trouble)))
        trouble = trouble.__cause__ or trouble.__context__


@pytest.mark.parametrize("how", ["refused", "hung up", "cut", "html", "500", "401", "409", "certificate"])
def test_no_trouble_tells_the_token(
    world: TelegramWorld, how: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    target = f"{PUBLIC}:{world.state.say(PUBLIC, ROBIN, 'hello')}:{ROBIN}"
    connector = world.connector()
    if how == "refused":
        connector = TelegramConnector({"server": "http://127.0.0.1:9"}, world.secrets)
    elif how == "certificate":
        connector = TelegramConnector({"server": world.proxy.url.replace("http:", "https:")}, world.secrets)
    elif how == "401":
        world.sign_out()
    said: list[str] = [repr(connector), str(connector)]
    asks = (
        connector.probe,
        lambda: pull_all(connector),
        lambda: connector.perform(command_for(Verb.REPLY, target, "I am here.")),
        lambda: connector.perform(command_for(Verb.BAN, target)),
    )
    failed = 0
    for ask in asks:
        for _ in range(4):
            _break(world, how)
        try:
            ask()
        except ConnectorError as trouble:
            failed += 1
            said += _everything(trouble)
            logging.getLogger("a caller").exception("it failed")
        world.proxy.calm()
    assert failed >= 3
    said += [record.getMessage() for record in caplog.records] + [caplog.text, *capfd.readouterr()]
    assert not any(SECRET in words or TOKEN in words for words in said)


def _break(world: TelegramWorld, how: str) -> None:
    if how == "hung up":
        world.proxy.break_next("no answer")
        world.proxy.lose_next_request()
    elif how == "cut":
        world.proxy.break_next("a reset in the middle of the body")
        world.proxy.break_next("a reset in the middle of the body", write=True)
    elif how in ("html", "500", "409"):
        status = {"html": 404, "500": 500, "409": 409}[how]
        told = {"ok": False, "error_code": 409, "description": f"/bot{TOKEN}/"}
        body = json.dumps(told).encode() if how == "409" else f"<html>/bot{TOKEN}/getMe</html>".encode()
        world.proxy.answer_next(status, body)


def test_a_refusal_in_an_answer_that_looks_well_is_one(world: TelegramWorld) -> None:
    for code, kind in ((401, SignInAgain), (429, TryLater), (403, Refused), (500, Unreadable)):
        told: dict[str, Any] = {
            "ok": False,
            "error_code": code,
            "description": "no",
            "parameters": {"retry_after": 7},
        }
        world.proxy.answer_next(200, json.dumps(told).encode(), "getMe")
        with pytest.raises(kind):
            world.connector().probe()
    target = f"{PUBLIC}:{world.state.say(PUBLIC, ROBIN, 'hello')}:{ROBIN}"
    world.proxy.answer_next(200, b'{"ok": false, "error_code": 500}', "sendMessage")
    with pytest.raises(OutcomeUnknown):
        world.connector().perform(command_for(Verb.REPLY, target, "I am here."))


# ---------------------------------------------------------------------- the list of methods


@pytest.mark.skipif(not telegram_specification.known(), reason=telegram_specification.MISSING)
def test_a_request_that_telegram_does_not_know_is_noticed() -> None:
    good = {"chat_id": 1, "text": "x", "reply_parameters": {"message_id": 1}}
    telegram_specification.check("sendMessage", good)
    for bad in (
        {"chat_id": 1},
        good | {"txt": "x"},
        good | {"text": 5},
        good | {"reply_parameters": {"id": 1}},
    ):
        with pytest.raises(AssertionError):
            telegram_specification.check("sendMessage", bad)
    with pytest.raises(AssertionError):
        telegram_specification.check("sendLetter", {})
