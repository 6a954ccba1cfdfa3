"""Discord's messages as ours: ids, people, words, polls, media.

Source: discord.com/developers/docs/resources/message and /resources/poll. An id is a snowflake: it begins
with its moment. A message is known by its channel and its own id together.
"""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from connectors.answers import count_at, dig, entries, text_at, time_at
from connectors.contract import Kind, Media, RemoteMessage, RemotePerson, RemotePoll
from connectors.discord_api import is_id
from connectors.discord_places import DIRECT, Place
from connectors.errors import Gone, Unreadable

_EPOCH: Final = datetime(2015, 1, 1, tzinfo=UTC)
_SHIFT: Final = 22
_WORDED: Final = frozenset({0, 19, 20, 23})  # of people and apps; all other kinds are Discord's own
_ANSWER: Final = 19
_MENTION: Final = re.compile(r"<(@!?|@&|#)(\d{5,20})>", re.ASCII)
_EMOJI: Final = re.compile(r"<a?(:\w{1,64}:)\d{5,20}>", re.ASCII)
_SITE: Final = "https://discord.com/channels"


@dataclass(frozen=True, slots=True)
class Ref:
    """A message's channel and its id there."""

    channel: str
    id: str

    @classmethod
    def of(cls, text: str) -> Self:
        """Read one of our ids; what is none names nothing that could be there."""
        channel, _, message = text.partition("/")
        if not (is_id(channel) and is_id(message)):
            raise Gone("there is no such message")
        return cls(channel, message)

    def __str__(self) -> str:
        return f"{self.channel}/{self.id}"

    @property
    def path(self) -> str:
        """Where the API has it."""
        return f"channels/{self.channel}/messages/{self.id}"


