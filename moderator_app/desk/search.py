"""Find messages by their words, newest first, in the encrypted file's own index.

What a person types: words, "whole phrases", begin*, -without, and filters: from: platform: level: queue:
before: after: has: sort:best. The word at the end is taken as the beginning of one, because it is still being
typed. Everything else is quoted, so that no character of it is an operator of the index.
"""

import functools
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from moderator_app.desk import duties, folding
from moderator_app.desk.desk import Ctx, Desk
from moderator_app.desk.query import Query, Term, parse
from moderator_app.desk.rows import Hit, Span
from moderator_app.errors import Cancelled
from moderator_app.models.base import Base, maybe_moment, moment
from moderator_app.models.care import Meta
from moderator_app.models.inbox import Account, Message, Person, Thread
from moderator_app.models.session import Plain, given_ids, table
from moderator_app.models.terms import Level

_CONTEXT: Final = 90  # characters shown on either side of the first match
_NAMES: Final = 200  # people whom one from: may mean
_RANKED: Final = 20_000  # newest messages among which sort:best ranks: ranking reads every match
_STEPS: Final = 4000  # of SQLite's machine between two looks at whether to stop: well under a millisecond
_WEEK_MS: Final = 7 * 24 * 3600 * 1000
_BATCH: Final = 500
_KNOWN: Final = 16  # words that begin alike: more take as long to name as to put together

# Put together once: SQLAlchemy takes longer to build and recognise it than SQLite to answer it.
_MESSAGE, _PERSON, _THREAD, _ACCOUNT = table(Message), table(Person), table(Thread), table(Account)
_FOUND: Final = Plain(
    sa.select(
        _MESSAGE.c.id,
        _MESSAGE.c.item_id,
        _MESSAGE.c.body,
        _MESSAGE.c.created_at,
        _MESSAGE.c.ours,
        _MESSAGE.c.fetched_at,
        _ACCOUNT.c.platform,
        _ACCOUNT.c.checking_since,
        _PERSON.c.name,
        _PERSON.c.handle,
        _THREAD.c.title,
    )
    .select_from(
        _MESSAGE.outerjoin(_PERSON, _PERSON.c.id == _MESSAGE.c.person_id)
        .join(_THREAD, _THREAD.c.id == _MESSAGE.c.thread_id)
        .join(_ACCOUNT, _ACCOUNT.c.id == _MESSAGE.c.account_id)
    )
    .where(_MESSAGE.c.id.in_(given_ids("ids")))
)
# What each has: asks of a message m and its item i.
_HAS: Final = {
    "link": "(m.body LIKE '%http://%' OR m.body LIKE '%https://%' OR m.body LIKE '%www.%')",
    "edit": "m.edited_at IS NOT NULL",
    "reply": "i.first_reply_at IS NOT NULL",
    "report": "m.kind = 'report'",
}
# What few conversations have: their messages are a small set, asked for once.
_FEW_HAVE: Final = {
    "note": "SELECT u.id FROM note n JOIN message u ON u.item_id = n.item_id WHERE n.forgotten_at IS NULL",
    "draft": "SELECT u.id FROM draft d JOIN message u ON u.item_id = d.item_id",
}


def expression(words: str) -> str:
    """The words and phrases that were typed as an FTS5 expression, without filters."""
    return _expression(parse(words), [])


def _expression(query: Query, facets: list[list[str]]) -> str:
    parts = [f"body : {term}" for term in query.terms]
    parts += [f"facets : ({' OR '.join(entries)})" for entries in facets]
    said = " AND ".join(parts)
    for term in query.without:
        said = f"({said}) NOT body : {term}" if said else said
    return said


