-- What the other files draw on: the schemas that are asked for, what is in them and what isn't to be looked at, the
-- relations. All is found by indexes, as the database may have a thousand other schemas.
covered as materialized (
    select n.oid, n.nspname, n.nspowner, n.nspacl from pg_namespace n where n.nspname = any ($1::text[])
),
listed as materialized (
    -- All but what comes along with something: a table's row type and indexes, a type's array.
    select d.classid, d.objid from covered s
    cross join lateral (
        select d.classid, d.objid from pg_depend d
        where d.refclassid = 'pg_namespace'::regclass and d.refobjid = s.oid
        offset 0
    ) d
),
member as materialized (
    -- Of an extension; or a function or cast that a range type brings along.
    select d.classid, d.objid from pg_depend d where d.refclassid = 'pg_extension'::regclass and d.deptype = 'e'
    union all
    select l.classid, l.objid from listed l
    cross join lateral (
        select from pg_depend d where d.classid = l.classid and d.objid = l.objid and d.deptype = 'i'
        offset 0
    ) d
    where l.classid = 'pg_proc'::regclass
    union all
    select d.classid, d.objid from pg_depend d where d.classid = 'pg_cast'::regclass and d.deptype = 'i'
),
found as materialized (
    select s.nspname, c.* from (
        select l.objid as oid from listed l where l.classid = 'pg_class'::regclass
        union all
        select t.typrelid from listed l
        cross join lateral (
            select t.typrelid from pg_type t where t.oid = l.objid and t.typtype = 'c' offset 0
        ) t
        where l.classid = 'pg_type'::regclass
    ) l
    cross join lateral (select * from pg_class c where c.oid = l.oid offset 0) c
    join covered s on s.oid = c.relnamespace
),
own as materialized ($2),
relation as materialized (
    -- Read a dozen times, so that a column more is felt.
    select c.oid, c.relkind, case c.relkind when 'v' then 'view' when 'm' then 'materialized view'
            when 'f' then 'foreign table' when 'S' then 'sequence' when 'c' then 'type' else 'table' end as kind,
        format('%I.%I', c.nspname, c.relname) as name, c.relname, c.relowner, c.relam, c.reloftype, c.reltoastrelid,
        c.reltablespace, c.relpersistence, c.relispartition, c.relrowsecurity, c.relforcerowsecurity, c.relreplident,
        c.relacl, c.reloptions, c.relpartbound
    from found c
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c') and not starts_with(c.relname::text, 'sartor_')
        and (c.relnamespace, c.relname::text) not in (select own.schema, own.name from own)
        and (c.oid not in (select m.objid from member m where m.classid = 'pg_class'::regclass))
)
