"""Two databases compared: what is compared, and what a difference is called."""

from __future__ import annotations

import pytest

from sartor.archive.dump import DumpSummary, difference

ONE = DumpSummary("create table a\ncreate table b", {"public.a": 2, "public.b": 0})


@pytest.mark.parametrize(
    ("copy", "said"),
    [
        (ONE, None),
        (ONE._replace(rows={"public.a": 1, "public.b": 0}), "public.a has 2 rows, but its copy has 1"),
        (ONE._replace(rows={"public.a": 2}), "public.b has 0 rows, but its copy has no"),
        (ONE._replace(schema="create table a"), "the schemas differ: create table b"),
        (ONE._replace(schema="create table b\ncreate table a"), "the schemas differ: the order"),
    ],
)
def test_difference(copy: DumpSummary, said: str | None) -> None:
    """Rows, definitions and their order; the first difference is named."""
    found = difference(ONE, copy)
    assert found == said or (said is not None and found is not None and found.startswith(said))
