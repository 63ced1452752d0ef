"""PgQueuer's driver over one connection of Sartor's, which is made anew where it is lost.

A connection of Sartor's knows TLS, password files and services. PgQueuer's own drivers end a worker whose connection is
cut, and its pool never listens again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self, TypeVar

from pgqueuer.core.tm import TaskManager
from pgqueuer.ports.driver import Driver, NotifyCallback

from sartor.domain.destination import Destination
from sartor.errors import ControlLost, PoolerRefused, Unreachable
from sartor.postgres.connect.connect import DRIVER_ERRORS, close, connect, session_error
from sartor.postgres.driver.connection import Connection
from sartor.sql.quoting import quote_identifier

T = TypeVar("T")

PAUSES = (0.1, 0.3, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0)
"""Seconds before each further attempt where the control database is away: a server restarts meanwhile."""


class QueueDriver(Driver):
    """One connection to the control database, for one query at a time.

    Repeats a query whose connection was lost: all of PgQueuer's may be. A job that was taken by a query whose answer
    was lost has no heartbeat, and is taken again.
    """

    def __init__(self, control: Destination, *, application: str) -> None:
        self._control = control
        self._application = application
        self._connection: Connection | None = None
        self._listeners: list[tuple[str, NotifyCallback]] = []
        self._gone: ControlLost | None = None
        self._free = asyncio.Lock()
        self._shutdown = asyncio.Event()
        self._tasks = TaskManager()

    @property
    def shutdown(self) -> asyncio.Event:
        return self._shutdown

    @property
    def tm(self) -> TaskManager:
        return self._tasks

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        return [dict(row) for row in await self._repeat(lambda connection: connection.fetch(query, *args))]

    async def execute(self, query: str, *args: object) -> str:
        return await self._repeat(lambda connection: connection.execute(query, *args))

    async def notify(self, channel: str, payload: str) -> None:
        await self.execute("select pg_catalog.pg_notify($1, $2)", channel, payload)

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        self._listeners.append((channel, callback))
        await self._repeat(lambda connection: _listen(connection, channel, callback))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        async with self._free:
            if self._connection is not None:
                await close(self._connection)
                self._connection = None

    async def _repeat(self, call: Callable[[Connection], Awaitable[T]]) -> T:
        """Awaits a call, again where the connection was lost. Raises ControlLost where it doesn't come back."""
        async with self._free:
            if self._gone is not None:
                raise self._gone
            for pause in (*PAUSES, None):
                try:
                    return await call(await self._open())
                except (OSError, Unreachable, *DRIVER_ERRORS) as error:
                    lost = isinstance(error, Unreachable) or self._connection is None or self._connection.is_closed()
                    if not lost:
                        raise  # PgQueuer knows what it means: another worker was quicker
                    if pause is None:
                        self._gone = _lost(error, self._control)
                        raise self._gone from error
                    await asyncio.sleep(pause)
        raise AssertionError  # the last pause is None

    async def _open(self) -> Connection:
        """Returns the connection, which is made again where it is lost, and then listens again."""
        if self._connection is None or self._connection.is_closed():
            made = await connect(self._control, application=self._application)
            try:
                await self._prepare(made)
            except BaseException:
                await close(made)
                raise
            self._connection = made
        return self._connection

    async def _prepare(self, connection: Connection) -> None:
        if connection.pooled:
            raise PoolerRefused("a queue needs a session of its own, and a pooler lends it to others")
        # PgQueuer's SQL names its tables without a schema.
        await connection.execute(f"set search_path = {quote_identifier(self._control.schema)}, pg_temp")
        for channel, callback in self._listeners:
            await _listen(connection, channel, callback)


async def _listen(connection: Connection, channel: str, callback: NotifyCallback) -> None:
    def hear(_connection: object, _pid: object, _channel: object, payload: object) -> None:
        callback(str(payload))

    await connection.add_listener(channel, hear)


def _lost(error: BaseException, control: Destination) -> ControlLost:
    found = error if isinstance(error, Unreachable) else session_error(error, control)
    return ControlLost(f"the control database was lost, and not found again: {found}")
