"""Bluesky's rules for text and names: byte offsets, graphemes and time-ordered record keys."""

import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

MAX_POST = 300  # graphemes
MAX_POST_BYTES = 3000
MAX_DIRECT = 1000
MAX_DIRECT_BYTES = 10_000

_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_TID_LENGTH = 13
_VERSION_7 = 7
_MENTION = re.compile(r"(?:^|[\s(\[{<\"'])@((?:[a-zA-Z0-9-]+\.)+[a-zA-Z][a-zA-Z0-9-]*)")
_LINK = re.compile(r"https?://[^\s<>\"]+")
_AFTER_LINK = ".,;:!?'\")]}…"
_ZWJ, _CR, _LF = "\u200d", "\r", "\n"
_HANGUL_L = range(0x1100, 0x1160)
_HANGUL_V = range(0x1160, 0x11A8)
_HANGUL_T = range(0x11A8, 0x1200)
_HANGUL_SYLLABLE = range(0xAC00, 0xD7A4)
_FLAG_HALF = range(0x1F1E6, 0x1F200)
_SKIN = range(0x1F3FB, 0x1F400)
_TAGS = range(0xE0020, 0xE0080)


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text by its place in UTF-8, as facets count."""

    start: int
    end: int
    text: str


def mentions(text: str) -> list[Span]:
    """Find @handles; the sign belongs to the span, not to its text."""
    return [
        _span(text, found.start(1) - 1, found.end(1), found.group(1))
        for found in _MENTION.finditer(text)
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
    """Count what a person would call characters (Unicode's extended grapheme clusters, nearly).

    The standard library has no segmenter. Where this differs from the server's count, for some
    scripts of South Asia, the server's refusal is shown instead of ours.
    """
    count, flags, before, pictured = 0, 0, "", False
    for sign in text:
        flags = flags + 1 if ord(sign) in _FLAG_HALF else 0
        joined = before and (
            _extends(sign)
            or (before == _ZWJ and pictured and _is_picture(sign))
            or (flags and flags % 2 == 0)
            or (before == _CR and sign == _LF)
            or _same_syllable(ord(before), ord(sign))
        )
        # A line break takes no mark to itself.
        count += 0 if joined and not (before in (_CR, _LF) and sign != _LF) else 1
        pictured = _is_picture(sign) or (pictured and _extends(sign))
        before = sign
    return count


def _extends(sign: str) -> bool:
    marks = unicodedata.category(sign) in ("Mn", "Me", "Mc")
    return marks or sign in (_ZWJ, "\u200c") or ord(sign) in _SKIN or ord(sign) in _TAGS


def _is_picture(sign: str) -> bool:
    return unicodedata.category(sign) in ("So", "Sm", "Po") or ord(sign) in range(0x1F000, 0x20000)


def _same_syllable(before: int, after: int) -> bool:
    """Whether two Korean letters make one syllable."""
    whole = before in _HANGUL_SYLLABLE
    open_syllable = whole and (before - _HANGUL_SYLLABLE.start) % 28 == 0
    if before in _HANGUL_L:
        return after in _HANGUL_L or after in _HANGUL_V or after in _HANGUL_SYLLABLE
    if before in _HANGUL_V or open_syllable:
        return after in _HANGUL_V or after in _HANGUL_T
    return (before in _HANGUL_T or whole) and after in _HANGUL_T


def begun_at(key: str) -> datetime | None:
    """When a command with this key was made: a version 7 UUID begins with its time."""
    found = _uuid7(key)
    return datetime.fromtimestamp((found.int >> 80) / 1000, UTC) if found else None


def tid(key: str) -> str:
    """Derive a record key from a command's key: always the same, and in the order of their times.

    A record key ("TID") is 53 bits of microseconds and 10 bits against collisions. A key that is
    not a version 7 UUID holds no time and gives an arbitrary one.
    """
    digest = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    found = _uuid7(key)
    if found:
        fraction = (found.int >> 64) & 0xFFF  # what UUIDs made in one millisecond count up
        micros = (found.int >> 80) * 1000 + fraction * 1000 // 0x1000
    else:
        micros = digest >> 11
    number = ((micros & ((1 << 53) - 1)) << 10) | (digest & 0x3FF)
    return "".join(
        _ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(_TID_LENGTH))
    )


def _uuid7(key: str) -> UUID | None:
    try:
        found = UUID(key)
    except ValueError:
        return None
    return found if found.version == _VERSION_7 else None


def first_line(text: str, longest: int = 100) -> str:
    """Shorten a text to a title."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"
