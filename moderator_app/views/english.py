"""English plurals without a file: "%n message(s)" and "%n repl(y|ies)" read right for every number."""

import re

from PySide6.QtCore import QTranslator

ENDING = re.compile(r"\((\w*)\|(\w*)\)|\(s\)")


class English(QTranslator):
    """Answers only for texts with a number in them; every other text is itself."""

    def isEmpty(self) -> bool:
        return False

    def translate(
        self,
        context: str,
        sourceText: str,  # noqa: N803 - Qt's own name
        disambiguation: str | None = None,
        n: int = -1,
    ) -> str:
        """Choose the ending of each word by the number."""
        del context, disambiguation
        if n < 0:
            return sourceText
        return ENDING.sub(lambda match: _ending(match, n), sourceText)


def _ending(match: re.Match[str], n: int) -> str:
    if match.group(0) == "(s)":
        return "" if n == 1 else "s"
    return match.group(1 if n == 1 else 2)
