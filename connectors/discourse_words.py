"""The words that our account puts on a forum: posts, polls, and for how long somebody is kept quiet."""

import json
import re
from datetime import datetime, timedelta
from typing import Final

from connectors.contract import Command
from connectors.errors import Reason, Refused

_FOREVER: Final = timedelta(days=365_000)
_MOST_CHOICES: Final = 20
_CLOSES: Final = re.compile(r"(?<=chartType=bar) close=[0-9T:.Z-]+")


def sayable(text: str) -> str:
    """What can be stored: no half of a character, and no NUL, which the forum's store refuses."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def same(raw: str, words: str) -> bool:
    """Whether the forum's raw text is what was sent: it cuts the space around it."""
    return _plain(raw) == _plain(sayable(words))


def _plain(text: str) -> str:
    """Without when a poll ends, which is another moment in each try."""
    return _CLOSES.sub("", text.replace("\r\n", "\n")).strip()


def span(hours: str) -> timedelta:
    """For how long; none means until somebody lifts it."""
    if not hours or hours == "0":
        return _FOREVER
    try:
        found = float(hours)
    except ValueError:
        found = 0.0
    if not 0 < found <= _FOREVER / timedelta(hours=1):
        raise Refused(Reason.INVALID, "Say for how many hours, in figures.")
    return timedelta(hours=found)


def poll_words(command: Command, now: datetime) -> str:
    """A post with a poll in the forum's markup, one choice a line."""
    choices = _choices(command.options.get("choices", ""))
    if "[poll" in command.text or any("[poll" in one or "[/poll" in one for one in choices):
        raise Refused(Reason.INVALID, "The words may hold no poll of their own.")
    hours = command.options.get("hours", "")
    ends = now + span(hours) if hours and hours != "0" else None
    close = f" close={ends.strftime('%Y-%m-%dT%H:%M:%S.000Z')}" if ends else ""
    lines = "\n".join(f"* {one}" for one in choices)
    return (
        f"{command.text.strip()}\n\n[poll type=regular results=always chartType=bar{close}]\n{lines}\n[/poll]"
    )


def _choices(text: str) -> list[str]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    named_ones = [" ".join(str(one).split()) for one in found] if isinstance(found, list) else []
    kept = list(dict.fromkeys(one for one in named_ones if one))
    if not 1 < len(kept) <= _MOST_CHOICES:
        raise Refused(Reason.INVALID, f"A poll has two to {_MOST_CHOICES} different choices.")
    return kept
