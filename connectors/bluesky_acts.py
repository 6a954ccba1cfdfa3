"""What a moderator does on Bluesky, as records in our own repository.

Sources: the com.atproto.repo, app.bsky.feed.threadgate and app.bsky.feed.like lexicons. The server knows
no idempotency key, but whoever writes a record may choose its name: ours follows from the command's key,
so a repeat finds the first. A second record of one name is refused with status 500.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.answers import dig, entries, text_at, time_at
from connectors.bluesky_feed import POST, THREADGATE, Feed, Ref, owner, permalink, record_key
from connectors.bluesky_session import Session
from connectors.bluesky_text import MAX_POST, MAX_POST_BYTES, facets, graphemes, storable, tid
from connectors.contract import Audience, Command, Receipt
from connectors.errors import OutcomeUnknown, Reason, Refused

LIKE = "app.bsky.feed.like"
_REPO = "com.atproto.repo."
_TRIES = 4  # at changing what somebody else changes too, and at finding a free name


class Acts:
    """Everything public that one account does."""

    def __init__(self, session: Session, feed: Feed) -> None:
        self._session = session
        self._feed = feed

    def reply(self, command: Command) -> Receipt:
        """Answer a post in public."""
        if command.audience is Audience.PRIVATE:
            raise Refused(Reason.UNSUPPORTED, "an answer to a post is public on Bluesky")
        if not storable(command.text):
            raise Refused(Reason.INVALID, "there are signs in it that Bluesky cannot hold")
        if graphemes(command.text) > MAX_POST or len(command.text.encode()) > MAX_POST_BYTES:
            raise Refused(Reason.TOO_LONG, f"a post holds {MAX_POST} characters")
        parent = self._feed.post(command.target)
        if parent.viewer.get("replyDisabled") is True:
            raise Refused(Reason.BLOCKED, "whoever began this thread lets nobody like us answer")
        record: dict[str, Any] = {
            "text": command.text,
            "reply": {"root": parent.root.record(), "parent": parent.ref.record()},
        }
        marked = facets(command.text, self._did_of)
        if marked:
            record["facets"] = marked
        return self._create(POST, command, record)

    def retract(self, command: Command) -> Receipt:
        """Delete a post of ours; one that is gone already is as good."""
        if owner(command.target) != self._session.did:
            raise Refused(Reason.ROLE, "only its author can delete a post on Bluesky")
        self._delete(POST, record_key(command.target))
        return Receipt(command.target)

    def was_retracted(self, command: Command) -> Receipt | None:
        """Say whether the post is gone."""
        found = self._feed.own_record(POST, record_key(command.target))
        return None if found else Receipt(command.target)

    def hide(self, command: Command) -> Receipt:
        """Hide a reply below a post of ours."""
        return self._set_hidden(command, hide=True)

    def unhide(self, command: Command) -> Receipt:
        """Show a reply again that we hid."""
        return self._set_hidden(command, hide=False)

    def was_hidden(self, command: Command) -> Receipt | None:
        """Say whether the reply is hidden."""
        return Receipt(command.target) if self._is_hidden(command.target) else None

    def was_shown(self, command: Command) -> Receipt | None:
        """Say whether the reply is not hidden."""
        return None if self._is_hidden(command.target) else Receipt(command.target)

    def _is_hidden(self, uri: str) -> bool:
        return uri in self._feed.hidden_under([self._feed.post(uri).root.uri])

    def _set_hidden(self, command: Command, *, hide: bool) -> Receipt:
        """Change whether a reply is hidden.

        The list of hidden replies is one record that the official app writes too: it is changed only
        if it still is what we read, and read again otherwise.
        """
        post = self._feed.post(command.target)
        root = post.root
        if post.parent is None:
            raise Refused(Reason.UNSUPPORTED, "only answers can be hidden on Bluesky")
        if owner(root.uri) != self._session.did:
            raise Refused(Reason.ROLE, "only whoever began a thread can hide answers in it")
        for attempt in range(_TRIES):
            try:
                return self._gate(root, command.target, hide=hide)
            except Refused as trouble:
                if trouble.reason is not Reason.STALE or attempt + 1 == _TRIES:
                    raise
        raise AssertionError("the last try either answers or raises")

    def like(self, command: Command) -> Receipt:
        """Like a post; one that we like already stays as it is."""
        post = self._feed.post(command.target)
        known = text_at(post.viewer, "like")
        if known:
            return Receipt(known)
        return self._create(LIKE, command, {"subject": post.ref.record()})

    def unlike(self, command: Command) -> Receipt:
        """Take every like of ours back."""
        for uri in self._likes(command.target):
            self._delete(LIKE, record_key(uri))
        return Receipt(command.target)

    def was_liked(self, command: Command) -> Receipt | None:
        """Say whether we like the post, by this command or by another."""
        known = self._likes(command.target)
        return Receipt(known[0]) if known else None

    def was_unliked(self, command: Command) -> Receipt | None:
        """Say whether we do not like the post (any more)."""
        return None if self._likes(command.target) else Receipt(command.target)

    def was_posted(self, command: Command) -> Receipt | None:
        """Look for the reply."""
        return self._find(POST, command)[0]

    def _find(self, collection: str, command: Command) -> tuple[Receipt | None, str]:
        """Look for the record that a command makes; else name the place that is free for it."""
        for attempt in range(_TRIES):
            name = tid(command.key, attempt)
            found = self._feed.own_record(collection, name)
            if found is None:
                return None, name
            value, uri = dig(found, "value"), text_at(found, "uri")
            about = text_at(value, "subject", "uri") or text_at(value, "reply", "parent", "uri")
            if about == command.target and text_at(value, "text") == command.text:
                return Receipt(uri, time_at(value, "createdAt"), permalink(uri)), name
        raise Refused(Reason.INVALID, "every name for this record is taken")

    def _create(self, collection: str, command: Command, record: Mapping[str, Any]) -> Receipt:
        done, name = self._find(collection, command)
        if done:
            return done
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        body = {
            "repo": self._session.did,
            "collection": collection,
            "rkey": name,
            "record": {"$type": collection, "createdAt": now, **record},
        }
        answer = self._session.write(_REPO + "createRecord", body)
        uri = text_at(answer, "uri")
        if not uri:
            raise OutcomeUnknown("the server did not say what it made")
        return Receipt(uri, datetime.fromisoformat(now), permalink(uri))

    def _delete(self, collection: str, key: str) -> None:
        body = {"repo": self._session.did, "collection": collection, "rkey": key}
        self._session.write(_REPO + "deleteRecord", body)

    def _gate(self, root: Ref, reply: str, *, hide: bool) -> Receipt:
        found, version = self._feed.threadgate(root.uri)
        hidden = [entry for entry in entries(found, "hiddenReplies") if isinstance(entry, str)]
        if (reply in hidden) == hide:
            return Receipt(reply)
        hidden = [*hidden, reply] if hide else [entry for entry in hidden if entry != reply]
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fresh = {"$type": THREADGATE, "post": root.uri, "createdAt": now}
        body = {
            "repo": self._session.did,
            "collection": THREADGATE,
            "rkey": record_key(root.uri),
            "record": {**(found or fresh), "hiddenReplies": hidden},
            "swapRecord": version,
        }
        self._session.write(_REPO + "putRecord", body)
        return Receipt(reply)

    def _likes(self, uri: str) -> list[str]:
        """Find our likes of a post: as the network knows them, and the newest that it may not."""
        view = self._feed.views([uri]).get(uri)
        params = {"repo": self._session.did, "collection": LIKE, "limit": 100}
        recent = entries(self._session.read(_REPO + "listRecords", params), "records")
        found = [
            text_at(entry, "uri") for entry in recent if text_at(entry, "value", "subject", "uri") == uri
        ]
        known = text_at(view, "viewer", "like")
        if known and known not in found and self._feed.own_record(LIKE, record_key(known)):
            found.append(known)
        return found

    def _did_of(self, handle: str) -> str | None:
        try:
            params = {"handle": handle}
            answer = self._session.read("com.atproto.identity.resolveHandle", params)
        except Refused:
            return None
        return text_at(answer, "did") or None
