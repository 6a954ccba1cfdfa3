"""What mail servers and mail programs really do, each asked of a real provider."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from pathlib import Path

import pytest

from connectors import email_box
from connectors.contract import Audience, Command, Kind, RemoteGone, RemoteMessage, Verb
from connectors.email import EmailConnector
from connectors.email_mail import made_name
from connectors.errors import OutcomeUnknown, Reason, Refused, SignInAgain, TryLater
from connectors.testing import fetch_one, last_states, messages_of, new_key, pull_all, unique
from moderator_app.models.care import new_id
from tests.servers.mail_network import Account, Line, Provider

pytestmark = pytest.mark.platforms


@dataclass
class Box:
    """Our mailbox and somebody who writes to it."""

    provider: Provider
    ours: Account
    mira: Account

    def connector(self, **values: str) -> EmailConnector:
        usual = {"address": self.ours.address, "imap": self.provider.imaps, "smtp": self.provider.smtp}
        return EmailConnector(usual | values, {"password": self.ours.password})

    def pulled(self) -> list[RemoteMessage]:
        return messages_of(pull_all(self.connector()))

    def raw(self, text: str = "I am here.", **headers: str) -> bytes:
        """A mail as it could stand in the mailbox."""
        mail = EmailMessage(policy=SMTP)
        usual = {"From": f"Mira <{self.mira.address}>", "To": self.ours.address, "Subject": "Hello"}
        usual |= {"Date": format_datetime(datetime.now(UTC)), "Message-ID": make_msgid(domain="mail.test")}
        for name, value in (usual | {key.replace("_", "-"): value for key, value in headers.items()}).items():
            if value:
                mail[name] = value
        mail.set_content(text)
        return mail.as_bytes()

    def filed(self, raw: bytes, folder: str = "INBOX") -> list[RemoteMessage]:
        """Put a mail into a folder; everything that a pull then brings."""
        self.ours.file(raw, folder)
        return self.pulled()


@pytest.fixture
def box(provider: Provider) -> Box:
    return Box(provider, provider.account("harbour"), provider.account("mira"))


@pytest.fixture
def imap_line(provider: Provider) -> Iterator[Line]:
    with Line(provider, provider.port + 1) as line:
        yield line


@pytest.fixture
def smtp_line(provider: Provider) -> Iterator[Line]:
    with Line(provider, provider.port + 3) as line:
        yield line


def reply(message: RemoteMessage, text: str = "", key: str = "") -> Command:
    words = text or unique("We are here.")
    return Command(key or new_key(), Verb.REPLY, message.id, message.thread_id, words, Audience.PRIVATE)


# ---------------------------------------------------------------------- what is a message, and which


def test_a_renumbered_folder_imports_nothing_again(box: Box) -> None:
    known = [box.mira.write(box.ours.address, unique("before")) for _ in range(3)]
    states = last_states(pull_all(box.connector()))
    box.provider.admin("mailbox", "update", "-u", box.ours.address, "--uid-validity", "4711", "INBOX")
    new = box.mira.write(box.ours.address, unique("after"))
    pages = [page for page in pull_all(box.connector(), states) if page.stream == "inbox"]
    assert [message.id for message in messages_of(pages)] == [new]
    assert any(page.gap for page in pages)
    again = pull_all(box.connector(), last_states(pages))
    assert not [page for page in again if page.stream == "inbox" and page.messages]
    answers = box.connector().fetch(known)
    assert [answer.id for answer in answers if isinstance(answer, RemoteMessage)] == known


def test_a_back_fill_that_was_renumbered_keeps_its_bound(box: Box) -> None:
    old = datetime.now(UTC) - timedelta(days=30)
    for number in range(30):
        box.ours.file(box.raw(f"mail {number}"))
    box.ours.file(box.raw("too old", Date=format_datetime(old)), when='"24-Oct-2025 10:00:00 +0000"')
    since = datetime.now(UTC) - timedelta(days=7)
    first = next(iter(box.connector().pull("inbox", "", since)))
    assert len(first.messages) == 25
    box.provider.admin("mailbox", "update", "-u", box.ours.address, "--uid-validity", "4712", "INBOX")
    rest = messages_of(box.connector().pull("inbox", first.state, since))
    assert {m.text for m in (*first.messages, *rest)} == {f"mail {number}" for number in range(30)}


def test_the_last_mail_is_not_brought_again_though_a_range_always_holds_it(box: Box) -> None:
    box.mira.write(box.ours.address, unique("the last"))
    states = last_states(pull_all(box.connector()))
    assert messages_of(pull_all(box.connector(), states)) == []


def test_holes_in_the_numbers_lose_nothing(box: Box) -> None:
    names = [box.mira.write(box.ours.address, unique("mail")) for _ in range(6)]
    for name in names[:2]:
        box.ours.delete(name)
    states = last_states(pull_all(box.connector()))
    box.ours.delete(names[5])
    late = box.mira.write(box.ours.address, unique("late"))
    assert [m.id for m in messages_of(pull_all(box.connector(), states))] == [late]


def test_nothing_is_marked_as_read(box: Box) -> None:
    name = box.mira.write(box.ours.address, unique("unread"))
    box.pulled()
    box.connector().thread(name)
    fetch_one(box.connector(), name)
    assert "Seen" not in " ".join(box.ours.flags(name))


def test_two_mails_of_one_message_id_are_two_messages(box: Box) -> None:
    name = make_msgid(domain="mail.test")
    box.ours.file(box.raw("The first words.", Message_ID=name))
    found = box.filed(box.raw("Words that somebody put under the same name.", Message_ID=name))
    assert sorted(m.text for m in found) == [
        "The first words.",
        "Words that somebody put under the same name.",
    ]
    assert len({m.id for m in found}) == 2
    answers = box.connector().fetch([m.id for m in found])
    assert [a.text for a in answers if isinstance(a, RemoteMessage)] == [m.text for m in found]


def test_one_mail_delivered_twice_is_one_message(box: Box) -> None:
    raw = box.raw("Once is enough.")
    box.ours.file(raw)
    assert len({m.id for m in box.filed(raw)}) == 1


def test_nobody_can_put_words_under_a_name_of_ours(box: Box) -> None:
    asked = box.mira.write(box.ours.address, unique("hello"))
    sent = box.connector().perform(reply(one(box, asked), "What we really said."))
    forged = box.raw("What we never said.", Message_ID=f"<{sent.remote_id}>")
    found = {m.text: m for m in box.filed(forged)}
    assert found["What we really said."].id == sent.remote_id
    assert found["What we never said."].id != sent.remote_id
    assert not found["What we never said."].ours


def test_a_mail_without_a_message_id_has_a_name_that_lasts(box: Box) -> None:
    (found,) = box.filed(box.raw("No name.", Message_ID=""))
    box.provider.admin("mailbox", "update", "-u", box.ours.address, "--uid-validity", "99", "INBOX")
    (again,) = box.pulled()
    assert again.id == found.id
    answer = fetch_one(box.connector(), found.id)
    assert isinstance(answer, RemoteMessage)
    assert answer.text == "No name."


def test_a_mail_that_a_colleague_filed_elsewhere_is_still_there(box: Box) -> None:
    name = box.mira.write(box.ours.address, unique("filed"))
    with box.ours.box() as connection:
        connection.create('"Gel&APY-scht und &ZeVnLIqe-"')
        connection.select("INBOX")
        connection.uid("MOVE", "1", '"Gel&APY-scht und &ZeVnLIqe-"')
    answer = fetch_one(box.connector(), name)
    assert isinstance(answer, RemoteMessage)
    assert answer.channel == "Gelöscht und 日本語"


@pytest.mark.parametrize("name", ["Entwürfe & mehr", "日本語", "a/b", "plain", "&", "é" * 40, "😀"])
def test_names_of_folders_survive_their_own_utf_7(name: str) -> None:
    coded = email_box.encoded(name)
    assert coded.isascii()
    assert email_box.decoded(coded) == name


def test_what_is_in_the_bin_or_in_spam_is_gone(box: Box) -> None:
    binned, spam = (box.mira.write(box.ours.address, unique("hello")) for _ in range(2))
    for name, verb in ((binned, Verb.REMOVE), (spam, Verb.SPAM)):
        box.connector().perform(Command(new_key(), verb, name))
    assert all(isinstance(answer, RemoteGone) for answer in box.connector().fetch([binned, spam]))


# ---------------------------------------------------------------------- conversations


def test_mails_are_one_conversation_by_references(box: Box) -> None:
    first = box.mira.write(box.ours.address, unique("first"))
    second = box.mira.answer(box.ours.address, unique("second"), first)
    third = box.mira.write(
        box.ours.address,
        unique("third"),
        **{"References": f"<{first}> <{second}>", "In-Reply-To": f"<{second}>"},
    )
    found = {m.id: m for m in box.pulled()}
    assert {found[name].thread_id for name in (first, second, third)} == {first}
    assert found[third].parent_id == second
    assert [m.id for m in box.connector().thread(second)] == [first, second, third]


def test_an_answer_that_only_says_what_it_answers_finds_its_conversation(box: Box) -> None:
    first = box.mira.write(box.ours.address, unique("first"))
    second = box.mira.write(box.ours.address, unique("second"), **{"In-Reply-To": f"<{first}>"})
    third = box.mira.write(box.ours.address, unique("third"), **{"In-Reply-To": f"<{second}>"})
    found = {m.id: m for m in box.pulled()}
    assert found[third].thread_id == first
    assert [m.id for m in box.connector().thread(first)] == [first, second, third]


def test_an_answer_that_says_nothing_is_found_by_its_subject(box: Box) -> None:
    first = box.mira.write(box.ours.address, unique("first"), "Größe 日本")
    second = box.mira.write(box.ours.address, unique("second"), "AW: Re: größe 日本")
    stranger = box.provider.account("stranger").write(box.ours.address, unique("other"), "Re: Größe 日本")
    found = {m.id: m for m in box.pulled()}
    assert found[second].thread_id == first
    assert found[stranger].thread_id == stranger, "another person is another conversation"
    assert {m.id for m in box.connector().thread(first)} == {first, second}


def test_a_new_mail_with_an_old_subject_is_a_new_conversation(box: Box) -> None:
    first = box.mira.write(box.ours.address, unique("first"), "Hello")
    second = box.mira.write(box.ours.address, unique("second"), "Hello")
    found = {m.id: m for m in box.pulled()}
    assert found[first].thread_id != found[second].thread_id


# ---------------------------------------------------------------------- what programs wrote

PROGRAMS = {
    "an absence note": ({"Auto-Submitted": "auto-replied"}, "automatic mail"),
    "an absence note of old": ({"X-Autoreply": "yes"}, "automatic mail"),
    "a list": ({"List-Id": "<help.mail.test>"}, "mailing list"),
    "a newsletter": ({"Precedence": "bulk"}, "mailing list"),
    "a bounce": ({"From": "Mail <MAILER-DAEMON@mail.test>"}, "undelivered mail"),
    "a bounce with nobody behind it": ({"Return-Path": "<>"}, "undelivered mail"),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_a_program_wrote_is_marked_and_never_answered(box: Box, name: str) -> None:
    headers, reason = PROGRAMS[name]
    (message,) = box.filed(box.raw(**headers))
    assert message.reason == reason
    with pytest.raises(Refused) as refusal:
        box.connector().perform(reply(message))
    assert refusal.value.reason is Reason.UNSUPPORTED
    assert box.mira.mails() == []


def test_a_person_who_says_so_is_no_program(box: Box) -> None:
    (message,) = box.filed(box.raw(Auto_Submitted="no"))
    assert message.reason is None


# ---------------------------------------------------------------------- words


def test_a_mail_that_is_only_html_is_read_without_its_markup(box: Box) -> None:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Message-ID"] = box.mira.address, box.ours.address, make_msgid()
    mail.set_content("<p>I am <b>here</b>.</p><img src='https://spy.test/x.png'><script>x()</script>", "html")
    (message,) = box.filed(mail.as_bytes())
    assert message.text == "I am here."


def test_what_is_attached_is_named_and_not_loaded(box: Box) -> None:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Message-ID"] = box.mira.address, box.ours.address, make_msgid()
    mail.set_content("Look at this.")
    mail.add_attachment(b"\x89PNG", "image", "png", filename="Zeichnung ä.png")
    mail.add_attachment(b"%PDF", "application", "pdf", filename="letter.pdf")
    (message,) = box.filed(mail.as_bytes())
    assert message.text == "Look at this."
    assert [(one.kind, one.alt) for one in message.media] == [
        ("image", "Zeichnung ä.png"),
        ("file", "letter.pdf"),
    ]


def test_a_huge_mail_is_read_only_as_far_as_its_words(box: Box) -> None:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Message-ID"] = box.mira.address, box.ours.address, make_msgid()
    mail.set_content("A few words.")
    mail.add_attachment(b"\0" * 3_000_000, "application", "zip", filename="large.zip")
    (message,) = box.filed(mail.as_bytes())
    assert message.text == "A few words."
    assert [one.alt for one in message.media] == ["large.zip"]


ODD = {
    "a charset that nobody knows": b"Content-Type: text/plain; charset=klingon\r\n\r\nbegin \xe4 end",
    "a charset that is not true": b"Content-Type: text/plain; charset=utf-8\r\n\r\nbegin \xff\xfe end",
    "another script": b"Content-Type: text/plain; charset=koi8-r\r\n\r\nbegin \xd0\xd2\xc9 end",
    "no type at all": b"\r\nbegin end",
    "broken base64": b"Content-Transfer-Encoding: base64\r\n\r\nYmVn*aW4g\r\nZW5k",
    "a part without an end": b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nbegin end",
    "odd headers": b'Subject: =?utf-8?b?//8=?= =?x?q\r\nFrom: \xff <"a b"@x\r\nDate: never\r\n\r\nbegin end',
    "two names": b"Message-ID: <a@x> <b@x>\r\n\r\nbegin end",
    "a name with a quote": b'Message-ID: <a"b@x>\r\n\r\nbegin end',
}


@pytest.mark.parametrize("name", ODD)
def test_odd_mails_are_read(box: Box, name: str) -> None:
    (message,) = box.filed(b"From: somebody@mail.test\r\n" + ODD[name])
    assert "begin" in message.text
    assert "end" in message.text
    assert fetch_one(box.connector(), message.id) == message


def test_mime_without_end_stops_nothing(box: Box) -> None:
    deep = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(3000)
    )
    box.ours.file(b"From: somebody@mail.test\r\nMessage-ID: <deep@x>\r\n" + deep + b"\r\nend")
    box.ours.file(box.raw("The next one."))
    pages = pull_all(box.connector())
    assert "The next one." in {m.text for m in messages_of(pages)}
    assert sum(page.skipped for page in pages) + sum(m.id == "deep@x" for m in messages_of(pages)) == 1


def test_a_date_that_cannot_be_is_not_believed(box: Box) -> None:
    (message,) = box.filed(box.raw(Date="Mon, 1 Jan 2093 00:00:00 +0000"))
    assert message.created_at <= datetime.now(UTC)


# ---------------------------------------------------------------------- who


def test_what_we_sent_from_elsewhere_is_ours(box: Box) -> None:
    found = box.filed(box.raw("From my phone.", From=box.ours.address, To=box.mira.address), "Sent")
    assert [(m.text, m.ours) for m in found] == [("From my phone.", True)]


def test_our_own_address_under_a_mail_does_not_make_it_ours(box: Box) -> None:
    """The form on our own site writes in our name: somebody waits for an answer."""
    raw = box.raw("Please call me.", From=box.ours.address, Reply_To=box.mira.address)
    (message,) = box.filed(raw)
    assert not message.ours
    assert message.person is not None
    assert message.person.id == box.mira.address
    box.connector().perform(reply(message, "We will."))
    assert [mail.get_content().strip() for mail in box.mira.mails()] == ["We will."]


def test_an_answer_goes_to_the_writer_and_to_nobody_else(box: Box) -> None:
    other = box.provider.account("other")
    (message,) = box.filed(box.raw(Cc=other.address))
    box.connector().perform(reply(message))
    assert len(box.mira.mails()) == 1
    assert other.mails() == []
    (mail,) = box.mira.mails()
    assert mail["Cc"] is None
    assert str(mail["To"]) == box.mira.address


def test_an_answer_follows_no_address_that_a_list_put_there(box: Box) -> None:
    everybody = box.provider.account("everybody")
    (message,) = box.filed(box.raw(Cc=everybody.address, Reply_To=everybody.address))
    box.connector().perform(reply(message))
    assert everybody.mails() == []
    assert len(box.mira.mails()) == 1


# ---------------------------------------------------------------------- answering


def test_an_answer_stands_in_its_conversation_and_once_in_sent(box: Box) -> None:
    name = box.mira.write(box.ours.address, unique("hello"), "A question")
    command = reply(one(box, name))
    receipt = box.connector().perform(command)
    (mail,) = box.mira.mails()
    assert str(mail["In-Reply-To"]) == f"<{name}>"
    assert name in str(mail["References"])
    assert str(mail["Subject"]) == "Re: A question"
    assert str(mail["Message-ID"]) == f"<{receipt.remote_id}>"
    assert command.key not in mail.as_string()
    assert [str(m["Message-ID"]) for m in box.ours.mails("Sent")] == [f"<{receipt.remote_id}>"]
    assert not box.ours.has(receipt.remote_id), "our own copy does not stay in the inbox"
    assert "\\Answered" in box.ours.flags(name)
    assert [m.id for m in box.connector().thread(name)] == [name, receipt.remote_id]


def test_a_provider_that_files_itself_leaves_one_copy(provider: Provider) -> None:
    box = Box(provider, provider.account("saved"), provider.account("mira"))
    name = box.mira.write(box.ours.address, unique("hello"))
    receipt = box.connector().perform(reply(one(box, name)))
    assert [str(m["Message-ID"]) for m in box.ours.mails("Sent")] == [f"<{receipt.remote_id}>"]
    assert [m.id for m in box.pulled()].count(receipt.remote_id) >= 1


def test_a_mailbox_without_a_folder_for_sent_mails_gets_one(box: Box) -> None:
    name = box.mira.write(box.ours.address, unique("hello"))
    box.provider.admin("mailbox", "delete", "-u", box.ours.address, "Sent")
    receipt = box.connector().perform(reply(one(box, name)))
    assert box.ours.has(receipt.remote_id, "Sent")


def test_somebody_who_is_not_there_is_refused(box: Box) -> None:
    (message,) = box.filed(box.raw(From="nobody@mail.test"))
    with pytest.raises(Refused) as refusal:
        box.connector().perform(reply(message))
    assert refusal.value.reason is Reason.BLOCKED
    assert "550" in str(refusal.value)
    assert box.ours.mails("Sent") == []
    assert len(box.ours.mails()) == 1, "not even our own copy left"


def test_a_subject_cannot_smuggle_headers(box: Box) -> None:
    smuggled = b"=?utf-8?q?Hello=0D=0ABcc:_all=40mail.test?="
    (message,) = box.filed(box.raw(Subject="SUBJECT").replace(b"SUBJECT", smuggled))
    box.connector().perform(reply(message))
    (mail,) = box.mira.mails()
    assert mail["Bcc"] is None
    assert "Bcc" in str(mail["Subject"])


def test_an_answer_whose_connection_broke_is_found_by_its_name(box: Box, smtp_line: Line) -> None:
    message = one(box, box.mira.write(box.ours.address, unique("hello")))
    command = reply(message, key=str(new_id()))
    broken = box.connector(smtp=f"smtps://localhost:{smtp_line.port}")
    smtp_line.cut_before = b"250 2.0.0 queued"
    with pytest.raises(OutcomeUnknown):
        broken.perform(command)
    found = box.connector().find_sent(command)
    assert found is not None
    assert found.remote_id == made_name(command.key, box.ours.address)
    assert box.connector().perform(command).remote_id == found.remote_id
    assert len(box.mira.mails()) == 1


def test_an_answer_that_never_arrived_is_not_sent_again_before_its_copy_must_have_come(
    box: Box, smtp_line: Line
) -> None:
    message = one(box, box.mira.write(box.ours.address, unique("hello")))
    broken = box.connector(smtp=f"smtps://localhost:{smtp_line.port}")
    command = reply(message, "We are here now.", key=str(new_id()))
    smtp_line.lose_request = b"here now"
    with pytest.raises(OutcomeUnknown):
        broken.perform(command)
    with pytest.raises(OutcomeUnknown):
        box.connector().find_sent(command)
    assert box.mira.mails() == []
    assert box.connector().find_sent(reply(message)) is None, "a key without a time is looked up only"


@pytest.mark.parametrize("moment", [b"220 ", b"235 ", b"354 "])
def test_a_connection_that_breaks_before_the_words_has_sent_nothing(
    box: Box, smtp_line: Line, moment: bytes
) -> None:
    message = one(box, box.mira.write(box.ours.address, unique("hello")))
    command = reply(message)
    smtp_line.cut_before = moment
    with pytest.raises((TryLater, OutcomeUnknown)) as trouble:
        box.connector(smtp=f"smtps://localhost:{smtp_line.port}").perform(command)
    assert moment == b"354 " or isinstance(trouble.value, TryLater)
    assert box.connector().find_sent(command) is None
    box.connector().perform(command)
    assert len(box.mira.mails()) == 1


def test_an_answer_is_sent_though_its_copy_cannot_be_filed(box: Box, imap_line: Line) -> None:
    message = one(box, box.mira.write(box.ours.address, unique("hello")))
    broken = box.connector(imap=f"imaps://localhost:{imap_line.port}")
    command = reply(message)
    imap_line.lose_request = b"STORE"
    receipt = broken.perform(command)
    assert len(box.mira.mails()) == 1
    found = box.connector().find_sent(command)
    assert found is not None
    assert found.remote_id == receipt.remote_id


# ---------------------------------------------------------------------- putting aside


@pytest.mark.parametrize(("verb", "folder"), [(Verb.SPAM, "Junk"), (Verb.REMOVE, "Trash")])
def test_a_mail_is_put_aside_and_back(box: Box, verb: Verb, folder: str) -> None:
    name = box.mira.write(box.ours.address, unique("hello"))
    there, back = Command(new_key(), verb, name), Command(new_key(), Verb.RESTORE, name)
    assert box.connector().find_sent(there) is None
    box.connector().perform(there)
    assert box.ours.has(name, folder)
    assert box.connector().find_sent(there)
    assert box.connector().perform(there).remote_id == name
    box.connector().perform(back)
    assert box.ours.has(name)
    assert not box.ours.has(name, folder)
    assert box.connector().find_sent(back)


def test_a_server_that_cannot_move_says_so(box: Box, imap_line: Line) -> None:
    imap_line.change = lambda said: said.replace(b" MOVE ", b" ") if b"CAPABILITY" in said else said
    name = box.mira.write(box.ours.address, unique("hello"))
    connector = box.connector(imap=f"imaps://localhost:{imap_line.port}")
    probe = connector.probe()
    assert {verb for verb in (Verb.SPAM, Verb.REMOVE, Verb.RESTORE) if not probe.verbs[verb].can}
    with pytest.raises(Refused) as refusal:
        connector.perform(Command(new_key(), Verb.SPAM, name))
    assert str(refusal.value) == probe.verbs[Verb.SPAM].why_not
    receipt = connector.perform(reply(one(box, name)))
    assert box.ours.has(receipt.remote_id, "Sent")
    assert [m.id for m in box.connector().thread(name)].count(receipt.remote_id) == 1


def test_every_verb_that_mail_lacks_has_its_reason() -> None:
    can = set(EmailConnector.tested_on)
    assert set(EmailConnector.lacks) == set(Verb) - can
    assert all(EmailConnector.lacks.values())


# ---------------------------------------------------------------------- signing in and bad lines


def test_a_wrong_password_is_said_by_both_servers(box: Box) -> None:
    wrong = EmailConnector(box.connector().values, {"password": "wrong"})
    with pytest.raises(SignInAgain):
        wrong.probe()
    with pytest.raises(SignInAgain) as trouble:  # 535 of the sending server, which is asked first
        wrong.authorize()
    assert "535" in str(trouble.value)


@pytest.mark.parametrize("password", ["grüße 日本", 'quo"te\\ {5}', "\0"])
def test_a_password_of_any_letters_is_only_wrong(box: Box, password: str) -> None:
    with pytest.raises(SignInAgain):
        EmailConnector(box.connector().values, {"password": password}).probe()


@pytest.mark.parametrize(
    "servers",
    [("imaps", "smtp"), ("imap", "smtps")],
)
def test_encryption_at_once_and_by_starttls(box: Box, servers: tuple[str, str]) -> None:
    imap, smtp = (getattr(box.provider, name) for name in servers)
    connector = box.connector(imap=imap, smtp=smtp)
    assert connector.authorize() == {"password": box.ours.password}
    assert connector.probe().account_id == box.ours.address


@pytest.mark.parametrize("servers", [("imaps", "smtp"), ("imap", "smtps"), ("imaps", "smtps")])
def test_a_server_that_cannot_prove_itself_is_never_spoken_to(
    box: Box, servers: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nobody = tmp_path / "nobody.pem"
    nobody.write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", str(nobody))
    assert not ssl.create_default_context().get_ca_certs()
    imap, smtp = (getattr(box.provider, name) for name in servers)
    for ask in (box.connector(imap=imap, smtp=smtp).authorize, box.connector(imap=imap).probe):
        with pytest.raises(TryLater) as trouble:
            ask()
        assert trouble.value.offline
        assert "prove" in str(trouble.value)


def test_a_server_of_another_name_is_never_spoken_to(box: Box) -> None:
    with pytest.raises(TryLater, match="prove"):
        box.connector(imap=box.provider.imaps.replace("localhost", "127.0.0.1")).probe()


@pytest.mark.parametrize(
    "typed", ["", "http://mail.test", "mail.test:x", "a b", "imaps://me@mail.test", "smtp://x"]
)
def test_an_address_that_is_none_is_refused(box: Box, typed: str) -> None:
    with pytest.raises(Refused) as refusal:
        box.connector(imap=typed).probe()
    assert refusal.value.reason is Reason.INVALID


def test_a_server_that_is_not_there_is_offline(box: Box) -> None:
    for values in ({"imap": "imaps://localhost:9"}, {"smtp": "smtps://localhost:9"}, {"smtp": "localhost:9"}):
        with pytest.raises(TryLater) as trouble:
            box.connector(**values).authorize()
        assert trouble.value.offline


@pytest.mark.parametrize("size", [0, 300, 2000, 3500, 5000, 7000, 12000, 20000])
def test_a_line_that_breaks_while_reading_loses_nothing(box: Box, imap_line: Line, size: int) -> None:
    names = [box.mira.write(box.ours.address, unique("hello")) for _ in range(4)]
    imap_line.cut_after = size
    broken = box.connector(imap=f"imaps://localhost:{imap_line.port}")
    found: list[RemoteMessage] = []
    state = ""
    try:
        for page in broken.pull("inbox", ""):
            found += page.messages
            state = page.state
    except TryLater as trouble:
        assert trouble.offline  # noqa: PT017 - a line that broke late enough broke nothing
    found += messages_of(box.connector().pull("inbox", state))
    assert {message.id for message in found} == set(names)


def test_a_deletion_is_not_read_into_a_broken_line(box: Box, imap_line: Line) -> None:
    name = box.mira.write(box.ours.address, unique("still there"))
    for words in (b"SEARCH", b"FETCH", b"LIST", b"EXAMINE"):
        imap_line.lose_request = words
        with pytest.raises(TryLater):
            box.connector(imap=f"imaps://localhost:{imap_line.port}").fetch([name])


@pytest.mark.parametrize(
    ("said", "instead", "error"),
    [
        (b"OK [READ-ONLY]", b"NO [UNAVAILABLE]", TryLater),
        (b"OK [READ-ONLY]", b"NO [SERVERBUG]  ", TryLater),
        (b"OK [READ-ONLY]", b"NO [NOPERM]     ", Refused),
        (b"OK Search", b"NO [LIMIT]", TryLater),
    ],
)
def test_a_no_is_judged_by_its_code(
    box: Box, imap_line: Line, said: bytes, instead: bytes, error: type[Exception]
) -> None:
    imap_line.change = lambda words: words.replace(said, instead)
    with pytest.raises(error):
        pull_all(box.connector(imap=f"imaps://localhost:{imap_line.port}"))


def one(box: Box, name: str) -> RemoteMessage:
    found = fetch_one(box.connector(), name)
    assert isinstance(found, RemoteMessage)
    assert found.kind is Kind.DIRECT
    assert found.audience is Audience.PRIVATE
    return found
