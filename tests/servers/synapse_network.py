"""The Matrix server of synapse.sh as tests see it: everybody else's side of a conversation.

`synapse` connects to one that runs, or starts one and stops it afterwards. Everything here speaks to the
server with plain requests, so that nothing of the connector is tested with itself.
"""

import hashlib
import hmac
import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
import requests

SCRIPT = Path(__file__).with_name("synapse.sh")
CLIENT = "/_matrix/client/v3"
ADMIN = "/_synapse/admin/v1"
POLL = "org.matrix.msc3381.poll."
TEXT = "org.matrix.msc1767.text"


def _script(verb: str, seconds: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", str(SCRIPT), verb], capture_output=True, text=True, timeout=seconds, check=False
    )


@pytest.fixture(scope="session")
def synapse() -> Iterator["Network"]:
    """A whole server; installing it the first time takes a minute or two."""
    found = _script("status", 60)
    ours = found.returncode != 0
    if ours:
        found = _script("start", 900)
    if found.returncode != 0:
        pytest.fail(f"no Matrix server: {found.stderr[-2000:]}")
    yield Network(json.loads(found.stdout))
    if ours:
        _script("stop", 60)


@dataclass
class Network:
    """The server's address, and new accounts."""

    info: dict[str, str]
    http: requests.Session = field(default_factory=requests.Session)

    @property
    def url(self) -> str:
        return self.info["url"]

    def account(self, name: str, *, admin: bool = False) -> "Account":
        """A new account that nobody else has; an admin runs the server."""
        user, password = f"{name}{uuid4().hex[:10]}", uuid4().hex
        register = f"{self.url}{ADMIN}/register"
        nonce = self.http.get(register).json()["nonce"]
        signed = "\0".join([nonce, user, password, "admin" if admin else "notadmin"])
        mac = hmac.new(self.info["secret"].encode(), signed.encode(), hashlib.sha1).hexdigest()
        body = {"nonce": nonce, "username": user, "password": password, "admin": admin, "mac": mac}
        answer = self.http.post(register, json=body)
        answer.raise_for_status()
        found = answer.json()
        return Account(self, found["user_id"], password, found["access_token"])

    def settle(self) -> None:
        """One server answers for what it took at once: there is nothing to wait for."""


