"""What a phrase means where it stands: whose it is; whether it is denied, past, quoted or in jest.

The packs hold the words; the rules of meaning are here. Nothing in this module removes a cue: a phrase
that turns out harmless stays as a green one, so that a person can see what was read and why it did not count.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from moderator_app.desk.cue_pack import Hit, Pack
from moderator_app.desk.cue_words import Sentence
from moderator_app.desk.rows import Level

_LEFT: Final = 10  # words before a phrase in which its person is looked for
_NEGATION: Final = 5  # words before a phrase in which a "not" still reaches it
_SHORT: Final = 40  # words of a message in which one laugh colours all of it
_SCOPED: Final = frozenset({"ideation", "passive_ideation", "self_harm", "attempt", "distress", "mention",
                            "eating", "plan", "goodbye_hint", "means"})  # fmt: skip
_DENIABLE: Final = _SCOPED - {"mention", "goodbye_hint"}
_NOT_MEANT: Final = "said they do not mean to hurt themselves"
_DEED: Final = frozenset({"attempt", "plan", "means", "goodbye"})


@dataclass(frozen=True, slots=True)
class Meaning:
    """One phrase after its scope was read."""

    hit: Hit
    kind: str
    level: Level
    why: str


@dataclass
class Context:
    """A whole message as the scopes see it: which of them appear, where, and where somebody laughs."""

    pack: Pack
    sentences: Sequence[Sentence]
    hits: Sequence[Hit]
    _scopes: list[Hit] = field(init=False)

    def __post_init__(self) -> None:
        self._scopes = self.pack.scopes.find(self.sentences)

    @cached_property
    def flags(self) -> frozenset[str]:
        """The scopes that appear anywhere in the message."""
        return frozenset(hit.rule.kind for hit in self._scopes)

    def near(self, name: str, sentence: int) -> list[Hit]:
        """Where a scope appears in one sentence."""
        return [hit for hit in self._scopes if hit.rule.kind == name and hit.sentence == sentence]

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(word for sentence in self.sentences for word in sentence.words)

    @cached_property
    def length(self) -> int:
        return sum(len(sentence.words) for sentence in self.sentences)

    def has(self, name: str) -> frozenset[str]:
        """Words of one of the pack's lists that appear in the message."""
        return self.words & self.pack.lists.get(name, frozenset())

    def laughs(self, sentence: int) -> bool:
        """Somebody laughs in the sentence, or anywhere in a short message."""
        laugh = self.pack.lists.get("laugh", frozenset())
        if self.length <= _SHORT:
            return bool(self.words & laugh) or "joking" in self.flags
        return not laugh.isdisjoint(self.sentences[sentence].words)


def settle(context: Context) -> list[Meaning]:
    """The meaning of every phrase that was found, hardest first."""
    meanings = [_meaning(context, hit) for hit in context.hits]
    return sorted(meanings, key=lambda m: (m.level, m.hit.sentence, m.hit.begin))


def _meaning(context: Context, hit: Hit) -> Meaning:
    rule = hit.rule
    if rule.kind not in _SCOPED and rule.who not in {"any", "self"}:
        return _others(context, hit)
    if rule.kind == "mention":
        return _mention(context, hit)
    if rule.kind == "goodbye_hint":
        ordinary = "ordinary_farewell" in context.flags
        return Meaning(hit, rule.kind, Level.GREEN if ordinary else rule.level, rule.why)
    who = person(context, hit)
    denied = _denied(context, hit) if rule.kind in _DENIABLE else None
    return denied or _quoted(context, hit, who) or _of_person(context, hit, who)


def _of_person(context: Context, hit: Hit, who: str) -> Meaning:
    """What a phrase means that is neither denied nor quoted, by whom it is about."""
    if who == "you":
        return Meaning(hit, "help_offer", Level.GREEN, "spoke to somebody about it")
    if who == "far":
        return _distant(context, hit)
    past = _past(context, hit)
    if past is not None:
        return past
    if who == "other":
        return _other_person(context, hit)
    return _in_jest(context, hit) or Meaning(hit, hit.rule.kind, hit.rule.level, hit.rule.why)


# ------------------------------------------------------------------ who


def person(context: Context, hit: Hit) -> str:
    """self, other, far or you: inside the phrase first, then the nearest person before it."""
    if hit.rule.who in {"self", "other"}:
        return hit.rule.who
    lists = context.pack.lists
    words = context.sentences[hit.sentence].words
    inside = words[hit.begin : hit.end]
    reflexive = lists.get("reflexive", frozenset())
    if lists.get("own", frozenset()).intersection(inside):
        return "self"
    order = [word for word in inside if word in reflexive] or inside[:3]
    before = reversed(words[max(0, hit.begin - _LEFT) : hit.begin])
    for word in (*order, *before) if reflexive.intersection(inside) else (*before, *order):
        found = _person_of(word, context)
        if found:
            return _nearness(found, word, context)
    # No person before the phrase: the writer, unless the verb is another's ("wants", "says").
    another = inside[0] in lists.get("third_forms", frozenset())
    return _nearness("other", inside[0], context) if another else "self"


