"""Bluesky: posts, answers, mentions, direct messages and the reports of a moderation service."""

import webbrowser
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from connectors import bluesky_chat, bluesky_ozone, bluesky_reports
from connectors.answers import text_at
from connectors.bluesky_acts import Acts
from connectors.bluesky_chat import Chat
from connectors.bluesky_feed import Feed
from connectors.bluesky_ozone import Moderation
from connectors.bluesky_reports import Reports
from connectors.bluesky_session import Session, explain
from connectors.bluesky_sign_in import PLC, AppPassword, Asked, Browser, SignIn
from connectors.bluesky_text import MAX_POST
from connectors.bluesky_walk import MENTIONS, POSTS, State, Walk
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
from connectors.errors import Reason, Refused, Unreadable

_YES = Ability(can=True)
_NOTHING = "Bluesky has nothing of the kind."
_CAN = frozenset(
    {Verb.REPLY, Verb.RETRACT, Verb.HIDE, Verb.UNHIDE, Verb.LIKE, Verb.UNLIKE, Verb.REPORT}
)  # of everybody; what is in bluesky_ozone needs a moderation service
_NO = {
    Verb.SPAM: "Label it, where your account works for a moderation service.",
    Verb.BAN: "Whole accounts are taken down in Ozone itself.",
    Verb.UNBAN: "Whole accounts are brought back in Ozone itself.",
    Verb.MUTE: "On Bluesky you can only mute for yourself, not for your community.",
    Verb.UNMUTE: "On Bluesky you can only mute for yourself, not for your community.",
    Verb.POLL: "Bluesky has no polls.",
    Verb.END_POLL: "Bluesky has no polls.",
    Verb.WRITE: "Nobody on Bluesky is written to here first; a direct message can be answered.",
}


