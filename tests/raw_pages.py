"""Every page of a closed or open store as SQLite sees it, also free ones, and every frame of its log."""

from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PAGE, RESERVE = 4096, 80
HEADER, FRAME = 32, 24


def plain(store: Path, key: bytes) -> bytes:
    """All pages of the file and of its log, decrypted, one after another."""
    content = store.read_bytes()
    pages = [content[i : i + PAGE] for i in range(0, len(content), PAGE)]
    found = [_open(page, key, first=number == 0) for number, page in enumerate(pages)]
    log = store.with_name(f"{store.name}-wal")
    if log.exists():
        frames = log.read_bytes()[HEADER:]
        for i in range(0, len(frames) - PAGE - FRAME + 1, PAGE + FRAME):
            number = int.from_bytes(frames[i : i + 4], "big")
            found.append(_open(frames[i + FRAME : i + FRAME + PAGE], key, first=number == 1))
    return b"".join(found)


def _open(page: bytes, key: bytes, *, first: bool) -> bytes:
    start = 16 if first else 0  # the salt stands where SQLite has its magic
    sealed = page[start : PAGE - RESERVE]
    vector = page[PAGE - RESERVE : PAGE - RESERVE + 16]
    opened = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
    return opened.update(sealed) + opened.finalize()


def holding(store: Path, key: bytes, words: set[str]) -> set[str]:
    """Which of the words stand anywhere in the file or its log, in any case."""
    content = plain(store, key).lower()
    return {word for word in words if word.lower().encode() in content}
