"""Proofs of a key, tried on a server of ours that checks them as RFC 9449 says and asks for nonces."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest

from connectors.dpop import Prover
from connectors.errors import SignInAgain
from connectors.http import Http


class Checking(ThreadingHTTPServer):
    """Answers 200 to a good proof with its newest nonce; `proofs` are the claims of all that came."""

    nonce = "first"
    strict = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.proofs: list[dict[str, Any]] = []
        self.done = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Checking
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        proof = self.headers["DPoP"]
        key = jwt.PyJWK(jwt.get_unverified_header(proof)["jwk"])
        claims = jwt.decode(proof, key, algorithms=["ES256"])
        fresh = claims["jti"] not in {known["jti"] for known in self.server.proofs}
        self.server.proofs.append(claims)
        token = self.headers.get("Authorization", "").removeprefix("DPoP ")
        digest = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
        good = (
            fresh
            and claims["htm"] == self.command
            and claims["htu"] == self.server.url + self.path.partition("?")[0]
            and claims.get("ath") == (digest if token else None)
            and claims.get("nonce") == self.server.nonce
            and not self.server.strict
        )
        self.server.done += good
        body = b"{}" if good else b'{"error": "use_dpop_nonce"}'
        self.send_response(200 if good else 401)
        self.send_header("DPoP-Nonce", self.server.nonce)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the name that the library looks for

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def server() -> Iterator[Checking]:
    made = Checking()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def test_a_server_that_asks_for_its_nonce_gets_the_request_once_more(server: Checking) -> None:
    http = Http(server.url, sign=Prover())
    http.write("do/it", {}, {"Authorization": "DPoP token"}, params={"more": "1"})
    assert (server.done, [proof.get("nonce") for proof in server.proofs]) == (1, [None, "first"])
    server.nonce = "second"
    http.read("ask")
    http.read("ask")
    assert server.done == 3
    assert [proof.get("nonce") for proof in server.proofs[2:]] == ["first", "second", "second"]
    http.close()


def test_a_server_that_never_agrees_is_asked_twice_and_no_more(server: Checking) -> None:
    server.strict = True
    http = Http(server.url, sign=Prover())
    with pytest.raises(SignInAgain):
        http.write("do/it", {})
    assert len(server.proofs) == 2
    http.close()


def test_one_key_lasts_as_long_as_its_text(server: Checking) -> None:
    prover = Prover()
    assert Prover(prover.pem()).pem() == prover.pem()
    assert Prover().pem() != prover.pem()


def test_many_threads_share_what_one_learned(server: Checking) -> None:
    http = Http(server.url, sign=Prover())
    threads = [threading.Thread(target=http.write, args=("do/it", {})) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.done == len(threads)
    http.close()
