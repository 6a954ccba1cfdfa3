"""Signed-in calls to a server that speaks Mastodon's interface.

Sources: https://docs.joinmastodon.org/client/token/ and /api/oauth-scopes/, /api/guidelines/#pagination.
Errors are told by status and header only: their texts are in the language of the account.
"""

import re
import webbrowser
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit

from connectors import oauth
from connectors.answers import count_at, dig, entries, text_at
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

READ_AND_ANSWER: Final = "read write:statuses write:favourites write:reports"
MODERATE: Final = "admin:read:reports admin:write:reports admin:read:accounts admin:write:accounts"
_LINK: Final = re.compile(r'<([^>]*)>\s*;[^,<]*?rel="?(\w+)"?')
_NOT_FOUND, _FORBIDDEN, _UNPROCESSABLE = 404, 403, 422
_KEYS: Final = re.compile(r"compatible; (Pleroma|Akkoma)")  # beside Mastodon itself and its forks
_OLD_LIMIT: Final = 500  # Mastodon's own, for servers that do not say


def path(*parts: str) -> str:
    """An address below /api/v1; the first part is ours, the rest are ids and hold no slash."""
    return "/".join(["api/v1", parts[0], *(quote(part, safe="") for part in parts[1:])])


def cursor(answer: Answer, rel: str, name: str) -> str:
    """Read where a list goes on out of its Link header; only the cursor, so that no other server is asked."""
    for where, found in _LINK.findall(answer.headers.get("Link", "")):
        if found == rel:
            return str(parse_qs(urlsplit(where).query).get(name, [""])[0])
    return ""


def rows(answer: Answer) -> list[Any]:
    """The entries of a list; anything else is an answer that cannot be read."""
    if not isinstance(answer.data, list):
        raise Unreadable("the server did not answer with a list")
    return answer.data


def explain(answer: Answer) -> ConnectorError | None:
    """What Mastodon means by a refusal; None leaves the answer to its status."""
    if answer.status == _NOT_FOUND and not isinstance(answer.data, dict):
        # A proxy or a parked domain: nothing may be taken for deleted because of that.
        return Refused(Reason.UNSUPPORTED, "what answered does not speak Mastodon's interface")
    challenge = answer.headers.get("WWW-Authenticate", "")
    if answer.status == _FORBIDDEN and "insufficient_scope" in challenge:
        return Refused(Reason.SCOPE, "this sign-in was not given the right to do that")
    if answer.status == _UNPROCESSABLE:
        details = dig(answer.data, "details")
        codes = [text_at(one, "error") for field in (details or {}) for one in entries(details, field)]
        if "ERR_TOO_LONG" in codes:
            return Refused(Reason.TOO_LONG, "the server says that this is too long")
    return oauth.explain(answer)


def address(server: str) -> str:
    """The address of a server, also where somebody typed a whole handle or left https:// out."""
    named = server.strip()
    if "://" not in named:
        return f"https://{named.rpartition('@')[2]}"
    parts = urlsplit(named)
    return f"{parts.scheme}://{parts.netloc}"


