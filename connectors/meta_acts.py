"""What a moderator does on a Page, on Instagram and in both inboxes, and looking for what may have been done.

Meta takes no key with a command, so own words are looked for. A message is answered in its conversation and a
comment privately by its own id: nothing here turns something private into a comment.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connectors.answers import dig, listed, text_at
from connectors.contract import Audience, Command, Receipt, Verb
from connectors.errors import CannotTell, Gone, OutcomeUnknown, Reason, Refused, Unreadable
from connectors.keys import begun_at
from connectors.meta_api import OUTSIDE, Api
from connectors.meta_things import (
    DIRECT,
    FIELDS,
    INBOX_OF,
    PLATFORM,
    Place,
    Ref,
    Us,
    created,
    is_record,
    root,
)
from connectors.meta_walk import DETAILED, answers, epoch
from connectors.wording import same, storable

WINDOW: Final = timedelta(hours=24)
LONG_WINDOW: Final = timedelta(days=7)  # of apps with the Human Agent feature, and of a private reply
MOST_TEXT: Final = {
    Place.PAGE: 8000,
    Place.INSTAGRAM: 300,
    Place.MESSENGER: 2000,
    Place.INSTAGRAM_DIRECT: 1000,  # bytes
}
_SKEW: Final = timedelta(minutes=2)
_PUBLIC: Final = {Verb.HIDE, Verb.UNHIDE, Verb.REMOVE, Verb.RETRACT, Verb.LIKE, Verb.UNLIKE, Verb.WRITE}
_NOT_DIRECT: Final = "Meta lets programs answer direct messages and nothing else."
_NO_LIKES: Final = "Instagram lets no program like a comment."


class Acts:
    """One Page's commands; `human` says that its app has Meta's Human Agent feature."""

    def __init__(self, api: Api, us: Us, now: Callable[[], datetime], *, human: bool) -> None:
        self._api, self._us, self._now, self._human = api, us, now, human

    def perform(self, command: Command) -> Receipt:
        """Do it; that is said to be refused which Meta would refuse."""
        ref = Ref.of(command.target)
        if command.verb is Verb.REPLY:
            return self._answer(command, ref) if ref.place in DIRECT else self._reply(command, ref)
        if ref.place in DIRECT:
            raise Refused(Reason.UNSUPPORTED, _NOT_DIRECT)
        raw = self.there(ref)
        if command.verb is Verb.WRITE:
            return self._write(command, ref, raw)
        self._allowed(command.verb, ref, raw)
        method, path, payload = _CALLS[command.verb, ref.place]
        found = self._api.write(method, path.format(ref.id), payload)
        if found.get("success") is not True:
            raise OutcomeUnknown("Meta answered without saying that it was done")
        return Receipt(command.target)

    def there(self, ref: Ref) -> dict[str, Any]:
        """Read a comment again; Gone where it is no longer there."""
        raw = self._api.read(ref.id, asked=True, fields=FIELDS[ref.place])
        if not is_record(raw, ref.place):
            raise Unreadable("Meta answered something else than a comment")
        return raw

    def _allowed(self, verb: Verb, ref: Ref, raw: Any) -> None:
        """Say no in words where the record says that Meta will."""
        ours = self._us.is_ours(raw)
        if verb is Verb.RETRACT and not ours:
            raise Refused(Reason.ROLE, "This is not a comment of yours.")
        if verb in (Verb.LIKE, Verb.UNLIKE) and ref.place is Place.INSTAGRAM:
            raise Refused(Reason.UNSUPPORTED, _NO_LIKES)
        if verb in (Verb.HIDE, Verb.UNHIDE) and (ours or dig(raw, "can_hide") is False):
            raise Refused(Reason.ROLE, "Meta does not let you hide this comment.")
        if verb is Verb.REMOVE and dig(raw, "can_remove") is False:
            raise Refused(Reason.ROLE, "Meta does not let you delete this comment.")
        if verb is Verb.LIKE and dig(raw, "can_like") is False:
            raise Refused(Reason.ROLE, "Meta does not let you like this comment.")

    # ------------------------------------------------------------------ words

    def _reply(self, command: Command, ref: Ref) -> Receipt:
        words = _words(command, ref.place)
        raw = self.there(ref)
        if command.audience is Audience.PRIVATE or dig(raw, "is_private") is True:
            message = "An answer to a comment is public. Write to the person instead."
            raise Refused(Reason.UNSUPPORTED, message)
        edge = "comments" if ref.place is Place.PAGE else "replies"
        made = self._api.write("POST", f"{root(raw)}/{edge}", {"message": words})
        if not text_at(made, "id"):
            raise OutcomeUnknown("Meta answered a reply without saying what it made")
        return Receipt(f"{ref.place}:{made['id']}", self._now())

    def _answer(self, command: Command, ref: Ref) -> Receipt:
        words = _words(command, ref.place)
        theirs = self._last_of_theirs(ref)
        payload = {
            "recipient": {"id": text_at(theirs, "from", "id")},
            "message": {"text": words},
            **self._typed(created(theirs)),
        }
        made = self._sent(payload)
        return Receipt(str(Ref(ref.place, made, ref.conversation)), self._now())

    def _last_of_theirs(self, ref: Ref) -> Any:
        asked = {"fields": FIELDS[ref.place], "limit": DETAILED}
        found = listed(self._api.read(f"{ref.conversation}/messages", asked=True, **asked), "data")
        for one in found:  # newest first
            if is_record(one, ref.place) and not self._us.is_ours(one):
                return one
        raise Refused(Reason.BLOCKED, f"{OUTSIDE} Here the person's last message is too far back.")

    def _typed(self, asked_at: datetime) -> dict[str, str]:
        """How Meta wants the message declared: within a day an answer, later only for some apps."""
        now = self._now()
        if now < asked_at + WINDOW:
            return {"messaging_type": "RESPONSE"}
        if self._human and now < asked_at + LONG_WINDOW:
            return {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
        ended = asked_at + (LONG_WINDOW if self._human else WINDOW)
        words = (
            f"{OUTSIDE} This one closed on {ended:%Y-%m-%d at %H:%M} UTC; it opens when the person writes."
        )
        raise Refused(Reason.BLOCKED, words)

    def _write(self, command: Command, ref: Ref, raw: Any) -> Receipt:
        """A private reply: one for each comment, within seven days, to the comment's own id."""
        words = _words(command, INBOX_OF[ref.place])
        if self._us.is_ours(raw):
            raise Refused(Reason.INVALID, "This is a comment of yours.")
        if self._now() >= created(raw) + LONG_WINDOW:
            raise Refused(Reason.BLOCKED, "Meta allows a private reply within seven days of the comment.")
        if dig(raw, "can_reply_privately") is False:
            words = "Meta allows no private reply to this comment; it allows one, and only one, to most."
            raise Refused(Reason.BLOCKED, words)
        self._sent({"recipient": {"comment_id": ref.id}, "message": {"text": words}})
        return Receipt(at=self._now())  # it lies in a conversation that only the next pull names

    def _sent(self, payload: dict[str, Any]) -> str:
        made = text_at(self._api.write("POST", f"{self._us.page}/messages", payload), "message_id")
        if not made:
            raise OutcomeUnknown("Meta answered a message without saying what it made")
        return made

    # ------------------------------------------------------------------ what may have been done

    def find_sent(self, command: Command) -> Receipt | None:
        """Own words since the command began; for the rest, how the comment stands now."""
        ref = Ref.of(command.target)
        if command.verb is Verb.REPLY:
            return self._own_message(command, ref) if ref.place in DIRECT else self._own_comment(command, ref)
        if ref.place in DIRECT or command.verb not in _PUBLIC:
            return None
        try:
            raw = self.there(ref)
        except Gone:
            taken = command.verb in (Verb.REMOVE, Verb.RETRACT)
            return Receipt(command.target) if taken else None
        if command.verb is Verb.WRITE:
            return self._own_letter(command, ref, raw)
        done = {
            Verb.HIDE: _hidden(raw),
            Verb.UNHIDE: not _hidden(raw),
            Verb.LIKE: dig(raw, "user_likes") is True,
            Verb.UNLIKE: dig(raw, "user_likes") is False,
        }
        return Receipt(command.target) if done.get(command.verb) else None

    def _own_comment(self, command: Command, ref: Ref) -> Receipt | None:
        first = root(self.there(ref))
        for one in answers(self._api, ref.place, first):
            words = text_at(one, "message") or text_at(one, "text")
            if is_record(one, ref.place) and self._said(one, words, command):
                return Receipt(f"{ref.place}:{one['id']}", created(one))
        return None

    def _own_message(self, command: Command, ref: Ref) -> Receipt | None:
        """Only the newest messages of a conversation have words; beyond them nobody can tell."""
        found = self._newest(ref.conversation, ref.place)
        for one in found:
            if is_record(one, ref.place) and self._said(one, text_at(one, "message"), command):
                return Receipt(str(Ref(ref.place, one["id"], ref.conversation)), created(one))
        begun = begun_at(command.key)
        if len(found) >= DETAILED and (begun is None or created(found[-1]) >= begun - _SKEW):
            raise CannotTell("Meta no longer shows the words of so many messages ago")
        return None

    def _own_letter(self, command: Command, ref: Ref, raw: Any) -> Receipt | None:
        if dig(raw, "can_reply_privately") is True:
            return None  # Meta still allows the one that it allows
        place, person = INBOX_OF[ref.place], text_at(raw, "from", "id")
        edge = f"{self._us.page}/conversations"
        asked = {"platform": PLATFORM[place], "user_id": person, "fields": "id"}
        for one in listed(self._api.read(edge, asked=True, **asked), "data") if person else ():
            for message in self._newest(text_at(one, "id"), place):
                if is_record(message, place) and self._said(message, text_at(message, "message"), command):
                    return Receipt(str(Ref(place, message["id"], one["id"])), created(message))
        raise CannotTell("Meta does not say whether this comment was answered privately")

    def _newest(self, conversation: str, place: Place) -> list[Any]:
        asked = {"fields": FIELDS[place], "limit": DETAILED}
        return listed(self._api.read(f"{conversation}/messages", asked=True, **asked), "data")

    def _said(self, raw: Any, words: str, command: Command) -> bool:
        begun = begun_at(command.key)
        late = created(raw) >= (begun - _SKEW if begun else epoch())
        return late and self._us.is_ours(raw) and same(words, command.text)


