"""What can go wrong on the wire, named by what the caller should do next.

Every connector maps status codes and error codes, never error texts (platforms translate those), to one
of these. Source of the mapping: each platform's documentation, quoted in its own file.
"""

from datetime import datetime
from enum import StrEnum


class Reason(StrEnum):
    """Why a platform said no, in words that the history can show."""

    NOT_FOUND = "not_found"
    STALE = "stale"
    TOO_LONG = "too_long"
    INVALID = "invalid"
    SCOPE = "scope"
    ROLE = "role"
    BLOCKED = "blocked"
    UNSUPPORTED = "unsupported"


class ConnectorError(Exception):
    """The root, so that a lane can tell the wire's troubles from its own."""


class SignInAgain(ConnectorError):
    """The credentials are no longer good: stop, keep everything, ask the person once."""


class TryLater(ConnectorError):
    """The platform or the network cannot answer now; nothing was done.

    `until` is the earliest moment worth another try (UTC), None where the platform did not say.
    `offline` is true where no answer came at all.
    """

    def __init__(self, message: str, until: datetime | None = None, *, offline: bool = False) -> None:
        super().__init__(message)
        self.until = until
        self.offline = offline


class OutcomeUnknown(ConnectorError):
    """A command was sent and no answer came back: look with find_sent before sending again."""


class CannotTell(OutcomeUnknown):
    """Nothing on the platform says whether an earlier try arrived: a person has to look there."""


class Refused(ConnectorError):
    """The platform understood and said no; the same command will never succeed."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Gone(Refused):
    """What the command was about no longer exists there."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.NOT_FOUND, message)


class Unreadable(ConnectorError):
    """An answer that is not what the platform documents: skip it, count it, go on."""
