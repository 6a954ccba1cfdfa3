"""A secret key in memory: masked, so that no copy of it stands anywhere between two uses."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Self

SIZE: Final = 32  # bytes: 256 bits


def _mix(left: bytearray, right: bytearray | bytes) -> bytearray:
    # Byte by byte: integers or bytes objects would leave the key in memory that nobody can wipe.
    mixed = bytearray(len(left))
    for place in range(len(left)):
        mixed[place] = left[place] ^ right[place]
    return mixed


class Key:
    """Keeps 256 bits as two halves that are random each by itself; the key is made only while it is used.

    A scan of the memory of a running program finds no copy. That is all it can promise: whoever can read
    this memory can put the halves together, too.
    """

    def __init__(self, plain: bytearray) -> None:
        if len(plain) != SIZE:
            raise ValueError("a file key must have 32 bytes")
        self._mask = bytearray(os.urandom(SIZE))
        self._masked = _mix(plain, self._mask)
        plain[:] = bytes(SIZE)

    @classmethod
    def fresh(cls) -> Self:
        """A new random key, which was never in one piece."""
        made = cls(bytearray(SIZE))
        made._masked[:] = os.urandom(SIZE)
        return made

    @contextmanager
    def bare(self) -> Iterator[bytearray]:
        """The key itself, wiped when the block ends."""
        plain = _mix(self._masked, self._mask)
        try:
            yield plain
        finally:
            plain[:] = bytes(SIZE)

    def copy(self) -> "Key":
        """The same key for another owner, who wipes it by themselves."""
        with self.bare() as plain:
            return Key(plain)

    def wipe(self) -> None:
        """Forget it: what `bare` gives from now on is no key of anything."""
        self._mask[:] = os.urandom(SIZE)


def spec(plain: bytearray) -> bytearray:
    """A key as SQLCipher wants a raw one, x'<64 hex>', in memory that can be wiped.

    Any other length would silently become a passphrase.
    """
    if len(plain) != SIZE:
        raise ValueError("a file key must have 32 bytes")
    digits = b"0123456789abcdef"
    made = bytearray(b"x'") + bytearray(2 * SIZE) + bytearray(b"'")
    for place, byte in enumerate(plain):
        made[2 + 2 * place], made[3 + 2 * place] = digits[byte >> 4], digits[byte & 15]
    return made
