"""Finds what a clone lacks of its source: compares the two catalogues, whatever any program has reported."""

from collections.abc import Collection, Sequence
from typing import Any

from sartor.domain.hazards.circumstances import Gap
from sartor.postgres.catalog import FIRST_OF_USERS, SHORT_NAME, USERS_RELATIONS, class_of, in_extension
from sartor.postgres.driver.connection import Connection
from sartor.postgres.errors import ServerError
from sartor.sql.quoting import quote_identifier

_ALONE = (
    "proc", "type", "operator", "cast", "opclass", "opfamily", "collation", "conversion", "am", "language", "ts_config",
    "ts_dict", "ts_parser", "ts_template", "foreign_data_wrapper", "foreign_server", "publication", "extension",
    "namespace",
)  # fmt: skip
"""The catalogues of objects that belong to no relation; without `pg_`."""
_OF_TYPES = """
    and (c.typtype in ('e', 'd', 'r', 'b') or exists (select from pg_catalog.pg_class r where r.oid = c.typrelid
        and r.relkind = 'c')) and c.typcategory <> 'A'
"""


def _alone(catalogue: str) -> str:
    classid = class_of(f"pg_{catalogue}")
    return f"""
        select o.type || ' ' || o.identity as what, null::text as relation
        from pg_catalog.pg_{catalogue} c, pg_catalog.pg_identify_object({classid}, c.oid, 0) o
        where c.oid >= {FIRST_OF_USERS} and o.identity is not null and o.identity !~ '^"?pg_(toast|temp)'
            and not {in_extension("c.oid", classid=classid)}
            {_OF_TYPES if catalogue == "type" else ""}
    """


_RELATED = f"""
with r as materialized (
    select c.oid, c.relkind, c.reltablespace,
        {SHORT_NAME} as name,
        case c.relkind when 'i' then 'index' when 'I' then 'index' when 'S' then 'sequence' when 'v' then 'view'
            when 'm' then 'materialized view' when 'f' then 'foreign table' else 'table' end as kind
    from {USERS_RELATIONS}
    where c.relkind in ('r', 'p', 'm', 'v', 'f', 'S', 'i', 'I') and not {in_extension("c.oid")}
)
select kind || ' ' || name as what, name as relation from r where relkind not in ('i', 'I')
union all
select 'index ' || r.name || ' of ' || t.name, t.name
    from r join pg_catalog.pg_index i on i.indexrelid = r.oid join r t on t.oid = i.indrelid
union all
-- Whatever a view reads can't be changed as if there were no view.
select distinct r.kind || ' ' || r.name, t.name
    from r join pg_catalog.pg_rewrite w on w.ev_class = r.oid
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = w.oid
        and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid <> r.oid
    join r t on t.oid = d.refobjid where r.relkind in ('v', 'm')
union all
select r.kind || ' ' || r.name, t.name
    from pg_catalog.pg_inherits h join r on r.oid = h.inhrelid join r t on t.oid = h.inhparent
    where r.relkind not in ('i', 'I')
union all
select 'constraint ' || c.conname || coalesce(' of ' || r.name, ''), t.name
    from pg_catalog.pg_constraint c left join r on r.oid = c.conrelid
    -- Each as a row: for a condition on two columns, each constraint would be compared with each relation.
    cross join lateral pg_catalog.unnest(array[c.conrelid, nullif(c.confrelid, 0::oid)]) with ordinality o (oid, number)
    left join r t on t.oid = o.oid
    where c.oid >= {FIRST_OF_USERS} and c.contype <> 'n' and c.conparentid = 0
        and (r.oid is not null and t.oid is not null or c.contypid <> 0 and o.number = 1)
        and not {in_extension("c.contypid", classid=class_of("pg_type"))}
union all
select 'default of ' || r.name || '.' || a.attname, r.name
    from pg_catalog.pg_attrdef d join r on r.oid = d.adrelid
    join pg_catalog.pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
union all
select 'trigger ' || g.tgname || ' of ' || r.name, r.name
    from pg_catalog.pg_trigger g join r on r.oid = g.tgrelid where not g.tgisinternal
union all
select 'rule ' || w.rulename || ' of ' || r.name, r.name
    from pg_catalog.pg_rewrite w join r on r.oid = w.ev_class where w.rulename <> '_RETURN'
union all
select 'policy ' || p.polname || ' of ' || r.name, r.name
    from pg_catalog.pg_policy p join r on r.oid = p.polrelid
union all
select 'statistics ' || s.stxname || ' of ' || r.name, r.name
    from pg_catalog.pg_statistic_ext s join r on r.oid = s.stxrelid
union all
select 'table ' || r.name || ' in publication ' || b.pubname, r.name
    from pg_catalog.pg_publication_rel p join r on r.oid = p.prrelid
    join pg_catalog.pg_publication b on b.oid = p.prpubid
union all
select 'tablespace ' || s.spcname || ' of ' || r.name, coalesce(t.name, r.name)
    from r join pg_catalog.pg_tablespace s on s.oid = r.reltablespace
    left join pg_catalog.pg_index i on i.indexrelid = r.oid left join r t on t.oid = i.indrelid
union all
select 'event trigger ' || evtname, null from pg_catalog.pg_event_trigger e where evtenabled <> 'D'
    and not {in_extension("e.oid", classid=class_of("pg_event_trigger"))}
"""
_QUERY = "\nunion all\n".join((_RELATED, *map(_alone, _ALONE)))
_HOLDERS = f"""
select {SHORT_NAME} as name,
    n.nspname::text as schema, c.relname::text as relation,
    pg_catalog.pg_has_role(c.relowner, current_user::pg_catalog.name, 'member') as ours,
    pg_catalog.pg_relation_size(c.oid) as bytes
from {USERS_RELATIONS}
where c.relkind = 'r' or c.relkind = 'm' and c.relispopulated
order by n.nspname, c.relname
"""
AT_ONCE = 200
"""The number of tables that one query looks into."""


