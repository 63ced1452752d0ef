"""Restores the state of the process after each script, so that the next script finds it as it was.

Only where the process is Sartor's own: an application's belongs to that, and its other code changes it too.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sartor.alterations.process_owner import LEFT_RUNNING, TELL
from sartor.alterations.process_parts import BELONGINGS, hold_descriptors
from sartor.errors import ScriptFault, said

PARTING = 0.05
"""Seconds in which a thread with nothing left to do may end, or become idle."""

_mine: list[int] = []
"""The process number, where the process is Sartor's own; else empty."""
_staying: list[ProcessState] = []
"""The stays under way: a module may be loaded while a function of another waits."""


class Left(SystemExit):
    """Raised where a script was about to end or replace the process without any cleanup."""


def _own(tell: Callable[[str], None]) -> None:
    """Keeps scripts from ending the process, and reports in one line what Python would print as a traceback."""
    _mine.append(os.getpid())

    def on_thread(args: threading.ExceptHookArgs) -> None:
        if args.thread is not None and _staying:
            _staying[-1].failed.append((args.thread, args.exc_value))
        else:
            tell(f"note: a script's thread failed: {type(args.exc_value).__name__}: {said(args.exc_value)}")

    def on_unraisable(args: Any) -> None:
        tell(f"note: Python ignored an error: {type(args.exc_value).__name__}: {said(args.exc_value)}")

    threading.excepthook, sys.unraisablehook = on_thread, on_unraisable
    hold_descriptors()
    for name in ("_exit", "execv", "execve"):
        setattr(os, name, _refusing(name, getattr(os, name)))


def _refusing(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def refuse(*args: Any) -> Any:
        # A process that a script has forked may end in any way.
        if os.getpid() == _mine[0]:
            raise Left(f"os.{name}({args[0] if args else ''!r})")
        return original(*args)

    return refuse


class ProcessState:
    """One stay of a script in the process. At its end `changed` names what it changed, and `fault` what went wrong.

    A fault is a process or a thread that the script left running, or a thread of it that failed.
    """

    def __init__(self) -> None:
        self.changed = ""
        self.fault: ScriptFault | None = None
        self.failed: list[tuple[threading.Thread, BaseException | None]] = []
        self.before = [each.read() for each in BELONGINGS]
        self._threads = {thread.ident for thread in threading.enumerate()}
        self._children = _children()
        # A thread pool of its own: a shared one with all threads busy would delay the next script and the run's end.
        self._pool = _pool()
        _set_pool(None)

    async def wait(self) -> None:
        deadline = time.monotonic() + PARTING
        while self._busy() and time.monotonic() < deadline:  # noqa: ASYNC110 - a thread sends no event at its end
            await asyncio.sleep(PARTING / 10)

    def end(self) -> None:
        """Restores what was changed; notes as the fault what still runs, and ends the processes among that."""
        busy, children = self._busy(), [pid for pid in _children() if pid not in self._children and _lives(pid)]
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        LEFT_RUNNING.extend(busy)
        if children:
            self.fault = ScriptFault(
                f"the script left a process running, which Sartor killed: {children[0]}",
                advice="wait for the processes that the script starts",
            )
        elif busy:
            self.fault = ScriptFault(
                f"the script left a thread running: {busy[0].name}", advice="join the threads that the script starts"
            )
        elif self.failed:
            thread, error = self.failed[0]
            self.fault = ScriptFault(
                f"a thread of the script failed: {thread.name}: {type(error).__name__}: {said(error)}"
            )
            self.fault.__cause__ = error
        self.changed = ", ".join(put_back(self.before))
        faulthandler.cancel_dump_traceback_later()  # it may end the process, and can't be asked whether it is set
        self._end_pool()

    def _end_pool(self) -> None:
        if (pool := _pool()) is not None:
            pool.shutdown(wait=False)
        _set_pool(self._pool)

    def _busy(self) -> list[threading.Thread]:
        new = [thread for thread in threading.enumerate() if thread.ident not in self._threads]
        frames = sys._current_frames() if new else {}  # noqa: SLF001 - documented, if so named
        return [thread for thread in new if thread.is_alive() and not _is_idle(frames.get(thread.ident or 0))]


class _Elsewhere:
    """A stay in a process that isn't Sartor's: nothing is checked or restored."""

    changed = ""
    fault: ScriptFault | None = None

    async def wait(self) -> None: ...


@contextmanager
def stay() -> Iterator[ProcessState | _Elsewhere]:
    """Runs the block as a script's stay: restores at its end what the script changed of the process."""
    pid = os.getpid()
    if TELL and not _mine:
        _own(TELL[0])
    if not _mine or pid != _mine[0]:
        try:
            yield _Elsewhere()
        finally:
            leave_unless(pid)
        return
    outer = None
    if _staying:
        # A module loaded meanwhile must not see what a function under way has changed.
        outer = [each.read() for each in BELONGINGS]
        put_back(_staying[0].before)
    process_state = ProcessState()
    _staying.append(process_state)
    try:
        yield process_state
    finally:
        leave_unless(pid)
        _staying.remove(process_state)
        process_state.end()
        if outer is not None:
            put_back(outer)


def put_back(before: list[Any]) -> list[str]:
    """Restores the state that isn't as it was; returns the names of what had changed."""
    return [each.name for each, was in zip(BELONGINGS, before, strict=True) if each.put_back(was)]


def leave_unless(pid: int) -> None:
    """Ends a process that a script has forked, where it continues as if it were the run's process, number `pid`."""
    if os.getpid() != pid:
        os._exit(1)  # not `sys.exit`: open connections, buffers and `atexit` handlers are the run's


def _pool() -> Any:
    try:
        return getattr(asyncio.get_running_loop(), "_default_executor", None)
    except RuntimeError:
        return None


def _set_pool(pool: Any) -> None:
    with suppress(RuntimeError):
        loop: Any = asyncio.get_running_loop()
        loop._default_executor = pool  # noqa: SLF001 - its setter takes no None


def _is_idle(frame: Any) -> bool:
    """Returns whether a thread belongs to a pool and waits for work."""
    return frame is not None and (frame.f_code.co_name, frame.f_globals.get("__name__")) == (
        "_worker",
        "concurrent.futures.thread",
    )


def _children() -> set[int]:
    """Returns the numbers of this process's children, as far as the system shows them."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return set()
    found: set[int] = set()
    try:
        for thread in os.listdir("/proc/self/task"):  # noqa: PTH208 - names alone
            with open(f"/proc/self/task/{thread}/children", "rb") as file:  # noqa: PTH123 - shortest
                found.update(map(int, file.read().split()))
    except OSError:
        pass
    return found


def _lives(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - shortest
            return file.read().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return False
