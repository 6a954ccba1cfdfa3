"""Signed-in calls to one Discourse forum, and how an account signs in.

Sources: Discourse's user_api_keys_controller, default_current_user_provider and its OpenAPI description. A
key is either a user API key, made in the browser and encrypted to a key pair of ours, or an admin's API key
with a name. A key that ended and a right that is missing are told by the same 403: the session tells them
apart.
"""

import base64
import json
import re
import secrets as random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Final
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from connectors.errors import ConnectorError, Reason, Refused, SignInAgain, TryLater, Unreadable
from connectors.http import Answer, Http, an_object
from connectors.sign_in import Attempt, Loopback

SCOPES: Final = "read,write,session_info"
COPY: Final = "copy"  # typed where the forum lets no program come back by itself
_BITS: Final = 2048
_SCHEME: Final = re.compile(r"[a-z]+://")


@dataclass(frozen=True, slots=True)
class Me:
    """Our account as the forum's session knows it."""

    id: int
    username: str
    name: str
    staff: bool
    reviews: bool
    trust: int
    messages: bool  # may write private messages
    groups: tuple[str, ...]  # whose messages we read


def explain(answer: Answer) -> ConnectorError | None:
    """What Discourse's own codes say; None leaves the answer to its status."""
    kind = answer.data.get("error_type") if isinstance(answer.data, dict) else None
    if kind == "not_logged_in":
        return SignInAgain("the forum does not know this sign-in any more")
    if kind == "read_only":
        return TryLater("the forum takes nothing new while it is looked after")
    return None


def address(written: str) -> str:
    """The forum's address as people write it."""
    text = written.strip().rstrip("/")
    return text if not text or _SCHEME.match(text) else f"https://{text}"


def segment(text: object) -> str:
    """One part of a path."""
    return quote(str(text), safe="")


class KeyPair:
    """The key pair of one sign-in: only who holds it can read the forum's answer."""

    def __init__(self) -> None:
        self._private = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
        self.nonce = random.token_hex(16)
        self.client_id = random.token_hex(16)

    def page(self, base_url: str, back: str) -> str:
        """Where the person agrees; without `back` the page shows what to copy."""
        public = self._private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        query = {
            "application_name": "Hearthlight",
            "client_id": self.client_id,
            "scopes": SCOPES,
            "public_key": public.decode(),
            "nonce": self.nonce,
        } | ({"auth_redirect": back} if back else {})
        return f"{base_url}/user-api-key/new?{urlencode(query)}"

    def open(self, payload: str) -> str:
        """The key in what the forum answered, if it is the answer to this sign-in."""
        try:
            sealed = base64.b64decode("".join(payload.split()))
            # The forum chooses the padding: OpenSSL's default, which carries no choice of ours.
            found = json.loads(self._private.decrypt(sealed, padding.PKCS1v15()))
            key, nonce = str(found["key"]), str(found["nonce"])
        except (ValueError, KeyError, TypeError):
            raise SignInAgain("that is not what the forum's page shows for this sign-in") from None
        if not random.compare_digest(nonce.encode(), self.nonce.encode()) or not key:
            raise SignInAgain("the answer belongs to another sign-in")
        return key


