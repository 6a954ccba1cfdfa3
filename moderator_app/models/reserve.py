"""Disk space set aside, so that on a full disk a moderator can still record, answer and erase."""

import contextlib
import os
import shutil
from pathlib import Path
from typing import Final

SIZE: Final = 16 * 1024 * 1024  # bytes: thousands of decisions, or the erasure of a person
_ROOM_TO_FILL: Final = 8 * SIZE  # the reserve must never be what makes a disk full
_ROOM_TO_OPEN: Final = 1024 * 1024  # the log's index and its first pages


class Reserve:
    """A file of no content. `spent` says that its space was given away and is not back yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.spent = path.exists() and path.stat().st_size < SIZE

    def fill(self) -> bool:
        """Take the space, where the disk has plenty; true where the reserve stands."""
        if self._path.exists() and self._path.stat().st_size >= SIZE:
            self.spent = False
            return True
        if shutil.disk_usage(self._path.parent).free < _ROOM_TO_FILL:
            return False
        try:
            self._write()
        except OSError:
            self._path.unlink(missing_ok=True)
            return False
        self.spent = False
        return True

    def _write(self) -> None:
        descriptor = os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(descriptor, 0, SIZE)  # real blocks: an empty file of that size has none
            else:
                os.write(descriptor, bytes(SIZE))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def spend(self) -> bool:
        """Give the space back to the disk; false where there was none to give."""
        if self.spent or not self._path.exists():
            return False
        os.truncate(self._path, 0)
        self.spent = True
        return True

    def make_room_to_open(self) -> None:
        """A store cannot even be read without a few pages for its log."""
        with contextlib.suppress(OSError):
            if shutil.disk_usage(self._path.parent).free < _ROOM_TO_OPEN:
                self.spend()
