"""Proof that a token's user holds its key: DPoP (RFC 9449), as ES256 signatures made for each request.

A server may ask for its own nonce in every proof: it says so with a refusal that did nothing, and the
request goes out once more.
"""

import base64
import hashlib
import threading
import time
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import jwt
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

_SCHEME: Final = "DPoP "
_ASKS: Final = (400, 401)  # the statuses with which a server asks for a nonce


class Prover(requests.auth.AuthBase):
    """Puts a proof on every request of a session: one key for one sign-in, nonces for each server."""

    def __init__(self, pem: str = "") -> None:
        key = serialization.load_pem_private_key(pem.encode(), None) if pem else None
        self._key = key if isinstance(key, ec.EllipticCurvePrivateKey) else _new_key()
        self._nonces: dict[str, str] = {}
        self._lock = threading.Lock()

    def pem(self) -> str:
        """The private key as text, for the vault."""
        plain = serialization.NoEncryption()
        form = serialization.PrivateFormat.PKCS8
        return self._key.private_bytes(serialization.Encoding.PEM, form, plain).decode()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign a request, and hear the answer to it."""
        self._prove(request)
        request.register_hook("response", self._heard)  # type: ignore[no-untyped-call]  # as requests has it
        return request

    def _prove(self, request: requests.PreparedRequest) -> None:
        url = urlsplit(request.url or "")
        claims: dict[str, Any] = {
            "jti": uuid4().hex,
            "htm": request.method,
            "htu": f"{url.scheme}://{url.netloc}{url.path}",
            "iat": int(time.time()),
        }
        authorization = request.headers.get("Authorization", "")
        if authorization.startswith(_SCHEME):
            digest = hashlib.sha256(authorization.removeprefix(_SCHEME).encode()).digest()
            claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        with self._lock:
            nonce = self._nonces.get(_origin(request.url))
        if nonce:
            claims["nonce"] = nonce
        public = jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        head = {"typ": "dpop+jwt", "jwk": public}
        request.headers["DPoP"] = jwt.encode(claims, self._key, algorithm="ES256", headers=head)

    def _heard(self, response: requests.Response, **how: Any) -> requests.Response:
        """Remember the server's nonce; where it was refused for an old one, send the request again."""
        fresh = response.headers.get("DPoP-Nonce", "")
        origin = _origin(response.request.url)
        if not fresh:
            return response
        with self._lock:
            self._nonces[origin] = fresh
        # A refusal did nothing, so once more is still once, whatever it was really about.
        if response.status_code not in _ASKS or _nonce_of(response.request) == fresh:
            return response
        again = response.request.copy()
        response.close()
        self._prove(again)
        answer: requests.Response = response.connection.send(again, **how)
        answer.history.append(response)
        answer.request = again
        return answer


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _nonce_of(request: requests.PreparedRequest) -> str:
    claims = jwt.decode(request.headers["DPoP"], options={"verify_signature": False})
    return str(claims.get("nonce", ""))


def _origin(url: str | None) -> str:
    parts = urlsplit(url or "")
    return f"{parts.scheme}://{parts.netloc}"
