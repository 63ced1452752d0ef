"""Tells two kinds of pooler apart: one keeps a server session for a client, the other lends it for a transaction.

Both give the client a process number of their own. While a client is idle, only the first kind passes on notifications
of its server session. Where many clients are at work, it proves nothing that another client has another session. A run
that took a lending pooler for the first kind would leave its lock in a session that is lent to another client.
"""

import asyncio
import secrets
from typing import NamedTuple

import asyncpg

from sartor.domain.destination import Destination
from sartor.errors import Unreachable
from sartor.postgres.connect.connect import DRIVER_ERRORS, close, connect
from sartor.postgres.driver.connection import Connection

_ME = "select pg_catalog.pg_backend_pid()"
PATIENCE = 2.0
"""Seconds that another client may wait for a server session; a pool that lends would give it the idle client's."""
HEARING = 0.5
"""Seconds within which another client's notification must arrive."""


class Pooler(NamedTuple):
    """A pooler: whether it `lends` an idle client's server session, and whether `another` client gets a session."""

    lends: bool
    another: bool


NO_POOLER = Pooler(lends=False, another=True)


async def look_at_pooler(connection: Connection, destination: Destination, *, application: str) -> Pooler:
    """Finds out what the pooler between an idle connection and its server does; where in doubt, it lends."""
    me = await connection.fetchval(_ME)
    other: Connection | None = None
    try:
        async with asyncio.timeout(PATIENCE):
            other = await connect(destination, application=application)
            async with other.fenced():  # a transaction, in which no other client has its session
                if await other.fetchval(_ME) == me:
                    return Pooler(lends=True, another=True)
        return Pooler(lends=not await _hears(connection, other), another=True)
    except TimeoutError:
        # Clients wait in turn: a client that gets an answer while another one waits has a session of its own.
        kept = not connection.is_closed() and await connection.fetchval(_ME) == me
        return Pooler(lends=not kept, another=not kept)
    except (Unreachable, OSError, *DRIVER_ERRORS):
        return Pooler(lends=True, another=True)
    finally:
        if other is not None:
            await close(other)


async def _hears(connection: Connection, other: Connection) -> bool:
    """Returns whether an idle connection receives a notification that another one sends."""
    channel, heard = f"sartor_{secrets.token_hex(8)}", asyncio.Event()

    def hear(*_message: object) -> None:
        heard.set()

    # The driver's own method: the connection's would record that a script changed the session.
    await asyncpg.Connection.add_listener(connection, channel, hear)
    try:
        await other.fetchval("select pg_catalog.pg_notify($1, '')", channel)
        async with asyncio.timeout(HEARING):
            await heard.wait()
    except TimeoutError:
        return False
    else:
        return True
    finally:
        await asyncpg.Connection.remove_listener(connection, channel, hear)
