"""Locks that are held on while other statements run."""

from __future__ import annotations

from typing import Any

from sartor.domain.hazards.circumstances import with_later
from sartor.domain.hazards.hazard import Lock, RehearsedStatement

A, B = Lock("a", "AccessExclusiveLock"), Lock("b", "ShareLock")
WEAK = Lock("a", "RowExclusiveLock")


def later(*statements: dict[str, Any]) -> list[tuple[int, float]]:
    found = with_later(
        [RehearsedStatement(sql="x", line=None, ms=2.0**number, **each) for number, each in enumerate(statements)]
    )
    return [(statement.later, statement.later_ms) for statement in found]


def test_until_the_end() -> None:
    """A lock that stops others is held on over all later statements of its transaction; a weaker one isn't told of."""
    first, second, third = {"locks": (A,)}, {"locks": (B, WEAK), "held": (A,)}, {"held": (A, B)}
    assert later(first, second, third) == [(2, 6.0), (1, 4.0), (0, 0.0)]
    assert later({"locks": (WEAK,)}, {"held": (WEAK,)}) == [(0, 0.0), (0, 0.0)]


def test_until_it_is_given_back() -> None:
    """What a savepoint gave back, or a transaction's end, isn't held on any longer."""
    assert later({"locks": (A,)}, {"held": (A,)}, {"locks": (A,)}, {"held": (A,)})[0] == (1, 2.0)
    assert later({"locks": (A,)}, {}, {"held": (A,)}) == [(0, 0.0)] * 3


def test_a_statement_that_fails() -> None:
    """One that fails, and knows of no lock, runs under those that are held all the same."""
    assert later({"locks": (A,)}, {"error": "no"}, {"held": (A,)})[0] == (2, 6.0)
    assert later({"locks": (A,)}, {"error": "no"}, {}) == [(0, 0.0)] * 3
