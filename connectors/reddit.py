"""Reddit: what waits for moderators in their communities, modmail, and mentions of the account."""

import contextlib
import re
import webbrowser
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from connectors import reddit_modmail, reddit_walk
from connectors.answers import dig, text_at
from connectors.contract import (
    Ability,
    Command,
    Connector,
    Field,
    Page,
    Probe,
    Receipt,
    RemoteGone,
    RemoteMessage,
    Verb,
    verbs,
)
from connectors.errors import Gone, Reason, Refused, Unreadable
from connectors.reddit_acts import MAX_TEXT, Acts
from connectors.reddit_modmail import PREFIX, Modmail
from connectors.reddit_session import API, SITE, Session, listed
from connectors.reddit_things import FULLNAME, REPORT, Reader, named
from connectors.reddit_walk import Stream

_YES: Final = Ability(can=True)
_PORT: Final = 8080  # Reddit wants the whole address of the way back beforehand
_COMMUNITY: Final = re.compile(r"[A-Za-z0-9_]{2,30}")
_AT_ONCE: Final = 100  # ids in one question
_LACKS: Final = {
    Verb.LIKE: "Reddit does not allow programs to vote for a person.",
    Verb.UNLIKE: "Reddit does not allow programs to vote for a person.",
    Verb.HIDE: "Reddit can only remove, which hides it from everybody but the moderators.",
    Verb.UNHIDE: "Reddit can only remove and restore.",
    Verb.ESCALATE: "There is one report on Reddit: use Report.",
    Verb.LABEL: "Flair is given on Reddit itself.",
    Verb.UNLABEL: "Flair is taken away on Reddit itself.",
    Verb.KICK: "Nobody is a member of a Reddit community who could be put out. Ban for a day instead.",
    Verb.POLL: "Reddit's interface for programs does not document polls.",
    Verb.END_POLL: "Reddit's polls end by themselves.",
}
_POSTS = {Verb.REMOVE, Verb.SPAM, Verb.RESTORE, Verb.RESOLVE, Verb.LOCK, Verb.UNLOCK}
_ACCESS = {Verb.BAN, Verb.UNBAN}
_MAIL = {Verb.WRITE, Verb.MUTE, Verb.UNMUTE}
_RECORDED: Final = (
    Verb.REPLY,
    Verb.RETRACT,
    Verb.REMOVE,
    Verb.SPAM,
    Verb.RESTORE,
    Verb.RESOLVE,
    Verb.UNLOCK,
)
_NO_RIGHT: Final = 'Your account is no moderator with the right "{right}" in these communities.'
_NO_SCOPE: Final = "The sign-in does not allow this. Sign in again and agree to everything that is asked."
# What each needs of the moderator's rights and of what was agreed to at the sign-in.
_NEEDS: Final[Mapping[Verb, tuple[str, str]]] = {
    **dict.fromkeys(_POSTS, ("posts", "modposts")),
    **dict.fromkeys(_ACCESS, ("access", "modcontributors")),
    **dict.fromkeys(_MAIL, ("mail", "modmail")),
    Verb.REPLY: ("", "submit"),
    Verb.RETRACT: ("", "edit"),
    Verb.REPORT: ("", "report"),
}


