"""Search: whatever was typed, however it was written, narrowed by filters, stopped when it is overtaken."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from conftest import Clock, Shift
from hypothesis import example, given
from hypothesis import strategies as st

from moderator_app.desk import folding, query, reading, replies, search, threads, triage
from moderator_app.desk.rows import Audience, Cue, Hit, Level, Queue, Reading
from moderator_app.errors import Cancelled, ForTheModerator
from moderator_app.models.care import Meta
from moderator_app.models.inbox import Message, Person


def _find(shift: Shift, typed: str, limit: int = 50) -> list[Hit]:
    return shift.desk.ask(search.find, typed, limit)


def _who(shift: Shift, typed: str) -> list[str]:
    return [hit.person for hit in _find(shift, typed)]


def _marked(hit: Hit) -> list[str]:
    return [hit.excerpt[span.start : span.end] for span in hit.matches]


@pytest.fixture
def lounge(shift: Shift) -> Shift:
    at = shift.clock.now()
    for who, words, days in (
        ("@mira", "the heron stood in the water all evening", 40),
        ("@noor", "a heron, again! see https://example.org/heron", 20),
        ("@mirabel", "we walked by the water and talked", 3),
        ("@sam", "Herons are patient birds", 1),
        ("@mira", "good morning, heron friends", 0),
    ):
        shift.platform.say(who, words, at=at - timedelta(days=days, minutes=1))
    shift.sync.run()
    return shift


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("heron", ["@mira", "@sam", "@noor", "@mira"]),
        ("heron ", ["@mira", "@noor", "@mira"]),  # a finished word is that word
        ("heron* water", ["@mira"]),
        ("her* water ", ["@mira"]),
        ('"heron friends"', ["@mira"]),
        ('"friends heron"', []),
        ("heron -water", ["@mira", "@noor"]),
        ("from:mira heron", ["@mira", "@mira"]),
        ("from:@mira water", ["@mirabel", "@mira"]),
        ("from:mira from:sam heron", ["@mira", "@sam", "@mira"]),
        ("from:nobody heron", []),
        ("platform:demo water", ["@mirabel", "@mira"]),
        ("platform:elsewhere water", []),
        ("from:sam", ["@sam"]),
        ("has:link", ["@noor"]),
        ("heron has:link", ["@noor"]),
        ("heron before:2026-11-01", ["@noor", "@mira"]),
        ("after:2026-11-01 heron", ["@mira", "@sam"]),
        ("heron after:2026-10-20 before:2026-11-10", ["@noor"]),
        ("after:2026-11-17 before:2026-11-19", ["@mirabel"]),
        ("heron after:2026-11-10 before:2026-10-20", []),
        ("nothing:here", []),
    ],
)
def test_words_and_filters(lounge: Shift, typed: str, found: list[str]) -> None:
    assert _who(lounge, typed) == found


@pytest.mark.parametrize("typed", ["hero", "her* -wat*", "patien", "a* from:mira", "wat* sort:best", "zzzz"])
def test_a_beginning_finds_the_same_whether_its_words_are_few_or_many(
    lounge: Shift, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    few = {hit.message_id for hit in _find(lounge, typed)}
    monkeypatch.setattr(search, "_KNOWN", 0)  # from here on they are always too many to be named
    assert {hit.message_id for hit in _find(lounge, typed)} == few
    assert bool(few) is (typed != "zzzz")


def test_levels_and_queues(lounge: Shift) -> None:
    levels = {"@sam": Level.CRISIS, "@noor": Level.AMBER}

    def person(ctx: triage.Ctx, message_id: int) -> str:
        message = ctx.session.get_one(Message, message_id)
        assert message.person_id is not None
        return ctx.session.get_one(Person, message.person_id).handle

    for key, text, _ in lounge.desk.ask(reading.unread, 100):
        level = levels.get(lounge.desk.ask(person, key), Level.GREEN)
        found = Reading(level, (Cue(0, 1, "test", level, "a rule", "en"),), "en")
        lounge.desk.do(reading.apply, [(key, text, found)])
    assert _who(lounge, "heron level:crisis") == ["@sam"]
    assert _who(lounge, "level:crisis level:amber") == ["@sam", "@noor"]
    assert _who(lounge, "heron level:gr") == ["@mira", "@mira"]
    sam = next(row.item_id for row in lounge.desk.ask(triage.queue, Queue.CRISIS))
    lounge.desk.do(threads.note, sam, "likes birds")
    lounge.desk.do(replies.save_draft, sam, "They are!", Audience.PUBLIC)
    assert _who(lounge, "has:note") == _who(lounge, "has:draft herons") == ["@sam"]
    assert "@sam" in _who(lounge, "queue:open heron")
    assert _who(lounge, "queue:closed heron") == []
    # What a person says of the level is what the filter goes by.
    lounge.desk.do(triage.set_level, sam, Level.RED, "they only meant the birds")
    assert _who(lounge, "level:crisis") == []
    assert _who(lounge, "level:red") == ["@sam"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("level:purple", "crisis, red, amber, green"),
        ("queue:pub", "open"),
        ("has:wings", "link"),
        ("before:yesterday", "2026-11"),
        ("after:2026-13", "2026-11"),
    ],
)
def test_a_value_that_does_not_exist_is_said(lounge: Shift, typed: str, said: str) -> None:
    with pytest.raises(ForTheModerator, match=said):
        _find(lounge, typed)


@pytest.mark.parametrize("typed", ["level:", "from: heron", "before:", 'from:"', "-", "-heron", '"', "a:b:c"])
def test_what_is_not_typed_to_its_end_is_no_error(lounge: Shift, typed: str) -> None:
    _find(lounge, typed)


@pytest.mark.parametrize(
    ("said", "typed", "marked"),
    [
        ("so k.i.n.d of you", "kind", "k.i.n.d"),
        ("s0rry, I am late", "sorry", "s0rry"),
        ("sorry, I am late", "s0rry", "sorry"),
        ("you are a w\u200bon\u200bder", "wonder", "w\u200bon\u200bder"),
        ("I feel s\u043eft today", "soft", "s\u043eft"),  # a Cyrillic o
        ("Пусть будет тихо", "тихо", "тихо"),
        ("today 🌻 is here", "🌻", "🌻"),
        ("今日はとても疲れた", "疲れ", "疲れ"),
        ("NAÏVE hope", "naive", "NAÏVE"),
        ("𝐡𝐞𝐥𝐥𝐨 there", "hello", "𝐡𝐞𝐥𝐥𝐨"),
        ("Straße und Haus", "strasse", "Straße"),
        ("walk, walking, walked", "walk", "walk"),
    ],
)
def test_it_is_found_and_marked_however_it_was_written(
    shift: Shift, said: str, typed: str, marked: str
) -> None:
    shift.platform.say("@mira", "before it " * 30 + said)
    shift.platform.say("@noor", "something else entirely")
    shift.sync.run()
    (hit,) = _find(shift, typed)
    assert hit.person == "@mira"
    assert _marked(hit)[0] == marked


def test_addresses_and_numbers_stay_what_they_are(shift: Shift) -> None:
    shift.platform.say("@mira", "write to me@example.org about room 101 and covid19")
    shift.sync.run()
    for typed in ("example", "101", "covid19", "me@example.org"):
        assert _who(shift, typed) == ["@mira"], typed


_TEXTS = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from("aeо0.1 -$🌻今e\u0301\u200b\u0130ß")), max_size=60
)


@given(_TEXTS)
@example("a.b.c.d e0e İ ß ﬃ")
def test_a_trace_leads_back_into_the_text(text: str) -> None:
    text = folding.repair(text)
    folded, origins = folding.trace(text)
    assert len(origins) == len(folded) + 1
    assert all(0 <= place <= len(text) for place in origins)
    assert origins == sorted(origins)


@given(_TEXTS)
def test_folding_is_settled_after_one_time_for_what_is_typed(text: str) -> None:
    """The index and the search field fold alike: a text, typed as it is, has the terms of its own fold."""
    text = folding.repair(text)
    for term in query.parse(f'"{text.replace(chr(34), " ")}"').terms:
        for word in term.words:
            assert word in folding.fold(text)


def test_paging_goes_on_where_it_stopped(shift: Shift) -> None:
    for number in range(7):
        shift.platform.say("@mira", f"hello number {number}")
    shift.sync.run()
    seen: list[int] = []
    below = None
    while page := shift.desk.ask(search.find, "hello", 3, below=below):
        seen += [hit.message_id for hit in page]
        below = page[-1].message_id
    assert len(seen) == len(set(seen)) == 7
    assert seen == sorted(seen, reverse=True)


def test_the_best_match_first_where_it_is_wanted(shift: Shift) -> None:
    for number in range(8):
        shift.platform.say("@sam", f"nothing of that kind, number {number}")
    shift.platform.say("@mira", "rain rain rain")
    shift.platform.say("@noor", "rain, and a great many other words about everything that happened today")
    shift.sync.run()
    assert _who(shift, "rain ") == ["@noor", "@mira"]
    assert _who(shift, "rain sort:best") == ["@mira", "@noor"]


def test_an_overtaken_search_stops(lounge: Shift) -> None:
    asked = 0

    def overtaken() -> bool:
        nonlocal asked
        asked += 1
        return asked > 1

    def slow(ctx: search.Ctx) -> None:
        with search._stoppable(ctx, overtaken):
            ctx.session.execute(
                sa.text(
                    "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 100000000)"
                    " SELECT sum(x) FROM n"
                )
            ).all()

    with pytest.raises(Cancelled):
        lounge.desk.ask(slow)
    assert asked > 1
    with pytest.raises(Cancelled):
        lounge.desk.ask(search.find, "heron", cancelled=lambda: True)
    # The next search on the same connection is not disturbed.
    assert len(lounge.desk.ask(search.find, "heron", cancelled=lambda: False)) == 4


def test_a_store_that_was_folded_the_old_way_is_folded_anew_and_goes_on_where_it_was_stopped(
    shift: Shift, clock: Clock
) -> None:
    for number in range(1200):
        shift.platform.say("@mira", f"k.i.n.d words number {number}")
    shift.sync.run()
    with shift.desk.store.write() as session:
        session.execute(sa.update(Message).values(folded=None))  # as the old way left them
    assert _find(shift, "kind") == []
    stops = iter([False, True])
    assert search.renew(shift.desk, cancelled=lambda: next(stops)) == 500
    assert len(_find(shift, "kind", 2000)) == 500
    assert search.renew(shift.desk) == 700
    assert len(_find(shift, "kind", 2000)) == 1200
    assert search.renew(shift.desk) == 0
    with shift.desk.store.read() as session:
        assert session.get_one(Meta, "fold").value.startswith(f"{folding.VERSION}:")
    assert shift.desk.store.integrity() == []
    del clock


def test_what_is_gone_is_found_by_no_filter(shift: Shift) -> None:
    said = shift.platform.say("@mira", "one calm sentence")
    shift.sync.run()
    shift.platform.delete(said)
    shift.sync.run()
    assert _find(shift, "from:mira") == []
    assert _find(shift, "calm") == []
