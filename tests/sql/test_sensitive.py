"""Statements that may hold a secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.sql.sensitive import secret_literals, without_secrets


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("select 'hunter2'", "select 'hunter2'"),
        ("create role r password 'hunter2'", "create role r password '*******'"),
        ("CREATE ROLE r PASSWORD 'hun''ter\n2'", "CREATE ROLE r PASSWORD '********\n*'"),
        (
            "alter user mapping for r server s options (set x 'abc')",
            "alter user mapping for r server s options (set x '***')",
        ),
        ('select "secret", 1 from t', 'select "secret", 1 from t'),
        ("select crypt('a', E'b\\'c')", "select crypt('*', E'****')"),
        ("select api_key, $$abc$$", "select api_key, $$abc$$"),
        (
            "do $$ begin execute 'create role r password ''x'''; end $$",
            "do $$ begin execute '****************************'; end $$",
        ),
        ("select 'a', $t$ token 'abc' $t$", "select '*', $t$ token '***' $t$"),
        ("create role r password 'open", "create role r password '****"),
    ],
)
def test_literals_are_hidden(sql: str, shown: str) -> None:
    """Where a statement's words say that it may hold a secret, every literal is hidden, character by character."""
    assert without_secrets(sql) == shown


@given(st.text(st.sampled_from("'\"$ab \n;"), max_size=20))
def test_positions_stay(noise: str) -> None:
    """What is shown has the length and the lines of what was written, so that a position stays valid."""
    sql = f"create role r password {noise}"
    shown = without_secrets(sql)
    assert [len(line) for line in shown.split("\n")] == [len(line) for line in sql.split("\n")]


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("select 'hunter2'", []),
        ("create role r password 'hunter2' valid until '2030-01-01'", ["hunter2", "2030-01-01"]),
        ("create role r password ''", []),
        ("do $$ begin create role r password 'x'; end $$", ["x"]),
        (
            "do $$ begin execute 'create role r password ''x'''; end $$",
            ["create role r password ''x''", "x"],
        ),
        ("select $$ token $$, 'b'", ["b"]),
    ],
)
def test_literals_are_found(sql: str, found: list[str]) -> None:
    """The texts that a log may not show, also those of statements within literals."""
    assert list(secret_literals(sql)) == found
