"""OAuth 2 tokens of one account: made by a sign-in in the browser, renewed once for all when they lapse.

Sources: RFC 6749 (code, refresh), RFC 7636 (PKCE), RFC 8252 (programs on a desk), RFC 9126 (pushed requests),
RFC 9207 (issuer).
"""

import base64
import threading
import time
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from connectors.errors import ConnectorError, OutcomeUnknown, SignInAgain, TryLater, Unreadable
from connectors.http import Answer, Http
from connectors.sign_in import Attempt, Loopback

_EARLY: Final = 60.0  # seconds before its end in which a token is renewed
_ENDED: Final = frozenset({"invalid_grant", "unauthorized_client", "invalid_client", "access_denied"})


@dataclass(frozen=True, slots=True)
class Client:
    """Our program as a platform knows it. A secret that ships with a program on a desk protects nothing.

    `page` is where the person agrees, `token_path` where the code becomes tokens. `basic` says that the
    client names itself in a header. With a `pushed_path` the request is handed over there first and the page
    only gets its name. An `issuer` must be named in what the browser brings back. `scheme` stands before the
    token in a signed-in call.
    """

    id: str
    page: str
    token_path: str
    scope: str
    secret: str = field(default="", repr=False)
    basic: bool = False
    more: Mapping[str, str] = field(default_factory=dict)  # of the page's query
    pushed_path: str = ""
    revoke_path: str = ""  # where a token is given back (RFC 7009)
    issuer: str = ""
    scheme: str = "Bearer"


def explain(answer: Answer) -> ConnectorError | None:
    """What a token endpoint says no with; None leaves the answer to its status."""
    if answer.code() in _ENDED:
        return SignInAgain(f"the sign-in has ended ({answer.code()})")
    return None


