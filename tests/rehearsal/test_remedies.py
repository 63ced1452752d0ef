"""The advice that a rehearsal gives helps: what is written as it says is milder, on a real server."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

import sartor
from rehearsal.corpus import Case
from sartor import Destination, Rehearsed
from sartor.domain.hazards.hazard import MODES
from sartor.domain.hazards.remediation import recipe
from support.database import temporary_database
from support.folder import Folder

TABLE = """
    create table p (id bigint primary key);
    create table t (id bigint not null, a int, b text, c varchar(20), during int4range);
    insert into t select i, i, i, i, int4range(i, i + 1) from generate_series(1, 50) i;
"""
WHOLE = """
    create table p (id bigint primary key);
    create table t (id bigint not null, a bigint) partition by range (id);
    create table t_one partition of t for values from (0) to (100);
    insert into t select i from generate_series(1, 50) i;
"""
FREE = "create table t_two (id bigint not null, a bigint);"
VIEW = "create table t (a int); create materialized view t_view as select a from t; create unique index on t_view (a);"


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """A statement, the section of its advice, and alterations that follow it; none where it only says when.

    Each alteration is one statement or several; what has to run outside a transaction says `concurrently` or `vacuum`.
    """

    name: str
    sql: str
    anchor: str
    instead: tuple[str, ...] = ()
    setup: str = TABLE
    since: int = 14


CHECKED = ("alter table t add constraint t_a check (a is not null) not valid", "alter table t validate constraint t_a")
COMPUTING = """
    alter table t add column x int;
    create function t_x() returns trigger language plpgsql as $$begin new.x := new.a * 2; return new; end$$;
    create trigger t_x before insert or update on t for each row execute function t_x()
