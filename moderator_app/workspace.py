"""One open profile, put together for whoever needs it: the window and the command line alike."""

import functools
import json
import logging
import os
import threading
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

from connectors import registry
from connectors.contract import Connector
from connectors.errors import ConnectorError, SignInAgain
from moderator_app import settings
from moderator_app.backups import Backups
from moderator_app.desk import accounts, actions, audit
from moderator_app.desk import passing as passings
from moderator_app.desk.desk import Clock, Desk
from moderator_app.desk.sync import Sync
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.keys import Key
from moderator_app.models import swap
from moderator_app.models.cipher import Damaged
from moderator_app.models.store import Store, alone
from moderator_app.passing import Passing
from moderator_app.paths import Profile
from moderator_app.sealing import seal, subkey, unseal
from moderator_app.settings import Settings
from moderator_app.vault import Vault

_log = logging.getLogger(__name__)

PASSING_REACH: Final = timedelta(days=7)  # a session that leaves nothing begins with the week before it
_PLACE = "window:place"  # among the accounts' secrets: sealed, and written whole or not at all


class Workspace:
    """A profile that is unlocked and open; close it, and its key is gone from memory.

    `recovery_key` is set only where the profile was just made: show it once, keep it nowhere.
    """

    def __init__(
        self, profile: Profile, dek: bytearray, clock: Clock | None = None, *, read_only: bool = False
    ) -> None:
        self.profile = profile
        self.settings = Settings.load(profile.settings)
        self.recovery_key = ""
        self._vault = Vault(profile.vault)
        self._key = Key(dek)
        try:
            with self._key.bare() as plain:
                self._store = (Store.view if read_only else Store.open)(profile, plain)
        except Damaged as error:
            raise self._explained(error) from error
        self.desk = Desk(self._store, self.settings.moderator or settings.somebody(), clock)
        self._syncs: dict[int, Sync] = {}
        self.backups: Backups | None = Backups(profile, self._vault, self._key)  # None for a throwaway
        self.read_only = read_only
        self.passing: Passing | None = None  # set where this session leaves nothing
        self.since: datetime | None = None  # how far back a first pull goes; None: as far as there is
        self._home: Workspace | None = None
        self._telling = threading.Lock()
        self.recovered = 0
        if not read_only:
            self._store.keep_reserve()
            if self._vault.exists:
                self._vault.note_store(_salt(profile))
            self.recovered = self.desk.do(actions.recover)

    @classmethod
    def open(
        cls,
        profile: Profile,
        passphrase: str | None = None,
        *,
        recovery: str | None = None,
        clock: Clock | None = None,
        read_only: bool = False,
    ) -> Self:
        """Unlock and open a profile; a new one is made with the passphrase, the keyring, or both.

        `read_only` looks at it and writes nothing, not even where it lies.
        """
        if profile.order.exists() and not read_only:
            with alone(profile):
                swap.finish(profile)
        vault = Vault(profile.vault)
        shown = ""
        if recovery is not None or vault.exists:
            dek = key_of(vault, passphrase, recovery)
        elif profile.store.exists():
            raise ForTheModerator(
                QT_TRANSLATE_NOOP("Error", "The key file vault.json is missing from {folder}."),
                QT_TRANSLATE_NOOP("Error", "Put it back: without it the messages cannot be read."),
                folder=profile.folder,
            )
        else:
            dek, shown = vault.create(passphrase)
        workspace = cls(profile, dek, clock, read_only=read_only)
        workspace.recovery_key = shown
        return workspace

    @classmethod
    def throwaway(cls, profile: Profile, clock: Clock | None = None) -> Self:
        """A workspace whose key exists only in this process: for the demo and its tour."""
        workspace = cls(profile, bytearray(os.urandom(32)), clock)
        workspace._vault = _Memory(profile.vault)
        workspace.backups = None
        return workspace

    def pass_through(self, passing: Passing | None = None) -> "Workspace":
        """Open a session over this profile that leaves nothing, or return to it after a lock.

        Its accounts, their sign-ins and the preferences are this profile's, what it fetches is not. Closing
        it closes this, too; so does a failure.
        """
        try:
            return self._passed(passing or Passing.begin(self.profile))
        except BaseException:
            self.close()
            raise

    def _passed(self, passing: Passing) -> "Workspace":
        with self._key.bare() as plain:
            dek = passing.key(plain)
        profile = Profile.at(passing.folder)
        new = not profile.store.exists()
        if new:
            self.settings.save(profile.settings)
        session = Workspace(profile, dek, self.desk.clock)
        session.passing, session._home, session.backups = passing, self, None
        session.since = self.desk.clock.now() - PASSING_REACH
        lent = [one.vault_key for one in self.desk.ask(accounts.sign_ins)]
        session._vault = _Borrowed(passing, lent, self._secrets, self._keep)
        session._store.listen(session._tell_home)
        if new:
            session.desk.do(passings.borrow, self.desk.ask(passings.lend))
            session.desk.do(audit.write, "passing_begun")
        return session

    def _tell_home(self, tables: frozenset[str]) -> None:
        """Carry the record into the profile's at once: a crash must not cost who did what."""
        home, passing = self._home, self.passing
        if "audit" not in tables or home is None or passing is None:
            return
        with self._telling:
            lines = self.desk.ask(audit.after, passing.told)
            if not lines:
                return
            try:
                home.desk.do(audit.adopt, passing.name, lines)
            except ForTheModerator as error:
                _log.warning("the record waits for the next change", exc_info=error)
            else:
                passing.told = lines[-1].seq

    def at_stake(self) -> passings.Stake:
        """What only this session has, and nobody once it ends."""
        return self.desk.ask(passings.at_stake) if self.passing else passings.Stake()

    def keep_written(self) -> int:
        """Copy the conversations in which something was written into the profile; answers how many."""
        home = self._home
        return home.desk.do(passings.keep, self.desk.ask(passings.gather)) if home is not None else 0

    def _explained(self, error: Damaged) -> ForTheModerator:
        """SQLCipher answers a wrong key and a damaged file alike; the vault knows which it is."""
        if not self._vault.exists or self._vault.is_for(_salt(self.profile)):
            return error
        return ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "The key file and the messages file do not belong together."),
            QT_TRANSLATE_NOOP("Error", "Put back the pair from one copy; neither was changed."),
        )

    def connect(
        self,
        platform: str,
        values: Mapping[str, str],
        secrets: Mapping[str, str] | None = None,
        attempt: accounts.Attempt | None = None,
    ) -> int:
        """Sign in to a platform and remember the account; speaks to the network."""
        chosen = registry.connector(platform)
        account = accounts.connect(self.desk, chosen, values, secrets or {}, self._keep, attempt)
        self._syncs.pop(account, None)
        return account

    def _keep(self, vault_key: str, secrets: Mapping[str, str]) -> None:
        with self._key.bare() as dek:
            self._vault.keep_secrets(dek, vault_key, secrets)

    def keep_place(self, place: Mapping[str, str]) -> None:
        """Seal where the person was and what they had typed, to be there after a lock."""
        self._keep(_PLACE, place)

    def take_place(self) -> dict[str, str]:
        """What `keep_place` sealed, once; empty where nothing was."""
        if self.read_only:
            return {}
        with self._key.bare() as dek:
            place = self._vault.secrets_of(dek, _PLACE)
        if place:
            self._vault.forget_secrets(_PLACE)
        return place

    def disconnect(self, account_id: int) -> bool:
        """Stop reading an account and forget its secrets; its messages stay. Speaks to the network.

        False where the platform could not be told that the sign-in has ended.
        """
        told = all(
            self._signed_out(one) for one in self.desk.ask(accounts.sign_ins) if one.account_id == account_id
        )
        self._syncs.pop(account_id, None)
        self._vault.forget_secrets(self.desk.do(accounts.disconnect, account_id))
        return told

    def _signed_out(self, one: accounts.SignIn) -> bool:
        connector = self._connector(one)  # of its own: the account's may be in the middle of a trip
        try:
            connector.sign_out()
        except SignInAgain:  # it has ended already
            return True
        except ConnectorError:
            return False
        finally:
            connector.close()
        return True

    def syncs(self) -> dict[int, Sync]:
        """The round trip of every connected account, by its id."""
        for one in self.desk.ask(accounts.sign_ins):
            if one.account_id not in self._syncs:
                connector = self._connector(one)
                keep = functools.partial(self._keep, one.vault_key)
                self._syncs[one.account_id] = Sync(self.desk, one.account_id, connector, keep)
        return dict(self._syncs)

    def _connector(self, one: accounts.SignIn) -> Connector:
        return registry.connector(one.platform)(one.values, self._secrets(one.vault_key))

    def _secrets(self, vault_key: str) -> dict[str, str]:
        with self._key.bare() as dek:
            return self._vault.secrets_of(dek, vault_key)

    @property
    def has_passphrase(self) -> bool:
        """Whether a passphrase opens this workspace."""
        return "passphrase" in self._vault.ways()

    def change_passphrase(self, today: str, new: str) -> None:
        """Set the passphrase; where there is one, only who knows it may."""
        self._prove(today)
        with self._key.bare() as dek:
            self._vault.set_passphrase(dek, new)

    def new_recovery_key(self, today: str) -> str:
        """Make another recovery key; where there is a passphrase, only who knows it may."""
        self._prove(today)
        with self._key.bare() as dek:
            return self._vault.new_recovery_key(dek)

    def _prove(self, passphrase: str) -> None:
        if self.has_passphrase:
            Key(self._vault.unlock(passphrase)).wipe()

    def closed_backups(self) -> Backups:
        """The backups for work that needs the store closed, with a copy of the key."""
        return Backups(self.profile, Vault(self.profile.vault), self._key.copy())

    def verify(self) -> list[str]:
        """What is wrong with any page, table, index or line of the audit; empty when all is well."""
        wrong = self._store.integrity()
        line = self.desk.ask(audit.broken)
        return [*wrong, f"the audit does not hold from line {line} on"] if line is not None else wrong

    def stats(self) -> dict[str, Any]:
        """What the store holds: rows of each table, bytes, version of its shape, driver."""
        return self._store.stats()

    def close(self) -> None:
        """Let go of the store and wipe the keys."""
        self._tell_home(frozenset({"audit"}))
        self._store.close()
        self._key.wipe()
        if self._home is not None:
            self._home.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _salt(profile: Profile) -> bytes:
    with profile.store.open("rb") as file:
        return file.read(16)


