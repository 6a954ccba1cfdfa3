"""The disk that forgets: build it, watch a folder with it, and cut the power."""

import os
import shutil
import subprocess
from pathlib import Path

_SOURCE = Path(__file__).with_name("lossy_disk.c")


def build(folder: Path) -> Path | None:
    """Compile the disk; None where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    made = folder / "lossy_disk.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", str(made), str(_SOURCE), "-ldl"],
        check=True,
        capture_output=True,
    )
    return made


class Disk:
    """What of a folder would still be there after a power cut."""

    def __init__(self, library: Path, root: Path, keep: Path) -> None:
        self._root, self._keep = root, keep
        shutil.rmtree(keep, ignore_errors=True)
        keep.mkdir()
        self.environment = {"LD_PRELOAD": str(library), "LOSSY_ROOT": str(root), "LOSSY_KEEP": str(keep)}

    def cut(self) -> None:
        """Leave in the folder only what was synced; the program that wrote there must be dead."""
        folders = {
            Path(mark.read_text().rstrip("\n")): mark.with_name(mark.name.replace("folder-", "list-", 1))
            for mark in self._keep.glob("folder-*")
        }
        there: dict[Path, str] = {}
        for folder, listed in folders.items():
            for line in listed.read_text().splitlines():
                name, _, file = line.rpartition("\t")
                there[folder / name] = file
        for mark in sorted(self._keep.glob("name-*"), key=lambda path: path.stat().st_mtime_ns):
            path = Path(mark.read_text().rstrip("\n"))
            listed_at = folders.get(path.parent)
            # A folder's own list is newer knowledge than the name under which a file was synced before.
            if listed_at is None or listed_at.stat().st_mtime_ns < mark.stat().st_mtime_ns:
                there[path] = mark.name.removeprefix("name-")
        content = {path: self._content(file) for path, file in there.items()}
        for path in self._root.rglob("*"):
            if path.is_file():
                path.unlink()
        for path, bytes_kept in content.items():
            if path.name.endswith("-shm"):
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes_kept)
            path.chmod(0o600)

    def _content(self, file: str) -> bytes:
        kept = self._keep / f"file-{file}"
        return kept.read_bytes() if kept.exists() else b""


def sync_all(root: Path) -> None:
    """Bring everything onto the disk: what a run begins with was there before."""
    for path in (root, *root.rglob("*")):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
