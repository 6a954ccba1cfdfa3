"""What the updates of a bot say, one after the other, with what later ones need to be understood.

Sources: core.telegram.org/bots/api (Update). A reaction and a vote name a message by number only, and an
answer in a small group names only the message before it: what was read is remembered for that.
"""

import json
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from connectors.answers import count_at, dig, entries, text_at, time_at
from connectors.contract import Audience, Kind, RemoteMessage
from connectors.errors import Unreadable
from connectors.telegram_api import whole
from connectors.telegram_things import (
    Place,
    Us,
    has_content,
    is_record,
    message,
    poll_of,
    words_of,
)

_ROOTS, _TOPICS, _POSTS, _POLLS, _RECENT, _CHATS = 500, 200, 200, 200, 500, 50
_MESSAGES: Final = ("message", "edited_message", "channel_post", "edited_channel_post")
ASKED: Final = (
    *_MESSAGES,
    *("poll", "poll_answer", "my_chat_member", "chat_member", "message_reaction", "message_reaction_count"),
)
_OUT: Final = ("left", "kicked")


@dataclass(slots=True)
class State:
    """What a pull hands to the next; it holds no words of anybody.

    `last`: the newest update that was read, `heard` when; `at`: when Telegram was last asked. `roots`: where
    the chains of answers of small groups began; `topics`: names; `posts`: of channels; `polls`: whose votes
    may come.
    """

    last: int = 0
    heard: datetime | None = None
    at: datetime | None = None
    roots: dict[str, int] = field(default_factory=dict)
    topics: dict[str, str] = field(default_factory=dict)
    posts: dict[str, int] = field(default_factory=dict)
    polls: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def load(cls, text: str) -> "State":
        """Read a state; of one that makes no sense nothing is kept, which may repeat but loses nothing."""
        try:
            kept = json.loads(text) if text else {}
        except ValueError:
            kept = {}
        return cls(
            count_at(kept, "last"),
            time_at(kept, "heard"),
            time_at(kept, "at"),
            {key: one for key, one in _dict(kept, "roots").items() if isinstance(one, int)},
            {key: one for key, one in _dict(kept, "topics").items() if isinstance(one, str)},
            {key: one for key, one in _dict(kept, "posts").items() if isinstance(one, int)},
            {key: one for key, one in _dict(kept, "polls").items() if _is_poll(one)},
        )

    def dump(self) -> str:
        """Write it, with only as much as the next pull can use."""
        return json.dumps(
            {
                "last": self.last,
                "heard": self.heard.isoformat() if self.heard else None,
                "at": self.at.isoformat() if self.at else None,
                "roots": _newest(self.roots, _ROOTS),
                "topics": _newest(self.topics, _TOPICS),
                "posts": _newest(self.posts, _POSTS),
                "polls": _newest(self.polls, _POLLS),
            }
        )


def _dict(kept: Any, name: str) -> dict[str, Any]:
    found = dig(kept, name)
    return found if isinstance(found, dict) else {}


def _is_poll(one: Any) -> bool:
    known = isinstance(one, dict) and all(isinstance(part, str) for part in one.values())
    return known and one.get("kind") in list(Kind) and one.get("audience") in list(Audience)


def _newest(kept: dict[str, Any], most: int) -> dict[str, Any]:
    return dict(list(kept.items())[-most:])


class Memory:
    """What was read since the program started: messages that reactions may come for, and the bot's groups.

    A reaction counts for a message once, however often Telegram tells of it.
    """

    def __init__(self) -> None:
        self.groups: dict[int, None] = {}
        self._recent: OrderedDict[tuple[int, int], tuple[RemoteMessage, int]] = OrderedDict()

    def keep(self, chat: int, number: int, one: RemoteMessage) -> RemoteMessage:
        """Remember a message; one that was edited keeps its reactions."""
        known, seen = self._recent.pop((chat, number), (one, 0))
        kept = replace(one, likes=known.likes)
        self._recent[chat, number] = kept, seen
        while len(self._recent) > _RECENT:
            self._recent.popitem(last=False)
        return kept

    def react(self, chat: int, number: int, update: int, likes: int, *, more: bool) -> RemoteMessage | None:
        """So many reactions (`more`: beside those before); the message, if it is known."""
        one, seen = self._recent.get((chat, number), (None, 0))
        if one is None or update <= seen:
            return one
        now = replace(one, likes=max(0, one.likes + likes if more else likes))
        self._recent[chat, number] = now, update
        return now

    def enter(self, group: int) -> None:
        """The bot is in there."""
        self.groups.pop(group, None)
        self.groups[group] = None
        while len(self.groups) > _CHATS:
            del self.groups[next(iter(self.groups))]

    def leave(self, group: int) -> None:
        """The bot is no longer in there."""
        self.groups.pop(group, None)

    def forget(self) -> None:
        """Let go of everybody's words."""
        self._recent.clear()


