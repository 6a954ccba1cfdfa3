"""What moderators can do in the demo community."""

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.contract import (
    Audience,
    Command,
    GoneHow,
    Kind,
    Receipt,
    RemotePerson,
    Verb,
)
from connectors.errors import Gone, Reason, Refused

OUR_HANDLE = "@harbourlights"
_FEWEST = 2


@dataclass(slots=True)
class Thread:
    id: str
    title: str
    channel: str
    audience: Audience
    person_id: str = ""  # the other side of a direct conversation
    locked: bool = False


@dataclass(slots=True)
class Message:
    """One message as the server keeps it; `gone` set means that nobody can read it any more."""

    id: str
    thread: Thread
    kind: Kind
    person_id: str  # empty where the author is hidden
    text: str
    created_at: datetime
    audience: Audience
    parent_id: str | None = None
    subject_id: str | None = None
    reason: str | None = None
    lang: str | None = None
    edited_at: datetime | None = None
    revision: int = 1
    hidden: bool = False
    resolved: bool = False
    likes: int = 0
    liked_by: set[str] = field(default_factory=set)
    gone: GoneHow | None = None
    unreadable: bool = False
    vanishes: bool = False  # deleted by its author right after we have pulled it
    poll: "Poll | None" = None


@dataclass(slots=True)
class Poll:
    """A question of ours: what can be chosen, and what each person chose."""

    answers: tuple[str, ...]
    closes_at: datetime
    chosen: dict[str, int] = field(default_factory=dict)


