"""What a schema without a ledger holds: objects that may have been made otherwise, and another tool's own tables."""

from typing import NamedTuple

from sartor.domain.other_ledgers import NAMES, other_tool
from sartor.postgres.catalog import is_own_in, listed_in
from sartor.postgres.driver.connection import Connection

_APART = """exists (
    select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.{catalogue}'::pg_catalog.regclass
    and d.objid = {oid} and d.deptype in ('e', 'i') and (d.refclassid, d.refobjid) <> (d.classid, d.objid)
)"""
"""The condition that an object belongs to an extension, or to another object."""

_READ = f"""
with mine as (select oid from pg_catalog.pg_namespace where nspname = $1::text)
select found.name, found.relation, found.columns from (
    select 1 as rank, pg_catalog.format('%I.%I', $1::text, c.relname) as name, c.relname::text as relation,
        case when c.relname::text = any ($2::text[]) and c.relkind = 'r' then array(
            select a.attname::text from pg_catalog.pg_attribute a
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) end as columns
    from mine cross join lateral ({listed_in("mine.oid")} offset 0) l
    join pg_catalog.pg_class c on c.oid = l.objid and c.relnamespace = mine.oid
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and not c.relispartition
        and not {is_own_in("(select oid from mine)")} and not {_APART.format(catalogue="pg_class", oid="c.oid")}
        and (c.relkind <> 'S' or not exists (select from pg_catalog.pg_depend d where d.objid = c.oid
            and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.deptype = 'a'))
    union all
    select 2, pg_catalog.format('%I.%I', $1::text, t.typname), null, null
    from mine cross join lateral ({listed_in("mine.oid", catalogue="pg_type")} offset 0) l
    join pg_catalog.pg_type t on t.oid = l.objid and t.typnamespace = mine.oid
    left join pg_catalog.pg_class c on c.oid = t.typrelid
    where (t.typtype in ('e', 'd', 'r') or c.relkind = 'c') and not {_APART.format(catalogue="pg_type", oid="t.oid")}
    union all
    select 3, pg_catalog.format('%I.%I(%s)', $1::text, p.proname,
        pg_catalog.pg_get_function_identity_arguments(p.oid)), null, null
    from mine cross join lateral ({listed_in("mine.oid", catalogue="pg_proc")} offset 0) l
    join pg_catalog.pg_proc p on p.oid = l.objid and p.pronamespace = mine.oid
    where not {_APART.format(catalogue="pg_proc", oid="p.oid")}
) found
order by found.rank, found.name
"""
"""Selects relations, types and routines by their names; `columns` are those of a table called as another tool's own."""


class Strays(NamedTuple):
    """The names of a schema's objects, tables first; those of extensions, of Sartor's and of another tool are left out.

    `tool` is the title of that tool, "" where none is known.
    """

    names: tuple[str, ...]
    tool: str


async def read_strays(connection: Connection, schema: str) -> Strays:
    rows = await connection.fetch_kept(_READ, schema, list(NAMES))
    tool = other_tool({row["relation"]: row["columns"] for row in rows if row["columns"] is not None})
    theirs = tool.tables if tool else ()
    return Strays(tuple(row["name"] for row in rows if row["relation"] not in theirs), tool.tool if tool else "")
