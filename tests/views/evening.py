"""An evening in a small community, for the tests of the window: people, their words, the program around."""

import re
from datetime import UTC, datetime, timedelta

from connectors.contract import (
    Ability,
    Audience,
    Connector,
    Kind,
    Page,
    Probe,
    RemoteMessage,
    RemotePerson,
    Verb,
)
from moderator_app.desk import accounts, intake, reading
from moderator_app.desk.rows import Cue, Level, Reading

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)


class StillClock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self):
        return self.at

    def forward(self, **amount):
        self.at += timedelta(**amount)


class Quiet(Connector):
    """An account on a platform that brings nothing by itself; tests hand pages to intake."""

    platform = "demo"
    name = "Quiet"
    streams = ("comments",)

    def authorize(self):
        return {"token": "t"}

    def probe(self):
        verbs = {verb: Ability(can=True) for verb in Verb}
        verbs[Verb.KICK] = Ability(can=False, why_not="People here are muted or banned, not sent out.")
        return Probe("us", "harbour", "Harbour Team", verbs=verbs, max_text=500)

    def pull(self, stream, state, since=None):
        return iter(())

    def fetch(self, ids):
        return []

    def thread(self, message_id):
        return []

    def perform(self, command):
        raise NotImplementedError

    def find_sent(self, command):
        return None


WORDS = (
    (r"don’t see the point( in going on)?", Level.CRISIS, "hopelessness, said plainly"),
    (r"can’t keep going", Level.CRISIS, "hopelessness, said plainly"),
    (r"posted my (home )?address", Level.RED, "private details of a person"),
    (r"haven’t slept", Level.AMBER, "not sleeping"),
    (r"so alone", Level.AMBER, "loneliness"),
)


class WordReader:
    """Reads by a handful of phrases, as the real reader does by many."""

    def use(self, changes):
        assert not changes

    def read(self, texts):
        return [self._one(text) for text, _ in texts]

    def _one(self, text):
        cues = [
            Cue(m.start(), m.end(), "distress", level, why, "en")
            for pattern, level, why in WORDS
            for m in re.finditer(pattern, text)
        ]
        return Reading(min((c.level for c in cues), default=Level.GREEN), tuple(cues), "en")


def person(name):
    return RemotePerson(id=f"p-{name}", handle=name.lower().replace(" ", "."), name=name)


def message(key, thread, name, text, minutes, **more):
    more.setdefault("thread_title", thread)
    return RemoteMessage(
        id=key,
        thread_id=f"t-{thread}",
        kind=more.pop("kind", Kind.COMMENT),
        person=more.pop("by", None) or person(name),
        text=text,
        created_at=NOW - timedelta(minutes=minutes),
        channel=more.pop("channel", "Evening lounge"),
        revision="1",
        **more,
    )


MARA = (
    "Everyone else seems fine and I don’t see the point in going on with any of it. I haven’t slept "
    "since Sunday and I keep reading the same page. "
    "Sorry for writing this here, I did not know where else. 🙏"
)
COMMUNITY = (
    message("m1", "How was your week", "Tomasz Wrona", "How is everyone doing? I am tired 😅", 1200),
    message("m2", "How was your week", "Mara Lindqvist", MARA, 125),
    message("m3", "How was your week", "Tomasz Wrona", "You are not alone in this, Mara. 🫶", 100),
    message(
        "m4",
        "Someone posted my address in the group",
        "Jonas Achterberg",
        "A person I blocked just posted my home address. Please take it down before more people see it.",
        18,
        channel="#lounge",
        permalink="https://harbour.example/lounge/m4",
    ),
    message(
        "m5",
        "New here and so alone",
        "Amara Okafor",
        "Moved here in spring and I feel so alone in the evenings. Is there a group that meets?",
        50,
        kind=Kind.DIRECT,
        audience=Audience.PRIVATE,
        channel="Direct message",
    ),
    message(
        "m6",
        "When is the next listening circle",
        "Leila Haddad",
        "Hi, when is the next circle and can I bring a friend along?",
        240,
        kind=Kind.MENTION,
        channel="Announcements",
    ),
    message(
        "m7",
        "شكرا لكم",
        "ليلى",
        "شكرا على المساعدة في الأسبوع الماضي، لقد كان ذلك مهما بالنسبة لي.",
        300,
        channel="العربية",
    ),
)


def fill(desk, messages=COMMUNITY, account=None):
    """Connect an account and bring messages as a sync does; answers the account."""
    if account is None:
        account = accounts.connect(desk, Quiet, {}, {}, lambda key, secrets: None)
    desk.do(intake.apply, account, Page("comments", tuple(messages)))
    reading.read_pending(desk, WordReader())
    return account


class Program:
    """The program around the window: remembers what it was asked for."""

    def __init__(self):
        self.asked = []

    def connect_account(self):
        self.asked.append("connect")

    def open_accounts(self):
        self.asked.append("accounts")

    def sign_in(self, account_id):
        self.asked.append(("sign_in", account_id))

    def import_file(self):
        self.asked.append("import")

    def export_week(self):
        self.asked.append("week")

    def open_privacy(self):
        self.asked.append("privacy")

    def open_backups(self):
        self.asked.append("backups")

    def sync_now(self):
        self.asked.append("sync")

    def lock(self):
        self.asked.append("lock")

    def panic(self):
        self.asked.append("panic")

    def keep_settings(self, settings):
        self.asked.append(settings)
