"""The contract between Hearthlight and a platform: one base class and the frozen values that cross it.

A connector is used by one thread at a time. It holds no state that matters after a crash: what must
survive is in the `state` text of a page, which the caller stores in the same transaction as the page.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar


class Kind(StrEnum):
    """What a message is, seen from our account."""

    POST = "post"
    COMMENT = "comment"
    MENTION = "mention"
    DIRECT = "direct"
    REPORT = "report"


class Audience(StrEnum):
    """Who can read a message. A reply never widens it."""

    PUBLIC = "public"
    PRIVATE = "private"


class Verb(StrEnum):
    """What a moderator can ask a platform to do."""

    REPLY = "reply"
    RETRACT = "retract"  # delete a message that we sent ourselves
    HIDE = "hide"
    UNHIDE = "unhide"
    REMOVE = "remove"
    RESTORE = "restore"
    SPAM = "spam"  # take down as spam
    LIKE = "like"
    UNLIKE = "unlike"
    RESOLVE = "resolve"  # close a report or what waits for review; `choice` where the message offers some
    ESCALATE = "escalate"  # pass a report on to those who run the platform
    REPORT = "report"  # tell those who run the platform; `reason`
    LABEL = "label"  # `label`
    UNLABEL = "unlabel"
    LOCK = "lock"  # nobody can answer in the conversation any more
    UNLOCK = "unlock"
    MUTE = "mute"  # the author cannot write for `hours` (none: until unmuted)
    UNMUTE = "unmute"
    KICK = "kick"  # the author may come back
    BAN = "ban"  # for `hours`, or for good; `reason`
    UNBAN = "unban"
    WRITE = "write"  # a private message to the author, beside the conversation
    POLL = "poll"  # ask in the conversation or channel `thread_id`: `text`, `choices` (JSON list), `hours`
    END_POLL = "end_poll"


class GoneHow(StrEnum):
    DELETED = "deleted"
    REMOVED = "removed"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a sign-in form. `secret` values go to the vault, never to a file or a log."""

    key: str
    label: str
    help: str = ""
    secret: bool = False
    required: bool = True
    default: str = ""


@dataclass(frozen=True, slots=True)
class RemotePerson:
    """One account on the platform. `id` never changes there; `handle` may."""

    id: str
    handle: str
    name: str = ""
    joined_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RemotePoll:
    """A question with answers and how many chose each; `votes` is None where the platform hides it."""

    answers: tuple[tuple[str, int | None], ...]
    voters: int | None = None
    closes_at: datetime | None = None
    closed: bool = False
    several: bool = False  # one person may choose more than one


@dataclass(frozen=True, slots=True)
class Media:
    """A picture, sound or film. It is not loaded until somebody asks: whoever serves it would know."""

    url: str
    kind: str = "image"  # image, video, audio or file
    alt: str = ""


@dataclass(frozen=True, slots=True)
class RemoteMessage:
    """One message as the platform has it now. Times are aware UTC; ids are opaque text.

    `revision` changes whenever the text does. `thread_id` names the conversation: the root post, the
    chat, the topic. `person` is None where the platform hides the author. For a report, `subject_id` is
    the message reported, `text` the reporter's words and `reason` the platform's category.
    """

    id: str
    thread_id: str
    kind: Kind
    person: RemotePerson | None
    text: str
    created_at: datetime
    audience: Audience = Audience.PUBLIC
    ours: bool = False
    parent_id: str | None = None
    subject_id: str | None = None
    reason: str | None = None
    thread_title: str = ""
    channel: str = ""
    permalink: str | None = None
    lang: str | None = None
    edited_at: datetime | None = None
    revision: str = ""
    hidden: bool = False
    likes: int = 0
    replies: int = 0
    poll: RemotePoll | None = None
    media: tuple[Media, ...] = ()
    choices: Mapping[str, str] = field(default_factory=dict)  # of RESOLVE: the platform's id and its words
    labels: tuple[str, ...] = ()  # what moderators there, or the author, marked it with


@dataclass(frozen=True, slots=True)
class RemoteGone:
    """A message that is no longer there."""

    id: str
    how: GoneHow = GoneHow.UNKNOWN


@dataclass(frozen=True, slots=True)
class Page:
    """What one step of a pull brought; stored in one transaction together with `state`.

    `state` is opaque to the caller and handed back to the next `pull` of the stream. `gap` says that the
    platform may have skipped something, `skipped` counts records that could not be read, `done` and
    `total` feed a progress bar (total 0: unknown).
    """

    stream: str
    messages: tuple[RemoteMessage, ...] = ()
    gone: tuple[RemoteGone, ...] = ()
    state: str = ""
    gap: bool = False
    skipped: int = 0
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Command:
    """One thing to do on the platform.

    `key` is the action's UUID: performing two commands with the same key does the thing once. `target`
    is the message it is about (for retract: our own message), `thread_id` its conversation. `options` are
    what the verb asks for; `revision` is what the person saw, for platforms that refuse to act on less.
    """

    key: str
    verb: Verb
    target: str
    thread_id: str = ""
    text: str = ""
    audience: Audience = Audience.PUBLIC
    options: Mapping[str, str] = field(default_factory=dict)
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The platform's word that a command was done. `remote_id` names what it made, if anything."""

    remote_id: str = ""
    at: datetime | None = None
    permalink: str | None = None


