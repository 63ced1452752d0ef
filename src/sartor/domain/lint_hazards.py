"""What rehearsals have seen of an alteration, as findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sartor.domain.alteration import Alteration
from sartor.domain.hazard import Statement, Verdict
from sartor.domain.recipe import PAGE, recipe
from sartor.domain.rehearsal import Rehearsed
from sartor.domain.rules import BLOCKS_READS, BLOCKS_WRITES, REWRITES, Finding

_RULES = {Verdict.BLOCKS_WRITES: BLOCKS_WRITES, Verdict.BLOCKS_READS: BLOCKS_READS, Verdict.REWRITES: REWRITES}
_DOES = {
    Verdict.BLOCKS_WRITES: "stops writes to",
    Verdict.BLOCKS_READS: "stops reads of",
    Verdict.REWRITES: "rewrites",
}
_WORDS = 4
"""How many words of a statement are shown."""


class Seen(NamedTuple):
    """A hazard that was seen: how bad, in which line of the script (from 1), and what, in words."""

    verdict: Verdict
    line: int | None
    message: str


def seen_in(rehearsed: Rehearsed) -> tuple[Seen, ...]:
    """What a rehearsal saw of an alteration that isn't safe."""
    return tuple(
        Seen(statement.verdict, statement.line, _message(statement))
        for statement in rehearsed.statements
        if statement.verdict is not Verdict.SAFE
    )


def lint_hazards(alteration: Alteration, seen: Iterable[Seen]) -> Iterator[Finding]:
    """The findings that come of it."""
    for each in seen:
        yield Finding(
            rule=_RULES[each.verdict],
            lineage=alteration.lineage,
            file=alteration.file,
            line=each.line,
            message=each.message,
            alteration=alteration,
        )


def _message(statement: Statement) -> str:
    words = statement.sql.split()
    shown = " ".join(words[:_WORDS]) + (" ..." if len(words) > _WORDS else "")
    lock = statement.blocking
    tables = ", ".join(statement.rewrites) or (lock.relation if lock else "")
    better = recipe(statement)
    instead = f"; {better.advice} ({PAGE}#{better.anchor})" if better else ""
    return f"`{shown}` {_DOES[statement.verdict]} {tables}{instead}"
