"""Reads all that a database holds at a moment: what its schemas are made of, and which rows are in its tables."""

from __future__ import annotations

from collections import Counter

from sartor.domain.own_tables import TABLES
from sartor.domain.proof import DatabaseSnapshot, Rows
from sartor.postgres.catalog import FULL_NAME, OF_USERS, USERS_RELATIONS, in_extension
from sartor.postgres.driver.connection import Connection
from sartor.schema.fingerprint import FingerprintReader

_SCHEMAS = f"select n.nspname::text from pg_catalog.pg_namespace n where {OF_USERS}"
_TABLES = f"""
select {FULL_NAME} from {USERS_RELATIONS}
where c.relkind = 'r' and c.relname not in {TABLES} and not {in_extension("c.oid")}
"""


class SnapshotReader:
    """Looks at the database of a connection that is its own; with `rows`, also at each row. Changes nothing."""

    def __init__(self, connection: Connection, *, rows: bool) -> None:
        self._connection = connection
        self._fingerprints = FingerprintReader(connection)
        self._rows = rows

    async def read(self) -> DatabaseSnapshot:
        """Returns what the database holds now."""
        schemas = [row[0] for row in await self._connection.fetch(_SCHEMAS)]
        fingerprint = await self._fingerprints.read(schemas)
        return DatabaseSnapshot(fingerprint, await _read_rows(self._connection) if self._rows else {})


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
