"""A YouTube of ours on loopback: stateful, with the quota, the paging and the refusals that are documented.

Every request is checked against the official discovery document: its method, path, parameters and values.
"""

import itertools
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import requests
from googleapiclient.discovery_cache import get_static_doc

from connectors.sign_in import challenge

DISCOVERY: Final[dict[str, Any]] = json.loads(get_static_doc("youtube", "v3"))
OURS, CHANNEL_NAME = "UC-ours", "Harbour Lights"
INLINE = 5  # answers that a thread brings with it
COST = {"GET": 1, "POST": 50, "PUT": 50, "DELETE": 50}


class Refusal(Exception):
    """An error as YouTube says it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclass(slots=True)
class Comment:
    id: str
    video: str
    author: str
    text: str
    at: datetime
    parent: str = ""
    updated: datetime | None = None
    status: str = "published"
    likes: int = 0


@dataclass(slots=True)
class YouTube:
    """One channel with videos and comments; `lock` guards all of it."""

    units: int = 10_000
    used: int = 0
    comments: dict[str, Comment] = field(default_factory=dict)
    videos: dict[str, str] = field(default_factory=lambda: {"v1": "A walk by the lake"})
    banned: set[str] = field(default_factory=set)
    codes: dict[str, str] = field(default_factory=dict)
    access: set[str] = field(default_factory=set)
    refresh: str = ""
    closed_videos: set[str] = field(default_factory=set)
    seen: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _last: datetime = datetime(2026, 11, 1, tzinfo=UTC)

    def now(self) -> datetime:
        """A moment of whole seconds, as YouTube writes them; two may be equal."""
        return datetime.now(UTC).replace(microsecond=0)

    def say(self, text: str, parent: str = "", author: str = "UC-robin", at: datetime | None = None) -> str:
        """Somebody writes below a video, or an answer below a comment."""
        with self.lock:
            number = next(self._numbers)
            root = parent.partition(".")[0]
            key = f"{root}.a{number:05d}" if root else f"Ug{number:05d}"
            video = self.comments[root].video if root else "v1"
            self.comments[key] = Comment(key, video, author, text, at or self.now(), root)
            return key

    def edit(self, key: str, text: str) -> None:
        with self.lock:
            comment = self.comments[key]
            comment.text = text
            comment.updated = max(self.now(), (comment.updated or comment.at) + timedelta(seconds=1))

    def delete(self, key: str) -> None:
        with self.lock:
            for one in [one for one in self.comments if one == key or one.startswith(f"{key}.")]:
                del self.comments[one]

    # ------------------------------------------------------------------ what is asked

    def answer_to(self, token: str, method: str, path: str, query: Mapping[str, str], body: Any) -> Any:
        """Answer whoever is signed in."""
        if token not in self.access:
            raise Refusal(401, "authError")
        return self.answer(method, path, query, body)

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Any) -> Any:
        with self.lock:
            check(method, path, query)
            self.used += COST[method]
            if self.used > self.units:
                raise Refusal(403, "quotaExceeded")
            name = path.removeprefix("/youtube/v3/")
            self.seen.append(f"{method} {name}")
            return getattr(self, f"_{method.lower()}_{name.replace('/', '_').lower()}")(query, body)

    def _get_channels(self, query: Mapping[str, str], _: Any) -> Any:
        assert query["mine"] == "true"
        snippet = {"title": CHANNEL_NAME, "customUrl": "@harbourlights"}
        return _list("channel", [{"id": OURS, "snippet": snippet}])

    def _get_videos(self, query: Mapping[str, str], _: Any) -> Any:
        known = [one for one in query["id"].split(",") if one in self.videos]
        return _list("video", [{"id": one, "snippet": {"title": self.videos[one]}} for one in known])

    def _get_commentthreads(self, query: Mapping[str, str], _: Any) -> Any:
        status = query.get("moderationStatus", "published")
        if "id" in query:
            ids = query["id"].split(",")
            roots = [self.comments[one] for one in ids if one in self.comments]
            return _list("commentThread", [self._thread(one) for one in roots])
        roots = [one for one in self.comments.values() if self._in_list(one, status)]
        roots.sort(key=lambda one: (one.at, one.id), reverse=True)
        return self._page("commentThread", [self._thread(one) for one in roots], query)

    def _in_list(self, one: Comment, status: str) -> bool:
        """Held answers bring their thread into the list of what is held."""
        if one.parent:
            return False
        below = [two for two in self.comments.values() if two.parent == one.id]
        return one.status == status or any(two.status == status for two in below if status != "published")

    def _thread(self, root: Comment) -> Any:
        below = sorted(
            (one for one in self.comments.values() if one.parent == root.id and one.status != "rejected"),
            key=lambda one: one.at,
            reverse=True,
        )
        snippet = {
            "channelId": OURS,
            "videoId": root.video,
            "topLevelComment": self._comment(root),
            "canReply": True,
            "totalReplyCount": len(below),
            "isPublic": root.status == "published",
        }
        made: dict[str, Any] = {"kind": "youtube#commentThread", "id": root.id, "snippet": snippet}
        if below:
            made["replies"] = {"comments": [self._comment(one) for one in below[:INLINE]]}
        return made

    def _comment(self, one: Comment) -> Any:
        snippet: dict[str, Any] = {
            "channelId": OURS,
            "videoId": one.video,
            "textDisplay": one.text,
            "authorDisplayName": f"@{one.author.removeprefix('UC-')}",
            "authorChannelId": {"value": one.author},
            "canRate": True,
            "viewerRating": "none",
            "likeCount": one.likes,
            "moderationStatus": one.status,
            "publishedAt": _stamp(one.at),
            "updatedAt": _stamp(one.updated or one.at),
        }
        if one.author == OURS:
            snippet["textOriginal"] = one.text
        if one.parent:
            snippet["parentId"] = one.parent
        if not one.author:
            del snippet["authorChannelId"]
        return {"kind": "youtube#comment", "etag": one.id, "id": one.id, "snippet": snippet}

    def _get_comments(self, query: Mapping[str, str], _: Any) -> Any:
        if "id" in query:
            found = [self.comments[one] for one in query["id"].split(",") if one in self.comments]
            shown = [one for one in found if one.status != "rejected"]
            return _list("comment", [self._comment(one) for one in shown])
        if query["parentId"] not in self.comments:
            raise Refusal(404, "commentNotFound")
        below = [one for one in self.comments.values() if one.parent == query["parentId"]]
        below = sorted((one for one in below if one.status != "rejected"), key=lambda one: one.at)
        return self._page("comment", [self._comment(one) for one in below], query)

    def _page(self, kind: str, items: list[Any], query: Mapping[str, str]) -> Any:
        begin, size = int(query.get("pageToken", "p0")[1:]), int(query.get("maxResults", "20"))
        page = _list(kind, items[begin : begin + size])
        if begin + size < len(items):
            page["nextPageToken"] = f"p{begin + size}"
        return page

    def _post_comments(self, _: Mapping[str, str], body: Any) -> Any:
        snippet = body["snippet"]
        parent = self.comments.get(snippet["parentId"])
        if parent is None or parent.status == "rejected":
            raise Refusal(404, "parentCommentNotFound")
        if parent.video in self.closed_videos:
            raise Refusal(403, "commentsDisabled")
        if not snippet["textOriginal"].strip():
            raise Refusal(400, "commentTextRequired")
        words = snippet["textOriginal"].encode("utf-8", "replace").decode().replace("\0", "")
        return self._comment(self.comments[self.say(words, parent.id, OURS)])

    def _post_comments_setmoderationstatus(self, query: Mapping[str, str], _: Any) -> None:
        comment = self._known(query["id"])
        if query.get("banAuthor") == "true":
            if query["moderationStatus"] != "rejected":
                raise Refusal(400, "banWithoutReject")
            self.banned.add(comment.author)
        comment.status = query["moderationStatus"]

    def _post_comments_markasspam(self, query: Mapping[str, str], _: Any) -> None:
        self._known(query["id"]).status = "likelySpam"

    def _delete_comments(self, query: Mapping[str, str], _: Any) -> None:
        if self._known(query["id"]).author != OURS:
            raise Refusal(403, "forbidden")
        self.delete(query["id"])

    def _known(self, key: str) -> Comment:
        if key not in self.comments:
            raise Refusal(404, "commentNotFound")
        return self.comments[key]

    # ------------------------------------------------------------------ signing in

    def agree(self, page: str) -> None:
        """The owner agrees in the browser."""
        asked = {key: values[0] for key, values in parse_qs(urlsplit(page).query).items()}
        assert asked["access_type"] == "offline"
        assert asked["code_challenge_method"] == "S256"
        self.codes["a-code"] = asked["code_challenge"]
        back = f"{asked['redirect_uri']}?{urlencode({'code': 'a-code', 'state': asked['state']})}"
        threading.Thread(target=requests.get, args=(back,), kwargs={"timeout": 5}).start()

    def tokens(self, form: Mapping[str, str]) -> tuple[int, Any]:
        with self.lock:
            if form["grant_type"] == "authorization_code":
                good = self.codes.pop(form["code"], "") == challenge(form["code_verifier"])
                self.refresh = f"refresh-{next(self._numbers)}"
            else:
                good = form["refresh_token"] == self.refresh
            if not good or form.get("client_secret") != "shipped":
                return 400, {"error": "invalid_grant", "error_description": "Bad Request"}
            token = f"access-{next(self._numbers)}"
            self.access.add(token)
            found = {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}
            first = form["grant_type"] == "authorization_code"
            return 200, found | ({"refresh_token": self.refresh} if first else {})

    def sign_out(self) -> None:
        with self.lock:
            self.access.clear()
            self.refresh = "none"


def check(method: str, path: str, query: Mapping[str, str]) -> None:
    """Hold a request against the discovery document; what it does not know is a mistake of ours."""
    for resource in DISCOVERY["resources"].values():
        for known in resource.get("methods", {}).values():
            if known["httpMethod"] == method and f"/{known['path']}" == path:
                _check_parameters(known["parameters"], query)
                return
    raise AssertionError(f"YouTube documents no {method} {path}")


def _check_parameters(known: Mapping[str, Any], query: Mapping[str, str]) -> None:
    for name, value in query.items():
        assert name in known, f"YouTube documents no parameter {name}"
        asked = known[name]
        values = value.split(",") if asked.get("repeated") else [value]
        for one in values:
            assert one in asked.get("enum", [one]), f"{name} may not be {one}"
        if asked["type"] == "integer":
            assert int(asked.get("minimum", 0)) <= int(value) <= int(asked.get("maximum", 2**31))
        if "pattern" in asked:
            assert re.fullmatch(asked["pattern"], value)
    for name, asked in known.items():
        assert name in query or not asked.get("required"), f"{name} is missing"


def _list(kind: str, items: list[Any]) -> dict[str, Any]:
    page = {"totalResults": len(items), "resultsPerPage": len(items)}
    return {"kind": f"youtube#{kind}ListResponse", "etag": "e", "pageInfo": page, "items": items}


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, state: YouTube) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.state = state
        self.mistakes: list[str] = []  # requests that the discovery document does not know


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def _serve(self) -> None:
        asked = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if asked.path == "/token":
            self._say(*self.server.state.tokens(dict(parse_qsl(body.decode()))))
            return
        try:
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            query = dict(parse_qsl(asked.query, keep_blank_values=True))
            said = json.loads(body) if body else None
            found = self.server.state.answer_to(token, self.command, asked.path, query, said)
            self._say(200 if found is not None else 204, found)
        except Refusal as no:
            errors = [{"reason": no.reason, "domain": "youtube", "message": "Nein."}]
            self._say(no.status, {"error": {"code": no.status, "message": "Nein.", "errors": errors}})
        except AssertionError as mistake:
            self.server.mistakes.append(str(mistake))
            self._say(400, {"error": {"code": 400, "errors": [{"reason": "badRequest"}]}})

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the standard library's names

    def _say(self, status: int, found: Any) -> None:
        body = b"" if found is None else json.dumps(found).encode()
        self.send_response_only(status)
        self.send_header("Date", self.date_time_string(int(time.time())))
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running(state: YouTube) -> Iterator[Server]:
    """The server on loopback; afterwards no request may have been one that YouTube does not document."""
    with Server(state) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
        assert server.mistakes == []
