"""The window on a real store: take, answer, take back, escalate, close, find, go on offline."""

import threading

import pytest
import sqlalchemy as sa
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QHelpEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QDialog, QMenu, QPushButton, QToolTip
from views.evening import fill, message

from moderator_app.desk import accounts, actions, replies, search, threads, triage
from moderator_app.desk.rows import ActionState, Audience, Level, Outcome, Queue, Status
from moderator_app.settings import Settings
from moderator_app.views.dialogs import CloseSheet, ConfirmSend, LevelSheet, NoteSheet
from moderator_app.views.escalate_panel import EscalateSheet, LinesSheet
from moderator_app.views.help_sheet import HelpSheet
from moderator_app.views.main_window import MainWindow, grab
from moderator_app.views.notices import BugSheet, report_of
from moderator_app.views.outbox_view import OutboxView
from moderator_app.views.palette import Palette, closeness
from moderator_app.views.reply_box import replacement
from moderator_app.views.template_picker import TemplatePicker

POPUPS = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


@pytest.fixture
def sheet(qtbot, window):
    """Wait for a dialog of a kind and answer it."""

    def find(kind):
        found = []

        def there():
            found[:] = [s for s in window.findChildren(kind) if s.isVisible()]
            return bool(found)

        qtbot.waitUntil(there)
        return found[0]

    return find


def press(qtbot, window, *keys):
    for key in keys:
        qtbot.keyClick(window.focusWidget() or window, key)


def item(desk, number):
    return desk.ask(triage.rows, [number])[0]


def test_the_window_opens_on_what_waits(window):
    assert window.queue.model.rowCount() == 6
    assert window.rail.model.counts[Queue.CRISIS] == 1
    assert window.windowTitle() == "Hearthlight: Needs a reply"
    assert window.queue.count.text() == "6"


def test_take_next_gives_the_most_urgent_and_shows_it(qtbot, window, desk):
    window.queue.table.setFocus()
    press(qtbot, window, Qt.Key.Key_N)
    qtbot.waitUntil(lambda: window.queue.model.name is Queue.MINE)
    qtbot.waitUntil(lambda: window.talk.item_id is not None)
    row = item(desk, window.talk.item_id)
    assert (row.person, row.assignee) == ("Mara Lindqvist", "Priya")
    assert window.queue.model.name is Queue.MINE


def test_reading_a_conversation_marks_it_seen(qtbot, window, desk, open_item):
    number = open_item("Amara Okafor")
    assert not item(desk, number).seen
    qtbot.waitUntil(lambda: item(desk, number).seen)


def test_keys_walk_the_list_and_do_not_act_while_writing(qtbot, window, desk, open_item):
    open_item("Mara Lindqvist")
    window.queue.table.setFocus()
    press(qtbot, window, Qt.Key.Key_J)
    second = window.queue.current()
    press(qtbot, window, Qt.Key.Key_K, Qt.Key.Key_J)
    assert window.queue.current() == second
    qtbot.waitUntil(lambda: window.talk.item_id == second)
    press(qtbot, window, Qt.Key.Key_R)
    assert window.reply.text.hasFocus()
    qtbot.keyClicks(window.reply.text, "jane and kai")
    assert window.reply.text.toPlainText() == "jane and kai"
    assert window.queue.current() == second
    press(qtbot, window, Qt.Key.Key_Escape)
    assert window.queue.table.hasFocus()


def test_a_reply_is_held_and_undo_gives_the_words_back(qtbot, window, desk, open_item):
    number = open_item("Leila Haddad")
    window.reply.text.setPlainText("The next circle is on Thursday at seven, and friends are welcome.")
    qtbot.waitUntil(window.reply.send.isEnabled)
    qtbot.keyClick(window.reply.text, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: bool(desk.ask(actions.outbox)))
    assert window.reply.text.toPlainText() == ""
    assert item(desk, number).status is Status.ANSWERED

    def leaving():
        return [b for b in window.talk.conversation.blocks.values() if b.row.state is ActionState.HELD]

    qtbot.waitUntil(lambda: bool(leaving()))
    assert leaving()[0].state_words() == "Leaves in 10 s"
    assert window.notices.toast.isVisible()
    assert window.notices.toast.left.text() == "10 s left"
    window.notices.toast.button.click()
    qtbot.waitUntil(lambda: "Thursday" in window.reply.text.toPlainText())
    assert desk.ask(actions.outbox) == []
    assert item(desk, number).status is Status.OPEN


