"""Offsets of a text as its lines."""

from __future__ import annotations


class Lines:
    """The lines of a text, counted on from where it was last asked: who asks in order has the text read once.

    `first` is the number of its first line.
    """

    def __init__(self, text: str, first: int = 1) -> None:
        self._text = text
        self._offset, self._line = 0, first

    def at(self, offset: int) -> int:
        """The number of the line in which the character at `offset` stands."""
        between = self._text.count("\n", min(offset, self._offset), max(offset, self._offset))
        self._line += between if offset > self._offset else -between
        self._offset = offset
        return self._line
