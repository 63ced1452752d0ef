"""Reads the alterations of a folder as commits of git have them, without a checkout."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from sartor.alterations.files import find_folder
from sartor.alterations.git import GitFailed, blobs, git
from sartor.alterations.release_list import NAME, parse_releases
from sartor.domain.alteration import Alteration, Checksum, Lineage
from sartor.domain.file_names import REPEATABLE, parse_file_name
from sartor.domain.release import Release
from sartor.errors import CatalogueError, UsageError

Read = Callable[[str], Iterator[bytes]]
_LINK = "120000"
_FILES = frozenset({"100644", "100755", _LINK})
"""The modes of files in a tree: neither folders nor other repositories."""


class Base(NamedTuple):
    """A lineage as the commit `revision` has it (`tip`), and as it was where the branch here left that (`fork`)."""

    revision: str
    fork: Lineage
    tip: Lineage


class _Files(NamedTuple):
    """The files of a folder on disk, by identity, and the names that git would give to their content."""

    alterations: dict[str, Alteration]
    objects: dict[str, str]


def read_base(name: str, location: str, alterations: Sequence[Alteration], revision: str) -> Base:
    """Returns a lineage as a commit has it; `alterations` are those on disk. Raises GitFailed, UsageError."""
    folder = str(find_folder(location))
    prefix = _prefix(folder)
    tip = _commit(folder, revision)
    fork = _fork(folder, revision, tip)
    scripts = [a for a in alterations if not a.is_repeatable]
    objects = [found for part in _parts(scripts) for found in _objects(folder, part)]
    here = _Files({a.id: a for a in scripts}, {a.id: found for a, found in zip(scripts, objects, strict=True)})
    with blobs(folder) as read:
        fork_lineage, tip_lineage = (_lineage(name, folder, f"{commit}:{prefix}", here, read) for commit in (fork, tip))
    return Base(revision, fork_lineage, tip_lineage)


def _objects(folder: str, scripts: Sequence[Alteration]) -> list[str]:
    """Returns the names that git would give to the content of files, once it has changed what it changes of them."""
    return git(folder, "hash-object", "--", *(a.name for a in scripts)).decode().split()


def _parts(scripts: Sequence[Alteration]) -> Iterator[Sequence[Alteration]]:
    """Yields as many files at a time as a command line holds."""
    return (scripts[at : at + 500] for at in range(0, len(scripts), 500))


def _prefix(folder: str) -> str:
    """Returns the path of a folder in its repository. Raises GitFailed where it is in none."""
    try:
        return os.fsdecode(git(folder, "rev-parse", "--show-prefix")).removesuffix("\n").removesuffix("/")
    except GitFailed as error:
        if error.hint:
            raise
        hint = "leave `against` out, or run this in a clone of the repository"
        raise GitFailed(f"git can't tell which repository {folder} is in: {error}", hint=hint) from error


def _commit(folder: str, revision: str) -> str:
    if revision.startswith("-") or not revision.strip():
        raise UsageError(f"{revision!r} isn't a branch, tag or commit", hint="give `against` a branch: origin/main")
    try:
        return git(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").decode().strip()
    except GitFailed:
        hint = "fetch it first: git fetch origin" + _depth(folder)
        raise UsageError(f"git knows no branch, tag or commit {revision!r} here", hint=hint) from None


def _fork(folder: str, revision: str, tip: str) -> str:
    try:
        return git(folder, "merge-base", "HEAD", tip).decode().split()[0]
    except (GitFailed, IndexError):
        hint = "fetch the whole history: git fetch --unshallow" + _depth(folder)
        raise UsageError(f"git knows no common ancestor of this branch and {revision}", hint=hint) from None


def _depth(folder: str) -> str:
    with suppress(GitFailed):
        if git(folder, "rev-parse", "--is-shallow-repository").strip() == b"true":
            return (
                "; the clone is shallow: in a pipeline, give actions/checkout `fetch-depth: 0`, or set GIT_DEPTH to 0"
            )
    return ""


def _lineage(name: str, folder: str, tree: str, here: _Files, read: Read) -> Lineage:
    """Returns the lineage in a tree, without what isn't named like an alteration; empty where there is no folder."""
    try:
        git(folder, "rev-parse", "--verify", "--quiet", tree)
    except GitFailed:
        return Lineage(name, folder, ())
    found: dict[str, Alteration] = {}
    releases: tuple[Release, ...] | None = None
    for entry in filter(None, git(folder, "ls-tree", "--full-tree", "-z", tree).split(b"\0")):
        head, _, file = entry.partition(b"\t")
        mode, _, blob = head.decode().split()
        if file == NAME.encode() and mode in _FILES:
            releases = _releases(b"".join(read(blob)))
        with suppress(CatalogueError, UnicodeDecodeError):
            script = file.decode()
            release, identity = parse_file_name(script)
            if mode in _FILES and not identity.startswith(REPEATABLE):
                summed = _checksum(identity, None if mode == _LINK else blob, here, read)
                found[identity] = Alteration(name, identity, release, script, summed, folder)
    return Lineage(name, folder, tuple(sorted(found.values(), key=lambda a: a.key)), (), releases)


def _checksum(identity: str, blob: str | None, here: _Files, read: Read) -> str:
    """Returns the checksum of a file in a tree.

    One that isn't here as well is compared with none, so any text will do; a link, without a `blob`, counts as equal.
    """
    if identity not in here.alterations:
        return ""
    if blob is None or here.objects[identity] == blob:
        return here.alterations[identity].checksum
    summing = Checksum()
    for block in read(blob):
        summing.update(block)
    return summing.text


def _releases(manifest: bytes) -> tuple[Release, ...] | None:
    with suppress(UnicodeDecodeError, CatalogueError):
        return parse_releases(manifest.decode().splitlines(keepends=True), Path(NAME))
    return None  # a list that can't be read is for the base's own pipeline to find
