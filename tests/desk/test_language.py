"""What the cue packs can do, capability by capability and language by language, in sentences of our own.

`test_reading.py` holds the reader's promises; here stands what the rules understand. Nothing is described
in detail: a test about distress needs the wording of a thought, never a way to act on it.
"""

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from moderator_app.desk import cue_language, cue_words
from moderator_app.desk.cue_pack import PACKS
from moderator_app.desk.language import LONGEST, Rules, Worker, plain_of, reading_of
from moderator_app.desk.rows import Level, Reading
from moderator_app.errors import Cancelled

SHARED = Path(os.environ.get("HEARTHLIGHT_SHARED", Path(__file__).parents[3] / "shared"))
RULES = Rules()
C, R, A, G = Level.CRISIS, Level.RED, Level.AMBER, Level.GREEN


def read(text: str, lang: str = "") -> Reading:
    return RULES.read([(text, lang)])[0]


def kinds(text: str) -> set[str]:
    return {cue.kind for cue in read(text).cues}


CAPABILITIES = {
    "said directly": [
        ({C}, "I keep thinking that I want to be dead."),
        ({C}, "I have been having suicidal thoughts since the summer"),
        ({C}, "Lately dying is all I can think of"),
        ({C}, "Honestly, I just want my life to end"),
        ({C}, "My head says die die die and I am starting to listen"),
    ],
    "said by half": [
        ({R, C}, "It would be easier if I just never woke up"),
        ({R, C}, "My family would be fine without me"),
        ({R, C}, "I don't really want to live but I am too scared to do anything"),
        ({R, C}, "I have no will to live"),
    ],
    "a plan, a time": [
        ({C}, "I have everything I need and I am going to do it on Sunday"),
        ({C}, "The note is written. It's on the kitchen table"),
        ({C}, "I already know how and when."),
        ({C}, "Tonight after they are all asleep I am going to do it"),
    ],
    "goodbye": [
        ({C}, "I wanted to say goodbye before I go. You were kind to me."),
        ({C}, "please tell mum I'm sorry and that I love her"),
        ({C}, "I won't be here when you read this"),
        ({C}, "Thank you for the last years, I'm done now, farewell"),
        ({G}, "Bye everyone, see you at the next session!"),
        ({G}, "Goodbye summer, hello cosy jumpers"),
        ({G}, "Last day at my job today, goodbye desk, goodbye awful coffee"),
    ],
    "self-harm": [
        ({R, C}, "I hurt myself again last night"),
        ({C}, "I'm about to hurt myself, please someone talk to me"),
        ({R, C, A}, "Two months clean and today is so hard"),
        ({G}, "cut myself shaving, again, I look like a pirate"),
    ],
    "negation": [
        ({A}, "I don't want to die, I just needed to vent"),
        ({A}, "I have no intention of killing myself, don't worry"),
        ({C}, "I don't want to be here any more"),
        ({C}, "I can't promise I won't kill myself"),
        ({C}, "not gonna lie, I want to die"),
        ({C, R}, "It's not that I want to die, I just can't bear this pain"),
    ],
    "past": [
        ({A}, "I attempted suicide eight years ago and I'm grateful I survived"),
        ({G, A}, "I used to self-harm, I've been free of it for six years"),
        ({G, A}, "Back in school I wanted to die, now I have a dog and a garden"),
        ({C}, "I tried to kill myself last week and nobody knows"),
    ],
    "somebody else": [
        ({C}, "My sister says she is going to kill herself tonight"),
        ({C}, "My best friend sent me a goodbye message and her phone is off"),
        ({R, C}, "My son told me he doesn't want to live, what should I say to him?"),
        ({R, C}, "I think my roommate is hurting herself, how can I help?"),
        ({C}, "Someone call an ambulance for @noor please"),
    ],
    "idiom": [
        ({G}, "This heat is killing me"),
        ({G}, "I nearly died laughing at that clip"),
        ({G}, "We absolutely murdered them in the second half"),
        ({G, A}, "I want to die, I just waved at the wrong person 😂"),
        ({G}, "My mum will kill me if I'm late again"),
    ],
    "quoted or told": [
        ({G}, "The song is called 'I want to die' and it's actually upbeat"),
        ({G}, 'In chapter nine she says "I am going to end it" and closes the door.'),
        ({C, R}, 'There is a song that goes "I\'m tired of living" and that is exactly me tonight'),
    ],
    "help and study": [
        ({G}, "If you are thinking of ending your life please reach out, we care"),
        ({G}, "Join our suicide prevention walk on Saturday!"),
        ({G}, "This week's seminar covers suicide prevention in schools."),
        ({C}, "Who can I call if I want to end my life?"),
        ({C}, "My essay is on suicide but honestly I'm writing about me, I want to die"),
    ],
    "abuse at home, a child": [
        ({C}, "He is banging on the door and says he will kill me"),
        ({R, C, A}, "My partner reads all my messages and takes my wages"),
        ({C}, "I'm 13 and my uncle touches me when nobody is home"),
        ({G}, "We got hammered 4-0, what a beating"),
    ],
    "fear": [
        ({C}, "The voices are telling me to jump"),
        ({R, C}, "The government put cameras in my walls and they listen to my thoughts"),
        ({G}, "My phone keeps autocorrecting, I'm losing my mind 😂"),
    ],
    "eating": [
        ({R, C}, "I make myself sick after every dinner"),
        ({A, R}, "I feel guilty every time I eat"),
        ({G, A}, "Ate breakfast with my family today, proud of me"),
    ],
    "grief": [
        ({A, R}, "My brother took his own life in June and I can't understand it"),
        ({A}, "Mum died two years ago and I still lay a plate for her"),
        ({C}, "My wife is gone and I am going to join her tonight"),
    ],
    "thanks and ordinary": [
        ({G, A}, "You got me through the worst night of my life, thank you"),
        ({G}, "Thanks for the sleep tips, very helpful"),
        ({G}, "WE WON THE LEAGUE"),
        ({G}, "When is the next webinar?"),
    ],
    "another language": [
        ({C}, "me quiero morir, ya no aguanto"),
        ({C}, "ich bringe mich heute nacht um"),
        ({C}, "je veux me tuer, je n'en peux plus"),
        ({C}, "não quero mais viver, acabou"),
        ({C}, "main jeena nahi chahti"),
        ({C}, "mi hermana dice que se va a matar"),
        ({C}, "I had a long week, sorry, quiero morir"),
        ({G}, "me muero de risa con este video"),
        ({G}, "das Spiel war zum Totlachen"),
        ({G}, "je suis mort de rire"),
        ({G}, "morri de rir kkk"),
        ({A, R}, "ich bin so traurig und allein"),
    ],
}


