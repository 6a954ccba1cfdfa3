"""The program around the window, on a real workspace: first start, accounts, imports, drafts, outages."""

import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from connectors import demo
from connectors.demo import DemoPlatform, Fault
from moderator_app.app import Program
from moderator_app.desk import accounts, reading, replies, triage
from moderator_app.desk.rows import Queue
from moderator_app.paths import Profile
from moderator_app.views.import_sheet import ImportSheet
from moderator_app.views.sign_in import SignInSheet
from moderator_app.views.theme import Theme
from moderator_app.views.unlock import RecoveryDialog, UnlockDialog, Way
from moderator_app.views.week_sheet import WeekSheet
from moderator_app.workspace import Workspace

PHRASE = "a phrase for this test"
PROGRAM = [sys.executable, "-m", "moderator_app"]


class Evening:
    """A program that is connected to an empty community of its own."""

    def __init__(self, app: QApplication, profile: Profile, theme: Theme) -> None:
        self.values = {"community": f"quiet-{uuid.uuid4().hex}", "seed": "7", "hostile": "0"}
        self.workspace = Workspace.open(profile, PHRASE)
        self.workspace.connect("demo", self.values)
        self.program = Program(app, self.workspace, theme)
        self.window, self.desk = self.program.window, self.workspace.desk

    @property
    def platform(self) -> DemoPlatform:
        return demo._shared(self.values)

    def open(self) -> int:
        """How many conversations are open."""
        return self.desk.ask(triage.counts)[Queue.OPEN]


@pytest.fixture
def evening(qapp: QApplication, profile: Profile, theme: Theme, qtbot: QtBot) -> Iterator[Evening]:
    made = Evening(qapp, profile, theme)
    made.platform.say("@mira", "Is the Tuesday group still on this week?")
    qtbot.addWidget(made.window)
    made.window.show()
    made.program.start()
    qtbot.waitUntil(lambda: made.open() == 1, timeout=10_000)
    yield made
    made.window.close()
    made.program.stop()


def test_what_comes_in_is_read_by_the_child_process(evening: Evening, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not evening.desk.ask(reading.unread, 1), timeout=30_000)
    (row,) = evening.desk.ask(triage.queue, Queue.OPEN)
    assert not row.pending


def test_an_outage_is_shown_and_its_end_too(evening: Evening, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not evening.program.runner.jobs, timeout=10_000)
    evening.platform.fail_next(Fault.OFFLINE)
    evening.program.sync_now()
    qtbot.waitUntil(evening.window.banner.isVisible, timeout=10_000)
    evening.program.sync_now()
    qtbot.waitUntil(lambda: not evening.window.banner.isVisible(), timeout=10_000)
    assert evening.desk.ask(accounts.rows)[0].health == "ok"


def test_a_first_start_asks_for_a_passphrase_and_shows_the_recovery_key_once(
    profile: Profile, theme: Theme, qtbot: QtBot
) -> None:
    def opener(way: Way, typed: str) -> Workspace:
        if way is Way.RECOVERY:
            return Workspace.open(profile, recovery=typed)
        return Workspace.open(profile, typed)

    first = UnlockDialog(theme, opener, new=True)
    qtbot.addWidget(first)
    first.show()
    form = first.form
    assert form.again is not None
    qtbot.keyClicks(form.phrase, PHRASE)
    form.try_it()
    assert "differ" in form.trouble.text()
    form.again.setText(PHRASE)
    qtbot.keyClick(form.phrase, Qt.Key.Key_Return)
    first.reject()
    assert form.busy, "while a key is tried the dialog stays"
    qtbot.waitUntil(lambda: first.result() == 1, timeout=10_000)
    made = first.found
    assert isinstance(made, Workspace)
    shown = RecoveryDialog(theme, made.recovery_key)
    qtbot.addWidget(shown)
    assert not shown.go_on.isEnabled()
    shown.written.setChecked(True)
    assert shown.go_on.isEnabled()
    made.close()

    again = UnlockDialog(theme, opener, ("passphrase", "recovery"), new=False)
    qtbot.addWidget(again)
    again.show()
    form = again.form
    form.phrase.setText("not the phrase")
    form.try_it()
    qtbot.waitUntil(lambda: "does not open" in form.trouble.text(), timeout=10_000)
    form.by_recovery.setChecked(True)
    form.phrase.setText(made.recovery_key)
    form.try_it()
    qtbot.waitUntil(lambda: again.result() == 1, timeout=10_000)
    found = again.found
    assert isinstance(found, Workspace)
    found.close()


def test_connecting_says_what_is_missing_and_what_is_wrong(evening: Evening, qtbot: QtBot) -> None:
    evening.window.commands.action("connect").trigger()
    sheet = evening.window.findChild(SignInSheet)
    assert isinstance(sheet, SignInSheet)
    sheet.platform.setCurrentIndex(sheet.platform.findData("bluesky"))
    sheet.try_it()
    assert "missing" in sheet.trouble.text()
    secrets = [
        line for line in sheet.findChildren(QLineEdit) if line.echoMode() == QLineEdit.EchoMode.Password
    ]
    assert len(secrets) == 1
    lines = sheet._lines
    lines["server"].setText("http://127.0.0.1:9")
    lines["handle"].setText("nobody.test")
    lines["app_password"].setText("abcd-efgh")
    sheet.try_it()
    qtbot.waitUntil(lambda: "cannot be reached" in sheet.trouble.text(), timeout=30_000)
    assert sheet.deed.isEnabled()
    sheet.reject()


