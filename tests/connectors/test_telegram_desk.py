"""Telegram's queue and the desk: an update is deleted there only after it is stored here."""

from collections.abc import Iterator

import pytest
from conftest import Clock

from connectors.contract import Audience, Page
from connectors.faults import FaultProxy
from connectors.http import Limits
from connectors.telegram import TelegramConnector
from connectors.telegram_api import Api
from moderator_app.desk import accounts, actions, replies, search, triage
from moderator_app.desk.desk import Desk
from moderator_app.desk.rows import ActionState, Queue
from moderator_app.desk.sync import Sync
from tests.connectors.test_telegram_contract import TelegramWorld
from tests.servers.telegram_community import MIRA, PUBLIC, ROBIN, SMALL
from tests.servers.telegram_server import Telegram, running


class Crash(Exception):
    """The power goes."""


@pytest.fixture
def world(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[TelegramWorld]:
    monkeypatch.setattr(Api, "limits", Limits(tries=2, first_pause=0.01))
    monkeypatch.setattr(TelegramConnector, "now", staticmethod(clock.now))
    state = Telegram()
    with running(state) as server, FaultProxy(f"http://127.0.0.1:{server.server_port}") as proxy:
        state.at = clock.now()
        yield TelegramWorld(state, proxy)


@pytest.fixture
def account(world: TelegramWorld, desk: Desk) -> int:
    return desk.do(accounts._remember, "telegram", world.connector().probe(), world.values, "telegram:test")


def trip(world: TelegramWorld, desk: Desk, account: int) -> Sync:
    return Sync(desk, account, world.connector(), world.secrets.update)


def _known(desk: Desk) -> int:
    return desk.ask(accounts.rows)[0].messages


@pytest.mark.parametrize("stored", [1, 2])
def test_a_crash_between_pages_loses_nothing(
    world: TelegramWorld, desk: Desk, account: int, stored: int
) -> None:
    for number in range(250):
        world.state.say(PUBLIC, ROBIN, f"message {number}")
    pages: list[Page] = []

    def until_it_crashes(page: Page) -> None:
        pages.append(page)
        if len(pages) == stored:
            raise Crash

    with pytest.raises(Crash):
        trip(world, desk, account).run(until_it_crashes)
    assert _known(desk) == 100 * stored, "what was shown to the caller is stored"
    assert len(world.state.waiting()) == 250 - 100 * (stored - 1), "and only what is stored is deleted there"
    done = trip(world, desk, account).run()
    assert done.health == "ok"
    assert _known(desk) == 250


def test_a_lost_answer_waits_for_a_person_and_is_sent_once(
    world: TelegramWorld, desk: Desk, account: int, clock: Clock
) -> None:
    world.state.say(ROBIN, ROBIN, "Is anybody there?")
    sync = trip(world, desk, account)
    sync.run()
    (row,) = desk.ask(triage.queue, Queue.OPEN)
    desk.do(replies.send, row.item_id, "I am here.", Audience.PRIVATE, now=True)
    world.proxy.lose_next_answer()
    sync.run()
    for _ in range(3):
        clock.forward(minutes=10)
        world.state.at = clock.now()
        sync.run()
    (waiting,) = desk.ask(actions.outbox)
    assert waiting.state is ActionState.UNSURE
    assert world.state.ours(ROBIN) == ["I am here."], "nothing is sent again by itself"


def test_a_waiting_answer_goes_to_where_the_group_is_now(
    world: TelegramWorld, desk: Desk, account: int, clock: Clock
) -> None:
    world.state.say(SMALL, MIRA, "Is the group still on?")
    sync = trip(world, desk, account)
    sync.run()
    (row,) = desk.ask(triage.queue, Queue.OPEN)
    desk.do(replies.send, row.item_id, "Yes, at eight.", Audience.PRIVATE)
    moved = world.state.migrate(SMALL)
    clock.forward(seconds=30)
    world.state.at = clock.now()
    sync.run()
    assert world.state.ours(moved) == ["Yes, at eight."]
    assert desk.ask(actions.outbox) == []
    assert len(desk.ask(search.find, "eight")) == 1, "what we sent is here once"