def test_a_draft_is_on_disk_half_a_second_later_and_comes_back(qtbot, window, desk, open_item):
    number = open_item("Amara Okafor")
    window.reply.text.setPlainText("Good that you wrote, Amara.")
    qtbot.waitUntil(lambda: desk.ask(replies.draft, number) is not None, timeout=3000)
    open_item("Leila Haddad")
    assert window.reply.text.toPlainText() == ""
    open_item("Amara Okafor")
    assert window.reply.text.toPlainText() == "Good that you wrote, Amara."


def test_leaving_a_conversation_saves_its_draft_at_once(qtbot, window, desk, open_item):
    number = open_item("Amara Okafor")
    window.reply.text.setPlainText("Half a sentence")
    open_item("Leila Haddad")
    qtbot.waitUntil(lambda: desk.ask(replies.draft, number) is not None)
    assert desk.ask(replies.draft, number).text == "Half a sentence"


def test_a_crisis_reply_asks_first_and_shows_who_will_read_it(qtbot, window, desk, open_item, sheet):
    number = open_item("Mara Lindqvist")
    window.reply.text.setPlainText("Mara, I am reading this now. Are you somewhere safe at this moment?")
    qtbot.waitUntil(window.reply.send.isEnabled)
    window.commands.action("send").trigger()
    asked = sheet(ConfirmSend)
    told = " ".join(label.text() for label in asked.findChildren(type(asked.heading)))
    for part in ("Mara Lindqvist", "demo", "Crisis", "Public"):
        assert part in told
    asked.deed.click()
    qtbot.waitUntil(lambda: bool(desk.ask(actions.outbox)))
    assert desk.ask(actions.outbox)[0].send_at <= desk.clock.now()
    assert desk.ask(actions.outbox)[0].item_id == number


def test_who_will_read_it_is_said_in_words(window, open_item):
    open_item("Amara Okafor")
    assert window.reply.audience is Audience.PRIVATE
    assert "Private: only Amara Okafor" in window.reply.text.accessibleName()
    open_item("Leila Haddad")
    assert "Public: everyone can read this" in window.reply.text.accessibleName()


def test_remarks_stand_under_the_words_and_replace_mends_them(qtbot, window, open_item):
    open_item("Mara Lindqvist")
    window.reply.text.setPlainText("Thank you for telling us! We read every word of it with care.")
    qtbot.waitUntil(lambda: bool(window.reply._remarks))
    remark = next(r for r in window.reply._remarks if r.rule == "R34")
    window.reply._replace(remark, replacement(remark))
    assert "!" not in window.reply.text.toPlainText()


def test_a_template_is_put_in_and_tab_walks_its_blanks(qtbot, window, open_item, sheet):
    open_item("Amara Okafor")
    window.commands.action("template").trigger()
    picker = sheet(TemplatePicker)
    picker.search.setText("loneliness")
    assert picker.list.count() > 0
    qtbot.keyClick(picker.search, Qt.Key.Key_Return)
    text = window.reply.text
    qtbot.waitUntil(lambda: "Amara" in text.toPlainText())
    first = text.textCursor().selectedText()
    assert first.startswith("{")
    qtbot.keyClicks(text, "You said the evenings are long")
    qtbot.keyClick(text, Qt.Key.Key_Tab)
    second = text.textCursor().selectedText()
    assert second.startswith("{")
    assert second != first
    qtbot.waitUntil(lambda: not window.reply.ready)