def _person_of(word: str, context: Context) -> str:
    for name in ("self", "you", "far", "other"):
        if word in context.pack.lists.get(name, frozenset()):
            return name
    return ""


def _nearness(found: str, word: str, context: Context) -> str:
    """They and he are near where a friend, a son or a name is spoken of; in a story they are not."""
    if found == "other" and "fiction" in context.flags and not context.has("near"):
        return "far"
    if found == "far" and word in context.pack.lists.get("maybe_near", frozenset()) and context.has("near"):
        return "other"
    return found


# ------------------------------------------------------------------ denied


def _denied(context: Context, hit: Hit) -> Meaning | None:
    """Not, never, no longer - unless it is doubled, or only turned ("not that I want to, but ...")."""
    if _but(context, hit):
        return Meaning(hit, hit.rule.kind, Level.RED, f"{hit.rule.why}, in a roundabout way")
    sentence = context.sentences[hit.sentence]
    count = _negators(context, hit) + _refused(context, hit, sentence)
    if count % 2 == 0:
        return None
    return Meaning(hit, "negated", Level.AMBER, _NOT_MEANT)


def _but(context: Context, hit: Hit) -> bool:
    return any(
        found.begin <= hit.begin < found.end + 2 for found in context.near("not_that_but", hit.sentence)
    )


def _negators(context: Context, hit: Hit, *, inside: bool = True) -> int:
    """Words of denial that reach the phrase: close before it in its clause, or (`inside`) in its gaps."""
    lists = context.pack.lists
    negators, turns, persons = lists["negators"], lists["turns"], lists.get("subjects", frozenset())
    sentence = context.sentences[hit.sentence]
    masked = {
        place
        for found in context.near("not_negation", hit.sentence)
        if found.end <= hit.begin
        for place in range(found.begin, found.end)
    }
    count = 0
    for place in range(hit.begin - 1, max(-1, hit.begin - 1 - _NEGATION), -1):
        word = sentence.words[place]
        if word in turns or word in persons or place + 1 in sentence.breaks:
            break
        if word in negators and place not in masked:
            count += 1
    if inside:
        words = sentence.words[hit.begin : hit.end]
        count += sum(word in negators and word not in hit.phrase.literal for word in words)
    after = lists.get("negators_after", frozenset())
    return count + bool(after.intersection(sentence.words[hit.end : hit.end + 2]))


def _refused(context: Context, hit: Hit, sentence: Sentence) -> int:
    """A denial with the person between it and the phrase, as in "I am not saying that I"."""
    lists = context.pack.lists
    between = lists["negators"] | lists.get("auxiliaries", frozenset())
    begin = hit.begin
    while begin and sentence.words[begin - 1] in between:
        begin -= 1
    if not begin or sentence.words[begin - 1] not in lists.get("subjects", frozenset()):
        return 0
    ends = {found.end for found in context.near("denies", hit.sentence)}
    return int(begin - 1 in ends)


# ------------------------------------------------------------------ quoted, told, studied


def _quoted(context: Context, hit: Hit, who: str) -> Meaning | None:
    """Words between quotation marks are somebody's; the writer's own where they make them theirs."""
    sentence = context.sentences[hit.sentence]
    place = hit.begin
    if place not in sentence.quoted or len(sentence.quoted) == len(sentence.words) == context.length:
        return None
    if "adopt" in context.flags:
        return Meaning(hit, hit.rule.kind, min(hit.rule.level, Level.RED), hit.rule.why)
    if "fiction" in context.flags or who == "far":
        return Meaning(hit, "quote", Level.GREEN, "quoted words from a song, a film or a book")
    if context.has("near") or _speaker(context, sentence, place):
        return _other_person(context, hit)
    return Meaning(hit, "quote", max(hit.rule.level, Level.AMBER), "quoted somebody's words")


def _speaker(context: Context, sentence: Sentence, place: int) -> bool:
    others = context.pack.lists.get("other", frozenset()) - context.pack.lists.get("far", frozenset())
    outside = (word for at, word in enumerate(sentence.words) if at not in sentence.quoted and at < place)
    return any(word in others for word in outside)


