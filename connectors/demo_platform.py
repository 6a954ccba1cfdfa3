"""The demo's server: accounts, conversations and a change log, in memory and deterministic."""

import random
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from connectors.contract import (
    Audience,
    Command,
    GoneHow,
    Kind,
    Receipt,
    RemoteGone,
    RemoteMessage,
    RemotePerson,
    RemotePoll,
)
from connectors.demo_verbs import OUR_HANDLE, DemoVerbs, Message, Thread, clean
from connectors.errors import Gone, Reason, Refused, SignInAgain, TryLater

OUR_NAME = "Harbour Lights"
MAX_TEXT = 1_000
STREAM_OF = {
    Kind.POST: "comments",
    Kind.COMMENT: "comments",
    Kind.MENTION: "mentions",
    Kind.DIRECT: "directs",
    Kind.REPORT: "reports",
}
_WAIT = timedelta(seconds=30)
_HOSTILE_WAIT = timedelta(seconds=2)
_HOSTILE_REFUSALS = 0.12


_GUEST = "guest"


class Fault(StrEnum):
    """What can be made to go wrong with the next call."""

    RATE_LIMIT = "rate_limit"
    OFFLINE = "offline"
    SIGN_IN = "sign_in"
    LOST_ANSWER = "lost_answer"  # the command is done, its answer never arrives
    REFUSE = "refuse"


