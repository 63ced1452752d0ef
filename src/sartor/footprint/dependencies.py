"""Reads from the catalogue what ties a database's relations to each other, and the code that runs with them."""

from collections.abc import Iterable, Mapping
from typing import Any

from sartor.domain.affected_tables import Contents, Dependencies, ForeignKey
from sartor.footprint.footprint import Relations
from sartor.postgres.catalog import FIRST_OF_USERS, FULL_NAME, IS_OWN, SHORT_NAME, USERS_RELATIONS, in_extension
from sartor.postgres.driver.connection import Connection
from sartor.sql.changes import called_in, computes_only

_RELATIONS = f"""
select c.oid::int8 as oid, c.relkind::text as kind, n.nspname::text as schema, c.relname::text as bare,
    {FULL_NAME} as full, {SHORT_NAME} as name, {in_extension("c.oid")} as extensions, {IS_OWN} as own
from {USERS_RELATIONS} where c.relkind in ('r', 'p', 'm', 'v', 'f')
"""
_FOREIGN_KEYS = """
select conrelid::int8 as table, confrelid::int8 as references, confdeltype in ('c', 'n', 'd')
    or confupdtype in ('c', 'n', 'd') as passes_on
from pg_catalog.pg_constraint where contype = 'f'
"""
_PARTS = "select inhparent::int8 as whole, inhrelid::int8 as part from pg_catalog.pg_inherits"
_FUNCTIONS = f"""
select p.oid::int8 as oid, p.proname::text as name, l.lanname::text as language, p.prosrc as body
from pg_catalog.pg_proc p join pg_catalog.pg_language l on l.oid = p.prolang
where p.oid >= {FIRST_OF_USERS} and l.lanname not in ('internal', 'c') and p.provolatile = 'v'
"""
"""Selects the functions that may change something; one declared stable or immutable may not."""
# The triggers of constraints are Postgres's own, except those of a constraint trigger. None of Postgres's own trigger
# functions changes another table.
_REACTING = f"""
select t.tgrelid::int8 as oid, 'trigger ' || t.tgname || ' of ' as what from pg_catalog.pg_trigger t
left join pg_catalog.pg_constraint k on k.oid = t.tgconstraint
where (t.tgconstraint = 0 or k.contype = 't') and t.tgfoid >= {FIRST_OF_USERS} and t.tgfoid::int8 <> all ($2::int8[])
union all
select ev_class::int8, 'rule ' || rulename || ' of ' from pg_catalog.pg_rewrite where ev_type <> '1'
union all
select coalesce(a.adrelid, k.conrelid, p.polrelid)::int8,
    'function ' || f.proname || ', called by a default, a check or a policy of '
from pg_catalog.pg_proc f
join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_proc'::regclass and d.refobjid = f.oid
left join pg_catalog.pg_attrdef a on d.classid = 'pg_catalog.pg_attrdef'::regclass and a.oid = d.objid
left join pg_catalog.pg_constraint k on d.classid = 'pg_catalog.pg_constraint'::regclass and k.oid = d.objid
left join pg_catalog.pg_policy p on d.classid = 'pg_catalog.pg_policy'::regclass and p.oid = d.objid
where f.oid::int8 = any ($1::int8[]) and coalesce(a.adrelid, k.conrelid, p.polrelid) is not null
order by 2
"""
_ASKED = """
select r.ev_class::int8 as oid, 'function ' || f.proname || ', called by ' as what
from pg_catalog.pg_proc f
join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_proc'::regclass and d.refobjid = f.oid
join pg_catalog.pg_rewrite r on d.classid = 'pg_catalog.pg_rewrite'::regclass and r.oid = d.objid
where f.oid::int8 = any ($1::int8[]) and r.ev_type = '1'
order by 2
"""
_ALARMS = "select evtname::text as name from pg_catalog.pg_event_trigger where evtenabled <> 'D' order by 1"
_BODIES = f"""
select case when p.prosqlbody is null then p.prosrc else pg_catalog.pg_get_function_sqlbody(p.oid) end as body
from pg_catalog.pg_proc p join pg_catalog.pg_language l on l.oid = p.prolang
where p.proname = any($1::text[]) and p.oid >= {FIRST_OF_USERS} and p.provolatile = 'v' and p.prokind in ('f', 'p')
    and l.lanname not in ('c', 'internal')
"""


async def read_contents(connection: Connection, schema: str, *, held: str | None) -> Contents:
    """Returns what a database has, named as in a rehearsal of a destination in `schema`.

    Sartor's own tables and those of extensions are left out; with `held`, those of every schema but `held` too.
    """
    rows = await connection.fetch(_RELATIONS, schema)
    mine = [row for row in rows if not row["extensions"] and not row["own"] and held in {None, row["schema"]}]
    return Contents(
        tables={row["full"]: row["name"] for row in mine if row["kind"] == "r"},
        views=frozenset(row["full"] for row in mine if row["kind"] == "m"),
        alarms=tuple(row["name"] for row in await connection.fetch(_ALARMS)),
        dependencies=await _read(connection, {row["oid"]: row["name"] for row in rows}),
    )


async def read_dependencies(connection: Connection, schema: str, known: Relations) -> Dependencies:
    """Returns the ties of a database's relations; relations that were `known` before keep their earlier names."""
    rows = await connection.fetch(_RELATIONS, schema)
    return await _read(
        connection, {row["oid"]: known[row["oid"]].name if row["oid"] in known else row["name"] for row in rows}
    )


async def _read(connection: Connection, names: Mapping[int, str]) -> Dependencies:
    keys = await connection.fetch(_FOREIGN_KEYS)
    parts = await connection.fetch(_PARTS)
    functions = await connection.fetch(_FUNCTIONS)
    named = {row["name"] for row in functions}
    quiet = {row["oid"] for row in functions if row["language"] == "plpgsql" and computes_only(row["body"], named)}
    acting = {row["oid"]: row["name"] for row in functions if row["oid"] not in quiet}
    return Dependencies(
        foreign_keys=frozenset(
            ForeignKey(names[row["table"]], names[row["references"]], row["passes_on"])
            for row in keys
            if row["table"] in names and row["references"] in names
        ),
        parts=frozenset(
            (names[row["whole"]], names[row["part"]]) for row in parts if row["whole"] in names and row["part"] in names
        ),
        reacting=_said(await connection.fetch(_REACTING, list(acting), list(quiet)), names),
        asked=_said(await connection.fetch(_ASKED, list(acting)), names),
        functions=frozenset(acting.values()),
    )


def _said(rows: Iterable[Any], names: Mapping[int, str]) -> dict[str, str]:
    return {names[row["oid"]]: row["what"] + names[row["oid"]] for row in rows if row["oid"] in names}


async def bodies(connection: Connection, query: str) -> list[str]:
    """Returns the bodies of the routines that a statement or a block calls by name."""
    names = called_in(query)
    rows = await connection.fetch(_BODIES, sorted(names)) if names else []
    return [row["body"] for row in rows]


async def all_bodies(connection: Connection, query: str) -> list[str]:
    """Returns the bodies of the routines that a statement or a block calls by name, and of those that these call."""
    found: dict[str, None] = {}
    ahead = await bodies(connection, query)
    while ahead:
        body = ahead.pop()
        if body not in found:
            found[body] = None
            ahead += await bodies(connection, body)
    return list(found)
