"""Places the tables of a group, which foreign keys connect, and leads the lines around them: by `graphlay`.

Tables stand in layers, what is referred to before what refers to it. The library takes no random numbers, and places
the same group in the same way everywhere.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from sartor.domain.diagram import DiagramReference, RelationName
from sartor.drawing.box import Box
from sartor.drawing.layers import spread
from sartor.drawing.placement import SCREEN, Layout, Line, Placed, Point
from sartor.errors import UsageError

BETWEEN = 24.0
"""The space between boxes, in pixels."""
FOOT = 16.0
"""The length of a line's last part that is straight, less a lane, in pixels: room for a crow's foot."""
LINES = 1.25
"""How many times the area of the boxes a drawing has, as its lines need room too."""
LARGE = 150
"""The number of tables above which a group is placed with less effort, in seconds instead of minutes."""


class _Way(NamedTuple):
    """A way to place a group; `times` says how many times smaller the drawing must be for it to be chosen.

    A schema should look much as it did before a small change, so the first way isn't left for little.
    """

    direction: str = "leftright"
    compaction: str = "none"
    spreads: bool = False
    times: float = 1.0


_WAYS = (
    _Way(),
    _Way(compaction="priority"),
    _Way(direction="topbottom", times=1.3),
    _Way(spreads=True, times=1.3),
    _Way(spreads=True, compaction="priority", times=1.3),
)
_FEW_WAYS = (_WAYS[0], _WAYS[3])
_PORTS = {"port_gap": 24.0, "port_stroke_clear": 24.0}  # where a side is full, graphlay takes less
_OPTIONS: Mapping[str, Any] = {
    "spacing": {"layer_gap": 60.0, "node_gap": BETWEEN, "dummy_gap": 14.0, "stub": 26.0, **_PORTS},
    "routing": {"lane_gap": 10.0, "port_sides": "facing_only", "bundle_parallel": False},
    "self_loops": {"size": 30.0},
}


def place_group(boxes: Mapping[RelationName, Box], references: Iterable[DiagramReference]) -> Layout:
    """Returns a group placed in the way in which it is the smallest on a screen; it has only these references."""
    inside = tuple(references)
    ways = [(_place(boxes, inside, way), way.times) for way in (_WAYS if len(boxes) <= LARGE else _FEW_WAYS)]
    return min(ways, key=lambda way: way[0].size * way[1])[0]


def _place(boxes: Mapping[RelationName, Box], inside: Sequence[DiagramReference], way: _Way) -> Layout:
    # The library may bend a line just before a box: a margin around the boxes keeps that place for the crow's feet.
    beside, above = (FOOT, 0.0) if way.direction == "leftright" else (0.0, FOOT)
    graph = load_graphlay().Graph()
    fixed = _ranks(boxes, inside) if way.spreads else {}
    for name, box in boxes.items():
        rank = {"rank": {"fixed": fixed[name]}} if name in fixed else {}
        graph.node(name, width=box.width + 2 * beside, height=box.height + 2 * above, **rank)
    for reference in inside:
        graph.edge(reference.to, reference.table)
    found = load_graphlay().layout(graph, options=_options(way, len(boxes)))
    left, top = found.bounds["min"]["x"] + beside, found.bounds["min"]["y"] + above
    placed = tuple(
        Placed(box, at["center"]["x"] - box.width / 2 - left, at["center"]["y"] - box.height / 2 - top)
        for box, at in zip(boxes.values(), found.nodes, strict=True)
    )
    lines = tuple(
        Line(reference, _to_boxes([(at["x"] - left, at["y"] - top) for at in edge["points"]], beside, above))
        for reference, edge in zip(inside, found.edges, strict=True)
    )
    return Layout(placed, lines, found.bounds["max"]["x"] - left - beside, found.bounds["max"]["y"] - top - above)


def _options(way: _Way, number: int) -> dict[str, Any]:
    effort = "fast" if number > LARGE else "balanced"
    return {**_OPTIONS, "direction": way.direction, "compaction": {"mode": way.compaction}, "effort": effort}


def _ranks(boxes: Mapping[RelationName, Box], inside: Sequence[DiagramReference]) -> dict[RelationName, int]:
    """Returns the layers of tables that nothing refers to, for a drawing of about the form of a screen."""
    area = sum((box.width + 4 * BETWEEN) * (box.height + 2 * BETWEEN) for box in boxes.values())
    heights = {name: box.height + BETWEEN for name, box in boxes.items()}
    return spread(heights, inside, math.sqrt(LINES * area / SCREEN))


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
