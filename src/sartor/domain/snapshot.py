"""Snapshots of releases, and which of those that are shipped an empty schema may be built from."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sartor.domain.alteration import Alteration, Lineage
from sartor.domain.release import Release

FOLDER = "snapshots"
"""The name of the folder inside a lineage's folder that holds its snapshots."""


class ReleaseSnapshot(NamedTuple):
    """SQL that builds a release of a lineage at once, in `file`; `checksum` is that of its content, as it was proved.

    `basis` is the checksum of the alterations that it stands for: see `basis_of`. It was proved equal to their replay
    on the major versions `servers`; in `schema` alone, or, where that is None, in any schema. `fault` says why the file
    isn't what was proved, "" where it is.
    """

    lineage: str
    release: Release
    file: str
    checksum: str
    basis: str
    servers: tuple[int, ...]
    schema: str | None = None
    fault: str = ""

    @property
    def name(self) -> str:
        """The file's name in the lineage's folder."""
        return snapshot_name(self.release)

    def stands_for(self, alteration: Alteration) -> bool:
        return alteration.lineage == self.lineage and alteration.release <= self.release

    def misfit(self, lineage: Lineage) -> str:
        """Returns why it doesn't stand for the alterations that its lineage ships; "" where it does."""
        if not self.fault and basis_of(a for a in lineage.alterations if self.stands_for(a)) != self.basis:
            return "the alterations up to it aren't those that it was made of"
        return self.fault

    def unusable(self, lineage: Lineage, *, server: int, schema: str) -> str:
        """Returns why a schema can't be built from it on a server of this major version; "" where it can."""
        if why := self.misfit(lineage):
            return why
        if server < min(self.servers):
            return f"it was proved on Postgres {min(self.servers)}, and this server is Postgres {server}"
        if self.schema not in {None, schema}:
            return f"it was made for schema {self.schema}: its alterations make something else in another schema"
        return ""


class MadeSnapshot(NamedTuple):
    """A snapshot that was made and proved; `alterations` are those that it stands for.

    `written` is False where its file was there already, and was only proved on this server.
    """

    snapshot: ReleaseSnapshot
    alterations: tuple[Alteration, ...]
    written: bool


class Squash(NamedTuple):
    """The alterations of a release and of those below it, whose files were removed, or are to be.

    `snapshot` stands for all of them, None where it isn't made yet. `staged` is True where git was told of the removal.
    """

    release: Release
    snapshot: ReleaseSnapshot | None
    alterations: tuple[Alteration, ...]
    staged: bool = False


def snapshot_name(release: Release) -> str:
    """Returns the name of a release's snapshot in its lineage's folder."""
    return f"{FOLDER}/{release.label}.sql"


def basis_of(alterations: Iterable[Alteration]) -> str:
    """Returns the checksum of alterations, in order: of their names and contents."""
    digest = hashlib.sha256()
    for each in alterations:
        digest.update(f"{each.name} {each.checksum}\n".encode())
    return "sha256:" + digest.hexdigest()


class Choice(NamedTuple):
    """The snapshot that a deploy of an empty schema begins with, and why later ones can't be used, in sentences."""

    snapshot: ReleaseSnapshot | None = None
    passed_over: tuple[str, ...] = ()


def choose_snapshot(
    lineage: Lineage, shipped: Sequence[ReleaseSnapshot], target: Release, *, server: int, schema: str
) -> Choice:
    """Chooses the newest of the snapshots shipped that isn't above the target and can be used."""
    passed_over: list[str] = []
    for each in sorted(shipped, key=lambda each: each.release, reverse=True):
        if each.release > target:
            continue
        if not (why := each.unusable(lineage, server=server, schema=schema)):
            return Choice(each, tuple(passed_over))
        passed_over.append(f"the snapshot of {each.release} isn't used: {why}")
    return Choice(None, tuple(passed_over))
