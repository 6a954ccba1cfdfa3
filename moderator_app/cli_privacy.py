"""Privacy from the command line: retention, the sweep, erasure, holds and access requests."""

import uuid
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from moderator_app import terminal
from moderator_app.desk import access, audit, erasure, expiry, holds, requests, retention
from moderator_app.desk.desk import Ctx
from moderator_app.desk.requests import RequestRow, Target
from moderator_app.desk.rows import Level
from moderator_app.errors import ForTheModerator
from moderator_app.models.privacy import RequestKind, RequestState
from moderator_app.terminal import JsonOption, PassphraseOption, ProfileOption
from moderator_app.workspace import Workspace

app = typer.Typer(help="What is kept, for how long, and how it is forgotten.", no_args_is_help=True)

ByOption = Annotated[str, typer.Option("--by", help="The name of the second person, who confirms.")]
RequestArgument = Annotated[str, typer.Argument(help="The number of the request.")]
PersonOption = Annotated[str | None, typer.Option(help="A handle as the platform shows it, or #number.")]
_REMAINS = {
    "hold": "{messages} messages are kept by a hold until {until}.",
    "copies": "These copies are younger than the erasure by their clock: {files}.",
    "bundle": "These access bundles hold words and still exist: {files}.",
    "weeks": "These weekly summaries exist; they hold counts only: {files}.",
    "import": "These imported files are not ours to touch and still exist: {files}.",
    "elsewhere": "Copies that were taken elsewhere cannot be reached from here.",
}


