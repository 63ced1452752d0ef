"""The likeness of destinations: which of a fleet have the same history and the same schema, and which don't fit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from sartor.domain.destination import Destination
from sartor.domain.ledger import Ledger
from sartor.domain.release import Release


class Likeness(NamedTuple):
    """The likeness of a destination to others: what a run, or a rehearsal, does at one of them, it does at the others.

    `ledger` is the hash of what is deployed, `server` the major version of Postgres, `fingerprint` the hash of the
    schema as it should be (None where that isn't known), whichever its name; `release` is where the destination stands.
    """

    ledger: str
    server: int
    fingerprint: str | None = None
    release: Release | None = None


Placed = tuple[Destination, Likeness]
"""A destination with its likeness."""


class Oddity(Enum):
    """Why a destination doesn't fit its class."""

    DIFFERS = "another schema"
    UNKNOWN = "an unknown schema"


class Outlier(NamedTuple):
    """A destination whose schema isn't that of most of its class, or can't be compared with it."""

    destination: Destination
    why: Oddity


class Variety(NamedTuple):
    """Those destinations of a class that have the same fingerprint, in the order in which they were given."""

    fingerprint: str | None
    destinations: tuple[Destination, ...]


class LikenessClass(NamedTuple):
    """The destinations with the same deployed alterations on the same major version of Postgres.

    `release` is the lowest at which one of them stands. `varieties` are by number, largest first.
    """

    ledger: str
    server: int
    release: Release | None
    varieties: tuple[Variety, ...]

    @property
    def size(self) -> int:
        return sum(len(variety.destinations) for variety in self.varieties)

    @property
    def majority(self) -> Variety | None:
        """The variety that more than half of the class has; None where there is none."""
        first = self.varieties[0]
        return first if 2 * len(first.destinations) > self.size else None

    @property
    def outliers(self) -> tuple[Outlier, ...]:
        """The destinations that aren't of the majority's variety; none where there is no majority to compare with."""
        return tuple(self._outliers())

    def _outliers(self) -> Iterator[Outlier]:
        if (majority := self.majority) is None:
            return
        for variety in self.varieties[1:]:
            known = None not in {variety.fingerprint, majority.fingerprint}
            for destination in variety.destinations:
                yield Outlier(destination, Oddity.DIFFERS if known else Oddity.UNKNOWN)

    @property
    def representatives(self) -> tuple[Variety, ...]:
        """The varieties of which one destination each stands for the class: the majority's, or else all."""
        return self.varieties if self.majority is None else self.varieties[:1]


def hash_ledger(ledger: Ledger) -> str:
    """Returns the hash of what is deployed: ids, checksums and states, in the order of ids.

    The order in which they were deployed doesn't count: what comes of another order shows in the fingerprint. Without a
    ledger it is the hash of nothing, as it is where everything was rolled back.
    """
    rows = sorted((entry.lineage, entry.id, entry.checksum, entry.state.value) for entry in ledger.entries)
    scripts = sorted((each.lineage, each.id, each.checksum, str(each.again)) for each in ledger.repeatables)
    text = "\n\n".join("\n".join("\t".join(row) for row in part) for part in (rows, scripts))
    return hashlib.sha256(text.encode()).hexdigest()


def hash_names(names: Iterable[str]) -> str:
    """Returns the hash that stands for the fingerprint of a schema without a ledger: that of its objects' names."""
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()


def find_classes(placed: Iterable[Placed]) -> tuple[LikenessClass, ...]:
    """Returns the classes of a fleet, largest first. The order of destinations decides which comes first in a class."""
    found: dict[tuple[str, int], list[Placed]] = {}
    for each in placed:
        found.setdefault((each[1].ledger, each[1].server), []).append(each)
    return tuple(sorted((_class_of(members) for members in found.values()), key=_by_size))


def _class_of(members: Sequence[Placed]) -> LikenessClass:
    varieties: dict[str | None, list[Destination]] = {}
    for destination, likeness in members:
        varieties.setdefault(likeness.fingerprint, []).append(destination)
    made = (Variety(fingerprint, tuple(those)) for fingerprint, those in varieties.items())
    first = members[0][1]
    releases = [likeness.release for _, likeness in members]
    lowest = None if None in releases else min(release for release in releases if release is not None)
    in_order = sorted(made, key=lambda each: (-len(each.destinations), each.fingerprint or ""))
    return LikenessClass(first.ledger, first.server, lowest, tuple(in_order))


def _by_size(each: LikenessClass) -> tuple[int, str, int, str]:
    return -each.size, str(each.release or ""), each.server, each.ledger


def pick_canaries(classes: Iterable[LikenessClass]) -> tuple[Destination, ...]:
    """Returns one destination of each class, of its largest variety: a run that goes well there goes well elsewhere."""
    return tuple(each.varieties[0].destinations[0] for each in classes)
