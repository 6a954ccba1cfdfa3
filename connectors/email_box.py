"""One signed-in IMAP connection (RFC 3501, with UIDPLUS, MOVE and SPECIAL-USE where they are offered).

Answers are judged by their response codes (RFC 5530), never by their words. Nothing here marks a mail as
read: folders are opened read-only and bodies are only peeked at.
"""

import base64
import email.utils
import imaplib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

from connectors.email_server import SILENCE, Address, context, while_connecting
from connectors.errors import ConnectorError, Gone, Reason, Refused, SignInAgain, TryLater, Unreadable

LONGEST: Final = 1024 * 1024  # bytes of a mail that are read: its words come before what is attached
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CODE: Final = re.compile(rb"\[([A-Z0-9-]+)")
_NOT_NOW: Final = {b"UNAVAILABLE", b"INUSE", b"LIMIT", b"SERVERBUG", b"CONTACTADMIN"}
_REFUSED_FOR: Final = {b"NOPERM": Reason.ROLE, b"OVERQUOTA": Reason.BLOCKED, b"CANNOT": Reason.UNSUPPORTED}
_RECORD: Final = re.compile(rb"\d+ \(")
_LISTED: Final = re.compile(rb'\((?P<flags>[^)]*)\) (?:"(?:[^"\\]|\\.)*"|NIL) ?(?P<name>.*)', re.DOTALL)
_ROLES: Final = {"\\sent": "sent", "\\trash": "trash", "\\junk": "junk", "\\drafts": "drafts", "\\all": "all"}
# For servers that do not say what a folder is for.
_NAMES: Final[Mapping[str, frozenset[str]]] = {
    "sent": frozenset(
        {"sent", "sent items", "sent messages", "sent mail", "gesendet", "gesendete objekte"}
        | {"gesendete elemente", "envoyés", "éléments envoyés", "enviados", "elementos enviados", "inviati"}
    ),
    "trash": frozenset({"trash", "deleted items", "deleted messages", "papierkorb", "corbeille", "papelera"}),
    "junk": frozenset({"junk", "junk e-mail", "junk email", "spam", "spamverdacht", "pourriel"}),
    "drafts": frozenset({"drafts", "entwürfe", "brouillons", "borradores"}),
}


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that can be opened; `role` is what it is for, empty for one like any other."""

    name: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A mail as the server holds it, or some of its headers."""

    folder: Folder
    uid: int
    received: datetime
    raw: bytes
    size: int


