"""The process that scripts run in: what one of them changes of it is put back, so that the next finds it as it was.

Only where the process is Sartor's own (`process`): in an application it is the application's, and others change it too.
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

from sartor.catalogue.belongings import BELONGINGS, hold_descriptors
from sartor.catalogue.process import TELL
from sartor.domain.errors import ScriptFault, said

PARTING = 0.05
"""Seconds in which a thread that has nothing left to do may end, or be seen to be idle."""

_mine: list[int] = []
"""The number of this process, where it is Sartor's own."""
_staying: list[Premises] = []
"""Those under way: a module may be loaded while another's function waits."""


class Left(SystemExit):
    """A script was about to end the process, without anyone having a say in it."""


def _own(tell: Callable[[str], None]) -> None:
    """See that no script ends the process, and tell in a line of what Python would print as a traceback."""
    _mine.append(os.getpid())

    def on_thread(args: threading.ExceptHookArgs) -> None:
        if args.thread is not None and _staying:
            _staying[-1].failed.append((args.thread, args.exc_value))
        else:
            tell(f"note: a thread of a script ended: {type(args.exc_value).__name__}: {said(args.exc_value)}")

    def on_unraisable(args: Any) -> None:
        tell(f"note: nobody was there to be told: {type(args.exc_value).__name__}: {said(args.exc_value)}")

    threading.excepthook, sys.unraisablehook = on_thread, on_unraisable
    hold_descriptors()
    for name in ("_exit", "execv", "execve"):
        setattr(os, name, _refusing(name, getattr(os, name)))


def _refusing(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def refuse(*args: Any) -> Any:
        # A process that a script has forked ends as it likes.
        if os.getpid() == _mine[0]:
            raise Left(f"os.{name}({args[0] if args else ''!r})")
        return original(*args)

    return refuse


class Premises:
    """One stay of a script's. `changed` says afterwards what it changed, and `fault` what it left running."""

    def __init__(self) -> None:
        self.changed = ""
        self.fault: ScriptFault | None = None
        self.failed: list[tuple[threading.Thread, BaseException | None]] = []
        self.before = [each.read() for each in BELONGINGS]
        self._threads = {thread.ident for thread in threading.enumerate()}
        self._children = _children()
        # A pool of its own: one whose threads are all at work would keep the next script waiting, and the run's end.
        self._pool = _pool()
        _set_pool(None)

    async def wait(self) -> None:
        """Give threads the moment that they may need to end."""
        deadline = time.monotonic() + PARTING
        while self._busy() and time.monotonic() < deadline:  # noqa: ASYNC110 - a thread tells nobody
            await asyncio.sleep(PARTING / 10)

    def end(self) -> None:
        """Put back what is changed; note and, where it can be done, end what goes on."""
        busy, children = self._busy(), [pid for pid in _children() if pid not in self._children and _lives(pid)]
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        if children:
            self.fault = ScriptFault(
                f"the script ended and left a process running: {children[0]}, which was ended",
                advice="wait for the processes that it starts",
            )
        elif busy:
            self.fault = ScriptFault(
                f"the script ended and left a thread running: {busy[0].name}", advice="join the threads that it starts"
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
    """A stay in a process that isn't Sartor's: nothing is looked at."""

    changed = ""
    fault: ScriptFault | None = None

    async def wait(self) -> None:
        """Nothing is waited for."""


@contextmanager
def stay() -> Iterator[Premises | _Elsewhere]:
    """The time in which a script's code runs."""
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
        # A module that is loaded meanwhile has nothing of what a function under way has changed.
        outer = [each.read() for each in BELONGINGS]
        put_back(_staying[0].before)
    premises = Premises()
    _staying.append(premises)
    try:
        yield premises
    finally:
        leave_unless(pid)
        _staying.remove(premises)
        premises.end()
        if outer is not None:
            put_back(outer)


def put_back(before: list[Any]) -> list[str]:
    """Put back what isn't as it was; what that is."""
    return [each.name for each, was in zip(BELONGINGS, before, strict=True) if each.put_back(was)]


def leave_unless(pid: int) -> None:
    """End a process that a script has forked and that comes back as if it were the run's, of number `pid`."""
    if os.getpid() != pid:
        os._exit(1)


def _pool() -> Any:
    """The event loop's pool of threads, None where there is none."""
    try:
        return getattr(asyncio.get_running_loop(), "_default_executor", None)
    except RuntimeError:
        return None


def _set_pool(pool: Any) -> None:
    with suppress(RuntimeError):
        loop: Any = asyncio.get_running_loop()
        loop._default_executor = pool  # noqa: SLF001 - its setter takes no None


def _is_idle(frame: Any) -> bool:
    """Whether a thread is a pool's, and waits for work."""
    return frame is not None and (frame.f_code.co_name, frame.f_globals.get("__name__")) == (
        "_worker",
        "concurrent.futures.thread",
    )


def _children() -> set[int]:
    """The child processes of this one, as far as the system tells."""
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
