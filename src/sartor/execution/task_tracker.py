"""Notices what a script starts in the event loop: tasks, scheduled callbacks, coroutines that were never awaited."""

from __future__ import annotations

import asyncio
import os
import sys
import types
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from types import FrameType
from typing import Any

from sartor.alterations.process_state import Stay, leave_unless
from sartor.errors import Escaped, ScriptFault
from sartor.postgres.errors import is_the_drivers

GRACE = 1.0
"""Seconds that the tasks of a script may take to end once they are cancelled."""
TURNS = 3
"""Iterations of the event loop in which tasks that have nothing left to wait for may end by themselves."""

DEPTH = 4
"""The number of frames kept of a coroutine's origin: a function that the script calls may create it for the script."""

_tracker: ContextVar[TaskTracker | None] = ContextVar("tracker", default=None)
_tracking_tasks: dict[asyncio.AbstractEventLoop, tuple[int, Any]] = {}
"""The number of trackers in a loop, and the task factory that it had before."""
UNAWAITED = "_warn_unawaited_coroutine"
"""The function of `warnings` that Python calls for a coroutine that is discarded without having been awaited."""
_warn: Any = getattr(warnings, UNAWAITED, None)


@contextmanager
def tracking_tasks() -> Iterator[None]:
    """Notices what is started in this loop in the context of a tracker, while the block lasts."""
    loop = asyncio.get_running_loop()
    count, before = _tracking_tasks.get(loop, (0, None))
    if count == 0:
        before = loop.get_task_factory()
        loop.set_task_factory(_make_task)
        _forbid_stop(loop)
        setattr(warnings, UNAWAITED, _note_unawaited)
        sys.set_coroutine_origin_tracking_depth(DEPTH)
    _tracking_tasks[loop] = count + 1, before
    try:
        yield
    finally:
        count, before = _tracking_tasks.pop(loop)
        if count > 1:
            _tracking_tasks[loop] = count - 1, before
        else:
            sys.set_coroutine_origin_tracking_depth(0)
            loop.set_task_factory(before)
            with suppress(AttributeError):
                del loop.stop
        if not _tracking_tasks:
            setattr(warnings, UNAWAITED, _warn)


