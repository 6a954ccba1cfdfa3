"""What the commands of the window do: each asks the desk, says what was done, and offers to undo it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from PySide6.QtCore import QObject, QPoint, Signal
from PySide6.QtWidgets import QMenu, QWidget

from moderator_app.desk import moderation, replies, safety, threads, triage
from moderator_app.desk.rows import (
    ActionKind,
    Cue,
    Level,
    MessageRow,
    Outcome,
    QueueRow,
    Recorded,
    Undone,
)
from moderator_app.settings import Settings
from moderator_app.views import clipboard, words
from moderator_app.views.commands import Commands
from moderator_app.views.dialogs import (
    CloseSheet,
    ConfirmSend,
    LevelSheet,
    NoteSheet,
    SnoozeSheet,
)
from moderator_app.views.escalate_panel import EscalateSheet, LinesSheet
from moderator_app.views.links_sheet import LinksSheet, found_in
from moderator_app.views.moderate_sheet import ModerateSheet, PollSheet
from moderator_app.views.notices import Notices
from moderator_app.views.reply_box import ReplyBox, Sending
from moderator_app.views.runner import Answer, Runner
from moderator_app.views.theme import Theme
from moderator_app.views.thread_view import ThreadPane
from moderator_app.views.why_sheet import WhySheet


@dataclass(frozen=True, slots=True)
class Parts:
    """The pieces of the window that commands work with."""

    window: QWidget
    theme: Theme
    runner: Runner
    commands: Commands
    notices: Notices
    thread: ThreadPane
    reply: ReplyBox


class Conduct(QObject):
    """Binds commands to the desk. It knows the open conversation and nothing of the frame."""

    finished = Signal(int)  # an item that left the queue: the next one may be shown
    returned = Signal(int)  # an item on which something was taken back
    taken = Signal(object)  # the item that take_next gave, or None

    def __init__(self, parts: Parts, settings: Settings) -> None:
        super().__init__(parts.window)
        self._parts = parts
        self._settings = settings
        bind = parts.commands.bind
        bind("take_next", self.take_next)
        bind("assign", lambda: self._on_item(triage.assign, parts.runner.desk.who))
        bind("unassign", lambda: self._on_item(triage.assign, ""))
        bind("reopen", lambda: self._on_item(triage.reopen))
        bind("acknowledge", lambda: self._on_item(safety.acknowledge))
        bind("snooze", self.ask_snooze)
        bind("close", self.ask_close)
        bind("escalate", self.ask_escalate)
        bind("lines", self.show_lines)
        bind("note", self.ask_note)
        bind("level", self.ask_level)
        bind("why", self.show_why)
        bind("higher", partial(self.judge, -1))
        bind("lower", partial(self.judge, 1))
        for level in Level:
            bind(f"level_{level.name.lower()}", partial(self.set_level, level))
        bind("hide", self.hide)
        bind("like", self.like)
        bind("moderate", self.ask_moderation)
        bind("poll", self.ask_poll)
        bind("links", self.show_links)
        bind("copy", self.copy)
        bind("undo", parts.notices.undo_last)
        bind("template", parts.reply.pick_template)
        bind("send", parts.reply.try_to_send)
        bind("save_draft", self._save_draft)
        parts.reply.send_wanted.connect(self.send)
        parts.thread.conversation.undo_wanted.connect(parts.notices.undo)
        parts.thread.conversation.menu_wanted.connect(self.open_menu)
        parts.thread.banner.lines_wanted.connect(self.show_lines)
        parts.thread.banner.why_wanted.connect(self.show_why)
        parts.notices.undone.connect(self._undone)

    @property
    def row(self) -> QueueRow | None:
        """The item that is open."""
        shown = self._parts.thread.thread_shown
        return shown.item if shown else None

    def use_settings(self, settings: Settings) -> None:
        """Take changed preferences."""
        self._settings = settings

    # ---------------------------------------------------------------- conversations

    def take_next(self) -> None:
        """Take the most urgent conversation that nobody has."""
        self._parts.runner.do(triage.take_next).then(self.taken.emit)

    def _on_item(self, function: Callable[..., Recorded], *args: object) -> None:
        row = self.row
        if row is not None:
            self._offer(self._parts.runner.do(function, row.item_id, *args))

    def _offer(self, answer: Answer[Recorded], sentence: str = "") -> Answer[Recorded]:
        """Say what was done and offer to undo it."""
        return answer.then(lambda done: self._parts.notices.offer_undo(done, sentence))

    def ask_snooze(self) -> None:
        """A small menu of moments, under the button."""
        row = self.row
        if row is None:
            return
        now = self._parts.runner.desk.clock.now()
        choices = (
            (self.tr("In one hour"), now + timedelta(hours=1)),
            (self.tr("This evening"), words.evening(now)),
            (self.tr("Tomorrow morning"), words.morning(now, 1)),
            (self.tr("Next week"), words.morning(now, 7 - now.astimezone().weekday())),
        )
        menu = QMenu(self._parts.window)
        menu.setAccessibleName(self.tr("Snooze until"))
        for text, moment in choices:
            shown = self.tr("{choice} ({when})").format(choice=text, when=words.when(moment, now))
            menu.addAction(shown, partial(self.snooze, moment))
        menu.addSeparator()
        menu.addAction(self.tr("Another moment…"), self._ask_moment)
        menu.aboutToHide.connect(menu.deleteLater)
        button = self._parts.thread.head.button("snooze")
        menu.popup(button.mapToGlobal(button.rect().bottomLeft()))
        menu.setActiveAction(menu.actions()[0])

    def _ask_moment(self) -> None:
        parts = self._parts
        sheet = SnoozeSheet(parts.theme, parts.window, parts.runner.desk.clock.now())
        sheet.until.connect(self.snooze)
        sheet.open()

    def snooze(self, until: datetime) -> None:
        """Put the open conversation away until a moment."""
        row = self.row
        if row is None:
            return
        now = self._parts.runner.desk.clock.now()
        told = self.tr("Snoozed until {when}").format(when=words.when(until, now))
        answer = self._parts.runner.do(triage.snooze, row.item_id, until)
        self._offer(answer, told).then(lambda _: self.finished.emit(row.item_id))

    def ask_close(self) -> None:
        """Ask how the conversation ended."""
        row = self.row
        if row is not None:
            sheet = CloseSheet(self._parts.theme, self._parts.window, row)
            sheet.closed.connect(lambda outcome, note: self.close(row, outcome, note))
            sheet.open()

    def close(self, row: QueueRow, outcome: Outcome, note: str) -> None:
        """End a conversation."""
        answer = self._parts.runner.do(triage.close, row.item_id, outcome, note)
        self._offer(answer).then(lambda _: self.finished.emit(row.item_id))

    def ask_escalate(self) -> None:
        """Ask to whom and why."""
        row, parts = self.row, self._parts
        if row is None:
            return
        leads, country = self._settings.leads, self._settings.country
        sheet = EscalateSheet(parts.theme, parts.window, row, list(leads), country)
        sheet.escalated.connect(lambda to, reason: self.escalate(row, to, reason))
        sheet.open()

    def escalate(self, row: QueueRow, to: str, reason: str) -> None:
        """Hand a conversation to somebody."""
        told = self.tr("Escalated to {who}. Tell them now.").format(who=to)
        answer = self._parts.runner.do(safety.escalate, row.item_id, to, reason)
        self._offer(answer, told)

    def show_lines(self) -> None:
        """Show where people can turn to."""
        parts = self._parts
        usable = self.row is not None
        sheet = LinesSheet(parts.theme, parts.window, self._settings.country, usable=usable)
        sheet.lines_shown.used.connect(parts.reply.use_line)
        sheet.open()

    def ask_note(self) -> None:
        """Ask for a note."""
        row, parts = self.row, self._parts
        if row is not None:
            sheet = NoteSheet(parts.theme, parts.window, row.person)
            sheet.noted.connect(lambda text: self._note(row, text))
            sheet.open()

    def _note(self, row: QueueRow, text: str) -> None:
        self._offer(self._parts.runner.do(threads.note, row.item_id, text))

    def ask_level(self, chosen: Level | None = None) -> None:
        """Ask for the level, and for a reason where it is lowered."""
        row, parts = self.row, self._parts
        if row is not None:
            sheet = LevelSheet(parts.theme, parts.window, row, chosen)
            sheet.levelled.connect(lambda level, reason: self._level(row, level, reason))
            sheet.open()

    def set_level(self, level: Level) -> None:
        """Set the level; lowering a crisis or a red asks first."""
        row = self.row
        if row is None or level is row.level:
            return
        if level > row.level and row.level <= Level.RED:
            self.ask_level(level)
        else:
            self._level(row, level, "")

    def _level(self, row: QueueRow, level: Level, reason: str, message_id: int | None = None) -> None:
        told = self.tr("Level set: {level}").format(level=words.level(level))
        answer = self._parts.runner.do(triage.set_level, row.item_id, level, reason, message_id)
        self._offer(answer, told)

    def show_why(self) -> None:
        """Show what the level of the message in hand rests on; without one, of the one that weighs most."""
        message, parts = self._parts.thread.conversation.weighed_row(), self._parts
        if message is None or message.message_id is None or message.ours:
            return
        sheet = WhySheet(parts.theme, parts.window, message)
        sheet.too_low.connect(partial(self._judge, message, -1))
        sheet.too_high.connect(partial(self._judge, message, 1))
        sheet.wrong.connect(partial(self._misread, message))
        sheet.open()

    def judge(self, by: int) -> None:
        """Say that triage should have set the message in hand higher or lower, and set it so."""
        message = self._parts.thread.conversation.weighed_row()
        if message is not None:
            self._judge(message, by)

    def _judge(self, message: MessageRow, by: int) -> None:
        row, parts = self.row, self._parts
        if row is None or message.message_id is None or message.level is None:
            return
        level = Level(min(max(message.level + by, Level.CRISIS), Level.GREEN))
        if level is message.level:
            return
        if by > 0 and row.level is not message.level:
            parts.notices.say(self.tr("The level of the conversation rests on another message."))
        elif by > 0 and row.level <= Level.RED:
            sheet = LevelSheet(parts.theme, parts.window, row, level)
            sheet.levelled.connect(
                lambda chosen, reason: self._level(row, chosen, reason, message.message_id)
            )
            sheet.open()
        else:
            self._level(row, min(level, row.level) if by < 0 else level, "", message.message_id)

    def _misread(self, message: MessageRow, cue: Cue) -> None:
        if message.message_id is not None:
            answer = self._parts.runner.do(triage.misread, message.message_id, cue.kind, cue.why, cue.lang)
            self._offer(
                answer, self.tr("Noted: the cue was wrong here. The level stays until you change it.")
            )

    # ---------------------------------------------------------------- messages

    def _message(self, kind: ActionKind) -> MessageRow | None:
        """The message in hand, or a sentence why the platform cannot do it."""
        why = self._parts.thread.refusal(kind)
        if why:
            told = self.tr("The platform cannot do that: {why}")
            self._parts.notices.say(told.format(why=why))
            return None
        row = self._parts.thread.conversation.picked_row()
        return row if row is not None and row.message_id is not None else None

    def hide(self) -> None:
        """Hide the message in hand, or show it again."""
        found = self._parts.thread.conversation.picked_row()
        hidden = found is not None and found.hidden
        row = self._message(ActionKind.UNHIDE if hidden else ActionKind.HIDE)
        if row is not None and row.message_id is not None:
            function = threads.unhide if hidden else threads.hide
            self._offer(self._parts.runner.do(function, row.message_id))

    def like(self) -> None:
        """Like the message in hand."""
        row = self._message(ActionKind.LIKE)
        if row is not None and row.message_id is not None:
            self._offer(self._parts.runner.do(threads.like, row.message_id))

    def ask_moderation(self) -> None:
        """Ask what the platform shall do about the message in hand."""
        row, parts = self._parts.thread.conversation.picked_row(), self._parts
        shown = parts.thread.thread_shown
        if row is None or row.message_id is None or shown is None:
            return
        message = row.message_id
        sheet = ModerateSheet(parts.theme, parts.window, row, shown.can, shown.untimed)
        sheet.decided.connect(
            lambda kind, options: self._offer(parts.runner.do(moderation.act, message, kind, options))
        )
        sheet.open()

    def ask_poll(self) -> None:
        """Ask the open conversation something, with answers to choose from."""
        row, parts = self.row, self._parts
        why = parts.thread.refusal(ActionKind.POLL)
        if why:
            parts.notices.say(self.tr("The platform cannot do that: {why}").format(why=why))
        elif row is not None:
            shown = parts.thread.thread_shown
            timed = shown is None or ActionKind.POLL not in shown.untimed
            sheet = PollSheet(parts.theme, parts.window, row.title or row.channel or row.person, timed=timed)
            sheet.asked.connect(lambda *asked: self._ask(row, *asked))
            sheet.open()

    def _ask(self, row: QueueRow, question: str, answers: list[str], hours: int | None) -> None:
        self._offer(self._parts.runner.do(moderation.ask_poll, row.item_id, question, answers, hours))

    def show_links(self) -> None:
        """Show where the links of the message in hand really lead, and its pictures by their names."""
        row, parts = self._parts.thread.conversation.picked_row(), self._parts
        if row is None:
            return
        if not found_in(row):
            parts.notices.say(self.tr("There is no link and no picture in this message."))
            return
        LinksSheet(parts.theme, parts.window, row).open()

    def copy(self) -> None:
        """Copy the words of the message in hand."""
        row = self._parts.thread.conversation.picked_row()
        if row is not None and row.text:
            clipboard.copy(row.text)
            self._parts.notices.say(self.tr("The words are in the clipboard."))

    def open_menu(self, _: MessageRow, where: QPoint) -> None:
        """What can be done with one message."""
        menu = QMenu(self._parts.window)
        for name in ("reply", "like", "hide", "moderate", "why", "higher", "lower", "links", "copy"):
            menu.addAction(self._parts.commands.action(name))
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(where)

    # ---------------------------------------------------------------- replies

    def send(self, sending: Sending) -> None:
        """Send a reply: held ten seconds, or at once after a confirmation where life is in danger."""
        if sending.level is Level.CRISIS:
            sheet = ConfirmSend(self._parts.theme, self._parts.window, sending)
            sheet.accepted.connect(lambda: self._send(sending, now=True))
            sheet.open()
        else:
            self._send(sending, now=False)

    def _send(self, sending: Sending, *, now: bool) -> None:
        told = self.tr("The reply leaves in a moment.")
        if now:
            told = self.tr("The reply is leaving now.")
        answer = self._parts.runner.do(
            replies.send,
            sending.item_id,
            sending.text,
            sending.audience,
            sending.template_id,
            now=now,
        )
        if self._parts.thread.item_id == sending.item_id:
            self._parts.reply.sent()
        answer.failed(lambda error: self._not_sent(sending, error))
        if now:
            answer.then(lambda _: self._parts.notices.say(told))
        else:
            self._offer(answer, told)

    def _not_sent(self, sending: Sending, error: BaseException) -> None:
        """The desk refused it: the words come back, with the reason."""
        if self._parts.thread.item_id == sending.item_id:
            self._parts.reply.put_back(sending.text)
        self._parts.notices.tell(error)

    def _save_draft(self) -> None:
        self._parts.reply.save()
        self._parts.notices.say(self.tr("The draft is kept."))

    def _undone(self, undone: Undone) -> None:
        """Go back to where it was done; a reply that did not leave is written there again."""
        if undone.item_id is not None and undone.item_id != self._parts.thread.item_id:
            self.returned.emit(undone.item_id)
        elif undone.text and undone.item_id == self._parts.thread.item_id:
            self._parts.reply.put_back(undone.text)
