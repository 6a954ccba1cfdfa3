"""Retention, the sweep, holds and access requests, through the desk's door on the demo platform."""

import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import Clock, Shift
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw_pages import holding
from tests_support import DEK, words_of

from connectors.contract import GoneHow, Page
from connectors.demo import DemoConnector, DemoPlatform, Fault, open_platform
from moderator_app.desk import (
    access,
    accounts,
    audit,
    duties,
    erasure,
    expiry,
    holds,
    intake,
    replies,
    requests,
    retention,
    safety,
    search,
    sweep,
    threads,
    triage,
)
from moderator_app.desk.desk import Ctx, Desk
from moderator_app.desk.requests import Target
from moderator_app.desk.rows import Audience, Level, Outcome, Queue
from moderator_app.desk.sync import Sync
from moderator_app.errors import ForTheModerator
from moderator_app.models.base import Base
from moderator_app.models.inbox import Account, MessageDay
from moderator_app.models.privacy import RequestState
from moderator_app.models.store import Store
from moderator_app.paths import Profile


def _items(shift: Shift) -> dict[str, int]:
    rows = [row for name in Queue for row in shift.desk.ask(triage.queue, name)]
    return {row.person: row.item_id for row in rows}


def _closed(shift: Shift, words: str, person: str = "@robin") -> int:
    shift.platform.say(person, words, title=words)
    shift.sync.run()
    item = _items(shift)[person]
    shift.desk.do(triage.close, item, Outcome.ANSWERED, "we spoke of it")
    return item


def _texts(desk: Desk) -> str:
    def read(ctx: Ctx) -> str:
        tables = Base.metadata.sorted_tables
        return "\n".join(str(row) for table in tables for row in ctx.session.execute(sa.select(table)))

    return desk.ask(read)


# ------------------------------------------------------------------ retention


def test_words_go_thirty_days_after_the_last_message_and_the_moment_is_known_before(
    shift: Shift, store: Store
) -> None:
    item = _closed(shift, "the heronfeather fell")
    last = shift.clock.now()
    shift.desk.do(threads.note, item, "likes birds")
    due = shift.desk.ask(retention.due, item)
    assert due is not None
    assert (due.at, due.why, due.days) == (last + timedelta(days=30), "rule", 30)
    assert shift.desk.ask(threads.view, item).forgets == due
    shift.clock.forward(days=29)
    assert expiry.run(shift.desk).items == 0
    shift.clock.forward(days=1)
    assert expiry.run(shift.desk) == expiry.Forgot(items=1, messages=1)
    assert "heronfeather" not in _texts(shift.desk)
    assert holding(store.path, DEK, {"heronfeather"}) == set()
    view = shift.desk.ask(threads.view, item)
    assert (view.messages[0].gone, view.messages[0].gone_how) == (True, "expired")
    assert [note.text for note in view.notes] == ["likes birds"], "our own record stays longer"
    assert view.forgets is None
    assert shift.desk.ask(search.find, "heronfeather") == []
    assert shift.desk.ask(audit.lines)[0].what == "forgot"


def test_what_the_rule_let_go_does_not_come_back_with_a_late_copy(shift: Shift) -> None:
    _closed(shift, "the heronfeather fell")
    shift.clock.forward(days=31)
    expiry.run(shift.desk)
    message = shift.platform.all_messages()[0].id
    shift.platform.edit(message, "the heronfeather fell again")
    shift.sync.run()
    assert "heronfeather" not in _texts(shift.desk)


def test_our_answers_drafts_and_titles_go_with_the_last_words_of_a_conversation(shift: Shift) -> None:
    item = _closed(shift, "the heronfeather fell")
    shift.desk.do(replies.send, item, "what a fine heronfeather", Audience.PUBLIC)
    shift.clock.forward(seconds=11)
    shift.sync.run()
    shift.desk.do(replies.save_draft, item, "and another heronfeather", Audience.PUBLIC)
    shift.clock.forward(days=31)
    expiry.run(shift.desk)
    assert "heronfeather" not in _texts(shift.desk)


