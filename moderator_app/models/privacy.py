"""What is remembered about forgetting: rules, what people asked for, what may not come back."""

import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from moderator_app.models.base import Base, ByValue
from moderator_app.models.care import new_id
from moderator_app.models.terms import Level


class RequestKind(StrEnum):
    """What somebody asked for."""

    ERASE = "erase"
    ACCESS = "access"
    HOLD = "hold"


class RequestState(StrEnum):
    """The life of a request. `running` is resumed until it is `done`, however often the program dies.

    `partly`: an erasure that left what a hold keeps. `ended`: a hold that no longer holds.
    """

    ASKED = "asked"
    RUNNING = "running"
    PARTLY = "partly"
    HOLDING = "holding"
    DONE = "done"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"


class RetentionRule(Base):
    """How many days the words of one platform at one level are kept, where it is not the default."""

    __tablename__ = "retention_rule"

    platform: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[Level] = mapped_column(primary_key=True)
    days: Mapped[int]


class Request(Base):
    """One request about somebody's data: who asked, who confirmed, until when, and what came of it.

    Never holds words of members: `target` names rows ("person:3"), `facts` and `proof` hold numbers, moments,
    file names and keyed marks. `reason` is ours and goes with the last item that it is about.
    """

    __tablename__ = "request"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[RequestKind] = mapped_column(ByValue(RequestKind))
    state: Mapped[RequestState] = mapped_column(ByValue(RequestState))
    target: Mapped[str]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    confirmed_by: Mapped[str] = mapped_column(default="")
    confirmed_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]  # of an access request or an erasure: the law's month
    review_at: Mapped[datetime | None]  # of a hold
    ends_at: Mapped[datetime | None]  # of a hold
    done_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="")
    basis: Mapped[str] = mapped_column(default="")
    facts: Mapped[str] = mapped_column(default="{}")
    proof: Mapped[str] = mapped_column(default="{}")


class HeldItem(Base):
    """An item that a hold keeps, for as long as the hold stands."""

    __tablename__ = "held_item"
    __table_args__ = (sa.Index("ix_held_item_item_id", "item_id"),)

    request_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("request.id"), primary_key=True)
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("item.id"), primary_key=True)


class KeptOut(Base):
    """The keyed mark of something that was erased, so that the next pull does not bring it back.

    Its rows have numbers, because a damaged store is recovered by them: what was erased stays out even then.
    """

    __tablename__ = "kept_out"

    mark: Mapped[bytes] = mapped_column(primary_key=True)
