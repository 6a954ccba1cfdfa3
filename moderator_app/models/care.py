"""What moderators add: actions, notes, drafts, templates, and the record. Their ids are unique everywhere."""

import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column
from uuid_utils import compat

from moderator_app.models.base import Base, ByValue
from moderator_app.models.terms import ActionKind, ActionState, Level


def new_id() -> uuid.UUID:
    """A UUIDv7: unique without asking anybody, and ordered by time."""
    return compat.uuid7()


class Action(Base):
    """One thing a person did: outbox, undo, audit and history in one.

    `before` keeps what it replaced, so that undo and a refusal can restore it. `id` is also the key under
    which the platform is asked, so that it happens once however often it is sent. Times: `at` recorded,
    `not_before` earliest sending, `settled_at` the platform's word.
    """

    __tablename__ = "action"
    __table_args__ = (
        sa.Index(
            "ix_action_due",
            "account_id",
            "not_before",
            sqlite_where=sa.text("state IN ('held', 'sent', 'unknown')"),
        ),
        sa.Index("ix_action_unsure", "state", sqlite_where=sa.text("state = 'unsure'")),
        sa.Index("ix_action_failed", "settled_at", sqlite_where=sa.text("state = 'failed'")),
        sa.Index("ix_action_item", "item_id", "at"),
        sa.Index("ix_action_message", "message_id", "at"),
        sa.Index("ix_action_who", "who", "at"),
        sa.Index("ix_action_at", "at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[ActionKind]
    state: Mapped[ActionState]
    who: Mapped[str]
    at: Mapped[datetime]
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    item_id: Mapped[int | None] = mapped_column(sa.ForeignKey("item.id"))
    message_id: Mapped[int | None] = mapped_column(sa.ForeignKey("message.id"))
    detail: Mapped[str] = mapped_column(default="{}")  # what was asked, JSON
    before: Mapped[str] = mapped_column(default="{}")  # what it replaced, JSON
    undoes_id: Mapped[uuid.UUID | None]
    undone_by: Mapped[uuid.UUID | None]
    not_before: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    settled_at: Mapped[datetime | None]
    remote_id: Mapped[str | None]
    reason: Mapped[str | None]  # why it was refused: a Reason of the connectors
    trouble: Mapped[str] = mapped_column(default="")  # the platform's words


class Note(Base):
    """A team note on an item, seen with its person; never leaves the machine."""

    __tablename__ = "note"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("item.id"), index=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), index=True)
    who: Mapped[str]
    at: Mapped[datetime]
    text: Mapped[str]
    forgotten_at: Mapped[datetime | None]


class Draft(Base):
    """A reply that is being written; one for each item and author, kept until it is sent or emptied."""

    __tablename__ = "draft"
    __table_args__ = (sa.UniqueConstraint("item_id", "who"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("item.id"))
    who: Mapped[str]
    text: Mapped[str]
    audience: Mapped[str]
    template_id: Mapped[str] = mapped_column(default="")
    saved_at: Mapped[datetime]


class Template(Base):
    """A reply to begin from that this team wrote or approved; shipped ones are in the resources."""

    __tablename__ = "template"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(unique=True)
    body: Mapped[str]
    about: Mapped[str] = mapped_column(default="{}")  # situation, levels, audience, JSON
    reviewed_by: Mapped[str] = mapped_column(default="")
    approved_until: Mapped[datetime | None]


class ChangeKind(StrEnum):
    """What a team may change in a cue pack."""

    ADD = "add"  # another phrase
    OFF = "off"  # a phrase that is not used any more
    LEVEL = "level"  # how urgent a phrase is


class CueChange(Base):
    """One change to a cue pack by a lead: which phrase, why, and what a try on our own messages said.

    `line` is the phrase as packs write it, never a member's text. A change is withdrawn, not deleted.
    """

    __tablename__ = "cue_change"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    what: Mapped[ChangeKind] = mapped_column(ByValue(ChangeKind))
    lang: Mapped[str]
    line: Mapped[str]
    kind: Mapped[str]
    level: Mapped[Level | None]
    reason: Mapped[str]
    who: Mapped[str]
    at: Mapped[datetime]
    tried: Mapped[str] = mapped_column(default="{}")  # what the last try changed: counts, JSON
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str] = mapped_column(default="")


class Meta(Base):
    """Small facts about the file itself."""

    __tablename__ = "meta"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class Audit(Base):
    """One line of the record: who did what to which row, and when; never anybody's words.

    `hash` is SHA-256 over the line and the hash before it, so that a missing or altered line shows. `seq`
    is the order; `clock_back` marks a line whose clock stood before the one above it.
    """

    __tablename__ = "audit"
    __table_args__ = ({"sqlite_autoincrement": True},)

    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    who: Mapped[str]
    what: Mapped[str]
    target: Mapped[str] = mapped_column(default="")  # "item:7", "person:3", ...
    detail: Mapped[str] = mapped_column(default="{}")  # facts without words, JSON
    clock_back: Mapped[bool] = mapped_column(default=False)
    hash: Mapped[bytes]
