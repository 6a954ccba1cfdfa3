"""Looking for what was erased: no word of it may be left in any column or in the search index.

Before an erasure the words that only it holds are chosen and kept as keyed marks, which say nothing by
themselves; afterwards every word of the file is marked the same way and compared.
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from moderator_app.desk import gone
from moderator_app.desk.desk import Ctx, Desk
from moderator_app.desk.requests import Target
from moderator_app.models.base import Base
from moderator_app.models.care import Action, Draft, Note
from moderator_app.models.inbox import Message, Person, Revision, Thread

_LEAST: Final = 5  # characters of a word
_WORD: Final = re.compile(rf"[^\W_]{{{_LEAST},}}")
_SAMPLE: Final = 300  # messages whose words are looked at
_TRIED: Final = 80
_CHOSEN: Final = 24
_SEEN: Final = 500  # more places than this, and a word is not theirs alone
_ROWS: Final = 2000


@dataclass(frozen=True, slots=True)
class Found:
    """How many words were looked for, in how many cells, and where one of them still stands."""

    words: int
    cells: int
    hits: dict[str, int]


def _words(text: str) -> set[str]:
    """The longer words of a text as the search index keeps them: without case and accents."""
    if text.isascii():  # most are, and have nothing to be taken off
        return set(_WORD.findall(text.lower()))
    plain = unicodedata.normalize("NFKD", text)
    return set(_WORD.findall("".join(c for c in plain if not unicodedata.combining(c)).casefold()))


def _plain_words(text: str) -> set[str]:
    """Those that are alike in every form: whether the index takes off an accent depends on the script."""
    if text.isascii():
        return _words(text)
    return _words(text) & set(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def _marker(secret: bytes) -> Callable[[str], str]:
    return lambda word: hashlib.blake2b(word.encode(), key=secret, digest_size=8).hexdigest()


# ------------------------------------------------------------------ choosing the words


def distinctive(ctx: Ctx, meant: sa.ColumnElement[bool], target: Target) -> list[str]:
    """The marks of words that stand in what is to be erased and nowhere else."""
    items = sa.select(Message.item_id).where(meant, Message.item_id.is_not(None))
    newest = sa.select(Message.body).where(meant).order_by(Message.id.desc()).limit(_SAMPLE)
    indexed = {word for body in ctx.session.scalars(newest) for word in _plain_words(body)}
    sources = (
        newest,
        sa.select(Revision.body).join(Message, Message.id == Revision.message_id).where(meant).limit(_SAMPLE),
        sa.select(Note.text).where(Note.item_id.in_(items)).limit(_SAMPLE),
        sa.select(Draft.text).where(Draft.item_id.in_(items)).limit(_SAMPLE),
    )
    tried: Counter[str] = Counter()
    for source in sources:
        for row in ctx.session.execute(source):
            tried.update({word for text in row if text for word in _plain_words(text)})
    if target.kind == "person" and (person := ctx.session.get(Person, target.key)) is not None:
        tried.update(_plain_words(f"{person.handle} {person.name}"))
    candidates = sorted(tried, key=lambda word: (tried[word], -len(word), word))[:_TRIED]
    for texts in _beside(ctx, meant, items):
        found = {word for text in texts if text for word in _words(text)}
        candidates = [word for word in candidates if word not in found]
    mark = _marker(gone.key(ctx))
    alone = (word for word in candidates if _only_there(ctx, meant, word, word in indexed))
    return [mark(word) for word, _ in zip(alone, range(_CHOSEN), strict=False)]


def _beside(ctx: Ctx, meant: sa.ColumnElement[bool], items: sa.Select[Any]) -> Iterable[Any]:
    """The texts that stay, apart from messages, which the search index answers for."""
    threads = sa.select(Message.thread_id).where(meant)
    people = sa.select(Message.person_id).where(meant, Message.person_id.is_not(None))
    messages = sa.select(Message.id).where(meant)
    loose = sa.or_(Action.item_id.is_(None), Action.item_id.not_in(items))
    yield from ctx.session.execute(sa.select(Note.text).where(Note.item_id.not_in(items)))
    yield from ctx.session.execute(sa.select(Draft.text).where(Draft.item_id.not_in(items)))
    yield from ctx.session.execute(sa.select(Action.detail, Action.trouble).where(loose))
    yield from ctx.session.execute(sa.select(Thread.title).where(Thread.id.not_in(threads)))
    yield from ctx.session.execute(sa.select(Thread.external_id, Thread.channel, Thread.permalink))
    yield from ctx.session.execute(sa.select(Person.handle, Person.name).where(Person.id.not_in(people)))
    yield from ctx.session.execute(sa.select(Revision.body).where(Revision.message_id.not_in(messages)))
    known = {"message", "note", "draft", "action", "thread", "person", "revision"}
    for table in Base.metadata.sorted_tables:
        texts = _texts(table)
        if table.name not in known and texts:
            yield from ctx.session.execute(sa.select(*texts).limit(_ROWS))


def _only_there(ctx: Ctx, meant: sa.ColumnElement[bool], word: str, indexed: bool) -> bool:
    """Whether no other message has a word. One that the index should know and does not tells nothing."""
    ids = ctx.session.scalars(
        sa.text("SELECT rowid FROM message_fts WHERE message_fts MATCH :word LIMIT :most"),
        {"word": f'body : "{word}"', "most": _SEEN},
    ).all()
    if len(ids) == _SEEN or (indexed and not ids):
        return False
    others = sa.select(Message.id).where(Message.id.in_(ids), sa.not_(meant)).limit(1)
    return ctx.session.scalar(others) is None


# ------------------------------------------------------------------ looking for them


def look(
    desk: Desk,
    marks: list[str],
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Found | None:
    """Read every text of the file and every term of the search index; None where it was stopped."""
    search = _Search(desk.do(gone.key), frozenset(marks))
    tables = [table for table in Base.metadata.sorted_tables if marks and _texts(table)]
    ends = desk.ask(_ends, tables)
    before, total = 0, sum(ends.values())
    for table in tables:
        after: int | None = 0
        while after is not None:
            if cancelled():
                return None
            progress(before + after, total)
            after = desk.ask(_rows, search, table, _texts(table), after)
        before += ends[table.name]
    if marks:
        desk.ask(_terms, search)
    return Found(len(marks), search.cells, dict(search.hits))


class _Search:
    """Counts the cells that were read and where a mark was met."""

    def __init__(self, secret: bytes, marks: frozenset[str]) -> None:
        self._mark, self._marks = _marker(secret), marks
        self._known: dict[str, bool] = {}
        self.cells = 0
        self.hits: Counter[str] = Counter()

    def read(self, where: str, text: str) -> None:
        self.cells += 1
        if len(text) < _LEAST:
            return
        for word in _words(text):
            met = self._known.get(word)
            if met is None:
                if len(self._known) > 200_000:  # noqa: PLR2004 - some megabytes of words
                    self._known.clear()
                met = self._known[word] = self._mark(word) in self._marks
            if met:
                self.hits[where] += 1


def _texts(table: sa.Table) -> list[sa.Column[Any]]:
    if table.name == "audit" or table.dialect_options["sqlite"]["with_rowid"] is False:
        return []  # the audit holds no words by construction, and has a test of its own
    return [column for column in table.columns if isinstance(column.type, sa.String)]


def _ends(ctx: Ctx, tables: Iterable[sa.Table]) -> dict[str, int]:
    """The number of the last row of each table: how far there is to read."""
    found: dict[str, int] = {}
    for table in tables:
        row: sa.ColumnClause[int] = sa.literal_column(f"{table.name}.rowid")
        found[table.name] = ctx.session.scalar(sa.select(sa.func.max(row)).select_from(table)) or 0
    return found


def _rows(ctx: Ctx, search: _Search, table: sa.Table, texts: list[sa.Column[Any]], after: int) -> int | None:
    place: sa.ColumnClause[int] = sa.literal_column(f"{table.name}.rowid")
    rows = ctx.session.execute(
        sa.select(place, *texts).where(place > after).order_by(place).limit(_ROWS)
    ).all()
    for _, *cells in rows:
        for column, cell in zip(texts, cells, strict=True):
            if cell:
                search.read(f"{table.name}.{column.name}", str(cell))
    return rows[-1][0] if len(rows) == _ROWS else None


def _terms(ctx: Ctx, search: _Search) -> None:
    """Every term of the search index, through a table that lives in memory for as long as this takes."""
    ctx.session.execute(
        sa.text("CREATE VIRTUAL TABLE temp.erased_terms USING fts5vocab('main', 'message_fts', 'row')")
    )
    try:
        for term in ctx.session.scalars(sa.text("SELECT term FROM temp.erased_terms")):
            search.read("message_fts", term)
    finally:
        ctx.session.execute(sa.text("DROP TABLE temp.erased_terms"))
