"""A Discourse of ours on loopback; requests are held against the official description where it is at hand."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.servers.discourse_answers import Discourse
from tests.servers.discourse_forum import Refusal


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, state: Discourse) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.state = state
        self.mistakes: list[str] = []  # requests that Discourse does not know
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for the other side
    server: Server

    def _serve(self) -> None:
        asked = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        lists = parse_qs(asked.query, keep_blank_values=True)
        query = {key: values if key.endswith("[]") else values[0] for key, values in lists.items()}
        try:
            said = json.loads(body) if body else None
            self._say(
                200, self.server.state.answer(dict(self.headers), self.command, asked.path, query, said)
            )
        except Refusal as no:
            self._say(no.status, no.data)
        except AssertionError as mistake:
            self.server.mistakes.append(str(mistake))
            self._say(400, {"errors": [str(mistake)]})

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the standard library's names

    def _say(self, status: int, found: Any) -> None:
        body = b"" if found is None else json.dumps(found).encode()
        self.send_response_only(status)
        self.send_header("Date", self.date_time_string(int(time.time())))
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running(state: Discourse) -> Iterator[Server]:
    """The server on loopback; afterwards no request may have been one that Discourse does not know."""
    with Server(state) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
        assert server.mistakes == []
