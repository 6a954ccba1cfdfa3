"""Who is found by a handle, and what a bundle says: whatever letters a name is written in."""

import uuid

import pytest
from conftest import Shift

from moderator_app.desk import access, requests
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
