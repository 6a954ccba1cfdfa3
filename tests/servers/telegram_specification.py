"""What a request to the Bot API may be, held against the list of its methods and types."""

import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

_SHARED = Path(os.environ.get("HEARTHLIGHT_SHARED") or Path(__file__).parents[3] / "shared")
SPECIFICATION: Final = _SHARED / "data" / "specs" / "telegram_bot_api.json"
MISSING: Final = "The list of the Bot API's methods (HEARTHLIGHT_SHARED) is not on this machine."
_ARRAY: Final = "Array of "
_PLAIN: Final[Mapping[str, type | tuple[type, ...]]] = {
    "Integer": int,
    "String": str,
    "Boolean": bool,
    "Float": (int, float),
}


@cache
def known() -> dict[str, Any]:
    """The list; empty where it is not on this machine."""
    return dict(json.loads(SPECIFICATION.read_text("utf-8"))) if SPECIFICATION.is_file() else {}


def check(method: str, params: Mapping[str, Any]) -> None:
    """A request is one that Telegram documents; what is not, is a mistake of ours."""
    if not known():
        return
    assert method in known()["methods"], f"Telegram has no method {method}"
    _check_fields(method, known()["methods"][method].get("fields", []), params)


def _check_fields(name: str, fields: list[Any], given: Mapping[str, Any]) -> None:
    types = {one["name"]: one["types"] for one in fields}
    required = {one["name"] for one in fields if one["required"]}
    assert set(given) <= set(types), f"{name} takes no {set(given) - set(types)}"
    assert required <= set(given), f"{name} needs {required - set(given)}"
    for key, value in given.items():
        assert any(_fits(one, value) for one in types[key]), f"{name}: {key} may not be {value!r}"


def _fits(wanted: str, value: Any) -> bool:
    if wanted.startswith(_ARRAY):
        return isinstance(value, list) and all(_fits(wanted.removeprefix(_ARRAY), one) for one in value)
    if wanted in _PLAIN:
        is_bool = isinstance(value, bool)
        return isinstance(value, _PLAIN[wanted]) and is_bool == (wanted == "Boolean")
    found = known()["types"][wanted]
    if found.get("subtypes"):
        return any(_fits(one, value) for one in found["subtypes"])
    if not isinstance(value, dict):
        return False
    try:
        _check_fields(wanted, found.get("fields", []), value)
    except AssertionError:
        return False
    return True
