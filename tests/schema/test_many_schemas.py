"""What a run reads of a schema, in a database that has many others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

import sartor
from sartor import Destination
from sartor.postgres.invalid_indexes import invalid_indexes
from sartor.postgres.ledger import create_ledger
from sartor.postgres.own_tables import read_writers, require_sound_tables
from sartor.postgres.session import Session
from sartor.postgres.strays import read_strays
from sartor.schema.fingerprint import WORTH, read_catalog_version, read_fingerprint
from support.database import Database, temporary_database

ONE = """
create type {s}.kind as enum ('a', 'b');
create type {s}.pair as (a int, b int);
create domain {s}.positive as int check (value > 0);
create function {s}.twice(int) returns int language sql as 'select $1 * 2';
create table {s}.t0 (id int primary key, k {s}.kind default 'a', n {s}.positive, unique (k, n));
create table {s}.t1 (id int primary key, t0 int references {s}.t0, check (id > 0));
create index on {s}.t1 (t0);
create view {s}.v as select id from {s}.t1;
comment on table {s}.t1 is 'One of many.';
"""
READ = """
select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::int from pg_stat_xact_sys_tables
where relname in ('pg_attribute', 'pg_class', 'pg_constraint', 'pg_depend', 'pg_description', 'pg_index', 'pg_type')
"""

Look = Callable[[Session], Awaitable[object]]
LOOKS: dict[str, Look] = {
    "facts": lambda session: session.learn(),
    "fingerprint": lambda session: read_fingerprint(session.connection, ["mine"]),
    "invalid indexes": invalid_indexes,
    "sound": lambda session: require_sound_tables(session.connection, session.tables, session.facts.role),
    "strays": lambda session: read_strays(session.connection, "mine"),
    "writers": lambda session: read_writers(session.connection, session.tables),
}


@pytest.fixture(scope="module")
def crowded(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Destination]]:
    """A database where one schema is deployed and others are only there; and the one's destination."""
    folder: Path = tmp_path_factory.mktemp("alterations")
    (folder / "1.0.0-1700000001-a.sql").write_text(f"-- sartor: up\n{ONE.replace('{s}.', '')}")
    with temporary_database(server_url) as database:
        mine = Destination.parse(database.url, schema="mine")
        asyncio.run(sartor.deploy(mine, folder))
        add(database, range(3))
        yield database, mine


def add(database: Database, numbers: range) -> None:
    database.run(*(f"create schema s{i};{ONE.replace('{s}', f's{i}')}" for i in numbers), "analyze")


async def read(mine: Destination, look: Look) -> int:
    """Returns how many rows of the catalogues a look reads."""
    async with Session(mine, application="test") as session:
        connection = session.connection
        await connection.execute("set enable_seqscan = off")  # where there is an index, it's used for few rows too
        await look(session)  # what the server remembers of names is remembered by now
        return await reads(session, look)


async def reads(session: Session, look: Look) -> int:
    """Returns how many rows of the catalogues a look reads, without those that counting them reads."""
    async with session.connection.transaction():
        first, second = [await session.connection.fetchval(READ) for _ in range(2)]
        await look(session)
        return int(await session.connection.fetchval(READ) - second - (second - first))


def test_others_are_not_read(crowded: tuple[Database, Destination]) -> None:
    """No look at a schema reads more where the database has ten times as many other schemas."""
    database, mine = crowded
    few = {name: asyncio.run(read(mine, look)) for name, look in LOOKS.items()}
    add(database, range(3, 30))
    many = {name: asyncio.run(read(mine, look)) for name, look in LOOKS.items()}
    assert {name: (few[name], rows) for name, rows in many.items() if rows > few[name] + 40} == {}


@pytest.mark.parametrize("name", ["facts", "fingerprint", "strays", "writers"])
def test_a_plan_is_kept(name: str, server_url: str) -> None:
    """A plan that a connection keeps reads no more where the schemas have been filled since it was made.

    Of the facts that holds for a schema without a ledger, which a fleet fills: the look at Sartor's tables reads all
    indexes where there are few.
    """
    look, several = LOOKS[name], range(25)

    async def go(database: Database) -> tuple[int, int]:
        async with Session(Destination.parse(database.url, schema="mine"), application="test") as session:
            if name != "facts":
                await create_ledger(session)
            for _ in range(8):  # the server plans a few times before it keeps a plan
                await look(session)
            few = await reads(session, look)
            await asyncio.to_thread(database.run, *(ONE.replace("{s}", f"s{i}") for i in several))
            await look(session)
            kept = await session.connection.fetchval(
                "select count(*) from pg_prepared_statements where generic_plans > 0"
            )
            assert kept > 0
            return few, await reads(session, look)

    with temporary_database(server_url) as database:
        # A new schema would end the plan.
        database.run("create schema mine", ONE.replace("{s}", "mine"), *(f"create schema s{i}" for i in several))
        few, many = asyncio.run(go(database))
    assert many <= few + 40


async def versions(destination: Destination, *least: int) -> list[str]:
    """Returns the catalog versions for several least numbers of tables."""
    async with Session(destination, application="test") as session:
        return [await read_catalog_version(session.connection, destination.schema, least=each) for each in least]


def test_no_version_among_many(crowded: tuple[Database, Destination]) -> None:
    """Where others hold most of the catalogue, there is no catalog version: each of them changes it."""
    database, mine = crowded
    add(database, range(30, 110))
    assert asyncio.run(versions(mine, 0)) == [""]


def test_no_version_of_few(database: Database) -> None:
    """A schema of few tables has no catalog version: its fingerprint is read sooner."""
    database.run(*(f"create table t{i} ()" for i in range(WORTH)))
    enough, few = asyncio.run(versions(Destination.parse(database.url), WORTH, WORTH + 1))
    assert (bool(enough), few) == (True, "")
