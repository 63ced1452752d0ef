"""An application asks at its start whether the schema fits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import asyncpg
import pytest

import sartor
from sartor import (
    DestinationError,
    LedgerUnsound,
    Locked,
    NothingDeployed,
    PrivilegeMissing,
    Release,
    SchemaMissing,
    SchemaPending,
    SchemaTooOld,
    Unreachable,
    UsageError,
)
from support.database import Database
from support.folder import Folder
from support.roles import Role, temporary_role
from support.servers import closed_port
from support.sessions import holding

ONE, TWO = "1.0.0-1700000001-a.py", "1.1.0-1700000002-b.py"
GRANTS = ("grant usage on schema public to {0}", "grant select on sartor_ledger to {0}")
SETTINGS = "select name, setting from pg_settings order by name"


@pytest.fixture
def shipped(folder: Folder) -> Folder:
    """Two releases, an alteration each."""
    folder.table(ONE)
    folder.table(TWO)
    return folder


@pytest.fixture
def deployed(database: Database, shipped: Folder) -> Folder:
    """The first of them is deployed."""
    asyncio.run(sartor.deploy(database.url, shipped.path, "1.0.0"))
    return shipped


@pytest.fixture
def role(database: Database) -> Iterator[Role]:
    """The application's role."""
    with temporary_role(database) as found:
        yield found


def with_connection(url: str, use: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
    """What a function gives of a connection, which is closed after it."""

    async def go() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await use(connection)
        finally:
            await connection.close()

    return asyncio.run(go())


def test_what_may_be_given(database: Database, deployed: Folder) -> None:
    """A URL, a Destination, a connection, a pool and what it lends are all a database; the release comes back."""

    async def go(connection: Any) -> list[Release | None]:
        async with asyncpg.create_pool(database.url, min_size=0, max_size=2) as pool, pool.acquire() as lent:
            places = [database.url, sartor.Destination.parse(database.url), connection, pool, lent]
            return [await sartor.require(place, ">=1.0,<1.1", alterations=deployed.path) for place in places]

    assert with_connection(database.url, go) == [Release.parse("1.0.0")] * 5


def test_only_reading(database: Database, deployed: Folder, role: Role) -> None:
    """USAGE on the schema and SELECT on the ledger are enough; without them, the GRANT is in the hint."""
    database.run("revoke usage on schema public from public")
    with pytest.raises(PrivilegeMissing) as caught:
        asyncio.run(sartor.require(role.url, ">=1"))
    assert (
        f'grant usage on schema "public" to "{role.name}"; grant select on "public".sartor_ledger' in caught.value.hint
    )
    database.run(*(each.format(role.name) for each in GRANTS))
    assert str(asyncio.run(sartor.require(role.url, ">=1"))) == "1.0.0"
    with pytest.raises(SchemaPending):
        asyncio.run(sartor.require(role.url, ">=1", alterations=deployed.path))


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("begin", ["", "begin", "begin isolation level serializable read only"])
def test_a_connection_is_left_as_it_was(database: Database, begin: str) -> None:
    """Settings, transaction and its changes stay as they were, whatever the result."""

    async def go(connection: Any) -> None:
        await connection.execute("set search_path = pg_temp, public; set lock_timeout = '3s'")
        await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=len)
        if begin:
            await connection.execute(begin)
        before = await connection.fetch(SETTINGS)
        assert await sartor.require(connection, ">=1") == Release.parse("1.0.0")
        with pytest.raises(SchemaTooOld):
            await sartor.require(connection, ">=2")
        with pytest.raises(SchemaMissing):
            await sartor.require(connection, "", schema="nowhere")
        assert await connection.fetch(SETTINGS) == before
        assert connection.is_in_transaction() == bool(begin)

    with_connection(database.url, go)


@pytest.mark.usefixtures("deployed")
def test_a_failure_aborts_no_transaction(database: Database) -> None:
    """A read that the server refuses, here for a lock, doesn't abort the transaction of the application."""

    async def go(connection: Any) -> None:
        async with connection.transaction():
            await connection.execute("create table mine (id int)")
            with pytest.raises(Locked):
                await sartor.require(connection, ">=1")
            await connection.execute("insert into mine values (1)")

    with holding(database.url, "begin", "lock table sartor_ledger"):
        with_connection(database.url, go)
    assert database.value("select count(*) from mine") == 1


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("begin", ["select", "begin"])
def test_cancelled(database: Database, begin: str) -> None:
    """An application that doesn't wait for the answer has its connection as it was."""

    async def go(connection: Any) -> None:
        await connection.execute(begin)
        before = await connection.fetch(SETTINGS)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(sartor.require(connection, ">=1"), 0.2)
        assert await connection.fetch(SETTINGS) == before
        assert connection.is_in_transaction() == (begin == "begin")

    with holding(database.url, "begin", "lock table sartor_ledger"):
        with_connection(database.url, go)


