"""Look this machine and a workspace over, and say in plain words what to do."""

import shutil
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version

from moderator_app import vault
from moderator_app.desk import audit
from moderator_app.desk.desk import Desk
from moderator_app.errors import ForTheModerator
from moderator_app.models import cipher, reserve
from moderator_app.models.store import Store
from moderator_app.paths import Profile
from moderator_app.settings import Settings

_LEAST_SPACE = 200 * 1024 * 1024
_PRIVATE = 0o077
_OLD = timedelta(days=3)
_BORN = datetime(2026, 11, 1, tzinfo=UTC)  # no honest clock shows a day before this program was written


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: `said` is the state, or what to do where it is not well."""

    name: str
    ok: bool
    said: str


def examine(profile: Profile, passphrase: str | None) -> list[Finding]:
    """Every check, in the order in which a person should mend them."""
    return [
        _versions(),
        _driver(),
        _keyring(),
        _space(profile),
        _permissions(profile),
        _clock(),
        _settings(profile),
        _reserve(profile),
        _backups(profile),
        *_store(profile, passphrase),
    ]


def desktop(heard: Mapping[str, bool] | None) -> Finding:
    """What the desktop tells us, by name; nothing is wrong where it is silent, but a person should know."""
    if heard is None:
        return Finding("desktop", True, "Qt does not load here: commands work, no window opens")
    told = [name for name, there in heard.items() if there]
    silent = [name for name, there in heard.items() if not there]
    said = [f"it tells of {', '.join(told)}"] if told else []
    if silent:
        said.append(f"it does not tell of {', '.join(silent)}")
    if not (heard["suspend"] and heard["session lock"]):
        said.append("lock Hearthlight yourself before you go; else it waits for the minutes in the settings")
    return Finding("desktop", True, "; ".join(said))


def _versions() -> Finding:
    found = []
    for name in ("hearthlight", "PySide6", "SQLAlchemy", "sqlcipher3", "spacy", "keyring"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} from source")
    return Finding("versions", True, f"Python {sys.version.split()[0]}, {', '.join(found)}")


def _driver() -> Finding:
    try:
        said = cipher.driver()
    except ForTheModerator as error:
        return Finding("driver", False, str(error))
    return Finding("driver", True, said)


def _keyring() -> Finding:
    found = vault.trusted_keyring()
    if found is None:
        return Finding("keyring", True, "none that keeps secrets safe; a passphrase is used instead")
    return Finding("keyring", True, type(found).__module__)


def _space(profile: Profile) -> Finding:
    free = shutil.disk_usage(profile.folder).free
    enough = free >= _LEAST_SPACE
    advice = "" if enough else "; free at least 200 MB"
    return Finding("space", enough, f"{free // 2**20:,} MB free in {profile.folder}{advice}")


def _permissions(profile: Profile) -> Finding:
    open_to_others = [
        path.name
        for path in (profile.folder, *profile.folder.rglob("*"))
        if stat.S_IMODE(path.stat().st_mode) & _PRIVATE
    ]
    if open_to_others:
        names = ", ".join(open_to_others)
        return Finding("permissions", False, f"others can read {names}; run chmod -R go= {profile.folder}")
    return Finding("permissions", True, "only you can read the workspace")


def _clock() -> Finding:
    now = datetime.now(tz=UTC)
    if now < _BORN:
        return Finding("clock", False, f"the clock shows {now:%Y-%m-%d}; set it, or waiting times are wrong")
    return Finding("clock", True, f"{now:%Y-%m-%d %H:%M} UTC")


def _settings(profile: Profile) -> Finding:
    try:
        Settings.load(profile.settings)
    except ForTheModerator as error:
        return Finding("settings", False, str(error))
    return Finding("settings", True, "readable")


def _reserve(profile: Profile) -> Finding:
    if not profile.store.exists():
        return Finding("reserve", True, "no workspace here yet")
    if profile.ballast.exists() and profile.ballast.stat().st_size >= reserve.SIZE:
        return Finding("reserve", True, f"{reserve.SIZE // 2**20} MB are set aside for a full disk")
    spent = "the reserve for a full disk was used; free some space and open Hearthlight again"
    return Finding("reserve", not profile.ballast.exists(), spent if profile.ballast.exists() else "none yet")


def _backups(profile: Profile) -> Finding:
    if not profile.store.exists():
        return Finding("backups", True, "no workspace here yet")
    try:
        known = vault.Vault(profile.vault).backups()
    except (ForTheModerator, FileNotFoundError) as error:
        return Finding("backups", False, str(error))
    made = [datetime.fromisoformat(facts["made_at"]) for facts in known.values()]
    if not made:
        return Finding("backups", True, "there is none yet; run hearthlight store backup")
    age = datetime.now(tz=UTC) - max(made)
    said = f"{len(made)} backups, the newest of {max(made):%Y-%m-%d %H:%M} UTC"
    return Finding("backups", age < _OLD, said if age < _OLD else f"{said}: run hearthlight store backup")


def _store(profile: Profile, passphrase: str | None) -> list[Finding]:
    if not profile.store.exists():
        return [Finding("store", True, "no workspace here yet")]
    try:
        with Store.open(profile, vault.Vault(profile.vault).unlock(passphrase)) as opened:
            wrong = opened.integrity(thorough=False)
            desk = Desk(opened, "doctor")
            line, jumps = desk.ask(audit.broken), desk.ask(audit.clock_jumps)
    except ForTheModerator as error:
        return [Finding("store", False, str(error))]
    if wrong:
        advice = "run hearthlight store recover, or restore a backup"
        return [Finding("store", False, f"{len(wrong)} damaged places; {advice}")]
    return [Finding("store", True, "every page checks out"), _audit(line, jumps)]


def _audit(line: int | None, jumps: int) -> Finding:
    if line is not None:
        return Finding("audit", False, f"it does not hold from line {line} on: somebody changed it")
    turned = f"; the clock was set back {jumps} times, the order is not affected" if jumps else ""
    return Finding("audit", True, f"every line follows from the one above{turned}")
