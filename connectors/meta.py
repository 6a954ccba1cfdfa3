"""A Facebook Page and the Instagram account linked to it: comments, direct messages, private replies.

Sources: developers.facebook.com (Pages API, Instagram API with Facebook Login, Messenger Platform) and
facebook-business-sdk-codegen api_specs. Meta's sign-in comes back to HTTPS pages only, which a program on a
desk is not, and its code needs the app's secret: so the person pastes a token of their own app.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from connectors.answers import dig, entries, text_at
from connectors.contract import (
    Ability,
    Command,
    Connector,
    Field,
    GoneHow,
    Page,
    Probe,
    Receipt,
    RemoteGone,
    RemoteMessage,
    Verb,
    verbs,
)
from connectors.errors import Gone, Reason, Refused, Unreadable
from connectors.http import Http, an_object
from connectors.meta_acts import MOST_TEXT, Acts, utc_now
from connectors.meta_api import GRAPH, Api, explain
from connectors.meta_things import (
    DIRECT,
    FIELDS,
    PLATFORM,
    Place,
    Ref,
    Us,
    comment,
    direct,
    in_order,
    is_record,
    root,
)
from connectors.meta_walk import Comments, Inbox, answers

_STREAMS: Final = {
    "comments": Place.PAGE,
    "instagram_comments": Place.INSTAGRAM,
    "messages": Place.MESSENGER,
    "instagram_messages": Place.INSTAGRAM_DIRECT,
}
_NOTHING: Final = "Meta's interface for programs has nothing of the kind."
_LACKS: Final = {
    Verb.RESTORE: "What was deleted on Facebook or Instagram cannot be brought back. Hide instead.",
    Verb.SPAM: "Meta learns of spam on Facebook and Instagram only. Hide or delete instead.",
    Verb.REPORT: "Meta takes reports on Facebook and Instagram only.",
    Verb.BAN: "People are blocked on Facebook or Instagram itself.",
    Verb.UNBAN: "People are unblocked on Facebook or Instagram itself.",
    Verb.POLL: "Meta lets no program start a poll.",
    Verb.END_POLL: "Meta lets no program end a poll.",
    **dict.fromkeys((Verb.RESOLVE, Verb.ESCALATE, Verb.LABEL, Verb.UNLABEL), _NOTHING),
    **dict.fromkeys((Verb.LOCK, Verb.UNLOCK, Verb.MUTE, Verb.UNMUTE, Verb.KICK), _NOTHING),
}
_CAN: Final = frozenset(Verb) - frozenset(_LACKS)
_MODERATING: Final = frozenset({Verb.HIDE, Verb.UNHIDE, Verb.REMOVE, Verb.RETRACT})
# What each verb needs of a token, on a Page or on Instagram; and of a person's tasks on the Page.
_NEEDS: Final = {
    **dict.fromkeys(_MODERATING, ({"pages_manage_engagement", "instagram_manage_comments"}, "MODERATE")),
    **dict.fromkeys((Verb.LIKE, Verb.UNLIKE), ({"pages_manage_engagement"}, "MODERATE")),
    Verb.WRITE: ({"pages_messaging", "instagram_manage_messages"}, "MESSAGING"),
}
_NO_GRAM: Final = "No Instagram professional account is linked to this Page."
_AT_ONCE: Final = 50  # ids of one call


class MetaConnector(Connector):
    """One Page, and its Instagram account where one is linked; both by the Page's token.

    Comments are read below the newest 300 posts of each. Of a direct conversation Meta tells the words of the
    newest twenty messages only.
    """

    platform = "meta"
    name = "Facebook and Instagram"
    fields = (
        Field(
            "token",
            "Access token",
            "A Page or system user token of your own Meta app, with pages_read_engagement,"
            " pages_read_user_content, pages_manage_engagement and pages_messaging; for Instagram also"
            " instagram_basic, instagram_manage_comments and instagram_manage_messages.",
            secret=True,
        ),
        Field("page", "Page", "Its name or number, if the token is good for several Pages.", required=False),
        Field(
            "app_id", "App id", "With the secret, a token of an hour becomes a lasting one.", required=False
        ),
        Field("app_secret", "App secret", "Then every call proves that it is yours.", True, False),
        Field(
            "human_agent",
            "Human Agent feature",
            "yes, if Meta gave it to your app: then people can be answered for 7 days instead of 24 hours.",
            required=False,
        ),
    )
    streams = tuple(_STREAMS)
    poll_seconds = 180
    tested_on: ClassVar[Mapping[Verb, str]] = dict.fromkeys(_CAN, "own server")
    lacks = _LACKS
    now: ClassVar[Callable[[], datetime]] = staticmethod(utc_now)

    def __init__(self, values: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        super().__init__(values, secrets)
        self._http = Http(values.get("graph", GRAPH), explain, sound=an_object)
        self._api = self._with(secrets.get("access_token") or secrets.get("token", ""))
        self._known: Us | None = None

    def _with(self, token: str) -> Api:
        return Api(self._http, token, self.secrets.get("app_secret", ""), type(self).now)

    # ------------------------------------------------------------------ signing in

    def authorize(self) -> Mapping[str, str]:
        """Turn what was pasted into the Page's own token; what it may do is kept beside it, where known."""
        pasted = self.secrets.get("token", "").strip()
        kept = {"access_token": pasted, "app_secret": self.secrets.get("app_secret", "")}
        self._api = self._with(pasted)
        try:
            self._pages()
        except Refused as no:
            if no.reason is not Reason.INVALID:
                raise
            self._us()  # a Page has no Pages: it is the Page's own token
        else:
            self._api = self._with(self._lasting(pasted))
            granted = self._api.read("me/permissions").get("data")
            page = self._chosen(self._pages())
            kept["access_token"] = text_at(page, "access_token")
            good = [text_at(one, "permission") for one in granted or () if dig(one, "status") == "granted"]
            kept |= {"granted": " ".join(good), "tasks": " ".join(map(str, entries(page, "tasks")))}
            self._api = self._with(kept["access_token"])
        self.secrets = kept
        return dict(kept)

    def _pages(self) -> list[Any]:
        asked = {"fields": "id,name,access_token,tasks", "limit": 100}
        return [one for found, _ in self._api.pages("me/accounts", **asked) for one in found]

    def _lasting(self, token: str) -> str:
        """A token that lasts, of one that lasts an hour; only the app's owner can ask for it."""
        app, secret = self.values.get("app_id", ""), self.secrets.get("app_secret", "")
        if not (app and secret):
            return token
        asked = {"grant_type": "fb_exchange_token", "client_id": app, "client_secret": secret}
        return text_at(self._api.form("oauth/access_token", fb_exchange_token=token, **asked), "access_token")

    def _chosen(self, pages: Sequence[Any]) -> Any:
        wanted = self.values.get("page", "").strip()
        fits = [one for one in pages if not wanted or wanted in (text_at(one, "id"), text_at(one, "name"))]
        if len(fits) != 1 or not text_at(fits[0], "access_token"):
            names = ", ".join(text_at(one, "name") for one in pages)
            raise Refused(Reason.ROLE, f"Name one Page. This token is good for: {names or 'none'}.")
        return fits[0]

    # ------------------------------------------------------------------ who and what

    def _us(self, *, asked: bool = False) -> Us:
        if self._known is None:
            fields = "id,name,instagram_business_account{id,username}"
            found = self._api.read("me", asked=asked, fields=fields)
            gram = dig(found, "instagram_business_account")
            if not text_at(found, "id"):
                raise Unreadable("Meta did not say whose token this is")
            self._known = Us(
                text_at(found, "id"), text_at(found, "name"), text_at(gram, "id"), text_at(gram, "username")
            )
        return self._known

    def probe(self) -> Probe:
        self._known = None
        us = self._us()
        return Probe(
            account_id=us.page,
            handle=us.name,
            name=us.name,
            server=self._api.server,
            verbs=verbs(_CAN, _LACKS | self._not_granted()),
            streams={stream: self._readable(place) for stream, place in _STREAMS.items()},
            max_text=MOST_TEXT[Place.PAGE],
        )

    def _readable(self, place: Place) -> Ability:
        """Whether a stream can be read: only asking tells what a Page's token is good for."""
        us = self._us()
        if place in (Place.INSTAGRAM, Place.INSTAGRAM_DIRECT) and not us.gram:
            return Ability(can=False, why_not=_NO_GRAM)
        try:
            self._one_of(place)
        except Refused as no:
            return Ability(can=False, why_not=str(no))
        return Ability(can=True)

    def _one_of(self, place: Place) -> None:
        us = self._us()
        if place in DIRECT:
            asked: dict[str, Any] = {"platform": PLATFORM[place], "fields": "id", "limit": 1}
            self._api.read(f"{us.page}/conversations", **asked)
        else:
            edge = f"{us.page}/feed" if place is Place.PAGE else f"{us.gram}/media"
            self._api.read(edge, fields="id", limit=1)

    def _not_granted(self) -> dict[Verb, str]:
        """The verbs that the token, or its maker's role, does not allow; none where that is not known."""
        granted, tasks = self.secrets.get("granted", "").split(), self.secrets.get("tasks", "").split()
        why = {}
        for verb, (one_of, task) in _NEEDS.items():
            if granted and not one_of & set(granted):
                why[verb] = f"The token lacks the permission {' or '.join(sorted(one_of))}."
            elif tasks and task not in tasks:
                why[verb] = f"Your role on the Page lacks the task {task}."
        return why

    # ------------------------------------------------------------------ reading

    def pull(self, stream: str, state: str, since: datetime | None = None) -> Iterator[Page]:
        us, place = self._us(), _STREAMS[stream]
        if place in (Place.INSTAGRAM, Place.INSTAGRAM_DIRECT) and not us.gram:
            raise Refused(Reason.UNSUPPORTED, _NO_GRAM)
        walk = Inbox(self._api, us, place) if place in DIRECT else Comments(self._api, us, place)
        yield from walk.pull(stream, state, since)

    def fetch(self, ids: Sequence[str]) -> list[RemoteMessage | RemoteGone]:
        refs = [Ref.of(one) for one in ids]
        found: dict[Ref, RemoteMessage | RemoteGone] = {}
        for place in dict.fromkeys(ref.place for ref in refs):
            mine = [ref for ref in dict.fromkeys(refs) if ref.place is place]
            for begin in range(0, len(mine), _AT_ONCE):
                found |= self._some(place, mine[begin : begin + _AT_ONCE])
        return [found[ref] for ref in refs if ref in found]

    def _some(self, place: Place, refs: Sequence[Ref]) -> dict[Ref, RemoteMessage | RemoteGone]:
        """Several at once; one that is not there spoils such a call, so then each by itself."""
        try:
            named = ",".join(ref.id for ref in refs)
            raw = self._api.read("", ids=named, fields=FIELDS[place]) if len(refs) > 1 else {}
        except Refused:
            raw = {}
        found: dict[Ref, RemoteMessage | RemoteGone] = {}
        for ref in refs:
            one = raw.get(ref.id)
            answer = self._read_as(ref, one) if is_record(one, place) else self._single(ref)
            if answer is not None:
                found[ref] = answer
        return found

    def _single(self, ref: Ref) -> RemoteMessage | RemoteGone | None:
        try:
            raw = self._api.read(ref.id, fields=FIELDS[ref.place])
        except Gone:
            # Meta says the same of what we may no longer see: a lost permission is not a deletion.
            self._one_of(ref.place)
            return None if self._listed(ref) else RemoteGone(str(ref), GoneHow.DELETED)
        if not is_record(raw, ref.place):
            raise Unreadable("Meta answered something else than a message")
        return self._read_as(ref, raw)

    def _listed(self, ref: Ref) -> bool:
        """Meta calls a message deleted once twenty newer ones follow it; its conversation still lists it."""
        if ref.place not in DIRECT:
            return False
        try:
            pages = self._api.pages(f"{ref.conversation}/messages", fields="id,created_time", limit=100)
            return any(text_at(one, "id") == ref.id for found, _ in pages for one in found)
        except Gone:
            return False

    def _read_as(self, ref: Ref, raw: Any) -> RemoteMessage:
        if ref.place in DIRECT:
            return direct(raw, ref.place, self._us(), ref.conversation)
        return comment(raw, ref.place, self._us())

    def thread(self, message_id: str) -> list[RemoteMessage]:
        ref, us = Ref.of(message_id), self._us()
        if ref.place in DIRECT:
            pages = self._api.pages(f"{ref.conversation}/messages", fields=FIELDS[ref.place], limit=20)
            raw = next((found for found, _ in pages), [])
            good = [one for one in raw if is_record(one, ref.place)]
            return in_order([direct(one, ref.place, us, ref.conversation) for one in good])
        asked = self._api.read(ref.id, fields=FIELDS[ref.place])
        first = asked if root(asked) == ref.id else self._api.read(root(asked), fields=FIELDS[ref.place])
        every = [first, *answers(self._api, ref.place, root(asked))]
        return in_order([comment(one, ref.place, us) for one in every if is_record(one, ref.place)])

    # ------------------------------------------------------------------ acting

    def _acts(self) -> Acts:
        human = self.values.get("human_agent", "").strip().casefold() in ("yes", "y", "1", "true")
        return Acts(self._api, self._us(asked=True), type(self).now, human=human)

    def perform(self, command: Command) -> Receipt:
        if command.verb not in _CAN:
            raise Refused(Reason.UNSUPPORTED, _LACKS[command.verb])
        return self._acts().perform(command)

    def find_sent(self, command: Command) -> Receipt | None:
        """Own words since the command was made; CannotTell where Meta shows too little."""
        return self._acts().find_sent(command)

    def close(self) -> None:
        self._api.close()
