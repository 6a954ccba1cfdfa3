"""Finding mails in a mailbox by what names them: ids that survive renumbering, and conversations.

A message's id is its Message-ID. Where two different mails carry the same one, the later one's id says so by
a digest of its words; a mail without any is named by its time and digest. So nothing is imported twice when
a server renumbers a folder or a colleague files a mail elsewhere.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from connectors.contract import Audience, Kind, RemoteMessage, RemotePerson
from connectors.email_box import Box, Folder, day
from connectors.email_mail import HEADERS, Mail, is_made_here, sane
from connectors.errors import Gone
from connectors.mail_text import UNREADABLE, bare_subject

_NAMELESS: Final = "no-id"
_AT_ONCE: Final = 10  # ids in one question; some servers take no longer lines
_DEEPEST: Final = 20  # mails above one whose References are missing
_MOST: Final = 200  # mails of one conversation
_SUBJECT_REACH: Final = timedelta(days=60)  # an old subject is another conversation
_ASIDE: Final = ("trash", "junk", "drafts")


@dataclass(frozen=True, slots=True)
class Ids:
    """An id taken apart; `at` is only there where there is no Message-ID."""

    name: str
    digest: str = ""
    at: datetime | None = None

    @classmethod
    def read(cls, text: str) -> "Ids":
        """Names nothing that exists where it makes no sense."""
        found = re.fullmatch(rf"{_NAMELESS} (\d{{1,11}}) ([0-9a-f]{{12}})", text, re.ASCII)
        if found:
            return cls("", found.group(2), datetime.fromtimestamp(int(found.group(1)), UTC))
        name, _, digest = text.partition(" ")
        return cls(name if sane(name) else "", digest)


def name_of(mail: Mail, twins: Sequence[Mail] = ()) -> str:
    """A mail's id. `twins` are earlier mails with its Message-ID."""
    if not mail.name:
        return f"{_NAMELESS} {int(mail.at.timestamp())} {mail.digest}"
    another = bool(twins) and twins[0].digest != mail.digest
    return f"{mail.name} {mail.digest}" if another else mail.name


