"""A second suite that every connector over HTTP inherits: what a bad night on the network does to it.

The fixture `world` is the one of `connectors.testing`, reached through its `proxy`. Whatever comes back over
the wire, a connector raises only `connectors.errors`, loses nothing and does nothing twice.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import ClassVar, Final, Protocol

import pytest

from connectors.contract import Command, Kind, Page, RemoteMessage, Verb
from connectors.errors import CannotTell, ConnectorError, OutcomeUnknown, Refused, TryLater
from connectors.faults import BROKEN, FaultProxy
from connectors.testing import Can, World, last_states, look_at, messages_of, new_key, pull_all, unique

WAIT: Final = 60  # seconds that each dialect below asks for


def dialects() -> dict[str, tuple[dict[str, str], bytes]]:
    """Ways to say "wait": headers and body of a 429, telling moments by the clock of this call."""
    until = datetime.now(UTC) + timedelta(seconds=WAIT)
    epoch = str(int(until.timestamp()))
    said: dict[str, tuple[dict[str, str], object]] = {
        "Retry-After in seconds": ({"Retry-After": str(WAIT)}, {}),
        "Retry-After as a date": ({"Retry-After": format_datetime(until, usegmt=True)}, {}),
        "RateLimit-Reset, seconds since 1970": ({"RateLimit-Remaining": "0", "RateLimit-Reset": epoch}, {}),
        "X-RateLimit-Reset, seconds since 1970": ({"X-RateLimit-Reset": epoch}, {}),
        "X-RateLimit-Reset, milliseconds since 1970": ({"X-RateLimit-Reset": f"{epoch}000"}, {}),
        "X-RateLimit-Reset as ISO 8601": ({"X-RateLimit-Reset": until.isoformat()}, {}),
        "X-RateLimit-Reset, seconds left": ({"X-Ratelimit-Reset": str(WAIT)}, {}),
        "X-RateLimit-Reset-After, a fraction": ({"X-RateLimit-Reset-After": f"{WAIT}.25"}, {}),
        "retry_after_ms": ({}, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": WAIT * 1000}),
        "retry_after": ({}, {"message": "slower", "retry_after": WAIT + 0.5, "global": False}),
        "parameters": ({}, {"ok": False, "error_code": 429, "parameters": {"retry_after": WAIT}}),
        "wait_seconds": ({}, {"error_type": "rate_limit", "extras": {"wait_seconds": WAIT}}),
    }
    found = {name: (headers, json.dumps(body).encode()) for name, (headers, body) in said.items()}
    return found | {"a page of HTML": ({"Retry-After": str(WAIT)}, b"<html>Too many requests</html>")}


class HostileWorld(World, Protocol):
    """A world that is reached through a proxy."""

    proxy: FaultProxy


class HostileContract:
    """Inherit beside `ConnectorContract`, with the same `world`, `kinds` and `cannot`."""

    kinds: ClassVar[Sequence[Kind]] = (Kind.COMMENT, Kind.MENTION, Kind.DIRECT)
    cannot: ClassVar[Mapping[Can, str]] = {}

    @pytest.mark.parametrize("how", BROKEN)
    def test_a_broken_answer_to_a_read_loses_nothing(self, world: HostileWorld, how: str) -> None:
        states = last_states(pull_all(world.connector()))
        said = [world.other_says(kind, unique(kind.value)) for kind in self.kinds]
        world.settle()
        world.proxy.break_next(how)
        found: set[str] = set()
        try:
            for page in _pages(world, states):
                found |= {message.id for message in page.messages}
                states[page.stream] = page.state
        except ConnectorError as trouble:
            assert str(trouble)  # noqa: PT017 - going on is as right as saying what is wrong
        found |= {message.id for message in messages_of(pull_all(world.connector(), states))}
        assert set(said) <= found

    @pytest.mark.parametrize("how", BROKEN)
    def test_a_broken_answer_to_a_reply_sends_it_once(self, world: HostileWorld, how: str) -> None:
        if Can.REPLY in self.cannot:
            pytest.skip(self.cannot[Can.REPLY])
        command = self._reply(world)
        world.proxy.break_next(how, write=True)
        done = False
        try:
            world.connector().perform(command)
            done = Can.KEYS in self.cannot
        except OutcomeUnknown:
            world.settle()
            if Can.LOOK_UP in self.cannot:
                self._asks_a_person(world, command)
                return
            done = world.connector().find_sent(command) is not None
            assert done, "the server did it before the answer broke"
        except (Refused, TryLater):
            world.settle()
            assert command.text not in world.sent(command.thread_id), "a no must mean that nothing was done"
        world.settle()
        if not done or Can.KEYS not in self.cannot:
            world.connector().perform(command)
        world.settle()
        assert world.sent(command.thread_id).count(command.text) == 1

    @pytest.mark.parametrize("name", dialects())
    def test_every_way_to_say_wait_is_understood(self, world: HostileWorld, name: str) -> None:
        headers, body = dialects()[name]
        connector = world.connector()
        world.proxy.answer_next(429, body, **headers)
        with pytest.raises(TryLater) as wait:
            pull_all(connector)
        assert wait.value.until is not None
        left = (wait.value.until - datetime.now(UTC)).total_seconds()
        assert WAIT / 2 < left < 2 * WAIT

    @pytest.mark.parametrize("hours", [-30, 30])
    def test_a_server_whose_clock_is_wrong(self, world: HostileWorld, hours: float) -> None:
        world.proxy.shift_clock(hours)
        self.test_a_broken_answer_to_a_read_loses_nothing(world, "status 503")

    def test_a_deletion_is_not_read_into_a_broken_answer(self, world: HostileWorld) -> None:
        if Can.FETCH in self.cannot:
            pytest.skip(self.cannot[Can.FETCH])
        message_id = world.other_says(self.kinds[0], unique("still there"))
        world.settle()
        for how in BROKEN:
            connector = world.connector()
            world.proxy.break_next(how)
            try:
                answers = connector.fetch([message_id])
            except ConnectorError:
                continue
            assert all(isinstance(answer, RemoteMessage) for answer in answers), how

    def _asks_a_person(self, world: HostileWorld, command: Command) -> None:
        """Nothing tells whether it arrived, and nothing is sent again by itself."""
        with pytest.raises(CannotTell):
            world.connector().find_sent(command)
        assert world.sent(command.thread_id).count(command.text) == 1

    def _reply(self, world: HostileWorld) -> Command:
        message_id = world.other_says(self.kinds[0], unique("hello"))
        world.settle()
        message = look_at(world, message_id, self.cannot)
        assert isinstance(message, RemoteMessage)
        words = unique("reply")
        return Command(new_key(), Verb.REPLY, message_id, message.thread_id, words, message.audience)


def _pages(world: HostileWorld, states: Mapping[str, str]) -> Iterator[Page]:
    connector = world.connector()
    for stream in connector.streams:
        yield from connector.pull(stream, states.get(stream, ""))
