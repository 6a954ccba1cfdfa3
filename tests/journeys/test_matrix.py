"""The whole way once on Matrix: a real server, the real file, the real window."""

import signal
import subprocess
import sys
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
from tests.servers.synapse_network import Network, split

pytestmark = pytest.mark.platforms

PHRASE = "a phrase for this journey"
ASKED = "I read along every evening and I wanted to say thank you."
DIRECT = "May I ask you something where nobody else reads?"
HURT = "Nobody here cares about you."
REASON = "This was meant to hurt somebody."
ANSWER = "Thank you for reading along, it means a lot to us."


class World:
    """Our account, which runs the server, and two members who have just written."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.us = network.account("harbour", admin=True)
        self.mira, self.loud = network.account("mira"), network.account("loud")
        self.room = self.us.room("Harbour")
        for member in (self.mira, self.loud):
            member.join(self.room)
        self.asked = self.mira.say(self.room, ASKED)
        self.direct = self.mira.say(self.mira.direct_room(self.us), DIRECT)
        # The server shows an administrator every report, also those of other tests.
        self.reason = f"{REASON} {uuid4().hex}"
        self.mira.report(self.loud.say(self.room, HURT), self.reason)

    def connect(self, workspace: Workspace) -> int:
        values = {"server": self.network.url, "user": self.us.id}
        return workspace.connect("matrix", values, {"password": self.us.password})

    def answers(self) -> list[dict[str, Any]]:
        return [event for event in self.us.said(self.room) if event["content"]["body"] == ANSWER]


@pytest.fixture
def world(synapse: Network) -> World:
    return World(synapse)


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return Profile.at(tmp_path / "profile")


def texts(workspace: Workspace) -> Counter[tuple[str, str]]:
    """How often each message stands in the store, with its kind."""

    def read(ctx: Ctx) -> Counter[tuple[str, str]]:
        rows = ctx.session.execute(sa.select(Message.kind, Message.body))
        return Counter((kind, body) for kind, body in rows)

    return workspace.desk.ask(read)


def test_what_was_written_comes_once_also_after_a_kill_in_the_middle(world: World, profile: Profile) -> None:
    for number in range(60):
        world.loud.say(world.room, f"one of many {number}")
    with Workspace.open(profile, PHRASE) as workspace:
        world.connect(workspace)
    script = (
        "import pathlib, sys\n"
        "from moderator_app.paths import Profile\n"
        "from moderator_app.workspace import Workspace\n"
        "workspace = Workspace.open(Profile.at(pathlib.Path(sys.argv[1])), sys.argv[2])\n"
        "def page(found):\n"
        "    if found.messages:\n"
        "        print('page', flush=True)\n"
        "        sys.stdin.read()\n"
        "for sync in workspace.syncs().values():\n"
        "    sync.run(progress=page)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(profile.folder), PHRASE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"page\n"
        child.send_signal(signal.SIGKILL)
    with Workspace.open(profile, PHRASE) as workspace:
        (sync,) = workspace.syncs().values()
        assert sync.run().health == "ok"
        found = texts(workspace)
        many = {(Kind.COMMENT, f"one of many {number}") for number in range(60)}
        three = {(Kind.COMMENT, ASKED), (Kind.DIRECT, DIRECT), (Kind.REPORT, world.reason)}
        assert {found[one] for one in three | many} == {1}
        assert sync.run().brought.new == 0
        assert texts(workspace) == found


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


def test_a_reply_typed_in_the_window_arrives_once_and_a_deletion_there_is_one_here(
    world: World, program: tuple[Program, Workspace], qtbot: QtBot
) -> None:
    window, desk = program[0].window, program[1].desk

    def mine() -> int | None:
        rows = desk.ask(triage.queue, Queue.OPEN)
        return next((row.item_id for row in rows if ASKED in row.excerpt), None)

    qtbot.waitUntil(lambda: mine() is not None, timeout=30_000)
    item = mine()
    assert item is not None
    window.open_item(item)
    qtbot.waitUntil(lambda: window.talk.item_id == item, timeout=5_000)
    window.commands.action("reply").trigger()
    qtbot.keyClicks(window.reply.text, ANSWER)
    window.reply.try_to_send()
    qtbot.waitUntil(lambda: len(desk.ask(actions.outbox)) == 1, timeout=5_000)
    assert not world.answers()
    qtbot.waitUntil(lambda: bool(world.answers()), timeout=30_000)
    qtbot.waitUntil(lambda: desk.ask(actions.outbox) == [], timeout=10_000)
    program[0].sync_now()
    qtbot.waitUntil(lambda: not program[0].runner.jobs, timeout=30_000)
    (sent,) = world.answers()
    assert sent["content"]["m.relates_to"]["event_id"] == split(world.asked)[1]
    assert texts(program[1])[(Kind.COMMENT, ANSWER)] == 1

    world.mira.redact(world.asked)

    def gone() -> bool:
        program[0].sync_now()
        return ASKED not in {body for _, body in texts(program[1])}

    qtbot.waitUntil(gone, timeout=30_000)
    qtbot.waitUntil(lambda: ASKED not in repr(window.talk.thread_shown), timeout=5_000)


def test_an_edit_there_is_the_new_text_here(world: World, profile: Profile) -> None:
    with Workspace.open(profile, PHRASE) as workspace:
        world.connect(workspace)
        (sync,) = workspace.syncs().values()
        assert sync.run().health == "ok"
        world.mira.edit(world.asked, "I meant to say: thank you.")
        assert sync.run().brought.edited == 1
        found = texts(workspace)
        assert found[Kind.COMMENT, "I meant to say: thank you."] == 1
        assert (Kind.COMMENT, ASKED) not in found
