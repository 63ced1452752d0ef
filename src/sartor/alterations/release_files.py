"""Cuts a release: renames its files, and freezes them in the manifest."""

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sartor.alterations.files import find_folder, locked, read_lineage
from sartor.alterations.git import GitFailed, has_work_tree, stage, uncommitted
from sartor.alterations.manifest import read_manifest, write_manifest
from sartor.alterations.release_list import NAME
from sartor.domain.cutting import ReleasePlan, Renaming
from sartor.domain.manifest import Manifest
from sartor.domain.status import few
from sartor.errors import CatalogueError

HELD_BACK = "_next-"
"""The beginning of the names of files that a later release ships."""


def held_back_notes(plan: ReleasePlan) -> tuple[str, ...]:
    """Returns notes about the files beside a release that a later one ships."""
    folder = find_folder(plan.lineage.location)
    names = sorted(file.name for file in folder.glob(f"{HELD_BACK}*") if file.suffix in {".py", ".sql"})
    notes = [
        f"{name} is held back; for the next release, once no version before {plan.release} is running: rename it to"
        f" {name[1:]}"
        for name in names
    ]
    return tuple(few(notes, "are held back"))


def cut_release(plan: ReleasePlan) -> None:
    """Renames the files of a release and writes its manifest: all of it or nothing. Raises CatalogueError.

    A process that is killed leaves a manifest that names the release, so that the next call goes on.
    """
    lineage = plan.lineage
    folder = find_folder(lineage.location)
    try:
        with locked(folder):
            before = read_manifest(lineage)
            if read_lineage(lineage.name, lineage.location) != lineage or before != plan.before:
                raise CatalogueError(f"{folder} has changed meanwhile", hint="run the command again")
            with _all_or_nothing(plan, folder) as renamed:
                write_manifest(lineage, before._replace(releasing=plan.release))
                for each in plan.renamings:
                    _rename(folder, each)
                    renamed.append(each)
                _put_on_disk(folder)
                write_manifest(lineage, plan.manifest)
    except OSError as error:
        raise CatalogueError(f"{folder}: {plan.release} isn't released: {error.strerror}: {error.filename}") from error


@contextmanager
def _all_or_nothing(plan: ReleasePlan, folder: Path) -> Iterator[list[Renaming]]:
    """Yields a list for what is renamed, and takes that back where the block fails; the next call does what this can't.

    A signal may come between a renaming and its entry in the list, so the file that isn't in it may have its new name.
    """
    renamed: list[Renaming] = []
    try:
        yield renamed
    except BaseException:  # Ctrl-C too
        with suppress(OSError):
            for each in plan.renamings[: len(renamed) + 1]:
                if each in renamed or not os.path.lexists(folder / each.alteration.name):
                    (folder / each.name).rename(folder / each.alteration.name)
            write_manifest(plan.lineage, plan.before)
            if plan.before == Manifest():
                (folder / NAME).unlink()
        raise


def _rename(folder: Path, renaming: Renaming) -> None:
    new = folder / renaming.name
    if os.path.lexists(new):
        raise FileExistsError(17, "a file of that name is there", str(new))
    (folder / renaming.alteration.name).rename(new)


def _put_on_disk(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def find_uncommitted(plan: ReleasePlan) -> tuple[str, ...]:
    """Returns a note about files of a release that git has no commit of as they are; none where there is no git."""
    folder = str(find_folder(plan.lineage.location))
    try:
        if not plan.renamings or not has_work_tree(folder):
            return ()
        found = sorted(uncommitted(folder, [each.alteration.name for each in plan.renamings]))
    except GitFailed:  # said again when the release is staged
        return ()
    return tuple(few([f"{name} isn't committed as it is now; it is released so" for name in found], "aren't committed"))


def stage_release(plan: ReleasePlan) -> ReleasePlan:
    """Stages a release where git keeps its files, and returns its plan with what became of that.

    What is staged is what was frozen, an edit that wasn't committed as well: a commit must not hold another file than
    its manifest says.
    """
    folder = str(find_folder(plan.lineage.location))
    try:
        if not has_work_tree(folder):
            return plan
        stage(folder, [*plan.files, NAME])
    except GitFailed as error:
        note = f"git hasn't staged the release: {error}; to stage it: git add --all {shlex.quote(folder)}"
        return plan._replace(notes=(*plan.notes, note))
    return plan._replace(staged=True)
