"""Which functions a statement calls, as far as its text says."""

from __future__ import annotations

import pytest

from sartor.sql.calls import calls, computes_only, makes_function, runs_code


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("select F(1), s.g ( 2 ), \"H i\"('x'), k from t", {"f", "g", "H i"}),
        ("select 'f(1)', $$ f(1) $$ /* f(1) */ -- f(1)", set()),
        ("alter table t add x int default f()", {"f"}),
        ("create table n as select f()", {"f"}),
        ("create unlogged table n (id int default f())", set()),
        ("create or replace function f() returns int language sql return g()", set()),
        ("create constraint trigger t after insert on n for each row execute function f()", set()),
        ("create event trigger t on ddl_command_start execute function f()", {"f"}),
        ("drop function f(int)", set()),
        ("create view v as select f()", {"f"}),
    ],
)
def test_calls(sql: str, found: set[str]) -> None:
    """A name before a parenthesis may be called, unless the statement only says of a function what it is."""
    assert calls(sql) - {"n"} == found


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("begin new.updated_at := now(); return new; end", True),
        ("begin if tg_op = 'UPDATE' then raise exception 'no'; end if; end", True),
        ("begin new.n := next_number(); return new; end", False),
        ("begin Insert into audit values (1); return new; end", False),
        ("begin execute 'x'; return new; end", False),
        ("begin new.n := (select n from numbered); return new; end", False),
    ],
)
def test_a_body_that_computes(body: str, found: bool) -> None:
    """One without a query or a command, and without a call of what may change something."""
    assert computes_only(body, {"next_number"}) is found


@pytest.mark.parametrize(
    ("sql", "found"), [("DO $$ begin end $$", True), ("call p()", True), ("/* do */ update t set x = 1", False)]
)
def test_a_program(sql: str, found: bool) -> None:
    """A block and a procedure go by what they find."""
    assert runs_code(sql) is found


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("create function s.f(stable int) returns int language sql as 'select 1'", "f"),
        ("create or replace procedure \"P\"() language sql as ''", "P"),
        ("create function f() returns int stable language sql as 'select 1'", None),
        ("create function f() returns int language sql immutable return 1", None),
        ("select f()", None),
    ],
)
def test_a_function_made(sql: str, found: str | None) -> None:
    """One that may change something: it isn't declared to be stable or immutable."""
    assert makes_function(sql) == found
