"""A hostile neighbour: a role that may create in the schemas that others' search paths go through, and has used it.

Whatever of it is called by anyone leaves a trace that no rollback takes back, and fails.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

import sartor
from support.database import Database
from support.roles import temporary_role

SOURCES = (Path(sartor.__file__).parent, Path(asyncpg.__file__).parent)
"""Whose SQL it is after: Sartor's, and the driver's."""

_CAUGHT = r"""
create sequence public.calls;
grant usage on sequence public.calls to public;
create function public.caught(what pg_catalog.text) returns pg_catalog.bool language plpgsql
    set search_path = pg_catalog, pg_temp as $$
begin
    perform nextval('public.calls');
    raise exception 'CAUGHT % as %', what, current_user;
end $$;
"""

_COUNTED = """            made := made + 1;
        exception when others then
        end;
    end loop;
    perform set_config('neighbour.made', made::text, false);
end $do$
"""
"""What each of these ends with: what can't be made is passed over."""

# What can't be made, as some of the types are Postgres's own, is passed over: the number that could be is looked at.
_OVERLOADS = (
    r"""
do $do$
declare
    each record;
    pairs text[] := '{}';
    made int := 0;
begin
    for each in %(overloads)s loop
        begin
            if not each.pair = any (pairs) then
                execute format('create function %%s.evil_%%s (%%s) returns bool language plpgsql as '
                    '$$begin return public.caught(%%L); end$$', '%(schema)s', cardinality(pairs), each.arguments,
                    'an operator for ' || each.pair);
                pairs := pairs || each.pair;
            end if;
            execute format('create operator %%s.%%s (%%s, function = %%s.evil_%%s)', '%(schema)s', each.name,
                each.sides, '%(schema)s', array_position(pairs, each.pair) - 1);
"""
    + _COUNTED
)
_SIDES = """
    format('%s, %s', oprleft::regtype, oprright::regtype) as pair,
    concat_ws(', ', nullif(oprleft, 0)::regtype, oprright::regtype) as arguments,
    concat('leftarg = ' || nullif(oprleft, 0)::regtype || ', ', 'rightarg = ', oprright::regtype) as sides
"""

SAME = f"select oprname as name, {_SIDES} from pg_operator where oprnamespace = 'pg_catalog'::regnamespace"
"""Operators like Postgres's own: they win where the path says that they come first."""

CLOSER = f"""
with types (oid, of) as (
    values ('oid'::regtype, 'number'), ('int2', 'number'), ('int4', 'number'), ('int8', 'number'),
        ('numeric', 'number'), ('float8', 'number'), ('text', 'text'), ('name', 'text'), ('"char"', 'text'),
        ('varchar', 'text'), ('regclass', 'other'), ('xid', 'other')
), operators (name, of) as (
    select operator, array['number', 'text', 'other'] from unnest('{{=, <>, <, <=, >, >=}}'::text[]) operator
    union all select operator, array['number'] from unnest('{{+, -, *, /}}'::text[]) operator
    union all select operator, array['text'] from unnest('{{||, ~, !~, ~~}}'::text[]) operator
)
select o.name, {_SIDES.replace("oprleft", "l.oid").replace("oprright", "r.oid")}
from operators o join types l on l.of = any (o.of) join types r on r.of = any (o.of)
where not exists (select from pg_operator where oprname = o.name and oprleft = l.oid and oprright = r.oid)
"""
"""Operators for types that Postgres converts first: they win wherever they are on the path."""

