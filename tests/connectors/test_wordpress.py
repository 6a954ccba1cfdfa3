"""What WordPress really does, each asked of a real one."""

import base64
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

import pytest
from uuid_utils import uuid7

from connectors.contract import Audience, Command, RemoteGone, RemoteMessage, Verb
from connectors.errors import OutcomeUnknown, Reason, Refused, SignInAgain
from connectors.faults import FaultProxy
from connectors.testing import fetch_one, last_states, messages_of, new_key, pull_all, unique
from connectors.wordpress import WordPressConnector
from tests.servers.wordpress_network import Moderator, Site

pytestmark = pytest.mark.platforms


@dataclass
class Desk:
    """A moderator of ours on the site, and an article."""

    site: Site
    us: Moderator
    post: int
    url: str

    def connector(self, **secrets: str) -> WordPressConnector:
        values = {"server": self.url, "user": self.us.name}
        return WordPressConnector(values, {"app_password": self.us.password} | secrets)

    def one(self, name: str) -> RemoteMessage:
        found = fetch_one(self.connector(), name)
        assert isinstance(found, RemoteMessage)
        return found

    def do(self, verb: Verb, name: str) -> None:
        self.connector().perform(Command(new_key(), verb, name))

    def reply(self, name: str, text: str = "") -> Command:
        words = text or unique("We are here.")
        return Command(str(uuid7()), Verb.REPLY, name, f"post/{self.post}", words)

    def states(self) -> dict[str, str]:
        return last_states(pull_all(self.connector()))


@pytest.fixture
def desk(wordpress: Site) -> Desk:
    return Desk(wordpress, wordpress.account(), wordpress.post("Evenings together"), wordpress.url)


@pytest.fixture
def proxy(wordpress: Site) -> Iterator[FaultProxy]:
    with FaultProxy(wordpress.url) as made:
        yield made


# ---------------------------------------------------------------------- what is there


def test_what_waits_for_review_is_brought_and_marked(desk: Desk) -> None:
    name = desk.site.visit(desk.post, unique("I am new here."))
    (held,) = [m for m in messages_of(pull_all(desk.connector())) if m.id == name]
    assert held.hidden
    assert held.reason == "held for review"
    assert held.thread_id == f"post/{desk.post}"
    assert held.thread_title == "Evenings together"


def test_what_was_taken_for_spam_is_its_own_stream(desk: Desk) -> None:
    name = desk.site.visit(desk.post, unique("I need help and no machine understood me."))
    desk.site.set_status(name, "spam")
    pages = pull_all(desk.connector())
    assert [p.stream for p in pages for m in p.messages if m.id == name] == ["spam"]
    found = desk.one(name)
    assert (found.hidden, found.reason) == (True, "spam")


def test_writers_addresses_are_not_even_asked_for(desk: Desk, proxy: FaultProxy) -> None:
    name = desk.site.visit(desk.post, unique("hello"), "Mira")
    stored = desk.site.call(f"comments/{name}", context="edit")
    assert stored["author_email"]
    assert stored["author_ip"]
    desk.url = proxy.url
    connector = desk.connector()
    told = json.dumps([asdict(m) for m in messages_of(pull_all(connector))], default=str)
    assert stored["author_email"] not in told
    asked = [path for verb, path in proxy.seen if verb == "GET" and "/comments" in path]
    assert asked
    assert all("_fields=" in path and "email" not in path and "_ip" not in path for path in asked)


def test_a_visitor_is_known_by_name_and_a_member_by_number(desk: Desk) -> None:
    first, second = (desk.one(desk.site.visit(desk.post, unique("hello"), "Mira & Jo")) for _ in range(2))
    assert first.person is not None
    assert first.person == second.person
    assert first.person.name == "Mira & Jo"
    assert "Mira" not in first.person.id
    sent = desk.connector().perform(desk.reply(desk.site.comment(desk.post, unique("hello"))))
    member = desk.one(sent.remote_id).person
    assert member is not None
    assert member.id == f"user/{desk.us.id}"


