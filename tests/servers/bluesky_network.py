"""The Bluesky network of bluesky.sh as tests see it: everybody else's side of a conversation.

`network` connects to one that runs, or starts one and stops it afterwards. Everything here speaks to the
servers with plain requests, so that nothing of the connector is tested with itself.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests

SCRIPT = Path(__file__).with_name("bluesky.sh")
CHAT = "did:web:api.bsky.chat#bsky_chat"
POST = "app.bsky.feed.post"


def _script(verb: str, seconds: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", str(SCRIPT), verb], capture_output=True, text=True, timeout=seconds, check=False
    )


@pytest.fixture(scope="session")
def network() -> Iterator["Network"]:
    """A whole network; installing it the first time takes some minutes."""
    found = _script("status", 60)
    ours = found.returncode != 0
    if ours:
        found = _script("start", 1800)
    if found.returncode != 0:
        pytest.fail(f"no Bluesky network: {found.stderr[-2000:]}")
    yield Network(json.loads(found.stdout))
    if ours:
        _script("stop", 60)


@dataclass
class Network:
    """Addresses of the servers, and new accounts."""

    info: dict[str, str]
    http: requests.Session = field(default_factory=requests.Session)

    @property
    def pds(self) -> str:
        return self.info["pds"]

    @property
    def labeler(self) -> str:
        return self.info["ozoneDid"]

    def account(self, name: str) -> "Account":
        """A new account that nobody else has."""
        handle = f"{name}{uuid4().hex[:10]}.test"
        body = {"handle": handle, "email": f"{handle}@example.test", "password": uuid4().hex}
        answer = self.http.post(f"{self.pds}/xrpc/com.atproto.server.createAccount", json=body)
        answer.raise_for_status()
        found = answer.json()
        return Account(self, found["did"], handle, found["accessJwt"], body["password"])

    def settle(self) -> None:
        """Return when every server has seen what was written."""
        self.http.post(f"{self.info['control']}/flush").raise_for_status()

    def make_moderator(self, account: "Account") -> None:
        url = f"{self.info['control']}/moderator"
        self.http.post(url, params={"did": account.did}).raise_for_status()

    def take_down(self, account: "Account") -> None:
        """What the server's staff does to an account: nothing it holds works any more."""
        body = {
            "subject": {"$type": "com.atproto.admin.defs#repoRef", "did": account.did},
            "takedown": {"applied": True},
        }
        url = f"{self.pds}/xrpc/com.atproto.admin.updateSubjectStatus"
        self.http.post(url, json=body, auth=("admin", "admin-pass")).raise_for_status()


