"""The demo connector: a community that never existed, for trying Hearthlight and for its tests."""

import json
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Self

from connectors import demo_community, demo_storm
from connectors.contract import (
    Ability,
    Command,
    Connector,
    Field,
    Page,
    Probe,
    Receipt,
    RemoteGone,
    RemoteMessage,
    Verb,
    verbs,
)
from connectors.demo_platform import DemoPlatform, Fault
from connectors.errors import OutcomeUnknown

__all__ = ["DemoConnector", "DemoPlatform", "Fault", "open_platform"]

PAGE = 100
_LACKS = {
    Verb.KICK: "In the demo community a person can be muted or banned, not sent out.",
    Verb.REPORT: "Nobody stands above the moderators of the demo community.",
    Verb.ESCALATE: "Nobody stands above the moderators of the demo community.",
    Verb.LABEL: "The demo community has no labels.",
    Verb.UNLABEL: "The demo community has no labels.",
}
_CAN = frozenset(Verb) - frozenset(_LACKS)
_REPEATED = 5  # so many messages of a page come again on the next, in hostile mode

_opened: dict[tuple[str, int, bool], DemoPlatform] = {}
_opening = threading.Lock()


def open_platform(
    community: str = "harbour",
    seed: int = 7,
    *,
    hostile: bool = False,
    clock: Callable[[], datetime] | None = None,
) -> DemoPlatform:
    """Make a platform of one's own: "harbour" is full of life, any other name is empty."""
    platform = DemoPlatform(clock, seed=seed, hostile=hostile)
    if community == "harbour":
        demo_community.settle(platform)
    if hostile:
        demo_storm.make_hostile(platform)
    return platform


def _shared(values: Mapping[str, str]) -> DemoPlatform:
    """One platform for all connectors of this process that name the same community."""
    key = (
        values.get("community") or "harbour",
        int(values.get("seed") or 7),
        values.get("hostile") == "1",
    )
    with _opening:
        if key not in _opened:
            _opened[key] = open_platform(key[0], key[1], hostile=key[2])
        return _opened[key]


class DemoConnector(Connector):
    """Our account in a demo community. Two with the same values see the same community."""

    platform = "demo"
    name = "Demo community"
    fields = (
        Field(
            "community",
            "Community",
            "harbour is lively, any other name is empty.",
            default="harbour",
        ),
        Field("seed", "Seed", "The same number always makes the same people.", default="7"),
        Field("hostile", "Hostile", "1 makes the community misbehave.", required=False, default="0"),
    )
    # Comments last: they hold our answers, which mean most where what they answer is known already.
    tested_on = dict.fromkeys(_CAN, "own server")
    lacks = _LACKS
    streams = ("mentions", "directs", "reports", "comments")
    poll_seconds = 20
    tells_gone = True

    def __init__(
        self,
        values: Mapping[str, str],
        secrets: Mapping[str, str],
        server: DemoPlatform | None = None,
    ) -> None:
        super().__init__(values, secrets)
        self.server = server or _shared(values)

    @classmethod
    def on(cls, platform: DemoPlatform, secrets: Mapping[str, str] | None = None) -> Self:
        """Connect to a platform that a test made."""
        return cls({}, secrets or {}, platform)

    def authorize(self) -> Mapping[str, str]:
        self.secrets = {"token": self.server.sign_in()}
        return dict(self.secrets)

    def sign_out(self) -> None:
        """End it there: what was handed out no longer opens anything."""
        self._check()
        self.server.sign_out()

    def probe(self) -> Probe:
        self._check()
        us = self.server.us
        return Probe(
            us.id,
            us.handle,
            us.name,
            server="Demo community, in memory",
            verbs=verbs(_CAN, _LACKS),
            streams={stream: Ability(can=True) for stream in self.streams},
            max_text=self.server.max_text,
        )

    def pull(self, stream: str, state: str, since: datetime | None = None) -> Iterator[Page]:
        after, bound = _read_state(state, since)
        # A position beyond the log belongs to an earlier life of this community: begin again.
        gap = after > self.server.last_seq()
        after = 0 if gap else after
        earlier: tuple[RemoteMessage, ...] = ()
        while True:
            self._check()
            found = self.server.changes(stream, after, PAGE, bound)
            if found.last_seq == after:
                return
            after = found.last_seq
            yield Page(
                stream,
                self._as_delivered(found.messages, earlier, after),
                found.gone,
                _write_state(after, bound),
                gap,
                found.skipped,
                found.done,
                found.total,
            )
            gap, earlier = False, found.messages

    def fetch(self, ids: Sequence[str]) -> list[RemoteMessage | RemoteGone]:
        self._check()
        return self.server.read(ids)

    def thread(self, message_id: str) -> list[RemoteMessage]:
        self._check()
        return self.server.conversation(message_id)

    def perform(self, command: Command) -> Receipt:
        lost = self.server.check(self._token(), command=True)
        receipt = self.server.do(command)
        if lost:
            raise OutcomeUnknown("The answer of the demo community was lost.")
        return receipt

    def find_sent(self, command: Command) -> Receipt | None:
        self._check()
        return self.server.receipt(command.key)

    def _token(self) -> str:
        # Nobody should have to type a password to look at a demo; signing out ends that too.
        return self.secrets.get("token", "guest")

    def _check(self) -> None:
        self.server.check(self._token())

    def _as_delivered(
        self, messages: tuple[RemoteMessage, ...], earlier: tuple[RemoteMessage, ...], seq: int
    ) -> tuple[RemoteMessage, ...]:
        """In hostile mode a page repeats some of the last one and comes in no order."""
        if not self.server.hostile:
            return messages
        mixed = [*messages, *earlier[-_REPEATED:], *messages[:_REPEATED]]
        random.Random(f"page {self.server.seed} {seq}").shuffle(mixed)  # noqa: S311 - repeatable
        return tuple(mixed)


def _read_state(state: str, since: datetime | None) -> tuple[int, datetime | None]:
    """Where to go on; a back-fill keeps the bound that it began with, across crashes too."""
    if not state:
        return 0, since
    kept = json.loads(state)
    bound = kept.get("since")
    return int(kept["seq"]), datetime.fromisoformat(bound).astimezone(UTC) if bound else None


def _write_state(seq: int, since: datetime | None) -> str:
    return json.dumps({"seq": seq, "since": since.isoformat() if since else None})
