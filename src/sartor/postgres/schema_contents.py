"""Lists, drops and empties what a schema holds."""

from itertools import starmap
from typing import Any, NamedTuple

from sartor.domain.table_names import OwnTables
from sartor.errors import RefusedError
from sartor.postgres.catalog import FULL_NAME, OF_USERS, RELATIONS, class_of, in_extension, is_own_in
from sartor.postgres.driver.connection import Connection
from sartor.postgres.own_tables import read_prefixes
from sartor.sql.quoting import quote_identifier

_OTHER = "union all select '{0}'::regclass, x.oid, {2}, '{3}' from pg_catalog.{0} x, mine where x.{1} = mine.oid "
_OTHERS = (
    ("pg_proc", "pronamespace", 2, "routine"),
    ("pg_collation", "collnamespace", 4, "collation"),
    ("pg_conversion", "connamespace", 4, "conversion"),
    ("pg_operator", "oprnamespace", 4, "operator"),
    ("pg_opfamily", "opfnamespace", 4, "operator family"),
    ("pg_ts_config", "cfgnamespace", 4, "text search configuration"),
    ("pg_ts_dict", "dictnamespace", 5, "text search dictionary"),
)
"""The catalogues of other objects, the column of the schema, the rank in which they are dropped, the kind."""

_OBJECTS = f"""
with mine as (select oid from pg_catalog.pg_namespace where nspname = $1::text),
objects as (
    select 'pg_class'::regclass as class, c.oid, 1 as rank,
        case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
            when 'f' then 'foreign table' else 'table' end as kind
    from pg_catalog.pg_class c, mine
    where c.relnamespace = mine.oid and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    union all
    select 'pg_type'::regclass, t.oid, 3, case t.typtype when 'd' then 'domain' else 'type' end
    from pg_catalog.pg_type t left join pg_catalog.pg_class c on c.oid = t.typrelid, mine
    where t.typnamespace = mine.oid and (t.typtype in ('e', 'd', 'r') or c.relkind = 'c')
    {"".join(starmap(_OTHER.format, _OTHERS))}
)
select o.class::oid::int8 as class, o.oid::int8 as oid, o.kind,
    (pg_catalog.pg_identify_object(o.class, o.oid, 0)).identity as identity
from objects o
where not exists (select from pg_catalog.pg_depend d where d.classid = o.class and d.objid = o.oid
    and d.deptype in ('e', 'i', 'P', 'S') and (d.refclassid, d.refobjid) <> (d.classid, d.objid))
order by o.rank, o.oid
"""
"""Selects what isn't part of an extension or of another object; see the manual's chapter on pg_depend for `deptype`.

A partitioned table depends on columns of its own.
"""

_MINE = "(select oid from pg_catalog.pg_namespace where nspname = $1::text)"

_TABLES = f"""
select {FULL_NAME} from {RELATIONS}
where n.nspname = $1::text and c.relkind in ('r', 'p') and not c.relispartition
    and not {is_own_in(_MINE)} and not {in_extension("c.oid")}
order by 1
"""

_LOCKABLE = f"""
select {FULL_NAME} from {RELATIONS}
where n.nspname = $1::text and c.relkind in ('r', 'p', 'f') order by c.oid
"""

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
    select i.type, i.identity, coalesce(i.schema, pg_catalog.quote_ident(coalesce(nspname, object_names[1]))) as schema
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
    schema not in (pg_catalog.quote_ident($3::text), 'pg_toast')
    and type not in ('cast', 'default acl', 'event trigger', 'foreign-data wrapper', 'language', 'publication',
        'publication namespace', 'publication relation', 'schema', 'server', 'toast table', 'transform', 'user mapping')
    and identity !~ '^"?(_RETURN|RI_ConstraintTrigger_\\w+)"? on ')
order by 1
"""
"""Selects what is outside schema $3, and extensions, that DROP ... CASCADE of objects (class, oid) in it would drop.

