"""Bringing what is new in one folder, and knowing afterwards where to go on.

UIDs only grow and have holes. When a server renumbers a folder (its UIDVALIDITY changes) they mean nothing
any more: what was brought lately is then told by its Message-ID, so that nothing comes twice.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from connectors.contract import Page
from connectors.email_box import Box, Folder, day
from connectors.email_find import Finder
from connectors.email_mail import HEADERS, Mail

_AT_ONCE: Final = 25  # mails of a page
_REMEMBERED: Final = 500  # of the last mails, to know them again after a renumbering
_OVERLAP: Final = timedelta(days=3)  # read again after one: the new order may be another


@dataclass(frozen=True, slots=True)
class State:
    """How far a folder was read: all up to `uid`.

    `since` bounds what was there before `until`, when the first pull began: what arrives later is brought
    however old its date is. `seen` are the last mails' Message-IDs, shortened, and `newest` the latest
    moment at which one of them arrived.
    """

    validity: int = 0
    uid: int = 0
    until: int = 0
    since: datetime | None = None
    newest: datetime | None = None
    seen: tuple[str, ...] = field(default=())

    @classmethod
    def load(cls, text: str) -> "State | None":
        """One that makes no sense is a reason to begin again, which repeats but loses nothing."""
        try:
            found: dict[str, Any] = json.loads(text)
            return cls(
                int(found["validity"]),
                int(found["uid"]),
                int(found["until"]),
                datetime.fromisoformat(found["since"]) if found["since"] else None,
                datetime.fromisoformat(found["newest"]) if found["newest"] else None,
                tuple(str(each) for each in found["seen"]),
            )
        except (ValueError, TypeError, KeyError):
            return None

    def dump(self) -> str:
        return json.dumps(
            {
                "validity": self.validity,
                "uid": self.uid,
                "until": self.until,
                "since": self.since.isoformat() if self.since else "",
                "newest": self.newest.isoformat() if self.newest else "",
                "seen": self.seen,
            }
        )

    def with_seen(self, mails: Sequence[Mail]) -> "State":
        marks = dict.fromkeys([*self.seen, *(_mark(mail) for mail in mails)])
        newest = max((mail.record.received for mail in mails), default=self.newest)
        if self.newest is not None and newest is not None:
            newest = max(newest, self.newest)
        return replace(self, seen=tuple(marks)[-_REMEMBERED:], newest=newest)


class Walk:
    """One pull of one folder."""

    def __init__(self, finder: Finder, stream: str, folder: Folder) -> None:
        self._finder, self._stream, self._folder = finder, stream, folder
        self._box: Box = finder.box

    def pages(self, state: str, since: datetime | None) -> Iterator[Page]:
        """Each page's state is right for everything up to it."""
        validity, following = self._box.open(self._folder)
        known = State.load(state) if state else None
        if known is not None and known.validity == validity:
            yield from self._onward(known)
        elif known is not None and known.uid + 1 >= known.until:
            yield from self._renumbered(known, validity, following)
        else:  # a back-fill that was renumbered begins again, with the bound that it had
            bound = known.since if known is not None else since
            seen = known.seen if known is not None else ()
            yield from self._onward(State(validity, 0, following, bound, seen=seen), gap=known is not None)

    def _onward(self, state: State, *, gap: bool = False) -> Iterator[Page]:
        uids = self._new(state)
        done = 0
        for start in range(0, len(uids), _AT_ONCE):
            chunk = uids[start : start + _AT_ONCE]
            mails = self._read(chunk)
            found, skipped = self._finder.messages(mails)
            bound, until = state.since, state.until
            kept = [m for mail, m in found if not bound or mail.record.uid >= until or m.created_at >= bound]
            done += len(chunk)
            last = max(chunk[-1], until - 1) if done == len(uids) else chunk[-1]
            state = replace(state, uid=last).with_seen(mails)
            yield Page(self._stream, tuple(kept), (), state.dump(), gap, skipped, done, len(uids))
            gap = False
        if not uids:
            state = replace(state, uid=max(state.uid, state.until - 1))
            yield Page(self._stream, (), (), state.dump(), gap)

    def _new(self, state: State) -> list[int]:
        """What is above the last UID. A range that ends in * always holds the last mail, known or not."""
        first = state.uid + 1
        if state.since is None or first >= state.until:
            return [uid for uid in self._box.search(self._folder, f"UID {first}:*") if uid >= first]
        bound = f"SINCE {day(state.since - timedelta(days=1))}"
        old = self._box.search(self._folder, f"UID {first}:{state.until - 1}", bound)
        later = self._box.search(self._folder, f"UID {state.until}:*")
        return sorted({uid for uid in old if first <= uid} | {uid for uid in later if uid >= state.until})

    def _read(self, uids: Sequence[int]) -> list[Mail]:
        return [Mail(record) for record in self._box.mails(self._folder, uids)]

    def _renumbered(self, known: State, validity: int, following: int) -> Iterator[Page]:
        """Find what came meanwhile among the latest mails, by their Message-IDs.

        Until the last page is stored the old numbering stands in the state: a crash begins this again, and
        knows what the pages before it brought.
        """
        criteria = ["ALL"] if known.newest is None else [f"SINCE {day(known.newest - _OVERLAP)}"]
        uids = self._box.search(self._folder, *criteria)
        heads = [Mail(record) for record in self._box.mails(self._folder, uids, HEADERS)]
        new = [mail.record.uid for mail in heads if _mark(mail) not in known.seen]
        fresh = replace(known, validity=validity, uid=following - 1, until=0, since=None)
        chunks = [new[start : start + _AT_ONCE] for start in range(0, len(new), _AT_ONCE)]
        done = 0
        for chunk in chunks:
            mails = self._read(chunk)
            found, skipped = self._finder.messages(mails)
            known, done = known.with_seen(mails), done + len(chunk)
            after = known if done < len(new) else replace(fresh, seen=known.seen, newest=known.newest)
            brought = tuple(message for _, message in found)
            yield Page(self._stream, brought, (), after.dump(), done == len(chunk), skipped, done, len(new))
        if not chunks:
            yield Page(self._stream, (), (), fresh.dump(), gap=True)


def _mark(mail: Mail) -> str:
    """A few letters that tell a mail by its headers, which no server changes."""
    said = f"{mail.name} {mail.author[1]} {mail.parsed.get('Date', '')} {mail.subject}"
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:10]
