"""Moderating, polls, links and accounts in the real window on the demo community."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from PySide6.QtWidgets import QApplication
from views.evening import Quiet

from connectors.contract import Media, RemotePoll
from moderator_app.desk import accounts, actions, threads
from moderator_app.desk.rows import ActionKind, Enclosed
from moderator_app.models.care import Action
from moderator_app.views.links_sheet import LinksSheet, found_in, host
from moderator_app.views.message_block import MessageBlock
from moderator_app.views.moderate_sheet import ModerateSheet, PollSheet


def _sheet(kind: type[Any]) -> Any:
    found = [one for one in QApplication.topLevelWidgets() if isinstance(one, kind) and one.isVisible()]
    assert len(found) == 1
    return found[0]


def test_what_is_not_possible_stands_there_greyed_with_its_reason(qtbot, window, open_item):
    open_item("Jonas Achterberg")
    window.commands.action("moderate").trigger()
    sheet = _sheet(ModerateSheet)
    assert sheet.choices[ActionKind.BAN].isEnabled()
    kick = sheet.choices[ActionKind.KICK]
    assert not kick.isEnabled()
    assert "muted or banned" in kick.accessibleDescription()
    sheet.reject()


def test_a_ban_with_its_reason_is_recorded_and_can_be_undone(qtbot, window, desk, open_item):
    number = open_item("Jonas Achterberg")
    window.commands.action("moderate").trigger()
    sheet = _sheet(ModerateSheet)
    sheet.choices[ActionKind.BAN].setChecked(True)
    assert not sheet.reason.isHidden()
    assert sheet.label.isHidden()
    sheet.reason.setText("sells things, three times")
    sheet.hours.setValue(48)
    sheet.deed.click()
    qtbot.waitUntil(lambda: bool(desk.ask(threads.view, number).history))
    (done,) = desk.ask(threads.view, number).history
    assert done.kind is ActionKind.BAN
    assert (done.detail["reason"], done.detail["hours"]) == ("sells things, three times", "48")
    window.commands.action("undo").trigger()
    qtbot.waitUntil(lambda: desk.ask(actions.outbox) == [])


def test_a_poll_is_asked_from_the_keyboard(qtbot, window, desk, open_item):
    open_item("Jonas Achterberg")
    window.commands.action("poll").trigger()
    sheet = _sheet(PollSheet)
    sheet.question.setPlainText("Which evening suits you?")
    sheet.answers.setPlainText("Tuesday\nThursday\n")
    sheet.deed.click()
    qtbot.waitUntil(lambda: bool(desk.ask(actions.outbox)))
    (waiting,) = desk.ask(actions.outbox)
    assert (waiting.kind, waiting.text) == (ActionKind.POLL, "Which evening suits you?")


def test_where_a_poll_lasts_until_it_is_ended_no_hours_are_asked_for_or_sent(qtbot, window, desk, open_item):
    probe = Quiet({}, {}).probe()
    lasting = {verb: replace(ability, untimed=True) for verb, ability in probe.verbs.items()}
    (account,) = {row.account_id for row in desk.ask(accounts.rows)}
    desk.do(accounts.update_abilities, account, replace(probe, verbs=lasting))
    open_item("Jonas Achterberg")
    window.commands.action("poll").trigger()
    sheet = _sheet(PollSheet)
    assert sheet.hours.isHidden() or not sheet.hours.isVisible()
    sheet.question.setPlainText("Which evening suits you?")
    sheet.answers.setPlainText("Tuesday\nThursday\n")
    sheet.deed.click()
    qtbot.waitUntil(lambda: bool(desk.ask(actions.outbox)))
    window.commands.action("moderate").trigger()
    sheet = _sheet(ModerateSheet)
    sheet.choices[ActionKind.BAN].setChecked(True)
    assert sheet.hours.isHidden()
    sheet.deed.click()
    qtbot.waitUntil(lambda: len(desk.ask(actions.outbox)) == 2)
    asked = desk.ask(
        lambda ctx: [json.loads(found) for found in ctx.session.scalars(sa.select(Action.detail))]
    )
    assert asked
    assert not any("hours" in detail for detail in asked)


def test_links_show_the_server_they_lead_to(qtbot, window, open_item):
    open_item("Jonas Achterberg")
    window.commands.action("links").trigger()
    sheet = _sheet(LinksSheet)
    assert "harbour.example" in {label.text() for label in sheet.findChildren(type(sheet.heading))}
    sheet.accept()


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("https://one.example/x?y#z", "one.example"),
        ("https://one.example@two.example/", "two.example"),
        ("https://b\u0430nk.example/", "xn--bnk-6cd.example"),
        ("javascript:alert(1)", ""),
        ("file:///home/ada/notes", ""),
        ("https://", ""),
        ("https://[half", ""),
    ],
)
def test_the_server_of_a_link_is_the_real_one(url, server):
    assert host(url) == server


def test_each_way_out_of_a_message_is_named_once(window, desk, open_item):
    row = desk.ask(threads.view, open_item("Jonas Achterberg")).messages[0]
    changed = {
        "text": "See https://one.example/a. And (https://one.example/a), http://two.example/b!",
        "enclosed": Enclosed(media=(Media("https://three.example/p.png", alt="a lake"),)),
        "permalink": "javascript:alert(1)",
    }
    found = found_in(type(row)(**{name: getattr(row, name) for name in row.__slots__} | changed))
    assert [(one.kind, one.url) for one in found] == [
        ("link", "https://one.example/a"),
        ("link", "http://two.example/b"),
        ("image", "https://three.example/p.png"),
    ]


def test_removing_an_account_gives_the_words_that_wait_back(qtbot, window, desk, open_item):
    number = open_item("Jonas Achterberg")
    window.reply.text.setPlainText("I read you. How is the evening going for you?")
    qtbot.waitUntil(lambda: window.commands.action("send").isEnabled())
    window.commands.action("send").trigger()
    qtbot.waitUntil(lambda: bool(desk.ask(actions.outbox)))
    (account,) = {row.account_id for row in desk.ask(accounts.rows)}
    desk.do(accounts.disconnect, account)
    assert desk.ask(actions.outbox) == []
    kept = desk.ask(threads.view, number).draft
    assert kept is not None
    assert kept.text == "I read you. How is the evening going for you?"


def test_a_poll_with_its_votes_pictures_and_labels_stand_below_the_words(window, desk, open_item):
    view = desk.ask(threads.view, open_item("Jonas Achterberg"))
    row, now = view.messages[0], view.messages[0].at
    poll = RemotePoll((("Tuesday", 12), ("Thursday", 1)), closes_at=now - timedelta(hours=1))
    media = (Media("https://three.example/p.png", alt="a lake"),)
    changed = {"enclosed": Enclosed(poll, media, labels=("rude",))}
    with_more = type(row)(**{name: getattr(row, name) for name in row.__slots__} | changed)
    theme = window.findChild(MessageBlock)._theme
    plain, full = MessageBlock(theme, row, now), MessageBlock(theme, with_more, now)
    said = full.accessibleName()
    assert "Poll, closed" in said
    assert "Tuesday: 12 votes" in said
    assert "Thursday: 1 vote\n" in said
    assert "1 picture or file, not loaded: a lake" in said
    assert "Labels there: rude" in said
    assert full.heightForWidth(600) > plain.heightForWidth(600)