async def find_gaps(live: Connection, clone: Connection, schema: str, copied: Collection[str]) -> list[Gap]:
    """Finds what `clone` lacks of `live`; of the tables that were `copied`, rows too.

    Relations of `schema` are named without it.
    """
    there = [Gap(row["what"], row["relation"]) for row in await live.fetch(_QUERY, schema)]
    here = {row["what"] for row in await clone.fetch(_QUERY, schema)}
    lacks = list(dict.fromkeys(lack for lack in there if lack.what not in here))
    if copied:
        lost = set(copied) - await filled(clone, schema, unknown=False)
        missing = {lack.relation for lack in lacks if lack.what.startswith("table ")}
        lacks += [Gap(f"the rows of {name}", name) for name in sorted(lost - missing)]
    return lacks


async def filled(connection: Connection, schema: str, *, unknown: bool = True) -> frozenset[str]:
    """Returns the names of the tables and materialized views that have rows.

    Those where that can't be found out are among them where `unknown` is True. Even a look into a table fails where one
    of its indexes calls what Sartor's search path hides; and it runs what the index of another role's table calls, as
    the planner computes that. For other roles' tables the file's size decides.
    """
    every = await connection.fetch(_HOLDERS, schema)
    found: list[str] = [row["name"] for row in every if not row["ours"] and row["bytes"]]
    rows = [row for row in every if row["ours"]]
    for start in range(0, len(rows), AT_ONCE):
        found += await _filled(connection, rows[start : start + AT_ONCE], unknown=unknown)
    return frozenset(found)


async def _filled(connection: Connection, rows: Sequence[Any], *, unknown: bool) -> list[str]:
    looks = ", ".join(
        f"exists (select from only {quote_identifier(row['schema'])}.{quote_identifier(row['relation'])})"
        for row in rows
    )
    try:
        async with connection.transaction():
            found = await connection.fetchval(f"select array[{looks}]")
    except ServerError:
        if len(rows) == 1:
            return [row["name"] for row in rows if unknown]
        return [name for row in rows for name in await _filled(connection, [row], unknown=unknown)]
    return [row["name"] for row, there in zip(rows, found, strict=True) if there]