def _mention(context: Context, hit: Hit) -> Meaning:
    """The bare word: the writer's own danger where they say so, else a subject people talk about."""
    words = context.sentences[hit.sentence].words
    own = context.pack.lists.get("self", frozenset())
    if context.near("adopt", hit.sentence) and own.intersection(words):
        return Meaning(hit, "ideation", Level.CRISIS, "said that it is about themselves")
    if person(context, hit) == "self" and own.intersection(words) and _negators(context, hit) % 2:
        return Meaning(hit, "negated", Level.AMBER, _NOT_MEANT)
    for flag, kind, why in (
        ("academic", "academic", "spoke of it as a subject of study"),
        ("awareness", "awareness", "spoke of prevention or support"),
        ("offer", "help_offer", "offered help"),
        ("fiction", "quote", "spoke of a song, a film or a game"),
    ):
        if flag in context.flags:
            return Meaning(hit, kind, Level.GREEN, why)
    if person(context, hit) == "far" or context.laughs(hit.sentence):
        return Meaning(hit, "mention", Level.GREEN, hit.rule.why)
    return Meaning(hit, "mention", Level.AMBER, hit.rule.why)


def _others(context: Context, hit: Hit) -> Meaning:
    """Cues without a person to look for; a laugh or a story still makes some of them ordinary."""
    rule = hit.rule
    if rule.kind in {"incitement", "abuse", "threat"}:
        return _attack(context, hit)
    if rule.kind in {"abuse_disclosed", "minor_at_risk", "psychosis_like", "third_person", "help_seeking"}:
        if _told_story(context, hit):
            return Meaning(hit, "quote", Level.GREEN, "spoke of a song, a film or a game")
        if context.laughs(hit.sentence) and (not rule.firm or rule.kind == "abuse_disclosed"):
            return Meaning(hit, "idiom", Level.AMBER, "said it with a laugh")
        if rule.kind in {"abuse_disclosed", "psychosis_like"}:
            if _negators(context, hit, inside=False) % 2:
                return Meaning(hit, "negated", Level.AMBER, "said that it is not so")
            return _past(context, hit) or Meaning(hit, rule.kind, rule.level, rule.why)
    return Meaning(hit, rule.kind, rule.level, rule.why)


def _told_story(context: Context, hit: Hit) -> bool:
    """A film, a song or a game in the same sentence, and nothing in the phrase that is the writer's own."""
    words = context.sentences[hit.sentence].words[hit.begin : hit.end]
    own = context.pack.lists.get("self", frozenset())
    return bool(context.near("fiction", hit.sentence)) and own.isdisjoint(words) and not context.has("near")


def _attack(context: Context, hit: Hit) -> Meaning:
    sentence = context.sentences[hit.sentence]
    if _negators(context, hit) % 2 or context.near("plea", hit.sentence):
        return Meaning(hit, "help_offer", Level.GREEN, "asked somebody not to hurt themselves")
    if hit.begin in sentence.quoted and hit.rule.kind != "threat":
        return Meaning(hit, "quote", Level.AMBER, "quoted an attack")
    if hit.rule.kind == "threat" and ("fiction" in context.flags or context.laughs(hit.sentence)):
        return Meaning(hit, "idiom", Level.AMBER, "threatening words, perhaps in jest")
    return Meaning(hit, hit.rule.kind, hit.rule.level, hit.rule.why)


def _distant(context: Context, hit: Hit) -> Meaning:
    if context.flags & {"fiction", "academic", "awareness", "offer"} or hit.rule.level > Level.CRISIS:
        return Meaning(hit, "mention", Level.GREEN, "spoke of people in general")
    return Meaning(hit, "mention", Level.AMBER, "spoke of people in general")


# ------------------------------------------------------------------ past, others, jest


def _past(context: Context, hit: Hit) -> Meaning | None:
    """Over and told as over. What comes back, or is only weeks old, is not past."""
    before = context.near("past", hit.sentence)
    if not before or hit.rule.kind == "goodbye_hint":
        return None
    if "present" in context.flags - _own(context, hit):
        return None
    own = context.pack.lists.get("other", frozenset())
    if (
        "recovered" in context.flags
        and hit.rule.kind != "attempt"
        and not own.intersection(context.has("near"))
    ):
        return Meaning(hit, "past", Level.GREEN, "spoke of a hard time that is over")
    return Meaning(hit, "past", Level.AMBER, "spoke of a hard time in the past")


def _own(context: Context, hit: Hit) -> frozenset[str]:
    """The scope "present" does not count where its only words are the words of the phrase itself."""
    outside = [
        found
        for number in range(len(context.sentences))
        for found in context.near("present", number)
        if not (number == hit.sentence and found.begin >= hit.begin and found.end <= hit.end)
        and not any(
            better.begin <= found.begin and found.end <= better.end
            for better in context.near("recovered", number)
        )
    ]
    return frozenset() if outside else frozenset({"present"})


