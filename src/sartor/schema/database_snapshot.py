"""Reads all that a database holds at a moment: what its schemas are made of, and which rows are in its tables."""

from collections import Counter

from sartor.domain.fingerprint import Fingerprint, Scope
from sartor.domain.proof import DatabaseSnapshot, Rows
from sartor.postgres.catalog import FULL_NAME, IS_OWN, OF_USERS, USERS_RELATIONS, in_extension
from sartor.postgres.driver.connection import DriverConnection
from sartor.schema.fingerprint import pinned, read_objects

_SCHEMAS = f"select n.nspname::text from pg_catalog.pg_namespace n where {OF_USERS} order by n.nspname"
_TABLES = f"""
select {FULL_NAME} from {USERS_RELATIONS}
where c.relkind = 'r' and not {IS_OWN} and not {in_extension("c.oid")}
"""


class SnapshotReader:
    """Reads a whole database again and again, on one connection; with `rows`, also each row. Changes nothing."""

    def __init__(self, connection: DriverConnection, *, rows: bool) -> None:
        self._connection = connection
        self._rows = rows

    async def read(self) -> DatabaseSnapshot:
        """Returns what the database holds now. Raises as `read_fingerprint`."""
        schemas = tuple(row[0] for row in await self._connection.fetch(_SCHEMAS))
        server = self._connection.get_server_version().major
        async with pinned(self._connection):
            found = await read_objects(self._connection, schemas, Scope.DATABASE)
        fingerprint = Fingerprint.of(found, schemas=schemas, scope=Scope.DATABASE, server=server)
        return DatabaseSnapshot(fingerprint, await _read_rows(self._connection) if self._rows else {})


async def _read_rows(connection: DriverConnection) -> Rows:
    tables = [row[0] for row in await connection.fetch(_TABLES)]
    return {table: await _read_table(connection, table) for table in tables}


async def _read_table(connection: DriverConnection, table: str) -> Counter[str]:
    # As JSON, a row is the same whatever the order of its columns.
    query = f"""
        select pg_catalog.md5(pg_catalog.to_jsonb(t)::text) as hash, pg_catalog.count(*) as times
        from only {table} t group by 1
    """
    return Counter({row["hash"]: row["times"] for row in await connection.fetch(query)})
