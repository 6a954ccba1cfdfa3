"""Signed-in calls to a Bluesky server.

Sources: the com.atproto.server and com.atproto.repo lexicons (https://github.com/bluesky-social/atproto).
Errors are HTTP status plus a code in `error`; a lapsed token is status 400 there, not 401.
"""

from collections.abc import Callable, Mapping
from typing import Any

from connectors.bluesky_sign_in import SignIn
from connectors.errors import ConnectorError, Gone, Reason, Refused, SignInAgain, Unreadable
from connectors.http import Answer, Http

CHAT = "did:web:api.bsky.chat#bsky_chat"
_TOKEN_CODES = {"ExpiredToken", "InvalidToken", "invalid_token"}
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
    """One signed-in account; what it may do is the account's, not the way's in which it signed in."""

    def __init__(self, sign_in: SignIn) -> None:
        self._sign_in = sign_in

    @property
    def http(self) -> Http:
        """The account's server."""
        return self._sign_in.http

    @property
    def did(self) -> str:
        """Our account's id, signing in if that was never done."""
        return self._sign_in.did

    def sign_in(self) -> dict[str, str]:
        """Sign in anew; the secrets to keep."""
        return self._sign_in.sign_in()

    def sign_out(self) -> None:
        """End the sign-in there."""
        self._sign_in.sign_out()

    def who(self) -> dict[str, Any]:
        """Ask the server whose session this is."""
        try:
            return self.read("com.atproto.server.getSession")
        except Refused:  # a good token of an account that was taken down or deleted
            raise SignInAgain("the account cannot be used now") from None

    def fresh_secrets(self) -> dict[str, str] | None:
        """All secrets, if any changed since they were last handed out."""
        return self._sign_in.fresh_secrets()

    def may_chat(self) -> bool:
        """Whether we may read direct messages."""
        return self._sign_in.may_chat()

    def close(self) -> None:
        """Let go of the network."""
        self._sign_in.close()

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
        about = {"atproto-proxy": proxy} if proxy else {}
        header = self._sign_in.header()
        try:
            return call(header | about)
        except _Lapsed:
            self._sign_in.renew(header)
        except _NotAllowed as trouble:
            raise self._meant(trouble, nsid, proxy) from None
        try:
            return call(self._sign_in.header() | about)
        except (_Lapsed, _NotAllowed) as trouble:
            raise self._meant(trouble, nsid, proxy) from None

    def _meant(self, trouble: SignInAgain, nsid: str, proxy: str) -> ConnectorError:
        """Tell our session's trouble from a service that this good session may not use."""
        if proxy and isinstance(trouble, _Lapsed):
            return Refused(Reason.SCOPE, f"this app password may not use {nsid}")
        return Refused(Reason.ROLE, f"this account may not use {nsid}") if proxy else trouble