class TaskTracker:
    """One call of a function of the script in `file`. `fault` is set at its end, where something is wrong with that.

    `stay` is that of the script in the process: it is told when a step of the script begins and ends.
    """

    def __init__(self, file: str, stay: Stay) -> None:
        self.fault: Exception | None = None
        self._file = file
        self._stay = stay
        self._factory: Any = _make_task
        self._pid = os.getpid()
        self._tasks: dict[asyncio.Task[Any], Any] = {}
        self._unawaited: list[tuple[str, tuple[str, int] | None]] = []

    async def run(self, function: Callable[[], Awaitable[None]]) -> BaseException | None:
        """Calls a function of the script and awaits it, in a task and a context of its own; returns what it raised."""

        async def inside() -> BaseException | None:
            _tracker.set(self)
            try:
                await self.in_steps(function().__await__())
            except BaseException as error:  # noqa: BLE001 - no error may pass through the event loop
                return error
            finally:
                leave_unless(self._pid)
            return None

        try:
            return await asyncio.get_running_loop().create_task(inside())
        except asyncio.CancelledError as error:
            return error  # the script cancelled itself; where the run was cancelled, the run knows

    async def end(self) -> None:
        """Ends what the script started and didn't await, and notes it as the fault."""
        loop = asyncio.get_running_loop()
        left = {task: self._tasks[task] for task in self._running()}
        for _ in range(TURNS):
            await asyncio.sleep(0)
            if not (self._running() or self._coming()):
                break
        fault = self._find(left)
        if self._factory is not _make_task and fault is None:
            fault = ScriptFault("the script replaced the event loop's task factory, so its tasks are unknown")
        deadline = loop.time() + GRACE
        while (running := self._running()) and loop.time() < deadline:
            for task in running:
                task.cancel()
            await asyncio.wait(running, timeout=GRACE)
        for handle in self._coming():
            handle.cancel()
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.exception()  # retrieved, as nothing else will
        self.fault = fault

    @types.coroutine
    def in_steps(self, work: Generator[Any, Any, Any] | Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """Awaits what is the script's, step by step: between two steps other scripts may have theirs."""
        proceed: Callable[[Any], Any] = work.send
        given: Any = None
        while True:
            self._begin_step()
            try:
                waiting = proceed(given)
            except StopIteration as end:
                return end.value
            finally:
                given = None  # an error would keep itself alive by way of this frame
                self._end_step()
            try:
                proceed, given = work.send, (yield waiting)
            except GeneratorExit:
                work.close()
                raise
            except BaseException as error:  # noqa: BLE001 - all that is raised here is meant for the script
                proceed, given = work.throw, error

    def _begin_step(self) -> None:
        self._stay.begin_step()
        asyncio.get_running_loop().set_task_factory(self._factory)

    def _end_step(self) -> None:
        loop = asyncio.get_running_loop()
        self._factory = loop.get_task_factory()
        loop.set_task_factory(_make_task)
        self._stay.end_step()

    def _find(self, left: Mapping[asyncio.Task[Any], Any]) -> Exception | None:
        """Returns the first fault found, or None; `left` are the tasks that ran when the script ended."""
        running, coming = self._running(), self._coming()
        # A task that has ended since then, with callbacks still to come, is what the script didn't await.
        at_work = [*(self._tasks[task] for task in running), *(left.values() if coming else ())]
        if at_work:
            said = (
                f"the script ended while one of its tasks was running: {getattr(at_work[0], '__qualname__', 'a task')}"
            )
            return ScriptFault(said, place=self._place(at_work[0]), advice="await the tasks that the script starts")
        if coming:
            said = "the script ended before a callback that it scheduled in the event loop"
            return ScriptFault(said, advice="await the work of the callback, or cancel the callback")
        for task in self._tasks:
            # Retrieving the error would clear the flag, which says whether the script has retrieved it.
            if getattr(task, "_log_traceback", False) and isinstance(error := task.exception(), Exception):
                return error
        if self._unawaited:
            name, place = self._unawaited[0]
            said = f"the script doesn't await {name}()"
            return ScriptFault(said, place=place, advice="write `await` before the call")
        return None

    def _running(self) -> list[asyncio.Task[Any]]:
        return [task for task in self._tasks if not task.done()]

    def _coming(self) -> list[asyncio.Handle]:
        """Returns the script's callbacks that the event loop is still to call; only asyncio's own loop shows them."""
        loop: Any = asyncio.get_running_loop()
        waiting = [*getattr(loop, "_scheduled", ()), *getattr(loop, "_ready", ())]
        contexts = [(handle, getattr(handle, "_context", None)) for handle in waiting if not handle.cancelled()]
        return [handle for handle, context in contexts if context is not None and context.get(_tracker) is self]

    def _place(self, coroutine: Any) -> tuple[str, int] | None:
        """Returns the file and line of the script that a coroutine is at; else those of the function that it runs."""
        places = []
        if (code := getattr(coroutine, "cr_code", None)) is not None:
            places.append((code.co_filename, code.co_firstlineno))
        while coroutine is not None:
            frame: FrameType | None = getattr(coroutine, "cr_frame", None)
            if frame is not None:
                places.append((frame.f_code.co_filename, frame.f_lineno))
            coroutine = getattr(coroutine, "cr_await", None)
        return next((place for place in reversed(places) if place[0] == self._file), places[0] if places else None)

    def adopt(self, coroutine: Any, make: Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]]) -> asyncio.Task[Any]:
        """Returns a new task for a coroutine of the script, which counts as the script's from then on."""
        task = make(_contained(self.in_steps(coroutine)))
        self._tasks[task] = coroutine
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        if task.cancelled() or not getattr(task, "_log_traceback", False):
            self._tasks.pop(task, None)

    def note_unawaited(self, coroutine: Any) -> None:
        places = [(file, line) for file, line, _ in coroutine.cr_origin or ()]
        own = next((place for place in places if place[0] == self._file), places[0] if places else None)
        self._unawaited.append((coroutine.__qualname__, own))


def _forbid_stop(loop: Any) -> None:
    """Prevents scripts from stopping the event loop, which would end the run; loops of other kinds don't allow that."""
    stop = loop.stop

    def refuse() -> None:
        if _tracker.get() is not None:
            raise RuntimeError("loop.stop() is refused, because it would end the run")
        stop()

    with suppress(AttributeError):
        loop.stop = refuse


def _note_unawaited(coroutine: Any) -> None:
    """Notes a coroutine that was never awaited, where it is a script's; else leaves it to Python's own warning."""
    if (tracker := _tracker.get()) is not None:
        tracker.note_unawaited(coroutine)
    elif _warn is not None:
        _warn(coroutine)


def _make_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **given: Any) -> asyncio.Task[Any]:
    """Makes a task: a loop's task factory while there are trackers. Tracks a script's tasks, makes others as before."""
    context, before = given.get("context"), _tracking_tasks[loop][1]

    def make(coroutine: Any) -> asyncio.Task[Any]:
        if before is None:
            return asyncio.Task(coroutine, loop=loop, **given)
        made: asyncio.Task[Any] = before(loop, coroutine, **given)
        return made

    tracker = _tracker.get() if context is None else context.get(_tracker)
    if tracker is not None and is_the_drivers(coroutine):
        # Its callbacks aren't the script's either: cancelled with those, the driver's task would never end.
        given["context"] = copy_context() if context is None else context.copy()
        given["context"].run(_tracker.set, None)
    elif tracker is not None:
        return tracker.adopt(coroutine, make)
    return make(coroutine)


async def _contained(work: Any) -> Any:
    """Awaits a script's work; raises Escaped for SystemExit and KeyboardInterrupt, which would end the loop."""
    try:
        return await work
    except (SystemExit, KeyboardInterrupt) as error:
        raise Escaped(type(error).__name__) from error
