"""What a script's Run does with names and values."""

from __future__ import annotations

import enum

import pytest

from sartor.domain.plan import Direction
from sartor.domain.source import Run

RUN = Run(
    database="app",
    schema="public",
    user="app",
    server_version=150018,
    destination="app@db.example.com:5432/app, schema public",
    direction=Direction.DEPLOY,
    target=None,
    rehearsal=False,
    log=print,
    note=print,
)


class Level(enum.IntEnum):
    """A number with a name."""

    HIGH = 3


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ("it's", "'it''s'"),
        ("a\\b", " E'a\\\\b'"),
        (None, "null"),
        (True, "true"),
        (-1, "-1"),
        (Level.HIGH, "3"),
        (0.5, "0.5"),
        (float("nan"), "'nan'"),
        (float("-inf"), "'-inf'"),
    ],
)
def test_a_literal(value: str | float | None, literal: str) -> None:
    """A value is written so that it can be nothing else."""
    assert RUN.literal(value) == literal


def test_what_has_no_literal() -> None:
    """What SQL can't hold is refused, before it is sent."""
    with pytest.raises(TypeError, match="bytes has no literal: pass it as a parameter"):
        RUN.literal(b"a")  # type: ignore[arg-type]  # what a script does wrong
    with pytest.raises(ValueError, match="NUL"):
        RUN.literal("a\0")


@pytest.mark.parametrize(("name", "quoted"), [("users", '"users"'), ('a"; drop', '"a""; drop"'), ("Ä b", '"Ä b"')])
def test_a_name(name: str, quoted: str) -> None:
    """A name is always in quotes."""
    assert RUN.quote(name) == quoted


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_what_is_no_name(name: str) -> None:
    """What no database can have as a name is refused."""
    with pytest.raises(ValueError, match="can't be a name"):
        RUN.quote(name)