def test_escalating_names_a_holder(qtbot, window, desk, open_item, sheet):
    number = open_item("Amara Okafor")
    window.commands.action("escalate").trigger()
    asked = sheet(EscalateSheet)
    assert "999" in " ".join(label.text() for label in asked.findChildren(type(asked.heading)))
    asked.to.setEditText("Ruth")
    asked.reason.setPlainText("She asked for somebody to talk to tonight.")
    asked.deed.click()
    qtbot.waitUntil(lambda: item(desk, number).escalated_to == "Ruth")
    assert item(desk, number).level is Level.RED
    qtbot.waitUntil(lambda: window.talk.head.button("acknowledge").isVisible())
    window.commands.action("acknowledge").trigger()
    qtbot.waitUntil(lambda: item(desk, number).acknowledged)


def test_a_line_fills_the_blanks_of_the_draft(qtbot, window, open_item, sheet):
    open_item("Mara Lindqvist")
    window.reply.text.setPlainText("If not, call {emergency_number}. {line_name}: {line_contact}.")
    window.commands.action("lines").trigger()
    lines = sheet(LinesSheet)
    names = [b.accessibleName() for b in lines.findChildren(type(lines.deed)) if b.text() == "Use"]
    chosen = next(name for name in names if "Samaritans" in name)
    next(b for b in lines.findChildren(type(lines.deed)) if b.accessibleName() == chosen).click()
    assert window.reply.text.toPlainText() == "If not, call 999. Samaritans: 116 123."


def test_lowering_a_crisis_needs_twenty_characters(qtbot, window, desk, open_item, sheet):
    number = open_item("Mara Lindqvist")
    window.queue.table.setFocus()
    press(qtbot, window, Qt.Key.Key_3)
    asked = sheet(LevelSheet)
    assert asked.level is Level.AMBER
    assert not asked.deed.isEnabled()
    asked.reason.setPlainText("Spoke with her, a friend is there.")
    asked.deed.click()
    qtbot.waitUntil(lambda: window.conduct.row.level is Level.AMBER)
    window.commands.action("level_red").trigger()
    qtbot.waitUntil(lambda: item(desk, number).level is Level.RED)
    window.commands.action("undo").trigger()
    qtbot.waitUntil(lambda: item(desk, number).level is Level.AMBER)


def test_closing_asks_how_it_ended_and_shows_the_next(qtbot, window, desk, open_item, sheet):
    number = open_item("Leila Haddad")
    window.commands.action("close").trigger()
    asked = sheet(CloseSheet)
    assert asked.outcome.currentText() == "Question answered"
    asked.deed.click()
    qtbot.waitUntil(lambda: item(desk, number).status is Status.CLOSED)
    qtbot.waitUntil(lambda: window.talk.item_id != number)
    qtbot.waitUntil(lambda: window.rail.model.counts[Queue.CLOSED] == 1)


@POPUPS
def test_snoozing_offers_moments(qtbot, window, desk, open_item):
    number = open_item("Leila Haddad")
    window.commands.action("snooze").trigger()
    menu = next(m for m in window.findChildren(QMenu) if m.isVisible())
    assert len([a for a in menu.actions() if a.text()]) == 5
    menu.actions()[0].trigger()
    menu.close()
    qtbot.waitUntil(lambda: item(desk, number).status is Status.SNOOZED)


def test_a_note_stays_with_the_team(qtbot, window, desk, open_item, sheet):
    number = open_item("Jonas Achterberg")
    window.commands.action("note").trigger()
    asked = sheet(NoteSheet)
    asked.text.setPlainText("Prefers to be written to in the evening.")
    asked.deed.click()
    qtbot.waitUntil(lambda: bool(desk.ask(threads.view, number).notes))


