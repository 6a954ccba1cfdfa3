"""Handing one mail in at an SMTP server (RFC 5321), once.

Until the server has the words nothing was done, and every trouble says so. From then on only its answer
tells: where none comes, the outcome is unknown.
"""

import smtplib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from connectors.email_server import SILENCE, Address, context, while_connecting
from connectors.errors import ConnectorError, OutcomeUnknown, Reason, Refused, SignInAgain, TryLater

_OK: Final = (250, 251)
_REFUSED, _TOO_LARGE = 500, 552
_SIGN_IN: Final = {530, 534, 535, 538}
_NAMES_US: Final = "[127.0.0.1]"  # an address literal: this machine's name is nobody's business


@dataclass(frozen=True, slots=True)
class Post:
    """An account's way to send."""

    server: Address
    user: str
    password: str

    def check(self) -> None:
        """Sign in and out again."""
        smtp = self._signed_in()
        _leave(smtp)

    def send(self, sender: str, to: Sequence[str], copy: str, raw: bytes) -> None:
        """Everybody in `to`, or nobody; `copy` gets one too where the server lets it."""
        smtp = self._signed_in()
        try:
            self._address(smtp, sender, to, copy, raw)
            self._hand_in(smtp, raw)
        finally:
            _leave(smtp)

    def _signed_in(self) -> smtplib.SMTP:
        host, port = self.server.host, self.server.port
        with while_connecting(self.server):
            smtp: smtplib.SMTP
            if self.server.at_once:
                smtp = smtplib.SMTP_SSL(host, port, _NAMES_US, timeout=SILENCE, context=context())
            else:
                smtp = smtplib.SMTP(host, port, _NAMES_US, SILENCE)
                _spoken_to(smtp, lambda: smtp.starttls(context=context()))
        return _spoken_to(smtp, lambda: smtp.login(self.user, self.password))

    def _address(self, smtp: smtplib.SMTP, sender: str, to: Sequence[str], copy: str, raw: bytes) -> None:
        """Name sender and recipients; one that is refused stops it all."""

        def name_them() -> None:
            smtp.ehlo_or_helo_if_needed()
            international = not all(name.isascii() for name in (sender, *to, copy))
            if international and not smtp.has_extn("smtputf8"):
                raise Refused(Reason.UNSUPPORTED, "this mail server cannot write to such an address")
            options = [f"SIZE={len(raw)}"] if smtp.has_extn("size") else []
            _expect(smtp.mail(sender, [*options, "SMTPUTF8"] if international else options), Reason.ROLE)
            for name in to:
                _expect(smtp.rcpt(name), Reason.BLOCKED)
            if copy:
                smtp.rcpt(copy)

        _spoken_to(smtp, name_them)

    def _hand_in(self, smtp: smtplib.SMTP, raw: bytes) -> None:
        try:
            answer = smtp.data(raw)
        except smtplib.SMTPDataError as trouble:  # it did not even want to begin
            raise _refusal(trouble.smtp_code, Reason.BLOCKED) from None
        except (smtplib.SMTPException, OSError) as trouble:
            message = (
                f"the mail server hung up before it said whether it took the mail: {type(trouble).__name__}"
            )
            raise OutcomeUnknown(message) from None
        _expect(answer, Reason.BLOCKED)


def _spoken_to(smtp: smtplib.SMTP, talk: Callable[[], object]) -> smtplib.SMTP:
    """Everything before the words themselves: whatever goes wrong, nothing was sent."""
    try:
        talk()
    except (Refused, TryLater, SignInAgain):
        smtp.close()
        raise
    except ssl.SSLCertVerificationError:  # named by whoever is connecting
        smtp.close()
        raise
    except smtplib.SMTPResponseException as trouble:
        smtp.close()
        raise _refusal(trouble.smtp_code, Reason.ROLE) from None
    except smtplib.SMTPNotSupportedError:
        smtp.close()
        raise Refused(Reason.UNSUPPORTED, "the mail server offers no encryption or no sign-in") from None
    except UnicodeError:
        smtp.close()
        raise SignInAgain("this server cannot take a password with such letters") from None
    except (smtplib.SMTPException, OSError) as trouble:
        smtp.close()
        kind = type(trouble).__name__
        raise TryLater(f"the mail server hung up: {kind}", offline=True) from None
    return smtp


def _expect(answer: tuple[int, bytes], reason: Reason) -> None:
    if answer[0] not in _OK:
        raise _refusal(answer[0], reason)


def _refusal(code: int, reason: Reason) -> ConnectorError:
    """What a reply code means; its words are the server's and are not read."""
    if code in _SIGN_IN:
        return SignInAgain(f"the mail server did not accept this sign-in ({code})")
    if code < _REFUSED:
        return TryLater(f"the mail server cannot take a mail now ({code})")
    if code == _TOO_LARGE:
        return Refused(Reason.TOO_LONG, "the mail server takes no mail of this length")
    words = "whoever it is for cannot be reached" if reason is Reason.BLOCKED else "this account may not send"
    return Refused(reason, f"the mail server said no: {words} ({code})")


def _leave(smtp: smtplib.SMTP) -> None:
    try:
        smtp.quit()
    except (smtplib.SMTPException, OSError):
        smtp.close()  # it has said all that matters
