"""Definitions taken apart: whatever they say, and whoever wrote them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.schema.queries import GAP, literal_types, split

KINDS = (
    "column", "constraint", "domain", "function", "index", "materialized view", "policy", "rule", "statistics", "table",
    "trigger", "view", "sequence",
)  # fmt: skip
SQL = (
    "( ) [ ] , ; . : 'x' \"y\" ::text check using where when default by as on from to range sql language begin atomic "
    "return create or replace function a b \n $$ -- /* E'"
)
WORDS = st.sampled_from(SQL.split(" "))
TEXTS = st.lists(WORDS).map(" ".join) | st.text()


@given(st.sampled_from(KINDS), TEXTS, st.sampled_from(["", "table a.b", "domain a.b", "view a.b"]))
def test_any_text(kind: str, text: str, parent: str) -> None:
    """Text that Postgres never printed is taken apart, or left whole; each gap of the frame is a query."""
    found = split(kind, "a.b.c", parent, text)
    assert found.frame.count(GAP) == len(found.queries) + text.count(GAP)
    literal_types(text)


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("a = 'x'::text AND b > '1 day'::interval", set()),
        ("m = ANY (ARRAY['a'::s.mood, 'b'::\"S s\".m[]])", {"s.mood", '"S s".m[]'}),
        ("a = 'x'", None),
        ("(('x')::text = a)", None),
        ("date '2020-01-01' < a", None),
        ("'x'::text", set()),
        ("'x'::", None),
        ("a = 'x", None),
        ('a = 1 AND "\'" > b', set()),
    ],
)
def test_types_of_literals(text: str, types: set[str] | None) -> None:
    """Types of a schema are named; a literal without a cast right behind it has none that could be told."""
    assert literal_types(text) == types
