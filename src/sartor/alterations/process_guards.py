"""Guards a process that is Sartor's own while scripts run in it, and knows which script began a thread or a process.

Several scripts may be under way at once, one for each destination: what they start can't be told by what is new.
"""

from __future__ import annotations

import _posixsubprocess
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

from sartor.alterations.process_parts import hold_descriptors
from sartor.errors import said

OWN: list[int] = []
"""The process number, where the process is Sartor's own; else empty."""


class Left(SystemExit):
    """Raised where a script was about to end or replace the process without any cleanup."""


class Begun:
    """The threads and processes that a script has started, and the errors that ended its threads."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.children: list[int] = []
        self.failed: list[tuple[threading.Thread, BaseException | None]] = []

    def running(self) -> list[int]:
        """Returns the numbers of its processes that run."""
        return [pid for pid in self.children if _runs(pid)]

    def busy(self) -> list[threading.Thread]:
        """Returns its threads that have work to do: those of a pool without any count as ended."""
        alive = [thread for thread in self.threads if thread.is_alive()]
        frames = sys._current_frames() if alive else {}  # noqa: SLF001 - documented, if so named
        return [thread for thread in alive if not _is_idle(frames.get(thread.ident or 0))]


BEGUN: ContextVar[Begun | None] = ContextVar("begun", default=None)
"""The threads and processes started by the script in whose context the code runs; None outside of scripts."""
_of_threads: WeakKeyDictionary[threading.Thread, Begun] = WeakKeyDictionary()
"""That by thread: a thread doesn't inherit the context of its starter."""


def guard(tell: Callable[[str], None]) -> None:
    """Keeps scripts from ending the process, notes what they start, and reports in one line what Python would print."""
    OWN.append(os.getpid())

    def on_thread(args: threading.ExceptHookArgs) -> None:
        begun = None if args.thread is None else _of_threads.get(args.thread)
        if args.thread is not None and begun is not None:
            begun.failed.append((args.thread, args.exc_value))
        else:
            tell(f"note: a script's thread failed: {type(args.exc_value).__name__}: {said(args.exc_value)}")

    def on_unraisable(args: Any) -> None:
        tell(f"note: Python ignored an error: {type(args.exc_value).__name__}: {said(args.exc_value)}")

    threading.excepthook, sys.unraisablehook = on_thread, on_unraisable
    hold_descriptors()
    for name in ("_exit", "execv", "execve"):
        setattr(os, name, _refusing(name, getattr(os, name)))
    places: tuple[tuple[Any, str], ...] = (
        *((os, name) for name in ("fork", "forkpty", "posix_spawn", "posix_spawnp")),
        (_posixsubprocess, "fork_exec"),
        (subprocess, "_fork_exec"),
    )
    for module, name in places:
        with suppress(AttributeError):  # a platform or a Python without it
            setattr(module, name, _noting(getattr(module, name)))
    threading.Thread.start = _noting_thread(threading.Thread.start)  # type: ignore[method-assign]


def _refusing(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def refuse(*args: Any) -> Any:
        # A process that a script has forked may end in any way.
        if os.getpid() == OWN[0]:
            raise Left(f"os.{name}({args[0] if args else ''!r})")
        return original(*args)

    return refuse


def _noting(original: Callable[..., Any]) -> Callable[..., Any]:
    def start(*args: Any, **given: Any) -> Any:
        found = original(*args, **given)
        begun, pid = _begun(), found[0] if isinstance(found, tuple) else found
        if pid and begun is not None:
            begun.children.append(pid)
        return found

    return start


def _noting_thread(original: Callable[..., None]) -> Callable[..., None]:
    def start(thread: threading.Thread, *args: Any, **given: Any) -> None:
        if (begun := _begun()) is not None:
            begun.threads.append(thread)
            _of_threads[thread] = begun
        original(thread, *args, **given)

    return start


def _begun() -> Begun | None:
    """Returns what the script has started whose code runs on this thread."""
    return BEGUN.get() or _of_threads.get(threading.current_thread())


def _is_idle(frame: Any) -> bool:
    """Returns whether a thread belongs to a pool and waits for work."""
    return frame is not None and (frame.f_code.co_name, frame.f_globals.get("__name__")) == (
        "_worker",
        "concurrent.futures.thread",
    )


def _runs(pid: int) -> bool:
    """Returns whether a child of this process runs; one that has ended may still be waited for."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False


def end_processes(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
