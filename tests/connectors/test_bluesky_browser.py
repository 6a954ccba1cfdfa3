"""Signing in to Bluesky in the browser, against its real sign-in server: PAR, PKCE and DPoP."""

import threading
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import pytest
import uuid_utils

from connectors.bluesky import BlueskyConnector
from connectors.contract import Audience, Command, Kind, RemoteMessage, Verb
from connectors.errors import ConnectorError, Refused, SignInAgain
from tests.servers.bluesky_browser import Person
from tests.servers.bluesky_network import Account, Network

pytestmark = pytest.mark.platforms


class Desk:
    """An account whose person signs in in the browser; `kept` is what was stored, in order."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.us = network.account("us")
        self.values = {"server": network.pds, "handle": self.us.handle}
        self.person = Person(self.us, self.us.password)
        self.kept: list[dict[str, str]] = []

    def connector(self, secrets: Mapping[str, str] | None = None) -> BlueskyConnector:
        made = BlueskyConnector(self.values, secrets if secrets is not None else self.kept[-1])
        made.open_page = self.person.open_page  # type: ignore[method-assign]
        made.keep = lambda found: self.kept.append(dict(found))
        return made

    def sign_in(self) -> BlueskyConnector:
        class Here(BlueskyConnector):
            plc = self.network.info["plc"]
            open_page = staticmethod(self.person.open_page)

        first = Here(self.values, {})
        first.keep = lambda found: self.kept.append(dict(found))
        self.kept.append(dict(first.authorize()))
        assert not self.person.trouble
        return self.connector()


@pytest.fixture
def desk(network: Network) -> Desk:
    return Desk(network)


def _reply(message: RemoteMessage, text: str) -> Command:
    key = str(uuid_utils.uuid7())
    return Command(key, Verb.REPLY, message.id, message.thread_id, text, message.audience)


def test_a_sign_in_in_the_browser_reads_answers_and_chats(desk: Desk, network: Network) -> None:
    other = network.account("other")
    connector = desk.sign_in()
    asked = parse_qs(urlsplit(desk.person.asked[0]).query)
    assert set(asked) == {"client_id", "request_uri"}, "what we ask is handed over beforehand"
    ours = desk.us.post("We are here to listen.")
    network.settle()
    other.reply(ours, "hello")
    other.direct(desk.us, "a quiet word")
    network.settle()
    probe = connector.probe()
    assert (probe.account_id, probe.handle) == (desk.us.did, desk.us.handle)
    assert all(probe.streams[name].can for name in ("posts", "mentions", "directs"))
    found = {m.text: m for name in ("posts", "directs") for p in connector.pull(name, "") for m in p.messages}
    connector.perform(_reply(found["hello"], "Good to hear from you."))
    direct = found["a quiet word"]
    assert (direct.kind, direct.audience) == (Kind.DIRECT, Audience.PRIVATE)
    connector.perform(_reply(direct, "We are here."))
    assert "Good to hear from you." in [post["text"] for post in desk.us.posts()]
    assert desk.us.directs(direct.thread_id)[0]["text"] == "We are here."


def test_a_renewed_token_is_kept_before_it_is_used_and_by_one_only(desk: Desk) -> None:
    desk.sign_in()
    before, stored = desk.kept[-1], len(desk.kept)
    connector = desk.connector({**before, "expires_at": "1"})
    threads = [threading.Thread(target=connector.probe) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(desk.kept) == stored + 1, "one renewal for everybody"
    assert desk.kept[-1]["refresh_token"] != before["refresh_token"]
    # Whatever became of that process: what was stored goes on.
    assert desk.connector({**desk.kept[-1], "expires_at": "1"}).probe().account_id == desk.us.did


def test_a_used_up_refresh_token_ends_the_sign_in_and_says_so(desk: Desk) -> None:
    desk.sign_in()
    old = {**desk.kept[-1], "expires_at": "1"}
    desk.connector(old).probe()
    with pytest.raises(SignInAgain):
        desk.connector(old).probe()
    desk.sign_in()
    assert desk.connector().probe().account_id == desk.us.did, "signing in again heals it"


def test_a_spoiled_token_is_renewed_on_the_way(desk: Desk) -> None:
    desk.sign_in()
    spoiled = {**desk.kept[-1], "access_token": desk.kept[-1]["access_token"][:-6] + "AAAAAA"}
    assert desk.connector(spoiled).probe().account_id == desk.us.did


def test_signing_out_gives_the_tokens_back(desk: Desk) -> None:
    desk.sign_in().sign_out()
    with pytest.raises(SignInAgain):
        desk.connector({**desk.kept[-1], "expires_at": "1"}).probe()


def test_a_person_who_does_not_agree_is_not_signed_in(desk: Desk) -> None:
    desk.person.agrees = False
    with pytest.raises(Refused):
        desk.sign_in()


def test_another_account_than_the_one_named_is_not_taken(desk: Desk, network: Network) -> None:
    stranger: Account = network.account("stranger")
    desk.person = Person(stranger, stranger.password)
    with pytest.raises(SignInAgain):
        desk.sign_in()


def test_a_handle_that_nobody_has(desk: Desk) -> None:
    desk.values["handle"] = "nobody-of-that-name.test"
    with pytest.raises(ConnectorError):
        desk.sign_in()
    assert not desk.person.asked
