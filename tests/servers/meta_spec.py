"""What Meta documents of the part of its Graph API that we use: edges, methods, parameters, fields, values.

Sources: facebook-business-sdk-codegen api_specs (Comment, IGComment, IGMedia, Page, PagePost, UnifiedThread)
and, where these leave a field out, developers.facebook.com. Written by hand: no machine-readable contract.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

COMMENT: Final = {
    *("id", "message", "created_time", "from", "parent", "is_hidden", "is_private", "like_count"),
    *("comment_count", "can_comment", "can_hide", "can_like", "can_remove", "can_reply_privately"),
    *("user_likes", "permalink_url", "attachment", "object", "message_tags"),
}
GRAM_COMMENT: Final = {
    *("id", "text", "timestamp", "from", "username", "hidden", "like_count", "parent_id", "replies"),
    *("media", "user"),
}
MESSAGE: Final = {"id", "created_time", "from", "to", "message", "attachments"}
PAGING: Final = {"fields", "limit", "after", "before"}
# (method, kind of node, edge) -> what the query may hold, what the fields may name, what the body may hold
EDGES: Final[Mapping[tuple[str, str, str], tuple[set[str], set[str], set[str]]]] = {
    ("GET", "me", ""): ({"fields"}, {"id", "name", "instagram_business_account"}, set()),
    ("GET", "me", "accounts"): (PAGING, {"id", "name", "access_token", "tasks", "category"}, set()),
    ("GET", "me", "permissions"): (set(), set(), set()),
    ("GET", "page", "feed"): (
        PAGING | {"since", "until"},
        {"id", "message", "created_time", "from", "permalink_url", "comments"},
        set(),
    ),
    ("GET", "page", "conversations"): (
        PAGING | {"platform", "user_id", "folder", "tags"},
        {"id", "updated_time", "participants", "can_reply", "message_count"},
        set(),
    ),
    ("POST", "page", "messages"): (set(), set(), {"recipient", "message", "messaging_type", "tag"}),
    ("GET", "gram", "media"): (
        PAGING,
        {"id", "caption", "permalink", "timestamp", "comments_count", "comments"},
        set(),
    ),
    ("GET", "post", "comments"): (PAGING | {"filter", "order", "since"}, COMMENT, set()),
    ("GET", "comment", "comments"): (PAGING | {"filter", "order", "since"}, COMMENT, set()),
    ("POST", "comment", "comments"): (set(), set(), {"message"}),
    ("GET", "comment", ""): ({"fields"}, COMMENT, set()),
    ("POST", "comment", ""): (set(), set(), {"is_hidden", "message"}),
    ("DELETE", "comment", ""): (set(), set(), set()),
    ("POST", "comment", "likes"): (set(), set(), set()),
    ("DELETE", "comment", "likes"): (set(), set(), set()),
    ("GET", "media", "comments"): (PAGING, GRAM_COMMENT, set()),
    ("GET", "gram_comment", "replies"): (PAGING, GRAM_COMMENT, set()),
    ("POST", "gram_comment", "replies"): (set(), set(), {"message"}),
    ("GET", "gram_comment", ""): ({"fields"}, GRAM_COMMENT, set()),
    ("POST", "gram_comment", ""): (set(), set(), {"hide"}),
    ("DELETE", "gram_comment", ""): (set(), set(), set()),
    ("GET", "conversation", "messages"): (PAGING, MESSAGE, set()),
    ("GET", "message", ""): ({"fields"}, MESSAGE, set()),
}
_VALUES: Final = {
    "filter": {"stream", "toplevel"},
    "order": {"chronological", "reverse_chronological"},
    "platform": {"messenger", "instagram"},
    "messaging_type": {"RESPONSE", "UPDATE", "MESSAGE_TAG", "UTILITY"},
    "tag": {"HUMAN_AGENT"},
}
_BELOW: Final = {"comments": COMMENT | GRAM_COMMENT, "replies": GRAM_COMMENT}
_MODIFIERS: Final = {"filter", "order", "limit", "summary", "since"}
_MOST: Final = 100
_NAME: Final = re.compile(r"([a-z_]+)((?:\.[a-z]+\([a-z0-9_]+\))*)")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One field that is asked for, with its modifiers and what is asked for of it."""

    modifiers: Mapping[str, str]
    fields: Mapping[str, "Wanted"]


def fields_of(text: str) -> dict[str, Wanted]:
    """Read a list of fields such as `id,from{name},comments.limit(1){id}`."""
    found, rest = _fields(text)
    assert not rest, f"the fields end in {rest!r}"
    return found


def _fields(text: str) -> tuple[dict[str, Wanted], str]:
    found: dict[str, Wanted] = {}
    while text:
        name = _NAME.match(text)
        assert name, f"this is no field: {text!r}"
        text, below = text[name.end() :], {}
        if text.startswith("{"):
            below, text = _fields(text[1:])
            assert text.startswith("}"), "a bracket is left open"
            text = text[1:]
        modifiers = dict(re.findall(r"\.([a-z]+)\(([a-z0-9_]+)\)", name[2]))
        assert set(modifiers) <= _MODIFIERS
        found[name[1]] = Wanted(modifiers, below)
        if not text.startswith(","):
            break
        text = text[1:]
    return found, text


def check(method: str, node: str, edge: str, query: Mapping[str, str], body: Mapping[str, Any]) -> None:
    """Hold a request against what is documented; what is not, is a mistake of ours."""
    known = EDGES.get((method, node, edge))
    assert known, f"Meta documents no {method} of {node}/{edge}"
    assert set(query) <= known[0] | {"appsecret_proof"}, f"{method} {node}/{edge} takes no {set(query)}"
    assert set(body) <= known[2], f"{method} {node}/{edge} takes no {set(body)}"
    for name, value in (*query.items(), *body.items()):
        assert value in _VALUES.get(name, [value]), f"{name} may not be {value}"
    assert 0 < int(query.get("limit", "1")) <= _MOST
    check_fields(fields_of(query.get("fields", "")), known[1])


def check_fields(fields: Mapping[str, Wanted], known: set[str]) -> None:
    """Every field is one that Meta documents, also those of comments within a post."""
    assert set(fields) <= known, f"there is no field {set(fields) - known}"
    for name, wanted in fields.items():
        if name in _BELOW:
            check_fields(wanted.fields, _BELOW[name])
