"""A database as a text of SQL, by `pg_dump`: all that its schemas hold, without Sartor's own tables."""

from collections import defaultdict
from collections.abc import Iterable

from sartor.archive.programs import ProgramFailed, failed
from sartor.archive.tools import find_tools
from sartor.domain.table_names import KINDS
from sartor.postgres.catalog import OF_USERS
from sartor.postgres.driver.connection import Connection
from sartor.postgres.session import Session
from sartor.sql.quoting import quote_identifier

_SCHEMAS = f"select n.nspname::text from pg_catalog.pg_namespace n where {OF_USERS}"
_DEFAULTS = f"""
select n.nspname::text, c.relname::text, a.attname::text from pg_catalog.pg_attrdef d
join pg_catalog.pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum and a.attgenerated = ''
join pg_catalog.pg_class c on c.oid = d.adrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where {OF_USERS}
"""
_LARGE_OBJECTS = "select exists (select from pg_catalog.pg_largeobject_metadata)"


async def schemas_of(connection: Connection) -> list[str]:
    """Returns the schemas of a database, without Postgres's own."""
    return [row[0] for row in await connection.fetch(_SCHEMAS)]


async def columns_with_default(connection: Connection) -> dict[tuple[str, ...], frozenset[str]]:
    """Returns the columns that have a default, by their tables, each by its schema and its name."""
    found = defaultdict[tuple[str, ...], set[str]](set)
    for schema, table, column in await connection.fetch(_DEFAULTS):
        found[schema, table].add(column)
    return {table: frozenset(columns) for table, columns in found.items()}


async def has_large_objects(connection: Connection) -> bool:
    """Returns whether a database holds large objects: rows alone don't say what these contain."""
    return bool(await connection.fetchval(_LARGE_OBJECTS))


async def dump_plain(session: Session, file: str, *, without: Iterable[str], lock_wait: float) -> None:
    """Writes the SQL that makes the session's database into a file, but for the schemas `without`. Raises BackupFailed.

    `lock_wait` is in seconds.
    """
    tools = find_tools(session.facts.server_version, encrypted=session.connection.encrypted)[0]
    arguments = [
        *("--format=plain", "--encoding=UTF8", "--no-subscriptions", f"--file={file}"),
        f"--lock-wait-timeout={lock_wait * 1000:.0f}",
        *(f"--exclude-table={session.tables.named(kind)}" for kind in KINDS),
        *(f"--exclude-schema={quote_identifier(name)}" for name in without),
    ]
    try:
        await tools.output("pg_dump", *arguments, session=session)
    except ProgramFailed as error:
        raise await failed("the scratch database can't be read", error, session, reads=True) from error
