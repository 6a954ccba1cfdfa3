"""Which column of an export is which of our fields, and from a record to a message."""

import email.utils
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta

from connectors.archive_formats import Format, Record, Trouble
from connectors.contract import Audience, Kind, RemoteMessage, RemotePerson
from connectors.errors import Reason, Refused

COLUMN_FIELDS = (
    "text", "id", "time", "author", "author_name", "thread", "title", "parent", "kind", "lang", "channel",
)  # fmt: skip
_KINDS = {
    "post": Kind.POST, "topic": Kind.POST, "submission": Kind.POST,
    "comment": Kind.COMMENT, "reply": Kind.COMMENT, "answer": Kind.COMMENT,
    "mention": Kind.MENTION,
    "direct": Kind.DIRECT, "dm": Kind.DIRECT, "direct message": Kind.DIRECT, "private": Kind.DIRECT,
    "private message": Kind.DIRECT, "mail": Kind.DIRECT, "email": Kind.DIRECT, "chat": Kind.DIRECT,
    "report": Kind.REPORT, "flag": Kind.REPORT,
}  # fmt: skip
# The usual names, the likeliest first; compared without case, spaces and underscores.
_USUAL = {
    "text": "text body message content comment post tweet selftext description words",
    "id": "id messageid commentid postid tweetid uuid guid key msgid",
    "time": "createdat created time timestamp date datetime createdutc sentat postedat posted sent published",
    "author": "author user username from userid authorid handle sender screenname account senderid",
    "author_name": "authorname displayname name fullname fromname sendername realname",
    "thread": "thread threadid conversation conversationid topicid discussion linkid rootid chatid ticketid",
    "title": "title subject threadtitle topic headline postitle",
    "parent": "parent parentid inreplyto inreplytoid replyto replytoid",
    "kind": "kind type messagetype",
    "lang": "lang language locale",
    "channel": "channel subreddit forum category room board group",
}
_DATE_FORMATS = ("%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M",
                 "%d.%m.%Y")  # fmt: skip
_SECONDS_END, _MILLIS_END = 1e11, 1e14


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """For each of our fields the column that holds it; empty: none does.

    `constants` fill a field that has no column or an empty cell. `time_format` is for `strptime`, for dates
    that can be read in two ways. `us` is the author whose messages are our own.
    """

    text: str = ""
    id: str = ""
    time: str = ""
    author: str = ""
    author_name: str = ""
    thread: str = ""
    title: str = ""
    parent: str = ""
    kind: str = ""
    lang: str = ""
    channel: str = ""
    constants: Mapping[str, str] = field(default_factory=dict)
    time_format: str = ""
    us: str = ""

    def to_json(self) -> str:
        return json.dumps({key: value for key, value in asdict(self).items() if value}, sort_keys=True)

    def value(self, name: str, record: Record) -> str:
        column: str = getattr(self, name)
        found = record.values.get(column, "").strip() if column else ""
        return found or self.constants.get(name, "")


