"""One mail read from its bytes, and one written: names, participants, what is attached, who answers whom."""

import email
import email.errors
import email.message
import email.parser
import email.policy
import email.utils
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address as Person
from email.message import EmailMessage
from functools import cached_property
from typing import Final
from urllib.parse import quote

from connectors.contract import Media
from connectors.email_box import Folder, Record
from connectors.errors import Reason, Refused
from connectors.mail_text import UNREADABLE, bare_subject, body, header, ids, is_answer, written_at

HEADERS: Final = ("MESSAGE-ID", "REFERENCES", "IN-REPLY-TO", "SUBJECT", "FROM", "TO", "CC", "DATE")
MAX_TEXT: Final = 100_000  # characters; a limit of ours, no server names one
AUTOMATIC, LIST, BOUNCE = "automatic mail", "mailing list", "undelivered mail"
# An id that a server can be asked for and that a header can carry without being changed.
_SANE: Final = re.compile(r"[!#-;=?-\[\]-~]{3,250}")
_OURS: Final = "hearthlight."
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")
_MOST_REFERENCES: Final = 30
_EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
_NOTICES: Final = {"mailer-daemon", "postmaster"}
_KINDS: Final = ("image", "video", "audio")


@dataclass(frozen=True)
class Mail:
    """A mail in a folder. Read from its headers alone it has no words."""

    record: Record

    @cached_property
    def parsed(self) -> email.message.Message:
        # The old policy reads what breaks the rules; the new one raises at odd headers.
        try:
            return email.message_from_bytes(self.record.raw, policy=email.policy.compat32)
        except UNREADABLE:  # parts in parts in parts: its words then are all that follows the headers
            return email.parser.BytesHeaderParser(policy=email.policy.compat32).parsebytes(self.record.raw)

    @property
    def folder(self) -> Folder:
        return self.record.folder

    @cached_property
    def name(self) -> str:
        """Its Message-ID; empty where it has none that can be asked for."""
        found = ids(header(self.parsed, "Message-ID"))
        return found[0] if len(found) == 1 and sane(found[0]) else ""

    @cached_property
    def references(self) -> list[str]:
        """What it refers to, the first of the conversation first."""
        return [one for one in ids(header(self.parsed, "References")) if sane(one)]

    @cached_property
    def answers(self) -> str:
        """What it answers; empty where it says nothing of it."""
        found = [one for one in ids(header(self.parsed, "In-Reply-To")) if sane(one)]
        return found[0] if found else self.references[-1] if self.references else ""

    @cached_property
    def subject(self) -> str:
        return header(self.parsed, "Subject")

    @property
    def answers_by_subject(self) -> bool:
        """Whether only its subject says that it answers something."""
        return not self.answers and is_answer(self.subject) and bool(bare_subject(self.subject))

    @cached_property
    def author(self) -> tuple[str, str]:
        """Name and address of whoever wrote it."""
        found = _people(self.parsed, "From")
        return found[0] if found else ("", "")

    @cached_property
    def answer_to(self) -> list[str]:
        """Where an answer goes: to whoever wrote it, and to nobody else who got it.

        A list puts itself into Reply-To; an address that the mail went to anyway is not followed.
        """
        wished = [address for _, address in _people(self.parsed, "Reply-To")]
        got_it = self.recipients
        if wished and not any(address in got_it for address in wished):
            return wished[:1]
        return [self.author[1]] if self.author[1] else []

    @cached_property
    def recipients(self) -> list[str]:
        return [address for name in ("To", "Cc") for _, address in _people(self.parsed, name)]

    @cached_property
    def at(self) -> datetime:
        """When it was written, as far as its writer's clock can be believed."""
        said, received = written_at(self.parsed), self.record.received
        return said if said is not None and _EARLIEST < said <= received else received

    @cached_property
    def text(self) -> str:
        return body(self.parsed).replace("\r\n", "\n").strip()

    @cached_property
    def digest(self) -> str:
        """What tells two mails of one Message-ID apart: writer, time and words."""
        said = written_at(self.parsed)
        words = " ".join(self.text.split())
        facts = (self.author[1], said.isoformat() if said else "", self.subject, words)
        return hashlib.sha256("\0".join(facts).encode("utf-8", "replace")).hexdigest()[:12]

    @cached_property
    def automatic(self) -> str:
        """Why no answer to it may be sent; empty for what a person wrote."""
        said = {name: header(self.parsed, name).casefold() for name in ("Auto-Submitted", "Precedence")}
        sender = self.author[1].partition("@")[0]
        report = self.parsed.get_content_type() == "multipart/report"
        if report or sender in _NOTICES or header(self.parsed, "Return-Path") == "<>":
            return BOUNCE
        if any(name in self.parsed for name in ("List-Id", "List-Post", "List-Unsubscribe", "Mailing-List")):
            return LIST
        if said["Precedence"] in ("list", "bulk", "junk"):
            return LIST
        if said["Auto-Submitted"].partition(";")[0].strip() not in ("", "no"):
            return AUTOMATIC
        answered_alone = any(name in self.parsed for name in ("X-Autoreply", "X-Autorespond"))
        return AUTOMATIC if answered_alone else ""

    @cached_property
    def media(self) -> tuple[Media, ...]:
        """What is attached, by name; it is not loaded."""
        found = []
        for number, part in enumerate(self.parsed.walk()):
            named = _file_name(part)
            if part.is_multipart() or not (named or part.get_content_disposition() == "attachment"):
                continue
            kind = part.get_content_maintype()
            url = f"mid:{quote(self.name or self.digest, safe='@')}/{number}"
            found.append(Media(url, kind if kind in _KINDS else "file", named or part.get_content_type()))
        return tuple(found)


