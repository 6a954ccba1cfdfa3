"""Files that are whole or not there at all, also after a power cut."""

import os
from pathlib import Path


def write(path: Path, content: bytes) -> None:
    """Put a file of ours in place of the one that is there, readable by its owner only."""
    temporary = path.with_name(f"{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    move(temporary, path)


def move(path: Path, to: Path) -> None:
    """Give a file another name, in place of what has it; on disk when this returns."""
    path.replace(to)
    sync_folder(to.parent)


def sync(path: Path) -> None:
    """Bring what was written to a file onto the disk."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder onto the disk, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
