"""Layers of the tables that nothing refers to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sartor import DiagramReference, RelationName
from sartor.drawing.layers import spread

NAMES = [RelationName("public", f"t{n}") for n in range(12)]


def references(pairs: list[tuple[int, int]]) -> list[DiagramReference]:
    """References from the first of each pair to the second."""
    return [
        DiagramReference(name="r", table=NAMES[one], columns=("a",), to=NAMES[other], to_columns=("id",))
        for one, other in pairs
    ]


def test_a_layer_is_filled_before_the_next() -> None:
    """A layer that is full sends the next tables on; tables that others refer to stay out of it, and take room."""
    found = spread(dict.fromkeys(NAMES[:6], 100.0), references([(n, 0) for n in range(1, 6)]), 250.0)
    assert [found[name] for name in NAMES[1:6]] == [1, 1, 2, 2, 3]
    assert NAMES[0] not in found
    crowded = spread(dict.fromkeys(NAMES[:4], 100.0), references([(1, 0), (2, 0), (3, 1)]), 150.0)
    assert crowded == {NAMES[2]: 2, NAMES[3]: 3}


@given(st.lists(st.tuples(*2 * (st.integers(0, 11),)), max_size=30))
def test_behind_what_it_refers_to(pairs: list[tuple[int, int]]) -> None:
    """A table stands behind those that it refers to, and has a layer just where nothing but itself refers to it."""
    found = spread(dict.fromkeys(NAMES, 100.0), references(pairs), 200.0)
    assert found.keys() == {*NAMES} - {NAMES[other] for one, other in pairs if one != other}
    for one, other in pairs:
        if NAMES[one] in found and one != other:
            assert found[NAMES[one]] > 0
            assert NAMES[other] not in found
