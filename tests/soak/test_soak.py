"""Half an hour of bad network between us and a real server: `make soak`.

Others write, edit and delete on the server, a moderator answers here, and a proxy between loses requests and
answers, resets, says "wait" and answers with nonsense. In the end what is there must be here and what was
asked must be there, each once. HEARTHLIGHT_SOAK_MINUTES says how long; build/soak-*.json what was counted.
"""

import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from tests_support import DEK

from connectors.contract import Kind
from connectors.faults import BROKEN, FaultProxy
from connectors.testing import unique
from moderator_app.desk import accounts, actions, replies, sweep, triage
from moderator_app.desk import sync as trips
from moderator_app.desk.desk import Desk, SystemClock
from moderator_app.desk.rows import ActionState, Queue
from moderator_app.desk.sync import Sync
from moderator_app.errors import ForTheModerator
from moderator_app.models.inbox import Item, Message, Thread
from moderator_app.models.store import Store
from moderator_app.paths import Profile
from tests.connectors.test_bluesky_contract import BlueskyWorld
from tests.connectors.test_matrix_contract import MatrixWorld

pytestmark = [pytest.mark.platforms, pytest.mark.soak]

MINUTES: Final = float(os.environ.get("HEARTHLIGHT_SOAK_MINUTES", "30"))
_BUILD: Final = Path(__file__).resolve().parents[2] / "build"
_PAUSE, _PATIENCE = 0.4, 420.0  # seconds
_TROUBLES: Final = 4  # that lie in wait at a time
_STATUSES: Final = (429, 502, 503)
_FIXED: Final = {"matrix": frozenset[Kind](), "bluesky": frozenset({Kind.DIRECT})}


@dataclass
class Crowd:
    """Everybody else: what they wrote and have not deleted. What is `fixed` nobody can change there."""

    world: Any
    dice: random.Random
    fixed: frozenset[Kind] = frozenset()
    there: dict[str, str] = field(default_factory=dict)
    stuck: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    done: Counter[str] = field(default_factory=Counter)

    def act(self) -> None:
        """One thing that people do: mostly they write."""
        drawn, loose = self.dice.random(), [key for key in self.there if key not in self.stuck]
        if drawn < 0.8 or len(loose) < 5:
            kind = self.dice.choice((Kind.COMMENT, Kind.MENTION, Kind.DIRECT))
            text = unique(f"{kind.value} of an evening")
            key = self.world.other_says(kind, text)
            self.there[key] = text
            if kind in self.fixed:
                self.stuck.add(key)
            self.done["written"] += 1
        elif drawn < 0.9:
            key = self.dice.choice(loose)
            self.there[key] = unique("changed")
            self.world.other_edits(key, self.there[key])
            self.done["edited"] += 1
        else:
            key = self.dice.choice(loose)
            del self.there[key]
            self.deleted.add(key)
            self.world.other_deletes(key)
            self.done["deleted"] += 1


@dataclass
class Weather:
    """What the proxy does next."""

    proxy: FaultProxy
    dice: random.Random
    done: Counter[str] = field(default_factory=Counter)

    def turn(self) -> None:
        """Most of the time something is about to go wrong, but not everything for minutes."""
        if self.proxy.waiting >= _TROUBLES:
            return
        troubles = {
            "answer lost": self.proxy.lose_next_answer,
            "request lost": self.proxy.lose_next_request,
            "broken read": lambda: self.proxy.break_next(self.dice.choice(list(BROKEN))),
            "broken write": lambda: self.proxy.break_next(self.dice.choice(list(BROKEN)), write=True),
            "status": lambda: self.proxy.answer_next(
                self.dice.choice(_STATUSES), b"{}", **{"Retry-After": "1"}
            ),
            "nothing": lambda: None,
        }
        name = self.dice.choice(list(troubles))
        troubles[name]()
        self.done[name] += 1


class Ahead(SystemClock):
    """The time, or a later one."""

    by = timedelta()

    def now(self) -> datetime:
        return super().now() + self.by


