"""Where a mail account's two servers are, and the encryption without which nothing is said to them."""

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from connectors.errors import Reason, Refused, TryLater

SILENCE: Final = 30.0  # seconds without a byte
_READING, _SENDING = ("imap", "imaps"), ("smtp", "smtps")
_PORTS: Final = {"imap": 143, "imaps": 993, "smtp": 587, "smtps": 465}
_AT_ONCE: Final = {993, 465}  # encrypted from the first byte; the others begin with STARTTLS
_HOST: Final = re.compile(r"[A-Za-z0-9._:-]+")


@dataclass(frozen=True, slots=True)
class Address:
    """A mail server. Encryption is never left out: it begins `at_once` or by STARTTLS."""

    host: str
    port: int
    at_once: bool


def reading(text: str) -> Address:
    """The IMAP server that somebody typed."""
    return _address(text, _READING, "imaps")


def sending(text: str) -> Address:
    """The SMTP server that somebody typed."""
    return _address(text, _SENDING, "smtp")


def context() -> ssl.SSLContext:
    """Certificates and host names are verified, by what this machine trusts."""
    return ssl.create_default_context()


def _address(text: str, schemes: tuple[str, str], usual: str) -> Address:
    typed = text.strip()
    parts = urlsplit(typed if "://" in typed else f"//{typed}")
    try:
        port = parts.port
    except ValueError:
        port = -1
    known = parts.scheme in ("", *schemes) and not parts.username and not parts.path.strip("/")
    if not known or not parts.hostname or not _HOST.fullmatch(parts.hostname) or port == -1:
        raise Refused(Reason.INVALID, f"“{typed}” is not the name of a mail server")
    scheme = parts.scheme or (usual if port is None else schemes[port in _AT_ONCE])
    return Address(parts.hostname, port or _PORTS[scheme], scheme == schemes[1])


@contextmanager
def while_connecting(address: Address) -> Iterator[None]:
    """Nothing was asked yet, so nothing was done."""
    try:
        yield
    except ssl.SSLCertVerificationError:
        message = f"{address.host} could not prove who it is"
        raise TryLater(message, offline=True) from None
    except (OSError, EOFError) as trouble:
        message = f"{address.host} does not answer: {type(trouble).__name__}"
        raise TryLater(message, offline=True) from None
