"""The whole way once on Mastodon: a server that speaks its interface, the real file, the real window."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from moderator_app.app import Program
from moderator_app.desk import actions, triage
from moderator_app.desk.desk import Ctx
from moderator_app.desk.rows import Kind, Queue
from moderator_app.models.inbox import Message
from moderator_app.paths import Profile
from moderator_app.views.theme import Theme
from moderator_app.workspace import Workspace
from tests.servers.mastodon_network import Network

pytestmark = pytest.mark.platforms

PHRASE = "a phrase for this journey"
ASKED = "I read along every evening and I wanted to say thank you."
DIRECT = "May I ask you something where nobody else reads?"
HURT = "Nobody here cares about you."
ANSWER = "Thank you for reading along, it means a lot to us."
QUIET = "Of course. We are here, take your time."


class World:
    """The account that moderates the server, and two members who have just written."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.us = network.keeper()  # other tests used it too: what is told here has words of its own
        self.mira, self.loud = network.account("mira"), network.account("loud")
        self.mark = f"{uuid4().hex[:10]}:"
        self.asked = self.mira.mention(self.us, self.own(ASKED), visibility="unlisted")
        self.direct = self.mira.direct(self.us, self.own(DIRECT))
        self.hurt = self.loud.post(self.own(HURT))
        self.mira.report(self.hurt, self.own("This was meant to hurt somebody."))

    def own(self, words: str) -> str:
        return f"{self.mark} {words}"

    def connect(self, workspace: Workspace) -> int:
        values = {"server": self.network.url, "moderate": "yes"}
        return workspace.connect("mastodon", values, {"access_token": self.us.token})

    def answers(self, message: str) -> list[Any]:
        return self.us.below(message, self.us)


@pytest.fixture
def world(mastodon: Network) -> World:
    return World(mastodon)


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return Profile.at(tmp_path / "profile")


def texts(workspace: Workspace, mark: str) -> Counter[tuple[str, str]]:
    """How often each message of this test stands in the store, with its kind."""

    def read(ctx: Ctx) -> Counter[tuple[str, str]]:
        rows = ctx.session.execute(sa.select(Message.kind, Message.body))
        return Counter((kind, body.replace(f"{mark} ", "")) for kind, body in rows if mark in body)

    return workspace.desk.ask(read)


def test_what_was_written_comes_once(world: World, profile: Profile) -> None:
    handle = world.us.acct
    with Workspace.open(profile, PHRASE) as workspace:
        world.connect(workspace)
        (sync,) = workspace.syncs().values()
        assert sync.run().health == "ok"
        found = texts(workspace, world.mark)
        assert found == {
            (Kind.MENTION, f"@{handle} {ASKED}"): 1,
            (Kind.DIRECT, f"@{handle} {DIRECT}"): 1,
            (Kind.POST, HURT): 1,
            (Kind.REPORT, "This was meant to hurt somebody."): 1,
        }
        assert sync.run().brought.new == 0
        assert texts(workspace, world.mark) == found


@pytest.fixture
def program(
    world: World, profile: Profile, qapp: QApplication, qtbot: QtBot
) -> Iterator[tuple[Program, Workspace]]:
    workspace = Workspace.open(profile, PHRASE)
    world.connect(workspace)
    theme = Theme(qapp, "light", 100)
    theme.apply()
    program = Program(qapp, workspace, theme)
    qtbot.addWidget(program.window)
    program.window.show()
    program.start()
    yield program, workspace
    program.window.close()
    program.stop()


def answer(program: tuple[Program, Workspace], qtbot: QtBot, asked: str, words: str) -> None:
    """Open what was asked and type an answer, as a moderator does."""
    window, desk = program[0].window, program[1].desk

    def mine() -> int | None:
        rows = desk.ask(triage.queue, Queue.OPEN)
        return next((row.item_id for row in rows if asked in row.excerpt), None)

    qtbot.waitUntil(lambda: mine() is not None, timeout=30_000)
    item = mine()
    assert item is not None
    window.open_item(item)
    qtbot.waitUntil(lambda: window.talk.item_id == item, timeout=5_000)
    window.commands.action("reply").trigger()
    qtbot.keyClicks(window.reply.text, words)
    window.reply.try_to_send()
    qtbot.waitUntil(lambda: len(desk.ask(actions.outbox)) == 1, timeout=5_000)


@pytest.mark.parametrize(
    ("which", "asked", "words", "visibility"),
    [("asked", ASKED, ANSWER, "unlisted"), ("direct", DIRECT, QUIET, "direct")],
)
def test_an_answer_typed_in_the_window_arrives_once_and_is_seen_by_the_same_people(
    world: World,
    program: tuple[Program, Workspace],
    qtbot: QtBot,
    which: str,
    asked: str,
    words: str,
    visibility: str,
) -> None:
    desk, message = program[1].desk, getattr(world, which)
    answer(program, qtbot, world.own(asked), world.own(words))
    assert not world.answers(message)
    qtbot.waitUntil(lambda: bool(world.answers(message)), timeout=30_000)
    qtbot.waitUntil(lambda: desk.ask(actions.outbox) == [], timeout=10_000)
    program[0].sync_now()
    qtbot.waitUntil(lambda: not program[0].runner.jobs, timeout=30_000)
    (sent,) = world.answers(message)
    assert (sent["visibility"], sent["in_reply_to_id"]) == (visibility, message)
    assert [one["id"] for one in sent["mentions"]] == [world.mira.id]
    assert world.us.words(sent["id"]) == world.own(words)
    here = [body for (_, body), often in texts(program[1], world.mark).items() for _ in range(often)]
    assert here.count(words) == 1, "what we sent and what the server shows of it are one message"


def test_an_edit_and_a_deletion_there_are_ones_here(world: World, profile: Profile) -> None:
    with Workspace.open(profile, PHRASE) as workspace:
        world.connect(workspace)
        (sync,) = workspace.syncs().values()
        assert sync.run().health == "ok"
        world.mira.edit(world.asked, f"@{world.us.acct} {world.own('I meant to say: thank you.')}")
        assert sync.run().brought.edited == 1
        found = texts(workspace, world.mark)
        assert found[Kind.MENTION, f"@{world.us.acct} I meant to say: thank you."] == 1
        assert (Kind.MENTION, f"@{world.us.acct} {ASKED}") not in found
        world.mira.delete(world.asked)
        assert sync.run().health == "ok"
        assert not [kind for kind, _ in texts(workspace, world.mark) if kind == Kind.MENTION]