@pytest.mark.parametrize(
    ("levels", "text"),
    [pytest.param(*case, id=case[1][:40]) for cases in CAPABILITIES.values() for case in cases],
)
def test_what_the_rules_understand(levels: set[Level], text: str) -> None:
    assert read(text).level in levels


@pytest.mark.parametrize(
    "text",
    [
        "i want to d1e",
        "I WANT TO DIEEEE",
        "i wnat to dei",
        "I w a n t to d i e",
        "I want to d.i.e",
        "I w\u200bant to d\u200bie",
        "I want to ԁіе",
        "𝐈 𝐰𝐚𝐧𝐭 𝐭𝐨 𝐝𝐢𝐞",
        "i wanna die",
        "iwanttodie",
        "i want to d*e",
    ],
)
def test_every_disguise_is_seen_through(text: str) -> None:
    found = read(text)
    assert found.level is C
    worst = min(found.cues, key=lambda cue: cue.level)
    assert text[worst.start : worst.end].strip() == text[worst.start : worst.end] != ""


def test_urging_somebody_is_abuse_and_a_danger_for_them() -> None:
    found = read("nobody wants you here, kys")
    assert "incitement" in {cue.kind for cue in found.cues}
    assert found.scores["abuse"] > 0.9
    assert found.level is R