def sane(name: str) -> bool:
    return _SANE.fullmatch(name) is not None


def made_name(key: str, address: str) -> str:
    """The Message-ID of the mail that a command sends: always the same, and not to be guessed."""
    secret = hashlib.sha256(key.encode()).hexdigest()[:32]
    return f"{_OURS}{secret}@{address.rpartition('@')[2]}"


def is_made_here(name: str) -> bool:
    return name.startswith(_OURS)


def compose(sender: tuple[str, str], to: Sequence[str], target: Mail, text: str, name: str) -> EmailMessage:
    """Write an answer to a mail."""
    mail = EmailMessage(policy=email.policy.SMTP.clone(max_line_length=76))
    subject = _CONTROL.sub(" ", target.subject).strip()
    references = [*target.references, *([target.name] if target.name else [])]
    if not target.references and target.answers:
        references.insert(0, target.answers)
    try:
        mail["From"] = Person(_CONTROL.sub(" ", sender[0]).strip(), addr_spec=sender[1])
        mail["To"] = [Person(addr_spec=address) for address in to]
        mail["Subject"] = subject if is_answer(subject) else f"Re: {subject}".strip()
        mail["Date"] = datetime.now(UTC)
        mail["Message-ID"] = f"<{name}>"
        if target.name:
            mail["In-Reply-To"] = f"<{target.name}>"
        if references:
            kept = [references[0], *references[1:][-_MOST_REFERENCES:]]
            mail["References"] = " ".join(f"<{one}>" for one in kept)
        mail.set_content(text, cte="quoted-printable")
    except (ValueError, IndexError, email.errors.MessageError):
        raise Refused(Reason.INVALID, "there is no address that an answer could go to") from None
    return mail


def storable(text: str) -> bool:
    """Whether a mail can carry it: half an emoji or a NUL would be lost on the way."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def _people(mail: email.message.Message, name: str) -> list[tuple[str, str]]:
    """Names and addresses of a header. Addresses are read first: a decoded name could hold more of them."""
    raw = [str(value) for value in mail.get_all(name, [])]
    found = []
    for shown, address in email.utils.getaddresses(raw):
        if "@" in address:
            wrapped = email.message.Message()
            wrapped["X"] = shown
            found.append((_CONTROL.sub(" ", header(wrapped, "X")).strip(), address.strip().casefold()))
    return found


def _file_name(part: email.message.Message) -> str:
    wrapped = email.message.Message()
    wrapped["X"] = part.get_filename("") or ""
    return _CONTROL.sub(" ", header(wrapped, "X")).strip()
