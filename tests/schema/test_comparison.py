"""Texts that differ are parsed again by the server: other words are no difference, another meaning is one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from sartor import Fingerprint, Scope
from sartor.domain.drift import Comparison
from sartor.schema.comparison import compare
from sartor.schema.fingerprint import read_fingerprint
from support.database import Database, temporary_database

THINGS = """
create schema other;
create function other.eq(text, text) returns bool language sql immutable as 'select $1 = $2';
create operator other.= (leftarg = text, rightarg = text, function = other.eq);
create type mood as enum ('sad', 'ok');
create domain word as text default 'x'::text constraint short check (length(value) < 9);
create table t (id int primary key, a text, b text, m mood, n numeric, at timestamp, flag bool,
    g bool generated always as (a = 'x' and flag) stored, d text default lower('X') || 'y',
    constraint c1 check (a = 'x' and b = 'y' and id > 3), constraint c2 check (m = 'ok' or n > -1.5),
    constraint c3 exclude (id with =) where (id > 3));
create index i1 on t (id, lower(a) desc, ((id + 1))) where id > 3 and a = 'x';
create index i2 on t (id) include (b) where flag;
create statistics s1 on (id + 1), lower(a) from t;
create policy p1 on t using (a = 'x' and flag) with check (exists (select from t o where o.id = t.id));
create function wake() returns trigger language plpgsql as 'begin return new; end';
create trigger g1 before update on t for each row when (old.a is distinct from new.a and new.id > 3)
    execute function wake('when (x)');
create view v1 as select t.id, t.a from t where t.id > 3 and t.a = 'x';
create materialized view m1 as select t.id from t where t.flag;
create rule r1 as on update to v1 where new.id > 3 do instead update t set a = new.a where t.id = old.id;
create function f1(x int default 1 + 2, y text default 'z') returns bool begin atomic
    select x > 3; select (y = 'x' and x = 4); end;
