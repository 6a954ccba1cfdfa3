"""The server of mastodon.sh as tests see it: everybody else's side of a conversation.

`mastodon` connects to one that runs, or starts one and stops it afterwards. Everything here speaks to the
server with plain requests, so that nothing of the connector is tested with itself.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests

SCRIPT = Path(__file__).with_name("mastodon.sh")


def _script(verb: str, seconds: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", str(SCRIPT), verb], capture_output=True, text=True, timeout=seconds, check=False
    )


@pytest.fixture(scope="session")
def mastodon() -> Iterator["Network"]:
    """A whole server; installing it the first time takes half a minute."""
    found = _script("status", 60)
    ours = found.returncode != 0
    if ours:
        found = _script("start", 900)
    if found.returncode != 0:
        pytest.fail(f"no Mastodon server: {found.stderr[-2000:]}")
    yield Network(json.loads(found.stdout))
    if ours:
        _script("stop", 60)


@dataclass
class Network:
    """The server's address, and accounts on it."""

    info: dict[str, str]
    http: requests.Session = field(default_factory=requests.Session)

    @property
    def url(self) -> str:
        return self.info["url"]

    def account(self, name: str) -> "Account":
        """A new account that nobody else has."""
        user = f"{name}{uuid4().hex[:10]}"
        said = {
            "username": user,
            "email": f"{user}@example.test",
            "password": uuid4().hex,
            "agreement": "true",
        }
        answer = self.http.post(f"{self.url}/api/v1/accounts", data=said)
        answer.raise_for_status()
        return self._known(answer.json()["access_token"])

    def keeper(self) -> "Account":
        """The server's only moderator."""
        return self._known(self.info["keeper"])

    def faraway(self) -> "Account":
        """Somebody who lives on another server."""
        return self._known(self.info["faraway"])

    def _known(self, token: str) -> "Account":
        account = Account(self, "", "", token)
        found = account.call("GET", "/api/v1/accounts/verify_credentials")
        account.id, account.acct = found["id"], found["acct"]
        return account


@dataclass
class Account:
    """Somebody on the server, doing what people do there."""

    network: Network
    id: str
    acct: str
    token: str = field(repr=False)

    def raw(
        self, method: str, path: str, body: dict[str, Any] | None = None, **params: Any
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.network.url}{path}"
        return self.network.http.request(method, url, params=params, json=body, headers=headers)

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, **params: Any) -> Any:
        answer = self.raw(method, path, body, **params)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def post(self, text: str, **said: Any) -> str:
        return self.call("POST", "/api/v1/statuses", {"status": text, **said})["id"]

    def reply(self, parent: str, text: str, **said: Any) -> str:
        above = self.status(parent)
        names = "" if above["account"]["id"] == self.id else f"@{above['account']['acct']} "
        return self.post(f"{names}{text}", in_reply_to_id=parent, visibility=above["visibility"], **said)

    def mention(self, other: "Account", text: str, **said: Any) -> str:
        return self.post(f"@{other.acct} {text}", **said)

    def direct(self, other: "Account", text: str) -> str:
        return self.mention(other, text, visibility="direct")

    def edit(self, status_id: str, text: str) -> None:
        self.call("PUT", f"/api/v1/statuses/{status_id}", {"status": text})

    def delete(self, status_id: str) -> None:
        self.call("DELETE", f"/api/v1/statuses/{status_id}")

    def favourite(self, status_id: str) -> None:
        self.call("POST", f"/api/v1/statuses/{status_id}/favourite", {})

    def vote(self, status_id: str, *choices: int) -> None:
        poll = self.status(status_id)["poll"]["id"]
        self.call("POST", f"/api/v1/polls/{poll}/votes", {"choices": list(choices)})

    def report(self, status_id: str, comment: str) -> str:
        about = {"account_id": self.status(status_id)["account"]["id"], "status_ids": [status_id]}
        return self.call("POST", "/api/v1/reports", {**about, "comment": comment})["id"]

    def status(self, status_id: str) -> Any:
        return self.call("GET", f"/api/v1/statuses/{status_id}")

    def words(self, status_id: str) -> str:
        """What was typed, without whom it is addressed to."""
        text = self.call("GET", f"/api/v1/statuses/{status_id}/source")["text"]
        return re.sub(r"^(@[\w.@-]+ )+", "", text)

    def below(self, root: str, author: "Account") -> list[Any]:
        """What somebody wrote in a conversation that still stands."""
        found = self.call("GET", f"/api/v1/statuses/{root}/context")
        every = [*found["ancestors"], *found["descendants"]]
        return [one for one in every if one["account"]["id"] == author.id]

    def said(self) -> list[Any]:
        """Everything that this account wrote, newest first."""
        return self.call("GET", f"/api/v1/accounts/{self.id}/statuses", limit=40)

    def sign_out(self) -> None:
        data = {"token": self.token}
        self.network.http.post(f"{self.network.url}/oauth/revoke", data=data).raise_for_status()
