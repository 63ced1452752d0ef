"""A cancel that comes when the work is done: what a restore or a backup did isn't called undone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

import sartor
from sartor import Destination
from support.database import Database, temporary_database, with_name

DELAYS = [0, 0.001, 0.004, 0.01, 0.03]
"""Seconds from the moment at which the work is seen to be done to the cancel."""


async def cancelled(work: Awaitable[object], done: Callable[[], Awaitable[bool]], delay: float) -> object:
    """The result of work that is cancelled so long after it was done."""
    task = asyncio.ensure_future(work)
    while not (task.done() or await done()):
        await asyncio.wait([task], timeout=0.0005)
    await asyncio.wait([task], timeout=delay)
    task.cancel()
    return await task


@pytest.fixture
def archive(database: Database, tmp_path: Path) -> str:
    """A backup of a table."""
    database.run("create table t (id int)")
    made = asyncio.run(sartor.backup(Destination.parse(database.url), str(tmp_path / "x.dump")))
    return made.file


@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize("delay", DELAYS)
def test_a_restore(server_url: str, archive: str, delay: float, create: bool) -> None:
    """It is restored, and says so; a database that was made for it stays."""

    async def restore(url: str) -> None:
        there = Destination.parse(url)

        async def done() -> bool:
            try:
                looking = await asyncpg.connect(url)
            except asyncpg.InvalidCatalogNameError:
                return False
            found = await looking.fetchval("select to_regclass('public.t') is not null")
            await looking.close()
            return bool(found)

        await cancelled(sartor.restore(there, archive, create=create), done, delay)

    with temporary_database(server_url) as other:
        if create:
            Database(server_url, "postgres").run(f"drop database {other.name}")
        asyncio.run(restore(other.url))
        assert Database(with_name(server_url, other.name), other.name).tables() == {"t"}


@pytest.mark.parametrize("delay", DELAYS)
def test_a_backup(database: Database, tmp_path: Path, delay: float) -> None:
    """Its file is there, and is told, whether the journal has it or not."""
    file = tmp_path / "x.dump"

    async def back_up() -> object:
        async def done() -> bool:
            return file.exists()

        return await cancelled(sartor.backup(Destination.parse(database.url), str(file)), done, delay)

    database.run("create table t (id int)")
    asyncio.run(back_up())
    assert file.exists()