def test_closing_the_form_in_the_middle_of_a_sign_in_is_the_end_of_it(evening: Evening, qtbot: QtBot) -> None:
    evening.window.commands.action("connect").trigger()
    sheet = evening.window.findChild(SignInSheet)
    assert isinstance(sheet, SignInSheet)
    sheet.platform.setCurrentIndex(sheet.platform.findData("bluesky"))
    sheet._lines["server"].setText("http://127.0.0.1:9")
    sheet._lines["handle"].setText("nobody.test")
    sheet.try_it()
    sheet.reject()
    qtbot.waitUntil(lambda: evening.window.findChild(SignInSheet) is None, timeout=10_000)
    answer = evening.program.runner.run("sign-in", lambda: "free")
    heard: list[str] = []
    answer.then(heard.append)
    qtbot.waitUntil(lambda: heard == ["free"], timeout=10_000)


def test_importing_shows_the_rows_first(evening: Evening, qtbot: QtBot, tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text("id;author;body\n1;noor;a kind word\n2;ana;and another\n", "utf-8")
    evening.program.look_at(file)
    qtbot.waitUntil(lambda: evening.window.findChild(ImportSheet) is not None, timeout=10_000)
    sheet = evening.window.findChild(ImportSheet)
    assert isinstance(sheet, ImportSheet)
    assert sheet.mapping()["text"] == "body"
    assert sheet.table.rowCount() == 2
    sheet.accept()
    qtbot.waitUntil(lambda: len(evening.desk.ask(accounts.rows)) == 2, timeout=10_000)
    qtbot.waitUntil(lambda: "2 messages" in evening.window.notices.toast.sentence.text(), timeout=10_000)


def test_the_week_is_shown_before_it_is_written(evening: Evening, qtbot: QtBot, tmp_path: Path) -> None:
    evening.window.commands.action("week").trigger()
    sheet = evening.window.findChild(WeekSheet)
    assert isinstance(sheet, WeekSheet)
    qtbot.waitUntil(sheet.deed.isEnabled, timeout=20_000)
    assert sheet.table.rowCount() == 10
    sheet.wanted.emit(sheet._week, tmp_path / "out")
    qtbot.waitUntil(lambda: len(list((tmp_path / "out").glob("week-*"))) == 3, timeout=20_000)
    sheet.reject()


def test_words_being_written_survive_a_kill(profile: Profile, qtbot: QtBot) -> None:
    script = """
import sys, pathlib
from PySide6.QtCore import QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from connectors import demo
from moderator_app.app import Program, translate
from moderator_app.desk import replies, triage
from moderator_app.desk.rows import Queue
from moderator_app.paths import Profile
from moderator_app.views.theme import Theme
from moderator_app.workspace import Workspace
app = QApplication([])
theme = Theme(app, "light", 100)
theme.apply()
workspace = Workspace.open(Profile.at(pathlib.Path(sys.argv[1])), sys.argv[2])
values = {"community": "quiet", "seed": "7", "hostile": "0"}
demo._shared(values).say("@mira", "Is the group still on?")
workspace.connect("demo", values)
program = Program(app, workspace, theme)
program.window.show()
program.start()
def step():
    rows = workspace.desk.ask(triage.queue, Queue.OPEN)
    shown = program.window.talk.item_id
    if rows and shown is None:
        program.window.open_item(rows[0].item_id)
    elif shown is not None and not program.window.reply.text.toPlainText():
        QTest.keyClicks(program.window.reply.text, "Yes, it is, and you are")
    elif shown is not None and workspace.desk.ask(replies.draft, shown):
        print("kept", flush=True)
        timer.stop()
timer = QTimer(interval=100)
timer.timeout.connect(step)
timer.start()
app.exec()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script, str(profile.folder), PHRASE],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"kept\n"
        child.send_signal(signal.SIGKILL)
    with Workspace.open(profile, PHRASE) as workspace:
        (row,) = workspace.desk.ask(triage.queue, Queue.OPEN)
        draft = workspace.desk.ask(replies.draft, row.item_id)
    assert draft is not None
    assert draft.text == "Yes, it is, and you are"


@pytest.mark.usefixtures("evening")
def test_a_second_program_on_the_same_profile_is_told_so(profile: Profile) -> None:
    phrase = profile.folder.parent / "phrase"
    phrase.write_text(PHRASE)
    done = subprocess.run(
        [*PROGRAM, "queue", f"--passphrase-file={phrase}", f"--profile={profile.folder}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 1
    assert "already open on this profile" in " ".join(done.stderr.split())


def test_leaving_while_much_is_unread_loses_nothing(
    qapp: QApplication, profile: Profile, theme: Theme, qtbot: QtBot
) -> None:
    leaving = Evening(qapp, profile, theme)
    for number in range(600):
        leaving.platform.say("@mira", f"a calm word, number {number}", title=f"thread {number}")
    qtbot.addWidget(leaving.window)
    leaving.window.show()
    leaving.program.start()
    qtbot.waitUntil(
        lambda: len(leaving.desk.ask(reading.unread, 600)) < 600 <= leaving.open(), timeout=30_000
    )
    leaving.window.close()
    leaving.program.stop()
    with Workspace.open(profile, PHRASE) as workspace:
        assert workspace.desk.ask(triage.counts)[Queue.OPEN] == 600
        assert workspace.desk.store.integrity() == []
