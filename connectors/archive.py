"""The archive connector: messages from an exported file, to read and to learn from, never to answer."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from connectors.archive_formats import Format, Progress, Record, Trouble, read, sniff
from connectors.archive_mapping import FieldMapping, Reader, from_json, guess, problems
from connectors.contract import (
    Ability,
    Command,
    Connector,
    Field,
    Page,
    Probe,
    Receipt,
    RemoteGone,
    RemoteMessage,
    Verb,
)
from connectors.errors import Gone, Reason, Refused

__all__ = ["ArchiveConnector", "FieldMapping", "Format", "Inspection", "Trouble", "inspect"]

PAGE = 500
READ_ONLY = "An imported file cannot be answered."
_SAMPLE = 20
_SHOWN_TROUBLES = 1_000
_HEAD = 65_536


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a file looks like before it is imported, for a person to check the mapping."""

    format: Format
    columns: tuple[str, ...]
    sample_rows: tuple[Mapping[str, str], ...]
    mapping: FieldMapping
    problems: tuple[str, ...]


def inspect(path: Path | str, mapping: FieldMapping | None = None) -> Inspection:
    """Look at the first rows of a file; with a mapping, say what is wrong with it."""
    where = Path(path)
    format_, records, said = Format.CSV, list[Record](), list[str]()
    try:
        format_ = _format(where)
        for found in islice(read(where, Progress()), _SAMPLE):
            if isinstance(found, Record):
                records.append(found)
            else:
                said.append(f"Line {found.line}: {found.why}")
    except Refused as refusal:
        said.append(str(refusal))
    columns = tuple(dict.fromkeys(name for record in records for name in record.values))
    inside = _inside(format_, columns)
    chosen = mapping or guess(columns, inside)
    if records:
        said += problems(chosen, columns, records)
    elif not said:
        said.append("The file holds no rows.")
    return Inspection(format_, columns, tuple(r.values for r in records), chosen, tuple(said))


def _format(path: Path) -> Format:
    try:
        with path.open("rb") as file:
            return sniff(file.read(_HEAD))[0]
    except OSError as trouble:
        raise Refused(Reason.NOT_FOUND, f"The file cannot be read: {trouble.strerror}.") from trouble


def _inside(format_: Format, columns: Sequence[str]) -> Format:
    """Tell mail inside a ZIP by its columns; any other content is guessed by name."""
    return Format.MBOX if {"from", "from name", "in reply to", "subject"} <= set(columns) else format_


