-- Statistics over several columns.
select 'pg_statistic_ext'::regclass, x.oid, 0, 'statistics', format('%I.%I', s.nspname, x.stxname),
    r.kind || ' ' || r.name,
    concat_ws(E'\n',
        pg_get_statisticsobjdef(x.oid),
        case when x.stxstattarget >= 0 then 'statistics ' || x.stxstattarget end
    ), x.stxowner, null, null
from listed l
cross join lateral (select * from pg_statistic_ext x where x.oid = l.objid offset 0) x
join covered s on s.oid = x.stxnamespace
join relation r on r.oid = x.stxrelid
where l.classid = 'pg_statistic_ext'::regclass
