"""A proxy on loopback in front of a server, for the troubles that a real network has.

It hands everything on unchanged until a test asks for one trouble; the trouble happens once.
"""

import http.client
import json
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, Self
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
        self.skew = timedelta()
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

        def happen(_: _Handler) -> bool:
            happening()
            return False

        self._add(lambda _, requested: path in requested, happen)

    def limit_next(self, seconds: int = 60) -> None:
        """The next request is one too many."""
        body = json.dumps({"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"})
        self.answer_next(429, body.encode(), **{"Retry-After": str(seconds)})

    def break_next(self, how: str, *, write: bool = False) -> None:
        """The next read (or write, which the server still does) is answered in one of the ways of BROKEN."""
        self._add(_is_write if write else _is_read, BROKEN[how])

    def shift_clock(self, hours: float) -> None:
        """From now on the server's clock is wrong by so much."""
        self.skew = timedelta(hours=hours)

    @property
    def waiting(self) -> int:
        """How many troubles are still to come."""
        with self._lock:
            return len(self._troubles)

    def calm(self) -> None:
        """Nothing more goes wrong."""
        with self._lock:
            self._troubles.clear()
        self.skew = timedelta()

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


# Signing in and out are POSTs too, but not what a test of lost answers is about.
_SIGN_IN = ("com.atproto.server.", "/oauth/", "/login", "/token", "access_token")


def _is_write(verb: str, path: str) -> bool:
    return verb not in ("GET", "HEAD") and not any(part in path for part in _SIGN_IN)


def _is_read(verb: str, _: str) -> bool:
    return verb == "GET"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are sent apart; together they would wait for each other
    server: FaultProxy

    def _serve(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        trouble = self.server.take_trouble(self.command, self.path)
        if trouble is None or not trouble(self):
            self.reply(*self.forward())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the standard library's names

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

    def reply(
        self, status: int, headers: list[tuple[str, str]], body: bytes, promised: int | None = None
    ) -> None:
        """Answer; `promised` is a length that the body does not have."""
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() == "date":
                self.send_header(name, format_datetime(parsedate_to_datetime(value) + self.server.skew))
            elif name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if promised is None else promised))
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def log_message(self, *args: object) -> None:
        pass


def _answered(status: int, body: bytes, **headers: str) -> Trouble:
    """The server does what was asked, and something on the way says this instead."""

    def answer(handler: _Handler) -> bool:
        handler.forward()
        handler.reply(status, list(headers.items()), body)
        return True

    return answer


def _cut_short(handler: _Handler) -> bool:
    status, headers, body = handler.forward()
    handler.reply(status, headers, body[: len(body) // 2])
    return True


def _reset(handler: _Handler) -> bool:
    status, headers, body = handler.forward()
    handler.reply(status, headers, body[: len(body) // 2], promised=len(body))
    handler.hang_up()
    return True


def _hung_up(handler: _Handler) -> bool:
    handler.forward()
    handler.hang_up()
    return True


_PAGE: Final = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
BROKEN: Final[Mapping[str, Trouble]] = {
    "a page of HTML and status 502": _answered(502, _PAGE, **{"Content-Type": "text/html"}),
    "a page of HTML and status 200": _answered(200, _PAGE, **{"Content-Type": "text/html"}),
    "status 500 and nothing": _answered(500, b""),
    "status 503": _answered(503, b"{}"),
    "null": _answered(200, b"null"),
    "an empty list": _answered(200, b"[]"),
    "an object with nothing in it": _answered(200, b"{}"),
    "a list of nulls": _answered(200, b"[null, null]"),
    "half of the JSON": _cut_short,
    "a reset in the middle of the body": _reset,
    "no answer": _hung_up,
}
