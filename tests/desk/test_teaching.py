"""A team teaches triage: context, changes to the packs after a try, reading again, and looking back."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from conftest import Shift
from hypothesis import given
from hypothesis import strategies as st

from moderator_app.desk import actions, context, reading, review, safety, teaching, triage, trial
from moderator_app.desk.context import Before
from moderator_app.desk.cue_pack import Pack
from moderator_app.desk.language import Rules, Worker
from moderator_app.desk.rows import Cue, Level, PackChange, Queue, QueueRow
from moderator_app.errors import ForTheModerator

TRIED = {"read": 3, "higher": 1, "lower": 0}


@pytest.fixture
def rules() -> Iterator[Rules]:
    with Rules() as made:
        yield made
        made.use(())


def heard(shift: Shift, rules: Rules, *said: tuple[str, str, float]) -> list[QueueRow]:
    """Each entry: who says what, how many hours ago; read in that order."""
    for who, text, hours in said:
        shift.platform.say(who, text, at=shift.clock.now() - timedelta(hours=hours), title=text[:20])
        shift.sync.run()
        reading.read_pending(shift.desk, rules)
    return shift.desk.ask(triage.queue, Queue.OPEN)


def level_of(rows: Sequence[QueueRow], text: str) -> Level:
    return next(row.level for row in rows if text in row.excerpt)


def why(rows: Sequence[QueueRow], text: str) -> list[Cue]:
    return next(list(row.reasons) for row in rows if text in row.excerpt)


# ------------------------------------------------------------------ what came before


FAREWELL = "Goodbye everyone, you were all so kind to me."


def test_a_farewell_means_what_was_said_before_it(shift: Shift, rules: Rules) -> None:
    alone = heard(shift, rules, ("@noor", FAREWELL, 2))
    assert level_of(alone, "Goodbye") > Level.RED
    rows = heard(shift, rules, ("@mira", "I want to die.", 30), ("@mira", FAREWELL, 1))
    (after,) = [row for row in rows if row.person == "@mira" and "Goodbye" in row.excerpt]
    assert after.level is Level.CRISIS
    assert any(cue.kind == "context" and "farewell" in cue.why for cue in after.reasons)


def test_what_was_said_three_weeks_ago_is_not_held_against_anybody(shift: Shift, rules: Rules) -> None:
    rows = heard(shift, rules, ("@mira", "I want to die.", 24 * 21), ("@mira", FAREWELL, 1))
    assert level_of(rows, "Goodbye") > Level.RED


def test_what_was_deleted_is_not_held_against_anybody(shift: Shift, rules: Rules) -> None:
    heard(shift, rules, ("@mira", "I want to die.", 30))
    shift.platform.delete(next(m.id for m in shift.platform.all_messages() if "die" in m.text))
    shift.sync.run()
    rows = heard(shift, rules, ("@mira", FAREWELL, 1))
    assert level_of(rows, "Goodbye") > Level.RED


def test_a_heavy_message_of_somebody_whom_a_lead_holds_is_red(shift: Shift, rules: Rules) -> None:
    first = heard(shift, rules, ("@mira", "I feel empty and worthless these days.", 5))
    assert first[0].level is Level.AMBER
    shift.desk.do(safety.escalate, first[0].item_id, "Grace", "worried")
    rows = heard(shift, rules, ("@mira", "Today I feel empty and worthless once more.", 1))
    assert level_of(rows, "once more") is Level.RED
    assert "escalation" in why(rows, "once more")[0].why


def test_three_reports_of_one_message_are_red(shift: Shift, rules: Rules) -> None:
    heard(shift, rules, ("@mira", "An ordinary sentence about the garden.", 5))
    (subject,) = shift.platform.all_messages()
    for number, expected in ((1, Level.AMBER), (2, Level.AMBER), (3, Level.RED)):
        shift.platform.report(f"@reporter{number}", subject.id, "spam", "please look")
        shift.sync.run()
        reading.read_pending(shift.desk, rules)
        assert level_of(shift.desk.ask(triage.queue, Queue.OPEN), "garden") is expected


BEFORE = st.lists(
    st.builds(Before, st.sampled_from(Level), st.timedeltas(timedelta(0), context.REACH)), max_size=12
)


@given(BEFORE, st.sampled_from(Level), st.booleans(), st.booleans())
def test_what_came_before_only_raises_and_says_why(
    before: list[Before], level: Level, farewell: bool, held: bool
) -> None:
    because = context.weighed(level, before, farewell=farewell, held=held)
    assert because is None or (because.level < level and because.why)


def test_a_change_for_the_worse_is_red_and_a_steady_week_is_not() -> None:
    day = timedelta(days=1)
    worse = [Before(Level.AMBER, day), Before(Level.AMBER, 2 * day)]
    steady = [Before(Level.AMBER, n * day) for n in range(1, 14)]
    assert context.weighed(Level.AMBER, worse) is not None
    assert context.weighed(Level.AMBER, steady) is None
    assert context.weighed(Level.GREEN, worse) is None


# ------------------------------------------------------------------ changes to the packs


ADDED = PackChange("add", "en", "the grey sea calls", "passive_ideation", Level.RED)
SAYING = "Tonight the grey sea calls me again."


@pytest.mark.parametrize("child", [False, True])
def test_a_phrase_of_the_team_is_heard_from_the_next_message_on(shift: Shift, child: bool) -> None:
    with Worker() if child else Rules() as reader:
        before = heard(shift, reader, ("@mira", SAYING, 3))  # type: ignore[arg-type]  # either reads
        assert before[0].level > Level.RED
        shift.desk.do(teaching.make, ADDED, "members here say it when they are unwell", TRIED)
        rows = heard(shift, reader, ("@noor", SAYING, 1))  # type: ignore[arg-type]  # see above
        (noor,) = [row for row in rows if row.person == "@noor"]
        assert noor.level is Level.RED
        assert noor.reasons[0].why == "a phrase that your team added"
        assert SAYING[noor.reasons[0].start : noor.reasons[0].end] == "the grey sea calls"
        reader.use(())


def test_what_older_rules_read_is_read_again_and_only_raised(shift: Shift, rules: Rules) -> None:
    heard(shift, rules, ("@mira", SAYING, 3), ("@noor", "I want to die.", 2), ("@sam", SAYING, 1))
    (sam,) = [row for row in shift.desk.ask(triage.queue, Queue.OPEN) if row.person == "@sam"]
    shift.desk.do(triage.close, sam.item_id, triage.Outcome.NOTHING)
    assert reading.read_again(shift.desk, rules) == 0
    assert shift.desk.ask(reading.stale) == 0
    shift.desk.do(teaching.make, ADDED, "members here say it when they are unwell", TRIED)
    off = PackChange("off", "en", "the line of nobody", "")
    shift.desk.do(teaching.make, off, "it is never meant like that", TRIED)
    assert shift.desk.ask(reading.stale) > 0
    told: list[tuple[int, int]] = []
    assert reading.read_again(shift.desk, rules, lambda *now: told.append(now)) == 3
    assert told
    assert shift.desk.ask(reading.stale) == 0
    rows = {row.person: row.level for row in shift.desk.ask(triage.queue, Queue.OPEN)}
    assert rows == {"@mira": Level.RED, "@noor": Level.CRISIS}
    (closed,) = shift.desk.ask(triage.queue, Queue.CLOSED)
    assert closed.level is Level.GREEN, "what a person has closed is not judged again"


def test_a_change_that_hears_less_lowers_nothing_that_is_marked(shift: Shift, rules: Rules) -> None:
    (before,) = heard(shift, rules, ("@mira", "I want to die.", 2))
    line = rules.read([("I want to die.", "en")])[0].cues[0].line
    shift.desk.do(teaching.make, PackChange("off", "en", line), "tried and found wanting", TRIED)
    reading.read_again(shift.desk, rules)
    (row,) = shift.desk.ask(triage.queue, Queue.OPEN)
    assert (row.level, row.reasons) == (Level.CRISIS, before.reasons)


def test_reading_again_goes_on_where_it_was_stopped(shift: Shift, rules: Rules) -> None:
    for number in range(150):
        shift.platform.say("@mira", f"an ordinary day, number {number}", title="days")
    shift.sync.run()
    reading.read_pending(shift.desk, rules)
    shift.desk.do(teaching.make, ADDED, "members here say it when they are unwell", TRIED)
    rounds: list[int] = []
    first = reading.read_again(
        shift.desk, rules, lambda *_: rounds.append(1), cancelled=lambda: len(rounds) >= 1
    )
    assert 0 < first < 150
    assert shift.desk.ask(reading.stale) > 0
    assert first + reading.read_again(shift.desk, rules) == 150
    assert shift.desk.ask(reading.stale) == 0


def test_a_withdrawn_change_holds_no_more(shift: Shift, rules: Rules) -> None:
    change = shift.desk.do(teaching.make, ADDED, "members here say it when they are unwell", TRIED)
    version = shift.desk.ask(teaching.version)
    shift.desk.do(teaching.withdraw, change)
    assert shift.desk.ask(teaching.version) > version
    rows = heard(shift, rules, ("@noor", SAYING, 1))
    assert level_of(rows, "grey sea") > Level.RED
    (listed,) = shift.desk.ask(teaching.listed)
    assert (listed.withdrawn_by, listed.who, listed.tried) == ("Ada", "Ada", TRIED)
    with pytest.raises(ForTheModerator, match="already withdrawn"):
        shift.desk.do(teaching.withdraw, change)


@pytest.mark.parametrize(
    ("change", "reason", "tried", "says"),
    [
        (PackChange("add", "en", "", "distress", Level.RED), "because of this", TRIED, "empty"),
        (PackChange("add", "xx", "some words", "distress", Level.RED), "because of this", TRIED, "no pack"),
        (PackChange("add", "en", "(perhaps)", "distress", Level.RED), "because of this", TRIED, "cannot be"),
        (
            PackChange("add", "en", "a <nothing>", "distress", Level.RED),
            "because of this",
            TRIED,
            "cannot be",
        ),
        (ADDED, "short", TRIED, "needs a reason"),
        (ADDED, "members here say it when they are unwell", {}, "Try the change"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(
    shift: Shift, change: PackChange, reason: str, tried: dict[str, int], says: str
) -> None:
    with pytest.raises(ForTheModerator, match=says):
        shift.desk.do(teaching.make, change, reason, tried)
    assert shift.desk.ask(teaching.changes) == ()


def test_a_try_shows_what_would_be_read_otherwise_and_changes_nothing(shift: Shift, rules: Rules) -> None:
    heard(shift, rules, ("@mira", SAYING, 3), ("@noor", "I want to die.", 2), ("@old", SAYING, 24 * 40))
    told: list[tuple[int, int]] = []
    found = trial.run(shift.desk, rules, ADDED, lambda *now: told.append(now))
    assert found is not None
    (one,) = found.differs
    assert (one.person, one.now > Level.RED, one.then) == ("@mira", True, Level.RED)
    assert [one.text[span.start : span.end] for span in one.spans] == ["the grey sea calls"]
    assert found.counts == {"read": 2, "higher": 1, "lower": 0}
    assert told[-1] == (4, 4)
    assert shift.desk.ask(teaching.changes) == ()
    assert trial.run(shift.desk, rules, ADDED, cancelled=lambda: True) is None


# ------------------------------------------------------------------ looking back


def week(shift: Shift) -> review.Review:
    return shift.desk.ask(review.look_back, shift.clock.now() - timedelta(days=7), shift.clock.now())


def test_what_was_missed_and_cried_over_is_what_people_changed(shift: Shift, rules: Rules) -> None:
    rows = heard(shift, rules, ("@mira", SAYING, 3), ("@noor", "I feel hopeless.", 2), ("@sam", "Hello!", 1))
    by = {row.person: row for row in rows}
    shift.desk.do(triage.set_level, by["@mira"].item_id, Level.RED)
    shift.desk.do(triage.set_level, by["@noor"].item_id, Level.GREEN, "they spoke of their exam, all is well")
    undone = shift.desk.do(triage.set_level, by["@sam"].item_id, Level.AMBER)
    shift.desk.do(actions.undo, undone.action_id)
    found = week(shift)
    assert found.read == 3
    assert [(one.text, one.heard, one.said) for one in found.missed] == [(SAYING, Level.GREEN, Level.RED)]
    assert [one.text for one in found.cried] == ["I feel hopeless."]
    (cue,) = found.cues
    assert (cue.fired, cue.cried, cue.lang) == (1, 1, "en")


def test_a_wrong_cue_is_remembered_changes_no_level_and_can_be_taken_back(shift: Shift, rules: Rules) -> None:
    (row,) = heard(shift, rules, ("@noor", "I feel hopeless.", 2))
    cue = row.reasons[0]
    (message,) = shift.desk.ask(lambda ctx: list(triage.cues(ctx, range(50))))
    done = shift.desk.do(triage.misread, message, cue.kind, cue.why, cue.lang)
    (after,) = shift.desk.ask(triage.queue, Queue.OPEN)
    assert after.level == row.level
    assert [(one.cue, one.said) for one in week(shift).cried] == [(cue.kind, None)]
    shift.desk.do(actions.undo, done.action_id)
    assert week(shift).cried == ()


def test_a_phrase_that_cried_often_is_proposed_one_step_lower(shift: Shift, rules: Rules) -> None:
    texts = [f"I feel hopeless. This is day {n}." for n in range(4)]
    rows = heard(shift, rules, *((f"@p{n}", text, n + 1) for n, text in enumerate(texts)))
    for row in rows[:2]:
        shift.desk.do(triage.set_level, row.item_id, Level.GREEN, "they spoke of their exam, all is well")
    assert review.proposals(rules, week(shift), ()) == []
    for row in rows[2:]:
        shift.desk.do(triage.set_level, row.item_id, Level.GREEN, "they spoke of their exam, all is well")
    found = review.proposals(rules, week(shift), ())
    assert found
    assert all(one.judged == one.cried == 4 for one in found)
    before = rules.read([(texts[0], "en")])[0].level
    for one in found:
        shift.desk.do(teaching.make, one.change, "our members say it of exams", TRIED)
    rules.use(shift.desk.ask(teaching.changes))
    assert rules.read([(texts[0], "en")])[0].level > before
    assert rules.read([("I want to die.", "en")])[0].level is Level.CRISIS


def test_every_pack_says_of_when_and_whose_it_is_and_why_each_phrase_is_there() -> None:
    rows = teaching.packs()
    assert [row.lang for row in rows] == ["en", "es", "de", "fr", "pt", "hi-Latn"]
    assert all(row.version and row.owner and row.reviewed and row.phrases > 100 for row in rows)
    for row in rows:
        assert all(phrase.rule.why for phrase in Pack(row.lang).cues.phrases)