def test_hiding_and_the_veil(qtbot, window, desk, open_item):
    number = open_item("Jonas Achterberg")
    window.commands.action("hide").trigger()
    qtbot.waitUntil(lambda: desk.ask(threads.view, number).messages[0].hidden)
    block = next(iter(window.talk.conversation.blocks.values()))
    qtbot.waitUntil(lambda: block.veiled)
    assert "home address" not in block.accessibleName()
    block.findChild(QPushButton).click()
    assert "home address" in block.accessibleName()


@POPUPS
def test_a_cue_says_why_on_hover(qtbot, window, open_item):
    open_item("Jonas Achterberg")
    block = next(iter(window.talk.conversation.blocks.values()))
    layout = block._layout(block.width())
    where = block._text_place()
    spots = [
        QPoint(x, int(where.y()) + 10)
        for x in range(int(where.x()), block.width(), 6)
        if layout.why(QPointF(x, where.y() + 10) - where) is not None
    ]
    assert spots
    moved = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(spots[0]),
        QPointF(block.mapToGlobal(spots[0])),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(block, moved)
    QApplication.sendEvent(block, QHelpEvent(QEvent.Type.ToolTip, spots[0], block.mapToGlobal(spots[0])))
    assert QToolTip.text() == "Red: private details of a person"
    QToolTip.hideText()
    assert block.reason_at(QPointF(2, 2)) == ""


def test_the_palette_finds_commands_and_words(qtbot, window, open_item, sheet):
    window.commands.action("palette").trigger()
    palette = sheet(Palette)
    palette.field.setText("esc")
    assert "Queue: Escalated" in palette.list.item(0).text()
    palette.field.setText("home address")
    qtbot.waitUntil(lambda: any("Jonas" in palette.list.item(n).text() for n in range(palette.list.count())))
    palette.list.setCurrentRow(palette.list.count() - 1)
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.talk.item_id is not None)
    assert window.talk.thread_shown.item.person == "Jonas Achterberg"


def test_letters_in_order_are_enough():
    assert closeness("", "x") == 0
    assert closeness("take", "Take next") == 0
    assert closeness("nxt", "Take next") is not None
    assert closeness("zz", "Take next") is None
    assert closeness("take", "Take next") < closeness("tkn", "Take next")


def test_the_help_lists_every_command_with_a_key(window, sheet):
    window.commands.action("help").trigger()
    told = {label.text() for label in sheet(HelpSheet).findChildren(type(window.queue.title))}
    for command in window.commands.table:
        assert command.text in told
        assert not command.keys or window.commands.all_keys(command.name) in told


def test_no_two_commands_share_a_key(window):
    keys = [k.toString() for c in window.commands.table for k in window.commands.action(c.name).shortcuts()]
    assert len(keys) == len(set(keys))


def test_the_outbox_shows_what_waits_and_takes_it_back(qtbot, window, desk, open_item, sheet):
    number = open_item("Leila Haddad")
    desk.do(replies.send, number, "See you on Thursday at seven in the usual room.", Audience.PUBLIC)
    window.commands.action("outbox").trigger()
    outbox = sheet(OutboxView)
    qtbot.waitUntil(lambda: bool(outbox._rows))
    undo = next(b for b in outbox.findChildren(type(outbox.deed)) if b.text() == "Undo")
    undo.click()
    qtbot.waitUntil(lambda: outbox._rows == [])


def test_offline_is_said_with_a_way_to_mend_it(qtbot, window, desk, account, program):
    desk.do(accounts.set_health, account, "offline", None, 0)
    qtbot.waitUntil(window.banner.isVisible)
    assert "You can go on working" in window.banner.text.text()
    window.banner.mend.click()
    desk.do(accounts.set_health, account, "sign_in", None, 0)
    qtbot.waitUntil(lambda: "sign in again" in window.banner.text.text())
    window.banner.mend.click()
    assert program.asked == ["sync", ("sign_in", account)]
    desk.do(accounts.set_health, account, "ok", None, 0)
    qtbot.waitUntil(lambda: not window.banner.isVisible())


