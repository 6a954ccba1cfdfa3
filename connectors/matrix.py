"""Matrix: the rooms and direct messages of one account, and the reports of a server of one's own."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from connectors import matrix_reports, matrix_sync
from connectors.answers import dig, entries, text_at
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
from connectors.matrix_acts import MAX_TEXT, Acts, Deed, Trace
from connectors.matrix_invitations import Invitations, is_invitation
from connectors.matrix_read import Reader
from connectors.matrix_reports import Reports
from connectors.matrix_rooms import MODERATION, Rooms
from connectors.matrix_session import CLIENT, Session, path
from connectors.matrix_sync import Timeline

_NEEDED: Final = (1, 4)  # the version that threads came with
_NOTHING: Final = "Matrix has nothing of the kind."
_NO_POWER: Final = "This account has not enough power for that in any of its rooms."
_CAN: Final = frozenset(
    {
        *(Verb.REPLY, Verb.RETRACT, Verb.REMOVE, Verb.LIKE, Verb.UNLIKE, Verb.WRITE, Verb.REPORT),
        *(Verb.KICK, Verb.BAN, Verb.UNBAN, Verb.POLL, Verb.END_POLL, Verb.RESOLVE),
    }
)
_POWERS: Final = {Verb.REMOVE: "redact", Verb.KICK: "kick", Verb.BAN: "ban", Verb.UNBAN: "ban"}


class MatrixConnector(Connector):
    """One Matrix account. It reads the rooms that it has joined and never joins one by itself."""

    platform = "matrix"
    name = "Matrix"
    fields = (
        Field(
            "server", "Server", "What stands after the colon of your Matrix address, for example matrix.org"
        ),
        Field(
            "user",
            "Name",
            "For example @harbour:matrix.org. Not needed with an access token.",
            required=False,
        ),
        Field(
            "password",
            "Password",
            "It is used once to sign in and not kept. Leave it empty if you paste an access token.",
            secret=True,
            required=False,
        ),
        Field(
            "access_token",
            "Access token",
            "Only if your server takes no password here. Element shows it under All settings, Help & About.",
            secret=True,
            required=False,
        ),
    )
    streams = (matrix_sync.STREAM, matrix_reports.STREAM)
    poll_seconds = 30
    tells_gone = True
    tested_on: ClassVar[Mapping[Verb, str]] = dict.fromkeys(_CAN, "real server")
    lacks: ClassVar[Mapping[Verb, str]] = dict.fromkeys(frozenset(Verb) - _CAN, _NOTHING)

    def __init__(self, values: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        super().__init__(values, secrets)
        self._session = Session(self.values.get("server", ""), self.secrets, self._keep_now)
        self._rooms = Rooms(self._session)
        self._reader = Reader(self._session, self._rooms)
        self._invitations = Invitations(self._session, self._rooms)
        self._timeline = Timeline(self._session, self._rooms, self._reader, self._invitations)
        self._acts = Acts(self._session, self._rooms, self._reader, self._invitations)
        self._reports = Reports(self._session, self._rooms, self._reader)

    def _keep_now(self, secrets: Mapping[str, str]) -> None:
        self.keep(secrets)  # whoever runs us sets it after we were made

    def authorize(self) -> Mapping[str, str]:
        """Sign in. What is kept are tokens; the password is not among them."""
        self.secrets = self._session.sign_in(self.values.get("user", ""))
        return dict(self.secrets)

    def probe(self) -> Probe:
        """Ask who we are, what the server is able to do and what our power in the rooms allows."""
        user = str(self._session.read(f"{CLIENT}/account/whoami").get("user_id", ""))
        if user != self._session.user:
            raise Unreadable("the server did not say whose account this is")
        self._check_version()
        reports = self._reports.ability()
        return Probe(
            account_id=user,
            handle=user.removeprefix("@"),
            name=self._display_name(user),
            server=self._session.http.base_url,
            verbs=verbs(_CAN, self._refusals(reports), _NOTHING, untimed=(Verb.BAN, Verb.POLL)),
            streams={matrix_sync.STREAM: Ability(can=True), matrix_reports.STREAM: reports},
            max_text=MAX_TEXT,
            text_unit="bytes",
        )

    def pull(self, stream: str, state: str, since: datetime | None = None) -> Iterator[Page]:
        """Bring what happened since."""
        if stream == matrix_sync.STREAM:
            return self._timeline.pull(state, since)
        if stream == matrix_reports.STREAM:
            return self._reports.pull(state, since)
        raise Refused(Reason.UNSUPPORTED, f"Matrix has no stream {stream}")

    def fetch(self, ids: Sequence[str]) -> list[RemoteMessage | RemoteGone]:
        """Re-read messages and reports."""
        reports = [id_ for id_ in ids if _is_report(id_)]
        invitations = [id_ for id_ in ids if is_invitation(id_)]
        found = self._reader.fetch([id_ for id_ in ids if id_ not in {*reports, *invitations}])
        found |= self._reports.fetch(reports)
        found |= {id_: self._invitations.fetch(id_) for id_ in invitations}
        return [found[id_] for id_ in ids]

    def thread(self, message_id: str) -> list[RemoteMessage]:
        """The conversation around a message, oldest first."""
        if is_invitation(message_id):
            return self._invitations.thread(message_id)
        read = self._reports.thread if _is_report(message_id) else self._reader.thread
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
        """End the session of this device there."""
        self._session.sign_out()

    def close(self) -> None:
        """Let go of the network."""
        self._session.close()

    def _deed(self, command: Command) -> tuple[Deed, Trace]:
        """How a command is done, and how to see whether it was."""
        acts = self._acts
        deeds: dict[Verb, tuple[Deed, Trace]] = {
            Verb.REPLY: (acts.reply, acts.was_replied),
            Verb.WRITE: (acts.write, acts.was_written),
            Verb.RETRACT: (acts.retract, acts.was_removed),
            Verb.REMOVE: (acts.remove, acts.was_removed),
            Verb.LIKE: (acts.like, acts.was_liked),
            Verb.UNLIKE: (acts.unlike, acts.was_unliked),
            Verb.KICK: (acts.kick, acts.was_moved),
            Verb.BAN: (acts.ban, acts.was_moved),
            Verb.UNBAN: (acts.unban, acts.was_moved),
            Verb.REPORT: (acts.report, acts.was_reported),
            Verb.POLL: (acts.poll, acts.was_asked),
            Verb.END_POLL: (acts.end_poll, acts.was_ended),
            Verb.RESOLVE: (self._reports.resolve, self._reports.find_sent),
        }
        if command.verb not in deeds:
            raise Refused(Reason.UNSUPPORTED, _NOTHING)
        if command.verb is Verb.RESOLVE and is_invitation(command.target):
            return self._invitations.resolve, self._invitations.was_resolved
        if _is_report(command.target) != (command.verb is Verb.RESOLVE):
            raise Refused(
                Reason.UNSUPPORTED, "A report can be closed; the rest is done to the message itself."
            )
        return deeds[command.verb]

    def _check_version(self) -> None:
        told = self._session.read("_matrix/client/versions")
        if max((_version(one) for one in entries(told, "versions")), default=(0, 0)) < _NEEDED:
            message = "this server is older than Matrix 1.4, which threads came with"
            raise Refused(Reason.UNSUPPORTED, message)

    def _refusals(self, reports: Ability) -> dict[Verb, str]:
        """What our power is not enough for in any room."""
        rooms = dig(self._rooms.survey(), "rooms", "join")
        rooms = list(rooms) if isinstance(rooms, dict) else []
        user = self._session.user
        able = {what for what in MODERATION if any(self._rooms.may(room, user, what) for room in rooms)}
        refused = {verb: _NO_POWER for verb, what in _POWERS.items() if what not in able}
        return refused | ({} if reports.can else {Verb.RESOLVE: reports.why_not})

    def _display_name(self, user: str) -> str:
        try:
            return text_at(self._session.read(path(f"{CLIENT}/profile", user, "displayname")), "displayname")
        except Refused:  # an account without one
            return ""


def _is_report(message_id: str) -> bool:
    return message_id.startswith(matrix_reports.PREFIX)


def _version(name: Any) -> tuple[int, int]:
    """Read "v1.4"; names from before that scheme count as nothing."""
    major, _, minor = str(name).removeprefix("v").partition(".")
    return (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else (0, 0)
