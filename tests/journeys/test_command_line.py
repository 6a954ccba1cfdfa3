"""A shift without a window: fill, list, show, read, sum up, and be told clearly what is wrong."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from moderator_app.models import cipher
from moderator_app.paths import Profile
from moderator_app.vault import Vault

pytestmark = pytest.mark.windowless

ROOT = Path(__file__).parents[2]


def run(*words: str, text: str = "", code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "moderator_app", *words],
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8", "COLUMNS": "120"},
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


class Cli:
    """The command line on one profile."""

    def __init__(self, folder: Path) -> None:
        self.phrase = folder / "phrase"
        self.phrase.write_text("four words are good\n")
        self.where = ["--profile", str(folder / "profile"), "--passphrase-file", str(self.phrase)]

    def json(self, *words: str) -> Any:
        return json.loads(run(*words, *self.where, "--json"))

    def text(self, *words: str, code: int = 0) -> str:
        return run(*words, *self.where, code=code)


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    made = Cli(tmp_path_factory.mktemp("cli"))
    found = made.json("demo")
    assert found["queues"]["crisis"] > 0
    return made


def test_the_queue_is_in_order_with_level_and_reasons(cli: Cli) -> None:
    rows = cli.json("queue", "--limit", "200")
    assert len(rows) > 20
    assert rows[0]["level"] == "crisis"
    order = [(row["rank"], datetime.fromisoformat(row["due_at"])) for row in rows]
    assert order == sorted(order)
    assert all(row["reasons"] for row in rows if row["level"] != "green")
    assert any(reason["words"] for reason in rows[0]["reasons"])


def test_one_conversation_is_shown_whole(cli: Cli) -> None:
    item = cli.json("queue", "--queue", "crisis", "--limit", "1")[0]["item_id"]
    found = cli.json("show", str(item))
    assert found["item"]["level"] == "crisis"
    assert any(message["cues"] for message in found["messages"])
    assert "no longer here" in cli.text("show", "999999", code=1)


def test_a_second_pull_brings_nothing_new(cli: Cli) -> None:
    trip = cli.json("pull")[0]
    assert (trip["health"], trip["brought"]["new"]) == ("ok", 0)


def test_the_week_is_printed_and_written(cli: Cli, tmp_path: Path) -> None:
    assert "# Week of" in cli.text("summary", "--week")
    files = cli.json("summary", "--week", "--out", str(tmp_path / "out"))["files"]
    assert [Path(file).suffix for file in files] == [".md", ".csv", ".pdf"]
    assert all(Path(file).stat().st_size > 500 for file in files)


def test_importing_a_file_twice_adds_nothing(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text("id;author;body\n1;mira;hello there\n2;noor;a kind word\n;;\n", "utf-8")
    assert cli.json("import", str(file))["new"] == 2
    assert cli.json("import", str(file))["new"] == 0
    assert "There is no file" in cli.text("import", str(tmp_path / "none.csv"), code=1)


def test_doctor_finds_everything_well(cli: Cli) -> None:
    checks = {check["name"]: check for check in cli.json("doctor")}
    assert all(check["ok"] for check in checks.values()), checks
    assert "every page checks out" in checks["store"]["said"]


def test_troubles_are_sentences_and_exit_with_one(cli: Cli, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("not the phrase\n")
    where = cli.where[:2]
    assert "does not open" in run("queue", *where, "--passphrase-file", str(wrong), code=1)
    assert "cannot be read" in run("queue", *where, "--passphrase-file", str(tmp_path / "none"), code=1)
    assert "passphrase" in run("queue", "--profile", str(tmp_path / "new"), code=1)
    other = Cli(tmp_path)
    assert "No account is connected" in other.text("pull", code=1)


def test_an_error_that_nobody_took_is_told_by_its_place_and_quotes_nobody(tmp_path: Path) -> None:
    other = Cli(tmp_path)
    file = tmp_path / "export.csv"
    file.write_text("id;author;body\n1;mira;lanternfish in a message\n", "utf-8")
    other.json("demo")
    profile = Profile.at(tmp_path / "profile")
    store = cipher.connect(profile.store, cipher.Key(Vault(profile.vault).unlock("four words are good")))
    store.execute(
        "CREATE TRIGGER breaks BEFORE INSERT ON message BEGIN SELECT RAISE(ABORT, 'lanternfish!'); END"
    )
    store.commit()
    store.close()
    said = other.text("import", str(file), code=1)
    assert "IntegrityError" in said
    assert "moderator_app/cli.py" in said
    assert "lanternfish" not in said
    assert not profile.log.exists() or "lanternfish" not in profile.log.read_text("utf-8")


def test_triage_reads_lines_in_order() -> None:
    lines = [
        {"id": "a", "text": "Thank you all for the lovely evening!"},
        {"id": 2, "text": "I want to die and I cannot tell anybody."},
    ]
    out = run("triage", text="\n".join(json.dumps(line) for line in lines))
    first, second = (json.loads(line) for line in out.splitlines())
    assert (first["id"], first["level"]) == ("a", "green")
    assert (second["id"], second["level"]) == (2, "crisis")
    signal = second["signals"][0]
    assert lines[1]["text"][signal["start"] : signal["end"]] == signal["text"]
    assert set(second["score"]) >= {"crisis", "red", "amber", "abuse", "spam"}
    assert "Line 1" in run("triage", text="not json\n", code=1)


def test_help_and_version() -> None:
    assert "triage" in run("--help")
    assert run("--version").strip()


def test_the_store_is_backed_up_verified_restored_and_taken_along(cli: Cli, tmp_path: Path) -> None:
    made = cli.json("store", "backup", "--to", str(tmp_path / "stick"))
    assert made["rows"]["message"] > 2000
    assert cli.json("store", "backups")[0]["name"] == made["name"]
    assert cli.json("store", "verify", "--backup", made["name"])["ok"]
    assert cli.json("store", "verify") == {
        "ok": True,
        "damaged": [],
        "rows": cli.json("store", "stats")["rows"],
    }
    assert cli.json("store", "restore", made["name"])["rows"] == made["rows"]
    assert cli.json("queue", "--limit", "1")
    elsewhere = Cli(tmp_path)
    restored = elsewhere.json("store", "restore", "--from", made["copy"])
    assert restored["rows"] == made["rows"]
    assert elsewhere.json("store", "stats")["rows"]["message"] == made["rows"]["message"]
    assert "already holds" in elsewhere.text("store", "restore", "--from", made["copy"], code=1)


def test_a_damaged_store_is_recovered_and_what_is_lost_is_said(cli: Cli) -> None:
    saved = cli.json("store", "recover")
    assert saved["lost"] == {}
    assert saved["saved"]["message"] > 2000
    assert cli.json("store", "verify")["ok"]


def test_the_keys_can_be_changed(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    shown = run("demo", *cli.where, "--json")
    assert shown
    new = tmp_path / "new"
    new.write_text("other words are better\n")
    cli.text("store", "passphrase", "--new-passphrase-file", str(new))
    assert "does not open" in cli.text("queue", code=1)
    cli.phrase.write_text(new.read_text())
    assert cli.json("queue", "--limit", "1")
    cli.text("store", "change-key")
    assert cli.json("queue", "--limit", "1")


def test_privacy_from_the_first_rule_to_the_last_proof(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    cli.json("demo")
    rows = cli.json("privacy", "retention", "--platform", "demo", "--level", "green", "--days", "7")
    assert {row["level"]: row["days"] for row in rows}["green"] == 7
    assert "due, still open" in cli.text("privacy", "retention")
    assert len(cli.json("privacy", "due", "--limit", "3")) == 3
    assert cli.json("privacy", "run")["items"] == 0
    assert cli.json("privacy", "sweep")[0]["health"] == "ok"
    queue = cli.json("queue", "--limit", "200")
    item, handle = queue[0]["item_id"], queue[-1]["handle"]
    hold = cli.json("privacy", "hold", "--item", str(item), "--reason", "at risk", "--basis", "safeguarding")[
        0
    ]
    assert cli.json("privacy", "confirm", hold["request_id"], "--by", "Bo")["state"] == "holding"
    assert cli.json("privacy", "renew", hold["request_id"], "--by", "Cy")[0]["state"] == "holding"
    assert "ended" in cli.text("privacy", "release", hold["request_id"])
    bundle = cli.json("privacy", "access", "--person", handle, "--out", str(tmp_path))
    assert Path(bundle["file"]).stat().st_mode & 0o777 == 0o600
    assert cli.json("privacy", "access", "--request", bundle["request_id"], "--answered")["state"] == "done"
    asked = cli.json("privacy", "erase", "--person", handle)
    assert asked["messages"] > 0
    assert asked["bundles"] == [bundle["file"]]
    assert "withdrawn" in cli.text("privacy", "withdraw", asked["request"])
    asked = cli.json("privacy", "erase", "--person", handle)
    said = cli.text("privacy", "confirm", asked["request"], "--by", "Bo", "--with-bundles")
    assert f"{asked['messages']} messages were erased." in said
    assert "0 were found" in said
    assert "cannot be reached from here" in said
    assert not Path(bundle["file"]).exists()
    assert "Nobody here is called" in cli.text("privacy", "erase", "--person", handle, code=1)
    assert "erase" in cli.text("privacy", "requests")
