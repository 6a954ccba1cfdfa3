"""What Telegram's records are as messages: words with their links, people, chats as authors, files, polls.

Sources: core.telegram.org/bots/api (Message, Chat, MessageEntity, Poll). Message numbers count within a chat
only, and nothing tells later who wrote a message: an id of ours is chat, message and author.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from connectors.answers import count_at, dig, entries, text_at
from connectors.contract import Audience, Kind, Media, RemoteMessage, RemotePerson, RemotePoll
from connectors.errors import Reason, Refused, Unreadable
from connectors.telegram_api import moment, whole

_ID: Final = re.compile(r"(-?\d{1,17}):(\d{1,17}):(-?\d{1,17})", re.ASCII)
_THREAD: Final = re.compile(r"(-?\d{1,17})(?:([/:~])(\d{1,17}))?", re.ASCII)
_SUPERGROUPS: Final = -1_000_000_000_000  # numbers of supergroups and channels lie below
_TITLE: Final = 120
_FILES: Final = {
    "photo": "image",
    "animation": "video",
    "video": "video",
    "video_note": "video",
    "live_photo": "video",
    "audio": "audio",
    "voice": "audio",
    "document": "file",
    "sticker": "image",
}
_WORDLESS: Final = {
    "contact": "(a contact)",
    "venue": "(a place)",
    "location": "(a place)",
    "story": "(a story)",
    "game": "(a game)",
    "paid_media": "(paid media)",
    "giveaway": "(a giveaway)",
    "invoice": "(an invoice)",
}
_CONTENT: Final = ("text", "caption", "poll", "dice", "checklist", "rich_message", *_FILES, *_WORDLESS)
_EVERYBODY: Final = ("group", "supergroup")


@dataclass(frozen=True, slots=True)
class Us:
    """The bot."""

    id: int
    username: str


@dataclass(frozen=True, slots=True)
class Ref:
    """One of our ids, taken apart; `author` is a person, or a chat (below zero)."""

    chat: int
    message: int
    author: int

    @classmethod
    def of(cls, name: str) -> "Ref":
        """Take an id apart; Refused where it is none of ours."""
        found = _ID.fullmatch(name)
        if found is None:
            raise Refused(Reason.NOT_FOUND, "that is no message on Telegram")
        return cls(int(found[1]), int(found[2]), int(found[3]))

    def __str__(self) -> str:
        return f"{self.chat}:{self.message}:{self.author}"

    @property
    def private(self) -> bool:
        """Whether it stands in a conversation with one person."""
        return self.chat > 0


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation: a private chat, a topic, a first message with its answers, or one with a channel."""

    chat: int
    topic: int = 0
    root: int = 0
    direct: int = 0

    @classmethod
    def of(cls, name: str) -> "Place":
        """Take the name of a conversation apart; Refused where it is none of ours."""
        found = _THREAD.fullmatch(name)
        if found is None:
            raise Refused(Reason.NOT_FOUND, "that is no conversation on Telegram")
        part = {"/": "topic", ":": "root", "~": "direct"}.get(found[2] or "")
        return cls(int(found[1]), **({part: int(found[3])} if part else {}))

    def __str__(self) -> str:
        if self.topic:
            return f"{self.chat}/{self.topic}"
        if self.direct:
            return f"{self.chat}~{self.direct}"
        return f"{self.chat}:{self.root}" if self.root else f"{self.chat}"


def is_supergroup(chat: int) -> bool:
    """Whether a chat is a supergroup or a channel, by its number."""
    return chat < _SUPERGROUPS


def is_record(raw: Any) -> bool:
    """Whether a message can be read at all."""
    known = text_at(raw, "chat", "type") in ("private", "channel", *_EVERYBODY)
    return (
        count_at(raw, "message_id") > 0 and moment(dig(raw, "date")) is not None and known and _chat(raw) != 0
    )


def has_content(raw: Any) -> bool:
    """Whether somebody said something, and it is no notice of the chat's own."""
    return any(dig(raw, name) not in (None, "", [], {}) for name in _CONTENT)


def ref_of(raw: Any) -> Ref:
    """Which message it is."""
    chat = whole(raw, "chat", "id")
    return Ref(chat, count_at(raw, "message_id"), _author(raw))


def _chat(raw: Any) -> int:
    return whole(raw, "chat", "id")


