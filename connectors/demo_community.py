"""Harbour Lights, a peer-support community that never existed: its last eight weeks.

Everything is planned first, then played to the platform in the order of time, so that the change
log reads as if it had happened. The same seed and the same `now` make the same community.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors import demo_phrases as words
from connectors.contract import GoneHow
from connectors.demo_platform import DemoPlatform
from connectors.demo_stories import STORIES, Story
from connectors.demo_verbs import OUR_HANDLE

WEEKS = timedelta(weeks=8)
FRESH = timedelta(hours=48)
PEOPLE = 290
_TROUBLEMAKERS = 14
_POST_THREADS, _CHANNEL_THREADS, _MENTIONS, _DIRECTS = 42, 126, 46, 112
_FRESH_THREADS = 40
_SAME_WORDS = 3  # nobody says the same thing more often than this
_MARKS = ("🙂", "🌱", "💛", "…", "🙏", "🌧️", "☕", "✨", "🐈", "💚", "🌊", "🍂")
_MEANT = {"C": "crisis", "R": "red", "A": "amber", "G": "green", "S": "spam", "X": "abuse"}
_LANGUAGES = {
    "en": 74, "es": 7, "de": 6, "fr": 4, "pt": 4, "hi-Latn": 3, "pl": 1, "ar": 1, "ja": 1,
}  # fmt: skip
_POOLS = {"R": words.RED, "A": words.AMBER, "G": words.GREEN, "S": words.SPAM, "X": words.INSULT}
_STARTS = {
    "post": {"G": 76, "A": 17, "R": 6, "X": 1},
    "channel": {"G": 48, "A": 30, "R": 11, "S": 7, "X": 4},
    "mention": {"G": 58, "A": 32, "R": 10},
    "direct": {"G": 40, "A": 32, "R": 24, "S": 4},
}
_ANSWERS = {
    "pain": {"kind": 70, "A": 21, "R": 4, "quarrel": 3, "X": 2},
    "chatter": {"small": 85, "A": 10, "quarrel": 3, "X": 2},
}
_TITLE = 52


@dataclass(slots=True, eq=False)
class _Talk:
    """One thread to be; `id` is known once its first message was played."""

    title: str
    channel: str
    lang: str
    direct: bool = False
    id: str = ""
    said: list["_Said"] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Said:
    """One message to be, and what becomes of it later."""

    talk: _Talk
    who: str
    text: str
    level: str  # empty for our own
    lang: str
    at: datetime
    parent: "_Said | None" = None
    id: str = ""


@dataclass(slots=True, eq=False)
class _Later:
    """Something that happens to a message: reported, edited, deleted."""

    subject: _Said
    what: str
    at: datetime
    who: str | None = None
    text: str = ""
    reason: str = ""


def settle(platform: DemoPlatform) -> None:
    """Fill the platform with the community, up to the platform's present moment."""
    _Chronicle(platform).write()


