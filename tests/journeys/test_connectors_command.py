"""`hearthlight connectors`: every verb of every platform is named, and the page in docs says the same."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.contract import Verb

pytestmark = pytest.mark.windowless

ROOT = Path(__file__).resolve().parents[2]
TRIED_ON = {"real server", "recorded", "specification", "stand-in", "own server"}


def _said(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "moderator_app", "connectors", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_every_platform_says_of_every_verb_what_it_was_tried_on_or_why_not() -> None:
    found = json.loads(_said("--json"))
    assert {"archive", "bluesky", "demo"} <= {row["platform"] for row in found}
    for row in found:
        assert set(row["verbs"]) == {verb.value for verb in Verb}
        for name, verb in row["verbs"].items():
            where = f"{row['platform']}: {name}"
            assert (verb["tested_on"] in TRIED_ON) is verb["can"], where
            assert bool(verb["why_not"]) is not verb["can"], where


@pytest.mark.parametrize("part", ["| reply |", "Why not:"])
def test_the_page_in_docs_is_what_the_command_says(part: str) -> None:
    said = _said("--markdown")
    assert part in said
    assert said in (ROOT / "docs" / "connectors.md").read_text("utf-8"), "make docs/connectors.md anew"
