"""What data a plan loses is told, in whichever words that is written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

import sartor
from sartor import Destination, Rehearsed
from support.database import temporary_database
from support.folder import Folder

BASE = """
    create schema {schema};
    create schema {schema}_side;
    set search_path = {schema};
    create table t (id int primary key, a text, b timestamp, c numeric(10, 4), d varchar(50));
    create table child (id int primary key, t_id int references t on delete cascade);
    create table nuller (id int primary key, t_id int references t on delete set null);
    create table parted (id int, at int) partition by range (id);
    create table part1 partition of parted for values from (0) to (10);
    create table {schema}_side.s (id int, "odd name" int);
    create table empty (id int, a text);
    create materialized view m as select 1 as one;
    create view vs as select * from {schema}_side.s;
    create function takes(x int) returns void language plpgsql as $$ begin delete from child where id = x; end $$;
    create function inner_one() returns void language sql begin atomic; delete from {schema}_side.s; end;
    create function outer_one() returns void language plpgsql as $$ begin perform inner_one(); end $$;
    insert into t select i, 'x', now(), 1.2345, 'abc' from generate_series(1, 40) i;
    insert into child select i, i from generate_series(1, 30) i;
    insert into nuller select i, i from generate_series(1, 20) i;
    insert into parted select i, i from generate_series(0, 9) i;
    insert into {schema}_side.s select i, i from generate_series(1, 5) i;
