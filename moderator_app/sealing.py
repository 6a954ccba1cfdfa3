"""Sealing and stretching: how one key is wrapped under another, and how a recovery key is written down."""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator

# Argon2id at 64 MiB takes 0.4 s of one core: slow to guess, quick enough to unlock.
ARGON: Final = {"t": 3, "p": 4, "m": 65536}
_ARGON_BOUNDS: Final = {"t": range(1, 17), "p": range(1, 17), "m": range(8192, 1 << 20)}
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RECOVERY_BYTES: Final = 32
_TAG: Final = 16  # bytes that AES-GCM adds


class Locked(ForTheModerator):
    """The key is not to be had this way; another way may work. Never a reason to make a new key."""


class WrongKey(Locked):
    """The passphrase or recovery key given does not open this vault."""


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _header(slot: Mapping[str, Any]) -> bytes:
    return json.dumps({k: v for k, v in slot.items() if k != "sealed"}, sort_keys=True).encode()


def seal(key: bytes, plain: bytes | bytearray, **header: Any) -> dict[str, Any]:
    slot = {**header, "nonce": b64(os.urandom(12))}
    sealed = AESGCM(key).encrypt(base64.b64decode(slot["nonce"]), plain, _header(slot))
    return {**slot, "sealed": b64(sealed)}


def unseal(key: bytes, slot: Mapping[str, Any]) -> bytearray:
    nonce, sealed = base64.b64decode(slot["nonce"]), base64.b64decode(slot["sealed"])
    plain = bytearray(len(sealed) - _TAG)  # memory that can be wiped
    AESGCM(key).decrypt_into(nonce, sealed, _header(slot), plain)
    return plain


def stretch(passphrase: str, kdf: Mapping[str, Any]) -> bytes:
    # The bounds keep an edited file from asking for all memory; a lowered cost fails authentication.
    if not all(kdf[name] in bounds for name, bounds in _ARGON_BOUNDS.items()):
        raise damaged()
    return Argon2id(
        salt=base64.b64decode(kdf["salt"]),
        length=32,
        iterations=kdf["t"],
        lanes=kdf["p"],
        memory_cost=kdf["m"],
    ).derive(passphrase.encode())


def subkey(dek: bytearray, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=f"hearthlight {purpose}".encode()).derive(dek)


def recovery_text(raw: bytes) -> str:
    """256 bits and a checksum byte as 53 Crockford characters in groups of four."""
    value = int.from_bytes(raw + hashlib.sha256(raw).digest()[:1], "big")
    digits = "".join(_CROCKFORD[value >> (5 * i) & 31] for i in reversed(range(53)))
    return "-".join(digits[i : i + 4] for i in range(0, 53, 4))


def recovery_bytes(text: str) -> bytes:
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
        whole = value.to_bytes(RECOVERY_BYTES + 1, "big")
    except OverflowError:
        raise wrong from None
    raw, check = whole[:-1], whole[-1:]
    if hashlib.sha256(raw).digest()[:1] != check:
        raise wrong
    return raw


def damaged() -> ForTheModerator:
    return ForTheModerator(
        QT_TRANSLATE_NOOP("Error", "The key file vault.json is damaged."),
        QT_TRANSLATE_NOOP("Error", "Put back its newest copy; the messages file is not touched."),
    )
