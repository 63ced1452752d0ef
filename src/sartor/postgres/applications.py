"""Reads which applications are connected to a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sartor.postgres.session import Session

if TYPE_CHECKING:
    from sartor.domain.applications import Application

_CONNECTED = """
select application_name::text as name, pg_catalog.count(*)::int4 as sessions
from pg_catalog.pg_stat_activity
where datname = pg_catalog.current_database() and pg_catalog.strpos(application_name, ' (schema ') > 0
group by 1 order by 1
"""


async def read_applications(session: Session) -> tuple[Application, ...]:
    """Returns the applications that have named their sessions by `heartbeat`.

    To a role without `pg_read_all_stats`, the server doesn't show the names of other roles' sessions.
    """
    async with session.connection.fenced():
        rows = await session.connection.fetch(_CONNECTED)
    if not rows:
        return ()
    from sartor.domain.applications import parse_application  # noqa: PLC0415 - few databases have any

    found = (parse_application(row["name"], row["sessions"]) for row in rows)
    return tuple(application for application in found if application is not None)
