"""What one Mastodon account writes, each thing once and never to more people than what it answers.

Sources: https://docs.joinmastodon.org/methods/statuses/#create, /methods/reports/. A server keeps an
Idempotency-Key for an hour or so, and some know none: later, and there, our own statuses are looked through.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from connectors.answers import dig, entries, text_at, time_at
from connectors.contract import Audience, Command, Receipt, Verb
from connectors.errors import CannotTell, Gone, OutcomeUnknown, Reason, Refused
from connectors.keys import begun_at
from connectors.mastodon_read import DIRECT, OPEN, Reader
from connectors.mastodon_reports import PREFIX, Reports
from connectors.mastodon_session import Session, cursor, path, rows
from connectors.mastodon_text import addressed, body, gist, length, storable, strangers
from connectors.mastodon_walk import AT_ONCE

_SKEW: Final = timedelta(minutes=5)  # our clock may be ahead of the server's
_MOST_PAGES: Final = 10
_FEWEST: Final = 2
_HOUR: Final = 3600


class Acts:
    """Writes as our account."""

    def __init__(self, session: Session, reader: Reader, reports: Reports) -> None:
        self._session = session
        self._reader = reader
        self._reports = reports
        self._claimed: dict[str, str] = {}  # status id -> key of the command that made it

    # ---------------------------------------------------------------- words

    def reply(self, command: Command) -> Receipt:
        """Answer a status, to the people who take part in it."""
        return self._post(command, self._answer(self._target(command), command))

    def poll(self, command: Command) -> Receipt:
        """Ask below a status, visible to whoever sees that."""
        return self._post(
            command, self._answer(self._target(command), command) | {"poll": self._asked(command)}
        )

    def write(self, command: Command) -> Receipt:
        """Write to the author alone, beside the conversation."""
        return self._post(command, self._said(command.text, [self._author(command)], DIRECT, ""))

    def was_said(self, command: Command) -> Receipt | None:
        """Look through our own statuses for these words in that place, written after the command was made."""
        begun = begun_at(command.key)
        choices = _choices(command) if command.verb is Verb.POLL else []
        author = self._author(command) if command.verb is Verb.WRITE else ""
        wanted = gist(storable(command.text))
        for status in self._ours():
            at, made = time_at(status, "created_at"), text_at(status, "id")
            if begun and at and at < begun - _SKEW:
                return None
            there = text_at(status, "in_reply_to_id") == _about(command)
            if command.verb is Verb.WRITE:
                named = {text_at(one, "acct") for one in entries(status, "mentions")}
                alone = text_at(status, "visibility") == DIRECT and not text_at(status, "in_reply_to_id")
                there = alone and named == {author}
            asked = [text_at(one, "title") for one in entries(status, "poll", "options")]
            free = self._claimed.get(made, command.key) == command.key
            if there and free and asked == choices and gist(body(status, self._session.id)) == wanted:
                return self._receipt(status, command)
        return None

    # ---------------------------------------------------------------- taking back, liking, reporting

    def retract(self, command: Command) -> Receipt:
        """Delete a status of ours; one that is gone already is as good."""
        try:
            status = self._reader.status(command.target)
        except Gone:
            return Receipt(command.target)
        if text_at(status, "account", "id") != self._session.id:
            raise Refused(Reason.ROLE, "only its author can delete a post on Mastodon")
        with suppress(Gone):  # in between: some servers delete a while after they said so
            self._session.write(path("statuses", command.target), method="DELETE")
        return Receipt(command.target)

    def was_retracted(self, command: Command) -> Receipt | None:
        """Whether the status is gone."""
        try:
            self._reader.status(command.target)
        except Gone:
            return Receipt(command.target)
        return None

    def like(self, command: Command) -> Receipt:
        """Make it a favourite, or none any more; both may be said twice."""
        verb = "favourite" if command.verb is Verb.LIKE else "unfavourite"
        self._session.write(path("statuses", command.target) + f"/{verb}")
        return Receipt(command.target)

    def was_liked(self, command: Command) -> Receipt | None:
        """Whether it is as the command wants it."""
        liked = dig(self._reader.status(command.target), "favourited") is True
        return Receipt(command.target) if liked is (command.verb is Verb.LIKE) else None

    def report(self, command: Command) -> Receipt:
        """Tell those who run our server; what another server's people see is theirs to decide."""
        status = self._reader.status(command.target)
        said = {
            "account_id": text_at(status, "account", "id"),
            "status_ids": [command.target],
            "comment": command.options.get("reason") or command.text,
        }
        answer = self._session.write("api/v1/reports", said)
        if not text_at(answer.data, "id"):
            raise OutcomeUnknown("the server did not say that it took the report")
        return Receipt(f"{PREFIX}{text_at(answer.data, 'id')}")

    def was_reported(self, command: Command) -> Receipt | None:
        """Nobody can ask the server which reports they made: a person decides."""
        del command
        raise CannotTell("Mastodon does not show which reports arrived")

    # ---------------------------------------------------------------- inside

    def _target(self, command: Command) -> dict[str, Any]:
        if _about(command).startswith(PREFIX):
            raise Refused(
                Reason.UNSUPPORTED, "A report is not answered: close it, or write to whoever sent it."
            )
        return self._reader.status(_about(command))

    def _answer(self, status: dict[str, Any], command: Command) -> dict[str, Any]:
        """An answer that no more people see than what it answers.

        Followers-only means the followers of whoever writes. Ours are not theirs, so what somebody else wrote
        to their followers is answered to the people who take part, and to nobody else.
        """
        theirs, us = text_at(status, "visibility"), self._session.id
        mine = text_at(status, "account", "id") == us
        people = [] if mine else [text_at(status, "account", "acct")]
        others = [text_at(one, "acct") for one in entries(status, "mentions") if text_at(one, "id") != us]
        if theirs in OPEN and command.audience is Audience.PRIVATE:
            visibility, others = DIRECT, []
        elif theirs in OPEN or (theirs == "private" and mine):
            visibility = theirs
        else:
            visibility = DIRECT
        said = self._said(command.text, [*people, *others], visibility, text_at(status, "spoiler_text"))
        return said | {"in_reply_to_id": text_at(status, "id")}

    def _said(self, text: str, people: list[str], visibility: str, warning: str) -> dict[str, Any]:
        words = storable(text).strip()
        if not words:
            raise Refused(Reason.INVALID, "there are no words in it")
        if visibility == DIRECT and not any(people):
            raise Refused(Reason.INVALID, "there is nobody else to write to")
        if visibility not in OPEN and (
            more := strangers(words, [*people, self._us()], self._session.domain())
        ):
            raise Refused(Reason.INVALID, f"naming @{more} in it would show it to them, too: leave the @ out")
        whole = addressed(words, [person for person in people if person])
        most = self._session.max_text()
        if length(whole) + len(warning) > most:
            raise Refused(
                Reason.TOO_LONG, f"a post holds {most} characters, those it is addressed to included"
            )
        said: dict[str, Any] = {"status": whole, "visibility": visibility}
        return said | ({"spoiler_text": warning} if warning else {})

    def _us(self) -> str:
        return text_at(self._session.me(), "acct")

    def _asked(self, command: Command) -> dict[str, Any]:
        choices, seconds = _choices(command), round(float(command.options.get("hours") or 24) * _HOUR)
        most, longest = (
            self._session.limit("polls", name) for name in ("max_options", "max_characters_per_option")
        )
        least, last = (self._session.limit("polls", name) for name in ("min_expiration", "max_expiration"))
        if len(set(choices)) < max(_FEWEST, len(choices)) or (most and len(choices) > most):
            raise Refused(Reason.INVALID, f"a poll needs two to {most or 'four'} different answers here")
        if longest and any(len(choice) > longest for choice in choices):
            raise Refused(Reason.TOO_LONG, f"an answer of a poll holds {longest} characters here")
        if (least and seconds < least) or (last and seconds > last):
            raise Refused(Reason.INVALID, "this server lets no poll last so short or so long")
        return {"options": choices, "expires_in": seconds, "multiple": False}

    def _author(self, command: Command) -> str:
        if command.target.startswith(PREFIX):
            account = dig(self._reports.one(command.target), "account", "account")
        else:
            account = dig(self._reader.status(command.target), "account")
        if text_at(account, "id") in ("", self._session.id):
            raise Refused(Reason.INVALID, "there is nobody else to write to")
        return text_at(account, "acct")

    def _post(self, command: Command, said: dict[str, Any]) -> Receipt:
        if not self._session.honours_keys() and (sent := self.was_said(command)):
            return sent
        status = self._session.write("api/v1/statuses", said, command.key).data
        if not text_at(status, "id"):
            raise OutcomeUnknown("the server did not say what it made")
        return self._receipt(status, command)

    def _receipt(self, status: Any, command: Command) -> Receipt:
        made = text_at(status, "id")
        self._claimed[made] = command.key
        return Receipt(made, time_at(status, "created_at"), text_at(status, "url") or None)

    def _ours(self) -> Iterator[Any]:
        """Our own statuses, newest first."""
        where, after = path("accounts", self._session.id) + "/statuses", ""
        for _ in range(_MOST_PAGES):
            more = {"max_id": after} if after else {}
            answer = self._session.read(where, {"limit": AT_ONCE, "exclude_reblogs": "true", **more})
            found = rows(answer)
            yield from found
            before = after
            after = cursor(answer, "next", "max_id") or (text_at(found[-1], "id") if found else "")
            if not found or after in ("", before):
                return


def _about(command: Command) -> str:
    return command.target or command.thread_id


def _choices(command: Command) -> list[str]:
    try:
        found = json.loads(command.options.get("choices", "[]"))
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(one, str) and one.strip() for one in found):
        raise Refused(Reason.INVALID, "a poll needs answers to choose from")
    return [storable(one).strip() for one in found]
