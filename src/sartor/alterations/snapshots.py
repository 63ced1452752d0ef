"""Reads and writes the snapshots of a lineage: files in its folder `snapshots`, and their lines in the manifest."""

import os
from pathlib import Path

from sartor.alterations.files import find_folder
from sartor.alterations.manifest import change_manifest, read_manifest, replace_file
from sartor.alterations.snapshot_files import judged
from sartor.domain.alteration import Lineage
from sartor.domain.snapshot import FOLDER, ReleaseSnapshot
from sartor.errors import CatalogueError


def read_snapshots(lineage: Lineage) -> list[ReleaseSnapshot]:
    """Returns the snapshots that a lineage's manifest names, each with what is wrong with its file.

    Raises CatalogueError where the manifest can't be read.
    """
    folder = find_folder(lineage.location)
    if not os.path.isdir(folder / FOLDER):  # noqa: PTH112 - most lineages have none, and start-up counts
        return []
    return [judged(each) for each in read_manifest(lineage).snapshots.values()]


def write_snapshot(file: Path, text: str) -> None:
    """Writes a snapshot's file in place of an earlier one, at once. Raises CatalogueError."""
    try:
        file.parent.mkdir(exist_ok=True)
        replace_file(file, text)
    except OSError as error:
        raise CatalogueError(f"{file} can't be written: {error.strerror}") from error


def record_snapshot(lineage: Lineage, snapshot: ReleaseSnapshot) -> None:
    """Writes a snapshot's line into its lineage's manifest. Raises CatalogueError."""
    change_manifest(lineage, lambda found: found._replace(snapshots={**found.snapshots, snapshot.release: snapshot}))
