"""Mastodon, and servers that speak its interface: what reaches one account, and its server's reports."""

import webbrowser
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from connectors import mastodon_inbox, mastodon_reports
from connectors.answers import dig, text_at
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
from connectors.errors import Reason, Refused
from connectors.mastodon_acts import Acts
from connectors.mastodon_inbox import Inbox
from connectors.mastodon_read import Reader
from connectors.mastodon_reports import PREFIX, Reports
from connectors.mastodon_session import MODERATE, READ_AND_ANSWER, Session

_Deed = Callable[[Command], Receipt]
_Trace = Callable[[Command], Receipt | None]
_NEEDS: Final = {
    Verb.REPLY: "write:statuses",
    Verb.RETRACT: "write:statuses",
    Verb.WRITE: "write:statuses",
    Verb.POLL: "write:statuses",
    Verb.LIKE: "write:favourites",
    Verb.UNLIKE: "write:favourites",
    Verb.REPORT: "write:reports",
    Verb.RESOLVE: "admin:write:reports",
    Verb.MUTE: "admin:write:accounts",
    Verb.UNMUTE: "admin:write:accounts",
    Verb.BAN: "admin:write:accounts",
    Verb.UNBAN: "admin:write:accounts",
}
_ON_PEOPLE: Final = frozenset({Verb.MUTE, Verb.UNMUTE, Verb.BAN, Verb.UNBAN})
_UNTIMED: Final = (Verb.MUTE, Verb.BAN)
_RECORDED: Final = frozenset({Verb.REPLY, Verb.RETRACT, Verb.WRITE, Verb.LIKE, Verb.UNLIKE})
_ON_REPORTS: Final = _ON_PEOPLE | {Verb.RESOLVE, Verb.WRITE}
_ADMINISTRATOR, _MANAGE_REPORTS, _MANAGE_USERS = 1 << 0, 1 << 4, 1 << 10  # bits of a role
_NOT_GIVEN: Final = "This sign-in was not given the right to do that. Sign in again."
_NOT_CHOSEN: Final = "Sign in again and choose moderation: this sign-in may not moderate."
_NO_ROLE: Final = "This account's role on its server does not include that."
_LACKS: Final = {
    Verb.HIDE: "Mastodon hides no single answers. An author can be limited.",
    Verb.UNHIDE: "Mastodon hides no single answers.",
    Verb.REMOVE: "Mastodon lets no program delete what somebody else wrote. Do that in the browser.",
    Verb.RESTORE: "Mastodon lets no program bring back what was deleted.",
    Verb.SPAM: "Mastodon has no spam folder. Report it, or suspend the author.",
    Verb.ESCALATE: "Nobody stands above the moderators of a Mastodon server.",
    Verb.LABEL: "Mastodon has no labels.",
    Verb.UNLABEL: "Mastodon has no labels.",
    Verb.LOCK: "A conversation on Mastodon cannot be locked.",
    Verb.UNLOCK: "A conversation on Mastodon cannot be locked.",
    Verb.KICK: "On Mastodon an author can be limited or suspended, not sent out.",
    Verb.END_POLL: "A poll on Mastodon ends at the time it was given.",
}


