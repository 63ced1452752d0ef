-- Constraints of domains.
select 'pg_constraint'::regclass, c.oid, 0, 'constraint', c.contypid::regtype::text || '.' || quote_ident(c.conname),
    'domain ' || c.contypid::regtype::text, pg_get_constraintdef(c.oid), null, null, null
from listed l
cross join lateral (select * from pg_constraint c where c.contypid = l.objid offset 0) c
where l.classid = 'pg_type'::regclass and c.contype = 'c' -- 17 has one for NOT NULL too, which the domain says
    and c.contypid not in (select m.objid from member m where m.classid = 'pg_type'::regclass)
