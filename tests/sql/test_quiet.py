"""Which statements only define objects, so that a batch needn't clean up after them; and which of them take no time."""

from __future__ import annotations

import pytest

from sartor.sql.quiet import is_brief, is_quiet
from sartor.sql.splitting import split

QUIET = [
    "create table t (id bigint primary key, a varchar(20) not null default 'x', b numeric(10, 2) check (b > 0))",
    "create unique index on t (lower(a), b)",
    "drop table t cascade",
    "create view v as select a, count(*) from t group by a",
    "create function f() returns int language sql as 'select nextval(''s'')::int'",
    "create table numbered (id serial primary key, other int generated always as identity)",
    "create type mood as enum ('sad', 'ok')",
    "alter table t add column c int; comment on column t.c is 'as it was'",
    "alter table t add c varchar(20) not null default 'x', drop column a cascade, add d numeric(10, 2) default 1.5",
    "alter table t add c timestamptz default now(), add d time with time zone null, alter a set default 'b'",
    "alter table t rename a to b; alter table t drop constraint k",
]
LOUD = [
    "alter table t add constraint k foreign key (c) references u (id) not valid",
    "set work_mem = '8MB'",
    "set local work_mem = '8MB'",
    "set role pg_monitor; reset role",
    "insert into t values (1)",
    "update t set a = 1",
    "select 1",
    "select set_config('app.left', '1', false)",
    "create temp table t (a int)",
    "create table t as select * from v",
    "create table t (a int, b int generated always as (hidden(1)) stored)",
    "create table t partition of p for values in (hidden(1))",
    "create table t (a int) partition by range ((a + hidden(1)))",
    "create materialized view m as select * from v",
    "create extension hstore",
    "create index on t (hidden(a))",
    "alter table t add column id serial",
    "alter table t add column c leaking",
    'alter table t add column c "text"',
    "alter table t add column c other.text",
    "alter table t add column c int[]",
    "alter table t add column c int default 1 + 2",
    "alter table t add column c int default (1 + 2)",
    "alter table t add column c int default hidden",
    "alter table t add column c text default 'a'::leaking",
    "alter table t add column c text default (leaking 'a') not null",
    "alter table t add column c text default (leaking 'a') null",
    "alter table t add column c int default - (leaking 'a')",
    "alter table t add column c text collate hidden",
    "alter table t add column c int check (c > 0)",
    "alter table t add column c int references u",
    "alter table t add column c int generated always as (a + 1) stored",
    "alter table t alter column c set expression as (a + 1)",
    "alter table t alter c type bigint",
    "alter table t alter column c set not null",
    "alter table t validate constraint k",
    "alter domain d add check (value > 0)",
    "alter type mood add value 'new'",
    "alter table t alter column id add generated always as identity",
    "alter table t add column c int default nextval('s')",
    "alter table t add check (hidden(a))",
    "do $$begin end$$",
    "call p()",
    "truncate t",
    "refresh materialized view m",
    "listen heard",
    "create table a (a int); select pg_advisory_lock(1)",
]

BRIEF = [
    "create table t (id int); create index on t (id); create unique index u on only public.t using btree (id)",
    "create table t (id int references other (id)); alter table other add column a int; comment on table t is 'new'",
    "create view v as select 1 as one; create function f() returns int language sql as 'select 1'",
    "create type mood as enum ('sad', 'ok'); drop table other cascade",
]
LASTING = [
    "create table t (id int); create index on other (id)",
    "create index on t (id); create table t (id int)",
    "create table if not exists t (id int); create index on t (id)",
    "create table t partition of other for values in (1)",
    "create statistics s on a, b from t",
    "create event trigger e on ddl_command_end execute function f()",
    "create table t (id int); insert into t values (1)",
]


@pytest.mark.parametrize(("sql", "brief"), [*((sql, True) for sql in BRIEF), *((sql, False) for sql in LASTING)])
def test_what_reads_no_rows_is_brief(sql: str, brief: bool) -> None:
    """What only defines objects is brief, unless it may read rows: an index does, of a table that was there before."""
    statements = split(sql)
    assert (all(map(is_quiet, statements)) and is_brief(statements)) is brief


@pytest.mark.parametrize(("sql", "quiet"), [*((sql, True) for sql in QUIET), *((sql, False) for sql in LOUD)])
def test_what_only_defines_objects_is_quiet(sql: str, quiet: bool) -> None:
    """Only what defines objects and calls nothing unknown is quiet; what fires triggers, or fills a table, isn't."""
    assert all(map(is_quiet, split(sql))) is quiet
