"""A script as the guest of a run: what it starts ends with it, and so does its connection.

A script that returns while something of it goes on hasn't done its work: it fails, and is rolled back.
"""

from __future__ import annotations

import asyncio
import functools
import os
from pathlib import Path

from sartor.catalogue.premises import stay
from sartor.catalogue.script import Body
from sartor.domain.context import Context
from sartor.domain.errors import Escaped, SartorError
from sartor.postgres.asked import require_awaited
from sartor.postgres.connection import Connection
from sartor.runner.visit import Visit, noticing

_lent: dict[Connection, asyncio.AbstractEventLoop] = {}
"""The handles that scripts have now, with the loops that they run in."""


def _part() -> None:
    """In a process that a script has forked: it may send nothing, and ends where it comes back to the event loop."""
    for handle, loop in _lent.items():
        handle.take_back()
        loop.call_soon(os._exit, 1)


os.register_at_fork(after_in_child=_part)


def guest(body: Body, file: str) -> Body:
    """A function of the script in `file`, as one that is run as a guest."""
    return functools.partial(_host, body, file)


async def _host(body: Body, file: str, connection: Connection, context: Context) -> None:
    """Run a script's function on a handle of the connection, to the end of all that it starts.

    Raises what the script raises (Escaped where that would pass for the run's own), ScriptFault where something of it
    goes on, and NotAwaited where it left a query out.
    """
    handle = connection.lend(Path(file).name)
    visit, _lent[handle] = Visit(file), asyncio.get_running_loop()
    try:
        with stay() as premises:
            error = await _run(body, handle, context, visit)
            await premises.wait()
        if premises.changed:
            context.log(f"changed {premises.changed} of its process, which is put back")
    finally:
        del _lent[handle]
        handle.take_back()
    if error is None:
        require_awaited(handle.asked)
        error = visit.fault or premises.fault
    if error is not None:
        raise error


async def _run(body: Body, handle: Connection, context: Context, visit: Visit) -> Exception | None:
    """What a script's function comes to, run as a task of its own: its error, None where it has none.

    Raises CancelledError where the run is cancelled meanwhile, whatever the script makes of that.
    """
    own = asyncio.current_task()
    before = own.cancelling() if own else 0
    with noticing():
        error = await visit.run(lambda: body(handle, context))
        await visit.end()
    if own and own.cancelling() > before:
        raise asyncio.CancelledError
    # One of our own making: a signal broke into a script that blocks the event loop.
    if isinstance(error, asyncio.CancelledError) and type(error) is not asyncio.CancelledError:
        raise error
    if error is None or (isinstance(error, Exception) and not isinstance(error, SartorError)):
        return error
    escaped = Escaped(type(error).__name__)
    escaped.__cause__ = error
    return escaped
