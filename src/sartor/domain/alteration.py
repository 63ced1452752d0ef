"""Alterations: one script each, and the grammar of their file names."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from sartor.domain.errors import CatalogueError
from sartor.domain.release import Release

FILE_NAME = re.compile(
    r"(?P<release>[^-]+)-(?P<timestamp>[0-9]{1,10}(?:\.[0-9]+)?)-(?P<slug>\w[\w.-]*)\.(?P<kind>py|sql)",
)
EXAMPLE = "1.3.0-1700000000-add-users.py or next-1700000000-add-users.sql"

Key = tuple[Release, int, str, str]
"""What alterations are ordered by: release, seconds, the digits of their fraction, slug."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alteration:
    """One script on disk.

    `id` is its identity, `<timestamp>-<slug>`: it stays when a release gives the file its final name.
    `name` is the file's name, `file` its full path as text, `checksum` that of its content.
    """

    lineage: str
    release: Release
    id: str
    name: str
    file: str
    checksum: str

    @property
    def identity(self) -> tuple[str, str]:
        """What makes it one and the same in the ledger: (lineage, id)."""
        return self.lineage, self.id

    @property
    def timestamp(self) -> int:
        """Unix seconds, without the fraction."""
        return int(self.id.partition("-")[0].partition(".")[0])

    @property
    def is_sql(self) -> bool:
        """Whether it is a `.sql` script, not a Python one."""
        return self.name.endswith(".sql")

    @property
    def key(self) -> Key:
        """Its place in the order: (release, timestamp, slug)."""
        return order_key(self.release, self.id)


def order_key(release: Release, alteration_id: str) -> Key:
    """The place in the order of an alteration of this release and identity."""
    timestamp, _, slug = alteration_id.partition("-")
    seconds, _, fraction = timestamp.partition(".")
    return release, int(seconds), fraction, slug


def parse_file_name(name: str) -> tuple[Release, str]:
    """The release and the identity that a file name states. Raises CatalogueError, naming the file and the reason."""
    match = FILE_NAME.fullmatch(name)
    if match is None:
        raise CatalogueError(
            f"{name} isn't named like an alteration: <release>-<timestamp>-<name>.py or .sql",
            hint=f"name it like {EXAMPLE}; a helper's name begins with `_`",
        )
    try:
        release = Release.parse(match["release"])
    except ValueError as error:
        raise CatalogueError(
            f"{name}: {error}",
            hint="versions are PEP 440's: 1.2.0, 1.2.0_alpha.1, 1.2.0_beta.1, 1.2.0_rc.1; or `next`",
        ) from None
    return release, f"{match['timestamp']}-{match['slug']}"


def checksum(content: bytes) -> str:
    """The checksum of a script, `sha256:` and 64 hex digits; the algorithm's name is part of it.

    Line ends don't count: a checkout on Windows must not look like an edit.
    """
    return "sha256:" + hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


@dataclass(frozen=True)
class Lineage:
    """A named history of alterations, in order."""

    name: str
    location: str
    alterations: tuple[Alteration, ...]

    @cached_property
    def by_id(self) -> dict[str, Alteration]:
        """Its alterations by identity."""
        return {alteration.id: alteration for alteration in self.alterations}

    @cached_property
    def highest_version(self) -> Release | None:
        """The highest release that isn't `next`, or None where nothing is released."""
        released = [a.release for a in self.alterations if not a.release.unreleased]
        return max(released, default=None)


@dataclass(frozen=True)
class Catalogue:
    """The alterations on disk: lineages, in the order in which they are deployed."""

    lineages: tuple[Lineage, ...]

    def __iter__(self) -> Iterator[Alteration]:
        return (alteration for lineage in self.lineages for alteration in lineage.alterations)

    @cached_property
    def by_name(self) -> dict[str, Lineage]:
        """The lineages by name."""
        return {lineage.name: lineage for lineage in self.lineages}

    @property
    def latest(self) -> Release | None:
        """The highest release shipped by any lineage, `next` apart."""
        return max((r for lineage in self.lineages if (r := lineage.highest_version)), default=None)


def make_lineage(name: str, location: str, alterations: Iterable[Alteration]) -> Lineage:
    """A lineage in its order. Raises CatalogueError where two files have one identity."""
    ordered = sorted(alterations, key=lambda a: a.key)
    seen: dict[str, Alteration] = {}
    for alteration in ordered:
        if other := seen.get(alteration.id):
            raise CatalogueError(
                f"{other.name} and {alteration.name} are the same alteration, {alteration.id}",
                hint=f"keep one of them in {location}; a release renames its `next` files, it doesn't copy them",
            )
        seen[alteration.id] = alteration
    return Lineage(name, location, tuple(ordered))
