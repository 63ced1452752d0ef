"""The manifest of a lineage: what was released, as it was then, and what is proved."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple, Self

from sartor.domain.alteration import Alteration, Lineage
from sartor.domain.proof import Proof, Result
from sartor.domain.release import Release
from sartor.domain.snapshot import ReleaseSnapshot


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
    def of(cls, proof: Proof) -> Self:
        alteration = proof.alteration
        return cls(alteration.id, alteration.release, alteration.checksum, proof.result, proof.server)

    @property
    def binds(self) -> bool:
        """True where its file may not change: it is released, and no proof of it failed (a failure has to be fixed)."""
        return not self.release.unreleased and (self.proof is None or self.proof.good)


class Manifest(NamedTuple):
    """The record of one lineage: its lines by identity, and the releases that were cut, the lowest first.

    `releases` is None where there is no list: then the files alone say what is released. `releasing` is the release
    that is being cut, or was when that was interrupted. `snapshots` are by their releases.
    """

    lines: Mapping[str, Line] = MappingProxyType({})
    releases: tuple[Release, ...] | None = None
    releasing: Release | None = None
    snapshots: Mapping[Release, ReleaseSnapshot] = MappingProxyType({})


class Standing(NamedTuple):
    """The result of comparing alterations with their manifest.

    `edited` are released ones whose file has changed since, `missing` the lines of those that no longer have a file,
    `unproved` all whose rollback isn't known to work: there is no proof, it is of another file, or it failed.
    `unlisted` are those whose names have a release that isn't in the manifest's list.
    """

    edited: tuple[Alteration, ...]
    missing: tuple[Line, ...]
    unproved: tuple[Alteration, ...]
    unlisted: tuple[Alteration, ...] = ()
    snapshots: tuple[ReleaseSnapshot, ...] = ()
    """The snapshots that no deploy begins with, each with its `fault`."""

    @property
    def contradicts(self) -> bool:
        """True where something was changed that may not be."""
        return bool(self.edited or self.missing or self.unlisted)


def find_standing(pairs: Iterable[tuple[Lineage, Manifest]]) -> Standing:
    """Compares the files of lineages with their manifests."""
    edited, missing, unproved = [], [], []  # type: list[Alteration], list[Line], list[Alteration]
    unlisted: list[Alteration] = []
    snapshots: list[ReleaseSnapshot] = []
    for lineage, manifest in pairs:
        lines = manifest.lines
        missing += (line for line in lines.values() if line.binds and line.id not in lineage.by_id)
        unlisted += find_unlisted(lineage.alterations, manifest.releases)
        snapshots += (s._replace(fault=why) for s in manifest.snapshots.values() if (why := s.misfit(lineage)))
        for alteration in (each for each in lineage.alterations if not each.squashed):
            line = lines.get(alteration.id)
            same = line is not None and line.checksum == alteration.checksum
            if line is not None and line.binds and not same:
                edited.append(alteration)
            elif line is None or line.proof is None or not (same and line.proof.good):
                unproved.append(alteration)
    return Standing(tuple(edited), tuple(missing), tuple(unproved), tuple(unlisted), tuple(snapshots))


def find_unlisted(alterations: Iterable[Alteration], releases: Iterable[Release] | None) -> list[Alteration]:
    """Returns the alterations that are named after a release that isn't in the list, where there is one."""
    if releases is None:
        return []
    listed = {*releases}
    return [a for a in alterations if not a.release.unreleased and a.release not in listed]