class Box:
    """Use as a context: it signs in and out. Every trouble is one of `connectors.errors`."""

    def __init__(self, server: Address, user: str, password: str) -> None:
        self._server, self._user, self._password = server, user, password
        self._open: tuple[Folder, bool] | None = None
        self._state = (0, 0)
        self.abilities: frozenset[str] = frozenset()

    def __enter__(self) -> Self:
        with _named(), while_connecting(self._server):
            self._imap = self._connect()
        try:
            self._sign_in()
            found = self._ask(self._imap.capability)
        except ConnectorError:
            _hang_up(self._imap)
            raise
        self.abilities = frozenset(b" ".join(found).decode("ascii", "replace").upper().split())
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._imap.logout()
        except (imaplib.IMAP4.error, OSError):
            _hang_up(self._imap)

    def folders(self) -> list[Folder]:
        """Every folder that can be opened, the inbox first."""
        found = [each for line in self._ask(self._imap.list) if (each := _listed(line))]
        taken: set[str] = {each.role for each in found}
        named = [each if each.role else Folder(each.name, _by_name(each.name, taken)) for each in found]
        return sorted(named, key=lambda each: (each.role != "inbox", each.role != "sent"))

    def open(self, folder: Folder, *, change: bool = False) -> tuple[int, int]:
        """Its UIDVALIDITY and UIDNEXT, as they were when it was opened."""
        if self._open != (folder, change):
            self._open = None
            self._ask(lambda: self._imap.select(_quoted(encoded(folder.name)), readonly=not change))
            self._open, self._state = (folder, change), (self._told("UIDVALIDITY"), self._told("UIDNEXT"))
        return self._state

    def search(self, folder: Folder, *criteria: str, last: str = "") -> list[int]:
        """The UIDs of the mails that meet all criteria; `last` is the last one's value, in any script."""
        self.open(folder)
        if last:
            # How the library sends what needs more than ASCII; the stubs have it as text, it wants bytes.
            self._imap.literal = last.encode()  # type: ignore[assignment]
        charset = ("CHARSET", "UTF-8") if last else ()
        found = self._ask(lambda: self._imap.uid("SEARCH", *charset, *criteria))
        return sorted(int(each) for line in found if line for each in line.split() if each.isdigit())

    def mails(self, folder: Folder, uids: Sequence[int], headers: Sequence[str] = ()) -> list[Record]:
        """The mails of these UIDs that are still there; with `headers`, only those."""
        if not uids:
            return []
        self.open(folder)
        part = f"HEADER.FIELDS ({' '.join(headers)})" if headers else ""
        what = f"(UID INTERNALDATE RFC822.SIZE BODY.PEEK[{part}]<0.{LONGEST}>)"
        wanted = ",".join(str(uid) for uid in uids)
        found = self._ask(lambda: self._imap.uid("FETCH", wanted, what))
        return [record for meta, raw in _records(found) if (record := _record(folder, meta, raw))]

    def mark(self, folder: Folder, uid: int, flag: str) -> None:
        """Set a flag."""
        self.open(folder, change=True)
        self._ask(lambda: self._imap.uid("STORE", str(uid), "+FLAGS.SILENT", f"({flag})"))

    def move(self, folder: Folder, uid: int, to: Folder) -> None:
        """Put a mail into another folder; only where the server offers it in one step."""
        self.open(folder, change=True)
        self._ask(lambda: self._imap.uid("MOVE", str(uid), _quoted(encoded(to.name))))

    def add(self, folder: Folder, raw: bytes) -> None:
        """File a mail as read."""
        self._ask(lambda: self._imap.append(_quoted(encoded(folder.name)), "(\\Seen)", "", raw))

    def create(self, name: str) -> None:
        self._ask(lambda: self._imap.create(_quoted(encoded(name))))

    def _connect(self) -> imaplib.IMAP4:
        host, port = self._server.host, self._server.port
        if self._server.at_once:
            return imaplib.IMAP4_SSL(host, port, ssl_context=context(), timeout=SILENCE)
        imap = imaplib.IMAP4(host, port, timeout=SILENCE)
        if "STARTTLS" not in imap.capabilities:
            _hang_up(imap)
            raise Refused(Reason.UNSUPPORTED, f"{host} offers no encryption; it is not spoken to without")
        try:
            imap.starttls(context())
        except (imaplib.IMAP4.error, OSError):
            _hang_up(imap)
            raise
        return imap

    def _sign_in(self) -> None:
        """By SASL where it is offered: a LOGIN cannot carry every password."""
        words = f"\0{self._user}\0{self._password}".encode()
        try:
            with _named(signing_in=True):
                if "AUTH=PLAIN" in self._imap.capabilities:
                    self._imap.authenticate("PLAIN", lambda _: words)
                else:
                    self._imap.login(self._user, self._password)
        except UnicodeError:
            raise SignInAgain("this server cannot take a password with such letters") from None

    def _ask(self, call: Callable[[], tuple[str, Any]]) -> list[Any]:
        with _named():
            answer, data = call()
        if answer != "OK":
            raise _refusal(data[-1] if data else b"")
        return [each for each in data if each is not None]

    def _told(self, name: str) -> int:
        """Read a number that the server said when it opened the folder."""
        _, found = self._imap.response(name)
        said = found[-1] if found else None
        return int(said) if isinstance(said, bytes) and said.isdigit() else 0


def _hang_up(imap: imaplib.IMAP4) -> None:
    with suppress(OSError):  # the other side was faster
        imap.shutdown()


def day(moment: datetime) -> str:
    """A date as IMAP writes it, in English whatever this machine speaks."""
    return f"{moment.day}-{_MONTHS[moment.month - 1]}-{moment.year:04}"


def encoded(name: str) -> str:
    """A folder's name in IMAP's own UTF-7 (RFC 3501, 5.1.3)."""
    parts: list[str] = []
    for plain, other in re.findall(r"([\x20-\x7e]+)|([^\x20-\x7e]+)", name):
        if plain:
            parts.append(plain.replace("&", "&-"))
        else:
            coded = base64.b64encode(other.encode("utf-16-be", "replace")).decode().rstrip("=")
            parts.append(f"&{coded.replace('/', ',')}-")
    return "".join(parts)


