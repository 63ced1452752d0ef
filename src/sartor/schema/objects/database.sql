-- What belongs to the database and to no schema of it; and default privileges, which may belong to a schema.
select 'pg_extension'::regclass, e.oid, 0, 'extension', quote_ident(e.extname), '',
    'in schema ' || e.extnamespace::regnamespace::text, e.extowner, null::"char", null::aclitem[]
from pg_extension e
where $2::bool or e.extnamespace in (select s.oid from covered s)

union all
select null, null, 0, 'extension version', quote_ident(e.extname), 'extension ' || quote_ident(e.extname), e.extversion,
    null, null, null
from pg_extension e
where $2::bool or e.extnamespace in (select s.oid from covered s)

union all
select 'pg_default_acl'::regclass, d.oid, 0, 'default privileges',
    concat_ws(' ', 'of ' || quote_ident(pg_get_userbyid(d.defaclrole)),
        'in schema ' || nullif(d.defaclnamespace, 0)::regnamespace::text,
        case d.defaclobjtype when 'r' then 'on tables' when 'S' then 'on sequences' when 'f' then 'on functions'
            when 'T' then 'on types' when 'n' then 'on schemas' else 'on large objects' end),
    '', null, d.defaclrole,
    case when d.defaclnamespace = 0 then case d.defaclobjtype when 'S' then 's' else d.defaclobjtype end end,
    d.defaclacl
from pg_default_acl d
where d.defaclnamespace in (select s.oid from covered s) or d.defaclnamespace = 0 and $2::bool

union all
select 'pg_event_trigger'::regclass, t.oid, 0, 'event trigger', quote_ident(t.evtname), '',
    concat_ws(E'\n',
        'on ' || t.evtevent,
        'when tag in (' || (select string_agg(g, ', ' order by g collate "C") from unnest(t.evttags) g) || ')',
        'execute ' || t.evtfoid::regprocedure::text,
        case t.evtenabled when 'D' then 'disabled' when 'R' then 'enabled on a replica'
            when 'A' then 'enabled always' end
    ), t.evtowner, null, null
from pg_event_trigger t
where $2::bool

union all
select 'pg_publication'::regclass, p.oid, 0, 'publication', quote_ident(p.pubname), '',
    concat_ws(E'\n',
        jsonb_pretty(to_jsonb(p) - array['oid', 'pubname', 'pubowner',
            case when to_jsonb(p) ->> 'pubgencols' = 'n' then 'pubgencols' end]), -- a default of 18's
        (
            select string_agg(x.line, E'\n' order by x.line collate "C") from (
                select 'table ' || r.prrelid::regclass::text
                    || coalesce(' columns ' || ( -- since 15
                        select string_agg(quote_ident(a.attname), ', ' order by a.attname) -- since 15
                        from pg_attribute a where a.attrelid = r.prrelid and a.attnum = any (r.prattrs) -- since 15
                    ), '') || coalesce(' where ' || pg_get_expr(r.prqual, r.prrelid), '') -- since 15
                    as line
                from pg_publication_rel r where r.prpubid = p.oid
                union all -- since 15
                select 'tables in schema ' || n.pnnspid::regnamespace::text -- since 15
                from pg_publication_namespace n where n.pnpubid = p.oid -- since 15
            ) x
        )
    ), p.pubowner, null, null
from pg_publication p
where $2::bool

union all
select 'pg_language'::regclass, l.oid, 0, 'language', quote_ident(l.lanname), '',
    concat_ws(E'\n',
        case when l.lanpltrusted then 'trusted' else 'not trusted' end,
        'handler ' || nullif(l.lanplcallfoid, 0)::regproc::text,
        'inline ' || nullif(l.laninline, 0)::regproc::text,
        'validator ' || nullif(l.lanvalidator, 0)::regproc::text
    ), l.lanowner, 'l', l.lanacl
from pg_language l
where $2::bool and l.lanispl

union all
select 'pg_transform'::regclass, t.oid, 0, 'transform',
    format('for %s language %I', format_type(t.trftype, null), l.lanname), '',
    concat_ws(E'\n',
        'from sql ' || nullif(t.trffromsql, 0)::regprocedure::text,
        'to sql ' || nullif(t.trftosql, 0)::regprocedure::text
    ), null, null, null
from pg_transform t join pg_language l on l.oid = t.trflang
where $2::bool

union all
select 'pg_am'::regclass, a.oid, 0, 'access method', quote_ident(a.amname), '', a.amhandler::text, null, null, null
from pg_am a
where $2::bool and a.oid >= 16384

union all
select null, null, 0, 'settings', coalesce('role ' || quote_ident(r.rolname), 'database'), '',
    (select string_agg(o, E'\n' order by o collate "C") from unnest(s.setconfig) o), null, null, null
from pg_db_role_setting s
join pg_database d on d.oid = s.setdatabase and d.datname = current_database()
left join pg_roles r on r.oid = s.setrole
where $2::bool
