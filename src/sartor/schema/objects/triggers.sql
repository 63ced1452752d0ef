-- Triggers, rules and policies. On 14 a trigger's copies for partitions count as internal, as a foreign key's do.
select 'pg_trigger'::regclass, t.oid, 0, 'trigger', r.name || '.' || quote_ident(t.tgname), r.kind || ' ' || r.name,
    concat_ws(E'\n',
        pg_get_triggerdef(t.oid),
        case t.tgenabled when 'D' then 'disabled' when 'R' then 'enabled on a replica'
            when 'A' then 'enabled always' end
    ), null, null, null
from relation r join pg_trigger t on t.tgrelid = r.oid
where not t.tgisinternal or t.tgparentid <> 0 and t.tgconstraint = 0

union all
select 'pg_rewrite'::regclass, w.oid, 0, 'rule', r.name || '.' || quote_ident(w.rulename), r.kind || ' ' || r.name,
    concat_ws(E'\n',
        pg_get_ruledef(w.oid),
        case w.ev_enabled when 'D' then 'disabled' when 'R' then 'enabled on a replica'
            when 'A' then 'enabled always' end
    ), null, null, null
from relation r join pg_rewrite w on w.ev_class = r.oid
where w.rulename <> '_RETURN'

union all
select 'pg_policy'::regclass, p.oid, 0, 'policy', r.name || '.' || quote_ident(p.polname), r.kind || ' ' || r.name,
    concat_ws(E'\n',
        case when p.polpermissive then 'permissive' else 'restrictive' end,
        case p.polcmd when 'r' then 'for select' when 'a' then 'for insert' when 'w' then 'for update'
            when 'd' then 'for delete' else 'for all' end,
        'to ' || (
            select string_agg(x.role, ', ' order by x.role collate "C") from (
                select case o when 0 then 'public' else quote_ident(pg_get_userbyid(o)) end as role
                from unnest(p.polroles) o
            ) x
        ),
        'using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
        'with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'
    ), null, null, null
from relation r join pg_policy p on p.polrelid = r.oid
