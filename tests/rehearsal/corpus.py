"""Statements, each with what the manual says that it locks, rewrites and reads, and so with its verdict.

In SQL, `t` is a table of the case's own, made by `TABLE` and `setup`; `p` is another one, which it may refer to. The
modes are those of the manual's chapter 13.3 and of its pages on ALTER TABLE, CREATE INDEX and the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

SHARE, ROW_SHARE, ROW_EXCLUSIVE = "AccessShareLock", "RowShareLock", "RowExclusiveLock"
UPDATE_EXCLUSIVE, FULL_SHARE, SHARE_ROW = "ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock"
EXCLUSIVE, ACCESS_EXCLUSIVE = "ExclusiveLock", "AccessExclusiveLock"

SAFE, WRITES, READS, REWRITES = "safe", "blocks-writes", "blocks-reads", "rewrites"

TABLE = """
    create table p (id bigint constraint p_pkey primary key);
    insert into p select generate_series(1, 50);
    create table t (id bigint constraint t_pkey primary key, a int, b text, c varchar(20), r bigint);
    insert into t select i, i, i, i, i from generate_series(1, 50) i;
    create index t_a on t (a);
"""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A statement, or several; what is said of them is said of the last one.

    `locks` are by relation, `rewrites`, `scans` and `builds` name relations; None where they can't be known beforehand.
    `outside` says that it runs outside a transaction, `since` which version has it first, `lacks` what of its tables a
    clone can't have.
    """

    name: str
    sql: str
    locks: dict[str, str] | None = field(default_factory=dict)
    rewrites: tuple[str, ...] = ()
    scans: tuple[str, ...] | None = ()
    builds: tuple[str, ...] | None = ()
    verdict: str = SAFE
    setup: str = ""
    outside: bool = False
    since: int = 14
    lacks: str | None = None

    def own(self, text: str) -> str:
        """`text` with this case's names: those that begin with `t` or `p` end with the case's."""
        return re.sub(r"\b([tp](?:_\w+)?)\b", rf"\1_of_{self.name}", text)


def alter(name: str, action: str, **given: object) -> Case:
    """An ALTER TABLE that takes the strongest lock, unless it is said to take another one."""
    return Case(name=name, sql=f"alter table t {action}", **{"locks": {"t": ACCESS_EXCLUSIVE}, **given})  # type: ignore[arg-type]


def _held(name: str, then: str, **given: object) -> Case:
    """A statement behind one that keeps the strongest lock; a change of `t` unless it is said to be another."""
    return Case(name=name, sql=f"alter table t add column x int; {then}", **{"locks": {"t": ROW_EXCLUSIVE}, **given})  # type: ignore[arg-type]


BOTH = {"t": SHARE_ROW, "p": SHARE_ROW}
REWRITTEN: dict[str, Any] = {"rewrites": ("t",), "scans": ("t",), "verdict": REWRITES}
SCANNED: dict[str, Any] = {"scans": ("t",), "verdict": READS}

