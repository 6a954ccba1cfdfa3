"""Where the program begins: the window without a command, else the command line."""

import gc
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text
from typer.main import get_command

from moderator_app import cli, logs, process, terminal
from moderator_app import doctor as checks
from moderator_app.paths import Profile
from moderator_app.terminal import JsonOption, PassphraseOption, ProfileOption


@cli.app.command()
def window(
    profile: ProfileOption = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="A throwaway workspace with the demo community.")
    ] = False,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Look at the workspace and write nothing.")
    ] = False,
    leave_nothing: Annotated[
        bool,
        typer.Option("--leave-nothing", help="Fetch afresh, and forget all that was fetched at the end."),
    ] = False,
    debug: Annotated[bool, typer.Option(help="Log more; never what anybody wrote.")] = False,
) -> None:
    """Open the window (what happens without a command, too)."""
    gc.disable()  # nothing that is loaded at the start is garbage; the window collects its own
    from moderator_app import app  # noqa: PLC0415 - Qt is loaded only for a window

    status = app.run(profile, demo=demo, debug=debug, read_only=read_only, leave_nothing=leave_nothing)
    raise typer.Exit(status)


@cli.app.command()
def tour(
    out: Annotated[Path, typer.Option(help="Where the pictures and the export go.")] = Path("build/tour"),
) -> None:
    """Walk the real window through a shift on the demo community and leave pictures of it."""
    from moderator_app import tour as walk  # noqa: PLC0415 - Qt is loaded only for a window

    raise typer.Exit(walk.run(out))


@cli.app.command()
def doctor(
    profile: ProfileOption = None, passphrase_file: PassphraseOption = None, as_json: JsonOption = False
) -> None:
    """Check this machine and the workspace, and say in plain words what to do."""
    with terminal.sentences():
        found = checks.examine(Profile.at(profile), terminal.first_line(passphrase_file))
    found.append(checks.desktop(_heard()))
    if as_json:
        terminal.say([asdict(check) for check in found])
    else:
        for check in found:
            mark = Text("ok  " if check.ok else "LOOK", style="green" if check.ok else "bold red")
            terminal.out().print(Text.assemble(mark, f"  {check.name}: {check.said}"))
    if not all(check.ok for check in found):
        raise typer.Exit(1)


def _heard() -> dict[str, bool] | None:
    """What the desktop tells; None where Qt does not load, as on a server that only has the command line."""
    try:
        from moderator_app.views import desktop_session  # noqa: PLC0415 - no other command wants Qt
    except ImportError:
        return None
    return desktop_session.available()


@cli.app.command(hidden=True)
def self_test() -> None:
    """Check that a bundle holds all it needs: store, keyring, rules, pictures, paper."""
    from moderator_app import selftest  # noqa: PLC0415

    raise typer.Exit(selftest.run())


@cli.app.command(hidden=True)
def language_worker() -> None:
    """Read texts for the window, in a process of its own."""
    from moderator_app.desk import language  # noqa: PLC0415

    language.serve()


_FOR_THE_COMMAND_LINE = {"-h", "--help", "--version", "--install-completion", "--show-completion"}


def main() -> None:
    """The console entry point; without a command the window opens."""
    process.keep_private()
    logs.to_terminal()
    words = sys.argv[1:]
    if not words or (words[0].startswith("-") and words[0] not in _FOR_THE_COMMAND_LINE):
        words = ["window", *words]
    # Called itself, Typer puts its own hook over ours, and that one prints what an error says.
    get_command(cli.app)(words)


if __name__ == "__main__":
    main()
