"""A Graph API of ours on loopback: stateful, with the pages, windows and refusals that Meta documents."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.servers.meta_community import (
    DAY,
    DETAILED,
    GONE,
    GRAM,
    GRAM_NAME,
    PAGE,
    PAGE_NAME,
    SECRET,
    Comment,
    Community,
    Conversation,
    Message,
    Refusal,
)
from tests.servers.meta_spec import COMMENT, GRAM_COMMENT, MESSAGE, Wanted, check, check_fields, fields_of

VERSION = "/v25.0/"


class Meta(Community):
    """The Graph API of one Page; every request is held against what is documented."""

    # ------------------------------------------------------------------ what is asked

    def answer(
        self, token: str, method: str, path: str, query: dict[str, str], body: Mapping[str, Any]
    ) -> Any:
        with self.lock:
            assert path.startswith(VERSION), "the version stands in the path"
            assert "access_token" not in query, "a token stands in the address"
            if path == f"{VERSION}oauth/access_token":
                return self._exchanged(body)
            if token not in self.tokens:
                raise Refusal(190, 463)
            if self.secret and query.get("appsecret_proof") != _proof(self.secret, token):
                raise Refusal(100)
            node, _, edge = path.removeprefix(VERSION).partition("/")
            self.seen.append(f"{method} {node}/{edge}")
            if not node:
                return self._several(query)
            kind = self._kind(node, query)
            check(method, kind, edge, query, body)
            if {kind, edge, query.get("platform", "")} & (self.denied - {""}):
                raise Refusal(200)
            name = f"_{method.lower()}_{kind}{f'_{edge}' if edge else ''}"
            return getattr(self, name)(node, fields_of(query.get("fields", "")), query, body, token)

    def _kind(self, node: str, query: Mapping[str, str]) -> str:
        if node in ("me", PAGE, GRAM):
            return {"me": "me", PAGE: "page", GRAM: "gram"}[node]
        if node in self.posts or node in self.media:
            return "post" if node in self.posts else "media"
        if node in self.comments:
            return "gram_comment" if self.comments[node].post in self.media else "comment"
        if node in self.conversations:
            return "conversation"
        found = next(
            (one for one in self.conversations.values() if node in _ids(one.messages[-DETAILED:])), None
        )
        if found is None:
            raise Refusal(*GONE)
        return "message"

    def _several(self, query: Mapping[str, str]) -> Any:
        assert set(query) <= {"ids", "fields", "appsecret_proof"}
        fields = fields_of(query["fields"])
        check_fields(fields, COMMENT | GRAM_COMMENT | MESSAGE)
        found = {}
        for key in query["ids"].split(","):
            kind = self._kind(key, query)
            if kind in self.denied:
                raise Refusal(*GONE)
            found[key] = getattr(self, f"_get_{kind}")(key, fields, query, {}, "")
        return found

    # ------------------------------------------------------------------ who and what

    def _get_me(self, _: str, fields: Any, *__: Any) -> Any:
        gram = {"instagram_business_account": {"id": GRAM, "username": GRAM_NAME}} if self.linked else {}
        return _only({"id": PAGE, "name": PAGE_NAME, **gram}, fields)

    def _get_me_accounts(self, _: str, fields: Any, query: Any, __: Any, token: str) -> Any:
        if self.tokens[token] == "page":
            raise Refusal(100)  # a Page has no such edge
        row = {"id": PAGE, "name": PAGE_NAME, "access_token": "page-token", "tasks": self.tasks}
        other = {"id": "1002", "name": "Quiet Pier", "access_token": "other-token", "tasks": self.tasks}
        return self._page([_only(one, fields) for one in (row, other)], query)

    def _get_me_permissions(self, *_: Any) -> Any:
        return {"data": [{"permission": one, "status": "granted"} for one in self.granted]}

    def _exchanged(self, body: Mapping[str, Any]) -> Any:
        good = body.get("client_secret") == SECRET and body.get("client_id") == "our-app"
        if not good or body["fb_exchange_token"] not in self.tokens:
            raise Refusal(190)
        self.tokens["long-token"] = "user"
        return {"access_token": "long-token", "token_type": "bearer"}

    # ------------------------------------------------------------------ comments

    def _get_page_feed(self, _: str, fields: Mapping[str, Wanted], query: Any, *__: Any) -> Any:
        rows = [self._post(key, {"message": words}, fields) for key, words in self.posts.items()]
        return self._page(rows[::-1], query)

    def _get_gram_media(self, _: str, fields: Mapping[str, Wanted], query: Any, *__: Any) -> Any:
        rows = []
        for key, words in self.media.items():
            count = sum(one.post == key for one in self.comments.values())
            row = {
                "caption": words,
                "permalink": f"https://www.instagram.com/p/{key}/",
                "comments_count": count,
            }
            rows.append(self._post(key, row, fields))
        return self._page(rows[::-1], query)

    def _post(self, key: str, row: dict[str, Any], fields: Mapping[str, Wanted]) -> Any:
        row["id"] = key
        if "comments" in fields:
            asked = fields["comments"]
            stream = asked.modifiers.get("filter") == "stream"
            below = self._below(key, stream=stream, newest=True)
            limit = int(asked.modifiers.get("limit", "25"))
            shown = {"data": [_only(self._row(one), asked.fields) for one in below[:limit]]}
            total = {"summary": {"total_count": len(below)}} if "summary" in asked.modifiers else {}
            row["comments"] = shown | total
        return _only(row, fields)

    def _below(self, post: str, *, stream: bool, newest: bool) -> list[Comment]:
        found = [one for one in self.comments.values() if one.post == post and (stream or not one.parent)]
        return sorted(found, key=lambda one: (one.at, one.id), reverse=newest)

    def _row(self, one: Comment) -> dict[str, Any]:
        ours = one.author in (PAGE, GRAM)
        answers = [two for two in self.comments.values() if two.parent == one.id]
        if one.post in self.media:
            name = GRAM_NAME if ours else one.author.removeprefix("p-")
            row = {"id": one.id, "text": one.text, "timestamp": _stamp(one.at), "hidden": one.hidden}
            row |= {"username": name, "from": {"id": one.author, "username": name}, "like_count": 0}
            return row | ({"parent_id": one.parent} if one.parent else {})
        row = {"id": one.id, "message": one.text, "created_time": _stamp(one.at), "is_hidden": one.hidden}
        row |= {"can_hide": not ours, "can_remove": True, "can_like": True, "user_likes": one.liked}
        row |= {"is_private": one.private, "like_count": int(one.liked), "comment_count": len(answers)}
        row["can_reply_privately"] = not ours and one.id not in self.answered
        if one.author:
            row["from"] = {
                "id": one.author,
                "name": PAGE_NAME if ours else one.author.removeprefix("p-").title(),
            }
        return row | ({"parent": {"id": one.parent}} if one.parent else {}) | one.can

    def _get_post_comments(self, node: str, fields: Any, query: Mapping[str, str], *_: Any) -> Any:
        newest = query.get("order") == "reverse_chronological"
        found = self._below(node, stream=query.get("filter") == "stream", newest=newest)
        return self._page([_only(self._row(one), fields) for one in found], query)

    def _get_comment_comments(self, node: str, fields: Any, query: Mapping[str, str], *_: Any) -> Any:
        found = sorted((one for one in self.comments.values() if one.parent == node), key=lambda one: one.at)
        return self._page([_only(self._row(one), fields) for one in found], query)

    def _get_media_comments(self, node: str, fields: Any, query: Mapping[str, str], *_: Any) -> Any:
        rows = []
        for one in self._below(node, stream=False, newest=True):
            row = self._row(one)
            if "replies" in fields:
                asked = fields["replies"]
                more = {"limit": asked.modifiers["limit"]}
                row["replies"] = self._get_comment_comments(one.id, asked.fields, more)
            rows.append(_only(row, fields))
        return self._page(rows, query | {"limit": min(50, int(query.get("limit", 25)))})

    _get_gram_comment_replies = _get_comment_comments

    def _get_comment(self, node: str, fields: Any, *_: Any) -> Any:
        return _only(self._row(self.comments[node]), fields)

    _get_gram_comment = _get_comment

    def _post_comment(self, node: str, _: Any, __: Any, body: Mapping[str, Any], *___: Any) -> Any:
        one = self.comments[node]
        if one.author in (PAGE, GRAM):
            raise Refusal(200)
        one.hidden = body["is_hidden"] if "is_hidden" in body else body["hide"]
        return {"success": True}

    _post_gram_comment = _post_comment

    def _delete_comment(self, node: str, *_: Any) -> Any:
        self.delete(node)
        return {"success": True}

    _delete_gram_comment = _delete_comment

    def _post_comment_likes(self, node: str, *_: Any) -> Any:
        self.comments[node].liked = True
        return {"success": True}

    def _delete_comment_likes(self, node: str, *_: Any) -> Any:
        self.comments[node].liked = False
        return {"success": True}

    def _post_comment_comments(self, node: str, _: Any, __: Any, body: Mapping[str, Any], *___: Any) -> Any:
        us = GRAM if self.comments[node].post in self.media else PAGE
        return {"id": self.say(body["message"], node, us)}

    _post_gram_comment_replies = _post_comment_comments

    # ------------------------------------------------------------------ direct messages

    def _get_page_conversations(self, _: str, fields: Any, query: Mapping[str, str], *__: Any) -> Any:
        mine = [
            one for one in self.conversations.values() if one.platform == query["platform"] and one.messages
        ]
        mine = [one for one in mine if query.get("user_id", one.person) == one.person]
        mine.sort(key=lambda one: one.messages[-1].at, reverse=True)
        rows = [{"id": one.id, "updated_time": _stamp(one.messages[-1].at)} for one in mine]
        return self._page([_only(row, fields) for row in rows], query)

    def _get_conversation_messages(self, node: str, fields: Any, query: Mapping[str, str], *_: Any) -> Any:
        found = self.conversations[node]
        rows = []
        for number, one in enumerate(found.messages[::-1]):
            asked = fields if number < DETAILED else {name: fields[name] for name in ("id", "created_time")}
            rows.append(_only(self._said(found, one), asked))
        return self._page(rows, query)

    def _get_message(self, node: str, fields: Any, *_: Any) -> Any:
        for found in self.conversations.values():
            for one in found.messages:
                if one.id == node:
                    return _only(self._said(found, one), fields)
        raise Refusal(*GONE)

    def _said(self, found: Conversation, one: Message) -> dict[str, Any]:
        us = PAGE if found.platform == "messenger" else GRAM
        sender, other = (us, found.person) if one.author == us else (found.person, us)
        row = {"id": one.id, "created_time": _stamp(one.at), "message": one.text}
        return row | {"from": {"id": sender, "name": sender}, "to": {"data": [{"id": other}]}}

    def _post_page_messages(self, _: str, __: Any, ___: Any, body: Mapping[str, Any], *____: Any) -> Any:
        recipient, text = body["recipient"], body["message"]["text"]
        if "comment_id" in recipient:
            return self._private_reply(recipient["comment_id"], text)
        found = next(one for one in self.conversations.values() if one.person == recipient["id"])
        us = PAGE if found.platform == "messenger" else GRAM
        last = max(one.at for one in found.messages if one.author == found.person)
        tagged = self.human and (body["messaging_type"], body.get("tag")) == ("MESSAGE_TAG", "HUMAN_AGENT")
        if self.now() - last > (7 * DAY if tagged else DAY):
            raise Refusal(10, 2018278 if found.platform == "messenger" else 2534022)
        return {
            "recipient_id": found.person,
            "message_id": self.put(found.platform, found.person, us, text)[1],
        }

    def _private_reply(self, key: str, text: str) -> Any:
        one = self.comments.get(key)
        if one is None:
            raise Refusal(*GONE)
        if key in self.answered or self.now() - one.at > 7 * DAY:
            raise Refusal(10900 if key in self.answered else 10903)
        self.answered.add(key)
        platform, us = ("instagram", GRAM) if one.post in self.media else ("messenger", PAGE)
        return {"recipient_id": one.author, "message_id": self.put(platform, one.author, us, text)[1]}

    def _page(self, rows: Sequence[Any], query: Mapping[str, Any]) -> Any:
        """A cursor names the last row of its page; once that is gone it is worth nothing."""
        limit, begin = int(query.get("limit", 25)), 0
        if "after" in query:
            if query["after"] not in (names := [f"c{one.get('id')}" for one in rows]):
                raise Refusal(100)
            begin = names.index(query["after"]) + 1
        shown = rows[begin : begin + limit]
        if not shown:
            return {"data": []}
        paging = {"cursors": {"before": f"c{shown[0].get('id')}", "after": f"c{shown[-1].get('id')}"}}
        more = (
            {"next": "https://graph.facebook.com/?access_token=page-token"}
            if begin + limit < len(rows)
            else {}
        )
        return {"data": list(shown), "paging": paging | more}


def _ids(messages: Sequence[Message]) -> set[str]:
    return {one.id for one in messages}


def _only(row: Mapping[str, Any], fields: Mapping[str, Wanted]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name == "id" or name in fields}


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S+0000")


def _proof(secret: str, token: str) -> str:
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, state: Meta) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.state = state
        self.mistakes: list[str] = []  # requests that Meta does not document


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def _serve(self) -> None:
        asked, state = urlsplit(self.path), self.server.state
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        try:
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            body = json.loads(sent) if sent.startswith("{") else dict(parse_qsl(sent))
            self._say(200, state.answer(token, self.command, asked.path, dict(parse_qsl(asked.query)), body))
        except Refusal as no:
            self._say(no.status, no.body)
        except (AssertionError, KeyError) as mistake:
            self.server.mistakes.append(f"{self.command} {self.path}: {mistake!r}")
            self._say(400, Refusal(100).body)

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - the standard library's names

    def _say(self, status: int, found: Any) -> None:
        body = json.dumps(found).encode()
        self.send_response_only(status)
        self.send_header("Date", self.date_time_string(int(time.time())))
        for name, value in {**self.server.state.usage, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running(state: Meta) -> Iterator[Server]:
    """The server on loopback; afterwards no request may have been one that Meta does not document."""
    with Server(state) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
        assert server.mistakes == []
