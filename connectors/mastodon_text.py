"""What a status says, as words, and words as what a status says.

Sources: https://docs.joinmastodon.org/entities/Status/ and /spec/activitypub/#sanitization.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

from connectors.answers import entries, text_at
from connectors.html import to_text

_ADDRESSED: Final = re.compile(r"@([\w.-]+)(?:@[\w.-]+)?\s*")
_NAMED: Final = re.compile(r"(?<![\w/])@(\w(?:[\w.-]*\w)?(?:@[\w.-]*\w)?)")
_URL: Final = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_REMOTE: Final = re.compile(r"(@\w[\w.-]*)@[\w.-]+\w")
_URL_LENGTH: Final = 23
_TITLE_LENGTH: Final = 80
_KEPT: Final = "\n\t"


def body(status: Any, ours: str) -> str:
    """The words of a status. Of our own, whom it is addressed to is left out: who answered did not type that.

    The names of other people's statuses stay, as they may be words: "@harbour and @mira helped me".
    """
    text = to_text(text_at(status, "content"))
    if text_at(status, "account", "id") != ours:
        return text
    known = {text_at(one, key).partition("@")[0] for one in entries(status, "mentions") for key in _NAMES}
    rest = text
    while (name := _ADDRESSED.match(rest)) and name[1].partition("@")[0] in known:
        rest = rest[name.end() :]
    return rest or text


_NAMES: Final = ("username", "acct")


def shown(status: Any, ours: str) -> str:
    """All that a reader sees: the warning first, which others put there so that nobody is caught unready."""
    warning, text = text_at(status, "spoiler_text").strip(), body(status, ours)
    return f"[{warning}]\n\n{text}".strip() if warning else text


def title(text: str) -> str:
    """The first line of a text, not too long."""
    line = text.strip().partition("\n")[0].strip()
    return line if len(line) <= _TITLE_LENGTH else f"{line[: _TITLE_LENGTH - 1].rstrip()}…"


def addressed(text: str, people: Iterable[str]) -> str:
    """The text with everybody named who is not named in it yet: on Mastodon that makes it reach them."""
    inside = {name.lower() for name in _NAMED.findall(text)}
    missing = [f"@{person}" for person in dict.fromkeys(people) if person.lower() not in inside]
    return " ".join([*missing, text])


def strangers(text: str, people: Iterable[str], domain: str) -> str:
    """Somebody whom a text names and who is not among the people, or an empty text.

    Whoever is named in a direct message can read it, also where it only speaks of them.
    """
    ours = f"@{domain.lower()}"
    known = {person.lower().removesuffix(ours) for person in people}
    named = (name.lower().removesuffix(ours) for name in _NAMED.findall(text))
    return next((name for name in named if name not in known), "")


def length(text: str) -> int:
    """How long the server counts a text: links have one length, and of a name its server does not count."""
    return len(_REMOTE.sub(r"\1", _URL.sub("x" * _URL_LENGTH, text)))


def storable(text: str) -> str:
    """The text without what a server cannot keep: halves of characters, NUL and other controls."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(sign for sign in whole if sign >= " " or sign in _KEPT)


def gist(text: str) -> str:
    """What is left of a text on every way through HTML: its letters and figures, or its signs."""
    squeezed = "".join(text.split())
    return "".join(sign for sign in squeezed.casefold() if sign.isalnum()) or squeezed
