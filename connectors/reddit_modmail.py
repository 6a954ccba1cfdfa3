"""Modmail: what members write to the moderators, and what the moderators write back.

Notes among moderators stand in the same conversations. They are left out: shown here, one could be taken for
the person's words, or an answer to it could go to the person.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from connectors.answers import dig, text_at
from connectors.contract import Audience, Kind, Page, RemoteGone, RemoteMessage, RemotePerson
from connectors.errors import Gone, Unreadable
from connectors.html import to_text
from connectors.reddit_session import Session, moment_at
from connectors.reddit_walk import Seen

STREAM: Final = "modmail"
PREFIX: Final = "modmail:"
PATH: Final = "api/mod/conversations"
_AT_ONCE: Final = 25  # each changed conversation is one more request, of a hundred in a minute
_MOST_PAGES: Final = 40


def conversation_of(message_id: str) -> str:
    """The conversation's own id, from a message's id or a thread's."""
    parts = message_id.removeprefix(PREFIX).split(":")
    if not message_id.startswith(PREFIX) or not all(part.isascii() and part.isalnum() for part in parts):
        raise Gone("there is no such conversation")
    return parts[0]


class Modmail:
    """The conversations of the communities `entity`, separated by commas."""

    def __init__(self, session: Session, entity: str) -> None:
        self._session, self._entity = session, entity

    def pull(self, state: str, since: datetime | None) -> Iterator[Page]:
        """Conversations from the last that changed to the first, until one that has not."""
        seen = Seen.load(state)
        known, count = dict(seen.known), 0
        for conversations, answer, more in self._pages():
            messages, skipped, reached = list[RemoteMessage](), 0, False
            count += len(conversations)
            for conversation in conversations:
                name, changed = text_at(conversation, "id"), text_at(conversation, "lastUpdated")
                at = moment_at(conversation, "lastUpdated")
                reached |= known.get(name) == changed or (since is not None and at is not None and at < since)
                if not seen.met(name, changed):
                    continue
                try:
                    found, unread = _messages(self._whole(conversation, answer))
                except Unreadable:
                    del seen.part[name]  # it is asked for again
                    found, unread = [], 1
                except Gone:
                    continue
                messages += [m for m in found if since is None or m.created_at >= since]
                skipped += unread
            if more and not reached:
                yield Page(STREAM, tuple(messages), state=seen.dump(), skipped=skipped)
                continue
            seen.complete()
            cut_off = count >= _AT_ONCE * _MOST_PAGES and not reached and bool(known or since)
            yield Page(STREAM, tuple(messages), state=seen.dump(), gap=cut_off, skipped=skipped)
            return

    def conversation(self, name: str) -> Any:
        """One conversation with its messages; Unreadable where it is something else."""
        found = self._session.read(f"{PATH}/{name}")
        if not isinstance(dig(found, "conversation"), dict) or not isinstance(dig(found, "messages"), dict):
            raise Unreadable("Reddit answered something that is not a conversation")
        return found

    def thread(self, message_id: str) -> list[RemoteMessage]:
        """The conversation of a message, oldest first."""
        return _messages(self.conversation(conversation_of(message_id)))[0]

    def fetch(self, ids: Sequence[str]) -> dict[str, RemoteMessage | RemoteGone]:
        """Re-read messages; each conversation is asked for once."""
        found: dict[str, RemoteMessage | RemoteGone] = {id_: RemoteGone(id_) for id_ in ids}
        for name in dict.fromkeys(id_.split(":")[1] for id_ in ids if _is_message(id_)):
            try:
                messages, skipped = _messages(self.conversation(name))
            except Gone:
                continue
            if skipped:
                raise Unreadable("a message of the conversation is in no form that Reddit documents")
            found.update({message.id: message for message in messages if message.id in found})
        return found

    def recent(self, author: str) -> Iterator[Any]:
        """The conversations with one person among those that changed last, whole."""
        for conversation in next(self._pages())[0]:
            if text_at(conversation, "participant", "name").casefold() == author.casefold():
                yield self.conversation(text_at(conversation, "id"))

    def _pages(self) -> Iterator[tuple[list[Any], Any, bool]]:
        after, met = "", set[str]()
        for number in range(1, _MOST_PAGES + 1):
            more = {"after": after} if after else {}
            answer = self._session.read(
                PATH, entity=self._entity, sort="recent", state="all", limit=_AT_ONCE, **more
            )
            order, held = dig(answer, "conversationIds"), dig(answer, "conversations")
            if not isinstance(order, list) or not isinstance(held, dict):
                raise Unreadable("Reddit answered something that is not a list of conversations")
            conversations = [held[name] for name in order if isinstance(name, str) and name in held]
            met.add(after)
            after = text_at(conversations[-1], "id") if conversations else ""
            goes_on = len(order) >= _AT_ONCE and after not in met and number < _MOST_PAGES
            yield conversations, answer, goes_on
            if not goes_on:
                return

    def _whole(self, conversation: Any, answer: Any) -> Any:
        """The conversation with all its messages; of a single one the list shows everything already."""
        order, held = dig(conversation, "objIds"), dig(answer, "messages")
        named = [text_at(entry, "id") for entry in (order if isinstance(order, list) else [])]
        if (
            dig(conversation, "numMessages") == 1
            and isinstance(held, dict)
            and len(named) == 1
            and named[0] in held
        ):
            return {"conversation": conversation, "messages": {named[0]: held[named[0]]}}
        return self.conversation(text_at(conversation, "id"))


