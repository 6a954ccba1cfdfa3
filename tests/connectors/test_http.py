"""The HTTP layer against a real server on loopback that misbehaves in every way we have met."""

import json
import logging
import socket
import ssl
import struct
import threading
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from connectors.errors import (
    ConnectorError,
    Gone,
    OutcomeUnknown,
    Reason,
    Refused,
    SignInAgain,
    TryLater,
    Unreadable,
)
from connectors.http import Answer, Http, Limits, an_object

QUICK = Limits(connect=2, silence=0.4, whole=1, size=200_000, tries=3, first_pause=0.01, longest_pause=0.3)
Behaviour = Callable[["Server", BaseHTTPRequestHandler], None]


class Server(ThreadingHTTPServer):
    """Does what the test says for every request, and remembers what came."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behave: Behaviour = say(200, {"ok": True})
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append((self.command, self.path, headers, body))
        self.server.behave(self.server, self)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - the standard library's names

    def log_message(self, *args: object) -> None:
        pass


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def say(status: int, data: object = None, **headers: str) -> Behaviour:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return lambda _server, handler: send(handler, status, raw, **headers)


def one_after_another(*behaviours: Behaviour) -> Behaviour:
    """The last one stays."""

    def behave(server: Server, handler: BaseHTTPRequestHandler) -> None:
        behaviours[min(len(server.requests), len(behaviours)) - 1](server, handler)

    return behave


def reset(_server: Server, handler: BaseHTTPRequestHandler) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def silent(server: Server, handler: BaseHTTPRequestHandler) -> None:
    server.released.wait(5)
    handler.close_connection = True


def cut_short(_server: Server, handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"a": ')
    handler.close_connection = True


def dripping(server: Server, handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    while not server.released.wait(0.1):
        handler.wfile.write(b" ")
        handler.wfile.flush()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def http(server: Server) -> Iterator[Http]:
    http = Http(server.url, limits=QUICK)
    yield http
    http.close()


def test_reads_and_writes_json(server: Server, http: Http) -> None:
    assert http.read("things", {"q": "lilac"}, {"Authorization": "Bearer t"}).data == {"ok": True}
    assert http.write("things", {"text": "💚"}).data == {"ok": True}
    (_, path, headers, _), (verb, _, _, body) = server.requests
    assert path == "/things?q=lilac"
    assert headers["authorization"] == "Bearer t"
    assert headers["user-agent"].startswith("Hearthlight/")
    assert (verb, json.loads(body)) == ("POST", {"text": "💚"})


def test_an_empty_answer_is_no_trouble(server: Server, http: Http) -> None:
    server.behave = say(200, b"")
    assert http.write("things").data is None


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_read_is_tried_again_until_it_works(server: Server, http: Http, status: int) -> None:
    server.behave = one_after_another(say(status, b"<html>Bad Gateway</html>"), reset, say(200, 1))
    assert http.read("things").data == 1
    assert len(server.requests) == 3


def test_a_read_gives_up_after_a_few_tries(server: Server, http: Http) -> None:
    server.behave = say(502, b"<html>Bad Gateway</html>")
    with pytest.raises(TryLater) as trouble:
        http.read("things")
    assert not trouble.value.offline
    assert len(server.requests) == QUICK.tries


@pytest.mark.parametrize("lost", [say(500), say(502, b"<html>"), say(503), reset, silent, cut_short])
def test_a_write_with_no_clear_answer_is_sent_once(server: Server, http: Http, lost: Behaviour) -> None:
    server.behave = lost
    with pytest.raises(OutcomeUnknown):
        http.write("things", {"a": 1})
    assert len(server.requests) == 1


@pytest.mark.parametrize("lost", [reset, silent, cut_short])
def test_a_read_without_an_answer_is_offline(server: Server, http: Http, lost: Behaviour) -> None:
    server.behave = lost
    with pytest.raises(TryLater) as trouble:
        http.read("things")
    assert trouble.value.offline


def test_an_answer_that_drips_for_ever_ends(server: Server, http: Http) -> None:
    server.behave = dripping
    with pytest.raises(OutcomeUnknown):
        http.write("things")


def test_a_server_that_is_not_there_did_nothing(server: Server, http: Http) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        nobody = Http(f"http://127.0.0.1:{reserved.getsockname()[1]}", limits=QUICK)
        for attempt in (nobody.read, nobody.write):
            with pytest.raises(TryLater) as trouble:
                attempt("things")
            assert trouble.value.offline


def self_signed(folder: Path) -> ssl.SSLContext:
    """A server's side of TLS with a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - timedelta(days=1))
    builder = builder.not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    pem = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    pem += key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "server.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


