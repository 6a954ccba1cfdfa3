"""Kill the program and cut the power in the middle of its work: `make torture`.

Every run works on a profile through the program's own code, is stopped at a random moment, and is opened
again: what was acknowledged must be there, every page, index and line of the audit must check out, and
nothing may be half done. Writes what it found as JSON; exit status 1 where anything was lost.
"""

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from rich.console import Console
from rich.progress import Progress

from moderator_app import vault
from moderator_app.desk import erasure, replies, search
from moderator_app.desk.desk import Ctx
from moderator_app.models.care import Action, Audit, Note
from moderator_app.models.inbox import Item, Message
from moderator_app.paths import Profile
from moderator_app.workspace import Workspace
from tests.torture import disk, old_shape
from tests.torture.child import PER_PAGE, PHRASE, person_of, word_of

ROOT: Final = Path(__file__).resolve().parents[2]
KINDS: Final = ("pull", "decide", "erase", "backup", "rekey", "restore", "migrate")
_LONGEST: Final = {
    "erase": 1.5,
    "backup": 1.5,
    "rekey": 2.5,
    "restore": 2.5,
    "migrate": 2.0,
}  # seconds until the end
_OLD_MESSAGES: Final = 20_000
_PATIENCE: Final = 60  # seconds that a child may take to begin


@dataclass
class Ledger:
    """What a profile was heard to acknowledge, over all runs on it."""

    pulls: set[int] = field(default_factory=set)
    actions: set[str] = field(default_factory=set)
    notes: set[str] = field(default_factory=set)
    drafts: dict[int, str] = field(default_factory=dict)
    backups: list[str] = field(default_factory=list)
    rekeyed: int = 0
    facts: int = 0
    erasing: dict[str, int] = field(
        default_factory=dict
    )  # person to the last page that goes, if it was begun
    erased: dict[str, int] = field(default_factory=dict)

    def hear(self, line: str) -> None:
        word, kind, *rest = line.split()
        if kind == "erase":
            (self.erased if word == "done" else self.erasing)[rest[0]] = int(rest[1])
        if word != "done":
            return
        self.facts += 1
        if kind == "pull":
            self.pulls.add(int(rest[0]))
        elif kind == "action":
            self.actions.add(rest[0])
        elif kind == "note":
            self.notes.add(rest[0])
        elif kind == "draft":
            self.drafts[int(rest[0])] = rest[1]
        elif kind == "backup":
            self.backups.append(rest[0])
        elif kind == "rekey":
            self.rekeyed += 1


@dataclass
class Tally:
    """What all runs found. `wrong` is empty where every promise was kept."""

    runs: int = 0
    facts: int = 0
    wrong: list[str] = field(default_factory=list)


