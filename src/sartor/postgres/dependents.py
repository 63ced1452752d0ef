"""Objects outside a schema that depend on objects in it: they would be dropped or emptied with them."""

from __future__ import annotations

from collections.abc import Iterable

from sartor.postgres.driver.connection import Connection

_WOULD_GO = """
with recursive hit (class, oid, sub) as (
    select root.class::oid, root.oid::oid, 0 from rows from (
        pg_catalog.unnest($1::int8[]), pg_catalog.unnest($2::int8[])) as root (class, oid)
    union
    select step.* from hit h cross join lateral (
        select d.classid, d.objid, d.objsubid from pg_catalog.pg_depend d
        where d.refclassid = h.class and d.refobjid = h.oid and (h.sub = 0 or d.refobjsubid = h.sub)
        union all
        -- A view goes with its rule, and an extension with what is its own.
        select d.refclassid, d.refobjid, d.refobjsubid from pg_catalog.pg_depend d
        where d.classid = h.class and d.objid = h.oid and d.objsubid in (0, h.sub) and d.deptype in ('i', 'e')
    ) as step
),
named as (
    select i.type, i.identity, coalesce(i.schema, n.nspname::text, a.object_names[1]) as schema
    from hit h
    cross join lateral pg_catalog.pg_identify_object(h.class, h.oid, h.sub) i
    cross join lateral pg_catalog.pg_identify_object_as_address(h.class, h.oid, h.sub) a
    left join pg_catalog.pg_constraint c on h.class = 'pg_catalog.pg_constraint'::regclass and c.oid = h.oid
    left join pg_catalog.pg_namespace n on n.oid = c.connamespace
    where not exists (
        -- A row's type or an array's goes with what it is of.
        select from pg_catalog.pg_type t where h.class = 'pg_catalog.pg_type'::regclass and t.oid = h.oid
            and (t.typrelid <> 0 or t.typcategory = 'A'))
    -- Likewise a constraint, with its table.
    and not exists (select from hit t
        where t.class = 'pg_catalog.pg_class'::regclass and t.oid = c.conrelid and t.sub = 0)
)
select distinct type || ' ' || identity from named
where type = 'extension' or (
    schema not in ($3::text, 'pg_toast')
    and type not in ('cast', 'default acl', 'event trigger', 'foreign-data wrapper', 'language', 'publication',
        'publication namespace', 'publication relation', 'schema', 'server', 'toast table', 'transform', 'user mapping')
    and identity !~ '^"?(_RETURN|RI_ConstraintTrigger_\\w+)"? on ')
order by 1
"""
"""Selects what DROP ... CASCADE would drop too, by `pg_depend`; see the manual's chapter on it for `deptype`."""

_WOULD_BE_EMPTIED = """
with recursive hit (oid) as (
    select pg_catalog.to_regclass(name)::oid from pg_catalog.unnest($1::text[]) as name
    union
    select step.oid from hit cross join lateral (
        select i.inhrelid from pg_catalog.pg_inherits i where i.inhparent = hit.oid
        union all
        select c.conrelid from pg_catalog.pg_constraint c where c.contype = 'f' and c.confrelid = hit.oid
    ) as step (oid)
)
select pg_catalog.format('table %I.%I', n.nspname, c.relname) from hit join pg_catalog.pg_class c on c.oid = hit.oid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname <> $2::text order by 1
"""
"""Selects what TRUNCATE ... CASCADE would empty: partitions and heirs of the tables named, and what references them."""


async def would_go(connection: Connection, objects: Iterable[tuple[int, int]], schema: str) -> list[str]:
    """Returns what is outside the schema, and extensions, that would be dropped with these objects (class, oid) in it.

    An object that belongs to no schema, such as an event trigger, counts as part of what it depends on.
    """
    classes, oids = zip(*objects, strict=True) if (objects := list(objects)) else ((), ())
    return [row[0] for row in await connection.fetch(_WOULD_GO, classes, oids, schema)]


async def would_be_emptied(connection: Connection, tables: Iterable[str], schema: str) -> list[str]:
    """Returns the tables outside the schema that would be emptied with these tables of it, given by full name."""
    return [row[0] for row in await connection.fetch(_WOULD_BE_EMPTIED, list(tables), schema)]