def decoded(name: str) -> str:
    """A folder's name as people see it; one that makes no sense stays as it is."""

    def plain(found: re.Match[str]) -> str:
        coded = found.group(1).replace(",", "/")
        if not coded:
            return "&"
        return base64.b64decode(coded + "=" * (-len(coded) % 4)).decode("utf-16-be")

    try:
        return re.sub(r"&([^-]*)-", plain, name)
    except ValueError:
        return name


@contextmanager
def _named(*, signing_in: bool = False) -> Iterator[None]:
    """Turn the library's errors into ours; the causes are cut off, they hold what was sent."""
    try:
        yield
    except (imaplib.IMAP4.abort, OSError, EOFError) as trouble:
        raise TryLater(f"the mail server hung up: {type(trouble).__name__}", offline=True) from None
    except imaplib.IMAP4.error as trouble:
        said = trouble.args[0] if trouble.args else b""
        if signing_in:
            raise _refusal(said, SignInAgain("the mail server did not accept this sign-in")) from None
        raise Unreadable("the mail server said something that is not IMAP") from None


def _refusal(said: object, otherwise: ConnectorError | None = None) -> ConnectorError:
    """What a NO means, by its code."""
    words = said if isinstance(said, bytes) else str(said).encode()
    found = _CODE.match(words.strip())
    code = found.group(1) if found else b""
    shown = code.decode() or "no reason given"
    if code in _NOT_NOW:
        return TryLater(f"the mail server cannot answer now ({shown})")
    if otherwise is not None:
        return otherwise
    if code in (b"NONEXISTENT", b"TRYCREATE"):
        return Gone("the mail server has no such folder")
    return Refused(_REFUSED_FOR.get(code, Reason.INVALID), f"the mail server said no ({shown})")


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _listed(line: bytes | tuple[bytes, bytes]) -> Folder | None:
    """One line of a LIST; a name may come as a literal."""
    head, literal = line if isinstance(line, tuple) else (line, None)
    found = _LISTED.match(head)
    if found is None:
        return None
    name = literal if literal is not None else found["name"]
    if literal is None and name.startswith(b'"'):
        name = re.sub(rb"\\(.)", rb"\1", name[1:-1])
    flags = found["flags"].decode("ascii", "replace").lower().split()
    if "\\noselect" in flags or "\\nonexistent" in flags:
        return None
    shown = decoded(name.decode("utf-8", "replace"))
    role = next((_ROLES[flag] for flag in flags if flag in _ROLES), "")
    return Folder(shown, "inbox" if shown.upper() == "INBOX" else role)


def _by_name(name: str, taken: set[str]) -> str:
    last = re.split(r"[/.]", name)[-1].casefold()
    role = next((role for role, known in _NAMES.items() if last in known and role not in taken), "")
    taken.add(role)
    return role


def _records(found: Sequence[Any]) -> list[tuple[bytes, bytes | None]]:
    """Put each mail's pieces together: what the server says of it may come before and after its text."""
    records: list[tuple[bytes, bytes | None]] = []
    for piece in found:
        meta, literal = piece if isinstance(piece, tuple) else (piece, None)
        if _RECORD.match(meta):
            records.append((meta, literal))
        elif records:
            records[-1] = (records[-1][0] + b" " + meta, literal or records[-1][1])
    return records


def _record(folder: Folder, meta: bytes, raw: bytes | None) -> Record | None:
    """None for what another program changed meanwhile: the server tells of it here too."""
    uid = re.search(rb"UID (\d+)", meta)
    if uid is None or raw is None:
        return None
    size = re.search(rb"RFC822\.SIZE (\d+)", meta)
    date = re.search(rb'INTERNALDATE "([^"]+)"', meta)
    said = date.group(1).decode("ascii", "replace").replace("-", " ", 2) if date else ""
    try:
        received = email.utils.parsedate_to_datetime(said).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        received = datetime.fromtimestamp(0, UTC)
    return Record(folder, int(uid.group(1)), received, raw, int(size.group(1)) if size else len(raw))
