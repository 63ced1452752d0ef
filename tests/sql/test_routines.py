"""Blocks and routines whose way may depend on rows."""

from __future__ import annotations

import pytest

from sartor.sql.changes import called_in, computes_only, may_fork

LOOP = "for r in select id from t loop update u set a = 1; end loop;"
CATCH = "alter table t add check (a > 0); exception when check_violation then drop table u;"
WIDEN = "begin execute 'alter table ' || name; end"


@pytest.mark.parametrize(
    ("sql", "routines", "queried", "forks"),
    [
        (f"do $$ begin {LOOP} end $$", [], True, True),
        (f"-- why\nDO language plpgsql 'begin {LOOP} end'", [], True, True),
        (f"do $$ begin {LOOP} end $$", [], False, False),
        (f"do $$ begin {CATCH} end $$", [], False, True),
        ("do $$ begin if exists (select from t) then raise notice 'so'; end if; end $$", [], True, False),
        ("do $$ begin drop table if exists u; update t set a = case when b then 1 end; end $$", [], True, False),
        ("select widen(name) from t", [WIDEN], True, True),
        ("select widen('t')", [WIDEN], True, False),
        ("call fill()", [f"begin {LOOP} end"], True, True),
        ("update t set a = slug(b)", ["begin if b is null then return ''; end if; return lower(b); end"], True, False),
        ("do $$ begin if a then raise notice 'drop'; end if; end $$", [], True, False),
        ("update t set a = 1", [], True, False),
        ("update t set a = widen('u')", [WIDEN], True, True),
    ],
)
def test_what_rows_decide(sql: str, routines: list[str], *, queried: bool, forks: bool) -> None:
    """A block or routine that forks and acts, or acts for each row of a query, might do something else with rows."""
    assert may_fork(sql, routines, queried=queried) is forks


def test_what_is_called() -> None:
    """Routines are found in a query, and in the statements of a block, as the catalogue spells their names."""
    assert {"widen", 'It"s'} <= called_in('select app.Widen(a), "It""s"(b) from t')
    assert "widen" in called_in("do $body$ begin perform widen('t'); end $body$")


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
