-- Text search: configurations, dictionaries, parsers, templates.
select 'pg_ts_config'::regclass, c.oid, 0, 'text search configuration', format('%I.%I', s.nspname, c.cfgname), '',
    concat_ws(E'\n',
        'parser ' || (
            select format('%I.%I', n.nspname, p.prsname)
            from pg_ts_parser p join pg_namespace n on n.oid = p.prsnamespace where p.oid = c.cfgparser
        ),
        (
            select string_agg(x.line, E'\n' order by x.line collate "C") from (
                select t.alias || ': ' || string_agg(m.mapdict::regdictionary::text, ', ' order by m.mapseqno) as line
                from pg_ts_config_map m join ts_token_type(c.cfgparser) t on t.tokid = m.maptokentype
                where m.mapcfg = c.oid
                group by t.alias
            ) x
        )
    ), c.cfgowner, null::"char", null::aclitem[]
from listed l join pg_ts_config c on c.oid = l.objid join covered s on s.oid = c.cfgnamespace
where l.classid = 'pg_ts_config'::regclass

union all
select 'pg_ts_dict'::regclass, d.oid, 0, 'text search dictionary', format('%I.%I', s.nspname, d.dictname), '',
    concat_ws(E'\n',
        'template ' || (
            select format('%I.%I', n.nspname, t.tmplname)
            from pg_ts_template t join pg_namespace n on n.oid = t.tmplnamespace where t.oid = d.dicttemplate
        ),
        d.dictinitoption
    ), d.dictowner, null, null
from listed l join pg_ts_dict d on d.oid = l.objid join covered s on s.oid = d.dictnamespace
where l.classid = 'pg_ts_dict'::regclass

union all
select 'pg_ts_parser'::regclass, p.oid, 0, 'text search parser', format('%I.%I', s.nspname, p.prsname), '',
    jsonb_pretty(to_jsonb(p) - '{oid,prsname,prsnamespace}'::text[]), null, null, null
from listed l join pg_ts_parser p on p.oid = l.objid join covered s on s.oid = p.prsnamespace
where l.classid = 'pg_ts_parser'::regclass

union all
select 'pg_ts_template'::regclass, t.oid, 0, 'text search template', format('%I.%I', s.nspname, t.tmplname), '',
    jsonb_pretty(to_jsonb(t) - '{oid,tmplname,tmplnamespace}'::text[]), null, null, null
from listed l join pg_ts_template t on t.oid = l.objid join covered s on s.oid = t.tmplnamespace
where l.classid = 'pg_ts_template'::regclass
