"""Signed-in calls to a Bluesky server.

Sources: the com.atproto.server and com.atproto.repo lexicons (https://github.com/bluesky-social/atproto).
Errors are HTTP status plus a code in `error`; a lapsed token is status 400 there, not 401.
"""

import base64
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

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

CHAT = "did:web:api.bsky.chat#bsky_chat"
_TOKEN_CODES = {"ExpiredToken", "InvalidToken"}
_ACCOUNT_CODES = {"AccountTakedown", "AccountDeactivated", "AccountSuspended", "AuthMissing"}
_REASONS = {
    "NotFound": Reason.NOT_FOUND,
    "RecordNotFound": Reason.NOT_FOUND,
    "RepoNotFound": Reason.NOT_FOUND,
    "RepoTakendown": Reason.NOT_FOUND,
    "RepoDeactivated": Reason.NOT_FOUND,
    "RepoSuspended": Reason.NOT_FOUND,
    "InvalidConvo": Reason.NOT_FOUND,
    "RecipientNotFound": Reason.NOT_FOUND,
    "InvalidSwap": Reason.STALE,
    "BlockedActor": Reason.BLOCKED,
    "BlockedByActor": Reason.BLOCKED,
    "MessagesDisabled": Reason.BLOCKED,
    "NotFollowedBySender": Reason.BLOCKED,
    "ConvoLocked": Reason.BLOCKED,
    "MethodNotImplemented": Reason.UNSUPPORTED,
    "XRPCNotSupported": Reason.UNSUPPORTED,
    "InsufficientScope": Reason.SCOPE,
    "ScopeMissingError": Reason.SCOPE,
}


class _Lapsed(SignInAgain):
    """This token is no longer good; a new one may be."""


class _NotAllowed(SignInAgain):
    """A 401 that is about the account; a service behind a proxy means its role by it."""


def explain(answer: Answer) -> ConnectorError | None:
    """Map Bluesky's own codes; None leaves the answer to its status."""
    code = answer.code()
    if code in _TOKEN_CODES:
        return _Lapsed(f"the session has ended ({code})")
    if code in _ACCOUNT_CODES:
        return SignInAgain(f"the account cannot be used now ({code})")
    if code in _REASONS:
        reason = _REASONS[code]
        words = f"Bluesky said no ({code})"
        return Gone(words) if reason is Reason.NOT_FOUND else Refused(reason, words)
    return _NotAllowed("the server asks for another sign-in") if answer.status == 401 else None  # noqa: PLR2004 - HTTP