def _other_person(context: Context, hit: Hit) -> Meaning:
    """Somebody else at risk: danger now is a crisis, worry is red; nobody in particular is less."""
    rule = hit.rule
    if rule.level > Level.RED:
        return Meaning(hit, "third_person", Level.AMBER, "worried about somebody else")
    if rule.kind == "third_person":
        return Meaning(hit, rule.kind, rule.level, rule.why)
    own = context.pack.lists.get("self", frozenset())
    if context.flags & {"awareness", "academic"} and own.isdisjoint(context.sentences[hit.sentence].words):
        return Meaning(hit, "awareness", Level.GREEN, "spoke of prevention or support")
    if context.flags & {"academic", "fiction"} and not context.has("near"):
        return Meaning(hit, "mention", Level.AMBER, "spoke of somebody else")
    now = rule.kind in _DEED or "urgent" in context.flags
    if rule.level is Level.CRISIS and now:
        return Meaning(hit, "third_person", Level.CRISIS, "said somebody else may be in danger now")
    return Meaning(hit, "third_person", Level.RED, "said somebody else may be at risk")


def _in_jest(context: Context, hit: Hit) -> Meaning | None:
    """A laugh makes weak words ordinary; direct words it only lowers, firm ones not at all."""
    rule = hit.rule
    if rule.firm or rule.kind == "goodbye_hint":
        return None
    laughs, mundane = context.laughs(hit.sentence), bool(context.near("mundane", hit.sentence))
    if rule.weak:
        if laughs or mundane:
            return Meaning(hit, "idiom", Level.GREEN, "words that here mean something ordinary")
        return Meaning(hit, rule.kind, Level.RED, rule.why)
    if laughs and context.length <= _SHORT:
        words = context.sentences[hit.sentence].words[hit.begin : hit.end]
        jest = not context.pack.lists.get("jest", frozenset()).isdisjoint(words)
        level = Level.AMBER if mundane or jest or rule.level > Level.CRISIS else Level.RED
        return Meaning(hit, "idiom" if level is Level.AMBER else rule.kind, max(level, rule.level), rule.why)
    return None


def combined(context: Context, meanings: Iterable[Meaning]) -> Level:
    """The level of the whole: the worst phrase, or several that mean more together than apart."""
    found = list(meanings)
    level = min((m.level for m in found), default=Level.GREEN)
    kinds = {m.kind for m in found if m.level <= Level.AMBER}
    if level > Level.CRISIS and _farewell(context, found):
        return Level.CRISIS
    if level is Level.RED and any(_under_way(context, m) for m in found):
        return Level.CRISIS
    if level is Level.RED:
        at_risk = {m.kind for m in found if m.level is Level.RED} & {
            "abuse_disclosed", "self_harm", "passive_ideation", "eating"}  # fmt: skip
        if "minor" in context.flags and at_risk:
            return Level.CRISIS
        if "passive_ideation" in kinds and context.has("means") and kinds & {"goodbye_hint"}:
            return Level.CRISIS
    return level


def _under_way(context: Context, meaning: Meaning) -> bool:
    """Hurting oneself with blood in the message, or with a will and a time in the sentence."""
    if meaning.hit.rule.kind != "self_harm" or meaning.level is not Level.RED:
        return False
    lists, words = context.pack.lists, set(context.sentences[meaning.hit.sentence].words)
    soon = words & lists.get("now", frozenset()) and words & lists.get("intent", frozenset())
    told = meaning.kind == "third_person" and "urgent" in context.flags
    return bool(context.has("danger") or soon or told)


def _apart(hints: Sequence[Meaning]) -> list[Meaning]:
    """Hints that share no word, the longest first: one wording counts once however many phrases fit it."""
    kept: list[Meaning] = []
    for hint in sorted(hints, key=lambda m: m.hit.begin - m.hit.end):
        same = (k.hit for k in kept if k.hit.sentence == hint.hit.sentence)
        if not any(hit.begin < hint.hit.end and hint.hit.begin < hit.end for hit in same):
            kept.append(hint)
    return kept


def _wording(context: Context, meaning: Meaning) -> str:
    hit = meaning.hit
    return " ".join(context.sentences[hit.sentence].words[hit.begin : hit.end])


def _farewell(context: Context, found: Sequence[Meaning]) -> bool:
    """Two hints of a last goodbye, or one beside pain; an ordinary farewell is none."""
    hints = [m for m in found if m.kind == "goodbye_hint"]
    if not hints or "ordinary_farewell" in context.flags:
        return False
    separate = len({_wording(context, hint) for hint in _apart(hints)})
    pain = any(m.kind in {"passive_ideation", "distress", "self_harm", "ideation"} and m.level <= Level.RED
               for m in found)  # fmt: skip
    return separate > 1 or pain
