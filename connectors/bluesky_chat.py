"""Bluesky's direct messages.

Sources: the chat.bsky.convo lexicons. Calls go to our own server, which hands them on. An id is
"conversation/message". The log is the one list there that can be resumed exactly.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.answers import dig, entries, text_at, time_at
from connectors.bluesky_feed import person_of
from connectors.bluesky_session import CHAT, Session
from connectors.bluesky_text import MAX_DIRECT, MAX_DIRECT_BYTES, graphemes, storable
from connectors.contract import (
    Audience,
    Command,
    GoneHow,
    Kind,
    Page,
    Receipt,
    RemoteGone,
    RemoteMessage,
    RemotePerson,
)
from connectors.errors import Gone, OutcomeUnknown, Reason, Refused, Unreadable
from connectors.keys import begun_at

_PREFIX = "chat.bsky.convo."
_PAGES = 200  # of a hundred messages, read of one conversation at most
STREAM = "directs"
NEEDS_PRIVILEGE = (
    "This app password may not read direct messages. "
    "Make a new one on Bluesky with access to direct messages and sign in again."
)


def split(message_id: str) -> tuple[str, str]:
    """Take an id apart into conversation and message."""
    convo, _, message = message_id.partition("/")
    return convo, message


class Chat:
    """The conversations of one account."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._people: dict[str, RemotePerson] = {}
        self._titles: dict[str, str] = {}
        self._claimed: dict[str, str] = {}  # message id -> key of the command that sent it

    def pull(self, state: str, since: datetime | None) -> Iterator[Page]:
        """First every conversation, then what the log says happened since."""
        self._need_privilege()
        self._titles.clear()  # names change; what a pull says is fresh
        cursor, todo = _loaded(state)
        if cursor is None:
            # The log's end comes first: what is written while we read the conversations is in it.
            cursor = text_at(self._read("getLog"), "cursor")
            todo = self._conversations()
        total = len(todo)
        while todo:
            convo, *todo = todo
            messages, gone, skipped = self._messages(convo, since)
            dump = json.dumps({"cursor": cursor, "todo": todo})
            done = total - len(todo)
            yield Page(STREAM, messages, gone, dump, skipped=skipped, done=done, total=total)
        yield from self._log(cursor, since, total)

    def fetch(self, ids: Sequence[str]) -> dict[str, RemoteMessage | RemoteGone]:
        """Re-read messages of a few conversations."""
        self._need_privilege()
        found: dict[str, RemoteMessage | RemoteGone] = {}
        wanted = set(ids)
        for convo in dict.fromkeys(split(id_)[0] for id_ in ids):
            messages, gone, _ = self._messages(convo, None, wanted)
            found.update({message.id: message for message in messages})
            found.update({entry.id: entry for entry in gone})
        return {id_: found.get(id_, RemoteGone(id_)) for id_ in ids}

    def thread(self, message_id: str) -> list[RemoteMessage]:
        """Read the conversation, oldest first; Gone where it is not ours any more."""
        convo, _ = split(message_id)
        messages, _, _ = self._messages(convo, None)
        if not messages and not self._title(convo):
            raise Gone("that conversation is no longer there")
        return sorted(messages, key=lambda message: (message.created_at, message.id))

    def send(self, command: Command) -> Receipt:
        """Answer in a conversation; a command that was sent before is found and not sent again."""
        self._need_privilege()
        if not storable(command.text):
            raise Refused(Reason.INVALID, "there are signs in it that Bluesky cannot hold")
        if graphemes(command.text) > MAX_DIRECT or len(command.text.encode()) > MAX_DIRECT_BYTES:
            raise Refused(Reason.TOO_LONG, f"a direct message holds {MAX_DIRECT} characters")
        sent = self.find_sent(command)
        if sent:
            return sent
        convo = split(command.target)[0]
        body = {"convoId": convo, "message": {"text": command.text}}
        answer = self._session.write(_PREFIX + "sendMessage", body, CHAT)
        if not text_at(answer, "id"):
            raise OutcomeUnknown("the chat service did not say what it made")
        return self._receipt(convo, answer, command.key)

    def find_sent(self, command: Command) -> Receipt | None:
        """Look for our own message with these words, written after the command was made.

        The chat has no place for a key. What another command of this session sent does not count.
        """
        convo = split(command.target)[0]
        begun = begun_at(command.key) or datetime.min.replace(tzinfo=UTC)
        for view in self._views(convo, pages=1):
            words = text_at(view, "text").strip() == command.text.strip()
            sent_at = time_at(view, "sentAt")
            ours = text_at(view, "sender", "did") == self._session.did
            free = self._claimed.get(text_at(view, "id"), command.key) == command.key
            if ours and words and free and sent_at and sent_at >= begun:
                return self._receipt(convo, view, command.key)
        return None

    def _receipt(self, convo: str, view: Any, key: str) -> Receipt:
        message = text_at(view, "id")
        self._claimed[message] = key
        return Receipt(f"{convo}/{message}", time_at(view, "sentAt"))

    def _need_privilege(self) -> None:
        if not self._session.may_chat():
            raise Refused(Reason.SCOPE, NEEDS_PRIVILEGE)

    def _read(self, method: str, **params: object) -> dict[str, Any]:
        return self._session.read(_PREFIX + method, params, CHAT)

    def _conversations(self) -> list[str]:
        """List every conversation, those that strangers ask for included."""
        found: dict[str, None] = {}
        for status in ("accepted", "request"):
            cursor = ""
            for _ in range(_PAGES):
                more = {"cursor": cursor} if cursor else {}
                answer = self._read("listConvos", status=status, limit=100, **more)
                for convo in entries(answer, "convos"):
                    self._learn(convo)
                    found[text_at(convo, "id")] = None
                cursor = text_at(answer, "cursor")
                if not cursor:
                    break
        return [convo for convo in found if convo]

    def _learn(self, convo: Any) -> None:
        """Remember who takes part: messages carry only an account's id."""
        names = []
        for member in entries(convo, "members"):
            try:
                person = person_of(member)
            except Unreadable:
                continue
            self._people[person.id] = person
            if person.id != self._session.did:
                names.append(person.name or f"@{person.handle}")
        self._titles[text_at(convo, "id")] = ", ".join(names)

    def _title(self, convo: str) -> str:
        if convo not in self._titles:
            try:
                self._learn(dig(self._read("getConvo", convoId=convo), "convo"))
            except Gone:  # we left it
                self._titles[convo] = ""
        return self._titles.get(convo, "")

    def _views(self, convo: str, pages: int) -> Iterator[Any]:
        """Messages, newest first."""
        cursor = ""
        for _ in range(pages):
            more = {"cursor": cursor} if cursor else {}
            try:
                answer = self._read("getMessages", convoId=convo, limit=100, **more)
            except Gone:
                return
            yield from entries(answer, "messages")
            cursor = text_at(answer, "cursor")
            if not cursor:
                return

    def _messages(
        self, convo: str, since: datetime | None, wanted: set[str] | None = None
    ) -> tuple[tuple[RemoteMessage, ...], tuple[RemoteGone, ...], int]:
        """Read a conversation back to a moment, or until all that is wanted was seen."""
        messages: list[RemoteMessage] = []
        gone: list[RemoteGone] = []
        skipped = 0
        missing = {id_ for id_ in wanted or () if split(id_)[0] == convo}
        for view in self._views(convo, _PAGES):
            try:
                found = self._entry(convo, view)
            except Unreadable:
                skipped += 1
                continue
            if isinstance(found, RemoteMessage):
                if since and found.created_at < since:
                    break
                messages.append(found)
            elif found:
                gone.append(found)
            missing.discard(found.id if found else "")
            if wanted is not None and not missing:
                break
        return tuple(messages), tuple(gone), skipped

    def _log(self, cursor: str, since: datetime | None, total: int) -> Iterator[Page]:
        while True:
            answer = self._read("getLog", **({"cursor": cursor} if cursor else {}))
            events = entries(answer, "logs")
            messages: list[RemoteMessage] = []
            gone: list[RemoteGone] = []
            skipped = 0
            for event in events:
                try:
                    found = self._happened(event)
                except Unreadable:
                    skipped += 1
                    continue
                if isinstance(found, RemoteGone):
                    gone.append(found)
                elif found and not (since and found.created_at < since):
                    messages.append(found)
            before, cursor = cursor, text_at(answer, "cursor") or cursor
            dump = json.dumps({"cursor": cursor, "todo": []})
            yield Page(STREAM, tuple(messages), tuple(gone), dump, skipped=skipped, done=total, total=total)
            if not events or cursor == before:
                return

    def _happened(self, event: Any) -> RemoteMessage | RemoteGone | None:
        kind = text_at(event, "$type").rpartition("#")[2]
        if kind not in ("logCreateMessage", "logDeleteMessage"):
            return None  # reading, muting, accepting: nothing that anybody said
        for person in entries(event, "relatedProfiles"):
            self._people[text_at(person, "did")] = person_of(person)
        return self._entry(text_at(event, "convoId"), dig(event, "message"))

    def _entry(self, convo: str, view: Any) -> RemoteMessage | RemoteGone | None:
        """Read a message; a deleted one is gone for our account only, which is all we can see."""
        message, sender = text_at(view, "id"), text_at(view, "sender", "did")
        kind = text_at(view, "$type").rpartition("#")[2]
        if kind in ("systemMessageView", "messageBeforeUserJoinedGroupView"):
            return None
        if not convo or not message:
            raise Unreadable("a message without an id")
        if kind == "deletedMessageView":
            return RemoteGone(f"{convo}/{message}", GoneHow.DELETED)
        text, sent_at = dig(view, "text"), time_at(view, "sentAt")
        if not isinstance(text, str) or sent_at is None or not sender:
            raise Unreadable("a message without words, time or sender")
        reply_to = text_at(view, "replyTo", "id")
        title = self._title(convo)
        return RemoteMessage(
            id=f"{convo}/{message}",
            thread_id=convo,
            kind=Kind.DIRECT,
            person=self._people.get(sender) or RemotePerson(sender, ""),
            text=text,
            created_at=sent_at,
            audience=Audience.PRIVATE,
            ours=sender == self._session.did,
            parent_id=f"{convo}/{reply_to}" if reply_to else None,
            thread_title=title,
            revision=message,  # nobody can edit a direct message
            likes=len(entries(view, "reactions")),
        )


def _loaded(state: str) -> tuple[str | None, list[str]]:
    """Read a state; one that makes no sense means to begin again, which loses nothing."""
    try:
        found = json.loads(state) if state else {}
    except ValueError:
        found = {}
    todo = [convo for convo in entries(found, "todo") if isinstance(convo, str)]
    cursor = dig(found, "cursor")
    return (cursor, todo) if isinstance(cursor, str) else (None, [])
