"""Matrix's rules that need no server: how polls are counted, what an event must hold, what errors mean."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import matrix_polls
from connectors.contract import Command, Verb
from connectors.errors import ConnectorError, Gone, Reason, Refused, SignInAgain, Unreadable
from connectors.http import Answer
from connectors.matrix import MatrixConnector, _version
from connectors.matrix_events import Event, joined, names, split, words
from connectors.matrix_session import explain, path
from connectors.matrix_sync import _State, missing

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ANSWERS = ("yes", "no", "later")


def event(sender: str, at: int, kind: str = "m.room.message", number: int = 0, **content: Any) -> Event:
    raw = {
        "event_id": f"${sender}{at}.{number}",
        "type": kind,
        "sender": sender,
        "origin_server_ts": at,
        "content": content,
    }
    return Event.read(raw, "!room")


def poll(most: int = 1, kind: str = "disclosed") -> Event:
    content = {
        "kind": f"org.matrix.msc3381.poll.{kind}",
        "max_selections": most,
        "question": {"org.matrix.msc1767.text": "Shall we?"},
        "answers": [{"id": one, "org.matrix.msc1767.text": one.title()} for one in ANSWERS],
    }
    return event("@asker", 0, "org.matrix.msc3381.poll.start", **{"org.matrix.msc3381.poll.start": content})


def vote(sender: str, at: int, *answers: str, stable: bool = False) -> Event:
    if stable:
        return event(sender, at, "m.poll.response", **{"m.selections": list(answers)})
    content = {"org.matrix.msc3381.poll.response": {"answers": list(answers)}}
    return event(sender, at, "org.matrix.msc3381.poll.response", **content)


def ended(sender: str, at: int) -> Event:
    return event(sender, at, "org.matrix.msc3381.poll.end")


votes = st.lists(
    st.tuples(
        st.sampled_from(["@a", "@b", "@c"]),
        st.integers(1, 100),
        st.lists(st.sampled_from([*ANSWERS, "unknown"]), max_size=3),
        st.booleans(),
    ),
    unique_by=lambda cast: (cast[0], cast[1]),
)


@given(votes, st.integers(1, 2), st.none() | st.integers(1, 100))
def test_a_poll_counts_the_newest_answer_of_each_before_the_end(
    cast: list[tuple[str, int, list[str], bool]], most: int, end: int | None
) -> None:
    asked = poll(most)
    related = [vote(who, at, *answers, stable=stable) for who, at, answers, stable in cast]
    related += [ended("@asker", end)] if end is not None else []
    found = matrix_polls.count(asked.content, asked, related, lambda _: False)
    wanted = dict.fromkeys(ANSWERS, 0)
    voters = 0
    for who in ("@a", "@b", "@c"):
        mine = [one for one in cast if one[0] == who and (end is None or one[1] <= end)]
        newest = max(mine, key=lambda one: one[1], default=None)
        if newest is None or not newest[2] or "unknown" in newest[2]:
            continue
        voters += 1
        for answer in set(newest[2][:most]):
            wanted[answer] += 1
    assert dict(found.answers) == {answer.title(): number for answer, number in wanted.items()}
    assert (found.voters, found.closed) == (voters, end is not None)


def test_only_who_asked_or_has_power_ends_a_poll() -> None:
    asked = poll()
    related = [vote("@a", 5, "yes"), ended("@stranger", 3)]
    assert not matrix_polls.count(asked.content, asked, related, lambda _: False).closed
    assert matrix_polls.count(asked.content, asked, related, lambda who: who == "@stranger").closed


def test_a_hidden_poll_shows_its_numbers_when_it_has_ended() -> None:
    asked = poll(kind="undisclosed")
    open_still = matrix_polls.count(asked.content, asked, [vote("@a", 5, "yes")], lambda _: False)
    assert {number for _, number in open_still.answers} == {None}
    over = matrix_polls.count(
        asked.content, asked, [vote("@a", 5, "yes"), ended("@asker", 9)], lambda _: False
    )
    assert dict(over.answers) == {"Yes": 1, "No": 0, "Later": 0}


def test_a_stable_poll_is_read_and_ended_as_one() -> None:
    content = {
        "kind": "m.disclosed",
        "question": {"m.text": [{"body": "Shall we?"}]},
        "answers": [{"m.id": "a", "m.text": [{"body": "Yes"}]}],
    }
    asked = event("@asker", 0, "m.poll.start", **{"m.poll.start": content})
    assert matrix_polls.question(asked.content) == "Shall we?"
    counted = matrix_polls.count(asked.content, asked, [vote("@a", 1, "a", stable=True)], lambda _: False)
    assert counted.answers == (("Yes", 1),)
    kind, end = matrix_polls.end(asked)
    assert kind == "m.poll.end"
    assert end["m.relates_to"]["event_id"] == asked.id


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["content", "unsigned", "m.relations", "m.replace", "m.relates_to", "rel_type", "event_id"]
            )
            | st.sampled_from(["m.in_reply_to", "m.mentions", "user_ids", "body", "formatted_body", "format"])
            | st.sampled_from(["question", "answers", "org.matrix.msc3381.poll.start", "m.selections", "id"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(anything, anything, anything)
def test_whatever_an_event_holds_only_unreadable_is_raised(content: Any, unsigned: Any, stamp: Any) -> None:
    raw = {
        "event_id": "$one",
        "type": "org.matrix.msc3381.poll.start",
        "sender": "@a",
        "origin_server_ts": stamp if isinstance(stamp, int) else 1,
        "content": content,
        "unsigned": unsigned,
    }
    try:
        found = Event.read(raw, "!room")
    except Unreadable:
        return
    shown, revision, _ = found.shown()
    assert revision
    assert isinstance(words(shown), str)
    assert isinstance(names(shown, "@us"), bool)
    assert isinstance(found.relation, tuple)
    assert isinstance(found.answers + found.redacted_by, str)
    matrix_polls.count(shown, found, [found], lambda _: True)
    assert isinstance(matrix_polls.question(shown), str)


@given(st.text(max_size=30))
def test_a_state_that_makes_no_sense_begins_again(text: str) -> None:
    assert _State.load(text, NOW).since == ""


def test_a_state_is_read_as_it_was_written() -> None:
    state = _State(
        since="s1", bound=NOW, known={"!r": {"$a": 1}}, links={"!r/$b": "!r/$a"}, sealed={"!r": None}
    )
    again = _State.load(state.dump(), None)
    assert again == state


def test_what_is_new_counts_whatever_its_clock_says() -> None:
    before, known, behind, after = event("@a", 1000), event("@a", 5000), event("@b", 7), event("@a", 6000)
    late = event("@c", 5500)  # another server's, which only arrived now
    page = [before, late, known, behind, after]
    assert missing(page, {known.id: 5000}) == [late, behind, after]
    assert missing([behind, after], {known.id: 5000}) == [behind, after]


@pytest.mark.parametrize("room", ["!plain:hs.test", "!with/slash:hs.test", "!-FXdYsvdw2pJ"])
def test_an_id_comes_apart_again(room: str) -> None:
    assert split(joined(room, "$event")) == (room, "$event")
    assert split(room) == (room, "")


def test_ids_in_paths_are_encoded() -> None:
    assert path("a/b", "!r/x:hs", "send", "$e#") == "a/b/%21r%2Fx%3Ahs/send/%24e%23"


def answer(status: int, code: str = "") -> Answer:
    return Answer(status, {}, {"errcode": code} if code else None, NOW)


@pytest.mark.parametrize(
    ("status", "code", "wanted", "reason"),
    [
        (401, "M_UNKNOWN_TOKEN", SignInAgain, None),
        (401, "M_MISSING_TOKEN", SignInAgain, None),
        (403, "M_USER_DEACTIVATED", SignInAgain, None),
        (403, "M_FORBIDDEN", Refused, Reason.ROLE),
        (404, "M_NOT_FOUND", Gone, Reason.NOT_FOUND),
        (404, "M_UNRECOGNIZED", Refused, Reason.UNSUPPORTED),
        (404, "", Refused, Reason.UNSUPPORTED),
        (413, "M_TOO_LARGE", Refused, Reason.TOO_LONG),
        (403, "M_USER_SUSPENDED", Refused, Reason.BLOCKED),
    ],
)
def test_errors_are_told_by_their_codes(
    status: int, code: str, wanted: type[ConnectorError], reason: Reason | None
) -> None:
    found = explain(answer(status, code))
    assert type(found) is wanted or (wanted is SignInAgain and isinstance(found, SignInAgain))
    assert reason is None or (isinstance(found, Refused) and found.reason is reason)


def test_what_has_no_code_is_left_to_its_status() -> None:
    assert explain(answer(500)) is None
    assert explain(answer(400, "M_SOMETHING_NEW")) is None


def test_versions_are_compared_as_numbers() -> None:
    assert _version("v1.10") > _version("v1.4") > _version("r0.6.1") == (0, 0)


@pytest.mark.parametrize("choices", ["", "[]", "no list", "[1]", json.dumps([" "]), json.dumps(["a"] * 21)])
def test_choices_that_make_no_poll_are_refused_before_anything_is_sent(choices: str) -> None:
    connector = MatrixConnector({"server": "https://hs.test"}, {"access": "secret", "user_id": "@us:hs.test"})
    with pytest.raises(Refused) as refusal:
        connector.perform(
            Command("key", Verb.POLL, "", "!room:hs.test", "When?", options={"choices": choices})
        )
    assert refusal.value.reason is Reason.INVALID


def test_an_address_that_is_not_protected_is_refused() -> None:
    connector = MatrixConnector({"server": "http://hs.test"}, {"access": "secret"})
    with pytest.raises(Refused):
        connector.probe()
