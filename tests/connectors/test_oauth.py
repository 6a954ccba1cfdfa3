"""Tokens: made in the browser, renewed once for all, gone when the platform says so."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from connectors.errors import SignInAgain
from connectors.http import Answer, Http
from connectors.oauth import Client, OAuth, explain
from connectors.sign_in import challenge


class Platform(ThreadingHTTPServer):
    """An authorization server that keeps every rule: a code once, PKCE checked, refresh tokens rotate."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.codes: dict[str, str] = {}  # code to challenge
        self.refresh = ""
        self.access = ""
        self.made = 0
        self.lock = threading.Lock()

    def agree(self, page: str) -> None:
        """The person agrees in the browser."""
        asked = {key: values[0] for key, values in parse_qs(urlsplit(page).query).items()}
        self.codes["a-code"] = asked["code_challenge"]
        back = f"{asked['redirect_uri']}?{urlencode({'code': 'a-code', 'state': asked['state']})}"
        threading.Thread(target=requests.get, args=(back,), kwargs={"timeout": 5}).start()

    def tokens(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        with self.lock:
            if "token" in form:  # given back
                self.access, self.refresh = "", ""
                return 200, {}
            if form["grant_type"] == "authorization_code":
                good = self.codes.pop(form["code"], "") == challenge(form["code_verifier"])
            else:
                good = bool(self.refresh) and form["refresh_token"] == self.refresh
            if not good:
                return 400, {"error": "invalid_grant"}
            self.made += 1
            self.access, self.refresh = f"access-{self.made}", f"refresh-{self.made}"
            return 200, {"access_token": self.access, "refresh_token": self.refresh, "expires_in": 3600}


class _Handler(BaseHTTPRequestHandler):
    server: Platform

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        status, found = self.server.tokens({key: values[0] for key, values in parse_qs(body).items()})
        self._say(status, found)

    def do_GET(self) -> None:
        good = self.headers["Authorization"] == f"Bearer {self.server.access}"
        self._say(200 if good else 401, {})

    def _say(self, status: int, found: dict[str, object]) -> None:
        body = json.dumps(found).encode()
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def platform() -> Iterator[Platform]:
    with Platform() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _oauth(
    platform: Platform,
    secrets: dict[str, str] | None = None,
    keep: Callable[[Mapping[str, str]], None] = lambda _: None,
) -> OAuth:
    client = Client("us", f"{platform.url}/agree", "token", "read write", revoke_path="revoke")
    return OAuth(Http(platform.url, explain), client, secrets or {}, platform.agree, keep)


def _me(platform: Platform, oauth: OAuth) -> Answer:
    http = Http(platform.url)
    return oauth.call(lambda header: http.read("me", headers=header))


def test_a_sign_in_leads_to_tokens_that_work(platform: Platform) -> None:
    oauth = _oauth(platform)
    kept = oauth.sign_in()
    assert kept["refresh_token"] == "refresh-1"
    assert _me(platform, _oauth(platform, kept)).status == 200
    assert oauth.fresh_secrets() is None


def test_a_lapsed_token_is_renewed_and_handed_out_once(platform: Platform) -> None:
    kept = _oauth(platform).sign_in()
    oauth = _oauth(platform, kept | {"expires_at": "1"})
    assert _me(platform, oauth).status == 200
    fresh = oauth.fresh_secrets()
    assert fresh is not None
    assert fresh["refresh_token"] == "refresh-2"
    assert oauth.fresh_secrets() is None


def test_a_token_that_the_platform_no_longer_takes_is_renewed(platform: Platform) -> None:
    oauth = _oauth(platform, _oauth(platform).sign_in())
    platform.access = "another"
    assert _me(platform, oauth).status == 200


def test_many_at_once_renew_once(platform: Platform) -> None:
    oauth = _oauth(platform, _oauth(platform).sign_in() | {"expires_at": "1"})
    with ThreadPoolExecutor(8) as pool:
        assert {answer.status for answer in pool.map(lambda _: _me(platform, oauth), range(16))} == {200}
    assert platform.made == 2


def test_a_renewed_token_is_stored_before_it_is_used(platform: Platform) -> None:
    kept = _oauth(platform).sign_in()

    class Dies(Exception):
        """The program ends between the renewal and the call."""

    stored: dict[str, str] = {}

    def keep_and_die(secrets: Mapping[str, str]) -> None:
        stored.update(secrets)
        raise Dies

    with pytest.raises(Dies):
        _me(platform, _oauth(platform, kept | {"expires_at": "1"}, keep_and_die))
    assert _me(platform, _oauth(platform, stored)).status == 200


def test_a_sign_in_that_was_ended_there_asks_for_another(platform: Platform) -> None:
    oauth = _oauth(platform, _oauth(platform).sign_in() | {"expires_at": "1"})
    platform.refresh = ""
    with pytest.raises(SignInAgain):
        _me(platform, oauth)


def test_tokens_are_given_back(platform: Platform) -> None:
    oauth = _oauth(platform, _oauth(platform).sign_in())
    oauth.revoke()
    assert platform.refresh == ""
    with pytest.raises(SignInAgain):
        _me(platform, oauth)


def test_nothing_that_is_shown_holds_a_token(platform: Platform) -> None:
    oauth = _oauth(platform, _oauth(platform).sign_in() | {"expires_at": "1"})
    platform.refresh = ""
    with pytest.raises(SignInAgain) as ended:
        _me(platform, oauth)
    said = f"{ended.value!r} {oauth!r} {Client('us', 'p', 't', 's', secret='hush')!r}"
    assert not any(one in said for one in ("access-", "refresh-", "hush"))