def test_open_and_escalated_work_is_never_forgotten_by_the_rule(shift: Shift) -> None:
    open_item = shift.platform.say("@wren", "still waiting by the lighthouse")
    shift.sync.run()
    passed_on = _closed(shift, "the heronfeather fell")
    shift.desk.do(safety.escalate, passed_on, "On-call lead", "reads the lake")
    shift.clock.forward(days=400)
    found = expiry.run(shift.desk)
    assert (found.items, found.due_open) == (0, 2)
    assert {"still waiting by the lighthouse", "the heronfeather fell"} <= words_of(shift.desk)
    due = shift.desk.ask(retention.due, _items(shift)["@wren"])
    assert due is not None
    assert due.why == "open"
    assert open_item


def test_each_platform_and_level_has_its_rule_and_each_change_is_recorded(shift: Shift) -> None:
    item = _closed(shift, "the heronfeather fell")
    shift.desk.do(triage.set_level, item, Level.AMBER)
    shift.desk.do(retention.set_days, "demo", Level.AMBER, 7)
    line = shift.desk.ask(audit.lines)[0]
    assert (line.what, line.target) == ("retention", "demo")
    assert line.detail == {"level": "amber", "before": 30, "after": 7}
    rows = {row.level: row for row in shift.desk.ask(retention.table)}
    assert (rows[Level.AMBER].days, rows[Level.AMBER].kept, rows[Level.GREEN].days) == (7, 1, 30)
    shift.clock.forward(days=8)
    assert [one.item_id for one in shift.desk.ask(retention.nearest)] == [item]
    assert expiry.run(shift.desk).items == 1
    for days in (0, 731):
        with pytest.raises(ForTheModerator, match="1 to 730"):
            shift.desk.do(retention.set_days, "demo", Level.AMBER, days)


def test_a_new_message_begins_the_count_anew(shift: Shift) -> None:
    item = _closed(shift, "the heronfeather fell")
    shift.clock.forward(days=20)
    thread = shift.platform.all_messages()[0].thread_id
    shift.platform.say("@robin", "it fell again", thread=thread)
    shift.sync.run()
    due = shift.desk.ask(retention.due, item)
    assert due is not None
    assert due.at == shift.clock.now() + timedelta(days=30)


def test_a_long_conversation_goes_in_small_steps_that_can_be_stopped(
    shift: Shift, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "_BATCH", 2)
    first = shift.platform.say("@robin", "word number zero")
    for number in range(1, 5):
        shift.platform.say("@robin", f"word number {number}", parent=first)
    shift.sync.run()
    item = _items(shift)["@robin"]
    shift.desk.do(triage.close, item, Outcome.ANSWERED)
    shift.clock.forward(days=31)
    asked: list[int] = []

    def once() -> bool:
        asked.append(1)
        return len(asked) > 1

    expiry.run(shift.desk, cancelled=once)
    assert len(words_of(shift.desk) - {""}) == 3
    expiry.run(shift.desk)
    assert words_of(shift.desk) == {""}


def test_notes_and_reasons_go_after_two_years(shift: Shift) -> None:
    item = _closed(shift, "the heronfeather fell")
    shift.desk.do(threads.note, item, "likes birds")
    shift.clock.forward(days=731)
    assert expiry.run(shift.desk).records == 3
    assert "likes birds" not in _texts(shift.desk)
    assert "we spoke of it" not in _texts(shift.desk)


# ------------------------------------------------------------------ the sweep


class Silent(DemoConnector):
    """A platform whose pull does not tell what was deleted there."""

    tells_gone = False


def _on(shift: Shift, name: str) -> Sync:
    """The same community as if it were another platform."""

    def rename(ctx: Ctx) -> None:
        ctx.session.get_one(Account, shift.account).platform = name

    shift.desk.do(rename)
    return Sync(shift.desk, shift.account, Silent.on(shift.platform, shift.secrets), shift.secrets.update)


