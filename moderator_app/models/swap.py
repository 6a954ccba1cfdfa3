"""Put a whole new store (and vault) in the place of the old one, all of it or nothing.

What is new is written beside the old under other names; then one small file, the order, names what goes
where. From the moment it is on disk the exchange is done: whoever opens the profile next finishes it.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from moderator_app import durable
from moderator_app.paths import Profile

STORE, VAULT = "store.next", "vault.next"
_PARTS = ("-wal", "-shm")  # SQLite's files beside a store: those of the old one must never meet the new one


def clear(profile: Profile) -> None:
    """Remove what an attempt left that never came to its order."""
    if not profile.order.exists():
        for name in (STORE, VAULT):
            for part in ("", *_PARTS, "-journal"):
                (profile.folder / f"{name}{part}").unlink(missing_ok=True)


def order(profile: Profile, names: Mapping[str, str]) -> None:
    """Decide that each new file (key) takes the place of an old one (value); nothing has it open."""
    for name in names:
        durable.sync(profile.folder / name)
    durable.write(profile.order, json.dumps(dict(names)).encode())


def finish(profile: Profile) -> bool:
    """Carry out an order, if there is one; the caller holds the profile alone."""
    try:
        names: dict[str, str] = json.loads(profile.order.read_bytes())
    except FileNotFoundError:
        return False
    for name, place in names.items():
        new, old = profile.folder / name, profile.folder / place
        if not new.exists():
            continue  # it was moved before the power went
        for part in _PARTS:
            old.with_name(old.name + part).unlink(missing_ok=True)
        durable.move(new, old)
    profile.vault_copy.unlink(missing_ok=True)  # it may hold the old keys; the vault writes it anew
    profile.order.unlink()
    durable.sync_folder(profile.folder)
    return True


def put_aside(profile: Profile, why: str, *, link: bool = True) -> Path:
    """Keep the store as it is, under the same key, before something else takes its place.

    `link` gives the same file a second name, which is enough where another file will take the first one;
    a store that is changed in place needs a copy.
    """
    profile.backups.mkdir(mode=0o700, exist_ok=True)
    place = profile.backups / f"{why}-{datetime.now(tz=UTC):%Y-%m-%dT%H%M%S%f}.aside.db"
    for part in ("-wal", ""):
        source = profile.store.with_name(profile.store.name + part)
        if source.exists():
            _double(source, place.with_name(place.name + part), link=link)
    durable.sync_folder(profile.backups)
    return place


def _double(source: Path, target: Path, *, link: bool) -> None:
    if link:
        with contextlib.suppress(OSError):  # not every file system can
            os.link(source, target)
            return
    shutil.copyfile(source, target)
    target.chmod(0o600)
    durable.sync(target)
