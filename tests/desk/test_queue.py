"""The order of the queue, its pages, its badges, and who may change a level."""

from datetime import timedelta
from typing import Any

import pytest
from conftest import Shift
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moderator_app.desk import reading, replies, safety, triage
from moderator_app.desk.desk import Ctx
from moderator_app.desk.rows import Audience, Cue, Heard, Level, Outcome, Queue, QueueKey, QueueRow, Reading
from moderator_app.errors import ForTheModerator
from moderator_app.models.terms import HEARD


def fill(shift: Shift, *said: tuple[str, Level, float]) -> None:
    """Each entry: who says something, how it is read, and how many hours ago it was."""
    levels = {}
    for who, level, hours in said:
        text = f"{who} has something to say"
        levels[text] = level
        shift.platform.say(who, text, at=shift.clock.now() - timedelta(hours=hours))
    shift.sync.run()
    read(shift, levels)


def read(shift: Shift, levels: dict[str, Level]) -> None:
    found = shift.desk.ask(reading.unread, 500)
    shift.desk.do(
        reading.apply,
        [
            (key, text, Reading(levels[text], (Cue(0, 5, "test", levels[text], "a rule", "en"),), "en"))
            for key, text, _ in found
        ],
    )


def names(shift: Shift, queue: Queue = Queue.OPEN) -> list[str]:
    return [row.person for row in shift.desk.ask(triage.queue, queue)]


def test_level_then_overdue_then_age(shift: Shift) -> None:
    fill(
        shift,
        ("@green_old", Level.GREEN, 30),
        ("@amber_new", Level.AMBER, 1),
        ("@crisis_new", Level.CRISIS, 0.01),
        ("@red_new", Level.RED, 0.1),
        ("@amber_over", Level.AMBER, 5),
        ("@crisis_over", Level.CRISIS, 1),
        ("@red_over", Level.RED, 2),
        ("@green_new", Level.GREEN, 2),
    )
    assert names(shift) == [
        "@crisis_over",
        "@crisis_new",
        "@red_over",
        "@red_new",
        "@amber_over",
        "@amber_new",
        "@green_old",
        "@green_new",
    ]


def test_amber_ages_upward_and_keeps_its_label(shift: Shift) -> None:
    fill(shift, ("@red", Level.RED, 0), ("@amber", Level.AMBER, 5.9))
    assert names(shift) == ["@red", "@amber"]
    shift.clock.forward(minutes=7)
    assert shift.desk.do(triage.age) == 1
    assert names(shift) == ["@amber", "@red"]
    row = shift.desk.ask(triage.queue, Queue.AMBER)[0]
    assert (row.level, row.rank) == (Level.AMBER, int(Level.RED))


def test_what_nobody_has_read_yet_stands_with_the_reds(shift: Shift) -> None:
    fill(shift, ("@red", Level.RED, 0), ("@amber", Level.AMBER, 3))
    shift.platform.say("@unread", "not read by any rule yet")
    shift.sync.run()
    rows = shift.desk.ask(triage.queue, Queue.OPEN)
    assert [row.person for row in rows] == ["@red", "@unread", "@amber"]
    assert [row.pending for row in rows] == [False, True, False]


def test_software_raises_and_never_lowers(shift: Shift) -> None:
    fill(shift, ("@mira", Level.CRISIS, 0))
    root = shift.platform.all_messages()[-1].id
    shift.platform.say("@mira", "never mind, thanks", parent=root)
    shift.sync.run()
    read(shift, {"never mind, thanks": Level.GREEN})
    (row,) = shift.desk.ask(triage.queue, Queue.OPEN)
    assert row.level is Level.CRISIS
    assert row.excerpt.startswith("@mira has something")


def test_a_persons_lowering_holds_until_something_new_is_said(shift: Shift) -> None:
    fill(shift, ("@mira", Level.CRISIS, 0))
    (row,) = shift.desk.ask(triage.queue, Queue.OPEN)
    with pytest.raises(ForTheModerator, match="20 characters"):
        shift.desk.do(triage.set_level, row.item_id, Level.GREEN, "fine")
    shift.desk.do(triage.set_level, row.item_id, Level.GREEN, "It was a line of a song, she says.")
    root = shift.platform.all_messages()[-1]
    shift.platform.edit(root.id, root.text + " (a song)")
    shift.sync.run()
    read(shift, {root.text + " (a song)": Level.CRISIS})
    assert shift.desk.ask(triage.rows, [row.item_id])[0].level is Level.GREEN
    shift.platform.say("@mira", "now I mean it", parent=root.id)
    shift.sync.run()
    read(shift, {"now I mean it": Level.RED})
    assert shift.desk.ask(triage.rows, [row.item_id])[0].level is Level.RED


