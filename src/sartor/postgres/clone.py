"""A database's schema, and Sartor's ledger in it, put into another database; and what that one lacks afterwards."""

from __future__ import annotations

import asyncio
import re
from asyncio.subprocess import PIPE
from contextlib import suppress
from io import BytesIO
from typing import Any, NamedTuple

import asyncpg

from sartor.domain.destination import redact
from sartor.domain.errors import RehearsalFailed
from sartor.domain.quoting import quote_identifier
from sartor.postgres.connection import Connection
from sartor.postgres.dump import BARE
from sartor.postgres.program import Program, ProgramFailed, started
from sartor.postgres.restoring import GONE, pass_on
from sartor.postgres.session import Session
from sartor.postgres.snapshot import Snapshot
from sartor.postgres.tools import find_tools, place, surroundings

_QUICK = b"set synchronous_commit = off; set client_min_messages = error;\n"
_EXPECTED = re.compile(r'schema "public" already exists|^(DETAIL|HINT|CONTEXT|LINE|\s)')
"""What `psql` says that is no lack."""
_FACTS = """
select
    array(select rolname::text from pg_catalog.pg_roles where rolname !~ '^pg_') as roles,
    array(select extname::text from pg_catalog.pg_extension) as extensions,
    array(select pg_catalog.unnest(setconfig)::text from pg_catalog.pg_db_role_setting s
        join pg_catalog.pg_database d on d.oid = s.setdatabase
        where d.datname = pg_catalog.current_database()) as settings
"""
TABLES = ("sartor_journal", "sartor_ledger")
_MAPPINGS = """
select srvname::text as server, case when umuser <> 0 then usename::text end as role from pg_catalog.pg_user_mappings
"""
_VIEWS = """
select pg_catalog.format('%I.%I', n.nspname, c.relname) as name, c.relispopulated as populated
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'm' order by c.oid
"""


class Held(NamedTuple):
    """What a database holds that `pg_dump` doesn't carry, or that another server may not have."""

    roles: frozenset[str]
    extensions: frozenset[str]
    settings: frozenset[str]


async def clone(live: Session, scratch: Session, snapshot: Snapshot, *, data: bool, lock_wait: float) -> list[str]:
    """Put the schema of `live`, and its ledger's rows, into the empty database of `scratch`; with `data`, all rows.

    Gives what couldn't be made there, one sentence each. `lock_wait` is in seconds. Raises RehearsalFailed.
    """
    complaints = await _pour(live, scratch, snapshot, data=data, lock_wait=lock_wait)
    complaints += await _cut_off(scratch.connection)
    if not data:
        complaints += await _refresh(snapshot.connection, scratch.connection)
    await scratch.learn()
    if live.facts.ledger_exists and not data:
        for table in TABLES:
            await _copy(snapshot.connection, scratch.connection, live.schema, table)
    there, here = await _held(snapshot.connection), await _held(scratch.connection)
    lacks = [_lack(kind, there_ - here_) for kind, there_, here_ in zip(Held._fields, there, here, strict=True)]
    return [text for text in [*lacks, *complaints] if text]


async def _pour(live: Session, scratch: Session, snapshot: Snapshot, *, data: bool, lock_wait: float) -> list[str]:
    """Have `pg_dump` write SQL and `psql` run it, past what can't be done there."""
    encrypted = live.connection.encrypted or scratch.connection.encrypted
    tools = find_tools(live.facts.server_version, encrypted=encrypted)[0]
    given = [*BARE, f"--snapshot={snapshot.id}", f"--lock-wait-timeout={lock_wait * 1000:.0f}", "--no-password"]
    given += [] if data else ["--schema-only"]
    try:
        async with (
            started(
                tools.program("psql"),
                "--no-psqlrc",
                "--quiet",
                "--no-password",
                place(scratch),
                environment=surroundings(scratch),
                stdin=PIPE,
            ) as into,
            started(tools.program("pg_dump"), *given, place(live), environment=surroundings(live), stdout=PIPE) as out,
        ):
            into.stdin.write(_QUICK)
            await _together(out, into, scratch)
            return [text for text in into.complaints if not _EXPECTED.search(text)]
    except ProgramFailed as error:
        text = redact(f"the schema can't be cloned: {error}", live.destination.secrets + scratch.destination.secrets)
        reader = f"grant pg_read_all_data to {quote_identifier(live.facts.role)};"
        hint = f"pg_dump needs to read every table: {reader}" if "permission denied" in text else None
        raise RehearsalFailed(text, hint=hint) from error


async def _together(out: Program, into: Program, scratch: Session) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(into.end())
            group.create_task(out.end())
            with suppress(*GONE):
                into.stdin.write(await pass_on(out, into, scratch))
            into.stdin.close()
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def _cut_off(connection: Connection) -> list[str]:
    """Drop the user mappings, so that nobody gets from here to the servers of foreign tables."""
    mappings = await connection.fetch(_MAPPINGS)
    for server, role in mappings:
        of = "public" if role is None else quote_identifier(role)
        await connection.execute(f"drop user mapping for {of} server {quote_identifier(server)}")
    servers = sorted({server for server, _ in mappings})
    return [f"it doesn't reach {', '.join(servers)}: user mappings are left out"] if servers else []


async def _refresh(source: Connection, target: Connection) -> list[str]:
    """Refresh the materialized views that are populated there, each after those that it reads; what couldn't be."""
    populated, complaints = {row["name"] for row in await source.fetch(_VIEWS) if row["populated"]}, []
    for row in await target.fetch(_VIEWS):
        if row["name"] in populated:
            try:
                await target.execute(f"refresh materialized view {row['name']}")
            except asyncpg.PostgresError as error:
                complaints.append(f"materialized view {row['name']} isn't populated: {error}")
    return complaints


async def _copy(source: Connection, target: Connection, schema: str, table: str) -> None:
    """Copy a table's rows, in memory: a ledger's are few."""
    rows = BytesIO()
    await source.copy_from_table(table, schema_name=schema, output=rows, format="binary")
    rows.seek(0)
    await target.copy_to_table(table, schema_name=schema, source=rows, format="binary")


async def _held(connection: Connection) -> Held:
    row: Any = await connection.fetchrow(_FACTS)
    return Held(frozenset(row["roles"]), frozenset(row["extensions"]), frozenset(row["settings"]))


def _lack(kind: str, names: frozenset[str]) -> str | None:
    if not names:
        return None
    return f"it lacks {kind} of the destination's: {', '.join(sorted(names))}"