class Bench:
    """Runs on profiles in one folder; each kind of stop has profiles of its own."""

    def __init__(
        self, folder: Path, library: Path | None, seed: int, old_messages: int = _OLD_MESSAGES
    ) -> None:
        self._folder, self._library = folder, library
        self._random = random.Random(seed)
        self._old = old_messages
        # Erasures have a profile of their own: what else is done would go with the words it is about.
        self._ledgers: dict[str, Ledger] = {}
        self._profiles: dict[str, Profile] = {}
        self._template: Profile | None = None

    def run(self, kind: str, tally: Tally) -> None:
        """One run: begin, stop at a random moment, open again, compare."""
        profile, ledger = self._stage(kind)
        seed = self._random.randrange(1 << 30)
        forgetting = None
        if self._library is not None:
            forgetting = disk.Disk(self._library, profile.folder, self._folder / "kept")
        lines = self._stopped(profile, kind, seed, forgetting)
        for line in lines:
            ledger.hear(line)
        if forgetting is not None:
            forgetting.cut()
        tally.runs += 1
        tally.facts += sum(line.startswith("done") for line in lines)
        how = "power cut" if forgetting else "kill -9"
        try:
            found = self._compare(profile, kind, ledger)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what this program looks for
            found = [f"it cannot be opened: {type(error).__name__}: {error}"]
        tally.wrong += [f"run {tally.runs} ({kind}, {how}, seed {seed}): {what}" for what in found]
        if found:
            shutil.copytree(profile.folder, self._folder / f"wrong-{tally.runs}", dirs_exist_ok=True)
            self._profiles.pop(_home(kind), None)  # begin anew: one loss must not be counted again

    def _stage(self, kind: str) -> tuple[Profile, Ledger]:
        if kind == "migrate":
            if self._template is None:
                self._template = old_shape.make(self._folder / "old", PHRASE, self._old)
            shutil.rmtree(self._folder / "moved", ignore_errors=True)
            shutil.copytree(self._template.folder, self._folder / "moved")
            return Profile.at(self._folder / "moved"), Ledger()
        home = _home(kind)
        if home not in self._profiles:
            shutil.rmtree(self._folder / home, ignore_errors=True)
            self._profiles[home], self._ledgers[home] = Profile.at(self._folder / home), Ledger()
            Workspace.open(self._profiles[home], PHRASE).close()
        return self._profiles[home], self._ledgers[home]

    def _stopped(self, profile: Profile, kind: str, seed: int, forgetting: disk.Disk | None) -> list[str]:
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self._folder), "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(
            [sys.executable, "-m", "tests.torture.child", str(profile.folder), kind, str(seed)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=environment | (forgetting.environment if forgetting else {}),
        ) as child:
            assert child.stdout is not None
            lines: list[str] = []
            begun = threading.Event()

            def listen() -> None:
                assert child.stdout is not None
                for line in child.stdout:
                    if line.endswith(b"\n"):
                        lines.append(line.decode().strip())
                        if lines[-1] == "ready":
                            begun.set()

            listening = threading.Thread(target=listen)
            listening.start()
            begun.wait(_PATIENCE)
            wait = threading.Event()
            wait.wait(self._random.uniform(0.01, _LONGEST.get(kind, 0.8)))
            died = child.poll()
            child.send_signal(signal.SIGKILL)
            child.wait()
            listening.join()
        if died is not None:
            raise RuntimeError(f"the child ended by itself with {died} ({kind}, seed {seed})")
        return [line for line in lines if line != "ready"]

    # ------------------------------------------------------------------ what must be there

    def _compare(self, profile: Profile, kind: str, ledger: Ledger) -> list[str]:
        with Workspace.open(profile, PHRASE) as workspace:
            erasure.run(workspace.desk, workspace.backups)  # as the program does at its start
            wrong = workspace.verify()
            wrong += workspace.desk.ask(_counters)
            if kind == "migrate":
                wrong += workspace.desk.ask(_old_messages, self._old)
            wrong += workspace.desk.ask(_missing, ledger)
            known = {one.name for one in workspace.backups.list()} if workspace.backups else set()
            for name in ledger.backups[-1:] if not ledger.erasing else ():
                if name not in known:
                    wrong.append(f"the backup {name} is not known")
                elif workspace.backups is not None:
                    workspace.backups.verify(name)
            if profile.order.exists():
                wrong.append("an exchange was not finished")
        return wrong


def _old_messages(ctx: Ctx, count: int) -> list[str]:
    found = ctx.session.scalar(sa.select(sa.func.count(Message.id)).where(Message.external_id.like("old%")))
    return [] if found == count else [f"{count - (found or 0)} old messages are missing"]


def _missing(ctx: Ctx, ledger: Ledger) -> list[str]:
    session = ctx.session
    names = set(session.scalars(sa.select(Message.external_id).where(Message.external_id.like("m%"))))
    going = ledger.erasing  # each is begun before it is acknowledged
    stays = {
        page: [
            f"m{page}-{place}"
            for place in range(PER_PAGE)
            if page > going.get(f"p{person_of(page, place)}", 0)
        ]
        for page in {int(name[1:].split("-")[0]) for name in names} | ledger.pulls
    }
    wrong = [
        f"message {name} was acknowledged and is missing"
        for page in ledger.pulls
        for name in stays[page]
        if name not in names
    ]
    wrong += [
        f"page {page} is there in part"
        for page, all_of_it in stays.items()
        if 0 < sum(name in names for name in all_of_it) < len(all_of_it)
    ]
    wrong += _erased(ctx, ledger, names)
    actions = {str(key) for key in session.scalars(sa.select(Action.id))}
    wrong += [f"action {key} is missing" for key in ledger.actions - actions]
    recorded = {json.loads(detail).get("action") for detail in session.scalars(sa.select(Audit.detail))}
    wrong += [f"action {key} is not in the record" for key in (actions | ledger.actions) - recorded]
    notes = set(session.scalars(sa.select(Note.text)))
    wrong += [f"note {text} is missing" for text in ledger.notes - notes]
    for item, text in ledger.drafts.items():
        draft = replies.draft(ctx, item)
        if draft is None or not _at_least(draft.text, text):
            wrong.append(f"draft {text} is missing")
    return wrong