_FUNCTIONS = (
    r"""
do $do$
declare
    each record;
    made int := 0;
begin
    for each in
        select proname as name, pg_get_function_identity_arguments(oid) as arguments from pg_proc
        where pronamespace = 'pg_catalog'::regnamespace and prokind <> 'p' and proname = any ($names$%(names)s$names$)
        union all
        select proname, repeat('text, ', n) || 'text' from pg_proc, generate_series(0, 3) n
        where provariadic = '"any"'::regtype and proname = any ($names$%(names)s$names$)
    loop
        begin
            execute format('create function public.%%I (%%s) returns bool language plpgsql as '
                '$$begin return public.caught(%%L); end$$', each.name, each.arguments, each.name);
"""
    + _COUNTED
)
_RELATIONS = r"""
do $do$
declare
    each record;
    made int := 0;
begin
    for each in
        select relname as name, string_agg(format('%%I', attname), ', ' order by attnum) as columns
        from pg_class join pg_attribute on attrelid = pg_class.oid and attnum > 0 and atttypid <> 'anyarray'::regtype
        where relnamespace = 'pg_catalog'::regnamespace and relkind in ('r', 'v')
            and relname = any ($names$%(names)s$names$) group by relname
    loop
        execute format('create view public.%%I as select %%s from pg_catalog.%%I where public.caught(%%L)',
            each.name, each.columns, each.name, each.name);
        made := made + 1;
    end loop;
    perform set_config('neighbour.made', made::text, false);
end $do$
"""
TYPES = ("text", "name", "int4", "int8", "bool", "float8", "oid", "regclass", "regtype", "xid", "jsonb", "timestamptz")

_OTHERS = [
    *(f"create domain public.{each} as pg_catalog.{each} check (public.caught('{each}'))" for each in TYPES),
    *(
        f"create table public.sartor_{each} (seq pg_catalog.int8 default public.caught('a default')::pg_catalog.int4)"
        for each in ("ledger", "journal", "fingerprint")
    ),
    "create type public.neighbours as enum ('good', 'bad')",
    *(
        f"create function public.cast_{number} ({one}) returns {other} language plpgsql as"
        f" $$begin perform public.caught('a cast'); return null; end$$;"
        f" create cast ({one} as {other}) with function public.cast_{number} ({one}) as implicit"
        for number, (one, other) in enumerate(
            pair
            for each in ("text", "name", "int4", "bool", "oid")
            for pair in ((f"pg_catalog.{each}", "public.neighbours"), ("public.neighbours", f"pg_catalog.{each}"))
        )
    ),
]


@dataclass(frozen=True)
class Neighbour:
    """What was made: how many operators of each sort, functions and views."""

    database: Database
    made: tuple[int, ...]

    @property
    def calls(self) -> int:
        """How often anything of it was called."""
        ((number, called),) = self.database.rows("select last_value, is_called from public.calls")
        return int(number) if called else 0


@contextmanager
def hostile_neighbour(database: Database, schema: str) -> Iterator[Neighbour]:
    """The time in which a database has one, whose things stand before Postgres's own wherever a path isn't pinned.

    `schema` is on the path of scripts; there is what wins wherever it stands, and in `public` what hides Postgres's.
    """
    called, named = names()
    with temporary_role(database) as role:
        database.run(f"grant usage, create on schema public, {schema} to {role.name}")
        theirs = Database(role.url, database.name)
        theirs.run("set search_path = pg_catalog, pg_temp", _CAUGHT)
        made = tuple(
            _make(theirs, text)
            for text in (
                _OVERLOADS % {"overloads": SAME, "schema": "public"},
                _OVERLOADS % {"overloads": CLOSER, "schema": schema},
                _FUNCTIONS % {"names": _array(called)},
                _RELATIONS % {"names": _array(named)},
            )
        )
        theirs.run("set search_path = pg_catalog, pg_temp", *_OTHERS)
        database.run(f"alter database {database.name} set search_path = public, {schema}, pg_catalog")
        yield Neighbour(database, made)


def names() -> tuple[set[str], set[str]]:
    """Words that stand in the SQL's sources where a function, and where a catalogue, may be named."""
    files = [f for source in SOURCES for ending in ("*.py", "*.sql") for f in source.rglob(ending)]
    texts = [file.read_text("utf-8") for file in files]
    return (
        {word.lower() for text in texts for word in re.findall(r"\b(\w+) ?\(", text)},
        {word for text in texts for word in re.findall(r"\bpg_\w+", text)},
    )


def _make(theirs: Database, text: str) -> int:
    async def go() -> int:
        connection = await asyncpg.connect(theirs.url)
        try:
            await connection.execute("set search_path = pg_catalog, pg_temp;" + text)
            return int(await connection.fetchval("select pg_catalog.current_setting('neighbour.made')"))
        finally:
            await connection.close()

    return asyncio.run(go())


def _array(words: set[str]) -> str:
    return "{" + ",".join(sorted(words)) + "}"
