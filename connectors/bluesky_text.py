"""Bluesky's rules for text and names: byte offsets, graphemes and time-ordered record keys."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

import regex

from connectors.keys import uuid7

MAX_POST = 300  # graphemes
MAX_POST_BYTES = 3000
MAX_DIRECT = 1000
MAX_DIRECT_BYTES = 10_000

_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_TID_LENGTH = 13
_MENTION = re.compile(r"(?:^|[\s(\[{<\"'])@((?:[a-zA-Z0-9-]+\.)+[a-zA-Z][a-zA-Z0-9-]*)")
_LINK = re.compile(r"https?://[^\s<>\"]+")
_AFTER_LINK = ".,;:!?'\")]}…"
_GRAPHEME = regex.compile(r"\X")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text by its place in UTF-8, as facets count."""

    start: int
    end: int
    text: str


def mentions(text: str) -> list[Span]:
    """Find @handles; the sign belongs to the span, not to its text."""
    return [
        _span(text, found.start(1) - 1, found.end(1), found.group(1)) for found in _MENTION.finditer(text)
    ]


def links(text: str) -> list[Span]:
    """Find web addresses, without the punctuation of the sentence around them."""
    spans = []
    for found in _LINK.finditer(text):
        address = found.group().rstrip(_AFTER_LINK)
        if len(address) > len("https://"):
            spans.append(_span(text, found.start(), found.start() + len(address), address))
    return spans


def _span(text: str, start: int, end: int, shown: str) -> Span:
    before = len(text[:start].encode())
    return Span(before, before + len(text[start:end].encode()), shown)


def facets(text: str, did_of: Callable[[str], str | None]) -> list[dict[str, object]]:
    """Mark mentions and links up; a handle that nobody has stays plain text."""
    marked: list[tuple[Span, dict[str, object]]] = [
        (span, {"$type": "app.bsky.richtext.facet#link", "uri": span.text}) for span in links(text)
    ]
    for span in mentions(text):
        inside_link = any(link.start <= span.start < link.end for link, _ in marked)
        did = None if inside_link else did_of(span.text)
        if did:
            marked.append((span, {"$type": "app.bsky.richtext.facet#mention", "did": did}))
    return [
        {"index": {"byteStart": span.start, "byteEnd": span.end}, "features": [feature]}
        for span, feature in sorted(marked, key=lambda entry: entry[0].start)
    ]


def graphemes(text: str) -> int:
    """Count what a person would call characters, as the server does."""
    return len(_GRAPHEME.findall(text))


def storable(text: str) -> bool:
    """Whether the network can hold a text: half an emoji or a NUL would be lost on the way."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def tid(key: str, attempt: int = 0) -> str:
    """Derive a record key from a command's key: always the same, and in the order of their times.

    A record key ("TID") is 53 bits of microseconds and 10 bits against collisions. A key that is
    not a version 7 UUID holds no time and gives an arbitrary one. Of many keys of one moment two may
    meet in one name; the next attempt names another.
    """
    digest = int.from_bytes(hashlib.sha256(f"{key}#{attempt}".encode()).digest()[:8], "big")
    found = uuid7(key)
    if found:
        fraction = (found.int >> 64) & 0xFFF  # what UUIDs made in one millisecond count up
        micros = (found.int >> 80) * 1000 + fraction * 1000 // 0x1000
    else:
        micros = digest >> 11
    number = ((micros & ((1 << 53) - 1)) << 10) | (digest & 0x3FF)
    return "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(_TID_LENGTH)))


def first_line(text: str, longest: int = 100) -> str:
    """Shorten a text to a title."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"
