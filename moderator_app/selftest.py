"""What a bundle must be able to do on the machine where it was unpacked."""

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from connectors import registry
from moderator_app import paths, vault
from moderator_app.desk import insights, language, paper, reading, replies, triage
from moderator_app.desk.rows import Queue
from moderator_app.paths import Profile
from moderator_app.workspace import Workspace

_PHRASE = "a phrase for this test only"


def _store(folder: Path) -> str:
    """A round trip through the encrypted file, closed and opened again by its passphrase."""
    profile = Profile.at(folder)
    with Workspace.open(profile, _PHRASE) as workspace:
        workspace.connect("demo", {"community": "harbour", "seed": "7", "hostile": "0"})
        brought = sum(sync.run().brought.new for sync in workspace.syncs().values())
    if profile.store.read_bytes().startswith(b"SQLite format"):
        raise AssertionError("the store is not encrypted")
    with Workspace.open(profile, _PHRASE) as workspace:
        kept = len(workspace.desk.ask(reading.unread, 10_000))
        if not 0 < kept <= brought:
            raise AssertionError(f"{kept} of {brought} messages came back")
    return f"{kept} messages came back"


def _rules(folder: Path) -> str:
    """The child process reads, and the week is written from what it read."""
    with Workspace.open(Profile.at(folder), _PHRASE) as workspace:
        with language.Worker() as worker:
            count = reading.read_pending(workspace.desk, worker)
        crises = workspace.desk.ask(triage.counts)[Queue.CRISIS]
        files = paper.export(workspace.desk.ask(insights.week), folder / "week")
        templates = len(workspace.desk.ask(replies.templates))
    if not (count and crises and templates):
        raise AssertionError(f"read {count}, crises {crises}, templates {templates}")
    return f"read {count}, wrote {len(files)} files"


def _keyring(_: Path) -> str:
    found = vault.trusted_keyring()
    return "none here; a passphrase is used" if found is None else type(found).__module__


def _connectors(_: Path) -> str:
    return ", ".join(sorted(registry.available()))


def _pictures(_: Path) -> str:
    """An icon is drawn and is not empty."""
    application = QGuiApplication.instance() or QGuiApplication(["self-test"])
    image = QImage(64, 64, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    QSvgRenderer(str(paths.resource("icons/hearthlight.svg"))).render(painter)
    painter.end()
    if image.pixelColor(32, 32).alpha() == 0:
        raise AssertionError("the icon was not drawn")
    return f"drawn on {application.platformName() if isinstance(application, QGuiApplication) else '?'}"


def run() -> int:
    """Run every check; answers the exit status."""
    checks: tuple[Callable[[Path], str], ...] = (_store, _rules, _keyring, _connectors, _pictures)
    folder = Path(tempfile.mkdtemp(prefix="hearthlight-self-test-"))
    try:
        for check in checks:
            sys.stdout.write(f"{check.__name__.strip('_')}: {check(folder)}\n")
    except AssertionError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0