CASES = (
    alter("column", "add column x text"),
    alter("column_default", "add column x int default 5"),
    alter("column_stable", "add column x timestamptz default now()"),
    alter("column_not_null", "add column x text not null default ''"),
    alter("column_volatile", "add column x float default random()", **REWRITTEN, builds=("t_a", "t_pkey")),
    alter("column_serial", "add column x bigserial", **REWRITTEN, builds=("t_a", "t_pkey")),
    alter(
        "column_stored",
        "add column x int generated always as (a * 2) stored",
        **REWRITTEN,
        builds=("t_a", "t_pkey"),
    ),
    alter("column_reference", "add column x bigint references p", locks={"t": ACCESS_EXCLUSIVE, "p": SHARE_ROW}),
    alter("drop_column", "drop column b"),
    alter("set_default", "alter column a set default 1"),
    alter("drop_default", "alter column a drop default"),
    alter("set_not_null", "alter column a set not null", **SCANNED),
    alter(
        "set_not_null_known",
        "alter column a set not null",
        setup="alter table t add constraint t_known check (a is not null)",
    ),
    alter("drop_not_null", "alter column a drop not null"),
    alter("identity", "alter column id add generated always as identity"),
    alter("to_bigint", "alter column a type bigint", **REWRITTEN, builds=("t_a", "t_pkey")),
    alter("wider_numeric", "alter column n type numeric(12, 2)", setup="alter table t add column n numeric(10, 2)"),
    Case(
        name="to_timestamptz_of_utc",
        sql="set local timezone = 'UTC'; alter table t alter column at type timestamptz",
        setup="alter table t add column at timestamp",
        locks={"t": ACCESS_EXCLUSIVE},
    ),
    alter("to_numeric", "alter column b type numeric using b::numeric", **REWRITTEN, builds=("t_a", "t_pkey")),
    alter("longer", "alter column c type varchar(50)"),
    alter("to_text", "alter column c type text"),
    alter("shorter", "alter column c type varchar(10)", **REWRITTEN, builds=("t_a", "t_pkey")),
    alter("unlogged", "set unlogged", **REWRITTEN, builds=("t_a", "t_pkey")),
    alter("check", "add constraint t_c check (a > 0)", **SCANNED),
    alter("check_not_valid", "add constraint t_c check (a > 0) not valid"),
    alter(
        "validate_check",
        "validate constraint t_c",
        setup="alter table t add constraint t_c check (a > 0) not valid",
        locks={"t": UPDATE_EXCLUSIVE},
        scans=("t",),
    ),
    alter(
        "reference",
        "add constraint t_r foreign key (r) references p",
        locks=BOTH,
        scans=("t",),
        verdict=WRITES,
    ),
    alter("reference_not_valid", "add constraint t_r foreign key (r) references p not valid", locks=BOTH),
    alter(
        "validate_reference",
        "validate constraint t_r",
        setup="alter table t add constraint t_r foreign key (r) references p not valid",
        locks={"t": UPDATE_EXCLUSIVE, "p": ROW_SHARE},
        scans=("t",),
    ),
    alter("drop_constraint", "drop constraint t_c", setup="alter table t add constraint t_c check (a > 0)"),
    alter("unique", "add constraint t_u unique (a)", **SCANNED, builds=("t_u",)),
    alter("unique_using", "add constraint t_u unique using index t_u", setup="create unique index t_u on t (a)"),
    alter("rename", "rename to t_other"),
    alter("rename_column", "rename column a to z"),
    alter("rename_constraint", "rename constraint t_pkey to t_key"),
    alter("fillfactor", "set (fillfactor = 70)", locks={"t": UPDATE_EXCLUSIVE}),
    alter("statistics", "alter column a set statistics 500", locks={"t": UPDATE_EXCLUSIVE}),
    alter("row_security", "enable row level security"),
    alter("replica_identity", "replica identity full"),
    alter("disable_trigger", "disable trigger user", locks={"t": SHARE_ROW}),
    alter("owner", "owner to current_user"),
    alter("two_actions", "add column x int, alter column a set not null", **SCANNED),
    Case(
        name="index",
        sql="create index t_b on t (b)",
        locks={"t": FULL_SHARE},
        scans=("t",),
        builds=("t_b",),
        verdict=WRITES,
    ),
    Case(
        name="unique_index",
        sql="create unique index t_b on t (b)",
        locks={"t": FULL_SHARE},
        scans=("t",),
        builds=("t_b",),
        verdict=WRITES,
    ),
    Case(
        name="index_concurrently",
        sql="create index concurrently t_b on t (b)",
        locks={"t": UPDATE_EXCLUSIVE},
        builds=("t_b",),
        outside=True,
    ),
    Case(
        name="reindex_concurrently",
        sql="reindex index concurrently t_a",
        locks={"t": UPDATE_EXCLUSIVE},
        builds=("t_a",),
        outside=True,
    ),
    Case(
        name="drop_index_concurrently", sql="drop index concurrently t_a", locks={"t": UPDATE_EXCLUSIVE}, outside=True
    ),
    Case(
        name="vacuum_full",
        sql="vacuum full t",
        locks={"t": ACCESS_EXCLUSIVE},
        rewrites=("t",),
        scans=None,
        builds=("t_a", "t_pkey"),
        verdict=REWRITES,
        outside=True,
    ),
    Case(name="outside", sql="alter table t add column x int", locks={"t": ACCESS_EXCLUSIVE}, outside=True),
    Case(name="drop_index", sql="drop index t_a", locks={"t": ACCESS_EXCLUSIVE}),
    Case(name="rename_index", sql="alter index t_a rename to t_z"),
    Case(
        name="reindex",
        sql="reindex table t",
        locks={"t": FULL_SHARE, "t_a": ACCESS_EXCLUSIVE, "t_pkey": ACCESS_EXCLUSIVE},
        scans=("t",),
        builds=("t_a", "t_pkey"),
        verdict=READS,
    ),
    Case(
        name="cluster",
        sql="cluster t using t_pkey",
        locks={"t": ACCESS_EXCLUSIVE},
        rewrites=("t",),
        scans=None,
        builds=("t_a", "t_pkey"),
        verdict=REWRITES,
    ),
    Case(name="truncate", sql="truncate t", locks={"t": ACCESS_EXCLUSIVE}),
    Case(name="drop_table", sql="drop table t", locks={"t": ACCESS_EXCLUSIVE}),
    Case(name="comment", sql="comment on table t is 'a table'", locks={"t": UPDATE_EXCLUSIVE}),
    Case(name="analyze", sql="analyze t", locks={"t": UPDATE_EXCLUSIVE}),
    Case(
        name="trigger",
        sql="create trigger t_touch before update on t for each row execute function"
        " suppress_redundant_updates_trigger()",
        locks={"t": SHARE_ROW},
    ),
    Case(name="policy", sql="create policy t_p on t using (true)", locks={"t": ACCESS_EXCLUSIVE}),
    Case(name="create_statistics", sql="create statistics t_s on a, r from t", locks={"t": UPDATE_EXCLUSIVE}),
    Case(name="lock", sql="lock table t in exclusive mode", locks={"t": EXCLUSIVE}),
    Case(name="insert", sql="insert into t (id) values (1000)", locks={"t": ROW_EXCLUSIVE}),
    Case(name="update", sql="update t set a = 1", locks={"t": ROW_EXCLUSIVE}, scans=("t",)),
    Case(name="delete", sql="delete from t", locks={"t": ROW_EXCLUSIVE}, scans=("t",)),
    Case(name="select", sql="select count(*) from t", locks={"t": SHARE}, scans=("t",)),
    Case(name="for_update", sql="select * from t for update", locks={"t": ROW_SHARE}, scans=("t",)),
    Case(name="view", sql="create view t_v as select * from t", locks={"t": SHARE}),
    Case(name="like", sql="create table t_like (like t including all)", locks={"t": SHARE}),
    Case(name="new_table", sql="create table t_new (id bigint references p)", locks={"p": SHARE_ROW}),
    Case(
        name="refresh",
        sql="refresh materialized view t_m",
        setup="create materialized view t_m as select * from t",
        locks={"t_m": ACCESS_EXCLUSIVE, "t": SHARE},
        rewrites=("t_m",),
        scans=("t",),
        verdict=REWRITES,
    ),
    Case(
        name="attach",
        sql="alter table t_whole attach partition t_part for values from (0) to (10)",
        setup="create table t_whole (id int) partition by range (id); create table t_part (id int)",
        locks={"t_whole": UPDATE_EXCLUSIVE, "t_part": ACCESS_EXCLUSIVE},
        scans=("t_part",),
        verdict=READS,
    ),
    Case(
        name="attach_known",
        sql="alter table t_whole attach partition t_part for values from (0) to (10)",
        setup="create table t_whole (id int) partition by range (id);"
        " create table t_part (id int not null, constraint t_k check (id >= 0 and id < 10))",
        locks={"t_whole": UPDATE_EXCLUSIVE, "t_part": ACCESS_EXCLUSIVE},
    ),
    Case(
        name="detach",
        sql="alter table t_whole detach partition t_part",
        setup="create table t_whole (id int) partition by range (id);"
        " create table t_part partition of t_whole for values from (0) to (10)",
        locks={"t_whole": ACCESS_EXCLUSIVE, "t_part": ACCESS_EXCLUSIVE},
    ),
    Case(
        name="block",
        sql="do $$ begin execute 'create index t_b on t (b)'; end $$",
        locks={"t": FULL_SHARE},
        scans=("t",),
        builds=("t_b",),
        verdict=WRITES,
    ),
    Case(
        name="function",
        sql="select t_f()",
        setup="create function t_f() returns void language sql as 'alter table t alter column a type bigint'",
        locks={"t": ACCESS_EXCLUSIVE},
        rewrites=("t",),
        scans=("t",),
        builds=("t_a", "t_pkey"),
        verdict=REWRITES,
    ),
    Case(
        name="held",
        sql="alter table t add column x int; update t set x = a",
        locks={"t": ROW_EXCLUSIVE},
        scans=("t",),
        verdict=READS,
    ),
    _held("held_range", "update t set x = a where id > 0", scans=("t",), verdict=READS),
    _held("held_index", "update t set x = id where a > 5", scans=("t",), verdict=READS),
    _held("held_delete", "delete from t where id > 5", scans=("t",), verdict=READS),
    _held("held_select", "select b from t where id > 5", locks={"t": SHARE}, scans=("t",), verdict=READS),
    _held("held_for_update", "select b from t where id > 5 for update", locks={"t": ROW_SHARE}, **SCANNED),
    _held(
        "held_join",
        "update p set id = p.id from t where t.id = p.id",
        locks={"p": ROW_EXCLUSIVE, "t": SHARE},
        scans=None,
        verdict=READS,
    ),
    _held("held_insert", "insert into t (id) values (1000)"),
    _held("held_conflict", "insert into t (id) values (1) on conflict do nothing"),
    _held(
        "held_reference",
        "insert into p values (1000); insert into t (id, r) values (1000, 1000)",
        setup="alter table t add constraint t_r foreign key (r) references p",
        locks={"t": ROW_EXCLUSIVE, "p": ROW_SHARE},
    ),
    _held("held_sleep", "select pg_sleep(1)", locks={}, verdict=READS),
    Case(
        name="truncate_in_a_block",
        sql="do $$ begin truncate t; end $$",
        locks={"t": ACCESS_EXCLUSIVE},
    ),
    Case(
        name="truncate_and_rewrite",
        sql="do $$ begin truncate t; alter table t alter column a type bigint; end $$",
        locks={"t": ACCESS_EXCLUSIVE},
        rewrites=("t",),
        scans=("t",),
        verdict=REWRITES,
        builds=("t_a", "t_pkey"),
    ),
)
