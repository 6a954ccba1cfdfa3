"""Muting, removing and banning people in Telegram's groups, as far as the bot's rights there go.

Sources: core.telegram.org/bots/api (restrictChatMember, banChatMember, unbanChatMember, ChatMember). A no is
a plain 400: which right is lacking is asked before. Only supergroups and channels know for how long.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from connectors.answers import dig, text_at
from connectors.contract import Command, Receipt, Verb
from connectors.errors import OutcomeUnknown, Reason, Refused
from connectors.telegram_api import Api, Moved
from connectors.telegram_things import Ref, is_supergroup
from connectors.telegram_updates import Memory

MEMBERS: Final = frozenset({Verb.MUTE, Verb.UNMUTE, Verb.KICK, Verb.BAN, Verb.UNBAN})
_RIGHTS: Final = {
    "can_delete_messages": "delete messages",
    "can_restrict_members": "ban users",
    "can_manage_topics": "manage topics",
}
_NEEDS: Final = {
    **dict.fromkeys(MEMBERS, "can_restrict_members"),
    **dict.fromkeys((Verb.LOCK, Verb.UNLOCK), "can_manage_topics"),
}
_ASKED: Final = 20  # groups that a probe asks about
_WORDS: Final = ("can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos")
_MORE: Final = ("can_send_videos", "can_send_video_notes", "can_send_voice_notes", "can_send_polls")
_REST: Final = ("can_send_other_messages", "can_add_web_page_previews", "can_react_to_messages")
_SPEAKING: Final = (*_WORDS, *_MORE, *_REST)
_BEYOND: Final = (
    "can_change_info",
    "can_invite_users",
    "can_pin_messages",
    "can_manage_topics",
    "can_edit_tag",
)
_LONGEST: Final = 366 * 24  # hours; what is longer lasts for ever
_OUT: Final = ("left", "kicked")
_NOT_THERE: Final = "The bot is no longer in this group."
_PRIVATE: Final = (
    "In a private conversation nobody can be muted or banned: the person can be left unanswered."
)
_SMALL: Final = "Telegram does this in supergroups only. Its owner can make this group one."
_ANONYMOUS: Final = "An administrator who speaks as the group wrote this; Telegram does not say who."
_PROMOTE: Final = "Make it an administrator of the group, with that right."
_A_CHAT: Final = "A channel wrote this. Channels can be banned and unbanned, nothing else."
_NOT_THIS_ONE: Final = (
    "Telegram does not let the bot do this to this person, as with the group's administrators."
)


def lacking(us: Any, right: str) -> str:
    """Why the bot may not do something in a chat, "" where it may."""
    status = text_at(us, "status")
    if status == "creator" or (status == "administrator" and dig(us, right) is True):
        return ""
    if status in _OUT:
        return _NOT_THERE
    return f"The bot needs to be an administrator of this group with the right to {_RIGHTS[right]}."


class Members:
    """What one bot does to people in groups."""

    def __init__(self, api: Api, us: int) -> None:
        self._api, self._us = api, us

    def need(self, right: str, chat: int) -> None:
        """Raise Refused, with the words, where the bot lacks a right in a chat."""
        try:
            why = lacking(self.member(chat, self._us), right)
        except Moved:
            raise
        except Refused:
            why = _NOT_THERE
        if why:
            raise Refused(Reason.ROLE, why)

    def nowhere(self, memory: Memory) -> dict[Verb, str]:
        """What the bot has the right to do in none of its groups, as far as these are known."""
        stands = [found for group in list(memory.groups)[-_ASKED:] if (found := self._stand(group, memory))]
        return {
            verb: f"In none of its groups has the bot the right to {_RIGHTS[right]}. {_PROMOTE}"
            for verb, right in _NEEDS.items()
            if stands and all(lacking(one, right) for one in stands)
        }

    def _stand(self, group: int, memory: Memory) -> Any:
        """How the bot stands in a group; a group that it can no longer ask about is none of its groups."""
        try:
            return self.member(group, self._us)
        except Moved as moved:
            memory.enter(moved.chat)
        except Refused:
            pass  # it was removed, or the group is gone
        memory.leave(group)
        return None

    def member(self, chat: int, who: int) -> Any:
        """How somebody stands in a chat."""
        return self._api.read("getChatMember", chat_id=chat, user_id=who)

    def perform(self, command: Command) -> Receipt:
        """Do it; a group that moved has the same people where it is now."""
        ref = Ref.of(command.target)
        if ref.private:
            raise Refused(Reason.UNSUPPORTED, _PRIVATE)
        if ref.author in (ref.chat, self._us):
            raise Refused(
                Reason.INVALID, _ANONYMOUS if ref.author == ref.chat else "The bot wrote this itself."
            )
        try:
            self._act(command, ref.chat, ref.author)
        except Moved as moved:
            self._act(command, moved.chat, ref.author)
        return Receipt(str(ref.author))

    def find(self, command: Command) -> Receipt | None:
        """Who is out needs no removing; all else is set anew to what it was set to."""
        ref = Ref.of(command.target)
        out = command.verb is Verb.KICK and text_at(self.member(ref.chat, ref.author), "status") in _OUT
        return Receipt(str(ref.author)) if out else None

    def _act(self, command: Command, chat: int, who: int) -> None:
        self.need("can_restrict_members", chat)
        if who < 0:
            self._act_on_chat(command, chat, who)
            return
        if command.verb is not Verb.KICK and not is_supergroup(chat):
            raise Refused(Reason.UNSUPPORTED, _SMALL)
        acts: dict[Verb, Callable[[], None]] = {
            Verb.MUTE: lambda: self._restrict(chat, who, False, self._until(command)),
            Verb.UNMUTE: lambda: self._restrict(chat, who, True, None),
            Verb.BAN: lambda: self._do(
                "banChatMember", chat_id=chat, user_id=who, until_date=self._until(command)
            ),
            # Without `only_if_banned` it would remove whoever is a member.
            Verb.UNBAN: lambda: self._do("unbanChatMember", chat_id=chat, user_id=who, only_if_banned=True),
            Verb.KICK: lambda: self._kick(chat, who),
        }
        acts[command.verb]()

    def _act_on_chat(self, command: Command, chat: int, sender: int) -> None:
        methods = {Verb.BAN: "banChatSenderChat", Verb.UNBAN: "unbanChatSenderChat"}
        if command.verb not in methods or hours_of(command) is not None:
            raise Refused(Reason.UNSUPPORTED, _A_CHAT)
        self._do(methods[command.verb], chat_id=chat, sender_chat_id=sender)

    def _restrict(self, chat: int, who: int, speaks: bool, until: int | None) -> None:
        names = (*_SPEAKING, *_BEYOND) if speaks else _SPEAKING
        permissions = dict.fromkeys(names, speaks)
        self._do("restrictChatMember", chat_id=chat, user_id=who, permissions=permissions, until_date=until)

    def _kick(self, chat: int, who: int) -> None:
        """Unbanning a member removes them and lets them return; of somebody banned it would lift the ban."""
        if text_at(self.member(chat, who), "status") in _OUT:
            return
        method = "unbanChatMember" if is_supergroup(chat) else "banChatMember"
        self._do(method, chat_id=chat, user_id=who)

    def _until(self, command: Command) -> int | None:
        """Telegram's clock counts: half a minute off ours, and it would be for ever."""
        hours = hours_of(command)
        if hours is None:
            return None
        if hours > _LONGEST:
            raise Refused(
                Reason.INVALID, "On Telegram this lasts 366 days at most, or until somebody ends it."
            )
        return int((self._api.clock + timedelta(hours=hours)).timestamp())

    def _do(self, method: str, **params: Any) -> None:
        try:
            found = self._api.write(method, **params)
        except Moved:
            raise
        except Refused as no:
            raise (Refused(Reason.ROLE, _NOT_THIS_ONE) if no.reason is Reason.INVALID else no) from None
        if found is not True:
            raise OutcomeUnknown("Telegram answered without saying that it was done")


def hours_of(command: Command) -> int | None:
    """How long it is to last; None: until somebody ends it."""
    said = command.options.get("hours", "").strip()
    if not said:
        return None
    if not said.isdecimal() or not said.isascii() or int(said) < 1:
        raise Refused(Reason.INVALID, "The hours are no whole number.")
    return int(said)
