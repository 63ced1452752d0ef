"""Where boxes and lines of a diagram are."""

from __future__ import annotations

import itertools

from hypothesis import given, settings

from sartor import Diagram, DiagramColumn, DiagramReference, DiagramTable, RelationName
from sartor.drawing.layout import lay_out
from sartor.drawing.placement import Layout, Placed
from support.diagrams import diagrams, shop

ID = DiagramColumn(name="id", type="bigint")
ROUNDED = 0.5
"""Half a pixel, by which a line may touch a box."""


def overlap(one: Placed, other: Placed) -> bool:
    """Whether two boxes have a pixel in common."""
    return (
        one.x < other.x + other.box.width
        and other.x < one.x + one.box.width
        and one.y < other.y + other.box.height
        and other.y < one.y + one.box.height
    )


def crossings(layout: Layout) -> list[str]:
    """The boxes that a line runs through, the line's ends aside."""
    found = []
    for line in layout.lines:
        for (x, y), (to_x, to_y) in itertools.pairwise(line.points):
            left, right, top, bottom = min(x, to_x), max(x, to_x), min(y, to_y), max(y, to_y)
            for placed in layout.boxes:
                beside = right <= placed.x + ROUNDED or left >= placed.x + placed.box.width - ROUNDED
                above = bottom <= placed.y + ROUNDED or top >= placed.y + placed.box.height - ROUNDED
                if not (beside or above):
                    found.append(f"{line.reference.name} through {placed.box.title}")
    return found


def require_sound(diagram: Diagram, layout: Layout) -> None:
    assert len(layout.boxes) == len(diagram.tables) + len(diagram.types)
    assert sorted(each.reference.key for each in layout.lines) == sorted(each.key for each in diagram.references)
    for one, other in itertools.combinations(layout.boxes, 2):
        assert not overlap(one, other), (one, other)
    for placed in layout.boxes:
        assert placed.x >= -ROUNDED
        assert placed.y >= -ROUNDED
        assert placed.x + placed.box.width <= layout.width + ROUNDED
        assert placed.y + placed.box.height <= layout.height + ROUNDED


@given(diagrams())
@settings(max_examples=40, deadline=None)
def test_everything_has_its_place(diagram: Diagram) -> None:
    """Each table and type has one box, each foreign key one line; boxes are inside the drawing and none overlap."""
    require_sound(diagram, lay_out(diagram))


def test_sixty_tables() -> None:
    """Sixty tables fit a screen: no line runs through a box, hubs have room for each line, the form is a screen's."""
    diagram = shop()
    layout = lay_out(diagram)
    require_sound(diagram, layout)
    assert crossings(layout) == []
    assert len(diagram.tables) == 60
    assert 0.9 < layout.width / layout.height < 2.2
    ends = [line.points[0] for line in layout.lines if line.reference.to == RelationName("public", "tenants")]
    apart = [abs(one[1] - other[1]) for one, other in itertools.combinations(ends, 2)]
    assert min(apart) >= 13  # two crow's feet


def test_what_refers_stands_behind() -> None:
    """A table stands to the right of, or below, those that it refers to."""
    layout = lay_out(shop().only(["plans", "tenants", "users", "sessions"]))
    at = {placed.box.title: placed for placed in layout.boxes}
    places = [at[name].x + at[name].y for name in ("plans", "tenants", "users", "sessions")]
    assert places == sorted(places)


def test_the_same_each_time() -> None:
    """The same diagram is placed in the same way."""
    assert lay_out(shop()) == lay_out(shop())


def test_a_star() -> None:
    """Where sixty tables refer to one, they stand in several columns instead of one that nobody can read."""
    hub = RelationName("public", "hub")
    tables = [DiagramTable(name=RelationName("public", f"t{n:02}"), columns=(ID, *3 * (ID,))) for n in range(60)]
    references = [
        DiagramReference(name="r", table=table.name, columns=("id",), to=hub, to_columns=("id",)) for table in tables
    ]
    diagram = Diagram(
        schema="public", tables=(DiagramTable(name=hub, columns=(ID,)), *tables), references=tuple(references)
    )
    layout = lay_out(diagram)
    require_sound(diagram, layout)
    assert crossings(layout) == []
    assert layout.height < 2 * layout.width