"""
REMEDIES = (
    Remedy(
        name="index",
        sql="create index on t (a)",
        anchor="build-an-index",
        instead=("create index concurrently on t (a)",),
    ),
    Remedy(
        name="index_of_parts",
        sql="create index on t (a)",
        anchor="build-an-index",
        setup=WHOLE,
        instead=(
            "create index t_i on only t (a)",
            "create index concurrently t_one_i on t_one (a)",
            "alter index t_i attach partition t_one_i",
        ),
    ),
    Remedy(
        name="rebuilt",
        sql="reindex table t",
        anchor="rebuild-an-index",
        setup=TABLE + "create index on t (a);",
        instead=("reindex table concurrently t",),
    ),
    Remedy(
        name="check",
        sql="alter table t add constraint t_c check (a > 0)",
        anchor="add-a-constraint",
        instead=("alter table t add constraint t_c check (a > 0) not valid", "alter table t validate constraint t_c"),
    ),
    Remedy(
        name="reference",
        sql="alter table t add constraint t_r foreign key (id) references p",
        anchor="add-a-constraint",
        instead=(
            "alter table t add constraint t_r foreign key (id) references p not valid",
            "alter table t validate constraint t_r",
        ),
    ),
    Remedy(
        name="reference_of_parts",
        sql="alter table t add constraint t_r foreign key (a) references p",
        anchor="add-a-constraint",
        setup=WHOLE,
        instead=(
            "alter table t_one add constraint t_r foreign key (a) references p not valid",
            "alter table t_one validate constraint t_r",
            "alter table t add constraint t_r foreign key (a) references p",
        ),
    ),
    Remedy(
        name="key",
        sql="alter table t add constraint t_u unique (a)",
        anchor="add-a-key",
        instead=(
            "create unique index concurrently t_u on t (a)",
            "alter table t add constraint t_u unique using index t_u",
        ),
    ),
    Remedy(
        name="key_of_parts",
        sql="alter table t add constraint t_u unique (id)",
        anchor="add-a-key",
        setup=WHOLE,
        instead=(
            "alter table only t add constraint t_u unique (id)",
            "create unique index concurrently t_one_u on t_one (id)",
            "alter table t_one add constraint t_one_u unique using index t_one_u",
            "alter index t_u attach partition t_one_u",
        ),
    ),
    Remedy(
        name="primary",
        sql="alter table t add constraint t_k primary key (a)",
        anchor="add-a-key",
        instead=(
            *CHECKED,
            "alter table t alter column a set not null; alter table t drop constraint t_a",
            "create unique index concurrently t_k on t (a)",
            "alter table t add constraint t_k primary key using index t_k",
        ),
    ),
    Remedy(
        name="nullable_key",
        sql="alter table t add constraint t_k primary key using index t_k",
        anchor="set-not-null",
        setup=TABLE + "create unique index t_k on t (a);",
        instead=(
            *CHECKED,
            "alter table t alter column a set not null; alter table t drop constraint t_a",
            "alter table t add constraint t_k primary key using index t_k",
        ),
    ),
    Remedy(
        name="exclusion",
        sql="alter table t add constraint t_x exclude using gist (during with &&)",
        anchor="add-an-exclusion",
        instead=(
            "create table t_new (like t, exclude using gist (during with &&))",
            "insert into t_new select * from t where id between 1 and 25",
        ),
    ),
    Remedy(
        name="not_null",
        sql="alter table t alter column a set not null",
        anchor="set-not-null",
        instead=(*CHECKED, "alter table t alter column a set not null", "alter table t drop constraint t_a"),
    ),
    Remedy(
        name="not_null_constraint",
        sql="alter table t add constraint t_n not null a",
        anchor="add-a-constraint",
        since=18,
        instead=("alter table t add constraint t_n not null a not valid", "alter table t validate constraint t_n"),
    ),
    Remedy(
        name="not_null_of_18",
        sql="alter table t alter column a set not null",
        anchor="set-not-null",
        since=18,
        setup=TABLE + "alter table t add constraint t_n not null a not valid;",
        instead=("alter table t validate constraint t_n",),
    ),
    Remedy(
        name="column_unique",
        sql="alter table t add column x int unique",
        anchor="add-a-key",
        instead=(
            "alter table t add column x int",
            "create unique index concurrently t_x on t (x)",
            "alter table t add constraint t_x unique using index t_x",
        ),
    ),
    Remedy(
        name="column_check",
        sql="alter table t add column x int default 1 check (x > 0)",
        anchor="add-a-constraint",
        instead=(
            "alter table t add column x int default 1",
            "alter table t add constraint t_x check (x > 0) not valid",
            "alter table t validate constraint t_x",
        ),
    ),
    Remedy(
        name="volatile",
        sql="alter table t add column x float default random()",
        anchor="add-a-column",
        instead=(
            "alter table t add column x float; alter table t alter column x set default random()",
            "update t set x = random() where x is null and id between 1 and 10",
        ),
    ),
    Remedy(
        name="stored",
        sql="alter table t add column x int generated always as (a * 2) stored",
        anchor="add-a-column",
        instead=(
            COMPUTING,
            "update t set x = a * 2 where x is null and id between 1 and 10",
        ),
    ),
    Remedy(
        name="virtual",
        sql="alter table t add column x int generated always as (a * 2) stored",
        anchor="add-a-column",
        since=18,
        instead=("alter table t add column x int generated always as (a * 2) virtual",),
    ),
    Remedy(
        name="type",
        sql="alter table t alter column a type bigint, alter column a set not null",
        anchor="change-a-type",
        instead=(
            "alter table t add column x bigint",
            "update t set x = a where x is null and id between 1 and 10",
            "alter table t rename column a to a_old; alter table t rename column x to a",
        ),
    ),
    Remedy(
        name="quoted",
        sql='alter table "a table of {name}" alter column "a column" type bigint',
        anchor="change-a-type",
        setup='create table "a table of {name}" ("a column" int);',
        instead=('alter table "a table of {name}" add column "another column" bigint',),
    ),
    Remedy(
        name="attached",
        sql="alter table t attach partition t_two for values from (100) to (200)",
        anchor="attach-a-partition",
        setup=WHOLE + FREE,
        instead=(
            "alter table t_two add constraint t_in check (id >= 100 and id < 200) not valid",
            "alter table t_two validate constraint t_in",
            "alter table t attach partition t_two for values from (100) to (200)",
        ),
    ),
    Remedy(
        name="attached_beside_default",
        sql="alter table t attach partition t_two for values from (100) to (200)",
        anchor="attach-a-partition",
        setup=WHOLE + FREE + "create table t_rest partition of t default; alter table t add primary key (id);",
        instead=(
            "alter table t_two add constraint t_in check (id >= 100 and id < 200) not valid",
            "alter table t_two validate constraint t_in",
            "create unique index concurrently t_two_pkey on t_two (id)",
            "alter table t_two add constraint t_two_pkey primary key using index t_two_pkey",
            "alter table t_rest add constraint t_out check (id < 100 or id >= 200) not valid",
            "alter table t_rest validate constraint t_out",
            "alter table t attach partition t_two for values from (100) to (200)",
        ),
    ),
    Remedy(
        name="detached",
        sql="alter table t detach partition t_one",
        anchor="detach-a-partition",
        setup=WHOLE,
        instead=("alter table t detach partition t_one concurrently",),
    ),
    Remedy(
        name="index_dropped",
        sql="drop index t_i",
        anchor="drop-an-index",
        setup=TABLE + "create index t_i on t (a);",
        instead=("drop index concurrently t_i",),
    ),
    Remedy(
        name="refreshed",
        sql="refresh materialized view t_view",
        anchor="refresh-a-view",
        setup=VIEW,
        instead=("refresh materialized view concurrently t_view",),
    ),
    Remedy(
        name="refreshed_concurrently",
        sql="refresh materialized view concurrently t_view",
        anchor="refresh-a-view",
        setup=VIEW,
    ),
    Remedy(name="vacuumed", sql="vacuum full t", anchor="rewrite-a-table", instead=("vacuum t",)),
    Remedy(
        name="rewritten",
        sql="alter table t set unlogged",
        anchor="rewrite-a-table",
        instead=(
            "create unlogged table t_new (like t including all)",
            "insert into t_new select * from t where id between 1 and 25",
        ),
    ),
    Remedy(
        name="together",
        sql="alter table t add column x int; update t set a = a + 1 where id < 10",
        anchor="keep-locks-short",
        instead=("alter table t add column x int", "update t set a = a + 1 where id < 10"),
    ),
    Remedy(name="moved", sql="alter table t set schema other", anchor="rename-or-drop"),
    Remedy(
        name="function",
        sql="drop function t_f()",
        anchor="rename-or-drop",
        setup="create function t_f() returns int language sql as 'select 1';",
    ),
    Remedy(
        name="label",
        sql="alter type t_e rename value 'a' to 'b'",
        anchor="rename-or-drop",
        setup="create type t_e as enum ('a');",
    ),
    Remedy(
        name="schema",
        sql="alter schema t_s rename to t_r",
        anchor="rename-or-drop",
        setup="create schema t_s;",
    ),
)


@pytest.fixture(scope="module")
def seen(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Rehearsed]]:
    """What a rehearsal says of each statement, and of what is to be written instead, on tables of their own."""
    folder = Folder(tmp_path_factory.mktemp("remedies") / "alterations")
    files: dict[str, list[str]] = {}
    with temporary_database(server_url) as database:
        version = int(database.value("show server_version_num")) // 10000
        database.run("create schema other")
        for remedy in REMEDIES:
            ways = ((remedy.name, (remedy.sql,)), (f"{remedy.name}_better", remedy.instead))
            for name, scripts in ways if version >= remedy.since else ():
                case = Case(name=name, sql="")
                database.run(case.own(remedy.setup.replace("{name}", name)))
                files[name] = [_write(folder, case, sql.replace("{name}", name)) for sql in scripts]
        found = asyncio.run(sartor.rehearse(Destination.parse(database.url), str(folder.path), "next"))
    assert found.failed is None, found.failed
    by_name = {each.alteration.name: each for each in found.alterations}
    return {name: [by_name[file] for file in each] for name, each in files.items()}


def _write(folder: Folder, case: Case, sql: str) -> str:
    alone = "vacuum" in sql or (" concurrently" in sql and "view" not in sql)
    outside = "-- sartor: transaction off\n" if alone else ""
    name = f"next-{1700000000 + len(list(folder.path.glob('*.sql')))}-{case.name.replace('_', '-')}.sql"
    folder.write(name, f"{outside}-- sartor: up\n{case.own(sql)};\n")
    return name


@pytest.mark.parametrize("remedy", REMEDIES, ids=lambda remedy: remedy.name)
def test_advice_helps(remedy: Remedy, seen: dict[str, list[Rehearsed]]) -> None:
    """A statement has the advice for its case; what is written as it says is milder, by its verdict or its locks."""
    if remedy.name not in seen:
        pytest.skip(f"this is written so from Postgres {remedy.since} on")
    (before,) = seen[remedy.name]
    found = recipe(before.statements[-1])
    assert found is not None, before
    assert found.anchor == remedy.anchor
    for after in seen[f"{remedy.name}_better"]:
        assert _rank(after) < _rank(before), after


def _rank(rehearsed: Rehearsed) -> tuple[int, int, int]:
    """How bad an alteration is: what it stops, then the strongest lock on what existed before, and how often."""
    modes = [MODES.index(lock.mode) for each in rehearsed.statements for lock in (*each.locks, *each.held)]
    stops = max(each.stops.severity for each in rehearsed.statements)
    strongest = max(modes, default=-1)
    return (stops, 0, 0) if stops else (stops, strongest, modes.count(strongest))
