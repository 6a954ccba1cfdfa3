"""Signed-in calls to Discord's API v10: the bot's header, its buckets, and what Discord's codes mean.

Sources: discord.com/developers/docs (Reference, Rate Limits, Opcodes and Status Codes) and the OpenAPI
description in discord/discord-api-spec. Discord bans an address after 10,000 answers of 401, 403 or 429 in
ten minutes: so nothing is asked after a 401, and what was forbidden once is not asked again.
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from connectors.answers import count_at, dig, entries, text_at
from connectors.errors import ConnectorError, Gone, OutcomeUnknown, Reason, Refused, SignInAgain, Unreadable
from connectors.http import Answer, Http, Limits, version

API: Final = "https://discord.com/api/v10"
_AGENT: Final = (
    "DiscordBot (https://hearthlight.invalid, {})"  # Discord asks for an address; there is no site yet
)
_NUMBER: Final = re.compile(r"\d{5,20}", re.ASCII)
_MOST_ID: Final = (1 << 64) - 1
_MOST_DIGITS: Final = 20
_MAJOR: Final = ("channels", "guilds")  # what a bucket is counted apart for
_MOST_REASON: Final = 512
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_GONE: Final = frozenset({10003, 10004, 10007, 10008, 10013, 10026})
_INVALID_FORM: Final = 50035
_UNKNOWN_TARGET: Final = frozenset({"REPLIES_UNKNOWN_MESSAGE", "MESSAGE_REFERENCE_UNKNOWN_MESSAGE"})
_TOO_LONG: Final = frozenset({"BASE_TYPE_MAX_LENGTH", "BASE_TYPE_BAD_LENGTH"})
_REFUSALS: Final = {
    10014: (Reason.INVALID, "The bot has not reacted to this."),
    20028: (Reason.BLOCKED, "Discord lets this channel take no more messages for the moment."),
    30001: (Reason.BLOCKED, "Discord has reached a limit of its own for this."),
    40007: (Reason.BLOCKED, "This person is banned from the server."),
    50001: (Reason.SCOPE, "The bot has no access to this channel or server."),
    50003: (Reason.UNSUPPORTED, "That cannot be done in a direct message."),
    50005: (Reason.ROLE, "Only whoever wrote a message can change it."),
    50006: (Reason.INVALID, "A message needs words."),
    50007: (Reason.BLOCKED, "This person takes no direct messages from the bot."),
    50008: (Reason.UNSUPPORTED, "Nothing can be written in this channel."),
    50013: (Reason.ROLE, "The bot's role on the server lacks a permission for this."),
    50019: (Reason.UNSUPPORTED, "Only messages of this channel can be taken."),
    50021: (Reason.UNSUPPORTED, "That cannot be done to a message of Discord's own."),
    50024: (Reason.UNSUPPORTED, "That cannot be done in a channel of this kind."),
    50033: (Reason.INVALID, "There is no such person, or it is one that no bot can write to."),
    50083: (Reason.BLOCKED, "This thread is archived."),
    50278: (Reason.BLOCKED, "The bot shares no server with this person, so it cannot write to them."),
    60003: (Reason.ROLE, "The bot's owner needs two-factor sign-in before Discord lets it moderate there."),
    90001: (Reason.BLOCKED, "This person has blocked the bot."),
    160002: (Reason.ROLE, "The bot's role needs Read Message History to answer a message."),
    160005: (Reason.BLOCKED, "This thread is locked."),
    200000: (Reason.BLOCKED, "The server's AutoMod stopped this message."),
    200001: (Reason.BLOCKED, "The server's AutoMod stopped this title."),
    520001: (Reason.STALE, "This poll has ended already."),
    520002: (Reason.UNSUPPORTED, "Discord takes no poll in a channel of this kind."),
    520006: (Reason.INVALID, "There is no poll in this message."),
}


def is_id(text: Any) -> bool:
    """Whether this can be a snowflake."""
    if not isinstance(text, str) or len(text) > _MOST_DIGITS:
        return False
    return text.isascii() and text.isdecimal() and int(text) <= _MOST_ID


def window(method: str, path: str) -> str:
    """What shares a limit before Discord has named its bucket; the part before the blank is always apart."""
    parts = path.split("/")
    scope = "/".join(parts[:2]) if parts[0] in _MAJOR else parts[0]
    rest = "/".join("*" if _NUMBER.fullmatch(part) else part for part in parts[len(scope.split("/")) :])
    return f"{scope} {method} {rest}"


def explain(answer: Answer) -> ConnectorError | None:
    """Discord's own codes; None leaves the answer to its status."""
    code = count_at(answer.data, "code")
    said = f"(Discord: {code})"
    if code in _GONE:
        return Gone(f"that is no longer there {said}")
    if code == _INVALID_FORM:
        return _invalid(_codes(dig(answer.data, "errors")))
    if code in _REFUSALS:
        reason, words = _REFUSALS[code]
        return Refused(reason, f"{words} {said}")
    return None


