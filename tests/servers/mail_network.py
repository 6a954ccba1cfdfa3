"""The mail provider of email.sh as tests see it: everybody's mailboxes, through plain imaplib and smtplib.

`provider` connects to one that runs, or starts one and stops it afterwards. Nothing of the connector is used
here, so that it is never tested with itself. `Line` is a bad line between a mail program and the provider.
"""

import email.policy
import imaplib
import json
import re
import smtplib
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage, Message
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Self
from uuid import uuid4

import pytest

SCRIPT = Path(__file__).with_name("email.sh")
DOMAIN = "mail.test"


def _script(verb: str, seconds: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", str(SCRIPT), verb], capture_output=True, text=True, timeout=seconds, check=False
    )


@pytest.fixture(scope="session")
def provider() -> Iterator["Provider"]:
    """A whole provider; its certificate authority is the only one that anybody trusts meanwhile."""
    found = _script("status", 60)
    ours = found.returncode != 0
    if ours:
        found = _script("start", 900)
    if found.returncode != 0:
        pytest.fail(f"no mail provider: {found.stderr[-2000:]}")
    info = json.loads(found.stdout)
    made = Provider(Path(info["folder"]), info["port"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(made.folder / "ca.pem"))
        yield made
    if ours:
        _script("stop", 60)


@dataclass
class Provider:
    """Ports of the servers, and new mailboxes."""

    folder: Path
    port: int
    _unused: dict[str, list["Account"]] = field(default_factory=dict)

    @property
    def imap(self) -> str:
        return f"imap://localhost:{self.port}"

    @property
    def imaps(self) -> str:
        return f"imaps://localhost:{self.port + 1}"

    @property
    def smtp(self) -> str:
        return f"smtp://localhost:{self.port + 2}"

    @property
    def smtps(self) -> str:
        return f"smtps://localhost:{self.port + 3}"

    def account(self, name: str) -> "Account":
        """A new mailbox that nobody else has."""
        if not self._unused.get(name):  # some at once: Dovecot looks for new ones only every second
            self._unused[name] = [
                Account(self, f"{name}{uuid4().hex[:10]}@{DOMAIN}", f"pw-{uuid4().hex}") for _ in range(50)
            ]
            self._write({made.address: made.password for made in self._unused[name]})
            self._unused[name][-1].wait_for_sign_in(works=True)
        return self._unused[name].pop()

    def _write(self, passwords: dict[str, str]) -> None:
        users = self.folder / "users"
        kept = [line for line in users.read_text().splitlines() if line.split(":")[0] not in passwords]
        fresh = self.folder / f"users.{uuid4().hex}"
        lines = [f"{address}:{{PLAIN}}{password}::::::" for address, password in passwords.items()]
        fresh.write_text("\n".join([*kept, *lines]) + "\n")
        fresh.replace(users)

    def admin(self, *words: str) -> str:
        """What only the provider's staff can do."""
        config = str(self.folder / "dovecot.conf")
        done = subprocess.run(
            ["doveadm", "-c", config, *words], capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout


@dataclass
class Account:
    """Somebody with a mailbox, doing what people do there."""

    provider: Provider
    address: str
    password: str

    def change_password(self) -> None:
        """The old one is worthless from now on."""
        self.provider._write({self.address: f"changed {uuid4().hex}"})
        self.wait_for_sign_in(works=False)

    def wait_for_sign_in(self, *, works: bool) -> None:
        for _ in range(100):
            try:
                with self.box():
                    found = True
            except imaplib.IMAP4.error:
                found = False
            if found is works:
                return
            threading.Event().wait(0.05)
        raise AssertionError("the server did not look at its accounts again")

    @contextmanager
    def box(self) -> Iterator[imaplib.IMAP4_SSL]:
        context = ssl.create_default_context(cafile=str(self.provider.folder / "ca.pem"))
        with imaplib.IMAP4_SSL("localhost", self.provider.port + 1, ssl_context=context) as box:
            box.login(self.address, self.password)
            yield box

    def write(self, to: str, text: str, subject: str = "Hello", **headers: str) -> str:
        """Send a mail; its Message-ID without brackets."""
        mail = EmailMessage(policy=email.policy.SMTP)
        mail["From"], mail["To"], mail["Subject"] = self.address, to, subject
        mail.set_content(text)
        return self.send(mail, to, **headers)

    def answer(self, to: str, text: str, parent: str, subject: str = "Re: Hello") -> str:
        return self.write(to, text, subject, **{"In-Reply-To": f"<{parent}>", "References": f"<{parent}>"})

    def send(self, mail: Message, to: str, **headers: str) -> str:
        """Send a mail that is made already."""
        for name, value in headers.items():
            mail[name] = value
        if "Date" not in mail:
            mail["Date"] = formatdate()
        if "Message-ID" not in mail:
            mail["Message-ID"] = make_msgid(domain=DOMAIN)
        self.hand_in(mail.as_bytes(), to)
        return str(mail["Message-ID"]).strip("<> ")

    def hand_in(self, raw: bytes, *to: str) -> None:
        context = ssl.create_default_context(cafile=str(self.provider.folder / "ca.pem"))
        with smtplib.SMTP("localhost", self.provider.port + 2, "[127.0.0.1]") as smtp:
            smtp.starttls(context=context)
            smtp.login(self.address, self.password)
            smtp.sendmail(self.address, to, raw)

    def mails(self, folder: str = "INBOX") -> list[Message]:
        """Every mail of a folder, read without a trace."""
        with self.box() as box:
            box.select(f'"{folder}"', readonly=True)
            return [
                email.message_from_bytes(piece[1], policy=email.policy.default)
                for number in box.search(None, "ALL")[1][0].split()
                for piece in box.fetch(number.decode(), "(BODY.PEEK[])")[1]
                if isinstance(piece, tuple)
            ]

    def flags(self, name: str, folder: str = "INBOX") -> set[str]:
        """The flags of a mail; none where it is not there."""
        with self.box() as box:
            box.select(f'"{folder}"', readonly=True)
            found = box.search(None, "HEADER", "Message-ID", f'"<{name}>"')[1][0].split()
            if not found:
                return set()
            said = box.fetch(found[0].decode(), "(FLAGS)")[1][0]
            assert isinstance(said, bytes)
            return set(re.findall(r"\\?\w+", said.decode().split("FLAGS", 1)[1]))

    def has(self, name: str, folder: str = "INBOX") -> bool:
        return any(str(mail["Message-ID"]).strip("<> ") == name for mail in self.mails(folder))

    def file(self, raw: bytes, folder: str = "INBOX", when: str = "") -> None:
        """Put a mail straight into a folder, as moving a mailbox from elsewhere does."""
        with self.box() as box:
            box.append(f'"{folder}"', "", when, raw)

    def delete(self, name: str) -> None:
        """Throw a mail away for good."""
        with self.box() as box:
            box.select("INBOX")
            for number in box.search(None, "HEADER", "Message-ID", f'"<{name}>"')[1][0].split():
                box.store(number.decode(), "+FLAGS", "\\Deleted")
            box.expunge()


Change = Callable[[bytes], bytes]


class Line:
    """A line on loopback in front of a server; it can be cut, and what the server says can be changed.

    What is encrypted passes unread. Servers that begin with STARTTLS say hello in the open; that much can be
    changed. To read and cut inside a conversation the line speaks TLS itself, on both sides.
    """

    def __init__(self, provider: Provider, port: int) -> None:
        self._server = port
        self._trusted = ssl.create_default_context(cafile=str(provider.folder / "ca.pem"))
        self._own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._own.load_cert_chain(provider.folder / "cert.pem", provider.folder / "key.pem")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._ends: list[socket.socket] = []
        self.change: Change | None = None  # of what the server says
        self.cut_before: bytes | None = None  # the server's words that never arrive, once
        self.cut_after: int | None = None  # bytes of the server's that arrive, once
        self.lose_request: bytes | None = None  # the client's words that never arrive, once
        self.heard = b""  # everything that the client said

    def __enter__(self) -> Self:
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        for end in self._ends:
            self._hang_up(end)
        for thread in self._threads:
            thread.join()
        for end in self._ends:  # not before: another thread could still read from a number given anew
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                near = self._own.wrap_socket(client, server_side=True)
                plain = socket.create_connection(("127.0.0.1", self._server))
                far = self._trusted.wrap_socket(plain, server_hostname="localhost")
            except OSError:
                client.close()
                continue
            self._ends += [near, far]
            for work in (lambda n=near, f=far: self._answers(n, f), lambda n=near, f=far: self._asks(n, f)):
                thread = threading.Thread(target=work)
                self._threads.append(thread)
                thread.start()

    def _asks(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while said := near.recv(65536):
                self.heard += said
                if self.lose_request is not None and self.lose_request in said:
                    self.lose_request = None
                    break
                far.sendall(said)
        self._hang_up(near, far)

    def _answers(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while said := far.recv(65536):
                if self.cut_before is not None and self.cut_before in said:
                    self.cut_before = None
                    break
                if self.cut_after is not None:
                    if len(said) > self.cut_after:
                        near.sendall(said[: self.cut_after])
                        self.cut_after = None
                        break
                    self.cut_after -= len(said)
                near.sendall(self.change(said) if self.change else said)
        self._hang_up(near, far)

    def _hang_up(self, *ends: socket.socket) -> None:
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
