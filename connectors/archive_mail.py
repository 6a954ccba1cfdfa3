"""From the bytes of an mbox to mails as named texts, threaded as mail readers do."""

import email
import email.errors
import email.header
import email.message
import email.utils
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import IO

_REPLY_MARKS = re.compile(r"^\s*((re|aw|sv|vs|antw|rv|res|fwd?|wg|tr)\s*(\[\d+\])?\s*:\s*)+", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_SILENT = frozenset({"script", "style", "head", "title"})
_BREAKS = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3", "blockquote"})


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
        if not thread and bare and _REPLY_MARKS.match(subject):
            thread = self._by_subject.get(bare, "")
        thread = thread or mail_id
        for known in (mail_id, *references):
            if known:
                self._by_id.setdefault(known, thread)
        if bare:
            self._by_subject.setdefault(bare, thread)
        return thread


def bare_subject(subject: str) -> str:
    return _REPLY_MARKS.sub("", subject).strip()


def _as_values(mail: email.message.Message, threads: _Threads) -> dict[str, str]:
    subject = _header(mail, "Subject")
    name, address = email.utils.parseaddr(_header(mail, "From"))
    mail_id = _header(mail, "Message-ID").strip("<> ")
    answers = _ids(_header(mail, "In-Reply-To"))
    return {
        "id": mail_id,
        "date": _header(mail, "Date"),
        "from": address,
        "from name": name,
        "to": _header(mail, "To"),
        "subject": bare_subject(subject),
        "thread": threads.place(mail_id, _ids(_header(mail, "References")) or answers, subject),
        "in reply to": answers[0] if answers else "",
        "text": _body(mail).strip(),
    }


def _ids(header: str) -> list[str]:
    return [one.strip("<>") for one in header.split() if one.strip("<>")]


def _header(mail: email.message.Message, name: str) -> str:
    raw = str(mail.get(name, ""))
    try:
        text = str(email.header.make_header(email.header.decode_header(raw)))
    except (LookupError, ValueError, email.errors.MessageError):
        text = raw
    return " ".join(text.split())


def _body(mail: email.message.Message) -> str:
    parts = [p for p in mail.walk() if not p.is_multipart() and p.get_content_disposition() != "attachment"]
    for wanted in ("text/plain", "text/html"):
        for part in parts:
            if part.get_content_type() == wanted:
                text = _decoded(part)
                return text if wanted == "text/plain" else without_tags(text)
    return ""


def _decoded(part: email.message.Message) -> str:
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    try:
        return raw.decode(part.get_content_charset() or "utf-8", "replace")
    except (LookupError, ValueError):
        return raw.decode("utf-8", "replace")


class _Words(HTMLParser):
    """Keeps what a reader would see."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._silent += tag in _SILENT
        if tag in _BREAKS:
            self.seen.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in _SILENT))

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.seen.append(data)


def without_tags(html: str) -> str:
    """Take the words out of HTML, a line for each paragraph."""
    words = _Words()
    try:
        words.feed(html)
        words.close()
        text = "".join(words.seen)
    except AssertionError:  # how html.parser answers to a malformed declaration
        text = _TAG.sub(" ", html)
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)