@pytest.mark.usefixtures("deployed")
def test_an_aborted_transaction(database: Database) -> None:
    """In a transaction that has failed nothing can be read; it stays the application's to roll back."""

    async def go(connection: Any) -> None:
        await connection.execute("begin")
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute("select 1/0")
        with pytest.raises(DestinationError, match="current transaction is aborted"):
            await sartor.require(connection, ">=1")
        await connection.execute("rollback")
        assert await sartor.require(connection, ">=1")

    with_connection(database.url, go)


@pytest.mark.usefixtures("deployed")
def test_few_messages(database: Database) -> None:
    """On a warm connection it costs four statements."""
    sent: list[str] = []

    async def go(connection: Any) -> None:
        await sartor.require(connection, ">=1")
        connection.add_query_logger(lambda record: sent.append(record.query))
        await sartor.require(connection, ">=1")

    with_connection(database.url, go)
    assert len(sent) == 4


def test_nothing_deployed(database: Database) -> None:
    """A schema without a ledger has an error of its own, and gets none."""
    with pytest.raises(NothingDeployed, match=f"in schema public of database {database.name}"):
        asyncio.run(sartor.require(database.url, ">=1"))
    assert database.value("select count(*) from pg_class where relname like 'sartor%'") == 0


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("planted", ["view", "owner"])
def test_a_planted_ledger(database: Database, role: Role, planted: str) -> None:
    """A ledger of a stranger's isn't read: nothing of it runs as the application's role."""
    database.run(
        "create table ran ()",
        "create function trap() returns text language plpgsql as 'begin insert into ran default values; return 1; end'",
        f"alter table sartor_ledger owner to {role.name}" if planted == "owner" else "drop table sartor_ledger",
    )
    if planted == "view":
        database.run("create view sartor_ledger as select trap() as release")

    async def go(connection: Any) -> None:
        with pytest.raises(LedgerUnsound):
            await sartor.require(connection, ">=1")

    with_connection(database.url, go)
    assert database.value("select count(*) from ran") == 0


@pytest.mark.usefixtures("deployed")
def test_a_neighbours_operator(database: Database) -> None:
    """An operator ahead on the connection's search path isn't used."""
    database.run(
        "create schema evil",
        "create function evil.yes(name, text) returns boolean language plpgsql as 'begin raise ''trap''; end'",
        "create operator evil.= (leftarg = name, rightarg = text, function = evil.yes)",
    )

    async def go(connection: Any) -> Any:
        await connection.execute("set search_path = evil, pg_catalog")
        return await sartor.require(connection, ">=1")

    assert with_connection(database.url, go) == Release.parse("1.0.0")


def test_unreachable(database: Database) -> None:
    """What can't be reached, doesn't lend a connection, or is closed, is told by its kind."""
    nowhere = f"postgresql://app@127.0.0.1:{closed_port()}/app"

    async def go(connection: Any) -> None:
        with pytest.raises(Unreachable, match="connection refused"):
            await sartor.require(nowhere, ">=1")
        pool = asyncpg.create_pool(nowhere, min_size=0)
        with pytest.raises(UsageError, match="pool is not initialized"):
            await sartor.require(pool, ">=1")
        async with pool:
            with pytest.raises(Unreachable, match="the pool can't connect"):
                await sartor.require(pool, ">=1")
        sleep = asyncio.create_task(connection.execute("select pg_sleep(60)"))
        await asyncio.sleep(0)
        with pytest.raises(UsageError, match="another operation is in progress"):
            await sartor.require(connection, ">=1")
        sleep.cancel()
        await asyncio.wait([sleep])
        await connection.close()
        with pytest.raises(DestinationError, match="connection is closed"):
            await sartor.require(connection, ">=1")

    with_connection(database.url, go)


def test_warnings(database: Database, deployed: Folder, caplog: pytest.LogCaptureFixture) -> None:
    """What is pending is a warning, and so is whatever hinders the look; nothing is raised, and nothing deployed."""
    caplog.set_level(logging.WARNING, "sartor")

    def warned(place: Any, target: str = "latest") -> str:
        caplog.clear()
        asyncio.run(sartor.warn_if_pending(place, deployed.path, target))
        return "\n".join(record.getMessage() for record in caplog.records)

    where = f"pending in schema public of database {database.name}"
    assert warned(database.url) == f"1 alteration is {where}; the first is {TWO}"
    assert warned(database.url, "1.0.0") == ""
    deployed.table("next-1700000003-c.py")
    assert warned(database.url, "next") == f"2 alterations are {where}; the first is {TWO}"
    assert "there is no release 'nonsense'" in warned(database.url, "nonsense")
    assert "connection refused" in warned(f"postgresql://app@127.0.0.1:{closed_port()}/app")
    hint = "can't find out whether alterations are pending: builtins.object isn't a connection or a pool of asyncpg's"
    assert warned(object()) == hint
    assert database.tables() == {"a"}