class RedditConnector(Connector):
    """One Reddit account and the communities that it moderates, signed in on Reddit's own page."""

    platform = "reddit"
    name = "Reddit"
    fields = (
        Field(
            "client_id",
            "App ID",
            "Make an app of the kind “installed app” on reddit.com/prefs/apps, with the address "
            "http://localhost:8080/ to come back to. The ID stands below its name. "
            "Reddit may have to allow the app first.",
        ),
        Field(
            "username", "Your name on Reddit", "Reddit asks every program whose it is. For example u/harbour."
        ),
        Field(
            "communities",
            "Communities",
            "Without r/, separated by commas. For example harbour, harbour_talk.",
        ),
    )
    tested_on = dict.fromkeys(_NEEDS, "own server") | dict.fromkeys(_RECORDED, "recorded")
    lacks = _LACKS
    streams = (
        "queue",
        "reports",
        "spam",
        "unmoderated",
        "posts",
        "comments",
        reddit_modmail.STREAM,
        "mentions",
    )
    poll_seconds = 60
    # Tests put their own in place of these.
    places: ClassVar[tuple[str, str]] = (SITE, API)
    open_page = staticmethod(webbrowser.open)
    port: ClassVar[int] = _PORT

    def __init__(self, values: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        super().__init__(values, secrets)
        self._communities = _communities(self.values.get("communities", ""))
        self._session = Session(
            self.values,
            self.secrets,
            self.places,
            keep=self._store,
            open_page=self.open_page,
        )
        self._modmail = Modmail(self._session, ",".join(self._communities))
        self._acts = Acts(self._session, self._modmail)

    def authorize(self) -> Mapping[str, str]:
        """Sign in on Reddit's page; without a secret, as programs on a desk have none."""
        if not self._communities:
            raise Refused(Reason.INVALID, "name at least one community")
        self.secrets = self._session.sign_in(self.port)
        return dict(self.secrets)

    def probe(self) -> Probe:
        """Ask who we are and what we may do in any of the communities."""
        me = self._session.me()
        rights, scopes = self._rights(text_at(me, "name")), self._session.granted()

        def may(right: str, scope: str) -> Ability:
            if scopes and "*" not in scopes and scope not in scopes:
                return Ability(can=False, why_not=_NO_SCOPE)
            has = not right or "all" in rights or right in rights
            return Ability(has, "" if has else _NO_RIGHT.format(right=right))

        can = {verb: may(*needs) for verb, needs in _NEEDS.items()}
        queue = may("posts", "read")
        return Probe(
            account_id=f"t2_{text_at(me, 'id')}",
            handle=f"u/{text_at(me, 'name')}",
            name=text_at(me, "subreddit", "title"),
            server="reddit.com",
            verbs=verbs((), _LACKS) | can,
            streams={
                **dict.fromkeys(("queue", "reports", "spam", "unmoderated"), queue),
                **dict.fromkeys(("posts", "comments"), may("", "read")),
                reddit_modmail.STREAM: may("mail", "modmail"),
                "mentions": may("", "privatemessages"),
            },
            max_text=MAX_TEXT,
        )

    def pull(self, stream: str, state: str, since: datetime | None = None) -> Iterator[Page]:
        """Bring what is new or looks different; what waits for a moderator, however old it is."""
        if stream == reddit_modmail.STREAM:
            return self._modmail.pull(state, since)
        found = self._streams().get(stream)
        if found is None:
            raise Refused(Reason.UNSUPPORTED, f"Reddit has no stream {stream}")
        return reddit_walk.pull(self._session, self._reader, found, state, since)

    def fetch(self, ids: Sequence[str]) -> list[RemoteMessage | RemoteGone]:
        """Re-read, all kinds at once."""
        mails = [id_ for id_ in ids if id_.startswith(PREFIX)]
        found = self._modmail.fetch(mails) if mails else {}
        found |= self._fetch_things([id_ for id_ in ids if id_ not in found])
        return [found[id_] for id_ in ids]

    def thread(self, message_id: str) -> list[RemoteMessage]:
        """The conversation around a message, oldest first: of a post its newest comments."""
        if message_id.startswith(PREFIX):
            return self._modmail.thread(message_id)
        name = _subject(message_id)
        if not FULLNAME.fullmatch(name):
            raise Gone("there is no such post or comment")
        reader, messages = self._reader(), list[RemoteMessage]()
        for thing in _flat(self._around(name)):
            # What cannot be read is left out: the rest of a conversation is worth having.
            with contextlib.suppress(Unreadable):
                found = reader.read(thing)
                messages += [found] if isinstance(found, RemoteMessage) else []
                messages += [one for one in reader.reports(thing) if one.id == message_id]
        return sorted(messages, key=lambda one: (one.created_at, one.id))

    def perform(self, command: Command) -> Receipt:
        """Do it; only `find_sent` can tell whether it was done before."""
        deed = self._acts.deeds().get(command.verb)
        if deed is None:
            raise Refused(Reason.UNSUPPORTED, _LACKS[command.verb])
        return deed(command)

    def find_sent(self, command: Command) -> Receipt | None:
        """Look among our own comments, or in the conversation, for the same words since the command."""
        return self._acts.find_sent(command)

    def fresh_secrets(self) -> Mapping[str, str] | None:
        """All secrets, once after any of them changed."""
        return self._session.fresh_secrets()

    def sign_out(self) -> None:
        """Give the tokens back."""
        self._session.sign_out()

    def close(self) -> None:
        """Let go of the network."""
        self._session.close()

    def _store(self, fresh: Mapping[str, str]) -> None:
        self.keep(fresh)  # whoever runs us sets it later

    def _streams(self) -> dict[str, Stream]:
        at = f"r/{'+'.join(self._communities)}"
        found = (
            Stream("queue", f"{at}/about/modqueue", whole=True, reports=True),
            Stream("reports", f"{at}/about/reports", whole=True, reports=True),
            Stream("spam", f"{at}/about/spam"),
            Stream("unmoderated", f"{at}/about/unmoderated"),
            Stream("posts", f"{at}/new"),
            Stream("comments", f"{at}/comments"),
            Stream("mentions", "message/mentions", mention=True),
        )
        return {stream.name: stream for stream in found}

    def _reader(self) -> Reader:
        name = text_at(self._session.me(), "name")
        return Reader(self._session.is_me, named(name), lambda: datetime.now(UTC))

    def _rights(self, name: str) -> frozenset[str]:
        """A moderator's rights, in all communities together; none where we may not even look."""
        found = set[str]()
        for community in self._communities:
            try:
                answer = self._session.read(f"r/{community}/about/moderators", user=name)
            except Refused:
                continue
            for entry in listed(answer):
                if self._session.is_me(text_at(entry, "name")):
                    held = dig(entry, "mod_permissions")
                    found |= {
                        right for right in (held if isinstance(held, list) else []) if isinstance(right, str)
                    }
        return frozenset(found)

    def _fetch_things(self, ids: Sequence[str]) -> dict[str, RemoteMessage | RemoteGone]:
        found: dict[str, RemoteMessage | RemoteGone] = {id_: RemoteGone(id_) for id_ in ids}
        names = [name for name in dict.fromkeys(map(_subject, ids)) if FULLNAME.fullmatch(name)]
        reader = self._reader() if names else None
        for start in range(0, len(names), _AT_ONCE):
            asked = names[start : start + _AT_ONCE]
            for thing in listed(self._session.read("api/info", id=",".join(asked))):
                name = text_at(thing, "data", "name")
                if not name or reader is None:
                    raise Unreadable("Reddit answered with something that has no name")
                if name not in asked:
                    continue
                read = reader.read(thing)
                new = [read, *(reader.reports(thing) if isinstance(read, RemoteMessage) else ())]
                found.update({one.id: one for one in new if one.id in found})
        return found

    def _around(self, name: str) -> Any:
        if name.startswith("t3_"):
            return self._session.read(f"comments/{name[3:]}", limit=500, sort="new")
        for thing in listed(self._session.read("api/info", id=name)):
            post = text_at(thing, "data", "link_id").removeprefix("t3_")
            if post.isascii() and post.isalnum():
                return self._session.read(f"comments/{post}/_/{name[3:]}", context=8, limit=200)
        raise Gone("there is no such comment")


def _communities(text: str) -> list[str]:
    """The names as Reddit has them, however a person wrote them."""
    said = [part.strip().removeprefix("/").removeprefix("r/").strip("/") for part in text.split(",")]
    names = [part for part in said if part]
    if not all(_COMMUNITY.fullmatch(part) for part in names):
        raise Refused(Reason.INVALID, "that is not the name of a community on Reddit")
    return names


def _subject(id_: str) -> str:
    """The thing that an id is about: of a report, what was reported."""
    return id_.removeprefix(REPORT).partition(":")[0] if id_.startswith(REPORT) else id_


def _flat(answer: Any) -> Iterator[Any]:
    """The things in a conversation, whose branches are lists of things, or "" where there are none."""
    waiting = list(answer) if isinstance(answer, list) else []
    if not waiting:
        raise Unreadable("Reddit answered something that is not a conversation")
    while waiting:
        branch = waiting.pop()
        for thing in listed(branch):
            if text_at(thing, "kind") in ("t1", "t3"):
                yield thing
                replies = dig(thing, "data", "replies")
                waiting += [replies] if isinstance(replies, dict) else []
