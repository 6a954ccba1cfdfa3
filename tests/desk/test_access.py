"""Who is found by a handle, and what a bundle says: whatever letters a name is written in."""

import html
import re
import uuid
import zipfile
from pathlib import Path
from typing import Any

import pytest
from conftest import Shift

from moderator_app.desk import access, accounts, replies, requests, triage
from moderator_app.desk.rows import Audience, Queue
from moderator_app.errors import ForTheModerator


def _said(shift: Shift, handle: str, words: str = "good evening", parent: str = "") -> str:
    shift.platform.person(handle, handle.removeprefix("@"))
    key = shift.platform.say(handle, words, **({"parent": parent} if parent else {"title": "an evening"}))
    shift.sync.run()
    return key


@pytest.mark.parametrize("handle", ["@Éva", "@JÜRGEN", "@Ольга", "@Straße", "@Ada_L", "@李明"])
def test_a_person_is_found_however_the_name_is_written(shift: Shift, handle: str) -> None:
    _said(shift, handle)
    _said(shift, "@robin")
    for asked in (handle, handle.upper(), handle.lower(), f" {handle.removeprefix('@')} "):
        assert [found[1] for found in shift.desk.ask(requests.people, asked)] == [handle], asked


def test_a_letter_and_its_accent_apart_are_the_same_letter(shift: Shift) -> None:
    _said(shift, "@\u00c9va")
    assert len(shift.desk.ask(requests.people, "@E\u0301va")) == 1


def test_a_request_that_is_not_known_is_a_sentence(shift: Shift) -> None:
    with pytest.raises(ForTheModerator, match="not known"):
        shift.desk.ask(requests.one, uuid.uuid4())


def test_a_request_is_found_behind_two_hundred_others(shift: Shift) -> None:
    _said(shift, "@robin")
    person = shift.desk.ask(requests.person_named, "@robin")
    asked = [shift.desk.do(access.ask, person) for _ in range(201)]
    assert {shift.desk.ask(requests.one, key).request_id for key in asked} == set(asked)


def _bundle(shift: Shift, handle: str) -> dict[str, Any]:
    key = shift.desk.do(access.ask, shift.desk.ask(requests.person_named, handle))
    return shift.desk.ask(access.bundle, key)


@pytest.mark.parametrize(
    ("other", "words", "masked"),
    [
        ("@wren", "ask @wren, or WREN.", "ask another member, or another member."),
        ("@wren", "the wrench stays", "the wrench stays"),
        ("@李明", "昨天李明来了", "昨天another member来了"),
        ("@wren", "ask @somebody.else@far.example too", "ask another member too"),
        ("@wren", "i am @robin, you are @us", "i am @robin, you are @us"),
        ("@wren", "write to me at robin@far.example", "write to me at robin@far.example"),
    ],
)
def test_others_are_not_named_and_the_person_and_the_team_are(
    shift: Shift, other: str, words: str, masked: str
) -> None:
    ours = shift.desk.ask(accounts.rows)[0].handle
    opened = _said(shift, "@robin", words.replace("@us", ours))
    _said(shift, other, parent=opened)
    said = _bundle(shift, "@robin")["conversations"][0]["messages"][0]["text"]
    assert said == masked.replace("@us", ours)


def test_a_draft_is_in_the_bundle_and_the_bundle_says_what_it_is(shift: Shift) -> None:
    _said(shift, "@robin")
    item = shift.desk.ask(triage.queue, Queue.OPEN)[0].item_id
    shift.desk.do(replies.save_draft, item, "welcome back", Audience.PUBLIC)
    held = _bundle(shift, "@robin")
    assert [one["text"] for one in held["conversations"][0]["drafts_to_them"]] == ["welcome back"]
    assert held["what_is_in_it"] == list(access.CONTENT)
    assert any("notes" in sentence for sentence in held["what_is_in_it"])


def test_the_page_escapes_what_was_written_and_loads_nothing(shift: Shift, tmp_path: Path) -> None:
    _said(shift, "@robin", "<img src='https://far.example/a.png'> & <script>alert(1)</script>")
    key = shift.desk.do(access.ask, shift.desk.ask(requests.person_named, "@robin"))
    with zipfile.ZipFile(access.write(shift.desk, key, tmp_path)) as archive:
        page = archive.read("what-is-held.html").decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not re.search(r"<(script|img|link|iframe|a)\b", page)
    assert all(sentence in html.unescape(page) for sentence in access.CONTENT)
