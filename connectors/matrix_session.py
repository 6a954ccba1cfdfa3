"""Signed-in calls to a Matrix homeserver.

Sources: the Matrix client-server specification (https://spec.matrix.org), sections 2 to 5. Errors are an
HTTP status with a code in `errcode`. Ids in a path are percent-encoded: they hold `!`, `$`, `:` and `/`.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

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
from connectors.http import Answer, Http, an_object

CLIENT: Final = "_matrix/client/v3"
RELATIONS: Final = "_matrix/client/v1"
ADMIN: Final = "_synapse/admin/v1"
_TOKEN_CODES: Final = {"M_UNKNOWN_TOKEN", "M_MISSING_TOKEN"}
_ACCOUNT_CODES: Final = {"M_USER_DEACTIVATED", "M_USER_LOCKED"}
_REASONS: Final = {
    "M_NOT_FOUND": Reason.NOT_FOUND,
    "M_FORBIDDEN": Reason.ROLE,
    "M_GUEST_ACCESS_FORBIDDEN": Reason.ROLE,
    "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM": Reason.ROLE,
    "M_USER_SUSPENDED": Reason.BLOCKED,
    "M_CONSENT_NOT_GIVEN": Reason.SCOPE,
    "M_TOO_LARGE": Reason.TOO_LONG,
    "M_UNRECOGNIZED": Reason.UNSUPPORTED,
    "M_DUPLICATE_ANNOTATION": Reason.STALE,
    "M_BAD_JSON": Reason.INVALID,
    "M_NOT_JSON": Reason.INVALID,
    "M_BAD_STATE": Reason.STALE,
}


class _Lapsed(SignInAgain):
    """This token is no longer good; a new one may be."""


def path(*parts: str) -> str:
    """Join a path; every part after the first is encoded whole."""
    return "/".join([parts[0], *(quote(part, safe="") for part in parts[1:])])


def explain(answer: Answer) -> ConnectorError | None:
    """Map Matrix's own codes; None leaves the answer to its status."""
    found = answer.data.get("errcode") if isinstance(answer.data, dict) else None
    code = found if isinstance(found, str) else ""
    if code in _TOKEN_CODES:
        return _Lapsed(f"the session has ended ({code})")
    if code in _ACCOUNT_CODES:
        return SignInAgain(f"the account cannot be used now ({code})")
    if code in _REASONS:
        words = f"the Matrix server said no ({code})"
        reason = _REASONS[code]
        return Gone(words) if reason is Reason.NOT_FOUND else Refused(reason, words)
    if answer.status == 404 and not code:  # noqa: PLR2004 - HTTP
        # Somebody on the way who is no Matrix server; nothing may be taken for deleted because of that.
        return Refused(Reason.UNSUPPORTED, "what answered is not a Matrix server")
    return None