@dataclass
class Account:
    """Somebody on the network, doing what people do there."""

    network: Network
    did: str
    handle: str
    token: str
    password: str

    def call(self, nsid: str, body: dict[str, Any] | None = None, proxy: str = "", **params: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        if proxy:
            headers["atproto-proxy"] = proxy
        url = f"{self.network.pds}/xrpc/{nsid}"
        verb = "GET" if body is None else "POST"
        answer = self.network.http.request(verb, url, params=params, json=body, headers=headers)
        assert answer.ok, f"{nsid}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def app_password(self, name: str = "desk", *, privileged: bool = True) -> str:
        body = {"name": name, "privileged": privileged}
        return self.call("com.atproto.server.createAppPassword", body)["password"]

    def revoke(self, name: str = "desk") -> None:
        self.call("com.atproto.server.revokeAppPassword", {"name": name})

    def write(self, collection: str, record: dict[str, Any]) -> dict[str, str]:
        record = {"$type": collection, "createdAt": _now(), **record}
        body = {"repo": self.did, "collection": collection, "record": record}
        return self.call("com.atproto.repo.createRecord", body)

    def post(self, text: str, **record: Any) -> str:
        return self.write(POST, {"text": text, **record})["uri"]

    def reply(self, parent: str, text: str, **record: Any) -> str:
        above = self.record(parent)
        this = {"uri": parent, "cid": above["cid"]}
        root = above["value"].get("reply", {}).get("root", this)
        return self.post(text, reply={"root": root, "parent": this}, **record)

    def mention(self, other: "Account", text: str, parent: str = "") -> str:
        words = f"{text} @{other.handle}"
        start = len(f"{text} ".encode())
        feature = {"$type": "app.bsky.richtext.facet#mention", "did": other.did}
        facet = {"index": {"byteStart": start, "byteEnd": len(words.encode())}, "features": [feature]}
        return self.reply(parent, words, facets=[facet]) if parent else self.post(words, facets=[facet])

    def quote(self, uri: str, text: str) -> str:
        ref = {"uri": uri, "cid": self.record(uri)["cid"]}
        return self.post(text, embed={"$type": "app.bsky.embed.record", "record": ref})

    def like(self, uri: str) -> str:
        subject = {"uri": uri, "cid": self.record(uri)["cid"]}
        return self.write("app.bsky.feed.like", {"subject": subject})["uri"]

    def picture(self, content: bytes) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "image/png"}
        url = f"{self.network.pds}/xrpc/com.atproto.repo.uploadBlob"
        answer = self.network.http.post(url, data=content, headers=headers)
        answer.raise_for_status()
        return answer.json()["blob"]

    def record(self, uri: str) -> Any:
        repo, collection, key = uri.removeprefix("at://").split("/")
        return self.call("com.atproto.repo.getRecord", repo=repo, collection=collection, rkey=key)

    def edit(self, uri: str, text: str) -> None:
        _, collection, key = uri.removeprefix("at://").split("/")
        record = {**self.record(uri)["value"], "text": text}
        body = {"repo": self.did, "collection": collection, "rkey": key, "record": record}
        self.call("com.atproto.repo.putRecord", body)

    def delete(self, uri: str) -> None:
        _, collection, key = uri.removeprefix("at://").split("/")
        body = {"repo": self.did, "collection": collection, "rkey": key}
        self.call("com.atproto.repo.deleteRecord", body)

    def posts(self) -> list[dict[str, Any]]:
        nsid, params = (
            "com.atproto.repo.listRecords",
            {"repo": self.did, "collection": POST, "reverse": "true"},
        )
        return [record["value"] for record in self._every(nsid, "records", **params)]

    def _every(self, nsid: str, key: str, proxy: str = "", **params: Any) -> list[Any]:
        """All entries of a list, page after page."""
        found: list[Any] = []
        more: dict[str, str] = {}
        while True:
            answer = self.call(nsid, proxy=proxy, limit=100, **params, **more)
            found += answer[key]
            if not answer.get("cursor") or not answer[key]:
                return found
            more = {"cursor": answer["cursor"]}

    def direct(self, other: "Account", text: str) -> str:
        convo = self.call("chat.bsky.convo.getConvoForMembers", proxy=CHAT, members=[other.did])["convo"]
        body = {"convoId": convo["id"], "message": {"text": text}}
        message = self.call("chat.bsky.convo.sendMessage", body, CHAT)
        return f"{convo['id']}/{message['id']}"

    def directs(self, convo: str) -> list[dict[str, Any]]:
        return self._every("chat.bsky.convo.getMessages", "messages", CHAT, convoId=convo)

    def report(self, uri: str, reason: str, words: str) -> int:
        ref = {"uri": uri, "cid": self.record(uri)["cid"]}
        body = {
            "reasonType": f"com.atproto.moderation.defs#{reason}",
            "reason": words,
            "subject": {"$type": "com.atproto.repo.strongRef", **ref},
        }
        proxy = f"{self.network.labeler}#atproto_labeler"
        return self.call("com.atproto.moderation.createReport", body, proxy)["id"]


_last = datetime.min.replace(tzinfo=UTC)


def _now() -> str:
    """Now, and later than the last time: what is written in turn is sorted in turn."""
    global _last  # noqa: PLW0603 - one clock for everybody in the tests
    _last = max(datetime.now(UTC), _last + timedelta(milliseconds=1))
    return _last.isoformat(timespec="milliseconds").replace("+00:00", "Z")
