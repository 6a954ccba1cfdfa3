"""One careful way to speak HTTP with JSON, shared by every connector.

Answers map to `connectors.errors` by status code and the platform's own error code, never by text.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from random import SystemRandom
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.cookies import RequestsCookieJar
from urllib3.exceptions import HTTPError as WireError
from urllib3.exceptions import MaxRetryError, NewConnectionError

from connectors.errors import (
    ConnectorError,
    Gone,
    OutcomeUnknown,
    Reason,
    Refused,
    SignInAgain,
    TryLater,
    Unreadable,
)
from connectors.pace import Pace, parse_date, wait_until

log = logging.getLogger(__name__)
# urllib3 writes whole addresses, query and all, into its debug lines; ours go without.
logging.getLogger("urllib3").setLevel(logging.ERROR)

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_OK, _REDIRECT, _CLIENT_ERROR, _SERVER_ERROR = 200, 300, 400, 500
_NOT_IMPLEMENTED = 501
_LONGEST_CODE = 60
_BUSY = {425, 429}
_REFUSED_FOR = {
    400: Reason.INVALID,
    402: Reason.ROLE,
    403: Reason.ROLE,
    405: Reason.UNSUPPORTED,
    409: Reason.STALE,
    412: Reason.STALE,
    413: Reason.TOO_LONG,
    422: Reason.INVALID,
    451: Reason.BLOCKED,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: `data` is the parsed JSON, None where there was none."""

    status: int
    headers: Mapping[str, str]
    data: Any
    at: datetime  # the server's own clock where it tells the time, so that our skew does not matter

    def code(self) -> str:
        """Read the error code of an `{"error": "…"}` body, or an empty text."""
        found = self.data.get("error") if isinstance(self.data, dict) else None
        return found if isinstance(found, str) else ""


def _of_path(_method: str, path: str) -> str:
    return path


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait and how much to read; tests make them small."""

    connect: float = 10.0
    silence: float = 30.0  # between two bytes
    whole: float = 120.0  # for one answer altogether
    size: int = 32 * 1024 * 1024
    tries: int = 4  # of a read; a write is sent once
    first_pause: float = 0.5
    longest_pause: float = 8.0
    # Of a method and a path: what shares an announced limit; None where the connector keeps count by itself.
    window: Callable[[str, str], str | None] = _of_path


class _Unsound(Unreadable):
    """Mostly the page of somebody in between, so the next answer may be good."""


class _NoNetrc(requests.auth.AuthBase):
    """Leaves a request alone; without it, requests puts a ~/.netrc password over our header."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _NoCookies(RequestsCookieJar):
    """A jar that keeps nothing: no server follows an account from one day to the next."""

    def set_cookie(self, cookie: Any, *args: Any, **kwargs: Any) -> None:
        """Drop it."""


def _no_explanation(_answer: Answer) -> ConnectorError | None:
    return None


def _anything(_data: Any) -> bool:
    return True


def an_object(data: Any) -> bool:
    """For `Http(sound=)`, where every read of a platform is answered with an object."""
    return isinstance(data, dict)