"""
Loss = tuple[str, str, str | None, int | None, str]


def of(how: str, table: str, rows: int, precision: str = "estimated", column: str | None = None) -> Loss:
    return how, table, column, rows, precision


T_DROPPED = of("drops", "t", 40)
CASES: dict[str, tuple[str, list[Loss]]] = {
    "truncate": ("truncate child", [of("empties", "child", 30)]),
    "truncate-several": ("truncate child, only side.s", [of("empties", "child", 30), of("empties", "side.s", 5)]),
    "truncate-cascade": (
        "truncate table t cascade",
        [of("empties", "child", 30), of("empties", "nuller", 20), of("empties", "t", 40)],
    ),
    "truncate-parted": ("truncate parted", [of("empties", "part1", 10)]),
    "truncate-block": ("do $$ begin truncate child; end $$", [of("empties", "child", 30)]),
    "truncate-rewritten": (
        "alter table child alter id type text using 'x' || id; truncate child",
        [of("cuts", "child", 30, column="id"), of("empties", "child", 30)],
    ),
    "truncate-empty": ("truncate empty", []),
    "delete-all": (
        "delete from t",
        [of("deletes", "child", 30, "at-most"), of("deletes", "t", 40), of("overwrites", "nuller", 20, "at-most")],
    ),
    "delete-where": ("delete from child where id = 1", [of("deletes", "child", 30, "at-most")]),
    "delete-quoted": ('delete from "side"."s"', [of("deletes", "side.s", 5)]),
    "delete-view": ("delete from vs where id = 3", [of("deletes", "side.s", 5, "at-most")]),
    "delete-parted": ("delete from parted", [of("deletes", "part1", 10)]),
    "delete-moves": (
        "with moved as (delete from child returning *) insert into empty select id from moved",
        [of("deletes", "child", 30)],
    ),
    "delete-held": ("insert into child values (99); delete from child", [of("deletes", "child", 30)]),
    "delete-block": ("do $$ begin delete from child; end $$", [of("deletes", "child", 30, "at-most")]),
    "delete-dynamic": (
        "do $$ begin execute format('delete from %I', 'child'); end $$",
        [of("deletes", "child", 30, "at-most")],
    ),
    "delete-function": ("select takes(3)", [of("deletes", "child", 30, "at-most")]),
    "delete-nested": ("select outer_one()", [of("deletes", "side.s", 5, "at-most")]),
    "update-all": ("update child set t_id = null", [of("overwrites", "child", 30)]),
    "update-where": ("update only child c set t_id = 2 where id = 1", [of("overwrites", "child", 30, "at-most")]),
    "update-new-column": ("alter table child add column n int; update child set n = t_id", []),
    "update-nulls": ("update child set t_id = 1 where t_id is null and id > 3", []),
    "update-nulls-or": (
        "update child set t_id = 1 where t_id is null or true",
        [of("overwrites", "child", 30, "at-most")],
    ),
    "upsert": (
        "insert into child values (1, null) on conflict (id) do update set t_id = excluded.t_id",
        [of("overwrites", "child", 30, "at-most")],
    ),
    "merge": (
        "merge into child c using t on t.id = c.id when matched then delete",
        [of("deletes", "child", 30, "at-most")],
    ),
    "insert": ("insert into child values (77, null)", []),
    "drop-table": ("drop table child", [of("drops", "child", 30)]),
    "drop-cascade": ("drop table t cascade", [T_DROPPED]),
    "drop-parted": ("drop table parted", [of("drops", "part1", 10)]),
    "drop-schema": ("drop schema side cascade", [of("drops", "side.s", 5)]),
    "drop-view": ("drop materialized view m", [of("drops", "m", 1)]),
    "drop-empty": ("drop table empty", []),
    "drop-dynamic": ("do $$ begin execute 'dr' || 'op table child'; end $$", [of("drops", "child", 30)]),
    "drop-renamed": ("alter table child rename to kid; drop table kid", [of("drops", "child", 30)]),
    "drop-column": (
        "alter table t add column z int, drop column d, alter column a set default 'y'",
        [of("drops", "t", 40, column="d")],
    ),
    "drop-column-quoted": (
        'alter table side.s drop column "odd name" cascade',
        [of("drops", "side.s", 5, column="odd name")],
    ),
    "drop-column-parted": ("alter table parted drop column at", [of("drops", "part1", 10, column="at")]),
    "drop-own-column": ("alter table t add column z int; alter table t drop column z", []),
    "type-cut": ("alter table t alter b type date", [of("cuts", "t", 40, column="b")]),
    "type-rounded": ("alter table t alter c type numeric(10,2)", [of("cuts", "t", 40, column="c")]),
    "type-using": ("alter table t alter d type varchar(2) using left(d, 2)", [of("cuts", "t", 40, column="d")]),
    "type-cast": ("alter table t alter d type varchar(2) using d::varchar(2)", [of("cuts", "t", 40, column="d")]),
    "type-computed": ("alter table child alter t_id type int using 0", [of("cuts", "child", 30, column="t_id")]),
    "type-wider": ("alter table child alter id type bigint using id::bigint", []),
    "savepoint": ("savepoint s; drop table child; rollback to s; drop table child", [of("drops", "child", 30)]),
}


@pytest.fixture(scope="module")
def found(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Rehearsed]]:
    """All cases, each an alteration of its own, in a schema of its own."""
    folder, names = Folder(tmp_path_factory.mktemp("losses") / "alterations"), {}
    with temporary_database(server_url) as database:
        version = int(database.value("show server_version_num"))
        for number, (name, (sql, _)) in enumerate(CASES.items()):
            if name == "merge" and version < 150000:
                continue
            own = _own(name)
            database.run(BASE.format(schema=own))
            file = f"next-{1700000000 + number}-{name}.sql"
            path = f"set local search_path = {own};"
            folder.write(file, f"-- sartor: up\n{path}\n{sql.replace('side', f'{own}_side')};\n")
            names[file] = name
        database.run("analyze")
        sources = [sartor.LineageSource(name="main", location=str(folder.path))]
        rehearsal = asyncio.run(sartor.rehearse(Destination.parse(database.url), sources))
        assert rehearsal.failed is None, rehearsal.failed.message
        yield {names[each.alteration.name]: each for each in rehearsal.alterations}


def _own(name: str) -> str:
    return f"c_{name.replace('-', '_')}"


@pytest.mark.parametrize("name", CASES)
def test_losses(found: dict[str, Rehearsed], name: str) -> None:
    """What goes is named with its rows as the destination counts them, and is worse than all that stops others."""
    if name not in found:
        pytest.skip("there is no MERGE")
    told = [
        of(loss.how, loss.table.removeprefix(_own(name)).lstrip("._"), loss.rows or 0, loss.precision, loss.column)
        for statement in found[name].statements
        for loss in statement.losses
    ]
    assert sorted(told, key=str) == sorted(CASES[name][1], key=str)
    assert (found[name].verdict.value == "loses-data") == bool(told)
