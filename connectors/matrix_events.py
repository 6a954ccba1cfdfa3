"""Matrix events, read with care: nobody vouches for what is in them.

Sources: the client-server specification, sections "Room Events", "Event relationships", "Rich replies" and
"Instant Messaging". An id of ours is "room/event", because an event can only be asked for in its room.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from connectors import html
from connectors.answers import dig, entries, text_at
from connectors.contract import Media
from connectors.errors import Unreadable

MESSAGE: Final = "m.room.message"
STICKER: Final = "m.sticker"
ENCRYPTED: Final = "m.room.encrypted"
REACTION: Final = "m.reaction"
REDACTION: Final = "m.room.redaction"
KEY: Final = "org.hearthlight.key"  # in what we send: the command that it came from
_HTML: Final = "org.matrix.custom.html"
_MEDIA: Final = {"m.image": "image", "m.audio": "audio", "m.video": "video", "m.file": "file"}


class NoMessage(Unreadable):
    """An event that arrived whole and still says nothing: asking again would not change it."""


def joined(room: str, event: str) -> str:
    """Name an event of a room as one id."""
    return f"{room}/{event}"


def split(message_id: str) -> tuple[str, str]:
    """Take an id apart into room and event; the event is empty where the id names a whole room."""
    room, mark, event = message_id.partition("/$")
    return room, f"${event}" if mark else ""


@dataclass(frozen=True, slots=True)
class Event:
    """One event, checked: nothing here is anything but its type."""

    id: str
    room: str
    kind: str
    sender: str
    at: datetime
    content: Mapping[str, Any]
    unsigned: Mapping[str, Any]
    redacts: str

    @property
    def relation(self) -> tuple[str, str]:
        """How it is about another event ("m.replace", "m.thread", …), and which."""
        about = dig(self.content, "m.relates_to")
        return text_at(about, "rel_type"), text_at(about, "event_id")

    @property
    def answers(self) -> str:
        """The event that it answers; where a thread only names one for old programs, none."""
        about = dig(self.content, "m.relates_to")
        fallback = text_at(about, "rel_type") == "m.thread" and dig(about, "is_falling_back") is True
        return "" if fallback else text_at(about, "m.in_reply_to", "event_id")

    @property
    def has_edit(self) -> bool:
        """Whether the server sent its newest edit along."""
        return isinstance(dig(self.unsigned, "m.relations", "m.replace"), dict)

    @property
    def redacted_by(self) -> str:
        """Who emptied it, if anybody did."""
        return text_at(self.unsigned, "redacted_because", "sender")

    def shown(self) -> tuple[Mapping[str, Any], str, datetime | None]:
        """What it says now, the revision that is, and when it was edited.

        The server sends the newest edit along; one of somebody else's is no edit.
        """
        newest = dig(self.unsigned, "m.relations", "m.replace")
        content, at = dig(newest, "content", "m.new_content"), moment_of(newest)
        if not isinstance(content, dict) or text_at(newest, "sender") != self.sender or at is None:
            return self.content, self.id, None
        return content, text_at(newest, "event_id") or self.id, at

    @classmethod
    def read(cls, raw: Any, room: str) -> "Event":
        """Check an event; NoMessage where something that every event has is missing."""
        at = moment_of(raw)
        names = [text_at(raw, key) for key in ("event_id", "type", "sender")]
        if at is None or not all(names) or not isinstance(dig(raw, "content"), dict):
            raise NoMessage("an event without an id, a sender, a time or content")
        # From room version 11 on what is redacted stands in the content.
        redacts = text_at(raw, "redacts") or text_at(raw, "content", "redacts")
        unsigned = dig(raw, "unsigned")
        unsigned = unsigned if isinstance(unsigned, dict) else {}
        return cls(names[0], room, names[1], names[2], at, raw["content"], unsigned, redacts)


def moment_of(raw: Any) -> datetime | None:
    """When an event was sent, by its server."""
    found = dig(raw, "origin_server_ts")
    if isinstance(found, bool) or not isinstance(found, int):
        return None
    try:
        return datetime.fromtimestamp(found / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def words(content: Mapping[str, Any]) -> str:
    """What a message says, without markup and without the quotation that old programs put above answers."""
    rich = text_at(content, "formatted_body") if text_at(content, "format") == _HTML else ""
    plain = text_at(content, "body")
    if text_at(content, "m.relates_to", "m.in_reply_to", "event_id"):
        plain = _without_quotation(plain)
    said = (html.to_text(rich) if rich else "") or plain
    return f"* {said}" if text_at(content, "msgtype") == "m.emote" else said


def media(content: Mapping[str, Any], kind: str, base: str) -> tuple[Media, ...]:
    """The picture, sound or film of a message; whoever loads it has to show our token."""
    sort = "image" if kind == STICKER else _MEDIA.get(text_at(content, "msgtype"), "")
    address = text_at(content, "url").removeprefix("mxc://")
    server, _, name = address.partition("/")
    if not sort or not server or not name or address == text_at(content, "url"):
        return ()
    where = f"{base}/_matrix/client/v1/media/download/{quote(server, safe=':')}/{quote(name, safe='')}"
    return (Media(where, sort, text_at(content, "body")),)


def names(content: Mapping[str, Any], user: str) -> bool:
    """Whether a message mentions this account, in today's way or by a link to it as before."""
    marked = dig(content, "m.mentions")
    if isinstance(marked, dict):
        return user in entries(marked, "user_ids") or marked.get("room") is True
    link = f"https://matrix.to/#/{user}"
    return link in text_at(content, "formatted_body") or user in text_at(content, "body")


def permalink(room: str, event: str) -> str:
    """Where a person can look at an event, with the program of their choice."""
    return f"https://matrix.to/#/{quote(room, safe='')}/{quote(event, safe='')}"


def _without_quotation(body: str) -> str:
    lines = body.split("\n")
    if not lines[0].startswith("> <"):
        return body
    first = next((n for n, line in enumerate(lines) if not line.startswith(">")), len(lines))
    return "\n".join(lines[first:]).lstrip("\n")
