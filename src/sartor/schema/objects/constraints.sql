-- Constraints of tables. That a column isn't null, the column says. A foreign key's copies for partitions
-- follow from it, under names of the server's.
select 'pg_constraint'::regclass, c.oid, 0, 'constraint', r.name || '.' || quote_ident(c.conname),
    r.kind || ' ' || r.name,
    concat_ws(E'\n',
        pg_get_constraintdef(c.oid),
        case when not c.conislocal and not r.relispartition then 'inherited' end,
        case when c.contype = 'f' and exists (
            select from pg_trigger t
            where t.tgrelid = c.conrelid and t.tgconstraint = c.oid and t.tgisinternal and t.tgenabled <> 'O'
        ) then 'its triggers disabled' end
    ), null, null, null
from relation r join pg_constraint c on c.conrelid = r.oid
where c.contype not in ('n', 't') and (c.contype <> 'f' or c.conparentid = 0)
