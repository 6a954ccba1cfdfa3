"""Logging, set up once: what happened, never what anybody wrote."""

import logging
import logging.handlers
import os
from pathlib import Path

# Libraries that log what they are given (addresses, statements, texts) stay at warnings.
_CHATTY = ("urllib3", "requests", "sqlalchemy", "keyring", "alembic", "spacy", "PIL")


class _NoArguments(logging.Filter):
    """Drops exception texts: a database or network error may quote the words that caused it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[0] is not None:
            record.msg = f"{record.msg} [{record.exc_info[0].__name__}]"
            record.exc_info = None
        record.exc_text = None
        return True


def start(path: Path, *, debug: bool = False) -> None:
    """Log to one rotating file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.close(descriptor)
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=1_000_000, backupCount=2, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(_NoArguments())
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    root.addHandler(handler)
    for name in ("moderator_app", "connectors"):
        logging.getLogger(name).setLevel(logging.DEBUG if debug else logging.INFO)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def to_terminal() -> None:
    """Where no file is open Python prints warnings to the terminal: these lose their exceptions, too."""
    if logging.lastResort is not None:
        logging.lastResort.addFilter(_NoArguments())
