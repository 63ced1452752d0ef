"""Which functions a statement calls, as far as its text says."""

from __future__ import annotations

import pytest

from sartor.sql.statements import Statement


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
    assert Statement(sql).calls - {"n"} == found


@pytest.mark.parametrize(
    ("sql", "found"), [("DO $$ begin end $$", True), ("call p()", True), ("/* do */ update t set x = 1", False)]
)
def test_a_program(sql: str, found: bool) -> None:
    """A block and a procedure go by what they find."""
    assert Statement(sql).runs_code is found


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
    assert Statement(sql).makes_function == found