def test_a_long_job_shows_progress_and_can_be_stopped(qtbot, window, runner):
    ended, ended_wait = [], threading.Event()

    def work(progress, stopped):
        progress(1, 4)
        while not stopped():
            ended_wait.wait(0.01)
        return "ended"

    runner.job("import", "Bringing the archive", work).then(ended.append)
    qtbot.waitUntil(lambda: bool(window.rail._jobs))
    line = next(iter(window.rail._jobs.values()))
    qtbot.waitUntil(lambda: line._bar.maximum() == 4)
    next(b for b in line.findChildren(type(window.rail.take_next))).click()
    qtbot.waitUntil(lambda: ended == ["ended"])
    qtbot.waitUntil(lambda: not window.rail._jobs)


def test_a_new_crisis_is_in_the_list_at_once(qtbot, window, desk, account):
    words = "I can’t keep going, and I wanted somebody to know."
    fill(desk, [message("n1", "Tonight", "Noor", words, 1)], account)
    qtbot.waitUntil(lambda: window.queue.model.rowCount() == 7)
    people = [window.queue.model.row(window.queue.model.index(n, 0)).person for n in range(2)]
    assert "Noor" in people


def test_nothing_moves_while_the_list_is_scrolled(qtbot, window, desk, account):
    window.resize(1440, 420)
    bar = window.queue.table.verticalScrollBar()
    bar.setValue(bar.maximum())
    fill(desk, [message("n1", "Tonight", "Noor", "I can’t keep going.", 1)], account)
    qtbot.waitUntil(window.queue.news.isVisible)
    assert window.queue.model.rowCount() == 6
    assert window.queue.news.text() == "1 new, 1 in crisis"
    window.queue.news.click()
    qtbot.waitUntil(lambda: window.queue.model.rowCount() == 7)
    assert not window.queue.news.isVisible()


def test_a_refusal_of_the_desk_is_said_in_place_and_keeps_the_words(qtbot, window, desk, open_item):
    number = open_item("Leila Haddad")
    window.reply.text.setPlainText("Hello {name}")
    qtbot.waitUntil(lambda: not window.reply.ready)
    window.reply._remarks = []
    sending = window.reply.sending()
    window.conduct.send(sending)
    toast = window.notices.toast
    qtbot.waitUntil(toast.isVisible)
    assert toast.sentence.text() == "These blanks are not filled: name."
    assert window.reply.text.toPlainText() == "Hello {name}"
    assert item(desk, number).status is Status.OPEN


def test_a_bug_is_reported_without_a_word_of_anybody(qtbot, window, sheet, caplog):
    def fail(words):
        raise ValueError(words)

    with pytest.raises(ValueError, match="secret") as caught:
        fail("secret words of a person")
    assert "secret" not in report_of(caught.value)
    assert "ValueError" in report_of(caught.value)
    window.notices.tell(caught.value)
    assert "test_window.py" in sheet(BugSheet).report.toPlainText()
    sheet(BugSheet).reject()


@pytest.mark.parametrize(
    ("width", "scale", "shown"),
    [
        (1440, 100, ("rail", "queue", "middle", "person")),
        (1100, 100, ("rail", "queue", "middle")),
        (900, 100, ("rail", "queue", "middle")),
        (760, 100, ("rail", "queue")),
        (1440, 200, ("rail", "queue")),
    ],
)
def test_columns_give_way_to_short_room(window, theme, width, scale, shown):
    theme.choose_scale(scale)
    window.resize(width, 900)
    panes = dict(zip(("rail", "queue", "middle", "person"), window.panes, strict=True))
    assert tuple(name for name, pane in panes.items() if pane.isVisible()) == shown
    assert window.rail.list.narrow is (width * 100 / scale < 1040)


def test_one_pane_at_a_time_with_a_way_back(qtbot, window, open_item):
    window.resize(760, 900)
    open_item("Leila Haddad")
    window.queue.table.setFocus()
    qtbot.keyClick(window.queue.table, Qt.Key.Key_Return)
    assert window.panes[2].isVisible()
    assert not window.queue.isVisible()
    window.talk.back.click()
    assert window.queue.isVisible()


