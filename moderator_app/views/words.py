"""The words for what the desk counts and names: levels, queues, times, ends, what was done."""

from datetime import UTC, datetime, timedelta

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale

from moderator_app.desk.rows import (
    AccountRow,
    ActionKind,
    ActionState,
    Audience,
    Enclosed,
    Forgets,
    HistoryRow,
    Kind,
    Level,
    Outcome,
    Queue,
    QueueRow,
    RemotePoll,
    Status,
)
from moderator_app.errors import ForTheModerator

HOUR = 60
DAY = 24 * HOUR
WEEK_DAYS = 7


def number(value: int) -> str:
    """A whole number as the reader's language writes it."""
    return QLocale().toString(value)


def more_than(value: int) -> str:
    """A number where the exact one has no room."""
    return QCoreApplication.translate("Words", "{number}+").format(number=number(value))


def level(value: Level) -> str:
    """The word of a level."""
    return {
        Level.CRISIS: QCoreApplication.translate("Words", "Crisis"),
        Level.RED: QCoreApplication.translate("Words", "Red"),
        Level.AMBER: QCoreApplication.translate("Words", "Amber"),
        Level.GREEN: QCoreApplication.translate("Words", "Green"),
    }[value]


def queue(name: Queue) -> str:
    """The name of a queue."""
    return {
        Queue.OPEN: QCoreApplication.translate("Words", "Needs a reply"),
        Queue.CRISIS: QCoreApplication.translate("Words", "Crisis"),
        Queue.RED: QCoreApplication.translate("Words", "Red"),
        Queue.AMBER: QCoreApplication.translate("Words", "Amber"),
        Queue.GREEN: QCoreApplication.translate("Words", "Green"),
        Queue.MINE: QCoreApplication.translate("Words", "Assigned to me"),
        Queue.ESCALATED: QCoreApplication.translate("Words", "Escalated"),
        Queue.SNOOZED: QCoreApplication.translate("Words", "Snoozed"),
        Queue.ANSWERED: QCoreApplication.translate("Words", "Answered"),
        Queue.EARLIER: QCoreApplication.translate("Words", "Earlier"),
        Queue.CLOSED: QCoreApplication.translate("Words", "Closed"),
    }[name]


def audience(value: Audience) -> str:
    """Who can read it, in two words."""
    if value is Audience.PRIVATE:
        return QCoreApplication.translate("Words", "Private message")
    return QCoreApplication.translate("Words", "Public")


def kind(value: Kind) -> str:
    """What a message is on its platform."""
    return {
        Kind.POST: QCoreApplication.translate("Words", "Post"),
        Kind.COMMENT: QCoreApplication.translate("Words", "Comment"),
        Kind.MENTION: QCoreApplication.translate("Words", "Mention"),
        Kind.DIRECT: QCoreApplication.translate("Words", "Direct message"),
        Kind.REPORT: QCoreApplication.translate("Words", "Report"),
    }[value]


def outcome(value: Outcome) -> str:
    """How a conversation ended."""
    return {
        Outcome.SAFE: QCoreApplication.translate("Words", "Safe and signposted"),
        Outcome.HELPED: QCoreApplication.translate("Words", "Helped by others"),
        Outcome.EMERGENCY: QCoreApplication.translate("Words", "Emergency service confirmed"),
        Outcome.REFERRED: QCoreApplication.translate("Words", "Referred to a service"),
        Outcome.DECLINED: QCoreApplication.translate("Words", "Help was declined"),
        Outcome.NO_ANSWER: QCoreApplication.translate("Words", "No answer came"),
        Outcome.PLATFORM: QCoreApplication.translate("Words", "Handed to the platform"),
        Outcome.NOT_OURS: QCoreApplication.translate("Words", "Not ours to answer"),
        Outcome.ANSWERED: QCoreApplication.translate("Words", "Question answered"),
        Outcome.NOTHING: QCoreApplication.translate("Words", "Nothing needed"),
    }[value]