def _author(raw: Any) -> int:
    """Who wrote it: a chat where somebody speaks as one, as anonymous administrators and channels do."""
    return whole(raw, "sender_chat", "id") or whole(raw, "from", "id") or _chat(raw)


def message(raw: Any, us: Us, place: Place, title: str = "") -> RemoteMessage:
    """A message as everybody else sees it."""
    made = moment(dig(raw, "date"))
    if not is_record(raw) or made is None:
        raise Unreadable("Telegram answered something else than a message")
    ref, words = ref_of(raw), words_of(raw)
    parent = dig(raw, "reply_to_message")
    answers = is_record(parent) and not dig(parent, "forum_topic_created")
    edited = moment(dig(raw, "edit_date"))
    return RemoteMessage(
        id=str(ref),
        thread_id=str(place),
        kind=_kind(raw, us),
        person=_person(raw),
        text=words,
        created_at=made,
        audience=_audience(raw),
        ours=ref.author == us.id,
        parent_id=str(ref_of(parent)) if answers else None,
        thread_title=title[:_TITLE],
        channel=chat_name(dig(raw, "chat")),
        permalink=_permalink(raw, ref),
        edited_at=edited,
        revision=f"{count_at(raw, 'edit_date') or count_at(raw, 'date')}-{_digest(words)}",
        poll=poll_of(dig(raw, "poll"), ours=ref.author == us.id),
        media=tuple(_files(raw)),
    )


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()[:8]


def _kind(raw: Any, us: Us) -> Kind:
    where = _kind_of_chat(raw)
    if where == "private":
        return Kind.DIRECT
    if where == "channel" or dig(raw, "is_automatic_forward") is True:
        return Kind.POST
    return Kind.MENTION if mentions(raw, us) else Kind.COMMENT


def _kind_of_chat(raw: Any) -> str:
    """What people write to a channel itself stands between them and the channel."""
    is_direct = dig(raw, "chat", "is_direct_messages") is True
    return "private" if is_direct else text_at(raw, "chat", "type")


def mentions(raw: Any, us: Us) -> bool:
    """Whether it names the bot or answers it."""
    if whole(raw, "reply_to_message", "from", "id") == us.id:
        return True
    for part, one in _parts(raw):
        if text_at(one, "type") == "text_mention" and whole(one, "user", "id") == us.id:
            return True
        named = part.casefold().endswith(f"@{us.username.casefold()}")
        if us.username and named and text_at(one, "type") in ("mention", "bot_command"):
            return True
    return False


def _audience(raw: Any) -> Audience:
    """Only a chat with a public name, and what stands below a public channel's post, is for everybody."""
    if _kind_of_chat(raw) == "private":
        return Audience.PRIVATE
    below = [raw, dig(raw, "reply_to_message")]
    open_post = any(
        dig(one, "is_automatic_forward") is True and text_at(one, "sender_chat", "username") for one in below
    )
    return Audience.PUBLIC if text_at(raw, "chat", "username") or open_post else Audience.PRIVATE


# ---------------------------------------------------------------------- people and chats


def _person(raw: Any) -> RemotePerson:
    sender = dig(raw, "sender_chat")
    if whole(sender, "id") or not whole(raw, "from", "id"):
        chat = sender if whole(sender, "id") else dig(raw, "chat")
        signed = text_at(raw, "author_signature")
        name = chat_name(chat)
        shown = f"{name} ({signed})" if signed else name
        return RemotePerson(str(whole(chat, "id")), text_at(chat, "username") or name, shown)
    person = dig(raw, "from")
    name = full_name(person)
    shown = f"{name} (bot)" if dig(person, "is_bot") is True else name
    return RemotePerson(str(whole(person, "id")), text_at(person, "username") or name, shown)


def full_name(person: Any) -> str:
    """What somebody is called; their number where the names say nothing."""
    names = f"{text_at(person, 'first_name')} {text_at(person, 'last_name')}".strip()
    return names or text_at(person, "username") or str(whole(person, "id"))


def chat_name(chat: Any) -> str:
    """What a chat is called."""
    return text_at(chat, "title") or full_name(chat)


