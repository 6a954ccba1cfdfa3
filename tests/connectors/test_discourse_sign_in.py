"""Signing in to a Discourse forum: keys that only we can read, rights and why not."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.contract import GoneHow, RemoteGone, RemoteMessage, Verb
from connectors.discourse import DiscourseConnector
from connectors.errors import Reason, Refused, SignInAgain, TryLater
from connectors.faults import FaultProxy
from connectors.testing import fetch_one, messages_of
from tests.connectors.test_discourse_contract import DiscourseWorld
from tests.servers.discourse_answers import Discourse
from tests.servers.discourse_forum import OURS, STAFF_ONLY, WREN
from tests.servers.discourse_server import running


@pytest.fixture
def world() -> Iterator[DiscourseWorld]:
    state = Discourse()
    with running(state) as server, FaultProxy(server.url) as proxy:
        yield DiscourseWorld(state, proxy)


def _stream(world: DiscourseWorld, stream: str, state: str = "") -> list[RemoteMessage]:
    return messages_of(world.connector().pull(stream, state))


def _member(world: DiscourseWorld) -> None:
    world.state.users[OURS] = replace(world.state.users[OURS], moderator=False)


# ---------------------------------------------------------------------- signing in


def _agreeing(world: DiscourseWorld, shown: list[str]) -> type[DiscourseConnector]:
    class Agreeing(DiscourseConnector):
        """Its browser belongs to somebody who agrees at once."""

        open_page = staticmethod(lambda page: shown.append(world.state.agree(page)))
        port = 0

    return Agreeing


def test_the_browser_brings_a_key_that_only_we_can_read(world: DiscourseWorld) -> None:
    connector = _agreeing(world, [])(world.values, {})
    secrets = connector.authorize()
    assert set(secrets) == {"user_api_key", "client_id"}
    assert DiscourseConnector(world.values, secrets).probe().handle == "harbour"


def test_where_no_way_back_is_allowed_the_text_is_copied(world: DiscourseWorld) -> None:
    world.state.allowed_ways_back = []
    shown: list[str] = []
    kind = _agreeing(world, shown)
    with pytest.raises(TryLater):
        kind(world.values, {"pasted": "copy"}).authorize()
    secrets = kind(world.values, {"pasted": f"  {shown[0]}\n"}).authorize()
    assert "pasted" not in secrets
    assert DiscourseConnector(world.values, secrets).probe().account_id == str(OURS)


def test_a_text_of_another_sign_in_opens_nothing(world: DiscourseWorld) -> None:
    shown: list[str] = []
    kind = _agreeing(world, shown)
    for _ in range(2):
        with pytest.raises(TryLater):
            kind(world.values, {"pasted": "copy"}).authorize()
    for text in (shown[0], "not even base64 \N{BLACK STAR}", "aGVsbG8="):
        with pytest.raises(SignInAgain):
            kind(world.values, {"pasted": text}).authorize()
    assert kind(world.values, {"pasted": shown[1]}).authorize()


def test_a_pasted_text_without_a_page_of_ours_is_refused(world: DiscourseWorld) -> None:
    with pytest.raises(Refused) as no:
        DiscourseConnector(world.values, {"pasted": "aGVsbG8="}).authorize()
    assert no.value.reason is Reason.INVALID


def test_an_admins_key_acts_as_the_account_that_is_named(world: DiscourseWorld) -> None:
    world.state.admin_keys.add("k" * 64)
    values = {**world.values, "api_username": "harbour"}
    secrets = DiscourseConnector(values, {"api_key": "k" * 64}).authorize()
    assert DiscourseConnector(values, secrets).probe().handle == "harbour"
    with pytest.raises(Refused):
        DiscourseConnector(world.values, {"api_key": "k" * 64}).authorize()
    with pytest.raises(SignInAgain):
        DiscourseConnector(values, {"api_key": "wrong"}).authorize()


def test_the_address_may_be_written_without_its_scheme() -> None:
    with pytest.raises(Refused):
        DiscourseConnector({"address": "http://forum.harbour.example"}, {})
    DiscourseConnector({"address": "forum.harbour.example/"}, {}).close()


def test_a_missing_right_is_not_taken_for_a_lost_key(world: DiscourseWorld) -> None:
    hidden = world.state.open_topic("Rota", "Who is on tonight?", WREN, STAFF_ONLY)
    post = next(one for one in world.state.posts.values() if one.topic == hidden)
    _member(world)
    assert fetch_one(world.connector(), str(post.id)) == RemoteGone(str(post.id), GoneHow.BLOCKED)
    world.state.keys.clear()
    with pytest.raises(SignInAgain):
        world.connector().fetch([str(post.id)])


def test_an_account_that_was_suspended_has_to_sign_in_again(world: DiscourseWorld) -> None:
    world.state.users[OURS].suspended_till = datetime.now(UTC) + timedelta(days=1)
    with pytest.raises(SignInAgain):
        world.connector().probe()


# ---------------------------------------------------------------------- rights


def test_a_moderator_may_all_that_discourse_offers(world: DiscourseWorld) -> None:
    probe = world.connector().probe()
    refused = {verb for verb, ability in probe.verbs.items() if not ability.can}
    assert refused == set(DiscourseConnector.lacks)
    assert probe.server == "Discourse 2026.11.0"
    assert (probe.max_text, probe.streams["review"].can) == (32000, True)


def test_every_verb_says_what_it_was_tried_on() -> None:
    assert set(DiscourseConnector.tested_on) | set(DiscourseConnector.lacks) == set(Verb)
    assert not set(DiscourseConnector.tested_on) & set(DiscourseConnector.lacks)


def test_a_member_is_told_what_only_moderators_may(world: DiscourseWorld) -> None:
    _member(world)
    probe = world.connector().probe()
    for verb in (Verb.REMOVE, Verb.RESTORE, Verb.MUTE, Verb.BAN, Verb.LOCK):
        assert "no moderator" in probe.verbs[verb].why_not
    assert "review queue" in probe.streams["review"].why_not
    assert probe.verbs[Verb.RESOLVE].why_not == probe.streams["review"].why_not
    assert probe.verbs[Verb.REPLY].can
    with pytest.raises(Refused) as no:
        _stream(world, "review")
    assert no.value.reason is Reason.ROLE


def test_a_new_member_is_told_what_comes_later(world: DiscourseWorld) -> None:
    world.state.users[OURS] = replace(world.state.users[OURS], moderator=False, trust=0)
    probe = world.connector().probe()
    assert "trust level" in probe.verbs[Verb.POLL].why_not
    assert not probe.verbs[Verb.WRITE].can


def test_a_forum_without_polls_or_messages_says_so(world: DiscourseWorld) -> None:
    world.state.settings |= {"poll_enabled": False, "enable_personal_messages": False}
    probe = world.connector().probe()
    assert "no polls" in probe.verbs[Verb.POLL].why_not
    assert "private messages" in probe.verbs[Verb.WRITE].why_not


@pytest.mark.parametrize(("version", "can"), [("2.2.9", False), ("2.3.0", True), ("3.4.0.beta2", True)])
def test_an_old_forum_has_no_review_queue(world: DiscourseWorld, version: str, *, can: bool) -> None:
    world.state.version = version
    assert world.connector().probe().streams["review"].can is can
