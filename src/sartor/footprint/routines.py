"""Finds the functions and procedures that a statement calls."""

from __future__ import annotations

from sartor.postgres.catalog import FIRST_OF_USERS
from sartor.postgres.driver.connection import Connection
from sartor.sql.changes import called_in, may_fork

_BODIES = f"""
select case when p.prosqlbody is null then p.prosrc else pg_catalog.pg_get_function_sqlbody(p.oid) end as body
from pg_catalog.pg_proc p join pg_catalog.pg_language l on l.oid = p.prolang
where p.proname = any($1::text[]) and p.oid >= {FIRST_OF_USERS} and p.provolatile = 'v' and p.prokind in ('f', 'p')
    and l.lanname not in ('c', 'internal')
"""


async def bodies(connection: Connection, query: str) -> list[str]:
    """Returns the bodies of the routines that a statement or a block calls by name."""
    names = called_in(query)
    rows = await connection.fetch(_BODIES, sorted(names)) if names else []
    return [row["body"] for row in rows]


async def all_bodies(connection: Connection, query: str) -> list[str]:
    """Returns the bodies of the routines that a statement or a block calls by name, and of those that these call."""
    found: dict[str, None] = {}
    ahead = await bodies(connection, query)
    while ahead:
        body = ahead.pop()
        if body not in found:
            found[body] = None
            ahead += await bodies(connection, body)
    return list(found)


async def depends_on_rows(connection: Connection, query: str, *, queried: bool) -> bool:
    """Returns whether a block, or routines that a statement calls, might do something else where there are rows.

    `queried` as in `may_fork`.
    """
    return may_fork(query, await bodies(connection, query), queried=queried)
