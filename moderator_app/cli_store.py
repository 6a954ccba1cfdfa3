"""The store from the command line: verify, backup, restore, recover, stats; and its keys."""

from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.text import Text

from moderator_app import terminal
from moderator_app.backups import Backup, Backups
from moderator_app.errors import ForTheModerator
from moderator_app.keys import Key
from moderator_app.models.copies import Tell
from moderator_app.paths import Profile
from moderator_app.terminal import JsonOption, PassphraseOption, ProfileOption
from moderator_app.vault import Vault
from moderator_app.workspace import Workspace, key_of

app = typer.Typer(help="Look after the encrypted file: verify, back up, restore, recover, its keys.")

RecoveryOption = Annotated[
    Path | None,
    typer.Option("--recovery-file", metavar="F", help="A file with the recovery key, to open with it."),
]


def _key(profile: Profile, passphrase: Path | None, recovery: Path | None = None) -> bytearray:
    vault = Vault(profile.vault)
    if not vault.exists:
        raise ForTheModerator("There is no workspace in {folder}.", "Check --profile.", folder=profile.folder)
    return key_of(vault, terminal.first_line(passphrase), terminal.first_line(recovery))


def _closed(folder: Path | None, passphrase: Path | None, recovery: Path | None = None) -> Backups:
    """The backups of a profile that nothing has open."""
    profile = Profile.at(folder)
    return Backups(profile, Vault(profile.vault), Key(_key(profile, passphrase, recovery)))


class _Bar(AbstractContextManager["Tell"]):
    """A bar that fills while work goes on; silent for JSON."""

    def __init__(self, title: str, *, quiet: bool) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn()
        self._progress = Progress(*columns, console=terminal.err(), transient=True, disable=quiet)
        self._task = self._progress.add_task(title)

    def __enter__(self) -> Tell:
        self._progress.start()
        return lambda done, total: self._progress.update(self._task, completed=done, total=total)

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


