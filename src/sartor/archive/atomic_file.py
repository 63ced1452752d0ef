"""Files that appear under their name only when they are complete."""

import errno
import fcntl
import hashlib
import itertools
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SUFFIX = ".sartor-part"


class AtomicFile:
    """A file that is being written at `path`; `publish` gives it its final name."""

    def __init__(self, path: Path, final: Path, descriptor: int) -> None:
        self.path = path
        self._final = final
        self._descriptor = descriptor

    @property
    def size(self) -> int:
        """The size so far, in bytes."""
        return os.fstat(self._descriptor).st_size

    def digest(self) -> str:
        """Returns the SHA-256 of its content, in hexadecimal."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def publish(self, others: Iterable[Path] = ()) -> Path:
        """Gives the file its final name, or the first free one of `others`; syncs file and folder to the disk.

        Returns the name. Raises FileExistsError where none is free.
        """
        os.fsync(self._descriptor)
        name = next((name for name in itertools.chain([self._final], others) if self._takes(name)), None)
        if name is None:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(self._final))
        folder = os.open(name.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return name

    def _takes(self, name: Path) -> bool:
        """Gives the file a name; returns False where another file has it, which may have been made meanwhile."""
        try:
            name.hardlink_to(self.path)  # a rename would overwrite a file
        except FileExistsError:
            return False
        except OSError:  # not every file system has hard links
            if name.exists():
                return False
            self.path.rename(name)
        return True


@contextmanager
def atomic_file(final: Path) -> Iterator[AtomicFile]:
    """Creates a file beside `final`, for its owner alone; removes it after the block unless published. Raises OSError.

    Files of this kind that a killed process left in that folder are removed: the lock on them ended with the process.
    """
    _clean(final.parent)
    path, descriptor = _create(final)
    try:
        yield AtomicFile(path, final, descriptor)
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _create(final: Path) -> tuple[Path, int]:
    while True:
        path = final.parent / f".{final.name}.{secrets.token_hex(4)}{SUFFIX}"
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        with suppress(OSError):  # some network disks have no locks: leftovers stay there
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.exists():  # no process removed it as a leftover before it was locked
            return path, descriptor
        os.close(descriptor)


def _clean(folder: Path) -> None:
    for left in folder.glob(f".*{SUFFIX}"):
        if not left.is_file():  # opening a pipe would wait
            continue
        with suppress(OSError), left.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()