def test_every_level_shows_its_words_also_when_a_quieter_message_follows(shift: Shift) -> None:
    fill(shift, ("@mira", Level.CRISIS, 1))
    (row,) = shift.desk.ask(triage.queue, Queue.OPEN)
    shift.desk.do(replies.send, row.item_id, "We are with you. Are you safe?", Audience.PUBLIC)
    root = shift.platform.all_messages()[-1].id
    shift.platform.say("@mira", "ok", parent=root)
    shift.sync.run()
    read(shift, {"ok": Level.GREEN})
    (row,) = shift.desk.ask(triage.queue, Queue.OPEN)
    assert (row.level, row.new_messages) == (Level.CRISIS, 1)
    assert row.reasons
    assert row.excerpt.startswith("@mira has something")


def test_after_a_person_closed_it_what_is_new_is_read_on_its_own(shift: Shift) -> None:
    fill(shift, ("@mira", Level.CRISIS, 1))
    (row,) = shift.desk.ask(triage.queue, Queue.OPEN)
    shift.desk.do(triage.close, row.item_id, Outcome.SAFE)
    root = shift.platform.all_messages()[-1].id
    shift.platform.say("@mira", "thank you, I slept", parent=root)
    shift.sync.run()
    (row,) = shift.desk.ask(triage.queue, Queue.OPEN)
    assert (row.rank, row.pending) == (int(Level.RED), True)
    read(shift, {"thank you, I slept": Level.GREEN})
    (row,) = shift.desk.ask(triage.queue, Queue.OPEN)
    assert (row.level, row.excerpt) == (Level.GREEN, "thank you, I slept")


def test_a_report_raises_what_it_is_about(shift: Shift) -> None:
    fill(shift, ("@loud", Level.GREEN, 1))
    subject = shift.platform.all_messages()[-1].id
    shift.platform.report("@mira", subject, "harassment", "please look at this")
    shift.sync.run()
    read(shift, {"please look at this": Level.GREEN})
    rows = {row.person: row for row in shift.desk.ask(triage.queue, Queue.OPEN)}
    assert rows["@loud"].level is Level.AMBER
    assert "reported" in {cue.kind for cue in rows["@loud"].reasons}
    assert rows["@mira"].level is Level.AMBER


def test_the_card_shows_the_words_behind_the_level(shift: Shift) -> None:
    text = "a long beginning " * 40 + "the words that matter" + " and a long end" * 40
    shift.platform.say("@mira", text)
    shift.sync.run()
    start = text.index("the words")
    cue = Cue(start, start + 21, "test", Level.RED, "a rule", "en")
    ((key, body, _),) = shift.desk.ask(reading.unread)
    shift.desk.do(reading.apply, [(key, body, Reading(Level.RED, (cue,), "en"))])
    (row,) = shift.desk.ask(triage.queue, Queue.OPEN)
    (span,) = row.excerpt_cues
    assert row.excerpt[span.start : span.end] == "the words that matter"
    assert len(row.excerpt) <= 280


def test_take_next_gives_the_most_urgent_that_nobody_has(shift: Shift) -> None:
    fill(shift, ("@red", Level.RED, 0), ("@crisis", Level.CRISIS, 0), ("@green", Level.GREEN, 0))
    taken = [shift.desk.do(triage.take_next) for _ in range(4)]
    rows = shift.desk.ask(triage.rows, [item for item in taken if item is not None])
    assert [row.person for row in rows] == ["@crisis", "@red", "@green"]
    assert taken[3] is None
    assert names(shift, Queue.MINE) == ["@crisis", "@red", "@green"]


def test_snoozed_comes_back_by_itself(shift: Shift) -> None:
    fill(shift, ("@mira", Level.GREEN, 0))
    (row,) = shift.desk.ask(triage.queue, Queue.OPEN)
    shift.desk.do(triage.snooze, row.item_id, shift.clock.now() + timedelta(hours=1))
    assert names(shift) == []
    shift.clock.forward(hours=1)
    shift.desk.do(triage.age)
    assert names(shift) == ["@mira"]


