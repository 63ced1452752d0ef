"""Sartor's own tables in a database: their kind, their owner, and the other roles that may write them.

The names of types, functions and the like are Postgres's own where nothing of a table depends on anything else: what
initdb makes has no entry in pg_depend (the manual's chapter on it). So a text that says `clock_timestamp()` means
Postgres's own function.
"""

from sartor.domain.own_tables import Trait, Writer, require_sound
from sartor.domain.table_names import OwnTables
from sartor.postgres.catalog import RELATIONS, class_of, other_prefixes
from sartor.postgres.driver.connection import Connection

RIGHTS = ("select", "insert", "update", "delete")
"""The rights on a table that Sartor needs, each on some of its own."""

OWN = f"""
with recursive mine (oid) as (
    select oid from pg_catalog.pg_roles where rolname in (current_user, session_user)
    union
    select m.roleid from mine join pg_catalog.pg_auth_members m on m.member = mine.oid
), found as (
    select c.oid, c.relname, c.relkind, c.relpersistence, c.relispartition, n.nspacl, o.rolname as owner, c.relowner,
        o.rolsuper or c.relowner in (select oid from mine) or o.rolname = 'pg_database_owner'
            or pg_catalog.pg_has_role(c.relowner, n.nspowner, 'member')
            or pg_catalog.pg_has_role(c.relowner, d.datdba, 'member') as trusted
    from {RELATIONS} join pg_catalog.pg_roles o on o.oid = c.relowner
    join pg_catalog.pg_database d on d.datname = pg_catalog.current_database()
    where n.nspname = given.schema and c.relname = any(given.names)
)
select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(relname, owner, trusted,
    trusted or exists (select from pg_catalog.aclexplode(nspacl) a where a.privilege_type = 'CREATE'
        and a.grantee <> '0'::pg_catalog.oid and pg_catalog.pg_has_role(relowner, a.grantee, 'member')),
    case
        when relkind = 'v' then 'a view' when relkind = 'm' then 'a materialized view'
        when relkind = 'f' then 'a foreign table' when relkind = 'p' then 'a partitioned table'
        when relkind <> 'r' then 'another kind of relation' when relpersistence <> 'p' then 'an unlogged table'
        when relispartition or exists (select from pg_catalog.pg_inherits i where i.inhrelid = found.oid)
            then 'a part of another table'
        when exists (select from pg_catalog.pg_inherits i where i.inhparent = found.oid) then 'a table with heirs'
        when exists (select from pg_catalog.pg_attribute a where a.attrelid = found.oid and a.attgenerated <> '')
            then 'a table with generated columns'
        when exists (select from pg_catalog.pg_index i
            where i.indrelid = found.oid and (i.indexprs is not null or i.indpred is not null))
            then 'a table with an index over expressions'
    end,
    pg_catalog.row_security_active(found.oid),
    array(select a.attname from pg_catalog.pg_attribute a where a.attrelid = found.oid and a.attnum > 0::int2
        and not a.attisdropped),
    array(select k.kind from pg_catalog.unnest(array{list(RIGHTS)}) k (kind)
        where found.relkind = 'r' and pg_catalog.has_table_privilege(found.oid, k.kind)))
)::text
from found
"""
"""Selects Sartor's tables, `given.names` in schema `given.schema`, as JSON: the fields of OwnTable; null for none.

To `pg_has_role` a superuser is a member of every role; `pg_auth_members` says of which roles it really is.
"""

_CODE = ("pg_proc", "pg_type", "pg_operator", "pg_opclass", "pg_opfamily", "pg_collation")
"""The catalogues of what a table may run or be made of."""