def test_html_is_read_as_text_and_typed_signs_as_themselves(desk: Desk) -> None:
    typed = "I <b>feel</b> better.\n\nSee <a href='https://example.org/x'>here</a> & \"there\" -- thanks..."
    found = desk.one(desk.site.comment(desk.post, typed))
    assert found.text == 'I feel better.\n\nSee here (https://example.org/x) & "there" -- thanks...'


def test_our_signs_stand_for_themselves_there(desk: Desk) -> None:
    text = 'Use <b> & "quotes" -- or 2 < 3.\n\nSecond line.'
    sent = desk.connector().perform(desk.reply(desk.site.comment(desk.post, unique("hello")), text))
    assert desk.one(sent.remote_id).text == text
    rendered = desk.site.call(f"comments/{sent.remote_id}")["content"]["rendered"]
    assert "<b>" not in rendered


# ---------------------------------------------------------------------- paging


def test_moderating_while_paging_loses_nothing(desk: Desk, proxy: FaultProxy) -> None:
    """A page by its number would shift by one for every comment that is taken away."""
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    rows = ",".join(_row(desk.post, begin + timedelta(minutes=n), f"many {n}") for n in range(250))
    desk.site.sql(f"{_INSERT} {rows}")
    names = [str(each["id"]) for each in desk.site.comments(desk.post, status="hold", search="many")]
    assert len(names) == 100
    desk.url = proxy.url
    pages = desk.connector().pull("comments", "")
    found = {m.text for m in next(pages).messages}
    for name in names[:40]:
        desk.site.set_status(name, "trash")
    found |= {m.text for page in pages for m in page.messages}
    assert {f"many {n}" for n in range(250)} <= found


def test_more_of_one_second_than_can_be_left_out_is_a_gap_and_ends(desk: Desk) -> None:
    moment = datetime(2025, 1, 1, tzinfo=UTC)
    desk.site.sql(f"{_INSERT} {','.join(_row(desk.post, moment, f'one second {n}') for n in range(450))}")
    desk.site.sql(f"{_INSERT} {_row(desk.post, moment + timedelta(days=1), 'the day after')}")
    pages = list(desk.connector().pull("comments", "", moment))
    assert any(page.gap for page in pages)
    assert "the day after" in {m.text for page in pages for m in page.messages}
    desk.site.sql(f"delete from wp_comments where comment_post_ID = {desk.post}")


def test_a_state_that_makes_no_sense_begins_again(desk: Desk) -> None:
    name = desk.site.comment(desk.post, unique("hello"))
    for state in (
        "{",
        "null",
        '{"mark": 3, "known": {}}',
        '{"mark": "2026-01-01T00:00:00+00:00", "known": []}',
    ):
        assert name in {m.id for m in messages_of(desk.connector().pull("comments", state))}


# ---------------------------------------------------------------------- what others do meanwhile


def test_what_another_moderator_did_arrives_with_the_next_pull(desk: Desk) -> None:
    shown, edited, binned, gone, spam = (desk.site.visit(desk.post, unique("hello")) for _ in range(5))
    states = desk.states()
    desk.site.set_status(shown, "approved")
    desk.site.call(f"comments/{edited}", {"content": "Edited since."})
    desk.site.set_status(binned, "trash")
    desk.site.delete(gone)
    desk.site.set_status(spam, "spam")
    pages = pull_all(desk.connector(), states)
    found = {m.id: m for m in messages_of(pages)}
    assert not found[shown].hidden
    assert found[edited].text == "Edited since."
    assert found[spam].reason == "spam"
    assert {g.id for page in pages for g in page.gone} == {binned, gone}
    again = pull_all(desk.connector(), last_states(pages))
    assert messages_of(again) == []


# ---------------------------------------------------------------------- moderating


def test_approve_reads_back_as_approved(desk: Desk) -> None:
    name = desk.site.visit(desk.post, unique("hello"))
    desk.do(Verb.UNHIDE, name)
    assert desk.site.status(name) == "approved"
    desk.do(Verb.UNHIDE, name)
    assert not desk.one(name).hidden