class ArchiveConnector(Connector):
    """One exported file as if it were an account; the file is never written to.

    The state says how many records were read of which file; a file that grew at its end goes on there, one
    that changed otherwise is read again from its beginning, and the ids make that harmless.
    """

    poll_seconds = 0  # a file says nothing new by itself
    platform = "archive"
    name = "Imported file"
    fields = (
        Field(
            "path",
            "File",
            "CSV, JSON, mail (mbox), Google Forms, LimeSurvey, a chat of WhatsApp or Discord, or a ZIP.",
        ),
        Field("mapping", "Columns", "Which column is which; guessed where empty.", required=False),
    )
    lacks = dict.fromkeys(Verb, READ_ONLY)
    streams = ("import",)

    def __init__(self, values: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        super().__init__(values, secrets)
        self.path = Path(values.get("path", ""))
        self.troubles: list[Trouble] = []  # of the last pull, the first thousand

    def authorize(self) -> Mapping[str, str]:
        """Need no secret; a file that cannot be read is said here, before the account exists."""
        self._mapping()
        return {}

    def probe(self) -> Probe:
        _format(self.path)
        return Probe(
            account_id=str(self.path),
            handle=self.path.name,
            name=self.path.name,
            server="A file on this machine",
            verbs={verb: Ability(can=False, why_not=READ_ONLY) for verb in Verb},
            streams={"import": Ability(can=True)},
        )

    def pull(self, stream: str, state: str, since: datetime | None = None) -> Iterator[Page]:
        mark = _mark(self.path)
        kept = json.loads(state) if state else {}
        skip = int(kept.get("read", 0)) if kept and _goes_on(self.path, kept, mark) else 0
        if kept.get("whole") and skip and kept.get("size") == mark["size"]:
            return
        self.troubles = []
        progress = Progress()
        found = self._from(skip, progress)
        while block := list(islice(found, PAGE)):
            skip += len(block)
            whole = len(block) < PAGE
            messages = [m for m in block if isinstance(m, RemoteMessage)]
            self._keep([one for one in block if isinstance(one, Trouble)])
            yield Page(
                stream,
                tuple(m for m in messages if since is None or m.created_at >= since),
                state=json.dumps({**mark, "read": skip, "whole": whole}),
                skipped=len(block) - len(messages),
                done=progress.total if whole else min(progress.done, progress.total),
                total=progress.total,
            )

    def fetch(self, ids: Sequence[str]) -> list[RemoteMessage | RemoteGone]:
        wanted = set(ids)
        found: dict[str, RemoteMessage] = {}
        # To the end even when all were found: where an id comes twice, the last row is the newest.
        for message in self._messages() if wanted else ():
            if message.id in wanted:
                found[message.id] = message
        return [found.get(one) or RemoteGone(one) for one in ids]

    def thread(self, message_id: str) -> list[RemoteMessage]:
        (one,) = self.fetch([message_id])
        if isinstance(one, RemoteGone):
            raise Gone("That message is not in the file.")
        around = {m.id: m for m in self._messages() if one.thread_id in {m.thread_id, m.id}}
        return sorted(around.values(), key=lambda m: m.created_at)

    def perform(self, command: Command) -> Receipt:
        del command
        raise Refused(Reason.UNSUPPORTED, READ_ONLY)

    def find_sent(self, command: Command) -> Receipt | None:
        """Find nothing: nothing can ever have been sent into a file."""
        del command
        return None

    def _mapping(self) -> FieldMapping:
        written = self.values.get("mapping", "")
        mapping = from_json(written) if written else inspect(self.path).mapping
        _format(self.path)
        return mapping

    def _from(self, skip: int, progress: Progress) -> Iterator[RemoteMessage | Trouble]:
        """Read on after `skip` records; those before are read too, for the ids of their equals."""
        changed_at = datetime.fromtimestamp(_changed(self.path), UTC)
        reader = Reader(self._mapping(), changed_at)
        for number, found in enumerate(read(self.path, progress)):
            message = reader.message(found) if isinstance(found, Record) else found
            if number >= skip:
                yield message

    def _messages(self) -> Iterator[RemoteMessage]:
        return (m for m in self._from(0, Progress()) if isinstance(m, RemoteMessage))

    def _keep(self, troubles: Sequence[Trouble]) -> None:
        self.troubles += troubles[: _SHOWN_TROUBLES - len(self.troubles)]


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError as trouble:
        raise Refused(Reason.NOT_FOUND, f"The file cannot be read: {trouble.strerror}.") from trouble


def _head_digest(path: Path, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.sha256(file.read(size)).hexdigest()


def _mark(path: Path) -> dict[str, str | int]:
    """What tells this file from another and from itself at an earlier time."""
    _changed(path)
    size = path.stat().st_size
    head = min(size, _HEAD)
    return {"size": size, "head": head, "digest": _head_digest(path, head)}


def _goes_on(path: Path, kept: Mapping[str, object], mark: Mapping[str, str | int]) -> bool:
    """Whether the file is the one we read, perhaps longer; a ZIP or a list never grows at its end."""
    head, size = kept.get("head"), kept.get("size")
    if not isinstance(head, int) or not isinstance(size, int) or size > int(mark["size"]):
        return False
    if size < int(mark["size"]) and _format(path) in {Format.ZIP, Format.JSON, Format.DISCORD}:
        return False
    return _head_digest(path, head) == kept.get("digest")
