"""Connected accounts: sign in, check, show their health, let go."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from connectors.contract import Budget, Connector, Probe
from connectors.errors import ConnectorError, SignInAgain, TryLater
from moderator_app.desk import actions
from moderator_app.desk.desk import Ctx, Desk
from moderator_app.desk.rows import AccountRow, ActionState
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.models.care import Action, new_id
from moderator_app.models.inbox import Account
from moderator_app.models.session import Plain

KeepSecrets = Callable[[str, Mapping[str, str]], None]


@dataclass(frozen=True, slots=True)
class SignIn:
    """What is needed to speak as an account again: its platform, form values and key in the vault."""

    account_id: int
    platform: str
    vault_key: str
    values: Mapping[str, str]


class Attempt:
    """One sign-in on its way. Given up, it waits for no browser and no server any more, and keeps nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connector: Connector | None = None
        self._given_up = False

    def give_up(self) -> None:
        """End it, from any thread."""
        with self._lock:
            self._given_up = True
            if self._connector is not None:  # which may say goodbye to its server first
                threading.Thread(target=self._connector.close, name="give up", daemon=True).start()

    def watch(self, connector: Connector) -> Connector:
        """Take what works on it now; once given up, it begins nothing more."""
        with self._lock:
            self._connector = connector
        self.refuse_given_up()
        return connector

    def refuse_given_up(self) -> None:
        """Raise TryLater where it was given up."""
        with self._lock:
            if self._given_up:
                raise TryLater("the sign-in was given up")


def connect(
    desk: Desk,
    platform: type[Connector],
    values: Mapping[str, str],
    secrets: Mapping[str, str],
    keep: KeepSecrets,
    attempt: Attempt | None = None,
) -> int:
    """Sign in, ask who we are, and remember the account; its secrets go to the vault first.

    Called off the screen's thread: it speaks to the platform. Connecting an account that is known signs
    it in again.
    """
    try:
        tokens, probe = _sign_in(platform, values, secrets, attempt or Attempt())
    except ConnectorError as error:
        raise _explained(error) from error
    known = desk.ask(_vault_key, platform.platform, probe.account_id)
    vault_key = known or f"{platform.platform}:{new_id()}"
    keep(vault_key, tokens)
    return desk.do(_remember, platform.platform, probe, dict(values), vault_key)


def _sign_in(
    platform: type[Connector], values: Mapping[str, str], secrets: Mapping[str, str], attempt: Attempt
) -> tuple[dict[str, str], Probe]:
    first = platform(values, secrets)
    try:
        tokens = dict(attempt.watch(first).authorize())
    finally:
        first.close()
    signed_in = platform(values, tokens)
    try:
        probe = attempt.watch(signed_in).probe()
        attempt.refuse_given_up()
        return tokens | dict(signed_in.fresh_secrets() or {}), probe
    finally:
        signed_in.close()


def _explained(error: ConnectorError) -> ForTheModerator:
    """A connector's trouble at sign-in, for the person who typed."""
    if isinstance(error, SignInAgain):
        return ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "The platform did not accept this sign-in."),
            QT_TRANSLATE_NOOP("Error", "Check the name and the password; nothing was kept."),
        )
    if isinstance(error, TryLater):
        return ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "The platform cannot be reached now."),
            QT_TRANSLATE_NOOP("Error", "Check the network and the server's address, and try again."),
        )
    return ForTheModerator(
        QT_TRANSLATE_NOOP("Error", "The platform said no: {why}"),
        QT_TRANSLATE_NOOP("Error", "Nothing was kept."),
        why=error,
    )


def _vault_key(ctx: Ctx, platform: str, external_id: str) -> str | None:
    return ctx.session.scalar(
        sa.select(Account.vault_key).where(Account.platform == platform, Account.external_id == external_id)
    )


def _remember(ctx: Ctx, platform: str, probe: Probe, values: dict[str, str], key: str) -> int:
    row = ctx.session.scalars(
        sa.select(Account).where(Account.platform == platform, Account.external_id == probe.account_id)
    ).first()
    if row is None:
        row = Account(platform=platform, external_id=probe.account_id, vault_key=key, handle="")
        ctx.session.add(row)
    row.handle, row.name = probe.handle, probe.name
    row.form, row.removed_at = json.dumps(values), None
    row.health, row.health_since, row.next_try_at = "new", ctx.now, None
    row.abilities = _abilities(probe)
    ctx.session.flush()
    return row.id


