"""The keys: one random file key, wrapped for the OS keyring, a passphrase and a recovery key.

`vault.json` holds the 256-bit file key (DEK) only in wrapped form, in slots sealed with AES-256-GCM whose
whole header is authenticated. It also holds the accounts' sign-in secrets, sealed with a key derived from
the DEK. There is no plaintext mode: without a real keyring a passphrase is mandatory. This is the only
module that imports keyring. Scheme and refusals: docs/decisions/003-keys.md.
"""

import base64
import binascii
import contextlib
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.keys import Key

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
# Argon2id at 64 MiB takes 0.4 s of one core: slow to guess, quick enough to unlock.
_ARGON: Final = {"t": 3, "p": 4, "m": 65536}
_ARGON_BOUNDS: Final = {"t": range(1, 17), "p": range(1, 17), "m": range(8192, 1 << 20)}
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RECOVERY_BYTES: Final = 32
_TAG: Final = 16  # bytes that AES-GCM adds


class _Keyring(Protocol):
    def get_password(self, service: str, username: str) -> str | None: ...
    def set_password(self, service: str, username: str, password: str) -> None: ...
    def delete_password(self, service: str, username: str) -> None: ...


class Locked(ForTheModerator):
    """The key is not to be had this way; another way may work. Never a reason to make a new key."""


class WrongKey(Locked):
    """The passphrase or recovery key given does not open this vault."""


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _header(slot: Mapping[str, Any]) -> bytes:
    return json.dumps({k: v for k, v in slot.items() if k != "sealed"}, sort_keys=True).encode()


def _seal(key: bytes, plain: bytes | bytearray, **header: Any) -> dict[str, Any]:
    slot = {**header, "nonce": _b64(os.urandom(12))}
    sealed = AESGCM(key).encrypt(base64.b64decode(slot["nonce"]), plain, _header(slot))
    return {**slot, "sealed": _b64(sealed)}


def _open(key: bytes, slot: Mapping[str, Any]) -> bytearray:
    nonce, sealed = base64.b64decode(slot["nonce"]), base64.b64decode(slot["sealed"])
    plain = bytearray(len(sealed) - _TAG)  # memory that can be wiped
    AESGCM(key).decrypt_into(nonce, sealed, _header(slot), plain)
    return plain


def _stretch(passphrase: str, kdf: Mapping[str, Any]) -> bytes:
    # The bounds keep an edited file from asking for all memory; a lowered cost fails authentication.
    if not all(kdf[name] in bounds for name, bounds in _ARGON_BOUNDS.items()):
        raise _damaged()
    return Argon2id(
        salt=base64.b64decode(kdf["salt"]),
        length=32,
        iterations=kdf["t"],
        lanes=kdf["p"],
        memory_cost=kdf["m"],
    ).derive(passphrase.encode())


def _subkey(dek: bytearray, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=f"hearthlight {purpose}".encode()).derive(dek)


def _recovery_text(raw: bytes) -> str:
    """256 bits and a checksum byte as 53 Crockford characters in groups of four."""
    value = int.from_bytes(raw + hashlib.sha256(raw).digest()[:1], "big")
    digits = "".join(_CROCKFORD[value >> (5 * i) & 31] for i in reversed(range(53)))
    return "-".join(digits[i : i + 4] for i in range(0, 53, 4))


def _recovery_bytes(text: str) -> bytes:
    plain = text.upper().translate(str.maketrans("OIL", "011", " -\t\n"))
    wrong = WrongKey(
        QT_TRANSLATE_NOOP("Error", "This is not the recovery key as it was shown."),
        QT_TRANSLATE_NOOP("Error", "Check it for a mistyped or missing character."),
    )
    if len(plain) != 53 or any(c not in _CROCKFORD for c in plain):  # noqa: PLR2004 - see above
        raise wrong
    value = 0
    for char in plain:
        value = value << 5 | _CROCKFORD.index(char)
    try:
        whole = value.to_bytes(_RECOVERY_BYTES + 1, "big")
    except OverflowError:
        raise wrong from None
    raw, check = whole[:-1], whole[-1:]
    if hashlib.sha256(raw).digest()[:1] != check:
        raise wrong
    return raw


def _damaged() -> ForTheModerator:
    return ForTheModerator(
        QT_TRANSLATE_NOOP("Error", "The key file vault.json is damaged."),
        QT_TRANSLATE_NOOP("Error", "Put back its newest copy; the messages file is not touched."),
    )


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


