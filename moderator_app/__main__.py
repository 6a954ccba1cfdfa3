"""Where the program begins: the window without a command, else the command line."""

import gc
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.main import get_command

from moderator_app import cli, logs, process
from moderator_app.terminal import ProfileOption


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
