"""A session that leaves nothing behind: where its store lies, and the half of its key that no disk sees."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Self

import filelock
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from moderator_app.keys import SIZE
from moderator_app.paths import Profile

_PREFIX: Final = "hearthlight-passing-"
_IN_MEMORY: Final = frozenset({"tmpfs", "ramfs"})
_ALIVE: Final = "alive.lock"  # held as long as the process lives, over every lock of the screen


class Passing:
    """One session of one process. Its store's key is made of the profile's key and of a salt kept here only.

    So the passphrase opens it again after a lock, and nobody can open it once this process is gone. What
    is kept for it meanwhile (`sealed`) is sealed with that key. `told` is the last line of its record that
    the profile's record has.
    """

    def __init__(self, folder: Path, alive: filelock.BaseFileLock) -> None:
        self.folder = folder
        self.sealed: dict[str, dict[str, Any]] = {}
        self.told = 0
        self.at_stake = False  # what somebody wrote would be lost; known while the screen is locked, too
        self._salt = os.urandom(SIZE)
        self._alive = alive

    @classmethod
    def begin(cls, profile: Profile) -> Self:
        """A folder in memory where this system has such a place for the person, else in the profile."""
        clear(profile)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_runtime() or profile.folder))
        return cls(folder, _hold(folder))

    @property
    def name(self) -> str:
        """What the profile's record calls this session."""
        return self.folder.name.removeprefix(_PREFIX)

    def key(self, dek: bytearray) -> bytearray:
        """The key of the session's store, from the profile's."""
        made = bytearray(SIZE)
        HKDF(SHA256(), SIZE, salt=self._salt, info=b"hearthlight passing").derive_into(dek, made)
        return made

    def end(self) -> None:
        """Take everything away."""
        self._salt = os.urandom(SIZE)
        self.sealed.clear()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._alive.release()


def clear(profile: Profile) -> int:
    """Remove what sessions left that could not end; answers how many. Nobody could have read them."""
    removed = 0
    for folder in _folders(profile):
        try:
            alive = _hold(folder)
        except (filelock.Timeout, OSError):
            continue  # it is at work in another process
        shutil.rmtree(folder, ignore_errors=True)
        alive.release()
        removed += 1
    return removed


def _hold(folder: Path) -> filelock.BaseFileLock:
    lock = filelock.FileLock(folder / _ALIVE, mode=0o600, thread_local=False)
    lock.acquire(timeout=0)
    return lock


def _folders(profile: Profile) -> Iterator[Path]:
    for parent in (_runtime(), profile.folder):
        if parent is not None:
            with contextlib.suppress(OSError):
                yield from [path for path in parent.glob(f"{_PREFIX}*") if path.is_dir()]


def _runtime() -> Path | None:
    """The person's folder that the system keeps in memory; None where there is none that surely is."""
    named = os.environ.get("XDG_RUNTIME_DIR", "")
    try:
        folder = Path(named).resolve(strict=True) if named else None
        mounts = Path("/proc/self/mountinfo").read_text("utf-8").splitlines() if folder else []
    except OSError:
        return None
    found = ("", "")
    for line in mounts:
        where, _, kind = line.partition(" - ")
        point = where.split()[4].replace("\\040", " ")
        if folder is not None and folder.is_relative_to(point) and len(point) >= len(found[0]):
            found = (point, kind.split()[0])
    usable = found[1] in _IN_MEMORY and folder is not None and os.access(folder, os.W_OK)
    return folder if usable else None
