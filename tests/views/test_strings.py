"""Every text on the screen comes from a translator, except what people wrote."""

import re

import pytest
from PySide6.QtCore import QLocale, QTranslator
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QMenu,
    QPlainTextEdit,
    QWidget,
)
from views.evening import COMMUNITY

from moderator_app.desk import accounts, helplines, replies, respect, threads, triage
from moderator_app.desk.rows import Audience, Level, Outcome
from moderator_app.settings import Settings
from moderator_app.views.main_window import MainWindow
from moderator_app.views.rail import RailModel


class Pseudo(QTranslator):
    """Wraps each translation, so that a text without a wrapper has not been translated."""

    def isEmpty(self):
        return False

    def translate(self, context, sourceText, disambiguation=None, n=-1):
        return f"⟦{sourceText}⟧"


@pytest.fixture
def pseudo(qapp, english):
    translator = Pseudo()
    QApplication.installTranslator(translator)
    yield translator
    QApplication.removeTranslator(translator)


@pytest.fixture
def foreign(qtbot, pseudo, account, runner, theme, program):
    made = MainWindow(runner.desk, runner, Settings(moderator="Priya"), theme, program)
    made.resize(1440, 900)
    made.show()
    made.queue.select_index(made.queue.model.index(0, 0))
    qtbot.waitUntil(lambda: made.talk.item_id is not None and bool(made.rail.model.counts))
    yield made
    made.close()
    runner.shutdown()
    made.deleteLater()


THEIRS = {
    *(m.text for m in COMMUNITY),
    *(m.thread_title for m in COMMUNITY),
    *(m.channel for m in COMMUNITY),
    *(m.person.name for m in COMMUNITY),
    *("Hearthlight", "Harbour Team", "Priya", "Ruth", "On-call lead", "A note of ours"),
}


def ours(text, known=frozenset()):
    """Whether a text has words that are neither translated nor anybody's own."""
    for theirs in sorted(THEIRS | known, key=len, reverse=True):
        text = text.replace(theirs, " ")
    before = None
    while before != text:
        before, text = text, re.sub(r"⟦[^⟦⟧]*⟧", " ", text)
    return bool(re.search(r"[^\W\d_]{2,}", text))


def texts(root):
    """Everything that can be read or heard of a widget tree."""
    for widget in [root, *root.findChildren(QWidget)]:
        yield widget, widget.accessibleName()
        yield widget, widget.accessibleDescription()
        yield widget, widget.toolTip()
        if isinstance(widget, QLabel | QAbstractButton):
            yield widget, widget.text()
        if isinstance(widget, QLineEdit | QPlainTextEdit):
            yield widget, widget.placeholderText()
        if isinstance(widget, QMenu):
            yield widget, widget.title()
        if isinstance(widget, QListWidget):
            yield from ((widget, widget.item(n).text()) for n in range(widget.count()))
        if isinstance(widget, QDialog):
            yield widget, widget.windowTitle()
    for action in root.findChildren(QAction):
        yield action, action.text()


def bare(root, known=frozenset()):
    return sorted(
        {f"{type(widget).__name__}: {text}" for widget, text in texts(root) if text and ours(text, known)}
    )


def test_the_window_speaks_the_readers_language(qtbot, foreign, desk, account):
    number = foreign.talk.item_id
    desk.do(threads.note, number, "A note of ours")
    desk.do(triage.assign, number, "Ruth")
    desk.do(triage.set_level, number, Level.RED, "Spoke with them, a friend is there.")
    desk.do(triage.snooze, number, desk.clock.now().replace(hour=23))
    desk.do(triage.reopen, number)
    desk.do(accounts.set_health, account, "offline", None, 0)
    message = desk.ask(threads.view, number).messages[1].message_id
    desk.do(threads.hide, message)
    sent = "A reply that is on its way to you."
    desk.do(replies.send, number, sent, Audience.PUBLIC)
    desk.do(triage.close, number, Outcome.ANSWERED)
    foreign.reply.text.setPlainText("You just need to calm down! {name}")
    qtbot.waitUntil(lambda: bool(foreign.person._shown) and len(foreign.person._shown[1]) >= 8)
    qtbot.waitUntil(foreign.banner.isVisible)
    known = {sent, "Spoke with them, a friend is there.", "“Spoke with them, a friend is there.”"}
    assert bare(foreign, known) == []


@pytest.mark.parametrize(
    "command",
    ["close", "escalate", "level", "note", "help", "outbox", "palette", "search", "lines", "template"],
)
def test_dialogs_speak_the_readers_language(qtbot, foreign, command, qapp):
    foreign.commands.action(command).trigger()
    qtbot.waitUntil(lambda: any(d.isVisible() for d in foreign.findChildren(QDialog)))
    dialog = next(d for d in foreign.findChildren(QDialog) if d.isVisible())
    assert bare(dialog, directory()) == []


def directory():
    """What the shipped directory and templates say is data, not ours to translate here."""
    lines = [line for code in helplines.countries() for line in helplines.help_for(code).lines]
    found = {line.name for line in lines} | {line.hours for line in lines}
    for row in respect.shipped():
        found |= {row.title, row.situation, row.avoid}
    territories = {QLocale.territoryToString(QLocale.codeToTerritory(c)) for c in helplines.countries()}
    return frozenset(found | territories) - {""}


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_menus_speak_the_readers_language(qtbot, foreign):
    foreign.commands.action("snooze").trigger()
    menus = [m for m in foreign.findChildren(QMenu) if m.isVisible()]
    foreign.top.more.click()
    menus.append(foreign.top._menu)
    shown = [a.text() for m in menus for a in m.actions() if a.text()]
    shown += [a.text() for m in foreign.top._menu.findChildren(QMenu) for a in m.actions()]
    for menu in menus:
        menu.close()
    assert len(shown) > 40
    assert [text for text in shown if ours(text)] == []


def test_lists_speak_the_readers_language(foreign):
    rail = foreign.rail.model
    assert isinstance(rail, RailModel)
    told = [rail.index(n).data(role) for n in range(rail.rowCount()) for role in (0, 11)]
    assert [text for text in told if text and ours(text)] == []
    card = foreign.queue.model.index(0, 0).data(11)
    for words in (*THEIRS, "mara.lindqvist"):
        card = card.replace(words, "")
    assert "⟦" in card
