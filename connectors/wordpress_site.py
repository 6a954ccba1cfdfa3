"""Signed-in calls to a WordPress site's REST API, and its comments as the contract wants them.

Sources: the REST API handbook (https://developer.wordpress.org/rest-api/reference/comments/) and the
controller that answers, class-wp-rest-comments-controller.php. Errors are a status and a `code`.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from connectors import html
from connectors.contract import Audience, GoneHow, Kind, RemoteGone, RemoteMessage, RemotePerson
from connectors.errors import ConnectorError, Gone, Reason, Refused, SignInAgain, Unreadable
from connectors.http import Answer, Http

COMMENTS: Final = "wp-json/wp/v2/comments"
PAGE: Final = 100  # the most that WordPress gives at once
# Not asked for: the writer's e-mail and network address, which WordPress would tell a moderator.
_FIELDS: Final = "id,post,parent,author,author_name,date_gmt,content,link,status,_links,_embedded"
_AGENT: Final = "author_user_agent"
_UNAUTHORISED: Final = 401
_APPROVED: Final = ("approved", "approve", "1")
_GONE_CODES: Final = {"rest_comment_invalid_id", "rest_post_invalid_id", "rest_already_trashed"}
_REASONS: Final = {
    "rest_comment_closed": Reason.BLOCKED,
    "rest_comment_trash_post": Reason.NOT_FOUND,
    "rest_comment_draft_post": Reason.NOT_FOUND,
    "rest_comment_content_invalid": Reason.INVALID,
    "comment_content_column_length": Reason.TOO_LONG,
    "rest_no_route": Reason.UNSUPPORTED,
}


class Duplicate(Refused):
    """WordPress has the same words of the same writer there already."""


@dataclass(frozen=True, slots=True)
class Us:
    """Our account there. Only a moderator sees what waits, and can tell whether a reply arrived."""

    id: int
    slug: str
    name: str
    moderates: bool


def explain(answer: Answer) -> ConnectorError | None:
    """Map WordPress's own codes; None leaves the answer to its status."""
    code = answer.data.get("code") if isinstance(answer.data, dict) else None
    if answer.status == _UNAUTHORISED:
        # A wrong password is no error where everybody may read; where not, it looks like a missing right.
        return SignInAgain("the site does not accept this sign-in")
    if code == "comment_duplicate":
        return Duplicate(Reason.INVALID, "WordPress takes the same words in one place only once")
    if code in _GONE_CODES:
        return Gone("this comment is no longer there")
    if isinstance(code, str) and code in _REASONS:
        return Refused(_REASONS[code], f"WordPress said no ({code})")
    return None