@pytest.mark.parametrize("encrypted", [True, False])
def test_a_server_that_cannot_prove_itself_is_told_nothing(
    server: Server, tmp_path: Path, encrypted: bool
) -> None:
    if encrypted:
        server.socket = self_signed(tmp_path).wrap_socket(server.socket, server_side=True)
    http = Http(f"https://localhost:{server.server_port}", limits=QUICK)
    for attempt in (http.read, http.write):
        with pytest.raises(TryLater, match="prove who it is") as trouble:
            attempt("things", None, {"Authorization": "Bearer t"})
        assert trouble.value.offline
    assert not server.requests
    http.close()


@pytest.mark.parametrize("body", [b'{"a": [1, 2', b"<html>hello</html>", b"[" * 150_000])
def test_what_is_not_json(server: Server, http: Http, body: bytes) -> None:
    server.behave = say(200, body)
    with pytest.raises(Unreadable):
        http.read("things")
    with pytest.raises(OutcomeUnknown):
        http.write("things")
    asked = [request[0] for request in server.requests]
    assert asked == ["GET"] * (len(asked) - 1) + ["POST"], "a write is sent once"


def test_a_page_in_between_is_asked_past(server: Server, http: Http) -> None:
    server.behave = one_after_another(say(200, b"<html>one moment</html>"), say(200, b"{}"))
    assert http.read("things").data == {}


@pytest.mark.parametrize("nonsense", [None, [], [None], "ok"])
def test_an_answer_that_a_platform_never_gives_is_asked_past(server: Server, nonsense: object) -> None:
    http = Http(server.url, limits=QUICK, sound=an_object)
    server.behave = one_after_another(say(200, nonsense), say(200, {"a": 1}))
    assert http.read("things").data == {"a": 1}
    server.behave = say(200, nonsense)
    with pytest.raises(Unreadable):
        http.read("things")
    assert http.write("things").data == nonsense, "what a write answers says nothing against its being done"
    http.close()


def test_a_flood_is_cut_off(server: Server, http: Http) -> None:
    server.behave = say(200, b'"' + b"a" * 300_000 + b'"')
    with pytest.raises(Unreadable):
        http.read("things")


def test_half_an_emoji_becomes_something_storable(server: Server, http: Http) -> None:
    server.behave = say(200, rb'{"text": "\ud83d half \ud83d\udc9a whole"}')
    assert http.read("things").data == {"text": "? half 💚 whole"}


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(server: Server, http: Http, status: int) -> None:
    server.behave = say(status, Location=f"{server.url}/elsewhere")
    for attempt in (http.read, http.write):
        with pytest.raises(Refused) as trouble:
            attempt("things", None, {"Authorization": "Bearer t"})
        assert trouble.value.reason is Reason.UNSUPPORTED
    assert {path for _, path, _, _ in server.requests} == {"/things"}


def test_cookies_are_not_kept(server: Server, http: Http) -> None:
    server.behave = say(200, {}, Set_Cookie="follow=me")
    http.read("things")
    http.read("things")
    assert "cookie" not in server.requests[1][2]


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [
        (400, Refused, Reason.INVALID),
        (401, SignInAgain, None),
        (403, Refused, Reason.ROLE),
        (404, Gone, Reason.NOT_FOUND),
        (409, Refused, Reason.STALE),
        (410, Gone, Reason.NOT_FOUND),
        (413, Refused, Reason.TOO_LONG),
        (418, Refused, Reason.INVALID),
        (501, Refused, Reason.UNSUPPORTED),
    ],
)
def test_statuses_have_meanings(
    server: Server, http: Http, status: int, error: type[Exception], reason: Reason | None
) -> None:
    server.behave = say(status, {"error": "Nope"})
    for attempt in (http.read, http.write):
        with pytest.raises(error) as trouble:
            attempt("things")
        assert getattr(trouble.value, "reason", None) is reason
    assert len(server.requests) == 2


def test_a_platform_explains_its_own_codes(server: Server) -> None:
    def explain(answer: Answer) -> SignInAgain | None:
        return SignInAgain("lapsed") if answer.code() == "ExpiredToken" else None

    http = Http(server.url, explain, QUICK)
    server.behave = say(400, {"error": "ExpiredToken"})
    with pytest.raises(SignInAgain):
        http.read("things")
    server.behave = say(400, {"error": 7})
    with pytest.raises(Refused):
        http.read("things")


