"""Findings about what rehearsals have seen of an alteration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sartor.domain.alteration import Alteration
from sartor.domain.hazards.hazard import RehearsedStatement, Verdict, named
from sartor.domain.hazards.remediation import PAGE, recipe
from sartor.domain.rehearsal import Rehearsed
from sartor.linter.rules import BLOCKS_READS, BLOCKS_WRITES, LOSES_DATA, REWRITES, Finding

_RULES = {
    Verdict.BLOCKS_WRITES: BLOCKS_WRITES,
    Verdict.BLOCKS_READS: BLOCKS_READS,
    Verdict.REWRITES: REWRITES,
    Verdict.LOSES_DATA: LOSES_DATA,
}
_DOES = {
    Verdict.BLOCKS_WRITES: "blocks writes to",
    Verdict.BLOCKS_READS: "blocks reads of",
    Verdict.REWRITES: "rewrites",
}
_WORDS = 4
"""The number of a statement's words that are shown."""


class Seen(NamedTuple):
    """A hazard that was seen: its verdict, the line of the script (from 1), and a message."""

    verdict: Verdict
    line: int | None
    message: str


def seen_in(rehearsed: Rehearsed) -> tuple[Seen, ...]:
    """Returns the hazards that a rehearsal saw in an alteration."""
    found: list[Seen] = []
    for statement in rehearsed.statements:
        if statement.losses:
            gone = ", ".join(dict.fromkeys(named(loss) for loss in statement.losses))
            found.append(Seen(Verdict.LOSES_DATA, statement.line, f"`{_shown(statement)}` deletes data in {gone}"))
        if statement.stops is not Verdict.SAFE:
            found.append(Seen(statement.stops, statement.line, _message(statement)))
    return tuple(found)


def lint_hazards(alteration: Alteration, seen: Iterable[Seen]) -> Iterator[Finding]:
    """Yields the findings about these hazards."""
    for each in seen:
        yield Finding(
            rule=_RULES[each.verdict],
            lineage=alteration.lineage,
            file=alteration.file,
            line=each.line,
            message=each.message,
            alteration=alteration,
        )


def _message(statement: RehearsedStatement) -> str:
    lock = statement.blocking
    tables = ", ".join(statement.rewrites) or (lock.relation if lock else "")
    better = recipe(statement)
    instead = f"; {better.advice} ({PAGE}#{better.anchor})" if better else ""
    return f"`{_shown(statement)}` {_DOES[statement.stops]} {tables}{instead}"


def _shown(statement: RehearsedStatement) -> str:
    words = statement.sql.split()
    return " ".join(words[:_WORDS]) + (" ..." if len(words) > _WORDS else "")