class Site:
    """One account on one site."""

    def __init__(self, server: str, user: str, password: str) -> None:
        self.http = Http(server if "://" in server else f"https://{server}", explain)
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}"}

    def us(self) -> Us:
        """Ask who we are: the one question that a wrong password never answers."""
        found = _object(self._read("wp-json/wp/v2/users/me", {"context": "edit"}))
        number, rights = found.get("id"), found.get("capabilities")
        if not isinstance(number, int) or not isinstance(rights, dict):
            raise Unreadable("the site does not say who we are")
        moderates = rights.get("moderate_comments") is True
        return Us(number, text_at(found, "slug"), text_at(found, "name"), moderates)

    def title(self) -> str:
        """The name of the site."""
        return text_at(_object(self._read("wp-json/", {"_fields": "name"})), "name")

    def comments(self, **asked: Any) -> tuple[list[dict[str, Any]], int, int]:
        """Comments as a moderator sees them, how many could not be read, and how many match in all."""
        params = {"context": "edit", "per_page": PAGE, "_fields": _FIELDS, "_embed": "up"} | asked
        answer = self._read(COMMENTS, params)
        if not isinstance(answer.data, list):
            raise Unreadable("the site did not answer with a list")
        found = [entry for entry in answer.data if _is_comment(entry)]
        total = answer.headers.get("X-WP-Total", "")
        return found, len(answer.data) - len(found), int(total) if total.isdigit() else 0

    def comment(self, name: str) -> dict[str, Any]:
        """One comment; Gone where there is none."""
        if not (name.isascii() and name.isdigit()):
            raise Gone("this is no comment of WordPress")
        params = {"context": "edit", "_fields": _FIELDS, "_embed": "up"}
        found = _object(self._read(f"{COMMENTS}/{name}", params))
        if not _is_comment(found) or str(found["id"]) != name:
            raise Unreadable("the site answered with another comment")
        return found

    def ours(self, us: Us, post: int, parent: int) -> list[dict[str, Any]]:
        """What we answered to a comment, each with the agent that it was written with."""
        asked = {"author": us.id, "post": post, "parent": parent, "status": "any"}
        return self.comments(**asked, _fields=f"{_FIELDS},{_AGENT}")[0]

    def write(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What the site says that it made; nothing where it says something else."""
        found = self.http.write(path, body, self._headers).data
        return found if isinstance(found, dict) else {}

    def _read(self, path: str, params: Mapping[str, Any]) -> Answer:
        return self.http.read(path, params, self._headers)


def status_of(comment: Mapping[str, Any]) -> str:
    """What a comment is: approve, hold, spam or trash. WordPress takes one word and gives back another."""
    found = text_at(comment, "status")
    return "approve" if found in _APPROVED else found


def agent_of(comment: Mapping[str, Any]) -> str:
    return text_at(comment, _AGENT)


def place_of(comment: Mapping[str, Any]) -> str:
    return f"post/{comment['post']}"


def time_of(comment: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(comment["date_gmt"]).replace(tzinfo=UTC)


def words_of(comment: Mapping[str, Any]) -> str:
    """Its text as it was typed, without what the site's theme makes of it."""
    content = comment.get("content")
    raw = text_at(content, "raw")
    lines = raw.replace("\r\n", "\n").replace("\n", "<br>")
    return html.to_text(lines or text_at(content, "rendered"))


def look_of(comment: Mapping[str, Any]) -> str:
    """What changes when somebody edits or moderates it."""
    return f"{status_of(comment)} {_digest(words_of(comment))}"


def message(comment: Mapping[str, Any], us: Us) -> RemoteMessage:
    """A comment as everybody else's are."""
    status, text = status_of(comment), words_of(comment)
    parent = comment["parent"]
    content = comment.get("content")
    return RemoteMessage(
        str(comment["id"]),
        place_of(comment),
        Kind.COMMENT,
        _person(comment),
        text,
        time_of(comment),
        Audience.PUBLIC,
        comment["author"] == us.id,
        str(parent) if parent else None,
        reason={"hold": "held for review", "spam": "spam"}.get(status),
        thread_title=_title(comment),
        permalink=text_at(comment, "link") or None,
        revision=_digest(text),
        hidden=status != "approve",
        media=html.pictures(text_at(content, "raw") or text_at(content, "rendered")),
    )


def answer(comment: Mapping[str, Any], us: Us) -> RemoteMessage | RemoteGone:
    """What fetching a comment tells: what lies in the bin is gone."""
    if status_of(comment) == "trash" or status_of(comment) == "post-trashed":
        return RemoteGone(str(comment["id"]), GoneHow.REMOVED)
    return message(comment, us)


def text_at(found: Any, key: str) -> str:
    value = found.get(key) if isinstance(found, dict) else None
    return value if isinstance(value, str) else ""


def _person(comment: Mapping[str, Any]) -> RemotePerson | None:
    """Whoever wrote it. A visitor has no account: one name under one site counts as one person."""
    name = html.to_text(text_at(comment, "author_name"))
    if comment["author"]:
        return RemotePerson(f"user/{comment['author']}", name, name)
    return RemotePerson(f"name/{_digest(name.casefold())}", name, name) if name else None


def _title(comment: Mapping[str, Any]) -> str:
    embedded = comment.get("_embedded")
    above: Sequence[Any] = embedded.get("up") or [] if isinstance(embedded, dict) else []
    title = above[0].get("title") if above and isinstance(above[0], dict) else None
    return html.to_text(text_at(title, "rendered"))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def _is_comment(entry: Any) -> bool:
    """Whether everything is there that the rest relies on."""
    if not isinstance(entry, dict) or not isinstance(entry.get("content"), dict):
        return False
    if not all(type(entry.get(key)) is int for key in ("id", "post", "parent", "author")):
        return False
    try:
        datetime.fromisoformat(text_at(entry, "date_gmt"))
    except ValueError:
        return False
    return bool(text_at(entry, "status"))


def _object(answer: Answer) -> dict[str, Any]:
    if not isinstance(answer.data, dict):
        raise Unreadable("the site did not answer with an object")
    return answer.data
