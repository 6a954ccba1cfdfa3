"""What a request to Discord may be, and what a message is: the official OpenAPI description, read as it is.

Only the part of JSON Schema that this description uses is understood; a key that the description does not
name counts as a mistake, although JSON Schema would let it pass.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

_SHARED = Path(os.environ.get("HEARTHLIGHT_SHARED") or Path(__file__).parents[3] / "shared")
SPECIFICATION: Final = _SHARED / "data" / "specs" / "discord_openapi.json"
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
_DEEPEST: Final = 12
# Answers of ours that are held against the description, too.
_ANSWERED: Final = "/channels/{channel_id}/messages", "/channels/{channel_id}/messages/{message_id}"


class Specification:
    """Checks requests and answers; without the description everything passes, and `met` stays empty."""

    def __init__(self) -> None:
        self.met: set[tuple[str, str]] = set()
        self.known = bool(_whole())

    def check(self, method: str, path: str, query: Mapping[str, str], body: Any) -> None:
        """Raise AssertionError for a request that Discord does not document."""
        if not _whole():
            return
        template, operation = _operation(method, path)
        known = {
            one["name"]: one["schema"] for one in operation.get("parameters", []) if one["in"] == "query"
        }
        for name, value in query.items():
            assert name in known, f"{method} {template} takes no {name}"
            typed = int(value) if value.isdecimal() and known[name].get("type") == "integer" else value
            _assert_fits(known[name], typed, f"{template}?{name}")
        wanted = operation.get("requestBody")
        if wanted is None:
            assert not body, f"{method} {template} takes no body"
        else:
            assert body is not None or not wanted.get("required"), f"{method} {template} needs a body"
            if body is not None:
                _assert_fits(wanted["content"]["application/json"]["schema"], body, template)
        self.met.add((method, template))

    def check_answer(self, method: str, path: str, data: Any) -> None:
        """Raise AssertionError for a message of ours that is none of Discord's."""
        if not _whole() or data is None:
            return
        template, operation = _operation(method, path)
        if template in _ANSWERED:
            _assert_fits(
                operation["responses"]["200"]["content"]["application/json"]["schema"], data, template
            )


@cache
def _whole() -> Mapping[str, Any]:
    return dict(json.loads(SPECIFICATION.read_text("utf-8"))) if SPECIFICATION.is_file() else {}


def _operation(method: str, path: str) -> tuple[str, Mapping[str, Any]]:
    found = [one for one in _whole()["paths"] if _pattern(one).fullmatch(path)]
    # What is named literally goes before what is named by a number.
    for template in sorted(found, key=lambda one: one.count("{")):
        if method.lower() in _whole()["paths"][template]:
            return template, _whole()["paths"][template][method.lower()]
    raise AssertionError(f"Discord has no {method} {path}")


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\w+\\\}", r"[^/]+", re.escape(template)))


def _assert_fits(schema: Mapping[str, Any], value: Any, where: str) -> None:
    wrong = list(_problems(schema, value, where, 0))
    assert not wrong, "; ".join(wrong[:5])


def _problems(schema: Mapping[str, Any], value: Any, where: str, depth: int) -> Iterator[str]:
    if "$ref" in schema:
        schema = _whole()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if depth > _DEEPEST:
        return
    yield from _of_type(schema, value, where)
    for part in schema.get("allOf", ()):
        yield from _problems(part, value, where, depth + 1)
    for choice in (schema.get("oneOf"), schema.get("anyOf")):
        found = [list(_problems(one, value, where, depth + 1)) for one in choice or ()]
        if found and all(found):
            yield from min(found, key=len)
    if isinstance(value, dict) and "properties" in schema:
        yield from _of_object(schema, value, where, depth)
    if isinstance(value, list) and "items" in schema:
        for number, one in enumerate(value):
            yield from _problems(schema["items"], one, f"{where}[{number}]", depth + 1)


def _of_type(schema: Mapping[str, Any], value: Any, where: str) -> Iterator[str]:
    named = schema.get("type", [])
    wanted = [kind for name in ([named] if isinstance(named, str) else named) for kind in _TYPES[name]]
    if wanted and (not isinstance(value, tuple(wanted)) or (isinstance(value, bool) and bool not in wanted)):
        yield f"{where} may not be {value!r}"
        return
    if value != schema.get("const", value) or value not in schema.get("enum", [value]):
        yield f"{where} may not be {value!r}"
    if isinstance(value, str):
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            yield f"{where} has the wrong length"
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{where} has the wrong form: {value!r}"
    counted = isinstance(value, list)
    if counted and not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        yield f"{where} has the wrong number of entries"
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if numeric and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{where} is out of bounds: {value}"


def _of_object(schema: Mapping[str, Any], value: Mapping[str, Any], where: str, depth: int) -> Iterator[str]:
    properties = schema["properties"]
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{where} lacks {name}"
    for name, inner in value.items():
        if name in properties:
            yield from _problems(properties[name], inner, f"{where}.{name}", depth + 1)
        elif schema.get("additionalProperties") is None:
            yield f"{where} takes no {name}"
