-- Schemas, tables, views and sequences.
select 'pg_namespace'::regclass::oid as class, s.oid, 0 as sub, 'schema' as kind, quote_ident(s.nspname) as name,
    '' as parent, 'schema' as definition, s.nspowner as owner, 'n'::"char" as acl_type, s.nspacl as acl
from covered s

union all
select 'pg_class'::regclass, r.oid, 0, r.kind, r.name, '',
    concat_ws(E'\n',
        case r.relpersistence when 'u' then 'unlogged ' else '' end || r.kind,
        'of ' || nullif(r.reloftype, 0)::regtype::text,
        'inherits ' || (
            select string_agg(i.inhparent::regclass::text, ', ' order by i.inhseqno)
            from pg_inherits i where i.inhrelid = r.oid
        ),
        pg_get_expr(r.relpartbound, r.oid),
        case when r.relkind = 'p' then 'partition by ' || pg_get_partkeydef(r.oid) end,
        'using ' || (select m.amname from pg_am m where m.oid = r.relam and m.amname <> 'heap'),
        'server ' || (select format('%I', f.srvname) from pg_foreign_server f where f.oid = t.ftserver),
        'options (' || (select string_agg(o, ', ' order by o collate "C") from unnest(t.ftoptions) o) || ')',
        case when r.reloptions is not null then 'with (' || (
            select string_agg(o, ', ' order by o collate "C") from unnest(r.reloptions) o
        ) || ')' end,
        'toast with (' || (
            select (select string_agg(o, ', ' order by o collate "C") from unnest(c.reloptions) o) from pg_class c
            where c.oid = r.reltoastrelid and c.reloptions is not null
        ) || ')',
        case when r.relrowsecurity then 'row level security' end,
        case when r.relforcerowsecurity then 'row level security for the owner too' end,
        case r.relreplident when 'f' then 'replica identity full' when 'i' then 'replica identity index'
            when 'n' then case when r.relkind in ('r', 'p') then 'replica identity nothing' end end,
        case when r.relkind in ('v', 'm') then pg_get_viewdef(r.oid) end
    ), r.relowner, 'r', r.relacl
from relation r left join pg_foreign_table t on t.ftrelid = r.oid
where r.relkind in ('r', 'p', 'v', 'm', 'f')

union all
select 'pg_class'::regclass, r.oid, 0, r.kind, r.name, coalesce('column ' || o.name, ''),
    concat_ws(E'\n',
        case r.relpersistence when 'u' then 'unlogged' end,
        'as ' || format_type(s.seqtypid, null),
        format('start %s increment %s minimum %s maximum %s cache %s', s.seqstart, s.seqincrement, s.seqmin, s.seqmax,
            s.seqcache),
        case when s.seqcycle then 'cycle' end,
        case o.deptype when 'i' then 'identity of ' else 'owned by ' end || o.name
    ), r.relowner, 's', r.relacl
from relation r
join pg_sequence s on s.seqrelid = r.oid
left join lateral (
    select d.deptype, d.refobjid::regclass::text || '.' || quote_ident(a.attname) as name
    from pg_depend d join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    where d.classid = 'pg_class'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
        and d.deptype in ('a', 'i')
    limit 1 -- there is one; said so, it is looked for by its index
) o on true