def test_low_windows_let_the_reply_scroll_with_the_messages(qtbot, window, open_item):
    open_item("Leila Haddad")
    window.resize(1440, 600)
    assert window.talk.conversation.isAncestorOf(window.reply)
    window.resize(1440, 900)
    assert not window.talk.conversation.isAncestorOf(window.reply)
    qtbot.waitUntil(window.reply.isVisible)


def test_the_scheme_is_switched_and_kept(window, theme, program):
    window.commands.action("theme").trigger()
    assert theme.tokens.name == "dark"
    window.commands.action("contrast").trigger()
    assert theme.tokens.name == "contrast-dark"
    assert program.asked[-1].theme == "contrast-dark"
    window.commands.action("larger").trigger()
    assert program.asked[-1].text_scale == 125


def test_a_long_conversation_comes_in_pages_of_fifty(qtbot, window, desk, account, open_item):
    many = [message(f"l{n}", "A long evening", "Kai", f"Line {n} of it.", 400 - n) for n in range(130)]
    fill(desk, many, account)
    qtbot.waitUntil(lambda: window.queue.model.rowCount() == 7)
    open_item("Kai")
    conversation = window.talk.conversation
    qtbot.waitUntil(lambda: len(conversation.blocks) == 50)
    assert conversation.earlier.text() == "Show 80 earlier messages"
    bar = conversation.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.value() == bar.maximum() > 0)
    conversation.earlier.click()
    qtbot.waitUntil(lambda: len(conversation.blocks) == 100)


def test_f6_leads_from_pane_to_pane(qtbot, window, open_item):
    open_item("Leila Haddad")
    window.rail.list.setFocus()
    seen = []
    for _ in range(5):
        window.commands.action("panes").trigger()
        seen.append(QApplication.focusWidget())
    newest = next(reversed(window.talk.conversation.blocks.values()))
    assert seen == [
        window.queue.table,
        newest,
        window.reply.text,
        window.person.note,
        window.rail.list,
    ]


def test_history_is_told_in_sentences(qtbot, window, desk, open_item):
    number = open_item("Leila Haddad")
    desk.do(triage.assign, number, "Priya")
    desk.do(triage.set_level, number, Level.RED)
    desk.do(triage.close, number, Outcome.ANSWERED)

    def told():
        return {label.text() for label in window.person.findChildren(type(window.queue.title))}

    qtbot.waitUntil(lambda: "Priya closed this: Question answered" in told())
    assert {"Priya took this", "Priya set the level to Red"} <= told()


def test_a_picture_can_be_taken(window, tmp_path):
    grab(window, tmp_path / "window.png")
    assert (tmp_path / "window.png").stat().st_size > 10_000


def test_dialogs_close_with_escape(qtbot, window, open_item, sheet):
    open_item("Leila Haddad")
    for name, kind in (("close", CloseSheet), ("note", NoteSheet), ("level", LevelSheet)):
        window.commands.action(name).trigger()
        found = sheet(kind)
        assert isinstance(found, QDialog)
        qtbot.keyClick(found, Qt.Key.Key_Escape)
        qtbot.waitUntil(lambda kind=kind: not window.findChildren(kind))


def test_before_the_first_account_the_window_says_how_to_begin(qtbot, desk, runner, theme, program):
    made = MainWindow(desk, runner, Settings(moderator="Priya"), theme, program)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitUntil(lambda: made.nothing.title.text() == "Connect an account to begin.")
    made._first[0].click()
    made._first[1].click()
    assert program.asked == ["connect", "import"]
    assert made.queue.empty.title.text() == "Nobody is waiting here."
    runner.shutdown()


