"""What is drawn where: boxes, and lines between them."""

from typing import NamedTuple

from sartor.domain.diagram import DiagramReference
from sartor.drawing.box import Box

SCREEN = 1.6
"""The width of a drawing in relation to its height, as far as the groups allow it."""

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

    @property
    def size(self) -> float:
        """The height of the screen that it fills, in pixels."""
        return max(self.width / SCREEN, self.height)
