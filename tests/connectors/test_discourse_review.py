"""A Discourse forum's review queue: what waits there, and decisions by version that nobody else has made."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest

from connectors.contract import Audience, Command, Kind, RemoteMessage, Verb
from connectors.errors import CannotTell, Gone, Reason, Refused
from connectors.faults import FaultProxy
from connectors.testing import messages_of
from tests.connectors.test_discourse_contract import DiscourseWorld, read_by_the_minute
from tests.servers.discourse_answers import Discourse
from tests.servers.discourse_forum import OURS, PENDING, ROBIN, WREN, Entry
from tests.servers.discourse_server import running


@pytest.fixture
def world() -> Iterator[DiscourseWorld]:
    state = Discourse()
    with running(state) as server, FaultProxy(server.url) as proxy:
        yield DiscourseWorld(state, proxy)


def _command(verb: Verb, target: object, text: str = "", **options: str) -> Command:
    return Command(str(uuid4()), verb, str(target), "", text, options=options)


def _refused(world: DiscourseWorld, command: Command) -> Reason:
    with pytest.raises(Refused) as no:
        world.connector().perform(command)
    assert str(no.value)
    return no.value.reason


def _review(world: DiscourseWorld, state: str = "") -> list[RemoteMessage]:
    return messages_of(world.connector().pull("review", state))


def _flagged(world: DiscourseWorld, words: str = "") -> Entry:
    return world.state.flag(world.state.say("Buy my tea", world.state.home).id, words=words)


def test_a_flag_is_a_report_with_what_can_be_chosen(world: DiscourseWorld) -> None:
    entry = _flagged(world, "They sell <b>tea</b> everywhere")
    (found,) = _review(world)
    assert (found.id, found.kind, found.audience) == (f"review-{entry.id}", Kind.REPORT, Audience.PRIVATE)
    assert (found.subject_id, found.thread_id) == (str(entry.post), str(world.state.home))
    assert (found.text, found.reason) == ("They sell tea everywhere", "spam")
    assert found.person is not None
    assert found.person.handle == "wren"
    assert found.choices["agree_and_hide"] == "Hide Post"
    assert "agree_and_suspend" not in found.choices, "it would only be done by half from here"
    assert [one.id for one in world.connector().thread(found.id)][-2:] == [str(entry.post), found.id]


def test_a_post_that_is_held_back_speaks_with_its_authors_words(world: DiscourseWorld) -> None:
    entry = world.state.hold("I cannot sleep", ROBIN, world.state.home)
    (found,) = _review(world)
    assert (found.id, found.kind, found.text) == (f"review-{entry.id}", Kind.COMMENT, "I cannot sleep")
    assert (found.hidden, found.audience) == (True, Audience.PRIVATE)
    assert found.person is not None
    assert found.person.id == str(ROBIN)
    command = _command(Verb.RESOLVE, found.id, choice="approve_post")
    world.connector().perform(command)
    assert any(one.raw == "I cannot sleep" for one in world.state.posts.values())


def test_a_queue_of_many_pages_is_read_whole_and_only_news_after(world: DiscourseWorld) -> None:
    said = {f"review-{_flagged(world).id}" for _ in range(25)}
    pages = list(world.connector().pull("review", ""))
    assert {one.id for one in messages_of(pages)} == said
    assert _review(world, pages[-1].state) == []
    more = _flagged(world)
    assert [one.id for one in _review(world, pages[-1].state)] == [f"review-{more.id}"]


def test_what_few_people_flagged_is_read_too(world: DiscourseWorld) -> None:
    entry = _flagged(world)
    entry.low = True
    assert [one.id for one in _review(world)] == [f"review-{entry.id}"]


def test_a_queue_longer_than_a_minute_of_calls_is_read_whole(world: DiscourseWorld) -> None:
    said = {f"review-{_flagged(world).id}" for _ in range(120)}
    assert {one.id for one in messages_of(read_by_the_minute(world, "review"))} == said


def test_what_was_decided_above_a_half_read_queue_hides_nothing(world: DiscourseWorld) -> None:
    entries = [_flagged(world) for _ in range(60)]
    state = next(iter(world.connector().pull("review", ""))).state
    for entry in entries[-8:]:
        entry.status = 1
    pages = list(world.connector().pull("review", state))
    assert {f"review-{entry.id}" for entry in entries[:-10]} <= {one.id for one in messages_of(pages)}
    dealt_with = _review(world, pages[-1].state)
    assert {one.id for one in dealt_with} == {f"review-{entry.id}" for entry in entries[-8:]}
    assert not any(one.choices for one in dealt_with)


def test_what_others_dealt_with_arrives_without_choices(world: DiscourseWorld) -> None:
    entry = _flagged(world)
    state = list(world.connector().pull("review", ""))[-1].state
    entry.status, entry.version, entry.reviewed_by = 1, 1, WREN
    (found,) = _review(world, state)
    assert (found.id, dict(found.choices)) == (f"review-{entry.id}", {})
    assert found.reason == "spam; approved"


def test_what_was_withdrawn_is_gone(world: DiscourseWorld) -> None:
    entry = world.state.hold("Never mind", ROBIN, None, title="A question")
    (found,) = _review(world)
    assert (found.kind, found.thread_title) == (Kind.POST, "A question")
    state = list(world.connector().pull("review", ""))[-1].state
    del world.state.queue[entry.id]
    gone = [one.id for page in world.connector().pull("review", state) for one in page.gone]
    assert gone == [found.id]


def test_a_choice_is_done(world: DiscourseWorld) -> None:
    entry = _flagged(world)
    (seen,) = _review(world)
    command = replace(_command(Verb.RESOLVE, seen.id, choice="agree_and_hide"), revision=seen.revision)
    assert world.connector().find_sent(command) is None
    world.connector().perform(command)
    assert entry.post is not None
    assert (world.state.posts[entry.post].hidden, entry.status) == (True, 1)
    assert world.connector().find_sent(command) is not None
    assert _refused(world, command) is Reason.STALE


def test_a_decision_about_another_version_is_refused(world: DiscourseWorld) -> None:
    entry = _flagged(world)
    (seen,) = _review(world)
    entry.version = 3
    command = replace(_command(Verb.RESOLVE, seen.id, choice="agree_and_hide"), revision=seen.revision)
    assert _refused(world, command) is Reason.STALE
    assert entry.status == PENDING
    world.connector().perform(replace(command, revision=_review(world)[0].revision))
    assert entry.status != PENDING


def test_a_decision_between_looking_and_deciding_is_refused(world: DiscourseWorld) -> None:
    entry = _flagged(world)
    (seen,) = _review(world)
    command = replace(_command(Verb.RESOLVE, seen.id, choice="disagree"), revision=seen.revision)
    world.proxy.before_next("/perform/", lambda: setattr(entry, "version", 1))
    assert _refused(world, command) is Reason.STALE


@pytest.mark.parametrize(("choice", "reason"), [("", Reason.INVALID), ("delete_user", Reason.STALE)])
def test_only_what_is_offered_can_be_chosen(world: DiscourseWorld, choice: str, reason: Reason) -> None:
    entry = _flagged(world)
    assert _refused(world, _command(Verb.RESOLVE, f"review-{entry.id}", choice=choice)) is reason
    assert entry.status == PENDING


def test_what_somebody_else_has_claimed_is_left_to_them(world: DiscourseWorld) -> None:
    entry = _flagged(world)
    world.state.claiming, entry.claimed_by = "required", WREN
    command = _command(Verb.RESOLVE, f"review-{entry.id}", choice="disagree")
    assert _refused(world, command) is Reason.INVALID
    assert entry.status == PENDING


def test_whose_decision_it_was_a_person_has_to_see(world: DiscourseWorld) -> None:
    entry = _flagged(world)
    command = _command(Verb.RESOLVE, f"review-{entry.id}", choice="disagree")
    entry.status, entry.reviewed_by = 2, WREN
    with pytest.raises(CannotTell):
        world.connector().find_sent(command)
    del world.state.queue[entry.id]
    with pytest.raises(CannotTell):
        world.connector().find_sent(command)
    with pytest.raises(Gone):
        world.connector().perform(command)


def test_the_author_of_what_waits_is_written_to_alone(world: DiscourseWorld) -> None:
    held = world.state.hold("I cannot sleep", ROBIN, world.state.home)
    flagged = _flagged(world)
    for entry in (held, flagged):
        made = world.connector().perform(
            _command(Verb.WRITE, f"review-{entry.id}", f"How are you? {entry.id}")
        )
        topic = world.state.topics[world.state.posts[int(made.remote_id)].topic]
        assert (topic.direct, topic.users) == (True, {OURS, ROBIN})
    world.connector().perform(_command(Verb.MUTE, f"review-{flagged.id}", hours="24"))
    assert world.state.users[ROBIN].silenced_till
