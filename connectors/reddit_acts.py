"""What moderators do on Reddit. It knows no key of ours, so what arrived can only be looked up.

Taking down, approving, locking and banning say what shall be: done twice they are done once. Only what is
written can be there twice.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connectors.answers import dig, text_at
from connectors.contract import Audience, Command, Receipt, RemoteMessage, Verb
from connectors.errors import CannotTell, Gone, Reason, Refused, Unreadable
from connectors.keys import begun_at
from connectors.reddit_modmail import PATH, PREFIX, Modmail, conversation_of, first, message
from connectors.reddit_session import Session, listed, made, moment_at
from connectors.reddit_things import FULLNAME, REPORT, gone_how, taken_down
from connectors.wording import same, storable

MAX_TEXT: Final = 10_000
MUTES: Final = (72, 168, 672)  # hours; there are no others
_LONGEST_BAN: Final = 999  # days
_REASON, _NOTE, _TITLE = 100, 300, 50  # the longest that Reddit takes
_SKEW: Final = timedelta(minutes=2)  # between our clock and theirs
_ONLY_THREE: Final = "muted for {hours} hours"


@dataclass(frozen=True, slots=True)
class About:
    """Who and where: the author and the community of what a command is about."""

    author: str
    community: str
    thing: str  # its fullname, or the conversation


class Acts:
    """Performs commands; `modmail` is the same account's."""

    def __init__(self, session: Session, modmail: Modmail) -> None:
        self._session, self._modmail = session, modmail

    def deeds(self) -> dict[Verb, Callable[[Command], Receipt]]:
        """How each verb is done."""
        return {
            Verb.REPLY: self._reply,
            Verb.WRITE: self._write,
            Verb.RETRACT: self._retract,
            Verb.REMOVE: lambda command: self._remove(command, spam=False),
            Verb.SPAM: lambda command: self._remove(command, spam=True),
            Verb.RESTORE: lambda command: self._simple("api/approve", command),
            Verb.RESOLVE: self._resolve,
            Verb.LOCK: lambda command: self._lock("api/lock", command),
            Verb.UNLOCK: lambda command: self._lock("api/unlock", command),
            Verb.BAN: self._ban,
            Verb.UNBAN: lambda command: self._unfriend(command, "banned"),
            Verb.MUTE: self._mute,
            Verb.UNMUTE: self._unmute,
            Verb.REPORT: self._report,
        }

    def find_sent(self, command: Command) -> Receipt | None:
        """Look for what a command wrote; of the others, None: doing them again changes nothing.

        A removal that also writes to the author cannot be told apart from one that only got half way.
        """
        if command.verb is Verb.REPLY:
            mail = command.target.startswith(PREFIX)
            return self._own_mail(command) if mail else self._own_comment(command)
        if command.verb is Verb.WRITE:
            return self._own_letter(command)
        if command.verb in (Verb.REMOVE, Verb.SPAM) and command.text:
            if taken_down(self._thing(command.target)):
                raise CannotTell("it was taken down, but not whether the author was told")
            return None
        if command.verb is Verb.RETRACT:
            return self._was_retracted(command)
        return None

    # ---------------------------------------------------------------- what is written

    def _reply(self, command: Command) -> Receipt:
        _short_enough(command.text)
        if command.target.startswith(PREFIX):
            return self._answer_mail(command)
        if command.target.startswith(REPORT):
            raise Refused(Reason.UNSUPPORTED, "who reported is not known; answer what was reported, or write")
        target = _thing_id(command.target)
        if command.audience is Audience.PRIVATE:
            raise Refused(Reason.UNSUPPORTED, "an answer to a post or comment on Reddit is public")
        found = self._session.write("api/comment", thing_id=target, text=storable(command.text))
        things = dig(found, "json", "data", "things")
        data = dig(things[0], "data") if isinstance(things, list) and things else None
        link = text_at(data, "permalink")
        where = f"https://www.reddit.com{link}" if link.startswith("/") else None
        return Receipt(made(data, "name"), moment_at(data, "created_utc"), where)

    def _answer_mail(self, command: Command) -> Receipt:
        name = conversation_of(command.target)
        # As the community: which volunteer writes is nobody's business, and never a note to the others.
        form = {"body": storable(command.text), "isInternal": "false", "isAuthorHidden": "true"}
        found = self._session.write(f"{PATH}/{name}", **form)
        return self._written(found, name)

    def _written(self, found: Any, name: str = "") -> Receipt:
        """The newest message of the conversation that a write answers with."""
        held, order = dig(found, "messages"), dig(found, "conversation", "objIds")
        conversation = dig(found, "conversation") or {"id": name}
        of_messages = [
            entry
            for entry in (order if isinstance(order, list) else [])
            if text_at(entry, "key") == "messages"
        ]
        last = made(of_messages[-1] if of_messages else None, "id")
        try:
            sent = message(conversation, dig(held, last))
        except Unreadable:
            return Receipt(f"{PREFIX}{name or made(conversation, 'id')}:{last}")
        return Receipt(sent.id, sent.created_at, sent.permalink)

    def _write(self, command: Command) -> Receipt:
        _short_enough(command.text)
        about = self._about(command.target)
        form = {
            "srName": about.community,
            "to": about.author,
            "subject": _subject(about),
            "body": storable(command.text),
            "isAuthorHidden": "true",
        }
        return self._written(self._session.write(PATH, **form))

    def _retract(self, command: Command) -> Receipt:
        if command.target.startswith(PREFIX):
            raise Refused(Reason.UNSUPPORTED, "Reddit cannot take a message back once it was sent")
        data = self._thing(command.target)
        if gone_how(data) is None and not self._session.is_me(text_at(data, "author")):
            raise Refused(Reason.ROLE, "only its author can delete it; moderators remove instead")
        return self._simple("api/del", command)

    # ---------------------------------------------------------------- what is shown

    def _simple(self, path: str, command: Command, **more: str) -> Receipt:
        self._session.write(path, id=_thing_id(command.target), **more)
        return Receipt()

    def _remove(self, command: Command, *, spam: bool) -> Receipt:
        _short_enough(command.text)
        target = _thing_id(command.target)
        self._session.write("api/remove", id=target, spam="true" if spam else "false")
        reason = command.options.get("reason", "")
        if reason or command.text:
            title = self._reason(target, reason)
            if command.text:
                self._tell(target, title, command.text)
        return Receipt()

    def _reason(self, target: str, reason: str) -> str:
        """Note why, by the community's own reason where its title or id was given; return the title."""
        if not reason:
            return ""
        community = self._about(target).community
        kept = dig(self._session.read(f"api/v1/{community}/removal_reasons"), "data")
        held = list(kept.values()) if isinstance(kept, dict) else []
        ours = next((one for one in held if reason in (text_at(one, "id"), text_at(one, "title"))), None)
        payload: dict[str, Any] = {"item_ids": [target], "mod_note": "" if ours else reason[:_REASON]}
        payload["reason_id"] = text_at(ours, "id") if ours else None
        self._session.write_json("api/v1/modactions/removal_reasons", payload)
        return text_at(ours, "title") or reason

    def _tell(self, target: str, title: str, text: str) -> None:
        """Tell the author, and only the author, in the community's name."""
        what = "comment" if target.startswith("t1_") else "link"
        payload = {
            "item_id": [target],
            "title": (title or "Removed")[:_TITLE],
            "message": storable(text),
            "type": "private",
        }
        self._session.write_json(f"api/v1/modactions/removal_{what}_message", payload)

    def _resolve(self, command: Command) -> Receipt:
        if command.target.startswith(PREFIX):
            self._session.write(f"{PATH}/{conversation_of(command.target)}/archive")
            return Receipt()
        if command.options.get("choice") == "ignore":
            self._simple("api/ignore_reports", command)
        return self._simple("api/approve", command)

    def _lock(self, path: str, command: Command) -> Receipt:
        if command.target.startswith(PREFIX):
            raise Refused(Reason.UNSUPPORTED, "Modmail cannot be locked. The author can be muted.")
        whole = command.thread_id if command.thread_id.startswith("t3_") else command.target
        self._session.write(path, id=_thing_id(whole))
        return Receipt()

    def _report(self, command: Command) -> Receipt:
        reason = command.options.get("reason", "") or command.text
        if not reason:
            raise Refused(Reason.INVALID, "a report needs a reason")
        form = {"thing_id": _thing_id(command.target), "reason": storable(reason[:_REASON])}
        self._session.write("api/report", **form)
        return Receipt()

    # ---------------------------------------------------------------- who may write

    def _ban(self, command: Command) -> Receipt:
        about = self._about(command.target)
        form = {"name": about.author, "type": "banned"}
        if hours := _hours(command):
            days = math.ceil(hours / 24)
            if days > _LONGEST_BAN:
                raise Refused(Reason.INVALID, "Reddit bans for at most 999 days, or for good")
            form["duration"] = str(days)
        if reason := command.options.get("reason", ""):
            form |= {"ban_reason": storable(reason[:_REASON]), "note": storable(reason[:_NOTE])}
        if command.text:
            form["ban_message"] = storable(command.text)
        if FULLNAME.fullmatch(about.thing):
            form["ban_context"] = about.thing
        self._session.write(f"r/{about.community}/api/friend", **form)
        days_said = form.get("duration")
        return Receipt(f"banned for {days_said} days" if days_said else "banned")

    def _mute(self, command: Command) -> Receipt:
        """Modmail knows three lengths and takes the nearest; elsewhere a mute has the shortest."""
        about = self._about(command.target)
        if not command.target.startswith(PREFIX):
            self._session.write(f"r/{about.community}/api/friend", name=about.author, type="muted")
            return Receipt(_ONLY_THREE.format(hours=MUTES[0]))
        asked = _hours(command) or MUTES[-1]
        hours = min(MUTES, key=lambda known: abs(known - asked))
        self._session.write(f"{PATH}/{about.thing}/mute", num_hours=hours)
        return Receipt(_ONLY_THREE.format(hours=hours))

    def _unmute(self, command: Command) -> Receipt:
        if command.target.startswith(PREFIX):
            self._session.write(f"{PATH}/{conversation_of(command.target)}/unmute")
            return Receipt()
        return self._unfriend(command, "muted")

    def _unfriend(self, command: Command, kind: str) -> Receipt:
        about = self._about(command.target)
        self._session.write(f"r/{about.community}/api/unfriend", name=about.author, type=kind)
        return Receipt()

    # ---------------------------------------------------------------- looking

    def _thing(self, target: str) -> Any:
        name = _thing_id(target)
        for entry in listed(self._session.read("api/info", id=name)):
            if text_at(entry, "data", "name") == name:
                return dig(entry, "data")
        raise Gone("there is no such post or comment")

    def _about(self, target: str) -> About:
        if target.startswith(PREFIX):
            name = conversation_of(target)
            found = dig(self._modmail.conversation(name), "conversation")
            about = About(text_at(found, "participant", "name"), text_at(found, "owner", "displayName"), name)
        else:
            data = self._thing(target)
            about = About(text_at(data, "author"), text_at(data, "subreddit"), text_at(data, "name"))
        if about.author in ("", "[deleted]") or not about.community:
            raise Gone("nobody knows who wrote it any more")
        return about

    def _was_retracted(self, command: Command) -> Receipt | None:
        try:
            return Receipt() if gone_how(self._thing(command.target)) else None
        except Gone:
            return Receipt()

    def _own_comment(self, command: Command) -> Receipt | None:
        """Among our hundred newest comments; Reddit shows a new one there after a few seconds."""
        name = text_at(self._session.me(), "name")
        for entry in listed(self._session.read(f"user/{name}/comments", limit=100, sort="new")):
            data, at = dig(entry, "data"), moment_at(dig(entry, "data"), "created_utc")
            here = text_at(data, "parent_id") == _thing_id(command.target)
            if here and at and same(text_at(data, "body"), command.text) and at >= _earliest(command):
                return Receipt(text_at(data, "name"), at)
        return None

    def _own_mail(self, command: Command) -> Receipt | None:
        found = self._modmail.conversation(conversation_of(command.target))
        return _receipt(first(found, lambda one: _is_ours(one, command)))

    def _own_letter(self, command: Command) -> Receipt | None:
        for found in self._modmail.recent(self._about(command.target).author):
            if sent := first(found, lambda one: _is_ours(one, command)):
                return _receipt(sent)
        return None


