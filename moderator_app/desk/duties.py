"""What a platform asks of whoever keeps its words: how long unasked, and what may not be shown unasked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

# However slow a platform is, nobody in danger waits longer than this behind the question what was deleted.
PATIENCE: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Duty:
    """After how long unasked: `again` ask anew, `veil` show words no longer, `ends` keep them no longer.

    `nameless`: of what its author deleted there not even an id or a name may stay.
    """

    again: timedelta | None = None
    ends: timedelta | None = None
    veil: timedelta | None = None
    nameless: bool = False


_NONE: Final = Duty()
# From the platforms' own terms (care practice, section 5): the ceilings that no organisation can raise.
DUTIES: Final[Mapping[str, Duty]] = {
    "reddit": Duty(timedelta(hours=12), timedelta(hours=48), timedelta(hours=24), nameless=True),
    "x": Duty(timedelta(hours=12), None, timedelta(hours=24)),
    "youtube": Duty(timedelta(days=25), timedelta(days=30), None),
}
VEILED: Final = frozenset(name for name, duty in DUTIES.items() if duty.veil is not None)
# A file that was imported is no platform: there is nobody to ask.
FILES: Final = "archive"


def of(platform: str) -> Duty:
    """What this platform demands; most demand nothing beyond deleting what was deleted there."""
    return DUTIES.get(platform, _NONE)


def withheld(
    platform: str, checking_since: datetime | None, confirmed_at: datetime | None, now: datetime
) -> str:
    """Why words may not be shown now: "checking", "unchecked", or "" where they may.

    What the platform has confirmed since the asking began is shown at once: the most urgent comes first.
    """
    began = checking_since
    if (
        began is not None
        and began <= now < began + PATIENCE
        and (confirmed_at is None or confirmed_at <= began)
    ):
        return "checking"
    veil = of(platform).veil
    if veil is not None and confirmed_at is not None and confirmed_at + veil <= now:
        return "unchecked"
    return ""