class Session:
    """One signed-in account. Who it is is asked once in a connector's life, so that a dead token shows."""

    def __init__(
        self,
        server: str,
        secrets: Mapping[str, str],
        scope: str,
        keep: Callable[[Mapping[str, str]], None] = lambda _: None,
        open_page: Callable[[str], object] = webbrowser.open,
    ) -> None:
        self.http = Http(address(server), explain)
        self._secrets = dict(secrets)
        self._scope = scope
        client = self._client(secrets.get("client_id", ""), secrets.get("client_secret", ""))
        self._oauth = OAuth(self.http, client, secrets, open_page, keep)
        self._me: dict[str, Any] = {}
        self._instance: dict[str, Any] = {}

    def sign_in(self) -> dict[str, str]:
        """Take the token that was pasted, or let the person agree in the browser; the secrets to keep."""
        if self._secrets.get("access_token"):
            self.me()
            return dict(self._secrets)
        return self._oauth.sign_in(register=self._register)

    def sign_out(self) -> None:
        """Give the token back; one that was pasted belongs to another program too."""
        if self._secrets.get("client_id"):
            self._oauth.revoke()

    def me(self) -> dict[str, Any]:
        """Our own account as the server has it."""
        return self._me or self.check()

    def check(self) -> dict[str, Any]:
        """Ask anew who we are, which any server with this interface can say."""
        try:
            found = self.read("api/v1/accounts/verify_credentials").data
        except Refused as trouble:
            if trouble.reason is not Reason.ROLE:
                raise
            raise SignInAgain("this account cannot be used now") from None  # disabled, or not confirmed
        if not text_at(found, "id"):
            raise Unreadable("the server did not say whose account this is")
        self._me = found
        return self._me

    @property
    def id(self) -> str:
        """Our account's id on this server."""
        return text_at(self.me(), "id")

    def instance(self) -> dict[str, Any]:
        """What the server says of itself; its second form where it has that."""
        if not self._instance:
            found = None
            for version in ("v2", "v1"):
                try:
                    found = self.read(f"api/{version}/instance").data
                except Refused:
                    continue
                break
            if not isinstance(found, dict):
                raise Unreadable("the server did not say what it is")
            self._instance = found
        return self._instance

    def domain(self) -> str:
        """What stands behind the @ of this server's accounts."""
        named = text_at(self.instance(), "domain") or text_at(self.instance(), "uri")
        return urlsplit(named).hostname or named or urlsplit(self.http.base_url).hostname or ""

    def limit(self, what: str, name: str, otherwise: int = 0) -> int:
        """One of the limits that the server announces, such as the characters of a status."""
        return count_at(self.instance(), "configuration", what, name) or otherwise

    def max_text(self) -> int:
        """How many characters a status holds."""
        old = count_at(self.instance(), "max_toot_chars")  # Pleroma and some forks
        return self.limit("statuses", "max_characters", old or _OLD_LIMIT)

    def honours_keys(self) -> bool:
        """Whether the server knows a command again by its Idempotency-Key; GoToSocial and Takahe do not."""
        instance = self.instance()
        native = count_at(instance, "api_versions", "mastodon") > 0
        return native or bool(_KEYS.search(text_at(instance, "version")))

    def granted(self) -> frozenset[str] | None:
        """The rights that this sign-in was given, None where nobody can say."""
        said = self._oauth.secrets().get("scope", "")
        if said:
            return frozenset(said.split())
        try:
            found = self.read("api/v1/apps/verify_credentials").data
        except (Refused, SignInAgain, Unreadable):
            return None  # the token is good, as me() has shown; it only cannot be asked about
        scopes = dig(found, "scopes")
        scopes = scopes.split() if isinstance(scopes, str) else entries(found, "scopes")
        return frozenset(one for one in scopes if isinstance(one, str)) or None

    def read(self, where: str, params: Mapping[str, Any] | None = None) -> Answer:
        """Ask."""
        return self._oauth.call(lambda headers: self.http.read(where, params, headers))

    def write(
        self, where: str, body: Mapping[str, Any] | None = None, key: str = "", method: str = "POST"
    ) -> Answer:
        """Do; with a key, once however often it is sent."""
        more = {"Idempotency-Key": key} if key else {}
        return self._oauth.call(lambda headers: self.http.write(where, body or {}, headers | more, method))

    def fresh_secrets(self) -> dict[str, str] | None:
        """All secrets, if any changed since they were last handed out."""
        return self._oauth.fresh_secrets()

    def close(self) -> None:
        """Let go of the network and of a browser that is waited for."""
        self._oauth.stop()
        self.http.close()

    def _register(self, redirect_uri: str) -> Client:
        """Introduce ourselves to the server, with the very address that the browser comes back to."""
        said = {"client_name": "Hearthlight", "redirect_uris": redirect_uri, "scopes": self._scope}
        try:
            found = self.http.write("api/v1/apps", said).data
        except OutcomeUnknown as trouble:
            raise TryLater(str(trouble), offline=True) from None  # one program more in its list hurts nobody
        client = self._client(text_at(found, "client_id"), text_at(found, "client_secret"))
        if not client.id:
            raise Unreadable("the server did not take our introduction")
        return client

    def _client(self, name: str, secret: str) -> Client:
        page = f"{self.http.base_url}/oauth/authorize"
        return Client(name, page, "oauth/token", self._scope, secret)
