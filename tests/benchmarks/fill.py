"""Fills a profile with an invented community through the product's own intake, once, to be used again.

`python -m tests.benchmarks.fill FOLDER --messages 1000000` fills; its passphrase is PASSPHRASE. The same
number and seed give the same messages.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from rich.console import Console

from connectors.contract import Ability, Page, Probe, Verb
from moderator_app.desk import accounts, intake, reading, triage
from moderator_app.desk.desk import Ctx, Desk
from moderator_app.desk.rows import Cue, Level, Reading
from moderator_app.models.inbox import Message
from moderator_app.models.store import Store
from moderator_app.paths import Profile
from moderator_app.vault import Vault
from tests.benchmarks.community import Community

NOW: Final = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)
SPAN: Final = timedelta(weeks=104)
PASSPHRASE: Final = "a phrase for measuring only"
# Each platform with its share of the messages. Only the first stays connected: it is never asked by itself.
PLATFORMS: Final = {
    "archive": 0.45,
    "bluesky": 0.2,
    "forum": 0.14,
    "chat": 0.1,
    "video": 0.07,
    "helpdesk": 0.04,
}
_LIVE: Final = 0.05  # of the messages were read while they came; the first pull brought what is older
_PAGE: Final = 2000
_FILLED: Final = "filled.json"
_WHY: Final = "needs a reply"

Told = Callable[[int], object]


class Clock:
    """The time of the message that came last, as in a community that is read while it lives."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


@dataclass(frozen=True, slots=True)
class Filled:
    """An open, filled profile: who asks, when, and the largest account with what it would bring next."""

    desk: Desk
    clock: Clock
    account: int
    community: Community
    messages: int


def _open_account(desk: Desk, platform: str) -> int:
    """Remember an account whose platform is never asked."""
    probe = Probe("us", "@us", "Us", verbs={verb: Ability(can=True) for verb in Verb})
    return desk.do(accounts._remember, platform, probe, {}, f"{platform}:bench")


def pour(desk: Desk, clock: Clock, total: int, told: Told = lambda _: None) -> None:
    """Store the history of every account as a first pull does, then the last weeks as they happen."""
    begin, live = NOW - SPAN, NOW - SPAN * _LIVE
    clock.at = live
    counts = {platform: round(total * share) for platform, share in PLATFORMS.items()}
    counts["archive"] += total - sum(counts.values())
    sources = [
        (_open_account(desk, platform), Community(platform, count, begin, SPAN), count)
        for platform, count in counts.items()
    ]
    done = 0
    for account, community, count in sources:
        for page in community.pages(count - round(count * _LIVE), _PAGE):
            done += _store(desk, account, page, told, done)
    # As many slices as keep every page within a day, but no page of one message.
    slices = max(1, min(round(total * _LIVE / 300), 44))
    for number in range(slices):
        for account, community, count in sources:
            lived = round(count * _LIVE)
            size = lived * (number + 1) // slices - lived * number // slices
            for page in community.pages(size, _PAGE):
                clock.at = max(clock.at, page.messages[-1].created_at + timedelta(seconds=1))
                done += _store(desk, account, page, told, done)
    clock.at = NOW
    desk.do(triage.age)
    for account, _, _ in sources[1:]:
        desk.do(accounts.disconnect, account)


def _store(desk: Desk, account: int, page: Page, told: Told, done: int) -> int:
    brought = desk.do(intake.apply, account, page)
    read(desk)
    told(done + brought.new)
    return brought.new


def read(desk: Desk, size: int = _PAGE) -> None:
    """Give every unread message a level by its number, in the shares of an ordinary community."""
    while batch := desk.ask(reading.unread, size):
        desk.do(reading.apply, [(key, text, _reading(key, text)) for key, text, _ in batch])


def _reading(key: int, text: str) -> Reading:
    share = key * 2654435761 % 1000
    if share >= 250:
        return Reading(Level.GREEN, (), "en")
    level = Level.CRISIS if share < 5 else Level.RED if share < 40 else Level.AMBER
    return Reading(level, (Cue(0, min(12, len(text)), "measured", level, _WHY, "en"),), "en")


def fill(folder: Path, total: int, told: Told = lambda _: None) -> float:
    """Fill a profile and mark it as whole; answers how many messages a second that was."""
    profile = Profile.at(folder)
    dek, _ = Vault(profile.vault).create(PASSPHRASE)
    clock = Clock()
    began = time.perf_counter()
    with Store.open(profile, dek) as store:
        pour(Desk(store, "Ada", clock), clock, total, told)
    rate = total / (time.perf_counter() - began)
    (folder / _FILLED).write_text(json.dumps({"messages": total, "rate": rate}), "utf-8")
    return rate


def filled(folder: Path) -> dict[str, float] | None:
    """What a folder was filled with; None where it was not, or not to the end."""
    try:
        said: dict[str, float] = json.loads((folder / _FILLED).read_text("utf-8"))
    except OSError:
        return None
    return said


def key_of(folder: Path) -> bytearray:
    """The key of a filled profile."""
    return Vault(Profile.at(folder).vault).unlock(PASSPHRASE)


def take_up(store: Store) -> Filled:
    """Go on with a filled store: the next messages have numbers that it has not seen."""
    clock = Clock()
    desk = Desk(store, "Ada", clock)
    account, newest, count = desk.ask(_found)
    community = Community("archive", count, NOW, SPAN, after=newest)
    return Filled(desk, clock, account, community, count)


def _found(ctx: Ctx) -> tuple[int, int, int]:
    newest = ctx.session.scalar(sa.select(sa.func.max(Message.id))) or 0
    count = ctx.session.scalar(sa.select(sa.func.count(Message.id))) or 0
    return accounts.sign_ins(ctx)[0].account_id, newest, count


def shower(console: Console, total: int) -> Told:
    """Say how far it is, twenty times and with the rate of the last part."""
    state = {"next": 0.0, "done": 0.0, "at": time.perf_counter()}

    def told(done: int) -> None:
        if done < state["next"] and done < total:
            return
        now = time.perf_counter()
        rate = (done - state["done"]) / max(now - state["at"], 1e-9)
        console.print(f"[dim]{done:,} of {total:,} messages, {rate:,.0f} a second[/dim]")
        state.update(next=done + total / 20, done=done, at=now)

    return told


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.fill", description="Fill a profile.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--messages", type=int, default=1_000_000)
    chosen = parser.parse_args(words)
    console = Console()
    rate = fill(chosen.folder, chosen.messages, shower(console, chosen.messages))
    console.print(f"{rate:,.0f} messages a second, stored and read")


if __name__ == "__main__":
    main(sys.argv[1:])
