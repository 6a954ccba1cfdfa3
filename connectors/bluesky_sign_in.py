"""The two ways to sign in to Bluesky: in the browser (OAuth), or with an app password.

Sources: the com.atproto.server lexicons; the atproto OAuth specification (pushed requests, PKCE and DPoP are
required; a program on a desk is known by "http://localhost" and what it asks for, whatever its port).
"""

import base64
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode, urlsplit

from connectors.answers import entries, text_at
from connectors.dpop import Prover
from connectors.errors import (
    ConnectorError,
    OutcomeUnknown,
    Reason,
    Refused,
    SignInAgain,
    TryLater,
    Unreadable,
)
from connectors.http import Answer, Http
from connectors.oauth import Client, OAuth
from connectors.oauth import explain as explain_oauth

Explain = Callable[[Answer], ConnectorError | None]
Keep = Callable[[Mapping[str, str]], None]
_SCOPE: Final = "atproto transition:generic transition:chat.bsky"
_CHAT_SCOPE: Final = "transition:chat.bsky"
_REDIRECT: Final = "http://127.0.0.1/callback"  # servers leave the port of it aside
_CLIENT_ID: Final = (
    f"http://localhost?{urlencode({'redirect_uri': _REDIRECT, 'scope': _SCOPE}, quote_via=quote)}"
)
_NEEDED: Final = ("pds", "issuer", "token_url")  # kept with the tokens
PLC: Final = "https://plc.directory"


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom the person wants to sign in as, and who is asked where that account lives."""

    server: str
    handle: str
    plc: str = PLC


def sound(data: Any) -> bool:
    """Every question to a Bluesky server is answered with an object that holds something."""
    return isinstance(data, dict) and bool(data)


class SignIn(Protocol):
    """Whose tokens every call carries. `http` is the server that holds the account."""

    http: Http

    @property
    def did(self) -> str:
        """Our account's id, signing in if that was never done and can be done without a person."""

    def sign_in(self) -> dict[str, str]:
        """Sign in anew; the secrets to keep."""

    def header(self) -> dict[str, str]:
        """The header of a signed-in call."""

    def renew(self, lapsed: Mapping[str, str]) -> None:
        """Renew the tokens, unless somebody did since this header was made."""

    def sign_out(self) -> None:
        """End the sign-in there."""

    def may_chat(self) -> bool:
        """Whether the tokens may read direct messages."""

    def fresh_secrets(self) -> dict[str, str] | None:
        """All secrets, if any changed since they were last handed out."""

    def close(self) -> None:
        """Let go of the network."""


class AppPassword:
    """Tokens made from an app password, which is kept beside them.

    A session that was not used for weeks can only be made anew with it, and nobody should have to look for it
    at night. It can be revoked by itself at any time. Whoever finds the tokens lapsed renews them for all.
    """

    def __init__(self, server: str, handle: str, secrets: Mapping[str, str], explain: Explain) -> None:
        self.http = Http(server, explain, sound=sound)
        self._handle = handle
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

    def header(self) -> dict[str, str]:
        """The header of a signed-in call."""
        if "access" not in self._secrets:
            self._renew("")
        return _bearer(self._secrets["access"])

    def renew(self, lapsed: Mapping[str, str]) -> None:
        """Renew the tokens, unless somebody did since this header was made."""
        self._renew(lapsed["Authorization"].removeprefix("Bearer "))

    def sign_out(self) -> None:
        """End the session; the app password stays until its owner revokes it."""
        if "refresh" in self._secrets:
            header = _bearer(self._secrets["refresh"])
            _repeatable(lambda: self.http.write(_nsid("server.deleteSession"), None, header))

    def may_chat(self) -> bool:
        """Whether the token may read direct messages; only a privileged app password's may."""
        return self._scope() != "com.atproto.appPass"

    def fresh_secrets(self) -> dict[str, str] | None:
        """All secrets, if any changed since they were last handed out."""
        if self._secrets == self._handed_out:
            return None
        self._handed_out = dict(self._secrets)
        return dict(self._secrets)

    def close(self) -> None:
        """Let go of the network."""
        self.http.close()

    def _scope(self) -> str:
        """Read what the access token is for; empty where it does not say."""
        token = self.header()["Authorization"]
        try:
            payload = token.split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            return str(claims.get("scope", ""))
        except (ValueError, IndexError, AttributeError):
            return ""

    def _renew(self, lapsed: str) -> None:
        with self._renewing:
            if self._secrets.get("access", "") != lapsed:
                return  # somebody else did while we waited
            if "refresh" in self._secrets:
                path, header = _nsid("server.refreshSession"), _bearer(self._secrets["refresh"])
                try:
                    self._take(_repeatable(lambda: self.http.write(path, None, header)))
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


