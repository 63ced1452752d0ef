"""What SQL takes away by its words."""

from __future__ import annotations

from typing import Any

import pytest

from sartor.sql.changes import Drop, RowChange, drops, recasts, row_changes


def change(verb: str, *target: str, columns: str | None = None, **found: Any) -> RowChange:
    """A change of rows; `columns` are separated by blanks."""
    return RowChange(verb, target or None, None if columns is None else frozenset(columns.split()), **found)


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("insert into s.t (a) values (1)", [change("insert", "s", "t")]),
        ("insert into t select 1", [change("insert", "t")]),
        ("delete from t", [change("delete", "t", whole=True)]),
        ("delete from only s.t where a", [change("delete", "s", "t")]),
        ("delete from t where a in (1); ", [change("delete", "t")]),
        ("delete from t using (select 1 where true) u", [change("delete", "t", whole=True)]),
        ("truncate t", [change("truncate", "t", whole=True)]),
        (
            'truncate table only s.t, "U u" *, v restart identity',
            [change("truncate", *name, whole=True) for name in (("s", "t"), ("U u",), ("v",))],
        ),
        ("update t set a = 1", [change("update", "t", columns="a", whole=True)]),
        ("update only s.t as x set (a, b) = (1, 2)", [change("update", "s", "t", whole=True)]),
        (
            "update t set a = 1, b = (select 1, 2) from u where t.a = u.a returning c, d",
            [change("update", "t", columns="a b")],
        ),
        ("update t set a = f(1, 2), b = 1 returning c, d", [change("update", "t", columns="a b", whole=True)]),
        ("update t set a = 1 from u, v", [change("update", "t", columns="a", whole=True)]),
    ],
)
def test_plain_statements(sql: str, found: list[RowChange]) -> None:
    """The table is named, the columns of an update, and whether all rows are meant."""
    assert list(row_changes(sql)) == found


@pytest.mark.parametrize(
    ("where", "fills"),
    [
        ("a is null and not b is null", False),
        ("not (a is null and b is null)", False),
        ('"a" is null and b is null and c is not null', True),
        ('"A" is null and b is null', False),
        ("a is null and b is null", True),
        ("b is null and c > 0 and a is null", True),
        ("a is null", False),
        ("a is null or b is null", False),
        ("a is null and b is not null", False),
        ("a is null and b > 0", False),
    ],
)
def test_what_only_fills(where: str, fills: bool) -> None:
    """An update that sets only what was null takes nothing away."""
    assert row_changes(f"update t set a = 0, b = 1 where {where}") == (
        change("update", "t", columns="a b", fills=fills),
    )
    assert row_changes(f"update t set (a, b) = (0, 1) where {where}") == (change("update", "t"),)


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("insert into t values (1) on conflict do nothing", [change("insert", "t")]),
        (
            "insert into s.t values (1) on conflict (a) do update set b = 2 where c",
            [change("insert", "s", "t"), change("update", "s", "t", columns="b")],
        ),
        (
            "merge into s.t using u on true when matched and a then delete when not matched then insert values (1)",
            [change("delete", "s", "t")],
        ),
        (
            "merge into t using u on (t.a = u.a) when matched then update set a = 1 when not matched then do nothing",
            [change("update", "t", columns="a")],
        ),
        (
            "merge into t using u on a when matched then update set b = 1 when matched then update set c = 1, d = 2",
            [change("update", "t", columns="b"), change("update", "t", columns="c d")],
        ),
        ("when matched then delete", [change("delete")]),
        (
            "with gone as (delete from t returning *) insert into u select * from gone where a",
            [change("delete", "t", whole=True), change("insert", "u")],
        ),
        (
            "with x as (update t set a = 1 where b returning *) select * from x",
            [change("update", "t", columns="a")],
        ),
        ("with x as (update t set a = 1) select b, c", [change("update", "t", columns="a", whole=True)]),
        ("create rule r as on delete to t do also delete from u", [change("delete", "u", whole=True)]),
    ],
)
def test_parts_of_statements(sql: str, found: list[RowChange]) -> None:
    """What stands in a statement counts: its WITH, ON CONFLICT, the branches of MERGE, a rule's action."""
    assert list(row_changes(sql)) == found


