"""Bluesky's posts and threads as messages.

Sources: the app.bsky.feed lexicons. An id is the post's at:// address, a revision its content hash.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.answers import count_at, dig, entries, listed, text_at, time_at
from connectors.bluesky_session import Session
from connectors.bluesky_text import first_line
from connectors.contract import GoneHow, Kind, Media, RemoteGone, RemoteMessage, RemotePerson
from connectors.errors import Gone, Unreadable

POST = "app.bsky.feed.post"
THREADGATE = "app.bsky.feed.threadgate"
_AT_ONCE = 25  # posts that getPosts takes
_FEW = 3  # threads whose gates are asked for one by one
_SHAPES = {
    "blockedPost": GoneHow.BLOCKED,
    "notFoundPost": GoneHow.DELETED,
    "threadViewPost": GoneHow.UNKNOWN,  # there, but not shown on its own
}
_DEPTH = 100  # of a thread; the server stops earlier where it wants to


@dataclass(frozen=True, slots=True)
class Ref:
    """A post and the very version of it that an answer or a like is about."""

    uri: str
    cid: str

    def record(self) -> dict[str, str]:
        """Write it as records do."""
        return {"uri": self.uri, "cid": self.cid}


@dataclass(frozen=True, slots=True)
class Post:
    """A post as the server shows it, checked: nothing here is anything but its type."""

    ref: Ref
    root: Ref
    parent: Ref | None
    person: RemotePerson
    text: str
    created_at: datetime
    lang: str | None
    likes: int
    replies: int
    names: frozenset[str]  # the accounts mentioned and the posts quoted
    media: tuple[Media, ...]
    labels: tuple[str, ...]
    viewer: Mapping[str, Any]

    def by(self, did: str) -> bool:
        """Whether this account wrote it."""
        return self.person.id == did


def owner(uri: str) -> str:
    """Take the account out of an at:// address."""
    return uri.removeprefix("at://").split("/", 1)[0]


def record_key(uri: str) -> str:
    """Take the last part of an at:// address."""
    return uri.rsplit("/", 1)[-1]


def permalink(uri: str) -> str | None:
    """Where a person can look at a post."""
    if f"/{POST}/" not in uri:
        return None
    return f"https://bsky.app/profile/{owner(uri)}/post/{record_key(uri)}"


def person_of(author: Any) -> RemotePerson:
    """Read an account; Unreadable without an id."""
    did = text_at(author, "did")
    if not did.startswith("did:"):
        raise Unreadable("an account without an id")
    handle = text_at(author, "handle")
    name = text_at(author, "displayName")
    return RemotePerson(did, handle, name, time_at(author, "createdAt"))


def post_of(view: Any) -> Post:
    """Check a post view; Unreadable where it is not what the lexicon says."""
    record = dig(view, "record")
    ref, text = _ref(view), dig(record, "text")
    indexed, claimed = time_at(view, "indexedAt"), time_at(record, "createdAt")
    if ref is None or not isinstance(text, str) or not (indexed or claimed):
        raise Unreadable("a post without its address, words or time")
    # Writers set createdAt as they like; when the server first saw it bounds that.
    times = [time for time in (indexed, claimed) if time]
    langs = entries(record, "langs")
    viewer = dig(view, "viewer")
    return Post(
        ref=ref,
        root=_ref(dig(record, "reply", "root")) or ref,
        parent=_ref(dig(record, "reply", "parent")),
        person=person_of(dig(view, "author")),
        text=text,
        created_at=min(times),
        lang=langs[0] if langs and isinstance(langs[0], str) else None,
        likes=count_at(view, "likeCount"),
        replies=count_at(view, "replyCount"),
        names=_names(record),
        media=tuple(_media(dig(view, "embed"))),
        labels=_labels(view),
        viewer=viewer if isinstance(viewer, dict) else {},
    )