class Updates:
    """Reads updates in their order; what the next ones need goes into the state and the memory."""

    def __init__(self, us: Us, state: State, memory: Memory) -> None:
        self._us, self._state, self._memory = us, state, memory

    def read(self, update: Any) -> Iterator[RemoteMessage]:
        """The messages that an update brings or changes; Unreadable where it is not as documented."""
        for name in _MESSAGES:
            if dig(update, name) is not None:
                yield from self.message(update[name])
        if dig(update, "poll") is not None:
            yield from self._poll(update["poll"])
        if dig(update, "message_reaction") is not None:
            one = update["message_reaction"]
            more = len(entries(one, "new_reaction")) - len(entries(one, "old_reaction"))
            yield from self._reaction(update, one, more, more=True)
        if dig(update, "message_reaction_count") is not None:
            one = update["message_reaction_count"]
            total = sum(count_at(kind, "total_count") for kind in entries(one, "reactions"))
            yield from self._reaction(update, one, total, more=False)
        if dig(update, "my_chat_member") is not None:
            self._our_place(update["my_chat_member"])

    def message(self, raw: Any) -> Iterator[RemoteMessage]:
        """A message, also one that we sent ourselves; none where it is a notice or known already."""
        if not is_record(raw):
            raise Unreadable("a message that is not as Telegram documents it")
        self._notice(raw)
        place = self._place(raw)
        if not has_content(raw) or self._posted_before(raw):
            return
        one = message(raw, self._us, place, self._title(raw, place))
        chat = whole(raw, "chat", "id")
        if one.poll is not None:
            self._state.polls.setdefault(text_at(raw, "poll", "id"), _remembered(one))  # it may be passed on
        yield self._memory.keep(chat, count_at(raw, "message_id"), one)

    def _notice(self, raw: Any) -> None:
        """What a message says about its chat."""
        chat, kind = whole(raw, "chat", "id"), text_at(raw, "chat", "type")
        moved = whole(raw, "migrate_to_chat_id")
        if moved:
            self._memory.leave(chat)
            self._memory.enter(moved)
        elif kind != "private":
            self._memory.enter(chat)
        if kind == "channel":
            self._state.posts[f"{chat}:{count_at(raw, 'message_id')}"] = 1
        name = text_at(raw, "forum_topic_created", "name") or text_at(raw, "forum_topic_edited", "name")
        if name:
            self._state.topics[str(Place(chat, topic=count_at(raw, "message_thread_id")))] = name

    def _posted_before(self, raw: Any) -> bool:
        """Whether it is the copy, in the group for comments, of a channel's post that was read."""
        origin = (
            f"{whole(raw, 'forward_origin', 'chat', 'id')}:{count_at(raw, 'forward_origin', 'message_id')}"
        )
        return dig(raw, "is_automatic_forward") is True and origin in self._state.posts

    def _place(self, raw: Any) -> Place:
        """The conversation of a message: its chat, its topic, or where its chain of answers began."""
        chat, number = whole(raw, "chat", "id"), count_at(raw, "message_id")
        thread = count_at(raw, "message_thread_id")
        if thread and dig(raw, "is_topic_message") is True:
            return Place(chat, topic=thread)
        if text_at(raw, "chat", "type") == "private":
            return Place(chat)
        direct = count_at(raw, "direct_messages_topic", "topic_id")
        if direct:
            return Place(chat, direct=direct)
        parent = dig(raw, "reply_to_message")
        before = count_at(parent, "message_id")
        if thread or not before:
            return Place(chat, root=thread or number)
        known = self._state.roots.get(f"{chat}:{before}")
        root = known or count_at(parent, "message_thread_id") or before
        self._state.roots[f"{chat}:{number}"] = root
        return Place(chat, root=root)

    def _title(self, raw: Any, place: Place) -> str:
        parent = dig(raw, "reply_to_message")
        if place.topic:
            name = self._state.topics.get(str(place)) or text_at(parent, "forum_topic_created", "name")
            if name:
                self._state.topics[str(place)] = name
            return name
        return words_of(parent) if parent and count_at(parent, "message_id") == place.root else ""

    def _poll(self, raw: Any) -> Iterator[RemoteMessage]:
        """The votes of a poll whose message was read; of any other nobody knows where it stands."""
        key = text_at(raw, "id")
        if not key or not entries(raw, "options"):
            raise Unreadable("a poll that is not as Telegram documents it")
        kept = self._state.polls.get(key)
        at = time_at(kept, "at")
        if kept is None or at is None:
            return
        ours = kept.get("ours") == "yes"
        yield RemoteMessage(
            id=kept.get("id", ""),
            thread_id=kept.get("thread", ""),
            kind=Kind(kept["kind"]),
            person=None,
            text=text_at(raw, "question"),
            created_at=at,
            audience=Audience(kept["audience"]),
            ours=ours,
            parent_id=kept.get("parent") or None,
            revision=kept.get("revision", ""),
            poll=poll_of(raw, ours=ours),
        )

    def _reaction(self, update: Any, raw: Any, likes: int, *, more: bool) -> Iterator[RemoteMessage]:
        chat, number = whole(raw, "chat", "id"), count_at(raw, "message_id")
        one = self._memory.react(chat, number, count_at(update, "update_id"), likes, more=more)
        if one is not None:
            yield one

    def _our_place(self, raw: Any) -> None:
        chat = whole(raw, "chat", "id")
        if text_at(raw, "chat", "type") == "private" or not chat:
            return
        if text_at(raw, "new_chat_member", "status") in _OUT:
            self._memory.leave(chat)
        else:
            self._memory.enter(chat)


def _remembered(one: RemoteMessage) -> dict[str, str]:
    """What a later count of votes does not say."""
    return {
        "id": one.id,
        "thread": one.thread_id,
        "kind": one.kind.value,
        "audience": one.audience.value,
        "parent": one.parent_id or "",
        "ours": "yes" if one.ours else "",
        "revision": one.revision,
        "at": one.created_at.isoformat(),
    }
