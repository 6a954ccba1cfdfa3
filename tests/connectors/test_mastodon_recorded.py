"""What the real Mastodon said, recorded by others, is understood."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from connectors.contract import Audience, Command, GoneHow, Kind, Receipt, RemoteGone, RemoteMessage, Verb
from connectors.errors import Reason, Refused
from connectors.mastodon import MastodonConnector
from connectors.testing import fetch_one, messages_of, new_key
from tests.servers.recorded import SHARED, Recorded

FOLDER = SHARED / "data" / "cassettes" / "mastodon"
ME = "test_get_pagination_info"  # holds /api/v1/accounts/verify_credentials and our own statuses
SERVER = ("test_instance", "test_app_verify_credentials")
MINE = "117020583223442465"  # a status of ours
THEIRS = "110446223051565765"  # of somebody on another server, with all that a status can have
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="The recordings of Mastodon are not on this machine."
)


@contextmanager
def playing(*names: str) -> Iterator[tuple[Recorded, MastodonConnector]]:
    """A connector on these recordings, signed in."""
    with Recorded(*(FOLDER / f"{name}.yaml" for name in (*names, *SERVER, ME)), instead={}) as server:
        connector = MastodonConnector({"server": server.url}, {"access_token": "a-token"})
        yield server, connector
        connector.close()


def read(connector: MastodonConnector, status: str) -> RemoteMessage:
    found = fetch_one(connector, status)
    assert isinstance(found, RemoteMessage)
    return found


def act(
    connector: MastodonConnector,
    verb: Verb,
    target: str,
    text: str = "",
    audience: Audience = Audience.PUBLIC,
    **options: str,
) -> Receipt:
    return connector.perform(Command(new_key(), verb, target, "", text, audience, options))


def test_who_we_are_and_what_the_server_allows() -> None:
    with playing() as (_, connector):
        probe = connector.probe()
        assert probe.account_id == "117020565966271181@localhost:3000", "the number alone is not enough"
        assert probe.max_text == 500
        assert {verb for verb, ability in probe.verbs.items() if ability.can} >= {Verb.REPLY, Verb.POLL}
        assert connector._session.honours_keys(), "4.6 says so by its API version"


def test_a_status_with_everything_in_it() -> None:
    with playing("test_entity_statusmention") as (_, connector):
        found = read(connector, THEIRS)
        assert found.person is not None
        assert found.person.handle == "halcy@icosahedron.website"
        lines = found.text.splitlines()
        assert lines[0] == "[test post for mastodon.py stuff]", "the warning stands first"
        assert lines[2].startswith("@halcy you")
        assert lines[-1].endswith("#ThisIsAHashtag"), "a mention and a tag say where they go by themselves"
        assert "<" not in found.text
        assert found.edited_at == datetime(2023, 5, 28, 12, 9, 44, tzinfo=UTC)
        assert found.revision != found.created_at.isoformat()
        assert {media.kind for media in found.media} >= {"video"}
        assert "a furry cube breakdancing" in {media.alt for media in found.media}
        assert found.audience is Audience.PUBLIC


def test_a_picture_that_only_followers_see() -> None:
    with playing("test_entity_mediaattachmentimagemetadata") as (_, connector):
        found = read(connector, "110447003454258227")
        assert found.audience is Audience.PRIVATE
        assert not found.thread_title, "a title would stand in lists"
        assert [(media.kind, media.alt) for media in found.media] == [("image", "furry cube")]


def test_a_poll_with_its_votes() -> None:
    with playing("test_entity_poll") as (_, connector):
        poll = read(connector, "110446383900387196").poll
        assert poll is not None
        assert poll.answers == (("real", 8), ("fr fr", 17), ("so true", 14), (":hecker:", 25))
        assert (poll.voters, poll.closed, poll.several) == (47, True, True)
        assert poll.closes_at == datetime(2023, 5, 29, 12, 51, 38, tzinfo=UTC)


def test_notifications_of_what_was_deleted_since_are_no_trouble() -> None:
    with playing("test_entity_notification") as (_, connector):
        pages = list(connector.pull("inbox", ""))
        (direct,) = [m for m in messages_of(pages) if m.kind is Kind.DIRECT]
        assert direct.audience is Audience.PRIVATE
        assert not direct.ours
        assert not sum(page.skipped for page in pages), "39 of 40 have no status any more"
        assert any(page.gap for page in pages), "the recording leads in a circle: that ends, and is said"


def test_our_own_statuses_are_read_by_their_link() -> None:
    with playing("test_entity_notification") as (server, connector):
        own = [m for m in messages_of(connector.pull("inbox", "")) if m.ours]
        asked = [path for verb, path, _ in server.asked if path.endswith("117020565966271181/statuses")]
        assert len(asked) == 2, "on from where the link leads, and no further where it leads in a circle"
        assert len({m.id for m in own}) == len(own) == 5
        assert {(m.ours, m.kind, m.audience) for m in own} == {(True, Kind.POST, Audience.PUBLIC)}


def test_what_is_not_there_is_gone() -> None:
    with playing("test_status_missing") as (_, connector):
        assert fetch_one(connector, "0") == RemoteGone("0", GoneHow.DELETED)


def test_an_answer_is_sent_with_the_visibility_of_what_it_answers() -> None:
    with playing("test_status", "test_id_hook_in_reply_to") as (server, connector):
        receipt = act(connector, Verb.REPLY, MINE, "Reply!")
        assert receipt.remote_id == MINE, "the first recorded answer to a new status"
        assert receipt.at is not None
        wanted = {"status": "Reply!", "visibility": "unlisted", "in_reply_to_id": MINE}
        assert server.asked[-1] == ("POST", "/api/v1/statuses", wanted)


def test_an_answer_below_a_warning_carries_it_and_names_the_author() -> None:
    with playing("test_entity_statusmention", "test_status") as (server, connector):
        act(connector, Verb.REPLY, THEIRS, "We are here.")
        said = server.asked[-1][2]
        assert said["status"].startswith("@halcy@icosahedron.website ")
        assert said["visibility"] == "public"
        assert said["spoiler_text"] == "test post for mastodon.py stuff"


def test_a_word_to_the_author_alone_is_direct() -> None:
    direct = "test_status_post[Content warning-direct]"
    with playing("test_entity_statusmention", direct) as (server, connector):
        receipt = act(connector, Verb.WRITE, THEIRS, "We are here.", Audience.PRIVATE)
        assert receipt.remote_id == "117020585956347304"
        wanted = {"status": "@halcy@icosahedron.website We are here.", "visibility": "direct"}
        assert server.asked[-1] == ("POST", "/api/v1/statuses", wanted)


def test_ours_is_taken_back_and_liked() -> None:
    with playing("test_status") as (server, connector):
        assert act(connector, Verb.RETRACT, MINE) == Receipt(MINE)
        assert server.asked[-1][:2] == ("DELETE", f"/api/v1/statuses/{MINE}")
    with playing("test_status_fav_unfav") as (server, connector):
        for verb, where in ((Verb.LIKE, "favourite"), (Verb.UNLIKE, "unfavourite")):
            act(connector, verb, "117020586054490060")
            assert server.asked[-1][:2] == ("POST", f"/api/v1/statuses/117020586054490060/{where}")


def test_what_somebody_else_wrote_is_not_taken_back() -> None:
    with playing("test_entity_statusmention") as (server, connector):
        with pytest.raises(Refused) as refusal:
            act(connector, Verb.RETRACT, THEIRS)
        assert refusal.value.reason is Reason.ROLE
        assert not [verb for verb, _, _ in server.asked if verb != "GET"]
