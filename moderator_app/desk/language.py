"""Read what people wrote: propose a level with the words that led to it, in the languages we have packs for.

Two readers with one face. `Rules` reads in this process; `Worker` lets a child process read, so that no text
can take the window down with it. spaCy is imported only when something is read. There is no parser without
a model, and no model is shipped: scope is found by word windows, not by dependencies (decision 005).
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import moderator_app
from moderator_app import process
from moderator_app.desk.rows import Cue, Level, PackChange, Reading
from moderator_app.errors import Cancelled

__all__ = ["Rules", "Worker", "serve"]

LONGEST: Final = 40_000  # characters that are read whole; of a longer text its two ends are
_PATIENCE: Final = 30.0  # seconds for one text, the first of which also waits for the packs
_FAREWELL: Final = 2.0  # seconds for a child to end by itself
_PIPE: Final = 48_000  # bytes; less than any pipe holds, so that both sides never wait for each other


class Rules:
    """Reads in this process; it keeps nothing of any text. `alone` leaves the learned layer out."""

    def __init__(self, *, alone: bool = False) -> None:
        self._alone = alone

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, error, trace

    def use(self, changes: Sequence[PackChange]) -> None:
        """Read with the packs as a team has changed them."""
        from moderator_app.desk import cue_language  # noqa: PLC0415 - see `read`

        cue_language.use(changes)

    def read(self, texts: Sequence[tuple[str, str]]) -> list[Reading]:
        """One reading for each text and the language that its platform names."""
        from moderator_app.desk import cue_verdict, learned  # noqa: PLC0415 - a window shows without the rules

        known = None if self._alone else learned.layer()
        return [cue_verdict.read(text, lang, LONGEST, known) for text, lang in texts]


class Worker:
    """Reads in a child process: started on first use, restarted when it dies, ended on close.

    A text that ends the child twice comes back as unreadable and amber, so it waits for a person. One
    thread at a time reads; others wait their turn. Nothing of a text is written anywhere but to the child.
    """

    def __init__(self, command: Sequence[str] | None = None, patience: float = _PATIENCE) -> None:
        self._command = list(command or _command())
        self._patience = patience
        self._child: subprocess.Popen[bytes] | None = None
        self._changes: tuple[PackChange, ...] = ()
        self._turn = threading.Lock()
        self._life = threading.Lock()  # of the child: nobody starts one that `close` does not see
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, error, trace
        self.close()

    @property
    def pid(self) -> int | None:
        """The child's process number, while it runs."""
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    def use(self, changes: Sequence[PackChange]) -> None:
        """Read with the packs as a team has changed them: another child begins with them."""
        with self._turn:
            if tuple(changes) != self._changes:
                self._changes = tuple(changes)
                self._drop()

    def read(self, texts: Sequence[tuple[str, str]]) -> list[Reading]:
        """One reading for each text and the language that its platform names."""
        done: list[Reading] = []
        with self._turn:
            while len(done) < len(texts):
                done += self._read_some(texts[len(done) :])
        return done

    def close(self) -> None:
        """End the child for good: whoever reads now, or later, is told Cancelled."""
        self._closed = True
        self._drop()

    def _drop(self) -> None:
        """End the child; reading again starts another one."""
        with self._life:
            child, self._child = self._child, None
        if child is not None:
            _end(child)

    def _read_some(self, texts: Sequence[tuple[str, str]]) -> list[Reading]:
        """The readings of the first few texts; where the child dies at one, that one is tried alone."""
        lines = [json.dumps(text).encode("ascii") + b"\n" for text in _first(texts)]
        done = self._asked(lines)
        if done:
            return done
        done = self._asked(lines[:1])
        return done or [_unreadable(texts[0][1])]

    def _asked(self, lines: Sequence[bytes]) -> list[Reading]:
        """What the child answered before it had answered all or died."""
        child, opening = self._running()
        watch = threading.Timer(self._patience, child.kill)
        watch.start()
        done: list[Reading] = []
        try:
            if child.stdin is not None and child.stdout is not None:
                child.stdin.write(opening + b"".join(lines))
                child.stdin.flush()
                answers = (child.stdout.readline() for _ in lines)
                done.extend(reading_of(json.loads(answer)) for answer in answers)
        except (OSError, ValueError, KeyError, TypeError):
            self._drop()  # it died, was killed for being slow, or wrote what is no reading
        finally:
            watch.cancel()
        return done

    def _running(self) -> tuple[subprocess.Popen[bytes], bytes]:
        """The child, and what a new one has to be told first."""
        if self._child is not None and self._child.poll() is None:
            return self._child, b""
        self._drop()
        with self._life:
            if self._closed:
                raise Cancelled
            child = self._child = subprocess.Popen(  # noqa: S603 - our own program, no shell
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # a traceback could carry words of a text
                env=_environment(),
            )
        changes = [_change(one) for one in self._changes]
        return child, json.dumps(changes).encode() + b"\n" if changes else b""