class Session:
    """One signed-in account. Whoever finds the token lapsed renews it once for all.

    A password is turned into tokens and forgotten; where the refresh token has lapsed too, the person signs
    in again.
    """

    def __init__(
        self,
        server: str,
        secrets: Mapping[str, str],
        keep: Callable[[Mapping[str, str]], None] = lambda _: None,
    ) -> None:
        self._server = server.strip()
        self._keep = keep
        self._secrets = {key: value for key, value in secrets.items() if key != "password"}
        self._password = secrets.get("password", "")
        self._handed_out = dict(self._secrets)
        self._renewing = threading.Lock()
        self._http: Http | None = None

    @property
    def http(self) -> Http:
        """The connection to the server that the account lives on."""
        if self._http is None:
            self._http = Http(self._secrets.get("base") or _address(self._server), explain, sound=an_object)
        return self._http

    @property
    def user(self) -> str:
        """Our account's id."""
        if "user_id" not in self._secrets:
            self._learn_who()
        return self._secrets["user_id"]

    def sign_in(self, name: str) -> dict[str, str]:
        """Turn the password, or the token that was pasted, into the secrets to keep."""
        pasted = self._secrets.pop("access_token", "")
        self._secrets["base"] = _discovered(self._server)
        self._http = None
        if self._password:
            self._log_in(name)
        elif pasted:
            self._secrets["access"] = pasted
            self._secrets.pop("refresh", None)
            self._learn_who()
        else:
            raise SignInAgain("there is neither a password nor an access token")
        self._password = ""
        self._handed_out = dict(self._secrets)
        return dict(self._secrets)

    def sign_out(self) -> None:
        """End this device's session; one whose token was pasted belongs to another program."""
        if "refresh" in self._secrets or "device_id" in self._secrets:
            self.write(f"{CLIENT}/logout", {})

    def fresh_secrets(self) -> dict[str, str] | None:
        """All secrets, if any changed since they were last handed out."""
        if self._secrets == self._handed_out:
            return None
        self._handed_out = dict(self._secrets)
        return dict(self._secrets)

    def read(self, where: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Ask; the answer is always an object."""
        answer = self._signed(lambda headers: self.http.read(where, params, headers))
        if not isinstance(answer.data, dict):
            raise Unreadable("the Matrix server did not answer with an object")
        return answer.data

    def write(self, where: str, body: Mapping[str, Any], method: str = "POST") -> dict[str, Any]:
        """Do; sent once, or twice where the first was turned away for its token."""
        answer = self._signed(lambda headers: self.http.write(where, body, headers, method))
        if not isinstance(answer.data, dict):
            raise OutcomeUnknown("the Matrix server did not say what it did")
        return answer.data

    def close(self) -> None:
        """Let go of the network."""
        if self._http is not None:
            self._http.close()

    def _log_in(self, name: str) -> None:
        flows = self.http.read(f"{CLIENT}/login").data
        known = flows.get("flows") if isinstance(flows, dict) else None
        kinds = [flow.get("type") for flow in known or [] if isinstance(flow, dict)]
        if "m.login.password" not in kinds:
            message = "this server takes no passwords here: paste an access token instead"
            raise Refused(Reason.UNSUPPORTED, message)
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": name.strip()},
            "password": self._password,
            "refresh_token": True,
            "initial_device_display_name": "Hearthlight",
        }
        if "device_id" in self._secrets:
            # The same device goes on: the server tells repeated commands by it.
            body["device_id"] = self._secrets["device_id"]
        try:
            answer = _repeatable(lambda: self.http.write(f"{CLIENT}/login", body))
        except Refused as trouble:
            if trouble.reason is Reason.ROLE:
                raise SignInAgain("the name or the password is wrong") from None
            raise
        self._secrets.pop("refresh", None)
        self._take(answer, "access_token", "user_id", "device_id")

    def _learn_who(self) -> None:
        found = self.read(f"{CLIENT}/account/whoami")
        if not isinstance(found.get("user_id"), str):
            raise Unreadable("the server did not say whose account this is")
        self._secrets["user_id"] = found["user_id"]
        if isinstance(found.get("device_id"), str):
            self._secrets["device_id"] = found["device_id"]

    def _signed(self, call: Callable[[Mapping[str, str]], Answer]) -> Answer:
        token = self._token()
        try:
            return call(_headers(token))
        except _Lapsed:
            self._renew(token)
        return call(_headers(self._token()))

    def _token(self) -> str:
        token = self._secrets.get("access") or self._secrets.get("access_token")
        if not token:
            raise SignInAgain("there is no access token")
        return token

    def _renew(self, lapsed: str) -> None:
        with self._renewing:
            if self._token() != lapsed:
                return  # somebody else did while we waited
            if "refresh" not in self._secrets:
                raise SignInAgain("the session has ended")
            body = {"refresh_token": self._secrets["refresh"]}
            try:
                answer = _repeatable(lambda: self.http.write(f"{CLIENT}/refresh", body))
            except Refused:
                raise SignInAgain("the session has ended") from None
            self._take(answer, "access_token")
            # Before its first use: from then on the server refuses the refresh token that came before it.
            self._keep(dict(self._secrets))

    def _take(self, answer: Answer, *needed: str) -> None:
        found = answer.data if isinstance(answer.data, dict) else {}
        if not all(isinstance(found.get(key), str) and found[key] for key in needed):
            raise TryLater("the server's answer to the sign-in was incomplete")
        ours = {"access_token": "access", "refresh_token": "refresh"}
        for key in (*needed, "refresh_token"):
            if isinstance(found.get(key), str):
                self._secrets[ours.get(key, key)] = found[key]


def _address(server: str) -> str:
    """A server's name as an address; a name may be typed as people say it."""
    return server if "://" in server else f"https://{server}"


def _discovered(server: str) -> str:
    """Where the server of this name really answers; it may tell under a well-known address."""
    own = Http(_address(server))
    try:
        found = own.read(".well-known/matrix/client").data
    except (Refused, Unreadable):
        found = None
    finally:
        own.close()
    home = found.get("m.homeserver") if isinstance(found, dict) else None
    told = home.get("base_url") if isinstance(home, dict) else None
    if not isinstance(told, str) or not told:
        return own.base_url
    if own.base_url.startswith("https:") and not told.startswith("https:"):
        raise Refused(Reason.INVALID, "the server names an address that is not protected")
    return told


def _repeatable(call: Callable[[], Answer]) -> Answer:
    """Signing in twice does no harm, so a lost answer is only a reason to try later."""
    try:
        return call()
    except OutcomeUnknown as trouble:
        raise TryLater(str(trouble), offline=True) from None


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
