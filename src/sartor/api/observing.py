"""Calls an application's observer so that it can't disturb the run."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Self, TypeVar

from sartor.errors import BrokenInto, ObserverFailed, said

if TYPE_CHECKING:
    from sartor.domain.report import Observer, RunEvent

T = TypeVar("T")


def ignore(_event: RunEvent) -> None:
    """Ignores the event: the observer where none is given."""


class Observed:
    """The observer that a run gets inside a `with`; it raises nothing: there, its error would be a script's.

    It calls the application's on the thread of the event loop, and keeps its first error. An event of another thread,
    as a script's may be, is delivered by the loop in its turn. At the end of the block that error is a note of what the
    block raises; else ObserverFailed is raised, with the `result` that was kept.
    """

    def __init__(self, observer: Observer) -> None:
        import asyncio  # loaded by whatever runs this; other commands need none of it
        import contextvars

        self._error: BaseException | None = None
        self._result: object = None
        self._observer = observer
        self._thread, self._loop = threading.get_ident(), asyncio.get_running_loop()
        self._context = contextvars.copy_context()  # apart from the script's, whose callbacks are noticed by theirs
        self._waiting: deque[RunEvent] = deque()

    def __enter__(self) -> Self:
        return self

    def keep(self, result: T) -> T:
        """Returns the result of the run, which is the caller's even where the observer has raised."""
        self._result = result
        return result

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self.deliver()
        if self._error is None:
            return
        raised = f"raised {type(self._error).__name__}: {said(self._error)}"
        if error is not None:
            error.add_note(f"the observer of the run {raised}")
            return
        from sartor.domain.report import Report

        failed = ObserverFailed(f"the run succeeded, but its observer {raised}", result=self._result)
        failed.report = self._result if isinstance(self._result, Report) else None
        raise failed from self._error

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
        if self._error is None:
            from sartor.log import LOG

            LOG.error("the observer of the run raised an error; the run continues", exc_info=error)
            self._error = error
