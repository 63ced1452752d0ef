"""A database as it is at one moment, for a connection of ours and for `pg_dump` alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Container
from contextlib import asynccontextmanager
from typing import NamedTuple

from sartor.postgres.connecting import close, connect
from sartor.postgres.connection import Connection
from sartor.postgres.session import Session

_PINS = """
set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0; set local row_security = off;
"""
_EXPORT = """
select pg_catalog.pg_export_snapshot() as id, (case when pg_catalog.pg_is_in_recovery()
    then pg_catalog.pg_last_wal_replay_lsn() else pg_catalog.pg_current_wal_lsn() end)::text as lsn
"""
_TABLES = """
select pg_catalog.format('%I.%I', n.nspname, c.relname) as name from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and ($1::text is null or n.nspname = $1)
    and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::regclass
        and d.objid = c.oid and d.deptype = 'e')
order by 1
"""


class Snapshot(NamedTuple):
    """A moment: its name for `pg_dump`, its place in the server's log, and a connection that sees it."""

    id: str
    lsn: str
    connection: Connection


@asynccontextmanager
async def exported_snapshot(session: Session) -> AsyncIterator[Snapshot]:
    """The session's database as it is now, for as long as the block lasts, on a connection of its own."""
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
    """The number of rows of each table, in one schema or in all but Postgres's own; those of extensions left out.

    A table that is taken for `empty` has none.
    """
    tables = [row["name"] for row in await connection.fetch(_TABLES, schema)]
    query = "select count(*) from only "
    return {table: 0 if table in empty else await connection.fetchval(query + table) for table in tables}