@dataclass(frozen=True, slots=True)
class Ability:
    """Whether a verb or stream can be used, and if not, why, in words for the screen.

    `untimed`: what is done lasts until somebody ends it; no `hours` can be asked for.
    """

    can: bool
    why_not: str = ""
    untimed: bool = False


def verbs(
    can: Collection[Verb],
    because: Mapping[Verb, str] | None = None,
    otherwise: str = "",
    untimed: Collection[Verb] = (),
) -> dict[Verb, Ability]:
    """An ability for every verb: yes for `can`; for the rest why not, in general where nothing more exact."""
    known = because or {}
    return {
        verb: Ability(can=True, untimed=verb in untimed)
        if verb in can and verb not in known
        else Ability(can=False, why_not=known.get(verb, otherwise))
        for verb in Verb
    }


@dataclass(frozen=True, slots=True)
class Probe:
    """Who we are on the platform and what we may do there."""

    account_id: str
    handle: str
    name: str
    server: str = ""
    verbs: Mapping[Verb, Ability] = field(default_factory=dict)
    streams: Mapping[str, Ability] = field(default_factory=dict)
    max_text: int = 0
    text_unit: str = "characters"  # characters, graphemes or bytes


@dataclass(frozen=True, slots=True)
class Budget:
    """What a platform lets a program do in a span of time, in its own units, and how much of it is used."""

    used: int
    most: int
    resets_at: datetime


class Connector(ABC):
    """One account on one platform.

    `poll_seconds` is how often it is worth asking; 0 means only when a person asks. `tells_gone`: a pull
    reports every message that was deleted since its state, so known ones need not be fetched again.
    `tested_on` says of each verb what it was tried on: real server, recorded, specification, stand-in (what
    somebody else wrote to imitate the platform) or own server; `lacks` names those that the platform never
    offers, with the reason.

    `values` are the sign-in fields that are not secret, `secrets` those that are together with whatever
    `authorize` returned. Every method may raise the errors of `connectors.errors`; none blocks for ever.
    """

    platform: ClassVar[str]
    name: ClassVar[str]
    fields: ClassVar[tuple[Field, ...]] = ()
    streams: ClassVar[tuple[str, ...]]
    poll_seconds: ClassVar[int] = 60
    tells_gone: ClassVar[bool] = False
    tested_on: ClassVar[Mapping[Verb, str]] = {}
    lacks: ClassVar[Mapping[Verb, str]] = {}

    def __init__(self, values: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        self.values = dict(values)
        self.secrets = dict(secrets)
        # Stores all secrets at once; whoever runs the connector sets it. A token that is used up by its own
        # renewal must be stored before it is used.
        self.keep: Callable[[Mapping[str, str]], None] = lambda _: None

    @abstractmethod
    def authorize(self) -> Mapping[str, str]:
        """Sign in with the fields and return the secrets to keep (tokens replace passwords)."""

    @abstractmethod
    def probe(self) -> Probe:
        """Ask the platform who we are and what we may do."""

    @abstractmethod
    def pull(self, stream: str, state: str, since: datetime | None = None) -> Iterator[Page]:
        """Bring what is new since `state` (empty: from the beginning, at most back to `since`).

        At-least-once: a page may repeat what an earlier one brought. The last page's state is where the
        next pull begins.
        """

    @abstractmethod
    def fetch(self, ids: Sequence[str]) -> list[RemoteMessage | RemoteGone]:
        """Re-read messages, to learn of edits, deletions and counts; one answer for each id, in order.

        An id is left out only where the platform does not say whether the message still stands.
        """

    @abstractmethod
    def thread(self, message_id: str) -> list[RemoteMessage]:
        """The conversation around a message, oldest first."""

    @abstractmethod
    def perform(self, command: Command) -> Receipt:
        """Do it once. With a key that was performed before, return the same receipt again."""

    @abstractmethod
    def find_sent(self, command: Command) -> Receipt | None:
        """After an unknown outcome: the receipt if the command was done, None if it was not."""

    def fresh_secrets(self) -> Mapping[str, str] | None:
        """Secrets that changed since the last call (a rotated token), for the vault; else None."""
        return None

    def budget(self) -> Budget | None:
        """What is left of the platform's quota, where it has one that people should see."""
        return None

    def sign_out(self) -> None:  # noqa: B027 - many platforms let no program do it
        """End the sign-in there, where the platform allows it; asked once, before the secrets go."""

    def close(self) -> None:  # noqa: B027 - most have nothing to let go of
        """Let go of the network."""
