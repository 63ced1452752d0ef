-- Operators, their classes and families; casts and conversions.
select 'pg_operator'::regclass, o.oid, 0, 'operator', o.oid::regoperator::text, '',
    concat_ws(E'\n',
        'function ' || o.oprcode::regprocedure::text,
        'commutator ' || nullif(o.oprcom, 0)::regoperator::text,
        'negator ' || nullif(o.oprnegate, 0)::regoperator::text,
        'restrict ' || nullif(o.oprrest, 0)::regproc::text,
        'join ' || nullif(o.oprjoin, 0)::regproc::text,
        case when o.oprcanhash then 'hashes' end,
        case when o.oprcanmerge then 'merges' end
    ), o.oprowner, null::"char", null::aclitem[]
from listed l join pg_operator o on o.oid = l.objid join covered s on s.oid = o.oprnamespace
where l.classid = 'pg_operator'::regclass and o.oprcode <> 0

union all
select 'pg_opclass'::regclass, o.oid, 0, 'operator class', format('%I.%I using %I', s.nspname, o.opcname, a.amname), '',
    concat_ws(E'\n',
        case when o.opcdefault then 'default ' else '' end || 'for ' || format_type(o.opcintype, null),
        'family ' || (
            select format('%I.%I', n.nspname, f.opfname)
            from pg_opfamily f join pg_namespace n on n.oid = f.opfnamespace where f.oid = o.opcfamily
        ),
        'storage ' || format_type(nullif(o.opckeytype, 0), null)
    ), o.opcowner, null, null
from listed l join pg_opclass o on o.oid = l.objid join covered s on s.oid = o.opcnamespace
join pg_am a on a.oid = o.opcmethod
where l.classid = 'pg_opclass'::regclass

union all
select 'pg_opfamily'::regclass, f.oid, 0, 'operator family', format('%I.%I using %I', s.nspname, f.opfname, a.amname),
    '',
    concat_ws(E'\n',
        'operator family',
        (
            select string_agg(x.line, E'\n' order by x.line collate "C") from (
                select format('operator %s %s', o.amopstrategy, o.amopopr::regoperator)
                    || case o.amoppurpose when 'o' then ' for order by' else '' end as line
                from pg_amop o where o.amopfamily = f.oid
            ) x
        ),
        (
            select string_agg(x.line, E'\n' order by x.line collate "C") from (
                select format('function %s (%s, %s) %s', p.amprocnum, format_type(p.amproclefttype, null),
                    format_type(p.amprocrighttype, null), p.amproc::regprocedure) as line
                from pg_amproc p where p.amprocfamily = f.oid
            ) x
        )
    ), f.opfowner, null, null
from listed l join pg_opfamily f on f.oid = l.objid join covered s on s.oid = f.opfnamespace
join pg_am a on a.oid = f.opfmethod
where l.classid = 'pg_opfamily'::regclass

union all
select 'pg_cast'::regclass, c.oid, 0, 'cast',
    format('(%s as %s)', format_type(c.castsource, null), format_type(c.casttarget, null)), '',
    concat_ws(E'\n',
        case c.castmethod when 'f' then 'function ' || c.castfunc::regprocedure::text when 'i' then 'with inout'
            else 'without function' end,
        case c.castcontext when 'a' then 'as assignment' when 'i' then 'as implicit' end
    ), null, null, null
from pg_cast c join pg_type f on f.oid = c.castsource join pg_type t on t.oid = c.casttarget
where c.oid >= 16384 -- the first number that isn't initdb's
    and ($2::bool or f.typnamespace in (select s.oid from covered s) or t.typnamespace in (select s.oid from covered s))

union all
select 'pg_conversion'::regclass, c.oid, 0, 'conversion', format('%I.%I', s.nspname, c.conname), '',
    concat_ws(E'\n',
        format('from %s to %s by %s', pg_encoding_to_char(c.conforencoding), pg_encoding_to_char(c.contoencoding),
            c.conproc),
        case when c.condefault then 'default' end
    ), c.conowner, null, null
from listed l join pg_conversion c on c.oid = l.objid join covered s on s.oid = c.connamespace
where l.classid = 'pg_conversion'::regclass
