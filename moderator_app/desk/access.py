"""An access request (R67): everything held on a person, readable, in one file; nobody else's words in it.

Notes and reasons are in it: they are about the person. Colleagues are "a moderator", members whose names
somebody mentions are "another member", and what others wrote is left out whole.
"""

import html
import io
import json
import os
import re
import uuid
import zipfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from moderator_app.desk import actions, audit, requests, retention
from moderator_app.desk.desk import Ctx, Desk
from moderator_app.desk.requests import Target
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.models.care import Action, Draft, Note
from moderator_app.models.inbox import Account, Item, Message, Person, Revision, Signal, Thread
from moderator_app.models.privacy import RequestKind, RequestState
from moderator_app.models.terms import ActionKind

MEMBER: Final = "another member"
MODERATOR: Final = "a moderator"
# What is said at the head of a bundle, so that whoever reads it knows what it is and what it is not.
CONTENT: Final = (
    "What they wrote, also before an edit; its levels and reasons; our replies and drafts to them.",
    "What was done, and the notes of the team: they are about the person. Colleagues are not named.",
    "Not what others wrote. Their handles, full names and mentions read “another member”.",
    "First names and nicknames are not recognised: whoever hands this over looks for them first.",
)
_SHORTEST: Final = 3  # a name of two letters stands in too many other words
_UNSPACED: Final = r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"  # Thai, Lao, kana, Han, hangul
_MENTION: Final = r"(?<!\w)@\w+(?:[.\-]\w+)*(?:@\w+(?:[.\-]\w+)*)?"
_STYLE: Final = (
    "body{font:16px/1.5 sans-serif;max-width:46em;margin:2em auto;padding:0 1em;color:#1d2530}"
    "h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}"
    "article{border-left:3px solid #b9c4cf;padding:.1em 1em;margin:.8em 0;white-space:pre-wrap}"
    "article.ours{border-color:#3a7d6b}small{color:#566270}"
)


def ask(ctx: Ctx, person_id: int) -> uuid.UUID:
    """Write down that a person asked what is held on them: it is due in a month."""
    if ctx.session.get(Person, person_id) is None:
        raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "Nobody here has that number."))
    due_at = requests.month_after(ctx.now)
    return requests.ask(ctx, RequestKind.ACCESS, Target("person", person_id), due_at=due_at).id


def write(desk: Desk, request_id: uuid.UUID, folder: Path) -> Path:
    """Write the bundle where the person says, readable by its owner alone, and record that it was written."""
    held = desk.ask(bundle, request_id)
    path = folder / f"access-{str(request_id)[-8:]}-{desk.clock.now():%Y%m%dT%H%M%S}.zip"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("what-is-held.html", _page(held))
        archive.writestr("what-is-held.json", json.dumps(held, ensure_ascii=False, indent=1))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(packed.getvalue())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "The file could not be written to {folder}: {why}."),
            folder=folder,
            why=error.strerror or error,
        ) from error
    desk.do(_written, request_id, path)
    return path


def answered(ctx: Ctx, request_id: uuid.UUID) -> None:
    """The bundle was handed over: the request is done."""
    row = requests.get(ctx, request_id, RequestKind.ACCESS)
    if row.state is not RequestState.RUNNING:
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "The bundle was not written yet."),
            QT_TRANSLATE_NOOP("Error", "Write it, hand it over, then say so."),
        )
    row.state, row.done_at = RequestState.DONE, ctx.now
    audit.write(ctx, "access_answered", row.target, request=str(row.id))


def _written(ctx: Ctx, request_id: uuid.UUID, path: Path) -> None:
    row = requests.get(ctx, request_id, RequestKind.ACCESS)
    row.state = RequestState.RUNNING
    row.facts = json.dumps({"files": [*json.loads(row.facts).get("files", []), str(path)]})
    actions.record(ctx, ActionKind.EXPORT, detail={"files": str(path), "about": row.target})
    audit.write(ctx, "access_written", row.target, request=str(row.id))


# ------------------------------------------------------------------ what is held