class Http:
    """A connection to one server.

    TLS is always verified, redirects are never followed, answers are bounded in size and time.
    A read is tried again a few times, also where the answer is no JSON or not `sound` for any question to
    this platform; a write is sent exactly once. Whatever goes wrong is one of `connectors.errors`, and no
    message of theirs holds a token, a query value or a body.
    """

    def __init__(
        self,
        base_url: str,
        explain: Callable[[Answer], ConnectorError | None] = _no_explanation,
        limits: Limits | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        agent: str = "",
        sign: requests.auth.AuthBase | None = None,
        sound: Callable[[Any], bool] = _anything,
    ) -> None:
        self.base_url = _checked(base_url)
        self._sound = sound
        self._explain = explain
        self._limits = limits or Limits()
        self._now = now
        self._pace = Pace()
        self._stopped = threading.Event()
        self._random = SystemRandom()
        self._session = requests.Session()
        self._session.cookies = _NoCookies()
        self._session.auth = sign or _NoNetrc()
        self._session.headers["User-Agent"] = agent or f"Hearthlight/{version()}"
        self._session.headers["Accept"] = "application/json"

    def read(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """GET; after trouble that may pass, again a few times."""
        for attempt in range(self._limits.tries):
            try:
                return self._once("GET", path, params=params, headers=headers)
            except (TryLater, _Unsound) as trouble:
                pause = self._pause(attempt, trouble)
                if pause is None:
                    raise
                self._wait(pause)
        raise AssertionError("the last try either answers or raises")

    def write(
        self,
        path: str,
        payload: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
        *,
        form: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Send JSON, or a form, once; where no clear answer comes back, say OutcomeUnknown."""
        return self._once(method, path, params=params, payload=payload, form=form, headers=headers)

    def close(self) -> None:
        """Let go of the connection and end every wait."""
        self._stopped.set()
        self._session.close()

    def _pause(self, attempt: int, trouble: TryLater | Unreadable) -> float | None:
        """Seconds until the next try, None where there is none or the wait is too long."""
        if attempt + 1 >= self._limits.tries or self._stopped.is_set():
            return None
        if isinstance(trouble, TryLater) and trouble.until is not None:
            asked = (trouble.until - self._now()).total_seconds()
            return max(0.0, asked) if asked <= self._limits.longest_pause else None
        most = min(self._limits.longest_pause, self._limits.first_pause * 2.0**attempt)
        return self._random.uniform(0, most)  # full jitter: many desks do not come back at once

    def _wait(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise TryLater("stopped while waiting", offline=True)

    def _once(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        payload: Mapping[str, Any] | None = None,
        form: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        is_write = method != "GET"
        if self._stopped.is_set():
            raise TryLater("the connection is closed", offline=True)
        window = self._limits.window(method, path)
        held = None if window is None else self._pace.held_until(window, self._now(), is_write=is_write)
        if held is not None:
            raise TryLater("keeping to the platform's limit", held)
        url = f"{self.base_url}/{path.lstrip('/')}"
        with self._named_troubles(path, is_write=is_write):
            answer, readable = self._exchange(method, url, params, (payload, form), headers)
        log.debug("%s %s: %d", method, path, answer.status)
        if window is not None:
            self._pace.learn(window, answer.headers, answer.at, self._now())
            if answer.status in _BUSY and (until := self._waits(answer)) is not None:
                self._pace.refused(window, until)
        return self._judge(answer, path, readable=readable, is_write=is_write)

    def _exchange(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None,
        sent: tuple[Mapping[str, Any] | None, Mapping[str, Any] | None],
        headers: Mapping[str, str] | None,
    ) -> tuple[Answer, bool]:
        with self._session.request(
            method,
            url,
            params=params,
            json=sent[0],
            data=sent[1],
            headers=headers,
            timeout=(self._limits.connect, self._limits.silence),
            allow_redirects=False,
            stream=True,
        ) as response:
            body = b"".join(self._body(response))
            at = parse_date(response.headers.get("Date", "")) or self._now()
            data, readable = _parsed(body)
            return Answer(response.status_code, response.headers, data, at), readable

    def _body(self, response: requests.Response) -> Iterator[bytes]:
        """Read in pieces and to a bound: a server may drip for ever or send a flood."""
        ends = time.monotonic() + self._limits.whole
        size = 0
        while chunk := response.raw.read1(65536, decode_content=True):
            size += len(chunk)
            if size > self._limits.size:
                raise Unreadable("the answer is larger than any that the platform documents")
            if time.monotonic() > ends or self._stopped.is_set():
                raise requests.ReadTimeout
            yield chunk

    @contextmanager
    def _named_troubles(self, path: str, *, is_write: bool) -> Iterator[None]:
        # The causes are cut off (`from None`): their texts hold the address with its query.
        try:
            yield
        except Unreadable as trouble:
            raise (OutcomeUnknown(str(trouble)) if is_write else trouble) from None
        except (requests.RequestException, WireError, OSError) as trouble:
            kind = type(trouble).__name__
            if isinstance(trouble, requests.exceptions.SSLError):
                kind = "the server could not prove who it is"
            log.debug("%s: %s", path, kind)
            if is_write and not _never_sent(trouble):
                raise OutcomeUnknown(f"no answer came to {path}: {kind}") from None
            raise TryLater(f"no answer came from {path}: {kind}", offline=True) from None

    def _judge(self, answer: Answer, path: str, *, readable: bool, is_write: bool) -> Answer:
        if _OK <= answer.status < _REDIRECT:
            if readable and (is_write or self._sound(answer.data)):
                return answer
            message = f"{path} answered something that the platform does not say"
            raise OutcomeUnknown(message) if is_write else _Unsound(message)
        raise self._error(answer, path, is_write=is_write)

    def _waits(self, answer: Answer) -> datetime | None:
        return wait_until(answer.headers, answer.data, answer.at, self._now())

    def _error(self, answer: Answer, path: str, *, is_write: bool) -> ConnectorError:
        status = answer.status
        message = f"{path}: {status} {_short(answer.code())}".rstrip()
        lost = status >= _SERVER_ERROR and status != _NOT_IMPLEMENTED
        if is_write and lost:
            return OutcomeUnknown(message)
        if status in _BUSY or lost:
            return TryLater(message, self._waits(answer))
        return self._explain(answer) or _by_status(status, message, is_write=is_write)


def _by_status(status: int, message: str, *, is_write: bool) -> ConnectorError:
    """Say what a status means where the platform has no word of its own for it."""
    if status == requests.codes.unauthorized:
        return SignInAgain(message)
    if status in (requests.codes.not_found, requests.codes.gone):
        return Gone(message)
    if status == requests.codes.request_timeout:
        return OutcomeUnknown(message) if is_write else TryLater(message)
    if _CLIENT_ERROR <= status < _SERVER_ERROR:
        return Refused(_REFUSED_FOR.get(status, Reason.INVALID), message)
    # A redirect is not followed: it could carry a token to another server.
    return Refused(Reason.UNSUPPORTED, message)


def _never_sent(trouble: Exception) -> bool:
    """Whether the connection could not even be opened, so that surely nothing was done."""
    if isinstance(trouble, requests.ConnectTimeout | requests.exceptions.SSLError):
        return isinstance(trouble, requests.ConnectTimeout) or _in_handshake(trouble)
    cause = trouble.args[0] if trouble.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)


def _in_handshake(trouble: Exception) -> bool:
    """Whether TLS failed before anything was sent: only then does urllib3 say MaxRetryError."""
    return bool(trouble.args) and isinstance(trouble.args[0], MaxRetryError)


def _checked(base_url: str) -> str:
    """Return the address without its last slash; plain http only to this very machine."""
    parts = urlsplit(base_url.strip())
    plain = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not parts.hostname or not (parts.scheme == "https" or plain) or parts.username:
        raise Refused(Reason.INVALID, "the server's address has to begin with https://")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _parsed(body: bytes) -> tuple[Any, bool]:
    """Return the JSON, and whether it could be read; an empty body is readable and None."""
    if not body.strip():
        return None, True
    try:
        data = json.loads(body.decode("utf-8", errors="replace"))
        return (_without_surrogates(data) if b"\\ud" in body.lower() else data), True
    except (ValueError, RecursionError):
        return None, False


def _without_surrogates(data: Any) -> Any:
    r"""Half of an emoji, written "\ud83d", is text that nothing can store: show the usual sign."""
    if isinstance(data, str):
        return data.encode("utf-8", errors="replace").decode("utf-8")
    if isinstance(data, list):
        return [_without_surrogates(entry) for entry in data]
    if isinstance(data, dict):
        return {_without_surrogates(key): _without_surrogates(value) for key, value in data.items()}
    return data


def _short(code: str) -> str:
    """Return an error code only if it looks like one: a server could put anything there."""
    return code if code.isascii() and code.isidentifier() and len(code) <= _LONGEST_CODE else ""


def version() -> str:
    """Which Hearthlight this is."""
    try:
        return metadata.version("hearthlight")
    except metadata.PackageNotFoundError:  # run from a checkout
        return "0"