def _permalink(raw: Any, ref: Ref) -> str | None:
    name = text_at(raw, "chat", "username")
    if name and not ref.private and name.isascii() and name.replace("_", "").isalnum():
        return f"https://t.me/{name}/{ref.message}"
    inside = _SUPERGROUPS - ref.chat
    return f"https://t.me/c/{inside}/{ref.message}" if is_supergroup(ref.chat) else None


# ---------------------------------------------------------------------- words


def words_of(raw: Any) -> str:
    """What is said, with the addresses behind words; of what has no words, what it is."""
    said = _with_links(raw) or _poll_words(raw) or "\n".join(_rich(dig(raw, "rich_message", "blocks")))
    if said:
        return said
    if dig(raw, "checklist"):
        tasks = [text_at(one, "text") for one in entries(raw, "checklist", "tasks")]
        return "\n".join([text_at(raw, "checklist", "title"), *tasks])
    spoken = text_at(raw, "dice", "emoji") or text_at(raw, "sticker", "emoji")
    return spoken or next((words for name, words in _WORDLESS.items() if dig(raw, name)), "")


def _poll_words(raw: Any) -> str:
    return text_at(raw, "poll", "question")


def _rich(block: Any) -> Iterator[str]:
    """The words of a rich message: blocks within blocks, whose words stand under a few names."""
    if isinstance(block, list):
        for one in block:
            yield from _rich(one)
    elif isinstance(block, dict):
        flat = "".join(_flat(block.get("text")))
        if flat:
            yield flat
        for name in ("blocks", "items", "cells", "caption", "summary"):
            yield from _rich(block.get(name))


def _flat(text: Any) -> Iterator[str]:
    if isinstance(text, str):
        yield text
    elif isinstance(text, list):
        for one in text:
            yield from _flat(one)
    elif isinstance(text, dict):
        yield from _flat(text.get("text"))
        if text_at(text, "url"):
            yield f" ({text_at(text, 'url')})"


def _parts(raw: Any) -> Iterator[tuple[str, Any]]:
    """The marked parts of the words. Offsets count in UTF-16."""
    name = "text" if text_at(raw, "text") else "caption"
    said = _utf16(text_at(raw, name))
    for one in entries(raw, "entities" if name == "text" else "caption_entities"):
        begin, length = count_at(one, "offset"), count_at(one, "length")
        yield said[2 * begin : 2 * (begin + length)].decode("utf-16-le", "replace"), one


def _with_links(raw: Any) -> str:
    said = text_at(raw, "text") or text_at(raw, "caption")
    links: list[tuple[int, str]] = []
    for part, one in _parts(raw):
        url = text_at(one, "url")
        if text_at(one, "type") == "text_link" and url and part.strip() not in (url, url.rstrip("/")):
            links.append((2 * (count_at(one, "offset") + count_at(one, "length")), url))
    if not links:
        return said
    bare = _utf16(said)
    for end, url in sorted(links, reverse=True):
        bare = bare[:end] + _utf16(f" ({url})") + bare[end:]
    return bare.decode("utf-16-le", "replace")


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le", "replace")


def length(text: str) -> int:
    """How long Telegram finds a text."""
    return len(_utf16(text)) // 2


# ---------------------------------------------------------------------- what comes with the words


def _files(raw: Any) -> Iterator[Media]:
    """What is attached. Its address would hold the token, so only its name at Telegram is kept."""
    for name, kind in _FILES.items():
        if name == "document" and dig(raw, "animation"):
            continue  # the same film once more, for older programs
        found = dig(raw, name)
        one = found[-1] if isinstance(found, list) and found else found  # the largest picture
        key = text_at(one, "file_id")
        if key:
            said = text_at(one, "emoji") or text_at(one, "file_name") or text_at(one, "title")
            yield Media(f"telegram:{key}", kind, said)


def poll_of(raw: Any, *, ours: bool) -> RemotePoll | None:
    """A poll as it stands. Of other people's polls a bot learns the votes only when they have ended."""
    if not isinstance(raw, dict) or not text_at(raw, "id"):
        return None
    closed = dig(raw, "is_closed") is True
    told = ours or closed
    answers = tuple(
        (text_at(one, "text"), count_at(one, "voter_count") if told else None)
        for one in entries(raw, "options")
    )
    return RemotePoll(
        answers,
        count_at(raw, "total_voter_count") if told else None,
        moment(dig(raw, "close_date")),
        closed,
        dig(raw, "allows_multiple_answers") is True,
    )
