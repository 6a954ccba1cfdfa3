"""From the bytes of an export to records of named texts: CSV, JSON Lines, JSON, mbox, and ZIP of these.

Everything is read as a stream and bounded: a line, a field and a message by `MAX_RECORD`, an archive by the
sizes below. What cannot be read becomes a `Trouble` with its line and a reason, and reading goes on.
"""

import codecs
import csv
import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

from connectors import archive_chats as chats
from connectors import archive_surveys as surveys
from connectors.archive_mail import read_mail
from connectors.errors import Reason, Refused

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_RECORD = 16_000_000  # characters or bytes; a 10 MB message is strange but possible
MAX_MEMBERS = 1_000
MAX_UNPACKED = 4_000_000_000
MAX_RATIO = 200  # real text packs 3 to 20 times; bombs pack a thousand times
_RATIO_MATTERS = 10_000_000
_HEAD = 65_536
_SAMPLE_ROWS = 20
_CHUNK = 65_536
_ENCRYPTED = 0x1


class Format(StrEnum):
    CSV = "csv"
    JSON_LINES = "jsonl"
    JSON = "json"
    MBOX = "mbox"
    ZIP = "zip"
    WHATSAPP = "whatsapp"
    DISCORD = "discord"


@dataclass(frozen=True, slots=True)
class Record:
    """One row, object or mail as named texts; `line` is where it begins, for a person to find it."""

    line: int
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that could not be read: where and why, never the words themselves."""

    line: int
    why: str


@dataclass(slots=True)
class Progress:
    """Bytes read and bytes to read; after unpacking, where the file is packed."""

    done: int = 0
    total: int = 0


def sniff(head: bytes) -> tuple[Format, str]:
    """Tell the format and the encoding from the first bytes; names of files say nothing."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return Format.ZIP, ""
    encoding = _encoding(head)
    text = head.decode(encoding, "replace").lstrip("\ufeff \t\r\n")
    if text.startswith("From "):
        return Format.MBOX, encoding
    if text.startswith("{"):
        return Format.DISCORD if chats.is_discord(text) else Format.JSON_LINES, encoding
    if chats.is_whatsapp(text):
        return Format.WHATSAPP, encoding
    return (Format.JSON if text.startswith("[") else Format.CSV), encoding


