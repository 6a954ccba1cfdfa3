"""How platforms say "wait", turned into moments, and the pace that follows from it."""

import math
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

LONGEST_WAIT = timedelta(days=1)  # no platform's window is longer; a larger number is a mistake
_SECONDS_LEFT_BELOW = 1e6
_EPOCH_FROM, _EPOCH_TO = 1e9, 1e11
_RESERVE = 0.2  # of a window is kept for what a person asks for
_KNOWN_PATHS = 256
_T = TypeVar("_T")
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?", re.ASCII)


def parse_date(text: str) -> datetime | None:
    """Read an HTTP date, in UTC."""
    try:
        found = parsedate_to_datetime(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def moment(value: object, server: datetime, ours: datetime) -> datetime | None:
    """Say when a wait ends by our clock, however it is written; None where it makes no sense.

    Below 10^6 it is seconds left, from 10^9 to 10^11 seconds since 1970, above that milliseconds
    since 1970, anything else a date. Moments are told by the server's clock and moved to ours.
    """
    number = _number(value)
    if number is not None:
        left = _seconds_left(number, server)
    else:
        named = _iso(value) or (parse_date(value) if isinstance(value, str) else None)
        left = (named - server).total_seconds() if named else None
    if left is None:
        return None
    return ours + min(timedelta(seconds=min(max(left, 0.0), 1e6)), LONGEST_WAIT)


def wait_until(headers: Mapping[str, str], body: Any, server: datetime, ours: datetime) -> datetime | None:
    """Find the moment that a refusal for too many requests names, wherever it is put."""
    said = [headers.get("Retry-After"), *_in_body(body)]
    said += [headers.get("X-RateLimit-Reset-After"), *_resets(headers)]
    for value in said:
        found = None if value is None else moment(value, server, ours)
        if found is not None:
            return found
    return None


@dataclass(frozen=True, slots=True)
class _Window:
    limit: float
    remaining: float
    resets: datetime


class Pace:
    """Keeps to the limits that answers announce, for each path by itself, or for each bucket that is named.

    Reads leave a fifth of each window to what a person asks for; a write goes until none is left.
    """

    def __init__(self) -> None:
        self._windows: OrderedDict[str, _Window] = OrderedDict()
        self._buckets: OrderedDict[str, str] = OrderedDict()
        self._all_until: datetime | None = None

    def learn(self, path: str, headers: Mapping[str, str], server: datetime, ours: datetime) -> None:
        """Remember what an answer says about the path's window."""
        if headers.get("X-RateLimit-Global"):  # Discord's 429 for everything that we ask
            self._all_until = wait_until(headers, None, server, ours)
        if bucket := headers.get("X-RateLimit-Bucket"):
            # Buckets are counted apart for each channel or server, which stands before the blank.
            _remember(self._buckets, path, f"{path.partition(' ')[0]} {bucket}")
        limit = _number(_either(headers, "Limit"))
        remaining = _number(_either(headers, "Remaining"))
        if limit is None and remaining is not None:  # Reddit says what was used instead
            limit = remaining + (_number(_either(headers, "Used")) or 0.0)
        said = [*filter(None, [headers.get("X-RateLimit-Reset-After")]), *_resets(headers)]
        resets = next((at for value in said if (at := moment(value, server, ours))), None)
        if remaining is None or resets is None:
            return
        _remember(self._windows, self._buckets.get(path, path), _Window(limit or 0.0, remaining, resets))

    def refused(self, path: str, until: datetime) -> None:
        """Leave a path alone until a moment: it said that it was asked too often."""
        _remember(self._windows, self._buckets.get(path, path), _Window(0.0, 0.0, until))

    def held_until(self, path: str, now: datetime, *, is_write: bool) -> datetime | None:
        """Name the moment before which the path is left alone, None where it is free."""
        if self._all_until is not None and now < self._all_until:
            return self._all_until
        window = self._windows.get(self._buckets.get(path, path))
        if window is None or window.resets <= now:
            return None
        floor = 0.0 if is_write else window.limit * _RESERVE
        return window.resets if window.remaining < max(floor, 1.0) else None


def _remember(kept: OrderedDict[str, _T], key: str, value: _T) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > _KNOWN_PATHS:
        kept.popitem(last=False)


def _either(headers: Mapping[str, str], name: str) -> str | None:
    return headers.get(f"RateLimit-{name}") or headers.get(f"X-RateLimit-{name}")


def _resets(headers: Mapping[str, str]) -> list[str]:
    return [value for value in (_either(headers, "Reset"),) if value]


def _in_body(body: Any) -> list[object]:
    """Look where Matrix, Discord, Telegram and Discourse put the wait in a JSON body."""
    if not isinstance(body, dict):
        return []
    found: list[object] = []
    for holder in (body, body.get("parameters"), body.get("extras")):
        if isinstance(holder, dict):
            millis = _number(holder.get("retry_after_ms"))
            found.append(None if millis is None else millis / 1000)
            found += [holder.get("retry_after"), holder.get("wait_seconds")]
    return found


def _number(value: object) -> float | None:
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _seconds_left(number: float, server: datetime) -> float | None:
    if number < _SECONDS_LEFT_BELOW:
        return number
    if number < _EPOCH_FROM:
        return None  # neither a wait nor a date that anyone means
    since_1970 = number if number <= _EPOCH_TO else number / 1000
    return since_1970 - server.timestamp()


def _iso(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
