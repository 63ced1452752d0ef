"""The facts of a connection: as they are read, and as they follow from what Sartor has just done."""

from __future__ import annotations

import asyncio

import pytest

from sartor import Destination
from sartor.postgres.facts import Facts
from sartor.postgres.ledger import create_ledger, read_ledger
from sartor.postgres.session import Session
from support.database import Database
from support.roles import temporary_role

IN_PUBLIC = {
    "a table": "create table public.t ()",
    "a type": "create type public.e as enum ('a')",
    "a function": "create function public.f() returns int language sql as 'select 1'",
    "an extension's table": "create extension file_fdw schema public",
}


def _after_creation(url: str, schema: str) -> tuple[Facts, Facts]:
    """The facts that a session has once it has created the ledger, and those that it reads then."""

    async def go() -> tuple[Facts, Facts]:
        async with Session(Destination(url, schema), application="sartor test") as session:
            await create_ledger(session)
            known = session.facts
            await session.learn()
            return _sorted(known), _sorted(session.facts)

    return asyncio.run(go())


def _sorted(facts: Facts) -> Facts:
    """The facts with tables, columns and rights in one order."""
    own = (each._replace(columns=sorted(each.columns), rights=sorted(each.rights)) for each in facts.own)
    return facts._replace(own=tuple(sorted(own)))


def _facts(url: str) -> Facts:
    async def go() -> Facts:
        async with Session(Destination(url), application="sartor test") as session:
            return session.facts

    return asyncio.run(go())


@pytest.mark.parametrize("schema", ["public", "made"])
def test_what_follows_from_a_creation(database: Database, schema: str) -> None:
    """The facts after a ledger was created are those that the server tells, whether the schema was made too or not."""
    with temporary_role(database) as role:
        database.run(
            f"grant create on database {database.name} to {role.name}",
            f"grant usage, create on schema public to {role.name}",
        )
        known, read = _after_creation(role.url, schema)
        assert known == read
        assert (read.ledger_readable, read.ledger_writable, read.fingerprint_writable) == (True, True, True)


def test_rights_that_the_creator_lacks(database: Database) -> None:
    """Default privileges may take rights from the creator itself: the facts say so."""
    with temporary_role(database) as role:
        database.run(
            f"grant usage, create on schema public to {role.name}",
            f"alter default privileges for role {role.name} revoke update on tables from {role.name}",
        )
        known, read = _after_creation(role.url, "public")
        assert known == read
        assert (read.ledger_readable, read.ledger_writable, read.fingerprint_writable) == (True, False, False)


def test_rights_that_an_event_trigger_takes(database: Database) -> None:
    """An event trigger may do anything with a table that has just been created: the facts say so."""
    with temporary_role(database) as role:
        database.run(
            f"grant usage, create on schema public to {role.name}",
            "create function taken() returns event_trigger language plpgsql as $$ begin"
            f" if to_regclass('public.sartor_fingerprint') is not null then"
            f" revoke update on public.sartor_fingerprint from {role.name}; end if; end $$",
            "create event trigger taken on ddl_command_end when tag in ('CREATE TABLE') execute function taken()",
        )
        known, read = _after_creation(role.url, "public")
        assert known == read
        assert (read.ledger_writable, read.fingerprint_readable, read.fingerprint_writable) == (True, True, False)


def test_a_schema_that_is_used(database: Database) -> None:
    """A schema that holds anything isn't taken for an empty one, whatever it holds."""
    assert not _facts(database.url).schema_used
    for what, statement in IN_PUBLIC.items():
        database.run(statement)
        assert _facts(database.url).schema_used, what
        database.run("drop schema public cascade", "create schema public")
        assert not _facts(database.url).schema_used, what


def test_a_ledger_created_meanwhile(database: Database) -> None:
    """A ledger that another run creates after the facts were read isn't taken for another product's history."""

    async def go() -> bool:
        async with (
            Session(Destination(database.url), application="first") as first,
            Session(Destination(database.url), application="second") as second,
        ):
            await create_ledger(first)
            return (await read_ledger(second, founds=True)).exists

    database.run("create table public.t ()")
    assert not asyncio.run(go())
