"""What a fingerprint sees: more than a hundred kinds of change, on the real thing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from sartor.domain.difference import compare
from sartor.domain.fingerprint import Fingerprint, Scope
from sartor.postgres.fingerprint import read_fingerprint
from support.changes import EVERYTHING, Change, Verdict, changes
from support.database import temporary_database

CHANGES = tuple(changes())
SCHEMAS = ("app", "more", "public")


class Everything:
    """A database with something of each kind; nothing that a change does to it stays."""

    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        self.connection = connection
        self.server = connection.get_server_version().major

    async def look(self) -> Fingerprint:
        """How it is now."""
        return await read_fingerprint(self.connection, SCHEMAS, scope=Scope.DATABASE)

    async def undergo(self, change: Change) -> tuple[Fingerprint, Fingerprint]:
        """How it was, and how it is after a change."""
        transaction = self.connection.transaction()
        await transaction.start()
        try:
            await self.connection.execute(f"set local search_path = app, public; {change.first}")
            before = await self.look()
            await self.connection.execute(change.statements)
            return before, await self.look()
        finally:
            await transaction.rollback()


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for all the tests, so that they share a connection."""
    with asyncio.Runner() as found:
        yield found


@pytest.fixture(scope="module")
def everything(server_url: str, runner: asyncio.Runner) -> Iterator[Everything]:
    """The database, on one connection."""
    with temporary_database(server_url) as database:
        database.run(EVERYTHING)
        connection = runner.run(asyncpg.connect(database.url, statement_cache_size=0))
        yield Everything(connection)
        runner.run(connection.close())


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.statements.split(";")[0].replace("\n", " ")[:90])
def test_change(everything: Everything, runner: asyncio.Runner, change: Change) -> None:
    """A change is seen by the hash that it concerns, and the object that differs is named; or it is known not to be."""
    if everything.server < change.since:
        pytest.skip(f"since Postgres {change.since}")
    before, after = runner.run(everything.undergo(change))
    found = {d.label for d in compare(before, after)}
    assert (before.exact == after.exact) == (not found)
    assert (before.logical != after.logical) == (change.verdict is Verdict.SEES)
    if change.verdict is Verdict.BLIND:
        assert found == set()
    else:
        assert change.about in found


def test_enough_is_seen() -> None:
    """At least 95 of 100 kinds of change are seen, and there are more than a hundred kinds."""
    seen = [change for change in CHANGES if change.verdict is not Verdict.BLIND]
    assert len(CHANGES) > 100
    assert len(seen) / len(CHANGES) >= 0.95
