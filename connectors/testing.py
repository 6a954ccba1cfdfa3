"""The suite that every connector inherits: what Hearthlight relies on, asked of the real thing.

A subclass supplies the fixture `world`: the platform as other people see it. What a platform cannot do is
declared in `cannot`, with the reason, and the tests that need it are skipped with that reason. A platform may
hold other conversations before and between the tests: nothing here counts what it did not write itself.
"""

import logging
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Protocol
from uuid import uuid4

import pytest

from connectors.contract import (
    Audience,
    Command,
    Connector,
    Kind,
    Page,
    Receipt,
    RemoteGone,
    RemoteMessage,
    Verb,
)
from connectors.errors import (
    CannotTell,
    ConnectorError,
    OutcomeUnknown,
    Reason,
    Refused,
    SignInAgain,
    TryLater,
)

HOSTILE_TEXTS = {
    "half a character": "half \ud83d of a character",
    "right to left": "\u202eright to left\u202c and \u2066isolates left open",
    "zero width": "zero\u200bwidth\u200dand a \ufeffmark",
    "NUL": "a NUL \0 in the middle",
    "control": "a bell \x07 and an escape \x1b[31m sequence",
    "combining": "Z" + "\u0334\u0317\u0301" * 20 + "algo",
    "emoji": "family \U0001f468\u200d\U0001f469\u200d\U0001f467 and \U0001f44d\U0001f3fd",
    "astral": "\U0001d4d7\U0001d4ee\U0001d4f5\U0001d4f5\U0001d4f8",
    "markup": "<script>alert(1)</script> & \"quotes\" 'too' %s {slot} \\n",
    "scripts": "مرحبا こんにちは नमस्ते здравствуйте",
}


class Can(StrEnum):
    """What a test may need of a world."""

    REPLY = "reply"
    RETRACT = "retract"
    PRIVATE = "private"  # other_says(Kind.DIRECT) and replies to it
    EDITS = "edits"  # other_edits, and the platform lets us see it
    DELETIONS = "deletions"
    LOSE_ANSWER = "lose_answer"
    SIGN_OUT = "sign_out"
    LIMIT = "limit"
    NEW_MESSAGES = "new_messages"  # other_says between two pulls
    THREADS = "threads"  # several messages in one conversation
    SINCE = "since"
    SECRETS = "secrets"  # there is a secret that could leak
    KEYS = "keys"  # a command's key reaches the platform; without, only find_sent tells what arrived
    FETCH = "fetch"  # a message can be asked for by its id; without, only a pull brings one
    LOOK_UP = "look_up"  # find_sent can tell what arrived; without, it says so and a person looks


class World(Protocol):
    """The platform as everybody else sees it, and the levers that make it misbehave."""

    def connector(self) -> Connector:
        """Make a new connector on the same account; it must not remember the last one."""
        ...

    def other_says(self, kind: Kind, text: str, parent: str = "") -> str:
        """Let somebody else write it (with `parent`: as an answer to that message); return its id."""
        ...

    def other_edits(self, message_id: str, text: str) -> None: ...

    def other_deletes(self, message_id: str) -> None: ...

    def sent(self, thread_id: str) -> list[str]:
        """List the texts of ours that arrived in that conversation, asked of the platform itself."""
        ...

    def public_texts(self) -> list[str]:
        """List the texts of ours that anybody can read."""
        ...

    def lose_next_answer(self) -> None:
        """Let the next command be done and its answer get lost."""
        ...

    def limit_next(self) -> None:
        """Let the next call be answered with too many requests."""
        ...

    def sign_out(self) -> None:
        """Make every credential handed out so far worthless, for as long as this world lasts."""
        ...

    def settle(self) -> None:
        """Return once the platform shows what was written."""
        ...

    def secret_values(self) -> Sequence[str]:
        """Every password and token in use now."""
        ...