def find(
    ctx: Ctx,
    words: str,
    limit: int = 50,
    *,
    below: int | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> list[Hit]:
    """The messages that hold all the words and pass all the filters, newest first.

    `below` gives the page after that message. A search that was overtaken stops within a millisecond and
    raises Cancelled.
    """
    query = parse(words)
    if not query.asks:
        return []
    with _stoppable(ctx, cancelled):
        ids = _ids(ctx, query, limit, below)
        rows = _FOUND.rows(ctx.session, {"ids": json.dumps(ids)}) if ids else []
    found = {row[0]: row for row in rows}
    return [_hit(found[key], query.terms, ctx.now) for key in ids if key in found]


@contextmanager
def _stoppable(ctx: Ctx, cancelled: Callable[[], bool] | None) -> Iterator[None]:
    if cancelled is None:
        yield
        return
    if cancelled():
        raise Cancelled
    raw = ctx.session.driver
    raw.set_progress_handler(cancelled, _STEPS)
    try:
        yield
    except (sa.exc.OperationalError, raw.OperationalError) as error:
        if cancelled() and "interrupted" in str(error):
            raise Cancelled from None
        raise
    finally:
        raw.set_progress_handler(None, 0)


def _ids(ctx: Ctx, query: Query, limit: int, below: int | None) -> list[int]:
    facets = _facets(ctx, query)
    if facets is None:
        return []
    for terms in (query.terms, query.without):
        terms[:] = [_with_known(ctx, term) for term in terms]
    match = _expression(query, facets)
    key = "message_fts.rowid" if match else "m.id"
    values: dict[str, Any] = {"most": limit, "match": match, "below": below}
    sets, tests = _tests(query, values)
    where = [f"+{key} IN ({chosen})" for chosen in sets]
    if below is not None:
        where.append(f"{key} < :below")
    if not query.terms:
        tests.append("m.gone_at IS NULL")  # without words, what is gone would be found by who wrote it
    if not match:
        where += tests
        source = "message m LEFT JOIN item i ON i.id = m.item_id"
    else:
        where.insert(0, "message_fts MATCH :match")
        source = "message_fts"
        if tests:
            where.append(
                "EXISTS (SELECT 1 FROM message m LEFT JOIN item i ON i.id = m.item_id"  # noqa: S608 - see _tests
                f" WHERE m.id = message_fts.rowid AND {' AND '.join(tests)})"
            )
        if query.before is not None:
            # Messages come in about as they are written: what came after the last fitting one is left out.
            where.append("message_fts.rowid <= (SELECT max(id) FROM message WHERE created_at < :before)")
    order = f"{key} DESC"
    if query.best and query.terms:
        where.append(f"{key} > (SELECT max(id) FROM message) - {_RANKED}")  # noqa: S608 - a number of ours
        order = "bm25(message_fts, 1.0, 0.0)"
    # By hand: MATCH and the order by rowid are outside the ORM's words. Only constants are put in.
    text = f"SELECT {key} FROM {source} WHERE {' AND '.join(where)} ORDER BY {order} LIMIT :most"  # noqa: S608 - see _tests
    used = {name: value for name, value in values.items() if f":{name}" in text}
    ctx.session.flush()
    return [key for (key,) in ctx.session.driver.execute(text, used)]


def _with_known(ctx: Ctx, term: Term) -> Term:
    """The beginning of a word as the few words of the index that begin so.

    For a beginning, FTS5 puts all messages of all those words together before it answers; those of whole
    words it reads from the newest on.
    """
    begin = term.words[-1]
    if not term.begins or not begin.isascii():  # the index takes off accents by rules of its own
        return term
    known: list[str] = []
    ask, at = "SELECT term FROM temp.search_words WHERE term >= ? LIMIT 1", begin
    while (row := ctx.session.driver.execute(ask, (at,)).fetchone()) and row[0].startswith(begin):
        known.append(row[0])
        if len(known) > _KNOWN:
            return term
        at = row[0] + "\x01"  # past all places of this word at once
    return replace(term, known=tuple(known))


def _facets(ctx: Ctx, query: Query) -> list[list[str]] | None:
    """What never changes about a message is a term of the index, too; None where nobody fits."""
    facets = []
    if query.people:
        people = [key for name in query.people for key in _people(ctx, name)]
        facets.append([f"p{key}" for key in people])
    if query.platforms:
        rows = ctx.session.execute(sa.select(Account.id, Account.platform, Account.handle, Account.name))
        facets.append(
            [
                f"a{key}"
                for key, *names in rows
                if any(name.casefold().startswith(p) for name in names for p in query.platforms)
            ]
        )
    if query.after is not None and query.before is not None:
        first, last = (round(at.timestamp() * 1000) // _WEEK_MS for at in (query.after, query.before))
        if last < first:
            return None
        if last - first <= 26:  # noqa: PLR2004 - half a year: more weeks cost more than they save
            facets.append([f"w{week}" for week in range(first, last + 1)])
    return None if any(not entries for entries in facets) else facets


def _people(ctx: Ctx, name: str) -> list[int]:
    """Whose handle or name begins so; #7 means that very person."""
    if re.fullmatch(r"#\d+", name):
        return [int(name[1:])]
    begins = [name, "@" + name.removeprefix("@")]
    found: dict[int, None] = {}
    for column, more in ((Person.handle, sa.true()), (Person.name, Person.name != sa.literal_column("''"))):
        folded = sa.collate(column, "NOCASE")
        for begin in dict.fromkeys(begins):
            chosen = sa.select(Person.id).where(folded >= begin, folded < begin + "\U0010ffff", more)
            found |= dict.fromkeys(ctx.session.scalars(chosen.limit(_NAMES)))
    return list(found)


def _tests(query: Query, values: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Conditions that change or are not in the index: small sets of messages, and tests of each one."""
    sets, tests = [], []
    rare = query.levels and max(query.levels) <= Level.RED
    if query.levels:
        levels = ", ".join(str(int(level)) for level in query.levels)
        if rare:
            # Few conversations are so urgent: their messages are a small set, asked for once.
            sets.append(
                "SELECT u.id FROM item w JOIN message u ON u.item_id = w.id"  # noqa: S608 - numbers of ours
                f" WHERE w.level <= {int(Level.RED)} AND w.level IN ({levels})"
            )
        else:
            tests.append(f"i.level IN ({levels})")
    if query.statuses:
        tests.append(f"i.status IN ({', '.join(repr(status.value) for status in query.statuses)})")
    tests += [_HAS[what] for what in query.has if what in _HAS]
    sets += [_FEW_HAVE[what] for what in query.has if what in _FEW_HAVE]
    for name, sign in (("before", "<"), ("after", ">=")):
        at: datetime | None = getattr(query, name)
        if at is not None:
            values[name] = round(at.timestamp() * 1000)
            tests.append(f"m.created_at {sign} :{name}")
    return sets, tests


def _hit(row: tuple[Any, ...], terms: list[Term], now: datetime) -> Hit:
    key, item_id, body, at, ours, confirmed, platform, checking, name, handle, title = row
    if not ours and duties.withheld(platform, maybe_moment(checking), moment(confirmed), now):
        body = title = ""
    matches = _matches(body, terms)
    begin = max(0, (matches[0][0] if matches else 0) - _CONTEXT)
    excerpt = body[begin : begin + 2 * _CONTEXT + 40]
    return Hit(
        message_id=key,
        item_id=item_id,
        person=name or handle or "",
        title=title,
        at=moment(at),
        excerpt=excerpt,
        matches=tuple(
            Span(start - begin, min(end - begin, len(excerpt)))
            for start, end in matches
            if start >= begin and start - begin < len(excerpt)
        ),
    )


def _matches(body: str, terms: list[Term]) -> list[tuple[int, int]]:
    """Where the terms stand in a text as it was written, whatever its spelling."""
    pattern = _pattern(tuple(terms))
    if pattern is None:
        return []
    plain = body.lower()
    if len(plain) == len(body):
        # Nearly always it is written as it was typed: then there is no way back to look for.
        found = [match.span() for match in pattern.finditer(plain)]
        if found:
            return found
    folded, origins = folding.trace(body)
    traced = []
    for match in pattern.finditer(folded):
        last = origins[match.end() - 1]
        end = next((place for place in origins[match.end() :] if place > last), len(body))
        traced.append((origins[match.start()], end))
    return traced


@functools.lru_cache(maxsize=8)
def _pattern(terms: tuple[Term, ...]) -> re.Pattern[str] | None:
    plain = [[folding.trace(word)[0].strip() for word in term.words] for term in terms]
    patterns = [
        r"(?<!\w)" + r"[\W_]+".join(map(re.escape, words)) + (r"\w*" if term.begins else r"(?!\w)")
        for words, term in zip(plain, terms, strict=True)
        if all(words)
    ]
    return re.compile("|".join(patterns)) if patterns else None


# ------------------------------------------------------------------ a new way to fold

_FOLDED: Final = (
    sa.update(Base.metadata.tables["message"])
    .where(sa.column("id") == sa.bindparam("key"))
    .values(folded=sa.bindparam("folding"))
)


def stale(ctx: Ctx) -> bool:
    """Whether texts are folded in an older way than the program's."""
    version, _, last = _fold_state(ctx)
    return version < folding.VERSION or (not last and ctx.session.get(Meta, "fold") is None)


def renew(
    desk: Desk,
    tell: Callable[[int, int], None] = lambda *_: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> int:
    """Fold every stored text anew where the program has learned to fold better; answer how many changed.

    It goes on where it was stopped. Until it is done, search finds what the old way found.
    """
    version, after, last = desk.ask(_fold_state)
    changed = 0
    if not last:
        desk.do(_fold_on, after)  # nothing yet: all that comes is folded this way
    while version < folding.VERSION and not cancelled():
        done, count = desk.do(_fold_on, after)
        changed += count
        if done is None:
            break
        after = done
        tell(after, last)
    return changed


def _fold_state(ctx: Ctx) -> tuple[int, int, int]:
    row = ctx.session.get(Meta, "fold")
    version, _, after = (row.value if row else f"{folding.VERSION}:0").partition(":")
    last = ctx.session.scalar(sa.select(sa.func.max(Message.id))) or 0
    if row is None and last:
        version = "1"  # a store from before this was written down
    return int(version), int(after or 0), last


def _fold_on(ctx: Ctx, after: int) -> tuple[int | None, int]:
    rows = ctx.session.execute(
        sa.select(Message.id, Message.body, Message.folded)
        .where(Message.id > after)
        .order_by(Message.id)
        .limit(_BATCH)
    ).all()
    new = [
        {"key": key, "folding": found}
        for key, body, folded in rows
        if (found := folding.for_search(body)) != folded
    ]
    if new:
        ctx.session.connection().execute(_FOLDED, new)
    state = f"{1 if rows else folding.VERSION}:{rows[-1].id if rows else 0}"
    ctx.session.merge(Meta(key="fold", value=state))
    return (rows[-1].id if rows else None), len(new)
