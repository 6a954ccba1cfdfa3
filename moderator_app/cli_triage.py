"""`hearthlight triage`: JSON Lines in, level and signals out; or one text explained to a person."""

import json
import sys
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any

import typer

from moderator_app import terminal
from moderator_app.desk import context, language
from moderator_app.desk.rows import Level, Reading
from moderator_app.errors import ForTheModerator

_EVEN = 0.5


def read_lines(
    explain: Annotated[
        str | None, typer.Option("--explain", metavar="TEXT", help="Say of one text why it has its level.")
    ] = None,
    lang: Annotated[str, typer.Option(help="The language of that text, where it is known.")] = "",
) -> None:
    """Read JSON Lines {"id", "text", "thread", "lang"} from standard input; write level and signals for each.

    `thread` (texts of the same person before this one, oldest first) and `lang` may be missing.
    """
    with language.Rules() as rules:
        if explain is not None:
            typer.echo(_explained(explain, rules.read([(explain, lang)])[0]))
            return
        for number, line in enumerate(sys.stdin, 1):
            if not line.strip():
                continue
            try:
                entry = json.loads(line)
            except ValueError:
                entry = None
            text = entry.get("text") if isinstance(entry, dict) else None
            if not isinstance(entry, dict) or not isinstance(text, str):
                sentence = 'Line {number} is not {{"id": ..., "text": "..."}}.'
                raise terminal.fail(ForTheModerator(sentence, number=number))
            found = _in_thread(rules, text, str(entry.get("lang") or ""), entry.get("thread"))
            typer.echo(json.dumps(_reading(entry.get("id"), text, found), ensure_ascii=False))


def _in_thread(rules: language.Rules, text: str, lang: str, thread: Any) -> Reading:
    """A text after what the same person wrote before it: that can only raise it."""
    said = [one for one in thread if isinstance(one, str)] if isinstance(thread, list) else []
    *before, found = rules.read([*((one, lang) for one in said), (text, lang)])
    earlier = [context.Before(one.level, timedelta(0)) for one in before]
    because = context.weighed(found.level, earlier, farewell=context.is_farewell(found.cues))
    if because is None:
        return found
    least = {level.word for level in (Level.CRISIS, Level.RED, Level.AMBER) if level >= because.level}
    scores = {name: max(score, _EVEN) if name in least else score for name, score in found.scores.items()}
    return replace(found, level=because.level, cues=(*found.cues, because), scores=scores)


def _reading(key: Any, text: str, found: Reading) -> dict[str, Any]:
    return {
        "id": key,
        "level": found.level.word,
        "score": dict(found.scores),
        "signals": [
            {
                "kind": cue.kind,
                "start": cue.start,
                "end": cue.end,
                "text": text[cue.start : cue.end],
                "why": cue.why,
                "level": cue.level.word,
                "lang": cue.lang,
            }
            for cue in found.cues
        ],
        "language": found.lang,
        "covered": found.covered,
        "topics": list(found.topics),
        "sentiment": found.sentiment,
        "intent": found.intent,
    }


def _explained(text: str, found: Reading) -> str:
    """A reading for people: the level, each reason with its words and the phrase that found it."""
    lines = [
        f"{found.level.word.upper()}   language: {found.lang}"
        + ("" if found.covered else " (no rules for it)")
    ]
    for cue in found.cues:
        said = f"“{' '.join(text[cue.start : cue.end].split())}”" if cue.end else "-"
        lines.append(f"  {cue.level.word:<7}{cue.kind:<18}{said}")
        lines.append(f"         {cue.why}")
        if cue.line:
            lines.append(f"         phrase: {cue.line}")
    if not found.cues:
        lines.append("  nothing in it was found to speak for anything")
    worst = [cue for cue in found.cues if cue.level is found.level]
    if found.level is not Level.GREEN and len(worst) == 1:
        after = min((cue.level for cue in found.cues if cue.level > found.level), default=Level.GREEN)
        lines.append(f"  Without that {found.level.word} reason it would be {after.word}.")
    scores = ", ".join(f"{name} {score:.3g}" for name, score in found.scores.items())
    lines.append(f"  scores: {scores}")
    topics = ", ".join(found.topics) or "none"
    lines.append(f"  sentiment: {found.sentiment}; topics: {topics}; intent: {found.intent or 'none'}")
    return "\n".join(lines)
