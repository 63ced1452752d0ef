"""Where statements end, and what is asked of all statements of a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.sql.lexer import pieces
from sartor.sql.splitting import (
    each_statement,
    find_client_copy,
    may_lift_lock_timeout,
    split,
    stands_alone,
    transaction_control,
    waits_for_others,
)
from sartor.sql.statements import ClientCopy
from support.statements import CORPUS

ATOMIC = "create function f() returns int language sql begin atomic select 1; select case when a then 2 end; end"


@pytest.mark.parametrize(
    "statements",
    [
        [],
        ["select 1"],
        ["select 1", "select ';'", 'select ";"', "select $$;$$", "select /* ; */ 2"],
        ["create rule r as on insert to t do also (select 1; select 2)", "select 1"],
        [ATOMIC, "select 1", ATOMIC],
        [ATOMIC.replace("create function", "create or replace procedure")],
        ["begin", "select 1", "end"],
        ["select begin atomic", "select 1"],
        ["select function begin atomic", "select 1"],
        ["create table atomic (begin int)", "create view begin atomic", "select 1"],
        ["create function f() as 'begin atomic'", "select 1"],
        ["create function atomic()", "create function begin(atomic int)", "select 1"],
        ["create function f() return (begin atomic)", "select 1"],
        [ATOMIC.replace("end; end", 'end; select "end"; select a end; end'), "select 1"],
        [ATOMIC.replace("select 1; ", ""), "select 1"],
        ["create function f() language sql begin atomic end", "select 1"],
        ["select 1)", "select 2"],
    ],
)
@pytest.mark.parametrize("between", [";", " ;\n", "; -- so;\n ; /* ; */ ;"])
def test_statements_end_at_their_semicolons(statements: list[str], between: str) -> None:
    """A semicolon ends a statement outside of quotes, comments, parentheses and a routine's body."""
    text = between + between.join(statements)
    assert [each.text for each in split(text)] == statements
    assert [each.text for each in split(text + between)] == statements


@given(st.lists(st.sampled_from(CORPUS), max_size=5))
def test_each_statement_has_its_place(statements: list[str]) -> None:
    """A statement's offset is where it stands in the text, and its end is at its semicolon or the text's end."""
    text = " " + ";\n".join(statements)
    found = list(each_statement(text, pieces(text)))
    assert [each.text for each, _ in found] == statements
    assert all(text[each.start :].startswith(each.text) for each, _ in found)
    assert all(text[end : end + 1] in {";", ""} for _, end in found)
    assert [end for _, end in found] == [each.start + len(each.text) for each, _ in found]


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("select 1; commit; rollback", "commit"),
        ("select 1;\n START TRANSACTION ", "START TRANSACTION"),
        ("savepoint a; rollback to a; release a", None),
        ("select 'commit'; -- end", None),
        ("prepare q as select 1", None),
        ("prepare transaction 'x'", "prepare transaction 'x'"),
        ("abort", "abort"),
    ],
)
def test_what_controls_the_transaction(sql: str, found: str | None) -> None:
    """The first statement that begins or ends a transaction is named."""
    assert transaction_control(sql) == found


def test_a_copy_among_others() -> None:
    """The first COPY that needs the client is found, whatever stands around it."""
    sql = "copy u from '/tmp/x'; COPY t from stdin; copy v to stdout"
    assert find_client_copy(sql) == ClientCopy("COPY t from stdin", from_client=True, binary=False)
    assert find_client_copy("select 'copy t from stdin'") is None
    assert find_client_copy("select 1") is None


@pytest.mark.parametrize(
    ("sql", "waits"),
    [
        ("select 1; create index CONCURRENTLY i on t (a)", True),
        ("create index i on t (a); refresh materialized view concurrently v", False),
        ("select 'create index concurrently i on t (a)'", False),
        ("create index i on t (a)", False),
    ],
)
def test_what_waits_among_others(sql: str, *, waits: bool) -> None:
    """A text waits for others where one of its statements does."""
    assert waits_for_others(sql) is waits


@pytest.mark.parametrize(
    ("sql", "alone"),
    [
        ("select 1", True),
        ("select 1;\n; select 2;", True),
        ("select 'a', $$ b; $$, \"c\" -- d", True),
        ("/* so */ select 1", True),
        ("insert into seen values (E'it\\'s')", True),
        ("savepoint a; rollback to a", True),
        ("select 'open", False),
        ("select $a$ open", False),
        ("select 1 /* open", False),
        ("select 1 \\d", False),
        ("select 1; commit", False),
        ("COPY t to stdout", False),
        ("deallocate all", False),
        ("set client_encoding = 'x'", False),
        ("select '\0'", False),
        ("select '\ud800'", False),
        ("", False),
        (" ;\n;", False),
        ("-- so", False),
        ("/* so */ ;", False),
        (f"create table {'a' * 63} ()", True),
        (f"create table {'a' * 64} ()", False),
        (f'create table "{"a b " * 16}" ()', False),
        (f"create table {'ä' * 31}b ()", True),
        (f"create table {'ä' * 32} ()", False),
        (f"insert into t values ('{'a' * 64}')", True),
        ("create global temp table t ()", False),
    ],
)
def test_what_may_stand_among_others(sql: str, *, alone: bool) -> None:
    """A whole statement means the same among others; one that is open, converses or controls may not."""
    assert stands_alone(sql) is alone


@pytest.mark.parametrize(
    ("sql", "lifts"),
    [
        ("SET Lock_Timeout = 0", True),
        ("do $$begin perform set_config('lock_timeout', '0', true); end$$", True),
        ("select lifts()", False),
        ("set statement_timeout = 0", False),
    ],
)
def test_what_may_lift_lock_timeout(sql: str, *, lifts: bool) -> None:
    """SQL that names lock_timeout, a block's too, may set it; what a function does that it calls isn't seen."""
    assert may_lift_lock_timeout(sql) is lifts
