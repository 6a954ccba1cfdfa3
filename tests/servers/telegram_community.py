"""The chats of a Telegram of ours: people, groups, a channel and its comments, and what a bot is told."""

import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

BOT: Final = 7000000001
BOT_NAME: Final = "harbour_bot"
TOKEN: Final = f"{BOT}:AAtest-token_of-our-own-bot_012345678"
ROBIN, MIRA, ELSE = 5001, 5002, 5003
PUBLIC, MEMBERS, SMALL, FORUM = -1001000000011, -1001000000012, -4001, -1001000000013
CHANNEL, COMMENTS, LETTERS = -1001000000021, -1001000000022, -1001000000023
ANONYMOUS: Final = 1087968824  # who anonymous administrators seem to be
TELEGRAM: Final = 777000  # who forwards a channel's posts
LIFE: Final = timedelta(hours=24)
_USUAL: Final = frozenset(
    {
        "message",
        "edited_message",
        "channel_post",
        "edited_channel_post",
        "poll",
        "poll_answer",
        "my_chat_member",
    }
)
RIGHTS: Final = ("can_delete_messages", "can_restrict_members", "can_post_messages", "can_manage_topics")


class Refusal(Exception):
    """What Telegram says instead of a result."""

    def __init__(self, code: int, words: str, **parameters: int) -> None:
        super().__init__(words)
        self.code = code
        self.body: dict[str, Any] = {"ok": False, "error_code": code, "description": words}
        if parameters:
            self.body["parameters"] = parameters


@dataclass(slots=True)
class Chat:
    id: int
    type: str
    title: str = ""
    username: str = ""
    forum: bool = False
    moved_to: int = 0
    messages: dict[int, dict[str, Any]] = field(default_factory=dict)
    members: dict[int, dict[str, Any]] = field(default_factory=dict)
    topics: dict[int, str] = field(default_factory=dict)
    shut: set[int] = field(default_factory=set)
    next: int = 1

    def row(self) -> dict[str, Any]:
        """As it stands in a message."""
        found: dict[str, Any] = {"id": self.id, "type": self.type}
        found |= {"first_name": self.title} if self.type == "private" else {"title": self.title}
        found |= {"username": self.username} if self.username else {}
        found |= {"is_forum": True} if self.forum else {}
        return found | ({"is_direct_messages": True} if self.id == LETTERS else {})


