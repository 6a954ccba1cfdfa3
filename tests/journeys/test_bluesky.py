"""The whole way once, for real: a real network, the real file, the real window."""

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from moderator_app.app import Program
from moderator_app.desk import actions, reading, search, triage
from moderator_app.desk.desk import Ctx
from moderator_app.desk.language import Rules
from moderator_app.desk.rows import Kind, Queue
from moderator_app.models.inbox import Message
from moderator_app.paths import Profile
from moderator_app.views.theme import Theme
from moderator_app.workspace import Workspace
from tests.servers.bluesky_network import Network

pytestmark = pytest.mark.platforms

PHRASE = "a phrase for this journey"
POST = "We are here to listen, every evening."
REPLY = "I read along every evening and I wanted to say thank you."
DIRECT = "May I ask you something where nobody else reads?"
REPORTED = "Nobody here cares about you."
REASON = "This was meant to hurt somebody."


class World:
    """Our account and two members, who have just written a reply, a direct message and a report."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.us, self.mira, self.loud = (network.account(name) for name in ("harbour", "mira", "loud"))
        network.make_moderator(self.us)
        self.post = self.us.post(POST)
        network.settle()
        self.reply = self.mira.reply(self.post, REPLY)
        self.direct = self.mira.direct(self.us, DIRECT)
        self.reported = self.loud.post(REPORTED)
        network.settle()
        self.mira.report(self.reported, "reasonRude", REASON)
        network.settle()

    def connect(self, workspace: Workspace) -> int:
        values = {
            "server": self.network.pds,
            "handle": self.us.handle,
            "labeler": self.network.labeler,
        }
        return workspace.connect("bluesky", values, {"app_password": self.us.app_password()})


@pytest.fixture
def world(network: Network) -> World:
    return World(network)


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return Profile.at(tmp_path / "profile")


def texts(workspace: Workspace) -> Counter[tuple[str, str]]:
    """How often each message stands in the store, with its kind."""

    def read(ctx: Ctx) -> Counter[tuple[str, str]]:
        rows = ctx.session.execute(sa.select(Message.kind, Message.body))
        return Counter((kind, body) for kind, body in rows)

    return workspace.desk.ask(read)


THREE = {(Kind.COMMENT, REPLY), (Kind.DIRECT, DIRECT), (Kind.REPORT, REASON)}


def test_three_messages_come_once_also_after_a_kill_in_the_middle(world: World, profile: Profile) -> None:
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
        assert set(found) >= THREE
        assert max(found.values()) == 1
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
        return next((row.item_id for row in rows if REPLY in row.excerpt), None)

    qtbot.waitUntil(lambda: mine() is not None, timeout=30_000)
    item = mine()
    assert item is not None
    window.open_item(item)
    qtbot.waitUntil(lambda: window.talk.item_id == item, timeout=5_000)
    answer = "Thank you for reading along, it means a lot to us."
    window.commands.action("reply").trigger()
    qtbot.keyClicks(window.reply.text, answer)
    window.reply.try_to_send()
    qtbot.waitUntil(lambda: len(desk.ask(actions.outbox)) == 1, timeout=5_000)
    assert answer not in [post["text"] for post in world.us.posts()]
    qtbot.waitUntil(lambda: answer in [post["text"] for post in world.us.posts()], timeout=30_000)
    qtbot.waitUntil(lambda: desk.ask(actions.outbox) == [], timeout=10_000)
    world.network.settle()
    program[0].sync_now()
    qtbot.waitUntil(lambda: not program[0].runner.jobs, timeout=30_000)
    sent = [post for post in world.us.posts() if post["text"] == answer]
    assert len(sent) == 1
    assert sent[0]["reply"]["parent"]["uri"] == world.reply
    assert texts(program[1])[(Kind.COMMENT, answer)] == 1

    world.mira.delete(world.reply)
    world.network.settle()

    def gone() -> bool:
        program[0].sync_now()
        return REPLY not in {body for _, body in texts(program[1])}

    qtbot.waitUntil(gone, timeout=30_000)
    assert desk.ask(search.find, "reading along every evening") == []
    shown = window.talk.conversation
    qtbot.waitUntil(lambda: REPLY not in repr(window.talk.thread_shown), timeout=5_000)
    assert shown is not None


def test_what_the_rules_read_stands_in_the_queue_with_its_reasons(world: World, profile: Profile) -> None:
    world.mira.reply(world.post, "I do not want to be here any more, I want to die.")
    world.network.settle()
    with Workspace.open(profile, PHRASE) as workspace:
        world.connect(workspace)
        (sync,) = workspace.syncs().values()
        assert sync.run().health == "ok"
        with Rules() as rules:
            reading.read_pending(workspace.desk, rules)
        first = workspace.desk.ask(triage.queue, Queue.OPEN)[0]
        assert first.level.word == "crisis"
        assert first.excerpt_cues
