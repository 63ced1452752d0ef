"""Functions and procedures that a statement calls."""

from __future__ import annotations

from typing import Any

import asyncpg

from sartor.domain.branching import called, may_fork
from sartor.postgres.footprint import FIRST_OF_USERS

_BODIES = f"""
select p.prosrc from pg_catalog.pg_proc p join pg_catalog.pg_language l on l.oid = p.prolang
where p.proname = any($1::text[]) and p.oid >= {FIRST_OF_USERS} and p.provolatile = 'v' and p.prokind in ('f', 'p')
    and l.lanname not in ('c', 'internal')
"""


async def depends_on_rows(connection: asyncpg.Connection[Any], query: str, *, queried: bool) -> bool:
    """Whether a block, or routines that a statement calls, might have done something else where there are rows.

    `queried` as in `may_fork`.
    """
    names = called(query)
    rows = await connection.fetch(_BODIES, sorted(names)) if names else []
    return may_fork(query, [row["prosrc"] for row in rows], queried=queried)
