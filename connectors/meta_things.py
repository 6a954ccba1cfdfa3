"""What Meta's records are as messages: comments of a Page and of an Instagram account, and both inboxes.

Sources: facebook-business-sdk-codegen api_specs (Comment, IGComment, UnifiedThread), Conversations API. An id
of ours names where it lives, then Meta's id; that of a direct message names its conversation too.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from connectors.answers import count_at, dig, entries, text_at, time_at
from connectors.contract import Audience, Kind, Media, RemoteMessage, RemotePerson
from connectors.errors import Reason, Refused, Unreadable


class Place(StrEnum):
    """Where a message lives; the first part of its id."""

    PAGE = "fb"
    INSTAGRAM = "ig"
    MESSENGER = "fbm"
    INSTAGRAM_DIRECT = "igm"


DIRECT: Final = frozenset({Place.MESSENGER, Place.INSTAGRAM_DIRECT})
PLATFORM: Final = {Place.MESSENGER: "messenger", Place.INSTAGRAM_DIRECT: "instagram"}
INBOX_OF: Final = {Place.PAGE: Place.MESSENGER, Place.INSTAGRAM: Place.INSTAGRAM_DIRECT}
_PAGE_COMMENT: Final = (
    "id,message,created_time,from,parent{id},is_hidden,is_private,like_count,comment_count,"
    "can_hide,can_like,can_remove,can_reply_privately,user_likes,permalink_url,attachment"
)
_GRAM_COMMENT: Final = "id,text,timestamp,from,username,hidden,like_count,parent_id"
_MESSAGE: Final = "id,created_time,from,to,message,attachments"
FIELDS: Final = {
    Place.PAGE: _PAGE_COMMENT,
    Place.INSTAGRAM: _GRAM_COMMENT,
    Place.MESSENGER: _MESSAGE,
    Place.INSTAGRAM_DIRECT: _MESSAGE,
}
_ID: Final = re.compile(r"[^/?#%\s.][^/?#%\s]*")
_CHANNELS: Final = {
    Place.PAGE: "Facebook",
    Place.INSTAGRAM: "Instagram",
    Place.MESSENGER: "Messenger",
    Place.INSTAGRAM_DIRECT: "Instagram",
}


@dataclass(frozen=True, slots=True)
class Us:
    """The Page and, where one is linked, its Instagram account."""

    page: str
    name: str
    gram: str = ""
    gram_name: str = ""

    def is_ours(self, raw: Any) -> bool:
        """Whether we wrote it: Instagram leaves out the id of an author at times, never the name."""
        who = text_at(raw, "from", "id")
        named = text_at(raw, "username") or text_at(raw, "from", "username")
        return who in {self.page, self.gram} - {""} or bool(self.gram_name and named == self.gram_name)


@dataclass(frozen=True, slots=True)
class Ref:
    """One of our ids, taken apart."""

    place: Place
    id: str
    conversation: str = ""

    @classmethod
    def of(cls, name: str) -> "Ref":
        """Take an id apart; Refused where it is none of ours."""
        place, _, rest = name.partition(":")
        if place not in set(Place) or not rest:
            raise Refused(Reason.NOT_FOUND, "that is no message of a Page or an Instagram account")
        conversation, _, message = rest.partition("/")
        if place in DIRECT:
            return cls(Place(place), message, conversation)
        return cls(Place(place), rest)

    def __str__(self) -> str:
        within = f"{self.conversation}/" if self.conversation else ""
        return f"{self.place}:{within}{self.id}"


def is_record(raw: Any, place: Place) -> bool:
    """Whether it can be read: beyond the newest twenty, a direct message has neither author nor words."""
    made = time_at(raw, "timestamp" if place is Place.INSTAGRAM else "created_time")
    known = place not in DIRECT or isinstance(dig(raw, "from"), dict)
    # An id becomes part of an address: one that would lead elsewhere is none.
    return _ID.fullmatch(text_at(raw, "id")) is not None and made is not None and known


def created(raw: Any) -> datetime:
    """When it was written."""
    found = time_at(raw, "created_time") or time_at(raw, "timestamp")
    if found is None:
        raise Unreadable("a message without its time")
    return found


def root(raw: Any) -> str:
    """The first comment of the conversation that a comment belongs to."""
    return text_at(raw, "parent", "id") or text_at(raw, "parent_id") or text_at(raw, "id")


def comment(raw: Any, place: Place, us: Us, title: str = "", link: str = "") -> RemoteMessage:
    """A comment of a Page or of an Instagram account."""
    words = text_at(raw, "message") or text_at(raw, "text")
    first = root(raw)
    parent = f"{place}:{first}" if first != text_at(raw, "id") else None
    return RemoteMessage(
        id=f"{place}:{text_at(raw, 'id')}",
        thread_id=f"{place}:{first}",
        kind=Kind.COMMENT,
        person=_person(raw),
        text=words,
        created_at=created(raw),
        audience=Audience.PRIVATE if dig(raw, "is_private") is True else Audience.PUBLIC,
        ours=us.is_ours(raw),
        parent_id=parent,
        thread_title=title[:120],
        channel=_CHANNELS[place],
        permalink=text_at(raw, "permalink_url") or link or None,
        revision=_revision(words),
        hidden=dig(raw, "is_hidden") is True or dig(raw, "hidden") is True,
        likes=count_at(raw, "like_count"),
        replies=count_at(raw, "comment_count") or len(entries(raw, "replies", "data")),
        media=_attached(raw),
    )


def direct(raw: Any, place: Place, us: Us, conversation: str) -> RemoteMessage:
    """A message of an inbox."""
    words = text_at(raw, "message")
    return RemoteMessage(
        id=str(Ref(place, text_at(raw, "id"), conversation)),
        thread_id=f"{place}:{conversation}",
        kind=Kind.DIRECT,
        person=_person(raw),
        text=words,
        created_at=created(raw),
        audience=Audience.PRIVATE,
        ours=us.is_ours(raw),
        channel=_CHANNELS[place],
        revision=_revision(words),
        media=_sent_along(raw),
    )


def look(message: RemoteMessage) -> str:
    """What changes when a message does, in a few letters."""
    seen = f"{message.revision}|{message.likes}|{message.replies}|{message.hidden}"
    return hashlib.sha256(seen.encode()).hexdigest()[:8]


def in_order(messages: Sequence[RemoteMessage]) -> list[RemoteMessage]:
    """Oldest first."""
    return sorted(messages, key=lambda one: (one.created_at, one.id))


def _person(raw: Any) -> RemotePerson | None:
    """The author; missing where the person never agreed to be shown to the app."""
    key = text_at(raw, "from", "id") or text_at(raw, "user", "id")
    handle = text_at(raw, "username") or text_at(raw, "from", "username")
    name = text_at(raw, "from", "name") or handle
    return RemotePerson(key or handle, handle or name, name) if key or handle else None


def _revision(words: str) -> str:
    """Meta tells no time of an edit: the words themselves do."""
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def _attached(raw: Any) -> tuple[Media, ...]:
    found = text_at(raw, "attachment", "media", "image", "src")
    return (Media(found),) if found.startswith("https://") else ()


def _sent_along(raw: Any) -> tuple[Media, ...]:
    found = []
    for one in entries(raw, "attachments", "data"):
        for kind, key in (("image", "image_data"), ("video", "video_data")):
            url = text_at(one, key, "url")
            found += [Media(url, kind)] if url.startswith("https://") else []
        url = text_at(one, "file_url")
        found += [Media(url, "file")] if url.startswith("https://") else []
    return tuple(found)
