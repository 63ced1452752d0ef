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


def test_room_is_made_where_it_is_needed(database: Database, server_url: str) -> None:
    """A new connection takes the place of one that waits at the same server, and of no other's."""
    here = Destination.parse(database.url)
    beside = Destination.parse(server_url)
    elsewhere = Destination.parse(database.url.replace("127.0.0.1", "localhost"))
    assert here.server == beside.server != elsewhere.server

    async def use(*places: Destination) -> list[int]:
        pids = []
        with keeping_connections() as kept:
            for place in places:
                connection = await take_connection(place, application="sartor test")
                pids.append(connection.get_server_pid())
                await leave_connection(connection, place, application="sartor test")
            await kept.close()
        return pids

    first, _, again = asyncio.run(use(here, elsewhere, here))
    assert first == again
    first, _, again = asyncio.run(use(here, beside, here))
    assert first != again