class Vault:
    """The wrapped keys of one profile.

    Rules: a keyring without our entry means "locked", never "make a new key"; changing the passphrase
    rewraps the DEK and touches nothing else; every write is whole or not at all.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def exists(self) -> bool:
        return self._path.exists()

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
        recovery = os.urandom(_RECOVERY_BYTES)
        vault: dict[str, Any] = {
            "format": FORMAT,
            "profile": secrets.token_hex(8),
            "check": self._check(dek),
            "slots": [],
            "accounts": {},
        }
        profile = vault["profile"]
        vault["slots"].append(_seal(recovery, dek, type="recovery", profile=profile))
        if passphrase:
            vault["slots"].append(self._passphrase_slot(profile, dek, passphrase))
        if backend is not None:
            vault["slots"].append(self._keyring_slot(profile, dek, backend))
        self._write(vault)
        return dek, _recovery_text(recovery)

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
            raise _damaged()
        return self._unwrap(_recovery_bytes(text), slot)

    def set_passphrase(self, dek: bytearray, passphrase: str) -> None:
        """Wrap the same file key under a new passphrase; the store is not touched."""
        vault = self._read()
        slot = self._passphrase_slot(vault["profile"], dek, passphrase)
        vault["slots"] = [s for s in vault["slots"] if s["type"] != "passphrase"] + [slot]
        self._write(vault)

    def enrol_keyring(self, dek: bytearray) -> bool:
        """Wrap the file key under a new key in today's keyring; False where there is no real one."""
        backend = trusted_keyring()
        if backend is None:
            return False
        vault = self._read()
        old = next((s for s in vault["slots"] if s["type"] == "keyring"), None)
        slot = self._keyring_slot(vault["profile"], dek, backend)
        vault["slots"] = [s for s in vault["slots"] if s["type"] != "keyring"] + [slot]
        self._write(vault)
        if old is not None:
            # Only after the new slot is on disk, so that no moment is without a way in.
            from keyring.errors import KeyringError  # noqa: PLC0415

            with contextlib.suppress(KeyringError):
                backend.delete_password(old["service"], old["account"])
        return True

    def fits(self, dek: bytearray) -> bool:
        """Whether this is the vault's file key: tells a wrong key from a damaged store."""
        return hmac.compare_digest(self._read()["check"], self._check(dek))

    def keep_secrets(self, dek: bytearray, account: str, values: Mapping[str, str]) -> None:
        """Seal one account's sign-in secrets; on disk when this returns."""
        vault = self._read()
        plain = json.dumps(dict(values)).encode()
        vault["accounts"][account] = _seal(_subkey(dek, "accounts"), plain, account=account)
        self._write(vault)

    def secrets_of(self, dek: bytearray, account: str) -> dict[str, str]:
        """One account's sign-in secrets; empty where none are kept."""
        slot = self._read()["accounts"].get(account)
        if slot is None:
            return {}
        try:
            plain = _open(_subkey(dek, "accounts"), slot)
        except InvalidTag:
            raise _damaged() from None
        return cast("dict[str, str]", json.loads(plain))

    def forget_secrets(self, account: str) -> None:
        """Drop one account's sign-in secrets."""
        vault = self._read()
        vault["accounts"].pop(account, None)
        self._write(vault)

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
        kdf = {"name": "argon2id", **_ARGON, "salt": _b64(os.urandom(16))}
        key = _stretch(passphrase, kdf)
        return _seal(key, dek, type="passphrase", profile=profile, kdf=kdf)

    @staticmethod
    def _keyring_slot(profile: str, dek: bytearray, backend: _Keyring) -> dict[str, Any]:
        key, account = os.urandom(32), f"kek:{secrets.token_hex(4)}"
        service = f"Hearthlight/{profile}"
        backend.set_password(service, account, _b64(key))
        # Read back before trusting it: some backends accept and forget.
        if _ask(backend, service, account) != _b64(key):
            raise Locked(
                QT_TRANSLATE_NOOP("Error", "The system's keyring did not keep what it was given."),
                QT_TRANSLATE_NOOP("Error", "Choose a passphrase instead."),
            )
        return _seal(
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
        return self._unwrap(_stretch(passphrase, slot["kdf"]), slot)

    def _unwrap(self, key: bytes, slot: Mapping[str, Any]) -> bytearray:
        try:
            dek = _open(key, slot)
        except InvalidTag:
            raise WrongKey(
                QT_TRANSLATE_NOOP("Error", "That key does not open this profile."),
                QT_TRANSLATE_NOOP("Error", "Try again; nothing was changed."),
            ) from None
        if not self.fits(dek):
            raise _damaged()
        return dek

    def _slot(self, kind: str) -> dict[str, Any] | None:
        return next((s for s in self._read()["slots"] if s["type"] == kind), None)

    def _read(self) -> dict[str, Any]:
        try:
            vault = json.loads(self._path.read_bytes())
            if vault["format"] > FORMAT:
                raise ForTheModerator(
                    QT_TRANSLATE_NOOP("Error", "This profile was made by a newer Hearthlight."),
                    QT_TRANSLATE_NOOP("Error", "Update Hearthlight; nothing was changed."),
                )
            if not (isinstance(vault["slots"], list) and isinstance(vault["accounts"], dict)):
                raise _damaged()
        except (ValueError, KeyError, TypeError, binascii.Error) as error:
            raise _damaged() from error
        return cast("dict[str, Any]", vault)

    def _write(self, vault: Mapping[str, Any]) -> None:
        temporary = self._path.with_suffix(".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(vault, indent=1).encode())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
        if os.name == "posix":
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