def _invalid(codes: set[str]) -> Refused:
    """What is wrong with a form: its own codes tell."""
    if codes & _UNKNOWN_TARGET:
        return Gone("the message to be answered is no longer there (Discord: 50035)")
    if codes & _TOO_LONG:
        return Refused(Reason.TOO_LONG, "That is longer than Discord takes. (Discord: 50035)")
    return Refused(Reason.INVALID, "Discord does not take this as it is. (Discord: 50035)")


def _codes(errors: Any, depth: int = 8) -> set[str]:
    """Every code in a form's errors, however deep they lie."""
    found = {text_at(one, "code") for one in entries(errors, "_errors")}
    if isinstance(errors, dict) and depth:
        for inner in errors.values():
            found |= _codes(inner, depth - 1)
    return found


class Api:
    """The calls of one bot. Reads are tried again by `Http`; a write is sent once."""

    def __init__(self, base_url: str, token: str) -> None:
        limits = Limits(window=window)
        self._http = Http(base_url or API, self._explained, limits, agent=_AGENT.format(version()))
        self._header = {"Authorization": f"Bot {token}"}
        self._over = False
        self._closed: dict[str, Refused] = {}  # what was forbidden, by what was asked

    @property
    def server(self) -> str:
        """Where the calls go."""
        return self._http.base_url

    def afresh(self) -> None:
        """Roles may have changed: what was forbidden may be asked once more."""
        self._closed.clear()

    def read(self, path: str, **params: Any) -> Any:
        """GET; what Discord has forbidden before is not asked again."""
        self._go_on()
        key = window("GET", path)
        if key in self._closed:
            raise self._closed[key]
        known = {name: value for name, value in params.items() if value not in (None, "")}
        try:
            return self._http.read(path, known or None, self._header).data
        except SignInAgain:
            self._over = True
            raise
        except Refused as no:
            if no.reason in (Reason.SCOPE, Reason.ROLE):
                self._closed[key] = no
            raise

    def record(self, path: str, **params: Any) -> dict[str, Any]:
        """GET one thing that has an id."""
        found = self.read(path, **params)
        if not isinstance(found, dict) or not text_at(found, "id"):
            raise Unreadable("Discord answered something else than what was asked for")
        return found

    def rows(self, path: str, **params: Any) -> list[Any]:
        """GET a list."""
        found = self.read(path, **params)
        if not isinstance(found, list):
            raise Unreadable("Discord answered something else than a list")
        return found

    def write(
        self, method: str, path: str, payload: Mapping[str, Any] | None = None, reason: str = ""
    ) -> Any:
        """Do one thing; the reason stands in the server's audit log."""
        self._go_on()
        more = {"X-Audit-Log-Reason": _header_text(reason)} if reason else {}
        try:
            return self._http.write(path, payload, self._header | more, method).data
        except SignInAgain:
            self._over = True
            raise

    def made(self, path: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """POST what makes a thing, and the thing."""
        found = self.write("POST", path, payload)
        if not isinstance(found, dict) or not text_at(found, "id"):
            raise OutcomeUnknown("Discord did not say what it made")
        return found

    def _go_on(self) -> None:
        if self._over:
            raise SignInAgain("Discord has refused the bot's token")

    def _explained(self, answer: Answer) -> ConnectorError | None:
        found = explain(answer)
        if found is not None or answer.status not in (_FORBIDDEN, _NOT_FOUND):
            return found
        if answer.status == _FORBIDDEN and isinstance(dig(answer.data, "code"), int):
            return Refused(Reason.ROLE, "Discord does not let the bot do this.")
        # Of somebody in between, or of a path that is none: it says nothing about roles or messages.
        return Unreadable("something else than Discord says that this is not there or not allowed")

    def close(self) -> None:
        """Let go of the network."""
        self._http.close()


def _header_text(reason: str) -> str:
    """Percent-encoded, as Discord wants it, and cut between characters to what it takes."""
    text = " ".join(reason.encode("utf-8", "replace").decode().replace("\0", "").split())
    return quote(text[:_MOST_REASON], safe=" !#$&'()*+,/:;=?@[]~-._")
