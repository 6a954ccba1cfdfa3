"""One account's round trip: send what is due, then bring what is new.

No transaction is ever open while the network is asked. Everything that must survive a crash is committed
before the call (an action is marked sent) or after it (a page with its cursor, an outcome).
"""

import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from connectors.contract import Connector, Page
from connectors.errors import OutcomeUnknown, Refused, SignInAgain, TryLater, Unreadable
from moderator_app.desk import accounts, actions, intake, sweep
from moderator_app.desk.desk import Ctx, Desk
from moderator_app.desk.intake import Brought
from moderator_app.models.cipher import DiskFull
from moderator_app.models.inbox import Account, Cursor

_log = logging.getLogger(__name__)

_AGAIN = (30, 60, 120, 300, 600)  # seconds before the next try while a platform is away


@dataclass(frozen=True, slots=True)
class Trip:
    """What one round trip did. `health` is ok, waiting, offline or sign_in; `trouble` says why."""

    brought: Brought
    sent: int
    health: str
    trouble: str = ""
    until: datetime | None = None


def _never() -> bool:
    return False


def _quiet(page: Page) -> None:
    del page


class Sync:
    """Runs one account; used by one thread at a time."""

    def __init__(
        self,
        desk: Desk,
        account_id: int,
        connector: Connector,
        keep: Callable[[Mapping[str, str]], None],
    ) -> None:
        self._desk = desk
        self._inbox = desk.in_bulk()  # a full disk stops what comes in, never what a moderator does
        self._account = account_id
        self._connector = connector
        connector.keep = keep
        self._keep = keep
        self._failures = 0
        self.poll_seconds = connector.poll_seconds
        self._probed = False
        self._brought = Brought()  # by this trip so far, also when it breaks off
        self._moved = False  # a page of this trip was stored
        self._sent = 0

    def run(
        self,
        progress: Callable[[Page], None] = _quiet,
        cancelled: Callable[[], bool] = _never,
        since: datetime | None = None,
        *,
        pull: bool = True,
    ) -> Trip:
        """One round trip; platform troubles become the account's health, never an exception.

        Without `pull` it only sends what is due.
        """

        def work() -> None:
            self._sent = self.push()
            if not pull:
                return
            if not self._probed:
                self._inbox.do(accounts.update_abilities, self._account, self._connector.probe())
                self._probed = True
            self._pull_all(progress, cancelled, since)

        return self._explained(work, pulled=pull)

    def check(
        self,
        progress: Callable[[int, int], None] = lambda *_: None,
        cancelled: Callable[[], bool] = _never,
    ) -> Trip:
        """Ask the platform what is still there (R61); afterwards its words may be shown."""
        if self._connector.tells_gone:
            trip = self.run(lambda page: progress(page.done, page.total), cancelled)
        else:
            trip = self._explained(lambda: self._sweep(progress, cancelled), pulled=False)
        answered = trip.health == "ok" and not cancelled()
        self._desk.do(sweep.end, self._account, answered=answered)
        return trip

    def _sweep(self, progress: Callable[[int, int], None], cancelled: Callable[[], bool]) -> None:
        swept = sweep.sweep(self._inbox, self._account, self._connector, progress, cancelled)
        self._brought += Brought(gone=swept.gone)

    def _explained(self, work: Callable[[], None], *, pulled: bool) -> Trip:
        """Do what asks the platform; its troubles become the account's health."""
        self._brought, self._sent, self._moved = Brought(), 0, False
        try:
            work()
        except SignInAgain as error:
            return self._troubled(Trip(self._brought, self._sent, "sign_in", str(error)))
        except TryLater as error:
            # Where something came through, only one bucket is empty, and the connector leaves that one alone.
            asked = None if self._moved else error.until
            until = max(asked or self._desk.clock.now(), self._soon())
            health = "offline" if error.offline else "waiting"
            return self._troubled(Trip(self._brought, self._sent, health, str(error), until))
        except (Unreadable, OutcomeUnknown) as error:
            # Often a proxy's page in between: the next answer may be good again.
            return self._troubled(Trip(self._brought, self._sent, "waiting", str(error), self._soon()))
        except (Refused, DiskFull) as error:
            until = self._desk.clock.now() + timedelta(seconds=_AGAIN[-1])
            return self._troubled(Trip(self._brought, self._sent, "waiting", str(error), until))
        finally:
            self._keep_fresh()
        trip = Trip(self._brought, self._sent, "ok")
        return self._well(trip) if pulled else trip

    def _soon(self) -> datetime:
        """The next try after trouble that may pass: later each time, unless something still comes through."""
        if self._moved:
            self._failures = 0
            return self._desk.clock.now() + timedelta(seconds=max(_AGAIN[0], self.poll_seconds))
        return self._desk.clock.now() + timedelta(seconds=_AGAIN[min(self._failures, len(_AGAIN) - 1)])

    def push(self) -> int:
        """Send what is due; how many arrived. SignInAgain leaves everything held."""
        arrived = 0
        while due := self._desk.do(actions.take_due, self._account):
            lapsed: SignInAgain | None = None
            for one in due:
                outcome = lapsed or self._send(one)
                self._desk.do(actions.settle, one.action_id, outcome)
                if isinstance(outcome, SignInAgain):
                    lapsed = outcome
                arrived += not isinstance(outcome, Exception)
            if lapsed is not None:
                raise lapsed
        return arrived

    def _send(self, due: actions.Due) -> actions.Outcome:
        try:
            if due.look_first and (found := self._connector.find_sent(due.command)):
                return found
            return self._connector.perform(due.command)
        except (SignInAgain, TryLater, OutcomeUnknown, Refused) as error:
            if due.look_first and isinstance(error, TryLater):
                # It may have arrived earlier: it must be looked for again, not merely sent again.
                return OutcomeUnknown(str(error))
            return error
        except Unreadable as error:
            # An answer that cannot be read after a command: it may have been done.
            return OutcomeUnknown(str(error))

    def _streams(self) -> list[str]:
        why_not = self._desk.ask(accounts.abilities, self._account)["streams"]
        return [name for name in self._connector.streams if not why_not.get(name)]

    def _pull_all(
        self, progress: Callable[[Page], None], cancelled: Callable[[], bool], since: datetime | None
    ) -> None:
        """Every stream, each by itself: a platform's "wait" for one does not hold up the others."""
        trouble: TryLater | Unreadable | None = None
        for stream in self._streams():
            try:
                self._pull(stream, progress, cancelled, since)
            except (TryLater, Unreadable) as error:
                trouble = trouble or error
                if isinstance(error, TryLater) and error.offline:
                    break  # nothing else would be reached either
        if trouble is not None:
            raise trouble

    def _pull(
        self,
        stream: str,
        progress: Callable[[Page], None],
        cancelled: Callable[[], bool],
        since: datetime | None,
    ) -> None:
        state = self._desk.ask(_state, self._account, stream)
        for page in self._connector.pull(stream, state, since):
            self._brought += self._inbox.do(intake.apply, self._account, page)
            self._moved = True
            self._sent += self.push()  # a person's reply never waits behind a back-fill
            progress(page)
            if cancelled():
                break

    def _keep_fresh(self) -> None:
        budget = self._connector.budget()
        if budget is not None:
            self._desk.do(accounts.set_budget, self._account, budget)
        fresh = self._connector.fresh_secrets()
        if fresh is not None:
            self._keep(fresh)

    def _well(self, trip: Trip) -> Trip:
        self._failures = 0
        if self._desk.do(accounts.set_health, self._account, "ok", None, trip.brought.skipped):
            _log.info("account %d is reachable", self._account)
        return trip

    def _troubled(self, trip: Trip) -> Trip:
        self._failures += 1
        skipped = trip.brought.skipped
        with contextlib.suppress(DiskFull):  # it is said all the same
            if self._inbox.do(accounts.set_health, self._account, trip.health, trip.until, skipped):
                _log.warning("account %d is not reachable: %s", self._account, trip.health)
        return trip


def _state(ctx: Ctx, account_id: int, stream: str) -> str:
    return (
        ctx.session.scalar(
            sa.select(Cursor.state).where(Cursor.account_id == account_id, Cursor.stream == stream)
        )
        or ""
    )


def due(ctx: Ctx, account_id: int) -> bool:
    """Whether it is worth trying the account now: not while it asked us to wait or to sign in."""
    row = ctx.session.get_one(Account, account_id)
    return row.health != "sign_in" and (row.next_try_at is None or row.next_try_at <= ctx.now)
