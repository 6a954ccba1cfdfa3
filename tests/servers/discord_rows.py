"""How our Discord server writes what it holds, in the form of the official description."""

import re
from datetime import datetime
from typing import Any

from tests.servers.discord_community import (
    BOT,
    DIRECT,
    FORUM,
    GUILD,
    THREADS,
    Channel,
    Community,
    Message,
    Poll,
    User,
)

_CONTENT = (1 << 18) | (1 << 19)


def user(one: User) -> dict[str, Any]:
    row: dict[str, Any] = {"id": one.id, "username": one.username, "global_name": one.shown or None}
    row |= {"avatar": None, "discriminator": "0", "public_flags": 0, "flags": 0, "primary_guild": None}
    return row | ({"bot": True} if one.bot else {})


def channel(state: Community, one: Channel) -> dict[str, Any]:
    row: dict[str, Any] = {"id": one.id, "type": one.kind, "flags": 0, "last_message_id": one.last or None}
    if one.kind == DIRECT:
        return row | {"recipients": [user(state.users[one.recipient])]}
    row |= {"guild_id": GUILD, "name": one.name, "parent_id": one.parent or None}
    if one.kind in THREADS:
        return row | thread(state, one)
    return row | {"position": 0, "permission_overwrites": one.overwrites, "topic": None}


def thread(state: Community, one: Channel) -> dict[str, Any]:
    inside = state.within(one.id)
    row: dict[str, Any] = {"owner_id": BOT, "member_count": 1, "message_count": len(inside)}
    row |= {"total_message_sent": len(inside), "rate_limit_per_user": 0}
    told = {"archived": one.archived, "locked": one.locked, "auto_archive_duration": 1440}
    return row | {"thread_metadata": told | {"archive_timestamp": stamp(one.archived_at or state.now())}}


def role(key: str, powers: int) -> dict[str, Any]:
    row: dict[str, Any] = {"id": key, "name": "@everyone" if key == GUILD else "harbour", "color": 0}
    row |= {"permissions": str(powers), "position": 0, "hoist": False, "managed": False, "flags": 0}
    return row | {"mentionable": False, "icon": None, "unicode_emoji": None}


def member(state: Community, key: str) -> dict[str, Any]:
    until = state.members[key]
    row: dict[str, Any] = {"user": user(state.users[key]), "roles": state.bot_roles if key == BOT else []}
    row |= {"avatar": None, "banner": None, "flags": 0, "nick": None, "pending": False, "mute": False}
    row |= {"deaf": False, "joined_at": "2024-01-01T00:00:00.000000+00:00", "premium_since": None}
    return row | {"communication_disabled_until": stamp(until) if until else None}


def message(state: Community, one: Message, *, deep: bool = True) -> dict[str, Any]:
    """A message as the bot is shown it: without the intent, most of it is empty."""
    author = state.users.get(one.author) or User(one.author, one.more.get("called", "someone"))
    row: dict[str, Any] = {"id": one.id, "channel_id": one.channel, "type": one.kind, "flags": 0}
    row |= {"author": user(author), "timestamp": stamp(one.at), "pinned": False, "tts": False}
    row |= {"edited_timestamp": stamp(one.edited) if one.edited else None, "mention_everyone": False}
    row |= {"content": "", "attachments": [], "embeds": [], "components": [], "mention_roles": []}
    row["mentions"] = [
        user(two) for two in state.users.values() if {f"<@{two.id}>", f"<@!{two.id}>"} & _named(one)
    ]
    row |= {name: value for name, value in one.more.items() if name in ("webhook_id", "sticker_items")}
    if one.reactions and deep:
        row["reactions"] = [reaction(name, who) for name, who in one.reactions.items()]
    if one.answers:
        row |= _answering(state, one, deep=deep)
    begun = state.channels.get(one.id)
    if begun is not None and begun.parent != FORUM:
        row["thread"] = channel(state, begun)
    if _is_shown(state, one):
        row["content"] = one.content
        row |= {
            name: one.more[name]
            for name in ("attachments", "embeds", "message_snapshots")
            if name in one.more
        }
        row |= {"poll": poll(one.poll)} if one.poll else {}
    return row


def _named(one: Message) -> set[str]:
    return set(re.findall("<@!?[0-9]+>", one.content))


def _is_shown(state: Community, one: Message) -> bool:
    direct = state.channels[one.channel].kind == DIRECT
    return bool(state.flags & _CONTENT) or direct or one.author == BOT or f"<@{BOT}>" in one.content


def _answering(state: Community, one: Message, *, deep: bool) -> dict[str, Any]:
    about = {"type": 0, "channel_id": one.channel, "message_id": one.answers}
    if state.channels[one.channel].kind != DIRECT:
        about["guild_id"] = GUILD
    answered = state.messages.get(one.answers)
    shown = message(state, answered, deep=False) if answered and deep else None
    return {"message_reference": about} | ({"referenced_message": shown} if deep else {})


def reaction(name: str, who: set[str]) -> dict[str, Any]:
    row: dict[str, Any] = {"emoji": {"id": None, "name": name}, "count": len(who), "me": BOT in who}
    return row | {"count_details": {"burst": 0, "normal": len(who)}, "burst_colors": [], "me_burst": False}


def poll(one: Poll) -> dict[str, Any]:
    counts = [
        {"id": number, "count": chosen, "me_voted": False}
        for number in range(1, len(one.answers) + 1)
        if (chosen := sum(number in votes for votes in one.votes.values()))
    ]
    answers = [
        {"answer_id": number, "poll_media": {"text": text}}
        for number, text in enumerate(one.answers, start=1)
    ]
    row: dict[str, Any] = {"question": {"text": one.question}, "answers": answers, "layout_type": 1}
    row |= {"expiry": stamp(one.expiry), "allow_multiselect": one.several}
    return row | {"results": {"answer_counts": counts, "is_finalized": one.final}}


def stamp(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")
