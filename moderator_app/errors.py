"""What can go wrong here, by who must hear of it."""


def QT_TRANSLATE_NOOP(context: str, text: str) -> str:  # noqa: N802 - the name that lupdate looks for
    """Mark a sentence for translation without translating it; the screen does that."""
    del context
    return text


class ForTheModerator(Exception):
    """Something a person can understand and act on; shown in place, without a trace.

    `sentence` says what happened and `remedy` what to do next, both in English with {names} that `facts`
    fill, so that the screen can translate them first. `mendable` and `viewable` say what else can be done
    with a workspace that does not open: recover it, or look at it.
    """

    mendable = False
    viewable = False

    def __init__(self, sentence: str, remedy: str = "", **facts: object) -> None:
        self.sentence = sentence
        self.remedy = remedy
        self.facts = facts
        super().__init__(f"{sentence} {remedy}".strip().format(**facts))


class Cancelled(Exception):
    """The person asked to stop; nobody needs to be told."""
