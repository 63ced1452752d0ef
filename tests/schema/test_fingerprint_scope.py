"""What a fingerprint takes in, and what it leaves out."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from sartor import Destination, Fingerprint, Scope
from sartor.domain.drift import find_differences
from sartor.postgres.ledger import create_ledger
from sartor.postgres.session import Session
from sartor.schema.fingerprint import read_fingerprint
from support.changes import lines, look
from support.database import Database


def test_sartor_itself(database: Database) -> None:
    """Sartor's own tables are left out, with all that belongs to them."""

    async def own() -> Fingerprint:
        async with Session(Destination(url=database.url), application="test") as session:
            return await read_fingerprint(session.connection, ["public"])

    async def make_ledger() -> None:
        async with Session(Destination(url=database.url), application="test") as session:
            await create_ledger(session)

    before = asyncio.run(own())
    asyncio.run(make_ledger())
    database.run("grant select on sartor_ledger to pg_monitor", "create index on sartor_ledger (name)")
    assert lines(before, asyncio.run(own())) == []


def test_other_schemas(database: Database) -> None:
    """Other schemas aren't looked at, and what belongs to no schema only where that is asked for."""
    database.run("create schema app", "create table app.a (id int)")
    before = asyncio.run(look(database.url, "app", scope=Scope.SCHEMAS))
    whole = asyncio.run(look(database.url, "app", scope=Scope.DATABASE))
    database.run("create table public.b (id int)", "create schema other", "create table other.a (id int)")
    assert lines(whole, asyncio.run(look(database.url, "app", scope=Scope.DATABASE))) == []
    database.run(
        "create extension citext schema other",
        "create foreign data wrapper nowhere",
        "create server away foreign data wrapper nowhere",
        "create publication news",
        "alter default privileges revoke execute on functions from public",
    )
    assert lines(before, asyncio.run(look(database.url, "app", scope=Scope.SCHEMAS))) == []
    assert asyncio.run(look(database.url, "app", scope=Scope.DATABASE)).logical != whole.logical


def test_extensions_own(database: Database) -> None:
    """Of an extension there is that it is there, and in which schema; nothing of what it made."""
    database.run("create schema app")
    before = asyncio.run(look(database.url, "app", scope=Scope.SCHEMAS))
    database.run("create extension hstore schema app")
    found = find_differences(before, asyncio.run(look(database.url, "app", scope=Scope.SCHEMAS)))
    assert {d.kind for d in found} == {"comment", "extension", "extension version", "owner"}


def test_no_schema(database: Database) -> None:
    """A schema that isn't there is empty."""
    assert asyncio.run(look(database.url, "nowhere", scope=Scope.SCHEMAS)).objects == ()


def test_waits_have_an_end(database: Database) -> None:
    """Behind a table that is locked against readers a fingerprint waits as long as it was told to, and no longer."""
    database.run("create table a (id int check (id > 0))")

    async def look_behind_a_lock() -> None:
        holder, reader = await asyncpg.connect(database.url), await asyncpg.connect(database.url)
        await holder.transaction().start()
        await holder.execute("lock table a in access exclusive mode")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await read_fingerprint(reader, ["public"], lock_timeout=0.1)
        await holder.close()
        assert (await read_fingerprint(reader, ["public"])).objects
        await reader.close()

    asyncio.run(look_behind_a_lock())