def _change(one: PackChange) -> list[Any]:
    return [one.what, one.lang, one.line, one.kind, None if one.level is None else int(one.level)]


def _change_of(plain: Sequence[Any]) -> PackChange:
    what, lang, line, kind, level = plain
    return PackChange(what, lang, line, kind, None if level is None else Level(level))


def _first(texts: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """At least one text, and as many more as surely fit into a pipe that nobody reads yet."""
    size, count = 0, 0
    for text, lang in texts:
        size += 12 * len(text) + len(lang) + 8  # a character is at most two escapes of six letters
        count += 1
        if size > _PIPE:
            break
    return list(texts[: max(1, count - (size > _PIPE))])


def _unreadable(lang: str) -> Reading:
    from moderator_app.desk import cue_verdict  # noqa: PLC0415 - see Rules

    cue = Cue(0, 0, "unreadable", Level.AMBER, "could not be read: please read it", lang)
    scores = cue_verdict.scores(Level.AMBER, (cue,))
    return Reading(Level.AMBER, (cue,), lang or "und", covered=False, scores=scores)


def _command() -> list[str]:
    if getattr(sys, "frozen", False):
        return [sys.executable, "language-worker"]
    # Straight to this module: the command line and its libraries would only cost memory.
    return [sys.executable, "-c", "from moderator_app.desk import language; language.serve()"]


def _environment() -> dict[str, str]:
    """The child finds this very program, also where it runs from a source tree."""
    home = str(Path(moderator_app.__file__).resolve().parent.parent)
    paths = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _end(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:
                continue  # the child is gone and took its end of the pipe with it
    try:
        child.wait(_FAREWELL)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def serve() -> None:
    """The child's life: read one text per line, answer one reading per line, until the line ends.

    A line of changes to the packs, a list of lists, has no answer.
    """
    process.keep_private()
    process.close_memory()  # what it reads are people's words
    out = sys.stdout.buffer
    with Rules() as rules:
        for line in sys.stdin.buffer:
            asked = json.loads(line)
            if isinstance(asked[0], list):
                rules.use([_change_of(one) for one in asked])
                continue
            text, lang = asked
            found = rules.read([(text, lang)])[0]
            out.write(json.dumps(plain_of(found)).encode("ascii") + b"\n")
            out.flush()


def plain_of(reading: Reading) -> dict[str, Any]:
    """A reading as JSON carries it."""
    return {
        "level": int(reading.level),
        "cues": [[c.start, c.end, c.kind, int(c.level), c.why, c.lang, c.line] for c in reading.cues],
        "lang": reading.lang,
        "covered": reading.covered,
        "scores": dict(reading.scores),
        "topics": list(reading.topics),
        "sentiment": reading.sentiment,
        "intent": reading.intent,
    }


def reading_of(plain: Mapping[str, Any]) -> Reading:
    """The reading that `plain_of` wrote down."""
    return Reading(
        level=Level(plain["level"]),
        cues=tuple(Cue(c[0], c[1], c[2], Level(c[3]), c[4], c[5], c[6]) for c in plain["cues"]),
        lang=plain["lang"],
        covered=plain["covered"],
        scores=plain["scores"],
        topics=tuple(plain["topics"]),
        sentiment=plain["sentiment"],
        intent=plain["intent"],
    )
