"""WordPress: the comments of a site, those that wait for review and those that were taken for spam too."""

import hashlib
import html
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from connectors.contract import (
    Ability,
    Audience,
    Command,
    Connector,
    Field,
    GoneHow,
    Page,
    Probe,
    Receipt,
    RemoteGone,
    RemoteMessage,
    Verb,
    verbs,
)
from connectors.errors import Gone, OutcomeUnknown, Reason, Refused
from connectors.keys import begun_at
from connectors.wordpress_site import (
    COMMENTS,
    PAGE,
    Duplicate,
    Site,
    Us,
    agent_of,
    answer,
    message,
    status_of,
    text_at,
    time_of,
    words_of,
)
from connectors.wordpress_walk import Walk

_NAME = "Hearthlight"
MAX_TEXT = 65_525  # bytes; WordPress keeps ten for itself
_STATUS = {
    Verb.HIDE: "hold",
    Verb.UNHIDE: "approve",
    Verb.SPAM: "spam",
    Verb.REMOVE: "trash",
    Verb.RETRACT: "trash",
}
_CAN = frozenset({Verb.REPLY, Verb.RESTORE, *_STATUS})
_BIN = ("trash", "post-trashed")
_STREAMS = {"comments": "all", "spam": "spam"}
_NOTHING = "WordPress has nothing of the kind for comments."
_ROLE = "This account may not moderate comments: it needs the role of an editor or an administrator."
_THERE = "Do this in WordPress itself, in the settings of the post."
_MOST_PAGES = 20  # of one conversation