class BlueskyConnector(Connector):
    """One Bluesky account, signed in in the browser or with an app password."""

    platform = "bluesky"
    name = "Bluesky"
    fields = (
        Field(
            "server",
            "Server",
            "Leave it as it is unless your account lives on a server of its own.",
            default="https://bsky.social",
        ),
        Field("handle", "Handle", "For example harbour.bsky.social"),
        Field(
            "app_password",
            "App password",
            "Leave it empty to sign in in your browser. Otherwise it is made on Bluesky under Settings, "
            "Privacy and security, App passwords; allow access to direct messages to answer them here.",
            secret=True,
            required=False,
        ),
        Field(
            "labeler",
            "Moderation service",
            "The handle or DID of the service whose reports your account handles, if any.",
            required=False,
        ),
    )
    tested_on = dict.fromkeys(_CAN | bluesky_ozone.VERBS, "real server")
    lacks = dict.fromkeys(frozenset(Verb) - _CAN - bluesky_ozone.VERBS, _NOTHING) | _NO
    streams = (MENTIONS, POSTS, bluesky_chat.STREAM, bluesky_reports.STREAM)
    poll_seconds = 60
    notes_at_once: ClassVar[int] = 100  # the most that the server gives
    # Tests put their own in place of these.
    open_page = staticmethod(webbrowser.open)
    plc: ClassVar[str] = PLC

    def __init__(self, values: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        super().__init__(values, secrets)
        self._session = Session(self._way_in())
        self._feed = Feed(self._session)
        self._acts = Acts(self._session, self._feed)
        self._chat = Chat(self._session)
        self._reports = Reports(self._session, self._feed, self.values.get("labeler", ""))
        self._moderation = Moderation(self._session, self._reports)

    def authorize(self) -> Mapping[str, str]:
        """Sign in: in the browser, or with the app password, which then stays among the secrets."""
        self.secrets = self._session.sign_in()
        return dict(self.secrets)

    def probe(self) -> Probe:
        """Ask who we are; what an account may do follows from its app password and its service."""
        found = self._session.who()
        try:
            profile = self._session.read("app.bsky.actor.getProfile", {"actor": self._session.did})
        except Refused:  # an account of this very minute, which the network does not know yet
            profile = {}
        chat = self._session.may_chat()
        directs = Ability(chat, "" if chat else bluesky_chat.NEEDS_PRIVILEGE)
        reports = self._reports.ability()
        known = verbs(_CAN, _NO, _NOTHING) | dict.fromkeys(bluesky_ozone.VERBS, reports)
        return Probe(
            account_id=self._session.did,
            handle=text_at(found, "handle"),
            name=text_at(profile, "displayName"),
            server=self._session.http.base_url,
            verbs=known,
            streams={
                MENTIONS: _YES,
                POSTS: _YES,
                bluesky_chat.STREAM: directs,
                bluesky_reports.STREAM: reports,
            },
            max_text=MAX_POST,
            text_unit="graphemes",
        )

    def pull(self, stream: str, state: str, since: datetime | None = None) -> Iterator[Page]:
        """Bring what is new, and what changed of that which was brought lately."""
        if stream in (MENTIONS, POSTS):
            walk = Walk(self._session, self._feed, self.notes_at_once)
            return (walk.mentions if stream == MENTIONS else walk.posts)(State.load(state), since)
        if stream == bluesky_chat.STREAM:
            return self._chat.pull(state, since)
        if stream == bluesky_reports.STREAM:
            return self._reports.pull(state, since) if self._reports.named else iter(())
        raise Refused(Reason.UNSUPPORTED, f"Bluesky has no stream {stream}")

    def fetch(self, ids: Sequence[str]) -> list[RemoteMessage | RemoteGone]:
        """Re-read, all kinds at once."""
        found: dict[str, RemoteMessage | RemoteGone] = {}
        posts = [id_ for id_ in ids if id_.startswith("at://")]
        reports = [id_ for id_ in ids if id_.startswith(bluesky_reports.PREFIX)]
        directs = [id_ for id_ in ids if id_ not in {*posts, *reports}]
        found.update(self._feed.fetch(posts) if posts else {})
        found.update(self._reports.fetch(reports) if reports else {})
        found.update(self._chat.fetch(directs) if directs else {})
        if len(found) < len(set(ids)):
            raise Unreadable("a message is there, but not in a form that Bluesky documents")
        return [found[id_] for id_ in ids]

    def thread(self, message_id: str) -> list[RemoteMessage]:
        """The conversation around a message, oldest first."""
        if message_id.startswith("at://"):
            return self._feed.thread(message_id)
        if message_id.startswith(bluesky_reports.PREFIX):
            return self._reports.thread(message_id)
        return self._chat.thread(message_id)

    def perform(self, command: Command) -> Receipt:
        """Do it once."""
        if command.verb in self.lacks:
            raise Refused(Reason.UNSUPPORTED, self.lacks[command.verb])
        if command.verb in bluesky_ozone.VERBS:
            return self._moderation.perform(command)
        if _is_direct(command):
            return self._perform_direct(command)
        deeds: dict[Verb, Callable[[Command], Receipt]] = {
            Verb.REPLY: self._acts.reply,
            Verb.RETRACT: self._acts.retract,
            Verb.HIDE: self._acts.hide,
            Verb.UNHIDE: self._acts.unhide,
            Verb.LIKE: self._acts.like,
            Verb.UNLIKE: self._acts.unlike,
            Verb.REPORT: self._moderation.report,
        }
        return deeds[command.verb](command)

    def find_sent(self, command: Command) -> Receipt | None:
        """Ask the servers, never our memory."""
        if command.verb in bluesky_ozone.VERBS:
            return self._moderation.find_sent(command)
        if _is_direct(command):
            return self._chat.find_sent(command) if command.verb is Verb.REPLY else None
        traces: dict[Verb, Callable[[Command], Receipt | None]] = {
            Verb.REPLY: self._acts.was_posted,
            Verb.RETRACT: self._acts.was_retracted,
            Verb.HIDE: self._acts.was_hidden,
            Verb.UNHIDE: self._acts.was_shown,
            Verb.LIKE: self._acts.was_liked,
            Verb.UNLIKE: self._acts.was_unliked,
            Verb.REPORT: self._moderation.was_reported,
        }
        return traces[command.verb](command) if command.verb in traces else None

    def fresh_secrets(self) -> Mapping[str, str] | None:
        """All secrets, once after any of them changed."""
        return self._session.fresh_secrets()

    def sign_out(self) -> None:
        """End the session there, or give the browser's sign-in back."""
        self._session.sign_out()

    def close(self) -> None:
        """Let go of the network."""
        self._session.close()

    def _way_in(self) -> SignIn:
        server = self.values.get("server") or "https://bsky.social"
        server = server if "://" in server else f"https://{server}"
        handle = self.values.get("handle", "").strip().removeprefix("@")
        if self.secrets.get("app_password"):
            return AppPassword(server, handle, self.secrets, explain)
        asked = Asked(server, handle, self.plc)
        return Browser(asked, self.secrets, explain, self._store, self.open_page)

    def _store(self, fresh: Mapping[str, str]) -> None:
        self.keep(fresh)  # whoever runs us sets it later

    def _perform_direct(self, command: Command) -> Receipt:
        if command.verb is Verb.REPLY:
            return self._chat.send(command)
        if command.verb is Verb.RETRACT:
            # The platform only lets us hide a message from ourselves; the other person keeps it.
            raise Refused(Reason.UNSUPPORTED, "Bluesky cannot take a direct message back once it was sent.")
        raise Refused(Reason.UNSUPPORTED, "On Bluesky a direct message can only be answered.")


def _is_direct(command: Command) -> bool:
    return not command.target.startswith(("at://", bluesky_reports.PREFIX))
