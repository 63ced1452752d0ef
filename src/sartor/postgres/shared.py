"""What belongs to a server and not to one of its databases: it isn't undone where a scratch database is dropped."""

from __future__ import annotations

import re

from sartor.domain import sql
from sartor.domain.quoting import quote_literal

THINGS = {
    "pg_authid": "a role",
    "pg_auth_members": "who is a member of a role",
    "pg_database": "a database",
    "pg_db_role_setting": "the settings of a database or a role",
    "pg_parameter_acl": "who may set a parameter",
    "pg_replication_origin": "where rows are replicated from",
    "pg_shdescription": "a comment on a role or a database",
    "pg_shseclabel": "a security label",
    "pg_subscription": "a subscription",
    "pg_tablespace": "a tablespace",
}
"""What stands in the catalogues that all databases share. Not in `pg_shdepend`: a table's grants stand there, too."""

_WRITING = ("RowExclusiveLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock")
"""Without that of ANALYZE, which reads them all."""

# GRANT, REVOKE and CREATE SUBSCRIPTION give their locks back at once, but the row is theirs. A scratch database has no
# subscription but that of a script, and couldn't be dropped with it.
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
"""SQL for the names of those that the present transaction has changed, with commas between; null for none."""

_INSIDE = re.compile(
    r"(create( unique)? index|drop index|reindex(?!.*\b(database|system)\b)|alter (table|type)|vacuum|cluster"
    r"|call|do)\b"
)
"""Of what refuses a transaction, that which does its work in one database."""
_BEYOND = re.compile(
    r"\b(create|alter|drop)\s+(role|group|user(?!\s+mapping)|database|tablespace|subscription|system)\b"
)


_CANT_TELL = "it refuses a transaction, so what it may change beyond its database couldn't be undone"


class BeyondDatabase(Exception):
    """A script in a scratch database was about to change what would outlast it; `query` would have done that."""

    def __init__(self, query: str, reason: str = _CANT_TELL) -> None:
        super().__init__(reason)
        self.query = query


def beyond(names: str) -> str:
    """The reason why what has changed the catalogues of these names, with commas between, mustn't go on."""
    things = ", ".join(THINGS[name] for name in names.split(","))
    return f"it changes what belongs to the server, and not to the database alone: {things}"


def stays_inside(statement: str) -> bool:
    """Whether a statement that refuses a transaction is known to change nothing outside its database."""
    # A DO may commit by itself what it then has changed.
    return bool(_INSIDE.match(sql.Statement(statement, 0).words)) and not _BEYOND.search(statement.lower())


def is_of_the_server(statement: str) -> bool:
    """Whether a statement makes, alters or drops what belongs to the server."""
    return bool(_BEYOND.match(sql.Statement(statement, 0).words))
