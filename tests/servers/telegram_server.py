"""A Bot API of ours on loopback: stateful, with the queue, rights and refusals that Telegram documents."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from tests.servers.telegram_community import BOT, TOKEN, Refusal, shown
from tests.servers.telegram_specification import check
from tests.servers.telegram_verbs import Verbs

_PATH: Final = re.compile(r"/bot([^/]+)/(\w+)")


class Telegram(Verbs):
    """The Bot API of one bot; every request is held against the list of methods."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.webhook = ""
        self.rival = False

    def answer(self, token: str, method: str, params: dict[str, Any]) -> Any:
        with self.lock:
            if token not in self.tokens:
                raise Refusal(401, "Unauthorized") if token == TOKEN else Refusal(404, "Not Found")
            self.seen.append((method, params))
            check(method, params)
            found = getattr(self, f"_{method}")(**params)
            return shown(found) if isinstance(found, dict) else found

    def asked(self, method: str) -> list[dict[str, Any]]:
        """What was asked with this method, in order."""
        return [params for name, params in self.seen if name == method]

    # ------------------------------------------------------------------ the queue

    def _getMe(self) -> Any:
        return self.person(BOT) | {"can_read_all_group_messages": not self.privacy, "can_join_groups": True}

    def _getWebhookInfo(self) -> Any:
        waiting = len(self.waiting())
        return {"url": self.webhook, "has_custom_certificate": False, "pending_update_count": waiting}

    def _getUpdates(
        self, offset: int = 0, limit: int = 100, timeout: int = 0, allowed_updates: list[str] | None = None
    ) -> Any:
        assert 1 <= limit <= 100
        assert timeout == 0
        if self.webhook:
            raise Refusal(409, "Conflict: can't use getUpdates method while webhook is active")
        if self.rival:
            raise Refusal(409, "Conflict: terminated by other getUpdates request")
        if allowed_updates is not None:
            self.allowed = frozenset(allowed_updates)
        if offset > 0:
            while self.updates and self.updates[0][1]["update_id"] < offset:
                self.updates.popleft()
        return self.waiting()[:limit]


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, state: Telegram) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.state = state
        self.mistakes: list[str] = []  # requests that Telegram does not document


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def _serve(self) -> None:
        asked = urlsplit(self.path)
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        params = json.loads(sent) if sent else {key: _value(one) for key, one in parse_qsl(asked.query)}
        found = _PATH.fullmatch(asked.path)
        try:
            assert found, "the path is /bot<token>/method"
            self._say(200, {"ok": True, "result": self.server.state.answer(found[1], found[2], params)})
        except Refusal as no:
            self._say(no.code, no.body)
        except (AssertionError, AttributeError, KeyError, TypeError) as mistake:
            self.server.mistakes.append(f"{self.command} {asked.path} {params}: {mistake!r}")
            self._say(400, Refusal(400, "Bad Request").body)

    do_GET = do_POST = _serve  # noqa: N815 - the standard library's names

    def _say(self, status: int, found: Any) -> None:
        body = json.dumps(found).encode()
        self.send_response_only(status)
        self.send_header("Date", self.date_time_string(int(time.time())))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _value(text: str) -> Any:
    """A parameter of a query: arrays and numbers are JSON, everything else is itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


@contextmanager
def running(state: Telegram) -> Iterator[Server]:
    """The server on loopback; afterwards no request may have been one that Telegram does not document."""
    with Server(state) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
        assert server.mistakes == []
