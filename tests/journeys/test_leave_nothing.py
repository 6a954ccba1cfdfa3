"""A session that leaves nothing: what it keeps, what it asks, and what stands on the disk after it."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from connectors import demo
from moderator_app import passing
from moderator_app.app import Program
from moderator_app.desk import accounts, actions, audit, erasure, replies, requests, threads, triage
from moderator_app.desk.requests import Target
from moderator_app.desk.rows import Audience, Queue
from moderator_app.door import Door
from moderator_app.errors import ForTheModerator
from moderator_app.paths import Profile
from moderator_app.views.leave_sheet import LeaveSheet
from moderator_app.views.theme import Theme
from moderator_app.workspace import Workspace

ROOT = Path(__file__).parents[2]
PHRASE = "a phrase for this test"
MARK = "lanternfish"
SCRIPT = """
import pathlib, sys
from moderator_app.desk import accounts, triage
from moderator_app.desk.rows import Queue
from moderator_app.paths import Profile
from moderator_app.workspace import Workspace
from connectors import demo
profile = Profile.at(pathlib.Path(sys.argv[1]))
workspace = Workspace.open(profile, sys.argv[2]).pass_through()
platform = demo._shared(workspace.desk.ask(accounts.sign_ins)[0].values)
platform.say("@lanternfish", "Is the lanternfish group on?", title="lanternfish")
for sync in workspace.syncs().values():
    sync.run()