@dataclass
class Account:
    """Somebody on the server, doing what people do there. Messages are named "room/event"."""

    network: Network
    id: str
    password: str = field(repr=False)
    token: str = field(repr=False)

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None, **params: Any) -> Any:
        answer = self.raw(method, path, body, **params)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def raw(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, **params: Any
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.network.url}{path}"
        if body is None and method != "GET":
            body = {}
        data = None if body is None else json.dumps(body)
        return self.network.http.request(method, url, params=params, data=data, headers=headers)

    # ---------------------------------------------------------------- rooms

    def room(self, name: str = "", *, public: bool = True, **more: Any) -> str:
        body = {
            "preset": "public_chat" if public else "private_chat",
            **({"name": name} if name else {}),
            **more,
        }
        return self.call("POST", f"{CLIENT}/createRoom", body)["room_id"]

    def join(self, room: str) -> None:
        self.call("POST", f"{CLIENT}/join/{_q(room)}")

    def leave(self, room: str, *, forget: bool = False) -> None:
        self.call("POST", f"{CLIENT}/rooms/{_q(room)}/leave")
        if forget:
            self.call("POST", f"{CLIENT}/rooms/{_q(room)}/forget")

    def invite(self, room: str, other: "Account") -> None:
        self.call("POST", f"{CLIENT}/rooms/{_q(room)}/invite", {"user_id": other.id})

    def kick(self, room: str, other: "Account") -> None:
        self.call("POST", f"{CLIENT}/rooms/{_q(room)}/kick", {"user_id": other.id})

    def set_state(self, room: str, kind: str, content: Mapping[str, Any], key: str = "") -> str:
        where = f"{CLIENT}/rooms/{_q(room)}/state/{kind}/{_q(key)}"
        return f"{room}/{self.call('PUT', where, content)['event_id']}"

    def state(self, room: str, kind: str, key: str = "") -> Any:
        return self.call("GET", f"{CLIENT}/rooms/{_q(room)}/state/{kind}/{_q(key)}")

    def trust(self, room: str, other: "Account", level: int = 50) -> None:
        """Give somebody power in a room."""
        levels = self.state(room, "m.room.power_levels")
        levels.setdefault("users", {})[other.id] = level
        self.set_state(room, "m.room.power_levels", levels)

    def membership(self, room: str, other: "Account") -> str:
        return self.state(room, "m.room.member", other.id)["membership"]

    def rooms(self) -> list[str]:
        return self.call("GET", f"{CLIENT}/joined_rooms")["joined_rooms"]

    def direct_room(self, other: "Account") -> str:
        """A conversation with one person that both joined and both marked."""
        room = self.room(public=False, is_direct=True, invite=[other.id])
        other.join(room)
        self.mark_direct(other, room)
        other.mark_direct(self, room)
        return room

    def mark_direct(self, other: "Account", room: str) -> None:
        where = f"{CLIENT}/user/{_q(self.id)}/account_data/m.direct"
        found = self.raw("GET", where)
        people = found.json() if found.ok else {}
        people[other.id] = [*people.get(other.id, []), room]
        self.call("PUT", where, people)

    # ---------------------------------------------------------------- saying

    def send(self, room: str, kind: str, content: Mapping[str, Any]) -> str:
        where = f"{CLIENT}/rooms/{_q(room)}/send/{kind}/{uuid4().hex}"
        return f"{room}/{self.call('PUT', where, content)['event_id']}"

    def say(self, room: str, text: str, **content: Any) -> str:
        return self.send(room, "m.room.message", {"msgtype": "m.text", "body": text, **content})

    def reply(self, parent: str, text: str, **content: Any) -> str:
        """In the thread that begins with `parent`."""
        room, event = split(parent)
        about = {"rel_type": "m.thread", "event_id": event, "is_falling_back": True}
        return self.say(
            room, text, **{"m.relates_to": about | {"m.in_reply_to": {"event_id": event}}}, **content
        )

    def quote(self, parent: str, text: str) -> str:
        """An answer outside any thread."""
        room, event = split(parent)
        return self.say(room, text, **{"m.relates_to": {"m.in_reply_to": {"event_id": event}}})

    def mention(self, room: str, other: "Account", text: str, **content: Any) -> str:
        return self.say(room, text, **{"m.mentions": {"user_ids": [other.id]}}, **content)

    def edit(self, message: str, text: str) -> str:
        room, event = split(message)
        new = {"msgtype": "m.text", "body": text}
        about = {"rel_type": "m.replace", "event_id": event}
        return self.say(room, f"* {text}", **{"m.new_content": new, "m.relates_to": about})

    def redact(self, message: str, reason: str = "") -> None:
        room, event = split(message)
        where = f"{CLIENT}/rooms/{_q(room)}/redact/{_q(event)}/{uuid4().hex}"
        self.call("PUT", where, {"reason": reason} if reason else {})

    def react(self, message: str, key: str = "👍") -> str:
        room, event = split(message)
        about = {"rel_type": "m.annotation", "event_id": event, "key": key}
        return self.send(room, "m.reaction", {"m.relates_to": about})

    def report(self, message: str, reason: str) -> None:
        room, event = split(message)
        self.call("POST", f"{CLIENT}/rooms/{_q(room)}/report/{_q(event)}", {"reason": reason})

    # ---------------------------------------------------------------- polls

    def ask(self, room: str, question: str, *answers: str, most: int = 1, kind: str = "disclosed") -> str:
        content = {
            "kind": f"{POLL}{kind}",
            "max_selections": most,
            "question": {TEXT: question},
            "answers": [{"id": answer, TEXT: answer} for answer in answers],
        }
        return self.send(room, f"{POLL}start", {TEXT: question, f"{POLL}start": content})

    def vote(self, poll: str, *answers: str) -> str:
        room, event = split(poll)
        about = {"rel_type": "m.reference", "event_id": event}
        content = {"m.relates_to": about, f"{POLL}response": {"answers": list(answers)}}
        return self.send(room, f"{POLL}response", content)

    def end_poll(self, poll: str) -> str:
        room, event = split(poll)
        about = {"rel_type": "m.reference", "event_id": event}
        return self.send(room, f"{POLL}end", {"m.relates_to": about, f"{POLL}end": {}, TEXT: "Ended."})

    # ---------------------------------------------------------------- looking

    def event(self, message: str) -> Any:
        room, event = split(message)
        return self.call("GET", f"{CLIENT}/rooms/{_q(room)}/event/{_q(event)}")

    def history(self, room: str) -> list[dict[str, Any]]:
        """All that can be seen of a room, oldest first."""
        found: list[dict[str, Any]] = []
        start: dict[str, str] = {}
        while True:
            answer = self.call("GET", f"{CLIENT}/rooms/{_q(room)}/messages", dir="b", limit=100, **start)
            found += answer["chunk"]
            if not answer.get("end"):
                return found[::-1]
            start = {"from": answer["end"]}

    def said(self, room: str) -> list[dict[str, Any]]:
        """What this account said there that still stands, oldest first."""
        events = self.history(room)
        return [e for e in events if e["sender"] == self.id and "body" in e["content"]]

    def limit(self, other: "Account", burst: int = 1) -> None:
        """As an admin: let the server be as strict with somebody as real ones are."""
        where = f"{ADMIN}/users/{_q(other.id)}/override_ratelimit"
        self.call("POST", where, {"messages_per_second": 1, "burst_count": burst})

    def reports(self) -> list[dict[str, Any]]:
        """As an admin: every open report."""
        return self.call("GET", f"{ADMIN}/event_reports", limit=100)["event_reports"]

    def sign_out_everywhere(self) -> None:
        self.call("POST", f"{CLIENT}/logout/all")


def split(message: str) -> tuple[str, str]:
    room, _, event = message.partition("/$")
    return room, f"${event}"


def _q(part: str) -> str:
    return quote(part, safe="")
