"""Places the boxes of a diagram: tables that refer to each other in groups, the others in a grid below, then types.

Within a group, `graphlay` places the tables in layers, what is referred to before what refers to it, and leads the
lines around the boxes. The groups are put on shelves of about the form of a screen.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from sartor.domain.diagram import Diagram, DiagramReference, RelationName
from sartor.drawing.box import Box, table_box, type_box
from sartor.errors import UsageError

SCREEN = 1.6
"""The width of a drawing in relation to its height, as far as the groups allow it."""
APART, BETWEEN = 56.0, 24.0
"""The space between groups, and between boxes that nothing connects, in pixels."""
LEAST = 1140.0
"""The width that a drawing has in any case, that of its legend, in pixels."""
PORT = 19.0
"""The space that a line's end needs at the side of a box, in pixels."""

FOOT = 16.0
"""The length of a line's last part that is straight, less a lane, in pixels: room for a crow's foot."""

_WAYS = (("leftright", "none", 1.0), ("leftright", "priority", 1.0), ("topbottom", "none", 1.3))
"""The ways to place a group: the direction, the compaction, and how many times smaller the drawing must be for it.

A schema should look much as it did before a small change, so the direction isn't changed for little.
"""
_PORTS = {"port_gap": 24.0, "port_stroke_clear": 24.0}  # where a side is full, graphlay takes less
_OPTIONS: Mapping[str, Any] = {
    "spacing": {"layer_gap": 60.0, "node_gap": 24.0, "dummy_gap": 14.0, "stub": 26.0, **_PORTS},
    "routing": {"lane_gap": 10.0, "port_sides": "facing_only", "bundle_parallel": False},
    "self_loops": {"size": 30.0},
}

Point = tuple[float, float]


class Placed(NamedTuple):
    """A box and where its upper left corner is."""

    box: Box
    x: float
    y: float


class Line(NamedTuple):
    """The line of a foreign key, from the table that it refers to."""

    reference: DiagramReference
    points: tuple[Point, ...]


class Layout(NamedTuple):
    """What is drawn, and how large that is, in pixels."""

    boxes: tuple[Placed, ...]
    lines: tuple[Line, ...]
    width: float
    height: float


def lay_out(diagram: Diagram) -> Layout:
    """Returns where each box and each line of a diagram is. Raises UsageError where graphlay isn't installed."""
    boxes = {table.name: table_box(table, diagram, _height(table.name, diagram)) for table in diagram.tables}
    groups = [_group(names, boxes, diagram.references) for names in _connected(boxes, diagram.references)]
    linked = {name for reference in diagram.references for name in (reference.table, reference.to)}
    free = [box for name, box in boxes.items() if name not in linked]
    types = [type_box(each, diagram) for each in diagram.types]
    shelves = _shelves(groups, _goal([*groups, *(_alone(box) for box in (*free, *types))]))
    return min(_beside(shelves, free, types), _underneath(shelves, free, types), key=_size)


def _height(name: RelationName, diagram: Diagram) -> float:
    """Returns how high a table's box must be for the ends of its lines, in pixels."""
    ends = (
        sum(name == end for end in side) for side in zip(*((r.table, r.to) for r in diagram.references), strict=True)
    )
    return PORT * (max(ends, default=0) + 1)


def _alone(box: Box) -> Layout:
    return Layout((), (), box.width, box.height)


def _beside(main: Layout, *rest: Sequence[Box]) -> Layout:
    """Returns the drawing with boxes to its right, in as few columns as fit its height."""
    number = math.ceil(sum(box.height + BETWEEN for boxes in rest for box in boxes) / (main.height + BETWEEN))
    return _shelves([main, _stacked([_columns(boxes, number) for boxes in rest])], math.inf)


