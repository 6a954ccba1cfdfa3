"""What a moderator does on Discord, and looking for what may have been done.

A message carries a nonce made from the command's key, which Discord knows again for a few minutes; after that
our own words are looked for first. A message is answered where it stands and nowhere else.
"""

import base64
import hashlib
import json
import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from connectors.answers import dig, entries, text_at, time_at
from connectors.contract import Audience, Command, Receipt, Verb
from connectors.discord_api import Api, is_id
from connectors.discord_messages import Ref, is_record, moment_of, number_of, snowflake
from connectors.discord_places import DIRECT, THREADS, Place, Places
from connectors.discord_walk import AT_ONCE, stands
from connectors.errors import CannotTell, Gone, OutcomeUnknown, Reason, Refused, TryLater, Unreadable
from connectors.keys import begun_at
from connectors.wording import same, storable

MOST_TEXT: Final = 2000
_NONCE_FOR: Final = timedelta(minutes=2)  # Discord says "a few minutes"
_SKEW: Final = timedelta(minutes=2)
_LONGEST_MUTE: Final = 28 * 24
_LONGEST_POLL: Final = 768
_MOST_ANSWERS: Final = 10
_MOST_ANSWER: Final = 55
_MOST_QUESTION: Final = 300
_MOST_PAGES: Final = 50
_HEART: Final = "%E2%9D%A4%EF%B8%8F"
_NO_PINGS: Final[dict[str, Any]] = {"parse": []}
_MADE: Final = frozenset({Verb.REPLY, Verb.WRITE, Verb.POLL})