@pytest.mark.parametrize(
    "sql",
    [
        "select 'delete from t'",
        "select a from t for update",
        "select a from t for no key update of t",
        "create trigger x before update on t for each row execute function f()",
        "create trigger x after insert or update or delete or truncate on t execute function f()",
        "create trigger x after truncate or update of a on t execute function f()",
        "grant select, truncate, update on t to r",
        "grant update, truncate on t to r",
        "revoke truncate on t from r",
        "create policy p on t for update using (true)",
        "alter table t add foreign key (a) references p on delete cascade on update set null",
        "truncate",
    ],
)
def test_words_that_are_no_statement(sql: str) -> None:
    """The words of a right, a trigger, a policy, a lock or a reference change no rows; nor does a literal."""
    assert row_changes(sql) == ()


def test_blocks_and_routines() -> None:
    """A block and a body count, and the strings in them; which rows they mean isn't known."""
    block = "do $$ begin delete from t; execute 'truncate u'; end $$"
    body = "begin update v set a = 1; end"
    changed = (change("delete", "t"), change("truncate", "u"))
    assert row_changes(block) == changed
    assert row_changes("do $$ begin update t set a = 1; select b, c; end $$") == (change("update", "t", columns="a"),)
    assert row_changes(block, [body]) == (*changed, change("update", "v", columns="a"))
    assert row_changes("delete from t returning f()", [body]) == (
        change("delete", "t", whole=True),
        change("update", "v", columns="a"),
    )


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("drop table t", [Drop(("t",))]),
        (
            'drop table if exists s.t, "U u" cascade; alter table only t drop a, drop column if exists b, add c int',
            [
                Drop(("s", "t"), guarded=True),
                Drop(("U u",), guarded=True),
                Drop(("t",), "a"),
                Drop(("t",), "b", guarded=True),
            ],
        ),
        (
            "alter table if exists only s.t * alter a drop not null, drop b cascade",
            [Drop(("s", "t"), "b", guarded=True)],
        ),
        ("do $$ begin drop table t; execute 'alter table u drop column a'; end $$", [Drop(("t",)), Drop(("u",), "a")]),
        ("do $$ begin alter table t drop a; end $$", [Drop(("t",), "a")]),
        ("alter table t * drop a", [Drop(("t",), "a")]),
        ("drop table t; drop table u; drop table t", [Drop(("t",)), Drop(("u",))]),
        ("alter table t drop constraint c; drop view v; alter view v drop a; select 'drop table t'", []),
        ("alter table", []),
    ],
)
def test_drops(sql: str, found: list[Drop]) -> None:
    """Tables and columns that are dropped, each once, also in a block and in its strings."""
    assert list(drops(sql)) == found


@pytest.mark.parametrize(
    ("action", "found"),
    [
        ("alter a type int using a::int", {"a": True}),
        ("alter column a set data type int using (a)::int", {"a": True}),
        ("alter a type varchar(3) using a::varchar(3)", {"a": True}),
        ('alter a type s."T"[] using ((a)::s."T"[]), alter b type numeric(1, 2) using b::numeric(1, 2)',
         {"a": True, "b": True}),
        ('alter "A a" type int using "A a"::int', {"A a": True}),
        ("alter a type int", {}),
        ("alter a type int, alter b type int using b::int", {"b": True}),
        ("alter a set default 1 + 2, alter b drop default", {}),
        ("alter a type int using b::int", {"a": False}),
        ("alter a type int using f(a)", {"a": False}),
        ("alter a type int using a + 1", {"a": False}),
        ("alter a type int using a::int + 1", {"a": False}),
        ("alter a type int using a::text::int", {"a": False}),
        ("alter a type text using 'x'::text", {"a": False}),
        ("alter a type int using a::int, alter a type int using a + 1", {"a": False}),
        ("alter a type int using a + 1, alter a type int using a::int", {"a": False}),
    ],
)  # fmt: skip
def test_recasts(action: str, found: dict[str, bool]) -> None:
    """A change of type with USING keeps the values where it is a cast of the column and no more."""
    assert recasts(f"alter table t {action}") == found
    assert recasts(f"do $$ begin alter table t {action}; end $$") == found