def _underneath(main: Layout, *rest: Sequence[Box]) -> Layout:
    """Returns the drawing with boxes below it, in as many columns as fit its width."""
    width = max(LEAST, main.width, _goal([main, *(_alone(box) for boxes in rest for box in boxes)]))
    numbers = [int((width + BETWEEN) // (max((box.width for box in boxes), default=width) + BETWEEN)) for boxes in rest]
    return _stacked([main, *(_columns(boxes, number) for boxes, number in zip(rest, numbers, strict=True))])


def _connected(boxes: Mapping[RelationName, Box], references: Iterable[DiagramReference]) -> list[list[RelationName]]:
    """Returns the groups of tables that foreign keys connect, the largest first."""
    neighbours: dict[RelationName, list[RelationName]] = defaultdict(list)
    for reference in references:
        neighbours[reference.table].append(reference.to)
        neighbours[reference.to].append(reference.table)
    found, seen = list[list[RelationName]](), set[RelationName]()
    for name in boxes:
        if name in seen or name not in neighbours:
            continue
        group, left = [], [name]
        seen.add(name)
        while left:
            group.append(left.pop())
            new = [each for each in neighbours[group[-1]] if each not in seen]
            seen.update(new)
            left += dict.fromkeys(new)
        found.append(sorted(group))
    return sorted(found, key=lambda group: (-len(group), group))


def _group(
    names: Sequence[RelationName], boxes: Mapping[RelationName, Box], references: Iterable[DiagramReference]
) -> Layout:
    """Returns a group placed in the way in which it is the smallest on a screen."""
    inside = [each for each in references if each.table in set(names)]
    ways = [(_layers(names, boxes, inside, direction, compaction), times) for direction, compaction, times in _WAYS]
    return min(ways, key=lambda way: _size(way[0]) * way[1])[0]


def _size(drawing: Layout) -> float:
    """Returns the height of the screen that a drawing fills, in pixels."""
    return max(drawing.width / SCREEN, drawing.height)


def _layers(
    names: Sequence[RelationName],
    boxes: Mapping[RelationName, Box],
    inside: Sequence[DiagramReference],
    direction: str,
    compaction: str,
) -> Layout:
    graphlay = load_graphlay()
    graph = graphlay.Graph()
    # The library may bend a line just before a box: a margin around the boxes keeps that place for the crow's feet.
    beside, above = (FOOT, 0.0) if direction == "leftright" else (0.0, FOOT)
    for name in names:
        graph.node(name, width=boxes[name].width + 2 * beside, height=boxes[name].height + 2 * above)
    for reference in inside:
        graph.edge(reference.to, reference.table)
    found = graphlay.layout(graph, options={**_OPTIONS, "direction": direction, "compaction": {"mode": compaction}})
    left, top = found.bounds["min"]["x"] + beside, found.bounds["min"]["y"] + above
    placed = tuple(
        Placed(box, at["center"]["x"] - box.width / 2 - left, at["center"]["y"] - box.height / 2 - top)
        for box, at in zip((boxes[name] for name in names), found.nodes, strict=True)
    )
    lines = tuple(
        Line(reference, _to_boxes([(at["x"] - left, at["y"] - top) for at in edge["points"]], beside, above))
        for reference, edge in zip(inside, found.edges, strict=True)
    )
    return Layout(placed, lines, found.bounds["max"]["x"] - left - beside, found.bounds["max"]["y"] - top - above)


def _to_boxes(points: Sequence[Point], beside: float, above: float) -> tuple[Point, ...]:
    """Returns a line with its ends led on, through the margins, to the boxes."""
    first, last = (_led_on(end, towards, beside, above) for end, towards in (points[:2], points[:-3:-1]))
    return (first, *points[1:-1], last)


def _led_on(end: Point, towards: Point, beside: float, above: float) -> Point:
    return end[0] - _sign(towards[0] - end[0]) * beside, end[1] - _sign(towards[1] - end[1]) * above


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def load_graphlay() -> Any:
    """Returns the library that places boxes. Raises UsageError where it isn't installed."""
    try:
        return import_module("graphlay")  # here, as other formats don't need it; so, as it may not be there to be typed
    except ImportError as error:
        raise UsageError(
            "an SVG needs the package graphlay, which isn't installed",
            hint="pip install 'sartor[diagram]', or choose `mermaid` or `dbml`, which need nothing",
        ) from error


def _goal(parts: Iterable[Layout]) -> float:
    """Returns how wide the whole should be: as a screen is, or as the widest part."""
    found = list(parts)
    area = sum((part.width + APART) * (part.height + APART) for part in found)
    return max([math.sqrt(area * SCREEN), *(part.width for part in found)])


def _shelves(parts: Sequence[Layout], width: float) -> Layout:
    """Returns the parts from left to right, on as many shelves as they need."""
    found, x, y, height = list[Layout](), 0.0, 0.0, 0.0
    for part in parts:
        if x and x + part.width > width:
            x, y, height = 0.0, y + height + APART, 0.0
        found.append(_moved(part, x, y))
        x, height = x + part.width + APART, max(height, part.height)
    return _together(found)


def _stacked(parts: Iterable[Layout]) -> Layout:
    """Returns the parts one below the other."""
    found, y = list[Layout](), 0.0
    for part in parts:
        found.append(_moved(part, 0.0, y))
        y += part.height + APART if part.boxes else 0.0
    return _together(found)


def _columns(boxes: Sequence[Box], number: int) -> Layout:
    """Returns boxes in columns of one width, each box in the column that is the shortest by then."""
    column = max((box.width for box in boxes), default=0.0)
    ends, placed = [0.0] * max(1, number), []
    for box in boxes:
        at = ends.index(min(ends))
        placed.append(Placed(box, at * (column + BETWEEN), ends[at]))
        ends[at] += box.height + BETWEEN
    return _together([Layout((each,), (), each.x + each.box.width, each.y + each.box.height) for each in placed])


def _together(parts: Sequence[Layout]) -> Layout:
    """Returns parts that are placed already as one drawing."""
    return Layout(
        tuple(box for part in parts for box in part.boxes),
        tuple(line for part in parts for line in part.lines),
        max((part.width for part in parts), default=0.0),
        max((part.height for part in parts), default=0.0),
    )


def _moved(part: Layout, x: float, y: float) -> Layout:
    """Returns a part moved to the right and down; its size is then measured from the drawing's corner."""
    boxes = tuple(Placed(each.box, each.x + x, each.y + y) for each in part.boxes)
    lines = tuple(Line(each.reference, tuple((a + x, b + y) for a, b in each.points)) for each in part.lines)
    return Layout(boxes, lines, part.width + x, part.height + y)
