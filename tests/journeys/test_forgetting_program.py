"""Forgetting around a real window: nothing deleted there is shown, and what was cut off is finished."""

import uuid

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from connectors import demo
from moderator_app.app import Program
from moderator_app.desk import erasure, requests, triage
from moderator_app.desk.requests import RequestState, Target
from moderator_app.desk.rows import Queue
from moderator_app.paths import Profile
from moderator_app.views.theme import Theme
from moderator_app.workspace import Workspace

PHRASE = "a phrase for this test"


@pytest.fixture
def values() -> dict[str, str]:
    return {"community": f"quiet-{uuid.uuid4().hex}", "seed": "7", "hostile": "0"}


def _yesterday(profile: Profile, values: dict[str, str]) -> str:
    """A shift that is over; answers the message that it brought."""
    with Workspace.open(profile, PHRASE) as workspace:
        message = demo._shared(values).say("@mira", "the heronfeather fell", title="heronfeather")
        account = workspace.connect("demo", values)
        workspace.syncs()[account].run()
    return message


def test_what_was_deleted_while_we_were_closed_never_reaches_the_screen(
    qapp: QApplication, profile: Profile, theme: Theme, values: dict[str, str], qtbot: QtBot
) -> None:
    message = _yesterday(profile, values)
    demo._shared(values).delete(message)
    program = Program(qapp, Workspace.open(profile, PHRASE), theme)
    qtbot.addWidget(program.window)
    model = program.window.queue.model
    row = model.row(model.index(0, 0))
    assert row is not None
    assert (row.title, row.excerpt, row.withheld) == ("", "", "checking")
    program.window.show()
    program.start()
    qtbot.waitUntil(lambda: model.rowCount() == 0, timeout=10_000)
    program.window.close()
    program.stop()


def test_what_is_still_there_is_shown_again_once_the_platform_said_so(
    qapp: QApplication, profile: Profile, theme: Theme, values: dict[str, str], qtbot: QtBot
) -> None:
    _yesterday(profile, values)
    program = Program(qapp, Workspace.open(profile, PHRASE), theme)
    qtbot.addWidget(program.window)
    program.window.show()
    program.start()
    model = program.window.queue.model

    def shown() -> bool:
        row = model.row(model.index(0, 0))
        return row is not None and row.excerpt == "the heronfeather fell"

    qtbot.waitUntil(shown, timeout=10_000)
    program.window.close()
    program.stop()


def test_an_erasure_that_was_cut_off_is_finished_at_the_next_start(
    qapp: QApplication, profile: Profile, theme: Theme, values: dict[str, str], qtbot: QtBot
) -> None:
    _yesterday(profile, values)
    with Workspace.open(profile, PHRASE) as workspace:
        assert workspace.backups is not None
        workspace.backups.make()
        person = workspace.desk.ask(requests.person_named, "@mira")
        request = workspace.desk.do(erasure.ask, Target("person", person))
        workspace.desk.do(erasure.confirm, request, "Bo")  # and here the lights went out
    workspace = Workspace.open(profile, PHRASE)
    program = Program(qapp, workspace, theme)
    qtbot.addWidget(program.window)
    program.window.show()
    program.start()
    qtbot.waitUntil(lambda: workspace.desk.ask(requests.rows)[0].state is RequestState.DONE, timeout=20_000)
    proof = workspace.desk.ask(requests.rows)[0].proof
    assert (proof["found"], proof["copies_destroyed"]) == ({}, 1)
    assert workspace.backups is not None
    assert workspace.backups.list() == []
    assert workspace.desk.ask(triage.counts)[Queue.OPEN] == 0
    program.open_privacy()
    program.window.close()
    program.stop()
