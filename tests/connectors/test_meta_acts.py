"""What is done on a Page and on Instagram: windows, one private reply, nothing wider, own words found."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from connectors.contract import Audience, RemoteMessage, Verb
from connectors.errors import (
    CannotTell,
    OutcomeUnknown,
    Reason,
    Refused,
)
from connectors.faults import FaultProxy
from connectors.testing import fetch_one
from tests.connectors.test_meta_contract import MetaWorld, ago, command_for
from tests.servers.meta_community import PAGE
from tests.servers.meta_server import Meta, running

DAY = timedelta(days=1)


@pytest.fixture
def world() -> Iterator[MetaWorld]:
    state = Meta()
    with running(state) as server, FaultProxy(f"http://127.0.0.1:{server.server_port}") as proxy:
        yield MetaWorld(state, proxy)


# ---------------------------------------------------------------------- the reply window


@pytest.mark.parametrize("platform", ["messenger", "instagram"])
def test_after_a_day_the_window_is_closed_and_that_is_said(world: MetaWorld, platform: str) -> None:
    target = world.direct(platform, at=ago(hours=25))
    with pytest.raises(Refused) as no:
        world.connector().perform(command_for(Verb.REPLY, target, "Yes, I am here."))
    assert no.value.reason is Reason.BLOCKED
    assert "closed on" in str(no.value)
    assert world.private_texts() == []
    assert not any(f"POST {PAGE}/messages" in one for one in world.state.seen), "nothing is sent in vain"


def test_whoever_writes_again_opens_the_window(world: MetaWorld) -> None:
    old = world.direct(at=ago(days=3))
    world.direct()
    world.connector().perform(command_for(Verb.REPLY, old, "Yes, I am here."))
    assert world.private_texts() == ["Yes, I am here."]


def test_our_own_words_open_no_window(world: MetaWorld) -> None:
    old = world.direct(at=ago(days=3))
    world.state.put("messenger", "p-robin", PAGE, "Sent from the Page itself")
    with pytest.raises(Refused):
        world.connector().perform(command_for(Verb.REPLY, old, "Yes, I am here."))


@pytest.mark.parametrize(("days", "sent"), [(3, True), (8, False)])
def test_an_app_with_human_agent_has_seven_days(world: MetaWorld, days: int, sent: bool) -> None:
    world.values["human_agent"] = "Yes"
    world.state.human = True
    command = command_for(Verb.REPLY, world.direct(at=ago(days=days)), "Yes, I am here.")
    if sent:
        world.connector().perform(command)
    else:
        with pytest.raises(Refused):
            world.connector().perform(command)
    assert world.private_texts() == (["Yes, I am here."] if sent else [])


def test_a_feature_that_the_app_does_not_have_is_refused_by_meta(world: MetaWorld) -> None:
    world.values["human_agent"] = "yes"
    with pytest.raises(Refused) as no:
        world.connector().perform(command_for(Verb.REPLY, world.direct(at=ago(days=3)), "I am here."))
    assert no.value.reason is Reason.BLOCKED


@pytest.mark.parametrize(
    ("platform", "words"), [("messenger", "x" * 2001), ("instagram", "ö" * 501), ("messenger", " ")]
)
def test_words_that_do_not_fit_are_refused(world: MetaWorld, platform: str, words: str) -> None:
    with pytest.raises(Refused) as no:
        world.connector().perform(command_for(Verb.REPLY, world.direct(platform), words))
    assert no.value.reason is (Reason.TOO_LONG if words.strip() else Reason.INVALID)


# ---------------------------------------------------------------------- never wider


@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize("platform", ["messenger", "instagram"])
def test_an_answer_to_a_message_is_never_a_comment(
    world: MetaWorld, platform: str, audience: Audience
) -> None:
    target = world.direct(platform)
    world.connector().perform(command_for(Verb.REPLY, target, "Yes, I am here.", audience))
    assert world.public_texts() == []
    assert world.private_texts() == ["Yes, I am here."]


@pytest.mark.parametrize("place", ["fb", "ig"])
def test_a_private_reply_is_never_a_comment(world: MetaWorld, place: str) -> None:
    key = world.state.say("It is a hard evening", post="18001" if place == "ig" else "")
    world.connector().perform(command_for(Verb.WRITE, f"{place}:{key}", "I am glad you wrote."))
    assert world.public_texts() == []
    assert world.private_texts() == ["I am glad you wrote."]


@pytest.mark.parametrize("private", ["comment", "command"])
def test_what_is_private_is_not_answered_in_public(world: MetaWorld, private: str) -> None:
    key = world.state.say("Only for the Page")
    world.state.comments[key].private = private == "comment"
    audience = Audience.PRIVATE if private == "command" else Audience.PUBLIC
    with pytest.raises(Refused) as no:
        world.connector().perform(command_for(Verb.REPLY, f"fb:{key}", "Hello", audience))
    assert no.value.reason is Reason.UNSUPPORTED
    assert world.public_texts() == []
    found = fetch_one(world.connector(), f"fb:{key}")
    assert isinstance(found, RemoteMessage)
    assert (found.audience is Audience.PRIVATE) is (private == "comment")


# ---------------------------------------------------------------------- private replies


@pytest.mark.parametrize("place", ["fb", "ig"])
def test_a_comment_is_answered_privately_once(world: MetaWorld, place: str) -> None:
    key = world.state.say("It is a hard evening", post="18001" if place == "ig" else "")
    command = command_for(Verb.WRITE, f"{place}:{key}", "I am glad you wrote.")
    world.connector().perform(command)
    found = world.connector().find_sent(command)
    assert found is not None
    assert found.remote_id.startswith("fbm:" if place == "fb" else "igm:")
    with pytest.raises(Refused):
        world.connector().perform(command_for(Verb.WRITE, f"{place}:{key}", "And again."))
    assert world.private_texts() == ["I am glad you wrote."]


def test_after_seven_days_there_is_no_private_reply(world: MetaWorld) -> None:
    key = world.state.say("It was a hard evening", at=ago(days=7, hours=1))
    with pytest.raises(Refused) as no:
        world.connector().perform(command_for(Verb.WRITE, f"fb:{key}", "I am glad you wrote."))
    assert no.value.reason is Reason.BLOCKED
    assert "seven days" in str(no.value)


def test_a_private_reply_that_never_arrived_is_known_not_to_have(world: MetaWorld) -> None:
    command = command_for(Verb.WRITE, f"fb:{world.state.say('It is a hard evening')}", "I am glad you wrote.")
    connector = world.connector()
    connector.probe()
    world.proxy.lose_next_request()
    with pytest.raises(OutcomeUnknown):
        connector.perform(command)
    assert world.connector().find_sent(command) is None
    world.proxy.lose_next_answer()
    with pytest.raises(OutcomeUnknown):
        connector.perform(command)
    assert world.connector().find_sent(command) is not None
    assert world.private_texts() == ["I am glad you wrote."]


def test_where_nobody_can_tell_a_person_is_asked(world: MetaWorld) -> None:
    key = world.state.say("It is a hard evening", author="")
    world.state.answered.add(key)
    with pytest.raises(CannotTell):
        world.connector().find_sent(command_for(Verb.WRITE, f"fb:{key}", "I am glad you wrote."))


# ---------------------------------------------------------------------- looking for what was sent


def test_old_words_of_ours_are_not_taken_for_new_ones(world: MetaWorld) -> None:
    key = world.state.say("It is a hard evening", at=ago(hours=2))
    world.state.say("I am here.", key, PAGE, at=ago(hours=1))
    target = world.direct(at=ago(hours=2))
    world.state.put("messenger", "p-robin", PAGE, "I am here.", ago(hours=1))
    for place in (f"fb:{key}", target):
        assert world.connector().find_sent(command_for(Verb.REPLY, place, "I am here.")) is None


def test_beyond_twenty_messages_a_person_is_asked(world: MetaWorld) -> None:
    target = world.direct()
    command = command_for(Verb.REPLY, target, "Yes, I am here.")
    world.connector().perform(command)
    for number in range(25):
        world.state.write(f"and then {number}")
    with pytest.raises(CannotTell):
        world.connector().find_sent(command)


# ---------------------------------------------------------------------- moderating


@pytest.mark.parametrize("place", ["fb", "ig"])
def test_a_comment_is_hidden_and_shown_again(world: MetaWorld, place: str) -> None:
    key = world.state.say("Buy my tea", post="18001" if place == "ig" else "")
    for verb, hidden in ((Verb.HIDE, True), (Verb.UNHIDE, False)):
        command = command_for(verb, f"{place}:{key}")
        assert world.connector().find_sent(command) is None
        world.connector().perform(command)
        assert world.state.comments[key].hidden is hidden
        assert world.connector().find_sent(command) is not None
        found = fetch_one(world.connector(), f"{place}:{key}")
        assert isinstance(found, RemoteMessage)
        assert found.hidden is hidden


@pytest.mark.parametrize("place", ["fb", "ig"])
def test_somebody_elses_comment_is_deleted_only_by_remove(world: MetaWorld, place: str) -> None:
    key = world.state.say("Buy my tea", post="18001" if place == "ig" else "")
    with pytest.raises(Refused) as no:
        world.connector().perform(command_for(Verb.RETRACT, f"{place}:{key}"))
    assert no.value.reason is Reason.ROLE
    command = command_for(Verb.REMOVE, f"{place}:{key}")
    world.connector().perform(command)
    assert key not in world.state.comments
    assert world.connector().find_sent(command) is not None


def test_a_comment_is_liked_on_facebook_only(world: MetaWorld) -> None:
    key = world.state.say("Thank you all")
    for verb, liked in ((Verb.LIKE, True), (Verb.UNLIKE, False)):
        command = command_for(verb, f"fb:{key}")
        world.connector().perform(command)
        assert world.state.comments[key].liked is liked
        assert world.connector().find_sent(command) is not None
    gram = world.state.say("Thank you all", post="18001")
    with pytest.raises(Refused) as no:
        world.connector().perform(command_for(Verb.LIKE, f"ig:{gram}"))
    assert no.value.reason is Reason.UNSUPPORTED


@pytest.mark.parametrize(
    ("verb", "what"), [(Verb.HIDE, "can_hide"), (Verb.REMOVE, "can_remove"), (Verb.LIKE, "can_like")]
)
def test_what_meta_says_cannot_be_done_is_not_tried(world: MetaWorld, verb: Verb, what: str) -> None:
    key = world.state.say("Good evening")
    world.state.comments[key].can = {what: False}
    with pytest.raises(Refused) as no:
        world.connector().perform(command_for(verb, f"fb:{key}"))
    assert no.value.reason is Reason.ROLE


@pytest.mark.parametrize("verb", [Verb.HIDE, Verb.REMOVE, Verb.RETRACT, Verb.LIKE, Verb.WRITE])
def test_a_direct_message_is_only_answered(world: MetaWorld, verb: Verb) -> None:
    with pytest.raises(Refused) as no:
        world.connector().perform(command_for(verb, world.direct(), "words"))
    assert no.value.reason is Reason.UNSUPPORTED


@pytest.mark.parametrize("place", ["fb", "ig"])
def test_an_answer_to_an_answer_goes_below_the_first_comment(world: MetaWorld, place: str) -> None:
    root = world.state.say("How do you all sleep?", post="18001" if place == "ig" else "")
    below = world.state.say("Badly", root)
    made = world.connector().perform(command_for(Verb.REPLY, f"{place}:{below}", "I am sorry to hear that"))
    assert world.state.comments[made.remote_id.partition(":")[2]].parent == root
