"""Mastodon's statuses as messages.

Sources: https://docs.joinmastodon.org/entities/Status/, /methods/statuses/. The interface names no
conversation: its root does, which the context of a status begins with.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from connectors.answers import count_at, dig, entries, text_at, time_at
from connectors.contract import (
    Audience,
    GoneHow,
    Kind,
    Media,
    RemoteGone,
    RemoteMessage,
    RemotePerson,
    RemotePoll,
)
from connectors.errors import Gone, Reason, Refused, Unreadable
from connectors.mastodon_session import Session, path, rows
from connectors.mastodon_text import shown, title

DIRECT: Final = "direct"
OPEN: Final = frozenset({"public", "unlisted"})
_AT_ONCE: Final = 20  # statuses that one call takes
_REMEMBERED: Final = 5000
_MEDIA: Final = {"image": "image", "video": "video", "gifv": "video", "audio": "audio"}


class Reader:
    """Reads statuses. What it remembers is only which conversation a status belongs to."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._roots: dict[str, str] = {}
        self._titles: dict[str, str] = {}
        self.in_bulk = True  # until the server turns out to be too old for it

    # ---------------------------------------------------------------- one by one and many

    def status(self, status_id: str) -> dict[str, Any]:
        """Read one; Gone where it is not there (any more) for us."""
        try:
            found = self._session.read(path("statuses", status_id)).data
        except Refused as trouble:
            if isinstance(trouble, Gone) or trouble.reason is not Reason.UNSUPPORTED:
                raise
            self._session.check()  # it is Mastodon's interface after all: some say "not found" with a page
            raise Gone("that status is no longer there") from None
        if not text_at(found, "id"):
            raise Unreadable("the server answered with something that is no status")
        if found["id"] != status_id:  # "5-and-more" is read as 5
            raise Gone("there is no such status")
        return dict(found)

    def statuses(self, ids: Sequence[str]) -> dict[str, dict[str, Any] | None]:
        """Read many; None for those that are not there (any more)."""
        found: dict[str, dict[str, Any] | None] = {}
        for start in range(0, len(ids), _AT_ONCE):
            found |= self._bulk(ids[start : start + _AT_ONCE])
        for missing in [id_ for id_ in ids if id_ not in found]:
            try:
                found[missing] = self.status(missing)  # asked by itself, as a list may be incomplete
            except Gone:
                found[missing] = None
        return found

    def fetch(self, ids: Sequence[str]) -> dict[str, RemoteMessage | RemoteGone]:
        """Re-read messages."""
        found = self.statuses(list(dict.fromkeys(ids)))
        return {
            id_: RemoteGone(id_, GoneHow.DELETED) if status is None else self.message(status)
            for id_, status in found.items()
        }

    def thread(self, status_id: str) -> list[RemoteMessage]:
        """The conversation around a status, oldest first."""
        status = self.status(status_id)
        messages, _ = self.messages([status, *self.around(status_id)])
        return sorted(messages, key=lambda message: (message.created_at, message.id))

    def around(self, status_id: str) -> list[Any]:
        """What stands above and below a status."""
        found = self._session.read(path("statuses", status_id, "context")).data
        if not isinstance(found, dict):
            raise Unreadable("the server answered with something that is no conversation")
        above, below = entries(found, "ancestors"), entries(found, "descendants")
        root = text_at(above[0], "id") if above else status_id
        self._remember(root or status_id, [*above, *below], status_id)
        return [*above, *below]

    # ---------------------------------------------------------------- one status as a message

    def messages(self, statuses: Iterable[Any]) -> tuple[list[RemoteMessage], int]:
        """Statuses as messages, each once, and how many could not be read."""
        found: dict[str, RemoteMessage] = {}
        skipped = 0
        for status in statuses:
            try:
                message = self.message(status)
            except Unreadable:
                skipped += 1
            else:
                found[message.id] = message
        return list(found.values()), skipped

    def message(self, status: Any) -> RemoteMessage:
        """One status. Any visibility that is not known to be open counts as private."""
        made, at = text_at(status, "id"), time_at(status, "created_at")
        if not made or at is None or not isinstance(dig(status, "content"), str):
            raise Unreadable("a status without an id, a time or words")
        person = person_of(dig(status, "account"))
        us = self._session.id
        text = shown(status, us)
        audience = Audience.PUBLIC if text_at(status, "visibility") in OPEN else Audience.PRIVATE
        root = self.root(status)
        if root == made and audience is Audience.PUBLIC:
            self._titles[made] = title(text)
        return RemoteMessage(
            id=made,
            thread_id=root,
            kind=self._kind(status),
            person=person,
            text=text,
            created_at=at,
            audience=audience,
            ours=person.id == us,
            parent_id=text_at(status, "in_reply_to_id") or None,
            thread_title=self._titles.get(root, "") if audience is Audience.PUBLIC else "",
            permalink=_link(text_at(status, "url") or text_at(status, "uri")),
            lang=text_at(status, "language") or None,
            edited_at=time_at(status, "edited_at"),
            revision=text_at(status, "edited_at") or text_at(status, "created_at"),
            likes=count_at(status, "favourites_count"),
            replies=count_at(status, "replies_count"),
            poll=_poll(dig(status, "poll")),
            media=tuple(_media(entries(status, "media_attachments"))),
            labels=("sensitive",) if dig(status, "sensitive") is True else (),
        )

    def root(self, status: Any) -> str:
        """The status that a conversation began with, as far up as the server can see."""
        made, above = text_at(status, "id"), text_at(status, "in_reply_to_id")
        if not above:
            return made
        known = self._roots.get(made) or self._roots.get(above)
        if known is None:
            try:
                self.around(made)
            except (Gone, Unreadable):
                return above  # not remembered: the next reading may know better
            known = self._roots.get(made, above)
        self._roots[made] = known
        return known

    def mentions_us(self, status: Any) -> bool:
        """Whether a status names our account."""
        return any(text_at(one, "id") == self._session.id for one in entries(status, "mentions"))

    def concerns_us(self, status: Any) -> bool:
        """Whether a status is ours, names us, or answers or quotes us."""
        us = self._session.id
        quoted = text_at(status, "quote", "quoted_status", "account", "id")
        about = (text_at(status, "account", "id"), text_at(status, "in_reply_to_account_id"), quoted)
        return us in about or self.mentions_us(status)

    def _kind(self, status: Any) -> Kind:
        if text_at(status, "visibility") == DIRECT:
            return Kind.DIRECT
        answers = bool(text_at(status, "in_reply_to_id"))
        if text_at(status, "in_reply_to_account_id") == self._session.id:
            return Kind.COMMENT
        if text_at(status, "account", "id") != self._session.id and self.concerns_us(status):
            return Kind.MENTION
        return Kind.COMMENT if answers else Kind.POST

    def _remember(self, root: str, statuses: Iterable[Any], itself: str) -> None:
        if len(self._roots) > _REMEMBERED:
            self._roots.clear()
            self._titles.clear()
        self._roots[itself] = root
        for status in statuses:
            self._roots[text_at(status, "id")] = root
            if text_at(status, "id") == root and text_at(status, "visibility") in OPEN:
                self._titles[root] = title(shown(status, self._session.id))

    def _bulk(self, ids: Sequence[str]) -> dict[str, dict[str, Any] | None]:
        """Those of a few statuses that the server has, in one call; none where it cannot do that."""
        if not self.in_bulk or len(ids) == 1:
            return {}
        try:
            found = rows(self._session.read("api/v1/statuses", {"id[]": list(ids)}))
        except Refused as trouble:
            if trouble.reason in (Reason.SCOPE, Reason.ROLE):
                raise
            self.in_bulk = False
            return {}
        known = {text_at(one, "id"): one for one in found}
        return {id_: known[id_] for id_ in ids if id_ in known}


def person_of(account: Any) -> RemotePerson:
    """An account; of another server's its handle says which."""
    if not text_at(account, "id") or not text_at(account, "acct"):
        raise Unreadable("an account without an id or a name")
    name = text_at(account, "display_name") or text_at(account, "username")
    return RemotePerson(account["id"], account["acct"], name, time_at(account, "created_at"))


def _poll(found: Any) -> RemotePoll | None:
    if not isinstance(found, dict):
        return None
    answers = []
    for option in entries(found, "options"):
        votes = dig(option, "votes_count")
        answers.append((text_at(option, "title"), votes if isinstance(votes, int) else None))
    voters = dig(found, "voters_count")
    return RemotePoll(
        tuple(answers),
        voters if isinstance(voters, int) else None,
        time_at(found, "expires_at"),
        closed=dig(found, "expired") is True,
        several=dig(found, "multiple") is True,
    )


def _media(found: Iterable[Any]) -> Iterator[Media]:
    for one in found:
        url = _link(text_at(one, "url") or text_at(one, "remote_url"))
        if url:
            kind = _MEDIA.get(text_at(one, "type"), "file")
            yield Media(url, kind, text_at(one, "description"))


def _link(url: str) -> str | None:
    return url if url.startswith(("https://", "http://")) else None
