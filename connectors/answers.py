"""Reading what a server answered: whatever is not of the type that was documented counts as not there."""

from datetime import UTC, datetime
from typing import Any

from connectors.errors import Unreadable


def dig(data: Any, *path: str) -> Any:
    """Follow keys into an answer; None where one is missing or not an object."""
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def entries(data: Any, *path: str) -> list[Any]:
    """Find a list in an answer; an empty one where there is none."""
    found = dig(data, *path)
    return found if isinstance(found, list) else []


def listed(data: Any, *path: str) -> list[Any]:
    """Find a list that the platform promises; without it the answer cannot be read."""
    found = dig(data, *path)
    if not isinstance(found, list):
        raise Unreadable("a list is missing in the server's answer")
    return found


def text_at(data: Any, *path: str) -> str:
    """Find a text in an answer, or an empty one."""
    found = dig(data, *path)
    return found if isinstance(found, str) else ""


def count_at(data: Any, *path: str) -> int:
    """Find a count in an answer, or zero."""
    found = dig(data, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0


def time_at(data: Any, *path: str) -> datetime | None:
    """Find a moment in an answer, in UTC."""
    try:
        found = datetime.fromisoformat(text_at(data, *path))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
