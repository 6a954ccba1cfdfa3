"""A community on the server of mastodon.sh: our account, its moderator and two people."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.contract import (
    Command,
    Page,
    Receipt,
    RemoteMessage,
    Verb,
)
from connectors.faults import FaultProxy
from connectors.mastodon import MastodonConnector
from connectors.testing import fetch_one, last_states, new_key
from tests.servers.mastodon_network import Account, Network


@dataclass
class Harbour:
    """Our account, one that moderates the server, and two people who live there."""

    network: Network
    proxy: FaultProxy
    us: Account
    keeper: Account
    mira: Account
    loud: Account
    post: str

    def connector(self, account: Account | None = None) -> MastodonConnector:
        values = {"server": self.proxy.url, "moderate": "yes" if account is self.keeper else ""}
        return MastodonConnector(values, {"access_token": (account or self.us).token})

    def inbox(self, state: str = "", since: datetime | None = None) -> list[Page]:
        return list(self.connector().pull("inbox", state, since))

    def now(self, stream: str = "inbox", account: Account | None = None) -> str:
        return last_states(self.connector(account).pull(stream, ""))[stream]

    def read(self, message: str) -> RemoteMessage:
        found = fetch_one(self.connector(), message)
        assert isinstance(found, RemoteMessage)
        return found

    def do(self, verb: Verb, target: str, text: str = "", **options: str) -> Receipt:
        """As our account, in public as far as the platform lets us."""
        return self.connector().perform(Command(new_key(), verb, target, "", text, options=options))

    def keep(self, verb: Verb, target: str, text: str = "", **options: str) -> Receipt:
        """As the moderator."""
        command = Command(new_key(), verb, target, "", text, options=options)
        return self.connector(self.keeper).perform(command)

    def asked(self, path: str) -> list[dict[str, list[str]]]:
        """The queries that came for a path."""
        found = [urlsplit(url) for verb, url in self.proxy.seen if verb == "GET"]
        return [parse_qs(url.query) for url in found if url.path == path]


@pytest.fixture
def harbour(mastodon: Network) -> Iterator[Harbour]:
    us, mira, loud = (mastodon.account(name) for name in ("harbour", "mira", "loud"))
    with FaultProxy(mastodon.url) as proxy:
        post = us.post("We are here to listen.")
        yield Harbour(mastodon, proxy, us, mastodon.keeper(), mira, loud, post)
