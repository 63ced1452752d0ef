"""Lines on a terminal break at words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sartor.cli.output import fold

WORDS = st.lists(st.text(alphabet="abc-", min_size=1, max_size=9), min_size=1).map(" ".join)


@given(WORDS, st.sampled_from(["", "  "]), st.integers(20, 40))
def test_a_line_breaks_at_words(text: str, indent: str, width: int) -> None:
    """No line is longer than the terminal is wide, none breaks a word, and no word is lost."""
    lines = fold(indent + text, width).splitlines()
    assert all(len(line) <= width for line in lines)
    assert " ".join(line.strip() for line in lines) == text
    assert lines[0].startswith(indent)
    assert all(line.startswith(f"{indent}  ") for line in lines[1:])


def test_commands_stay_whole() -> None:
    """A command that is printed works when it is pasted: it is in one line, however long that gets."""
    command = 'sartor db alteration repair --reason "..." --mark-deployed 1-a'
    assert fold(f"  restore the file, or: {command}", 30).splitlines() == ["  restore the file, or:", f"    {command}"]
    quoted = f"use `{command}`, or restore"
    assert fold(quoted, 30).splitlines() == ["use", f"  `{command}`,", "  or restore"]


def test_a_pipeline_gets_long_lines() -> None:
    """What has no width isn't broken."""
    assert fold("word " * 100, 0) == "word " * 100