def in_a_minute(form: str) -> str:
    """The moment, asked for when the test runs, in one of the forms that platforms use."""
    then = datetime.now(UTC) + timedelta(minutes=1)
    return {
        "seconds": str(int(then.timestamp())),
        "milliseconds": str(int(then.timestamp() * 1000)),
        "ISO": then.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "HTTP": format_datetime(then, usegmt=True),
    }.get(form, form)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Retry_After": "60"}, None),
        ({"Retry_After": "HTTP"}, None),
        ({"RateLimit_Reset": "seconds"}, None),
        ({"X_RateLimit_Reset": "milliseconds"}, None),
        ({"X_RateLimit_Reset": "ISO"}, None),
        ({"X_Ratelimit_Reset": "60"}, None),
        ({"X_RateLimit_Reset_After": "59.75"}, None),
        ({}, {"retry_after_ms": 60_000}),
        ({}, {"retry_after": 60.25}),
        ({}, {"parameters": {"retry_after": 60}}),
        ({}, {"extras": {"wait_seconds": 60}}),
        ({"Retry_After": "60"}, b"<html>slow down</html>"),
    ],
)
def test_every_way_to_say_wait_is_understood(
    server: Server, http: Http, headers: dict[str, str], body: object
) -> None:
    said = {name: in_a_minute(value) for name, value in headers.items()}
    server.behave = say(429, body, **said)
    for attempt in (http.read, http.write):
        with pytest.raises(TryLater) as trouble:
            attempt("things")
        assert trouble.value.until is not None
        wait = trouble.value.until - datetime.now(UTC)
        assert timedelta(seconds=45) < wait < timedelta(seconds=65)


def test_a_short_wait_is_sat_out_and_a_wordless_refusal_is_not_hammered(server: Server, http: Http) -> None:
    server.behave = one_after_another(say(429, Retry_After="0.1"), say(200, 1))
    assert http.read("things").data == 1
    server.requests.clear()
    server.behave = say(429, b"<html>")
    with pytest.raises(TryLater) as trouble:
        http.read("things")
    assert trouble.value.until is None
    assert len(server.requests) == QUICK.tries


def test_the_last_of_a_window_is_kept_for_people(server: Server, http: Http) -> None:
    reset_at = str(int((datetime.now(UTC) + timedelta(minutes=5)).timestamp()))
    server.behave = say(200, 1, RateLimit_Limit="100", RateLimit_Remaining="15", RateLimit_Reset=reset_at)
    http.read("things")
    with pytest.raises(TryLater):
        http.read("things")
    assert http.read("other").data == 1
    assert http.write("things").data == 1
    server.behave = say(200, 1, RateLimit_Limit="100", RateLimit_Remaining="0", RateLimit_Reset=reset_at)
    http.write("things")
    with pytest.raises(TryLater):
        http.write("things")
    assert len(server.requests) == 4


def test_who_was_refused_for_a_while_is_not_asked_again_before(server: Server, http: Http) -> None:
    server.behave = say(429, Retry_After="60")
    for _ in range(3):
        with pytest.raises(TryLater) as trouble:
            http.read("things")
        assert trouble.value.until is not None
    assert len(server.requests) == 1
    server.behave = say(200, 1)
    assert http.read("other").data == 1, "the rest of the platform is not held up"


def test_a_wait_ends_when_the_connection_is_closed(server: Server) -> None:
    http = Http(server.url, limits=Limits(longest_pause=60))
    server.behave = say(429, Retry_After="30")
    ended: list[BaseException] = []

    def read() -> None:
        try:
            http.read("things")
        except TryLater as trouble:
            ended.append(trouble)

    reader = threading.Thread(target=read)
    reader.start()
    while not server.requests:
        server.released.wait(0.01)
    http.close()
    reader.join(5)
    assert ended
    with pytest.raises(TryLater):
        http.read("things")


@pytest.mark.parametrize(
    "address",
    ["http://bsky.social", "ftp://localhost", "bsky.social", "", "https://me:pw@bsky.social"],
)
def test_addresses_that_are_not_safe(address: str) -> None:
    with pytest.raises(Refused):
        Http(address)


def trouble_of(attempt: Callable[[], object]) -> ConnectorError | None:
    try:
        attempt()
    except ConnectorError as trouble:
        return trouble.with_traceback(None)  # its lines would quote this very test
    return None


def test_nothing_private_reaches_the_log(
    server: Server, http: Http, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for behave in (
        say(200, {"text": "private words"}),
        say(400, {"error": "private words"}),
        reset,
    ):
        server.behave = behave
        attempts: list[Callable[[], object]] = [
            lambda: http.read("things", {"q": "private"}, {"Authorization": "Bearer private"}),
            lambda: http.write("things", {"text": "private words"}),
        ]
        for attempt in attempts:
            if trouble := trouble_of(attempt):
                assert "private" not in "".join(traceback.format_exception(trouble))
    assert "things" in caplog.text
    assert "private" not in caplog.text