@pytest.mark.parametrize("tells", [True, False])
def test_what_was_deleted_while_we_were_closed_is_not_shown_after_the_start(
    shift: Shift, tells: bool
) -> None:
    message = shift.platform.say("@robin", "the heronfeather fell", title="heronfeather")
    shift.platform.say("@wren", "the lighthouse stands")
    shift.sync.run()
    shift.platform.delete(message, GoneHow.DELETED)
    shift.clock.forward(hours=3)
    sync = shift.new_sync() if tells else _on(shift, "demo")

    shift.desk.do(sweep.begin)
    row = next(row for row in shift.desk.ask(triage.queue, Queue.OPEN) if row.person == "@robin")
    assert (row.title, row.excerpt, row.withheld) == ("", "", "checking")
    view = shift.desk.ask(threads.view, row.item_id)
    assert [(m.text, m.withheld) for m in view.messages] == [("", "checking")]
    assert [hit.excerpt for hit in shift.desk.ask(search.find, "heronfeather")] == [""]

    seen: list[str] = []

    def asked(*_: int) -> None:
        seen.extend(row.withheld for row in shift.desk.ask(triage.queue, Queue.OPEN) if row.excerpt)

    shift.clock.forward(seconds=1)
    assert sync.check(asked).brought.gone == 1
    assert tells or seen == [""], "what was confirmed is shown while the asking goes on"
    rows = shift.desk.ask(triage.queue, Queue.OPEN)
    assert [(row.excerpt, row.withheld) for row in rows] == [("the lighthouse stands", "")]
    assert "heronfeather" not in _texts(shift.desk)


def test_a_platform_that_does_not_answer_holds_nothing_back_for_long(shift: Shift) -> None:
    shift.platform.say("@robin", "the heronfeather fell")
    shift.sync.run()
    shift.desk.do(sweep.begin)
    shift.platform.fail_next(Fault.OFFLINE)
    assert shift.new_sync().check().health == "offline"
    assert shift.desk.ask(triage.queue, Queue.OPEN)[0].withheld == ""
    shift.desk.do(sweep.begin)
    shift.clock.forward(seconds=duties.PATIENCE.total_seconds())
    assert shift.desk.ask(triage.queue, Queue.OPEN)[0].withheld == ""


def test_a_platform_with_a_duty_stays_veiled_until_it_was_asked(shift: Shift) -> None:
    shift.platform.say("@robin", "the heronfeather fell")
    sync = _on(shift, "x")
    sync.run()
    shift.clock.forward(hours=25)
    row = shift.desk.ask(triage.queue, Queue.OPEN)[0]
    assert (row.excerpt, row.withheld, row.person) == ("", "unchecked", "@robin")
    shift.platform.fail_next(Fault.OFFLINE)
    sync.check()
    assert shift.desk.ask(triage.queue, Queue.OPEN)[0].withheld == "unchecked"
    sync.check()
    assert shift.desk.ask(triage.queue, Queue.OPEN)[0].excerpt == "the heronfeather fell"


def test_a_platforms_limit_empties_what_it_did_not_confirm_and_gives_it_back(shift: Shift) -> None:
    shift.platform.say("@robin", "the heronfeather fell")
    sync = _on(shift, "reddit")
    sync.run()
    item = _items(shift)["@robin"]
    due = shift.desk.ask(retention.due, item)
    assert due is not None
    assert (due.why, due.at) == ("platform", shift.clock.now() + timedelta(hours=48))
    shift.clock.forward(hours=47)
    assert sync.check().health == "ok"
    shift.clock.forward(hours=47)
    assert expiry.run(shift.desk).unconfirmed == 0, "it was confirmed in between"
    shift.clock.forward(hours=2)
    assert expiry.run(shift.desk).unconfirmed == 1
    assert "heronfeather" not in _texts(shift.desk)
    assert _items(shift)["@robin"] == item, "the work stays open"
    assert sync.check().brought.gone == 0
    assert "the heronfeather fell" in words_of(shift.desk)


