"""Calls a script's function in containment: whatever it starts ends with it, and so does its connection.

A script that returns while something that it started still runs hasn't done its work: it fails, and is rolled back.
"""

import asyncio
import functools
import os
from pathlib import Path

from sartor.alterations.process_owner import Guest
from sartor.alterations.process_state import stay
from sartor.alterations.script import Body
from sartor.domain.source import Run
from sartor.errors import Escaped, SartorError
from sartor.execution.task_tracker import TaskTracker, tracking_tasks
from sartor.postgres.driver.connection import Connection
from sartor.postgres.driver.refused import require_awaited

_lent: dict[Connection, asyncio.AbstractEventLoop] = {}
"""The connection handles that scripts hold now, with the event loops that they run in."""


def _disarm_fork() -> None:
    """Disarms a process that a script has forked: it can send nothing, and ends on returning to the event loop."""
    for handle, loop in _lent.items():
        handle.take_back()
        loop.call_soon(os._exit, 1)  # not `sys.exit`: open connections, buffers and `atexit` handlers are the run's


os.register_at_fork(after_in_child=_disarm_fork)


def contained(body: Body, file: str) -> Body:
    """Returns a function that runs `body`, a function of the script in `file`, contained."""
    return functools.partial(_call, body, file)


async def _call(body: Body, file: str, connection: Connection, given: Run) -> None:
    """Runs a script's function on a handle of the connection, until all that it starts has ended.

    Raises what the script raises (Escaped where that would pass for the run's own), ScriptFault where something that it
    started still runs, and NotAwaited where it didn't await a query.
    """
    handle = connection.lend(Path(file).name)
    _lent[handle] = asyncio.get_running_loop()
    try:
        with stay(Guest(file, given.destination)) as process_state:
            tracker = TaskTracker(file, process_state)
            error = await _run(body, handle, given, tracker)
            await process_state.wait()
        if process_state.changed:
            given.log(f"changed {process_state.changed} of the process; Sartor restored the previous state")
    finally:
        del _lent[handle]
        handle.take_back()
    # What goes on explains a query that waits: a thread may have called for it just now.
    if error := error or tracker.fault or process_state.fault:
        raise error
    require_awaited(handle.asked)


async def _run(body: Body, handle: Connection, given: Run, tracker: TaskTracker) -> Exception | None:
    """Runs a script's function in a task of its own; returns its error, or None where it has none.

    Raises CancelledError where the run is cancelled meanwhile, whatever the script does about that.
    """
    own = asyncio.current_task()
    before = own.cancelling() if own else 0
    with tracking_tasks():
        error = await tracker.run(lambda: body(handle, given))
        await tracker.end()
    if own and own.cancelling() > before:
        raise asyncio.CancelledError
    # A subclass of Sartor's own: a signal interrupted a script that blocks the event loop.
    if isinstance(error, asyncio.CancelledError) and type(error) is not asyncio.CancelledError:
        raise error
    if error is None or (isinstance(error, Exception) and not isinstance(error, SartorError)):
        return error
    escaped = Escaped(type(error).__name__)
    escaped.__cause__ = error
    return escaped