def test_our_reply_is_brought_into_sight(qtbot, window, desk, account, open_item):
    many = [message(f"l{n}", "A long evening", "Kai", f"Line {n} of it.", 400 - n) for n in range(40)]
    fill(desk, many, account)
    qtbot.waitUntil(lambda: window.queue.model.rowCount() == 7)
    number = open_item("Kai")
    desk.do(replies.send, number, "Thank you for all of these lines, Kai.", Audience.PUBLIC)
    conversation = window.talk.conversation
    qtbot.waitUntil(lambda: len(conversation.blocks) == 41)
    mine = list(conversation.blocks.values())[-1]
    qtbot.waitUntil(lambda: mine.visibleRegion().boundingRect().height() == mine.height())


def test_a_conversation_opens_at_the_words_of_the_person_it_is_about(qtbot, window, desk, account, open_item):
    many = [message("a1", "A long evening", "Noor", "I feel so alone today.", 500)]
    many += [message(f"l{n}", "A long evening", "Kai", f"Line {n} of it.", 400 - n) for n in range(40)]
    fill(desk, many, account)
    qtbot.waitUntil(lambda: window.queue.model.rowCount() == 8)
    open_item("Noor")
    hers = next(iter(window.talk.conversation.blocks.values()))
    qtbot.waitUntil(lambda: hers.visibleRegion().boundingRect().height() == hers.height())


@pytest.mark.parametrize("place", ["reply", "filter"])
def test_the_palette_opens_out_of_text_fields_too(qtbot, window, open_item, sheet, place):
    open_item("Leila Haddad")
    field = window.reply.text if place == "reply" else window.queue.filter
    window.activateWindow()
    field.setFocus()
    qtbot.keyClicks(field, "some words")
    qtbot.keyClick(field, Qt.Key.Key_Home)
    qtbot.keyClick(field, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    palette = sheet(Palette)
    assert palette.focusWidget() is palette.field
    text = field.toPlainText() if place == "reply" else field.text()
    assert text == "some words"


def test_undo_leads_back_to_where_it_was_done(qtbot, window, desk, open_item):
    number = open_item("Leila Haddad")
    desk.do(replies.send, number, "The circle meets on Thursday at seven.", Audience.PUBLIC)
    other = open_item("Amara Okafor")
    window.commands.action("undo").trigger()
    qtbot.waitUntil(lambda: window.talk.item_id == number != other)
    qtbot.waitUntil(lambda: "Thursday" in window.reply.text.toPlainText())


def test_closing_the_window_keeps_the_last_words(qtbot, window, runner, desk, open_item):
    number = open_item("Amara Okafor")
    window.reply.text.setPlainText("Typed a moment ago")
    window.close()
    assert runner.shutdown()
    assert desk.ask(replies.draft, number).text == "Typed a moment ago"


def test_searching_marks_the_words_says_a_wrong_filter_and_keeps_what_was_found(qtbot, window, sheet):
    window.commands.action("search").trigger()
    palette = sheet(Palette)
    assert "from:" in palette._said.text()
    palette.field.setText("home address")
    qtbot.waitUntil(lambda: palette.list.count() > 0)
    hit = palette.list.item(0).data(Qt.ItemDataRole.UserRole).hit
    assert {hit.excerpt[m.start : m.end].lower() for m in hit.matches} == {"home", "address"}
    palette.field.setText("home address level:purple")
    qtbot.waitUntil(lambda: "crisis, red, amber, green" in palette._said.text())
    assert palette.list.count() > 0
    palette.close()


def test_a_search_that_was_overtaken_does_not_answer(qtbot, window, desk):
    answers, asked = [], []

    def slow(ctx, number, *, cancelled):
        asked.append(number)
        if number == 1:
            with search._stoppable(ctx, cancelled):
                ctx.session.execute(
                    sa.text(
                        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 1000000000)"
                        " SELECT sum(x) FROM n"
                    )
                ).all()
        return number

    window.runner.overtaking("trial", slow, 1).then(answers.append)
    qtbot.waitUntil(lambda: asked == [1])
    window.runner.overtaking("trial", slow, 2).then(answers.append)
    qtbot.waitUntil(lambda: answers == [2], timeout=3000)
    del desk