def _erased(ctx: Ctx, ledger: Ledger, names: set[str]) -> list[str]:
    """An acknowledged erasure left nothing; one that was only begun is whole or has not begun."""
    wrong = []
    for person, through in ledger.erasing.items():
        number = int(person.removeprefix("p"))
        meant = [
            (f"m{page}-{place}", word_of(page, place))
            for page in range(1, through + 1)
            for place in range(PER_PAGE)
            if person_of(page, place) == number
        ]
        left = [name for name, _ in meant if name in names]
        if left and ledger.erased.get(person, 0) >= through:
            wrong.append(f"{len(left)} messages of {person} are there after an acknowledged erasure")
        elif left and len(left) != len(meant) and not ledger.erased.get(person):
            wrong.append(f"{person} is half erased: {len(left)} of {len(meant)} messages are left")
        if not left:
            found = sum(bool(search.find(ctx, f"{word} ", 1)) for _, word in meant[:20])
            wrong += [f"{found} erased words of {person} are found"] * bool(found)
    return wrong


def _home(kind: str) -> str:
    return "erasures" if kind == "erase" else "profile"


def _at_least(found: str, acknowledged: str) -> bool:
    """Whether a draft is the acknowledged one, or one that was written after it and not acknowledged."""
    (_, process, number), (_, first, last) = found.split("-"), acknowledged.split("-")
    return process != first or int(number) >= int(last)


def _counters(ctx: Ctx) -> list[str]:
    """Badges are kept by triggers: they must say what is there."""
    kept = dict(
        ctx.session.execute(
            sa.text("SELECT status || level, sum(n) FROM item_count GROUP BY 1 HAVING sum(n) > 0")
        ).all()
    )
    there = dict(
        ctx.session.execute(
            sa.select(sa.text("status || level"), sa.func.count()).select_from(Item).group_by(sa.text("1"))
        ).all()
    )
    return [] if kept == there else ["the badges do not say what is there"]


def main(words: list[str]) -> int:
    """Run, print, write the JSON; answers the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path, default=Path("build/torture.json"))
    chosen = parser.parse_args(words)
    console = Console()
    folder = Path(tempfile.mkdtemp(prefix="hearthlight-torture-"))
    library = disk.build(folder)
    if library is None and chosen.cuts:
        console.print("There is no C compiler, so no power is cut.")
    vault.trusted_keyring = lambda: None
    found: dict[str, Tally] = {}
    began = time.monotonic()
    with Progress(console=console) as progress:
        for name, runs, lossy in (("kill -9", chosen.kills, None), ("power cut", chosen.cuts, library)):
            if name == "power cut" and library is None:
                continue
            (folder / name).mkdir()
            tally, bench = found.setdefault(name, Tally()), Bench(folder / name, lossy, chosen.seed)
            task = progress.add_task(name, total=runs)
            for number in range(runs):
                bench.run(KINDS[number % len(KINDS)], tally)
                progress.update(task, advance=1, description=f"{name}, {len(tally.wrong)} wrong")
    for name, tally in found.items():
        console.print(f"{name}: {tally.runs} runs, {tally.facts:,} acknowledged, {len(tally.wrong)} wrong")
        for line in tally.wrong[:20]:
            console.print(f"  {line}", highlight=False)
    wrong = sum(len(tally.wrong) for tally in found.values())
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "date": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - began),
        "seed": chosen.seed,
        **{name: vars(tally) for name, tally in found.items()},
    }
    chosen.json.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    if wrong:
        console.print(f"The profiles are in {folder}.")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
