"""Fills a profile with an invented community, page by page, through the product's own intake."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from connectors.contract import Ability, Kind, Page, Probe, RemoteMessage, RemotePerson, Verb
from moderator_app.desk import accounts, intake, triage
from moderator_app.desk.desk import Desk
from moderator_app.desk.rows import Cue, Level, Reading

NOW: Final = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)
SPAN: Final = timedelta(weeks=26)
PASSPHRASE: Final = "a phrase for measuring only"
RARE: Final = "periwinkle"  # one message in about two thousand
MIDDLING: Final = "allotment"  # one in about a hundred
COMMON: Final = "evening"  # about every third
PHRASE: Final = '"slow morning walk"'
PREFIX: Final = "allot"

_PLAIN: Final = """
a about after again all and anybody around because been before bench bird book bread bus but calm came
cat chair cloud coffee cold could day dog door early everyone feel feeling few first friend garden gave
glad good group had hard have heard help here hope hours house idea just kettle kind kitchen know last
late letter light listening little long made maybe meeting moment month more music my near new nice
night not notebook now of often on one open our out park people phone plan please quiet rain read rest
said sat season seems sister sleep slept small so some somebody song soon sorry soup still stopped
summer sun talk tea than thank that the then there they thing think this though time tired to today
together told tomorrow tonight too took train tree tried trying understand until us usual very wait
walk walked warm was water we week weekend well went were what when where while who window winter with
without woke word work worked would write writing yesterday yet you your
""".split()  # noqa: SIM905 - a list of words would be one word a line
_ELSEWHERE: Final = (
    "Сегодня был тихий вечер, и мы пили чай у окна.",
    "Kann heute jemand eine Weile mit mir schreiben?",
    "今日は少し疲れたけれど、散歩をしました。",
    "Hoy he dormido poco y el día se me hace largo.",
)
_WHY: Final = "needs a reply"
_OUR_SHARE: Final = 0.2
_PEOPLE_SHARE: Final = 0.1


class Clock:
    """The time of the message that came last, as in a community that is read while it lives."""

    def __init__(self) -> None:
        self.at = NOW - SPAN

    def now(self) -> datetime:
        return self.at


class Community:
    """An endless, repeatable stream of messages; `total` of them span half a year."""

    def __init__(self, total: int, seed: int = 7) -> None:
        self.total = total
        self._random = random.Random(seed)
        self._step = SPAN / total
        self._people = max(20, round(total * _PEOPLE_SHARE))
        self._number = 0
        self._threads: list[str] = []
        self._newest: dict[str, str] = {}
        self.at = NOW - SPAN

    def pages(self, count: int, size: int) -> Iterator[Page]:
        """So many messages as pages of at most `size`."""
        while count > 0:
            yield self.page(min(size, count))
            count -= size

    def page(self, size: int) -> Page:
        messages = tuple(self._message() for _ in range(size))
        return Page("comments", messages, state=str(self._number))

    def _message(self) -> RemoteMessage:
        self._number += 1
        self.at += self._step
        name = f"m{self._number}"
        thread = self._thread(name)
        answered = self._newest.get(thread)
        ours = answered is not None and self._random.random() < _OUR_SHARE
        person = RemotePerson("us", "@us", "Us") if ours else self._person()
        if not ours:
            self._newest[thread] = name
        return RemoteMessage(
            id=name,
            thread_id=thread,
            kind=Kind.POST if thread == name else Kind.COMMENT,
            person=person,
            text=self._text(),
            created_at=self.at,
            ours=ours,
            parent_id=answered,
            thread_title=self._words(6).capitalize(),
            channel=self._random.choice(("lounge", "evenings", "newcomers")),
            lang="en",
            revision="1",
        )

    def _thread(self, name: str) -> str:
        """One in five opens a conversation; one conversation gathers a great many."""
        chance = self._random.random()
        if not self._threads or chance < 0.2:
            self._threads = [*self._threads[-199:], name]
            return name
        if chance < 0.22:
            return "m1"
        return self._threads[-1 - int(len(self._threads) * self._random.random() ** 2)]

    def _person(self) -> RemotePerson:
        """A few write very much, most write seldom."""
        number = int(self._people * self._random.random() ** 3)
        return RemotePerson(f"p{number}", f"@member{number}", f"Member {number}")

    def _text(self) -> str:
        if self._random.random() < 0.1:
            return self._random.choice(_ELSEWHERE)
        said = [self._words(self._random.randint(4, 40))]
        for word, share in ((COMMON, 0.3), (MIDDLING, 0.01), (RARE, 0.0005), (PHRASE.strip('"'), 0.002)):
            if self._random.random() < share:
                said.append(word)
        return " ".join([*said, self._words(6)]) + "."

    def _words(self, count: int) -> str:
        found = (_PLAIN[int(len(_PLAIN) * self._random.random() ** 2)] for _ in range(count))
        return " ".join(found)


def open_account(desk: Desk) -> int:
    """Remember an account whose platform is never asked: it is read only when a person says so."""
    probe = Probe("us", "@us", "Us", verbs={verb: Ability(can=True) for verb in Verb})
    return desk.do(accounts._remember, "archive", probe, {}, "archive:bench")


def pour(desk: Desk, clock: Clock, account: int, community: Community, count: int) -> None:
    """Store `count` more messages and let them be read, as the lanes of the program do.

    A page holds a few days at most: what is older than a week when it comes opens no work.
    """
    size = min(2000, max(50, community.total // 40))
    for page in community.pages(count, size):
        clock.at = page.messages[-1].created_at + timedelta(seconds=1)
        desk.do(intake.apply, account, page)
        read(desk, size)
    desk.do(triage.age)


def read(desk: Desk, size: int) -> None:
    """Give every unread message a level by its number, in the shares of an ordinary community."""
    while batch := desk.ask(triage.unread, size):
        desk.do(triage.apply, [(key, text, _reading(key, text)) for key, text, _ in batch])


def _reading(key: int, text: str) -> Reading:
    share = key * 2654435761 % 1000
    if share >= 250:
        return Reading(Level.GREEN, (), "en")
    level = Level.CRISIS if share < 5 else Level.RED if share < 40 else Level.AMBER
    return Reading(level, (Cue(0, min(12, len(text)), "measured", level, _WHY, "en"),), "en")
