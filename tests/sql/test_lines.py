"""Which line an offset is in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sartor.sql.splitting import Lines


@given(st.text("a\n\r", max_size=20), st.lists(st.integers(0, 20)), st.integers(1, 9))
def test_every_offset(text: str, offsets: list[int], first: int) -> None:
    """A line ends with its line feed, and the next one has the next number, in whichever order it is asked."""
    lines = Lines(text, first)
    assert [lines.at(offset) for offset in offsets] == [first + text.count("\n", 0, offset) for offset in offsets]


def test_lines_that_are_not_in_the_text() -> None:
    """Lines of the file that were left out of the text count from where they would stand."""
    lines = Lines("a\nb\nc", gaps=[(2, 10), (4, 100)])
    assert [lines.at(offset) for offset in (0, 1, 2, 3, 4, 0)] == [1, 1, 12, 12, 113, 1]
