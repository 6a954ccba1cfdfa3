"""Signing in: what is given up waits for nobody and keeps nothing."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from connectors.demo import DemoConnector
from connectors.reddit import RedditConnector
from moderator_app.desk import accounts
from moderator_app.desk.desk import Desk
from moderator_app.errors import ForTheModerator

VALUES = {"client_id": "us", "username": "u/harbour", "communities": "harbour"}


def test_a_sign_in_that_is_given_up_no_longer_waits_for_the_browser(desk: Desk) -> None:
    opened = threading.Event()

    class Waiting(RedditConnector):
        port = 0
        open_page = staticmethod(lambda _: opened.set())

    attempt, kept = accounts.Attempt(), dict[str, object]()

    def work() -> int:
        return accounts.connect(desk, Waiting, VALUES, {}, kept.__setitem__, attempt)

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(work)
        assert opened.wait(10)
        attempt.give_up()
        with pytest.raises(ForTheModerator):
            answer.result(timeout=10)
    assert not kept
    assert desk.ask(accounts.rows) == []


def test_what_was_given_up_before_the_platform_agreed_is_not_kept(desk: Desk) -> None:
    attempt, kept = accounts.Attempt(), dict[str, object]()

    class GivenUp(DemoConnector):
        def authorize(self) -> dict[str, str]:
            attempt.give_up()
            return dict(super().authorize())

    with pytest.raises(ForTheModerator):
        accounts.connect(desk, GivenUp, {}, {}, kept.__setitem__, attempt)
    assert not kept
    assert desk.ask(accounts.rows) == []
