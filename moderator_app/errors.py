"""What can go wrong here, by who must hear of it."""


class ForTheModerator(Exception):
    """Something a person can understand and act on; shown in place, without a trace.

    `sentence` says what happened, `remedy` what to do next.
    """

    def __init__(self, sentence: str, remedy: str = "") -> None:
        super().__init__(f"{sentence} {remedy}".strip())
        self.sentence = sentence
        self.remedy = remedy


class Cancelled(Exception):
    """The person asked to stop; nobody needs to be told."""
