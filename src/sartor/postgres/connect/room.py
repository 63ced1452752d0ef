"""Asks a server for how many runs at once it has connections."""

from sartor.domain.destination import Destination
from sartor.errors import SartorError
from sartor.postgres.connect.connect import DRIVER_ERRORS
from sartor.postgres.connect.kept import leave_connection, take_connection

PER_RUN = 2
"""The connections of a run: its own, and the monitor's."""
SPARED = 3
"""The connections that are left for others: an application's next one, an administrator's."""

_FREE = """
select least(
    pg_catalog.current_setting('max_connections')::int4
        - pg_catalog.current_setting('superuser_reserved_connections')::int4
        - coalesce(pg_catalog.current_setting('reserved_connections', true), '0')::int4
        - (select pg_catalog.count(*) from pg_catalog.pg_stat_activity a where a.datid is not null),
    case when d.datconnlimit >= 0 then d.datconnlimit
        - (select pg_catalog.count(*) from pg_catalog.pg_stat_activity a where a.datid = d.oid) end,
    case when r.rolconnlimit >= 0 then r.rolconnlimit
        - (select pg_catalog.count(*) from pg_catalog.pg_stat_activity a where a.usesysid = r.oid) end)::int4
from pg_catalog.pg_database d, pg_catalog.pg_roles r
where d.datname = pg_catalog.current_database() and r.rolname = session_user
"""


async def read_room(destination: Destination) -> int | None:
    """Returns the number of runs for which the server has connections, one at least; None where it can't be asked.

    Through a pooler the pooler's own limit counts, which isn't known.
    """
    application = destination.called("sartor room")
    try:
        connection = await take_connection(destination, application=application)
    except SartorError:  # the run at the destination says why
        return None
    try:
        free = None if connection.pooled else await connection.fetchval(_FREE)
    except (OSError, *DRIVER_ERRORS):
        free = None
    except BaseException:  # a cancelled question leaves no connection behind
        connection.terminate()
        raise
    await leave_connection(connection, destination, application=application)
    return None if free is None else max(1, (int(free) + 1 - SPARED) // PER_RUN)
