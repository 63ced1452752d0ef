"""The manifest of a lineage: which alterations were released, and which rollbacks were seen to work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sartor.domain.alteration import Alteration, Lineage
from sartor.domain.proof import Proof, Result
from sartor.domain.release import Release


class Line(NamedTuple):
    """A manifest's record of one alteration: its release and its file's checksum, both as they were then.

    `proof` is the result of a proof of exactly that file, `server` the major version of the server that it ran on; both
    are None where there was none.
    """

    id: str
    release: Release
    checksum: str
    proof: Result | None = None
    server: int | None = None

    @classmethod
    def of(cls, proof: Proof) -> Line:
        """Returns the line that records a proof."""
        alteration = proof.alteration
        return cls(alteration.id, alteration.release, alteration.checksum, proof.result, proof.server)

    @property
    def binds(self) -> bool:
        """True where its file may not change: it is released, and no proof of it failed (a failure has to be fixed)."""
        return not self.release.unreleased and (self.proof is None or self.proof.good)


Manifest = Mapping[str, Line]
"""The lines of one lineage, by identity."""


class Standing(NamedTuple):
    """The result of comparing alterations with their manifest.

    `edited` are released ones whose file has changed since, `missing` the lines of those that no longer have a file,
    `unproved` all whose rollback isn't known to work: there is no proof, it is of another file, or it failed.
    """

    edited: tuple[Alteration, ...]
    missing: tuple[Line, ...]
    unproved: tuple[Alteration, ...]

    @property
    def contradicts(self) -> bool:
        """True where something was changed that may not be."""
        return bool(self.edited or self.missing)


def join(standings: Iterable[Standing]) -> Standing:
    """Returns the standings of several lineages as one."""
    found = list(standings)
    return Standing(
        edited=tuple(a for each in found for a in each.edited),
        missing=tuple(line for each in found for line in each.missing),
        unproved=tuple(a for each in found for a in each.unproved),
    )


def find_standings(lineage: Lineage, manifest: Manifest) -> Standing:
    """Compares a lineage's files with its manifest."""
    pairs = [(a, manifest.get(a.id)) for a in lineage.alterations]
    edited = tuple(a for a, line in pairs if line is not None and _is_edited(a, line))
    return Standing(
        edited=edited,
        missing=tuple(x for x in manifest.values() if x.binds and x.id not in lineage.by_id),
        unproved=tuple(a for a, line in pairs if a not in edited and not _is_proved(a, line)),
    )


def _is_edited(alteration: Alteration, line: Line) -> bool:
    return line.binds and line.checksum != alteration.checksum


def _is_proved(alteration: Alteration, line: Line | None) -> bool:
    return line is not None and line.checksum == alteration.checksum and line.proof is not None and line.proof.good
