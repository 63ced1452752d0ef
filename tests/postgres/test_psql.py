"""SQL as psql needs it."""

from __future__ import annotations

import pytest

from sartor.domain.own_tables import OwnTable
from sartor.domain.table_names import OwnTables
from sartor.postgres.psql import expecting, is_sayable, say


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("select 1", "select 1;\n"),
        ("\n\n  select 1;\n", "  select 1;\n"),
        ("select 1 -- one", "select 1 -- one\n;\n"),
        ("select 1; -- one", "select 1; -- one\n"),
        ("select a[1:n], b[:n], c::text", "select a[1: n], b[: n], c::text;\n"),
        ("select f(a := 1), ':x', \":y\", $$:z$$ -- :c", "select f(a := 1), ':x', \":y\", $$:z$$ -- :c\n;\n"),
        ("select x :'y'", "select x : 'y';\n"),
        ("", "\n"),
    ],
)
def test_as_it_stands(text: str, said: str) -> None:
    """What psql would take for a variable of its own is kept from it, and nothing else is changed."""
    assert say(text) == said


@pytest.mark.parametrize(
    ("text", "sayable"),
    [
        ("copy users from stdin", False),
        ("COPY users TO STDOUT", False),
        ("copy users from '/data/stdin'", True),
        ("select 'copy users from stdin'", True),
        ("select 'open", False),
        ("select 1 /* open", False),
        ("select \\gexec", False),
        ("select E'\\n', $$ \\gexec $$", True),
    ],
)
def test_what_psql_would_read_in_another_way(text: str, *, sayable: bool) -> None:
    """COPY from the client, a backslash and an open quote can't stand in a script for psql."""
    assert is_sayable(text) is sayable


def test_a_stop_ends_where_it_should() -> None:
    """A schema's name can't end the block that names it."""
    own = OwnTable("sartor_ledger", "$sartor$", True, True, None, False, [])  # noqa: FBT003 - a row's fields
    text = expecting(OwnTables("$sartor$; drop schema public; $sartor$"), 1, "x", [own])
    assert "\ndo $_sartor$" in text
    assert text.endswith("$_sartor$;\ncommit;\n")