def message(conversation: Any, entry: Any) -> RemoteMessage:
    """One message of a conversation; of the moderators' messages all are the community's, which is us."""
    name, made = text_at(entry, "id"), moment_at(entry, "date")
    thread = PREFIX + text_at(conversation, "id")
    text = text_at(entry, "bodyMarkdown") or to_text(text_at(entry, "body"))
    if not name or made is None or thread == PREFIX:
        raise Unreadable("a message without its id or time")
    author = dig(entry, "author")
    return RemoteMessage(
        id=f"{thread}:{name}",
        thread_id=thread,
        kind=Kind.DIRECT,
        person=_person(author),
        text=text,
        created_at=made,
        audience=Audience.PRIVATE,
        ours=bool(dig(author, "isMod")) and not dig(author, "isParticipant"),
        thread_title=text_at(conversation, "subject"),
        channel=text_at(conversation, "owner", "displayName"),
        permalink=f"https://mod.reddit.com/mail/all/{text_at(conversation, 'id')}",
        revision=name,
    )


def first(found: Any, wanted: Callable[[RemoteMessage], bool]) -> RemoteMessage | None:
    """The first message of a conversation that is wanted."""
    return next((one for one in _messages(found)[0] if wanted(one)), None)


def _messages(found: Any) -> tuple[list[RemoteMessage], int]:
    """The messages that the person can see, oldest first, and how many could not be read."""
    conversation, messages, skipped = dig(found, "conversation"), list[RemoteMessage](), 0
    for entry in dig(found, "messages").values():
        # Where it is not said, it could be a note: better one message less than one note too many.
        if dig(entry, "isInternal") is not False:
            skipped += not isinstance(dig(entry, "isInternal"), bool)
            continue
        try:
            messages.append(message(conversation, entry))
        except Unreadable:
            skipped += 1
    return sorted(messages, key=lambda one: (one.created_at, one.id)), skipped


def _person(author: Any) -> RemotePerson | None:
    name = text_at(author, "name")
    return None if not name or dig(author, "isDeleted") else RemotePerson(name.casefold(), f"u/{name}")


def _is_message(message_id: str) -> bool:
    parts = message_id.split(":")
    return len(parts) == 3 and all(part.isascii() and part.isalnum() for part in parts[1:])  # noqa: PLR2004 - prefix, conversation, message