def _request(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise ForTheModerator("{text} is not the number of a request.", text=text) from None


def _by_id(workspace: Workspace, request_id: uuid.UUID) -> RequestRow:
    return workspace.desk.ask(requests.one, request_id)


@app.command("retention")
def show_retention(
    profile: ProfileOption = None,
    passphrase_file: PassphraseOption = None,
    platform: Annotated[str | None, typer.Option(help="Change the rule of this platform.")] = None,
    level: Annotated[str | None, typer.Option(help="At this level only.")] = None,
    days: Annotated[int | None, typer.Option(help="Days after the last message.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show how long words are kept, or change it with --platform and --days."""
    with terminal.opened(profile, passphrase_file) as workspace:
        if platform is not None and days is not None:
            for one in _levels(level):
                workspace.desk.do(retention.set_days, platform, one, days)
        elif platform is not None or days is not None or level is not None:
            raise ForTheModerator("A rule needs --platform and --days.")
        rows = workspace.desk.ask(retention.table)
    if as_json:
        terminal.say([asdict(row) for row in rows])
        return
    table = Table("platform", "level", "days", "kept", "within a week", "due, still open", "held", "next")
    for row in rows:
        numbers = (row.days, row.kept, row.due_soon, row.due_open, row.held)
        next_at = f"{row.next_at:%Y-%m-%d}" if row.next_at else ""
        table.add_row(row.platform, row.level.word, *map(str, numbers), next_at)
    terminal.out().print(table)


def _levels(name: str | None) -> list[Level]:
    try:
        return [Level[name.upper()]] if name else list(Level)
    except KeyError:
        raise ForTheModerator("There is no level {name}.", name=name) from None


@app.command()
def due(
    profile: ProfileOption = None,
    passphrase_file: PassphraseOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """The conversations whose words are forgotten next."""
    with terminal.opened(profile, passphrase_file) as workspace:
        found = workspace.desk.ask(retention.nearest, limit)
    if as_json:
        terminal.say([asdict(row) for row in found])
        return
    for row in found:
        terminal.out().print(f"{row.at:%Y-%m-%d %H:%M}  item {row.item_id}  {row.platform}, {row.level.word}")
    if not found:
        terminal.out().print("Nothing is due.")


@app.command()
def run(
    profile: ProfileOption = None, passphrase_file: PassphraseOption = None, as_json: JsonOption = False
) -> None:
    """Forget what is over its time, and go on with erasures that were stopped."""
    with terminal.opened(profile, passphrase_file) as workspace, terminal.spinner(as_json) as tell:
        finished = _go_on(workspace)
        found = expiry.run(workspace.desk, lambda done, total: tell(f"{done} of {total}"))
    if as_json:
        terminal.say({**asdict(found), "erasures": finished})
        return
    terminal.out().print(
        f"{found.messages + found.unconfirmed} messages were forgotten. {found.due_open} conversations are "
        f"due and still open, {found.held} are held. {finished} erasures were finished."
    )


def _go_on(workspace: Workspace) -> int:
    return erasure.run(workspace.desk, workspace.backups)


@app.command()
def sweep(
    profile: ProfileOption = None, passphrase_file: PassphraseOption = None, as_json: JsonOption = False
) -> None:
    """Ask every platform which known messages were deleted there."""
    with terminal.opened(profile, passphrase_file) as workspace, terminal.spinner(as_json) as tell:
        found: list[dict[str, Any]] = [
            {"account": account, **asdict(sync.check(lambda done, total: tell(f"{done} of {total}")))}
            for account, sync in workspace.syncs().items()
            if sync.poll_seconds
        ]
    if as_json:
        terminal.say(found)
        return
    for one in found:
        gone = one["brought"]["gone"]
        terminal.out().print(f"Account {one['account']}: {one['health']}, {gone} were gone.")


@app.command()
def erase(
    profile: ProfileOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    person: PersonOption = None,
    thread: Annotated[int | None, typer.Option(help="The number of a thread.")] = None,
    account: Annotated[int | None, typer.Option(help="The number of an account of ours.")] = None,
    begins: Annotated[
        datetime | None, typer.Option("--from", help="The first day (UTC).", formats=["%Y-%m-%d"])
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--until", help="The day after the last.", formats=["%Y-%m-%d"])
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask for an erasure and see what would go; nothing goes before somebody else confirms it."""
    with terminal.opened(profile, passphrase_file) as workspace:
        target = _target(workspace, (person, thread, account), begins, until)
        copies = len(workspace.backups.list()) if workspace.backups else 0
        found = workspace.desk.ask(erasure.preview, target, copies)
        request_id = workspace.desk.do(erasure.ask, target)
    if as_json:
        terminal.say({"request": request_id, "target": str(target), **asdict(found)})
        return
    terminal.out().print(
        f"Request {request_id}: {found.messages} messages, {found.replies} replies of ours, {found.notes} "
        f"notes, {found.drafts} drafts would go, and {found.copies} copies of the store. {found.pending} "
        f"replies would not be sent. {found.held} messages are kept by a hold.",
        soft_wrap=True,
    )
    if found.mentions:
        terminal.out().print(f"{found.mentions} notes on other people name them: look at these yourself.")
    said = f"Somebody else confirms: hearthlight privacy confirm {request_id} --by NAME"
    terminal.out().print(said, soft_wrap=True)


@app.command()
def confirm(
    request: RequestArgument,
    by: ByOption,
    profile: ProfileOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    bundles: Annotated[
        bool, typer.Option("--with-bundles", help="Also delete known access bundles.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Be the second person: an erasure begins, a hold stands."""
    with terminal.opened(profile, passphrase_file) as workspace:
        key = _request(request)
        row = _by_id(workspace, key)
        if row.kind is RequestKind.HOLD:
            workspace.desk.do(holds.confirm, key, by)
        else:
            workspace.desk.do(erasure.confirm, key, by, with_bundles=bundles)
            _go_on(workspace)
        row = _by_id(workspace, key)
    if as_json:
        terminal.say(asdict(row))
    elif row.kind is RequestKind.HOLD:
        terminal.out().print(_line(row), soft_wrap=True)
    else:
        _show(row)


@app.command()
def withdraw(
    request: RequestArgument,
    profile: ProfileOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back a request that nobody has confirmed."""
    with terminal.opened(profile, passphrase_file) as workspace:
        workspace.desk.do(requests.withdraw, _request(request))
        row = _by_id(workspace, _request(request))
    if as_json:
        terminal.say(asdict(row))
    else:
        terminal.out().print(_line(row), soft_wrap=True)


def _target(
    workspace: Workspace,
    named: tuple[str | None, int | None, int | None],
    begins: datetime | None,
    until: datetime | None,
) -> Target:
    person, thread, account = named
    if person is not None:
        return Target("person", workspace.desk.ask(requests.person_named, person))
    if thread is not None:
        return Target("thread", thread)
    if begins is not None and until is not None:
        return Target("range", account or 0, begins.replace(tzinfo=UTC), until.replace(tzinfo=UTC))
    if account is not None:
        return Target("account", account)
    raise ForTheModerator("Say what to erase: --person, --thread, --account, or --from and --until.")


def _show(row: RequestRow) -> None:
    if row.state is RequestState.RUNNING:
        terminal.out().print("It is not finished yet; it goes on at the next start.")
        return
    counts, proof = row.proof.get("counts", {}), row.proof
    hits = sum(proof["found"].values())
    terminal.out().print(
        f"{counts.get('messages', 0)} messages were erased. {proof['words_checked']} words were looked for "
        f"in {proof['cells_read']} cells and the search index: {hits} were found."
    )
    for one in proof["remains"]:
        files = ", ".join(one.get("files", []))
        terminal.out().print(_REMAINS[one["what"]].format(**{**one, "files": files}), soft_wrap=True)


@app.command()
def hold(
    profile: ProfileOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    item: Annotated[list[int] | None, typer.Option(help="The number of an item; may be given twice.")] = None,
    reason: Annotated[str, typer.Option(help="Why, in a few words of your own.")] = "",
    basis: Annotated[str, typer.Option(help="The legal basis.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Keep conversations past retention and erasure; without --item, list the holds."""
    with terminal.opened(profile, passphrase_file) as workspace:
        workspace.desk.do(holds.lapse)
        if item:
            workspace.desk.do(holds.ask, item, reason, basis)
        found = [row for row in workspace.desk.ask(requests.rows) if row.kind is RequestKind.HOLD]
    _list(found, as_json, "There are no holds.")


@app.command()
def renew(
    request: RequestArgument,
    by: ByOption,
    profile: ProfileOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a hold stand for another ninety days; a second person agrees by name."""
    with terminal.opened(profile, passphrase_file) as workspace:
        workspace.desk.do(holds.renew, _request(request), by)
        found = [_by_id(workspace, _request(request))]
    _list(found, as_json, "")


@app.command()
def review(
    request: RequestArgument,
    profile: ProfileOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that somebody looked at a hold and its reason still stands."""
    with terminal.opened(profile, passphrase_file) as workspace:
        workspace.desk.do(holds.review, _request(request))
        found = [_by_id(workspace, _request(request))]
    _list(found, as_json, "")


@app.command()
def release(
    request: RequestArgument,
    profile: ProfileOption = None,
    passphrase_file: PassphraseOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a hold."""
    with terminal.opened(profile, passphrase_file) as workspace:
        workspace.desk.do(holds.release, _request(request))
        found = [_by_id(workspace, _request(request))]
    _list(found, as_json, "")


@app.command("access")
def access_request(
    profile: ProfileOption = None,
    passphrase_file: PassphraseOption = None,
    *,
    person: PersonOption = None,
    out: Annotated[Path | None, typer.Option(help="Write the bundle into this folder.")] = None,
    request: Annotated[str | None, typer.Option(help="A request that was written down before.")] = None,
    answered: Annotated[bool, typer.Option("--answered", help="It was handed over.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write down that somebody asked what is held on them, and write the bundle for them."""
    with terminal.opened(profile, passphrase_file) as workspace:
        desk, key = workspace.desk, _started(workspace, request, person)
        path = access.write(desk, key, out) if out is not None else None
        if answered:
            desk.do(access.answered, key)
        row = _by_id(workspace, key)
    if as_json:
        terminal.say({**asdict(row), "file": path})
        return
    due_at = f"{row.due_at:%Y-%m-%d}" if row.due_at else ""
    terminal.out().print(f"Request {key}: due on {due_at}, {row.state.value}.", soft_wrap=True)
    if path is not None:
        terminal.out().print(
            f"{path} holds what they wrote: hand it over safely, then delete it.", soft_wrap=True
        )


def _started(workspace: Workspace, request: str | None, person: str | None) -> uuid.UUID:
    if request is not None:
        return _request(request)
    if person is not None:
        return workspace.desk.do(access.ask, workspace.desk.ask(requests.person_named, person))
    raise ForTheModerator("Say who asked: --person HANDLE, or --request for one that is known.")


@app.command("requests")
def list_requests(
    profile: ProfileOption = None, passphrase_file: PassphraseOption = None, as_json: JsonOption = False
) -> None:
    """All requests with their states and due dates."""
    with terminal.opened(profile, passphrase_file) as workspace:
        found = workspace.desk.ask(requests.rows)
    _list(found, as_json, "There are no requests.")


@app.command("audit")
def show_audit(
    profile: ProfileOption = None,
    passphrase_file: PassphraseOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many lines.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """The newest lines of the record, and whether each follows from the one above it."""
    with terminal.opened(profile, passphrase_file) as workspace:
        lines, broken, jumps = workspace.desk.ask(_record, limit)
    if as_json:
        found = {"broken": broken, "clock_jumps": jumps, "lines": [asdict(line) for line in lines]}
        terminal.say(found)
    else:
        for line in lines:
            back = "  (clock set back)" if line.clock_back else ""
            said = f"{line.seq}  {line.at:%Y-%m-%d %H:%M}  {line.who}  {line.what} {line.target}{back}"
            terminal.out().print(Text(said), soft_wrap=True)
        terminal.out().print(
            "Every line follows from the one above it."
            if broken is None
            else f"Line {broken} does not follow from the one above it: the record was changed."
        )
        if jumps:
            terminal.out().print(f"Lines written while the clock stood back: {jumps}.")
    if broken is not None:
        raise typer.Exit(1)


def _record(ctx: Ctx, limit: int) -> tuple[list[audit.Line], int | None, int]:
    return audit.lines(ctx, limit=limit), audit.broken(ctx), audit.clock_jumps(ctx)


def _list(found: list[RequestRow], as_json: bool, nothing: str) -> None:
    if as_json:
        terminal.say([asdict(row) for row in found])
        return
    for row in found:
        terminal.out().print(_line(row), soft_wrap=True)
    if not found:
        terminal.out().print(nothing)


def _line(row: RequestRow) -> str:
    ends: Any = row.ends_at if row.kind is RequestKind.HOLD else row.due_at
    late = f", {row.reminder} days have passed" if row.reminder else ""
    when = f"{ends:%Y-%m-%d}" if ends else ""
    return f"{row.request_id}  {row.kind.value} {row.target}: {row.state.value}, {when}{late}"
