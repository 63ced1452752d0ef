"""Reads the rows of a table that isn't Sartor's, where reading it runs nobody else's code.

A SELECT runs a view's functions, a policy's, those that convert a type to text, and what an index or statistics are
over, as the role that reads. A table that is none of this has nothing to run; it is locked while that is found out and
read, so that it isn't replaced between the two.
"""

from typing import Any

from sartor.errors import UsageError
from sartor.postgres.driver.connection import Connection
from sartor.sql.quoting import quote_identifier

_TRAIT = """
select case
    when c.relkind <> 'r' then 'isn''t a plain table'
    when c.relrowsecurity and pg_catalog.row_security_active(c.oid) then 'has row-level security, which may hide rows'
    when c.relispartition or exists (select from pg_catalog.pg_inherits i where c.oid in (i.inhrelid, i.inhparent))
        then 'is part of other tables'
    when exists (select from pg_catalog.pg_rewrite r where r.ev_class = c.oid and r.ev_type = '1')
        then 'has a rule for SELECT'
    when exists (select from pg_catalog.pg_index i
        where i.indrelid = c.oid and (i.indexprs is not null or i.indpred is not null))
        or exists (select from pg_catalog.pg_statistic_ext s where s.stxrelid = c.oid and s.stxexprs is not null)
        then 'has an index or statistics over expressions'
    when exists (select from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
        join pg_catalog.pg_namespace n on n.oid = t.typnamespace join pg_catalog.pg_roles o on o.oid = t.typowner
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and n.nspname <> 'pg_catalog'
        and not o.rolsuper and o.rolname not in (current_user, session_user))
        then 'has a column of another role''s type'
end
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1::text and c.relname = $2::text
"""
"""Selects what makes reading a table run somebody's code; null where nothing does."""


async def read_others_table(connection: Connection, schema: str, table: str, sql: str) -> list[Any]:
    """Returns the rows of `sql`, which reads this table alone.

    Raises UsageError where reading it may run another role's code, or row-level security applies.
    """
    name = f"{quote_identifier(schema)}.{quote_identifier(table)}"
    async with connection.fenced():
        await _require_plain(connection, schema, table)
        await connection.execute(f"lock table {name} in access share mode")
        await _require_plain(connection, schema, table)
        return list(await connection.fetch(sql))


async def _require_plain(connection: Connection, schema: str, table: str) -> None:
    if trait := await connection.fetchval(_TRAIT, schema, table):
        raise UsageError(
            f"{schema}.{table} {trait}; it isn't read, as that may run another role's code with your rights",
            hint="copy its rows to a plain table of your own (`create table ... as`), as a role with no rights of"
            " yours, and name that with `ledger_table`",
        )
