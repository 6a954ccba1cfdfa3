"""Signed-in calls to the YouTube Data API, within the quota of a day.

Source: the discovery document youtube v3, revision 20261104, and its error reference. A project has so many
units a day; a read costs 1, a write 50, and even a call that fails costs. The day begins at midnight Pacific.
"""

import json
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from connectors.answers import entries, text_at
from connectors.errors import ConnectorError, Gone, Reason, Refused, SignInAgain, TryLater, Unreadable
from connectors.http import Answer, Http
from connectors.oauth import OAuth

UNITS: Final = 10_000  # of a project that nobody asked more for
READ, WRITE = 1, 50
_RESERVE: Final = 20 * WRITE  # kept of a day for what a person does
_PACIFIC: Final = ZoneInfo("America/Los_Angeles")
_OVER: Final = frozenset({"quotaExceeded", "dailyLimitExceeded"})
_FAST: Final = frozenset({"rateLimitExceeded", "userRateLimitExceeded"})
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
_PAUSE: Final = timedelta(minutes=1)  # YouTube names no moment
_REASONS: Final = {
    "commentNotFound": Reason.NOT_FOUND,
    "commentThreadNotFound": Reason.NOT_FOUND,
    "parentCommentNotFound": Reason.NOT_FOUND,
    "videoNotFound": Reason.NOT_FOUND,
    "channelNotFound": Reason.NOT_FOUND,
    "commentTextTooLong": Reason.TOO_LONG,
    "commentsDisabled": Reason.UNSUPPORTED,
    "operationNotSupported": Reason.UNSUPPORTED,
    "insufficientPermissions": Reason.SCOPE,
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": Reason.SCOPE,
    "forbidden": Reason.ROLE,
    "banWithoutReject": Reason.INVALID,
    "parentCommentIsPrivate": Reason.BLOCKED,
    "ineligibleAccount": Reason.ROLE,
}


def resets_at(now: datetime) -> datetime:
    """The midnight in California after which the units are whole again."""
    there = now.astimezone(_PACIFIC)
    day = (there + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return day.astimezone(UTC)


def reason_of(answer: Answer) -> str:
    """The first reason of an error; empty where there is none."""
    errors = entries(answer.data, "error", "errors")
    return text_at(errors[0], "reason") if errors else ""


def explain(answer: Answer) -> ConnectorError | None:
    """YouTube's own reasons; a 403 may mean the quota, the pace, the scope or the role."""
    reason = reason_of(answer)
    if reason in _OVER:
        return TryLater("the units of this day are used up", resets_at(answer.at))
    if reason in _FAST:
        return TryLater("too many calls at once", answer.at + _PAUSE)
    if reason in _REASONS:
        words = f"YouTube said no ({reason})"
        kind = _REASONS[reason]
        return Gone(words) if kind is Reason.NOT_FOUND else Refused(kind, words)
    if answer.status == 401:  # noqa: PLR2004 - HTTP
        return SignInAgain("the sign-in has ended")
    return None


@dataclass(slots=True)
class Quota:
    """What this program used of today's units; another program of the same project may use more.

    It outlives us in the states of streams, each written at another time: the highest of them is what earlier
    runs used, and what we spend comes on top.
    """

    most: int = UNITS
    spent: int = 0  # by us, today
    before: int = 0  # by earlier runs, today
    resets: datetime = _LONG_AGO
    _run: str = field(default_factory=lambda: secrets.token_hex(4))  # tells our own notes from others'

    @property
    def used(self) -> int:
        """Units of today that are gone."""
        return self.before + self.spent

    def spend(self, units: int, now: datetime) -> None:
        """Count a call, on a new day from nothing."""
        self._turn(now)
        self.spent += units

    def held(self, units: int, now: datetime) -> bool:
        """Whether a read has to leave the rest of the day to a person."""
        return now < self.resets and units == READ and self.used + units > self.most - _RESERVE

    def to_json(self) -> dict[str, Any]:
        """What the next run has to know."""
        return {"used": self.used, "resets": self.resets.isoformat(), "run": self._run}

    def take(self, kept: object, now: datetime) -> None:
        """Learn what earlier runs used today."""
        self._turn(now)
        if isinstance(kept, dict) and isinstance(kept.get("used"), int) and kept.get("run") != self._run:
            today = kept.get("resets") == self.resets.isoformat()
            self.before = max(self.before, kept["used"]) if today else self.before

    def _turn(self, now: datetime) -> None:
        if now >= self.resets:
            self.spent = self.before = 0
            self.resets = resets_at(now)


class Api:
    """The calls that the connector makes; every one is counted before it leaves."""

    def __init__(self, http: Http, oauth: OAuth, quota: Quota, now: Callable[[], datetime]) -> None:
        self.http, self._oauth, self.quota, self._now = http, oauth, quota, now
        self._lock = threading.Lock()
        self._asked = False

    @contextmanager
    def asked(self) -> Iterator[None]:
        """Within it a person is waiting: the units that were kept back are for this."""
        self._asked = True
        try:
            yield
        finally:
            self._asked = False

    def read(self, path: str, **params: Any) -> dict[str, Any]:
        """GET one page."""
        self._spend(READ)
        asked = {name: value for name, value in params.items() if value not in (None, "")}
        answer = self._oauth.call(lambda header: self.http.read(f"youtube/v3/{path}", asked, header))
        return _object(answer)

    def write(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any],
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Do one thing."""
        self._spend(WRITE)
        answer = self._oauth.call(
            lambda header: self.http.write(f"youtube/v3/{path}", body, header, method, params=params)
        )
        return answer.data if isinstance(answer.data, dict) else {}

    def _spend(self, units: int) -> None:
        with self._lock:
            now = self._now()
            if not self._asked and self.quota.held(units, now):
                words = "the rest of today's units is kept for what you do yourself"
                raise TryLater(words, self.quota.resets)
            self.quota.spend(units, now)


def _object(answer: Answer) -> dict[str, Any]:
    if not isinstance(answer.data, dict) or not isinstance(answer.data.get("items", []), list):
        raise Unreadable("YouTube answered something else than it documents")
    if "kind" not in answer.data:
        raise Unreadable("YouTube answered an object without its kind")
    return answer.data


def load(text: str) -> dict[str, Any]:
    """A state of ours; one that makes no sense begins again, which repeats but loses nothing."""
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