@app.command()
def verify(
    profile: ProfileOption = None,
    passphrase_file: PassphraseOption = None,
    backup: Annotated[str | None, typer.Option(help="Look through a backup instead, by its name.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Look through every page, table and index, and the chain of the audit."""
    with terminal.sentences():
        if backup is not None:
            found = _closed(profile, passphrase_file).verify(backup)
            wrong, rows = list[str](), found.rows
        else:
            with Workspace.open(Profile.at(profile), terminal.first_line(passphrase_file)) as workspace:
                wrong, rows = workspace.verify(), workspace.stats()["rows"]
    if as_json:
        terminal.say({"ok": not wrong, "damaged": wrong, "rows": rows})
    elif not wrong:
        terminal.out().print("Every page, every table and the audit check out.")
    else:
        for line in wrong:
            terminal.out().print(Text(line))
        terminal.out().print("Keep a copy of the folder, then run: hearthlight store recover")
    if wrong:
        raise typer.Exit(1)


@app.command()
def backup(
    profile: ProfileOption = None,
    passphrase_file: PassphraseOption = None,
    to: Annotated[Path | None, typer.Option(help="Also put a copy into this folder, to take along.")] = None,
    keep: Annotated[int, typer.Option(min=1, help="How many to keep.")] = 7,
    as_json: JsonOption = False,
) -> None:
    """Make a backup under a key of its own, open it and compare it."""
    with (
        terminal.sentences(),
        Workspace.open(Profile.at(profile), terminal.first_line(passphrase_file)) as workspace,
    ):
        assert workspace.backups is not None  # only a throwaway has none
        with _Bar("Backing up", quiet=as_json) as tell:
            made = workspace.backups.make(keep=keep, tell=tell)
        place = workspace.backups.take_along(made.name, to) if to is not None else None
        folder = workspace.profile.backups
    if as_json:
        terminal.say({**asdict(made), "file": folder / made.name, "copy": place})
        return
    terminal.out().print(
        f"{folder / made.name}: {made.rows['message']:,} messages, {made.bytes // 2**20} MB."
    )
    if place is not None:
        terminal.out().print(f"The copy in {place} opens with the passphrase or the recovery key alone.")


@app.command("backups")
def list_backups(
    profile: ProfileOption = None, passphrase_file: PassphraseOption = None, as_json: JsonOption = False
) -> None:
    """List the backups, newest first."""
    with terminal.sentences():
        found = _closed(profile, passphrase_file).list()
    if as_json:
        terminal.say([asdict(one) for one in found])
        return
    for one in found:
        terminal.out().print(Text(_line(one)))
    if not found:
        terminal.out().print("There is no backup yet. Make one: hearthlight store backup")


def _line(one: Backup) -> str:
    what = f"{one.rows['message']:,} messages" if one.rows else "a store that was put aside"
    missing = "" if one.here else ", its file is not here"
    return f"{one.name}  {one.made_at:%Y-%m-%d %H:%M} UTC, {one.bytes / 2**20:.1f} MB, {what}{missing}"


@app.command()
def restore(
    name: Annotated[str | None, typer.Argument(help="Which backup; the newest where none is named.")] = None,
    profile: ProfileOption = None,
    passphrase_file: PassphraseOption = None,
    recovery_file: RecoveryOption = None,
    taken_along: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", help="A copy that was taken along, into an empty profile."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Put a backup in the place of the store, which is put aside and can be restored itself."""
    with terminal.sentences():
        if taken_along is not None:
            name = _bring(Profile.at(profile), taken_along)
        backups = _closed(profile, passphrase_file, recovery_file)
        chosen = name or next((one.name for one in backups.list() if one.own_key and one.here), None)
        if chosen is None:
            raise ForTheModerator("There is no backup here.", "Name a copy: --from DIR.")
        with _Bar("Restoring", quiet=as_json) as tell:
            found = backups.restore(chosen, tell)
    if as_json:
        terminal.say({"restored": chosen, "rows": found.rows})
    else:
        terminal.out().print(f"{chosen} is in place: {found.rows['message']:,} messages.")
        terminal.out().print("What was there before was put aside: hearthlight store backups")


def _bring(profile: Profile, folder: Path) -> str:
    """Take a copy that was taken along into an empty profile; answers its name."""
    if profile.store.exists() or Vault(profile.vault).exists:
        raise ForTheModerator(
            "{folder} already holds a workspace.",
            "Name an empty folder: --profile DIR.",
            folder=profile.folder,
        )
    try:
        return Backups.bring(profile, folder)
    except OSError as error:
        raise ForTheModerator(
            "There is no backup in {folder}.", "It has vault.json and one .db file.", folder=folder
        ) from error


@app.command()
def recover(
    profile: ProfileOption = None,
    passphrase_file: PassphraseOption = None,
    recovery_file: RecoveryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Save all that can be read of a damaged store into a new one, and say what is lost."""
    with terminal.sentences():
        backups = _closed(profile, passphrase_file, recovery_file)
        with _Bar("Recovering", quiet=as_json) as tell:
            found = backups.recover(tell)
    if as_json:
        terminal.say(asdict(found))
        return
    out = terminal.out()
    out.print(f"{found.saved['message']:,} messages and {found.saved['action']:,} actions were saved.")
    for table, count in found.lost.items():
        out.print(f"lost: at most {count:,} rows of {table}")
    if found.lost:
        out.print("The next pull asks every platform again for what it still has.")
    else:
        out.print("Nothing is lost.")
    out.print("The damaged file was put aside: hearthlight store backups")


@app.command()
def stats(
    profile: ProfileOption = None, passphrase_file: PassphraseOption = None, as_json: JsonOption = False
) -> None:
    """What the store holds and how large it is."""
    with (
        terminal.sentences(),
        Workspace.open(Profile.at(profile), terminal.first_line(passphrase_file)) as workspace,
    ):
        found = workspace.stats()
    if as_json:
        terminal.say(found)
        return
    for name, count in found["rows"].items():
        terminal.out().print(f"{count:>12,} {name}")
    size, messages = found["bytes"], found["rows"]["message"]
    each = f", {size / messages:.0f} bytes a message" if messages else ""
    terminal.out().print(f"{size / 2**20:>12,.1f} MB{each}")
    terminal.out().print(f"schema {found['schema']}, {found['driver']}")


# ------------------------------------------------------------------ keys


@app.command("passphrase")
def new_passphrase(
    new: Annotated[Path, typer.Option("--new-passphrase-file", help="A file with the new passphrase.")],
    profile: ProfileOption = None,
    passphrase_file: PassphraseOption = None,
    recovery_file: RecoveryOption = None,
) -> None:
    """Set or change the passphrase; the messages stay as they are."""
    with terminal.sentences():
        where = Profile.at(profile)
        dek = _key(where, passphrase_file, recovery_file)
        Vault(where.vault).set_passphrase(dek, terminal.first_line(new) or "")
        Key(dek).wipe()
    terminal.out().print("The new passphrase opens the workspace; the old one no longer does.")


@app.command("recovery-key")
def new_recovery_key(
    profile: ProfileOption = None,
    passphrase_file: PassphraseOption = None,
    recovery_file: RecoveryOption = None,
) -> None:
    """Make a new recovery key; the old one opens nothing from then on."""
    with terminal.sentences():
        where = Profile.at(profile)
        dek = _key(where, passphrase_file, recovery_file)
        shown = Vault(where.vault).new_recovery_key(dek)
        Key(dek).wipe()
    terminal.show_recovery(shown, "The new recovery key, shown once, for a safe place on paper:")


@app.command("change-key")
def change_key(profile: ProfileOption = None, passphrase_file: PassphraseOption = None) -> None:
    """Encrypt the store anew under another file key, for the day when the old one may be known."""
    with terminal.sentences():
        backups = _closed(profile, passphrase_file)
        with _Bar("Encrypting anew", quiet=False) as tell:
            shown = backups.change_key(terminal.first_line(passphrase_file), tell)
    terminal.show_recovery(shown, "The key was changed. Its new recovery key, shown once:")
