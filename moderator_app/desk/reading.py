"""Let the rules read what came in: in batches, outside any transaction, the freshest first."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from moderator_app.desk import triage
from moderator_app.desk.desk import Desk
from moderator_app.desk.rows import Reading

BATCH: Final = 64


class Reader(Protocol):
    """Reads texts; each comes with the language that its platform names, or ""."""

    def read(self, texts: Sequence[tuple[str, str]]) -> list[Reading]: ...


def _never() -> bool:
    return False


def read_pending(
    desk: Desk,
    reader: Reader,
    cancelled: Callable[[], bool] = _never,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Read everything that is unread; answer how many messages that was."""
    done, inbox = 0, desk.in_bulk()
    while not cancelled() and (batch := desk.ask(triage.unread, BATCH)):
        readings = reader.read([(text, lang) for _, text, lang in batch])
        inbox.do(
            triage.apply,
            [(key, text, found) for (key, text, _), found in zip(batch, readings, strict=True)],
        )
        done += len(batch)
        if progress is not None:
            progress(done)
    return done
