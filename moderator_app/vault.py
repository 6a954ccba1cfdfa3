"""The keys: one random file key, wrapped for the OS keyring, a passphrase and a recovery key.

`vault.json` holds the 256-bit file key (DEK) only in wrapped form, in slots sealed with AES-256-GCM whose
whole header is authenticated. It also holds the accounts' sign-in secrets, sealed with a key derived from
the DEK. There is no plaintext mode: without a real keyring a passphrase is mandatory. This is the only
module that imports keyring. Scheme and refusals: docs/decisions/003-keys.md.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import logging
import os
import secrets
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Protocol, cast

from cryptography.exceptions import InvalidTag

from moderator_app import durable
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.keys import Key
from moderator_app.sealing import (
    ARGON,
    RECOVERY_BYTES,
    Locked,
    WrongKey,
    b64,
    damaged,
    recovery_bytes,
    recovery_text,
    seal,
    stretch,
    subkey,
    unseal,
)

__all__ = ["FORMAT", "MIN_PASSPHRASE", "Locked", "Vault", "WrongKey", "trusted_keyring"]

_log = logging.getLogger(__name__)

FORMAT: Final = 1
MIN_PASSPHRASE: Final = 8

# Only backends that keep secrets in a real, locked keyring; `null`, `fail` and plain files are refused.
_TRUSTED: Final = frozenset(
    {
        "keyring.backends.SecretService",
        "keyring.backends.libsecret",
        "keyring.backends.kwallet",
        "keyring.backends.macOS",
        "keyring.backends.Windows",
    }
)
_CHANGING: Final = threading.RLock()


class _Keyring(Protocol):
    def get_password(self, service: str, username: str) -> str | None: ...
    def set_password(self, service: str, username: str, password: str) -> None: ...
    def delete_password(self, service: str, username: str) -> None: ...


def trusted_keyring() -> _Keyring | None:
    """The OS keyring, if there is a real one; None where only an insecure stand-in answers."""
    import keyring  # noqa: PLC0415 - 100 ms that the first picture should not wait for
    from keyring.backends import chainer  # noqa: PLC0415

    found = keyring.get_keyring()
    candidates = found.backends if isinstance(found, chainer.ChainerBackend) else [found]
    for backend in candidates:
        if type(backend).__module__ in _TRUSTED:
            return cast("_Keyring", backend)
    return None


def _ask(backend: _Keyring, service: str, account: str) -> str | None:
    from keyring.errors import KeyringError  # noqa: PLC0415

    try:
        return backend.get_password(service, account)
    except KeyringError as error:
        raise Locked(
            QT_TRANSLATE_NOOP("Error", "The system's keyring is locked or does not answer."),
            QT_TRANSLATE_NOOP("Error", "Unlock it and try again, or use the recovery key."),
        ) from error


def _forget(backend: _Keyring, slot: Mapping[str, Any]) -> None:
    from keyring.errors import KeyringError  # noqa: PLC0415

    with contextlib.suppress(KeyringError):
        backend.delete_password(slot["service"], slot["account"])


class Vault:
    """The wrapped keys of one profile.

    Rules: a keyring without our entry means "locked", never "make a new key"; changing the passphrase
    rewraps the DEK and touches nothing else; every write is whole or not at all.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._copy = path.with_name("vault.copy.json")

    @property
    def exists(self) -> bool:
        return self._path.exists() or self._copy.exists()

    def ways(self) -> tuple[str, ...]:
        """How this vault can be opened: keyring, passphrase, recovery."""
        return tuple(slot["type"] for slot in self._read()["slots"])

    def create(self, passphrase: str | None) -> tuple[bytearray, str]:
        """Make a new file key; return it with the recovery key, which is shown once and kept nowhere."""
        if self.exists:
            raise FileExistsError(self._path)
        backend = trusted_keyring()
        if backend is None and not passphrase:
            raise Locked(
                QT_TRANSLATE_NOOP("Error", "This machine has no keyring that keeps secrets safe."),
                QT_TRANSLATE_NOOP("Error", "Choose a passphrase (or give one with --passphrase-file)."),
            )
        with Key.fresh().bare() as fresh:
            dek = bytearray(fresh)
        recovery = os.urandom(RECOVERY_BYTES)
        vault: dict[str, Any] = {
            "format": FORMAT,
            "profile": secrets.token_hex(8),
            "check": self._check(dek),
            "slots": [],
            "accounts": {},
        }
        profile = vault["profile"]
        vault["slots"].append(seal(recovery, dek, type="recovery", profile=profile))
        if passphrase:
            vault["slots"].append(self._passphrase_slot(profile, dek, passphrase))
        if backend is not None:
            try:
                vault["slots"].append(self._keyring_slot(profile, dek, backend))
            except Locked:
                if not passphrase:
                    raise
                _log.warning("the keyring is locked; the passphrase alone opens this profile")
        self._write(vault)
        return dek, recovery_text(recovery)

    def unlock(self, passphrase: str | None = None) -> bytearray:
        """Open by the passphrase if one is given, else by the keyring."""
        if passphrase is not None:
            return self._by_passphrase(passphrase)
        slot = self._slot("keyring")
        backend = trusted_keyring()
        if slot is None or backend is None or type(backend).__module__ != slot["backend"]:
            raise Locked(
                QT_TRANSLATE_NOOP("Error", "The keyring that holds this profile's key is not here."),
                QT_TRANSLATE_NOOP("Error", "Open it with its passphrase or its recovery key."),
            )
        kept = _ask(backend, slot["service"], slot["account"])
        if kept is None:
            raise Locked(
                QT_TRANSLATE_NOOP("Error", "The keyring no longer has this profile's key."),
                QT_TRANSLATE_NOOP("Error", "Open it with its passphrase or its recovery key."),
            )
        return self._unwrap(base64.b64decode(kept), slot)

    def unlock_with_recovery(self, text: str) -> bytearray:
        """Open by the recovery key as it was shown."""
        slot = self._slot("recovery")
        if slot is None:
            raise damaged()
        return self._unwrap(recovery_bytes(text), slot)

    def set_passphrase(self, dek: bytearray, passphrase: str) -> None:
        """Wrap the same file key under a new passphrase; the store is not touched."""
        with self._changing() as vault:
            slot = self._passphrase_slot(vault["profile"], dek, passphrase)
            vault["slots"] = [s for s in vault["slots"] if s["type"] != "passphrase"] + [slot]

    def new_recovery_key(self, dek: bytearray) -> str:
        """Make a recovery key that takes the place of the old one; it is shown once and kept nowhere."""
        recovery = os.urandom(RECOVERY_BYTES)
        with self._changing() as vault:
            slot = seal(recovery, dek, type="recovery", profile=vault["profile"])
            vault["slots"] = [s for s in vault["slots"] if s["type"] != "recovery"] + [slot]
        return recovery_text(recovery)

    def enrol_keyring(self, dek: bytearray) -> bool:
        """Wrap the file key under a new key in today's keyring; False where there is no real one."""
        backend = trusted_keyring()
        if backend is None:
            return False
        with self._changing() as vault:
            old = next((s for s in vault["slots"] if s["type"] == "keyring"), None)
            slot = self._keyring_slot(vault["profile"], dek, backend)
            vault["slots"] = [s for s in vault["slots"] if s["type"] != "keyring"] + [slot]
        if old is not None:
            # Only after the new slot is on disk, so that no moment is without a way in.
            _forget(backend, old)
        return True

    def fits(self, dek: bytearray) -> bool:
        """Whether this is the vault's file key: tells a wrong key from a damaged store."""
        return hmac.compare_digest(self._read()["check"], self._check(dek))

    def note_store(self, salt: bytes) -> None:
        """Remember which file the key is for: its salt, the 16 bytes at its beginning that are no secret."""
        if self._read().get("store") != salt.hex():
            with self._changing() as vault:
                vault["store"] = salt.hex()

    def is_for(self, salt: bytes) -> bool:
        """Whether a file is the one that was opened last with this vault's key."""
        return bool(self._read().get("store", salt.hex()) == salt.hex())

    def keep_secrets(self, dek: bytearray, account: str, values: Mapping[str, str]) -> None:
        """Seal one account's sign-in secrets; on disk when this returns."""
        plain = json.dumps(dict(values)).encode()
        with self._changing() as vault:
            vault["accounts"][account] = seal(subkey(dek, "accounts"), plain, account=account)

    def secrets_of(self, dek: bytearray, account: str) -> dict[str, str]:
        """One account's sign-in secrets; empty where none are kept."""
        slot = self._read()["accounts"].get(account)
        if slot is None:
            return {}
        try:
            plain = unseal(subkey(dek, "accounts"), slot)
        except InvalidTag:
            raise damaged() from None
        return cast("dict[str, str]", json.loads(plain))

    def forget_secrets(self, account: str) -> None:
        """Drop one account's sign-in secrets."""
        with self._changing() as vault:
            vault["accounts"].pop(account, None)

    # ------------------------------------------------------------------ keys of backups

    def keep_backup(self, dek: bytearray, name: str, key: Key, facts: Mapping[str, Any]) -> None:
        """Remember the key of a backup, sealed together with what is known of it."""
        with self._changing() as vault, key.bare() as plain:
            sealed = seal(subkey(dek, "backups"), plain, name=name, **facts)
            vault.setdefault("backups", {})[name] = sealed

    def backups(self) -> dict[str, dict[str, Any]]:
        """What is known of each backup, by its name."""
        return {
            name: {key: value for key, value in slot.items() if key not in ("name", "nonce", "sealed")}
            for name, slot in self._read().get("backups", {}).items()
        }

    def backup_key(self, dek: bytearray, name: str) -> Key:
        """The key of one backup."""
        slot = self._read().get("backups", {}).get(name)
        if slot is None:
            raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "There is no backup {name}."), name=name)
        try:
            return Key(unseal(subkey(dek, "backups"), slot))
        except InvalidTag:
            raise damaged() from None

    def forget_backup(self, name: str) -> None:
        """Destroy the key of a backup: what was in it can be read by nobody from now on."""
        with self._changing() as vault:
            vault.get("backups", {}).pop(name, None)

    def with_only(self, name: str) -> bytes:
        """A vault for a copy that is taken elsewhere: the ways in, and the key of that one backup."""
        vault = self._read()
        vault["accounts"], vault["backups"] = {}, {name: vault.get("backups", {})[name]}
        vault["slots"] = [slot for slot in vault["slots"] if slot["type"] != "keyring"]
        vault["digest"] = _digest(vault)
        return json.dumps(vault, indent=1).encode()

    def rotated(self, dek: bytearray, passphrase: str | None) -> tuple[bytes, bytearray, str]:
        """A whole new vault around a new file key: its content, the key, and the new recovery key.

        Nothing on disk is changed: the caller puts the vault in place together with the store under the
        new key. Where there is a passphrase it is asked for, because only it can wrap the new key.
        """
        vault = self._read()
        kinds = {slot["type"]: slot for slot in vault["slots"]}
        backend = trusted_keyring() if "keyring" in kinds else None
        if "passphrase" in kinds:
            self._by_passphrase(passphrase or "")
        with Key.fresh().bare() as fresh:
            new = bytearray(fresh)
        profile, recovery = vault["profile"], os.urandom(RECOVERY_BYTES)
        slots = [seal(recovery, new, type="recovery", profile=profile)]
        if "passphrase" in kinds:
            slots.append(self._passphrase_slot(profile, new, passphrase or ""))
        if backend is not None:
            slots.append(self._keyring_slot(profile, new, backend))
        elif "passphrase" not in kinds:
            raise Locked(
                QT_TRANSLATE_NOOP("Error", "The keyring that holds this profile's key is not here."),
                QT_TRANSLATE_NOOP("Error", "Set a passphrase first; then the key can be changed."),
            )
        for section in ("accounts", "backups"):
            old_key, new_key = subkey(dek, section), subkey(new, section)
            for name, slot in vault.get(section, {}).items():
                header = {key: value for key, value in slot.items() if key not in ("nonce", "sealed")}
                vault[section][name] = seal(new_key, unseal(old_key, slot), **header)
        vault["slots"], vault["check"] = slots, self._check(new)
        vault.pop("store", None)  # the store under the new key is another file
        if backend is not None:
            vault["stale"] = [*vault.get("stale", []), kinds["keyring"]["account"]]
        vault["digest"] = _digest(vault)
        return json.dumps(vault, indent=1).encode(), new, recovery_text(recovery)

    def tidy(self) -> None:
        """Take out of the keyring what a changed key left there."""
        slot, backend = self._slot("keyring"), trusted_keyring()
        if slot is None or backend is None:
            return
        for account in self._read().get("stale", []):
            _forget(backend, {"service": slot["service"], "account": account})
        with self._changing() as vault:
            vault.pop("stale", None)

    @staticmethod
    def _check(dek: bytearray) -> str:
        return hmac.new(dek, b"hearthlight key check", hashlib.sha256).hexdigest()

    @staticmethod
    def _passphrase_slot(profile: str, dek: bytearray, passphrase: str) -> dict[str, Any]:
        if len(passphrase) < MIN_PASSPHRASE:
            raise ForTheModerator(
                QT_TRANSLATE_NOOP("Error", "The passphrase is too short."),
                QT_TRANSLATE_NOOP("Error", "Use at least {least} characters; four words are good."),
                least=MIN_PASSPHRASE,
            )
        kdf = {"name": "argon2id", **ARGON, "salt": b64(os.urandom(16))}
        key = stretch(passphrase, kdf)
        return seal(key, dek, type="passphrase", profile=profile, kdf=kdf)

    @staticmethod
    def _keyring_slot(profile: str, dek: bytearray, backend: _Keyring) -> dict[str, Any]:
        key, account = os.urandom(32), f"kek:{secrets.token_hex(4)}"
        service = f"Hearthlight/{profile}"
        from keyring.errors import KeyringError  # noqa: PLC0415

        try:
            backend.set_password(service, account, b64(key))
        except KeyringError as error:
            raise Locked(
                QT_TRANSLATE_NOOP("Error", "The system's keyring is locked or does not answer."),
                QT_TRANSLATE_NOOP("Error", "Unlock it and try again, or choose a passphrase."),
            ) from error
        # Read back before trusting it: some backends accept and forget.
        if _ask(backend, service, account) != b64(key):
            raise Locked(
                QT_TRANSLATE_NOOP("Error", "The system's keyring did not keep what it was given."),
                QT_TRANSLATE_NOOP("Error", "Choose a passphrase instead."),
            )
        return seal(
            key,
            bytes(dek),
            type="keyring",
            profile=profile,
            service=service,
            account=account,
            backend=type(backend).__module__,
        )

    def _by_passphrase(self, passphrase: str) -> bytearray:
        slot = self._slot("passphrase")
        if slot is None:
            raise Locked(
                QT_TRANSLATE_NOOP("Error", "This profile has no passphrase."),
                QT_TRANSLATE_NOOP("Error", "Open it with the keyring or the recovery key."),
            )
        return self._unwrap(stretch(passphrase, slot["kdf"]), slot)

    def _unwrap(self, key: bytes, slot: Mapping[str, Any]) -> bytearray:
        try:
            dek = unseal(key, slot)
        except InvalidTag:
            raise WrongKey(
                QT_TRANSLATE_NOOP("Error", "That key does not open this profile."),
                QT_TRANSLATE_NOOP("Error", "Try again; nothing was changed."),
            ) from None
        if not self.fits(dek):
            raise damaged()
        return dek

    def _slot(self, kind: str) -> dict[str, Any] | None:
        return next((s for s in self._read()["slots"] if s["type"] == kind), None)

    def _read(self) -> dict[str, Any]:
        """The file, or its copy where the file is damaged or gone."""
        try:
            vault = self._parsed(self._path)
        except (_Unreadable, FileNotFoundError):
            copy = self._from_copy()
            if copy is None:
                raise damaged() from None
            return copy
        if vault.get("digest") not in (None, _digest(vault)):
            return self._from_copy() or vault  # each slot is authenticated by itself, too
        return vault

    def _from_copy(self) -> dict[str, Any] | None:
        """The copy, put in the place of the file; None where it is no better."""
        try:
            vault = self._parsed(self._copy)
        except (_Unreadable, FileNotFoundError):
            return None
        if vault.get("digest") != _digest(vault):
            return None
        _log.warning("vault.json was damaged; its copy took its place")
        durable.write(self._path, json.dumps(vault, indent=1).encode())
        return vault

    @staticmethod
    def _parsed(path: Path) -> dict[str, Any]:
        try:
            vault = json.loads(path.read_bytes())
            newer = vault["format"] > FORMAT
            whole = isinstance(vault["slots"], list) and isinstance(vault["accounts"], dict)
        except (ValueError, KeyError, TypeError) as error:
            raise _Unreadable from error
        if newer:
            raise ForTheModerator(
                QT_TRANSLATE_NOOP("Error", "This profile was made by a newer Hearthlight."),
                QT_TRANSLATE_NOOP("Error", "Update Hearthlight; nothing was changed."),
            )
        if not whole:
            raise _Unreadable
        return cast("dict[str, Any]", vault)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        """The vault, to be changed; on disk when the block ends well. Lanes of several accounts share it."""
        with _CHANGING:
            vault = self._read()
            yield vault
            self._write(vault)

    def _write(self, vault: dict[str, Any]) -> None:
        vault["digest"] = _digest(vault)
        content = json.dumps(vault, indent=1).encode()
        durable.write(self._path, content)
        durable.write(self._copy, content)  # one bad sector must not cost every message


def _digest(vault: Mapping[str, Any]) -> str:
    """Tells rot from tampering: whoever changes a slot on purpose meets its own seal."""
    rest = {name: value for name, value in vault.items() if name != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


class _Unreadable(Exception):
    """The file is no vault."""
