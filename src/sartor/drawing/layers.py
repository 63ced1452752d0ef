"""Spreads tables that nothing refers to over several layers, where one layer would be too high for a screen.

Where sixty tables refer to one, they would all stand in one column. Each may stand in any later one as well.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sartor.domain.diagram import DiagramReference, RelationName


def spread(
    heights: Mapping[RelationName, float], references: Iterable[DiagramReference], limit: float
) -> dict[RelationName, int]:
    """Returns the layers, from 0, of those tables that nothing refers to, so that a layer is hardly above the limit.

    `heights` has each table's height with the space below it; heights and limit are in pixels.
    """
    parents: dict[RelationName, list[RelationName]] = {name: [] for name in heights}
    for each in references:
        if each.table != each.to:
            parents[each.table].append(each.to)
    inner = {name for names in parents.values() for name in names}
    layers = _longest_paths(list(heights), parents)
    filled: dict[int, float] = defaultdict(float)
    for name in inner:
        filled[layers[name]] += heights[name]
    found = {}
    for name in sorted(heights.keys() - inner, key=lambda name: (layers[name], name)):
        at = layers[name]
        while filled[at] and filled[at] + heights[name] > limit:
            at += 1
        filled[at] += heights[name]
        found[name] = at
    return found


def _longest_paths(
    names: Sequence[RelationName], parents: Mapping[RelationName, Sequence[RelationName]]
) -> dict[RelationName, int]:
    """Returns how many steps each table is behind the first ones; a step that closes a circle doesn't count."""
    found: dict[RelationName, int] = {}
    for start in names:
        path = [start]
        while path:
            waits = [name for name in parents[path[-1]] if name not in found and name not in path]
            if waits:
                path.append(waits[0])
                continue
            name = path.pop()
            found[name] = 1 + max((found[parent] for parent in parents[name] if parent in found), default=-1)
    return found
