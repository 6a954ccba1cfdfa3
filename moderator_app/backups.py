"""Backups: made while the work goes on, opened before they are trusted, restored whole, forgotten by key.

Every backup has a random key of its own, kept only in the vault. To destroy that key is to erase the backup,
wherever its file is. Restoring, recovering and changing the file key work on a profile that nothing has open;
the exchange itself is one step (moderator_app.models.swap).
"""

import contextlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from moderator_app import durable
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.keys import Key
from moderator_app.models import cipher, copies, salvage, swap
from moderator_app.models.cipher import said
from moderator_app.models.copies import Asked, Contents, Tell, never, quiet
from moderator_app.models.salvage import Salvaged
from moderator_app.models.store import Store, alone
from moderator_app.paths import Profile
from moderator_app.vault import Vault

KEEP: Final = 7
KEEP_ASIDE: Final = 2
EVERY: Final = timedelta(days=1)
_ROOM: Final = 1.2  # of the size of the store: a copy, and what the work writes meanwhile


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup. `own_key` is false for a store that was put aside: it has the key of the store itself."""

    name: str
    made_at: datetime
    bytes: int
    rows: dict[str, int]
    own_key: bool = True
    here: bool = True  # its file is in the backups folder


class Backups:
    """The backups of one profile. Every method may take minutes and belongs off the screen's thread."""

    def __init__(self, profile: Profile, vault: Vault, key: Key) -> None:
        self._profile, self._vault, self._key = profile, vault, key

    # ------------------------------------------------------------------ making and keeping

    def make(
        self,
        now: datetime | None = None,
        keep: int = KEEP,
        tell: Tell = quiet,
        cancelled: Asked = never,
    ) -> Backup:
        """Copy the store as it is now, open the copy and compare, then let the oldest beyond `keep` go."""
        at = now or datetime.now(tz=UTC)
        folder = self._profile.backups
        folder.mkdir(mode=0o700, exist_ok=True)
        self._room(folder)
        # To the microsecond: a backup must never take the place of one that was acknowledged.
        name = f"{at:%Y-%m-%dT%H%M%S.%fZ}.db"
        key, path = Key.fresh(), folder / name
        try:
            copied = copies.copy(self._profile.store, self._key, path, key, tell, cancelled)
            self._trust(copied, copies.check(path, key))
            facts = {"made_at": at.isoformat(), "bytes": copied.bytes, "rows": copied.rows}
            with self._key.bare() as dek:
                self._vault.keep_backup(dek, name, key, facts)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        finally:
            key.wipe()
        known = self.list()
        for old in (
            *[one for one in known if one.own_key][keep:],
            *[one for one in known if not one.own_key][KEEP_ASIDE:],
        ):
            self.forget(old.name)
        return Backup(name, at, copied.bytes, copied.rows)

    def _room(self, folder: Path) -> None:
        needed = int(self._profile.store.stat().st_size * _ROOM)
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise ForTheModerator(
                QT_TRANSLATE_NOOP("Error", "A backup needs {needed} MB; {free} MB are free."),
                QT_TRANSLATE_NOOP("Error", "Free some space. The backups that are there were left alone."),
                needed=needed // 2**20 + 1,
                free=free // 2**20,
            )

    @staticmethod
    def _trust(copied: Contents, found: Contents) -> None:
        if found.rows != copied.rows:
            raise ForTheModerator(
                QT_TRANSLATE_NOOP("Error", "The backup does not hold what the store holds; it was removed."),
                QT_TRANSLATE_NOOP("Error", "Try again. If it happens twice, run hearthlight store verify."),
            )

    def list(self) -> list[Backup]:
        """All backups, newest first; with them the stores that were put aside."""
        found = []
        for name, facts in self._vault.backups().items():
            path = self._profile.backups / name
            made = datetime.fromisoformat(facts["made_at"])
            found.append(Backup(name, made, facts["bytes"], facts["rows"], here=path.exists()))
        for path in self._profile.backups.glob("*.aside.db") if self._profile.backups.exists() else ():
            state = path.stat()
            at = datetime.fromtimestamp(state.st_mtime, tz=UTC)
            found.append(Backup(path.name, at, state.st_size, {}, own_key=False))
        return sorted(found, key=lambda one: one.made_at, reverse=True)

    def due(self, now: datetime, every: timedelta = EVERY) -> bool:
        """Whether the newest backup is old enough for another. A clock that was set back makes none due."""
        made = [one.made_at for one in self.list() if one.own_key and one.here]
        return not made or now - max(made) >= every

    def forget(self, name: str) -> None:
        """Destroy a backup: its key first, then its file."""
        self._vault.forget_backup(name)
        for part in ("", "-wal"):
            (self._profile.backups / f"{name}{part}").unlink(missing_ok=True)

    def verify(self, name: str) -> Contents:
        """Open a backup and look through every page, table and index of it."""
        with self._opened(name) as key:
            return copies.check(self._profile.backups / name, key, thorough=True)

    def take_along(self, name: str, folder: Path) -> Path:
        """Put a copy of a backup where the person wants it, with a vault that opens that one alone."""
        source, place = self._profile.backups / name, folder / f"hearthlight-{Path(name).stem}"
        try:
            place.mkdir(mode=0o700, parents=True)
            shutil.copyfile(source, place / name)
            (place / name).chmod(0o600)
            durable.sync(place / name)
            durable.write(place / "vault.json", self._vault.with_only(name))
        except OSError as error:
            raise ForTheModerator(
                QT_TRANSLATE_NOOP("Error", "The backup could not be copied to {folder}: {why}."),
                folder=folder,
                why=error.strerror or error,
            ) from error
        return place

    @staticmethod
    def bring(profile: Profile, folder: Path) -> str:
        """Take what `take_along` made into an empty profile; answers the name of the backup.

        Raises OSError where the folder holds no such pair.
        """
        names = [path for path in folder.iterdir() if path.suffix == ".db"]
        if len(names) != 1:
            raise FileNotFoundError(folder)
        profile.backups.mkdir(mode=0o700, exist_ok=True)
        shutil.copyfile(names[0], profile.backups / names[0].name)
        durable.write(profile.vault, (folder / "vault.json").read_bytes())
        return names[0].name

    @contextmanager
    def _opened(self, name: str) -> Iterator[Key]:
        if not (self._profile.backups / name).exists():
            raise ForTheModerator(
                QT_TRANSLATE_NOOP("Error", "The file of the backup {name} is not in {folder}."),
                QT_TRANSLATE_NOOP("Error", "Put it back there, or choose another backup."),
                name=name,
                folder=self._profile.backups,
            )
        if name in self._vault.backups():
            with self._key.bare() as dek:
                key = self._vault.backup_key(dek, name)
        else:
            key = self._key.copy()
        try:
            yield key
        finally:
            key.wipe()

    # ------------------------------------------------------------------ putting another store in place

    def restore(self, name: str, tell: Tell = quiet, cancelled: Asked = never) -> Contents:
        """Put a backup in the place of the store, which is put aside, not lost. Nothing may have it open.

        What was recorded since the backup is only in the store that was put aside.
        """
        with self._alone(), self._opened(name) as key:
            source = self._profile.backups / name
            copies.check(source, key, thorough=True)
            copied = copies.copy(source, key, self._new, self._key, tell, cancelled)
            self._came_back("restored", name)
            self._exchange({swap.STORE: self._profile.store.name})
        return copied

    def recover(self, tell: Tell = quiet, cancelled: Asked = never) -> Salvaged:
        """Save all that can be read of a damaged store into a new one. Nothing may have it open."""
        with self._alone():
            found = salvage.salvage(
                self._profile.store, self._key, self._new, self._make_empty, tell, cancelled
            )
            self._came_back("recovered", f"{sum(found.lost.values())} rows lost", read_again=bool(found.lost))
            self._exchange({swap.STORE: self._profile.store.name})
        return found

    def _came_back(self, how: str, what: str, *, read_again: bool = False) -> None:
        """Leave word in the new store for whoever opens it next; `read_again` asks every platform anew.

        What waited to be sent may have been sent since: it is looked for before it is sent again.
        """
        with said(self._new), contextlib.closing(cipher.connect(self._new, self._key)) as store:
            store.execute("BEGIN IMMEDIATE")
            store.execute("UPDATE action SET state = 'unknown' WHERE state IN ('held', 'sent')")
            store.execute("INSERT OR REPLACE INTO meta VALUES ('came_back', ?)", (f"{how}: {what}",))
            if read_again:
                store.execute("UPDATE cursor SET state = ''")
            store.execute("COMMIT")
            store.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def change_key(self, passphrase: str | None = None, tell: Tell = quiet, cancelled: Asked = never) -> str:
        """Put the store under a new file key and wrap that anew; answers the new recovery key.

        Nothing may have it open. Until the exchange both keys open what they opened; after it only the new.
        """
        with self._alone():
            with self._key.bare() as dek:
                content, fresh, recovery = self._vault.rotated(dek, passphrase)
            new = Key(fresh)
            copied = copies.copy(self._profile.store, self._key, self._new, new, tell, cancelled)
            self._trust(copied, copies.check(self._new, new))
            durable.write(self._profile.folder / swap.VAULT, content)
            for aside in [one for one in self.list() if not one.own_key]:
                self.forget(aside.name)  # it has the old key, which nobody will hold
            swap.order(
                self._profile,
                {swap.STORE: self._profile.store.name, swap.VAULT: self._profile.vault.name},
            )
            swap.finish(self._profile)
        self._key.wipe()
        self._vault.tidy()
        return recovery

    @property
    def _new(self) -> Path:
        return self._profile.folder / swap.STORE

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lock = alone(self._profile)
        try:
            swap.finish(self._profile)
            swap.clear(self._profile)
            yield
        except BaseException:
            swap.clear(self._profile)
            raise
        finally:
            lock.release()

    def _make_empty(self, path: Path) -> None:
        Store.make(path, self._key.copy())

    def _exchange(self, names: dict[str, str]) -> None:
        swap.put_aside(self._profile, "replaced")
        swap.order(self._profile, names)
        swap.finish(self._profile)
