"""Places the boxes of a diagram: groups of tables that refer to each other, the other tables, then types.

The groups are put on shelves of about the form of a screen, the others in columns beside or below them.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sartor.domain.diagram import Diagram, DiagramReference, RelationName
from sartor.drawing.box import Box, table_box, type_box
from sartor.drawing.group import BETWEEN, place_group
from sartor.drawing.placement import SCREEN, Layout, Line, Placed

APART = 56.0
"""The space between groups, in pixels."""
LEAST = 1140.0
"""The width that a drawing has in any case, that of its legend, in pixels."""
PORT = 19.0
"""The space that a line's end needs at the side of a box, in pixels."""


def lay_out(diagram: Diagram) -> Layout:
    """Returns where each box and each line of a diagram is. Raises UsageError where graphlay isn't installed."""
    ends = _most_ends(diagram.references)
    boxes = {each.name: table_box(each, diagram, PORT * (ends[each.name] + 1)) for each in diagram.tables}
    groups = list(_groups(boxes, diagram.references))
    free = [box for name, box in boxes.items() if name not in ends]
    types = [type_box(each, diagram) for each in diagram.types]
    shelves = _shelves(groups, _goal([*groups, *(_alone(box) for box in (*free, *types))]))
    return min(_beside(shelves, free, types), _underneath(shelves, free, types), key=lambda layout: layout.size)


def _most_ends(references: Iterable[DiagramReference]) -> Counter[RelationName]:
    """Returns how many lines end at a side of each table that has any."""
    found = tuple(references)
    return Counter(each.table for each in found) | Counter(each.to for each in found)


def _groups(boxes: Mapping[RelationName, Box], references: Sequence[DiagramReference]) -> Iterator[Layout]:
    """Yields the groups of tables that foreign keys connect, each placed, the largest first."""
    connected = _connected(boxes, references)
    number = {name: at for at, names in enumerate(connected) for name in names}
    inside: dict[int, list[DiagramReference]] = defaultdict(list)
    for each in references:
        inside[number[each.table]].append(each)
    for at, names in enumerate(connected):
        yield place_group({name: boxes[name] for name in names}, inside[at])


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
    """Returns the names of the tables that foreign keys connect, the largest group first."""
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
