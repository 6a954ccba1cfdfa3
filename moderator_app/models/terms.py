"""The terms of the field that tables, desk and screens share: levels, states, what a person can record.

Nothing here knows the database, so that the process that reads messages does not carry its library.
"""

from enum import IntEnum, StrEnum
from typing import Final


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
