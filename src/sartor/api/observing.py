"""Calls an application's observer so that it can't disturb the run."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from sartor.errors import BrokenInto, ObserverFailed, said

if TYPE_CHECKING:
    from sartor.domain.report import Observer, RunEvent

T = TypeVar("T")


def ignore(_event: RunEvent) -> None:
    """Ignores the event: the observer where none is given."""


async def observed(observer: Observer, run: Callable[[Observer], Awaitable[T]]) -> T:
    """Awaits `run`, which gets an observer that raises nothing: inside a run, its error would be a script's.

    Raises what `run` raises; where it ends well, ObserverFailed if the observer has raised.
    """
    told = _Told(observer)
    try:
        result = await run(told)
    except BaseException as error:  # the observer of a cancelled run is told too
        told.deliver()
        if told.error is not None:
            error.add_note(f"the observer of the run raised {_text(told.error)}")
        raise
    told.deliver()
    if told.error is None:
        return result
    from sartor.domain.report import Report

    failed = ObserverFailed(f"the run succeeded, but its observer raised {_text(told.error)}", result=result)
    failed.report = result if isinstance(result, Report) else None
    raise failed from told.error


class _Told:
    """The observer that a run gets: calls the application's on the thread of the event loop, and keeps its first error.

    An event of another thread, as a script's may be, is delivered by the loop in its turn.
    """

    def __init__(self, observer: Observer) -> None:
        import asyncio  # loaded by whatever runs this; other commands need none of it
        import contextvars

        self.error: BaseException | None = None
        self._observer = observer
        self._thread, self._loop = threading.get_ident(), asyncio.get_running_loop()
        self._context = contextvars.copy_context()  # apart from the script's, whose callbacks are noticed by theirs
        self._waiting: deque[RunEvent] = deque()

    def __call__(self, event: RunEvent, /) -> None:
        self._waiting.append(event)
        if threading.get_ident() == self._thread:
            self.deliver()
        else:
            with suppress(RuntimeError):  # the loop is closed: a thread of a script has outlived the run
                self._loop.call_soon_threadsafe(self.deliver, context=self._context)

    def deliver(self) -> None:
        """Calls the observer with each event that waits."""
        while self._waiting:
            try:
                self._observer(self._waiting.popleft())
            except (BrokenInto, KeyboardInterrupt):
                raise
            except BaseException as error:  # noqa: BLE001 - a SystemExit of the observer's must not end the run either
                self._keep(error)

    def _keep(self, error: BaseException) -> None:
        if self.error is None:
            from sartor.log import LOG

            LOG.error("the observer of the run raised an error; the run continues", exc_info=error)
            self.error = error


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {said(error)}"
