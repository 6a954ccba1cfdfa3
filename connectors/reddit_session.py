"""Speaking to Reddit: who is signed in, what its answers mean, and how it says no.

Sources: Reddit's OAuth2 and API pages; PRAW's recordings of real traffic for the shapes of errors: an answer
of 200 may hold `json.errors`, a 400 `reason`, a 403 a bare number, and any of them may be a page of HTML.
"""

import contextlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connectors.answers import dig, text_at
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
from connectors.http import Answer, Http, Limits, version
from connectors.oauth import Client, OAuth
from connectors.oauth import explain as explain_token

SITE: Final = "https://www.reddit.com"
API: Final = "https://oauth.reddit.com"
SCOPES: Final = (
    "identity read submit edit privatemessages modposts modcontributors modmail modlog modnote report history"
)
# The wait is named in words, in the account's language; what PRAW documents as the longest is waited instead.
_NO_WAIT_NAMED: Final = timedelta(minutes=10)
_FORBIDDEN: Final = 403
_CODES: Final[Mapping[str, Reason]] = {
    "TOO_LONG": Reason.TOO_LONG,
    "NO_TEXT": Reason.INVALID,
    "THREAD_LOCKED": Reason.ROLE,
    "TOO_OLD": Reason.UNSUPPORTED,
    "COMMENT_UNREPLIABLE": Reason.UNSUPPORTED,
    "SUBREDDIT_NOTALLOWED": Reason.ROLE,
    "NOT_AUTHOR": Reason.ROLE,
    "BANNED_FROM_SUBREDDIT": Reason.BLOCKED,
    "USER_BLOCKED": Reason.BLOCKED,
    "USER_MUTED": Reason.BLOCKED,
    "MUTED_FROM_SUBREDDIT": Reason.BLOCKED,
    "NOT_WHITELISTED_BY_USER_MESSAGE": Reason.BLOCKED,
}
_GONE: Final = frozenset(
    {
        "DELETED_COMMENT",
        "DELETED_LINK",
        "DELETED_THING",
        "USER_DOESNT_EXIST",
        "NO_THING_ID",
        "THING_NOT_FOUND",
    }
)


def moment_at(data: Any, key: str) -> datetime | None:
    """Find a moment, which Reddit writes as seconds since 1970 or, in modmail, as ISO 8601."""
    found = dig(data, key)
    with contextlib.suppress(ValueError, OverflowError, OSError):
        if isinstance(found, str):
            at = datetime.fromisoformat(found)
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        if isinstance(found, int | float) and not isinstance(found, bool):
            return datetime.fromtimestamp(found, UTC)
    return None


def explain(answer: Answer) -> ConnectorError | None:
    """What a refusal's own code says; None leaves the answer to its status."""
    if answer.status == _FORBIDDEN and "insufficient_scope" in answer.headers.get("WWW-Authenticate", ""):
        return Refused(Reason.SCOPE, "the sign-in does not allow this; sign in again and agree to it")
    return _refusal(text_at(answer.data, "reason"))


def _refusal(code: str) -> Refused | None:
    """What a code means; a text in place of a code means nothing."""
    if code in _GONE:
        return Gone(f"it is no longer there ({code})")
    if code in _CODES:
        return Refused(_CODES[code], f"Reddit said no ({code})")
    return None


def checked(answer: Answer) -> Any:
    """The answer to a write, unless it is a 200 that says no."""
    errors = dig(answer.data, "json", "errors")
    if not errors:
        return answer.data
    first = errors[0] if isinstance(errors, list) else None
    code = first[0] if isinstance(first, list) and first and isinstance(first[0], str) else ""
    if code == "RATELIMIT":
        raise TryLater("Reddit asks for a pause (RATELIMIT)", datetime.now(UTC) + _pause(answer.data))
    if code == "USER_REQUIRED":
        raise SignInAgain("Reddit does not know who asks (USER_REQUIRED)")
    shown = code if code.isascii() and code.isidentifier() else ""
    raise _refusal(code) or Refused(Reason.INVALID, f"Reddit said no ({shown})")


