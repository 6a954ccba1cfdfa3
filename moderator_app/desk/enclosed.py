"""What comes with a few messages: a poll, pictures, labels, and the choices of a review."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from connectors.contract import Media, RemoteMessage, RemotePoll
from moderator_app.desk import folding
from moderator_app.desk.desk import Ctx
from moderator_app.desk.rows import Enclosed
from moderator_app.models.inbox import Enclosure
from moderator_app.models.session import Plain, adding, given_ids, table

_ENCLOSED: Final = table(Enclosure)
_ADD: Final = adding(_ENCLOSED, "message_id", "facts")
_OF: Final = Plain(
    sa.select(_ENCLOSED.c.message_id, _ENCLOSED.c.facts).where(
        _ENCLOSED.c.message_id.in_(given_ids("messages"))
    )
)


def facts(remote: RemoteMessage) -> str:
    """What a message brings beside its words, as the file keeps it; empty where it brings nothing."""
    if remote.poll is None and not (remote.media or remote.choices or remote.labels):
        return ""
    poll = asdict(remote.poll) if remote.poll else None
    if poll is not None:
        poll["answers"] = [[folding.repair(text), votes] for text, votes in poll["answers"]]
        poll["closes_at"] = poll["closes_at"].isoformat() if poll["closes_at"] else None
    media = [{**asdict(one), "alt": folding.repair(one.alt)} for one in remote.media]
    kept = {"poll": poll, "media": media, "choices": dict(remote.choices)}
    return json.dumps(kept | ({"labels": list(remote.labels)} if remote.labels else {}))


def add(ctx: Ctx, rows: Sequence[tuple[int, RemoteMessage]]) -> None:
    """Keep what new messages bring."""
    found = [{"message_id": number, "facts": facts(remote)} for number, remote in rows]
    _ADD.write(ctx.session, [row for row in found if row["facts"]])


def refresh(ctx: Ctx, message_id: int, remote: RemoteMessage) -> None:
    """Bring it up to date: votes are counted, a review is over."""
    row, now = ctx.session.get(Enclosure, message_id), facts(remote)
    if row is None and now:
        ctx.session.add(Enclosure(message_id=message_id, facts=now))
    elif row is not None and not now:
        ctx.session.delete(row)
    elif row is not None and row.facts != now:
        row.facts = now


def of(ctx: Ctx, message_ids: Sequence[int]) -> dict[int, Enclosed]:
    """What these messages bring, where they bring anything."""
    found = _OF.rows(ctx.session, {"messages": json.dumps(list(message_ids))})
    return {key: _read(json.loads(kept)) for key, kept in found}


def _read(kept: dict[str, Any]) -> Enclosed:
    poll = kept["poll"]
    if poll is not None:
        closes = poll["closes_at"]
        answers = tuple((text, votes) for text, votes in poll["answers"])
        at = datetime.fromisoformat(closes) if closes else None
        poll = RemotePoll(**{**poll, "answers": answers, "closes_at": at})
    media = tuple(Media(**one) for one in kept["media"])
    return Enclosed(poll, media, kept["choices"], tuple(kept.get("labels", ())))
