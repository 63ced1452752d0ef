"""Gives each script a process as if it were alone in it, and the next script one that is as it was.

Scripts of several destinations are under way at once, on one event loop. Only one of them runs at a time, from one
`await` to another: what such a step changes of the process is put aside before another script's step, and set again
before the script's own next one. Threads see what is set while they run.

Only where the process is Sartor's own: an application's belongs to that, and its other code changes it too.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sartor.alterations.process_guards import BEGUN, OWN, Begun, end_processes, guard
from sartor.alterations.process_owner import LEFT_RUNNING, RUNNING, TELL, Guest
from sartor.alterations.process_parts import RESTORED, SWITCHED, WHOLE, put_back, read
from sartor.errors import ScriptFault, said

PARTING = 0.05
"""Seconds in which a thread with nothing left to do may end, or become idle."""

_staying: list[ProcessState] = []
"""The stays under way in Sartor's own process."""
_holding: list[ProcessState] = []
"""The one of them as whose script left it the process is now; none where it is as it was before all of them."""


class Stay:
    """One stay of a script in the process. At its end `changed` names what it changed, and `fault` what went wrong."""

    changed = ""
    fault: ScriptFault | None = None

    def __init__(self, script: Guest) -> None:
        self._script = script

    async def wait(self) -> None:
        """Waits for what may end by itself."""

    def begin_step(self) -> None:
        """Begins a part of the script that runs without awaiting anything."""
        RUNNING.setdefault(threading.get_ident(), []).append(self._script)

    def end_step(self) -> None:
        scripts = RUNNING[thread := threading.get_ident()]
        scripts.pop()
        if not scripts:
            del RUNNING[thread]

    @contextmanager
    def step(self) -> Iterator[None]:
        """Runs the block as a step."""
        self.begin_step()
        try:
            yield
        finally:
            self.end_step()


class ProcessState(Stay):
    """A stay in Sartor's own process.

    A fault is a process or a thread that the script left running, or a thread of it that failed.
    """

    def __init__(self, script: Guest) -> None:
        super().__init__(script)
        self.begun = Begun()
        self.before: list[Any] = _staying[0].before if _staying else read(WHOLE)
        self._kept = self.before[: len(SWITCHED)]
        # A thread pool of its own: a shared one with all threads busy would delay the next script and the run's end.
        self._pool: Any = None
        self._others_pool: Any = None
        self._depth = 0

    def begin_step(self) -> None:
        if self._depth == 0:
            self._hold()
            self._others_pool = _swap_pool(self._pool)
        self._depth += 1  # a task may begin within a step: Python has eager ones
        super().begin_step()

    def end_step(self) -> None:
        super().end_step()
        self._depth -= 1
        if self._depth == 0:
            self._pool = _swap_pool(self._others_pool)

    def _hold(self) -> None:
        """Makes the process as this script left it."""
        if _holding == [self]:
            return
        now = read(SWITCHED)
        if _holding:
            _holding[0]._kept = now  # noqa: SLF001 - of the same class
        put_back(SWITCHED, self._kept, now)
        _holding[:] = [self]

    async def wait(self) -> None:
        deadline = time.monotonic() + PARTING
        while self.begun.busy() and time.monotonic() < deadline:  # noqa: ASYNC110 - a thread sends no event at its end
            await asyncio.sleep(PARTING / 10)

    def end(self) -> None:
        """Restores what was changed; notes as the fault what still runs, and ends the processes among that."""
        busy, children = self.begun.busy(), self.begun.running()
        end_processes(children)
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
        elif self.begun.failed:
            thread, error = self.begun.failed[0]
            self.fault = ScriptFault(
                f"a thread of the script failed: {thread.name}: {type(error).__name__}: {said(error)}"
            )
            self.fault.__cause__ = error
        if self._pool is not None:
            self._pool.shutdown(wait=False)
        self._restore()

    def _restore(self) -> None:
        """Makes the process as it was before all stays; what can't be told apart only after the last of them."""
        self._hold()
        _holding.clear()
        parts = RESTORED if _staying else WHOLE
        self.changed = ", ".join(put_back(parts, self.before))
        faulthandler.cancel_dump_traceback_later()  # it may end the process, and can't be asked whether it is set


@contextmanager
def stay(script: Guest) -> Iterator[Stay]:
    """Runs the block as a script's stay: restores at its end what the script changed of the process."""
    pid = os.getpid()
    if TELL and not OWN:
        guard(TELL[0])
    if not OWN or pid != OWN[0]:
        try:
            yield Stay(script)
        finally:
            leave_unless(pid)
        return
    state = ProcessState(script)
    _staying.append(state)
    token = BEGUN.set(state.begun)
    try:
        yield state
    finally:
        leave_unless(pid)
        BEGUN.reset(token)
        _staying.remove(state)
        state.end()


def leave_unless(pid: int) -> None:
    """Ends a process that a script has forked, where it continues as if it were the run's process, number `pid`."""
    if os.getpid() != pid:
        os._exit(1)  # not `sys.exit`: open connections, buffers and `atexit` handlers are the run's


def _swap_pool(pool: Any) -> Any:
    """Sets the event loop's default thread pool; returns the one that it had."""
    with suppress(RuntimeError):
        loop: Any = asyncio.get_running_loop()
        before = getattr(loop, "_default_executor", None)
        loop._default_executor = pool  # noqa: SLF001 - its setter takes no None
        return before
    return None
