"""E-mail: a mailbox (IMAP) read as private conversations, and answers sent by its provider (SMTP)."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from connectors import email_server
from connectors.contract import (
    Ability,
    Command,
    Connector,
    Field,
    GoneHow,
    Page,
    Probe,
    Receipt,
    RemoteGone,
    RemoteMessage,
    Verb,
    verbs,
)
from connectors.email_acts import Acts
from connectors.email_box import Box
from connectors.email_find import Finder
from connectors.email_mail import MAX_TEXT
from connectors.email_post import Post
from connectors.email_walk import Walk
from connectors.errors import Reason, Refused

_MAIL = "An e-mail stands by itself in two mailboxes;"
_NOTHING = "E-mail has nothing of the kind."
_SENT = "This mailbox has no folder for what was sent."
_STREAMS = {"inbox": "inbox", "sent": "sent"}
_CAN = frozenset({Verb.REPLY, Verb.SPAM, Verb.REMOVE, Verb.RESTORE})
_REAL = "real server"


class EmailConnector(Connector):
    """One mailbox. Everything in it is private; an answer goes to whoever wrote, and to nobody else.

    It reads the inbox and what was sent, marks nothing as read and loads no attachment. An answer's
    Message-ID follows from its command's key, and a copy of it comes to our own mailbox: that is how an
    answer whose fate was unknown is found again.
    """

    platform = "email"
    name = "E-mail"
    fields = (
        Field("address", "E-mail address", "The address that people write to."),
        Field("imap", "Server for reading (IMAP)", "For example imap.example.org. Your provider names it."),
        Field(
            "smtp",
            "Server for sending (SMTP)",
            "For example smtp.example.org. Add :465 if your provider names that port.",
        ),
        Field("user", "Name to sign in with", "Only if it is not the address.", required=False),
        Field("shown", "Name that people see", "For example Harbour helpline.", required=False),
        Field(
            "password",
            "Password",
            "Gmail, Yahoo, iCloud and others want an app password: make one in their settings.",
            secret=True,
        ),
    )
    streams = tuple(_STREAMS)
    tested_on: ClassVar[Mapping[Verb, str]] = dict.fromkeys(_CAN, _REAL)
    lacks: ClassVar[Mapping[Verb, str]] = {
        **dict.fromkeys(frozenset(Verb) - _CAN, _NOTHING),
        Verb.RETRACT: f"{_MAIL} what was sent cannot be taken back.",
        Verb.HIDE: f"{_MAIL} nobody else sees it, so there is nothing to hide.",
        Verb.UNHIDE: f"{_MAIL} nobody else sees it, so there is nothing to hide.",
        Verb.RESOLVE: "An e-mail is no report. Answering marks it as answered in the mailbox.",
        Verb.WRITE: "An e-mail is private already: answer it.",
    }

    def __init__(self, values: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        super().__init__(values, secrets)
        self._stopped = threading.Event()

    @property
    def _address(self) -> str:
        found = self.values.get("address", "").strip().casefold()
        if not found.rpartition("@")[0] or not found.rpartition("@")[2] or len(found.split()) != 1:
            raise Refused(Reason.INVALID, "that is not an e-mail address")
        return found

    def _box(self) -> Box:
        server = email_server.reading(self.values.get("imap", ""))
        return Box(server, self._user(), self.secrets.get("password", ""))

    def _post(self) -> Post:
        server = email_server.sending(self.values.get("smtp", ""))
        return Post(server, self._user(), self.secrets.get("password", ""))

    def _user(self) -> str:
        return self.values.get("user", "").strip() or self.values.get("address", "").strip()

    def _acts(self, box: Box) -> Acts:
        sender = (self.values.get("shown", ""), self._address)
        return Acts(Finder(box, self._address), self._post(), sender, self._stopped)

    def authorize(self) -> Mapping[str, str]:
        self._post().check()
        with self._box():
            return {"password": self.secrets.get("password", "")}

    def probe(self) -> Probe:
        with self._box() as box:
            finder = Finder(box, self._address)
            why_not = self._acts(box).why_not()
            streams = {
                name: Ability(can=True) if finder.folder(role) else Ability(can=False, why_not=_SENT)
                for name, role in _STREAMS.items()
            }
        return Probe(
            self._address,
            self._address,
            self.values.get("shown", "").strip(),
            server=email_server.reading(self.values.get("imap", "")).host,
            verbs=verbs(_CAN, {**self.lacks, **why_not}),
            streams=streams,
            max_text=MAX_TEXT,
        )

    def pull(self, stream: str, state: str, since: datetime | None = None) -> Iterator[Page]:
        with self._box() as box:
            finder = Finder(box, self._address)
            folder = finder.folder(_STREAMS[stream])
            if folder is not None:
                yield from Walk(finder, stream, folder).pages(state, since)

    def fetch(self, ids: Sequence[str]) -> list[RemoteMessage | RemoteGone]:
        if not ids:
            return []
        with self._box() as box:
            finder = Finder(box, self._address)
            return [self._fetched(finder, each) for each in ids]

    def _fetched(self, finder: Finder, text: str) -> RemoteMessage | RemoteGone:
        mail = finder.find(text)
        if mail is not None:
            return finder.message(mail, text)
        junk = finder.folder("junk")
        spam = junk is not None and finder.find(text, [junk]) is not None
        return RemoteGone(text, GoneHow.REMOVED if spam else GoneHow.DELETED)

    def thread(self, message_id: str) -> list[RemoteMessage]:
        with self._box() as box:
            finder = Finder(box, self._address)
            mails = finder.conversation(finder.get(message_id))
            made, _ = finder.messages(mails)
            return list({message.id: message for _, message in made}.values())

    def perform(self, command: Command) -> Receipt:
        if command.verb in self.lacks:
            raise Refused(Reason.UNSUPPORTED, self.lacks[command.verb])
        with self._box() as box:
            return self._acts(box).perform(command)

    def find_sent(self, command: Command) -> Receipt | None:
        if command.verb in self.lacks:
            return None
        with self._box() as box:
            return self._acts(box).find(command)

    def close(self) -> None:
        self._stopped.set()
