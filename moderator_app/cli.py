"""The same desk without a window: fill, pull, list, show, import, read, sum up.

Exit status: 0 done, 1 something a person must mend (one sentence on standard error), 2 wrong usage.
"""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

import moderator_app
from connectors.contract import Page
from moderator_app import cli_connectors, cli_privacy, cli_store, cli_triage, terminal
from moderator_app.desk import actions, insights, language, reading, threads, triage
from moderator_app.desk.rows import Level, Queue, QueueRow
from moderator_app.errors import ForTheModerator
from moderator_app.terminal import JsonOption, PassphraseOption, ProfileOption
from moderator_app.workspace import Workspace

app = typer.Typer(
    name="hearthlight",
    help="Look after a community around mental health: the command line of Hearthlight.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(cli_store.app, name="store")
app.add_typer(cli_privacy.app, name="privacy")
app.command()(cli_connectors.connectors)
app.command("triage")(cli_triage.read_lines)

_HOUR, _DAY = 60, 24 * 60  # in minutes
_COLOURS = {Level.CRISIS: "bold red", Level.RED: "red", Level.AMBER: "yellow", Level.GREEN: "green"}


def _bring(workspace: Workspace, since: datetime | None, tell: Callable[[str], None]) -> list[dict[str, Any]]:
    """One round trip of every account, then read what came in."""
    done = []
    total = 0

    def page(found: Page) -> None:
        nonlocal total
        total += len(found.messages)
        of = f" of {found.total}" if found.total else ""
        tell(f"{found.stream}: {found.done or total}{of}")

    for account_id, sync in workspace.syncs().items():
        if not sync.poll_seconds:
            continue  # a file that was imported once; import it again to bring its news
        trip = sync.run(progress=page, since=since)
        done.append({"account": account_id, **asdict(trip)})
    with language.Rules() as rules:
        read = reading.read_pending(workspace.desk, rules, progress=lambda n: tell(f"read {n}"))
    workspace.desk.do(triage.age)
    return [*done, {"read": read}]


@app.command()
def demo(
    profile: ProfileOption = None,
    passphrase_file: PassphraseOption = None,
    hostile: Annotated[bool, typer.Option(help="Let the community misbehave.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Fill a workspace with the demo community: invented people, invented words."""
    with terminal.opened(profile, passphrase_file) as workspace, terminal.spinner(as_json) as tell:
        workspace.connect("demo", {"community": "harbour", "seed": "7", "hostile": "1" if hostile else "0"})
        trips_done = _bring(workspace, None, tell)
        counts = workspace.desk.ask(triage.counts)
        folder = workspace.profile.folder
    if as_json:
        terminal.say({"profile": folder, "trips": trips_done, "queues": counts})
    else:
        brought = sum(trip["brought"]["new"] for trip in trips_done if "brought" in trip)
        terminal.out().print(
            f"{brought} messages are in {folder}, {counts[Queue.OPEN]} conversations are open."
        )


@app.command()
def pull(
    profile: ProfileOption = None,
    passphrase_file: PassphraseOption = None,
    days: Annotated[int | None, typer.Option(help="At the first pull, how many days to go back.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Send what is due and bring what is new, for every account."""
    since = datetime.now(tz=UTC) - timedelta(days=days) if days is not None else None
    with terminal.opened(profile, passphrase_file) as workspace, terminal.spinner(as_json) as tell:
        if not workspace.syncs():
            raise ForTheModerator(
                "No account is connected yet.", "Connect one in the window, or try hearthlight demo."
            )
        done = _bring(workspace, since, tell)
    if as_json:
        terminal.say(done)
    for trip in done:
        if "health" not in trip:
            continue
        if not as_json:
            brought = trip["brought"]
            terminal.out().print(
                f"account {trip['account']}: {brought['new']} new, {brought['edited']} edited, "
                f"{brought['gone']} gone, {trip['sent']} sent"
            )
        if trip["health"] != "ok":
            raise terminal.fail(ForTheModerator("The platform cannot be reached: {why}", why=trip["trouble"]))


def _item(row: QueueRow) -> dict[str, Any]:
    """A card as JSON: its level, why it has it, and where it stands."""
    found = asdict(row)
    found["reasons"] = [{**asdict(cue), "words": _words(row, cue.start, cue.end)} for cue in row.reasons]
    return found


def _words(row: QueueRow, start: int, end: int) -> str:
    """The words behind a reason, where the excerpt holds them."""
    for cue, span in zip([cue for cue in row.reasons if cue.end > cue.start], row.excerpt_cues, strict=False):
        if (cue.start, cue.end) == (start, end):
            return row.excerpt[span.start : span.end]
    return ""


@app.command("queue")
def show_queue(
    profile: ProfileOption = None,
    passphrase_file: PassphraseOption = None,
    name: Annotated[Queue, typer.Option("--queue", help="Which queue.")] = Queue.OPEN,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Print a queue in its order: level, then overdue, then age; each with its reasons."""
    with terminal.opened(profile, passphrase_file) as workspace:
        workspace.desk.do(triage.age)
        rows = workspace.desk.ask(triage.queue, name, None, limit)
        now = workspace.desk.clock.now()
    if as_json:
        terminal.say([_item(row) for row in rows])
        return
    table = Table(box=None, pad_edge=False, expand=True)
    for heading, width in (("#", 5), ("level", 6), ("waits", 7), ("who", 14)):
        table.add_column(heading, min_width=width, max_width=width, no_wrap=True)
    for heading in ("what", "why"):
        table.add_column(heading, ratio=1, overflow="fold")
    for row in rows:
        why = ", ".join(dict.fromkeys(cue.why for cue in row.reasons)) or "not read yet" * row.pending
        waits = _span(now - row.waiting_since)
        level = Text(row.level.word, style=_COLOURS[row.level])
        excerpt = " ".join(row.excerpt.split())[:120]
        table.add_row(str(row.item_id), level, waits, Text(row.person), Text(excerpt), Text(why))
    terminal.out().print(table)


def _span(waited: timedelta) -> str:
    """How long somebody has waited, in the unit that a person would use."""
    minutes = waited // timedelta(minutes=1)
    if minutes < _HOUR:
        return f"{minutes} min"
    return f"{minutes // _HOUR} h" if minutes < 2 * _DAY else f"{minutes // _DAY} d"


@app.command()
def show(
    item: Annotated[int, typer.Argument(help="The number of a conversation, as queue prints it.")],
    profile: ProfileOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print one conversation whole: its messages, why it has its level, and what was done."""
    with terminal.opened(profile, passphrase_file) as workspace:
        found = workspace.desk.ask(threads.view, item)
    if as_json:
        terminal.say(asdict(found))
        return
    out = terminal.out()
    title = found.item.title or found.item.channel
    out.print(Text.assemble((found.item.level.word, _COLOURS[found.item.level]), "  ", (title, "bold")))
    for message in found.messages:
        who = f"{message.person} (us)" if message.ours else message.person
        out.print(Text(f"\n{who}, {message.at:%Y-%m-%d %H:%M} UTC", style="bold"))
        text = Text("(deleted by its author)" if message.gone else message.text)
        for cue in message.cues:
            text.stylize("underline " + _COLOURS[cue.level], cue.start, cue.end)
        out.print(text)
    for action in reversed(found.history):
        out.print(Text(f"{action.at:%H:%M} {action.who}: {action.kind.value} ({action.state.value})"))


@app.command("import")
def bring_in(
    file: Annotated[Path, typer.Argument(help="A CSV, JSON Lines, mbox or ZIP export.")],
    profile: ProfileOption = None,
    passphrase_file: PassphraseOption = None,
    mapping: Annotated[
        str | None, typer.Option(help='Which column is what, as JSON: {"text": "body", ...}.')
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Import an export file; importing it twice adds nothing."""
    if not file.is_file():
        raise terminal.fail(ForTheModerator("There is no file {file}.", "Check its path.", file=file))
    values = {"path": str(file.resolve()), "mapping": mapping or ""}
    with terminal.opened(profile, passphrase_file) as workspace, terminal.spinner(as_json) as tell:
        account = workspace.connect("archive", values)
        trip = workspace.syncs()[account].run(
            progress=lambda page: tell(f"{page.done} of {page.total or '?'}")
        )
        if trip.health != "ok":
            raise ForTheModerator("The file cannot be imported: {why}", why=trip.trouble)
        with language.Rules() as rules:
            read = reading.read_pending(workspace.desk, rules, progress=lambda n: tell(f"read {n}"))
    if as_json:
        terminal.say({**asdict(trip.brought), "read": read})
    else:
        terminal.out().print(f"{trip.brought.new} messages imported, {trip.brought.skipped} rows skipped.")


@app.command()
def summary(
    profile: ProfileOption = None,
    passphrase_file: PassphraseOption = None,
    week: Annotated[bool, typer.Option("--week", help="The last whole week (the default).")] = True,
    monday: Annotated[
        datetime | None, typer.Option(help="Another week, by a day in it.", formats=["%Y-%m-%d"])
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write Markdown, CSV and PDF into this folder.")] = None,
    as_json: JsonOption = False,
) -> None:
    """The weekly summary: counts only, small ones hidden, each with its definition."""
    del week  # the only span there is; the word makes the command say what it does
    with terminal.opened(profile, passphrase_file) as workspace:
        found = workspace.desk.ask(insights.week, monday.date() if monday else None)
        files = _written(workspace, found, out) if out is not None else []
    if as_json:
        terminal.say({**insights.as_data(found), "files": files})
    elif files:
        terminal.out().print("\n".join(str(file) for file in files))
    else:
        typer.echo(insights.markdown(found))
        terminal.err().print("With --out FOLDER it is written there as Markdown, CSV and PDF with its chart.")


def _written(workspace: Workspace, week: insights.Week, folder: Path) -> list[Path]:
    from moderator_app.desk import paper  # noqa: PLC0415 - the PDF library is only loaded for a PDF

    files = paper.export(week, folder)
    workspace.desk.do(actions.exported, str(week.monday), files)
    return files


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(moderator_app.__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
