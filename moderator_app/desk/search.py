"""Find messages by their words, newest first, in the encrypted file's own index."""

import re
from typing import Any, Final

import sqlalchemy as sa

from moderator_app.desk import folding
from moderator_app.desk.desk import Ctx
from moderator_app.desk.rows import Hit, Span
from moderator_app.models.inbox import Message, Person, Thread

_CONTEXT: Final = 90  # characters shown on either side of the first match
# Put together once: SQLAlchemy takes longer to build and recognise it than SQLite to answer it.
_FOUND: Final = (
    sa.select(
        Message.id,
        Message.item_id,
        Message.body,
        Message.created_at,
        Person.name,
        Person.handle,
        Thread.title,
    )
    .outerjoin(Person, Person.id == Message.person_id)
    .join(Thread, Thread.id == Message.thread_id)
    .where(Message.id.in_(sa.bindparam("ids", expanding=True)))
)


def expression(words: str) -> str:
    """What a person typed, as an FTS5 expression: words and "phrases", the last word as a prefix.

    Everything is quoted, so that no character of it is an operator.
    """
    parts = re.findall(r'"([^"]*)"|(\S+)', words)
    terms = []
    for phrase, word in parts:
        folded = folding.fold(phrase or word).replace('"', " ").strip()
        if any(c.isalnum() for c in folded):
            star = "" if phrase or len(folded) < 2 else "*"  # noqa: PLR2004 - one letter is no prefix
            terms.append(f'"{folded}"{star}')
    return " ".join(f"body : {term}" for term in terms)


def find(ctx: Ctx, words: str, limit: int = 50) -> list[Hit]:
    """The newest messages that hold all the words."""
    wanted = expression(words)
    if not wanted:
        return []
    # By hand: FTS5's MATCH and its order by rowid are outside the ORM's words.
    ids = ctx.session.scalars(
        sa.text(
            "SELECT rowid FROM message_fts WHERE message_fts MATCH :wanted ORDER BY rowid DESC LIMIT :most"
        ),
        {"wanted": wanted, "most": limit},
    ).all()
    found = {row.id: row for row in ctx.session.execute(_FOUND, {"ids": ids})}
    terms = [re.escape(term) for term in re.findall(r"\w+", words)]
    pattern = re.compile("|".join(terms) or r"(?!)", re.IGNORECASE)
    return [_hit(found[key], pattern) for key in ids if key in found]


def _hit(row: Any, pattern: re.Pattern[str]) -> Hit:
    matches = [m.span() for m in pattern.finditer(row.body)]
    begin = max(0, (matches[0][0] if matches else 0) - _CONTEXT)
    excerpt = row.body[begin : begin + 2 * _CONTEXT + 40]
    return Hit(
        message_id=row.id,
        item_id=row.item_id,
        person=row.name or row.handle or "",
        title=row.title,
        at=row.created_at,
        excerpt=excerpt,
        matches=tuple(
            Span(start - begin, end - begin)
            for start, end in matches
            if start >= begin and end - begin <= len(excerpt)
        ),
    )
