"""The archive connector passes the suite, as far as a file can."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from connectors.archive import ArchiveConnector
from connectors.contract import Connector, Kind, Verb
from connectors.testing import Can, ConnectorContract


class FileWorld:
    """A file of JSON Lines that other people keep writing to; it has no levers for what files cannot do."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, str]] = []
        self.now = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
        self._write()

    def connector(self) -> Connector:
        return ArchiveConnector({"path": str(self.path)}, {})

    def other_says(self, kind: Kind, text: str, parent: str = "") -> str:
        self.now += timedelta(seconds=1)
        number = len(self.rows)
        thread = next((row["thread_id"] for row in self.rows if row["id"] == parent), f"t{number}")
        self.rows.append(
            {
                "id": f"m{number}",
                "thread_id": thread,
                "kind": kind.value,
                "author": f"writer{number}",
                "created_at": self.now.isoformat(),
                "text": text,
                "parent_id": parent,
            }
        )
        self._write()
        return f"m{number}"

    def other_edits(self, message_id: str, text: str) -> None:
        for row in self.rows:
            if row["id"] == message_id:
                row["text"] = text
        self._write()

    def other_deletes(self, message_id: str) -> None:
        self.rows = [row for row in self.rows if row["id"] != message_id]
        self._write()

    def settle(self) -> None:
        """A file shows at once what was written."""

    def _write(self) -> None:
        lines = (json.dumps(row) + "\n" for row in self.rows)
        self.path.write_text("".join(lines) or "\n", encoding="utf-8")


class TestArchive(ConnectorContract):
    kinds = (Kind.COMMENT, Kind.MENTION, Kind.DIRECT)
    refused = Verb.REPLY
    cannot: ClassVar = {
        Can.REPLY: "An imported file cannot be answered.",
        Can.SIGN_OUT: "A file needs no sign-in.",
        Can.LIMIT: "A file can be read as often as one likes.",
        Can.SECRETS: "A file has no secret.",
    }

    @pytest.fixture
    def world(self, tmp_path: Path) -> FileWorld:
        return FileWorld(tmp_path / "export.jsonl")
