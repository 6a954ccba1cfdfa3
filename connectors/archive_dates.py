"""Dates as exports write them for people: in the order of a country, with AM and PM, without a zone."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Final

_DATE: Final = re.compile(
    r"(?P<a>\d{1,4})[./-](?P<b>\d{1,2})[./-](?P<c>\d{1,4})[,\s]+"
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2}))?"
    r"\s*(?P<half>[ap]\.?\s?m\.?)?"
    r"\s*(?:(?:GMT|UTC)(?P<zone>[+-]\d{1,2}(?::\d{2})?)?)?",
    re.IGNORECASE,
)
_MONTHS: Final = 12
_YEAR: Final = 100  # from here on a number is a whole year


def month_first(written: Iterable[str]) -> bool:
    """Whether a file writes the month before the day: as its numbers show, else as its marks suggest.

    Where no day is above twelve, slashes with AM and PM are taken for the American order, everything else
    for the order of the rest of the world.
    """
    american = False
    for one in written:
        found = _DATE.match(one)
        if found is None or int(found["a"]) >= _YEAR:
            continue
        if int(found["a"]) > _MONTHS:
            return False
        if int(found["b"]) > _MONTHS:
            return True
        american = american or bool(found["half"] and "/" in one)
    return american


def iso(written: str, *, month_first: bool) -> str:
    """The date as ISO 8601, with its zone where it names one; empty where it is none."""
    found = _DATE.match(written.strip())
    if found is None:
        return ""
    a, b, c = int(found["a"]), int(found["b"]), int(found["c"])
    if a >= _YEAR:
        year, month, day = a, b, c
    else:
        year = c if c >= _YEAR else 2000 + c
        month, day = (a, b) if month_first else (b, a)
    hour = int(found["hour"])
    if found["half"]:
        hour = hour % 12 + (12 if found["half"].lower().startswith("p") else 0)
    try:
        when = datetime(year, month, day, hour, int(found["minute"]), int(found["second"] or 0))  # noqa: DTZ001 - the zone follows where there is one
        return _zoned(when, found["zone"] or "").isoformat()
    except (ValueError, OverflowError):
        return ""


def _zoned(when: datetime, zone: str) -> datetime:
    if not zone:
        return when
    hours, _, minutes = zone.partition(":")
    away = timedelta(hours=int(hours), minutes=int(minutes or 0) * (-1 if zone.startswith("-") else 1))
    return when.replace(tzinfo=timezone(away))
