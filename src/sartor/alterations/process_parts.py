"""Reads and restores the state of a process that a script may change."""

import _signal  # type: ignore[import-not-found]  # the stubs lack it; it returns handlers without making enums
import asyncio
import gc
import locale
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from sartor.alterations.process_owner import ALARM_TAKEN


class Belonging(NamedTuple):
    """A part of the process's state: its name, a function that reads it, and one that sets it to what was read."""

    name: str
    read: Callable[[], Any]
    set: Callable[[Any], object]


SIGNALS = tuple(n for n in signal.valid_signals() if n not in {signal.SIGKILL, signal.SIGSTOP})
TIMERS = (signal.ITIMER_VIRTUAL, signal.ITIMER_PROF, signal.ITIMER_REAL)
_held: list[int] = []
"""Copies of the standard descriptors, as they should be."""


def hold_descriptors() -> None:
    _held[:] = [os.dup(number) for number in (0, 1, 2)]


def _read_directory() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - it is text
    except OSError:
        return None


def _set_directory(before: str | None) -> None:
    if before is not None:
        os.chdir(before)


def _read_environment() -> dict[bytes, bytes]:
    # Its copy is made in a microsecond; its public view decodes each text.
    return dict(getattr(os.environb, "_data", os.environb))


def _set_environment(before: dict[bytes, bytes]) -> None:
    for name in set(os.environb) - set(before):
        del os.environb[name]
    for name, value in before.items():
        if os.environb.get(name) != value:
            os.environb[name] = value
    time.tzset()


def _set_path(before: tuple[list[str], list[str]]) -> None:
    sys.path = before[0]
    sys.path[:] = before[1]


def _read_umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


def _set_handlers(before: dict[int, Any]) -> None:
    for number, handler in before.items():
        if handler is not None and _signal.getsignal(number) != handler:
            signal.signal(number, handler)


def _read_timers() -> list[bool]:
    return [signal.getitimer(which)[0] > 0 for which in TIMERS if _is_scripts(which)]


def _stop_timers(_before: list[bool]) -> None:
    for which in filter(_is_scripts, TIMERS):
        signal.setitimer(which, 0)


def _is_scripts(timer: int) -> bool:
    return timer != signal.ITIMER_REAL or not ALARM_TAKEN


def _read_loop() -> tuple[Any, ...]:
    policy = asyncio.get_event_loop_policy()
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return (policy,)
    return policy, loop, loop.get_exception_handler(), loop.get_debug()


def _set_loop(before: tuple[Any, ...]) -> None:
    asyncio.set_event_loop_policy(before[0])
    if len(before) > 1:
        before[1].set_exception_handler(before[2])
        before[1].set_debug(before[3])


def _set_streams(before: list[tuple[Any, Any]]) -> None:
    sys.stdin, sys.stdout, sys.stderr = (stream for stream, _ in before)
    for name, descriptor in (("stderr", 2), ("stdout", 1)):
        if (stream := getattr(sys, name)) is not None and stream.closed:
            _set_descriptors([])  # its own may be closed with it
            new = open(descriptor, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115 - for good
            setattr(sys, name, new)


def _is_held(number: int) -> bool:
    try:
        return os.path.sameopenfile(number, _held[number])
    except OSError:
        return False


def _set_descriptors(_before: list[bool]) -> None:
    for number, held in enumerate(_held):
        if not _is_held(number):
            os.dup2(held, number)


def _set_hooks(before: tuple[Any, ...]) -> None:
    sys.excepthook, sys.unraisablehook, sys.displayhook, threading.excepthook = before[:4]
    sys.setrecursionlimit(before[4])


def _read_logging() -> tuple[Any, ...]:
    root = logging.getLogger()
    return root.level, root.manager.disable, root.disabled, tuple(root.handlers), tuple(root.filters)


def _set_logging(before: tuple[Any, ...]) -> None:
    root = logging.getLogger()
    root.setLevel(before[0])
    root.manager.disable, root.disabled = before[1], before[2]
    root.handlers[:], root.filters[:] = before[3], before[4]


SWITCHED = (
    Belonging(
        "sys.stdin, sys.stdout or sys.stderr",
        lambda: [(each, getattr(each, "closed", None)) for each in (sys.stdin, sys.stdout, sys.stderr)],
        _set_streams,
    ),
    Belonging("the working directory", _read_directory, _set_directory),
    Belonging("environment variables", _read_environment, _set_environment),
    Belonging("sys.path", lambda: (sys.path, sys.path[:]), _set_path),
    Belonging("the umask", _read_umask, os.umask),
    Belonging("the event loop's settings", _read_loop, _set_loop),
    Belonging("the locale", lambda: locale.setlocale(locale.LC_ALL), lambda was: locale.setlocale(locale.LC_ALL, was)),
    Belonging("logging", _read_logging, _set_logging),
    Belonging(
        "Python's hooks",
        lambda: (sys.excepthook, sys.unraisablehook, sys.displayhook, threading.excepthook, sys.getrecursionlimit()),
        _set_hooks,
    ),
    Belonging("garbage collection", gc.isenabled, lambda was: gc.enable() if was else gc.disable()),
)
"""The state that each of several scripts under way has for itself."""

RESTORED = (
    *SWITCHED,
    Belonging("signal handlers", lambda: {number: _signal.getsignal(number) for number in SIGNALS}, _set_handlers),
    Belonging(
        "blocked signals",
        lambda: signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        lambda was: signal.pthread_sigmask(signal.SIG_SETMASK, was),
    ),
)
"""The state that is restored behind each script."""

WHOLE = (
    *RESTORED,
    Belonging("the standard file descriptors", lambda: [_is_held(n) for n in range(len(_held))], _set_descriptors),
    Belonging("a timer", _read_timers, _stop_timers),
)
"""All state that is restored. The state of other modules isn't: what a script changes there stays, as the docs say."""


def read(parts: Iterable[Belonging]) -> list[Any]:
    return [each.read() for each in parts]


def put_back(parts: Sequence[Belonging], before: Sequence[Any], now: Sequence[Any] | None = None) -> list[str]:
    """Sets the parts that aren't as they were `before`; returns their names. `now` are those read just now."""
    changed = []
    for part, is_, was in zip(parts, now or read(parts), before, strict=False):
        if is_ != was:
            part.set(was)
            changed.append(part.name)
    return changed