def test_of_what_its_author_deleted_on_reddit_not_even_an_id_or_a_name_stays(shift: Shift) -> None:
    first = shift.platform.say("@robin", "the heronfeather fell")
    shift.platform.say("@wren", "which one?", parent=first)
    sync = _on(shift, "reddit")
    sync.run()
    (late,) = [one for one in shift.platform.all_messages() if one.id == first]
    shift.platform.delete(first, GoneHow.DELETED)
    sync.run()
    known = _texts(shift.desk)
    assert first not in known
    assert "@robin" not in known
    assert "@wren" in known
    shift.desk.do(intake.apply, shift.account, Page(stream="comments", state="", messages=[late]))
    assert "the heronfeather fell" not in words_of(shift.desk), "a late copy stays out"
    counted = shift.desk.ask(lambda ctx: ctx.session.scalar(sa.select(sa.func.sum(MessageDay.n))))
    assert counted == 2, "the count of the day stays"


def test_what_a_moderator_removed_on_reddit_may_be_named_and_come_back(shift: Shift) -> None:
    first = shift.platform.say("@robin", "the heronfeather fell")
    sync = _on(shift, "reddit")
    sync.run()
    shift.platform.delete(first, GoneHow.REMOVED)
    sync.run()
    assert first in _texts(shift.desk)


def test_open_work_is_asked_about_first_then_the_newest_within_a_budget(shift: Shift) -> None:
    for number in range(4):
        _closed(shift, f"word number {number}", f"@member{number}")
    waiting = shift.platform.say("@wren", "the lighthouse stands")
    shift.sync.run()
    assert shift.desk.ask(sweep.chosen, shift.account) == [], "all of it was just confirmed"
    shift.clock.forward(hours=13)
    assert shift.desk.ask(sweep.chosen, shift.account, 3)[0] == waiting
    assert len(shift.desk.ask(sweep.chosen, shift.account, 3)) == 3
    assert shift.desk.ask(sweep.due) == [shift.account]
    sync = _on(shift, "demo")
    sync.check()
    assert shift.desk.ask(sweep.chosen, shift.account) == []
    assert shift.desk.ask(sweep.due) == []


# ------------------------------------------------------------------ holds


def test_a_hold_keeps_at_once_needs_two_and_ends(shift: Shift) -> None:
    item = _closed(shift, "the heronfeather fell")
    shift.clock.forward(days=29)
    hold = shift.desk.do(holds.ask, [item], "a child may be at risk", "safeguarding of children")
    with pytest.raises(ForTheModerator, match="somebody else"):
        shift.desk.do(holds.confirm, hold, "Ada")
    shift.clock.forward(days=2)
    assert expiry.run(shift.desk).held == 1
    shift.desk.do(holds.confirm, hold, "Bo")
    due = shift.desk.ask(retention.due, item)
    assert due is not None
    assert (due.why, due.at) == ("held", shift.clock.now() + timedelta(days=90))
    with pytest.raises(ForTheModerator, match="second person"):
        shift.desk.do(holds.renew, hold, "Ada")
    shift.clock.forward(days=80)
    shift.desk.do(holds.review, hold)
    shift.desk.do(holds.renew, hold, "Cy")
    shift.clock.forward(days=89)
    assert expiry.run(shift.desk).items == 0
    shift.clock.forward(days=2)
    assert shift.desk.do(holds.lapse) == 1
    assert expiry.run(shift.desk).items == 1


def test_a_hold_that_nobody_confirms_lapses(shift: Shift) -> None:
    item = _closed(shift, "the heronfeather fell")
    hold = shift.desk.do(holds.ask, [item], "a child may be at risk", "safeguarding of children")
    shift.clock.forward(days=3)
    with pytest.raises(ForTheModerator, match="decided"):
        shift.desk.do(holds.confirm, hold, "Bo")
    shift.desk.do(holds.lapse)
    row = shift.desk.ask(requests.rows)[0]
    assert row.state is RequestState.ENDED


