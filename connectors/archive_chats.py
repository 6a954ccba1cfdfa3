"""Chats that people export from their apps: WhatsApp's text, Discord's JSON and its data package.

Sources: WhatsApp's "Export chat" on Android and iOS; DiscordChatExporter's JSON; Discord's data package
(messages/index.json, messages/c.../messages.csv or messages.json).
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, Final

from connectors.archive_dates import iso, month_first

# What WhatsApp puts around its lines: marks of direction, and a narrow blank before AM and PM.
_MARKS: Final = str.maketrans(
    {"\u200e": "", "\u200f": "", "\u202a": "", "\u202c": "", "\u202f": " ", "\xa0": " "}
)
_STAMP: Final = (
    r"\d{1,4}[./-]\d{1,2}[./-]\d{2,4},?\s+\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:\s*[APap]\.?\s?[Mm]\.?)?"
)
_BEGINS: Final = re.compile(rf"(?:\[(?P<ios>{_STAMP})\]|(?P<android>{_STAMP})\s+-)\s(?P<rest>.*)", re.DOTALL)
_SAID: Final = re.compile(r"(?P<who>[^:\n]{1,60}): (?P<what>.*)", re.DOTALL)
_LOOKED_AT: Final = 2_000  # lines that show how a file writes its dates
_WHATSAPP_FILE: Final = re.compile(r"(^|/)(_chat|WhatsApp .*)\.txt$", re.IGNORECASE)
_PACKAGE: Final = re.compile(r"(?i)(?P<folder>.*?)messages/c?(?P<channel>\d+)/messages\.(csv|json)$")


def is_whatsapp(head: str) -> bool:
    """Whether a text begins as an exported chat does."""
    lines = [line for line in head.translate(_MARKS).splitlines() if line.strip()][:5]
    return bool(lines) and bool(_BEGINS.match(lines[0]))


def read_whatsapp(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, dict[str, str]]]:
    """Each message with the number of its first line. What the app itself says is nobody's message."""
    first = [(number, line.translate(_MARKS)) for number, line in islice(lines, _LOOKED_AT)]
    stamps = [found["ios"] or found["android"] for _, line in first if (found := _BEGINS.match(line))]
    american = month_first(stamps)
    rest = ((number, line.translate(_MARKS)) for number, line in lines)
    begun: tuple[int, str, list[str]] | None = None
    for number, line in _chain(first, rest):
        found = _BEGINS.match(line)
        if found is None:
            if begun is not None:
                begun[2].append(line)
            continue
        if begun is not None:
            yield from _whatsapp(begun, american=american)
        begun = (number, found["ios"] or found["android"], [found["rest"]])
    if begun is not None:
        yield from _whatsapp(begun, american=american)


def _chain(first: Sequence[tuple[int, str]], rest: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    yield from first
    yield from rest


def _whatsapp(begun: tuple[int, str, list[str]], *, american: bool) -> Iterator[tuple[int, dict[str, str]]]:
    number, stamp, lines = begun
    said = _SAID.match("".join(lines))
    if said is not None:
        yield (
            number,
            {
                "time": iso(stamp, month_first=american),
                "author": said["who"].strip(),
                "text": said["what"].strip(),
                "thread": "whatsapp",
                "kind": "direct",
            },
        )


def is_discord(head: str) -> bool:
    """Whether a JSON object is what DiscordChatExporter writes."""
    return all(f'"{name}"' in head for name in ("guild", "channel")) and head.lstrip(
        "\ufeff \n\r\t"
    ).startswith("{")


def discord_messages_begin(head: str) -> int:
    """Where the list of messages begins in such a file, -1 where it is not in the head."""
    found = re.search(r'"messages"\s*:\s*(?=\[)', head)
    return found.end() if found else -1


def discord_place(head: str) -> dict[str, str]:
    """The channel that such a file is from."""
    before = (
        head[: max(discord_messages_begin(head), 0)].rstrip().removesuffix('"messages":').rstrip(" \n\r\t,")
    )
    cut = re.sub(r',?\s*"messages"\s*:\s*$', "", before)
    try:
        found = json.loads(f"{cut}}}")
    except ValueError:
        return {}
    guild, channel = found.get("guild") or {}, found.get("channel") or {}
    kind = "direct" if "Direct" in str(channel.get("type", "")) else "comment"
    place = {"thread": str(channel.get("id", "")), "channel": str(channel.get("name", "")), "kind": kind}
    return place | {"title": str(guild.get("name", ""))}


def discord_message(found: Mapping[str, Any], place: Mapping[str, str]) -> dict[str, str]:
    """One message of DiscordChatExporter in our columns."""
    author = found.get("author") if isinstance(found.get("author"), dict) else {}
    reference = found.get("reference") if isinstance(found.get("reference"), dict) else {}
    assert isinstance(author, dict)
    assert isinstance(reference, dict)
    return {
        **place,
        "id": str(found.get("id", "")),
        "time": str(found.get("timestamp", "")),
        "author": str(author.get("id", "")),
        "author name": str(author.get("nickname") or author.get("name") or ""),
        "parent": str(reference.get("messageId") or ""),
        "text": str(found.get("content", "")) or _files(found.get("attachments")),
    }


def _files(attachments: object) -> str:
    names = (
        [str(one.get("fileName", "")) for one in attachments or () if isinstance(one, dict)]
        if isinstance(attachments, list)
        else []
    )
    return "\n".join(f"[{name}]" for name in names if name)


def chosen_members(names: Sequence[str]) -> list[str] | None:
    """Which files of an archive hold its messages; None where it is no archive that is known."""
    chats = [name for name in names if _WHATSAPP_FILE.search(name)]
    if chats:
        return chats
    if any(PurePosixPath(name.lower()).name == "index.json" for name in names):
        package = [name for name in names if _PACKAGE.match(name)]
        return package or None
    return None


def package_channel(name: str) -> str:
    """The channel that a file of a data package is from, by its folder; empty where it is none."""
    found = _PACKAGE.match(name)
    return found["channel"] if found else ""


def package_names(index: bytes) -> dict[str, str]:
    """The names of the channels of a data package."""
    try:
        found = json.loads(index)
    except ValueError:
        return {}
    return {str(key): str(name or "") for key, name in found.items()} if isinstance(found, dict) else {}


def package_message(row: Mapping[str, str], channel: str, name: str) -> dict[str, str]:
    """One row of a data package in our columns; all of it was written by whoever asked for the package."""
    low = {key.casefold(): value for key, value in row.items()}
    files = low.get("attachments", "")
    return {
        "id": low.get("id", ""),
        "time": low.get("timestamp", ""),
        "text": low.get("contents", "") or (f"[{files}]" if files else ""),
        "thread": channel,
        "channel": name,
        "kind": "direct" if name.startswith("Direct Message") else "comment",
        "author": "",
    }
