"""The people of a Reddit of our own: what they write, report and delete, kept as the recordings show it."""

import itertools
import threading
import time
from datetime import UTC, datetime
from typing import Any

HOME, ELSEWHERE = "harbour", "elsewhere"
US, OTHER = "HarbourLights", "somebody_else"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Community:
    """A community that we moderate and one that we do not; no two times are the same."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.things: dict[str, dict[str, Any]] = {}
        self.mail: dict[str, dict[str, Any]] = {}
        self.tokens: set[str] = set()
        self.refresh: set[str] = set()
        self.scope = "*"
        self._numbers = itertools.count(36**5)
        self._last = 0.0
        self.root = self.post(OTHER, "How was your week?", "Tell us, if you like.")

    def sign_in(self) -> dict[str, str]:
        access, refresh = f"access-{self.new_id()}", f"refresh-{self.new_id()}"
        self.tokens.add(access)
        self.refresh.add(refresh)
        return {"access_token": access, "refresh_token": refresh, "scope": self.scope, "expires_at": ""}

    def sign_out(self) -> None:
        self.tokens.clear()
        self.refresh.clear()

    def post(self, author: str, title: str, text: str, place: str = HOME, **more: Any) -> str:
        made = self._thing("t3", author, place)
        made |= {
            "title": title,
            "selftext": text,
            "is_self": True,
            "url": f"https://www.reddit.com/{made['id']}",
        }
        made |= {
            "num_comments": 0,
            "locked": False,
            "permalink": f"/r/{place}/comments/{made['id']}/_/",
            **more,
        }
        return str(made["name"])

    def comment(self, author: str, text: str, parent: str = "", **more: Any) -> str:
        above = self.things[parent or self.root]
        link = above.get("link_id") or above["name"]
        made = self._thing("t1", author, above["subreddit"])
        made |= {"body": text, "parent_id": above["name"], "link_id": link, "replies": "", "archived": False}
        made |= {"link_title": self.things[link]["title"], "controversiality": 0}
        made |= {"permalink": f"/r/{made['subreddit']}/comments/{link[3:]}/_/{made['id']}/", **more}
        self.things[link]["num_comments"] += 1
        return str(made["name"])

    def report(self, name: str, reason: str | None, moderator: str = "") -> None:
        entry = [reason, moderator] if moderator else [reason, 1]
        self.things[name]["mod_reports" if moderator else "user_reports"].append(entry)
        self.things[name]["num_reports"] += 1

    def edit(self, name: str, text: str) -> None:
        thing = self.things[name]
        thing["selftext" if name.startswith("t3_") else "body"] = text
        thing["edited"] = time.time()

    def delete(self, name: str) -> None:
        thing = self.things[name]
        thing |= {"author": "[deleted]", "selftext" if name.startswith("t3_") else "body": "[deleted]"}

    def letter(self, author: str, text: str, name: str = "", *, internal: bool = False) -> str:
        """A modmail message; without a conversation, a new one. Returns our id of it."""
        name = name or self._conversation(author, "A question")
        held = self.mail[name]
        number, is_mod = self.new_id(), author != held["participant"]["name"]
        by = {"name": author, "isMod": is_mod, "isAdmin": False, "isOp": False, "isDeleted": False}
        by |= {"isParticipant": not is_mod, "isHidden": False, "id": 7}
        at = datetime.fromtimestamp(self.now(), UTC).isoformat()
        html = f'<!-- SC_OFF --><div class="md"><p>{text}</p>\n</div><!-- SC_ON -->'
        entry = {
            "id": number,
            "body": html,
            "bodyMarkdown": text,
            "author": by,
            "isInternal": internal,
            "date": at,
        }
        held["messages"][number] = entry
        held["lastUpdated"] = at
        return f"modmail:{name}:{number}"

    def new_id(self) -> str:
        number, found = next(self._numbers), ""
        while number:
            number, digit = divmod(number, 36)
            found = _DIGITS[digit] + found
        return found

    def now(self) -> float:
        """A moment later than any before, as the order of a listing asks for."""
        self._last = max(time.time(), self._last + 0.001)
        return self._last

    def _thing(self, kind: str, author: str, place: str) -> dict[str, Any]:
        number, at = self.new_id(), self.now()
        made: dict[str, Any] = {
            "id": number,
            "name": f"{kind}_{number}",
            "author": author,
            "subreddit": place,
            "created_utc": at,
            "banned_by": None,
            "approved_by": None,
            "edited": False,
            "score": 1,
            "num_reports": 0,
            "user_reports": [],
            "mod_reports": [],
            "removed": False,
            "spam": False,
            "distinguished": None,
        }
        self.things[made["name"]] = made
        return made

    def _conversation(self, author: str, subject: str) -> str:
        name = self.new_id()
        person = {"name": author, "isMod": False, "isParticipant": True, "isDeleted": False, "id": 7}
        owner = {"displayName": HOME, "type": "subreddit", "id": "t5_1"}
        self.mail[name] = {
            "id": name,
            "subject": subject,
            "participant": person,
            "owner": owner,
            "state": 0,
            "messages": {},
            "isInternal": False,
            "isAuto": False,
            "isRepliable": True,
            "lastUpdated": "",
        }
        return name