class DemoVerbs(ABC):
    """The half of `DemoPlatform` that performs commands; a key is performed once, however often it comes."""

    clock: Callable[[], datetime]
    max_text: int
    us: RemotePerson
    _lock: threading.RLock
    _messages: dict[str, Message]
    _done: dict[str, tuple[Command, Receipt]]
    _sent_ids: list[str]
    _muted: dict[str, datetime]
    _banned: set[str]

    # What the other half keeps and shows.

    @abstractmethod
    def delete(self, message_id: str, how: GoneHow = GoneHow.DELETED) -> None: ...

    @abstractmethod
    def _note(self, message: Message) -> None: ...

    @abstractmethod
    def _link(self, message: Message) -> str: ...

    @abstractmethod
    def _direct_thread(self, person_id: str) -> Thread: ...

    @abstractmethod
    def _write(
        self, where: Thread, kind: Kind, handle: str, text: str, *, parent: str | None = None
    ) -> Message: ...

    def do(self, command: Command) -> Receipt:
        """Perform a command, or give the old receipt if its key was performed before."""
        with self._lock:
            before = self._done.get(command.key)
            if before is not None:
                return before[1]
            receipt = self._verbs().get(command.verb, _unsupported)(command)
            self._done[command.key] = (command, receipt)
            return receipt

    def receipt(self, key: str) -> Receipt | None:
        with self._lock:
            done = self._done.get(key)
            return done[1] if done else None

    # ------------------------------------------------------------------ the verbs

    def _verbs(self) -> dict[Verb, Callable[[Command], Receipt]]:
        return {
            Verb.REPLY: self._reply,
            Verb.RETRACT: self._retract,
            Verb.HIDE: lambda c: self._set_hidden(c, hidden=True),
            Verb.UNHIDE: lambda c: self._set_hidden(c, hidden=False),
            Verb.LIKE: lambda c: self._set_liked(c, liked=True),
            Verb.UNLIKE: lambda c: self._set_liked(c, liked=False),
            Verb.RESOLVE: self._resolve,
            Verb.REMOVE: self._remove,
            Verb.SPAM: self._remove,
            Verb.RESTORE: self._restore,
            Verb.LOCK: lambda c: self._set_locked(c, locked=True),
            Verb.UNLOCK: lambda c: self._set_locked(c, locked=False),
            Verb.MUTE: self._mute,
            Verb.UNMUTE: self._unmute,
            Verb.BAN: self._ban,
            Verb.UNBAN: self._unban,
            Verb.WRITE: self._write_privately,
            Verb.POLL: self._start_poll,
            Verb.END_POLL: self._end_poll,
        }

    def _reply(self, command: Command) -> Receipt:
        target, text = self._target(command), self._worded(command)
        # A private message is never answered in public, whatever the command says.
        private = Audience.PRIVATE in (command.audience, target.audience)
        if private and not target.person_id:
            raise Refused(Reason.UNSUPPORTED, "Whoever wrote this is hidden; nobody to write to.")
        other = target.thread.person_id or target.person_id
        where = self._direct_thread(other) if private else target.thread
        kind = Kind.DIRECT if private else Kind.COMMENT
        parent = target.id if where is target.thread else None
        made = self._write(where, kind, OUR_HANDLE, text, parent=parent)
        self._sent_ids.append(made.id)
        return Receipt(made.id, made.created_at, self._link(made))

    def _retract(self, command: Command) -> Receipt:
        message = self._target(command)
        if message.person_id != self.us.id:
            raise Refused(Reason.ROLE, "Only our own messages can be taken back.")
        self.delete(message.id)
        return Receipt(message.id, self.clock())

    def _set_hidden(self, command: Command, *, hidden: bool) -> Receipt:
        message = self._target(command)
        if message.audience is Audience.PRIVATE:
            raise Refused(Reason.UNSUPPORTED, "Only public messages can be hidden.")
        if message.hidden is not hidden:
            message.hidden = hidden
            self._note(message)
        return Receipt(message.id, self.clock())

    def _set_liked(self, command: Command, *, liked: bool) -> Receipt:
        message = self._target(command)
        (message.liked_by.add if liked else message.liked_by.discard)(self.us.id)
        self._note(message)
        return Receipt(message.id, self.clock())

    def _resolve(self, command: Command) -> Receipt:
        message = self._target(command)
        if message.kind is not Kind.REPORT:
            raise Refused(Reason.INVALID, "Only a report can be resolved.")
        message.resolved = True
        return Receipt(message.id, self.clock())

    def _remove(self, command: Command) -> Receipt:
        message = self._target(command)
        if message.person_id == self.us.id or message.audience is Audience.PRIVATE:
            raise Refused(Reason.UNSUPPORTED, "Only what others wrote in public can be removed.")
        message.gone = GoneHow.REMOVED
        self._note(message)
        return Receipt(message.id, self.clock())

    def _restore(self, command: Command) -> Receipt:
        message = self._messages.get(command.target)
        if message is None or message.gone is not GoneHow.REMOVED:
            raise Gone("There is nothing of ours to restore.")
        message.gone = None
        message.revision += 1
        self._note(message)
        return Receipt(message.id, self.clock())

    def _set_locked(self, command: Command, *, locked: bool) -> Receipt:
        message = self._target(command)
        if message.audience is Audience.PRIVATE:
            raise Refused(Reason.UNSUPPORTED, "Only public conversations can be locked.")
        message.thread.locked = locked
        return Receipt(message.id, self.clock())

    def _author(self, command: Command) -> str:
        message = self._messages.get(command.target)
        if message is None or message.person_id in ("", self.us.id):
            raise Gone("There is nobody that this could be done to.")
        return message.person_id

    def _mute(self, command: Command) -> Receipt:
        hours = float(command.options.get("hours", "24"))
        self._muted[self._author(command)] = self.clock() + timedelta(hours=hours)
        return Receipt(command.target, self.clock())

    def _unmute(self, command: Command) -> Receipt:
        self._muted.pop(self._author(command), None)
        return Receipt(command.target, self.clock())

    def _ban(self, command: Command) -> Receipt:
        self._banned.add(self._author(command))
        return Receipt(command.target, self.clock())

    def _unban(self, command: Command) -> Receipt:
        self._banned.discard(self._author(command))
        return Receipt(command.target, self.clock())

    def may_write(self, person_id: str, where: Thread) -> bool:
        """Whether a person can write in a conversation now."""
        muted = self._muted.get(person_id)
        return not (where.locked or person_id in self._banned or (muted is not None and muted > self.clock()))

    def _write_privately(self, command: Command) -> Receipt:
        text = self._worded(command)
        where = self._direct_thread(self._author(command))
        made = self._write(where, Kind.DIRECT, OUR_HANDLE, text)
        self._sent_ids.append(made.id)
        return Receipt(made.id, made.created_at, self._link(made))

    def _start_poll(self, command: Command) -> Receipt:
        text, answers = self._worded(command), json.loads(command.options.get("choices", "[]"))
        if len(answers) < _FEWEST or len(set(answers)) < len(answers):
            raise Refused(Reason.INVALID, "A poll needs two different answers.")
        where = self._target(command).thread
        if where.audience is Audience.PRIVATE:
            raise Refused(Reason.UNSUPPORTED, "Only a public conversation can be asked.")
        made = self._write(where, Kind.COMMENT, OUR_HANDLE, text)
        hours = float(command.options.get("hours", "24"))
        made.poll = Poll(tuple(answers), self.clock() + timedelta(hours=hours))
        self._sent_ids.append(made.id)
        return Receipt(made.id, made.created_at, self._link(made))

    def _end_poll(self, command: Command) -> Receipt:
        message = self._target(command)
        if message.poll is None or message.person_id != self.us.id:
            raise Refused(Reason.INVALID, "There is no poll of ours.")
        message.poll.closes_at = min(message.poll.closes_at, self.clock())
        self._note(message)
        return Receipt(message.id, self.clock())

    def _worded(self, command: Command) -> str:
        text = clean(command.text).strip()
        if not text:
            raise Refused(Reason.INVALID, "A reply needs words.")
        if len(text) > self.max_text:
            raise Refused(Reason.TOO_LONG, f"At most {self.max_text} characters.")
        return text

    def _target(self, command: Command) -> Message:
        message = self._messages.get(command.target)
        if message is None or message.gone:
            raise Gone("That message is no longer there.")
        return message


def clean(text: str) -> str:
    """As a service that speaks UTF-8 would: half characters replaced, NUL dropped."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def _unsupported(command: Command) -> Receipt:
    raise Refused(Reason.UNSUPPORTED, f"The demo community has no way to {command.verb.value}.")