By `pg_depend`; see the manual's chapter on it for `deptype`. An object that belongs to no schema, such as an event
trigger, counts as part of what it depends on.
"""

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
"""Selects what TRUNCATE ... CASCADE would empty outside schema $2: partitions, heirs and what references the tables."""

SHOWN = 10
"""The number of names that are shown of what would be lost."""

_SCHEMAS = f"""
select n.nspname::text as name from pg_catalog.pg_namespace n
where {OF_USERS} and n.nspname <> 'public' and not {in_extension("n.oid", classid=class_of("pg_namespace"))}
order by 1
"""


async def what_it_holds(connection: Connection, schema: str | None) -> str | None:
    """Returns, in words, something that a database holds besides extensions, or None where it holds nothing.

    With `schema`, it is the schema of this name, or None where there is none.
    """
    schemas = [row["name"] for row in await connection.fetch(_SCHEMAS)]
    if schema is not None:
        return f"schema {schema}" if schema in schemas else None
    if schemas:
        return f"schema {schemas[0]}"
    rows = await connection.fetch(_OBJECTS, "public")
    return f"{rows[0]['kind']} {rows[0]['identity']}" if rows else None


async def drop_contents(connection: Connection, own: OwnTables, *, lock_timeout: float) -> int:
    """Drops all objects of a schema, those of extensions apart, in one transaction; returns how many there were.

    The schema stays, with its owner and its grants. `lock_timeout` is in seconds. Raises RefusedError where something
    outside the schema would be dropped with them, or another product lives in it.
    """
    schema = own.schema
    async with connection.transaction():
        await connection.execute(f"set local lock_timeout = {lock_timeout * 1000:.0f}")
        await lock_tables(connection, schema)  # so that no view on one of them is made after the check for such views
        await require_unshared(connection, own, "dropped")
        rows = await connection.fetch(_OBJECTS, schema)
        classes, oids = [row["class"] for row in rows], [row["oid"] for row in rows]
        others = await connection.fetch(_WOULD_GO, classes, oids, schema)
        hint = "drop these objects yourself if they aren't needed, or use a separate database"
        _refuse("dropped", schema, others, hint=hint)
        exists = "select 1 from pg_catalog.pg_describe_object($1::int8::oid, $2::int8::oid, 0) d where d is not null"
        for row in rows:
            # It may have been dropped together with an earlier one, by CASCADE.
            if await connection.fetchval(exists, row["class"], row["oid"]):
                await connection.execute(f"drop {row['kind']} if exists {row['identity']} cascade")
        return len(rows)


async def lock_tables(connection: Connection, schema: str) -> None:
    """Locks all tables of a schema against any use until the transaction ends."""
    if tables := [row[0] for row in await connection.fetch(_LOCKABLE, schema)]:
        await connection.execute(f"lock table {', '.join(tables)}")


async def refuse_outside(connection: Connection, schema: str, *, hint: str) -> None:
    """Raises RefusedError where DROP SCHEMA ... CASCADE would drop what is outside the schema, or an extension."""
    oid = "select 'pg_catalog.pg_namespace'::regclass::oid::int8, oid::int8 from pg_catalog.pg_namespace"
    place = await connection.fetchrow(f"{oid} where nspname = $1::text", schema)
    if place is not None:
        others = await connection.fetch(_WOULD_GO, [place[0]], [place[1]], schema)
        _refuse("dropped", schema, others, hint=hint)


async def tables_of(connection: Connection, schema: str) -> tuple[str, ...]:
    """Returns the tables of a schema, those of extensions and Sartor's own apart."""
    return tuple(row[0] for row in await connection.fetch(_TABLES, schema))


async def empty_tables(connection: Connection, own: OwnTables) -> int:
    """Empties all tables of a schema, Sartor's own apart, and restarts their sequences; returns how many there are.

    Raises RefusedError where tables outside the schema would be emptied too, or another product lives in it.
    """
    schema = own.schema
    await require_unshared(connection, own, "emptied")
    if tables := await tables_of(connection, schema):
        others = await connection.fetch(_WOULD_BE_EMPTIED, tables, schema)
        hint = "write a `reset` function in the seed modules that deletes only the seeded rows"
        _refuse("emptied", schema, others, hint=hint)
        # Without CASCADE, so that the server refuses what was added meanwhile.
        await connection.execute(f"truncate {', '.join(tables)} restart identity")
    return len(tables)


async def require_unshared(connection: Connection, own: OwnTables, verb: str) -> None:
    """Raises RefusedError where the schema has the history of another product: its tables can't be told apart."""
    found = await read_prefixes(connection, own.schema)
    if others := [OwnTables(own.schema, prefix) for prefix in found if prefix != own.prefix]:
        other, name = others[0], quote_identifier(own.schema)
        gone = f"drop table {', '.join(f'{name}.{table}' for table in other.names)};"
        raise RefusedError(
            f"schema {own.schema} also holds the history of another product, {other.name('ledger')}, whose tables would"
            f" be {verb} too; nothing was {verb}",
            hint=f"give each product a schema of its own; if that history isn't needed: {gone}",
        )


def _refuse(verb: str, schema: str, others: list[Any], *, hint: str) -> None:
    """Raises RefusedError where there are `others`, rows of one name each."""
    if others:
        more = f", and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
        raise RefusedError(
            f"objects outside schema {schema} would be {verb} too: {', '.join(row[0] for row in others[:SHOWN])}{more};"
            f" nothing was {verb}",
            hint=hint,
        )


class Found(NamedTuple):
    """A table that a name stands for: its schema, its columns, and about how many rows it holds (None: unknown)."""

    schema: str
    columns: frozenset[str]
    rows: int | None


_FIND_TABLE = """
    select n.nspname::text as schema,
        array(
            select attname::text from pg_catalog.pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped
        ) as columns,
        (
            select pg_catalog.sum(nullif(part.reltuples::int8, -1))::int8 from pg_catalog.pg_class part
            where part.relkind <> 'p'
                and (part.oid = c.oid or part.oid in (select relid from pg_catalog.pg_partition_tree(c.oid)))
        ) as rows
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.oid = coalesce(pg_catalog.to_regclass($1::text), pg_catalog.to_regclass($2::text))
"""


async def find_table(connection: Connection, schema: str | None, table: str, *, path: tuple[str, str]) -> Found | None:
    """Finds the table of this name, in its schema or the first of `path` that has it; None where none does."""
    places = path if schema is None else (schema, schema)
    names = [f"{quote_identifier(place)}.{quote_identifier(table)}" for place in places]
    row = await connection.fetchrow(_FIND_TABLE, *names)
    return None if row is None else Found(row["schema"], frozenset(row["columns"]), row["rows"])