def _is_thing(target: str) -> bool:
    return FULLNAME.fullmatch(target) is not None


def _thing_id(target: str) -> str:
    """The post or comment that is meant: of a report, what was reported."""
    name = target.removeprefix(REPORT).partition(":")[0] if target.startswith(REPORT) else target
    if not _is_thing(name):
        raise Gone("there is no such post or comment")
    return name


def _is_ours(one: RemoteMessage, command: Command) -> bool:
    return one.ours and one.created_at >= _earliest(command) and same(one.text, command.text)


def _receipt(found: RemoteMessage | None) -> Receipt | None:
    return Receipt(found.id, found.created_at, found.permalink) if found else None


def _earliest(command: Command) -> datetime:
    """Since when it may have been sent: a key that tells no time excludes nothing."""
    begun = begun_at(command.key)
    return begun - _SKEW if begun else datetime.min.replace(tzinfo=UTC)


def _short_enough(text: str) -> None:
    if len(text) > MAX_TEXT:
        raise Refused(Reason.TOO_LONG, f"Reddit takes at most {MAX_TEXT} characters")


def _hours(command: Command) -> int:
    """How long; 0 is for good."""
    said = command.options.get("hours", "")
    if said and not (said.isascii() and said.isdecimal()):
        raise Refused(Reason.INVALID, "the hours have to be a number")
    return int(said or 0)


def _subject(about: About) -> str:
    return f"From the moderators of r/{about.community}"
