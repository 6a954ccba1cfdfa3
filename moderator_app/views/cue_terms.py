"""The words for what triage hears: kinds of cues, and the languages that it reads."""

from typing import Final

from PySide6.QtCore import QCoreApplication, QLocale

from moderator_app.desk.rows import Heard, PackChange
from moderator_app.views import words

# What a scope made of a phrase: it stands for less than its words alone would.
SCOPED: Final = frozenset(
    {"negated", "past", "idiom", "quote", "mention", "academic", "awareness", "help_offer", "third_person"}
)


def _kinds() -> dict[str, str]:
    tr = QCoreApplication.translate
    return {
        "ideation": tr("CueKind", "Thoughts of ending one's life"),
        "passive_ideation": tr("CueKind", "Not wanting to be here"),
        "plan": tr("CueKind", "A plan"),
        "means": tr("CueKind", "Means"),
        "attempt": tr("CueKind", "An attempt"),
        "goodbye": tr("CueKind", "A goodbye"),
        "goodbye_hint": tr("CueKind", "Perhaps a goodbye"),
        "self_harm": tr("CueKind", "Self-harm"),
        "third_person": tr("CueKind", "Worry about somebody else"),
        "past": tr("CueKind", "In the past"),
        "negated": tr("CueKind", "Denied"),
        "idiom": tr("CueKind", "A figure of speech or a jest"),
        "quote": tr("CueKind", "Quoted, or a story"),
        "mention": tr("CueKind", "A mention"),
        "academic": tr("CueKind", "A subject of study"),
        "awareness": tr("CueKind", "Prevention and support"),
        "help_offer": tr("CueKind", "An offer of help"),
        "help_seeking": tr("CueKind", "Asking for help"),
        "distress": tr("CueKind", "Distress"),
        "grief": tr("CueKind", "Grief"),
        "eating": tr("CueKind", "Eating"),
        "eating_harm": tr("CueKind", "Pressure about eating"),
        "abuse_disclosed": tr("CueKind", "Told of abuse"),
        "minor_at_risk": tr("CueKind", "A minor at risk"),
        "psychosis_like": tr("CueKind", "Frightening beliefs or voices"),
        "abuse": tr("CueKind", "Abuse aimed at somebody"),
        "incitement": tr("CueKind", "Telling somebody to hurt themselves"),
        "incitement_against_me": tr("CueKind", "Was told to hurt themselves"),
        "hate": tr("CueKind", "Hate"),
        "threat": tr("CueKind", "A threat"),
        "doxxing": tr("CueKind", "Private details of somebody"),
        "spam": tr("CueKind", "Spam"),
        "complaint": tr("CueKind", "A complaint"),
        "praise": tr("CueKind", "Praise"),
        "suggestion": tr("CueKind", "A suggestion"),
        "thanks": tr("CueKind", "Thanks"),
        "follow_up": tr("CueKind", "Something to come back to"),
        "resource_request": tr("CueKind", "Looking for something that helps"),
        "report": tr("CueKind", "A report"),
        "reported": tr("CueKind", "Reported"),
        "context": tr("CueKind", "What came before"),
        "unreadable": tr("CueKind", "Could not be read"),
        "not_covered": tr("CueKind", "Language without rules"),
        "too_long": tr("CueKind", "Too long to be read whole"),
    }


def heard(one: Heard) -> str:
    """The name of a queue by what was heard."""
    tr = QCoreApplication.translate
    return {
        Heard.WORRY: tr("CueKind", "Worry for others"),
        Heard.MINORS: tr("CueKind", "Minors at risk"),
        Heard.TOLD: tr("CueKind", "Told of abuse"),
        Heard.ATTACKS: tr("CueKind", "Attacks on people"),
        Heard.THREATS: tr("CueKind", "Threats"),
        Heard.DOXXING: tr("CueKind", "Private details"),
        Heard.SPAM: tr("CueKind", "Spam"),
        Heard.UNREADABLE: tr("CueKind", "Not covered"),
    }[one]


def kind(name: str) -> str:
    """What a kind of cue is called; one that came with a newer pack by its own name."""
    return _kinds().get(name) or name.replace("_", " ")


def change(one: PackChange) -> str:
    """A change to the packs in a sentence."""
    tr = QCoreApplication.translate
    level = "" if one.level is None else words.level(one.level)
    if one.what == "add":
        told = tr("CueKind", "Hear “{phrase}” ({language}) as {level}: {kind}")
    elif one.what == "level":
        told = tr("CueKind", "Take “{phrase}” ({language}) as {level}")
    else:
        told = tr("CueKind", "No longer hear “{phrase}” ({language})")
    return told.format(phrase=one.line, language=language(one.lang), level=level, kind=kind(one.kind))


def language(code: str) -> str:
    """A language in the reader's own; "" for none."""
    if code in {"", "und"}:
        return ""
    if code == "hi-Latn":
        return QCoreApplication.translate("CueKind", "Hinglish")
    found = QLocale.codeToLanguage(code.split("-", maxsplit=1)[0])
    return QLocale.languageToString(found) if found != QLocale.Language.AnyLanguage else code