_ONLY_COMMANDS = frozenset({Fault.LOST_ANSWER, Fault.REFUSE})


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the log: something about this message is new; never altered or removed."""

    seq: int
    stream: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Slice:
    """What one request for changes brings: the readable, the vanished, the unreadable."""

    messages: tuple[RemoteMessage, ...]
    gone: tuple[RemoteGone, ...]
    skipped: int
    last_seq: int
    done: int
    total: int


class DemoPlatform(DemoVerbs):
    """A small social platform; every public method holds the lock, so callers see whole states.

    Commands are remembered by key, so the same key is performed once however often it comes.
    """

    def __init__(
        self,
        clock: Callable[[], datetime] | None = None,
        *,
        seed: int = 7,
        hostile: bool = False,
        max_text: int = MAX_TEXT,
    ) -> None:
        self.clock = clock or (lambda: datetime.now(UTC))
        self.seed = seed
        self.hostile = hostile
        self.max_text = max_text
        self.meant: dict[str, str] = {}  # message id -> the level its writer had in mind
        self._lock = threading.RLock()
        self._dice = random.Random(f"weather {seed}")  # noqa: S311 - repeatable weather, no secret
        self._people: dict[str, RemotePerson] = {}
        self._ids_by_handle: dict[str, str] = {}
        self._threads: dict[str, Thread] = {}
        self._in_thread: dict[str, list[str]] = {}
        self._messages: dict[str, Message] = {}
        self._log: dict[str, list[Change]] = {name: [] for name in STREAM_OF.values()}
        self._seq = 0
        self._done: dict[str, tuple[Command, Receipt]] = {}
        self._sent_ids: list[str] = []
        self._faults: deque[Fault] = deque()
        self._spared = False
        self._sign_ins = 0
        self._signed_out = -1  # the number of the newest credential that no longer works; a guest has 0
        self._muted: dict[str, datetime] = {}
        self._banned: set[str] = set()
        self.us = self.person(OUR_HANDLE, OUR_NAME)

    # ------------------------------------------------------------------ other people

    def person(self, handle: str, name: str = "", joined_at: datetime | None = None) -> RemotePerson:
        """Find the account of that handle, or make it if nobody has it yet."""
        with self._lock:
            known = self._ids_by_handle.get(handle)
            if known is not None:
                return self._people[known]
            made = RemotePerson(f"p-{len(self._people):05d}", handle, name, joined_at)
            self._people[made.id] = made
            self._ids_by_handle[handle] = made.id
            return made

    def say(
        self,
        person: str,
        text: str,
        thread: str | None = None,
        parent: str | None = None,
        *,
        title: str = "",
        channel: str = "#general",
        at: datetime | None = None,
        lang: str | None = None,
    ) -> str:
        """Somebody writes in public; without thread or parent a new thread begins."""
        with self._lock:
            if parent is not None:
                thread = self._messages[parent].thread.id
            begins = thread is None
            where = self._thread(thread, title or text[:60], channel, Audience.PUBLIC)
            if not self.may_write(self.person(person).id, where):
                raise Refused(Reason.ROLE, "They cannot write here now.")
            kind = Kind.POST if begins else Kind.COMMENT
            if OUR_HANDLE in text and person != OUR_HANDLE:
                kind = Kind.MENTION
            return self._write(where, kind, person, text, parent=parent, at=at, lang=lang).id

    def direct(
        self,
        person: str,
        text: str,
        *,
        at: datetime | None = None,
        lang: str | None = None,
        by_us: bool = False,
    ) -> str:
        """Somebody writes to us alone, or (`by_us`) we wrote to them before the story begins."""
        with self._lock:
            where = self._direct_thread(self.person(person).id)
            author = OUR_HANDLE if by_us else person
            last = self._in_thread[where.id][-1:]
            parent = last[0] if last else None
            return self._write(where, Kind.DIRECT, author, text, parent=parent, at=at, lang=lang).id

    def report(
        self,
        person: str | None,
        message_id: str,
        reason: str,
        text: str = "",
        *,
        at: datetime | None = None,
    ) -> str:
        """Somebody (None: anonymously) reports a message to us."""
        with self._lock:
            subject = self._messages[message_id]
            made = self._write(
                subject.thread, Kind.REPORT, person or "", text, at=at, audience=Audience.PRIVATE
            )
            made.subject_id, made.reason = message_id, reason
            return made.id

    def edit(self, message_id: str, text: str, *, at: datetime | None = None) -> None:
        with self._lock:
            message = self._there(message_id)
            message.text = clean(text)
            message.revision += 1
            message.edited_at = at or self.clock()
            self._note(message)

    def delete(self, message_id: str, how: GoneHow = GoneHow.DELETED) -> None:
        with self._lock:
            message = self._there(message_id)
            message.gone = how
            self._note(message)

    def like(self, message_id: str, person: str = "@a_passer_by") -> None:
        with self._lock:
            message = self._there(message_id)
            message.liked_by.add(self.person(person).id)
            self._note(message)

    def vote(self, message_id: str, answer: int, person: str = "@a_passer_by") -> None:
        """Somebody chooses an answer of a poll of ours; the last choice of a person counts."""
        with self._lock:
            message = self._there(message_id)
            if message.poll is None or message.poll.closes_at <= self.clock():
                raise Refused(Reason.INVALID, "There is no open poll.")
            message.poll.chosen[self.person(person).id] = answer
            self._note(message)

    def post_raw(
        self, person: str, text: str, thread: str, *, at: datetime, vanishes: bool, unreadable: bool
    ) -> str:
        """Write what only hostile mode holds: raw text, broken records, second thoughts."""
        with self._lock:
            where = self._threads[thread]
            made = self._write(where, Kind.COMMENT, person, "", at=at)
            made.text, made.vanishes, made.unreadable = text, vanishes, unreadable
            return made.id

    def set_likes(self, message_id: str, count: int) -> None:
        """Likes from before the story begins, by people who do not matter to it."""
        with self._lock:
            self._messages[message_id].likes = count

    # ------------------------------------------------------------------ what a test may ask

    def fail_next(self, fault: Fault | str, times: int = 1) -> None:
        """Let the next calls fail; lost_answer and refuse wait for the next command."""
        with self._lock:
            self._faults.extend([Fault(fault)] * times)

    def sign_out(self) -> None:
        """Every credential handed out so far stops working."""
        with self._lock:
            self._signed_out = self._sign_ins

    def sign_in(self) -> str:
        with self._lock:
            self._sign_ins += 1
            return f"demo-token-{self.seed}-{self._sign_ins}"

    def _lets_in(self, token: str) -> bool:
        """Whether a credential works; one of an earlier run does, since the platform forgets between runs."""
        seed, _, number = token.removeprefix("demo-token-").partition("-")
        if token != _GUEST and not (seed == str(self.seed) and number.isdecimal()):
            return False
        known = int(number or 0)
        self._sign_ins = max(self._sign_ins, known)
        return known > self._signed_out

    def messages_sent_by_us(self, thread_id: str | None = None) -> list[RemoteMessage]:
        """List what commands made us write, oldest first; the seeded past is not among it."""
        with self._lock:
            sent = [self._messages[i] for i in self._sent_ids]
            return [self._show(m) for m in sent if thread_id in (None, m.thread.id) and not m.gone]

    def all_messages(self) -> list[RemoteMessage]:
        """Everything that can be read at this moment, in the order of writing."""
        with self._lock:
            return [self._show(m) for m in self._messages.values() if not m.gone and not m.unreadable]

    def is_resolved(self, report_id: str) -> bool:
        with self._lock:
            return self._messages[report_id].resolved

    # ------------------------------------------------------------------ what a connector may ask

    def check(self, token: str, *, command: bool = False) -> bool:
        """Every call comes through here; true says that its answer will get lost."""
        with self._lock:
            fault = self._take_fault(command=command)
            if fault is Fault.SIGN_IN:
                self._signed_out = self._sign_ins
            if not self._lets_in(token):
                raise SignInAgain("The demo community asks you to sign in again.")
            if fault is Fault.OFFLINE:
                raise TryLater("The demo community cannot be reached.", offline=True)
            if fault is Fault.RATE_LIMIT:
                raise TryLater("Too many requests.", until=self.clock() + _WAIT)
            if fault is Fault.REFUSE:
                raise Refused(Reason.ROLE, "The demo community was told to refuse this.")
            if fault is None and self._bad_weather():
                raise TryLater("Too many requests.", until=self.clock() + _HOSTILE_WAIT)
            return fault is Fault.LOST_ANSWER

    def changes(self, stream: str, after: int, limit: int, since: datetime | None) -> Slice:
        """Bring the next changes of a stream, each message as it is now and only once."""
        with self._lock:
            log = self._log[stream]
            start = _first_after(log, after)
            lines = log[start : start + limit]
            ids = list(dict.fromkeys(line.message_id for line in lines))
            found = [self._messages[i] for i in ids]
            wanted = [m for m in found if since is None or m.created_at >= since]
            last = lines[-1].seq if lines else after
            page = Slice(
                tuple(self._show(m) for m in wanted if not m.gone and not m.unreadable),
                tuple(RemoteGone(m.id, m.gone) for m in wanted if m.gone),
                sum(1 for m in wanted if m.unreadable and not m.gone),
                last,
                start + len(lines),
                len(log),
            )
            self._let_vanish(wanted)
            return page

    def last_seq(self) -> int:
        with self._lock:
            return self._seq

    def read(self, ids: Sequence[str]) -> list[RemoteMessage | RemoteGone]:
        with self._lock:
            return [self._read_one(i) for i in ids]

    def conversation(self, message_id: str) -> list[RemoteMessage]:
        with self._lock:
            known = self._messages.get(message_id)
            if known is None:
                raise Gone("There is no such message.")
            around = [self._messages[i] for i in self._in_thread[known.thread.id]]
            readable = [m for m in around if not m.gone and not m.unreadable]
            return [self._show(m) for m in sorted(readable, key=lambda m: (m.created_at, m.id))]

    # ------------------------------------------------------------------ keeping

    def _thread(self, known: str | None, title: str, channel: str, audience: Audience) -> Thread:
        if known is not None:
            return self._threads[known]
        made = Thread(f"t-{len(self._threads):05d}", title, channel, audience)
        self._threads[made.id] = made
        self._in_thread[made.id] = []
        return made

    def _direct_thread(self, person_id: str) -> Thread:
        known = f"d-{person_id}"
        if known not in self._threads:
            title = self._people[person_id].name or self._people[person_id].handle
            made = Thread(known, title, "Direct message", Audience.PRIVATE, person_id)
            self._threads[known] = made
            self._in_thread[known] = []
        return self._threads[known]

    def _write(
        self,
        where: Thread,
        kind: Kind,
        handle: str,
        text: str,
        *,
        parent: str | None = None,
        at: datetime | None = None,
        lang: str | None = None,
        audience: Audience | None = None,
    ) -> Message:
        made = Message(
            id=f"m-{len(self._messages):06d}",
            thread=where,
            kind=kind,
            person_id=self.person(handle).id if handle else "",
            text=clean(text),
            created_at=at or self.clock(),
            audience=audience or where.audience,
            parent_id=parent,
            lang=lang,
        )
        self._messages[made.id] = made
        self._in_thread[where.id].append(made.id)
        self._note(made)
        return made

    def _note(self, message: Message) -> None:
        self._seq += 1
        stream = STREAM_OF[message.kind]
        self._log[stream].append(Change(self._seq, stream, message.id))

    def _there(self, message_id: str) -> Message:
        message = self._messages[message_id]
        if message.gone:
            raise Gone("That message is no longer there.")
        return message

    # ------------------------------------------------------------------ showing

    def _show(self, message: Message) -> RemoteMessage:
        children = (self._messages[i] for i in self._in_thread[message.thread.id])
        replies = sum(1 for m in children if m.parent_id == message.id and not m.gone)
        return RemoteMessage(
            id=message.id,
            thread_id=message.thread.id,
            kind=message.kind,
            person=self._people.get(message.person_id),
            text=message.text,
            created_at=message.created_at,
            audience=message.audience,
            ours=message.person_id == self.us.id,
            parent_id=message.parent_id,
            subject_id=message.subject_id,
            reason=message.reason,
            thread_title=message.thread.title,
            channel=message.thread.channel,
            permalink=self._link(message),
            lang=message.lang,
            edited_at=message.edited_at,
            revision=str(message.revision),
            hidden=message.hidden,
            likes=message.likes + len(message.liked_by),
            replies=replies,
            poll=self._poll(message),
        )

    def _poll(self, message: Message) -> RemotePoll | None:
        poll = message.poll
        if poll is None:
            return None
        votes = [list(poll.chosen.values()).count(number) for number in range(len(poll.answers))]
        return RemotePoll(
            answers=tuple(zip(poll.answers, votes, strict=True)),
            voters=len(poll.chosen),
            closes_at=poll.closes_at,
            closed=poll.closes_at <= self.clock(),
        )

    def _link(self, message: Message) -> str:
        return f"https://demo.example/{message.thread.id}/{message.id}"

    def _read_one(self, message_id: str) -> RemoteMessage | RemoteGone:
        message = self._messages.get(message_id)
        if message is None or message.unreadable:
            return RemoteGone(message_id)
        return RemoteGone(message_id, message.gone) if message.gone else self._show(message)

    # ------------------------------------------------------------------ trouble

    def _take_fault(self, *, command: bool) -> Fault | None:
        for place, fault in enumerate(self._faults):
            if command or fault not in _ONLY_COMMANDS:
                del self._faults[place]
                return fault
        return None

    def _bad_weather(self) -> bool:
        """Now and then too many requests, never twice running, so that patience always wins."""
        if not self.hostile:
            return False
        bad = not self._spared and self._dice.random() < _HOSTILE_REFUSALS
        self._spared = bad
        return bad

    def _let_vanish(self, shown: Sequence[Message]) -> None:
        for message in shown:
            if message.vanishes and not message.gone:
                self.delete(message.id)


def _first_after(log: Sequence[Change], seq: int) -> int:
    low, high = 0, len(log)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if log[middle].seq <= seq else (low, middle)
    return low
