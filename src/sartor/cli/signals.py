"""Handles Ctrl-C, SIGTERM and SIGHUP: the first signal ends the run in order, the second ends the process.

The first cancels the run: the statement under way is cancelled on the server and its script rolled back. A script that
blocks the event loop (`time.sleep`) wouldn't notice, so `BLOCKED` seconds later an exception is raised where it is; and
again, as scripts of several destinations may be about to block.
"""

import asyncio
import logging
import signal
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from os import _exit  # the real one, whatever scripts are given
from types import FrameType
from typing import Any, TypeVar

from sartor.api.server import give_back_alarm, in_script, own_process, take_alarm
from sartor.cli import output
from sartor.cli.streams import shout
from sartor.errors import BrokenInto, Interrupted, SartorError, Unreachable, UsageError
from sartor.log import LOG

T = TypeVar("T")

BLOCKED = 0.5
"""Seconds after which an event loop that hasn't taken the cancel counts as blocked by a script."""


def run(main: Coroutine[Any, Any, T], *, left: str | None = None, quiet: bool = False) -> T:
    """Runs a coroutine to its end, and returns its result. Raises Interrupted where a signal ended it.

    `left` says in that error's message what is left then; by default that is what a run of scripts leaves. A `quiet`
    run doesn't say that it stops: its process belongs to another one, which does.
    """
    _require_no_loop(main)
    own_process(output.tell)
    stop = _Stop(left, quiet=quiet)
    # Before asyncio installs a handler of its own, which cancels once and then raises wherever the process is.
    with _handling(stop), _logging():
        return asyncio.run(stop.watch(main))


def _require_no_loop(main: Coroutine[Any, Any, Any]) -> None:
    """Raises UsageError where an application calls a command on the thread of its event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    main.close()
    raise UsageError(
        "an event loop is running on this thread, and a command runs one of its own",
        hint="call `await asyncio.to_thread(sartor.main, [...], ...)`, or the functions of the API",
    )


def is_handled() -> bool:
    """Returns whether signals are handled here: Python lets the main thread alone do that."""
    return threading.current_thread() is threading.main_thread()


def _interrupted(name: str, error: BaseException, left: str | None) -> Interrupted:
    """Returns the error for a run that a signal ended with this error."""
    if isinstance(error, Unreachable):
        found = Interrupted(f"{name}: {error}", hint=error.hint)
    elif left is not None:
        found = Interrupted(f"{name}: stopped; {left}")
    else:
        report = getattr(error, "report", None)
        kept = f"; {len(report.done)} completed before" if report and report.done else ""
        found = Interrupted(
            f"{name}: stopped; the current transaction was rolled back{kept}",
            hint="to resume, run the same command again",
        )
    found.report = getattr(error, "report", None)
    return found


def _cancelled_within(error: BaseException) -> SartorError:
    """Returns the error for a run that was cancelled by no signal: only its script can have cancelled it."""
    report = getattr(error, "report", None)
    name = f"{report.remaining[0].name}: the script" if report and report.remaining else "a script"
    found = SartorError(
        f"{name} cancelled the run; the current transaction was rolled back",
        hint="a script may cancel only its own tasks: asyncio.all_tasks() also returns the task of the run",
    )
    found.report = report
    return found


class _BrokenInto(BrokenInto, asyncio.CancelledError):
    """Raised in a script that blocks the event loop: it can't be cancelled as a task is."""


class _Stop:
    """The state of a run's end: the signal that came, if any, and whether the event loop has noticed it."""

    def __init__(self, left: str | None, *, quiet: bool) -> None:
        self._left = left
        self._quiet = quiet
        self._task: asyncio.Task[Any] | None = None
        self._name: str | None = None
        self._broken_into = self._noticed = self._turned = False

    async def watch(self, main: Coroutine[Any, Any, T]) -> T:
        """Awaits `main`, and cancels it when a signal comes. Raises Interrupted then."""
        asyncio.get_running_loop().set_exception_handler(_on_stray)
        task: asyncio.Task[T] = asyncio.create_task(main)
        self._task = task
        if self._name is not None:
            self._notice()
        try:
            return await task
        except (asyncio.CancelledError, Unreachable) as error:
            if self._name is None:
                raise _cancelled_within(error) if isinstance(error, asyncio.CancelledError) else error from error
            raise _interrupted(self._name, error, self._left) from None

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        """Cancels the run at the first signal; ends the process at once at another: the server rolls back by itself."""
        if self._name is not None:
            self._shout("\nstopped immediately; the server rolls back what isn't committed\n", last=True)
            _exit(Interrupted.exit_code)
        self._name = signal.Signals(number).name
        self._shout(f"\n{self._name}: stopping; to stop immediately, send the signal again\n")
        if self._task is not None:
            self._task.get_loop().call_soon_threadsafe(self._notice)
            take_alarm()
            signal.setitimer(signal.ITIMER_REAL, BLOCKED, BLOCKED)

    def on_alarm(self, _number: int, _frame: FrameType | None) -> None:
        """Raises _BrokenInto in what blocks the event loop after a signal: once in anything, then in scripts alone."""
        if self._name is None or self._task is None:
            return
        if self._turned:
            self._turned = False
            with suppress(RuntimeError):  # the loop is closed
                self._task.get_loop().call_soon_threadsafe(self._turn)
        elif in_script() or not (self._noticed or self._broken_into):
            self._broken_into = True
            raise _BrokenInto

    def _turn(self) -> None:
        """Notes that the event loop isn't blocked."""
        self._turned = True

    def _shout(self, text: str, *, last: bool = False) -> None:
        if not self._quiet:
            shout(text, last=last)

    def _notice(self) -> None:
        self._turned = True
        if self._task is not None and not self._noticed:
            self._noticed = True
            self._task.cancel()


def _on_stray(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Reports in a line an error that was never awaited: that of a task which a script left behind."""
    output.tell(f"note: {context['message']}: {context.get('exception')!r}")


@contextmanager
def _handling(stop: _Stop) -> Iterator[None]:
    if not is_handled():
        yield
        return
    ends = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup` ignores it
        ends.append(signal.SIGHUP)
    handlers = {signal.SIGALRM: stop.on_alarm} | dict.fromkeys(ends, stop.on_signal)
    timer, began = signal.setitimer(signal.ITIMER_REAL, 0), time.monotonic()
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        give_back_alarm()
        for number, handler in before.items():
            signal.signal(number, handler)
        _set_again(*timer, took=time.monotonic() - began)


def _set_again(left: float, interval: float, *, took: float) -> None:
    """Sets an application's own timer again; one that would have run out meanwhile does so at once."""
    if left:
        signal.setitimer(signal.ITIMER_REAL, max(left - took, 1e-6), interval)


class _LogLines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        head = "note" if record.levelno >= logging.WARNING else f"{record.relativeCreated / 1000:.3f}"
        output.tell(f"{head}: {record.getMessage()}")


@contextmanager
def _logging() -> Iterator[None]:
    """Shows the logger's records on stderr while the block runs: warnings as notes; with --verbose, all.

    Hands none of them to what a script may have configured.
    """
    handler = _LogLines(logging.DEBUG if output.wants("--verbose") else logging.WARNING)
    before = LOG.level, LOG.propagate
    LOG.addHandler(handler)
    LOG.setLevel(handler.level)
    LOG.propagate = False
    try:
        yield
    finally:
        LOG.removeHandler(handler)
        LOG.setLevel(before[0])
        LOG.propagate = before[1]
