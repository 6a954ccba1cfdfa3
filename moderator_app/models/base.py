"""What every table shares: names, times that know their zone, and enums stored by value."""

from datetime import UTC, datetime
from enum import Enum, IntEnum, StrEnum
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase


class Level(IntEnum):
    """How soon a person must look (care practice 1.3). Software raises it, people lower it."""

    CRISIS = 0
    RED = 1
    AMBER = 2
    GREEN = 3

    @property
    def word(self) -> str:
        return self.name.lower()


class Heard(StrEnum):
    """What has a queue of its own, whatever its level: each needs other people or other steps."""

    WORRY = "worry"  # about somebody else
    MINORS = "minors"
    TOLD = "told"  # of abuse
    ATTACKS = "attacks"
    THREATS = "threats"
    DOXXING = "doxxing"
    SPAM = "spam"
    UNREADABLE = "unreadable"  # no rules for the language, or not read whole

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of signals that belong to it."""
        return _HEARD[self]


_HEARD: Final = {
    Heard.WORRY: ("third_person",),
    Heard.MINORS: ("minor_at_risk",),
    Heard.TOLD: ("abuse_disclosed",),
    Heard.ATTACKS: ("abuse", "hate", "incitement", "eating_harm"),
    Heard.THREATS: ("threat",),
    Heard.DOXXING: ("doxxing",),
    Heard.SPAM: ("spam",),
    Heard.UNREADABLE: ("not_covered", "unreadable", "too_long"),
}
# Word for word in the index and in every question that is to use it.
HEARD: Final = "kind IN ({})".format(", ".join(f"'{kind}'" for kinds in _HEARD.values() for kind in kinds))


class Status(StrEnum):
    """Where an item stands. A new message brings it back to open, whatever it was.

    `answered` waits on them; `earlier` came with a back-fill, from before anybody read here, and is
    opened when the rules find a crisis or a red in it.
    """

    OPEN = "open"
    ANSWERED = "answered"
    SNOOZED = "snoozed"
    CLOSED = "closed"
    EARLIER = "earlier"


class ActionKind(StrEnum):
    """Every thing a person can record; `desk.actions` holds what each one does."""

    REPLY = "reply"
    RETRACT = "retract"
    HIDE = "hide"
    UNHIDE = "unhide"
    LIKE = "like"
    UNLIKE = "unlike"
    RESOLVE = "resolve"
    REMOVE = "remove"
    RESTORE = "restore"
    SPAM = "spam"
    REPORT = "report"
    HAND_ON = "hand_on"  # to those who run the platform
    LABEL = "label"
    UNLABEL = "unlabel"
    LOCK = "lock"
    UNLOCK = "unlock"
    MUTE = "mute"
    UNMUTE = "unmute"
    KICK = "kick"
    BAN = "ban"
    UNBAN = "unban"
    WRITE = "write"
    POLL = "poll"
    END_POLL = "end_poll"
    ASSIGN = "assign"
    SNOOZE = "snooze"
    CLOSE = "close"
    REOPEN = "reopen"
    LEVEL = "level"
    ESCALATE = "escalate"
    ACKNOWLEDGE = "acknowledge"
    NOTE = "note"
    FORGET_NOTE = "forget_note"
    MISREAD = "misread"  # a cue that does not mean what triage took it for
    EXPORT = "export"


class ActionState(StrEnum):
    """The life of an action. Local ones are done at once; remote ones are held, then sent."""

    HELD = "held"
    SENT = "sent"  # handed to the platform, no word yet
    UNKNOWN = "unknown"  # no answer came: look before sending again
    UNSURE = "unsure"  # nor can the platform be asked: a person has to look
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


def millis(at: datetime | None) -> int | None:
    """A moment as the file has it; a time without a zone is refused."""
    if at is None:
        return None
    if at.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    return round(at.timestamp() * 1000)


_from_timestamp: Final = datetime.fromtimestamp  # a page of the queue asks two hundred times


def moment(found: int) -> datetime:
    """A moment of the file."""
    return _from_timestamp(found / 1000, UTC)


def maybe_moment(found: int | None) -> datetime | None:
    """A moment of the file, where there is one."""
    return None if found is None else moment(found)


class Moment(sa.types.TypeDecorator[datetime]):
    """A UTC moment kept as whole milliseconds since 1970; a time without a zone is refused."""

    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        del dialect
        return millis(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        del dialect
        return maybe_moment(value)


class ByValue(sa.types.TypeDecorator[Enum]):
    """An enum kept as its value, so that a file stays readable when a name changes."""

    impl = sa.String
    cache_ok = True

    def __init__(self, kind: type[Enum]) -> None:
        super().__init__()
        self.kind = kind

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(sa.Integer() if issubclass(self.kind, int) else sa.String())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        del dialect
        return None if value is None else self.kind(value).value

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        del dialect
        return None if value is None else self.kind(value)


class Base(DeclarativeBase):
    """The root of every table."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it off the class
        datetime: Moment(),
        Level: ByValue(Level),
        Status: ByValue(Status),
        ActionKind: ByValue(ActionKind),
        ActionState: ByValue(ActionState),
    }
