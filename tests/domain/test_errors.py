"""Errors and what they came from."""

from __future__ import annotations

from sartor.errors import causes


def test_causes_of_a_circle_end() -> None:
    """Errors that name each other as their cause are told once each: a script may raise such a circle."""
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__context__ = second, first
    assert list(causes(first)) == [first, second]
