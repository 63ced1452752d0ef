"""Draws the lines of foreign keys: their bends rounded, with crow's feet that tell how many rows are at an end."""

from collections.abc import Sequence

from sartor.drawing.placement import Point

BEND = 6.0
"""The radius of a bend, in pixels."""


def number(value: float) -> str:
    """Returns a number as SVG has it, with a tenth of a pixel at most."""
    return f"{round(value, 1) + 0.0:g}"


def path(points: Sequence[Point]) -> str:
    """Returns the path of a line with straight parts between its points."""
    found = [f"M{_at(points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(BEND, _distance(before, corner) / 2, _distance(corner, after) / 2)
        start, end = _towards(corner, before, radius), _towards(corner, after, radius)
        found.append(f"L{_at(start)}Q{_at(corner)} {_at(end)}")
    found.append(f"L{_at(points[-1])}")
    return "".join(found)


def feet(points: Sequence[Point], *, single: bool, optional: bool) -> str:
    """Returns the path of both ends of a line: `single` is about the last point, `optional` about the first one."""
    one = _Foot(points[0], points[1])
    many = _Foot(points[-1], points[-2])
    first = [one.bar(7), one.circle(14) if optional else one.bar(12)]
    last = [many.bar(8) if single else many.claw(), many.circle(17)]
    return "".join(first + last)


class _Foot:
    """The end of a line at a box, with a direction away from the box."""

    def __init__(self, at: Point, towards: Point) -> None:
        length = _distance(at, towards) or 1.0
        self._at = at
        self._away = ((towards[0] - at[0]) / length, (towards[1] - at[1]) / length)

    def _point(self, away: float, aside: float = 0.0) -> Point:
        (x, y), (dx, dy) = self._at, self._away
        return x + dx * away - dy * aside, y + dy * away + dx * aside

    def bar(self, away: float) -> str:
        return f"M{_at(self._point(away, -5.5))}L{_at(self._point(away, 5.5))}"

    def claw(self) -> str:
        start = self._point(12)
        return "".join(f"M{_at(start)}L{_at(self._point(0, aside))}" for aside in (-6.5, 0, 6.5))

    def circle(self, away: float) -> str:
        left, right = self._point(away - 4), self._point(away + 4)
        return f"M{_at(left)}A4 4 0 0 1 {_at(right)}A4 4 0 0 1 {_at(left)}Z"


def _at(point: Point) -> str:
    return f"{number(point[0])} {number(point[1])}"


def _distance(one: Point, other: Point) -> float:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _towards(one: Point, other: Point, far: float) -> Point:
    length = _distance(one, other) or 1.0
    return one[0] + (other[0] - one[0]) * far / length, one[1] + (other[1] - one[1]) * far / length
