"""Connections kept for the next destination."""

from __future__ import annotations

import asyncio

from sartor import Destination
from sartor.postgres.connect.connect import close, connect
from sartor.postgres.connect.kept import MOST_USES, keeping_connections, leave_connection, take_connection
from support.database import Database
from support.proxy import proxy_to


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


def test_a_server_without_tls_is_asked_once(database: Database) -> None:
    """A server that says it has no TLS isn't asked again in the same run, and is in the next one."""
    answers: list[bytes] = []

    def note(data: bytes) -> bytes:
        answers.append(data)
        return data

    async def connect_twice(destination: Destination) -> None:
        with keeping_connections():
            for _ in range(2):
                connection = await take_connection(destination, application="sartor test")
                assert not connection.encrypted
                await close(connection)

    with proxy_to(database.url) as proxy:
        proxy.reword = note
        destination = Destination.parse(proxy.url)
        asyncio.run(connect_twice(destination))
        assert answers.count(b"N") == 1
        asyncio.run(connect_twice(destination))
        assert answers.count(b"N") == 2
        asyncio.run(connect_twice(Destination.parse(f"{proxy.url}?sslmode=allow")))
        assert answers.count(b"N") == 2


def test_a_statement_that_nobody_waited_for(database: Database) -> None:
    """Statements are prepared after one whose preparation was cancelled: the server may have it all the same."""

    async def use() -> list[int]:
        connection = await connect(Destination.parse(database.url), application="sartor test")
        prepared = asyncio.create_task(connection.fetch_kept("select 1"))
        await asyncio.sleep(0)  # it is sent, and not answered
        prepared.cancel()
        await asyncio.wait([prepared])
        assert prepared.cancelled()
        await connection.undo()
        found = [row[0] for query in ("select 1", "select 2") for row in await connection.fetch_kept(query)]
        await close(connection)
        return found

    assert asyncio.run(use()) == [1, 2]


def test_a_statement_that_is_ended_late(database: Database) -> None:
    """A kept statement stays when the driver ends one of before the session was reset: something referred to that."""

    async def use() -> list[int]:
        connection = await connect(Destination.parse(database.url), application="sartor test")
        await connection.fetch_kept("select 1")
        [referred] = connection._statements.values()
        connection.touched = True
        await connection.undo()
        found = [row[0] for row in await connection.fetch_kept("select 2")]
        del referred
        await connection.fetch("select 3")  # before it, the driver ends what nothing refers to
        found += [row[0] for row in await connection.fetch_kept("select 2")]
        await close(connection)
        return found

    assert asyncio.run(use()) == [2, 2]
