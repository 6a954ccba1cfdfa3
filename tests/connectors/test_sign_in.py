"""Signing in through the browser: one answer, for this sign-in alone."""

import threading
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from connectors.errors import Refused, SignInAgain, TryLater
from connectors.sign_in import Attempt, Loopback, challenge

Browser = Callable[[str], object]


def _browser(loopback: Loopback, **said: str) -> Browser:
    """A browser whose person agrees at once: the platform sends it back with what it was given."""

    def open_page(page: str) -> None:
        asked = {key: values[0] for key, values in parse_qs(urlsplit(page).query).items()}
        answer = {"state": asked["state"], "code": "a-code"} | said
        back = f"{loopback.redirect_uri}?{urlencode(answer)}"
        threading.Thread(target=requests.get, args=(back,), kwargs={"timeout": 5}).start()

    return open_page


def _page(attempt: Attempt) -> str:
    return f"https://platform.example/agree?{urlencode(attempt.asks(client_id='us', scope='read'))}"


def test_the_code_comes_back() -> None:
    attempt = Attempt()
    with Loopback() as loopback:
        assert loopback.redirect_uri.startswith("http://127.0.0.1:")
        assert loopback.code(_page(attempt), attempt, open_page=_browser(loopback)) == "a-code"


def test_the_verifier_is_never_shown_and_its_hash_is_the_standard_one() -> None:
    attempt = Attempt()
    assert attempt.verifier not in _page(attempt)
    assert attempt.verifier not in repr(attempt)
    # The example of RFC 7636, appendix B.
    assert (
        challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )


def test_an_answer_with_another_state_is_not_taken() -> None:
    attempt = Attempt()
    with Loopback() as loopback:
        good = _browser(loopback)

        def open_page(page: str) -> None:
            for query in ("state=guessed&code=theirs", "code=theirs", ""):
                assert requests.get(f"{loopback.redirect_uri}?{query}", timeout=5).status_code == 400
            good(page)

        assert loopback.code(_page(attempt), attempt, open_page=open_page) == "a-code"


def test_a_person_who_says_no() -> None:
    attempt = Attempt()
    with Loopback() as loopback, pytest.raises(Refused):
        loopback.code(_page(attempt), attempt, open_page=_browser(loopback, code="", error="access_denied"))


def test_an_answer_of_another_server() -> None:
    attempt = Attempt()
    with Loopback() as loopback:
        browser = _browser(loopback, iss="https://other.example")
        with pytest.raises(SignInAgain):
            loopback.code(_page(attempt), attempt, issuer="https://platform.example", open_page=browser)


def test_nobody_comes_back() -> None:
    attempt = Attempt()
    with Loopback() as loopback, pytest.raises(TryLater):
        loopback.code(_page(attempt), attempt, open_page=lambda _: None, seconds=0.2)


def test_a_form_that_was_closed_ends_the_wait() -> None:
    attempt = Attempt()
    with Loopback() as loopback, pytest.raises(TryLater):
        loopback.code(_page(attempt), attempt, open_page=lambda _: loopback.stop())


def test_a_port_that_is_taken_is_said() -> None:
    with Loopback() as loopback, pytest.raises(TryLater, match="is taken"):
        Loopback(urlsplit(loopback.redirect_uri).port or 0)
