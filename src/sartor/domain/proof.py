"""Proofs that rollbacks work, by up, down and up again."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import NamedTuple

from sartor.domain.alteration import Alteration
from sartor.domain.drift import Difference
from sartor.domain.fingerprint import Fingerprint
from sartor.domain.report import Failure

Rows = Mapping[str, Counter[str]]
"""The number of times that each row is in a table, by the table's name and a hash of the row."""


class Result(Enum):
    """The result of a proof."""

    PROVED = "proved"
    DIFFERS = "differs"
    FAILS = "fails"
    IRREVERSIBLE = "irreversible"

    @property
    def good(self) -> bool:
        """True where it is as it should be; so is an alteration that says that it is irreversible."""
        return self in {Result.PROVED, Result.IRREVERSIBLE}


class Stage(Enum):
    """The parts of a proof, in order."""

    UP = "up"
    DOWN = "down"
    AGAIN = "up again"
    REPEATED = "repeated"
    """A repeatable script's second run, on what the first one made."""


class DatabaseSnapshot(NamedTuple):
    """The content of a database at a moment; `rows` is empty where they aren't counted."""

    fingerprint: Fingerprint
    rows: Rows


class Deviation(NamedTuple):
    """An object that isn't as it should be: `down` should bring back what was, `up` again what it made at first.

    A repeatable script that is repeated should change nothing.
    """

    stage: Stage
    difference: Difference


class ChangedRows(NamedTuple):
    """A table's number of `rows`, how many of them are `lost` after `down`, and how many other ones are `new`.

    A row with another value counts as lost and as new.
    """

    table: str
    rows: int
    lost: int
    new: int


class Proof(NamedTuple):
    """The observations about one alteration on a server of this major version.

    `differences` are those that an application can tell, `notes` the others, such as another order of columns;
    `ignored` are those that the settings leave out. `failed` is the stage in which a script failed, and `failure` the
    reason; `irreversible` is the script's own reason why it can't be rolled back. `duration_ms` is the time of the
    whole proof.
    """

    alteration: Alteration
    result: Result
    server: int
    differences: tuple[Deviation, ...] = ()
    notes: tuple[Deviation, ...] = ()
    ignored: tuple[Deviation, ...] = ()
    rows: tuple[ChangedRows, ...] = ()
    failed: Stage | None = None
    failure: Failure | None = None
    irreversible: str | None = None
    duration_ms: float = 0

    @property
    def stands(self) -> bool:
        """True where the database holds what a deploy makes, so that the next alteration can be judged there."""
        return self.failed is None and all(found.stage is not Stage.AGAIN for found in self.differences)


class Proofs(NamedTuple):
    """The proofs of a run, and the alterations that it couldn't judge, as an `up` before them failed."""

    proofs: tuple[Proof, ...]
    remaining: tuple[Alteration, ...]

    @property
    def bad(self) -> tuple[Proof, ...]:
        """The proofs whose result isn't good."""
        return tuple(proof for proof in self.proofs if not proof.result.good)


def told_apart(deviations: Iterable[Deviation]) -> tuple[tuple[Deviation, ...], tuple[Deviation, ...]]:
    found = tuple(deviations)
    return tuple(f for f in found if not f.difference.noted), tuple(f for f in found if f.difference.noted)


def changed_rows(before: Rows, after: Rows) -> Iterator[ChangedRows]:
    for table, rows in sorted(before.items()):
        now = after.get(table, Counter[str]())
        lost, new = (rows - now).total(), (now - rows).total()
        if lost or new:
            yield ChangedRows(table=table, rows=rows.total(), lost=lost, new=new)
