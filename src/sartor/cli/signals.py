"""Ctrl-C and SIGTERM: the first ends the run in order, the second ends the process.

The first cancels the run: the statement under way is cancelled on the server and its script rolled back. A script that
blocks the event loop (`time.sleep`) wouldn't notice, so a moment later an exception is raised wherever it stands.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

from sartor.cli import output
from sartor.domain.errors import Interrupted

T = TypeVar("T")

BLOCKED = 0.5
"""Seconds after which an event loop that hasn't taken the cancel is held to be blocked by a script."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end. Raises Interrupted where a signal ended it."""
    return asyncio.run(_guarded(main))


async def _guarded(main: Coroutine[Any, Any, T]) -> T:
    asyncio.get_running_loop().set_exception_handler(_on_stray)
    task = asyncio.ensure_future(main)
    with _handling(task) as stop:
        try:
            return await task
        except asyncio.CancelledError:
            if stop.name is None:
                raise
            raise Interrupted(f"{stop.name}: what was under way was rolled back") from None


def _on_stray(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Tell in a line of an error that nobody awaited: that of a task which a script left behind."""
    output.tell(f"note: {context['message']}: {context.get('exception')!r}")


class _Stop:
    """Whether a signal came, and whether the event loop has taken notice."""

    def __init__(self, task: asyncio.Future[Any]) -> None:
        self._task = task
        self._loop = asyncio.get_running_loop()
        self._noticed = False
        self.name: str | None = None

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        """The first signal cancels; another ends the process at once, and the server rolls back by itself."""
        if self.name is not None:
            sys.stderr.write("\nended at once: the server rolls back what was under way\n")
            sys.stderr.flush()
            os._exit(Interrupted.exit_code)
        self.name = signal.Signals(number).name
        sys.stderr.write(f"\n{self.name}: cancelling; once more to end at once\n")
        sys.stderr.flush()
        self._loop.call_soon_threadsafe(self._notice)
        signal.setitimer(signal.ITIMER_REAL, BLOCKED)

    def on_alarm(self, _number: int, _frame: FrameType | None) -> None:
        """Break into a script that blocks the event loop."""
        if not self._noticed:
            self._noticed = True
            raise asyncio.CancelledError

    def _notice(self) -> None:
        if not self._noticed:
            self._noticed = True
            self._task.cancel()


@contextmanager
def _handling(task: asyncio.Future[Any]) -> Iterator[_Stop]:
    stop = _Stop(task)
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, stop.on_signal) for number in numbers]
    before_alarm = signal.signal(signal.SIGALRM, stop.on_alarm)
    try:
        yield stop
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
        signal.signal(signal.SIGALRM, before_alarm)