def snowflake(moment: datetime) -> int:
    """The least id that something of this moment can have."""
    return max(0, (moment - _EPOCH) // timedelta(milliseconds=1)) << _SHIFT


def moment_of(number: int) -> datetime:
    """When the thing with this id came to be."""
    return _EPOCH + timedelta(milliseconds=number >> _SHIFT)


def number_of(raw: Any) -> int:
    """The id of a record as a number, 0 where it has none."""
    found = text_at(raw, "id")
    return int(found) if is_id(found) else 0


def is_record(raw: Any) -> bool:
    """Whether this is a message at all."""
    return number_of(raw) > 0 and isinstance(dig(raw, "content"), str) and isinstance(dig(raw, "type"), int)


def is_message(raw: Any) -> bool:
    """Whether somebody wrote it, and not Discord itself: joins, pins and boosts are none."""
    return is_record(raw) and dig(raw, "type") in _WORDED


def read(raw: Any, place: Place, me: str, names: Mapping[str, str]) -> RemoteMessage:
    """Turn a record into a message."""
    if not is_record(raw):
        raise Unreadable("Discord answered something else than a message")
    ref, author = Ref(place.id, text_at(raw, "id")), text_at(raw, "author", "id")
    ours = bool(author) and author == me
    created = time_at(raw, "timestamp") or moment_of(number_of(raw))
    edited = time_at(raw, "edited_timestamp")
    answered = text_at(raw, "message_reference", "message_id") if dig(raw, "type") == _ANSWER else ""
    return RemoteMessage(
        id=str(ref),
        thread_id=place.id,
        kind=_kind(raw, place, me, ours=ours),
        person=_person(raw),
        text=_words(raw, names),
        created_at=created,
        audience=place.audience,
        ours=ours,
        parent_id=str(Ref(place.id, answered)) if is_id(answered) else None,
        thread_title=place.title,
        channel=place.channel,
        permalink=f"{_SITE}/{place.guild or '@me'}/{place.id}/{ref.id}",
        edited_at=edited,
        revision=text_at(raw, "edited_timestamp") or "1",
        likes=sum(count_at(one, "count") for one in entries(raw, "reactions")),
        replies=count_at(raw, "thread", "message_count"),
        poll=poll(raw),
        media=_media(raw),
        labels=_labels(raw),
    )


def look(message: RemoteMessage) -> str:
    """What changes when a message does: its words, counts and votes."""
    seen = (message.revision, message.text, message.likes, message.replies, message.poll)
    return f"{zlib.crc32(repr(seen).encode('utf-8', 'replace')):x}"


def _kind(raw: Any, place: Place, me: str, *, ours: bool) -> Kind:
    if place.sort in DIRECT:
        return Kind.DIRECT
    if place.forum and text_at(raw, "id") == place.id:  # the first of a post has the post's id
        return Kind.POST
    answered = text_at(raw, "referenced_message", "author", "id")
    named = {text_at(one, "id") for one in entries(raw, "mentions")}
    return Kind.MENTION if not ours and me in {answered, *named} else Kind.COMMENT


def _person(raw: Any) -> RemotePerson | None:
    author = dig(raw, "author")
    key, handle = text_at(author, "id"), text_at(author, "username")
    if not key:
        return None
    if text_at(raw, "webhook_id"):
        # One webhook speaks for many (plural systems' proxies, bridges): only the name tells them apart.
        return RemotePerson(f"webhook {key} {handle}", handle)
    tag = text_at(author, "discriminator")
    handle = f"{handle}#{tag}" if tag.strip("0") else handle
    joined = moment_of(int(key)) if is_id(key) else None
    return RemotePerson(key, handle or key, text_at(author, "global_name"), joined)


def _labels(raw: Any) -> tuple[str, ...]:
    if text_at(raw, "webhook_id"):
        return ("webhook",)
    return ("bot",) if dig(raw, "author", "bot") is True else ()


def _words(raw: Any, names: Mapping[str, str]) -> str:
    """The words, with names for numbers; those of what is forwarded where it has none of its own."""
    people = {f"@{text_at(one, 'id')}": f"@{_called(one)}" for one in entries(raw, "mentions")}
    known = {**names, **people}

    def named(found: re.Match[str]) -> str:
        return known.get(found[1].replace("!", "") + found[2], found[0])

    words = text_at(raw, "content") or "\n".join(_borrowed(raw))
    return _EMOJI.sub(r"\1", _MENTION.sub(named, words))


def _called(user: Any) -> str:
    return text_at(user, "global_name") or text_at(user, "username") or text_at(user, "id")


def _borrowed(raw: Any) -> list[str]:
    found = [text_at(one, "message", "content") for one in entries(raw, "message_snapshots")]
    found += [text_at(raw, "poll", "question", "text")]
    for one in entries(raw, "embeds"):
        found += [text_at(one, "title"), text_at(one, "description")]
    return [text for text in found if text]


def is_wordless(raw: Any) -> bool:
    """Whether it looks as all messages do to a bot that may not read contents."""
    parts = ("attachments", "embeds", "components", "sticker_items", "message_snapshots")
    return not (text_at(raw, "content") or dig(raw, "poll") or any(entries(raw, part) for part in parts))


def poll(raw: Any) -> RemotePoll | None:
    """A poll and its votes; an answer that nobody chose is not among Discord's counts."""
    found = dig(raw, "poll")
    if not isinstance(found, dict):
        return None
    results = dig(found, "results")
    counts = {dig(one, "id"): count_at(one, "count") for one in entries(results, "answer_counts")}
    answers = [
        (
            text_at(one, "poll_media", "text") or text_at(one, "poll_media", "emoji", "name"),
            counts.get(dig(one, "answer_id"), 0) if isinstance(results, dict) else None,
        )
        for one in entries(found, "answers")
    ]
    several = dig(found, "allow_multiselect") is True
    return RemotePoll(
        answers=tuple(answers),
        voters=None if several or not isinstance(results, dict) else sum(counts.values()),
        closes_at=time_at(found, "expiry"),
        closed=dig(results, "is_finalized") is True,
        several=several,
    )


def _media(raw: Any) -> tuple[Media, ...]:
    attached = [*entries(raw, "attachments")]
    for one in entries(raw, "message_snapshots"):
        attached += entries(one, "message", "attachments")
    found = [
        Media(text_at(one, "url"), _sort_of(one), text_at(one, "description") or text_at(one, "filename"))
        for one in attached
        if text_at(one, "url")
    ]
    for one in entries(raw, "sticker_items"):
        if is_id(dig(one, "id")):
            address = f"https://media.discordapp.net/stickers/{one['id']}.png"
            found.append(Media(address, "image", text_at(one, "name")))
    return tuple(found)


def _sort_of(attachment: Any) -> str:
    sort = text_at(attachment, "content_type").partition("/")[0]
    return sort if sort in ("image", "video", "audio") else "file"