def _abilities(probe: Probe) -> str:
    return json.dumps(
        {
            "verbs": {
                verb.value: "" if ability.can else ability.why_not or "not possible"
                for verb, ability in probe.verbs.items()
            },
            "streams": {
                name: "" if ability.can else ability.why_not or "not possible"
                for name, ability in probe.streams.items()
            },
            "untimed": [verb.value for verb, ability in probe.verbs.items() if ability.untimed],
            "max_text": probe.max_text,
            "text_unit": probe.text_unit,
            "server": probe.server,
        }
    )


def abilities(ctx: Ctx, account_id: int) -> dict[str, Any]:
    """What the last probe said: verbs and streams with why not ("" where possible), max_text, text_unit."""
    found: dict[str, Any] = json.loads(ctx.session.get_one(Account, account_id).abilities)
    return found


def sign_ins(ctx: Ctx) -> list[SignIn]:
    """The accounts that are connected."""
    rows = ctx.session.scalars(sa.select(Account).where(Account.removed_at.is_(None)).order_by(Account.id))
    return [SignIn(row.id, row.platform, row.vault_key, json.loads(row.form)) for row in rows]


def _many(state: sa.ColumnElement[bool]) -> Plain:
    return Plain(sa.select(Action.account_id, sa.func.count()).where(state).group_by(Action.account_id))


# Each by its own partial index.
_WAITING: Final = _many(Action.state.in_(actions.WAITING))
_UNSURE: Final = _many(Action.state == ActionState.UNSURE)


def rows(ctx: Ctx) -> list[AccountRow]:
    """The accounts and their health, for the screen."""
    waiting = Counter(dict(_WAITING.rows(ctx.session)))
    waiting.update(dict(_UNSURE.rows(ctx.session)))
    found = ctx.session.scalars(sa.select(Account).where(Account.removed_at.is_(None)).order_by(Account.id))
    return [
        AccountRow(
            account_id=row.id,
            platform=row.platform,
            handle=row.handle,
            name=row.name,
            health=row.health,
            health_since=row.health_since,
            last_pull_at=row.last_pull_at,
            next_try_at=row.next_try_at,
            messages=row.messages,
            waiting_to_send=waiting[row.id],
            skipped=row.skipped,
            verbs=json.loads(row.abilities).get("verbs", {}),
            budget=_budget(row),
        )
        for row in found
    ]


def _budget(row: Account) -> Budget | None:
    kept = json.loads(row.abilities).get("budget")
    return Budget(kept["used"], kept["most"], datetime.fromisoformat(kept["resets_at"])) if kept else None


def set_health(ctx: Ctx, account_id: int, health: str, until: datetime | None, skipped: int) -> bool:
    """Write how an account is (until when not to try it again); true where its health changed.

    An outage and a recovery are each told once.
    """
    row = ctx.session.get_one(Account, account_id)
    changed = row.health != health
    if changed:
        row.health, row.health_since = health, ctx.now
    row.next_try_at = until
    row.skipped += skipped
    if health == "ok":
        row.last_pull_at = ctx.now
    return changed


def set_budget(ctx: Ctx, account_id: int, budget: Budget) -> None:
    """Write how much of its quota the platform has left for us."""
    row = ctx.session.get_one(Account, account_id)
    facts = {"used": budget.used, "most": budget.most, "resets_at": budget.resets_at.isoformat()}
    row.abilities = json.dumps({**json.loads(row.abilities), "budget": facts})


def update_abilities(ctx: Ctx, account_id: int, probe: Probe) -> None:
    """Write what the platform says today of what we may do."""
    row = ctx.session.get_one(Account, account_id)
    row.abilities, row.handle, row.name = _abilities(probe), probe.handle, probe.name


def disconnect(ctx: Ctx, account_id: int) -> str:
    """Stop reading an account; what it brought stays. Answers the vault key, to forget its secrets."""
    row = ctx.session.get(Account, account_id)
    if row is None:
        raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "That account is not connected."))
    row.removed_at, row.health = ctx.now, "new"
    actions.abandon(ctx, account_id)
    return row.vault_key
