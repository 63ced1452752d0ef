"""Finds and drops invalid indexes, which an interrupted CREATE INDEX CONCURRENTLY leaves behind.

See the manual's page on CREATE INDEX, "Building Indexes Concurrently": the index stays, invalid; it is written to and
never read, and IF NOT EXISTS takes it for complete.
"""

from collections.abc import Collection
from typing import NamedTuple

from sartor.postgres.catalog import listed_in
from sartor.postgres.driver.connection import Connection
from sartor.postgres.session import Session
from sartor.sql.lexer import all_words
from sartor.sql.quoting import quote_identifier, quote_literal

_INVALID = f"""
select i.indexrelid::int8 as oid, c.relname::text as name, i.indrelid::regclass::text as table,
    exists (select 1 from pg_catalog.pg_stat_progress_create_index p where p.index_relid = i.indexrelid) as building
from pg_catalog.pg_namespace n
cross join lateral ({listed_in("n.oid")} offset 0) l
join pg_catalog.pg_index i on i.indrelid = l.objid
join pg_catalog.pg_class c on c.oid = i.indexrelid
where not i.indisvalid and c.relkind = 'i' and n.nspname = $1::text
order by c.relname
"""

_BEGAN = "pg_catalog.to_char(backend_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
"""When a session began, in a text that no TimeZone or DateStyle changes: another session compares it."""

_ALIVE = f"""
select exists (select 1 from pg_catalog.pg_stat_activity where pid = $1::int4 and {_BEGAN} = $2::text)
"""

_OWN = f"""
select pid, {_BEGAN} as began from pg_catalog.pg_stat_activity where pid = pg_catalog.pg_backend_pid()
"""


class InvalidIndex(NamedTuple):
    """An index that exists and isn't valid; `building` says that a session is building it right now."""

    oid: int
    name: str
    table: str
    building: bool


async def invalid_indexes(session: Session) -> tuple[InvalidIndex, ...]:
    return tuple(InvalidIndex(*row) for row in await session.connection.fetch(_INVALID, session.schema))


async def left_behind(session: Session, *, source: str, before: Collection[int]) -> tuple[InvalidIndex, ...]:
    """Returns the invalid indexes that a script left: its source names them, or they weren't there `before` it began.

    `before` are OIDs.
    """
    words = all_words(source)
    return tuple(i for i in await invalid_indexes(session) if i.name in words or i.oid not in before)


async def drop_index(session: Session, index: InvalidIndex) -> None:
    name = f"{quote_identifier(session.schema)}.{quote_identifier(index.name)}"
    await session.connection.execute(f"drop index concurrently if exists {name}")


async def session_alive(connection: Connection, pid: int, started: str) -> bool:
    return bool(await connection.fetchval(_ALIVE, pid, started))


async def own_session(connection: Connection) -> tuple[int, str]:
    """Returns the process id of this connection's server process, and when it began."""
    row = await connection.fetchrow(_OWN)
    return row["pid"], row["began"]


def start_detail(schema: str) -> str:
    """Returns the SQL of what a `started` event's `detail` holds, for a session that isn't Sartor's."""
    invalid = _INVALID.replace("$1::text", quote_literal(schema))
    indexes = f"coalesce((select pg_catalog.jsonb_agg(i.oid) from ({invalid}) i), '[]')"
    return f"(select pg_catalog.to_jsonb(own) || pg_catalog.jsonb_build_object('invalid', {indexes}) from ({_OWN}) own)"
