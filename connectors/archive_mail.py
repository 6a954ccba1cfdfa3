"""From the bytes of an mbox to mails as named texts, threaded as mail readers do."""

import email
import email.errors
import email.message
import email.utils
from collections.abc import Iterator
from typing import IO

from connectors.mail_text import bare_subject, body, header, ids, is_answer


def read_mail(stream: IO[bytes], limit: int) -> Iterator[tuple[int, dict[str, str] | str]]:
    """Read each mail as named texts, or a reason where it cannot be read, with its first line."""
    threads = _Threads()
    for line, raw in _split(stream, limit):
        if raw is None:
            yield line, "The mail is larger than anything a person wrote."
            continue
        try:
            mail = email.message_from_bytes(raw)
            yield line, _as_values(mail, threads)
        except (ValueError, LookupError, RecursionError, email.errors.MessageError):
            yield line, "The mail is not put together as mails are."


def _split(stream: IO[bytes], limit: int) -> Iterator[tuple[int, bytes | None]]:
    """Cut at lines that begin with "From " after an empty line; None where a mail is too large."""
    begins, size, number, after_empty = 1, 0, 0, True
    parts: list[bytes] = []
    while line := stream.readline(limit):
        number += 1
        if after_empty and line.startswith(b"From "):
            if size:
                yield begins, b"".join(parts) if size <= limit else None
            begins, size, parts = number, 0, []
        else:
            size += len(line)
            if size <= limit:
                parts.append(line[1:] if line.startswith(b">From ") else line)
        after_empty = not line.strip(b"\r\n")
    if size:
        yield begins, b"".join(parts) if size <= limit else None


class _Threads:
    """Which conversation a mail belongs to: by references first, by subject only if it is an answer."""

    def __init__(self) -> None:
        self._by_id: dict[str, str] = {}
        self._by_subject: dict[str, str] = {}

    def place(self, mail_id: str, references: list[str], subject: str) -> str:
        bare = bare_subject(subject).casefold()
        thread = next((self._by_id[r] for r in references if r in self._by_id), "")
        if not thread and references:
            thread = references[0]
        if not thread and bare and is_answer(subject):
            thread = self._by_subject.get(bare, "")
        thread = thread or mail_id
        for known in (mail_id, *references):
            if known:
                self._by_id.setdefault(known, thread)
        if bare:
            self._by_subject.setdefault(bare, thread)
        return thread


def _as_values(mail: email.message.Message, threads: _Threads) -> dict[str, str]:
    subject = header(mail, "Subject")
    name, address = email.utils.parseaddr(header(mail, "From"))
    mail_id = header(mail, "Message-ID").strip("<> ")
    answers = ids(header(mail, "In-Reply-To"))
    return {
        "id": mail_id,
        "date": header(mail, "Date"),
        "from": address,
        "from name": name,
        "to": header(mail, "To"),
        "subject": bare_subject(subject),
        "thread": threads.place(mail_id, ids(header(mail, "References")) or answers, subject),
        "in reply to": answers[0] if answers else "",
        "text": body(mail).strip(),
    }
