"""Rules of the house that a tool can hold."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = sorted([*(ROOT / "moderator_app").rglob("*.py"), *(ROOT / "connectors").rglob("*.py")])

# Modules of Qt whose sources are LGPL. QtCharts, QtGraphs, QtNetworkAuth and QtVirtualKeyboard are GPL.
LGPL = {
    "QtCore",
    "QtGui",
    "QtWidgets",
    "QtSvg",
    "QtSvgWidgets",
    "QtNetwork",
    "QtDBus",
    "QtPrintSupport",
    "QtTest",
}
TOP = {
    "moderator_app",
    "connectors",
    "resources",
    "packaging",
    "tests",
    "pyproject.toml",
    "README.md",
    "docs",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    ".ci",
}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_the_top_level_is_what_was_agreed() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.splitlines()
    if not listed:
        pytest.skip("not a git checkout")
    assert {line.split("/")[0] for line in listed} <= TOP
    assert not (ROOT / "packaging" / "__init__.py").exists()


def test_only_lgpl_modules_of_qt_are_imported() -> None:
    used = {
        part.split(".")[1]
        for path in OURS
        for part in imports(path)
        if part.startswith("PySide6.") and len(part.split(".")) > 1
    }
    assert used <= LGPL


def test_sessions_are_opened_at_the_door_only() -> None:
    allowed = {"moderator_app/desk/desk.py", "moderator_app/models/store.py"}
    opened = {named(path) for path in OURS if re.search(r"\bstore\.(read|write)\(", path.read_text("utf-8"))}
    assert opened <= allowed


def test_everything_is_caught_in_two_places_only() -> None:
    caught = {
        named(path)
        for path in OURS
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception"))
    }
    assert caught <= {"moderator_app/views/runner.py", "moderator_app/app.py"}


ENGLISH = {
    f"moderator_app/{name}.py" for name in ("cli", "cli_privacy", "cli_store", "terminal", "tour", "__main__")
}


def test_every_sentence_for_the_moderator_is_marked_for_translation() -> None:
    """Outside the command line, which speaks English, errors carry texts that the screen can translate."""
    unmarked = []
    for path in OURS:
        if named(path) in ENGLISH:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in {"ForTheModerator", "Locked", "WrongKey", "Damaged", "NewerFile"}
            ):
                unmarked += [
                    f"{named(path)}:{argument.lineno}"
                    for argument in node.args
                    if isinstance(argument, ast.Constant | ast.JoinedStr)
                ]
    assert unmarked == []


def test_the_first_picture_waits_for_no_heavy_library() -> None:
    """What is large and not needed for a first picture is loaded when somebody asks for it."""
    script = (
        "import sys\n"
        "import moderator_app.app\n"
        "heavy = {'spacy', 'numpy', 'keyring', 'reportlab', 'alembic', 'requests'} & set(sys.modules)\n"
        "sys.exit(' '.join(sorted(heavy)) or 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_desk_runs_without_qt() -> None:
    script = (
        "import sys\n"
        "sys.modules['PySide6'] = None\n"
        "import pkgutil, importlib, moderator_app.desk, moderator_app.cli\n"
        "for found in pkgutil.iter_modules(moderator_app.desk.__path__):\n"
        "    importlib.import_module(f'moderator_app.desk.{found.name}')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
