"""Discord's API of ours on loopback: stateful, with the permissions, limits and refusals it documents."""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.servers import discord_rows as rows
from tests.servers.discord_community import (
    BOT,
    DIRECT,
    GUILD,
    NONCE_FOR,
    PRIVATE,
    THREADS,
    Channel,
    Community,
    Message,
    Poll,
    Refusal,
)
from tests.servers.discord_limits import Limits
from tests.servers.discord_specification import Specification

BASE: Final = "/api/v10"
_LONGEST_MUTE: Final = timedelta(days=28)
_MOST_TEXT: Final = 2000
_ANSWER: Final = 19
_MOST_REASON: Final = 512
_BODILESS: Final = 204


def _form(path: str, code: str) -> Refusal:
    inner: dict[str, Any] = {"_errors": [{"code": code, "message": "what people read"}]}
    for part in reversed(path.split(".")):
        inner = {part: inner}
    return Refusal(400, 50035, inner)


class Discord(Community):
    """What one bot is answered; every request is held against the official description."""

    def __init__(self) -> None:
        super().__init__()
        self.specification = Specification()
        self.limits = Limits()
        self.seen: list[str] = []
        self.statuses: list[int] = []
        self.agents: set[str] = set()
        self.failed: list[str] = []

    def answer(self, method: str, path: str, query: dict[str, str], body: Any, reason: str) -> Any:
        self.seen.append(f"{method} {path}")
        self.specification.check(method, path, query, body)
        assert len(unquote(reason)) <= _MOST_REASON
        for verb, pattern, name in _ROUTES:
            found = re.fullmatch(pattern, path)
            if verb == method and found:
                made = getattr(self, name)(*found.groups(), query=query, body=body)
                if reason:
                    self.audit.append((f"{method} {path}", unquote(reason)))
                self.specification.check_answer(method, path, made)
                return made
        raise Refusal(404, 0)

    # ------------------------------------------------------------------ who and where

    def get_me(self, **_: Any) -> Any:
        return rows.user(self.users[BOT]) | {"mfa_enabled": False, "locale": "en-US"}

    def get_application(self, **_: Any) -> Any:
        return {"id": BOT, "name": "Harbour Light", "flags": self.flags, "flags_new": str(self.flags)}

    def get_guilds(self, **_: Any) -> Any:
        return [{"id": GUILD, "name": "Harbour", "icon": None, "owner": False, "features": []}]

    def get_guild(self, guild: str, **_: Any) -> Any:
        self._at_home(guild)
        known = [rows.role(key, powers) for key, powers in self.roles.items()]
        return {"id": GUILD, "name": "Harbour", "owner_id": "1", "roles": known}

    def get_channels(self, guild: str, **_: Any) -> Any:
        self._at_home(guild)
        kept = [one for one in self.channels.values() if one.kind not in (*THREADS, DIRECT)]
        return [rows.channel(self, one) for one in kept]

    def get_active(self, guild: str, **_: Any) -> Any:
        self._at_home(guild)
        kept = [one for one in self.channels.values() if one.kind in THREADS and not one.archived]
        shown = [rows.channel(self, one) for one in kept if self.may("view", one.id)]
        return {"threads": shown, "members": [], "has_more": False}

    def get_archived(self, parent: str, how: str, *, query: Mapping[str, str], **_: Any) -> Any:
        self.need("history", parent)
        if how == "private":
            self.need("manage_threads", parent)
        before = query.get("before", "9999")
        kept = [
            one
            for one in self.channels.values()
            if one.parent == parent and one.archived and (one.kind == PRIVATE) is (how == "private")
        ]
        kept.sort(key=lambda one: rows.stamp(one.archived_at or self.now()), reverse=True)
        kept = [one for one in kept if rows.stamp(one.archived_at or self.now()) < before]
        limit = int(query.get("limit", 50))
        shown = [rows.channel(self, one) for one in kept[:limit]]
        return {"threads": shown, "members": [], "has_more": len(kept) > limit}

    def get_joined(self, parent: str, *, query: Mapping[str, str], **_: Any) -> Any:
        """Private threads that the bot is in, the last begun first."""
        self.need("history", parent)
        kept = [one for one in self.channels.values() if one.parent == parent and one.kind == PRIVATE]
        kept = [one for one in kept if one.archived and BOT in one.members]
        kept = [one for one in kept if int(one.id) < int(query.get("before", "9" * 20))]
        kept.sort(key=lambda one: int(one.id), reverse=True)
        limit = int(query.get("limit", 50))
        shown = [rows.channel(self, one) for one in kept[:limit]]
        return {"threads": shown, "members": [], "has_more": len(kept) > limit}

    def get_channel(self, key: str, **_: Any) -> Any:
        return rows.channel(self, self._place(key))

    def patch_channel(self, key: str, *, body: Mapping[str, Any], **_: Any) -> Any:
        place = self._place(key)
        self.need("manage_threads", key)
        place.archived = body.get("archived", place.archived)
        if place.archived:
            raise Refusal(400, 50083)
        place.locked = body.get("locked", place.locked)
        return rows.channel(self, place)

    def _at_home(self, guild: str) -> None:
        if guild != GUILD:
            raise Refusal(404, 10004)

    def _place(self, key: str) -> Channel:
        place = self.channels.get(key)
        if place is None:
            raise Refusal(404, 10003)
        if not self.may("view", key):
            raise Refusal(403, 50001)
        return place

    # ------------------------------------------------------------------ messages

    def get_messages(self, key: str, *, query: Mapping[str, str], **_: Any) -> Any:
        """Newest first; without the right to read the history there is none, and no word of it."""
        self._place(key)
        limit = int(query.get("limit", 50))
        found = self.within(key) if self.may("history", key) else []
        assert len({"around", "before", "after"} & set(query)) <= 1
        if "after" in query:
            found = [one for one in found if int(one.id) > int(query["after"])][:limit]
        elif "around" in query:
            before = [one for one in found if int(one.id) <= int(query["around"])]
            found = found[max(0, len(before) - limit // 2) :][:limit]
        return [rows.message(self, one) for one in reversed(found[-limit:])]

    def get_message(self, channel: str, key: str, **_: Any) -> Any:
        self.need("history", self._place(channel).id)
        return rows.message(self, self._message(channel, key))

    def _message(self, channel: str, key: str) -> Message:
        found = self.messages.get(key)
        if found is None or found.channel != channel:
            raise Refusal(404, 10008)
        return found

    def post_message(self, channel: str, *, body: Mapping[str, Any], **_: Any) -> Any:
        place = self._place(channel)
        self.need("send_in_threads" if place.kind in THREADS else "send", channel)
        if place.locked and not self.may("manage_threads", channel):
            raise Refusal(400, 160005)
        if place.recipient in self.no_letters:
            raise Refusal(403, 50007)
        known = self.nonces.get((BOT, str(body.get("nonce"))))
        if body.get("enforce_nonce") and known and self.now() - known[1] < NONCE_FOR:
            return rows.message(self, self.messages[known[0]])
        words = str(body.get("content") or "")
        if len(words) > _MOST_TEXT:
            raise _form("content", "BASE_TYPE_MAX_LENGTH")
        if not words.strip() and not body.get("poll"):
            raise Refusal(400, 50006)
        made = self.say(words, channel, BOT, poll=self._new_poll(body, channel), **self._about(body, channel))
        made.more["pings"] = body.get("allowed_mentions")
        if body.get("nonce"):
            self.nonces[BOT, str(body["nonce"])] = (made.id, self.now())
        place.archived = False
        return rows.message(self, made) | ({"nonce": body["nonce"]} if "nonce" in body else {})

    def _about(self, body: Mapping[str, Any], channel: str) -> dict[str, Any]:
        about = body.get("message_reference")
        if not about:
            return {}
        there = self.messages.get(about["message_id"])
        if there is None or there.channel != channel:
            if about.get("fail_if_not_exists", True):
                raise _form("message_reference", "REPLIES_UNKNOWN_MESSAGE")
            return {}
        return {"kind": _ANSWER, "answers": there.id}

    def _new_poll(self, body: Mapping[str, Any], channel: str) -> Poll | None:
        asked = body.get("poll")
        if not asked:
            return None
        self.need("polls", channel)
        answers = [one["poll_media"]["text"] for one in asked["answers"]]
        if max(map(len, answers)) > 55:
            raise _form("poll.answers.0.poll_media.text", "BASE_TYPE_MAX_LENGTH")
        ends = self.now() + timedelta(hours=asked.get("duration", 24))
        return Poll(asked["question"]["text"], answers, ends, several=bool(asked.get("allow_multiselect")))

    def post_expire(self, channel: str, key: str, **_: Any) -> Any:
        one = self._message(self._place(channel).id, key)
        if one.poll is None:
            raise Refusal(400, 520006)
        if one.author != BOT:
            raise Refusal(403, 50005)
        if one.poll.final:
            raise Refusal(400, 520001)
        one.poll.final, one.poll.expiry = True, self.now()
        return rows.message(self, one)

    def delete_message(self, channel: str, key: str, **_: Any) -> None:
        one = self._message(self._place(channel).id, key)
        if one.author != BOT:
            if self.channels[channel].kind == DIRECT:
                raise Refusal(403, 50003)
            self.need("manage", channel)
        self.delete(one.id)

    def put_reaction(self, channel: str, key: str, emoji: str, **_: Any) -> None:
        one = self._message(self._place(channel).id, key)
        self.need("react", channel)
        one.reactions.setdefault(unquote(emoji), set()).add(BOT)

    def delete_reaction(self, channel: str, key: str, emoji: str, **_: Any) -> None:
        one = self._message(self._place(channel).id, key)
        one.reactions.get(unquote(emoji), set()).discard(BOT)
        one.reactions = {name: who for name, who in one.reactions.items() if who}

    def post_direct(self, *, body: Mapping[str, Any], **_: Any) -> Any:
        if body["recipient_id"] not in self.users or body["recipient_id"] == BOT:
            raise Refusal(400, 50033)
        self.opened.append(body["recipient_id"])
        return rows.channel(self, self.direct(body["recipient_id"]))

    # ------------------------------------------------------------------ people

    def get_member(self, guild: str, key: str, **_: Any) -> Any:
        self._member(guild, key)
        return rows.member(self, key)

    def _member(self, guild: str, key: str) -> None:
        self._at_home(guild)
        if key not in self.members:
            raise Refusal(404, 10007)

    def patch_member(self, guild: str, key: str, *, body: Mapping[str, Any], **_: Any) -> Any:
        self._member(guild, key)
        self.need("moderate")
        said = body["communication_disabled_until"]
        until = datetime.fromisoformat(said) if said else None
        if until and until > self.now() + _LONGEST_MUTE:
            raise _form("communication_disabled_until", "GUILD_MEMBER_TIMEOUT_TOO_LONG")
        self.members[key] = until
        return rows.member(self, key)

    def delete_member(self, guild: str, key: str, **_: Any) -> None:
        self._member(guild, key)
        self.need("kick")
        del self.members[key]

    def get_ban(self, guild: str, key: str, **_: Any) -> Any:
        self._at_home(guild)
        self.need("ban")
        if key not in self.bans:
            raise Refusal(404, 10026)
        return {"user": rows.user(self.users[key]), "reason": self.bans[key] or None}

    def put_ban(self, guild: str, key: str, **_: Any) -> None:
        self._at_home(guild)
        self.need("ban")
        self.bans[key] = ""
        self.members.pop(key, None)

    def delete_ban(self, guild: str, key: str, **_: Any) -> None:
        self.get_ban(guild, key)
        del self.bans[key]


_ID: Final = "([0-9]+)"
_MESSAGE: Final = f"/channels/{_ID}/messages/{_ID}"
_ROUTES: Final = (
    ("GET", "/users/@me", "get_me"),
    ("GET", "/applications/@me", "get_application"),
    ("GET", "/users/@me/guilds", "get_guilds"),
    ("POST", "/users/@me/channels", "post_direct"),
    ("GET", f"/guilds/{_ID}", "get_guild"),
    ("GET", f"/guilds/{_ID}/channels", "get_channels"),
    ("GET", f"/guilds/{_ID}/threads/active", "get_active"),
    ("GET", f"/channels/{_ID}/threads/archived/(public|private)", "get_archived"),
    ("GET", f"/channels/{_ID}/users/@me/threads/archived/private", "get_joined"),
    ("GET", f"/channels/{_ID}", "get_channel"),
    ("PATCH", f"/channels/{_ID}", "patch_channel"),
    ("GET", f"/channels/{_ID}/messages", "get_messages"),
    ("POST", f"/channels/{_ID}/messages", "post_message"),
    ("GET", _MESSAGE, "get_message"),
    ("DELETE", _MESSAGE, "delete_message"),
    ("PUT", f"{_MESSAGE}/reactions/([^/]+)/@me", "put_reaction"),
    ("DELETE", f"{_MESSAGE}/reactions/([^/]+)/@me", "delete_reaction"),
    ("POST", f"/channels/{_ID}/polls/{_ID}/expire", "post_expire"),
    ("GET", f"/guilds/{_ID}/members/{_ID}", "get_member"),
    ("PATCH", f"/guilds/{_ID}/members/{_ID}", "patch_member"),
    ("DELETE", f"/guilds/{_ID}/members/{_ID}", "delete_member"),
    ("GET", f"/guilds/{_ID}/bans/{_ID}", "get_ban"),
    ("PUT", f"/guilds/{_ID}/bans/{_ID}", "put_ban"),
    ("DELETE", f"/guilds/{_ID}/bans/{_ID}", "delete_ban"),
)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, state: Discord) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.state = state

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = urlsplit(self.path)
        state = self.server.state
        with state.lock:
            try:
                status, headers, data = self._answered(asked.path.removeprefix(BASE), asked.query, raw)
            except AssertionError as wrong:
                state.failed.append(str(wrong))
                status, headers, data = 400, {}, {"code": 50035, "message": str(wrong)}
            state.statuses.append(status)
        body = b"" if data is None else json.dumps(data).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != _BODILESS:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the standard library's names

    def _answered(self, path: str, query: str, raw: bytes) -> tuple[int, dict[str, str], Any]:
        state = self.server.state
        assert self.path.startswith(BASE), "the version stands in the path"
        assert self.headers.get("User-Agent", "").startswith("DiscordBot (http"), "Discord wants its own form"
        state.agents.add(self.headers["User-Agent"])
        if (token := self.headers.get("Authorization", "")).removeprefix("Bot ") not in state.tokens:
            return 401, {}, {"message": "401: Unauthorized", "code": 0}
        assert token.startswith("Bot "), "a bot says that it is one"
        headers, refused = state.limits.count(self.command, path)
        if refused:
            return 429, headers, refused
        body = json.loads(raw) if raw else None
        reason = self.headers.get("X-Audit-Log-Reason", "")
        try:
            data = state.answer(self.command, path, dict(parse_qsl(query)), body, reason)
        except Refusal as no:
            told = {"message": "what people read", "code": no.code}
            return no.status, headers, told | ({"errors": no.errors} if no.errors else {})
        return (_BODILESS if data is None else 200), headers, data

    def log_message(self, *args: object) -> None:
        """Quiet."""


@contextmanager
def running(state: Discord) -> Iterator[Server]:
    server = Server(state)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
