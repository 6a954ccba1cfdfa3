"""What a request to Discourse may be: the official OpenAPI description, and what it leaves out.

The review queue, polls and a few more stand in Discourse's routes only; they are listed as those have them.
"""

import json
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

_SHARED = Path(os.environ.get("HEARTHLIGHT_SHARED") or Path(__file__).parents[3] / "shared")
SPECIFICATION: Final = _SHARED / "data" / "specs" / "discourse_openapi.json"
# Of Discourse's routes, not of the description; and parameters that the description leaves out.
ROUTES: Final = {
    ("GET", "/about.json"): set(),
    ("GET", "/site/settings.json"): set(),
    ("GET", "/session/current.json"): set(),
    ("GET", "/review.json"): {"status", "sort_order", "offset", "priority"},
    ("GET", "/review/{id}.json"): set(),
    ("DELETE", "/review/{id}.json"): set(),
    ("PUT", "/review/{id}/perform/{action}"): {"version", "reject_reason"},
    ("PUT", "/polls/toggle_status"): {"post_id", "poll_name", "status"},
    ("PUT", "/posts/{id}/recover.json"): set(),
    ("PUT", "/posts/{id}/unhide.json"): set(),
    ("GET", "/posts/{name}/pending.json"): set(),
    ("PUT", "/t/{id}/recover.json"): set(),
    ("DELETE", "/post_actions/{id}.json"): {"post_action_type_id"},
    ("PUT", "/admin/users/{id}/unsilence.json"): set(),
    ("PUT", "/admin/users/{id}/unsuspend.json"): set(),
    ("GET", "/topics/private-messages-group/{name}/{group}.json"): {"page"},
}
MORE: Final = {
    ("GET", "/topics/private-messages/{username}.json"): {"page"},
    ("POST", "/posts.json"): {"whisper"},
    ("POST", "/post_actions.json"): {"message"},
}
_TYPES: Final = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list}


class Specification:
    """What a request may be."""

    def __init__(self) -> None:
        self._paths = _paths()
        self.met: set[tuple[str, str]] = set()

    def check(self, method: str, path: str, query: Mapping[str, Any], body: Any) -> None:
        for template, methods in self._paths.items():
            if method.lower() in methods and _fits(template, path):
                self._check(method, template, methods[method.lower()], query, body)
                self.met.add((method, template))
                return
        for (verb, template), names in ROUTES.items():
            if verb == method and _fits(template, path):
                assert {*query, *(body or {})} <= names, (
                    f"{method} {template} takes no {[*query, *(body or {})]}"
                )
                return
        assert not self._paths, f"Discourse has no {method} {path}"

    def _check(self, method: str, template: str, known: Any, query: Mapping[str, Any], body: Any) -> None:
        content = known.get("requestBody", {}).get("content", {})
        schema = next((one["schema"] for one in content.values()), {})
        fields, more = schema.get("properties", {}), MORE.get((method, template), set())
        asked = {one["name"] for one in known.get("parameters", []) if one.get("in") == "query"}
        assert set(query) <= asked | more | (set(fields) if method == "GET" else set()), (
            f"{template}: {query}"
        )
        if method == "GET":
            return
        for name, value in (body or {}).items():
            assert name in fields or name in more, f"{template} takes no {name}"
            wanted = _TYPES.get(fields.get(name, {}).get("type"), object)
            assert isinstance(value, wanted), f"{template}: {name} may not be {value!r}"
        assert set(schema.get("required", [])) <= set(body or {}), (
            f"{template} lacks {schema.get('required')}"
        )


@cache
def _paths() -> dict[str, Any]:
    known = SPECIFICATION.is_file()
    return dict(json.loads(SPECIFICATION.read_text("utf-8"))["paths"]) if known else {}


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\w+\\\}", r"[^/]+", re.escape(template)))


def _fits(template: str, path: str) -> bool:
    return _pattern(template).fullmatch(path) is not None