class Browser:
    """Tokens that the person agreed to in the browser, bound to a key that never leaves this machine.

    The account's own server and its sign-in server are found from the handle once and kept with the tokens. A
    used-up refresh token ends the whole sign-in if it is shown again: the new one is kept before it is used.
    """

    def __init__(
        self,
        asked: Asked,
        secrets: Mapping[str, str],
        explain: Explain,
        keep: Keep,
        open_page: Callable[[str], object],
    ) -> None:
        self._asked, self._explain, self._keep, self._open = asked, explain, keep, open_page
        self._prover = Prover(secrets.get("dpop_key", ""))
        self._places = {name: secrets[name] for name in (*_NEEDED, "revoke_url") if name in secrets}
        self.http = self._to(self._places.get("pds", asked.server))
        self._oauth: OAuth | None = None
        self._issuer: Http | None = None
        if secrets.get("sub") and all(name in self._places for name in _NEEDED):
            self._connect(secrets, page="", pushed="")

    @property
    def did(self) -> str:
        """Our account's id."""
        return self._signed_in().account()

    def sign_in(self) -> dict[str, str]:
        """Find the account's servers, and let the person agree there; the secrets to keep."""
        did, pds, found = self._discovered()
        issuer = text_at(found, "issuer")
        self._places = {"pds": pds, "issuer": issuer, "token_url": text_at(found, "token_endpoint")}
        if revoke := text_at(found, "revocation_endpoint"):
            self._places["revoke_url"] = revoke
        pushed = text_at(found, "pushed_authorization_request_endpoint")
        self._prover = Prover()
        self.http.close()
        self.http = self._to(pds)
        oauth = self._connect({}, text_at(found, "authorization_endpoint"), _path(issuer, pushed))
        secrets = oauth.sign_in()
        if oauth.account() != did:
            raise SignInAgain("the browser signed another account in than the one named here")
        return self._whole(secrets)

    def header(self) -> dict[str, str]:
        """The header of a signed-in call."""
        return self._signed_in().header()

    def renew(self, lapsed: Mapping[str, str]) -> None:
        """Renew the tokens, unless somebody did since this header was made."""
        self._signed_in().renew(lapsed["Authorization"].removeprefix("DPoP "))

    def sign_out(self) -> None:
        """Give the tokens back."""
        self._signed_in().revoke()

    def may_chat(self) -> bool:
        """Whether the person agreed to direct messages."""
        return _CHAT_SCOPE in self._signed_in().scope().split()

    def fresh_secrets(self) -> dict[str, str] | None:
        """All secrets, if any changed since they were last handed out."""
        found = self._oauth.fresh_secrets() if self._oauth else None
        return self._whole(found) if found else None

    def close(self) -> None:
        """Let go of the network, and of a sign-in that waits for the browser."""
        if self._oauth is not None:
            self._oauth.stop()
        for http in (self.http, self._issuer):
            if http is not None:
                http.close()

    def _signed_in(self) -> OAuth:
        if self._oauth is None:
            raise SignInAgain("nobody signed in in the browser yet")
        return self._oauth

    def _whole(self, tokens: Mapping[str, str]) -> dict[str, str]:
        return {**tokens, **self._places, "dpop_key": self._prover.pem()}

    def _to(self, server: str) -> Http:
        return Http(server, self._explain, sign=self._prover, sound=sound)

    def _connect(self, secrets: Mapping[str, str], page: str, pushed: str) -> OAuth:
        issuer = self._places["issuer"]
        client = Client(
            id=_CLIENT_ID,
            page=page,
            token_path=_path(issuer, self._places["token_url"]),
            scope=_SCOPE,
            more={"login_hint": self._asked.handle},
            pushed_path=pushed,
            issuer=issuer,
            scheme="DPoP",
            revoke_path=_path(issuer, self._places["revoke_url"]) if "revoke_url" in self._places else "",
        )
        self._issuer = Http(issuer, explain_oauth, sign=self._prover)
        self._oauth = OAuth(
            self._issuer,
            client,
            secrets,
            open_page=self._open,
            keep=lambda found: self._keep(self._whole(found)),
        )
        return self._oauth

    def _discovered(self) -> tuple[str, str, dict[str, Any]]:
        """The account's id, the server that holds it, and what its sign-in server says of itself."""
        path = "xrpc/com.atproto.identity.resolveHandle"
        did = text_at(_answer(self._asked.server, path, handle=self._asked.handle), "did")
        document = self._document(did)
        services = entries(document, "service")
        pds = next(
            (
                text_at(one, "serviceEndpoint")
                for one in services
                if text_at(one, "id").endswith("#atproto_pds")
            ),
            "",
        )
        if text_at(document, "id") != did or not pds:
            raise Unreadable("nobody says which server holds that account")
        resource = _answer(pds, ".well-known/oauth-protected-resource")
        issuers = [one for one in entries(resource, "authorization_servers") if isinstance(one, str)]
        if not issuers:
            raise Refused(
                Reason.UNSUPPORTED, "that server has no sign-in in the browser: use an app password"
            )
        found = _answer(issuers[0], ".well-known/oauth-authorization-server")
        if text_at(found, "issuer").rstrip("/") != issuers[0].rstrip("/"):
            raise Unreadable("the sign-in server names itself otherwise than the account's server does")
        return did, pds, found

    def _document(self, did: str) -> dict[str, Any]:
        if did.startswith("did:plc:"):
            return _answer(self._asked.plc, did)
        if did.startswith("did:web:"):
            return _answer(f"https://{did.removeprefix('did:web:')}", ".well-known/did.json")
        raise Refused(Reason.NOT_FOUND, "there is no account of that name")


def _answer(server: str, path: str, **params: str) -> dict[str, Any]:
    """What a server says to anybody; always an object."""
    http = Http(server)
    try:
        found = http.read(path, params).data
    finally:
        http.close()
    if not isinstance(found, dict):
        raise Unreadable(f"{path} did not answer with an object")
    return found


def _path(issuer: str, url: str) -> str:
    """The path of an address of the sign-in server; one elsewhere is not followed."""
    ours, theirs = urlsplit(issuer), urlsplit(url)
    if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc) or not theirs.path:
        raise Unreadable("the sign-in server names an address that is not its own")
    return theirs.path.removeprefix(ours.path.rstrip("/"))


def _repeatable(call: Callable[[], Answer]) -> Answer:
    """Signing in twice does no harm, so a lost answer is only a reason to try later."""
    try:
        return call()
    except OutcomeUnknown as trouble:
        raise TryLater(str(trouble), offline=True) from None


def _nsid(name: str) -> str:
    return f"xrpc/com.atproto.{name}"


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
