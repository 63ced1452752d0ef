"""What a rehearsal found, taken together; and what a script's parts run in."""

from __future__ import annotations

import pytest

from sartor.domain.hazards.hazard import Lock, Lost, RehearsedStatement, Verdict
from sartor.domain.rehearsal import Rehearsal, Rehearsed
from sartor.domain.source import Part, Source
from support.ledgers import alteration

A = alteration("1.0.0-1-a.py")
SAFE = RehearsedStatement(sql="x", line=1, doubts=("a", "b"))
BLOCKS = RehearsedStatement(sql="x", line=1, locks=(Lock("t", "ShareLock"),), scans=("t",), doubts=("b", "c"))
LOSES = RehearsedStatement(sql="x", line=1, losses=(Lost("drops", "t"),))


def test_an_alteration() -> None:
    """Its verdict is the worst of its statements', its doubts are each told once."""
    found = Rehearsed(alteration=A, statements=(SAFE, BLOCKS))
    assert (found.verdict, found.doubts, found.in_doubt) == (Verdict.BLOCKS_WRITES, ("a", "b", "c"), True)
    assert Rehearsed(alteration=A, statements=(BLOCKS,), reason="no").verdict is Verdict.NOT_REHEARSED
    nothing = Rehearsed(alteration=A)
    assert (nothing.verdict, nothing.doubts, nothing.in_doubt) == (Verdict.SAFE, (), False)
    assert Rehearsed(alteration=A, depends_on_rows=True).in_doubt


def test_a_rehearsal() -> None:
    """What is worse than a limit, or in doubt, is named; the verdict is the worst of all."""
    blocks = Rehearsed(
        alteration=A, statements=(RehearsedStatement(sql="x", line=1, locks=BLOCKS.locks, scans=("t",)),)
    )
    loses, doubtful, safe = (
        Rehearsed(alteration=A, statements=(LOSES,)),
        Rehearsed(alteration=A, depends_on_rows=True),
        Rehearsed(alteration=A),
    )
    found = Rehearsal(target=None, place="here", alterations=(safe, doubtful, blocks, loses))
    assert found.verdict is Verdict.LOSES_DATA
    assert found.above(Verdict.SAFE) == (doubtful, blocks, loses)
    assert found.above(Verdict.BLOCKS_WRITES) == (doubtful, loses)
    assert found.above(Verdict.NOT_REHEARSED) == (doubtful,)


@pytest.mark.parametrize(
    ("part", "said", "outside"),
    [
        (Part.UP, {Part.DOWN}, False),
        (Part.DOWN, {Part.DOWN}, True),
        (Part.UP, None, None),
        (Part.BEFORE_UP, set(), True),
        (Part.BEFORE_DOWN, None, True),
    ],
)
def test_where_a_part_runs(part: Part, said: set[Part] | None, outside: bool | None) -> None:
    """What comes before a script runs outside of its transaction; the rest as the script says, if that is known."""
    assert Source(alteration=A, outside=None if said is None else frozenset(said)).runs_outside(part) is outside
