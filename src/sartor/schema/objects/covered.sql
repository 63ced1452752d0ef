-- What the other files draw on: the schemas that are asked for, what isn't to be looked at, the relations.
covered as materialized (
    select n.oid, n.nspname, n.nspowner, n.nspacl from pg_namespace n where n.nspname = any ($1::text[])
),
member as materialized (
    -- Of an extension; or a function or cast that a range type brings along.
    select d.classid, d.objid from pg_depend d
    where d.deptype = 'e' or d.deptype = 'i' and d.classid in ('pg_proc'::regclass, 'pg_cast'::regclass)
),
own as materialized ($3),
relation as materialized (
    -- Read a dozen times, so that a column more is felt.
    select c.oid, c.relkind, case c.relkind when 'v' then 'view' when 'm' then 'materialized view'
            when 'f' then 'foreign table' when 'S' then 'sequence' when 'c' then 'type' else 'table' end as kind,
        format('%I.%I', s.nspname, c.relname) as name, c.relname, c.relowner, c.relam, c.reloftype, c.reltoastrelid,
        c.reltablespace, c.relpersistence, c.relispartition, c.relrowsecurity, c.relforcerowsecurity, c.relreplident,
        c.relacl, c.reloptions, c.relpartbound
    from pg_class c join covered s on s.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c') and not starts_with(c.relname::text, 'sartor_')
        and (c.relnamespace, c.relname::text) not in (select own.schema, own.name from own)
        and (c.oid not in (select m.objid from member m where m.classid = 'pg_class'::regclass))
)