def bundle(ctx: Ctx, request_id: uuid.UUID) -> dict[str, Any]:
    """All that is held on the person of a request, as plain values."""
    row = requests.get(ctx, request_id, RequestKind.ACCESS)
    person = ctx.session.get(Person, Target.read(row.target).key)
    if person is None:
        raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "Nothing is held on this person any more."))
    account = ctx.session.get_one(Account, person.account_id)
    items = ctx.session.scalars(
        sa.select(Item).where(Item.person_id == person.id).order_by(Item.last_at, Item.id)
    ).all()
    mask = _mask(ctx, person, [item.thread_id for item in items])
    return {
        "made_at": ctx.now.isoformat(),
        "what_is_in_it": list(CONTENT),
        "received_at": row.asked_at.isoformat(),
        "due_at": row.due_at.isoformat() if row.due_at else None,
        "person": {
            "handle": person.handle,
            "name": person.name,
            "platform": account.platform,
            "id_on_platform": person.external_id,
            "first_seen": person.first_seen.isoformat(),
            "last_seen": person.last_seen.isoformat(),
        },
        "conversations": [_conversation(ctx, item, person, mask) for item in items],
    }


def _conversation(ctx: Ctx, item: Item, person: Person, mask: "_Mask") -> dict[str, Any]:
    thread = ctx.session.get_one(Thread, item.thread_id)
    theirs = ctx.session.scalars(
        sa.select(Message).where(Message.item_id == item.id).order_by(Message.created_at, Message.id)
    ).all()
    forgets = retention.due(ctx, item.id)
    opened = theirs and theirs[0].external_id == thread.external_id
    return {
        "channel": thread.channel,
        "title": mask(thread.title) if opened else "",
        "level": item.level.word,
        "status": item.status.value,
        "outcome": item.outcome,
        "words_kept_until": forgets.at.isoformat() if forgets else None,
        "kept_because": forgets.why if forgets else None,
        "messages": [_message(ctx, one, mask) for one in theirs],
        "replies_to_them": [
            {"at": one.created_at.isoformat(), "text": mask(one.body)} for one in _replies(ctx, item, theirs)
        ],
        "drafts_to_them": [
            {"at": one.saved_at.isoformat(), "text": mask(one.text)}
            for one in ctx.session.scalars(
                sa.select(Draft).where(Draft.item_id == item.id).order_by(Draft.saved_at)
            )
        ],
        "notes": [
            {"at": note.at.isoformat(), "by": MODERATOR, "text": mask(note.text)}
            for note in ctx.session.scalars(sa.select(Note).where(Note.item_id == item.id).order_by(Note.at))
            if note.text and note.person_id == person.id
        ],
        "what_was_done": [
            _done(one, mask)
            for one in ctx.session.scalars(
                sa.select(Action).where(Action.item_id == item.id).order_by(Action.at, Action.id)
            )
        ],
    }


def _message(ctx: Ctx, message: Message, mask: "_Mask") -> dict[str, Any]:
    why = ctx.session.execute(
        sa.select(Signal.kind, Signal.why, Signal.level).where(Signal.message_id == message.id)
    )
    before = ctx.session.scalars(
        sa.select(Revision).where(Revision.message_id == message.id).order_by(Revision.replaced_at)
    )
    return {
        "at": message.created_at.isoformat(),
        "kind": message.kind,
        "audience": message.audience,
        "text": mask(message.body),
        "gone": message.gone_how,
        "link": message.permalink,
        "level": message.level.word if message.level is not None else None,
        "why": [{"kind": kind, "why": text, "level": level.word} for kind, text, level in why],
        "earlier_words": [{"until": one.replaced_at.isoformat(), "text": mask(one.body)} for one in before],
    }


def _replies(ctx: Ctx, item: Item, theirs: Iterable[Message]) -> list[Message]:
    """Ours that answer them; in private, all of ours."""
    names = {message.external_id for message in theirs}
    ours = ctx.session.scalars(
        sa.select(Message)
        .where(Message.thread_id == item.thread_id, Message.ours, Message.gone_at.is_(None))
        .order_by(Message.created_at, Message.id)
    )
    return [one for one in ours if one.audience == "private" or one.parent_ext in names]


def _done(action: Action, mask: "_Mask") -> dict[str, Any]:
    detail = json.loads(action.detail)
    shown = {name: detail[name] for name in ("from", "outcome", "until") if name in detail}
    if action.kind is ActionKind.LEVEL and "to" in detail:
        shown["to"] = detail["to"]
    for name in ("reason", "note"):
        if detail.get(name) and action.kind not in (ActionKind.NOTE, ActionKind.FORGET_NOTE):
            shown[name] = mask(detail[name])
    return {"at": action.at.isoformat(), "what": action.kind.value, "by": MODERATOR, **shown}


