"""Lanes: order, answers on the GUI thread, stale ones dropped, a quiet end."""

import gc
import threading

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QLabel
from shiboken6 import delete

from moderator_app.desk import replies, triage
from moderator_app.desk.rows import Audience
from moderator_app.errors import Cancelled, ForTheModerator
from moderator_app.views.runner import Runner


def test_an_answer_comes_on_the_gui_thread_and_the_work_does_not(qtbot, runner, qapp):
    seen = []
    runner.run("ask", threading.get_ident).then(
        lambda ident: seen.append((ident, threading.current_thread() is threading.main_thread()))
    )
    qtbot.waitUntil(lambda: bool(seen))
    assert seen == [(seen[0][0], True)]
    assert seen[0][0] != threading.get_ident()


def test_one_lane_keeps_its_order(qtbot, runner):
    done, came = [], []
    for n in range(50):
        runner.run("desk", lambda n=n: done.append(n)).then(lambda _, n=n: came.append(n))
    qtbot.waitUntil(lambda: len(came) == 50)
    assert done == came == list(range(50))


def test_ask_and_do_go_through_the_desk(qtbot, runner, account):
    seen = []
    runner.do(triage.take_next).then(seen.append)
    qtbot.waitUntil(lambda: bool(seen))
    runner.ask(triage.rows, [seen[0]]).then(lambda rows: seen.append(rows[0].assignee))
    qtbot.waitUntil(lambda: len(seen) == 2)
    assert seen[1] == "Priya"


def test_a_newer_question_makes_the_older_answer_stale(qtbot, runner):
    hold, seen = threading.Event(), []
    runner.latest("thread", runner.run("ask", lambda: hold.wait(5) and "old")).then(seen.append)
    runner.latest("thread", runner.run("ask", lambda: "new")).then(seen.append)
    hold.set()
    qtbot.waitUntil(lambda: bool(seen))
    assert seen == ["new"]


def test_an_error_goes_to_who_asked_or_else_to_the_notices(qtbot, runner):
    heard, trouble = [], []
    runner.trouble.connect(trouble.append)

    def fail(error):
        raise error

    runner.run("desk", lambda: fail(ForTheModerator("No."))).failed(heard.append)
    runner.run("desk", lambda: fail(ForTheModerator("Yes.")))
    runner.run("desk", lambda: fail(Cancelled()))
    ended = []
    runner.run("desk", lambda: None).then(ended.append)
    qtbot.waitUntil(lambda: bool(ended))
    assert [str(error) for error in heard] == ["No."]
    assert [str(error) for error in trouble] == ["Yes."]


def test_a_callback_of_a_dead_widget_is_not_called(qtbot, runner):
    label = QLabel("before")
    hold, ended = threading.Event(), []
    runner.run("ask", lambda: hold.wait(5) and "after").then(label.setText)
    runner.run("ask", lambda: None).then(ended.append)
    delete(label)
    hold.set()
    qtbot.waitUntil(lambda: bool(ended))


def test_changes_are_told_once_for_many_commits(qtbot, runner, account):
    told = []
    runner.changed.connect(told.append)
    for item in (1, 2, 3, 4):
        runner.do(triage.seen, item)
    qtbot.waitUntil(lambda: bool(told))
    qtbot.wait(300)
    assert len(told) <= 2
    assert "item" in frozenset().union(*told)


def test_a_job_tells_how_far_it_is_and_can_be_stopped(qtbot, runner):
    began, ended = threading.Event(), []

    def work(progress, stopped):
        progress(3, 10)
        began.set()
        while not stopped():
            began.wait(0.01)
        return "stopped"

    job = runner.job("account-1", "Bring the year", work).then(ended.append)
    qtbot.waitUntil(lambda: (job.done, job.total) == (3, 10))
    assert list(runner.jobs.values()) == [job]
    job.cancel()
    qtbot.waitUntil(lambda: bool(ended))
    assert ended == ["stopped"]
    assert not runner.jobs


def test_shutdown_drops_what_has_not_begun_and_waits_for_what_has(desk):
    runner = Runner(desk)
    begun, done = threading.Event(), []

    def first():
        begun.set()
        done.append("first")

    runner.run("ask", first)
    assert begun.wait(5)
    assert runner.shutdown()
    assert done == ["first"]
    runner.run("ask", lambda: done.append("late"))
    assert done == ["first"]


def test_shutdown_never_drops_a_change(desk, account):
    runner = Runner(desk)
    hold = threading.Event()
    runner.run("desk", lambda: hold.wait(5))
    runner.do(replies.save_draft, 1, "The last words of a shift.", Audience.PUBLIC)
    hold.set()
    assert runner.shutdown()
    assert desk.ask(replies.draft, 1).text == "The last words of a shift."


def test_a_timer_calls_again_and_again(qtbot, runner):
    seen = []
    runner.every(0.01, lambda: seen.append(1))
    qtbot.waitUntil(lambda: len(seen) >= 3)


@pytest.mark.parametrize("lanes", [1, 6])
def test_many_answers_arrive_exactly_once(qtbot, runner, lanes):
    seen = []
    for n in range(600):
        runner.run(f"lane{n % lanes}", lambda n=n: n).then(seen.append)
    qtbot.waitUntil(lambda: len(seen) == 600)
    assert sorted(seen) == list(range(600))


def test_the_runner_is_a_qobject_of_the_gui_thread(runner, qapp):
    assert isinstance(runner, QObject)
    assert runner.thread() is qapp.thread()


def test_garbage_is_collected_on_the_screens_thread_only(qtbot, desk):
    where = []

    class Circle:
        def __init__(self):
            self.itself = self

        def __del__(self):
            where.append(threading.current_thread())

    runner = Runner(desk)
    assert not gc.isenabled()

    kept = []

    def allocate():
        Circle()
        kept.extend([] for _ in range(100_000))

    with qtbot.waitSignal(runner._came_back):
        runner.run("lane", allocate)
    assert where == []
    qtbot.waitUntil(lambda: where == [threading.main_thread()], timeout=3000)
    runner.shutdown()
    assert gc.isenabled()
