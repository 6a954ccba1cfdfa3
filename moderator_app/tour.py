"""A shift in pictures: the real window, on the demo community, driven by its own commands.

Takes the way of a moderator: pull, read, open the most urgent, reply, think better of it, escalate, export
the week. Prints each step with its time; leaves PNGs and the export in a folder. With no display it runs on
Qt's off-screen platform; nothing else differs.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from moderator_app import app as program_of
from moderator_app.desk import accounts, actions, insights, reading, threads, triage
from moderator_app.desk.rows import ActionState, Audience, Kind, Queue
from moderator_app.errors import ForTheModerator
from moderator_app.paths import Profile
from moderator_app.views.dialogs import ConfirmSend
from moderator_app.views.escalate_panel import EscalateSheet
from moderator_app.views.main_window import grab
from moderator_app.views.theme import Theme
from moderator_app.views.week_sheet import WeekSheet
from moderator_app.workspace import Workspace

T = TypeVar("T", bound=QWidget)

_PATIENCE_S = 90.0
_SETTLE_MS = 400  # after a change, for animations and coalesced refreshes, before a picture
_WORDS = (
    "Thank you for telling us how heavy today is. We read every word, and we would like to stay with you "
    "for a while. Are you somewhere safe right now?"
)
_SECOND_THOUGHT = "Thank you for writing. Which evening would suit you best for the group?"


class Tour:
    """Walks one window; every step waits for what it did to be on the screen."""

    def __init__(self, program: "program_of.Program", theme: Theme, out: Path) -> None:
        self._program, self._theme, self._out = program, theme, out
        self._window, self._desk = program.window, program.runner.desk
        self._began = time.monotonic()
        self._step_began = self._began
        self._pictures = 0

    def walk(self) -> None:
        """Take every step in order."""
        self._until(lambda: self._count(Queue.OPEN) > 0, "the first messages")
        self._said("pulled the demo community")
        self._until(lambda: not self._desk.ask(reading.unread, 1), "the rules to read everything")
        self._desk.do(triage.age)
        self._until(lambda: self._count(Queue.CRISIS) > 0, "a crisis to be found")
        self._said(f"read {self._messages():,} messages, {self._count(Queue.CRISIS)} conversations in crisis")
        self._picture("queue")
        self._open_crisis()
        self._reply()
        self._undo()
        self._escalate()
        self._palette_and_help()
        self._export()

    # ---------------------------------------------------------------- steps

    def _open_crisis(self) -> None:
        self._window.open_queue(Queue.CRISIS)
        row = self._desk.ask(triage.queue, Queue.CRISIS)[0]
        self._open(row.item_id)
        self._said(f"opened the most urgent: {len(row.reasons)} reasons are shown with their words")
        self._picture("crisis-light")
        self._theme.choose("dark")
        self._rest()
        self._picture("crisis-dark")
        self._theme.choose("light")
        self._rest()

    def _reply(self) -> None:
        self._trigger("reply")
        self._window.reply.text.setPlainText(_WORDS)
        self._rest()
        self._picture("reply-being-written")
        self._window.reply.try_to_send()
        sheet = self._sheet(ConfirmSend)
        self._picture("reply-confirmed", sheet)
        sheet.accept()
        self._until(lambda: self._sent(_WORDS), "the reply to arrive")
        self._said("replied; in crisis there is no hold, a confirmation names person and audience")
        self._rest()
        self._picture("reply-arrived")

    def _undo(self) -> None:
        self._window.open_queue(Queue.AMBER)
        # The newest of them: somebody who wrote today, in public, and whom nobody reported.
        row = next(
            row
            for row in reversed(self._desk.ask(triage.queue, Queue.AMBER))
            if row.excerpt_cues and row.audience is Audience.PUBLIC and row.kind is not Kind.REPORT
        )
        self._open(row.item_id)
        self._window.reply.text.setPlainText(_SECOND_THOUGHT)
        self._window.reply.try_to_send()
        self._until(lambda: self._held(row.item_id), "the reply to be held")
        self._rest()
        self._picture("reply-held")
        self._trigger("undo")
        self._until(lambda: not self._held(row.item_id), "the undo")
        self._until(
            lambda: _SECOND_THOUGHT in self._window.reply.text.toPlainText(), "the words to come back"
        )
        self._said("undid a reply within its ten seconds; its words came back")
        self._rest()
        self._picture("reply-undone")

    def _escalate(self) -> None:
        self._window.open_queue(Queue.CRISIS)
        row = next(row for row in self._desk.ask(triage.queue, Queue.CRISIS) if not row.escalated_to)
        self._open(row.item_id)
        self._trigger("escalate")
        sheet = self._sheet(EscalateSheet)
        self._picture("escalate", sheet)
        sheet.reason.setPlainText(self._window.tr("Needs a second pair of eyes tonight."))
        sheet.accept()
        self._until(lambda: self._count(Queue.ESCALATED) > 0, "the escalation")
        self._said("escalated to one named person")
        self._rest()
        self._picture("escalated")

    def _palette_and_help(self) -> None:
        for name in ("palette", "help"):
            self._trigger(name)
            sheet = self._top()
            self._picture(name, sheet)
            sheet.close()
            self._rest()
        self._said("opened the palette and the keys")

    def _export(self) -> None:
        self._trigger("week")
        sheet = self._sheet(WeekSheet)
        self._until(sheet.deed.isEnabled, "the week")
        self._rest()
        self._picture("week", sheet)
        sheet.close()
        week = self._desk.ask(insights.week)
        self._program.write_week(week, self._out)
        stem = self._out / f"week-{week.monday.isoformat()}"
        self._until(
            lambda: all(stem.with_suffix(end).exists() for end in (".md", ".csv", ".pdf")), "the export"
        )
        self._said("exported the week as Markdown, CSV and PDF")

    # ---------------------------------------------------------------- means

    def _open(self, item_id: int) -> None:
        self._window.open_item(item_id)
        self._until(lambda: self._window.talk.item_id == item_id, "the conversation")
        self._rest()

    def _trigger(self, command: str) -> None:
        self._window.commands.action(command).trigger()
        self._rest()

    def _top(self) -> QWidget:
        found = QApplication.activeModalWidget() or QApplication.activePopupWidget()
        if found is None:
            raise ForTheModerator("The tour expected a dialog, and none opened.")
        return found

    def _sheet(self, kind: type[T]) -> T:
        """The dialog of that kind, once it is open."""
        self._until(lambda: any(one.isVisible() for one in self._window.findChildren(kind)), kind.__name__)
        return next(one for one in self._window.findChildren(kind) if one.isVisible())

    def _count(self, name: Queue) -> int:
        return self._desk.ask(triage.counts)[name]

    def _messages(self) -> int:
        return sum(account.messages for account in self._desk.ask(accounts.rows))

    def _sent(self, words: str) -> bool:
        item_id = self._window.talk.item_id
        if item_id is None:
            return False
        messages = self._desk.ask(threads.view, item_id).messages
        return any(m.ours and m.text == words and m.state is None for m in messages)

    def _held(self, item_id: int) -> bool:
        rows = self._desk.ask(actions.outbox)
        return any(row.item_id == item_id and row.state is ActionState.HELD for row in rows)

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        """Let the window live until something is so."""
        ends = time.monotonic() + _PATIENCE_S
        while not condition():
            if time.monotonic() > ends:
                raise ForTheModerator("The tour waited in vain for {what}.", what=what)
            self._rest(50)

    def _rest(self, milliseconds: int = _SETTLE_MS) -> None:
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()

    def _said(self, words: str) -> None:
        now = time.monotonic()
        sys.stdout.write(f"{now - self._began:6.1f} s  (+{now - self._step_began:.1f})  {words}\n")
        sys.stdout.flush()
        self._step_began = now

    def _picture(self, name: str, widget: QWidget | None = None) -> None:
        self._pictures += 1
        grab(widget or self._window, self._out / f"{self._pictures:02d}-{name}.png")


def run(out: Path) -> int:
    """Take the tour; answers the exit status."""
    out.mkdir(parents=True, exist_ok=True)
    for old in (*out.glob("*.png"), *out.glob("week-*")):
        old.unlink()
    temporary = Path(tempfile.mkdtemp(prefix="hearthlight-tour-"))
    try:
        profile = Profile.at(temporary)
        application = program_of.application(None, debug=False)
        program_of.translate(application, "")
        theme = Theme(application, "light", 100)
        theme.apply()
        program = program_of.Program(application, Workspace.throwaway(profile), theme)
        try:
            program.open_demo()
            program.window.show()
            program.start()
            Tour(program, theme, out).walk()
        finally:
            program.stop()
    except ForTheModerator as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    sys.stdout.write(f"Pictures and the export are in {out}.\n")
    return 0
