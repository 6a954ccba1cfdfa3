"""What a privacy contact does without a window: hold, erase, answer who asks, and read the record."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.test_command_line import Cli

pytestmark = pytest.mark.windowless

NOBODY = "00000000-0000-0000-0000-000000000001"


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    made = Cli(tmp_path_factory.mktemp("privacy"))
    made.json("demo")
    return made


def _row(cli: Cli, request: str) -> dict[str, Any]:
    row: dict[str, Any]
    (row,) = [row for row in cli.json("privacy", "requests") if row["request_id"] == request]
    return row


def _opened(cli: Cli, place: int) -> dict[str, Any]:
    """A waiting conversation of the demo, each journey its own."""
    rows: list[dict[str, Any]] = cli.json("queue", "--limit", "200")
    by_person = {row["handle"]: row for row in reversed(rows)}
    return list(by_person.values())[place]


def test_a_hold_is_asked_confirmed_reviewed_renewed_and_ended(cli: Cli) -> None:
    item = str(_opened(cli, 0)["item_id"])
    assert "needs a reason" in cli.text("privacy", "hold", "--item", item, code=1)
    why = ("--reason", "somebody may be in danger", "--basis", "vital interests")
    held = cli.json("privacy", "hold", "--item", item, *why)[0]
    key = held["request_id"]
    assert (held["state"], held["mine"]) == ("asked", True)
    assert "does not stand" in cli.text("privacy", "review", key, code=1)
    assert "somebody else must confirm" in cli.text(
        "privacy", "confirm", key, "--by", held["asked_by"], code=1
    )
    stands = cli.json("privacy", "confirm", key, "--by", "Noor")
    assert (stands["state"], stands["confirmed_by"]) == ("holding", "Noor")
    reviewed = cli.json("privacy", "review", key)[0]
    assert reviewed["review_at"] > stands["review_at"]
    assert reviewed["ends_at"] == stands["ends_at"]
    assert "colleague who agrees" in cli.text("privacy", "renew", key, "--by", held["asked_by"], code=1)
    assert cli.json("privacy", "renew", key, "--by", "Noor")[0]["ends_at"] > stands["ends_at"]
    assert cli.json("privacy", "release", key)[0]["state"] == "ended"


def test_a_person_is_erased_by_two_and_the_proof_says_so(cli: Cli) -> None:
    one = _opened(cli, 1)
    item = str(one["item_id"])
    words = cli.json("show", item)["messages"][0]["text"]
    asked = cli.json("privacy", "erase", "--person", one["handle"])
    assert asked["messages"] > 0
    assert cli.json("show", item)["messages"][0]["text"] == words, "nothing goes before the second word"
    done = cli.json("privacy", "confirm", asked["request"], "--by", "Noor")
    assert (done["state"], sum(done["proof"]["found"].values())) == ("done", 0)
    assert done["proof"]["counts"]["messages"] == asked["messages"]
    assert done["about"] == ""
    assert words not in json.dumps(cli.json("privacy", "audit", "--limit", "500"))
    assert "Nobody here is called" in cli.text("privacy", "erase", "--person", one["handle"], code=1)
    assert "decided already" in cli.text("privacy", "confirm", asked["request"], "--by", "Noor", code=1)


def test_who_asks_gets_a_file_for_them_alone(cli: Cli, tmp_path: Path) -> None:
    handle = _opened(cli, 2)["handle"]
    asked = cli.json("privacy", "access", "--person", handle)
    assert asked["due_at"]
    key = asked["request_id"]
    assert "not written yet" in cli.text("privacy", "access", "--request", key, "--answered", code=1)
    nowhere = str(tmp_path / "nowhere")
    assert "could not be written" in cli.text("privacy", "access", "--request", key, "--out", nowhere, code=1)
    path = Path(cli.json("privacy", "access", "--request", key, "--out", str(tmp_path))["file"])
    assert path.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["what-is-held.html", "what-is-held.json"]
        assert json.loads(archive.read("what-is-held.json"))["person"]["handle"] == handle
    assert cli.json("privacy", "access", "--request", key, "--answered")["state"] == "done"
    asked = cli.json("privacy", "erase", "--person", handle)
    assert asked["bundles"] == [str(path)], "an erasure knows the file that holds words"
    cli.json("privacy", "withdraw", asked["request"])
    assert _row(cli, asked["request"])["state"] == "withdrawn"


def test_the_record_follows_line_from_line(cli: Cli) -> None:
    found = cli.json("privacy", "audit", "--limit", "3")
    assert (found["broken"], found["clock_jumps"], len(found["lines"])) == (None, 0, 3)
    numbers = [line["seq"] for line in found["lines"]]
    assert numbers == sorted(numbers, reverse=True)
    assert "Every line follows from the one above it." in cli.text("privacy", "audit", "--limit", "3")


@pytest.mark.parametrize(
    "words",
    [
        ("confirm", NOBODY, "--by", "Noor"),
        ("withdraw", NOBODY),
        ("review", NOBODY),
        ("access", "--request", NOBODY),
    ],
)
def test_a_request_that_is_not_known_is_a_sentence(cli: Cli, words: tuple[str, ...]) -> None:
    said = cli.text("privacy", *words, code=1)
    assert "Traceback" not in said
    assert "request" in said
