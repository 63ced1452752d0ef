-- What the fingerprint is made of: the objects, and who owns each, who may use it, what is said of it.
select o.kind, o.name, o.parent, o.definition
from objects o where o.definition <> ''

union all
select 'owner', o.kind || ' ' || o.name, o.kind || ' ' || o.name, pg_get_userbyid(o.owner)::text
from objects o where o.sub = 0 and o.definition <> '' and o.owner is not null

union all
select 'tablespace', x.kind || ' ' || x.name, x.parent, t.spcname::text
from (
    select r.kind, r.name, r.kind || ' ' || r.name as parent, r.reltablespace
    from relation r where r.reltablespace <> 0
    union all
    select 'index', format('%I.%I', n.nspname, c.relname), r.kind || ' ' || r.name, c.reltablespace
    from relation r join pg_index i on i.indrelid = r.oid join pg_class c on c.oid = i.indexrelid
    join pg_namespace n on n.oid = c.relnamespace
    where c.reltablespace <> 0
) x join pg_tablespace t on t.oid = x.reltablespace

union all
select 'grant', o.kind || ' ' || o.name || ' to ' || g.grantee,
    case when o.definition <> '' then o.kind || ' ' || o.name else o.parent end, coalesce(g.given, 'nothing')
from objects o
cross join lateral (
    select case x.grantee when 0 then 'public' when o.owner then 'its owner'
            else quote_ident(pg_get_userbyid(x.grantee)) end as grantee,
        string_agg(distinct x.privilege, ', ' order by x.privilege) filter (where x.present) as given,
        string_agg(distinct x.privilege, ', ' order by x.privilege) filter (where not x.present) as standard
    from (
        select a.grantee, true as present,
            lower(a.privilege_type) || case when a.is_grantable then ' with grant option' else '' end
                collate "C" as privilege
        from aclexplode(o.acl) a
        union all
        select a.grantee, false, lower(a.privilege_type) collate "C"
        from aclexplode(acldefault(o.acl_type, o.owner)) a
    ) x
    group by x.grantee
) g
where o.acl is not null and g.given is distinct from g.standard

union all
select 'comment', o.kind || ' ' || o.name,
    case when o.definition <> '' then o.kind || ' ' || o.name else o.parent end, d.description
from objects o
cross join lateral (
    select d.description from pg_description d
    where d.classoid = o.class and d.objoid = o.oid and d.objsubid = o.sub
    offset 0 -- looked for by its index: most are of other schemas
) d
