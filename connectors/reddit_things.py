"""Reddit's things as messages: posts (t3), comments (t1), and the reports on them, which have no id."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from connectors.answers import dig, text_at
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
from connectors.errors import Unreadable
from connectors.reddit_session import moment_at

REPORT: Final = "report:"
FULLNAME: Final = re.compile(r"t[13]_[0-9a-z]{1,13}")
CHOICES: Final = {
    "approve": "Approve it and close its reports",
    "ignore": "Approve it and take no more reports about it",
}
_DELETED: Final = "[deleted]"
_TAKEN_DOWN: Final = frozenset({"[removed]", "[ Removed by Reddit ]", "[ Removed by reddit ]"})
_IN_CONTEXT: Final = re.compile(r"/comments/([0-9a-z]{1,13})/")
_PLACE: Final = "https://www.reddit.com"


@dataclass(frozen=True, slots=True)
class Reader:
    """Turns things into messages; `is_me` knows our name, `now` is when a report without a time was seen."""

    is_me: Callable[[str], bool]
    named: re.Pattern[str]  # our own name as a mention
    now: Callable[[], datetime]

    def read(self, thing: Any, *, mention: bool = False) -> RemoteMessage | RemoteGone:
        """A post or comment, or that it is gone; Unreadable where it is neither."""
        kind, data = text_at(thing, "kind"), dig(thing, "data")
        name, made = text_at(data, "name"), moment_at(data, "created_utc")
        if kind not in ("t1", "t3") or not FULLNAME.fullmatch(name) or made is None:
            raise Unreadable("a thing without its kind, name or time")
        how = gone_how(data)
        if how is not None:
            return RemoteGone(name, how)
        return self._comment(data, made, mention=mention) if kind == "t1" else self._post(data, made)

    def reports(self, thing: Any) -> Iterator[RemoteMessage]:
        """The reports on a post or comment. Reddit never says when, nor which member."""
        data = dig(thing, "data")
        name = text_at(data, "name")
        said = [(entry, False) for entry in _list(data, "user_reports")]
        said += [(entry, True) for entry in _list(data, "mod_reports")]
        for entry, by_moderator in said:
            if not isinstance(entry, list) or len(entry) < 2:  # noqa: PLR2004 - the words, then how many or who
                raise Unreadable("a report in no shape that Reddit documents")
            words = entry[0] if isinstance(entry[0], str) else ""
            who = entry[1] if by_moderator and isinstance(entry[1], str) else ""
            count = 1 if by_moderator or not isinstance(entry[1], int) else entry[1]
            yield RemoteMessage(
                id=REPORT + f"{name}:{_digest(f'{who}|{words}', 10)}",
                thread_id=thread_of(data),
                kind=Kind.REPORT,
                person=_person(who),
                text=words,
                created_at=self.now(),
                audience=Audience.PRIVATE,
                ours=bool(who) and self.is_me(who),
                subject_id=name,
                reason=words or None,
                thread_title=text_at(data, "link_title") or text_at(data, "title"),
                channel=text_at(data, "subreddit"),
                permalink=_link(data),
                revision=str(count),
                likes=max(count - 1, 0),  # how many more said the same
                choices=CHOICES,
            )

    def _comment(self, data: Any, made: datetime, *, mention: bool) -> RemoteMessage:
        body, thread = data.get("body"), thread_of(data)
        if not isinstance(body, str) or not thread:
            raise Unreadable("a comment without words or post")
        mine = self.is_me(text_at(data, "author"))
        about_us = not mine and (mention or self.named.search(body) is not None)
        return RemoteMessage(
            id=text_at(data, "name"),
            thread_id=thread,
            kind=Kind.MENTION if about_us else Kind.COMMENT,
            person=_person(text_at(data, "author")),
            text=body,
            created_at=made,
            ours=mine,
            parent_id=text_at(data, "parent_id") or None,
            thread_title=text_at(data, "link_title"),
            channel=text_at(data, "subreddit"),
            permalink=_link(data),
            edited_at=moment_at(data, "edited"),
            revision=_digest(body, 12),
            hidden=taken_down(data),
            likes=_count(data, "score"),
            choices=CHOICES if _waits(data) else {},
        )

    def _post(self, data: Any, made: datetime) -> RemoteMessage:
        title, words = text_at(data, "title"), text_at(data, "selftext")
        link = "" if data.get("is_self") else text_at(data, "url")
        text = "\n\n".join(part for part in (title, words, link) if part)
        mine = self.is_me(text_at(data, "author"))
        return RemoteMessage(
            id=text_at(data, "name"),
            thread_id=text_at(data, "name"),
            kind=Kind.MENTION if not mine and self.named.search(text) else Kind.POST,
            person=_person(text_at(data, "author")),
            text=text,
            created_at=made,
            ours=mine,
            thread_title=title,
            channel=text_at(data, "subreddit"),
            permalink=_link(data),
            edited_at=moment_at(data, "edited"),
            # Not `edited`: what is changed within three minutes is never marked.
            revision=_digest(json.dumps([title, words, link]), 12),
            hidden=taken_down(data),
            likes=_count(data, "score"),
            replies=_count(data, "num_comments"),
            poll=_poll(data),
            media=tuple(_media(data)),
            choices=CHOICES if _waits(data) else {},
        )


def named(name: str) -> re.Pattern[str]:
    """Find "u/name" in a text, as Reddit itself does."""
    return re.compile(rf"(?<![\w/-])/?u/{re.escape(name)}(?![\w-])", re.IGNORECASE)


def gone_how(data: Any) -> GoneHow | None:
    """How a thing went; None where its words are still there.

    An author who closed the account shows as deleted too, and what they wrote stays. What moderators took
    down they still see: `taken_down`.
    """
    words = text_at(data, "body") or text_at(data, "selftext")
    category = text_at(data, "removed_by_category")
    if words == _DELETED or category in ("deleted", "author"):
        return GoneHow.DELETED
    return GoneHow.REMOVED if words in _TAKEN_DOWN else None


def taken_down(data: Any) -> bool:
    """Whether only moderators see it: removed, marked as spam or held back by a filter."""
    return bool(dig(data, "banned_by") or dig(data, "removed") or dig(data, "spam"))


def thread_of(data: Any) -> str:
    """The post that a thing belongs to; the inbox only says it in an address."""
    name = text_at(data, "name")
    if name.startswith("t3_"):
        return name
    found = _IN_CONTEXT.search(text_at(data, "context"))
    return text_at(data, "link_id") or (f"t3_{found[1]}" if found else "")


def look(thing: Any) -> str:
    """How a thing looks to a moderator, without votes, which change all the time."""
    data = dig(thing, "data")
    parts = [dig(data, key) for key in ("title", "body", "selftext", "author", "user_reports", "mod_reports")]
    return _digest(json.dumps([*parts, taken_down(data)], default=str), 10)


def _waits(data: Any) -> bool:
    return taken_down(data) or bool(_list(data, "user_reports") or _list(data, "mod_reports"))


def _person(name: str) -> RemotePerson | None:
    """Somebody, by the name that Reddit never lets anybody change; None for a closed account."""
    return RemotePerson(name.casefold(), f"u/{name}") if name and name != _DELETED else None


def _link(data: Any) -> str | None:
    path = text_at(data, "permalink") or text_at(data, "context").partition("?")[0]
    return _PLACE + path if path.startswith("/") else None


def _list(data: Any, key: str) -> list[Any]:
    found = dig(data, key)
    return found if isinstance(found, list) else []


def _count(data: Any, key: str) -> int:
    found = dig(data, key)
    return max(found, 0) if isinstance(found, int) and not isinstance(found, bool) else 0


def _poll(data: Any) -> RemotePoll | None:
    poll = dig(data, "poll_data")
    if not isinstance(poll, dict):
        return None
    options = [option for option in _list(poll, "options") if isinstance(option, dict)]
    answers = tuple(  # until it ends, votes are only shown to whoever voted
        (text_at(one, "text"), _count(one, "vote_count") if "vote_count" in one else None) for one in options
    )
    millis = poll.get("voting_end_timestamp")
    closes = moment_at({"at": millis // 1000}, "at") if isinstance(millis, int) else None
    return RemotePoll(answers, _count(poll, "total_vote_count"), closes)


def _media(data: Any) -> Iterator[Media]:
    for item in _list(dig(data, "gallery_data"), "items"):
        source = text_at(dig(data, "media_metadata", text_at(item, "media_id"), "s"), "u")
        if source.startswith("https://"):
            yield Media(source, alt=text_at(item, "caption"))
    url = text_at(data, "url")
    if text_at(data, "post_hint") == "image" and url.startswith("https://"):
        yield Media(url)
    film = text_at(data, "media", "reddit_video", "fallback_url") if dig(data, "is_video") else ""
    if film.startswith("https://"):
        yield Media(film, "video")


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:length]
