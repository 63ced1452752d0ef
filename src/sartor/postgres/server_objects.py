"""Detects changes of server-wide objects: dropping a scratch database doesn't undo them."""

from __future__ import annotations

from sartor.sql.quoting import quote_literal

THINGS = {
    "pg_authid": "a role",
    "pg_auth_members": "the members of a role",
    "pg_database": "a database",
    "pg_db_role_setting": "the settings of a database or a role",
    "pg_parameter_acl": "the right to set a parameter",
    "pg_replication_origin": "a replication origin",
    "pg_shdescription": "a comment on a role or a database",
    "pg_shseclabel": "a security label",
    "pg_subscription": "a subscription",
    "pg_tablespace": "a tablespace",
}
"""The catalogues that all databases share, and what each holds; not `pg_shdepend`, which has a table's grants, too."""

_WRITING = ("RowExclusiveLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock")
"""The lock modes of writes, without that of ANALYZE, which reads all catalogues."""

# GRANT, REVOKE and CREATE SUBSCRIPTION release their locks at once, but the row has their transaction's number. The
# only subscription that a scratch database can have is a script's, and the database couldn't be dropped with it.
TOUCHED = f"""(
    select pg_catalog.string_agg(distinct touched.name, ',') from (
        select c.relname::text as name from pg_catalog.pg_locks l
        join pg_catalog.pg_class c on c.oid = l.relation and c.relisshared
        where l.pid = pg_catalog.pg_backend_pid() and l.locktype = 'relation' and l.database = 0 and l.granted
            and l.mode in ({", ".join(map(quote_literal, _WRITING))})
        union all select 'pg_database' from pg_catalog.pg_database
        where xmin = pg_catalog.pg_current_xact_id()::xid and datname <> pg_catalog.current_database()
        union all select 'pg_tablespace' from pg_catalog.pg_tablespace
        where xmin = pg_catalog.pg_current_xact_id()::xid
        union all select 'pg_subscription' from pg_catalog.pg_subscription s
        join pg_catalog.pg_database d on d.oid = s.subdbid where d.datname = pg_catalog.current_database()
    ) touched where touched.name in ({", ".join(map(quote_literal, THINGS))})
)"""
"""SQL for the names of the catalogues that the current transaction has changed, comma-separated; null for none."""

_CANT_TELL = "the statement can't run in a transaction, so changes outside the scratch database couldn't be undone"


class BeyondDatabase(Exception):
    """A script in a scratch database tried to change what would outlast it, by the statement `query`."""

    def __init__(self, query: str, reason: str = _CANT_TELL) -> None:
        super().__init__(reason)
        self.query = query


def beyond(names: str) -> str:
    """Returns why a script that changed these catalogues (names, comma-separated) must not go on."""
    things = ", ".join(THINGS[name] for name in names.split(","))
    return f"the script changes server-wide objects from a scratch database: {things}"
