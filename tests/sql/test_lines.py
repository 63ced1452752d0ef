"""Which line an offset is in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sartor.sql.lines import Lines


@given(st.text("a\n\r", max_size=20), st.lists(st.integers(0, 20)), st.integers(1, 9))
def test_every_offset(text: str, offsets: list[int], first: int) -> None:
    """A line ends with its line feed, and the next one has the next number, in whichever order it is asked."""
    lines = Lines(text, first)
    assert [lines.at(offset) for offset in offsets] == [first + text.count("\n", 0, offset) for offset in offsets]