class Acts:
    """One bot's commands; `opened` is told of every direct conversation: with whom, and which."""

    def __init__(
        self, api: Api, places: Places, now: Callable[[], datetime], opened: Callable[[str, str], None]
    ) -> None:
        self._api, self._places, self._now, self._opened = api, places, now, opened

    def perform(self, command: Command) -> Receipt:
        """Do it once."""
        if command.verb in _MADE and self._is_late(command) and (found := self.find_sent(command)):
            return found
        deeds: dict[Verb, Callable[[Command], Receipt]] = {
            Verb.REPLY: self._reply,
            Verb.WRITE: self._write,
            Verb.POLL: self._poll,
            Verb.END_POLL: self._end_poll,
            Verb.RETRACT: self._delete,
            Verb.REMOVE: self._delete,
            Verb.LIKE: self._react,
            Verb.UNLIKE: self._react,
            Verb.LOCK: self._lock,
            Verb.UNLOCK: self._lock,
            Verb.MUTE: self._mute,
            Verb.UNMUTE: self._mute,
            Verb.KICK: self._kick,
            Verb.BAN: self._ban,
            Verb.UNBAN: self._ban,
        }
        return deeds[command.verb](command)

    def _is_late(self, command: Command) -> bool:
        begun = begun_at(command.key)
        return begun is not None and self._now() - begun > _NONCE_FOR

    # ------------------------------------------------------------------ words

    def _reply(self, command: Command) -> Receipt:
        words, ref = _words(command.text), Ref.of(command.target)
        place = self._open(command, ref.channel)
        about = {"channel_id": ref.channel, "message_id": ref.id, "fail_if_not_exists": True}
        mentions = _NO_PINGS | {"replied_user": True}
        return self._send(
            command, place, {"content": words, "message_reference": about, "allowed_mentions": mentions}
        )

    def _write(self, command: Command) -> Receipt:
        words, place = _words(command.text), self._letter_box(command)
        return self._send(command, place, {"content": words, "allowed_mentions": _NO_PINGS})

    def _poll(self, command: Command) -> Receipt:
        place = self._open(command, self._asked_in(command))
        return self._send(command, place, {"poll": _poll_of(command), "allowed_mentions": _NO_PINGS})

    def _send(self, command: Command, place: Place, message: dict[str, Any]) -> Receipt:
        told = {"nonce": nonce(command.key), "enforce_nonce": True}
        made = self._api.made(f"channels/{place.id}/messages", message | told)
        return _receipt(made, place)

    def _open(self, command: Command, channel: str) -> Place:
        """The place to write in; what is meant for one person goes into no channel."""
        place = self._places.at(channel)
        if command.audience is Audience.PRIVATE and place.audience is Audience.PUBLIC:
            message = "An answer in a channel can be read by everybody there. Write to the person instead."
            raise Refused(Reason.UNSUPPORTED, message)
        return place

    def _asked_in(self, command: Command) -> str:
        return command.thread_id if is_id(command.thread_id) else Ref.of(command.target).channel

    def _letter_box(self, command: Command) -> Place:
        """The direct conversation with the author; asking for it tells the person nothing."""
        author = self._author(command)
        made = open_direct(self._api, author)
        self._opened(author, made["id"])
        return self._places.at(made["id"])

    # ------------------------------------------------------------------ messages and conversations

    def _end_poll(self, command: Command) -> Receipt:
        ref = Ref.of(command.target)
        self._api.made(f"channels/{ref.channel}/polls/{ref.id}/expire", {})
        return Receipt(command.target, self._now())

    def _delete(self, command: Command) -> Receipt:
        ref, raw = Ref.of(command.target), self._there(command)
        ours = text_at(raw, "author", "id") == self._places.our_id
        if command.verb is Verb.RETRACT and not ours:
            raise Refused(Reason.ROLE, "This is not a message of yours.")
        if not ours and self._places.at(ref.channel).sort in DIRECT:
            raise Refused(Reason.UNSUPPORTED, "In a direct conversation nobody can delete what others wrote.")
        self._api.write("DELETE", ref.path, reason=_reason(command))
        return Receipt(command.target, self._now())

    def _react(self, command: Command) -> Receipt:
        method = "PUT" if command.verb is Verb.LIKE else "DELETE"
        self._api.write(method, f"{Ref.of(command.target).path}/reactions/{_HEART}/@me")
        return Receipt(command.target, self._now())

    def _lock(self, command: Command) -> Receipt:
        place = self._places.at(self._asked_in(command))
        if place.sort not in THREADS:
            raise Refused(Reason.UNSUPPORTED, "Discord can lock a thread or a forum post, not a channel.")
        # An archived thread can be changed only together with opening it.
        payload = {"locked": command.verb is Verb.LOCK, "archived": False}
        self._api.write("PATCH", f"channels/{place.id}", payload, _reason(command))
        return Receipt(command.target, self._now())

    # ------------------------------------------------------------------ people

    def _mute(self, command: Command) -> Receipt:
        until = None
        if command.verb is Verb.MUTE:
            begun, now = begun_at(command.key), self._now()
            start = begun if begun and now - _NONCE_FOR < begun <= now else now
            until = (start + timedelta(hours=_hours(command, _LONGEST_MUTE))).isoformat()
        payload = {"communication_disabled_until": until}
        self._api.write("PATCH", self._member(command, "members"), payload, _reason(command))
        return Receipt(command.target, self._now())

    def _kick(self, command: Command) -> Receipt:
        self._api.write("DELETE", self._member(command, "members"), reason=_reason(command))
        return Receipt(command.target, self._now())

    def _ban(self, command: Command) -> Receipt:
        if command.options.get("hours"):
            raise Refused(Reason.UNSUPPORTED, "A ban on Discord lasts until somebody lifts it. Mute instead.")
        path = self._member(command, "bans")
        if command.verb is Verb.BAN:
            self._api.write("PUT", path, {"delete_message_seconds": 0}, _reason(command))
        else:
            self._api.write("DELETE", path, {}, _reason(command))
        return Receipt(command.target, self._now())

    def _member(self, command: Command, where: str) -> str:
        place = self._places.at(Ref.of(command.target).channel)
        if not place.guild:
            raise Refused(Reason.UNSUPPORTED, "A direct conversation belongs to no server.")
        return f"guilds/{place.guild}/{where}/{self._author(command)}"

    def _there(self, command: Command) -> dict[str, Any]:
        raw = self._api.record(Ref.of(command.target).path)
        if not is_record(raw):
            raise Unreadable("Discord answered something else than a message")
        return raw

    def _author(self, command: Command) -> str:
        raw = self._there(command)
        author = text_at(raw, "author", "id")
        if text_at(raw, "webhook_id") or not is_id(author):
            raise Refused(Reason.UNSUPPORTED, "This was written through a webhook, which is no account.")
        if author == self._places.our_id:
            raise Refused(Reason.INVALID, "This is a message of yours.")
        return author

    # ------------------------------------------------------------------ what may have been done

    def find_sent(self, command: Command) -> Receipt | None:
        """Own words since the command began; for the rest, how things stand now."""
        if command.verb in _MADE:
            return self._own(command)
        return Receipt(command.target) if self._is_done(command) else None

    def _own(self, command: Command) -> Receipt | None:
        """Look through what came after the command in its channel; more than can be read tells nothing."""
        if command.verb is Verb.WRITE:
            place = self._letter_box(command)
        else:
            place = self._places.at(self._place_of(command))
        after = self._since(command)
        for _ in range(_MOST_PAGES):
            rows = self._api.rows(f"channels/{place.id}/messages", after=str(after), limit=AT_ONCE)
            if any(not is_record(one) for one in rows):
                raise Unreadable("Discord answered something else than messages")
            for one in sorted(rows, key=number_of):
                if self._is_it(one, command):
                    return _receipt(one, place)
            newest = max((number_of(one) for one in rows), default=after)
            if len(rows) < AT_ONCE or newest <= after:
                return None
            after = newest
        raise CannotTell("so much was written since that it cannot be seen whether this was sent")

    def _place_of(self, command: Command) -> str:
        return self._asked_in(command) if command.verb is Verb.POLL else Ref.of(command.target).channel

    def _since(self, command: Command) -> int:
        """After which id it must stand: an answer is younger than what it answers."""
        begun, target = begun_at(command.key), Ref.of(command.target)
        least = snowflake(begun - _SKEW) if begun else 0
        return max(least, int(target.id)) if command.verb is Verb.REPLY else least or int(target.id)

    def _is_it(self, raw: Any, command: Command) -> bool:
        if text_at(raw, "author", "id") != self._places.our_id:
            return False
        if text_at(raw, "nonce"):
            return text_at(raw, "nonce") == nonce(command.key)
        if command.verb is Verb.POLL:
            return same(text_at(raw, "poll", "question", "text"), command.text)
        answered = text_at(raw, "message_reference", "message_id")
        wanted = Ref.of(command.target).id if command.verb is Verb.REPLY else ""
        return answered == wanted and same(text_at(raw, "content"), command.text)

    def _is_done(self, command: Command) -> bool:
        ref = Ref.of(command.target)
        if command.verb in (Verb.RETRACT, Verb.REMOVE):
            return not stands(self._api, ref)
        if command.verb in (Verb.LIKE, Verb.UNLIKE):
            hearts = [one for one in entries(self._there(command), "reactions") if _is_heart(one)]
            return any(dig(one, "me") is True for one in hearts) is (command.verb is Verb.LIKE)
        if command.verb is Verb.END_POLL:
            ends = time_at(self._there(command), "poll", "expiry")
            return ends is not None and ends <= self._now()
        if command.verb in (Verb.LOCK, Verb.UNLOCK):
            raw = self._api.record(f"channels/{self._asked_in(command)}")
            return (dig(raw, "thread_metadata", "locked") is True) is (command.verb is Verb.LOCK)
        return self._is_done_to(command)

    def _is_done_to(self, command: Command) -> bool:
        """Whether the person is banned, muted or no longer there."""
        if command.verb in (Verb.BAN, Verb.UNBAN):
            return self._is_there(self._member(command, "bans")) is (command.verb is Verb.BAN)
        path = self._member(command, "members")
        if command.verb is Verb.KICK:
            return not self._is_there(path)
        until = time_at(self._api.read(path), "communication_disabled_until")
        if command.verb is Verb.UNMUTE:
            return until is None or until <= self._now()
        begun = begun_at(command.key) or self._now()
        least = begun + timedelta(hours=_hours(command, _LONGEST_MUTE)) - _SKEW
        return until is not None and until >= least

    def _is_there(self, path: str) -> bool:
        try:
            found = self._api.read(path)
        except Gone:
            return False
        if not text_at(found, "user", "id"):
            raise Unreadable("Discord answered something else than a person")
        return True


