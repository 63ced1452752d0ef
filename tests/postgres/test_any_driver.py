"""Whatever a version of the driver sends for BEGIN and COMMIT, a script and its record are one transaction."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from asyncpg.transaction import Transaction, TransactionState

import sartor
from sartor import AlterationFailed, Destination, Limits, Report
from support.database import Database
from support.folder import Folder

ORIGINAL = Transaction.start


async def _by_method(connection: Any, query: str) -> None:
    await connection.execute(query)


async def _by_itself(connection: Any, query: str) -> None:
    """As a driver that doesn't send its own statements by way of its public methods."""
    await asyncpg.Connection.execute(connection, query)


DRIVERS = {
    "this one": (_by_method, "BEGIN;", "COMMIT;"),
    "without semicolons": (_by_method, "BEGIN", "COMMIT"),
    "another begin": (_by_method, "begin transaction isolation level read committed", "COMMIT;"),
    "another commit": (_by_method, "BEGIN;", "end transaction -- done"),
    "by itself": (_by_itself, "BEGIN;", "COMMIT;"),
}


@pytest.fixture(params=DRIVERS)
def driver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver, patched to say this for BEGIN and COMMIT; savepoints are as they were."""
    send, begin, commit = DRIVERS[request.param]

    async def start(self: Any) -> None:
        if self._connection._top_xact is not None:
            await ORIGINAL(self)
            return
        self._connection._top_xact = self
        await send(self._connection, begin)
        self._state = TransactionState.STARTED

    async def end(self: Any) -> None:
        self._connection._top_xact = None
        await send(self._connection, commit)
        self._state = TransactionState.COMMITTED

    monkeypatch.setattr(Transaction, "start", start)
    monkeypatch.setattr(Transaction, "commit", end)


def deploy(database: Database, folder: Folder) -> Report:
    """Deploy everything, each script by itself."""
    sources = [sartor.LineageSource(name="main", location=str(folder.path))]
    return asyncio.run(sartor.deploy(Destination.parse(database.url), sources, limits=Limits(batch=False)))


@pytest.mark.usefixtures("driver")
def test_exactly_once(database: Database, folder: Folder) -> None:
    """A script runs once and is recorded, with a savepoint in it; the next deploy finds nothing to do."""
    database.run("create table ran (script text)")
    for name in ("1.0.0-1-a.py", "1.0.0-2-b.py"):
        folder.write(
            name,
            f"""
            async def up(conn):
                async with conn.transaction():
                    await conn.execute("insert into ran values ('{name}')")
            """,
        )
    assert [len(deploy(database, folder).done) for _ in range(2)] == [2, 0]
    assert database.rows("select script from ran") == [("1.0.0-1-a.py",), ("1.0.0-2-b.py",)]
    assert database.rows("select prev, open from sartor_journal where seq > 0") == [(0, None), (1, None)]


@pytest.mark.usefixtures("driver")
def test_a_failure_changes_nothing(database: Database, folder: Folder) -> None:
    """What fails leaves neither its work nor a record, and the session is fit for the journal's word of it."""
    folder.add("1.0.0-1-a.py", up="create table a (id int); select 1 / 0")
    with pytest.raises(AlterationFailed):
        deploy(database, folder)
    assert database.tables() == set()
    assert database.rows("select kind from sartor_journal where seq > 0") == [("failed",)]
    assert database.rows("select id from sartor_ledger") == []
