"""Platforms of ours and of other packages, found without importing them."""

import subprocess
import sys
from pathlib import Path

import pytest

from connectors import registry
from connectors.contract import Connector
from connectors.errors import Refused

ADDON = """
from connectors.contract import Connector
class Pigeon(Connector):
    platform = "pigeon"
    name = "Pigeon post"
"""


@pytest.fixture
def addon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where packages are found, as if somebody had installed them."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(folder: Path, name: str, source: str, entry: str) -> None:
    (folder / f"{name}.py").write_text(source)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{entry}\n")


def test_ours_are_there() -> None:
    assert {"archive", "bluesky", "demo"} <= set(registry.platforms())
    found = registry.connector("bluesky")
    assert issubclass(found, Connector)
    assert found.platform == "bluesky"
    assert registry.available()["bluesky"] is found


def test_listing_imports_no_platform() -> None:
    code = (
        "import sys; from connectors import registry; registry.platforms();"
        "sys.exit('requests' in sys.modules or 'connectors.bluesky' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path.cwd(), check=False).returncode == 0


def test_another_package_adds_a_platform(addon: Path) -> None:
    install(addon, "pigeon_addon", ADDON, "pigeon = pigeon_addon:Pigeon")
    assert "pigeon" in registry.platforms()
    assert registry.available()["pigeon"].name == "Pigeon post"


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("broken_import", "import no_such_module_anywhere"),
        ("broken_syntax", "class ("),
        ("broken_logic", "1 / 0"),
        ("broken_name", "Other = 1"),
        ("broken_kind", "Pigeon = 7"),
    ],
)
def test_a_broken_addon_is_reported_and_the_rest_works(
    addon: Path, caplog: pytest.LogCaptureFixture, name: str, source: str
) -> None:
    install(addon, name, source, f"pigeon = {name}:Pigeon")
    found = registry.available()
    assert "pigeon" not in found
    assert "bluesky" in found
    assert name in caplog.text
    with pytest.raises(Refused):
        registry.connector("pigeon")


def test_nobody_takes_the_place_of_ours(addon: Path, caplog: pytest.LogCaptureFixture) -> None:
    install(addon, "impostor", ADDON, "bluesky = impostor:Pigeon")
    assert registry.connector("bluesky").platform == "bluesky"
    assert "impostor" in caplog.text


def test_an_unknown_platform_is_refused() -> None:
    with pytest.raises(Refused):
        registry.connector("carrier-snail")