def _pause(data: Any) -> timedelta:
    seconds = dig(data, "json", "ratelimit")
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds < 86400:  # noqa: PLR2004 - a day
        return timedelta(seconds=seconds)
    return _NO_WAIT_NAMED


class Session:
    """One signed-in account; every answer of it is checked. `site` signs in, `api` does everything else."""

    def __init__(
        self,
        values: Mapping[str, str],
        secrets: Mapping[str, str],
        places: tuple[str, str] = (SITE, API),
        *,
        keep: Callable[[Mapping[str, str]], None],
        open_page: Callable[[str], object],
    ) -> None:
        site, api = places
        client_id, name = values.get("client_id", "").strip(), values.get("username", "").strip()
        # Reddit slows down whoever does not say which program this is and whose.
        agent = f"desktop:org.hearthlight:{version()} (by /u/{name.removeprefix('u/')})"
        self.http = Http(api, explain, Limits(window=lambda *_: ""), agent=agent)
        self._site = Http(site, explain_token, agent=agent)
        more = {"duration": "permanent"}
        page = f"{site}/api/v1/authorize"
        client = Client(
            client_id,
            page,
            "api/v1/access_token",
            SCOPES,
            basic=True,
            more=more,
            revoke_path="api/v1/revoke_token",
        )
        self._oauth = OAuth(self._site, client, secrets, open_page, keep)
        self._me: Any = None

    def sign_in(self, port: int) -> dict[str, str]:
        """Let the person agree in the browser, which comes back to the app's registered address."""
        return self._oauth.sign_in(port, "/", "localhost")

    def sign_out(self) -> None:
        """Give the tokens back."""
        self._oauth.revoke()

    def me(self) -> Any:
        """Who we are; asked once."""
        if self._me is None:
            found = self.read("api/v1/me")
            if not text_at(found, "name") or not text_at(found, "id"):
                raise Unreadable("Reddit did not say whose account this is")
            self._me = found
        return self._me

    def is_me(self, name: str) -> bool:
        """Whether this name is ours; Reddit does not care for capitals."""
        return bool(name) and name.casefold() == text_at(self.me(), "name").casefold()

    def read(self, path: str, **params: Any) -> Any:
        """GET; `raw_json` because everything comes as HTML entities otherwise."""
        asked = {**params, "raw_json": 1}
        return self._oauth.call(lambda header: self.http.read(path, asked, header)).data

    def write(self, path: str, **form: Any) -> Any:
        """POST a form, as all but a few calls want it."""
        sent = {"api_type": "json", **form}
        params = {"raw_json": 1}
        return checked(
            self._oauth.call(lambda header: self.http.write(path, form=sent, params=params, headers=header))
        )

    def write_json(self, path: str, payload: Mapping[str, Any]) -> Any:
        """POST JSON, as the calls about reasons for a removal want it."""
        params = {"raw_json": 1}
        return checked(
            self._oauth.call(lambda header: self.http.write(path, payload, params=params, headers=header))
        )

    def granted(self) -> frozenset[str]:
        """The scopes that the person agreed to."""
        return frozenset(self._oauth.scope().split())

    def fresh_secrets(self) -> Mapping[str, str] | None:
        """All secrets, once after any of them changed."""
        return self._oauth.fresh_secrets()

    def close(self) -> None:
        """Let go of the network, and of a sign-in that waits for the browser."""
        self._oauth.stop()
        self.http.close()
        self._site.close()


def listed(answer: Any) -> list[Any]:
    """The entries of a listing; anything else is no answer to a question for one."""
    found = dig(answer, "data", "children")
    if not isinstance(found, list):
        raise Unreadable("Reddit answered something that is not a listing")
    return found


def made(found: Any, *path: str) -> str:
    """The id of what a write made; without it nobody knows whether it was."""
    name = text_at(found, *path)
    if not name:
        raise OutcomeUnknown("Reddit did not say what it made")
    return name
