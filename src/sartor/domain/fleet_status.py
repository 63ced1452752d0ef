"""The status of a fleet: how many of its destinations stand where, and who doesn't fit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from sartor.domain.destination import Destination
from sartor.domain.ledger import Ledger
from sartor.domain.likeness import Likeness, LikenessClass, Outlier, find_classes
from sartor.domain.release import Release
from sartor.domain.status import Status


class Standing(NamedTuple):
    """Where a destination stands: the numbers of what its status lists, so that a fleet's status takes little memory.

    `exists` says that it has a ledger.
    """

    destination: Destination
    likeness: Likeness
    exists: bool
    pending: int = 0
    out_of_order: int = 0
    edited: int = 0
    missing: int = 0
    interrupted: int = 0
    ahead: int = 0

    @classmethod
    def of(cls, destination: Destination, ledger: Ledger, status: Status, likeness: Likeness) -> Standing:
        """Returns where a destination stands whose status was read."""
        names = ("out_of_order", "edited", "missing", "interrupted", "ahead")
        numbers = {name: len(getattr(status, name)) for name in names}
        pending = len(status.pending) + len(status.repeatables.due)
        return cls(destination, likeness, ledger.exists, pending, **numbers)

    @property
    def release(self) -> Release | None:
        """The highest release of which everything is deployed."""
        return self.likeness.release

    @property
    def is_refused(self) -> bool:
        """True where a deploy would be refused."""
        return bool(self.edited or self.missing)

    @property
    def is_current(self) -> bool:
        """True where nothing is pending, and nothing is in the way of what comes."""
        return not (self.pending or self.is_refused or self.interrupted)


class AtRelease(NamedTuple):
    """The destinations at one release: how many, and how many alterations are pending there, at least and at most.

    `release` is None where none is complete; `exists` is False where there is no ledger.
    """

    release: Release | None
    exists: bool
    destinations: int
    least: int
    most: int


class FleetStatus:
    """The standings of those destinations of a fleet that were reached, in the fleet's order."""

    def __init__(self, standings: Sequence[Standing]) -> None:
        self.standings = tuple(standings)

    @cached_property
    def releases(self) -> tuple[AtRelease, ...]:
        """How many stand at each release, the highest first; without a ledger last."""
        held: dict[tuple[bool, Release | None], list[int]] = {}
        for each in self.standings:
            held.setdefault((each.exists, each.release), []).append(each.pending)
        rows = [AtRelease(at, exists, len(those), min(those), max(those)) for (exists, at), those in held.items()]
        complete = sorted((row for row in rows if row.release is not None), key=_release_of, reverse=True)
        return *complete, *sorted((row for row in rows if row.release is None), key=lambda row: not row.exists)

    @cached_property
    def classes(self) -> tuple[LikenessClass, ...]:
        """The classes of likeness, largest first."""
        return find_classes((each.destination, each.likeness) for each in self.standings)

    @property
    def outliers(self) -> tuple[Outlier, ...]:
        """The destinations that don't fit their class."""
        return tuple(outlier for each in self.classes for outlier in each.outliers)

    @property
    def split(self) -> tuple[LikenessClass, ...]:
        """The classes of which no schema is that of more than half."""
        return tuple(each for each in self.classes if each.majority is None)

    @property
    def current(self) -> tuple[Standing, ...]:
        return tuple(each for each in self.standings if each.is_current)

    @property
    def behind(self) -> tuple[Standing, ...]:
        """The destinations where something is pending, those behind furthest first."""
        return tuple(sorted((each for each in self.standings if each.pending), key=lambda each: -each.pending))

    @property
    def refused(self) -> tuple[Standing, ...]:
        return tuple(each for each in self.standings if each.is_refused)

    @property
    def interrupted(self) -> tuple[Standing, ...]:
        return tuple(each for each in self.standings if each.interrupted)

    @property
    def ahead(self) -> tuple[Standing, ...]:
        return tuple(each for each in self.standings if each.ahead)


def _release_of(row: AtRelease) -> Release:
    assert row.release is not None  # noqa: S101 - for the type checker
    return row.release