def test_a_hold_needs_its_reason_and_basis_and_can_be_released(shift: Shift) -> None:
    item = _closed(shift, "the heronfeather fell")
    with pytest.raises(ForTheModerator, match="legal basis"):
        shift.desk.do(holds.ask, [item], "a child may be at risk", " ")
    hold = shift.desk.do(holds.ask, [item], "a child may be at risk", "safeguarding")
    with pytest.raises(ForTheModerator, match="does not stand"):
        shift.desk.do(holds.release, hold)
    shift.desk.do(holds.confirm, hold, "Bo")
    shift.desk.do(holds.release, hold)
    due = shift.desk.ask(retention.due, item)
    assert due is not None
    assert due.why == "rule"


# ------------------------------------------------------------------ access


def test_a_bundle_holds_all_on_one_person_and_nobody_elses_words(shift: Shift, tmp_path: Path) -> None:
    shift.platform.person("@wren", "Wren Miller")
    opened = shift.platform.say("@robin", "the heronfeather fell, said Wren Miller", title="heronfeather")
    shift.platform.say("@wren", "i saw it near the lighthouse", parent=opened)
    shift.sync.run()
    shift.platform.edit(opened, "it fell, @wren knows")
    shift.sync.run()
    item = _items(shift)["@robin"]
    shift.desk.do(threads.note, item, "likes birds, as Wren Miller does")
    shift.desk.do(replies.send, item, "thank you for the news", Audience.PUBLIC)
    shift.clock.forward(seconds=11)
    shift.sync.run()
    request = shift.desk.do(access.ask, shift.desk.ask(requests.person_named, "robin"))
    path = access.write(shift.desk, request, tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(path) as archive:
        held = json.loads(archive.read("what-is-held.json"))
        page = archive.read("what-is-held.html").decode()
    one = held["conversations"][0]
    assert one["messages"][0]["text"] == "it fell, another member knows"
    assert one["messages"][0]["earlier_words"][0]["text"] == "the heronfeather fell, said another member"
    assert one["notes"][0]["text"] == "likes birds, as another member does"
    assert one["replies_to_them"][0]["text"] == "thank you for the news"
    assert one["words_kept_until"]
    whole = json.dumps(held) + page
    for word in ("lighthouse", "Wren", "Ada"):
        assert word not in whole
    assert "it fell, another member knows" in page
    row = shift.desk.ask(requests.rows)[0]
    assert (row.state, row.facts["files"]) == (RequestState.RUNNING, [str(path)])
    assert shift.desk.ask(erasure.bundles, Target.read(row.target)) == [str(path)]
    shift.desk.do(access.answered, request)
    assert shift.desk.ask(requests.rows)[0].state is RequestState.DONE


def test_an_access_request_is_due_in_a_month_and_reminds(shift: Shift) -> None:
    _closed(shift, "the heronfeather fell")
    request = shift.desk.do(access.ask, shift.desk.ask(requests.person_named, "@robin"))
    row = shift.desk.ask(requests.rows)[0]
    assert row.due_at == datetime(2026, 12, 20, 19, 0, tzinfo=UTC)
    seen = []
    for day in (0, 7, 21, 28):
        shift.clock.at = datetime(2026, 11, 20, 19, 0, tzinfo=UTC) + timedelta(days=day)
        seen.append(shift.desk.ask(requests.rows)[0].reminder)
    assert seen == [0, 7, 21, 28]
    with pytest.raises(ForTheModerator, match="not written"):
        shift.desk.do(access.answered, request)


def test_a_handle_names_one_person_or_says_which(shift: Shift) -> None:
    _closed(shift, "the heronfeather fell")
    one = shift.desk.ask(requests.person_named, "ROBIN")
    assert shift.desk.ask(requests.person_named, f"#{one}") == one
    for name in ("@nobody", "#999", ""):
        with pytest.raises(ForTheModerator, match="Nobody"):
            shift.desk.ask(requests.person_named, name)


# ------------------------------------------------------------------ whatever was said

NAMES = ("@robin", "@wren", "@finch")
WORDS = st.sampled_from(["amberstone", "birchwood", "cloudberry", "driftwood", "elderflower", "foxglove"])
STEP = st.tuples(
    st.sampled_from(["say", "answer", "direct", "edit", "reply", "note"]), st.sampled_from(NAMES), WORDS
)


def _play(
    platform: DemoPlatform, desk: Desk, sync: Sync, clock: Clock, steps: list[tuple[str, str, str]]
) -> None:
    """Everybody's words carry their writer's name, so that it is known whose they are."""
    said: dict[str, list[str]] = {name: [] for name in NAMES}
    for number, (what, name, word) in enumerate(steps):
        text = f"{word}{name[1:]}{number}"
        public = [key for keys in said.values() for key in keys]
        if what == "answer" and public:
            said[name].append(platform.say(name, text, parent=public[number % len(public)]))
        elif what == "direct":
            platform.direct(name, text)
        elif what == "edit" and said[name]:
            sync.run()
            platform.edit(said[name][-1], text)
        elif what in ("reply", "note"):
            sync.run()
            rows = [row for row in desk.ask(triage.queue, Queue.OPEN) if row.handle == name]
            if rows and what == "note":
                desk.do(threads.note, rows[0].item_id, f"note {text}")
            elif rows:
                audience = rows[0].audience
                desk.do(replies.send, rows[0].item_id, f"to {text}", audience, now=True)
        else:
            said[name].append(platform.say(name, text, title=text))
        clock.forward(minutes=1)
        sync.run()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, min_size=1, max_size=14))
