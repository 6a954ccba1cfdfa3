"""What a bot does on Telegram: answering, deleting, muting, banning, polls, hearts.

Sources: core.telegram.org/bots/api (Available methods). Telegram takes no key with a message and shows a bot
none of its own: what would be there twice cannot be told from what never arrived; a person has to look.
"""

import json
from datetime import UTC, datetime
from typing import Any, Final

from connectors.answers import dig, text_at
from connectors.contract import Audience, Command, Receipt, Verb
from connectors.errors import (
    CannotTell,
    Gone,
    OutcomeUnknown,
    Reason,
    Refused,
)
from connectors.telegram_api import Api, Moved, moment
from connectors.telegram_members import MEMBERS, Members, hours_of
from connectors.telegram_things import Place, Ref, is_record, length, ref_of

MOST_TEXT: Final = 4096  # counted in UTF-16
_WITHOUT_PREVIEW: Final = {"is_disabled": True}
_BLOCKED: Final = "This person has blocked the bot, or closed their account."
_SHUT_OUT: Final = "The bot is no longer in this group, or nobody lets it write there."
_WIDER: Final = "The group has become public since; a private answer would be for everybody."
_UNTOLD: Final = "Telegram does not tell a bot whether this arrived: look there."
_NOBODY: Final = "A channel or a bot wrote this: there is nobody to write to."
_STRANGER: Final = (
    "A bot can write only to people who have written to it, and who have not blocked it. Answer where they"
    " wrote, and ask them to write to the bot."
)
_STAYS: Final = "Telegram does not let the bot delete this: it is older than 48 hours, or a notice."
_HEARTLESS: Final = "This message is no longer there, or the group allows no hearts."
HEART: Final = "\N{HEAVY BLACK HEART}"
_NO_TOPIC: Final = "Only a topic of a forum can be closed on Telegram."
_AS_IT_IS: Final = "The topic is like that already, or it is gone."
_ONCE_ONLY: Final = (Verb.REPLY, Verb.WRITE, Verb.POLL, Verb.END_POLL, Verb.LOCK, Verb.UNLOCK)
_NAME: Final = "Hearthlight"
_FEWEST, _MOST_CHOICES, _MOST_CHOICE, _MOST_QUESTION = 2, 12, 100, 300
_LONGEST_POLL: Final = 730  # hours: 2,628,000 seconds
_MAY_WRITE: Final = ("creator", "administrator", "member")


