"""Discourse: a forum's posts, private messages and review queue, and what people do there."""

import re
import webbrowser
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from connectors.contract import (
    Ability,
    Command,
    Connector,
    Field,
    Page,
    Probe,
    Receipt,
    RemoteGone,
    RemoteMessage,
    Verb,
    verbs,
)
from connectors.discourse_acts import MAX_TEXT, Acts
from connectors.discourse_found import Finder
from connectors.discourse_posts import Reader, is_gone
from connectors.discourse_review import REVIEW, Queue, is_review
from connectors.discourse_session import COPY, Me, Session
from connectors.discourse_walk import DIRECT, POSTS, DirectWalk, PostWalk, wants
from connectors.errors import Gone, Reason, Refused

_PORT: Final = 28471  # the forum's list of allowed ways back names it
_YES: Final = Ability(can=True)
_LACKS: Final = {
    Verb.HIDE: "Discourse hides a post through its review queue: report it, and choose there. Or remove it.",
    Verb.SPAM: "On Discourse spam is reported, and taken down in the review queue. Or remove it.",
    Verb.ESCALATE: "The forum's moderators are those who run it.",
    Verb.LABEL: "A topic's tags are changed on the forum itself.",
    Verb.UNLABEL: "A topic's tags are changed on the forum itself.",
    Verb.KICK: "Nobody is sent out of a forum who may come back. Suspend for some hours instead.",
}
_STAFF: Final = frozenset(
    {Verb.REMOVE, Verb.RESTORE, Verb.UNHIDE, Verb.LOCK, Verb.UNLOCK}
    | {Verb.MUTE, Verb.UNMUTE, Verb.BAN, Verb.UNBAN}
)
_SPECIFIED: Final = (
    *(Verb.REPLY, Verb.RETRACT, Verb.REMOVE, Verb.LIKE, Verb.LOCK, Verb.UNLOCK),
    *(Verb.MUTE, Verb.BAN, Verb.WRITE, Verb.POLL),
)
_NO_STAFF: Final = "Your account is no moderator of this forum."
_NO_REVIEW: Final = "Your account does not see this forum's review queue."
_OLD: Final = "This forum runs Discourse {version}; its review queue came with 2.3."
_NO_MESSAGES: Final = "Your account may not begin private messages on this forum."
_NO_POLLS: Final = "This forum has no polls."
_NEW: Final = "Your account is too new on this forum for that: its trust level is 0."
_FIRST_WITH_QUEUE: Final = (2, 3)
_VERSION: Final = re.compile(r"(\d{1,5})\.(\d{1,5})", re.ASCII)


