"""Gives other roles' objects back to them, as soon as they are created, in a copy that a superuser makes.

Postgres builds indexes and refreshes views as their owners, so that no role's code gets the rights of the role that
builds or refreshes. In a copy without owners it would. A function that a check calls while rows are copied would have
the rights of the role that copies: so during the copy, other roles' routines run as their owners, and can't regain the
caller's rights.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from sartor.postgres.catalog import FIRST_OF_USERS, FULL_NAME, USERS_RELATIONS, in_extension
from sartor.postgres.driver.connection import Connection

NOBODY = "pg_database_owner"
"""A role of every server without rights of its own; it gets the objects of roles that the server lacks."""
GUARD = "sartor_guard"
IS_SUPERUSER = "select rolsuper from pg_catalog.pg_roles where rolname = current_user"
_OWNED = f"""
with o as (
    select 'pg_catalog.pg_proc'::pg_catalog.regclass as class, oid, proowner as owner, not prosecdef as invoker
    from pg_catalog.pg_proc where prokind <> 'a'
    union all
    select 'pg_catalog.pg_namespace'::pg_catalog.regclass, oid, nspowner, false from pg_catalog.pg_namespace
    union all
    select 'pg_catalog.pg_class'::pg_catalog.regclass, oid, relowner, false from pg_catalog.pg_class c
    where relkind in ('r', 'p', 'v', 'm', 'f') or relkind = 'S' and not exists (select from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'i')
)
select i.identity, o.class = 'pg_catalog.pg_proc'::pg_catalog.regclass as routine, r.rolname::text as owner, o.invoker
from o join pg_catalog.pg_roles r on r.oid = o.owner, pg_catalog.pg_identify_object(o.class, o.oid, 0) i
where o.oid >= {FIRST_OF_USERS} and not pg_catalog.pg_has_role(r.oid, current_user::pg_catalog.name, 'member')
    and not {in_extension("o.oid", classid="o.class")}
    and i.identity is not null and i.identity !~ '^"?pg_(toast|temp)'
"""
"""Selects the objects of roles that aren't members of the session's own role, and so couldn't become it anyway."""
_GUARD = f"""
create schema {GUARD};
create table {GUARD}.owned (
    identity text, routine boolean, owner text, invoker boolean, primary key (identity, routine)
);
create function {GUARD}.watch() returns event_trigger language plpgsql set search_path = pg_catalog, pg_temp as $guard$
declare
    made record;
    known record;
begin
    for made in select object_type, object_identity from pg_event_trigger_ddl_commands() loop
        select o.owner into known from {GUARD}.owned o
            where o.identity = made.object_identity and o.routine = made.object_type in ('function', 'procedure');
        if not found then continue; end if;
        if made.object_type in ('function', 'procedure') then
            execute 'alter routine ' || made.object_identity || ' security definer';
        end if;
        execute format('alter %s %s owner to %I', made.object_type, made.object_identity, known.owner);
    end loop;
end $guard$;
"""
_WATCH = f"""
create event trigger {GUARD} on ddl_command_end when tag in ('CREATE FUNCTION', 'CREATE PROCEDURE', 'CREATE SCHEMA',
    'CREATE TABLE', 'CREATE VIEW', 'CREATE MATERIALIZED VIEW', 'CREATE SEQUENCE', 'CREATE FOREIGN TABLE')
execute function {GUARD}.watch()
"""
_DEFINERS = """
select i.identity from pg_catalog.pg_proc p,
    pg_catalog.pg_identify_object('pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, 0) i
where p.prosecdef and p.prokind <> 'a' and i.identity = any($1::text[])
"""
_UNSAFE = f"""
select {FULL_NAME} as name
from {USERS_RELATIONS}
where not pg_catalog.pg_has_role(c.relowner, current_user::pg_catalog.name, 'member')
    and (c.relkind = 'm' and $1 or c.relkind = 'r' and exists (
        select from pg_catalog.pg_constraint k,
            pg_catalog.regexp_matches(k.conbin::text, ':(?:op)?funcid ([0-9]+)', 'g') m,
            pg_catalog.pg_proc p
        where k.contype = 'c' and p.oid = m[1]::pg_catalog.oid and p.provolatile = 'v'
            and pg_catalog.pg_has_role(p.proowner, current_user::pg_catalog.name, 'member')
            and (k.conrelid = c.oid or k.contypid in (
                select a.atttypid from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0))))
order by 1
"""
"""Selects strangers' relations whose rows can't be copied without running another role's code with its rights.

These are materialized views, and tables with checks that call volatile functions, which might write a file.
"""


class Owned(NamedTuple):
    """An object of another role; `invoker` marks a `routine` that runs with the rights of its caller."""

    identity: str
    routine: bool
    owner: str
    invoker: bool


async def read_foreign_owners(live: Connection) -> list[Owned]:
    """Returns the objects of roles other than the session's role and those that could become it."""
    return [Owned(*row) for row in await live.fetch(_OWNED)]


async def read_unsafe(live: Connection, *, views: bool) -> list[str]:
    """Returns strangers' relations whose rows mustn't be copied, as SQL names; with `views`, materialized views too."""
    return [row["name"] for row in await live.fetch(_UNSAFE, views)]


@asynccontextmanager
async def kept_by_owners(clone: Connection, strangers: Sequence[Owned]) -> AsyncIterator[bool]:
    """Gives strangers their objects as soon as a superuser creates them in `clone`, within the block; yields True.

    Yields False, and does nothing, where there are none, or the session's role is no superuser and can't give them.
    """
    if not strangers or not await clone.fetchval(IS_SUPERUSER):
        yield False
        return
    there = {row["rolname"] for row in await clone.fetch("select rolname::text from pg_catalog.pg_roles")}
    rows = [each if each.owner in there else each._replace(owner=NOBODY) for each in strangers]
    await clone.execute(_GUARD)
    await clone.copy_records_to_table("owned", schema_name=GUARD, records=rows)
    await clone.execute(_WATCH)
    try:
        yield True
    finally:
        await clone.execute(f"drop event trigger {GUARD}")
        # Again with the rights of their caller, as in the original.
        callers = [each.identity for each in strangers if each.invoker and each.owner in there]
        for row in await clone.fetch(_DEFINERS, callers):
            await clone.execute(f"alter routine {row['identity']} security invoker")
        await clone.execute(f"drop schema {GUARD} cascade")
