"""Text from elsewhere, as it is shown."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.domain.visible import printable, visible, visible_json, visible_line

TEXTS = st.text(st.one_of(st.sampled_from("#[:a \n\x7f\u202e"), st.characters()))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ünïcode\n", "plain, ünïcode\n"),
        ("a\tb", "a\tb"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\rb\x7f\x9f", "a\\x0db\\x7f\\x9f"),
        ("\u202eabc\uffff", "\\u202eabc\uffff"),
        ("\ufeff\ud800", "\\ufeff\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("::set-output", "\\x3a:set-output"),
        ("a\n  ::error::b::c", "a\n  \\x3a:error::b::c"),
        ("a::b", "a::b"),
        ("##[error]", "\\x23#[error]"),
        ("x ##vso[task]", "x \\x23#vso[task]"),
        ("## a heading", "## a heading"),
    ],
)
def test_what_acts_is_spelled_out(text: str, shown: str) -> None:
    """Characters that a terminal acts on, and commands to a pipeline, are shown as text; all else stays."""
    assert visible(text) == shown


@given(TEXTS)
def test_nothing_shown_acts(text: str) -> None:
    """Whatever comes, what is shown holds no control character but tab and newline, and is shown alike again."""
    shown = visible(text)
    assert not [c for c in shown if ord(c) < 32 and c not in "\t\n"]
    assert not any(line.lstrip().startswith("::") for line in shown.split("\n"))
    assert visible(shown) == shown
    assert "\n" not in visible_line(text)
    assert printable(text).count("\n") == text.count("\n")


def test_a_line() -> None:
    """Within a line, a newline is spelled out as well."""
    assert visible_line("a\nb\x1b") == "a\\nb\\x1b"


def test_lines_for_a_pipeline() -> None:
    """Where lines are commands on purpose, only characters are spelled out."""
    assert printable("::error::a\x1b") == "::error::a\\x1b"


@given(st.recursive(TEXTS, st.lists))
def test_json_says_the_same(value: object) -> None:
    """JSON with every active character escaped has the same values."""
    shown = visible_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(shown) == value
    assert not [c for c in shown if c in "\x7f\u202e\ufeff\U000e0041"]
    assert "##[" not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('"\x7f"', '"\\u007f"'),
        ('"\u202e"', '"\\u202e"'),
        ('"\U000e0041ü"', '"\\udb40\\udc41ü"'),
        ('"##[a] # ## x"', '"\\u0023#[a] # ## x"'),
    ],
)
def test_json_is_escaped_its_own_way(text: str, shown: str) -> None:
    """A character beyond the first plane is a pair of escapes; what acts on nobody stays."""
    assert visible_json(text) == shown