def open_direct(api: Api, person: str) -> dict[str, Any]:
    """The direct conversation with a person, opened if there was none; the person is told nothing."""
    try:
        return api.made("users/@me/channels", {"recipient_id": person})
    except OutcomeUnknown as trouble:
        raise TryLater(str(trouble), offline=True) from None  # nothing that anybody could see was done


def nonce(key: str) -> str:
    """At most 25 characters, the same for the same key."""
    return base64.b32encode(hashlib.sha256(key.encode("utf-8", "replace")).digest()[:15]).decode()


def _receipt(raw: Any, place: Place) -> Receipt:
    at = time_at(raw, "timestamp") or moment_of(number_of(raw))
    link = f"https://discord.com/channels/{place.guild or '@me'}/{place.id}/{raw['id']}"
    return Receipt(str(Ref(place.id, raw["id"])), at, link)


def _is_heart(reaction: Any) -> bool:
    return text_at(reaction, "emoji", "name").rstrip("\ufe0f") == "\u2764"


def _reason(command: Command) -> str:
    return command.options.get("reason", "")


def _words(text: str) -> str:
    words = storable(text)
    if not words.strip():
        raise Refused(Reason.INVALID, "A message needs words.")
    if len(words) > MOST_TEXT:
        raise Refused(Reason.TOO_LONG, f"Discord takes at most {MOST_TEXT} characters.")
    return words


def _hours(command: Command, most: int) -> float:
    try:
        found = float(command.options.get("hours", ""))
    except ValueError:
        found = math.nan
    if not 0 < found <= most:
        words = f"Discord needs to know for how many hours, at most {most}. It ends by itself then."
        raise Refused(Reason.INVALID, words)
    return found


def _poll_of(command: Command) -> dict[str, Any]:
    question = storable(command.text).strip()
    try:
        choices = json.loads(command.options.get("choices", "[]"))
    except ValueError:
        choices = []
    if not isinstance(choices, list) or not all(isinstance(one, str) and one.strip() for one in choices):
        choices = []
    answers = [storable(one).strip() for one in choices]
    if not question or not 1 <= len(answers) <= _MOST_ANSWERS:
        raise Refused(Reason.INVALID, f"A poll needs a question and one to {_MOST_ANSWERS} answers.")
    if len(question) > _MOST_QUESTION or any(len(one) > _MOST_ANSWER for one in answers):
        words = f"Discord takes {_MOST_QUESTION} characters for a question and {_MOST_ANSWER} for an answer."
        raise Refused(Reason.TOO_LONG, words)
    return {
        "question": {"text": question},
        "answers": [{"poll_media": {"text": one}} for one in answers],
        "duration": math.ceil(_hours(command, _LONGEST_POLL)),
        "allow_multiselect": False,
    }
