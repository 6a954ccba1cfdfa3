"""Works on a profile through the program's own code until it is killed, and says what it was told is done.

Run as `python -m tests.torture.child FOLDER KIND SEED`. Each line on standard output is a fact that the
program acknowledged ("done pull 7") or an intention ("try erase p3"); the driver holds the store to them.
"""

import os
import random
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from connectors.contract import Ability, Kind, Page, Probe, RemoteMessage, RemotePerson, Verb
from moderator_app.backups import Backups
from moderator_app.desk import accounts, erasure, intake, reading, replies, threads, triage
from moderator_app.desk.desk import Ctx
from moderator_app.desk.requests import Target
from moderator_app.desk.rows import Audience, Cue, Level, Queue, Reading
from moderator_app.keys import Key
from moderator_app.models.inbox import Message, Person
from moderator_app.paths import Profile
from moderator_app.vault import Vault
from moderator_app.workspace import Workspace
from tests.torture import disk

PHRASE: Final = "four quiet evening words"
PEOPLE: Final = 40
THREADS: Final = 25
PER_PAGE: Final = 40
BEGAN: Final = datetime(2026, 11, 1, tzinfo=UTC)


def said(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def word_of(page: int, place: int) -> str:
    """A word that only one message holds."""
    return f"w{page}x{place}y"


def person_of(page: int, place: int) -> int:
    return (page * 7 + place) % PEOPLE


def page_of(number: int) -> Page:
    """Always the same page for the same number."""
    messages = tuple(
        RemoteMessage(
            id=f"m{number}-{place}",
            thread_id=f"t{(number + place) % THREADS}",
            kind=Kind.COMMENT,
            person=RemotePerson(f"p{person_of(number, place)}", f"@p{person_of(number, place)}", ""),
            text=f"a calm sentence with {word_of(number, place)} in it, " * 3,
            created_at=datetime.now(tz=UTC) - timedelta(minutes=PER_PAGE - place),
            thread_title=f"conversation {(number + place) % THREADS}",
            revision="1",
        )
        for place in range(PER_PAGE)
    )
    return Page("comments", messages, state=str(number))


class Shift:
    """One process: opens the profile, works, and never ends by itself."""

    def __init__(self, profile: Profile, kind: str, seed: int) -> None:
        self.profile, self.kind = profile, kind
        self.random = random.Random(seed)
        self.workspace = Workspace.open(profile, PHRASE)
        self.number = 0

    @property
    def desk(self) -> accounts.Desk:
        return self.workspace.desk

    def account(self) -> int:
        probe = Probe("us", "@us", "Us", verbs={verb: Ability(can=True) for verb in Verb})
        return self.desk.do(accounts._remember, "archive", probe, {}, "archive:torture")

    def item(self) -> int:
        rows = self.desk.ask(triage.queue, Queue.OPEN, None, 50)
        return self.random.choice(rows).item_id

    # ------------------------------------------------------------------ what is done

    def pull(self) -> None:
        newest = self.desk.ask(_newest_page)
        self.desk.do(intake.apply, self.account_id, page_of(newest + 1))
        said("done", "pull", newest + 1)

    def read(self) -> None:
        batch = self.desk.ask(reading.unread, 64)
        found = [
            (key, text, Reading(Level(key % 4), (Cue(0, 6, "torture", Level(key % 4), "why", "en"),), "en"))
            for key, text, _ in batch
        ]
        self.desk.do(reading.apply, found)

    def decide(self) -> None:
        item = self.item()
        recorded = self.desk.do(triage.assign, item, self.random.choice(["Ada", "Bo", ""]))
        said("done", "action", recorded.action_id)

    def note(self) -> None:
        self.number += 1
        text = f"note-{os.getpid()}-{self.number}"
        self.desk.do(threads.note, self.item(), text)
        said("done", "note", text)

    def draft(self) -> None:
        self.number += 1
        item, text = self.item(), f"draft-{os.getpid()}-{self.number}"
        self.desk.do(replies.save_draft, item, text, Audience.PUBLIC)
        said("done", "draft", item, text)

    def backup(self) -> None:
        assert self.workspace.backups is not None
        said("done", "backup", self.workspace.backups.make(keep=3).name)

    def rekey(self) -> None:
        self.workspace.close()
        vault = Vault(self.profile.vault)
        said("try", "rekey")
        Backups(self.profile, vault, Key(vault.unlock(PHRASE))).change_key(PHRASE)
        said("done", "rekey")
        self.workspace = Workspace.open(self.profile, PHRASE)

    def restore(self) -> None:
        """A backup of this moment is put in place of the same moment: nothing may change."""
        assert self.workspace.backups is not None
        name = self.workspace.backups.make(keep=3).name
        said("done", "backup", name)
        self.workspace.close()
        vault = Vault(self.profile.vault)
        said("try", "restore")
        Backups(self.profile, vault, Key(vault.unlock(PHRASE))).restore(name)
        said("done", "restore")
        self.workspace = Workspace.open(self.profile, PHRASE)

    def erase(self) -> None:
        """One person's words, asked by one and confirmed by another, until the proof stands."""
        person, name = self.desk.ask(_somebody, self.random.random())
        if not person:
            self.pull()
            return
        through = self.desk.ask(_newest_page)
        request = self.desk.do(erasure.ask, Target("person", person))
        said("try", "erase", name, through)
        self.desk.do(erasure.confirm, request, "Bo")
        erasure.run(self.desk, self.workspace.backups)
        said("done", "erase", name, through)

    def work(self) -> None:
        self.account_id = self.account()
        if not self.desk.ask(triage.queue, Queue.OPEN, None, 1):
            self.pull()
        said("ready")
        usual: list[Callable[[], None]] = [self.pull, self.read, self.decide, self.note, self.draft]
        if self.kind == "erase":
            usual = [self.pull, self.read]  # what else is done here would go with the words it is about
        special: dict[str, Callable[[], None]] = {
            "pull": self.pull,
            "decide": self.decide,
            "backup": self.backup,
            "rekey": self.rekey,
            "restore": self.restore,
            "erase": self.erase,
        }
        while True:
            chosen = special.get(self.kind)
            if chosen is None or self.random.random() < 0.4:
                chosen = self.random.choice(usual)
            chosen()


def _somebody(ctx: Ctx, share: float) -> tuple[int, str]:
    """A person whose words are here; (0, "") where there is none."""
    rows = ctx.session.execute(
        sa.select(Person.id, Person.external_id).where(Person.messages > 0, Person.external_id != "us")
    ).all()
    return tuple(rows[int(share * len(rows))]) if rows else (0, "")


def _newest_page(ctx: Ctx) -> int:
    names = ctx.session.scalars(
        sa.select(Message.external_id)
        .where(Message.external_id.like("m%"))
        .order_by(Message.id.desc())
        .limit(1)
    ).all()
    return int(names[0].removeprefix("m").split("-")[0]) if names else 0


def main(folder: Path, kind: str, seed: int) -> None:
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    disk.sync_all(folder)
    if kind == "migrate":
        said("ready")
    shift = Shift(Profile.at(folder), kind, seed)
    if kind == "migrate":
        said("done", "migrate")
    shift.work()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
