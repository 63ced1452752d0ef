"""A database with something of each kind, for the tests of the fingerprint."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest

from support.changes import EVERYTHING, Everything
from support.database import temporary_database
from support.secured import Secured, find_binaries, secured_server


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for a module's tests, so that they share a connection."""
    with asyncio.Runner() as found:
        yield found


@pytest.fixture(scope="session")
def secured() -> Iterator[Secured]:
    """A server with TLS, of a distribution's."""
    found = find_binaries()
    if found is None:
        pytest.skip("needs a distribution's Postgres, with TLS and psql, and openssl")
    with secured_server(found) as server:
        yield server


@pytest.fixture(scope="module")
def everything(server_url: str, runner: asyncio.Runner) -> Iterator[Everything]:
    """The database, on one connection."""
    with temporary_database(server_url) as database:
        database.run(EVERYTHING)
        connection = runner.run(asyncpg.connect(database.url, statement_cache_size=0))
        yield Everything(connection, database.url)
        runner.run(connection.close())