def key_of(vault: Vault, passphrase: str | None = None, recovery: str | None = None) -> bytearray:
    """The file key, by the recovery key, the passphrase or the keyring; whoever gets it wipes it."""
    return vault.unlock(passphrase) if recovery is None else vault.unlock_with_recovery(recovery)


class _Memory(Vault):
    """Keeps secrets in memory only, for a workspace that leaves nothing behind."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._secrets: dict[str, dict[str, str]] = {}

    def keep_secrets(self, dek: bytearray, account: str, values: Mapping[str, str]) -> None:
        del dek
        self._secrets[account] = dict(values)

    def secrets_of(self, dek: bytearray, account: str) -> dict[str, str]:
        del dek
        return self._secrets.get(account, {})

    def forget_secrets(self, account: str) -> None:
        self._secrets.pop(account, None)


class _Borrowed(Vault):
    """The profile's sign-ins, lent to a session that leaves nothing: renewed ones go back, new ones end."""

    def __init__(
        self,
        passing: Passing,
        lent: Collection[str],
        read: Callable[[str], dict[str, str]],
        keep: Callable[[str, Mapping[str, str]], None],
    ) -> None:
        super().__init__(passing.folder / "vault.json")
        self._passing, self._lent, self._read_home, self._keep_home = passing, frozenset(lent), read, keep

    def keep_secrets(self, dek: bytearray, account: str, values: Mapping[str, str]) -> None:
        if account in self._lent:
            self._keep_home(account, values)
        else:
            plain = json.dumps(dict(values)).encode()
            self._passing.sealed[account] = seal(subkey(dek, "accounts"), plain, account=account)

    def secrets_of(self, dek: bytearray, account: str) -> dict[str, str]:
        if account in self._lent:
            return self._read_home(account)
        slot = self._passing.sealed.get(account)
        return dict(json.loads(unseal(subkey(dek, "accounts"), slot))) if slot else {}

    def forget_secrets(self, account: str) -> None:
        self._passing.sealed.pop(account, None)  # what was lent is the profile's to forget