class Session:
    """One signed-in account.

    Whoever finds the tokens lapsed renews them once for all. The app password is kept beside them:
    a session that was not used for weeks can only be made anew with it, and nobody should have to
    look for it at night. It can be revoked by itself at any time.
    """

    def __init__(self, server: str, handle: str, secrets: Mapping[str, str]) -> None:
        self.http = Http(server if "://" in server else f"https://{server}", explain)
        self._handle = handle.strip().removeprefix("@")
        self._secrets = dict(secrets)
        self._handed_out = dict(secrets)
        self._renewing = threading.Lock()

    @property
    def did(self) -> str:
        """Our account's id, signing in if that was never done."""
        if "did" not in self._secrets:
            self._renew("")
        return self._secrets["did"]

    def sign_in(self) -> dict[str, str]:
        """Make a new session from the app password; the secrets to keep."""
        password = self._secrets.get("app_password", "")
        if not password:
            raise SignInAgain("there is no app password")
        body = {"identifier": self._handle, "password": password}
        self._take(_repeatable(lambda: self.http.write(_nsid("server.createSession"), body)))
        self._handed_out = dict(self._secrets)
        return dict(self._secrets)

    def who(self) -> dict[str, Any]:
        """Ask the server whose session this is."""
        try:
            return self.read("com.atproto.server.getSession")
        except Refused:  # a good token of an account that was taken down or deleted
            raise SignInAgain("the account cannot be used now") from None

    def fresh_secrets(self) -> dict[str, str] | None:
        """All secrets, if any changed since they were last handed out."""
        if self._secrets == self._handed_out:
            return None
        self._handed_out = dict(self._secrets)
        return dict(self._secrets)

    def may_chat(self) -> bool:
        """Whether the token may read direct messages; only a privileged app password's may."""
        return self.scope() != "com.atproto.appPass"

    def scope(self) -> str:
        """Read what the access token is for; empty where it does not say."""
        self._token()
        try:
            payload = self._secrets["access"].split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            return str(claims.get("scope", ""))
        except (ValueError, IndexError, AttributeError):
            return ""

    def read(self, nsid: str, params: Mapping[str, Any] | None = None, proxy: str = "") -> dict[str, Any]:
        """Ask; the answer is always an object."""
        answer = self._signed(lambda headers: self.http.read(f"xrpc/{nsid}", params, headers), nsid, proxy)
        if not isinstance(answer.data, dict):
            raise Unreadable(f"{nsid} did not answer with an object")
        return answer.data

    def write(self, nsid: str, body: Mapping[str, Any], proxy: str = "") -> dict[str, Any]:
        """Do; sent once, or twice where the first was turned away for its token."""
        answer = self._signed(lambda headers: self.http.write(f"xrpc/{nsid}", body, headers), nsid, proxy)
        return answer.data if isinstance(answer.data, dict) else {}

    def _signed(self, call: Callable[[Mapping[str, str]], Answer], nsid: str, proxy: str) -> Answer:
        token = self._token()
        try:
            return call(_headers(token, proxy))
        except _Lapsed:
            self._renew(token)
        except _NotAllowed as trouble:
            raise self._meant(trouble, nsid, proxy) from None
        try:
            return call(_headers(self._token(), proxy))
        except (_Lapsed, _NotAllowed) as trouble:
            raise self._meant(trouble, nsid, proxy) from None

    def _meant(self, trouble: SignInAgain, nsid: str, proxy: str) -> ConnectorError:
        """Tell our session's trouble from a service that this good session may not use."""
        if proxy and isinstance(trouble, _Lapsed):
            return Refused(Reason.SCOPE, f"this app password may not use {nsid}")
        return Refused(Reason.ROLE, f"this account may not use {nsid}") if proxy else trouble

    def _token(self) -> str:
        if "access" not in self._secrets:
            self._renew("")
        return self._secrets["access"]

    def _renew(self, lapsed: str) -> None:
        with self._renewing:
            if self._secrets.get("access", "") != lapsed:
                return  # somebody else did while we waited
            if "refresh" in self._secrets:
                headers = _headers(self._secrets["refresh"], "")
                path = _nsid("server.refreshSession")
                try:
                    self._take(_repeatable(lambda: self.http.write(path, None, headers)))
                except SignInAgain:
                    pass  # the refresh token lapsed as well: begin again with the password
                else:
                    return
            handed_out = self._handed_out
            self.sign_in()
            self._handed_out = handed_out

    def _take(self, answer: Answer) -> None:
        found = answer.data if isinstance(answer.data, dict) else {}
        taken = {"access": "accessJwt", "refresh": "refreshJwt", "did": "did"}
        tokens = {ours: found.get(theirs) for ours, theirs in taken.items()}
        if not all(isinstance(token, str) and token for token in tokens.values()):
            raise TryLater("the server's answer to the sign-in was incomplete")
        self._secrets.update({name: str(token) for name, token in tokens.items()})


def _repeatable(call: Callable[[], Answer]) -> Answer:
    """Signing in twice does no harm, so a lost answer is only a reason to try later."""
    try:
        return call()
    except OutcomeUnknown as trouble:
        raise TryLater(str(trouble), offline=True) from None


def _nsid(name: str) -> str:
    return f"xrpc/com.atproto.{name}"


def _headers(token: str, proxy: str) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {token}"}
    if proxy:
        headers["atproto-proxy"] = proxy
    return headers
