"""Poolers told apart: one that keeps a server session for a client, and one that lends it for a transaction.

Both give the client a process number of their own. While a client is idle, only the second kind gives its server
session to somebody else; and it may give the client another one.
"""

from __future__ import annotations

import asyncio

from sartor.domain.destination import Destination
from sartor.domain.errors import Unreachable
from sartor.postgres.connecting import DRIVER_ERRORS, close, connect
from sartor.postgres.connection import Connection

_ME = "select pg_catalog.pg_backend_pid()"
LOOKS = 3
"""How often it is looked: other clients may come between."""
PATIENCE = 2.0
"""Seconds that another client may wait for a server session: in a pool that lends, the idle one's would do."""


async def lends_sessions(connection: Connection, destination: Destination, *, application: str) -> bool:
    """Whether another client may get the connection's server session, where a pooler stands between."""
    me = await connection.fetchval(_ME)
    for _ in range(LOOKS):
        other: Connection | None = None
        try:
            async with asyncio.timeout(PATIENCE):
                other = await connect(destination, application=application)
                async with other.fenced():  # a transaction, in which nobody else has its session
                    if await other.fetchval(_ME) == me or await connection.fetchval(_ME) != me:
                        return True
        except (TimeoutError, Unreachable, OSError, *DRIVER_ERRORS):
            # A pool that keeps sessions, and has no other: this one's would have done.
            if connection.is_closed() or await connection.fetchval(_ME) != me:
                return True
        finally:
            if other is not None:
                await close(other)
    return False
