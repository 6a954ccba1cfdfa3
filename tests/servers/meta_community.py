"""A Page, its Instagram account and the people who write to them: what the Graph API of ours tells about."""

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

PAGE, PAGE_NAME, GRAM, GRAM_NAME = "1001", "Harbour Lights", "17841", "harbourlights"
SECRET = "app-secret-of-ours"
DETAILED = 20
DAY = timedelta(days=1)


class Refusal(Exception):
    """An error as Meta says it: mostly a 400, with numbers."""

    def __init__(self, code: int, more: int = 0, status: int = 400) -> None:
        super().__init__(code)
        self.status = status
        error: dict[str, Any] = {"message": "Nein.", "type": "OAuthException", "code": code}
        self.body = {"error": error | ({"error_subcode": more} if more else {}) | {"fbtrace_id": "AbC"}}


GONE = (100, 33)


@dataclass(slots=True)
class Comment:
    id: str
    post: str
    author: str
    text: str
    at: datetime
    parent: str = ""
    hidden: bool = False
    private: bool = False
    liked: bool = False
    can: dict[str, bool] = field(default_factory=dict)


@dataclass(slots=True)
class Message:
    id: str
    author: str
    text: str
    at: datetime


@dataclass(slots=True)
class Conversation:
    id: str
    platform: str
    person: str
    messages: list[Message] = field(default_factory=list)


@dataclass(slots=True)
class Community:
    """One Page with its Instagram account; `lock` guards all of it."""

    comments: dict[str, Comment] = field(default_factory=dict)
    conversations: dict[str, Conversation] = field(default_factory=dict)
    posts: dict[str, str] = field(default_factory=lambda: {"1001_5": "A walk by the lake"})
    media: dict[str, str] = field(default_factory=lambda: {"18001": "The lake at dusk"})
    tokens: dict[str, str] = field(default_factory=lambda: {"page-token": "page"})
    granted: list[str] = field(default_factory=lambda: ["pages_messaging", "pages_manage_engagement"])
    tasks: list[str] = field(default_factory=lambda: ["MODERATE", "MESSAGING"])
    answered: set[str] = field(default_factory=set)  # comments that had their private reply
    denied: set[str] = field(default_factory=set)  # edges and kinds of node that the token may not use
    secret: str = ""
    human: bool = False
    linked: bool = True
    usage: dict[str, str] = field(default_factory=dict)
    cursors: int = 0
    seen: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(101))

    def now(self) -> datetime:
        return datetime.now(UTC).replace(microsecond=0)

    # ------------------------------------------------------------------ what others do

    def say(
        self, text: str, parent: str = "", author: str = "p-robin", at: datetime | None = None, post: str = ""
    ) -> str:
        """Somebody writes below a post (or answers a comment there); on Instagram with its media id."""
        with self.lock:
            first = (self.comments[parent].parent or parent) if parent else ""
            where = self.comments[first].post if first else post or "1001_5"
            number = next(self._numbers)
            key = f"179{number:05d}" if where in self.media else f"5_{number}"
            self.comments[key] = Comment(key, where, author, text, at or self.now(), first)
            return key

    def write(
        self, text: str, platform: str = "messenger", person: str = "p-robin", at: datetime | None = None
    ) -> tuple[str, str]:
        """Somebody writes to us; the conversation and the message."""
        with self.lock:
            return self.put(platform, person, person, text, at)

    def put(
        self, platform: str, person: str, author: str, text: str, at: datetime | None = None
    ) -> tuple[str, str]:
        every = self.conversations.values()
        found = next((one for one in every if (one.platform, one.person) == (platform, person)), None)
        if found is None:
            found = Conversation(f"t_{next(self._numbers)}", platform, person)
            self.conversations[found.id] = found
        made = Message(f"m_{next(self._numbers)}", author, text, at or self.now())
        found.messages.append(made)
        return found.id, made.id

    def delete(self, key: str) -> None:
        with self.lock:
            for one in [one for one in self.comments.values() if key in (one.id, one.parent)]:
                del self.comments[one.id]
            for conversation in self.conversations.values():
                conversation.messages = [one for one in conversation.messages if one.id != key]
