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


def find_standing(pairs: Iterable[tuple[Lineage, Manifest]]) -> Standing:
    """Compares the files of lineages with their manifests."""
    edited, missing, unproved = [], [], []  # type: list[Alteration], list[Line], list[Alteration]
    for lineage, manifest in pairs:
        missing += (line for line in manifest.values() if line.binds and line.id not in lineage.by_id)
        for alteration in lineage.alterations:
            line = manifest.get(alteration.id)
            same = line is not None and line.checksum == alteration.checksum
            if line is not None and line.binds and not same:
                edited.append(alteration)
            elif line is None or line.proof is None or not (same and line.proof.good):
                unproved.append(alteration)
    return Standing(tuple(edited), tuple(missing), tuple(unproved))
