"""Where mail programs hand in what they send: aiosmtpd, signed in and encrypted, delivering to Dovecot.

Accounts are the lines of the file that Dovecot reads, `address:{PLAIN}password`. What somebody whose address
begins with "saved" sends is filed under Sent by the provider, as the large ones do.
"""

import imaplib
import smtplib
import ssl
import sys
import threading
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

FOLDER, PORT = Path(sys.argv[1]), int(sys.argv[2])


def accounts() -> dict[str, str]:
    """Every address with its password."""
    lines = (FOLDER / "users").read_text().splitlines()
    return {line.split(":")[0]: line.split("}")[1].split(":")[0] for line in lines}


class Delivery:
    """Takes mail for the accounts that there are, and for nobody else."""

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address.lower() not in accounts():
            return "550 5.1.1 there is nobody of this name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        for address in envelope.rcpt_tos:  # LMTP answers for each one, smtplib reads one answer only
            with smtplib.LMTP("127.0.0.1", PORT + 4) as dovecot:
                dovecot.sendmail(envelope.mail_from, [address], envelope.content)
        if envelope.mail_from.startswith("saved"):
            keep(envelope.mail_from.lower(), envelope.content)
        return "250 2.0.0 queued"


def keep(address: str, content: bytes) -> None:
    """File a copy as the provider itself."""
    context = ssl.create_default_context(cafile=str(FOLDER / "ca.pem"))
    with imaplib.IMAP4_SSL("localhost", PORT + 1, ssl_context=context) as box:
        box.login(address, accounts()[address])
        box.append("Sent", "\\Seen", "", content)


def authenticate(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
) -> AuthResult:
    known = accounts().get(data.login.decode().lower())
    # Saying `handled` with a failure would leave the client without any answer.
    return AuthResult(success=known is not None and known == data.password.decode(), handled=False)


def serve() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(FOLDER / "cert.pem", FOLDER / "key.pem")
    shared = {"hostname": "127.0.0.1", "authenticator": authenticate, "auth_required": True}
    shared |= {"data_size_limit": 5_000_000, "enable_SMTPUTF8": True}
    Controller(Delivery(), port=PORT + 2, tls_context=context, auth_require_tls=True, **shared).start()
    Controller(Delivery(), port=PORT + 3, ssl_context=context, auth_require_tls=False, **shared).start()
    threading.Event().wait()


if __name__ == "__main__":
    serve()