def test_thanks_after_a_crisis_asks_for_a_second_look() -> None:
    assert "follow_up" in kinds("You saved my life that night, thank you")


def test_spam_is_scored_and_does_not_hide_a_crisis() -> None:
    found = read("Free followers, click here. I want to die.")
    assert found.level is C
    assert found.scores["spam"] > 0.5


@pytest.mark.parametrize("text", ["ok 👍", "😂😂😂", "https://example.org/a", "", "   ", "👍"])
def test_a_text_without_words_stays_green(text: str) -> None:
    assert read(text).level is G


@pytest.mark.parametrize(
    "text",
    [
        "Сегодня мне очень плохо и я никому не говорю",
        "今日はとても疲れました",
        "오늘은 정말 힘든 하루였어요",
        "أشعر بالوحدة الشديدة هذه الليلة",
        "Dzisiaj byłam na spacerze i czuję się trochę lepiej",
        "Oggi sono stata dal medico e non so cosa pensare",
    ],
)
def test_a_language_without_a_pack_is_given_to_a_person(text: str) -> None:
    found = read(text)
    assert (found.level, found.covered) == (A, False)
    assert [cue.kind for cue in found.cues] == ["not_covered"]


def test_scores_rise_with_the_level() -> None:
    texts = ["What a lovely walk", "I feel so alone", "I wish I had never been born", "I want to kill myself"]
    scores = [read(text).scores for text in texts]
    for name in ("crisis", "red", "amber"):
        assert [s[name] for s in scores] == sorted(s[name] for s in scores)
    assert all(s["crisis"] <= s["red"] <= s["amber"] for s in scores)


def test_words_of_a_cue_say_what_was_said() -> None:
    whys = {cue.why for text in ("I want to die", "I feel so alone", "he hits me") for cue in read(text).cues}
    assert whys
    assert all(why.split()[0] in {"said", "spoke", "asked", "mentioned"} for why in whys)


# ------------------------------------------------------------------ exact spans

PLEASANT = st.text(
    st.one_of(st.characters(), st.sampled_from("😂👩\u200d👧🇩🇪\u200b\u0301ﬁⅷ'’\"“”.,!?\n @#")), max_size=60
)


@settings(deadline=None, max_examples=300)
@given(PLEASANT)
def test_every_word_knows_its_characters(text: str) -> None:
    folder = cue_language.pack("en").folder
    for sentence in folder.sentences(cue_words.cut(text)):
        assert len(sentence.words) == len(sentence.starts) == len(sentence.ends)
        for word, start, end in zip(sentence.words, sentence.starts, sentence.ends, strict=True):
            assert 0 <= start < end <= len(text)
            if word in {cue_words.URL, cue_words.WHO}:
                continue
            again = [w for s in folder.sentences(cue_words.cut(text[start:end])) for w in s.words]
            assert word in again or len(text[start:end]) == 1


@settings(deadline=None, max_examples=150)
@given(
    PLEASANT,
    st.sampled_from(["want to die", "wnat to d1e", "w\u200bant  to   𝐝𝐢𝐞", "WANT TO DIEEE"]),
    PLEASANT,
)
def test_a_cue_marks_the_words_wherever_they_stand(before: str, words: str, after: str) -> None:
    text = f"{before}\n\nI {words}.\n\n{after}"
    found = read(text, "en")
    assume(any(cue.level <= R for cue in found.cues))
    at = len(before) + len("\n\nI ")
    for cue in found.cues:
        assert 0 <= cue.start <= cue.end <= len(text)
    assert any(cue.start <= at + 1 and cue.end >= at + len(words.rstrip()) - 1 for cue in found.cues)


@settings(deadline=None, max_examples=100)
@given(st.text(st.characters(categories=("Cs", "Cf", "Mn", "So", "Zl", "Co", "Nd")), max_size=300))
def test_hostile_characters_are_only_characters(text: str) -> None:
    found = read(text)
    assert all(0 <= cue.start <= cue.end <= len(text) for cue in found.cues)