@pytest.mark.parametrize(
    ("verb", "status"), [(Verb.HIDE, "hold"), (Verb.SPAM, "spam"), (Verb.REMOVE, "trash")]
)
def test_a_comment_is_taken_down_and_brought_back(desk: Desk, verb: Verb, status: str) -> None:
    name = desk.site.comment(desk.post, unique("hello"))
    command = Command(new_key(), verb, name)
    assert desk.connector().find_sent(command) is None
    desk.connector().perform(command)
    assert desk.site.status(name) == status
    assert desk.connector().find_sent(command)
    assert desk.connector().perform(command).remote_id == name
    desk.do(Verb.UNHIDE if verb is Verb.HIDE else Verb.RESTORE, name)
    assert desk.site.status(name) == "approved"


def test_what_was_held_is_held_again_after_the_bin(desk: Desk) -> None:
    name = desk.site.visit(desk.post, unique("hello"))
    desk.do(Verb.REMOVE, name)
    assert isinstance(fetch_one(desk.connector(), name), RemoteGone)
    desk.do(Verb.RESTORE, name)
    assert desk.site.status(name) == "hold", "bringing back shows nothing that nobody has approved"


def test_moderating_whose_answer_was_lost_is_found(desk: Desk, proxy: FaultProxy) -> None:
    desk.url = proxy.url
    name = desk.site.comment(desk.post, unique("hello"))
    command = Command(new_key(), Verb.SPAM, name)
    proxy.lose_next_answer()
    with pytest.raises(OutcomeUnknown):
        desk.connector().perform(command)
    assert desk.connector().find_sent(command)


def test_only_our_own_can_be_taken_back(desk: Desk) -> None:
    name = desk.site.comment(desk.post, unique("hello"))
    with pytest.raises(Refused) as refusal:
        desk.do(Verb.RETRACT, name)
    assert refusal.value.reason is Reason.ROLE
    assert desk.site.status(name) == "approved"


# ---------------------------------------------------------------------- answering


def test_the_same_words_elsewhere_are_another_reply(desk: Desk) -> None:
    names = [desk.site.comment(desk.post, unique("hello")) for _ in range(2)]
    sent = {desk.connector().perform(desk.reply(name, "Thank you.")).remote_id for name in names}
    assert len(sent) == 2


def test_a_reply_that_another_program_hid_is_still_ours(desk: Desk) -> None:
    name = desk.site.comment(desk.post, unique("hello"))
    for status in ("hold", "spam"):
        command = desk.reply(name)
        sent = desk.connector().perform(command)
        desk.site.call(f"comments/{sent.remote_id}", {"content": command.text})  # puts its name over ours
        desk.site.set_status(sent.remote_id, status)
        assert desk.connector().perform(command).remote_id == sent.remote_id


def test_the_mark_of_a_command_does_not_tell_its_key(desk: Desk) -> None:
    command = desk.reply(desk.site.comment(desk.post, unique("hello")))
    sent = desk.connector().perform(command)
    stored = desk.site.call(f"comments/{sent.remote_id}", context="edit")
    assert stored["author_user_agent"].startswith("Hearthlight ")
    assert command.key not in json.dumps(stored)


def test_what_nobody_can_see_yet_is_not_answered_in_public(desk: Desk) -> None:
    name = desk.site.visit(desk.post, unique("hello"))
    with pytest.raises(Refused) as refusal:
        desk.connector().perform(desk.reply(name))
    assert refusal.value.reason is Reason.INVALID
    assert desk.site.words(desk.post, desk.us.id) == []
    desk.do(Verb.UNHIDE, name)
    desk.connector().perform(desk.reply(name))


def test_a_private_answer_is_never_made_public(desk: Desk) -> None:
    command = desk.reply(desk.site.comment(desk.post, unique("hello")))
    private = Command(command.key, Verb.REPLY, command.target, text=command.text, audience=Audience.PRIVATE)
    with pytest.raises(Refused) as refusal:
        desk.connector().perform(private)
    assert refusal.value.reason is Reason.UNSUPPORTED
    assert desk.site.words(desk.post, desk.us.id) == []