class MastodonConnector(Connector):
    """One account on one server, signed in through the browser or with a token that its owner made."""

    platform = "mastodon"
    name = "Mastodon"
    fields = (
        Field("server", "Server", "Where your account lives, for example mastodon.social"),
        Field(
            "moderate",
            "Moderation",
            "Write yes if this account is a moderator of its server and should see and close reports here.",
            required=False,
        ),
        Field(
            "access_token",
            "Access token",
            "Only if you do not want to sign in through the browser: made on Mastodon under Preferences, "
            "Development, New application.",
            secret=True,
            required=False,
        ),
    )
    streams = (mastodon_inbox.STREAM, mastodon_reports.STREAM)
    poll_seconds = 60
    lacks: ClassVar[Mapping[Verb, str]] = _LACKS
    tested_on: ClassVar[Mapping[Verb, str]] = {
        verb: "recorded" if verb in _RECORDED else "stand-in" for verb in _NEEDS
    }
    open_page: ClassVar[Callable[[str], object]] = staticmethod(webbrowser.open)

    def __init__(self, values: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        super().__init__(values, secrets)
        chosen = self.values.get("moderate", "").strip().lower() not in ("", "no", "false", "0")
        scope = f"{READ_AND_ANSWER} {MODERATE}" if chosen else READ_AND_ANSWER
        server = self.values.get("server", "")
        self._session = Session(server, self.secrets, scope, self._keep_now, type(self).open_page)
        self._reader = Reader(self._session)
        self._inbox = Inbox(self._session, self._reader)
        self._reports = Reports(self._session, self._reader)
        self._acts = Acts(self._session, self._reader, self._reports)

    def _keep_now(self, secrets: Mapping[str, str]) -> None:
        self.keep(secrets)  # whoever runs us sets it after we were made

    def authorize(self) -> Mapping[str, str]:
        """Sign in; the token is what is kept."""
        self.secrets = self._session.sign_in()
        return dict(self.secrets)

    def probe(self) -> Probe:
        """Ask who we are; what we may do follows from the rights of the sign-in and from our role."""
        me, domain = self._session.me(), self._session.domain()
        granted, why_not = self._session.granted(), self._no_role(me)
        refused = {verb: _refusal(scope) for verb, scope in _NEEDS.items() if not _gives(granted, scope)}
        closed = self._no_reports(granted, why_not[Verb.RESOLVE])
        refused = _LACKS | {verb: why for verb, why in why_not.items() if why} | refused
        if closed:
            refused = {Verb.RESOLVE: closed} | refused
        return Probe(
            account_id=f"{self._session.id}@{domain}",  # the number alone is another account elsewhere
            handle=f"{text_at(me, 'username')}@{domain}",
            name=text_at(me, "display_name") or text_at(me, "username"),
            server=self._session.http.base_url,
            verbs=verbs(_NEEDS.keys(), refused, untimed=_UNTIMED),
            streams={
                mastodon_inbox.STREAM: Ability(can=True),
                mastodon_reports.STREAM: Ability(not closed, closed),
            },
            max_text=self._session.max_text(),
        )

    def pull(self, stream: str, state: str, since: datetime | None = None) -> Iterator[Page]:
        """Bring what is new, and what changed of that which was brought lately."""
        if stream == mastodon_inbox.STREAM:
            return self._inbox.pull(state, since)
        if stream == mastodon_reports.STREAM:
            return self._reports.pull(state, since)
        raise Refused(Reason.UNSUPPORTED, f"Mastodon has no stream {stream}")

    def fetch(self, ids: Sequence[str]) -> list[RemoteMessage | RemoteGone]:
        """Re-read statuses and reports."""
        if ids:
            self._session.me()  # some servers show what is public to a dead token, too
        reports = [id_ for id_ in ids if id_.startswith(PREFIX)]
        found = self._reader.fetch([id_ for id_ in ids if not id_.startswith(PREFIX)])
        found |= self._reports.fetch(reports)
        return [found[id_] for id_ in ids]

    def thread(self, message_id: str) -> list[RemoteMessage]:
        """The conversation around a message, oldest first."""
        read = self._reports.thread if message_id.startswith(PREFIX) else self._reader.thread
        return read(message_id)

    def perform(self, command: Command) -> Receipt:
        """Do it once."""
        return self._deed(command)[0](command)

    def find_sent(self, command: Command) -> Receipt | None:
        """Ask the server, never our memory."""
        return self._deed(command)[1](command)

    def fresh_secrets(self) -> Mapping[str, str] | None:
        """All secrets, once after any of them changed."""
        return self._session.fresh_secrets()

    def sign_out(self) -> None:
        """Give the token back."""
        self._session.sign_out()

    def close(self) -> None:
        """Let go of the network."""
        self._session.close()

    def _deed(self, command: Command) -> tuple[_Deed, _Trace]:
        """How a command is done, and how to see whether it was."""
        acts, reports = self._acts, self._reports
        deeds: dict[Verb, tuple[_Deed, _Trace]] = {
            Verb.REPLY: (acts.reply, acts.was_said),
            Verb.WRITE: (acts.write, acts.was_said),
            Verb.POLL: (acts.poll, acts.was_said),
            Verb.RETRACT: (acts.retract, acts.was_retracted),
            Verb.LIKE: (acts.like, acts.was_liked),
            Verb.UNLIKE: (acts.like, acts.was_liked),
            Verb.REPORT: (acts.report, acts.was_reported),
            Verb.RESOLVE: (reports.resolve, reports.was_resolved),
            **dict.fromkeys(_ON_PEOPLE, (reports.restrict, reports.was_restricted)),
        }
        if command.verb not in deeds:
            raise Refused(Reason.UNSUPPORTED, _LACKS[command.verb])
        if command.target.startswith(PREFIX) and command.verb not in _ON_REPORTS:
            raise Refused(Reason.UNSUPPORTED, "That is done to the message itself, not to the report of it.")
        return deeds[command.verb]

    def _no_reports(self, granted: frozenset[str] | None, no_role: str) -> str:
        if not _gives(granted, "admin:read:reports"):
            return _NOT_CHOSEN
        return no_role or self._reports.why_not()

    @staticmethod
    def _no_role(me: Mapping[str, Any]) -> dict[Verb, str]:
        """What our role does not let us do; some servers only say so when it is tried."""
        said = dig(me, "role", "permissions")
        bits = int(said) if isinstance(said, str) and said.isdecimal() else None
        needed = dict.fromkeys(_ON_PEOPLE, _MANAGE_USERS) | {Verb.RESOLVE: _MANAGE_REPORTS}
        return {
            verb: "" if bits is None or bits & (bit | _ADMINISTRATOR) else _NO_ROLE
            for verb, bit in needed.items()
        }


def _gives(granted: frozenset[str] | None, scope: str) -> bool:
    """Whether rights include one; "admin:write" includes all that begin so. Unknown rights are tried."""
    if granted is None:
        return True
    return any(scope == one or scope.startswith(f"{one}:") for one in granted)


def _refusal(scope: str) -> str:
    return _NOT_CHOSEN if scope.startswith("admin:") else _NOT_GIVEN
