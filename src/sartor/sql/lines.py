"""Line numbers of offsets in a text."""

from __future__ import annotations

from collections.abc import Sequence


class Lines:
    """The lines of a text, counted from the place last asked for: asking in order reads the text once.

    `first` is the number of its first line. `gaps` are places, in order, where lines of the file aren't in the text:
    (offset, how many lines).
    """

    def __init__(self, text: str, first: int = 1, gaps: Sequence[tuple[int, int]] = ()) -> None:
        self._text = text
        self._offset, self._line = 0, first
        self._gaps = gaps

    def at(self, offset: int) -> int:
        """Returns the number of the line that holds the character at `offset`."""
        between = self._text.count("\n", min(offset, self._offset), max(offset, self._offset))
        self._line += between if offset > self._offset else -between
        self._offset = offset
        return self._line + sum(count for place, count in self._gaps if place <= offset)
