"""Reads folders and import packages as lineages of alterations; locks a folder for a change."""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sartor.alterations.release_list import read_releases
from sartor.alterations.squashed import read_squashed
from sartor.domain.alteration import (
    NO_SETTINGS,
    Alteration,
    Checksum,
    Lineage,
    Misnamed,
    ScriptSettings,
    checksum,
    make_lineage,
)
from sartor.domain.file_names import parse_file_name
from sartor.domain.package_folders import package_folders
from sartor.errors import CatalogueError

SEEDS = "seeds"
"""The name of the folder inside a lineage's folder that holds its seed modules."""

HOOKS_FILE = "hooks.py"
"""The name of the file, in a lineage's folder, that holds its hooks."""

_BLOCK = 65_536
"""The bytes that are read at once."""

_FLAGS = os.O_RDONLY | os.O_NONBLOCK
"""How a file is opened: a pipe of such a name would wait for a writer."""


def read_lineage(name: str, location: str, given: ScriptSettings = NO_SETTINGS) -> Lineage:
    """Reads the lineage in a folder or an import package. Raises CatalogueError, naming the file or the folder.

    `given` is what the settings give to its scripts.
    """
    alterations, misnamed = survey(name, location, given)
    if misnamed:  # an error before any file is read
        raise misnamed[0].error
    folder = str(find_folder(location))
    if squashed := read_squashed(name, folder):
        files = list(alterations)
        here = {each.id for each in files}
        alterations = iter([*files, *(each for each in squashed if each.id not in here)])
    return make_lineage(name, location, alterations, releases=read_releases(folder), given=given)


def survey(
    name: str, location: str, given: ScriptSettings = NO_SETTINGS
) -> tuple[Iterator[Alteration], list[Misnamed]]:
    """Returns a lineage's files: its alterations, read one by one when they are asked for, and those with wrong names.

    Raises CatalogueError where there is no such folder; the iterator raises it where a file can't be read.
    """
    folder, named, misnamed = str(find_folder(location)), [], []
    for each in _list_scripts(folder):
        try:
            named.append((each, *parse_file_name(each)))
        except CatalogueError as error:
            misnamed.append(Misnamed(lineage=name, name=each, file=f"{folder}/{each}", error=error))
    found = (Alteration(name, i, release, each, _sum(f"{folder}/{each}"), folder, given) for each, release, i in named)
    return found, misnamed


def find_folder(location: str) -> Path:
    """Returns the folder of `location`: a path, or an import package such as `acme.alterations`.

    Raises CatalogueError where there is none.
    """
    path = Path(location)
    if path.is_dir():
        return path.absolute()
    if path.exists():
        raise CatalogueError(f"{location} is a file; alterations are in a folder")
    if package := _find_package(location):
        return package
    raise CatalogueError(
        f"no alterations found at {location}: it is neither a folder nor an import package",
        hint="give the folder or the package with `sources`",
    )


def _find_package(name: str) -> Path | None:
    places = list(map(Path, package_folders(name, CatalogueError)))
    if places and not any(map(Path.is_dir, places)):
        raise CatalogueError(
            f"the package {name} is at {places[0]}, which isn't a folder: alterations are read from files",
            hint="install the package as pip does, unpacked: not in a zip file",
        )
    return next(filter(Path.is_dir, places), None)


def _list_scripts(folder: str) -> list[str]:
    """Returns the names of files that are alterations, or look like one, in their order.

    `_helpers.py`, `hooks.py`, `README.md` and folders don't; dead links do.
    """
    with os.scandir(folder) as entries:
        found = [
            name
            for entry in entries
            if (name := entry.name)[0] not in "_." and name.lower().endswith((".py", ".sql")) and not entry.is_dir()
        ]
    if HOOKS_FILE in found:
        found.remove(HOOKS_FILE)
    found.sort()
    return found


def _sum(file: str) -> str:
    """Returns the checksum of a file's content. Raises CatalogueError."""
    # Each command reads every file, and there may be ten thousand: a small one takes three calls of the system.
    try:
        descriptor = os.open(file, _FLAGS)
        try:
            block = os.pread(descriptor, _BLOCK, 0)  # a pipe or a terminal has no offsets, so this fails
        finally:
            os.close(descriptor)
    except OSError:
        block = b""
    if 0 < len(block) < _BLOCK:
        return checksum(block)
    summing = Checksum()
    for block in file_blocks(file):
        summing.update(block)
    return summing.text


def file_blocks(file: str) -> Iterator[bytes]:
    """Yields a file's content, block by block. Raises CatalogueError."""
    try:
        descriptor = os.open(file, _FLAGS)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise CatalogueError(
                    f"{file} can't be read: not a regular file", hint="move the file out of the folder"
                )
            # A regular file gives fewer bytes than asked for at its end alone.
            while len(block := os.read(descriptor, _BLOCK)) == _BLOCK:
                yield block
            yield block
        finally:
            os.close(descriptor)
    except OSError as error:
        raise CatalogueError(f"{file} can't be read: {error.strerror}") from error


def read_script(alteration: Alteration) -> bytes:
    """Returns the alteration's content. Raises CatalogueError where it has changed: what runs is what is recorded."""
    return b"".join(script_blocks(alteration))


def script_blocks(alteration: Alteration) -> Iterator[bytes]:
    """Yields the alteration's content block by block; raises CatalogueError at the end where it has changed."""
    summing = Checksum()
    for block in file_blocks(alteration.file):
        summing.update(block)
        yield block
    if summing.text != alteration.checksum:
        raise CatalogueError(f"{alteration.name} was changed during the run", hint="run the command again")


def seed_files(location: str) -> list[Path]:
    """Returns the seed modules of a lineage, in the order of their names."""
    folder = find_folder(location) / SEEDS
    if not folder.is_dir():
        return []
    return sorted(f for f in folder.iterdir() if f.suffix == ".py" and f.name[0] not in "_." and f.is_file())


PATIENCE = 10.0
"""Seconds to wait for other processes: each holds the folder for a few milliseconds."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the folder's lock while the block lasts; the end of the process releases it, too.

    Raises OSError; it is a TimeoutError where another process holds the folder for `PATIENCE` seconds.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    limit = time.monotonic() + PATIENCE
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > limit:
                raise TimeoutError(errno.ETIMEDOUT, "another process has locked its folder") from None
            time.sleep(0.01)
        except OSError:  # some network disks have no locks: taken as held
            return None