class Community:
    """What there is. `now` is settable; `privacy` is the bot's privacy mode."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.at: datetime | None = None
        self.tokens = {TOKEN}
        self.privacy = False
        self.updates: deque[tuple[datetime, dict[str, Any]]] = deque()
        self.allowed = _USUAL
        self.next_update = 40_000
        self.polls: dict[str, tuple[int, int]] = {}
        self.chats: dict[int, Chat] = {}
        for chat in (
            Chat(PUBLIC, "supergroup", "Harbour", "harbour"),
            Chat(MEMBERS, "supergroup", "Night watch"),
            Chat(SMALL, "group", "Tea kitchen"),
            Chat(FORUM, "supergroup", "Quiet rooms", "quiet_rooms", forum=True),
            Chat(CHANNEL, "channel", "Lighthouse", "lighthouse"),
            Chat(COMMENTS, "supergroup", "Lighthouse chat"),
            Chat(LETTERS, "supergroup", "Lighthouse letters"),  # what people write to the channel itself
        ):
            self.chats[chat.id] = chat
            self.promote(chat.id, *RIGHTS)
            chat.members |= {one: {"status": "member"} for one in (ROBIN, MIRA, ELSE)}

    def now(self) -> datetime:
        return self.at or datetime.now(UTC)

    # ------------------------------------------------------------------ people and chats

    def promote(self, chat: int, *rights: str) -> None:
        """The bot may do just this there."""
        allowed = {name: name in rights for name in RIGHTS}
        self.chats[chat].members[BOT] = {"status": "administrator", **allowed}

    def person(self, who: int) -> dict[str, Any]:
        names = {ROBIN: "Robin", MIRA: "Mira", ANONYMOUS: "Group", TELEGRAM: "Telegram", BOT: "Harbour"}
        row: dict[str, Any] = {
            "id": who,
            "is_bot": who in (BOT, ANONYMOUS),
            "first_name": names.get(who, "Else"),
        }
        name = {ROBIN: "robin", BOT: BOT_NAME, ANONYMOUS: "GroupAnonymousBot"}.get(who)
        return row | ({"username": name} if name else {})

    def private(self, who: int) -> Chat:
        """The conversation of the bot with somebody, who began it."""
        if who not in self.chats:
            row = self.person(who)
            self.chats[who] = Chat(who, "private", row["first_name"], row.get("username", ""))
        return self.chats[who]

    # ------------------------------------------------------------------ what people do

    def say(self, chat: int, who: int, text: str = "", parent: int = 0, topic: int = 0, **more: Any) -> int:
        """Somebody writes; the bot is told if it may know."""
        with self.lock:
            there = self.private(chat) if chat > 0 else self.chats[chat]
            raw = self.put(
                there, {"from": self.person(who), **({"text": text} if text else {})}, parent, topic
            )
            raw |= more
            if self._is_told(there, raw):
                self.tell("channel_post" if there.type == "channel" else "message", raw)
            return int(raw["message_id"])

    def put(self, chat: Chat, raw: dict[str, Any], parent: int = 0, topic: int = 0) -> dict[str, Any]:
        """A new message of a chat, with what Telegram adds to an answer."""
        number, chat.next = chat.next, chat.next + 1
        base = {"message_id": number, "date": int(self.now().timestamp()), "chat": chat.row()}
        raw = base | raw
        if topic:
            raw |= {"message_thread_id": topic, "is_topic_message": True}
        if parent:
            before = chat.messages[parent]
            raw["reply_to_message"] = {
                key: one for key, one in shown(before).items() if key != "reply_to_message"
            }
            if chat.type == "supergroup" and not topic:
                raw["message_thread_id"] = before.get("message_thread_id", parent)
        chat.messages[number] = raw
        return raw

    def edit(self, chat: int, number: int, text: str) -> None:
        with self.lock:
            raw = self.chats[chat].messages[number]
            raw |= {"text": text, "edit_date": int(self.now().timestamp())}
            self.tell("edited_channel_post" if chat == CHANNEL else "edited_message", raw)

    def delete(self, chat: int, number: int) -> None:
        """Nobody is told."""
        with self.lock:
            self.chats[chat].messages.pop(number, None)

    def post(self, text: str) -> tuple[int, int]:
        """The channel posts, and Telegram puts a copy into the group for comments."""
        with self.lock:
            channel = self.chats[CHANNEL]
            raw = self.put(channel, {"sender_chat": channel.row(), "text": text})
            self.tell("channel_post", raw)
            origin = {
                "type": "channel",
                "date": raw["date"],
                "chat": channel.row(),
                "message_id": raw["message_id"],
            }
            copied = {"sender_chat": channel.row(), "is_automatic_forward": True, "forward_origin": origin}
            copy = self.put(self.chats[COMMENTS], {"from": self.person(TELEGRAM), "text": text, **copied})
            self.tell("message", copy)
            return int(raw["message_id"]), int(copy["message_id"])

    def open_topic(self, name: str) -> int:
        with self.lock:
            forum = self.chats[FORUM]
            raw = self.put(
                forum, {"from": self.person(ROBIN), "forum_topic_created": {"name": name, "icon_color": 0}}
            )
            topic = int(raw["message_id"])
            raw |= {"message_thread_id": topic, "is_topic_message": True}
            forum.topics[topic] = name
            self.tell("message", raw)
            return topic

    def react(self, chat: int, number: int, who: int, *emoji: str) -> None:
        """Somebody's reactions are these now."""
        with self.lock:
            raw = self.chats[chat].messages[number]
            before = raw.setdefault("_reactions", {}).get(who, ())
            raw["_reactions"][who] = emoji
            rows = [[{"type": "emoji", "emoji": one} for one in some] for some in (before, emoji)]
            base = {"chat": self.chats[chat].row(), "message_id": number, "date": int(self.now().timestamp())}
            told = {"user": self.person(who), "old_reaction": rows[0], "new_reaction": rows[1]}
            self.tell("message_reaction", base | told)

    def poll(self, question: str, options: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        """A new poll."""
        key = f"poll-{len(self.polls) + 1}"
        kind = {"type": "regular", "is_anonymous": True, "allows_multiple_answers": False}
        votes = {"total_voter_count": 0, "is_closed": False, "allows_revoting": True, "members_only": False}
        return {"id": key, "question": question, "options": options, **votes, **kind, **more}

    def vote(self, key: str, answer: int) -> None:
        with self.lock:
            chat, number = self.polls[key]
            poll = self.chats[chat].messages[number]["poll"]
            poll["options"][answer]["voter_count"] += 1
            poll["total_voter_count"] += 1
            self.tell("poll", poll)

    def migrate(self, chat: int) -> int:
        """A small group becomes a supergroup; its old number leads nowhere."""
        with self.lock:
            old, number = self.chats[chat], -1002000000000 + chat
            old.moved_to = number
            new = self.chats[number] = Chat(number, "supergroup", old.title, members=dict(old.members))
            who = self.person(ROBIN)
            self.tell("message", self.put(old, {"from": who, "migrate_to_chat_id": number}))
            self.tell("message", self.put(new, {"from": who, "migrate_from_chat_id": chat}))
            return number

    # ------------------------------------------------------------------ what the bot is told

    def _is_told(self, chat: Chat, raw: dict[str, Any]) -> bool:
        """Privacy mode: in groups only commands, mentions and answers to the bot; administrators hear all."""
        admin = chat.members.get(BOT, {}).get("status") == "administrator"
        if not self.privacy or admin or chat.type in ("private", "channel"):
            return True
        text = raw.get("text", "")
        to_bot = raw.get("reply_to_message", {}).get("from", {}).get("id") == BOT
        return text.startswith("/") or f"@{BOT_NAME}" in text or to_bot

    def tell(self, kind: str, raw: dict[str, Any]) -> None:
        """Put an update into the queue, if it is of a kind that was asked for."""
        if kind in self.allowed:
            self.updates.append((self.now(), {"update_id": self.next_update, kind: _copy(shown(raw))}))
            self.next_update += 1

    def waiting(self) -> list[dict[str, Any]]:
        """What is not confirmed and not older than a day."""
        while self.updates and self.now() - self.updates[0][0] > LIFE:
            self.updates.popleft()
        return [one for _, one in self.updates]

    def ours(self, chat: int) -> list[str]:
        """The bot's words in a chat."""
        return [
            one["text"] for one in self.chats[chat].messages.values() if one.get("_ours") and "text" in one
        ]


def shown(raw: dict[str, Any]) -> dict[str, Any]:
    """What everybody may know of a message."""
    return {key: one for key, one in raw.items() if not key.startswith("_")}


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(one) for key, one in value.items()}
    return [_copy(one) for one in value] if isinstance(value, list) else value