def span(minutes: int) -> str:
    """A length of time, short: minutes, hours or days."""
    if minutes < HOUR:
        return QCoreApplication.translate("Words", "%n min", None, max(minutes, 0))
    if minutes < 2 * DAY:
        return QCoreApplication.translate("Words", "%n h", None, minutes // HOUR)
    return QCoreApplication.translate("Words", "%n d", None, minutes // DAY)


def ago(moment: datetime, now: datetime) -> str:
    """How long since, in words for a sentence."""
    minutes = int((now - moment).total_seconds() // 60)
    if minutes < 1:
        return QCoreApplication.translate("Words", "just now")
    return QCoreApplication.translate("Words", "{time} ago").format(time=span(minutes))


def age(row: QueueRow, now: datetime) -> str:
    """How long the person has waited."""
    return span(int((now - row.waiting_since).total_seconds() // 60))


def due(row: QueueRow, now: datetime) -> tuple[str, str]:
    """What is left of the clock and how it stands: fine, soon, over or none."""
    left = int((row.due_at - now).total_seconds() // 60)
    if left < 0:
        text = QCoreApplication.translate("Words", "{time} over")
        return text.format(time=span(-left)), "over"
    text = QCoreApplication.translate("Words", "{time} left")
    return text.format(time=span(left)), "soon" if left < HOUR else "fine"


def local(moment: datetime) -> QDateTime:
    """A moment on this machine's clock."""
    return QDateTime.fromSecsSinceEpoch(int(moment.timestamp())).toLocalTime()


def health(row: AccountRow, now: datetime) -> str:
    """How an account is."""
    synced = ago(row.last_pull_at, now) if row.last_pull_at else ""
    again = clock(row.next_try_at) if row.next_try_at else ""
    return {
        "ok": QCoreApplication.translate("Words", "Synced {time}").format(time=synced),
        "syncing": QCoreApplication.translate("Words", "Syncing"),
        "waiting": QCoreApplication.translate("Words", "Tries again at {time}").format(time=again),
        "offline": QCoreApplication.translate("Words", "Not reachable"),
        "sign_in": QCoreApplication.translate("Words", "Sign in again"),
        "new": QCoreApplication.translate("Words", "Not synced yet"),
    }[row.health]


def clock(moment: datetime) -> str:
    """The time of day."""
    return QLocale().toString(local(moment).time(), QLocale.FormatType.ShortFormat)


def when(moment: datetime, now: datetime) -> str:
    """Day and time as a person would say it: today, a weekday this week, else the date."""
    here, today = local(moment).date(), local(now).date()
    days = here.daysTo(today)
    if days == 0:
        text = QCoreApplication.translate("Words", "Today {time}")
        return text.format(time=clock(moment))
    if 0 < days < WEEK_DAYS:
        day = QLocale().dayName(here.dayOfWeek(), QLocale.FormatType.ShortFormat)
    else:
        shape = QCoreApplication.translate("Words", "d MMM", "date without a year")
        if here.year() != today.year():
            shape = QCoreApplication.translate("Words", "d MMM yyyy", "date with its year")
        day = QLocale().toString(here, shape)
    text = QCoreApplication.translate("Words", "{day} {time}")
    return text.format(day=day, time=clock(moment))


def date(moment: datetime) -> str:
    """The day alone."""
    shape = QCoreApplication.translate("Words", "d MMM yyyy", "date with its year")
    return QLocale().toString(local(moment).date(), shape)


def trouble(error: ForTheModerator) -> tuple[str, str]:
    """The sentence and the remedy of an error, translated and filled."""
    return (
        QCoreApplication.translate("Error", error.sentence).format(**error.facts),
        QCoreApplication.translate("Error", error.remedy).format(**error.facts),
    )


def spoken(row: QueueRow, now: datetime) -> str:
    """A whole card in words, for a screen reader."""
    left, _ = due(row, now)
    parts = [
        QCoreApplication.translate("Words", "{level} level.").format(level=level(row.level)),
        row.title if row.title.endswith((".", "!", "?")) or not row.title else f"{row.title}.",
        QCoreApplication.translate("Words", "From {person}, {channel}, waiting {time}.").format(
            person=row.person, channel=row.channel or row.platform, time=age(row, now)
        ),
        f"{left}.",
    ]
    if not row.seen:
        parts.insert(0, QCoreApplication.translate("Words", "Unread."))
    if row.assignee:
        text = QCoreApplication.translate("Words", "Assigned to {who}.")
        parts.append(text.format(who=row.assignee))
    if row.has_draft:
        parts.append(QCoreApplication.translate("Words", "Has a draft."))
    if row.excerpt or row.withheld:
        parts.append(withheld(row.withheld) if row.withheld else row.excerpt)
    return " ".join(part for part in parts if part)


def verb(value: ActionKind) -> str:
    """A recorded action as a short sentence for a notice."""
    return {
        ActionKind.REPLY: QCoreApplication.translate("Words", "Reply on its way"),
        ActionKind.RETRACT: QCoreApplication.translate("Words", "Reply taken back"),
        ActionKind.HIDE: QCoreApplication.translate("Words", "Message hidden"),
        ActionKind.UNHIDE: QCoreApplication.translate("Words", "Message shown again"),
        ActionKind.LIKE: QCoreApplication.translate("Words", "Message liked"),
        ActionKind.UNLIKE: QCoreApplication.translate("Words", "Like taken back"),
        ActionKind.RESOLVE: QCoreApplication.translate("Words", "Report settled"),
        ActionKind.REMOVE: QCoreApplication.translate("Words", "Message removed"),
        ActionKind.RESTORE: QCoreApplication.translate("Words", "Message restored"),
        ActionKind.SPAM: QCoreApplication.translate("Words", "Taken down as spam"),
        ActionKind.REPORT: QCoreApplication.translate("Words", "Reported to the platform"),
        ActionKind.HAND_ON: QCoreApplication.translate("Words", "Handed to the platform's own team"),
        ActionKind.LABEL: QCoreApplication.translate("Words", "Label set"),
        ActionKind.UNLABEL: QCoreApplication.translate("Words", "Label removed"),
        ActionKind.LOCK: QCoreApplication.translate("Words", "Conversation locked"),
        ActionKind.UNLOCK: QCoreApplication.translate("Words", "Conversation unlocked"),
        ActionKind.MUTE: QCoreApplication.translate("Words", "Person muted"),
        ActionKind.UNMUTE: QCoreApplication.translate("Words", "Person unmuted"),
        ActionKind.KICK: QCoreApplication.translate("Words", "Person sent out"),
        ActionKind.BAN: QCoreApplication.translate("Words", "Person banned"),
        ActionKind.UNBAN: QCoreApplication.translate("Words", "Ban lifted"),
        ActionKind.WRITE: QCoreApplication.translate("Words", "Private message on its way"),
        ActionKind.POLL: QCoreApplication.translate("Words", "Poll on its way"),
        ActionKind.END_POLL: QCoreApplication.translate("Words", "Poll ended"),
        ActionKind.ASSIGN: QCoreApplication.translate("Words", "Assignment changed"),
        ActionKind.SNOOZE: QCoreApplication.translate("Words", "Snoozed"),
        ActionKind.CLOSE: QCoreApplication.translate("Words", "Conversation closed"),
        ActionKind.REOPEN: QCoreApplication.translate("Words", "Conversation opened again"),
        ActionKind.LEVEL: QCoreApplication.translate("Words", "Level changed"),
        ActionKind.ESCALATE: QCoreApplication.translate("Words", "Escalated"),
        ActionKind.ACKNOWLEDGE: QCoreApplication.translate("Words", "Escalation taken"),
        ActionKind.NOTE: QCoreApplication.translate("Words", "Note added"),
        ActionKind.FORGET_NOTE: QCoreApplication.translate("Words", "Note removed"),
        ActionKind.MISREAD: QCoreApplication.translate("Words", "Noted: the cue was wrong here"),
        ActionKind.EXPORT: QCoreApplication.translate("Words", "Week exported"),
    }[value]


def deed(value: ActionKind) -> str:
    """What an action that waits to leave will do."""
    return {
        ActionKind.REPLY: QCoreApplication.translate("Words", "Reply"),
        ActionKind.RETRACT: QCoreApplication.translate("Words", "Take a reply back"),
        ActionKind.HIDE: QCoreApplication.translate("Words", "Hide"),
        ActionKind.UNHIDE: QCoreApplication.translate("Words", "Show again"),
        ActionKind.LIKE: QCoreApplication.translate("Words", "Like"),
        ActionKind.UNLIKE: QCoreApplication.translate("Words", "Take a like back"),
        ActionKind.RESOLVE: QCoreApplication.translate("Words", "Settle a report"),
        ActionKind.REMOVE: QCoreApplication.translate("Words", "Remove"),
        ActionKind.RESTORE: QCoreApplication.translate("Words", "Restore"),
        ActionKind.SPAM: QCoreApplication.translate("Words", "Take down as spam"),
        ActionKind.REPORT: QCoreApplication.translate("Words", "Report to the platform"),
        ActionKind.HAND_ON: QCoreApplication.translate("Words", "Hand to the platform's own team"),
        ActionKind.LABEL: QCoreApplication.translate("Words", "Set a label"),
        ActionKind.UNLABEL: QCoreApplication.translate("Words", "Remove a label"),
        ActionKind.LOCK: QCoreApplication.translate("Words", "Lock the conversation"),
        ActionKind.UNLOCK: QCoreApplication.translate("Words", "Unlock the conversation"),
        ActionKind.MUTE: QCoreApplication.translate("Words", "Mute this person"),
        ActionKind.UNMUTE: QCoreApplication.translate("Words", "Let this person write again"),
        ActionKind.KICK: QCoreApplication.translate("Words", "Send this person out"),
        ActionKind.BAN: QCoreApplication.translate("Words", "Ban this person"),
        ActionKind.UNBAN: QCoreApplication.translate("Words", "Lift the ban"),
        ActionKind.WRITE: QCoreApplication.translate("Words", "Write privately"),
        ActionKind.POLL: QCoreApplication.translate("Words", "Start a poll"),
        ActionKind.END_POLL: QCoreApplication.translate("Words", "End the poll"),
    }.get(value, verb(value))


def withheld(why: str) -> str:
    """Why words are held back, and that nothing is lost."""
    if why == "checking":
        return QCoreApplication.translate(
            "Words", "Words are held back until the platform says what was deleted."
        )
    return QCoreApplication.translate(
        "Words", "Words are held back: the platform was not asked for a day. They come back when it answers."
    )


def gone(how: str, name: str) -> str:
    """Why a message has no words any more."""
    if how in ("expired", "unconfirmed"):
        return QCoreApplication.translate("Words", "The words of {name} were forgotten in time.").format(
            name=name
        )
    return QCoreApplication.translate("Words", "{name} deleted a message here.").format(name=name)


def enclosed(found: Enclosed, now: datetime) -> list[str]:
    """What came with a message, a line each: the poll and its votes, pictures, labels."""
    lines = _poll(found.poll, now) if found.poll is not None else []
    if found.media:
        count = QCoreApplication.translate(
            "Words", "%n picture(s) or file(s), not loaded", "", len(found.media)
        )
        alts = "; ".join(one.alt for one in found.media if one.alt)
        lines.append(f"{count}: {alts}" if alts else count)
    if found.labels:
        marks = ", ".join(found.labels)
        lines.append(QCoreApplication.translate("Words", "Labels there: {labels}").format(labels=marks))
    return lines


def _poll(poll: RemotePoll, now: datetime) -> list[str]:
    over = poll.closed or (poll.closes_at is not None and poll.closes_at <= now)
    head = QCoreApplication.translate("Words", "Poll, closed") if over else ""
    if not head and poll.closes_at is not None:
        head = QCoreApplication.translate("Words", "Poll, closes {when}").format(
            when=when(poll.closes_at, now)
        )
    lines = [head or QCoreApplication.translate("Words", "Poll, open")]
    for text, votes in poll.answers:
        counted = QCoreApplication.translate("Words", "%n vote(s)", "", votes) if votes is not None else ""
        lines.append(f"\u2022 {text}: {counted}" if counted else f"\u2022 {text}")
    return lines


def forgets(found: Forgets, now: datetime) -> str:
    """When the words of a conversation go, and why."""
    days = max(0, -int(-(found.at - now).total_seconds() // 86400))
    if found.why == "held":
        text = QCoreApplication.translate("Words", "A safeguarding hold keeps these words until {date}.")
        return text.format(date=date(found.at))
    if found.why == "open":
        return QCoreApplication.translate("Words", "Words are kept while this is open.")
    if found.why == "platform":
        text = QCoreApplication.translate("Words", "Forgotten {when}, unless the platform confirms them.")
        return text.format(when=when(found.at, now))
    if days < 1:
        return QCoreApplication.translate("Words", "Words are forgotten today.")
    first = QCoreApplication.translate("Words", "Words are forgotten in %n day(s)", None, days)
    rest = QCoreApplication.translate("Words", "(%n day(s) after the last message).", None, found.days)
    return f"{first} {rest}"


def evening(moment: datetime) -> datetime:
    """Six in the evening of that day, here; an hour on where it is evening already."""
    here = moment.astimezone()
    six = here.replace(hour=18, minute=0, second=0, microsecond=0)
    return (six if six > here else here + timedelta(hours=1)).astimezone(UTC)


def morning(moment: datetime, days: int) -> datetime:
    """Nine in the morning, so many days on, here."""
    here = moment.astimezone() + timedelta(days=days)
    return here.replace(hour=9, minute=0, second=0, microsecond=0).astimezone(UTC)


def status(value: Status) -> str:
    """Where a conversation stands, in a word."""
    return {
        Status.OPEN: QCoreApplication.translate("Words", "Open"),
        Status.SNOOZED: QCoreApplication.translate("Words", "Snoozed"),
        Status.CLOSED: QCoreApplication.translate("Words", "Closed"),
        Status.ANSWERED: QCoreApplication.translate("Words", "Answered"),
        Status.EARLIER: QCoreApplication.translate("Words", "Earlier"),
    }[value]


def history(row: HistoryRow, now: datetime) -> str:
    """What was done, as a sentence."""
    facts: dict[str, str] = {**row.detail, "who": row.who}
    if row.kind is ActionKind.LEVEL and "to" in row.detail:
        facts["level"] = level(Level[row.detail["to"].upper()])
    if row.kind is ActionKind.SNOOZE and "until" in row.detail:
        facts["until"] = when(datetime.fromisoformat(row.detail["until"]), now)
    if row.kind is ActionKind.CLOSE and "outcome" in row.detail:
        facts["outcome"] = outcome(Outcome(row.detail["outcome"]))
    if "undo" in row.detail:
        sentence = QCoreApplication.translate("Words", "{who} took back: {what}")
        return sentence.format(who=row.who, what=verb(ActionKind(row.detail["undo"])))
    if row.kind is ActionKind.ASSIGN and not row.detail.get("to"):
        return QCoreApplication.translate("Words", "{who} gave this back").format(who=row.who)
    if row.kind is ActionKind.ASSIGN and row.detail.get("to") == row.who:
        return QCoreApplication.translate("Words", "{who} took this").format(who=row.who)
    return _sentences()[row.kind].format_map(_Facts(facts))


def aside(row: HistoryRow) -> str:
    """How far an action is, where that is worth a word."""
    return {
        ActionState.HELD: QCoreApplication.translate("Words", "waiting to leave"),
        ActionState.SENT: QCoreApplication.translate("Words", "being sent"),
        ActionState.UNKNOWN: QCoreApplication.translate("Words", "no answer yet"),
        ActionState.UNSURE: QCoreApplication.translate("Words", "nobody knows whether it arrived"),
        ActionState.FAILED: QCoreApplication.translate("Words", "not done"),
        ActionState.CANCELLED: QCoreApplication.translate("Words", "taken back"),
    }.get(row.state, "")


def recorded(what: str) -> str:
    """What a line of the record says was done."""
    if what in {kind.value for kind in ActionKind}:
        return deed(ActionKind(what))
    return {
        "access_asked": QCoreApplication.translate("Words", "Access bundle asked for"),
        "access_answered": QCoreApplication.translate("Words", "Access request answered"),
        "access_confirmed": QCoreApplication.translate("Words", "Access bundle confirmed"),
        "access_withdrawn": QCoreApplication.translate("Words", "Access request withdrawn"),
        "access_written": QCoreApplication.translate("Words", "Access bundle written"),
        "arrived": QCoreApplication.translate("Words", "Arrived on the platform"),
        "came_back": QCoreApplication.translate("Words", "The workspace was restored or recovered"),
        "cancelled": QCoreApplication.translate("Words", "Taken back before it left"),
        "cut": QCoreApplication.translate("Words", "Old lines of this record let go"),
        "erased": QCoreApplication.translate("Words", "Erased"),
        "erase_asked": QCoreApplication.translate("Words", "Erasure asked for"),
        "erase_confirmed": QCoreApplication.translate("Words", "Erasure confirmed"),
        "erase_withdrawn": QCoreApplication.translate("Words", "Erasure withdrawn"),
        "forgot": QCoreApplication.translate("Words", "Forgotten in time"),
        "hold": QCoreApplication.translate("Words", "Safeguarding hold began"),
        "hold_asked": QCoreApplication.translate("Words", "Safeguarding hold asked for"),
        "hold_confirmed": QCoreApplication.translate("Words", "Safeguarding hold confirmed"),
        "hold_ended": QCoreApplication.translate("Words", "Safeguarding hold ended"),
        "hold_released": QCoreApplication.translate("Words", "Safeguarding hold released"),
        "hold_renewed": QCoreApplication.translate("Words", "Safeguarding hold renewed"),
        "hold_reviewed": QCoreApplication.translate("Words", "Safeguarding hold reviewed"),
        "hold_withdrawn": QCoreApplication.translate("Words", "Safeguarding hold withdrawn"),
        "looked": QCoreApplication.translate("Words", "Somebody looked whether it arrived"),
        "refused": QCoreApplication.translate("Words", "The platform said no"),
        "retention": QCoreApplication.translate("Words", "Days of keeping changed"),
        "seen": QCoreApplication.translate("Words", "Looked at"),
        "unsure": QCoreApplication.translate("Words", "Nobody knows whether it arrived"),
    }.get(what, what.replace("_", " "))


class _Facts(dict[str, str]):
    """The facts of one history row; one that is missing leaves nothing behind."""

    def __missing__(self, key: str) -> str:
        return ""


def _sentences() -> dict[ActionKind, str]:
    """The shapes of history sentences."""
    return {
        ActionKind.REPLY: QCoreApplication.translate("Words", "{who} replied"),
        ActionKind.RETRACT: QCoreApplication.translate("Words", "{who} took a reply back"),
        ActionKind.HIDE: QCoreApplication.translate("Words", "{who} hid a message"),
        ActionKind.UNHIDE: QCoreApplication.translate("Words", "{who} showed a message again"),
        ActionKind.LIKE: QCoreApplication.translate("Words", "{who} liked a message"),
        ActionKind.UNLIKE: QCoreApplication.translate("Words", "{who} took a like back"),
        ActionKind.RESOLVE: QCoreApplication.translate("Words", "{who} settled the report"),
        ActionKind.REMOVE: QCoreApplication.translate("Words", "{who} removed a message"),
        ActionKind.RESTORE: QCoreApplication.translate("Words", "{who} restored a message"),
        ActionKind.SPAM: QCoreApplication.translate("Words", "{who} took a message down as spam"),
        ActionKind.REPORT: QCoreApplication.translate("Words", "{who} reported a message to the platform"),
        ActionKind.HAND_ON: QCoreApplication.translate(
            "Words", "{who} handed this to the platform's own team"
        ),
        ActionKind.LABEL: QCoreApplication.translate("Words", "{who} set the label {label}"),
        ActionKind.UNLABEL: QCoreApplication.translate("Words", "{who} removed the label {label}"),
        ActionKind.LOCK: QCoreApplication.translate("Words", "{who} locked the conversation"),
        ActionKind.UNLOCK: QCoreApplication.translate("Words", "{who} unlocked the conversation"),
        ActionKind.MUTE: QCoreApplication.translate("Words", "{who} muted the person"),
        ActionKind.UNMUTE: QCoreApplication.translate("Words", "{who} let the person write again"),
        ActionKind.KICK: QCoreApplication.translate("Words", "{who} sent the person out"),
        ActionKind.BAN: QCoreApplication.translate("Words", "{who} banned the person"),
        ActionKind.UNBAN: QCoreApplication.translate("Words", "{who} lifted the ban"),
        ActionKind.WRITE: QCoreApplication.translate("Words", "{who} wrote privately"),
        ActionKind.POLL: QCoreApplication.translate("Words", "{who} started a poll"),
        ActionKind.END_POLL: QCoreApplication.translate("Words", "{who} ended the poll"),
        ActionKind.ASSIGN: QCoreApplication.translate("Words", "{who} assigned this to {to}"),
        ActionKind.SNOOZE: QCoreApplication.translate("Words", "{who} snoozed this until {until}"),
        ActionKind.CLOSE: QCoreApplication.translate("Words", "{who} closed this: {outcome}"),
        ActionKind.REOPEN: QCoreApplication.translate("Words", "{who} opened this again"),
        ActionKind.LEVEL: QCoreApplication.translate("Words", "{who} set the level to {level}"),
        ActionKind.ESCALATE: QCoreApplication.translate("Words", "{who} escalated to {to}"),
        ActionKind.ACKNOWLEDGE: QCoreApplication.translate("Words", "{who} took the escalation"),
        ActionKind.NOTE: QCoreApplication.translate("Words", "{who} added a note"),
        ActionKind.FORGET_NOTE: QCoreApplication.translate("Words", "{who} removed a note"),
        ActionKind.MISREAD: QCoreApplication.translate("Words", "{who} said that a cue was wrong: {why}"),
        ActionKind.EXPORT: QCoreApplication.translate("Words", "{who} exported the week"),
    }