def _ref(data: Any) -> Ref | None:
    uri, cid = text_at(data, "uri"), text_at(data, "cid")
    return Ref(uri, cid) if uri.startswith("at://") and cid else None


def _media(embed: Any) -> Iterator[Media]:
    """Pictures and films; a post that also quotes keeps them one step deeper."""
    shown = dig(embed, "media") or embed
    for image in entries(shown, "images"):
        if url := text_at(image, "fullsize"):
            yield Media(url, alt=text_at(image, "alt"))
    if url := text_at(shown, "playlist"):
        yield Media(url, "video", text_at(shown, "alt"))


def _labels(view: Any) -> tuple[str, ...]:
    """What stands on a post now: a label may be taken back by one that says so."""
    marks = [(text_at(one, "val"), dig(one, "neg") is True) for one in entries(view, "labels")]
    taken = {value for value, negated in marks if negated}
    return tuple(sorted({value for value, _ in marks if value} - taken))


def _names(record: Any) -> frozenset[str]:
    features = [feature for facet in entries(record, "facets") for feature in entries(facet, "features")]
    named = {text_at(feature, "did") for feature in features}
    embed = dig(record, "embed")
    quoted = text_at(embed, "record", "uri") or text_at(embed, "record", "record", "uri")
    return frozenset((named | {quoted}) - {""})