item = workspace.desk.ask(triage.queue, Queue.OPEN)[0].item_id
workspace.desk.do(triage.assign, item, workspace.desk.who)
print(workspace.profile.folder, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the person's runtime files; in memory where the machine's shared memory is."""
    shared = Path("/dev/shm")
    folder = (shared if shared.is_dir() else tmp_path) / f"hearthlight-test-{uuid.uuid4().hex}"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    yield folder
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()


@pytest.fixture
def values() -> dict[str, str]:
    """A demo community, known to the profile as an account."""
    return {"community": f"quiet-{uuid.uuid4().hex}", "seed": "7", "hostile": "0"}


@pytest.fixture
def known(profile: Profile, values: dict[str, str]) -> Profile:
    """The profile with that account connected and nothing fetched."""
    with Workspace.open(profile, PHRASE) as workspace:
        workspace.connect("demo", values)
    platform = demo._shared(values)
    platform.say(f"@{MARK}", f"Is the {MARK} group still on this week?", title=f"The {MARK} group")
    return profile


def pulled(profile: Profile) -> Workspace:
    """A session over the profile, with what is new fetched."""
    session = Workspace.open(profile, PHRASE).pass_through()
    for sync in session.syncs().values():
        assert sync.run().health == "ok"
    return session


def holding(*folders: Path) -> list[str]:
    marks = [MARK.encode(coding) for coding in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le")]
    return [
        str(path)
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and any(mark in path.read_bytes() for mark in marks)
    ]


def test_the_profile_gets_the_record_and_no_message(known: Profile, runtime: Path) -> None:
    before = set(known.folder.iterdir())
    session = pulled(known)
    folder = session.profile.folder
    if Path("/dev/shm").is_dir():
        assert folder.parent == runtime
    item = session.desk.ask(triage.queue, Queue.OPEN)[0].item_id
    session.desk.do(triage.assign, item, session.desk.who)
    session.desk.do(threads.note, item, f"ask the {MARK}")
    held = session.passing
    assert held is not None
    session.close()
    held.end()
    assert not folder.exists()
    assert list(runtime.iterdir()) == []
    assert {path.name for path in known.folder.iterdir()} <= {path.name for path in before} | {"reserve.bin"}
    assert holding(known.folder) == []
    with Workspace.open(known, PHRASE) as again:
        rows = again.stats()["rows"]
        assert rows["message"] == 0
        assert again.verify() == []
        told = [(line.what, line.target, line.detail.get("passing")) for line in again.desk.ask(audit.lines)]
        assert ("assign", f"passing item:{item}", held.name) in told
        assert ("note", f"passing item:{item}", held.name) in told


def test_renewed_sign_ins_go_back_and_new_ones_do_not(known: Profile, values: dict[str, str]) -> None:
    session = pulled(known)
    (lent,) = session.desk.ask(accounts.sign_ins)
    session._keep(lent.vault_key, {"token": "renewed"})
    other = {**values, "community": f"other-{uuid.uuid4().hex}"}
    added = session.connect("demo", other)
    keys = {one.account_id: one.vault_key for one in session.desk.ask(accounts.sign_ins)}
    assert session._secrets(keys[added])
    new = keys[added] if keys[added] != lent.vault_key else None
    session.close()
    with Workspace.open(known, PHRASE) as again:
        assert again._secrets(lent.vault_key).get("token")
        assert [one.vault_key for one in again.desk.ask(accounts.sign_ins)] == [lent.vault_key]
        if new is not None:
            assert again._secrets(new) == {}


def test_the_same_session_returns_after_a_lock_and_only_in_this_process(known: Profile) -> None:
    session = pulled(known)
    item = session.desk.ask(triage.queue, Queue.OPEN)[0].item_id
    session.keep_place({"queue": "open", "typed": f"about the {MARK}"})
    held = session.passing
    assert held is not None
    session.close()
    assert holding(known.folder, held.folder) == []
    again = Workspace.open(known, PHRASE).pass_through(held)
    assert again.desk.ask(triage.queue, Queue.OPEN)[0].item_id == item
    assert again.take_place()["typed"] == f"about the {MARK}"
    again.close()
    with Workspace.open(known, PHRASE) as home, home._key.bare() as dek:
        other = passing.Passing(held.folder, held._alive)
        assert bytes(other.key(dek)) != bytes(held.key(dek)), "the passphrase alone does not open it"
    held.end()


def test_a_killed_session_leaves_what_nobody_can_open_and_the_next_start_removes(
    known: Profile, runtime: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(known.folder), PHRASE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    ) as child:
        assert child.stdout is not None
        folder = Path(child.stdout.readline().strip())
        assert (folder / "store.db").exists()
        assert passing.clear(known) == 0, "a session at work is left alone"
        child.send_signal(signal.SIGKILL)
    assert folder.exists()
    assert holding(known.folder, folder) == []
    assert passing.clear(known) == 1
    assert not folder.exists()
    with Workspace.open(known, PHRASE) as again:
        assert again.verify() == []
        assert "assign" in [line.what for line in again.desk.ask(audit.lines)], "the record was there at once"


def test_what_was_written_can_be_kept(known: Profile) -> None:
    session = pulled(known)
    item = session.desk.ask(triage.queue, Queue.OPEN)[0].item_id
    session.desk.do(threads.note, item, "ask about the ride")
    session.desk.do(replies.save_draft, item, "Yes, it is", Audience.PUBLIC)
    stake = session.at_stake()
    assert (stake.drafts, stake.notes, stake.waiting, stake.decisions) == (1, 1, 0, 0)
    assert session.keep_written() == 1
    assert session.keep_written() == 1
    session.close()
    with Workspace.open(known, PHRASE) as again:
        (row,) = again.desk.ask(triage.queue, Queue.OPEN)
        draft = again.desk.ask(replies.draft, row.item_id)
        assert draft is not None
        assert draft.text == "Yes, it is"
        shown = again.desk.ask(threads.view, row.item_id)
        assert {note.text for note in shown.notes} == {"ask about the ride"}
        assert [MARK in message.text for message in shown.messages] == [True]


def test_what_was_erased_stays_away_from_a_session_too(known: Profile, values: dict[str, str]) -> None:
    with Workspace.open(known, PHRASE) as home:
        for sync in home.syncs().values():
            sync.run()
        person = home.desk.ask(requests.person_named, f"@{MARK}")
        request = home.desk.do(erasure.ask, Target("person", person))
        home.desk.do(erasure.confirm, request, "Bo")
        assert erasure.run(home.desk, None) == 1
    demo._shared(values).say("@robin", "Good evening, everybody.", title="Hello")
    session = pulled(known)
    assert session.stats()["rows"]["message"] == 1, "the one that nobody erased"
    assert session.desk.ask(triage.counts)[Queue.OPEN] == 1
    session.close()


# ---------------------------------------------------------------------- through the window


@pytest.fixture
def door(qapp: QApplication, known: Profile, theme: Theme, qtbot: QtBot) -> Iterator[Door]:
    made = Door(known, theme, lambda found: Program(qapp, found, theme))
    made.knock()
    form = made.frame.screen_locked.form
    assert form is not None
    assert form.nothing.isVisible()
    form.nothing.setChecked(True)
    unlock(made, qtbot)
    qtbot.waitUntil(lambda: desk_of(made).ask(triage.counts)[Queue.OPEN] == 1, timeout=10_000)
    yield made
    if made.program is not None:
        made._put_away()
    made.forget()
    made.frame.left.disconnect()
    made.frame.may_close = lambda: True
    made.frame.close()
    made.frame.deleteLater()


def unlock(door: Door, qtbot: QtBot) -> None:
    form = door.frame.screen_locked.form
    assert form is not None
    form.phrase.setText(PHRASE)
    with qtbot.waitSignal(door.opened, timeout=10_000):
        qtbot.keyClick(form.phrase, Qt.Key.Key_Return)


def desk_of(door: Door):
    return door.program.runner.desk


def test_the_window_says_so_and_ends_without_a_question(door: Door, qtbot: QtBot, runtime: Path) -> None:
    window = door.program.window
    assert window.top.passing.isVisible()
    with pytest.raises(ForTheModerator, match="has no backups"):
        door.program.open_backups()
    with pytest.raises(ForTheModerator, match="keep no request"):
        door.program.forgetting.open_sheet()
    with qtbot.waitSignal(door.frame.left, timeout=10_000):
        door.frame.close()
    assert not door.frame.findChildren(LeaveSheet)
    assert list(runtime.iterdir()) == []


def test_it_asks_where_something_would_be_lost(door: Door, qtbot: QtBot, known: Profile) -> None:
    item = desk_of(door).ask(triage.queue, Queue.OPEN)[0].item_id
    door.program.window.open_item(item)
    qtbot.waitUntil(lambda: door.program.window.talk.item_id == item, timeout=10_000)
    qtbot.keyClicks(door.program.window.reply.text, "Yes, it is")
    door.frame.close()
    sheets = door.program.window.findChildren
    qtbot.waitUntil(lambda: bool(sheets(LeaveSheet)), timeout=15_000)
    (sheet,) = sheets(LeaveSheet)
    assert sheet.lost == ["1 draft"]
    qtbot.keyClick(sheet, Qt.Key.Key_Escape)
    assert door.program is not None
    qtbot.waitUntil(lambda: not sheets(LeaveSheet), timeout=10_000)
    door.frame.close()
    qtbot.waitUntil(lambda: bool(sheets(LeaveSheet)), timeout=15_000)
    (sheet,) = sheets(LeaveSheet)
    with qtbot.waitSignal(door.frame.left, timeout=10_000):
        sheet.keep.click()
    with Workspace.open(known, PHRASE) as again:
        (row,) = again.desk.ask(triage.queue, Queue.OPEN)
        assert again.desk.ask(replies.draft, row.item_id).text == "Yes, it is"


def test_a_reply_in_its_seconds_leaves_before_the_session(
    door: Door, qtbot: QtBot, values: dict[str, str]
) -> None:
    item = desk_of(door).ask(triage.queue, Queue.OPEN)[0].item_id
    desk_of(door).do(replies.send, item, "See you on Tuesday.", Audience.PUBLIC, "", now=False)
    with qtbot.waitSignal(door.frame.left, timeout=15_000):
        door.frame.close()
    said = [command.text for command, _ in demo._shared(values)._done.values()]
    assert said == ["See you on Tuesday."]


def test_a_lock_returns_to_the_same_session_and_quitting_there_warns_once(door: Door, qtbot: QtBot) -> None:
    item = desk_of(door).ask(triage.queue, Queue.OPEN)[0].item_id
    desk_of(door).do(threads.note, item, "ask about the ride")
    with qtbot.waitSignal(door.locked, timeout=10_000):
        door.lock()
    form = door.frame.screen_locked.form
    assert not form.nothing.isVisible()
    assert "leaves nothing" in form.about.text()
    door.frame.close()
    assert "would be lost" in form.trouble.text()
    assert door.frame.isVisible()
    unlock(door, qtbot)
    assert door.program.window.top.passing.isVisible()
    assert desk_of(door).ask(actions.history, item)
