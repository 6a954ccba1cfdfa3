"""The plain values that leave the desk: what the screen, the command line and the reports show.

Nothing here knows the database. Sentences are not built here either: rows carry facts, and whoever shows
them puts them into the reader's language.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar, dataclass_transform
from uuid import UUID

from connectors.contract import Audience, Budget, Field, Kind, Media, RemotePoll
from moderator_app.models.terms import ActionKind, ActionState, Heard, Level, Status

__all__ = [
    "AccountRow",
    "ActionKind",
    "ActionState",
    "Audience",
    "Check",
    "Cue",
    "Draft",
    "Enclosed",
    "Field",
    "Forgets",
    "Heard",
    "HistoryRow",
    "Hit",
    "ImportPreview",
    "Kind",
    "Level",
    "MessageRow",
    "NoteRow",
    "OutboxRow",
    "Outcome",
    "PackChange",
    "PersonCard",
    "Queue",
    "QueueKey",
    "QueueRow",
    "Reading",
    "Recorded",
    "RemotePoll",
    "Span",
    "Status",
    "TemplateRow",
    "ThreadView",
    "Undone",
]


T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def many(kind: type[T]) -> type[T]:
    """A frozen value of which a screen needs hundreds at once.

    The type checker holds it frozen; at run time it is not, because that triples the time to make one.
    """
    return dataclass(slots=True, unsafe_hash=True)(kind)


class Queue(StrEnum):
    """The queues of the rail, in the order they are shown."""

    OPEN = "open"
    CRISIS = "crisis"
    RED = "red"
    AMBER = "amber"
    GREEN = "green"
    MINE = "mine"
    ESCALATED = "escalated"
    ANSWERED = "answered"
    SNOOZED = "snoozed"
    CLOSED = "closed"
    EARLIER = "earlier"


class Outcome(StrEnum):
    """How a conversation ended (R14)."""

    SAFE = "safe"  # safe and signposted
    HELPED = "helped"  # helped by others
    EMERGENCY = "emergency"  # an emergency service confirmed
    REFERRED = "referred"
    DECLINED = "declined"
    NO_ANSWER = "no_answer"
    PLATFORM = "platform"  # handed to the platform
    NOT_OURS = "not_ours"
    ANSWERED = "answered"  # ordinary question, answered
    NOTHING = "nothing"  # nothing needed


@many
class Span:
    """Characters start..end (end not included) of a text, in Python's code points."""

    start: int
    end: int


@many
class Cue:
    """Why a level was proposed: which words, what kind, which rule, in which language.

    `line` is the phrase of the pack that was found, "" where the reason is no phrase; it is not stored.
    """

    start: int
    end: int
    kind: str
    level: Level
    why: str
    lang: str
    line: str = ""


@dataclass(frozen=True, slots=True)
class PackChange:
    """One change of a team to the pack of a language: `what` is add, off or level, `line` the phrase."""

    what: str
    lang: str
    line: str
    kind: str = ""
    level: Level | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What the rules made of one text: the level they propose, why, and in which language.

    `covered` is false where no rules exist for the language: such a text rises to a person. `scores` are
    0 to 1 for crisis, red, amber, abuse and spam. `sentiment` is positive, mixed, negative or "cannot
    tell"; it never touches the order (R89).
    """

    level: Level
    cues: tuple[Cue, ...]
    lang: str
    covered: bool = True
    scores: Mapping[str, float] = field(default_factory=dict)
    topics: tuple[str, ...] = ()
    sentiment: str = "cannot tell"
    intent: str = ""


@dataclass(frozen=True, slots=True)
class QueueKey:
    """Where a row stands in its queue; the next page begins after it."""

    rank: int
    due_at: datetime
    item_id: int


@many
class QueueRow:
    """One card: what one person said in one conversation and has not been answered.

    `excerpt` is part of the worst new message, `excerpt_cues` are spans in it. `pending` is true while
    the rules have not read everything yet: such an item stands with the reds, so that nobody waits
    behind a reader that failed. `rank` is the order (an amber past 150 % of its clock ranks as red);
    `level` is the label, never changed by waiting.
    """

    item_id: int
    level: Level
    rank: int
    pending: bool
    title: str
    excerpt: str
    excerpt_cues: tuple[Span, ...]
    reasons: tuple[Cue, ...]
    person: str
    handle: str
    channel: str
    platform: str
    kind: Kind
    audience: Audience
    lang: str
    new_messages: int
    waiting_since: datetime
    due_at: datetime
    status: Status
    assignee: str
    escalated_to: str
    acknowledged: bool
    snoozed_until: datetime | None
    seen: bool
    has_draft: bool
    withheld: str = ""  # why its words are not here: "checking" or "unchecked" with the platform

    @property
    def key(self) -> QueueKey:
        return QueueKey(self.rank, self.due_at, self.item_id)


@dataclass(frozen=True, slots=True)
class Enclosed:
    """What comes with a message: poll, pictures (not loaded), how a review of it may end, labels there."""

    poll: RemotePoll | None = None
    media: tuple[Media, ...] = ()
    choices: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()


@many
class MessageRow:
    """One message of a conversation, or one of our replies on its way (`action_id` set, `state` not done).

    `gone` messages keep their place without words; `gone_how` says why. `withheld` words may be shown once
    the platform was asked whether they are still there. `by` is the moderator who wrote a reply of ours,
    where this machine knows it.
    """

    message_id: int | None
    action_id: UUID | None
    person_id: int | None
    person: str
    handle: str
    ours: bool
    by: str
    text: str
    cues: tuple[Cue, ...]
    level: Level | None
    at: datetime
    edited_at: datetime | None
    gone: bool
    hidden: bool
    audience: Audience
    kind: Kind
    likes: int
    permalink: str | None
    reason: str | None
    state: ActionState | None = None
    send_at: datetime | None = None
    trouble: str = ""
    gone_how: str = ""
    withheld: str = ""
    enclosed: Enclosed | None = None


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One thing that was done. `detail` holds the words that the sentence needs (who, level, until)."""

    action_id: UUID
    kind: ActionKind
    at: datetime
    who: str
    state: ActionState
    detail: Mapping[str, str]
    can_undo: bool
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class NoteRow:
    note_id: UUID
    at: datetime
    who: str
    text: str


