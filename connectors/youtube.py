"""YouTube: the comments on a channel's videos, those that are held, and their answers.

Sources: the discovery document youtube v3 (revision 20261104). There are no direct messages, no polls and no
likes on comments in this API. The order is by when a thread began: new answers below old threads show only in
their count, so the newest threads are looked at again.
"""

import json
import webbrowser
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from connectors import oauth
from connectors.contract import (
    Ability,
    Budget,
    Command,
    Connector,
    Field,
    GoneHow,
    Kind,
    Page,
    Probe,
    Receipt,
    RemoteGone,
    RemoteMessage,
    RemotePerson,
    Verb,
    verbs,
)
from connectors.errors import CannotTell, Gone, OutcomeUnknown, Reason, Refused, Unreadable
from connectors.http import Http, an_object
from connectors.youtube_api import Api, Quota, explain, load

_API: Final = "https://youtube.googleapis.com"
_ACCOUNTS: Final = "https://oauth2.googleapis.com"
_PAGE_OF_CONSENT: Final = "https://accounts.google.com/o/oauth2/v2/auth"
_SCOPE: Final = "https://www.googleapis.com/auth/youtube.force-ssl"
_STATUS: Final = {"comments": "published", "held": "heldForReview", "spam": "likelySpam"}
_OVERLAP: Final = timedelta(hours=2)
_WATCHED: Final = 100  # newest threads whose count of answers is looked at in each pull
_KNOWN: Final = 600  # messages whose look is remembered, so that only changes are brought again
_MOST_PAGES: Final = 400
_IDS: Final = 50  # the most that one call takes
_MOST_TEXT: Final = 10_000
_NOTHING: Final = "YouTube's interface for programs has nothing of the kind."
_LACKS: Final = {
    Verb.LIKE: "YouTube lets no program like a comment.",
    Verb.UNLIKE: "YouTube lets no program like a comment.",
    Verb.WRITE: "YouTube has no direct messages.",
    Verb.POLL: "YouTube lets no program start a poll.",
    Verb.END_POLL: "YouTube lets no program end a poll.",
    Verb.UNBAN: "A hidden person is shown again in YouTube Studio only.",
    **dict.fromkeys((Verb.RESOLVE, Verb.ESCALATE, Verb.REPORT, Verb.LABEL, Verb.UNLABEL), _NOTHING),
    **dict.fromkeys((Verb.LOCK, Verb.UNLOCK, Verb.MUTE, Verb.UNMUTE, Verb.KICK), _NOTHING),
}
_CAN: Final = frozenset(Verb) - frozenset(_LACKS)
_MODERATION: Final = {
    Verb.HIDE: ("heldForReview", False),
    Verb.UNHIDE: ("published", False),
    Verb.RESTORE: ("published", False),
    Verb.REMOVE: ("rejected", False),
    Verb.BAN: ("rejected", True),
}


@dataclass(slots=True)
class _State:
    """What a pull of one stream hands to the next.

    `mark` is when the newest thread of the last whole walk began; `known` how messages looked; `threads` the
    count of answers of the newest threads.
    """

    mark: datetime | None = None
    known: dict[str, str] = field(default_factory=dict)
    threads: dict[str, int] = field(default_factory=dict)

    @classmethod
    def load(cls, text: str) -> "_State":
        kept = load(text)
        mark = kept.get("mark")
        try:
            return cls(
                datetime.fromisoformat(mark) if mark else None,
                {str(key): str(look) for key, look in kept.get("known", {}).items()},
                {str(key): int(count) for key, count in kept.get("threads", {}).items()},
            )
        except (ValueError, TypeError, AttributeError):
            return cls()

    def dump(self, quota: Quota) -> str:
        known = dict(list(self.known.items())[-_KNOWN:])
        threads = dict(list(self.threads.items())[-_WATCHED:])
        mark = self.mark.isoformat() if self.mark else None
        return json.dumps({"mark": mark, "known": known, "threads": threads, "quota": quota.to_json()})


