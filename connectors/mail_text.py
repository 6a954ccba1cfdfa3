"""What a mail says, as text: headers decoded, one body, whatever its sender's program made of them."""

import email.errors
import email.header
import email.message
import email.utils
import re
from datetime import UTC, datetime
from typing import Final

from connectors import html

# What reading a mail that breaks the rules is known to raise.
UNREADABLE: Final = (
    AssertionError,
    AttributeError,
    IndexError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    email.errors.MessageError,
)
_ANSWER: Final = re.compile(
    r"^\s*((re|aw|sv|vs|antw|rv|res|fwd?|wg|tr)\s*(\[\d+\])?\s*[:\uff1a]\s*)+", re.IGNORECASE
)


def bare_subject(subject: str) -> str:
    """A subject without the marks that mail programs put before it."""
    return _ANSWER.sub("", subject).strip()


def is_answer(subject: str) -> bool:
    return _ANSWER.match(subject) is not None


def header(mail: email.message.Message, name: str) -> str:
    """One header as a reader sees it, on one line."""
    raw = str(mail.get(name, ""))
    try:
        text = str(email.header.make_header(email.header.decode_header(raw)))
    except (LookupError, ValueError, email.errors.MessageError):
        text = raw
    return " ".join(text.split())


def ids(text: str) -> list[str]:
    """The Message-IDs of a header, without their brackets."""
    return [one.strip("<>") for one in text.split() if one.strip("<>")]


def written_at(mail: email.message.Message) -> datetime | None:
    """What the Date header says, in UTC."""
    try:
        found = email.utils.parsedate_to_datetime(str(mail.get("Date", "")))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def body(mail: email.message.Message) -> str:
    """Its words: the plain ones where there are any, else what the HTML shows."""
    parts = [p for p in mail.walk() if not p.is_multipart() and p.get_content_disposition() != "attachment"]
    for wanted in ("text/plain", "text/html"):
        texts = [_decoded(part) for part in parts if part.get_content_type() == wanted]
        found = next((text for text in texts if text.strip()), "")
        if found:
            return found if wanted == "text/plain" else html.to_text(found)
    broken = mail.get_content_maintype() == "multipart" and not mail.is_multipart()
    return _decoded(mail) if broken else ""


def _decoded(part: email.message.Message) -> str:
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    try:
        return raw.decode(part.get_content_charset() or "utf-8", "replace")
    except (LookupError, ValueError):
        return raw.decode("utf-8", "replace")
