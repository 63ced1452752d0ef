"""Reads the files of snapshots: whether they are what was proved, and their statements for a schema."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sartor.alterations.files import file_blocks, find_folder
from sartor.alterations.script import Fragment
from sartor.alterations.sql_file import read_statements
from sartor.domain.alteration import Checksum, Lineage
from sartor.domain.release import Release
from sartor.domain.snapshot import ReleaseSnapshot, snapshot_name
from sartor.errors import AlterationEdited
from sartor.sql.dump_text import placed

EDITED = "its file has changed since it was proved"


def judged(snapshot: ReleaseSnapshot) -> ReleaseSnapshot:
    """Returns a snapshot of a manifest with what is wrong with its file. Raises CatalogueError."""
    if not os.path.exists(snapshot.file):  # noqa: PTH110 - it is text
        return snapshot._replace(fault="its file is missing")
    return snapshot if sum_of(snapshot.file) == snapshot.checksum else snapshot._replace(fault=EDITED)


def sum_of(file: str) -> str:
    """Returns the checksum of a file. Raises CatalogueError where it can't be read."""
    summing = Checksum()
    for block in file_blocks(file):
        summing.update(block)
    return summing.text


def load_snapshot(snapshot: ReleaseSnapshot, schema: str) -> tuple[Fragment, ...]:
    """Returns the statements that build a snapshot's release in this schema.

    Raises AlterationEdited where the file isn't what was proved, ScriptError and CatalogueError where it can't be read.
    """
    found = read_statements(snapshot.name, snapshot.file, _proved_blocks(snapshot))
    return tuple(replace(each, text=placed(each.text, schema)) for each in found)


def _proved_blocks(snapshot: ReleaseSnapshot) -> Iterator[bytes]:
    summing = Checksum()
    for block in file_blocks(snapshot.file):
        summing.update(block)
        yield block
    if summing.text != snapshot.checksum:
        raise AlterationEdited(
            f"{snapshot.name}: {EDITED}", hint=f"restore the file, or make it anew: `snapshot` {snapshot.release}"
        )


def snapshot_file(lineage: Lineage, release: Release) -> Path:
    """Returns the path of a release's snapshot."""
    return find_folder(lineage.location) / snapshot_name(release)
