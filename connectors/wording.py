"""Words that were sent, and how to know them again on a platform."""

import unicodedata


def storable(text: str) -> str:
    """Half an emoji cannot be sent, and a NUL is dropped on the way."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def same(there: str, sent: str) -> bool:
    """Whether these are the words that were sent, whatever became of blanks and what does not show."""
    return _bare(there) == _bare(storable(sent))


def _bare(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c)[0] not in "CZ")