_CALLS: Final[dict[tuple[Verb, Place], tuple[str, str, dict[str, Any] | None]]] = {
    (Verb.HIDE, Place.PAGE): ("POST", "{}", {"is_hidden": True}),
    (Verb.UNHIDE, Place.PAGE): ("POST", "{}", {"is_hidden": False}),
    (Verb.HIDE, Place.INSTAGRAM): ("POST", "{}", {"hide": True}),
    (Verb.UNHIDE, Place.INSTAGRAM): ("POST", "{}", {"hide": False}),
    (Verb.LIKE, Place.PAGE): ("POST", "{}/likes", None),
    (Verb.UNLIKE, Place.PAGE): ("DELETE", "{}/likes", None),
    **{(verb, place): ("DELETE", "{}", None) for verb in (Verb.REMOVE, Verb.RETRACT) for place in INBOX_OF},
}


def _hidden(raw: Any) -> bool:
    return dig(raw, "is_hidden") is True or dig(raw, "hidden") is True


def _words(command: Command, place: Place) -> str:
    words = storable(command.text)
    if not words.strip():
        raise Refused(Reason.INVALID, "A message needs words.")
    most = MOST_TEXT[place]
    if place is Place.INSTAGRAM_DIRECT and len(words.encode()) > most:
        raise Refused(Reason.TOO_LONG, f"A direct message on Instagram has at most {most} bytes.")
    if len(words) > most:
        raise Refused(Reason.TOO_LONG, f"Meta takes at most {most} characters here.")
    return words


def utc_now() -> datetime:
    """Our own clock."""
    return datetime.now(UTC)