class Session:
    """One account on one forum."""

    # Pairs whose answer somebody copies by hand, by the forum's address: they live as long as the program.
    _copied: ClassVar[dict[str, KeyPair]] = {}

    def __init__(self, values: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        self.secrets = dict(secrets)
        self._username = values.get("api_username", "").strip()
        self.http = Http(address(values.get("address", "")), explain, sound=an_object)
        self._me: Me | None = None
        self._waiting: Loopback | None = None

    # ------------------------------------------------------------------ signing in

    def sign_in(self, open_page: Callable[[str], object], port: int) -> dict[str, str]:
        """Turn what the form holds into the secrets to keep."""
        if self.secrets.get("api_key"):
            if not self._username:
                raise Refused(Reason.INVALID, "An admin's key needs the name of the account to act as.")
            self.secrets = {"api_key": self.secrets["api_key"]}
        else:
            self.secrets = self._user_key(open_page, port)
        self._who()
        return dict(self.secrets)

    def _user_key(self, open_page: Callable[[str], object], port: int) -> dict[str, str]:
        base, pasted = self.http.base_url, self.secrets.get("pasted", "").strip()
        if pasted and pasted != COPY:
            pair = self._copied.get(base)
            if pair is None:
                message = f"Write “{COPY}” first: what was copied belongs to a page that this program opened."
                raise Refused(Reason.INVALID, message)
            key = pair.open(pasted)
            del self._copied[base]
        elif pasted:
            pair = self._copied[base] = KeyPair()
            open_page(pair.page(base, ""))
            raise TryLater(
                "Agree on the forum's page, copy the text it shows into the form, and connect again."
            )
        else:
            pair = KeyPair()
            key = pair.open(self._brought_back(pair, open_page, port))
        return {"user_api_key": key, "client_id": pair.client_id}

    def _brought_back(self, pair: KeyPair, open_page: Callable[[str], object], port: int) -> str:
        attempt = Attempt()
        path = f"/{attempt.state}"
        with Loopback(port, path, named="payload", state_in_path=True) as loopback:
            self._waiting = loopback
            page = pair.page(self.http.base_url, loopback.redirect_uri)
            found = loopback.code(page, attempt, open_page=open_page)
        self._waiting = None
        return found

    def _headers(self) -> dict[str, str]:
        if self.secrets.get("user_api_key"):
            mine = self.secrets.get("client_id", "")
            return {"User-Api-Key": self.secrets["user_api_key"], "User-Api-Client-Id": mine}
        if self.secrets.get("api_key"):
            return {"Api-Key": self.secrets["api_key"], "Api-Username": self._username}
        raise SignInAgain("there is no key yet")

    # ------------------------------------------------------------------ calls

    def me(self) -> Me:
        """Who we are, asked once."""
        return self._me or self._who()

    def read(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """GET an object."""
        try:
            found = self.http.read(path, params, self._headers()).data
        except Refused as no:
            self._check(no)
            raise
        if not isinstance(found, dict):
            raise Unreadable(f"{path} answered something else than Discourse documents")
        return found

    def write(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Do one thing."""
        try:
            return self.http.write(path, body, self._headers(), method, params=params)
        except Refused as no:
            self._check(no)
            raise

    def _check(self, no: Refused) -> None:
        """After a 403: raise SignInAgain if it was the key that is no longer good."""
        if no.reason is Reason.ROLE:
            self._who()

    def _who(self) -> Me:
        try:
            found = self.http.read("session/current.json", headers=self._headers()).data
        except Refused as no:
            if no.reason in (Reason.ROLE, Reason.NOT_FOUND):  # a 404 is how the forum says "nobody"
                raise SignInAgain("the forum does not know this key any more") from None
            raise
        user = found.get("current_user") if isinstance(found, dict) else None
        if not isinstance(user, dict) or not isinstance(user.get("id"), int) or not user.get("username"):
            raise Unreadable("the forum did not say who we are")
        self._me = _me(user)
        return self._me

    def close(self) -> None:
        """End what waits."""
        if self._waiting is not None:
            self._waiting.stop()
        self.http.close()


def _me(user: Mapping[str, Any]) -> Me:
    staff = bool(user.get("admin") or user.get("moderator"))
    groups = user.get("groups") if isinstance(user.get("groups"), list) else []
    named = [one for one in groups or [] if isinstance(one, dict) and one.get("has_messages")]
    return Me(
        id=user["id"],
        username=str(user["username"]),
        name=str(user.get("name") or ""),
        staff=staff,
        reviews=bool(user.get("can_review", staff)),
        trust=int(user.get("trust_level") or 0),
        messages=bool(user.get("can_send_private_messages", True)),
        groups=tuple(str(one.get("name")) for one in named),
    )


def moment(written: object) -> datetime:
    """A time of the forum's; ValueError where it is none."""
    if not isinstance(written, str):
        raise ValueError("not a time")  # noqa: TRY004 - callers treat every unreadable value alike
    found = datetime.fromisoformat(written)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
