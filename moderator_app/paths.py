"""Where data and resources live: from source, installed, or frozen."""

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import platformdirs


def resources() -> Path:
    """The folder of icons, fonts, templates and cue lists that ships with the program."""
    frozen = getattr(sys, "_MEIPASS", None)
    if frozen is not None:
        return Path(frozen) / "resources"
    here = Path(__file__).resolve().parent
    installed = here / "_resources"
    return installed if installed.is_dir() else here.parent / "resources"


def resource(name: str) -> Path:
    """One file of the resources folder, by its path inside it."""
    return resources() / name


@dataclass(frozen=True, slots=True)
class Profile:
    """One workspace on this machine: a folder that only its owner can read."""

    folder: Path

    @classmethod
    def at(cls, folder: Path | None) -> "Profile":
        """The named folder, or the person's own; made with mode 0700 where it is new."""
        chosen = folder or platformdirs.user_data_path("hearthlight", appauthor=False) / "default"
        chosen.mkdir(parents=True, exist_ok=True)
        if os.name == "posix":
            with contextlib.suppress(PermissionError):  # a folder that can only be read, to be looked at
                chosen.chmod(0o700)
        return cls(chosen.resolve())

    @property
    def store(self) -> Path:
        return self.folder / "store.db"

    @property
    def vault(self) -> Path:
        return self.folder / "vault.json"

    @property
    def vault_copy(self) -> Path:
        return self.folder / "vault.copy.json"

    @property
    def order(self) -> Path:
        return self.folder / "exchange.json"

    @property
    def lock(self) -> Path:
        return self.folder / "hearthlight.lock"

    @property
    def ballast(self) -> Path:
        return self.folder / "reserve.bin"

    @property
    def settings(self) -> Path:
        return self.folder / "settings.toml"

    @property
    def log(self) -> Path:
        return self.folder / "hearthlight.log"

    @property
    def backups(self) -> Path:
        return self.folder / "backups"
