"""What a moderator asks of a platform about a message, its author or its conversation.

Each is recorded, held for a moment, sent once and settled by `desk.actions`, as a reply is.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from connectors.contract import Audience, Verb
from moderator_app.desk import actions, threads, triage
from moderator_app.desk.actions import KINDS
from moderator_app.desk.desk import Ctx
from moderator_app.desk.rows import ActionKind, Recorded
from moderator_app.errors import QT_TRANSLATE_NOOP, ForTheModerator
from moderator_app.models.inbox import Message

# In the order in which a person is shown them: the mildest first.
ON_A_MESSAGE: Final = (
    ActionKind.RESOLVE,
    ActionKind.LABEL,
    ActionKind.UNLABEL,
    ActionKind.HIDE,
    ActionKind.UNHIDE,
    ActionKind.REMOVE,
    ActionKind.SPAM,
    ActionKind.RESTORE,
    ActionKind.REPORT,
    ActionKind.HAND_ON,
)
ON_A_CONVERSATION: Final = (ActionKind.LOCK, ActionKind.UNLOCK, ActionKind.END_POLL)
ON_A_PERSON: Final = (
    ActionKind.WRITE,
    ActionKind.MUTE,
    ActionKind.UNMUTE,
    ActionKind.KICK,
    ActionKind.BAN,
    ActionKind.UNBAN,
)
_FEWEST, _MOST = 2, 10


def act(ctx: Ctx, message_id: int, kind: ActionKind, options: Mapping[str, str] | None = None) -> Recorded:
    """Ask the platform for something about a message; `options` are what its verb asks for."""
    verb = KINDS[kind].verb
    assert verb is not None, "only what the platform does"
    message = threads.message_for(ctx, message_id, verb)
    detail = {name: value.strip() for name, value in (options or {}).items() if value.strip()}
    if verb is Verb.WRITE:
        detail["audience"] = Audience.PRIVATE.value
        if "text" not in detail:
            raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "There is nothing to send yet."))
    if verb in (Verb.LABEL, Verb.UNLABEL) and "label" not in detail:
        raise ForTheModerator(QT_TRANSLATE_NOOP("Error", "Choose a label."))
    changed = {}
    if verb in (Verb.HIDE, Verb.UNHIDE):
        changed = actions.change(message, hidden_wanted=verb is Verb.HIDE)
    return actions.record(ctx, kind, message=message, detail=detail, changed=changed)


def ask_poll(
    ctx: Ctx, item_id: int, question: str, answers: Sequence[str], hours: int | None = None
) -> Recorded:
    """Put a poll into the conversation of an item, to be answered by whoever can read it there.

    Without `hours` it lasts until somebody ends it.
    """
    item = triage.get(ctx, item_id)
    threads.refuse(ctx, item.account_id, Verb.POLL)
    kept = [answer.strip() for answer in answers if answer.strip()]
    if not question.strip() or not _FEWEST <= len(kept) <= _MOST or len(set(kept)) < len(kept):
        raise ForTheModerator(
            QT_TRANSLATE_NOOP("Error", "A poll needs a question and two to ten different answers.")
        )
    message = ctx.session.get(Message, item.top_message_id) if item.top_message_id else None
    audience = message.audience if message else Audience.PUBLIC.value
    detail = {"text": question.strip(), "choices": json.dumps(kept), "audience": audience}
    if hours is not None:
        detail["hours"] = str(hours)
    return actions.record(ctx, ActionKind.POLL, item, message, detail=detail)
