"""Connections kept for the next destination."""

from __future__ import annotations

import asyncio

from sartor import Destination
from sartor.postgres.connect.kept import MOST_USES, keeping_connections, leave_connection, take_connection
from support.database import Database


def test_worn_out(database: Database) -> None:
    """A connection is replaced now and then: what its server process remembers of the schemas doesn't grow for ever."""
    destination = Destination.parse(database.url)

    async def use() -> list[int]:
        pids = []
        with keeping_connections() as kept:
            for _ in range(MOST_USES + 1):
                connection = await take_connection(destination, application="sartor test")
                pids.append(connection.get_server_pid())
                await leave_connection(connection, destination, application="sartor test")
            await kept.close()
        return pids

    pids = asyncio.run(use())
    assert len(set(pids[:MOST_USES])) == 1
    assert pids[-1] != pids[0]
