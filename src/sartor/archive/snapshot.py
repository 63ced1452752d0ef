"""Snapshots of a database: shared by a connection of Sartor's and `pg_dump`, and compared with those of a copy."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Container
from contextlib import asynccontextmanager
from typing import NamedTuple

from sartor.archive.dump import describe_archive
from sartor.archive.tools import Tools
from sartor.postgres.catalog import FULL_NAME, USERS_RELATIONS, in_extension
from sartor.postgres.connect.connect import close, connect
from sartor.postgres.driver.connection import Connection
from sartor.postgres.session import Session
from sartor.sql.spelling import plain_dump
from sartor.sql.splitting import split

_PINS = """
set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0; set local row_security = off;
"""
_EXPORT = """
select pg_catalog.pg_export_snapshot() as id, (case when pg_catalog.pg_is_in_recovery()
    then pg_catalog.pg_last_wal_replay_lsn() else pg_catalog.pg_current_wal_lsn() end)::text as lsn
"""
_TABLES = f"""
select {FULL_NAME} as name, n.nspname::text as schema, c.relname::text as bare,
    coalesce((select pg_catalog.format('%I.%I', s.nspname, r.relname) from pg_catalog.pg_class r
        join pg_catalog.pg_namespace s on s.oid = r.relnamespace where r.oid = pg_catalog.pg_partition_root(c.oid)),
        {FULL_NAME}) as root,
    pg_catalog.pg_has_role(c.relowner, current_user::pg_catalog.name, 'member') and not exists (
        select from pg_catalog.pg_index i
        where i.indrelid = c.oid and (i.indexprs is not null or i.indpred is not null)) as planned
from {USERS_RELATIONS}
where c.relkind = 'r' and ($1::text is null or n.nspname = $1) and not {in_extension("c.oid")}
order by 1
"""

_EVENT_TRIGGER = re.compile("(CREATE|ALTER|COMMENT ON) EVENT TRIGGER ")


class Snapshot(NamedTuple):
    """A snapshot: its name for `pg_dump`, its place in the server's write-ahead log, and a connection that sees it."""

    id: str
    lsn: str
    connection: Connection


@asynccontextmanager
async def exported_snapshot(session: Session) -> AsyncIterator[Snapshot]:
    """Exports a snapshot of the session's database on a connection of its own, for as long as the block lasts."""
    connection = await connect(session.destination, application=session.application)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(_PINS)
            if session.facts.server_version >= 170000:
                await connection.execute("set local transaction_timeout = 0")
            row = await connection.fetchrow(_EXPORT)
            yield Snapshot(row["id"], row["lsn"], connection)
    finally:
        await close(connection)


async def count_rows(connection: Connection, schema: str | None, *, empty: Container[str] = ()) -> dict[str, int]:
    """Counts the rows of each table in one schema, or in all but Postgres's own; tables of extensions are left out.

    A table in `empty` counts as 0 without being read. Partitions count for their root: a dump may be loaded through
    it, and rows go to other partitions then, as an enum's hash isn't the same everywhere.
    """
    found: Counter[str] = Counter()
    for row in await connection.fetch(_TABLES, schema):
        found[row["root"]] += 0
        if row["name"] in empty:
            continue
        if row["planned"]:
            found[row["root"]] += await connection.fetchval(f"select count(*) from only {row['name']}")
        else:
            found[row["root"]] += await _copied(connection, row["schema"], row["bare"])
    return dict(found)


async def _copied(connection: Connection, schema: str, table: str) -> int:
    """Counts the rows of a table by reading them all.

    A query's planner runs the functions that the table's indexes call, with the rights and the search path of the role
    that queries; COPY has no planner.
    """

    async def pass_over(_rows: bytes) -> None:
        return

    told = await connection.copy_from_table(table, schema_name=schema, output=pass_over)
    return int(told.split()[-1])


class DumpSummary(NamedTuple):
    """The facts of a database that are compared: its schema, as lines of SQL, and each table's number of rows."""

    schema: tuple[str, ...]
    rows: dict[str, int]


async def summarize(
    tools: Tools, session: Session, snapshot: Snapshot, *, schema: str | None, empty: Container[str] = ()
) -> DumpSummary:
    """Reads what is compared of the database, or of one schema of it, as the snapshot has it.

    Tables that are to be `empty` in the copy count as empty.
    """
    lines = await describe_archive(tools, session, snapshot=snapshot.id, schema=schema)
    return DumpSummary(tuple(lines), await count_rows(snapshot.connection, schema, empty=empty))


def without_event_triggers(summary: DumpSummary) -> DumpSummary:
    """Returns the summary of a database that lacks its event triggers; the same one where there are none."""
    text = "\n".join(summary.schema)
    found = [each for each in split(text) if _EVENT_TRIGGER.match(each.text)]
    for each in reversed(found):
        text = text[: each.start] + text[each.start + len(each.text) + 1 :]
    return summary._replace(schema=tuple(filter(None, text.split("\n")))) if found else summary


def difference(one: DumpSummary, copy: DumpSummary) -> str | None:
    """Returns the first difference between a database and its copy, in words; None where they are alike."""
    for table in sorted(one.rows.keys() | copy.rows.keys()):
        if one.rows.get(table) != copy.rows.get(table):
            return f"{table} has {one.rows.get(table, 'no')} rows, but its copy has {copy.rows.get(table, 'no')}"
    if one.schema == copy.schema:
        return None
    before, after = (plain_dump("\n".join(side.schema)).split("\n") for side in (one, copy))
    if before == after:
        return None
    odd = sorted(set(before) ^ set(after)) or ["the order of the definitions"]
    return f"the schemas differ: {odd[0]}"