class Acts:
    """One bot's commands. What it sends goes into `sent`, for the next page: no update tells of it."""

    def __init__(self, api: Api, us: int, sent: list[tuple[Any, bool]]) -> None:
        self._api, self._us, self._sent = api, us, sent

    def perform(self, command: Command) -> Receipt:
        """Do it once."""
        if command.verb in MEMBERS:
            return Members(self._api, self._us).perform(command)
        return {
            Verb.REPLY: self._reply,
            Verb.WRITE: self._write,
            Verb.POLL: self._poll,
            Verb.END_POLL: self._end_poll,
            Verb.RETRACT: self._delete,
            Verb.REMOVE: self._delete,
            Verb.LIKE: self._react,
            Verb.UNLIKE: self._react,
            Verb.LOCK: self._close,
            Verb.UNLOCK: self._close,
        }[command.verb](command)

    def find_sent(self, command: Command) -> Receipt | None:
        """None where doing it again changes nothing more; CannotTell for what would be there twice."""
        if command.verb in _ONCE_ONLY:
            raise CannotTell(_UNTOLD)
        return Members(self._api, self._us).find(command) if command.verb in MEMBERS else None

    # ------------------------------------------------------------------ words

    def _reply(self, command: Command) -> Receipt:
        """Answer where it was asked; a group that moved meanwhile is answered where it is now."""
        ref, words = Ref.of(command.target), words_for(command)
        params: dict[str, Any] = {"text": words, "link_preview_options": _WITHOUT_PREVIEW}
        asked = {"reply_parameters": {"message_id": ref.message}, **_where(command, ref.chat)}
        try:
            return self._said(command, ref.chat, params | asked)
        except Moved as moved:
            # The number means another message there, or none: the answer stands alone.
            return self._said(command, moved.chat, params)

    def _said(self, command: Command, chat: int, params: dict[str, Any]) -> Receipt:
        try:
            self._not_wider(command, chat)
            return self._kept(self._api.send("sendMessage", chat, **params))
        except Moved:
            raise
        except Refused as no:
            raise self._why_not(chat, no) from None

    def _write(self, command: Command) -> Receipt:
        """To the author alone, who must have written to the bot before."""
        ref, words = Ref.of(command.target), words_for(command)
        if ref.author < 0 or ref.author == self._us:
            raise Refused(Reason.INVALID, _NOBODY)
        try:
            made = self._api.send(
                "sendMessage", ref.author, text=words, link_preview_options=_WITHOUT_PREVIEW
            )
        except Refused:
            raise Refused(Reason.BLOCKED, _STRANGER) from None
        return self._kept(made, shown=True)

    def _poll(self, command: Command) -> Receipt:
        """Ask in the conversation; nobody sees who chose what."""
        ref = Ref.of(command.target) if command.target else None
        place = Place.of(command.thread_id) if command.thread_id else Place(ref.chat if ref else 0)
        chat = ref.chat if ref else place.chat
        self._not_wider(command, chat)
        answer = {"message_id": ref.message, "allow_sending_without_reply": True} if ref else None
        asked: dict[str, Any] = {
            "question": _question(command),
            "options": [{"text": words} for words in _choices(command)],
            "is_anonymous": True,
            "open_period": _open_for(command),
        }
        if place.direct:
            raise Refused(Reason.UNSUPPORTED, "Telegram takes no poll in what people write to a channel.")
        try:
            where = _where(command, chat)
            made = self._api.send("sendPoll", chat, **asked, reply_parameters=answer, **where)
        except Moved as moved:
            self._not_wider(command, moved.chat)
            made = self._api.send("sendPoll", moved.chat, **asked)
        except Refused as no:
            if no.reason is Reason.BLOCKED:
                raise Refused(Reason.BLOCKED, _BLOCKED if chat > 0 else _SHUT_OUT) from None
            raise Refused(Reason.ROLE, "Telegram takes no poll of the bot's here.") from None
        return self._kept(made, shown=True)

    def _end_poll(self, command: Command) -> Receipt:
        ref = Ref.of(command.target)
        if ref.author != self._us:
            raise Refused(Reason.ROLE, "A bot can end its own polls only.")
        try:
            found = self._api.write("stopPoll", chat_id=ref.chat, message_id=ref.message)
        except Moved:
            raise
        except Refused as no:
            message = "This poll has ended already, or is no longer there."
            raise (Refused(Reason.STALE, message) if no.reason is Reason.INVALID else no) from None
        if not text_at(found, "id"):
            raise OutcomeUnknown("Telegram answered without saying which poll it ended")
        return Receipt(command.target)

    # ------------------------------------------------------------------ a message as it stands

    def _delete(self, command: Command) -> Receipt:
        """Take a message away; one that is gone already is as good as deleted."""
        ref = Ref.of(command.target)
        ours = ref.author == self._us
        if command.verb is Verb.RETRACT and not ours:
            raise Refused(Reason.ROLE, "This is not a message of the bot's.")
        if not ours and not ref.private:
            Members(self._api, self._us).need("can_delete_messages", ref.chat)
        self._done("deleteMessages", _STAYS, chat_id=ref.chat, message_ids=[ref.message])
        return Receipt(command.target)

    def _react(self, command: Command) -> Receipt:
        ref = Ref.of(command.target)
        reaction = [{"type": "emoji", "emoji": HEART}] if command.verb is Verb.LIKE else []
        self._done(
            "setMessageReaction", _HEARTLESS, chat_id=ref.chat, message_id=ref.message, reaction=reaction
        )
        return Receipt(command.target)

    def _close(self, command: Command) -> Receipt:
        """Close a topic of a forum, or open it again; of anything else Telegram knows no closing."""
        place = Place.of(command.thread_id)
        if not place.topic or place.chat > 0:
            raise Refused(Reason.UNSUPPORTED, _NO_TOPIC)
        Members(self._api, self._us).need("can_manage_topics", place.chat)
        method = "closeForumTopic" if command.verb is Verb.LOCK else "reopenForumTopic"
        self._done(method, _AS_IT_IS, chat_id=place.chat, message_thread_id=place.topic)
        return Receipt(command.target)

    def _done(self, method: str, why_not: str, **params: Any) -> None:
        try:
            found = self._api.write(method, **params)
        except Moved:
            raise
        except Refused as no:
            raise (Refused(Reason.BLOCKED, why_not) if no.reason is Reason.INVALID else no) from None
        if found is not True:
            raise OutcomeUnknown("Telegram answered without saying that it was done")

    # ------------------------------------------------------------------ inside

    def _not_wider(self, command: Command, chat: int) -> None:
        """What was asked among members is answered among members."""
        if command.audience is Audience.PRIVATE and chat < 0:
            try:
                found = self._api.read("getChat", chat_id=chat)
            except Moved as moved:
                found = self._api.read("getChat", chat_id=moved.chat)
            if text_at(found, "username"):
                raise Refused(Reason.STALE, _WIDER)

    def _why_not(self, chat: int, no: Refused) -> Refused:
        """Telegram's numbers do not say why: a 400 is as well a deleted message as a missing right."""
        if no.reason is Reason.STALE:
            return no
        if no.reason is Reason.BLOCKED:
            return Refused(Reason.BLOCKED, _BLOCKED if chat > 0 else _SHUT_OUT)
        if chat < 0 and not self._may_write(chat):
            return Refused(Reason.ROLE, _SHUT_OUT)
        return Gone("The message that this answers is no longer there.")

    def _may_write(self, chat: int) -> bool:
        try:
            us = self._api.read("getChatMember", chat_id=chat, user_id=self._us)
        except Refused:
            return False
        status = text_at(us, "status")
        return status in _MAY_WRITE or (status == "restricted" and dig(us, "can_send_messages") is True)

    def _kept(self, raw: Any, *, shown: bool = False) -> Receipt:
        """The receipt of what was sent; `shown`: the inbox does not know of it by itself."""
        if not is_record(raw):
            raise OutcomeUnknown("Telegram answered without saying what it sent")
        # In a channel Telegram names the channel as the author.
        ours = {**raw, "from": {"id": self._us, "is_bot": True, "first_name": _NAME}}
        ours.pop("sender_chat", None)
        self._sent.append((ours, shown))
        return Receipt(str(ref_of(ours)), moment(dig(raw, "date")))