class _Mask:
    """Puts "another member" in the place of every mention, and of every name from the same conversations.

    Names of `kept` (the person's own, and the team's account) stay as they are.
    """

    def __init__(self, names: Iterable[str], kept: Iterable[str]) -> None:
        self._kept = {_bare(name) for name in kept}
        known = {name for name in names if _long_enough(name) and _bare(name) not in self._kept}
        longest_first = sorted(known, key=len, reverse=True)
        self._names = re.compile("|".join([_MENTION, *map(_spelled, longest_first)]), re.IGNORECASE)

    def __call__(self, text: str) -> str:
        return self._names.sub(lambda found: found[0] if _bare(found[0]) in self._kept else MEMBER, text)


def _bare(name: str) -> str:
    return name.casefold().removeprefix("@")


def _long_enough(name: str) -> bool:
    return len(name) >= _SHORTEST or (len(name) > 1 and re.fullmatch(f"{_UNSPACED}+", name) is not None)


def _spelled(name: str) -> str:
    """A name as a word of its own, where its script is written with spaces; anywhere, where it is not."""
    before = "" if re.match(_UNSPACED, name) else r"(?<!\w)"
    after = "" if re.match(_UNSPACED, name[-1]) else r"(?!\w)"
    return f"{before}{re.escape(name)}{after}"


def _mask(ctx: Ctx, person: Person, threads: list[int]) -> _Mask:
    account = ctx.session.get_one(Account, person.account_id)
    others = ctx.session.execute(
        sa.select(Person.handle, Person.name)
        .join(Message, Message.person_id == Person.id)
        .where(Message.thread_id.in_(threads), Person.id != person.id)
        .where(Person.external_id != account.external_id)
        .distinct()
    )
    names = {part for row in others for part in (row[0], row[0].removeprefix("@"), row[1])}
    return _Mask(names, (person.handle, person.name, account.handle, account.name))


# ------------------------------------------------------------------ as a page


def _when(text: str | None) -> str:
    return f"{datetime.fromisoformat(text):%d %B %Y, %H:%M} UTC" if text else ""


def _page(held: dict[str, Any]) -> str:
    person = held["person"]
    handle, platform = html.escape(person["handle"]), html.escape(person["platform"])
    seen = f"First seen {_when(person['first_seen'])}, last seen {_when(person['last_seen'])}."
    made = f"Written on {_when(held['made_at'])}."
    content = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in held["what_is_in_it"])
    lines = [
        "<!doctype html><html lang='en'><meta charset='utf-8'>",
        f"<title>What is held on {handle}</title><style>{_STYLE}</style>",
        f"<h1>What is held on {html.escape(person['name'] or person['handle'])}</h1>",
        f"<p>{handle} on {platform}. {seen} {made}</p><ul>{content}</ul>",
    ]
    for number, one in enumerate(held["conversations"], 1):
        lines += _chapter(number, one)
    return "\n".join(lines)


def _chapter(number: int, one: dict[str, Any]) -> list[str]:
    title = html.escape(one["title"] or one["channel"] or "")
    lines = [f"<h2>Conversation {number}: {title}</h2>"]
    kept = f" Words are kept until {_when(one['words_kept_until'])}." if one["words_kept_until"] else ""
    lines.append(f"<p>Level {one['level']}, {one['status']}.{kept}</p>")
    for message in one["messages"]:
        why = "; ".join(dict.fromkeys(entry["why"] for entry in message["why"]))
        level = f", read as {message['level']}" if message["level"] else ""
        because = f" ({html.escape(why)})" if why else ""
        text = html.escape(message["text"]) or "<i>the words are gone</i>"
        lines.append(f"<article><small>{_when(message['at'])}{level}{because}</small>\n{text}</article>")
        lines += [
            f"<article><small>before it was edited</small>\n{html.escape(old['text'])}</article>"
            for old in message["earlier_words"]
        ]
    parts = {
        "Our replies": "replies_to_them",
        "Drafts not sent": "drafts_to_them",
        "Notes of the team": "notes",
    }
    for heading, entries in ((heading, one[part]) for heading, part in parts.items()):
        lines += [f"<h3>{heading}</h3>"] if entries else []
        for entry in entries:
            text = html.escape(entry["text"])
            lines.append(f"<article class='ours'><small>{_when(entry['at'])}</small>\n{text}</article>")
    if one["what_was_done"]:
        lines.append("<h3>What was done</h3><ul>")
        for entry in one["what_was_done"]:
            facts = "; ".join(f"{k}: {v}" for k, v in entry.items() if k not in ("at", "what", "by"))
            lines.append(f"<li>{_when(entry['at'])}: {html.escape(entry['what'])} {html.escape(facts)}</li>")
        lines.append("</ul>")
    return lines
