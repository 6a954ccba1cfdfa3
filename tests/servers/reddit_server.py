"""Reddit as its recorded answers show it, in memory: listings, comments, modmail, moderation, OAuth.

Every request is checked as Reddit checks it: signed in, `raw_json`, known parameters. A `before=` of
something deleted answers with an empty page, as there.
"""

import base64
import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.servers.reddit_community import HOME, US, Community

LONGEST = 10_000
Answer = tuple[int, Any]


class Refusal(Exception):
    def __init__(self, status: int, data: Any) -> None:
        super().__init__(status)
        self.status, self.data = status, data


def says_no(code: str, **more: Any) -> Refusal:
    """A 200 that is an error, as for most writes."""
    return Refusal(200, {"json": {"errors": [[code, "Worte in irgendeiner Sprache", None]], **more}})


class Reddit(Community, ThreadingHTTPServer):
    """Use as a context; `url` is both the site and its interface for programs."""

    daemon_threads = True

    def __init__(self) -> None:
        Community.__init__(self)
        ThreadingHTTPServer.__init__(self, ("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.banned: dict[str, dict[str, str]] = {}
        self.muted: dict[str, str] = {}
        self.reasons = {"r1": {"id": "r1", "title": "Be kind", "message": "Please be kind."}}
        self.told: list[dict[str, Any]] = []
        self.noted: list[dict[str, Any]] = []
        self.reported: list[dict[str, str]] = []
        self.ignoring: set[str] = set()
        self.rights = ["all"]
        self.requests: list[tuple[str, str, dict[str, str], dict[str, str]]] = []
        self.refusals: list[tuple[str, Refusal]] = []
        self.codes: dict[str, dict[str, str]] = {}
        self.remaining = 900.0
        self.most = 1000  # entries that a listing shows at all

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of the tests."""

    # ---------------------------------------------------------------- reading

    def get(self, path: str, asked: dict[str, str]) -> Any:
        """Answer a question."""
        parts = path.strip("/").split("/")
        if asked.get("raw_json") != "1":
            raise Refusal(400, {"message": "Bad Request", "error": 400})
        if path == "/api/v1/me":
            return {"name": US, "id": "4cixf", "is_mod": True, "subreddit": {"title": "Harbour"}}
        if path == "/api/info":
            names = asked["id"].split(",")
            assert len(names) <= 100
            return _listing([self.shown(self.things[name]) for name in names if name in self.things])
        if parts[0] == "comments":
            return self._around(f"t3_{parts[1]}", f"t1_{parts[3]}" if len(parts) > 3 else "")
        if parts[:3] == ["api", "mod", "conversations"]:
            return self._whole(parts[3]) if len(parts) > 3 else self._conversations(asked)
        return self._of_community(parts) or self._listed(path, asked)

    def _of_community(self, parts: list[str]) -> Any:
        if parts[-1] == "removal_reasons":
            return {"data": self.reasons, "order": list(self.reasons)}
        if parts[-2:] == ["about", "moderators"]:
            rights = [{"name": US, "id": "t2_4cixf", "mod_permissions": self.rights, "date": 1.0}]
            return {"kind": "UserList", "data": {"children": rights if self.rights else []}}
        return None

    def _listed(self, path: str, asked: dict[str, str]) -> Any:
        kinds: dict[str, Callable[[dict[str, Any]], bool]] = {
            f"/r/{HOME}/about/modqueue": lambda t: self._home(t) and self._waits(t),
            f"/r/{HOME}/about/reports": lambda t: self._home(t) and t["num_reports"] > 0,
            f"/r/{HOME}/about/spam": lambda t: self._home(t) and bool(t["banned_by"]),
            f"/r/{HOME}/about/unmoderated": lambda t: self._home(t) and _post(t) and not _seen(t),
            f"/r/{HOME}/new": lambda t: self._home(t) and _post(t) and not t["banned_by"],
            f"/r/{HOME}/comments": lambda t: self._home(t) and not _post(t) and not t["banned_by"],
            "/message/mentions": lambda t: not _post(t) and f"u/{US}" in t["body"],
            f"/user/{US}/comments": lambda t: not _post(t) and t["author"] == US,
        }
        if path not in kinds:
            raise Refusal(403, {"message": "Forbidden", "error": 403})
        if "about" in path and not self.rights:
            raise Refusal(403, {"error": 403})
        found = [t for t in self.things.values() if t["author"] != "[deleted]" and kinds[path](t)]
        found = sorted(found, key=lambda t: t["created_utc"], reverse=True)[: self.most]
        names = [t["name"] for t in found]
        if "before" in asked:
            return _listing([])  # of something deleted: for ever
        start = names.index(asked["after"]) + 1 if asked.get("after") in names else 0
        size = min(int(asked.get("limit", 25)), 100)
        page = found[start : start + size]
        after = page[-1]["name"] if start + size < len(found) else None
        return _listing([self.shown(t, inbox=path == "/message/mentions") for t in page], after)

    def shown(self, thing: dict[str, Any], *, inbox: bool = False) -> dict[str, Any]:
        data = dict(thing)
        if inbox:
            data["context"] = thing["permalink"] + "?context=3"
            for key in ("link_id", "edited", "permalink", "user_reports", "mod_reports", "banned_by"):
                data.pop(key)
            data |= {"type": "username_mention", "was_comment": True, "subject": "username mention"}
        return {"kind": thing["name"][:2], "data": data}

    def _home(self, thing: dict[str, Any]) -> bool:
        return bool(thing["subreddit"] == HOME)

    def _waits(self, thing: dict[str, Any]) -> bool:
        filtered = thing["banned_by"] is True  # by a filter, not by a moderator
        return (thing["num_reports"] > 0 and not thing["banned_by"]) or filtered

    def _around(self, link: str, focus: str) -> Any:
        if link not in self.things:
            raise Refusal(404, {"message": "Not Found", "error": 404})

        def branch(parent: str) -> Any:
            below = [t for t in self.things.values() if t.get("parent_id") == parent]
            return _listing([tree(t) for t in below]) if below else ""

        def tree(thing: dict[str, Any]) -> dict[str, Any]:
            return {"kind": "t1", "data": {**thing, "replies": branch(thing["name"])}}

        top = branch(link)
        if focus:
            while self.things[focus]["parent_id"].startswith("t1_"):
                focus = self.things[focus]["parent_id"]
            top = _listing([tree(self.things[focus])])
        more = {
            "kind": "more",
            "data": {"count": 0, "children": [], "name": "t1__", "id": "_", "parent_id": link},
        }
        if top:
            top["data"]["children"].append(more)
        return [_listing([self.shown(self.things[link])]), top or _listing([])]

    def _conversations(self, asked: dict[str, str]) -> Any:
        order = sorted(self.mail.values(), key=lambda c: c["lastUpdated"], reverse=True)
        order = [
            c for c in order if c["owner"]["displayName"] in asked["entity"].split(",") and c["state"] != 2
        ]
        names = [c["id"] for c in order]
        start = names.index(asked["after"]) + 1 if asked.get("after") in names else 0
        page = order[start : start + int(asked.get("limit", 25))]
        lasts = {c["id"]: list(c["messages"].values())[-1] for c in page}
        return {
            "conversations": {
                c["id"]: {**_head(c), "objIds": [{"id": lasts[c["id"]]["id"], "key": "messages"}]}
                for c in page
            },
            "messages": {last["id"]: last for last in lasts.values()},
            "conversationIds": [c["id"] for c in page],
            "viewerId": "t2_4cixf",
        }

    def _whole(self, name: str) -> Any:
        if name not in self.mail:
            raise Refusal(404, {"message": "Not Found", "error": 404})
        held = self.mail[name]
        order = [{"id": number, "key": "messages"} for number in held["messages"]]
        return {
            "conversation": {**_head(held), "objIds": order},
            "messages": held["messages"],
            "modActions": {},
        }

    # ---------------------------------------------------------------- writing

    def do(self, path: str, form: dict[str, Any]) -> Any:
        parts = path.strip("/").split("/")
        if path == "/api/comment":
            return self._do_comment(form)
        if parts[:3] == ["api", "mod", "conversations"]:
            return self._do_mail(parts[3:], form)
        if parts[-2:-1] == ["modactions"]:
            return self._do_reason(parts[-1], form)
        if parts[0] == "r" and parts[-1] in ("friend", "unfriend"):
            return self._do_relation(parts[-1], form)
        deeds = ("del", "approve", "remove", "lock", "unlock", "ignore_reports", "report")
        if len(parts) != 2 or parts[1] not in deeds:
            raise Refusal(404, {"message": "Not Found", "error": 404})
        return self._do_thing(parts[1], form)

    def _do_comment(self, form: dict[str, Any]) -> Any:
        parent = self.things.get(form["thing_id"])
        if len(form["text"]) > LONGEST:
            raise says_no("TOO_LONG")
        if parent is None or parent["author"] == "[deleted]":
            raise says_no("DELETED_COMMENT")
        if self.things[parent.get("link_id") or parent["name"]].get("locked"):
            raise says_no("THREAD_LOCKED")
        name = self.comment(US, form["text"], parent["name"])
        return {"json": {"errors": [], "data": {"things": [self.shown(self.things[name])]}}}

    def _do_mail(self, parts: list[str], form: dict[str, Any]) -> Any:
        if not parts:
            assert form["srName"] == HOME
            name = self._conversation(form["to"], form["subject"])
            self.letter(US, form["body"], name)
            return self._whole(name)
        name = parts[0]
        if len(parts) == 1:
            self._whole(name)
            self.letter(US, form["body"], name, internal=form["isInternal"] == "true")
            return self._whole(name)
        held = self.mail[name]
        if parts[1] == "mute":
            assert form["num_hours"] in ("72", "168", "672")
            self.muted[held["participant"]["name"]] = form["num_hours"]
        elif parts[1] == "unmute":
            self.muted.pop(held["participant"]["name"], None)
        elif parts[1] == "archive":
            held["state"] = 2
        return self._whole(name)

    def _do_reason(self, which: str, form: dict[str, Any]) -> Any:
        if which == "removal_reasons":
            assert set(form) == {"item_ids", "mod_note", "reason_id"}
            self.noted.append(form)
            return None  # an empty body
        assert set(form) == {"item_id", "title", "message", "type"}
        if len(form["title"]) > 50:
            raise Refusal(400, {"fields": ["title"], "explanation": "zu lang", "reason": "TOO_LONG"})
        self.told.append(form)
        return {"name": "t1_told"}

    def _do_relation(self, which: str, form: dict[str, Any]) -> Any:
        held = self.banned if form["type"] == "banned" else self.muted
        if which == "unfriend":
            held.pop(form["name"], None)
            return {}
        held[form["name"]] = form if form["type"] == "banned" else "72"  # type: ignore[assignment]  # two dicts
        return {"json": {"errors": []}}

    def _do_thing(self, which: str, form: dict[str, Any]) -> Any:
        thing = self.things.get(form.get("id") or form.get("thing_id", ""))
        if thing is None:
            raise Refusal(404, {"message": "Not Found", "error": 404})
        if which == "del":
            self.delete(thing["name"])
        elif which == "report":
            self.reported.append(form)
            return {"json": {"errors": []}}
        elif not self.rights:
            raise Refusal(403, {"message": "Forbidden", "error": 403})
        elif which == "remove":
            thing |= {"banned_by": US, "removed": form["spam"] == "false", "spam": form["spam"] == "true"}
        elif which == "approve":
            thing |= {"approved_by": US, "banned_by": None, "removed": False, "spam": False}
            thing |= {"user_reports": [], "mod_reports": [], "num_reports": 0}
        elif which == "ignore_reports":
            self.ignoring.add(thing["name"])
        else:
            thing["locked"] = which == "lock"
        return {}

    # ---------------------------------------------------------------- signing in

    def token(self, form: dict[str, str], header: str) -> Answer:
        client = base64.b64decode(header.removeprefix("Basic ")).decode()
        if not client.endswith(":"):
            return 401, {"message": "Unauthorized", "error": 401}
        if form["grant_type"] == "refresh_token":
            if form["refresh_token"] not in self.refresh:
                return 400, {"error": "invalid_grant"}
            self.refresh.discard(form["refresh_token"])  # good for one use
        else:
            asked = self.codes.pop(form["code"], None)
            if asked is None or asked["redirect_uri"] != form["redirect_uri"]:
                return 200, {"error": "invalid_grant"}
        made = self.sign_in()
        return 200, {**made, "token_type": "bearer", "expires_in": 3600}


def _listing(children: list[Any], after: str | None = None) -> dict[str, Any]:
    return {
        "kind": "Listing",
        "data": {"children": children, "after": after, "before": None, "modhash": None},
    }


def _head(conversation: dict[str, Any]) -> dict[str, Any]:
    shown = {key: value for key, value in conversation.items() if key != "messages"}
    return {**shown, "numMessages": len(conversation["messages"])}


def _post(thing: dict[str, Any]) -> bool:
    return str(thing["name"]).startswith("t3_")


def _seen(thing: dict[str, Any]) -> bool:
    return bool(thing["approved_by"] or thing["banned_by"])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Reddit

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        address = urlsplit(self.path)
        path, asked = unquote(address.path), dict(parse_qsl(address.query))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        is_json = "json" in self.headers.get("Content-Type", "")
        form = json.loads(body) if is_json else dict(parse_qsl(body, keep_blank_values=True))
        with self.server.lock:
            self.server.requests.append((self.command, path, asked, form))
            try:
                status, data = self._answer(path, asked, form)
            except Refusal as refusal:
                status, data = refusal.status, refusal.data
        self._reply(status, data)

    def _answer(self, path: str, asked: dict[str, str], form: dict[str, Any]) -> Answer:
        server = self.server
        if path == "/api/v1/access_token":
            return server.token(form, self.headers.get("Authorization", ""))
        agent = self.headers.get("User-Agent", "")
        assert re.fullmatch(r"desktop:[\w.]+:[\w.+]+ \(by /u/\w+\)", agent), "Reddit turns others away"
        for wanted, refusal in server.refusals:
            if wanted in path:
                server.refusals.remove((wanted, refusal))
                raise refusal
        if self.headers.get("Authorization", "").removeprefix("Bearer ") not in server.tokens:
            return 401, {"message": "Unauthorized", "error": 401}
        if self.command == "GET":
            return 200, server.get(path, asked)
        if not path.startswith("/api/v1/modactions"):
            assert form.pop("api_type", "") == "json"
        return 200, server.do(path, form)

    def _reply(self, status: int, data: Any) -> None:
        raw = data if isinstance(data, bytes) else b"" if data is None else json.dumps(data).encode()
        self.send_response(status)
        self.send_header(
            "Content-Type", "text/html" if isinstance(data, bytes) else "application/json; charset=UTF-8"
        )
        self.send_header("Content-Length", str(len(raw)))
        self.send_header("x-ratelimit-remaining", str(self.server.remaining))
        self.send_header("x-ratelimit-used", str(1000 - int(self.server.remaining)))
        self.send_header("x-ratelimit-reset", "300")
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args: object) -> None:
        pass