def _where(command: Command, chat: int) -> dict[str, int]:
    """The topic to speak in, where the conversation is one; Telegram refuses the number of a mere chain."""
    place = Place.of(command.thread_id) if command.thread_id else Place(chat)
    if place.chat != chat:
        return {}
    named = {"message_thread_id": place.topic, "direct_messages_topic_id": place.direct}
    return {name: number for name, number in named.items() if number}


def _question(command: Command) -> str:
    words = _storable(command.text)
    if not words.strip():
        raise Refused(Reason.INVALID, "A poll needs a question.")
    if length(words) > _MOST_QUESTION:
        raise Refused(Reason.TOO_LONG, f"A question on Telegram has at most {_MOST_QUESTION} characters.")
    return words


def _choices(command: Command) -> list[str]:
    try:
        found = json.loads(command.options.get("choices", "[]"))
    except ValueError:
        found = []
    kept = [_storable(one) for one in found if isinstance(one, str)] if isinstance(found, list) else []
    if not _FEWEST <= len(kept) <= _MOST_CHOICES or not all(one.strip() for one in kept):
        raise Refused(Reason.INVALID, f"A poll on Telegram has two to {_MOST_CHOICES} answers.")
    if any(length(one) > _MOST_CHOICE for one in kept):
        raise Refused(Reason.TOO_LONG, f"An answer of a poll has at most {_MOST_CHOICE} characters.")
    return kept


def _open_for(command: Command) -> int | None:
    """Seconds until the poll ends by itself; None: until somebody ends it."""
    hours = hours_of(command)
    if hours is not None and hours > _LONGEST_POLL:
        raise Refused(Reason.INVALID, "A poll on Telegram ends within 730 hours, or when somebody ends it.")
    return None if hours is None else hours * 3600


def words_for(command: Command) -> str:
    """What is sent: half an emoji cannot be, and a NUL is dropped on the way."""
    words = _storable(command.text)
    if not words.strip():
        raise Refused(Reason.INVALID, "A message needs words.")
    if length(words) > MOST_TEXT:
        raise Refused(
            Reason.TOO_LONG, f"Telegram takes at most {MOST_TEXT} characters, and an emoji counts twice."
        )
    return words


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def utc_now() -> datetime:
    """Our own clock."""
    return datetime.now(UTC)
