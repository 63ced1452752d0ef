"""Scratch databases: gone after use, and those of killed makers found and dropped."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from sartor import Destination
from sartor.scratch.database import COMMENT, PREFIX, scratch_database
from support.database import Database, with_name
from support.sessions import holding, until


def scratch_names(database: Database) -> set[str]:
    """The scratch databases of the server."""
    return {row[0] for row in database.rows(f"select datname::text from pg_database where datname ~ '^{PREFIX}'")}


def make_once(database: Database) -> str:
    """Make one, use it, leave it; its name."""

    async def go() -> str:
        async with scratch_database(Destination.parse(database.url), application="sartor test") as found:
            return found.database or ""

    return asyncio.run(go())


def leave_behind(database: Database, name: str, comment: str | None) -> None:
    """What a killed process leaves."""
    database.run(f"create database {name}")
    if comment is not None:
        database.run(f"comment on database {name} is '{comment}'")


def test_it_is_empty_and_goes(database: Database) -> None:
    """It has the encoding and the locale of the database beside it, and none of its tables."""
    database.run("create table a (id int)")
    query = "select encoding, datcollate::text, datctype::text from pg_database where datname = current_database()"

    async def go() -> None:
        async with scratch_database(Destination.parse(database.url), application="sartor test") as found:
            scratch = Database(with_name(database.url, found.database or ""), found.database or "")
            seen = await asyncio.to_thread(lambda: (scratch.tables(), scratch.rows(query)))
            assert seen == (set(), await asyncio.to_thread(database.rows, query))

    asyncio.run(go())
    assert not scratch_names(database)


@pytest.mark.parametrize("end", [ValueError, asyncio.CancelledError])
def test_it_goes_whatever_happens(database: Database, end: type[BaseException]) -> None:
    """An error and a cancel drop it, with whoever is still connected to it."""

    async def go() -> None:
        async with scratch_database(Destination.parse(database.url), application="sartor test") as found:
            guests.append(await asyncpg.connect(found.url))
            raise end

    guests: list[Any] = []
    with pytest.raises(end):
        asyncio.run(go())
    assert guests
    assert not scratch_names(database)


def test_a_given_name_is_free_again(database: Database) -> None:
    """A run that ends before its database is marked leaves none, of the name that was given for it either."""
    given = with_name(database.url, f"{database.name}_given")
    place = Destination.parse(given)._replace(stands_for=database.name)

    async def go() -> None:
        async with scratch_database(place, application="sartor test"):
            raise AssertionError

    def marking() -> list[Any]:
        query = "select pid from pg_stat_activity where query like 'comment on database%' and wait_event = 'relation'"
        return database.rows(query)

    async def cancelled() -> None:
        making = asyncio.create_task(go())
        await asyncio.to_thread(until, marking)
        making.cancel()
        await asyncio.sleep(0)
        await asyncio.to_thread(holder.run, "rollback")
        with pytest.raises(asyncio.CancelledError):
            await making

    with holding(database.url, "begin", "lock table pg_catalog.pg_shdescription in share mode") as holder:
        asyncio.run(cancelled())
    left = database.rows("select datname::text from pg_database where datname = $1", f"{database.name}_given")
    assert not left
    assert not scratch_names(database)


@pytest.mark.parametrize("comment", [f"{COMMENT}somebody", None])
def test_one_that_was_left_is_dropped(database: Database, comment: str | None) -> None:
    """The next maker drops it: its name and its comment say that it is ours, and nobody holds its lock.

    A maker that was killed before it wrote the comment has left one too.
    """
    left = f"{PREFIX}1_0123456789abcdef"
    leave_behind(database, left, comment)
    make_once(database)
    assert not scratch_names(database)


def test_one_in_use_is_kept(database: Database) -> None:
    """One whose maker lives is left alone, by a maker in another database as well."""

    async def go() -> None:
        destination = Destination.parse(database.url)
        async with (
            scratch_database(destination, application="sartor test") as one,
            scratch_database(destination.at("postgres"), application="sartor test") as two,
        ):
            assert await asyncio.to_thread(scratch_names, database) == {one.database, two.database}

    asyncio.run(go())


@pytest.mark.parametrize(
    ("name", "comment"),
    [
        (f"{PREFIX}1_0123456789abcdee", "of somebody else"),
        (f"{PREFIX}mine", f"{COMMENT}somebody"),
        (f"{PREFIX}1_0123456789abcded", None),
    ],
)
def test_what_is_not_surely_ours_is_kept(database: Database, name: str, comment: str | None) -> None:
    """A name alone doesn't make it ours, nor a comment; and one with a guest stays."""
    leave_behind(database, name, comment or f"{COMMENT}somebody")
    try:
        with holding(with_name(database.url, name if comment is None else database.name)):
            make_once(database)
        assert scratch_names(database) == {name}
    finally:
        database.run(f"drop database {name} with (force)")