class DiscourseConnector(Connector):
    """One account on one Discourse forum."""

    platform = "discourse"
    name = "Discourse"
    fields = (
        Field("address", "The forum's address", "For example forum.harbour.example"),
        Field(
            "categories",
            "Only these categories",
            "Their names, separated by commas. Empty: all that you may read. What names you is always read.",
            required=False,
        ),
        Field(
            "pasted",
            "Text from the forum's page",
            "Leave this empty: your browser opens, and you agree there. If the page says that the way back "
            f"is not allowed, write “{COPY}” here and connect; agree, put the text of the page here, and "
            f"connect again. (Or an admin allows http://127.0.0.1:{_PORT}/* in the setting “allowed user api "
            "auth redirects”.)",
            secret=True,
            required=False,
        ),
        Field("api_key", "Admin's API key", "Only if an admin gave you one.", secret=True, required=False),
        Field("api_username", "Account of the API key", "Only with an admin's API key.", required=False),
    )
    streams = (POSTS, DIRECT, REVIEW)
    poll_seconds = 60  # a key may ask twenty times a minute
    lacks = _LACKS
    tested_on: ClassVar[Mapping[Verb, str]] = {
        verb: "specification" if verb in _SPECIFIED else "own server" for verb in Verb if verb not in _LACKS
    }
    # Tests put their own in place of these.
    open_page: ClassVar[Callable[[str], object]] = staticmethod(webbrowser.open)
    port: ClassVar[int] = _PORT

    def __init__(self, values: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        super().__init__(values, secrets)
        self._session = Session(self.values, self.secrets)
        self._reader = Reader(self._session)
        self._queue = Queue(self._session)
        self._acts = Acts(self._session, self._reader, self._queue)
        self._finder = Finder(self._session, self._reader, self._queue, self._acts)
        self._asked_settings = False

    def authorize(self) -> Mapping[str, str]:
        """Let the person agree on the forum's page, or check an admin's key."""
        self.secrets = self._session.sign_in(type(self).open_page, self.port)
        return dict(self.secrets)

    def probe(self) -> Probe:
        me = self._session.me()
        about = self._told("about.json").get("about")
        version = str(about.get("version") or "") if isinstance(about, dict) else ""
        settings = self._settings()
        because = _because(me, version, settings)
        streams = dict.fromkeys(self.streams, _YES)
        if Verb.RESOLVE in because:
            streams[REVIEW] = Ability(can=False, why_not=because[Verb.RESOLVE])
        return Probe(
            account_id=str(me.id),
            handle=me.username,
            name=me.name or me.username,
            server=f"Discourse {version}".strip(),
            verbs=verbs(self._acts.can, because),
            streams=streams,
            max_text=self._acts.longest,
        )

    def _told(self, path: str) -> dict[str, Any]:
        """What a forum may keep to itself or not have yet."""
        try:
            return self._session.read(path)
        except Refused:
            return {}

    def _settings(self) -> dict[str, Any]:
        found = self._told("site/settings.json")
        longest = found.get("max_post_length")
        self._acts.longest = longest if isinstance(longest, int) and longest > 0 else MAX_TEXT
        self._asked_settings = True
        return found

    # ------------------------------------------------------------------ reading

    def pull(self, stream: str, state: str, since: datetime | None = None) -> Iterator[Page]:
        if stream == POSTS:
            wanted = wants(self._categories(), self._session.me().username)
            yield from PostWalk(self._reader, wanted).pages(state, since)
        elif stream == DIRECT:
            yield from DirectWalk(self._reader).pages(state, since)
        elif self._session.me().reviews:
            yield from self._queue.pages(state, since)
        else:
            raise Refused(Reason.ROLE, _NO_REVIEW)

    def _categories(self) -> frozenset[int]:
        asked = {one.strip().casefold() for one in self.values.get("categories", "").split(",")} - {""}
        if not asked:
            return frozenset()
        known = {key: name.casefold() for key, (name, _) in self._reader.categories().items()}
        missing = asked - set(known.values())
        if missing:
            raise Refused(Reason.INVALID, f"There is no category that you may read called {min(missing)}.")
        return frozenset(key for key, name in known.items() if name in asked)

    def fetch(self, ids: Sequence[str]) -> list[RemoteMessage | RemoteGone]:
        return [self._queue.fetch(one) if is_review(one) else self._reader.fetch(one) for one in ids]

    def thread(self, message_id: str) -> list[RemoteMessage]:
        if not is_review(message_id):
            return self._reader.thread(self._reader.post(message_id))
        entry = self._queue.fetch(message_id)
        if isinstance(entry, RemoteGone):
            raise Gone("that is no longer in the review queue")
        around: list[RemoteMessage] = []
        if entry.subject_id:
            post = self._reader.post(entry.subject_id)
            around = [] if is_gone(post) else self._reader.thread(post)
        return sorted([*around, entry], key=lambda m: (m.created_at, m.id))

    # ------------------------------------------------------------------ acting

    def perform(self, command: Command) -> Receipt:
        if command.verb not in self._acts.can:
            raise Refused(Reason.UNSUPPORTED, _LACKS[command.verb])
        if command.text and not self._asked_settings:
            self._settings()
        return self._acts.perform(command)

    def find_sent(self, command: Command) -> Receipt | None:
        """Words by their raw text among our own, anything else by how the post or the person stands now."""
        return self._finder.find(command)

    def close(self) -> None:
        self._session.close()


def _because(me: Me, version: str, settings: Mapping[str, Any]) -> dict[Verb, str]:
    """What this account may not do on this forum, with the reason."""
    because: dict[Verb, str] = dict(_LACKS)
    if not me.staff:
        because |= dict.fromkeys(_STAFF, _NO_STAFF)
    if not me.reviews:
        because[Verb.RESOLVE] = _NO_REVIEW
    found = _VERSION.match(version)
    if found and (int(found[1]), int(found[2])) < _FIRST_WITH_QUEUE:
        because[Verb.RESOLVE] = _OLD.format(version=version)
    if not me.messages or settings.get("enable_personal_messages") is False:
        because[Verb.WRITE] = _NO_MESSAGES
    if settings.get("poll_enabled") is False:
        because |= {Verb.POLL: _NO_POLLS, Verb.END_POLL: _NO_POLLS}
    if me.trust == 0 and not me.staff:
        because.setdefault(Verb.REPORT, _NEW)
        because.setdefault(Verb.POLL, _NEW)
        because.setdefault(Verb.WRITE, _NEW)
    return because
