"""Reading a bot's queue. Asking for what comes after an update deletes everything before it at Telegram.

Sources: core.telegram.org/bots/api (Getting updates). So what comes after is asked for only when the page
before was stored: in the next pull, or when the caller comes back for more. Unread updates live for a day.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from connectors.answers import count_at, text_at
from connectors.contract import Page, RemoteMessage
from connectors.errors import Reason, Refused, Unreadable
from connectors.telegram_api import Api, Elsewhere
from connectors.telegram_things import Us
from connectors.telegram_updates import ASKED, Memory, State, Updates

_AT_ONCE: Final = 100
_MOST_PAGES: Final = 100
_LIFE: Final = timedelta(hours=24)  # of an unread update
_HOOKED: Final = (
    "A webhook is set for this bot: another program receives its messages. Remove the webhook there,"
    " or make a bot of its own for Hearthlight."
)
_RIVAL: Final = (
    "Another program is reading this bot's messages, and Telegram hands each to one reader only."
    " Stop the other program, or make a bot of its own for Hearthlight."
)


class Walk:
    """One bot's queue. `sent`: what we sent since the last page, as Telegram answered; no update tells it."""

    def __init__(
        self, api: Api, us: Us, memory: Memory, sent: list[tuple[Any, bool]], now: Callable[[], datetime]
    ) -> None:
        self._api, self._us, self._memory, self._sent, self._now = api, us, memory, sent, now

    def pull(self, stream: str, text: str, since: datetime | None) -> Iterator[Page]:
        """All that waits; each page is confirmed to Telegram only after it was stored."""
        state = State.load(text)
        gap = state.at is not None and self._now() - state.at > _LIFE
        since = None if text else since
        done = 0
        for _ in range(_MOST_PAGES):
            found, before = self._ask(state), state.last
            state.at = self._now()
            ours = len(self._sent)
            page, skipped = self._read(found, state, since)
            done += len(found)
            yield Page(stream, page, state=state.dump(), gap=gap, skipped=skipped, done=done)
            del self._sent[:ours]  # it is stored
            gap = False
            if len(found) < _AT_ONCE or state.last == before:
                return

    def _ask(self, state: State) -> list[Any]:
        asked = {"limit": _AT_ONCE, "timeout": 0, "allowed_updates": list(ASKED)}
        try:
            found = self._api.read("getUpdates", offset=self._offset(state), **asked)
        except Elsewhere:
            raise Refused(Reason.BLOCKED, self._who()) from None
        if not isinstance(found, list):
            raise Unreadable("Telegram answered something else than updates")
        return found

    def _offset(self, state: State) -> int | None:
        """After the newest update; none after a day without: numbers begin anew after a week of silence."""
        if not state.last or state.heard is None or self._now() - state.heard >= _LIFE:
            return None
        return state.last + 1

    def _who(self) -> str:
        """Which of the two it is; the webhook's own address is nobody's business."""
        return _HOOKED if text_at(self._api.read("getWebhookInfo"), "url") else _RIVAL

    def _read(
        self, found: list[Any], state: State, since: datetime | None
    ) -> tuple[tuple[RemoteMessage, ...], int]:
        reader = Updates(self._us, state, self._memory)
        brought: dict[str, RemoteMessage] = {}
        for raw, shown in self._sent:
            brought |= {one.id: one for one in reader.message(raw) if shown}
        skipped, newest = 0, 0
        for update in found:
            number = count_at(update, "update_id")
            newest = max(newest, number)
            try:
                brought |= {one.id: one for one in reader.read(update)}
            except Unreadable:
                skipped += 1
            else:
                skipped += not number
        if newest:
            state.last, state.heard = newest, self._now()
        kept = (one for one in brought.values() if since is None or one.created_at >= since)
        return tuple(kept), skipped