class OAuth:
    """Used by every thread of one account; `keep` stores a renewed token before its first use."""

    def __init__(
        self,
        http: Http,
        client: Client,
        secrets: Mapping[str, str],
        open_page: Callable[[str], object] = webbrowser.open,
        keep: Callable[[Mapping[str, str]], None] = lambda _: None,
    ) -> None:
        self._http, self._client, self._open, self._keep = http, client, open_page, keep
        self._secrets = dict(secrets)
        self._handed_out = dict(secrets)
        self._renewing = threading.Lock()
        self._waiting: Loopback | None = None

    def sign_in(
        self,
        port: int = 0,
        path: str = "/callback",
        host: str = "127.0.0.1",
        register: Callable[[str], Client] | None = None,
    ) -> dict[str, str]:
        """Let the person agree in the browser; the secrets to keep.

        `register` is for platforms where a program introduces itself before each sign-in, with the very
        address that the browser comes back to; who we are there is then among the secrets.
        """
        attempt = Attempt()
        with Loopback(port, path, host) as loopback:
            self._waiting = loopback
            if register is not None:
                self._client = register(loopback.redirect_uri)
                self._secrets |= {"client_id": self._client.id, "client_secret": self._client.secret}
            asked = attempt.asks(
                client_id=self._client.id,
                redirect_uri=loopback.redirect_uri,
                scope=self._client.scope,
                **self._client.more,
            )
            page = f"{self._client.page}?{urlencode(self._pushed(asked))}"
            code = loopback.code(page, attempt, issuer=self._client.issuer, open_page=self._open)
            self._take(
                self._ask(
                    self._client.token_path,
                    grant_type="authorization_code",
                    code=code,
                    redirect_uri=loopback.redirect_uri,
                    code_verifier=attempt.verifier,
                )
            )
        self._waiting = None
        self._handed_out = dict(self._secrets)
        return dict(self._secrets)

    def header(self) -> dict[str, str]:
        """The header of a signed-in call, with a token that still lives."""
        token = self._secrets.get("access_token", "")
        if not token or float(self._secrets.get("expires_at") or "inf") < time.time() + _EARLY:
            self.renew(token)
        return {"Authorization": f"{self._client.scheme} {self._secrets['access_token']}"}

    def call(self, ask: Callable[[dict[str, str]], Answer]) -> Answer:
        """Make a signed-in call; where the token turns out to have lapsed, once more with a new one."""
        header = self.header()
        try:
            return ask(header)
        except SignInAgain:
            self.renew(header["Authorization"].removeprefix(f"{self._client.scheme} "))
            return ask(self.header())

    def renew(self, lapsed: str) -> None:
        """Renew the token, unless somebody did since `lapsed` was seen."""
        with self._renewing:
            if self._secrets.get("access_token", "") != lapsed:
                return
            known = self._secrets.get("refresh_token", "")
            if not known:
                raise SignInAgain("the sign-in has ended")
            told = self._ask(self._client.token_path, grant_type="refresh_token", refresh_token=known)
            self._take(told)

    def secrets(self) -> dict[str, str]:
        """All secrets as they are now."""
        return dict(self._secrets)

    def revoke(self) -> None:
        """Give the tokens back: with the refresh token its access tokens end too."""
        token = self._secrets.get("refresh_token") or self._secrets.get("access_token", "")
        if self._client.revoke_path and token:
            self._ask(self._client.revoke_path, token=token)

    def account(self) -> str:
        """Whose the tokens are, where the platform says so beside them; else empty."""
        return self._secrets.get("sub", "")

    def scope(self) -> str:
        """What the platform says that the token is good for; empty where it does not say."""
        return self._secrets.get("scope", "")

    def fresh_secrets(self) -> dict[str, str] | None:
        """All secrets, if any changed since they were last handed out."""
        if self._secrets == self._handed_out:
            return None
        self._handed_out = dict(self._secrets)
        return dict(self._secrets)

    def stop(self) -> None:
        """End a sign-in that waits for the browser."""
        if self._waiting is not None:
            self._waiting.stop()

    def _pushed(self, asked: dict[str, str]) -> dict[str, str]:
        """What the page's address says: all of it, or the name of what was handed over before."""
        if not self._client.pushed_path:
            return asked
        try:
            found = self._http.write(self._client.pushed_path, form=asked).data
        except OutcomeUnknown as trouble:  # nobody saw it yet
            raise TryLater(str(trouble), offline=True) from None
        name = found.get("request_uri") if isinstance(found, dict) else None
        if not isinstance(name, str) or not name:
            raise Unreadable("the platform did not take the request for a sign-in")
        return {"client_id": self._client.id, "request_uri": name}

    def _ask(self, path: str, **said: str) -> Any:
        form = {**said, "client_id": self._client.id}
        headers = {}
        if self._client.basic:
            pair = f"{self._client.id}:{self._client.secret}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        elif self._client.secret:
            form["client_secret"] = self._client.secret
        try:
            return self._http.write(path, form=form, headers=headers).data
        except OutcomeUnknown as trouble:
            # Neither a new token nor the end of one is anything that others see: it is asked for again later.
            raise TryLater(str(trouble), offline=True) from None

    def _take(self, found: Any) -> None:
        if isinstance(found, dict) and found.get("error") in _ENDED:  # Reddit says so with a 200
            raise SignInAgain(f"the sign-in has ended ({found['error']})")
        token = found.get("access_token") if isinstance(found, dict) else None
        if not isinstance(token, str) or not token:
            raise Unreadable("the platform answered without a token")
        self._secrets["access_token"] = token
        if found.get("refresh_token"):
            self._secrets["refresh_token"] = str(found["refresh_token"])
        lasts = found.get("expires_in")
        ends = str(time.time() + float(lasts)) if isinstance(lasts, int | float) else ""
        self._secrets["expires_at"] = ends
        for name in ("scope", "sub"):
            if found.get(name):
                self._secrets[name] = str(found[name])
        # Before it is used: a refresh token that was used up and then lost in a crash ends the sign-in.
        self._keep(dict(self._secrets))