class _Chronicle:
    """Plans eight weeks and plays them once."""

    def __init__(self, platform: DemoPlatform) -> None:
        self.platform = platform
        self.now = platform.clock()
        self.dice = random.Random(f"harbour {platform.seed}")  # noqa: S311 - repeatable, no secret
        self.said: list[_Said] = []
        self.later: list[_Later] = []
        self.spoken: Counter[str] = Counter()
        self.bags: dict[int, list[str]] = {}
        handles = self._move_in()
        self.members, self.troublemakers = handles[_TROUBLEMAKERS:], handles[:_TROUBLEMAKERS]
        self.people_bag: list[str] = []
        self.correspondents = list(self.members)

    def write(self) -> None:
        for story in STORIES:
            self._tell(story)
        for kind, count in (
            ("post", _POST_THREADS),
            ("channel", _CHANNEL_THREADS),
            ("mention", _MENTIONS),
            ("direct", _DIRECTS),
        ):
            for _ in range(count):
                self._improvise(kind, self._long_ago(), answered=True)
        for number in range(_FRESH_THREADS):
            kind = ("channel", "direct", "mention", "post", "direct")[number % 5]
            age = timedelta(minutes=4 + self.dice.random() ** 2 * 2_700)
            self._improvise(kind, self.now - age, answered=self._chance(0.25))
        self._let_time_pass()
        self._play()

    # ------------------------------------------------------------------ people

    def _move_in(self) -> list[str]:
        handles: dict[str, None] = {}
        while len(handles) < PEOPLE:
            first = self.dice.choice(words.FIRST_NAMES)
            handle = f"@{first.lower()}_{self.dice.choice(words.HANDLE_TAILS)}"
            if handle not in handles:
                handles[handle] = None
                age = WEEKS + timedelta(days=self.dice.randint(1, 900))
                name = f"{first} {self.dice.choice(words.LAST_INITIALS)}."
                self.platform.person(handle, name, self.now - age)
        return list(handles)

    def _member(self, but: Sequence[str] = ()) -> str:
        """Everybody gets a turn before anybody gets a second one."""
        for _ in range(len(self.members)):
            if not self.people_bag:
                self.people_bag = self.dice.sample(self.members, len(self.members))
            one = self.people_bag.pop()
            if one not in but:
                return one
        return self.dice.choice(self.members)

    def _correspondent(self) -> str:
        """Somebody who has not written to us directly before."""
        return self.correspondents.pop(self.dice.randrange(len(self.correspondents)))

    # ------------------------------------------------------------------ stories

    def _tell(self, story: Story) -> None:
        talk = _Talk(story.title, story.channel, "en", direct=story.direct)
        cast: dict[str, str] = {"us": OUR_HANDLE}
        for line in story.lines:
            if line.who not in cast:
                cast[line.who] = self._correspondent() if story.direct else self._member()
        end = self.now - _age(story.age) if story.age else self._long_ago()
        at = end - sum((self._pause() for _ in story.lines[1:]), timedelta())
        steps = len(story.lines) - 1
        pause = (end - at) / steps if steps else timedelta()
        for number, line in enumerate(story.lines):
            who = cast[line.who]
            to_all = who == OUR_HANDLE and number == steps and not story.age
            parent = talk.said[-1] if talk.said and not to_all else None
            level = "" if who == OUR_HANDLE else line.level
            moment = end if number == steps else at + pause * number
            self._add(_Said(talk, who, line.text, level, line.lang, moment, parent))

    def _pause(self) -> timedelta:
        return timedelta(minutes=self.dice.choice((2, 3, 4, 6, 9, 13, 21)))

    def _long_ago(self) -> datetime:
        room = WEEKS - FRESH - timedelta(days=2)
        return self.now - FRESH - timedelta(hours=8) - room * self.dice.random()

    # ------------------------------------------------------------------ improvisation

    def _improvise(self, kind: str, at: datetime, *, answered: bool) -> None:
        lang = self._roll(_LANGUAGES)
        talk = self._our_post(at - timedelta(hours=3)) if kind == "post" else self._opening(kind, lang, at)
        self._others_answer(kind, talk, at, fresh=self.now - at < FRESH)
        if answered:
            self._we_answer(talk)

    def _our_post(self, at: datetime) -> _Talk:
        title, text = self._fill(self.dice.choice(words.OUR_POSTS), "").split("|")
        talk = _Talk(title, f"Post: {title}", "en")
        self._add(_Said(talk, OUR_HANDLE, text, "", "en", at))
        return talk

    def _opening(self, kind: str, lang: str, at: datetime) -> _Talk:
        level = self._roll(_STARTS[kind])
        lang = "en" if level in "SX" else lang
        who = self._author(level, direct=kind == "direct")
        text = self._words(level, lang, "")
        direct = kind == "direct"
        channel = "dm" if direct else self.dice.choice(words.CHANNELS)
        talk = _Talk(_title(text), channel, lang, direct=direct)
        if kind == "mention":
            text = f"{OUR_HANDLE} {text}"
        self._add(_Said(talk, who, text, level, lang, at))
        return talk

    def _author(self, level: str, *, direct: bool) -> str:
        if direct:
            return self._correspondent()
        return self.dice.choice(self.troublemakers) if level in "SX" else self._member()

    def _others_answer(self, kind: str, talk: _Talk, at: datetime, *, fresh: bool) -> None:
        if talk.direct:
            self._write_on(talk, at)
            return
        count = self._how_many(kind, talk, fresh=fresh)
        opener = talk.said[0]
        for _ in range(count):
            at = min(at + self._pause() * self.dice.choice((1, 2, 3)), self.now)
            if at >= self.now:
                return
            level, pool = self._answer_kind(kind, opener)
            lang = talk.lang if kind != "post" else self._roll(_LANGUAGES)
            who = self._author(level, direct=False)
            text = self._words(level, lang, opener.who, pool if lang == "en" else ())
            parent = self.dice.choice(talk.said) if self._chance(0.3) else opener
            self._add(_Said(talk, who, text, level, lang, at, parent))

    def _how_many(self, kind: str, talk: _Talk, *, fresh: bool) -> int:
        if fresh:
            return self.dice.randint(0, 3)
        if kind == "post":
            return self.dice.randint(11, 22)
        if kind == "mention" or talk.lang != "en":
            return self.dice.randint(1, 3)
        return self.dice.randint(3, 9)

    def _answer_kind(self, kind: str, opener: _Said) -> tuple[str, Sequence[str]]:
        """Answer pain with kindness and chatter with chatter, now and then with a quarrel."""
        if kind == "post":
            level = self._roll(_STARTS["post"])
            chatter = level == "G" and self._chance(0.25)
            return level, words.SMALL_TALK if chatter else _POOLS[level]
        answer = self._roll(_ANSWERS["pain" if opener.level in "RA" else "chatter"])
        return {
            "kind": ("G", words.SUPPORT),
            "small": ("G", words.SMALL_TALK),
            "quarrel": ("A", words.CONFLICT),
        }.get(answer) or (answer, _POOLS[answer])

    def _write_on(self, talk: _Talk, at: datetime) -> None:
        """Let a direct conversation go on: we answer, they answer, sometimes more than once."""
        opener = talk.said[0]
        if self.now - at < FRESH or opener.level == "S":
            return
        for _ in range(self.dice.randint(0, 2)):
            at += self._pause()
            self._we_say(talk, at)
            at += self._pause()
            level = self._roll({"G": 80, "A": 20})
            pool = words.FOLLOW if level == "G" else words.AMBER
            text = self._words(level, talk.lang, "", pool if talk.lang == "en" else ())
            self._add(_Said(talk, opener.who, text, level, talk.lang, at, talk.said[-1]))

    def _we_answer(self, talk: _Talk) -> None:
        """Give everybody in danger an answer of their own, and then have the last word."""
        at = talk.said[-1].at
        for one in [s for s in talk.said if s.level == "R" and not talk.direct]:
            at += self._pause()
            self._we_say(talk, at, to=one)
        self._we_say(talk, at + timedelta(minutes=self.dice.randint(20, 90)))

    def _we_say(self, talk: _Talk, at: datetime, to: _Said | None = None) -> None:
        if at >= self.now:
            return
        about = to or talk.said[-1]
        lang = about.lang if about.lang in words.LANGUAGES else "en"
        levels = {s.level for s in ([to] if to else talk.said)}
        pool: Sequence[str] = words.OURS
        if lang != "en":
            pool = words.LANGUAGES[lang]["us"]
        elif levels & {"S", "X"}:
            pool = words.OURS_STERN
        elif levels & {"R", "A"}:
            pool = words.OURS_RED if "R" in levels else words.OURS_AMBER
        handle = about.who if about.who != OUR_HANDLE else talk.said[0].who
        text = self._fill(self._draw(pool), handle)
        # Without somebody to answer in particular it is meant for everybody in the thread.
        parent = about if to or talk.direct else None
        self._add(_Said(talk, OUR_HANDLE, text, "", lang, at, parent))

    # ------------------------------------------------------------------ words

    def _words(self, level: str, lang: str, handle: str, pool: Sequence[str] = ()) -> str:
        if lang != "en" and level in "RAG":
            pool = words.LANGUAGES[lang][level]
        lines = pool or _POOLS[level]
        text = ""
        for _ in range(6):
            text = self._fill(self._draw(lines), handle)
            if lang == "en" and level in "AG" and self._chance(0.25):
                text = f"{text} {self.dice.choice(words.ENDINGS)}"
            if self.spoken[text] < _SAME_WORDS:
                break
        while self.spoken[text] >= _SAME_WORDS:
            text = f"{text} {self.dice.choice(_MARKS)}"
        self.spoken[text] += 1
        return text

    def _draw(self, lines: Sequence[str]) -> str:
        """Every line once before any comes again."""
        bag = self.bags.setdefault(id(lines), [])
        if not bag:
            bag.extend(self.dice.sample(lines, len(lines)))
        return bag.pop()

    def _fill(self, line: str, handle: str) -> str:
        chosen = {key: self.dice.choice(values) for key, values in words.SLOTS.items()}
        chosen["handle"] = handle or self.dice.choice(self.members)
        chosen |= {k.capitalize(): f"{v[:1].upper()}{v[1:]}" for k, v in chosen.items()}
        return line.format(**chosen)

    def _chance(self, share: float) -> bool:
        return self.dice.random() < share

    def _roll(self, weights: dict[str, int]) -> str:
        return self.dice.choices(list(weights), list(weights.values()))[0]

    # ------------------------------------------------------------------ what becomes of it

    def _let_time_pass(self) -> None:
        public = [s for s in self.said if s.level and not s.talk.direct]
        for bad in [s for s in public if s.level in "SX"]:
            self._somebody_reports(bad, "spam" if bad.level == "S" else "abuse", 0.75)
        for worrying in [s for s in public if s.level in "CR"]:
            self._somebody_reports(worrying, "self_harm", 0.15)
        calm = [s for s in public if s.level == "G"]
        for odd in self.dice.sample(calm, 9):
            self._somebody_reports(odd, self.dice.choice(("other", "privacy")), 1.0)
        chosen = self.dice.sample(calm, 100)
        for one in chosen[:60]:
            text = f"{one.text} {self.dice.choice(words.EDITS)}"
            self._happens(_Later(one, "edit", one.at + self._pause() * 4, text=text))
        for one in chosen[60:]:
            self._happens(_Later(one, "delete", one.at + self._pause() * 9))

    def _somebody_reports(self, subject: _Said, reason: str, chance: float) -> None:
        if not self._chance(chance):
            return
        who = None if self._chance(0.12) else self._member((subject.who,))
        silent = self._chance(0.15)
        text = "" if silent else self._fill(self.dice.choice(words.REASONS[reason]), subject.who)
        at = subject.at + self._pause()
        self._happens(_Later(subject, "report", at, who, text, reason))
        if self.now - at > FRESH and reason in {"spam", "abuse"}:
            self._happens(_Later(subject, "remove", at + timedelta(minutes=40)))

    def _happens(self, event: _Later) -> None:
        if event.at < self.now:
            self.later.append(event)

    def _add(self, said: _Said) -> None:
        said.talk.said.append(said)
        self.said.append(said)

    # ------------------------------------------------------------------ playing

    def _play(self) -> None:
        events: list[_Said | _Later] = [*self.said, *self.later]
        for event in sorted(events, key=lambda e: e.at):
            if isinstance(event, _Said):
                self._play_said(event)
            else:
                self._play_later(event)

    def _play_said(self, said: _Said) -> None:
        if said.talk.direct:
            by_us = said.who == OUR_HANDLE
            other = next(s.who for s in said.talk.said if s.who != OUR_HANDLE)
            said.id = self.platform.direct(other, said.text, at=said.at, lang=said.lang, by_us=by_us)
        else:
            said.id = self._play_public(said)
        if said.level:
            self.platform.meant[said.id] = _MEANT[said.level]
        self.platform.set_likes(said.id, int(self.dice.random() ** 3 * 9))

    def _play_public(self, said: _Said) -> str:
        talk = said.talk
        made = self.platform.say(
            said.who,
            said.text,
            talk.id or None,
            said.parent.id if said.parent else None,
            title=talk.title,
            channel=talk.channel,
            at=said.at,
            lang=said.lang,
        )
        if not talk.id:
            talk.id = self.platform.conversation(made)[0].thread_id
        return made

    def _play_later(self, event: _Later) -> None:
        subject = event.subject.id
        if event.what == "report":
            self.platform.report(event.who, subject, event.reason, event.text, at=event.at)
        elif event.what == "edit":
            self.platform.edit(subject, event.text, at=event.at)
        else:
            how = GoneHow.REMOVED if event.what == "remove" else GoneHow.DELETED
            self.platform.delete(subject, how)


def _age(written: str) -> timedelta:
    number, unit = int(written[:-1]), written[-1]
    return timedelta(hours=number) if unit == "h" else timedelta(minutes=number)


def _title(text: str) -> str:
    if len(text) <= _TITLE:
        return text
    return text[:_TITLE].rsplit(" ", 1)[0].rstrip(",.;: ") + "…"
