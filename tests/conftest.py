"""What every test may use: a clock, a fresh encrypted store, a desk, and the demo platform."""

import gc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests_support import DEK

from connectors.demo import DemoConnector, DemoPlatform, open_platform
from moderator_app import vault
from moderator_app.desk import accounts
from moderator_app.desk.desk import Desk
from moderator_app.desk.sync import Sync
from moderator_app.models.store import Store
from moderator_app.paths import Profile


class Clock:
    """A clock that moves only when a test says so."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **span: float) -> None:
        self.at += timedelta(**span)


@pytest.fixture(autouse=True, scope="module")
def _what_stands_stays() -> None:
    """Looking over all that earlier modules left would take longer than the tests themselves."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without a keyring: only passphrase and recovery key open anything."""
    monkeypatch.setattr(vault, "trusted_keyring", lambda: None)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return Profile.at(tmp_path / "profile")


@pytest.fixture
def store(profile: Profile) -> Iterator[Store]:
    with Store.open(profile, bytearray(DEK)) as opened:
        yield opened


@pytest.fixture
def desk(store: Store, clock: Clock) -> Desk:
    return Desk(store, "Ada", clock)


@pytest.fixture
def platform(clock: Clock) -> DemoPlatform:
    """An empty community that tests fill by acting as its members."""
    return open_platform("empty", clock=clock)


class Shift:
    """A desk that is connected to a demo platform."""

    def __init__(self, desk: Desk, platform: DemoPlatform, clock: Clock) -> None:
        self.desk, self.platform, self.clock = desk, platform, clock
        self.connector = DemoConnector.on(platform)
        self.secrets = dict(self.connector.authorize())
        self.account = desk.do(accounts._remember, "demo", self.signed_in().probe(), {}, "demo:test")
        self.sync = self.new_sync()

    def signed_in(self) -> DemoConnector:
        return DemoConnector.on(self.platform, self.secrets)

    def new_sync(self) -> Sync:
        return Sync(self.desk, self.account, self.signed_in(), self.secrets.update)


@pytest.fixture
def shift(desk: Desk, platform: DemoPlatform, clock: Clock) -> Shift:
    return Shift(desk, platform, clock)