def test_after_erasing_one_person_none_of_their_words_remain_and_all_of_others_do(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, str]]
) -> None:
    clock = Clock()
    profile = Profile.at(tmp_path_factory.mktemp("whatever"))
    platform = open_platform("empty", clock=clock)
    with Store.open(profile, bytearray(DEK)) as store:
        desk = Desk(store, "Ada", clock)
        connector = DemoConnector.on(platform)
        secrets = dict(connector.authorize())
        signed_in = DemoConnector.on(platform, secrets)
        account = desk.do(accounts._remember, "demo", signed_in.probe(), {}, "demo:test")
        sync = Sync(desk, account, signed_in, secrets.update)
        _play(platform, desk, sync, clock, [("say", "@robin", "foxglove"), *steps])
        before = {text for text in words_of(desk) if "robin" not in text}
        mine = {text.split()[-1] for text in words_of(desk) if "robin" in text}
        request = desk.do(erasure.ask, Target("person", desk.ask(requests.person_named, "@robin")))
        desk.do(erasure.confirm, request, "Bo")
        assert erasure.run(desk, None) == 1
        assert words_of(desk) == before
        assert "robin" not in _texts(desk)
        assert holding(store.path, DEK, {*mine, "robin"}) == set()
        assert store.integrity() == []
        proof = desk.ask(requests.rows)[0].proof
        assert proof["found"] == {}
        assert proof["words_checked"] > 0
        sync.run()
        assert words_of(desk) == before


@pytest.mark.parametrize("channel", ["Post: the heronfeather fell at dawn", "Post: the heronfeat…"])
def test_a_channel_that_repeats_the_title_goes_with_it(shift: Shift, channel: str) -> None:
    title = "the heronfeather fell at dawn"
    said = shift.platform.say("@robin", "what a morning", title=title, channel=channel)
    shift.sync.run()
    item = shift.desk.ask(triage.queue, Queue.OPEN)[0].item_id
    shift.desk.do(triage.close, item, Outcome.ANSWERED)
    shift.clock.forward(days=31)
    expiry.run(shift.desk)
    assert "heronfeat" not in _texts(shift.desk)
    shift.platform.edit(said, "what a morning, again")
    shift.sync.run()
    assert "heronfeat" not in _texts(shift.desk)


def test_a_channel_of_its_own_stays(shift: Shift) -> None:
    shift.platform.say("@robin", "what a morning", title="a title", channel="#evenings")
    shift.sync.run()
    item = shift.desk.ask(triage.queue, Queue.OPEN)[0].item_id
    shift.desk.do(triage.close, item, Outcome.ANSWERED)
    shift.clock.forward(days=31)
    expiry.run(shift.desk)
    assert "#evenings" in _texts(shift.desk)
