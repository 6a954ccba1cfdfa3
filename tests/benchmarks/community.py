"""An endless, repeatable stream of invented messages: eight languages, few people who say much."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import accumulate, product
from typing import Final

from connectors.contract import Kind, Page, RemoteMessage, RemotePerson

RARE: Final = "periwinkle"  # one message in about two thousand
MIDDLING: Final = "allotment"  # one in about a hundred
COMMON: Final = "evening"  # about every third
PHRASE: Final = '"slow morning walk"'
PREFIX: Final = "allot"

_PLANTED: Final = ((COMMON, 0.3), (MIDDLING, 0.01), (RARE, 0.0005), (PHRASE.strip('"'), 0.002))
_ENGLISH: Final = """
the and to a of i it that we was for you is my on not with but have so this be all at me day just like time
about what there out up today when they had one then if been now know how more some think because good
really feel from your who work still people here would them very after went well too over any going
want make home night little got back can where morning again us never try friend hope sleep thank help
week maybe could tea first last walk talk right old new before house things bit always made only way
cat dog garden coffee book rain window kitchen letter listening light meeting moment month music near
nice notebook often open park phone plan please quiet read rest sat season seems sister small somebody
song soon soup stopped summer sun told tomorrow tonight took train tree understand until usual wait
warm water weekend while winter without woke word write yesterday bench bird bread bus calm chair cloud
""".split()  # noqa: SIM905 - a list of words would be one word a line
_ELSEWHERE: Final = {
    language: words.split()
    for language, words in {
        "ru": "и в не на я что мы это день чай окно вечер снова дома друг книга утро сегодня тихо",
        "zh": "我 今天 很 累 了 的 晚上 散步 朋友 一起 喝茶 看书 明天 想 休息 下雨 窗外 安静 慢慢 谢谢",
        "ja": "今日 は 少し 疲れた けれど 散歩 を しました 友達 と お茶 の 時間 が 好き です 明日 雨",
        "ko": "오늘 은 조금 피곤 했지만 산책 을 했어요 친구 와 차 를 마시고 내일 다시 비 가",
        "es": "hoy y la de que no el día se hace largo con mi amiga té paseo mañana otra vez gracias noche",
        "de": "heute und die ich nicht der Tag ist lang mit Freund Tee Fenster morgen wieder danke Haus",
        "fr": "aujourd'hui et la de je ne le jour est long avec une amie thé fenêtre demain merci maison",
    }.items()
}
_LANGUAGES: Final = ("en", *_ELSEWHERE)
_SHARES: Final = tuple(accumulate((0.62, 0.1, 0.03, 0.025, 0.025, 0.08, 0.07, 0.05)))
_TOGETHER: Final = frozenset({"zh", "ja"})  # written without spaces
_SYLLABLES: Final = (
    "ba",
    "ri",
    "no",
    "te",
    "lu",
    "ka",
    "so",
    "mi",
    "ve",
    "do",
    "pa",
    "shi",
    "gan",
    "lor",
    "fen",
)
# The long tail of any vocabulary: names, places, misspellings.
_SELDOM: Final = ["".join(parts) for parts in product(_SYLLABLES, repeat=3)] + [
    "".join(parts) for parts in product(_SYLLABLES, repeat=4)
]
_EMOJI: Final = ("🙂", "🌿", "☕", "🙏🏽", "👩‍👧", "🌧️", "💛", "🎶")
_WEIGHTS: Final = {
    name: tuple(accumulate(1 / (rank + 3) for rank in range(len(words))))
    for name, words in {"en": _ENGLISH, **_ELSEWHERE}.items()
}
_OUR_SHARE: Final = 0.2
_PEOPLE_SHARE: Final = 0.136  # the many who write once or twice
_THREAD_SHARE: Final = 0.06
_LONGEST_SHARE: Final = 0.067  # of what its account brings
_SAME_AGAIN: Final = 0.55  # who has written in a conversation writes there again


class Community:
    """One account's messages in the order they were written; `total` of them fill the span."""

    def __init__(
        self, name: str, total: int, begin: datetime, span: timedelta, *, after: int = 0, seed: int = 7
    ) -> None:
        self._random = random.Random(f"{name} {seed} {after}")
        self._name = name
        self._step = span / total
        self._people = max(20, round(total * _PEOPLE_SHARE))
        self._number = after
        self._first = f"{name}-1" if name == "archive" else ""
        self._threads: list[str] = [self._first] if after and self._first else []
        self._standing = list(self._threads)
        self._speakers: dict[str, list[RemotePerson]] = {}
        self._newest: dict[str, str] = {}
        self.at = begin

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
        name = f"{self._name}-{self._number}"
        thread = self._thread(name)
        answered = self._newest.get(thread)
        ours = answered is not None and self._random.random() < _OUR_SHARE
        person = RemotePerson("us", "@us", "Us") if ours else self._person(thread)
        if not ours:
            self._newest[thread] = name
        text, lang = self._text()
        return RemoteMessage(
            id=name,
            thread_id=thread,
            kind=Kind.POST if thread == name else Kind.COMMENT,
            person=person,
            text=text,
            created_at=self.at,
            ours=ours,
            parent_id=answered,
            thread_title=self._words("en", 6).capitalize(),
            channel=self._random.choice(("lounge", "evenings", "newcomers")),
            lang=lang,
            revision="1",
        )

    def _thread(self, name: str) -> str:
        """Some open a conversation; most go on with a fresh one, some with one that never ends."""
        chance = self._random.random()
        if not self._threads or chance < _THREAD_SHARE:
            self._threads = [*self._threads[-199:], name]
            if len(self._standing) < 100:
                self._standing.append(name)
            return name
        if self._first and chance < _THREAD_SHARE + _LONGEST_SHARE:
            return self._first
        if chance > 0.9:
            return self._standing[int(len(self._standing) * self._random.random() ** 2)]
        return self._threads[-1 - int(len(self._threads) * self._random.random() ** 3)]

    def _person(self, thread: str) -> RemotePerson:
        """A few write very much, most write seldom; who spoke in a conversation speaks there again."""
        spoke = self._speakers.setdefault(thread, [])
        if spoke and self._random.random() < _SAME_AGAIN:
            return self._random.choice(spoke)
        number = int(self._people * self._random.random() ** 2.2)
        person = RemotePerson(f"{self._name}-p{number}", f"@member{number}", f"Member {number}")
        spoke[:] = [*spoke[-3:], person]
        return person

    def _text(self) -> tuple[str, str]:
        """Words in no order, so that nobody's are repeated here; and the language they are of."""
        lang = self._random.choices(_LANGUAGES, cum_weights=_SHARES)[0]
        said = [self._words(lang, self._random.randint(7, 64))]
        if lang == "en":
            said += [word for word, share in _PLANTED if self._random.random() < share]
            said.append(self._words(lang, 5))
        chance = self._random.random()
        if chance < 0.08:
            said.append(self._random.choice(_EMOJI))
        elif chance < 0.1:
            said.append(f"https://example.org/{self._seldom()}")
        return " ".join(said) + ".", lang

    def _words(self, lang: str, count: int) -> str:
        words = _ENGLISH if lang == "en" else _ELSEWHERE[lang]
        found = self._random.choices(words, cum_weights=_WEIGHTS[lang], k=count)
        if lang in _TOGETHER:
            return "".join(found)
        if self._random.random() < 0.7:
            found[self._random.randrange(count)] = self._seldom()
        return " ".join(found)

    def _seldom(self) -> str:
        return _SELDOM[int(len(_SELDOM) * self._random.random() ** 3)]
