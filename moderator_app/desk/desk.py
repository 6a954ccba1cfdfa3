"""The door: every question and every change goes through `ask` and `do`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from moderator_app.models.cipher import DiskFull
from moderator_app.models.session import Session
from moderator_app.models.store import Store

P = ParamSpec("P")
R = TypeVar("R")


class Clock(Protocol):
    """Tells the time; tests bring their own."""

    def now(self) -> datetime: ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(tz=UTC)


@dataclass(frozen=True, slots=True)
class Ctx:
    """What a desk function works with: a session it never commits, who asks, and when."""

    session: Session
    who: str
    now: datetime


class Desk:
    """Runs desk functions, each in one transaction. It never grows.

    On a full disk it spends the store's reserve, so that a person's work is still recorded. The one that
    `in_bulk` answers never does: what is fetched can be fetched again.
    """

    def __init__(self, store: Store, who: str, clock: Clock | None = None, *, bulk: bool = False) -> None:
        self.store = store
        self.who = who
        self.clock = clock or SystemClock()
        self._bulk = bulk

    def in_bulk(self) -> "Desk":
        """The same desk for what platforms and rules bring."""
        return Desk(self.store, self.who, self.clock, bulk=True)

    def ask(self, function: Callable[Concatenate[Ctx, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Read: answer a question in a read transaction."""
        with self.store.read() as session:
            return function(Ctx(session, self.who, self.clock.now()), *args, **kwargs)

    def do(self, function: Callable[Concatenate[Ctx, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Write: change something in one transaction; it is on disk when this returns."""
        if self._bulk and self.store.short_of_room and not self.store.keep_reserve():
            raise DiskFull
        try:
            return self._do(function, *args, **kwargs)
        except DiskFull:
            if self._bulk or not self.store.spend_reserve():
                raise
            return self._do(function, *args, **kwargs)

    def _do(self, function: Callable[Concatenate[Ctx, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        with self.store.write() as session:
            return function(Ctx(session, self.who, self.clock.now()), *args, **kwargs)
