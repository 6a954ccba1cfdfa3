"""What every table shares: names, times that know their zone, and enums stored by value."""

from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase

from moderator_app.models.terms import ActionKind, ActionState, Level, Status


def millis(at: datetime | None) -> int | None:
    """A moment as the file has it; a time without a zone is refused."""
    if at is None:
        return None
    if at.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    return round(at.timestamp() * 1000)


_from_timestamp: Final = datetime.fromtimestamp  # a page of the queue asks two hundred times


def moment(found: int) -> datetime:
    """A moment of the file."""
    return _from_timestamp(found / 1000, UTC)


def maybe_moment(found: int | None) -> datetime | None:
    """A moment of the file, where there is one."""
    return None if found is None else moment(found)


class Moment(sa.types.TypeDecorator[datetime]):
    """A UTC moment kept as whole milliseconds since 1970; a time without a zone is refused."""

    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        del dialect
        return millis(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        del dialect
        return maybe_moment(value)


class ByValue(sa.types.TypeDecorator[Enum]):
    """An enum kept as its value, so that a file stays readable when a name changes."""

    impl = sa.String
    cache_ok = True

    def __init__(self, kind: type[Enum]) -> None:
        super().__init__()
        self.kind = kind

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(sa.Integer() if issubclass(self.kind, int) else sa.String())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        del dialect
        return None if value is None else self.kind(value).value

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        del dialect
        return None if value is None else self.kind(value)


class Base(DeclarativeBase):
    """The root of every table."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it off the class
        datetime: Moment(),
        Level: ByValue(Level),
        Status: ByValue(Status),
        ActionKind: ByValue(ActionKind),
        ActionState: ByValue(ActionState),
    }