class Feed:
    """Reads posts through a session and turns them into messages.

    A message's kind depends on its record alone, so that every stream says the same of it.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def views(self, uris: Iterable[str]) -> dict[str, Any]:
        """Read posts as they are now; those that are not there are left out."""
        wanted = list(dict.fromkeys(uris))
        found: dict[str, Any] = {}
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            answer = self._session.read("app.bsky.feed.getPosts", {"uris": some})
            # Silence is not the word that they are gone.
            found.update((text_at(view, "uri"), view) for view in listed(answer, "posts"))
        return found

    def post(self, uri: str) -> Post:
        """Read one post; Gone where it is not there."""
        view = self.views([uri]).get(uri)
        if view is None:
            raise Gone("that post is no longer there")
        return post_of(view)

    def messages(self, views: Iterable[Any]) -> tuple[list[RemoteMessage], int]:
        """Turn views into messages; the second value counts those that could not be read."""
        posts: dict[str, Post] = {}
        skipped = 0
        for view in views:
            try:
                post = post_of(view)
            except Unreadable:
                skipped += 1
            else:
                posts[post.ref.uri] = post
        roots = dict.fromkeys(post.root.uri for post in posts.values())
        titles = self._titles(roots, posts)
        replied = dict.fromkeys(post.root.uri for post in posts.values() if post.parent)
        hidden = self.hidden_under(replied)
        shown = [self._message(post, titles, hidden) for post in posts.values()]
        return shown, skipped

    def fetch(self, uris: Sequence[str]) -> dict[str, RemoteMessage | RemoteGone]:
        """Re-read posts; those that are gone say how, those that cannot be read are left out."""
        views = self.views(uris)
        messages, _ = self.messages(views.values())
        found: dict[str, RemoteMessage | RemoteGone] = {message.id: message for message in messages}
        found.update((uri, self.gone(uri)) for uri in uris if uri not in views)
        return found

    def gone(self, uri: str) -> RemoteGone:
        """Ask why a post is not shown."""
        try:
            answer = self._session.read(
                "app.bsky.feed.getPostThread", {"uri": uri, "depth": 0, "parentHeight": 0}
            )
        except Gone:
            return RemoteGone(uri, GoneHow.DELETED)
        shape = text_at(answer, "thread", "$type").rpartition("#")[2]
        if shape not in _SHAPES:
            raise Unreadable("an answer about a thread that is none")
        return RemoteGone(uri, _SHAPES[shape])

    def thread_views(self, uri: str) -> list[Any]:
        """Read every post that is shown under a post, itself and its parents included."""
        params = {"uri": uri, "depth": _DEPTH, "parentHeight": _DEPTH}
        answer = self._session.read("app.bsky.feed.getPostThread", params)
        found: list[Any] = []
        ahead = [dig(answer, "thread")]
        while ahead:
            node = ahead.pop()
            if dig(node, "post") is not None:
                found.append(dig(node, "post"))
            ahead += [entry for entry in (dig(node, "parent"), *entries(node, "replies")) if entry]
        return found

    def thread(self, uri: str) -> list[RemoteMessage]:
        """Read the conversation around a post, oldest first."""
        post = self.post(uri)
        try:
            views = self.thread_views(post.root.uri)
        except Gone:  # what it all began with was deleted
            views = []
        if uri not in {text_at(view, "uri") for view in views}:
            views += self.thread_views(uri)
        messages, _ = self.messages(views)
        return sorted(messages, key=lambda message: (message.created_at, message.id))

    def hidden_under(self, roots: Iterable[str]) -> set[str]:
        """Which replies we hid below posts of ours, from our own records: they never lag."""
        ours = {root for root in roots if owner(root) == self._session.did}
        gates: list[Any] = []
        if len(ours) > _FEW:  # our newest gates in one call; where that is all of them, we are done
            params = {"repo": self._session.did, "collection": THREADGATE, "limit": 100}
            answer = self._session.read("com.atproto.repo.listRecords", params)
            gates = [dig(record, "value") for record in entries(answer, "records")]
            ours = ours - {text_at(gate, "post") for gate in gates} if dig(answer, "cursor") else set()
        gates += [self.threadgate(root)[0] for root in ours]
        hidden = [entry for gate in gates for entry in entries(gate, "hiddenReplies")]
        return {entry for entry in hidden if isinstance(entry, str)}

    def threadgate(self, root: str) -> tuple[dict[str, Any] | None, str | None]:
        """Read the record that gates a thread of ours and its version."""
        answer = self.own_record(THREADGATE, record_key(root))
        value = dig(answer, "value")
        return (value, text_at(answer, "cid")) if isinstance(value, dict) else (None, None)

    def own_record(self, collection: str, key: str) -> dict[str, Any] | None:
        """Read a record of ours from where it was written, None where there is none."""
        params = {"repo": self._session.did, "collection": collection, "rkey": key}
        try:
            return self._session.read("com.atproto.repo.getRecord", params)
        except Gone:
            return None

    def _titles(self, roots: Iterable[str], posts: Mapping[str, Post]) -> dict[str, str]:
        titles = {root: first_line(posts[root].text) for root in roots if root in posts}
        others = self.views(root for root in roots if root not in posts)
        titles |= {uri: first_line(text_at(view, "record", "text")) for uri, view in others.items()}
        return titles

    def _message(self, post: Post, titles: Mapping[str, str], hidden: AbstractSet[str]) -> RemoteMessage:
        return RemoteMessage(
            id=post.ref.uri,
            thread_id=post.root.uri,
            kind=self._kind(post),
            person=post.person,
            text=post.text,
            created_at=post.created_at,
            ours=post.by(self._session.did),
            parent_id=post.parent.uri if post.parent else None,
            thread_title=titles.get(post.root.uri, ""),
            permalink=permalink(post.ref.uri),
            lang=post.lang,
            revision=post.ref.cid,
            hidden=post.ref.uri in hidden,
            likes=post.likes,
            replies=post.replies,
            media=post.media,
            labels=post.labels,
        )

    def _kind(self, post: Post) -> Kind:
        ours = self._session.did
        if post.parent is None and post.by(ours):
            return Kind.POST
        if post.parent and ours in (post.person.id, owner(post.root.uri), owner(post.parent.uri)):
            return Kind.COMMENT
        if any(name == ours or owner(name) == ours for name in post.names):
            return Kind.MENTION
        return Kind.COMMENT if post.parent else Kind.POST
