"""Discord: the channels, threads and forum posts of servers that a bot of one's own is in.

Sources: discord.com/developers/docs and the OpenAPI description in discord/discord-api-spec. Discord forbids
programs to use a person's own account, so the person makes a bot in the developer portal and pastes its
token.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from connectors.answers import dig, text_at
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
from connectors.discord_acts import MOST_TEXT, Acts, open_direct
from connectors.discord_api import API, Api, is_id
from connectors.discord_messages import Ref, is_message, is_record, number_of, read
from connectors.discord_places import May, Place, Places
from connectors.discord_walk import AT_ONCE, Walk, utc_now
from connectors.errors import Gone, Reason, Refused, Unreadable

CHANNELS: Final = "channels"
DIRECT: Final = "direct"
_NUMBER: Final = re.compile(r"(?<!\d)\d{15,20}(?!\d)", re.ASCII)
_CONTENT: Final = (1 << 18) | (1 << 19)  # the message content intent, granted or of a bot in few servers
_NO_CONTENT: Final = (
    "Discord hides the words of messages from this bot. Turn on Message Content Intent on the Bot page of the"
    " developer portal, then try again."
)
_ONLY_OPENED: Final = (
    "Discord shows a bot no list of its direct messages. Only conversations that were begun from here, and"
    " those with the people named in the form, are read."
)
_COPY: Final = "In Discord, turn on Developer Mode; then the menu of a server, channel or person has Copy ID."
_ON_DISCORD: Final = "Discord offers this to people only, in its own app."
_LACKS: Final = {
    Verb.HIDE: "Discord cannot hide a message. Delete it instead.",
    Verb.UNHIDE: "Discord cannot hide a message, so there is nothing to show again.",
    Verb.RESTORE: "What was deleted on Discord cannot be brought back.",
    Verb.SPAM: "Discord takes reports of spam from people only, in its own app. Delete or ban instead.",
    Verb.RESOLVE: "Discord has no reports that a program could read.",
    Verb.ESCALATE: _ON_DISCORD,
    Verb.REPORT: _ON_DISCORD,
    Verb.LABEL: "Messages on Discord carry no labels.",
    Verb.UNLABEL: "Messages on Discord carry no labels.",
}
_CAN: Final = frozenset(Verb) - frozenset(_LACKS)
_ON_SERVER: Final = {
    Verb.KICK: May.KICK_MEMBERS,
    Verb.BAN: May.BAN_MEMBERS,
    Verb.UNBAN: May.BAN_MEMBERS,
    Verb.MUTE: May.MODERATE_MEMBERS,
    Verb.UNMUTE: May.MODERATE_MEMBERS,
}
_IN_CHANNEL: Final = {
    Verb.REMOVE: May.MANAGE_MESSAGES,
    Verb.LIKE: May.ADD_REACTIONS,
    Verb.LOCK: May.MANAGE_THREADS,
    Verb.UNLOCK: May.MANAGE_THREADS,
}


class DiscordConnector(Connector):
    """One bot. It reads what its roles let it read in the chosen servers, and joins none by itself.

    What was written in the last two days is read again in each pull, for edits and deletions; later ones are
    found when a message is fetched.
    """

    platform = "discord"
    name = "Discord"
    fields = (
        Field(
            "token",
            "Bot token",
            "From the Bot page of your application in Discord's developer portal. Turn on Message Content"
            " Intent there, and invite the bot to your server.",
            secret=True,
        ),
        Field(
            "servers",
            "Servers",
            "Their ids or links, for example https://discord.com/channels/… Empty: all that the bot is in.",
            required=False,
        ),
        Field(
            "channels",
            "Channels",
            "Ids or links of channels, forums or threads. Empty: all that the bot may read.",
            required=False,
        ),
        Field(
            "people",
            "Direct messages with",
            f"Ids of people whose messages to the bot are read, too. {_ONLY_OPENED}",
            required=False,
        ),
    )
    streams = (CHANNELS, DIRECT)
    poll_seconds = 60
    tested_on: ClassVar[Mapping[Verb, str]] = dict.fromkeys(_CAN, "specification")
    lacks = _LACKS
    now: ClassVar[Callable[[], datetime]] = staticmethod(utc_now)

    def __init__(self, values: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        super().__init__(values, secrets)
        self._api = Api(values.get("api", API), secrets.get("token", "").strip().removeprefix("Bot "))
        servers = [*dict.fromkeys(link[0] for link in self._links("servers"))]
        wanted = frozenset(link[-1] for link in self._links("channels"))
        self._places = Places(self._api, servers, wanted)
        self._walk = Walk(self._api, self._places, type(self).now)
        self._acts = Acts(self._api, self._places, type(self).now, self._remember)
        self._changed = False

    def _links(self, field: str) -> list[list[str]]:
        """The ids in each word of a field; a link names the server, the channel and perhaps a message.

        A word without one stands for itself and fits nothing: a mistake must not read as "all".
        """
        words = re.split(r"[\s,;]+", self.values.get(field, "").strip())
        return [_NUMBER.findall(word)[:2] or [word] for word in words if word]

    # ------------------------------------------------------------------ signing in

    def authorize(self) -> Mapping[str, str]:
        """Keep the token if Discord knows it as a bot's."""
        if dig(self._places.me(), "bot") is not True:
            raise Refused(
                Reason.UNSUPPORTED, "Discord forbids programs to use a person's account. Use a bot's."
            )
        named = [link[-1] for field in ("servers", "channels", "people") for link in self._links(field)]
        for wrong in (one for one in named if not is_id(one)):
            raise Refused(Reason.INVALID, f"“{wrong[:60]}” is no id and no link. {_COPY}")
        self._places.chosen()
        for person in self._people():
            self._remember(person, open_direct(self._api, person)["id"])
        return dict(self.secrets)

    def _people(self) -> list[str]:
        return [one for one in dict.fromkeys(link[-1] for link in self._links("people")) if is_id(one)]

    def probe(self) -> Probe:
        places = self._places.survey()
        me = self._places.me()
        content = self._content()
        channels = content if not content.can or places else Ability(can=False, why_not=_NOTHING_TO_READ)
        return Probe(
            account_id=self._places.our_id,
            handle=text_at(me, "username") or self._places.our_id,
            name=text_at(me, "global_name") or text_at(me, "username"),
            server=self._api.server,
            verbs=verbs(_CAN, _LACKS | self._not_allowed(places), untimed=(Verb.BAN,)),
            streams={CHANNELS: channels, DIRECT: Ability(can=True, why_not=_ONLY_OPENED)},
            max_text=MOST_TEXT,
        )

    def _content(self) -> Ability:
        """Whether the bot may read words; Discord leaves them empty without saying why."""
        flags = dig(self._api.record("applications/@me"), "flags")
        if not isinstance(flags, int):
            raise Unreadable("Discord did not say what the bot may read")
        return Ability(can=True) if flags & _CONTENT else Ability(can=False, why_not=_NO_CONTENT)

    def _not_allowed(self, places: Sequence[Place]) -> dict[Verb, str]:
        """What the bot's roles do not allow anywhere that was chosen."""
        bases = [self._places.guild(server).base for server in self._places.chosen()]
        why = {
            verb: _lacking(may) for verb, may in _ON_SERVER.items() if not any(may in base for base in bases)
        }
        why |= {
            verb: _lacking(may)
            for verb, may in _IN_CHANNEL.items()
            if not any(may in place.may for place in places)
        }
        writable = [place for place in places if place.writing in place.may]
        if not writable:
            why[Verb.REPLY] = _lacking(May.SEND_MESSAGES)
        if not any(May.SEND_POLLS in place.may for place in writable):
            why[Verb.POLL] = _lacking(May.SEND_POLLS)
        return why

    # ------------------------------------------------------------------ reading

    def pull(self, stream: str, state: str, since: datetime | None = None) -> Iterator[Page]:
        if stream == DIRECT:
            yield from self._walk.pull(stream, self._conversations(), state, since, threads=False)
            return
        if stream != CHANNELS:
            raise Refused(Reason.UNSUPPORTED, f"Discord has no stream {stream}")
        places = self._places.survey()
        content = self._content()
        if not content.can:
            raise Refused(Reason.SCOPE, content.why_not)  # reading on would pass over what nobody saw
        yield from self._walk.pull(stream, places, state, since, threads=True)

    def _conversations(self) -> list[Place]:
        """The direct conversations that are known: those of the form, and those begun from here."""
        self._places.forget()
        known = self._opened()
        for person in self._people():
            if person not in known:
                self._remember(person, open_direct(self._api, person)["id"])
        return [place for key in self._opened().values() if (place := self._conversation(key))]

    def _conversation(self, key: str) -> Place | None:
        try:
            return self._places.at(key)
        except Gone:
            return None

    def _opened(self) -> dict[str, str]:
        """The direct conversations, by the person that each is with."""
        pairs = (one.partition("/") for one in self.secrets.get("direct", "").split())
        return {person: channel for person, _, channel in pairs if is_id(person) and is_id(channel)}

    def _remember(self, person: str, channel: str) -> None:
        """Discord lists no direct conversations, so those that were begun are kept beside the token."""
        known = self._opened()
        if known.get(person) != channel:
            pairs = (known | {person: channel}).items()
            self.secrets["direct"] = " ".join(f"{one}/{two}" for one, two in pairs)
            self._changed = True

    def fresh_secrets(self) -> Mapping[str, str] | None:
        """The token and the direct conversations, once after one was begun."""
        changed, self._changed = self._changed, False
        return dict(self.secrets) if changed else None

    def fetch(self, ids: Sequence[str]) -> list[RemoteMessage | RemoteGone]:
        found: dict[str, RemoteMessage | RemoteGone] = {}
        channels: dict[str, list[int]] = {}
        for key in dict.fromkeys(ids):
            try:
                ref = Ref.of(key)
                channels.setdefault(ref.channel, []).append(int(ref.id))
            except Gone:
                found[key] = RemoteGone(key, GoneHow.UNKNOWN)
        for channel, numbers in channels.items():
            try:
                found |= {one.id: one for one in self._several(channel, sorted(numbers))}
            except Refused as no:
                if no.reason not in (Reason.ROLE, Reason.SCOPE):
                    raise  # a channel that we may no longer see says nothing of its messages
        return [found[key] for key in ids if key in found]

    def _several(self, channel: str, pending: list[int]) -> Iterator[RemoteMessage | RemoteGone]:
        """A page at a time; what is missing in a page is asked for by itself."""
        while pending:
            page: dict[int, Any] = {}
            if len(pending) > 1:
                rows = self._api.rows(
                    f"channels/{channel}/messages", after=str(pending[0] - 1), limit=AT_ONCE
                )
                page = {number_of(one): one for one in rows if is_record(one)}
            for number in [one for one in pending if one in page or one == pending[0]]:
                yield self._one(Ref(channel, str(number)), page.get(number))
            pending = [one for one in pending[1:] if one not in page]

    def _one(self, ref: Ref, raw: Any) -> RemoteMessage | RemoteGone:
        try:
            raw = raw or self._api.record(ref.path)
        except Gone:
            return RemoteGone(str(ref), GoneHow.UNKNOWN)
        return self._read(ref, raw)

    def _read(self, ref: Ref, raw: Any) -> RemoteMessage:
        place = self._places.at(ref.channel)
        return read(raw, place, self._places.our_id, self._places.renamed(place))

    def thread(self, message_id: str) -> list[RemoteMessage]:
        ref = Ref.of(message_id)
        place = self._places.at(ref.channel)
        raw = self._api.rows(f"channels/{ref.channel}/messages", around=ref.id, limit=AT_ONCE)
        worded = sorted((one for one in raw if is_message(one)), key=number_of)
        if not any(text_at(one, "id") == ref.id for one in worded):
            raise Gone("that message is no longer there")
        names, me = self._places.renamed(place), self._places.our_id
        return [read(one, place, me, names) for one in worded]

    # ------------------------------------------------------------------ acting

    def perform(self, command: Command) -> Receipt:
        if command.verb not in _CAN:
            raise Refused(Reason.UNSUPPORTED, _LACKS[command.verb])
        return self._acts.perform(command)

    def find_sent(self, command: Command) -> Receipt | None:
        """Own words since the command was made; for the rest, how things stand now."""
        return self._acts.find_sent(command)

    def close(self) -> None:
        self._api.close()


_NOTHING_TO_READ: Final = (
    "The bot can read no channel there. Its role needs View Channels and Read Message History."
)


def _lacking(may: May) -> str:
    name = (may.name or "").replace("_", " ").title()
    return f"The bot's role lacks the permission {name} there."
