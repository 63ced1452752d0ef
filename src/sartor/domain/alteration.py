"""Alterations: one script each, in lineages and a catalogue."""

import codecs
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from sartor.domain.file_names import REPEATABLE
from sartor.domain.release import Release
from sartor.errors import CatalogueError

Key = tuple[Release, str]
"""The sort key of alterations: the release, then the identity, its seconds as ten digits."""


class ScriptSettings(NamedTuple):
    """What the settings give to the scripts of a lineage: the values of `variables`, by name, in SQL.

    `import_path` are the folders from which Python may import.
    """

    variables: tuple[tuple[str, str], ...] = ()
    import_path: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "ScriptSettings(...)"  # a value may be a secret


NO_SETTINGS = ScriptSettings()


class Alteration(NamedTuple):
    """One script on disk.

    `id` is its identity, `<timestamp>-<slug>`, which stays the same when a release gives the file its final name; of a
    repeatable script it is `repeatable-<name>`, and `release` is `next` and says nothing. `name` is the file's name,
    `folder` the full path of the folder that holds it, as text, `checksum` that of its content, and `given` what the
    settings give to it. `squashed` is True where its file was removed, as a snapshot stands for it.
    """

    lineage: str
    id: str
    release: Release
    name: str
    checksum: str
    folder: str
    given: ScriptSettings = NO_SETTINGS
    squashed: bool = False

    @property
    def file(self) -> str:
        """The full path, as text; built at each access, as ten thousand stored paths would take a megabyte."""
        return f"{self.folder}/{self.name}"

    @property
    def identity(self) -> tuple[str, str]:
        """The key that identifies it in the ledger: (lineage, id)."""
        return self.lineage, self.id

    @property
    def is_repeatable(self) -> bool:
        """True for a repeatable script, which runs again whenever it has changed."""
        return self.id.startswith(REPEATABLE)

    @property
    def timestamp(self) -> int:
        """The Unix seconds at which it was written, without the fraction."""
        return timestamp(self.id)[0]

    @property
    def is_sql(self) -> bool:
        """True for a `.sql` script, False for a Python one."""
        return self.name.endswith(".sql")

    @property
    def key(self) -> Key:
        """The place in the order: (release, timestamp, slug)."""
        return order_key(self.release, self.id)


class Misnamed(NamedTuple):
    """A file that looks like an alteration and isn't named like one, with the error that says why."""

    lineage: str
    name: str
    file: str
    error: CatalogueError


def order_key(release: Release, alteration_id: str) -> Key:
    """Returns the place in the order: texts padded with zeros sort by (seconds, fraction's digits, slug).

    `-` and `.` sort before the digits, in this order, so a shorter number or fraction comes before a longer one.
    """
    if alteration_id[10:11] in {"-", "."} and alteration_id[:10].isdigit():
        return release, alteration_id
    seconds = alteration_id.partition("-")[0].partition(".")[0]
    return release, "0" * (10 - len(seconds)) + alteration_id


def timestamp(alteration_id: str) -> tuple[int, str]:
    """Returns when an alteration was written: Unix seconds, and the digits of their fraction."""
    seconds, _, fraction = alteration_id.partition("-")[0].partition(".")
    return int(seconds), fraction


