"""What the platforms say: accounts, people, conversations, messages, and why each has its level.

Columns marked *ours* are written by moderators' actions and triage, never by intake, so that a replayed
page cannot undo a decision.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from moderator_app.models.base import Base
from moderator_app.models.terms import HEARD, Level, Status


class Account(Base):
    """One account of ours on one platform. Its secrets are in the vault, under `vault_key`."""

    __tablename__ = "account"
    __table_args__ = (sa.UniqueConstraint("platform", "external_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    platform: Mapped[str]
    external_id: Mapped[str]
    handle: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    vault_key: Mapped[str]
    form: Mapped[str] = mapped_column(default="{}")  # sign-in fields that are not secret, JSON
    abilities: Mapped[str] = mapped_column(default="{}")  # what the last probe said, JSON
    health: Mapped[str] = mapped_column(default="new")
    health_since: Mapped[datetime | None]
    last_pull_at: Mapped[datetime | None]
    next_try_at: Mapped[datetime | None]
    skipped: Mapped[int] = mapped_column(default=0)
    removed_at: Mapped[datetime | None]
    messages: Mapped[int] = mapped_column(default=0, server_default="0")  # kept by triggers
    checking_since: Mapped[datetime | None]  # its words are held back meanwhile
    checked_at: Mapped[datetime | None]  # when the platform was last asked what is still there


class Cursor(Base):
    """How far one stream of one account was read; written with the page it vouches for."""

    __tablename__ = "cursor"

    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), primary_key=True)
    stream: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    at: Mapped[datetime]


class Person(Base):
    """One account of somebody on one platform; never more than the platform shows."""

    __tablename__ = "person"
    # Handle and name have an index each without regard to case, which SQLAlchemy cannot describe: v0006.
    __table_args__ = (sa.UniqueConstraint("account_id", "external_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    external_id: Mapped[str]
    handle: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]
    messages: Mapped[int] = mapped_column(default=0, server_default="0")  # kept by triggers


class PersonLink(Base):
    """Two accounts that a moderator joined by hand, at the member's own word; reversible."""

    __tablename__ = "person_link"

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    cluster_id: Mapped[int] = mapped_column(index=True)
    by: Mapped[str]
    at: Mapped[datetime]