def test_an_escalation_has_one_holder_and_an_acknowledgement(shift: Shift) -> None:
    fill(shift, ("@mira", Level.AMBER, 0))
    (row,) = shift.desk.ask(triage.queue, Queue.OPEN)
    with pytest.raises(ForTheModerator, match="somebody"):
        shift.desk.do(safety.escalate, row.item_id, " ", "worried")
    shift.desk.do(safety.escalate, row.item_id, "Lea", "worried about tonight")
    (row,) = shift.desk.ask(triage.queue, Queue.ESCALATED)
    assert (row.escalated_to, row.acknowledged, row.level) == ("Lea", False, Level.RED)
    shift.desk.do(safety.acknowledge, row.item_id)
    (row,) = shift.desk.ask(triage.queue, Queue.ESCALATED)
    assert (row.acknowledged, row.assignee) == (True, "Ada")


@pytest.fixture
def many(shift: Shift) -> Shift:
    fill(shift, *((f"@p{n}", Level(n % 4), (n * 7 % 40) / 10) for n in range(60)))
    return shift


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=15)
@given(size=st.integers(1, 70), name=st.sampled_from([Queue.OPEN, Queue.RED, Queue.GREEN]))
def test_pages_of_any_size_are_the_whole_queue_in_order(many: Shift, size: int, name: Queue) -> None:
    whole = [row.item_id for row in many.desk.ask(triage.queue, name, None, 500)]
    found: list[QueueRow] = []
    key: QueueKey | None = None
    while page := many.desk.ask(triage.queue, name, key, size):
        found += page
        key = page[-1].key
    assert [row.item_id for row in found] == whole
    assert len(whole) == many.desk.ask(triage.counts)[name]


@pytest.mark.parametrize(
    ("name", "index"),
    [
        (Queue.OPEN, "ix_item_status"),
        (Queue.CRISIS, "ix_item_level"),
        (Queue.MINE, "ix_item_mine"),
        (Queue.ESCALATED, "ix_item_escalated"),
        (Queue.CLOSED, "ix_item_status"),
    ],
)
def test_every_queue_page_uses_its_index_and_never_sorts(many: Shift, name: Queue, index: str) -> None:
    after = QueueKey(1, many.clock.now(), 5)

    def plan(ctx: Ctx, key: QueueKey | None) -> str:
        sql = triage._page(name, later=key is not None, narrowed=False).sql
        values = {"who": "", "limit": 100, "rank": 1, "due_at": 0, "id": 5}
        rows = ctx.session.driver.execute(f"EXPLAIN QUERY PLAN {sql}", values)
        return " | ".join(str(row[3]) for row in rows)

    for key in (None, after):
        said = many.desk.ask(plan, key)
        assert index in said
        assert "TEMP B-TREE" not in said


def test_narrowing_a_queue_by_words(many: Shift) -> None:
    assert [row.person for row in many.desk.ask(triage.queue, Queue.OPEN, None, 100, "@p17")] == ["@p17"]


def test_what_was_heard_has_a_queue_of_its_own(shift: Shift) -> None:
    for who, kind in (("@a", "threat"), ("@b", "spam"), ("@c", "hate"), ("@d", "distress"), ("@e", "abuse")):
        shift.platform.say(who, f"{who} has something to say", title=f"by {who}")
        shift.sync.run()
        ((key, text, _),) = shift.desk.ask(reading.unread)
        cue = Cue(0, 2, kind, Level.AMBER, "a rule", "en")
        shift.desk.do(reading.apply, [(key, text, Reading(Level.AMBER, (cue,), "en"))])

    def heard(one: Heard, **more: Any) -> list[str]:
        return [row.person for row in shift.desk.ask(triage.queue, Queue.OPEN, heard=one, **more)]

    assert heard(Heard.THREATS) == ["@a"]
    assert heard(Heard.SPAM) == ["@b"]
    assert heard(Heard.ATTACKS) == ["@c", "@e"]
    assert heard(Heard.ATTACKS, words="@e has") == ["@e"]
    assert heard(Heard.MINORS) == []


def test_every_kind_that_needs_other_people_is_in_one_queue_only() -> None:
    kinds = [kind for one in Heard for kind in one.kinds]
    assert len(kinds) == len(set(kinds))
    assert all(f"'{kind}'" in HEARD for kind in kinds)
