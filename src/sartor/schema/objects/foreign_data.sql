-- Foreign data: wrappers, servers and who has a mapping to one. A mapping's options are secrets, and stay out.
select 'pg_foreign_data_wrapper'::regclass, w.oid, 0, 'foreign-data wrapper', quote_ident(w.fdwname), '',
    concat_ws(E'\n',
        'wrapper',
        'handler ' || nullif(w.fdwhandler, 0)::regproc::text,
        'validator ' || nullif(w.fdwvalidator, 0)::regproc::text,
        'options (' || (select string_agg(o, ', ' order by o collate "C") from unnest(w.fdwoptions) o) || ')'
    ), w.fdwowner, 'F'::"char", w.fdwacl
from pg_foreign_data_wrapper w
where $2::bool

union all
select 'pg_foreign_server'::regclass, f.oid, 0, 'server', quote_ident(f.srvname), '',
    concat_ws(E'\n',
        'wrapper ' || (select format('%I', w.fdwname) from pg_foreign_data_wrapper w where w.oid = f.srvfdw),
        'type ' || f.srvtype,
        'version ' || f.srvversion,
        'options (' || (select string_agg(o, ', ' order by o collate "C") from unnest(f.srvoptions) o) || ')'
    ), f.srvowner, 'S', f.srvacl
from pg_foreign_server f
where $2::bool

union all
select null, null, 0, 'user mapping', format('%I on %I', u.usename, u.srvname), 'server ' || quote_ident(u.srvname),
    'user mapping', null, null, null
from pg_user_mappings u
where $2::bool