@settings(deadline=None, max_examples=50)
@given(PLEASANT)
def test_a_reading_survives_the_pipe(text: str) -> None:
    found = read(text)
    assert reading_of(json.loads(json.dumps(plain_of(found)))) == found


# ------------------------------------------------------------------ packs, size, child


@pytest.mark.parametrize("lang", PACKS)
def test_every_pack_loads_and_says_that_nobody_reviewed_it(lang: str) -> None:
    pack = cue_language.pack(lang)
    assert pack.cues.phrases
    head = (Path(__file__).parents[2] / "resources/cues" / f"{lang}.toml").read_text("utf-8")[:200]
    assert "reviewed: no" in head


def test_nothing_of_spacy_is_imported_before_a_text_is_read() -> None:
    code = "import sys; from moderator_app.desk import language; sys.exit('spacy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "piece", ["a", "a.", "a@", "die ", "'a", "-a", '"', "😂", "👨\u200d", "https://", "\n", "1 "]
)
def test_ten_megabytes_of_anything_are_bounded(piece: str) -> None:
    text = (piece * (10_000_000 // len(piece)))[:10_000_000]
    found = read(text)
    assert found.level <= A
    assert "too_long" in {cue.kind for cue in found.cues}


def test_both_ends_of_a_long_text_are_read() -> None:
    middle = "quiet words " * LONGEST
    text = f"{middle} I want to kill myself"
    found = read(text)
    assert found.level is C
    assert any(text[cue.start : cue.end] == "kill myself" for cue in found.cues)


DEADLY = """
import os, sys
from moderator_app.desk import language

class Fragile(language.Rules):
    def read(self, texts):
        if "trapdoor" in texts[0][0]:
            os._exit(3)
        return super().read(texts)

language.Rules = Fragile
language.serve()
"""


def test_a_text_that_kills_the_reader_twice_goes_to_a_person_and_the_rest_is_read() -> None:
    texts = [("I want to die", ""), ("a trapdoor", "en"), ("thank you all", ""), ("I feel so alone", "")]
    with Worker([sys.executable, "-c", DEADLY]) as worker:
        found = worker.read(texts)
    assert [reading.level for reading in found] == [C, A, G, A]
    assert [cue.kind for cue in found[1].cues] == ["unreadable"]
    assert not found[1].covered


def test_a_reader_that_never_answers_is_ended() -> None:
    with Worker([sys.executable, "-c", "import sys; sys.stdin.read()"], patience=0.2) as worker:
        found = worker.read([("I want to die", "")])[0]
        assert worker.pid is None
    assert [cue.kind for cue in found.cues] == ["unreadable"]


def test_closing_ends_the_child() -> None:
    worker = Worker()
    worker.read([("hello", "")])
    assert worker.pid is not None
    worker.close()
    assert worker.pid is None
    with pytest.raises(Cancelled):
        worker.read([("hello again", "")])
    assert worker.pid is None, "nobody is left to end a child that began after the end"


# ------------------------------------------------------------------ the hard cases of the research folder


@pytest.mark.shared
@pytest.mark.skipif(
    not (SHARED / "data").is_dir(), reason="the shared research folder is not beside the checkout"
)
def test_every_group_of_the_hard_cases_is_mostly_right() -> None:
    lines = (SHARED / "data/triage/crisis_functional.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    right: dict[str, list[bool]] = defaultdict(list)
    crisis, others = [], []
    for row in rows:
        found = read(row["text"])
        expected = {row["expected_level"], *row["also_ok"]}
        abuse = "abuse" in expected and found.scores["abuse"] >= 0.5
        right[row["group"]].append(found.level.word in expected or abuse)
        if row["expected_level"] == "crisis":
            crisis.append(found.level is C)
        elif "crisis" not in expected:
            others.append(found.level is not C)
    assert sum(crisis) / len(crisis) >= 0.97
    assert sum(others) / len(others) >= 0.93
    weak = {group: sum(oks) / len(oks) for group, oks in right.items() if sum(oks) / len(oks) < 0.8}
    assert len(right) == 26
    assert weak == {}
