"""A proxy on loopback in front of a real server, for the troubles that a real network has.

It hands everything on unchanged until a test asks for one trouble; the trouble happens once.
"""

import http.client
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import urlsplit

_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "accept-encoding"}
Trouble = Callable[["_Handler"], bool]  # whether the request is dealt with


class FaultProxy(ThreadingHTTPServer):
    """Use as a context; `url` stands for the server behind it."""

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.spoil_tokens = False  # every token is then one that the server has never seen
        self.seen: list[tuple[str, str]] = []
        self._troubles: list[tuple[Callable[[str, str], bool], Trouble]] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of the tests."""

    def lose_next_answer(self) -> None:
        """The next write is done, and its answer never arrives."""

        def lose(handler: _Handler) -> bool:
            handler.forward()
            handler.hang_up()
            return True

        self._add(_is_write, lose)

    def lose_next_request(self) -> None:
        """The next write never reaches the server."""

        def lose(handler: _Handler) -> bool:
            handler.hang_up()
            return True

        self._add(_is_write, lose)

    def answer_next(self, status: int, body: bytes, path: str = "", **headers: str) -> None:
        """The next request (whose path holds `path`) gets this answer instead."""

        def answer(handler: _Handler) -> bool:
            handler.reply(status, list(headers.items()), body)
            return True

        self._add(lambda _, requested: path in requested, answer)

    def before_next(self, path: str, happening: Callable[[], None]) -> None:
        """Something else happens just before the next request whose path holds `path`."""

        def happen(handler: _Handler) -> bool:
            happening()
            return False

        self._add(lambda _, requested: path in requested, happen)

    def limit_next(self, seconds: int = 60) -> None:
        """The next request is one too many."""
        body = json.dumps({"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"})
        self.answer_next(429, body.encode(), **{"Retry-After": str(seconds)})

    def count(self, method: str) -> int:
        """How many requests for this XRPC method came."""
        return sum(path.split("?")[0].endswith(method) for _, path in self.seen)

    def _add(self, wanted: Callable[[str, str], bool], trouble: Trouble) -> None:
        with self._lock:
            self._troubles.append((wanted, trouble))

    def take_trouble(self, verb: str, path: str) -> Trouble | None:
        with self._lock:
            self.seen.append((verb, path))
            for entry in self._troubles:
                if entry[0](verb, path):
                    self._troubles.remove(entry)
                    return entry[1]
        return None


def _is_write(verb: str, path: str) -> bool:
    """Signing in and out are POSTs too, but not what a test of lost answers is about."""
    return verb != "GET" and "com.atproto.server." not in path


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultProxy

    def _serve(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        trouble = self.server.take_trouble(self.command, self.path)
        if trouble is None or not trouble(self):
            self.reply(*self.forward())

    do_GET = do_POST = _serve  # noqa: N815 - the standard library's names

    def forward(self) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = self.server.upstream
        connection = http.client.HTTPConnection(upstream.hostname or "", upstream.port or 80, timeout=30)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
            if self.server.spoil_tokens and "Authorization" in headers:
                headers["Authorization"] = "Bearer e30.e30.e30"
            connection.request(self.command, self.path, self.body or None, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def reply(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def log_message(self, *args: object) -> None:
        pass