def checksum(content: bytes) -> str:
    """Returns the checksum of a script: `sha256:` and 64 hex digits; the algorithm's name is part of it.

    Line ends and a byte order mark don't count: a checkout or an editor on Windows must not look like an edit.
    """
    return "sha256:" + hashlib.sha256(content.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n")).hexdigest()


class Checksum:
    """The checksum of a script whose content comes block by block: the same as that of the whole."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._held = b""
        self._begun = False

    def update(self, block: bytes) -> None:
        if not self._begun:
            self._begun, block = True, block.removeprefix(codecs.BOM_UTF8)
        block = self._held + block if self._held else block
        # The newline that follows this CR may be in the next block.
        self._held = b"\r" if block.endswith(b"\r") else b""
        block = block[:-1] if self._held else block
        self._digest.update(block.replace(b"\r\n", b"\n") if b"\r" in block else block)

    @property
    def text(self) -> str:
        """The checksum, once all blocks were given."""
        self._digest.update(self._held)
        self._held = b""
        return "sha256:" + self._digest.hexdigest()


@dataclass(frozen=True)
class Lineage:
    """A named history of alterations, in order, and the repeatable scripts beside them, in the order of their names.

    `releases` are those that its manifest lists, the lowest first; None where it has no list. `given` is what the
    settings give to its scripts.
    """

    name: str
    location: str
    alterations: tuple[Alteration, ...]
    repeatables: tuple[Alteration, ...] = ()
    releases: tuple[Release, ...] | None = None
    given: ScriptSettings = NO_SETTINGS

    @cached_property
    def by_id(self) -> dict[str, Alteration]:
        """The alterations by identity."""
        return {alteration.id: alteration for alteration in self.alterations}

    @cached_property
    def squashed(self) -> Release | None:
        """The highest release of which alterations were squashed, None where none were."""
        return max((a.release for a in self.alterations if a.squashed), default=None)

    @cached_property
    def highest_version(self) -> Release | None:
        """The highest release that it lists, or that a file belongs to; None where nothing is released."""
        named = next((a.release for a in reversed(self.alterations) if not a.release.unreleased), None)
        return max((r for r in (named, *(self.releases or ())[-1:]) if r is not None), default=None)


@dataclass(frozen=True)
class Catalogue:
    """The alterations on disk: lineages, in the order in which they are deployed. It iterates over the alterations."""

    lineages: tuple[Lineage, ...]

    def __iter__(self) -> Iterator[Alteration]:
        return (alteration for lineage in self.lineages for alteration in lineage.alterations)

    @cached_property
    def by_name(self) -> dict[str, Lineage]:
        """The lineages by name."""
        return {lineage.name: lineage for lineage in self.lineages}

    @cached_property
    def repeatables(self) -> tuple[Alteration, ...]:
        """The repeatable scripts, in the order in which they run."""
        return tuple(script for lineage in self.lineages for script in lineage.repeatables)

    def first(self, number: int) -> "Catalogue":
        """Returns the catalogue with only its first `number` alterations, without repeatable scripts.

        No lineage is left out.
        """
        lineages, left = [], number
        for lineage in self.lineages:
            lineages.append(replace(lineage, alterations=lineage.alterations[: max(left, 0)], repeatables=()))
            left -= len(lineage.alterations)
        return Catalogue(tuple(lineages))

    @cached_property
    def releases(self) -> frozenset[Release] | None:
        """All releases: those listed, and those that the files of a lineage without a list belong to.

        None where no lineage has a list: then there may be others, without alterations.
        """
        if all(lineage.releases is None for lineage in self.lineages):
            return None
        return frozenset(release for lineage in self.lineages for release in _known(lineage))

    @property
    def bare_releases(self) -> tuple[Release, ...]:
        """The listed releases that have no alterations, the lowest first."""
        return tuple(sorted((self.releases or frozenset()) - {a.release for a in self}))

    @property
    def latest(self) -> Release | None:
        """The highest release of all lineages, without `next`; None where nothing is released."""
        if self.releases is not None:
            return max(self.releases, default=None)
        return max((r for lineage in self.lineages if (r := lineage.highest_version)), default=None)


def _known(lineage: Lineage) -> Iterable[Release]:
    if lineage.releases is not None:
        return lineage.releases
    return (a.release for a in lineage.alterations if not a.release.unreleased)


def make_lineage(
    name: str,
    location: str,
    alterations: Iterable[Alteration],
    *,
    releases: tuple[Release, ...] | None = None,
    given: ScriptSettings = NO_SETTINGS,
) -> Lineage:
    """Returns a lineage, its scripts in order. Raises CatalogueError where two files have one identity."""
    ordered = sorted(alterations, key=lambda a: a.key)
    whole, count = tuple(ordered), len(ordered)
    while count and ordered[count - 1].is_repeatable:  # the last ones, as their identities don't begin with a digit
        count -= 1
    lineage = Lineage(name, location, whole[:count], whole[count:], releases, given)
    if len(lineage.by_id) < count or len({script.id for script in lineage.repeatables}) < len(ordered) - count:
        raise _ambiguous(lineage, ordered)
    return lineage


def _ambiguous(lineage: Lineage, ordered: Iterable[Alteration]) -> CatalogueError:
    first: dict[str, Alteration] = {}
    one, other = next((first[a.id], a) for a in ordered if first.setdefault(a.id, a) is not a)
    why = "" if one.is_repeatable else "; a release renames its `next` files and doesn't copy them"
    return CatalogueError(
        f"{one.name} and {other.name} have the same identity, {one.id}",
        hint=f"keep one of them in {lineage.location}{why}",
    )
