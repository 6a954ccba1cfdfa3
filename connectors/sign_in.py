"""Signing in with the platform's own page in the browser: OAuth for programs on a desk (RFC 8252, RFC 7636).

The browser comes back to a server on loopback that lives for this one sign-in and hands over one answer.
"""

import base64
import hashlib
import http.server
import secrets
import threading
import time
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import parse_qsl, urlsplit

from connectors.errors import Reason, Refused, SignInAgain, TryLater

LONGEST: Final = 300.0  # seconds; a code of theirs lives about as long
_THANKS: Final = (
    b"<!doctype html><meta charset=utf-8><title>Hearthlight</title>"
    b"<p>You can close this page and go back to Hearthlight."
)


def challenge(verifier: str) -> str:
    """What the platform is shown of the verifier: its S256 hash."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Attempt:
    """The secrets of one sign-in: `state` proves whose answer it is, `verifier` whose code."""

    state: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)

    def asks(self, **more: str) -> dict[str, str]:
        """The query of the page where the person agrees."""
        known = {
            "response_type": "code",
            "state": self.state,
            "code_challenge": challenge(self.verifier),
            "code_challenge_method": "S256",
        }
        return known | more


class Loopback:
    """Waits on 127.0.0.1 for the browser to come back; use as a context. `stop` ends the wait.

    `named` is what the platform calls what it hands over. A platform that knows no state has one in the path.
    """

    def __init__(
        self,
        port: int = 0,
        path: str = "/callback",
        host: str = "127.0.0.1",
        named: str = "code",
        *,
        state_in_path: bool = False,
    ) -> None:
        self._named, self._state_in_path = named, state_in_path
        self._answer: Mapping[str, str] | None = None
        self._arrived = threading.Event()
        self._stopped = False
        self._state = ""
        try:
            self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), self._handler(path))
        except OSError:
            message = f"port {port} of this machine, where the browser should come back, is taken"
            raise TryLater(message) from None
        self.redirect_uri = f"http://{host}:{self._server.server_port}{path}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="sign-in", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def stop(self) -> None:
        """Give up: the person closed the form."""
        self._stopped = True
        self._arrived.set()

    def code(
        self,
        page: str,
        attempt: Attempt,
        *,
        issuer: str = "",
        open_page: Callable[[str], object] = webbrowser.open,
        seconds: float = LONGEST,
    ) -> str:
        """Open the platform's page and return the code that it sends back.

        Raises Refused where the person or the platform said no, TryLater where nobody came back in time,
        SignInAgain where the answer is not for this sign-in.
        """
        self._state = attempt.state
        open_page(page)
        until = time.monotonic() + seconds
        while not self._arrived.wait(0.1):
            if time.monotonic() > until:
                raise TryLater("nobody came back from the platform's page in time")
        if self._stopped or self._answer is None:
            raise TryLater("the sign-in was given up")
        if self._answer.get("error"):
            raise Refused(Reason.ROLE, "the platform's page said no")
        if issuer and self._answer.get("iss") != issuer:
            raise SignInAgain("the answer came from another server than the one asked")
        return self._answer.get(self._named, "")

    def _take(self, answer: Mapping[str, str]) -> bool:
        """Keep the first answer with our state; anything else on this machine may knock as it likes."""
        said = answer.get("state", "").encode()
        mine = self._state_in_path or secrets.compare_digest(said, self._state.encode())
        if not mine or not self._state or not (answer.get(self._named) or answer.get("error")):
            return False
        if self._answer is None:
            self._answer = answer
            self._arrived.set()
        return True

    def _handler(self, path: str) -> type[http.server.BaseHTTPRequestHandler]:
        waiting = self

        class Handler(http.server.BaseHTTPRequestHandler):
            timeout = 5

            def do_GET(self) -> None:
                asked = urlsplit(self.path)
                good = asked.path == path and waiting._take(dict(parse_qsl(asked.query)))
                body = _THANKS if good else b"Not what was expected here."
                self.send_response_only(200 if good else 400)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Referrer-Policy", "no-referrer")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """The address holds the code."""

        return Handler
