-- Indexes. What makes the index of a constraint, its constraint says.
select 'pg_class'::regclass, c.oid, 0, 'index', format('%I.%I', n.nspname, c.relname), r.kind || ' ' || r.name,
    concat_ws(E'\n',
        case when k.oid is null then pg_get_indexdef(c.oid)
            when c.reloptions is not null then 'with (' || (select string_agg(o, ', ' order by o collate "C") from unnest(c.reloptions) o) || ')' end,
        case when k.oid is null and c.relispartition then 'partition of ' || (
            select p.inhparent::regclass::text from pg_inherits p where p.inhrelid = c.oid
        ) end,
        case when not i.indisvalid then 'invalid' end,
        case when i.indisclustered then 'clustered' end,
        case when i.indisreplident then 'replica identity' end,
        case when i.indexprs is not null then (
            select string_agg(format('statistics of column %s: %s', a.attnum, a.attstattarget), E'\n' order by a.attnum)
            from pg_attribute a where a.attrelid = c.oid and a.attstattarget >= 0
        ) end
    ), null, null, null
from relation r
join pg_index i on i.indrelid = r.oid
join pg_class c on c.oid = i.indexrelid
join pg_namespace n on n.oid = c.relnamespace
left join pg_constraint k on k.conrelid = r.oid and k.conindid = c.oid and k.contype in ('p', 'u', 'x')