class Thread(Base):
    """One conversation on one platform."""

    __tablename__ = "thread"
    __table_args__ = (sa.UniqueConstraint("account_id", "external_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    external_id: Mapped[str]
    title: Mapped[str] = mapped_column(default="")
    channel: Mapped[str] = mapped_column(default="")
    permalink: Mapped[str | None]
    last_at: Mapped[datetime]
    messages: Mapped[int] = mapped_column(default=0, server_default="0")  # kept by triggers


class Item(Base):
    """The unit of work: what one person said in one conversation. All of it is *ours*.

    `level` is the label; `rank` the order, which waiting and unread messages may put above the label.
    `lowered_through` is the last message a person had seen when lowering: older ones raise no more.
    """

    __tablename__ = "item"
    __table_args__ = (
        sa.UniqueConstraint("thread_id", "person_id"),
        # SQLite ends every index with the row's id, so each of these is a whole order.
        sa.Index("ix_item_level", "level", "rank", "due_at", sqlite_where=sa.text("status = 'open'")),
        sa.Index(
            "ix_item_mine", "assignee", "status", "rank", "due_at", sqlite_where=sa.text("assignee <> ''")
        ),
        sa.Index("ix_item_escalated", "status", "rank", "due_at", sqlite_where=sa.text("escalated_to <> ''")),
        sa.Index("ix_item_status", "status", "rank", "due_at"),
        sa.Index("ix_item_person", "person_id", "last_at"),
        sa.Index("ix_item_week", "waiting_since", "level", "first_reply_at"),
        sa.Index("ix_item_urgent", "level", sqlite_where=sa.text("level <= 1")),
        sa.Index("ix_item_words", "words_since", sqlite_where=sa.text("words_since IS NOT NULL")),
        sa.Index("ix_item_snoozed", "snoozed_until", sqlite_where=sa.text("status = 'snoozed'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    thread_id: Mapped[int] = mapped_column(sa.ForeignKey("thread.id"))
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    level: Mapped[Level] = mapped_column(default=Level.GREEN)
    rank: Mapped[int] = mapped_column(default=int(Level.RED))
    pending: Mapped[int] = mapped_column(default=0)  # messages that the rules have not read yet
    status: Mapped[Status] = mapped_column(default=Status.OPEN)
    new_messages: Mapped[int] = mapped_column(default=0)
    top_message_id: Mapped[int | None]  # the message that the card shows
    waiting_since: Mapped[datetime]
    due_at: Mapped[datetime]
    last_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
    lowered_through: Mapped[int] = mapped_column(default=0)
    assignee: Mapped[str] = mapped_column(default="")
    escalated_to: Mapped[str] = mapped_column(default="")
    escalated_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    snoozed_until: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(default="")
    first_reply_at: Mapped[datetime | None]
    words_since: Mapped[datetime | None]  # when the last of its words came in; None once they are forgotten


class Message(Base):
    """One message as the platform has it, and what the rules made of it.

    `id` is the order in which messages came in and is never used again after an erasure. `body` is empty
    once the message is gone there: deleted upstream means deleted here.
    """

    __tablename__ = "message"
    __table_args__ = (
        sa.UniqueConstraint("account_id", "external_id"),
        sa.Index("ix_message_thread", "thread_id", "created_at"),
        sa.Index("ix_message_person", "person_id", "created_at"),
        sa.Index("ix_message_item", "item_id"),
        sa.Index("ix_message_parent", "account_id", "parent_ext", sqlite_where=sa.text("ours")),
        sa.Index("ix_message_unread", "id", sqlite_where=sa.text("read_v IS NULL")),
        sa.Index("ix_message_created", "created_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    thread_id: Mapped[int] = mapped_column(sa.ForeignKey("thread.id"))
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    item_id: Mapped[int | None] = mapped_column(sa.ForeignKey("item.id"))
    external_id: Mapped[str]
    parent_ext: Mapped[str | None]
    subject_ext: Mapped[str | None]
    reason: Mapped[str | None]
    kind: Mapped[str]
    audience: Mapped[str]
    ours: Mapped[bool] = mapped_column(default=False)
    lang: Mapped[str | None]
    body: Mapped[str]
    folded: Mapped[str | None]  # search text, only where it differs from body
    permalink: Mapped[str | None]
    revision: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    fetched_at: Mapped[datetime]  # when the platform last said that it is there
    edited_at: Mapped[datetime | None]
    gone_at: Mapped[datetime | None]
    gone_how: Mapped[str | None]
    likes: Mapped[int] = mapped_column(default=0)
    replies: Mapped[int] = mapped_column(default=0)
    hidden_there: Mapped[bool] = mapped_column(default=False)
    hidden_wanted: Mapped[bool | None]  # ours: what a moderator asked for, until the platform agrees
    liked: Mapped[bool] = mapped_column(default=False)  # ours
    level: Mapped[Level | None]  # ours: None until the rules have read it
    read_v: Mapped[int | None]  # ours: the version of the rules that read it
    action_id: Mapped[str | None]  # ours: the reply of ours that this is


class Signal(Base):
    """Why a message has its level: which characters, what kind, by which rule. Never the words."""

    __tablename__ = "signal"
    __table_args__ = (
        sa.Index("ix_signal_message_id", "message_id"),
        sa.Index("ix_signal_heard", "kind", "message_id", sqlite_where=sa.text(HEARD)),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(sa.ForeignKey("message.id", ondelete="CASCADE"))
    start: Mapped[int]
    end: Mapped[int]
    kind: Mapped[str]
    level: Mapped[Level]
    why: Mapped[str]
    lang: Mapped[str]


class Revision(Base):
    """What a message said before an edit; goes when the message goes."""

    __tablename__ = "revision"
    __table_args__ = (sa.Index("ix_revision_message_id", "message_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(sa.ForeignKey("message.id", ondelete="CASCADE"))
    body: Mapped[str]
    replaced_at: Mapped[datetime]


class Enclosure(Base):
    """What comes with a few messages beside their words, as JSON: a poll, pictures, choices of a review."""

    __tablename__ = "enclosed"

    message_id: Mapped[int] = mapped_column(sa.ForeignKey("message.id", ondelete="CASCADE"), primary_key=True)
    facts: Mapped[str]


class ItemCount(Base):
    """How many items each badge shows; kept by triggers, never written by hand."""

    __tablename__ = "item_count"

    status: Mapped[Status] = mapped_column(primary_key=True)
    level: Mapped[Level] = mapped_column(primary_key=True)
    n: Mapped[int]


class MessageDay(Base):
    """How many messages of members an account brought from one day at one level; kept by triggers.

    `day` counts days since 1970 in UTC; `level` is -1 until the rules have read the message.
    """

    __tablename__ = "message_day"
    __table_args__ = ({"sqlite_with_rowid": False},)

    day: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(primary_key=True)
    level: Mapped[int] = mapped_column(primary_key=True)
    n: Mapped[int]


class WeekThread(Base):
    """How many messages of members a conversation has from one week; kept by triggers.

    `week` counts weeks that begin on Monday in UTC; week 0 began on 29 December 1969.
    """

    __tablename__ = "week_thread"
    __table_args__ = ({"sqlite_with_rowid": False},)

    week: Mapped[int] = mapped_column(primary_key=True)
    thread_id: Mapped[int] = mapped_column(primary_key=True)
    n: Mapped[int]


class WeekPerson(Base):
    """How many messages a member wrote in one week; kept by triggers. Person 0 is whoever is unknown."""

    __tablename__ = "week_person"
    __table_args__ = ({"sqlite_with_rowid": False},)

    week: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(primary_key=True)
    n: Mapped[int]