def from_json(text: str) -> FieldMapping:
    """Read a mapping back; one that nobody could have made here is refused."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as trouble:
        raise Refused(Reason.INVALID, "The mapping of columns is not valid JSON.") from trouble
    known = {one.name for one in fields(FieldMapping)}
    if not isinstance(found, dict) or not set(found) <= known:
        raise Refused(Reason.INVALID, "The mapping names fields that do not exist.")
    constants = found.pop("constants", {})
    if not isinstance(constants, dict) or not set(constants) <= set(COLUMN_FIELDS):
        raise Refused(Reason.INVALID, "The mapping has constants for fields that do not exist.")
    if not all(isinstance(value, str) for value in (*found.values(), *constants.values())):
        raise Refused(Reason.INVALID, "The mapping may hold texts only.")
    return FieldMapping(**found, constants=constants)


def guess(columns: Sequence[str], format_: Format) -> FieldMapping:
    """Guess from the usual names of columns; a person looks at it before anything is imported."""
    if format_ is Format.MBOX:
        return FieldMapping(
            text="text", id="id", time="date", author="from", author_name="from name", thread="thread",
            title="subject", parent="in reply to", constants={"kind": "direct"},
        )  # fmt: skip
    plain = {_bare(column): column for column in reversed(columns)}
    chosen: dict[str, str] = {}
    for name, usual in _USUAL.items():
        free = [one for one in usual.split() if one in plain and plain[one] not in chosen.values()]
        if free:
            chosen[name] = plain[free[0]]
    if "text" not in chosen and len(columns) == 1:
        chosen["text"] = columns[0]
    mapping = FieldMapping(constants={"kind": "comment"})
    return replace(mapping, **chosen)  # type: ignore[arg-type]  # the keys are text fields by construction


def _bare(column: str) -> str:
    return "".join(c for c in column.rpartition(".")[2].casefold() if c.isalnum())


class Reader:
    """Turns records into messages; remembers what it has seen, so that equal rows get different ids.

    A record without an id gets the hash of what it says and which of its equals it is, so importing a file
    again, or a longer one, finds the same ids. A record without a time gets the midnight (UTC) of the day on
    which the file was last changed plus one millisecond for each record before it: their order is kept and
    nothing looks newer than it can be.
    """

    def __init__(self, mapping: FieldMapping, changed_at: datetime) -> None:
        self.mapping = mapping
        self._midnight = changed_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self._equals: Counter[bytes] = Counter()
        self._read = 0

    def message(self, record: Record) -> RemoteMessage | Trouble:
        value = {name: self.mapping.value(name, record) for name in COLUMN_FIELDS}
        self._read += 1
        if not value["text"]:
            return Trouble(record.line, "There is no text.")
        message_id = value["id"] or self._made_id(value)
        kind = _KINDS.get(value["kind"].casefold(), Kind.COMMENT)
        private = kind in {Kind.DIRECT, Kind.REPORT}
        return RemoteMessage(
            id=message_id,
            thread_id=value["thread"] or value["parent"] or message_id,
            kind=kind,
            person=_person(value["author"], value["author_name"]),
            text=value["text"],
            created_at=self._time(value["time"]),
            audience=Audience.PRIVATE if private else Audience.PUBLIC,
            ours=bool(self.mapping.us) and value["author"] == self.mapping.us,
            parent_id=value["parent"] or None,
            thread_title=value["title"],
            channel=value["channel"],
            lang=value["lang"] or None,
            revision=hashlib.sha256(value["text"].encode()).hexdigest()[:12],
        )

    def _made_id(self, value: Mapping[str, str]) -> str:
        parts = [value[name] for name in ("thread", "author", "time", "text")]
        digest = hashlib.sha256("\0".join(parts).encode()).digest()[:16]
        self._equals[digest] += 1
        return f"row-{digest.hex()}-{self._equals[digest]}"

    def _time(self, written: str) -> datetime:
        known = read_time(written, self.mapping.time_format) if written else None
        return known or self._midnight + timedelta(milliseconds=self._read)


def _person(author: str, name: str) -> RemotePerson | None:
    return RemotePerson(author or name, author or name, name) if author or name else None


def read_time(written: str, time_format: str = "") -> datetime | None:
    """Read a time in any of the usual spellings; one without a zone is taken as UTC."""
    attempts: tuple[Callable[[], datetime | None], ...] = (
        lambda: datetime.strptime(written, time_format) if time_format else None,  # noqa: DTZ007 - below
        lambda: _from_number(written),
        lambda: datetime.fromisoformat(written),
        lambda: email.utils.parsedate_to_datetime(written),
        lambda: _from_formats(written),
    )
    for attempt in attempts:
        try:
            found = attempt()
            if found is not None:
                return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
        except (ValueError, OverflowError, OSError, TypeError, IndexError):
            continue
    return None


def _from_number(written: str) -> datetime | None:
    number = float(written)
    if len(written) <= 8 and written.isdigit():  # noqa: PLR2004 - 20261122 is a date, no number of seconds
        return None
    if abs(number) >= _MILLIS_END:
        number /= 1_000_000
    elif abs(number) >= _SECONDS_END:
        number /= 1_000
    return datetime.fromtimestamp(number, UTC)


def _from_formats(written: str) -> datetime | None:
    for form in _DATE_FORMATS:
        try:
            return datetime.strptime(written, form)  # noqa: DTZ007 - the caller adds the zone
        except ValueError:
            continue
    return None


def problems(mapping: FieldMapping, columns: Sequence[str], records: Iterable[Record]) -> list[str]:
    """What a person should know before importing with this mapping, in words for the screen."""
    said = []
    if not mapping.text:
        said.append("Choose the column that holds the text.")
    missing = [n for n in COLUMN_FIELDS if getattr(mapping, n) and getattr(mapping, n) not in columns]
    said += [f"The column chosen for {name} is not in the file." for name in missing]
    if not mapping.id:
        said.append("No column holds an id; one is made from the words, so importing twice adds nothing.")
    if not mapping.time:
        said.append("No column holds the time; the order of the file is kept.")
    elif any(_odd_time(mapping, record) for record in records):
        said.append("Some times cannot be read; choose how dates are written, or file order is kept.")
    return said


def _odd_time(mapping: FieldMapping, record: Record) -> bool:
    written = mapping.value("time", record)
    return bool(written) and read_time(written, mapping.time_format) is None