create function f2(x int) returns int stable return x + 1;
create procedure f3(x int) language sql begin atomic insert into t (id) values (x); end;
create sequence spies;
create function other.spy(text) returns bool immutable language plpgsql as '
begin return nextval(''public.spies'') > 0; end';
create function other.ran() returns event_trigger language plpgsql as 'begin perform other.spy(''x''); end';
create domain spied as text check (other.spy(value));
create type pair as (a spied);
create function other.takes(spied[]) returns int language sql as 'select 1';
do $$ begin
execute format('create schema %I', current_database());
execute format('create type %I.public as enum (''a'')', current_database());
end $$;
create table parted (a text, at timestamp) partition by range (lower(a), (at + '1 day'::interval));
"""

SAME = (
    ("column public.t.d", "(lower('X'::text) || 'y'::text)", "lower('X'::text) || 'y'::text"),
    ("column public.t.g", "((a = 'x'::text) AND flag)", "(t.a = 'x'::text) AND t.flag"),
    ("constraint public.t.c1", "((a = 'x'::text) AND", "((t.a = 'x'::text) AND"),
    ("constraint public.t.c1", "(b = 'y'::text) AND (id > 3)", "(b = ('y'::text)) AND id > (3)"),
    ("constraint public.t.c2", "m = 'ok'::public.mood", "t.m = ('ok'::public.mood)"),
    ("constraint public.t.c3", "(id > 3)", "t.id > 3"),
    ("constraint public.word.short", "(length(VALUE) < 9)", "length((value)) < 9"),
    ("domain public.word", "'x'::text", "('x'::text)"),
    ("function public.f1(integer,text)", "SELECT (x > 3)", "SELECT f1.x > (3)"),
    ("function public.f1(integer,text)", "(1 + 2)", "((1) + (2))"),
    ("function public.f2(integer)", "(x + 1)", "f2.x + 1"),
    ("index public.i1", "lower(a)", "lower((t.a))"),
    ("index public.i1", "(id > 3)", "t.id > 3"),
    ("index public.i1", "((id + 1))", "(t.id + 1)"),
    ("index public.i2", "WHERE flag", "WHERE (t.flag)"),
    ("materialized view public.m1", "SELECT", "SELECT ALL"),
    ("policy public.t.p1", "((a = 'x'::text) AND flag)", "(t.a = 'x'::text) AND flag"),
    ("policy public.t.p1", "(o.id = t.id)", "o.id = t.id"),
    ("procedure public.f3(integer)", "f3.x", "x"),
    ("rule public.v1.r1", "(new.id > 3)", "new.id > 3"),
    ("rule public.v1.r1", "SET a = new.a", "SET a = (new.a)"),
    ("statistics public.s1", "(id + 1)", "((t.id) + 1)"),
    ("table public.parted", "lower(a)", "lower(parted.a)"),
    ("trigger public.t.g1", "(new.id > 3)", "new.id > 3"),
    ("view public.v1", "SELECT", "SELECT ALL"),
)
"""Objects of the live schema, and other words for a part of what each is."""

OTHER = (
    ("column public.t.d", "'X'::text", "'x'::text"),
    ("column public.t.g", "flag", "(NOT flag)"),
    ("constraint public.t.c1", "'y'::text", "'y '::text"),
    ("constraint public.t.c1", "b = 'y'", "b OPERATOR(other.=) 'y'"),
    ("constraint public.t.c1", "b = 'y'", "b COLLATE \"C\" = 'y'"),
    ("constraint public.t.c1", "id > 3", "(id)::smallint > 3"),
    ("constraint public.t.c1", "b = 'y'::text", "b = ('y'::character varying(3))::text"),
    ("constraint public.t.c1", "(id > 3)", "(id >= 3)"),
    ("constraint public.t.c1", "id > 3", "gone > 3"),
    ("constraint public.t.c1", "(id > 3)))", "(id > 3))) NOT VALID"),
    ("constraint public.t.c2", "'-1.5'", "'-1.50'"),
    ("constraint public.t.c2", "'ok'::public.mood", "'sad'::public.mood"),
    ("constraint public.t.c2", "'ok'::public.mood", "'gone'::public.mood"),
    ("constraint public.word.short", "9", "8"),
    ("domain public.word", "'x'::text", "'X'::text"),
    ("function public.f1(integer,text)", "x = 4", "x = 5"),
    ("function public.f1(integer,text)", "'z'::text", "'y'::text"),
    ("function public.f2(integer)", "STABLE", "IMMUTABLE"),
    ("index public.i1", "lower(a) DESC", "lower(a)"),
    ("index public.i1", "id + 1", "id + 2"),
    ("index public.i1", "'x'::text", "'x'::text COLLATE \"C\""),
    ("index public.i2", "WHERE flag", "WHERE (flag IS TRUE)"),
    ("materialized view public.m1", "SELECT", "SELECT DISTINCT"),
    ("policy public.t.p1", "o.id = t.id", "o.id = o.id"),
    ("procedure public.f3(integer)", "f3.x", "f3.x + 0"),
    ("rule public.v1.r1", "DO INSTEAD", "DO ALSO"),
    ("rule public.v1.r1", "a = new.a", "a = old.a"),
    ("statistics public.s1", "lower(a)", "upper(a)"),
    ("table public.parted", "'1 day'", "'24:00:00'"),
    ("trigger public.t.g1", "new.id > 3", "old.id > 3"),
    ("trigger public.t.g1", "wake('when (x)')", "wake('when (y)')"),
    ("view public.v1", "id > 3", "id > 4"),
    ("view public.v1", "public.t", "pg_temp.t"),
)
"""Likewise with another meaning."""

ODD = (
    ("constraint public.t.c1", "(id > 3)", "('{x}'::public.spied[] IS NULL)"),
    ("constraint public.t.c1", "(id > 3)", "('(x)'::public.pair IS NULL)"),
    ("constraint public.t.c1", "(id > 3)", "(other.takes('{x}') IS NULL)"),
    ("constraint public.t.c1", "(id > 3)", "(public.spied[] '{x}' IS NULL)"),
    ("constraint public.t.c1", "(id > 3)", "($$x$$ = a)"),
    ("constraint public.t.c1", "(id > 3)", "(E'x' = a)"),
    ("constraint public.t.c1", "(id > 3)", "('(x)'::unknown::public.pair IS NULL)"),
    ("constraint public.t.c1", "(id > 3)", "('(x)'::u&\"!0075nknown\" uescape '!'::public.pair IS NULL)"),
    ("constraint public.t.c1", "(id > 3)", "('(x)'::pg_catalog.unknown::public.pair IS NULL)"),
    ("constraint public.t.c1", "(id > 3)", "('(x)'::DATABASE.public.pair IS NULL)"),
)
"""Texts that Postgres doesn't print, or that would run a domain's check to be read."""


class There:
    """The database, and the connection that looks at it."""

    def __init__(self, database: Database, connection: asyncpg.Connection[Any], live: Fingerprint) -> None:
        self.database = database
        self.connection = connection
        self.live = live

    def expected(self, label: str, old: str, new: str, *, server: int | None = None) -> Fingerprint:
        """The live schema, where a part of one object reads otherwise."""
        objects = {each.label: each for each in self.live.objects}
        assert old in objects[label].definition, objects[label]
        objects[label] = objects[label]._replace(definition=objects[label].definition.replace(old, new))
        return Fingerprint.of(
            objects.values(), schemas=("public",), scope=Scope.SCHEMAS, server=server or self.live.server
        )


@pytest.fixture(scope="module")
def there(server_url: str, runner: asyncio.Runner) -> Iterator[There]:
    """A database with a text of each kind."""
    with temporary_database(server_url) as database:
        database.run(THINGS)
        connection = runner.run(asyncpg.connect(database.url, statement_cache_size=0))
        yield There(database, connection, runner.run(read_fingerprint(connection, ["public"])))
        runner.run(connection.close())


def found(there: There, runner: asyncio.Runner, *changed: str, server: int | None = None) -> Comparison:
    """How a schema with another text compares with the live one."""
    return runner.run(compare(there.connection, there.expected(*changed, server=server), there.live))


@pytest.mark.parametrize(("label", "old", "new"), SAME)
def test_other_words(there: There, runner: asyncio.Runner, label: str, old: str, new: str) -> None:
    """Two texts that the server prints alike are no difference, whatever they are part of."""
    assert found(there, runner, label, old, new) == Comparison(())


@pytest.mark.parametrize(("label", "old", "new"), OTHER)
def test_another_meaning(there: There, runner: asyncio.Runner, label: str, old: str, new: str) -> None:
    """Another value, operator, collation, cast or name is a difference, and so is what can't be right here."""
    compared = found(there, runner, label, old, new)
    assert ([each.label for each in compared.differences], compared.unread) == ([label], ())


