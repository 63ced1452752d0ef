"""A database with something of each kind, for the tests of the fingerprint."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest

from support.changes import EVERYTHING, Everything
from support.database import temporary_database


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for a module's tests, so that they share a connection."""
    with asyncio.Runner() as found:
        yield found


@pytest.fixture(scope="module")
def everything(server_url: str, runner: asyncio.Runner) -> Iterator[Everything]:
    """The database, on one connection."""
    with temporary_database(server_url) as database:
        database.run(EVERYTHING)
        connection = runner.run(asyncpg.connect(database.url, statement_cache_size=0))
        yield Everything(connection, database.url)
        runner.run(connection.close())
