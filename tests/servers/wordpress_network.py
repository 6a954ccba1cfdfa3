"""The WordPress of wordpress.sh as tests see it: its visitors, its writers and its other moderators.

`wordpress` connects to one that runs, or starts one and stops it afterwards. Everything here speaks to the
site with plain requests, so that nothing of the connector is tested with itself.
"""

import html
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests

SCRIPT = Path(__file__).with_name("wordpress.sh")


def _script(verb: str, seconds: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", str(SCRIPT), verb], capture_output=True, text=True, timeout=seconds, check=False
    )


@pytest.fixture(scope="session")
def wordpress() -> Iterator["Site"]:
    """A whole site; installing WordPress the first time takes some minutes."""
    found = _script("status", 60)
    ours = found.returncode != 0
    if ours:
        found = _script("start", 1800)
    if found.returncode != 0:
        pytest.fail(f"no WordPress: {found.stderr[-2000:]}")
    info = json.loads(found.stdout)
    yield Site(info["url"], Path(info["site"]), Path(info["socket"]), (info["name"], info["password"]))
    if ours:
        _script("stop", 60)


@dataclass
class Site:
    """The site as its administrator sees it."""

    url: str
    folder: Path
    socket: Path
    admin: tuple[str, str]
    http: requests.Session = field(default_factory=requests.Session)

    def account(self, role: str = "editor") -> "Moderator":
        """A new account that nobody else has."""
        info = json.loads(self._php(f"{role}{uuid4().hex[:10]}", role))
        return Moderator(self, info["id"], info["name"], info["password"])

    def post(self, title: str = "We are here to listen") -> int:
        """A new article to comment on."""
        return self.call("posts", {"title": title, "content": "Every evening.", "status": "publish"})["id"]

    def comment(self, post: int, text: str, parent: int = 0) -> str:
        """What a visitor wrote and a moderator let through."""
        name = self.visit(post, text, parent=parent)
        self.set_status(name, "approved")
        return name

    def visit(self, post: int, text: str, name: str = "Mira", parent: int = 0) -> str:
        """Somebody fills in the form below an article, as people do; it then waits for review."""
        form = {"comment": text, "author": name, "email": f"{uuid4().hex}@example.test", "url": ""}
        form |= {"comment_post_ID": str(post), "comment_parent": str(parent)}
        answer = self.http.post(f"{self.url}/wp-comments-post.php", form, allow_redirects=False)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"].rpartition("#comment-")[2]

    def call(self, path: str, body: dict[str, Any] | None = None, verb: str = "", **params: Any) -> Any:
        verb = verb or ("GET" if body is None else "POST")
        url = f"{self.url}/wp-json/wp/v2/{path}"
        answer = self.http.request(verb, url, params=params, json=body, auth=self.admin)
        assert answer.ok, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def status(self, name: str) -> str:
        return self.call(f"comments/{name}", context="edit")["status"]

    def set_status(self, name: str, status: str) -> None:
        """What another moderator does in the meantime."""
        self.call(f"comments/{name}", {"status": status})

    def delete(self, name: str) -> None:
        self.call(f"comments/{name}", verb="DELETE", force="true")

    def comments(self, post: int, **params: Any) -> list[dict[str, Any]]:
        return self.call("comments", post=post, context="edit", per_page=100, order="asc", **params)

    def words(self, post: int, author: int, status: str = "all") -> list[str]:
        """What an account wrote below an article, as it was typed."""
        found = self.comments(post, status=status)
        return [html.unescape(each["content"]["raw"]) for each in found if each["author"] == author]

    def sql(self, statement: str) -> None:
        """What nobody could type fast enough; the database is asked directly."""
        subprocess.run(
            ["mariadb", "--no-defaults", "-S", str(self.socket), "-uroot", "wp", "-e", statement],
            capture_output=True,
            check=True,
            timeout=60,
        )

    def revoke(self, name: str) -> None:
        self._php(name, "revoke")

    def _php(self, name: str, role: str) -> str:
        port = self.url.rpartition(":")[2]
        script = str(self.folder / "wordpress_accounts.php")
        done = subprocess.run(
            ["php", "-d", "display_errors=0", script, port, name, role],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout


@dataclass
class Moderator:
    """An account on the site with its application password."""

    site: Site
    id: int
    name: str
    password: str
