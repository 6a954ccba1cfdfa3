"""What every command of the terminal shares: its options, how it speaks, and how it says trouble."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.text import Text

from moderator_app.desk.rows import Level
from moderator_app.errors import ForTheModerator
from moderator_app.paths import Profile
from moderator_app.workspace import Workspace

ProfileOption = Annotated[
    Path | None, typer.Option("--profile", metavar="DIR", help="The folder of the workspace.")
]
PassphraseOption = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file", metavar="F", help="A file with the passphrase, where there is no keyring."
    ),
]
_MADE = "A new workspace was made. Its recovery key, shown once, for a safe place on paper:"
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def out() -> Console:
    return Console(file=sys.stdout, highlight=False)


def err() -> Console:
    return Console(file=sys.stderr, highlight=False)


def _plain(value: Any) -> Any:
    """Any of the desk's values as JSON knows it; levels by their word, times as ISO 8601."""
    if isinstance(value, Level):
        return value.word
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(_plain(key)): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def say(value: Any) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(_plain(value), ensure_ascii=False, indent=1))


def fail(error: ForTheModerator) -> typer.Exit:
    """Say the sentence and the remedy, and answer the exit that goes with it."""
    err().print(Text(str(error)), style="red")
    return typer.Exit(1)


def first_line(file: Path | None) -> str | None:
    """The first line of a file with a passphrase or a recovery key."""
    if file is None:
        return None
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ForTheModerator(
            "The file {file} cannot be read.", "Check its path and its owner.", file=file
        ) from error
    if not lines or not lines[0]:
        raise ForTheModerator("The file {file} is empty.", "Write one line.", file=file)
    return lines[0]


@contextmanager
def sentences() -> Iterator[None]:
    """Troubles become a sentence and exit status 1."""
    try:
        yield
    except ForTheModerator as error:
        raise fail(error) from error


@contextmanager
def opened(profile: Path | None, passphrase: Path | None) -> Iterator[Workspace]:
    """The workspace of a command; a new one shows its recovery key."""
    with sentences(), Workspace.open(Profile.at(profile), first_line(passphrase)) as workspace:
        if workspace.recovery_key:
            show_recovery(workspace.recovery_key, _MADE)
        yield workspace


def show_recovery(key: str, why: str) -> None:
    """Show a recovery key, once."""
    err().print(why)
    err().print(Text(f"  {key}"), style="bold", soft_wrap=True)


@contextmanager
def spinner(quiet: bool) -> Iterator[Callable[[str], None]]:
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), console=err(), transient=True, disable=quiet
    ) as progress:
        task = progress.add_task("")
        yield lambda words: progress.update(task, description=words)