class YoutubeConnector(Connector):
    """One channel, read and moderated by whoever owns it."""

    platform = "youtube"
    name = "YouTube"
    fields = (
        Field(
            "client_id",
            "Client id",
            "Of a desktop client that you made in the Google Cloud console, with the YouTube Data API on.",
        ),
        Field("client_secret", "Client secret", "Stands beside the client id.", secret=True),
        Field(
            "units",
            "Units a day",
            "What Google allows your project; 10,000 unless you asked for more.",
            required=False,
            default="10000",
        ),
    )
    streams = tuple(_STATUS)
    poll_seconds = 300  # every pull costs units
    tested_on: ClassVar[Mapping[Verb, str]] = dict.fromkeys(_CAN, "specification")
    lacks = _LACKS
    open_page: ClassVar[Callable[[str], object]] = staticmethod(webbrowser.open)

    def __init__(self, values: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        super().__init__(values, secrets)
        units = values.get("units", "")
        self.quota = Quota(int(units) if units.isdecimal() and int(units) else Quota().most)
        client = oauth.Client(
            id=values.get("client_id", ""),
            page=values.get("consent", _PAGE_OF_CONSENT),
            token_path="token",  # noqa: S106 - an address
            scope=_SCOPE,
            secret=secrets.get("client_secret", ""),
            more={"access_type": "offline", "prompt": "consent"},
            revoke_path="revoke",
        )
        accounts = Http(values.get("accounts", _ACCOUNTS), oauth.explain)
        self._oauth = oauth.OAuth(accounts, client, secrets, type(self).open_page, self._keep_now)
        http = Http(values.get("api", _API), explain, sound=an_object)
        self._api = Api(http, self._oauth, self.quota, lambda: datetime.now(UTC))
        self._channel = ""
        self._titles: dict[str, str] = {}

    def _keep_now(self, secrets: Mapping[str, str]) -> None:
        self.keep(secrets)  # whoever runs us sets it after we were made

    def authorize(self) -> Mapping[str, str]:
        """Let the owner agree in the browser."""
        self.secrets = self._oauth.sign_in()
        return dict(self.secrets)

    def probe(self) -> Probe:
        found = self._api.read("channels", part="snippet,statistics", mine="true").get("items", [])
        if not found:
            raise Refused(Reason.ROLE, "This Google account has no YouTube channel.")
        snippet = found[0].get("snippet", {})
        self._channel = str(found[0].get("id", ""))
        return Probe(
            account_id=self._channel,
            handle=str(snippet.get("customUrl") or snippet.get("title", "")),
            name=str(snippet.get("title", "")),
            server=self._api.http.base_url,
            verbs=verbs(_CAN, _LACKS),
            streams=dict.fromkeys(self.streams, Ability(can=True)),
            max_text=_MOST_TEXT,
        )

    # ------------------------------------------------------------------ reading

    def pull(self, stream: str, state: str, since: datetime | None = None) -> Iterator[Page]:
        self.quota.take(load(state).get("quota"), datetime.now(UTC))
        known = _State.load(state)
        # A walk goes from new to old: its mark counts only once it has met what the last one knew.
        bound = known.mark - _OVERLAP if known.mark else since
        walked: set[str] = set()
        newest = known.mark
        for answer, last in self._pages(stream, bound):
            threads, skipped = _readable(answer.get("items", []))
            fresh = [one for one in threads if bound is None or one.at >= bound]
            walked |= {one.id for one in fresh}
            newest = max((at for at in (newest, *(one.at for one in fresh)) if at), default=None)
            messages = self._changed(known, fresh, stream, since)
            if last:
                known.mark = newest
            yield Page(stream, messages, state=known.dump(self.quota), skipped=skipped)
        yield from self._below_old_threads(known, walked, stream, since)

    def _pages(self, stream: str, bound: datetime | None) -> Iterator[tuple[dict[str, Any], bool]]:
        """The threads of a stream, newest first, back to the bound; and whether a page is the last."""
        after = ""
        for _ in range(_MOST_PAGES):
            answer = self._api.read(
                "commentThreads",
                part="snippet,replies",
                allThreadsRelatedToChannelId=self._mine(),
                moderationStatus=_STATUS[stream],
                order="time",
                maxResults=100,
                textFormat="plainText",
                pageToken=after,
            )
            following = str(answer.get("nextPageToken") or "")
            threads, _skipped = _readable(answer.get("items", []))
            met = bound is not None and any(one.at < bound for one in threads)
            last = met or not following or following == after
            yield answer, last
            if last:
                return
            after = following

    def _below_old_threads(
        self, known: _State, walked: set[str], stream: str, since: datetime | None
    ) -> Iterator[Page]:
        """New answers below threads that no walk meets any more show in their counts."""
        old = [key for key in known.threads if key not in walked]
        for begin in range(0, len(old), _IDS):
            ids = ",".join(old[begin : begin + _IDS])
            answer = self._api.read(
                "commentThreads", part="snippet,replies", id=ids, textFormat="plainText", maxResults=100
            )
            threads, skipped = _readable(answer.get("items", []))
            messages = self._changed(known, threads, stream, since)
            if messages or skipped:
                yield Page(stream, messages, state=known.dump(self.quota), skipped=skipped)

    def _changed(
        self, known: _State, threads: Sequence["_Thread"], stream: str, since: datetime | None
    ) -> tuple[RemoteMessage, ...]:
        """What these threads hold that is new or looks otherwise than it did; they are remembered."""
        found: list[dict[str, Any]] = []
        for thread in threads:
            answers = thread.answers
            if thread.count > len(answers) and known.threads.get(thread.id, -1) != thread.count:
                answers = list(self._answers(thread.id))  # a thread brings five of them at most
            known.threads.pop(thread.id, None)
            known.threads[thread.id] = thread.count
            found += [thread.top, *answers]
        self._name_videos(found)
        messages = []
        for raw in found:
            message = self._message(raw, held=stream != "comments")
            look = f"{message.revision}|{message.likes}|{message.replies}|{message.hidden}"
            if known.known.get(message.id) == look or (since and message.created_at < since):
                continue
            known.known.pop(message.id, None)
            known.known[message.id] = look
            messages.append(message)
        return tuple(messages)

    def _answers(self, parent: str) -> Iterator[dict[str, Any]]:
        after = ""
        for _ in range(_MOST_PAGES):
            answer = self._api.read(
                "comments",
                part="snippet",
                parentId=parent,
                maxResults=100,
                textFormat="plainText",
                pageToken=after,
            )
            yield from (one for one in answer.get("items", []) if _is_comment(one))
            following = str(answer.get("nextPageToken") or "")
            if not following or following == after:
                return
            after = following

    def _comments(self, **which: str) -> dict[str, Any]:
        return self._api.read("comments", part="snippet", maxResults=100, textFormat="plainText", **which)

    def fetch(self, ids: Sequence[str]) -> list[RemoteMessage | RemoteGone]:
        found: dict[str, RemoteMessage] = {}
        for begin in range(0, len(ids), _IDS):
            some = ids[begin : begin + _IDS]
            answer = self._api.read(
                "comments", part="snippet", id=",".join(some), textFormat="plainText", maxResults=100
            )
            raw = [one for one in answer.get("items", []) if _is_comment(one)]
            self._name_videos(raw)
            found.update((str(one["id"]), self._message(one)) for one in raw)
        return [found.get(one) or RemoteGone(one, GoneHow.DELETED) for one in ids]

    def thread(self, message_id: str) -> list[RemoteMessage]:
        root = _root(message_id)
        (top,) = self.fetch([root])
        if isinstance(top, RemoteGone):
            raise Gone("that comment is no longer there")
        answers = list(self._answers(root))
        self._name_videos(answers)
        return sorted([top, *(self._message(one) for one in answers)], key=lambda m: (m.created_at, m.id))

    def _mine(self) -> str:
        if not self._channel:
            self.probe()
        return self._channel

    def _name_videos(self, comments: Sequence[dict[str, Any]]) -> None:
        wanted = {str(one["snippet"].get("videoId") or "") for one in comments} - self._titles.keys() - {""}
        every = sorted(wanted)
        for begin in range(0, len(every), _IDS):
            answer = self._api.read(
                "videos", part="snippet", id=",".join(every[begin : begin + _IDS]), maxResults=50
            )
            self._titles.update(
                (str(one.get("id")), str(one.get("snippet", {}).get("title", "")))
                for one in answer.get("items", [])
                if isinstance(one, dict)
            )
        self._titles.update((key, self._titles.get(key, "")) for key in every)

    def _message(self, raw: dict[str, Any], *, held: bool = False) -> RemoteMessage:
        snippet, key = raw["snippet"], str(raw["id"])
        author = snippet.get("authorChannelId") or {}
        person = None
        if isinstance(author, dict) and author.get("value"):
            name = str(snippet.get("authorDisplayName") or "")
            person = RemotePerson(str(author["value"]), name, name)
        video = str(snippet.get("videoId") or "")
        written, changed = (
            _at(snippet["publishedAt"]),
            _at(snippet.get("updatedAt") or snippet["publishedAt"]),
        )
        parent = str(snippet.get("parentId") or "") or None
        title = self._titles.get(video, "")
        return RemoteMessage(
            id=key,
            thread_id=_root(key),
            kind=Kind.COMMENT,
            person=person,
            text=str(snippet.get("textOriginal") or snippet.get("textDisplay") or ""),
            created_at=written,
            ours=person is not None and person.id == self._channel_known(),
            parent_id=parent,
            thread_title=title,
            channel=title,
            permalink=f"https://www.youtube.com/watch?v={video}&lc={key}" if video else None,
            edited_at=changed if changed != written else None,
            revision=changed.isoformat(),
            hidden=held or snippet.get("moderationStatus", "published") != "published",
            likes=int(snippet.get("likeCount") or 0),
            replies=int(raw.get("totalReplyCount") or 0),
        )

    def _channel_known(self) -> str:
        return self._channel or self._mine()

    # ------------------------------------------------------------------ acting

    def perform(self, command: Command) -> Receipt:
        if command.verb not in _CAN:
            raise Refused(Reason.UNSUPPORTED, _LACKS[command.verb])
        with self._api.asked():
            return self._do(command)

    def _do(self, command: Command) -> Receipt:
        if command.verb is Verb.REPLY:
            return self._reply(command)
        self._there(command.target)
        if command.verb is Verb.RETRACT:
            self._api.write("DELETE", "comments", {"id": command.target})
        elif command.verb is Verb.SPAM:
            self._api.write("POST", "comments/markAsSpam", {"id": command.target})
        else:
            status, ban = _MODERATION[command.verb]
            params = {"id": command.target, "moderationStatus": status}
            if ban:
                params["banAuthor"] = "true"
            self._api.write("POST", "comments/setModerationStatus", params)
        return Receipt(command.target)

    def _reply(self, command: Command) -> Receipt:
        if not command.text.strip():
            raise Refused(Reason.INVALID, "A reply needs words.")
        if len(command.text) > _MOST_TEXT:
            raise Refused(Reason.TOO_LONG, f"At most {_MOST_TEXT} characters.")
        self._there(command.target)
        body = {"snippet": {"parentId": _root(command.target), "textOriginal": command.text}}
        made = self._api.write("POST", "comments", {"part": "snippet"}, body)
        if not _is_comment(made):
            raise OutcomeUnknown("YouTube answered a reply without saying what it made")
        return self._receipt(made)

    def _there(self, message_id: str) -> None:
        """What is gone is said to be gone: YouTube lets one answer below a thread whose answer is gone."""
        (found,) = self.fetch([message_id])
        if isinstance(found, RemoteGone):
            raise Gone("that comment is no longer there")

    def _receipt(self, made: dict[str, Any]) -> Receipt:
        video = str(made["snippet"].get("videoId") or "")
        link = f"https://www.youtube.com/watch?v={video}&lc={made['id']}" if video else None
        return Receipt(str(made["id"]), _at(made["snippet"]["publishedAt"]), link)

    def find_sent(self, command: Command) -> Receipt | None:
        """A reply by its words below its thread; moderation by how the comment stands now."""
        with self._api.asked():
            return self._found(command)

    def _found(self, command: Command) -> Receipt | None:
        if command.verb is Verb.REPLY:
            mine = [one for one in self._answers(_root(command.target)) if self._said(one, command.text)]
            newest = max(mine, key=lambda one: str(one["snippet"]["publishedAt"]), default=None)
            return self._receipt(newest) if newest else None
        if command.verb in (Verb.BAN, Verb.SPAM):
            raise CannotTell("YouTube does not say who was hidden from a channel")
        (found,) = self.fetch([command.target])
        if command.verb in (Verb.RETRACT, Verb.REMOVE):
            return Receipt(command.target) if isinstance(found, RemoteGone) else None
        if isinstance(found, RemoteGone):
            return None
        return Receipt(command.target) if found.hidden is (command.verb is Verb.HIDE) else None

    def _said(self, raw: dict[str, Any], words: str) -> bool:
        snippet = raw["snippet"]
        ours = (snippet.get("authorChannelId") or {}).get("value") == self._mine()
        return ours and str(snippet.get("textOriginal") or snippet.get("textDisplay")) == words

    def fresh_secrets(self) -> Mapping[str, str] | None:
        return self._oauth.fresh_secrets()

    def budget(self) -> Budget | None:
        """The units of this day; what other programs of the same project use is not known here."""
        return Budget(self.quota.used, self.quota.most, self.quota.resets) if self.quota.used else None

    def sign_out(self) -> None:
        """Give the tokens back."""
        self._oauth.revoke()

    def close(self) -> None:
        self._oauth.stop()
        self._api.http.close()


@dataclass(frozen=True, slots=True)
class _Thread:
    """One thread as the list has it: its first comment, up to five of its answers, and how many there are."""

    id: str
    at: datetime
    top: dict[str, Any]
    answers: list[dict[str, Any]]
    count: int


def _readable(items: Sequence[Any]) -> tuple[list[_Thread], int]:
    """The threads that are what YouTube documents, and how many are not."""
    found = []
    for raw in items:
        try:
            snippet = raw["snippet"]
            top = snippet["topLevelComment"]
            if not _is_comment(top):
                continue
            top = {**top, "totalReplyCount": int(snippet.get("totalReplyCount") or 0)}
            top["snippet"].setdefault("videoId", snippet.get("videoId"))
            answers = [one for one in (raw.get("replies") or {}).get("comments", []) if _is_comment(one)]
            for one in answers:
                one["snippet"].setdefault("videoId", snippet.get("videoId"))
            at = _at(top["snippet"]["publishedAt"])
            found.append(_Thread(str(raw["id"]), at, top, answers, top["totalReplyCount"]))
        except (KeyError, TypeError, ValueError, AttributeError, Unreadable):
            continue
    return found, len(items) - len(found)


def _is_comment(raw: Any) -> bool:
    if not isinstance(raw, dict) or not raw.get("id") or not isinstance(raw.get("snippet"), dict):
        return False
    try:
        _at(raw["snippet"]["publishedAt"])
    except (KeyError, TypeError, ValueError):
        return False
    return True


def _at(written: str) -> datetime:
    return datetime.fromisoformat(written).astimezone(UTC)


def _root(message_id: str) -> str:
    """An answer's id begins with its thread's."""
    return message_id.partition(".")[0]
