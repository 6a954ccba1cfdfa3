"""Bringing what is new among a site's comments, and what changed among the latest of them.

Pages by number would shift while somebody moderates. So the first page is asked for again and again: what
is younger than the newest that is known, without those that are known.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connectors.contract import GoneHow, Page, RemoteGone, RemoteMessage
from connectors.errors import Gone
from connectors.wordpress_site import PAGE, Site, Us, answer, look_of, message, time_of

_OVERLAP: Final = timedelta(minutes=10)  # a comment that was being written while we asked
_KNOWN: Final = 300  # of the latest comments whose look is remembered; also what one address can leave out
_MOST_PAGES: Final = 2000
_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class State:
    """How far a stream was read, and how the latest comments looked: by id, time and look."""

    mark: datetime = _FIRST
    known: dict[str, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def load(cls, text: str, since: datetime | None) -> "State":
        """One that makes no sense is a reason to begin again, which repeats but loses nothing."""
        try:
            found: dict[str, Any] = json.loads(text)
            known = {}
            for key, (at, look) in found["known"].items():
                known[str(int(key))] = (datetime.fromisoformat(at).isoformat(), str(look))
            return cls(datetime.fromisoformat(found["mark"]), known)
        except (ValueError, TypeError, KeyError, AttributeError):
            # The bound is the first comment's time, the question is what is younger than that.
            return cls(since - timedelta(seconds=1) + _OVERLAP if since else _FIRST)

    def dump(self) -> str:
        return json.dumps({"mark": self.mark.isoformat(), "known": self.known})

    def learn(self, comment: Mapping[str, Any]) -> None:
        at = time_of(comment)
        self.mark = max(self.mark, at)
        self.known[str(comment["id"])] = (at.isoformat(), look_of(comment))
        if len(self.known) > _KNOWN:
            oldest = min(self.known, key=lambda key: (self.known[key][0], int(key)))
            del self.known[oldest]

    def after(self) -> datetime:
        """From when on to ask: not from where more is known than can be left out."""
        early = self.mark - _OVERLAP if self.mark > _FIRST + _OVERLAP else _FIRST
        if len(self.known) < _KNOWN:
            return early
        oldest = datetime.fromisoformat(min(at for at, _ in self.known.values()))
        return max(early, oldest - timedelta(seconds=1))

    def left_out(self) -> str:
        """The ids that need not come again."""
        early = self.after()
        young = [key for key, (at, _) in self.known.items() if datetime.fromisoformat(at) > early]
        return ",".join(young)


class Walk:
    """One pull of one stream; `status` is what WordPress calls it."""

    def __init__(self, site: Site, us: Us, stream: str, status: str) -> None:
        self._site, self._us = site, us
        self._stream, self._status = stream, status

    def pages(self, text: str, since: datetime | None) -> Iterator[Page]:
        """Each page's state is right for everything up to it."""
        state = State.load(text, since)
        done, asked_before, gap = 0, (_FIRST, ""), False
        for _ in range(_MOST_PAGES):
            asked = (state.after(), state.left_out())
            if asked == asked_before:  # more of one second than an address can leave out
                gap, state.mark = True, state.mark + _OVERLAP
                continue
            asked_before = asked
            found, skipped, total = self._new(*asked)
            messages = []
            for comment in found:
                state.learn(comment)
                messages.append(message(comment, self._us))
            done += len(found)
            if not found and not skipped:
                break
            yield Page(
                self._stream, tuple(messages), (), state.dump(), gap, skipped, done, max(done, total + done)
            )
            gap = False
            if not found or len(found) + skipped < PAGE:
                break
        yield self._changes(state, done)

    def _new(self, after: datetime, left_out: str) -> tuple[list[dict[str, Any]], int, int]:
        asked: dict[str, Any] = {"status": self._status, "orderby": "date_gmt", "order": "asc"}
        if after > _FIRST:
            asked["after"] = after.isoformat()
        if left_out:
            asked["exclude"] = left_out
        found, skipped, total = self._site.comments(**asked)
        return found, skipped, max(0, total - len(found) - skipped)

    def _changes(self, state: State, done: int) -> Page:
        """Look at the latest again: somebody may have edited, approved or thrown away what we know."""
        messages: list[RemoteMessage] = []
        gone: list[RemoteGone] = []
        found, skipped, _ = self._site.comments(status=self._status, orderby="date_gmt", order="desc")
        for comment in found:
            name = str(comment["id"])
            if name in state.known and state.known[name][1] != look_of(comment):
                messages.append(message(comment, self._us))
                state.learn(comment)
        if found and not skipped:
            oldest = time_of(found[-1]).isoformat() if len(found) == PAGE else ""
            here = {str(comment["id"]) for comment in found}
            missing = [key for key, (at, _) in state.known.items() if at > oldest and key not in here]
            for name in missing:
                told = self._told(name)
                (gone if isinstance(told, RemoteGone) else messages).append(told)  # type: ignore[arg-type] # each into its own
                del state.known[name]
        return Page(self._stream, tuple(messages), tuple(gone), state.dump(), False, 0, done, done)

    def _told(self, name: str) -> RemoteMessage | RemoteGone:
        """What became of a comment that is not in this stream any more, asked for by itself."""
        try:
            return answer(self._site.comment(name), self._us)
        except Gone:
            return RemoteGone(name, GoneHow.DELETED)
