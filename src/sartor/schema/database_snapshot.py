"""Reads all that a database holds at a moment: what its schemas are made of, and which rows are in its tables."""

from __future__ import annotations

from collections import Counter

from sartor.domain.fingerprint import Scope
from sartor.domain.own_tables import TABLES
from sartor.domain.proof import DatabaseSnapshot, Rows
from sartor.postgres.catalog import FULL_NAME, OF_USERS, USERS_RELATIONS, in_extension
from sartor.postgres.driver.connection import Connection
from sartor.schema.fingerprint import read_fingerprint

_SCHEMAS = f"select n.nspname::text from pg_catalog.pg_namespace n where {OF_USERS}"
_TABLES = f"""
select {FULL_NAME} from {USERS_RELATIONS}
where c.relkind = 'r' and c.relname not in {TABLES} and not {in_extension("c.oid")}
"""


async def read_snapshot(connection: Connection, *, rows: bool) -> DatabaseSnapshot:
    """Looks at the connection's database; with `rows`, also at each row. Changes nothing."""
    schemas = [row[0] for row in await connection.fetch(_SCHEMAS)]
    fingerprint = await read_fingerprint(connection, schemas, scope=Scope.DATABASE)
    return DatabaseSnapshot(fingerprint, await _read_rows(connection) if rows else {})


async def _read_rows(connection: Connection) -> Rows:
    tables = [row[0] for row in await connection.fetch(_TABLES)]
    return {table: await _read_table(connection, table) for table in tables}


async def _read_table(connection: Connection, table: str) -> Counter[str]:
    # As JSON, a row is the same whatever the order of its columns.
    query = f"""
        select pg_catalog.md5(pg_catalog.to_jsonb(t)::text) as hash, pg_catalog.count(*) as times
        from only {table} t group by 1
    """
    return Counter({row["hash"]: row["times"] for row in await connection.fetch(query)})