def test_bytes_are_what_counts(desk: Desk) -> None:
    name = desk.site.comment(desk.post, unique("hello"))
    limit = desk.connector().probe().max_text
    desk.connector().perform(desk.reply(name, "é" * (limit // 2)))
    with pytest.raises(Refused) as refusal:
        desk.connector().perform(desk.reply(name, "é" * (limit // 2 + 1)))
    assert refusal.value.reason is Reason.TOO_LONG


# ---------------------------------------------------------------------- signing in


def test_a_wrong_password_is_noticed_though_everybody_may_read(desk: Desk) -> None:
    name = desk.site.comment(desk.post, unique("hello"))
    wrong = (desk.us.name, "wrong")
    public = desk.site.http.get(f"{desk.url}/wp-json/wp/v2/comments", auth=wrong)
    assert public.ok, "the trap: what is public is told to anybody"
    connector = desk.connector(app_password="wrong")
    command = desk.reply(name)
    for ask in (
        connector.authorize,
        connector.probe,
        lambda: connector.fetch([name]),
        lambda: connector.thread(name),
        lambda: pull_all(connector),
        lambda: connector.perform(command),
        lambda: connector.find_sent(command),
    ):
        with pytest.raises(SignInAgain):
            ask()


@pytest.mark.parametrize("role", ["author", "subscriber"])
def test_who_may_not_moderate_is_told_so(wordpress: Site, role: str) -> None:
    desk = Desk(wordpress, wordpress.account(role), wordpress.post(), wordpress.url)
    probe = desk.connector().probe()
    assert not any(ability.can for ability in (*probe.verbs.values(), *probe.streams.values()))
    assert "role" in probe.verbs[Verb.REPLY].why_not
    with pytest.raises(Refused) as refusal:
        desk.connector().perform(desk.reply(wordpress.comment(desk.post, unique("hello"))))
    assert refusal.value.reason is Reason.ROLE


def test_who_lost_the_role_is_refused_and_not_signed_out(desk: Desk) -> None:
    connector = desk.connector()
    connector.probe()
    desk.site.call(f"users/{desk.us.id}", {"roles": ["subscriber"]})
    with pytest.raises(Refused) as refusal:
        pull_all(connector)
    assert refusal.value.reason is Reason.ROLE


@pytest.mark.parametrize(
    "address", ["http://example.org", "ftp://example.org", "", "https://me:pw@example.org"]
)
def test_the_password_goes_to_no_address_without_encryption(address: str) -> None:
    with pytest.raises(Refused) as refusal:
        WordPressConnector({"server": address, "user": "me"}, {"app_password": "x"})
    assert refusal.value.reason is Reason.INVALID


def test_the_password_is_in_no_words(desk: Desk) -> None:
    connector = desk.connector()
    token = base64.b64encode(f"{desk.us.name}:{desk.us.password}".encode()).decode()
    said = repr(connector) + repr(connector.probe()) + repr(vars(connector).get("values"))
    assert desk.us.password not in said
    assert token not in said


def test_two_sites_are_two_accounts(desk: Desk, proxy: FaultProxy) -> None:
    first = desk.connector().probe().account_id
    desk.url = proxy.url
    assert desk.connector().probe().account_id != first


def test_every_verb_that_comments_lack_has_its_reason() -> None:
    can = set(WordPressConnector.tested_on)
    assert set(WordPressConnector.lacks) == set(Verb) - can
    assert all(WordPressConnector.lacks.values())


_INSERT = (
    "insert into wp_comments (comment_post_ID, comment_author, comment_author_email, comment_date,"
    " comment_date_gmt, comment_content, comment_approved, comment_type) values"
)


def _row(post: int, at: datetime, text: str) -> str:
    when = at.strftime("%Y-%m-%d %H:%M:%S")
    return f"({post}, 'Mira', 'm@example.test', '{when}', '{when}', '{text}', '0', 'comment')"
