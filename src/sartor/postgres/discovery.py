"""Asks a server for its databases, a database for its schemas, and an operator's query for those that count.

All of it is read only, and ends: each statement has a time limit.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from sartor.conninfo.redaction import redact
from sartor.domain.destination import Destination
from sartor.domain.discovery import Query
from sartor.errors import SettingsError
from sartor.postgres.catalog import OF_USERS, class_of, in_extension
from sartor.postgres.connect.connect import DRIVER_ERRORS, close, connect, session_error
from sartor.postgres.driver.connection import Connection
from sartor.postgres.errors import is_disconnect
from sartor.sql.quoting import quote_identifier
from sartor.sql.splitting import split
from sartor.sql.statements import QUERIES

_BYTES = """pg_catalog.convert_to({}::text,
    case when pg_catalog.getdatabaseencoding() = 'SQL_ASCII' then 'SQL_ASCII' else 'UTF8' end)"""
"""The bytes of a name: one that isn't UTF-8 is a name that is told, and no error of the server's or the driver's."""

_SCHEMAS = f"""
select {_BYTES.format("n.nspname")} as name from pg_catalog.pg_namespace n
where {OF_USERS} and not {in_extension("n.oid", classid=class_of("pg_namespace"))} order by n.nspname
"""
_DATABASES = f"""
select {_BYTES.format("d.datname")} as name from pg_catalog.pg_database d
where d.datallowconn and not d.datistemplate and d.datconnlimit <> -2 order by d.datname
"""
"""Selects the databases that one may connect to; -2 is the limit of one whose DROP was interrupted."""

_HINTS = {
    "25006": "write a SELECT that only reads",
    "42501": "grant the role the right to read it; where row-level security applies, let the role bypass it",
    "42P01": "name the table with its schema, as in registry.tenants",
    "57014": "give it less to do, or a longer `limits.statement_timeout`",
}
"""The way out, by SQLSTATE."""


@asynccontextmanager
async def reading(place: Destination, *, longest: float) -> AsyncIterator[Connection]:
    """Yields a connection in a transaction that is read only, whose statements take `longest` seconds at most.

    Raises Unreachable, SettingsError; DestinationError where a statement of the block fails.
    """
    connection = await connect(place, application="sartor find")
    try:
        async with connection.transaction(readonly=True):
            # A policy would leave rows out in silence: with it off, the query is an error.
            limit = max(1, round(longest * 1000))
            await connection.execute(f"set local statement_timeout = {limit}; set local row_security = off")
            yield connection
    except (OSError, *DRIVER_ERRORS) as error:
        raise session_error(error, place) from error
    finally:
        await close(connection)


async def read_schemas(connection: Connection) -> list[str]:
    """Returns the names of a database's schemas, those of Postgres and of extensions left out."""
    return [_name(row["name"]) for row in await connection.fetch(_SCHEMAS)]


async def read_databases(connection: Connection) -> list[str]:
    """Returns the names of a server's databases, without templates and those that take no connections."""
    return [_name(row["name"]) for row in await connection.fetch(_DATABASES)]


def _name(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def require_query(query: Query) -> str:
    """Returns the text of a query, without a semicolon behind it. Raises SettingsError where it isn't one SELECT."""
    statements = split(query.text)
    if len(statements) == 1 and statements[0].kind in QUERIES:
        return statements[0].text.rstrip().removesuffix(";")
    hint = 'write one SELECT, as in "select schema_name, region from tenants"'
    raise SettingsError(f"{query.origin} isn't a single SELECT", hint=hint)


async def read_rows(connection: Connection, place: Destination, query: Query) -> list[list[tuple[str, Any]]]:
    """Returns the rows of a query, each as the names and values of its columns, in order.

    Names in it are found as by a script, in the place's schemas. Raises SettingsError where the query fails.
    """
    # As JSON, so that the driver has no types to look up. Two columns of one name stay two.
    sql = f"select pg_catalog.row_to_json(found)::text from (\n{require_query(query)}\n) found"
    path = ", ".join(map(quote_identifier, dict.fromkeys((place.schema, *place.search_path, "public"))))
    await connection.execute(f"set local search_path = {path}")
    try:
        rows = await connection.fetch(sql)
    except asyncpg.PostgresError as error:
        if is_disconnect(error):
            raise
        said = redact(f"{place.label}: {error}", place.secrets)
        raise SettingsError(
            f"{query.origin} fails at {said} (SQLSTATE {error.sqlstate})",
            hint=_HINTS.get(error.sqlstate, "try the query with psql"),
        ) from error
    return [json.loads(row[0], object_pairs_hook=list) for row in rows]
