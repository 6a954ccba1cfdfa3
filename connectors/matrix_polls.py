"""Polls on Matrix (MSC3381): nobody counts them but whoever reads them.

Sources: the proposal MSC3381. Of each person the newest answer before the end counts; one that names
something that was never offered, or nothing, takes that person's vote back. Today's room versions use the
unstable names; both are read.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from connectors.answers import dig, entries, text_at
from connectors.contract import RemotePoll
from connectors.matrix_events import Event

UNSTABLE: Final = "org.matrix.msc3381.poll."
STABLE: Final = "m.poll."
STARTS: Final = frozenset({f"{UNSTABLE}start", f"{STABLE}start"})
RESPONSES: Final = frozenset({f"{UNSTABLE}response", f"{STABLE}response"})
ENDS: Final = frozenset({f"{UNSTABLE}end", f"{STABLE}end"})
_TEXT: Final = "org.matrix.msc1767.text"


def question(content: Mapping[str, Any]) -> str:
    """What is asked."""
    return _text(dig(_start(content), "question"))


def start(asked: str, choices: Sequence[str]) -> dict[str, Any]:
    """The content of a new poll; the text below is for programs that know no polls."""
    answers = [{"id": f"{number}", _TEXT: words} for number, words in enumerate(choices, 1)]
    lines = [f"{number}. {words}" for number, words in enumerate(choices, 1)]
    return {
        _TEXT: "\n".join([asked, *lines]),
        f"{UNSTABLE}start": {
            "kind": f"{UNSTABLE}disclosed",
            "max_selections": 1,
            "question": {_TEXT: asked, "body": asked, "msgtype": "m.text"},
            "answers": answers,
        },
    }


def end(poll: Event) -> tuple[str, dict[str, Any]]:
    """The type and content of what ends a poll."""
    stem = STABLE if poll.kind.startswith(STABLE) else UNSTABLE
    words = "The poll has ended."
    content: dict[str, Any] = {
        "m.relates_to": {"rel_type": "m.reference", "event_id": poll.id},
        f"{stem}end": {},
        _TEXT: words,
    }
    if stem == STABLE:
        content["m.text"] = [{"body": words}]
    return f"{stem}end", content


def count(
    content: Mapping[str, Any], poll: Event, related: Iterable[Event], may_end: Callable[[str], bool]
) -> RemotePoll:
    """Count a poll from everything that refers to it. `may_end`: whose end counts beside the asker's."""
    found = list(related)
    begun = _start(content)
    ends = [e.at for e in found if e.kind in ENDS and (e.sender == poll.sender or may_end(e.sender))]
    ended = min(ends, default=None)
    votes = [e for e in found if e.kind in RESPONSES and (ended is None or e.at <= ended)]
    newest = {vote.sender: vote for vote in sorted(votes, key=lambda vote: (vote.at, vote.id))}
    answers = {_answer_id(answer): _text(answer) for answer in entries(begun, "answers")}
    answers.pop("", None)
    most = _most(begun)
    chosen = [_chosen(vote.content, answers, most) for vote in newest.values()]
    kind = text_at(begun, "kind")
    hidden = ended is None and kind.endswith("undisclosed")  # to be shown when it has ended
    counted = tuple(
        (words, None if hidden else sum(key in ballot for ballot in chosen)) for key, words in answers.items()
    )
    voters = sum(bool(ballot) for ballot in chosen)
    return RemotePoll(counted, voters, ended, closed=ended is not None, several=most > 1)


def _start(content: Mapping[str, Any]) -> Any:
    return dig(content, f"{UNSTABLE}start") or dig(content, f"{STABLE}start")


def _text(holder: Any) -> str:
    """The words of a question or an answer, in any of the ways in which they were ever written."""
    for block in (dig(holder, "m.text"), dig(holder, "org.matrix.msc1767.message")):
        for entry in block if isinstance(block, list) else []:
            if text_at(entry, "body"):
                return text_at(entry, "body")
    return text_at(holder, _TEXT) or text_at(holder, "m.text") or text_at(holder, "body")


def _answer_id(answer: Any) -> str:
    return text_at(answer, "id") or text_at(answer, "m.id")


def _most(begun: Any) -> int:
    found = dig(begun, "max_selections")
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 1


def _chosen(content: Mapping[str, Any], answers: Mapping[str, str], most: int) -> frozenset[str]:
    named = entries(content, f"{UNSTABLE}response", "answers") or entries(content, "m.selections")
    if not all(isinstance(name, str) and name in answers for name in named):
        return frozenset()
    return frozenset(named[:most])