@dataclass(frozen=True, slots=True)
class PersonCard:
    """What we know of one account on one platform; never a score (R62)."""

    person_id: int
    name: str
    handle: str
    platform: str
    first_seen: datetime
    last_seen: datetime
    messages: int
    weeks: tuple[int, ...]  # messages in each of the last ten weeks, oldest first
    earlier: tuple[tuple[int, str, Level, datetime, Status], ...]  # item, title, level, last, status
    notes: tuple[NoteRow, ...]


@dataclass(frozen=True, slots=True)
class ThreadView:
    """One conversation, whole: the item, its messages oldest first, what was done, who it is."""

    item: QueueRow
    messages: tuple[MessageRow, ...]
    earlier_messages: int  # how many older ones were left out
    history: tuple[HistoryRow, ...]
    notes: tuple[NoteRow, ...]
    person: PersonCard | None
    can: Mapping[ActionKind, str]  # verbs the platform lacks, with the reason why not
    max_text: int
    text_unit: str
    draft: "Draft | None"
    forgets: "Forgets | None" = None
    untimed: frozenset[ActionKind] = frozenset()  # what lasts there until somebody ends it


@dataclass(frozen=True, slots=True)
class Forgets:
    """When the words of an item go, and why.

    `why` is rule (days after the last message), platform (its own limit), open (not while it is open: `at`
    is when it would be due) or held (a safeguarding hold keeps it until `at`). `days` is the rule's length.
    """

    at: datetime
    why: str
    days: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """An action that was recorded. `undo_until` is the end of its hold, None where it is done."""

    action_id: UUID
    kind: ActionKind
    undo_until: datetime | None
    count: int = 1


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo did: `text` gives back the words of a reply that did not leave."""

    action_id: UUID
    kind: ActionKind
    item_id: int | None
    text: str = ""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    action_id: UUID
    kind: ActionKind
    item_id: int | None
    title: str
    account: str
    text: str
    state: ActionState
    send_at: datetime | None
    tries: int
    trouble: str


@dataclass(frozen=True, slots=True)
class Draft:
    item_id: int
    text: str
    audience: Audience
    template_id: str
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """A reply to begin from. `blanks` are the names in braces that must be filled before it is sent."""

    template_id: str
    situation: str
    title: str
    levels: tuple[Level, ...]
    audience: str  # public, dm or public_or_dm
    lang: str
    body: str
    short: str
    blanks: tuple[str, ...]
    avoid: str
    reviewed: bool


@dataclass(frozen=True, slots=True)
class Check:
    """One remark on a draft. `weight` is block, warn or hint; block keeps Send off."""

    start: int
    end: int
    weight: str
    rule: str
    why: str
    say: str


@dataclass(frozen=True, slots=True)
class Hit:
    """One message found by search, newest first."""

    message_id: int
    item_id: int | None
    person: str
    title: str
    at: datetime
    excerpt: str
    matches: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """What an export file looks like before it is imported.

    `chosen` names for each of our fields the column that holds it ("": none). `problems` are sentences.
    """

    format: str
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    fields: tuple[str, ...]
    chosen: Mapping[str, str]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One connected account and its health, for the bar and the accounts screen.

    `health` is ok, syncing, waiting, offline, sign_in or new.
    """

    account_id: int
    platform: str
    handle: str
    name: str
    health: str
    health_since: datetime | None
    last_pull_at: datetime | None
    next_try_at: datetime | None
    messages: int
    waiting_to_send: int
    skipped: int
    verbs: Mapping[str, str] = field(default_factory=dict)  # verb to why not, "" where it can
    budget: Budget | None = None
