"""Sartor's own tables: what isn't as it makes them is named, and taken for nobody's."""

from __future__ import annotations

import asyncio

import pytest

from sartor import Destination, LedgerUnsound, SartorError
from sartor.domain.table_names import OwnTables
from sartor.postgres.ledger import create_ledger
from sartor.postgres.own_tables import require_sound_tables
from sartor.postgres.session import Session
from support.database import Database

SCHEMA = 'it\'s "odd" \\ $$'
"""A schema's name that needs quotes wherever it stands."""

SETUP = """
    create function evil() returns text language sql immutable as 'select ''''::text';
    create function evil_trigger() returns trigger language plpgsql as 'begin return new; end';
    create domain evil_text as text check (evil() is not null);
    create schema shadows;
    create function shadows.clock_timestamp() returns timestamptz language sql as 'select null::timestamptz';
    create collation mine from "C";
    create operator class mine_ops for type text using btree as
        operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >, function 1 bttextcmp(text, text);
"""

STRANGE = {
    "create trigger t before insert on {journal} for each row execute function evil_trigger()": "trigger t",
    "create constraint trigger t after insert on {ledger} for each row execute function evil_trigger()": "trigger t",
    "create rule r as on insert to {ledger} do also select evil()": "rule r",
    "create policy p on {journal} using (evil() is not null)": "policy p",
    "alter table {fingerprint} alter column sartor set default evil()": "has an unexpected column",
    "alter table {journal} alter column at set default shadows.clock_timestamp()": "has an unexpected column",
    "alter table {journal} alter column host set default query_to_xml('select evil()', true, true, '')::text": "host",
    "alter table {journal} alter column kind drop not null": "kind, text",
    "alter table {ledger} add column more text default evil()": "more, text default",
    "alter table {ledger} add column more text": "more, text",
    "alter table {ledger} add column more text generated always as (id) stored": "generated",
    "alter table {ledger} add column more int generated always as identity": "identity",
    "alter table {journal} drop column detail": "lacks column detail",
    "alter table {journal} alter column host type evil_text": "host",
    "alter table {journal} alter column host type text collate mine": "host",
    "alter table {journal} alter column duration_ms type numeric": "duration_ms, numeric",
    "alter table {journal} add constraint c check (evil() is not null)": "constraint",
    "alter table {journal} add constraint c check (seq < 100) not valid": "constraint",
    "alter table {journal} add constraint c unique (prev)": "constraint",
    "alter table {journal} add constraint c exclude using btree (evil() with =)": "index over expressions",
    "alter table {journal} drop constraint sartor_journal_open_fkey": "lacks constraint",
    "alter table {journal} alter constraint sartor_journal_open_fkey deferrable initially immediate": "constraint",
    "alter table {journal} drop constraint sartor_journal_pkey": "lacks constraint",
    "alter table {fingerprint} drop constraint sartor_fingerprint_other_check": "lacks constraint",
    "alter table {journal} disable trigger all": "has a disabled trigger",
    "create unique index i on {journal} (token)": "has an unexpected index",
    "create index i on {journal} (evil())": "index over expressions",
    "create index i on {journal} (seq) where evil() is not null": "index over expressions",
    "create index i on {journal} (host public.mine_ops)": "uses an object that isn't part of Postgres",
    "create table heir () inherits ({ledger})": "a table with heirs",
    "create table theirs (open boolean references {fingerprint})": "referenced by a foreign key of",
    "alter table {ledger} set unlogged": "an unlogged table",
    "drop table {ledger}; create view {ledger} as select 1 as one": "a view",
    "drop table {ledger}; create materialized view {ledger} as select 1 as one": "a materialized view",
    "drop table {ledger}; create table {ledger} (id int) partition by list (id)": "a partitioned table",
    "drop table {ledger}; create sequence {ledger}": "another kind of relation",
    "drop table {ledger}; create type {ledger} as (a int)": "another kind of relation",
    "drop table {ledger}": "sartor_ledger doesn't exist",
    "drop table {journal}": "sartor_journal doesn't exist",
    "drop table {fingerprint} cascade": "sartor_fingerprint doesn't exist",
    "alter table {ledger} drop constraint sartor_ledger_pkey": "lacks constraint",
}

HARMLESS = (
    "create index i on {journal} (at)",
    "comment on table {journal} is 'ours'",
    "alter table {journal} enable row level security",
    "alter table {ledger} set (fillfactor = 90)",
    "create statistics s on lineage, id from {ledger}",
    "grant select on {ledger} to public",
)


def named(statement: str) -> str:
    """The statement, with the tables' names."""
    quoted = SCHEMA.replace('"', '""')
    return statement.format(**{t.removeprefix("sartor_"): f'"{quoted}".{t}' for t in OwnTables("").names})


async def look(session: Session) -> None:
    """What each command that writes asks before it does anything."""
    await session.learn()
    session.require_read()
    session.require_write()
    await require_sound_tables(session.connection, session.tables, session.facts.role)


@pytest.mark.parametrize("path", ["public", "shadows, pg_catalog, public"])
def test_whatever_isnt_as_sartor_makes_it(database: Database, path: str) -> None:
    """Anything that would run others' code, or keep the guard from working, is found and named; nothing else is."""

    async def go() -> None:
        async with Session(Destination(database.url, SCHEMA), application="sartor test") as session:
            await session.connection.execute(f"set search_path = public; {SETUP}")
            await create_ledger(session)
            await session.connection.execute(f"set search_path = {path}")
            await look(session)
            for statement, what in STRANGE.items():
                found = await tried(session, statement)
                assert isinstance(found, LedgerUnsound), (statement, found)
                assert what in str(found), statement
            for statement in HARMLESS:
                assert await tried(session, statement) is None, statement

    asyncio.run(go())


async def tried(session: Session, statement: str) -> SartorError | None:
    """What is said where `statement` was run."""
    await session.connection.execute("begin")
    try:
        await session.connection.execute(f"set local search_path = public; {named(statement)}; reset search_path")
        await look(session)
    except SartorError as error:
        return error
    finally:
        await session.connection.execute("rollback")
    return None
