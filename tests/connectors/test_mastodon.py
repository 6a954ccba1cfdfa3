"""Mastodon's own ways, on a server that speaks its interface: absences, ids, edits, rights, signing in."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from connectors.contract import (
    Audience,
    Command,
    GoneHow,
    Kind,
    RemoteGone,
    Verb,
)
from connectors.errors import Reason, Refused, SignInAgain, TryLater
from connectors.mastodon import MastodonConnector
from connectors.testing import fetch_one, last_states, messages_of, new_key
from tests.servers.mastodon_harbour import Harbour

pytestmark = pytest.mark.platforms

# ---------------------------------------------------------------- nothing is missed


def test_nothing_is_missed_after_a_long_absence(harbour: Harbour) -> None:
    harbour.mira.mention(harbour.us, "before")
    state = harbour.now()
    harbour.proxy.seen.clear()
    said = [harbour.mira.mention(harbour.us, f"while you were away {n}") for n in range(130)]
    pages = harbour.inbox(state)
    asked = harbour.asked("/api/v1/notifications")
    assert len(asked) >= 4
    assert all("since_id" not in query and "max_id" not in query for query in asked), (
        "it leaves out the middle"
    )
    assert all("min_id" in query for query in asked)
    assert sorted(m.id for m in messages_of(pages)) == sorted(said), "each once, and nothing from before"
    assert not any(page.gap for page in pages)


def test_a_crash_on_the_way_back_loses_nothing(harbour: Harbour) -> None:
    state = harbour.now()
    said = {harbour.mira.mention(harbour.us, f"while you were away {n}") for n in range(90)}
    whole = list(harbour.connector().pull("inbox", state))
    assert len([page for page in whole if page.messages]) >= 3
    seen: set[str] = set()
    for page in whole:
        seen |= {m.id for m in page.messages}
        rest = {m.id for m in messages_of(harbour.inbox(page.state))}
        assert said <= seen | rest


def test_the_first_pull_stops_in_the_middle_and_goes_on_from_there(harbour: Harbour) -> None:
    said = {harbour.mira.mention(harbour.us, f"long ago {n}") for n in range(90)}
    first = next(harbour.connector().pull("inbox", ""))
    late = harbour.mira.mention(harbour.us, "new in the meantime")
    rest = messages_of(harbour.inbox(first.state))
    assert said | {late} <= {m.id for m in first.messages} | {m.id for m in rest}
    assert len(first.messages) < len(said)


def test_a_message_in_two_lists_comes_once(harbour: Harbour) -> None:
    direct = harbour.mira.direct(harbour.us, "May I ask you something where nobody else reads?")
    answer = harbour.mira.reply(harbour.post, "Thank you for that.")
    ids = [m.id for m in messages_of(harbour.inbox())]
    assert (ids.count(direct), ids.count(answer)) == (1, 1)


def test_an_answer_that_names_nobody_is_found(harbour: Harbour) -> None:
    state = harbour.now()
    first = harbour.mira.reply(harbour.post, "I read this twice.")
    quiet = harbour.loud.post("So did I.", in_reply_to_id=first, visibility="public")
    found = {m.id: m for m in messages_of(harbour.inbox(state))}
    assert {first, quiet} <= set(found)
    assert found[quiet].thread_id == harbour.post
    assert found[quiet].parent_id == first


def test_cleared_notifications_hide_no_direct_message(harbour: Harbour) -> None:
    direct = harbour.mira.direct(harbour.us, "Is somebody there tonight?")
    harbour.us.call("POST", "/api/v1/notifications/clear", {})
    assert direct in {m.id for m in messages_of(harbour.inbox())}


def test_a_server_without_conversations_still_brings_direct_messages(harbour: Harbour) -> None:
    direct = harbour.mira.direct(harbour.us, "Is somebody there tonight?")
    harbour.proxy.answer_next(404, b'{"error": "Record not found"}', "/conversations")
    found = {m.id: m for m in messages_of(harbour.inbox())}
    assert (found[direct].kind, found[direct].audience) == (Kind.DIRECT, Audience.PRIVATE)


def test_ids_are_texts_whatever_they_look_like(harbour: Harbour) -> None:
    message = harbour.mira.mention(harbour.us, "hello")
    for id_ in ("01HZX7Q8W6M2K9", f"0{message}", f"{message}x", "../accounts/1", "9zC?limit=1#a"):
        assert fetch_one(harbour.connector(), id_) == RemoteGone(id_, GoneHow.DELETED)
    assert all(isinstance(m.id, str) and m.id for m in messages_of(harbour.inbox()))
    assert not [url for _, url in harbour.proxy.seen if url.startswith("/api/v1/accounts/1?")]


def test_a_state_that_makes_no_sense_begins_again(harbour: Harbour) -> None:
    message = harbour.mira.mention(harbour.us, "hello")
    for state in ("", "{", "[]", "null", '{"notes": {"mark": 5}, "known": 3, "talks": {}}'):
        assert message in {m.id for m in messages_of(harbour.inbox(state))}, state


# ---------------------------------------------------------------- warnings


def test_a_warning_is_read_first_and_carried_on(harbour: Harbour) -> None:
    message = harbour.mira.mention(harbour.us, "It was a hard week.", spoiler_text="heavy", sensitive=True)
    assert harbour.read(message).text.startswith("[heavy]\n\n")
    status = harbour.us.status(harbour.do(Verb.REPLY, message, "Thank you for telling us.").remote_id)
    assert status["spoiler_text"] == "heavy"


def test_what_its_author_marked_as_sensitive_is_told(harbour: Harbour) -> None:
    marked = harbour.mira.mention(harbour.us, "It was a hard week.", sensitive=True)
    plain = harbour.mira.mention(harbour.us, "It was a good week.")
    assert harbour.read(marked).labels == ("sensitive",)
    assert harbour.read(plain).labels == ()


def test_markup_is_not_shown(harbour: Harbour) -> None:
    message = harbour.mira.mention(harbour.us, "one <b>two</b> & three\nand four\n\nfive")
    text = harbour.read(message).text
    assert "one <b>two</b> & three" in text
    assert text.splitlines()[-1] == "five"


# ---------------------------------------------------------------- edits and deletions


def test_an_edit_of_what_was_read_comes_again_with_the_next_pull(harbour: Harbour) -> None:
    message = harbour.mira.mention(harbour.us, "helo")
    first = harbour.inbox()
    before = next(m for m in messages_of(first) if m.id == message)
    harbour.mira.edit(message, f"@{harbour.us.acct} hello")
    (after,) = messages_of(harbour.inbox(last_states(first)["inbox"]))
    assert after.id == message
    assert after.text.endswith("hello")
    assert after.edited_at is not None
    assert after.revision != before.revision


def test_a_deletion_is_told_once_with_the_next_pull(harbour: Harbour) -> None:
    message = harbour.mira.mention(harbour.us, "never mind")
    kept = harbour.loud.mention(harbour.us, "hello")
    state = harbour.now()
    harbour.mira.delete(message)
    pages = harbour.inbox(state)
    assert [gone for page in pages for gone in page.gone] == [RemoteGone(message, GoneHow.DELETED)]
    assert not [gone for page in harbour.inbox(last_states(pages)["inbox"]) for gone in page.gone]
    assert fetch_one(harbour.connector(), message) == RemoteGone(message, GoneHow.DELETED)
    assert harbour.read(kept).id == kept


def test_a_parked_address_deletes_nothing(harbour: Harbour) -> None:
    message = harbour.mira.mention(harbour.us, "hello")
    connector = harbour.connector()
    connector.probe()
    for _ in range(2):
        harbour.proxy.answer_next(404, b"<html>This domain is for sale.</html>", f"/statuses/{message}")
    harbour.proxy.answer_next(404, b"<html>This domain is for sale.</html>", "verify_credentials")
    with pytest.raises(Refused) as refusal:
        connector.fetch([message])
    assert refusal.value.reason is Reason.UNSUPPORTED


# ---------------------------------------------------------------- what may be done


def test_every_verb_is_possible_or_has_its_reason(harbour: Harbour) -> None:
    for account in (harbour.us, harbour.keeper):
        probe = harbour.connector(account).probe()
        assert set(probe.verbs) == set(Verb)
        for verb, why in MastodonConnector.lacks.items():
            assert probe.verbs[verb].why_not == why
            with pytest.raises(Refused) as refusal:
                harbour.connector(account).perform(Command(new_key(), verb, harbour.post))
            assert (refusal.value.reason, str(refusal.value)) == (Reason.UNSUPPORTED, why)
    can = {verb for verb, ability in harbour.connector(harbour.keeper).probe().verbs.items() if ability.can}
    assert can == set(MastodonConnector.tested_on) == set(Verb) - set(MastodonConnector.lacks)


def test_who_is_no_moderator_is_told_so(harbour: Harbour) -> None:
    probe = harbour.connector().probe()
    for verb in (Verb.RESOLVE, Verb.MUTE, Verb.UNMUTE, Verb.BAN, Verb.UNBAN):
        assert not probe.verbs[verb].can
        assert probe.verbs[verb].why_not
    assert not probe.streams["reports"].can


def test_a_token_that_may_only_read_narrows_what_can_be_done(harbour: Harbour) -> None:
    scopes = json.dumps({"name": "a program", "scopes": ["read"]}).encode()
    harbour.proxy.answer_next(200, scopes, "apps/verify_credentials")
    probe = harbour.connector(harbour.keeper).probe()
    assert not {verb for verb, ability in probe.verbs.items() if ability.can}
    assert "Sign in again" in probe.verbs[Verb.REPLY].why_not


def test_a_token_without_the_right_is_refused_by_its_header(harbour: Harbour) -> None:
    message = harbour.mira.mention(harbour.us, "hello")
    said = {"WWW-Authenticate": 'Bearer realm="Doorkeeper", error="insufficient_scope"'}
    connector = harbour.connector()
    connector.probe()
    harbour.proxy.answer_next(403, '{"error": "この操作は許可されていません"}'.encode(), "/favourite", **said)
    with pytest.raises(Refused) as refusal:
        connector.perform(Command(new_key(), Verb.LIKE, message))
    assert refusal.value.reason is Reason.SCOPE


def test_too_long_is_told_by_its_code_in_any_language(harbour: Harbour) -> None:
    message = harbour.mira.mention(harbour.us, "hello")
    body = json.dumps({"error": "zu lang", "details": {"text": [{"error": "ERR_TOO_LONG"}]}}).encode()
    connector = harbour.connector()
    connector.probe()
    harbour.proxy.answer_next(422, body, "/favourite")
    with pytest.raises(Refused) as refusal:
        connector.perform(Command(new_key(), Verb.LIKE, message))
    assert refusal.value.reason is Reason.TOO_LONG


@pytest.mark.parametrize("iso", [True, False])
def test_a_used_up_window_is_waited_for_also_before_it_is_said(harbour: Harbour, iso: bool) -> None:
    until = datetime.now(UTC).replace(microsecond=565127) + timedelta(seconds=120)
    reset = until.isoformat().replace("+00:00", "Z") if iso else str(int(until.timestamp()))
    headers = {"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    connector = harbour.connector()
    connector.probe()
    harbour.proxy.answer_next(200, b"[]", "/api/v1/notifications", **headers)
    list(connector.pull("inbox", ""))
    before = harbour.proxy.count("/api/v1/notifications")
    with pytest.raises(TryLater) as wait:
        list(connector.pull("inbox", ""))
    assert wait.value.until is not None
    assert abs(wait.value.until - until) < timedelta(seconds=5)
    assert harbour.proxy.count("/api/v1/notifications") == before, "nothing more was asked"


# ---------------------------------------------------------------- signing in


def test_the_browser_signs_in_with_the_rights_that_are_needed(harbour: Harbour) -> None:
    asked: list[dict[str, list[str]]] = []

    def open_page(page: str) -> bool:
        query = parse_qs(urlsplit(page).query)
        asked.append(query)
        name = harbour.us.acct
        back = {"state": query["state"][0], "code": f"mockcode_{name}"}
        requests.get(query["redirect_uri"][0], params=back, timeout=10)
        return True

    class Here(MastodonConnector):
        pass

    Here.open_page = staticmethod(open_page)
    values = {"server": harbour.proxy.url}
    secrets = dict(Here(values, {}).authorize())
    assert asked[0]["code_challenge_method"] == ["S256"]
    assert asked[0]["redirect_uri"][0].startswith("http://127.0.0.1:")
    assert "admin" not in asked[0]["scope"][0], "no more than is needed"
    probe = Here(values, secrets).probe()
    assert probe.handle.startswith(harbour.us.acct)
    assert probe.verbs[Verb.REPLY].can
    assert not probe.verbs[Verb.BAN].can


def test_a_pasted_token_that_is_wrong_is_said_at_once(harbour: Harbour) -> None:
    with pytest.raises(SignInAgain):
        MastodonConnector({"server": harbour.proxy.url}, {"access_token": "nonsense"}).authorize()