def read(path: Path, progress: Progress) -> Iterator[Record | Trouble]:
    """Read every record of the file, in its order."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            file.seek(0)
            progress.total = path.stat().st_size
            if sniff(head)[0] is Format.ZIP:
                yield from _read_zip(file, progress)
            else:
                yield from _read_plain(file, head, progress)
    except OSError as trouble:
        raise Refused(Reason.NOT_FOUND, f"The file cannot be read: {trouble.strerror}.") from trouble


# ---------------------------------------------------------------------- plain files


class _Counting(io.RawIOBase):
    """Reads through to another stream, counts, and stops a member that is larger than it said."""

    def __init__(self, source: IO[bytes], progress: Progress) -> None:
        super().__init__()
        self._source = source
        self._progress = progress

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer)
        block = self._source.read(len(view))
        view[: len(block)] = block
        self._progress.done += len(block)
        if self._progress.done > MAX_UNPACKED and self._progress.done > self._progress.total:
            raise Refused(Reason.INVALID, "The file unpacks to more than it says; it was not imported.")
        return len(block)


def _read_plain(source: IO[bytes], head: bytes, progress: Progress) -> Iterator[Record | Trouble]:
    format_, encoding = sniff(head)
    if format_ is Format.ZIP:
        yield Trouble(0, "An archive inside an archive is not opened.")
        return
    if _looks_binary(head, encoding):
        yield Trouble(0, "This is not a text file.")
        return
    stream = io.BufferedReader(_Counting(source, progress))
    if format_ is Format.MBOX:
        for line, mail in read_mail(stream, MAX_RECORD):
            yield Record(line, _cleaned(mail)) if isinstance(mail, dict) else Trouble(line, mail)
        return
    text = io.TextIOWrapper(stream, encoding, errors="replace", newline="")
    if format_ is Format.CSV:
        yield from _read_csv(text, head.decode(encoding, "replace"))
    elif format_ is Format.JSON_LINES:
        yield from _read_json_lines(text)
    elif format_ is Format.WHATSAPP:
        lost: list[Trouble] = []
        for line, said in chats.read_whatsapp(_lines(text, lost)):
            yield Record(line, _cleaned(said))
            yield from _drain(lost)
    elif format_ is Format.DISCORD:
        yield from _read_discord(text, head.decode(encoding, "replace"))
    else:
        yield from _read_json_array(text)


def _encoding(head: bytes) -> str:
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        # Not final: the head may end in the middle of a character.
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _looks_binary(head: bytes, encoding: str) -> bool:
    return encoding in {"utf-8", "cp1252"} and head.count(0) > len(head) // 20


def _lines(text: io.TextIOWrapper, lost: list[Trouble]) -> Iterator[tuple[int, str]]:
    """Read line by line; a line beyond all bounds is dropped and noted in `lost`."""
    number = 0
    while line := text.readline(MAX_RECORD):
        number += 1
        if len(line) < MAX_RECORD or line.endswith(("\n", "\r")):
            yield number, line.replace("\0", "")
            continue
        lost.append(Trouble(number, "The line is longer than anything a person wrote."))
        while (rest := text.readline(MAX_RECORD)) and not rest.endswith(("\n", "\r")):
            pass


# ---------------------------------------------------------------------- CSV


def _read_csv(text: io.TextIOWrapper, sample: str) -> Iterator[Record | Trouble]:
    # The limit is the process's; the default of 128 KiB would reject long posts.
    csv.field_size_limit(MAX_RECORD)
    lost: list[Trouble] = []
    reader = csv.reader((line for _, line in _lines(text, lost)), delimiter=_delimiter(sample))
    names: list[str] = []
    shaped: surveys.Shape | None = None
    begins = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as trouble:
            yield Trouble(begins, f"The row cannot be read: {trouble}.")
            row = []
        if row and not names:
            names = _unique(row)
            shaped = surveys.shape(names, _sample_rows(sample, _delimiter(sample))[1:])
        elif row:
            yield _shaped(_row(begins, names, row), shaped)
        yield from _drain(lost)
        begins = reader.line_num + 1
    yield from _drain(lost)


def _row(line: int, names: list[str], row: list[str]) -> Record | Trouble:
    if len(row) > len(names) and any(row[len(names) :]):
        return Trouble(line, f"The row has {len(row)} fields, the first row has {len(names)}.")
    # A short row is an export that leaves out what is empty at its end.
    padded = [*row, *[""] * (len(names) - len(row))]
    return Record(line, _cleaned(dict(zip(names, padded, strict=False))))


def _shaped(found: Record | Trouble, shape: surveys.Shape | None) -> Record | Trouble:
    """The answers of one person as one message, where the file is a survey."""
    return Record(found.line, shape(found.values)) if shape and isinstance(found, Record) else found


def _drain(lost: list[Trouble]) -> Iterator[Trouble]:
    yield from lost
    lost.clear()


def _unique(names: list[str]) -> list[str]:
    known: dict[str, None] = {}
    for place, name in enumerate(names, 1):
        wanted = clean(name).strip().lstrip("\ufeff") or f"column {place}"
        while wanted in known:
            wanted = f"{wanted} ({place})"
        known[wanted] = None
    return list(known)


def _delimiter(sample: str) -> str:
    """Choose the delimiter that cuts the first rows into the same number of fields, the more the better."""
    scores = {mark: _regularity(sample, mark) for mark in ",;\t|"}
    return max(scores, key=lambda mark: scores[mark])


def _regularity(sample: str, mark: str) -> tuple[float, int]:
    try:
        rows = _sample_rows(sample, mark)
    except csv.Error:
        return 0.0, 0
    width = len(rows[0]) if rows else 0
    if width < 2:  # noqa: PLR2004 - one field is no division at all
        return 0.0, 0
    return sum(1 for row in rows if len(row) == width) / len(rows), width


def _sample_rows(sample: str, mark: str) -> list[list[str]]:
    """The first rows that are not empty."""
    lines = sample.replace("\0", "").splitlines(keepends=True)
    whole = lines if len(sample) < _HEAD else lines[:-1]
    return list(islice((row for row in csv.reader(whole, delimiter=mark) if row), _SAMPLE_ROWS))


# ---------------------------------------------------------------------- JSON

_decoder = json.JSONDecoder(strict=False)


def _read_json_lines(text: io.TextIOWrapper) -> Iterator[Record | Trouble]:
    lost: list[Trouble] = []
    for number, line in _lines(text, lost):
        yield from _drain(lost)
        if line.strip():
            try:
                found = _decoder.decode(line.strip())
            except (ValueError, RecursionError):
                yield Trouble(number, "The line is not valid JSON.")
                continue
            yield _object(number, found)
    yield from _drain(lost)


_between = re.compile(r"[ \t\r\n,]*")


def _read_discord(text: io.TextIOWrapper, head: str) -> Iterator[Record | Trouble]:
    begins = chats.discord_messages_begin(head)
    if begins < 0:
        yield Trouble(1, "The list of messages is not where the export puts it.")
        return
    place = chats.discord_place(head)
    text.read(begins)

    def message(line: int, found: object) -> Record | Trouble:
        if not isinstance(found, dict):
            return Trouble(line, "This is not a message.")
        return Record(line, _cleaned(chats.discord_message(found, place)))

    yield from _read_json_array(text, message)


def _read_json_array(
    text: io.TextIOWrapper, read_one: Callable[[int, object], Record | Trouble] | None = None
) -> Iterator[Record | Trouble]:
    """Read one element after the other, so that a huge array need not fit into memory."""
    buffer = text.read(_CHUNK)
    at = buffer.index("[") + 1
    line, ended = 1 + buffer.count("\n", 0, at), False
    while True:
        begins = _skip(buffer, at)
        line += buffer.count("\n", at, begins)
        at = begins
        if buffer.startswith("]", at) or (ended and at == len(buffer)):
            return
        found, end, whole = _element(buffer, at)
        # What touches the end of the buffer may go on in the next block.
        if whole and (ended or end < len(buffer)):
            yield (read_one or _object)(line, found)
            line += buffer.count("\n", at, end)
            at = end
            continue
        if ended or len(buffer) - at > MAX_RECORD:
            yield Trouble(line, "The list cannot be read from here on: it is not valid JSON.")
            return
        more = text.read(max(_CHUNK, len(buffer) - at))
        buffer, at, ended = buffer[at:] + more, 0, not more


def _skip(buffer: str, at: int) -> int:
    found = _between.match(buffer, at)
    return found.end() if found else at


def _element(buffer: str, at: int) -> tuple[object, int, bool]:
    """Decode the element at that place: what it is, where it ends, whether it is whole."""
    try:
        return *_decoder.raw_decode(buffer, at), True
    except (ValueError, RecursionError):
        return None, at, False


def _object(line: int, found: object) -> Record | Trouble:
    if not isinstance(found, dict):
        return Trouble(line, "This is not an object with named fields.")
    return Record(line, _cleaned(dict(_flat(found))))


def _flat(found: dict[str, object]) -> Iterator[tuple[str, str]]:
    for key, value in found.items():
        if isinstance(value, dict):
            yield from ((f"{key}.{inner}", _as_text(one)) for inner, one in value.items())
        else:
            yield key, _as_text(value)


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        # A number with thousands of digits has no text; whoever wrote it meant harm.
        try:
            return str(value)
        except ValueError:
            return ""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""


# ---------------------------------------------------------------------- ZIP


def _read_zip(file: IO[bytes], progress: Progress) -> Iterator[Record | Trouble]:
    try:
        with zipfile.ZipFile(file) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            chosen = chats.chosen_members([member.filename for member in members])
            if chosen is not None:
                members = [member for member in members if member.filename in chosen]
            _refuse_bombs(members)
            progress.total = sum(member.file_size for member in members)
            names = _channel_names(archive)
            for number, member in enumerate(members, 1):
                channel = chats.package_channel(member.filename)
                for found in _read_member(archive, member, number, progress):
                    yield _of_package(found, channel, names) if channel else found
    except zipfile.BadZipFile as trouble:
        raise Refused(Reason.INVALID, "The ZIP file is damaged.") from trouble


def _of_package(found: Record | Trouble, channel: str, names: dict[str, str]) -> Record | Trouble:
    if isinstance(found, Trouble):
        return found
    return Record(found.line, chats.package_message(found.values, channel, names.get(channel, "")))


def _channel_names(archive: zipfile.ZipFile) -> dict[str, str]:
    """The names of a data package's channels; the list is small where it is one."""
    for member in archive.infolist():
        if member.filename.lower().endswith("messages/index.json") and member.file_size < MAX_RECORD:
            return chats.package_names(archive.read(member))
    return {}


