"""A proof that a rollback works: up, down and up again on a scratch database, which is looked at after each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

from sartor.domain.alteration import Alteration
from sartor.domain.difference import Difference, compare, without_parts
from sartor.domain.fingerprint import Fingerprint
from sartor.domain.report import Failure

Rows = Mapping[str, Counter[str]]
"""How often each row is in a table, by the table's name and a hash of the row."""


class Result(Enum):
    """What a proof has come to."""

    PROVED = "proved"
    DIFFERS = "differs"
    FAILS = "fails"
    IRREVERSIBLE = "irreversible"

    @property
    def good(self) -> bool:
        """Whether it is as it should be: what can't be undone, and says so, is."""
        return self in {Result.PROVED, Result.IRREVERSIBLE}


class Stage(Enum):
    """The parts of a proof, in order."""

    UP = "up"
    DOWN = "down"
    AGAIN = "up again"


class Look(NamedTuple):
    """What a database holds at a moment; `rows` is empty where they aren't counted."""

    fingerprint: Fingerprint
    rows: Rows


class Deviation(NamedTuple):
    """An object that isn't as it should be: `down` should bring back what was, `up` again make what it made first."""

    stage: Stage
    difference: Difference


class ChangedRows(NamedTuple):
    """A table that had so many `rows`, of which so many are `lost` after `down`; so many others are `new`.

    A row with another value is lost, and new.
    """

    table: str
    rows: int
    lost: int
    new: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was seen of one alteration on a server of this major version.

    `differences` are those that an application can tell, `notes` the others, such as another order of columns. `failed`
    is the stage in which a script failed, and `failure` why; `irreversible` is the script's own word why it has no
    way back. `duration_ms` is the time of the whole proof.
    """

    alteration: Alteration
    result: Result
    server: int
    differences: tuple[Deviation, ...] = ()
    notes: tuple[Deviation, ...] = ()
    rows: tuple[ChangedRows, ...] = ()
    failed: Stage | None = None
    failure: Failure | None = None
    irreversible: str | None = None
    duration_ms: float = 0

    @property
    def stands(self) -> bool:
        """Whether the database holds what a deploy makes, so that the next one can be judged there."""
        return self.failed is None and all(found.stage is not Stage.AGAIN for found in self.differences)


class Proofs(NamedTuple):
    """What a run has proved, and what it couldn't judge, as an `up` before it fails."""

    proofs: tuple[Proof, ...]
    remaining: tuple[Alteration, ...]

    @property
    def bad(self) -> tuple[Proof, ...]:
        """Those that don't prove anything."""
        return tuple(proof for proof in self.proofs if not proof.result.good)


def find(stage: Stage, expected: Fingerprint, found: Fingerprint) -> tuple[Deviation, ...]:
    """How what is `found` after a stage differs from what is `expected`; what comes with another one is left out.

    The two may have been taken of other schemas: one that isn't there is as good as empty.
    """
    if expected.schemas == found.schemas and expected.exact == found.exact:
        return ()
    schemas = tuple(sorted({*expected.schemas, *found.schemas}))
    differences = compare(replace(expected, schemas=schemas), replace(found, schemas=schemas))
    return tuple(Deviation(stage, each) for each in without_parts(differences))


def told_apart(deviations: Iterable[Deviation]) -> tuple[tuple[Deviation, ...], tuple[Deviation, ...]]:
    """Those that an application can tell, and those that are only worth a note."""
    found = tuple(deviations)
    return tuple(f for f in found if not f.difference.noted), tuple(f for f in found if f.difference.noted)


def changed_rows(before: Rows, after: Rows) -> Iterator[ChangedRows]:
    """The tables of `before` whose rows are others in `after`."""
    for table, rows in sorted(before.items()):
        now = after.get(table, Counter[str]())
        lost, new = (rows - now).total(), (now - rows).total()
        if lost or new:
            yield ChangedRows(table=table, rows=rows.total(), lost=lost, new=new)