_TRAITS = f"""
with ours as (
    select c.* from {RELATIONS} where n.nspname = $1::text and c.relname = any($2::text[])
), parts (relname, class, part) as (
    select relname, {class_of("pg_class")}, oid from ours
    union all
    select relname, {class_of("pg_attrdef")}, d.oid from ours o join pg_catalog.pg_attrdef d on d.adrelid = o.oid
    union all
    select relname, {class_of("pg_constraint")}, c.oid from ours o join pg_catalog.pg_constraint c on c.conrelid = o.oid
    union all
    select relname, {class_of("pg_class")}, i.indexrelid from ours o join pg_catalog.pg_index i on i.indrelid = o.oid
)
select relname::text, 'is' as kind, '' as name,
    pg_catalog.concat(relkind, relpersistence, case when relispartition then ' part' end) as text
from ours
union all
select o.relname, 'column', a.attname, pg_catalog.concat_ws(' ', pg_catalog.format_type(a.atttypid, a.atttypmod),
    case when a.attcollation <> t.typcollation then 'collated' end,
    case when a.attnotnull then 'not null' end,
    case when a.attidentity <> '' then 'identity' end,
    case when a.attgenerated <> '' then 'generated' end,
    pg_catalog.concat(case when d.oid is not null then 'default ' end, pg_catalog.pg_get_expr(d.adbin, d.adrelid)))
from ours o join pg_catalog.pg_attribute a on a.attrelid = o.oid and a.attnum > 0::int2 and not a.attisdropped
join pg_catalog.pg_type t on t.oid = a.atttypid
left join pg_catalog.pg_attrdef d on d.adrelid = o.oid and d.adnum = a.attnum
union all
select o.relname, 'constraint', case when c.contype in ('p', 'c') then '' else c.conname end,
    case when r.oid is null then pg_catalog.pg_get_constraintdef(c.oid) else pg_catalog.replace(
        pg_catalog.pg_get_constraintdef(c.oid), r.oid::pg_catalog.regclass::text, r.relname::text) end
from ours o join pg_catalog.pg_constraint c on c.conrelid = o.oid and c.contype not in ('n', 't')
left join ours r on r.oid = c.confrelid
union all
select o.relname, 'reference', c.conrelid::pg_catalog.regclass::text, c.conname
from ours o join lateral (
    -- Found by an index, of which `confrelid` has none.
    select c.* from pg_catalog.pg_depend d join pg_catalog.pg_constraint c on c.oid = d.objid
    where d.refclassid = {class_of("pg_class")} and d.refobjid = o.oid and d.classid = {class_of("pg_constraint")}
    offset 0
) c on c.confrelid = o.oid where c.conrelid not in (select oid from ours)
union all
select o.relname, case when t.tgisinternal then 'disabled' else 'trigger' end, t.tgname,
    pg_catalog.pg_get_triggerdef(t.oid)
from ours o join pg_catalog.pg_trigger t on t.tgrelid = o.oid where not t.tgisinternal or t.tgenabled <> 'O'
union all
select o.relname, 'rule', r.rulename, pg_catalog.pg_get_ruledef(r.oid)
from ours o join pg_catalog.pg_rewrite r on r.ev_class = o.oid
union all
select o.relname, 'policy', p.polname, '' from ours o join pg_catalog.pg_policy p on p.polrelid = o.oid
union all
select o.relname, 'row security', '', '' from ours o where pg_catalog.row_security_active(o.oid)
union all
select o.relname, relative.kind, relative.oid::pg_catalog.regclass::text, ''
from ours o join pg_catalog.pg_inherits i on o.oid in (i.inhrelid, i.inhparent)
cross join lateral (values ('parent', i.inhparent), ('child', i.inhrelid)) relative (kind, oid)
where relative.oid <> o.oid
union all
select o.relname, 'index', i.indexrelid::pg_catalog.regclass::text, pg_catalog.pg_get_indexdef(i.indexrelid)
from ours o join pg_catalog.pg_index i on i.indrelid = o.oid
where (i.indisunique and not i.indisprimary) or i.indexprs is not null or i.indpred is not null
union all
select p.relname, 'use', pg_catalog.pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid), ''
from parts p join pg_catalog.pg_depend d on d.classid = p.class and d.objid = p.part
where d.refclassid in ({", ".join(map(class_of, _CODE))})
"""

