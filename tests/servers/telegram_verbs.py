"""What a bot may do in the chats of a Telegram of ours: delete, restrict, ban, ask, react."""

from collections.abc import Mapping
from typing import Any, Final

from tests.servers.telegram_community import BOT, Chat, Refusal
from tests.servers.telegram_messages import Messages

_TWO_DAYS: Final = 48 * 3600
_SHORTEST, _LONGEST = 30, 366 * 86400
_LONGEST_POLL: Final = 2_628_000
_HEARTS: Final = {"\N{HEAVY BLACK HEART}", "\N{THUMBS UP SIGN}"}


class Verbs(Messages):
    """Every refusal is a 400 whose number does not say why, as Telegram's are."""

    def _may(self, chat: Chat, right: str) -> None:
        us = chat.members.get(BOT, {})
        if us.get("status") != "administrator" or not us.get(right):
            raise Refusal(400, "Bad Request: not enough rights")

    def _deleteMessages(self, chat_id: int, message_ids: list[int]) -> Any:
        chat = self.chat(chat_id)
        assert 1 <= len(message_ids) <= 100
        for number in message_ids:
            raw = chat.messages.get(number)
            if raw is None:
                continue
            if self.now().timestamp() - raw["date"] > _TWO_DAYS:
                raise Refusal(400, "Bad Request: message can't be deleted")
            if not raw.get("_ours") and chat.id < 0:
                self._may(chat, "can_delete_messages")
            del chat.messages[number]
        return True

    def _setMessageReaction(self, chat_id: int, message_id: int, reaction: list[Any]) -> Any:
        raw = self.chat(chat_id).messages.get(message_id)
        if raw is None:
            raise Refusal(400, "Bad Request: message to react not found")
        emoji = [one["emoji"] for one in reaction]
        assert len(emoji) <= 1
        assert set(emoji) <= _HEARTS
        raw.setdefault("_reactions", {})[BOT] = tuple(emoji)
        return True

    def _closeForumTopic(self, chat_id: int, message_thread_id: int) -> Any:
        return self._shut(chat_id, message_thread_id, shut=True)

    def _reopenForumTopic(self, chat_id: int, message_thread_id: int) -> Any:
        return self._shut(chat_id, message_thread_id, shut=False)

    def _shut(self, chat_id: int, topic: int, *, shut: bool) -> Any:
        chat = self.chat(chat_id)
        self._may(chat, "can_manage_topics")
        if topic not in chat.topics or (topic in chat.shut) == shut:
            raise Refusal(400, "Bad Request: TOPIC_NOT_MODIFIED")
        (chat.shut.add if shut else chat.shut.discard)(topic)
        return True

    # ------------------------------------------------------------------ people

    def _target(self, chat_id: int, who: int) -> tuple[Chat, dict[str, Any]]:
        chat = self.chat(chat_id)
        self._may(chat, "can_restrict_members")
        member = chat.members.get(who, {"status": "left"})
        if member["status"] in ("creator", "administrator"):
            raise Refusal(400, "Bad Request: user is an administrator of the chat")
        return chat, member

    def _for(self, until_date: int) -> int:
        """Too short or too long is for ever."""
        left = until_date - self.now().timestamp()
        return until_date if _SHORTEST <= left <= _LONGEST else 0

    def _restrictChatMember(
        self, chat_id: int, user_id: int, permissions: Mapping[str, bool], until_date: int = 0
    ) -> Any:
        chat, _ = self._target(chat_id, user_id)
        if chat.type != "supergroup":
            raise Refusal(400, "Bad Request: method is available only for supergroups")
        free = all(permissions.values())
        speaks = {"can_send_messages": permissions.get("can_send_messages", False)}
        held = {"status": "restricted", "is_member": True, "until_date": self._for(until_date), **speaks}
        chat.members[user_id] = {"status": "member"} if free else held
        return True

    def _banChatMember(self, chat_id: int, user_id: int, until_date: int = 0) -> Any:
        chat, _ = self._target(chat_id, user_id)
        if chat.type == "group":
            chat.members[user_id] = {"status": "left"}
        else:
            chat.members[user_id] = {"status": "kicked", "until_date": self._for(until_date)}
        return True

    def _unbanChatMember(self, chat_id: int, user_id: int, only_if_banned: bool = False) -> Any:
        chat, member = self._target(chat_id, user_id)
        if chat.type == "group":
            raise Refusal(400, "Bad Request: method is available for supergroup and channel chats only")
        if member["status"] == "kicked" or not only_if_banned:
            chat.members[user_id] = {"status": "left"}
        return True

    def _banChatSenderChat(self, chat_id: int, sender_chat_id: int) -> Any:
        chat, _ = self._target(chat_id, sender_chat_id)
        chat.members[sender_chat_id] = {"status": "kicked", "until_date": 0}
        return True

    def _unbanChatSenderChat(self, chat_id: int, sender_chat_id: int) -> Any:
        chat, _ = self._target(chat_id, sender_chat_id)
        chat.members.pop(sender_chat_id, None)
        return True

    # ------------------------------------------------------------------ polls

    def _sendPoll(
        self,
        chat_id: int,
        question: str,
        options: list[Mapping[str, str]],
        is_anonymous: bool = True,
        open_period: int = 0,
        reply_parameters: Mapping[str, Any] | None = None,
        message_thread_id: int = 0,
    ) -> Any:
        chat = self._writable(chat_id)
        assert is_anonymous, "nobody may see who chose what"
        assert 1 <= len(question.encode("utf-16-le")) // 2 <= 300
        assert 2 <= len(options) <= 12
        assert all(1 <= len(one["text"].encode("utf-16-le")) // 2 <= 100 for one in options)
        assert open_period == 0 or 5 <= open_period <= _LONGEST_POLL
        rows = [
            {"persistent_id": f"{n}", "text": one["text"], "voter_count": 0} for n, one in enumerate(options)
        ]
        poll = self.poll(question, rows)
        if open_period:
            poll |= {"open_period": open_period, "close_date": int(self.now().timestamp()) + open_period}
        raw = self._put(chat, {"poll": poll}, reply_parameters, message_thread_id)
        self.polls[poll["id"]] = (chat.id, raw["message_id"])
        return raw

    def _stopPoll(self, chat_id: int, message_id: int) -> Any:
        raw = self.chat(chat_id).messages.get(message_id, {})
        if "poll" not in raw or not raw.get("_ours") or raw["poll"]["is_closed"]:
            raise Refusal(400, "Bad Request: poll can't be stopped")
        raw["poll"]["is_closed"] = True
        self.tell("poll", raw["poll"])
        return raw["poll"]
