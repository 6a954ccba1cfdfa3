"""The demo community: full, varied, the same every time, and honest on its worst day."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from connectors.contract import Audience, Command, Kind, RemoteGone, RemoteMessage, Verb
from connectors.demo import DemoConnector, DemoPlatform, open_platform
from connectors.errors import Reason, Refused, TryLater

NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)


def at_now() -> datetime:
    return NOW


@pytest.fixture(scope="module")
def harbour() -> DemoPlatform:
    return open_platform(clock=at_now)


@pytest.fixture
def empty() -> DemoPlatform:
    return DemoPlatform(at_now)


def pull_patiently(connector, stream, state=""):
    """Pull to the end, however often the platform asks to come back later."""
    pages, refusals = [], 0
    while True:
        try:
            for page in connector.pull(stream, state):
                pages.append(page)
                state = page.state
        except TryLater:
            refusals += 1
            continue
        return pages, refusals


def test_community_is_large_enough(harbour):
    messages = harbour.all_messages()
    assert len(messages) >= 2_000
    assert len({m.thread_id for m in messages}) >= 300
    assert len({m.person.id for m in messages if m.person}) >= 250
    assert all(NOW - timedelta(weeks=8) <= m.created_at <= NOW for m in messages)


def test_same_seed_makes_the_same_community(harbour):
    again = open_platform(clock=at_now)
    assert again.all_messages() == harbour.all_messages()
    assert again.meant == harbour.meant
    other = open_platform(seed=8, clock=at_now)
    assert other.all_messages() != harbour.all_messages()


@pytest.mark.parametrize("seed", [1, 7, 23])
def test_levels_are_mixed_as_in_a_real_community(seed):
    platform = open_platform(seed=seed, clock=at_now)
    readable = {m.id for m in platform.all_messages()}
    levels = Counter(level for i, level in platform.meant.items() if i in readable)
    share = {level: count / levels.total() for level, count in levels.items()}
    assert 0.007 <= share["crisis"] <= 0.015
    assert 0.035 <= share["red"] <= 0.08
    assert 0.15 <= share["amber"] <= 0.26
    assert share["green"] > 0.6
    assert min(levels["spam"], levels["abuse"]) > 0


def test_every_kind_and_language_exists(harbour):
    messages = harbour.all_messages()
    assert {m.kind for m in messages} == set(Kind)
    languages = Counter(m.lang for m in messages if m.kind is not Kind.REPORT)
    assert set(languages) == {"en", "es", "de", "fr", "pt", "hi-Latn", "pl", "ar", "ja"}
    assert languages["en"] > languages.total() / 2
    assert any(m.edited_at for m in messages)
    assert all(m.subject_id and m.reason for m in messages if m.kind is Kind.REPORT)
    assert any(m.kind is Kind.REPORT and m.person is None for m in messages)
    assert all(m.thread_title and m.channel for m in messages)


def test_nobody_repeats_the_same_sentence_often(harbour):
    said = Counter(m.text for m in harbour.all_messages() if not m.ours and m.kind is not Kind.REPORT)
    assert max(said.values()) <= 4


def test_a_shift_waits_and_the_past_is_quiet(harbour):
    last: dict[str, RemoteMessage] = {}
    for message in sorted(harbour.all_messages(), key=lambda m: m.created_at):
        if message.kind is not Kind.REPORT:
            last[message.thread_id] = message
    waiting = [m for m in last.values() if not m.ours]
    fresh = [m for m in waiting if NOW - m.created_at < timedelta(hours=48)]
    assert 30 <= len(fresh) <= 90
    assert len(waiting) - len(fresh) <= len(last) * 0.08
    crises = [
        m
        for m in harbour.all_messages()
        if harbour.meant.get(m.id) == "crisis" and NOW - m.created_at < timedelta(hours=4)
    ]
    assert len(crises) >= 4


def test_pages_are_small_and_report_progress(harbour):
    pages = list(DemoConnector.on(harbour).pull("comments", ""))
    assert len(pages) > 10
    assert all(len(page.messages) + len(page.gone) <= 100 for page in pages)
    assert pages[-1].done == pages[-1].total


def test_same_values_share_one_community():
    values = {"community": "shared-by-two", "seed": "3", "hostile": "0"}
    one, two = DemoConnector(values, {}), DemoConnector(values, {})
    assert one.server is two.server
    assert DemoConnector({**values, "seed": "4"}, {}).server is not one.server


def test_state_of_an_earlier_life_begins_again(empty):
    empty.say("@ana", "hello")
    pages = list(DemoConnector.on(empty).pull("comments", '{"seq": 900, "since": null}'))
    assert pages[0].gap
    assert [m.text for m in pages[0].messages] == ["hello"]


def test_mentions_are_told_apart(empty):
    empty.say("@ana", "@harbourlights are you there?")
    (page,) = DemoConnector.on(empty).pull("mentions", "")
    assert page.messages[0].kind is Kind.MENTION
    assert list(DemoConnector.on(empty).pull("comments", "")) == []


def test_likes_hides_and_reports_can_be_settled(empty):
    connector = DemoConnector.on(empty)
    said = empty.say("@ana", "hello")
    report = empty.report("@bo", said, "spam", "again")
    connector.perform(Command("1", Verb.LIKE, said))
    connector.perform(Command("2", Verb.HIDE, said))
    (seen,) = connector.fetch([said])
    assert isinstance(seen, RemoteMessage)
    assert (seen.likes, seen.hidden) == (1, True)
    connector.perform(Command("3", Verb.UNLIKE, said))
    connector.perform(Command("4", Verb.UNHIDE, said))
    connector.perform(Command("5", Verb.RESOLVE, report))
    (seen,) = connector.fetch([said])
    assert isinstance(seen, RemoteMessage)
    assert (seen.likes, seen.hidden) == (0, False)
    assert empty.is_resolved(report)
    with pytest.raises(Refused):
        connector.perform(Command("6", Verb.RESOLVE, said))


def test_private_answer_to_a_public_message_becomes_a_direct_one(empty):
    said = empty.say("@ana", "I am not well")
    command = Command("1", Verb.REPLY, said, text="We are here.", audience=Audience.PRIVATE)
    DemoConnector.on(empty).perform(command)
    (sent,) = empty.messages_sent_by_us()
    assert (sent.kind, sent.audience) == (Kind.DIRECT, Audience.PRIVATE)
    assert sent.thread_id != empty.conversation(said)[0].thread_id


def test_anonymous_reporter_cannot_be_answered(empty):
    report = empty.report(None, empty.say("@ana", "hello"), "other")
    with pytest.raises(Refused) as refusal:
        DemoConnector.on(empty).perform(Command("1", Verb.REPLY, report, text="Thanks."))
    assert refusal.value.reason is Reason.UNSUPPORTED


def test_offline_is_told_apart_from_too_many(empty):
    empty.fail_next("offline")
    with pytest.raises(TryLater) as offline:
        DemoConnector.on(empty).probe()
    assert offline.value.offline
    assert offline.value.until is None


def test_many_threads_at_once_lose_nothing(empty):
    root = empty.say("@ana", "root")

    def work(number: int) -> None:
        connector = DemoConnector.on(empty)
        for step in range(20):
            empty.say(f"@p{number}", f"{number}.{step}", parent=root)
            connector.perform(Command(f"{number}.{step}", Verb.REPLY, root, text="yes"))

    with ThreadPoolExecutor(4) as lanes:
        list(lanes.map(work, range(4)))
    pages = list(DemoConnector.on(empty).pull("comments", ""))
    assert len({m.id for page in pages for m in page.messages}) == 161


@pytest.mark.parametrize("seed", [1, 7])
def test_worst_day_loses_nothing_real(seed):
    platform = open_platform("empty", seed, hostile=True, clock=at_now)
    real = {m.id for m in platform.all_messages()}
    pages, _ = pull_patiently(DemoConnector.on(platform), "comments")
    messages = [m for page in pages for m in page.messages]
    assert {m.id for m in messages} == real
    assert len(messages) > len(real), "duplicates were promised"
    assert sum(page.skipped for page in pages) > 0
    assert any(page.gone for page in pages)
    assert max(len(m.text) for m in messages) >= 10_000_000
    assert any(m.created_at > NOW for m in messages)
    assert any("\ud83d" in m.text for m in messages)
    times = [m.created_at for m in messages]
    assert times != sorted(times)


def test_worst_day_is_the_same_every_time():
    def one_run():
        platform = open_platform("empty", 5, hostile=True, clock=at_now)
        pages, refusals = pull_patiently(DemoConnector.on(platform), "comments")
        return [[m.id for m in page.messages] for page in pages], refusals

    assert one_run() == one_run()


def test_worst_day_of_the_whole_harbour_can_be_pulled():
    platform = open_platform(hostile=True, clock=at_now)
    real = {m.id for m in platform.all_messages()}
    connector = DemoConnector.on(platform)
    seen, refused, vanished = set(), 0, set()
    for stream in connector.streams:
        pages, refusals = pull_patiently(connector, stream)
        refused += refusals
        seen |= {m.id for page in pages for m in page.messages}
        vanished |= {g.id for page in pages for g in page.gone}
    assert real <= seen
    assert refused > 0
    ghosts = sorted(vanished & seen)
    assert ghosts
    assert all(isinstance(one, RemoteGone) for one in platform.read(ghosts))
