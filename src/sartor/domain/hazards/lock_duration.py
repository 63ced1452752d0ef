"""Locks that a script keeps: the statements that it ran before it released them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from sartor.domain.hazards.hazard import STOPS_WRITES, Lock, RehearsedStatement


def with_later(statements: Sequence[RehearsedStatement]) -> tuple[RehearsedStatement, ...]:
    """Returns a script's statements, in order, each with the later ones that ran under a lock that it took."""
    until = list(accumulate([statement.ms for statement in statements], initial=0.0))
    told: list[RehearsedStatement] = []
    ends: dict[str, int] = {}
    for number in reversed(range(len(statements))):
        statement = statements[number]
        last = max((ends.get(name, number) for name in _stopped(statement.locks)), default=number)
        later_ms = until[last + 1] - until[number + 1]
        told.append(dataclasses.replace(statement, later=last - number, later_ms=later_ms))
        ends = _ends(statement, number, ends)
    return tuple(reversed(told))


def _ends(statement: RehearsedStatement, number: int, ends: dict[str, int]) -> dict[str, int]:
    """Returns, by relation, the last statement under each lock that stops others and that the `number`th ran under."""
    if statement.error is not None:
        return ends  # a savepoint took back what it did, and its looks with it
    return {name: ends.get(name, number) for name in _stopped(statement.held)}


def _stopped(locks: Iterable[Lock]) -> Iterator[str]:
    return (lock.relation for lock in locks if lock.mode in STOPS_WRITES)