class Evening:
    """A moderator at a real desk on a real store."""

    def __init__(self, world: Any, sign_in: dict[str, str], folder: Path, dice: random.Random) -> None:
        self.clock = Ahead()
        self.desk = Desk(Store.open(Profile.at(folder), bytearray(DEK)), "Ada", self.clock)
        kept: dict[str, str] = {}
        kind = type(world.connector())
        self.account = accounts.connect(
            self.desk, kind, world.values, sign_in, lambda _, secrets: kept.update(secrets)
        )
        self.sync = Sync(self.desk, self.account, kind(world.values, kept), kept.update)
        self.dice = dice
        self.asked: dict[str, str] = {}  # text to the conversation there
        self.trips: Counter[str] = Counter()
        self.troubles: Counter[str] = Counter()

    def pull(self) -> bool:
        """A round trip, unless the platform asked for patience; true where one was made."""
        if not self.desk.ask(trips.due, self.account):
            return False
        trip = self.sync.run()
        self.trips[trip.health] += 1
        if trip.trouble:
            self.troubles[f"{trip.health}: {trip.trouble}"] += 1
        return True

    def answer(self) -> None:
        """Answer somebody."""
        rows = self.desk.ask(triage.queue, Queue.OPEN)
        if not rows:
            return
        row, text = self.dice.choice(rows), unique("thank you for telling us")
        try:
            self.desk.do(replies.send, row.item_id, text, row.audience, now=True)
        except ForTheModerator:
            return  # what it would answer was deleted a moment ago
        self.asked[text] = self.desk.ask(_conversation, row.item_id)

    def refused(self) -> set[str]:
        """The texts that the platform refused, because what they answer was deleted."""
        return {row.text for row in self.desk.ask(actions.outbox, 10**6) if row.state is ActionState.FAILED}

    def waiting(self) -> list[Any]:
        return [row for row in self.desk.ask(actions.outbox, 10**6) if row.state is not ActionState.FAILED]

    def here(self) -> dict[str, str]:
        return dict(self.desk.ask(_here))


def _here(ctx: Any) -> list[tuple[str, str]]:
    chosen = sa.select(Message.external_id, Message.body).where(
        Message.ours.is_(False), Message.gone_at.is_(None)
    )
    return [(key, body) for key, body in ctx.session.execute(chosen)]


def _conversation(ctx: Any, item_id: int) -> str:
    return str(ctx.session.get_one(Thread, ctx.session.get_one(Item, item_id).thread_id).external_id)


World = tuple[Any, dict[str, str]]  # the world, and what a person types to sign in there


@pytest.fixture
def matrix(synapse: Any) -> Iterator[World]:
    with FaultProxy(synapse.url) as proxy:
        world = MatrixWorld(synapse, proxy)
        proxy.answer_next(404, b'{"errcode": "M_NOT_FOUND"}', ".well-known")
        yield world, {"password": world.ours.password}


@pytest.fixture
def bluesky(network: Any) -> Iterator[World]:
    with FaultProxy(network.pds) as proxy:
        world = BlueskyWorld(network, proxy)
        yield world, dict(world.secrets)


@pytest.mark.parametrize("name", ["matrix", "bluesky"])
def test_nothing_is_lost_and_nothing_twice(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    world, sign_in = request.getfixturevalue(name)
    dice = random.Random(time.time_ns())
    evening = Evening(world, sign_in, tmp_path / "profile", dice)
    crowd, weather = Crowd(world, dice, _FIXED[name]), Weather(world.proxy, dice)
    clock = threading.Event()
    until = time.monotonic() + 60 * MINUTES
    while time.monotonic() < until:
        crowd.act()
        weather.turn()
        evening.pull()
        if dice.random() < 0.3:
            evening.answer()
        clock.wait(_PAUSE)
    world.proxy.calm()
    world.settle()
    _bring_home(evening, crowd, clock)
    found = {
        "minutes": MINUTES,
        "crowd": dict(crowd.done),
        "weather": dict(weather.done),
        "requests": len(world.proxy.seen),
        "trips": dict(evening.trips),
        "troubles": dict(evening.troubles),
        "there": len(crowd.there),
        "here": len(evening.here().keys() & crowd.there.keys()),
        "replies asked": len(evening.asked),
        "replies refused": len(evening.refused()),
    }
    _BUILD.mkdir(exist_ok=True)
    (_BUILD / f"soak-{name}.json").write_text(json.dumps(found, indent=2), "utf-8")
    here = evening.here()
    assert {key: (text, here.get(key)) for key, text in crowd.there.items() if not _is(here, key, text)} == {}
    assert not here.keys() & crowd.deleted
    sent = {thread: Counter(world.sent(thread)) for thread in set(evening.asked.values())}
    refused = evening.refused()
    counts = {text: sent[thread][text] for text, thread in evening.asked.items()}
    assert {text: count for text, count in counts.items() if count != (text not in refused)} == {}


def _is(here: dict[str, str], key: str, text: str) -> bool:
    """A mention says whose name it is before its words."""
    return here.get(key, "").endswith(text)


def _bring_home(evening: Evening, crowd: Crowd, clock: threading.Event) -> None:
    """On a good line everything comes home; what waits long after many failures is asked for now.

    Where a platform tells no deletions, what is old is asked about twice a day: half a day later it was.
    """
    until = time.monotonic() + _PATIENCE
    evening.sync.run()
    evening.clock.by = 1.1 * sweep.EVERY
    while time.monotonic() < until:
        for row in evening.waiting():
            evening.desk.do(actions.retry, row.action_id)
        evening.sync.run()  # as "Sync now" does, whatever the last trouble asked for
        if evening.desk.ask(sweep.due):
            evening.sync.check()
        here = evening.here()
        home = all(_is(here, key, text) for key, text in crowd.there.items())
        if home and not here.keys() & crowd.deleted and not evening.waiting():
            return
        clock.wait(1)