_WRITERS = """
with ours as (
    select c.* from pg_catalog.pg_namespace n cross join pg_catalog.unnest((select $2::text[])) k (name)
    cross join lateral (
        select * from pg_catalog.pg_class c where c.relname = k.name and c.relnamespace = n.oid offset 0) c
    where n.nspname = $1::text
), given as (
    select o.relname, o.relowner, a.grantee, a.privilege_type, a.is_grantable
    from ours o, pg_catalog.aclexplode(o.relacl) a
    union all
    select o.relname, o.relowner, a.grantee, a.privilege_type, a.is_grantable
    from ours o
    cross join lateral (select * from pg_catalog.pg_attribute t where t.attrelid = o.oid offset 0) t
    cross join pg_catalog.aclexplode(t.attacl) a
)
select case when g.grantee = '0'::pg_catalog.oid then null else r.rolname::text end as role, g.relname::text as table,
    pg_catalog.lower(g.privilege_type) as right, pg_catalog.bool_or(g.is_grantable) as grantable
from given g left join pg_catalog.pg_roles r on r.oid = g.grantee
where g.privilege_type in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER')
    and g.grantee <> g.relowner and not coalesce(r.rolsuper or r.rolname in (current_user, session_user), false)
group by 1, 2, 3
union all
select r.rolname::text, null, null, null from pg_catalog.pg_auth_members m
join pg_catalog.pg_roles g on g.oid = m.roleid and g.rolname = 'pg_write_all_data'
join pg_catalog.pg_roles r on r.oid = m.member
where not r.rolsuper and r.rolname not in (current_user, session_user)
    -- A platform's administrators, of whom the deployer is one.
    and not (r.rolcreaterole and pg_catalog.pg_has_role(session_user, r.oid, 'member'))
order by 1 nulls first, 2, 3
"""
"""Selects the roles and their rights on each table; the table is null for a member of `pg_write_all_data`.

The plan is kept, and so reads by indexes, whatever the planner expects; the sub-select hides the number of names from
it, without which it would plan anew each time.
"""


_PREFIXES = f"select {other_prefixes('n.oid')} from pg_catalog.pg_namespace n where n.nspname = $1::text"


async def read_prefixes(connection: Connection, schema: str) -> tuple[str, ...]:
    """Returns the prefixes of the histories that a schema holds."""
    return tuple(prefix for (found,) in await connection.fetch(_PREFIXES, schema) for prefix in found)


async def require_sound_tables(connection: Connection, tables: OwnTables, role: str) -> None:
    """Raises LedgerUnsound where Sartor's tables aren't as Sartor makes them."""
    rows = await connection.fetch(_TRAITS, tables.schema, tables.names)
    normal = (str(row["text"]).replace("pg_catalog.", "").strip() for row in rows)
    traits = [Trait(row["relname"], row["kind"], row["name"], text) for row, text in zip(rows, normal, strict=True)]
    require_sound(traits, tables, role)


async def read_writers(connection: Connection, tables: OwnTables) -> tuple[Writer, ...]:
    """Returns who may write Sartor's tables besides their owner, superusers and the connection's own role."""
    given: dict[str | None, dict[str, list[str]]] = {}
    rows = await connection.fetch_kept(_WRITERS, tables.schema, tables.names)
    for row in rows:
        if row["table"] is not None:
            given.setdefault(row["role"], {}).setdefault(row["table"], []).append(row["right"])
    grantable = {row["role"] for row in rows if row["grantable"]}
    of_all = (Writer(tables.schema, row["role"], {}) for row in rows if row["table"] is None)
    return (*(Writer(tables.schema, role, rights, role in grantable) for role, rights in given.items()), *of_all)
