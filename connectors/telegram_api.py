"""Calls to Telegram's Bot API: the token in the address, answers that are errors, and the pace of each chat.

Sources: core.telegram.org/bots/api (Making requests, ResponseParameters) and bots/faq (limits). The token is
part of every address, so no error that leaves here may hold the one that caused it.
"""

import json
import re
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from connectors.answers import count_at, dig
from connectors.errors import (
    ConnectorError,
    OutcomeUnknown,
    Reason,
    Refused,
    SignInAgain,
    TryLater,
    Unreadable,
)
from connectors.http import Answer, Http, Limits
from connectors.pace import Pace, wait_until

SERVER: Final = "https://api.telegram.org"
_TOKEN: Final = re.compile(r"\d{1,20}:[A-Za-z0-9_-]{1,120}", re.ASCII)
_SIGNED_OUT: Final = "Telegram no longer accepts this bot's token."
_FORBIDDEN: Final = "Telegram does not let the bot in there."
_REFUSED: Final = "Telegram does not accept this."
_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_SECOND, _MINUTE = timedelta(seconds=1), timedelta(minutes=1)
_ALL: Final = 30  # messages a second altogether
_IN_GROUP: Final = 20  # messages a minute
_CHATS: Final = 500


class Moved(Refused):
    """The group goes on as a supergroup under another number; what it held before is out of reach."""

    def __init__(self, chat: int) -> None:
        super().__init__(
            Reason.NOT_FOUND, "The group became a supergroup; bots cannot reach what was before."
        )
        self.chat = chat


class Elsewhere(Refused):
    """Somebody else reads the bot's updates."""

    def __init__(self) -> None:
        super().__init__(Reason.BLOCKED, "Something else reads this bot's messages.")


def explain(answer: Answer) -> ConnectorError | None:
    """Tell what a refusal means by its number and its parameters; None leaves it to its status."""
    if dig(answer.data, "ok") is not False:
        # Telegram says so of each of its refusals: this one comes from somebody on the way.
        stranger = _CLIENT_ERROR <= answer.status < _SERVER_ERROR
        return Unreadable("something else than Telegram answered") if stranger else None
    moved = dig(answer.data, "parameters", "migrate_to_chat_id")
    if isinstance(moved, int) and not isinstance(moved, bool):
        return Moved(moved)
    code = count_at(answer.data, "error_code") or answer.status
    said = f"(Telegram: {code})"
    return {
        401: SignInAgain(f"{_SIGNED_OUT} {said}"),
        404: SignInAgain(f"{_SIGNED_OUT} {said}"),  # a token that never was
        403: Refused(Reason.BLOCKED, f"{_FORBIDDEN} {said}"),
        409: Elsewhere(),
        400: Refused(Reason.INVALID, f"{_REFUSED} {said}"),
    }.get(code)


class Paces:
    """How much was sent to each chat lately; whoever is too fast in one chat waits in that chat only."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._sent: OrderedDict[int, deque[datetime]] = OrderedDict()
        self._all: deque[datetime] = deque(maxlen=_ALL)
        self._told = Pace()

    def hold(self, chat: int) -> None:
        """Raise TryLater where Telegram would say no."""
        now = self._now()
        until = self._told.held_until(str(chat), now, is_write=True)
        sent = self._sent.get(chat, deque())
        free = [
            _free(sent, 1, _SECOND),
            _free(sent, _IN_GROUP, _MINUTE) if chat < 0 else None,
            _free(self._all, _ALL, _SECOND),
            until,
        ]
        latest = max((at for at in free if at is not None), default=now)
        if latest > now:
            raise TryLater("keeping to Telegram's limit for this chat", latest)

    def sent(self, chat: int) -> None:
        """Something is sent there now."""
        now = self._now()
        self._sent.setdefault(chat, deque(maxlen=_IN_GROUP)).append(now)
        self._sent.move_to_end(chat)
        self._all.append(now)
        while len(self._sent) > _CHATS:
            self._sent.popitem(last=False)

    def refused(self, chat: int, until: datetime) -> None:
        """Telegram named the moment before which it takes nothing more for this chat."""
        now = self._now()
        left = max(1.0, (until - now).total_seconds())
        said = {"X-RateLimit-Limit": "1", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{left:.3f}"}
        self._told.learn(str(chat), said, now, now)


def _free(sent: deque[datetime], most: int, span: timedelta) -> datetime | None:
    """When one more fits into a span that holds `most`."""
    return sent[-most] + span if len(sent) >= most else None


class Api:
    """The calls of one bot. Reads are tried again by `Http`; a write is sent once."""

    limits: ClassVar[Limits] = Limits()

    def __init__(self, server: str, token: str, now: Callable[[], datetime]) -> None:
        self.server = server.rstrip("/")
        self._known = _TOKEN.fullmatch(token) is not None
        self._http = Http(
            f"{self.server}/bot{token}" if self._known else self.server,
            explain,
            replace(type(self).limits, window=lambda *_: None),  # they are by chat, which no path names
        )
        self._now = now
        self._paces = Paces(now)
        self.clock = now()  # Telegram's own, at its last answer

    def read(self, method: str, **params: Any) -> Any:
        """Ask for something; the result, of whatever type is documented."""
        known = {name: _as_query(value) for name, value in params.items() if value is not None}
        return self._asked(lambda: self._http.read(method, known))

    def write(self, method: str, **params: Any) -> Any:
        """Do one thing."""
        known = {name: value for name, value in params.items() if value is not None}
        try:
            return self._asked(lambda: self._http.write(method, known))
        except Unreadable as trouble:
            words = str(trouble)
        raise OutcomeUnknown(words)

    def send(self, method: str, chat: int, **params: Any) -> Any:
        """Write to a chat, no faster than Telegram allows there."""
        self._paces.hold(chat)
        self._paces.sent(chat)
        try:
            return self.write(method, chat_id=chat, **params)
        except TryLater as wait:
            if wait.until is not None:
                self._paces.refused(chat, wait.until)
            raise

    def _asked(self, ask: Callable[[], Answer]) -> Any:
        if not self._known:
            raise SignInAgain("That is no token of a Telegram bot. BotFather shows it as 123456:ABC…")
        try:
            answer = ask()
            self.clock = answer.at
            return self._taken(answer)
        except ConnectorError as trouble:
            # What lies beneath holds the address, and with it the token.
            trouble.__context__ = trouble.__cause__ = None
            raise

    def _taken(self, answer: Answer) -> Any:
        data = answer.data
        if isinstance(data, dict) and data.get("ok") is True and "result" in data:
            return data["result"]
        if dig(data, "ok") is False:  # a 200 that is none
            if count_at(data, "error_code") == _BUSY:
                raise TryLater("too many calls", wait_until(answer.headers, data, answer.at, self._now()))
            trouble = explain(answer)
            if trouble is not None and count_at(data, "error_code") < _SERVER_ERROR:
                raise trouble
        raise Unreadable("Telegram answered something else than it documents")

    def close(self) -> None:
        """Let go of the network."""
        self._http.close()


_BUSY: Final = 429


def _as_query(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def moment(seconds: Any) -> datetime | None:
    """A moment of Telegram's: seconds since 1970."""
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 < seconds < _LAST:
        return None
    return datetime.fromtimestamp(seconds, UTC)


_LAST: Final = 253_402_300_800  # the year 10000, which no datetime holds


def whole(data: Mapping[str, Any] | Any, *path: str) -> int:
    """Find a number in an answer, also one below zero as groups have; zero where there is none."""
    found = dig(data, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else 0