class WordPressConnector(Connector):
    """One moderator's account on one site, signed in with an application password.

    A reply carries a mark of its command in the name of the program that wrote it, which WordPress keeps
    with every comment: that is how it is known again. Writers' e-mail and network addresses are not asked
    for.
    """

    platform = "wordpress"
    name = "WordPress comments"
    fields = (
        Field("server", "Address of the site", "For example https://www.example.org"),
        Field("user", "User name", "Your account there; it needs the role of an editor or an administrator."),
        Field(
            "app_password",
            "Application password",
            "Make one in WordPress under Users, Profile. It is not your usual password.",
            secret=True,
        ),
    )
    streams = tuple(_STREAMS)
    tested_on: ClassVar[Mapping[Verb, str]] = dict.fromkeys(_CAN, "real server")
    lacks: ClassVar[Mapping[Verb, str]] = {
        **dict.fromkeys(frozenset(Verb) - _CAN, _NOTHING),
        Verb.LOCK: _THERE,
        Verb.UNLOCK: _THERE,
        Verb.WRITE: "WordPress has no private messages, and writers' e-mail addresses are not read.",
        Verb.RESOLVE: "What waits for review is shown or hidden, taken for spam or removed.",
    }

    def __init__(self, values: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        super().__init__(values, secrets)
        self._server = values.get("server", "").strip().rstrip("/")
        self._site = Site(self._server, values.get("user", "").strip(), secrets.get("app_password", ""))
        self._known_as: Us | None = None

    def authorize(self) -> Mapping[str, str]:
        self._site.us()
        return {"app_password": self.secrets.get("app_password", "")}

    def probe(self) -> Probe:
        us = self._known_as = self._site.us()
        parts = urlsplit(self._site.http.base_url)
        host = f"{parts.netloc}{parts.path}"
        why_not = {} if us.moderates else dict.fromkeys(_CAN, _ROLE)
        ability = Ability(us.moderates, "" if us.moderates else _ROLE)
        return Probe(
            f"{host}#{us.id}",
            f"{us.slug}@{host}",
            us.name,
            server=self._site.title(),
            verbs=verbs(_CAN, {**why_not, **self.lacks}),
            streams=dict.fromkeys(self.streams, ability),
            max_text=MAX_TEXT,
            text_unit="bytes",
        )

    def pull(self, stream: str, state: str, since: datetime | None = None) -> Iterator[Page]:
        yield from Walk(self._site, self._us(), stream, _STREAMS[stream]).pages(state, since)

    def fetch(self, ids: Sequence[str]) -> list[RemoteMessage | RemoteGone]:
        found: dict[str, RemoteMessage | RemoteGone] = {}
        numbers = [each for each in dict.fromkeys(ids) if each.isascii() and each.isdigit()]
        for start in range(0, len(numbers), PAGE):
            asked = ",".join(numbers[start : start + PAGE])
            for comment in self._site.comments(status="any", include=asked)[0]:
                found[str(comment["id"])] = answer(comment, self._us())
        return [found[each] if each in found else self._alone(each) for each in ids]

    def thread(self, message_id: str) -> list[RemoteMessage]:
        post = self._site.comment(message_id)["post"]
        made: dict[str, RemoteMessage] = {}
        for page in range(1, _MOST_PAGES + 1):
            asked = {"post": post, "status": "all", "orderby": "date_gmt", "order": "asc", "page": page}
            found, skipped, _ = self._site.comments(**asked)
            made |= {str(comment["id"]): message(comment, self._us()) for comment in found}
            if len(found) + skipped < PAGE:
                break
        return list(made.values())

    def perform(self, command: Command) -> Receipt:
        if command.verb in self.lacks:
            raise Refused(Reason.UNSUPPORTED, self.lacks[command.verb])
        if not self._us().moderates:
            raise Refused(Reason.ROLE, _ROLE)
        return self._reply(command) if command.verb is Verb.REPLY else self._set(command)

    def find_sent(self, command: Command) -> Receipt | None:
        if command.verb in self.lacks:
            return None
        try:
            comment = self._site.comment(command.target)
        except Gone:
            taken_away = command.verb in (Verb.REMOVE, Verb.RETRACT)
            return Receipt(command.target) if taken_away else None
        if command.verb is Verb.REPLY:
            return self._sent(command, comment)
        return Receipt(command.target) if _is_done(command.verb, status_of(comment)) else None

    def close(self) -> None:
        self._site.http.close()

    def _us(self) -> Us:
        if self._known_as is None:
            self._known_as = self._site.us()
        return self._known_as

    def _alone(self, name: str) -> RemoteMessage | RemoteGone:
        """Ask for one by itself: only a clear answer says that something is gone."""
        try:
            return answer(self._site.comment(name), self._us())
        except Gone:
            return RemoteGone(name, GoneHow.DELETED)

    def _reply(self, command: Command) -> Receipt:
        words = _written(command)
        above = self._site.comment(command.target)
        done = self._sent(command, above)
        if done is not None:
            return done
        if status_of(above) in _BIN:
            raise Gone("this comment is no longer there")
        if status_of(above) != "approve":
            raise Refused(Reason.INVALID, "Nobody can see this comment yet: show it first, then answer it.")
        body = {
            "post": above["post"],
            "parent": above["id"],
            "content": words,
            "author_user_agent": _agent(command.key),
        }
        try:
            made = self._site.write(COMMENTS, body)
        except Duplicate:
            found = self._sent(command, above)
            if found is None:
                raise
            return found
        if not isinstance(made.get("id"), int):
            raise OutcomeUnknown("the site did not say what it made")
        try:
            return _receipt(made)
        except ValueError:
            raise OutcomeUnknown("the site did not say when it was made") from None

    def _sent(self, command: Command, above: Mapping[str, Any]) -> Receipt | None:
        """Look for the comment that carries the command's mark, else for its words since it was asked for.

        Another program that changes a comment puts its own name over ours.
        """
        found = self._site.ours(self._us(), above["post"], above["id"])
        mark, began = _agent(command.key), begun_at(command.key)
        marked = [each for each in found if agent_of(each) == mark]
        if not marked and began is not None:
            since = began.replace(microsecond=0)
            same = [each for each in found if not agent_of(each).startswith(_NAME) and time_of(each) >= since]
            marked = [each for each in same if words_of(each) == command.text]
        return _receipt(marked[0]) if marked else None

    def _set(self, command: Command) -> Receipt:
        """Change what a comment is; one that is so already stays as it is."""
        comment = self._site.comment(command.target)
        if command.verb is Verb.RETRACT and comment["author"] != self._us().id:
            raise Refused(Reason.ROLE, "only what we wrote ourselves can be taken back")
        now = status_of(comment)
        if not _is_done(command.verb, now):
            if now in _BIN and command.verb is not Verb.RESTORE:
                raise Gone("this comment lies in the bin")
            wanted = _STATUS.get(command.verb) or ("untrash" if now in _BIN else "unspam")
            made = self._site.write(f"{COMMENTS}/{command.target}", {"status": wanted})
            if not _is_done(command.verb, status_of(made)):
                raise OutcomeUnknown("the site did not say what it made of the comment")
        return Receipt(command.target, permalink=text_at(comment, "link") or None)


def _is_done(verb: Verb, status: str) -> bool:
    if verb is Verb.RESTORE:
        return status in ("approve", "hold")
    return status == _STATUS[verb]


def _written(command: Command) -> str:
    """The reply as WordPress is to keep it: every sign stands for itself."""
    if command.audience is Audience.PRIVATE:
        raise Refused(Reason.UNSUPPORTED, "a reply to a comment is public on WordPress")
    text = command.text
    if not text.strip() or "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise Refused(Reason.INVALID, "there are no words in it, or signs that WordPress cannot hold")
    words = html.escape(text, quote=False)
    if len(words.encode()) > MAX_TEXT:
        raise Refused(Reason.TOO_LONG, f"a comment holds {MAX_TEXT} bytes")
    return words


def _agent(key: str) -> str:
    """The mark of a command, where WordPress keeps the name of the program that wrote a comment."""
    return f"{_NAME} {hashlib.sha256(key.encode()).hexdigest()[:32]}"


def _receipt(comment: Mapping[str, Any]) -> Receipt:
    return Receipt(str(comment["id"]), time_of(comment), text_at(comment, "link") or None)