class Finder:
    """What can be found in one mailbox during one signed-in connection."""

    def __init__(self, box: Box, address: str) -> None:
        self.box = box
        self._address = address
        self._folders: list[Folder] | None = None
        self._roots: dict[str, str] = {}

    def folders(self) -> list[Folder]:
        if self._folders is None:
            self._folders = self.box.folders()
        return self._folders

    def folder(self, role: str) -> Folder | None:
        return next((each for each in self.folders() if each.role == role), None)

    def live(self) -> list[Folder]:
        """Where mails are that count; a mail in another folder was thrown away or was never sent."""
        return [each for each in self.folders() if each.role not in _ASIDE]

    def mails(self, folder: Folder, names: Iterable[str], held: Sequence[Mail] = ()) -> list[Mail]:
        """The mails of a folder with one of these Message-IDs, oldest first; `held` are not read twice."""
        wanted = sorted(set(names))
        uids: set[int] = set()
        for start in range(0, len(wanted), _AT_ONCE):
            uids |= set(
                self.box.search(folder, *_any_of([("Message-ID", n) for n in wanted[start:][:_AT_ONCE]]))
            )
        known = [mail for mail in held if mail.folder == folder]
        uids -= {mail.record.uid for mail in known}
        found = [*known, *(Mail(record) for record in self.box.mails(folder, sorted(uids)))]
        return sorted((mail for mail in found if mail.name in wanted), key=lambda mail: mail.record.uid)

    def find(self, text: str, folders: Sequence[Folder] | None = None) -> Mail | None:
        """The mail of an id, wherever it is filed."""
        wanted = Ids.read(text)
        for folder in self.live() if folders is None else folders:
            found = self.mails(folder, [wanted.name]) if wanted.name else self._nameless(folder, wanted)
            for mail in found:
                if not wanted.digest or mail.digest == wanted.digest:
                    return mail
        return None

    def get(self, text: str) -> Mail:
        found = self.find(text)
        if found is None:
            raise Gone("this mail is no longer in the mailbox")
        return found

    def messages(self, mails: Sequence[Mail]) -> tuple[list[tuple[Mail, RemoteMessage]], int]:
        """Each as the contract wants it, and how many could not be read."""
        made: list[tuple[Mail, RemoteMessage]] = []
        skipped = 0
        twins = self._twins(mails)
        for mail in mails:
            try:
                earlier = [t for t in twins.get(mail.name, []) if _rank(t) < _rank(mail)]
                made.append((mail, self.message(mail, name_of(mail, earlier))))
            except UNREADABLE:
                skipped += 1
        return made, skipped

    def message(self, mail: Mail, name: str) -> RemoteMessage:
        shown, address = mail.author
        ours = self.is_ours(mail)
        if address == self._address and not ours and mail.answer_to:
            address, shown = mail.answer_to[0], ""  # a form on our own site, written by somebody else
        thread = self.root(mail)
        return RemoteMessage(
            name,
            thread,
            Kind.DIRECT,
            RemotePerson(address, address, shown) if address else None,
            mail.text,
            mail.at,
            Audience.PRIVATE,
            ours,
            mail.answers or None,
            reason=mail.automatic or None,
            thread_title=bare_subject(mail.subject),
            channel=mail.folder.name,
            revision=mail.digest,
            media=mail.media,
        )

    def is_ours(self, mail: Mail) -> bool:
        """Whether we sent it. Anybody can write our address under a mail that comes into the inbox."""
        if mail.folder.role == "sent":
            return True
        ours = mail.author[1] == self._address
        return ours and (mail.folder.role != "inbox" or is_made_here(mail.name))

    def root(self, mail: Mail) -> str:
        """The conversation that a mail belongs to: the Message-ID of its first mail."""
        if mail.references:
            return mail.references[0]
        if mail.answers:
            return self._root_above(mail.answers)
        return (mail.answers_by_subject and self._by_subject(mail)) or mail.name or name_of(mail)

    def conversation(self, mail: Mail) -> list[Mail]:
        """Every mail of its conversation, oldest first."""
        root = self.root(mail)
        found: dict[tuple[str, str], Mail] = {}
        asked: set[str] = set()
        todo = {root, mail.name} - {""}
        while todo and len(found) < _MOST:
            questions = [(field, name) for name in sorted(todo) for field in HEADERS[:3]]
            asked |= todo
            for each in self._having(questions):
                found.setdefault((each.name, each.digest), each)
            todo = {each.name for each in found.values() if each.name} - asked
        if mail.subject:
            for each in self._of_subject(mail, full=True):
                found.setdefault((each.name, each.digest), each)
        found.setdefault((mail.name, mail.digest), mail)
        mine = [each for each in found.values() if self.root(each) == root]
        return sorted(mine, key=lambda each: (each.at, len(each.references), _rank(each)))

    def _having(self, questions: Sequence[tuple[str, str]]) -> list[Mail]:
        found = []
        for folder in self.live():
            uids: set[int] = set()
            for start in range(0, len(questions), _AT_ONCE):
                uids |= set(self.box.search(folder, *_any_of(questions[start : start + _AT_ONCE])))
            found += [Mail(record) for record in self.box.mails(folder, sorted(uids)[-_MOST:])]
        return found

    def _twins(self, mails: Sequence[Mail]) -> dict[str, list[Mail]]:
        """Mails with the same Message-IDs in the folders that are read, the ones that came first first."""
        names = {mail.name for mail in mails if mail.name}
        found: dict[str, list[Mail]] = {}
        for role in ("sent", "inbox"):
            folder = self.folder(role)
            for mail in self.mails(folder, names, mails) if folder and names else []:
                found.setdefault(mail.name, []).append(mail)
        return found

    def _nameless(self, folder: Folder, wanted: Ids) -> list[Mail]:
        if wanted.at is None:
            return []
        one = timedelta(days=1)
        since, before = day(wanted.at - one), day(wanted.at + 2 * one)
        sent, came = f"SENTSINCE {since} SENTBEFORE {before}", f"SINCE {since} BEFORE {before}"
        uids = self.box.search(folder, f"OR ({sent}) ({came})")
        heads = [Mail(record) for record in self.box.mails(folder, uids, HEADERS)]
        unnamed = [mail.record.uid for mail in heads if not mail.name]
        return [Mail(record) for record in self.box.mails(folder, unnamed)]

    def _root_above(self, name: str, depth: int = 0) -> str:
        """Ask for the mails above, one after another: not every program says the whole line of them."""
        if name not in self._roots:
            above = [mail for folder in self.live() for mail in self._heads(folder, name)]
            root = name
            if above and above[0].references:
                root = above[0].references[0]
            elif above and above[0].answers not in ("", name) and depth < _DEEPEST:
                root = self._root_above(above[0].answers, depth + 1)
            self._roots[name] = root
        return self._roots[name]

    def _heads(self, folder: Folder, name: str) -> list[Mail]:
        uids = self.box.search(folder, *_any_of([("Message-ID", name)]))
        heads = [Mail(record) for record in self.box.mails(folder, uids, HEADERS)]
        return [mail for mail in heads if mail.name == name]

    def _by_subject(self, mail: Mail) -> str:
        """Some programs answer without saying what: the same person, the same subject, not long ago."""
        earlier = [each for each in self._of_subject(mail) if each.at <= mail.at and each.name != mail.name]
        known = [each for each in earlier if not each.answers_by_subject and each.name]
        first = min(known, key=lambda each: each.at, default=None)
        return self.root(first) if first else ""

    def _of_subject(self, mail: Mail, *, full: bool = False) -> list[Mail]:
        bare = bare_subject(mail.subject)
        if not bare:
            return []
        with_whom = {mail.author[1], *mail.recipients} - {self._address, ""}
        found = []
        for folder in self.live()[:3]:
            since = f"SENTSINCE {day(mail.at - _SUBJECT_REACH)}"
            uids = self.box.search(folder, since, "SUBJECT", last=bare)[-_MOST:]
            found += [Mail(record) for record in self.box.mails(folder, uids, () if full else HEADERS)]
        return [
            each
            for each in found
            if bare_subject(each.subject).casefold() == bare.casefold()
            and with_whom & {each.author[1], *each.recipients}
        ]


def _rank(mail: Mail) -> tuple[bool, str, int]:
    """Which of two mails came first; what we sent ourselves is nobody's copy."""
    return mail.folder.role != "sent", mail.folder.name, mail.record.uid


def _any_of(questions: Sequence[tuple[str, str]]) -> list[str]:
    """Criteria that one of these headers holds one of these names."""
    asked = [f'HEADER {field} "{name}"' for field, name in questions]
    return [*(f"OR {each}" for each in asked[:-1]), asked[-1]]
