-- Functions, procedures and aggregates.
select 'pg_proc'::regclass, p.oid, 0,
    case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end,
    p.oid::regprocedure::text, '',
    case p.prokind when 'a' then (
        select concat_ws(E'\n',
            'returns ' || pg_get_function_result(p.oid),
            'parallel ' || p.proparallel::text,
            'state ' || format_type(a.aggtranstype, null),
            'moving state ' || format_type(nullif(a.aggmtranstype, 0), null),
            'sort operator ' || nullif(a.aggsortop, 0)::regoperator::text,
            jsonb_pretty(to_jsonb(a) - '{aggfnoid,aggtranstype,aggmtranstype,aggsortop}'::text[])
        ) from pg_aggregate a where a.aggfnoid = p.oid
    ) else pg_get_functiondef(p.oid) end,
    p.proowner, 'f', p.proacl
from listed l
cross join lateral (select * from pg_proc p where p.oid = l.objid offset 0) p
join covered s on s.oid = p.pronamespace
where l.classid = 'pg_proc'::regclass
    and p.oid not in (select m.objid from member m where m.classid = 'pg_proc'::regclass) -- a thousand texts, maybe