class ConnectorContract:
    """Inherit, supply `world`, declare what the platform cannot do; everything else must pass.

    `kinds` are what `other_says` can make, the one for tests that need just one first. `overlaps` says that
    a pull reads a margin again on purpose, because the platform's order cannot be trusted.
    """

    kinds: ClassVar[Sequence[Kind]] = (Kind.COMMENT, Kind.MENTION, Kind.DIRECT)
    cannot: ClassVar[Mapping[Can, str]] = {}
    overlaps: ClassVar[bool] = False
    refused: ClassVar[Verb] = Verb.RESTORE  # a verb that the platform never offers

    # ------------------------------------------------------------------ who and what

    def test_probe_says_who_we_are(self, world: World) -> None:
        connector = world.connector()
        probe = connector.probe()
        assert probe.account_id
        assert probe.handle
        assert set(probe.verbs) == set(Verb), "say of every verb whether it can be used"
        assert set(probe.streams) == set(connector.streams)
        for ability in (*probe.verbs.values(), *probe.streams.values()):
            assert ability.can or ability.why_not, "a no needs words for the screen"

    def test_secret_fields_are_declared_secret(self, world: World) -> None:
        connector = world.connector()
        secret = {line.key for line in connector.fields if line.secret}
        assert not secret & set(connector.values)
        assert connector.platform
        assert connector.name

    # ------------------------------------------------------------------ pull

    def test_first_pull_brings_everything_once(self, world: World) -> None:
        texts = self._some_texts(world)
        pages = pull_all(world.connector())
        found = [m for m in messages_of(pages) if m.id in texts]
        assert sorted(m.id for m in found) == sorted(texts), "each once"
        for message in found:
            assert texts[message.id] in message.text

    def test_messages_are_what_the_contract_says(self, world: World) -> None:
        texts = self._some_texts(world)
        for message in messages_of(pull_all(world.connector())):
            assert message.thread_id
            assert message.created_at.utcoffset() == timedelta(), "times are aware and UTC"
            assert message.revision, "an edit must be visible as a new revision"
            if message.id in texts:
                assert not message.ours
                assert message.person is not None
                assert message.person.id

    def test_kinds_are_told_apart(self, world: World) -> None:
        made = {kind: world.other_says(kind, unique(kind.value)) for kind in self.kinds}
        world.settle()
        found = {m.id: m for m in messages_of(pull_all(world.connector()))}
        for kind, message_id in made.items():
            assert found[message_id].kind is kind
            private = found[message_id].audience is Audience.PRIVATE
            assert private or kind is not Kind.DIRECT

    def test_second_pull_brings_nothing_new(self, world: World) -> None:
        self._some_texts(world)
        pages = pull_all(world.connector())
        first = {(m.id, m.revision) for m in messages_of(pages)}
        again = messages_of(pull_all(world.connector(), last_states(pages)))
        assert {(m.id, m.revision) for m in again} <= first
        assert self.overlaps or not again

    def test_pull_goes_on_where_it_stopped(self, world: World) -> None:
        self.need(Can.NEW_MESSAGES)
        old = self._some_texts(world)
        states = last_states(pull_all(world.connector()))
        new = self._some_texts(world)
        found = {m.id for m in messages_of(pull_all(world.connector(), states))}
        assert set(new) <= found
        assert self.overlaps or not found & set(old)

    def test_old_state_brings_the_same_again(self, world: World) -> None:
        before = last_states(pull_all(world.connector()))
        texts = self._some_texts(world)
        once = {m.id for m in messages_of(pull_all(world.connector(), before))}
        twice = {m.id for m in messages_of(pull_all(world.connector(), before))}
        assert set(texts) <= once
        assert set(texts) <= twice, "a page whose transaction was lost comes again"

    def test_state_of_each_page_loses_nothing(self, world: World) -> None:
        texts = self._some_texts(world)
        connector = world.connector()
        for stream in connector.streams:
            whole = list(connector.pull(stream, ""))
            wanted = {m.id for page in whole for m in page.messages} & set(texts)
            seen: set[str] = set()
            for page in whole:
                seen |= {m.id for m in page.messages}
                rest = {m.id for p in world.connector().pull(stream, page.state) for m in p.messages}
                assert wanted <= seen | rest, "a crash after any page must lose nothing"

    def test_since_bounds_a_back_fill(self, world: World) -> None:
        self.need(Can.SINCE)
        texts = self._some_texts(world)
        found = {m.id: m for m in messages_of(pull_all(world.connector())) if m.id in texts}
        bound = max(m.created_at for m in found.values())
        for message in messages_of(pull_all(world.connector(), since=bound)):
            assert message.created_at >= bound
        early = min(m.created_at for m in found.values())
        again = {m.id for m in messages_of(pull_all(world.connector(), since=early))}
        assert set(texts) <= again

    def test_progress_never_runs_backwards(self, world: World) -> None:
        self._some_texts(world)
        connector = world.connector()
        for stream in connector.streams:
            done = 0
            for page in connector.pull(stream, ""):
                assert page.stream == stream
                assert page.state, "a page without a state cannot be resumed"
                assert page.done >= done
                assert page.total == 0 or page.done <= page.total
                done = page.done

    # ------------------------------------------------------------------ edits and deletions

    def test_edit_arrives_with_a_new_revision(self, world: World) -> None:
        self.need(Can.EDITS)
        message_id = self._one(world)
        before = look_at(world, message_id, self.cannot)
        world.other_edits(message_id, unique("edited"))
        world.settle()
        after = look_at(world, message_id, self.cannot)
        assert isinstance(before, RemoteMessage)
        assert isinstance(after, RemoteMessage)
        assert "edited" in after.text
        assert after.revision != before.revision

    def test_deletion_arrives(self, world: World) -> None:
        self.need(Can.DELETIONS)
        message_id = self._one(world)
        states = last_states(pull_all(world.connector()))
        world.other_deletes(message_id)
        world.settle()
        gone = {g.id for page in pull_all(world.connector(), states) for g in page.gone}
        answer = fetch_one(world.connector(), message_id)
        assert message_id in gone or isinstance(answer, RemoteGone)
        assert isinstance(answer, RemoteGone)

    def test_fetch_answers_every_id_in_order(self, world: World) -> None:
        self.need(Can.FETCH)
        texts = self._some_texts(world)
        first, *rest = texts
        ids = [*rest, self.unknown_id(world, first), first]
        answers = world.connector().fetch(ids)
        assert [answer.id for answer in answers] == ids
        assert isinstance(answers[-2], RemoteGone)
        assert all(isinstance(a, RemoteMessage) for a in (*answers[:-2], answers[-1]))
        assert world.connector().fetch([]) == []

    def test_thread_is_oldest_first(self, world: World) -> None:
        self.need(Can.THREADS, Can.FETCH)
        root = self._one(world)
        answer = world.other_says(self.kinds[0], unique("answer"), root)
        world.settle()
        thread = world.connector().thread(answer)
        ids = [m.id for m in thread]
        assert root in ids
        assert answer in ids
        assert ids.index(root) < ids.index(answer)
        assert [m.created_at for m in thread] == sorted(m.created_at for m in thread)

    # ------------------------------------------------------------------ commands

    def test_reply_arrives_once(self, world: World) -> None:
        self.need(Can.REPLY)
        for kind in self.kinds:
            command = self.reply_to(world, self._one(world, kind))
            receipt = world.connector().perform(command)
            world.settle()
            assert receipt.remote_id
            assert world.sent(command.thread_id).count(command.text) == 1

    def test_reply_comes_back_as_ours(self, world: World) -> None:
        self.need(Can.REPLY, Can.FETCH)
        for kind in self.kinds:
            command = self.reply_to(world, self._one(world, kind))
            receipt = world.connector().perform(command)
            world.settle()
            thread = world.connector().thread(command.target)
            (mine,) = [m for m in thread if m.text == command.text]
            assert mine.ours
            assert mine.id == receipt.remote_id
            assert mine.thread_id == command.thread_id
            pulled = [m for m in messages_of(pull_all(world.connector())) if m.text == command.text]
            assert all(m.ours and m.id == receipt.remote_id for m in pulled)

    def test_same_key_performed_once(self, world: World) -> None:
        self.need(Can.REPLY, Can.KEYS)
        for kind in self.kinds:
            command = self.reply_to(world, self._one(world, kind))
            first = world.connector().perform(command)
            second = world.connector().perform(command)
            world.settle()
            assert second.remote_id == first.remote_id
            assert world.sent(command.thread_id).count(command.text) == 1

    def test_two_keys_with_the_same_words_are_two_replies(self, world: World) -> None:
        self.need(Can.REPLY)
        command = self.reply_to(world, self._one(world))
        both = [command, replace(command, key=new_key())]
        ids = {world.connector().perform(each).remote_id for each in both}
        world.settle()
        assert len(ids) == len(both)
        assert world.sent(command.thread_id).count(command.text) == len(both)

    def test_lost_answer_is_found(self, world: World) -> None:
        self.need(Can.REPLY, Can.LOSE_ANSWER)
        for kind in self.kinds:
            command = self.reply_to(world, self._one(world, kind))
            connector = world.connector()
            world.lose_next_answer()
            with pytest.raises(OutcomeUnknown):
                connector.perform(command)
            world.settle()
            if Can.LOOK_UP in self.cannot:
                with pytest.raises(CannotTell):
                    world.connector().find_sent(command)
                assert world.sent(command.thread_id).count(command.text) == 1
                continue
            found = world.connector().find_sent(command)
            assert isinstance(found, Receipt)
            assert found.remote_id
            if Can.KEYS not in self.cannot:
                assert world.connector().perform(command).remote_id == found.remote_id
            world.settle()
            assert world.sent(command.thread_id).count(command.text) == 1

    def test_nothing_sent_is_nothing_found(self, world: World) -> None:
        self.need(Can.REPLY, Can.LOOK_UP)
        for kind in self.kinds:
            command = self.reply_to(world, self._one(world, kind))
            assert world.connector().find_sent(command) is None

    def test_retract_takes_back_our_own(self, world: World) -> None:
        self.need(Can.REPLY, Can.RETRACT)
        command = self.reply_to(world, self._one(world))
        sent = world.connector().perform(command)
        world.settle()
        undo = Command(new_key(), Verb.RETRACT, sent.remote_id, command.thread_id)
        world.connector().perform(undo)
        world.settle()
        assert command.text not in world.sent(command.thread_id)
        if Can.FETCH not in self.cannot:
            assert isinstance(fetch_one(world.connector(), sent.remote_id), RemoteGone)

    def test_private_reply_stays_private(self, world: World) -> None:
        self.need(Can.REPLY, Can.PRIVATE)
        for audience in Audience:
            command = self.reply_to(world, self._one(world, Kind.DIRECT), audience)
            try:
                world.connector().perform(command)
            except Refused:
                assert audience is Audience.PUBLIC, "a private answer must be possible"
            world.settle()
            assert command.text not in world.public_texts()

    def test_reply_to_what_is_gone_is_refused(self, world: World) -> None:
        self.need(Can.REPLY, Can.DELETIONS)
        command = self.reply_to(world, self._one(world))
        world.other_deletes(command.target)
        world.settle()
        with pytest.raises(Refused) as refusal:
            world.connector().perform(command)
        assert refusal.value.reason is Reason.NOT_FOUND

    def test_too_long_a_reply_is_refused(self, world: World) -> None:
        self.need(Can.REPLY)
        command = self.reply_to(world, self._one(world))
        limit = world.connector().probe().max_text
        if not limit:
            pytest.skip("This platform names no limit.")
        too_long = replace(command, text="x" * (limit + 1))
        with pytest.raises(Refused) as refusal:
            world.connector().perform(too_long)
        assert refusal.value.reason is Reason.TOO_LONG

    def test_refusal_has_a_reason(self, world: World) -> None:
        target = self._one(world)
        assert not world.connector().probe().verbs[self.refused].can
        with pytest.raises(Refused) as refusal:
            world.connector().perform(Command(new_key(), self.refused, target))
        assert refusal.value.reason in set(Reason)
        assert str(refusal.value)

    # ------------------------------------------------------------------ trouble

    def test_expired_sign_in_is_said(self, world: World) -> None:
        self.need(Can.SIGN_OUT)
        known = self._one(world)
        connector = world.connector()
        world.sign_out()
        for ask in (connector.probe, lambda: pull_all(connector)):
            with pytest.raises(SignInAgain):
                ask()
        if Can.FETCH not in self.cannot:
            with pytest.raises(SignInAgain):
                connector.fetch([known])

    def test_too_many_requests_says_until_when(self, world: World) -> None:
        self.need(Can.LIMIT)
        connector = world.connector()
        world.limit_next()
        with pytest.raises(TryLater) as wait:
            pull_all(connector)
        assert wait.value.until is not None
        assert wait.value.until.utcoffset() is not None
        assert not wait.value.offline

    def test_secrets_stay_secret(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        self.need(Can.SECRETS)
        caplog.set_level(logging.DEBUG)
        connector = world.connector()
        said = [repr(connector), str(connector), repr(connector.probe())]
        said += _what_errors_say(connector, self.refused)
        secrets = list(world.secret_values())
        if Can.SIGN_OUT not in self.cannot:
            world.sign_out()
            said += _what_errors_say(connector, self.refused)
        assert secrets
        said += [record.getMessage() for record in caplog.records] + [caplog.text]
        for secret in secrets:
            assert not any(secret in words for words in said)

    @pytest.mark.parametrize("name", HOSTILE_TEXTS)
    def test_hostile_text_is_read(self, world: World, name: str) -> None:
        message_id = self._one(world, text=f"{unique('begin')} {HOSTILE_TEXTS[name]} end")
        message = look_at(world, message_id, self.cannot)
        assert isinstance(message, RemoteMessage)
        assert "begin" in message.text
        assert "end" in message.text
        pulled = [m for m in messages_of(pull_all(world.connector())) if m.id == message_id]
        assert [m.text for m in pulled] == [message.text]

    @pytest.mark.parametrize("name", HOSTILE_TEXTS)
    def test_hostile_text_is_sent_or_refused(self, world: World, name: str) -> None:
        self.need(Can.REPLY)
        command = self.reply_to(world, self._one(world), text=f"begin {HOSTILE_TEXTS[name]} end")
        try:
            world.connector().perform(command)
        except Refused as refusal:
            assert refusal.reason is Reason.INVALID  # noqa: PT017 - either outcome is right
            return
        world.settle()
        (arrived,) = world.sent(command.thread_id)
        assert plain(arrived) == plain(command.text)

    # ------------------------------------------------------------------ for subclasses

    def need(self, *abilities: Can) -> None:
        """Skip the test, with the reason, where the platform lacks one of these."""
        for ability in abilities:
            if ability in self.cannot:
                pytest.skip(self.cannot[ability])

    def unknown_id(self, world: World, like: str) -> str:
        """Name an id that looks like `like` and that no message has."""
        del world
        return f"{like}-{uuid4().hex[:8]}"

    def reply_to(
        self, world: World, target: str, audience: Audience | None = None, text: str = ""
    ) -> Command:
        message = look_at(world, target, self.cannot)
        assert isinstance(message, RemoteMessage)
        return Command(
            new_key(),
            Verb.REPLY,
            target,
            message.thread_id,
            text or unique("reply"),
            audience or message.audience,
        )

    def _one(self, world: World, kind: Kind | None = None, text: str = "") -> str:
        message_id = world.other_says(kind or self.kinds[0], text or unique("hello"))
        world.settle()
        return message_id

    def _some_texts(self, world: World) -> dict[str, str]:
        wanted = [(kind, unique(f"{kind.value} {number}")) for kind in self.kinds for number in range(2)]
        made = {world.other_says(kind, text): text for kind, text in wanted}
        world.settle()
        return made


def unique(words: str) -> str:
    """Words that no other message has."""
    return f"{words} {uuid4().hex[:12]}"


def new_key() -> str:
    return str(uuid4())


def pull_all(
    connector: Connector, states: Mapping[str, str] | None = None, since: datetime | None = None
) -> list[Page]:
    """Every page of every stream; a stream without a state begins at the beginning."""
    known = states or {}
    return [
        page for stream in connector.streams for page in connector.pull(stream, known.get(stream, ""), since)
    ]


def last_states(pages: Iterable[Page]) -> dict[str, str]:
    return {page.stream: page.state for page in pages}


def messages_of(pages: Iterable[Page]) -> list[RemoteMessage]:
    return [message for page in pages for message in page.messages]


def fetch_one(connector: Connector, message_id: str) -> RemoteMessage | RemoteGone:
    (answer,) = connector.fetch([message_id])
    return answer


def look_at(
    world: World, message_id: str, cannot: Mapping[Can, str] | None = None
) -> RemoteMessage | RemoteGone:
    """A message as it is now; from a whole pull where the platform cannot be asked for one."""
    if Can.FETCH not in (cannot or {}):
        return fetch_one(world.connector(), message_id)
    return [m for m in messages_of(pull_all(world.connector())) if m.id == message_id][-1]


def plain(text: str) -> str:
    """What must survive of a text: its letters, numbers, marks and symbols, composed."""
    kept = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode("utf-8"))
    return "".join(c for c in kept if unicodedata.category(c)[0] in "LMNPS" and c not in "?\ufffd")


def _what_errors_say(connector: Connector, refused: Verb) -> list[str]:
    said = []
    for ask in (
        lambda: connector.perform(Command(new_key(), refused, "no-such-message")),
        lambda: connector.thread("no-such-message"),
        connector.probe,
    ):
        try:
            ask()
        except ConnectorError as trouble:
            said += [str(trouble), repr(trouble), repr(trouble.__cause__), repr(trouble.__context__)]
    return said
