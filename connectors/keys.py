"""What the key of a command tells about it."""

from datetime import UTC, datetime
from uuid import UUID

_VERSION_7 = 7


def uuid7(key: str) -> UUID | None:
    """The key, if it is a version 7 UUID."""
    try:
        found = UUID(key)
    except ValueError:
        return None
    return found if found.version == _VERSION_7 else None


def begun_at(key: str) -> datetime | None:
    """When a command with this key was made: a version 7 UUID begins with its time."""
    found = uuid7(key)
    return datetime.fromtimestamp((found.int >> 80) / 1000, UTC) if found else None