@pytest.mark.parametrize(("label", "old", "new"), ODD)
def test_what_would_run_code(there: There, runner: asyncio.Runner, label: str, old: str, new: str) -> None:
    """No literal is read whose type may run a domain's check: such a text stays different, and is told."""
    compared = found(there, runner, label, old, new.replace("DATABASE", there.database.name))
    assert [each.label for each in compared.differences] == [each.label for each in compared.unread] == [label]
    assert compared.why == "reading its literals could run a domain's check"
    assert not there.database.value("select is_called from spies")


def test_nothing_runs(there: There, runner: asyncio.Runner) -> None:
    """A text's functions aren't called, and nothing of it stays, even if it holds statements of its own."""
    before = there.database.value("select count(*) from pg_class")
    for text in ("(other.spy('x'::text))", "(id > 3)) as e; select other.spy('x'::text); select ((true)"):
        compared = found(there, runner, "constraint public.t.c1", "(id > 3)", text)
        assert [each.label for each in compared.differences] == ["constraint public.t.c1"]
    assert not there.database.value("select is_called from spies")
    assert there.database.value("select count(*) from pg_class") == before


@pytest.mark.parametrize(
    ("first", "why"),
    [
        ("set local transaction_read_only = on", "transactions are read-only"),
        (
            "set local role pg_monitor",
            "role pg_monitor may not create temporary objects: grant temporary on database {} to pg_monitor;",
        ),
        (
            "create event trigger spying on ddl_command_start execute function other.ran()",
            "event trigger spying would run",
        ),
    ],
)
def test_where_nothing_can_be_made(there: There, runner: asyncio.Runner, first: str, why: str) -> None:
    """Where no temporary object can be made unseen, texts are compared as they are, and the reason is told."""

    async def compared(server: int | None) -> Comparison:
        transaction = there.connection.transaction()
        await transaction.start()
        try:
            await there.connection.execute(f"revoke temporary on database {there.database.name} from public; {first}")
            return await compare(there.connection, there.expected(*SAME[2], server=server), there.live)
        finally:
            await transaction.rollback()

    for server in (None, there.live.server - 1):
        result = runner.run(compared(server))
        assert [each.label for each in result.unread] == ["constraint public.t.c1"]
        assert result.differences == (() if server else result.unread)
        assert result.why == why.format(there.database.name)
    assert not there.database.value("select is_called from spies")
