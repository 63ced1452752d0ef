"""Sends rows to the server by COPY, and stops where the connection is lost."""

import asyncio
import functools
from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from sartor.domain.rows import Rows

PARTING = 1.0
"""Seconds to wait for the error of a method that was ended."""


def ends_with_connection(original: Any) -> Any:
    """Returns a sending method of a connection, wrapped so that it ends when the connection is lost.

    The driver's own waits until it may write again, which never happens. The wrapped method raises
    ConnectionResetError.
    """

    @functools.wraps(original)
    async def sending(connection: Any, *args: Any, **kwargs: Any) -> Any:
        task = asyncio.ensure_future(original(connection, *args, **kwargs))
        lost = asyncio.Event()
        waiting = asyncio.ensure_future(lost.wait())

        def end(_connection: object) -> None:
            lost.set()

        # The driver's own method: the connection's would record that a script has changed the session.
        asyncpg.Connection.add_termination_listener(connection, end)
        try:
            await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait((task,), timeout=PARTING)
            if not task.done():
                raise ConnectionResetError("the connection was lost")
            return task.result()
        finally:
            asyncpg.Connection.remove_termination_listener(connection, end)
            waiting.cancel()
            task.cancel()
            await asyncio.wait((task,), timeout=PARTING)
            if task.done() and not task.cancelled():
                task.exception()  # it was raised, or isn't the reason

    return sending


@ends_with_connection
async def send_rows(connection: Any, query: str, rows: Rows) -> str:
    """Runs `copy ... from stdin` with the rows of a file, block by block."""
    # The driver's own methods copy to tables: they write the statement themselves.
    return str(await connection._protocol.copy_in(query, _blocks(rows), None, None, None, None))  # noqa: SLF001


async def _blocks(rows: Rows) -> AsyncIterator[bytes]:
    blocks = rows.read()
    # In a thread, so that a slow disk doesn't block the event loop.
    while block := await asyncio.to_thread(next, blocks, b""):
        yield block
