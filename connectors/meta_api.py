"""Signed-in calls to Meta's Graph API: version, token and proof, pages, limits, and what its codes mean.

Sources: developers.facebook.com (graph-api/guides/error-handling, rate-limiting, secure-requests;
messenger-platform/error-codes). A refusal is mostly a 400, even "signed out" and "slower"; only the numbers
tell which. The token goes in a header. The `next` link of a page holds it: the cursor beside it is followed.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connectors.answers import count_at, dig, listed, text_at
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
from connectors.http import Answer, Http

GRAPH: Final = "https://graph.facebook.com"
VERSION: Final = "v25.0"
_MOST_PAGES: Final = 200
_FULL: Final = 100  # per cent of what Meta allows in an hour
_RESERVED: Final = 80  # the last fifth is for what a person does
_PAUSE: Final = timedelta(minutes=5)  # where Meta names no moment
_LONGEST: Final = timedelta(days=1)
_SIGNED_OUT: Final = frozenset({102, 190})
_SLOWER: Final = frozenset({4, 17, 32, 613, *range(80000, 80015)})
_PASSING: Final = frozenset({1, 2})
_NOT_THERE: Final = frozenset({(100, 33), (100, 2018001)})
_WINDOW: Final = frozenset({2018278, 2534022})
_SCOPES: Final = frozenset({3, 10, *range(200, 300)})
_NOBODYS_NAME: Final = 803
_NO_PERMISSION: Final = "The token lacks a permission for this, or the person its task."
OUTSIDE: Final = "Meta lets nobody write outside the reply window of a conversation."
_REFUSALS: Final = {
    100: (Reason.INVALID, "Meta does not accept this."),
    368: (Reason.BLOCKED, "Meta has blocked this action for your Page for now. Look at its Page quality."),
    506: (Reason.INVALID, "The same words stand there already."),
    551: (Reason.BLOCKED, "This person cannot be written to at present."),
    10900: (Reason.STALE, "This comment was answered privately before; Meta allows it once."),
    10903: (Reason.BLOCKED, "Meta does not let this comment be answered privately."),
    10904: (Reason.ROLE, "The Page has its messages turned off."),
}


class _Passing(TryLater):
    """Meta's "try again": it does not say whether a write was done."""


class Usage:
    """How much of its hour a Page has used up, as the last answer says it."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._share = 0
        self._until = now()

    def learn(self, headers: Mapping[str, str]) -> None:
        """Remember what an answer's headers say."""
        share, wait = usage_of(headers)
        if share:
            self._share, self._until = share, self._now() + (wait or _PAUSE)

    def hold(self, *, is_write: bool) -> None:
        """Raise TryLater where Meta would say no, or soon say no to a person."""
        if self._now() < self._until and self._share >= (_FULL if is_write else _RESERVED):
            raise TryLater("keeping to Meta's limit for this Page", self._until)


def usage_of(headers: Mapping[str, str]) -> tuple[int, timedelta | None]:
    """The highest share in per cent that an answer names, and how long Meta wants to be left alone."""
    found = [_json(headers.get("X-App-Usage")), _json(headers.get("X-Page-Usage"))]
    uses = _json(headers.get("X-Business-Use-Case-Usage"))
    for rows in uses.values() if isinstance(uses, dict) else ():
        found += rows if isinstance(rows, list) else []
    share = max(
        (count_at(one, key) for one in found for key in ("call_count", "total_time", "total_cputime")),
        default=0,
    )
    minutes = max((count_at(one, "estimated_time_to_regain_access") for one in found), default=0)
    if minutes:
        return _FULL, min(timedelta(minutes=min(minutes, 10**6)), _LONGEST)
    return share, None


def _json(text: str | None) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None


def explain(answer: Answer) -> ConnectorError | None:
    """Meta's own codes; None leaves the answer to its status."""
    error = dig(answer.data, "error")
    code, more = count_at(error, "code"), count_at(error, "error_subcode")
    said = f"(Meta: {code}/{more})" if more else f"(Meta: {code})"
    if code in _SIGNED_OUT:
        return SignInAgain(f"the token is no longer good {said}")
    if code in _SLOWER:
        wait = usage_of(answer.headers)[1] or _PAUSE
        return TryLater(f"too many calls {said}", datetime.now(UTC) + wait)
    if code in _PASSING or dig(error, "is_transient") is True:
        return _Passing(f"Meta has trouble of its own {said}")
    return _refusal(code, more, said)


def _refusal(code: int, more: int, said: str) -> Refused | None:
    """What a no of Meta's means."""
    if more in _WINDOW:
        return Refused(Reason.BLOCKED, f"{OUTSIDE} {said}")
    if (code, more) in _NOT_THERE or code == _NOBODYS_NAME:
        return Gone(f"that is no longer there {said}")
    reason, words = _REFUSALS.get(code, (Reason.SCOPE, _NO_PERMISSION))
    return Refused(reason, f"{words} {said}") if code in _REFUSALS or code in _SCOPES else None


class Api:
    """The calls of one Page. Reads are tried again by `Http`; a write is sent once."""

    def __init__(
        self, http: Http, token: str, secret: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._http = http
        self.usage = Usage(now)
        self._header = {"Authorization": f"Bearer {token}"}
        proof = hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()
        self._proof = {"appsecret_proof": proof} if secret else {}

    @property
    def server(self) -> str:
        """Where the calls go."""
        return self._http.base_url

    def read(self, path: str, *, asked: bool = False, **params: Any) -> dict[str, Any]:
        """GET one object or page; `asked`: a person waits for it."""
        self.usage.hold(is_write=asked)
        known = {name: value for name, value in params.items() if value not in (None, "")}
        answer = self._http.read(f"{VERSION}/{path}", known | self._proof, self._header)
        return self._taken(answer)

    def write(self, method: str, path: str, payload: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Do one thing."""
        self.usage.hold(is_write=True)
        try:
            answer = self._http.write(
                f"{VERSION}/{path}", payload, self._header, method, params=self._proof or None
            )
            return self._taken(answer)
        except (_Passing, Unreadable) as trouble:
            raise OutcomeUnknown(str(trouble)) from None

    def form(self, path: str, **fields: str) -> dict[str, Any]:
        """Ask for a token; no header names us."""
        try:
            return self._taken(self._http.write(f"{VERSION}/{path}", form=fields))
        except (OutcomeUnknown, _Passing) as trouble:
            raise TryLater(str(trouble), offline=True) from None  # nothing that anybody could see was done

    def pages(self, path: str, **params: Any) -> Iterator[tuple[list[Any], bool]]:
        """The pages of a list, and whether each is the last; cursors live no longer than this."""
        after = ""
        for _ in range(_MOST_PAGES):
            answer = self.read(path, after=after, **params)
            following = following_of(answer)
            last = not following or following == after
            yield listed(answer, "data"), last
            if last:
                return
            after = following

    def _taken(self, answer: Answer) -> dict[str, Any]:
        self.usage.learn(answer.headers)
        if isinstance(answer.data, dict) and "error" in answer.data:  # a 200 that is none
            raise explain(answer) or Unreadable("Meta answered with an error that it does not document")
        if not isinstance(answer.data, dict):
            raise Unreadable("Meta answered something else than an object")
        return answer.data

    def close(self) -> None:
        """Let go of the network."""
        self._http.close()


def following_of(answer: Any) -> str:
    """The cursor of the next page, where there is one: the last page has a cursor too, but no `next`."""
    return text_at(answer, "paging", "cursors", "after") if dig(answer, "paging", "next") else ""
