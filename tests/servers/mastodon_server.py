"""Lists of statuses as the servers with Mastodon's interface give them out, each in its own way.

Sources: https://docs.joinmastodon.org/api/guidelines/#pagination; what Pleroma, GoToSocial and Takahe do
otherwise. It only reads: what is done there is tried on the server of mastodon.sh.
"""

import json
import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

US: Final = "1"
IDS: Final = {
    "snowflakes": lambda n: str(117_020_585_487_094_447 + n * 70_001),  # Mastodon
    "ULIDs": lambda n: f"01JQZ8{n:020}",  # GoToSocial
    "flakes": lambda n: f"AlYq{n:05}iWc8gV0bK",  # Pleroma
    "small numbers": lambda n: str(n + 5),  # Takahe; "9" stands above "10" as a text
}
LINKS: Final = ("as documented", "also after the last", "both in both", "none")
_BEGAN: Final = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)
Row = dict[str, Any]


@dataclass(frozen=True)
class Dialect:
    """One server's way; `most` is how many entries a page of it holds, whatever was asked for."""

    ids: str = "snowflakes"
    links: str = "as documented"
    most: int = 40
    in_bulk: bool = True
    conversations: bool = True


@dataclass
class Community:
    """What stands on the server, oldest first."""

    dialect: Dialect = field(default_factory=Dialect)
    statuses: list[Row] = field(default_factory=list)
    notes: list[Row] = field(default_factory=list)

    def says(self, text: str, visibility: str = "public", author: str = "2", **more: Any) -> str:
        """Somebody writes to us, or we write."""
        row = self._status(text, visibility, author) | more
        self.statuses.append(row)
        if author != US:
            made = {"id": self._id(3 * len(self.notes)), "type": "mention", "status": row}
            self.notes.append(made | {"created_at": row["created_at"], "account": row["account"]})
        return str(row["id"])

    def _id(self, number: int) -> str:
        return str(IDS[self.dialect.ids](number))

    def _status(self, text: str, visibility: str, author: str) -> Row:
        at = _BEGAN + timedelta(seconds=len(self.statuses))
        named = (
            '<span class="h-card"><a href="https://here.example/@us" class="u-url mention">@us</a></span> '
        )
        return {
            "id": self._id(len(self.statuses)),
            "created_at": at.isoformat().replace("+00:00", "Z"),
            "edited_at": None,
            "in_reply_to_id": None,
            "in_reply_to_account_id": None,
            "visibility": visibility,
            "spoiler_text": "",
            "content": f"<p>{'' if author == US else named}{text}</p>",
            "account": {"id": author, "username": f"u{author}", "acct": f"u{author}", "display_name": ""},
            "mentions": [] if author == US else [{"id": US, "username": "us", "acct": "us"}],
            "favourites_count": 0,
            "replies_count": 0,
            "media_attachments": [],
            "poll": None,
            "reblog": None,
        }

    # ---------------------------------------------------------------- what is asked

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any, str]:
        """Status, data and the Link header."""
        lists = {
            "notifications": self.notes,
            f"accounts/{US}/statuses": [
                one for one in self.statuses if (one["account"] or {}).get("id") == US
            ],
        }
        if self.dialect.conversations:
            direct = [one for one in self.statuses if one["visibility"] == "direct"]
            lists["conversations"] = [{"id": one["id"], "last_status": one} for one in direct]
        if path in lists:
            return self._page(lists[path], query)
        if path == "accounts/verify_credentials":
            return 200, {"id": US, "username": "us", "acct": "us", "display_name": "Us"}, ""
        if path == "statuses" and self.dialect.in_bulk:
            return 200, [one for one in self.statuses if one["id"] in query.get("id[]", [])], ""
        found = re.fullmatch(r"statuses/([^/]+)(/context)?", path)
        status = next((one for one in self.statuses if found and one["id"] == found[1]), None)
        if found is None or status is None:
            return 404, {"error": "Record not found"}, ""
        return 200, {"ancestors": [], "descendants": []} if found[2] else status, ""

    def _page(self, every: list[Row], query: dict[str, list[str]]) -> tuple[int, Any, str]:
        ids = [row["id"] for row in every]
        below = ids.index(query["max_id"][0]) if query.get("max_id", [""])[0] in ids else len(ids)
        most = min(int(query.get("limit", ["20"])[0]), self.dialect.most)
        if query.get("min_id", [""])[0] in ids:
            above = ids.index(query["min_id"][0]) + 1
            found = every[above : min(below, above + most)]
        else:
            above = 0
            found = every[max(0, below - most) : below]
        return 200, found[::-1], self._link(found, is_last=not found or found[0]["id"] == ids[0])

    def _link(self, found: list[Row], *, is_last: bool) -> str:
        if not found or self.dialect.links == "none":
            return ""
        down, up = f"max_id={found[0]['id']}", f"min_id={found[-1]['id']}"
        if self.dialect.links == "both in both":
            down = up = f"{down}&{up}"
        said = [f'<https://here.example/a?{up}>; rel="prev"']
        if not is_last or self.dialect.links != "as documented":
            said.insert(0, f'<https://here.example/a?limit=40&{down}>; rel="next"')
        return ", ".join(said)


class MastodonServer(ThreadingHTTPServer):
    """Use as a context; `community` is what it serves now."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.community = Community()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: MastodonServer

    def do_GET(self) -> None:
        where = urlsplit(self.path)
        path = where.path.removeprefix("/api/v1/")
        status, data, link = self.server.community.answer(path, parse_qs(where.query))
        raw = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        if link:
            self.send_header("Link", link)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args: object) -> None:
        pass
