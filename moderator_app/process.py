"""What the system may see of this process: no dumps, no readers of its memory, private files, mute traces."""

import contextlib
import ctypes
import faulthandler
import logging
import os
import sys
import threading
import traceback
import warnings
from types import TracebackType

_SET_DUMPABLE = 4  # of <linux/prctl.h>
_GET_DUMPABLE = 3
_PRIVATE = 0o077
_ARENA_MAX = -8  # of <malloc.h>
_log = logging.getLogger(__name__)


def keep_private() -> None:
    """Before anything is read: files for their owner only, no core dump, no value in a trace.

    A core dump would hold words and keys; what the interpreter prints of an error may quote either.
    """
    os.umask(_PRIVATE)
    if os.name == "posix":
        import resource  # noqa: PLC0415 - absent on Windows

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not faulthandler.is_enabled() and sys.__stderr__ is not None:
        with contextlib.suppress(OSError, ValueError):  # a stderr without a file: nobody could read it
            faulthandler.enable(sys.__stderr__)
    logging.raiseExceptions = False  # a log line that cannot be written would be printed with its values
    sys.excepthook = told
    sys.unraisablehook = _left_over
    threading.excepthook = _in_thread
    warnings.showwarning = _warned


def close_memory() -> bool:
    """Let no other process of this user read our memory or attach; true where the system does it.

    Called before the first key is there and after the desktop was first asked for its colours: portals
    look a caller up in /proc once, and refuse one that they cannot look at.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(_SET_DUMPABLE, 0, 0, 0, 0) == 0)


def keep_small() -> None:
    """Let the C library keep two heaps instead of eight a core: after an evening that is 60 MB less.

    Only glibc has the switch, and it counts for threads that begin afterwards.
    """
    if sys.platform.startswith("linux"):
        with contextlib.suppress(AttributeError, OSError):
            ctypes.CDLL(None).mallopt(_ARENA_MAX, 2)


def memory_closed() -> bool:
    """Whether others of this user are kept out of our memory."""
    if not sys.platform.startswith("linux"):
        return False
    return bool(ctypes.CDLL(None).prctl(_GET_DUMPABLE, 0, 0, 0, 0) == 0)


def places(error: BaseException) -> list[str]:
    """Where an error came from: type, functions, files and lines. Never its text, which may hold words."""
    frames = traceback.extract_tb(error.__traceback__)
    return [type(error).__name__, *(f"  {f.name} ({_short(f.filename)}:{f.lineno})" for f in frames)]


def _short(filename: str) -> str:
    """The last two parts of a path; what stands before may hold a name."""
    return "/".join(filename.replace("\\", "/").split("/")[-2:])


def _print(lines: list[str]) -> None:
    if sys.stderr is not None:
        sys.stderr.write("\n".join([*lines, ""]))


def told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """An error that nobody took, for whoever watches the terminal: where it is, not what it says."""
    if issubclass(kind, KeyboardInterrupt):
        return
    _print(places(error.with_traceback(trace)))


def _left_over(found: "sys.UnraisableHookArgs") -> None:
    if found.exc_value is not None:
        _print(places(found.exc_value))


def _in_thread(found: threading.ExceptHookArgs) -> None:
    if found.exc_value is not None:
        _print(places(found.exc_value))


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: str | None = None,
) -> None:
    del message, file, line
    _log.info("%s (%s:%s)", category.__name__, _short(filename), lineno)
