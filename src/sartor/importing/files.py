"""Writes the files of an import."""

import os
from pathlib import Path

from sartor.alterations.files import locked
from sartor.domain.imported import Import
from sartor.errors import CatalogueError, UsageError
from sartor.importing.plan import identity_of


def require_possible(plan: Import) -> None:
    """Raises UsageError where something is refused."""
    if plan.refused:
        hint = "nothing was written; fix the files of the other tool, or write these alterations by hand"
        raise UsageError(f"{len(plan.refused)} of the migrations can't be imported", hint=hint)


def write_import(plan: Import) -> None:
    """Writes the files that aren't there yet, in their order, each of them whole.

    A process that is killed leaves the first ones, and the same call writes the rest. Raises UsageError where something
    is refused, CatalogueError where the folder can't be written to.
    """
    require_possible(plan)
    try:
        folder = Path(plan.folder)
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder):
            _require_unmade(plan, folder)
            for each in plan.new:
                _write(folder / each.name, each.text.encode())
            _sync(folder)
    except OSError as error:
        raise CatalogueError(f"{plan.folder} can't be written to: {error.strerror}", hint="run it again") from error


def _require_unmade(plan: Import, folder: Path) -> None:
    """Raises CatalogueError where another process has made one of the alterations since the plan, in any release."""
    new = {each.id for each in plan.new}
    if made := [each.name for each in sorted(folder.glob("*.*")) if identity_of(each.name) in new]:
        raise CatalogueError(f"{folder / made[0]} was made meanwhile; nothing was written", hint="run it again")


def _write(file: Path, content: bytes) -> None:
    """Writes a file that appears whole, and overwrites none. Raises OSError."""
    part = file.with_name(f"_{file.name}.part")  # no name of an alteration
    try:
        with part.open("wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        if os.path.lexists(file):
            raise FileExistsError(17, f"{file.name} was made meanwhile", str(file))
        part.rename(file)
    finally:
        part.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
