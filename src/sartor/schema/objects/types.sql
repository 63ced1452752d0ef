-- Types, domains and collations. An enum's labels may be added anywhere: their order is an object of its own.
select 'pg_type'::regclass, t.oid, 0, case t.typtype when 'd' then 'domain' else 'type' end,
    format('%I.%I', s.nspname, t.typname), '',
    case t.typtype
        when 'c' then 'composite'
        when 'e' then concat_ws(E'\n', 'enum', (
            select string_agg(quote_literal(e.enumlabel), E'\n' order by e.enumlabel)
            from pg_enum e where e.enumtypid = t.oid
        ))
        when 'd' then concat_ws(' ',
            format_type(t.typbasetype, t.typtypmod),
            case when t.typcollation <> b.typcollation then 'collate ' || t.typcollation::regcollation::text end,
            case when t.typnotnull then 'not null' end,
            'default ' || coalesce(pg_get_expr(t.typdefaultbin, 0), t.typdefault)
        )
        when 'r' then (
            select concat_ws(E'\n',
                'range of ' || format_type(g.rngsubtype, null),
                'collate ' || nullif(g.rngcollation, 0)::regcollation::text,
                'operator class ' || (
                    select format('%I.%I', n.nspname, o.opcname)
                    from pg_opclass o join pg_namespace n on n.oid = o.opcnamespace where o.oid = g.rngsubopc
                ),
                'multirange ' || g.rngmultitypid::regtype::text,
                'canonical ' || nullif(g.rngcanonical, 0)::regproc::text,
                'difference ' || nullif(g.rngsubdiff, 0)::regproc::text
            ) from pg_range g where g.rngtypid = t.oid
        )
        else jsonb_pretty(
            to_jsonb(t) - '{oid,typname,typnamespace,typowner,typacl,typrelid,typarray,typelem,typcollation,
                typdefaultbin}'::text[]
            || jsonb_build_object('typelem', format_type(nullif(t.typelem, 0), null),
                'typcollation', nullif(t.typcollation, 0)::regcollation)
        )
    end, t.typowner, 'T', t.typacl
from listed l
cross join lateral (select * from pg_type t where t.oid = l.objid offset 0) t
join covered s on s.oid = t.typnamespace
left join pg_type b on b.oid = t.typbasetype
where l.classid = 'pg_type'::regclass
    and (t.typtype in ('e', 'd', 'r') or t.typrelid in (select c.oid from found c where c.relkind = 'c')
        or t.typtype = 'b' and not exists (select from pg_type e where e.oid = t.typelem and e.typarray = t.oid))

union all
select null, null, 0, 'label order', format('%I.%I', s.nspname, t.typname),
    'type ' || format('%I.%I', s.nspname, t.typname),
    string_agg(quote_literal(e.enumlabel), E'\n' order by e.enumsortorder), null, null, null
from listed l
cross join lateral (select * from pg_type t where t.oid = l.objid and t.typtype = 'e' offset 0) t
join covered s on s.oid = t.typnamespace
join pg_enum e on e.enumtypid = t.oid
where l.classid = 'pg_type'::regclass and t.oid not in (select m.objid from member m where m.classid = 'pg_type'::regclass)
group by s.nspname, t.typname

union all
select 'pg_collation'::regclass, c.oid, 0, 'collation', format('%I.%I', s.nspname, c.collname), '',
    concat_ws(E'\n',
        case c.collprovider when 'c' then 'libc' when 'i' then 'icu' else 'builtin' end,
        -- A locale stands in another column in each of 14, 15 and 17.
        'locale ' || translate(
            coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale', c.collcollate),
            case c.collprovider when 'i' then '_' else '' end, '-'), -- as ICU's names have it since 16
        'ctype ' || case c.collprovider when 'c' then c.collctype end,
        'rules ' || c.collicurules, -- since 16
        case when not c.collisdeterministic then 'not deterministic' end
    ), c.collowner, null, null
from listed l join pg_collation c on c.oid = l.objid join covered s on s.oid = c.collnamespace
where l.classid = 'pg_collation'::regclass