def _refuse_bombs(members: list[zipfile.ZipInfo]) -> None:
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise Refused(
            Reason.INVALID, "The ZIP file is encrypted. Unpack it with its password and choose the files."
        )
    if len(members) > MAX_MEMBERS:
        raise Refused(Reason.INVALID, f"The ZIP file holds more than {MAX_MEMBERS} files.")
    if sum(member.file_size for member in members) > MAX_UNPACKED:
        raise Refused(Reason.INVALID, "The ZIP file unpacks to more than 4 GB.")
    for member in members:
        if member.file_size > _RATIO_MATTERS and member.file_size > MAX_RATIO * member.compress_size:
            raise Refused(Reason.INVALID, "The ZIP file is packed as no real text is; it was not opened.")


def _read_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, number: int, progress: Progress
) -> Iterator[Record | Trouble]:
    before = progress.done
    opened: Callable[[], IO[bytes]] = lambda: archive.open(member)  # noqa: E731 - opened twice below
    try:
        with opened() as peek:
            head = peek.read(_HEAD)
        with opened() as source:
            yield from _read_plain(source, head, progress)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError, ValueError):
        yield Trouble(0, f"File {number} of the archive is damaged or packed in an unknown way.")
    progress.done = before + member.file_size


# ---------------------------------------------------------------------- texts


def _cleaned(values: dict[str, str]) -> dict[str, str]:
    return {clean(key): clean(value) for key, value in values.items()}


def clean(text: str) -> str:
    """Replace half characters and drop NUL, so that every store and screen can take the text."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
