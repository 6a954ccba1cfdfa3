"""`hearthlight connectors`: what can be done on which platform, and what that was tried on."""

from typing import Annotated, Any, Final

import typer
from rich.table import Table

from connectors import registry
from connectors.contract import Connector, Verb
from moderator_app import terminal
from moderator_app.terminal import JsonOption

_DEPENDS: Final = "depends on the account's role, scope or server"


def table() -> list[dict[str, Any]]:
    """Each platform: its streams, and for each verb whether it can be, why not, and on what it was tried."""
    return [_row(key, kind) for key, kind in registry.available().items()]


def _row(key: str, kind: type[Connector]) -> dict[str, Any]:
    return {
        "platform": key,
        "name": kind.name,
        "streams": list(kind.streams),
        "verbs": {verb.value: _verb(kind, verb) for verb in Verb},
    }


def _verb(kind: type[Connector], verb: Verb) -> dict[str, Any]:
    if verb in kind.lacks or verb not in kind.tested_on:
        return {"can": False, "why_not": kind.lacks.get(verb, _DEPENDS), "tested_on": ""}
    return {"can": True, "why_not": "", "tested_on": kind.tested_on[verb]}


def markdown() -> str:
    """The same as the table of docs/connectors.md: a row for each verb, a column for each platform."""
    rows = table()
    lines = ["| | " + " | ".join(row["platform"] for row in rows) + " |", "|---" * (len(rows) + 1) + "|"]
    for verb in Verb:
        cells = [row["verbs"][verb.value]["tested_on"] or "-" for row in rows]
        lines.append(f"| {verb.value} | " + " | ".join(cells) + " |")
    lines += ["", "Why not:", ""]
    for row in rows:
        reasons: dict[str, list[str]] = {}
        for verb, found in row["verbs"].items():
            if not found["can"]:
                reasons.setdefault(found["why_not"], []).append(verb)
        said = "; ".join(f"*{', '.join(verbs)}*: {why}" for why, verbs in reasons.items())
        lines.append(f"- **{row['platform']}**: {said}" if said else f"- **{row['platform']}**: everything")
    return "\n".join(lines) + "\n"


def connectors(
    as_json: JsonOption = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="As the page in docs has it.")] = False,
) -> None:
    """Say what can be done on which platform, and what each verb was tried on."""
    if as_json:
        terminal.say(table())
        return
    if as_markdown:
        typer.echo(markdown(), nl=False)
        return
    shown = Table(box=None, pad_edge=False)
    for name in ("platform", "can", "cannot"):
        shown.add_column(name, overflow="fold")
    for row in table():
        can = [verb for verb, found in row["verbs"].items() if found["can"]]
        cannot = [verb for verb, found in row["verbs"].items() if not found["can"]]
        shown.add_row(row["platform"], ", ".join(can), ", ".join(cannot))
    terminal.out().print(shown)
