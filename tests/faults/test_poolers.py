"""Poolers that lend a server session for a transaction, and those that keep one for a client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import asyncpg
import pytest

from sartor import Destination
from sartor.postgres.connect.connect import close, connect
from sartor.postgres.session import Session
from support.command import Command
from support.database import Database, with_name
from support.folder import Folder
from support.pooler import POOL, pooler

ALONE = "transaction = False\n\n\nasync def up(conn):\n    await conn.execute('create table a (id int)')\n"
LOOKS = 10


@pytest.fixture(params=[POOL, 2, 1])
def keeping_url(request: pytest.FixtureRequest, server_url: str, database: Database) -> Iterator[str]:
    """The database through a pooler that keeps a session for each client, and has so many of them."""
    with pooler(server_url, mode="session", pool=request.param) as url:
        yield with_name(url, database.name)


def test_one_that_keeps_sessions(sartor: Command, folder: Folder, keeping_url: str) -> None:
    """It is as good as none: also for what runs outside a transaction, with one session as well."""
    folder.write("1.0.0-1700000000-a.py", ALONE)
    sartor("deploy", "latest", env={"SARTOR_DB_URL": keeping_url})
    assert "0 pending" in sartor("status", env={"SARTOR_DB_URL": keeping_url}).out


def test_one_that_lends_them(pooler_url: str, database: Database) -> None:
    """It is never taken for the other kind, though another client gets in between: the run's lock would stay behind."""

    async def work(url: str) -> None:
        connection = await asyncpg.connect(url, statement_cache_size=0)
        with suppress(asyncio.CancelledError):
            while True:
                async with connection.transaction():
                    await connection.execute("select")
        connection.terminate()

    async def look(url: str) -> list[bool]:
        other = asyncio.create_task(work(url))
        try:
            found = []
            for _ in range(LOOKS):
                async with Session(Destination.parse(url), application="look") as session:
                    found.append(session.facts.pooled)
            return found
        finally:
            other.cancel()
            await other

    assert asyncio.run(look(with_name(pooler_url, database.name))) == [True] * LOOKS


def test_what_is_cancelled_before_it_begins(pooler_url: str, database: Database) -> None:
    """A question that is given up before its answer comes leaves no transaction to the next one."""

    async def ask(url: str) -> None:
        asking = await connect(Destination.parse(url), application="asking")
        for _ in range(3):  # the answer comes at one of these steps of the loop, or the next
            for steps in range(1, 6):
                asked = asyncio.create_task(asking.fetchval("select 1"))
                for _ in range(steps):
                    await asyncio.sleep(0)
                asked.cancel()
                await asyncio.gather(asked, return_exceptions=True)
                async with asking.script_transaction("", str, longest_lock=0):
                    await asking.execute("select 1")
        await close(asking)

    asyncio.run(ask(with_name(pooler_url, database.name)))
