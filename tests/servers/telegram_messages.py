"""Chats that a bot asks about, and messages that it sends, on a Telegram of ours."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from tests.servers.telegram_community import BOT, LETTERS, Chat, Community, Refusal

_MOST: Final = 4096


class Messages(Community):
    """Keeps to Telegram's limits where `strict` says so."""

    def __init__(self) -> None:
        super().__init__()
        self.strict = False
        self.sent_at: dict[int, list[float]] = {}

    # ------------------------------------------------------------------ chats

    def chat(self, number: int) -> Chat:
        found = self.chats.get(number)
        if found is None:
            raise Refusal(400, "Bad Request: chat not found")
        if found.moved_to:
            words = "Bad Request: group chat was upgraded to a supergroup chat"
            raise Refusal(400, words, migrate_to_chat_id=found.moved_to)
        return found

    def _getChat(self, chat_id: int) -> Any:
        limits = {"accent_color_id": 1, "max_reaction_count": 11, "accepted_gift_types": {}}
        return self.chat(chat_id).row() | limits

    def _getChatMember(self, chat_id: int, user_id: int) -> Any:
        chat = self.chat(chat_id)
        us = chat.members.get(BOT, {"status": "left"})["status"]
        if us in ("left", "kicked"):
            raise Refusal(403, "Forbidden: bot is not a member of the supergroup chat")
        return {"user": self.person(user_id), **chat.members.get(user_id, {"status": "left"})}

    # ------------------------------------------------------------------ messages

    def _sendMessage(
        self,
        chat_id: int,
        text: str,
        reply_parameters: Mapping[str, Any] | None = None,
        message_thread_id: int = 0,
        direct_messages_topic_id: int = 0,
        link_preview_options: Mapping[str, Any] | None = None,
    ) -> Any:
        chat = self._writable(chat_id)
        words = "".join(c for c in text if c in "\n\t" or ord(c) >= ord(" ")).strip()
        if not words:
            raise Refusal(400, "Bad Request: message text is empty")
        if len(words.encode("utf-16-le")) // 2 > _MOST:
            raise Refusal(400, "Bad Request: message is too long")
        assert link_preview_options == {"is_disabled": True}, "a preview loads what a person linked to"
        if (chat.id == LETTERS) != bool(direct_messages_topic_id):
            raise Refusal(400, "Bad Request: topic must be specified")
        return self._put(chat, {"text": words}, reply_parameters, message_thread_id)

    def _put(
        self, chat: Chat, what: dict[str, Any], reply: Mapping[str, Any] | None, topic: int
    ) -> dict[str, Any]:
        if topic and topic not in chat.topics:
            raise Refusal(400, "Bad Request: message thread not found")
        parent = reply["message_id"] if reply else 0
        if parent not in chat.messages:
            if parent and not (reply or {}).get("allow_sending_without_reply"):
                raise Refusal(400, "Bad Request: message to be replied not found")
            parent = 0
        # What a bot posts in a channel is the channel's.
        author = {"sender_chat": chat.row()} if chat.type == "channel" else {"from": self.person(BOT)}
        return self.put(chat, {**author, **what, "_ours": True}, parent, topic)

    def _writable(self, number: int) -> Chat:
        chat = self.chat(number)
        status = chat.members.get(BOT, {"status": "member"})["status"]
        if status == "kicked":
            words = "bot was blocked by the user" if number > 0 else "bot was kicked from the group chat"
            raise Refusal(403, f"Forbidden: {words}")
        if status == "restricted":
            raise Refusal(400, "Bad Request: not enough rights to send text messages to the chat")
        self._paced(number)
        return chat

    def _paced(self, number: int) -> None:
        """One message a second in a chat, twenty a minute in a group."""
        at, sent = self.now().timestamp(), self.sent_at.setdefault(number, [])
        if self.strict:
            for most, span in ((1, 1.0), (20, 60.0)) if number < 0 else ((1, 1.0),):
                if len(sent) >= most and at < sent[-most] + span:
                    left = int(timedelta(seconds=sent[-most] + span - at).total_seconds()) + 1
                    raise Refusal(429, f"Too Many Requests: retry after {left}", retry_after=left)
        sent.append(at)
