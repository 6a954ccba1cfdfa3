"""What can be done in a mailbox: answering once, and putting mails aside and back."""

import logging
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from connectors.contract import Command, Receipt, Verb
from connectors.email_box import Folder
from connectors.email_find import Finder
from connectors.email_mail import AUTOMATIC, BOUNCE, LIST, MAX_TEXT, Mail, compose, made_name, storable
from connectors.email_post import Post
from connectors.errors import ConnectorError, Gone, OutcomeUnknown, Reason, Refused
from connectors.keys import begun_at

log = logging.getLogger(__name__)

_WHY: Final[Mapping[str, str]] = {
    AUTOMATIC: "No person wrote this: a program would get the answer.",
    LIST: "This came over a mailing list: an answer could reach everybody on it.",
    BOUNCE: "This says that a mail could not be delivered: nobody would read the answer.",
}
_TO: Final[Mapping[Verb, str]] = {Verb.SPAM: "junk", Verb.REMOVE: "trash", Verb.RESTORE: "inbox"}
_NO_FOLDER: Final[Mapping[str, str]] = {
    "junk": "This mailbox has no folder for spam.",
    "trash": "This mailbox has no folder for what was thrown away.",
}
_NO_MOVE: Final = "This mail server cannot move a mail in one step; do it in the mailbox itself."
_ON_ITS_WAY: Final = timedelta(minutes=2)  # that our own copy may take
_LOOKS, _BETWEEN = 10, 0.2  # for it, right after sending


class Acts:
    """What one account does during one signed-in connection."""

    def __init__(self, finder: Finder, post: Post, sender: tuple[str, str], stopped: threading.Event) -> None:
        self._finder, self._box, self._post = finder, finder.box, post
        self._sender = sender
        self._stopped = stopped

    def why_not(self) -> dict[Verb, str]:
        """The verbs that this server does not allow, with the reason."""
        found = {}
        for verb, role in _TO.items():
            if "MOVE" not in self._box.abilities:
                found[verb] = _NO_MOVE
            elif self._finder.folder(role) is None:
                found[verb] = _NO_FOLDER[role]
        return found

    def perform(self, command: Command) -> Receipt:
        return self._reply(command) if command.verb is Verb.REPLY else self._move(command)

    def find(self, command: Command) -> Receipt | None:
        """Look whether it was done.

        Our own copy of an answer takes a moment: until it must have come, nothing can be said.
        """
        if command.verb is not Verb.REPLY:
            return self._was_moved(command)
        found = self._sent(command)
        begun = begun_at(command.key)
        if found is None and begun is not None and datetime.now(UTC) - begun < _ON_ITS_WAY:
            raise OutcomeUnknown("no copy of the answer has come yet; it may be on its way")
        return found

    def _sent(self, command: Command) -> Receipt | None:
        name = made_name(command.key, self._sender[1])
        found = [mail for folder in self._finder.live() for mail in self._finder.mails(folder, [name])]
        return Receipt(name, found[0].at) if found else None

    def _reply(self, command: Command) -> Receipt:
        if not storable(command.text) or not command.text.strip():
            raise Refused(Reason.INVALID, "there are no words in it, or signs that a mail cannot carry")
        if len(command.text) > MAX_TEXT:
            raise Refused(Reason.TOO_LONG, f"an answer holds {MAX_TEXT} characters")
        done = self._sent(command)
        if done is not None:
            return done
        target = self._finder.get(command.target)
        to = self._answered(target)
        name = made_name(command.key, self._sender[1])
        mail = compose(self._sender, to, target, command.text, name)
        raw = mail.as_bytes()
        self._post.send(self._sender[1], to, self._copy_to(), raw)
        log.debug("an answer was handed in")
        self._file(name, raw, target)
        return Receipt(name, parsedate_to_datetime(mail["Date"]).astimezone(UTC))

    def _answered(self, target: Mail) -> list[str]:
        """Whom an answer goes to: the writer, or for a mail of ours those whom it went to."""
        if target.automatic:
            raise Refused(Reason.UNSUPPORTED, _WHY[target.automatic])
        ours = self._finder.is_ours(target)
        found = target.recipients if ours else target.answer_to
        to = [address for address in dict.fromkeys(found) if address != self._sender[1]]
        if not to:
            raise Refused(Reason.UNSUPPORTED, "there is no address that an answer could go to")
        return to

    def _copy_to(self) -> str:
        """Ourselves: that copy proves that the server did its work. Gmail keeps one of its own accord."""
        return "" if "X-GM-EXT-1" in self._box.abilities else self._sender[1]

    def _file(self, name: str, raw: bytes, target: Mail) -> None:
        """Put our copy where it belongs, and mark what it answers; it is sent, whatever happens here."""
        try:
            self._box.mark(target.folder, target.record.uid, "\\Answered")
            if self._copy_to():
                self._file_copy(name, raw)
        except ConnectorError as trouble:
            log.warning("the answer was sent, but its copy could not be filed: %s", trouble)

    def _file_copy(self, name: str, raw: bytes) -> None:
        inbox, sent = self._finder.folder("inbox"), self._finder.folder("sent")
        if sent is None:
            self._box.create("Sent")
            sent = Folder("Sent", "sent")
        kept = bool(self._finder.mails(sent, [name]))  # some providers do it themselves
        came = self._arrived(inbox, name) if inbox is not None else None
        if came is not None and inbox is not None:
            self._box.mark(inbox, came, "\\Seen")
            if not kept and "MOVE" in self._box.abilities:
                self._box.move(inbox, came, sent)
                return
        if not kept:
            self._box.add(sent, raw)

    def _arrived(self, inbox: Folder, name: str) -> int | None:
        """Wait a moment for our own copy."""
        for _ in range(_LOOKS):
            found = self._finder.mails(inbox, [name])
            if found:
                return found[0].record.uid
            if self._stopped.wait(_BETWEEN):
                return None
        return None

    def _move(self, command: Command) -> Receipt:
        why_not = self.why_not().get(command.verb)
        if why_not:
            raise Refused(Reason.UNSUPPORTED, why_not)
        done = self._was_moved(command)
        if done is not None:
            return done
        mail = self._finder.find(command.target, self._sources(command.verb))
        if mail is None:
            raise Gone("this mail is no longer in the mailbox")
        if self._finder.is_ours(mail):
            raise Refused(Reason.UNSUPPORTED, "this is a mail of ours; only what others wrote is put aside")
        self._box.move(mail.folder, mail.record.uid, self._target(command.verb))
        return Receipt(command.target)

    def _was_moved(self, command: Command) -> Receipt | None:
        if self.why_not().get(command.verb):
            return None
        found = self._finder.find(command.target, [self._target(command.verb)])
        still = self._finder.find(command.target, self._sources(command.verb))
        return Receipt(command.target) if found and not still else None

    def _sources(self, verb: Verb) -> list[Folder]:
        aside = [each for each in self._finder.folders() if each.role in ("trash", "junk")]
        return aside if verb is Verb.RESTORE else self._finder.live()

    def _target(self, verb: Verb) -> Folder:
        found = self._finder.folder(_TO[verb])
        assert found is not None, "why_not says so before"
        return found
